// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy apply [--confirm=SEC]
 *
 * Makes the rules in force those of the files, in one step: those that came
 * from files and stand there no more are deleted, new ones are added. Rules of
 * other origins stay.
 */
#include <json.h>

#include "apply.h"
#include "boot.h"
#include "output.h"
#include "table.h"
#include "trial.h"
#include "watch.h"
#include "wishes.h"

static int refuse(const struct vp_rules *rules)
{
	vp_table_say_bad(rules);
	vp_out_error_more("Nothing was changed.");
	return VP_EXIT_USAGE;
}

static int say(const struct apply *apply, const struct vp_nl_replaced *replaced)
{
	const struct vp_args *args = apply->args;
	struct json_object *obj, *devs;

	if (args->given & VP_OPT_JSON) {
		obj = vp_out_json();
		devs = json_object_new_array();
		vp_out_json_bool(obj, "changed", replaced->changed);
		vp_out_json_bool(obj, "dry_run", false);
		vp_out_json_number(obj, "rules", replaced->count);
		vp_out_json_number(obj, "differences", replaced->changed);
		if (args->given & VP_OPT_CONFIRM && replaced->changed)
			vp_out_json_number(obj, "confirm_within", args->confirm);
		else
			vp_out_json_string(obj, "confirm_within", NULL);
		if (replaced->changed)
			apply_devices(apply, true, devs);
		json_object_object_add(obj, "devices", devs);
		vp_out_json_print(obj);
	} else if (replaced->changed) {
		vp_out_say("rules of the files in force: %u; added or deleted: %u",
			   replaced->count, replaced->changed);
		/* On a host with thousands of devices that takes a while. */
		if (!args->quiet)
			apply_devices(apply, true, NULL);
	} else {
		vp_out_say("rules of the files in force: %u, as before",
			   replaced->count);
	}
	if (args->given & VP_OPT_CONFIRM && replaced->changed)
		vp_out_say("the rules from before are put back in %lu seconds, unless: vfiopolicy confirm",
			   args->confirm);
	else if (args->given & VP_OPT_CONFIRM)
		vp_out_say("nothing was changed, and nothing waits to be confirmed");
	return VP_EXIT_DONE;
}

/* Before anything is changed, so that nothing can come between. */
static int begin_trial(const struct vp_args *args, struct vp_nl *nl,
		       struct vp_trial *trial)
{
	int ret;

	if (!(args->given & VP_OPT_CONFIRM))
		return 0;
	ret = vp_trial_begin(trial, nl, (unsigned int)args->confirm);
	if (ret) {
		vp_out_error("there is nobody to put the rules back: %s", strerror(-ret));
		vp_out_error_more("Nothing was changed.");
		vp_trial_end(trial, false);
	}
	return ret;
}

/*
 * Its time may be over before the module is done, or its process killed: then the
 * new rules would stay, and who is locked out by them, too.
 */
static int refuse_over(const struct vp_trial *trial, struct vp_nl *nl)
{
	int ret = vp_trial_put_back(trial, nl);

	vp_out_error("the trial was over before the rules were in force: its time was, or the process that waited was killed");
	if (!ret) {
		vp_out_error_more("The rules from before have been put back: try a longer time.");
		return VP_EXIT_KERNEL;
	}
	vp_out_nl_error("the rules from before cannot be put back", &nl->error);
	vp_out_error_more("The rules of the files are in force: vfiopolicy status.");
	return VP_EXIT_KERNEL;
}

static int bring_into_force(const struct apply *apply, struct vp_nl *nl,
			    const char *const *texts, size_t count)
{
	const struct vp_args *args = apply->args;
	struct vp_trial trial = { 0 };
	struct vp_nl_replaced replaced;
	bool over;
	int ret;

	if (begin_trial(args, nl, &trial))
		return VP_EXIT_KERNEL;
	if (vp_nl_rule_replace(nl, VFIOPOLICY_ORIGIN_FILE, texts, count,
			       &replaced)) {
		vp_trial_end(&trial, false);
		vp_out_nl_error("apply", &nl->error);
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_KERNEL;
	}
	over = replaced.changed && vp_trial_is_over(&trial);
	ret = over ? refuse_over(&trial, nl) : say(apply, &replaced);
	vp_trial_end(&trial, replaced.changed && !over);
	return ret;
}

static int replace(const struct vp_args *args, const struct vp_rules *rules)
{
	const char **texts = calloc(rules->count + 1, sizeof(*texts));
	struct apply apply = { .args = args, .files = rules };
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
	if (!ret)
		ret = apply_look(&apply, &nl);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = apply_check_odds(&apply);
	}
	if (!ret)
		ret = bring_into_force(&apply, &nl, texts, rules->count);
	vp_nl_close(&nl);
	apply_free(&apply);
	free(texts);
	return ret;
}

/* What is left to do is done for each command that saves rules. */
static int say_later(const struct vp_args *args, const struct vp_rules *rules)
{
	struct json_object *obj;
	struct vp_boot boot;

	if (args->given & VP_OPT_CONFIRM) {
		vp_out_error("--confirm is about the rules in force, which --next-boot leaves as they are");
		return VP_EXIT_USAGE;
	}
	vp_boot_look(rules, &boot);
	if (args->given & VP_OPT_JSON) {
		obj = vp_out_json();
		vp_out_json_bool(obj, "changed", !vp_boot_is_current(&boot));
		vp_out_json_bool(obj, "dry_run", false);
		vp_out_json_number(obj, "rules", rules->count);
		vp_out_json_print(obj);
	} else {
		vp_out_say("rules of the files for the next boot: %zu%s", rules->count,
			   vp_boot_is_current(&boot) ? ", as before" : "");
	}
	return VP_EXIT_DONE;
}

/* Files may come from elsewhere, and the user later. */
static void say_owners(const struct vp_rules *rules)
{
	const struct vp_rules_entry *entry;
	char text[VP_WISH_LEN];
	size_t i;
	uid_t uid;
	gid_t gid;

	for (i = 0; i < rules->count; i++) {
		entry = &rules->entries[i];
		if (entry->text && !entry->duplicate && entry->rule->owner[0] &&
		    vp_wish_owner(entry->rule->owner, &uid, &gid, text) !=
		    VP_WISH_FINE)
			vp_out_note("%s, line %u: %s", vp_rules_path(rules, entry),
				    entry->line, text);
	}
}

/* Return: an exit status. */
static int read_and_apply(const struct vp_args *args)
{
	struct vp_rules_error error;
	struct vp_rules rules;
	int ret;

	if (vp_rules_read(&rules, &error)) {
		vp_out_error("%s", error.text);
		return VP_EXIT_KERNEL;
	}
	say_owners(&rules);
	if (rules.bad || rules.refused)
		ret = refuse(&rules);
	else if (args->given & VP_OPT_DRY_RUN)
		ret = apply_dry_run(args, &rules);
	else if (args->given & VP_OPT_NEXT_BOOT)
		ret = say_later(args, &rules);
	else
		ret = replace(args, &rules);
	vp_rules_free(&rules);
	return ret;
}

static int run(const struct vp_args *args)
{
	struct vp_rules_lock lock = { .dir = -1 };
	int ret;

	/* Files that somebody is just changing are none to apply. */
	if (!(args->given & VP_OPT_DRY_RUN) && vp_watch_lock(&lock)) {
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_KERNEL;
	}
	ret = read_and_apply(args);
	vp_rules_unlock(&lock);
	return ret;
}

const struct vp_command vp_cmd_apply = {
	.name = "apply",
	.synopsis = "[--confirm=SEC] [--next-boot] [--no-image] [--dry-run]",
	.summary = "bring the rules of the files into force, in one step",
	.help =
"  --confirm=SEC     put the rules from before back after so many seconds, unless\n"
"                    vfiopolicy confirm comes, also when the login that this came\n"
"                    from is dead; the files stay as they are\n"
"  --next-boot       make the next boot know them, and nothing else; needs no module\n"
"  --no-image        leave the boot images as they are: a later apply rebuilds them\n"
"  --dry-run         say what would be done, and do nothing; exit status 5 if\n"
"                    it would change something\n"
"The files are /etc/vfiopolicy/rules.d/*.rules, and below them those of\n"
"/run/vfiopolicy/rules.d and /usr/lib/vfiopolicy/rules.d. A rule that is none\n"
"in any of them changes nothing. The next boot is made to know them, too: they are\n"
"written to /etc/modprobe.d/00-vfiopolicy.conf, and the boot images are rebuilt.\n",
	.examples =
"  vfiopolicy apply --dry-run        what the files would change\n"
"  vfiopolicy apply --confirm=60     change it, and back in a minute: for who is\n"
"                                    logged in by the network card concerned\n",
	.saves = true,
	.options = VP_OPT_NO_IMAGE | VP_OPT_JSON | VP_OPT_DRY_RUN | VP_OPT_CONFIRM |
		   VP_OPT_NEXT_BOOT,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
