#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Random policies, one after the other: what apply --dry-run foretells of every
# device is what then happens, and what it does not speak of stays as it is.
# Control: of a policy that is not applied nothing comes true.
#
# VP_POLICIES: how many; VP_SEED: the seed of the first.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/command.sh
. "$(dirname "$0")/lib/command.sh"

FORETOLD=$(dirname "$0")/lib/foretold.py
POLICIES=${VP_POLICIES:-12}
SEED=${VP_SEED:-$RANDOM}
mapfile -t REAL < <(all_of 1b36:0010; all_of 8086:10c9)
[ ${#REAL[@]} -ge 2 ] || skip "needs two real devices"
[ -e "$SYS/${REAL[0]}/iommu_group" ] || skip "needs an IOMMU"
need_debugfs
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
insmod "$VP_MODULES/greedy.ko" domain=0x1000 bind=1 || skip "needs greedy drivers"
VFIOPOLICY_ROOT=$(mktemp -d)
export VFIOPOLICY_ROOT
DIR=$VFIOPOLICY_ROOT
RULES=$DIR/etc/vfiopolicy/rules.d
mkdir -p "$RULES"

TESTS="control_what_is_not_applied_does_not_come
	what_is_foretold_comes"

# Two slots of two functions, and one alone. They have no IOMMU groups: whether
# vfio takes a device of a made-up one is what no forecast can tell.
printf '%s\n' "define 1000:00:03.0 1234:0001" "define 1000:00:03.1 1234:0002" \
	"define 1000:00:04.0 1234:0001" "define 1000:00:04.1 1234:0003" \
	"define 1000:00:05.0 1234:0002" rescan > "$DIR/bus"
cat "$DIR/bus" > /sys/kernel/debug/testbus/control
DEVICES=()
for addr in "${REAL[@]}" 1000:00:03.0 1000:00:03.1 1000:00:04.0 1000:00:04.1 1000:00:05.0; do
	read -r vendor < "$SYS/$addr/vendor"
	read -r device < "$SYS/$addr/device"
	DEVICES+=("$addr=${vendor#0x}:${device#0x}")
	until_true test -e "$SYS/$addr/driver"
	echo "$addr $(driver_of "$addr")" >> "$DIR/native"
done

after_each() {
	unload
	rm -f "$RULES"/*
	for addr in "${REAL[@]}"; do
		until_true test -e "$SYS/$addr/driver"
	done
}

at_end() {
	rmmod greedy testbus
	rm -r "$DIR"
}

list_to() {
	vfiopolicy list -a -j > "$1"
}

is_as_foretold() {
	list_to "$DIR/now" &&
		"$FORETOLD" compare "$DIR/dry" "$DIR/before" "$DIR/native" \
			< "$DIR/now" > "$DIR/differences"
}

# foretell SEED: a policy is saved, and what it would do is in the file dry
foretell() {
	"$FORETOLD" rules "$1" "${DEVICES[@]}" > "$RULES/50-local.rules" &&
		list_to "$DIR/before" || return 1
	vfiopolicy apply -j --dry-run > "$DIR/dry" 2> "$DIR/said"
	FORETOLD_STATUS=$?
}

control_what_is_not_applied_does_not_come() {
	# shellcheck disable=SC2119 # no parameters
	load || return 1
	echo "hold 1000:00:03.0" > "$RULES/50-local.rules"
	list_to "$DIR/before"
	vfiopolicy apply -j --dry-run > "$DIR/dry"
	vpnl add "hold 1000:00:04.0" > "$DIR/answer"
	! is_as_foretold &&
		expect "both are told" test "$(wc -l < "$DIR/differences")" -ge 2
}

what_is_foretold_comes() {
	local i status refused=0

	# shellcheck disable=SC2119 # no parameters
	load || return 1
	for i in $(rounds "$POLICIES"); do
		foretell "$SEED.$i" || return 1
		vfiopolicy apply -j > "$DIR/did" 2> "$DIR/said"
		status=$?
		case $FORETOLD_STATUS in
		0 | 5) same "$SEED.$i: apply ends with" $status 0 || return 1 ;;
		*)
			refused=$((refused + 1))
			same "$SEED.$i: apply ends with" $status "$FORETOLD_STATUS" ||
				return 1
			continue
			;;
		esac
		until_true is_as_foretold && continue
		say "$SEED.$i is not as foretold:"
		say "$(sed ':a; N; $!ba; s/\n/\n# /g' "$DIR/differences" "$RULES/50-local.rules")"
		return 1
	done
	say "policies from $SEED.1 on: $i, refused: $refused"
	expect "most are not refused" test $((refused * 2)) -lt "$i"
}

run_tests
