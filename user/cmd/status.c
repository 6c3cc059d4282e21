// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy status [RULE|DEVICE]
 *
 * Is the host as the rules say, and if not, why.
 */
#include <time.h>

#include <json.h>
#include <libsmartcols.h>

#include "boot.h"
#include "output.h"
#include "rules.h"
#include "status.h"
#include "table.h"
#include "trial.h"

enum {
	COL_RULE,
	COL_ORIGIN,
	COL_WANTS,
	COL_STATE,
	COL_WHY,
};

static const struct vp_out_column columns[] = {
	[COL_RULE] = { "RULE", 4, 0 },
	[COL_ORIGIN] = { "ORIGIN", 7, 0 },
	[COL_WANTS] = { "WANTS", 0.4, SCOLS_FL_WRAP },
	[COL_STATE] = { "STATE", 8, 0 },
	[COL_WHY] = { "WHY", 0.6, SCOLS_FL_WRAP },
};

enum {
	COL_DEV_DEVICE,
	COL_DEV_RULE,
	COL_DEV_STATE,
	COL_DEV_WHY,
};

static const struct vp_out_column dev_columns[] = {
	[COL_DEV_DEVICE] = { "DEVICE", 12, 0 },
	[COL_DEV_RULE] = { "RULE", 4, SCOLS_FL_RIGHT },
	[COL_DEV_STATE] = { "STATE", 8, 0 },
	[COL_DEV_WHY] = { "WHY", 0.5, SCOLS_FL_WRAP },
};

/**
 * struct status - one run of the command
 * @args: the command line
 * @judge: what is known of rules and devices
 * @files: the rules that are saved
 * @boot: what the next boot knows of them
 * @trial: how an apply that is to be confirmed fares
 * @left: seconds that it still has
 */
struct status {
	const struct vp_args *args;
	struct vp_judge judge;
	struct vp_rules files;
	struct vp_boot boot;
	enum vp_trial_state trial;
	unsigned int left;
};

static void print_line(struct status *status, const struct vp_tally *tally,
		       struct libscols_line *line)
{
	char text[VP_JUDGE_LEN + VFIOPOLICY_RULE_LEN_MAX];
	/* Without -v there is no column for the origin. */
	size_t at = status->args->verbose ? 0 : 1;

	/* Both go with the commands that take a rule. */
	snprintf(text, sizeof(text), "%u%s%s", tally->rule->id,
		 tally->readable && tally->parsed.name[0] ? " " : "",
		 tally->readable ? tally->parsed.name : "");
	vp_out_cell(line, COL_RULE, text);
	if (!at)
		vp_out_cell(line, COL_ORIGIN,
			    vp_verdict_origin_name(tally->rule->origin));
	vp_judge_wants(tally, text, sizeof(text));
	vp_out_cell(line, COL_WANTS - at, text);
	vp_out_cell_verdict(line, COL_STATE - at,
			    vp_status_words[tally->verdict], tally->verdict);
	vp_judge_why(&status->judge, tally, text);
	vp_out_cell(line, COL_WHY - at, text);
}

static struct libscols_table *new_table(const struct status *status)
{
	struct vp_out_column shown[ARRAY_SIZE(columns)];
	size_t i, count = 0;

	for (i = 0; i < ARRAY_SIZE(columns); i++)
		if (i != COL_ORIGIN || status->args->verbose)
			shown[count++] = columns[i];
	return vp_out_table(shown, count);
}

/*
 * The module was given it by a boot image, and then again by the unit, of the same
 * file: for people that is one rule.
 */
static bool is_told_twice(const struct status *status,
			  const struct vp_nl_rule *rule)
{
	const struct vp_judge *judge = &status->judge;
	size_t i;

	if (rule->origin != VFIOPOLICY_ORIGIN_CMDLINE ||
	    status->args->verbose || (status->args->given & VP_OPT_JSON))
		return false;
	for (i = 0; i < judge->rule_count; i++)
		if (judge->rules[i].origin == VFIOPOLICY_ORIGIN_FILE &&
		    !strcmp(judge->rules[i].text, rule->text))
			return true;
	return false;
}

/* Return: how many rules are not met. */
static size_t print_rules(struct status *status, struct json_object *list)
{
	bool table_wanted = !list && !status->args->quiet &&
			    !(status->args->given & VP_OPT_SUMMARY);
	struct libscols_table *table = NULL;
	struct vp_tally tally;
	size_t i, bad = 0;

	if (table_wanted)
		table = new_table(status);
	for (i = 0; i < status->judge.rule_count; i++) {
		if (is_told_twice(status, &status->judge.rules[i]))
			continue;
		vp_judge_rule(&status->judge, &status->judge.rules[i], &tally);
		bad += tally.verdict != VP_VERDICT_MET;
		if (list)
			json_object_array_add(list,
					      vp_status_json_rule(&status->judge,
								  &tally));
		else if (table)
			print_line(status, &tally, vp_out_line(table));
	}
	if (table_wanted)
		vp_out_table_print(table);
	return bad;
}

static void print_devices(struct status *status)
{
	struct libscols_table *table;
	struct libscols_line *line;
	const struct vp_nl_dev *dev;
	enum vp_verdict verdict;
	char text[VP_JUDGE_LEN];
	size_t i, skip;

	table = vp_out_table(dev_columns, ARRAY_SIZE(dev_columns));
	for (i = 0; i < status->judge.dev_count; i++) {
		dev = &status->judge.devs[i];
		verdict = vp_judge_device(&status->judge, NULL, dev);
		line = vp_out_line(table);
		vp_out_cell(line, COL_DEV_DEVICE, dev->address);
		snprintf(text, sizeof(text), "%u", dev->rule);
		vp_out_cell(line, COL_DEV_RULE, dev->rule ? text : "");
		vp_out_cell_verdict(line, COL_DEV_STATE,
				    vp_status_words[verdict], verdict);
		vp_judge_why_device(&status->judge, dev, text);
		/* Its address stands in front already. */
		skip = strlen(dev->address) + 1;
		if (strncmp(text, dev->address, skip - 1) != 0)
			skip = 0;
		vp_out_cell(line, COL_DEV_WHY, text + skip);
	}
	vp_out_table_print(table);
}

static void print_summary(const struct status *status, size_t bad)
{
	const struct vp_nl_info *info = &status->judge.info;
	size_t i, count = 0;

	for (i = 0; i < status->judge.rule_count; i++)
		count += !is_told_twice(status, &status->judge.rules[i]);
	if (!count)
		vp_out_say("there are no rules");
	else if (count == 1)
		vp_out_say("the rule is %smet%s", bad ? "not " : "",
			   !bad ? "" : status->judge.dev_count ?
			   "; status DEVICE says more" :
			   "; status RULE says more");
	else if (!bad)
		vp_out_say("all %zu rules are met", count);
	else
		vp_out_say("%zu of %zu rules %s not met; status RULE says more",
			   bad, count, bad == 1 ? "is" : "are");
	if (info->rules_bad)
		vp_out_error("the module was given rules that it did not understand (%u): dmesg | grep vfiopolicy",
			     info->rules_bad);
	if (info->disabled)
		vp_out_error("the module was loaded with disable=1: rules are listed and claim nothing");
	if (status->judge.module && info->functions && !info->iommu_functions)
		vp_out_error("no device has an IOMMU group: there is no IOMMU, or it is off, and nothing can be handed to a guest");
}

static bool is_in_force(const struct status *status, const char *text)
{
	size_t i;

	for (i = 0; i < status->judge.rule_count; i++)
		if (!strcmp(status->judge.rules[i].text, text))
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
	size_t i, missing = 0;

	vp_table_say_bad(files);
	for (i = 0; i < files->count; i++)
		if (files->entries[i].text &&
		    !is_in_force(status, files->entries[i].text))
			missing++;
	if (missing)
		vp_out_error("%zu of the rules that are saved %s not in force: vfiopolicy apply",
			     missing, missing == 1 ? "is" : "are");
	return files->refused + files->bad + missing;
}

/* The images, and whether modprobe knows what the files say. */
static void say_boot(const struct status *status)
{
	const struct vp_boot *boot = &status->boot;
	const struct vp_boot_image *image;
	size_t i;

	for (i = 0; i < boot->count &&
	     !(status->args->given & VP_OPT_SUMMARY); i++) {
		image = &boot->images[i];
		vp_out_say("boot image %s   policy %.4s, %s", image->release,
			   image->hash[0] ? image->hash : "none",
			   boot->unhooked[0] ? "stale: it is built without our hook now" :
			   image->current ? "current" :
			   "stale: vfiopolicy apply rebuilds it");
	}
	if (boot->degraded[0])
		vp_out_error("this boot is %s; vfiopolicy check says what is missing",
			     boot->degraded);
	if (boot->unhooked[0])
		vp_out_error("boot images have nothing of vfiopolicy, as %s does not name it: %s",
			     boot->unhooked, boot->remedy);
	if (strcmp(boot->hash, boot->compiled) != 0)
		vp_out_error("the next boot does not know what the rule files say: vfiopolicy apply");
}

/* What is in force may not be for long. */
static void say_trial(const struct status *status)
{
	time_t end = time(NULL) + status->left;
	char at[16] = "";
	struct tm when;

	if (status->trial == VP_TRIAL_KILLED)
		vp_out_error("what was applied with --confirm was neither confirmed nor all taken back: the process that waited was killed; vfiopolicy apply brings in what the files say");
	if (status->trial != VP_TRIAL_LASTS)
		return;
	if (localtime_r(&end, &when))
		strftime(at, sizeof(at), ", at %H:%M:%S", &when);
	vp_out_error("an apply waits to be confirmed: in %u seconds%s, the rules that were in force before are put back; vfiopolicy confirm keeps these",
		     status->left, at);
}

static struct json_object *json_boot(const struct vp_boot *boot)
{
	struct json_object *obj = json_object_new_object(), *list, *image;
	size_t i;

	vp_out_json_string(obj, "policy", boot->hash);
	vp_out_json_string(obj, "compiled", boot->compiled);
	vp_out_json_bool(obj, "current", vp_boot_is_current(boot) &&
			 !boot->unhooked[0]);
	vp_out_json_string(obj, "degraded", boot->degraded);
	vp_out_json_string(obj, "unhooked", boot->unhooked);
	list = json_object_new_array();
	for (i = 0; i < boot->count; i++) {
		image = json_object_new_object();
		vp_out_json_string(image, "kernel", boot->images[i].release);
		vp_out_json_string(image, "policy", boot->images[i].hash);
		vp_out_json_bool(image, "current", boot->images[i].current &&
				 !boot->unhooked[0]);
		json_object_array_add(list, image);
	}
	json_object_object_add(obj, "images", list);
	return obj;
}

static void json_status(struct status *status, struct json_object *list,
			bool met, size_t bad, size_t unsaid)
{
	const struct vp_nl_info *info = &status->judge.info;
	struct json_object *obj = vp_out_json(), *devs;
	size_t i;

	vp_out_json_bool(obj, "met", met);
	vp_out_json_number(obj, "not_met", bad);
	vp_out_json_string(obj, "module", status->judge.module ?
			   info->version : NULL);
	vp_out_json_bool(obj, "disabled", info->disabled);
	vp_out_json_number(obj, "rules_bad", info->rules_bad);
	vp_out_json_number(obj, "files_not_in_force", unsaid);
	if (status->trial == VP_TRIAL_LASTS)
		vp_out_json_number(obj, "confirm_within", status->left);
	else
		vp_out_json_string(obj, "confirm_within", NULL);
	json_object_object_add(obj, "boot", json_boot(&status->boot));
	json_object_object_add(obj, "rules", list);
	devs = json_object_new_array();
	for (i = 0; i < status->judge.dev_count; i++)
		json_object_array_add(devs,
				      vp_status_json_dev(&status->judge,
							 &status->judge.devs[i]));
	json_object_object_add(obj, "devices", devs);
	vp_out_json_print(obj);
}

static int status_of_rules(struct status *status)
{
	bool json = status->args->given & VP_OPT_JSON, met;
	size_t bad, unsaid = say_files(status);
	struct json_object *list;

	vp_boot_look(&status->files, &status->boot);
	say_boot(status);
	status->trial = vp_trial_peek(&status->left);
	say_trial(status);
	list = json ? json_object_new_array() : NULL;
	bad = print_rules(status, list);
	met = !bad && !status->judge.info.rules_bad && !unsaid;
	if (json) {
		json_status(status, list, met, bad, unsaid);
	} else if (status->args->verbose && !status->args->quiet &&
		   status->judge.dev_count) {
		vp_out_say("%s", "");
		print_devices(status);
	}
	print_summary(status, bad);
	if (unsaid && !bad)
		vp_out_say("what is saved is not all in force, as said above");
	return met ? VP_EXIT_DONE : VP_EXIT_NOT_MET;
}

static void say_stats(const struct status *status, struct vp_nl *nl)
{
	const struct vp_nl_info *info = &status->judge.info;
	struct vp_nl_stats stats;

	if (!status->args->verbose || vp_nl_stats(nl, &stats))
		return;
	vp_out_verbose("module %s: %u rules, %u devices; since it was loaded: %llu claimed, %llu handed over, %llu taken from their drivers, %llu given back, %llu lost, %llu drivers turned away",
		       info->version, info->rules, info->devices,
		       (unsigned long long)stats.claims,
		       (unsigned long long)stats.hand_offs,
		       (unsigned long long)stats.take_overs,
		       (unsigned long long)stats.releases,
		       (unsigned long long)stats.lost,
		       (unsigned long long)stats.vetoes);
}

static int ask_all(struct status *status, struct vp_nl *nl)
{
	struct vp_judge *judge = &status->judge;
	int ret;

	judge->module = true;
	ret = vp_nl_info(nl, &judge->info);
	if (!ret)
		ret = vp_nl_rules(nl, &judge->rules, &judge->rule_count);
	if (!ret)
		ret = vp_nl_devs(nl, &judge->devs, &judge->dev_count);
	if (!ret)
		say_stats(status, nl);
	return ret;
}

/* Fills in what is known, from the module or else from sysfs. */
static int ask(struct status *status)
{
	struct vp_nl nl;
	int ret;

	ret = vp_nl_open(&nl);
	if (ret == -ENOENT) {
		vp_out_note("the module is %s: this is what the files and sysfs show. To load it: modprobe vfiopolicy",
			    nl.error.text);
		ret = vp_judge_offline(&status->judge, &status->files);
		if (ret)
			vp_out_error("%s", strerror(-ret));
	} else {
		if (!ret)
			ret = ask_all(status, &nl);
		if (ret)
			vp_out_nl_error("module vfiopolicy", &nl.error);
	}
	vp_nl_close(&nl);
	return ret ? VP_EXIT_KERNEL : VP_EXIT_DONE;
}

static int run(const struct vp_args *args)
{
	struct status status = { .args = args };
	struct vp_rules_error error;
	int ret;

	if (vp_judge_open(&status.judge)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	if (vp_rules_read(&status.files, &error)) {
		vp_out_error("%s", error.text);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = ask(&status);
	}
	if (!ret)
		ret = args->nwords ? vp_status_one(&status.judge, args) :
				     status_of_rules(&status);
	vp_rules_free(&status.files);
	vp_judge_close(&status.judge);
	return ret;
}

const struct vp_command vp_cmd_status = {
	.name = "status",
	.synopsis = "[RULE|DEVICE]",
	.summary = "is each rule met, and if not, why; exit status 4 if one is not",
	.help =
"  RULE              the name or the number of a rule: its devices, one by one\n"
"  DEVICE            an address, network interface, disk or device file: all\n"
"                    that is known of it\n"
"  -v, --verbose     where each rule came from, and each device, too\n"
"  --summary         nothing but the last line\n"
"A rule that names no device present counts as not met. Without the module, what\n"
"the rule files want is compared with what sysfs shows. Until when an apply waits\n"
"to be confirmed is said to root.\n",
	.examples =
"  vfiopolicy status || mail -s 'not as the rules say' root\n"
"  vfiopolicy status gpu0            why is it not met\n"
"  vfiopolicy status enp3s0          who has it, and by which rule\n"
"  vfiopolicy status -j | jq -r '.rules[] | select(.verdict != \"met\") | .text'\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_NO_LEGEND |
		   VP_OPT_SUMMARY,
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
