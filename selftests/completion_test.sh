#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a press of the tab key offers behind vfiopolicy, in bash, zsh and fish. The
# help is that of the command that was built; devices are those of a made-up sysfs;
# rules, for which there would have to be a module, are told by a stand-in. Runs
# outside of guests, without a terminal.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

ROOT=$(dirname "$(realpath "$0")")/..
FILES=$ROOT/user/completion
TMP=$(mktemp -d)
for shell in zsh fish; do
	command -v $shell > /dev/null || skip "needs $shell"
done
[ -e /usr/share/bash-completion/bash_completion ] || skip "needs bash-completion"

TESTS="bash_offers_all_commands
	bash_offers_the_options_of_a_command
	bash_offers_devices_with_their_names
	bash_leaves_a_name_out_of_the_line
	bash_takes_short_addresses
	bash_offers_rules_by_name_or_number
	bash_offers_values
	bash_knows_every_word_of_a_rule
	bash_offers_nothing_that_a_device_calls_itself
	zsh_offers_the_same
	fish_offers_the_same"

device() {
	local dir=$TMP/sys/bus/pci/devices/$1

	mkdir -p "$dir"
	echo "0x$2" > "$dir/vendor"
	echo "0x$3" > "$dir/device"
	echo "0x$4" > "$dir/class"
}

device 0000:06:00.0 144d a80a 010802
device 0000:82:00.0 10de 1b39 030200
device 0000:82:00.1 10de 10f0 040300

mkdir "$TMP/bin"
cat > "$TMP/bin/vfiopolicy" << EOF
#!/bin/sh
case "\$*" in
"status --json") cat "$TMP/rules" ;;
*) VFIOPOLICY_SYSFS=$TMP/sys exec "$VP_BIN/vfiopolicy" "\$@" ;;
esac
EOF
chmod +x "$TMP/bin/vfiopolicy"
cat > "$TMP/rules" << 'EOF'
{
  "version": 1,
  "rules": [
    {
      "id": 1,
      "origin": "file",
      "text": "vfio 10de:1b39 name=gpu0",
      "verdict": "met"
    },
    {
      "id": 2,
      "origin": "runtime",
      "text": "hold class=3d except=0000:82:00.0",
      "verdict": "met"
    }
  ]
}
EOF
PATH=$TMP/bin:$PATH

# in_bash LINE: what is offered at its end, one a line. Words are parted as
# readline parts them.
in_bash() {
	bash --norc -s "$1" "$FILES/vfiopolicy.bash" 2> /dev/null << 'EOF'
. /usr/share/bash-completion/bash_completion
. "$2"
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
words=$(sed -e 's/[:=]/ & /g' <<< "$1")
read -ra COMP_WORDS <<< "$words"
[[ $1 == *[\ :=] ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_vfiopolicy vfiopolicy
printf '%s\n' "${COMPREPLY[@]}"
EOF
}

# in_zsh WORD...: the last one is what is being typed. What would be shown is
# said by stand-ins of zsh's own functions.
in_zsh() {
	zsh -f -s -- "$FILES/vfiopolicy.zsh" "$@" 2> /dev/null << 'EOF'
_describe() {
	local -a shown
	shown=(${(P)4})
	print -rl -- ${(M)shown:#$PREFIX*}
}
compadd() {
	while [[ $1 == -* && $1 != -- ]]; do
		[[ $1 == -[JS] ]] && shift
		shift
	done
	shift
	print -rl -- ${(M)@:#$PREFIX*}
}
compset() { PREFIX=${PREFIX#*=}; }
file=$1
shift
words=(vfiopolicy "$@") CURRENT=$#words PREFIX=$words[-1]
_go() { . $file; }
_go
EOF
}

in_fish() {
	HOME=$TMP fish --no-config -c "source $FILES/vfiopolicy.fish
		complete -C '$1'" 2> /dev/null
}

# has WHAT LIST LINE...: these are among the lines
has() {
	local what=$1 list=$2 line

	shift 2
	for line; do
		grep -qxF -- "$line" <<< "$list" && continue
		say "failed: $what: '$line' is not offered; offered are: $(paste -sd '|' <<< "$list")"
		return 1
	done
}

commands() {
	vfiopolicy --help | sed -n 's/^  \([a-z]\+\) .*/\1/p'
}

bash_offers_all_commands() {
	expect "there are commands" [ "$(commands | wc -l)" -ge 8 ] &&
		same "commands" "$(in_bash 'vfiopolicy ' | sort)" "$(commands | sort)" &&
		same "what begins with exp" "$(in_bash 'vfiopolicy expl')" explain &&
		same "behind help" "$(in_bash 'vfiopolicy help snap')" snapshot
}

bash_offers_the_options_of_a_command() {
	local offered

	offered=$(in_bash 'vfiopolicy add --')
	has "of add" "$offered" --all --absent-ok --runtime --wait= --json --quiet &&
		same "of the start of one" "$(in_bash 'vfiopolicy add --abs')" --absent-ok &&
		same "of another command" "$(in_bash 'vfiopolicy monitor --abs')" "" &&
		same "behind others" "$(in_bash 'vfiopolicy -v del gpu0 --wa')" --wait=
}

bash_offers_devices_with_their_names() {
	local offered

	offered=$(in_bash 'vfiopolicy explain 0000:8')
	# What is in the line already is left out of what is offered.
	has "devices" "$(cut -d ' ' -f 1 <<< "$offered")" 82:00.0 82:00.1 &&
		same "devices" "$(wc -l <<< "$offered")" 2 &&
		expect "names are shown: $offered" grep -q '^82:00.0  - NVIDIA' <<< "$offered"
}

bash_leaves_a_name_out_of_the_line() {
	same "the only one" "$(in_bash 'vfiopolicy explain 0000:82:00.1')" 00.1 &&
		same "a command that needs none" "$(in_bash 'vfiopolicy monitor 0000:82:00.1')" ""
}

bash_takes_short_addresses() {
	same "without a domain" "$(in_bash 'vfiopolicy add 82:00.1')" 00.1
}

bash_offers_rules_by_name_or_number() {
	same "rules" "$(in_bash 'vfiopolicy del ' | cut -d ' ' -f 1)" $'gpu0\n2' &&
		same "the only one" "$(in_bash 'vfiopolicy del g')" gpu0 &&
		has "of status" "$(in_bash 'vfiopolicy status ' | cut -d ' ' -f 1)" gpu0 0000:06:00.0
}

bash_offers_values() {
	same "with=" "$(in_bash 'vfiopolicy add 10de:1b39 with=')" $'slot\ngroup' &&
		same "with=s" "$(in_bash 'vfiopolicy add 10de:1b39 with=s')" slot &&
		same "class=eth" "$(in_bash 'vfiopolicy add class=eth')" ethernet &&
		same "--color=" "$(in_bash 'vfiopolicy list --color=n')" never &&
		same "formats" "$(in_bash 'vfiopolicy export ku')" kubevirt &&
		same "behind a format" "$(in_bash 'vfiopolicy export kubevirt 0000:06')" 06:00.0
}

# words_of FILE ARRAY: the words of an array of strings in C
words_of() {
	sed -n "/ \*const $2\[\] = {/,/};/p" "$1" | grep -o '"[^"]*"' | tr -d '"' | sort
}

# The language is the module's: what it reads, and what is offered, are the same.
bash_knows_every_word_of_a_rule() {
	local offered

	offered=$(in_bash 'vfiopolicy add ' | cut -d ' ' -f 1)
	# shellcheck disable=SC2046 # words
	has "words" "$offered" $(words_of "$ROOT/kmod/rule.c" key_words) vfio hold leave &&
		same "classes" "$(in_bash 'vfiopolicy add class=' | sort)" \
			"$(words_of "$ROOT/kmod/print.c" vp_class_words)" &&
		same "exceptions" "$(in_bash 'vfiopolicy add 10de:1b39 allow=' | sort)" \
			"$(words_of "$ROOT/kmod/print.c" vp_allow_words)"
}

# A rule's text and a device's name are shown and nothing else: nor run.
bash_offers_nothing_that_a_device_calls_itself() {
	local offered

	cp "$TMP/rules" "$TMP/saved"
	sed -i -e "s|name=gpu0|name=\$(touch $TMP/was-run)|" "$TMP/rules"
	offered=$(in_bash 'vfiopolicy del ' | cut -d ' ' -f 1)
	mv "$TMP/saved" "$TMP/rules"
	same "what is no name" "$offered" $'1\n2' &&
		expect "nothing was run" [ ! -e "$TMP/was-run" ]
}

# zsh has the backslash before each colon of a word, and the text behind one.
zsh_offers_the_same() {
	same "commands" "$(in_zsh '' | cut -d : -f 1 | sort)" "$(commands | sort)" &&
		has "options" "$(in_zsh add -- | cut -d : -f 1)" --all --absent-ok --wait= --quiet &&
		expect "devices" grep -q '^0000\\:82\\:00.0:NVIDIA' <<< "$(in_zsh explain 0000)" &&
		same "rules" "$(in_zsh del '' | cut -d : -f 1)" $'gpu0\n2' &&
		same "values" "$(in_zsh add with=)" $'slot\ngroup' &&
		has "words" "$(in_zsh add '')" class= except= external
}

fish_offers_the_same() {
	same "commands" "$(in_fish 'vfiopolicy ' | cut -f 1 | sort)" "$(commands | sort)" &&
		has "options" "$(in_fish 'vfiopolicy add --' | cut -f 1)" \
			--all --absent-ok --wait= --quiet &&
		expect "devices" grep -q $'^0000:82:00.0\tNVIDIA' <<< "$(in_fish 'vfiopolicy explain 0000')" &&
		same "rules" "$(in_fish 'vfiopolicy del ' | cut -f 1 | sort)" $'2\ngpu0' &&
		has "words" "$(in_fish 'vfiopolicy add ' | cut -f 1)" class= except= external with=slot
}

at_end() {
	rm -rf "$TMP"
}

run_tests
