#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Rules by what people call them, on a made-up host without the module: several
# deleted at once or none, what is left on vfio-pci then and how that is given back,
# and the names of rules and of disks that are gone where a device is asked for.
#
# usage: test_del.sh PROGRAM

set -u
if grep -qs '^vfiopolicy ' /proc/modules; then
	echo "KTAP version 1"
	echo "1..0 # SKIP the module is loaded"
	exit 0
fi
# shellcheck source=user/tests/command.sh
. "$(dirname "$0")/command.sh"

# What is missing is named.
run 1 "del of nothing" del
has err "del: RULE is missing; --all deletes every rule of the files"
has err "usage: vfiopolicy del RULE...|--all"
run 1 "del of all and of one" del --all gpu0
has err "'gpu0' is one word too many"
run 1 "sriov of nothing" sriov
has err "sriov: PF is missing"
run 1 "sriov without a number" sriov enp3s0
has err "sriov: N is missing"
run 1 "export without a device" export libvirt
has err "export: DEVICE is missing"
run 1 "release of nothing" release
has err "release: DEVICE is missing"

mkdir -p "$root/proc/self"
: >"$root/proc/self/mountinfo"
device 0000:02:00.0 1b36 0010 010802 vfio-pci 2
device 0000:06:00.0 144d a80a 010802 nvme 3
device 0000:07:00.0 144d a80a 010802 nvme 4
device 0000:82:00.0 10de 1b39 030200 vfio-pci 79
device 0000:82:00.1 10de 10f0 040300 vfiopolicy 79
for address in 0000:02:00.0 0000:82:00.0; do
	echo vfio-pci >"$sys/bus/pci/devices/$address/driver_override"
done
mkdir -p "$sys/bus/pci/drivers/vfio-pci"
: >"$sys/bus/pci/drivers/vfio-pci/unbind"
: >"$sys/bus/pci/drivers_probe"

# Words that are nearly a rule.
run 1 "a misspelt action" add vifo 02:00.0
has err "Did you mean vfio?"
run 1 "an address without its function" add 0000:02:00
has err "An address ends in a function. Did you mean 0000:02:00.0?"
for word in with=slots class=nvm dsn=... "name=disk 1"; do
	run 1 "no device is meant by $word" add 02:00.0 "$word"
	hasnt err "A device may be called by"
done
run 1 "but perhaps by this" add enp99s0
has err "A device may be called by its address"

# The rest is of rule files, which must be root's.
rules=$root/etc/vfiopolicy/rules.d
saved=$rules/50-local.rules
mkdir -p "$rules"
if [ "$(stat -c %u "$rules")" != 0 ]; then
	skip "rule files" "it takes root"
	finish
fi

fill()
{
	cat >"$saved" <<'EOF'
# mine
#: 0000:02:00.0 Some controller, S/N vp2, nvme1, nvme1n1, driver nvme
vfio at=0000:02:00.0 1b36:0010 name=vm-disk
#: 0000:82:00.0 Some GPU, driver nouveau
vfio at=0000:82:00.0 10de:1b39 with=slot name=gpu0
hold 144d:a80a name=disks
EOF
	echo "leave 8086:*" >"$rules/60-mine.rules"
	cp "$saved" "$tmp/saved"
	cp "$rules/60-mine.rules" "$tmp/mine"
}

unchanged()
{
	cmp -s "$saved" "$tmp/saved" && cmp -s "$rules/60-mine.rules" "$tmp/mine"
	result $? "    nothing was changed"
}

fill
run 0 "explain, by the name of a rule" explain vm-disk
has out "it goes to vfio-pci"
run 0 "explain, by its number" explain 1
run 3 "explain of no name" explain vmdisk
has err "or a rule's name"
run 1 "a rule that has two devices" explain disks
has err "has 2 devices; name one of them: hold 144d:a80a name=disks"
has err "  0000:06:00.0  "
has err "  0000:07:00.0  "
run 3 "a rule that has none" explain 4
has err "rule 4 has no device that is present: leave 8086:*"
run 2 "claim takes it, too, as far as it goes" claim gpu0
has err "modprobe vfiopolicy"
run 5 "so does release" release --dry-run vm-disk
has out "0000:02:00.0: vfio-pci -> the host; its override is vfio-pci"
run 0 "export has all that a rule has" export qemu gpu0 vm-disk
has out "-device vfio-pci,host=0000:82:00.0"
has out "-device vfio-pci,host=0000:02:00.0"
hasnt out "0000:82:00.1"
run 3 "export of no name" export qemu vmdisk
has err "or a rule's name"

# What a disk was called before its rule took it.
was="nvme1n1 was the name of 0000:02:00.0 until its rule took it (vfio at=0000:02:00.0 1b36:0010 name=vm-disk): call it by its address."
run 3 "claim of a disk that is gone" claim nvme1n1
has err "$was"
run 1 "adding it again" add nvme1n1
has err "$was"
run 3 "by its file" add /dev/nvme1n1
has err "'/dev/nvme1n1' is not there"
has err "$was"
run 3 "del of it" del nvme1n1
has err "there is no rule nvme1n1"
has err "$was"
run 3 "export of it" export qemu /dev/nvme1n1
has err "$was"
run 3 "a part of the name is not it" claim nvme1n
hasnt err "was the name of"
unchanged

# Several at once, or none.
run 3 "one of two is no rule" del gpu0 vmdisk
has err "there is no rule vmdisk"
has err "Did you mean vm-disk?"
hasnt err "Once a rule has a device"
unchanged
run 3 "a number that no rule has" del 77
has err "there is no rule 77"
hasnt err "Once a rule has a device"
run 3 "a disk file of no rule" del /dev/nvme77n1
has err "by the device's address"
run 1 "one of two is nothing" del gpu0 ""
unchanged
run 3 "two selectors are one rule, which there is not" del at=0000:02:00.0 144d:a80a
has err "there is no rule 'vfio at=0000:02:00.0 144d:a80a'"
unchanged
run 5 "a dry run of two" del --dry-run gpu0 vm-disk
has out "would be deleted: vfio at=0000:82:00.0 10de:1b39 with=slot name=gpu0"
has out "would be deleted: vfio at=0000:02:00.0 1b36:0010 name=vm-disk"
unchanged
run 0 "two by their names, one of them twice" del --no-image gpu0 vm-disk gpu0
has out "deleted from $saved, line 5: vfio at=0000:82:00.0"
has out "deleted from $saved, line 3: vfio at=0000:02:00.0"
printf '# mine\nhold 144d:a80a name=disks\n' | cmp -s - "$saved"
result $? "    they are gone with their comments, and nothing else is"
has err "0000:02:00.0 is still with vfio-pci; to give it back to the host: vfiopolicy release 0000:02:00.0"
has err "0000:82:00.0 is still with vfio-pci"
hasnt err "0000:06:00.0"
fill
run 0 "by name and by device" del --no-image disks 82:00.0
[ "$(grep -c name= "$saved")" = 1 ]
result $? "    one is left"
hasnt err "0000:02:00.0"
fill
run 0 "one rule in several words" del --no-image hold 144d:a80a
[ "$(grep -c name= "$saved")" = 2 ]
result $? "    two are left"

# Which of several that name a device.
wanted="vfio at=0000:02:00.0 1b36:0010 name=vm-disk"
fill
echo "leave 02:00.0" >>"$saved"
run 5 "what was typed, and not what the device was added by" del leave 02:00.0 --dry-run
has out "would be deleted: leave 0000:02:00.0"
hasnt out "would be deleted: vfio"
run 5 "in one word" del "leave 0000:02:00.0" --dry-run
has out "would be deleted: leave 0000:02:00.0"
run 3 "an action that no rule has" del hold 02:00.0 --dry-run
has err "there is no rule 'hold 0000:02:00.0'"
run 5 "the action that is meant" del vfio 02:00.0 --dry-run
has out "would be deleted: $wanted"
run 1 "no action, and two of them" del 02:00.0 --dry-run
has err "02:00.0 is more than one rule: say which, by its number, its name or its whole text"
has err "  leave 0000:02:00.0"
has err "  $wanted"
hasnt err "name=disks"
hasnt err "leave 8086"
echo "vfio 02:00.0 name=again" >>"$saved"
run 1 "an action, and two that have it" del vfio 02:00.0 --dry-run
has err "vfio 02:00.0 is more than one rule"
hasnt err "  leave 0000:02:00.0"
sed -i '$d' "$saved"
run 0 "it alone goes" del --no-image leave 02:00.0
cmp -s "$saved" "$tmp/saved"
result $? "    and the other one stays"
echo "vfio 02:00.0" >>"$saved"
run 5 "no action, and one of them that says just so" del 02:00.0 --dry-run
has out "would be deleted: vfio 0000:02:00.0"
fill
run 5 "no action, and one that names it" del 02:00.0 --dry-run
has out "would be deleted: $wanted"

# Addresses of several, as files have them, and not the places that they are now.
cat >>"$saved" <<'EOF'
leave 82:00.*
vfio 144d:a80a except=06:00.0
vfio vfs-of=02:00.0/0-3 name=vfs
EOF
run 5 "the functions of a slot" del leave "82:00.*" --dry-run
has out "would be deleted: leave 0000:82:00.*"
run 5 "the text that status has" del "vfio 144d:a80a except=0000:06:00.0" --dry-run
has out "would be deleted: vfio 144d:a80a except=0000:06:00.0"
run 5 "VFs of what is below no bridge" del vfs-of=02:00.0/0-3 --dry-run
has out "name=vfs"
run 3 "an option that the rule has not" del hold 144d:a80a name=other --dry-run
run 5 "one that it has" del 82:00.0 with=slot --dry-run
has out "name=gpu0"
fill

# What comes first is told where a rule has no device.
sed -i '1i leave 82:00.*' "$saved"
run 3 "a rule that another one comes before" explain gpu0
has err "has no device, as rules before it have what it names: vfio at=0000:82:00.0 10de:1b39"
has err "  0000:82:00.0: rule 1 comes first: leave 0000:82:00.*"
run 3 "likewise" export qemu gpu0
has err "  0000:82:00.0: rule 1 comes first: leave 0000:82:00.*"
run 4 "and its status" status gpu0
has out "not met: 0000:82:00.0 is left to the host; rule 1 comes first"

fill
run 5 "a dry run of all" del --all --dry-run
has out "would be deleted: leave 8086:*"
has out "would be deleted: hold 144d:a80a name=disks"
unchanged
echo "hold 1:1" >"$root/elsewhere"
ln -sf "$root/elsewhere" "$rules/70-link.rules"
run 2 "one of the files is not to be edited" del --no-image --all
unchanged
rm "$rules/70-link.rules"
mkdir -p "$root/usr/lib/vfiopolicy/rules.d"
echo "hold 1234:1" >"$root/usr/lib/vfiopolicy/rules.d/90-package.rules"
run 0 "all" del --no-image --all
[ "$(cat "$saved" "$rules/60-mine.rules")" = "# mine" ]
result $? "    of all files"
[ -s "$root/usr/lib/vfiopolicy/rules.d/90-package.rules" ]
result $? "    but what a package brought"
run 0 "all of nothing" del --no-image --all
has out "no file of /etc/vfiopolicy/rules.d has a rule"

# What is left is said, and given back.
run 3 "what no rule names any more" status 02:00.0
has err "0000:02:00.0: no rule names it; all the same it is with vfio-pci, as its driver override says"
has err "To give it back to the host: vfiopolicy release 0000:02:00.0"
run 3 "what the host has" status 06:00.0
has err "no rule names it; the host has it with nvme"
hasnt err "vfiopolicy release"
# Here the file takes any address, and the driver stays.
run 4 "it is given back" release 02:00.0
grep -qx 0000:02:00.0 "$sys/bus/pci/drivers/vfio-pci/unbind"
result $? "    from vfio-pci"

# One rule, which has no device.
mv "$root/usr/lib/vfiopolicy/rules.d" "$root/usr/lib/vfiopolicy/away"
mv "$rules" "$rules.away"
mkdir "$rules"
echo "vfio vfs-of=0000:03:00.0/0-3" >"$saved"
run 4 "status of a rule without a device" status
has out "the rule is not met; status RULE says more"
echo "vfio 144d:a80a" >"$saved"
run 4 "and of one with some" status
has out "the rule is not met; status DEVICE says more"
rm -r "$rules"
mv "$rules.away" "$rules"
mv "$root/usr/lib/vfiopolicy/away" "$root/usr/lib/vfiopolicy/rules.d"
run 3 "confirm, when nothing waits" confirm --no-image
has err "nothing waits to be confirmed"
has err "one that changed nothing waits for nothing"

# An apply that is on trial.
mkdir -p "$root/run/vfiopolicy"
: >"$root/run/vfiopolicy/unconfirmed"
run 4 "status when an apply on trial was killed" status
has err "the process that waited was killed"
run 4 "which is told again" status
has err "the process that waited was killed"
echo "$(($(cut -d. -f1 </proc/uptime) + 100))" >"$root/run/vfiopolicy/unconfirmed"
exec 9<"$root/run/vfiopolicy/unconfirmed"
flock 9
run 4 "status while one waits" status
grep -Eq "an apply waits to be confirmed: in (100|9[0-9]) seconds, at [0-9:]{8}, the rules that were in force before are put back; vfiopolicy confirm keeps these" "$tmp/err"
result $? "    until when"
run 4 "as JSON" status -j
grep -Eq '"confirm_within": (100|9[0-9]),' "$tmp/out"
result $? "    likewise"
exec 9<&-

finish
