/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The netlink family, spoken to by hand: what the tests say and hear must not
 * depend on the command or on a library that might hide something.
 */
#ifndef NLCALL_H
#define NLCALL_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a datagram of the kernel's. Requests may be larger. */
#define NL_RECV_MAX	65536
#define NL_EXTACK_MAX	256

/**
 * struct nl - a socket and the family's numbers
 * @fd: the socket, with extended acks
 * @family: number of the family
 * @group: number of the multicast group events
 * @seq: number of the last request
 * @extack: text of the last answer's extended ack, or empty
 * @bad_attr: offset of the attribute it points at, or 0
 * @addressed: requests name the kernel as who they are for, which makes the
 *             sender's capabilities count alone, and not the socket's as well
 */
struct nl {
	int fd;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	char extack[NL_EXTACK_MAX];
	uint32_t bad_attr;
	bool addressed;
};

/**
 * struct nl_msg - a request that is being put together
 * @len: bytes used of @buf
 * @room: bytes that @buf has
 * @hdr: the netlink header, where @buf begins
 * @buf: netlink header, generic netlink header, attributes; made larger as
 *       they come. All zero is how one begins; it is never freed.
 */
struct nl_msg {
	size_t len;
	size_t room;
	union {
		struct nlmsghdr *hdr;
		char *buf;
	};
};

/* Called for each message of an answer; not 0 ends it. */
typedef int (*nl_fn)(const struct nlmsghdr *hdr, void *arg);

int nl_socket(struct nl *nl);
int nl_lookup(struct nl *nl);
int nl_open(struct nl *nl);
void nl_close(struct nl *nl);
int nl_join(struct nl *nl);
void nl_begin(struct nl *nl, struct nl_msg *msg, uint8_t cmd, uint16_t flags);
void nl_put(struct nl_msg *msg, uint16_t type, const void *data, size_t len);
void nl_put_u32(struct nl_msg *msg, uint16_t type, uint32_t val);
void nl_put_str(struct nl_msg *msg, uint16_t type, const char *text);
int nl_call(struct nl *nl, struct nl_msg *msg, nl_fn fn, void *arg);
int nl_event(struct nl *nl, int timeout_ms, nl_fn fn, void *arg);
const struct nlattr *nl_find(const struct nlmsghdr *hdr, uint16_t type);
uint32_t nl_u32(const struct nlmsghdr *hdr, uint16_t type, uint32_t none);
const char *nl_str(const struct nlmsghdr *hdr, uint16_t type);
uint8_t nl_cmd(const struct nlmsghdr *hdr);

#endif /* NLCALL_H */
