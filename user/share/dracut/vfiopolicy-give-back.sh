#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Two thirds of the time that the root device has are over: disks that rules keep
# from the host are its own again, and the waiting begins anew. This is called again
# and again, and read by a shell that goes on to do other things: it must not be
# left, nor anything of it be changed.

if [ -x /usr/lib/vfiopolicy/give-back ] && [ ! -e /run/vfiopolicy/given-back ]; then
	/usr/lib/vfiopolicy/give-back 0 2>&1 | while read -r line; do
		echo "<3>vfiopolicy: $line" > /dev/kmsg
	done
	if [ -e /run/vfiopolicy/given-back ]; then
		# Their drivers are loaded, and their disks looked at.
		udevadm trigger --type=devices --subsystem-match=pci --action=add
		# shellcheck disable=SC2154 # of dracut
		echo > "$hookdir/initqueue/work"
	fi
fi
