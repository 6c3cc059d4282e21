#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A million messages to the family, most of them with something wrong, while
# rules name made-up devices: see nlfuzz.c, which looks at the answers. Here is
# looked at what is left behind.
#
# VP_MESSAGES: how many messages; VP_SECONDS: how long at most, in which an emulated
# processor sends several times as many; VP_SEED: a seed, to do the same again.
# The debug kernel has fewer, unless it is told otherwise.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

MILLION=1000000 CHANGES=100000 SAMPLE=20000
[ -z "${VP_SLOW:-}" ] || MILLION=20000 CHANGES=5000 SAMPLE=1000
MESSAGES=${VP_MESSAGES:-$MILLION}
LONGEST=${VP_SECONDS:-$((400 * ${VP_SLOW:-1}))}
SEED=${VP_SEED:-$RANDOM$RANDOM}
KLOG=$(dirname "$0")/vm/klog
# What memory may be gone afterwards, in kB: five times as much as comes and goes
# by itself.
MAY_BE_GONE=1024

need_debugfs
insmod "$VP_MODULES/testbus.ko" silent=1 || skip "needs the test bus"
DIR=$(mktemp -d)
# Each claim is a line, and the console is what an emulated guest is slowest at.
read -r PRINTK < /proc/sys/kernel/printk
echo 5 > /proc/sys/kernel/printk

TESTS="control_the_same_seed_sends_the_same
	every_answer_is_as_it_should_be
	so_when_rules_change_all_the_time
	it_still_answers
	a_rule_still_holds_its_device
	no_memory_is_lost
	the_log_is_clean
	it_unloads"

# Behind one port; the second slot in a group that has no IOMMU.
make_bus() {
	local f

	echo "define 1000:00:01.0 1b36:000c bus=01 port=up"
	for f in {0..7}; do
		echo "define 1000:01:00.$f 1234:5678"
		echo "define 1000:01:01.$f 1234:5679 group=1"
		echo "define 1000:01:02.$f 1234:567a class=120000 dsn=00112233445566$f$f"
	done
	echo rescan
}
make_bus > "$DIR/bus"
cat "$DIR/bus" > /sys/kernel/debug/testbus/control || skip "the bus"

at_end() {
	unload
	rmmod testbus
	rm -r "$DIR"
	echo "$PRINTK" > /proc/sys/kernel/printk
}

# fuzz NAME OPTION...: what it says is in NAME
fuzz() {
	nlfuzz "${@:2}" > "$DIR/$1" 2>&1 && return 0
	sed 's/^/# /' "$DIR/$1"
	return 1
}

# digest_of SEED
digest_of() {
	fuzz digest -n $SAMPLE -s "$1" >&2 && sed -n 's/^digest: //p' "$DIR/digest"
}

# Also what first has to be there, before memory is looked at.
control_the_same_seed_sends_the_same() {
	local first

	[ -d /sys/module/vfiopolicy ] || insmod "$VP_MODULES/vfiopolicy.ko" || return 1
	first=$(digest_of "$SEED")
	expect "a digest ($first)" test -n "$first" &&
		same "digest of the same seed" "$(digest_of "$SEED")" "$first" &&
		expect "another one of another seed" \
			test "$(digest_of $((SEED + 1)))" != "$first"
}

# In kB: what is the kernel's own and cannot be had back.
kernel_memory() {
	local name size _ sum=0

	echo 3 > /proc/sys/vm/drop_caches
	while read -r name size _; do
		case $name in
		SUnreclaim: | VmallocUsed: | PageTables: | KernelStack: | Percpu:)
			sum=$((sum + size)) ;;
		esac
	done < /proc/meminfo
	echo $sum
}

every_answer_is_as_it_should_be() {
	log_mark
	BEFORE=$(kernel_memory)
	fuzz million -n "$MESSAGES" -s "$SEED" -t "$LONGEST" || return 1
	sed 's/^/# /' "$DIR/million"
}

so_when_rules_change_all_the_time() {
	fuzz changes -c -n $CHANGES -s "$SEED" -t "$LONGEST" || return 1
	sed 's/^/# /' "$DIR/changes"
}

it_still_answers() {
	local info

	expect "no device is left" until_true no_device || return 1
	info=$(vpnl info)
	expect "plain counts ($info)" \
		grep -q " rules=0 bad=0 devices=0 disabled=0" <<< "$info " &&
		same "rules" "$(vpnl rules)" "" && same "devices" "$(vpnl devs)" ""
}

no_device() {
	[[ "$(vpnl info) " == *" devices=0 "* ]]
}

a_rule_still_holds_its_device() {
	vpnl add "hold 1000:01:02.7" > "$DIR/answer" &&
		wait_state 1000:01:02.7 held && vpnl del "hold 1000:01:02.7" &&
		wait_state 1000:01:02.7 none && wait_driver 1000:01:02.7 -
}

memory_is_back() {
	AFTER=$(kernel_memory)
	[ $((AFTER - BEFORE)) -lt $MAY_BE_GONE ]
}

# Workers that a long storm began stay for five minutes, with their stacks.
# A kernel that can tell what is lost keeps for long what is freed.
no_memory_is_lost() {
	local leaks=/sys/kernel/debug/kmemleak try ret=1

	if [ ! -e $leaks ]; then
		for try in {1..6}; do
			until_true memory_is_back && ret=0 && break
			say "minute $try: $((AFTER - BEFORE)) kB more"
		done
		say "kernel memory: $BEFORE kB before, $AFTER kB after"
		expect "less than $MAY_BE_GONE kB more" test $ret = 0
		return
	fi
	# Twice: what is found once may be on its way.
	echo scan > $leaks && echo scan > $leaks && same leaks "$(< $leaks)" ""
}

the_log_is_clean() {
	local complaints

	log_since > "$DIR/log"
	complaints=$("$KLOG" complaints "$DIR/log")
	same "complaints of the kernel" "$complaints" ""
}

it_unloads() {
	rmmod vfiopolicy && expect "gone" test ! -d /sys/module/vfiopolicy
}

run_tests
