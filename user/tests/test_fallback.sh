#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the fallback of the boot image writes, on a made-up host, by each shell that
# is here: an image has whatever shell its distribution puts there.
#
# usage: test_fallback.sh [PROGRAM], which is not asked

set -u
# shellcheck source=user/tests/shells.sh
. "$(dirname "$0")/shells.sh"
fallback=$share/fallback
export VFIOPOLICY_ROOT="$tmp/root"
pci=$tmp/root/sys/bus/pci

device() # PATH-BELOW-THE-ROOT-BUS IDS CLASS
{
	dir=$tmp/root/sys/devices/pci0000:00/$1
	mkdir -p "$dir"
	echo "0x${2%%:*}" > "$dir/vendor"
	rest=${2#*:}
	echo "0x${rest%%:*}" > "$dir/device"
	echo 0x1af4 > "$dir/subsystem_vendor"
	echo 0x1100 > "$dir/subsystem_device"
	echo "0x$3" > "$dir/class"
	echo '(null)' > "$dir/driver_override"
	ln -s "$dir" "$pci/devices/${1##*/}"
}

make_host()
{
	mkdir -p "$pci/devices" "$tmp/root/proc" "$tmp/root/sys/class/dmi/id" "$tmp/root/sbin"
	echo "root=/dev/sda quiet" > "$tmp/root/proc/cmdline"
	echo 4f1d2c3b-0a9b-4c8d-9e7f-1a2b3c4d5e6f > "$tmp/root/sys/class/dmi/id/product_uuid"
	: > "$pci/drivers_probe"
	device 0000:00:00.0 8086:29c0 060000
	device 0000:00:02.0 1234:1111 030000
	echo 1 > "$pci/devices/0000:00:02.0/boot_vga"
	device 0000:00:11.0 1b36:000c 060400
	device 0000:00:11.0/0000:01:00.0 1b36:0010 010802
	device 0000:00:12.0 1b36:000c 060400
	device 0000:00:12.0/0000:02:00.0 1b36:0010 010802
	device 0000:00:13.0 1b36:000c 060400
	device 0000:00:13.0/0000:03:00.0 10de:1c03 030000
	device 0000:00:13.0/0000:03:00.1 10de:10f1 040300
	device 0000:00:14.0 1b36:000c 060400
	device 0000:00:14.0/0000:04:00.0 8086:10c9 020000
	device 0000:00:15.0 1b36:000c 060400
	device 0000:00:15.0/0000:05:00.0 1b36:000e 060400
	device 0000:00:15.0/0000:05:00.0/0000:06:02.0 8086:100e 020000
	group=$tmp/root/sys/group
	mkdir -p "$group/devices"
	ln -s "$pci/devices/0000:02:00.0" "$pci/devices/0000:04:00.0" \
		"$pci/devices/0000:00:12.0" "$group/devices/"
	ln -s "$group" "$pci/devices/0000:04:00.0/iommu_group"
	# shellcheck disable=SC2016 # for that one to expand
	printf '#!/bin/sh\necho "$MODPROBE_OPTIONS$*" >> "%s/modprobe"\n' "$tmp" \
		> "$tmp/root/sbin/modprobe"
	chmod +x "$tmp/root/sbin/modprobe"
	cp -a "$tmp/root" "$tmp/made"
}

host()
{
	rm -rf "$tmp/root" "$tmp/modprobe"
	cp -a "$tmp/made" "$tmp/root"
}

run() # RULES
{
	printf '# policy 00\noptions vfiopolicy rules="%s"\nsoftdep nvme pre: vfiopolicy\n' \
		"$1" > "$tmp/conf"
	# shellcheck disable=SC2086 # perhaps with an argument
	MODPROBE_OPTIONS=-qb $shell "$fallback" "$tmp/conf" > "$tmp/said" 2>&1
	status=$?
}

# What has an override, in order: the last letters of its address and which one.
overrides()
{
	for dev in "$pci/devices"/*; do
		read -r now < "$dev/driver_override"
		[ "$now" = '(null)' ] || printf '%s=%s ' "${dev##*/0000:}" "$now"
	done
}

# driver ADDRESS NAME: a driver of the host has it, with a folder for this device
# alone, as a file keeps what was written last
driver()
{
	mkdir -p "$tmp/root/sys/drivers/$1/$2"
	: > "$tmp/root/sys/drivers/$1/$2/unbind"
	ln -s "$tmp/root/sys/drivers/$1/$2" "$pci/devices/$1/driver"
}

# Both drives and the port have drivers, which are built in.
driven()
{
	host
	driver 0000:01:00.0 nvme
	driver 0000:02:00.0 nvme
	driver 0000:04:00.0 igb
	echo 0 > "$pci/devices/0000:04:00.0/sriov_numvfs"
	mkdir -p "$tmp/root/proc/self" "$tmp/root/sys/class/block" "$tmp/root/sys/class/net"
	echo '21 1 0:5 / /proc rw shared:2 - proc none rw' > "$tmp/root/proc/self/mountinfo"
	# The one that it is bound by is taken off, as the kernel would.
	cat >> "$tmp/root/sbin/modprobe" <<- END
		for address in \$(cat "$tmp/root/sys/drivers"/*/*/unbind); do
			rm -f "$pci/devices/\$address/driver"
		done
	END
}

# made CLASS DEVICE NAME: what a driver has made of that one, as a folder for files
made()
{
	MADE=$(cd -P "$pci/devices/$2" && pwd)/made/$3
	mkdir -p "$MADE/holders"
	ln -s "$MADE" "$tmp/root/sys/class/$1/$3"
}

# Drives of the host, one of which is of two paths; numbers as the kernel has them.
disks()
{
	driven
	made block 0000:01:00.0 nvme0n1
	echo 259:0 > "$MADE/dev"
	made block 0000:01:00.0 nvme0n1p1
	echo 259:1 > "$MADE/dev"
	made block 0000:02:00.0 nvme1c4n1
	mkdir -p "$tmp/root/sys/subsys/nvme1n1/nvme1n1p2" "$tmp/root/sys/subsys/nvme1n10"
	for disk in nvme1n1 nvme1n1/nvme1n1p2 nvme1n10; do
		ln -s "$tmp/root/sys/subsys/$disk" "$tmp/root/sys/class/block/${disk##*/}"
	done
	echo 259:5 > "$tmp/root/sys/class/block/nvme1n1/dev"
	echo 259:6 > "$tmp/root/sys/class/block/nvme1n1p2/dev"
	echo 259:7 > "$tmp/root/sys/class/block/nvme1n10/dev"
}

unbound()
{
	cat "$tmp/root/sys/drivers"/*/*/unbind | tr '\n' ' '
}

# As takes, on the host that was made before.
ends() # STATUS OVERRIDES UNBOUND DESCRIPTION [RULES]
{
	run "${5:-vfio 1b36:0010 takeover=boot; hold 8086:10c9 takeover=boot}"
	got=$(overrides)
	[ "$status" = "$1" ] && [ "${got% }" = "$2" ] && [ "$(unbound)" = "${3:+$3 }" ]
	answer=$?
	[ $answer = 0 ] ||
		echo "exit status $status, overrides: $got, unbound: $(unbound)" >> "$tmp/said"
	result $answer "$4"
}

takes() # RULES STATUS OVERRIDES
{
	host
	run "$1"
	got=$(overrides)
	[ "$status" = "$2" ] && [ "${got% }" = "$3" ]
	answer=$?
	[ $answer = 0 ] || echo "exit status $status, overrides: $got" >> "$tmp/said"
	result $answer "$1"
}

says() # TEXT
{
	grep -qF -- "$1" "$tmp/said"
	result $? "    says: $1"
}

both='01:00.0=vfio-pci 02:00.0=vfio-pci 04:00.0=vfiopolicy'
second='02:00.0=vfio-pci 04:00.0=vfiopolicy'
all='0000:01:00.0 0000:02:00.0 0000:04:00.0'
but_first='0000:02:00.0 0000:04:00.0'

# Drivers that are built in have the devices already.
taken_over()
{
	driven
	ends 0 "$both" "$all" "takeover=boot takes devices from drivers"
	says "0000:01:00.0: taken from nvme, driver_override is now vfio-pci"
	[ "$(cat "$pci/drivers_probe")" = 0000:02:00.0 ]
	result $? "    vfio-pci is asked, as nobody has them then"
	driven
	ends 1 '04:00.0=vfiopolicy' 0000:04:00.0 "and only those of rules that say so" \
		'vfio 1b36:0010; hold 8086:10c9 takeover=boot'
	says "0000:01:00.0: not taken, as nvme has it already, and its rule does not say takeover=boot (vfio 1b36:0010)"
	driven
	ends 1 '' '' "of those, the first that names it" 'vfio class=nvme; vfio 1b36:0010 takeover=boot'
	driven
	ends 0 '02:00.0=vfio-pci' 0000:02:00.0 "what rules leave stays" \
		'vfio 1b36:0010 takeover=boot; leave 0000:01:00.0'
	driven
	ends 1 '' '' "what was not expected at its place stays" \
		'vfio 0000:01:00.0 1b36:0011 changed=hold takeover=boot'
	driven
	ends 0 '02:00.0=vfiopolicy 04:00.0=vfio-pci' '0000:02:00.0 0000:04:00.0' \
		"what is held beside it goes with it" 'vfio 8086:10c9 with=group takeover=boot'
	driven
	ends 1 '' '' "as it does not when nothing is taken" 'vfio 8086:10c9 with=group'
	driven
	rm "$pci/devices/0000:04:00.0/driver"
	ends 1 '04:00.0=vfio-pci' '' "nor when its rule does not say so" \
		'vfio 8086:10c9 with=group'
	says "0000:02:00.0: not taken, as nvme has it already"

	# What is in use
	driven
	echo 7 > "$pci/devices/0000:04:00.0/sriov_numvfs"
	ends 1 "${both% *}" "${all% *}" "a PF with VFs stays"
	says "0000:04:00.0: not taken from igb, as it has VFs"
	driven
	rm "$pci/devices/0000:04:00.0/driver/unbind"
	mkdir "$pci/devices/0000:04:00.0/driver/unbind"
	run 'hold 8086:10c9 takeover=boot'
	[ "$status" = 1 ] && [ "$(cat "$pci/devices/0000:04:00.0/driver_override")" = '' ]
	result $? "what cannot be unbound stays as it was"
	says "0000:04:00.0: not taken, as it cannot be unbound from igb"
	driven
	rm "$pci/devices/0000:04:00.0/driver"
	driver 0000:04:00.0 mlx5_vfio_pci
	ends 1 "${both% *}" "${all% *}" "a driver that gives it to a guest keeps it"
	driven
	rm "$pci/devices/0000:02:00.0/driver"
	driver 0000:02:00.0 vfio-pci
	ends 0 "$both" '0000:01:00.0 0000:04:00.0' "what is where it is to be is not moved"
	disks
	echo '30 1 259:7 / / rw - ext4 /dev/nvme1n10 rw' >> "$tmp/root/proc/self/mountinfo"
	ends 0 "$both" "$all" "disks that nobody uses are taken"
	disks
	printf '%s\n' '30 1 259:1 / /mnt/a\040-\040b rw,noatime shared:1 - ext4 /dev/root rw' \
		>> "$tmp/root/proc/self/mountinfo"
	ends 1 "$second" "$but_first" "what is mounted stays"
	says "0000:01:00.0: not taken from nvme, as nvme0n1p1 is mounted"
	disks
	echo '30 1 0:31 / /mnt rw shared:1 - btrfs /dev/nvme0n1 rw' >> "$tmp/root/proc/self/mountinfo"
	ends 1 "$second" "$but_first" "what is mounted by another number stays"
	disks
	mkdir -p "$tmp/root/sys/fs/btrfs/0123/devices/nvme0n1p1"
	ends 1 "$second" "$but_first" "a disk of several that are mounted stays"
	says "not taken from nvme, as nvme0n1p1 is mounted ("
	disks
	printf 'Filename Type Size Used Priority\n/dev/nvme0n1p1 partition 1 0 -2\n' \
		> "$tmp/root/proc/swaps"
	ends 1 "$second" "$but_first" "swap space stays"
	disks
	mkdir "$tmp/root/sys/class/block/nvme0n1/holders/dm-0"
	ends 1 "$second" "$but_first" "what others are made of stays"
	says "not taken from nvme, as nvme0n1 is part of dm-0 ("
	disks
	mkdir -p "$tmp/root/proc/spl/kstat/zfs/tank"
	ends 1 '04:00.0=vfiopolicy' 0000:04:00.0 "disks stay while there is a pool of ZFS"
	disks
	rm "$tmp/root/proc/self/mountinfo"
	ends 1 '04:00.0=vfiopolicy' 0000:04:00.0 "disks stay when nobody says what is mounted"
	disks
	echo '30 1 259:6 / / rw - ext4 /dev/nvme1n1p2 rw' >> "$tmp/root/proc/self/mountinfo"
	ends 1 '01:00.0=vfio-pci 04:00.0=vfiopolicy' '0000:01:00.0 0000:04:00.0' \
		"what is mounted by one of several paths stays"
	driven
	made net 0000:04:00.0 eth0
	echo 0x1003 > "$MADE/flags"
	ends 1 "${both% *}" "${all% *}" "a port that is up stays"
	driven
	made net 0000:04:00.0 eth0
	echo 0x1002 > "$MADE/flags"
	ends 0 "$both" "$all" "one that is down is taken"
}

by_this_shell()
{
	takes 'vfio 1b36:0010' 0 '01:00.0=vfio-pci 02:00.0=vfio-pci'
	[ "$(cat "$tmp/modprobe")" = vfio-pci ]
	result $? "    loads vfio-pci, and not quietly"
	[ -s "$pci/drivers_probe" ]
	result $? "    has it look for them"
	takes 'hold 1b36:0010' 0 '01:00.0=vfiopolicy 02:00.0=vfiopolicy'
	[ ! -e "$tmp/modprobe" ]
	result $? "    loads nothing"

	# Places
	takes 'vfio at=0000:00:12.0/00.0 1b36:0010 name=x' 0 '02:00.0=vfio-pci'
	takes 'vfio at=0000:00:12.0/00.0 1b36:0011' 0 ''
	takes 'vfio at=0000:00:12.0/00.0 1b36:0011 changed=hold' 0 '02:00.0=vfiopolicy'
	takes 'vfio at=0000:00:13.0/00.* 10de:*' 0 '03:00.0=vfio-pci 03:00.1=vfio-pci'
	takes 'vfio at=0000:00:13.0/*.1' 0 '03:00.1=vfio-pci'
	takes 'vfio at=0000:00:15.0/00.*' 0 ''
	takes 'vfio at=0000:00:15.0/00.0/*.0' 0 '06:02.0=vfio-pci'
	takes 'vfio at=0000:00:*.0/00.0' 1 ''
	takes 'vfio 0000:01:00.0 1b36:0010; hold 0000:04:*.*' 0 '01:00.0=vfio-pci 04:00.0=vfiopolicy'

	# Ids, classes, exceptions
	takes 'vfio 1b36:0010:1af4:1100' 0 '01:00.0=vfio-pci 02:00.0=vfio-pci'
	takes 'vfio 1b36:0010:1af4:1101' 0 ''
	takes 'vfio class=nvme except=0000:01:00.0' 0 '02:00.0=vfio-pci'
	takes 'vfio class=0200 8086:10c9; vfio class=030000/ff0000 10de:*' 0 '03:00.0=vfio-pci 04:00.0=vfio-pci'
	takes 'vfio 10de:* except=class=vga' 0 '03:00.1=vfio-pci'
	takes 'vfio 10de:* except=display' 1 ''

	# Which has the say
	takes 'vfio class=nvme; leave 0000:01:00.0 1b36:0010' 0 '02:00.0=vfio-pci'
	takes 'hold 0000:01:00.0; vfio 1b36:0010' 0 '01:00.0=vfiopolicy 02:00.0=vfio-pci'
	takes 'vfio 10de:1c03 with=slot' 0 '03:00.0=vfio-pci 03:00.1=vfiopolicy'
	takes 'vfio 10de:1c03 with=slot; leave 10de:10f1' 0 '03:00.0=vfio-pci'
	takes 'vfio 8086:10c9 with=group' 0 '02:00.0=vfiopolicy 04:00.0=vfio-pci'
	takes 'vfio 8086:10c9 driver=pci-stub' 1 '04:00.0=vfiopolicy'
	takes 'vfio 8086:10c9 host=4f1d2c3b-0a9b-4c8d-9e7f-1a2b3c4d5e6f' 0 '04:00.0=vfio-pci'
	takes 'vfio 8086:10c9 host=00000000-0a9b-4c8d-9e7f-1a2b3c4d5e6f' 0 ''

	# What it cannot tell: the host has the benefit, and the others hold
	takes 'vfio 1b36:0010 dsn=00-a0-c9-ff-ff-12-34-56; vfio 8086:10c9' 1 '04:00.0=vfio-pci'
	says 'it cannot be told what this names: vfio 1b36:0010 dsn=00-a0-c9-ff-ff-12-34-56'
	takes 'leave 1b36:0010 external; vfio *:* except=class=vga' 1 \
		'03:00.1=vfio-pci 04:00.0=vfio-pci 06:02.0=vfio-pci'
	takes 'vfio 10de:zz; vfio 8086:10c9' 1 '04:00.0=vfio-pci'
	says '10de:zz'
	takes 'vifo 8086:10c9' 1 ''
	says 'this is no rule: vifo 8086:10c9'

	# What nobody takes
	takes 'vfio 1234:1111' 1 ''
	says 'boot display'
	takes 'hold 8086:29c0; hold 1b36:000c' 0 ''
	host
	echo somebody > "$pci/devices/0000:04:00.0/driver_override"
	run 'vfio 8086:10c9'
	[ "$(overrides)" = '04:00.0=somebody ' ] && [ $status = 1 ]
	result $? "an override of somebody else stays"
	host
	mkdir "$pci/devices/0000:04:00.0/driver"
	run 'vfio 8086:10c9'
	[ -z "$(overrides)" ] && [ $status = 1 ]
	result $? "what has a driver keeps it"
	taken_over

	# The kernel's command line
	host
	echo 'ro vfiopolicy.ids=8086:10c9,10de:1c03 vfiopolicy.rules="hold at=0000:00:12.0/00.0; leave 10de:1c03" quiet' \
		> "$tmp/root/proc/cmdline"
	run 'vfio 0000:01:00.0'
	[ "$(overrides)" = '01:00.0=vfio-pci 02:00.0=vfiopolicy 04:00.0=vfio-pci ' ]
	result $? "the kernel's command line counts"
	host
	run ''
	[ -z "$(overrides)" ] && [ $status = 0 ]
	result $? "no rules, no devices"
}

make_host
# Its words for classes are those of the module.
sed -n 's/^\t{ 0x\([0-9a-f]*\), 0x\([0-9a-f]*\) },\t\/\* \(.*\) \*\/$/\3 \1 \2/p' \
	"$share/../../kmod/print.c" > "$tmp/classes"
[ "$(wc -l < "$tmp/classes")" -ge 21 ]
result $? "the module's classes were found"
sed -n 's/^\t\([a-z0-9]*\)) want=\([0-9a-f]*\) ;;$/\1 \2/p' "$fallback" | while read -r word digits; do
	long=${digits}000000
	mask=$(echo "$digits" | sed 's/./f/g')000000
	echo "$word $(echo "$long" | cut -c 1-6) $(echo "$mask" | cut -c 1-6)"
done > "$tmp/said"
cmp "$tmp/classes" "$tmp/said"
result $? "the fallback knows the same"

for shell in sh dash 'busybox sh' bash 'bash --posix' 'zsh --emulate sh'; do
	! is_here || by_this_shell
done
echo "1..$n"
exit $failed
