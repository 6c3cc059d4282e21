#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A real driver in user space: DPDK's testpmd drives an igb port that a rule
# has isolated, and sends with it.
# Control: without the rule testpmd finds no port.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

IGB=$(one_of 8086:10c9)
[ -n "$IGB" ] || skip "needs an igb"
[ -e "$SYS/$IGB/iommu_group" ] || skip "needs an IOMMU"
DPDK=${VP_DPDK:-}
[ -x "$DPDK/usr/bin/dpdk-testpmd" ] || skip "needs DPDK"
grep -q sse4_2 /proc/cpuinfo || skip "needs a processor with SSE 4.2"
modprobe vfio-pci
# As DPDK finds its libraries, which are not installed.
LIBS=$(dirname "$(find "$DPDK/usr/lib" -name 'librte_eal.so.*' | head -n 1)")
PLUGINS=$(echo "$LIBS"/dpdk/pmds-*)
DIR=$(mktemp -d)
# 64 MB in pages of two: what DMA is mapped for is then contiguous.
echo 48 > /proc/sys/vm/nr_hugepages
wait_driver "$IGB" igb || skip "needs igb"
MAC=$(cat "$SYS/$IGB"/net/*/address)

TESTS="control_without_the_rule_there_is_no_port
	testpmd_drives_the_port
	it_is_in_use_meanwhile
	it_sends
	it_goes_and_igb_has_the_port_again"

at_end() {
	end_testpmd
	unload
	wait_driver "$IGB" igb
	echo 0 > /proc/sys/vm/nr_hugepages
	rm -r "$DIR"
}

# To a file it would write when it has a page of it.
testpmd() {
	LD_LIBRARY_PATH=$LIBS stdbuf -oL "$DPDK/usr/bin/dpdk-testpmd" -l 0,1 -m 64 --in-memory \
		--no-telemetry --iova-mode=va -d "$PLUGINS" -a "$IGB" -- \
		--interactive --total-num-mbufs=4096 --forward-mode=txonly
}

TESTPMD=''
IN=''
start_testpmd() {
	mkfifo "$DIR/in" || return 1
	exec {IN}<> "$DIR/in"
	testpmd <&"$IN" >> "$DIR/out" 2>&1 &
	TESTPMD=$!
}

# ask WORDS ANSWER: tells testpmd, and waits for the last of what it says to that
ask() {
	: > "$DIR/out"
	echo "$1" >&"$IN"
	said "$2"
}

said() {
	until_true said_or_ended "$1"
	grep -qE "$1" "$DIR/out" && return
	say "failed: testpmd does not say '$1', but:"
	tail -n 12 "$DIR/out" | tr -cd '[:print:]\n' | sed 's/^/#   /'
	return 1
}

said_or_ended() {
	grep -qE "$1" "$DIR/out" || ! kill -0 "$TESTPMD" 2> /dev/null
}

end_testpmd() {
	local status=0

	[ -n "$TESTPMD" ] || return 0
	echo quit >&"$IN"
	wait "$TESTPMD" || status=$?
	TESTPMD=''
	exec {IN}>&-
	return $status
}

# refused WORDS COMMAND...: EBUSY
refused() {
	local answer

	answer=$("${@:2}" 2>&1)
	same "exit status of ${*:2}" $? 2 &&
		expect "why ($answer)" grep -q "Device or resource busy: $1" <<< "$answer"
}

control_without_the_rule_there_is_no_port() {
	echo quit | testpmd > "$DIR/out" 2>&1
	expect "it has none" grep -q "No probed ethernet devices" "$DIR/out" &&
		same driver "$(driver_of "$IGB")" igb
}

# It comes up when it does.
has_link() {
	ask "show port info 0" "Device error handling" &&
		grep -q "Link status: up" "$DIR/out"
}

testpmd_drives_the_port() {
	load "rules=\"vfio $IGB\"" && replug "$IGB" && wait_state "$IGB" isolated &&
		same "bus mastering before" "$(bus_master "$IGB")" 0 &&
		start_testpmd && said '^testpmd> ' || return 1
	# The driver's own name for it, and the address that igb read from it.
	until_true has_link &&
		expect "its driver" grep -q "Driver name: net_e1000_igb" "$DIR/out" &&
		same "its address" "$(sed -n 's/^MAC address: //p' "$DIR/out" |
			tr '[:upper:]' '[:lower:]')" "$MAC"
}

it_is_in_use_meanwhile() {
	same "in use" "$(dev "$IGB" in_use)" 1 &&
		same "bus mastering" "$(bus_master "$IGB")" 1 &&
		refused "$IGB is in use" vpnl release "$IGB" &&
		refused "$IGB is in use" vpnl del 1 &&
		same state "$(dev "$IGB" state)" isolated
}

has_sent() {
	ask "show port stats 0" "Tx-pps" && grep -q "TX-packets: [1-9]" "$DIR/out"
}

it_sends() {
	ask start "txonly packet forwarding" && until_true has_sent &&
		ask stop "Done" && grep -q "TX-packets: [1-9]" "$DIR/out"
}

has_address() {
	[ "$(cat "$SYS/$IGB"/net/*/address 2> /dev/null)" = "$MAC" ]
}

it_goes_and_igb_has_the_port_again() {
	expect "testpmd ended well" end_testpmd &&
		expect "cleanly" grep -q "Bye" "$DIR/out" &&
		same "in use" "$(dev "$IGB" in_use)" 0 &&
		same "bus mastering" "$(bus_master "$IGB")" 0 &&
		same state "$(dev "$IGB" state)" isolated &&
		vpnl release "$IGB" > /dev/null && wait_state "$IGB" released &&
		wait_driver "$IGB" igb && until_true has_address
}

run_tests
