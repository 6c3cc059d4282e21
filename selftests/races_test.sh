#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two actors at a time at the same devices, in loops: requests, changes of
# rules, what root may write in sysfs, users, drivers and this module that come
# and go. See lib/actors.c for each of them.
#
#	VP_RACE_SECONDS=5	how long each pair
#	VP_ALL_PAIRS=1		all pairs, and not only the ten below
#	VP_PAIRS="rule:user"	these; suspend_test.sh has its own
#
# After each pair nothing hangs, the kernel has not complained, every device
# comes to where its rule wants it, with bus mastering off, no native driver was
# tried on what was claimed all along, and nothing is left behind: records,
# references on devices, buses and modules, IOMMU groups.
#
# Controls: pairs in which a rule goes count the native driver's probes, and in
# all of them something must have been done.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

LENGTH=${VP_RACE_SECONDS:-5}
NVME=$(one_of 1b36:0010)
PF=$(one_of 8086:10c9)
MADE_UP=1000:00:07.0
STAYS=1000:00:1f.0
[ -n "$NVME" ] || skip "needs an NVMe"
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
[ -e "$SYS/$PF/sriov_numvfs" ] || skip "needs an igb with SR-IOV"
need_debugfs
insmod "$VP_MODULES/testbus.ko" || skip "needs the test bus"
insmod "$VP_MODULES/greedy.ko" domain=0x1000 bind=1 || skip "needs greedy"
modprobe vfio-pci
modprobe igbvf
DIR=$(mktemp -d)
PROBES=/sys/kernel/debug/greedy/probes
COUNTS=''
MODPROBE=$(< /proc/sys/kernel/modprobe)

# They tell where they will be.
echo 2 > "$SYS/$PF/sriov_numvfs"
read -r VF SECOND <<< "$(all_of 8086:10ca | tr '\n' ' ')"
echo 0 > "$SYS/$PF/sriov_numvfs"
[ -n "$SECOND" ] || skip "needs two VFs"

# What actors.c calls devices.
DRIVE=$NVME,nvme,vfio
FAKE=$MADE_UP,greedy_sync,hold
VIRTUAL="$VF,igbvf,vfio $SECOND,igbvf,hold"

ACTORS=(claim release rule replace override bind unbind replug rescan numvfs user
	target module)
# Not to be tried, since kernels do not stand it: two that remove the same
# device, of which a "remove" in sysfs is one (remove_store() goes on with a
# device that is freed).
NEVER=" replug:replug replug:numvfs "
CHOSEN=(claim:release rule:override replace:unbind rule:replug release:user
	override:bind replug:module replace:target rule:numvfs user:module)

# in_pair NAME...: is one of them an actor of this pair
in_pair() {
	local name

	for name; do
		[[ :$PAIR: != *:$name:* ]] || return 0
	done
	return 1
}

# words NAME: the actor with its arguments
words() {
	local devices="$DRIVE $FAKE"

	! in_pair numvfs || devices=$VIRTUAL
	case $1 in
	numvfs) echo "numvfs $PF 2" ;;
	rescan | target) echo "$1" ;;
	# What they leave out would be without a rule.
	replace) echo "replace $DRIVE $FAKE $VIRTUAL" ;;
	module) echo "module $VP_MODULES/vfiopolicy.ko $DRIVE $FAKE $VIRTUAL" ;;
	user) echo "user ${devices%% *}" ;;
	# Not the drive: 6.1's nvme, removed while it is probing, frees memory for
	# DMA when the device has left its IOMMU (nvme_dbbuf_dma_free()).
	replug) echo "replug $FAKE" ;;
	suspend) echo "suspend" ;;
	*) echo "$1 $devices" ;;
	esac
}

rules() {
	printf '%s\n' "vfio $NVME" "hold $MADE_UP" "vfio $VF" "hold $SECOND"
}

# The host may have had it in between: because a rule went, or somebody asked, or
# it came back, or was given to its driver by name, while the module was away.
host_may_have_it() {
	in_pair release rule || { in_pair module && in_pair replug numvfs override; }
}

# A rule that comes does not overrule what somebody had written before; that is
# for whoever did so to take back.
take_back_override() {
	case $(override_of "$1") in
	vfio-pci | vfiopolicy | "(null)") ;;
	*) echo > "$SYS/$1/driver_override" ;;
	esac
}

# comes_to ADDRESS STATE: by itself, unless the host may have had it
comes_to() {
	if host_may_have_it; then
		take_back_override "$1" && vpnl claim "$1" > /dev/null || return 1
	fi
	wait_state "$1" "$2" && same "bus mastering of $1" "$(bus_master "$1")" 0
}

# Rules, drivers and devices are there again, and the devices where they should.
settle() {
	[ -d /sys/module/vfio_pci ] || modprobe vfio-pci
	[ -d /sys/module/vfiopolicy ] || load "" || return 1
	rules | vpnl replace runtime - > /dev/null || return 1
	[ -e "$SYS/$NVME" ] && [ -e "$SYS/$MADE_UP" ] ||
		echo 1 > /sys/bus/pci/rescan
	comes_to "$NVME" isolated && comes_to "$MADE_UP" held || return 1
	in_pair numvfs || return 0
	[ -e "$SYS/$VF" ] || echo 2 > "$SYS/$PF/sriov_numvfs"
	comes_to "$VF" isolated && comes_to "$SECOND" held &&
		echo 0 > "$SYS/$PF/sriov_numvfs" && wait_state "$VF" none &&
		wait_state "$SECOND" none
}

# stat_of NAME: a counter, which a module that has come again begins at 0
stat_of() {
	local stats

	stats=" $(vpnl stats)"
	stats=${stats#* "$1"=}
	echo "${stats%% *}"
}

# only_won LOST VETOES: if native drivers were tried on what is claimed, then only
# where root won against a refusal, by a write in the moment after it. That is
# counted, and much rarer than refusals are.
only_won() {
	local lost vetoes

	lost=$(($(stat_of lost) - $1)) vetoes=$(($(stat_of vetoes) - $2))
	[ "$TRIED" = 0 ] || {
		say "refused $vetoes, lost $lost"
		[ "$TRIED" -le $lost ] && [ $((lost * 4)) -le $vetoes ]
	}
}

tried() {
	echo $(($(traced) + $(sed -n 's/^total //p' $PROBES)))
}

# race ACTOR ACTOR
race() {
	local start=$SECONDS line lost vetoes
	PAIR=$1:$2
	lost=$(stat_of lost) vetoes=$(stat_of vetoes)

	say "$1 against $2"
	trace_clear
	echo 0 > $PROBES
	# A modprobe for each look-up of a family that is gone would be all that
	# the guest does.
	! in_pair module || in_pair target || echo > /proc/sys/kernel/modprobe
	# shellcheck disable=SC2046 # words
	actors "$LENGTH" $(words "$1") -- $(words "$2") > "$DIR/said"
	local ret=$?
	echo "$MODPROBE" > /proc/sys/kernel/modprobe
	sed 's/^/# /' "$DIR/said"
	same "exit status of the actors" $ret 0 || return 1
	TRIED=$(tried)

	while read -r line; do
		# What these may do is up to the other one.
		[[ $line == user* || $line != *" done=0 "* ]] ||
			expect "it did something" false || ret=1
	done < "$DIR/said"
	say "native drivers were tried $TRIED times"
	host_may_have_it || { in_pair module && in_pair bind; } ||
		expect "none was tried" only_won "$lost" "$vetoes" || ret=1
	settle && counts_are "$COUNTS" "$NVME" "$MADE_UP" "$PF" $STAYS &&
		same records "$(vpnl devs | wc -l)" 2 || ret=1
	if dmesg | "$(dirname "$0")/vm/klog" complaints -; then
		say "failed: the kernel complained"
		ret=1
	fi
	say "$1 against $2 in $LENGTH s, settled after $((SECONDS - start - LENGTH)) more"
	return $ret
}

all_settle_first() {
	PAIR=rule:release
	testbus "add $STAYS 1234:0001" && testbus "add $MADE_UP 1234:5678" &&
		trace_functions nvme_probe igbvf_probe &&
		load "" && settle && COUNTS=$(counts_of "$NVME" "$MADE_UP" "$PF" $STAYS) &&
		say "$COUNTS"
}

# Nothing of ours may keep anything from going.
all_can_leave() {
	rmmod vfiopolicy > /dev/null 2>&1 &
	expect "the module left" until_true test ! -d /sys/module/vfiopolicy ||
		return 1
	rmmod greedy
	rmmod testbus > /dev/null 2>&1 &
	expect "the test bus left" until_true test ! -d /sys/module/testbus
}

add_pair() {
	case $NEVER in *" $1 "*) return ;; esac
	eval "${1%:*}_against_${1#*:}() { race ${1%:*} ${1#*:}; }"
	PAIRS+=("${1%:*}_against_${1#*:}")
}

PAIRS=()
if [ -n "${VP_PAIRS:-}" ]; then
	read -ra CHOSEN <<< "$VP_PAIRS"
elif [ -n "${VP_ALL_PAIRS:-}" ]; then
	CHOSEN=()
	for ((i = 0; i < ${#ACTORS[@]}; i++)); do
		for ((j = i; j < ${#ACTORS[@]}; j++)); do
			CHOSEN+=("${ACTORS[i]}:${ACTORS[j]}")
		done
	done
fi
for pair in "${CHOSEN[@]}"; do
	add_pair "$pair"
done
[ -z "${VP_ONLY:-}" ] || VP_ONLY="all_settle_first $VP_ONLY all_can_leave"
TESTS="all_settle_first ${PAIRS[*]} all_can_leave"

# The line for each claim is not for a console that is slow.
dmesg -n 5

at_end() {
	trace_end
	unload
	# Whatever somebody wrote last, while it was with vfio-pci.
	echo vfio-pci > "$SYS/$NVME/driver_override"
	back_to_the_host
	wait_driver "$NVME" nvme
	rm -r "$DIR"
	dmesg -n 7
}

# Suspending goes as far as devices, and at once comes back.
if [[ "${PAIRS[*]}" == *suspend* ]]; then
	echo devices > /sys/power/pm_test || skip "needs /sys/power/pm_test"
	echo 0 > /sys/module/suspend/parameters/pm_test_delay
fi

run_tests
