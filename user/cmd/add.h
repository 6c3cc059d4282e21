/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of vfiopolicy add know of one another. */
#ifndef VFIOPOLICY_ADD_H
#define VFIOPOLICY_ADD_H

#include "command.h"
#include "forecast.h"
#include "group.h"
#include "rulearg.h"
#include "safety.h"
#include "verdict.h"
#include "watch.h"

/**
 * struct add_dev - a device that the rule would take
 * @dev: the device
 * @fit: how the rule names it: by itself, or beside another one
 * @now: as the module has it; NULL when it has no record of it
 * @take_over: it is to be taken from the driver that has it
 * @uses: how the host uses it
 */
struct add_dev {
	const struct vp_host_dev *dev;
	enum vp_fit fit;
	const struct vp_nl_dev *now;
	bool take_over;
	struct vp_uses uses;
};

/**
 * struct add_pin - a rule that keeps a device for the host
 * @dev: the device
 * @text: the rule
 * @why: how the host uses the device
 * @saved: what was written of it
 * @added: the rule as the module has it
 */
struct add_pin {
	const struct vp_host_dev *dev;
	char text[VP_RULEARG_LEN];
	char why[VP_USE_LEN];
	struct vp_rules_change saved;
	struct vp_nl_rule added;
};

/**
 * struct add - one run of the command
 * @args: the command line
 * @words: what the words say
 * @host: the host
 * @matches: the devices that it names and that may be taken
 * @count: number of @matches
 * @bridges: number of bridges that it names
 * @bridge: one of them
 * @pf: the PF whose VFs it names, while it has none of them; NULL for none
 * @nl: the connection to the module
 * @module: the module has answered; else the rules are those of the files
 * @devs: devices as the module has them
 * @dev_count: number of @devs
 * @rules: the files
 * @table: the rules, this one among them
 * @mine: this rule, part of @table
 * @existed: it was there already, as lasting as it is asked for
 * @taken: the devices that it would take
 * @taken_count: number of @taken
 * @pins: rules that are to go with it
 * @pin_count: number of @pins
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
	const struct vp_host_dev *pf;
	struct vp_nl nl;
	bool module;
	struct vp_nl_dev *devs;
	size_t dev_count;
	struct vp_rules rules;
	struct vp_table *table;
	const struct vp_entry *mine;
	bool existed;
	struct add_dev *taken;
	size_t taken_count;
	struct add_pin *pins;
	size_t pin_count;
	struct vp_rules_change saved;
	struct vp_nl_rule added;
};

static inline bool add_is_saved(const struct add *add)
{
	return !(add->args->given & VP_OPT_RUNTIME);
}

static inline bool add_is_later(const struct add *add)
{
	return add->args->given & VP_OPT_NEXT_BOOT;
}

static inline bool add_is_forced(const struct add *add)
{
	return add->args->given & VP_OPT_FORCE;
}

/* Is there a device that a driver is to lose? */
static inline bool add_takes_over(const struct add *add)
{
	size_t i;

	for (i = 0; i < add->taken_count; i++)
		if (add->taken[i].take_over)
			return true;
	return false;
}

/* add_check.c: each returns an exit status */
int add_check_matches(struct add *add);
int add_check_odds(const struct add *add, const struct vp_rules *rules);
int add_check_files(const struct add *add);
int add_check_uses(struct add *add);
int add_check_groups(const struct add *add);

/* add_wishes.c */
int add_check_wishes(const struct add *add);

/* add_plan.c */
int add_plan(struct add *add);
int add_plan_pins(struct add *add, struct vp_safety *safety);

/* add_report.c */
const struct vp_entry *add_leaving(const struct add *add, const char *address);
void add_say_device(const struct vp_watch_dev *dev, void *arg);
void add_say_rule(const struct add *add);
void add_print_json(const struct add *add, const struct vp_watch *watch,
		    enum vp_verdict verdict);
int add_report(const struct add *add, const struct vp_watch *watch);

/* add_dry.c */
int add_dry_run(struct add *add);

#endif /* VFIOPOLICY_ADD_H */
