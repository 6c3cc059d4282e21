// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy status [DEVICE]
 *
 * Is the host as the rules say, and if not, why.
 */
#include <json.h>
#include <libsmartcols.h>

#include "command.h"
#include "output.h"
#include "rules.h"
#include "safety.h"

enum {
	COL_RULE,
	COL_WANTS,
	COL_STATE,
	COL_WHY,
};

static const struct vp_out_column columns[] = {
	[COL_RULE] = { "RULE", 4, 0 },
	[COL_WANTS] = { "WANTS", 16, 0 },
	[COL_STATE] = { "STATE", 8, 0 },
	[COL_WHY] = { "WHY", 0.5, SCOLS_FL_WRAP },
};

/* The verdicts as the table says them. */
static const char * const verdict_words[] = {
	[VP_VERDICT_MET] = "met",
	[VP_VERDICT_ABSENT] = "no device",
	[VP_VERDICT_PENDING] = "not yet met",
	[VP_VERDICT_NOT_MET] = "not met",
};

/**
 * struct status - what the module says
 * @args: the command line
 * @host: where names come from
 * @safety: who has what open
 * @info: the module
 * @rules: the rules
 * @rule_count: number of @rules
 * @devs: the devices that rules name
 * @dev_count: number of @devs
 * @files: the rules that are saved
 */
struct status {
	const struct vp_args *args;
	struct vp_host host;
	struct vp_safety safety;
	struct vp_nl_info info;
	struct vp_nl_rule *rules;
	size_t rule_count;
	struct vp_nl_dev *devs;
	size_t dev_count;
	struct vp_rules files;
};

/**
 * struct tally - how the devices of one rule fare
 * @rule: the rule
 * @parsed: what it says; only with @readable
 * @readable: this command understands it
 * @verdict: the verdict on the rule
 * @total: devices that it names
 * @met: those of them that are where it wants them
 * @in_use: those of them that a user has open
 * @used: one of these
 * @worst: the one that is furthest from it; NULL when there is none
 */
struct tally {
	const struct vp_nl_rule *rule;
	struct vp_rule parsed;
	bool readable;
	enum vp_verdict verdict;
	size_t total;
	size_t met;
	size_t in_use;
	const struct vp_nl_dev *used;
	const struct vp_nl_dev *worst;
};

/* By the module's own word; of rules that do not come first by the host's. */
static bool is_named(const struct status *status, const struct tally *tally,
		     const struct vp_nl_dev *dev)
{
	const struct vp_host_dev *here;

	if (dev->rule == tally->rule->id)
		return true;
	here = tally->readable ? vp_host_find(&status->host, dev->address) :
				 NULL;
	return here && vp_match(&tally->parsed, &here->facts, NULL) ==
		       VP_FIT_MATCH;
}

/* Devices of the host that a rule leaves to it. */
static size_t count_left(const struct status *status, const struct tally *tally)
{
	size_t i, count = 0;

	for (i = 0; i < status->host.count; i++)
		count += vp_match(&tally->parsed, &status->host.devs[i].facts,
				  NULL) == VP_FIT_MATCH;
	return count;
}

static enum vp_verdict verdict_on(const struct tally *tally,
				  const struct vp_nl_dev *dev)
{
	return vp_verdict_device(dev, tally->readable ? tally->parsed.action :
				      dev->target[0] ? VP_VFIO : VP_HOLD);
}

/*
 * Bridges that a rule names in passing are no failure of the rule; one that
 * names nothing else never works.
 */
static bool counts(const struct status *status, const struct tally *tally,
		   const struct vp_nl_dev *dev, bool bridges)
{
	return is_named(status, tally, dev) &&
	       (dev->reason == VFIOPOLICY_REASON_BRIDGE) == bridges;
}

static void take_tally(const struct status *status, struct tally *tally,
		       bool bridges)
{
	const struct vp_nl_dev *dev;
	enum vp_verdict verdict;
	size_t i;

	for (i = 0; i < status->dev_count; i++) {
		dev = &status->devs[i];
		if (!counts(status, tally, dev, bridges))
			continue;
		verdict = verdict_on(tally, dev);
		if (!tally->total++ || verdict > tally->verdict) {
			tally->verdict = verdict;
			tally->worst = dev;
		}
		tally->met += verdict == VP_VERDICT_MET;
		tally->in_use += dev->in_use;
		if (dev->in_use)
			tally->used = dev;
	}
}

static void judge(const struct status *status, const struct vp_nl_rule *rule,
		  struct tally *tally)
{
	struct vp_error err;

	*tally = (struct tally) {
		.rule = rule,
		.verdict = VP_VERDICT_ABSENT,
	};
	tally->readable = !vp_rule_parse(rule->text, strlen(rule->text),
					 &tally->parsed, &err);
	/* Leaving is what happens anyhow: other rules ask the module. */
	if (tally->readable && tally->parsed.action == VP_LEAVE) {
		tally->verdict = VP_VERDICT_MET;
		return;
	}
	take_tally(status, tally, false);
	if (!tally->total)
		take_tally(status, tally, true);
}

/* "in use by qemu 4711, VM z": the state of a device, and whose it is. */
static void state_and_user(struct status *status, const struct vp_nl_dev *dev,
			   char *buf)
{
	char who[VP_USE_LEN / 2];
	struct vp_user user;
	size_t n;

	vp_verdict_state(dev, buf);
	if (!dev->in_use || dev->state != VFIOPOLICY_STATE_ISOLATED ||
	    dev->reason ||
	    !vp_safety_vfio_user(&status->safety, dev->address, &user))
		return;
	vp_safety_print_user(&user, who, sizeof(who));
	n = strlen(buf);
	snprintf(buf + n, VP_VERDICT_LEN - n, " by %s", who);
}

/* Why the verdict on a rule is what it is; @buf is VP_VERDICT_LEN * 2 long. */
static void say_why(struct status *status, const struct tally *tally, char *buf)
{
	const size_t size = (size_t)VP_VERDICT_LEN * 2;
	const struct vp_nl_dev *dev = tally->worst;
	char text[VP_VERDICT_LEN];
	size_t n;

	if (tally->readable && tally->parsed.action == VP_LEAVE) {
		scnprintf(buf, size, "%zu left to the host",
			  count_left(status, tally));
		return;
	}
	if (!dev) {
		scnprintf(buf, size, "%s", status->info.disabled ?
			  "the module is disabled and claims nothing" :
			  "no device that is present is named by it");
		return;
	}
	if (tally->verdict == VP_VERDICT_MET && tally->total > 1) {
		n = scnprintf(buf, size, "%zu of %zu %s", tally->met,
			      tally->total,
			      tally->parsed.action == VP_HOLD ? "held" :
								"isolated");
		if (tally->in_use == 1)
			state_and_user(status, tally->used, text);
		if (tally->in_use)
			scnprintf(buf + n, size - n, ", %zu %s", tally->in_use,
				  tally->in_use == 1 ? text : "in use");
		return;
	}
	if (dev->reason == VFIOPOLICY_REASON_CHANGED) {
		vp_out_name(&status->host, &dev->facts, text, sizeof(text));
		scnprintf(buf, size, "%04x:%04x sits there, at %s (%s): %s",
			  dev->facts.vendor, dev->facts.device, dev->address,
			  text, dev->state == VFIOPOLICY_STATE_HELD ?
			  "held" : "nothing claimed");
		return;
	}
	state_and_user(status, dev, text);
	n = scnprintf(buf, size, "%s %s", dev->address, text);
	if (tally->total > 1)
		n += scnprintf(buf + n, size - n, "; %zu of %zu met",
			       tally->met, tally->total);
	if (dev->rule && dev->rule != tally->rule->id)
		scnprintf(buf + n, size - n, "; rule %u comes first", dev->rule);
}

static void print_line(struct status *status, const struct tally *tally,
		       struct libscols_line *line)
{
	char text[VP_VERDICT_LEN * 2];

	if (tally->readable && tally->parsed.name[0])
		snprintf(text, sizeof(text), "%s", tally->parsed.name);
	else
		snprintf(text, sizeof(text), "%u", tally->rule->id);
	vp_out_cell(line, COL_RULE, text);
	vp_out_cell(line, COL_WANTS, tally->rule->text);
	vp_out_cell_verdict(line, COL_STATE, verdict_words[tally->verdict],
			    tally->verdict);
	say_why(status, tally, text);
	vp_out_cell(line, COL_WHY, text);
}

static struct json_object *json_line(struct status *status,
				     const struct tally *tally)
{
	struct json_object *obj = vp_out_json_rule(tally->rule), *list;
	char text[VP_VERDICT_LEN * 2];
	size_t i;

	vp_out_json_string(obj, "verdict", vp_verdict_name(tally->verdict));
	say_why(status, tally, text);
	vp_out_json_string(obj, "why", text);
	list = json_object_new_array();
	for (i = 0; i < status->dev_count; i++)
		if (is_named(status, tally, &status->devs[i]))
			json_object_array_add(list, json_object_new_string(
						status->devs[i].address));
	json_object_object_add(obj, "devices", list);
	return obj;
}

/* Return: how many rules are not met. */
static size_t print_rules(struct status *status, struct json_object *list)
{
	struct libscols_table *table = NULL;
	struct tally tally;
	size_t i, bad = 0;

	if (!list)
		table = vp_out_table(columns, ARRAY_SIZE(columns));
	for (i = 0; i < status->rule_count; i++) {
		judge(status, &status->rules[i], &tally);
		bad += tally.verdict != VP_VERDICT_MET;
		if (list)
			json_object_array_add(list, json_line(status, &tally));
		else
			print_line(status, &tally, vp_out_line(table));
	}
	if (!list && !status->args->quiet)
		vp_out_table_print(table);
	else if (table)
		scols_unref_table(table);
	return bad;
}

static void print_summary(const struct status *status, size_t bad)
{
	if (!status->rule_count)
		vp_out_say("there are no rules");
	else if (status->rule_count == 1)
		vp_out_say("the rule is %smet%s", bad ? "not " : "",
			   bad ? "; status DEVICE says more" : "");
	else if (!bad)
		vp_out_say("all rules are met");
	else
		vp_out_say("%zu of %zu rules %s not met; status DEVICE says more", bad,
			   status->rule_count, bad == 1 ? "is" : "are");
	if (status->info.rules_bad)
		vp_out_error("the module was given rules that it did not understand (%u): dmesg | grep vfiopolicy",
			     status->info.rules_bad);
	if (status->info.disabled)
		vp_out_error("the module was loaded with disable=1: rules are listed and claim nothing");
}

static bool is_in_force(const struct status *status, const char *text)
{
	size_t i;

	for (i = 0; i < status->rule_count; i++)
		if (!strcmp(status->rules[i].text, text))
			return true;
	return false;
}

/*
 * Says what of the files is not in force: what cannot be read, what is no
 * rule, and what was never applied. Return: how many there are.
 */
static size_t say_files(const struct status *status)
{
	const struct vp_rules *files = &status->files;
	struct vp_rules_error error;
	size_t i, missing = 0;

	for (i = 0; i < files->nfiles; i++)
		if (files->files[i].refused)
			vp_out_error("%s", files->files[i].refused);
	for (i = 0; i < files->count; i++) {
		if (!files->entries[i].text) {
			vp_rules_describe(files, &files->entries[i], &error);
			vp_out_error("%s", error.text);
		} else if (!is_in_force(status, files->entries[i].text)) {
			missing++;
		}
	}
	if (missing)
		vp_out_error("%zu of the rules that are saved %s not in force: vfiopolicy apply",
			     missing, missing == 1 ? "is" : "are");
	return files->refused + files->bad + missing;
}

static int status_of_rules(struct status *status)
{
	bool json = status->args->given & VP_OPT_JSON, met;
	struct json_object *obj, *list;
	size_t bad, unsaid = say_files(status);

	list = json ? json_object_new_array() : NULL;
	bad = print_rules(status, list);
	met = !bad && !status->info.rules_bad && !unsaid;
	if (json) {
		obj = vp_out_json();
		vp_out_json_bool(obj, "met", met);
		vp_out_json_string(obj, "module", status->info.version);
		vp_out_json_bool(obj, "disabled", status->info.disabled);
		vp_out_json_number(obj, "rules_bad", status->info.rules_bad);
		vp_out_json_number(obj, "files_not_in_force", unsaid);
		json_object_object_add(obj, "rules", list);
		vp_out_json_print(obj);
	}
	print_summary(status, bad);
	if (unsaid && !bad)
		vp_out_say("what is saved is not all in force, as said above");
	return met ? VP_EXIT_DONE : VP_EXIT_NOT_MET;
}

static void say_device(struct status *status, const struct vp_nl_dev *dev,
		       enum vp_verdict verdict)
{
	char text[VP_VERDICT_LEN], group[16] = "none";

	vp_out_name(&status->host, &dev->facts, text, sizeof(text));
	vp_out_say("%s  %s", dev->address, text);
	vp_out_say("  id      %04x:%04x, subsystem %04x:%04x, class %06x",
		   dev->facts.vendor, dev->facts.device, dev->facts.subvendor,
		   dev->facts.subdevice, dev->facts.class);
	if (dev->physfn[0])
		vp_out_say("  VF of   %s", dev->physfn);
	if (dev->rule)
		vp_out_say("  rule    %u: %s", dev->rule, dev->rule_text);
	state_and_user(status, dev, text);
	vp_out_say("  state   %s%s%s%s", vp_out_color(verdict), text,
		   vp_out_uncolor(),
		   dev->adopted ? ", was so before its rule came" : "");
	vp_out_say("  driver  %s", dev->driver[0] ? dev->driver : "none");
	if (dev->target[0])
		vp_out_say("  wanted  %s", dev->target);
	if (dev->group >= 0)
		snprintf(group, sizeof(group), "%d", dev->group);
	vp_out_say("  group   %s", group);
	if (!dev->reason)
		return;
	vp_verdict_why(dev, text);
	vp_out_say("it %s", text);
	vp_verdict_todo(dev, text);
	if (text[0])
		vp_out_say("%s", text);
}

static int status_of_device(struct status *status, struct vp_nl *nl)
{
	const char *word = status->args->words[0];
	char address[VP_HOST_LEN];
	enum vp_verdict verdict;
	struct json_object *obj, *json;
	struct vp_nl_dev dev;
	struct vp_facts facts;
	struct vp_user user;
	int ret;

	if (vp_host_address(word, &facts)) {
		vp_out_error("'%s' is no address: expected [domain:]bus:device.function",
			     word);
		return VP_EXIT_USAGE;
	}
	vp_host_print_address(&facts, address);
	ret = vp_nl_dev(nl, address, &dev);
	if (ret == -ENODEV) {
		vp_out_error("%s: %s", address,
			     vp_host_find(&status->host, address) ?
			     "no rule names it" : "there is no such device");
		return VP_EXIT_NOT_FOUND;
	}
	if (ret) {
		vp_out_nl_error(address, &nl->error);
		return VP_EXIT_KERNEL;
	}
	verdict = vp_verdict_device(&dev, dev.target[0] ? VP_VFIO : VP_HOLD);
	if (status->args->given & VP_OPT_JSON) {
		obj = vp_out_json();
		vp_out_json_string(obj, "verdict", vp_verdict_name(verdict));
		json = vp_out_json_dev(&status->host, &dev);
		if (dev.in_use)
			vp_safety_vfio_user(&status->safety, address, &user);
		vp_out_json_user(json, dev.in_use ? &user : NULL);
		json_object_object_add(obj, "device", json);
		vp_out_json_print(obj);
	} else {
		say_device(status, &dev, verdict);
	}
	return verdict == VP_VERDICT_MET ? VP_EXIT_DONE : VP_EXIT_NOT_MET;
}

/* Serial numbers take reads of every device, so only where a rule asks. */
static void read_dsn(struct status *status)
{
	size_t i;

	for (i = 0; i < status->rule_count; i++) {
		if (!strstr(status->rules[i].text, "dsn="))
			continue;
		vp_host_read_dsn(&status->host, NULL);
		return;
	}
}

static int ask_all(struct status *status, struct vp_nl *nl)
{
	struct vp_rules_error error;
	int ret;

	ret = vp_nl_info(nl, &status->info);
	if (!ret)
		ret = vp_nl_rules(nl, &status->rules, &status->rule_count);
	if (!ret)
		ret = vp_nl_devs(nl, &status->devs, &status->dev_count);
	if (ret) {
		vp_out_nl_error("status", &nl->error);
		return VP_EXIT_KERNEL;
	}
	if (vp_rules_read(&status->files, &error)) {
		vp_out_error("%s", error.text);
		return VP_EXIT_KERNEL;
	}
	read_dsn(status);
	vp_out_verbose("module %s, %u of its rules name %u devices",
		       status->info.version, status->info.rules,
		       status->info.devices);
	return status_of_rules(status);
}

static int run(const struct vp_args *args)
{
	struct status status = { .args = args };
	struct vp_nl nl;
	int ret;

	ret = vp_nl_open(&nl);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		vp_nl_close(&nl);
		return VP_EXIT_KERNEL;
	}
	/* Only names are wanted of it: what is not there is not. */
	ret = vp_host_open(&status.host, NULL, NULL);
	/* Without the mounts one can still be asked who has what open. */
	vp_safety_open(&status.safety, &status.host, NULL);
	if (!status.host.names) {
		vp_out_error("%s", strerror(-ret));
		ret = VP_EXIT_KERNEL;
	} else if (args->nwords) {
		ret = status_of_device(&status, &nl);
	} else {
		ret = ask_all(&status, &nl);
	}
	vp_nl_close(&nl);
	vp_rules_free(&status.files);
	free(status.rules);
	free(status.devs);
	vp_safety_close(&status.safety);
	vp_host_close(&status.host);
	return ret;
}

const struct vp_command vp_cmd_status = {
	.name = "status",
	.synopsis = "[DEVICE]",
	.summary = "is each rule met, and if not, why; exit status 4 if one is not",
	.help =
"  DEVICE            the address of one device that a rule names\n"
"A rule that names no device present counts as not met.\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_NO_LEGEND,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
