#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a specification should have beyond what the schema asks of it.

    spec_lint.py YNL SPECIFICATION
    spec_lint.py YNL SPECIFICATION --asserts	C that compiles with a right header
    spec_lint.py YNL SPECIFICATION --reduced FILE	see reduced()

Everything is explained, nothing is unused, and a request cannot say what the
kernel would have to guess the limits of. Says what is missing, a line each.
"""
import os
import re
import sys

import yaml

sys.path.insert(0, sys.argv[1])
from lib import SpecFamily

# Any number is a legal question about these: the kernel numbers IOMMU groups
# from 0 and names no last one.
ANY_NUMBER = {("dev", "group"), ("group", "id")}

spec = SpecFamily(sys.argv[2], "")


def explained(what, doc):
    """A doc is there, and ends like a sentence."""
    if not (doc or "").strip().endswith("."):
        yield f"{what} has no doc that is a sentence"


def docs():
    """Everything that may have a doc has one."""
    yield from explained("the family", spec["doc"])
    for each in spec.consts.values():
        yield from explained(f"definition {each['name']}", each.get("doc"))
        for entry in getattr(each, "entries", {}).values():
            yield from explained(f"{each['name']} {entry.name}", entry.doc)
    for group in spec.attr_sets.values():
        for name, attr in group.items():
            yield from explained(f"attribute {group.name} {name}", attr.get("doc"))
    for op in spec.msgs.values():
        yield from explained(f"operation {op.name}", op.get("doc"))


def bodies(op):
    """Pairs of direction and names of attributes."""
    for mode in "do", "dump":
        for way in "request", "reply":
            if way in op.get(mode, {}):
                yield way, op[mode][way]["attributes"]


def limits():
    """Requests say what their attributes may be, and so do the checks."""
    asked = {(op.attr_set.name, name) for op in spec.ops.values()
             for way, names in bodies(op) if way == "request" for name in names}
    for group, name in sorted(asked):
        attr = spec.attr_sets[group][name]
        checks = attr.get("checks", {})
        what = f"attribute {group} {name}, which requests may have,"
        if attr.type == "string" and "max-len" not in checks:
            yield f"{what} is a string without a max-len"
        elif attr.type == "u32" and "enum" not in attr and not checks and \
                (group, name) not in ANY_NUMBER:
            yield f"{what} may be any number"
        elif attr.type not in ("string", "u32", "flag"):
            yield f"{what} is a {attr.type}, which no check of the kernel's is told for"
    for group, name in ANY_NUMBER - asked:
        yield f"attribute {group} {name} is no request's, and need not be excused"
    for group, name, attr in ((g.name, n, a) for g in spec.attr_sets.values()
                              for n, a in g.items()):
        for limit in attr.get("checks", {}).values():
            if not isinstance(limit, int) and limit not in spec.consts:
                yield f"attribute {group} {name} is checked by {limit}, which is not defined"


def uses():
    """What is named is there, and what is there is named."""
    used, enums, nests = set(), set(), set()
    for op in spec.ops.values():
        for _, names in bodies(op):
            for name in names:
                used.add((op.attr_set.name, name))
                if name not in op.attr_set:
                    yield f"operation {op.name} has {name}, which is in no set of its"
            if len(names) != len(set(names)):
                yield f"operation {op.name} has an attribute twice"
    roots = {op.attr_set.name for op in spec.ops.values()}
    for group in spec.attr_sets.values():
        for name, attr in group.items():
            enums.add(attr.get("enum"))
            nests.add(attr.get("nested-attributes"))
            if group.name in roots and attr.type != "pad" and \
                    (group.name, name) not in used:
                yield f"attribute {group.name} {name} is in no request and no reply"
            if attr.type == "u64" and "pad" not in group:
                yield f"attribute set {group.name} has a u64 and no pad"
    consts = {name for name, each in spec.consts.items() if each["type"] == "enum"}
    for what, there, named in (("enum", consts, enums),
                               ("attribute set", set(spec.attr_sets), nests | roots)):
        for name in there - named:
            yield f"{what} {name} is used by nothing"
        for name in named - there - {None}:
            yield f"{what} {name} is not there"


def asserts():
    """C by which a compiler sees that the header has the numbers that a client
    which reads the specification has."""
    def c_name(*parts):
        return re.sub("[^A-Z0-9]", "_", "_".join((spec["name"],) + parts).upper())

    print(f'#include <linux/{spec["name"]}.h>')
    numbers = {}
    for name, each in spec.consts.items():
        if each["type"] == "const":
            numbers[c_name(name)] = each["value"]
        for entry in getattr(each, "entries", {}).values():
            numbers[c_name(name, entry.name)] = entry.value
    for group in spec.attr_sets.values():
        for name, attr in group.items():
            numbers[c_name("a", group.name, name)] = attr.value
        numbers[c_name("a", group.name, "max")] = max(group.attrs_by_val)
    for op in spec.msgs.values():
        numbers[c_name("cmd", op.name)] = op.req_value
    numbers[c_name("cmd", "max")] = max(spec.req_by_value)
    for name, value in numbers.items():
        print(f'_Static_assert({name} == {value}, "{name}");')
    for name, macro in [(spec["name"], c_name("family", "name"))] + \
            [(group, c_name("mcgrp", group)) for group in spec.mcast_groups]:
        print(f'_Static_assert(!__builtin_strcmp({macro}, "{name}"), "{macro}");')


def reduced():
    """The specification without what the C client's generator of 6.12 does not
    know, other generators do: an attribute of many strings in a request, and
    events like the reply of what can only be dumped. Numbers stay."""
    whole = spec.yaml
    notified = {op["notify"] for op in whole["operations"]["list"] if "notify" in op}
    for op in whole["operations"]["list"]:
        for mode in {"do", "dump"} & set(op):
            request = op[mode].get("request", {"attributes": []})
            group = spec.attr_sets[op["attribute-set"]]
            request["attributes"] = [
                name for name in request["attributes"]
                if not (group[name].is_multi and group[name].type == "string")]
        if op["name"] in notified and "do" not in op:
            op["do"] = {"reply": op["dump"]["reply"]}
    with open(sys.argv[4], "w", encoding="utf-8") as file:
        file.write(f"# SPDX-License-Identifier: {spec.license}\n")
        yaml.safe_dump(whole, file, sort_keys=False)


if sys.argv[3:4] == ["--asserts"]:
    asserts()
elif sys.argv[3:4] == ["--reduced"]:
    reduced()
else:
    wrong = list(docs()) + list(limits()) + list(uses())
    for complaint in wrong:
        print(f"{os.path.basename(sys.argv[2])}: {complaint}")
    sys.exit(1 if wrong else 0)
