#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vfiopolicy export: what it prints is what hypervisors take, as far as tools
# that are installed can tell.
#
# usage: test_export.sh PROGRAM

set -u
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"

device 0000:00:1c.0 1b36 000c 060400 pcieport
device 0000:05:00.0 144d a80a 010802 nvme
device 0000:06:00.0 144d a80a 010802 vfio-pci
device 0000:82:00.0 10de 1b39 030200 vfio-pci
device 0000:82:00.1 10de 10f0 040300 vfiopolicy
device 0000:83:1f.7 8086 154c 020000 vfio-pci
device 1000:00:05.0 10de 1b39 030200 mlx5_vfio_pci
device 0000:03:00.0 8086 10c9 020000 igb
for vf in 0 2; do
	device 0000:03:10.$vf 8086 10ca 020000 vfio-pci
	ln -s ../0000:03:00.0 "$sys/bus/pci/devices/0000:03:10.$vf/physfn"
	ln -s "../0000:03:10.$vf" "$sys/bus/pci/devices/0000:03:00.0/virtfn$((vf / 2))"
done

run 4 "libvirt" export libvirt 82:00.1 82:00.0 83:1f.7 1000:00:05.0
has out "<hostdev mode='subsystem' type='pci' managed='no'>"
has out "<address domain='0x0000' bus='0x82' slot='0x00' function='0x1'/>"
has out "<address domain='0x0000' bus='0x83' slot='0x1f' function='0x7'/>"
has out "<address domain='0x1000' bus='0x00' slot='0x05' function='0x0'/>"
has out "no guest gets it now; vfiopolicy status 0000:82:00.1 says why."
[ "$(grep -c "a rule has it on vfio-pci before the guest starts" "$tmp/out")" = 3 ]
result $? "    said of those alone that are on vfio-pci"
has err "0000:82:00.1 is held and not on vfio-pci, so no guest gets it now"
hasnt err "0000:83:1f.7"
hasnt err "1000:00:05.0"
{
	echo "<domain type='qemu'><name>a</name><memory>65536</memory>"
	echo "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
	cat "$tmp/out"
	echo "</devices></domain>"
} >"$tmp/domain.xml"
if command -v xmllint >/dev/null; then
	xmllint --noout "$tmp/domain.xml" >"$tmp/out" 2>"$tmp/err"
	result $? "    it is well-formed"
else
	skip "    it is well-formed" "xmllint is missing"
fi
if command -v virt-xml-validate >/dev/null && command -v xmllint >/dev/null; then
	virt-xml-validate "$tmp/domain.xml" domain >"$tmp/out" 2>"$tmp/err"
	result $? "    libvirt's schema has nothing against it"
	sed "s/managed='no'/managed='none'/" "$tmp/domain.xml" >"$tmp/bad.xml"
	! virt-xml-validate "$tmp/bad.xml" domain >"$tmp/out" 2>"$tmp/err"
	result $? "    and would have against something else"
else
	skip "    libvirt's schema" "virt-xml-validate or xmllint is missing"
fi

run 0 "qemu, one function" export qemu 06:00.0
[ "$(cat "$tmp/out")" = "-device vfio-pci,host=0000:06:00.0" ]
result $? "    it finds its place by itself"
silent err
run 0 "in the order given" export libvirt 1000:00:05.0 06:00.0
[ "$(grep -o "domain='0x....' bus='0x.." "$tmp/out" | tr '\n' ' ')" = \
	"domain='0x1000' bus='0x00 domain='0x0000' bus='0x06 " ]
result $? "    and not in that of the addresses"
run 4 "what the host has" export libvirt 05:00.0
has out "0000:05:00.0"
has out "is on nvme, so no guest gets it before a rule has it on vfio-pci; vfiopolicy status 0000:05:00.0 says"
has err "0000:05:00.0 is on nvme, so no guest gets it"
hasnt out "a rule has it on vfio-pci before the guest starts"
run 0 "qemu, two VFs" export qemu 03:10.2 03:10.0
cat >"$tmp/want" <<END
-device vfio-pci,host=0000:03:10.2
-device vfio-pci,host=0000:03:10.0
END
cmp -s "$tmp/out" "$tmp/want"
result $? "    are two devices"
run 4 "qemu, two of a slot, another, and one twice" \
	export qemu 82:00.1 0000:06:00.0 82:00.0 82:00.0
cat >"$tmp/want" <<END
-device pcie-root-port,id=vfiopolicy1,chassis=65
-device vfio-pci,host=0000:82:00.0,bus=vfiopolicy1,addr=0x0.0x0,multifunction=on
-device vfio-pci,host=0000:82:00.1,bus=vfiopolicy1,addr=0x0.0x1
-device vfio-pci,host=0000:06:00.0
END
cmp -s "$tmp/out" "$tmp/want"
result $? "    functions of a slot are functions of a slot"

# No guest is started: the device is not here, and nothing else is found wrong.
if [ -e /sys/bus/pci/devices/0000:82:00.0 ]; then
	skip "    QEMU takes them" "there is a device at that address"
elif command -v qemu-system-x86_64 >/dev/null; then
	# shellcheck disable=SC2046 # options, each a word
	timeout 60 qemu-system-x86_64 -M q35 -accel tcg -m 64 -nodefaults -S \
		-display none $(grep -v 0000:06 "$tmp/want") >"$tmp/out" 2>"$tmp/err"
	has err "host=0000:82:00.0,bus=vfiopolicy1,addr=0x0.0x0,multifunction=on: vfio /sys/bus/pci/devices/0000:82:00.0"
else
	skip "    QEMU takes them" "qemu-system-x86_64 is missing"
fi

run 4 "stratovirt" export stratovirt 06:00.0 82:00.0 82:00.1
cat >"$tmp/want" <<END
-device vfio-pci,id=vfiopolicy0,host=0000:06:00.0,bus=pcie.0,addr=0x10.0x0
-device vfio-pci,id=vfiopolicy1,host=0000:82:00.0,bus=pcie.0,addr=0x11.0x0,multifunction=on
-device vfio-pci,id=vfiopolicy2,host=0000:82:00.1,bus=pcie.0,addr=0x11.0x1
END
cmp -s "$tmp/out" "$tmp/want"
result $? "    with a place for each"
has err "must be free in the guest"

run 4 "kubevirt" export kubevirt 06:00.0 82:00.1
has out 'pciVendorSelector: "144D:A80A"'
has out 'pciVendorSelector: "10DE:10F0"'
has err "144d:a80a is 0000:05:00.0 (nvme) as well"
hasnt err "10de:10f0 is"
cp "$tmp/out" "$tmp/kubevirt.yaml"
if python3 -c 'import yaml' 2>/dev/null; then
	python3 -c '
import sys, yaml
y = yaml.safe_load(open(sys.argv[1]))
d = y["spec"]["configuration"]["permittedHostDevices"]["pciHostDevices"]
assert [e["pciVendorSelector"] for e in d] == ["144D:A80A", "10DE:10F0"], d
assert d[0]["resourceName"] == "pci.vfiopolicy/144d-a80a", d
' "$tmp/kubevirt.yaml" >"$tmp/out" 2>"$tmp/err"
	result $? "    it is YAML of that shape"
else
	skip "    it is YAML of that shape" "python3-yaml is missing"
fi
run 4 "kubevirt, all that have the id" export kubevirt 05:00.0 06:00.0
has out "      # 0000:05:00.0 is on nvme, so no guest gets it"
hasnt err "as well"
[ "$(grep -c pciVendorSelector "$tmp/out")" = 1 ]
result $? "    which is named once"

run 0 "what is only held beside it" export qemu 82:00.0
has err "0000:82:00.1 ("
has err ") is held with 0000:82:00.0 and stays on the host; to give it as well: vfiopolicy add 0000:82:00.1"
[ "$(wc -l <"$tmp/out")" = 1 ]
result $? "    is not given"
run 4 "is not said when it is named" export qemu 82:00.0 82:00.1
hasnt err "is held with"
run 0 "nor beside another device" export qemu 06:00.0
silent err

# One of two functions of a group, and the other one is the host's.
device 0000:84:00.0 10de 1b39 030200 vfio-pci 84
device 0000:84:00.1 10de 10f0 040300 snd_hda_intel 84
device 0000:84:00.2 1b36 000c 060400 pcieport 84
members=$sys/kernel/iommu_groups/84/devices
mkdir -p "$members"
for function in 0 1 2; do
	ln -s "../../../../bus/pci/devices/0000:84:00.$function" "$members/0000:84:00.$function"
done
run 4 "a group that is blocked" export libvirt 84:00.0
has out "0000:84:00.0"
has out "is on vfio-pci, but its IOMMU group 84 is blocked by 0000:84:00.1 (snd_hda_intel), so no guest gets it now"
has err "vfiopolicy groups 84"
run 4 "is so for each hypervisor" export stratovirt 84:00.0
has err "blocked by 0000:84:00.1 (snd_hda_intel)"
ln -sfn ../../drivers/some_variant "$sys/bus/pci/devices/0000:84:00.1/driver"
mkdir "$sys/bus/pci/devices/0000:84:00.1/vfio-dev"
run 0 "and is not, by one of vfio's" export qemu 84:00.0
silent err
rmdir "$sys/bus/pci/devices/0000:84:00.1/vfio-dev"
ln -sfn ../../drivers/vfiopolicy "$sys/bus/pci/devices/0000:84:00.1/driver"
run 0 "nor by what is held" export qemu 84:00.0
has err "0000:84:00.1 ("
hasnt err "blocked"

run 1 "no such hypervisor" export xen 06:00.0
has err "expected libvirt, qemu, stratovirt or kubevirt"
silent out
run 1 "no device" export qemu
run 1 "a bridge" export qemu 00:1c.0
has err "is a bridge"
run 3 "no such device" export qemu 99:00.0
silent out
run 3 "nothing of that name" export qemu 06:00.0 nosuch
silent out
has err "vfiopolicy list -a"
finish
