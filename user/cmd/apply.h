/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of vfiopolicy apply know of one another. */
#ifndef VFIOPOLICY_APPLY_H
#define VFIOPOLICY_APPLY_H

#include "command.h"
#include "rules.h"
#include "table.h"
#include "verdict.h"

struct json_object;

/**
 * struct apply - the rules in force, and those that are to be
 * @args: the command line
 * @files: the rules that are saved
 * @devs: devices as the module has them
 * @dev_count: number of @devs
 * @before: the rules in force
 * @after: those that are to be
 * @changed: how many rules of a dry run would come and go
 */
struct apply {
	const struct vp_args *args;
	const struct vp_rules *files;
	struct vp_nl_dev *devs;
	size_t dev_count;
	struct vp_table *before;
	struct vp_table *after;
	size_t changed;
};

/* apply_change.c */
int apply_look(struct apply *apply, struct vp_nl *nl);
void apply_free(struct apply *apply);
int apply_check_odds(const struct apply *apply);
int apply_devices(const struct apply *apply, bool done,
		  struct json_object *list);

/* apply_dry.c */
int apply_dry_run(const struct vp_args *args, const struct vp_rules *rules);

#endif /* VFIOPOLICY_APPLY_H */
