#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the next boot is told, on a made-up host: modprobe's file, the boot images,
# which a made-up tool rebuilds, and what status says of them.
#
# usage: test_boot.sh PROGRAM

set -u
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"

kernel=6.12.1-test
compiled=$root/etc/modprobe.d/00-vfiopolicy.conf
images=/var/lib/vfiopolicy/images

if [ "$(id -u)" != 0 ]; then
	skip "boot" "it takes root"
	finish
fi
if grep -qs '^vfiopolicy ' /proc/modules; then
	skip "boot" "the module is loaded, and this host's rules would be changed"
	finish
fi

alias_of() # ADDRESS MODALIAS
{
	echo "$2" | put "/sys/bus/pci/devices/$1/modalias"
}

new_host()
{
	rm -rf "$root"
	device 0000:05:00.0 144d a80a 010802 nvme
	device 0000:82:00.0 10de 1b39 030200
	alias_of 0000:05:00.0 pci:v0000144Dd0000A80Asv0000144Dsd0000A801bc01sc08i02
	alias_of 0000:82:00.0 pci:v000010DEd00001B39sv00001AF4sd00001100bc03sc02i00
	put /lib/modules/$kernel/modules.alias <<-END
		alias pci:v*d*sv*sd*bc01sc08i02* nvme
		alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau
		alias pci:v000010DEd*sv*sd*bc03sc*i* nvidiafb
	END
	echo $kernel | put /proc/sys/kernel/osrelease
	mkdir -p "$root/etc" "$root/run" "$root/boot" "$root/proc/net" "$root/dev"
	echo "21 1 0:5 / /proc rw - proc none rw" | put /proc/self/mountinfo
}

# The generator, our hook, and a tool that does what the two would do.
with_images()
{
	mkdir -p "$root$images"
	echo | put /usr/sbin/mkinitramfs
	echo | put /usr/share/initramfs-tools/hooks/vfiopolicy
	put /usr/sbin/update-initramfs <<-END
		#!/bin/sh
		echo "update-initramfs \$*" >>"$tmp/ran"
		[ ! -e "$tmp/full" ] || { echo "gzip: No space left on device"; exit 1; }
		sed -n 's/^# policy //p' "$compiled" >"$root$images/$kernel"
		echo image >"$root/boot/initrd.img-$kernel"
	END
	chmod 755 "$root/usr/sbin/update-initramfs"
	: >"$tmp/ran"
}

line() # TEXT
{
	grep -qxF -- "$1" "$compiled"
	result $? "    the file has: $1"
}

ran() # HOW_OFTEN
{
	[ "$(wc -l <"$tmp/ran")" -eq "$1" ]
	result $? "    images were rebuilt $1 times in all"
}

new_host
run 0 "a rule is compiled" add --next-boot 10de:1b39
line 'options vfiopolicy rules="vfio 10de:1b39"'
line 'softdep nouveau pre: vfiopolicy'
line 'softdep nvidiafb pre: vfiopolicy'
! grep -q nvme "$compiled"
result $? "    and no driver of other devices"
grep -qx '# policy [0-9a-f]\{16\}' "$compiled"
result $? "    with a hash"
[ "$(stat -c %a "$compiled")" = 644 ]
result $? "    for all to read"
first=$(cat "$compiled")
run 0 "a second one" add --next-boot hold 144d:a80a name=disk
line 'options vfiopolicy rules="vfio 10de:1b39; hold 144d:a80a name=disk"'
line 'softdep nvme pre: vfiopolicy'
run 0 "and without it" del disk
[ "$(cat "$compiled")" = "$first" ]
result $? "    it is as before, hash and all"
[ "$(ls -A "$root/etc/modprobe.d")" = 00-vfiopolicy.conf ]
result $? "    nothing else is left there"
run 0 "leaving needs no driver to wait" add --next-boot leave 144d:a80a
! grep -q nvme "$compiled"
result $? "    so there is no line"
run 4 "all is known" status
hasnt err "next boot"
sed -i s/1b39/1b38/ "$root/etc/vfiopolicy/rules.d/50-local.rules"
run 4 "as many rules, but others" status
has err "the next boot does not know what the rule files say"
sed -i s/1b38/1b39/ "$root/etc/vfiopolicy/rules.d/50-local.rules"
run 5 "a dry run" add --next-boot --dry-run hold 144d:a80b --absent-ok
! grep -q a80b "$compiled"
result $? "    compiles nothing"
echo "hold 1:2" | put /etc/vfiopolicy/rules.d/60-hand.rules
run 4 "what was only written" status
has err "the next boot does not know what the rule files say: vfiopolicy apply"
rm "$root/etc/vfiopolicy/rules.d/60-hand.rules"
echo "nonsense" | put /etc/vfiopolicy/rules.d/60-hand.rules
run 0 "beside what is no rule" add --next-boot hold beef:3 --absent-ok
line 'options vfiopolicy rules="vfio 10de:1b39; leave 144d:a80a; hold beef:0003"'
rm "$root/etc/vfiopolicy/rules.d/60-hand.rules"
run 0 "one goes" del beef:3
run 0 "then another" del "leave 144d:a80a"
run 0 "and the last" del 10de:1b39
[ ! -e "$compiled" ]
result $? "    the file goes with it"

new_host
echo "hold 1:2" | put /etc/vfiopolicy/rules.d/60-hand.rules
run 0 "apply without the module" apply --next-boot
has out "rules of the files for the next boot: 1"
line 'options vfiopolicy rules="hold 0001:0002"'
run 0 "again" apply --next-boot
has out "as before"
run 0 "for programs" apply --next-boot -j
has out '"changed": false'
run 1 "which cannot be confirmed" apply --next-boot --confirm=3
echo "hold x" | put /etc/vfiopolicy/rules.d/60-hand.rules
run 1 "no rule" apply --next-boot
line 'options vfiopolicy rules="hold 0001:0002"'

new_host
put /etc/modprobe.d/00-a.conf <<-END
	softdep nouveau pre: vfio-pci
END
run 0 "a line that is before ours" add --next-boot 10de:1b39
has err "another line for nouveau stands before ours: softdep nouveau pre: vfio-pci"
hasnt err nvidiafb

new_host
with_images
run 0 "an image is rebuilt" add --next-boot 10de:1b39
ran 1
has out "boot images rebuilt ("
grep -qx "update-initramfs -u -k all" "$tmp/ran"
result $? "    all of them"
run 4 "it is current" status
has out "boot image $kernel   policy "
has out ", current"
run 4 "for programs" status -j
has out '"current": true'
has out "\"kernel\": \"$kernel\""
run 0 "the same again" add --next-boot 10de:1b39
ran 1
run 0 "put off" add --next-boot --no-image hold 144d:a80a
ran 1
has err "--no-image"
run 4 "it is stale" status
has out "stale: vfiopolicy apply rebuilds it"
run 4 "for programs" status -j
has out '"current": false'
run 0 "whoever is next rebuilds it" del --no-image 144d:a80a
run 4 "as before it is current again" status
has out ", current"
run 0 "no dry run does" add --dry-run --next-boot 10de:1b39
ran 1
touch -d 2020-01-01 "$root/boot/initrd.img-$kernel"
run 0 "nor one that finds it stale" add --dry-run --next-boot 10de:1b39
ran 1
touch "$root/boot/initrd.img-$kernel" "$tmp/full"
run 6 "a full /boot" add --next-boot hold 144d:a80a
ran 2
has err "the boot images could not be rebuilt: update-initramfs failed"
has err "gzip: No space left on device"
has err "The rules are saved, but the next boot does not know them yet"
run 4 "is told again" status
has out "stale"
rm "$tmp/full"
run 0 "with room again" add --next-boot hold 144d:a80a
ran 3
# As when the tool is killed between our hook and the end.
touch -d 2020-01-01 "$root/boot/initrd.img-$kernel"
run 4 "an image from before" status
has out "stale"
echo 0123456789abcdef | put "$images/6.1.0-gone"
run 4 "an image that is no more" status
hasnt out "6.1.0-gone"

# generator PATH IMAGE: which says how it was run, and that it has built that one
generator()
{
	put "$1" <<-END
		#!/bin/sh
		echo "${1##*/} \$*" >>"$tmp/ran"
		mkdir -p "$root$images" "$root${2%/*}"
		{ sed -n 's/^# policy //p' "$compiled"; echo "$2"; } >"$root$images/$kernel"
		echo image >"$root$2"
	END
	chmod 755 "$root$1"
	: >"$tmp/ran"
}

ran_as() # COMMAND
{
	[ "$(cat "$tmp/ran")" = "$1" ]
	result $? "    it was: ${1:-nothing}"
	: >"$tmp/ran"
}

new_host
generator /usr/bin/dracut /boot/efi/0123/$kernel/initrd
run 0 "dracut without our module" add --next-boot 10de:1b39
ran_as ""
echo | put /usr/lib/dracut/modules.d/50vfiopolicy/module-setup.sh
run 0 "dracut" add --next-boot hold 144d:a80a
ran_as "dracut --force --regenerate-all"
if mount -t tmpfs -o size=1m none "$root/boot" 2>/dev/null; then
	run 6 "dracut that would delete what has no room" add --next-boot --absent-ok 10de:2222
	umount "$root/boot"
	ran_as ""
	has err "the boot images are not rebuilt: /boot has less than 16 MiB left"
	has err "when there is some: vfiopolicy apply"
	run 0 "and is not asked to" del --no-image 10de:2222
else
	echo "# not root: a full /boot is left out"
fi
run 4 "its image is where the record says" status
has out "boot image $kernel   policy "
has out ", current"
touch -d "@$(($(stat -c %Y "$root$images/$kernel") - 1)).9" "$root/boot/efi/0123/$kernel/initrd"
run 4 "one that another build failed to replace a moment later" status
has out "stale"
hasnt out ", current"
touch -d "$(date -R -r "$root$images/$kernel") - 2 seconds" "$root/boot/efi/0123/$kernel/initrd"
run 4 "its file system has no smaller unit of time" status
has out ", current"
touch -d 2020-01-01 "$root/boot/efi/0123/$kernel/initrd"
echo image | put "/boot/initrd.img-$kernel"
run 4 "one from before" status
has out "stale"
rm "$root/boot/efi/0123/$kernel/initrd"
run 4 "one that is gone" status
hasnt out "boot image"
generator /usr/sbin/update-initramfs "/boot/initrd.img-$kernel"
run 0 "dracut that brings Debian's tool" del 144d:a80a
ran_as "update-initramfs -u -k all"
printf '\n/boot/initrd.img-%s\n' $kernel | put "$images/$kernel"
touch "$root/boot/initrd.img-$kernel"
run 4 "an image without rules" status
has out "stale"

generator /usr/bin/mkinitcpio /boot/initramfs-linux.img
echo | put /usr/lib/initcpio/install/vfiopolicy
printf '# HOOKS=(base vfiopolicy)\nHOOKS=(base udev) # vfiopolicy\nMODULES=(xvfiopolicy vfiopolicy-x)' |
	put /etc/mkinitcpio.conf
echo 'HOOKS=(vfiopolicy)' | put /etc/mkinitcpio.conf.d/x.conf.old
run 0 "mkinitcpio that does not name us gives way" add --next-boot hold 144d:a80a
hasnt err "does not name it"
ran_as "update-initramfs -u -k all"
rm "$root/usr/lib/dracut/modules.d/50vfiopolicy/module-setup.sh"
run 0 "or is told of" del 144d:a80a
ran_as ""
has err "boot images have nothing of vfiopolicy, as HOOKS in /etc/mkinitcpio.conf does not name it"
has err "it is named by: echo 'HOOKS+=(vfiopolicy)' >> /etc/mkinitcpio.conf && mkinitcpio -P"
run 4 "no image is as it should be" status
hasnt out "vfiopolicy apply rebuilds it"
rm "$root$images/$kernel"
run 0 "nothing is to be done, and it is told all the same" apply --next-boot
has out "rules of the files for the next boot: 1, as before"
has err "as HOOKS in /etc/mkinitcpio.conf does not name it"
ran_as ""
run 4 "no image is known" status
has err "as HOOKS in /etc/mkinitcpio.conf does not name it: echo 'HOOKS+=(vfiopolicy)' >> /etc/mkinitcpio.conf && mkinitcpio -P"
hasnt out ", current"
hasnt err "the next boot does not know"
run 4 "for programs" status -j
has out '"unhooked": "HOOKS in /etc/mkinitcpio.conf"'
hasnt out '"current": true'
sed -n 's/^# policy //p' "$compiled" | put "$images/$kernel"
touch "$root/boot/initrd.img-$kernel"
run 4 "nor one that once had it" status
has out ", stale: it is built without our hook now"
run 4 "for programs" status -j
hasnt out '"current": true'
rm "$root$images/$kernel"

# hooks EXPECTED DESCRIPTION CONFIG [FILE CONFIG]: named or the file that lacks us
hooks()
{
	rm -rf "$root/etc/mkinitcpio.conf.d"
	printf '%b' "$3" | put /etc/mkinitcpio.conf
	[ $# -lt 5 ] || printf '%b' "$5" | put "/etc/mkinitcpio.conf.d/$4"
	run 4 "$2" status -j
	if [ "$1" = named ]; then
		has out '"unhooked": null'
	else
		has out "\"unhooked\": \"HOOKS in /etc/$1\""
	fi
}

hooks mkinitcpio.conf "no file" ''
hooks named "a list" '  HOOKS=(base vfiopolicy udev)\n'
hooks named "a string" 'HOOKS="base vfiopolicy"'
hooks named "lines" 'HOOKS=(\n # base)\n udev\n vfiopolicy\n)\nMODULES=()'
hooks mkinitcpio.conf "behind the list" 'HOOKS=(base\n udev) # vfiopolicy\n'
hooks mkinitcpio.conf "a comment in it" 'HOOKS=(base # vfiopolicy\n)\n'
hooks mkinitcpio.conf "another list" 'MODULES=(vfiopolicy)\nHOOKS=(base)\nMY_HOOKS=(vfiopolicy)\nHOOKS_x=(vfiopolicy)'
hooks mkinitcpio.conf "a list without an end" 'HOOKS=(base\n udev'
hooks mkinitcpio.conf "the last one counts" 'HOOKS=(vfiopolicy)\nHOOKS=(base)'
hooks named "but adds" 'HOOKS=(vfiopolicy)\nHOOKS+=(base)'
# shellcheck disable=SC2016 # for mkinitcpio to expand
hooks named "and may have the first in it" 'HOOKS=(vfiopolicy)\nHOOKS=(base "${HOOKS[@]}")'
hooks named "more in a folder" 'HOOKS=(base)' x.conf 'HOOKS+=(vfiopolicy)'
hooks mkinitcpio.conf.d/x.conf "which may take it away" 'HOOKS=(vfiopolicy)' x.conf 'HOOKS=(base)'
hooks mkinitcpio.conf "nothing odd is to be typed" 'HOOKS=(base)' 'x;y.conf' 'HOOKS=(base)'
run 0 "without rules" del 10de:1b39
hasnt err "does not name it"
run 0 "there is nothing to be named for" status
hasnt err "does not name it"
run 0 "with one there is" add --next-boot 10de:1b39
has err "does not name it"
rm -r "$root/etc/mkinitcpio.conf.d"
for conf in mkinitcpio.conf.d/x.conf mkinitcpio.conf; do
	printf 'HOOKS+=(a\n vfiopolicy) # as its guide says' | put /etc/$conf
	run 0 "mkinitcpio with $conf" add --next-boot hold 144d:a80a
	ran_as "mkinitcpio -P"
	hasnt err "does not name it"
	run 4 "it has it" status -j
	has out '"unhooked": null'
	has out '"current": true'
	run 4 "its image has the name of none" status
	has out ", current"
	run 0 "and without it" del 144d:a80a
	ran_as "mkinitcpio -P"
	rm "$root/etc/$conf"
done
rm "$root/usr/bin/mkinitcpio"
generator /usr/lib/booster/regenerate_images /boot/booster-linux.img
echo | put /usr/bin/booster
echo 'modules_force_load: nvme' | put /etc/booster.yaml
run 0 "booster that does not name us" add --next-boot hold 144d:a80a
ran_as ""
has err "as /etc/booster.yaml does not name it"
has err "it is named by: add vfiopolicy,vfio_pci,vfio_iommu_type1 to modules_force_load in /etc/booster.yaml and run"
echo 'modules_force_load: nvme,vfiopolicy' | put /etc/booster.yaml
run 0 "booster" del 144d:a80a
ran_as "regenerate_images "

echo "degraded: no module; and so on" | put /run/vfiopolicy/boot
run 4 "a boot without the module" status
has err "this boot is degraded: no module; and so on"
echo "ok" | put /run/vfiopolicy/boot
run 4 "and one with it" status
hasnt err "this boot"

new_host
mkdir -p "$root/etc/modprobe.d/00-vfiopolicy.conf/x"
run 6 "what cannot be written" add --next-boot 10de:1b39
has err "00-vfiopolicy.conf: "
has err "vfiopolicy apply tries again"
[ -e "$root/etc/vfiopolicy/rules.d/50-local.rules" ]
result $? "    the rule is saved"
finish
