#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What our hooks ask generators of boot images for, and what those that are run in an
# image do: with functions of the same names as the generators', which only say what
# they were told. Paths of a host are made those of a folder.
#
# usage: test_generators.sh [PROGRAM], which is not asked

set -u
# shellcheck source=user/tests/shells.sh
. "$(dirname "$0")/shells.sh"
records=$root/var/lib/vfiopolicy/images
kernel=6.12.1-test

has() # LINE
{
	grep -qxF -- "$1" "$tmp/said"
	result $? "    $1"
}

hasnt() # EXPRESSION
{
	! grep -q -- "$1" "$tmp/said"
	result $? "    not: $1"
}

# What is installed, for the folder: the images' own copies, too.
filled() # FILE OF share, NAME
{
	# shellcheck disable=SC2016 # which is the text
	sed -e "s|@libdir@|$root/lib|g" -e "s|/var/lib/vfiopolicy|$root&|g" \
		-e "s|/etc/modprobe.d|$root&|g" -e "s|/usr/lib/vfiopolicy|$root&|g" \
		-e "s|/run/vfiopolicy|$root&|g" -e "s|/dev/kmsg|$root/kmsg|g" \
		-e 's|\$EUID|${user:-0}|g' "$share/$1" > "$tmp/$2"
}

# A host with rules, whose images have been given them.
host()
{
	rm -rf "$root" "$tmp/image"
	mkdir -p "$root/etc/modprobe.d" "$root/lib/vfiopolicy" "$root/usr/lib/vfiopolicy" \
		"$root/run/vfiopolicy" "$root/bin" "$tmp/image/usr/bin"
	echo "# policy 0123456789abcdef" > "$root/etc/modprobe.d/00-vfiopolicy.conf"
	mkdir -p "$tmp/image$root/etc"
	cp -r "$root/etc/modprobe.d" "$tmp/image$root/etc/"
	for name in early fallback give-back while-waiting; do
		cp "$share/$name" "$root/lib/vfiopolicy/"
	done
	for name in early give-back; do
		printf '#!/bin/sh\necho %s "$@" >> "%s"\n' $name "$tmp/ran" \
			> "$root/usr/lib/vfiopolicy/$name"
	done
	for name in udevadm systemctl; do
		printf '#!/bin/sh\necho %s "$@" >> "%s"\n' $name "$tmp/ran" > "$root/bin/$name"
	done
	chmod +x "$root"/usr/lib/vfiopolicy/* "$root"/bin/*
	: > "$root/kmsg"
	: > "$tmp/ran"
}

recorded() # IMAGE
{
	printf '0123456789abcdef\n%s\n' "$1" | cmp -s - "$records/$kernel" &&
		[ "$(ls -A "$records")" = $kernel ]
}

ran() # LINE...: these and no other
{
	printf '%s\n' "$@" | cmp -s - "$tmp/ran"
}

# dracut [NAME=VALUE]...: as dracut would call ours; "$with" are its modules
dracut()
{
	env initdir="$tmp/image" kernel=$kernel moddir=/moddir with="${with-}" "$@" \
		bash > "$tmp/said" 2>&1 <<- END
		hostonly=-h
		say() { echo "\$*"; }
		instmods() { say instmods "\$hostonly" "\$@"; }
		inst_multiple() { say inst_multiple "\$@"; }
		inst_simple() { say inst_simple "\$@"; [[ -e \$1 ]]; }
		inst_hook() { say inst_hook "\$@"; }
		inst_dir() { say inst_dir "\$@"; }
		ln_r() { say ln_r "\$@"; }
		dwarn() { say warn "\$@"; }
		dracut_module_included() { [[ " \$with " == *" \$1 "* ]]; }
		before=\$(compgen -v)
		. "$tmp/module-setup"
		check -h && check && depends && installkernel && install
		echo "ended \$?"
		after=\$(compgen -v)
		diff <(echo "\$before") <(echo "\$after") | grep '^>' | grep -vw -e after -e before -e _
	END
}

for_dracut()
{
	filled dracut/module-setup.sh.in module-setup
	host
	dracut outfile=/boot/initrd.img-$kernel
	has "ended 0"
	has "instmods  vfiopolicy vfio-pci vfio_iommu_type1"
	has "inst_multiple -o $root/etc/modprobe.d/00-vfiopolicy.conf modprobe mkdir udevadm"
	for name in early fallback give-back while-waiting; do
		has "inst_simple $root/lib/vfiopolicy/$name $root/usr/lib/vfiopolicy/$name"
	done
	has "inst_hook pre-udev 00 /moddir/vfiopolicy-early.sh"
	has "inst_hook initqueue/timeout 00 /moddir/vfiopolicy-give-back.sh"
	has "warn vfiopolicy: there is no module vfiopolicy for kernel $kernel: booted with it, devices are kept from their drivers by driver_override alone"
	hasnt '\.timer'
	hasnt '^>'
	recorded /boot/initrd.img-$kernel
	result $? "dracut: what the image has is recorded"

	host
	rm "$root/lib/vfiopolicy/fallback"
	mkdir -p "$tmp/image/lib/modules/$kernel/updates"
	: > "$tmp/image/lib/modules/$kernel/updates/vfiopolicy.ko.xz"
	with='bash systemd base' dracut outfile=/boot/initrd.img-$kernel
	has "ended 0"
	has "warn vfiopolicy: $root/lib/vfiopolicy/fallback is missing"
	hasnt "there is no module"
	has "inst_simple $root/lib/vfiopolicy/vfiopolicy-waiting.service /usr/lib/systemd/system/vfiopolicy-waiting.service"
	has "ln_r /usr/lib/systemd/system/vfiopolicy-waiting.timer /usr/lib/systemd/system/initrd.target.wants/vfiopolicy-waiting.timer"

	for image in /boot/initramfs-$kernel.img /boot/initrd-$kernel /boot/efi/0123/$kernel/initrd \
		/lib/modules/$kernel/initrd /efi/EFI/Linux/linux-$kernel-0123.efi; do
		host
		dracut outfile="$image"
		recorded "$image"
		result $? "dracut: recorded: $image"
	done
	for image in '' /boot/initramfs-0-rescue-0123.img /boot/initramfs-${kernel}kdump.img \
		/boot/0123/0-rescue/initrd /tmp/kernel-install.staging.x/initrd ./x.img; do
		host
		dracut "outfile=$image"
		[ ! -e "$records" ]
		result $? "dracut: not recorded: $image"
	done
	for how in dracutsysrootdir=/sysroot user=1000; do
		host
		dracut outfile=/boot/initrd.img-$kernel $how
		[ ! -e "$records" ]
		result $? "dracut: nor with $how"
	done
	host
	rm "$tmp/image$root/etc/modprobe.d/00-vfiopolicy.conf"
	dracut outfile=/boot/initrd.img-$kernel
	[ "$(head -n 1 "$records/$kernel")" = "" ]
	result $? "dracut: an image without rules says so"
	host
	mkdir -p "${records%/*}"
	: > "$records"
	dracut outfile=/boot/initrd.img-$kernel
	has "warn vfiopolicy: $records/$kernel cannot be written"
	has "ended 0"
}

# sourced SCRIPT WORD...: by a shell that goes on, and has no other variables then
sourced()
{
	script=$1
	shift
	cat > "$tmp/shell" <<- END
		set | grep '^[A-Za-z]*=' > "$tmp/before"
		. "$tmp/$script"
		$*
		set | grep '^[A-Za-z]*=' > "$tmp/after"
		for word in a:b; do
			cmp "$tmp/before" "$tmp/after" && echo "\$word goes on"
		done
	END
	PATH="$root/bin:$PATH" hookdir="$root" sh -u "$tmp/shell" > "$tmp/said" 2>&1
}

in_images_of_dracut()
{
	filled dracut/vfiopolicy-early.sh early.sh
	filled dracut/vfiopolicy-give-back.sh give-back.sh
	host
	sourced early.sh
	ran early && has "a:b goes on"
	host
	rm "$root/usr/lib/vfiopolicy/early"
	sourced early.sh
	[ ! -s "$tmp/ran" ] && has "a:b goes on"
	hasnt "not found"

	mkdir -p "$root/initqueue"
	sourced give-back.sh
	ran "give-back 0"
	result $? "dracut: too early, or nothing to give back"
	has "a:b goes on"
	echo "echo given; echo > '$root/run/vfiopolicy/given-back'" >> "$root/usr/lib/vfiopolicy/give-back"
	sourced give-back.sh
	ran "give-back 0" "give-back 0" "udevadm trigger --type=devices --subsystem-match=pci --action=add" &&
		[ -e "$root/initqueue/work" ] && [ "$(cat "$root/kmsg")" = "<3>vfiopolicy: given" ]
	result $? "dracut: given back, said, and waited anew"
	has "a:b goes on"
	rm "$root/initqueue/work"
	sourced give-back.sh
	[ "$(grep -c . "$tmp/ran")" = 3 ] && [ ! -e "$root/initqueue/work" ]
	result $? "dracut: once"
	rm -r "$root/run/vfiopolicy/given-back" "$root/initqueue"
	sourced give-back.sh
	has "a:b goes on"
}

# mkinitcpio [NAME=VALUE]...: as mkinitcpio would call ours
mkinitcpio()
{
	env BUILDROOT="$tmp/image" KERNELVERSION=$kernel _optmoduleroot= _opttargetdir= \
		PATH="$root/bin:$PATH" "$@" bash > "$tmp/said" 2>&1 <<- END
		_hooks=(\${hooks-base udev vfiopolicy})
		say() { echo "\$*"; }
		for name in add_module add_file add_symlink add_binary add_runscript; do
			eval "\$name() { say \$name \"\\\$@\"; }"
		done
		warning() { say warn "\$(printf "\$@")"; }
		. "$tmp/install"
		build
		echo "ended \$?"
		help | grep -c . | sed 's/^/help /'
	END
}

for_mkinitcpio()
{
	filled mkinitcpio/install/vfiopolicy.in install
	host
	printf '#!/bin/sh\n[ "$*" = "-b  -k %s vfiopolicy" ]' $kernel > "$root/bin/modinfo"
	chmod +x "$root/bin/modinfo"
	mkinitcpio _optgenimg=/boot/initramfs-linux.img
	has "ended 0"
	for name in vfiopolicy vfio-pci vfio_iommu_type1; do
		has "add_module $name?"
	done
	has "add_file $root/etc/modprobe.d/00-vfiopolicy.conf"
	for name in early fallback give-back while-waiting; do
		has "add_file $root/lib/vfiopolicy/$name $root/usr/lib/vfiopolicy/$name 755"
	done
	has "add_runscript"
	hasnt "\.service"
	hasnt "^warn"
	has "help 3"
	recorded /boot/initramfs-linux.img
	result $? "mkinitcpio: what the image has is recorded"

	host
	printf '#!/bin/sh\nexit 1' > "$root/bin/modinfo"
	chmod +x "$root/bin/modinfo"
	rm "$root/etc/modprobe.d/00-vfiopolicy.conf" "$tmp/image$root/etc/modprobe.d/00-vfiopolicy.conf"
	mkinitcpio hooks="vfiopolicy systemd" _optuki=/efi/EFI/Linux/arch.efi _optgenimg=/tmp/x
	has "ended 0"
	hasnt "add_file .*modprobe.d"
	hasnt "add_runscript"
	has "warn vfiopolicy: there is no module vfiopolicy for kernel $kernel: booted with it, devices are kept from their drivers by driver_override alone"
	has "add_symlink /usr/lib/systemd/system/sysinit.target.wants/vfiopolicy-early.service /usr/lib/systemd/system/vfiopolicy-early.service"
	has "add_symlink /usr/lib/systemd/system/initrd.target.wants/vfiopolicy-waiting.timer /usr/lib/systemd/system/vfiopolicy-waiting.timer"
	for name in early.service waiting.service waiting.timer; do
		has "add_file $root/lib/vfiopolicy/vfiopolicy-$name /usr/lib/systemd/system/vfiopolicy-$name"
	done
	has "add_binary /usr/lib/initcpio/busybox /usr/bin/busybox"
	has "add_symlink /usr/bin/sh busybox"
	[ "$(tr '\n' , < "$records/$kernel")" = ",/efi/EFI/Linux/arch.efi," ]
	result $? "mkinitcpio: an image without rules says so, with the name of the whole"
	host
	: > "$tmp/image/usr/bin/sh"
	mkinitcpio hooks="base systemd vfiopolicy"
	has "ended 0"
	hasnt busybox
	[ ! -e "$records" ]
	result $? "mkinitcpio: not recorded: nothing is built"
	for how in user=1000 _optmoduleroot=/mnt _opttargetdir=/tmp/tree KERNELVERSION=none \
		KERNEL_INSTALL_STAGING_AREA=/tmp/s _optgenimg=/boot/initramfs-linux-fallback.img; do
		host
		mkinitcpio _optgenimg=/boot/initramfs-linux.img "$how"
		[ ! -e "$records" ]
		result $? "mkinitcpio: nor with $how"
	done
	host
	mkdir -p "${records%/*}"
	: > "$records"
	mkinitcpio _optgenimg=/boot/initramfs-linux.img
	has "warn vfiopolicy: $records/$kernel cannot be written"
	has "ended 0"
}

in_images_of_mkinitcpio()
{
	filled mkinitcpio/hooks/vfiopolicy hook
	host
	sourced hook run_earlyhook
	ran early
	result $? "mkinitcpio: before udev's coldplug"
	host
	break=premount
	export break
	sourced hook run_emergencyhook
	[ ! -s "$tmp/ran" ]
	result $? "mkinitcpio: nothing is given back to who wants a shell"
	break=postmount
	echo "echo given" >> "$root/usr/lib/vfiopolicy/give-back"
	sourced hook run_emergencyhook
	ran "give-back 0" "udevadm trigger --type=devices --subsystem-match=pci --action=add" \
		"udevadm settle --timeout=10" && [ "$(cat "$root/kmsg")" = "<3>vfiopolicy: given" ]
	result $? "mkinitcpio: disks are given back before it gives up"
	has "vfiopolicy: given"
	unset break
	sourced hook run_emergencyhook
	[ "$(grep -c give-back "$tmp/ran")" = 2 ]
	result $? "mkinitcpio: also where nothing is said of a shell"
}

waits()
{
	PATH="$root/bin:$PATH" VFIOPOLICY_ROOT=$root sh "$share/while-waiting" > "$tmp/said" 2>&1
}

while_systemd_waits()
{
	host
	mkdir -p "$root/dev" "$root/run/systemd/ask-password"
	: > "$root/dev/kmsg"
	waits
	ran "systemctl --quiet is-active initrd-root-device.target"
	result $? "systemd: nothing once the root device is there"
	echo "exit 4" >> "$root/bin/systemctl"
	: > "$tmp/ran"
	waits
	ran "systemctl --quiet is-active initrd-root-device.target"
	result $? "systemd: nor where it cannot be told"
	sed -i 's/exit 4/exit 3/' "$root/bin/systemctl"
	echo 17 > "$root/run/vfiopolicy/waiting"
	: > "$tmp/ran"
	waits
	ran "systemctl --quiet is-active initrd-root-device.target" "udevadm settle --timeout=0" \
		"give-back 60" && [ "$(cat "$root/run/vfiopolicy/waiting")" = 17 ]
	result $? "systemd: a minute is waited"
	echo "exit 1" >> "$root/bin/udevadm"
	: > "$tmp/ran"
	waits
	! grep -q give-back "$tmp/ran" && [ "$(cat "$root/run/vfiopolicy/waiting")" = "" ]
	result $? "systemd: from the start, while udev has devices to look at"
	sed -i '/exit 1/d' "$root/bin/udevadm"
	echo 17 > "$root/run/vfiopolicy/waiting"
	: > "$root/run/systemd/ask-password/ask.x"
	: > "$tmp/ran"
	waits
	[ ! -s "$tmp/ran" ] && [ "$(cat "$root/run/vfiopolicy/waiting")" = "" ]
	result $? "systemd: from the start, when a passphrase is asked for"
	rm "$root/run/vfiopolicy/waiting"
	waits
	[ ! -e "$root/run/vfiopolicy/waiting" ]
	result $? "systemd: or not begun"
	rm "$root/run/systemd/ask-password/ask.x"
	echo "echo given; echo > '$root/run/vfiopolicy/given-back'" >> "$root/usr/lib/vfiopolicy/give-back"
	waits
	[ "$(tail -n 1 "$tmp/ran")" = "udevadm trigger --type=devices --subsystem-match=pci --action=add" ] &&
		[ "$(cat "$root/dev/kmsg")" = "<3>vfiopolicy: given" ]
	result $? "systemd: given back, and said"
	: > "$tmp/ran"
	waits
	[ ! -s "$tmp/ran" ]
	result $? "systemd: once"
}

for_initramfs_tools()
{
	filled initramfs-tools/scripts/init-top/00-vfiopolicy init-top
	host
	sh "$tmp/init-top" prereqs > "$tmp/said" 2>&1
	[ ! -s "$tmp/ran" ] && [ "$(cat "$tmp/said")" = "" ]
	result $? "initramfs-tools: after nothing"
	sh "$tmp/init-top" > "$tmp/said" 2>&1
	ran early
	result $? "initramfs-tools: before udev"
	rm "$root/usr/lib/vfiopolicy/early"
	sh "$tmp/init-top" > "$tmp/said" 2>&1
	result $? "initramfs-tools: nothing of ours keeps it from booting"
}

if command -v bash > /dev/null; then
	for_dracut
	for_mkinitcpio
fi
in_images_of_dracut
in_images_of_mkinitcpio
while_systemd_waits
for_initramfs_tools
echo "1..$n"
exit $failed
