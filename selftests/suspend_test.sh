#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The host is suspended again and again while something else happens to its
# devices: races_test.sh, in an initramfs, for a guest on this machine's root
# would lose that. Runs outside of guests and boots its own. Its output is that
# of races_test.sh.

set -eu

HERE=$(dirname "$(realpath "$0")")
PAIRS="suspend:replace suspend:replug"
[ -z "${VP_ALL_PAIRS:-}" ] || PAIRS="suspend:claim suspend:release suspend:rule
	suspend:replace suspend:override suspend:bind suspend:unbind suspend:replug
	suspend:rescan suspend:numvfs suspend:user suspend:target suspend:module"

DIR=$(mktemp -d)
trap 'rm -r "$DIR"' EXIT
mkdir -p "$DIR/t/lib" "$DIR/t/vm" "$DIR/t/bin" "$DIR/t/kselftest"
cp "$HERE/races_test.sh" "$DIR/t/"
cp "$HERE"/lib/*.sh "$DIR/t/lib/"
cp "$HERE/vm/klog" "$DIR/t/vm/"
cp "$KSELFTEST/kselftest/ktap_helpers.sh" "$DIR/t/kselftest/"
cp "$VP_MODULES"/{vfiopolicy,testbus,greedy}.ko "$DIR/t/bin/"
# Not to be a program for boot, which would look for its libraries.
(umask 111 && tar -C "$DIR/t" -cf "$DIR/t.tar" .)
cat > "$DIR/script" <<- 'END'
	mkdir /t && tar -xf /t.tar -C /t && ln -s /proc/self/fd /dev/fd || exit 1
	modprobe nvme && modprobe igb || exit 1
	n=0
	until [ -e /sys/class/nvme/nvme2 ] && [ -e /sys/class/net/eth0 ]; do
		n=$((n + 1))
		[ $n -lt 600 ] || break
		usleep 100000
	done
	export VP_MODULES=/t/bin VP_BIN=/bin KSELFTEST=/t
	exec bash /t/races_test.sh
END
VP_PAIRS=$(tr -s '\n\t' '  ' <<< "$PAIRS")
export VP_PAIRS
"$HERE/vm/boot" -k "$VP_KERNEL" -T "${VP_LIMIT:-600}" -m nvme -m igb -m igbvf \
	-m vfio-pci -m vfio_iommu_type1 -f /bin/bash -f "$VP_BIN/vpnl" \
	-f "$VP_BIN/actors" -f "$(command -v setpci)" -f "$DIR/t.tar" \
	-- "$DIR/script"
