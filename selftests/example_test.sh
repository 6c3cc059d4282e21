#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The examples of Documentation/netlink: one in C with libnl, one in Python with
# the kernel's own client (YNL), and that client's command. What they say is
# checked against what vpnl says, which talks to the family by itself.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

read -ra TWINS <<< "$(all_of 1b36:0010 | tr '\n' ' ')"
IGB=$(one_of 8086:10c9)
[ "${#TWINS[@]}" -ge 2 ] || skip "needs two NVMe"
[ -e "$SYS/$IGB/iommu_group" ] || skip "needs an igb and an IOMMU"
ROOT=$(realpath "$(dirname "$0")/..")
SPEC=$ROOT/Documentation/netlink/specs/vfiopolicy.yaml
EXAMPLE=$VP_BIN/nl_example
DIR=$(mktemp -d)
# Gone when the test is, whatever it was waiting for.
FOLLOWER=''

TESTS="without_the_module_it_says_so
	lists_what_is_not_isolated_and_why
	asks_for_one_device
	a_refusal_has_the_kernels_words
	follows_events
	a_loss_is_noticed_and_made_good
	events_are_not_for_everybody
	ynl_command
	ynl_command_refused
	ynl_library_lists_and_follows
	ynl_library_makes_a_loss_good"

after_each() {
	[ -z "$FOLLOWER" ] || end_follower
	unload
	wait_driver "$IGB" igb && wait_driver "${TWINS[0]}" nvme
}

at_end() {
	rm -r "$DIR"
}

cli() {
	python3 "$KSELFTEST/ynl/cli.py" --spec "$SPEC" --no-schema "$@"
}

# library EVENTS
library() {
	PYTHONPATH=$KSELFTEST/ynl python3 "$ROOT/Documentation/netlink/example.py" \
		"$SPEC" "$@"
}

# has TEXT FILE: as a fixed string
has() {
	grep -qF -- "$1" "$2" && return
	say "failed: '$1' is not in:"
	sed 's/^/# /' "$2"
	return 1
}

# What it says is in a file; the first line is there when it listens.
follow() {
	: > "$DIR/events"
	"$@" >> "$DIR/events" 2> "$DIR/errors" &
	FOLLOWER=$!
	until_true test -s "$DIR/events" && return
	say "failed: nothing from $*: $(< "$DIR/errors")"
	return 1
}

end_follower() {
	kill -CONT "$FOLLOWER"
	kill "$FOLLOWER"
	wait "$FOLLOWER"
	FOLLOWER=''
} 2> /dev/null

# followed: it has ended by itself, and well
followed() {
	local status

	until_true ended && wait "$FOLLOWER"
	status=$?
	FOLLOWER=''
	same "how it ended ($(< "$DIR/errors"))" $status 0
}

# shellcheck disable=SC2317 # by way of until_true
ended() {
	! kill -0 "$FOLLOWER" 2> /dev/null || ! jobs -rp | grep -q "$FOLLOWER"
}

without_the_module_it_says_so() {
	"$EXAMPLE" 2> "$DIR/errors"
	same "exit status" $? 3 && has "is the module loaded?" "$DIR/errors" || return 1
	library 0 2> "$DIR/errors"
	same "exit status" $? 1 && has "not supported by the kernel" "$DIR/errors"
}

# One that nvme has, one that is held, one that is isolated.
some_devices() {
	load "rules=\"vfio ${TWINS[0]}\"" && wait_state "${TWINS[0]}" native &&
		vpnl add "hold ${TWINS[1]}" > "$DIR/answer" &&
		wait_state "${TWINS[1]}" native && replug "${TWINS[1]}" &&
		wait_state "${TWINS[1]}" held &&
		vpnl add "vfio $IGB" > "$DIR/answer" && wait_state "$IGB" native &&
		replug "$IGB" && wait_state "$IGB" isolated
}

lists_what_is_not_isolated_and_why() {
	some_devices && "$EXAMPLE" | sort > "$DIR/list" || return 1
	sed 's/^/# /' "$DIR/list"
	same "the list" "$(< "$DIR/list")" \
		"${TWINS[0]}  native: native-driver, driver nvme, rule 'vfio ${TWINS[0]}'
${TWINS[1]}  held, driver vfiopolicy, rule 'hold ${TWINS[1]}'"
}

asks_for_one_device() {
	some_devices && same "one" "$("$EXAMPLE" "$IGB")" \
		"$IGB  isolated, driver vfio-pci, rule 'vfio $IGB'"
}

a_refusal_has_the_kernels_words() {
	load || return 1
	"$EXAMPLE" "$IGB" 2> "$DIR/errors"
	same "exit status" $? 2 && has "No such device: no rule names a device at $IGB" \
		"$DIR/errors" || return 1
	"$EXAMPLE" 0123456789012345678901234567890123456789 2> "$DIR/errors"
	same "exit status" $? 2 && has "refused: " "$DIR/errors" &&
		has "policy" "$DIR/errors"
}

# From the bus to vfio-pci; and it ends after as many as it was told.
follows_events() {
	local way

	load "rules=\"vfio ${TWINS[0]}\"" && wait_state "${TWINS[0]}" native &&
		follow "$EXAMPLE" -n 1000000 && vpnl add "vfio $IGB" > "$DIR/answer" &&
		wait_state "$IGB" native && replug "$IGB" &&
		until_true grep -q "$IGB .*-> isolated" "$DIR/events" || return 1
	sed 's/^/# /' "$DIR/events"
	has "rule added: vfio $IGB" "$DIR/events" || return 1
	way=$(sed -n "s/^event [0-9]*: $IGB  \(.* -> \)\?\([a-z-]*\).*/\2/p" \
		"$DIR/events" | tr '\n' ' ')
	same "its way" "gone ${way#*gone }" "gone matched held handing-off isolated " &&
		end_follower && follow "$EXAMPLE" -n 2 &&
		vpnl add "hold dead:beef" > "$DIR/answer" && vpnl del "hold dead:beef" &&
		followed && same "events of two" "$(grep -c "^event" "$DIR/events")" 2
}

# lose: more events than the buffer of a socket holds, for one who does not read
lose() {
	local i

	kill -STOP "$FOLLOWER"
	for i in {0..3999}; do
		printf 'hold fffe:%04x\n' "$i"
	done > "$DIR/rules"
	vpnl replace file "$DIR/rules" > "$DIR/answer" &&
		vpnl replace file /dev/null > "$DIR/answer" &&
		kill -CONT "$FOLLOWER"
}

# The list again, then the events after it, of which the next is seen.
a_loss_is_noticed_and_made_good() {
	local before

	some_devices && follow "$EXAMPLE" -n 1000000 || return 1
	before=$(grep -cF "${TWINS[1]}  held" "$DIR/events")
	same "times in the list before" "$before" 1 && lose &&
		until_true has_lines 2 "${TWINS[1]}  held" &&
		has "events were lost" "$DIR/errors" &&
		vpnl add "hold dead:beef" > "$DIR/answer" &&
		until_true grep -qF "rule added: hold dead:beef" "$DIR/events" &&
		same "of the last events of the loss" \
			"$(grep -cF "rule deleted: hold fffe:0f9f" "$DIR/events")" 0
}

has_lines() {
	[ "$(grep -cF -- "$2" "$DIR/events")" -ge "$1" ]
}

events_are_not_for_everybody() {
	some_devices || return 1
	chmod 755 "$DIR"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$EXAMPLE" > "$DIR/list" &&
		same "lines of the list" "$(wc -l < "$DIR/list")" 2 || return 1
	timeout "$PATIENCE" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$EXAMPLE" -n 1 > "$DIR/list" 2> "$DIR/errors"
	same "exit status" $? 2 && has "CAP_SYS_ADMIN" "$DIR/errors"
}

ynl_command() {
	some_devices || return 1
	cli --dump dev-get --output-json > "$DIR/json" || return 1
	sed 's/^/# /' "$DIR/json"
	same "devices" "$(python3 - "$DIR/json" <<- 'END'
		import json, sys
		for dev in sorted(json.load(open(sys.argv[1])), key=lambda d: d['address']):
		    print(dev['address'], dev['state'], dev.get('reason', 'none'))
	END
	)" "$(vpnl settled "$PATIENCE" | cut -d' ' -f1-3)"
}

ynl_command_refused() {
	load || return 1
	cli --do rule-add --json '{"text": "hodl 10de:1b39"}' > "$DIR/list"
	same "exit status" $? 1 && has "did you mean hold" "$DIR/list" &&
		has ".text" "$DIR/list"
}

ynl_library_lists_and_follows() {
	some_devices && follow library 3 && until_true has_lines 1 "${TWINS[1]} held" ||
		return 1
	sed 's/^/# /' "$DIR/events"
	same "the list" "$(sort "$DIR/events")" \
		"${TWINS[0]} native native-driver
${TWINS[1]} held -" || return 1
	vpnl del "hold ${TWINS[1]}" && followed || return 1
	sed 's/^/# /' "$DIR/events"
	same "the events" "$(sed -n 's/^event [0-9]* //p' "$DIR/events")" \
		"rule-del-ntf hold ${TWINS[1]}
dev-ntf ${TWINS[1]} held -> releasing, by rule
dev-ntf ${TWINS[1]} releasing -> released, by rule"
}

ynl_library_makes_a_loss_good() {
	some_devices && follow library 1000000 && lose &&
		until_true has_lines 2 "${TWINS[1]} held" &&
		has "events were lost" "$DIR/errors" &&
		vpnl add "hold dead:beef" > "$DIR/answer" &&
		until_true grep -qF "rule-add-ntf hold dead:beef" "$DIR/events"
}

run_tests
