# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# For tests of the scripts of boot images, on a made-up host: results in KTAP, and a
# folder, $tmp, in which $root is that host. Sourced.

# shellcheck disable=SC2034 # for those who source this
share=$(cd "$(dirname "$0")" && pwd)/../share
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root
n=0
failed=0
# Of those that each shell has to have.
shell=''
echo "KTAP version 1"

result() # STATUS DESCRIPTION; what was said before it is in $tmp/said
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - ${shell:+$shell: }$2"
	else
		echo "not ok $n - ${shell:+$shell: }$2"
		sed 's/^/# said:  /' "$tmp/said"
		[ ! -e "$root/dev/kmsg" ] || sed 's/^/# kmsg:  /' "$root/dev/kmsg"
		failed=1
	fi
}

# An image has whatever shell its distribution puts there.
is_here()
{
	[ "$shell" = sh ] || command -v "${shell%% *}" > /dev/null
}
