# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For tests of the command: how it ends and what it says. Sourced after lib.sh.

JSON_VALID=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../../user/tests/json_valid.py

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
	grep -qF -- "$1" <<< "$OUT" && return
	say "failed: '$1' is not in:"
	say "${OUT//$'\n'/$'\n'# }"
	return 1
}

# json_valid DEFINITION: is what the command said as the schema has it, where there
# is something that knows schemas
json_valid() {
	local found

	python3 -c 'import jsonschema' 2> /dev/null || return 0
	found=$("$JSON_VALID" "$1" <<< "$OUT" 2>&1) && return
	say "failed: ${found//$'\n'/$'\n'# }"
	return 1
}

# json EXPRESSION: of Python, in which d is what the command said
json() {
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' \
		"$1" <<< "$OUT"
}
