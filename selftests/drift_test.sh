#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Somebody else's hand on claimed devices: what libvirt, Proxmox, SPDK,
# driverctl and the SR-IOV operator write to sysfs, in their order, and what
# root may write besides. Real devices, real drivers; their probes are counted.
# Controls: without the rule the same writes do bind the driver.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

NVME=$(one_of 1b36:0010)
IGB=$(one_of 8086:10c9)
[ -n "$NVME$IGB" ] || skip "needs an NVMe and an igb"
[ -e "$SYS/$IGB/iommu_group" ] || skip "needs an IOMMU"
modprobe -a vfio-pci pci-stub || skip "needs vfio-pci and pci-stub"
DIR=$(mktemp -d)
DRIVERS=/sys/bus/pci/drivers
# What does not return it to its rule leaves it thus.
NVME_ID="1b36 0010"
IGB_ID="8086 10c9"

TESTS="control_these_writes_bind_a_driver
	libvirt_detach_leaves_it_isolated
	libvirt_reattach_ends_isolated
	driverctl_set_override_ends_isolated
	driverctl_unset_override_ends_isolated
	spdk_new_id_ends_isolated
	proxmox_new_id_leaves_a_held_one_held
	sriov_operator_default_driver_ends_isolated
	the_target_is_foreign_where_the_rule_says_hold
	unbinding_alone_is_repaired
	an_override_alone_is_repaired_when_asked
	each_refusal_is_told_and_counted
	yield_lets_it_go_and_says_so
	yielded_is_taken_back_by_request_alone
	lost_to_what_its_rule_wants_later_it_is_isolated
	unloading_vfio_is_obeyed"

after_each() {
	end_recording
	for driver in pci-stub vfio-pci; do
		echo "$NVME_ID" > $DRIVERS/$driver/remove_id
		echo "$IGB_ID" > $DRIVERS/$driver/remove_id
	done 2> /dev/null
	unload
	for addr in "$NVME" "$IGB"; do
		echo > "$SYS/$addr/driver_override"
	done
	[ "$(driver_of "$NVME")" = nvme ] || rebind "$NVME"
	[ "$(driver_of "$IGB")" = igb ] || rebind "$IGB"
	wait_driver "$NVME" nvme
	wait_driver "$IGB" igb
}

at_end() {
	trace_end
	rm -r "$DIR"
}

unbind() {
	[ ! -e "$SYS/$1/driver" ] || echo "$1" > "$SYS/$1/driver/unbind"
}

# May fail: that is what a refusal is to whoever asks.
probe() {
	echo "$1" > /sys/bus/pci/drivers_probe
} 2> /dev/null

# bind ADDRESS DRIVER
bind() {
	echo "$1" > "$DRIVERS/$2/bind"
} 2> /dev/null

rebind() {
	unbind "$1"
	probe "$1"
}

# claimed RULES: both are claimed as they come, from now on they are watched
claimed() {
	load "rules=\"$1\"" && replug "$NVME" "$IGB" &&
		wait_state "$NVME" "$2" && wait_state "$IGB" isolated &&
		start_recording && trace_functions nvme_probe igb_probe
}

# is_back ADDRESS STATE DRIVER: as its rule wants it, no probe was entered
is_back() {
	wait_state "$1" "$2" && same "driver of $1" "$(driver_of "$1")" "$3" &&
		same "override of $1" "$(override_of "$1")" "$3" &&
		same "probes of native drivers" "$(traced)" 0
}

stat_of() {
	vpnl stats | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# told ADDRESS FOUND: some event says who was found
told() {
	until_true grep -q "^address=$1 .* found=$2 " "$DIR/events" && return 0
	say "failed: no event says that $2 was found on $1"
	return 1
}

# vetoed ADDRESS DRIVER: some event says that it was refused
vetoed() {
	until_true grep -q \
		"^address=$1 .* cause=driver .* reason=vetoed .* found=$2 " "$DIR/events" &&
		return 0
	say "failed: no event says that $2 was refused $1"
	return 1
}

has_driver() {
	[ -e "$SYS/$1/driver" ]
}

# refused ADDRESS DRIVER COMMAND...: what it writes has that driver refused. When
# ours is back between two of its writes, nobody else is asked, and so not refused:
# then once more.
refused() {
	local addr=$1 driver=$2 before try
	shift 2

	before=$(stat_of vetoes)
	for try in {1..20}; do
		"$@"
		[ "$(stat_of vetoes)" = "$before" ] || break
		say "try $try: it was repaired before anybody was asked"
		until_true has_driver "$addr" || return 1
	done
	vetoed "$addr" "$driver"
}

# As it is with the drivers of the host, without us.
control_these_writes_bind_a_driver() {
	trace_functions nvme_probe igb_probe &&
		echo vfio-pci > "$SYS/$NVME/driver_override" && rebind "$NVME" &&
		same "detached" "$(driver_of "$NVME")" vfio-pci &&
		echo > "$SYS/$NVME/driver_override" && rebind "$NVME" &&
		wait_driver "$NVME" nvme && same "probes" "$(traced)" 1 &&
		echo "$IGB_ID" > $DRIVERS/pci-stub/new_id && unbind "$IGB" &&
		bind "$IGB" pci-stub && same "by new_id" "$(driver_of "$IGB")" pci-stub
}

# virPCIDeviceDetach(): the override, then unbind and probe anew, unless it is
# with that driver already.
libvirt_detach_leaves_it_isolated() {
	claimed "vfio $NVME; vfio $IGB" isolated &&
		echo vfio-pci > "$SYS/$NVME/driver_override" && rebind "$NVME" &&
		is_back "$NVME" isolated vfio-pci &&
		same "refusals" "$(stat_of vetoes)" 0
}

# virPCIDeviceReattach(): no override, unbind, probe anew.
reattach() {
	echo > "$SYS/$1/driver_override" && rebind "$1"
}

libvirt_reattach_ends_isolated() {
	claimed "vfio $NVME; vfio $IGB" isolated &&
		refused "$NVME" nvme reattach "$NVME" &&
		refused "$IGB" igb reattach "$IGB" &&
		is_back "$NVME" isolated vfio-pci && is_back "$IGB" isolated vfio-pci
}

# override_and_probe ADDRESS DRIVER
override_and_probe() {
	unbind "$1" && echo "$2" > "$SYS/$1/driver_override" && probe "$1"
}

driverctl_set_override_ends_isolated() {
	claimed "vfio $NVME; vfio $IGB" isolated &&
		refused "$NVME" nvme override_and_probe "$NVME" nvme &&
		is_back "$NVME" isolated vfio-pci
}

driverctl_unset_override_ends_isolated() {
	claimed "vfio $NVME; vfio $IGB" isolated &&
		refused "$IGB" igb override_and_probe "$IGB" '' && is_back "$IGB" isolated vfio-pci
}

spdk_reset() {
	unbind "$NVME" && echo "$NVME_ID" > $DRIVERS/pci-stub/remove_id 2> /dev/null
	echo > "$SYS/$NVME/driver_override"
	bind "$NVME" nvme
}

# scripts/setup.sh: unbind, new_id, bind; then its reset: unbind, remove_id,
# no override, bind to the driver of before.
spdk_new_id_ends_isolated() {
	claimed "vfio $NVME; vfio $IGB" isolated && unbind "$NVME" &&
		echo "$NVME_ID" > $DRIVERS/pci-stub/new_id
	bind "$NVME" pci-stub
	is_back "$NVME" isolated vfio-pci && refused "$NVME" nvme spdk_reset &&
		is_back "$NVME" isolated vfio-pci
}

# PVE::SysFSTools: new_id of vfio-pci, unbind, bind.
proxmox_new_id_leaves_a_held_one_held() {
	claimed "hold $NVME; vfio $IGB" held &&
		echo "$NVME_ID" > $DRIVERS/vfio-pci/new_id && unbind "$NVME"
	bind "$NVME" vfio-pci
	is_back "$NVME" held vfiopolicy
}

# BindDefaultDriver(): driver_override "\0", unbind, drivers_probe.
sriov_operator_default_driver_ends_isolated() {
	claimed "vfio $NVME; vfio $IGB" isolated &&
		printf '\0' > "$SYS/$IGB/driver_override" && rebind "$IGB"
	is_back "$IGB" isolated vfio-pci
}

override_and_bind() {
	echo "$2" > "$SYS/$1/driver_override" && unbind "$1"
	bind "$1" "$2"
}

the_target_is_foreign_where_the_rule_says_hold() {
	claimed "hold $NVME; vfio $IGB" held &&
		refused "$NVME" vfio-pci override_and_bind "$NVME" vfio-pci &&
		is_back "$NVME" held vfiopolicy
}

unbinding_alone_is_repaired() {
	claimed "hold $NVME; vfio $IGB" held && unbind "$NVME" && unbind "$IGB" &&
		until_true grep -q "^address=$NVME .* reason=unbound " "$DIR/events" &&
		is_back "$NVME" held vfiopolicy && is_back "$IGB" isolated vfio-pci
}

# Nobody is told of it; it is found when somebody next asks for the device.
an_override_alone_is_repaired_when_asked() {
	claimed "hold $NVME; vfio $IGB" held || return 1
	for addr in "$NVME" "$IGB"; do
		echo somebody > "$SYS/$addr/driver_override" &&
			vpnl claim "$addr" > "$DIR/answer" &&
			expect "it is there ($(< "$DIR/answer"))" \
				not grep -q pending "$DIR/answer" &&
			told "$addr" somebody || return 1
	done
	until_true test "$(override_of "$NVME")" = vfiopolicy
	is_back "$NVME" held vfiopolicy &&
		until_true overridden "$IGB" vfio-pci && is_back "$IGB" isolated vfio-pci
}

not() {
	! "$@"
}

overridden() {
	[ "$(override_of "$1")" = "$2" ]
}

each_refusal_is_told_and_counted() {
	local n

	claimed "vfio $NVME; vfio $IGB" isolated || return 1
	for n in 1 2 3; do
		refused "$NVME" nvme reattach "$NVME" &&
			is_back "$NVME" isolated vfio-pci &&
			same "refusals" "$(stat_of vetoes)" $n || return 1
	done
	same "refusals told" "$(grep -c "^address=$NVME .* reason=vetoed" "$DIR/events")" 3 &&
		same "what was found last" "$(dev "$NVME" found)" nvme &&
		same "found on the other" "$(dev "$IGB" found)" - &&
		same "lost" "$(stat_of lost)" 0
}

yield_lets_it_go_and_says_so() {
	claimed "vfio $NVME yield; vfio $IGB" isolated &&
		echo nvme > "$SYS/$NVME/driver_override" && rebind "$NVME" &&
		wait_state "$NVME" lost foreign-driver &&
		same driver "$(driver_of "$NVME")" nvme &&
		same override "$(override_of "$NVME")" nvme &&
		same "refusals" "$(stat_of vetoes)" 0 &&
		same "lost" "$(stat_of lost)" 1 &&
		unbind "$NVME" && wait_state "$NVME" lost &&
		same "left alone" "$(driver_of "$NVME")" -
}

yielded_is_taken_back_by_request_alone() {
	claimed "vfio $NVME yield; vfio $IGB" isolated &&
		echo > "$SYS/$NVME/driver_override" && rebind "$NVME" &&
		wait_state "$NVME" lost foreign-driver &&
		same driver "$(driver_of "$NVME")" nvme &&
		vpnl claim "$NVME" > "$DIR/answer" && wait_state "$NVME" isolated &&
		same override "$(override_of "$NVME")" vfio-pci
}

# given ADDRESS DRIVER: until it stays so, for what was held a moment ago may have its
# override written once more.
given() {
	echo "$2" > "$SYS/$1/driver_override"
	rebind "$1"
	[ "$(driver_of "$1")" = "$2" ]
}

# Under a rule that holds it, it is lost to vfio-pci. Then a rule says vfio, and that
# may yield or not.
lost_to_what_its_rule_wants_later_it_is_isolated() {
	local yields

	claimed "hold $NVME yield; vfio $IGB" held || return 1
	for yields in '' ' yield'; do
		expect "given away" until_true given "$NVME" vfio-pci &&
			wait_state "$NVME" lost foreign-driver &&
			vpnl replace runtime - > /dev/null <<< "vfio $NVME$yields" &&
			wait_state "$NVME" isolated && same adopted "$(dev "$NVME" adopted)" 1 &&
			vpnl replace runtime - > /dev/null <<< "hold $NVME yield" &&
			wait_state "$NVME" held || return 1
	done
	same "lost" "$(stat_of lost)" 2
}

# Who unloads it does not have it loaded again at once.
unloading_vfio_is_obeyed() {
	claimed "vfio $NVME; vfio $IGB" isolated && modprobe -r vfio-pci &&
		wait_state "$NVME" held module-missing &&
		wait_state "$IGB" held module-missing &&
		expect "it is not there" test ! -d /sys/module/vfio_pci &&
		is_back "$NVME" held vfiopolicy && modprobe vfio-pci &&
		is_back "$NVME" isolated vfio-pci && is_back "$IGB" isolated vfio-pci
}

run_tests
