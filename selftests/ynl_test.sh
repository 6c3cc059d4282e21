#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Any client that can read the specification can speak to the module: every
# operation and every event by the kernel's own client, which knows nothing of
# this family but its specification.
# Oracles: sysfs, and vpnl, which has the header alone.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

HERE=$(dirname "$(realpath "$0")")
SPEC=$HERE/../Documentation/netlink/specs/vfiopolicy.yaml
YNL=$KSELFTEST/ynl
[ -e "$YNL/cli.py" ] || skip "needs the kernel's YNL"
python3 -c 'import yaml, jsonschema' ||
	skip "needs python3-yaml and python3-jsonschema"
mapfile -t NVMES < <(all_of 1b36:0010)
[ ${#NVMES[@]} -ge 3 ] || skip "needs three NVMe"
NVME=${NVMES[0]} SECOND=${NVMES[1]} THIRD=${NVMES[2]}
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
GROUP=$(group_of "$NVME")
modprobe vfio-pci
DIR=$(mktemp -d)
mkfifo "$DIR/ask" "$DIR/say"
python3 -B "$HERE/lib/client.py" "$YNL/cli.py" < "$DIR/ask" > "$DIR/say" &
exec {ASK}> "$DIR/ask" {SAY}< "$DIR/say"
insmod "$VP_MODULES/vfiopolicy.ko" || exit 1

TESTS="specification_is_valid_and_read
	info_is_what_others_say
	rules_are_added_listed_and_deleted
	rules_of_an_origin_are_replaced
	device_is_told_as_sysfs_has_it
	dump_has_what_each_filter_names
	device_is_released_and_claimed
	group_is_told_as_sysfs_has_it
	counters_count
	rule_events_are_decoded
	device_events_are_decoded
	refusals_say_why_and_of_what"

after_each() {
	local addr

	vpnl replace runtime /dev/null > "$DIR/null"
	vpnl replace file /dev/null > "$DIR/null"
	for addr in "${NVMES[@]}"; do
		wait_driver "$addr" nvme
	done
}

at_end() {
	unload
	exec {ASK}>&- {SAY}<&-
	rm -r "$DIR"
}

# request WORD...: of the client, see lib/client.py; what it prints is SAID
request() {
	local status

	printf '%s\0' $# "$@" >&"$ASK"
	IFS= read -r -d '' SAID <&"$SAY" && read -r -d '' status <&"$SAY" &&
		return "$status"
}

# client FILE [ARGUMENT...] [+ [ARGUMENT...]]...: runs of it, into that file
client() {
	local file=$1 args=() arg
	shift

	for arg in + "$@"; do
		args+=("$arg")
		[ "$arg" != + ] || args+=(--spec "$SPEC" --no-schema --output-json)
	done
	request run "$file" "${args[@]:1}"
}

# ynl ARGUMENT...: the same; what it prints is kept for `answer`
ynl() {
	client "$DIR/answer" "$@" && return
	sed 's/^/# /' "$DIR/answer"
	return 1
}

# answer EXPRESSION [WORD...]: its value
answer() {
	request answer "$DIR/answer" "$@"
	local status=$?

	printf '%s' "$SAID"
	return $status
}

# true_of EXPRESSION [WORD...]: it must be true
true_of() {
	same "'$1'" "$(answer "$@")" True
}

specification_is_valid_and_read() {
	local list=(python3 -B "$YNL/cli.py" --schema "$YNL/genetlink.yaml" --list-msgs)

	"${list[@]}" --spec "$SPEC" > "$DIR/msgs" || return 1
	same "messages" "$(awk '{ print $1 }' "$DIR/msgs" | sort)" \
		"$(sed -n '/^operations:/,$ s/^      name: \(.*-.*\)/\1/p' "$SPEC" |
			sort)" || return 1
	# Control: what is not valid is refused.
	sed 's/^      mcgrp: events/      mcast: events/' "$SPEC" > "$DIR/wrong.yaml"
	! "${list[@]}" --spec "$DIR/wrong.yaml" > "$DIR/wrong" 2>&1 &&
		expect "it says what is wrong" grep -q "'mcast' was unexpected" "$DIR/wrong"
}

info_is_what_others_say() {
	vpnl add "hold 1234:5678" > "$DIR/null" && ynl --do info-get || return 1
	same "from vpnl" "$(answer '[f"{k}={r[k]}" for k in ("version", "abi", "rules",
		"devices")] + ["disabled=%d" % r.get("disabled", False)]')" \
		"$(vpnl info | tr ' ' '\n' | grep -E \
			'^(version|abi|rules|devices|disabled)=')" &&
		true_of 'r["rules-max"] == 4096 and r["rule-len-max"] == 511' &&
		true_of 'r["rules-bad"] == 0' &&
		true_of 'r["pci-functions"] == len(os.listdir(PCI))' &&
		true_of 'r["iommu-functions"] == len([d for d in os.listdir(PCI)
			if os.path.lexists(f"{PCI}/{d}/iommu_group")]) > 0' &&
		true_of 'r["events"] > 0'
}

rules_are_added_listed_and_deleted() {
	local id

	ynl --multi rule-add '{"text": "hold  1234:5678"}' \
		--multi rule-add '{"text": "hold 1234:5678", "origin": "runtime"}' \
		--multi rule-add '{"text": "vfio 1234:0001", "origin": "file"}' &&
		id=$(answer 'r[0]["id"]') &&
		true_of 'r == [
			{"id": int(words[0]), "origin": "runtime", "text": "hold 1234:5678"},
			{"id": int(words[0]), "origin": "runtime", "text": "hold 1234:5678",
			 "existed": True},
			{"id": int(words[0]) + 1, "origin": "file",
			 "text": "vfio 1234:0001"}]' "$id" &&
		same "there are" "$(vpnl rules)" "$id runtime hold 1234:5678
$((id + 1)) file vfio 1234:0001" || return 1
	ynl --dump rule-get + --do rule-del --json "{\"id\": $id}" + \
		--dump rule-get + --do rule-del --json '{"text": "vfio  1234:0001"}' + \
		--dump rule-get &&
		same "listed, deleted by number, listed, deleted by text, listed" \
			"$(answer '[["%d %s" % (x["id"], x["text"]) for x in a]
			if a is not None else None for a in answers]')" \
			"['$id hold 1234:5678', '$((id + 1)) vfio 1234:0001']
None
['$((id + 1)) vfio 1234:0001']
None
[]" && same "there are" "$(vpnl rules)" ""
}

rules_of_an_origin_are_replaced() {
	local texts='["hold 1234:0001", "hold 1234:0002", "vfio 1234:0003"]'

	vpnl add "hold 1234:9999" > "$DIR/null" &&
		ynl --multi rule-replace "{\"origin\": \"file\", \"texts\": $texts}" \
			--multi rule-replace "{\"origin\": \"file\", \"texts\": $texts}" &&
		true_of 'r == [{"origin": "file", "count": 3, "changed": 3},
			{"origin": "file", "count": 3, "changed": 0}]' &&
		same "there are" "$(vpnl rules | cut -d ' ' -f 2-)" \
			"runtime hold 1234:9999
file hold 1234:0001
file hold 1234:0002
file vfio 1234:0003" &&
		ynl --do rule-replace --json '{"origin": "file"}' &&
		true_of 'r == {"origin": "file", "count": 0, "changed": 3}' &&
		same "left" "$(vpnl rules | cut -d ' ' -f 2-)" "runtime hold 1234:9999"
}

# A rule, and the device to it.
isolated() {
	vpnl add "vfio $1" > "$DIR/rule" && RULE=$(cut -d ' ' -f 1 "$DIR/rule") &&
		echo "$1" > "$SYS/$1/driver/unbind" && wait_state "$1" isolated
}

device_is_told_as_sysfs_has_it() {
	isolated "$NVME" || return 1
	ynl --do dev-get --json "{\"address\": \"$NVME\"}" &&
		same "not as in sysfs" \
			"$(answer 'among(of_sysfs(words[0]), r)' "$NVME")" "{}" &&
		true_of 'r["driver"] == r["target"] == "vfio-pci"' &&
		true_of 'r["rule"] == int(words[0])' "$RULE" &&
		same text "$(answer 'r["rule-text"]')" "vfio $NVME" &&
		same state "$(answer 'r["state"]')" isolated &&
		same generation "$(answer 'r["generation"]')" "$(dev "$NVME" generation)" &&
		true_of 'not {"reason", "physfn", "adopted", "in-use", "old-state",
			"seq", "pending"} & set(r)'
}

dump_has_what_each_filter_names() {
	local held rule ret=0

	isolated "$NVME" && rule=$(vpnl add "hold $SECOND") && held=${rule%% *} &&
		echo "$SECOND" > "$SYS/$SECOND/driver/unbind" &&
		wait_state "$SECOND" held || return 1
	# One that no driver has: somebody else's override keeps them off.
	echo "$THIRD" > "$SYS/$THIRD/driver/unbind"
	echo pci-stub > "$SYS/$THIRD/driver_override"
	vpnl add "hold $THIRD" > "$DIR/null" &&
		wait_state "$THIRD" native foreign-override || ret=1
	ynl --dump dev-get + --dump dev-get --json '{"state": "held"}' + \
		--dump dev-get --json "{\"rule\": $held}" + \
		--dump dev-get --json "{\"group\": $GROUP}" + \
		--dump dev-get --json '{"driver": "vfio-pci"}' + \
		--dump dev-get --json '{"driver": ""}' + \
		--dump dev-get --json "{\"state\": \"isolated\", \"rule\": $RULE,
			\"group\": $GROUP, \"driver\": \"vfio-pci\"}" + \
		--dump dev-get --json '{"state": "held", "driver": "vfio-pci"}' &&
		same "by no filter, state, rule, group, driver, none, all, two at odds" \
			"$(answer '[" ".join(sorted(d["address"] for d in a)) or "none"
			for a in answers]')" "$NVME $SECOND $THIRD
$SECOND
$SECOND
$NVME
$NVME
$THIRD
$NVME
none" || ret=1
	echo > "$SYS/$THIRD/driver_override"
	echo "$THIRD" > /sys/bus/pci/drivers_probe
	return $ret
}

device_is_released_and_claimed() {
	local one="{\"address\": \"$NVME\"}"

	# Of a native driver, which only dev-claim takes it from.
	vpnl add "vfio $NVME" > "$DIR/null" &&
		wait_state "$NVME" native native-driver &&
		ynl --do dev-claim --json "$one" &&
		true_of 'r["pending"] and r["address"] == words[0]' "$NVME" &&
		wait_state "$NVME" isolated &&
		same driver "$(driver_of "$NVME")" vfio-pci || return 1
	# The device that is meant, or none.
	one="{\"address\": \"$NVME\", \"generation\": $(answer 'r["generation"]')}"
	ynl --do dev-release --json "$one" && true_of 'r["pending"]' &&
		wait_state "$NVME" released && wait_driver "$NVME" nvme &&
		ynl --do dev-release --json "$one" + --do dev-claim --json "$one" &&
		same "asked again" "$(answer '(r.get("pending"), r["state"], r["driver"])')" \
			"(None, 'released', 'nvme')" &&
		true_of 'answers[1]["pending"]' &&
		wait_state "$NVME" isolated &&
		same driver "$(driver_of "$NVME")" vfio-pci &&
		ynl --do dev-claim --json "$one" &&
		same "asked again" "$(answer '(r.get("pending"), r["state"], r["driver"])')" \
			"(None, 'isolated', 'vfio-pci')"
}

# The picture of a group follows what happens.
group_has() {
	vpnl group "$GROUP" | grep -qx "$GROUP: $NVME $1"
}

group_is_told_as_sysfs_has_it() {
	local second

	second=$(group_of "$SECOND")
	vpnl add "vfio $NVME" > "$DIR/null" && vpnl add "vfio $SECOND" > "$DIR/null" &&
		wait_state "$NVME" native native-driver &&
		expect "nvme is told of" until_true group_has "nvme blocks" &&
		ynl --do group-get --json "{\"id\": $GROUP}" &&
		same "of nvme" "$(answer '(r["id"], r["viability"], r["member"])')" \
			"($GROUP, 'blocked', [{'address': '$NVME', 'driver': 'nvme', 'blocks': True}])" &&
		vpnl claim "$NVME" > "$DIR/null" && wait_state "$NVME" isolated &&
		expect "vfio-pci is told of" until_true group_has vfio-pci &&
		ynl --do group-get --json "{\"id\": $GROUP}" + --dump group-get &&
		same "of vfio-pci" "$(answer '(r["id"], r["viability"], r["member"])')" \
			"($GROUP, 'viable', [{'address': '$NVME', 'driver': 'vfio-pci'}])" &&
		true_of 'sorted(g["id"] for g in answers[1]) == sorted(int(w) for w in words)' \
			"$GROUP" "$second" &&
		true_of 'all([m["address"] for m in g["member"]] == members(g["id"]) and
			g["domain"] == domain(g["id"]) for g in answers[1])' &&
		true_of 'r in answers[1]'
}

# counted COUNTER...: what vpnl says of them
counted() {
	local counter

	for counter; do
		vpnl stats | tr ' ' '\n' | sed -n "s/^$counter=//p"
	done
}

counters_count() {
	local before

	mapfile -t before < <(counted claims hand-offs releases take-overs)
	isolated "$NVME" && vpnl release "$NVME" > "$DIR/null" &&
		wait_state "$NVME" released && vpnl claim "$NVME" > "$DIR/null" &&
		wait_state "$NVME" isolated || return 1
	# What had been given back is taken from its native driver.
	ynl --do stats-get + --do info-get &&
		same "more claims, hand-offs, releases and take-overs" \
			"$(answer '[r[k] - int(w) for k, w in zip(("claims", "hand-offs",
			"releases", "take-overs"), words)]' "${before[@]}")" "2
2
1
1" &&
		true_of 'r["lost"] == r["vetoes"] == r["events-lost"] == 0' &&
		true_of '[s["count"] > 0 for s in r["stuck"]
			if s["reason"] == "native-driver"] == [True]' &&
		true_of 'r["events"] == answers[1]["events"] > 0'
}

# subscribe: the client, which says what it was told of when `told` ends it
subscribe() {
	: > "$DIR/ready"
	coproc SUBSCRIBER {
		python3 -B "$HERE/lib/client.py" "$YNL/cli.py" --spec "$SPEC" \
			--no-schema --output-json --subscribe events --sleep 1 \
			> "$DIR/events" 2> "$DIR/ready"
	}
	# Bash forgets both when it ends.
	SUBSCRIBED=$SUBSCRIBER_PID UNTIL=${SUBSCRIBER[1]}
	expect "the client is ready" until_true grep -q ready "$DIR/ready" && return
	told
	sed 's/^/# /' "$DIR/ready"
	return 1
}

told() {
	exec {UNTIL}>&-
	wait "$SUBSCRIBED" && cp "$DIR/events" "$DIR/answer" && return
	sed 's/^/# /' "$DIR/ready"
	return 1
}

rule_events_are_decoded() {
	local id ret=0

	subscribe || return 1
	id=$(vpnl add "hold 1234:5678") && id=${id%% *} &&
		vpnl replace file <(echo "vfio 1234:0001") > "$DIR/null" &&
		vpnl del "hold 1234:5678" || ret=1
	told && [ $ret = 0 ] || return 1
	same events "$(answer '["%s %s %s %s" % (x["name"], x["msg"]["origin"],
		x["msg"]["cause"], x["msg"]["text"]) for x in r]')" \
		"rule-add-ntf runtime request hold 1234:5678
rule-add-ntf file replace vfio 1234:0001
rule-del-ntf runtime request hold 1234:5678" &&
		true_of 'all(set(x["msg"]) == {"id", "origin", "text", "seq", "time", "cause"}
			for x in r)' &&
		true_of 'r[0]["msg"]["id"] == r[2]["msg"]["id"] == int(words[0])' "$id" &&
		true_of '[x["msg"]["seq"] - r[0]["msg"]["seq"] for x in r] == [0, 1, 2]' &&
		true_of '0 < r[0]["msg"]["time"] <= r[1]["msg"]["time"] <= boottime()'
}

# The life of a device that comes to its target and goes back.
device_events_are_decoded() {
	local ret=0

	subscribe || return 1
	isolated "$NVME" && vpnl release "$NVME" > "$DIR/null" &&
		wait_state "$NVME" released && vpnl del "$RULE" &&
		wait_state "$NVME" none || ret=1
	told && [ $ret = 0 ] || return 1
	same life "$(answer '["%s>%s %s %s" % (x["msg"].get("old-state", ""),
		x["msg"]["state"], x["msg"]["cause"], x["msg"].get("driver", "-"))
		for x in r if x["name"] == "dev-ntf"]')" "\
>matched rule -
matched>native rule nvme
native>matched driver -
matched>held driver vfiopolicy
held>handing-off driver vfiopolicy
handing-off>isolated driver vfio-pci
isolated>releasing request vfio-pci
releasing>released request nvme
released>released rule nvme" &&
		same "all others" "$(answer '[x["name"] for x in r
			if x["name"] != "dev-ntf"]')" "rule-add-ntf
rule-del-ntf" &&
		true_of '[x["msg"]["seq"] - r[0]["msg"]["seq"] for x in r] ==
			list(range(len(r)))' &&
		true_of 'len({x["msg"]["generation"] for x in r
			if x["name"] == "dev-ntf"}) == 1' &&
		same "not as in sysfs, in the last" \
			"$(answer 'among(of_sysfs(words[0]), [x["msg"] for x in r
			if x["name"] == "dev-ntf"][-1])' "$NVME")" "{}"
}

# What is asked, then of its refusal the error, words that the extended ack has,
# and what it points at, as the client prints them.
REFUSALS=(
	--do rule-add '{"text": "hodl 1234:5678"}'
	"Invalid argument" "did you mean hold" "'bad-attr': '.text'"
	--do rule-add '{}'
	"Invalid argument" "a rule is needed" "'miss-type': 'text'"
	--do rule-replace '{"origin": "cmdline", "texts": ["hold 1234:5678"]}'
	"Invalid argument" "cmdline is for parameters" "'bad-attr': '.origin'"
	--do rule-del '{"id": 0}'
	"Numerical result out of range" "out of range" "'min-value': 1"
	--dump dev-get '{"state": 99}'
	"Numerical result out of range" "out of range" "'max-value': 8"
	--do dev-get '{"address": "0000:00:00.0"}'
	"No such device" "at 0000:00:00.0" "'bad-attr': '.address'"
	--do dev-claim '{"address": "0000:00:00.0"}'
	"No such device" "at 0000:00:00.0" "'bad-attr': '.address'"
	--do dev-release '{"address": "0000:00:00.0"}'
	"No such device" "at 0000:00:00.0" "'bad-attr': '.address'"
	--do group-get '{"id": 4095}'
	"No such" "group" "'bad-attr': '.id'"
)

refusals_say_why_and_of_what() {
	local runs=() errors extacks i=0 ret=0

	set -- "${REFUSALS[@]}"
	while [ $# -gt 0 ]; do
		runs+=(${runs:+"+"} "$1" "$2" --json "$3")
		shift 6
	done
	client "$DIR/refusals" "${runs[@]}" && say "failed: not one is refused" &&
		return 1
	mapfile -t errors < <(sed -n 's/^Netlink error: //p' "$DIR/refusals")
	mapfile -t extacks < <(sed -n 's/^\textack: //p' "$DIR/refusals")
	set -- "${REFUSALS[@]}"
	same "number of refusals" ${#errors[@]} $(($# / 6)) &&
		same "of extended acks" ${#extacks[@]} $(($# / 6)) || ret=1
	while [ $ret = 0 ] && [ $# -gt 0 ]; do
		case "${errors[i]} ${extacks[i]}" in
		"$4"*"$5"*"$6"* | "$4"*"$6"*"$5"*) ;;
		*)
			say "failed: $1 $2 $3, expected '$4', '$5', \"$6\""
			ret=1
			;;
		esac
		i=$((i + 1))
		shift 6
	done
	[ $ret = 0 ] || sed 's/^/# /' "$DIR/refusals"
	return $ret
}

run_tests
