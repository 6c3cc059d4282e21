// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy add [vfio|hold|leave] DEVICE|SELECTOR... [OPTION...]
 *
 * Makes one rule of all words, looks whether it names what the user means,
 * saves it, gives it to the module, and waits until the devices it names are
 * where it wants them.
 */
#include <json.h>

#include "command.h"
#include "output.h"
#include "policy.h"
#include "resolve.h"
#include "rulearg.h"
#include "rules.h"
#include "watch.h"

/**
 * struct add - one run of the command
 * @args: the command line
 * @words: what the words say
 * @host: the host
 * @matches: the devices that it names and that may be taken
 * @count: number of @matches
 * @bridges: number of bridges that it names
 * @bridge: one of them
 * @saved: where the rule stands; nothing in it when it is not to be saved
 * @added: the rule as the module has it
 */
struct add {
	const struct vp_args *args;
	struct vp_rulearg words;
	struct vp_host host;
	const struct vp_host_dev **matches;
	size_t count;
	size_t bridges;
	const struct vp_host_dev *bridge;
	struct vp_rules_change saved;
	struct vp_nl_rule added;
};

static int find_matches(struct add *add)
{
	const struct vp_host_dev *dev;
	size_t i;

	if (vp_match_needs_dsn(&add->words.rule))
		vp_host_read_dsn(&add->host, NULL);
	add->matches = calloc(add->host.count + 1, sizeof(const void *));
	if (!add->matches)
		return -ENOMEM;
	for (i = 0; i < add->host.count; i++) {
		dev = &add->host.devs[i];
		if (vp_match(&add->words.rule, &dev->facts, NULL) !=
		    VP_FIT_MATCH)
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
	char text[VP_RULEARG_LEN], comment[VP_RESOLVE_LEN];
	struct vp_rule pinned;

	if (vp_resolve_rule(dev, &pinned))
		return;
	pinned.action = add->words.rule.action;
	vp_rule_print(&pinned, text, sizeof(text));
	vp_resolve_comment(&add->host, dev, comment, sizeof(comment));
	vp_out_error_more("  vfiopolicy add %s    # %s",
			  vp_rulearg_selectors(text), comment);
}

static int refuse_many(const struct add *add)
{
	char number[24];
	size_t i;

	vp_out_error("%s is %s devices here; name one, or say --all:",
		     vp_rulearg_selectors(add->words.text),
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
			found = !strcmp(rules[i].text, add->words.text);
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
		     vp_rulearg_selectors(add->words.text));
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
	/* Whoever says where means all that is there; leaving harms nobody. */
	if (add->count > 1 && !vp_rulearg_has_place(&add->words.rule) &&
	    add->words.rule.action != VP_LEAVE && !(given & VP_OPT_ALL) &&
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
	if (dev->known)
		vp_out_say("%s  %s: it went away", dev->address, dev->name);
	else
		vp_out_say("%s  %s: stays with the host; vfiopolicy explain %s says by which rule",
			   dev->address, dev->name, dev->address);
}

static void say_device(const struct vp_watch_dev *dev, void *arg)
{
	const struct add *add = arg;
	enum vp_verdict verdict = vp_verdict_device(&dev->dev,
						    add->words.rule.action);
	const char *color = vp_out_color(verdict), *plain = vp_out_uncolor();
	const char *to = add->words.rule.action == VP_HOLD ? "held" :
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
					    add->words.rule.action);
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

	vp_out_json_bool(obj, "changed",
			 !add->added.existed || add->saved.changed);
	vp_out_json_bool(obj, "pending", verdict == VP_VERDICT_PENDING);
	vp_out_json_string(obj, "verdict", vp_verdict_name(verdict));
	json_object_object_add(obj, "rule", vp_out_json_rule(&add->added));
	vp_out_json_string(obj, "saved", add->saved.place.path[0] ?
			   add->saved.place.path : NULL);
	list = json_object_new_array();
	for (i = 0; i < watch->count; i++) {
		dev = vp_out_json_dev(&add->host, &watch->devs[i].dev);
		/* A device without a record has none of these. */
		vp_out_json_string(dev, "address", watch->devs[i].address);
		vp_out_json_string(dev, "name", watch->devs[i].name);
		vp_out_json_string(dev, "driver_before", watch->devs[i].from);
		one = vp_verdict_device(&watch->devs[i].dev, add->words.rule.action);
		vp_out_json_string(dev, "verdict", vp_verdict_name(one));
		json_object_array_add(list, dev);
	}
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
}

static bool is_to_be_saved(const struct add *add)
{
	return !(add->args->given & VP_OPT_RUNTIME);
}

/* Where the rule is now, and how long it will last. */
static void say_rule(const struct add *add)
{
	const struct vp_rules_place *place = &add->saved.place;

	if (add->added.id)
		vp_out_say("rule %u %s: %s%s", add->added.id,
			   add->added.existed ? "was there already" : "added",
			   add->added.text,
			   is_to_be_saved(add) ? "" :
			   " (until the module is unloaded or the host restarts)");
	if (place->path[0])
		vp_out_say("%s %s, line %u", add->saved.changed ? "saved in" :
			   "it stands in", place->path, place->line);
}

/* What the rule says and this version does not do. */
static void say_not_yet(const struct add *add)
{
	const struct vp_rule *rule = &add->words.rule;

	if (rule->takeover_boot || rule->allow || rule->owner[0] ||
	    rule->num_vfs)
		vp_out_note("takeover=, allow=, owner= and vfs= are kept with the rule; this version does not act on them yet");
}

static int report(const struct add *add, const struct vp_watch *watch)
{
	enum vp_verdict verdict = worst(add, watch);
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (!watch->devs[i].done)
			say_device(&watch->devs[i], (void *)add);
	if (add->words.rule.action == VP_LEAVE)
		vp_out_say("%zu of the devices that are present are left to the host by it",
			   add->count);
	else if (!watch->count)
		vp_out_say("no device that is present is named by it; those that come are");
	say_rule(add);
	say_not_yet(add);
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

static int refuse_at_odds(const struct add *add, const struct vp_rules *rules,
			  const struct vp_rules_entry *other)
{
	bool name = add->words.rule.name[0] &&
		    !strcmp(add->words.rule.name, other->rule->name);

	vp_out_error("'%s' cannot be saved beside '%s' (%s, line %u): %s",
		     add->words.text, other->text, vp_rules_path(rules, other),
		     other->line, name ? "it has the same name" :
		     "it names the same devices by the same words");
	vp_out_error_more("Nothing was changed. vfiopolicy del takes the other one away.");
	return VP_EXIT_USAGE;
}

/* Would the rule be at odds with this one, if both were applied? */
static bool is_at_odds(const struct add *add, const struct vp_rules_entry *other)
{
	struct vp_entry *entry, *mine;
	struct vp_table *table = NULL;
	bool odds = false;

	entry = vp_entry_new(other->rule, VFIOPOLICY_ORIGIN_FILE);
	mine = vp_entry_new(&add->words.rule, VFIOPOLICY_ORIGIN_FILE);
	if (entry && mine)
		table = vp_policy_replace(NULL, VFIOPOLICY_ORIGIN_FILE, &entry, 1);
	if (table)
		odds = vp_policy_conflict(table, mine);
	vp_policy_free(table);
	vp_entry_put(entry);
	vp_entry_put(mine);
	return odds;
}

/*
 * What is saved must be fit to be applied, or the next boot has none of it.
 * Return: an exit status.
 */
static int check_files(const struct add *add)
{
	struct vp_rules_error error;
	int ret = VP_EXIT_DONE;
	struct vp_rules rules;
	size_t i;

	if (vp_rules_read(&rules, &error)) {
		vp_out_error("%s", error.text);
		return VP_EXIT_KERNEL;
	}
	for (i = 0; i < rules.count && !ret; i++) {
		if (!rules.entries[i].text) {
			vp_rules_describe(&rules, &rules.entries[i], &error);
			vp_out_note("until this is mended, vfiopolicy apply refuses all of the files: %s",
				    error.text);
		} else if (is_at_odds(add, &rules.entries[i])) {
			ret = refuse_at_odds(add, &rules, &rules.entries[i]);
		}
	}
	vp_rules_free(&rules);
	return ret;
}

/* Writes the rule to its file. Return: an exit status. */
static int save(struct add *add, const struct vp_rules_lock *lock)
{
	char comment[VP_RESOLVE_LEN];
	struct vp_rules_error error;
	int ret = check_files(add);

	if (ret)
		return ret;
	comment[0] = '\0';
	if (add->count == 1)
		vp_resolve_comment(&add->host, add->matches[0], comment,
				   sizeof(comment));
	if (!vp_rules_add(lock, VP_RULES_DEFAULT, comment[0] ? comment : NULL,
			  add->words.text, &add->saved, &error))
		return VP_EXIT_DONE;
	vp_out_error("%s", error.text);
	return VP_EXIT_KERNEL;
}

/* The module would not have it, so it must not stand in the file either. */
static void unsave(struct add *add, const struct vp_rules_lock *lock)
{
	struct vp_rules_change change;
	struct vp_rules_error error;

	if (!add->saved.changed)
		return;
	if (vp_rules_del(lock, add->words.text, &change, &error))
		vp_out_error("%s", error.text);
}

static int add_and_watch(struct add *add, struct vp_nl *nl,
			 struct vp_rules_lock *lock)
{
	struct vp_watch watch;
	char what[VP_RULEARG_LEN + 8];
	int ret;

	if (vp_watch_init(&watch, nl, add->count)) {
		vp_out_error("%s", strerror(ENOMEM));
		unsave(add, lock);
		return VP_EXIT_KERNEL;
	}
	prepare_watch(add, &watch);
	if (add->words.rule.action == VP_LEAVE)
		watch.count = 0;
	snprintf(what, sizeof(what), "add %s",
		 vp_rulearg_selectors(add->words.text));
	vp_watch_start(&watch);
	ret = vp_nl_rule_add(nl, add->words.text, is_to_be_saved(add) ?
			     VFIOPOLICY_ORIGIN_FILE : VFIOPOLICY_ORIGIN_RUNTIME,
			     &add->added);
	if (ret)
		unsave(add, lock);
	/* Others need not wait for the devices. */
	vp_rules_unlock(lock);
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

static int add_now(struct add *add, struct vp_rules_lock *lock)
{
	struct vp_nl nl;
	int ret;

	ret = vp_nl_open(&nl);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = is_to_be_saved(add) ? save(add, lock) : VP_EXIT_DONE;
		if (!ret)
			ret = add_and_watch(add, &nl, lock);
	}
	vp_nl_close(&nl);
	return ret;
}

static int add_later(struct add *add, const struct vp_rules_lock *lock)
{
	struct vp_watch none = { 0 };
	int ret;

	ret = save(add, lock);
	if (ret)
		return ret;
	snprintf(add->added.text, sizeof(add->added.text), "%s",
		 add->words.text);
	add->added.origin = VFIOPOLICY_ORIGIN_FILE;
	add->added.existed = !add->saved.changed;
	say_rule(add);
	say_not_yet(add);
	if (add->args->given & VP_OPT_JSON)
		print_json(add, &none, VP_VERDICT_PENDING);
	return VP_EXIT_DONE;
}

static int add_rule(struct add *add)
{
	bool later = add->args->given & VP_OPT_NEXT_BOOT;
	struct vp_rules_lock lock = { .dir = -1 };
	int ret;

	if (is_to_be_saved(add) && vp_watch_lock(&lock)) {
		vp_out_error_more("Nothing was changed. --runtime adds the rule without saving it.");
		return VP_EXIT_KERNEL;
	}
	ret = later ? add_later(add, &lock) : add_now(add, &lock);
	vp_rules_unlock(&lock);
	return ret;
}

static int find_and_add(struct add *add)
{
	int ret = find_matches(add);

	if (ret) {
		vp_out_error("%s", strerror(-ret));
		return VP_EXIT_KERNEL;
	}
	ret = check_matches(add);
	return ret ? ret : add_rule(add);
}

static int run(const struct vp_args *args)
{
	struct add add = { .args = args };
	int ret, words;

	ret = vp_host_open(&add.host, NULL, NULL);
	if (ret) {
		vp_out_error("%s: %s", add.host.devices_dir ?
			     add.host.devices_dir : "sysfs", strerror(-ret));
		ret = VP_EXIT_KERNEL;
	} else {
		words = vp_rulearg_parse(&add.host, args->nwords, args->words,
					 &add.words);
		if (words)
			ret = words == -ENODEV ? VP_EXIT_NOT_FOUND :
						 VP_EXIT_USAGE;
		else
			ret = find_and_add(&add);
	}
	free(add.matches);
	vp_host_close(&add.host);
	return ret;
}

const struct vp_command vp_cmd_add = {
	.name = "add",
	.synopsis = "[vfio|hold|leave] DEVICE|SELECTOR... [RULE-OPTION...] [OPTION...]",
	.summary = "isolate devices now and at every boot, by one rule made of all the words",
	.help =
"  vfio              hold it, then hand it to vfio-pci; what is meant when\n"
"                    no action is given\n"
"  hold              keep it away from every driver\n"
"  leave             the host keeps it, whatever other rules say\n"
"  82:00.0, enp3s0, /dev/nvme1n1   a device by what it is called now: what is\n"
"                    stored is where it is and what it is\n"
"  10de:1b39, 144d:a80a:*:*        devices by vendor and device id\n"
"  at=0000:00:1c.0/00.0, vfs-of=0000:03:00.0/0-3, class=3d, dsn=..., external,\n"
"  except=..., name=gpu0 ...       the rest of the language: Documentation/rules.md\n"
"  --all             all the devices it names, when that is more than one\n"
"  --absent-ok       add it although no device present is named by it\n"
"  --runtime         now only: until the module is unloaded or the host restarts\n"
"  --next-boot       later only: saved, and nothing else\n"
"  --wait=SEC        wait so long for the devices (10; 0: do not wait)\n"
"A device that a native driver has already stays with it until it next appears.\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_ALL |
		   VP_OPT_ABSENT_OK | VP_OPT_WAIT | VP_OPT_RUNTIME |
		   VP_OPT_NEXT_BOOT,
	.min_words = 1,
	.max_words = -1,
	.run = run,
};
