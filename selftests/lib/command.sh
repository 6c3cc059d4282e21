# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For tests of the command: how it ends and what it says. Sourced after lib.sh.

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

# json EXPRESSION: of Python, in which d is what the command said
json() {
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' \
		"$1" <<< "$OUT"
}
