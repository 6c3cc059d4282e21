// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/*
 * A client of the netlink family, to copy from; protocol.md has the protocol.
 *
 *	example [-n EVENTS]	the devices that are not isolated, and why; then
 *				so many events
 *	example DEVICE		one device, or what the kernel has to say about it
 *
 * cc -Wall example.c -o example $(pkg-config --cflags --libs libnl-genl-3.0)
 *
 * Exit status: 0; 2 when the kernel refuses; 3 when the module is not there.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/vfiopolicy.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Two sockets: that events were lost must not be the answer to a request. */
static struct nl_sock *requests, *events;
static int family;
/* Number of the last event that what we know has in it. */
static uint32_t known;
/* There is a gap before that one. */
static bool lost;

/* A newer module may have more of them, so they are looked up with care. */
static const char * const states[] = {
	"matched", "held", "handing-off", "isolated", "releasing", "released",
	"native", "lost", "gone",
};

static const char * const reasons[] = {
	"none", "no-iommu-group", "module-loading", "module-missing",
	"target-refused", "native-driver", "foreign-override", "bridge",
	"boot-vga", "vfio-pf", "unbound", "foreign-driver", "in-use",
	"no-memory", "not-probed", "deferred", "changed", "no-target",
	"taking-over", "vfs-enabled",
};

static const char *name(const char * const *names, size_t count, uint32_t value)
{
	return value < count ? names[value] : "unknown";
}

/* What is used of a device; other attributes are passed over. */
static struct nla_policy dev_policy[VFIOPOLICY_A_DEV_MAX + 1] = {
	[VFIOPOLICY_A_DEV_ADDRESS] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_DRIVER] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_STATE] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_REASON] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_RULE_TEXT] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_OLD_STATE] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_SEQ] = { .type = NLA_U32 },
};

static void print_dev(struct nlattr **attrs)
{
	uint32_t state, reason = VFIOPOLICY_REASON_NONE;

	if (!attrs[VFIOPOLICY_A_DEV_ADDRESS] || !attrs[VFIOPOLICY_A_DEV_STATE])
		return;
	state = nla_get_u32(attrs[VFIOPOLICY_A_DEV_STATE]);
	/* Absent is what it is when there is nothing to explain. */
	if (attrs[VFIOPOLICY_A_DEV_REASON])
		reason = nla_get_u32(attrs[VFIOPOLICY_A_DEV_REASON]);
	printf("%s  ", nla_get_string(attrs[VFIOPOLICY_A_DEV_ADDRESS]));
	/* Only in events, and not in the first one of a record. */
	if (attrs[VFIOPOLICY_A_DEV_OLD_STATE])
		printf("%s -> ",
		       name(states, COUNT(states),
			    nla_get_u32(attrs[VFIOPOLICY_A_DEV_OLD_STATE])));
	printf("%s", name(states, COUNT(states), state));
	if (reason != VFIOPOLICY_REASON_NONE)
		printf(": %s", name(reasons, COUNT(reasons), reason));
	if (attrs[VFIOPOLICY_A_DEV_DRIVER])
		printf(", driver %s", nla_get_string(attrs[VFIOPOLICY_A_DEV_DRIVER]));
	if (attrs[VFIOPOLICY_A_DEV_RULE_TEXT])
		printf(", rule '%s'",
		       nla_get_string(attrs[VFIOPOLICY_A_DEV_RULE_TEXT]));
	printf("\n");
}

static int on_dev(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[VFIOPOLICY_A_DEV_MAX + 1];
	const bool *all = arg;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, VFIOPOLICY_A_DEV_MAX, dev_policy))
		return NL_SKIP;
	if (*all || !attrs[VFIOPOLICY_A_DEV_STATE] ||
	    nla_get_u32(attrs[VFIOPOLICY_A_DEV_STATE]) != VFIOPOLICY_STATE_ISOLATED)
		print_dev(attrs);
	return NL_OK;
}

static int on_info(struct nl_msg *msg, void *arg)
{
	const struct nlattr *attr;

	(void)arg;
	attr = nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, VFIOPOLICY_A_INFO_EVENTS);
	if (attr)
		known = nla_get_u32(attr);
	return NL_OK;
}

/* How a request ended: @arg is 1 until then, 0 or -errno from then on. */
static int on_end(struct nl_msg *msg, void *arg)
{
	(void)msg;
	*(int *)arg = 0;
	return NL_STOP;
}

/* The kernel's own words are in the extended ack, which libnl knows nothing of. */
static int on_refusal(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *hdr = (void *)((char *)err - NLMSG_HDRLEN);
	struct nlattr *text = NULL;

	(void)from;
	/* Behind the header of the request: NETLINK_CAP_ACK cuts off the rest. */
	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS)
		text = nlmsg_find_attr(hdr, sizeof(*err), NLMSGERR_ATTR_MSG);
	fprintf(stderr, "refused: %s%s%.*s\n", strerror(-err->error),
		text ? ": " : "", text ? nla_len(text) : 0,
		text ? (char *)nla_data(text) : "");
	*(int *)arg = err->error;
	return NL_STOP;
}

/*
 * Devices came or went while they were dumped. Whoever listens to the events
 * hears of it; without them, dump again until this is not called.
 */
static int on_interrupted(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

static struct nl_msg *request(int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags,
				 cmd, VFIOPOLICY_FAMILY_VERSION)) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return msg;
}

/* Sends @msg, hands each answer to @fn. Return: 0, or -errno that has been said. */
static int call(struct nl_msg *msg, nl_recvmsg_msg_cb_t fn, void *arg)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int status = 1, ret;

	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, fn, arg);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, &status);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &status);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, NULL);
	nl_cb_err(cb, NL_CB_CUSTOM, on_refusal, &status);
	ret = nl_send_auto(requests, msg);
	while (ret >= 0 && status > 0)
		ret = nl_recvmsgs(requests, cb);
	nl_cb_put(cb);
	nlmsg_free(msg);
	if (status <= 0)
		return status;
	fprintf(stderr, "netlink: %s\n", nl_geterror(ret));
	return -EIO;
}

/* The number first: then an event that the dump may lack is one that follows. */
static int list(void)
{
	bool all = false;
	int ret;

	ret = call(request(VFIOPOLICY_CMD_INFO_GET, 0), on_info, NULL);
	if (!ret)
		ret = call(request(VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP), on_dev, &all);
	fflush(stdout);
	return ret;
}

static int one(const char *address)
{
	struct nl_msg *msg = request(VFIOPOLICY_CMD_DEV_GET, 0);
	bool all = true;

	nla_put_string(msg, VFIOPOLICY_A_DEV_ADDRESS, address);
	return call(msg, on_dev, &all);
}

/* Is an event of this number news? Takes note of it. */
static bool is_news(uint32_t seq)
{
	/* They wrap; and what came before the list is in the list. */
	if ((int32_t)(seq - known) <= 0)
		return false;
	lost = seq != known + 1;
	known = seq;
	return !lost;
}

static int on_event(struct nl_msg *msg, void *arg)
{
	const struct genlmsghdr *genl = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[VFIOPOLICY_A_DEV_MAX + 1];
	const struct nlattr *attr;
	int *left = arg;

	switch (genl->cmd) {
	case VFIOPOLICY_CMD_DEV_NTF:
		if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, VFIOPOLICY_A_DEV_MAX,
				  dev_policy) || !attrs[VFIOPOLICY_A_DEV_SEQ] ||
		    !is_news(nla_get_u32(attrs[VFIOPOLICY_A_DEV_SEQ])))
			return NL_SKIP;
		printf("event %u: ", known);
		print_dev(attrs);
		break;
	case VFIOPOLICY_CMD_RULE_ADD_NTF:
	case VFIOPOLICY_CMD_RULE_DEL_NTF:
		attr = nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN,
				       VFIOPOLICY_A_RULE_SEQ);
		if (!attr || !is_news(nla_get_u32(attr)))
			return NL_SKIP;
		attr = nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN,
				       VFIOPOLICY_A_RULE_TEXT);
		printf("event %u: rule %s: %s\n", known,
		       genl->cmd == VFIOPOLICY_CMD_RULE_ADD_NTF ? "added" : "deleted",
		       attr ? nla_get_string(attr) : "");
		break;
	default:
		known++;	/* what we do not know has a number too */
		return NL_SKIP;
	}
	(*left)--;
	return NL_OK;
}

static int no_event(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_SKIP;
}

/*
 * After a loss. First to the end of what is waiting, for until then the kernel
 * drops every event, without saying so again.
 */
static int begin_again(void)
{
	int ret;

	fprintf(stderr, "events were lost; these are not isolated now:\n");
	nl_socket_modify_cb(events, NL_CB_VALID, NL_CB_CUSTOM, no_event, NULL);
	do {
		ret = nl_recvmsgs_default(events);
	} while (ret >= 0 || ret == -NLE_NOMEM);
	lost = false;
	return list();
}

static int follow(int left)
{
	struct pollfd pfd = { .fd = nl_socket_get_fd(events), .events = POLLIN };
	int ret = 0;

	while (!ret && left > 0) {
		fflush(stdout);
		if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
			return -errno;
		nl_socket_modify_cb(events, NL_CB_VALID, NL_CB_CUSTOM, on_event, &left);
		ret = nl_recvmsgs_default(events);
		/* NLE_NOMEM is libnl's word for ENOBUFS. */
		if (ret == -NLE_NOMEM || lost)
			ret = begin_again();
		else if (ret >= 0 || ret == -NLE_AGAIN)
			ret = 0;
	}
	return ret;
}

/* Return: 0, or a number of libnl's. */
static int open_both(void)
{
	int one = 1, ret;

	requests = nl_socket_alloc();
	events = nl_socket_alloc();
	if (!requests || !events)
		return -NLE_NOMEM;
	ret = genl_connect(requests);
	if (ret)
		return ret;
	setsockopt(nl_socket_get_fd(requests), SOL_NETLINK, NETLINK_EXT_ACK, &one,
		   sizeof(one));
	setsockopt(nl_socket_get_fd(requests), SOL_NETLINK, NETLINK_CAP_ACK, &one,
		   sizeof(one));
	family = genl_ctrl_resolve(requests, VFIOPOLICY_FAMILY_NAME);
	return family < 0 ? family : 0;
}

static int join(void)
{
	int group = genl_ctrl_resolve_grp(requests, VFIOPOLICY_FAMILY_NAME,
					  VFIOPOLICY_MCGRP_EVENTS);
	int ret = group < 0 ? group : genl_connect(events);

	if (ret)
		return ret;
	/* Nobody asked for an event, so its sequence number is 0. */
	nl_socket_disable_seq_check(events);
	nl_socket_set_nonblocking(events);
	return nl_socket_add_membership(events, group);
}

int main(int argc, char **argv)
{
	int count = argc == 3 && !strcmp(argv[1], "-n") ? atoi(argv[2]) : 0, ret;

	if (argc > 3 || (argc == 3 && count < 1)) {
		fprintf(stderr, "usage: example [-n EVENTS | DEVICE]\n");
		return 1;
	}
	ret = open_both();
	if (ret) {
		fprintf(stderr, "is the module loaded? %s\n", nl_geterror(ret));
		return 3;
	}
	if (argc == 2)
		return one(argv[1]) ? 2 : 0;
	/* First listen, then look: what changes in between is an event. */
	ret = count ? join() : 0;
	if (ret) {
		fprintf(stderr, "events are for CAP_SYS_ADMIN: %s\n", nl_geterror(ret));
		return 2;
	}
	ret = list();
	if (!ret && count)
		ret = follow(count);
	return ret ? 2 : 0;
}
