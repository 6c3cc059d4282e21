// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of rules, in user space under ASan and UBSan, from the module's own
 * source. Linked with -Wl,--wrap=calloc, so that memory can run out.
 */
#include "kselftest_harness.h"
#include "rule_test.h"
#include "fuzz/model.h"
#include "fuzz/small_rule.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#define RUNTIME	VFIOPOLICY_ORIGIN_RUNTIME
#define FILES	VFIOPOLICY_ORIGIN_FILE
#define CMDLINE	VFIOPOLICY_ORIGIN_CMDLINE

#define HOST	"4c4c4544-0042-3510-8052-b4c04f4a3632"
#define OTHER_HOST "00000000-0000-0000-0000-00000000000a"

/* How many allocations there are until the first that fails; -1: none does. */
static int until_failure = -1;

#pragma weak __real_calloc
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	if (until_failure >= 0 && !until_failure--)
		return NULL;
	return __real_calloc(n, size);
}

/* Tests end by _exit(), where nobody looks for what was not freed. */
static bool leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __lsan_do_recoverable_leak_check();
#else
	return false;
#endif
}

static struct vp_entry *new_entry(const char *text, enum vfiopolicy_origin origin,
				  u32 id)
{
	struct vp_rule rule = must_parse(text);
	struct vp_entry *entry = vp_entry_new(&rule, origin);

	if (!entry)
		abort();
	entry->id = id;
	return entry;
}

/* The next table instead of this one, with the reference given to it alone. */
static struct vp_table *add(struct vp_table *table, u32 id,
			    enum vfiopolicy_origin origin, const char *text)
{
	struct vp_entry *entry = new_entry(text, origin, id);
	struct vp_table *next = vp_policy_with(table, entry);

	if (!next)
		abort();
	vp_entry_put(entry);
	vp_policy_free(table);
	return next;
}

/* The numbers of the rules in their order, as "3 1 2". */
static const char *numbers(const struct vp_table *table, char *buf, size_t size)
{
	int len = 0;
	u32 i;

	buf[0] = '\0';
	for (i = 0; i < table->count; i++)
		len += snprintf(buf + len, size - len, "%s%u", i ? " " : "",
				table->entries[i]->id);
	return buf;
}

static u32 match_id(const struct vp_table *table, const struct vp_facts *facts,
		    enum vp_fit wanted)
{
	enum vp_fit fit = 99;
	const struct vp_entry *entry = vp_policy_match(table, facts, &fit);

	if (fit != wanted)
		return ~0u;
	return entry ? entry->id : 0;
}

/* The number of the rule that says this and came from there; 0: there is none. */
static u32 find_id(const struct vp_table *table, const char *text,
		   enum vfiopolicy_origin origin)
{
	struct vp_entry *like = new_entry(text, origin, 0);
	const struct vp_entry *entry = vp_policy_find(table, like);

	vp_entry_put(like);
	return entry ? entry->id : 0;
}

static const struct vp_facts drive = {
	.bus = 5, .devfn = 0, .depth = 2, .above = { { 4, 0x08 }, { 0, 0xe4 } },
	.vendor = 0x144d, .device = 0xa80a, .subvendor = 0x144d,
	.subdevice = 0xa801, .class = 0x010802,
};

TEST(an_empty_table_names_nothing)
{
	struct vp_table *table = vp_policy_empty();
	struct vp_entry *entry = new_entry("vfio 1:2 name=a", FILES, 1);

	ASSERT_NE(table, NULL);
	EXPECT_EQ(table->count, 0);
	EXPECT_FALSE(table->dsn);
	EXPECT_EQ(match_id(table, &drive, VP_FIT_NONE), 0);
	EXPECT_EQ(vp_policy_find(table, entry), NULL);
	EXPECT_EQ(vp_policy_find_id(table, 1), NULL);
	EXPECT_EQ(vp_policy_conflict(table, entry), NULL);
	EXPECT_FALSE(vp_policy_has(table, entry));
	vp_policy_free(table);
	vp_policy_free(NULL);
	vp_entry_put(entry);
	vp_entry_put(NULL);
	EXPECT_FALSE(leaks());
}

TEST(leave_goes_first_then_runtime_file_and_cmdline)
{
	struct vp_table *table = vp_policy_empty();
	char buf[80];
	u32 i;

	/* All name the drive, by different words. */
	table = add(table, 1, CMDLINE, "vfio 144d:*");
	table = add(table, 2, CMDLINE, "leave 144d:*");
	table = add(table, 3, FILES, "hold 144d:a80a");
	table = add(table, 4, RUNTIME, "vfio 5:0.0");
	table = add(table, 5, FILES, "leave at=0:1c.4/1.0/0.0");
	table = add(table, 6, FILES, "vfio 144d:a80a class=nvme");
	table = add(table, 7, RUNTIME, "leave class=nvme");
	table = add(table, 8, RUNTIME, "hold *:a80a");
	table = add(table, 9, CMDLINE, "hold at=4:1.0/0.0");
	table = add(table, 10, FILES, "leave 144d:a80a");
	EXPECT_STREQ(numbers(table, buf, sizeof(buf)), "7 5 10 2 4 8 3 6 1 9");

	/* Each is the best when those in front of it are gone. */
	while (table->count) {
		struct vp_table *less;

		i = table->entries[0]->id;
		EXPECT_EQ(match_id(table, &drive, VP_FIT_MATCH), i);
		less = vp_policy_without(table, NULL, i);
		ASSERT_EQ(less->count, table->count - 1);
		vp_policy_free(table);
		table = less;
	}
	EXPECT_EQ(match_id(table, &drive, VP_FIT_NONE), 0);
	vp_policy_free(table);
	EXPECT_FALSE(leaks());
}

/* One rule, in the midst of others that are found in other ways. */
TEST(a_rule_is_found_whatever_it_goes_by)
{
	static const char *const others[] = {
		"vfio 10de:1b39", "vfio 6:0.0", "vfio at=0:1c.5/0.0",
		"vfio at=0:1c.4/1.0/1.0", "vfio 10de:*", "vfio class=3d",
		"vfio vfs-of=5:0.0", "vfio 144d:a80b", "vfio 1:5:0.0",
		"vfio at=5:0.1", "vfio dsn=0000000000000007",
	};
	static const char *const rules[] = {
		"vfio 5:0.0", "vfio 5:0.0 144d:a80a", "vfio 5:*.*", "vfio 5:0.*",
		"vfio at=0:1c.4/1.0/0.0", "vfio at=4:1.0/0.0", "vfio at=5:0.0",
		"vfio at=0:1c.4/1.0/*.0", "vfio 5:*.* at=4:1.0/0.0",
		"vfio 5:0.0 at=4:1.0/*.*", "vfio 5:0.0 at=0:1c.4/1.0/0.0",
		"vfio 144d:a80a", "vfio 144d:*", "vfio *:a80a", "vfio *:*:144d:*",
		"vfio 144d:a80a:144d:a801", "vfio class=nvme", "vfio class=storage",
		"vfio class=nvme 144d:a80a", "vfio 5:*.* 144d:a80a",
		"vfio 144d:a80a except=10de:*", "vfio external",
		"vfio dsn=0000000000000009", "vfio dsn=0000000000000009 144d:a80a",
	};
	struct vp_facts facts = drive;
	struct vp_table *table;
	size_t i, j;

	facts.external = true;
	facts.dsn = 9;
	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		table = vp_policy_empty();
		for (j = 0; j < ARRAY_SIZE(others); j++)
			table = add(table, 100 + j, FILES, others[j]);
		EXPECT_EQ(match_id(table, &facts, VP_FIT_NONE), 0);
		EXPECT_TRUE(table->dsn);
		table = add(table, 1, FILES, rules[i]);
		EXPECT_EQ(match_id(table, &facts, VP_FIT_MATCH), 1) {
			TH_LOG("%s", rules[i]);
		}
		vp_policy_free(table);
	}
	table = add(vp_policy_empty(), 1, FILES, "vfio 5:0.0");
	EXPECT_FALSE(table->dsn);
	table = add(table, 2, FILES, "vfio 10de:* except=dsn=0000000000000007");
	EXPECT_TRUE(table->dsn);
	vp_policy_free(table);
	EXPECT_FALSE(leaks());
}

TEST(vfs_are_found)
{
	struct vp_facts vf = {
		.bus = 4, .devfn = 0x82, .depth = 1, .above = { { 0, 0x08 } },
		.vf = true, .pf_bus = 3, .vf_index = 1, .vendor = 0x8086,
		.device = 0x10ca, .class = 0x020000,
	};
	struct vp_table *table = vp_policy_empty();

	table = add(table, 1, CMDLINE, "vfio 8086:*");
	table = add(table, 2, CMDLINE, "vfio vfs-of=3:0.0/2-3");
	EXPECT_EQ(match_id(table, &vf, VP_FIT_NONE), 0);
	table = add(table, 3, CMDLINE, "vfio class=network vfs");
	EXPECT_EQ(match_id(table, &vf, VP_FIT_MATCH), 3);
	table = add(table, 4, FILES, "vfio 8086:10ca");
	EXPECT_EQ(match_id(table, &vf, VP_FIT_MATCH), 4);
	table = add(table, 5, RUNTIME, "vfio vfs-of=0:1.0/0.0/1");
	EXPECT_EQ(match_id(table, &vf, VP_FIT_MATCH), 5);
	table = add(table, 6, FILES, "leave 4:10.2");
	EXPECT_EQ(match_id(table, &vf, VP_FIT_MATCH), 6);
	vp_policy_free(table);
	EXPECT_FALSE(leaks());
}

TEST(what_changed_at_its_place_is_known)
{
	struct vp_table *table = vp_policy_empty();

	/* Neither does what would be left anyhow, nor a choice of places. */
	table = add(table, 1, FILES, "leave 5:0.0 10de:1b39");
	table = add(table, 2, FILES, "vfio 5:*.* 10de:1b39");
	EXPECT_EQ(match_id(table, &drive, VP_FIT_NONE), 0);

	/* The first of two. */
	table = add(table, 3, CMDLINE, "hold at=4:1.0/0.0 10de:1b39");
	EXPECT_EQ(match_id(table, &drive, VP_FIT_CHANGED), 3);
	table = add(table, 4, FILES, "vfio 5:0.0 10de:1b39");
	EXPECT_EQ(match_id(table, &drive, VP_FIT_CHANGED), 4);

	/* Any that matches has the say, even behind it. */
	table = add(table, 5, CMDLINE, "vfio class=nvme");
	EXPECT_EQ(match_id(table, &drive, VP_FIT_MATCH), 5);

	/* changed=hold in its turn, by any way of finding it. */
	table = add(table, 6, CMDLINE, "vfio 5:0.0 10de:1b3a changed=hold");
	EXPECT_EQ(match_id(table, &drive, VP_FIT_MATCH), 5);
	table = add(table, 7, FILES, "vfio 5:*.* 10de:1b3b changed=hold");
	EXPECT_EQ(match_id(table, &drive, VP_FIT_CHANGED), 7);
	table = add(table, 8, RUNTIME, "vfio at=0:1c.4/1.0/0.0 class=3d changed=hold");
	EXPECT_EQ(match_id(table, &drive, VP_FIT_CHANGED), 8);
	table = add(table, 9, CMDLINE, "leave 144d:a80a");
	EXPECT_EQ(match_id(table, &drive, VP_FIT_MATCH), 9);
	vp_policy_free(table);
	EXPECT_FALSE(leaks());
}

TEST(tables_keep_numbers_and_references)
{
	struct vp_entry *a = new_entry("vfio 1:2", RUNTIME, 1);
	struct vp_entry *b = new_entry("vfio 1:2", FILES, 2);
	struct vp_entry *c = new_entry("leave 3:4 name=c", FILES, 3);
	struct vp_entry *more[] = {
		new_entry("vfio 5:6", FILES, 4), new_entry("leave 7:8", FILES, 5),
		new_entry("vfio 1:2", FILES, 6), new_entry("vfio 5:6", FILES, 7),
	};
	struct vp_table *empty = vp_policy_empty(), *one, *two, *three, *other;
	char buf[80];
	size_t i;

	one = vp_policy_with(empty, a);
	two = vp_policy_with(one, b);
	three = vp_policy_with(two, c);
	EXPECT_STREQ(numbers(three, buf, sizeof(buf)), "3 1 2");
	EXPECT_EQ(a->refs.refs, 4);
	EXPECT_EQ(b->refs.refs, 3);
	EXPECT_EQ(c->refs.refs, 2);
	/* Those before are as they were. */
	EXPECT_EQ(empty->count, 0);
	EXPECT_STREQ(numbers(one, buf, sizeof(buf)), "1");
	EXPECT_STREQ(numbers(two, buf, sizeof(buf)), "1 2");

	/* By text goes what says so, wherever it came from. */
	other = vp_policy_without(three, "vfio 0001:0002", 3);
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "3");
	vp_policy_free(other);
	other = vp_policy_without(three, "vfio 1:2", 0);
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "3 1 2");
	vp_policy_free(other);
	other = vp_policy_without(three, NULL, 9);
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "3 1 2");
	vp_policy_free(other);
	other = vp_policy_without(three, NULL, 2);
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "3 1");
	EXPECT_EQ(b->refs.refs, 3);
	EXPECT_EQ(c->refs.refs, 3);
	vp_policy_free(other);

	/* One origin alone; of rules that are alike the first. */
	other = vp_policy_replace(three, FILES, more, ARRAY_SIZE(more));
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "5 1 4 6");
	EXPECT_EQ(more[0]->refs.refs, 2);
	EXPECT_EQ(more[3]->refs.refs, 1);
	vp_policy_free(other);
	/* An entry of the table itself may be among those that come. */
	other = vp_policy_replace(three, FILES, &c, 1);
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "3 1");
	EXPECT_EQ(c->refs.refs, 3);
	EXPECT_EQ(b->refs.refs, 3);
	vp_policy_free(other);
	other = vp_policy_replace(three, RUNTIME, NULL, 0);
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "3 2");
	vp_policy_free(other);
	other = vp_policy_replace(three, CMDLINE, NULL, 0);
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "3 1 2");
	vp_policy_free(other);

	/* What is there already is not there twice. */
	other = vp_policy_with(three, more[2]);
	EXPECT_STREQ(numbers(other, buf, sizeof(buf)), "3 1 2");
	EXPECT_TRUE(vp_policy_has(other, b));
	EXPECT_FALSE(vp_policy_has(other, more[2]));
	vp_policy_free(other);

	EXPECT_EQ(vp_entry_get(a), a);
	EXPECT_EQ(a->refs.refs, 5);
	vp_entry_put(a);
	vp_policy_free(empty);
	vp_policy_free(one);
	vp_policy_free(two);
	EXPECT_EQ(a->refs.refs, 2);
	vp_entry_put(a);
	vp_entry_put(b);
	vp_entry_put(c);
	/* The table alone has them now. */
	EXPECT_EQ(vp_policy_find_id(three, 1), a);
	EXPECT_STREQ(a->text, "vfio 0001:0002");
	vp_policy_free(three);
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		EXPECT_EQ(more[i]->refs.refs, 1);
		vp_entry_put(more[i]);
	}
	EXPECT_FALSE(leaks());
}

TEST(rules_are_found_by_text_and_number)
{
	struct vp_table *table = vp_policy_empty();

	table = add(table, 3, FILES, "vfio 10de:1b39 name=gpu0");
	table = add(table, 8, CMDLINE, "vfio 10de:1b39 name=gpu0");
	table = add(table, 5, FILES, "leave 10de:*");
	EXPECT_EQ(find_id(table, "vfio 10de:1b39 name=gpu0", FILES), 3);
	EXPECT_EQ(find_id(table, "vfio 10de:1b39 name=gpu0", CMDLINE), 8);
	EXPECT_EQ(find_id(table, "vfio 10de:1b39 name=gpu0", RUNTIME), 0);
	EXPECT_EQ(find_id(table, "vfio 10de:1b39", FILES), 0);
	EXPECT_EQ(find_id(table, "hold 10de:*", FILES), 0);
	EXPECT_EQ(find_id(table, "leave 10de:*", FILES), 5);
	EXPECT_EQ(vp_policy_find_id(table, 3)->id, 3);
	EXPECT_EQ(vp_policy_find_id(table, 5)->origin, FILES);
	EXPECT_EQ(vp_policy_find_id(table, 8)->origin, CMDLINE);
	EXPECT_EQ(vp_policy_find_id(table, 0), NULL);
	EXPECT_EQ(vp_policy_find_id(table, 4), NULL);
	vp_policy_free(table);
	EXPECT_FALSE(leaks());
}

TEST(rules_that_cannot_stand_beside_each_other_are_told)
{
	static const struct {
		const char *text;
		enum vfiopolicy_origin origin;
		u32 with;
	} rules[] = {
		/* the same words, another wish */
		{ "hold 10de:1b39", FILES, 1 },
		{ "leave 10de:1b39", FILES, 1 },
		{ "vfio 10de:1b39 driver=best", FILES, 1 },
		{ "vfio 10de:1b39 name=a", FILES, 1 },
		{ "hold 5:0.0 144d:* except=class=3d", FILES, 2 },
		{ "vfio class=nvme vfs", FILES, 3 },
		{ "hold 10de:1b39 host=" HOST, FILES, 1 },
		{ "vfio 8086:1572 host=" HOST, FILES, 40 },
		/* what is never both heard */
		{ "vfio 8086:1572 host=" OTHER_HOST, FILES, 0 },
		{ "vfio 8086:1572 name=pf host=" OTHER_HOST, FILES, 0 },
		/* another origin, other words, the very same */
		{ "hold 10de:1b39", RUNTIME, 0 },
		{ "hold 10de:1b39:1:2", FILES, 0 },
		{ "hold 10de:*", FILES, 0 },
		{ "vfio 10de:1b39", FILES, 0 },
		{ "vfio 10de:1b39", CMDLINE, 0 },
		{ "hold 5:0.0 144d:*", FILES, 0 },
		{ "vfio class=nvme", FILES, 0 },
		/* names */
		{ "vfio 1:2 name=gpu0", RUNTIME, 4 },
		{ "vfio 1:2 name=gpu0", FILES, 4 },
		{ "vfio 1:2 name=gpu1", FILES, 0 },
		{ "vfio 1:2 name=gpu2", FILES, 0 },
		{ "vfio 1:2 name=n7", RUNTIME, 7 },
		{ "vfio 1:2 name=n39", RUNTIME, 39 },
		{ "vfio 1:2 name=n39", CMDLINE, 0 },
		{ "vfio 10de:1c03 name=gpu0", FILES, 0 },
		{ "vfio 10de:1c03 name=gpu0", RUNTIME, 0 },
	};
	struct vp_table *table = vp_policy_empty();
	const struct vp_entry *found;
	struct vp_entry *entry;
	char text[40];
	size_t i;

	table = add(table, 1, FILES, "vfio 10de:1b39");
	table = add(table, 2, FILES, "vfio 5:0.0 144d:* except=class=3d");
	table = add(table, 3, FILES, "hold class=nvme vfs");
	table = add(table, 4, FILES, "vfio 10de:1c03 name=gpu0");
	/* So many names that each shares its chain with others. */
	for (i = 5; i < 40; i++) {
		snprintf(text, sizeof(text), "vfio 1af4:%zx name=n%zu", i, i);
		table = add(table, i, FILES, text);
	}
	table = add(table, 40, FILES, "leave 8086:1572 name=pf host=" HOST);
	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		entry = new_entry(rules[i].text, rules[i].origin, 99);
		found = vp_policy_conflict(table, entry);
		EXPECT_EQ(found ? found->id : 0, rules[i].with) {
			TH_LOG("%s", rules[i].text);
		}
		/* Which of them was first. */
		EXPECT_EQ(vp_policy_conflict_before(table, entry), found);
		entry->id = rules[i].with + 1;
		EXPECT_EQ(vp_policy_conflict_before(table, entry), found);
		entry->id = rules[i].with;
		EXPECT_EQ(vp_policy_conflict_before(table, entry), NULL);
		vp_entry_put(entry);
	}
	for (i = 0; i < table->count; i++)
		EXPECT_EQ(vp_policy_conflict(table, table->entries[i]), NULL);
	vp_policy_free(table);
	EXPECT_FALSE(leaks());
}

TEST(memory_may_run_out)
{
	struct vp_rule rule = must_parse("vfio 1:2");
	struct vp_table *table;
	struct vp_entry *entry;

	if (!__real_calloc)
		SKIP(return, "not linked with -Wl,--wrap=calloc");
	table = vp_policy_empty();
	entry = new_entry("vfio 3:4", FILES, 1);
	table = add(table, 2, FILES, "vfio 5:6");
	until_failure = 0;
	EXPECT_EQ(vp_entry_new(&rule, FILES), NULL);
	until_failure = 0;
	EXPECT_EQ(vp_policy_empty(), NULL);
	until_failure = 0;
	EXPECT_EQ(vp_policy_with(table, entry), NULL);
	until_failure = 0;
	EXPECT_EQ(vp_policy_without(table, NULL, 2), NULL);
	until_failure = 0;
	EXPECT_EQ(vp_policy_replace(table, FILES, &entry, 1), NULL);
	EXPECT_EQ(until_failure, -1);
	EXPECT_EQ(entry->refs.refs, 1);
	EXPECT_EQ(table->entries[0]->refs.refs, 1);
	vp_entry_put(entry);
	vp_policy_free(table);
	EXPECT_FALSE(leaks());
}

/* As many as there may be, by turns of four kinds. */
static const char *nth_rule(u32 n, char *buf, size_t size)
{
	switch (n % 4) {
	case 0:
		snprintf(buf, size, "vfio %04x:%04x", 0x8000 + n, n);
		break;
	case 1:
		snprintf(buf, size, "leave %x:%02x:%02x.%x", n >> 11, n >> 3 & 0xff,
			 n & 0x1f, n & 7);
		break;
	case 2:
		snprintf(buf, size, "hold at=0:1c.0/%02x.%x/%02x.0 8086:*",
			 n >> 3 & 0x1f, n & 7, n >> 8);
		break;
	default:
		snprintf(buf, size, "vfio vfs-of=%02x:00.0/%u", n >> 8, n & 0xff);
	}
	return buf;
}

static void nth_device(u32 n, struct vp_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->vendor = 0x8086;
	facts->domain = 99;
	switch (n % 4) {
	case 0:
		facts->vendor = 0x8000 + n;
		facts->device = n;
		break;
	case 1:
		facts->domain = n >> 11;
		facts->bus = n >> 3;
		facts->devfn = (n & 0x1f) << 3 | (n & 7);
		break;
	case 2:
		facts->domain = 0;
		facts->depth = 2;
		facts->above[0].devfn = n;
		facts->above[1].devfn = 0xe0;
		facts->devfn = n >> 8 << 3;
		break;
	default:
		facts->domain = 0;
		facts->vf = true;
		facts->pf_bus = n >> 8;
		facts->vf_index = n & 0xff;
	}
}

TEST(there_may_be_4096_rules)
{
	static struct vp_entry *entries[VFIOPOLICY_RULES_MAX];
	struct vp_table *table = vp_policy_empty(), *next;
	struct vp_facts facts;
	enum vp_fit fit;
	char text[80];
	u32 i;

	for (i = 0; i < VFIOPOLICY_RULES_MAX; i++)
		entries[i] = new_entry(nth_rule(i, text, sizeof(text)), FILES, i + 1);
	next = vp_policy_replace(table, FILES, entries, VFIOPOLICY_RULES_MAX);
	ASSERT_NE(next, NULL);
	vp_policy_free(table);
	table = next;
	ASSERT_EQ(table->count, VFIOPOLICY_RULES_MAX);
	for (i = 0; i < VFIOPOLICY_RULES_MAX; i++) {
		nth_device(i, &facts);
		EXPECT_EQ(vp_policy_match(table, &facts, &fit), entries[i]) {
			TH_LOG("%s", entries[i]->text);
		}
		EXPECT_EQ(fit, VP_FIT_MATCH);
		EXPECT_EQ(vp_policy_find(table, entries[i]), entries[i]);
		EXPECT_EQ(vp_policy_conflict(table, entries[i]), NULL);
		EXPECT_TRUE(vp_policy_has(table, entries[i]));
	}
	nth_device(VFIOPOLICY_RULES_MAX, &facts);
	EXPECT_EQ(match_id(table, &facts, VP_FIT_NONE), 0);
	vp_policy_free(table);
	for (i = 0; i < VFIOPOLICY_RULES_MAX; i++) {
		ASSERT_EQ(entries[i]->refs.refs, 1);
		vp_entry_put(entries[i]);
		entries[i] = NULL;
	}
	EXPECT_FALSE(leaks());
}

/* The same numbers every time: xorshift. */
static void fill(u8 *bytes, size_t size, u64 *seed)
{
	while (size--) {
		*seed ^= *seed << 13;
		*seed ^= *seed >> 7;
		*seed ^= *seed << 17;
		*bytes++ = *seed >> 32;
	}
}

/* Rules and devices of few values; the model sorts and asks one by one. */
TEST(the_first_rule_is_what_a_plain_list_finds)
{
	static const u32 lengths[] = { 1, 2, 3, 5, 8, 16, 40, 100, 300 };
	enum vp_fit fit, wanted_fit;
	u32 found[3] = { 0 }, round, i;
	static struct model model;
	struct vp_entry *entry, *wanted;
	struct vp_table *table, *next;
	u64 seed = 0x5eed5eed5eed5eed;
	struct vp_facts facts;
	struct vp_rule rule;
	struct bytes in;
	u8 bytes[64];

	for (round = 0; round < 10 * ARRAY_SIZE(lengths); round++) {
		table = vp_policy_empty();
		model.count = 0;
		for (i = 0; i < lengths[round % ARRAY_SIZE(lengths)]; i++) {
			fill(bytes, sizeof(bytes), &seed);
			in = (struct bytes) { bytes, bytes + sizeof(bytes) };
			small_rule(&in, &rule);
			entry = vp_entry_new(&rule, bytes[63] % 3);
			entry->id = i + 1;
			next = vp_policy_with(table, entry);
			model_with(&model, entry);
			vp_policy_free(table);
			table = next;
			ASSERT_EQ(table->count, model.count);
			vp_entry_put(entry);
		}
		for (i = 0; i < 500; i++) {
			fill(bytes, sizeof(bytes), &seed);
			in = (struct bytes) { bytes, bytes + sizeof(bytes) };
			small_facts(&in, &facts);
			entry = vp_policy_match(table, &facts, &fit);
			wanted = model_match(&model, &facts, &wanted_fit);
			ASSERT_EQ(entry, wanted) {
				TH_LOG("'%s' instead of '%s'", entry ? entry->text : "",
				       wanted ? wanted->text : "");
			}
			ASSERT_EQ(fit, wanted_fit);
			found[fit]++;
		}
		vp_policy_free(table);
	}
	/* Of each there were enough for this to mean something. */
	TH_LOG("%u none, %u changed, %u match", found[VP_FIT_NONE],
	       found[VP_FIT_CHANGED], found[VP_FIT_MATCH]);
	EXPECT_GT(found[VP_FIT_NONE], 5000);
	EXPECT_GT(found[VP_FIT_CHANGED], 500);
	EXPECT_GT(found[VP_FIT_MATCH], 5000);
	EXPECT_FALSE(leaks());
}

TEST_HARNESS_MAIN
