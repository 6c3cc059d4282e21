#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Random policies, and whether a host has become what was foretold of one.

    foretold.py rules SEED ADDRESS=VENDOR:DEVICE...
    foretold.py compare FORETOLD BEFORE NATIVE < NOW

The first prints a policy for these devices, the same for the same seed. The
second says what is not as foretold: FORETOLD is what apply --dry-run -j said,
BEFORE and NOW are what list -a -j said, and NATIVE has, a line each, an address
and the driver that has the device when nobody wants it.
"""

import json
import random
import sys


NOTHING = {"state": None, "reason": None, "target": None}


def selector(rng, devices):
    """Words that name one device, some, or none."""
    address, ids = rng.choice(devices)
    kind = rng.randrange(6)
    if kind == 0:
        return ids
    if kind == 1:
        return address
    if kind == 2:
        return f"{address} {ids}"
    if kind == 3:
        # Something else is expected there than what is.
        return f"{address} dead:{rng.randrange(0x10000):04x}"
    if kind == 4:
        return f"{ids.split(':')[0]}:*"
    return f"{ids} except={address}"


def policy(seed, devices):
    """Some rules, of which none is at odds with another by its words."""
    rng = random.Random(seed)
    rules = {}
    for _ in range(rng.randint(1, 6)):
        words = selector(rng, devices)
        action = rng.choice(["vfio", "vfio", "hold", "leave"])
        rule = f"{action} {words}"
        if action != "leave" and rng.random() < 0.3:
            rule += " with=" + rng.choice(["slot", "group"])
        if action != "leave" and "dead" in rule and rng.random() < 0.5:
            rule += " changed=hold"
        rules.setdefault(words, rule)
    return list(rules.values())


def by_address(path):
    """What a list says, by address."""
    with open(path, encoding="utf-8") as file:
        return {dev["address"]: dev for dev in json.load(file)["devices"]}


def compare(foretold, before, native, now):
    """Each difference, in a line."""
    with open(foretold, encoding="utf-8") as file:
        then = {dev["address"]: dev["then"] for dev in json.load(file)["devices"]}
    with open(native, encoding="utf-8") as file:
        home = dict(line.split() for line in file)
    was = by_address(before)
    for dev in now["devices"]:
        address = dev["address"]
        # Bridges are listed when a rule names them.
        want = then.get(address, was.get(address, NOTHING))
        for key in ("state", "reason", "target"):
            if dev[key] != want[key]:
                yield f"{address}: {key} {dev[key]}, foretold {want[key]}"
        # On its way home it has no state any more.
        if dev["state"] is None and address in home and \
                (dev["driver"] or "-") != home[address]:
            yield f"{address}: {dev['driver']}, not {home[address]}, has it"


def main():
    """As the usage says."""
    if sys.argv[1] == "rules":
        devices = [tuple(arg.split("=")) for arg in sys.argv[3:]]
        print("\n".join(policy(sys.argv[2], devices)))
        return 0
    differences = list(compare(*sys.argv[2:5], json.load(sys.stdin)))
    print("\n".join(differences))
    return 1 if differences else 0


sys.exit(main())
