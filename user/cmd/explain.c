// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy explain DEVICE [--on FILE]
 *
 * Which rules were tried on a device, which one has the say, and why. The
 * module is asked for the rules it goes by; without it, and when rehearsing on
 * a snapshot, they are those of the rule files.
 */
#include <unistd.h>

#include <json.h>
#include <libsmartcols.h>

#include "command.h"
#include "device.h"
#include "forecast.h"
#include "output.h"
#include "resolve.h"
#include "table.h"

enum {
	COL_RULE,
	COL_TEXT,
	COL_WHY,
};

/* Not folded, so that a rule can be copied from the screen. */
static const struct vp_out_column columns[] = {
	[COL_RULE] = { "#", 1, 0 },
	[COL_TEXT] = { "TEXT", 1, 0 },
	[COL_WHY] = { "WHY", 1, 0 },
};

static const char * const fit_names[] = {
	[VP_FIT_NONE] = "none",
	[VP_FIT_CHANGED] = "changed",
	[VP_FIT_MATCH] = "match",
	[VP_FIT_WITH] = "with",
};

/**
 * struct explain - a device, and what rules say of it
 * @host: the host
 * @dev: the device
 * @table: the rules, in the order in which they are tried
 * @winner: the rule that has the say; NULL when none has
 * @fit: how it fits
 * @with: the device that it names, when this one is held with that; else NULL
 */
struct explain {
	struct vp_host host;
	const struct vp_host_dev *dev;
	struct vp_table *table;
	const struct vp_entry *winner;
	enum vp_fit fit;
	const struct vp_host_dev *with;
};

static int read_files(struct explain *explain)
{
	struct vp_rules_error error;
	struct vp_rules rules;
	int ret;

	ret = vp_rules_read(&rules, &error);
	if (!ret)
		vp_table_say_bad(&rules);
	if (!ret && vp_table_of_files(&rules, &explain->table))
		ret = vp_rules_fail(&error, -ENOMEM, "%s", strerror(ENOMEM));
	if (ret)
		vp_out_error("%s", error.text);
	vp_rules_free(&rules);
	return ret ? VP_EXIT_KERNEL : VP_EXIT_DONE;
}

static int ask_module(struct explain *explain)
{
	struct vp_nl_rule *rules = NULL;
	struct vp_nl nl;
	size_t count = 0;
	int ret;

	ret = vp_nl_open(&nl);
	if (!ret)
		ret = vp_nl_rules(&nl, &rules, &count);
	if (ret == -ENOENT) {
		vp_out_note("the module is not loaded; these are the rules of the files");
		ret = read_files(explain);
	} else if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		ret = VP_EXIT_KERNEL;
	} else if (vp_table_of_module(rules, count, &explain->table)) {
		vp_out_error("%s", strerror(ENOMEM));
		ret = VP_EXIT_KERNEL;
	}
	vp_nl_close(&nl);
	free(rules);
	return ret;
}

/* What @entry has to say of the device, and whether it is heard. */
static enum vp_fit say_why(const struct explain *explain,
			   const struct vp_entry *entry, char *buf, size_t size)
{
	const struct vp_facts *facts = &explain->dev->facts;
	char why[VP_RESOLVE_LEN / 2];
	struct vp_miss miss;
	bool says = true;
	enum vp_fit fit;
	size_t n;

	fit = vp_match(&entry->rule, facts, &miss);
	vp_match_explain(&miss, facts, why, sizeof(why));
	if (explain->with && entry == explain->winner) {
		scnprintf(buf, size, "no: %s; but yes, with %s, which it names",
			  why, explain->with->address);
		return VP_FIT_WITH;
	}
	if (fit == VP_FIT_MATCH) {
		n = scnprintf(buf, size, "yes");
	} else if (fit == VP_FIT_CHANGED) {
		says = entry->rule.changed_hold;
		n = scnprintf(buf, size,
			      "%s: something else sits at its place: %s",
			      says ? "yes" : "no", why);
	} else {
		says = false;
		n = scnprintf(buf, size, "no: %s", why);
	}
	if (says && entry != explain->winner)
		scnprintf(buf + n, size - n, ", but rule %u comes first",
			  explain->winner->id);
	return fit;
}

/* What keeps the module from any device, whatever the rule. */
static bool say_what_is_against(const struct explain *explain,
				const char *keeps, char *buf, size_t size)
{
	const struct vp_host_dev *dev = explain->dev;
	char override[VP_HOST_LEN];

	if (dev->bridge)
		snprintf(buf, size,
			 "rule %u has the say, but bridges are never claimed: %s",
			 explain->winner->id, keeps);
	else if (vp_forecast_never(&explain->host, dev))
		snprintf(buf, size,
			 "rule %u has the say, but the boot display is never claimed: %s",
			 explain->winner->id, keeps);
	else if (vp_forecast_override(&explain->host, dev,
				      explain->winner->rule.driver, override,
				      sizeof(override)) &&
		 !vp_device_is_vfio_driver(override))
		snprintf(buf, size,
			 "rule %u has the say, but somebody else has set the driver override to %s, which stays: %s; to clear it: echo > /sys/bus/pci/devices/%s/driver_override",
			 explain->winner->id, override, keeps, dev->address);
	else
		return false;
	return true;
}

/* What nothing but the IOMMU keeps from its driver. */
static bool lacks_group(const struct explain *explain)
{
	return explain->winner && explain->fit == VP_FIT_MATCH &&
	       explain->winner->rule.action == VP_VFIO &&
	       explain->dev->group < 0;
}

static void say_verdict(const struct explain *explain, char *buf, size_t size)
{
	const struct vp_entry *winner = explain->winner;
	const struct vp_host_dev *dev = explain->dev;
	char keeps[VP_HOST_LEN * 2];
	const char *driver;
	size_t n;

	snprintf(keeps, sizeof(keeps), "the host keeps it (%s)",
		 vp_verdict_driver(dev->driver));
	if (!winner) {
		snprintf(buf, size, "no rule matches: %s", keeps);
		return;
	}
	if (explain->fit == VP_FIT_CHANGED && !winner->rule.changed_hold) {
		snprintf(buf, size,
			 "something else sits at the place of rule %u, and no rule matches: %s",
			 winner->id, keeps);
		return;
	}
	if (winner->rule.action != VP_LEAVE &&
	    say_what_is_against(explain, keeps, buf, size))
		return;
	if (explain->with) {
		scnprintf(buf, size, "held with %s by rule %u (%s)",
			  explain->with->address, winner->id, winner->text);
		return;
	}
	n = scnprintf(buf, size, "rule %u has the say: ", winner->id);
	driver = winner->rule.driver;
	if (winner->rule.action == VP_LEAVE)
		scnprintf(buf + n, size - n, "%s", keeps);
	else if (winner->rule.action == VP_HOLD ||
		 explain->fit == VP_FIT_CHANGED)
		scnprintf(buf + n, size - n, "it is held");
	else if (lacks_group(explain))
		scnprintf(buf + n, size - n,
			  "it is held, and no vfio driver gets it, as it has no IOMMU group");
	else if (!strcmp(driver, "best"))
		scnprintf(buf + n, size - n,
			  "it goes to the vfio driver that fits it best");
	else
		scnprintf(buf + n, size - n, "it goes to %s",
			  driver[0] ? driver : "vfio-pci");
}

static void print_table(const struct explain *explain)
{
	char text[VP_RESOLVE_LEN];
	const struct vp_entry *entry;
	struct libscols_table *table;
	struct libscols_line *line;
	u32 i;

	table = vp_out_table(columns, ARRAY_SIZE(columns));
	/* The columns speak for themselves. */
	if (table)
		scols_table_enable_noheadings(table, 1);
	for (i = 0; i < explain->table->count; i++) {
		entry = explain->table->entries[i];
		line = vp_out_line(table);
		snprintf(text, sizeof(text), "%u", entry->id);
		vp_out_cell(line, COL_RULE, text);
		vp_out_cell(line, COL_TEXT, entry->text);
		say_why(explain, entry, text, sizeof(text));
		vp_out_cell(line, COL_WHY, text);
	}
	vp_out_table_print(table);
}

static struct json_object *json_device(const struct explain *explain)
{
	struct json_object *obj = json_object_new_object();
	const struct vp_host_dev *dev = explain->dev;
	char name[VP_NAMES_LEN];

	vp_out_json_string(obj, "address", dev->address);
	vp_out_json_facts(obj, &dev->facts);
	vp_host_name(&explain->host, &dev->facts, name, sizeof(name));
	vp_out_json_string(obj, "name", name);
	vp_out_json_string(obj, "driver", dev->driver);
	return obj;
}

static void print_json(const struct explain *explain, const char *verdict)
{
	struct json_object *obj = vp_out_json(), *list, *rule;
	const struct vp_entry *entry;
	char text[VP_RESOLVE_LEN];
	enum vp_fit fit;
	u32 i;

	json_object_object_add(obj, "device", json_device(explain));
	list = json_object_new_array();
	for (i = 0; i < explain->table->count; i++) {
		entry = explain->table->entries[i];
		rule = json_object_new_object();
		vp_out_json_number(rule, "rule", entry->id);
		vp_out_json_string(rule, "text", entry->text);
		fit = say_why(explain, entry, text, sizeof(text));
		vp_out_json_string(rule, "fit", fit_names[fit]);
		vp_out_json_string(rule, "why", text);
		json_object_array_add(list, rule);
	}
	json_object_object_add(obj, "rules", list);
	if (explain->winner)
		vp_out_json_number(obj, "winner", explain->winner->id);
	else
		vp_out_json_string(obj, "winner", NULL);
	vp_out_json_string(obj, "with", explain->with ? explain->with->address :
							NULL);
	vp_out_json_string(obj, "text", verdict);
	vp_out_json_print(obj);
}

/* Their numbers tell when they came, which is not the order that counts. */
static void say_device(const struct explain *explain)
{
	const struct vp_host_dev *dev = explain->dev;
	char name[VP_NAMES_LEN];

	vp_out_name(&explain->host, &dev->facts, name, sizeof(name));
	vp_out_say("%s  %s%s", dev->address, name, explain->table->count < 2 ? "" :
		   "; rules, in the order in which they are tried:");
}

static void explain_device(struct explain *explain, const struct vp_args *args)
{
	char verdict[VP_RESOLVE_LEN];

	if (explain->table->dsn) {
		/* By with=, what others are may matter as well. */
		vp_host_read_dsn(&explain->host, explain->table->with ?
				 NULL : explain->dev);
		if (!args->on && !explain->dev->facts.dsn && geteuid())
			vp_out_note("a rule asks for a serial number, which root alone can read");
	}
	explain->winner = vp_forecast_with(&explain->host, explain->table,
					   explain->dev, &explain->fit,
					   &explain->with);
	say_verdict(explain, verdict, sizeof(verdict));
	if (args->given & VP_OPT_JSON) {
		print_json(explain, verdict);
		return;
	}
	say_device(explain);
	if (!args->quiet)
		print_table(explain);
	vp_out_say("%s", verdict);
	if (lacks_group(explain))
		vp_out_say("%s", vp_verdict_iommu(&explain->host));
}

static int run(const struct vp_args *args)
{
	struct explain explain = { 0 };
	int ret;

	ret = vp_device_host(&explain.host, args->on);
	if (!ret)
		ret = vp_device_find(&explain.host, args->words[0],
				     &explain.dev);
	if (!ret)
		ret = args->on ? read_files(&explain) : ask_module(&explain);
	if (!ret)
		explain_device(&explain, args);
	vp_policy_free(explain.table);
	vp_host_close(&explain.host);
	return ret;
}

const struct vp_command vp_cmd_explain = {
	.name = "explain",
	.synopsis = "DEVICE [--on FILE]",
	.summary = "which rules were tried on a device, which one has the say, and why",
	.help =
"  DEVICE            an address, network interface, disk or device file, or the\n"
"                    name of a rule that has one device\n"
"  --on FILE         a device of that snapshot, and the rules of the files\n"
"Without the module, the rules are those of the files, too.\n",
	.examples =
"  vfiopolicy explain enp3s0         why does the host keep it\n"
"  vfiopolicy explain 82:00.0 --on other.json\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_ON,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
