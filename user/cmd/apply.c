// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy apply
 *
 * Makes the rules in force those of the files, in one step: those that came
 * from files and stand there no more are deleted, new ones are added. Rules of
 * other origins stay.
 */
#include <json.h>

#include "apply.h"
#include "output.h"

static int refuse(const struct vp_rules *rules)
{
	struct vp_rules_error error;
	size_t i;

	for (i = 0; i < rules->nfiles; i++)
		if (rules->files[i].refused)
			vp_out_error("%s", rules->files[i].refused);
	for (i = 0; i < rules->count; i++) {
		if (rules->entries[i].text)
			continue;
		vp_rules_describe(rules, &rules->entries[i], &error);
		vp_out_error("%s", error.text);
	}
	vp_out_error_more("Nothing was changed.");
	return VP_EXIT_USAGE;
}

static int say(const struct vp_args *args, const struct vp_nl_replaced *replaced)
{
	struct json_object *obj;

	if (args->given & VP_OPT_JSON) {
		obj = vp_out_json();
		vp_out_json_bool(obj, "changed", replaced->changed);
		vp_out_json_number(obj, "rules", replaced->count);
		vp_out_json_number(obj, "differences", replaced->changed);
		vp_out_json_print(obj);
	} else if (replaced->changed) {
		vp_out_say("rules of the files in force: %u; added or deleted: %u",
			   replaced->count, replaced->changed);
	} else {
		vp_out_say("rules of the files in force: %u, as before",
			   replaced->count);
	}
	return VP_EXIT_DONE;
}

static int replace(const struct vp_args *args, const struct vp_rules *rules)
{
	const char **texts = calloc(rules->count + 1, sizeof(*texts));
	struct vp_nl_replaced replaced;
	struct vp_nl nl;
	size_t i;
	int ret;

	if (!texts) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	for (i = 0; i < rules->count; i++)
		texts[i] = rules->entries[i].text;
	ret = vp_nl_open(&nl);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		ret = VP_EXIT_KERNEL;
	} else if (vp_nl_rule_replace(&nl, VFIOPOLICY_ORIGIN_FILE, texts,
				      rules->count, &replaced)) {
		vp_out_nl_error("apply", &nl.error);
		vp_out_error_more("Nothing was changed.");
		ret = VP_EXIT_KERNEL;
	} else {
		ret = say(args, &replaced);
	}
	vp_nl_close(&nl);
	free(texts);
	return ret;
}

static int run(const struct vp_args *args)
{
	struct vp_rules_error error;
	struct vp_rules rules;
	int ret;

	if (vp_rules_read(&rules, &error)) {
		vp_out_error("%s", error.text);
		return VP_EXIT_KERNEL;
	}
	if (rules.bad || rules.refused)
		ret = refuse(&rules);
	else if (args->given & VP_OPT_DRY_RUN)
		ret = apply_dry_run(args, &rules);
	else
		ret = replace(args, &rules);
	vp_rules_free(&rules);
	return ret;
}

const struct vp_command vp_cmd_apply = {
	.name = "apply",
	.synopsis = "[--dry-run]",
	.summary = "bring the rules of the files into force, in one step",
	.help =
"  --dry-run         say what would be done, and do nothing; exit status 5 if\n"
"                    it would change something\n"
"The files are /etc/vfiopolicy/rules.d/*.rules, and below them those of\n"
"/run/vfiopolicy/rules.d and /usr/lib/vfiopolicy/rules.d. A rule that is none\n"
"in any of them changes nothing.\n",
	.examples =
"  vfiopolicy apply --dry-run        what the files would change\n",
	.options = VP_OPT_JSON | VP_OPT_DRY_RUN,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
