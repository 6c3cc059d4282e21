// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy add [vfio|hold] DEVICE|SELECTOR... [--all] [--absent-ok]
 *
 * Makes one rule of all words, looks whether it names what the user means,
 * gives it to the module, and waits until the devices it names are where it
 * wants them.
 */
#include <json.h>

#include "command.h"
#include "output.h"
#include "rulearg.h"
#include "watch.h"

/**
 * struct add - one run of the command
 * @args: the command line
 * @rule: what the words say
 * @text: its canonical form
 * @host: the host
 * @matches: the devices that it names and that may be taken
 * @count: number of @matches
 * @bridges: number of bridges that it names
 * @bridge: one of them
 * @added: the rule as the module has it
 */
struct add {
	const struct vp_args *args;
	struct vp_rule rule;
	char text[VP_RULEARG_LEN];
	struct vp_host host;
	const struct vp_host_dev **matches;
	size_t count;
	size_t bridges;
	const struct vp_host_dev *bridge;
	struct vp_nl_rule added;
};

static int find_matches(struct add *add)
{
	const struct vp_host_dev *dev;
	size_t i;

	add->matches = calloc(add->host.count + 1, sizeof(const void *));
	if (!add->matches)
		return -ENOMEM;
	for (i = 0; i < add->host.count; i++) {
		dev = &add->host.devs[i];
		if (!vp_rule_match(&add->rule, &dev->facts))
			continue;
		if (dev->bridge) {
			add->bridges++;
			add->bridge = dev;
		} else {
			add->matches[add->count++] = dev;
		}
	}
	return 0;
}

static const char *count_in_words(size_t count, char *buf, size_t size)
{
	static const char * const words[] = {
		"no", "one", "two", "three", "four", "five", "six", "seven",
		"eight", "nine", "ten", "eleven", "twelve",
	};

	if (count < ARRAY_SIZE(words))
		return words[count];
	snprintf(buf, size, "%zu", count);
	return buf;
}

/* The line that would name this device and no other. */
static void print_pinned(const struct add *add, const struct vp_host_dev *dev)
{
	struct vp_rule pinned = {
		.action = add->rule.action,
		.has_addr = true,
		.domain = dev->facts.domain,
		.bus = dev->facts.bus,
		.devfn = dev->facts.devfn,
		.has_ids = true,
		.vendor = dev->facts.vendor,
		.device = dev->facts.device,
		.subvendor = VP_ANY,
		.subdevice = VP_ANY,
	};
	char text[VP_RULEARG_LEN], name[VP_NAMES_LEN];

	vp_rule_print(&pinned, text, sizeof(text));
	vp_out_name(&add->host, &dev->facts, name, sizeof(name));
	vp_out_error_more("  vfiopolicy add %s    # %s, %s",
			  vp_rulearg_selectors(text),
			  dev->driver[0] ? dev->driver : "no driver", name);
}

static int refuse_many(const struct add *add)
{
	char number[24];
	size_t i;

	vp_out_error("%s is %s devices here; name one, or say --all:",
		     vp_rulearg_selectors(add->text),
		     count_in_words(add->count, number, sizeof(number)));
	for (i = 0; i < add->count; i++)
		print_pinned(add, add->matches[i]);
	vp_out_error_more("Nothing was changed.");
	return VP_EXIT_USAGE;
}

/* A rule said again changes nothing, so there is nothing to refuse. */
static bool is_there_already(const struct add *add)
{
	struct vp_nl_rule *rules = NULL;
	bool found = false;
	struct vp_nl nl;
	size_t count = 0, i;

	if (!vp_nl_open(&nl) && !vp_nl_rules(&nl, &rules, &count))
		for (i = 0; i < count && !found; i++)
			found = rules[i].origin == VFIOPOLICY_ORIGIN_RUNTIME &&
				!strcmp(rules[i].text, add->text);
	free(rules);
	vp_nl_close(&nl);
	return found;
}

static int refuse_bridge(const struct add *add)
{
	char name[VP_NAMES_LEN];

	vp_out_name(&add->host, &add->bridge->facts, name, sizeof(name));
	vp_out_error("%s (%s) is a bridge: the host needs it for what is behind it",
		     add->bridge->address, name);
	vp_out_error_more("Nothing was changed. Name the device behind it; vfiopolicy list -a shows them.");
	return VP_EXIT_USAGE;
}

static int refuse_absent(const struct add *add)
{
	vp_out_error("%s names no device that is present",
		     vp_rulearg_selectors(add->text));
	vp_out_error_more("Nothing was changed. vfiopolicy list -a shows what is here; --absent-ok adds the rule for later.");
	return VP_EXIT_NOT_FOUND;
}

/* Does the rule name what the user means? Return: an exit status. */
static int check_matches(const struct add *add)
{
	const unsigned int given = add->args->given;

	if (!add->count && add->bridges)
		return refuse_bridge(add);
	if (!add->count && !(given & VP_OPT_ABSENT_OK))
		return refuse_absent(add);
	if (add->count > 1 && !add->rule.has_addr && !(given & VP_OPT_ALL) &&
	    !is_there_already(add))
		return refuse_many(add);
	if (add->bridges)
		vp_out_note("bridges it names are left alone, such as %s",
			    add->bridge->address);
	return VP_EXIT_DONE;
}

static const char *or_none(const char *driver)
{
	return driver[0] ? driver : "no driver";
}

/* The second line, and the third, for a device that is not there yet. */
static void explain(const struct add *add, const struct vp_nl_dev *dev)
{
	char text[VP_VERDICT_LEN];

	if (dev->rule != add->added.id && dev->rule)
		vp_out_say("  rule %u comes first: %s", dev->rule,
			   dev->rule_text);
	if (dev->reason == VFIOPOLICY_REASON_NATIVE_DRIVER) {
		vp_out_say("  the rule takes it when it next appears: hotplug, or remove and rescan");
	} else {
		vp_verdict_why(dev, text);
		vp_out_say("  it %s", text);
	}
	vp_verdict_todo(dev, text);
	if (text[0])
		vp_out_say("  %s", text);
}

static void say_unknown(const struct vp_watch_dev *dev)
{
	vp_out_say("%s  %s: the module does not know of it%s", dev->address,
		   dev->name, dev->known ? " any more: it went away" : "");
}

static void say_device(const struct vp_watch_dev *dev, void *arg)
{
	const struct add *add = arg;
	enum vp_verdict verdict = vp_verdict_device(&dev->dev,
						    add->rule.action);
	const char *color = vp_out_color(verdict), *plain = vp_out_uncolor();
	const char *to = add->rule.action == VP_HOLD ? "held" :
			 dev->dev.target[0] ? dev->dev.target : "vfio-pci";
	char text[VP_VERDICT_LEN];

	if (dev->dev.state == VFIOPOLICY_STATE_GONE) {
		say_unknown(dev);
	} else if (verdict == VP_VERDICT_MET &&
		   !strcmp(dev->from, dev->dev.driver)) {
		vp_out_say("%s  %s: %s %salready%s", dev->address, dev->name,
			   to, color, plain);
	} else if (verdict == VP_VERDICT_MET) {
		vp_out_say("%s  %s: %s -> %s ... %sdone%s (%.1f s)",
			   dev->address, dev->name, or_none(dev->from), to,
			   color, plain, dev->seconds);
	} else if (dev->dev.reason == VFIOPOLICY_REASON_NATIVE_DRIVER) {
		vp_verdict_why(&dev->dev, text);
		vp_out_say("%s  %s: %s%s%s", dev->address, dev->name, color,
			   text, plain);
		explain(add, &dev->dev);
	} else {
		vp_verdict_state(&dev->dev, text);
		vp_out_say("%s  %s: %s -> %s ... %s%s%s%s", dev->address,
			   dev->name, or_none(dev->from), to, color,
			   dev->done ? "" : "not yet: ", text, plain);
		explain(add, &dev->dev);
	}
}

static void prepare_watch(const struct add *add, struct vp_watch *watch)
{
	const struct vp_host_dev *from;
	struct vp_watch_dev *dev;
	size_t i;

	for (i = 0; i < add->count; i++) {
		from = add->matches[i];
		dev = &watch->devs[i];
		snprintf(dev->address, sizeof(dev->address), "%s",
			 from->address);
		snprintf(dev->from, sizeof(dev->from), "%s", from->driver);
		vp_out_name(&add->host, &from->facts, dev->name,
			    sizeof(dev->name));
	}
}

static enum vp_verdict worst(const struct add *add,
			     const struct vp_watch *watch)
{
	enum vp_verdict worst = VP_VERDICT_MET, verdict;
	size_t i;

	for (i = 0; i < watch->count; i++) {
		verdict = vp_verdict_device(&watch->devs[i].dev,
					    add->rule.action);
		if (verdict > worst)
			worst = verdict;
	}
	return worst;
}

static void print_json(const struct add *add, const struct vp_watch *watch,
		       enum vp_verdict verdict)
{
	struct json_object *obj = vp_out_json(), *list, *dev;
	enum vp_verdict one;
	size_t i;

	vp_out_json_bool(obj, "changed", !add->added.existed);
	vp_out_json_bool(obj, "pending", verdict == VP_VERDICT_PENDING);
	vp_out_json_string(obj, "verdict", vp_verdict_name(verdict));
	json_object_object_add(obj, "rule", vp_out_json_rule(&add->added));
	list = json_object_new_array();
	for (i = 0; i < watch->count; i++) {
		dev = vp_out_json_dev(&add->host, &watch->devs[i].dev);
		/* A device without a record has none of these. */
		vp_out_json_string(dev, "address", watch->devs[i].address);
		vp_out_json_string(dev, "name", watch->devs[i].name);
		vp_out_json_string(dev, "driver_before", watch->devs[i].from);
		one = vp_verdict_device(&watch->devs[i].dev, add->rule.action);
		vp_out_json_string(dev, "verdict", vp_verdict_name(one));
		json_object_array_add(list, dev);
	}
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
}

static int report(const struct add *add, const struct vp_watch *watch)
{
	enum vp_verdict verdict = worst(add, watch);
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (!watch->devs[i].done)
			say_device(&watch->devs[i], (void *)add);
	if (!watch->count)
		vp_out_say("no device that is present is named by it; those that come are");
	vp_out_say("rule %u %s: %s (%s)", add->added.id,
		   add->added.existed ? "was there already" : "added",
		   add->added.text,
		   add->added.origin == VFIOPOLICY_ORIGIN_RUNTIME ?
		   "until the module is unloaded or the host restarts" :
		   vp_verdict_origin(add->added.origin));
	if (add->args->given & VP_OPT_JSON)
		print_json(add, watch, verdict);

	switch (verdict) {
	case VP_VERDICT_PENDING:
		return VP_EXIT_PENDING;
	case VP_VERDICT_NOT_MET:
		return VP_EXIT_NOT_MET;
	default:
		return VP_EXIT_DONE;
	}
}

static int add_and_watch(struct add *add, struct vp_nl *nl)
{
	struct vp_watch watch;
	char what[VP_RULEARG_LEN + 8];
	int ret;

	if (vp_watch_init(&watch, nl, add->count)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	prepare_watch(add, &watch);
	snprintf(what, sizeof(what), "add %s", vp_rulearg_selectors(add->text));
	vp_watch_start(&watch);
	ret = vp_nl_rule_add(nl, add->text, &add->added);
	if (!ret)
		ret = vp_watch_run(&watch, add->args->wait, say_device, add);
	if (ret < 0) {
		vp_out_nl_error(what, &nl->error);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = report(add, &watch);
	}
	vp_watch_free(&watch);
	return ret;
}

static int add_rule(struct add *add)
{
	struct vp_nl nl;
	int ret;

	ret = vp_nl_open(&nl);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = add_and_watch(add, &nl);
	}
	vp_nl_close(&nl);
	return ret;
}

static int run(const struct vp_args *args)
{
	struct add add = { .args = args };
	int ret;

	ret = vp_rulearg_parse(args->nwords, args->words, &add.rule);
	if (ret)
		return VP_EXIT_USAGE;
	vp_rule_print(&add.rule, add.text, sizeof(add.text));

	ret = vp_host_open(&add.host, NULL, NULL);
	if (!ret)
		ret = find_matches(&add);
	if (ret) {
		vp_out_error("%s: %s", add.host.devices_dir ?
			     add.host.devices_dir : "sysfs", strerror(-ret));
		ret = VP_EXIT_KERNEL;
	} else {
		ret = check_matches(&add);
		if (!ret)
			ret = add_rule(&add);
	}
	free(add.matches);
	vp_host_close(&add.host);
	return ret;
}

const struct vp_command vp_cmd_add = {
	.name = "add",
	.synopsis = "[vfio|hold] DEVICE|SELECTOR... [--all] [--absent-ok] [--wait=SEC]",
	.summary = "isolate devices now, by one rule made of all the words",
	.help =
"  vfio              hold it, then hand it to vfio-pci; what is meant when\n"
"                    neither word is given\n"
"  hold              keep it away from every driver\n"
"  82:00.0, 0000:82:00.0       a device by its address\n"
"  10de:1b39, 144d:a80a:*:*    devices by vendor and device id\n"
"  class=0302 ...              devices by class\n"
"  --all             all the devices it names, when that is more than one\n"
"  --absent-ok       add it although no device present is named by it\n"
"  --wait=SEC        wait so long for the devices (10; 0: do not wait)\n"
"The rule lasts until the module is unloaded or the host restarts. A device\n"
"that a native driver has already stays with it until it next appears.\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_ALL |
		   VP_OPT_ABSENT_OK | VP_OPT_WAIT,
	.min_words = 1,
	.max_words = -1,
	.run = run,
};
