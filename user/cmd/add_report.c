// SPDX-License-Identifier: GPL-2.0-only
/* What vfiopolicy add tells of what it has done. */
#include <json.h>

#include "add.h"
#include "output.h"

/* What is only held with another is no more than held. */
static enum vp_action action_on(const struct add *add,
				const struct vp_watch_dev *dev)
{
	size_t i;

	for (i = 0; i < add->count; i++)
		if (!strcmp(add->matches[i]->address, dev->address))
			return add->words.rule.action;
	return VP_HOLD;
}

/* The second line, and the third, for a device that is not there yet. */
static void explain(const struct add *add, const struct vp_nl_dev *dev)
{
	char text[VP_VERDICT_LEN];

	if (dev->rule != add->added.id && dev->rule)
		vp_out_say("  rule %u comes first: %s", dev->rule,
			   dev->rule_text);
	if (dev->reason == VFIOPOLICY_REASON_NATIVE_DRIVER) {
		vp_out_say("  the rule takes it at the next boot, or when it is plugged in again");
	} else {
		vp_verdict_why(dev, text);
		vp_out_say("  it %s", text);
	}
	vp_verdict_todo(&add->host, dev, text);
	if (text[0])
		vp_out_say("  %s", text);
}

/**
 * add_leaving() - the rule that leaves a device to the host
 * @add: this run
 * @address: a device
 *
 * The module has no record of what is left, and none will come.
 *
 * Return: its entry, part of @add's table; NULL when the device is not left by one.
 */
const struct vp_entry *add_leaving(const struct add *add, const char *address)
{
	const struct vp_host_dev *dev = vp_host_find(&add->host, address);
	const struct vp_entry *entry;
	enum vp_fit fit;
	size_t i;

	/* What goes home because of a rule has a record until it is there. */
	for (i = 0; i < add->dev_count; i++)
		if (!strcmp(add->devs[i].address, address))
			return NULL;
	if (!dev || !add->table)
		return NULL;
	entry = vp_forecast_entry(&add->host, add->table, dev, &fit);
	return entry && entry->rule.action == VP_LEAVE ? entry : NULL;
}

/* The rule by which a device stays where it is for good. */
static const struct vp_entry *find_leaving(const struct add *add,
					   const struct vp_watch_dev *dev)
{
	return !dev->known && dev->dev.state == VFIOPOLICY_STATE_GONE ?
	       add_leaving(add, dev->address) : NULL;
}

/* What is left to the host stays there, however long one waits. */
static enum vp_verdict verdict_on(const struct add *add,
				  const struct vp_watch_dev *dev)
{
	return find_leaving(add, dev) ? VP_VERDICT_NOT_MET :
	       vp_verdict_device(&dev->dev, action_on(add, dev));
}

static void say_unknown(const struct add *add, const struct vp_watch_dev *dev)
{
	const struct vp_entry *entry = find_leaving(add, dev);

	if (dev->known) {
		vp_out_say("%s  %s: it went away", dev->address, dev->name);
	} else if (entry) {
		vp_out_say("%s  %s: %sstays with the host%s", dev->address,
			   dev->name, vp_out_color(VP_VERDICT_NOT_MET),
			   vp_out_uncolor());
		vp_out_say("  rule %u comes first: %s", entry->id, entry->text);
	} else {
		vp_out_say("%s  %s: stays with the host; vfiopolicy explain %s says by which rule",
			   dev->address, dev->name, dev->address);
	}
}

/**
 * add_say_device() - tell where a device has come to
 * @dev: the device
 * @arg: this run
 */
void add_say_device(const struct vp_watch_dev *dev, void *arg)
{
	const struct add *add = arg;
	enum vp_action action = action_on(add, dev);
	enum vp_verdict verdict = verdict_on(add, dev);
	const char *color = vp_out_color(verdict), *plain = vp_out_uncolor();
	const char *to = action == VP_HOLD ? "held" :
			 dev->dev.target[0] ? dev->dev.target : "vfio-pci";
	char text[VP_VERDICT_LEN];

	if (dev->dev.state == VFIOPOLICY_STATE_GONE) {
		say_unknown(add, dev);
	} else if (verdict == VP_VERDICT_MET &&
		   !strcmp(dev->from, dev->dev.driver)) {
		vp_out_say("%s  %s: %s %salready%s", dev->address, dev->name,
			   to, color, plain);
	} else if (verdict == VP_VERDICT_MET) {
		vp_out_say("%s  %s: %s -> %s ... %sdone%s (%.1f s)",
			   dev->address, dev->name, vp_verdict_driver(dev->from), to,
			   color, plain, dev->seconds);
	} else if (dev->dev.reason == VFIOPOLICY_REASON_NATIVE_DRIVER) {
		vp_verdict_why(&dev->dev, text);
		vp_out_say("%s  %s: %s%s%s", dev->address, dev->name, color,
			   text, plain);
		explain(add, &dev->dev);
	} else {
		vp_verdict_state(&dev->dev, text);
		vp_out_say("%s  %s: %s -> %s ... %s%s%s%s", dev->address,
			   dev->name, vp_verdict_driver(dev->from), to, color,
			   dev->done ? "" : "not yet: ", text, plain);
		explain(add, &dev->dev);
	}
}

static enum vp_verdict worst(const struct add *add,
			     const struct vp_watch *watch)
{
	enum vp_verdict worst = VP_VERDICT_MET, verdict;
	size_t i;

	for (i = 0; i < watch->count; i++) {
		verdict = verdict_on(add, &watch->devs[i]);
		if (verdict > worst)
			worst = verdict;
	}
	return worst;
}

/* The module has no record of what it was not asked for, or what went away. */
static struct json_object *json_device(const struct add *add,
				       const struct vp_watch_dev *dev)
{
	const struct vp_host_dev *here = vp_host_find(&add->host, dev->address);

	return dev->known || !here ? vp_out_json_dev(&add->host, &dev->dev) :
				     vp_out_json_here(&add->host, here);
}

/**
 * add_print_json() - the result, for programs
 * @add: this run
 * @watch: the devices
 * @verdict: on the rule
 */
void add_print_json(const struct add *add, const struct vp_watch *watch,
		    enum vp_verdict verdict)
{
	struct json_object *obj = vp_out_json(), *list, *dev;
	enum vp_verdict one;
	size_t i;

	vp_out_json_bool(obj, "changed", !add->added.existed ||
			 add->saved.changed || add->pin_count ||
			 add_takes_over(add));
	vp_out_json_bool(obj, "dry_run", false);
	vp_out_json_bool(obj, "pending", verdict == VP_VERDICT_PENDING);
	vp_out_json_string(obj, "verdict", vp_verdict_name(verdict));
	json_object_object_add(obj, "rule", vp_out_json_rule(&add->added));
	vp_out_json_string(obj, "saved", add->saved.place.path[0] ?
			   add->saved.place.path : NULL);
	list = json_object_new_array();
	for (i = 0; i < add->pin_count; i++)
		json_object_array_add(list, json_object_new_string(add->pins[i].text));
	json_object_object_add(obj, "kept_for_host", list);
	list = json_object_new_array();
	for (i = 0; i < watch->count; i++) {
		dev = json_device(add, &watch->devs[i]);
		/* A device without a record has none of these. */
		vp_out_json_string(dev, "address", watch->devs[i].address);
		vp_out_json_string(dev, "name", watch->devs[i].name);
		vp_out_json_string(dev, "driver_before", watch->devs[i].from);
		one = verdict_on(add, &watch->devs[i]);
		vp_out_json_string(dev, "verdict", vp_verdict_name(one));
		json_object_array_add(list, dev);
	}
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
}

/* What the rule says and this version does not do. */
static void say_not_yet(const struct add *add)
{
	const struct vp_rule *rule = &add->words.rule;

	if (rule->num_vfs)
		vp_out_note("its VFs are made whenever a driver gets the device; now: vfiopolicy sriov %s %u",
			    add->count == 1 ? add->matches[0]->address : "PF",
			    rule->num_vfs);
}

/* The rules that came along with it. */
static void say_pins(const struct add *add)
{
	const struct add_pin *pin;
	size_t i;

	for (i = 0; i < add->pin_count; i++) {
		pin = &add->pins[i];
		vp_out_say("%s is kept for the host, as %s", pin->dev->address,
			   pin->why);
		vp_out_say("  by a rule of its own: %s", pin->text);
	}
}

/**
 * add_say_rule() - tell where the rule is now, and how long it will last
 * @add: this run
 */
void add_say_rule(const struct add *add)
{
	const struct vp_rules_place *place = &add->saved.place;

	if (add->added.id)
		vp_out_say("rule %u %s: %s%s", add->added.id,
			   add->added.existed ? "was there already" : "added",
			   add->added.text,
			   add_is_saved(add) ? "" :
			   " (until the module is unloaded or the host restarts)");
	if (place->path[0])
		vp_out_say("%s %s, line %u", add->saved.changed ? "saved in" :
			   "it stands in", place->path, place->line);
	say_pins(add);
	say_not_yet(add);
}

/**
 * add_report() - tell what has come of it
 * @add: this run
 * @watch: the devices
 *
 * Return: an exit status.
 */
int add_report(const struct add *add, const struct vp_watch *watch)
{
	enum vp_verdict verdict = worst(add, watch);
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (!watch->devs[i].done || find_leaving(add, &watch->devs[i]))
			add_say_device(&watch->devs[i], (void *)add);
	if (add->words.rule.action == VP_LEAVE && add->count)
		vp_out_say("%zu device%s present %s left to the host by it",
			   add->count, add->count == 1 ? " that is" : "s that are",
			   add->count == 1 ? "is" : "are");
	else if (add->pf)
		vp_out_say("%s has no such VF yet; now: vfiopolicy sriov %s N",
			   add->pf->address, add->pf->address);
	else if (!watch->count)
		vp_out_say("no device that is present is named by it; those that come are");
	add_say_rule(add);
	if (add->args->given & VP_OPT_JSON)
		add_print_json(add, watch, verdict);

	switch (verdict) {
	case VP_VERDICT_PENDING:
		return VP_EXIT_PENDING;
	case VP_VERDICT_NOT_MET:
		return VP_EXIT_NOT_MET;
	default:
		return VP_EXIT_DONE;
	}
}
