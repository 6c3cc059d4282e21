# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# For tests of the whole command on a made-up host: results in KTAP, and a
# tree in $tmp/root whose sysfs is the folder sys of it. Sourced with the
# program as the first word.

program=$1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root
sys=$root/sys
n=0
failed=0
echo "KTAP version 1"

result() # STATUS DESCRIPTION
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# out: /' "$tmp/out"
		sed 's/^/# err: /' "$tmp/err"
		failed=1
	fi
}

run() # EXPECTED_STATUS DESCRIPTION [WORD]...
{
	want=$1
	what=$2
	shift 2
	VFIOPOLICY_SYSFS=$sys VFIOPOLICY_ROOT=$root VFIOPOLICY_PROC=$root/proc \
		VFIOPOLICY_DEV=$root/dev \
		"$program" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	[ $got -eq "$want" ]
	result $? "exit $want: $what"
}

has() # STREAM TEXT
{
	grep -qF -- "$2" "$tmp/$1"
	result $? "    $1: $2"
}

hasnt() # STREAM TEXT
{
	! grep -qF -- "$2" "$tmp/$1"
	result $? "    $1, not: $2"
}

silent() # STREAM
{
	[ ! -s "$tmp/$1" ]
	result $? "    $1: nothing"
}

skip() # DESCRIPTION REASON
{
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

put() # FILE, with what is on standard input
{
	mkdir -p "$root/$(dirname "$1")"
	cat >"$root/$1"
}

device() # ADDRESS VENDOR DEVICE CLASS [DRIVER [GROUP]], - for none
{
	d=$sys/bus/pci/devices/$1
	mkdir -p "$d"
	echo "0x$2" >"$d/vendor"
	echo "0x$3" >"$d/device"
	echo "0x$4" >"$d/class"
	echo "(null)" >"$d/driver_override"
	[ "${5--}" = - ] || ln -s "../../drivers/$5" "$d/driver"
	[ "${6--}" = - ] ||
		ln -s "../../../../kernel/iommu_groups/$6" "$d/iommu_group"
}

finish()
{
	echo "1..$n"
	exit $failed
}
