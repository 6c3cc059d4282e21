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

set -u

PATH=$VP_BIN:$PATH
SYS=/sys/bus/pci/devices
# How long something that should happen may take before the test says that it
# did not. Emulated and with a neighbour, a second is not a second.
PATIENCE=${VP_PATIENCE:-60}

# shellcheck source=/dev/null
. "$KSELFTEST/kselftest/ktap_helpers.sh"

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

# until_true COMMAND...: for what sends no event; bounded by PATIENCE.
until_true() {
	local end=$((SECONDS + PATIENCE))

	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.05 <> <(:) || :
	done
}

# What drives a device: the name of its driver, or -.
driver_of() {
	if [ -e "$SYS/$1/driver" ]; then
		basename "$(readlink "$SYS/$1/driver")"
	else
		echo -
	fi
}

is_driven_by() {
	[ "$(driver_of "$1")" = "$2" ]
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
	local dev

	for dev in "$SYS"/*; do
		# It may be on its way out.
		[ "$(cat "$dev/vendor" "$dev/device" 2> /dev/null | tr '\n' :)" = \
		  "0x${1%:*}:0x${1#*:}:" ] && basename "$dev"
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
	insmod "$VP_MODULES/vfiopolicy.ko" "$@"
}

# Away with the module, and with what it left on devices: fail closed means
# that overrides stay, so a test that wants native drivers back says so.
unload() {
	local dev

	[ -d /sys/module/vfiopolicy ] || return 0
	rmmod vfiopolicy || return 1
	for dev in "$SYS"/*; do
		case $(cat "$dev/driver_override" 2> /dev/null) in
		vfiopolicy | vfio-pci)
			[ -e "$dev/driver" ] &&
				basename "$dev" > "$dev/driver/unbind"
			echo > "$dev/driver_override"
			basename "$dev" > /sys/bus/pci/drivers_probe
			;;
		esac
	done
}

# dev ADDRESS KEY: one of the facts that the family tells of a device
dev() {
	vpnl dev "$1" 2> /dev/null | tr ' ' '\n' | sed -n "s/^$2=//p"
}

wait_state() {
	vpnl wait "$PATIENCE" "$@"
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

need_debugfs() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
}

run_tests() {
	local name

	ktap_print_header
	ktap_set_plan "$(wc -w <<< "$TESTS")"
	for name in $TESTS; do
		if "$name"; then
			ktap_test_pass "$name"
		else
			ktap_test_fail "$name"
		fi
		command -v after_each > /dev/null && after_each
	done
	command -v at_end > /dev/null && at_end
	ktap_finished
}

# skip WHY: for what is not there; never a pass
skip() {
	ktap_print_header
	ktap_skip_all "$*"
	exit 4
}
