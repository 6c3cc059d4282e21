// SPDX-License-Identifier: GPL-2.0-only
/* What vfiopolicy add would do: device by device now, then, why, and what blocks. */
#include <json.h>

#include "add.h"
#include "dryrun.h"
#include "output.h"

static bool is_in_files(const struct add *add, const char *text)
{
	return vp_rules_find(&add->rules, text);
}

/* The same test that the rules in force and the files will make. */
static bool would_change(const struct add *add)
{
	if (add->pin_count)
		return true;
	if (add_is_saved(add) && !is_in_files(add, add->words.text))
		return true;
	return add->module && (!add->existed || add_takes_over(add));
}

static void say_group(const struct add *add, const struct add_dev *taken)
{
	struct vp_group group;
	char name[VP_NAMES_LEN];

	vp_group_judge(&add->host, add->table, taken->dev, &group);
	if (group.viability == VFIOPOLICY_VIABILITY_VIABLE)
		return;
	vp_out_name(&add->host, &group.blocker->facts, name, sizeof(name));
	vp_out_say("  blocked: IOMMU group %d, by %s (%s), which stays with %s",
		   taken->dev->group, group.blocker->address, name,
		   group.blocker->driver);
}

static void say_devices(const struct add *add)
{
	const struct add_dev *taken;
	struct vp_dry_dev dry;
	size_t i, k;

	for (i = 0; i < add->taken_count; i++) {
		taken = &add->taken[i];
		vp_dry_look(&add->host, add->table, taken->dev, taken->now,
			    taken->take_over, &dry);
		vp_dry_say(&add->host, &dry, add_is_later(add));
		for (k = 0; k < taken->uses.count; k++)
			vp_out_say("  %s: %s", vp_dry_use_word(&taken->uses.uses[k]),
				   taken->uses.uses[k].text);
		if (add->words.rule.action == VP_VFIO &&
		    taken->fit == VP_FIT_MATCH)
			say_group(add, taken);
	}
	/* What another rule leaves to the host. */
	for (i = 0; i < add->count; i++) {
		for (k = 0; k < add->taken_count; k++)
			if (add->taken[k].dev == add->matches[i])
				break;
		if (k < add->taken_count)
			continue;
		vp_dry_look(&add->host, add->table, add->matches[i], NULL,
			    false, &dry);
		vp_dry_say(&add->host, &dry, add_is_later(add));
	}
}

static void print_json(const struct add *add, bool change)
{
	struct json_object *obj = vp_out_json(), *list, *uses, *json, *use_json;
	const struct vp_use *use;
	const struct add_dev *taken;
	struct vp_dry_dev dry;
	size_t i, k;

	vp_out_json_bool(obj, "dry_run", true);
	vp_out_json_bool(obj, "changed", change);
	vp_out_json_string(obj, "rule", add->words.text);
	vp_out_json_bool(obj, "saved", add_is_saved(add));
	list = json_object_new_array();
	for (i = 0; i < add->pin_count; i++)
		json_object_array_add(list, json_object_new_string(add->pins[i].text));
	json_object_object_add(obj, "kept_for_host", list);
	list = json_object_new_array();
	for (i = 0; i < add->taken_count; i++) {
		taken = &add->taken[i];
		vp_dry_look(&add->host, add->table, taken->dev, taken->now,
			    taken->take_over, &dry);
		json = vp_dry_json(&add->host, &dry);
		uses = json_object_new_array();
		for (k = 0; k < taken->uses.count; k++) {
			use = &taken->uses.uses[k];
			use_json = json_object_new_object();
			vp_out_json_string(use_json, "kind",
					   vp_safety_kind_name(use->kind));
			vp_out_json_string(use_json, "text", use->text);
			json_object_array_add(uses, use_json);
		}
		json_object_object_add(json, "uses", uses);
		json_object_array_add(list, json);
	}
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
}

/* What the module would refuse, as it stands beside the rules in force. */
static int check_module(struct add *add)
{
	const struct vp_entry *other;
	struct vp_dry_dev dry;
	size_t i;

	if (add->module && vp_dry_refuse_disabled(&add->nl))
		return VP_EXIT_KERNEL;
	other = add->existed ? NULL :
		vp_policy_conflict(add->table, add->mine);
	if (other && add->module) {
		vp_out_error("the module would refuse it: it is at odds with rule %u: %s",
			     other->id, other->text);
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_KERNEL;
	}
	for (i = 0; i < add->taken_count; i++) {
		vp_dry_look(&add->host, add->table, add->taken[i].dev,
			    add->taken[i].now, add->taken[i].take_over, &dry);
		if (vp_dry_refuse_busy(&add->host, &dry, "add"))
			return VP_EXIT_KERNEL;
	}
	return VP_EXIT_DONE;
}

/**
 * add_dry_run() - tell what would be done
 * @add: this run, with all checks passed
 *
 * Return: an exit status: whether something would be changed.
 */
int add_dry_run(struct add *add)
{
	bool change = would_change(add);
	size_t i;
	int ret;

	ret = add_is_saved(add) ? add_check_files(add) : VP_EXIT_DONE;
	if (!ret)
		ret = check_module(add);
	if (ret)
		return ret;
	if (add->args->on)
		vp_out_note("a snapshot does not say what its host uses: that is not looked at");
	say_devices(add);
	if (add->pf)
		vp_out_say("%s has no such VF yet: vfiopolicy sriov %s N makes N of them",
			   add->pf->address, add->pf->address);
	else if (!add->count)
		vp_out_say("no device that is present is named by it");
	for (i = 0; i < add->pin_count; i++)
		vp_out_say("%s would be kept for the host by a rule of its own, as %s: %s",
			   add->pins[i].dev->address, add->pins[i].why,
			   add->pins[i].text);
	if (change)
		vp_out_say("would be %s: %s", add_is_saved(add) ?
			   "added and saved" : "added, and not saved",
			   add->words.text);
	else
		vp_out_say("it is there already: %s", add->words.text);
	vp_out_say("Nothing was changed: this was a dry run.");
	if (add->args->given & VP_OPT_JSON)
		print_json(add, change);
	return change ? VP_EXIT_WOULD_CHANGE : VP_EXIT_DONE;
}
