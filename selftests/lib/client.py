#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the kernel's client of any family, as it is but for what a test needs.

    client.py .../ynl/cli.py [ARGUMENT...] [+ [ARGUMENT...]]...

Between plus signs are the arguments of one run each: starting is what takes
longest in a guest. A run that fails does not keep the next from going on, but
its exit status is kept. --sleep lasts until standard input ends, after "ready"
on standard error: who subscribes waits for events, not for time. And
specifications are read by the C half of the YAML library.
"""
import os
import runpy
import sys
import time

import yaml


def until_input_ends(_seconds):
    """What --sleep does here."""
    print("ready", file=sys.stderr, flush=True)
    sys.stdin.read()


def run(client, arguments):
    """One run. Return: its exit status."""
    sys.argv = [client] + arguments
    try:
        runpy.run_path(client, run_name="__main__")
    except SystemExit as end:
        return end.code or 0
    return 0


time.sleep = until_input_ends
yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
cli, status, rest = sys.argv[1], 0, sys.argv[2:]
sys.path[0] = os.path.dirname(cli)
while rest:
    this = rest[:rest.index("+")] if "+" in rest else rest
    rest = rest[len(this) + 1:]
    status = run(cli, this) or status
sys.exit(status)
