#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# with=slot and with=group: what else is held, in whatever order things come,
# what is not, and how it goes home.
# Controls: other slots and groups, VFs, bridges, and what a rule names itself;
# without with= greedy drivers do probe the companions.
# The groups of the test bus have no IOMMU; the real ones are that of the host's
# SMBus, SATA and ISA bridge, and what the topology has to share, or what is
# plugged in.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

need_debugfs
CONTROL=/sys/kernel/debug/testbus/control
PROBES=/sys/kernel/debug/greedy/probes
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
IGB=$(one_of 8086:10c9)
SMBUS=$(one_of 8086:2930)
# On topology shared it is in a slot, and in a group, with an NVMe.
E1000E=$(one_of 8086:10d3)
MONITOR=$(dirname "$0")/vm/monitor
# And two of these are behind one conventional bridge.
mapfile -t E1000 < <(all_of 8086:100e)
# Functions of one slot have the ids 1234:0000, 1234:0001 and so on.
A=1000:00:03
DIR=$(mktemp -d)

TESTS="functions_of_the_slot_are_held
	companions_come_first_later_and_alone
	native_companion_is_left_until_it_is_asked_for
	companion_on_its_way_home_stays_known
	who_is_named_goes_by_that
	bridges_are_passed_over
	group_is_held"
[ -z "$IGB" ] || TESTS+=" vf_is_in_no_slot"
if [ -n "$SMBUS" ] && [ -e "$SYS/$SMBUS/iommu_group" ]; then
	modprobe vfio-pci
	TESTS+=" group_of_the_host_has_its_bridge_passed_over"
	[ -z "$E1000E${VP_HOTPLUG_BUS:-}" ] ||
		TESTS+=" slot_that_is_a_group_becomes_viable a_group_is_handed_over_one_by_one
			a_group_that_is_refused_is_tried_as_often"
	[ ${#E1000[@]} -lt 2 ] || TESTS+=" group_behind_a_bridge_becomes_viable"
fi
TESTS+=" companions_are_never_probed"

after_each() {
	unload
	clear_bus
	[ ! -d /sys/module/greedy ] || rmmod greedy
}

at_end() {
	rmmod testbus
	rm -r "$DIR"
}

clear_bus() {
	sed -n 's/^\(1000:00:[^ ]*\) .*/del \1/p' $CONTROL > "$DIR/del"
	cat "$DIR/del" > $CONTROL
}

# put LINE...: on the bus, in one scan
put() {
	printf '%s\n' "${@/#/define }" rescan > $CONTROL
}

put_slot() {
	put "$A.0 1234:0000" "$A.1 1234:0001" "$A.2 1234:0002" "1000:00:04.0 1234:0003"
}

greedy() {
	insmod "$VP_MODULES/greedy.ko" domain=0x1000 "$@"
}

# unknown ADDRESS...: they are there, and have no record
unknown() {
	local addr

	for addr; do
		expect "$addr is there" test -e "$SYS/$addr" &&
			same "state of $addr" "$(dev "$addr" state)" "" || return 1
	done
}

# all_wait STATE REASON ADDRESS...
all_wait() {
	local addr

	for addr in "${@:3}"; do
		wait_state "$addr" "$1" "$2" || return 1
	done
}

all_driven_by() {
	local addr

	for addr in "${@:2}"; do
		wait_driver "$addr" "$1" || return 1
	done
}

functions_of_the_slot_are_held() {
	greedy bind=1 && load 'rules="hold 1234:0000 with=slot"' && put_slot &&
		all_wait held none $A.0 && all_wait held with $A.1 $A.2 &&
		all_driven_by vfiopolicy $A.0 $A.1 $A.2 &&
		same "rule of a companion" "$(dev $A.2 rule)" 1 &&
		all_driven_by greedy_sync 1000:00:04.0 && unknown 1000:00:04.0 &&
		same "probes in the slot" "$(grep -c ^$A $PROBES)" 0 &&
		vpnl del 1 && all_wait none "" $A.0 $A.1 $A.2 &&
		all_driven_by greedy_sync $A.0 $A.1 $A.2
}

# Nobody else drives them here. The device that the rule names is the second one.
companions_come_first_later_and_alone() {
	load 'rules="hold 1234:0001 with=slot"' && put_slot &&
		all_wait held with $A.0 $A.2 && testbus "del $A.1" &&
		wait_state $A.1 none && all_wait held with $A.0 $A.2 &&
		vpnl del 1 && all_wait none "" $A.0 $A.2 &&
		vpnl add "hold 1234:0001 with=slot" > "$DIR/answer" &&
		unknown $A.0 $A.2 && testbus "add $A.1 1234:0001" &&
		wait_state $A.1 held none && all_wait held with $A.0 $A.2 &&
		testbus "del $A.2" && wait_state $A.2 none &&
		testbus "add $A.2 1234:0002" && wait_state $A.2 held with &&
		testbus "del $A.1" && wait_state $A.1 none &&
		testbus "del $A.2" && testbus "add $A.2 1234:0002" &&
		unknown $A.2 && wait_state $A.0 held with &&
		vpnl del 2 && wait_state $A.0 none
}

native_companion_is_left_until_it_is_asked_for() {
	greedy bind=1 && put_slot && load 'rules="hold 1234:0000 with=slot"' &&
		all_wait native native-driver $A.0 $A.1 $A.2 &&
		unknown 1000:00:04.0 &&
		vpnl add --take-over "hold 1234:0000 with=slot" > "$DIR/answer" &&
		wait_state $A.0 held none &&
		same "state of the second" "$(dev $A.1 state),$(dev $A.1 reason)" \
			native,native-driver &&
		all_driven_by greedy_sync $A.1 $A.2 &&
		vpnl claim $A.1 > "$DIR/answer" && wait_state $A.1 held with &&
		echo $A.2 > "$SYS/$A.2/driver/unbind" &&
		wait_state $A.2 held with
}

# is_left_or_held ADDRESS: known, and where its driver has left it, or it a driver
is_left_or_held() {
	[[ "$(dev "$1" state) $(dev "$1" reason)" == @("native native-driver"|"held with") ]]
}

# Its own rule goes with the table that has another device want it beside itself; it
# is not home yet when that one is recorded, for its driver takes its time, if it is
# asked at all.
companion_on_its_way_home_stays_known() {
	put_slot && load && vpnl add "hold $A.1" > "$DIR/answer" &&
		wait_state "$A.1" held && greedy bind=1 delay_ms=1500 &&
		same "driver of $A.1" "$(driver_of "$A.1")" vfiopolicy &&
		echo "hold $A.0 with=slot" | vpnl replace runtime - > /dev/null &&
		wait_state "$A.0" native native-driver &&
		expect "$A.1 is known" until_true is_left_or_held "$A.1"
}

who_is_named_goes_by_that() {
	greedy bind=1 &&
		load 'rules="hold 1234:0000 with=slot; leave 1234:0001; vfio 1234:0002"' &&
		put_slot && wait_state $A.0 held none &&
		all_driven_by greedy_sync $A.1 && unknown $A.1 &&
		wait_state $A.2 held no-iommu-group &&
		same "rule of the third" "$(dev $A.2 rule)" 3 &&
		vpnl del 3 && wait_state $A.2 held with &&
		same "rule of the third" "$(dev $A.2 rule)" 1 &&
		vpnl del 2 && wait_state $A.1 native native-driver &&
		vpnl add "leave 1234:0002" > "$DIR/answer" && wait_state $A.2 none &&
		all_driven_by greedy_sync $A.2 &&
		same "state of the first" "$(dev $A.0 state)" held
}

bridges_are_passed_over() {
	load 'rules="hold 1234:0000 with=slot"' &&
		put "$A.0 1234:0000" "$A.1 1b36:000c bus=01" "$A.2 1234:0002" \
			"1000:01:00.0 1234:0003" &&
		wait_state $A.0 held none && wait_state $A.2 held with &&
		unknown $A.1 1000:01:00.0
}

group_is_held() {
	local others="1000:00:04.0 1000:00:05.0"

	load 'rules="hold 1234:0000 with=group"' &&
		put "1000:00:04.0 1234:0001 group=1" "$A.0 1234:0000 group=1" \
			"$A.1 1234:0002 group=2" "1000:00:05.0 1234:0003 group=1" \
			"1000:00:06.0 1234:0004" &&
		wait_state $A.0 held none || return 1
	# shellcheck disable=SC2086 # two words
	all_wait held with $others && unknown $A.1 1000:00:06.0 &&
		testbus "add 1000:00:07.0 1234:0005 group=1" &&
		wait_state 1000:00:07.0 held with &&
		testbus "del $A.0" && wait_state $A.0 none &&
		all_wait held with $others && vpnl del 1 &&
		all_wait none "" $others 1000:00:07.0 &&
		vpnl add "hold 1234:0000 with=group" > "$DIR/answer" &&
		testbus "add $A.0 1234:0000 group=1" && wait_state $A.0 held none &&
		all_wait held with $others && unknown $A.1 1000:00:06.0
}

# By their numbers both VFs are in one slot.
vf_is_in_no_slot() {
	local both ret=0

	modprobe igbvf
	echo 2 > "$SYS/$IGB/sriov_numvfs" || return 1
	mapfile -t both < <(all_of 8086:10ca)
	echo 0 > "$SYS/$IGB/sriov_numvfs"
	same "slot of the second" "${both[1]%.*}" "${both[0]%.*}" &&
		load "rules=\"hold ${both[0]} with=slot\"" &&
		echo 2 > "$SYS/$IGB/sriov_numvfs" && wait_state "${both[0]}" held none &&
		all_driven_by igbvf "${both[1]}" && unknown "${both[1]}" || ret=1
	echo 0 > "$SYS/$IGB/sriov_numvfs"
	return $ret
}

is_viability() {
	[[ $(vpnl group "$(group_of "$1")" 2>&1) == *" viability=$2 "* ]]
}

wait_viability() {
	until_true is_viability "$@" && return 0
	say "failed: group of $1 is not $2: $(vpnl group "$(group_of "$1")" 2>&1)"
	return 1
}

# becomes_viable WITH DEVICE COMPANION: both have drivers of the host's, to which
# they go back
becomes_viable() {
	local drivers

	drivers="$(driver_of "$2") $(driver_of "$3")"
	same "group of $3" "$(group_of "$3")" "$(group_of "$2")" &&
		vpnl add --take-over "vfio $2 with=$1" > "$DIR/answer" &&
		wait_state "$2" isolated && wait_state "$3" native native-driver &&
		wait_viability "$2" blocked &&
		vpnl claim "$3" > "$DIR/answer" && wait_state "$3" held with &&
		wait_viability "$2" viable &&
		same "devices known" "$(vpnl devs | wc -l)" 2 &&
		vpnl del "vfio $2 with=$1" && all_wait none "" "$2" "$3" &&
		all_driven_by "${drivers% *}" "$2" && all_driven_by "${drivers#* }" "$3"
}

# Its SATA controller is left where it is: QEMU 10.0 can die when ahci goes.
group_of_the_host_has_its_bridge_passed_over() {
	local isa=${SMBUS%.*}.0 sata=${SMBUS%.*}.2 driver=ahci is=(native native-driver)

	# Not every kernel has that driver.
	[ -d /sys/bus/pci/drivers/ahci ] || driver=vfiopolicy is=(held with)
	same "group of $isa" "$(group_of "$isa")" "$(group_of "$SMBUS")" &&
		load && vpnl add --take-over "hold $SMBUS with=group" > "$DIR/answer" &&
		wait_state "$SMBUS" held && wait_state "$sata" "${is[@]}" &&
		same "driver of $sata" "$(driver_of "$sata")" $driver &&
		unknown "$isa" && vpnl del 1 && all_wait none "" "$SMBUS" "$sata"
}

has_e1000e() {
	E1000E=$(one_of 8086:10d3)
	[ -n "$E1000E" ]
}

# Function 0 comes last, for its coming has the kernel look. What is plugged in
# is put into a group before the kernel itself marks it as one of several.
plug_slot() {
	"$MONITOR" "device_add nvme,id=hot1,serial=hot1,bus=$VP_HOTPLUG_BUS,addr=0.1,multifunction=on" &&
		"$MONITOR" "device_add e1000e,id=hot0,bus=$VP_HOTPLUG_BUS,addr=0.0,multifunction=on" &&
		expect "it appears" until_true has_e1000e
}

no_e1000e() {
	! has_e1000e
}

# in_a_slot FUNCTION: with the two functions, of which the second one is NVME
in_a_slot() {
	local ret=0 plugged=''

	has_e1000e || plugged=1
	[ -z "$plugged" ] || plug_slot || return 1
	NVME=${E1000E%.*}.$((1 - ${E1000E##*.}))
	are_native && "$1" || ret=1
	[ -z "$plugged" ] || { "$MONITOR" "device_del hot0" > /dev/null &&
		until_true no_e1000e; } || ret=1
	return $ret
}

are_native() {
	wait_driver "$E1000E" e1000e && wait_driver "$NVME" nvme
}

both_ways() {
	load && becomes_viable slot "$E1000E" "$NVME" && becomes_viable group "$NVME" "$E1000E"
}

slot_that_is_a_group_becomes_viable() {
	in_a_slot both_ways
}

# vfio of 6.1 makes one object of a group, and warns when two probes do so at a time.
# The target comes when both wait for it.
over_and_over() {
	start_recording
	for _ in {1..6}; do
		modprobe -r vfio-pci
		vpnl add --take-over "vfio ${E1000E%.*}.*" > "$DIR/answer" &&
			all_wait isolated none "$E1000E" "$NVME" &&
			vpnl del "vfio ${E1000E%.*}.*" && all_wait none "" "$E1000E" "$NVME" &&
			are_native || return 1
	done
}

a_group_is_handed_over_one_by_one() {
	local ret=0

	load && in_a_slot over_and_over || ret=1
	end_recording
	modprobe vfio-pci
	# Each event tells where its device was before.
	same "hand-offs" "$(grep -c ' old=held state=handing-off' "$DIR/events")" 12 &&
		same "hand-offs beside another" "$(awk '
			/ old=held state=handing-off/ { beside += now != ""; now = $1 }
			/ old=handing-off/ && $1 == now { now = "" }
			END { print beside + 0 }' "$DIR/events")" 0 || ret=1
	return $ret
}

probes() {
	cat /sys/module/test_vfio_pci/parameters/probes
}

has_probes() {
	[ "$(probes)" -ge "$1" ]
}

# Neither waits, nor is tried, because of the other one's tries.
refused_both() {
	load && vpnl add --take-over "vfio ${E1000E%.*}.* driver=test_vfio_pci" > "$DIR/answer" &&
		all_wait held target-refused "$E1000E" "$NVME" &&
		expect "four tries each" until_true has_probes 8 &&
		all_wait held target-refused "$E1000E" "$NVME" && same probes "$(probes)" 8 &&
		echo 0 > /sys/module/test_vfio_pci/parameters/refuse &&
		vpnl claim "$NVME" > "$DIR/answer" && wait_state "$NVME" isolated &&
		same "state of the other" "$(dev "$E1000E" state)" held &&
		vpnl claim "$E1000E" > "$DIR/answer" && wait_state "$E1000E" isolated &&
		same "probes in all" "$(probes)" 10 && vpnl del 1 &&
		all_wait none "" "$E1000E" "$NVME" && are_native
}

a_group_that_is_refused_is_tried_as_often() {
	local ret=0

	insmod "$VP_MODULES/test_vfio_pci.ko" refuse=1 && in_a_slot refused_both || ret=1
	rmmod test_vfio_pci
	return $ret
}

group_behind_a_bridge_becomes_viable() {
	load && becomes_viable group "${E1000[1]}" "${E1000[0]}"
}

# In 32 slots at a time, one of whose two functions is named, in turn.
burst() {
	local i

	for ((i = 0; i < 32; i++)); do
		printf 'define 1000:00:%02x.0 1234:%04x\ndefine 1000:00:%02x.1 1234:%04x\n' \
			$i $((i % 2)) $i $((1 - i % 2))
	done
	echo rescan
	for ((i = 0; i < 32; i++)); do
		printf 'del 1000:00:%02x.%d\ndel 1000:00:%02x.%d\n' \
			$i $((i / 2 % 2)) $i $((1 - i / 2 % 2))
	done
}

companions_are_never_probed() {
	local i

	burst > "$DIR/burst"
	greedy && load 'rules="hold 1234:0000"' && cat "$DIR/burst" > $CONTROL &&
		same "companions probed without with=" "$(grep -c " greedy_sync " $PROBES)" 32 &&
		vpnl add "hold 1234:0000 with=slot" > "$DIR/answer" &&
		echo 0 > $PROBES || return 1
	for i in 1 2 3 4; do
		cat "$DIR/burst" > $CONTROL || return 1
	done
	same probes "$(sed -n 's/^total //p' $PROBES)" 0 &&
		same "devices known at the end" "$(vpnl devs | wc -l)" 0
}

run_tests
