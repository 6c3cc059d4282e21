# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A guest inside the guest, with devices of the outer one. Sourced after lib.sh.
#
# An operating system would take half an hour to start, emulated in what is
# emulated, so there is none: iPXE has a driver for the VF, the firmware one for
# NVMe, and what runs in the end is inner_boot.S. They talk on the serial port, to
# which inner_says listens and inner_tell speaks.

# What it says is in memory while it is being said: a file that grows on 9p can at
# times not be read to its end.
INNER_DIR=''
INNER_PID=''

# inner_loader: the file of iPXE, with all its drivers
inner_loader() {
	local file

	for file in /boot/ipxe.lkrn /usr/lib/ipxe/ipxe.lkrn; do
		[ -e "$file" ] && echo "$file" && return
	done
	return 1
}

# inner_start COMMANDS ADDRESS...: with the devices at these addresses; COMMANDS
# are iPXE's
inner_start() {
	local commands=$1 addr devices=()

	shift
	for addr; do
		devices+=(-device "vfio-pci,host=$addr,rombar=0")
	done
	INNER_DIR=$(mktemp -d)
	mkfifo "$INNER_DIR/in" || return 1
	# Open at both ends, so that neither waits for the other.
	exec {INNER_IN}<> "$INNER_DIR/in"
	# Without graphics the firmware talks and listens on the serial port.
	qemu-system-x86_64 -machine q35,graphics=off -accel tcg,tb-size=64 -m 64 \
		-nodefaults -no-user-config -no-reboot -display none \
		-serial stdio "${devices[@]}" \
		-kernel "$(inner_loader)" -append "$commands" \
		<&"$INNER_IN" > "$INNER_DIR/console" 2>&1 &
	INNER_PID=$!
}

inner_runs() {
	[ -n "$INNER_PID" ] && kill -0 "$INNER_PID" 2> /dev/null
}

# Lines of what it said; the firmware positions the cursor by escape sequences.
inner_console() {
	sed 's/\x1b\[[0-9;?]*[A-Za-z]//g; s/\x1bc//g' "$INNER_DIR/console" | tr -d '\r'
}

# A whole line: it is said letter by letter.
said_or_ended() {
	inner_console | tr '\n' '\t' | grep -aq "	inner: $1 [^	]*	" || ! inner_runs
}

# inner_says WORDS: what the inner guest says after these words. It may take longer
# than other things.
inner_says() {
	PATIENCE=$((8 * PATIENCE)) until_true said_or_ended "$1"
	inner_console | sed -n "s/^inner: $1 //p" | grep -a . && return
	say "failed: the inner guest does not say '$1', but:"
	inner_console | tail -n 12 | tr -cd '[:print:]\n' | sed 's/^/#   /'
	return 1
}

# inner_tell KEYS
inner_tell() {
	printf %s "$1" >&"$INNER_IN"
}

# Away with it; it powers itself off when it is told something.
inner_end() {
	local status=0

	[ -n "$INNER_PID" ] || return 0
	[ "${1:-}" != now ] || kill "$INNER_PID" 2> /dev/null
	wait "$INNER_PID" || status=$?
	INNER_PID=''
	exec {INNER_IN}>&-
	# Where it can be read afterwards.
	cp "$INNER_DIR/console" "${VP_RESULTS:-/tmp}/inner-console"
	rm -r "$INNER_DIR"
	return $status
}
