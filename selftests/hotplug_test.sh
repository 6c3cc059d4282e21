#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Devices that are plugged in: remove and rescan in a loop, and a real NVMe
# that QEMU adds behind a root port while the guest runs.
# Controls: without the rule nvme binds what was plugged in.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

CYCLES=${VP_REPLUGS:-10}
IGB=$(one_of 8086:10c9)
[ -n "$IGB" ] || skip "needs an igb"
[ -e "$SYS/$IGB/iommu_group" ] || skip "needs an IOMMU"
[ -n "${VP_HOTPLUG_BUS:-}" ] || skip "needs a root port to plug into"
MONITOR=$(dirname "$0")/vm/monitor

TESTS="remove_and_rescan
	control_plugged_in_nvme_gets_its_driver
	plugged_in_nvme_reaches_vfio
	pulled_while_isolated_its_record_goes"

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

remove_and_rescan() {
	local i last now

	load "rules=\"vfio $IGB\"" || return 1
	for ((i = 0; i < CYCLES; i++)); do
		replug "$IGB" && wait_state "$IGB" isolated || return 1
		now=$(dev "$IGB" generation)
		[ "$now" != "${last:-}" ] || return 1
		last=$now
	done
	same "devices known" "$(vpnl devs | wc -l)" 1
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

run_tests
