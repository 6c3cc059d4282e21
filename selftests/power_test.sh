#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Power and DMA of what is claimed: bus mastering off, D3hot after a rest on the
# stub but not on the way to a target, no D3cold, a picture of the firmware's
# that stays, and a suspend of the system.
# Controls: the same devices with their native drivers; what is given back is
# as it was.
# Oracles: config space, the power_state and power/ of sysfs, ftrace, and the
# tracepoint of the module, which says how long a device was held.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

mapfile -t NVMES < <(all_of 1b36:0010)
NVME=${NVMES[0]:-}
IGB=$(one_of 8086:10c9)
[ ${#NVMES[@]} -ge 2 ] || skip "needs two NVMe"
[ -n "$IGB" ] || skip "needs an igb"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
[ -e "$SYS/$NVME/power_state" ] || skip "needs power_state in sysfs"
modprobe vfio-pci
modprobe pci-stub
MONITOR=$(dirname "$0")/vm/monitor
DIR=$(mktemp -d)

TESTS="bus_master_is_off_until_a_user_comes
	held_it_rests_in_d3hot
	on_its_way_it_is_not_put_to_rest
	d3cold_is_off_while_it_is_ours"
[ -z "${VP_HOTPLUG_BUS:-}" ] || TESTS+=" picture_of_the_firmware_stays"
[ ! -w /sys/power/pm_test ] || TESTS+=" suspend_changes_nothing"

after_each() {
	local addr

	unload
	for addr in "$NVME" "${NVMES[1]}"; do
		if is_driven_by "$addr" pci-stub; then
			echo "$addr" > /sys/bus/pci/drivers/pci-stub/unbind
			echo > "$SYS/$addr/driver_override"
			echo "$addr" > /sys/bus/pci/drivers_probe
		fi
		wait_driver "$addr" nvme
	done
	wait_driver "$IGB" igb
}

at_end() {
	rm -r "$DIR"
}

has_power() {
	local state

	{ read -r state < "$SYS/$1/power_state"; } 2> /dev/null && [ "$state" = "$2" ]
}

wait_power() {
	until_true has_power "$@" && return 0
	say "failed: $1 is in $(cat "$SYS/$1/power_state"), expected $2"
	return 1
}

# In ms, since it appeared.
slept() {
	cat "$SYS/$1/power/runtime_suspended_time"
}

bus_master_is_off_until_a_user_comes() {
	local answer ret=0

	load "rules=\"hold $NVME; vfio ${NVMES[1]}\"" &&
		same "with nvme" "$(bus_master "$NVME"),$(bus_master "${NVMES[1]}")" 1,1 &&
		vpnl claim "$NVME" > "$DIR/answer" && wait_state "$NVME" held &&
		same "on the stub" "$(bus_master "$NVME")" 0 &&
		vpnl claim "${NVMES[1]}" > "$DIR/answer" &&
		wait_state "${NVMES[1]}" isolated &&
		same "with vfio-pci" "$(bus_master "${NVMES[1]}")" 0 || return 1
	coproc USER { vfio_open "${NVMES[1]}" "$(group_of "${NVMES[1]}")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open || ret=1
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	[ $ret = 0 ] && same "after the user" "$(bus_master "${NVMES[1]}")" 0 &&
		vpnl del 1 && wait_state "$NVME" none && wait_driver "$NVME" nvme &&
		same "with nvme again" "$(bus_master "$NVME")" 1
}

held_it_rests_in_d3hot() {
	local addr

	load "rules=\"hold $NVME; hold $IGB\"" && replug "$NVME" "$IGB" || return 1
	for addr in "$NVME" "$IGB"; do
		wait_state "$addr" held && wait_power "$addr" D3hot &&
			expect "it has slept" test "$(slept "$addr")" -gt 0 &&
			same "bus mastering" "$(bus_master "$addr")" 0 || return 1
	done
	# What wakes it: a target, the host.
	vpnl add "vfio $NVME driver=pci-stub" > "$DIR/answer" &&
		wait_state "$NVME" isolated && has_power "$NVME" D0 &&
		vpnl del 2 && wait_state "$IGB" none && wait_driver "$IGB" igb &&
		has_power "$IGB" D0 &&
		same "power/control" "$(cat "$SYS/$IGB/power/control")" on
}

# Seconds from held to handing-off, by the tracepoint: states 1 and 2.
held_for() {
	local from to

	from=$(sed -n "s/.* \([0-9.]*\): vfiopolicy_state: $1 .* state=1 reason=0 .*/\1/p" \
		$TRACE/trace | head -n 1)
	to=$(sed -n "s/.* \([0-9.]*\): vfiopolicy_state: $1 .* old=1 state=2 .*/\1/p" \
		$TRACE/trace | head -n 1)
	if [ -z "$from" ] || [ -z "$to" ]; then
		say "failed: held from '$from' to '$to', by the trace:" >&2
		sed -n 's/.*vfiopolicy_state:/#/p' $TRACE/trace >&2
		return 1
	fi
	# More than a second, where that is not certain.
	echo $((10#${to%.*} - 10#${from%.*}))
}

# On a busy machine it may be held for long: then it may sleep, and it is done
# again. pci-stub lets nothing sleep.
on_its_way_it_is_not_put_to_rest() {
	local event=$TRACE/events/vfiopolicy/vfiopolicy_state/enable try took=1

	[ -e $TRACE/trace ] || mount -t tracefs none $TRACE
	load "rules=\"vfio $NVME driver=pci-stub\"" && echo 1 > "$event" || return 1
	for try in 1 2 3 4 5; do
		trace_clear
		replug "$NVME" && wait_state "$NVME" isolated &&
			took=$(held_for "$NVME") || return 1
		[ "$took" -gt 0 ] || break
		say "try $try: held for $took s"
	done
	echo 0 > "$event"
	expect "it was quick once" test "$took" = 0 &&
		same "time asleep" "$(slept "$NVME")" 0
}

d3cold_is_off_while_it_is_ours() {
	local ret=0

	load "rules=\"hold $NVME\"" &&
		trace_functions pci_d3cold_disable pci_d3cold_enable &&
		replug "$NVME" && wait_state "$NVME" held && wait_power "$NVME" D3hot &&
		expect "D3cold was turned off" grep -q pci_d3cold_disable $TRACE/trace &&
		same "times turned on" "$(grep -c pci_d3cold_enable $TRACE/trace)" 0 &&
		vpnl del 1 && wait_state "$NVME" none &&
		same "times turned on" "$(grep -c 'pci_d3cold_enable' $TRACE/trace)" 1 || ret=1
	trace_end
	wait_driver "$NVME" nvme &&
		same d3cold_allowed "$(cat "$SYS/$NVME/d3cold_allowed")" 1 || ret=1
	# What the administrator has said stays said.
	echo 0 > "$SYS/$NVME/d3cold_allowed"
	vpnl add --take-over "hold $NVME" > "$DIR/answer" &&
		wait_state "$NVME" held && wait_power "$NVME" D3hot &&
		vpnl del "hold $NVME" && wait_state "$NVME" none &&
		wait_driver "$NVME" nvme &&
		same d3cold_allowed "$(cat "$SYS/$NVME/d3cold_allowed")" 0 || ret=1
	echo 1 > "$SYS/$NVME/d3cold_allowed"
	return $ret
}

DISPLAY_ID=1234:1111

has_display() {
	[ -n "$(one_of $DISPLAY_ID)" ]
}

no_display() {
	[ -z "$(one_of $DISPLAY_ID)" ]
}

# told ADDRESS FRAMEBUFFER CONTROL: back on the stub
told() {
	[ "$(dev "$1" state) $(dev "$1" framebuffer)" = "held $2" ] &&
		[ "$(cat "$SYS/$1/power/control")" = "$3" ]
}

# QEMU's display has no D3hot to be in, and is at rest all the same.
has_status() {
	[ "$(cat "$SYS/$1/power/runtime_status")" = "$2" ]
}

picture_of_the_firmware_stays() {
	local old addr ret=0

	old=$(one_of $DISPLAY_ID)
	if [ -z "$old" ]; then
		"$MONITOR" "device_add bochs-display,id=hot,bus=$VP_HOTPLUG_BUS" &&
			expect "it appears" until_true has_display || return 1
	fi
	addr=$(one_of $DISPLAY_ID)
	load && vpnl add --take-over "hold $addr" > "$DIR/answer" &&
		wait_state "$addr" held && told "$addr" 0 auto &&
		until_true has_status "$addr" suspended &&
		insmod "$VP_MODULES/picture.ko" device="$addr" &&
		echo "$addr" > "$SYS/$addr/driver/unbind" &&
		expect "the picture is told of" until_true told "$addr" 1 on &&
		has_status "$addr" active && has_power "$addr" D0 && rmmod picture &&
		echo "$addr" > "$SYS/$addr/driver/unbind" &&
		expect "nothing is left of it" until_true told "$addr" 0 auto &&
		until_true has_status "$addr" suspended || ret=1
	[ ! -d /sys/module/picture ] || rmmod picture
	if [ -z "$old" ]; then
		"$MONITOR" "device_del hot" > /dev/null && until_true no_display || ret=1
	fi
	return $ret
}

has_disk() {
	compgen -G "$SYS/$1/nvme/nvme*/nvme*n1" > /dev/null
}

# As far as the devices, their interrupts included: what comes then is the
# platform's.
suspend() {
	local ret=0 addr natives=''

	# What nvme freezes at suspend is a lock that a worker takes or gives back, by
	# which lockdep of 6.12 stops looking: its drives stay out of it there.
	! on_debug_kernel || natives=$(cd /sys/bus/pci/drivers/nvme && echo ????:*)
	for addr in $natives; do
		echo "$addr" > /sys/bus/pci/drivers/nvme/unbind
	done
	echo platform > /sys/power/pm_test
	echo 0 > /sys/module/suspend/parameters/pm_test_delay
	echo "$1" > /sys/power/state || ret=1
	echo none > /sys/power/pm_test
	for addr in $natives; do
		echo "$addr" > /sys/bus/pci/drivers/nvme/bind
		until_true has_disk "$addr" || ret=1
	done
	return $ret
}

# By its multipath name, where it has one.
sentinel() {
	local disk

	disk=$(basename "$SYS/$1"/nvme/nvme*/nvme*n1)
	[[ $disk =~ ^(nvme[0-9]+)(c[0-9]+)?(n[0-9]+)$ ]] || return 1
	dd if="/dev/${BASH_REMATCH[1]}${BASH_REMATCH[3]}" bs=512 count=1 \
		iflag=direct status=none | head -n 1
}

suspend_changes_nothing() {
	local before kind ret=0 line

	line=$(sentinel "${NVMES[1]}")
	insmod "$VP_MODULES/awake.ko" &&
		load "rules=\"hold $NVME; vfio $IGB\"" && replug "$NVME" "$IGB" &&
		wait_state "$NVME" held && wait_state "$IGB" isolated || ret=1
	before=$(vpnl info | sed 's/.* events=//')
	for kind in freeze mem; do
		[ $ret = 0 ] || break
		grep -qw $kind /sys/power/state || continue
		log_mark
		expect "suspend ($kind)" suspend $kind &&
			expect "it was one of devices" grep -q "PM: suspend debug: Waiting" <(log_since) &&
			same "held" "$(driver_of "$NVME") $(dev "$NVME" state) $(bus_master "$NVME")" \
				"vfiopolicy held 0" &&
			same "isolated" "$(driver_of "$IGB") $(dev "$IGB" state) $(bus_master "$IGB")" \
				"vfio-pci isolated 0" &&
			wait_power "$NVME" D3hot || ret=1
	done
	same events "$(vpnl info | sed 's/.* events=//')" "$before" &&
		same "what nvme reads" "$(sentinel "${NVMES[1]}")" "$line" &&
		expect "that is the sentinel ($line)" test "${line#vfiopolicy sentinel}" != "$line" || ret=1
	rmmod awake
	return $ret
}

run_tests
