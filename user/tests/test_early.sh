#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What a boot image does before udev starts, on a made-up host, by each shell that is
# here: an image has whatever shell its distribution puts there. And how the hooks of
# the generators come to do it.
#
# usage: test_early.sh [PROGRAM], which is not asked

set -u
# shellcheck source=user/tests/shells.sh
. "$(dirname "$0")/shells.sh"
boot=$root/run/vfiopolicy/boot
export VFIOPOLICY_ROOT="$root"

program() # PATH: of what is read, which then says what it was given
{
	mkdir -p "$root/${1%/*}"
	{
		# shellcheck disable=SC2016 # for that one to expand
		printf '#!/bin/sh\necho "%s" "$MODPROBE_OPTIONS" "$@" >> "%s"\n' "${1##*/}" "$tmp/ran"
		cat
	} > "$root/$1"
	chmod +x "$root/$1"
}

# With rules, and a module that can be loaded.
host()
{
	rm -rf "$root"
	mkdir -p "$root/dev" "$root/proc" "$root/sys/module" "$root/run" \
		"$root/etc/modprobe.d" "$root/lib/modprobe.d"
	echo "root=/dev/sda quiet" > "$root/proc/cmdline"
	: > "$root/dev/kmsg"
	: > "$tmp/ran"
	printf '# policy 00\noptions vfiopolicy rules="vfio 1:2; hold 3:4"\nsoftdep nvme pre: vfiopolicy\n' \
		> "$root/etc/modprobe.d/00-vfiopolicy.conf"
	echo 'options nvme x=1' > "$root/lib/modprobe.d/nvme.conf"
	program sbin/modprobe <<- END
		mkdir -p "$root/sys/module/vfiopolicy"
	END
	program usr/lib/vfiopolicy/fallback <<- END
		echo "two words, \$# file"
		echo "/*"
	END
}

early()
{
	MODPROBE_OPTIONS=-qb $shell "$share/early" > "$tmp/said" 2>&1
	status=$?
}

ran() # LINE...: these and no other
{
	printf '%s\n' "$@" | cmp -s - "$tmp/ran"
}

nothing_was_done()
{
	[ "$status" = 0 ] && [ ! -s "$tmp/ran" ] && [ ! -e "$boot" ] &&
		[ ! -s "$root/dev/kmsg" ] && [ ! -s "$tmp/said" ]
}

loads()
{
	[ "$status" = 0 ] && ran 'modprobe  vfiopolicy takeover=1' && [ "$(cat "$boot")" = ok ] &&
		[ ! -s "$root/dev/kmsg" ] && [ ! -s "$tmp/said" ]
}

cannot_load() # HOW
{
	host
	echo "$1" | program sbin/modprobe
	early
}

by_this_shell()
{
	host
	early
	loads
	result $? "the module is loaded, as nothing is in use yet"
	host
	mkdir -p "$root/run/vfiopolicy"
	early
	loads
	result $? "where the folder is there already"
	for way in disable disable=1 disable=y disable=Y disable=yes disable=t disable=true disable=on disable=ON; do
		host
		echo "quiet vfiopolicy.$way root=x" > "$root/proc/cmdline"
		early
		nothing_was_done
		result $? "nothing with vfiopolicy.$way"
	done
	for way in disable=0 disable=n disable=off disable= disable=2 "disable=1 vfiopolicy.disable=0" disabled; do
		host
		echo "vfiopolicy.$way" > "$root/proc/cmdline"
		early
		loads
		result $? "it is loaded with vfiopolicy.$way"
	done
	host
	echo "vfiopolicy.disable=0 vfiopolicy.disable=1" > "$root/proc/cmdline"
	early
	nothing_was_done
	result $? "the last one counts"

	host
	rm "$root/etc/modprobe.d/00-vfiopolicy.conf"
	early
	nothing_was_done
	result $? "nothing without rules"
	printf 'options  vfiopolicyx rules="a"\noptions vfio x=1\n#options vfiopolicy rules=x' \
		> "$root/etc/modprobe.d/00-vfiopolicy.conf"
	echo 'options vfiopolicy rules="hold 1:2"' > "$root/etc/modprobe.d/x.old"
	early
	nothing_was_done
	result $? "nothing with what is no rule of ours"
	printf 'options vfiopolicy rules="hold 1:2"' > "$root/lib/modprobe.d/z.conf"
	early
	loads
	result $? "rules may be in another file, without an end of line"
	for way in 'vfiopolicy.rules="hold 1:2"' '"vfiopolicy.rules=hold 1:2"' vfiopolicy.ids=1:2; do
		host
		rm "$root/etc/modprobe.d/00-vfiopolicy.conf"
		echo "root=x $way" > "$root/proc/cmdline"
		early
		loads
		result $? "or be $way"
	done
	host
	rm "$root/proc/cmdline"
	early
	loads
	result $? "or all there is, without a command line"

	cannot_load 'echo "FATAL: Module vfiopolicy not found."; exit 1'
	[ "$status" = 0 ] &&
		ran 'modprobe  vfiopolicy takeover=1' "fallback -qb $root/etc/modprobe.d/00-vfiopolicy.conf"
	result $? "without the module the fallback has the file with the rules"
	[ "$(cat "$boot")" = "degraded: no module; devices are kept by driver_override alone" ]
	result $? "    the boot is marked"
	# Each is a record of its own in a real one.
	[ "$(cat "$root/dev/kmsg")" = "<3>vfiopolicy: without the module: /*" ]
	result $? "    all is said"
	cannot_load 'exit 1'
	echo 'exit 1' >> "$root/usr/lib/vfiopolicy/fallback"
	early
	[ "$(cat "$boot")" = "degraded: no module; not all rules could be carried out without it" ]
	result $? "what the fallback cannot do is marked"
	cannot_load 'exit 0'
	case $(cat "$boot") in degraded:*) ;; *) false ;; esac
	result $? "modprobe that does nothing, and says that it is well"
	cannot_load 'exit 1'
	rm "$root/dev/kmsg"
	mkdir "$root/dev/kmsg"
	early
	[ "$status" = 0 ] && grep -qx 'vfiopolicy: the module could not be loaded: modprobe does not say why' "$tmp/said" &&
		grep -qx 'vfiopolicy: without the module: two words, 1 file' "$tmp/said"
	result $? "where there is no log, it is on the console"
	cannot_load 'echo "Key was rejected by service" >&2; exit 1'
	rm "$root/dev/kmsg"
	mkdir "$root/dev/kmsg"
	early
	grep -qx 'vfiopolicy: the module could not be loaded: Key was rejected by service' "$tmp/said"
	result $? "with what modprobe says of it"
	cannot_load 'exit 1'
	rm "$root/usr/lib/vfiopolicy/fallback"
	early
	[ "$status" = 0 ] && case $(cat "$boot") in degraded:*not\ all*) ;; *) false ;; esac
	result $? "nor a fallback"
	host
	rm "$root/sbin/modprobe"
	early
	[ "$status" = 0 ] && case $(cat "$boot") in degraded:*) ;; *) false ;; esac
	result $? "nor modprobe"
	host
	rm -r "$root/run"
	: > "$root/run"
	early
	[ "$status" = 0 ] && ran 'modprobe  vfiopolicy takeover=1' &&
		grep -q '/run/vfiopolicy/boot cannot be written: ok$' "$root/dev/kmsg"
	result $? "nor a place for the mark"
}

for shell in sh dash 'busybox sh' bash 'bash --posix' 'zsh --emulate sh'; do
	! is_here || by_this_shell
done
echo "1..$n"
exit $failed
