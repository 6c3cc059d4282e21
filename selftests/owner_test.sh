#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What udev does by our rule, with a real udev. owner=: the node of a device's group
# goes to whom its rule names. vfs=: a PF gets its VFs when it gets its driver.
# Controls: without owner= the node is root's; so is that of a device of no rule.
# Without vfs= there are no VFs.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

mapfile -t NVMES < <(all_of 1b36:0010)
[ ${#NVMES[@]} -ge 2 ] || skip "needs two NVMe"
NVME=${NVMES[0]} SECOND=${NVMES[1]}
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
pgrep -x "systemd-udevd|udevd|(udev-worker)" > /dev/null || pgrep udevd > /dev/null ||
	skip "needs udevd"
modprobe vfio-pci
NODE=/dev/vfio/$(group_of "$NVME")
RULE=/run/udev/rules.d/70-vfiopolicy-test.rules
mkdir -p "${RULE%/*}"
sed "s|@sbindir@|$VP_BIN|" "$(dirname "$0")/../user/udev/70-vfiopolicy.rules.in" > "$RULE"
# One that is told not to look up names gives nodes to nobody by a rule's answer,
# and the one of these guests is.
udevadm control --exit || skip "needs udevadm"
/usr/lib/systemd/systemd-udevd --daemon || skip "needs systemd-udevd"

TESTS="control_without_owner_it_is_roots
	node_goes_to_whom_the_rule_names
	no_group_said_is_group_0
	who_does_not_exist_gets_nothing
	control_of_another_device_it_is_roots
	command_answers_by_group_and_by_device
	command_refuses_what_is_neither
	taken_away_it_is_roots_again"
IGB=$(one_of 8086:10c9)
[ -z "$IGB" ] || TESTS+=" control_without_vfs_there_are_none
	pf_gets_its_vfs_with_its_driver
	more_than_it_can_have_makes_none"

after_each() {
	[ -z "$IGB" ] || echo 0 > "$SYS/$IGB/sriov_numvfs"
	unload
	wait_driver "$NVME" nvme
	wait_driver "$SECOND" nvme
}

at_end() {
	rm "$RULE"
	udevadm control --reload
}

# isolated RULE: it, on the first drive
isolated() {
	load "rules=\"$1\"" && replug "$NVME" && wait_state "$NVME" isolated &&
		udevadm settle
}

# node_is OWNER MODE
node_is() {
	same "owner and mode of $NODE" "$(stat -c '%U:%G %a' "$NODE")" "$1 $2"
}

control_without_owner_it_is_roots() {
	isolated "vfio $NVME" && node_is root:root 600
}

node_goes_to_whom_the_rule_names() {
	isolated "vfio $NVME owner=daemon:disk" && node_is daemon:disk 660
}

no_group_said_is_group_0() {
	isolated "vfio $NVME owner=daemon" && node_is daemon:root 660
}

who_does_not_exist_gets_nothing() {
	isolated "vfio $NVME owner=nosuchuser:disk" && node_is root:root 600
}

control_of_another_device_it_is_roots() {
	load "rules=\"vfio $NVME owner=daemon:disk; vfio $SECOND\"" &&
		replug "$NVME" "$SECOND" && wait_state "$NVME" isolated &&
		wait_state "$SECOND" isolated && udevadm settle &&
		node_is daemon:disk 660 &&
		same "owner of the other" \
			"$(stat -c '%U:%G' "/dev/vfio/$(group_of "$SECOND")")" root:root
}

# answers STATUS ANSWER WORD...
answers() {
	local said status

	said=$(vfiopolicy owner "${@:3}" 2> /dev/null)
	status=$?
	same "exit status of owner ${*:3}" $status "$1" &&
		same "answer to owner ${*:3}" "$said" "$2"
}

command_answers_by_group_and_by_device() {
	isolated "vfio $NVME owner=daemon:disk" &&
		answers 0 "$(id -u daemon) $(getent group disk | cut -d : -f 3)" \
			"$(group_of "$NVME")" &&
		answers 0 "$(id -u daemon) $(getent group disk | cut -d : -f 3)" "$NVME" &&
		answers 0 "" "$SECOND" && answers 0 "" "$(group_of "$SECOND")"
}

command_refuses_what_is_neither() {
	answers 2 "" 1 && isolated "vfio $NVME owner=daemon:disk" && answers 1 "" x &&
		answers 1 "" "" && answers 3 "" 47110815 && answers 1 "" ../..
}

is_roots() {
	[ "$(stat -c '%U:%G' "$NODE")" = root:root ]
}

taken_away_it_is_roots_again() {
	isolated "vfio $NVME owner=daemon:disk" && node_is daemon:disk 660 &&
		vpnl add "vfio $NVME name=without" > /dev/null &&
		vpnl del "vfio $NVME owner=daemon:disk" &&
		wait_state "$NVME" isolated &&
		echo change > "/sys/class/vfio/${NODE##*/}/uevent" &&
		expect "it is root's again" until_true is_roots
}

# The port's driver goes and comes, as at boot; udev has then done what it does.
with_a_new_driver() {
	echo "$IGB" > "$SYS/$IGB/driver/unbind" &&
		echo "$IGB" > /sys/bus/pci/drivers/igb/bind && udevadm settle
}

vfs_are() {
	same "VFs" "$(< "$SYS/$IGB/sriov_numvfs")" "$1"
}

control_without_vfs_there_are_none() {
	load "rules=\"leave $IGB\"" && with_a_new_driver && vfs_are 0
}

pf_gets_its_vfs_with_its_driver() {
	local vf

	load "rules=\"leave $IGB vfs=2; vfio vfs-of=$IGB\"" && with_a_new_driver &&
		vfs_are 2 && vf=$(one_of 8086:10ca) && wait_state "$vf" isolated &&
		same driver "$(driver_of "$IGB")" igb || return 1
	# What somebody set is his.
	echo 0 > "$SYS/$IGB/sriov_numvfs"
	echo 1 > "$SYS/$IGB/sriov_numvfs"
	vfiopolicy vfs "$IGB" && vfs_are 1
}

more_than_it_can_have_makes_none() {
	load "rules=\"leave $IGB vfs=99\"" && with_a_new_driver && vfs_are 0 &&
		OUT=$(vfiopolicy vfs "$IGB" 2>&1)
	same "exit status" $? 2 && expect "it says so" \
		grep -qF "vfs=99 is more than the" <<< "$OUT"
}

run_tests
