#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The loaded module takes what the specification says, and nothing else; see
# spec_test.py.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

[ -e "$KSELFTEST/ynl/lib/nlspec.py" ] || skip "needs the kernel's YNL"
python3 -c 'import yaml' || skip "needs python3-yaml"
insmod "$VP_MODULES/vfiopolicy.ko" || exit 1
python3 -B "$(dirname "$0")/spec_test.py" "$KSELFTEST/ynl" \
	"$(dirname "$0")/../Documentation/netlink/specs/vfiopolicy.yaml"
