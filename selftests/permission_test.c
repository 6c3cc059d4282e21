// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what: each operation by each kind of client, with one table of
 * what must come of it. Needs the module loaded without rules, and no device.
 *
 * What the kernel looks at, the same on 6.1, 6.12 and 7.2: for a change, the
 * capabilities of whoever sends the request and of whoever opened the socket;
 * a request that names the kernel as its receiver is taken by the sender's
 * alone. For joining the group, those of whoever joins, in the user namespace
 * that owns the socket's network namespace. So root of a user and a network
 * namespace joins, and must hear nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/vfiopolicy.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nlcall.h"

#define NOBODY	65534
#define ABSENT	"0000:ff:1f.7"

static struct nl_msg msg;

/* What an actor does before it asks. Each returns 0 or an errno. */

static int stay(void)
{
	return 0;
}

/* Root without CAP_SYS_ADMIN, all the rest kept: CAP_NET_ADMIN is not enough. */
static int drop_sys_admin(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1u << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

static int be_user(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		return -errno;
	/* Or its files in /proc are root's. */
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Root of a user namespace, with all capabilities there; outside it is @uid. */
static int be_root_of_namespace(int flags, int uid)
{
	char map[32];
	int ret;

	if (unshare(CLONE_NEWUSER | flags))
		return -errno;
	snprintf(map, sizeof(map), "0 %d 1", uid);
	ret = write_file("/proc/self/setgroups", "deny");
	if (!ret)
		ret = write_file("/proc/self/uid_map", map);
	if (!ret)
		ret = write_file("/proc/self/gid_map", map);
	return ret;
}

/* Even uid 0 outside gives it nothing. */
static int unshare_user(void)
{
	return be_root_of_namespace(0, 0);
}

static int unshare_user_net(void)
{
	return be_user() ?: be_root_of_namespace(CLONE_NEWNET, NOBODY);
}

static int unshare_net(void)
{
	return unshare(CLONE_NEWNET) ? -errno : 0;
}

/*
 * struct actor - a kind of client
 * @opener: how the socket is opened, when not by who uses it
 * @user: how it is used
 * @addressed: requests name their receiver
 * @all_nsid: the socket asks for the events of all network namespaces, of
 *            which the initial one has an id in its own
 * @joined: root has joined the group with it before
 */
struct actor {
	int (*opener)(void);
	int (*user)(void);
	bool addressed;
	bool all_nsid;
	bool joined;
};

enum actors {
	ROOT, NO_ADMIN, USER, USERNS, USERNET, USERNET_ALL, NETNS, NETNS_ALL,
	GIVEN, GIVEN_ADDR, GIVEN_JOINED, TAKEN, TAKEN_ADDR,
	ACTORS
};

static const struct actor actors[ACTORS] = {
	[ROOT] = { .user = stay },
	[NO_ADMIN] = { .user = drop_sys_admin },
	[USER] = { .user = be_user },
	[USERNS] = { .user = unshare_user },
	[USERNET] = { .user = unshare_user_net },
	[USERNET_ALL] = { .user = unshare_user_net, .all_nsid = true },
	[NETNS] = { .user = unshare_net },
	[NETNS_ALL] = { .user = unshare_net, .all_nsid = true },
	[GIVEN] = { .opener = stay, .user = be_user },
	[GIVEN_ADDR] = { .opener = stay, .user = be_user, .addressed = true },
	[GIVEN_JOINED] = { .opener = stay, .user = be_user, .joined = true },
	[TAKEN] = { .opener = be_user, .user = stay },
	[TAKEN_ADDR] = { .opener = be_user, .user = stay, .addressed = true },
};

enum ops {
	LOOKUP, INFO_GET, RULE_ADD, RULE_DEL, RULE_REPLACE, RULE_GET, DEV_GET,
	DEV_DUMP, DEV_CLAIM, DEV_RELEASE, GROUP_GET, GROUP_DUMP, STATS_GET,
	BIND, JOIN, EVENT,
	OPS
};

static const char *const op_names[OPS] = {
	"look-up by name", "info-get", "rule-add", "rule-del", "rule-replace",
	"rule-get", "dev-get", "dev-get dump", "dev-claim", "dev-release",
	"group-get", "group-get dump", "stats-get", "bind to the group",
	"join the group", "event",
};

static bool changes(enum ops op)
{
	return op == RULE_ADD || op == RULE_DEL || op == RULE_REPLACE ||
	       op == DEV_CLAIM || op == DEV_RELEASE;
}

/*
 * Done; no capability; no such family there, or group; no such device; nothing
 * came.
 */
#define OK	0
#define NP	(-EPERM)
#define NE	(-ENOENT)
#define ND	(-ENODEV)
#define NO	(-ETIMEDOUT)

/*
 * The device and the group that are asked for are absent. The columns are the
 * actors, in order. Root of another network namespace that listens to all has
 * what it takes to hear, and is the control for who has not. To whom root gives
 * a socket that has joined already, it gives the events.
 */
static const int expected[OPS][ACTORS] = {
	[LOOKUP]	= { OK, OK, OK, OK, NE, NE, NE, NE, OK, OK, OK, OK, OK },
	[INFO_GET]	= { OK, OK, OK, OK, NE, NE, NE, NE, OK, OK, OK, OK, OK },
	[RULE_ADD]	= { OK, NP, NP, NP, NE, NE, NE, NE, NP, NP, NP, NP, OK },
	[RULE_DEL]	= { OK, NP, NP, NP, NE, NE, NE, NE, NP, NP, NP, NP, OK },
	[RULE_REPLACE]	= { OK, NP, NP, NP, NE, NE, NE, NE, NP, NP, NP, NP, OK },
	[RULE_GET]	= { OK, OK, OK, OK, NE, NE, NE, NE, OK, OK, OK, OK, OK },
	[DEV_GET]	= { ND, ND, ND, ND, NE, NE, NE, NE, ND, ND, ND, ND, ND },
	[DEV_DUMP]	= { OK, OK, OK, OK, NE, NE, NE, NE, OK, OK, OK, OK, OK },
	[DEV_CLAIM]	= { ND, NP, NP, NP, NE, NE, NE, NE, NP, NP, NP, NP, ND },
	[DEV_RELEASE]	= { ND, NP, NP, NP, NE, NE, NE, NE, NP, NP, NP, NP, ND },
	[GROUP_GET]	= { NE, NE, NE, NE, NE, NE, NE, NE, NE, NE, NE, NE, NE },
	[GROUP_DUMP]	= { OK, OK, OK, OK, NE, NE, NE, NE, OK, OK, OK, OK, OK },
	[STATS_GET]	= { OK, OK, OK, OK, NE, NE, NE, NE, OK, OK, OK, OK, OK },
	[BIND]		= { OK, NP, NP, NP, OK, OK, OK, OK, NP, NP, NP, OK, OK },
	[JOIN]		= { OK, NP, NP, NP, OK, OK, OK, OK, NP, NP, NP, OK, OK },
	[EVENT]		= { OK, NO, NO, NO, NO, NO, NO, OK, NO, NO, OK, OK, OK },
};

/*
 * What an actor has seen, in memory that it shares with the test.
 * @failed: errno of what came before the operations
 * @ret: errno of each
 * @extack: and its text
 * @heard: events it got, when asked to look
 */
struct seen {
	int failed;
	int ret[OPS];
	char extack[OPS][NL_EXTACK_MAX];
	int heard;
};

/* A socket that another process has opened, with its credentials. */
static int opened_by(int (*become)(void), int *fd)
{
	char room[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr head = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&head);
	int pair[2], status;
	struct nl nl;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (!pid) {
		if (become() || nl_socket(&nl))
			_exit(1);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &nl.fd, sizeof(int));
		_exit(sendmsg(pair[0], &head, 0) != 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return -ECHILD;
	if (recvmsg(pair[1], &head, MSG_CMSG_CLOEXEC) != 1)
		return -errno;
	memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	close(pair[0]);
	close(pair[1]);
	return 0;
}

/*
 * Gives the network namespace of @old an id in this one: an event is only for
 * who knows its origin by one.
 */
static int know_namespace(int old)
{
	struct nl rt = { .family = RTM_NEWNSID };
	int ret;

	rt.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (rt.fd < 0)
		return -errno;
	/* A struct rtgenmsg, all zero, is as long as the header of a family. */
	nl_begin(&rt, &msg, 0, 0);
	memset(msg.buf + NLMSG_HDRLEN, 0, GENL_HDRLEN);
	nl_put_u32(&msg, NETNSA_FD, old);
	nl_put_u32(&msg, NETNSA_NSID, 1);
	ret = nl_call(&rt, &msg, NULL, NULL);
	nl_close(&rt);
	return ret;
}

static int prepare(const struct actor *actor, struct nl *nl, const struct nl *known)
{
	int old, one = 1, ret = 0;

	old = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (old < 0)
		return -errno;
	memset(nl, 0, sizeof(*nl));
	if (actor->opener)
		ret = opened_by(actor->opener, &nl->fd);
	nl->group = known->group;
	if (!ret && actor->joined)
		ret = nl_join(nl);
	if (!ret)
		ret = actor->user();
	if (!ret && !actor->opener)
		ret = nl_socket(nl);
	if (ret)
		return ret;
	/* Learnt where the family is to be found. */
	nl->family = known->family;
	nl->group = known->group;
	nl->addressed = actor->addressed;
	if (!actor->all_nsid)
		return 0;
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &one, sizeof(one)))
		return -errno;
	return know_namespace(old);
}

static int look_up(const struct nl *nl)
{
	struct nl copy = *nl;

	return nl_lookup(&copy);
}

/* The other way to join, by a mask of groups. */
static int bind_group(const struct nl *nl)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(name);

	if (getsockname(nl->fd, (void *)&name, &len))
		return -errno;
	name.nl_groups = 1u << (nl->group - 1);
	return bind(nl->fd, (void *)&name, sizeof(name)) ? -errno : 0;
}

static int ask_with(struct nl *nl, uint8_t cmd, uint16_t attr, const char *text)
{
	nl_begin(nl, &msg, cmd, 0);
	if (cmd == VFIOPOLICY_CMD_RULE_REPLACE)
		nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_FILE);
	nl_put_str(&msg, attr, text);
	return nl_call(nl, &msg, NULL, NULL);
}

static int ask(struct nl *nl, uint8_t cmd, uint16_t flags)
{
	nl_begin(nl, &msg, cmd, flags);
	return nl_call(nl, &msg, NULL, NULL);
}

static int do_op(struct nl *nl, enum ops op)
{
	switch (op) {
	case LOOKUP:
		return look_up(nl);
	case INFO_GET:
		return ask(nl, VFIOPOLICY_CMD_INFO_GET, 0);
	case RULE_ADD:
		return ask_with(nl, VFIOPOLICY_CMD_RULE_ADD,
				VFIOPOLICY_A_RULE_TEXT, "hold dead:2");
	case RULE_DEL:
		return ask_with(nl, VFIOPOLICY_CMD_RULE_DEL,
				VFIOPOLICY_A_RULE_TEXT, "hold dead:1");
	case RULE_REPLACE:
		return ask_with(nl, VFIOPOLICY_CMD_RULE_REPLACE,
				VFIOPOLICY_A_RULE_TEXTS, "hold dead:3");
	case RULE_GET:
		return ask(nl, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
	case DEV_GET:
		return ask_with(nl, VFIOPOLICY_CMD_DEV_GET,
				VFIOPOLICY_A_DEV_ADDRESS, ABSENT);
	case DEV_DUMP:
		return ask(nl, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP);
	case DEV_CLAIM:
		return ask_with(nl, VFIOPOLICY_CMD_DEV_CLAIM,
				VFIOPOLICY_A_DEV_ADDRESS, ABSENT);
	case DEV_RELEASE:
		return ask_with(nl, VFIOPOLICY_CMD_DEV_RELEASE,
				VFIOPOLICY_A_DEV_ADDRESS, ABSENT);
	case GROUP_GET:
		nl_begin(nl, &msg, VFIOPOLICY_CMD_GROUP_GET, 0);
		nl_put_u32(&msg, VFIOPOLICY_A_GROUP_ID, 4711);
		return nl_call(nl, &msg, NULL, NULL);
	case GROUP_DUMP:
		return ask(nl, VFIOPOLICY_CMD_GROUP_GET, NLM_F_DUMP);
	case STATS_GET:
		return ask(nl, VFIOPOLICY_CMD_STATS_GET, 0);
	case BIND:
		return bind_group(nl);
	default:
		return nl_join(nl);
	}
}

static int count(const struct nlmsghdr *hdr, void *arg)
{
	(void)hdr;
	(*(int *)arg)++;
	return 0;
}

/* All that is there already; events are delivered before their cause is done. */
static int drain(struct nl *nl, int *heard)
{
	int ret;

	do {
		ret = nl_event(nl, 0, count, heard);
	} while (!ret);
	return ret;
}

/* The actor's process: says when it is done, and is told when to look. */
static void act(const struct actor *actor, const struct nl *known,
		struct seen *seen, int done, int go)
{
	char byte = 0;
	struct nl nl;
	int op;

	seen->failed = prepare(actor, &nl, known);
	for (op = 0; op < EVENT && !seen->failed; op++) {
		nl.extack[0] = '\0';
		seen->ret[op] = do_op(&nl, op);
		strcpy(seen->extack[op], nl.extack);
	}
	if (write(done, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	if (seen->failed)
		_exit(0);
	seen->ret[EVENT] = drain(&nl, &seen->heard);
	/* That there is no more is how it ends, once there was one. */
	if (seen->ret[EVENT] == -ETIMEDOUT && seen->heard)
		seen->ret[EVENT] = 0;
	_exit(0);
}

FIXTURE(permission) {
	struct nl nl;
	struct nl events;
	struct seen *seen;
};

FIXTURE_VARIANT(permission) {
	enum actors actor;
};

FIXTURE_VARIANT_ADD(permission, root) { .actor = ROOT };
FIXTURE_VARIANT_ADD(permission, root_without_sys_admin) { .actor = NO_ADMIN };
FIXTURE_VARIANT_ADD(permission, ordinary_user) { .actor = USER };
FIXTURE_VARIANT_ADD(permission, root_of_user_namespace) { .actor = USERNS };
FIXTURE_VARIANT_ADD(permission, root_of_user_and_net_namespace) { .actor = USERNET };
FIXTURE_VARIANT_ADD(permission, root_of_both_listening_to_all) { .actor = USERNET_ALL };
FIXTURE_VARIANT_ADD(permission, root_in_another_net_namespace) { .actor = NETNS };
FIXTURE_VARIANT_ADD(permission, root_in_another_listening_to_all) { .actor = NETNS_ALL };
FIXTURE_VARIANT_ADD(permission, user_with_a_socket_of_root) { .actor = GIVEN };
FIXTURE_VARIANT_ADD(permission, user_with_a_socket_of_root_addressed) { .actor = GIVEN_ADDR };
FIXTURE_VARIANT_ADD(permission, user_with_a_socket_that_root_joined) { .actor = GIVEN_JOINED };
FIXTURE_VARIANT_ADD(permission, root_with_a_socket_of_a_user) { .actor = TAKEN };
FIXTURE_VARIANT_ADD(permission, root_with_a_socket_of_a_user_addressed) { .actor = TAKEN_ADDR };

FIXTURE_SETUP(permission)
{
	self->seen = mmap(NULL, sizeof(*self->seen), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(self->seen, MAP_FAILED);
	ASSERT_EQ(nl_open(&self->nl), 0);
	ASSERT_EQ(nl_open(&self->events), 0);
	ASSERT_EQ(nl_join(&self->events), 0);
}

FIXTURE_TEARDOWN(permission)
{
	/* What a test left behind must not spoil the next one. */
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_FILE);
	nl_call(&self->nl, &msg, NULL, NULL);
	ask_with(&self->nl, VFIOPOLICY_CMD_RULE_DEL, VFIOPOLICY_A_RULE_TEXT, "hold dead:1");
	ask_with(&self->nl, VFIOPOLICY_CMD_RULE_DEL, VFIOPOLICY_A_RULE_TEXT, "hold dead:2");
	ask_with(&self->nl, VFIOPOLICY_CMD_RULE_DEL, VFIOPOLICY_A_RULE_TEXT, "hold dead:4");
	nl_close(&self->events);
	nl_close(&self->nl);
}

static int take_rule(const struct nlmsghdr *hdr, void *arg)
{
	char *all = arg;

	snprintf(all + strlen(all), 256 - strlen(all), "%s;",
		 nl_str(hdr, VFIOPOLICY_A_RULE_TEXT));
	return 0;
}

/* The rules, as root sees them. */
static const char *rules(struct nl *nl)
{
	static char all[256];

	all[0] = '\0';
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
	return nl_call(nl, &msg, take_rule, all) ? "?" : all;
}

TEST_F(permission, each_cell)
{
	const bool may = !expected[RULE_ADD][variant->actor];
	int done[2], go[2], status, heard = 0, op;
	struct seen *seen = self->seen;
	char byte = 0;
	pid_t pid;

	ASSERT_LE(self->nl.group, 32U);
	ASSERT_EQ(pipe(done), 0);
	ASSERT_EQ(pipe(go), 0);
	ASSERT_EQ(ask_with(&self->nl, VFIOPOLICY_CMD_RULE_ADD,
			   VFIOPOLICY_A_RULE_TEXT, "hold dead:1"), 0);
	ASSERT_STREQ(rules(&self->nl), "hold dead:0001;");
	ASSERT_EQ(drain(&self->events, &heard), -ETIMEDOUT);
	ASSERT_EQ(heard, 1);

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		/* Who waits for a process that has died is to see an end. */
		close(done[0]);
		close(go[1]);
		act(&actors[variant->actor], &self->nl, seen, done[1], go[0]);
	}
	close(done[1]);
	close(go[0]);
	ASSERT_EQ(read(done[0], &byte, 1), 1);
	EXPECT_EQ(seen->failed, 0);

	/* What was refused has changed nothing, and nobody was told of it. */
	EXPECT_STREQ(rules(&self->nl),
		     may ? "hold dead:0002;hold dead:0003;" : "hold dead:0001;");
	heard = 0;
	EXPECT_EQ(drain(&self->events, &heard), -ETIMEDOUT);
	EXPECT_EQ(heard, may ? 3 : 0);

	/* Once root has it, everyone has who is to have it at all. */
	EXPECT_EQ(ask_with(&self->nl, VFIOPOLICY_CMD_RULE_ADD,
			   VFIOPOLICY_A_RULE_TEXT, "hold dead:4"), 0);
	heard = 0;
	EXPECT_EQ(drain(&self->events, &heard), -ETIMEDOUT);
	EXPECT_EQ(heard, 1);
	ASSERT_EQ(write(go[1], &byte, 1), 1);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ASSERT_EQ(status, 0);

	for (op = 0; op < OPS; op++) {
		const int want = expected[op][variant->actor];

		EXPECT_EQ(seen->ret[op], want) {
			TH_LOG("%s: %s, expected %s: %s", op_names[op],
			       strerror(-seen->ret[op]), strerror(-want),
			       seen->extack[op]);
		}
		if (want != -EPERM || !changes(op))
			continue;
		EXPECT_NE(strstr(seen->extack[op], "CAP_SYS_ADMIN"), NULL) {
			TH_LOG("%s: '%s'", op_names[op], seen->extack[op]);
		}
	}
	EXPECT_EQ(seen->heard, expected[EVENT][variant->actor] ? 0 : 1);
}

TEST_HARNESS_MAIN
