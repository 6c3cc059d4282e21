#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vfiopolicy check: each finding on a made-up host, and beside it the host on
# which it is not made.
#
# usage: test_check.sh PROGRAM

set -u
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"

kernel=6.12.1-test
old=6.1.0-test
sb=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
info=/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
module=/lib/modules/$kernel/updates/dkms/vfiopolicy.ko

words() # WORD..., the command line of the kernel that is running
{
	echo "$*" | put /proc/cmdline
}

bar() # ADDRESS LINE..., six BARs that have room, and before them others
{
	file=/sys/bus/pci/devices/$1/resource
	shift
	{
		for line; do echo "$line"; done
		for i in 1 2 3 4 5 6; do
			echo "0x00000000fe00${i}000 0x00000000fe00${i}fff 0x0000000000040200"
		done
	} | put "$file"
}

# A module as far as libkmod reads one: an object file with a section .modinfo.
object() # FILE
{
	mkdir -p "$root$(dirname "$1")"
	echo 'const char license[] __attribute__((section(".modinfo"))) = "license=GPL";' |
		"${CC:-cc}" -c -x c - -o "$root$1"
}

# The old form, in which the signer stands in plain text: signer, key, signature,
# their lengths, and the mark.
sign() # FILE
{
	printf 'Mr. Test\n\001\002SIG\001\004\001\010\003\000\000\000\000\000\000\003~Module signature appended~\n' >>"$root$1"
}

start_by() # TARGET, which is to start the unit
{
	mkdir -p "$root/etc/systemd/system/$1.target.wants"
	ln -s /usr/lib/systemd/system/vfiopolicy.service \
		"$root/etc/systemd/system/$1.target.wants/"
}

# A host that is as it should be.
good_host()
{
	rm -rf "$root"
	device 0000:00:1c.0 1b36 000c 060400 pcieport
	device 0000:05:00.0 144d a80a 010802 nvme
	device 0000:06:00.0 144d a80a 010802 nvme
	device 0000:82:00.0 10de 1b39 030200 nouveau
	bar 0000:82:00.0
	echo "pci:v000010DEd00001B39sv00001AF4sd00001100bc03sc02i00" |
		put /sys/bus/pci/devices/0000:82:00.0/modalias
	mkdir -p "$sys/class/iommu/dmar0" "$sys/kernel/iommu_groups/0" \
		"$sys/kernel/iommu_groups/1" "$sys/module/vfiopolicy" \
		"$root/boot/grub" "$root/etc/vfiopolicy/rules.d"
	echo "IR-PCI-MSI-0000:05:00.0" | put /sys/kernel/irq/24/chip_name
	echo $kernel | put /proc/sys/kernel/osrelease
	printf 'processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n' |
		put /proc/cpuinfo
	words quiet intel_iommu=on
	put /boot/config-$kernel <<-END
		CONFIG_IOMMU_SUPPORT=y
		CONFIG_INTEL_IOMMU=y
		CONFIG_VFIO=m
		CONFIG_VFIO_PCI=m
		CONFIG_VFIO_IOMMU_TYPE1=m
	END
	for k in $kernel $old; do
		put "/lib/modules/$k/modules.dep" <<-END
			kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/drivers/vfio/vfio.ko.xz
			kernel/drivers/vfio/vfio.ko.xz:
			updates/dkms/vfiopolicy.ko:
		END
		echo kernel/drivers/pci/pci-stub.ko | put "/lib/modules/$k/modules.builtin"
		printf 'pci_stub.license=GPL\0' | put "/lib/modules/$k/modules.builtin.modinfo"
	done
	echo 'GRUB_CMDLINE_LINUX="intel_iommu=on"' | put /etc/default/grub
	touch "$root/boot/grub/grub.cfg"
	mkdir -p "$root/usr/sbin"
	touch "$root/usr/sbin/update-grub"
	printf '# none\nvfio 10de:1b39\n' | put /etc/vfiopolicy/rules.d/50-local.rules
	start_by multi-user
}

good_host
run 0 "a host that is as it should be" check
has out "ok    IOMMU: Intel VT-d, on, 2 groups"
has out "ok    interrupt remapping: on"
has out "ok    kernel options: VFIO, VFIO_PCI and IOMMU are there"
has out "ok    vfio-pci: there for $kernel"
has out "ok    module: built for all kernels that are installed"
has out "ok    module: loaded"
has out "ok    Secure Boot: off"
has out "ok    boot: vfiopolicy.service brings the rules into force"
has out "ok    nobody else here is known to move devices"
has out "iommu=pt would spare"
hasnt out "todo"
hasnt out "warn"
silent err
run 0 "the same as JSON" check -j
has out '"ready": true'
has out '"boot_loader": "GRUB"'
has out '"id": "iommu"'
hasnt out '"level": "todo"'

echo "# boot"
units=$root/etc/systemd/system
compiled=/etc/modprobe.d/00-vfiopolicy.conf
rm -r "$units"
run 4 "rules that no boot knows" check
has out "todo  1. boot: the next one does not know what the rule files say: vfiopolicy apply"
echo 'GRUB_CMDLINE_LINUX="intel_iommu=on vfio-pci.ids=10de:1b39"' | put /etc/default/grub
run 4 "beside an old setting, which is to go after that" check
has out "todo  1. boot: "
has out "todo  2. /etc/default/grub, line 1: remove vfio-pci.ids=10de:1b39"
echo 'GRUB_CMDLINE_LINUX="intel_iommu=on"' | put /etc/default/grub
run 4 "what they are" status -j
policy=$(sed -n 's/.*"policy": "\([0-9a-f]*\)".*/\1/p' "$tmp/out" | head -n 1)
echo "# policy $policy" | put $compiled
run 0 "modprobe knows them" check
has out "ok    boot: the next one knows the rules"
touch "$root/boot/initrd.img-$kernel"
echo 0123456789abcdef | put /var/lib/vfiopolicy/images/$kernel
run 4 "and a boot image does not" check
has out "todo  1. boot: not all boot images know what the rule files say: vfiopolicy apply"

echo "# a hook that is to be named"
rm "$root/var/lib/vfiopolicy/images/$kernel"
for file in /usr/bin/mkinitcpio /usr/lib/initcpio/install/vfiopolicy; do
	put $file </dev/null
done
echo 'HOOKS=(base udev)' | put /etc/mkinitcpio.conf
run 4 "images without us" check
has out "todo  1. boot: images have nothing of vfiopolicy, as HOOKS in /etc/mkinitcpio.conf does not name it: drivers that they load come before the rules: echo 'HOOKS+=(vfiopolicy)' >> /etc/mkinitcpio.conf && mkinitcpio -P"
hasnt out "the next one knows the rules"
run 4 "for programs" check -j
has out '"id": "image-hook"'
start_by multi-user
run 4 "before the unit is run" check
has out "todo  1. boot: images have nothing of vfiopolicy"
hasnt out "brings the rules into force"
rm -r "$units"
echo "# policy 0123456789abcdef" | put $compiled
run 4 "and nobody knows the rules" check
has out "todo  2. boot: the next one does not know what the rule files say: vfiopolicy apply"
start_by multi-user
run 4 "but the unit, which comes late" check
hasnt out "todo  2."
hasnt out "brings the rules into force"
rm -r "$units"
echo "# policy $policy" | put $compiled
echo 'HOOKS+=(vfiopolicy)' >> "$root/etc/mkinitcpio.conf"
run 0 "with us" check
has out "ok    boot: the next one knows the rules"
rm "$root/usr/bin/mkinitcpio"

echo "# what is in it"
echo "$policy" | put /var/lib/vfiopolicy/images/$kernel
touch "$root/boot/initrd.img-$kernel"
run 0 "nobody can tell" check
hasnt out "boot image: "
put /usr/sbin/mkinitramfs </dev/null
printf '#!/bin/sh\ncat "%s/listed"\n' "$root" | put /usr/bin/lsinitramfs
chmod +x "$root/usr/bin/lsinitramfs"
run 0 "what lists it fails" check
hasnt out "boot image: "
ours="usr/lib/modules/$kernel/updates/dkms/vfiopolicy.ko.xz
etc/modprobe.d/00-vfiopolicy.conf
usr/lib/vfiopolicy/early"
echo "$ours" | put /listed
run 0 "all of ours" check
has out "ok    boot image: /boot/initrd.img-$kernel has the module and the rules"
echo "$ours" | grep -v '\.ko' | put /listed
run 4 "all but the module" check
has out "todo  1. boot image: /boot/initrd.img-$kernel is without the module: "
has out ": dkms autoinstall, then "
echo "$ours" | grep -v '\.conf' | put /listed
run 4 "all but the rules" check
has out "is without the rules: "
hasnt out "dkms autoinstall, then"
echo "$ours" | grep -v early | put /listed
run 4 "all but the script" check
has out "is without what loads the module: "
rm "$root/usr/bin/lsinitramfs"
echo 0123456789abcdef | put /var/lib/vfiopolicy/images/$kernel

echo "# policy 0123456789abcdef" | put $compiled
run 4 "modprobe knows others" check
start_by sysinit
run 0 "any target may start the unit" check
touch "$units/vfiopolicy.service"
rm "$units/sysinit.target.wants/vfiopolicy.service"
run 4 "a unit that is not enabled" check
good_host
rm -r "$units" "$root/etc/vfiopolicy/rules.d/50-local.rules"
run 0 "no rules" check
hasnt out "boot:"
echo "# policy 0123456789abcdef" | put $compiled
run 4 "and modprobe knows some" check

echo "# IOMMU"
good_host
none()
{
	rm -rf "$sys/kernel/iommu_groups" "$sys/class/iommu"
}
none
run 4 "no IOMMU, Intel" check
has out "todo  1. IOMMU: the firmware tells of none: turn it on in the set-up of the firmware, where it is called VT-d,"
hasnt out "interrupt remapping"
printf 'vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm\n' | put /proc/cpuinfo
run 4 "no IOMMU, AMD" check
has out "where it is called AMD-Vi, or IOMMU,"
printf 'vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor svm\n' | put /proc/cpuinfo
run 4 "no IOMMU, in a guest" check
has out "-device intel-iommu,intremap=on"
words quiet
put /sys/firmware/acpi/tables/DMAR </dev/null
run 4 "Intel, not turned on" check
has out "todo  1. IOMMU: Intel VT-d is there and not turned on: add intel_iommu=on to GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub, and restart"
words intel_iommu=on,sm_on
run 4 "Intel, turned on and not in use" check
has out "Intel VT-d is there and not in use: the kernel log says why"
words intel_iommu=off
run 4 "turned off" check
has out "turned off by intel_iommu=off on the kernel command line: remove intel_iommu=off from"
hasnt out "not turned on"
words quiet
sed -i /INTEL_IOMMU/d "$root/boot/config-$kernel"
run 4 "Intel, and a kernel without it" check
has out "this kernel was built without CONFIG_INTEL_IOMMU"
good_host
none
echo vfio-noiommu | put /sys/kernel/iommu_groups/0/name
run 4 "groups that vfio made up" check
has out "the firmware tells of none"
good_host
none
put /sys/firmware/acpi/tables/IVRS </dev/null
echo CONFIG_AMD_IOMMU=y >>"$root/boot/config-$kernel"
run 4 "AMD, not in use" check
has out "AMD-Vi is there and not in use"
hasnt out "not turned on"
good_host
rm -r "$sys/class/iommu/dmar0"
mkdir -p "$sys/class/iommu/smmu3.0x0000000009050000"
rm "$sys/kernel/irq/24/chip_name"
run 0 "Arm" check
has out "ok    IOMMU: Arm SMMU, on, 2 groups"
has out "warn  interrupt remapping: not known"
mv "$sys/class/iommu/smmu3.0x0000000009050000" "$sys/class/iommu/ivhd0"
run 0 "AMD" check
has out "IOMMU: AMD-Vi, on"
words iommu=pt
run 0 "passed through" check
has out "not translated (iommu=pt)"

echo "# IOMMU groups"
good_host
ln -s ../../../../kernel/iommu_groups/1 "$sys/bus/pci/devices/0000:05:00.0/iommu_group"
run 4 "a device that the IOMMU does not cover" check
has out "todo  1. 0000:82:00.0: has no IOMMU group, as the IOMMU does not cover it: no guest can be given it: another slot"
printf 'hold 10de:1b39\n' | put /etc/vfiopolicy/rules.d/50-local.rules
run 0 "which need not matter" check
ln -s ../../../../kernel/iommu_groups/0 "$sys/bus/pci/devices/0000:82:00.0/iommu_group"
printf 'vfio 10de:1b39\n' | put /etc/vfiopolicy/rules.d/50-local.rules
run 0 "or is not so" check

echo "# interrupts"
good_host
echo PCI-MSI-0000:05:00.0 | put /sys/kernel/irq/24/chip_name
run 4 "interrupts are not remapped" check
has out "interrupt remapping: off, so vfio refuses every device"
unsafe=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
echo Y | put $unsafe
run 0 "and vfio does without it" check
has out "warn  interrupt remapping: off, and vfio is told"
hasnt out "is set and not needed"
good_host
echo N | put $unsafe
run 0 "remapped" check
hasnt out "allow_unsafe"
echo "options vfio_iommu_type1 allow_unsafe_interrupts=1" | put /etc/modprobe.d/v.conf
echo Y | put $unsafe
run 0 "remapped, and vfio would do without" check
has out "is set and not needed: interrupts are remapped: /etc/modprobe.d/v.conf, line 1: remove options vfio_iommu_type1"
echo Y | put /sys/module/vfio/parameters/enable_unsafe_noiommu_mode
run 0 "without an IOMMU" check
has out "warn  vfio hands out devices without an IOMMU"

echo "# kernel and modules"
good_host
sed -i '/VFIO_PCI/d; s/CONFIG_VFIO_IOMMU_TYPE1/CONFIG_IOMMUFD/' "$root/boot/config-$kernel"
run 4 "an option is missing" check
has out "kernel options: $kernel was built without CONFIG_VFIO_PCI: start"
sed -i 's/^CONFIG_VFIO=m/CONFIG_VFIO_PCI=y\nCONFIG_VFIO=m/' "$root/boot/config-$kernel"
sed -i s/INTEL_IOMMU/VIRTIO_IOMMU/ "$root/boot/config-$kernel"
run 0 "another IOMMU will do" check
has out "kernel options: VFIO, VFIO_PCI and IOMMU are there"
sed -i s/^CONFIG_VIRTIO_IOMMU=y// "$root/boot/config-$kernel"
run 4 "none will not" check
has out "was built without CONFIG_INTEL_IOMMU or CONFIG_AMD_IOMMU or"
echo CONFIG_AMD_IOMMU=y >>"$root/boot/config-$kernel"
gzip -c "$root/boot/config-$kernel" | put /proc/config.gz
rm "$root/boot/config-$kernel"
run 0 "from /proc/config.gz" check
has out "kernel options: VFIO, VFIO_PCI and IOMMU are there"
rm "$root/proc/config.gz"
run 0 "nowhere" check
has out "warn  kernel options: not known; there is no /boot/config-$kernel"

good_host
sed -i /vfio-pci/d "$root/lib/modules/$kernel/modules.dep"
run 4 "no vfio-pci" check
has out "vfio-pci: not there for $kernel: install"
echo kernel/drivers/vfio/pci/vfio-pci.ko >>"$root/lib/modules/$kernel/modules.builtin"
run 0 "it is built in" check
has out "vfio-pci: there for"
rm -r "$root/lib/modules/$kernel"
run 4 "the modules are gone" check
has out "the kernel that is running, $kernel, has no list of modules: if it was updated, restart"

good_host
sed -i /vfiopolicy/d "$root/lib/modules/$old/modules.dep"
run 4 "a kernel without our module" check
has out "todo  1. module for kernel $old is not built: make dkms-install"
hasnt out "module: built for"
mkdir -p "$root/var/lib/dkms/vfiopolicy/0.1/build"
run 4 "a kernel without headers" check
has out "install its headers (linux-headers-$old, kernel-devel-$old), then dkms autoinstall -k $old"
hasnt out "make.log"
mkdir -p "$root/lib/modules/$old/build"
touch "$root/var/lib/dkms/vfiopolicy/0.1/build/make.log"
run 4 "a build that failed" check
has out "is not built: dkms autoinstall -k $old; the last build that failed: /var/lib/dkms/vfiopolicy/0.1/build/make.log"
put /lib/modules/$old/updates/dkms/vfiopolicy.ko.xz </dev/null
run 4 "not known to depmod" check
has out "modprobe does not know of it: depmod $old"
good_host
mv "$root/lib/modules/$old" "$root/lib/modules/5.10.0-test"
sed -i /vfiopolicy/d "$root/lib/modules/5.10.0-test/modules.dep"
mkdir -p "$root/lib/modules/6.5.0-removed/updates/dkms"
run 0 "a kernel that is too old, and one that was removed" check
has out "warn  kernel 5.10.0-test is too old for the module, which takes 6.1"
hasnt out "6.5.0"
good_host
rm -r "$sys/module/vfiopolicy"
run 4 "not loaded" check
has out "module is not loaded: no rule holds: modprobe vfiopolicy"
good_host
printf 'vfio-pci\nvfio_virqfd\n' | put /etc/initramfs-tools/modules
run 4 "a module that is no more" check
has out "/etc/initramfs-tools/modules, line 2, wants the module vfio_virqfd, which $kernel has not"
has out "remove it there, then build the boot image anew"
hasnt out "wants the module vfio_pci"

echo "# Secure Boot"
good_host
printf '\006\000\000\000\000' | put $sb
run 0 "Secure Boot is off" check
has out "Secure Boot: off"
printf '\006\000\000\000\001' | put $sb
run 0 "Secure Boot, and a module that cannot be read" check
has out "Secure Boot: on, and the module for $kernel cannot be read"
object $module
object /lib/modules/$old/updates/dkms/vfiopolicy.ko
run 4 "Secure Boot, not signed" check
has out "Secure Boot: on, and the module for $kernel is not signed: the kernel refuses it: have DKMS sign it"
has out "the module for $old is not signed"
sign $module
sign /lib/modules/$old/updates/dkms/vfiopolicy.ko
run 0 "Secure Boot, signed" check
has out "ok    Secure Boot: on; the module is signed by Mr. Test"
has out "warn  Secure Boot: on; the module for $old is signed by Mr. Test"
echo Y | put /sys/module/module/parameters/sig_enforce
rm "$root$sb"
run 0 "signatures without Secure Boot" check
has out "module.sig_enforce: on; the module is signed"
echo N | put /sys/module/module/parameters/sig_enforce
echo "none [integrity] confidentiality" | put /sys/kernel/security/lockdown
run 0 "lockdown" check
has out "kernel lockdown: on; the module is signed"
echo "[none] integrity confidentiality" | put /sys/kernel/security/lockdown
run 0 "no lockdown" check
has out "Secure Boot: off"

echo "# rivals"
good_host
echo 'GRUB_CMDLINE_LINUX="intel_iommu=on vfio-pci.ids=10de:1b39"' | put /etc/default/grub
words intel_iommu=on vfio-pci.ids=10de:1b39
run 4 "vfio-pci.ids=, and a rule does it" check
has out "todo  1. /etc/default/grub, line 1: remove vfio-pci.ids=10de:1b39 (a rule does it), then: update-grub"
hasnt out "started with"
hasnt out "nobody else"
echo 'vfio 144d:a80a' | put /etc/vfiopolicy/rules.d/50-local.rules
run 0 "vfio-pci.ids=, and no rule does it" check
has out "warn  /etc/default/grub, line 1, claims devices as well: vfio-pci.ids=10de:1b39: vfiopolicy import"
echo 'leave 10de:1b39' | put /etc/vfiopolicy/rules.d/50-local.rules
run 0 "vfio-pci.ids=, and a rule leaves it to the host" check
has out "claims devices as well: vfio-pci.ids=10de:1b39: vfiopolicy import"
good_host
words pci-stub.ids=10de:1b39
run 4 "in no file" check
has out "started with pci-stub.ids=10de:1b39 (a rule does it); no file that is known here has it: update-grub, and restart; if it is still there then"
words pci-stub.ids=x
run 4 "in no file, and without effect" check
has out "started with pci-stub.ids=x (it has no effect); no file"
words pci-stub.ids=144d:a80a
run 0 "in no file, and no rule does it" check
has out "started with pci-stub.ids=144d:a80a, and no rule does that: vfiopolicy import"
words xen-pciback.hide="(82:00.0)(05:00.*)"
run 0 "xen-pciback" check
has out "started with xen-pciback.hide=(82:00.0)(05:00.*), and no rule does that"
words pci-stub.foo=144d:a80a vfio-pci.disable_vga=1
run 0 "other parameters" check
has out "nobody else here"

good_host
echo "options vfio-pci disable_vga=1 ids=10de:1b39" | put /etc/modprobe.d/vfio.conf
run 4 "modprobe.d" check
has out "todo  1. /etc/modprobe.d/vfio.conf, line 1: remove options vfio-pci disable_vga=1 ids=10de:1b39 (a rule does it)"
for tool in sbin/update-initramfs:"update-initramfs -u -k all" \
	    bin/dracut:"dracut --force --regenerate-all" bin/mkinitcpio:"mkinitcpio -P"; do
	put "/usr/${tool%%:*}" </dev/null
	run 4 "modprobe.d, and $tool" check
	has out "(a rule does it), then: ${tool#*:}"
	rm "$root/usr/${tool%%:*}"
done
echo "options vfio-pci disable_vga=1" | put /etc/modprobe.d/vfio.conf
run 0 "modprobe.d without ids" check
has out "nobody else here"
echo "install vfio-pci /usr/local/bin/override.sh" | put /etc/modprobe.d/vfio.conf
run 0 "a script instead of a module" check
has out "/etc/modprobe.d/vfio.conf, line 1, runs something instead of loading vfio-pci"

good_host
echo vfio-pci | put /etc/driverctl.d/pci-0000:82:00.0
run 4 "driverctl, and a rule does it" check
has out "driverctl claims 0000:82:00.0 as well, and a rule does it (/etc/driverctl.d/pci-0000:82:00.0): driverctl unset-override 0000:82:00.0"
mv "$root/etc/driverctl.d/pci-0000:82:00.0" "$root/etc/driverctl.d/pci-0000:05:00.0"
run 0 "driverctl, and no rule does it" check
has out "warn  driverctl claims 0000:05:00.0 for vfio-pci (/etc/driverctl.d/pci-0000:05:00.0): vfiopolicy import"

good_host
guest() # BUS
{
	put /etc/libvirt/qemu/vm1.xml <<-END
		<domain><hostdev mode='subsystem' type='pci' managed='yes'>
		<source><address domain='0x0000' bus='$1' slot='0x00' function='0x0'/></source>
		</hostdev></domain>
	END
}
guest 0x82
run 0 "libvirt moves what a rule has" check
has out "warn  libvirt moves 0000:82:00.0 by itself for the guest vm1, and a rule has it already: virsh edit vm1"
guest 0x05
run 0 "libvirt moves something else" check
hasnt out "libvirt"

good_host
# shellcheck disable=SC2016 # it is not run here
printf '#!/bin/sh\necho vfio-pci >/sys/bus/pci/devices/$1/driver_override\n' |
	put /etc/initramfs-tools/scripts/init-top/bind
run 0 "a script" check
has out "warn  /etc/initramfs-tools/scripts/init-top/bind, line 2, tells devices which driver to have"
good_host
mkdir -p "$root/var/log/pods/default_other-x_u"
run 0 "a pod of others" check
has out "nobody else here"
for pod in gpu-operator_nvidia-vfio-manager-x_u:"NVIDIA's vfio-manager" \
	   sriov_sriov-network-config-daemon-x_u:"the SR-IOV network operator" \
	   harvester-system_harvester-pcidevices-controller-x_u:Harvester; do
	good_host
	mkdir -p "$root/var/log/pods/${pod%%:*}:u"
	mkdir -p "$root/var/log/pods/default_other-x_u"
	mv "$root/var/log/pods/${pod%%:*}:u" "$root/var/log/pods/${pod%%:*}"
	run 0 "a pod" check
	has out "warn  ${pod#*:} runs on this host, and moves devices as well"
done
good_host
put /etc/harvester-release.yaml </dev/null
run 0 "a file of Harvester's" check
has out "warn  Harvester runs on this host"

good_host
echo "softdep nvme pre: vfiopolicy" | put /usr/lib/modprobe.d/m.conf
echo "softdep nv* pre: vfio-pci post: vfiopolicy" | put /etc/modprobe.d/a.conf
run 4 "a softdep that hides ours" check
has out "/etc/modprobe.d/a.conf, line 1, hides ours (/usr/lib/modprobe.d/m.conf, line 1)"
mv "$root/etc/modprobe.d/a.conf" "$root/etc/modprobe.d/z.conf"
run 0 "a softdep behind ours" check
hasnt out "hides"
mv "$root/etc/modprobe.d/z.conf" "$root/etc/modprobe.d/a.conf"
echo "softdep snd_hda_intel pre: vfio-pci" | put /etc/modprobe.d/a.conf
run 0 "a softdep of another module" check
hasnt out "hides"

echo "# devices"
good_host
printf 'nouveau.license=GPL\0nouveau.alias=pci:v000010DEd*sv*sd*bc03sc*i*\0nvme.alias=pci:v*d*sv*sd*bc01sc08i02*\0' |
	put /lib/modules/$kernel/modules.builtin.modinfo
run 0 "a driver that is built in" check
has out "warn  0000:82:00.0: its driver nouveau is built into this kernel"
has out "takeover=boot in its rule"
hasnt out "0000:05:00.0: its driver"
cp "$root/etc/vfiopolicy/rules.d/"*.rules "$tmp/rules"
sed -i '/10de/s/$/ takeover=boot/' "$root/etc/vfiopolicy/rules.d/"*.rules
run 0 "which the rule takes it from" check
hasnt out "is built into"
cp "$tmp/rules" "$root/etc/vfiopolicy/rules.d/50-local.rules"
printf 'amdgpu.alias=pci:v00001002d*sv*sd*bc03sc*i*\0nvme.alias=pci:v*d*sv*sd*bc01sc08i02*\0' |
	put /lib/modules/$kernel/modules.builtin.modinfo
run 0 "drivers of others are" check
hasnt out "is built into"

good_host
put /etc/vfiopolicy/rules.d/60-wishes.rules <<END
vfio 10de:1b39 class=3d owner=nosuchuser
vfio 1234:5678 driver=vfio_pci owner=root
leave 0000:05:00.0 vfs=2
END
run 0 "what rules ask for in vain" check
has out "60-wishes.rules, line 1: owner=nosuchuser: there is no user nosuchuser: until there is"
has out "60-wishes.rules, line 2: driver=vfio_pci: there is no driver of that name. Did you mean driver=vfio-pci?"
has out "60-wishes.rules, line 3: vfs=2: 0000:05:00.0 has no SR-IOV"
hasnt out "owner=root"

good_host
bar 0000:82:00.0 "0x0000000000000000 0x00000003ffffffff 0x000000000014220c"
bar 0000:05:00.0 "0x0000000000000000 0x00000003ffffffff 0x000000000014220c"
run 4 "a BAR without room" check
has out "0000:82:00.0: BAR 0 has no room in the address space: guests cannot use the device: add pci=realloc to"
hasnt out "has no IOMMU group"
hasnt out "0000:05:00.0"
words intel_iommu=on pci=realloc,nocrs
run 4 "and pci=realloc does not help" check
has out "above 4G decoding"
bar 0000:82:00.0 "0x0000000000000000 0x0000000000000000 0x0000000000000000" \
	"0x0000000000000000 0x000000000000007f 0x0000000000000101" \
	"0x0000000000000000 0x0000000000000000 0x0000000000040200"
run 0 "BARs that are not there, and ports" check
hasnt out "no room"
good_host
echo "leave 10de:1b39" | put /etc/vfiopolicy/rules.d/50-local.rules
run 0 "nothing is wanted for guests" check
has out "warn  no device that is present is named by a rule"

echo "# boot loaders"
loader() # WHAT PLACE
{
	none
	put /sys/firmware/acpi/tables/DMAR </dev/null
	words quiet
	run 4 "$1" check
	has out "is there and not turned on: $2"
	run 4 "$1, as JSON" check -j
	has out '"level": "todo"'
}
good_host
touch "$root/usr/sbin/grubby"
loader "grubby" "grubby --update-kernel=ALL --args=intel_iommu=on, and restart"
good_host
rm "$root/usr/sbin/update-grub"
loader "GRUB elsewhere" "add intel_iommu=on to GRUB_CMDLINE_LINUX in /etc/default/grub, then grub-mkconfig -o /boot/grub/grub.cfg, and"
good_host
printf '\006\000\000\000s\000y\000s\000t\000e\000m\000d\000-\000b\000o\000o\000t\000 \0002\0005\0002\000' |
	put $info
loader "systemd-boot beside GRUB" "add intel_iommu=on to /etc/kernel/cmdline, then kernel-install add $kernel /boot/vmlinuz-$kernel, and"
put /etc/kernel/proxmox-boot-uuids </dev/null
loader "Proxmox VE, by GRUB" "add intel_iommu=on to GRUB_CMDLINE_LINUX in /etc/default/grub, then proxmox-boot-tool refresh"
echo quiet | put /etc/kernel/cmdline
loader "Proxmox VE" "add intel_iommu=on to /etc/kernel/cmdline, then proxmox-boot-tool refresh"
good_host
rm -r "$root/boot/grub" "$root/etc/default/grub"
loader "no boot loader" "add intel_iommu=on to the kernel command line of your boot loader, and restart"
mkdir -p "$root/boot/loader/entries"
loader "entries and no GRUB" "add intel_iommu=on to /etc/kernel/cmdline, then kernel-install"
put /boot/extlinux/extlinux.conf </dev/null
loader "extlinux" "add intel_iommu=on to the line append in /boot/extlinux/extlinux.conf, and restart"
put /etc/default/u-boot </dev/null
loader "U-Boot" "add intel_iommu=on to U_BOOT_PARAMETERS in /etc/default/u-boot, then u-boot-update"
rm -r "$root/boot/extlinux" "$root/boot/loader"
put /boot/firmware/cmdline.txt </dev/null
loader "Raspberry Pi" "add intel_iommu=on to /boot/firmware/cmdline.txt, and restart"

run 1 "no operands" check everything
finish
