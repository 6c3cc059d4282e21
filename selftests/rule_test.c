// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plain C of the module, in user space under ASan and UBSan: the rule
 * language, the table, the states.
 */
#include "kselftest_harness.h"
#include "policy.h"
#include "rule.h"
#include "state.h"

static int parse(const char *text, struct vp_rule *rule, struct vp_error *err)
{
	/* A copy without a NUL, so that a read too far is found. */
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);
	int ret;

	memcpy(copy, text, len);
	ret = vp_rule_parse(copy, len, rule, err);
	free(copy);
	return ret;
}

TEST(rules_print_in_their_canonical_form)
{
	static const struct {
		const char *text;
		const char *canonical;
	} rules[] = {
		{ "vfio 10de:1b39", "vfio 10de:1b39" },
		{ "\thold  10DE:1B39 ", "hold 10de:1b39" },
		{ "vfio de:39", "vfio 00de:0039" },
		{ "vfio 5:0.1", "vfio 0000:05:00.1" },
		{ "vfio 10000:05:1f.7", "vfio 10000:05:1f.7" },
		{ "vfio ffffffff:ff:1f.7", "vfio ffffffff:ff:1f.7" },
		{ "vfio 144d:a80a 0000:05:00.0", "vfio 0000:05:00.0 144d:a80a" },
		{ "vfio 10de:*", "vfio 10de:*" },
		{ "vfio *:1b39", "vfio *:1b39" },
		{ "vfio 1:2:3:4", "vfio 0001:0002:0003:0004" },
		{ "vfio 1:2:*:4", "vfio 0001:0002:*:0004" },
		{ "vfio 1:2:*:*", "vfio 0001:0002" },
		{ "vfio class=030200", "vfio class=030200" },
		{ "vfio class=0302", "vfio class=030200/ffff00" },
		{ "vfio class=03", "vfio class=030000/ff0000" },
		{ "vfio class=0302ff/ffff00", "vfio class=030200/ffff00" },
		{ "vfio class=000003/f 10de:*", "vfio 10de:* class=000003/00000f" },
	};
	struct vp_rule rule, again;
	struct vp_error err;
	char buf[80];
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		ASSERT_EQ(parse(rules[i].text, &rule, &err), 0);
		n = vp_rule_print(&rule, buf, sizeof(buf));
		EXPECT_STREQ(buf, rules[i].canonical);
		EXPECT_EQ(n, (int)strlen(buf));
		ASSERT_EQ(parse(buf, &again, &err), 0);
		EXPECT_TRUE(vp_rule_same(&rule, &again));
	}
}

TEST(every_prefix_and_every_flipped_byte_is_safe)
{
	static const char text[] =
		"vfio ffffffff:ff:1f.7 10de:1b39:*:0001 class=0302ff/ffff00";
	struct vp_rule rule, again;
	struct vp_error err;
	char buf[sizeof(text)], out[80];
	size_t len, at;
	int byte;

	for (len = 0; len < sizeof(text); len++) {
		memcpy(buf, text, len);
		buf[len] = '\0';
		if (parse(buf, &rule, &err))
			EXPECT_LE(err.at, len);
	}
	for (at = 0; at < sizeof(text) - 1; at++) {
		for (byte = 1; byte < 256; byte++) {
			memcpy(buf, text, sizeof(text));
			buf[at] = byte;
			if (parse(buf, &rule, &err)) {
				ASSERT_LE(err.at, sizeof(text) - 1);
				ASSERT_NE(err.want, NULL);
				continue;
			}
			vp_rule_print(&rule, out, sizeof(out));
			ASSERT_EQ(parse(out, &again, &err), 0);
			ASSERT_TRUE(vp_rule_same(&rule, &again));
		}
	}
}

TEST(printing_stays_in_its_buffer)
{
	char small[10], whole[80];
	struct vp_rule rule;
	struct vp_error err;
	size_t size;

	ASSERT_EQ(parse("vfio ffffffff:ff:1f.7 1:2:3:4 class=000001/7fffff", &rule,
			&err), 0);
	ASSERT_LT(vp_rule_print(&rule, whole, sizeof(whole)), 79);
	for (size = 1; size <= sizeof(small); size++) {
		memset(small, 'x', sizeof(small));
		vp_rule_print(&rule, small, size);
		EXPECT_EQ(strlen(small), size - 1);
		EXPECT_EQ(strncmp(small, whole, size - 1), 0);
	}
}

static const struct vp_facts drive = {
	.domain = 0, .bus = 5, .devfn = 0, .vendor = 0x144d, .device = 0xa80a,
	.subvendor = 0x144d, .subdevice = 0xa801, .class = 0x010802,
};

TEST(selectors_must_all_hold)
{
	static const struct {
		const char *text;
		bool drive;
		bool vf;
	} rules[] = {
		{ "vfio 144d:a80a", true, true },
		{ "vfio 144d:a80b", false, false },
		{ "vfio 144d:*", true, false },
		{ "vfio *:a80a", true, false },
		{ "vfio 144d:a80a:144d:a801", true, true },
		{ "vfio 144d:a80a:144d:a802", false, false },
		{ "vfio 144d:a80a:*:a801", true, true },
		{ "vfio 0000:05:00.0", true, true },
		{ "vfio 0001:05:00.0", false, false },
		{ "vfio 0000:05:00.1", false, false },
		{ "vfio 0000:05:00.0 144d:a80a", true, true },
		{ "vfio 0000:05:00.0 144d:*", true, true },
		{ "vfio 0000:05:00.0 10de:1b39", false, false },
		{ "vfio class=010802", true, false },
		{ "vfio class=010800/ffff00", true, false },
		{ "vfio class=010801", false, false },
		{ "vfio 144d:a80a class=010802", true, true },
	};
	struct vp_facts vf = drive;
	struct vp_rule rule;
	struct vp_error err;
	size_t i;

	vf.vf = true;
	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		ASSERT_EQ(parse(rules[i].text, &rule, &err), 0);
		EXPECT_EQ(vp_rule_match(&rule, &drive), rules[i].drive) {
			TH_LOG("%s", rules[i].text);
		}
		EXPECT_EQ(vp_rule_match(&rule, &vf), rules[i].vf) {
			TH_LOG("%s, of a VF", rules[i].text);
		}
	}
}

TEST(ids_are_those_of_vfio_pci)
{
	static const struct {
		const char *text;
		const char *rule;
	} ids[] = {
		{ "10de:1b39", "vfio 10de:1b39" },
		{ "0x10de:0X1b39", "vfio 10de:1b39" },
		{ "10de:1b39:1", "vfio 10de:1b39:0001:*" },
		{ "10de:1b39:1:2", "vfio 10de:1b39:0001:0002" },
		{ "10de:ffffffff", "vfio 10de:*" },
		{ "10de:1b39:ffffffff:ffffffff:30200", "vfio 10de:1b39" },
		{ "10de:ffffffff:ffffffff:ffffffff:30200:ffff00",
		  "vfio 10de:* class=030200/ffff00" },
		{ "", NULL }, { "10de", NULL }, { "10de:", NULL },
		{ "10de:1b39:", NULL }, { "10de:1b39 ", NULL },
		{ "110de:1b39", NULL }, { "ffffffff:ffffffff", NULL },
		{ "1:2:3:4:5:6:7", NULL }, { "1:2:3:4:1000000", NULL },
		{ "10de:*", NULL },
	};
	struct vp_error err;
	struct vp_rule rule;
	char buf[80];
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ret = vp_rule_parse_id(ids[i].text, strlen(ids[i].text), &rule,
				       &err);
		EXPECT_EQ(ret, ids[i].rule ? 0 : -EINVAL) {
			TH_LOG("%s", ids[i].text);
		}
		if (ret)
			continue;
		vp_rule_print(&rule, buf, sizeof(buf));
		EXPECT_STREQ(buf, ids[i].rule ? ids[i].rule : "");
	}
}

TEST(lists_are_taken_apart)
{
	static const char text[] = " ; vfio 1:2;\n\thold 3:4 ;;";
	const char *pos = text, *one;
	size_t len;

	one = vp_rule_next(&pos, text + strlen(text), ";\n", &len);
	ASSERT_NE(one, NULL);
	EXPECT_EQ(len, 8);
	EXPECT_EQ(strncmp(one, "vfio 1:2", len), 0);
	one = vp_rule_next(&pos, text + strlen(text), ";\n", &len);
	ASSERT_NE(one, NULL);
	EXPECT_EQ(strncmp(one, "hold 3:4", len), 0);
	EXPECT_EQ(len, 8);
	EXPECT_EQ(vp_rule_next(&pos, text + strlen(text), ";\n", &len), NULL);
	pos = NULL;
	EXPECT_EQ(vp_rule_next(&pos, NULL, ";", &len), NULL);
}

static struct vp_table *with(struct vp_table *table, u32 id,
			     enum vfiopolicy_origin origin, const char *text)
{
	struct vp_entry entry = { .id = id, .origin = origin };
	struct vp_table *next;
	struct vp_error err;

	if (parse(text, &entry.rule, &err))
		abort();
	next = vp_policy_with(table, &entry);
	free(table);
	return next;
}

TEST(the_first_rule_that_matches_has_the_say)
{
	struct vp_table *table = NULL, *less;
	struct vp_error err;
	struct vp_rule rule;

	table = with(table, 1, VFIOPOLICY_ORIGIN_CMDLINE, "vfio 10de:1b39");
	table = with(table, 4, VFIOPOLICY_ORIGIN_FILE, "hold 0000:05:00.0");
	table = with(table, 5, VFIOPOLICY_ORIGIN_RUNTIME, "vfio 144d:a80a");
	table = with(table, 9, VFIOPOLICY_ORIGIN_FILE, "vfio 144d:a80a");
	ASSERT_EQ(table->count, 4);
	EXPECT_EQ(vp_policy_match(table, &drive)->id, 4);
	EXPECT_EQ(vp_policy_find_id(table, 9)->id, 9);
	EXPECT_EQ(vp_policy_find_id(table, 2), NULL);
	EXPECT_EQ(vp_policy_find_id(table, 10), NULL);

	ASSERT_EQ(parse("vfio 144d:a80a", &rule, &err), 0);
	EXPECT_EQ(vp_policy_find(table, &rule, VFIOPOLICY_ORIGIN_FILE)->id, 9);
	EXPECT_EQ(vp_policy_find(table, &rule, VFIOPOLICY_ORIGIN_CMDLINE), NULL);
	EXPECT_EQ(vp_policy_conflict(table, &rule), NULL);
	rule.action = VP_HOLD;
	EXPECT_EQ(vp_policy_conflict(table, &rule)->id, 5);
	rule.action = VP_VFIO;

	less = vp_policy_without(table, NULL, 4);
	EXPECT_EQ(vp_policy_match(less, &drive)->id, 5);
	EXPECT_EQ(less->count, 3);
	free(less);
	less = vp_policy_without(table, &rule, 0);
	EXPECT_EQ(less->count, 2);
	EXPECT_EQ(vp_policy_match(less, &drive)->id, 4);
	free(less);
	free(table);
	table = vp_policy_with(NULL, NULL);
	EXPECT_EQ(table->count, 0);
	EXPECT_EQ(vp_policy_match(table, &drive), NULL);
	free(table);
}

/* The arcs of the comment in state.c, once more, by hand. */
TEST(states_follow_the_table_and_nothing_else)
{
	static const char * const arcs[] = {
		[VFIOPOLICY_STATE_MATCHED] = "matched held isolated native lost releasing gone ",
		[VFIOPOLICY_STATE_HELD] = "held handing-off releasing matched gone ",
		[VFIOPOLICY_STATE_HANDING_OFF] = "handing-off isolated held matched lost gone ",
		[VFIOPOLICY_STATE_ISOLATED] = "isolated releasing matched gone ",
		[VFIOPOLICY_STATE_RELEASING] = "releasing released matched held isolated lost gone ",
		[VFIOPOLICY_STATE_RELEASED] = "",
		[VFIOPOLICY_STATE_NATIVE] = "native matched released gone ",
		[VFIOPOLICY_STATE_LOST] = "lost matched isolated released gone ",
		[VFIOPOLICY_STATE_GONE] = "",
	};
	struct vp_status status;
	char word[32];
	int from, to;
	bool may;

	for (from = -1; from <= VFIOPOLICY_STATE_GONE; from++) {
		for (to = 0; to <= VFIOPOLICY_STATE_GONE; to++) {
			status.born = from >= 0;
			status.state = from >= 0 ? from : 0;
			status.reason = VFIOPOLICY_REASON_NONE;
			snprintf(word, sizeof(word), "%s ", vp_state_name(to));
			may = strstr(from >= 0 ? arcs[from] : "matched native ",
				     word);
			EXPECT_EQ(vp_state_move(&status, to,
						VFIOPOLICY_REASON_UNBOUND),
				  may ? 0 : -EINVAL) {
				TH_LOG("%d to %d", from, to);
			}
			EXPECT_EQ(status.reason == VFIOPOLICY_REASON_UNBOUND, may);
		}
	}
	EXPECT_STREQ(vp_state_name(99), "unknown");
}

TEST_HARNESS_MAIN
