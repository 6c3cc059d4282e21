#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Rules pick the devices that they name and no others, whichever way they come:
# 300 functions in two made-up domains that have the same addresses, and VFs of
# a real igb.
# Oracle: which those are is worked out here, from how the bus was defined and
# from what sysfs says of real devices; the module is never asked. The dump is
# compared as a whole, so what is too much is found like what is missing.
# Controls: without a rule the greedy driver has them; what a rule does not
# name, that driver gets.

# Conditions are for the model.
# shellcheck disable=SC2016
# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/testbus/model.sh
. "$(dirname "$0")/testbus/model.sh"

IGB=$(one_of 8086:10c9)
VFS=4
[ -e "$SYS/$IGB/sriov_numvfs" ] || skip "needs an igb with SR-IOV"
need_debugfs
insmod "$VP_MODULES/testbus.ko" domains=2 silent=1 || skip "needs the test bus"
PROBES=/sys/kernel/debug/greedy/probes
DIR=$(mktemp -d)
# Each claim is a line, and the console is what an emulated guest is slowest at.
read -r PRINTK < /proc/sys/kernel/printk
echo 5 > /proc/sys/kernel/printk

TESTS="control_the_bus_is_as_it_was_defined
	ids_pick
	addresses_pick
	places_below_bridges_pick
	classes_pick
	serial_numbers_pick
	external_picks
	vfs_are_picked_by_their_pf
	except_leaves_out
	leave_comes_before_all_and_first_wins
	hosts_are_told_apart
	what_picks_nothing_is_refused
	control_without_a_rule_greedy_has_them_all
	named_devices_are_never_probed_when_they_come
	something_else_at_the_place_stays_with_the_host
	something_else_at_the_place_can_be_held
	bus_numbers_that_move_take_no_rule_along
	parameter_of_100_kilobytes
	parameters_given_several_times
	options_of_modprobe
	bad_rules_cost_no_good_ones
	replace_is_all_or_nothing
	replace_changes_one_origin
	replace_leaves_alone_what_stays
	replace_spares_a_user
	replace_leaves_no_gap_for_what_comes"

# Rules are to find VFs without a driver, whether igbvf is loaded or not.
echo 0 > "$SYS/$IGB/sriov_drivers_autoprobe"
echo $VFS > "$SYS/$IGB/sriov_numvfs" || skip "needs VFs"
# The port that the igb hangs off.
PORT=$(realpath "$SYS/$IGB/..")
PORT=${PORT##*/}
model_real
MADE_UP=${#A[@]}
put_domain 1000
BUS_OF_1000=$BUS
put_domain 1001
BUS_OF_1001=$BUS
printf '%s' "$BUS_OF_1000$BUS_OF_1001" > $CONTROL || skip "the bus"

at_end() {
	clear_away
	echo 0 > "$SYS/$IGB/sriov_numvfs"
	echo 1 > "$SYS/$IGB/sriov_drivers_autoprobe"
	rmmod testbus
	rm -r "$DIR"
	echo "$PRINTK" > /proc/sys/kernel/printk
}

# Where a test ends early, too.
after_each() {
	[ ! -d /sys/module/greedy ] || rmmod greedy
}

# greedy in one of the domains, bound to what nobody else has
greedy() {
	insmod "$VP_MODULES/greedy.ko" domain="$1" bind=1
}

# As unload does it, but quicker where there are so many devices.
clear_away() {
	local file dev

	[ -d /sys/module/vfiopolicy ] || return 0
	rmmod vfiopolicy || return 1
	while read -r file; do
		dev=${file%/*}
		[ ! -e "$dev/driver" ] || echo "${dev##*/}" > "$dev/driver/unbind"
		echo > "$file"
		echo "${dev##*/}" > /sys/bus/pci/drivers_probe
	done < <(grep -lxE 'vfiopolicy|vfio-pci' "$SYS"/*/driver_override)
}

# The module, without what an earlier test did.
fresh() {
	clear_away && load "$@"
}

listen() {
	rm -f "$DIR/stop" "$DIR/events"
	vpnl record "$DIR/events" "$DIR/stop" &
	until_true grep -qs listening "$DIR/events"
}

listen_no_more() {
	touch "$DIR/stop"
	wait
}

# EVENTS of one address, as STATE/REASON
heard() {
	local line

	EVENTS=''
	while read -r line; do
		case $line in
		"address=$1 "*)
			line=${line##* state=}
			line=${line%% driver=*}
			EVENTS+=" ${line/ reason=//}"
			;;
		lost) EVENTS+=" lost" ;;
		esac
	done < "$DIR/events"
}

control_the_bus_is_as_it_was_defined() {
	local dev found=() id

	for dev in "$SYS"/100[01]:*; do
		found+=("${dev##*/}")
		[ "$dev/driver" -ef /sys/bus/pci/drivers/pcieport ] ||
			expect "no driver has ${dev##*/}" test ! -e "$dev/driver" ||
			return 1
	done
	same addresses "${found[*]}" "${A[*]:MADE_UP}" &&
		same "their number" ${#found[@]} 312 &&
		read -r id < "$SYS/1001:01:0a.1/subsystem_device" &&
		same "a subsystem" "$id" 0x0002 &&
		same "a serial number" \
			"$(setpci -s 1001:01:0d.7 ECAP0003+8.l ECAP0003+4.l)" \
			$'00112233\n44100107' &&
		same "number of VFs" "$(all_of 8086:10ca | wc -l)" $VFS
}

ids_pick() {
	fresh &&
		picks "hold 1234:5678" '$id == 1234:5678' &&
		picks "hold 1235:5678" '$id == 1235:5678' &&
		picks_nothing "hold dead:beef" &&
		picks "hold *:5678" '$id == *:5678' &&
		picks "hold 1234:*" '$id == 1234:*' &&
		picks "hold 1234:5678:abcd:0001" '$sub == abcd:0001' &&
		picks "hold 1234:*:abcd:*" '$sub == abcd:*' &&
		picks "hold *:*:*:0001" '$sub == *:0001' &&
		picks "hold 1b36:000c" '$id == 1b36:000c' &&
		picks "hold 8086:*" '$id == 8086:* && $vf == -' &&
		picks "hold 8086:* vfs" '$id == 8086:*' &&
		picks "hold 8086:10ca" '$vf != -'
}

addresses_pick() {
	picks "hold 1000:01:03.2" '$a == 1000:01:03.2' &&
		picks "hold 1001:01:03.2" '$a == 1001:01:03.2' &&
		picks_nothing "hold 01:03.2" &&
		picks "hold ${IGB#0000:}" '$a == "$IGB"' &&
		picks "hold 1000:01:03.*" '$a == 1000:01:03.?' &&
		picks "hold 1001:01:*.2" '$a == 1001:01:??.2' &&
		picks "hold 1000:04:*.*" '$a == 1000:04:*' &&
		picks "hold 1000:01:*.0 1235:5678" '$a == 1000:01:09.0' &&
		picks "hold 1000:01:08.3 1234:5679" '$a == 1000:01:08.3' &&
		picks "hold ${A_VF[1]}" '$vf == 1' &&
		picks_nothing "hold ${A_VF[1]%.*}.*" &&
		picks "hold ${A_VF[1]%.*}.* vfs" '$vf != -'
}

places_below_bridges_pick() {
	picks "hold at=1000:00:09.1" '$a == 1000:00:09.1' &&
		picks "hold at=1000:00:01.0/03.2" '$a == 1000:01:03.2' &&
		picks "hold at=1001:00:01.0/00.*" '$a == 1001:01:00.?' &&
		picks "hold at=1000:00:01.0/*.3" '$a == 1000:01:??.3' &&
		picks "hold at=1001:00:01.0/*.*" '$a == 1001:01:*' &&
		picks "hold at=1000:00:02.0/00.0/05.1" '$a == 1000:03:05.1' &&
		picks "hold at=1001:00:02.0/00.0/*.*" \
			'$at == 1001:00:02.0/00.0/??.?' &&
		picks "hold at=1000:00:02.0/00.0/01.0/00.4" '$a == 1000:05:00.4' &&
		picks "hold at=1000:03:01.0/00.4" '$a == 1000:05:00.4' &&
		picks "hold at=1000:00:02.0/00.0" '$a == 1000:02:00.0' &&
		picks_nothing "hold at=1000:00:03.0/00.0/05.1" &&
		picks_nothing "hold at=1000:00:02.0/05.1" &&
		picks_nothing "hold at=00:02.0/00.0/05.1" &&
		picks "hold at=$PORT/00.0" '$a == "$IGB"' &&
		picks "hold at=$PORT/${A_VF[1]##*:}" '$vf == 1' &&
		picks "hold at=1001:00:01.0/*.3 class=0302 1234:5679" \
			'$a == 1001:01:08.3'
}

classes_pick() {
	picks "hold class=12" '$class == 12*' &&
		picks "hold class=0200" '$class == 0200* && $vf == -' &&
		picks "hold class=040300" '$class == 040300' &&
		picks "hold class=020000/ff0000" '$class == 02* && $vf == -' &&
		picks "hold class=000002/00000f" '$class == ?????2 && $vf == -' &&
		picks "hold class=3d" '$class == 0302*' &&
		picks "hold class=nvme" '$class == 010802' &&
		picks "hold class=ethernet vfs" '$class == 0200*' &&
		picks "hold class=network 1234:*" '$class == 02* && $id == 1234:*' &&
		picks "hold class=accelerator 1000:01:*.*" \
			'$class == 12* && $a == 1000:*'
}

serial_numbers_pick() {
	picks "hold dsn=00-11-22-33-44-10-01-07" '$dsn == 0011223344100107' &&
		picks "hold dsn=aa-bb-cc-dd-ee-ff-00-11" '$dsn == aabbccddeeff0011' &&
		picks "hold dsn=aabbccddeeff0012" '$dsn == aabbccddeeff0012' &&
		picks "hold dsn=aa-bb-cc-dd-ee-ff-00-11 1001:01:*.1" \
			'$a == 1001:01:0e.1' &&
		picks_nothing "hold dsn=00-00-00-00-00-00-00-01"
}

external_picks() {
	picks "hold external" '$out == out' &&
		same "how many those are" ${#WANT[@]} 8 &&
		picks "hold external 1000:06:*.3" '$a == 1000:06:00.3'
}

vfs_are_picked_by_their_pf() {
	picks "hold vfs-of=$IGB" '$vf != -' &&
		picks "hold vfs-of=${IGB#0000:}" '$vf != -' &&
		picks "hold vfs-of=$PORT/00.0" '$vf != -' &&
		picks "hold vfs-of=$IGB/0-1" '$vf == [01]' &&
		picks "hold vfs-of=$IGB/1" '$vf == 1' &&
		picks "hold vfs-of=$PORT/00.0/2-9" '$vf == [23]' &&
		picks "hold vfs-of=$IGB/1-3 except=vfs-of=$IGB/2" '$vf == [13]' &&
		picks "hold vfs-of=$PORT/00.0 8086:10ca class=ethernet" '$vf != -' &&
		picks_nothing "hold vfs-of=1000:00:09.0" &&
		picks_nothing "hold vfs-of=${A_VF[0]}" &&
		picks_nothing "hold vfs-of=$IGB/4-7" || return 1
	# They come and go with the number that is written.
	vpnl add "hold vfs-of=$PORT/00.0/1-2" > "$DIR/added" &&
		echo 0 > "$SYS/$IGB/sriov_numvfs" && settled_is &&
		echo $VFS > "$SYS/$IGB/sriov_numvfs" &&
		settled_is "${A_VF[1]} held none" "${A_VF[2]} held none" &&
		vpnl del "hold vfs-of=$PORT/00.0/1-2"
}

except_leaves_out() {
	picks "hold 1234:5678 except=1000:01:03.2" \
		'$id == 1234:5678 && $a != 1000:01:03.2' &&
		picks "hold 1234:5678 except=1001:01:*.2" \
			'$id == 1234:5678 && $a != 1001:01:??.2' &&
		picks "hold 1234:5678 except=at=1000:00:01.0/*.*" \
			'$id == 1234:5678 && $a != 1000:01:*' &&
		picks "hold 1234:5678 except=at=1000:00:02.0/00.0/05.1" \
			'$id == 1234:5678 && $a != 1000:03:05.1' &&
		picks "hold 1234:* except=1234:5679" '$id == 1234:* && $id != 1234:5679' &&
		picks "hold 1234:* except=*:*:abcd:*" \
			'$id == 1234:* && $sub != abcd:*' &&
		picks "hold 1234:* except=class=network except=class=12" \
			'$id == 1234:* && $class != 02* && $class != 12*' &&
		picks "hold 1234:* except=dsn=aa-bb-cc-dd-ee-ff-00-11" \
			'$id == 1234:* && $dsn != aabbccddeeff0011' &&
		picks "hold 1234:* except=external" '$id == 1234:* && $out == in' &&
		picks "hold 8086:10ca except=vfs-of=$IGB/1" '$vf == [023]'
}

leave_comes_before_all_and_first_wins() {
	picks "hold 1234:5678" '$id == 1234:5678' \
		"leave 1000:01:03.2" '$a == 1000:01:03.2' &&
		picks "hold 1000:01:03.2" '$a == 1000:01:03.2' \
			"hold 1234:*" '$id == 1234:*' &&
		picks "hold 1234:*" '$id == 1234:*' \
			"hold 1000:01:03.2" '$a == 1000:01:03.2' \
			"hold *:*:abcd:*" '$sub == abcd:*' \
			"hold 1235:5678" '$id == 1235:5678' &&
		picks "hold class=3d except=external" '$class == 0302* && $out == in' \
			"leave at=1001:00:02.0/00.0/05.*" '$a == 1001:03:05.?' \
			"hold 1234:*" '$id == 1234:*' \
			"leave class=accelerator" '$class == 12*' &&
		picks "hold 8086:10ca" '$vf != -' "leave $IGB" '$a == "$IGB"' \
			"leave vfs-of=$IGB/0" '$vf == 0'
}

hosts_are_told_apart() {
	local own='' other=11111111-2222-3333-4444-555555555555

	{ read -r own < /sys/class/dmi/id/product_uuid; } 2> /dev/null
	picks_nothing "hold 1235:5678 host=$other" || return 1
	if [ -z "$own" ]; then
		say "this machine has no UUID: nothing is this host"
		return 0
	fi
	picks "hold 1235:5678 host=$own" '$id == 1235:5678' &&
		picks "hold 1235:5678 host=${own^^}" '$id == 1235:5678' &&
		picks "hold 1000:01:*.* host=$other" '$a == nothing' \
			"hold 1001:01:09.* host=$own" '$a == 1001:01:09.?' \
			"hold 1235:*" '$id == 1235:*'
}

what_picks_nothing_is_refused() {
	local rule

	for rule in "hold dsn=00-00-00-00-00-00-00-00" \
		"hold dsn=ff-ff-ff-ff-ff-ff-ff-ff" "hold *:*" "hold except=1234:5678" \
		"hold vfs" "hold at=1000:00:01.0/*.*/00.0" "hold at=1000:00:01.0/" \
		"hold vfs-of=$IGB/3-1" "hold class=graphics" "hold host=$IGB 1234:5678" \
		"hold 1234:5678 changed=hold" "hold 1234:5678 1234:5679"; do
		vpnl add "$rule" > "$DIR/answer" 2>&1
		same "exit status of '$rule'" $? 2 &&
			expect "why" grep -q expected "$DIR/answer" || return 1
	done
	same "rules there are" "$(vpnl rules)" ""
}

# probed [PATTERN]: PROBED, the functions of domain 1000 that greedy has been
# offered, bridges left out
probed() {
	local a driver

	PROBED=()
	while read -r a driver _; do
		# shellcheck disable=SC2053 # a pattern
		[[ $driver == greedy_sync && $a == ${1:-*} ]] || continue
		[[ $a == *:0[0-3].0 && $a == 1000:0[03]:* || $a == 1000:02:* ]] ||
			PROBED+=("$a")
	done < $PROBES
	mapfile -t PROBED < <(printf '%s\n' "${PROBED[@]}" | sort)
}

# all_anew: domain 1000 goes and comes, under the eyes of greedy
all_anew() {
	remove_domain 1000 && echo 0 > $PROBES &&
		printf '%s' "$BUS_OF_1000" > $CONTROL && probed
}

control_without_a_rule_greedy_has_them_all() {
	fresh && greedy 0x1000 && all_anew &&
		want "hold" '$a == 1000:* && $id != 1b36:*' &&
		WANT=("${WANT[@]%% *}") && GOT=("${PROBED[@]}") &&
		same_lines "what greedy was offered" &&
		same "who has one" "$(driver_of 1000:01:03.2)" greedy_sync
}

named_devices_are_never_probed_when_they_come() {
	local i list='' cases=(
		"hold at=1000:00:01.0/03.*" '$a == 1000:01:03.?'
		"hold at=1000:00:02.0/00.0/05.1 1234:5678" '$a == 1000:03:05.1'
		"hold external" '$out == out'
		"hold dsn=aa-bb-cc-dd-ee-ff-00-11" '$dsn == aabbccddeeff0011'
		"leave 1000:01:0a.1" '$a == 1000:01:0a.1'
		"hold *:*:abcd:*" '$sub == abcd:*'
		"hold class=network 1234:*" '$class == 02* && $id == 1234:*'
		"hold 1234:5679 except=1000:01:08.*" '$id == 1234:5679 && $a != 1000:01:08.?')

	for ((i = 0; i < ${#cases[@]}; i += 2)); do
		list+="${cases[i]};"
	done
	fresh "rules=\"$list\"" && greedy 0x1000 && all_anew && claimed "${cases[@]}" || return 1
	want "hold" '$a == 1000:* && $id != 1b36:* &&
		! " ${GOT[*]%% *} " == *" $a "*'
	WANT=("${WANT[@]%% *}") GOT=("${PROBED[@]}")
	same_lines "what greedy was offered"
}

# Four places, of which four rules know what is there.
something_else_at_the_place_stays_with_the_host() {
	local spots=(1001:01:03.{1..4}) right=() other=() is=() was=() a ret=0

	for a in "${spots[@]}"; do
		right+=("redefine $a 1234:5678 dsn=123456789abcdef${a##*.}")
		other+=("redefine $a 1234:9999 class=020000")
		was+=("$a $GROUPLESS") is+=("$a native changed")
	done
	greedy 0x1001 || return 1
	fresh 'rules="vfio at=1001:00:01.0/03.1 1234:5678; vfio 1001:01:03.2 1234:5678;
			vfio 1001:01:03.3 class=3d;
			vfio at=1001:00:01.0/03.4 dsn=12-34-56-78-9a-bc-de-f4"' &&
		printf '%s\n' "${right[@]}" > $CONTROL && settled_is "${was[@]}" &&
		listen && printf '%s\n' "${other[@]}" > $CONTROL &&
		settled_is "${is[@]}" || ret=1
	for a in "${spots[@]}"; do
		same "override of $a" "$(override_of "$a")" "(null)" &&
			is_driven_by "$a" greedy_sync || ret=1
	done
	printf '%s\n' "${right[@]}" > $CONTROL && settled_is "${was[@]}" || ret=1
	listen_no_more
	for a in "${spots[@]}"; do
		heard "$a"
		expect "events of $a:$EVENTS" test -z \
			"${EVENTS##*gone/none native/changed gone/none*}" || ret=1
	done
	redefine 1234:5678 && return $ret
}

# redefine IDS [OPTION...]: the function at the place is replaced by another
SPOT=1001:01:03.2
redefine() {
	testbus "redefine $SPOT $*"
}

something_else_at_the_place_can_be_held() {
	local f lines=()

	for f in 0 1 3 4 5 6 7; do
		lines+=("1001:01:03.$f held none")
	done
	fresh 'rules="vfio at=1001:00:01.0/03.2 1234:5678 changed=hold"' &&
		settled_is "$SPOT $GROUPLESS" && redefine 1234:9999 &&
		settled_is "$SPOT held changed" &&
		same driver "$(driver_of $SPOT)" vfiopolicy &&
		redefine 1234:5678 && settled_is "$SPOT $GROUPLESS" || return 1
	# Of many places the rule picks some: then only if it says so.
	fresh 'rules="hold at=1001:00:01.0/03.* 1234:5678"' &&
		redefine 1234:9999 && settled_is "${lines[@]}" &&
		fresh 'rules="hold at=1001:00:01.0/03.* 1234:5678 changed=hold"' &&
		settled_is "${lines[@]:0:2}" "$SPOT held changed" "${lines[@]:2}" ||
		return 1
	# What matches comes before what would have.
	fresh 'rules="hold at=1001:00:01.0/03.2 1234:5678; hold 1234:9999"' &&
		settled_is "$SPOT held none" && same rule "$(dev $SPOT rule)" 2 &&
		vpnl del 2 && wait_state $SPOT native changed &&
		redefine 1234:5678 && settled_is "$SPOT held none"
}

# Cards in ports, before and after another port has come in front of them.
bus_numbers_that_move_take_no_rule_along() {
	local ret=0

	fresh 'rules="hold at=1001:00:01.0/00.0 1234:5678;
		hold dsn=aa-bb-cc-dd-ee-ff-00-22; hold 1001:03:00.0 1234:567a;
		vfio 1001:04:00.0"' || return 1
	remove_domain 1001
	printf '%s\n' "define 1001:00:01.0 1b36:000c bus=01" \
		"define 1001:00:02.0 1b36:000c bus=02" \
		"define 1001:00:03.0 1b36:000c bus=03" \
		"define 1001:01:00.0 1234:5678" \
		"define 1001:02:00.0 1234:5678 dsn=aabbccddeeff0022" \
		"define 1001:03:00.0 1234:567a" "rescan 1001" > $CONTROL &&
		settled_is "1001:01:00.0 held none" "1001:02:00.0 held none" \
			"1001:03:00.0 held none" || ret=1
	remove_domain 1001
	printf '%s\n' "define 1001:00:00.0 1b36:000c bus=01" \
		"define 1001:00:01.0 1b36:000c bus=02" \
		"define 1001:00:02.0 1b36:000c bus=03" \
		"define 1001:00:03.0 1b36:000c bus=05" \
		"define 1001:00:04.0 1b36:000c bus=04" \
		"define 1001:01:00.0 1234:5678" \
		"define 1001:02:00.0 1234:5678" \
		"define 1001:03:00.0 1234:5678" \
		"define 1001:04:00.0 1234:5678 dsn=aabbccddeeff0022" \
		"define 1001:05:00.0 1234:567a" "rescan 1001" > $CONTROL &&
		settled_is "1001:02:00.0 held none" "1001:03:00.0 native changed" \
			"1001:04:00.0 held none" &&
		same "who has the first" "$(dev 1001:02:00.0 rule)" 1 &&
		same "who has the one with the number" \
			"$(dev 1001:04:00.0 rule)" 2 || ret=1
	remove_domain 1001
	printf '%s' "$BUS_OF_1001" > $CONTROL && return $ret
}

parameter_of_100_kilobytes() {
	local rules

	printf -v rules 'hold 4321:%04x class=030200;' {1..4000}
	rules+='hold 1235:5678; hold *:*:abcd:*'
	expect "its length ${#rules}" test ${#rules} -gt 100000 &&
		fresh "rules=\"$rules\"" &&
		expect "info counts" grep -q "rules=4002 bad=0" <(vpnl info) &&
		want "hold" '$id == 1235:5678 || $sub == abcd:*' &&
		settled_is "${WANT[@]% *}" &&
		same "number of the last" "$(dev 1000:01:0a.3 rule)" 4002
}

parameters_given_several_times() {
	fresh 'rules="hold 1000:01:03.2; leave 1001:01:09.7"' \
		ids=1235:5678 'rules="hold 1001:01:03.2"' \
		ids=1234:5679,8086:10cb:ffffffff:ffffffff:020000:ffff00 &&
		same rules "$(vpnl rules | cut -d' ' -f3- | tr '\n' ';')" \
			"leave 1001:01:09.7;hold 1000:01:03.2;hold 1001:01:03.2;vfio 1235:5678;vfio 1234:5679;vfio 8086:10cb class=ethernet;" &&
		claimed "hold" '$a == 1000:01:03.2' "leave" '$a == 1001:01:09.7' \
			"hold" '$a == 1001:01:03.2' "vfio" '$id == 1235:5678' \
			"vfio" '$id == 1234:5679'
}

# As a host has it: a file of modprobe.d, in which lines may go on.
options_of_modprobe() {
	local tree filler
	tree=$DIR/root/lib/modules/$(uname -r)

	clear_away
	mkdir -p "$tree" "$DIR/modprobe.d"
	cp "$VP_MODULES/vfiopolicy.ko" "$tree"
	depmod -b "$DIR/root" 2> /dev/null
	printf -v filler 'hold 4321:%04x class=030200;' {1..4000}
	cat > "$DIR/modprobe.d/vfiopolicy.conf" <<- END
		# Kept for guests.
		options vfiopolicy rules="hold 1235:5678; \\
			leave 1000:01:09.3"
		options vfiopolicy ids=1234:5679
		options vfiopolicy rules="$filler"
	END
	modprobe -d "$DIR/root" -C "$DIR/modprobe.d" vfiopolicy &&
		expect "info counts" grep -q "rules=4003 bad=0" <(vpnl info) &&
		want "hold" '$id == 1235:5678' "leave" '$a == 1000:01:09.3' \
			"vfio" '$id == 1234:5679' &&
		settled_is "${WANT[@]% *}" &&
		same "their origin" "$(vpnl rules | grep -vc ' cmdline ')" 0
}

bad_rules_cost_no_good_ones() {
	local bad log

	log_mark
	fresh 'rules="hold 1235:567g; hold 1235:5678;; hold class=grafics; leave;
		hold at=1001:00:01.0/03.2 1234:5678 1; hold 1234:5679"' \
		'rules="vfio 1235:5678; hold 1000:01:03.2; vfio 1234:5679 name=two"' \
		'ids=junk,1234:' || return 1
	expect "info counts" grep -q "rules=3 bad=8" <(vpnl info) &&
		want "hold" '$id == 1235:5678' "hold" '$id == 1234:5679' \
			"hold" '$a == 1000:01:03.2' &&
		settled_is "${WANT[@]% *}" || return 1
	log=$(log_since)
	for bad in "hold 1235:567g" "hold class=grafics" "leave" \
		"hold at=1001:00:01.0/03.2 1234:5678 1" "junk" "1234:" \
		"vfio 1235:5678" "vfio 1234:5679 name=two"; do
		expect "the log has it" test -z "${log##*"bad rule '$bad'"*}" ||
			return 1
	done
}

# replace ORIGIN RULE...: in one message; ANSWER, and the exit status
replace() {
	printf '%s\n' "${@:2}" > "$DIR/rules"
	ANSWER=$(vpnl replace "$1" "$DIR/rules" 2>&1)
}

replace_is_all_or_nothing() {
	local many before

	mapfile -t many < <(printf 'hold 4321:%04x class=3d\n' {1..98})
	many+=("hold 1235:5678" "hold 1000:01:03.2")
	fresh && replace file "${many[@]}" &&
		same answer "$ANSWER" "origin=file count=100 changed=100" &&
		want "hold" '$id == 1235:5678 || $a == 1000:01:03.2' &&
		settled_is "${WANT[@]% *}" || return 1
	before=$(vpnl rules; vpnl settled 1)
	many[57]="hold 4321:0039 klass=3d" many[99]="hold 1234:5678"
	replace file "${many[@]}"
	same "exit status" $? 2 &&
		expect "which ($ANSWER)" test -z "${ANSWER##*klass*}" &&
		same "rules and devices" "$(vpnl rules; vpnl settled 1)" "$before" ||
		return 1
	many[57]="vfio 1234:5678"
	replace file "${many[@]}"
	same "exit status" $? 2 &&
		expect "which two ($ANSWER)" test -z "${ANSWER##*1234:5678*}" &&
		same "rules and devices" "$(vpnl rules; vpnl settled 1)" "$before" ||
		return 1
	# Control: without that one the same list is taken.
	many[57]="hold 1234:ffff"
	replace file "${many[@]}" &&
		same answer "$ANSWER" "origin=file count=100 changed=4" &&
		want "hold" '$id == 1235:5678 || $id == 1234:5678' &&
		settled_is "${WANT[@]% *}"
}

replace_changes_one_origin() {
	fresh 'rules="hold 1234:5679"' && vpnl add "hold 1000:01:03.2" > "$DIR/added" &&
		replace file "hold 1235:5678" &&
		same answer "$ANSWER" "origin=file count=1 changed=1" &&
		replace file "hold 1001:01:03.2" "hold 1234:5679" "leave dead:beef" &&
		same answer "$ANSWER" "origin=file count=3 changed=4" &&
		same rules "$(vpnl rules)" "6 file leave dead:beef
2 runtime hold 1000:01:03.2
4 file hold 1001:01:03.2
5 file hold 1234:5679
1 cmdline hold 1234:5679" && replace runtime "hold 1000:01:03.1" &&
		want "hold" '$id == 1234:5679 || $a == 1001:01:03.2 || $a == 1000:01:03.1' &&
		settled_is "${WANT[@]% *}" || return 1
	: > "$DIR/rules"
	same "answer to none" "$(vpnl replace file "$DIR/rules")" \
		"origin=file count=0 changed=3" &&
		same rules "$(vpnl rules)" "7 runtime hold 1000:01:03.1
1 cmdline hold 1234:5679" || return 1
	replace cmdline "hold 1234:5678"
	same "exit status" $? 2 && same "rules" "$(vpnl rules | wc -l)" 2
}

replace_leaves_alone_what_stays() {
	local kept=1000:01:03.2 lost=1000:01:03.3 before ret=0

	greedy 0x1000 || return 1
	fresh && testbus "del $kept" && testbus "del $lost" &&
		replace file "hold 4321:0001" "hold $kept" "hold $lost" &&
		testbus "add $kept 1234:5678" && testbus "add $lost 1234:5678" &&
		settled_is "$kept held none" "$lost held none" || ret=1
	before=$(vpnl dev $kept) && listen &&
		replace file "hold dead:beef" "hold $kept" "hold 4321:0002" &&
		same answer "$ANSWER" "origin=file count=3 changed=4" &&
		settled_is "$kept held none" || ret=1
	listen_no_more
	heard $kept
	same "the one that stays" "$(vpnl dev $kept)" "$before" &&
		same "its events" "$EVENTS" "" &&
		same "driver of the other" "$(driver_of $lost)" greedy_sync &&
		same "its override" "$(override_of $lost)" "(null)" || ret=1
	listen && replace file "hold dead:beef" "hold $kept" "hold 4321:0002" &&
		same "answer to the same again" "$ANSWER" "origin=file count=3 changed=0" &&
		same "what it says" "$(vpnl rules | cut -d' ' -f2- | tr '\n' ';')" \
			"file hold dead:beef;file hold $kept;file hold 4321:0002;" ||
		ret=1
	listen_no_more
	same events "$(< "$DIR/events")" listening || ret=1
	return $ret
}

# The real VF has a group, so vfio-pci and then a user can have it.
replace_spares_a_user() {
	local vf=${A_VF[0]} answer ret=0

	fresh && replace file "vfio $vf" "hold 1235:5678" &&
		wait_state "$vf" isolated || return 1
	coproc USER { vfio_open "$vf" "$(group_of "$vf")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open || ret=1
	replace file "hold 1235:5678" "hold dead:beef"
	same "exit status" $? 2 &&
		expect "why ($ANSWER)" test -z "${ANSWER##*"$vf is in use"*}" &&
		same "rules" "$(vpnl rules | wc -l)" 2 &&
		same "state" "$(dev "$vf" state)" isolated || ret=1
	replace file "hold 4321:0001" "vfio $vf" &&
		same "an answer that spares it" "$ANSWER" \
			"origin=file count=2 changed=2" || ret=1
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	replace file "hold 4321:0001" && wait_state "$vf" none && return $ret
}

# Both lists hold what comes, by other rules: what comes between two lists is
# held by neither, and greedy gets it. Control: a list that does not hold it.
replace_leaves_no_gap_for_what_comes() {
	local lists=("hold at=1000:00:01.0/*.*" "hold 1234:5678 class=3d")
	local add='' del='' i word ret=0

	while read -r _ i word; do
		[[ $i == 1000:01:0[0-7].? ]] || continue
		add+="define $i $word"$'\n' del+="del $i"$'\n'
	done <<< "$BUS_OF_1000"
	greedy 0x1000 || return 1
	fresh && printf '%s' "$del" > $CONTROL && replace file "${lists[0]}" &&
		echo 0 > $PROBES || ret=1
	rm -f "$DIR/stop"
	until [ -e "$DIR/stop" ]; do
		printf '%srescan 1000\n%s' "$add" "$del" > $CONTROL || break
	done &
	for ((i = 1; i <= ${VP_REPLACES:-20}; i++)); do
		replace file "${lists[i % 2]}" &&
			same answer "$ANSWER" "origin=file count=1 changed=2" || ret=1
	done
	touch "$DIR/stop"
	wait
	probed "1000:01:0[0-7].?"
	same "what greedy was offered" "${PROBED[*]}" "" || ret=1
	replace file "hold 4321:0001" && printf '%srescan 1000\n' "$add" > $CONTROL &&
		probed "1000:01:0[0-7].?" && same "control: what it was offered then" ${#PROBED[@]} 64 ||
		ret=1
	return $ret
}

run_tests
