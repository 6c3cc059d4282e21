#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the commands that only look print of a made-up host: all of it, as a
# person and as a script sees it. Without the module; where that is loaded this
# is left out, since then it would be asked.
#
# usage: test_show.sh PROGRAM

set -u
if grep -qs '^vfiopolicy ' /proc/modules; then
	echo "KTAP version 1"
	echo "1..0 # SKIP the module is loaded"
	exit 0
fi
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"
export LC_ALL=C.UTF-8 VFIOPOLICY_SYSFS="$sys" VFIOPOLICY_ROOT="$root"
unset COLUMNS LS_COLORS

# What is wanted of standard output comes on standard input; blanks at the ends
# of lines do not count, and names, which are the machine's, are "...".
golden() # STATUS DESCRIPTION WORD...
{
	cat >"$tmp/want"
	want=$1
	what=$2
	shift 2
	"$program" "$@" >"$tmp/raw" 2>"$tmp/err"
	got=$?
	sed -e 's/ *$//' -e 's/"name": "[^"]*"/"name": "..."/' "$tmp/raw" \
		>"$tmp/out"
	[ $got -eq "$want" ] && cmp -s "$tmp/out" "$tmp/want"
	result $? "exit $want: $what"
	cmp -s "$tmp/out" "$tmp/want" || sed 's/^/# want: /' "$tmp/want"
}

device 0000:00:00.0 8086 1237 060000 - 0
device 0000:00:1c.0 1b36 000c 060400 pcieport 5
device 0000:00:1f.0 8086 2918 060100 lpc_ich 32
device 0000:00:1f.2 8086 2922 010601 ahci 32
device 0000:05:00.0 144d a80a 010802 vfio-pci 39
device 0000:06:00.0 144d a80a 010802 nvme 40
device 0000:82:00.0 10de 1b39 030200 vfio-pci 79
device 0000:82:00.1 10de 10f0 040300 snd_hda_intel 79
device 0000:90:00.0 10de 1b39 030000 nouveau 80
device 0000:a0:00.0 1af4 1000 020000 virtio-pci -
echo 1 >"$sys/bus/pci/devices/0000:90:00.0/boot_vga"
mkdir -p "$sys/kernel/iommu_groups/39"
echo DMA-FQ >"$sys/kernel/iommu_groups/39/type"

export VFIOPOLICY_PROC="$root/proc"
mkdir -p "$root/proc/self" "$root/proc/4711/fd"
: >"$root/proc/self/mountinfo"
echo qemu-system-x86 >"$root/proc/4711/comm"
printf 'qemu\0-name\0guest=win11,x=y\0' >"$root/proc/4711/cmdline"
ln -s /dev/vfio/79 "$root/proc/4711/fd/20"

golden 0 "all groups but those of bridges" groups -n <<'EOF'
32 can never be given: 0000:00:1f.0 is the host's ISA bridge (lpc_ich)
├─0000:00:1f.0  8086:2918  lpc_ich
└─0000:00:1f.2  8086:2922  ahci
39 viable
└─0000:05:00.0  144d:a80a  vfio-pci
40 with the host (nvme); to give it: vfiopolicy add 0000:06:00.0
└─0000:06:00.0  144d:a80a  nvme
79 blocked by 0000:82:00.1 (snd_hda_intel), in use by qemu 4711, VM win11
├─0000:82:00.0  10de:1b39  vfio-pci
└─0000:82:00.1  10de:10f0  snd_hda_intel
80 can never be given: 0000:90:00.0 is the boot display (nouveau)
└─0000:90:00.0  10de:1b39  nouveau
no group: the IOMMU does not cover these, so no guest can be given them
└─0000:a0:00.0  1af4:1000  virtio-pci
EOF
golden 0 "those of bridges, too, by number" groups -n 0 5 <<'EOF'
0 viable
└─0000:00:00.0  8086:1237  -
5 viable
└─0000:00:1c.0  1b36:000c  pcieport
EOF
golden 0 "one, by a device in it" groups -n 82:00.1 <<'EOF'
79 blocked by 0000:82:00.1 (snd_hda_intel), in use by qemu 4711, VM win11
├─0000:82:00.0  10de:1b39  vfio-pci
└─0000:82:00.1  10de:10f0  snd_hda_intel
EOF
golden 3 "a device without one" groups a0:00.0 </dev/null
has err "0000:a0:00.0 has no IOMMU group"
has err "the IOMMU is on, but does not cover this device"
golden 3 "a number that is none" groups 39 7 </dev/null
has err "there is no IOMMU group 7"
golden 0 "a group as JSON" groups -j 39 <<'EOF'
{
  "version": 1,
  "module": false,
  "groups": [
    {
      "group": 39,
      "viability": "viable",
      "text": "viable",
      "user": null,
      "domain": "dma",
      "isolated_msi": null,
      "members": [
        {
          "address": "0000:05:00.0",
          "vendor": "144d",
          "device": "a80a",
          "subsystem_vendor": "0000",
          "subsystem_device": "0000",
          "class": "010802",
          "name": "...",
          "driver": "vfio-pci",
          "blocks": false,
          "never": null
        }
      ]
    }
  ],
  "without_group": [
  ]
}
EOF

golden 0 "all devices" list -n -a <<'EOF'
ADDRESS       ID         DRIVER         GROUP  STATE  RULE  DEVICE
0000:00:1f.2  8086:2922  ahci              32  -      -     8086:2922
0000:05:00.0  144d:a80a  vfio-pci          39  -      -     144d:a80a
0000:06:00.0  144d:a80a  nvme              40  -      -     144d:a80a
0000:82:00.0  10de:1b39  vfio-pci          79  -      -     10de:1b39
0000:82:00.1  10de:10f0  snd_hda_intel     79  -      -     10de:10f0
0000:90:00.0  10de:1b39  nouveau           80  -      -     10de:1b39
0000:a0:00.0  1af4:1000  virtio-pci         -  -      -     1af4:1000
EOF
has err "the module is not loaded"
golden 0 "columns of one's own, in one's own order" \
	list -a --no-legend -o group,CLASS,Address <<'EOF'
   32  010601  0000:00:1f.2
   39  010802  0000:05:00.0
   40  010802  0000:06:00.0
   79  030200  0000:82:00.0
   79  040300  0000:82:00.1
   80  030000  0000:90:00.0
    -  020000  0000:a0:00.0
EOF
golden 1 "a column that is none" list -a -o ADDRESS,COLOR </dev/null
has err "'COLOR' is no column: expected one or more of ADDRESS, ID, DRIVER,"
golden 1 "a column twice" list -a -o ID,id </dev/null
golden 1 "no column" list -a -o "" </dev/null

# VFs: what is refused before anything is changed, and what would be done.
device 0000:03:00.0 8086 10c9 020000 igb 20
device 0000:03:10.0 8086 10ca 020000 igbvf 21
device 0000:03:10.2 8086 10ca 020000 igbvf 22
device 0000:04:00.0 8086 10c9 020000 - 23
pf=$sys/bus/pci/devices/0000:03:00.0
for i in 0 2; do
	ln -s "../0000:03:10.$i" "$pf/virtfn$((i / 2))"
	ln -s ../0000:03:00.0 "$sys/bus/pci/devices/0000:03:10.$i/physfn"
done
echo 7 >"$pf/sriov_totalvfs"
echo 2 >"$pf/sriov_numvfs"
echo 1 >"$pf/sriov_drivers_autoprobe"
cp "$pf"/sriov_totalvfs "$sys/bus/pci/devices/0000:04:00.0"
echo 0 >"$sys/bus/pci/devices/0000:04:00.0/sriov_numvfs"
mkdir -p "$sys/class/net" "$sys/devices/0000:03:10.2/eth5"
ln -s ../../devices/0000:03:10.2/eth5 "$sys/class/net/eth5"
echo 0x1003 >"$sys/devices/0000:03:10.2/eth5/flags"
golden 1 "more VFs than there can be" sriov -n 03:00.0 8 </dev/null
has err "0000:03:00.0 (8086:10c9) can have 7 VFs at the most, not 8"
golden 1 "a number that is none" sriov 03:00.0 x </dev/null
has err "'x' is no number of VFs"
golden 1 "VFs of a VF" sriov -n 03:10.0 1 </dev/null
has err "0000:03:10.0 (8086:10ca) is itself a VF: of 0000:03:00.0"
golden 1 "VFs of what can have none" sriov 05:00.0 1 </dev/null
has err "has no SR-IOV"
golden 4 "VFs of what has no driver" sriov 04:00.0 1 </dev/null
has err "has no driver, and that is what makes VFs"
golden 2 "VFs that somebody has" sriov -n 03:00.0 3 </dev/null
has err "  VF 1  0000:03:10.2  is the host's interface eth5, which is up"
has err "Nothing was changed."
golden 5 "taken away all the same" sriov -n --force --dry-run 03:00.0 3 <<'EOF'
0000:03:00.0  8086:10c9: 2 VFs -> 0 -> 3
Nothing was changed: this was a dry run.
EOF
has err "--force: 0000:03:10.2 is the host's interface eth5"
echo 0x1002 >"$sys/devices/0000:03:10.2/eth5/flags"
golden 5 "none in use" sriov -n --dry-run 03:00.0 0 <<'EOF'
0000:03:00.0  8086:10c9: 2 VFs -> 0
Nothing was changed: this was a dry run.
EOF
golden 0 "as many as there are" sriov -n 03:00.0 2 <<'EOF'
VF 0  0000:03:10.0  with the host (igbvf): no rule names it
VF 1  0000:03:10.2  with the host (igbvf): no rule names it
0000:03:00.0  8086:10c9: 2 of 7 VFs
EOF
[ "$(cat "$pf/sriov_numvfs")" = 2 ]
result $? "    nothing was written"
mv "$root/proc/self/mountinfo" "$root/proc/self/away"
golden 2 "VFs of which nothing can be told" sriov -n 03:00.0 3 </dev/null
has err "whether VFs of 0000:03:00.0 (8086:10c9) are in use cannot be told"
has err "Nothing was changed."
golden 5 "with --force" sriov -n --force --dry-run 03:00.0 0 <<'EOF'
0000:03:00.0  8086:10c9: 2 VFs -> 0
Nothing was changed: this was a dry run.
EOF
mv "$root/proc/self/away" "$root/proc/self/mountinfo"
# Here the file takes any number, and no VFs go or come.
golden 0 "none of them" sriov -n 03:00.0 0 <<'EOF'
0000:03:00.0  8086:10c9: its 2 VFs are gone
VF 0  0000:03:10.0  with the host (igbvf): no rule names it
VF 1  0000:03:10.2  with the host (igbvf): no rule names it
0000:03:00.0  8086:10c9: 0 of 7 VFs
EOF

# Status by the rule files, which must be root's.
rules=$root/etc/vfiopolicy/rules.d
mkdir -p "$rules"
if [ "$(stat -c %u "$rules")" = 0 ]; then
	golden 0 "no rules" status <<'EOF'
there are no rules
EOF
	has err "To load it: modprobe vfiopolicy"
	cat >"$rules/50-local.rules" <<'EOF'
vfio 10de:1b39 0000:82:00.0 name=gpu0
vfio 144d:a80a name=disks
leave 8086:*
vfio 1234:5678
EOF
	golden 4 "status" status -n <<'EOF'
RULE     WANTS                   STATE        WHY
3        leave 8086:*            met          5 left to the host
1 gpu0   0000:82:00.0 10de:1b39  met          0000:82:00.0 isolated
2 disks  144d:a80a               not met      0000:06:00.0 native: nvme has it; 1 of 2 met
4        1234:5678               not present  no device that is present is named by it
2 of 4 rules are not met; status RULE says more
EOF
	golden 4 "status, and more of it" status -nv <<'EOF'
RULE     ORIGIN  WANTS                   STATE        WHY
3        file    leave 8086:*            met          5 left to the host
1 gpu0   file    0000:82:00.0 10de:1b39  met          0000:82:00.0 isolated
2 disks  file    144d:a80a               not met      0000:06:00.0 native: nvme has it; 1 of 2 met
4        file    1234:5678               not present  no device that is present is named by it

DEVICE        RULE  STATE     WHY
0000:05:00.0     2  met       isolated
0000:06:00.0     2  not met   native: nvme has it
0000:82:00.0     1  met       isolated
2 of 4 rules are not met; status RULE says more
EOF
	golden 4 "its last line" status --summary <<'EOF'
2 of 4 rules are not met; status RULE says more
EOF
	golden 0 "of a rule by its name" status -n gpu0 <<'EOF'
rule 1, from a rule file: vfio 0000:82:00.0 10de:1b39 name=gpu0
  met
  0000:82:00.0 isolated
EOF
	golden 4 "of a rule by its number" status -n 2 <<'EOF'
rule 2, from a rule file: vfio 144d:a80a name=disks
  not met: 0000:06:00.0 native: nvme has it; 1 of 2 met
  0000:05:00.0 isolated
  0000:06:00.0 native: nvme has it
EOF
	golden 0 "of a device that a rule leaves alone" status -n 03:00.0 <<'EOF'
0000:03:00.0  8086:10c9
  id      8086:10c9, subsystem 0000:0000, class 020000
  rule    3, from a rule file: leave 8086:*
  state   left to the host
  driver  igb
  group   20
EOF
	golden 4 "of a device" status -n 06:00.0 <<'EOF'
0000:06:00.0  144d:a80a
  id      144d:a80a, subsystem 0000:0000, class 010802
  rule    2, from a rule file: vfio 144d:a80a name=disks
  state   native: nvme has it
  driver  nvme
  group   40
  wanted  vfio-pci
it stays with nvme for now
EOF
	golden 3 "of one that no rule names" status -n a0:00.0 </dev/null
	has err "0000:a0:00.0: no rule names it; the host has it with virtio-pci"
	golden 3 "of a rule that is none" status 99 </dev/null
	has err "there is no rule 99"
	golden 3 "of nothing" status gpu1 </dev/null
	cat >"$rules/60-wishes.rules" <<'EOF'
vfio 0000:05:00.0 144d:a80a owner=nosuchuser
leave 0000:03:00.0 vfs=4
leave 0000:04:00.0 vfs=8
EOF
	mv "$rules/50-local.rules" "$tmp/"
	echo 0 >"$pf/sriov_numvfs"
	golden 4 "what rules ask for and is not so" status -n <<'EOF'
RULE  WANTS                                    STATE     WHY
2     leave 0000:03:00.0 vfs=4                 not met   1 left to the host; 0000:03:00.0 has 0 VFs, not 4: vfiopolicy sriov 0000:03:00.0 4
3     leave 0000:04:00.0 vfs=8                 not met   1 left to the host; vfs=8: 0000:04:00.0 can have 7 VFs at the most
1     0000:05:00.0 144d:a80a owner=nosuchuser  not met   0000:05:00.0 isolated; owner=nosuchuser: there is no user nosuchuser
3 of 3 rules are not met; status RULE says more
EOF
	golden 4 "one of them" status -n 1 <<'EOF'
rule 1, from a rule file: vfio 0000:05:00.0 144d:a80a owner=nosuchuser
  not met: 0000:05:00.0 isolated; owner=nosuchuser: there is no user nosuchuser
  0000:05:00.0 isolated
EOF
	printf 'vfio 0000:05:00.0 144d:a80a owner=root\nleave 0000:03:00.0 vfs=4\n' \
		>"$rules/60-wishes.rules"
	echo 4 >"$pf/sriov_numvfs"
	golden 0 "and when it is" status -nq </dev/null
	rm "$rules/60-wishes.rules"
	mv "$tmp/50-local.rules" "$rules/"
	golden 4 "as JSON" status -j 4 <<'EOF'
{
  "version": 1,
  "verdict": "no-device",
  "rule": {
    "id": 4,
    "origin": "file",
    "text": "vfio 1234:5678",
    "name": null,
    "verdict": "no-device",
    "why": "no device that is present is named by it",
    "devices": [
    ]
  },
  "devices": [
  ]
}
EOF
fi

# On a terminal no line is longer than that is wide, and has its address.
fits() # COLUMNS DESCRIPTION WORD...
{
	columns=$1
	what=$2
	shift 2
	: >"$tmp/want"
	TERM=dumb script -qec "stty cols $columns; '$program' $*" /dev/null \
		</dev/null >"$tmp/raw" 2>"$tmp/err"
	tr -d '\r' <"$tmp/raw" | sed 's/ *$//' >"$tmp/out"
	[ "$(wc -L <"$tmp/out")" -le "$columns" ] &&
		grep -qF 0000:82:00. "$tmp/out"
	result $? "$columns columns: $what"
}

for columns in 76 80; do
	fits "$columns" "groups" groups 79
	fits "$columns" "list" list -aq
	fits "$columns" "status" status -v 2\> /dev/null
done

fits 60 "status, folded" status -v 2\> /dev/null
[ "$(grep -cF 10de:1b39 "$tmp/out")" = 1 ]
result $? "    between words"

finish
