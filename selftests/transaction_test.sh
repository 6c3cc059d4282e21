#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# add, del and apply are transactions: killed before any of their writes, and with
# any of them failing as on a full disk, no file is half written or lost, and the
# same command again does what it should. And apply --confirm takes back what
# nobody confirms.
# Controls: so many calls there are that it is killed in; not killed it succeeds;
# confirmed it stays.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/command.sh
. "$(dirname "$0")/lib/command.sh"

PRELOAD=$VP_BIN/killat.so
[ -e "$PRELOAD" ] || skip "needs killat.so"
NVME=$(one_of 1b36:0010)
[ -n "$NVME" ] || skip "needs an NVMe"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
modprobe vfio-pci
VFIOPOLICY_ROOT=$(mktemp -d)
export VFIOPOLICY_ROOT
mkdir -p "$VFIOPOLICY_ROOT/etc" "$VFIOPOLICY_ROOT/run"
RULES=$VFIOPOLICY_ROOT/etc/vfiopolicy/rules.d
FILE=$RULES/50-local.rules
# ENOSPC
FULL=28

TESTS="killed_add_leaves_the_file_whole
	killed_del_leaves_the_file_whole
	killed_apply_leaves_the_kernel_as_before_or_after
	add_on_a_full_disk_changes_nothing
	del_on_a_full_disk_changes_nothing
	confirmed_in_time_it_stays
	unconfirmed_it_is_taken_back
	meanwhile_nobody_changes_anything
	what_is_left_of_a_killed_one_is_cleared_away"

after_each() {
	rm -rf "$RULES" "$VFIOPOLICY_ROOT/run/vfiopolicy"
	unload
	wait_driver "$NVME" nvme
}

at_end() {
	rm -r "$VFIOPOLICY_ROOT"
}

# What people wrote, and one rule of the command's.
OLD='# mine
hold dead:0001    # also mine
#: by the command
hold dead:0002'

start_with_old() {
	rm -rf "$RULES"
	mkdir -p "$RULES"
	printf '%s\n' "$OLD" > "$FILE"
	vpnl replace file <(printf 'hold dead:0001\nhold dead:0002\n') \
		> "$VFIOPOLICY_ROOT/null"
}

# shellcheck disable=SC2119 # no parameters
load_it() {
	load
}

# These are asked hundreds of times, so without other programs. All rules here are
# in their order.

# Rules in force that came from files, without their numbers, in IN_FORCE.
in_force() {
	local line

	IN_FORCE=''
	while read -r line; do
		[[ $line != *" file "* ]] || IN_FORCE+="${line#* file };"
	done < <(vpnl rules)
	return 0
}

# Rules of the file, whatever else is in it, in IN_FILE.
in_file() {
	local line

	IN_FILE=''
	while read -r line; do
		[[ ! $line =~ ^hold\ [0-9a-f:]+ ]] || IN_FILE+="${BASH_REMATCH[0]};"
	done < "$FILE"
}

# has_line LINE: the file has it, as it is
has_line() {
	[[ $'\n'$(< "$FILE")$'\n' == *$'\n'"$1"$'\n'* ]]
}

# at AT ERRNO WORD...: the command, in which the call of this number is the last,
# or fails where ERRNO is not empty. Its exit status. Of a process that is killed
# the shell would tell each time.
at() {
	local fails=()

	[ -z "$2" ] || fails=(KILL_ERRNO="$2")
	{
		env KILL_AT="$1" "${fails[@]}" LD_PRELOAD="$PRELOAD" vfiopolicy "${@:3}" \
			> "$VFIOPOLICY_ROOT/said" 2>&1
	} 2> "$VFIOPOLICY_ROOT/null"
}

# is_so WHEN RULES: in the file, and in force
is_so() {
	in_file
	in_force
	same "$1: the file" "$IN_FILE" "$2" && same "$1: in force" "$IN_FORCE" "$2"
}

# killed_at_each BEFORE AFTER WORD...: whatever the moment, the file has the rules of
# one of these, the kernel too, and the same command again ends with AFTER in both.
killed_at_each() {
	local before=$1 after=$2 n status

	shift 2
	for ((n = 1; n < 100; n++)); do
		start_with_old || return 1
		at $n "" "$@"
		status=$?
		expect "$n: what people wrote" has_line '# mine' &&
			expect "$n: and behind a rule" \
				has_line 'hold dead:0001    # also mine' || return 1
		in_file
		in_force
		case $IN_FILE in
		"$before" | "$after") ;;
		*) same "$n: the file" "$IN_FILE" "$before or $after" || return 1 ;;
		esac
		case $IN_FORCE in
		"$before" | "$after") ;;
		*) same "$n: in force" "$IN_FORCE" "$before or $after" || return 1 ;;
		esac
		[ $status = 137 ] || break
		# Whoever tries again gets what he wanted.
		vfiopolicy "$@" > "$VFIOPOLICY_ROOT/said" 2>&1
		vfiopolicy apply > "$VFIOPOLICY_ROOT/said" 2>&1
		is_so "$n, again" "$after" || return 1
	done
	say "killed before $((n - 1)) calls"
	same "exit status when it is not killed" $status 0 &&
		expect "it was killed often" test $n -gt 5 &&
		is_so "at last" "$after"
}

killed_add_leaves_the_file_whole() {
	load_it && killed_at_each "hold dead:0001;hold dead:0002;" \
		"hold dead:0001;hold dead:0002;hold dead:0003;" \
		add hold dead:0003 --absent-ok
}

killed_del_leaves_the_file_whole() {
	load_it && killed_at_each "hold dead:0001;hold dead:0002;" "hold dead:0001;" \
		del hold dead:0002
}

killed_apply_leaves_the_kernel_as_before_or_after() {
	local n status

	load_it || return 1
	for ((n = 1; n < 100; n++)); do
		start_with_old || return 1
		echo "hold dead:0003" >> "$FILE"
		at $n "" apply
		status=$?
		in_file
		in_force
		same "$n: the file" "$IN_FILE" \
			"hold dead:0001;hold dead:0002;hold dead:0003;" || return 1
		case $IN_FORCE in
		"hold dead:0001;hold dead:0002;") ;;
		"hold dead:0001;hold dead:0002;hold dead:0003;") ;;
		*) same "$n: in force" "$IN_FORCE" "before or after" || return 1 ;;
		esac
		[ $status = 137 ] || break
	done
	say "killed before $((n - 1)) calls"
	same "exit status when it is not killed" $status 0 &&
		expect "it was killed" test $n -gt 2 &&
		is_so "at last" "hold dead:0001;hold dead:0002;hold dead:0003;"
}

# full_at_each WORD...: a call that fails either makes the command fail and change
# nothing, or is one that need not succeed.
full_at_each() {
	local before after n status

	in_file
	before=$IN_FILE
	for ((n = 1; n < 100; n++)); do
		start_with_old || return 1
		at $n $FULL "$@"
		status=$?
		in_file
		in_force
		after=$IN_FILE
		expect "$n: what people wrote" has_line '# mine' || return 1
		same "$n: kernel and file" "$IN_FORCE" "$after" || return 1
		# 6: saved and in force, and only the next boot does not know of it.
		[ $status != 6 ] || expect "$n: the file has changed" \
			test "$after" != "$before" || return 1
		[ $status = 0 ] || [ $status = 6 ] || same "$n: it failed ($(< "$VFIOPOLICY_ROOT/said")), the file" \
			"$after" "$before" || return 1
		# Is there such a call at all?
		start_with_old || return 1
		at $n "" "$@"
		[ $? = 137 ] || break
	done
	say "failed $((n - 1)) calls"
	expect "many calls failed" test $n -gt 5
}

add_on_a_full_disk_changes_nothing() {
	load_it && start_with_old && full_at_each add hold dead:0003 --absent-ok
}

del_on_a_full_disk_changes_nothing() {
	load_it && start_with_old && full_at_each del hold dead:0002
}

# An isolated drive, whose rule the files have not any more.
isolated_and_dropped() {
	load_it && mkdir -p "$RULES" && echo "vfio $NVME" > "$FILE" &&
		run 0 apply && replug "$NVME" && wait_state "$NVME" isolated &&
		echo "hold dead:0001" > "$FILE"
}

confirmed_in_time_it_stays() {
	isolated_and_dropped && run 0 apply --confirm=600 &&
		says "vfiopolicy confirm" && wait_driver "$NVME" nvme &&
		run 0 confirm && says "confirmed" && run 3 confirm &&
		in_force && same "in force" "$IN_FORCE" "hold dead:0001;" && run 0 apply &&
		same driver "$(driver_of "$NVME")" nvme
}

is_as_before() {
	in_force
	[ "$IN_FORCE" = "vfio $NVME;" ]
}

# The session that began it is gone with all that was in it.
unconfirmed_it_is_taken_back() {
	isolated_and_dropped || return 1
	setsid bash -c 'vfiopolicy apply --confirm=3 > /dev/null; kill -9 -$$'
	expect "the rules are put back" until_true is_as_before &&
		wait_state "$NVME" isolated &&
		same "the file" "$(< "$FILE")" "hold dead:0001" &&
		expect "nothing is left" until_true test \
			! -e "$VFIOPOLICY_ROOT/run/vfiopolicy/taken-back" &&
		run 3 confirm && says "has been taken back"
}

meanwhile_nobody_changes_anything() {
	isolated_and_dropped && run 0 apply --confirm=600 &&
		run 2 apply && says "waits to be confirmed" &&
		run 2 add hold dead:0004 --absent-ok && says "waits to be confirmed" &&
		same "the file" "$(< "$FILE")" "hold dead:0001" &&
		run 0 confirm && run 0 add hold dead:0004 --absent-ok
}

what_is_left_of_a_killed_one_is_cleared_away() {
	isolated_and_dropped && run 0 apply --confirm=600 &&
		pkill -9 -f "apply --confirm=600" &&
		until_true run 3 confirm > "$VFIOPOLICY_ROOT/null" &&
		echo "hold dead:0005" >> "$FILE" && run 0 apply --confirm=600 &&
		run 2 apply && run 0 confirm
}

run_tests
