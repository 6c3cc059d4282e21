#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# As much as there may be: 4,096 rules for 4,096 devices, each rule for one, of
# every kind that names one; and a rule that is as long as rules may be.
# Controls: one more, or one byte more, is refused and changes nothing.
# On the debug kernel, where each claim takes long, of 4,096 rules 512 have a
# device.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

need_debugfs
DOMAINS=16
[ -z "${VP_SLOW:-}" ] || DOMAINS=2
insmod "$VP_MODULES/testbus.ko" domains=$DOMAINS silent=1 || skip "needs the test bus"
CONTROL=/sys/kernel/debug/testbus/control
DIR=$(mktemp -d)
# Each claim is a line, and the console is what an emulated guest is slowest at.
read -r PRINTK < /proc/sys/kernel/printk
echo 5 > /proc/sys/kernel/printk

TESTS="control_the_devices_are_there
	each_of_4096_rules_holds_its_device
	dumps_are_whole_while_devices_come_and_go
	one_rule_more_is_refused
	unload_leaves_them_without_a_driver
	all_in_one_message
	one_more_in_a_message_changes_nothing
	none_in_a_message_gives_all_back
	longest_rule_holds
	one_byte_more_is_refused
	more_rules_in_a_parameter_are_dropped"

# By address: sixteen domains, each with a full bus behind one port.
A=(10{0{0..9},0{a..f}}:01:{0,1}{{0..9},{a..f}}.{0..7})
COUNT=$((DOMAINS * 256))
A=("${A[@]:0:COUNT}")
LAST=$((COUNT - 1))
# As many device ids.
ID=(2{{0..9},{a..f}}{{0..9},{a..f}}{{0..9},{a..f}})
RULE=()

make_bus() {
	local i a

	for i in "${!A[@]}"; do
		a=${A[i]}
		[[ $a != *:00.0 ]] || echo "define ${a%%:*}:00:01.0 1b36:000c bus=01 port=up"
		echo "define $a 1234:${ID[i]} dsn=aabbccddeeff${ID[i]}"
		case $((i % 4)) in
		0) RULE+=("hold $a 1234:${ID[i]}") ;;
		1) RULE+=("hold at=${a%%:*}:00:01.0/${a##*:}") ;;
		2) RULE+=("hold 1234:${ID[i]}") ;;
		3) RULE+=("hold dsn=aa-bb-cc-dd-ee-ff-${ID[i]:0:2}-${ID[i]:2}") ;;
		esac
	done > "$DIR/bus"
	echo rescan >> "$DIR/bus"
	for ((i = COUNT; i < 4096; i++)); do
		RULE+=("hold 4320:${ID[i]}")
	done
	printf '%s\n' "${RULE[@]}" > "$DIR/rules"
	cat "$DIR/bus" > $CONTROL
}
make_bus || skip "the bus"

# For a sense of it: how long what follows takes.
timed() {
	local start=$EPOCHREALTIME ret

	"${@:2}"
	ret=$?
	say "$1: $(((${EPOCHREALTIME/./} - ${start/./}) / 1000)) ms"
	return $ret
}

at_end() {
	clear_away
	rmmod testbus
	rm -r "$DIR"
	echo "$PRINTK" > /proc/sys/kernel/printk
}

# The module, and what it left on made-up functions, for which there is no other
# driver.
clear_away() {
	local file

	[ -d /sys/module/vfiopolicy ] || return 0
	rmmod vfiopolicy || return 1
	while read -r file; do
		echo > "$file"
	done < <(grep -lx vfiopolicy "$SYS"/*/driver_override)
}

fresh() {
	clear_away && timed "loading" load "$@"
}

# An argument may have 128 KiB.
load_all() {
	local n=1024

	(
		IFS=';'
		load "rules=\"${RULE[*]:0:n}\"" "rules=\"${RULE[*]:n:n}\"" \
			"rules=\"${RULE[*]:2 * n:n}\"" "rules=\"${RULE[*]:3 * n}\""
	)
}

# all_held WHAT [FIRST]: every device once, each by its own rule, of which the
# first has this number
all_held() {
	local first=${2:-1} i want=() got

	for i in "${!A[@]}"; do
		want+=("${A[i]} held none $((first + i))")
	done
	mapfile -t got < <(vpnl settled "$PATIENCE" 2>&1)
	got=("${got[@]% *}")
	[ "${got[*]}" = "${want[*]}" ] && return 0
	say "failed: $1: ${#got[@]} devices; got is <, expected is >:"
	diff <(printf '%s\n' "${got[@]}") <(printf '%s\n' "${want[@]}") |
		grep '^[<>]' | sed 's/^/# /' | head -n 8
	return 1
}

control_the_devices_are_there() {
	local there=("$SYS"/10*:01:*) drivers=("$SYS"/10*:01:*/driver)

	same "number of devices" "${#there[@]}" "$COUNT" &&
		same "of rules" "${#RULE[@]}" 4096 &&
		same "drivers of them" "${drivers[*]##*/10}" "*:01:*/driver"
}

each_of_4096_rules_holds_its_device() {
	timed "loading with 4,096 rules" load_all && timed "settling" all_held load &&
		expect "info counts" grep -q "rules=4096 bad=0 devices=$COUNT" <(vpnl info) &&
		same "the rules" "$(vpnl rules | cut -d' ' -f3- | cksum)" \
			"$(cksum < "$DIR/rules")"
}

# The last bus comes and goes; the others are in every dump, once each. The
# control: dumps of a time without changes are not said to be interrupted.
dumps_are_whole_while_devices_come_and_go() {
	local bus=${A[LAST]%:*} port=${A[LAST]%%:*}:00:01.0 ret=0 answer i

	: > "$DIR/stop"
	answer=$(vpnl dumps "$DIR/stop" none) || return 1
	same "a quiet dump" "$answer" "dumps=1 interrupted=0 devices=$COUNT" || return 1
	rm "$DIR/stop"
	vpnl dumps "$DIR/stop" "$bus" > "$DIR/answer" 2>&1 &
	for i in 1 2; do
		echo 1 > "$SYS/$port/remove" &&
			expect "info counts" grep -q "devices=$((COUNT - 256))" <(vpnl info) &&
			echo 1 > /sys/bus/pci/rescan &&
			wait_state "${A[LAST]}" held || ret=1
	done
	: > "$DIR/stop"
	wait $! || ret=1
	say "$(cat "$DIR/answer")"
	expect "some were interrupted" \
		grep -q "interrupted=[1-9][0-9]* devices=$((COUNT - 256))" "$DIR/answer" &&
		all_held "after that" && return $ret
}

one_rule_more_is_refused() {
	local answer

	answer=$(vpnl add "hold 4321:0001" 2>&1)
	same "exit status" $? 2 &&
		expect "why ($answer)" grep -q "No space left on device: .*4096" <<< "$answer" &&
		expect "info counts" grep -q "rules=4096" <(vpnl info) &&
		vpnl del "${RULE[LAST]}" && wait_state "${A[LAST]}" none &&
		vpnl add "${RULE[LAST]}" > "$DIR/answer" &&
		wait_state "${A[LAST]}" held
}

unload_leaves_them_without_a_driver() {
	local overrides

	timed "unloading" rmmod vfiopolicy || return 1
	overrides=$(grep -lx vfiopolicy "$SYS"/*/driver_override | wc -l)
	load && clear_away && same "overrides that stay" "$overrides" "$COUNT"
}

all_in_one_message() {
	local answer

	fresh || return 1
	answer=$(timed "replacing" vpnl replace file "$DIR/rules") &&
		say "${answer#*# }" && all_held replace &&
		same answer "${answer%%$'\n'*}" "origin=file count=4096 changed=4096" || return 1
	# Those that are there keep their numbers, whatever the order.
	tac "$DIR/rules" > "$DIR/backwards"
	answer=$(timed "replacing by the same" vpnl replace file "$DIR/backwards") &&
		say "${answer#*# }" && all_held backwards &&
		same answer "${answer%%$'\n'*}" "origin=file count=4096 changed=0" &&
		same "the first rule now" "$(vpnl rules | head -n 1)" \
			"4096 file ${RULE[4095]}"
}

one_more_in_a_message_changes_nothing() {
	local answer before

	before=$(vpnl rules | cksum)
	{ cat "$DIR/rules"; echo "hold 4321:0001"; } > "$DIR/more"
	answer=$(vpnl replace file "$DIR/more" 2>&1)
	same "exit status" $? 2 &&
		expect "why ($answer)" grep -q "No space left on device: .*4096" <<< "$answer" &&
		same "the rules" "$(vpnl rules | cksum)" "$before" && all_held "after it"
}

none_in_a_message_gives_all_back() {
	local drivers

	same answer "$(vpnl replace file /dev/null)" \
		"origin=file count=0 changed=4096" &&
		same "devices" "$(timed "giving back" vpnl settled "$PATIENCE" | grep -v '^#')" "" &&
		drivers=("$SYS"/10*:01:*/driver) &&
		same "drivers of them" "${drivers[*]##*/10}" "*:01:*/driver" &&
		same "overrides" "$(grep -lx vfiopolicy "$SYS"/*/driver_override)" ""
}

# long_rule LENGTH: LONG, of that length, which holds the first device
long_rule() {
	local bridges i

	printf -v bridges '/00.%s' {0..7} {0..5}
	LONG="hold 1234:${ID[0]}"
	for ((i = 0; i < 5; i++)); do
		LONG+=" except=at=1000:00:1$i.0$bridges"
	done
	LONG+=" name="
	while [ ${#LONG} -lt "$1" ]; do
		LONG+=x
	done
}

longest_rule_holds() {
	long_rule 511
	fresh && same "length" ${#LONG} 511 &&
		same "added" "$(vpnl add "$LONG")" "1 runtime $LONG" &&
		wait_state "${A[0]}" held && vpnl del "$LONG" &&
		wait_state "${A[0]}" none &&
		same "replaced" "$(vpnl replace file - <<< "$LONG")" \
			"origin=file count=1 changed=1" &&
		same "listed" "$(vpnl rules)" "2 file $LONG" &&
		wait_state "${A[0]}" held && fresh "rules=\"$LONG\"" &&
		same "listed" "$(vpnl rules)" "1 cmdline $LONG" &&
		wait_state "${A[0]}" held
}

# refused HOW COMMAND...
refused() {
	local answer

	answer=$("${@:2}" 2>&1)
	same "exit status, $1" $? 2 &&
		expect "why, $1 ($answer)" grep -q ": .*[[:alpha:]]" <<< "${answer#vpnl: }" &&
		same "the rules, $1" "$(vpnl rules)" ""
}

one_byte_more_is_refused() {
	long_rule 512
	fresh && same "length" ${#LONG} 512 &&
		refused "in add" vpnl add "$LONG" &&
		refused "in replace" vpnl replace file - <<< "$LONG" || return 1
	# Short enough to be read, but not in its canonical form.
	long_rule 511
	LONG=${LONG/hold 1234:/hold 0123:}x
	LONG=${LONG/ 0123:/ 123:}
	same "length" ${#LONG} 511 && refused "canonical" vpnl add "$LONG" || return 1
	long_rule 512
	log_mark
	fresh "rules=\"$LONG; hold 1234:${ID[1]}\"" &&
		expect "info counts" grep -q "rules=1 bad=1" <(vpnl info) &&
		expect "the log has it to its end" grep -qF "at '${LONG#hold }'" \
			<(log_since) &&
		wait_state "${A[1]}" held
}

# Of these all but the first hold nothing: what thousands of claims say would
# push the line out of the log.
more_rules_in_a_parameter_are_dropped() {
	local rules

	printf -v rules ';hold 4321:%04x' {1..4097}
	log_mark
	fresh "rules=\"hold 1234:${ID[0]}$rules\"" &&
		expect "info counts" grep -q "rules=4096 bad=2" <(vpnl info) &&
		expect "the log says so" grep -q "2 rules .*4096" <(log_since) &&
		wait_state "${A[0]}" held
}

run_tests
