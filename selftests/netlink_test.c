// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family's answers to good and bad requests. Needs the module loaded
 * without rules; nothing here needs a device to be present. Each refusal must
 * carry an extended ack, and must have changed nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vfiopolicy.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/syscall.h>

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

	/* Dumps take no filters yet: one that is not obeyed is refused. */
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

/* Thousands of calls, emulated: the default limit is for handfuls. */
TEST_F_TIMEOUT(family, holds_as_many_rules_as_it_says_and_no_more, 300)
{
	char text[64];
	int i, n = 0;

	for (i = 0; i < VFIOPOLICY_RULES_MAX; i++) {
		snprintf(text, sizeof(text), "hold fffe:%04x", i);
		ASSERT_EQ(add(&self->nl, text, NULL, NULL), 0);
	}
	EXPECT_EQ(add(&self->nl, "vfio dead:beef", NULL, NULL), -ENOSPC);
	EXPECT_STRNE(self->nl.extack, "");
	/* Many datagrams, no repeat and no hole. */
	n = rules(&self->nl);
	EXPECT_EQ(n, VFIOPOLICY_RULES_MAX);
	for (i = 0; i < VFIOPOLICY_RULES_MAX; i++) {
		snprintf(text, sizeof(text), "hold fffe:%04x", i);
		ASSERT_EQ(del(&self->nl, text), 0);
	}
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

static int without_capability(struct __test_metadata *_metadata, struct nl *nl)
{
	EXPECT_EQ(add(nl, "vfio dead:beef", NULL, NULL), -EPERM);
	EXPECT_NE(strstr(nl->extack, "CAP_SYS_ADMIN"), NULL);
	EXPECT_EQ(del(nl, "vfio dead:beef"), -EPERM);
	EXPECT_NE(strstr(nl->extack, "CAP_SYS_ADMIN"), NULL);
	/* Reading is for all. */
	EXPECT_EQ(rules(nl), 0);
	return 0;
}

TEST_F(family, root_without_sys_admin_may_only_read)
{
	struct nl nl;

	ASSERT_EQ(drop_sys_admin(), 0);
	ASSERT_EQ(nl_open(&nl), 0);
	without_capability(_metadata, &nl);
	EXPECT_NE(nl_join(&nl), 0);
	nl_close(&nl);
}

TEST_F(family, ordinary_user_may_only_read)
{
	struct nl nl;

	ASSERT_EQ(setuid(65534), 0);
	ASSERT_EQ(nl_open(&nl), 0);
	without_capability(_metadata, &nl);
	EXPECT_EQ(nl_join(&nl), -EPERM);
	nl_close(&nl);
}

TEST_F(family, root_of_a_user_namespace_may_only_read)
{
	struct nl nl;

	ASSERT_EQ(unshare(CLONE_NEWUSER), 0);
	ASSERT_EQ(nl_open(&nl), 0);
	without_capability(_metadata, &nl);
	nl_close(&nl);
}

TEST_F(family, another_network_namespace_has_no_such_family)
{
	struct nl nl;

	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	EXPECT_EQ(nl_open(&nl), -ENOENT);
}

TEST_HARNESS_MAIN
