// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy status RULE|DEVICE
 *
 * All that is known of one rule, by its name or number, or of one device, by
 * whatever it is called.
 */
#include <json.h>

#include "device.h"
#include "group.h"
#include "output.h"
#include "release.h"
#include "rulearg.h"
#include "status.h"

const char *const vp_status_words[] = {
	[VP_VERDICT_MET] = "met",
	[VP_VERDICT_ABSENT] = "not present",
	[VP_VERDICT_PENDING] = "not yet met",
	[VP_VERDICT_NOT_MET] = "not met",
};

static int exit_status(enum vp_verdict verdict)
{
	return verdict == VP_VERDICT_MET ? VP_EXIT_DONE : VP_EXIT_NOT_MET;
}

/**
 * vp_status_json_rule() - a rule, and how it fares
 * @judge: what is known
 * @tally: the rule
 *
 * Return: an object.
 */
struct json_object *vp_status_json_rule(struct vp_judge *judge,
					const struct vp_tally *tally)
{
	struct json_object *obj = vp_out_json_rule(tally->rule), *list;
	char text[VP_JUDGE_LEN];
	size_t i;

	vp_out_json_string(obj, "name", tally->readable ? tally->parsed.name :
							  NULL);
	vp_out_json_string(obj, "verdict", vp_verdict_name(tally->verdict));
	vp_judge_why(judge, tally, text);
	vp_out_json_string(obj, "why", text);
	list = json_object_new_array();
	for (i = 0; i < judge->dev_count; i++)
		if (vp_judge_names(judge, tally, &judge->devs[i]))
			json_object_array_add(list, json_object_new_string(
						judge->devs[i].address));
	json_object_object_add(obj, "devices", list);
	return obj;
}

/**
 * vp_status_json_dev() - a device, its verdict, and who has it open
 * @judge: what is known
 * @dev: the device
 *
 * Return: an object.
 */
struct json_object *vp_status_json_dev(struct vp_judge *judge,
				       const struct vp_nl_dev *dev)
{
	struct json_object *obj = vp_out_json_dev(&judge->host, dev);
	char who[VP_GROUP_LEN];
	struct vp_user user;

	vp_out_json_string(obj, "blocked_by",
			   vp_judge_blocked(dev, who) ? who : NULL);
	vp_out_json_string(obj, "verdict",
			   vp_verdict_name(vp_judge_device(judge, NULL, dev)));
	vp_out_json_user(obj, vp_judge_user(judge, dev, &user) ? &user : NULL);
	return obj;
}

static const struct vp_nl_rule *rule_by_id(const struct vp_judge *judge, u32 id)
{
	size_t i;

	for (i = 0; i < judge->rule_count; i++)
		if (judge->rules[i].id == id)
			return &judge->rules[i];
	return NULL;
}

/* By its number or its name. Return: NULL when it is neither. */
static const struct vp_nl_rule *find_rule(const struct vp_judge *judge,
					  const char *word)
{
	struct vp_error err;
	struct vp_rule rule;
	size_t i;
	u32 id;

	if (vp_rulearg_number(word, &id))
		return rule_by_id(judge, id);
	for (i = 0; i < judge->rule_count; i++)
		if (!vp_rule_parse(judge->rules[i].text,
				   strlen(judge->rules[i].text), &rule, &err) &&
		    rule.name[0] && !strcmp(rule.name, word))
			return &judge->rules[i];
	return NULL;
}

/* What to do about a device; empty when that is nothing. */
static void todo(struct vp_judge *judge, const struct vp_nl_dev *dev, char *buf)
{
	char who[VP_GROUP_LEN];

	if (vp_judge_blocked(dev, who))
		scnprintf(buf, VP_JUDGE_LEN,
			  "all of an IOMMU group is given, or nothing: vfiopolicy groups %d shows who is in it; with=group, added to the rule, holds the others",
			  dev->group);
	else
		vp_verdict_todo(&judge->host, dev, buf);
}

static void say_rule(struct vp_judge *judge, const struct vp_tally *tally)
{
	bool one = tally->total == 1 && !tally->wish[0];
	char text[VP_JUDGE_LEN];
	enum vp_verdict verdict;
	size_t i;

	vp_out_say("rule %u, %s: %s", tally->rule->id,
		   vp_verdict_origin(tally->rule->origin), tally->rule->text);
	vp_judge_why(judge, tally, text);
	/* Of one device, what is said of it comes next. */
	vp_out_say("  %s%s%s%s%s", vp_out_color(tally->verdict),
		   vp_status_words[tally->verdict], vp_out_uncolor(),
		   one ? "" : ": ", one ? "" : text);
	for (i = 0; i < judge->dev_count; i++) {
		if (!vp_judge_names(judge, tally, &judge->devs[i]))
			continue;
		verdict = vp_judge_device(judge, tally, &judge->devs[i]);
		vp_judge_why_device(judge, &judge->devs[i], text);
		vp_out_say("  %s%s%s", vp_out_color(verdict), text,
			   vp_out_uncolor());
		if (verdict == VP_VERDICT_MET || !judge->module)
			continue;
		vp_judge_host(judge);
		todo(judge, &judge->devs[i], text);
		if (text[0])
			vp_out_say("    %s", text);
	}
}

static int status_of_rule(struct vp_judge *judge, const struct vp_args *args,
			  const struct vp_nl_rule *rule)
{
	struct json_object *obj, *list;
	const struct vp_nl_dev *dev;
	struct vp_tally tally;
	size_t i;

	vp_judge_rule(judge, rule, &tally);
	if (!(args->given & VP_OPT_JSON)) {
		say_rule(judge, &tally);
		return exit_status(tally.verdict);
	}
	obj = vp_out_json();
	vp_out_json_string(obj, "verdict", vp_verdict_name(tally.verdict));
	json_object_object_add(obj, "rule", vp_status_json_rule(judge, &tally));
	list = json_object_new_array();
	for (i = 0; i < judge->dev_count; i++) {
		dev = &judge->devs[i];
		if (vp_judge_names(judge, &tally, dev))
			json_object_array_add(list,
					      vp_status_json_dev(judge, dev));
	}
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
	return exit_status(tally.verdict);
}

static void say_head(const struct vp_judge *judge, const char *address,
		     const struct vp_facts *facts, const char *physfn)
{
	char text[VP_NAMES_LEN];

	vp_out_name(&judge->host, facts, text, sizeof(text));
	vp_out_say("%s  %s", address, text);
	vp_out_say("  id      %04x:%04x, subsystem %04x:%04x, class %06x",
		   facts->vendor, facts->device, facts->subvendor,
		   facts->subdevice, facts->class);
	if (physfn[0])
		vp_out_say("  VF of   %s", physfn);
}

static void say_tail(const char *driver, int group)
{
	vp_out_say("  driver  %s", driver[0] ? driver : "none");
	if (group >= 0)
		vp_out_say("  group   %d", group);
	else
		vp_out_say("  group   none");
}

static void say_device(struct vp_judge *judge, const struct vp_nl_dev *dev,
		       enum vp_verdict verdict)
{
	const struct vp_nl_rule *rule = rule_by_id(judge, dev->rule);
	char text[VP_JUDGE_LEN], who[VP_GROUP_LEN];
	bool blocked = vp_judge_blocked(dev, who);
	struct vp_user user;

	say_head(judge, dev->address, &dev->facts, dev->physfn);
	if (dev->rule)
		vp_out_say("  rule    %u%s%s: %s", dev->rule, rule ? ", " : "",
			   rule ? vp_verdict_origin(rule->origin) : "",
			   dev->rule_text);
	vp_verdict_state(dev, text);
	vp_out_say("  state   %s%s%s%s%s%s", vp_out_color(verdict), text,
		   blocked ? ", but its group is blocked by " : "", who,
		   vp_out_uncolor(),
		   dev->adopted ? ", was so before its rule came" : "");
	if (vp_safety_vfio_user(&judge->safety, dev->address, &user)) {
		vp_safety_print_user(&user, text, VP_USE_LEN);
		vp_out_say("  user    %s", text);
	}
	say_tail(dev->driver, dev->group);
	if (dev->target[0])
		vp_out_say("  wanted  %s", dev->target);
	if (dev->found[0])
		vp_out_say("  found   %s, which somebody tried to give it", dev->found);
	if (dev->framebuffer)
		vp_out_say("  screen  the firmware's picture is in its memory: a guest that gets it takes that from the host's console");
	if (!blocked && !dev->reason &&
	    dev->state != VFIOPOLICY_STATE_RELEASED)
		return;
	vp_verdict_why(dev, text);
	if (!blocked)
		vp_out_say("it %s", text);
	todo(judge, dev, text);
	if (text[0] && judge->module)
		vp_out_say("%s", text);
}

static int status_of_named(struct vp_judge *judge, const struct vp_args *args,
			   const struct vp_nl_dev *dev)
{
	enum vp_verdict verdict = vp_judge_device(judge, NULL, dev);
	struct json_object *obj;

	if (!(args->given & VP_OPT_JSON)) {
		say_device(judge, dev, verdict);
		return exit_status(verdict);
	}
	obj = vp_out_json();
	vp_out_json_string(obj, "verdict", vp_verdict_name(verdict));
	json_object_object_add(obj, "device", vp_status_json_dev(judge, dev));
	vp_out_json_print(obj);
	return exit_status(verdict);
}

static int status_of_left(const struct vp_judge *judge,
			  const struct vp_args *args,
			  const struct vp_host_dev *here,
			  const struct vp_nl_rule *rule)
{
	const char *verdict = vp_verdict_name(VP_VERDICT_MET);
	struct json_object *obj, *json;

	if (!(args->given & VP_OPT_JSON)) {
		say_head(judge, here->address, &here->facts, here->physfn);
		vp_out_say("  rule    %u, %s: %s", rule->id,
			   vp_verdict_origin(rule->origin), rule->text);
		vp_out_say("  state   %sleft to the host%s",
			   vp_out_color(VP_VERDICT_MET), vp_out_uncolor());
		say_tail(here->driver, here->group);
		return VP_EXIT_DONE;
	}
	obj = vp_out_json();
	vp_out_json_string(obj, "verdict", verdict);
	json = vp_out_json_here(&judge->host, here);
	vp_out_json_number(json, "rule", rule->id);
	vp_out_json_string(json, "rule_text", rule->text);
	vp_out_json_string(json, "blocked_by", NULL);
	vp_out_json_string(json, "verdict", verdict);
	vp_out_json_user(json, NULL);
	json_object_object_add(obj, "device", json);
	vp_out_json_print(obj);
	return VP_EXIT_DONE;
}

/* It may still be where a rule had it that is gone. */
static int refuse_unnamed(const struct vp_judge *judge,
			  const struct vp_host_dev *here)
{
	char driver[VP_HOST_LEN];
	bool kept = vp_release_is_kept(&judge->host, here, driver);
	bool vfio = vp_device_is_vfio(&judge->host, here->address, here->driver);

	vp_out_error("%s: no rule %s; %s %s%s", here->address,
		     judge->info.disabled ?
		     "counts, since the module was loaded with disable=1" :
		     "names it",
		     kept || vfio ? "all the same it is with" : "the host has it with",
		     vp_verdict_driver(here->driver),
		     kept ? ", as its driver override says" : "");
	if (kept)
		vp_out_error_more("To give it back to the host: vfiopolicy release %s",
				  here->address);
	vp_out_error_more("vfiopolicy explain %s says which were tried.",
			  here->address);
	return VP_EXIT_NOT_FOUND;
}

static int status_of_device(struct vp_judge *judge, const struct vp_args *args)
{
	const struct vp_host_dev *here;
	const struct vp_nl_rule *rule;
	size_t i;
	int ret;

	vp_judge_host(judge);
	ret = vp_device_find(&judge->host, args->words[0], &here);
	if (ret)
		return ret;
	for (i = 0; i < judge->dev_count; i++)
		if (!strcmp(judge->devs[i].address, here->address))
			return status_of_named(judge, args, &judge->devs[i]);
	rule = vp_judge_leaving(judge, here);
	return rule ? status_of_left(judge, args, here, rule) :
		      refuse_unnamed(judge, here);
}

/**
 * vp_status_one() - the status of one rule or device
 * @judge: what is known
 * @args: the command line; its first word is what it is about
 *
 * Return: an &enum vp_exit.
 */
int vp_status_one(struct vp_judge *judge, const struct vp_args *args)
{
	const struct vp_nl_rule *rule = find_rule(judge, args->words[0]);
	u32 id;

	if (rule)
		return status_of_rule(judge, args, rule);
	if (!vp_rulearg_number(args->words[0], &id))
		return status_of_device(judge, args);
	vp_out_error("there is no rule %u; vfiopolicy status lists them", id);
	return VP_EXIT_NOT_FOUND;
}
