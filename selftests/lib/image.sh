# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For tests that boot whole systems: what runs in them, and what is expected of it.
# Sourced after lib.sh; wants HERE, which is this folder's, TMP, REL and CONF, and BASE
# and SYSTEM, which are the folder of a system and a copy of it that can be written
# and forgotten.

# Runs in the image: facts for this test, and the end.
facts_script() {
	cat <<- 'END'
		#!/bin/sh
		# Everything has found its driver, or is kept from one.
		settled() {
			for dev in $devices; do
				[ -e "$dev/driver" ] ||
					[ "$(cat "$dev/driver_override")" = vfiopolicy ] || return 1
			done
		}
		stty -F /dev/ttyS1 raw
		exec > /dev/ttyS1 2>&1
		# What a test has for this boot to do.
		[ ! -x /usr/local/sbin/todo ] || /usr/local/sbin/todo 2>&1 | sed 's/^/todo: /'
		udevadm settle
		for dev in /sys/bus/pci/devices/*; do
			case $(cat "$dev/vendor"):$(cat "$dev/device") in
			0x1b36:0x0010 | 0x8086:0x10c9 | 0x1234:0x1111) devices="$devices $dev" ;;
			esac
		done
		n=0
		until settled || [ $n = 100 ]; do
			n=$((n + 1))
			sleep 0.1
		done
		# What nvme, igb and bochs log of each device that they probe.
		dmesg > /run/dmesg
		for dev in $devices; do
			addr=${dev##*/}
			driver=none
			[ ! -e "$dev/driver" ] || driver=$(basename "$(readlink "$dev/driver")")
			node=no
			[ ! -c "/dev/vfio/$(basename "$(readlink "$dev/iommu_group")")" ] || node=yes
			echo "$addr driver=$driver override=$(cat "$dev/driver_override") node=$node" \
				"met=$(grep -cE "nvme nvme[0-9]+: pci function $addr|igb $addr: added PHC|bochs-drm .* for $addr on minor" /run/dmesg)"
		done
		echo "root: $(cat "/sys/class/block/$(basename "$(findmnt -no SOURCE /)")/device/serial")"
		echo "boot: $(cat /run/vfiopolicy/boot 2> /dev/null)"
		echo "unit: $(systemctl show -P ActiveState vfiopolicy)"
		echo "condition: $(systemctl show -P ConditionResult vfiopolicy)"
		grep -o 'vfiopolicy: .*' /run/dmesg | sed 's/^/log: /'
		journalctl -b -o cat --no-pager -u vfiopolicy | sed 's/^/journal: /'
		echo "kernel: $(uname -r)"
		echo "version: $(cat /sys/module/vfiopolicy/version 2> /dev/null)"
		vfiopolicy status 2>&1 | sed 's/^/status: /'
		# Of the one processor; with the former, what it was busy for.
		echo "idle: $(cut -d ' ' -f 2 /proc/uptime)"
		echo "up: $(cut -d ' ' -f 1 /proc/uptime)"
		sync
		systemctl poweroff -ff
	END
}

facts_unit() {
	cat <<- 'END'
		[Unit]
		After=basic.target vfiopolicy.service
		[Service]
		ExecStart=/usr/local/sbin/facts
		[Install]
		WantedBy=multi-user.target
	END
}

# put_facts DIR: they are told at the end of each boot
put_facts() {
	facts_script > "$1/usr/local/sbin/facts" && chmod +x "$1/usr/local/sbin/facts"
	facts_unit > "$1/etc/systemd/system/facts.service"
	echo "LABEL=root / ext4 defaults 0 1" > "$1/etc/fstab"
	# Nobody logs in, and an emulated guest is slow enough.
	printf '[Manager]\nDefaultTimeoutStartSec=300\n' > "$1/etc/systemd/system.conf"
	systemctl --root="$1" mask getty@.service serial-getty@.service \
		systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer \
		e2scrub_reap.service systemd-update-utmp.service &&
		systemctl --root="$1" enable facts.service
}

# A copy of the system that can be written and forgotten.
new_system() {
	! mountpoint -q "$TMP/system" || umount "$SYSTEM" "$TMP/system" || return 1
	mkdir -p "$TMP/system" && mount -t tmpfs none "$TMP/system" &&
		mkdir "$TMP/system/upper" "$TMP/system/work" "$SYSTEM" &&
		mount -t overlay none "$SYSTEM" \
			-o "lowerdir=$BASE,upperdir=$TMP/system/upper,workdir=$TMP/system/work"
}

# in_system COMMAND...: as root of the system
in_system() {
	local status

	mount -t proc none "$SYSTEM/proc" && mount --bind /dev "$SYSTEM/dev" || return 1
	quietly "$*" chroot "$SYSTEM" env LC_ALL=C DEBIAN_FRONTEND=noninteractive \
		PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
	status=$?
	# What it left behind may be about to end.
	umount "$SYSTEM/proc" &&
		expect "all of it has ended" until_true umount "$SYSTEM/dev" 2> /dev/null &&
		return $status
}

# A system of this machine's Debian, with this tree installed and a kernel of its own.
make_base() {
	local from

	from=$("$HERE/vm/image" root) && cp -a --reflink=auto "$from" "$BASE" &&
		"$HERE/vm/image" kernel "$BASE" "$REL" || return 1
	install -D -m 0644 "$VP_MODULES/vfiopolicy.ko" \
		"$BASE/usr/lib/modules/$REL/updates/dkms/vfiopolicy.ko" &&
		depmod -b "$BASE" "$REL" &&
		make -s -C "$HERE/.." install DESTDIR="$BASE" prefix=/usr || return 1
	put_facts "$BASE" && systemctl --root="$BASE" enable vfiopolicy.service
}

# policy_hash RULES: as the command has it, of those that are rules
policy_hash() {
	local sum=$((0xcbf29ce484222325)) rules i byte

	rules=$(sed 's/[^;]*10de:zz; *//; s/; */;/g; s/$/;/' <<< "$1")
	for ((i = 0; i < ${#rules}; i++)); do
		printf -v byte %d "'${rules:i:1}"
		sum=$(((sum ^ byte) * 0x100000001b3))
	done
	printf '%016x\n' $sum
}

# save RULES: as the command does, in files and for the image
save() {
	mkdir -p "$SYSTEM/etc/vfiopolicy/rules.d"
	echo "${1//; /$'\n'}" > "$SYSTEM/etc/vfiopolicy/rules.d/50-local.rules"
	cat > "$SYSTEM/$CONF" <<- END
		# Written by vfiopolicy, of its rule files.
		# policy $(policy_hash "$1")
		options vfiopolicy rules="$1"
		softdep nvme pre: vfiopolicy
		softdep igb pre: vfiopolicy
		softdep bochs pre: vfiopolicy
	END
}

# rebuild: the boot image, as the distribution does it; what that says of us is in TMP/warned
rebuild() {
	in_system update-initramfs -c -k "$REL"
	local status=$?
	grep '^W: vfiopolicy' "$TMP/log" > "$TMP/warned"
	return $status
}

# What facts says, in OUT. CMDLINE: more for the kernel; DISK: to be kept; FROM: where
# the kernel and its image are, if not in the system; LIMIT: seconds; COUNTED: by
# instructions.
boot_it() {
	OUT=$("$HERE/vm/image" boot -a "${CMDLINE:-}" ${COUNTED:+-i} ${DISK:+-d "$DISK"} ${LIMIT:+-T "$LIMIT"} \
		"${FROM:-$SYSTEM}" "$REL" 2>&1) &&
		expect "it came to its end" grep -q '^up: ' <<< "$OUT" && return
	say "the boot failed: $OUT"
	return 1
}

# has LINE: an extended expression, for all of a line of OUT
has() {
	grep -qxE "$1" <<< "$OUT" && return
	say "failed: there is no line '$1' in: ${OUT//$'\n'/$'\n# '}"
	return 1
}

root_is_untouched() {
	has '0000:01:00.0 driver=nvme override=\(null\) node=no met=1' &&
		has 'root: vp1 *'
}

all_are_native() {
	root_is_untouched &&
		has '0000:02:00.0 driver=nvme override=\(null\) node=no met=1' &&
		has '0000:03:00.0 driver=nvme override=\(null\) node=no met=1' &&
		has '0000:04:00.0 driver=igb override=\(null\) node=no met=1' &&
		has '0000:00:1d.0 driver=bochs-drm override=\(null\) node=no met=1'
}

# kept DRIVER: what is held has this one
kept() {
	root_is_untouched &&
		has '0000:02:00.0 driver=vfio-pci override=vfio-pci node=yes met=0' &&
		has '0000:04:00.0 driver=vfio-pci override=vfio-pci node=yes met=0' &&
		has '0000:00:1d.0 driver=vfio-pci override=vfio-pci node=yes met=0' &&
		has "0000:03:00.0 driver=$1 override=vfiopolicy node=no met=0"
}

# All drives had the rule of the root disk; the port has another.
given_back() {
	root_is_untouched &&
		has '0000:02:00.0 driver=nvme override=\(null\) node=no met=1' &&
		has '0000:04:00.0 driver=vfio-pci override=vfio-pci node=yes met=0' &&
		has 'boot: degraded: the root device did not appear, .*' && has 'unit: failed' &&
		has 'log: vfiopolicy: 0000:01:00.0: given back to the host.*'
}

# Native drivers have what they match before anything of ours runs, as if they were
# built in.
native_script() {
	cat <<- 'END'
		modprobe -C /dev/null nvme
		modprobe -C /dev/null igb
		n=0
		until [ -e /sys/class/block/nvme2n1 ] || [ $n = 100 ]; do
			n=$((n + 1))
			sleep 0.1
		done
	END
}

# native_first: in the image. What initramfs-tools sources there it sources when it
# makes the image, too, and then it is not to be done.
native_first() {
	local to=$SYSTEM/usr/lib/dracut/modules.d/01native-first

	if [ ! -x "$SYSTEM/usr/bin/dracut" ]; then
		printf '%s\n' nvme igb >> "$SYSTEM/etc/initramfs-tools/modules" &&
			printf '%s\n' 'if [ -e /scripts/functions ]; then' "$(native_script)" 'fi' \
				> "$SYSTEM/etc/initramfs-tools/conf.d/native-first"
		return
	fi
	mkdir "$to" && native_script > "$to/native-first.sh" && cat > "$to/module-setup.sh" <<- 'END'
		check() {
			return 0
		}
		installkernel() {
			hostonly='' instmods nvme igb
		}
		install() {
			inst_hook cmdline 00 "$moddir/native-first.sh"
		}
	END
}

# The third has the host's driver first, too, and nothing says that it may lose it.
late() {
	root_is_untouched &&
		has '0000:02:00.0 driver=vfio-pci override=vfio-pci node=yes met=1' &&
		has '0000:04:00.0 driver=vfio-pci override=vfio-pci node=yes met=1' &&
		has '0000:03:00.0 driver=nvme override=\(null\) node=no met=1' &&
		has 'unit: failed'
}
