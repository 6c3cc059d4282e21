#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Drivers that match everything, one synchronous and one asynchronous, count
# their probes of devices that come and go on the test bus.
# Control: without the rule they are probed.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

CYCLES=${VP_CYCLES:-200}
ADDR=1000:00:07.0
PROBES=/sys/kernel/debug/greedy/probes
need_debugfs
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
# The test bus alone: on the real one greedy would be in the way of others.
insmod "$VP_MODULES/greedy.ko" domain=0x1000 || skip "needs greedy"

TESTS="control_greedy_drivers_are_probed_without_a_rule
	claimed_devices_are_never_probed
	claimed_bursts_are_never_probed
	drivers_that_come_later_are_not_probed
	module_that_goes_leaves_them_closed"

after_each() {
	unload
	echo 0 > $PROBES
}

at_end() {
	rmmod greedy
	rmmod testbus
}

probes() {
	sed -n 's/^total //p' $PROBES
}

cycle() {
	local i

	for ((i = 0; i < $1; i++)); do
		testbus "add $ADDR 1234:5678" && testbus "del $ADDR" || return 1
	done
}

control_greedy_drivers_are_probed_without_a_rule() {
	load && cycle 5 && expect "probes: $(probes)" test "$(probes)" -ge 5
}

claimed_devices_are_never_probed() {
	load 'rules="vfio 1234:5678"' && cycle "$CYCLES" &&
		same "probes in $CYCLES cycles" "$(probes)" 0 &&
		same "devices known at the end" "$(vpnl devs | wc -l)" 0
}

# 64 at a time, so that probes and removals overlap with the work items.
claimed_bursts_are_never_probed() {
	local i define="" del=""

	for ((i = 0; i < 8; i++)); do
		define+=$(printf 'define 1000:00:%02x.0 1234:5678\n ' "$i")$'\n'
		del+=$(printf 'del 1000:00:%02x.0\n ' "$i")$'\n'
	done
	load 'rules="vfio 1234:5678"' || return 1
	for ((i = 0; i < 20; i++)); do
		printf '%srescan\n%s' "$define" "$del" \
			> /sys/kernel/debug/testbus/control || return 1
	done
	same probes "$(probes)" 0
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
