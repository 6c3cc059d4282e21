#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The whole command on a made-up sysfs: exit status, and which words go to
# which stream. Whatever gets as far as the module ends at its absence, so
# this skips those where it is loaded.
#
# usage: test_command.sh PROGRAM

set -u
program=$1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
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
	VFIOPOLICY_SYSFS=$tmp/sys VFIOPOLICY_ROOT=$tmp/root \
		"$program" "$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ $got -eq "$want" ]
	result $? "exit $want: $what"
}

has() # STREAM TEXT
{
	grep -qF -- "$2" "$tmp/$1"
	result $? "    $1: $2"
}

silent() # STREAM
{
	[ ! -s "$tmp/$1" ]
	result $? "    $1: nothing"
}

device() # ADDRESS VENDOR DEVICE CLASS [DRIVER]
{
	d=$tmp/sys/bus/pci/devices/$1
	mkdir -p "$d"
	echo "0x$2" >"$d/vendor"
	echo "0x$3" >"$d/device"
	echo "0x$4" >"$d/class"
	[ -z "${5-}" ] || ln -s "../../drivers/$5" "$d/driver"
}

device 0000:00:1c.0 1b36 000c 060400 pcieport
device 0000:05:00.0 144d a80a 010802 nvme
device 0000:06:00.0 144d a80a 010802
device 0000:82:00.0 10de 1b39 030200

run 0 "help" --help
has out "usage: vfiopolicy COMMAND"
run 0 "help for a command" add --help
has out "--absent-ok"
run 0 "version" --version
has out "vfiopolicy "
run 1 "no command"
silent out
run 1 "misspelt command" lsit
has err "did you mean list?"
run 1 "not a rule" add 10de:1b3x
has err "expected a blank or the end of the rule"
has err "          ^"
silent out
run 1 "not a rule, as JSON" add -j 10de:1b3x
silent out
run 3 "no such device" add 1234:5678
has err "--absent-ok"
run 3 "nothing at that address" add 0000:05:00.0 10de:1b39
run 1 "two devices" add 144d:a80a
has err "144d:a80a is two devices here; name one, or say --all:"
has err "  vfiopolicy add at=0000:05:00.0 144d:a80a    # 0000:05:00.0 "
has err "  vfiopolicy add at=0000:06:00.0 144d:a80a    # 0000:06:00.0 "
has err "driver nvme"
run 1 "two devices, to be held" add hold 144d:a80a
has err "  vfiopolicy add hold at=0000:06:00.0 144d:a80a"
run 1 "a bridge" add 0000:00:1c.0
has err "is a bridge"
run 1 "not an option of this command" status --all
run 1 "a word that is nearly one" add 10de:1b39 drivr=x
has err "Did you mean driver=?"
run 1 "now only and later only" add --runtime --next-boot 10de:1b39

# Rule files, which need no module. They must be root's.
rules=$tmp/root/etc/vfiopolicy/rules.d
saved=$rules/50-local.rules
mkdir -p "$rules"
if [ "$(stat -c %u "$rules")" != 0 ]; then
	echo "# not root: rule files are left out"
else
	run 0 "saved for later" add --next-boot name=tesla 10de:1b39
	has out "$saved"
	grep -qx "vfio 10de:1b39 name=tesla" "$saved"
	result $? "    the file has it"
	grep -q "^#: .*0000:82:00.0" "$saved"
	result $? "    and says above it what it was"
	run 0 "saved again" add --next-boot 10de:1b39 name=tesla
	has out "it stands in"
	[ "$(grep -c 1b39 "$saved")" = 1 ]
	result $? "    once"
	run 1 "at odds with what is saved" add --next-boot hold 10de:1b39
	has err "50-local.rules, line"
	run 1 "a name that is taken" add --next-boot --absent-ok 1:2 name=tesla
	has err "the same name"
	run 1 "nothing to delete" del ""
	run 3 "no such disk" del /dev/nvme77n1
	run 1 "no such interface" add enp99s0
	has err "network interface"
	run 0 "a device by its address" add --next-boot hold 06:00.0
	grep -qx "hold at=0000:06:00.0 144d:a80a" "$saved"
	result $? "    place and ids are stored"
	printf '# mine\nvfio 144d:a80b \\\n  clas=3d\n' >"$rules/60-bad.rules"
	run 1 "apply with a bad rule" apply
	has err "60-bad.rules"
	has err "class="
	rm "$rules/60-bad.rules"
	chmod o+w "$saved"
	run 1 "apply of what anybody may write" apply
	has err "chmod"
	run 2 "nothing is added to it either" add --next-boot 1:2 --absent-ok
	has err "chmod"
	chmod o-w "$saved"
fi

run 0 "snapshot" snapshot
cp "$tmp/out" "$tmp/host.json"
has out '"vfiopolicy-snapshot"'
run 0 "explain on a snapshot" explain 82:00.0 --on "$tmp/host.json"
run 3 "explain what is not there" explain 99:00.0 --on "$tmp/host.json"
run 1 "explain on what is no snapshot" explain 82:00.0 --on "$program"

if grep -qs vfiopolicy /proc/modules; then
	echo "# the module is loaded: the rest is left out"
else
	for words in "add 10de:1b39" "add 82:00.0" "add hold 0000:06:00.0" \
		     "add --all 144d:a80a" "add --absent-ok 1234:5678" \
		     "list" "status" "apply" \
		     "status 82:00.0" "monitor" "list -j" "status -j"; do
		# shellcheck disable=SC2086
		run 2 "no module: $words" $words
		has err "modprobe vfiopolicy"
		silent out
	done
	if [ -e "$saved" ]; then
		run 0 "explain goes by the files" explain 82:00.0
		has out "tesla"
		has out "vfio 10de:1b39 name=tesla"
		run 0 "explain as JSON" explain -j 06:00.0
		has out '"fit": "match"'
		run 0 "deleted by name, from the files" del tesla
		has out "deleted from $saved"
		! grep -q 1b39 "$saved"
		result $? "    it is gone, and what stood above it"
		run 0 "deleted by the device" del hold 0000:06:00.0
		run 2 "nothing is left to delete" del 1
		has err "modprobe vfiopolicy"
	fi
	run 0 "list -a needs no module" list -a
	has out "0000:06:00.0  144d:a80a  -"
	has err "the module is not loaded"
	grep -q 0000:00:1c.0 "$tmp/out"
	[ $? -eq 1 ]
	result $? "    bridges are left out"
	run 0 "nor does it as JSON" list -a -j
	has out '"version": 1'
	has out '"device": "1b39"'
	run 0 "and without a heading" list --all --no-legend -n
	grep -q ADDRESS "$tmp/out"
	[ $? -eq 1 ]
	result $? "    no heading"
fi

VFIOPOLICY_SYSFS=/nonexistent "$program" add 10de:1b39 >"$tmp/out" 2>"$tmp/err"
[ $? -eq 2 ]
result $? "exit 2: no sysfs"
has err "/nonexistent/bus/pci/devices"

if [ -w /dev/full ]; then
	"$program" --help >/dev/full 2>"$tmp/err"
	[ $? -eq 2 ]
	result $? "exit 2: no room for the output"
fi

echo "1..$n"
exit $failed
