#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Identical NVMe drives: a rule by address picks one of them, and the first
# rule that matches has the say.
# Control: the twins do have the same ids, and the other stays with nvme.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

read -ra TWINS <<< "$(all_of 1b36:0010 | tr '\n' ' ')"
[ "${#TWINS[@]}" -ge 2 ] || skip "needs two identical NVMe"
ONE=${TWINS[0]}
TWO=${TWINS[1]}

TESTS="control_they_are_twins
	address_picks_one
	address_and_id_must_both_hold
	two_rules_two_fates
	first_match_wins
	deleting_the_first_rule_hands_over_to_the_second"

after_each() {
	unload
	wait_driver "$ONE" nvme
	wait_driver "$TWO" nvme
}

ids_of() {
	cat "$SYS/$1"/{vendor,device,subsystem_vendor,subsystem_device,class} |
		tr '\n' ' '
}

control_they_are_twins() {
	same "ids of the twins" "$(ids_of "$ONE")" "$(ids_of "$TWO")" &&
		load && replug "$ONE" "$TWO" &&
		wait_driver "$ONE" nvme && wait_driver "$TWO" nvme
}

address_picks_one() {
	load "rules=\"vfio $TWO\"" && replug "$ONE" "$TWO" &&
		wait_state "$TWO" isolated && wait_driver "$ONE" nvme &&
		same "devices known" "$(vpnl devs | wc -l)" 1
}

address_and_id_must_both_hold() {
	load "rules=\"vfio $ONE 10de:1b39; vfio $TWO 1b36:0010\"" &&
		replug "$ONE" "$TWO" && wait_state "$TWO" isolated &&
		wait_driver "$ONE" nvme
}

two_rules_two_fates() {
	load "rules=\"hold $ONE; vfio $TWO\"" && replug "$ONE" "$TWO" &&
		wait_state "$TWO" isolated && wait_state "$ONE" held none &&
		same "driver of one" "$(driver_of "$ONE")" vfiopolicy &&
		same "driver of two" "$(driver_of "$TWO")" vfio-pci
}

first_match_wins() {
	load "rules=\"hold $ONE; vfio 1b36:0010\"" && replug "$ONE" "$TWO" &&
		wait_state "$TWO" isolated && wait_state "$ONE" held none &&
		same "rule of one" "$(dev "$ONE" rule)" 1 &&
		same "rule of two" "$(dev "$TWO" rule)" 2
}

deleting_the_first_rule_hands_over_to_the_second() {
	load "rules=\"hold $ONE; vfio $ONE 1b36:0010\"" && replug "$ONE" &&
		wait_state "$ONE" held none && vpnl del 1 &&
		wait_state "$ONE" isolated &&
		same rule "$(dev "$ONE" rule)" 2
}

run_tests
