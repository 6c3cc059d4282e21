# SPDX-License-Identifier: GPL-2.0-only
#
# Completion for vfiopolicy(8). Commands and options are those that its own help
# tells; devices and rules are the real ones.

# The command; who is not root has no sbin in PATH.
function __vfiopolicy_run
    set -lx PATH $PATH /usr/local/sbin /usr/sbin
    command vfiopolicy $argv 2>/dev/null
end

# What stands in the line behind "vfiopolicy", without options.
function __vfiopolicy_words
    set -l words (commandline -opc)
    set -l skip 0
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word --on --output -o
            set skip 1
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

function __vfiopolicy_has_command
    test (count (__vfiopolicy_words)) -gt 0
end

# Is it one of these commands, and with so many operands, if that is said?
function __vfiopolicy_in
    argparse 'n=' -- $argv
    set -l words (__vfiopolicy_words)
    test (count $words) -gt 0; or return 1
    contains -- $words[1] $argv; or return 1
    test -z "$_flag_n"; or test (math (count $words) - 1) = $_flag_n
end

function __vfiopolicy_commands
    __vfiopolicy_run --help | string replace -rf '^  ([a-z]+) +(.*)$' '$1\t$2'
end

function __vfiopolicy_options
    set -l words (__vfiopolicy_words)
    set -l find '^  (?:-[a-zA-Z], )?(--[a-z-]+=?)(?:[A-Z]+| [A-Z]+)? +(.*)$'
    test (count $words) -gt 0; and __vfiopolicy_run $words[1] --help | string replace -rf $find '$1\t$2'
    __vfiopolicy_run --help | string replace -rf $find '$1\t$2'
end

function __vfiopolicy_devices
    set -l address
    __vfiopolicy_run list -a --json | while read -l line
        if set -l found (string match -r '^ *"address": "([0-9a-f:.]+)",?$' -- $line)
            set address $found[2]
        else if set -l found (string match -r '^ *"name": "(.*)",?$' -- $line)
            printf '%s\t%s\n' $address $found[2]
        end
    end
    for path in /sys/class/net/*/device
        printf '%s\tnetwork interface\n' (basename (dirname $path))
    end
    for path in /sys/block/nvme*
        printf '/dev/%s\tdisk\n' (basename $path)
    end
end

function __vfiopolicy_rules
    set -l id
    __vfiopolicy_run status --json | while read -l line
        if set -l found (string match -r '^ *"id": ([0-9]+),?$' -- $line)
            set id $found[2]
        else if set -l found (string match -r '^ *"text": "(.*)",?$' -- $line)
            set -l text $found[2]
            if set -l name (string match -r '(?:^| )name=([A-Za-z0-9._-]+)' -- $text)
                set id $name[2]
            end
            printf '%s\t%s\n' $id $text
        end
    end
end

function __vfiopolicy_rule_words
    printf '%s\n' vfio\t'hand it to vfio-pci' hold\t'keep it from everybody' leave\t'the host keeps it' \
        class= at= dsn= vfs-of= except= driver= with= changed= takeover= allow= owner= vfs= host= name= \
        external vfs yield with=slot with=group driver=best changed=hold takeover=boot \
        allow=boot-vga allow=only-gpu allow=console allow=storage allow=network allow=usb \
        class=nvme class=ethernet class=vga class=3d class=audio class=usb
end

complete -c vfiopolicy -f
complete -c vfiopolicy -n 'not __vfiopolicy_has_command' -a '(__vfiopolicy_commands)'
complete -c vfiopolicy -n 'string match -q -- "-*" (commandline -ct)' -a '(__vfiopolicy_options)'
complete -c vfiopolicy -n '__vfiopolicy_in add' -a '(__vfiopolicy_rule_words; __vfiopolicy_devices)'
complete -c vfiopolicy -n '__vfiopolicy_in del status claim release explain' -a '(__vfiopolicy_rules)'
complete -c vfiopolicy -n '__vfiopolicy_in claim release explain status groups' -a '(__vfiopolicy_devices)'
complete -c vfiopolicy -n '__vfiopolicy_in -n 0 sriov' -a '(__vfiopolicy_devices)'
complete -c vfiopolicy -n '__vfiopolicy_in -n 0 export' -a 'libvirt qemu stratovirt kubevirt'
complete -c vfiopolicy -n '__vfiopolicy_in export; and not __vfiopolicy_in -n 0 export' -a '(__vfiopolicy_rules; __vfiopolicy_devices)'
complete -c vfiopolicy -n '__vfiopolicy_in -n 0 help' -a '(__vfiopolicy_commands)'
complete -c vfiopolicy -l on -r -F
