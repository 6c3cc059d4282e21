#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Targets other than plain vfio-pci, by driver=NAME and driver=best: there
# already, not there, never there, slow to come, refusing a device, taken away.
# Controls: another device of a plain rule, which is not kept waiting, goes to
# vfio-pci as ever; what failed works once its reason is gone.
# Oracles: a line of modprobe.d writes down each time that modprobe is run, the
# target counts its probes, ftrace counts the tries that are begun.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

mapfile -t NVMES < <(all_of 1b36:0010)
NVME=${NVMES[0]:-}
IGB=$(one_of 8086:10c9)
[ ${#NVMES[@]} -ge 2 ] || skip "needs two NVMe"
[ -n "$IGB" ] || skip "needs an igb"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
need_debugfs
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
modprobe vfio-pci
# Of the tests; its id is that of the NVMe.
TARGET=test_vfio_pci
KO=$VP_MODULES/$TARGET.ko
DIR=$(mktemp -d)
CONF=/run/modprobe.d/vfiopolicy-target.conf
mkdir -p /run/modprobe.d

TESTS="driver_by_name_gets_a_real_device
	driver_of_the_host_is_no_target
	absent_driver_is_waited_for
	slow_driver_keeps_80_devices_waiting_and_nobody_else
	refused_it_is_held_and_tried_three_times_more
	best_is_the_driver_of_the_model
	best_comes_to_what_another_target_has
	taken_away_by_root_it_stays_away"

# on_modprobe COMMAND: what modprobe does when it is asked for the target, which
# is written down
on_modprobe() {
	: > "$DIR/asked"
	echo "install $TARGET echo >> $DIR/asked; $*" > $CONF
}

asked() {
	wc -l < "$DIR/asked"
}

# For its model vfio's alias means the target, as if that were installed.
on_alias() {
	echo "alias vfio_pci:v00001B36d00000010sv*sd*bc*sc*i* $TARGET" >> $CONF
}

probes() {
	cat /sys/module/$TARGET/parameters/probes
}

after_each() {
	local addr

	rm -f $CONF
	unload
	for addr in "$NVME" "$IGB"; do
		case $(override_of "$addr") in
		"$TARGET" | pci-stub)
			echo > "$SYS/$addr/driver_override"
			[ ! -e "$SYS/$addr/driver" ] ||
				echo "$addr" > "$SYS/$addr/driver/unbind"
			echo "$addr" > /sys/bus/pci/drivers_probe
			;;
		esac
	done
	[ ! -d /sys/module/$TARGET ] || rmmod $TARGET
	wait_driver "$NVME" nvme
	wait_driver "$IGB" igb
}

at_end() {
	rmmod testbus
	rm -r "$DIR"
}

driver_by_name_gets_a_real_device() {
	modprobe -r pci-stub
	load "rules=\"vfio $NVME driver=pci-stub; vfio $IGB\"" &&
		expect "pci-stub is not there" test ! -d /sys/module/pci_stub &&
		replug "$NVME" "$IGB" && wait_state "$NVME" isolated &&
		same driver "$(driver_of "$NVME")" pci-stub &&
		same override "$(override_of "$NVME")" pci-stub &&
		same "target told" "$(dev "$NVME" target)" pci-stub &&
		wait_state "$IGB" isolated &&
		same "driver of the other" "$(driver_of "$IGB")" vfio-pci &&
		vpnl del 1 && wait_state "$NVME" none && wait_driver "$NVME" nvme &&
		same override "$(override_of "$NVME")" "(null)"
}

# It would do its DMA as the host.
driver_of_the_host_is_no_target() {
	load "rules=\"vfio $NVME driver=nvme\"" &&
		trace_functions nvme_probe && replug "$NVME" &&
		wait_state "$NVME" held no-target &&
		same driver "$(driver_of "$NVME")" vfiopolicy &&
		same "entries of nvme_probe" "$(traced)" 0
	local ret=$?
	trace_end
	[ $ret = 0 ] && vpnl add "vfio $NVME driver=pci-stub" > "$DIR/answer" &&
		wait_state "$NVME" isolated &&
		same driver "$(driver_of "$NVME")" pci-stub
}

# No module of the name, then one that is not to be loaded, then one that comes.
absent_driver_is_waited_for() {
	load "rules=\"vfio $NVME driver=$TARGET; vfio $IGB\"" &&
		replug "$NVME" "$IGB" && wait_state "$NVME" held module-missing &&
		same driver "$(driver_of "$NVME")" vfiopolicy &&
		wait_state "$IGB" isolated || return 1
	on_modprobe false
	vpnl claim "$NVME" > "$DIR/answer" && until_true same_asked 1 &&
		wait_state "$NVME" held module-missing || return 1
	# Another module is none that it waits for.
	modprobe -r pci-stub
	modprobe pci-stub && wait_state "$NVME" held module-missing &&
		insmod "$KO" && wait_state "$NVME" isolated &&
		same driver "$(driver_of "$NVME")" $TARGET &&
		same "times asked" "$(asked)" 1
}

same_asked() {
	[ "$(asked)" = "$1" ]
}

# In groups, for what has none is not handed on.
put_80() {
	local i

	echo "define 1000:00:01.0 1b36:000c bus=01 port=up"
	for ((i = 0; i < 80; i++)); do
		printf 'define 1000:01:%02x.%x 1234:5678 group=%d\n' \
			$((i / 8)) $((i % 8)) $((i % 64 + 1))
	done
	echo rescan
}

# how_many STATE REASON: of the 80
how_many() {
	vpnl devs | grep -c "id=1234:5678 .* state=$1 reason=$2 "
}

wait_80() {
	until_true test_80 "$@" && return 0
	say "failed: $(how_many "$@") of 80 are $*"
	return 1
}

test_80() {
	[ "$(how_many "$@")" = 80 ]
}

slow_driver_keeps_80_devices_waiting_and_nobody_else() {
	local gate ret=0

	mkfifo "$DIR/gate"
	exec {gate}<> "$DIR/gate"
	on_modprobe "read -r go < $DIR/gate; exec insmod $KO"
	load "rules=\"vfio 1234:5678 driver=$TARGET; vfio $IGB; vfio $NVME driver=pci-stub\"" &&
		put_80 > /sys/kernel/debug/testbus/control &&
		wait_80 held module-loading && replug "$IGB" "$NVME" &&
		wait_state "$IGB" isolated && wait_state "$NVME" isolated &&
		same "driver of the NVMe" "$(driver_of "$NVME")" pci-stub &&
		vpnl del 2 && wait_state "$IGB" none &&
		same "the 80 meanwhile" "$(how_many held module-loading)" 80 &&
		expect "the target is not there" test ! -d /sys/module/$TARGET || ret=1
	echo go >&"$gate"
	[ $ret = 0 ] && wait_80 isolated none && same "times asked" "$(asked)" 1 &&
		same probes "$(probes)" 80 || ret=1
	# Only so: the DMA of such a group cannot be claimed.
	testbus "del 1000:00:01.0"
	exec {gate}>&-
	return $ret
}

# Of the trace, what is said of tries: in vain, what is queued, and the end of
# the work.
story_of_tries() {
	sed -n 's/.* \(vp_handoff_try_later\|vp_device_tell_rule\|[a-z]*_delayed_work_on\) <-vp_handoff.*/\1/p' \
		$TRACE/trace
}

# The fourth try has been in vain, and the work item has ended.
tried_4_times() {
	local story

	[ "$(probes)" = 4 ] || return 1
	story=$(story_of_tries)
	[ "$(grep -c try_later <<< "$story")" = 4 ] &&
		[[ $story == *vp_device_tell_rule ]]
}

# After the last of them no work is queued: that ends it.
refused_it_is_held_and_tried_three_times_more() {
	insmod "$KO" refuse=1 && load "rules=\"vfio $NVME driver=$TARGET\"" &&
		trace_functions vp_handoff_try_later vp_device_tell_rule '*_delayed_work_on' &&
		replug "$NVME" && wait_state "$NVME" held target-refused &&
		expect "four tries, and no more to come" until_true tried_4_times &&
		same "times that another is to come" \
			"$(story_of_tries | grep -A1 try_later | grep -c delayed_work_on)" 3
	local ret=$?
	trace_end
	[ $ret = 0 ] && same probes "$(probes)" 4 &&
		same state "$(dev "$NVME" state),$(dev "$NVME" reason)" held,target-refused &&
		same driver "$(driver_of "$NVME")" vfiopolicy &&
		same override "$(override_of "$NVME")" vfiopolicy &&
		vpnl add "vfio $IGB" > "$DIR/answer" && replug "$IGB" &&
		wait_state "$IGB" isolated || return 1
	echo 0 > /sys/module/$TARGET/parameters/refuse
	vpnl claim "$NVME" > "$DIR/answer" && wait_state "$NVME" isolated &&
		same driver "$(driver_of "$NVME")" $TARGET &&
		same probes "$(probes)" 5
}

# For the igb there is none but vfio-pci, and a plain rule does not look.
best_is_the_driver_of_the_model() {
	on_modprobe exec insmod "$KO"
	on_alias
	load "rules=\"vfio $NVME driver=best; vfio $IGB driver=best; vfio ${NVMES[1]}\"" &&
		replug "$NVME" "$IGB" "${NVMES[1]}" && wait_state "$NVME" isolated &&
		same driver "$(driver_of "$NVME")" $TARGET &&
		same "target told" "$(dev "$NVME" target)" $TARGET &&
		same "times asked" "$(asked)" 1 &&
		wait_state "$IGB" isolated &&
		same "driver of the igb" "$(driver_of "$IGB")" vfio-pci &&
		wait_state "${NVMES[1]}" isolated &&
		same "driver of the plain rule" "$(driver_of "${NVMES[1]}")" vfio-pci
}

# A user keeps it where it is.
best_comes_to_what_another_target_has() {
	local answer ret=0

	on_modprobe exec insmod "$KO"
	on_alias
	load "rules=\"vfio $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" isolated || return 1
	coproc USER { vfio_open "$NVME" "$(group_of "$NVME")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open &&
		vpnl add "vfio $NVME driver=best" > "$DIR/answer" &&
		wait_state "$NVME" isolated in-use &&
		same "driver while in use" "$(driver_of "$NVME")" vfio-pci || ret=1
	vpnl record "$DIR/events" "$DIR/stop" &
	until_true grep -q listening "$DIR/events"
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	[ $ret = 0 ] && until_true is_driven_by "$NVME" $TARGET &&
		wait_state "$NVME" isolated none || ret=1
	touch "$DIR/stop"
	wait
	same "by way of" "$(sed -n "s/^address=$NVME .* old=[^ ]* state=\([^ ]*\) .*/\1/p" "$DIR/events" |
		uniq | tr '\n' ' ')" "releasing held handing-off isolated " && return $ret
}

# With best, vfio-pci is what is left then.
taken_away_by_root_it_stays_away() {
	on_modprobe exec insmod "$KO"
	on_alias
	load "rules=\"vfio $NVME driver=$TARGET\"" && replug "$NVME" &&
		wait_state "$NVME" isolated && rmmod $TARGET &&
		wait_state "$NVME" held module-missing &&
		same "times asked" "$(asked)" 1 && modprobe $TARGET &&
		wait_state "$NVME" isolated none &&
		same driver "$(driver_of "$NVME")" $TARGET &&
		vpnl add "vfio $NVME driver=best" > "$DIR/answer" &&
		until_true told_rule 2 && wait_state "$NVME" isolated none &&
		same driver "$(driver_of "$NVME")" $TARGET &&
		same "times asked" "$(asked)" 2 && rmmod $TARGET &&
		wait_driver "$NVME" vfio-pci && wait_state "$NVME" isolated none &&
		same "times asked" "$(asked)" 2
}

told_rule() {
	[ "$(dev "$NVME" rule)" = "$1" ]
}

run_tests
