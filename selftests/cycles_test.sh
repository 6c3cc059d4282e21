#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The same over and over: hand-offs from the stub to vfio-pci and back, a device
# given back and claimed again, VFs that come and go. Each time everything gets
# where it should, and in the end nothing has more references than before.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

HANDOFFS=${VP_HANDOFFS:-200}
TOGGLES=${VP_TOGGLES:-20}
NVME=$(one_of 1b36:0010)
PF=$(one_of 8086:10c9)
VF_ID=8086:10ca
[ -n "$NVME" ] || skip "needs an NVMe"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
[ -e "$SYS/$PF/sriov_numvfs" ] || skip "needs an igb with SR-IOV"
need_debugfs
# For its file of references.
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
modprobe vfio-pci
modprobe igbvf

TESTS="handed_off_and_back
	released_and_claimed
	vfs_come_and_go"

after_each() {
	echo 0 > "$SYS/$PF/sriov_numvfs"
	unload
	wait_driver "$NVME" nvme
}

at_end() {
	rmmod testbus
}

# again COUNT ACTOR...: see lib/actors.c; nothing is left behind
again() {
	local start=$SECONDS counts

	counts=$(counts_of "$NVME" "$PF")
	expect "each time it gets there" actors "x$1" "${@:2}" &&
		say "$1 times $2 in $((SECONDS - start)) s, $counts" &&
		counts_are "$counts" "$NVME" "$PF"
}

stat_of() {
	local stats

	stats=" $(vpnl stats) "
	stats=${stats#* "$1"=}
	echo "${stats%% *}"
}

handed_off_and_back() {
	load && replug "$NVME" && vpnl add "vfio $NVME" > /dev/null &&
		vpnl claim "$NVME" > /dev/null && wait_state "$NVME" isolated &&
		again "$HANDOFFS" handoff "$NVME,nvme,vfio" &&
		same "hand-offs counted" "$(stat_of hand-offs)" $((HANDOFFS + 1)) &&
		same "records" "$(vpnl devs | wc -l)" 1
}

# Its native driver has it in between.
released_and_claimed() {
	load "rules=\"vfio $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" isolated &&
		again $((HANDOFFS / 10)) giveback "$NVME,nvme,vfio" &&
		same "releases counted" "$(stat_of releases)" $((HANDOFFS / 10)) &&
		same "take-overs counted" "$(stat_of take-overs)" $((HANDOFFS / 10))
}

vfs_come_and_go() {
	local targets=() vf

	load "rules=\"vfio $VF_ID\"" && echo 2 > "$SYS/$PF/sriov_numvfs" || return 1
	for vf in $(all_of $VF_ID); do
		wait_state "$vf" isolated || return 1
		targets+=("$vf,igbvf,vfio")
	done
	same "VFs" ${#targets[@]} 2 && echo 0 > "$SYS/$PF/sriov_numvfs" &&
		again "$TOGGLES" vfs "$PF" 2 "${targets[@]}" &&
		same "records" "$(vpnl devs | wc -l)" 0
}

run_tests
