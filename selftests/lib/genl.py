# SPDX-License-Identifier: GPL-2.0-only
"""Generic netlink over a bare socket, for what asks the kernel itself.

It knows messages and attributes, and of families only nlctrl: no library, so
that what a library is lenient with is seen.
"""
import errno
import socket
import struct

SOL_NETLINK = 270
NETLINK_CAP_ACK = 10
NETLINK_EXT_ACK = 11
NETLINK_GET_STRICT_CHK = 12
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_CAPPED = 0x100
NLM_F_ACK_TLVS = 0x200
NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3fff
NLMSGERR_ATTR_MSG = 1
NLMSGERR_ATTR_OFFS = 2
HEADERS = 20			# of netlink and of generic netlink

GENL_ID_CTRL = 0x10
CTRL_CMD_GETFAMILY = 3
CTRL_CMD_GETPOLICY = 10
CTRL_ATTR_FAMILY_ID = 1
CTRL_ATTR_FAMILY_NAME = 2
CTRL_ATTR_VERSION = 3
CTRL_ATTR_HDRSIZE = 4
CTRL_ATTR_OPS = 6
CTRL_ATTR_MCAST_GROUPS = 7
CTRL_ATTR_POLICY = 8
CTRL_ATTR_OP_POLICY = 9
CTRL_ATTR_OP = 10
CTRL_ATTR_OP_ID = 1
CTRL_ATTR_OP_FLAGS = 2
CTRL_ATTR_MCAST_GRP_NAME = 1
CTRL_ATTR_POLICY_DO = 1
CTRL_ATTR_POLICY_DUMP = 2


class Refused(Exception):
    """The kernel said no: the errno, the extended ack's text, and the offset
    in the request that it points at, or None."""

    def __init__(self, number, text, offset):
        super().__init__(f"{errno.errorcode.get(number, number)}: {text}")
        self.errno = number
        self.text = text
        self.offset = offset


def attr(kind, payload):
    """One attribute; payload is bytes, a str (a NUL is added) or a u32."""
    if isinstance(payload, str):
        payload = payload.encode() + b"\0"
    elif isinstance(payload, int):
        payload = struct.pack("=I", payload)
    head = struct.pack("=HH", 4 + len(payload), kind)
    return head + payload + b"\0" * (-len(payload) % 4)


def attrs(data):
    """Pairs of type and payload."""
    pos = 0
    while pos + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, pos)
        if length < 4 or pos + length > len(data):
            raise ValueError(f"an attribute of {length} bytes at {pos}")
        yield kind & NLA_TYPE_MASK, data[pos + 4:pos + length]
        pos += (length + 3) & ~3


def number(data):
    """What an attribute of 8, 16, 32 or 64 bits holds."""
    return int.from_bytes(data, "little")


def text_of(data):
    """What a string holds."""
    return data.rstrip(b"\0").decode()


class Socket:
    """A socket that asks one thing at a time."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        for option in NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK:
            self.sock.setsockopt(SOL_NETLINK, option, 1)
        self.seq = 0

    def _refused(self, flags, payload, skip):
        code = -struct.unpack_from("=i", payload)[0]
        tlvs = {}
        if flags & NLM_F_ACK_TLVS:
            tlvs = dict(attrs(payload[skip:]))
        offset = tlvs.get(NLMSGERR_ATTR_OFFS)
        return Refused(code, text_of(tlvs.get(NLMSGERR_ATTR_MSG, b"")),
                       None if offset is None else number(offset))

    def ask(self, family, cmd, payload=b"", dump=False, version=1):
        """The payloads of the replies; raises Refused."""
        self.seq += 1
        flags = NLM_F_REQUEST | NLM_F_ACK | (NLM_F_DUMP if dump else 0)
        self.sock.send(struct.pack("=IHHII", HEADERS + len(payload), family, flags,
                                   self.seq, 0) +
                       struct.pack("=BBH", cmd, version, 0) + payload)
        replies = []
        while True:
            data = self.sock.recv(1 << 17)
            pos = 0
            while pos < len(data):
                length, kind, flags, seq, _ = struct.unpack_from("=IHHII", data, pos)
                body = data[pos + 16:pos + length]
                pos += (length + 3) & ~3
                if seq != self.seq:
                    continue
                if kind == NLMSG_ERROR or kind == NLMSG_DONE:
                    # The ack has the header of the request, capped.
                    refused = self._refused(flags, body,
                                            20 if kind == NLMSG_ERROR else 4)
                    if refused.errno:
                        raise refused
                    return replies
                replies.append(body[4:])


def family(sock, name):
    """What nlctrl says: id, version, hdrsize, ops (id: flags), groups."""
    [reply] = sock.ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
                       attr(CTRL_ATTR_FAMILY_NAME, name))
    facts = dict(attrs(reply))
    ops, groups = {}, []
    for _, entry in attrs(facts.get(CTRL_ATTR_OPS, b"")):
        op = dict(attrs(entry))
        ops[number(op[CTRL_ATTR_OP_ID])] = number(op[CTRL_ATTR_OP_FLAGS])
    for _, entry in attrs(facts.get(CTRL_ATTR_MCAST_GROUPS, b"")):
        groups.append(text_of(dict(attrs(entry))[CTRL_ATTR_MCAST_GRP_NAME]))
    return {"id": number(facts[CTRL_ATTR_FAMILY_ID]),
            "version": number(facts[CTRL_ATTR_VERSION]),
            "hdrsize": number(facts[CTRL_ATTR_HDRSIZE]),
            "ops": ops, "groups": groups}


def policy(sock, name, op):
    """The policies of an operation: "do" and "dump", for what it has, each as
    {attribute: {NL_POLICY_TYPE_ATTR_*: number}}. What the kernel refuses, or
    has no policy for, is in none."""
    tables, used = {}, {}
    for reply in sock.ask(GENL_ID_CTRL, CTRL_CMD_GETPOLICY,
                          attr(CTRL_ATTR_FAMILY_NAME, name) + attr(CTRL_ATTR_OP, op),
                          dump=True):
        for kind, data in attrs(reply):
            if kind == CTRL_ATTR_OP_POLICY:
                for cmd, modes in attrs(data):
                    if cmd != op:
                        raise ValueError(f"asked for {op}, was told of {cmd}")
                    for mode, index in attrs(modes):
                        used[mode] = number(index)
            elif kind == CTRL_ATTR_POLICY:
                # One attribute a message.
                for index, table in attrs(data):
                    into = tables.setdefault(index, {})
                    for which, facts in attrs(table):
                        into[which] = {k: number(v) for k, v in attrs(facts)}
    return {"do" if mode == CTRL_ATTR_POLICY_DO else "dump": tables.get(index, {})
            for mode, index in used.items()}
