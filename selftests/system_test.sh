#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian systems that got vfiopolicy as their users do: packages installed with apt,
# the module built by DKMS, rules saved by the command, images made by the
# distribution's own tool. They boot from that: root is on the first of three
# identical drives. What becomes of it with another kernel, with the next version of
# the packages, on a full /boot, and when it is purged; and where something is not as
# it should be: no module, a rule that is none, rules for the root disk, native drivers
# that come first. Takes minutes for each case, so only by name and by make check-boot.
#
#	VP_SYSTEM=bookworm	which: bookworm (initramfs-tools, 6.1), trixie
#				(initramfs-tools, 6.12), trixie-dracut, sid-dracut (7.2)

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/image.sh
. "$(dirname "$0")/lib/image.sh"

HERE=$(dirname "$(realpath "$0")")
ROOT=$(realpath "$HERE/..")
WHICH=${VP_SYSTEM:-bookworm}
SUITE=${WHICH%-*}
# What is mounted for this ends with it.
if [ -z "${VP_IMAGE_MOUNTS:-}" ]; then
	export VP_IMAGE_MOUNTS=1
	exec "$HERE/vm/own_mounts" "$0" "$@"
fi
for tool in git dpkg-buildpackage dh_dkms mmdebstrap; do
	command -v $tool > /dev/null || skip "needs $tool"
done
git -C "$ROOT" rev-parse --verify -q HEAD > /dev/null 2>&1 || skip "needs git's own tree"
VERSION=$(cat "$ROOT/VERSION")
NEXT=$VERSION+1
TMP=$(mktemp -d /var/tmp/vfiopolicy-system-test.XXXXXX)
BASE=$TMP/base SYSTEM=$TMP/system/root
CONF=etc/modprobe.d/00-vfiopolicy.conf
FILE=etc/vfiopolicy/rules.d/50-local.rules
RULES='vfio at=0000:00:12.0/00.0 1b36:0010 name=disk
vfio 8086:10c9 name=port
hold 0000:03:00.0 1b36:0010
vfio class=display'

PACKAGES=(dkms gcc make libmount1 libblkid1 libkmod2 zlib1g)
case $WHICH in
*-dracut) PACKAGES+=(dracut zstd) ;;
*) PACKAGES+=(initramfs-tools busybox zstd) ;;
esac
# Of Debian 12 this machine has several kernels; of the others there is one.
case $SUITE in
bookworm) PACKAGES+=(pahole) ;;
*) PACKAGES+=(linux-image-amd64 linux-headers-amd64) ;;
esac

TESTS="packages_install_and_dkms_builds
	control_without_rules_the_host_has_everything
	saved_rules_hold_at_the_next_boot
	added_on_the_running_system_it_holds_at_the_next_boot
	the_next_version_keeps_all
	a_full_boot_is_told_and_boots
	without_the_module_the_fallback_keeps_them
	disable_on_the_command_line_is_the_way_back
	a_rule_that_is_none_fails_the_unit_alone
	a_root_disk_that_a_rule_has_is_given_back
	what_native_drivers_had_first_is_taken_where_a_rule_says_so
	and_so_it_is_without_the_module
	purged_the_host_has_everything"
[ "$SUITE" != bookworm ] || TESTS="$TESTS the_next_kernel_has_it_too"

# packages VERSION: of this tree, as that version, into a folder of their own
packages() {
	local dir=$TMP/packages-$1

	mkdir -p "$dir/vfiopolicy" &&
		git -C "$ROOT" archive HEAD | tar x -C "$dir/vfiopolicy" &&
		cd "$dir/vfiopolicy" && echo "$1" > VERSION &&
		sed -i "1s/([^)]*)/($1)/" debian/changelog &&
		quietly "dpkg-buildpackage" env DEB_BUILD_OPTIONS="nocheck parallel=2" \
			dpkg-buildpackage -us -uc -b
	local ret=$?
	cd "$ROOT" || return 1
	return $ret
}

# kernel_debs REL: with its headers, of this machine's sources
kernel_debs() {
	local rel=$1 names

	mkdir -p "$TMP/kernel-$rel" && cd "$TMP/kernel-$rel" || return 1
	names=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
		--no-breaks --no-replaces --no-enhances "linux-headers-$rel" |
		grep -xE 'linux-(headers|kbuild|compiler)-.*')
	# shellcheck disable=SC2086 # names
	quietly "apt-get download" apt-get download "linux-image-$rel" $names
	local ret=$?
	cd "$ROOT" || return 1
	return $ret
}

# Those of a series that this machine can have, with what modules are built with.
series() {
	local kind

	for kind in image headers; do
		apt-cache pkgnames "linux-$kind-$1" |
			sed -nE "s/^linux-$kind-($1\.[0-9.]*[0-9]([-+][a-z0-9]+)?-amd64)$/\1/p"
	done | sort -V | uniq -d
}

# give FOLDER...: its packages to the system, by apt
give() {
	local folder

	mkdir -p "$SYSTEM/mnt"
	for folder; do
		cp "$folder"/*.deb "$SYSTEM/mnt/" || return 1
	done
	rm -f "$SYSTEM"/mnt/*dbgsym*
	in_system sh -c 'apt-get -q -y --no-install-recommends install /mnt/*.deb'
	local ret=$?
	cp "$TMP/log" "$TMP/apt.log"
	rm -r "${SYSTEM:?}/mnt"
	return $ret
}

make_system() {
	local from

	from=$("$HERE/vm/image" root "$SUITE" "${PACKAGES[@]}") || return 1
	# Written to by a copy, which is what tests copy again.
	mkdir -p "$BASE" "$TMP/based" && mount -t tmpfs none "$TMP/based" &&
		mkdir "$TMP/based/upper" "$TMP/based/work" &&
		mount -t overlay none "$BASE" \
			-o "lowerdir=$from,upperdir=$TMP/based/upper,workdir=$TMP/based/work" &&
		put_facts "$BASE" && packages "$VERSION" || return 1
	# What dracut would see of a root that is mounted, and this one is not.
	[ ! -d "$BASE/etc/dracut.conf.d" ] ||
		echo 'filesystems+=" ext4 "' > "$BASE/etc/dracut.conf.d/root.conf"
	KERNEL=()
	if [ "$SUITE" = bookworm ]; then
		REL=$("$HERE/vm/kernels" release 6.1)
		kernel_debs "$REL" && KERNEL=("$TMP/kernel-$REL") || return 1
	else
		REL=$(basename "$(realpath "$BASE"/boot/vmlinuz-*)")
		REL=${REL#vmlinuz-}
	fi
	SYSTEM=$BASE give "${KERNEL[@]}" "$TMP/packages-$VERSION"
}

# The drives and the port as rules have them; the display, too.
all_kept() {
	kept vfiopolicy && has 'boot: ok' && has 'unit: active' &&
		has 'status: all 4 rules are met'
}

# save_rules [RULES]: with nobody to ask
save_rules() {
	mkdir -p "$SYSTEM/${FILE%/*}" && echo "${1:-$RULES}" > "$SYSTEM/$FILE" &&
		in_system vfiopolicy apply --next-boot
}

# What becomes of a kernel that is installed; the boot image is made there.
rebuild_all() {
	in_system run-parts --exit-on-error --arg="$REL" --arg="/boot/vmlinuz-$REL" \
		/etc/kernel/postinst.d
}

# As if it had not been built, nor could be.
no_module() {
	in_system dkms remove "vfiopolicy/$VERSION" --all &&
		expect "the module is gone" [ -z "$(find "$SYSTEM/usr/lib/modules/" \
			"$SYSTEM/lib/modules/" -name 'vfiopolicy.ko*')" ] && rebuild_all
}

packages_install_and_dkms_builds() {
	SYSTEM=$BASE in_system dkms status || return 1
	grep -q "^vfiopolicy/$VERSION, $REL.*installed" "$TMP/log" ||
		{ say "failed: dkms says $(< "$TMP/log")"; return 1; }
	same "what apt and its triggers complain of" "$(grep -E '^(E|W): ' "$TMP/apt.log" |
		grep -vE 'unsandboxed|pts mounted|for fsck hook')" "" &&
		expect "the unit is enabled" \
			[ -L "$BASE/etc/systemd/system/sysinit.target.wants/vfiopolicy.service" ]
}

control_without_rules_the_host_has_everything() {
	new_system && boot_it && all_are_native && has 'boot: ' && has 'condition: no'
}

saved_rules_hold_at_the_next_boot() {
	new_system && save_rules && expect "compiled" grep -q '^options vfiopolicy rules=' "$SYSTEM/$CONF" &&
		boot_it && all_kept
}

# The sentence, on the host itself: its own initramfs tool runs there, emulated.
added_on_the_running_system_it_holds_at_the_next_boot() {
	new_system || return 1
	cat > "$SYSTEM/usr/local/sbin/todo" <<- 'END'
		#!/bin/sh
		# The first boot has something to do, the second only to tell.
		[ ! -e /etc/modprobe.d/00-vfiopolicy.conf ] || { vfiopolicy status; exit; }
		mount -o remount,rw /
		# The port and the display are to have their drivers first.
		udevadm settle
		modprobe vfiopolicy
		vfiopolicy add --no-image 8086:10c9
		echo "add $?"
		vfiopolicy add 1234:1111
		echo "alone $?"
		vfiopolicy add --force 1234:1111
		echo "add $?"
		vfiopolicy status
		echo "status $?"
	END
	chmod +x "$SYSTEM/usr/local/sbin/todo"
	DISK=$TMP/disk LIMIT=1500 boot_it && has 'todo: alone 1' &&
		has 'todo: .* no other device of this host has an outlet for a display' &&
		has 'todo: add [06]' && has 'todo: status 0' &&
		has '0000:04:00.0 driver=vfio-pci .*' && has '0000:00:1d.0 driver=vfio-pci .*' ||
		return 1
	# It was switched off while it was mounted: 1 is for what was put right.
	e2fsck -p "$TMP/disk" > "$TMP/log" 2>&1
	[ $? -le 1 ] || { say "failed: e2fsck: $(< "$TMP/log")"; return 1; }
	mkdir -p "$TMP/mounted" "$TMP/after/boot" && mount -o loop,ro "$TMP/disk" "$TMP/mounted" &&
		cp "$TMP/mounted/boot"/{vmlinuz,initrd.img}-"$REL" "$TMP/after/boot/"
	umount "$TMP/mounted"
	DISK=$TMP/disk FROM=$TMP/after boot_it && root_is_untouched && has 'boot: ok' &&
		has 'unit: active' &&
		has '0000:04:00.0 driver=vfio-pci override=vfio-pci node=yes met=0' &&
		has '0000:00:1d.0 driver=vfio-pci override=vfio-pci node=yes met=0'
}

# Of Debian 12 there are two to go from and to.
the_next_kernel_has_it_too() {
	local kernels rel

	mapfile -t kernels < <(series 6.12 | grep deb12)
	expect "there are two" [ ${#kernels[@]} -ge 2 ] || return 1
	new_system && save_rules || return 1
	for rel in "${kernels[0]}" "${kernels[-1]}"; do
		say "now $rel"
		kernel_debs "$rel" && give "$TMP/kernel-$rel" && REL=$rel boot_it && all_kept &&
			expect "it is this kernel" grep -q "^kernel: $rel$" <<< "$OUT" || return 1
	done
}

the_next_version_keeps_all() {
	new_system && save_rules && packages "$NEXT" && give "$TMP/packages-$NEXT" &&
		in_system dkms status || return 1
	expect "the module is of the next version" \
		grep -q "^vfiopolicy/$NEXT, $REL.*installed" "$TMP/log" &&
		same "the rules" "$(< "$SYSTEM/$FILE")" "$RULES" && boot_it && all_kept &&
		has "version: ${NEXT/+/\\+}"
}

# What was there still boots, and says that it is stale.
a_full_boot_is_told_and_boots() {
	local before

	new_system && save_rules || return 1
	before=$(sha256sum < "$SYSTEM/boot/initrd.img-$REL")
	mkdir "$TMP/small" && cp -a "$SYSTEM/boot/." "$TMP/small/" &&
		mount -t tmpfs -o "size=$(($(du -sk "$TMP/small" | cut -f 1) + 64))k" \
			none "$SYSTEM/boot" && cp -a "$TMP/small/." "$SYSTEM/boot/" || return 1
	echo 'vfio 1af4:1000' >> "$SYSTEM/$FILE"
	! in_system vfiopolicy apply --next-boot > /dev/null
	same "the old image" "$(sha256sum < "$SYSTEM/boot/initrd.img-$REL")" "$before" &&
		expect "it is told" grep -qi 'image' "$TMP/log"
	local ret=$?
	umount "$SYSTEM/boot"
	[ $ret = 0 ] && boot_it && kept vfiopolicy && has 'boot: ok' && has 'status: .*stale.*'
}

without_the_module_the_fallback_keeps_them() {
	new_system && save_rules && no_module && boot_it && kept none &&
		has 'boot: degraded: .*' && has 'unit: failed' &&
		has 'log: vfiopolicy: the module could not be loaded: .*'
}

disable_on_the_command_line_is_the_way_back() {
	new_system && save_rules && CMDLINE=vfiopolicy.disable=1 boot_it &&
		all_are_native && has 'boot: ' && has 'condition: no' && has 'unit: inactive'
}

# The command saves none; somebody's editor does.
a_rule_that_is_none_fails_the_unit_alone() {
	new_system && save_rules && sed -i 's/^options vfiopolicy rules="/&vfio 10de:zz; /' "$SYSTEM/$CONF" &&
		expect "it is compiled" grep -q 10de:zz "$SYSTEM/$CONF" &&
		echo 'vfio 10de:zz' >> "$SYSTEM/$FILE" && rebuild_all && boot_it &&
		kept vfiopolicy && has 'boot: ok' && has 'unit: failed'
}

# All drives are of one kind. The port is not given back with them.
a_root_disk_that_a_rule_has_is_given_back() {
	new_system && save_rules 'vfio 1b36:0010
vfio 8086:10c9' && boot_it && given_back
}

LATE='vfio at=0000:00:12.0/00.0 1b36:0010 takeover=boot
vfio 8086:10c9 takeover=boot
hold 0000:03:00.0 1b36:0010'

what_native_drivers_had_first_is_taken_where_a_rule_says_so() {
	new_system && native_first && save_rules "$LATE" && boot_it && late && has 'boot: ok'
}

and_so_it_is_without_the_module() {
	new_system && native_first && save_rules "$LATE" && no_module && boot_it && late &&
		has 'boot: degraded: .*'
}

purged_the_host_has_everything() {
	new_system && save_rules && in_system apt-get -q -y purge vfiopolicy vfiopolicy-dkms || return 1
	same "what is left" "$(cd "$SYSTEM" && find etc usr/lib usr/share usr/src var/lib/vfiopolicy \
		boot -path '*vfiopolicy*' ! -path 'etc/vfiopolicy-image' 2> /dev/null)" "" &&
		boot_it && all_are_native && has 'boot: '
}

at_end() {
	! mountpoint -q "$TMP/system" || umount "$SYSTEM" "$TMP/system"
	! mountpoint -q "$BASE" || umount "$BASE" "$TMP/based"
	rm -rf --one-file-system "$TMP"
}

quietly "making the system" make_system || {
	at_end
	exit 1
}
run_tests
