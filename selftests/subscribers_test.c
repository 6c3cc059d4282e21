// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many who listen, some of whom never read: who reads gets every event, in
 * order, whatever the others do; who does not is told that he has lost some;
 * and nobody's request fails for it. Then what an event has in it. Needs the
 * module loaded without rules; one test needs a device with a driver.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/vfiopolicy.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nlcall.h"

#define READERS	56
#define SILENT	8
/* How many are made: enough that who does not read has no room for them. */
#define EVENTS	(getenv("VP_SLOW") ? 2000 : 10000)
/* More than all events take, however late its reader comes to it. */
#define ROOMY	(256 << 20)

/*
 * struct sub - a subscriber, and what it has got
 * @nl: its socket
 * @first: number of the first event
 * @last: number of the last one
 * @count: events
 * @hash: of all of them, byte by byte
 * @told: times it was told of a loss
 * @told_at: how many it had when it was told last
 * @gaps: places in the sequence where some are missing
 * @missing: how many
 * @untold: gaps that came before the word of them. The word comes ahead of
 *          what is still in the queue, and so may that of the next gap.
 */
struct sub {
	struct nl nl;
	uint32_t first, last, count;
	uint64_t hash;
	uint32_t told, told_at, gaps, missing, untold;
};

static struct nl_msg msg;

static void take(struct sub *sub, const struct nlmsghdr *hdr)
{
	uint32_t seq = nl_cmd(hdr) == VFIOPOLICY_CMD_DEV_NTF ?
		       nl_u32(hdr, VFIOPOLICY_A_DEV_SEQ, 0) :
		       nl_u32(hdr, VFIOPOLICY_A_RULE_SEQ, 0);
	uint32_t i;

	if (!sub->count) {
		sub->first = seq;
	} else if (seq != sub->last + 1) {
		sub->gaps++;
		sub->missing += seq - sub->last - 1;
		sub->untold += sub->told < sub->gaps;
	}
	sub->last = seq;
	sub->count++;
	for (i = 0; i < hdr->nlmsg_len; i++)
		sub->hash = (sub->hash ^ ((const uint8_t *)hdr)[i]) * 0x100000001b3;
}

/* Takes up to @most datagrams of those that are there. */
static void read_some(struct sub *sub, uint32_t most)
{
	static __thread char buf[NL_RECV_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *hdr;
	ssize_t left;

	while (most--) {
		left = recv(sub->nl.fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (left < 0 && errno == ENOBUFS) {
			sub->told++;
			sub->told_at = sub->count;
			continue;
		}
		if (left < 0)
			return;
		for (hdr = (void *)buf; NLMSG_OK(hdr, left);
		     hdr = NLMSG_NEXT(hdr, left))
			if (hdr->nlmsg_type == sub->nl.family)
				take(sub, hdr);
	}
}

/* Return: 0 or an errno. @room: of its receive buffer; 0: as it is. */
static int subscribe(struct sub *sub, int room)
{
	int ret;

	memset(sub, 0, sizeof(*sub));
	ret = nl_open(&sub->nl);
	if (ret)
		return ret;
	if (room && setsockopt(sub->nl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room,
			       sizeof(room)))
		return -errno;
	return nl_join(&sub->nl);
}

static int ask(struct nl *nl, uint8_t cmd, const char *text)
{
	nl_begin(nl, &msg, cmd, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, text);
	return nl_call(nl, &msg, NULL, NULL);
}

static int add(struct nl *nl, const char *text)
{
	return ask(nl, VFIOPOLICY_CMD_RULE_ADD, text);
}

static int del(struct nl *nl, const char *text)
{
	return ask(nl, VFIOPOLICY_CMD_RULE_DEL, text);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Return: seconds, or less than 0 as soon as a request failed. */
static double make_events(struct nl *nl, int count)
{
	double start = now();
	int i;

	for (i = 0; i < count / 2; i++)
		if (add(nl, "hold dead:beef") || del(nl, "hold dead:beef"))
			return -1;
	return now() - start;
}

/*
 * struct crowd - all there are
 * @nl: who makes the events
 * @readers: who read, all of them by @thread, when @epoll says so
 * @silent: who do not
 * @stop: an eventfd that ends @thread
 */
struct crowd {
	struct nl nl;
	struct sub readers[READERS];
	struct sub silent[SILENT];
	pthread_t thread;
	int epoll;
	int stop;
};

FIXTURE(subscribers) {
	struct crowd crowd;
};

FIXTURE_SETUP(subscribers)
{
	struct epoll_event event = { .events = EPOLLIN };
	int i;

	for (i = 0; i < READERS; i++)
		self->crowd.readers[i].nl.fd = -1;
	for (i = 0; i < SILENT; i++)
		self->crowd.silent[i].nl.fd = -1;
	ASSERT_EQ(nl_open(&self->crowd.nl), 0);
	self->crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_GE(self->crowd.epoll, 0);
	self->crowd.stop = eventfd(0, EFD_CLOEXEC);
	ASSERT_GE(self->crowd.stop, 0);
	ASSERT_EQ(epoll_ctl(self->crowd.epoll, EPOLL_CTL_ADD, self->crowd.stop, &event), 0);
}

FIXTURE_TEARDOWN(subscribers)
{
	int i;

	for (i = 0; i < READERS; i++)
		nl_close(&self->crowd.readers[i].nl);
	for (i = 0; i < SILENT; i++)
		nl_close(&self->crowd.silent[i].nl);
	del(&self->crowd.nl, "hold dead:beef");
	nl_close(&self->crowd.nl);
	close(self->crowd.epoll);
	close(self->crowd.stop);
}

/* Reads for all readers, while another makes the events. */
static void *read_all(void *arg)
{
	struct crowd *crowd = arg;
	struct epoll_event events[READERS];
	bool stop = false;
	int i, n;

	while (!stop) {
		n = epoll_wait(crowd->epoll, events, READERS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr)
				read_some(events[i].data.ptr, -1);
			else
				stop = true;
		}
	}
	/* What was sent before it was told to stop is there already. */
	for (i = 0; i < READERS; i++)
		read_some(&crowd->readers[i], -1);
	return NULL;
}

static int start_readers(struct crowd *crowd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int i, ret;

	for (i = 0; i < READERS; i++) {
		ret = subscribe(&crowd->readers[i], ROOMY);
		if (ret)
			return ret;
		event.data.ptr = &crowd->readers[i];
		if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD,
			      crowd->readers[i].nl.fd, &event))
			return -errno;
	}
	return -pthread_create(&crowd->thread, NULL, read_all, crowd);
}

static void stop_readers(struct crowd *crowd)
{
	uint64_t one = 1;
	int i;

	if (write(crowd->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(crowd->thread, NULL);
	if (read(crowd->stop, &one, sizeof(one)) != sizeof(one))
		abort();
	for (i = 0; i < READERS; i++)
		nl_close(&crowd->readers[i].nl);
}

static void all_have_all(struct __test_metadata *_metadata,
			 const struct crowd *crowd)
{
	const struct sub *one = &crowd->readers[0];
	int i;

	for (i = 0; i < READERS; i++) {
		const struct sub *sub = &crowd->readers[i];

		EXPECT_EQ(sub->count, EVENTS) {
			TH_LOG("reader %d", i);
		}
		EXPECT_EQ(sub->gaps, 0U);
		EXPECT_EQ(sub->told, 0U);
		EXPECT_EQ(sub->first, one->first);
		EXPECT_EQ(sub->last, one->last);
		EXPECT_EQ(sub->hash, one->hash);
	}
}

/*
 * Who never reads: what there was room for, from the first one on, and the
 * word that there was more. The gap itself shows with the next event.
 */
static void has_lost_and_knows(struct __test_metadata *_metadata, struct nl *nl,
			       struct sub *sub, uint32_t first)
{
	uint32_t kept;

	read_some(sub, -1);
	kept = sub->count;
	EXPECT_EQ(sub->told, 1U);
	EXPECT_EQ(sub->told_at, 0U);
	EXPECT_EQ(sub->gaps, 0U);
	EXPECT_GT(kept, 0U);
	EXPECT_LT(kept, (uint32_t)EVENTS);
	EXPECT_EQ(sub->first, first);
	EXPECT_EQ(make_events(nl, 2) < 0, 0);
	read_some(sub, -1);
	EXPECT_EQ(sub->told, 1U);
	EXPECT_EQ(sub->gaps, 1U);
	EXPECT_EQ(sub->untold, 0U);
	EXPECT_EQ(sub->count, kept + 2);
	EXPECT_EQ(sub->count + sub->missing, sub->last - sub->first + 1);
}

TEST_F_TIMEOUT(subscribers, readers_have_all_and_the_silent_know, 600)
{
	/* The kernel's own size, and the least there can be. */
	static const int rooms[] = { 0, 1, 16384 };
	double alone, beside, crowded;
	int i;

	alone = make_events(&self->crowd.nl, EVENTS);
	ASSERT_GE(alone, 0);

	ASSERT_EQ(start_readers(&self->crowd), 0);
	beside = make_events(&self->crowd.nl, EVENTS);
	stop_readers(&self->crowd);
	ASSERT_GE(beside, 0);
	all_have_all(_metadata, &self->crowd);

	for (i = 0; i < SILENT; i++)
		ASSERT_EQ(subscribe(&self->crowd.silent[i], rooms[i % 3]), 0);
	ASSERT_EQ(start_readers(&self->crowd), 0);
	crowded = make_events(&self->crowd.nl, EVENTS);
	stop_readers(&self->crowd);
	ASSERT_GE(crowded, 0);
	all_have_all(_metadata, &self->crowd);
	for (i = 0; i < SILENT; i++)
		has_lost_and_knows(_metadata, &self->crowd.nl, &self->crowd.silent[i],
				   self->crowd.readers[0].first);

	TH_LOG("%d events: no subscriber %.1f s, %d who read %.2f times, and %d who do not %.2f times that",
	       EVENTS, alone, READERS, beside / alone, SILENT, crowded / alone);
}

/* One who reads too little, at odd places, and loses some again and again. */
TEST_F_TIMEOUT(subscribers, each_loss_is_told_once, 120)
{
	struct sub *sub = &self->crowd.silent[0];
	int i;

	ASSERT_EQ(subscribe(sub, 4096), 0);
	for (i = 0; i < 200; i++) {
		ASSERT_GE(make_events(&self->crowd.nl, 2 + i % 23 * 2), 0);
		read_some(sub, 1 + i % 7);
	}
	read_some(sub, -1);
	ASSERT_GE(make_events(&self->crowd.nl, 2), 0);
	read_some(sub, -1);
	EXPECT_GT(sub->gaps, 1U);
	EXPECT_EQ(sub->told, sub->gaps);
	EXPECT_EQ(sub->untold, 0U);
	EXPECT_EQ(sub->count + sub->missing, sub->last - sub->first + 1);
	TH_LOG("%u events got, %u missing in %u gaps", sub->count, sub->missing,
	       sub->gaps);
}

/* A message that is kept. */
struct kept {
	char buf[2048] __attribute__((aligned(8)));
};

static const struct nlmsghdr *hdr_of(const struct kept *kept)
{
	return (const void *)kept->buf;
}

static int keep(const struct nlmsghdr *hdr, void *arg)
{
	struct kept *kept = arg;

	if (hdr->nlmsg_len > sizeof(kept->buf))
		return -EMSGSIZE;
	memcpy(kept->buf, hdr, hdr->nlmsg_len);
	return 0;
}

/* Every attribute of @one that is not in @but is in @two, byte by byte. */
static bool has_all_of(const struct nlmsghdr *two, const struct nlmsghdr *one,
		       uint64_t but)
{
	const char *pos = (const char *)one + NLMSG_HDRLEN + GENL_HDRLEN;
	const char *end = (const char *)one + one->nlmsg_len;
	const struct nlattr *attr, *other;

	for (; pos < end; pos += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)pos;
		if (attr->nla_len < NLA_HDRLEN)
			return false;
		if (but >> attr->nla_type & 1)
			continue;
		other = nl_find(two, attr->nla_type);
		if (!other || other->nla_len != attr->nla_len ||
		    memcmp(other, attr, attr->nla_len) != 0)
			return false;
	}
	return true;
}

static uint64_t u64(const struct nlmsghdr *hdr, uint16_t type)
{
	const struct nlattr *attr = nl_find(hdr, type);
	uint64_t val = 0;

	if (attr && attr->nla_len == NLA_HDRLEN + sizeof(val))
		memcpy(&val, attr + 1, sizeof(val));
	return val;
}

static uint64_t boot_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int take_events(const struct nlmsghdr *hdr, void *arg)
{
	*(uint32_t *)arg = nl_u32(hdr, VFIOPOLICY_A_INFO_EVENTS, -1);
	return 0;
}

/* Number of the last event, as info-get says. */
static uint32_t last_event(struct nl *nl)
{
	uint32_t last = -1;

	nl_begin(nl, &msg, VFIOPOLICY_CMD_INFO_GET, 0);
	nl_call(nl, &msg, take_events, &last);
	return last;
}

TEST_F(subscribers, rule_event_is_what_a_get_says_and_more)
{
	static const uint64_t more = 1u << VFIOPOLICY_A_RULE_SEQ |
				     1u << VFIOPOLICY_A_RULE_TIME |
				     1u << VFIOPOLICY_A_RULE_PAD |
				     1u << VFIOPOLICY_A_RULE_CAUSE;
	static const struct {
		uint8_t cmd;
		uint32_t cause;
	} want[] = {
		{ VFIOPOLICY_CMD_RULE_ADD_NTF, VFIOPOLICY_CAUSE_REQUEST },
		{ VFIOPOLICY_CMD_RULE_DEL_NTF, VFIOPOLICY_CAUSE_REQUEST },
		{ VFIOPOLICY_CMD_RULE_ADD_NTF, VFIOPOLICY_CAUSE_REPLACE },
		{ VFIOPOLICY_CMD_RULE_DEL_NTF, VFIOPOLICY_CAUSE_REPLACE },
	};
	uint64_t at, before = boot_time();
	struct sub *sub = &self->crowd.silent[0];
	struct kept get = {}, event;
	uint32_t seq;
	size_t i;

	ASSERT_EQ(subscribe(sub, 0), 0);
	seq = last_event(&self->crowd.nl);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const bool replace = want[i].cause == VFIOPOLICY_CAUSE_REPLACE;
		const bool adds = want[i].cmd == VFIOPOLICY_CMD_RULE_ADD_NTF;

		if (!replace) {
			ASSERT_EQ(ask(&self->crowd.nl, adds ? VFIOPOLICY_CMD_RULE_ADD :
				      VFIOPOLICY_CMD_RULE_DEL, "hold dead:beef"), 0);
		} else {
			nl_begin(&self->crowd.nl, &msg, VFIOPOLICY_CMD_RULE_REPLACE, 0);
			nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN,
				   VFIOPOLICY_ORIGIN_FILE);
			if (adds)
				nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXTS,
					   "leave dead:2 name=two");
			ASSERT_EQ(nl_call(&self->crowd.nl, &msg, NULL, NULL), 0);
		}
		/* Of one that was deleted, what it was. */
		if (adds) {
			nl_begin(&self->crowd.nl, &msg, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
			ASSERT_EQ(nl_call(&self->crowd.nl, &msg, keep, &get), 0);
		}
		ASSERT_EQ(nl_event(&sub->nl, 10000, keep, &event), 0);
		EXPECT_EQ(nl_cmd(hdr_of(&event)), want[i].cmd);
		EXPECT_TRUE(has_all_of(hdr_of(&event), hdr_of(&get), 0));
		EXPECT_TRUE(has_all_of(hdr_of(&get), hdr_of(&event), more));
		EXPECT_EQ(nl_u32(hdr_of(&event), VFIOPOLICY_A_RULE_SEQ, 0), ++seq);
		EXPECT_EQ(last_event(&self->crowd.nl), seq);
		EXPECT_EQ(nl_u32(hdr_of(&event), VFIOPOLICY_A_RULE_CAUSE, -1),
			  want[i].cause);
		at = u64(hdr_of(&event), VFIOPOLICY_A_RULE_TIME);
		EXPECT_GE(at, before);
		EXPECT_LE(at, boot_time());
		before = at;
	}
}

/* Of the first PCI device that nvme has; a rule for it leaves it alone. */
static bool find_device(char *address, size_t size)
{
	DIR *dir = opendir("/sys/bus/pci/drivers/nvme");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		found = strchr(entry->d_name, ':');
		snprintf(address, size, "%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

TEST_F(subscribers, device_event_is_what_a_get_says_and_more)
{
	static const uint64_t more = 1u << VFIOPOLICY_A_DEV_OLD_STATE |
				     1u << VFIOPOLICY_A_DEV_SEQ |
				     1u << VFIOPOLICY_A_DEV_TIME |
				     1u << VFIOPOLICY_A_DEV_PAD |
				     1u << VFIOPOLICY_A_DEV_CAUSE;
	uint32_t seq, state = -1, events = 0;
	char address[256], rule[300];
	uint64_t at, before = boot_time();
	struct sub *sub = &self->crowd.silent[0];
	struct kept get, event;

	if (!find_device(address, sizeof(address)))
		SKIP(return, "needs an NVMe with its own driver");
	snprintf(rule, sizeof(rule), "hold %s", address);
	ASSERT_EQ(subscribe(sub, 0), 0);
	seq = last_event(&self->crowd.nl);
	ASSERT_EQ(add(&self->crowd.nl, rule), 0);
	for (;;) {
		ASSERT_EQ(nl_event(&sub->nl, 30000, keep, &event), 0);
		seq++;
		if (nl_cmd(hdr_of(&event)) != VFIOPOLICY_CMD_DEV_NTF)
			continue;
		events++;
		EXPECT_EQ(nl_u32(hdr_of(&event), VFIOPOLICY_A_DEV_SEQ, 0), seq);
		EXPECT_EQ(nl_u32(hdr_of(&event), VFIOPOLICY_A_DEV_OLD_STATE, -1),
			  state);
		EXPECT_EQ(nl_u32(hdr_of(&event), VFIOPOLICY_A_DEV_CAUSE, -1),
			  (uint32_t)VFIOPOLICY_CAUSE_RULE);
		at = u64(hdr_of(&event), VFIOPOLICY_A_DEV_TIME);
		EXPECT_GE(at, before);
		EXPECT_LE(at, boot_time());
		before = at;
		state = nl_u32(hdr_of(&event), VFIOPOLICY_A_DEV_STATE, -1);
		if (state == VFIOPOLICY_STATE_NATIVE)
			break;
	}
	nl_begin(&self->crowd.nl, &msg, VFIOPOLICY_CMD_DEV_GET, 0);
	nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, address);
	ASSERT_EQ(nl_call(&self->crowd.nl, &msg, keep, &get), 0);
	EXPECT_TRUE(has_all_of(hdr_of(&event), hdr_of(&get), 0));
	EXPECT_TRUE(has_all_of(hdr_of(&get), hdr_of(&event), more));
	/* Such as there is of it: it came, and it is where it was. */
	EXPECT_GE(events, 2U);
	EXPECT_EQ(del(&self->crowd.nl, rule), 0);
}

TEST_HARNESS_MAIN
