/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extended acks with a formatted text on every kernel.
 *
 * Where NL_SET_ERR_MSG_ATTR_FMT() is missing (probe: linux/netlink.h), an
 * extended ack only takes a pointer to a text that must live until the answer
 * is sent, which is after the handler has returned. A few static buffers are
 * used in turn there: a text can only be overwritten by this many refusals
 * in between, and is still a text then.
 *
 * Texts are at most 79 bytes (NETLINK_MAX_FMTMSG_LEN). The kernel's macro logs
 * what it has to cut, so it is given what has been cut already.
 */
#ifndef VFIOPOLICY_COMPAT_EXTACK_H
#define VFIOPOLICY_COMPAT_EXTACK_H

#include <linux/netlink.h>

#ifdef NL_SET_ERR_MSG_ATTR_FMT

#define VP_EXTACK(extack, attr, fmt, ...)				\
do {									\
	char vp_text[NETLINK_MAX_FMTMSG_LEN];				\
									\
	scnprintf(vp_text, sizeof(vp_text), fmt, ##__VA_ARGS__);	\
	NL_SET_ERR_MSG_ATTR_FMT(extack, attr, "%s", vp_text);		\
} while (0)

#else

#include <linux/atomic.h>

#define VP_EXTACK_BUFS 64

static inline void vp_extack(struct netlink_ext_ack *extack,
			     const struct nlattr *attr, const char *text)
{
	extack->_msg = text;
	extack->bad_attr = attr;
	extack->policy = NULL;
}

#define VP_EXTACK(extack, attr, fmt, ...)				\
do {									\
	static char vp_bufs[VP_EXTACK_BUFS][80];			\
	static atomic_t vp_next;					\
	char *vp_buf = vp_bufs[(unsigned int)atomic_inc_return(&vp_next) % \
			       VP_EXTACK_BUFS];				\
									\
	snprintf(vp_buf, sizeof(vp_bufs[0]), fmt, ##__VA_ARGS__);	\
	vp_extack(extack, attr, vp_buf);				\
} while (0)

#endif

#endif /* VFIOPOLICY_COMPAT_EXTACK_H */
