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
inner_release > /dev/null || skip "needs the image of a kernel"
command -v qemu-system-x86_64 > /dev/null || skip "needs QEMU"
modprobe vfio-pci
modprobe igbvf || skip "needs igbvf"
wait_driver "$NVME" nvme || skip "needs the driver of NVMe"
until_true has_disk "$NVME" || skip "needs a drive"
SERIAL=$(serial_of "$NVME")
SENTINEL="vfiopolicy sentinel of drive $SERIAL"
VF=''

TESTS="control_without_the_rule_qemu_is_refused
	drive_and_vf_are_claimed_at_first_sight
	inner_guest_reads_the_sentinel
	they_are_in_use_meanwhile
	vf_passes_a_packet
	released_the_drive_is_read_outside_again
	rule_deleted_the_vf_is_igbvfs"

at_end() {
	inner_end now
	echo 0 > "$SYS/$PF/sriov_numvfs"
	ip address flush dev "$(netdev_of "$PF")"
	unload
	wait_driver "$NVME" nvme
}

netdev_of() {
	basename "$SYS/$1"/net/*
}

# Read past the cache: it is about the drive.
read_line() {
	dd if="/dev/$(disk_of "$1")" bs=4096 count=1 skip="$2" iflag=direct \
		status=none | head -n 1
}

# What the inner guest does. The last line waits until it is told to go.
# shellcheck disable=SC2016 # for the inner shell
INNER_SCRIPT='
until [ -b /dev/nvme0n1 ]; do usleep 50000; done
echo inner: serial $(cat /sys/class/nvme/nvme0/serial)
echo "inner: reads $(head -n 1 /dev/nvme0n1)"
echo "written inside" | dd of=/dev/nvme0n1 bs=4096 seek=1 conv=sync,fsync 2> /dev/null
echo "inner: drivers $(ls /sys/bus/pci/drivers/nvme /sys/bus/pci/drivers/igbvf | grep -c ^0000:)"
until [ -d /sys/class/net/eth0 ]; do usleep 50000; done
ifconfig eth0 '$INNER' netmask 255.255.255.0 up
until [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do usleep 50000; done
until ping -c 1 -W 5 '$OUTER' > /tmp-ping 2>&1; do :; done
echo "inner: packet from $(sed -n "s/.*bytes from \([0-9.]*\):.*/\1/p" /tmp-ping)"
echo "inner: mac $(cat /sys/class/net/eth0/address)"
until read -r word && [ "$word" = go ]; do :; done
echo "inner: goes"
'

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
	load "rules=\"vfio $NVME; vfio $VF_ID\"" &&
		trace_functions nvme_probe igbvf_probe && replug "$NVME" &&
		wait_state "$NVME" isolated &&
		ip link set dev "$(netdev_of "$PF")" up &&
		echo 1 > "$SYS/$PF/sriov_numvfs" || return 1
	VF=$(one_of $VF_ID)
	wait_state "$VF" isolated &&
		same "entries of native drivers" "$(traced)" 0
	local ret=$?
	trace_end
	return $ret
}

inner_guest_reads_the_sentinel() {
	ip address add "$OUTER/24" dev "$(netdev_of "$PF")" &&
		inner_start "$INNER_SCRIPT" "nvme igbvf" "$NVME" "$VF" || return 1
	same "serial number" "$(inner_says serial)" "$SERIAL" &&
		same "what it reads" "$(inner_says reads)" "$SENTINEL" &&
		same "devices with drivers" "$(inner_says drivers)" 2
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

# Both ways: the inner one has an answer, and the outer one knows its address.
vf_passes_a_packet() {
	same "the answer is from" "$(inner_says 'packet from')" "$OUTER" &&
		same "neighbour" "$(ip neighbour show "$INNER" dev "$(netdev_of "$PF")" |
			sed -n 's/.*lladdr \([^ ]*\).*/\1/p')" "$(inner_says mac)"
}

released_the_drive_is_read_outside_again() {
	inner_tell go && inner_says goes && expect "QEMU ended well" inner_end ||
		return 1
	same "in use" "$(dev "$NVME" in_use)" 0 &&
		same "bus mastering" "$(bus_master "$NVME")" 0 &&
		vpnl release "$NVME" > /dev/null && wait_state "$NVME" released &&
		wait_driver "$NVME" nvme && until_true has_disk "$NVME" &&
		same "its first line" "$(read_line "$NVME" 0)" "$SENTINEL" &&
		same "its second block" "$(read_line "$NVME" 1)" "written inside"
}

rule_deleted_the_vf_is_igbvfs() {
	expect "there is a VF" test -n "$VF" &&
		same "in use" "$(dev "$VF" in_use)" 0 && vpnl del 2 &&
		wait_state "$VF" none && wait_driver "$VF" igbvf
}

run_tests
