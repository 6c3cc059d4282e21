// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vfiopolicy add refuses: what names more or less than the user means, what
 * cannot be saved, what would be taken from under the host, and what could not be
 * given to a guest all the same.
 */
#include "add.h"
#include "device.h"
#include "output.h"
#include "policy.h"
#include "resolve.h"
#include "vfs.h"
#include "wishes.h"

/* Uses of one device that a refusal lists. */
#define LISTED	6
/* Longer paths are cut where uses are told. */
#define MOUNT_LEN	100

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
static void print_pinned(const struct add *add, const struct vp_host_dev *dev,
			 struct vp_safety *safety)
{
	char text[VP_RULEARG_LEN], comment[VP_RESOLVE_LEN];
	struct vp_uses uses = { 0 };
	struct vp_rule pinned;

	if (vp_resolve_rule(dev, &pinned))
		return;
	pinned.action = add->words.rule.action;
	vp_rule_print(&pinned, text, sizeof(text));
	vp_resolve_comment(&add->host, dev, comment, sizeof(comment));
	if (safety)
		vp_safety_uses(safety, dev, &uses);
	vp_out_error_more("  vfiopolicy add %s    # %s%s%s",
			  vp_rulearg_selectors(text), comment,
			  vp_safety_refusing(&uses, false) ? ", in use: " :
			  safety ? ", " : "", uses.count ? uses.uses[0].text :
			  safety ? "not in use" : "");
}

static int refuse_many(const struct add *add)
{
	struct vp_safety safety;
	char number[24];
	size_t i;
	int ret;

	ret = vp_safety_open(&safety, &add->host, NULL);
	vp_out_error("%s is %s devices here; name one, or say --all:",
		     vp_rulearg_selectors(add->words.text),
		     count_in_words(add->count, number, sizeof(number)));
	for (i = 0; i < add->count; i++)
		print_pinned(add, add->matches[i],
			     ret || !add->host.sysfs ? NULL : &safety);
	vp_out_error_more("Nothing was changed.");
	vp_safety_close(&safety);
	return VP_EXIT_USAGE;
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

/* Is it only for another host that it names nothing here? */
static void say_host(const struct add *add, char *why)
{
	struct vp_rule rule = add->words.rule;
	const struct vp_host_dev *dev;

	if (!rule.host[0])
		return;
	rule.host[0] = '\0';
	for (dev = add->host.devs; dev < add->host.devs + add->host.count; dev++) {
		if (vp_match(&rule, &dev->facts, NULL) != VP_FIT_MATCH)
			continue;
		snprintf(why, VP_WISH_LEN, dev->facts.host ?
			 "by host= it is for another host than this, which is %s" :
			 "by host= it is for one host, and which this is cannot be told",
			 dev->facts.host);
		return;
	}
}

static int refuse_absent(const struct add *add, const char *why)
{
	char hint[VP_DEVICE_LEN];
	int i;

	vp_out_error("%s names no device that is present%s%s",
		     vp_rulearg_selectors(add->words.text), why[0] ? ": " : "",
		     why);
	/* 82:00 reads as an id, and is an address without its function. */
	for (i = 0; i < add->args->nwords; i++)
		if (vp_device_hint(&add->host, add->args->words[i], hint))
			vp_out_error_more("%s", hint);
	vp_out_error_more("Nothing was changed. vfiopolicy list -a shows what is here; --absent-ok adds the rule for later.");
	return VP_EXIT_NOT_FOUND;
}

/**
 * add_check_matches() - does the rule name what the user means
 * @add: this run; the PF is filled in
 *
 * A rule said again changes nothing, so there is nothing to refuse.
 *
 * Return: an exit status.
 */
int add_check_matches(struct add *add)
{
	const unsigned int given = add->args->given;
	char why[VP_WISH_LEN];
	enum vp_wish come = VP_WISH_FINE;

	if (!add->count && add->bridges)
		return refuse_bridge(add);
	/* VFs come when their PF is told to make them. */
	if (!add->count)
		come = vp_wish_vfs_of(&add->host, &add->words.rule, &add->pf, why);
	if (come != VP_WISH_FINE)
		say_host(add, why);
	if (come != VP_WISH_FINE && !(given & VP_OPT_ABSENT_OK))
		return refuse_absent(add, why);
	/* Whoever says where means all that is there; leaving harms nobody. */
	if (add->count > 1 && !vp_rulearg_has_place(&add->words.rule) &&
	    add->words.rule.action != VP_LEAVE && !(given & VP_OPT_ALL) &&
	    !add->existed)
		return refuse_many(add);
	if (add->bridges)
		vp_out_note("bridges it names are left alone, such as %s",
			    add->bridge->address);
	return VP_EXIT_DONE;
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
	if (rules->files[other->file].folder != VP_RULES_ETC) {
		vp_out_error_more("Nothing was changed. The other one goes when that file is masked by one of the same name in /etc/vfiopolicy/rules.d.");
		return VP_EXIT_USAGE;
	}
	vp_out_error_more("Nothing was changed. The other one goes by:");
	if (other->rule->name[0])
		vp_out_error_more("  vfiopolicy del %s", other->rule->name);
	else
		vp_out_error_more("  vfiopolicy del '%s'", other->text);
	return VP_EXIT_USAGE;
}

/* Would the rule be at odds with this one, if both were applied? */
static bool is_at_odds(const struct vp_rule *rule,
		       const struct vp_rules_entry *other)
{
	struct vp_entry *entry, *mine;
	struct vp_table *table = NULL;
	bool odds = false;

	entry = vp_entry_new(other->rule, VFIOPOLICY_ORIGIN_FILE);
	mine = vp_entry_new(rule, VFIOPOLICY_ORIGIN_FILE);
	if (entry && mine)
		table = vp_policy_replace(NULL, VFIOPOLICY_ORIGIN_FILE, &entry, 1);
	if (table)
		odds = vp_policy_conflict(table, mine);
	vp_policy_free(table);
	vp_entry_put(entry);
	vp_entry_put(mine);
	return odds;
}

/**
 * add_check_odds() - can the rule stand beside those of the files
 * @add: this run
 * @rules: the files
 *
 * Return: an exit status.
 */
int add_check_odds(const struct add *add, const struct vp_rules *rules)
{
	int ret = VP_EXIT_DONE;
	size_t i;

	for (i = 0; i < rules->count && !ret; i++)
		if (rules->entries[i].text &&
		    is_at_odds(&add->words.rule, &rules->entries[i]))
			ret = refuse_at_odds(add, rules, &rules->entries[i]);
	return ret;
}

/**
 * add_check_files() - can the rule be saved beside those that are
 * @add: this run
 *
 * What is saved must be fit to be applied, or the next boot has none of it. The
 * files are read anew: somebody may have written to them before they were locked.
 *
 * Return: an exit status.
 */
int add_check_files(const struct add *add)
{
	struct vp_rules_error error;
	struct vp_rules rules;
	size_t i;
	int ret;

	if (vp_rules_read(&rules, &error)) {
		vp_out_error("%s", error.text);
		return VP_EXIT_KERNEL;
	}
	ret = add_check_odds(add, &rules);
	for (i = 0; i < rules.count && !ret; i++) {
		if (rules.entries[i].text)
			continue;
		vp_rules_describe(&rules, &rules.entries[i], &error);
		vp_out_note("until this is mended, vfiopolicy apply refuses all of the files: %s",
			    error.text);
	}
	vp_rules_free(&rules);
	return ret;
}

static bool is_allowed(const struct add *add, const struct vp_use *use)
{
	return add_is_forced(add) ||
	       (vp_safety_allow(use) & add->words.rule.allow);
}

/* The first use of a device that stands in the way; NULL when there is none. */
static const struct vp_use *find_refusing(const struct add *add,
					  const struct add_dev *taken)
{
	size_t i;

	for (i = 0; i < taken->uses.count; i++)
		if (vp_safety_refuses(&taken->uses.uses[i], add_is_later(add)) &&
		    !is_allowed(add, &taken->uses.uses[i]))
			return &taken->uses.uses[i];
	return NULL;
}

static void say_in_use(const struct add *add, const struct add_dev *taken)
{
	const struct vp_use *first = find_refusing(add, taken), *use;
	const size_t shown = taken->uses.count < LISTED ? taken->uses.count :
							  LISTED;
	size_t i, more = taken->uses.more;

	vp_out_error("%s %s: %s", taken->dev->address, vp_safety_in_use(first),
		     first->text);
	for (i = 0; i < taken->uses.count; i++) {
		use = &taken->uses.uses[i];
		if (use == first ||
		    !vp_safety_refuses(use, add_is_later(add)))
			continue;
		if (i < shown)
			vp_out_error_more("  %s", use->text);
		else
			more++;
	}
	if (more)
		vp_out_error_more("  and %zu more", more);
}

/* The line that takes all the others, if it names any. */
static void say_others(const struct add *add)
{
	char text[VP_RULEARG_LEN];
	struct vp_rule rule = add->words.rule, pinned;
	struct vp_error err;
	bool any = false;
	size_t i;

	if (vp_rulearg_has_place(&rule))
		return;
	for (i = 0; i < add->taken_count; i++) {
		if (!find_refusing(add, &add->taken[i])) {
			any |= add->taken[i].fit == VP_FIT_MATCH;
			continue;
		}
		/* What with= holds is not named, and no exception helps. */
		if (add->taken[i].fit != VP_FIT_MATCH ||
		    rule.count == VP_SELECTORS_MAX ||
		    vp_resolve_rule(add->taken[i].dev, &pinned))
			return;
		rule.selectors[rule.count] = pinned.selectors[0];
		rule.selectors[rule.count++].except = true;
	}
	vp_rule_print(&rule, text, sizeof(text));
	if (!any || vp_rule_parse(text, strlen(text), &pinned, &err))
		return;
	vp_out_error_more("  vfiopolicy add %s%s    # the others",
			  add->args->given & VP_OPT_ALL ? "--all " : "",
			  vp_rulearg_selectors(text));
}

/* Will something be in the way at the next boot, too? */
static bool is_lasting(const struct add *add, const struct add_dev *taken)
{
	size_t i;

	for (i = 0; i < taken->uses.count; i++)
		if (vp_safety_refuses(&taken->uses.uses[i], true) &&
		    !is_allowed(add, &taken->uses.uses[i]))
			return true;
	return false;
}

/* Where a file system that the host may well do without is mounted. */
static bool find_mount(const struct vp_use *use, char *path, size_t size)
{
	static const char *const needed[] = {
		"/", "/usr", "/var", "/home", "/etc", "/boot", "/boot/efi",
		"/boot/firmware", "/efi", "/nix", "/opt",
	};
	const char *end = strstr(use->text, " is on it (");
	size_t i;

	if (use->kind != VP_USE_MOUNT || !end ||
	    (size_t)(end - use->text) >= size)
		return false;
	snprintf(path, size, "%.*s", (int)(end - use->text), use->text);
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (!strcmp(path, needed[i]))
			return false;
	/* To be typed as it stands there. */
	for (i = 0; isalnum((unsigned char)path[i]) || (path[i] && strchr("/._-", path[i])); i++)
		;
	return path[0] == '/' && !path[i];
}

/* When nothing but file systems is in the way, they can go. */
static void say_umounts(const struct add *add)
{
	const struct add_dev *taken;
	char path[MOUNT_LEN];
	const struct vp_use *use;
	bool print = false;
	size_t i, k;

	do {
		for (i = 0; i < add->taken_count; i++) {
			taken = &add->taken[i];
			for (k = 0; k < taken->uses.count; k++) {
				use = &taken->uses.uses[k];
				if (!vp_safety_refuses(use, add_is_later(add)) ||
				    is_allowed(add, use))
					continue;
				if (!find_mount(use, path, sizeof(path)))
					return;
				if (print)
					vp_out_error_more("  umount %s    # then the host does without it",
							  path);
			}
		}
		print = !print;
	} while (print);
}

static bool has_vfs(const struct add_dev *taken)
{
	size_t i;

	for (i = 0; i < taken->uses.count; i++)
		if (taken->uses.uses[i].kind == VP_USE_VFS)
			return true;
	return false;
}

/* What the module does not take, whoever asks. Return: how many are no such. */
static size_t say_never(const struct add *add, bool print)
{
	const struct add_dev *taken;
	const char *address;
	size_t i, others = 0;

	for (i = 0; i < add->taken_count; i++) {
		taken = &add->taken[i];
		address = taken->dev->address;
		if (!find_refusing(add, taken))
			continue;
		if (vp_forecast_never(&add->host, taken->dev)) {
			if (print)
				vp_out_error_more("  %s is never taken, not even with --force, as long as the firmware uses it as its display: which one it uses is a setting of its own",
						  address);
		} else if (has_vfs(taken) && !add_is_later(add)) {
			if (print)
				vp_out_error_more("  vfiopolicy sriov %s 0    # while it has VFs it is not taken, not even with --force",
						  address);
		} else {
			others++;
		}
	}
	return others;
}

static int refuse_in_use(const struct add *add)
{
	const char *later = "", *when = "";
	bool lasts = false;
	size_t i, others;

	for (i = 0; i < add->taken_count; i++) {
		if (!find_refusing(add, &add->taken[i]))
			continue;
		say_in_use(add, &add->taken[i]);
		lasts |= is_lasting(add, &add->taken[i]);
	}
	say_umounts(add);
	say_others(add);
	say_never(add, true);
	if (!lasts)
		later = " --next-boot takes it when the host starts the next time";
	others = say_never(add, false);
	if (others)
		when = add_is_later(add) ?
		       "at the next boot, when it is likely to be in use again." :
		       "from a running system.";
	vp_out_error_more("Nothing was changed.%s%s%s%s", later,
			  !later[0] ? "" : others ? ";" : ".",
			  others ? " --force would take it away " : "", when);
	return VP_EXIT_USAGE;
}

/*
 * Says what is overridden, and writes it into the rule where it will hold at the
 * next boot, too. Return: 0 or -E2BIG.
 */
static int override(struct add *add, const struct add_dev *taken)
{
	const struct vp_use *use;
	struct vp_error err;
	struct vp_rule rule;
	size_t i;

	for (i = 0; i < taken->uses.count; i++) {
		use = &taken->uses.uses[i];
		if (!vp_safety_refuses(use, add_is_later(add)))
			continue;
		vp_out_error("%s: %s; overridden by %s", taken->dev->address,
			     use->text, vp_safety_allow(use) &
			     add->words.rule.allow && !add_is_forced(add) ?
			     "allow=" : "--force");
		if (add_is_saved(add))
			add->words.rule.allow |= vp_safety_allow(use);
	}
	vp_rule_print(&add->words.rule, add->words.text,
		      sizeof(add->words.text));
	return vp_rule_parse(add->words.text, strlen(add->words.text), &rule,
			     &err) ? -E2BIG : 0;
}

/* What is no reason to refuse, and good to know. */
static void say_notes(const struct add *add)
{
	const struct add_dev *taken;
	char net[VP_HOST_LEN];
	size_t i, k;

	for (i = 0; i < add->taken_count; i++) {
		taken = &add->taken[i];
		/* With an address or a route it would be a use. */
		if (add->host.sysfs && !vp_safety_refusing(&taken->uses, false) &&
		    vp_vfs_net(&add->host, taken->dev, net))
			vp_out_note("%s: its interface %s is up, and the host has no address and no route on it",
				    taken->dev->address, net);
		for (k = 0; k < taken->uses.count; k++)
			if (taken->uses.uses[k].kind == VP_USE_DATA)
				vp_out_note("%s: %s", taken->dev->address,
					    taken->uses.uses[k].text);
	}
}

/* The rule is there, and stays; what is in use is left where it is for now. */
static int spare_used(struct add *add, struct vp_safety *safety)
{
	struct add_dev *taken;
	size_t i, k;

	for (i = 0; i < add->taken_count; i++) {
		taken = &add->taken[i];
		if (!taken->take_over)
			continue;
		vp_safety_uses(safety, taken->dev, &taken->uses);
		if (find_refusing(add, taken)) {
			taken->take_over = false;
			vp_out_note("%s stays with %s for now, as it is in use by this host: %s; --force would take it away from a running system",
				    taken->dev->address, taken->dev->driver,
				    find_refusing(add, taken)->text);
		}
		for (k = 0; k < taken->uses.count && add_is_forced(add); k++)
			if (vp_safety_refuses(&taken->uses.uses[k], false))
				vp_out_error("%s: %s; overridden by --force",
					     taken->dev->address,
					     taken->uses.uses[k].text);
	}
	return VP_EXIT_DONE;
}

static int check_uses(struct add *add, struct vp_safety *safety)
{
	bool used = false;
	size_t i;

	for (i = 0; i < add->taken_count; i++) {
		vp_safety_uses(safety, add->taken[i].dev, &add->taken[i].uses);
		used |= !!find_refusing(add, &add->taken[i]);
	}
	if (used)
		return refuse_in_use(add);
	for (i = 0; i < add->taken_count; i++) {
		if (!override(add, &add->taken[i]))
			continue;
		vp_out_error("the rule would be too long with all that it overrides: %s",
			     add->words.text);
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_USAGE;
	}
	say_notes(add);
	if (!add_plan_pins(add, safety))
		return VP_EXIT_DONE;
	vp_out_error("%s", strerror(ENOMEM));
	return VP_EXIT_KERNEL;
}

/**
 * add_check_uses() - does the host do without what the rule would take
 * @add: this run; uses and pins are filled in, and what is overridden is
 *       written into the rule. One that was there already is left as it is, and
 *       so are the devices that are in use.
 *
 * Return: an exit status.
 */
int add_check_uses(struct add *add)
{
	struct vp_safety safety;
	int ret;

	ret = vp_safety_open(&safety, &add->host, NULL);
	if (!ret) {
		ret = add->existed ? spare_used(add, &safety) :
				     check_uses(add, &safety);
	} else if (!add_is_forced(add)) {
		vp_out_error("whether it is in use cannot be told: %s/self/mountinfo: %s",
			     safety.paths.proc, strerror(-ret));
		vp_out_error_more("Nothing was changed. --force would not ask.");
		ret = VP_EXIT_KERNEL;
	} else {
		vp_out_error("whether it is in use cannot be told; overridden by --force");
		ret = VP_EXIT_DONE;
	}
	vp_safety_close(&safety);
	return ret;
}

/* What keeps a group from a guest, and what would help. */
static int refuse_group(const struct add *add, const struct vp_host_dev *dev,
			const struct vp_group *group)
{
	const struct vp_host_dev *blocker = group->blocker;
	struct vp_rule rule = add->words.rule;
	char name[VP_NAMES_LEN], text[VP_RULEARG_LEN];

	vp_out_name(&add->host, &blocker->facts, name, sizeof(name));
	if (group->viability == VFIOPOLICY_VIABILITY_NEVER) {
		vp_out_error("IOMMU group %d of %s can never be given to a guest: %s (%s) is the host's, and stays with %s",
			     dev->group, dev->address, blocker->address, name,
			     blocker->driver);
		vp_out_error_more("Nothing was changed. Another slot of the board may have a group of its own; hold would keep it from the host alone.");
		return VP_EXIT_USAGE;
	}
	vp_out_error("IOMMU group %d would not be viable: %s (%s) stays with %s%s%s",
		     dev->group, blocker->address, name, blocker->driver,
		     group->rule ? ", by: " : "",
		     group->rule ? group->rule->text : "");
	if (group->blockers > 1)
		vp_out_error_more("  and so do %zu more of it: ls /sys/kernel/iommu_groups/%d/devices",
				  group->blockers - 1, dev->group);
	if (group->with) {
		rule.with = group->with;
		vp_rule_print(&rule, text, sizeof(text));
		vp_out_error_more("  vfiopolicy add %s%s    # hold %s, too",
				  add->args->given & VP_OPT_ALL ? "--all " : "",
				  vp_rulearg_selectors(text),
				  group->with == VP_WITH_SLOT ?
				  "the other functions of its slot" :
				  "the others of its group");
	}
	vp_out_error_more("Nothing was changed. --force adds it all the same; no guest can have it then.");
	return VP_EXIT_USAGE;
}

/**
 * add_check_groups() - could what the rule takes be given to a guest
 * @add: this run
 *
 * Return: an exit status.
 */
int add_check_groups(const struct add *add)
{
	struct vp_group group;
	size_t i;

	if (add->words.rule.action != VP_VFIO)
		return VP_EXIT_DONE;
	for (i = 0; i < add->taken_count; i++) {
		if (add->taken[i].fit != VP_FIT_MATCH)
			continue;
		vp_group_judge(&add->host, add->table, add->taken[i].dev,
			       &group);
		if (group.viability == VFIOPOLICY_VIABILITY_VIABLE)
			continue;
		if (!add_is_forced(add))
			return refuse_group(add, add->taken[i].dev, &group);
		vp_out_error("IOMMU group %d would not be viable: %s stays with %s; overridden by --force",
			     add->taken[i].dev->group, group.blocker->address,
			     group.blocker->driver);
	}
	return VP_EXIT_DONE;
}
