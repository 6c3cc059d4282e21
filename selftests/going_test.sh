#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Devices that go away, at the worst moment, and what comes to their address
# afterwards: cards that are reprogrammed, pulled, or still busy with a driver
# that takes its time. On the test bus, with a greedy driver as the host's own.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

CARD=1000:00:07.0
OTHER=1000:00:08.0
FPGA=10ee:903f
LOADED=10ee:9038
# How long the greedy driver's remove takes where it matters, in ms: what is to
# happen meanwhile takes a tenth of it on a busy machine.
REMOVAL=$((4000 * ${VP_SLOW:-1}))
GREEDY=/sys/module/greedy/parameters
need_debugfs
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
insmod "$VP_MODULES/greedy.ko" domain=0x1000 bind=1 || skip "needs greedy"

TESTS="control_a_reprogrammed_card_gets_a_driver
	reprogrammed_it_is_another_device
	changed_hold_keeps_what_returns_as_another
	pulled_out_its_record_goes
	pulled_out_while_it_is_taken_over
	a_late_worker_leaves_the_next_device_alone
	a_driver_that_hangs_in_remove_delays_nobody"

after_each() {
	echo 0 > $GREEDY/remove_delay_ms
	unload
	testbus "del $CARD"
	testbus "del $OTHER"
} 2> /dev/null

at_end() {
	rmmod greedy
	rmmod testbus
}

generation_of() {
	dev "$1" generation
}

control_a_reprogrammed_card_gets_a_driver() {
	load && testbus "add $CARD $FPGA" && wait_driver $CARD greedy_sync &&
		testbus "redefine $CARD $LOADED" && wait_driver $CARD greedy_sync
}

# Named by its id: with another one it is the host's, and its again later.
reprogrammed_it_is_another_device() {
	local first

	load "rules=\"hold $FPGA\"" && testbus "add $CARD $FPGA" &&
		wait_state $CARD held || return 1
	first=$(generation_of $CARD)
	testbus "redefine $CARD $LOADED" && wait_state $CARD none &&
		wait_driver $CARD greedy_sync &&
		same override "$(override_of $CARD)" "(null)" &&
		testbus "redefine $CARD $FPGA" && wait_state $CARD held &&
		same driver "$(driver_of $CARD)" vfiopolicy &&
		expect "another generation" test "$(generation_of $CARD)" -gt "$first"
}

changed_hold_keeps_what_returns_as_another() {
	load "rules=\"hold $CARD $FPGA changed=hold\"" &&
		testbus "add $CARD $FPGA" && wait_state $CARD held &&
		testbus "redefine $CARD $LOADED" &&
		wait_state $CARD held changed &&
		same driver "$(driver_of $CARD)" vfiopolicy &&
		testbus "redefine $CARD $FPGA" && wait_state $CARD held none
}

pulled_out_its_record_goes() {
	load "rules=\"hold $FPGA\"" && testbus "add $CARD $FPGA" &&
		wait_state $CARD held && testbus "yank $CARD" &&
		wait_state $CARD none && same "devices known" "$(vpnl devs)" "" &&
		testbus "add $CARD $FPGA" && wait_state $CARD held
}

# taking_over ADDRESS: its rule has it taken from a driver that is slow to let go
taking_over() {
	testbus "add $1 $FPGA" && wait_driver "$1" greedy_sync &&
		echo $REMOVAL > $GREEDY/remove_delay_ms &&
		vpnl add "hold $1" > /dev/null && wait_state "$1" native &&
		vpnl claim "$1" > /dev/null &&
		wait_state "$1" native taking-over
}

pulled_out_while_it_is_taken_over() {
	load && taking_over $CARD && testbus "yank $CARD" &&
		wait_state $CARD none && same "devices known" "$(vpnl devs)" ""
}

# The worker of the first one comes back from the slow driver when another card
# sits at the address, which no rule names.
a_late_worker_leaves_the_next_device_alone() {
	local first

	load && taking_over $CARD || return 1
	first=$(generation_of $CARD)
	testbus "del $CARD" && wait_state $CARD none &&
		vpnl del "hold $CARD" && echo 0 > $GREEDY/remove_delay_ms &&
		testbus "add $CARD $LOADED" && wait_driver $CARD greedy_sync &&
		vpnl add "hold $CARD" > /dev/null && wait_state $CARD native &&
		expect "another generation" test "$(generation_of $CARD)" -gt "$first" &&
		same override "$(override_of $CARD)" "(null)" &&
		vpnl claim $CARD > /dev/null && wait_state $CARD held
}

# Order, not time: the second is through while the first is not.
a_driver_that_hangs_in_remove_delays_nobody() {
	local n

	load && taking_over $CARD && echo 0 > $GREEDY/remove_delay_ms &&
		testbus "add $OTHER $FPGA" && wait_driver $OTHER greedy_sync &&
		vpnl add "hold $OTHER" > /dev/null && vpnl claim $OTHER > /dev/null &&
		wait_state $OTHER held || return 1
	n=$(vpnl devs | wc -l)
	same "the first one" "$(dev $CARD reason)" taking-over &&
		same "devices in a dump" "$n" 2 && wait_state $CARD held
}

run_tests
