#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What an expression makes of the JSON that the kernel's client printed.

    answer.py FILE EXPRESSION [WORD...]

In EXPRESSION, answers are the lines of FILE, one a run of the client, and r is
the first of them; words are the WORDs; what sysfs says is to be had from here
as well. A list is printed one element a line.
"""
import json
import os
import sys
import time

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


with open(sys.argv[1], encoding="utf-8") as file_of_answers:
    answers = [json.loads(each) for each in file_of_answers]
r = answers[0]
words = sys.argv[3:]
value = eval(f"({sys.argv[2]}\n)")
for line in value if isinstance(value, list) else [value]:
    print(line)
