#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Before udev starts, with systemd and without. This is read by a shell that goes on
# to do other things: it must not be left, nor anything of it be changed.

[ ! -x /usr/lib/vfiopolicy/early ] || /usr/lib/vfiopolicy/early
