#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does the module that is loaded take what the specification says?

    spec_test.py YNL SPECIFICATION

The kernel is asked for what it checks (CTRL_CMD_GETPOLICY, an operation at a
time), which is compared with what the specification promises, both ways: an
attribute, a limit or an operation that only one of them has is a failure. The
numbers come from the kernel's own reader of specifications, in the folder YNL,
not from the header, which is made from the same text.

Of the three kernels none says what it rejects: neither NLA_REJECT nor what has
no entry is told of. So each attribute that a request may not have is sent, too,
and has to be refused with the extended ack pointing at it.

Full genl_ops have one policy an operation, so that do and dump are told to take
the same: the union of what the specification has for the two. What only the
other of the two takes is then the handler's to refuse, and is sent like the
rest. KTAP on standard output.
"""
import errno
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))
import genl

# Both have a package lib.
sys.path.insert(0, sys.argv[1])
from lib import SpecFamily

# enum netlink_attribute_type, and of enum netlink_policy_type_attr the names.
FLAG, U16, U32, NUL_STRING = "flag", "u16", "u32", "nul-string"
TYPES = {1: FLAG, 3: U16, 4: U32, 12: NUL_STRING}
FACTS = {1: "type", 2: "min", 3: "max", 4: "min", 5: "max", 6: "min-len", 7: "max-len"}

ADMIN_PERM, CAP_DO, CAP_DUMP, HASPOL, UNS_ADMIN_PERM = 1, 2, 4, 8, 16

spec = SpecFamily(sys.argv[2], "")
sock = genl.Socket()
failures = []


def differ(what, kernel, wanted):
    """Note it when the two are not the same."""
    if kernel != wanted:
        failures.append(f"{what}: {kernel}, expected {wanted}")


def value_of(limit):
    """A limit, which may be the name of a constant."""
    if limit in spec.consts:
        limit = spec.consts[limit]["value"]
    return int(limit)


def in_words(facts):
    """The facts that genl.policy() has of an attribute."""
    words = {FACTS.get(kind, kind): value for kind, value in facts.items()}
    words["type"] = TYPES.get(words["type"], words["type"])
    return words


def promised(attr):
    """What the kernel has to say of an attribute, as in_words() has it."""
    checks = attr.get("checks", {})
    if attr["type"] == "u32":
        top = 0xffffffff
        if "enum" in attr:
            top = max(e.value for e in spec.consts[attr["enum"]].entries.values())
        return {"type": U32, "min": value_of(checks.get("min", 0)),
                "max": value_of(checks.get("max", top))}
    if attr["type"] == "string":
        return {"type": NUL_STRING, "max-len": value_of(checks["max-len"])}
    if attr["type"] == "flag":
        return {"type": FLAG}
    raise NotImplementedError(f"a request with a {attr['type']}: {attr.name}")


def requested(op, modes=("do", "dump")):
    """Names of the attributes that requests in these modes may have."""
    names = set()
    for mode in modes:
        names |= set(op.get(mode, {}).get("request", {}).get("attributes", []))
    return names


def plausible(attr):
    """An attribute that is right but for where it is."""
    payload = {"u32": 1, "u64": bytes(8), "string": "vfio 1234:5678"}
    kind = attr.value
    if attr["type"] == "nest":
        kind |= genl.NLA_F_NESTED
    return genl.attr(kind, payload.get(attr["type"], b""))


def modes_of(op):
    """Of do and dump, what an operation has."""
    return [mode for mode in ("do", "dump") if mode in op]


def control_nlctrl_tells_of_its_own_policy():
    """What is read is a policy: that of nlctrl is a known one."""
    told = genl.policy(sock, "nlctrl", genl.CTRL_CMD_GETFAMILY)
    # Where dumps are not validated, none is told of for them.
    for mode in {"do"} | set(told):
        differ(f"nlctrl's {mode}",
               {kind: in_words(facts) for kind, facts in told[mode].items()},
               {genl.CTRL_ATTR_FAMILY_ID: {"type": U16, "min": 0, "max": 0xffff},
                genl.CTRL_ATTR_FAMILY_NAME: {"type": NUL_STRING, "max-len": 15}})


def control_what_is_right_is_not_refused():
    """What refuses the foreign attributes is not the rest of the message."""
    ids = {name: op.req_value for name, op in spec.ops.items()}
    sock.ask(family["id"], ids["info-get"])
    sock.ask(family["id"], ids["dev-get"], dump=True)
    try:
        sock.ask(family["id"], ids["dev-get"], some_request("dev-get", "do"))
    except genl.Refused as refused:
        differ("dev-get of what no rule names", refused.errno, errno.ENODEV)


def family_is_as_specified():
    """Version, header, groups."""
    differ("version", family["version"], 1)
    differ("size of a header of its own", family["hdrsize"], 0)
    differ("multicast groups", family["groups"], list(spec.mcast_groups))


def operations_are_as_specified():
    """Which there are, what they can, and that each checks what it is sent."""
    told = {}
    for cmd, flags in family["ops"].items():
        name = spec.req_by_value[cmd].name if cmd in spec.req_by_value else cmd
        told[name] = {flag for flag in (ADMIN_PERM, CAP_DO, CAP_DUMP, HASPOL,
                                        UNS_ADMIN_PERM) if flags & flag}
    # Who may do what is asked in the handlers, for CAP_SYS_ADMIN; the flags
    # would ask for CAP_NET_ADMIN.
    wanted = {name: {HASPOL} | ({CAP_DO} if "do" in op else set()) |
              ({CAP_DUMP} if "dump" in op else set())
              for name, op in spec.ops.items()}
    for name in sorted(set(told) | set(wanted), key=str):
        differ(f"operation {name}", told.get(name), wanted.get(name))


def policy_is_as_specified(op):
    """The same attributes with the same limits, in both directions."""
    names = {op.attr_set[name].value: name for name in op.attr_set}
    wanted = {name: promised(op.attr_set[name]) for name in requested(op)}
    told = genl.policy(sock, spec["name"], op.req_value)
    differ("policies there are", sorted(told), modes_of(op))
    for mode, table in told.items():
        has = {names.get(kind, kind): in_words(facts) for kind, facts in table.items()}
        for name in sorted(set(has) | set(wanted), key=str):
            differ(f"{mode} {name}", has.get(name), wanted.get(name))


def some_request(name, mode):
    """All that a request to read something may have, so that nothing is amiss
    but what is added to it."""
    op = spec.ops[name]
    texts = {"address": "0000:00:00.0"}
    return b"".join(genl.attr(op.attr_set[a].value, texts[a]) if a in texts
                    else plausible(op.attr_set[a])
                    for a in requested(op, (mode,)))


def nothing_else_is_taken(op):
    """Each attribute of its set that is not in its request, and one that no
    set has."""
    for mode in modes_of(op):
        # What changes something gets the foreign attribute alone: were it
        # taken, nothing should come of it.
        base = some_request(op.name, mode) if op.name.endswith("-get") else b""
        foreign = {name: plausible(op.attr_set[name])
                   for name in set(op.attr_set) - requested(op, (mode,))}
        top = max(op.attr_set[name].value for name in op.attr_set)
        foreign["one more than there is"] = genl.attr(top + 1, 1)
        for name, data in sorted(foreign.items()):
            try:
                sock.ask(family["id"], op.req_value, base + data, dump=mode == "dump")
                failures.append(f"{mode} with {name} is not refused")
            except genl.Refused as refused:
                where = genl.HEADERS + len(base)
                # What refuses a dump before it starts has no extended ack on
                # 6.1; the core's own refusal has one everywhere.
                if mode == "dump" and name in requested(op) and \
                        not refused.text and refused.offset is None:
                    where = None
                differ(f"{mode} with {name}: {refused}; errno and offset",
                       (refused.errno, refused.offset), (errno.EINVAL, where))


family = genl.family(sock, spec["name"])
tests = [(test.__name__, test, ()) for test in (
    control_nlctrl_tells_of_its_own_policy, control_what_is_right_is_not_refused,
    family_is_as_specified, operations_are_as_specified)]
for each in spec.ops.values():
    tests.append((f"policy_of_{each.ident_name}_is_as_specified",
                  policy_is_as_specified, (each,)))
    tests.append((f"{each.ident_name}_takes_nothing_else",
                  nothing_else_is_taken, (each,)))

failed = 0
print("TAP version 13")
print(f"1..{len(tests)}")
for n, (title, test, args) in enumerate(tests, 1):
    failures.clear()
    try:
        test(*args)
    except (genl.Refused, KeyError, ValueError, NotImplementedError) as error:
        failures.append(f"{type(error).__name__}: {error}")
    for line in failures:
        print(f"# failed: {line}")
    failed += bool(failures)
    print(f"{'not ok' if failures else 'ok'} {n} {title}", flush=True)
print(f"# Totals: pass:{len(tests) - failed} fail:{failed} xfail:0 xpass:0 skip:0 error:0")
sys.exit(1 if failed else 0)
