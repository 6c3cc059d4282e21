// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the netlink family of the loaded module, from within:
 *
 *	nlfuzz [-c] [-n MESSAGES] [-s SEED] [-t SECONDS]
 *
 * Sends about so many messages (1,000,000), no longer than so many seconds (no
 * limit), from several sockets at a time, and looks at every answer: see
 * lib/nloracle.h. Takes away all rules at the end. With -c it changes rules much
 * more often, which is slow, for each change is work with every device.
 *
 * What is sent follows from the seed, but for the numbers of rules, records and
 * groups, which only the kernel knows; so the same seed does the same again,
 * as far as threads let it. The line "digest" is of all that was sent without
 * those numbers.
 *
 * Workers send datagrams of many messages. They take turns: all at once, then
 * each alone, when what a datagram does to the number of rules can be told to
 * be of its own doing.
 *
 * Exit status: 0: all was as it should be; 1: something was not, or usage; 4:
 * there is no such family.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <linux/genetlink.h>
#include <linux/vfiopolicy.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "nlcall.h"
#include "nloracle.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define WORKERS		4
/* The one that has not CAP_SYS_ADMIN. */
#define UNPRIVILEGED	(WORKERS - 1)
/* The one whose refusals come with all of the request. */
#define VERBOSE		1
/* Datagrams of each worker in a turn. */
#define TOGETHER	32
#define ALONE		16
/* What is read at a time: more than the answers to most datagrams. */
#define VECTORS		64
#define VECTOR_LEN	16384
#define HALF_READ	8
#define DEAF_LISTENERS	2

/**
 * struct worker - a thread, its sockets, and what it sends
 * @thread: the thread
 * @index: its number
 * @make: makes what it sends
 * @oracle: looks at what is answered
 * @fd: the socket whose answers are looked at
 * @deaf: one with next to no room for answers, which are not read
 * @probe: one for asking how many rules there are
 * @half: those with a dump that is read in part
 * @listeners: members of the group of events that read nothing
 * @datagrams: how many it has sent
 * @messages: in those, before numbers were put into them
 * @digest: of those
 * @halves: dumps that were left
 * @vec: for reading
 * @iov: the same
 * @room: the same
 */
struct worker {
	pthread_t thread;
	unsigned int index;
	struct nlmake make;
	struct nloracle oracle;
	int fd;
	int deaf;
	int probe;
	int half[HALF_READ];
	int listeners[DEAF_LISTENERS];
	uint64_t datagrams;
	uint64_t messages;
	uint64_t digest;
	uint64_t halves;
	struct mmsghdr vec[VECTORS];
	struct iovec iov[VECTORS];
	char *room;
};

static struct worker workers[WORKERS];
static pthread_barrier_t barrier;
static uint64_t seed;
static uint64_t limit = 1000000;
static unsigned int seconds;
static bool change_often;
static struct timespec started;
static struct nl family;
static bool stop;

static void die(const char *what)
{
	fprintf(stderr, "nlfuzz: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double elapsed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - started.tv_sec +
	       (now.tv_nsec - started.tv_nsec) / 1e9;
}

static void set(int fd, int level, int option, int val)
{
	if (setsockopt(fd, level, option, &val, sizeof(val)))
		die("setsockopt");
}

static int open_socket(int room, bool cap_ack)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };

	if (fd < 0)
		die("socket");
	/* One that has no number yet passes for the sender of events. */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("bind");
	set(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
	set(fd, SOL_NETLINK, NETLINK_CAP_ACK, cap_ack);
	set(fd, SOL_SOCKET, SO_SNDBUFFORCE, 2 * NLMAKE_MAX);
	set(fd, SOL_SOCKET, SO_RCVBUFFORCE, room);
	return fd;
}

static int open_listener(int room)
{
	int fd = open_socket(room, true);

	set(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, family.group);
	return fd;
}

/* For this thread alone; what it opens from here on is without it, too. */
static void drop_sys_admin(void)
{
	struct __user_cap_header_struct hdr = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &hdr, data))
		die("capget");
	data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1u << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &hdr, data))
		die("capset");
}

static void open_all(struct worker *w)
{
	unsigned int i;

	if (w->index == UNPRIVILEGED)
		drop_sys_admin();
	if (nlmake_init(&w->make, family.family) ||
	    nloracle_init(&w->oracle, &w->make, w->index != UNPRIVILEGED))
		die("out of memory");
	w->fd = open_socket(8 << 20, w->index != VERBOSE);
	if (w->index == 2)
		set(w->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
	w->deaf = open_socket(1, true);
	w->probe = open_socket(65536, true);
	for (i = 0; i < HALF_READ; i++)
		w->half[i] = -1;
	for (i = 0; i < DEAF_LISTENERS; i++)
		w->listeners[i] = w->index == UNPRIVILEGED ? -1 : open_listener(1);
	w->room = malloc(VECTORS * VECTOR_LEN);
	if (!w->room)
		die("out of memory");
	for (i = 0; i < VECTORS; i++) {
		w->iov[i].iov_base = w->room + i * VECTOR_LEN;
		w->iov[i].iov_len = VECTOR_LEN;
		w->vec[i].msg_hdr.msg_iov = &w->iov[i];
		w->vec[i].msg_hdr.msg_iovlen = 1;
	}
}

static void close_all(struct worker *w)
{
	unsigned int i;

	close(w->fd);
	close(w->deaf);
	close(w->probe);
	for (i = 0; i < HALF_READ; i++)
		if (w->half[i] >= 0)
			close(w->half[i]);
	for (i = 0; i < DEAF_LISTENERS; i++)
		if (w->listeners[i] >= 0)
			close(w->listeners[i]);
}

/*
 * All that there is to be read. Requests are worked off while they are sent,
 * and dumps go on while they are read, so when there is no more, there will be
 * no more.
 */
static void hear_all(struct worker *w, int fd)
{
	int n, i;

	for (;;) {
		n = recvmmsg(fd, w->vec, VECTORS, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != ENOBUFS)
			die("recvmmsg");
		if (n < 0)
			w->oracle.lossy = true;
		for (i = 0; i < n; i++) {
			if (w->vec[i].msg_hdr.msg_flags & MSG_TRUNC)
				nloracle_complain(&w->oracle, NULL, "a datagram of more than %d bytes",
						  VECTOR_LEN);
			nloracle_hear(&w->oracle, w->iov[i].iov_base,
				      w->vec[i].msg_len);
		}
		if (n >= 0 && n < VECTORS)
			return;
	}
}

static void begin(struct worker *w)
{
	w->datagrams++;
	nlmake_begin(&w->make, seed + w->index * 0x9e3779b97f4a7c15ull +
		     w->datagrams * 0xd1342543de82ef95ull);
}

static void send_on(struct worker *w, int fd)
{
	w->messages += nlmake_count(&w->make);
	w->digest = nlmake_hash(&w->make, w->digest);
	nlmake_fill(&w->make);
	snprintf(w->oracle.who, sizeof(w->oracle.who),
		 "seed %llu, worker %u, datagram %llu",
		 (unsigned long long)seed, w->index,
		 (unsigned long long)w->datagrams);
	nloracle_expect(&w->oracle);
	if (w->make.len && send(fd, w->make.buf, w->make.len, 0) < 0)
		die("send");
}

static void ask(struct worker *w)
{
	send_on(w, w->fd);
	hear_all(w, w->fd);
	nloracle_judge(&w->oracle);
}

/* Read now and then, so that it is not always full from the start. */
static void ask_deaf(struct worker *w)
{
	send_on(w, w->deaf);
	w->oracle.lossy = true;
	nloracle_judge(&w->oracle);
	if (!nlmake_below(&w->make, 8))
		hear_all(w, w->deaf);
}

/* A dump that is begun, perhaps read on once, and left. */
static void ask_half(struct worker *w)
{
	uint32_t at = nlmake_below(&w->make, HALF_READ);
	bool more = nlmake_below(&w->make, 2);
	ssize_t len;

	if (w->half[at] >= 0)
		close(w->half[at]);
	w->half[at] = open_socket(65536, true);
	nlmake_dump(&w->make);
	send_on(w, w->half[at]);
	w->oracle.lossy = true;
	w->halves++;
	if (!more)
		return;
	len = recv(w->half[at], w->room, VECTOR_LEN, MSG_DONTWAIT);
	if (len > 0)
		nloracle_hear(&w->oracle, w->room, len);
}

static void change_listener(struct worker *w)
{
	uint32_t at = nlmake_below(&w->make, DEAF_LISTENERS);

	if (w->listeners[at] < 0)
		return;
	close(w->listeners[at]);
	w->listeners[at] = open_listener(1);
}

/*
 * As many rules as there may be slow down all that follows; and a refusal with
 * all of them would be larger than what is read at a time.
 */
static void ask_many(struct worker *w)
{
	if (w->index != VERBOSE) {
		nlmake_many(&w->make);
		ask(w);
	}
	begin(w);
	nlmake_clear(&w->make, VFIOPOLICY_ORIGIN_FILE);
	ask(w);
}

static void one_datagram(struct worker *w)
{
	uint32_t kind;

	begin(w);
	kind = nlmake_below(&w->make, 8192);
	switch (kind) {
	case 0 ... 1:
		ask_many(w);
		break;
	case 2 ... 31:
		nlmake_devices(&w->make);
		ask(w);
		break;
	case 32 ... 63:
		change_listener(w);
		nlmake_batch(&w->make, false);
		ask(w);
		break;
	case 64 ... 191:
		nlmake_raw(&w->make);
		ask(w);
		break;
	case 192 ... 319:
		nlmake_dump(&w->make);
		ask(w);
		break;
	case 320 ... 447:
		ask_half(w);
		break;
	case 448 ... 2623:
		nlmake_batch(&w->make, !change_often);
		ask_deaf(w);
		break;
	case 2624 ... 2943:
		nlmake_batch(&w->make, false);
		ask(w);
		break;
	default:
		nlmake_batch(&w->make, !change_often);
		ask(w);
	}
}

/* How many rules there are; asked so that it is none of the messages. */
static int rules(struct worker *w)
{
	struct {
		struct nlmsghdr hdr;
		struct genlmsghdr genl;
	} request = {
		.hdr.nlmsg_len = sizeof(request),
		.hdr.nlmsg_type = family.family,
		.hdr.nlmsg_flags = NLM_F_REQUEST,
		.genl.cmd = VFIOPOLICY_CMD_INFO_GET,
	};
	const struct nlmsghdr *hdr = (const void *)w->room;
	ssize_t len;

	if (send(w->probe, &request, sizeof(request), 0) < 0)
		die("send");
	len = recv(w->probe, w->room, VECTOR_LEN, MSG_DONTWAIT);
	if (len < (ssize_t)sizeof(*hdr) || hdr->nlmsg_type != family.family ||
	    nlspec_broken(hdr, nlspec_op(VFIOPOLICY_CMD_INFO_GET))) {
		nloracle_complain(&w->oracle, NULL, "no answer to info-get");
		return -1;
	}
	return nl_u32(hdr, VFIOPOLICY_A_INFO_RULES, -1);
}

static void alone(struct worker *w)
{
	int before = rules(w), after, least, most, i;

	for (i = 0; i < ALONE; i++) {
		one_datagram(w);
		after = rules(w);
		nloracle_change(&w->oracle, &least, &most);
		if (!w->oracle.lossy &&
		    (after < before + least || after > before + most))
			nloracle_complain(&w->oracle, NULL,
					  "%d rules became %d; the answers say %d to %d more",
					  before, after, least, most);
		before = after;
	}
}

/*
 * All workers are at the barrier, so this can be looked at. It does not go by
 * what the kernel answered, so that the same seed ends at the same place.
 */
static bool enough(void)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		sum += workers[i].messages;
	return sum >= limit || (seconds && elapsed() >= seconds) ||
	       nloracle_complaints();
}

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int i;

	open_all(w);
	pthread_barrier_wait(&barrier);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		for (i = 0; i < TOGETHER; i++)
			one_datagram(w);
		for (i = 0; i < WORKERS; i++) {
			pthread_barrier_wait(&barrier);
			if (i == w->index)
				alone(w);
		}
		pthread_barrier_wait(&barrier);
		if (!w->index && enough())
			__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
		pthread_barrier_wait(&barrier);
	}
	close_all(w);
	return NULL;
}

/* What listens, and what was heard. */
struct events {
	struct nloracle oracle;
	uint64_t count;
	uint64_t overruns;
	uint32_t seq;
	bool lost;
	bool any;
};

static void take_event(struct events *events, const struct nlmsghdr *hdr)
{
	const struct nlspec_op *op = nlspec_op(nl_cmd(hdr));
	const char *broken;
	uint32_t seq;

	broken = hdr->nlmsg_type == family.family ? nlspec_broken(hdr, op) :
						    "its type";
	if (broken) {
		nloracle_complain(&events->oracle, NULL, "malformed event %s: %s",
				  op ? op->name : "", broken);
		return;
	}
	if (nl_cmd(hdr) == VFIOPOLICY_CMD_DEV_NTF)
		seq = nl_u32(hdr, VFIOPOLICY_A_DEV_SEQ, 0);
	else
		seq = nl_u32(hdr, VFIOPOLICY_A_RULE_SEQ, 0);
	if (events->any && !events->lost && seq != events->seq + 1)
		nloracle_complain(&events->oracle, NULL, "event %u behind event %u",
				  seq, events->seq);
	events->any = true;
	events->lost = false;
	events->seq = seq;
	events->count++;
}

/* Return: false when there is nothing more to be read. */
static bool read_event(struct events *events, int fd, char *room)
{
	const struct nlmsghdr *hdr = (const void *)room;
	ssize_t len = recv(fd, room, VECTOR_LEN, MSG_DONTWAIT);

	if (len < 0 && errno == ENOBUFS) {
		events->lost = true;
		events->overruns++;
		return true;
	}
	if (len < 0)
		return false;
	if (len < (ssize_t)sizeof(*hdr) || hdr->nlmsg_len > (size_t)len)
		nloracle_complain(&events->oracle, NULL, "a malformed event");
	else
		take_event(events, hdr);
	return true;
}

static void listen_on(struct events *events, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char *room = malloc(VECTOR_LEN);
	bool last;

	if (!room)
		die("out of memory");
	do {
		last = __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
		poll(&pfd, 1, 100);
		while (read_event(events, fd, room))
			;
	} while (!last);
	free(room);
}

static int count_rule(const struct nlmsghdr *hdr, void *arg)
{
	(void)hdr;
	++*(unsigned int *)arg;
	return 0;
}

static void expect_none(unsigned int left, const char *what)
{
	struct nloracle oracle = { .who = "at the end" };

	if (left)
		nloracle_complain(&oracle, NULL, "%u rules %s", left, what);
}

static int take_rules(const struct nlmsghdr *hdr, void *arg)
{
	*(unsigned int *)arg = nl_u32(hdr, VFIOPOLICY_A_INFO_RULES, -1);
	return 0;
}

/* A last word in the ordinary way: it answers, and lets go of all rules. */
static void clear(void)
{
	static const uint32_t origins[] = {
		VFIOPOLICY_ORIGIN_RUNTIME, VFIOPOLICY_ORIGIN_FILE,
	};
	unsigned int left = 0, told = UINT32_MAX, i;
	struct nl_msg msg = {};

	for (i = 0; i < 2; i++) {
		nl_begin(&family, &msg, VFIOPOLICY_CMD_RULE_REPLACE, 0);
		nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, origins[i]);
		if (nl_call(&family, &msg, NULL, NULL))
			expect_none(UINT32_MAX, family.extack);
	}
	nl_begin(&family, &msg, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
	if (nl_call(&family, &msg, count_rule, &left))
		left = UINT32_MAX;
	expect_none(left, "are listed after all were taken away");
	nl_begin(&family, &msg, VFIOPOLICY_CMD_INFO_GET, 0);
	nl_call(&family, &msg, take_rules, &told);
	expect_none(told, "are counted after all were taken away");
	free(msg.buf);
}

static void report(const struct events *events, double took)
{
	struct nloracle_counts all = {};
	uint64_t datagrams = 0, halves = 0, digest = 0;
	const struct nloracle_counts *c;
	unsigned int i, n;

	for (i = 0; i < WORKERS; i++) {
		c = &workers[i].oracle.counts;
		datagrams += workers[i].datagrams;
		halves += workers[i].halves;
		digest = (digest ^ workers[i].digest) * 0x100000001b3ull;
		all.messages += c->messages;
		all.wrong += c->wrong;
		all.unheard += c->unheard;
		all.replies += c->replies;
		all.parts += c->parts;
		all.done += c->done;
		for (n = 0; n < NLORACLE_ERRNOS; n++)
			all.errnos[n] += c->errnos[n];
		for (n = 0; n < NLORACLE_SILENCES; n++)
			all.silent[n] += c->silent[n];
	}
	printf("messages: %llu in %llu datagrams, %.1f s, %.0f/s\n",
	       (unsigned long long)all.messages, (unsigned long long)datagrams,
	       took, all.messages / took);
	printf("of these: %llu had to be refused; answers to %llu had no room\n",
	       (unsigned long long)all.wrong, (unsigned long long)all.unheard);
	printf("answers: %llu replies, %llu done", (unsigned long long)all.replies,
	       (unsigned long long)all.errnos[0]);
	for (n = 1; n < NLORACLE_ERRNOS; n++)
		if (all.errnos[n])
			printf(", %llu %s", (unsigned long long)all.errnos[n],
			       strerrorname_np(n));
	printf("\ndumps: %llu read, of %llu messages; %llu left half read\n",
	       (unsigned long long)all.done, (unsigned long long)all.parts,
	       (unsigned long long)halves);
	printf("events: %llu, overruns %llu\n", (unsigned long long)events->count,
	       (unsigned long long)events->overruns);
	printf("refused by the core without a word:\n");
	for (n = 0; n < NLORACLE_SILENCES; n++)
		printf("  %llu %s\n", (unsigned long long)all.silent[n],
		       nloracle_silences[n]);
	printf("digest: %016llx\n", (unsigned long long)digest);
	printf("wrong answers: %u\n", nloracle_complaints());
}

static void bad_usage(void)
{
	fprintf(stderr, "usage: nlfuzz [-c] [-n MESSAGES] [-s SEED] [-t SECONDS]\n");
	exit(1);
}

static void options(int argc, char **argv)
{
	int opt;

	seed = time(NULL);
	while ((opt = getopt(argc, argv, "cn:s:t:")) != -1) {
		switch (opt) {
		case 'c':
			change_often = true;
			break;
		case 'n':
			limit = strtoull(optarg, NULL, 10);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 't':
			seconds = strtoul(optarg, NULL, 10);
			break;
		default:
			bad_usage();
		}
	}
	if (optind != argc)
		bad_usage();
}

static bool older_than_6_12(void)
{
	unsigned int major, minor;
	struct utsname name;

	if (uname(&name) ||
	    sscanf(name.release, "%u.%u", &major, &minor) != 2)
		die("uname");
	return major < 6 || (major == 6 && minor < 12);
}

int main(int argc, char **argv)
{
	struct events events = {};
	unsigned int i;
	double took;
	int fd;

	options(argc, argv);
	printf("seed: %llu\n", (unsigned long long)seed);
	fflush(stdout);
	if (nl_open(&family)) {
		fprintf(stderr, "nlfuzz: there is no family " VFIOPOLICY_FAMILY_NAME "\n");
		return 4;
	}
	nloracle_mute_start = older_than_6_12();
	snprintf(events.oracle.who, sizeof(events.oracle.who), "seed %llu, events",
		 (unsigned long long)seed);
	fd = open_listener(16 << 20);
	if (pthread_barrier_init(&barrier, NULL, WORKERS))
		die("pthread_barrier_init");
	clock_gettime(CLOCK_MONOTONIC, &started);
	for (i = 0; i < WORKERS; i++) {
		workers[i].index = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("pthread_create");
	}
	listen_on(&events, fd);
	for (i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	took = elapsed();
	close(fd);
	clear();
	nl_close(&family);
	report(&events, took);
	return nloracle_complaints() ? 1 : 0;
}
