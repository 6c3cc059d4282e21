// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink connection. libnl builds and checks messages; sending and
 * receiving is done here, since libnl knows nothing of extended acks and
 * turns the kernel's errno into numbers of its own.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl_call.h"

/* Where the module is seen, whatever the network namespace. */
#define MODULE_DIR	"/sys/module/vfiopolicy"
/* How often a dump is begun anew because the kernel says it was torn. */
#define DUMP_TRIES	5

/**
 * vp_nl_fail() - say why a call fails
 * @nl: the connection
 * @errnum: a positive errno
 * @text: what happened, or NULL for what @errnum means
 *
 * Return: -@errnum.
 */
int vp_nl_fail(struct vp_nl *nl, int errnum, const char *text)
{
	nl->error.errnum = errnum;
	nl->error.told = false;
	snprintf(nl->error.text, sizeof(nl->error.text), "%s",
		 text ? text : strerror(errnum));
	return -errnum;
}

/**
 * vp_nl_fail_libnl() - say why a call of libnl failed
 * @nl: the connection
 * @errnum: what errno was, or 0
 * @nlerr: what libnl returned; its numbers are for its own texts only
 *
 * Return: -errno.
 */
int vp_nl_fail_libnl(struct vp_nl *nl, int errnum, int nlerr)
{
	return vp_nl_fail(nl, errnum ? errnum : EIO,
			  errnum ? NULL : nl_geterror(nlerr));
}

/**
 * vp_nl_receive() - receive what the kernel has sent
 * @sock: the socket
 * @buf: where to; %VP_NL_BUF_SIZE bytes
 * @flags: of recvmsg()
 *
 * Return: bytes in @buf, or -errno, -EAGAIN when there are none to wait for.
 */
int vp_nl_receive(struct nl_sock *sock, char *buf, int flags)
{
	struct sockaddr_nl from;
	struct iovec iov = { .iov_base = buf, .iov_len = VP_NL_BUF_SIZE };
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
	return ret < 0 ? vp_nl_fail_libnl(nl, errno, ret) : 0;
}

/* One message of an answer. Return: 1 to go on, 0 at the end, -errno. */
static int take_reply(struct vp_nl *nl, struct nlmsghdr *hdr, bool *torn,
		      vp_nl_reply_fn fn, void *arg)
{
	int ret;

	if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		*torn = true;
	if (hdr->nlmsg_type == NLMSG_ERROR || hdr->nlmsg_type == NLMSG_DONE) {
		ret = vp_nl_read_error(hdr, &nl->error);
		if (ret)
			return vp_nl_fail(nl, -ret, NULL);
		return -nl->error.errnum;
	}
	if (hdr->nlmsg_type != nl->family || !fn)
		return 1;
	ret = fn(hdr, arg);
	return ret ? vp_nl_fail(nl, -ret, NULL) : 1;
}

/**
 * vp_nl_transact() - send a request and take the whole answer
 * @nl: the connection
 * @msg: the request, which is freed
 * @torn: set when a dump was interrupted; may be NULL
 * @fn: called for each message of the answer; NULL for none
 * @arg: handed on to @fn
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_transact(struct vp_nl *nl, struct nl_msg *msg, bool *torn,
		   vp_nl_reply_fn fn, void *arg)
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
		left = vp_nl_receive(nl->sock, nl->buf, 0);
		if (left < 0)
			return vp_nl_fail(nl, -left, NULL);
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

/**
 * vp_nl_request() - begin a request
 * @nl: the connection
 * @cmd: what is asked for
 * @flags: NLM_F_*
 *
 * Return: the message, or NULL, with the reason in @nl->error.
 */
struct nl_msg *vp_nl_request(struct vp_nl *nl, int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
			       flags, (u8)cmd, VFIOPOLICY_FAMILY_VERSION))
		return msg;
	nlmsg_free(msg);
	vp_nl_fail(nl, ENOMEM, NULL);
	return NULL;
}

/**
 * vp_nl_socket() - open a socket to the kernel
 * @nl: the connection, for the reason of a failure
 * @sockp: set to the socket, which has to be freed even after an error
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_socket(struct vp_nl *nl, struct nl_sock **sockp)
{
	struct nl_sock *sock = nl_socket_alloc();
	int one = 1, ret;

	*sockp = sock;
	if (!sock)
		return vp_nl_fail(nl, ENOMEM, NULL);
	errno = 0;
	ret = genl_connect(sock);
	if (ret < 0)
		return vp_nl_fail_libnl(nl, errno, ret);
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
 * Return: 0; -ENOENT when the module is not there; -ENONET when it is, and this
 * network namespace is not its own; -errno.
 */
int vp_nl_open(struct vp_nl *nl)
{
	int ret;

	memset(nl, 0, sizeof(*nl));
	nl->buf = malloc(VP_NL_BUF_SIZE);
	if (!nl->buf)
		return vp_nl_fail(nl, ENOMEM, NULL);
	ret = vp_nl_socket(nl, &nl->sock);
	if (ret)
		return ret;
	nl->family = genl_ctrl_resolve(nl->sock, VFIOPOLICY_FAMILY_NAME);
	if (nl->family == -NLE_OBJ_NOTFOUND)
		return access(MODULE_DIR, F_OK) ?
		       vp_nl_fail(nl, ENOENT, "not loaded") :
		       vp_nl_fail(nl, ENONET, "loaded, but out of reach from this network namespace");
	if (nl->family < 0)
		return vp_nl_fail_libnl(nl, 0, nl->family);
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

/* What a message that cannot be read has begun to fill is not counted. */
static int add_to_pile(struct nlmsghdr *hdr, void *arg)
{
	struct vp_nl_pile *pile = arg;
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

static void clear_pile(struct vp_nl_pile *pile)
{
	size_t i;

	for (i = 0; pile->drop && i < pile->count; i++)
		pile->drop(pile->entries + i * pile->size);
	pile->count = 0;
}

/**
 * vp_nl_dump() - ask for all there are of something
 * @nl: the connection
 * @cmd: what is asked for
 * @pile: what is known of the entries; those are set, to be freed
 *
 * Return: 0 or -errno, with the reason in @nl->error, and no entries.
 */
int vp_nl_dump(struct vp_nl *nl, int cmd, struct vp_nl_pile *pile)
{
	int ret, tries = DUMP_TRIES;
	struct nl_msg *msg;
	bool torn;

	do {
		torn = false;
		clear_pile(pile);
		msg = vp_nl_request(nl, cmd, NLM_F_DUMP);
		ret = msg ? vp_nl_transact(nl, msg, &torn, add_to_pile, pile) :
			    -ENOMEM;
	} while (!ret && torn && --tries);
	if (ret) {
		clear_pile(pile);
		free(pile->entries);
		pile->entries = NULL;
	}
	return ret;
}
