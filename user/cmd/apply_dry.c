// SPDX-License-Identifier: GPL-2.0-only
/* What vfiopolicy apply would do: which rules come and go, and which devices. */
#include <json.h>

#include "apply.h"
#include "device.h"
#include "dryrun.h"
#include "output.h"

/**
 * struct dry - a dry run of the command
 * @args: the command line
 * @files: the rules that are saved
 * @host: the host
 * @nl: the connection to the module
 * @devs: devices as the module has them
 * @dev_count: number of @devs
 * @before: the rules in force
 * @after: those that would be
 * @changed: how many rules would come and go
 */
struct dry {
	const struct vp_args *args;
	const struct vp_rules *files;
	struct vp_host host;
	struct vp_nl nl;
	struct vp_nl_dev *devs;
	size_t dev_count;
	struct vp_table *before;
	struct vp_table *after;
	size_t changed;
};

/* Return: an exit status. */
static int ask_module(struct dry *dry)
{
	struct vp_nl_rule *rules = NULL;
	size_t count = 0;
	int ret;

	ret = vp_nl_open(&dry->nl);
	if (!ret)
		ret = vp_nl_rules(&dry->nl, &rules, &count);
	if (!ret)
		ret = vp_nl_devs(&dry->nl, &dry->devs, &dry->dev_count);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &dry->nl.error);
		free(rules);
		return VP_EXIT_KERNEL;
	}
	ret = vp_table_of_module(rules, count, &dry->before);
	if (!ret)
		ret = vp_table_of_module(rules, count, &dry->after);
	if (!ret)
		ret = vp_table_replace(&dry->after, dry->files);
	free(rules);
	if (ret)
		vp_out_error("%s", strerror(-ret));
	return ret ? VP_EXIT_KERNEL : VP_EXIT_DONE;
}

/* The rules of @some that @others has not. */
static struct json_object *say_rules(struct dry *dry, const char *what,
				     const struct vp_table *some,
				     const struct vp_table *others)
{
	struct json_object *list = json_object_new_array();
	u32 i;

	for (i = 0; i < some->count; i++) {
		if (vp_policy_find(others, some->entries[i]))
			continue;
		dry->changed++;
		vp_out_say("would be %s: %s", what, some->entries[i]->text);
		json_object_array_add(list, json_object_new_string(some->entries[i]->text));
	}
	return list;
}

/* Two rules of which one would never be heard are refused, all of them. */
static int check_odds(const struct dry *dry)
{
	const struct vp_entry *other;
	u32 i;

	for (i = 0; i < dry->after->count; i++) {
		other = vp_policy_conflict(dry->after, dry->after->entries[i]);
		if (!other)
			continue;
		vp_out_error("apply would be refused: '%s' is at odds with '%s'",
			     dry->after->entries[i]->text, other->text);
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_KERNEL;
	}
	return VP_EXIT_DONE;
}

static int tell(struct dry *dry)
{
	const struct vp_dry_change change = {
		.host = &dry->host, .devs = dry->devs,
		.dev_count = dry->dev_count, .before = dry->before,
		.after = dry->after, .what = "apply",
	};
	struct json_object *obj = vp_out_json(), *devs;

	devs = json_object_new_array();
	if (vp_dry_change(&change, devs) < 0) {
		json_object_put(devs);
		json_object_put(obj);
		return VP_EXIT_KERNEL;
	}
	vp_out_json_bool(obj, "dry_run", true);
	json_object_object_add(obj, "added", say_rules(dry, "added", dry->after,
						       dry->before));
	json_object_object_add(obj, "deleted",
			       say_rules(dry, "deleted", dry->before,
					 dry->after));
	json_object_object_add(obj, "devices", devs);
	vp_out_json_bool(obj, "changed", dry->changed);
	if (!dry->changed)
		vp_out_say("the rules of the files are in force as they are");
	vp_out_say("Nothing was changed: this was a dry run.");
	if (dry->args->given & VP_OPT_JSON)
		vp_out_json_print(obj);
	else
		json_object_put(obj);
	return dry->changed ? VP_EXIT_WOULD_CHANGE : VP_EXIT_DONE;
}

/**
 * apply_dry_run() - tell what would be done
 * @args: the command line
 * @rules: the files, of which every rule is good
 *
 * Return: an exit status.
 */
int apply_dry_run(const struct vp_args *args, const struct vp_rules *rules)
{
	struct dry dry = { .args = args, .files = rules };
	int ret;

	ret = vp_device_host(&dry.host, NULL);
	if (!ret)
		ret = ask_module(&dry);
	if (!ret && vp_dry_refuse_disabled(&dry.nl))
		ret = VP_EXIT_KERNEL;
	if (!ret && dry.after->dsn)
		vp_host_read_dsn(&dry.host, NULL);
	if (!ret)
		ret = check_odds(&dry);
	if (!ret)
		ret = tell(&dry);
	vp_nl_close(&dry.nl);
	vp_policy_free(dry.before);
	vp_policy_free(dry.after);
	free(dry.devs);
	vp_host_close(&dry.host);
	return ret;
}
