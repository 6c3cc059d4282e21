// SPDX-License-Identifier: GPL-2.0-only
/*
 * Before anything is changed by vfiopolicy add: which rules there would be, which
 * devices this one would take, and which devices of the host it must not come to
 * take at a later boot.
 */
#include "add.h"
#include "output.h"
#include "resolve.h"

/*
 * Rules of files are to be called by the numbers that status shows, which are those
 * of the module. What is saved and not in force has none.
 */
static void number_rules(struct vp_table *table)
{
	struct vp_nl_rule *rules = NULL;
	size_t count = 0, k;
	struct vp_nl nl;
	u32 i;

	if (!vp_nl_open(&nl) && !vp_nl_rules(&nl, &rules, &count))
		for (i = 0; i < table->count; i++) {
			table->entries[i]->id = VP_TABLE_NEW;
			for (k = 0; k < count; k++)
				if (rules[k].origin == VFIOPOLICY_ORIGIN_FILE &&
				    !strcmp(rules[k].text, table->entries[i]->text))
					table->entries[i]->id = rules[k].id;
		}
	free(rules);
	vp_nl_close(&nl);
}

/*
 * Those in force; without the module, those of the files. Who may not read the
 * files may still add what is not to be saved.
 */
static int read_rules(struct add *add)
{
	struct vp_nl_rule *rules = NULL;
	struct vp_rules_error error;
	size_t count = 0;
	int ret = 0;

	if (!add_is_later(add) && !add->args->on)
		add->module = !vp_nl_open(&add->nl) &&
			      !vp_nl_rules(&add->nl, &rules, &count) &&
			      !vp_nl_devs(&add->nl, &add->devs,
					  &add->dev_count);
	if ((add_is_saved(add) || !add->module) &&
	    vp_rules_read(&add->rules, &error)) {
		vp_out_error("%s", error.text);
		free(rules);
		return -EIO;
	}
	ret = add->module ? vp_table_of_module(rules, count, &add->table) :
			    vp_table_of_files(&add->rules, &add->table);
	free(rules);
	if (!ret && add_is_later(add) && !add->args->on)
		number_rules(add->table);
	if (!ret && add->table->dsn)
		vp_host_read_dsn(&add->host, NULL);
	return ret;
}

static bool is_same_but_allow(const struct vp_rule *a, const struct vp_rule *b)
{
	char a_text[VP_RULEARG_LEN], b_text[VP_RULEARG_LEN];
	struct vp_rule a_rule = *a, b_rule = *b;

	a_rule.allow = 0;
	b_rule.allow = 0;
	vp_rule_print(&a_rule, a_text, sizeof(a_text));
	vp_rule_print(&b_rule, b_text, sizeof(b_text));
	return !strcmp(a_text, b_text);
}

/*
 * A rule that was once added by force has allow=, which whoever says the same
 * again need not know of. One that is to be saved is there only as one of files.
 */
static void find_existing(struct add *add)
{
	const struct vp_entry *entry;
	u32 i;

	for (i = 0; i < add->table->count && !add->existed; i++) {
		entry = add->table->entries[i];
		if ((add_is_saved(add) &&
		     entry->origin != VFIOPOLICY_ORIGIN_FILE) ||
		    (!is_same_but_allow(&entry->rule, &add->words.rule) &&
		     !is_same_but_allow(&entry->rule, &add->words.typed)) ||
		    (add->words.rule.allow &&
		     add->words.rule.allow != entry->rule.allow))
			continue;
		add->existed = true;
		add->words.rule = entry->rule;
		snprintf(add->words.text, sizeof(add->words.text), "%s",
			 entry->text);
	}
}

static const struct vp_nl_dev *find_now(const struct add *add,
					const char *address)
{
	size_t i;

	for (i = 0; i < add->dev_count; i++)
		if (!strcmp(add->devs[i].address, address))
			return &add->devs[i];
	return NULL;
}

/*
 * Does the rule take the device, or would it if rules before it were deleted? One
 * that leaves it to the host was written for that, and counts.
 */
static bool takes(const struct add *add, const struct vp_host_dev *dev,
		  enum vp_fit *fit)
{
	const struct vp_entry *entry;

	if (dev->bridge)
		return false;
	entry = vp_forecast_entry(&add->host, add->table, dev, fit);
	if (!entry || entry->rule.action == VP_LEAVE)
		return false;
	if (vp_match(&add->words.rule, &dev->facts, NULL) == VP_FIT_MATCH) {
		*fit = VP_FIT_MATCH;
		return true;
	}
	return !strcmp(entry->text, add->mine->text) &&
	       (*fit != VP_FIT_CHANGED || entry->rule.changed_hold);
}

/*
 * A driver has it: it is to be asked for, or it stays there. What was released,
 * and what was lost, was given away, and only vfiopolicy claim ends that.
 */
static bool is_to_be_taken(const struct add *add, const struct add_dev *taken)
{
	struct vp_nl_dev then;
	enum vp_fit fit;

	if (add_is_later(add) ||
	    (taken->now && taken->now->state == VFIOPOLICY_STATE_LOST) ||
	    vp_forecast_entry(&add->host, add->table, taken->dev, &fit) != add->mine)
		return false;
	vp_forecast(&add->host, add->table, taken->dev, taken->now, VP_WHEN_NOW,
		    &then);
	return then.reason == VFIOPOLICY_REASON_NATIVE_DRIVER;
}

static int find_taken(struct add *add)
{
	const struct vp_host_dev *dev;
	struct add_dev *taken;
	enum vp_fit fit;
	size_t i;

	add->taken = calloc(add->host.count + 1, sizeof(*add->taken));
	if (!add->taken)
		return -ENOMEM;
	for (i = 0; i < add->host.count; i++) {
		dev = &add->host.devs[i];
		if (!takes(add, dev, &fit))
			continue;
		taken = &add->taken[add->taken_count++];
		taken->dev = dev;
		taken->fit = fit;
		taken->now = find_now(add, dev->address);
		taken->take_over = is_to_be_taken(add, taken);
	}
	return 0;
}

/**
 * add_plan() - find out what the rule would do
 * @add: this run; rules, table and the devices taken are filled in
 *
 * Return: 0; -ENOMEM; or what vp_rules_read() returned, having said so.
 */
int add_plan(struct add *add)
{
	const enum vfiopolicy_origin origin = add_is_saved(add) ?
		VFIOPOLICY_ORIGIN_FILE : VFIOPOLICY_ORIGIN_RUNTIME;
	int ret;
	u32 i;

	ret = read_rules(add);
	if (ret)
		return ret;
	find_existing(add);
	if (vp_table_add(&add->table, &add->words.rule, VP_TABLE_NEW, origin))
		return -ENOMEM;
	for (i = 0; i < add->table->count && !add->mine; i++)
		if (add->table->entries[i]->origin == origin &&
		    !strcmp(add->table->entries[i]->text, add->words.text))
			add->mine = add->table->entries[i];
	return add->mine ? find_taken(add) : -ENOMEM;
}

/*
 * A rule without what may be different at another boot: addresses, which a new
 * card renumbers, and exceptions, which are made by them. Return: false when
 * nothing is left that says what a device is.
 */
static bool loosen(const struct vp_rule *rule, struct vp_rule *loose)
{
	bool says_what = false;
	u8 i, kept = 0;

	*loose = *rule;
	for (i = 0; i < rule->count; i++) {
		if (rule->selectors[i].except ||
		    rule->selectors[i].kind == VP_SEL_ADDRESS)
			continue;
		says_what |= rule->selectors[i].kind > VP_SEL_VFS_OF;
		loose->selectors[kept++] = rule->selectors[i];
	}
	loose->count = kept;
	return says_what;
}

static bool is_taken(const struct add *add, const struct vp_host_dev *dev)
{
	size_t i;

	for (i = 0; i < add->taken_count; i++)
		if (add->taken[i].dev == dev)
			return true;
	return false;
}

static void plan_pin(struct add *add, const struct vp_host_dev *dev,
		     const struct vp_uses *uses)
{
	struct vp_rule rule;
	struct add_pin *pin = &add->pins[add->pin_count];
	size_t i;

	for (i = 0; i < uses->count; i++)
		if (vp_safety_refuses(&uses->uses[i], true))
			break;
	if (i == uses->count || vp_resolve_rule(dev, &rule))
		return;
	rule.action = VP_LEAVE;
	vp_rule_print(&rule, pin->text, sizeof(pin->text));
	snprintf(pin->why, sizeof(pin->why), "%s", uses->uses[i].text);
	pin->dev = dev;
	add->pin_count++;
}

/**
 * add_plan_pins() - which devices are to be kept for the host
 * @add: this run; @pins is filled in
 * @safety: what the host is up to
 *
 * Those that the host needs and that the rule does not name now, but might after
 * a card was added: by their place and their ids they get a rule of their own
 * that leaves them to the host. Not what a rule speaks of already.
 *
 * Return: 0 or -ENOMEM.
 */
int add_plan_pins(struct add *add, struct vp_safety *safety)
{
	const struct vp_host_dev *dev;
	struct vp_rule loose;
	struct vp_uses *uses;
	enum vp_fit fit;
	size_t i;

	if (!add_is_saved(add) || add->words.rule.action == VP_LEAVE ||
	    !loosen(&add->words.rule, &loose))
		return 0;
	uses = calloc(1, sizeof(*uses));
	add->pins = calloc(add->host.count + 1, sizeof(*add->pins));
	for (i = 0; uses && add->pins && i < add->host.count; i++) {
		dev = &add->host.devs[i];
		if (dev->bridge || is_taken(add, dev) ||
		    vp_match(&loose, &dev->facts, NULL) != VP_FIT_MATCH ||
		    vp_forecast_entry(&add->host, add->table, dev, &fit))
			continue;
		vp_safety_uses(safety, dev, uses);
		plan_pin(add, dev, uses);
	}
	free(uses);
	return add->pins && uses ? 0 : -ENOMEM;
}
