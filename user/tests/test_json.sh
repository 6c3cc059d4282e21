#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The schema of what commands say with --json: that it says what the netlink
# specification does, and that each command that goes without the module keeps to
# it, on a made-up host. Those with it are validated by tests in guests.
#
# usage: test_json.sh PROGRAM

set -u
if grep -qs '^vfiopolicy ' /proc/modules; then
	echo "KTAP version 1"
	echo "1..0 # SKIP the module is loaded"
	exit 0
fi
if ! python3 -c 'import jsonschema, yaml; jsonschema.Draft202012Validator' 2>/dev/null; then
	echo "KTAP version 1"
	echo "1..0 # SKIP needs python3-jsonschema and python3-yaml"
	exit 0
fi
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"
here=$(dirname "$(realpath "$0")")
doc=$here/../../Documentation

valid() # EXPECTED_STATUS DEFINITION [WORD]...
{
	want=$1
	definition=$2
	shift 2
	run "$want" "$*" "$@"
	python3 "$here/json_valid.py" "$definition" <"$tmp/out" >"$tmp/err" 2>&1
	result $? "    as the schema has $definition"
}

# says KEY VALUE, of the last output: that it is the case that is meant
says()
{
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    d = d[int(key) if isinstance(d, list) else key]
sys.exit(json.dumps(d) != sys.argv[3])' "$tmp/out" "$1" "$2" 2>/dev/null
	result $? "    $1: $2"
}

echo "# the schema itself"
python3 - "$doc" >"$tmp/out" 2>&1 <<'END'
import json
import sys

import jsonschema
import yaml

doc = sys.argv[1]
schema = json.load(open(f'{doc}/json/vfiopolicy.schema.json', encoding='utf-8'))
jsonschema.Draft202012Validator.check_schema(schema)
spec = yaml.safe_load(open(f'{doc}/netlink/specs/vfiopolicy.yaml', encoding='utf-8'))
defs = schema['$defs']
# What is null here, and what stands for words of a newer module.
null = {'reason': 'none', 'domain': 'unknown'}
for enum in spec['definitions']:
    if enum['type'] != 'enum':
        continue
    name = enum['name']
    want = [entry['name'] for entry in enum['entries'] if entry['name'] != null.get(name)]
    want += ['unknown'] if name != 'domain' else []
    if defs[name]['enum'] != want:
        print(f'{name}: {defs[name]["enum"]}, and not {want}')


def look(where, node):
    if isinstance(node, list):
        for i, item in enumerate(node):
            look(f'{where}.{i}', item)
    if not isinstance(node, dict):
        return
    if 'properties' in node:
        keys = node['properties']
        if not (open_ok(where) or node.get('additionalProperties') is False or
                node.get('unevaluatedProperties') is False):
            print(f'{where}: takes other keys')
        if sorted(node['required']) != sorted(keys):
            print(f'{where}: not all of its keys are required')
        for key, value in keys.items():
            text = value.get('description', '')
            if not text.endswith('.') or not text[0].isupper():
                print(f'{where}.{key}: no sentence says what it is')
    for key, value in node.items():
        look(f'{where}.{key}', value)


# What others are made of by $ref; those are closed.
def open_ok(where):
    return where in [f'.$defs.{name}' for name in ('device', 'rule', 'device-forecast')]


look('', schema)
named = {ref['$ref'].rpartition('/')[2] for ref in schema['anyOf']}
used = json.dumps(defs)
for name in defs:
    if name not in named and f'"#/$defs/{name}"' not in used:
        print(f'{name}: nobody uses it')
table = open(f'{doc}/json.md', encoding='utf-8').read()
for name in named:
    if f'`{name}`' not in table:
        print(f'{name}: json.md does not tell of it')
END
: >"$tmp/err"
[ ! -s "$tmp/out" ]
result $? "is a schema, says what the netlink specification does, tells of each key"

# Those that take it are known by not refusing it.
: >"$tmp/out"
for name in $("$program" --help | sed -n 's/^  \([a-z]\+\) .*/\1/p'); do
	VFIOPOLICY_SYSFS=$sys VFIOPOLICY_ROOT=$root "$program" "$name" -j 2>&1 </dev/null |
		grep -q "not an option of '$name'" || echo "$name"
done | sort >"$tmp/names"
# shellcheck disable=SC2016 # it is Python's
python3 -c 'import json, sys
for ref in json.load(open(sys.argv[1]))["anyOf"]:
    print(ref["$ref"].rpartition("/")[2].partition("-")[0])' \
	"$doc/json/vfiopolicy.schema.json" | sort -u | diff "$tmp/names" - >"$tmp/err"
result $? "has a definition for each command that takes --json"

echo "# what commands say"
kernel=6.12.1-test
device 0000:00:1c.0 1b36 000c 060400 pcieport 5
device 0000:00:1f.0 8086 2918 060100 lpc_ich 32
device 0000:00:1f.2 8086 2922 010601 ahci 32
device 0000:05:00.0 144d a80a 010802 vfio-pci 39
device 0000:06:00.0 144d a80a 010802 nvme 40
device 0000:82:00.0 10de 1b39 030200 vfio-pci 79
device 0000:82:00.1 10de 10f0 040300 snd_hda_intel 79
device 0000:90:00.0 10de 1b39 030000 nouveau 80
device 0000:a0:00.0 1af4 1000 020000 virtio-pci -
device 0000:a1:00.0 1234 5678 030200
device 0000:03:00.0 8086 10c9 020000 igb 20
device 0000:03:10.0 8086 10ca 020000 igbvf 21
device 0000:03:10.2 8086 10ca 020000 - 22
echo 1 >"$sys/bus/pci/devices/0000:90:00.0/boot_vga"
mkdir -p "$sys/kernel/iommu_groups/39"
echo DMA-FQ >"$sys/kernel/iommu_groups/39/type"
pf=$sys/bus/pci/devices/0000:03:00.0
for i in 0 2; do
	ln -s "../0000:03:10.$i" "$pf/virtfn$((i / 2))"
	ln -s ../0000:03:00.0 "$sys/bus/pci/devices/0000:03:10.$i/physfn"
done
echo 7 >"$pf/sriov_totalvfs"
echo 2 >"$pf/sriov_numvfs"
echo 1 >"$pf/sriov_drivers_autoprobe"
: >"$sys/bus/pci/drivers_probe"
# An interface, a disk that is mounted, and a guest that has a device open.
mkdir -p "$sys/class/net" "$pf/net/eth4" "$sys/class/block"
ln -s ../../bus/pci/devices/0000:03:00.0/net/eth4 "$sys/class/net/eth4"
ln -s ../../../0000:03:00.0 "$pf/net/eth4/device"
echo 52:54:00:12:34:56 >"$pf/net/eth4/address"
at=$sys/devices/0000:06:00.0/nvme/nvme0/nvme0n1
mkdir -p "$at/holders"
echo 259:0 >"$at/dev"
ln -s ../../devices/0000:06:00.0/nvme/nvme0/nvme0n1 "$sys/class/block/nvme0n1"
put /proc/self/mountinfo <<'END'
21 1 0:5 / /proc rw - proc none rw
25 1 259:0 / / rw - ext4 /dev/nvme0n1 rw
END
mkdir -p "$root/proc/net" "$root/proc/4711/fd" "$root/dev"
echo qemu-system-x86 | put /proc/4711/comm
printf 'qemu\0-name\0guest=win11,x=y\0' | put /proc/4711/cmdline
ln -s /dev/vfio/79 "$root/proc/4711/fd/20"
echo $kernel | put /proc/sys/kernel/osrelease
echo quiet vfio-pci.ids=10de:1b39,144d:a80b | put /proc/cmdline
echo 'GRUB_CMDLINE_LINUX="quiet vfio-pci.ids=10de:1b39,144d:a80b"' |
	put /etc/default/grub
put /usr/sbin/update-grub </dev/null

valid 0 list list -a -j
says module false
says devices.0.state null
valid 0 groups groups -a -j
valid 0 groups groups -j 79
says groups.0.user.vm '"win11"'
says groups.0.isolated_msi null
valid 4 check check -j
valid 0 snapshot snapshot
valid 0 snapshot snapshot -j
valid 0 explain explain -j 82:00.0
says winner null
valid 5 sriov-number sriov -j --dry-run 03:00.0 0
valid 0 sriov sriov -j 03:00.0 2
says devices.1.driver null
valid 0 sriov sriov -j --dry-run 03:00.0 2
valid 0 sriov sriov -j 03:00.0 0
says changed true

echo vfio-pci >"$sys/bus/pci/devices/0000:a1:00.0/driver_override"
valid 0 release release -j 90:00.0
says changed false
valid 5 release release -j --dry-run a1:00.0
says dry_run true
says verdict '"pending"'
valid 0 release release -j a1:00.0
says changed true
says device.driver_before null

# The rest is of rule files, which must be root's.
rules=$root/etc/vfiopolicy/rules.d
mkdir -p "$rules"
if [ "$(stat -c %u "$rules")" != 0 ]; then
	skip "rule files" "it takes root"
	finish
fi

valid 0 status status -j
says rules '[]'
valid 5 add-dry-run add -j --dry-run --next-boot --force 06:00.0
says devices.0.uses.0.kind '"mount"'
valid 5 add-dry-run add -j --dry-run --next-boot hold 8086:2922
says devices.0.next_boot.state '"held"'
valid 0 add add -j --next-boot --no-image --absent-ok 1234:1 name=later
says rule.id null
says pending true
valid 0 add add -j --next-boot --no-image --absent-ok 1234:1 name=later
says changed false
cat >"$rules/60-more.rules" <<'END'
vfio 10de:1b39 0000:82:00.0 name=gpu0
vfio 144d:a80a name=disks
leave 8086:*
END
valid 4 status status -j
says not_met 2
says module null
valid 0 status-rule status -j gpu0
says devices.0.verdict '"met"'
says devices.0.blocked_by null
members=$sys/kernel/iommu_groups/79/devices
mkdir -p "$members/0000:82:00.1"
ln -s ../../drivers/snd_hda_intel "$members/0000:82:00.1/driver"
valid 4 status-device status -j 82:00.0
says device.blocked_by '"0000:82:00.1 (snd_hda_intel)"'
rm -r "$members"
valid 4 status-rule status -j later
says rule.verdict '"no-device"'
valid 4 status-device status -j 06:00.0
says device.reason '"native-driver"'
valid 0 status-device status -j 03:00.0
says device.state null
valid 0 explain explain -j 82:00.0
says rules.2.fit '"match"'
says winner 2
says with null
device 0000:82:00.2 10de 1adb 0c0330 xhci_hcd 79
sed -i '/^vfio 10de:1b39/s/$/ with=slot/' "$rules/60-more.rules"
valid 0 explain explain -j 82:00.2
says rules.2.fit '"with"'
says winner 2
says with '"0000:82:00.0"'
rm -r "$sys/bus/pci/devices/0000:82:00.2"
sed -i 's/ with=slot$//' "$rules/60-more.rules"
echo "not a rule" >"$rules/70-bad.rules"
valid 4 status status -j
rm "$rules/70-bad.rules"
valid 0 apply-next-boot apply -j --next-boot --no-image
says rules 4
valid 5 del-dry-run del -j --dry-run disks
says devices.0.address '"0000:05:00.0"'
says texts.0 '"vfio 144d:a80a name=disks"'
valid 0 del del -j --no-image later gpu0
says rules '[]'
says texts '["vfio 1234:0001 name=later", "vfio 0000:82:00.0 10de:1b39 name=gpu0"]'
says left '[]'
echo vfio-pci >"$sys/bus/pci/devices/0000:05:00.0/driver_override"
valid 0 del del -j --no-image --all
says changed true
says left '["0000:05:00.0"]'
valid 0 status status -j
says confirm_within null

rm "$rules"/*
valid 1 import import -j
says claims.0.counts true
valid 5 import import -j --dry-run --force
says rules.0.saved false
valid 0 import import -j --yes --no-image --remove-old --force
says changed true
says old.0.removed true
valid 4 status status -j
valid 4 check check -j

finish
