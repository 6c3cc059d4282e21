/* SPDX-License-Identifier: GPL-2.0-only */
/* What nl.c, nl_ask.c and nl_event.c share of a connection, and nobody else. */
#ifndef VFIOPOLICY_NL_CALL_H
#define VFIOPOLICY_NL_CALL_H

#include "nl.h"

struct nl_msg;

/* Bytes of a buffer to receive into: a dump fills 32 KiB at the most. */
#define VP_NL_BUF_SIZE	65536

/* Called for each message of an answer. Return: 0 or -errno. */
typedef int (*vp_nl_reply_fn)(struct nlmsghdr *hdr, void *arg);

/**
 * struct vp_nl_pile - entries of one size that a dump adds to
 * @entries: the entries
 * @size: bytes of each
 * @count: how many there are
 * @room: how many there is room for
 * @read: fills one, which is all zeros, from a message
 * @drop: forgets what one has; NULL when that is nothing
 */
struct vp_nl_pile {
	char *entries;
	size_t size;
	size_t count;
	size_t room;
	vp_nl_reply_fn read;
	void (*drop)(void *entry);
};

int vp_nl_fail(struct vp_nl *nl, int errnum, const char *text);
int vp_nl_fail_libnl(struct vp_nl *nl, int errnum, int nlerr);
int vp_nl_socket(struct vp_nl *nl, struct nl_sock **sockp);
int vp_nl_receive(struct nl_sock *sock, char *buf, int flags);
struct nl_msg *vp_nl_request(struct vp_nl *nl, int cmd, int flags);
int vp_nl_transact(struct vp_nl *nl, struct nl_msg *msg, bool *torn,
		   vp_nl_reply_fn fn, void *arg);
int vp_nl_dump(struct vp_nl *nl, int cmd, struct vp_nl_pile *pile);

#endif /* VFIOPOLICY_NL_CALL_H */
