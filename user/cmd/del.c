// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy del RULE...
 * vfiopolicy del --all
 *
 * Deletes rules by their numbers, their names, their texts, or the devices they were
 * added for, from the module and from the files, all of them or none; waits until
 * their devices are back, and says which driver has each of them then.
 */
#include <json.h>

#include "del.h"
#include "dryrun.h"
#include "output.h"
#include "safety.h"

/* Takes down what the rules name now. Return: 0 or -errno. */
static int prepare_watch(struct del *del, struct vp_watch *watch)
{
	struct vp_watch_dev *dev;
	struct vp_nl_dev *devs;
	size_t count, i, n = 0;
	int ret;

	ret = vp_nl_devs(&del->nl, &devs, &count);
	if (ret)
		return ret;
	ret = vp_watch_init(watch, &del->nl, count);
	for (i = 0; !ret && i < count; i++) {
		if (!del_is_meant_id(del, devs[i].rule))
			continue;
		dev = &watch->devs[n++];
		memcpy(dev->address, devs[i].address, sizeof(dev->address));
		vp_host_driver(&del->host, dev->address, dev->from);
		vp_out_name(&del->host, &devs[i].facts, dev->name,
			    sizeof(dev->name));
	}
	watch->count = n;
	watch->leaving = true;
	free(devs);
	return ret;
}

static int tell_module(void *arg)
{
	struct del *del = arg;

	del->refused = del->count > 1 ? del_many(del) :
		       vp_nl_rule_del(&del->nl, 0, del->texts[0]);
	del->told = !del->refused;
	return del->refused;
}

/* Return: 0, or -errno after having said what is wrong with the files. */
static int del_from_files(struct del *del, const struct vp_rules_lock *lock,
			  vp_rules_fn between)
{
	struct vp_rules_error error;
	int ret;

	/* No file had them, nor has the module one from there. */
	if (lock->dir < 0)
		return 0;
	ret = vp_rules_del_all(lock, (const char *const *)del->texts, del->count,
			       between, del, del->edited, &error);
	if (!ret || ret == -ENOENT || del->refused)
		return 0;
	vp_out_error("%s", error.text);
	return ret;
}

/* Who keeps the devices of the rules from leaving. */
static void say_users(struct del *del)
{
	char who[VP_USE_LEN / 2];
	struct vp_safety safety;
	struct vp_nl_dev *devs;
	struct vp_user user;
	size_t count, i;

	if (vp_nl_devs(&del->nl, &devs, &count))
		return;
	/* Without the mounts one can still be asked who has what open. */
	vp_safety_open(&safety, &del->host, NULL);
	for (i = 0; i < count; i++) {
		if (!devs[i].in_use || !del_is_meant_id(del, devs[i].rule) ||
		    !vp_safety_vfio_user(&safety, devs[i].address, &user))
			continue;
		vp_safety_print_user(&user, who, sizeof(who));
		vp_out_error_more("  %s: %s has it open", devs[i].address, who);
	}
	vp_safety_close(&safety);
	free(devs);
}

/* The files kept them at the last moment, so the module is to have them, too. */
static void put_back(struct del *del)
{
	struct vp_nl_rule rule;
	int ret;

	ret = del->count > 1 ? del_put_back(del) :
	      vp_nl_rule_add(&del->nl, del->texts[0], VFIOPOLICY_ORIGIN_FILE,
			     &rule);
	if (ret)
		vp_out_error_more("The module has deleted what is saved; it is back when the files are applied.");
	else
		vp_out_error_more("%s as before; a device that has gone back to the host meanwhile stays there: vfiopolicy status.",
				  del->count > 1 ? "The rules are" : "The rule is");
}

/*
 * The module in the middle, for it may refuse: when the new files are written, and
 * before they are put in place of the old ones.
 */
static int del_from_module(struct del *del, struct vp_rules_lock *lock)
{
	struct vp_watch watch = { 0 };
	int ret, saved = 0;

	ret = prepare_watch(del, &watch);
	if (!ret) {
		vp_watch_start(&watch);
		saved = del_from_files(del, lock, tell_module);
		if (!saved && !del->refused && !del->told)
			tell_module(del);
		ret = del->refused;
	}
	if (!ret && !del->told) {
		vp_out_error_more("Nothing was changed.");
		vp_watch_free(&watch);
		return VP_EXIT_KERNEL;
	}
	if (ret) {
		vp_out_error("del %s: %s", del->what, del->nl.error.text);
		if (ret == -EBUSY)
			say_users(del);
		vp_out_error_more("Nothing was changed.");
		vp_watch_free(&watch);
		return VP_EXIT_KERNEL;
	}
	if (saved) {
		put_back(del);
		vp_watch_free(&watch);
		return VP_EXIT_KERNEL;
	}
	/* Others need not wait for the devices. */
	vp_rules_unlock(lock);
	ret = vp_watch_run(&watch, del->args->wait, del_say_device, del);
	ret = del_report(del, &watch, ret);
	vp_watch_free(&watch);
	return ret;
}

static bool is_in_module(const struct del *del)
{
	size_t i;

	for (i = 0; i < del->rule_count; i++)
		if (del_is_meant(del, &del->rules[i]))
			return true;
	return false;
}

/**
 * del_tables() - the rules that are in force, or those of the files without the module
 * @del: the run
 * @before: set to them, to be freed with vp_policy_free(), also after an error
 * @after: set to what is left of them, likewise
 *
 * Return: 0 or -errno.
 */
int del_tables(const struct del *del, struct vp_table **before,
	       struct vp_table **after)
{
	struct vp_table *next;
	size_t i;
	int ret;

	*after = NULL;
	ret = del->module ? vp_table_of_module(del->rules, del->rule_count,
					       before) :
			    vp_table_of_files(&del->files, before);
	for (i = 0; !ret && i < del->count; i++) {
		next = vp_policy_without(*after ? *after : *before,
					 del->texts[i], 0);
		vp_policy_free(*after);
		*after = next;
		if (!next)
			ret = -ENOMEM;
	}
	return ret;
}

static void print_dry_json(const struct del *del, struct json_object *list)
{
	struct json_object *obj = vp_out_json(), *texts;
	size_t i;

	vp_out_json_bool(obj, "dry_run", true);
	vp_out_json_bool(obj, "changed", true);
	vp_out_json_string(obj, "rule", del->texts[0]);
	texts = json_object_new_array();
	for (i = 0; i < del->count; i++)
		json_object_array_add(texts,
				      json_object_new_string(del->texts[i]));
	json_object_object_add(obj, "texts", texts);
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
}

/* What deleting them would do. Return: an exit status. */
static int dry_run(struct del *del)
{
	struct vp_table *before = NULL, *after = NULL;
	char refused[sizeof(del->what) + 8];
	struct json_object *list = NULL;
	struct vp_dry_change change = {
		.host = &del->host, .later = !is_in_module(del), .what = refused,
	};
	struct vp_nl_dev *devs = NULL;
	size_t i;
	int ret;

	snprintf(refused, sizeof(refused), "del %s", del->what);
	if (del->module)
		ret = vp_nl_devs(&del->nl, &devs, &change.dev_count);
	else
		ret = 0;
	if (!ret)
		ret = del_tables(del, &before, &after);
	if (ret) {
		vp_out_error("%s", strerror(-ret));
		ret = VP_EXIT_KERNEL;
		goto out;
	}
	if (before->dsn)
		vp_host_read_dsn(&del->host, NULL);
	change.devs = devs;
	change.before = before;
	change.after = after;
	if (del->args->given & VP_OPT_JSON)
		list = json_object_new_array();
	ret = vp_dry_change(&change, list);
	if (ret < 0) {
		json_object_put(list);
		ret = VP_EXIT_KERNEL;
		goto out;
	}
	for (i = 0; i < del->count; i++)
		vp_out_say("would be deleted: %s", del->texts[i]);
	vp_out_say("Nothing was changed: this was a dry run.");
	if (list)
		print_dry_json(del, list);
	ret = VP_EXIT_WOULD_CHANGE;
out:
	vp_policy_free(before);
	vp_policy_free(after);
	free(devs);
	return ret;
}

/*
 * What the module has from files may have been saved since they were read here,
 * and would be back with the next apply.
 */
static bool is_from_files(const struct del *del)
{
	size_t i;

	for (i = 0; i < del->rule_count; i++)
		if (del_is_meant(del, &del->rules[i]) &&
		    del->rules[i].origin == VFIOPOLICY_ORIGIN_FILE)
			return true;
	return false;
}

static bool is_saved(const struct del *del)
{
	size_t i;

	for (i = 0; i < del->count; i++)
		if (vp_rules_find(&del->files, del->texts[i]))
			return true;
	return false;
}

/* What the module has may have changed while another one was waited for. */
static int ask_again(struct del *del)
{
	free(del->rules);
	del->rules = NULL;
	del->rule_count = 0;
	return vp_nl_rules(&del->nl, &del->rules, &del->rule_count);
}

static int del_all(struct del *del)
{
	struct vp_rules_lock lock = { .dir = -1 };
	struct vp_watch none = { 0 };
	bool saved = is_saved(del);
	int ret;

	if (del->args->given & VP_OPT_DRY_RUN)
		return dry_run(del);
	if ((saved || is_from_files(del)) && vp_watch_lock(&lock)) {
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_KERNEL;
	}
	if (del->module && del->count > 1 && ask_again(del)) {
		vp_out_nl_error("module vfiopolicy", &del->nl.error);
		ret = VP_EXIT_KERNEL;
	} else if (is_in_module(del)) {
		ret = del_from_module(del, &lock);
	} else {
		ret = del_from_files(del, &lock, NULL) ?
		      VP_EXIT_KERNEL : del_report(del, &none, 0);
	}
	vp_rules_unlock(&lock);
	return ret;
}

/* Return: an exit status; with --all there may be nothing to be done. */
static int find_and_del(struct del *del)
{
	struct vp_watch none = { 0 };
	int ret = del_find(del);

	if (ret)
		return ret;
	if (!del->count) {
		vp_out_say("no file of /etc/vfiopolicy/rules.d has a rule");
		return del_report(del, &none, 0);
	}
	del->edited = calloc(del->count, sizeof(*del->edited));
	if (!del->edited) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	return del_all(del);
}

/* Either rules, or all of them. */
static int check_words(const struct vp_args *args)
{
	if (args->given & VP_OPT_ALL && args->nwords) {
		vp_out_error("del: --all deletes every rule of the files: '%s' is one word too many",
			     args->words[0]);
		return VP_EXIT_USAGE;
	}
	if (args->nwords || args->given & VP_OPT_ALL)
		return VP_EXIT_DONE;
	vp_out_error("del: RULE is missing; --all deletes every rule of the files");
	vp_out_usage(args->command);
	return VP_EXIT_USAGE;
}

/* Return: an exit status. Without the module there are the files. */
static int ask_module(struct del *del)
{
	int ret = vp_nl_open(&del->nl);

	if (!ret)
		ret = vp_nl_rules(&del->nl, &del->rules, &del->rule_count);
	del->module = !ret;
	if (ret && (ret != -ENOENT || !del->files.count)) {
		vp_out_nl_error("module vfiopolicy", &del->nl.error);
		return VP_EXIT_KERNEL;
	}
	if (ret)
		vp_out_note("the module is not loaded; this is about the files alone");
	return VP_EXIT_DONE;
}

static int run(const struct vp_args *args)
{
	struct del del = { .args = args };
	struct vp_rules_error error;
	size_t i;
	int ret;

	if (check_words(args))
		return VP_EXIT_USAGE;
	/* Only names and drivers are wanted of it: what is not there is not. */
	ret = vp_host_open(&del.host, NULL, NULL);
	if (!del.host.names) {
		vp_out_error("%s", strerror(-ret));
		ret = VP_EXIT_KERNEL;
	} else if (vp_rules_read(&del.files, &error)) {
		vp_out_error("%s", error.text);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = ask_module(&del);
		if (!ret)
			ret = find_and_del(&del);
	}
	for (i = 0; i < del.count; i++)
		free(del.texts[i]);
	free(del.texts);
	free(del.edited);
	vp_nl_close(&del.nl);
	vp_rules_free(&del.files);
	free(del.rules);
	vp_host_close(&del.host);
	return ret;
}

const struct vp_command vp_cmd_del = {
	.name = "del",
	.synopsis = "RULE...|--all [--wait=SEC] [--no-image] [--dry-run]",
	.summary = "delete rules; their devices go back to the host",
	.help =
"  RULE              its number, its name, its text in one word or several, or\n"
"                    the device that it was added for; of several rules all are\n"
"                    deleted, or none\n"
"  --all             every rule of the files in /etc/vfiopolicy/rules.d\n"
"  --wait=SEC        wait so long for the devices (10; 0: do not wait)\n"
"  --no-image        leave the boot images as they are: a later apply rebuilds them\n"
"  --dry-run         say what would be done, and do nothing; exit status 5 if\n"
"                    it would change something\n"
"While a user has one of the devices open, the rules stay. Without the module the\n"
"devices stay where they are: 'release' gives them back.\n",
	.examples =
"  vfiopolicy del gpu0               by its name\n"
"  vfiopolicy del 3 vm-disk          two of them, by number and by name\n"
"  vfiopolicy del 82:00.0            by the device that it was added for\n"
"  vfiopolicy del --all --dry-run    what would be left of it all\n",
	.saves = true,
	.options = VP_OPT_NO_IMAGE | VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_WAIT |
		   VP_OPT_DRY_RUN | VP_OPT_ALL,
	.min_words = 0,
	.max_words = -1,
	.run = run,
};
