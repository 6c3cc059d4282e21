# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the shell tests share. A test sets TESTS to the names of its functions,
# in order, sources this file and calls run_tests: each function is one KTAP
# result. A function fails by returning non-zero; `expect` says why.
#
# The runner gives, all as environment variables:
#	VP_MODULES	folder with vfiopolicy.ko, testbus.ko and greedy.ko
#	VP_BIN		folder with vpnl and vfiopolicy
#	KSELFTEST	folder with kselftest/ktap_helpers.sh
#	VP_SLOW		how many times slower than others this kernel is

set -u

PATH=$VP_BIN:$PATH
SYS=/sys/bus/pci/devices
# How long something that should happen may take before the test says that it
# did not. Emulated and with a neighbour, a second is not a second.
PATIENCE=${VP_PATIENCE:-$((60 * ${VP_SLOW:-1}))}

# shellcheck source=/dev/null
. "$KSELFTEST/kselftest/ktap_helpers.sh"
# shellcheck source=selftests/lib/detect.sh
. "${BASH_SOURCE%/*}/detect.sh"

say() {
	printf '# %s\n' "$*"
}

# expect WHAT COMMAND...: the command must succeed.
expect() {
	local what=$1
	shift

	"$@" && return 0
	say "failed: $what: $*"
	return 1
}

# same WHAT GOT WANTED
same() {
	[ "$2" = "$3" ] && return 0
	say "failed: $1 is '$2', expected '$3'"
	return 1
}

# A pipe that never says anything: reading it with a time limit is a rest that
# starts no process. Processes are what emulated guests are slow at, and why
# this file reads sysfs with builtins.
exec {REST}<> <(:)

# until_true COMMAND...: for what sends no event; bounded by PATIENCE.
until_true() {
	local end=$((SECONDS + PATIENCE))

	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.05 -u $REST || :
	done
}

# rounds COUNT: the numbers from 1, for what is left to chance; fewer of them
# where each takes long
rounds() {
	seq $((($1 + ${VP_SLOW:-1} - 1) / ${VP_SLOW:-1}))
}

# What drives a device: the name of its driver, or -.
driver_of() {
	local link

	link=$(readlink "$SYS/$1/driver") || link=-
	echo "${link##*/}"
}

is_driven_by() {
	if [ "$2" = - ]; then
		[ ! -e "$SYS/$1/driver" ]
	else
		[ "$SYS/$1/driver" -ef "/sys/bus/pci/drivers/$2" ]
	fi
}

# quietly WHAT COMMAND...: its output, in TMP/log, is told when it
# fails
quietly() {
	local what=$1
	shift

	"$@" > "$TMP/log" 2>&1 && return
	say "failed: $what:"
	tail -n 20 "$TMP/log" | sed 's/^/# /'
	return 1
}

# wait_driver ADDRESS DRIVER
wait_driver() {
	until_true is_driven_by "$1" "$2" && return 0
	say "failed: $1 is driven by $(driver_of "$1"), expected $2"
	return 1
}

# The override as the kernel has it; (null) is how sysfs writes none.
override_of() {
	cat "$SYS/$1/driver_override"
}

# The Bus Master bit of the command register: 0 or 1.
bus_master() {
	local word

	word=$(setpci -s "$1" COMMAND) || return 1
	echo $((0x$word >> 2 & 1))
}

# group_of ADDRESS: number of the IOMMU group
group_of() {
	basename "$(readlink "$SYS/$1/iommu_group")"
}

# all_of VENDOR:DEVICE: addresses, in order
all_of() {
	local dev vendor device

	for dev in "$SYS"/*; do
		# It may be on its way out.
		{ read -r vendor < "$dev/vendor"; } 2> /dev/null || continue
		{ read -r device < "$dev/device"; } 2> /dev/null || continue
		[ "$vendor:$device" = "0x${1%:*}:0x${1#*:}" ] && echo "${dev##*/}"
	done
	return 0
}

one_of() {
	all_of "$1" | head -n 1
}

replug() {
	local addr

	for addr; do
		echo 1 > "$SYS/$addr/remove" || return 1
	done
	echo 1 > /sys/bus/pci/rescan
}

# load [PARAMETER...]: the module, with these parameters
load() {
	insmod "$VP_MODULES/vfiopolicy.ko" "$@" && detect_note_load
}

# Away with the module, and with what it left on devices: fail closed means
# that overrides stay, so a test that wants native drivers back says so.
unload() {
	[ -d /sys/module/vfiopolicy ] || return 0
	rmmod vfiopolicy && back_to_the_host
}

# What the module left where it was: with vfio, or with nobody.
back_to_the_host() {
	local dev override

	for dev in "$SYS"/*; do
		{ read -r override < "$dev/driver_override"; } 2> /dev/null || continue
		case $override in
		vfiopolicy | vfio-pci)
			[ -e "$dev/driver" ] && echo "${dev##*/}" > "$dev/driver/unbind"
			echo > "$dev/driver_override"
			echo "${dev##*/}" > /sys/bus/pci/drivers_probe
			;;
		esac
	done
}

# dev ADDRESS KEY: one of the facts that the family tells of a device
dev() {
	local facts

	facts=" $(vpnl dev "$1" 2> /dev/null) "
	[ "$facts" != "  " ] || return 0
	facts=${facts#* "$2"=}
	echo "${facts%% *}"
}

wait_state() {
	vpnl wait "$PATIENCE" "$@"
}

# What the family tells from here on, in $DIR/events.
RECORDER=''
start_recording() {
	rm -f "$DIR/stop"
	: > "$DIR/events"
	vpnl record "$DIR/events" "$DIR/stop" &
	RECORDER=$!
	until_true grep -q listening "$DIR/events"
}

end_recording() {
	[ -n "$RECORDER" ] || return 0
	touch "$DIR/stop"
	wait "$RECORDER"
	RECORDER=''
}

# Lines that the kernel logged since the mark, without its time stamps.
log_mark() {
	LOG_MARK="mark-$$-$RANDOM-$RANDOM"
	echo "$LOG_MARK" > /dev/kmsg
}

log_since() {
	dmesg -t | sed "1,/$LOG_MARK/d"
}

# trace_functions NAME...: count entries of these functions from here on
TRACE=/sys/kernel/tracing
trace_functions() {
	[ -e $TRACE/trace ] || mount -t tracefs none $TRACE || return 1
	echo "$*" > $TRACE/set_ftrace_filter && trace_clear &&
		echo function > $TRACE/current_tracer
}

trace_clear() {
	echo > $TRACE/trace
}

traced() {
	grep -vc '^#' $TRACE/trace
}

trace_end() {
	echo nop > $TRACE/current_tracer
	echo > $TRACE/set_ftrace_filter
}

testbus() {
	echo "$*" > /sys/kernel/debug/testbus/control
}

# counts_of ADDRESS...: what must be as it was after any number of cycles: IOMMU
# groups, references on modules, on these devices and on their buses, on which
# each device that is not freed holds one. Needs the test bus.
counts_of() {
	local dev own bus module groups=(/sys/kernel/iommu_groups/*)

	printf 'groups=%d' ${#groups[@]}
	for module in vfiopolicy vfio_pci vfio_pci_core vfio; do
		[ ! -e /sys/module/$module/refcnt ] ||
			printf ' %s=%d' $module "$(< /sys/module/$module/refcnt)"
	done
	while read -r dev own bus; do
		[[ " $* " != *" $dev "* ]] || printf ' %s=%d/%d' "$dev" "$own" "$bus"
	done < <(sort /sys/kernel/debug/testbus/references)
}

has_counts() {
	[ "$(counts_of "${@:2}")" = "$1" ]
}

# counts_are COUNTS ADDRESS...: what somebody has just let go may take a moment
counts_are() {
	until_true has_counts "$@" && return 0
	say "failed: counts are '$(counts_of "${@:2}")', before: '$1'"
	return 1
}

need_debugfs() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
}

run_tests() {
	local name start

	# For whoever works on one of them.
	TESTS=${VP_ONLY:-$TESTS}
	ktap_print_header
	ktap_set_plan "$(wc -w <<< "$TESTS")"
	for name in $TESTS; do
		start=$SECONDS
		if "$name"; then
			ktap_test_pass "$name"
		else
			ktap_test_fail "$name"
		fi
		! declare -F after_each > /dev/null || after_each
		[ $((SECONDS - start)) -lt 10 ] || say "took $((SECONDS - start)) s"
	done
	! declare -F at_end > /dev/null || at_end
	ktap_finished
}

# skip WHY: for what is not there; never a pass
skip() {
	ktap_print_header
	ktap_skip_all "$*"
	exit 4
}
