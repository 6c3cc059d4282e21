// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules and devices without the module: the rules are those of the files, and
 * what sysfs shows of the devices is put in the module's terms, as far as it
 * goes. A fallback may have claimed devices by their overrides alone, and a
 * module that was unloaded leaves them where they are.
 */
#include "device.h"
#include "judge.h"
#include "sysfs.h"
#include "table.h"

static bool is_stub(const char *driver)
{
	return !strcmp(driver, "vfiopolicy") || !strcmp(driver, "pci-stub");
}

static void place(const struct vp_judge *judge, const struct vp_host_dev *from,
		  enum vp_fit fit, struct vp_nl_dev *dev)
{
	char override[VP_SYSFS_LEN];

	if (fit == VP_FIT_CHANGED) {
		dev->state = VFIOPOLICY_STATE_NATIVE;
		dev->reason = VFIOPOLICY_REASON_CHANGED;
	} else if (from->bridge) {
		dev->state = VFIOPOLICY_STATE_NATIVE;
		dev->reason = VFIOPOLICY_REASON_BRIDGE;
	} else if (vp_device_is_vfio(&judge->host, from->address, from->driver)) {
		dev->state = VFIOPOLICY_STATE_ISOLATED;
	} else if (is_stub(from->driver)) {
		dev->state = VFIOPOLICY_STATE_HELD;
	} else if (from->driver[0]) {
		dev->state = VFIOPOLICY_STATE_NATIVE;
		dev->reason = VFIOPOLICY_REASON_NATIVE_DRIVER;
	} else {
		/* Nobody has it; but is anybody kept from taking it? */
		vp_sysfs_read_dev(&judge->host, from->address,
				  "driver_override", override);
		dev->state = is_stub(override) ? VFIOPOLICY_STATE_HELD :
						 VFIOPOLICY_STATE_MATCHED;
	}
}

static void take(struct vp_judge *judge, const struct vp_host_dev *from,
		 const struct vp_entry *entry, enum vp_fit fit)
{
	struct vp_nl_dev *dev = &judge->devs[judge->dev_count++];

	memset(dev, 0, sizeof(*dev));
	memcpy(dev->address, from->address, sizeof(dev->address));
	memcpy(dev->driver, from->driver, sizeof(dev->driver));
	memcpy(dev->physfn, from->physfn, sizeof(dev->physfn));
	dev->facts = from->facts;
	dev->group = from->group;
	dev->rule = entry->id;
	snprintf(dev->rule_text, sizeof(dev->rule_text), "%s", entry->text);
	if (entry->rule.action == VP_VFIO)
		snprintf(dev->target, sizeof(dev->target), "%.*s",
			 (int)sizeof(dev->target) - 1, entry->rule.driver[0] ?
			 entry->rule.driver : "vfio-pci");
	place(judge, from, fit, dev);
}

static void take_rules(struct vp_judge *judge, const struct vp_table *table)
{
	struct vp_nl_rule *rule;
	u32 i;

	for (i = 0; i < table->count; i++) {
		rule = &judge->rules[judge->rule_count++];
		memset(rule, 0, sizeof(*rule));
		rule->id = table->entries[i]->id;
		rule->origin = VFIOPOLICY_ORIGIN_FILE;
		snprintf(rule->text, sizeof(rule->text), "%s",
			 table->entries[i]->text);
	}
}

static void take_devices(struct vp_judge *judge, const struct vp_table *table)
{
	const struct vp_entry *entry;
	enum vp_fit fit;
	size_t i;

	for (i = 0; i < judge->host.count; i++) {
		entry = vp_policy_match(table, &judge->host.devs[i].facts, &fit);
		if (entry && entry->rule.action != VP_LEAVE)
			take(judge, &judge->host.devs[i], entry, fit);
	}
}

/**
 * vp_judge_offline() - what files and sysfs show of rules and devices
 * @judge: what is known: rules and devices are filled in
 * @files: the rules that are saved
 *
 * Rules are numbered in the order of the files.
 *
 * Return: 0 or -ENOMEM.
 */
int vp_judge_offline(struct vp_judge *judge, const struct vp_rules *files)
{
	struct vp_table *table;
	int ret = vp_table_of_files(files, &table);

	judge->rules = calloc(files->count + 1, sizeof(*judge->rules));
	if (!judge->rules)
		ret = -ENOMEM;
	if (!ret)
		take_rules(judge, table);
	vp_judge_host(judge);
	judge->devs = calloc(judge->host.count + 1, sizeof(*judge->devs));
	if (!judge->devs)
		ret = -ENOMEM;
	if (!ret)
		take_devices(judge, table);
	vp_policy_free(table);
	return ret;
}
