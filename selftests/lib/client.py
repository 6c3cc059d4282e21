#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the kernel's client of any family, as it is but for what a test needs.

    client.py .../ynl/cli.py ARGUMENT...
    client.py .../ynl/cli.py

Without arguments it serves a shell, for starting is what takes longest in a
guest. A request is the number of its words and these words, each ended by a null
byte; so are what it prints and its exit status:

    run FILE ARGUMENT... [+ ARGUMENT...]...
            between plus signs are the arguments of one run each; what they print
            goes to FILE. One that fails does not keep the next from going on,
            but its exit status is kept.
    answer FILE EXPRESSION [WORD...]
            what the expression makes of the JSON that is in FILE. In it, answers
            are the lines of FILE and r is the first of them; words are the
            WORDs; what sysfs says is to be had from here as well. A list is
            printed one element a line.

--sleep lasts until standard input ends, after "ready" on standard error: who
subscribes waits for events, not for time. Specifications are read by the C half
of the YAML library, and once.
"""
import contextlib
import copy
import json
import os
import runpy
import sys
import time
import traceback

import yaml

PCI = "/sys/bus/pci/devices"
GROUPS = "/sys/kernel/iommu_groups"


def of_sysfs(address):
    """The facts of a device that sysfs has, under the names of the family."""
    def read(name):
        with open(f"{PCI}/{address}/{name}", encoding="ascii") as file:
            return int(file.read(), 16)

    def link(name):
        path = f"{PCI}/{address}/{name}"
        return os.path.basename(os.readlink(path)) if os.path.lexists(path) else None

    facts = {"address": address, "vendor": read("vendor"), "device": read("device"),
             "subvendor": read("subsystem_vendor"),
             "subdevice": read("subsystem_device"), "class": read("class")}
    if link("driver"):
        facts["driver"] = link("driver")
    if link("iommu_group"):
        facts["group"] = int(link("iommu_group"))
    return facts


def members(group):
    """Addresses of the members of a group, in order."""
    return sorted(os.listdir(f"{GROUPS}/{group}/devices"))


def domain(group):
    """The default domain of a group, as the family names it."""
    with open(f"{GROUPS}/{group}/type", encoding="ascii") as file:
        return {"DMA": "dma", "DMA-FQ": "dma"}.get(kind := file.read().strip(), kind)


def among(wanted, facts):
    """The facts that differ from the wanted ones: none when it is all there."""
    return {key: (facts.get(key), value) for key, value in wanted.items()
            if facts.get(key) != value}


def boottime():
    """Nanoseconds of the clock that events are stamped with."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def answer(file, expression, *words):
    """Prints the value of an expression. Return: an exit status."""
    with open(file, encoding="utf-8") as lines:
        answers = [json.loads(each) for each in lines]
    known = dict(globals(), answers=answers, r=answers[0], words=words)
    value = eval(f"({expression}\n)", known)
    for each in value if isinstance(value, list) else [value]:
        print(each)
    return 0


def until_input_ends(_seconds):
    """What --sleep does here."""
    print("ready", file=sys.stderr, flush=True)
    sys.stdin.read()


def once(load, known={}):
    """A reader of YAML that reads a file once for all runs."""
    def cached(stream):
        name = getattr(stream, "name", None)
        if name not in known or not name:
            known[name] = load(stream)
        return copy.deepcopy(known[name])
    return cached


def run(arguments):
    """One run. Return: its exit status."""
    sys.argv = [CLI] + list(arguments)
    try:
        runpy.run_path(CLI, run_name="__main__")
    except SystemExit as end:
        return end.code or 0
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def run_all(file, *arguments):
    """All runs of a request. Return: an exit status."""
    status, rest = 0, list(arguments)
    with open(file, "w", encoding="utf-8") as out, \
            contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        while rest:
            this = rest[:rest.index("+")] if "+" in rest else rest
            rest = rest[len(this) + 1:]
            status = run(this) or status
    return status


def words_of(file):
    """The words of a file, one after the other."""
    left = b""
    while more := os.read(file, 65536):
        *whole, left = (left + more).split(b"\0")
        yield from (word.decode() for word in whole)


def serve():
    """Requests until standard input ends, of which exit() closes the original."""
    words = words_of(os.dup(0))
    for count in words:
        kind, *rest = [next(words) for _ in range(int(count))]
        try:
            status = {"run": run_all, "answer": answer}[kind](*rest)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            status = 1
        sys.stdout.write(f"\0{status}\0")
        sys.stdout.flush()


CLI = sys.argv[1]
time.sleep = until_input_ends
yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
yaml.safe_load = once(lambda stream: yaml.load(stream, yaml.SafeLoader))
sys.path[0] = os.path.dirname(CLI)
if sys.argv[2:]:
    sys.exit(run(sys.argv[2:]))
serve()
