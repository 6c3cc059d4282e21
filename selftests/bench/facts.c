// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long it takes to learn what is known of all devices that rules name, by
 * the ways that there are: one dump of the family, sysfs, lspci. All in turn, so
 * that what else the machine does is shared among them; the median of each; and
 * ratios, since an emulated machine's milliseconds mean nothing.
 *
 *	facts compare ROUNDS	also how long one device takes to be asked for
 *	facts events		what it costs to tell many sockets of many
 *				events; no rule may be there
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfiopolicy.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nlcall.h"

#define DEVICES		"/sys/bus/pci/devices"
#define LISTENERS	64
/* 10,000 events: so many rules come and go, twice. */
#define BURST		2500
#define BURSTS		4
#define ASKS		200

static struct nl nl;
static struct nl_msg msg;
static char first[VFIOPOLICY_ADDRESS_LEN_MAX + 1];

static void die(const char *what, int ret)
{
	fprintf(stderr, "facts: %s: %s %s\n", what, strerror(-ret), nl.extack);
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *all, int count)
{
	qsort(all, count, sizeof(*all), by_value);
	return all[count / 2];
}

static int count_dev(const struct nlmsghdr *hdr, void *arg)
{
	const char *address = nl_str(hdr, VFIOPOLICY_A_DEV_ADDRESS);
	int *count = arg;

	if (address && !(*count)++)
		snprintf(first, sizeof(first), "%s", address);
	return 0;
}

/* Each returns how many devices it saw. */
static int by_dump(void)
{
	int count = 0, ret;

	nl_begin(&nl, &msg, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP);
	ret = nl_call(&nl, &msg, count_dev, &count);
	if (ret)
		die("dev-get", ret);
	return count;
}

static int read_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, buf, sizeof(buf));
	close(fd);
	return len > 0 ? 0 : -1;
}

/* What has no driver or no group has no such link. */
static void read_link(int dir, const char *name)
{
	char buf[256];

	if (readlinkat(dir, name, buf, sizeof(buf)) < 0 && errno != ENOENT)
		die(name, -errno);
}

static bool each_fact(int dir)
{
	static const char *const files[] = {
		"vendor", "device", "subsystem_vendor", "subsystem_device",
		"class", "driver_override",
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (read_file(dir, files[i]))
			return false;
	read_link(dir, "driver");
	read_link(dir, "iommu_group");
	return true;
}

/* ids, class and driver are in one file too: the fewest that will do */
static bool few_files(int dir)
{
	if (read_file(dir, "uevent") || read_file(dir, "driver_override"))
		return false;
	read_link(dir, "iommu_group");
	return true;
}

static int walk(bool (*facts_of)(int dir))
{
	DIR *all = opendir(DEVICES);
	struct dirent *entry;
	int dir, count = 0;

	if (!all)
		die(DEVICES, -errno);
	while ((entry = readdir(all))) {
		if (entry->d_name[0] == '.')
			continue;
		dir = openat(dirfd(all), entry->d_name,
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			continue;
		count += facts_of(dir);
		close(dir);
	}
	closedir(all);
	return count;
}

static int by_files(void)
{
	return walk(each_fact);
}

static int by_few_files(void)
{
	return walk(few_files);
}

static void lspci(char *options, const char *to)
{
	char *const argv[] = { "lspci", options, NULL };
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, to,
					 O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		die("lspci", -ECHILD);
	posix_spawn_file_actions_destroy(&actions);
}

static int by_lspci(void)
{
	lspci("-nnk", "/dev/null");
	return -1;	/* counted once, below */
}

/* lspci -n has one line a device. */
static int lspci_sees(void)
{
	char path[] = "/tmp/facts.XXXXXX";
	int fd = mkstemp(path), count = 0, c;
	FILE *file;

	if (fd < 0)
		die(path, -errno);
	lspci("-n", path);
	file = fdopen(fd, "r");
	while ((c = fgetc(file)) != EOF)
		count += c == '\n';
	fclose(file);
	unlink(path);
	return count;
}

static const struct {
	const char *name;
	int (*run)(void);
} ways[] = {
	{ "one dump of dev-get", by_dump },
	{ "sysfs, uevent and two more", by_few_files },
	{ "sysfs, a file or link a fact", by_files },
	{ "lspci -nnk", by_lspci },
};

#define WAYS	(sizeof(ways) / sizeof(ways[0]))

static void compare(int rounds)
{
	double *took = calloc(WAYS * rounds, sizeof(*took)), start, of[WAYS];
	int seen[WAYS];
	size_t way;
	int round;

	if (!took)
		die("compare", -ENOMEM);
	/* The first round fills caches and does not count. */
	for (round = -1; round < rounds; round++) {
		for (way = 0; way < WAYS; way++) {
			start = now();
			seen[way] = ways[way].run();
			if (round >= 0)
				took[way * rounds + round] = now() - start;
		}
	}
	seen[WAYS - 1] = lspci_sees();
	for (way = 0; way < WAYS; way++)
		of[way] = median(took + way * rounds, rounds);
	for (way = 0; way < WAYS; way++)
		printf("%-30s %5d devices %9.2f ms, %6.1f times the dump\n",
		       ways[way].name, seen[way], 1000 * of[way], of[way] / of[0]);
	free(took);
}

static void ask_for_one(double dump)
{
	double took[ASKS], start;
	int i, ret, count;

	for (i = 0; i < ASKS; i++) {
		start = now();
		nl_begin(&nl, &msg, VFIOPOLICY_CMD_DEV_GET, 0);
		nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, first);
		count = 0;
		ret = nl_call(&nl, &msg, count_dev, &count);
		took[i] = now() - start;
		if (ret || count != 1)
			die("dev-get of one", ret);
	}
	printf("%-30s %5d device  %9.2f ms, %6.3f times the dump\n",
	       "dev-get of one", 1, 1000 * median(took, ASKS),
	       median(took, ASKS) / dump);
}

static double time_of_dump(void)
{
	double start = now();

	by_dump();
	return now() - start;
}

/* The rules of origin file: @count that name nothing, which is as many events. */
static void replace_by(int count)
{
	char text[32];
	int i, ret;

	nl_begin(&nl, &msg, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_FILE);
	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "hold fffe:%04x", i);
		nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXTS, text);
	}
	ret = nl_call(&nl, &msg, NULL, NULL);
	if (ret)
		die("rule-replace", ret);
}

static int count_event(const struct nlmsghdr *hdr, void *arg)
{
	(void)hdr;
	(*(int *)arg)++;
	return 0;
}

/* @got: set to how many events all sockets got together */
static double burst(struct nl *listeners, int count, int *got)
{
	double took = 0, start;
	int i, n, ret;

	*got = 0;
	for (n = 0; n < BURSTS; n++) {
		start = now();
		replace_by(n % 2 ? 0 : BURST);
		took += now() - start;
		for (i = 0; i < count; i++) {
			do {
				ret = nl_event(&listeners[i], 0, count_event, got);
			} while (!ret);
			if (ret != -ETIMEDOUT)
				die("an event", ret);
		}
	}
	return took;
}

static void tell_many(void)
{
	static struct nl listeners[LISTENERS];
	int i, got, ret, room = 64 << 20;
	double alone, many;

	alone = burst(NULL, 0, &got);
	for (i = 0; i < LISTENERS; i++) {
		ret = nl_open(&listeners[i]);
		if (!ret && setsockopt(listeners[i].fd, SOL_SOCKET, SO_RCVBUFFORCE,
				       &room, sizeof(room)))
			ret = -errno;
		if (!ret)
			ret = nl_join(&listeners[i]);
		if (ret)
			die("a listener", ret);
	}
	many = burst(listeners, LISTENERS, &got);
	printf("%d events to %d sockets: %d of %d came; making them took %.1f times as long as with none, %.2f us more an event and socket\n",
	       BURST * BURSTS, LISTENERS, got, BURST * BURSTS * LISTENERS,
	       many / alone, 1e6 * (many - alone) / BURSTS / BURST / LISTENERS);
}

int main(int argc, char **argv)
{
	int rounds = argc == 3 && !strcmp(argv[1], "compare") ? atoi(argv[2]) : 0;
	int ret;

	if (rounds < 1 && (argc != 2 || strcmp(argv[1], "events") != 0)) {
		fprintf(stderr, "facts: usage is at the top of facts.c\n");
		return 1;
	}
	ret = nl_open(&nl);
	if (ret)
		die("the family", ret);
	if (!rounds) {
		tell_many();
		return 0;
	}
	compare(rounds);
	ask_for_one(time_of_dump());
	return 0;
}
