#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What is given back when the root device does not appear, on a made-up host, by
# each shell that is here: an image has whatever shell its distribution puts there.
#
# usage: test_give_back.sh [PROGRAM], which is not asked

set -u
# shellcheck source=user/tests/shells.sh
. "$(dirname "$0")/shells.sh"
give_back=$share/give-back
export VFIOPOLICY_ROOT="$tmp/root"
pci=$tmp/root/sys/bus/pci
run=$tmp/root/run/vfiopolicy

device() # ADDRESS CLASS OVERRIDE [DRIVER]
{
	mkdir -p "$pci/devices/$1"
	echo "0x$2" > "$pci/devices/$1/class"
	echo "$3" > "$pci/devices/$1/driver_override"
	[ $# -lt 4 ] || {
		mkdir -p "$pci/drivers/$4"
		ln -s "../../drivers/$4" "$pci/devices/$1/driver"
	}
}

# Rules have all disks, a port and a display; somebody else has a disk of his own.
host()
{
	rm -rf "$tmp/root"
	mkdir -p "$pci/devices" "$tmp/root/proc" "$tmp/root/sbin" "$tmp/root/sys/module/vfiopolicy"
	: > "$pci/drivers_probe"
	device 0000:01:00.0 010802 vfio-pci vfio-pci
	device 0000:02:00.0 010601 vfiopolicy
	device 0000:03:00.0 0c0330 vfio-pci vfio-pci
	device 0000:04:00.0 020000 vfio-pci vfio-pci
	device 0000:05:00.0 030000 vfiopolicy vfiopolicy
	device 0000:06:00.0 010802 somebody
	device 0000:07:00.0 010802 '(null)' nvme
	cat > "$tmp/root/sbin/modprobe" <<- END
		#!/bin/sh
		echo "\$*" >> "$tmp/modprobe"
	END
	chmod +x "$tmp/root/sbin/modprobe"
	: > "$tmp/modprobe"
}

at() # UPTIME: what it says is in said, how it ended in status
{
	echo "$1.50 0.10" > "$tmp/root/proc/uptime"
	$shell "$give_back" > "$tmp/said" 2>&1
	status=$?
}

overrides()
{
	for address in 01 02 03 04 05 06 07; do
		cat "$pci/devices/0000:$address:00.0/driver_override"
	done | tr '\n' ,
}

kept=vfio-pci,vfiopolicy,vfio-pci,vfio-pci,vfiopolicy,somebody,
by_this_shell()
{
	host
	at 5
	[ "$status" = 1 ] && [ "$(overrides)" = "$kept(null)," ]
	result $? "not at the first call"
	at 14
	[ "$status" = 1 ] && [ "$(overrides)" = "$kept(null)," ] && [ ! -s "$tmp/modprobe" ]
	result $? "not before ten seconds"
	at 15
	[ "$status" = 0 ] && [ "$(overrides)" = ",,,vfio-pci,vfiopolicy,somebody,(null)," ]
	result $? "storage and USB that are ours, and nothing else"
	[ "$(tail -n 1 "$pci/drivers/vfio-pci/unbind")" = 0000:03:00.0 ] &&
		[ ! -e "$pci/drivers/nvme/unbind" ]
	result $? "from the driver that they were held by"
	[ "$(cat "$pci/drivers_probe")" = 0000:03:00.0 ]
	result $? "their drivers are asked"
	printf '%s\n' '-r vfiopolicy' 'vfiopolicy takeover=1 rules=" leave 0000:01:00.0; leave 0000:02:00.0; leave 0000:03:00.0;"' |
		cmp -s - "$tmp/modprobe"
	result $? "the module is loaded anew, and leaves them"
	[ "$(grep -c 'given back to the host' "$tmp/said")" = 3 ] &&
		grep -q '^degraded: .* 0000:01:00.0 0000:02:00.0 0000:03:00.0$' "$run/boot"
	result $? "it is said"
	at 40
	[ "$status" = 1 ] && [ "$(grep -c . "$tmp/modprobe")" = 2 ]
	result $? "once"

	host
	rmdir "$tmp/root/sys/module/vfiopolicy"
	at 5
	at 16
	[ "$status" = 0 ] && [ ! -s "$tmp/modprobe" ] &&
		[ "$(overrides)" = ",,,vfio-pci,vfiopolicy,somebody,(null)," ]
	result $? "without the module, too, which is not loaded then"

	host
	echo 'echo why not; exit 1' >> "$tmp/root/sbin/modprobe"
	at 5
	at 16
	[ "$status" = 0 ] && grep -q 'cannot be unloaded, .*: why not' "$tmp/said" &&
		grep -q 'cannot be loaded again: why not' "$tmp/said" &&
		[ "$(overrides)" = ",,,vfio-pci,vfiopolicy,somebody,(null)," ]
	result $? "what modprobe cannot do is said, and the rest is done"

	host
	rm -r "$pci/devices"/0000:0[123]*
	at 5
	at 16
	[ "$status" = 1 ] && [ ! -s "$tmp/modprobe" ] && [ ! -e "$run/boot" ]
	result $? "where no disk is kept, nothing is done"
}

for shell in sh dash 'busybox sh' bash 'bash --posix' 'zsh --emulate sh'; do
	! is_here || by_this_shell
done
echo "1..$n"
exit $failed
