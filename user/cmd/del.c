// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy del RULE
 *
 * Deletes a rule by its number or its text, waits until its devices are back,
 * and says which driver has each of them then.
 */
#include <json.h>

#include "command.h"
#include "output.h"
#include "rulearg.h"
#include "watch.h"

/**
 * struct del - one run of the command
 * @args: the command line
 * @id: number of the rule, or 0 to go by @text
 * @text: canonical form of the rule
 * @host: the host
 * @nl: the connection to the module
 * @rules: the rules that are there
 * @rule_count: number of @rules
 */
struct del {
	const struct vp_args *args;
	u32 id;
	char text[VP_RULEARG_LEN];
	struct vp_host host;
	struct vp_nl nl;
	struct vp_nl_rule *rules;
	size_t rule_count;
};

static bool is_meant(const struct del *del, const struct vp_nl_rule *rule)
{
	return del->id ? rule->id == del->id : !strcmp(rule->text, del->text);
}

static bool is_meant_id(const struct del *del, u32 id)
{
	size_t i;

	for (i = 0; i < del->rule_count; i++)
		if (del->rules[i].id == id)
			return is_meant(del, &del->rules[i]);
	return false;
}

static int say_not_found(const struct del *del)
{
	size_t i;

	if (del->id)
		vp_out_error("there is no rule %u", del->id);
	else
		vp_out_error("there is no rule '%s'", del->text);
	if (!del->rule_count)
		vp_out_error_more("There are no rules.");
	for (i = 0; i < del->rule_count; i++)
		vp_out_error_more("  %u  %s  (%s)", del->rules[i].id,
				  del->rules[i].text,
				  vp_verdict_origin(del->rules[i].origin));
	return VP_EXIT_NOT_FOUND;
}

static const char *or_none(const char *driver)
{
	return driver[0] ? driver : "no driver";
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
			   or_none(driver));
	} else {
		vp_out_say("%s  %s: %s -> %s ... %sdone%s (%.1f s)",
			   dev->address, dev->name, or_none(dev->from),
			   or_none(driver), vp_out_color(VP_VERDICT_MET),
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

/* Return: how many devices are not back yet, or -errno. */
static int del_and_watch(struct del *del, struct vp_watch *watch)
{
	int ret;

	ret = prepare_watch(del, watch);
	if (ret)
		return ret;
	vp_watch_start(watch);
	ret = vp_nl_rule_del(&del->nl, del->id, del->text);
	if (ret)
		return ret;
	return vp_watch_run(watch, del->args->wait, say_device, del);
}

static int del_rule(struct del *del)
{
	char what[VP_RULEARG_LEN + 16];
	struct vp_watch watch = { 0 };
	bool found = false;
	size_t i;
	int ret;

	ret = vp_nl_open(&del->nl);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &del->nl.error);
		return VP_EXIT_KERNEL;
	}
	ret = vp_nl_rules(&del->nl, &del->rules, &del->rule_count);
	if (ret) {
		vp_out_nl_error("rules", &del->nl.error);
		return VP_EXIT_KERNEL;
	}
	for (i = 0; i < del->rule_count && !found; i++)
		found = is_meant(del, &del->rules[i]);
	if (!found)
		return say_not_found(del);

	ret = del_and_watch(del, &watch);
	if (ret < 0) {
		if (del->id)
			snprintf(what, sizeof(what), "del %u", del->id);
		else
			snprintf(what, sizeof(what), "del %s", del->text);
		vp_out_nl_error(what, &del->nl.error);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = report(del, &watch, ret);
	}
	vp_watch_free(&watch);
	return ret;
}

static int run(const struct vp_args *args)
{
	struct del del = { .args = args };
	struct vp_rule rule;
	int ret;

	if (args->nwords > 1 || !vp_rulearg_number(args->words[0], &del.id)) {
		if (vp_rulearg_parse(args->nwords, args->words, &rule))
			return VP_EXIT_USAGE;
		vp_rule_print(&rule, del.text, sizeof(del.text));
	}
	/* Only names and drivers are wanted of it: what is not there is not. */
	ret = vp_host_open(&del.host, NULL, NULL);
	if (!del.host.names) {
		vp_out_error("%s", strerror(-ret));
		ret = VP_EXIT_KERNEL;
	} else {
		ret = del_rule(&del);
	}
	vp_nl_close(&del.nl);
	free(del.rules);
	vp_host_close(&del.host);
	return ret;
}

const struct vp_command vp_cmd_del = {
	.name = "del",
	.synopsis = "RULE [--wait=SEC]",
	.summary = "delete a rule; its devices go back to the host",
	.help =
"  RULE              its number, or its text in one word or several\n"
"  --wait=SEC        wait so long for the devices (10; 0: do not wait)\n"
"While a user has one of the devices open, the rule stays.\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_WAIT,
	.min_words = 1,
	.max_words = -1,
	.run = run,
};
