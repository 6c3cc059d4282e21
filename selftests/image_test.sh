#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A whole Debian boots, from its own initramfs: root is on the first of three
# identical drives, the second and a port are to be isolated and the third is to be
# held, by rules that came into the image as they do on a host. Runs outside of
# guests and boots its own, half a minute each.
# Control: without rules the native drivers have everything.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/image.sh
. "$(dirname "$0")/lib/image.sh"

HERE=$(dirname "$(realpath "$0")")
# What is mounted for this ends with it.
if [ -z "${VP_IMAGE_MOUNTS:-}" ]; then
	export VP_IMAGE_MOUNTS=1
	exec "$HERE/vm/own_mounts" "$0" "$@"
fi
REL=$("$HERE/vm/kernels" release "$VP_KERNEL")
# shellcheck source=/dev/null
. /etc/os-release
[ "$VERSION_CODENAME" = bookworm ] || skip "needs Debian 12, of which it makes images"
[ -e "/boot/config-$REL" ] || skip "kernel $REL is not a package of this system"
TMP=$(mktemp -d /var/tmp/vfiopolicy-image-test.XXXXXX)
BASE=$TMP/base SYSTEM=$TMP/system/root

CONF=etc/modprobe.d/00-vfiopolicy.conf
RULES='vfio at=0000:00:12.0/00.0 1b36:0010 name=disk; vfio 8086:10c9 name=port; hold 0000:03:00.0 1b36:0010; vfio class=display'

TESTS="the_image_has_ours_before_udev
	control_native_drivers_have_everything
	isolated_from_the_first_second
	without_the_module_the_fallback_keeps_them
	disable_on_the_command_line_is_the_way_back
	a_rule_that_is_none_fails_the_unit_alone
	a_root_disk_that_a_rule_has_is_given_back
	what_native_drivers_had_first_is_taken_where_a_rule_says_so
	and_so_it_is_without_the_module"

the_image_has_ours_before_udev() {
	local order

	new_system && save "$RULES" && rebuild || return 1
	same "warnings" "$(< "$TMP/warned")" "" &&
		same "the record" "$(cat "$SYSTEM/var/lib/vfiopolicy/images/$REL")" "$(policy_hash "$RULES")" &&
		expect "it is older than the image" [ ! \
			"$SYSTEM/var/lib/vfiopolicy/images/$REL" -nt "$SYSTEM/boot/initrd.img-$REL" ] &&
		quietly unmkinitramfs unmkinitramfs "$SYSTEM/boot/initrd.img-$REL" "$TMP/initrd" ||
		return 1
	order=$(sed -n 's|^/scripts/init-top/\([^ ]*\) .*|\1|p' \
		"$(find "$TMP/initrd" -path '*/scripts/init-top/ORDER')")
	say "init-top: ${order//$'\n'/ }"
	same "the first script" "$(head -n 1 <<< "$order")" 00-vfiopolicy &&
		expect "there is one of udev" grep -qx udev <<< "$order" &&
		for file in vfiopolicy.ko vfio-pci.ko vfio_iommu_type1.ko 00-vfiopolicy.conf early \
			fallback give-back; do
			expect "the image has $file" [ -n "$(find "$TMP/initrd" -name "$file")" ] ||
				return 1
		done
}

control_native_drivers_have_everything() {
	new_system && rebuild &&
		same "the record" "$(cat "$SYSTEM/var/lib/vfiopolicy/images/$REL")" "" &&
		boot_it && all_are_native && has 'boot: ' && has 'condition: no'
}

isolated_from_the_first_second() {
	new_system && save "$RULES" && rebuild && boot_it &&
		kept vfiopolicy && has 'boot: ok' && has 'unit: active' &&
		has 'status: all 4 rules are met'
}

without_the_module_the_fallback_keeps_them() {
	new_system && save "$RULES" || return 1
	rm "$SYSTEM/usr/lib/modules/$REL/updates/dkms/vfiopolicy.ko"
	depmod -b "$SYSTEM" "$REL" && rebuild || return 1
	same "lines of warning" "$(grep -c . "$TMP/warned")" 1 &&
		expect "it names the kernel" grep -qF "$REL" "$TMP/warned" &&
		boot_it && kept none && has 'boot: degraded: .*' && has 'unit: failed' &&
		has 'log: vfiopolicy: the module could not be loaded: .*'
}

disable_on_the_command_line_is_the_way_back() {
	new_system && save "$RULES" && rebuild && CMDLINE=vfiopolicy.disable=1 boot_it &&
		all_are_native && has 'boot: ' && has 'condition: no' && has 'unit: inactive'
}

a_rule_that_is_none_fails_the_unit_alone() {
	new_system && save "vfio 10de:zz; $RULES" && rebuild && boot_it &&
		kept vfiopolicy && has 'boot: ok' && has 'unit: failed'
}

# All drives are of one kind. The port is not given back with them.
a_root_disk_that_a_rule_has_is_given_back() {
	new_system && save "vfio 1b36:0010; vfio 8086:10c9" && rebuild && boot_it &&
		given_back
}

LATE='vfio at=0000:00:12.0/00.0 1b36:0010 takeover=boot; vfio 8086:10c9 takeover=boot; hold 0000:03:00.0 1b36:0010'

what_native_drivers_had_first_is_taken_where_a_rule_says_so() {
	new_system && native_first && save "$LATE" && rebuild && boot_it && late && has 'boot: ok'
}

and_so_it_is_without_the_module() {
	new_system && native_first && save "$LATE" || return 1
	rm "$SYSTEM/usr/lib/modules/$REL/updates/dkms/vfiopolicy.ko"
	depmod -b "$SYSTEM" "$REL" && rebuild && boot_it && late &&
		has 'boot: degraded: .*'
}

at_end() {
	! mountpoint -q "$TMP/system" || umount "$SYSTEM" "$TMP/system"
	rm -rf --one-file-system "$TMP"
}

quietly "making the system" make_base || {
	at_end
	exit 1
}
run_tests
