// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds the family's sockets open for a shell test, which speaks to it through
 * a pipe and so decides when it goes on:
 *
 *	nlhold dump		a dump of the rules, of which nothing was read
 *	nlhold join COUNT	sockets that have joined the events
 *	nlhold early COUNT	sockets of an ordinary user that have joined
 *				whatever groups there are yet to be
 *	nlhold ask THREADS	each asks for all sorts of things, on and on
 *
 * It says "ready", then obeys the lines that it gets, each with a line:
 *
 *	heard		what the sockets have got: events, events of each (-1:
 *			they differ), losses
 *	anew		closes them and opens as many by the family's numbers of now
 *	read		reads the dump to its end: RULES
 *
 * At the end of its input it closes everything and exits: 0; 1 with a word of
 * what went wrong. ask says how often it was answered and how often refused.
 */
#include <errno.h>
#include <linux/vfiopolicy.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nlcall.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define NOBODY		65534
#define MOST		64
/* As many groups as there are before a family asks for more. */
#define EARLY_GROUPS	64

static struct nl socks[MOST];
static int count;

static int die(const char *what, int ret)
{
	printf("nlhold: %s: %s\n", what, strerror(-ret));
	return 1;
}

static int take_message(const struct nlmsghdr *hdr, void *arg)
{
	(void)hdr;
	(*(int *)arg)++;
	return 0;
}

static int join_all(void)
{
	int i, ret = 0;

	for (i = 0; i < count && !ret; i++) {
		ret = nl_open(&socks[i]);
		if (!ret)
			ret = nl_join(&socks[i]);
	}
	return ret;
}

static void close_all(void)
{
	int i;

	for (i = 0; i < count; i++)
		nl_close(&socks[i]);
}

/* Only a socket that has a number gets anything, hence the request. */
static int join_early(void)
{
	int i, ret = 0;
	uint32_t group;

	if (setgid(NOBODY) || setuid(NOBODY))
		return -errno;
	for (i = 0; i < count && !ret; i++) {
		ret = nl_socket(&socks[i]);
		if (ret || nl_lookup(&socks[i]) != -ENOENT)
			return ret ? ret : -EEXIST;
		for (group = 1; group <= EARLY_GROUPS; group++)
			setsockopt(socks[i].fd, SOL_NETLINK,
				   NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	}
	return ret;
}

/* The family's number of now, for what comes to who had no family. */
static void learn_family(void)
{
	struct nl now;
	int i;

	if (nl_open(&now))
		return;
	for (i = 0; i < count; i++)
		socks[i].family = now.family;
	nl_close(&now);
}

static void heard(void)
{
	int i, ret, one, all = 0, each = -1, lost = 0;

	learn_family();
	for (i = 0; i < count; i++) {
		one = 0;
		do {
			ret = nl_event(&socks[i], 0, take_message, &one);
			lost += ret == -ENOBUFS;
		} while (ret != -ETIMEDOUT);
		all += one;
		each = i && one != each ? -1 : one;
	}
	printf("%d %d %d\n", all, each, lost);
}

static int start_dump(struct nl_msg *msg)
{
	int ret = nl_open(&socks[0]);

	if (ret)
		return ret;
	count = 1;
	nl_begin(&socks[0], msg, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
	msg->hdr->nlmsg_len = msg->len;
	return send(socks[0].fd, msg->buf, msg->len, 0) < 0 ? -errno : 0;
}

/* Return: rules that were left to read, or an errno. */
static int end_dump(void)
{
	static char buf[NL_RECV_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *hdr;
	int rules = 0;
	ssize_t left;

	for (;;) {
		left = recv(socks[0].fd, buf, sizeof(buf), 0);
		if (left < 0)
			return -errno;
		for (hdr = (void *)buf; NLMSG_OK(hdr, left);
		     hdr = NLMSG_NEXT(hdr, left)) {
			if (hdr->nlmsg_type == NLMSG_DONE)
				return rules;
			if (hdr->nlmsg_type == NLMSG_ERROR)
				return -EIO;
			rules++;
		}
	}
}

static atomic_bool stop;
static atomic_int answered, refused, odd;

/*
 * What is no fault while a module comes and goes: that it is not there, or
 * not for a dump any more; that the rule went with it.
 */
static void judge(const char *what, int ret)
{
	if (!ret) {
		answered++;
	} else if (ret == -ENOENT || ret == -ENODEV || ret == -EPROTONOSUPPORT) {
		refused++;
	} else {
		odd++;
		printf("nlhold: %s: %s\n", what, strerror(-ret));
	}
}

/* One of each kind that changes no device. Return: the last one's errno. */
static int ask_all(struct nl *nl, struct nl_msg *msg, const char *rule)
{
	int seen = 0, ret;

	nl_begin(nl, msg, VFIOPOLICY_CMD_INFO_GET, 0);
	judge("info-get", nl_call(nl, msg, NULL, NULL));
	nl_begin(nl, msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(msg, VFIOPOLICY_A_RULE_TEXT, rule);
	judge("rule-add", nl_call(nl, msg, NULL, NULL));
	nl_begin(nl, msg, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
	judge("rule-get", nl_call(nl, msg, take_message, &seen));
	nl_begin(nl, msg, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP);
	judge("dev-get dump", nl_call(nl, msg, take_message, &seen));
	nl_begin(nl, msg, VFIOPOLICY_CMD_DEV_GET, 0);
	nl_put_str(msg, VFIOPOLICY_A_DEV_ADDRESS, "0000:ff:1f.7");
	judge("dev-get", nl_call(nl, msg, NULL, NULL));
	nl_begin(nl, msg, VFIOPOLICY_CMD_RULE_DEL, 0);
	nl_put_str(msg, VFIOPOLICY_A_RULE_TEXT, rule);
	ret = nl_call(nl, msg, NULL, NULL);
	judge("rule-del", ret);
	return ret;
}

/* A request that nobody answers is a fault too, and not the end of the test. */
static int open_both(struct nl *nl, struct nl *events)
{
	static const struct timeval limit = { .tv_sec = 120 };
	int ret;

	ret = nl_open(nl);
	if (ret)
		return ret;
	if (setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return -errno;
	/* Another socket, so that events leave room for the answers. */
	ret = nl_open(events);
	return ret ? ret : nl_join(events);
}

static void *ask_on(void *arg)
{
	struct nl *nl = arg, events = { .fd = -1 };
	int me = nl - socks, ret = -ENOENT;
	struct nl_msg msg = {};
	char rule[32];

	snprintf(rule, sizeof(rule), "hold dead:%x", me + 1);
	nl->fd = -1;
	while (!stop) {
		/* Numbers that are no longer true are used to their end. */
		if (ret) {
			nl_close(nl);
			nl_close(&events);
			ret = open_both(nl, &events);
			judge("look-up", ret);
		}
		if (!ret)
			ret = ask_all(nl, &msg, rule);
	}
	nl_close(nl);
	nl_close(&events);
	return NULL;
}

static int ask(void)
{
	pthread_t threads[MOST];
	char line[64];
	int i;

	/* Who loads and unloads should get to it, on however few processors. */
	errno = 0;
	if (nice(10) == -1 && errno)
		return die("nice", -errno);
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, ask_on, &socks[i]))
			return die("thread", -EAGAIN);
	puts("ready");
	while (fgets(line, sizeof(line), stdin))
		puts("?");
	stop = true;
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	printf("%d %d\n", answered, refused);
	return odd ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct nl_msg msg = {};
	char line[64];
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	count = argc > 2 ? atoi(argv[2]) : 0;
	if (count < 0 || count > MOST)
		return die("how many", -EINVAL);
	if (!strcmp(verb, "ask"))
		return ask();
	if (!strcmp(verb, "dump"))
		ret = start_dump(&msg);
	else if (!strcmp(verb, "early"))
		ret = join_early();
	else
		ret = join_all();
	if (ret)
		return die(verb, ret);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "heard\n")) {
			heard();
		} else if (!strcmp(line, "anew\n")) {
			close_all();
			ret = join_all();
			printf("%s\n", ret ? strerror(-ret) : "anew");
		} else if (!strcmp(line, "read\n")) {
			printf("%d\n", end_dump());
		} else {
			puts("?");
		}
	}
	close_all();
	return 0;
}
