# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Runs in the initramfs of boot_test.sh: says who drives what after the native
# drivers were loaded. On the kernel's command line, as on a host:
# vfiopolicy.ids=, vfiopolicy.rules=, vfiopolicy.disable=; vp.module=no leaves
# the module out, which is the control, and vp.module=late loads it last.

is_said()
{
	grep -q "$1" /proc/cmdline
}

# Nothing sends an event that vpnl could wait for: nvme probes in the background,
# and settles when it has made its device.
until_native()
{
	n=0
	until [ -e /sys/class/nvme/nvme2 ] && [ -e /sys/class/net/eth0 ]; do
		n=$((n + 1))
		[ $n -lt 600 ] || break
		usleep 100000
	done
}

is_said vp.module || modprobe vfiopolicy || exit 1
# As udev's coldplug would, one driver after the other.
modprobe nvme && modprobe igb || exit 1
if is_said vp.module=late; then
	until_native
	modprobe vfiopolicy || exit 1
fi
if [ -d /sys/module/vfiopolicy ] && ! is_said disable=1; then
	for dev in /sys/bus/pci/devices/*; do
		case $(cat "$dev/vendor"):$(cat "$dev/device") in
		0x1b36:0x0010 | 0x8086:0x10c9)
			vpnl dev "${dev##*/}" > /dev/null 2>&1 || continue
			# Late, where it is not to be taken, it stays.
			end=isolated
			if is_said vp.module=late && { ! is_said takeover=1 ||
			   [ "$(cat "$dev/vendor")" = 0x8086 ]; }; then
				end=native
			fi
			vpnl wait 60 "${dev##*/}" $end || exit 1
			;;
		esac
	done
else
	until_native
fi
for dev in /sys/bus/pci/devices/*; do
	case $(cat "$dev/vendor"):$(cat "$dev/device") in
	0x1b36:0x0010) kind=nvme ;;
	0x8086:0x10c9) kind=igb ;;
	*) continue ;;
	esac
	driver=none
	[ -e "$dev/driver" ] && driver=$(basename "$(readlink "$dev/driver")")
	group=$(basename "$(readlink "$dev/iommu_group")")
	node=no
	[ -c "/dev/vfio/$group" ] && node=yes
	echo "$kind ${dev##*/} $driver node=$node"
done
dmesg | grep -cE 'nvme nvme[0-9]+: pci function|igb [0-9a-f:.]+: added PHC' |
	sed 's/^/native probes: /'
