# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For tests of the command: how it ends and what it says. Sourced after lib.sh.

# What knows JSON answers for as long as the test runs: it takes longest to begin.
JSON_VALID=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../../user/tests/json_valid.py
coproc JSON { exec python3 -B "$JSON_VALID" --serve; }
# Those that the shell has itself are not there in $(...).
exec {JSON_ANSWER}<&"${JSON[0]}" {JSON_QUESTION}>&"${JSON[1]}"

# run STATUS WORD...: the command must end so; what it says is in OUT.
run() {
	local want=$1 got
	shift

	OUT=$(vfiopolicy "$@" 2>&1)
	got=$?
	[ "$got" = "$want" ] && return
	say "failed: vfiopolicy $*: exit status $got, expected $want"
	say "${OUT//$'\n'/$'\n'# }"
	return 1
}

# says TEXT: as a fixed string
says() {
	[[ $OUT == *"$1"* ]] && return
	say "failed: '$1' is not in:"
	say "${OUT//$'\n'/$'\n'# }"
	return 1
}

# json_ask DEFINITION EXPRESSION: its answer, of what the command said, in ANSWER
json_ask() {
	printf '%s\0' "$1" "$2" "$OUT" >&"$JSON_QUESTION"
	IFS= read -r -d '' -u "$JSON_ANSWER" ANSWER
}

# json_valid DEFINITION: is what the command said as the schema has it
json_valid() {
	json_ask "$1" '' || return 1
	[ -n "$ANSWER" ] || return 0
	say "failed: ${ANSWER//$'\n'/$'\n'# }"
	return 1
}

# json EXPRESSION: of Python, in which d is what the command said
json() {
	json_ask '' "$1" && echo "$ANSWER"
}
