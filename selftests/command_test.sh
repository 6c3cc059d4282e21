#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The command against the module and real devices: what it does, what it says
# and how it ends. What it says of the devices is checked against sysfs and
# against the family, asked by other means.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/command.sh
. "$(dirname "$0")/lib/command.sh"

read -ra TWINS <<< "$(all_of 1b36:0010 | tr '\n' ' ')"
IGB=$(one_of 8086:10c9)
[ "${#TWINS[@]}" -ge 2 ] || skip "needs two NVMe"
[ -e "$SYS/$IGB/iommu_group" ] || skip "needs an igb and an IOMMU"
P10=1000:00:05.0
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
need_debugfs
# Rule files of its own: the guest sees the machine's /etc.
VFIOPOLICY_ROOT=$(mktemp -d)
export VFIOPOLICY_ROOT
RULES=$VFIOPOLICY_ROOT/etc/vfiopolicy/rules.d
mkdir -p "$VFIOPOLICY_ROOT/etc"
# Where it is from the root bus on: what is stored for it.
IGB_PATH=$(readlink "$SYS/$IGB")
IGB_PATH=${IGB_PATH#*pci0000:00/}
IGB_PATH=at=${IGB_PATH%%/*}/${IGB##*:}

TESTS="without_the_module_it_says_so
	add_the_sentence_that_must_work
	add_an_id_of_several_devices_is_refused
	add_all_takes_them_all
	add_takes_a_native_device
	add_takes_what_with_names
	add_leaves_what_was_released
	add_isolates_a_free_device
	add_without_an_iommu_group_is_held
	add_twice_changes_nothing
	add_of_nonsense_is_shown
	add_of_an_absent_device
	add_needs_privilege
	add_stores_what_lasts
	add_at_run_time_saves_nothing
	files_are_applied_in_one_step
	something_else_at_the_place_is_said
	explain_goes_by_the_module
	del_by_number_and_by_text
	del_by_name_and_by_device
	del_of_what_is_not_there
	del_while_in_use
	del_of_several_is_one_step
	del_of_several_while_one_is_in_use
	del_of_all
	list_and_status_agree_with_sysfs
	json_is_json
	bad_rules_fail_the_status
	monitor_streams_events
	claim_takes_a_native_device
	claim_refuses_what_the_host_uses
	claim_of_what_no_rule_names
	release_and_claim_again
	release_while_in_use
	release_without_the_module
	release_of_what_no_rule_names_any_more
	disabled_is_said
	groups_agree_with_the_module
	sriov_makes_vfs_and_waits
	monitor_tells_of_a_veto"

after_each() {
	testbus "del $P10" 2> /dev/null
	rm -rf "$RULES" "$VFIOPOLICY_ROOT/etc/modprobe.d"
	unload
	wait_driver "$IGB" igb && wait_driver "${TWINS[0]}" nvme &&
		wait_driver "${TWINS[1]}" nvme && udevadm settle
}

at_end() {
	rmmod testbus
	rm -r "$VFIOPOLICY_ROOT"
}

without_the_module_it_says_so() {
	run 0 status && says "modprobe vfiopolicy" && says "no rules" &&
		run 2 list && says "not loaded" && says "modprobe vfiopolicy"
}

# Here the device has no IOMMU group, so the end is not the usual one: held.
add_the_sentence_that_must_work() {
	load && testbus "add $P10 10de:1b39 class=030200" &&
		run 4 add 10de:1b39 && says "$P10" && says "Tesla P10" &&
		says "rule 1 added: vfio 10de:1b39" &&
		same rules "$(vpnl rules)" "1 file vfio 10de:1b39" &&
		same state "$(dev $P10 state)" held
}

add_an_id_of_several_devices_is_refused() {
	load && run 1 add 1b36:0010 &&
		says "1b36:0010    # ${TWINS[0]} " && says "S/N vp1" &&
		says "1b36:0010    # ${TWINS[1]} " && says "S/N vp2" &&
		says "--all" && same rules "$(vpnl rules)" "" &&
		expect "no file" test ! -e "$RULES/50-local.rules"
}

add_all_takes_them_all() {
	load && run 0 add --all 1b36:0010 && says "nvme -> vfio-pci ... done" &&
		wait_state "${TWINS[0]}" isolated && wait_state "${TWINS[1]}" isolated &&
		same rules "$(vpnl rules)" "1 file vfio 1b36:0010"
}

# Control: a rule alone, without the command, leaves it where it is.
add_takes_a_native_device() {
	load && vpnl add "vfio $IGB_PATH 8086:10c9" > /dev/null &&
		wait_state "$IGB" native native-driver &&
		same driver "$(driver_of "$IGB")" igb && vpnl del 1 || return 1
	run 5 add --dry-run "$IGB" && says "igb -> vfio-pci" &&
		same driver "$(driver_of "$IGB")" igb &&
		run 0 add --json "$IGB" && json_valid add &&
		same changed "$(json 'd["changed"]')" True &&
		same before "$(json 'd["devices"][0]["driver_before"]')" igb &&
		same state "$(dev "$IGB" state)" isolated &&
		same driver "$(driver_of "$IGB")" vfio-pci && run 0 status &&
		run 0 add --json "$IGB" &&
		same "changed again" "$(json 'd["changed"]')" False
}

# What the rule names, and the other function that it is to be held with.
add_takes_what_with_names() {
	local slot=1000:00:03

	insmod "$VP_MODULES/greedy.ko" domain=0x1000 bind=1 &&
		testbus "define $slot.0 1234:0000" &&
		testbus "define $slot.1 1234:0001" && testbus rescan &&
		wait_driver $slot.0 greedy_sync && wait_driver $slot.1 greedy_sync &&
		load && run 0 add hold 1234:0000 with=slot &&
		says "$slot.0" && says "$slot.1" && says "greedy_sync -> held" &&
		same "the one" "$(dev $slot.0 state)" held &&
		same "the other" "$(dev $slot.1 state) $(dev $slot.1 reason)" "held with"
	local ret=$?
	testbus "del $slot.1" && testbus "del $slot.0"
	unload
	rmmod greedy
	return $ret
}

add_leaves_what_was_released() {
	load && run 0 add "$IGB" && run 0 release "$IGB" && wait_driver "$IGB" igb &&
		run 4 add "$IGB" && says "was there already" &&
		same state "$(dev "$IGB" state)" released &&
		same driver "$(driver_of "$IGB")" igb
}

add_isolates_a_free_device() {
	load || return 1
	echo "$IGB" > "$SYS/$IGB/driver/unbind"
	run 0 add 8086:10c9 && says "$IGB" && says "vfio-pci" && says "done" &&
		same driver "$(driver_of "$IGB")" vfio-pci &&
		same override "$(override_of "$IGB")" vfio-pci
}

add_without_an_iommu_group_is_held() {
	load && testbus "add $P10 10de:1b39 class=030200" &&
		run 4 add 10de:1b39 && says "no IOMMU group" &&
		same driver "$(driver_of $P10)" vfiopolicy
}

add_twice_changes_nothing() {
	load || return 1
	echo "$IGB" > "$SYS/$IGB/driver/unbind"
	run 0 add 8086:10c9 && run 0 add vfio 8086:10C9 && says "already" &&
		same rules "$(vpnl rules)" "1 file vfio 8086:10c9" &&
		run 1 add hold 8086:10c9 && says "the same devices" &&
		run 0 add --runtime --absent-ok dead:1 name=x &&
		run 2 add --runtime --absent-ok dead:2 name=x && says "at odds" &&
		same saved "$(grep -v '^#' "$RULES/50-local.rules" | grep .)" \
			"vfio 8086:10c9"
}

add_of_nonsense_is_shown() {
	load && run 1 add 10de:xyz && says "10de:xyz" && says "^" &&
		says "device id" && run 1 add && run 1 frobnicate &&
		run 1 stauts && says "status" && run 1 add --frobnicate 1:2 &&
		same rules "$(vpnl rules)" ""
}

add_of_an_absent_device() {
	load && run 3 add dead:beef && says "Nothing was changed" &&
		same rules "$(vpnl rules)" "" &&
		run 0 add --absent-ok dead:beef &&
		same rules "$(vpnl rules)" "1 file vfio dead:beef" &&
		run 4 status && says "no device"
}

add_needs_privilege() {
	load || return 1
	OUT=$(setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$VP_BIN/vfiopolicy" add --runtime "$IGB" 2>&1)
	same "exit status" $? 2 && says CAP_SYS_ADMIN && says root || return 1
	OUT=$(setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$VP_BIN/vfiopolicy" add "$IGB" 2>&1)
	same "exit status" $? 2 && says "Permission denied" &&
		same rules "$(vpnl rules)" "" || return 1
	OUT=$(VFIOPOLICY_ROOT=/nonexistent setpriv --reuid=65534 --regid=65534 \
		--clear-groups "$VP_BIN/vfiopolicy" status 2>&1)
	same "exit status of a reader" $? 0
}

del_by_number_and_by_text() {
	load 'rules="hold 10de:1b39; vfio 10de:1b38"' &&
		testbus "add $P10 10de:1b39" && wait_state $P10 held &&
		run 0 del 1 && says "deleted" &&
		same override "$(override_of $P10)" "(null)" &&
		run 0 del 10DE:1b38 && same rules "$(vpnl rules)" ""
}

add_stores_what_lasts() {
	local net

	load || return 1
	net=$(echo "$SYS/$IGB/net/"*)
	run 0 add "${net##*/}" name=port &&
		same rules "$(vpnl rules)" "1 file vfio $IGB_PATH 8086:10c9 name=port" &&
		same saved "$(tail -n 1 "$RULES/50-local.rules")" \
			"vfio $IGB_PATH 8086:10c9 name=port" &&
		expect "the comment names it" grep -q "^#: $IGB .*driver igb" \
			"$RULES/50-local.rules" &&
		run 0 add "$IGB" name=port && says "was there already" &&
		run 0 add /dev/nvme0n1 && says "1b36:0010" &&
		run 0 add nvme1 && same rules "$(vpnl rules | wc -l)" 3
}

add_at_run_time_saves_nothing() {
	load && run 0 add --runtime --absent-ok dead:beef &&
		same rules "$(vpnl rules)" "1 runtime vfio dead:beef" &&
		expect "no file" test ! -e "$RULES/50-local.rules" &&
		run 0 add --next-boot --absent-ok dead:bee0 &&
		same rules "$(vpnl rules)" "1 runtime vfio dead:beef" &&
		run 4 status && says "vfiopolicy apply"
}

files_are_applied_in_one_step() {
	load "rules=\"hold $P10\"" && mkdir -p "$RULES" &&
		echo "vfio $IGB_PATH 8086:10c9 name=port" > "$RULES/10-a.rules" &&
		printf '# two\nhold dead:beef\nleave 1b36:0010\n' > "$RULES/20-b.rules" &&
		run 4 status && says "3 of the rules that are saved are not in force" &&
		run 0 apply && says "added or deleted: 3" &&
		same rules "$(vpnl rules | cut -d' ' -f2-)" "file leave 1b36:0010
file vfio $IGB_PATH 8086:10c9 name=port
file hold dead:beef
cmdline hold $P10" &&
		replug "$IGB" && wait_state "$IGB" isolated &&
		run 0 apply && says "as before" &&
		rm "$RULES/20-b.rules" && run 5 apply --dry-run --json &&
		json_valid apply-dry-run && run 0 apply --json && json_valid apply &&
		same changed "$(json 'd["changed"]')" True &&
		same differences "$(json 'd["differences"]')" 2 &&
		same state "$(dev "$IGB" state)" isolated &&
		echo "vfio clas=3d" >> "$RULES/10-a.rules" && run 1 apply &&
		says "10-a.rules:2:6" && says "class=" && run 4 status &&
		same rules "$(vpnl rules | wc -l)" 2
}

something_else_at_the_place_is_said() {
	load && run 0 add --absent-ok "$IGB_PATH" 15b3:1017 name=cx5 && run 4 status &&
		says "cx5" && says "8086:10c9 sits there" && says "nothing claimed" &&
		same driver "$(driver_of "$IGB")" igb &&
		run 4 status "$IGB" && run 0 list && says "8086:10c9 sits there"
}

explain_goes_by_the_module() {
	load 'rules="leave 8086:1572; hold class=3d name=gpus; vfio 8086:10c9"' &&
		run 0 explain "$IGB" && says "class 0200" && says "gpus" &&
		says "device 8086:10c9" && run 0 explain "${TWINS[0]}" &&
		says "the host keeps it" && says "nvme" &&
		run 0 explain --json "$IGB" && json_valid explain &&
		same winner "$(json 'd["winner"]')" 3
}

del_by_name_and_by_device() {
	load && run 0 add "$IGB" name=port && run 0 add "${TWINS[0]}" &&
		run 0 del port && says "deleted from $RULES/50-local.rules" &&
		run 0 del "${TWINS[0]}" && same rules "$(vpnl rules)" "" &&
		run 0 add hold "${TWINS[1]}" && run 1 del "" &&
		run 3 del /dev/nvme99n1 && says "by the device's address" &&
		run 0 del "${TWINS[1]}" && same rules "$(vpnl rules)" "" &&
		same saved "$(grep -v '^# ' "$RULES/50-local.rules" | grep .)" ""
}

del_of_what_is_not_there() {
	load 'rules="hold 10de:1b39"' && run 3 del 17 && run 3 del 1:2 &&
		says "hold 10de:1b39" &&
		same rules "$(vpnl rules)" "1 cmdline hold 10de:1b39"
}

del_while_in_use() {
	local answer

	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated || return 1
	coproc USER { vfio_open "$IGB" "$(group_of "$IGB")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open && run 2 del 1 && says "in use" &&
		run 0 list && says "in use"
	local ret=$?
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	[ $ret = 0 ] && run 0 del 1 && says "vfio-pci -> igb"
}

del_of_several_is_one_step() {
	load "rules=\"vfio ${TWINS[1]} name=second\"" &&
		run 0 add "$IGB" name=port && run 0 add --runtime --absent-ok hold dead:beef &&
		wait_state "$IGB" isolated &&
		run 3 del port prot && says "there is no rule prot" &&
		says "Did you mean port?" && same rules "$(vpnl rules | wc -l)" 3 &&
		run 0 del port dead:beef second && says "vfio-pci -> igb" &&
		same rules "$(vpnl rules)" "" &&
		same saved "$(grep -v '^# ' "$RULES/50-local.rules" | grep .)" ""
}

del_of_several_while_one_is_in_use() {
	local answer ret

	load && run 0 add hold dead:beef --absent-ok && run 0 add "$IGB" name=port &&
		run 0 add --runtime hold dead:bee0 --absent-ok &&
		wait_state "$IGB" isolated || return 1
	cp "$RULES/50-local.rules" "$VFIOPOLICY_ROOT/before"
	coproc USER { vfio_open "$IGB" "$(group_of "$IGB")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open && run 2 del dead:beef port && says "in use" &&
		same rules "$(vpnl rules | wc -l)" 3 &&
		run 2 del dead:bee0 dead:beef port && says "in use" &&
		same rules "$(vpnl rules | wc -l)" 3 && run 2 del --all &&
		expect "the file is as it was" \
			cmp -s "$RULES/50-local.rules" "$VFIOPOLICY_ROOT/before"
	ret=$?
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	[ $ret = 0 ] && run 0 del --all && says "vfio-pci -> igb" && says "1 more rule is" &&
		same rules "$(vpnl rules | cut -d' ' -f2-)" "runtime hold dead:bee0"
}

del_of_all() {
	load && run 0 add "$IGB" name=port && run 0 add "${TWINS[0]}" &&
		run 0 claim port && says already && run 0 explain port &&
		run 5 del --all --dry-run && same rules "$(vpnl rules | wc -l)" 2 &&
		run 0 del --all --json && json_valid del &&
		same texts "$(json 'len(d["texts"])')" 2 && same rules "$(vpnl rules)" "" &&
		run 0 del --all && says "no file of"
}

claim_takes_a_native_device() {
	local net

	udevadm settle
	load "rules=\"vfio $IGB name=port\"" &&
		run 4 status port && says "igb has it" &&
		run 4 status -v && says cmdline &&
		run 5 claim --dry-run "$IGB" && says "igb -> vfio-pci" &&
		same driver "$(driver_of "$IGB")" igb || return 1
	net=$(echo "$SYS/$IGB/net/"*)
	run 0 claim "${net##*/}" && says "igb -> vfio-pci ... done" &&
		same driver "$(driver_of "$IGB")" vfio-pci &&
		run 0 claim "$IGB" && says already &&
		run 0 claim --json "$IGB" && json_valid claim &&
		same changed "$(json 'd["changed"]')" False && run 0 status port
}

claim_refuses_what_the_host_uses() {
	local net

	# It is given another name right after it has come back.
	udevadm settle
	net=$(echo "$SYS/$IGB/net/"*)
	net=${net##*/}
	load "rules=\"vfio $IGB\"" && ip link set "$net" up &&
		ip addr add 192.0.2.1/24 dev "$net" &&
		run 1 claim "$IGB" && says "192.0.2.1" && says "Nothing was changed" &&
		run 1 claim --dry-run "$IGB" && ip addr flush dev "$net" &&
		same driver "$(driver_of "$IGB")" igb || return 1
	if [ -e "$SYS/$IGB/sriov_numvfs" ]; then
		echo 1 > "$SYS/$IGB/sriov_numvfs"
		run 1 claim "$IGB" && run 2 claim --force "$IGB" &&
			says "vfiopolicy sriov $IGB 0" &&
			run 0 sriov "$IGB" 0 || return 1
	fi
	ip addr add 192.0.2.1/24 dev "$net" && run 0 claim --force "$IGB" &&
		says "--force: $IGB" && says "igb -> vfio-pci"
}

claim_of_what_no_rule_names() {
	load "rules=\"leave $IGB; vfio $IGB_PATH 15b3:1017\"" &&
		run 3 claim "${TWINS[0]}" && says "no rule wants it" &&
		says "vfiopolicy add ${TWINS[0]}" &&
		run 3 claim "$IGB" && says "explain" &&
		run 0 status "$IGB" && says "left to the host" &&
		run 3 release "${TWINS[0]}" && says "nothing to give back" &&
		vpnl del 1 > /dev/null &&
		run 4 claim "$IGB" && says "something else" &&
		same driver "$(driver_of "$IGB")" igb
}

release_and_claim_again() {
	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated &&
		run 5 release --dry-run "$IGB" && says "vfio-pci -> the host" &&
		same state "$(dev "$IGB" state)" isolated &&
		run 0 release "$IGB" && says "vfio-pci -> igb ... done" &&
		says "vfiopolicy claim $IGB" &&
		same state "$(dev "$IGB" state)" released &&
		run 0 release "$IGB" && says already &&
		run 4 status "$IGB" && says released && says "to take it back" &&
		run 0 claim "$IGB" && says "igb -> vfio-pci ... done" &&
		run 0 release "$IGB" && replug "$IGB" &&
		wait_state "$IGB" isolated
}

release_while_in_use() {
	local answer ret

	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated || return 1
	coproc USER { vfio_open "$IGB" "$(group_of "$IGB")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open && run 2 release "$IGB" &&
		says "in use" && says "Shut down vfio_open" &&
		run 2 release --dry-run "$IGB" && says "Shut down vfio_open" &&
		run 0 groups "$IGB" && says "in use by vfio_open" &&
		run 0 status && says "in use by vfio_open" &&
		run 0 list -o USER && says "vfio_open"
	ret=$?
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	[ $ret = 0 ] && run 0 release "$IGB"
}

release_without_the_module() {
	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated && rmmod vfiopolicy &&
		same driver "$(driver_of "$IGB")" vfio-pci &&
		run 3 status "$IGB" && says "vfio-pci" &&
		run 5 release --dry-run "$IGB" &&
		run 0 release "$IGB" && says "goes by sysfs" &&
		says "vfio-pci -> igb" &&
		same override "$(override_of "$IGB")" "(null)" &&
		run 0 release "$IGB" && says "already" && run 2 claim "$IGB" &&
		says "modprobe vfiopolicy"
}

release_of_what_no_rule_names_any_more() {
	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated && rmmod vfiopolicy && load &&
		same driver "$(driver_of "$IGB")" vfio-pci &&
		run 3 status "$IGB" && says "all the same it is with vfio-pci" &&
		says "vfiopolicy release $IGB" &&
		run 5 release --dry-run "$IGB" && run 0 release "$IGB" &&
		says "vfio-pci -> igb; its override is cleared" &&
		same driver "$(driver_of "$IGB")" igb &&
		same override "$(override_of "$IGB")" "(null)" &&
		run 3 release "$IGB" && says "nothing to give back"
}

disabled_is_said() {
	load disable=1 "rules=\"vfio $IGB\"" &&
		run 4 status && says "disable=1" && run 2 claim "$IGB" &&
		says "disable=1" && run 3 status "$IGB" && says "disable=1" &&
		same driver "$(driver_of "$IGB")" igb
}

groups_agree_with_the_module() {
	load "rules=\"vfio $IGB; vfio ${TWINS[0]}\"" && replug "$IGB" &&
		wait_state "$IGB" isolated && run 0 groups -n "$IGB" &&
		says "$(group_of "$IGB") viable" &&
		says "$IGB  8086:10c9  vfio-pci" &&
		run 0 groups "${TWINS[0]}" &&
		says "with the host (nvme); to give it: vfiopolicy add ${TWINS[0]}" &&
		run 0 groups -j && json_valid groups &&
		same module "$(json 'd["module"]')" True &&
		same viability "$(json "[g['viability'] for g in d['groups'] if
			any(m['address'] == '$IGB' for m in g['members'])][0]")" \
			viable && run 3 groups 99999
}

sriov_makes_vfs_and_waits() {
	local answer ret vf

	[ -e "$SYS/$IGB/sriov_numvfs" ] || return 0
	load 'rules="vfio 8086:10ca"' && run 5 sriov "$IGB" 2 --dry-run &&
		same "VFs" "$(cat "$SYS/$IGB/sriov_numvfs")" 0 &&
		run 1 sriov "$IGB" 99 && says "at the most" &&
		run 0 sriov "$IGB" 2 && says "VF 0  " && says "VF 1  " &&
		says "isolated" && says "2 of 7 VFs" &&
		run 0 sriov "$IGB" 2 -j && json_valid sriov &&
		same changed "$(json 'd["changed"]')" False &&
		same states "$(json '{v["state"] for v in d["devices"]}')" \
			"{'isolated'}" || return 1
	vf=$(basename "$(readlink "$SYS/$IGB/virtfn1")")
	coproc USER { vfio_open "$vf" "$(group_of "$vf")" 2>&1; }
	read -r answer <&"${USER[0]}"
	same "the user says" "$answer" open && run 2 sriov "$IGB" 3 &&
		says "VF 1  $vf  is in use by vfio_open" &&
		run 2 sriov "$IGB" 0 && says "Nothing was changed" &&
		same "VFs" "$(cat "$SYS/$IGB/sriov_numvfs")" 2
	ret=$?
	eval "exec ${USER[1]}>&-"
	wait "$USER_PID"
	[ $ret = 0 ] && run 0 sriov "$IGB" 1 && says "its 2 VFs are gone" &&
		says "1 of 7 VFs" && run 0 sriov "$IGB" 0 &&
		same "VFs" "$(cat "$SYS/$IGB/sriov_numvfs")" 0
	ret=$?
	echo 0 > "$SYS/$IGB/sriov_numvfs"
	return $ret
}

monitor_tells_of_a_veto() {
	local dir ret monitor

	dir=$(mktemp -d)
	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated || return 1
	vfiopolicy monitor -v > "$dir/out" 2> "$dir/err" &
	monitor=$!
	until_true grep -q listening "$dir/err" &&
		echo "$IGB" > "$SYS/$IGB/driver/unbind" &&
		echo > "$SYS/$IGB/driver_override" &&
		echo "$IGB" > /sys/bus/pci/drivers_probe
	until_true grep -q "igb turned away" "$dir/out"
	ret=$?
	kill $monitor
	wait $monitor
	[ $ret = 0 ] || say "$(cat "$dir/out")"
	rm -r "$dir"
	[ $ret = 0 ] && wait_state "$IGB" isolated &&
		run 0 status "$IGB" && says "found   igb"
}

list_and_status_agree_with_sysfs() {
	load "rules=\"vfio $IGB; vfio ${TWINS[0]}\"" && replug "$IGB" &&
		wait_state "$IGB" isolated &&
		wait_state "${TWINS[0]}" native &&
		run 0 list && says "$IGB" && says "isolated" && says "nvme" &&
		same "lines of the list" "$(wc -l <<< "$OUT")" 3 &&
		run 4 status && says "1 of 2 rules is not met" &&
		run 0 list -a && says "${TWINS[1]}" &&
		run 0 status "$IGB" && says "vfio-pci" && run 3 status 0000:7f:1f.7
}

json_is_json() {
	load "rules=\"vfio $IGB\"" && replug "$IGB" &&
		wait_state "$IGB" isolated && run 0 list --json && json_valid list &&
		same version "$(json 'd["version"]')" 1 &&
		same address "$(json 'd["devices"][0]["address"]')" "$IGB" &&
		same state "$(json 'd["devices"][0]["state"]')" isolated &&
		same driver "$(json 'd["devices"][0]["driver"]')" vfio-pci &&
		run 0 status --json && same version "$(json 'd["version"]')" 1 &&
		json_valid status &&
		run 3 add --json dead:beef &&
		run 0 add --json --absent-ok dead:beef &&
		same changed "$(json 'd["changed"]')" True && json_valid add &&
		run 0 add --json --absent-ok dead:beef &&
		same "changed again" "$(json 'd["changed"]')" False &&
		run 0 del --json dead:beef && same changed "$(json 'd["changed"]')" True &&
		json_valid del
}

bad_rules_fail_the_status() {
	load 'rules="hold 10de:1b39; vfio nonsense"' &&
		testbus "add $P10 10de:1b39" && wait_state $P10 held &&
		run 4 status && says "did not understand (1)" && says "dmesg"
}

monitor_streams_events() {
	local dir ret monitor

	dir=$(mktemp -d)
	load || return 1
	vfiopolicy monitor -v -j --count=4 > "$dir/out" 2> "$dir/err" &
	monitor=$!
	until_true grep -q listening "$dir/err" &&
		vpnl add "hold 10de:1b39" > /dev/null &&
		testbus "add $P10 10de:1b39" && wait_state $P10 held &&
		testbus "del $P10"
	wait $monitor && same "lines" "$(wc -l < "$dir/out")" 4 &&
		while read -r OUT; do
			json_valid monitor || return 1
		done < "$dir/out"
	ret=$?
	rm -r "$dir"
	return $ret
}

run_tests
