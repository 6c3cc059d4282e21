// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink family for shell tests:
 *
 *	vpnl info
 *	vpnl add [--file] RULE			prints the number, and "existed"
 *	vpnl del NUMBER | vpnl del RULE
 *	vpnl replace ORIGIN FILE		FILE, or - for standard input, has a
 *			rule a line; prints how many there are, and were changed
 *	vpnl rules				number, origin, text
 *	vpnl dev ADDRESS			KEY=VALUE ...
 *	vpnl devs
 *	vpnl claim|release ADDRESS [GENERATION]	the same, and "pending"
 *	vpnl groups | vpnl group NUMBER		NUMBER KEY=VALUE ..., and a line
 *			for each member: NUMBER: ADDRESS DRIVER [blocks] [REASON]
 *	vpnl stats				KEY=VALUE ...
 *	vpnl settled SECONDS	waits until no device is on its way; prints all by
 *				address: ADDRESS STATE REASON RULE GENERATION
 *	vpnl try SECONDS RULE...	adds the rules, does the same but for the
 *				generation, and with RULE as 1 for the first of
 *				them, and deletes them
 *	vpnl dumps STOPFILE PREFIX	dumps devices until STOPFILE is there; each
 *				must have every device once, but those whose address
 *				begins with PREFIX, which come and go, at most once
 *	vpnl wait SECONDS ADDRESS STATE [REASON]	STATE "none": no record
 *	vpnl flash ADDRESS STATE RULE	add the rule, and delete it as soon as an
 *					event says that the device is in STATE
 *	vpnl record FILE STOPFILE		events to FILE until STOPFILE is there
 *
 * A refusal prints the extended ack and exits with 2; 3: not there; 1: usage
 * or something else; wait and settled exit with 4 when the time is up.
 */
#include <errno.h>
#include <linux/vfiopolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nlcall.h"
#include "vpnl_print.h"

static struct nl_msg msg;

static int fail(const struct nl *nl, int ret)
{
	fprintf(stderr, "vpnl: %s%s%s\n", strerror(-ret),
		nl->extack[0] ? ": " : "", nl->extack);
	return ret == -ENOENT || ret == -ENODEV ? 3 : 2;
}

/* What wait waits for; met once a message says so. */
struct goal {
	const char *address;
	const char *state;
	const char *reason;
	bool met;
};

static int is_goal(const struct nlmsghdr *hdr, void *arg)
{
	struct goal *goal = arg;
	const char *state, *reason;

	state = NAME(vpnl_states, nl_u32(hdr, VFIOPOLICY_A_DEV_STATE, -1));
	reason = NAME(vpnl_reasons, nl_u32(hdr, VFIOPOLICY_A_DEV_REASON, 0));
	goal->met = !strcmp(state, goal->state) &&
		    (!goal->reason || !strcmp(reason, goal->reason));
	return 0;
}

static int ignore(const struct nlmsghdr *hdr, void *arg)
{
	(void)hdr;
	(void)arg;
	return 0;
}

/* Return: 0 and goal->met, or an errno that ends the waiting. */
static int look(struct nl *nl, struct goal *goal)
{
	int ret;

	goal->met = false;
	nl_begin(nl, &msg, VFIOPOLICY_CMD_DEV_GET, 0);
	nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, goal->address);
	ret = nl_call(nl, &msg, is_goal, goal);
	if (ret != -ENODEV)
		return ret;
	goal->met = !strcmp(goal->state, "none");
	return 0;
}

static int is_event_goal(const struct nlmsghdr *hdr, void *arg)
{
	const char *address = nl_str(hdr, VFIOPOLICY_A_DEV_ADDRESS);
	struct goal *goal = arg;

	if (goal->met || nl_cmd(hdr) != VFIOPOLICY_CMD_DEV_NTF || !address ||
	    strcmp(address, goal->address) != 0)
		return 0;
	return is_goal(hdr, arg);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int wait_for(struct nl *nl, int seconds, struct goal *goal)
{
	int64_t left, end = now_ms() + seconds * 1000LL;
	struct nl events;
	int ret;

	ret = nl_open(&events);
	if (!ret)
		ret = nl_join(&events);
	if (ret)
		return fail(&events, ret);
	for (;;) {
		ret = look(nl, goal);
		if (ret)
			return fail(nl, ret);
		if (goal->met)
			return 0;
		left = end - now_ms();
		if (left <= 0)
			break;
		ret = nl_event(&events, left, ignore, NULL);
		if (ret && ret != -ETIMEDOUT && ret != -ENOBUFS)
			return fail(&events, ret);
	}
	fprintf(stderr, "vpnl: %s is not %s%s%s after %d s, but:\n",
		goal->address, goal->state, goal->reason ? " " : "",
		goal->reason ? goal->reason : "", seconds);
	nl_begin(nl, &msg, VFIOPOLICY_CMD_DEV_GET, 0);
	nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, goal->address);
	if (nl_call(nl, &msg, vpnl_print_dev, stderr))
		fprintf(stderr, "none\n");
	return 4;
}

/* A device of a dump, for sorting. */
struct seen {
	char address[VFIOPOLICY_ADDRESS_LEN_MAX + 1];
	uint32_t state, reason, rule, generation;
};

/* What a dump has, in order; grows. */
struct dump {
	struct seen *all;
	size_t count, room;
	bool settled;
	bool interrupted;
};

static int take_seen(const struct nlmsghdr *hdr, void *arg)
{
	const char *address = nl_str(hdr, VFIOPOLICY_A_DEV_ADDRESS);
	struct dump *dump = arg;
	struct seen *seen;
	bool target;

	if (dump->count == dump->room) {
		dump->room = dump->room ? 2 * dump->room : 1024;
		seen = realloc(dump->all, dump->room * sizeof(*seen));
		if (!seen)
			return -ENOMEM;
		dump->all = seen;
	}
	dump->interrupted |= hdr->nlmsg_flags & NLM_F_DUMP_INTR;
	seen = &dump->all[dump->count++];
	snprintf(seen->address, sizeof(seen->address), "%s", address ? address : "");
	seen->state = nl_u32(hdr, VFIOPOLICY_A_DEV_STATE, -1);
	seen->reason = nl_u32(hdr, VFIOPOLICY_A_DEV_REASON, 0);
	seen->rule = nl_u32(hdr, VFIOPOLICY_A_DEV_RULE, 0);
	seen->generation = nl_u32(hdr, VFIOPOLICY_A_DEV_GENERATION, 0);
	target = nl_find(hdr, VFIOPOLICY_A_DEV_TARGET);
	/* What waits for something else than its work has a reason. */
	if ((seen->state == VFIOPOLICY_STATE_MATCHED &&
	     seen->reason == VFIOPOLICY_REASON_NONE) ||
	    (seen->state == VFIOPOLICY_STATE_HELD && target &&
	     seen->reason == VFIOPOLICY_REASON_NONE) ||
	    (seen->state == VFIOPOLICY_STATE_ISOLATED && !target) ||
	    seen->state == VFIOPOLICY_STATE_HANDING_OFF ||
	    seen->state == VFIOPOLICY_STATE_RELEASING || !seen->rule)
		dump->settled = false;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->address,
		      ((const struct seen *)b)->address);
}

/* Waits for one event, then for a moment without any, but not long. */
static int wait_for_quiet(struct nl *events, int64_t left)
{
	int64_t end = now_ms() + 1000;
	int ret;

	ret = nl_event(events, left, ignore, NULL);
	while ((!ret || ret == -ENOBUFS) && now_ms() < end)
		ret = nl_event(events, 20, ignore, NULL);
	return ret == -ETIMEDOUT || ret == -ENOBUFS ? 0 : ret;
}

/* Return: 0, an errno, or -ETIMEDOUT with @dump as it was at the end. */
static int settle(struct nl *nl, int seconds, struct dump *dump)
{
	int64_t left, end = now_ms() + seconds * 1000LL;
	struct nl events;
	int ret;

	ret = nl_open(&events);
	if (ret)
		return ret;
	ret = nl_join(&events);
	while (!ret) {
		dump->count = 0;
		dump->settled = true;
		nl_begin(nl, &msg, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP);
		ret = nl_call(nl, &msg, take_seen, dump);
		if (ret || dump->settled)
			break;
		left = end - now_ms();
		ret = left > 0 ? wait_for_quiet(&events, left) : -ETIMEDOUT;
	}
	nl_close(&events);
	if (dump->count)
		qsort(dump->all, dump->count, sizeof(*dump->all), by_address);
	return ret;
}

static void print_seen(const struct seen *seen, uint32_t rule)
{
	printf("%s %s %s %u", seen->address, NAME(vpnl_states, seen->state),
	       NAME(vpnl_reasons, seen->reason), rule);
}

static int settled(struct nl *nl, int seconds)
{
	struct dump dump = {};
	size_t i;
	int ret;

	ret = settle(nl, seconds, &dump);
	for (i = 0; i < dump.count; i++) {
		print_seen(&dump.all[i], dump.all[i].rule);
		printf(" %u\n", dump.all[i].generation);
	}
	free(dump.all);
	if (ret == -ETIMEDOUT)
		return 4;
	return ret ? fail(nl, ret) : 0;
}

static int take_id(const struct nlmsghdr *hdr, void *arg)
{
	*(uint32_t *)arg = nl_u32(hdr, VFIOPOLICY_A_RULE_ID, 0);
	return 0;
}

static int try(struct nl *nl, int seconds, char **rules, uint32_t count)
{
	uint32_t *ids = calloc(count, sizeof(*ids)), n, rule;
	struct dump dump = {};
	size_t i;
	int ret = ids ? 0 : -ENOMEM;

	for (n = 0; !ret && n < count; n++) {
		nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
		nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, rules[n]);
		ret = nl_call(nl, &msg, take_id, &ids[n]);
		if (ret)
			fprintf(stderr, "vpnl: '%s'\n", rules[n]);
	}
	if (!ret)
		ret = settle(nl, seconds, &dump);
	for (i = 0; i < dump.count; i++) {
		for (rule = 0; rule < n && ids[rule] != dump.all[i].rule; rule++)
			;
		print_seen(&dump.all[i], rule < n ? rule + 1 : 0);
		printf("\n");
	}
	if (ret)
		ret = ret == -ETIMEDOUT ? 4 : fail(nl, ret);
	while (n--) {
		nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_DEL, 0);
		nl_put_u32(&msg, VFIOPOLICY_A_RULE_ID, ids[n]);
		if (ids[n] && nl_call(nl, &msg, NULL, NULL) && !ret)
			ret = 2;
	}
	free(dump.all);
	free(ids);
	return ret;
}

/* Return: how many there are, not counting those with @prefix; -1 for one twice. */
static int steady(const struct dump *dump, const char *prefix)
{
	size_t i;
	int n = 0;

	for (i = 0; i < dump->count; i++) {
		if (i && !by_address(&dump->all[i - 1], &dump->all[i])) {
			fprintf(stderr, "vpnl: %s is there twice\n",
				dump->all[i].address);
			return -1;
		}
		n += strncmp(dump->all[i].address, prefix, strlen(prefix)) != 0;
	}
	return n;
}

static int dump_on(struct nl *nl, const char *stop, const char *prefix)
{
	int count = 0, interrupted = 0, want = 0, n, ret;
	struct dump dump = {};

	do {
		dump.count = 0;
		dump.interrupted = false;
		nl_begin(nl, &msg, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP);
		ret = nl_call(nl, &msg, take_seen, &dump);
		if (ret)
			return fail(nl, ret);
		qsort(dump.all, dump.count, sizeof(*dump.all), by_address);
		n = steady(&dump, prefix);
		if (n < 0)
			return 1;
		if (count && n != want) {
			fprintf(stderr, "vpnl: %d devices, before: %d\n", n, want);
			return 1;
		}
		want = n;
		count++;
		interrupted += dump.interrupted;
	} while (access(stop, F_OK));
	printf("dumps=%d interrupted=%d devices=%d\n", count, interrupted, want);
	free(dump.all);
	return 0;
}

static int flash(struct nl *nl, struct goal *goal, const char *rule)
{
	struct nl events;
	int ret;

	ret = nl_open(&events);
	if (!ret)
		ret = nl_join(&events);
	if (ret)
		return fail(&events, ret);
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, rule);
	ret = nl_call(nl, &msg, NULL, NULL);
	while (!ret && !goal->met)
		ret = nl_event(&events, 30000, is_event_goal, goal);
	if (ret)
		return fail(nl, ret);
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_DEL, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, rule);
	ret = nl_call(nl, &msg, NULL, NULL);
	return ret ? fail(nl, ret) : 0;
}

static int record(struct nl *nl, const char *path, const char *stop)
{
	FILE *out = fopen(path, "w");
	int ret;

	if (!out) {
		perror(path);
		return 1;
	}
	ret = nl_join(nl);
	if (ret) {
		fclose(out);
		return fail(nl, ret);
	}
	fprintf(out, "listening\n");
	fflush(out);
	do {
		ret = nl_event(nl, 100, vpnl_print_event, out);
		if (ret == -ENOBUFS)
			fprintf(out, "lost\n");
		fflush(out);
	} while (ret != -ETIMEDOUT || access(stop, F_OK));
	fclose(out);
	return 0;
}

static int simple(struct nl *nl, uint8_t cmd, uint16_t flags, nl_fn fn, void *arg)
{
	int ret;

	nl_begin(nl, &msg, cmd, flags);
	ret = nl_call(nl, &msg, fn, arg);
	return ret ? fail(nl, ret) : 0;
}

static int add(struct nl *nl, int argc, char **argv)
{
	bool file = argc == 4 && !strcmp(argv[2], "--file");
	bool take = argc == 4 && !strcmp(argv[2], "--take-over");
	int ret;

	if (argc != 3 && !file && !take)
		return 1;
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, argv[argc - 1]);
	if (file)
		nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_FILE);
	if (take)
		nl_put(&msg, VFIOPOLICY_A_RULE_TAKE_OVER, "", 0);
	ret = nl_call(nl, &msg, vpnl_print_rule, " existed");
	return ret ? fail(nl, ret) : 0;
}

static int del(struct nl *nl, const char *what)
{
	char *end;
	uint32_t id = strtoul(what, &end, 10);
	int ret;

	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_DEL, 0);
	if (*end)
		nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, what);
	else
		nl_put_u32(&msg, VFIOPOLICY_A_RULE_ID, id);
	ret = nl_call(nl, &msg, NULL, NULL);
	return ret ? fail(nl, ret) : 0;
}

static int print_replaced(const struct nlmsghdr *hdr, void *arg)
{
	(void)arg;
	printf("origin=%s count=%u changed=%u\n",
	       NAME(vpnl_origins, nl_u32(hdr, VFIOPOLICY_A_RULE_ORIGIN, -1)),
	       nl_u32(hdr, VFIOPOLICY_A_RULE_COUNT, -1),
	       nl_u32(hdr, VFIOPOLICY_A_RULE_CHANGED, -1));
	return 0;
}

static int replace(struct nl *nl, const char *origin, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;
	size_t room = 0, at = 0;
	uint32_t number = 0;
	char *line = NULL;
	ssize_t len;
	int ret;

	if (!file) {
		perror(path);
		return 1;
	}
	while (strcmp(NAME(vpnl_origins, number), origin) != 0)
		if (++number > VFIOPOLICY_ORIGIN_FILE)
			return 1;
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, number);
	while ((len = getline(&line, &room, file)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXTS, line);
	}
	free(line);
	if (file != stdin)
		fclose(file);
	ret = nl_call(nl, &msg, print_replaced, NULL);
	if (!ret)
		return 0;
	/* Which of them the answer points at, if it does. */
	while (nl->bad_attr && at < msg.len) {
		const struct nlattr *attr = (void *)(msg.buf + at);

		if (at == nl->bad_attr) {
			fprintf(stderr, "vpnl: at '%s'\n", (const char *)(attr + 1));
			break;
		}
		at += at ? NLA_ALIGN(attr->nla_len) : NLMSG_HDRLEN + GENL_HDRLEN;
	}
	return fail(nl, ret);
}

static int group(struct nl *nl, const char *id)
{
	int ret;

	nl_begin(nl, &msg, VFIOPOLICY_CMD_GROUP_GET, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_GROUP_ID, atoi(id));
	ret = nl_call(nl, &msg, vpnl_print_group, NULL);
	return ret ? fail(nl, ret) : 0;
}

/* @generation: what it must be, or NULL */
static int dev(struct nl *nl, uint8_t cmd, const char *address,
	       const char *generation)
{
	int ret;

	nl_begin(nl, &msg, cmd, 0);
	nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, address);
	if (generation)
		nl_put_u32(&msg, VFIOPOLICY_A_DEV_GENERATION, atoi(generation));
	ret = nl_call(nl, &msg, vpnl_print_dev, stdout);
	return ret ? fail(nl, ret) : 0;
}

static int run(struct nl *nl, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct goal goal = {};

	if (!strcmp(verb, "info"))
		return simple(nl, VFIOPOLICY_CMD_INFO_GET, 0, vpnl_print_info, NULL);
	if (!strcmp(verb, "rules"))
		return simple(nl, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP, vpnl_print_rule,
			      NULL);
	if (!strcmp(verb, "devs"))
		return simple(nl, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP, vpnl_print_dev,
			      stdout);
	if (!strcmp(verb, "add"))
		return add(nl, argc, argv);
	if (!strcmp(verb, "del") && argc == 3)
		return del(nl, argv[2]);
	if (!strcmp(verb, "replace") && argc == 4)
		return replace(nl, argv[2], argv[3]);
	if (!strcmp(verb, "settled") && argc == 3)
		return settled(nl, atoi(argv[2]));
	if (!strcmp(verb, "try") && argc > 3)
		return try(nl, atoi(argv[2]), argv + 3, argc - 3);
	if (!strcmp(verb, "dev") && argc == 3)
		return dev(nl, VFIOPOLICY_CMD_DEV_GET, argv[2], NULL);
	if (!strcmp(verb, "claim") && argc >= 3)
		return dev(nl, VFIOPOLICY_CMD_DEV_CLAIM, argv[2], argv[3]);
	if (!strcmp(verb, "release") && argc >= 3)
		return dev(nl, VFIOPOLICY_CMD_DEV_RELEASE, argv[2], argv[3]);
	if (!strcmp(verb, "groups"))
		return simple(nl, VFIOPOLICY_CMD_GROUP_GET, NLM_F_DUMP,
			      vpnl_print_group, NULL);
	if (!strcmp(verb, "group") && argc == 3)
		return group(nl, argv[2]);
	if (!strcmp(verb, "stats"))
		return simple(nl, VFIOPOLICY_CMD_STATS_GET, 0, vpnl_print_stats, NULL);
	if (!strcmp(verb, "dumps") && argc == 4)
		return dump_on(nl, argv[2], argv[3]);
	if (!strcmp(verb, "record") && argc == 4)
		return record(nl, argv[2], argv[3]);
	if (!strcmp(verb, "flash") && argc == 5) {
		goal.address = argv[2];
		goal.state = argv[3];
		return flash(nl, &goal, argv[4]);
	}
	if (!strcmp(verb, "wait") && argc >= 5) {
		goal.address = argv[3];
		goal.state = argv[4];
		goal.reason = argc > 5 ? argv[5] : NULL;
		return wait_for(nl, atoi(argv[2]), &goal);
	}
	fprintf(stderr, "vpnl: usage is at the top of vpnl.c\n");
	return 1;
}

int main(int argc, char **argv)
{
	struct nl nl;
	int ret;

	ret = nl_open(&nl);
	if (ret)
		return fail(&nl, ret);
	ret = run(&nl, argc, argv);
	nl_close(&nl);
	return ret;
}
