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
	VFIOPOLICY_SYSFS=$tmp/sys "$program" "$@" >"$tmp/out" 2>"$tmp/err"
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
has err "  vfiopolicy add 0000:05:00.0 144d:a80a    # nvme, "
has err "  vfiopolicy add 0000:06:00.0 144d:a80a    # no driver, "
run 1 "two devices, to be held" add hold 144d:a80a
has err "  vfiopolicy add hold 0000:06:00.0 144d:a80a"
run 1 "a bridge" add 0000:00:1c.0
has err "is a bridge"
run 1 "not an option of this command" status --all

if grep -qs vfiopolicy /proc/modules; then
	echo "# the module is loaded: the rest is left out"
else
	for words in "add 10de:1b39" "add 82:00.0" "add hold 0000:06:00.0" \
		     "add --all 144d:a80a" "add --absent-ok 1234:5678" \
		     "del 1" "del 10de:1b39" "list" "status" \
		     "status 82:00.0" "monitor" "list -j" "status -j"; do
		# shellcheck disable=SC2086
		run 2 "no module: $words" $words
		has err "modprobe vfiopolicy"
		silent out
	done
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
