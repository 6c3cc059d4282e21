#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# libvirt's ways with devices, by a real libvirtd: nodedev-detach,
# nodedev-reattach, and domains that have a device as a hostdev, managed by
# libvirt or not. What a rule has stays where the rule wants it.
# Controls: a device that no rule names goes to vfio-pci and back, as libvirt
# says; and what is refused while a domain runs works afterwards.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

read -ra DRIVES <<< "$(all_of 1b36:0010 | tr '\n' ' ')"
[ ${#DRIVES[@]} -ge 2 ] || skip "needs two NVMe"
# One that a rule has, and one that it does not.
NVME=${DRIVES[0]}
FREE=${DRIVES[1]}
[ -e "$SYS/$NVME/iommu_group" ] || skip "needs an IOMMU"
command -v libvirtd virsh > /dev/null || skip "needs libvirt"
modprobe vfio-pci
DIR=$(mktemp -d)
LIBVIRTD=''

TESTS="control_without_a_rule_it_goes_and_comes_back
	detach_of_what_is_isolated_does_nothing
	reattach_does_not_get_it_for_the_host
	reattach_of_what_is_held_neither
	domain_has_what_is_isolated
	managed_domain_leaves_it_isolated
	control_managed_domain_gives_back_what_it_took
	released_it_is_libvirts_as_any_other"

after_each() {
	domain_ends 2> /dev/null
	trace_end
	unload
	wait_driver "$NVME" nvme
	wait_driver "$FREE" nvme
}

at_end() {
	kill "$LIBVIRTD" && wait "$LIBVIRTD"
	rm -r "$DIR"
}

# v ARGUMENT...: virsh, which says nothing but errors
v() {
	virsh -q -c qemu:///system "$@" > "$DIR/said" 2>&1
	local ret=$?
	[ $ret = 0 ] || say "virsh $1: $(grep -a . "$DIR/said" | head -n 3 | tr '\n' ' ')"
	return $ret
}

# Of its own folders it has those of this guest, which forgets them.
start_libvirtd() {
	mkdir -p /etc/libvirt || return 1
	# It wants this one to exist, whether it is used or not.
	getent passwd libvirt-qemu > /dev/null ||
		echo "libvirt-qemu:x:64055:64055::/:/bin/false" >> /etc/passwd
	getent group libvirt-qemu > /dev/null ||
		echo "libvirt-qemu:x:64055:" >> /etc/group
	cat > /etc/libvirt/qemu.conf <<- 'END'
		security_driver = "none"
		user = "root"
		group = "root"
		dynamic_ownership = 0
		remember_owner = 0
		cgroup_controllers = []
		namespaces = []
		stdio_handler = "file"
		seccomp_sandbox = 0
	END
	cat > "$DIR/libvirtd.conf" <<- 'END'
		auth_unix_ro = "none"
		auth_unix_rw = "none"
		unix_sock_group = "root"
	END
	libvirtd --config "$DIR/libvirtd.conf" > "$DIR/log" 2>&1 &
	LIBVIRTD=$!
	until_true libvirt_answers && return
	sed 's/^/# /' "$DIR/log"
	return 1
}

libvirt_answers() {
	virsh -q -c qemu:///system nodedev-info "$(node "$NVME")" > /dev/null 2>&1
}

# node ADDRESS: as libvirt calls it
node() {
	echo "pci_${1//[:.]/_}"
}

# domain_starts MANAGED ADDRESS: a domain, with its processor stopped: it has the
# device all the same
domain_starts() {
	cat > "$DIR/domain.xml" <<- END
		<domain type='qemu'>
		<name>vfiopolicy</name>
		<memory unit='MiB'>64</memory>
		<os><type arch='x86_64' machine='q35'>hvm</type></os>
		<features><acpi/></features>
		<devices>
		<emulator>$(command -v qemu-system-x86_64)</emulator>
		<controller type='usb' model='none'/>
		<memballoon model='none'/>
		<hostdev mode='subsystem' type='pci' managed='$1'><source>
		<address domain='0x${2%%:*}' bus='0x${2:5:2}' slot='0x${2:8:2}' function='0x${2##*.}'/>
		</source></hostdev>
		</devices>
		</domain>
	END
	v create --paused "$DIR/domain.xml"
}

domain_ends() {
	[ -e "$DIR/domain.xml" ] || return 0
	rm "$DIR/domain.xml"
	v destroy vfiopolicy
}

stat_of() {
	local stats

	stats=" $(vpnl stats) "
	stats=${stats#* "$1"=}
	echo "${stats%% *}"
}

isolated() {
	load "rules=\"vfio $NVME\"" && replug "$NVME" &&
		wait_state "$NVME" isolated
}

# stays STATE DRIVER: what a rule has ends up there
stays() {
	wait_state "$NVME" "$1" none && same driver "$(driver_of "$NVME")" "$2" &&
		same override "$(override_of "$NVME")" "$2" &&
		same "bus mastering" "$(bus_master "$NVME")" 0
}

control_without_a_rule_it_goes_and_comes_back() {
	load "rules=\"vfio $NVME\"" && trace_functions nvme_probe &&
		v nodedev-detach "$(node "$FREE")" &&
		same driver "$(driver_of "$FREE")" vfio-pci &&
		same "entries of its driver" "$(traced)" 0 &&
		v nodedev-reattach "$(node "$FREE")" && wait_driver "$FREE" nvme &&
		same "entries of its driver" "$(traced)" 1 &&
		same "devices known" "$(vpnl devs | grep -c "address=$FREE ")" 0
}

detach_of_what_is_isolated_does_nothing() {
	isolated || return 1
	local events

	events=$(stat_of events)
	v nodedev-detach "$(node "$NVME")" && stays isolated vfio-pci &&
		same "events meanwhile" "$(stat_of events)" "$events"
}

# It takes the override away, unbinds, and has the kernel look for a driver.
reattach_does_not_get_it_for_the_host() {
	isolated && trace_functions nvme_probe && v nodedev-detach "$(node "$NVME")" &&
		start_recording || return 1
	v nodedev-reattach "$(node "$NVME")"
	stays isolated vfio-pci
	local ret=$?
	end_recording
	same "entries of the native driver" "$(traced)" 0 &&
		expect "it is told" grep -q "^address=$NVME .*cause=driver " "$DIR/events" ||
		ret=1
	return $ret
}

reattach_of_what_is_held_neither() {
	load "rules=\"hold $NVME\"" && replug "$NVME" && wait_state "$NVME" held &&
		trace_functions nvme_probe || return 1
	v nodedev-reattach "$(node "$NVME")"
	stays held vfiopolicy && same "entries of the native driver" "$(traced)" 0
}

refused() {
	local answer

	answer=$("$@" 2>&1)
	same "exit status of $*" $? 2 &&
		expect "why ($answer)" grep -q "$NVME is in use" <<< "$answer"
}

# has MANAGED: a domain is given what is isolated, and it stays that
has() {
	isolated && domain_starts "$1" "$NVME" && same "in use" "$(dev "$NVME" in_use)" 1 &&
		refused vpnl release "$NVME" && refused vpnl del 1 &&
		domain_ends && until_true same "in use" "$(dev "$NVME" in_use)" 0 &&
		stays isolated vfio-pci
}

domain_has_what_is_isolated() {
	has no && vpnl release "$NVME" > /dev/null && wait_state "$NVME" released &&
		wait_driver "$NVME" nvme
}

# libvirt gives back what it has bound itself, and this it has not.
managed_domain_leaves_it_isolated() {
	trace_functions nvme_probe && has yes &&
		same "entries of the native driver" "$(traced)" 0
}

control_managed_domain_gives_back_what_it_took() {
	load "rules=\"vfio $NVME\"" && domain_starts yes "$FREE" &&
		same driver "$(driver_of "$FREE")" vfio-pci && domain_ends &&
		wait_driver "$FREE" nvme
}

# Given back to the host by a request, its rule has no say, and libvirt may.
released_it_is_libvirts_as_any_other() {
	isolated && vpnl release "$NVME" > /dev/null && wait_state "$NVME" released &&
		wait_driver "$NVME" nvme && v nodedev-detach "$(node "$NVME")" &&
		same driver "$(driver_of "$NVME")" vfio-pci &&
		same state "$(dev "$NVME" state)" released &&
		v nodedev-reattach "$(node "$NVME")" && wait_driver "$NVME" nvme &&
		same state "$(dev "$NVME" state)" released
}

start_libvirtd || skip "libvirtd does not start"
run_tests
