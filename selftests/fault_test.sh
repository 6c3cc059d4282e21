#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Allocations of the module that fail, one after the other and then at random:
# what was asked for is done whole or refused whole, a device that appears is
# kept from its native driver, and what failed by itself is made good. Needs
# failslab, which the debug kernel has; there it is seen, too, whether an error
# path loses memory, uses it too late, or forgets a lock.
# Control: each list of failures ends with a try in which none was left to fail,
# and that one goes through.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

FAIL=/sys/kernel/debug/failslab
NVME=$(one_of 1b36:0010)
IGB=$(one_of 8086:10c9)
need_debugfs
[ -e $FAIL/require-start ] || skip "needs failslab and its stack filter"
[ -n "$NVME" ] || skip "needs an NVMe"
[ -n "$IGB" ] || skip "needs an igb"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
modprobe vfio-pci
DIR=$(mktemp -d)

TESTS="rule_add_is_whole_or_refused
	rule_del_is_whole_or_refused
	rule_replace_is_whole_or_refused
	dumps_are_whole_or_refused
	claim_is_whole_or_refused
	release_is_whole_or_refused
	device_that_appears_is_kept_from_its_driver
	work_that_fails_at_random_gets_there
	load_is_whole_or_refused"

# between START LENGTH: only what is asked for by code there, or by what that calls
between() {
	printf '%#x\n' "$1" > $FAIL/require-start
	printf '%#x\n' $(($1 + $2)) > $FAIL/require-end
}

# The module is not as long as that, and nothing else is near.
only_ours() {
	between "$(< /sys/module/vfiopolicy/sections/.text)" 0x40000
}

# range_of FUNCTION: of the kernel's own, to where the next one begins
range_of() {
	awk -v name="$1" '
		start { if ($1 != start) { print "0x" start, "0x" $1; exit } }
		!start && $2 ~ /[tT]/ && $3 == name { start = $1 }' /proc/kallsyms
}

# only_in FUNCTION
only_in() {
	local range

	range=$(range_of "$1")
	expect "the kernel has $1" [ -n "$range" ] &&
		between "${range% *}" $((${range#* } - ${range% *}))
}

# but_in FUNCTION COMMAND...: nothing fails there meanwhile
but_in() {
	local range

	range=$(range_of "$1")
	expect "the kernel has $1" [ -n "$range" ] || return 1
	echo "${range% *}" > $FAIL/reject-start
	echo "${range#* }" > $FAIL/reject-end
	"${@:2}"
	local ret=$?
	echo 0 > $FAIL/reject-start
	echo 0 > $FAIL/reject-end
	return $ret
}

everywhere() {
	echo 0 > $FAIL/probability
	echo 0 > $FAIL/require-start
	echo 0xffffffffffffffff > $FAIL/require-end
}

after_each() {
	everywhere
	unload
	wait_driver "$NVME" nvme
	wait_driver "$IGB" igb
}

at_end() {
	rm -r "$DIR"
}

echo 32 > $FAIL/stacktrace-depth
echo N > $FAIL/ignore-gfp-wait
echo N > $FAIL/cache-filter
echo 0 > $FAIL/verbose
echo -1 > $FAIL/times

# each_nth BEFORE AFTER COMMAND...: of this command the first allocation fails,
# then the second, and so on until there is none to fail. BEFORE has to be true
# whenever it was refused; AFTER when it was not, and undoes it. FAILED is how
# many there were, REFUSED how many of them were not made good. WORD: what a refusal
# has in it.
each_nth() {
	local before=$1 after=$2 out status left

	shift 2
	FAILED=0 REFUSED=0
	while [ $FAILED -lt 300 ]; do
		out=$(failnth "$DIR/left" $((FAILED + 1)) "$@" 2>&1)
		status=$?
		left=$(< "$DIR/left")
		if [ $status != 0 ]; then
			expect "failure $((FAILED + 1)) is said to be one of memory: $out" \
				grep -qiE "${WORD:-memory}" <<< "$out" &&
				expect "as before failure $((FAILED + 1))" "$before" || return 1
			REFUSED=$((REFUSED + 1))
		else
			expect "done whole, failure $((FAILED + 1))" "$after" "$out" || return 1
		fi
		if [ "$left" -gt 0 ]; then
			say "$*: $FAILED failures, $REFUSED refused"
			expect "it goes through in the end" test $status = 0
			return
		fi
		FAILED=$((FAILED + 1))
	done
	say "failed: there is no end to it"
	return 1
}

# The rules without their numbers.
rules_are() {
	same rules "$(vpnl rules | cut -d' ' -f 3-)" "$1"
}

no_rules() {
	rules_are ""
}

added() {
	rules_are "hold 10de:1b39" && vpnl del "hold 10de:1b39"
}

rule_add_is_whole_or_refused() {
	load && only_ours && each_nth no_rules added vpnl add "hold 10de:1b39" &&
		expect "refused ones" test "$REFUSED" -ge 3
}

one_rule() {
	rules_are "hold 10de:1b39"
}

deleted() {
	no_rules && vpnl add "hold 10de:1b39" > /dev/null
}

rule_del_is_whole_or_refused() {
	load 'rules="hold 10de:1b39"' && only_ours &&
		each_nth one_rule deleted vpnl del "hold 10de:1b39" &&
		expect "refused ones" test "$REFUSED" -ge 1
}

# The device has its driver: a record is made of it, or there is no memory for
# one, and the driver keeps it either way.
replaced() {
	rules_are "leave 10de:1b3a
hold 10de:1b39
vfio $NVME" && same driver "$(driver_of "$NVME")" nvme &&
		vpnl replace file /dev/null > /dev/null && wait_state "$NVME" none
}

rule_replace_is_whole_or_refused() {
	printf '%s\n' "leave 10de:1b3a" "hold 10de:1b39" "vfio $NVME" > "$DIR/rules"
	load && only_ours &&
		each_nth no_rules replaced vpnl replace file "$DIR/rules" &&
		expect "refused ones" test "$REFUSED" -ge 5
}

as_without_failure() {
	same answer "$1" "$WHOLE"
}

# Some have no allocation of their own: the core gives them their buffers.
dumps_are_whole_or_refused() {
	local what

	load "rules=\"vfio $IGB; hold $NVME; hold 10de:1b39\"" && replug "$NVME" "$IGB" &&
		wait_state "$NVME" held && wait_state "$IGB" isolated && only_ours ||
		return 1
	for what in rules devs groups stats info "dev $NVME"; do
		# shellcheck disable=SC2086 # words
		WHOLE=$(vpnl $what) &&
			each_nth true as_without_failure vpnl $what || return 1
	done
}

# Devices that are made up, and so have no driver that takes its time.
made_up() {
	insmod "$VP_MODULES/testbus.ko" &&
		printf '%s\n' "define 1000:00:05.0 1234:5678" rescan \
			> /sys/kernel/debug/testbus/control &&
		load 'rules="hold 1234:5678"' && wait_state 1000:00:05.0 held
}

is_held() {
	same state "$(dev 1000:00:05.0 state)" held
}

is_released() {
	same state "$(dev 1000:00:05.0 state)" released
}

released() {
	wait_state 1000:00:05.0 released && vpnl claim 1000:00:05.0 > /dev/null &&
		wait_state 1000:00:05.0 held
}

claimed() {
	wait_state 1000:00:05.0 held && vpnl release 1000:00:05.0 > /dev/null &&
		wait_state 1000:00:05.0 released
}

claim_is_whole_or_refused() {
	local ret=0

	made_up && vpnl release 1000:00:05.0 > /dev/null &&
		wait_state 1000:00:05.0 released && only_ours &&
		each_nth is_released claimed vpnl claim 1000:00:05.0 &&
		expect "refused ones" test "$REFUSED" -ge 1 || ret=1
	rmmod vfiopolicy testbus && return $ret
}

release_is_whole_or_refused() {
	local ret=0

	made_up && only_ours &&
		each_nth is_held released vpnl release 1000:00:05.0 &&
		expect "refused ones" test "$REFUSED" -ge 1 || ret=1
	rmmod vfiopolicy testbus && return $ret
}

# The notification runs in the task that asks for the rescan.
device_that_appears_is_kept_from_its_driver() {
	local n left=0

	load "rules=\"hold $NVME\"" && only_ours && replug "$NVME" &&
		wait_state "$NVME" held || return 1
	for ((n = 1; n < 50 && left == 0; n++)); do
		echo 1 > "$SYS/$NVME/remove"
		wait_state "$NVME" none || return 1
		failnth "$DIR/left" $n sh -c 'echo 1 > /sys/bus/pci/rescan' || return 1
		left=$(< "$DIR/left")
		# Without a record there is only the override.
		expect "nvme has it not, failure $n" \
			test "$(driver_of "$NVME")" != nvme &&
			same "override, failure $n" "$(override_of "$NVME")" vfiopolicy ||
			return 1
	done
	say "$((n - 2)) failures"
	expect "some failed" test $n -gt 3 && wait_state "$NVME" held
}

work_that_fails_at_random_gets_there() {
	local again

	load "rules=\"vfio $IGB; hold $NVME\"" && only_ours || return 1
	for again in 1 2 3; do
		echo 30 > $FAIL/probability
		replug "$IGB" "$NVME"
		vpnl add "vfio 10de:1b39" > /dev/null 2>&1
		vpnl devs > /dev/null 2>&1
		vpnl del "vfio 10de:1b39" > /dev/null 2>&1
		# The work items of both have their chance to fail.
		read -rt 3 -u "$REST" || :
		echo 0 > $FAIL/probability
		expect "nobody else has them, $again" test "$(driver_of "$IGB")" != igb -a \
			"$(driver_of "$NVME")" != nvme || return 1
		replug "$IGB" "$NVME"
		wait_state "$IGB" isolated && wait_state "$NVME" held || return 1
	done
}

not_there() {
	expect "no module" test ! -d /sys/module/vfiopolicy
}

loaded() {
	detect_note_load
	rules_are "hold 10de:1b39
vfio 8086:10c9" && rmmod vfiopolicy
}

# refused_in FUNCTION: all that is asked for below it; what is said twice is kept once
refused_in() {
	only_in "$1" && each_nth not_there loaded insmod "$VP_MODULES/vfiopolicy.ko" \
		"rules=\"hold 10de:1b39\"" ids=8086:10c9 "rules=\"hold 10de:1b39\"" &&
		expect "refused in $1" test "$REFUSED" -ge 3
}

# Its parameters, and its init, with all that the kernel does for it there. Where that
# gets no folder for a driver it says EINVAL, and nothing else may.
load_is_whole_or_refused() {
	refused_in parse_args && but_in module_add_driver refused_in do_one_initcall &&
		WORD='memory|invalid parameters' refused_in module_add_driver
}

run_tests
