#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The whole command on a made-up sysfs: exit status, and which words go to
# which stream. Whatever gets as far as the module ends at its absence, so
# this skips those where it is loaded.
#
# usage: test_command.sh PROGRAM

set -u
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"

# A host that does nothing.
mkdir -p "$root/proc/self" "$root/proc/net" "$root/dev"
echo "21 1 0:5 / /proc rw - proc none rw" >"$root/proc/self/mountinfo"

device 0000:00:1c.0 1b36 000c 060400 pcieport
device 0000:05:00.0 144d a80a 010802 nvme
device 0000:06:00.0 144d a80a 010802
device 0000:82:00.0 10de 1b39 030200

echo vfio-pci >"$sys/bus/pci/devices/0000:82:00.0/driver_override"
: >"$sys/bus/pci/drivers_probe"

run 0 "help" --help
has out "usage: vfiopolicy COMMAND"
run 0 "help for a command" add --help
has out "--absent-ok"
# What is said of an example is not to be taken for a part of it.
for command in add del claim release apply confirm groups sriov; do
	run 0 "examples" $command --help
	sed -n '/^Examples:/,$s/^  vfiopolicy //p' "$tmp/out" >"$tmp/examples"
	[ -s "$tmp/examples" ] && ! grep -vq '[^ ]   *[^ ]' "$tmp/examples"
	result $? "    what is said of each of $command stands apart"
done
for command in del apply confirm import; do
	run 0 "usage" $command --help
	grep -q '^usage: .*\[--no-image\]' "$tmp/out"
	result $? "    of $command has --no-image"
done
run 0 "version" --version
has out "vfiopolicy "
run 1 "no command"
silent out
run 1 "misspelt command" lsit
has err "did you mean list?"
run 1 "misspelt option" list --jsno
has err "--jsno: no such option; did you mean --json?"
run 1 "an option cut short" list --no-leg
has err "did you mean --no-legend?"
run 1 "one that could be several" list --a
has err "--a: no such option"
! grep -q "did you mean" "$tmp/err"
result $? "    no guess"
run 1 "misspelt option with a value" add --wiat=3 10de:1b39
has err "did you mean --wait?"
run 1 "not a rule" add 10de:1b3x
has err "expected a blank or the end of the rule"
has err "          ^"
silent out
run 1 "not a rule, as JSON" add -j 10de:1b3x
silent out
run 3 "no such device" add 1234:5678
has err "--absent-ok"
run 3 "nothing at that address" add 0000:05:00.0 10de:1b39
run 1 "two devices" add 144d:a80a
has err "144d:a80a is two devices here; name one, or say --all:"
has err "  vfiopolicy add at=0000:05:00.0 144d:a80a    # 0000:05:00.0 "
has err "  vfiopolicy add at=0000:06:00.0 144d:a80a    # 0000:06:00.0 "
has err "driver nvme"
run 1 "two devices, to be held" add hold 144d:a80a
has err "  vfiopolicy add hold at=0000:06:00.0 144d:a80a"
run 3 "an address to add, without its function" add 82:00
has err "Did you mean 0000:82:00.0?"
run 3 "an id is no device" claim 10de:1b39
has err "what has it here is 0000:82:00.0"
run 3 "an address without its function" release 82:00
has err "Did you mean 0000:82:00.0?"
run 1 "a bridge" add 0000:00:1c.0
has err "is a bridge"
run 1 "not an option of this command" status --all
run 1 "a word that is nearly one" add 10de:1b39 drivr=x
has err "Did you mean driver=?"
run 1 "now only and later only" add --runtime --next-boot 10de:1b39

# Rule files, which need no module. They must be root's.
rules=$root/etc/vfiopolicy/rules.d
saved=$rules/50-local.rules
mkdir -p "$rules"
if [ "$(stat -c %u "$rules")" != 0 ]; then
	echo "# not root: rule files are left out"
else
	run 0 "saved for later" add --next-boot name=tesla 10de:1b39
	has out "$saved"
	grep -qx "vfio 10de:1b39 name=tesla" "$saved"
	result $? "    the file has it"
	grep -q "^#: .*0000:82:00.0" "$saved"
	result $? "    and says above it what it was"
	run 0 "saved again" add --next-boot 10de:1b39 name=tesla
	has out "it stands in"
	[ "$(grep -c 1b39 "$saved")" = 1 ]
	result $? "    once"
	run 1 "at odds with what is saved" add --next-boot hold 10de:1b39
	has err "50-local.rules, line"
	run 1 "a name that is taken" add --next-boot --absent-ok 1:2 name=tesla
	has err "the same name"
	run 1 "nothing to delete" del ""
	run 3 "no such disk" del /dev/nvme77n1
	run 1 "no such interface" add enp99s0
	has err "network interface"
	run 0 "a device by its address" add --next-boot hold 06:00.0
	grep -qx "hold at=0000:06:00.0 144d:a80a" "$saved"
	result $? "    place and ids are stored"
	printf '# mine\nvfio 144d:a80b \\\n  clas=3d\n' >"$rules/60-bad.rules"
	run 1 "apply with a bad rule" apply
	has err "60-bad.rules"
	has err "class="
	rm "$rules/60-bad.rules"
	chmod o+w "$saved"
	run 1 "apply of what anybody may write" apply
	has err "chmod"
	run 2 "nothing is added to it either" add --next-boot 1:2 --absent-ok
	has err "chmod"
	chmod o-w "$saved"
fi

# Groups, by what sysfs has of them.
device 0000:01:00.0 10de 1c03 030000 nouveau 1
device 0000:01:00.1 10de 10f1 040300 snd_hda_intel 1
device 0000:00:1f.0 8086 a305 060100 lpc_ich 32
device 0000:00:1f.2 8086 a352 010601 ahci 32
run 1 "a group that stays blocked" add --next-boot 10de:1c03
has err "IOMMU group 1 would not be viable: 0000:01:00.1 ("
has err ") stays with snd_hda_intel"
has err "  vfiopolicy add 10de:1c03 with=slot    # hold the other functions"
has err "Nothing was changed."
run 1 "without the module as well" add 10de:1c03
has err "IOMMU group 1 would not be viable"
run 1 "a group that can never be given" add --next-boot 8086:a352
has err "IOMMU group 32 of 0000:00:1f.2 can never be given to a guest: 0000:00:1f.0"
has err "stays with lpc_ich"
run 5 "holding needs no group" add --dry-run --next-boot hold 8086:a352
run 5 "with=slot would do" add --dry-run --next-boot 10de:1c03 with=slot
has out "0000:01:00.0  "
has out "nouveau; after the next boot: vfio-pci"
has out "0000:01:00.1  "
has out "after the next boot: held with another"
has out "would be added and saved: vfio 10de:1c03 with=slot"
has out "Nothing was changed: this was a dry run."
run 5 "--force adds it all the same" add --dry-run --next-boot --force 10de:1c03
has err "overridden by --force"
has out "  blocked: IOMMU group 1, by 0000:01:00.1"

# What the host uses. The disk is behind the first of two.
at=$sys/devices/0000:05:00.0/nvme/nvme0/nvme0n1
mkdir -p "$at/holders" "$sys/class/block"
echo 259:0 >"$at/dev"
ln -s "../../devices/0000:05:00.0/nvme/nvme0/nvme0n1" \
	"$sys/class/block/nvme0n1"
echo "25 1 259:0 / / rw - ext4 /dev/nvme0n1 rw" >>"$root/proc/self/mountinfo"
run 1 "the disk that root is on" add --next-boot 0000:05:00.0
has err "0000:05:00.0 is in use by this host: / is on it (ext4 on /dev/nvme0n1)"
has err "Nothing was changed. --force would"
silent out
run 1 "without the module as well" add 0000:05:00.0
has err "--force would take it away from a running system."
device 0000:07:00.0 144d a80a 010802
run 1 "as one of three" add --all --next-boot 144d:a80a
has err "0000:05:00.0 is in use by this host"
has err "  vfiopolicy add --all 144d:a80a except=at=0000:05:00.0    # the others"
run 1 "each of them says whether" add 144d:a80a
has err ", in use: / is on it (ext4 on /dev/nvme0n1)"
has err ", not in use"
run 5 "leaving it takes nothing" add --dry-run --next-boot leave 0000:05:00.0
run 5 "--force says what it overrides" add --dry-run --next-boot --force 0000:05:00.0
has err "0000:05:00.0: / is on it (ext4 on /dev/nvme0n1); overridden by --force"
has out "would be added and saved: vfio at=0000:05:00.0 144d:a80a allow=storage"
has out "  used: / is on it"
run 5 "allow= does so too" add --dry-run --next-boot 0000:05:00.0 allow=storage
has err "overridden by allow="
run 1 "but not for something else" add --dry-run --next-boot 0000:05:00.0 allow=network
run 5 "as JSON" add -j --dry-run --next-boot --force 0000:05:00.0
has out '"dry_run": true'
has out '"changed": true'
has out '"kind": "mount"'
run 5 "what would be kept for the host" add --dry-run --next-boot --all 144d:a80a except=05:00.0
has out "0000:05:00.0 would be kept for the host by a rule of its own, as / is on it (ext4 on /dev/nvme0n1): leave at=0000:05:00.0 144d:a80a"
mv "$root/proc/self/mountinfo" "$tmp/mountinfo"
run 2 "what is mounted cannot be read" add --next-boot 0000:05:00.0
has err "whether it is in use cannot be told"
mv "$tmp/mountinfo" "$root/proc/self/mountinfo"

# A GPU that is open now is free at the next boot.
opened() # ADDRESS NODE NUMBER: by Xorg
{
	at=devices/$1/${2##*/}
	mkdir -p "$root/proc/900/fd" "$sys/dev/char" "$sys/$at"
	echo "DEVNAME=$2" >"$sys/$at/uevent"
	ln -s "../../$at" "$sys/dev/char/$3"
	echo Xorg >"$root/proc/900/comm"
	ln -sf "/dev/$2" "$root/proc/900/fd/5"
}

opened 0000:82:00.0 dri/card0 226:0
run 1 "a GPU that a process has open" add 82:00.0
has err "0000:82:00.0 is in use by this host: Xorg 900 has /dev/dri/card0 open"
has err "--next-boot takes it when the host starts the next time"
run 5 "is free at the next boot" add --dry-run --next-boot 82:00.0
has out "  it has no IOMMU group, so no driver may give it to a guest"
has out "  the IOMMU is on, but does not cover this device"
opened 0000:01:00.1 snd/controlC1 116:0
run 1 "what with= would hold is in use" add 10de:1c03 with=slot
has err "0000:01:00.1 is in use by this host: Xorg 900 has /dev/snd/controlC1 open"
opened 0000:01:00.0 dri/card1 226:1
run 1 "what has companions is in use" add 10de:1c03 with=slot
has err "0000:01:00.0 is in use by this host: Xorg 900 has /dev/dri/card1 open"
hasnt err "# the others"

if [ ! -e "$saved" ]; then
	echo "# not root: saving is left out"
else
	cp "$saved" "$tmp/before"
	run 0 "a rule, and one that keeps a device" add --next-boot --all 144d:a80a except=05:00.0
	has out "0000:05:00.0 is kept for the host, as / is on it"
	[ "$(grep -n "^leave at=0000:05:00.0 144d:a80a$" "$saved" | cut -d: -f1)" -lt \
	  "$(grep -n "^vfio 144d:a80a except=at=0000:05:00.0$" "$saved" | cut -d: -f1)" ]
	result $? "    it stands before the rule"
	grep -q "^#: 0000:05:00.0 .*; kept for the host: / is on it" "$saved"
	result $? "    with the reason"
	run 0 "a dry run of what is there" add --dry-run --next-boot --all 144d:a80a except=05:00.0
	has out "it is there already"
	run 0 "saved by force" add --next-boot --force 144d:a80a:1:2 --absent-ok
	cp "$tmp/before" "$saved"
	run 0 "allow= is saved" add --next-boot --force 0000:05:00.0
	grep -qx "vfio at=0000:05:00.0 144d:a80a allow=storage" "$saved"
	result $? "    allow=storage"
	run 0 "and need not be said again" add --next-boot 0000:05:00.0
	silent err
	has out "it stands in"
	cp "$tmp/before" "$saved"
	cp "$saved" "$tmp/copy"
	run 5 "a dry run writes nothing" add --dry-run --next-boot 9999:1 --absent-ok
	cmp -s "$saved" "$tmp/copy"
	result $? "    the file is as it was"
fi

# The host is idle again.
rm -r "$sys/class" "${sys:?}/dev" "$root/proc/900" "$sys/bus/pci/devices/0000:07:00.0"

run 0 "snapshot" snapshot
cp "$tmp/out" "$tmp/host.json"
has out '"vfiopolicy-snapshot"'
run 0 "explain on a snapshot" explain 82:00.0 --on "$tmp/host.json"
run 5 "add on a snapshot" add 82:00.0 --dry-run --on "$tmp/host.json"
has err "a snapshot does not say what its host uses"
has out "0000:82:00.0  "
run 1 "which is for rehearsing" add 82:00.0 --on "$tmp/host.json"
has err "--dry-run"
run 3 "explain what is not there" explain 99:00.0 --on "$tmp/host.json"
run 1 "explain on what is no snapshot" explain 82:00.0 --on "$program"

if grep -qs vfiopolicy /proc/modules; then
	echo "# the module is loaded: the rest is left out"
else
	for words in "claim 82:00.0" "add 10de:1b39" "add 82:00.0" "add hold 0000:06:00.0" \
		     "add --all 144d:a80a" "add --absent-ok 1234:5678" \
		     "list" "apply" "monitor" "list -j"; do
		# shellcheck disable=SC2086
		run 2 "no module: $words" $words
		has err "modprobe vfiopolicy"
		silent out
	done
	if [ -e "$saved" ]; then
		run 0 "explain goes by the files" explain 82:00.0
		has out "tesla"
		has out "vfio 10de:1b39 name=tesla"
		has out "it is held, and no vfio driver gets it, as it has no IOMMU group"
		has out "the IOMMU is on, but does not cover this device"
		ln -s ../../../../kernel/iommu_groups/82 \
			"$sys/bus/pci/devices/0000:82:00.0/iommu_group"
		run 0 "explain says of which device" explain -n 82:00.0
		has out "0000:82:00.0  10de:1b39"
		has out "it goes to vfio-pci"
		hasnt out "IOMMU"
		cp "$sys/bus/pci/devices/0000:82:00.0/driver_override" "$tmp/override"
		echo nouveau >"$sys/bus/pci/devices/0000:82:00.0/driver_override"
		run 0 "explain what somebody else wants" explain 82:00.0
		has out "somebody else has set the driver override to nouveau"
		echo vfio-pci >"$sys/bus/pci/devices/0000:82:00.0/driver_override"
		run 0 "explain what is as it would be" explain 82:00.0
		has out "it goes to vfio-pci"
		rm "$sys/bus/pci/devices/0000:82:00.0/iommu_group"
		cp "$tmp/override" "$sys/bus/pci/devices/0000:82:00.0/driver_override"
		echo 1 >"$sys/bus/pci/devices/0000:82:00.0/boot_vga"
		run 0 "explain the boot display" explain 82:00.0
		has out "the boot display is never claimed"
		rm "$sys/bus/pci/devices/0000:82:00.0/boot_vga"
		run 0 "explain as JSON" explain -j 06:00.0
		has out '"fit": "match"'
		device 0000:82:00.1 10de 10f0 040300 snd_hda_intel
		run 0 "explain what is beside it" explain 82:00.1
		has out "no rule matches: the host keeps it (snd_hda_intel)"
		sed -i '/name=tesla/s/$/ with=slot/' "$saved"
		run 0 "explain what with= holds" explain 82:00.1
		has out "no: device 10de:10f0; but yes, with 0000:82:00.0, which it names"
		has out "held with 0000:82:00.0 by rule 1 (vfio 10de:1b39 with=slot name=tesla)"
		hasnt out "no rule matches"
		rm -r "$sys/bus/pci/devices/0000:82:00.1"
		sed -i 's/ with=slot$//' "$saved"
		run 5 "what deleting would do" del --dry-run tesla
		has out "0000:82:00.0"
		has out "no driver; after the next boot: left to the host"
		has out "would be deleted: vfio 10de:1b39 name=tesla"
		grep -q 1b39 "$saved"
		result $? "    it is still there"
		run 5 "as JSON" del -j --dry-run tesla
		has out '"dry_run": true'
		run 3 "of what is not there" del --dry-run nothing
		run 2 "apply needs the module" apply --dry-run
		has err "modprobe vfiopolicy"
		run 0 "deleted by name, from the files" del tesla
		has out "deleted from $saved"
		! grep -q 1b39 "$saved"
		result $? "    it is gone, and what stood above it"
		run 0 "deleted by the device" del hold 0000:06:00.0
		run 2 "nothing is left to delete" del 1
		has err "modprobe vfiopolicy"
	fi
	run 0 "release needs no module" release 05:00.0
	has out "with the host already (nvme)"
	run 5 "what it would do" release --dry-run 82:00.0
	has out "no driver -> the host; its override is vfio-pci"
	run 0 "a release when no rule is saved" release 82:00.0
	hasnt out "when the module is loaded"
	echo vfio-pci >"$sys/bus/pci/devices/0000:82:00.0/driver_override"
	if [ "$(stat -c %u "$tmp")" = 0 ]; then
		echo "vfio 10de:1b39" >"$saved"
		run 0 "a release when one is" release 82:00.0
		has out "a rule that is saved claims it again when the module is loaded: vfio 10de:1b39"
		echo "leave 10de:1b39" >"$saved"
		echo vfio-pci >"$sys/bus/pci/devices/0000:82:00.0/driver_override"
		run 0 "or one that leaves it" release 82:00.0
		hasnt out "when the module is loaded"
		rm "$saved"
		echo vfio-pci >"$sys/bus/pci/devices/0000:82:00.0/driver_override"
	fi
	run 0 "a release" release -j 82:00.0
	has out '"changed": true'
	grep -qx 0000:82:00.0 "$sys/bus/pci/drivers_probe"
	result $? "    the bus looks again"
	run 0 "list -a needs no module" list -a
	has out "0000:06:00.0  144d:a80a  -"
	has err "the module is not loaded"
	grep -q 0000:00:1c.0 "$tmp/out"
	[ $? -eq 1 ]
	result $? "    bridges are left out"
	run 0 "nor does it as JSON" list -a -j
	has out '"version": 1'
	has out '"device": "1b39"'
	run 0 "and without a heading" list --all --no-legend -n
	grep -q ADDRESS "$tmp/out"
	[ $? -eq 1 ]
	result $? "    no heading"
fi

VFIOPOLICY_SYSFS=/nonexistent "$program" add 10de:1b39 >"$tmp/out" 2>"$tmp/err"
[ $? -eq 2 ]
result $? "exit 2: no sysfs"
has err "/nonexistent/bus/pci/devices"

if [ -w /dev/full ]; then
	"$program" --help >/dev/full 2>"$tmp/err"
	[ $? -eq 2 ]
	result $? "exit 2: no room for the output"
fi

finish
