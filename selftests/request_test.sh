#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One device asked for: claimed from its native driver, given back while its
# rule stays; what that does to its IOMMU group, to the counters, and the cause
# that each event names.
# Controls: a rule alone takes nothing from a native driver; what is refused
# works once the reason is gone.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

NVME=$(one_of 1b36:0010)
IGB=$(one_of 8086:10c9)
[ -n "$NVME" ] || skip "needs an NVMe"
[ -n "$IGB" ] || skip "needs an igb"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
modprobe vfio-pci
# Three functions of one slot, of which one is an ISA bridge: one group.
SMBUS=$(one_of 8086:2930)
DIR=$(mktemp -d)

TESTS="claim_takes_it_from_its_native_driver
	claim_takes_back_what_was_lost
	claim_of_a_free_one_is_under_way_too
	claim_of_what_is_there_does_nothing
	release_gives_it_back_and_the_rule_stays
	released_and_replugged_the_rule_has_it
	claim_ends_a_release
	released_it_ends_with_its_rule
	release_is_refused_while_a_user_has_it_open
	pf_with_vfs_keeps_its_driver
	what_cannot_be_claimed_is_refused
	another_generation_is_refused
	latest_wish_wins
	several_are_taken_over_at_once
	rule_with_the_flag_takes_its_devices
	group_tells_of_its_members
	group_of_what_is_adopted_is_known
	group_with_a_host_function_is_never_viable
	group_goes_with_its_devices
	counters_count
	events_name_their_cause
	another_rule_for_it_is_told"

after_each() {
	unload
	wait_driver "$NVME" nvme
	wait_driver "$IGB" igb
}

at_end() {
	rm -r "$DIR"
}

# asked VERB ADDRESS PENDING: the answer says whether it is on its way
asked() {
	local answer

	answer=$(vpnl "$1" "$2") || return 1
	same "pending, $1" "$([[ $answer == *" pending" ]] && echo yes || echo no)" "$3"
}

# refused STATUS WORDS COMMAND...
refused() {
	local answer

	answer=$("${@:3}" 2>&1)
	same "exit status of ${*:3}" $? "$1" &&
		expect "why ($answer)" grep -q "$2" <<< "$answer"
}

stat_of() {
	local stats

	stats=" $(vpnl stats) "
	stats=${stats#* "$1"=}
	echo "${stats%% *}"
}

has_namespace() {
	compgen -G "$SYS/$NVME/nvme/nvme*/nvme*n1" > /dev/null
}

claim_takes_it_from_its_native_driver() {
	load "rules=\"vfio $NVME\"" && wait_state "$NVME" native native-driver &&
		until_true has_namespace &&
		same "taken over before" "$(stat_of take-overs)" 0 &&
		asked claim "$NVME" yes && wait_state "$NVME" isolated &&
		same driver "$(driver_of "$NVME")" vfio-pci &&
		same override "$(override_of "$NVME")" vfio-pci &&
		same adopted "$(dev "$NVME" adopted)" 0 &&
		same "taken over" "$(stat_of take-overs)" 1 &&
		expect "no block device" test ! -e "$SYS/$NVME/nvme" &&
		same "bus mastering" "$(bus_master "$NVME")" 0
}

# Somebody else's override, obeyed so far, gives way to an explicit request.
claim_takes_back_what_was_lost() {
	load "rules=\"hold $NVME yield\"" && replug "$NVME" && wait_state "$NVME" held &&
		echo nvme > "$SYS/$NVME/driver_override" &&
		echo "$NVME" > "$SYS/$NVME/driver/unbind" &&
		echo "$NVME" > /sys/bus/pci/drivers_probe &&
		wait_state "$NVME" lost foreign-driver &&
		same driver "$(driver_of "$NVME")" nvme &&
		same lost "$(stat_of lost)" 1 &&
		asked claim "$NVME" yes && wait_state "$NVME" held &&
		same override "$(override_of "$NVME")" vfiopolicy
}

# Whoever waits is told why it was left, when that is still so, and not before.
claim_of_a_free_one_is_under_way_too() {
	local ret=0

	echo "$NVME" > "$SYS/$NVME/driver/unbind"
	echo pci-stub > "$SYS/$NVME/driver_override"
	load "rules=\"vfio $NVME\"" && wait_state "$NVME" native foreign-override &&
		start_recording || return 1
	asked claim "$NVME" yes && wait_state "$NVME" native foreign-override &&
		echo > "$SYS/$NVME/driver_override" &&
		asked claim "$NVME" yes && wait_state "$NVME" isolated || ret=1
	end_recording
	[ $ret = 0 ] && same reasons \
		"$(sed -n "s/^address=$NVME .* state=native .*reason=\([^ ]*\) .*/\1/p" "$DIR/events" | tr '\n' ' ')" \
		"taking-over foreign-override taking-over "
}

claim_of_what_is_there_does_nothing() {
	load "rules=\"vfio $NVME; hold $IGB\"" && replug "$NVME" "$IGB" &&
		wait_state "$NVME" isolated && wait_state "$IGB" held || return 1
	local events

	events=$(stat_of events)
	asked claim "$NVME" no && asked claim "$IGB" no &&
		same "events meanwhile" "$(stat_of events)" "$events"
}

release_gives_it_back_and_the_rule_stays() {
	load "rules=\"vfio $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" isolated && asked release "$NVME" yes &&
		wait_state "$NVME" released && wait_driver "$NVME" nvme &&
		same override "$(override_of "$NVME")" "(null)" &&
		same rules "$(vpnl rules)" "1 cmdline vfio $NVME" &&
		same "rule of it" "$(dev "$NVME" rule)" 1 &&
		asked release "$NVME" no || return 1
	# Nor does a rule said again end it, or one that comes before.
	vpnl add "vfio $NVME name=again" > /dev/null &&
		wait_state "$NVME" released &&
		until_true same "rule of it" "$(dev "$NVME" rule)" 2 > /dev/null &&
		same driver "$(driver_of "$NVME")" nvme
}

released_and_replugged_the_rule_has_it() {
	load "rules=\"vfio $NVME\"" && wait_state "$NVME" native &&
		asked release "$NVME" yes && wait_state "$NVME" released none &&
		same driver "$(driver_of "$NVME")" nvme &&
		replug "$NVME" && wait_state "$NVME" isolated
}

claim_ends_a_release() {
	load "rules=\"hold $NVME\"" && replug "$NVME" && wait_state "$NVME" held &&
		asked release "$NVME" yes && wait_state "$NVME" released &&
		wait_driver "$NVME" nvme && asked claim "$NVME" yes &&
		wait_state "$NVME" held || return 1
	# And when there is no driver that it would be taken from.
	asked release "$NVME" yes && wait_state "$NVME" released &&
		wait_driver "$NVME" nvme &&
		echo "$NVME" > "$SYS/$NVME/driver/unbind" &&
		same state "$(dev "$NVME" state)" released &&
		same driver "$(dev "$NVME" driver)" - &&
		asked claim "$NVME" yes && wait_state "$NVME" held &&
		same "taken over" "$(stat_of take-overs)" 1
}

released_it_ends_with_its_rule() {
	load "rules=\"vfio $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" isolated && asked release "$NVME" yes &&
		wait_state "$NVME" released && wait_driver "$NVME" nvme &&
		vpnl del 1 && wait_state "$NVME" none &&
		same driver "$(driver_of "$NVME")" nvme &&
		vpnl add "vfio $NVME" > /dev/null &&
		wait_state "$NVME" native native-driver
}

release_is_refused_while_a_user_has_it_open() {
	local answer ret=0

	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated || return 1
	coproc USER { vfio_open "$IGB" "$(group_of "$IGB")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open || ret=1
	refused 2 "$IGB is in use" vpnl release "$IGB" || ret=1
	same state "$(dev "$IGB" state)" isolated || ret=1
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	# The refusal has changed nothing: it stays.
	[ $ret = 0 ] && until_true same "in use" "$(dev "$IGB" in_use)" 0 &&
		asked claim "$IGB" no && asked release "$IGB" yes &&
		wait_state "$IGB" released && wait_driver "$IGB" igb
}

pf_with_vfs_keeps_its_driver() {
	load "rules=\"vfio $IGB\"" && wait_state "$IGB" native &&
		echo 2 > "$SYS/$IGB/sriov_numvfs" &&
		refused 2 "has 2 VFs" vpnl claim "$IGB" &&
		same state "$(dev "$IGB" state)" native &&
		same driver "$(driver_of "$IGB")" igb &&
		same override "$(override_of "$IGB")" "(null)" &&
		echo 0 > "$SYS/$IGB/sriov_numvfs" &&
		asked claim "$IGB" yes && wait_state "$IGB" isolated
}

what_cannot_be_claimed_is_refused() {
	local port

	port=$(basename "$(realpath "$SYS/$NVME/..")")
	load "rules=\"vfio $port; vfio $IGB 10de:1b39\"" &&
		refused 3 "no rule names a device at $NVME" vpnl claim "$NVME" &&
		refused 3 "no rule names a device at $NVME" vpnl release "$NVME" &&
		refused 3 "no rule names a device at ffff:ff:1f.7" vpnl claim ffff:ff:1f.7 &&
		wait_state "$port" native bridge &&
		refused 2 "$port is never claimed" vpnl claim "$port" &&
		wait_state "$IGB" native changed &&
		refused 3 "expects something else at $IGB" vpnl claim "$IGB" &&
		asked release "$IGB" no && wait_state "$IGB" native changed
}

another_generation_is_refused() {
	local generation

	load "rules=\"hold $NVME\"" && replug "$NVME" && wait_state "$NVME" held ||
		return 1
	generation=$(dev "$NVME" generation)
	vpnl release "$NVME" "$generation" > "$DIR/answer" &&
		wait_state "$NVME" released && replug "$NVME" &&
		wait_state "$NVME" held &&
		refused 2 "is another one now" vpnl release "$NVME" "$generation" &&
		same state "$(dev "$NVME" state)" held
}

latest_wish_wins() {
	local i

	load "rules=\"vfio $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" isolated || return 1
	for i in $(rounds 40); do
		vpnl release "$NVME" > "$DIR/answer" || return 1
		# Others find it halfway.
		[ $((i % 8)) != 0 ] || wait_state "$NVME" released || return 1
		vpnl claim "$NVME" > "$DIR/answer" || return 1
	done
	wait_state "$NVME" isolated && wait_driver "$NVME" vfio-pci || return 1
	for i in $(rounds 40); do
		vpnl claim "$NVME" > "$DIR/answer" &&
			vpnl release "$NVME" > "$DIR/answer" || return 1
	done
	wait_state "$NVME" released && wait_driver "$NVME" nvme &&
		same override "$(override_of "$NVME")" "(null)"
}

several_are_taken_over_at_once() {
	local all addr

	mapfile -t all < <(all_of 1b36:0010)
	load rules="\"vfio 1b36:0010\"" || return 1
	for addr in "${all[@]}"; do
		wait_state "$addr" native native-driver || return 1
	done
	for addr in "${all[@]}"; do
		asked claim "$addr" yes || return 1
	done
	for addr in "${all[@]}"; do
		wait_state "$addr" isolated || return 1
	done
	same "taken over" "$(stat_of take-overs)" "${#all[@]}" || return 1
	unload
	for addr in "${all[@]}"; do
		wait_driver "$addr" nvme || return 1
	done
}

# Said again with the flag, a rule takes what it has left so far; but no PF.
rule_with_the_flag_takes_its_devices() {
	local all addr

	mapfile -t all < <(all_of 1b36:0010)
	load && vpnl add "vfio 1b36:0010" > "$DIR/answer" &&
		vpnl add "vfio $IGB" > "$DIR/answer" &&
		wait_state "$IGB" native native-driver &&
		echo 2 > "$SYS/$IGB/sriov_numvfs" || return 1
	for addr in "${all[@]}"; do
		wait_state "$addr" native native-driver &&
			same driver "$(driver_of "$addr")" nvme || return 1
	done
	vpnl add --take-over "vfio 1b36:0010" > "$DIR/answer" &&
		same "number, and that it was there" "$(cat "$DIR/answer")" \
			"1 runtime vfio 1b36:0010 existed" || return 1
	for addr in "${all[@]}"; do
		wait_state "$addr" isolated || return 1
	done
	same "taken over" "$(stat_of take-overs)" "${#all[@]}" &&
		vpnl add --take-over "vfio $IGB" > "$DIR/answer" &&
		wait_state "$IGB" native vfs-enabled &&
		same driver "$(driver_of "$IGB")" igb &&
		same override "$(override_of "$IGB")" "(null)" &&
		echo 0 > "$SYS/$IGB/sriov_numvfs" &&
		same "state without VFs" "$(dev "$IGB" state)" native &&
		vpnl add --take-over "vfio $IGB" > "$DIR/answer" &&
		wait_state "$IGB" isolated &&
		same "taken over" "$(stat_of take-overs)" $((${#all[@]} + 1)) || return 1
	unload
	for addr in "${all[@]}"; do
		wait_driver "$addr" nvme || return 1
	done
}

# group_is ADDRESS LINE...: its group, once the picture has been made
group_is() {
	local group

	group=$(group_of "$1")
	[ "$(vpnl group "$group" 2> /dev/null)" = "$(printf "$group%s\n" "${@:2}")" ]
}

# Waits for it, and says what it is instead.
wait_group() {
	until_true group_is "$@" && return 0
	say "failed: group of $1 is: $(vpnl group "$(group_of "$1")" 2>&1)"
	return 1
}

group_tells_of_its_members() {
	local facts=" viability=viable domain=dma isolated_msi=1"

	load "rules=\"vfio $NVME\"" &&
		wait_group "$NVME" "${facts/viable/blocked}" ": $NVME nvme blocks" &&
		vpnl claim "$NVME" > "$DIR/answer" &&
		wait_group "$NVME" "$facts" ": $NVME vfio-pci" &&
		vpnl add "hold $NVME name=stub" > "$DIR/answer" &&
		wait_group "$NVME" "$facts" ": $NVME vfiopolicy" &&
		same "all groups" "$(vpnl groups)" "$(vpnl group "$(group_of "$NVME")")" &&
		refused 3 "IOMMU group 4711" vpnl group 4711 &&
		expect "facts of the host ($(vpnl info))" \
			grep -q " functions=$(find "$SYS"/ -type l | wc -l) iommu=$(find /sys/kernel/iommu_groups/*/devices -type l | wc -l) " <(vpnl info)
}

# Which nobody had seen with another driver.
group_of_what_is_adopted_is_known() {
	load "rules=\"vfio $NVME\"" && replug "$NVME" && wait_state "$NVME" isolated &&
		rmmod vfiopolicy && load "rules=\"vfio $NVME\"" &&
		wait_state "$NVME" isolated &&
		wait_group "$NVME" " viability=viable domain=unknown isolated_msi=1" \
			": $NVME vfio-pci"
}

group_with_a_host_function_is_never_viable() {
	local isa=${SMBUS%.*}.0 ahci=${SMBUS%.*}.2 drivers

	same "group of $isa" "$(group_of "$isa")" "$(group_of "$SMBUS")" || return 1
	# It is what the bridge's driver would be, where there is one.
	modprobe lpc_ich
	modprobe i2c_i801
	load "rules=\"vfio 8086:2930\"" && wait_state "$SMBUS" native &&
		drivers=$(driver_of "$isa") &&
		wait_group "$SMBUS" " viability=$([ "$drivers" = - ] && echo blocked || echo never) domain=dma isolated_msi=1" \
			": $isa $drivers$([ "$drivers" = - ] || echo " blocks") bridge" \
			": $ahci $(driver_of "$ahci")$([ "$(driver_of "$ahci")" = - ] || echo " blocks")" \
			": $SMBUS $(driver_of "$SMBUS") blocks"
}

no_groups() {
	[ -z "$(vpnl groups)" ]
}

group_goes_with_its_devices() {
	load "rules=\"hold $NVME\"" && replug "$NVME" && wait_state "$NVME" held &&
		until_true expect "a group" grep -q : <(vpnl groups) &&
		echo 1 > "$SYS/$NVME/remove" && until_true no_groups &&
		echo 1 > /sys/bus/pci/rescan && wait_state "$NVME" held &&
		wait_group "$NVME" " viability=viable domain=unknown isolated_msi=1" \
			": $NVME vfiopolicy" &&
		vpnl del 1 && wait_state "$NVME" none && until_true no_groups
}

counters_count() {
	load "rules=\"vfio $NVME\"" &&
		wait_state "$NVME" native native-driver &&
		expect "stuck ($(vpnl stats))" grep -q " native-driver=1$" <(vpnl stats) &&
		replug "$NVME" && wait_state "$NVME" isolated &&
		vpnl release "$NVME" > "$DIR/answer" && wait_state "$NVME" released &&
		vpnl claim "$NVME" > "$DIR/answer" && wait_state "$NVME" isolated &&
		echo "$NVME" > "$SYS/$NVME/driver/unbind" &&
		wait_state "$NVME" isolated &&
		expect "counters ($(vpnl stats))" grep -q \
			"^claims=3 hand-offs=3 releases=1 take-overs=1 lost=0 vetoes=0 events=[0-9]* events-lost=0 native-driver=1 unbound=1 taking-over=1$" <(vpnl stats)
}

# The causes in a recording, for one device, each with the state it led to.
causes() {
	sed -n "s/^address=$1 .* cause=\([^ ]*\) .* state=\([^ ]*\) .*/\1:\2/p" \
		"$DIR/events" | tr '\n' ' '
}

events_name_their_cause() {
	local text=$DIR/rules ret=0

	load && start_recording || return 1
	vpnl add "hold $NVME" > "$DIR/answer" && wait_state "$NVME" native &&
		vpnl claim "$NVME" > "$DIR/answer" && wait_state "$NVME" held &&
		vpnl release "$NVME" > "$DIR/answer" && wait_state "$NVME" released &&
		replug "$NVME" && wait_state "$NVME" held &&
		echo "$NVME" > "$SYS/$NVME/driver/unbind" &&
		wait_state "$NVME" matched unbound &&
		echo "$NVME" > /sys/bus/pci/drivers_probe &&
		wait_state "$NVME" held && echo "hold $IGB" > "$text" &&
		vpnl replace runtime "$text" > "$DIR/answer" &&
		wait_state "$NVME" none || ret=1
	end_recording
	[ $ret = 0 ] &&
		same causes "$(causes "$NVME")" \
			"rule:matched rule:native request:native request:matched request:held request:releasing request:released removed:gone appeared:matched appeared:held driver:matched driver:held replace:releasing replace:released " &&
		same "causes of rules" \
			"$(sed -n 's/^rule-\([a-z]*\) id=\([0-9]*\) .* cause=\([^ ]*\) .*/\1:\2:\3/p' "$DIR/events" | tr '\n' ' ')" \
			"add:1:request del:1:replace add:2:replace "
}

another_rule_for_it_is_told() {
	local ret=0

	load "rules=\"vfio $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" isolated && start_recording || return 1
	vpnl add "vfio $NVME name=mine" > "$DIR/answer" &&
		until_true grep -q "^address=$NVME .* cause=rule old=isolated state=isolated .* rule=2 " "$DIR/events" &&
		vpnl del 2 && until_true grep -q "^address=$NVME .* rule=1 " "$DIR/events" ||
		ret=1
	end_recording
	same events "$(grep -c "^address=$NVME" "$DIR/events")" 2 && return $ret
}

run_tests
