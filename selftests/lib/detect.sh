# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the debug kernel has detected: memory that nothing points to any more,
# locks in the wrong order, and whatever else taints it. It has to have been
# looking all the time: a detector that has turned itself off says nothing. On
# other kernels nothing here does anything. Sourced by in_guest, and by lib.sh
# for loads.

KMEMLEAK=/sys/kernel/debug/kmemleak
# Where the module's code was, each time that it was loaded: what it lost is
# seen when it has gone, and then the kernel knows no names for its addresses.
LOADS=/tmp/vfiopolicy-loads
# A warning, an oops, and what KASAN calls a bad page.
TAINTS=$((1 << 9 | 1 << 7 | 1 << 5))

on_debug_kernel() {
	local release

	read -r release < /proc/sys/kernel/osrelease
	[[ $release == *-vfiopolicy-debug ]]
}

# detect_note_load: to be called while the module is there
detect_note_load() {
	on_debug_kernel || return 0
	cat /sys/module/vfiopolicy/sections/.text >> $LOADS
}

# A second scan for what was on its way from one place to another at the first;
# what is younger than five seconds kmemleak does not report. Fails when
# kmemleak has given up.
scan() {
	echo scan > $KMEMLEAK && sleep 6 && echo scan > $KMEMLEAK
}

# name_of ADDRESS: the function of the module that this is in, if it is
name_of() {
	local base start name best='' offset

	while read -r base; do
		offset=$(($1 - base))
		# Other modules are further away than this one is long.
		((offset >= 0 && offset < 0x40000)) || continue
		while read -r start name; do
			((0x$start <= offset)) || break
			best=$name+$((offset - 0x$start))
		done <<< "$NAMES"
	done < <(sort -u $LOADS 2> /dev/null)
	echo "$best"
}

# A report of kmemleak as comments, with names for addresses that have none.
print_leaks() {
	local line name NAMES

	NAMES=$(nm -n -f sysv "$VP_MODULES/vfiopolicy.ko" 2> /dev/null |
		sed -n 's/^\([^ |]*\) *|0*\([0-9a-f]*\)|.*|\.text *$/\2 \1/p')
	while IFS= read -r line; do
		if [[ $line =~ \]\ (0x[0-9a-f]{16})$ ]]; then
			name=$(name_of "${BASH_REMATCH[1]}")
			line+=" ${name:+vfiopolicy: }$name"
		fi
		printf '# leak: %s\n' "$line"
	done
}

# detect_found: are all of them looking, and has none found anything? Prints the
# contrary, in one line, and fails. Of memory nothing is said yet.
detect_found() {
	local off=''

	on_debug_kernel || return 0
	[ -e $KMEMLEAK ] || off+=' kmemleak'
	grep -qE '^ *debug_locks: *1$' /proc/lockdep_stats 2> /dev/null || off+=' lockdep'
	grep -qw kasan_report /proc/kallsyms || off+=' KASAN'
	[ -z "$off" ] || echo "not looking any more:$off"
	(($(< /proc/sys/kernel/tainted) & TAINTS)) || [ -n "$off" ] || return 0
	[ -n "$off" ] || echo "the kernel is tainted"
	return 1
}

# detect_start: what was there before any test is not of the tests
detect_start() {
	on_debug_kernel || return 0
	: > $LOADS
	scan && detect_found || return 1
	sed 's/^/# not of the tests: /' $KMEMLEAK
	echo clear > $KMEMLEAK
}

# detect_lost: at the end of all tests, since a look at all memory takes its time:
# prints what was lost, and fails if something was
detect_lost() {
	local report

	on_debug_kernel || return 0
	if ! scan; then
		echo "# kmemleak is not looking any more"
		return 1
	fi
	report=$(< $KMEMLEAK)
	if [ -n "$report" ]; then
		print_leaks <<< "$report"
		return 1
	fi
	# Which of the tests it was has been said.
	if detect_found > /dev/null; then
		echo "# debug kernel: KASAN and lockdep were there to the end, no memory was lost"
	else
		echo "# debug kernel: something was found; no memory was lost"
	fi
}
