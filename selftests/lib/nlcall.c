// SPDX-License-Identifier: GPL-2.0-only
/* See nlcall.h. Returns are 0 or a negative errno unless said otherwise. */
#include <errno.h>
#include <linux/vfiopolicy.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nlcall.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* Zeroed bytes at the end of a request. */
static void *more(struct nl_msg *msg, size_t len)
{
	char *buf;

	while (msg->room - msg->len < len) {
		msg->room = msg->room ? 2 * msg->room : 4096;
		buf = realloc(msg->buf, msg->room);
		if (!buf) {
			fprintf(stderr, "nlcall: out of memory\n");
			abort();
		}
		msg->buf = buf;
	}
	buf = memset(msg->buf + msg->len, 0, len);
	msg->len += len;
	return buf;
}

/**
 * nl_begin() - begin a request
 * @nl: the socket; its next sequence number is used
 * @msg: the request
 * @cmd: the command
 * @flags: beside NLM_F_REQUEST and NLM_F_ACK, such as NLM_F_DUMP
 */
void nl_begin(struct nl *nl, struct nl_msg *msg, uint8_t cmd, uint16_t flags)
{
	struct genlmsghdr *genl;

	msg->len = 0;
	more(msg, NLMSG_HDRLEN + GENL_HDRLEN);
	msg->hdr->nlmsg_type = nl->family;
	msg->hdr->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	msg->hdr->nlmsg_seq = ++nl->seq;
	genl = NLMSG_DATA(msg->hdr);
	genl->cmd = cmd;
	genl->version = VFIOPOLICY_FAMILY_VERSION;
}

/**
 * nl_put() - add an attribute
 * @msg: the request
 * @type: type of the attribute, flags and all
 * @data: its payload
 * @len: length of that
 */
void nl_put(struct nl_msg *msg, uint16_t type, const void *data, size_t len)
{
	struct nlattr *attr = more(msg, NLA_HDRLEN + NLA_ALIGN(len));

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy(attr + 1, data, len);
}

/**
 * nl_put_u32() - add an attribute of 32 bits
 * @msg: the request
 * @type: type of the attribute
 * @val: its value
 */
void nl_put_u32(struct nl_msg *msg, uint16_t type, uint32_t val)
{
	nl_put(msg, type, &val, sizeof(val));
}

/**
 * nl_put_str() - add a string with its NUL
 * @msg: the request
 * @type: type of the attribute
 * @text: the string
 */
void nl_put_str(struct nl_msg *msg, uint16_t type, const char *text)
{
	nl_put(msg, type, text, strlen(text) + 1);
}

static const struct nlattr *find_in(const char *pos, const char *end,
				    uint16_t type)
{
	const struct nlattr *attr;

	while (end - pos >= (ptrdiff_t)NLA_HDRLEN) {
		attr = (const void *)pos;
		if (attr->nla_len < NLA_HDRLEN || attr->nla_len > end - pos)
			return NULL;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		pos += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

/**
 * nl_find() - an attribute of a message of the family
 * @hdr: the message
 * @type: type of the attribute
 *
 * Return: the attribute, or NULL.
 */
const struct nlattr *nl_find(const struct nlmsghdr *hdr, uint16_t type)
{
	return find_in((const char *)hdr + NLMSG_HDRLEN + GENL_HDRLEN,
		       (const char *)hdr + hdr->nlmsg_len, type);
}

/**
 * nl_u32() - the value of an attribute of 32 bits
 * @hdr: the message
 * @type: type of the attribute
 * @none: what to return when it is not there
 *
 * Return: the value, or @none.
 */
uint32_t nl_u32(const struct nlmsghdr *hdr, uint16_t type, uint32_t none)
{
	const struct nlattr *attr = nl_find(hdr, type);

	if (attr && attr->nla_len >= NLA_HDRLEN + sizeof(none))
		memcpy(&none, attr + 1, sizeof(none));
	return none;
}

/**
 * nl_str() - a string attribute
 * @hdr: the message
 * @type: type of the attribute
 *
 * Return: the string, or NULL when it is not there or has no end.
 */
const char *nl_str(const struct nlmsghdr *hdr, uint16_t type)
{
	const struct nlattr *attr = nl_find(hdr, type);
	const char *text;

	if (!attr || attr->nla_len <= NLA_HDRLEN)
		return NULL;
	text = (const char *)(attr + 1);
	return text[attr->nla_len - NLA_HDRLEN - 1] ? NULL : text;
}

/**
 * nl_cmd() - the command of a message of the family
 * @hdr: the message
 *
 * Return: the command.
 */
uint8_t nl_cmd(const struct nlmsghdr *hdr)
{
	const struct genlmsghdr *genl = NLMSG_DATA(hdr);

	return genl->cmd;
}

/* The end of an answer: takes the extended ack, returns the errno. */
static int take_ack(struct nl *nl, const struct nlmsghdr *hdr)
{
	const struct nlmsgerr *err = NLMSG_DATA(hdr);
	const struct nlattr *attr;
	const char *pos, *end;

	pos = (const char *)err + sizeof(*err);
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		pos += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	end = (const char *)hdr + hdr->nlmsg_len;
	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS && pos < end) {
		attr = find_in(pos, end, NLMSGERR_ATTR_MSG);
		if (attr)
			snprintf(nl->extack, sizeof(nl->extack), "%.*s",
				 (int)(attr->nla_len - NLA_HDRLEN),
				 (const char *)(attr + 1));
		attr = find_in(pos, end, NLMSGERR_ATTR_OFFS);
		if (attr)
			memcpy(&nl->bad_attr, attr + 1, sizeof(nl->bad_attr));
	}
	return err->error;
}

/* The kernel takes no message that the send buffer could not hold. */
static int send_all(struct nl *nl, struct nl_msg *msg)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int room = msg->len;

	if (msg->len > NL_RECV_MAX &&
	    setsockopt(nl->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		return -errno;
	msg->hdr->nlmsg_len = msg->len;
	return sendto(nl->fd, msg->buf, msg->len, 0,
		      nl->addressed ? (const void *)&kernel : NULL,
		      nl->addressed ? sizeof(kernel) : 0) < 0 ? -errno : 0;
}

/**
 * nl_call() - send a request and take its whole answer
 * @nl: the socket
 * @msg: the request
 * @fn: called for each message of the answer, or NULL
 * @arg: handed on to @fn
 *
 * Return: what @fn returned when that was not 0, else the errno of the
 * answer, with its text in @nl.
 */
int nl_call(struct nl *nl, struct nl_msg *msg, nl_fn fn, void *arg)
{
	static __thread char buf[NL_RECV_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *hdr;
	ssize_t left;
	int ret;

	nl->extack[0] = '\0';
	nl->bad_attr = 0;
	ret = send_all(nl, msg);
	if (ret)
		return ret;
	for (;;) {
		left = recv(nl->fd, buf, sizeof(buf), 0);
		if (left < 0)
			return -errno;
		for (hdr = (void *)buf; NLMSG_OK(hdr, left);
		     hdr = NLMSG_NEXT(hdr, left)) {
			if (hdr->nlmsg_seq != msg->hdr->nlmsg_seq)
				continue;
			if (hdr->nlmsg_type == NLMSG_ERROR)
				return ret ? ret : take_ack(nl, hdr);
			if (hdr->nlmsg_type == NLMSG_DONE)
				return ret;
			if (fn && !ret)
				ret = fn(hdr, arg);
		}
	}
}

/**
 * nl_event() - wait for events
 * @nl: a socket that has joined the group
 * @timeout_ms: how long to wait for the first
 * @fn: called for each event of one datagram
 * @arg: handed on to @fn
 *
 * Return: what @fn returned, -ETIMEDOUT, or the socket's errno: -ENOBUFS when
 * events were lost.
 */
int nl_event(struct nl *nl, int timeout_ms, nl_fn fn, void *arg)
{
	static __thread char buf[NL_RECV_MAX] __attribute__((aligned(8)));
	struct pollfd pfd = { .fd = nl->fd, .events = POLLIN };
	struct nlmsghdr *hdr;
	ssize_t left;
	int ret = 0;

	ret = poll(&pfd, 1, timeout_ms);
	if (ret <= 0)
		return ret ? -errno : -ETIMEDOUT;
	left = recv(nl->fd, buf, sizeof(buf), 0);
	if (left < 0)
		return -errno;
	ret = 0;
	for (hdr = (void *)buf; NLMSG_OK(hdr, left) && !ret;
	     hdr = NLMSG_NEXT(hdr, left))
		if (hdr->nlmsg_type == nl->family)
			ret = fn(hdr, arg);
	return ret;
}

static int take_family(const struct nlmsghdr *hdr, void *arg)
{
	const struct nlattr *groups, *one, *attr;
	struct nl *nl = arg;
	const char *pos, *end;

	attr = nl_find(hdr, CTRL_ATTR_FAMILY_ID);
	if (attr)
		memcpy(&nl->family, attr + 1, sizeof(nl->family));
	groups = nl_find(hdr, CTRL_ATTR_MCAST_GROUPS);
	if (!groups)
		return 0;
	end = (const char *)groups + groups->nla_len;
	one = groups + 1;
	/* The only group of the family. */
	pos = (const char *)(one + 1);
	attr = find_in(pos, end, CTRL_ATTR_MCAST_GRP_ID);
	if (attr)
		memcpy(&nl->group, attr + 1, sizeof(nl->group));
	return 0;
}

/**
 * nl_socket() - a socket that knows no family yet
 * @nl: filled in
 *
 * Return: 0 or an errno.
 */
int nl_socket(struct nl *nl)
{
	int one = 1;

	memset(nl, 0, sizeof(*nl));
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	/* Or a refusal has all of the request in it, however large. */
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return 0;
}

/**
 * nl_lookup() - the family's numbers, by its name
 * @nl: the socket, which gets them
 *
 * Return: 0; -ENOENT when the module is not there; another errno.
 */
int nl_lookup(struct nl *nl)
{
	static __thread struct nl_msg msg;

	nl->family = GENL_ID_CTRL;
	nl_begin(nl, &msg, CTRL_CMD_GETFAMILY, 0);
	nl_put_str(&msg, CTRL_ATTR_FAMILY_NAME, VFIOPOLICY_FAMILY_NAME);
	return nl_call(nl, &msg, take_family, nl);
}

/**
 * nl_open() - a socket for the family
 * @nl: filled in
 *
 * Return: 0; -ENOENT when the module is not there; another errno.
 */
int nl_open(struct nl *nl)
{
	int ret = nl_socket(nl);

	if (ret)
		return ret;
	ret = nl_lookup(nl);
	if (ret)
		nl_close(nl);
	return ret;
}

/**
 * nl_close() - close the socket
 * @nl: the socket
 */
void nl_close(struct nl *nl)
{
	if (nl->fd >= 0)
		close(nl->fd);
	nl->fd = -1;
}

/**
 * nl_join() - listen to the events
 * @nl: the socket
 *
 * Return: 0 or an errno.
 */
int nl_join(struct nl *nl)
{
	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			  &nl->group, sizeof(nl->group)) ? -errno : 0;
}
