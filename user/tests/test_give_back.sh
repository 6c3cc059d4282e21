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

# Rules have all disks, a port and a display; somebody else has a disk of his own, and
# nvme has two, of which it was quicker to get the one. Of targets that rules name one
# is in the image's rules, and one in those of the command line.
host()
{
	rm -rf "$tmp/root"
	mkdir -p "$pci/devices" "$tmp/root/proc" "$tmp/root/sbin" "$tmp/root/sys/module/vfiopolicy" \
		"$tmp/root/etc/modprobe.d"
	printf 'options other rules="x driver=somebody"\noptions vfiopolicy rules="vfio 1:2 driver=pci-stub; vfio 1:3 driver=best"' \
		> "$tmp/root/etc/modprobe.d/00-vfiopolicy.conf"
	echo 'quiet x driver=nvme vfiopolicy.rules="hold 3:4; vfio 1:4 driver=my_target" ro' \
		> "$tmp/root/proc/cmdline"
	: > "$pci/drivers_probe"
	device 0000:01:00.0 010802 vfio-pci vfio-pci
	device 0000:02:00.0 010601 vfiopolicy
	device 0000:03:00.0 0c0330 vfio-pci vfio-pci
	device 0000:04:00.0 020000 vfio-pci vfio-pci
	device 0000:05:00.0 030000 vfiopolicy vfiopolicy
	device 0000:06:00.0 010802 somebody
	device 0000:07:00.0 010802 '(null)' nvme
	device 0000:08:00.0 010802 vfio-pci nvme
	device 0000:09:00.0 010000 '(null)' vfio-pci
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
	for dev in "$pci/devices"/*; do
		cat "$dev/driver_override"
	done | tr '\n' ,
}

native='(null),vfio-pci,(null),'
kept=vfio-pci,vfiopolicy,vfio-pci,vfio-pci,vfiopolicy,somebody,$native
given=,,,vfio-pci,vfiopolicy,somebody,$native

# gives_back OVERRIDE DRIVER DESCRIPTION: a disk like that; - for none
gives_back()
{
	host
	rm -r "$pci/devices"/*
	if [ "$2" = - ]; then
		device 0000:0a:00.0 010802 "$1"
	else
		device 0000:0a:00.0 010802 "$1" "$2"
	fi
	at 5
	at 16
	[ "$status" = 0 ] && [ "$(overrides)" = , ] &&
		{ [ "$2" = - ] || [ "$(cat "$pci/drivers/$2/unbind")" = 0000:0a:00.0 ]; }
	result $? "$3"
}
by_this_shell()
{
	host
	at 5
	[ "$status" = 1 ] && [ "$(overrides)" = "$kept" ]
	result $? "not at the first call"
	at 14
	[ "$status" = 1 ] && [ "$(overrides)" = "$kept" ] && [ ! -s "$tmp/modprobe" ]
	result $? "not before ten seconds"
	at 15
	[ "$status" = 0 ] && [ "$(overrides)" = "$given" ]
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
	echo 'quiet x driver=somebody driver=nvme' > "$tmp/root/proc/cmdline"
	at 5
	at 16
	[ "$status" = 0 ] && [ ! -s "$tmp/modprobe" ] &&
		[ "$(overrides)" = "$given" ]
	result $? "without the module, too, which is not loaded then"

	host
	echo 'echo why not; exit 1' >> "$tmp/root/sbin/modprobe"
	at 5
	at 16
	[ "$status" = 0 ] && grep -q 'cannot be unloaded, .*: why not' "$tmp/said" &&
		grep -q 'cannot be loaded again: why not' "$tmp/said" &&
		[ "$(overrides)" = "$given" ]
	result $? "what modprobe cannot do is said, and the rest is done"

	gives_back pci-stub pci-stub "a disk that a target of the image's rules has"
	gives_back my_target my_target "one that a target of the command line's rules has"
	gives_back my_target - "one on its way to that"
	gives_back virtio_vfio_pci virtio_vfio_pci "one that another driver of vfio has"
	gives_back vfiopolicy - "one that is held for whatever target"
	gives_back '(null)' vfiopolicy "one on the stub, whose override somebody has cleared"
	gives_back vfiopolicy vfio-pci "one that is about to be brought back"

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
