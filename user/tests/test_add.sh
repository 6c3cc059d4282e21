#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vfiopolicy add on a made-up host: what a rule asks for that this host cannot do
# is said before it is saved, and the dry run says the same.
#
# usage: test_add.sh PROGRAM

set -u
if grep -qs '^vfiopolicy ' /proc/modules; then
	echo "KTAP version 1"
	echo "1..0 # SKIP the module is loaded"
	exit 0
fi
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"

kernel=6.12.1-test
echo "21 1 0:5 / /proc rw - proc none rw" | put /proc/self/mountinfo
mkdir -p "$root/proc/net" "$root/dev"
echo $kernel | put /proc/sys/kernel/osrelease
lists=/lib/modules/$kernel
put $lists/modules.alias <<END
alias pci:v0000144Dd*sv*sd*bc*sc*i* nvme
alias pci:v*d*sv*sd*bc0Csc03i30* xhci_pci
alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* odd_variant
alias acpi*:X:* neither
END
put $lists/modules.dep <<END
kernel/nvme.ko:
kernel/xhci_pci.ko:
kernel/odd_variant.ko:
kernel/neither.ko:
kernel/mlx5_vfio_pci.ko: kernel/vfio-pci-core.ko
kernel/vfio-pci.ko: kernel/vfio-pci-core.ko
END

# The NIC hangs off a bridge, as on real hosts, so that its place is no address.
above=$sys/devices/pci0000:00/0000:00:1c.0
mkdir -p "$above/0000:03:00.0" "$sys/bus/pci/devices" "$sys/class/net"
ln -s ../../../devices/pci0000:00/0000:00:1c.0 "$sys/bus/pci/devices/0000:00:1c.0"
ln -s ../../../devices/pci0000:00/0000:00:1c.0/0000:03:00.0 \
	"$sys/bus/pci/devices/0000:03:00.0"
device 0000:00:1c.0 1b36 000c 060400 pcieport
device 0000:03:00.0 8086 10c9 020000 igb 20
device 0000:04:00.0 8086 1572 020000 i40e 21
device 0000:05:00.0 144d a80a 010802 nvme 39
device 0000:06:00.0 144d a80a 010802 odd 40
pf=$sys/bus/pci/devices/0000:03:00.0
echo 7 >"$pf/sriov_totalvfs"
echo 0 >"$pf/sriov_numvfs"
mkdir -p "$above/0000:03:00.0/net/enp3s0"
ln -s ../../devices/pci0000:00/0000:00:1c.0/0000:03:00.0/net/enp3s0 \
	"$sys/class/net/enp3s0"
for driver in nvme vfio-pci pci-stub xhci_hcd; do
	mkdir -p "$sys/bus/pci/drivers/$driver"
done
ln -s ../../../../module/xhci_pci "$sys/bus/pci/drivers/xhci_hcd/module"

dry() # EXPECTED_STATUS DESCRIPTION WORD...
{
	status=$1
	what=$2
	shift 2
	run "$status" "$what" add --dry-run --next-boot "$@"
}

echo "# VFs that are to come"
dry 5 "of a PF that can make them" vfs-of=0000:03:00.0 name=vfs
has out "would be added and saved: vfio vfs-of=0000:00:1c.0/00.0 name=vfs"
has out "0000:03:00.0 has no such VF yet: vfiopolicy sriov 0000:03:00.0 N makes N of them"
dry 5 "some of them" vfs-of=03:00.0/0-3
has out "vfio vfs-of=0000:00:1c.0/00.0/0-3"
dry 5 "by its interface" vfs-of=enp3s0/6
has out "vfio vfs-of=0000:00:1c.0/00.0/6"
dry 5 "by its place" vfs-of=0000:00:1c.0/00.0/0-3
has out "vfio vfs-of=0000:00:1c.0/00.0/0-3"
dry 3 "more than it can make" vfs-of=03:00.0/0-7
has err "names no device that is present: 0000:03:00.0 can have 7 VFs at the most, of which 6 is the last"
dry 3 "of what can make none" vfs-of=04:00.0
has err "0000:04:00.0 has no SR-IOV: it can make no VFs"
has err "--absent-ok adds the rule for later"
dry 5 "unless it is to be so" --absent-ok vfs-of=04:00.0
dry 3 "of what is not there" vfs-of=09:00.0
dry 1 "of what is no name" vfs-of=nosuch0

echo "# addresses of several, which a new card renumbers"
dry 5 "the functions of a slot" "03:00.*"
has out "would be added and saved: vfio at=0000:00:1c.0/00.*"
dry 5 "function 0 of whatever slot" "03:*.0"
has out "vfio at=0000:00:1c.0/*.0"
dry 5 "an exception" 8086:* except=03:00.0
has out "vfio 8086:* except=at=0000:00:1c.0/00.0"
dry 5 "what would be two places" hold "03:00.*" at=0000:00:1c.0/00.0
has out "hold 0000:03:00.* at=0000:00:1c.0/00.0"
dry 5 "a slot of what is not there" --absent-ok "09:00.*"
has out "vfio 0000:09:00.*"

echo "# vfs="
dry 5 "as many as there can be" leave enp3s0 vfs=7
dry 1 "more" leave enp3s0 vfs=8
has err "vfs=8: 0000:03:00.0 can have 7 VFs at the most"
has err "Nothing was changed."
dry 5 "by force" --force leave enp3s0 vfs=8
has err "overridden by --force"
dry 1 "where there is no SR-IOV" leave 04:00.0 vfs=1
has err "vfs=1: 0000:04:00.0 has no SR-IOV"
dry 5 "several devices, of which one can" leave class=network vfs=7
has err "0000:04:00.0 has no SR-IOV"

echo "# driver="
dry 5 "vfio-pci" 05:00.0 driver=vfio-pci
silent err
dry 5 "best" 05:00.0 driver=best
silent err
dry 1 "with an underscore" 05:00.0 driver=vfio_pci
has err "driver=vfio_pci: there is no driver of that name. Did you mean driver=vfio-pci?"
has err "Nothing was changed."
dry 1 "with another underscore" 05:00.0 driver=pci_stub
has err "Did you mean driver=pci-stub?"
dry 5 "a variant that is not loaded" 05:00.0 driver=mlx5_vfio_pci
silent err
dry 5 "a variant by its aliases" 05:00.0 driver=odd_variant
silent err
dry 1 "what the host itself drives it with" 05:00.0 driver=nvme
has err "driver=nvme: that is the host's own driver of 0000:05:00.0"
dry 1 "likewise, without aliases" 06:00.0 driver=odd
has err "driver=odd: that is the host's own driver of 0000:06:00.0"
dry 1 "a native driver of something else" 06:00.0 driver=nvme
has err "driver=nvme: that is a driver of the host's own"
dry 1 "one whose module is called something else" 06:00.0 driver=xhci_hcd
has err "driver=xhci_hcd: that is a driver of the host's own"
dry 5 "by force" --force 05:00.0 driver=nvme
has err "overridden by --force"
dry 1 "what is not known" 05:00.0 driver=my_vfio
has err "driver=my_vfio: this kernel has no such driver or module"
has err "Nothing was changed."
has err "--absent-ok adds the rule for one that comes later"
dry 5 "what comes later" --absent-ok 05:00.0 driver=my_vfio
has err "driver=my_vfio: this kernel has no such driver or module"
dry 5 "what is not known, by force" --force 05:00.0 driver=my_vfio
has err "overridden by --force"
dry 5 "what is of neither kind" 05:00.0 driver=neither
has err "driver=neither: whether that gives devices to guests cannot be told"
dry 5 "nor this" 05:00.0 driver=pci-stub
has err "driver=pci-stub: whether"
mv "$root$lists" "$root$lists.away"
dry 5 "without the lists" 05:00.0 driver=odd_variant
has err "driver=odd_variant: whether this kernel has it cannot be told"
mv "$root$lists.away" "$root$lists"
run 0 "a snapshot" snapshot
cp "$tmp/out" "$tmp/host.json"
dry 1 "on it the name still counts" --on "$tmp/host.json" 05:00.0 driver=vfio_pci
dry 1 "and whose driver it is" --on "$tmp/host.json" 05:00.0 driver=nvme

echo "# owner="
dry 5 "somebody" 05:00.0 owner=root
silent err
dry 5 "with a group" 05:00.0 owner=root:root
dry 3 "nobody" 05:00.0 owner=nosuchuser
has err "owner=nosuchuser: there is no user nosuchuser"
has err "--absent-ok"
dry 3 "no such group" 05:00.0 owner=root:nosuchgroup
has err "owner=root:nosuchgroup: there is no group nosuchgroup"
dry 5 "one that comes later" --absent-ok 05:00.0 owner=nosuchuser
has err "there is no user nosuchuser"
dry 5 "on another host" --on "$tmp/host.json" 05:00.0 owner=nosuchuser

echo "# what is good to know"
at=$sys/devices/0000:05:00.0/nvme/nvme0
mkdir -p "$at/nvme0n1/holders" "$sys/class/block" "$sys/class/nvme"
echo 259:0 >"$at/nvme0n1/dev"
echo "vp2    " >"$at/serial"
ln -s ../../devices/0000:05:00.0/nvme/nvme0/nvme0n1 "$sys/class/block/nvme0n1"
ln -s ../../devices/0000:05:00.0/nvme/nvme0 "$sys/class/nvme/nvme0"
mkdir -p "$sys/bus/pci/devices/0000:05:00.0/nvme"
ln -s ../../../../../devices/0000:05:00.0/nvme/nvme0 \
	"$sys/bus/pci/devices/0000:05:00.0/nvme/nvme0"
if command -v mkswap >/dev/null; then
	truncate -s 1M "$root/dev/nvme0n1"
	mkswap -q "$root/dev/nvme0n1" 2>"$tmp/err"
	dry 5 "a disk with data" 05:00.0
	has out "  note: /dev/nvme0n1 has data on it: swap"
	hasnt out "  used:"
	rm "$root/dev/nvme0n1"
else
	skip "a disk with data" "mkswap is missing"
fi
cp "$root/proc/self/mountinfo" "$tmp/mountinfo"
echo "25 1 259:0 / /mnt/data rw - ext4 /dev/nvme0n1 rw" >>"$root/proc/self/mountinfo"
dry 1 "what can be unmounted" 05:00.0
has err "  umount /mnt/data    # then the host does without it"
has err "Nothing was changed. --force would take it away at the next boot, when it is likely to be in use again."
run 1 "and now" add --dry-run 05:00.0
has err "Nothing was changed. --force would take it away from a running system."
echo "26 1 259:0 / / rw - ext4 /dev/nvme0n1 rw" >>"$root/proc/self/mountinfo"
dry 1 "what cannot" 05:00.0
hasnt err "umount"
cp "$tmp/mountinfo" "$root/proc/self/mountinfo"
for word in serial=vp2 vp2; do
	dry 1 "by a serial number: $word" $word
	has err "0000:05:00.0 has the serial number vp2: name it by its address, or its disk as in /dev/disk/by-id."
done
run 3 "nor elsewhere" explain vp2
has err "0000:05:00.0 has the serial number vp2"
device 0000:08:00.0 8086 10ca 020000 igbvf 41
mkdir -p "$sys/devices/0000:08:00.0/net/eth7"
ln -s ../../devices/0000:08:00.0/net/eth7 "$sys/class/net/eth7"
mkdir -p "$sys/bus/pci/devices/0000:08:00.0/net"
ln -s ../../../../../devices/0000:08:00.0/net/eth7 \
	"$sys/bus/pci/devices/0000:08:00.0/net/eth7"
echo 0x1003 >"$sys/devices/0000:08:00.0/net/eth7/flags"
dry 5 "an interface that is up" eth7
has err "0000:08:00.0: its interface eth7 is up, and the host has no address and no route on it"
echo 0x1002 >"$sys/devices/0000:08:00.0/net/eth7/flags"
dry 5 "and one that is down" eth7
hasnt err "eth7 is"
device 0000:09:00.0 1234 1111 030000 - 42
echo 1 >"$sys/bus/pci/devices/0000:09:00.0/boot_vga"
dry 1 "what is never taken" 09:00.0
has err "  0000:09:00.0 is never taken, not even with --force, as long as the firmware uses it as its display"
has err "Nothing was changed."
hasnt err "--force would"
hasnt err "--next-boot"
run 1 "nor now" add --dry-run 09:00.0
hasnt err "--force would"
ln -s ../0000:03:00.1 "$sys/bus/pci/devices/0000:03:00.0/virtfn0"
echo 1 >"$pf/sriov_numvfs"
run 1 "what is not taken now" add --dry-run 03:00.0
has err "  vfiopolicy sriov 0000:03:00.0 0    # while it has VFs it is not taken, not even with --force"
has err "Nothing was changed. --next-boot takes it when the host starts the next time."
hasnt err "--force would"
rm "$sys/bus/pci/devices/0000:03:00.0/virtfn0"
echo 0 >"$pf/sriov_numvfs"
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 "$program" --version >/dev/null 2>&1; then
	chmod a+rx "$tmp"
	mkdir -p "$root/etc/vfiopolicy/rules.d"
	user()
	{
		setpriv --reuid=65534 env VFIOPOLICY_SYSFS="$sys" VFIOPOLICY_ROOT="$root" \
			VFIOPOLICY_PROC="$root/proc" VFIOPOLICY_DEV="$root/dev" \
			"$program" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	}
	user add --dry-run --next-boot 06:00.0
	has err "who is not root does not see all that uses a device"
	user add --next-boot 06:00.0
	has err "This takes root"
else
	skip "who is not root" "setpriv cannot be used"
fi

echo "# why nothing is named"
dry 3 "for another host" 05:00.0 host=4f1d2c3b-0a9b-4c8d-9e7f-1a2b3c4d5e6f
has err "names no device that is present: by host= it is for one host, and which this is cannot be told"
echo 11111111-0a9b-4c8d-9e7f-1a2b3c4d5e6f | put /sys/class/dmi/id/product_uuid
dry 3 "for another host than this" 05:00.0 host=4f1d2c3b-0a9b-4c8d-9e7f-1a2b3c4d5e6f
has err "by host= it is for another host than this, which is 11111111-0a9b-4c8d-9e7f-1a2b3c4d5e6f"
dry 5 "for this host" 05:00.0 host=11111111-0a9b-4c8d-9e7f-1a2b3c4d5e6f
dry 3 "what is not there either" 0a:00.0 host=4f1d2c3b-0a9b-4c8d-9e7f-1a2b3c4d5e6f
hasnt err "by host="
dry 3 "an address without its function" 5:0
has err "An address ends in a function. Did you mean 0000:05:00.0?"

echo "# rules that come first"
rules=$root/etc/vfiopolicy/rules.d
mkdir -p "$rules"
if [ "$(stat -c %u "$rules")" = 0 ]; then
	printf 'vfio 144d:a80a name=disks\nvfio 0000:03:00.0 owner=nosuchuser\n' \
		>"$rules/50-local.rules"
	dry 5 "one that is behind another" 05:00.0 name=disk0
	has err "rule 1 comes first: this one has no effect on 0000:05:00.0: vfio 144d:a80a name=disks"
	dry 1 "one at odds with another" --all 144d:a80a name=other
	has err "cannot be saved beside 'vfio 144d:a80a name=disks'"
	has err "Nothing was changed. The other one goes by:"
	has err "  vfiopolicy del disks"
	hasnt err "no effect"
	echo "hold 8086:10c9 except=0000:03:00.0 except=0000:04:00.0" >"$rules/60-more.rules"
	run 0 "one that is there by its addresses" add --dry-run --next-boot --absent-ok \
		hold 8086:10c9 except=03:00.0 except=04:00.0
	has out "already"
	echo "vfio 144d:a80a" >"$rules/50-local.rules"
	dry 1 "one at odds with another that has no name" --all 144d:a80a name=other
	has err "  vfiopolicy del 'vfio 144d:a80a'"
	rm "$rules"/*
	put /usr/lib/vfiopolicy/rules.d/10-theirs.rules <<'END'
vfio 144d:a80a
END
	dry 1 "one at odds with that of a package" --all 144d:a80a name=other
	has err "masked by one of the same name"
	hasnt err "vfiopolicy del"
	rm "$root/usr/lib/vfiopolicy/rules.d/10-theirs.rules"
	dry 5 "one that is not" leave 05:00.0
	hasnt err "comes first"
else
	echo "# not root: rule files are left out"
fi

finish
