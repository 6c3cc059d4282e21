#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A Tesla P10 (10de:1b39) of the test bus, with the real nouveau loaded.
# Control: without the rule nouveau's probe is entered.
# Oracles: ftrace on nouveau's probe, and what nouveau itself logs.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

P10=1000:00:05.0
# Loaded, so that its probe can be traced.
modprobe vfio-pci || skip "needs vfio-pci"
modprobe nouveau ||
	skip "needs nouveau"
need_debugfs
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"

TESTS="control_nouveau_is_entered_without_a_rule
	nouveau_is_never_entered_with_it
	it_stays_on_the_stub_without_a_group
	bus_mastering_goes_off
	it_comes_back_when_vfio_refuses_it
	the_native_driver_is_asked_again_after_del
	found_already_there_it_is_claimed_too"

after_each() {
	trace_end
	testbus "del $P10" 2> /dev/null
	unload
}

at_end() {
	rmmod testbus
}

control_nouveau_is_entered_without_a_rule() {
	load && trace_functions nouveau_drm_probe && log_mark &&
		testbus "add $P10 10de:1b39 class=030200" &&
		expect "the probe was entered" test "$(traced)" -ge 1 &&
		expect "nouveau says so" grep -q "nouveau.*$P10" <(log_since)
}

nouveau_is_never_entered_with_it() {
	load ids=10de:1b39 && trace_functions nouveau_drm_probe && log_mark &&
		testbus "add $P10 10de:1b39 class=030200" &&
		wait_state "$P10" held no-iommu-group &&
		same "entries of the probe" "$(traced)" 0 &&
		expect "nouveau is silent" test -z "$(log_since | grep "nouveau.*$P10")"
}

it_stays_on_the_stub_without_a_group() {
	load ids=10de:1b39 && testbus "add $P10 10de:1b39 class=030200" &&
		wait_state "$P10" held no-iommu-group &&
		same driver "$(driver_of "$P10")" vfiopolicy &&
		same override "$(override_of "$P10")" vfiopolicy &&
		same group "$(dev "$P10" group)" -1
}

bus_mastering_goes_off() {
	load && testbus "define $P10 10de:1b39 class=030200 cmd=0107" &&
		testbus rescan && same "master without a rule" "$(bus_master $P10)" 1 &&
		testbus "del $P10" && vpnl add "hold 10de:1b39" > /dev/null &&
		testbus "add $P10 10de:1b39 class=030200 cmd=0107" &&
		wait_state "$P10" held &&
		same "master when held" "$(bus_master $P10)" 0
}

# A group without an IOMMU behind it: enough for us to try, too little for
# vfio-pci, which refuses to probe.
it_comes_back_when_vfio_refuses_it() {
	load ids=10de:1b39 && trace_functions nouveau_drm_probe vfio_pci_probe &&
		testbus "define $P10 10de:1b39 class=030200 group=1" &&
		testbus rescan && wait_state "$P10" held target-refused &&
		same driver "$(driver_of "$P10")" vfiopolicy &&
		same override "$(override_of "$P10")" vfiopolicy &&
		same master "$(bus_master $P10)" 0 &&
		expect "vfio-pci was asked" grep -q vfio_pci_probe $TRACE/trace &&
		expect "nouveau was not" test -z "$(grep nouveau_drm $TRACE/trace)"
}

the_native_driver_is_asked_again_after_del() {
	load ids=10de:1b39 && testbus "add $P10 10de:1b39 class=030200" &&
		wait_state "$P10" held no-iommu-group &&
		trace_functions nouveau_drm_probe && vpnl del "vfio 10de:1b39" &&
		wait_state "$P10" none &&
		same override "$(override_of "$P10")" "(null)" &&
		expect "the probe was entered" test "$(traced)" -ge 1
}

found_already_there_it_is_claimed_too() {
	load && testbus "add $P10 10de:1b39 class=030200" &&
		same "driver before" "$(driver_of "$P10")" - &&
		vpnl add "vfio 10de:1b39" > /dev/null &&
		wait_state "$P10" held no-iommu-group &&
		same "driver after" "$(driver_of "$P10")" vfiopolicy
}

run_tests
