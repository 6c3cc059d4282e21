// SPDX-License-Identifier: GPL-2.0-only
/*
 * What rules name, and why not; texts of many rules; words that are nearly
 * known ones. In user space under ASan and UBSan, from the module's own source.
 */
#include "kselftest_harness.h"
#include "match.h"
#include "rule_test.h"
#include "text.h"

#define HOST	"4c4c4544-0042-3510-8052-b4c04f4a3632"

/* 0000:05:00.0, an NVMe drive below 0000:00:1c.4. */
static const struct vp_facts drive = {
	.bus = 5, .devfn = 0, .depth = 1, .above = { { 0, 0xe4 } },
	.vendor = 0x144d, .device = 0xa80a, .subvendor = 0x144d,
	.subdevice = 0xa801, .class = 0x010802, .dsn = 0x00a0c9ffff123456,
	.host = HOST,
};

/* 10000:e3:1f.7, behind a switch; no serial number, and of no known host. */
static const struct vp_facts gpu = {
	.domain = 0x10000, .bus = 0xe3, .devfn = 0xff, .depth = 3,
	.above = { { 0xe2, 0x08 }, { 0xe1, 0x00 }, { 0xe0, 0x18 } },
	.vendor = 0x10de, .device = 0x1b39, .subvendor = 0x10de,
	.subdevice = 0x1217, .class = 0x030200, .external = true,
};

/* 0000:04:10.2, VF 1 of 0000:03:00.0 below 0000:00:01.0, a bus further. */
static const struct vp_facts vf = {
	.bus = 4, .devfn = 0x82, .depth = 1, .above = { { 0, 0x08 } },
	.vf = true, .pf_bus = 3, .pf_devfn = 0, .vf_index = 1,
	.vendor = 0x8086, .device = 0x10ca, .subvendor = 0x8086,
	.subdevice = 0xa03c, .class = 0x020000, .host = HOST,
};

/* 0000:03:00.2, VF 0 of the same, on its PF's own bus. */
static const struct vp_facts near_vf = {
	.bus = 3, .devfn = 0x02, .depth = 1, .above = { { 0, 0x08 } },
	.vf = true, .pf_bus = 3, .pf_devfn = 0, .vf_index = 0,
	.vendor = 0x8086, .device = 0x10ca, .subvendor = 0x8086,
	.subdevice = 0xa03c, .class = 0x020000,
};

/* 0000:00:1f.6, on the root bus. */
static const struct vp_facts nic = {
	.bus = 0, .devfn = 0xfe, .vendor = 0x8086, .device = 0x15b7,
	.subvendor = 0x17aa, .subdevice = 0x2247, .class = 0x020000,
	.dsn = ~1ull,
};

/* 0000:06:00.0, in D3cold: what is in its extended space cannot be read. */
static const struct vp_facts asleep = {
	.bus = 6, .vendor = 0x144d, .device = 0xa80a, .class = 0x010802,
	.asleep = true,
};

static const char *fit_name(enum vp_fit fit)
{
	return fit == VP_FIT_MATCH ? "match" :
	       fit == VP_FIT_CHANGED ? "changed" : "none";
}

/* @why of NULL: it matches. A '!' in front of it: something else sits there. */
static void expect_fit(struct __test_metadata *_metadata, const char *text,
		       const struct vp_facts *facts, const char *why)
{
	enum vp_fit wanted = !why ? VP_FIT_MATCH :
			     *why == '!' ? VP_FIT_CHANGED : VP_FIT_NONE;
	struct vp_rule rule = must_parse(text);
	struct vp_miss miss = { .kind = 99 };
	char buf[128], *small;
	enum vp_fit fit;
	size_t len, size;

	fit = vp_match(&rule, facts, &miss);
	EXPECT_EQ(fit, wanted) {
		TH_LOG("%s: %s", text, fit_name(fit));
	}
	EXPECT_EQ(vp_match(&rule, facts, NULL), fit);
	len = vp_match_explain(&miss, facts, buf, sizeof(buf));
	EXPECT_EQ(len, strlen(buf));
	EXPECT_STREQ(buf, !why ? "" : why + (*why == '!')) {
		TH_LOG("%s", text);
	}
	EXPECT_EQ(miss.kind == VP_MISS_NONE, fit == VP_FIT_MATCH);
	if (miss.kind == VP_MISS_SELECTOR || miss.kind == VP_MISS_EXCEPT) {
		EXPECT_GE(miss.selector, &rule.selectors[0]);
		EXPECT_LT(miss.selector, &rule.selectors[rule.count]);
	} else {
		EXPECT_EQ(miss.selector, NULL);
	}

	ASSERT_EQ(vp_match_explain(&miss, facts, NULL, 0), len);
	for (size = 1; size <= len + 1; size++) {
		small = malloc(size);
		ASSERT_EQ(vp_match_explain(&miss, facts, small, size), len);
		ASSERT_EQ(strlen(small), size > len ? len : size - 1);
		ASSERT_EQ(strncmp(small, buf, strlen(small)), 0);
		free(small);
	}
}

TEST(rules_name_devices_and_say_why_not)
{
	static const struct {
		const char *text;
		const struct vp_facts *facts;
		const char *why;
	} rules[] = {
		/* ids */
		{ "vfio 144d:a80a", &drive, NULL },
		{ "hold 144d:a80a", &drive, NULL },
		{ "leave 144d:a80a", &drive, NULL },
		{ "vfio 144d:a80b", &drive, "device 144d:a80a" },
		{ "vfio 144e:a80a", &drive, "vendor 144d" },
		{ "vfio 144d:*", &drive, NULL },
		{ "vfio *:a80a", &drive, NULL },
		{ "vfio *:a80b", &drive, "device 144d:a80a" },
		{ "vfio 144d:a80a:144d:a801", &drive, NULL },
		{ "vfio 144d:a80a:144d:a802", &drive, "subsystem 144d:a801" },
		{ "vfio 144d:a80a:144e:a801", &drive, "subsystem 144d:a801" },
		{ "vfio 144d:a80a:*:a801", &drive, NULL },
		{ "vfio *:*:144d:*", &drive, NULL },
		{ "vfio *:*:10de:*", &drive, "subsystem 144d:a801" },
		{ "vfio ffff:*", &drive, "vendor 144d" },
		/* addresses */
		{ "vfio 0000:05:00.0", &drive, NULL },
		{ "vfio 0001:05:00.0", &drive, "address 0000:05:00.0" },
		{ "vfio 0000:06:00.0", &drive, "address 0000:05:00.0" },
		{ "vfio 0000:05:00.1", &drive, "address 0000:05:00.0" },
		{ "vfio 0000:05:01.0", &drive, "address 0000:05:00.0" },
		{ "vfio 0000:05:00.*", &drive, NULL },
		{ "vfio 0000:05:*.0", &drive, NULL },
		{ "vfio 0000:05:*.1", &drive, "address 0000:05:00.0" },
		{ "vfio 0000:05:01.*", &drive, "address 0000:05:00.0" },
		{ "vfio 0000:05:*.*", &drive, NULL },
		{ "vfio 10000:e3:1f.7", &gpu, NULL },
		{ "vfio e3:1f.7", &gpu, "address 10000:e3:1f.7" },
		{ "vfio 10000:e3:*.7", &gpu, NULL },
		{ "vfio 10000:e3:1f.*", &gpu, NULL },
		/* places below bridges */
		{ "vfio at=0:1c.4/0.0", &drive, NULL },
		{ "vfio at=5:0.0", &drive, NULL },
		{ "vfio at=5:0.*", &drive, NULL },
		{ "vfio at=1:1c.4/0.0", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio at=1:0:1c.4/0.0", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio at=0:1c.5/0.0", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio at=0:1c.4/0.1", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio at=0:1c.4/*.0", &drive, NULL },
		{ "vfio at=0:1c.4/0.*", &drive, NULL },
		{ "vfio at=0:1c.4/1.*", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio at=0:1c.4", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio at=0:1c.4/0.0/0.0", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio at=0:0.0/1c.4/0.0", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio at=10000:e0:3.0/0.0/1.0/1f.7", &gpu, NULL },
		{ "vfio at=10000:e1:0.0/1.0/1f.7", &gpu, NULL },
		{ "vfio at=10000:e2:1.0/1f.7", &gpu, NULL },
		{ "vfio at=10000:e3:1f.7", &gpu, NULL },
		{ "vfio at=10000:e2:1.0/*.*", &gpu, NULL },
		{ "vfio at=10000:e0:1.0/1f.7", &gpu,
		  "its place is 10000:e0:03.0/00.0/01.0/1f.7" },
		{ "vfio at=10000:e0:3.0/1.0/0.0/1f.7", &gpu,
		  "its place is 10000:e0:03.0/00.0/01.0/1f.7" },
		{ "vfio at=0:1f.6", &nic, NULL },
		{ "vfio at=0:1f.5", &nic, "it is at 0000:00:1f.6" },
		/* VFs and their PF */
		{ "vfio vfs-of=3:0.0", &vf, NULL },
		{ "vfio vfs-of=3:0.0", &near_vf, NULL },
		{ "vfio vfs-of=0:1.0/0.0", &vf, NULL },
		{ "vfio vfs-of=0:1.0/0.0", &near_vf, NULL },
		{ "vfio vfs-of=0:1.0/*.*", &vf, NULL },
		{ "vfio vfs-of=3:0.0/1", &vf, NULL },
		{ "vfio vfs-of=3:0.0/0-1", &vf, NULL },
		{ "vfio vfs-of=3:0.0/1-65534", &vf, NULL },
		{ "vfio vfs-of=3:0.0/0", &vf, "it is VF 1 of 0000:00:01.0/00.0" },
		{ "vfio vfs-of=3:0.0/2-3", &vf, "it is VF 1 of 0000:00:01.0/00.0" },
		{ "vfio vfs-of=3:0.1", &vf, "it is VF 1 of 0000:00:01.0/00.0" },
		{ "vfio vfs-of=4:10.2", &vf, "it is VF 1 of 0000:00:01.0/00.0" },
		{ "vfio vfs-of=0:1.0/10.2", &vf, "it is VF 1 of 0000:00:01.0/00.0" },
		{ "vfio vfs-of=1:3:0.0", &vf, "it is VF 1 of 0000:00:01.0/00.0" },
		{ "vfio vfs-of=5:0.0", &drive, "it is no VF" },
		{ "vfio 4:10.2", &vf, NULL },
		{ "vfio at=4:10.2", &vf, NULL },
		{ "vfio at=0:1.0/10.2", &vf, "it is a VF of 0000:00:01.0/00.0" },
		{ "vfio at=0:1.0/10.2 vfs", &vf, "it is a VF of 0000:00:01.0/00.0" },
		{ "vfio at=0:1.0/0.2", &near_vf, NULL },
		{ "vfio at=0:1.0/0.0", &near_vf, "it is a VF of 0000:00:01.0/00.0" },
		{ "vfio 8086:10ca", &vf, NULL },
		{ "vfio 8086:10ca:*:a03c", &vf, NULL },
		{ "vfio 8086:*", &vf, "it is a VF, and the rule does not say vfs" },
		{ "vfio *:10ca", &vf, "it is a VF, and the rule does not say vfs" },
		{ "vfio class=network", &vf, "it is a VF, and the rule does not say vfs" },
		{ "vfio 4:*.*", &vf, "it is a VF, and the rule does not say vfs" },
		{ "vfio 4:10.*", &vf, "it is a VF, and the rule does not say vfs" },
		{ "vfio at=0:1.0/*.2", &near_vf, "it is a VF, and the rule does not say vfs" },
		{ "vfio 8086:* except=4:10.2", &vf, "it is a VF, and the rule does not say vfs" },
		{ "vfio 8086:* except=8086:10ca", &vf,
		  "it is a VF, and the rule does not say vfs" },
		{ "vfio 8086:* vfs", &vf, NULL },
		{ "vfio class=network vfs", &vf, NULL },
		{ "vfio 4:*.* vfs", &vf, NULL },
		{ "vfio class=network 4:10.2", &vf, NULL },
		{ "vfio class=network 8086:10ca", &vf, NULL },
		{ "vfio external 8086:10ca", &vf, "it is not external" },
		/* classes */
		{ "vfio class=nvme", &drive, NULL },
		{ "vfio class=storage", &drive, NULL },
		{ "vfio class=010801", &drive, "class 010802" },
		{ "vfio class=3d", &drive, "class 010802" },
		{ "vfio class=3d", &gpu, NULL },
		{ "vfio class=000002/f", &drive, NULL },
		{ "vfio class=000001/1", &drive, "class 010802" },
		/* serial numbers */
		{ "vfio dsn=00-a0-c9-ff-ff-12-34-56", &drive, NULL },
		{ "vfio dsn=00-a0-c9-ff-ff-12-34-57", &drive, "dsn=00-a0-c9-ff-ff-12-34-56" },
		{ "vfio dsn=01-a0-c9-ff-ff-12-34-56", &drive, "dsn=00-a0-c9-ff-ff-12-34-56" },
		{ "vfio dsn=00-a0-c9-ff-ff-12-34-56", &gpu, "it has no serial number" },
		{ "vfio dsn=fffffffffffffffe", &nic, NULL },
		{ "vfio dsn=00000000fffffffe", &nic, "dsn=ff-ff-ff-ff-ff-ff-ff-fe" },
		{ "vfio dsn=00-a0-c9-ff-ff-12-34-56", &asleep,
		  "its serial number cannot be read now" },
		{ "vfio 6:0.0 dsn=00-a0-c9-ff-ff-12-34-56", &asleep,
		  "its serial number cannot be read now" },
		{ "vfio 144d:a80a except=dsn=00-a0-c9-ff-ff-12-34-56", &asleep,
		  "except=dsn=00-a0-c9-ff-ff-12-34-56" },
		{ "leave dsn=00-a0-c9-ff-ff-12-34-56", &asleep, NULL },
		{ "vfio 6:0.0 10de:* dsn=00-a0-c9-ff-ff-12-34-56", &asleep, "!vendor 144d" },
		/* external */
		{ "hold external", &gpu, NULL },
		{ "hold external", &drive, "it is not external" },
		/* all must hold, and something else may sit at the place */
		{ "vfio 5:0.0 144d:a80a class=nvme", &drive, NULL },
		{ "vfio 5:0.0 at=0:1c.4/0.0 144d:*", &drive, NULL },
		{ "vfio 5:0.0 10de:1b39", &drive, "!vendor 144d" },
		{ "vfio at=0:1c.4/0.0 144d:a80b", &drive, "!device 144d:a80a" },
		{ "vfio 5:0.0 144d:a80a class=3d", &drive, "!class 010802" },
		{ "vfio 5:0.0 dsn=0000000000000001", &drive, "!dsn=00-a0-c9-ff-ff-12-34-56" },
		{ "hold 5:0.0 external changed=hold", &drive, "!it is not external" },
		{ "leave 5:0.0 10de:1b39", &drive, "!vendor 144d" },
		/* a '*', or many VFs, is a choice among places: others are no news */
		{ "vfio 5:*.* 10de:1b39", &drive, "vendor 144d" },
		{ "vfio 5:0.* 10de:1b39", &drive, "vendor 144d" },
		{ "vfio at=0:1c.4/*.0 10de:1b39", &drive, "vendor 144d" },
		{ "vfio 5:0.* at=0:1c.4/0.0 10de:1b39", &drive, "!vendor 144d" },
		{ "vfio 5:*.* 10de:1b39 changed=hold", &drive, "!vendor 144d" },
		{ "vfio vfs-of=3:0.0 15b3:*", &vf, "vendor 8086" },
		{ "vfio vfs-of=3:0.0/0-3 15b3:*", &vf, "vendor 8086" },
		{ "vfio vfs-of=3:0.0/1 15b3:*", &vf, "!vendor 8086" },
		{ "vfio vfs-of=3:0.*/1 15b3:*", &vf, "vendor 8086" },
		{ "vfio vfs-of=3:0.0/0-3 15b3:* changed=hold", &vf, "!vendor 8086" },
		{ "vfio vfs-of=3:0.0/2-3 15b3:*", &vf, "it is VF 1 of 0000:00:01.0/00.0" },
		{ "vfio 5:0.1 144d:a80a", &drive, "address 0000:05:00.0" },
		{ "vfio 5:0.0 at=0:1c.5/0.0 144d:a80a", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio 5:0.0 at=0:1c.5/0.0 10de:*", &drive, "its place is 0000:00:1c.4/00.0" },
		{ "vfio 144d:a80a class=3d", &drive, "class 010802" },
		/* except= */
		{ "vfio 144d:* except=5:0.0", &drive, "except=0000:05:00.0" },
		{ "vfio 144d:* except=5:0.1", &drive, NULL },
		{ "vfio 144d:* except=at=0:1c.4/0.0", &drive, "except=at=0000:00:1c.4/00.0" },
		{ "vfio 144d:* except=144d:a80a", &drive, "except=144d:a80a" },
		{ "vfio 144d:* except=class=nvme", &drive, "except=class=nvme" },
		{ "vfio 144d:* except=class=3d except=144d:a80b", &drive, NULL },
		{ "vfio 144d:* except=class=3d except=144d:a80a", &drive, "except=144d:a80a" },
		{ "vfio 144d:* except=144d:a80a except=class=3d", &drive, "except=144d:a80a" },
		{ "vfio 144d:* except=dsn=00a0c9ffff123456", &drive,
		  "except=dsn=00-a0-c9-ff-ff-12-34-56" },
		{ "vfio 10de:* except=external", &gpu, "except=external" },
		{ "vfio 10de:* except=external", &drive, "vendor 144d" },
		{ "vfio vfs-of=3:0.0 except=vfs-of=3:0.0/1", &vf, "except=vfs-of=0000:03:00.0/1" },
		{ "vfio vfs-of=3:0.0 except=vfs-of=3:0.0/1", &near_vf, NULL },
		{ "vfio 5:0.0 10de:1b39 except=class=nvme", &drive, "except=class=nvme" },
		/* hosts */
		{ "vfio 144d:a80a host=" HOST, &drive, NULL },
		{ "vfio 144d:a80a host=4C4C4544-0042-3510-8052-B4C04F4A3632", &drive, NULL },
		{ "vfio 144d:a80a host=4c4c4544-0042-3510-8052-b4c04f4a3633", &drive,
		  "it is for another host" },
		{ "vfio 10de:1b39 host=" HOST, &gpu,
		  "it is for one host, and which this is cannot be told" },
		/* what is no selector has no say */
		{ "vfio 144d:a80a yield driver=best with=slot takeover=boot allow=usb name=x",
		  &drive, NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		expect_fit(_metadata, rules[i].text, rules[i].facts, rules[i].why);
}

/* All that there is room for: 15 bridges, and paths of every length. */
TEST(paths_are_as_long_as_they_may_be)
{
	struct vp_facts facts = { .bus = 0x10, .devfn = 0x07 };
	char text[256], why[256];
	struct vp_place place;
	int i, bridges, len;

	facts.depth = VP_PATH_MAX - 1;
	for (i = 0; i < facts.depth; i++) {
		facts.above[i].bus = 0x0f - i;
		facts.above[i].devfn = (0x0f - i) << 3;
	}
	vp_match_place(&facts, &place);
	EXPECT_EQ(place.count, VP_PATH_MAX);
	vp_place_print(&place, why, sizeof(why));
	EXPECT_STREQ(why, "0000:01:01.0/02.0/03.0/04.0/05.0/06.0/07.0/08.0/09.0/0a.0/0b.0/0c.0/0d.0/0e.0/0f.0/00.7");

	for (bridges = 0; bridges < VP_PATH_MAX; bridges++) {
		len = snprintf(text, sizeof(text), "vfio at=%02x:", 0x10 - bridges);
		for (i = bridges; i; i--)
			len += snprintf(text + len, sizeof(text) - len, "%02x.0/",
					0x10 - i);
		snprintf(text + len, sizeof(text) - len, "00.7");
		expect_fit(_metadata, text, &facts, NULL);
		text[strlen(text) - 1] = '6';
		snprintf(why, sizeof(why), "its place is 0000:01:01.0/02.0/03.0/04.0/05.0/06.0/07.0/08.0/09.0/0a.0/0b.0/0c.0/0d.0/0e.0/0f.0/00.7");
		expect_fit(_metadata, text, &facts, why);
	}
}

TEST(places_are_told_from_the_root_down)
{
	char buf[80];
	struct vp_place place;

	memset(&place, 0xff, sizeof(place));
	vp_match_place(&gpu, &place);
	vp_place_print(&place, buf, sizeof(buf));
	EXPECT_STREQ(buf, "10000:e0:03.0/00.0/01.0/1f.7");
	vp_match_place(&nic, &place);
	vp_place_print(&place, buf, sizeof(buf));
	EXPECT_STREQ(buf, "0000:00:1f.6");
	vp_match_place(&vf, &place);
	vp_place_print(&place, buf, sizeof(buf));
	EXPECT_STREQ(buf, "0000:00:01.0/00.0");
}

#define PIECES_MAX	8

TEST(texts_are_taken_apart)
{
	static const struct {
		const char *text;
		char sep;
		const char *pieces[PIECES_MAX];
	} texts[] = {
		{ "", 0, { NULL } },
		{ "", ';', { NULL } },
		{ "vfio 1:2", 0, { "vfio 1:2" } },
		{ "vfio 1:2\n", 0, { "vfio 1:2" } },
		{ "  vfio 1:2\t \n", 0, { "vfio 1:2" } },
		{ "\n \n\t\n\nvfio 1:2\n\n", 0, { "vfio 1:2" } },
		{ "vfio 1:2\r\nhold 3:4\r\n", 0, { "vfio 1:2", "hold 3:4" } },
		{ "vfio 1:2\nhold 3:4\nleave 5:6", 0, { "vfio 1:2", "hold 3:4", "leave 5:6" } },
		/* comments */
		{ "# all of it", 0, { NULL } },
		{ "#", 0, { NULL } },
		{ "\t # x\nvfio 1:2", 0, { "vfio 1:2" } },
		{ "vfio 1:2 # why", 0, { "vfio 1:2" } },
		{ "vfio 1:2\t#why\nhold 3:4", 0, { "vfio 1:2", "hold 3:4" } },
		{ "vfio 1:2#why\n", 0, { "vfio 1:2#why" } },
		{ "#a\n#b\nvfio 1:2\n#c\nhold 3:4\n#d", 0, { "vfio 1:2", "hold 3:4" } },
		/* lines that go on */
		{ "vfio \\\n 1:2", 0, { "vfio \\\n 1:2" } },
		{ "vfio \\\r\n 1:2\r\nhold 3:4", 0, { "vfio \\\r\n 1:2", "hold 3:4" } },
		{ "vfio 1:2 \\\n", 0, { "vfio 1:2" } },
		{ "vfio 1:2\\\n\\\n \\\nhold", 0, { "vfio 1:2\\\n\\\n \\\nhold" } },
		{ "\\\n\\\r\nvfio 1:2", 0, { "vfio 1:2" } },
		{ "vfio 1:2 \\\n# why\nhold 3:4", 0, { "vfio 1:2", "hold 3:4" } },
		{ "vfio 1:2\\\n#why\nhold 3:4", 0, { "vfio 1:2", "hold 3:4" } },
		{ "# a \\\nvfio 1:2", 0, { "vfio 1:2" } },
		{ "vfio 1:2 # a \\\nhold 3:4", 0, { "vfio 1:2", "hold 3:4" } },
		{ "vfio 1:2 \\ \nhold 3:4", 0, { "vfio 1:2 \\", "hold 3:4" } },
		{ "vfio 1:2\\", 0, { "vfio 1:2\\" } },
		{ "vfio 1:2\\\r", 0, { "vfio 1:2\\" } },
		/* a separator */
		{ "vfio 1:2;hold 3:4", ';', { "vfio 1:2", "hold 3:4" } },
		{ "vfio 1:2;hold 3:4", 0, { "vfio 1:2;hold 3:4" } },
		{ " ; vfio 1:2;\n\thold 3:4 ;;", ';', { "vfio 1:2", "hold 3:4" } },
		{ "vfio 1:2 # a; hold 3:4\nleave 5:6", ';', { "vfio 1:2", "leave 5:6" } },
		{ "vfio 1:2;# a; hold 3:4", ';', { "vfio 1:2" } },
		{ "vfio 1:2;#", ';', { "vfio 1:2" } },
		{ "vfio \\\n1:2;hold \\\r\n3:4", ';', { "vfio \\\n1:2", "hold \\\r\n3:4" } },
		{ "10de:1b39,144d:a80a,", ',', { "10de:1b39", "144d:a80a" } },
	};
	const char *pos, *end, *piece_end;
	struct vp_piece piece;
	size_t i, len, n;
	char *copy;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		len = strlen(texts[i].text);
		copy = exact_copy(texts[i].text, len);
		pos = copy;
		end = copy + len;
		for (n = 0; vp_text_next(&pos, end, texts[i].sep, &piece); n++) {
			ASSERT_NE(texts[i].pieces[n], NULL) {
				TH_LOG("%s: %.*s", texts[i].text, (int)piece.len, piece.text);
			}
			piece_end = piece.text + piece.len;
			ASSERT_TRUE(piece.text >= copy && piece_end <= pos);
			EXPECT_EQ(piece.len, strlen(texts[i].pieces[n])) {
				TH_LOG("%s", texts[i].text);
			}
			EXPECT_EQ(strncmp(piece.text, texts[i].pieces[n], piece.len), 0) {
				TH_LOG("%s: %.*s", texts[i].text, (int)piece.len, piece.text);
			}
		}
		EXPECT_EQ(texts[i].pieces[n], NULL) {
			TH_LOG("%s", texts[i].text);
		}
		EXPECT_EQ(pos, end);
		EXPECT_FALSE(vp_text_next(&pos, end, texts[i].sep, &piece));
		EXPECT_EQ(piece.text, NULL);
		EXPECT_EQ(piece.len, 0);
		free_copy(copy, len);
	}
}

/* As a file, as the design has it, is read from end to end. */
TEST(a_file_of_rules_is_read)
{
	static const char text[] =
		"# GPU with its audio and USB functions\n"
		"vfio at=0000:00:01.0/00.0 10de:1c03 with=slot name=gpu0\n"
		"# one of three identical NVMe\n"
		"vfio at=0000:00:03.2/00.0 144d:a80a \\\n"
		"\tname=ceph-1   # behind the rule\n"
		"\n"
		"vfio vfs-of=0000:03:00.0/0-3 owner=qemu:kvm\r\n"
		"leave 0000:03:00.0 8086:1572 vfs=8\n"
		"vfio 144d:a80a except=at=0000:00:1d.0/00.0\n"
		"vfio at=0000:00:1b.0/00.* 10ee:* changed=hold name=alveo\n"
		"vfio class=3d 10de:*\n"
		"hold external\n"
		"hold externl\n";
	const char *pos = text, *end = text + sizeof(text) - 1;
	unsigned int line, column;
	struct vp_piece piece;
	struct vp_error err;
	struct vp_rule rule;
	int good = 0, bad = 0;

	while (vp_text_next(&pos, end, 0, &piece)) {
		if (!parse_len(piece.text, piece.len, &rule, &err)) {
			good++;
			continue;
		}
		bad++;
		vp_text_where(text, piece.text + err.at, &line, &column);
		EXPECT_EQ(line, 13);
		EXPECT_EQ(column, 6);
		EXPECT_STREQ(err.hint, "external");
	}
	EXPECT_EQ(good, 8);
	EXPECT_EQ(bad, 1);
}

TEST(places_in_a_text_have_line_and_column)
{
	static const char text[] = "ab\n\ncd\r\n\te";
	static const struct {
		size_t at;
		unsigned int line;
		unsigned int column;
	} places[] = {
		{ 0, 1, 1 }, { 1, 1, 2 }, { 2, 1, 3 }, { 3, 2, 1 }, { 4, 3, 1 },
		{ 6, 3, 3 }, { 7, 3, 4 }, { 8, 4, 1 }, { 9, 4, 2 }, { 10, 4, 3 },
	};
	unsigned int line, column;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		vp_text_where(text, text + places[i].at, &line, &column);
		EXPECT_EQ(line, places[i].line);
		EXPECT_EQ(column, places[i].column) {
			TH_LOG("at %zu", places[i].at);
		}
	}
}

TEST(slips_are_known)
{
	static const char *const known[] = {
		"vfio", "hold", "driver=", "external", "name=", "x",
		"a-word-that-is-longer-than-the-longest-we-look-at", NULL
	};
	static const struct {
		const char *word;
		const char *nearest;
	} words[] = {
		{ "vfio", "vfio" }, { "vfoi", "vfio" }, { "vfi", "vfio" },
		{ "vvfio", "vfio" }, { "vfiox", "vfio" }, { "xvfiox", "vfio" },
		{ "hold", "hold" }, { "h0ld", "hold" }, { "olds", "hold" },
		{ "driver=best", "driver=" }, { "drivr=x", "driver=" },
		{ "driver", "driver=" }, { "nome=driver=", "name=" },
		{ "externals", "external" }, { "extern", "external" },
		{ "xyzzy", NULL }, { "", NULL }, { "=", NULL }, { "10de:1b39", NULL },
		{ "vfixyz", NULL }, { "a-word-that-is-longer-than-the-longest", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};
	const char *nearest;
	size_t i, len;
	char *copy;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		len = strlen(words[i].word);
		copy = exact_copy(words[i].word, len);
		nearest = vp_text_nearest(copy, len, known);
		EXPECT_STREQ(nearest ? nearest : "",
			     words[i].nearest ? words[i].nearest : "") {
			TH_LOG("%s", words[i].word);
		}
		free_copy(copy, len);
	}
}

TEST_HARNESS_MAIN
