#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFs that sriov_numvfs makes on a real igb go straight to vfio-pci.
# Control: without the rule igbvf binds them.
# Oracles: ftrace on igbvf's probe, /dev/vfio, the records that come and go.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

PF=$(one_of 8086:10c9)
VF_ID=8086:10ca
[ -e "$SYS/$PF/sriov_numvfs" ] || skip "needs an igb with SR-IOV"
modprobe igbvf || skip "needs igbvf"

TESTS="control_igbvf_binds_vfs_without_a_rule
	vfs_reach_vfio_and_never_igbvf
	vfs_vanish_and_return
	rule_holds_with_autoprobe_off
	one_vf_by_address_leaves_the_other
	vfs_of_a_pf_of_vfio_are_left_alone
	vf_of_a_pf_of_vfio_is_never_adopted
	pf_of_vfio_with_vfs_stays_until_they_are_gone"

numvfs() {
	echo "$1" > "$SYS/$PF/sriov_numvfs"
}

vfs() {
	all_of $VF_ID | tr '\n' ' '
}

after_each() {
	numvfs 0
	echo 1 > "$SYS/$PF/sriov_drivers_autoprobe"
	unload
}

control_igbvf_binds_vfs_without_a_rule() {
	load && trace_functions igbvf_probe && numvfs 2 || return 1
	local vf
	for vf in $(vfs); do
		wait_driver "$vf" igbvf || return 1
	done
	same "number of VFs" "$(vfs | wc -w)" 2 &&
		expect "igbvf_probe was entered" test "$(traced)" -ge 2
	local ret=$?
	trace_end
	return $ret
}

vfs_reach_vfio_and_never_igbvf() {
	local vf ret=0

	load "rules=\"vfio $VF_ID\"" && trace_functions igbvf_probe &&
		numvfs 2 || return 1
	same "number of VFs" "$(vfs | wc -w)" 2 || ret=1
	for vf in $(vfs); do
		wait_state "$vf" isolated &&
			same driver "$(driver_of "$vf")" vfio-pci &&
			same physfn "$(dev "$vf" physfn)" "$PF" &&
			expect "a node for users" \
				test -c "/dev/vfio/$(group_of "$vf")" || ret=1
	done
	same "entries of igbvf_probe" "$(traced)" 0 || ret=1
	trace_end
	same "the PF's driver" "$(driver_of "$PF")" igb && return $ret
}

vfs_vanish_and_return() {
	local vf first

	load "rules=\"vfio $VF_ID\"" && numvfs 2 || return 1
	first=$(vfs)
	for vf in $first; do
		wait_state "$vf" isolated || return 1
	done
	numvfs 0
	for vf in $first; do
		wait_state "$vf" none || return 1
	done
	same "devices known" "$(vpnl devs | wc -l)" 0 && numvfs 2 || return 1
	for vf in $(vfs); do
		wait_state "$vf" isolated || return 1
	done
	same "the same VFs" "$(vfs)" "$first"
}

# An override lets the core probe a VF all the same (pci_device_can_probe()).
rule_holds_with_autoprobe_off() {
	local vf

	load "rules=\"vfio $VF_ID\"" || return 1
	echo 0 > "$SYS/$PF/sriov_drivers_autoprobe"
	numvfs 1 || return 1
	vf=$(one_of $VF_ID)
	wait_state "$vf" isolated
}

one_vf_by_address_leaves_the_other() {
	local both

	load && numvfs 2 || return 1
	read -ra both <<< "$(vfs)"
	numvfs 0
	vpnl add "vfio ${both[1]}" > /dev/null && numvfs 2 &&
		wait_state "${both[1]}" isolated &&
		wait_driver "${both[0]}" igbvf &&
		expect "no record of the other" test -z "$(dev "${both[0]}" state)"
}

# vfio-pci captures those itself at the same notification.
vfs_of_a_pf_of_vfio_are_left_alone() {
	local vf ret=0

	modprobe -r vfio-pci
	modprobe vfio-pci enable_sriov=1 &&
		load "rules=\"vfio $PF; hold $VF_ID\"" && replug "$PF" &&
		wait_state "$PF" isolated && numvfs 1 || ret=1
	vf=$(one_of $VF_ID)
	[ $ret = 0 ] && wait_state "$vf" native vfio-pf &&
		same "who has the VF" "$(driver_of "$vf")" vfio-pci || ret=1
	numvfs 0
	unload
	modprobe -r vfio-pci
	replug "$PF"
	wait_driver "$PF" igb && return $ret
}

# Also not when root takes it from vfio-pci and gives it back: with whom its PF is
# has not changed.
vf_of_a_pf_of_vfio_is_never_adopted() {
	local vf ret=0

	modprobe -r vfio-pci
	modprobe vfio-pci enable_sriov=1 &&
		load "rules=\"vfio $PF; vfio $VF_ID\"" && replug "$PF" &&
		wait_state "$PF" isolated && numvfs 1 || ret=1
	vf=$(one_of $VF_ID)
	[ $ret = 0 ] && wait_state "$vf" native vfio-pf && log_mark &&
		echo "$vf" > "$SYS/$vf/driver/unbind" &&
		same "state without a driver" "$(dev "$vf" state)" native &&
		echo "$vf" > /sys/bus/pci/drivers/vfio-pci/bind &&
		same "state with vfio-pci" "$(dev "$vf" state)" native &&
		same "who has the VF" "$(driver_of "$vf")" vfio-pci &&
		vpnl claim "$vf" > /dev/null && wait_state "$vf" native vfio-pf &&
		expect "it was not claimed" test -z "$(log_since | grep "$vf: claimed")" || ret=1
	numvfs 0
	unload
	modprobe -r vfio-pci
	replug "$PF"
	wait_driver "$PF" igb && return $ret
}

# Its VFs go with its driver, which would wait for their users.
pf_of_vfio_with_vfs_stays_until_they_are_gone() {
	local answer how ret=0

	modprobe -r vfio-pci
	modprobe vfio-pci enable_sriov=1 &&
		load "rules=\"vfio $PF\"" && replug "$PF" &&
		wait_state "$PF" isolated && numvfs 1 || ret=1
	for how in "release $PF" "del 1"; do
		# shellcheck disable=SC2086 # two words
		answer=$(vpnl $how 2>&1)
		same "exit status of $how" $? 2 &&
			same "why" "$answer" "vpnl: Device or resource busy: $PF is in use: it has VFs" || ret=1
	done
	same driver "$(driver_of "$PF")" vfio-pci && numvfs 0 &&
		vpnl release "$PF" > /dev/null && wait_state "$PF" released &&
		wait_driver "$PF" igb || ret=1
	numvfs 0
	unload
	modprobe -r vfio-pci
	wait_driver "$PF" igb && return $ret
}

run_tests
