#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# From the start: in an initramfs the module is loaded first, then nvme and
# igb. Runs outside of guests and boots its own, some seconds each.
# Control: without the module the native drivers have everything.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

HERE=$(dirname "$(realpath "$0")")

TESTS="control_native_drivers_have_everything
	listed_ids_go_to_vfio_before_nvme_and_igb
	one_of_three_drives_by_address
	one_of_three_drives_by_place
	disable_on_the_command_line_is_the_way_back
	control_late_it_leaves_what_drivers_have
	late_in_a_boot_image_it_takes_what_rules_say"

# boot_with CMDLINE: what boot_script.sh says, in OUT
boot_with() {
	OUT=$("$HERE/vm/boot" -k "$VP_KERNEL" -a "$1" -m nvme -m igb -m vfio-pci \
		-m vfio_iommu_type1 -x "$VP_MODULES/vfiopolicy.ko" \
		-f "$VP_BIN/vpnl" -- "$HERE/boot_script.sh" 2>&1) && return
	say "the boot failed: $OUT"
	return 1
}

lines() {
	grep -cE "$1" <<< "$OUT"
}

control_native_drivers_have_everything() {
	boot_with vp.module=no &&
		same "drives of nvme" "$(lines '^nvme .* nvme node=no')" 3 &&
		same "ports of igb" "$(lines '^igb .* igb node=no')" 1 &&
		same "what they logged" "$(lines '^native probes: 4')" 1
}

listed_ids_go_to_vfio_before_nvme_and_igb() {
	boot_with "vfiopolicy.ids=1b36:0010,8086:10c9" &&
		same "drives of vfio-pci" "$(lines '^nvme .* vfio-pci node=yes')" 3 &&
		same "ports of vfio-pci" "$(lines '^igb .* vfio-pci node=yes')" 1 &&
		same "what native drivers logged" "$(lines '^native probes: 0')" 1
}

one_of_three_drives_by_address() {
	boot_with 'vfiopolicy.rules="vfio 0000:02:00.0 1b36:0010"' &&
		same "the one" "$(lines '^nvme 0000:02:00.0 vfio-pci node=yes')" 1 &&
		same "the others" "$(lines '^nvme .* nvme node=no')" 2 &&
		same "ports of igb" "$(lines '^igb .* igb ')" 1
}

# Given twice, as a boot loader's own line and one that was typed.
one_of_three_drives_by_place() {
	boot_with 'vfiopolicy.rules="vfio at=0000:00:13.0/00.0 class=nvme name=c" vfiopolicy.rules="leave class=ethernet; vfio 8086:10c9"' &&
		same "the one" "$(lines '^nvme 0000:03:00.0 vfio-pci node=yes')" 1 &&
		same "the others" "$(lines '^nvme .* nvme node=no')" 2 &&
		same "ports of igb" "$(lines '^igb .* igb ')" 1
}

disable_on_the_command_line_is_the_way_back() {
	boot_with "vfiopolicy.ids=1b36:0010,8086:10c9 vfiopolicy.disable=1" &&
		same "drives of nvme" "$(lines '^nvme .* nvme node=no')" 3 &&
		same "ports of igb" "$(lines '^igb .* igb node=no')" 1
}

LATE='vp.module=late vfiopolicy.rules="vfio 1b36:0010 takeover=boot; vfio 8086:10c9"'

control_late_it_leaves_what_drivers_have() {
	boot_with "$LATE" &&
		same "drives of nvme" "$(lines '^nvme .* nvme node=no')" 3 &&
		same "ports of igb" "$(lines '^igb .* igb node=no')" 1
}

late_in_a_boot_image_it_takes_what_rules_say() {
	boot_with "$LATE vfiopolicy.takeover=1" &&
		same "drives of vfio-pci" "$(lines '^nvme .* vfio-pci node=yes')" 3 &&
		same "ports of igb" "$(lines '^igb .* igb node=no')" 1
}

run_tests
