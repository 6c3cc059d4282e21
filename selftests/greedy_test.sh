#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Drivers that match everything, one synchronous and one asynchronous, count
# their probes of devices that come and go on the test bus.
# Control: without the rule they are probed.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

CYCLES=${VP_CYCLES:-2000}
ADDR=1000:00:07.0
PROBES=/sys/kernel/debug/greedy/probes
AGAIN=/sys/kernel/debug/greedy/again
CONTROL=/sys/kernel/debug/testbus/control
DIR=$(mktemp -d)
need_debugfs
# User space is not told: what it does of each takes longer than all the rest.
insmod "$VP_MODULES/testbus.ko" silent=1 || skip "needs the test bus"
# The test bus alone: on the real one greedy would be in the way of others.
insmod "$VP_MODULES/greedy.ko" domain=0x1000 || skip "needs greedy"

TESTS="control_greedy_drivers_are_probed_without_a_rule
	control_races_are_seen
	claimed_devices_are_never_probed
	claimed_bursts_are_never_probed
	claimed_while_drivers_come_they_are_not_probed
	drivers_that_come_later_are_not_probed
	module_that_goes_leaves_them_closed"

# Without the line for each claim, on a console that is slow.
dmesg -n 5

after_each() {
	unload
	echo 0 > $PROBES
}

at_end() {
	rmmod greedy
	rmmod testbus
	rm -r "$DIR"
	dmesg -n 7
}

probes() {
	sed -n 's/^total //p' $PROBES
}

# cycles COUNT: a device comes and goes so often, 200 times a write
cycles() {
	local i text=""

	for ((i = 0; i < 200; i++)); do
		text+="add $ADDR 1234:5678"$'\n'"del $ADDR"$'\n'
	done
	for ((i = 0; i < $1; i += 200)); do
		printf '%s' "$text" > $CONTROL || return 1
	done
}

# Eight at a time, so that probes and removals overlap with the work items.
bursts() {
	local i define="" del="" text=""

	for ((i = 0; i < 8; i++)); do
		define+=$(printf 'define 1000:00:%02x.0 1234:5678\n ' "$i")$'\n'
		del+=$(printf 'del 1000:00:%02x.0\n ' "$i")$'\n'
	done
	for ((i = 0; i < 25; i++)); do
		text+="${define}rescan"$'\n'"$del"
	done
	for ((i = 0; i < $1; i += 200)); do
		printf '%s' "$text" > $CONTROL || return 1
	done
}

# racing COMMAND...: while both drivers leave and come again in a loop. They
# are tried on every device that is there whenever they come.
racing() {
	local loop ret=0

	rm -f "$DIR/stop"
	while [ ! -e "$DIR/stop" ]; do
		echo 1 > $AGAIN || exit 1
	done &
	loop=$!
	"$@" || ret=1
	touch "$DIR/stop"
	expect "the drivers came again" wait $loop && return $ret
}

control_greedy_drivers_are_probed_without_a_rule() {
	load && cycles 200 &&
		expect "probes: $(probes)" test "$(probes)" -ge 200
}

control_races_are_seen() {
	load && racing bursts 200 &&
		expect "probes: $(probes)" test "$(probes)" -ge 100
}

# never_probed COMMAND...: with so many claims as its last word says
never_probed() {
	local start=$SECONDS

	load 'rules="vfio 1234:5678"' && "$@" || return 1
	same "probes in ${!#} claims" "$(probes)" 0 &&
		same "devices known at the end" "$(vpnl devs | wc -l)" 0 &&
		say "${!#} claims, ${*:1:$#-1}, in $((SECONDS - start)) s"
}

claimed_devices_are_never_probed() {
	never_probed cycles $((CYCLES * 2 / 5))
}

claimed_bursts_are_never_probed() {
	never_probed bursts $((CYCLES * 2 / 5))
}

claimed_while_drivers_come_they_are_not_probed() {
	never_probed racing bursts $((CYCLES / 5))
}

drivers_that_come_later_are_not_probed() {
	local i

	load 'rules="hold 1234:5678"' && testbus "add $ADDR 1234:5678" &&
		wait_state $ADDR held || return 1
	for ((i = 0; i < 8; i++)); do
		rmmod greedy && insmod "$VP_MODULES/greedy.ko" domain=0x1000 ||
			return 1
	done
	same probes "$(probes)" 0
	local ret=$?
	testbus "del $ADDR" && return $ret
}

# rmmod leaves the override: nobody may have the device, not even greedy.
module_that_goes_leaves_them_closed() {
	load 'rules="hold 1234:5678"' && testbus "add $ADDR 1234:5678" &&
		wait_state $ADDR held && rmmod vfiopolicy &&
		rmmod greedy && insmod "$VP_MODULES/greedy.ko" domain=0x1000 &&
		same probes "$(probes)" 0 &&
		same driver "$(driver_of $ADDR)" - &&
		same override "$(override_of $ADDR)" vfiopolicy
	local ret=$?
	testbus "del $ADDR" && return $ret
}

run_tests
