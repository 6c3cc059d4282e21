// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink family for shell tests:
 *
 *	vpnl info
 *	vpnl add [--file] RULE			prints the number, and "existed"
 *	vpnl del NUMBER | vpnl del RULE
 *	vpnl rules				number, origin, text
 *	vpnl dev ADDRESS			KEY=VALUE ...
 *	vpnl devs
 *	vpnl wait SECONDS ADDRESS STATE [REASON]	STATE "none": no record
 *	vpnl flash ADDRESS STATE RULE	add the rule, and delete it as soon as an
 *					event says that the device is in STATE
 *	vpnl record FILE STOPFILE		events to FILE until STOPFILE is there
 *
 * A refusal prints the extended ack and exits with 2; 3: not there; 1: usage
 * or something else; wait exits with 4 when the time is up.
 */
#include <errno.h>
#include <linux/vfiopolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nlcall.h"

static const char * const states[] = {
	"matched", "held", "handing-off", "isolated", "releasing", "released",
	"native", "lost", "gone",
};

static const char * const reasons[] = {
	"none", "no-iommu-group", "module-loading", "module-missing",
	"target-refused", "native-driver", "foreign-override", "bridge",
	"boot-vga", "vfio-pf", "unbound", "foreign-driver", "in-use",
	"no-memory", "not-probed", "deferred",
};

static const char * const origins[] = { "runtime", "cmdline", "file" };

#define NAME(names, i) \
	((i) < sizeof(names) / sizeof(names[0]) ? names[i] : "?")

static struct nl_msg msg;

static int fail(const struct nl *nl, int ret)
{
	fprintf(stderr, "vpnl: %s%s%s\n", strerror(-ret),
		nl->extack[0] ? ": " : "", nl->extack);
	return ret == -ENOENT || ret == -ENODEV ? 3 : 2;
}

static int print_info(const struct nlmsghdr *hdr, void *arg)
{
	(void)arg;
	printf("version=%s abi=%u rules=%u bad=%u devices=%u disabled=%d\n",
	       nl_str(hdr, VFIOPOLICY_A_INFO_VERSION),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_ABI, 0),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_RULES, 0),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_RULES_BAD, 0),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_DEVICES, 0),
	       !!nl_find(hdr, VFIOPOLICY_A_INFO_DISABLED));
	return 0;
}

static int print_rule(const struct nlmsghdr *hdr, void *arg)
{
	const char *mark = arg;

	printf("%u %s %s%s\n", nl_u32(hdr, VFIOPOLICY_A_RULE_ID, 0),
	       NAME(origins, nl_u32(hdr, VFIOPOLICY_A_RULE_ORIGIN, -1)),
	       nl_str(hdr, VFIOPOLICY_A_RULE_TEXT),
	       mark && nl_find(hdr, VFIOPOLICY_A_RULE_EXISTED) ? mark : "");
	return 0;
}

static int print_dev(const struct nlmsghdr *hdr, void *arg)
{
	const char *driver = nl_str(hdr, VFIOPOLICY_A_DEV_DRIVER);
	const char *physfn = nl_str(hdr, VFIOPOLICY_A_DEV_PHYSFN);
	uint32_t old = nl_u32(hdr, VFIOPOLICY_A_DEV_OLD_STATE, -1);
	FILE *out = arg;

	fprintf(out, "address=%s id=%04x:%04x generation=%u ",
		nl_str(hdr, VFIOPOLICY_A_DEV_ADDRESS),
		nl_u32(hdr, VFIOPOLICY_A_DEV_VENDOR, 0),
		nl_u32(hdr, VFIOPOLICY_A_DEV_DEVICE, 0),
		nl_u32(hdr, VFIOPOLICY_A_DEV_GENERATION, 0));
	if (nl_find(hdr, VFIOPOLICY_A_DEV_SEQ))
		fprintf(out, "seq=%u old=%s ", nl_u32(hdr, VFIOPOLICY_A_DEV_SEQ, 0),
			old == (uint32_t)-1 ? "-" : NAME(states, old));
	fprintf(out, "state=%s reason=%s driver=%s group=%d physfn=%s rule=%u adopted=%d in_use=%d\n",
		NAME(states, nl_u32(hdr, VFIOPOLICY_A_DEV_STATE, -1)),
		NAME(reasons, nl_u32(hdr, VFIOPOLICY_A_DEV_REASON, 0)),
		driver ? driver : "-",
		(int)nl_u32(hdr, VFIOPOLICY_A_DEV_GROUP, -1),
		physfn ? physfn : "-", nl_u32(hdr, VFIOPOLICY_A_DEV_RULE, 0),
		!!nl_find(hdr, VFIOPOLICY_A_DEV_ADOPTED),
		!!nl_find(hdr, VFIOPOLICY_A_DEV_IN_USE));
	return 0;
}

static int print_event(const struct nlmsghdr *hdr, void *arg)
{
	FILE *out = arg;

	if (nl_cmd(hdr) == VFIOPOLICY_CMD_DEV_NTF)
		return print_dev(hdr, arg);
	fprintf(out, "rule-%s id=%u seq=%u text=%s\n",
		nl_cmd(hdr) == VFIOPOLICY_CMD_RULE_ADD_NTF ? "add" : "del",
		nl_u32(hdr, VFIOPOLICY_A_RULE_ID, 0),
		nl_u32(hdr, VFIOPOLICY_A_RULE_SEQ, 0),
		nl_str(hdr, VFIOPOLICY_A_RULE_TEXT));
	return 0;
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

	state = NAME(states, nl_u32(hdr, VFIOPOLICY_A_DEV_STATE, -1));
	reason = NAME(reasons, nl_u32(hdr, VFIOPOLICY_A_DEV_REASON, 0));
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
	if (nl_call(nl, &msg, print_dev, stderr))
		fprintf(stderr, "none\n");
	return 4;
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
		ret = nl_event(nl, 100, print_event, out);
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
	int ret;

	if (argc != 3 && !file)
		return 1;
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, argv[argc - 1]);
	if (file)
		nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_FILE);
	ret = nl_call(nl, &msg, print_rule, " existed");
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

static int dev(struct nl *nl, const char *address)
{
	int ret;

	nl_begin(nl, &msg, VFIOPOLICY_CMD_DEV_GET, 0);
	nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, address);
	ret = nl_call(nl, &msg, print_dev, stdout);
	return ret ? fail(nl, ret) : 0;
}

static int run(struct nl *nl, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct goal goal = {};

	if (!strcmp(verb, "info"))
		return simple(nl, VFIOPOLICY_CMD_INFO_GET, 0, print_info, NULL);
	if (!strcmp(verb, "rules"))
		return simple(nl, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP, print_rule,
			      NULL);
	if (!strcmp(verb, "devs"))
		return simple(nl, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP, print_dev,
			      stdout);
	if (!strcmp(verb, "add"))
		return add(nl, argc, argv);
	if (!strcmp(verb, "del") && argc == 3)
		return del(nl, argv[2]);
	if (!strcmp(verb, "dev") && argc == 3)
		return dev(nl, argv[2]);
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
