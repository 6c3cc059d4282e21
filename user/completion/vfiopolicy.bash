# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion for vfiopolicy(8). Commands and options are those that its own help
# tells, so that they are never others than those of the command that is there.
# Devices and rules are the real ones; only what looks like an address or a name
# goes into the line, whatever a device calls itself.

# The command as it was typed. Who is not root has no sbin in PATH.
_vfiopolicy_run() {
	PATH=$PATH:/usr/local/sbin:/usr/sbin command "${COMP_WORDS[0]}" "$@" 2> /dev/null
}

_vfiopolicy_commands() {
	_vfiopolicy_run --help | sed -n 's/^  \([a-z][a-z]*\)  *.*/\1/p'
}

# Options of a command, as its help has them: --wait=SEC, or --on FILE
_vfiopolicy_options() {
	local help all
	local find='s/^  \(-[a-zA-Z], \)\{0,1\}\(--[a-z-]*\)\(=\{0,1\}\).*/\2\3/p'

	help=$(_vfiopolicy_run "$1" --help)
	all=$(_vfiopolicy_run --help | sed -n "$find")
	sed -n "$find" <<< "$help"
	case $help in
	*"-j, --json"*) ;;
	*) all=$(grep -vE -- '--(json|numeric)' <<< "$all") ;;
	esac
	grep -v -- --version <<< "$all"
}

# Devices of this host, a tab behind each address, and what it is called.
_vfiopolicy_devices() {
	_vfiopolicy_run list -a --json | sed -n \
		-e 's/^ *"address": *"\([0-9a-f:.]*\)",*$/\1/p' \
		-e 's/^ *"name": *"\(.*\)",*$/\t\1/p' |
		sed -e ':again' -e 'N' -e 's/\n\t/\t/' -e 't again' -e 'P' -e 'D'
}

# Rules in force, by name or else by number, and a tab and the text behind each.
_vfiopolicy_rules() {
	local line id text

	while read -r line; do
		case $line in
		'"id": '*)
			id=${line#*: } id=${id%,}
			;;
		'"text": '*)
			text=${line#*: \"} text=${text%,} text=${text%\"}
			[[ " $text" =~ \ name=([A-Za-z0-9._-]+) ]] && id=${BASH_REMATCH[1]}
			[[ $id =~ ^[A-Za-z0-9._-]+$ ]] && printf '%s\t%s\n' "$id" "$text"
			;;
		esac
	done < <(_vfiopolicy_run status --json)
}

# Network interfaces and disks that have a device behind them.
_vfiopolicy_names() {
	local path

	for path in /sys/class/net/*/device; do
		[ -e "$path" ] || continue
		path=${path%/device}
		echo "${path##*/}"
	done
	for path in /sys/block/nvme*; do
		[ -e "$path" ] && echo "/dev/${path##*/}"
	done
	return 0
}

# Replies with those of the lines of stdin that begin with what was typed. Of
# several, what is behind the tab is shown as well; of one, it is left out.
_vfiopolicy_reply() {
	local word name

	while IFS=$'\t' read -r word name; do
		[[ $word == "$cur"* ]] && COMPREPLY+=("$word${name:+$'\t'$name}")
	done
}

_vfiopolicy_with_devices() {
	local all

	all=$(_vfiopolicy_devices)
	# 82:00.0 is 0000:82:00.0, when somebody types it like that.
	if [[ $cur =~ ^[0-9a-f][0-9a-f]: ]]; then
		all+=$'\n'$(sed -n 's/^0000://p' <<< "$all")
	fi
	_vfiopolicy_reply <<< "$all"
	_vfiopolicy_reply < <(_vfiopolicy_names)
}

# What a word of a rule may begin with, and what may follow its '='.
_vfiopolicy_rule_words() {
	case $cur in
	*=*) ;;
	*)
		_vfiopolicy_reply < <(printf '%s\n' class= at= dsn= vfs-of= except= \
			driver= with= changed= takeover= allow= owner= vfs= host= \
			name= external vfs yield)
		return
		;;
	esac
	local key=${cur%%=*}= values=''
	case $key in
	class=) values='storage scsi raid sata sas nvme network ethernet infiniband
		display vga 3d multimedia audio cxl nvswitch usb xhci wireless crypto
		accelerator' ;;
	driver=) values='best vfio-pci' ;;
	with=) values='slot group' ;;
	changed=) values=hold ;;
	takeover=) values=boot ;;
	allow=) values='boot-vga only-gpu console storage network usb' ;;
	vfs-of=) values=$(_vfiopolicy_devices | cut -f 1) ;;
	owner=) values=$(compgen -u) ;;
	esac
	# shellcheck disable=SC2086 # words
	_vfiopolicy_reply < <(printf "$key%s\n" $values)
}

_vfiopolicy_operand() {
	local command=$1

	case $command in
	add)
		_vfiopolicy_rule_words
		[[ $cur == *=* ]] && return
		_vfiopolicy_reply < <(printf '%s\n' vfio hold leave)
		_vfiopolicy_with_devices
		;;
	del)
		_vfiopolicy_reply < <(_vfiopolicy_rules)
		;;
	status | claim | release | explain)
		_vfiopolicy_reply < <(_vfiopolicy_rules)
		_vfiopolicy_with_devices
		;;
	export)
		if [ "$2" = 0 ]; then
			_vfiopolicy_reply < <(printf '%s\n' libvirt qemu stratovirt kubevirt)
		else
			_vfiopolicy_reply < <(_vfiopolicy_rules)
			_vfiopolicy_with_devices
		fi
		;;
	groups)
		_vfiopolicy_with_devices
		;;
	sriov)
		[ "$2" != 0 ] || _vfiopolicy_with_devices
		;;
	help)
		[ "$2" != 0 ] || _vfiopolicy_reply < <(_vfiopolicy_commands)
		;;
	esac
}

# Takes off the replies what readline keeps in the line anyhow: all up to the
# last ':' or '=', where these part words.
_vfiopolicy_trim() {
	local kept=$cur i

	while [[ $kept && $COMP_WORDBREAKS != *"${kept: -1}"* ]]; do
		kept=${kept%?}
	done
	[[ $kept == *[:=] ]] || kept=''
	for i in "${!COMPREPLY[@]}"; do
		[ ${#COMPREPLY[@]} -gt 1 ] && [ "${COMP_TYPE-}" != 37 ] ||
			COMPREPLY[i]=${COMPREPLY[i]%%$'\t'*}
		COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
		COMPREPLY[i]=${COMPREPLY[i]/$'\t'/  - }
	done
}

_vfiopolicy() {
	local cur prev words cword i command='' operands=0

	COMPREPLY=()
	_get_comp_words_by_ref -n := cur prev words cword
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--on | --output | -o) i=$((i + 1)) ;;
		-*) ;;
		*)
			if [ "$command" ]; then
				operands=$((operands + 1))
			else
				command=${words[i]}
			fi
			;;
		esac
	done
	case $prev in
	--on)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	case $cur in
	--color=*)
		_vfiopolicy_reply < <(printf -- '--color=%s\n' auto always never)
		;;
	-*)
		_vfiopolicy_reply < <(_vfiopolicy_options "${command:---help}" | sort -u)
		;;
	*)
		if [ "$command" ]; then
			_vfiopolicy_operand "$command" $operands
		else
			_vfiopolicy_reply < <(_vfiopolicy_commands)
		fi
		;;
	esac
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
	_vfiopolicy_trim
}

complete -F _vfiopolicy vfiopolicy
