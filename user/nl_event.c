// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events. The kernel drops those that a socket has no room for, and all that
 * come after them until everything that was kept has been read; it says so
 * with ENOBUFS, ahead of what it kept. So reading goes on after that until
 * there is nothing left, and only then is it said that events were lost.
 */
#include <errno.h>
#include <sys/socket.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl_call.h"

/* Room for some thousand events, while whoever reads them is busy. */
#define EVENTS_SIZE	(4 << 20)

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
		return vp_nl_fail_libnl(nl, 0, group);
	nl->events_buf = malloc(VP_NL_BUF_SIZE);
	if (!nl->events_buf)
		return vp_nl_fail(nl, ENOMEM, NULL);
	ret = vp_nl_socket(nl, &nl->events);
	if (ret)
		return ret;
	if (setsockopt(nl_socket_get_fd(nl->events), SOL_SOCKET,
		       SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(nl_socket_get_fd(nl->events), SOL_SOCKET, SO_RCVBUF,
			   &size, sizeof(size));
	if (setsockopt(nl_socket_get_fd(nl->events), SOL_NETLINK,
		       NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return vp_nl_fail(nl, errno, NULL);
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
	int len = vp_nl_receive(nl->events, nl->events_buf, MSG_DONTWAIT);

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
	return len == -EAGAIN ? len : vp_nl_fail(nl, -len, NULL);
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
