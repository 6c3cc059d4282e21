#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A device that a rule names, and that comes after the rule, never meets its
# native driver: real nvme and igb, behind an emulated IOMMU.
# Controls: without the rule, nvme and igb do bind.
# Oracles: ftrace on the native drivers' probes, the Bus Master bit, /dev/vfio,
# and what sysfs says of the devices that are not ours.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

NVME=$(one_of 1b36:0010)
IGB=$(one_of 8086:10c9)
[ -n "$NVME" ] || skip "needs an NVMe"
[ -n "$IGB" ] || skip "needs an igb"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"

TESTS="control_nvme_and_igb_bind_without_a_rule
	nvme_by_id_reaches_vfio igb_by_id_reaches_vfio
	native_drivers_were_never_entered
	hold_keeps_it_on_the_stub
	bus_mastering_is_off_when_held
	ids_parameter_takes_the_syntax_of_vfio_pci
	rule_over_netlink_claims_the_next_time
	others_of_the_host_are_untouched"

after_each() {
	unload
	wait_driver "$NVME" nvme
	wait_driver "$IGB" igb
}

control_nvme_and_igb_bind_without_a_rule() {
	load && replug "$NVME" "$IGB" &&
		wait_driver "$NVME" nvme && wait_driver "$IGB" igb &&
		same "master of nvme" "$(bus_master "$NVME")" 1
}

reaches_vfio() {
	local addr=$1 id=$2

	load "rules=\"vfio $id\"" && replug "$addr" &&
		wait_state "$addr" isolated &&
		same driver "$(driver_of "$addr")" vfio-pci &&
		same override "$(override_of "$addr")" vfio-pci &&
		expect "a node for users" test -c "/dev/vfio/$(group_of "$addr")" &&
		same "group told" "$(dev "$addr" group)" "$(group_of "$addr")" &&
		same adopted "$(dev "$addr" adopted)" 0
}

nvme_by_id_reaches_vfio() {
	reaches_vfio "$NVME" 1b36:0010
}

igb_by_id_reaches_vfio() {
	reaches_vfio "$IGB" 8086:10c9
}

native_drivers_were_never_entered() {
	local hits

	trace_functions nvme_probe igb_probe || return 1
	load 'rules="vfio 1b36:0010; vfio 8086:10c9"' &&
		replug "$NVME" "$IGB" &&
		wait_state "$NVME" isolated && wait_state "$IGB" isolated &&
		same "probes with the rule" "$(traced)" 0 &&
		unload && trace_clear && replug "$NVME" "$IGB" &&
		wait_driver "$NVME" nvme && wait_driver "$IGB" igb
	local ret=$?
	hits=$(traced)
	trace_end
	[ $ret = 0 ] && expect "control: $hits probes without it" test "$hits" -ge 2
}

hold_keeps_it_on_the_stub() {
	load 'rules="hold 1b36:0010"' && replug "$NVME" &&
		wait_state "$NVME" held none &&
		same driver "$(driver_of "$NVME")" vfiopolicy &&
		same override "$(override_of "$NVME")" vfiopolicy &&
		expect "no node" test ! -e "/dev/vfio/$(group_of "$NVME")"
}

bus_mastering_is_off_when_held() {
	same "master while native" "$(bus_master "$NVME")" 1 &&
		load 'rules="hold 1b36:0010; vfio 8086:10c9"' &&
		replug "$NVME" "$IGB" &&
		wait_state "$NVME" held && wait_state "$IGB" isolated &&
		same "master while held" "$(bus_master "$NVME")" 0 &&
		same "master while isolated" "$(bus_master "$IGB")" 0
}

ids_parameter_takes_the_syntax_of_vfio_pci() {
	load ids=10de:1b39,1b36:0010:ffffffff:ffffffff:010802:ffffff,8086:10c9 &&
		same rules "$(vpnl rules | tr '\n' ';')" \
			"1 cmdline vfio 10de:1b39;2 cmdline vfio 1b36:0010 class=nvme;3 cmdline vfio 8086:10c9;" &&
		replug "$NVME" "$IGB" &&
		wait_state "$NVME" isolated && wait_state "$IGB" isolated
}

rule_over_netlink_claims_the_next_time() {
	load && same answer "$(vpnl add "vfio $NVME")" "1 runtime vfio $NVME" &&
		wait_state "$NVME" native native-driver &&
		same "driver before" "$(driver_of "$NVME")" nvme &&
		replug "$NVME" && wait_state "$NVME" isolated &&
		same "driver after" "$(driver_of "$NVME")" vfio-pci
}

others_of_the_host_are_untouched() {
	local before after

	before=$(for d in "$SYS"/*; do
		echo "$d $(driver_of "$(basename "$d")") $(cat "$d/driver_override")"
	done | grep -v "$NVME")
	load "rules=\"vfio $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" isolated || return 1
	after=$(for d in "$SYS"/*; do
		echo "$d $(driver_of "$(basename "$d")") $(cat "$d/driver_override")"
	done | grep -v "$NVME")
	same "drivers and overrides of the others" "$after" "$before"
}

run_tests
