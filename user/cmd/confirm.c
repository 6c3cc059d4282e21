// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy confirm
 *
 * What apply --confirm brought into force stays.
 */
#include <json.h>

#include "output.h"
#include "trial.h"

static int keep(const struct vp_args *args)
{
	struct json_object *obj;
	enum vp_trial_state state;
	unsigned int left;
	int ret = -ENOENT;

	state = vp_trial_look(&left);
	if (state == VP_TRIAL_LASTS)
		ret = vp_trial_confirm();
	if (state == VP_TRIAL_KILLED) {
		vp_out_error("nothing waits to be confirmed: the process that waited was killed before it had put the rules back");
		vp_out_error_more("What apply brought into force is so still, if not in part: vfiopolicy status shows it, vfiopolicy apply brings in what the files say.");
		return VP_EXIT_NOT_FOUND;
	}
	if (ret == -ENOENT) {
		vp_out_error("nothing waits to be confirmed");
		vp_out_error_more("An apply --confirm that was not confirmed in time has been taken back; one that changed nothing waits for nothing.");
		vp_out_error_more("vfiopolicy status shows what is in force, vfiopolicy apply --dry-run what the files would change.");
		return VP_EXIT_NOT_FOUND;
	}
	if (ret) {
		vp_out_error("it cannot be confirmed: %s", strerror(-ret));
		return VP_EXIT_KERNEL;
	}
	if (args->given & VP_OPT_JSON) {
		obj = vp_out_json();
		vp_out_json_bool(obj, "changed", true);
		vp_out_json_print(obj);
	} else {
		vp_out_say("confirmed, %u seconds before the end", left);
	}
	return VP_EXIT_DONE;
}

const struct vp_command vp_cmd_confirm = {
	.name = "confirm",
	.synopsis = "[--no-image]",
	.summary = "keep what apply --confirm brought into force",
	.help =
"  --no-image        leave the boot images as they are: a later apply rebuilds them\n"
"Without it the rules that were in force before are put back when the time is\n"
"over. Exit status 3 when nothing waits to be confirmed.\n",
	.examples =
"  vfiopolicy apply --confirm=60     the rules of the files, for a minute\n"
"  vfiopolicy confirm                for good\n",
	.saves = true,
	.options = VP_OPT_NO_IMAGE | VP_OPT_JSON,
	.min_words = 0,
	.max_words = 0,
	.run = keep,
};
