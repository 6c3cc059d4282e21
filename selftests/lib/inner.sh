# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A guest inside the guest, with devices of the outer one. Sourced after lib.sh.
#
# It has a kernel of those that are there, a busybox and the modules named, and
# runs one script. It talks on its console, to which
# inner_says listens and inner_tell speaks. Emulated in what is emulated, it
# takes its time: one guest for all that is to be seen in it.

INNER_DIR=''
# Where it can be read afterwards.
INNER_CONSOLE=${VP_RESULTS:-/tmp}/inner-console
INNER_PID=''

# inner_initrd RELEASE SCRIPT MODULE...: puts it in INNER_DIR
inner_initrd() {
	local release=$1 script=$2 root=$INNER_DIR/root file n=10

	shift 2
	mkdir -p "$root"/{bin,dev,proc,sys,modules} || return 1
	cp "$(command -v busybox)" "$root/bin/" || return 1
	# In the order in which they are to be loaded.
	while read -r file; do
		n=$((n + 1))
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac > "$root/modules/$n-$(basename "$file" .xz)" || return 1
	done < <(for module; do
		modprobe -S "$release" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++')
	[ $n -gt 10 ] || return 1
	cat > "$root/init" <<- 'END'
		#!/bin/busybox sh
		export PATH=/bin
		/bin/busybox --install -s /bin
		mount -t devtmpfs dev /dev
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		for module in /modules/*; do
			insmod "$module" || echo "inner: no $module"
		done
		echo "inner: is up"
	END
	cat >> "$root/init" <<< "$script"
	echo 'poweroff -f' >> "$root/init"
	chmod +x "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc) \
		> "$INNER_DIR/initrd" 2> "$INNER_DIR/log"
}

image_of() {
	local file

	for file in "/boot/vmlinuz-$1" "/lib/modules/$1/vmlinuz"; do
		[ -e "$file" ] && echo "$file" && return
	done
	return 1
}

# inner_release: of the kernel for it, which is the oldest that there is with its
# modules: older ones are quicker to start, and it is not what is tested.
inner_release() {
	local release

	while read -r release; do
		[ -e "/lib/modules/$release/modules.dep" ] &&
			image_of "$release" > /dev/null && echo "$release" && return
	done < <(cd /lib/modules && printf '%s\n' */ | tr -d / |
		grep -E '^[0-9].*-amd64$' | grep -vE -e '-(cloud|rt)-' | sort -V)
	return 1
}

# inner_kernel IMAGE: what to boot of it. A kernel that unpacks itself by xz takes
# longer for that in there than for all else; QEMU starts one that is unpacked.
inner_kernel() {
	local at elf=$INNER_DIR/vmlinux

	at=$(LC_ALL=C grep -abom 1 -P '\xfd7zXZ\x00' "$1" | head -n 1 | cut -d: -f1)
	# What follows it is no xz, of which xz complains at the end.
	if [ -n "$at" ] && { tail -c +$((at + 1)) "$1" | xz -dc > "$elf" 2> /dev/null ||
		[ "$(head -c 4 "$elf" | tail -c 3)" = ELF ]; }; then
		echo "$elf"
	else
		echo "$1"
	fi
}

# inner_start SCRIPT "MODULE..." ADDRESS...: with the devices at these addresses
inner_start() {
	local script=$1 modules=$2 addr devices=() release image

	shift 2
	release=$(inner_release) || return 1
	image=$(image_of "$release")
	INNER_DIR=$(mktemp -d)
	# shellcheck disable=SC2086 # a list
	inner_initrd "$release" "$script" $modules || return 1
	image=$(inner_kernel "$image") || return 1
	for addr; do
		devices+=(-device "vfio-pci,host=$addr")
	done
	mkfifo "$INNER_DIR/in" || return 1
	# Open at both ends, so that neither waits for the other.
	exec {INNER_IN}<> "$INNER_DIR/in"
	# Its time goes by what it has done: were it the real one, emulated in
	# what is emulated it might do nothing but serve its timer.
	qemu-system-x86_64 -machine q35 -accel tcg,tb-size=128 -icount shift=1 -m 192 \
		-nodefaults -no-user-config -no-reboot -display none \
		-serial stdio "${devices[@]}" \
		-kernel "$image" -initrd "$INNER_DIR/initrd" \
		-append "console=ttyS0 loglevel=5 panic=-1 mitigations=off no_timer_check cryptomgr.notests" \
		<&"$INNER_IN" > "$INNER_CONSOLE" 2>&1 &
	INNER_PID=$!
}

inner_runs() {
	[ -n "$INNER_PID" ] && kill -0 "$INNER_PID" 2> /dev/null
}

said_or_ended() {
	grep -aqE "^inner: $1" "$INNER_CONSOLE" || ! inner_runs
}

# inner_says WORDS: what the inner guest says after these words. Its kernel has
# to come up first, which is why it may take longer than other things.
inner_says() {
	PATIENCE=$((8 * PATIENCE)) until_true said_or_ended "$1"
	tr -d '\r' < "$INNER_CONSOLE" | sed -n "s/^inner: $1 *//p" | grep -a . && return
	say "failed: the inner guest does not say '$1', but:"
	tail -n 12 "$INNER_CONSOLE" | tr -cd '[:print:]\n' | sed 's/^/#   /'
	return 1
}

inner_tell() {
	echo "$*" >&"$INNER_IN"
}

# Away with it; it powers itself off when its script is done.
inner_end() {
	local status=0

	[ -n "$INNER_PID" ] || return 0
	[ "${1:-}" != now ] || kill "$INNER_PID" 2> /dev/null
	wait "$INNER_PID" || status=$?
	INNER_PID=''
	exec {INNER_IN}>&-
	rm -r "$INNER_DIR"
	return $status
}
