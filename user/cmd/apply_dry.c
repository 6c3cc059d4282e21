// SPDX-License-Identifier: GPL-2.0-only
/* What vfiopolicy apply would do: which rules come and go, and which devices. */
#include <json.h>

#include "apply.h"
#include "dryrun.h"
#include "output.h"

/* The rules of @some that @others has not. */
static struct json_object *say_rules(struct apply *dry, const char *what,
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

static int tell(struct apply *dry)
{
	struct json_object *obj = vp_out_json(), *devs;

	devs = json_object_new_array();
	if (apply_devices(dry, false, devs) < 0) {
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
	struct apply dry = { .args = args, .files = rules };
	struct vp_nl nl;
	int ret;

	ret = vp_nl_open(&nl);
	if (!ret)
		ret = apply_look(&dry, &nl);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		ret = VP_EXIT_KERNEL;
	}
	if (!ret && vp_dry_refuse_disabled(&nl))
		ret = VP_EXIT_KERNEL;
	if (!ret)
		ret = apply_check_odds(&dry);
	if (!ret)
		ret = tell(&dry);
	vp_nl_close(&nl);
	apply_free(&dry);
	return ret;
}
