// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink connection. libnl builds and checks messages; sending and
 * receiving is done here, since libnl knows nothing of extended acks and
 * turns the kernel's errno into numbers of its own.
 */
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl.h"

/* A dump fills 32 KiB at the most. */
#define BUF_SIZE	65536
/* Room for some thousand events, while whoever reads them is busy. */
#define EVENTS_SIZE	(4 << 20)
/* How often a dump is begun anew because the kernel says it was torn. */
#define DUMP_TRIES	5

/*
 * Called for each message of an answer. Return: 0 or -errno.
 */
typedef int (*reply_fn)(struct nlmsghdr *hdr, void *arg);

/* @text: what happened, or NULL for what the errno means. */
static int fail(struct vp_nl *nl, int errnum, const char *text)
{
	nl->error.errnum = errnum;
	nl->error.told = false;
	snprintf(nl->error.text, sizeof(nl->error.text), "%s",
		 text ? text : strerror(errnum));
	return -errnum;
}

/* What libnl refused; its own numbers are for its own texts only. */
static int fail_libnl(struct vp_nl *nl, int errnum, int nlerr)
{
	return fail(nl, errnum ? errnum : EIO,
		    errnum ? NULL : nl_geterror(nlerr));
}

/* Return: bytes in @buf, or -errno, -EAGAIN when there are none to wait for. */
static int receive(struct nl_sock *sock, char *buf, int flags)
{
	struct sockaddr_nl from;
	struct iovec iov = { .iov_base = buf, .iov_len = BUF_SIZE };
	struct msghdr msg;
	ssize_t len;

	for (;;) {
		memset(&from, 0, sizeof(from));
		msg = (struct msghdr) {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
		len = recvmsg(nl_socket_get_fd(sock), &msg, flags);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		if (msg.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		/* Anybody may send to a netlink socket; only 0 is the kernel. */
		if (!from.nl_pid)
			return (int)len;
	}
}

static int send_request(struct vp_nl *nl, struct nl_msg *msg)
{
	int ret;

	errno = 0;
	ret = nl_send_auto(nl->sock, msg);
	return ret < 0 ? fail_libnl(nl, errno, ret) : 0;
}

/* One message of an answer. Return: 1 to go on, 0 at the end, -errno. */
static int take_reply(struct vp_nl *nl, struct nlmsghdr *hdr, bool *torn,
		      reply_fn fn, void *arg)
{
	int ret;

	if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		*torn = true;
	if (hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE) {
		ret = vp_nl_read_error(hdr, &nl->error);
		if (ret)
			return fail(nl, -ret, NULL);
		return -nl->error.errnum;
	}
	if (hdr->nlmsg_type != nl->family || !fn)
		return 1;
	ret = fn(hdr, arg);
	return ret ? fail(nl, -ret, NULL) : 1;
}

/* Sends a request and takes the whole answer. Frees @msg. */
static int transact(struct vp_nl *nl, struct nl_msg *msg, bool *torn,
		    reply_fn fn, void *arg)
{
	struct nlmsghdr *hdr;
	bool ignored = false;
	u32 seq;
	int ret, left;

	ret = send_request(nl, msg);
	seq = nlmsg_hdr(msg)->nlmsg_seq;
	nlmsg_free(msg);
	if (ret)
		return ret;
	for (;;) {
		left = receive(nl->sock, nl->buf, 0);
		if (left < 0)
			return fail(nl, -left, NULL);
		for (hdr = (struct nlmsghdr *)nl->buf; nlmsg_ok(hdr, left);
		     hdr = nlmsg_next(hdr, &left)) {
			if (hdr->nlmsg_seq != seq)
				continue;
			ret = take_reply(nl, hdr, torn ? torn : &ignored, fn,
					 arg);
			if (ret <= 0)
				return ret;
		}
	}
}

static struct nl_msg *new_request(struct vp_nl *nl, int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
			       flags, (u8)cmd, VFIOPOLICY_FAMILY_VERSION))
		return msg;
	nlmsg_free(msg);
	fail(nl, ENOMEM, NULL);
	return NULL;
}

static int open_socket(struct vp_nl *nl, struct nl_sock **sockp)
{
	struct nl_sock *sock = nl_socket_alloc();
	int one = 1, ret;

	*sockp = sock;
	if (!sock)
		return fail(nl, ENOMEM, NULL);
	errno = 0;
	ret = genl_connect(sock);
	if (ret < 0)
		return fail_libnl(nl, errno, ret);
	/* Without these, which old kernels lack, there is an errno at least. */
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &one,
		   sizeof(one));
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_CAP_ACK, &one,
		   sizeof(one));
	return 0;
}

/**
 * vp_nl_open() - connect to the module
 * @nl: filled in; to be closed with vp_nl_close(), also after an error
 *
 * Return: 0; -ENOENT when the module is not there; -errno.
 */
int vp_nl_open(struct vp_nl *nl)
{
	int ret;

	memset(nl, 0, sizeof(*nl));
	nl->buf = malloc(BUF_SIZE);
	if (!nl->buf)
		return fail(nl, ENOMEM, NULL);
	ret = open_socket(nl, &nl->sock);
	if (ret)
		return ret;
	nl->family = genl_ctrl_resolve(nl->sock, VFIOPOLICY_FAMILY_NAME);
	if (nl->family == -NLE_OBJ_NOTFOUND)
		return fail(nl, ENOENT,
			    "there is no such netlink family");
	if (nl->family < 0)
		return fail_libnl(nl, 0, nl->family);
	return 0;
}

/**
 * vp_nl_close() - disconnect
 * @nl: the connection
 */
void vp_nl_close(struct vp_nl *nl)
{
	nl_socket_free(nl->events);
	nl_socket_free(nl->sock);
	free(nl->events_buf);
	free(nl->buf);
	nl->events = NULL;
	nl->sock = NULL;
	nl->events_buf = NULL;
	nl->buf = NULL;
	nl->left = 0;
}

/**
 * vp_nl_info() - ask what the module is
 * @nl: the connection
 * @info: filled in on success
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_info(struct vp_nl *nl, struct vp_nl_info *info)
{
	struct nl_msg *msg = new_request(nl, VFIOPOLICY_CMD_INFO_GET, 0);

	memset(info, 0, sizeof(*info));
	return msg ? transact(nl, msg, NULL, vp_nl_read_info, info) : -ENOMEM;
}

/**
 * vp_nl_rule_add() - add a rule
 * @nl: the connection
 * @text: the rule
 * @origin: where it comes from, an &enum vfiopolicy_origin
 * @rule: filled in on success with the rule as it stands in the table
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_rule_add(struct vp_nl *nl, const char *text, u32 origin,
		   struct vp_nl_rule *rule)
{
	struct nl_msg *msg = new_request(nl, VFIOPOLICY_CMD_RULE_ADD, 0);

	memset(rule, 0, sizeof(*rule));
	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, VFIOPOLICY_A_RULE_ORIGIN, origin) ||
	    nla_put_string(msg, VFIOPOLICY_A_RULE_TEXT, text)) {
		nlmsg_free(msg);
		return fail(nl, EMSGSIZE, NULL);
	}
	return transact(nl, msg, NULL, vp_nl_read_rule, rule);
}

/**
 * vp_nl_rule_del() - delete a rule
 * @nl: the connection
 * @id: its number, or 0 to go by @text
 * @text: the canonical form of the rule, whatever its origins
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_rule_del(struct vp_nl *nl, u32 id, const char *text)
{
	struct nl_msg *msg = new_request(nl, VFIOPOLICY_CMD_RULE_DEL, 0);
	int ret;

	if (!msg)
		return -ENOMEM;
	ret = id ? nla_put_u32(msg, VFIOPOLICY_A_RULE_ID, id) :
		   nla_put_string(msg, VFIOPOLICY_A_RULE_TEXT, text);
	if (ret) {
		nlmsg_free(msg);
		return fail(nl, EMSGSIZE, NULL);
	}
	return transact(nl, msg, NULL, NULL, NULL);
}

/* What one message of this size takes to be sent. */
static int make_room(struct vp_nl *nl, size_t size)
{
	int fd = nl_socket_get_fd(nl->sock), want = (int)size;

	if (size > INT_MAX / 2)
		return fail(nl, EMSGSIZE, NULL);
	/* Beyond the limit only root may, and only root may change rules. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
	return 0;
}

/**
 * vp_nl_rule_replace() - make the rules of one origin these, in one step
 * @nl: the connection
 * @origin: the origin, an &enum vfiopolicy_origin
 * @texts: the rules, in order
 * @count: number of @texts
 * @replaced: filled in on success
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_rule_replace(struct vp_nl *nl, u32 origin, const char *const *texts,
		       size_t count, struct vp_nl_replaced *replaced)
{
	size_t size = 256, i;
	struct nl_msg *msg;

	for (i = 0; i < count; i++)
		size += (size_t)nla_total_size((int)strlen(texts[i]) + 1);
	memset(replaced, 0, sizeof(*replaced));
	/* Of the socket's room the kernel counts more than the message. */
	if (make_room(nl, 2 * size))
		return -EMSGSIZE;
	msg = nlmsg_alloc_size(size);
	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				 0, VFIOPOLICY_CMD_RULE_REPLACE,
				 VFIOPOLICY_FAMILY_VERSION)) {
		nlmsg_free(msg);
		return fail(nl, ENOMEM, NULL);
	}
	if (nla_put_u32(msg, VFIOPOLICY_A_RULE_ORIGIN, origin))
		goto too_long;
	for (i = 0; i < count; i++)
		if (nla_put_string(msg, VFIOPOLICY_A_RULE_TEXTS, texts[i]))
			goto too_long;
	return transact(nl, msg, NULL, vp_nl_read_replaced, replaced);

too_long:
	nlmsg_free(msg);
	return fail(nl, EMSGSIZE, NULL);
}

/**
 * vp_nl_dev() - ask about one device
 * @nl: the connection
 * @address: its address, as the kernel writes it
 * @dev: filled in on success
 *
 * Return: 0; -ENODEV when no rule names it; -errno, with the reason in
 * @nl->error.
 */
int vp_nl_dev(struct vp_nl *nl, const char *address, struct vp_nl_dev *dev)
{
	struct nl_msg *msg = new_request(nl, VFIOPOLICY_CMD_DEV_GET, 0);

	memset(dev, 0, sizeof(*dev));
	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, VFIOPOLICY_A_DEV_ADDRESS, address)) {
		nlmsg_free(msg);
		return fail(nl, EMSGSIZE, NULL);
	}
	return transact(nl, msg, NULL, vp_nl_read_dev, dev);
}

/* Entries of one size that a dump adds to; @read fills the one added. */
struct pile {
	char *entries;
	size_t size;
	size_t count;
	size_t room;
	reply_fn read;
};

static int add_to_pile(struct nlmsghdr *hdr, void *arg)
{
	struct pile *pile = arg;
	void *more;
	int ret;

	if (pile->count == pile->room) {
		pile->room = pile->room ? pile->room * 2 : 64;
		more = realloc(pile->entries, pile->room * pile->size);
		if (!more)
			return -ENOMEM;
		pile->entries = more;
	}
	more = pile->entries + pile->count * pile->size;
	memset(more, 0, pile->size);
	ret = pile->read(hdr, more);
	if (!ret)
		pile->count++;
	return ret;
}

static int dump(struct vp_nl *nl, int cmd, struct pile *pile)
{
	int ret, tries = DUMP_TRIES;
	struct nl_msg *msg;
	bool torn;

	do {
		torn = false;
		pile->count = 0;
		msg = new_request(nl, cmd, NLM_F_DUMP);
		ret = msg ? transact(nl, msg, &torn, add_to_pile, pile) :
			    -ENOMEM;
	} while (!ret && torn && --tries);
	if (ret) {
		free(pile->entries);
		pile->entries = NULL;
		pile->count = 0;
	}
	return ret;
}

/**
 * vp_nl_rules() - all rules, in the order in which they are tried
 * @nl: the connection
 * @rules: set to an array to be freed; NULL when there are none
 * @count: set to the number of @rules
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_rules(struct vp_nl *nl, struct vp_nl_rule **rules, size_t *count)
{
	struct pile pile = { .size = sizeof(**rules), .read = vp_nl_read_rule };
	int ret = dump(nl, VFIOPOLICY_CMD_RULE_GET, &pile);

	*rules = (struct vp_nl_rule *)pile.entries;
	*count = pile.count;
	return ret;
}

/**
 * vp_nl_devs() - all devices that a rule names
 * @nl: the connection
 * @devs: set to an array to be freed; NULL when there are none
 * @count: set to the number of @devs
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_devs(struct vp_nl *nl, struct vp_nl_dev **devs, size_t *count)
{
	struct pile pile = { .size = sizeof(**devs), .read = vp_nl_read_dev };
	int ret = dump(nl, VFIOPOLICY_CMD_DEV_GET, &pile);

	*devs = (struct vp_nl_dev *)pile.entries;
	*count = pile.count;
	return ret;
}

/**
 * vp_nl_listen() - have events kept for vp_nl_next_event() from now on
 * @nl: the connection
 *
 * Return: 0; -EPERM when the caller may not; -errno, with the reason in
 * @nl->error.
 */
int vp_nl_listen(struct vp_nl *nl)
{
	int ret, size = EVENTS_SIZE, group;

	group = genl_ctrl_resolve_grp(nl->sock, VFIOPOLICY_FAMILY_NAME,
				      VFIOPOLICY_MCGRP_EVENTS);
	if (group < 0)
		return fail_libnl(nl, 0, group);
	nl->events_buf = malloc(BUF_SIZE);
	if (!nl->events_buf)
		return fail(nl, ENOMEM, NULL);
	ret = open_socket(nl, &nl->events);
	if (ret)
		return ret;
	if (setsockopt(nl_socket_get_fd(nl->events), SOL_SOCKET,
		       SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(nl_socket_get_fd(nl->events), SOL_SOCKET, SO_RCVBUF,
			   &size, sizeof(size));
	if (setsockopt(nl_socket_get_fd(nl->events), SOL_NETLINK,
		       NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return fail(nl, errno, NULL);
	return 0;
}

/**
 * vp_nl_events_fd() - what to poll for events
 * @nl: the connection, after vp_nl_listen()
 *
 * Return: a file descriptor that stays @nl's.
 */
int vp_nl_events_fd(const struct vp_nl *nl)
{
	return nl_socket_get_fd(nl->events);
}

static void lost(struct vp_nl_event *event, u32 count)
{
	memset(event, 0, sizeof(*event));
	event->kind = VP_NL_LOST;
	event->lost = count;
}

/*
 * Are there events missing before this one? Then they come first: the caller
 * is told of the gap, and the message is looked at again next time.
 */
static bool is_gap(struct vp_nl *nl, const struct vp_nl_event *event,
		   u32 *missing)
{
	bool skip = nl->skip_gap;

	*missing = nl->seq_known ? event->seq - nl->seq - 1 : 0;
	nl->skip_gap = false;
	if (!*missing)
		return false;
	nl->overrun = false;
	nl->seq = event->seq - 1;
	return !skip;
}

/* Return: 0 with an event, -EAGAIN when there is none right now, -errno. */
static int fill_buffer(struct vp_nl *nl, struct vp_nl_event *event)
{
	int len = receive(nl->events, nl->events_buf, MSG_DONTWAIT);

	if (len >= 0) {
		nl->next = (struct nlmsghdr *)nl->events_buf;
		nl->left = len;
		return -EINPROGRESS;
	}
	if (len == -ENOBUFS) {
		/* What was kept still comes; the gap after it tells how many. */
		nl->overrun = true;
		return -EINPROGRESS;
	}
	if (len == -EAGAIN && nl->overrun) {
		nl->overrun = false;
		nl->skip_gap = true;
		lost(event, 0);
		return 0;
	}
	return len == -EAGAIN ? len : fail(nl, -len, NULL);
}

/**
 * vp_nl_next_event() - the next event, without waiting
 * @nl: the connection, after vp_nl_listen()
 * @event: filled in on success
 *
 * Return: 0; -EAGAIN when there is none right now; -errno, with the reason in
 * @nl->error.
 */
int vp_nl_next_event(struct vp_nl *nl, struct vp_nl_event *event)
{
	u32 missing;
	int ret;

	for (;;) {
		if (!nlmsg_ok(nl->next, nl->left)) {
			ret = fill_buffer(nl, event);
			if (ret != -EINPROGRESS)
				return ret;
			continue;
		}
		if (nl->next->nlmsg_type != nl->family ||
		    vp_nl_read_event(nl->next, event)) {
			nl->next = nlmsg_next(nl->next, &nl->left);
			continue;
		}
		if (is_gap(nl, event, &missing)) {
			lost(event, missing);
			return 0;
		}
		nl->next = nlmsg_next(nl->next, &nl->left);
		nl->seq_known = true;
		nl->seq = event->seq;
		return 0;
	}
}
