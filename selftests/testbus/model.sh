# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2016 # conditions
# 300 functions for the test bus, in two domains that have the same addresses,
# and what rules must do with them, worked out from how they were defined.
# Sourced after lib.sh; the test bus has to be loaded with domains=2.
#
#	put_domain 1000; printf '%s' "$BUS" > $CONTROL
#	picks "hold 1234:*" '$id == 1234:*'
#
# A condition is what stands between [[ and ]], in the words a (address), at
# (way down from the root bus), id, sub, class, dsn, out (out or in: outside or
# not) and vf (its number, or -). A word is followed by a blank.

CONTROL=/sys/kernel/debug/testbus/control
# Where a function goes that is for vfio-pci and has no IOMMU.
GROUPLESS="held no-iommu-group"

# Of each function what conditions may ask for, and what becomes of it when a
# rule holds it. In the order of addresses.
A=() AT=() ID=() SUB=() CLASS=() DSN=() OUT=() VF=() FATE=()
# The addresses of the VFs, in order.
A_VF=()

model() {
	A+=("$1") AT+=("$2") ID+=("$3") SUB+=("$4") CLASS+=("$5") DSN+=("$6")
	OUT+=("$7") VF+=("$8") FATE+=("$9")
}

# put ADDRESS PATH IDS [OPTION...]: a line for the test bus, added to BUS, and
# what it is in the model. OUTSIDE is out or in.
put() {
	local sub=0000:0000 class=030200 dsn=- fate="held none" option

	for option in "${@:4}"; do
		case $option in
		sub=*) sub=${option#*=} ;;
		class=*) class=${option#*=} ;;
		dsn=*) dsn=${option#*=} ;;
		bus=*) class=060400 fate="native bridge" ;;
		esac
	done
	BUS+="define $1 $3 ${*:4}"$'\n'
	model "$1" "$2" "$3" "$sub" "$class" "$dsn" "$OUTSIDE" - "$fate"
}

# Bus 01 has a device of eight functions in most of its slots, most of them
# twins.
put_slot() {
	local d=$1 slot=$2 f what

	for f in {0..7}; do
		what=(1234:5678)
		case $slot in
		08) what=(1234:5679) ;;
		09) what=(1235:5678) ;;
		0a) what+=("sub=abcd:000$((f % 2 + 1))") ;;
		0b) what+=(sub=abce:0001) ;;
		0c) what+=("class=${CLASSES[f]}") ;;
		0d) what+=("dsn=0011223344${d}0$f") ;;
		0e)
			case $f in
			0 | 1) what+=(dsn=aabbccddeeff0011) ;;
			2 | 3) what+=(dsn=0000000000000000) ;;
			4) what+=(dsn=ffffffffffffffff) ;;
			5) what+=(dsn=aabbccddeeff0012) ;;
			esac
			;;
		esac
		put "$d:01:$slot.$f" "$d:00:01.0/$slot.$f" "${what[@]}"
	done
}
# Not 010802: nvme tries those that have no registers too, and on 6.1 never lets
# go of them, so that the test bus cannot be unloaded.
CLASSES=(120000 020000 020700 088000 040300 018000 010801 028000)

put_card() {
	local f

	for f in {0..7}; do
		put "$1:00.$f" "$2/00.$f" 1234:5678
	done
}

# put_domain NUMBER: BUS is what the bus is to be told; functions are scanned
# before what is below the last port, which is outside in one of the domains.
put_domain() {
	local d=$1 slot f

	BUS='' OUTSIDE=in
	put "$d:00:01.0" "$d:00:01.0" 1b36:000c bus=01 port=up
	put "$d:00:02.0" "$d:00:02.0" 1b36:000c bus=02-05
	put "$d:00:03.0" "$d:00:03.0" 1b36:000c bus=06
	put "$d:00:09.0" "$d:00:09.0" 1234:5678
	put "$d:00:09.1" "$d:00:09.1" 1234:5678
	for slot in 0{0..9} 0{a..e}; do
		put_slot "$d" "$slot"
	done
	put "$d:02:00.0" "$d:00:02.0/00.0" 1b36:000c bus=03-05
	put "$d:03:00.0" "$d:00:02.0/00.0/00.0" 1b36:000c bus=04
	put "$d:03:01.0" "$d:00:02.0/00.0/01.0" 1b36:000c bus=05
	for f in {0..3}; do
		put "$d:03:05.$f" "$d:00:02.0/00.0/05.$f" 1234:5678
	done
	put_card "$d:04" "$d:00:02.0/00.0/00.0"
	put_card "$d:05" "$d:00:02.0/00.0/01.0"
	BUS+="rescan $d"$'\n'
	if [ "$d" = 1000 ]; then
		OUTSIDE=out
		BUS+="external $d:00:03.0"$'\n'
	fi
	put_card "$d:06" "$d:00:03.0"
	BUS+="rescan $d"$'\n'
}

# What is there for real.
model_real() {
	local dev vendor device subv subd class vf link at fate

	for dev in "$SYS"/0000:*; do
		read -r vendor < "$dev/vendor"
		read -r device < "$dev/device"
		read -r subv < "$dev/subsystem_vendor"
		read -r subd < "$dev/subsystem_device"
		read -r class < "$dev/class"
		vf=- at=- fate="held none"
		if [ "$dev/physfn" -ef "$SYS/$IGB" ]; then
			for link in "$dev"/physfn/virtfn*; do
				[ "$link" -ef "$dev" ] && vf=${link##*virtfn}
			done
			at=$PORT/${dev##*:}
			# shellcheck disable=SC2034 # for who sources this
			A_VF[vf]=${dev##*/}
		elif [ "${dev##*/}" = "$IGB" ]; then
			at=$PORT/00.0
		fi
		[ -e "$dev/driver" ] && fate="native native-driver"
		case $class in
		0x0600* | 0x0601* | 0x0604*) fate="native bridge" ;;
		esac
		model "${dev##*/}" "$at" "${vendor#0x}:${device#0x}" \
			"${subv#0x}:${subd#0x}" "${class#0x}" - in "$vf" "$fate"
	done
}

# remove_domain NUMBER
remove_domain() {
	local dev

	for dev in "$SYS/$1":00:*; do
		[ ! -e "$dev" ] || echo "del ${dev##*/}"
	done > $CONTROL
}

# same_lines WHAT: the arrays GOT and WANT
same_lines() {
	[ "${GOT[*]}" = "${WANT[*]}" ] && return 0
	say "failed: $1; got is <, expected is >:"
	diff <(printf '%s\n' "${GOT[@]}") <(printf '%s\n' "${WANT[@]}") |
		grep '^[<>]' | sed 's/^/# /' | head -n 12
	return 1
}

# A condition with its words replaced by what the model has of function $i.
resolve() {
	CONDITION=$1
	CONDITION=${CONDITION//'$at'/'${AT[i]}'}
	CONDITION=${CONDITION//'$a '/'${A[i]} '}
	CONDITION=${CONDITION//'$id'/'${ID[i]}'}
	CONDITION=${CONDITION//'$sub'/'${SUB[i]}'}
	CONDITION=${CONDITION//'$class'/'${CLASS[i]}'}
	CONDITION=${CONDITION//'$dsn'/'${DSN[i]}'}
	CONDITION=${CONDITION//'$out'/'${OUT[i]}'}
	CONDITION=${CONDITION//'$vf'/'${VF[i]}'}
}

# want RULE CONDITION [RULE CONDITION]...: WANT, from the model. Rules that say
# leave come first, the others as they are given. No made-up function has a
# group, so those that are for vfio-pci stay on the stub.
want() {
	local first='' others='' n=0 i

	while [ $# -gt 0 ]; do
		n=$((n + 1))
		resolve "$2"
		case $1 in
		leave*) first+="[[ $CONDITION ]] && continue"$'\n' ;;
		vfio*) others+="[[ $CONDITION ]] && WANT+=(\"\${A[i]} \${FATE[i]/held none/$GROUPLESS} $n\") && continue"$'\n' ;;
		*) others+="[[ $CONDITION ]] && WANT+=(\"\${A[i]} \${FATE[i]} $n\") && continue"$'\n' ;;
		esac
		shift 2
	done
	WANT=()
	# A loop that calls nothing: emulated, a call takes milliseconds.
	eval "for i in \"\${!A[@]}\"; do $first$others done"
	return 0
}

# The module, where a test is run alone.
need_module() {
	[ -d /sys/module/vfiopolicy ] || load
}

# picks RULE CONDITION [RULE CONDITION]...: what meets the condition is held by
# the rule, if it may be, and nothing else is known.
picks() {
	local rules=() i

	need_module && want "$@" || return 1
	expect "the test knows something to pick" test ${#WANT[@]} -gt 0 || return 1
	for ((i = 1; i <= $#; i += 2)); do
		rules+=("${!i}")
	done
	mapfile -t GOT < <(vpnl try "$PATIENCE" "${rules[@]}" 2>&1)
	same_lines "what is picked by '${rules[*]}'"
}

picks_nothing() {
	need_module || return 1
	same "what is picked by '$1'" "$(vpnl try "$PATIENCE" "$1" 2>&1)" ""
}

# claimed RULE CONDITION [RULE CONDITION]...: of rules that are there, of which
# the first has number 1
claimed() {
	want "$@"
	mapfile -t GOT < <(vpnl settled "$PATIENCE" 2>&1)
	GOT=("${GOT[@]% *}")
	same_lines "what is claimed"
}

# settled_is LINE...: the dump, without generations and numbers of rules
settled_is() {
	WANT=("$@")
	mapfile -t GOT < <(vpnl settled "$PATIENCE" 2>&1)
	GOT=("${GOT[@]% * *}")
	same_lines "what is known"
}
