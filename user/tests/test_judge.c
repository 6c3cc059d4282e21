// SPDX-License-Identifier: GPL-2.0-only
/*
 * How rules fare: by made-up words of the module, and without it by a made-up
 * sysfs.
 */
#include <stdarg.h>

#include "judge.h"
#include "rules.h"
#include "tap.h"
#include "tree.h"

static struct vp_nl_rule *add_rule(struct vp_judge *judge, u32 id,
				   const char *text)
{
	struct vp_nl_rule *rule = &judge->rules[judge->rule_count++];

	rule->id = id;
	strcpy(rule->text, text);
	return rule;
}

static struct vp_nl_dev *add_dev(struct vp_judge *judge, const char *address,
				 u32 rule, u32 state, u32 reason)
{
	struct vp_nl_dev *dev = &judge->devs[judge->dev_count++];

	strcpy(dev->address, address);
	vp_host_address(address, &dev->facts);
	dev->facts.vendor = 0x144d;
	dev->facts.device = 0xa80a;
	dev->group = -1;
	dev->rule = rule;
	dev->state = state;
	dev->reason = reason;
	strcpy(dev->target, "vfio-pci");
	return dev;
}

static void begin(struct vp_judge *judge)
{
	if (vp_judge_open(judge))
		tree_fail("memory");
	judge->module = true;
	judge->rules = calloc(8, sizeof(*judge->rules));
	judge->devs = calloc(8, sizeof(*judge->devs));
	if (!judge->rules || !judge->devs)
		tree_fail("memory");
}

static struct vp_tally tally;
static char why[VP_JUDGE_LEN];

static enum vp_verdict judge_rule(struct vp_judge *judge, size_t at)
{
	vp_judge_rule(judge, &judge->rules[at], &tally);
	vp_judge_why(judge, &tally, why);
	return tally.verdict;
}

static void verdicts(void)
{
	struct vp_judge judge;
	struct vp_nl_dev *dev;

	begin(&judge);
	add_rule(&judge, 1, "vfio 144d:a80a name=disks");
	add_rule(&judge, 2, "hold class=3d");
	add_rule(&judge, 3, "vfio at=0000:06:00.0 15b3:1017");
	add_dev(&judge, "0000:05:00.0", 1, VFIOPOLICY_STATE_ISOLATED, 0);
	ok(judge_rule(&judge, 0) == VP_VERDICT_MET, "isolated");
	is(why, "0000:05:00.0 isolated", "one device is named");
	vp_judge_wants(&tally, why, sizeof(why));
	is(why, "144d:a80a", "its name is not said twice, nor what goes without saying");
	dev = add_dev(&judge, "0000:07:00.0", 1, VFIOPOLICY_STATE_ISOLATED, 0);
	dev->in_use = true;
	ok(judge_rule(&judge, 0) == VP_VERDICT_MET, "two isolated");
	is(why, "2 of 2 isolated, 1 in use", "several are counted");
	dev->state = VFIOPOLICY_STATE_LOST;
	dev->reason = VFIOPOLICY_REASON_FOREIGN_DRIVER;
	strcpy(dev->driver, "nvme");
	strcpy(dev->found, "uio");
	ok(judge_rule(&judge, 0) == VP_VERDICT_NOT_MET, "one lost");
	is(why, "0000:07:00.0 lost: nvme has it; uio was turned away; 1 of 2 met",
	   "to whom");
	dev->state = VFIOPOLICY_STATE_NATIVE;
	dev->reason = VFIOPOLICY_REASON_NATIVE_DRIVER;
	dev->found[0] = '\0';
	ok(judge_rule(&judge, 0) == VP_VERDICT_PENDING, "native for now");
	is(why, "0000:07:00.0 native: nvme has it, until 'claim', replug or reboot; 1 of 2 met",
	   "until when");
	dev->state = VFIOPOLICY_STATE_RELEASED;
	dev->reason = VFIOPOLICY_REASON_NONE;
	ok(judge_rule(&judge, 0) == VP_VERDICT_NOT_MET, "released");
	is(why, "0000:07:00.0 released to nvme, as somebody asked; 1 of 2 met",
	   "by somebody");
	dev->state = VFIOPOLICY_STATE_MATCHED;
	dev->reason = VFIOPOLICY_REASON_VETOED;
	strcpy(dev->found, "nouveau");
	judge_rule(&judge, 0);
	is(why, "0000:07:00.0 matched: nouveau turned away; 1 of 2 met", "a veto");
	dev->state = VFIOPOLICY_STATE_HELD;
	dev->reason = VFIOPOLICY_REASON_WITH;
	ok(judge_rule(&judge, 0) == VP_VERDICT_MET,
	   "what is held with another is where it should be");

	ok(judge_rule(&judge, 1) == VP_VERDICT_ABSENT, "not present");
	is(why, "no device that is present is named by it", "is said");
	dev = add_dev(&judge, "0000:06:00.0", 3, VFIOPOLICY_STATE_NATIVE,
		      VFIOPOLICY_REASON_CHANGED);
	ok(judge_rule(&judge, 2) == VP_VERDICT_NOT_MET, "something else");
	ok(!strncmp(why, "144d:a80a sits there, at 0000:06:00.0 (", 39) &&
	   strstr(why, "nothing claimed"), "is named");
	vp_judge_close(&judge);
}

/* A GPU with its audio function, which is held with it. */
static void held_with(void)
{
	struct vp_judge judge;
	struct vp_nl_dev *dev;

	begin(&judge);
	add_rule(&judge, 1, "vfio 144d:a80a with=slot");
	add_dev(&judge, "0000:05:00.0", 1, VFIOPOLICY_STATE_ISOLATED, 0);
	dev = add_dev(&judge, "0000:05:00.1", 1, VFIOPOLICY_STATE_HELD,
		      VFIOPOLICY_REASON_WITH);
	dev->target[0] = '\0';
	ok(judge_rule(&judge, 0) == VP_VERDICT_MET, "one, and what is beside it");
	is(why, "1 isolated, 1 held with it", "is not two isolated");
	add_dev(&judge, "0000:06:00.0", 1, VFIOPOLICY_STATE_ISOLATED, 0);
	judge.devs[0].in_use = true;
	judge_rule(&judge, 0);
	is(why, "2 isolated, 1 held with them, 1 in use", "of several");
	vp_judge_close(&judge);
}

static void add_member(const char *address, const char *driver)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "kernel/iommu_groups/23/devices/%s", address);
	tree_dir(path);
	snprintf(path, sizeof(path), "kernel/iommu_groups/23/devices/%s/driver",
		 address);
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	tree_symlink(path, target);
}

/* The module tells of what its rules name; the others of a group are in sysfs. */
static void group_of_others(void)
{
	struct vp_judge judge;
	struct vp_nl_dev *dev;

	add_member("0000:05:00.0", "vfio-pci");
	add_member("0000:05:00.1", "snd_hda_intel");
	add_member("0000:05:00.2", "xhci_hcd");
	add_member("0000:00:1c.0", "pcieport");
	begin(&judge);
	add_rule(&judge, 1, "vfio 144d:a80a");
	add_rule(&judge, 2, "hold 1b36:*");
	dev = add_dev(&judge, "0000:05:00.0", 1, VFIOPOLICY_STATE_ISOLATED, 0);
	dev->group = 23;
	ok(judge_rule(&judge, 0) == VP_VERDICT_NOT_MET, "the group is blocked");
	is(why, "0000:05:00.0 isolated, but its group is blocked by 0000:05:00.1 (snd_hda_intel) and 1 more",
	   "by whom");
	ok(!judge.host_read, "the host is not looked at for that");
	dev->in_use = true;
	ok(judge_rule(&judge, 0) == VP_VERDICT_MET, "what a guest has, it has");
	dev->in_use = false;
	add_member("0000:05:00.1", "vfiopolicy");
	add_member("0000:05:00.2", "vfio-pci");
	ok(judge_rule(&judge, 0) == VP_VERDICT_MET, "the others are held");
	is(why, "0000:05:00.0 isolated", "and isolated");
	add_member("0000:05:00.1", "snd_hda_intel");
	dev = add_dev(&judge, "0000:05:00.2", 2, VFIOPOLICY_STATE_HELD, 0);
	dev->target[0] = '\0';
	dev->group = 23;
	ok(judge_rule(&judge, 1) == VP_VERDICT_MET,
	   "to be held takes no whole group");
	vp_judge_close(&judge);
}

static void disabled(void)
{
	struct vp_judge judge;

	begin(&judge);
	judge.info.disabled = true;
	add_rule(&judge, 1, "vfio 144d:a80a");
	ok(judge_rule(&judge, 0) == VP_VERDICT_NOT_MET, "disabled");
	is(why, "the module was loaded with disable=1: nothing is claimed",
	   "is not called absent");
	vp_judge_close(&judge);
}

/* What the module does not tell is looked up in the host. */
static void second(void)
{
	struct vp_judge judge;

	begin(&judge);
	add_rule(&judge, 1, "vfio 0000:05:00.0");
	add_rule(&judge, 2, "vfio 144d:a80a");
	add_rule(&judge, 3, "leave 10de:*");
	add_dev(&judge, "0000:05:00.0", 1, VFIOPOLICY_STATE_ISOLATED, 0);
	ok(judge_rule(&judge, 0) == VP_VERDICT_MET && !judge.host_read,
	   "a rule that has devices: the host is not looked at");
	ok(judge_rule(&judge, 1) == VP_VERDICT_MET && tally.second &&
	   judge.host_read, "one that another comes before everywhere");
	is(why, "0000:05:00.0 isolated; rule 1 comes first", "to which");
	ok(judge_rule(&judge, 2) == VP_VERDICT_MET, "what is left is met");
	is(why, "1 left to the host", "and counted");
	add_rule(&judge, 4, "vfio 10de:*");
	ok(judge_rule(&judge, 3) == VP_VERDICT_NOT_MET,
	   "what another one leaves is not absent");
	is(why, "0000:08:00.0 is left to the host; rule 3 comes first",
	   "but left by that");
	add_rule(&judge, 5, "vfio 10df:*");
	ok(judge_rule(&judge, 4) == VP_VERDICT_ABSENT, "what is not there is");
	is(why, "no device that is present is named by it", "as is said");
	vp_judge_close(&judge);
}

static void no_module(void)
{
	static struct vp_rules_entry entries[] = {
		{ .text = (char *)"vfio 144d:a80a" },
		{ .text = (char *)"vfio 144d:a80a", .duplicate = true },
		{ .typed = (char *)"vfio nonsense" },
		{ .text = (char *)"hold 8086:*" },
		{ .text = (char *)"leave 10de:*" },
		{ .text = (char *)"vfio 1af4:*" },
	};
	struct vp_rules files = { .entries = entries, .count = ARRAY_SIZE(entries) };
	static struct vp_rule parsed[ARRAY_SIZE(entries)];
	struct vp_judge judge;
	struct vp_error err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		entries[i].rule = &parsed[i];
		if (entries[i].text &&
		    vp_rule_parse(entries[i].text, strlen(entries[i].text),
				  &parsed[i], &err))
			tree_fail("rule");
	}
	if (vp_judge_open(&judge))
		tree_fail("memory");
	ok(!vp_judge_offline(&judge, &files) && judge.rule_count == 4 &&
	   judge.dev_count == 4, "rules and devices without the module");
	/* Leaving is tried first. */
	ok(judge_rule(&judge, 1) == VP_VERDICT_NOT_MET && tally.total == 2 &&
	   tally.met == 1, "one of two with vfio-pci");
	is(why, "0000:06:00.0 native: nvme has it; 1 of 2 met",
	   "the other is the host's");
	ok(judge_rule(&judge, 2) == VP_VERDICT_MET, "held by its override alone");
	ok(judge_rule(&judge, 0) == VP_VERDICT_MET, "left to the host");
	ok(judge_rule(&judge, 3) == VP_VERDICT_NOT_MET,
	   "nobody has it, and nobody keeps it: nothing more will happen");
	vp_judge_close(&judge);
}

int main(void)
{
	tree_make();
	setenv("VFIOPOLICY_SYSFS", tree_root, 1);
	tree_device("0000:05:00.0", 0x144d, 0xa80a, 0x010802, 0,
		    "../../drivers/vfio-pci", NULL, NULL);
	tree_device("0000:06:00.0", 0x144d, 0xa80a, 0x010802, 0,
		    "../../drivers/nvme", NULL, NULL);
	tree_device("0000:07:00.0", 0x8086, 0x10c9, 0x020000, 0, NULL, NULL, NULL);
	tree_text("bus/pci/devices/0000:07:00.0", "driver_override", "vfiopolicy\n");
	tree_device("0000:08:00.0", 0x10de, 0x1b39, 0x030200, 0, NULL, NULL, NULL);
	tree_device("0000:09:00.0", 0x1af4, 0x1000, 0x020000, 0, NULL, NULL, NULL);
	verdicts();
	held_with();
	group_of_others();
	disabled();
	second();
	no_module();
	tree_remove();
	return done();
}
