#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Devices that are plugged in: remove and rescan in a loop, one cycle in ten of
# a real NVMe and the others of a function of the test bus; and a real NVMe that
# QEMU adds behind a root port while the guest runs.
# Controls: without the rule nvme binds what was plugged in.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

CYCLES=${VP_REPLUGS:-200}
NVME=$(one_of 1b36:0010)
# One function comes and goes; the other one stays, and so does their bus.
MADE_UP=1000:00:07.0
STAYS=1000:00:1f.0
[ -n "$NVME" ] || skip "needs an NVMe"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
[ -n "${VP_HOTPLUG_BUS:-}" ] || skip "needs a root port to plug into"
MONITOR=$(dirname "$0")/vm/monitor

need_debugfs
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
modprobe vfio-pci

TESTS="removed_and_rescanned_a_drive_is_isolated
	removed_and_rescanned_a_made_up_one_is_held
	control_plugged_in_nvme_gets_its_driver
	plugged_in_nvme_reaches_vfio
	pulled_while_isolated_its_record_goes
	test_bus_can_leave"

after_each() {
	"$MONITOR" "device_del hot" > /dev/null 2>&1 &&
		until_true no_hot_nvme
	unload
}

# The drives that were there when the guest came up.
COLD=$(all_of 1b36:0010)

hot_nvme() {
	all_of 1b36:0010 | grep -vxF "$COLD"
}

has_hot_nvme() {
	[ -n "$(hot_nvme)" ]
}

no_hot_nvme() {
	[ -z "$(hot_nvme)" ]
}

plug() {
	"$MONITOR" "device_add nvme,id=hot,serial=hot,bus=$VP_HOTPLUG_BUS" &&
		expect "it appears" until_true has_hot_nvme
}

# cycles COUNT RULE TARGET STATE: see lib/actors.c; nothing is left behind
cycles() {
	local addr=${3%%,*} counts start

	load "rules=\"$2\"" && replug "$addr" && wait_state "$addr" "$4" ||
		return 1
	counts=$(counts_of "$addr" $STAYS)
	start=$SECONDS
	expect "each time it gets there" actors "x$1" cycle "$3" &&
		say "$1 cycles in $((SECONDS - start)) s, $counts" &&
		counts_are "$counts" "$addr" $STAYS &&
		same "devices known" "$(vpnl devs | wc -l)" 1
}

removed_and_rescanned_a_drive_is_isolated() {
	cycles $((CYCLES / 10)) "vfio $NVME" "$NVME,nvme,vfio" isolated
}

removed_and_rescanned_a_made_up_one_is_held() {
	testbus "add $STAYS 1234:0001" && testbus "add $MADE_UP 1234:5678" &&
		cycles $((CYCLES - CYCLES / 10)) "hold $MADE_UP" \
			"$MADE_UP,greedy_sync,hold" held
	local ret=$?
	testbus "del $MADE_UP"
	return $ret
}

control_plugged_in_nvme_gets_its_driver() {
	load && plug && wait_driver "$(hot_nvme)" nvme
}

plugged_in_nvme_reaches_vfio() {
	local hot

	# Those that nvme has keep it: the rule takes what comes.
	load 'rules="vfio 1b36:0010"' && trace_functions nvme_probe && plug &&
		hot=$(hot_nvme) && wait_state "$hot" isolated &&
		same driver "$(driver_of "$hot")" vfio-pci &&
		expect "a node for users" test -c "/dev/vfio/$(group_of "$hot")" &&
		same "entries of nvme_probe" "$(traced)" 0
	local ret=$?
	trace_end
	return $ret
}

pulled_while_isolated_its_record_goes() {
	local hot

	load 'rules="vfio 1b36:0010"' && plug && hot=$(hot_nvme) &&
		wait_state "$hot" isolated &&
		"$MONITOR" "device_del hot" && wait_state "$hot" none &&
		expect "it is gone" until_true no_hot_nvme
}

# Its rmmod waits until nobody has a function of it any more.
test_bus_can_leave() {
	rmmod testbus > /dev/null 2>&1 &
	expect "it left" until_true test ! -d /sys/module/testbus
}

run_tests
