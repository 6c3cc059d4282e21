#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The ways out, and back in: rules deleted, devices in use, the module
# unloaded and loaded again, disabled, or given nonsense.
# Controls: what is refused is shown to work once the reason is gone.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

NVME=$(one_of 1b36:0010)
IGB=$(one_of 8086:10c9)
[ -n "$NVME" ] || skip "needs an NVMe"
[ -n "$IGB" ] || skip "needs an igb"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
modprobe vfio-pci

TESTS="del_gives_a_held_device_back
	del_gives_an_isolated_device_back
	del_is_refused_while_a_user_has_it_open
	rule_that_goes_midway_takes_it_back
	native_device_is_left_alone_and_reported
	native_driver_that_goes_leaves_it_to_the_rule
	unload_leaves_everything_closed
	loaded_again_it_adopts
	stub_refuses_what_has_no_record
	foreign_override_is_respected
	bridges_are_never_claimed
	disabled_it_lists_and_claims_nothing
	bad_rules_do_not_cost_the_good_ones
	first_of_those_at_odds_holds
	what_was_left_behind_goes_with_what_changed
	target_is_loaded_when_needed
	events_tell_the_whole_life"

after_each() {
	unload
	wait_driver "$NVME" nvme
	wait_driver "$IGB" igb
}

del_gives_a_held_device_back() {
	load "rules=\"hold $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" held && vpnl del "hold $NVME" &&
		wait_state "$NVME" none && wait_driver "$NVME" nvme &&
		same override "$(override_of "$NVME")" "(null)"
}

del_gives_an_isolated_device_back() {
	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated && vpnl del 1 &&
		wait_state "$IGB" none && wait_driver "$IGB" igb &&
		same override "$(override_of "$IGB")" "(null)"
}

del_is_refused_while_a_user_has_it_open() {
	local answer ret=0

	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated || return 1
	coproc USER { vfio_open "$IGB" "$(group_of "$IGB")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open &&
		same "in use" "$(dev "$IGB" in_use)" 1 || ret=1
	answer=$(vpnl del 1 2>&1)
	same "exit status" $? 2 || ret=1
	same answer "$answer" "vpnl: Device or resource busy: $IGB is in use: a user has it open through vfio" || ret=1
	same "rules left" "$(vpnl rules)" "1 cmdline vfio $IGB" &&
		same driver "$(driver_of "$IGB")" vfio-pci &&
		same master "$(bus_master "$IGB")" 0 || ret=1
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	[ $ret = 0 ] && vpnl del 1 && wait_state "$IGB" none &&
		wait_driver "$IGB" igb
}

# Deleted in the moment that its device is said to be there or there on its way
# to vfio-pci: in the end igb has it, and nothing of ours is left on it.
rule_that_goes_midway_takes_it_back() {
	local i state

	load || return 1
	for i in $(rounds 4); do
		for state in matched held handing-off isolated; do
			echo "$IGB" > "$SYS/$IGB/driver/unbind"
			vpnl flash "$IGB" $state "vfio $IGB" &&
				wait_state "$IGB" none &&
				same override "$(override_of "$IGB")" "(null)" &&
				same "driver, $state $i" "$(driver_of "$IGB")" igb ||
				return 1
		done
	done
}

native_device_is_left_alone_and_reported() {
	load "rules=\"vfio $NVME\"" && wait_state "$NVME" native native-driver &&
		same driver "$(driver_of "$NVME")" nvme &&
		same "driver told" "$(dev "$NVME" driver)" nvme &&
		same override "$(override_of "$NVME")" "(null)"
}

native_driver_that_goes_leaves_it_to_the_rule() {
	load "rules=\"vfio $NVME\"" && wait_state "$NVME" native native-driver &&
		echo "$NVME" > /sys/bus/pci/drivers/nvme/unbind &&
		wait_state "$NVME" isolated &&
		same adopted "$(dev "$NVME" adopted)" 0
}

unload_leaves_everything_closed() {
	load "rules=\"vfio $IGB; hold $NVME\"" && replug "$IGB" "$NVME" &&
		wait_state "$IGB" isolated && wait_state "$NVME" held &&
		rmmod vfiopolicy && echo 1 > /sys/bus/pci/rescan &&
		echo "$NVME" > /sys/bus/pci/drivers_probe
	same "driver of the isolated one" "$(driver_of "$IGB")" vfio-pci &&
		same "override of it" "$(override_of "$IGB")" vfio-pci &&
		same "driver of the held one" "$(driver_of "$NVME")" - &&
		same "override of it" "$(override_of "$NVME")" vfiopolicy
	local ret=$?
	load
	return $ret
}

loaded_again_it_adopts() {
	load "rules=\"vfio $IGB; hold $NVME\"" && replug "$IGB" "$NVME" &&
		wait_state "$IGB" isolated && wait_state "$NVME" held &&
		rmmod vfiopolicy && load "rules=\"vfio $IGB; hold $NVME\"" &&
		wait_state "$IGB" isolated && wait_state "$NVME" held &&
		same adopted "$(dev "$IGB" adopted)" 1 &&
		vpnl del 1 && wait_state "$IGB" none && wait_driver "$IGB" igb
}

stub_refuses_what_has_no_record() {
	load || return 1
	echo "$NVME" > "$SYS/$NVME/driver/unbind"
	echo vfiopolicy > "$SYS/$NVME/driver_override"
	echo "$NVME" > /sys/bus/pci/drivers_probe 2> /dev/null
	same driver "$(driver_of "$NVME")" - || return 1
	echo > "$SYS/$NVME/driver_override"
	echo "1b36 0010" > /sys/bus/pci/drivers/vfiopolicy/new_id
	same "driver after new_id" "$(driver_of "$NVME")" - &&
		echo "$NVME" > /sys/bus/pci/drivers_probe &&
		wait_driver "$NVME" nvme
}

foreign_override_is_respected() {
	echo "$NVME" > "$SYS/$NVME/driver/unbind"
	echo pci-stub > "$SYS/$NVME/driver_override"
	load "rules=\"vfio $NVME\"" && wait_state "$NVME" native foreign-override &&
		same override "$(override_of "$NVME")" pci-stub &&
		same driver "$(driver_of "$NVME")" -
	local ret=$?
	rmmod vfiopolicy
	echo > "$SYS/$NVME/driver_override"
	echo "$NVME" > /sys/bus/pci/drivers_probe
	return $ret
}

# PCI bridges, the host bridge and the ISA bridge, by whatever rule.
bridges_are_never_claimed() {
	local before host isa

	host=$(grep -l 0x060000 "$SYS"/*/class | head -n 1)
	host=${host%/class}
	host=${host##*/}
	isa=$(grep -l 0x060100 "$SYS"/*/class | head -n 1)
	isa=${isa%/class}
	isa=${isa##*/}
	before=$(driver_of "$host") || return 1
	load "rules=\"vfio class=06; vfio $host\"" &&
		wait_state "$host" native bridge &&
		wait_state "$isa" native bridge &&
		same "driver of the host bridge" "$(driver_of "$host")" "$before" &&
		same "its override" "$(override_of "$host")" "(null)" &&
		same "bridges claimed" "$(vpnl devs | grep -vc reason=bridge)" 0
}

disabled_it_lists_and_claims_nothing() {
	local answer

	load disable=1 "rules=\"vfio $NVME; hold 10de:1b39\"" && replug "$NVME" &&
		wait_driver "$NVME" nvme && vpnl del 2 &&
		same rules "$(vpnl rules)" "1 cmdline vfio $NVME" &&
		same devices "$(vpnl devs)" "" &&
		expect "info tells" grep -q disabled=1 <(vpnl info) || return 1
	answer=$(vpnl add "vfio 10de:1b39" 2>&1)
	same "exit status" $? 2 &&
		expect "why ($answer)" grep -q disable=1 <<< "$answer"
}

bad_rules_do_not_cost_the_good_ones() {
	log_mark
	load 'rules="vfio 10de:; hold '"$NVME"'; leave 1:; vfio '"$NVME"'"' \
		'rules="hold 10de:1b39"' ids=junk,8086:10c9 && replug "$NVME" &&
		wait_state "$NVME" held &&
		same rules "$(vpnl rules | cut -d' ' -f3- | tr '\n' ';')" \
			"hold $NVME;hold 10de:1b39;vfio 8086:10c9;" &&
		expect "info counts" grep -q "rules=3 bad=4" <(vpnl info) &&
		expect "the log quotes what is wrong" grep -q \
			"bad rule 'vfio 10de:': expected a device id" <(log_since) &&
		expect "and contradictions" grep -q "bad rule 'vfio $NVME': at odds with 'hold $NVME'" \
			<(log_since)
}

# texts: what the rules in force say, in order
texts() {
	vpnl rules | cut -d' ' -f3- | tr '\n' ';'
}

# Who is dropped keeps nobody else out; a backslash at the end of a parameter
# does not make it go on in the next one.
first_of_those_at_odds_holds() {
	load 'rules="vfio 10de:1b39; hold 10de:1b39; vfio 10de:1b39 name=c"' &&
		same "of three" "$(texts)" "vfio 10de:1b39;" &&
		expect "two are bad" grep -q "rules=1 bad=2" <(vpnl info) &&
		rmmod vfiopolicy &&
		load 'rules="vfio 10de:1b39 name=n; hold 10de:1b39 name=m; vfio 8086:10c9 name=m"' &&
		same "the third" "$(texts)" \
			"vfio 10de:1b39 name=n;vfio 8086:10c9 name=m;" &&
		rmmod vfiopolicy &&
		load 'rules="hold 10de:1b39 \"' 'rules="hold 10de:1b38"' &&
		same "both" "$(texts)" "hold 10de:1b39;hold 10de:1b38;"
}

# Held and isolated by one load; in the next one something else should be there.
what_was_left_behind_goes_with_what_changed() {
	load "rules=\"hold $NVME; vfio $IGB\"" && replug "$NVME" "$IGB" &&
		wait_state "$NVME" held && wait_state "$IGB" isolated &&
		rmmod vfiopolicy &&
		load "rules=\"hold $NVME 10de:1b39; vfio $IGB 10de:1b39\"" &&
		wait_state "$NVME" native changed && wait_driver "$NVME" nvme &&
		same override "$(override_of "$NVME")" "(null)" &&
		wait_state "$IGB" native changed &&
		same driver "$(driver_of "$IGB")" vfio-pci &&
		vpnl add "vfio $IGB" > /dev/null && wait_state "$IGB" isolated &&
		same adopted "$(dev "$IGB" adopted)" 1 &&
		vpnl add "hold $NVME" > /dev/null && wait_state "$NVME" native native-driver
}

target_is_loaded_when_needed() {
	modprobe -r vfio-pci || return 1
	load "rules=\"vfio $IGB\"" &&
		expect "vfio-pci is not there" test ! -d /sys/module/vfio_pci &&
		replug "$IGB" && wait_state "$IGB" isolated
}

# Lines of a recording that tell of one device, as "old->state/reason".
story() {
	sed -n "s/^address=$1 .* old=\([^ ]*\) state=\([^ ]*\) reason=\([^ ]*\) .*/\1->\2\/\3/p" "$2" |
		tr '\n' ' '
}

events_tell_the_whole_life() {
	local dir seqs

	dir=$(mktemp -d)
	load || return 1
	vpnl record "$dir/events" "$dir/stop" &
	until_true grep -q listening "$dir/events"
	vpnl add "vfio $IGB" > /dev/null && wait_state "$IGB" native &&
		replug "$IGB" && wait_state "$IGB" isolated &&
		vpnl del "vfio $IGB" && wait_state "$IGB" none || return 1
	touch "$dir/stop"
	wait
	seqs=$(sed -n 's/.* seq=\([0-9]*\) .*/\1/p' "$dir/events")
	same "numbers without a gap" "$seqs" \
		"$(seq "$(head -n 1 <<< "$seqs")" "$(tail -n 1 <<< "$seqs")")" &&
		same story "$(story "$IGB" "$dir/events")" \
			"-->matched/none matched->native/native-driver native->matched/none matched->gone/none -->matched/none matched->held/none held->handing-off/none handing-off->isolated/none isolated->releasing/none releasing->released/none "
	local ret=$?
	rm -r "$dir"
	return $ret
}

run_tests
