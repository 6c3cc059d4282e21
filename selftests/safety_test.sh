#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the host uses is not taken from it: real file systems, stacks, swap,
# bonds and bridges, displays, and a user of vfio's; each refusal names its
# reason, each --force works, and a dry run agrees with what then happens.
# Controls: the same device when nothing is on it, and the other one of two of
# the same ids.
# LVM is what device-mapper has of it: a mapping with a UUID of LVM's. The MD
# array has one half, as after a drive has failed.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/command.sh
. "$(dirname "$0")/lib/command.sh"

read -ra TWINS <<< "$(all_of 1b36:0010 | tr '\n' ' ')"
IGB=$(one_of 8086:10c9)
[ "${#TWINS[@]}" -ge 2 ] || skip "needs two NVMe"
[ -e "$SYS/$IGB/iommu_group" ] || skip "needs an igb and an IOMMU"
VFIOPOLICY_ROOT=$(mktemp -d)
export VFIOPOLICY_ROOT
RULES=$VFIOPOLICY_ROOT/etc/vfiopolicy/rules.d/50-local.rules
mkdir -p "$VFIOPOLICY_ROOT/etc"
MNT=$(mktemp -d)
MONITOR=$(dirname "$0")/vm/monitor

TESTS="nothing_on_it_nothing_refused
	mounted_disk_is_refused
	mounted_elsewhere_is_refused
	swap_is_refused
	what_is_there_spares_what_is_in_use
	one_of_two_is_refused_and_kept_for_the_host
	force_says_what_it_overrides
	default_route_in_a_bridge_is_refused
	member_of_a_bond_is_refused
	vfs_are_refused
	user_of_vfio_is_named
	dry_run_agrees_with_what_happens
	dry_run_changes_nothing"
# Those that a bare system has no tools for.
if command -v mdadm > /dev/null && command -v dmsetup > /dev/null; then
	TESTS+=" lvm_on_md_is_refused md_alone_is_refused"
fi

# The debug kernel has no driver for displays.
[ -z "${VP_HOTPLUG_BUS:-}" ] || [[ $(uname -r) == *-vfiopolicy-debug ]] ||
	TESTS+=" display_of_the_console_is_refused_and_the_last_one"

# What is below the controller may be one path of several, nvme0c1n1.
disk_of() {
	local disk

	disk=$(echo "$SYS/$1"/nvme/nvme*/nvme*n1)
	disk=${disk##*/}
	echo "/dev/${disk/c[0-9]*n/n}"
}

port_of() {
	local net

	net=$(echo "$SYS/$IGB"/net/*)
	echo "${net##*/}"
}

# A port that is up gets a default route from the emulated network's router.
quiet_port() {
	ip addr flush dev "$(port_of)"
	ip link set "$(port_of)" down
}

after_each() {
	{
		umount "$MNT"
		swapoff -a
		dmsetup remove vg0-root
		mdadm --stop /dev/md77
		ip link del br77
		ip link del bond77
		quiet_port
		echo 0 > "$SYS/$IGB/sriov_numvfs"
	} 2> /dev/null
	rm -f "$RULES"
	unload
	unplug_displays
	wait_driver "$IGB" igb && wait_driver "${TWINS[0]}" nvme &&
		wait_driver "${TWINS[1]}" nvme && udevadm settle
	wipefs -qa "$(disk_of "${TWINS[0]}")"
}

at_end() {
	rm -r "$VFIOPOLICY_ROOT" "$MNT"
}

# refused ADDRESS REASON: with nothing changed by it
refused() {
	run 1 add "$1" && says "$1 is in use by this host: $2" &&
		says "Nothing was changed." && says "--force would" &&
		same rules "$(vpnl rules)" "" && expect "no file" test ! -e "$RULES"
}

make_fs() {
	mkfs.ext4 -q -F "$1" && mount "$1" "$MNT"
}

nothing_on_it_nothing_refused() {
	load && run 0 add "${TWINS[0]}" && run 0 add "${TWINS[1]}" && run 0 add "$IGB"
}

mounted_disk_is_refused() {
	local disk

	disk=$(disk_of "${TWINS[0]}")
	load && make_fs "$disk" &&
		refused "${TWINS[0]}" "$MNT is on it (ext4 on $disk)" &&
		run 1 add "$disk" && run 1 add --next-boot "${TWINS[0]}" &&
		run 0 add "${TWINS[1]}" && run 0 del "${TWINS[1]}" &&
		umount "$MNT" && run 0 add "${TWINS[0]}" &&
		says "$disk has data on it: ext4, not in use"
}

# Where it is mounted cannot be seen, but that the kernel has claimed it.
mounted_elsewhere_is_refused() {
	local disk ret

	disk=$(disk_of "${TWINS[0]}")
	load && mkfs.ext4 -q -F "$disk" || return 1
	# shellcheck disable=SC2016 # they are of the other shell
	coproc ELSEWHERE {
		unshare -m --propagation private sh -c \
			'mount "$1" "$2" && echo mounted && read -r _' sh "$disk" "$MNT"
	}
	read -r OUT <&"${ELSEWHERE[0]}"
	same "the other one says" "$OUT" mounted &&
		refused "${TWINS[0]}" "the kernel uses $disk for something (ext4 is on it)"
	ret=$?
	eval "exec ${ELSEWHERE[1]}>&-"
	wait "$ELSEWHERE_PID"
	return $ret
}

swap_is_refused() {
	local disk

	disk=$(disk_of "${TWINS[0]}")
	load && mkswap -q "$disk" && swapon "$disk" &&
		refused "${TWINS[0]}" "swap is on it ($disk)" && swapoff "$disk" &&
		run 0 add "${TWINS[0]}"
}

make_md() {
	modprobe raid1 && mdadm --create /dev/md77 --run --force --level=1 \
		--raid-devices=2 --metadata=1.2 "$1" missing > /dev/null 2>&1 &&
		udevadm settle
}

lvm_on_md_is_refused() {
	local disk sectors

	disk=$(disk_of "${TWINS[0]}")
	load && make_md "$disk" && sectors=$(blockdev --getsz /dev/md77) &&
		dmsetup create vg0-root --uuid LVM-0123456789 \
			--table "0 $sectors linear /dev/md77 0" && udevadm settle &&
		make_fs /dev/mapper/vg0-root &&
		refused "${TWINS[0]}" \
			"$MNT is on it (ext4 on LVM vg0-root on MD md77 (raid1) on $disk)" &&
		run 0 add "${TWINS[1]}"
}

md_alone_is_refused() {
	local disk

	disk=$(disk_of "${TWINS[0]}")
	load && make_md "$disk" &&
		refused "${TWINS[0]}" "MD md77 (raid1) is on it (on $disk), not mounted"
}

# plug_display MODEL FUNCTION
plug_display() {
	"$MONITOR" "device_add $1,id=display$2,bus=$VP_HOTPLUG_BUS,addr=0.$2,multifunction=on"
}

# Two functions of one slot, of which 0 comes last: its coming has the kernel look.
# Not before something is written does the console go to one. QEMU never forgets the
# memory of a model that has been at an address, and ends when it comes once more:
# function 0 is no bochs-display, which another test has had there.
plug_displays() {
	plug_display bochs-display 1 && plug_display secondary-vga 0 || return 1
	expect "displays with a framebuffer" until_true has_displays &&
		echo > /dev/tty1 && expect "the console is on one" until_true has_console
}

has_displays() {
	FRAMES=("$SYS"/????:??:??.?/graphics/fb?)
	[ ${#FRAMES[@]} = 2 ]
}

has_console() {
	local con

	for con in /sys/class/vtconsole/*; do
		[ "$(< "$con/bind")" = 1 ] && grep -q "frame buffer" "$con/name" && return
	done
	return 1
}

no_displays() {
	[ -z "$(all_of 1234:1111)" ]
}

unplug_displays() {
	no_displays || {
		"$MONITOR" "device_del display0" > /dev/null && until_true no_displays
	}
}

# The console takes the first of them. When the other one is gone from the host,
# that is the last one, too.
display_of_the_console_is_refused_and_the_last_one() {
	local with without

	load && plug_displays || return 1
	with=${FRAMES[0]%/graphics/*} without=${FRAMES[1]%/graphics/*}
	[ "${FRAMES[0]##*/}" = fb0 ] || { with=$without without=${FRAMES[0]%/graphics/*}; }
	with=${with##*/} without=${without##*/}
	refused "$with" "the console is on it (fb0)" && run 0 add hold "$without" &&
		says "bochs-drm -> held ... done" &&
		run 1 add hold "$with" &&
		says "$with is in use by this host: no other device of this host has an outlet for a display" &&
		says "  the console is on it (fb0)" &&
		same "driver of it" "$(driver_of "$with")" bochs-drm &&
		run 1 add --next-boot hold "$with" && run 0 add --force hold "$with" &&
		says "$with: no other device of this host has an outlet for a display; overridden by --force" &&
		says "$with: the console is on it (fb0); overridden by --force" &&
		same "driver of it by force" "$(driver_of "$with")" vfiopolicy
}

# A rule that was there before the host came to use what it names.
what_is_there_spares_what_is_in_use() {
	local disk

	disk=$(disk_of "${TWINS[0]}")
	load && run 0 add --next-boot "${TWINS[0]}" && run 0 apply &&
		wait_state "${TWINS[0]}" native native-driver && make_fs "$disk" &&
		run 6 add "${TWINS[0]}" &&
		says "${TWINS[0]} stays with nvme for now, as it is in use by this host: $MNT is on it" &&
		same driver "$(driver_of "${TWINS[0]}")" nvme && umount "$MNT" &&
		run 0 add "${TWINS[0]}" && says "nvme -> vfio-pci ... done" &&
		same driver "$(driver_of "${TWINS[0]}")" vfio-pci
}

one_of_two_is_refused_and_kept_for_the_host() {
	local disk line

	disk=$(disk_of "${TWINS[0]}")
	load && make_fs "$disk" && run 1 add 1b36:0010 &&
		says "in use: $MNT is on it" && run 1 add --all 1b36:0010 &&
		says "${TWINS[0]} is in use by this host: $MNT is on it" || return 1
	# What it says to do does it, and keeps the other one from a later boot.
	line=$(sed -n 's/^  vfiopolicy \(add .*\)    # the others/\1/p' <<< "$OUT")
	# shellcheck disable=SC2086 # it is a line to be typed
	expect "there is a line for the others" test -n "$line" && run 0 $line &&
		says "${TWINS[0]} is kept for the host, as $MNT is on it" &&
		same "rules" "$(vpnl rules | cut -d' ' -f3 | tr '\n' ' ')" "leave vfio " &&
		expect "saved, too" grep -q "^leave at=.* 1b36:0010$" "$RULES" &&
		same state "$(dev "${TWINS[1]}" state)" isolated &&
		same driver "$(driver_of "${TWINS[0]}")" nvme
}

force_says_what_it_overrides() {
	local disk

	disk=$(disk_of "${TWINS[0]}")
	load && make_fs "$disk" && run 0 add --force "${TWINS[0]}" &&
		says "${TWINS[0]}: $MNT is on it (ext4 on $disk); overridden by --force" &&
		expect "allow= is saved" grep -q "^vfio at=.* allow=storage$" "$RULES" &&
		same driver "$(driver_of "${TWINS[0]}")" vfio-pci &&
		run 0 add "${TWINS[0]}" && says "was there already" &&
		umount "$MNT" && run 0 del "${TWINS[0]}" && same rules "$(vpnl rules)" ""
}

make_bridge() {
	ip link add bond77 type bond mode active-backup &&
		ip link add br77 type bridge && ip link set "$(port_of)" down &&
		ip link set "$(port_of)" master bond77 &&
		ip link set bond77 master br77 && ip link set "$(port_of)" up &&
		ip link set bond77 up && ip link set br77 up
}

default_route_in_a_bridge_is_refused() {
	local where

	where="bridge br77 on bond bond77 on $(port_of)"
	load && make_bridge && ip addr add 10.77.0.2/24 dev br77 &&
		ip route add default via 10.77.0.1 dev br77 onlink &&
		refused "$IGB" "the default route goes over it ($where)" &&
		says "  the host's address 10.77.0.2 is on it ($where)" || return 1
	OUT=$(SSH_CONNECTION="10.77.0.9 40000 10.77.0.2 22" \
		vfiopolicy add "$IGB" 2>&1)
	says "your ssh login comes in over it (10.77.0.2 on $where)" &&
		run 0 add --force "$IGB" && says "overridden by --force" &&
		expect "allow= is saved" grep -q " allow=network$" "$RULES"
}

member_of_a_bond_is_refused() {
	load && make_bridge &&
		refused "$IGB" "bridge br77 is on it (bond bond77 on $(port_of))"
}

vfs_are_refused() {
	load && echo 2 > "$SYS/$IGB/sriov_numvfs" &&
		run 1 add "$IGB" && says "it has 2 VFs, which would go" &&
		says "vfiopolicy sriov $IGB 0    # while it has VFs it is not taken, not even with --force" &&
		says "Nothing was changed. --next-boot takes it" &&
		same rules "$(vpnl rules)" "" && expect "no file" test ! -e "$RULES" &&
		run 0 add --next-boot "$IGB"
}

user_of_vfio_is_named() {
	local answer ret

	load "rules=\"vfio $IGB name=port\"" && replug "$IGB" &&
		wait_state "$IGB" isolated || return 1
	coproc USER { exec vfio_open "$IGB" "$(group_of "$IGB")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open &&
		run 0 status && says "in use by vfio_open $USER_PID" &&
		run 0 status "$IGB" && says "user    vfio_open $USER_PID" &&
		run 0 list && says "(vfio_open $USER_PID)" &&
		run 0 list -j && says "\"pid\": $USER_PID" &&
		run 2 del --dry-run port && says "del port would be refused" &&
		says "vfio_open $USER_PID has" &&
		run 2 del port && says "vfio_open $USER_PID has it open" &&
		run 0 add "$IGB" --runtime
	ret=$?
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	return $ret
}

# then ADDRESS: the state that the dry run in OUT foretells
then_of() {
	json "[x['then']['state'] for x in d['devices'] if x['address'] == '$1'][0]"
}

dry_run_agrees_with_what_happens() {
	local foretold

	load || return 1
	echo "$IGB" > "$SYS/$IGB/driver/unbind"
	run 5 add -j --dry-run "$IGB" && foretold=$(then_of "$IGB") &&
		run 0 add "$IGB" && wait_state "$IGB" "$foretold" &&
		run 0 add --dry-run "$IGB" && says "it is there already" &&
		run 5 add -j --dry-run "${TWINS[0]}" &&
		foretold=$(then_of "${TWINS[0]}") && run 0 add "${TWINS[0]}" &&
		same state "$(dev "${TWINS[0]}" state)" "$foretold" &&
		run 5 del --dry-run "$IGB" && says "the host's own driver" &&
		same state "$(dev "$IGB" state)" isolated && run 0 del "$IGB" &&
		wait_driver "$IGB" igb &&
		echo "vfio $IGB" >> "$RULES" && run 5 apply --dry-run &&
		says "would be added: vfio $IGB" && run 0 apply &&
		run 0 apply --dry-run && says "in force as they are" &&
		echo "vfio $IGB driver=x" >> "$RULES" && run 2 apply --dry-run &&
		says "at odds" && run 2 apply
}

dry_run_changes_nothing() {
	load && run 5 add --dry-run "$IGB" && run 5 add --dry-run --runtime "$IGB" &&
		run 5 add --dry-run --next-boot "$IGB" && same rules "$(vpnl rules)" "" &&
		expect "no file" test ! -e "$RULES"
}

quiet_port
run_tests
