// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vfiopolicy del says of what it did: where each device is now, from which files
 * the rules are gone, and which devices stay where a rule had them, as nothing gives
 * them back.
 */
#include <json.h>

#include "del.h"
#include "forecast.h"
#include "output.h"
#include "release.h"

/**
 * struct left - devices that are still kept from the host
 * @devs: the devices
 * @count: number of @devs
 */
struct left {
	const struct vp_host_dev **devs;
	size_t count;
};

/**
 * del_say_device() - where a device is that was waited for
 * @dev: the device
 * @arg: the run
 */
void del_say_device(const struct vp_watch_dev *dev, void *arg)
{
	const struct del *del = arg;
	char driver[VP_HOST_LEN], state[VP_VERDICT_LEN];

	vp_host_driver(&del->host, dev->address, driver);
	if (dev->dev.state != VFIOPOLICY_STATE_GONE) {
		vp_verdict_state(&dev->dev, state);
		if (dev->dev.rule)
			vp_out_say("%s  %s: rule %u names it too: %s",
				   dev->address, dev->name, dev->dev.rule,
				   state);
		else
			vp_out_say("%s  %s: %snot yet back: %s%s", dev->address,
				   dev->name, vp_out_color(VP_VERDICT_PENDING),
				   state, vp_out_uncolor());
	} else if (!strcmp(driver, dev->from)) {
		vp_out_say("%s  %s: stays with %s", dev->address, dev->name,
			   vp_verdict_driver(driver));
	} else {
		vp_out_say("%s  %s: %s -> %s ... %sdone%s (%.1f s)",
			   dev->address, dev->name, vp_verdict_driver(dev->from),
			   vp_verdict_driver(driver), vp_out_color(VP_VERDICT_MET),
			   vp_out_uncolor(), dev->seconds);
	}
}

static struct json_object *json_rules(const struct del *del)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < del->rule_count; i++)
		if (del_is_meant(del, &del->rules[i]))
			json_object_array_add(list,
					      vp_out_json_rule(&del->rules[i]));
	return list;
}

static struct json_object *json_device(const struct del *del,
				       const struct vp_watch_dev *dev)
{
	struct json_object *json = json_object_new_object();
	char driver[VP_HOST_LEN];

	vp_host_driver(&del->host, dev->address, driver);
	vp_out_json_string(json, "address", dev->address);
	vp_out_json_string(json, "name", dev->name);
	vp_out_json_string(json, "driver_before", dev->from);
	vp_out_json_string(json, "driver", driver);
	vp_out_json_bool(json, "pending", !dev->done);
	/* The rule that names it still. */
	if (dev->dev.state != VFIOPOLICY_STATE_GONE && dev->dev.rule)
		vp_out_json_number(json, "rule", dev->dev.rule);
	else
		vp_out_json_string(json, "rule", NULL);
	return json;
}

static void print_json(const struct del *del, const struct vp_watch *watch,
		       const struct left *left, bool pending)
{
	struct json_object *obj = vp_out_json(), *list;
	size_t i;

	vp_out_json_bool(obj, "changed", del->count);
	vp_out_json_bool(obj, "dry_run", false);
	vp_out_json_bool(obj, "pending", pending);
	json_object_object_add(obj, "rules", json_rules(del));
	list = json_object_new_array();
	for (i = 0; i < del->count; i++)
		json_object_array_add(list,
				      json_object_new_string(del->texts[i]));
	json_object_object_add(obj, "texts", list);
	list = json_object_new_array();
	for (i = 0; i < watch->count; i++)
		json_object_array_add(list, json_device(del, &watch->devs[i]));
	json_object_object_add(obj, "devices", list);
	list = json_object_new_array();
	for (i = 0; i < left->count; i++)
		json_object_array_add(list, json_object_new_string(
					left->devs[i]->address));
	json_object_object_add(obj, "left", list);
	vp_out_json_print(obj);
}

static void say_files(const struct del *del)
{
	const struct vp_rules_change *edited;
	size_t i;

	for (i = 0; i < del->count; i++) {
		edited = &del->edited[i];
		if (edited->changed)
			vp_out_say("deleted from %s, line %u%s%s",
				   edited->place.path, edited->place.line,
				   del->count > 1 ? ": " : "",
				   del->count > 1 ? del->texts[i] : "");
		if (edited->left)
			vp_out_note("%s still stands in %s, line %u, and the next apply brings it back: mask that file by one of the same name in /etc/vfiopolicy/rules.d",
				    del->count > 1 ? del->texts[i] : "it",
				    edited->left_place.path,
				    edited->left_place.line);
	}
}

static void say_rules(const struct del *del)
{
	const struct vp_nl_rule *rule;
	size_t i, stay = 0;

	for (i = 0; i < del->rule_count; i++) {
		rule = &del->rules[i];
		if (!del_is_meant(del, rule)) {
			stay++;
			continue;
		}
		vp_out_say("rule %u deleted: %s", rule->id, rule->text);
		if (rule->origin == VFIOPOLICY_ORIGIN_CMDLINE)
			vp_out_note("rule %u was a parameter of the module: it is back when the module is loaded again with it",
				    rule->id);
	}
	if (stay && del->args->given & VP_OPT_ALL)
		vp_out_note("%zu more %s in force, which no file of /etc/vfiopolicy/rules.d has: vfiopolicy status -v",
			    stay, stay == 1 ? "rule is" : "rules are");
}

/* The rules that are gone alone: not what other rules make of their devices. */
static int table_of_texts(const struct del *del, struct vp_table **table)
{
	struct vp_error err;
	struct vp_rule rule;
	int ret = 0;
	size_t i;

	*table = vp_policy_empty();
	for (i = 0; *table && !ret && i < del->count; i++)
		if (!vp_rule_parse(del->texts[i], strlen(del->texts[i]), &rule,
				   &err))
			ret = vp_table_add(table, &rule, (u32)i + 1,
					   VFIOPOLICY_ORIGIN_FILE);
	return *table ? ret : -ENOMEM;
}

/*
 * The module gives back what it has a record of. Without it, or when it was loaded
 * again since, an override keeps a device where the rule had it.
 */
static bool is_left(const struct del *del, const struct vp_table *gone,
		    const struct vp_table *after, const struct vp_host_dev *dev)
{
	const struct vp_entry *entry;
	char driver[VP_HOST_LEN];
	enum vp_fit fit;

	entry = vp_forecast_entry(&del->host, gone, dev, &fit);
	if (!entry || entry->rule.action == VP_LEAVE)
		return false;
	entry = vp_forecast_entry(&del->host, after, dev, &fit);
	if (entry && entry->rule.action != VP_LEAVE)
		return false;
	return vp_release_is_kept(&del->host, dev, driver);
}

static bool is_on_its_way(const struct vp_watch *watch, const char *address)
{
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (!strcmp(watch->devs[i].address, address))
			return !watch->devs[i].done;
	return false;
}

/* @left is to be freed. */
static void find_left(const struct del *del, const struct vp_watch *watch,
		      struct left *left)
{
	struct vp_table *gone = NULL, *before = NULL, *after = NULL;
	const struct vp_host_dev *dev;
	size_t i;

	left->count = 0;
	left->devs = calloc(del->host.count + 1, sizeof(const void *));
	if (left->devs && !table_of_texts(del, &gone) &&
	    !del_tables(del, &before, &after)) {
		for (i = 0; i < del->host.count; i++) {
			dev = &del->host.devs[i];
			if (!is_on_its_way(watch, dev->address) &&
			    is_left(del, gone, after, dev))
				left->devs[left->count++] = dev;
		}
	}
	vp_policy_free(gone);
	vp_policy_free(before);
	vp_policy_free(after);
}

static void say_left(const struct del *del, const struct left *left)
{
	char driver[VP_HOST_LEN];
	size_t i;

	for (i = 0; i < left->count; i++) {
		vp_host_driver(&del->host, left->devs[i]->address, driver);
		vp_out_note("%s is %s%s; to give it back to the host: vfiopolicy release %s",
			    left->devs[i]->address,
			    driver[0] ? "still with " : "still kept from its driver",
			    driver, left->devs[i]->address);
	}
}

/**
 * del_report() - say what was done
 * @del: the run
 * @watch: the devices that were waited for
 * @pending: how many of them are not back
 *
 * Return: an &enum vp_exit.
 */
int del_report(struct del *del, const struct vp_watch *watch, int pending)
{
	struct left left;
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (!watch->devs[i].done)
			del_say_device(&watch->devs[i], del);
	say_rules(del);
	say_files(del);
	find_left(del, watch, &left);
	say_left(del, &left);
	if (del->args->given & VP_OPT_JSON)
		print_json(del, watch, &left, pending);
	free(left.devs);
	return pending ? VP_EXIT_PENDING : VP_EXIT_DONE;
}
