#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module comes and goes under those who use its family: a dump of which the
# rest is still to be read, many who listen, requests on their way. What is
# held is let go in the end and shown to have been what mattered; that the
# kernel has nothing to say of it is the guest's to see.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

LOADS=${VP_LOADS:-15}
# Enough that their dump takes several datagrams, and the socket has room for
# one or two.
RULES=1000
DIR=$(mktemp -d)
TELL=''

TESTS="half_read_dump_keeps_it_loaded
	half_read_dump_can_be_read_to_its_end
	listeners_do_not_keep_it_loaded
	listeners_of_before_hear_nothing
	who_joined_too_early_hears_nothing
	requests_on_their_way"

# hold VERB [COUNT]: what a test then tells and asks
hold() {
	local ready

	coproc HOLD { nlhold "$@"; }
	# Kept apart, for bash forgets them as soon as it ends.
	exec {TELL}>&"${HOLD[1]}" {HEAR}<&"${HOLD[0]}"
	eval "exec ${HOLD[1]}>&-"
	read -r ready <&"$HEAR"
	same "nlhold $*" "$ready" ready
}

# tell WORD: prints what it says to that
tell() {
	local answer

	echo "$1" >&"$TELL"
	read -r answer <&"$HEAR"
	echo "$answer"
}

# let_go: its exit status; the last it has to say is in LAST
let_go() {
	local pid=$HOLD_PID

	exec {TELL}>&-
	LAST=$(cat <&"$HEAR")
	exec {HEAR}<&-
	TELL=''
	wait "$pid"
}

after_each() {
	# What a test that failed midway still holds.
	[ -z "$TELL" ] || let_go
	unload
}

at_end() {
	rm -r "$DIR"
}

many_rules() {
	local i

	for ((i = 0; i < RULES; i++)); do
		printf 'hold dead:%x\n' $i
	done > "$DIR/rules"
	load && vpnl replace file "$DIR/rules" > /dev/null &&
		same rules "$(vpnl rules | wc -l)" $RULES
}

half_read_dump_keeps_it_loaded() {
	many_rules && hold dump || return 1
	expect "rmmod is refused" not rmmod vfiopolicy
	local ret=$?
	same "rules, still" "$(vpnl rules | wc -l)" $RULES &&
		let_go && rmmod vfiopolicy && [ $ret = 0 ]
}

half_read_dump_can_be_read_to_its_end() {
	many_rules && hold dump || return 1
	expect "rmmod is refused" not rmmod vfiopolicy &&
		same "rules read after it" "$(tell read)" $RULES &&
		rmmod vfiopolicy && let_go
}

# The socket is in the module's way only while it is asking.
listeners_do_not_keep_it_loaded() {
	load && hold join 64 && vpnl add "hold dead:1" > /dev/null &&
		same "events of 64" "$(tell heard)" "64 1 0" &&
		vpnl add "hold dead:2" > /dev/null && rmmod vfiopolicy &&
		let_go && load && same rules "$(vpnl rules)" ""
}

# Whatever the family's numbers are now: who had joined must join again.
listeners_of_before_hear_nothing() {
	load && hold join 64 && rmmod vfiopolicy && load &&
		vpnl add "hold dead:1" > /dev/null &&
		same "events of 64 of before" "$(tell heard)" "0 0 0" &&
		same "again" "$(tell anew)" anew &&
		vpnl add "hold dead:2" > /dev/null &&
		same "events of 64 of now" "$(tell heard)" "64 1 0" && let_go
}

# Groups that no family has yet are open to everyone; who has joined one stays.
who_joined_too_early_hears_nothing() {
	hold early 4 && load && vpnl add "hold dead:1" > /dev/null &&
		same "events of an ordinary user" "$(tell heard)" "0 0 0" &&
		let_go
}

# A dump that is just being read keeps it; the next try comes after it.
gone() {
	rmmod vfiopolicy 2> /dev/null
}

# The kernel starts modprobe for each look-up of what is not there; that would
# be all the guest does.
requests_on_their_way() {
	local i ret=0 modprobe

	read -r modprobe < /proc/sys/kernel/modprobe
	echo > /proc/sys/kernel/modprobe
	load 'rules="leave dead:ffff"' && hold ask 4 || return 1
	for ((i = 0; i < LOADS; i++)); do
		if ! until_true gone || ! load 'rules="leave dead:ffff"'; then
			say "failed: at the unloading number $i"
			ret=1
			break
		fi
	done
	let_go || ret=1
	echo "$modprobe" > /proc/sys/kernel/modprobe
	say "answered and refused: $LAST"
	expect "there were answers and refusals" grep -qE \
		'^[1-9][0-9]* [1-9][0-9]*$' <<< "$LAST" && [ $ret = 0 ]
}

not() {
	! "$@" 2> /dev/null
}

run_tests
