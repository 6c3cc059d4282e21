#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# To the end: an NVMe and a VF of an igb, claimed by rules at first sight, go to
# a guest inside the guest. It reads from the drive what was written there on the
# outside, and exchanges a packet with the PF. The functions are one story, in
# this order; the inner guest is started once.
# Controls: without the rule, QEMU is refused the device; what is refused while
# the inner guest runs works afterwards, and the native drivers have them again.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/inner.sh
. "$(dirname "$0")/lib/inner.sh"

PF=$(one_of 8086:10c9)
VF_ID=8086:10ca
# Addresses of no network (RFC 5737).
OUTER=192.0.2.1
INNER=192.0.2.2
# Locally administered; a VF has none of its own, and as libvirt does the PF says.
MAC=02:00:5e:10:00:01

# serial_of ADDRESS, as long as nvme has it
serial_of() {
	cat "$SYS/$1"/nvme/nvme*/serial | tr -d ' '
}

# What is below the controller may be one path of several, nvme0c1n1.
disk_of() {
	basename "$SYS/$1"/nvme/nvme*/nvme*n1 | sed 's/c[0-9]*n/n/'
}

has_disk() {
	[ -b "/dev/$(disk_of "$1")" ]
}

NVME=$(one_of 1b36:0010)
[ -n "$NVME" ] || skip "needs an NVMe"
[ -e "$SYS/$PF/sriov_numvfs" ] || skip "needs an igb with SR-IOV"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
inner_loader > /dev/null || skip "needs iPXE"
command -v qemu-system-x86_64 > /dev/null || skip "needs QEMU"
modprobe vfio-pci
modprobe igbvf || skip "needs igbvf"
wait_driver "$NVME" nvme || skip "needs the driver of NVMe"
until_true has_disk "$NVME" || skip "needs a drive"
SERIAL=$(serial_of "$NVME")
SENTINEL="sentinel of drive $SERIAL, written outside, $RANDOM$RANDOM"
DIR=$(mktemp -d)
VF=''

TESTS="control_without_the_rule_qemu_is_refused
	drive_and_vf_are_claimed_at_first_sight
	vf_passes_a_packet
	inner_guest_reads_the_sentinel
	they_are_in_use_meanwhile
	released_the_drive_is_read_outside_again
	rule_deleted_the_vf_is_igbvfs"

at_end() {
	inner_end now
	echo 0 > "$SYS/$PF/sriov_numvfs"
	ip address flush dev "$(netdev_of "$PF")"
	ip link set dev "$(netdev_of "$PF")" down
	unload
	wait_driver "$NVME" nvme && until_true has_disk "$NVME" &&
		dd if="$DIR/before" of="/dev/$(disk_of "$NVME")" oflag=direct status=none
	rm -r "$DIR"
}

netdev_of() {
	basename "$SYS/$1"/net/*
}

# read_block BLOCK: the line in it, read past the cache: it is about the drive
read_block() {
	dd if="/dev/$(disk_of "$NVME")" count=1 skip="$1" iflag=direct status=none |
		head -n 1
}

# write_block BLOCK: of standard input
write_block() {
	dd of="/dev/$(disk_of "$NVME")" bs=512 count=1 seek="$1" oflag=direct \
		conv=sync status=none
}

# What iPXE does; Ctrl-C ends its asking.
INNER_COMMANDS="set net0/ip $INNER && set net0/netmask 255.255.255.0 && ifopen net0 &&
echo inner: mac \${net0/mac} ; chain http://$OUTER/ ;
sanboot --no-describe --drive 0x80"

# refused WORDS COMMAND...: EBUSY
refused() {
	local answer

	answer=$("${@:2}" 2>&1)
	same "exit status of ${*:2}" $? 2 &&
		expect "why ($answer)" grep -q "Device or resource busy: $1" <<< "$answer"
}

control_without_the_rule_qemu_is_refused() {
	local answer

	answer=$(qemu-system-x86_64 -machine q35 -accel tcg -nodefaults -m 64 \
		-display none -device "vfio-pci,host=$NVME" 2>&1 < /dev/null)
	expect "QEMU says no" test $? -ne 0 &&
		expect "why ($answer)" grep -q "vfio.*$NVME" <<< "$answer" &&
		same driver "$(driver_of "$NVME")" nvme
}

drive_and_vf_are_claimed_at_first_sight() {
	dd if="/dev/$(disk_of "$NVME")" of="$DIR/before" bs=512 count=17 iflag=direct \
		status=none && write_block 0 < "$VP_BIN/inner_boot" &&
		write_block 8 <<< "$SENTINEL" && load "rules=\"vfio $NVME; vfio $VF_ID\"" &&
		trace_functions nvme_probe igbvf_probe && replug "$NVME" &&
		wait_state "$NVME" isolated &&
		ip link set dev "$(netdev_of "$PF")" up &&
		echo 1 > "$SYS/$PF/sriov_numvfs" || return 1
	VF=$(one_of $VF_ID)
	ip link set dev "$(netdev_of "$PF")" vf 0 mac $MAC && wait_state "$VF" isolated &&
		same "entries of native drivers" "$(traced)" 0
	local ret=$?
	trace_end
	return $ret
}

has_neighbour() {
	ip neighbour show "$INNER" dev "$(netdev_of "$PF")" | grep -q "lladdr $MAC"
}

# One way: iPXE's driver sends by it and, emulated, never receives. It asks who has
# the address, and the outer guest learns who asks.
vf_passes_a_packet() {
	ip address add "$OUTER/24" dev "$(netdev_of "$PF")" &&
		expect "control: no neighbour" eval '! has_neighbour' &&
		inner_start "${INNER_COMMANDS//$'\n'/ }" "$NVME" "$VF" &&
		same "its address" "$(inner_says mac)" $MAC &&
		expect "the packet arrives" until_true has_neighbour && inner_tell $'\003'
}

inner_guest_reads_the_sentinel() {
	same "what it reads" "$(inner_says reads)" "$SENTINEL" &&
		same "what it writes" "$(inner_says writes)" "block 16"
}

they_are_in_use_meanwhile() {
	local ret=0 addr

	expect "it runs" inner_runs || return 1
	for addr in "$NVME" "$VF"; do
		same "in use" "$(dev "$addr" in_use)" 1 &&
			same "bus mastering" "$(bus_master "$addr")" 1 &&
			refused "$addr is in use" vpnl release "$addr" &&
			same state "$(dev "$addr" state)" isolated || ret=1
	done
	refused "$NVME is in use" vpnl del 1 || ret=1
	refused "$VF is in use" vpnl del 2 || ret=1
	same rules "$(vpnl rules | wc -l)" 2 || ret=1
	expect "it still runs" inner_runs && return $ret
}

released_the_drive_is_read_outside_again() {
	inner_tell x && same "where it goes" "$(inner_says goes)" off && expect "QEMU ended well" inner_end ||
		return 1
	same "in use" "$(dev "$NVME" in_use)" 0 &&
		same "bus mastering" "$(bus_master "$NVME")" 0 &&
		vpnl release "$NVME" > /dev/null && wait_state "$NVME" released &&
		wait_driver "$NVME" nvme && until_true has_disk "$NVME" &&
		same "what was written outside" "$(read_block 8)" "$SENTINEL" &&
		same "what was written inside" "$(read_block 16)" "written inside"
}

rule_deleted_the_vf_is_igbvfs() {
	expect "there is a VF" test -n "$VF" &&
		same "in use" "$(dev "$VF" in_use)" 0 && vpnl del 2 &&
		wait_state "$VF" none && wait_driver "$VF" igbvf
}

run_tests
