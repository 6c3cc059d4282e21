#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vfiopolicy import on a made-up host: what settings of others come to, what is
# saved, and what is taken out of their files. Rule files must be root's.
#
# usage: test_import.sh PROGRAM

set -u
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"

kernel=6.12.1-test
rules=/etc/vfiopolicy/rules.d/50-local.rules
kept=/etc/vfiopolicy/replaced

if [ "$(id -u)" != 0 ]; then
	skip "import" "it takes root"
	finish
fi
if grep -qs '^vfiopolicy ' /proc/modules; then
	skip "import" "the module is loaded, and this host's rules would be changed"
	finish
fi

alias_of() # ADDRESS MODALIAS
{
	echo "$2" | put "/sys/bus/pci/devices/$1/modalias"
}

new_host()
{
	rm -rf "$root"
	device 0000:00:1c.0 1b36 000c 060400 pcieport
	device 0000:05:00.0 144d a80a 010802 nvme
	device 0000:06:00.0 144d a80a 010802 nvme
	device 0000:82:00.0 10de 1b39 030200 nouveau
	device 0000:82:00.1 10de 10f0 040300 snd_hda_intel
	device 0000:83:00.0 10de 2204 030000 vfio-pci
	alias_of 0000:82:00.0 pci:v000010DEd00001B39sv00001AF4sd00001100bc03sc02i00
	alias_of 0000:83:00.0 pci:v000010DEd00002204sv00001AF4sd00001100bc03sc00i00
	alias_of 0000:82:00.1 pci:v000010DEd000010F0sv00001AF4sd00001100bc04sc03i00
	put /lib/modules/$kernel/modules.alias <<-END
		# Aliases extracted from modules themselves.
		alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau
		alias pci:v*d*sv*sd*bc04sc03i00* snd_hda_intel
	END
	echo $kernel | put /proc/sys/kernel/osrelease
	echo quiet | put /proc/cmdline
	mkdir -p "$root/etc" "$root/proc/net" "$root/dev"
	echo "21 1 0:5 / /proc rw - proc none rw" | put /proc/self/mountinfo
}

file_is() # FILE TEXT
{
	printf '%s\n' "$2" >"$tmp/want"
	cmp -s "$tmp/want" "$root$1"
	result $? "    $1 is as it should be"
	cmp -s "$tmp/want" "$root$1" || diff "$tmp/want" "$root$1" | sed 's/^/# /'
}

has_rules() # RULE...
{
	for rule; do echo "$rule"; done >"$tmp/want"
	sed '/^#/d; /^$/d' "$root$rules" >"$tmp/got" 2>/dev/null
	cmp -s "$tmp/want" "$tmp/got"
	result $? "    the rules that are saved: $*"
	cmp -s "$tmp/want" "$tmp/got" || sed 's/^/# got /' "$tmp/got"
}

no_rules()
{
	[ ! -e "$root$rules" ]
	result $? "    no rules are saved"
}

new_host
run 0 "nothing to import" import
has out "nothing to import"
run 0 "nor with --yes" import --yes --remove-old
no_rules

echo "# the kernel command line"
grub='GRUB_CMDLINE_LINUX="quiet vfio-pci.ids=10de:1b39,144d:a80a,1234:5678, 10de:10f0 iommu=pt"'
whole="# mine
$grub
GRUB_TIMEOUT=1"
echo "$whole" | put /etc/default/grub
mkdir -p "$root/usr/sbin"
touch "$root/usr/sbin/update-grub"
run 5 "what it would do" import
has out "/etc/default/grub, line 2: vfio-pci.ids=10de:1b39,144d:a80a,1234:5678,"
has out "  10de:1b39: 0000:82:00.0 "
has out "; today the setting loses it to nouveau, a rule would not"
has out "  144d:a80a: 0000:05:00.0 "
has out "  144d:a80a: 0000:06:00.0 "
has out "  1234:5678: no device that is present"
has out "  10de:10f0: dropped: a blank ends the value"
has out "  vfio at=0000:82:00.0 10de:1b39    # 0000:82:00.0 "
has out "  vfio 144d:a80a    # 2 devices, and those that come"
has out "  vfio 1234:5678    # no device that is present"
hasnt out "vfio at=0000:82:00.1"
has out "  /etc/default/grub, line 2: vfio-pci.ids=10de:1b39,144d:a80a,1234:5678,, then update-grub"
has err "nothing was changed; vfiopolicy import --yes"
no_rules
run 5 "a dry run" import --dry-run --yes --remove-old
no_rules
file_is /etc/default/grub "$whole"
run 5 "as JSON" import -j
if command -v python3 >/dev/null; then
	python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert o["version"] == 1 and o["changed"] is False, o
assert [r["text"] for r in o["rules"]] == [
    "vfio at=0000:82:00.0 10de:1b39", "vfio 144d:a80a", "vfio 1234:5678"], o
assert [c["counts"] for c in o["claims"]] == [True, True, True, False], o
assert o["claims"][1]["devices"] == ["0000:05:00.0", "0000:06:00.0"], o
assert o["old"][0]["then"] == "update-grub", o
' "$tmp/out" >"$tmp/err" 2>&1
	result $? "    it says the same"
else
	skip "    it says the same" "python3 is missing"
fi
if command -v script >/dev/null; then
	for answer in n y; do
		echo $answer | VFIOPOLICY_SYSFS=$sys VFIOPOLICY_ROOT=$root \
			VFIOPOLICY_PROC=$root/proc VFIOPOLICY_DEV=$root/dev \
			script -qec "$program import" /dev/null >"$tmp/out" 2>"$tmp/err"
		status=$?
		has out "Save 3 rules? [y/N]"
		[ $answer = y ] || {
			[ "$status" = 5 ]
			result $? "    exit 5: the answer is no"
			no_rules
		}
	done
	[ "$status" = 0 ]
	result $? "    exit 0: the answer is yes"
	has_rules "vfio at=0000:82:00.0 10de:1b39" "vfio 144d:a80a" "vfio 1234:5678"
	rm "$root$rules"
else
	skip "    asked on a terminal" "script is missing"
fi
run 0 "saved" import -y
has out "saved in $root$rules, line"
has err "the module is not loaded"
has_rules "vfio at=0000:82:00.0 10de:1b39" "vfio 144d:a80a" "vfio 1234:5678"
grep -q "^#: 0000:82:00.0 .*driver nouveau" "$root$rules"
result $? "    with what the device was above it"
file_is /etc/default/grub "$whole"
cp "$root$rules" "$tmp/saved"
run 0 "again" import -y
has out "is there already"
cmp -s "$tmp/saved" "$root$rules"
result $? "    nothing is saved twice"
rm "$root/etc/modprobe.d/00-vfiopolicy.conf"
mkdir -p "$root/etc/modprobe.d/.00-vfiopolicy.new"
run 2 "the next boot cannot be told" import -y --remove-old
has err "the old settings stay"
file_is /etc/default/grub "$whole"
mkdir -p "$root/boot"
rmdir "$root/etc/modprobe.d/.00-vfiopolicy.new"
touch "$root/boot/initrd.img-$kernel"
echo old | put /var/lib/vfiopolicy/images/$kernel
run 1 "the boot images are not to know" import -y --remove-old --no-image
has err "--remove-old and --no-image: the next boot would know neither the old settings nor the rules"
has err "Nothing was changed."
run 2 "or cannot be told" import -y --remove-old
has err "the old settings stay"
file_is /etc/default/grub "$whole"
run 5 "by force" import --dry-run --remove-old --no-image --force
rm -r "$root/var/lib/vfiopolicy"
for file in /usr/bin/mkinitcpio /usr/lib/initcpio/install/vfiopolicy; do
	put $file </dev/null
done
run 2 "or are made without us" import -y --remove-old
has err "as HOOKS in /etc/mkinitcpio.conf does not name it"
has err "the old settings stay"
file_is /etc/default/grub "$whole"
rm -r "$root/usr/bin/mkinitcpio" "$root/usr/lib/initcpio"
run 0 "taken out" import -y --remove-old
has out "changed /etc/default/grub; the old one is $kept/etc/default/grub; now: update-grub"
file_is /etc/default/grub '# mine
GRUB_CMDLINE_LINUX="quiet iommu=pt"
GRUB_TIMEOUT=1'
file_is $kept/etc/default/grub "$whole"
run 0 "nothing is left" import -y --remove-old
has out "nothing to import"
cmp -s "$tmp/saved" "$root$rules"
result $? "    the rules stay"

new_host
echo "vfio-pci.ids=10de:1b39 root=/dev/sda1" | put /etc/kernel/cmdline
chmod 0640 "$root/etc/kernel/cmdline"
printf 'title x\noptions root=/dev/sda1 vfio-pci.ids=10de:1b39\n' |
	put /boot/loader/entries/a.conf
echo "quiet pci-stub.ids=10de:1b39,10de:10f0" | put /proc/cmdline
run 0 "several files and what runs" import -y --remove-old
has err "pci-stub.ids=10de:1b39,10de:10f0 is on the command line of this kernel and in no file"
has err "if it is still there after a restart"
has_rules "vfio at=0000:82:00.0 10de:1b39" "hold at=0000:82:00.1 10de:10f0"
file_is /etc/kernel/cmdline "root=/dev/sda1"
[ "$(stat -c %a "$root/etc/kernel/cmdline")" = 640 ]
result $? "    its mode is kept"
file_is /boot/loader/entries/a.conf "title x
options root=/dev/sda1"
[ ! -e "$root/etc/kernel/.vfiopolicy-import.new" ]
result $? "    no file is left over"

echo "# what the kernel makes of it"
new_host
long=$(printf '10de:1b39,%.0s' $(seq 110))
echo "options vfio-pci ids=$long" | put /etc/modprobe.d/v.conf
run 0 "too long" import
has out "the kernel refuses all of it: it takes 1023 bytes"
printf 'options vfio-pci ids=10de:1b39\noptions vfio-pci ids=10de:10f0,10de:2204x,x:1\n' |
	put /etc/modprobe.d/v.conf
run 5 "the last one counts alone" import
has out "10de:1b39: dropped: /etc/modprobe.d/v.conf, line 2, comes later"
has out "vfio at=0000:82:00.1 10de:10f0"
has out "10de:2204x: the kernel reads no further than '10de:2204'"
has out "vfio at=0000:83:00.0 10de:2204"
grep "10de:2204x: 0000:83:00.0" "$tmp/out" | grep -qv "today"
result $? "    vfio-pci has it, so the setting works"
has out "'x:1' is no id: expected"
hasnt out "vfio at=0000:82:00.0"
echo 'options vfio-pci ids="10de:1b39, 10de:10f0"' | put /etc/modprobe.d/v.conf
run 5 "a blank inside of quotes" import
has out "vfio at=0000:82:00.1 10de:10f0"
hasnt out "dropped"

echo "# modprobe.d"
new_host
put /etc/modprobe.d/vfio.conf <<END
# my notes
options vfio-pci ids=10de:1b39, 10de:10f0 \\
  disable_vga=1
softdep nouveau pre: vfio-pci
softdep nvidia pre: vfio-pci drm
blacklist nouveau
blacklist snd_hda_intel
install vfio-pci /usr/local/bin/x
END
put /usr/bin/dracut </dev/null
run 0 "options, softdep, blacklist" import -y --remove-old
has out "changed /etc/modprobe.d/vfio.conf; the old one is $kept/etc/modprobe.d/vfio.conf; now: dracut --force"
has_rules "vfio at=0000:82:00.0 10de:1b39"
has out "stays: /etc/modprobe.d/vfio.conf, line 6: blacklist nouveau (it keeps nouveau off 0000:83:00.0 as well, which no rule names)"
hasnt out "blacklist snd_hda_intel"
has err "line 8, does it by a script, which is not imported"
file_is /etc/modprobe.d/vfio.conf '# my notes
# A rule of vfiopolicy does it:
# options vfio-pci ids=10de:1b39, 10de:10f0 \
#   disable_vga=1
options vfio_pci disable_vga=1
# A rule of vfiopolicy does it:
# softdep nouveau pre: vfio-pci
softdep nvidia pre: vfio-pci drm
blacklist nouveau
blacklist snd_hda_intel
install vfio-pci /usr/local/bin/x'
grep -q "^options vfio-pci ids=10de:1b39, 10de:10f0" "$root$kept/etc/modprobe.d/vfio.conf"
result $? "    the old one is kept"
echo "vfio 10de:2204" >>"$root$rules"
echo "options vfio-pci ids=10de:1b39" >>"$root/etc/modprobe.d/vfio.conf"
run 0 "once rules name the other device" import -y --remove-old
has out "the old one is $kept/etc/modprobe.d/vfio.conf.1"
grep -q "^# blacklist nouveau" "$root/etc/modprobe.d/vfio.conf"
result $? "    the driver need not be kept off it"
new_host
echo "options vfio-pci ids=10de:1b39" | put /usr/lib/modprobe.d/v.conf
run 2 "a file of a package" import -y --remove-old
has err "belongs to a package"
has_rules "vfio at=0000:82:00.0 10de:1b39"
file_is /usr/lib/modprobe.d/v.conf "options vfio-pci ids=10de:1b39"

echo "# others"
new_host
echo vfio-pci | put /etc/driverctl.d/pci-0000:82:00.0
echo none | put /etc/driverctl.d/pci-0000:82:00.1
echo uio_pci_generic | put /etc/driverctl.d/pci-0000:83:00.0
run 0 "driverctl" import -y --remove-old
has_rules "vfio at=0000:82:00.0 10de:1b39" "hold at=0000:82:00.1 10de:10f0"
has out "its driver is to be uio_pci_generic, which no guest can use"
has out "removed /etc/driverctl.d/pci-0000:82:00.0; the old one is $kept/etc/driverctl.d/pci-0000:82:00.0"
[ "$(ls "$root/etc/driverctl.d")" = pci-0000:83:00.0 ]
result $? "    what no rule does stays"
file_is $kept/etc/driverctl.d/pci-0000:82:00.0 vfio-pci
new_host
echo "xen-pciback.hide=(82:00.*)(0000:05:00.0)(00:1c.0)(zz)" | put /proc/cmdline
run 0 "xen-pciback" import -y
has_rules "vfio at=0000:82:00.0 10de:1b39" "vfio at=0000:82:00.1 10de:10f0" \
	"vfio at=0000:05:00.0 144d:a80a"
has out "'zz' is no address"
has out "00:1c.0: a bridge, which no guest can have"
new_host
printf 'name: x\nhostpci0: 0000:82:00,pcie=1\n' | put /etc/pve/qemu-server/100.conf
run 0 "a guest of Proxmox VE" import -y --remove-old
has_rules "vfio at=0000:82:00.0 10de:1b39" "vfio at=0000:82:00.1 10de:10f0"
file_is /etc/pve/qemu-server/100.conf "name: x
hostpci0: 0000:82:00,pcie=1"
hasnt out "not needed then"

echo "# two settings for one device"
new_host
echo "options vfio-pci ids=144d:a80a" | put /etc/modprobe.d/v.conf
printf 'name: x\nhostpci0: 06:00.0\n' | put /etc/pve/qemu-server/100.conf
run 0 "one that does it all" import -y
has out "  0000:06:00.0 "
hasnt out "06:00.0: 0000:06:00.0"
has out "  vfio at=0000:06:00.0 144d:a80a    # not added: another one does it, vfio 144d:a80a"
has_rules "vfio 144d:a80a"
new_host
echo "options pci-stub ids=144d:a80a" | put /etc/modprobe.d/v.conf
echo vfio-pci | put /etc/driverctl.d/pci-0000:06:00.0
run 0 "and one that wants something else" import -y
has_rules "vfio at=0000:06:00.0 144d:a80a" "hold 144d:a80a"

new_host
echo vfio-pci | put /etc/driverctl.d/pci-0000:99:00.0
run 0 "an address where nothing is" import -y --remove-old
has out "0000:99:00.0: no device is there, and an address alone may be another's tomorrow"
has out "stays: /etc/driverctl.d/pci-0000:99:00.0, line 1"
no_rules

echo "# rules that are there"
new_host
echo vfio-pci | put /etc/driverctl.d/pci-0000:82:00.0
printf 'leave 10de:1b39\n' | put $rules
run 0 "a rule leaves it" import -y --remove-old
has out "not added: a rule leaves it to the host, leave 10de:1b39"
has out "stays: /etc/driverctl.d/pci-0000:82:00.0, line 1: vfio-pci (a rule leaves 0000:82:00.0 to the host)"
[ -e "$root/etc/driverctl.d/pci-0000:82:00.0" ]
result $? "    it stays"
printf 'vfio class=3d 10de:*\n' | put $rules
run 5 "a rule does it" import --remove-old
has out "not added: a rule does it, vfio 10de:* class=3d"
printf 'vfio at=0000:82:00.0 10de:1b38 changed=hold\nvfio 10de:1b39\n' | put $rules
run 5 "one that holds whatever is there has the say" import --remove-old
has out "not added: a rule does it, vfio at=0000:82:00.0 10de:1b38 changed=hold"
printf 'vfio at=0000:82:00.0 10de:1b38\n' | put $rules
run 5 "one of something else that was there does not" import --remove-old
has out "vfio at=0000:82:00.0 10de:1b39    # 0000:82:00.0"
new_host
printf 'hold 1234:5678\n' | put $rules
echo "options vfio-pci ids=1234:5678" | put /etc/modprobe.d/v.conf
run 1 "at odds" import -y --remove-old
has err "'vfio 1234:5678' cannot be saved beside 'hold 1234:5678'"
has err "Nothing was changed."
has_rules "hold 1234:5678"
file_is /etc/modprobe.d/v.conf "options vfio-pci ids=1234:5678"

echo "# what the host uses"
new_host
echo "options vfio-pci ids=144d:a80a,10de:1b39" | put /etc/modprobe.d/v.conf
disk=/sys/devices/0000:05:00.0/nvme/nvme0/nvme0n1
mkdir -p "$root$disk/holders" "$sys/class/block"
echo 259:0 | put $disk/dev
ln -s ../../devices/0000:05:00.0/nvme/nvme0/nvme0n1 "$sys/class/block/nvme0n1"
run 5 "a disk that nobody uses" import
echo "25 1 259:0 / / rw - ext4 /dev/nvme0n1 rw" >>"$root/proc/self/mountinfo"
run 1 "the disk that root is on" import -y
has err "0000:05:00.0 is in use by this host: / is on it (ext4 on /dev/nvme0n1)"
has err "  vfiopolicy add leave at=0000:05:00.0 144d:a80a    # the host keeps it"
hasnt err "0000:06:00.0"
no_rules
run 1 "nor in a dry run" import --dry-run
run 5 "by force, in a dry run" import --dry-run --force
has err "0000:05:00.0: / is on it (ext4 on /dev/nvme0n1); overridden by --force"
no_rules
run 0 "by force" import -y --force
has_rules "vfio 144d:a80a allow=storage" "vfio at=0000:82:00.0 10de:1b39"
echo "leave at=0000:05:00.0 144d:a80a" | put $rules
run 0 "when a rule leaves it" import -y
has_rules "leave at=0000:05:00.0 144d:a80a" "vfio 144d:a80a" "vfio at=0000:82:00.0 10de:1b39"
rm "$root/proc/self/mountinfo"
echo "options vfio-pci ids=10de:10f0" | put /etc/modprobe.d/v.conf
run 2 "what is mounted cannot be read" import -y
has err "whether devices are in use cannot be told: "
run 0 "by force" import -y --force
has err "cannot be told; overridden by --force"

echo "# what goes wrong"
new_host
# Room for one more rule, and not for two.
head -c $(((16 << 20) - 60)) /dev/zero | tr '\0' '#' | put $rules
cp "$root$rules" "$tmp/saved"
echo "options vfio-pci ids=1234:5678,10de:1b39" | put /etc/modprobe.d/v.conf
run 2 "no room for all rules" import -y --remove-old
has err "Nothing was changed."
[ "$(tr -d '\n' <"$tmp/saved" | wc -c)" = "$(tr -d '\n' <"$root$rules" | wc -c)" ]
result $? "    those that were saved are taken back"
file_is /etc/modprobe.d/v.conf "options vfio-pci ids=1234:5678,10de:1b39"
new_host
echo 'GRUB_CMDLINE_LINUX="vfio\-pci.ids=10de:1b39 q"' | put /etc/default/grub
echo "GRUB_CMDLINE_LINUX=vfio-pci.ids=10de:1b39" | put /etc/default/x
ln -s ../x "$root/etc/default/link"
mkdir -p "$root/etc/default/grub.d"
mv "$root/etc/default/link" "$root/etc/default/grub.d/a.cfg"
echo vfio-pci | put /etc/driverctl.d/pci-0000:82:00.0
run 5 "a dry run finds out" import --dry-run --remove-old
has err "/etc/default/grub.d/a.cfg is a symbolic link"
no_rules
run 2 "files that cannot be edited" import -y --remove-old
has err "/etc/default/grub.d/a.cfg is a symbolic link"
has_rules "vfio at=0000:82:00.0 10de:1b39"
file_is /etc/default/x "GRUB_CMDLINE_LINUX=vfio-pci.ids=10de:1b39"
[ ! -e "$root/etc/driverctl.d/pci-0000:82:00.0" ]
result $? "    the others are"
new_host
odd='GRUB_CMDLINE_LINUX="a vfio-pci.ids=10de:""1b39 b"'
echo "$odd" | put /etc/default/grub
run 2 "a file that is too odd" import -y --remove-old
has err "/etc/default/grub is too odd to be edited by a program"
file_is /etc/default/grub "$odd"
new_host
put /etc/default/grub <<'END'
GRUB_CMDLINE_LINUX='vfio-pci.ids=10de:1b39'\
' x vfio-pci.ids=10de:1b39'
END
run 0 "twice, over two lines" import -y --remove-old
file_is /etc/default/grub "GRUB_CMDLINE_LINUX=''\\
' x'"
run 1 "no operands" import everything
finish
