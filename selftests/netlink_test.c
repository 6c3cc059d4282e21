// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family's answers to good and bad requests. Needs the module loaded without
 * rules. Each refusal must carry an extended ack, and must have changed nothing.
 * Who may ask at all is permission_test's business.
 */
#include <errno.h>
#include <linux/vfiopolicy.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nlcall.h"

static struct nl_msg msg;

static int count(const struct nlmsghdr *hdr, void *arg)
{
	(void)hdr;
	(*(int *)arg)++;
	return 0;
}

static int take_text(const struct nlmsghdr *hdr, void *arg)
{
	const char *text = nl_str(hdr, VFIOPOLICY_A_RULE_TEXT);

	snprintf(arg, 600, "%s", text ? text : "(none)");
	return 0;
}

static int take_existed(const struct nlmsghdr *hdr, void *arg)
{
	*(bool *)arg = nl_find(hdr, VFIOPOLICY_A_RULE_EXISTED);
	return 0;
}

static int add(struct nl *nl, const char *text, nl_fn fn, void *arg)
{
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, text);
	return nl_call(nl, &msg, fn, arg);
}

static int del(struct nl *nl, const char *text)
{
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_DEL, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, text);
	return nl_call(nl, &msg, NULL, NULL);
}

static int rules(struct nl *nl)
{
	int n = 0;

	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
	return nl_call(nl, &msg, count, &n) ? -1 : n;
}

static void unname_devices(struct nl *nl);

FIXTURE(family) {
	struct nl nl;
};

FIXTURE_SETUP(family)
{
	ASSERT_EQ(nl_open(&self->nl), 0);
	ASSERT_EQ(rules(&self->nl), 0);
}

FIXTURE_TEARDOWN(family)
{
	/* What a test left behind must not spoil the next one. */
	del(&self->nl, "vfio dead:beef");
	del(&self->nl, "hold dead:beef");
	unname_devices(&self->nl);
	nl_close(&self->nl);
}

TEST_F(family, adds_prints_and_deletes)
{
	char text[600];

	ASSERT_EQ(add(&self->nl, "  vfio\tDEAD:beef  ", take_text, text), 0);
	EXPECT_STREQ(text, "vfio dead:beef");
	EXPECT_EQ(rules(&self->nl), 1);
	EXPECT_EQ(del(&self->nl, "vfio dead:BEEF"), 0);
	EXPECT_EQ(rules(&self->nl), 0);
}

TEST_F(family, adding_twice_changes_nothing)
{
	bool existed = true;

	ASSERT_EQ(add(&self->nl, "vfio dead:beef", take_existed, &existed), 0);
	EXPECT_FALSE(existed);
	ASSERT_EQ(add(&self->nl, "vfio DEAD:BEEF", take_existed, &existed), 0);
	EXPECT_TRUE(existed);
	EXPECT_EQ(rules(&self->nl), 1);
}

TEST_F(family, refuses_a_contradiction)
{
	ASSERT_EQ(add(&self->nl, "vfio dead:beef", NULL, NULL), 0);
	EXPECT_EQ(add(&self->nl, "hold dead:beef", NULL, NULL), -EEXIST);
	EXPECT_NE(strstr(self->nl.extack, "'vfio dead:beef'"), NULL);
	EXPECT_NE(strstr(self->nl.extack, "at odds"), NULL);
	EXPECT_EQ(rules(&self->nl), 1);
}

TEST_F(family, refuses_malformed_rules_and_says_where)
{
	static const struct {
		const char *text;
		const char *want;
	} bad[] = {
		{ "", "byte 0: expected vfio, hold or leave" },
		{ "hodl 10de:1b39", "byte 0: did you mean hold" },
		{ "vfio", "byte 4: expected a selector" },
		{ "vfio 10de", "byte 9: expected ':'" },
		{ "vfio 10de:", "byte 10: expected a device id" },
		{ "vfio 10deg:1", "byte 9: expected ':'" },
		{ "vfio 110de:1b39", "byte 5: expected a vendor id" },
		{ "vfio 10de:1b39:1", "byte 16: expected ':'" },
		{ "vfio *:*", "byte 5: expected a selector" },
		{ "vfio 0000:05:20.0", "byte 13: expected a device number" },
		{ "vfio 0000:05:00.8", "byte 16: expected a function number" },
		{ "vfio 10de:1b39 \xc3\xa4", "byte 15: expected a selector" },
		{ "vfio class=02000000", "byte 11: expected a class" },
		{ "vfio class=020", "byte 11: expected a class" },
		{ "vfio class=0200/ffff00", "byte 15: expected a blank" },
		{ "vfio 1:2 drivr=x", "byte 9: did you mean driver=" },
		{ "vfio class=020000/0", "byte 18: expected a class mask" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(add(&self->nl, bad[i].text, NULL, NULL), -EINVAL) {
			TH_LOG("rule '%s'", bad[i].text);
		}
		EXPECT_EQ(strncmp(self->nl.extack, bad[i].want,
				  strlen(bad[i].want)), 0) {
			TH_LOG("rule '%s': '%s'", bad[i].text, self->nl.extack);
		}
		EXPECT_NE(self->nl.bad_attr, 0U);
	}
	EXPECT_EQ(rules(&self->nl), 0);
}

TEST_F(family, refuses_what_the_policy_does_not_know)
{
	char text[VFIOPOLICY_RULE_LEN_MAX + 2];

	/* An attribute that no one knows. */
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, "vfio dead:beef");
	nl_put_u32(&msg, 77, 1);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	EXPECT_STRNE(self->nl.extack, "");

	/* One that is known, but not in this request. */
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, "vfio dead:beef");
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ID, 1);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	EXPECT_STRNE(self->nl.extack, "");

	/* Out of range, and one that is for parameters alone. */
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, "vfio dead:beef");
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, 3);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -ERANGE);
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, "vfio dead:beef");
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_CMDLINE);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	EXPECT_STRNE(self->nl.extack, "");

	/* Too long, without an end, missing. */
	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "vfio", 4);
	EXPECT_EQ(add(&self->nl, text, NULL, NULL), -EINVAL);
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put(&msg, VFIOPOLICY_A_RULE_TEXT, "vfio dead:beef", 14);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	EXPECT_STREQ(self->nl.extack, "a rule is needed");

	/* What would not be obeyed is refused. */
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ID, 1);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);

	/* What is there twice, of which the core would take the last. */
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_ADD, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, "vfio dead:beef");
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, "hold dead:bee0");
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	EXPECT_STREQ(self->nl.extack, "this attribute is there twice");
	EXPECT_NE(self->nl.bad_attr, 0U);
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_DEL, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ID, 1);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ID, 2);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);

	/* A command that there is not. */
	nl_begin(&self->nl, &msg, 99, 0);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EOPNOTSUPP);

	EXPECT_EQ(rules(&self->nl), 0);
}

TEST_F(family, refuses_what_is_not_there)
{
	EXPECT_EQ(del(&self->nl, "vfio dead:beef"), -ENOENT);
	EXPECT_STREQ(self->nl.extack, "there is no such rule");
	EXPECT_EQ(del(&self->nl, "nonsense"), -EINVAL);

	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_DEL, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ID, 4711);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -ENOENT);
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_DEL, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ID, 0);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -ERANGE);
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_DEL, 0);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	EXPECT_STRNE(self->nl.extack, "");

	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_DEV_GET, 0);
	nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, "0000:ff:1f.7");
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -ENODEV);
	EXPECT_NE(strstr(self->nl.extack, "0000:ff:1f.7"), NULL);
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_DEV_GET, 0);
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	EXPECT_STREQ(self->nl.extack, "an address is needed");
}

static int take_replaced(const struct nlmsghdr *hdr, void *arg)
{
	uint32_t *counts = arg;

	counts[0] = nl_u32(hdr, VFIOPOLICY_A_RULE_COUNT, ~0u);
	counts[1] = nl_u32(hdr, VFIOPOLICY_A_RULE_CHANGED, ~0u);
	return 0;
}

static int replace(struct nl *nl, uint32_t origin, const char *const *texts,
		   uint32_t *counts)
{
	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, origin);
	for (; *texts; texts++)
		nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXTS, *texts);
	return nl_call(nl, &msg, take_replaced, counts);
}

TEST_F(family, replaces_one_origin_or_nothing)
{
	static const char *const one[] = { "hold dead:1", "leave dead:2", NULL };
	static const char *const two[] = { "vfio dead:3", "hold dead:0001", NULL };
	static const char *const bad[] = { "vfio dead:4", "hold daed:", NULL };
	static const char *const odds[] = { "vfio dead:4", "hold dead:4", NULL };
	static const char *const names[] = { "vfio 1:4 name=a", "vfio 1:5 name=a",
					     NULL };
	static const char *const none[] = { NULL };
	uint32_t counts[2];
	char text[600];

	ASSERT_EQ(add(&self->nl, "vfio dead:beef", NULL, NULL), 0);
	ASSERT_EQ(replace(&self->nl, VFIOPOLICY_ORIGIN_FILE, one, counts), 0);
	EXPECT_EQ(counts[0], 2);
	EXPECT_EQ(counts[1], 2);
	EXPECT_EQ(rules(&self->nl), 3);
	ASSERT_EQ(replace(&self->nl, VFIOPOLICY_ORIGIN_FILE, two, counts), 0);
	EXPECT_EQ(counts[0], 2);
	EXPECT_EQ(counts[1], 2);
	EXPECT_EQ(rules(&self->nl), 3);

	/* All or nothing, and the bad one is named. */
	EXPECT_EQ(replace(&self->nl, VFIOPOLICY_ORIGIN_FILE, bad, counts), -EINVAL);
	EXPECT_STREQ(self->nl.extack, "'hold daed:': byte 10: expected a device id (1 to 4 hex digits or *)");
	EXPECT_NE(self->nl.bad_attr, 0U);
	EXPECT_EQ(replace(&self->nl, VFIOPOLICY_ORIGIN_FILE, odds, counts), -EEXIST);
	EXPECT_NE(strstr(self->nl.extack, "dead:0004"), NULL);
	EXPECT_EQ(replace(&self->nl, VFIOPOLICY_ORIGIN_FILE, names, counts), -EEXIST);
	EXPECT_NE(strstr(self->nl.extack, "name=a"), NULL);
	EXPECT_EQ(rules(&self->nl), 3);

	/* Said again it changes nothing, and twice is once. */
	ASSERT_EQ(replace(&self->nl, VFIOPOLICY_ORIGIN_FILE, two, counts), 0);
	EXPECT_EQ(counts[1], 0);

	EXPECT_EQ(replace(&self->nl, VFIOPOLICY_ORIGIN_CMDLINE, one, counts), -EINVAL);
	nl_begin(&self->nl, &msg, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXTS, "vfio dead:6");
	EXPECT_EQ(nl_call(&self->nl, &msg, NULL, NULL), -EINVAL);
	EXPECT_STREQ(self->nl.extack, "an origin is needed");

	ASSERT_EQ(replace(&self->nl, VFIOPOLICY_ORIGIN_FILE, none, counts), 0);
	EXPECT_EQ(counts[0], 0);
	EXPECT_EQ(counts[1], 2);
	EXPECT_EQ(rules(&self->nl), 1);
	EXPECT_EQ(add(&self->nl, "vfio dead:beef", take_text, text), 0);
}

/*
 * How many of all rules go one by one: each makes a table of its own, for which
 * the debug kernel takes a hundred times as long.
 */
static int one_by_one(void)
{
	return getenv("VP_SLOW") ? 64 : VFIOPOLICY_RULES_MAX;
}

/* The first rules of @count, in one message. */
static int replace_many(struct nl *nl, int count)
{
	uint32_t counts[2];
	char text[64];
	int i, ret;

	nl_begin(nl, &msg, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_FILE);
	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "hold fffe:%04x", i);
		nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXTS, text);
	}
	ret = nl_call(nl, &msg, take_replaced, counts);
	return ret ? ret : (int)counts[0];
}

/* Thousands of calls, emulated: the default limit is for handfuls. */
TEST_F_TIMEOUT(family, holds_as_many_rules_as_it_says_and_no_more, 600)
{
	const int first = VFIOPOLICY_RULES_MAX - one_by_one();
	char text[64];
	int i, n = 0;

	ASSERT_EQ(replace_many(&self->nl, first), first);
	for (i = first; i < VFIOPOLICY_RULES_MAX; i++) {
		snprintf(text, sizeof(text), "hold fffe:%04x", i);
		ASSERT_EQ(add(&self->nl, text, NULL, NULL), 0);
	}
	EXPECT_EQ(add(&self->nl, "vfio dead:beef", NULL, NULL), -ENOSPC);
	EXPECT_STRNE(self->nl.extack, "");
	/* Many datagrams, no repeat and no hole. */
	n = rules(&self->nl);
	EXPECT_EQ(n, VFIOPOLICY_RULES_MAX);
	for (i = first; i < VFIOPOLICY_RULES_MAX; i++) {
		snprintf(text, sizeof(text), "hold fffe:%04x", i);
		ASSERT_EQ(del(&self->nl, text), 0);
	}
	EXPECT_EQ(replace_many(&self->nl, 0), 0);
}

static int take_cmd(const struct nlmsghdr *hdr, void *arg)
{
	uint32_t *last = arg;

	last[0] = nl_cmd(hdr);
	last[1] = nl_u32(hdr, VFIOPOLICY_A_RULE_SEQ, 0);
	return 0;
}

TEST_F(family, tells_of_rules_in_order)
{
	uint32_t first[2] = {}, second[2] = {};
	struct nl events;

	ASSERT_EQ(nl_open(&events), 0);
	ASSERT_EQ(nl_join(&events), 0);
	ASSERT_EQ(add(&self->nl, "hold dead:beef", NULL, NULL), 0);
	ASSERT_EQ(del(&self->nl, "hold dead:beef"), 0);
	ASSERT_EQ(nl_event(&events, 10000, take_cmd, first), 0);
	ASSERT_EQ(nl_event(&events, 10000, take_cmd, second), 0);
	EXPECT_EQ(first[0], (uint32_t)VFIOPOLICY_CMD_RULE_ADD_NTF);
	EXPECT_EQ(second[0], (uint32_t)VFIOPOLICY_CMD_RULE_DEL_NTF);
	EXPECT_EQ(second[1], first[1] + 1);
	nl_close(&events);
}

/* A device of a dump: what filters look at, and is it as sysfs has it. */
struct shown {
	uint32_t state, rule, group;
	bool noted;
	char driver[VFIOPOLICY_DRIVER_LEN_MAX + 1];
};

/* As many as the guest may have, of which only so many are looked at. */
struct all_shown {
	struct shown dev[256];
	int count;
};

/* Of a bridge the module notes it after it has said that it leaves it alone. */
static bool is_in_sysfs(const char *address, const char *driver)
{
	char path[128], link[256] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.32s/driver", address);
	if (readlink(path, link, sizeof(link) - 1) < 0)
		return !driver[0];
	return !strcmp(strrchr(link, '/') + 1, driver);
}

static int take_shown(const struct nlmsghdr *hdr, void *arg)
{
	const char *driver = nl_str(hdr, VFIOPOLICY_A_DEV_DRIVER);
	struct all_shown *all = arg;
	struct shown *dev = &all->dev[all->count];

	if (++all->count == (int)(sizeof(all->dev) / sizeof(all->dev[0])))
		return -EMSGSIZE;
	dev->state = nl_u32(hdr, VFIOPOLICY_A_DEV_STATE, -1);
	dev->rule = nl_u32(hdr, VFIOPOLICY_A_DEV_RULE, 0);
	dev->group = nl_u32(hdr, VFIOPOLICY_A_DEV_GROUP, -1);
	snprintf(dev->driver, sizeof(dev->driver), "%s", driver ? driver : "");
	dev->noted = is_in_sysfs(nl_str(hdr, VFIOPOLICY_A_DEV_ADDRESS) ?: "", dev->driver);
	return 0;
}

/* Bits of what is asked for: those of @want. */
enum { BY_STATE = 1, BY_RULE = 2, BY_GROUP = 4, BY_DRIVER = 8 };

static int devices(struct nl *nl, const struct shown *want, int by,
		   struct all_shown *all)
{
	all->count = 0;
	nl_begin(nl, &msg, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP);
	if (by & BY_STATE)
		nl_put_u32(&msg, VFIOPOLICY_A_DEV_STATE, want->state);
	if (by & BY_RULE)
		nl_put_u32(&msg, VFIOPOLICY_A_DEV_RULE, want->rule);
	if (by & BY_GROUP)
		nl_put_u32(&msg, VFIOPOLICY_A_DEV_GROUP, want->group);
	if (by & BY_DRIVER)
		nl_put_str(&msg, VFIOPOLICY_A_DEV_DRIVER, want->driver);
	return nl_call(nl, &msg, take_shown, all);
}

static bool fits(const struct shown *dev, const struct shown *want, int by)
{
	return (!(by & BY_STATE) || dev->state == want->state) &&
	       (!(by & BY_RULE) || dev->rule == want->rule) &&
	       (!(by & BY_GROUP) || dev->group == want->group) &&
	       (!(by & BY_DRIVER) || !strcmp(dev->driver, want->driver));
}

/* Bridges are left alone, and so is what has its own driver. */
static const char *const harmless[] = {
	"vfio class=06", "vfio 1b36:0010", "hold 8086:10c9",
};

/* Return: 0, or an errno; @all is what there is, once all are where they stay. */
static int name_devices(struct nl *nl, struct all_shown *all)
{
	static const struct shown none;
	struct nl events;
	int i, tries = 0;
	int ret = nl_open(&events) ?: nl_join(&events);

	for (i = 0; i < (int)ARRAY_SIZE(harmless) && !ret; i++)
		ret = add(nl, harmless[i], NULL, NULL);
	while (!ret) {
		ret = devices(nl, &none, 0, all);
		for (i = 0; i < all->count; i++)
			if (all->dev[i].state != VFIOPOLICY_STATE_NATIVE || !all->dev[i].noted)
				break;
		if (ret || i == all->count)
			break;
		/* No event tells that a driver has been noted. */
		ret = nl_event(&events, 100, count, &i);
		if (ret == -ETIMEDOUT && ++tries < 300)
			ret = 0;
	}
	nl_close(&events);
	return ret;
}

static void unname_devices(struct nl *nl)
{
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(harmless); i++)
		del(nl, harmless[i]);
}

TEST_F(family, dump_has_what_fits_each_filter)
{
	static struct all_shown all, got;
	int i, j, by, want, kept = 0;

	ASSERT_EQ(name_devices(&self->nl, &all), 0);
	for (i = 0; i < all.count; i++) {
		for (by = 1; by < 2 * BY_DRIVER; by++) {
			if (by & BY_GROUP && all.dev[i].group == UINT32_MAX)
				continue;
			for (want = j = 0; j < all.count; j++)
				want += fits(&all.dev[j], &all.dev[i], by);
			ASSERT_EQ(devices(&self->nl, &all.dev[i], by, &got), 0);
			EXPECT_EQ(got.count, want);
			for (j = 0; j < got.count; j++)
				EXPECT_TRUE(fits(&got.dev[j], &all.dev[i], by));
			kept += want < all.count;
		}
	}
	unname_devices(&self->nl);
	if (!all.count)
		SKIP(return, "needs a device");
	/* Or all of them are alike, and nothing was shown. */
	EXPECT_GT(kept, 0);
}

TEST_F(family, dump_has_nothing_when_nothing_fits)
{
	static const struct {
		struct shown want;
		int by;
	} none[] = {
		{ { .state = VFIOPOLICY_STATE_HELD }, BY_STATE },
		{ { .state = VFIOPOLICY_STATE_GONE }, BY_STATE },
		{ { .rule = 4711 }, BY_RULE },
		{ { .rule = UINT32_MAX }, BY_RULE },
		{ { .group = 4711 }, BY_GROUP },
		{ { .group = UINT32_MAX }, BY_GROUP },
		{ { .driver = "nobody" }, BY_DRIVER },
		{ { .state = VFIOPOLICY_STATE_NATIVE, .rule = 4711 },
		  BY_STATE | BY_RULE },
	};
	static struct all_shown all;
	size_t i;

	ASSERT_EQ(name_devices(&self->nl, &all), 0);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		EXPECT_EQ(devices(&self->nl, &none[i].want, none[i].by, &all), 0);
		EXPECT_EQ(all.count, 0) {
			TH_LOG("filter %zu", i);
		}
	}
	unname_devices(&self->nl);
}

/*
 * One request with up to two attributes, and what must come of it.
 * @flags: NLM_F_DUMP or 0
 * @type: types of the attributes; 0: none
 * @text: their text; NULL: a number
 * @value: that number
 * @why: is in the extended ack
 */
struct refusal {
	uint8_t cmd;
	uint16_t flags;
	uint16_t type[2];
	const char *text[2];
	uint32_t value[2];
	int ret;
	const char *why;
};

#define DUMP	NLM_F_DUMP
#define CMD(x)	VFIOPOLICY_CMD_##x
#define DEV(x)	VFIOPOLICY_A_DEV_##x
#define GROUP_ID VFIOPOLICY_A_GROUP_ID
#define ABSENT	"0000:ff:1f.7"
#define LONG	"a-driver-with-a-name-of-32-bytes"

static const struct refusal refusals[] = {
	/* What is not there. */
	{ CMD(DEV_CLAIM), 0, { DEV(ADDRESS) }, { ABSENT }, {}, -ENODEV, ABSENT },
	{ CMD(DEV_CLAIM), 0, { DEV(ADDRESS), DEV(GENERATION) }, { ABSENT }, { 0, 1 },
	  -ENODEV, ABSENT },
	{ CMD(DEV_RELEASE), 0, { DEV(ADDRESS) }, { ABSENT }, {}, -ENODEV, ABSENT },
	{ CMD(DEV_RELEASE), 0, { DEV(ADDRESS), DEV(GENERATION) }, { ABSENT }, { 0, 1 },
	  -ENODEV, ABSENT },
	{ CMD(DEV_CLAIM), 0, { DEV(ADDRESS) }, { "nonsense" }, {}, -ENODEV, "nonsense" },
	{ CMD(GROUP_GET), 0, { GROUP_ID }, {}, { 4711 }, -ENOENT, "4711" },
	{ CMD(GROUP_GET), 0, { GROUP_ID }, {}, { UINT32_MAX }, -ENOENT, "4294967295" },
	/* What is missing. */
	{ CMD(DEV_CLAIM), 0, {}, {}, {}, -EINVAL, "an address is needed" },
	{ CMD(DEV_RELEASE), 0, {}, {}, {}, -EINVAL, "an address is needed" },
	{ CMD(DEV_RELEASE), 0, { DEV(GENERATION) }, {}, { 1 }, -EINVAL,
	  "an address is needed" },
	{ CMD(GROUP_GET), 0, {}, {}, {}, -EINVAL, "number of a group is needed" },
	/* Filters are for dumps, and addresses are not. */
	{ CMD(DEV_GET), DUMP, { DEV(ADDRESS) }, { ABSENT }, {}, -EINVAL, "without it" },
	{ CMD(DEV_GET), DUMP, { DEV(STATE), DEV(ADDRESS) }, { NULL, ABSENT }, { 1 },
	  -EINVAL, "without it" },
	{ CMD(DEV_GET), 0, { DEV(STATE) }, {}, { 1 }, -EINVAL, "for dumps" },
	{ CMD(DEV_GET), 0, { DEV(ADDRESS), DEV(STATE) }, { ABSENT }, { 0, 1 }, -EINVAL,
	  "for dumps" },
	{ CMD(DEV_GET), 0, { DEV(ADDRESS), DEV(RULE) }, { ABSENT }, { 0, 1 }, -EINVAL,
	  "for dumps" },
	{ CMD(DEV_GET), 0, { DEV(ADDRESS), DEV(GROUP) }, { ABSENT }, { 0, 1 }, -EINVAL,
	  "for dumps" },
	{ CMD(DEV_GET), 0, { DEV(ADDRESS), DEV(DRIVER) }, { ABSENT, "igb" }, {}, -EINVAL,
	  "for dumps" },
	{ CMD(GROUP_GET), DUMP, { GROUP_ID }, {}, { 1 }, -EINVAL, "without it" },
	/* Twice. */
	{ CMD(DEV_GET), 0, { DEV(ADDRESS), DEV(ADDRESS) }, { ABSENT, ABSENT }, {},
	  -EINVAL, "twice" },
	{ CMD(DEV_GET), DUMP, { DEV(STATE), DEV(STATE) }, {}, { 1, 1 }, -EINVAL, "twice" },
	{ CMD(DEV_CLAIM), 0, { DEV(ADDRESS), DEV(ADDRESS) }, { ABSENT, ABSENT }, {},
	  -EINVAL, "twice" },
	{ CMD(DEV_RELEASE), 0, { DEV(ADDRESS), DEV(ADDRESS) }, { ABSENT, ABSENT }, {},
	  -EINVAL, "twice" },
	{ CMD(GROUP_GET), 0, { GROUP_ID, GROUP_ID }, {}, { 1, 1 }, -EINVAL, "twice" },
	/* Out of range, or too long. */
	{ CMD(DEV_GET), DUMP, { DEV(STATE) }, {}, { VFIOPOLICY_STATE_GONE + 1 }, -ERANGE, "" },
	{ CMD(DEV_GET), DUMP, { DEV(RULE) }, {}, { 0 }, -ERANGE, "" },
	{ CMD(DEV_GET), DUMP, { DEV(DRIVER) }, { LONG }, {}, -EINVAL, "" },
	{ CMD(DEV_CLAIM), 0, { DEV(ADDRESS), DEV(GENERATION) }, { ABSENT }, { 0, 0 },
	  -ERANGE, "" },
	{ CMD(DEV_CLAIM), 0, { DEV(ADDRESS) }, { LONG }, {}, -EINVAL, "" },
	/* Of the family, but not in this request. */
	{ CMD(INFO_GET), 0, { VFIOPOLICY_A_INFO_VERSION }, { "1" }, {}, -EINVAL, "" },
	{ CMD(INFO_GET), 0, { VFIOPOLICY_A_INFO_EVENTS }, {}, { 1 }, -EINVAL, "" },
	{ CMD(STATS_GET), 0, { VFIOPOLICY_A_STATS_CLAIMS }, {}, { 1 }, -EINVAL, "" },
	{ CMD(STATS_GET), 0, { VFIOPOLICY_A_STATS_STUCK }, {}, { 1 }, -EINVAL, "" },
	{ CMD(DEV_GET), DUMP, { DEV(VENDOR) }, {}, { 0x10de }, -EINVAL, "" },
	{ CMD(DEV_GET), DUMP, { DEV(REASON) }, {}, { 1 }, -EINVAL, "" },
	{ CMD(DEV_GET), 0, { DEV(ADDRESS), DEV(GENERATION) }, { ABSENT }, { 0, 1 },
	  -EINVAL, "" },
	{ CMD(DEV_CLAIM), 0, { DEV(ADDRESS), DEV(STATE) }, { ABSENT }, { 0, 1 }, -EINVAL, "" },
	{ CMD(DEV_RELEASE), 0, { DEV(ADDRESS), DEV(RULE) }, { ABSENT }, { 0, 1 }, -EINVAL, "" },
	{ CMD(GROUP_GET), 0, { GROUP_ID, VFIOPOLICY_A_GROUP_DOMAIN }, {}, { 1, 1 }, -EINVAL, "" },
	{ CMD(GROUP_GET), DUMP, { VFIOPOLICY_A_GROUP_VIABILITY }, {}, { 1 }, -EINVAL, "" },
};

/* The other way of asking, which there is not: no word can be expected. */
static const struct refusal no_such[] = {
	{ .cmd = CMD(INFO_GET), .flags = DUMP },
	{ .cmd = CMD(STATS_GET), .flags = DUMP },
	{ .cmd = CMD(RULE_GET) },
	{ .cmd = CMD(RULE_ADD), .flags = DUMP },
	{ .cmd = CMD(DEV_CLAIM), .flags = DUMP },
	{ .cmd = CMD(DEV_RELEASE), .flags = DUMP },
	{ .cmd = CMD(DEV_NTF) },
	{ .cmd = CMD(RULE_ADD_NTF), .flags = DUMP },
	{ .cmd = CMD(STATS_GET) + 1 },
};

static int try(struct nl *nl, const struct refusal *refusal)
{
	int i;

	nl_begin(nl, &msg, refusal->cmd, refusal->flags);
	for (i = 0; i < 2 && refusal->type[i]; i++) {
		if (refusal->text[i])
			nl_put_str(&msg, refusal->type[i], refusal->text[i]);
		else
			nl_put_u32(&msg, refusal->type[i], refusal->value[i]);
	}
	return nl_call(nl, &msg, NULL, NULL);
}

TEST_F(family, each_refusal_says_why)
{
	size_t i, own = 0, mute = 0;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *refusal = &refusals[i];

		EXPECT_EQ(try(&self->nl, refusal), refusal->ret) {
			TH_LOG("refusal %zu, command %u", i, refusal->cmd);
		}
		/* Of a dump, by the module itself: 6.1 has no place for its words. */
		if (refusal->flags && refusal->why[0]) {
			own++;
			mute += !self->nl.extack[0];
			if (!self->nl.extack[0])
				continue;
		}
		EXPECT_STRNE(self->nl.extack, "") {
			TH_LOG("refusal %zu, command %u", i, refusal->cmd);
		}
		EXPECT_NE(strstr(self->nl.extack, refusal->why), NULL) {
			TH_LOG("refusal %zu: '%s'", i, self->nl.extack);
		}
		/* Whatever is there can be pointed at. */
		if (refusal->type[0] && !strstr(refusal->why, "needed"))
			EXPECT_NE(self->nl.bad_attr, 0U) {
				TH_LOG("refusal %zu", i);
			}
	}
	/* By the kernel, not by the refusal. */
	EXPECT_NE(own, 0U);
	EXPECT_TRUE(!mute || mute == own);
	for (i = 0; i < sizeof(no_such) / sizeof(no_such[0]); i++)
		EXPECT_EQ(try(&self->nl, &no_such[i]), -EOPNOTSUPP) {
			TH_LOG("command %u", no_such[i].cmd);
		}
}

TEST_HARNESS_MAIN
