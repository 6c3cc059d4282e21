#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DKMS adds, builds, installs and uninstalls the module for one of this
# system's kernels, and a guest loads what DKMS built. Runs outside of guests;
# DKMS's own tree and the target are folders of their own, so that the host is
# left as it was.
# Control: before, and after the uninstall, there is no such module.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

HERE=$(dirname "$(realpath "$0")")
ROOT=$HERE/..
VERSION=$(cat "$ROOT/VERSION")
REL=$("$HERE/vm/kernels" release "$VP_KERNEL")
TREE=$(mktemp -d)
command -v dkms > /dev/null || skip "needs dkms"
[ -e "/lib/modules/$REL/build/Makefile" ] || skip "needs the headers of $REL"

TESTS="make_lays_out_the_source
	dkms_adds
	dkms_builds_without_a_warning
	dkms_installs
	version_is_the_same_everywhere
	what_dkms_built_claims_in_a_guest
	dkms_uninstalls"

dkms_() {
	dkms "$1" -m vfiopolicy -v "$VERSION" -k "$REL" \
		--dkmstree "$TREE/dkms" --sourcetree "$TREE/usr/src" \
		--installtree "$TREE/lib/modules" "${@:2}" > "$TREE/log" 2>&1 &&
		return
	say "dkms $1 failed: $(tail -n 20 "$TREE/log" "$TREE"/dkms/*/*/build/make.log 2> /dev/null)"
	return 1
}

installed() {
	find "$TREE/lib" -name 'vfiopolicy.ko*' 2> /dev/null
}

make_lays_out_the_source() {
	mkdir -p "$TREE/dkms" "$TREE/lib/modules/$REL"
	make -s -C "$ROOT" dkms-install DESTDIR="$TREE" > /dev/null 2>&1 &&
		expect "its dkms.conf has the version" grep -q \
			"PACKAGE_VERSION=\"$VERSION\"" \
			"$TREE/usr/src/vfiopolicy-$VERSION/dkms.conf"
}

dkms_adds() {
	# Nothing is there to be mistaken for the result.
	same "modules before" "$(installed)" "" && dkms_ add &&
		expect "its state" grep -q "vfiopolicy.*added" \
			<(dkms status --dkmstree "$TREE/dkms" --sourcetree "$TREE/usr/src")
}

dkms_builds_without_a_warning() {
	dkms_ build && expect "no warning" \
		test -z "$(grep -i warning: "$TREE/dkms/vfiopolicy/$VERSION/$REL/x86_64/log/make.log")"
}

dkms_installs() {
	dkms_ install && same "modules installed" "$(installed | wc -l)" 1
}

version_is_the_same_everywhere() {
	same "version of the module" "$(modinfo -F version "$(installed)")" "$VERSION" &&
		same "version of the command" "$("$VP_BIN/vfiopolicy" --version)" \
			"vfiopolicy $VERSION"
}

what_dkms_built_claims_in_a_guest() {
	OUT=$("$HERE/vm/boot" -k "$VP_KERNEL" -a vfiopolicy.ids=1b36:0010 \
		-m nvme -m igb -m vfio-pci -m vfio_iommu_type1 -x "$(installed)" \
		-f "$VP_BIN/vpnl" -- "$HERE/boot_script.sh" 2>&1)
	same "drives of vfio-pci" \
		"$(grep -cE '^nvme .* vfio-pci node=yes' <<< "$OUT")" 3 || say "$OUT"
}

dkms_uninstalls() {
	dkms_ uninstall && same "modules left" "$(installed)" "" &&
		dkms_ remove &&
		same "state" "$(dkms status --dkmstree "$TREE/dkms" --sourcetree "$TREE/usr/src")" ""
}

at_end() {
	rm -rf "$TREE"
}

run_tests
