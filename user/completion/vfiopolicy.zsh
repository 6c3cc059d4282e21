#compdef vfiopolicy
# SPDX-License-Identifier: GPL-2.0-only
#
# Completion for vfiopolicy(8). Commands and options are those that its own help
# tells; devices and rules are the real ones.

# The command as it was typed; who is not root has no sbin in PATH.
_vfiopolicy_run() {
	PATH=$PATH:/usr/local/sbin:/usr/sbin command ${(Q)service_word} "$@" 2> /dev/null
}

# Lines "WORD<tab>TEXT" of stdin become $found, as _describe wants them: a colon
# parts the two, and those of the word have a backslash.
_vfiopolicy_read() {
	local word text colon='\:'

	found=()
	while IFS=$'\t' read -r word text; do
		found+=("${word//:/$colon}${text:+:$text}")
	done
}

_vfiopolicy_commands() {
	local -a found

	_vfiopolicy_read < <(_vfiopolicy_run --help |
		sed -n $'s/^  \\([a-z][a-z]*\\)  *\\(.*\\)/\\1\t\\2/p')
	_describe -t commands command found
}

_vfiopolicy_options() {
	local -a found with_value
	local find=$'s/^  \\(-[a-zA-Z], \\)\\{0,1\\}\\(--[a-z-]*=\\{0,1\\}\\)[A-Z]*\\( [A-Z]\\{1,\\}\\)\\{0,1\\}  *\\(.*\\)/\\2\t\\4/p'

	_vfiopolicy_read < <({
		[[ -z $1 ]] || _vfiopolicy_run $1 --help
		_vfiopolicy_run --help
	} | sed -n $find | awk -F '\t' '!told[$1]++')
	with_value=(${(M)found:#*=(|:*)})
	found=(${found:#*=(|:*)})
	_describe -t options option found
	_describe -t options option with_value -S ''
}

_vfiopolicy_devices() {
	local -a found interfaces disks

	_vfiopolicy_read < <(_vfiopolicy_run list -a --json | sed -n \
		-e 's/^ *"address": *"\([0-9a-f:.]*\)",*$/\1/p' \
		-e $'s/^ *"name": *"\\(.*\\)",*$/\t\\1/p' |
		sed -e ':again' -e 'N' -e $'s/\\n\t/\t/' -e 't again' -e 'P' -e 'D')
	interfaces=(/sys/class/net/*/device(N:h:t))
	_describe -t devices device found
	disks=(/sys/block/nvme*(N:t))
	(( $#interfaces )) && compadd -J interfaces -- $interfaces
	(( $#disks )) && compadd -J disks -- /dev/$^disks
	return 0
}

_vfiopolicy_rules() {
	local -a found
	local line id text

	while read -r line; do
		case $line in
		('"id": '*) id=${${line#*: }%,} ;;
		('"text": '*)
			text=${${${line#*: \"}%,}%\"}
			[[ " $text" =~ ' name=([A-Za-z0-9._-]+)' ]] && id=$match[1]
			found+=("$id:$text")
			;;
		esac
	done < <(_vfiopolicy_run status --json)
	_describe -t rules rule found
}

_vfiopolicy_rule_words() {
	local -a actions words values
	local key=${PREFIX%%=*}

	if [[ $PREFIX == *=* ]]; then
		compset -P '*='
		case $key in
		(class) values=(storage scsi raid sata sas nvme network ethernet infiniband
			display vga 3d multimedia audio cxl nvswitch usb xhci wireless crypto
			accelerator) ;;
		(driver) values=(best vfio-pci) ;;
		(with) values=(slot group) ;;
		(changed) values=(hold) ;;
		(takeover) values=(boot) ;;
		(allow) values=(boot-vga only-gpu console storage network usb) ;;
		(vfs-of) _vfiopolicy_devices; return ;;
		(owner) _users; return ;;
		esac
		compadd -- $values
		return
	fi
	actions=('vfio:hand it to vfio-pci' 'hold:keep it from everybody'
		'leave:the host keeps it, whatever other rules say')
	_describe -t actions action actions
	words=(class= at= dsn= vfs-of= except= driver= with= changed= takeover= allow=
		owner= vfs= host= name=)
	compadd -J selectors -S '' -- $words
	compadd -J selectors -- external vfs yield
	_vfiopolicy_devices
}

_vfiopolicy() {
	local service_word=$words[1] command='' word
	local -i i operands=0

	for ((i = 2; i < CURRENT; i++)); do
		word=$words[i]
		case $word in
		(--on|--output|-o) i+=1 ;;
		(-*) ;;
		(*)
			if [[ -n $command ]]; then
				operands+=1
			else
				command=$word
			fi
			;;
		esac
	done
	if [[ $words[CURRENT-1] == --on ]]; then
		_files
		return
	fi
	if [[ $PREFIX == --color=* ]]; then
		compset -P '*='
		compadd -- auto always never
		return
	fi
	if [[ $PREFIX == -* ]]; then
		_vfiopolicy_options $command
		return
	fi
	case $command in
	('') _vfiopolicy_commands ;;
	(add) _vfiopolicy_rule_words ;;
	(del) _vfiopolicy_rules ;;
	(status|claim|release|explain) _vfiopolicy_rules; _vfiopolicy_devices ;;
	(groups) _vfiopolicy_devices ;;
	(export)
		if (( operands )); then
			_vfiopolicy_rules
			_vfiopolicy_devices
		else
			compadd -- libvirt qemu stratovirt kubevirt
		fi
		;;
	(sriov) (( operands )) || _vfiopolicy_devices ;;
	(help) (( operands )) || _vfiopolicy_commands ;;
	esac
}

_vfiopolicy "$@"
