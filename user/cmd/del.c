// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy del RULE
 *
 * Deletes a rule by its number, its name, its text, or the device it was added
 * for, from the module and from the files; waits until its devices are back,
 * and says which driver has each of them then.
 */
#include <json.h>

#include "command.h"
#include "dryrun.h"
#include "output.h"
#include "resolve.h"
#include "rulearg.h"
#include "rules.h"
#include "safety.h"
#include "watch.h"

/**
 * struct del - one run of the command
 * @args: the command line
 * @text: canonical form of the rule, once it is known
 * @host: the host
 * @nl: the connection to the module
 * @module: the module has answered
 * @rules: the rules that are there
 * @rule_count: number of @rules
 * @files: the rules that are saved
 * @edited: what became of them
 * @refused: -errno, when the module would not delete it
 * @told: the module has deleted it
 */
struct del {
	const struct vp_args *args;
	char text[VP_RULEARG_LEN];
	struct vp_host host;
	struct vp_nl nl;
	bool module;
	struct vp_nl_rule *rules;
	size_t rule_count;
	struct vp_rules files;
	struct vp_rules_change edited;
	int refused;
	bool told;
};

static bool is_meant(const struct del *del, const struct vp_nl_rule *rule)
{
	return !strcmp(rule->text, del->text);
}

static bool is_meant_id(const struct del *del, u32 id)
{
	size_t i;

	for (i = 0; i < del->rule_count; i++)
		if (del->rules[i].id == id)
			return is_meant(del, &del->rules[i]);
	return false;
}

static int say_not_found(const struct del *del, const char *what)
{
	size_t i;

	vp_out_error("there is no rule %s", what);
	if (!del->rule_count)
		vp_out_error_more("There are no rules.");
	for (i = 0; i < del->rule_count; i++)
		vp_out_error_more("  %u  %s  (%s)", del->rules[i].id,
				  del->rules[i].text,
				  vp_verdict_origin(del->rules[i].origin));
	return VP_EXIT_NOT_FOUND;
}

static void say_device(const struct vp_watch_dev *dev, void *arg)
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

static void print_json(const struct del *del, const struct vp_watch *watch,
		       bool pending)
{
	struct json_object *obj = vp_out_json(), *list, *json;
	const struct vp_watch_dev *dev;
	char driver[VP_HOST_LEN];
	size_t i;

	vp_out_json_bool(obj, "changed", true);
	vp_out_json_bool(obj, "dry_run", false);
	vp_out_json_bool(obj, "pending", pending);
	list = json_object_new_array();
	for (i = 0; i < del->rule_count; i++)
		if (is_meant(del, &del->rules[i]))
			json_object_array_add(list,
					      vp_out_json_rule(&del->rules[i]));
	json_object_object_add(obj, "rules", list);

	list = json_object_new_array();
	for (i = 0; i < watch->count; i++) {
		dev = &watch->devs[i];
		json = json_object_new_object();
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
		json_object_array_add(list, json);
	}
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
}

static void say_files(const struct del *del)
{
	const struct vp_rules_change *edited = &del->edited;

	if (edited->changed)
		vp_out_say("deleted from %s, line %u", edited->place.path,
			   edited->place.line);
	if (edited->left)
		vp_out_note("it still stands in %s, line %u, and the next apply brings it back: mask that file by one of the same name in /etc/vfiopolicy/rules.d",
			    edited->left_place.path, edited->left_place.line);
}

static int report(const struct del *del, const struct vp_watch *watch, int left)
{
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (!watch->devs[i].done)
			say_device(&watch->devs[i], (void *)del);
	for (i = 0; i < del->rule_count; i++) {
		if (!is_meant(del, &del->rules[i]))
			continue;
		vp_out_say("rule %u deleted: %s", del->rules[i].id,
			   del->rules[i].text);
		if (del->rules[i].origin == VFIOPOLICY_ORIGIN_CMDLINE)
			vp_out_note("rule %u was a parameter of the module: it is back when the module is loaded again with it",
				    del->rules[i].id);
	}
	say_files(del);
	if (del->args->given & VP_OPT_JSON)
		print_json(del, watch, left);
	return left ? VP_EXIT_PENDING : VP_EXIT_DONE;
}

/* Takes down what the rule names now. Return: 0 or -errno. */
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
		if (!is_meant_id(del, devs[i].rule))
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

	del->refused = vp_nl_rule_del(&del->nl, 0, del->text);
	del->told = !del->refused;
	return del->refused;
}

/* Return: 0, or -errno after having said what is wrong with the files. */
static int del_from_files(struct del *del, const struct vp_rules_lock *lock,
			  vp_rules_fn between)
{
	struct vp_rules_error error;
	int ret;

	/* No file had it, nor has the module it from one. */
	if (lock->dir < 0)
		return 0;
	ret = vp_rules_del(lock, del->text, between, del, &del->edited, &error);
	if (!ret || ret == -ENOENT || del->refused)
		return 0;
	vp_out_error("%s", error.text);
	return ret;
}

/* Who keeps the devices of the rule from leaving. */
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
		if (!devs[i].in_use || !is_meant_id(del, devs[i].rule) ||
		    !vp_safety_vfio_user(&safety, devs[i].address, &user))
			continue;
		vp_safety_print_user(&user, who, sizeof(who));
		vp_out_error_more("  %s: %s has it open", devs[i].address, who);
	}
	vp_safety_close(&safety);
	free(devs);
}

/* The files kept it at the last moment, so the module is to have it, too. */
static void put_back(struct del *del)
{
	struct vp_nl_rule rule;

	if (vp_nl_rule_add(&del->nl, del->text, VFIOPOLICY_ORIGIN_FILE, &rule))
		vp_out_error_more("The module has deleted it; it is back when the files are applied.");
	else
		vp_out_error_more("The rule is as before; a device that has gone back to the host meanwhile stays there: vfiopolicy status.");
}

/*
 * The module in the middle, for it may refuse: when the new files are written, and
 * before they are put in place of the old ones.
 */
static int del_from_module(struct del *del, struct vp_rules_lock *lock,
			   const char *what)
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
		vp_out_error("del %s: %s", what, del->nl.error.text);
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
	ret = vp_watch_run(&watch, del->args->wait, say_device, del);
	ret = report(del, &watch, ret);
	vp_watch_free(&watch);
	return ret;
}

static bool is_in_module(const struct del *del)
{
	size_t i;

	for (i = 0; i < del->rule_count; i++)
		if (is_meant(del, &del->rules[i]))
			return true;
	return false;
}

/* The rules that are in force, or those of the files without the module. */
static int make_tables(const struct del *del, struct vp_table **before,
		       struct vp_table **after)
{
	int ret;

	*after = NULL;
	ret = del->module ? vp_table_of_module(del->rules, del->rule_count,
					       before) :
			    vp_table_of_files(&del->files, before);
	if (!ret)
		*after = vp_policy_without(*before, del->text, 0);
	return *after ? 0 : -ENOMEM;
}

static void print_dry_json(const struct del *del, struct json_object *list)
{
	struct json_object *obj = vp_out_json();

	vp_out_json_bool(obj, "dry_run", true);
	vp_out_json_bool(obj, "changed", true);
	vp_out_json_string(obj, "rule", del->text);
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
}

/* What deleting it would do. Return: an exit status. */
static int dry_run(struct del *del, const char *what)
{
	struct vp_table *before = NULL, *after = NULL;
	char refused[VP_RULEARG_LEN + 8];
	struct json_object *list = NULL;
	struct vp_dry_change change = {
		.host = &del->host, .later = !is_in_module(del), .what = refused,
	};
	struct vp_nl_dev *devs = NULL;
	int ret;

	snprintf(refused, sizeof(refused), "del %s", what);
	if (del->module)
		ret = vp_nl_devs(&del->nl, &devs, &change.dev_count);
	else
		ret = 0;
	if (!ret)
		ret = make_tables(del, &before, &after);
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
	vp_out_say("would be deleted: %s", del->text);
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
		if (is_meant(del, &del->rules[i]) &&
		    del->rules[i].origin == VFIOPOLICY_ORIGIN_FILE)
			return true;
	return false;
}

static int del_rule(struct del *del, const char *what)
{
	struct vp_rules_lock lock = { .dir = -1 };
	bool saved = vp_rules_find(&del->files, del->text);
	struct vp_watch none = { 0 };
	int ret;

	if ((saved || is_in_module(del)) &&
	    del->args->given & VP_OPT_DRY_RUN)
		return dry_run(del, what);
	if ((saved || is_from_files(del)) && vp_watch_lock(&lock)) {
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_KERNEL;
	}
	if (is_in_module(del))
		ret = del_from_module(del, &lock, what);
	else if (saved)
		ret = del_from_files(del, &lock, NULL) ?
		      VP_EXIT_KERNEL : report(del, &none, 0);
	else
		ret = say_not_found(del, what);
	vp_rules_unlock(&lock);
	return ret;
}

static bool is_named(const char *text, const char *name)
{
	struct vp_error err;
	struct vp_rule rule;

	return name[0] && !vp_rule_parse(text, strlen(text), &rule, &err) &&
	       !strcmp(rule.name, name);
}

/* The text of a rule by its number or its name. Return: true when found. */
static bool find_text(struct del *del, const char *word)
{
	const char *text = NULL;
	size_t i;
	u32 id;

	if (!vp_rulearg_number(word, &id))
		id = 0;
	for (i = 0; i < del->rule_count && !text; i++)
		if (id ? del->rules[i].id == id :
			 is_named(del->rules[i].text, word))
			text = del->rules[i].text;
	for (i = 0; i < del->files.count && !text && !id; i++)
		if (del->files.entries[i].text &&
		    is_named(del->files.entries[i].text, word))
			text = del->files.entries[i].text;
	if (!text)
		return false;
	snprintf(del->text, sizeof(del->text), "%s", text);
	return true;
}

static bool is_known(const struct del *del)
{
	return is_in_module(del) || vp_rules_find(&del->files, del->text);
}

/* Does a rule name devices by these words, whatever it wants of them? */
static bool has_selectors(const char *text, const char *selectors)
{
	char own[VP_RULEARG_LEN];
	struct vp_error err;
	struct vp_rule rule;

	if (vp_rule_parse(text, strlen(text), &rule, &err))
		return false;
	vp_rule_print_selectors(&rule, own, sizeof(own));
	return !strcmp(own, selectors);
}

/* The one rule that names devices by the same words. Return: true if there is. */
static bool find_selectors(struct del *del, const struct vp_rule *rule)
{
	char selectors[VP_RULEARG_LEN];
	const char *text = NULL, *next;
	size_t i;

	vp_rule_print_selectors(rule, selectors, sizeof(selectors));
	for (i = 0; i < del->rule_count + del->files.count; i++) {
		next = i < del->rule_count ? del->rules[i].text :
		       del->files.entries[i - del->rule_count].text;
		if (!next || !has_selectors(next, selectors))
			continue;
		/* Two of them have to be told apart by the user. */
		if (text && strcmp(text, next) != 0)
			return false;
		text = next;
	}
	if (text)
		snprintf(del->text, sizeof(del->text), "%s", text);
	return text;
}

/* By its text as typed, by the device it was added for, or by its selectors. */
static int find_rule(struct del *del)
{
	const struct vp_args *args = del->args;
	struct vp_rulearg arg;
	int ret;

	ret = vp_rulearg_parse(&del->host, args->nwords, args->words, &arg);
	if (ret)
		return ret;
	snprintf(del->text, sizeof(del->text), "%s", arg.text);
	if (is_known(del) || find_selectors(del, &arg.rule) ||
	    (!arg.dev && !arg.pf))
		return 0;
	ret = vp_rulearg_parse(NULL, args->nwords, args->words, &arg);
	if (ret)
		return 0;
	if (!find_selectors(del, &arg.rule))
		snprintf(del->text, sizeof(del->text), "%s", arg.text);
	return 0;
}

static int find_and_del(struct del *del)
{
	const struct vp_args *args = del->args;
	char what[VP_RULEARG_LEN + 2], error[VP_RESOLVE_LEN] = "";
	const char *word = args->words[0];
	const struct vp_host_dev *dev;

	if (!word[0]) {
		vp_out_error("del: a rule is needed: its number, its name, its text or its device");
		return VP_EXIT_USAGE;
	}
	snprintf(what, sizeof(what), "%s", word);
	if (args->nwords == 1 && find_text(del, word))
		return del_rule(del, what);
	/* What a device is called goes with the driver that it was taken from. */
	if (args->nwords == 1 && (word[0] == '/' || !strpbrk(word, " :=.*")) &&
	    vp_resolve(&del->host, word, &dev, error, sizeof(error))) {
		if (error[0])
			vp_out_error("%s", error);
		vp_out_error_more("Once a rule has a device, its disk or interface is gone: name the rule by the device's address.");
		return say_not_found(del, what);
	}
	if (find_rule(del))
		return VP_EXIT_USAGE;
	snprintf(what, sizeof(what), "'%s'", del->text);
	return del_rule(del, what);
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
	int ret;

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
	vp_nl_close(&del.nl);
	vp_rules_free(&del.files);
	free(del.rules);
	vp_host_close(&del.host);
	return ret;
}

const struct vp_command vp_cmd_del = {
	.name = "del",
	.synopsis = "RULE [--wait=SEC] [--dry-run]",
	.summary = "delete a rule; its devices go back to the host",
	.help =
"  RULE              its number, its name, its text in one word or several, or\n"
"                    the device that it was added for\n"
"  --wait=SEC        wait so long for the devices (10; 0: do not wait)\n"
"  --no-image        leave the boot images as they are: a later apply rebuilds them\n"
"  --dry-run         say what would be done, and do nothing; exit status 5 if\n"
"                    it would change something\n"
"While a user has one of the devices open, the rule stays.\n",
	.examples =
"  vfiopolicy del gpu0               by its name\n"
"  vfiopolicy del 3                  by its number\n"
"  vfiopolicy del 82:00.0            by the device that it was added for\n",
	.saves = true,
	.options = VP_OPT_NO_IMAGE | VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_WAIT | VP_OPT_DRY_RUN,
	.min_words = 1,
	.max_words = -1,
	.run = run,
};
