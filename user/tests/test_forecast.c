// SPDX-License-Identifier: GPL-2.0-only
/* What the module would make of devices, of groups, and of a change of rules. */
#include <stdarg.h>

#include <json.h>

#include "dryrun.h"
#include "group.h"
#include "output.h"
#include "state.h"
#include "tap.h"
#include "tree.h"

#define GPU	"0000:01:00.0"
#define AUDIO	"0000:01:00.1"
#define NVME	"0000:05:00.0"
#define FREE	"0000:06:00.0"
#define ALONE	"0000:07:00.0"
#define PF	"0000:08:00.0"
#define VF	"0000:08:10.0"

static struct vp_host host;

static void make_host(void)
{
	tree_make();
	tree_device(GPU, 0x10de, 0x1c03, 0x030000, 0, "nouveau", "1", NULL);
	tree_device(AUDIO, 0x10de, 0x10f1, 0x040300, 0, "snd_hda_intel", "1",
		    NULL);
	tree_device("0000:00:01.0", 0x8086, 0x1901, 0x060400, 1, "pcieport",
		    "1", NULL);
	tree_device(NVME, 0x144d, 0xa80a, 0x010802, 0, "nvme", "39", NULL);
	tree_device(FREE, 0x144d, 0xa80a, 0x010802, 0, NULL, "40", NULL);
	tree_device(ALONE, 0x10de, 0x1b39, 0x030200, 0, NULL, NULL, NULL);
	tree_device(PF, 0x8086, 0x10c9, 0x020000, 0, "igb", "41", NULL);
	tree_device(VF, 0x8086, 0x10ca, 0x020000, 0, NULL, "42",
		    "../" PF);
	/* A host bridge without a driver, and an ISA bridge with one. */
	tree_device("0000:00:00.0", 0x8086, 0x29c0, 0x060000, 0, NULL, "31",
		    NULL);
	tree_device("0000:00:02.0", 0x8086, 0x3e92, 0x038000, 0, NULL, "31",
		    NULL);
	tree_device("0000:00:1f.0", 0x8086, 0xa305, 0x060100, 0, "lpc_ich",
		    "32", NULL);
	tree_device("0000:00:1f.2", 0x8086, 0xa352, 0x010601, 0, "ahci", "32",
		    NULL);
	/* Two slots of one group. */
	tree_device("0000:09:00.0", 0x1, 0x2, 0x020000, 0, "e1000", "50", NULL);
	tree_device("0000:09:01.0", 0x1, 0x3, 0x010000, 0, "sym53c8xx", "50",
		    NULL);
	if (vp_host_open(&host, tree_root, "/nonexistent/pci.ids"))
		tree_fail("made-up host");
}

/* The rules, each as of a file; numbered from 1. */
static struct vp_table *make_table(const char *const *texts)
{
	struct vp_table *table = vp_policy_empty();
	struct vp_error err;
	struct vp_rule rule;
	u32 id;

	for (id = 1; *texts; texts++, id++)
		if (vp_rule_parse(*texts, strlen(*texts), &rule, &err) ||
		    vp_table_add(&table, &rule, id, VFIOPOLICY_ORIGIN_FILE))
			tree_fail(*texts);
	return table;
}

static void check(const char *address, const char *text,
		  const struct vp_nl_dev *now, enum vp_when when,
		  const char *want,
		  const char *desc)
{
	const char * const texts[] = { text, NULL };
	struct vp_table *table = make_table(texts);
	char got[512], reason[VP_VERDICT_LEN];
	struct vp_nl_dev then;

	vp_forecast(&host, table, vp_host_find(&host, address), now, when,
		    &then);
	vp_verdict_reason(&then, reason);
	snprintf(got, sizeof(got), "%s %s%s%s", vp_state_name(then.state),
		 then.driver[0] ? then.driver : "-", reason[0] ? ": " : "",
		 reason);
	is(got, want, desc);
	vp_policy_free(table);
}

static void test_devices(void)
{
	static const struct vp_nl_dev released = {
		.state = VFIOPOLICY_STATE_RELEASED,
	}, held = {
		.state = VFIOPOLICY_STATE_HELD,
	};

	check(FREE, "vfio 144d:a80a", NULL, VP_WHEN_NOW, "isolated vfio-pci",
	      "what no driver has");
	check(FREE, "hold 144d:a80a", NULL, VP_WHEN_NOW, "held vfiopolicy", "hold");
	check(FREE, "leave 144d:a80a", NULL, VP_WHEN_NOW, "gone -", "leave");
	check(FREE, "vfio 9999:1", NULL, VP_WHEN_NOW, "gone -", "no rule");
	check(NVME, "vfio 144d:a80a", NULL, VP_WHEN_NOW, "native nvme: nvme has it",
	      "what a driver has");
	check(NVME, "vfio 144d:a80a", NULL, VP_WHEN_BOOT, "isolated vfio-pci",
	      "what a driver has, after the next boot");
	check(NVME, "vfio 144d:a80a", NULL, VP_WHEN_ASKED, "isolated vfio-pci",
	      "what a driver has, when it is asked for");
	check(PF, "vfio 8086:10c9", NULL, VP_WHEN_ASKED, "native igb: has VFs",
	      "but not what has VFs");
	check(NVME, "vfio 144d:a80a", &released, VP_WHEN_ASKED, "released nvme",
	      "nor what was released");
	check(NVME, "vfio 144d:a80a driver=nvme", NULL, VP_WHEN_NOW, "isolated nvme",
	      "what its target has");
	check(NVME, "vfio 144d:a80a", &held, VP_WHEN_NOW, "isolated vfio-pci",
	      "what is held");
	check(FREE, "vfio 144d:a80a", &released, VP_WHEN_NOW, "released -",
	      "what was released stays so");
	check(FREE, "vfio 144d:a80a", &released, VP_WHEN_BOOT, "isolated vfio-pci",
	      "until the next boot");
	check(ALONE, "vfio 10de:1b39", NULL, VP_WHEN_NOW,
	      "held vfiopolicy: no IOMMU group", "no group");
	check(FREE, "vfio at=0000:06:00.0 1:2", NULL, VP_WHEN_NOW,
	      "native -: 144d:a80a sits there", "something else sits there");
	check(FREE, "vfio at=0000:06:00.0 1:2 changed=hold", NULL, VP_WHEN_NOW,
	      "held vfiopolicy: 144d:a80a sits there", "and is held");
	check("0000:00:01.0", "vfio 8086:1901", NULL, VP_WHEN_NOW,
	      "native pcieport: a bridge", "a bridge");
	tree_file(FREE, "boot_vga", "1\n", 2);
	check(FREE, "vfio 144d:a80a", NULL, VP_WHEN_BOOT, "native -: boot display",
	      "the boot display");
	tree_file(FREE, "boot_vga", "0\n", 2);
	tree_file(FREE, "driver_override", "xen\n", 4);
	check(FREE, "vfio 144d:a80a", NULL, VP_WHEN_NOW,
	      "native -: override of somebody else", "another's override");
	check(FREE, "vfio 144d:a80a", NULL, VP_WHEN_BOOT, "isolated vfio-pci",
	      "which is gone after the next boot");
	tree_file(FREE, "driver_override", "(null)\n", 7);
	check(FREE, "vfio 144d:a80a", NULL, VP_WHEN_NOW, "isolated vfio-pci",
	      "no override");
	check(VF, "vfio vfs-of=08:00.0", NULL, VP_WHEN_NOW, "isolated vfio-pci",
	      "a VF");
	check(GPU, "vfio 10de:10f1 with=slot", NULL, VP_WHEN_BOOT,
	      "held vfiopolicy: held with another", "with=slot");
	check(NVME, "vfio 10de:10f1 with=slot", NULL, VP_WHEN_BOOT, "gone nvme",
	      "not in the slot");
	check("0000:09:01.0", "vfio 1:2 with=group", NULL, VP_WHEN_BOOT,
	      "held vfiopolicy: held with another", "with=group");
	check("0000:09:01.0", "vfio 1:2 with=slot", NULL, VP_WHEN_BOOT,
	      "gone sym53c8xx", "another slot");
	check("0000:00:01.0", "vfio 10de:1c03 with=group", NULL, VP_WHEN_BOOT,
	      "gone pcieport", "bridges are passed over");
	check("0000:00:1f.2", "vfio 8086:a305 with=group", NULL, VP_WHEN_BOOT,
	      "gone ahci", "nothing is held with a bridge");
}

static void check_group(const char *address, const char *const *texts,
			u32 viability, const char *blocker, enum vp_with with,
			const char *desc)
{
	struct vp_table *table = make_table(texts);
	struct vp_group group;

	vp_group_judge(&host, table, vp_host_find(&host, address), &group);
	ok(group.viability == viability && group.with == with &&
	   !strcmp(group.blocker ? group.blocker->address : "", blocker),
	   "group: %s", desc);
	vp_policy_free(table);
}

#define RULES(...)	((const char * const []){ __VA_ARGS__, NULL })

static void test_groups(void)
{
	const struct vp_host_dev *dev;

	check_group(FREE, RULES("vfio 144d:a80a"),
		    VFIOPOLICY_VIABILITY_VIABLE, "", VP_WITH_NONE,
		    "of one device");
	check_group(ALONE, RULES("vfio 10de:1b39"),
		    VFIOPOLICY_VIABILITY_VIABLE, "", VP_WITH_NONE, "none");
	check_group(GPU, RULES("vfio 10de:1c03"),
		    VFIOPOLICY_VIABILITY_BLOCKED, AUDIO, VP_WITH_SLOT,
		    "blocked in the slot");
	check_group(GPU, RULES("vfio 10de:1c03 with=slot"),
		    VFIOPOLICY_VIABILITY_VIABLE, "", VP_WITH_NONE,
		    "with=slot would do");
	check_group(GPU, RULES("vfio 10de:1c03", "hold 10de:10f1"),
		    VFIOPOLICY_VIABILITY_VIABLE, "", VP_WITH_NONE,
		    "so would another rule");
	check_group(GPU, RULES("vfio 10de:1c03 with=slot", "leave 10de:10f1"),
		    VFIOPOLICY_VIABILITY_BLOCKED, AUDIO, VP_WITH_NONE,
		    "a rule leaves it to the host");
	check_group("0000:09:00.0", RULES("vfio 1:2 with=slot"),
		    VFIOPOLICY_VIABILITY_BLOCKED, "0000:09:01.0",
		    VP_WITH_GROUP, "blocked by another slot");
	check_group("0000:00:1f.2", RULES("vfio 8086:a352"),
		    VFIOPOLICY_VIABILITY_NEVER, "0000:00:1f.0", VP_WITH_NONE,
		    "never, with an ISA bridge that has a driver");
	check_group("0000:00:02.0", RULES("vfio 8086:3e92"),
		    VFIOPOLICY_VIABILITY_VIABLE, "", VP_WITH_NONE,
		    "with a bridge that has none");
	dev = vp_host_find(&host, "0000:00:01.0");
	ok(dev && !vp_group_blocks(dev), "a bridge's own driver is harmless");
	dev = vp_host_find(&host, AUDIO);
	ok(dev && vp_group_blocks(dev), "a sound driver is not");
}

/* The devices that differ, each with where it would be. */
static void check_change(const char *const *before, const char *const *after,
			 const struct vp_nl_dev *devs, size_t count, int want,
			 const char *states, const char *desc)
{
	struct vp_dry_change change = {
		.host = &host, .devs = devs, .dev_count = count, .what = "x",
	};
	struct vp_table *a = make_table(before), *b = make_table(after);
	struct json_object *list = json_object_new_array(), *one, *then, *text;
	struct json_object *address;
	char got[512] = "";
	size_t i, len = 0;
	int ret;

	change.before = a;
	change.after = b;
	ret = vp_dry_change(&change, list);
	for (i = 0; i < json_object_array_length(list); i++) {
		one = json_object_array_get_idx(list, i);
		then = json_object_object_get(one, "then");
		text = json_object_object_get(then, "state");
		address = json_object_object_get(one, "address");
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s %s",
					i ? ", " : "",
					json_object_get_string(address),
					text ? json_object_get_string(text) : "-");
	}
	ok(ret == want, "%s: %d", desc, ret);
	is(got, states, desc);
	json_object_put(list);
	vp_policy_free(a);
	vp_policy_free(b);
}

static void test_changes(void)
{
	const struct vp_nl_dev devs[] = {
		{ .address = FREE, .state = VFIOPOLICY_STATE_ISOLATED,
		  .in_use = true, .target = "vfio-pci" },
	};

	setenv("VFIOPOLICY_PROC", "/nonexistent", 1);
	check_change(RULES("vfio 144d:a80a"), RULES("vfio 144d:a80a"), NULL, 0,
		     0, "", "no change");
	check_change(RULES("leave 1:1"), RULES("vfio 144d:a80a"), NULL, 0, 2,
		     NVME " native, " FREE " isolated", "a rule comes");
	check_change(RULES("vfio 144d:a80a"), RULES("leave 1:1"), NULL, 0, 2,
		     NVME " -, " FREE " -", "a rule goes");
	check_change(RULES("vfio 144d:a80a"),
		     RULES("vfio 144d:a80a", "hold class=nvme"), NULL, 0, 0, "",
		     "a rule that nobody hears");
	check_change(RULES("vfio 144d:a80a"), RULES("hold 144d:a80a"), devs, 1,
		     -EBUSY, NVME " native", "a user has it open");
	check_change(RULES("vfio 144d:a80a"), RULES("vfio class=nvme"), devs, 1,
		     0, "", "and keeps it by another rule");
}

int main(void)
{
	static const struct vp_args quiet = { .quiet = true };

	vp_out_setup(&quiet);
	make_host();
	test_devices();
	test_groups();
	test_changes();
	vp_host_close(&host);
	tree_remove();
	return done();
}
