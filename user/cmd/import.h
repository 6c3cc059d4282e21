/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of "vfiopolicy import" know of one another: a plan. */
#ifndef VFIOPOLICY_IMPORT_H
#define VFIOPOLICY_IMPORT_H

#include "claims.h"
#include "command.h"
#include "kernels.h"
#include "loader.h"
#include "resolve.h"
#include "rulearg.h"
#include "strip.h"
#include "table.h"

struct json_object;

/**
 * struct vp_import_rule - a rule that settings come to
 * @text: its canonical form
 * @comment: what goes above it in the file; empty for nothing
 * @rule: what it says
 * @devices: how many devices that are present it names
 * @by: the rule of the files that does it already; NULL when none does
 * @covered: the rule of the plan that does it; empty when none does
 * @saved: it was written to the file
 * @added: the module got it
 * @place: where it was written
 */
struct vp_import_rule {
	char text[VP_RULEARG_LEN];
	char comment[VP_RESOLVE_LEN];
	struct vp_rule rule;
	size_t devices;
	const struct vp_rules_entry *by;
	char covered[VP_RULEARG_LEN];
	bool saved;
	bool added;
	struct vp_rules_place place;
};

/**
 * struct vp_import_old - a setting that rules replace
 * @entry: the setting
 * @words: how many settings it is: those behind it belong to it
 * @stays: why it is to stay, for people; empty when it can go
 * @removed: it is gone
 */
struct vp_import_old {
	const struct vp_site_entry *entry;
	size_t words;
	char stays[VP_CLAIM_WHY];
	bool removed;
};

/**
 * struct vp_import - one run of the command
 * @args: the command line
 * @site: the settings of others
 * @host: the devices
 * @rules: the rule files
 * @table: their rules, as the module would have them
 * @kernels: the kernels
 * @loader: the boot loader
 * @claims: what @site claims
 * @plan: the rules
 * @count: number of @plan
 * @fresh: how many of them are to be added
 * @olds: the settings that they replace
 * @nolds: number of @olds
 * @goable: how many of them can go
 * @loaded: the module is there
 */
struct vp_import {
	const struct vp_args *args;
	struct vp_site site;
	struct vp_host host;
	struct vp_rules rules;
	struct vp_table *table;
	struct vp_kernels kernels;
	struct vp_loader loader;
	struct vp_claims claims;
	struct vp_import_rule *plan;
	size_t count;
	size_t fresh;
	struct vp_import_old *olds;
	size_t nolds;
	size_t goable;
	bool loaded;
};

/* Which rule does it already? NULL for none: then it is to be added. */
static inline const char *vp_import_covered(const struct vp_import_rule *one)
{
	if (one->by)
		return one->by->text;
	return one->covered[0] ? one->covered : NULL;
}

/* import_plan.c */
int vp_import_plan(struct vp_import *import);
size_t vp_import_devices(const struct vp_import *import,
			 const struct vp_claim *claim,
			 const struct vp_host_dev ***devs);
const struct vp_host_dev *vp_import_bridge(const struct vp_import *import,
					   const struct vp_claim *claim);

bool vp_import_will_be_ruled(const struct vp_import *import,
			     const struct vp_host_dev *dev);
struct vp_import_old *vp_import_add_old(struct vp_import *import,
					const struct vp_site_entry *entry);
__attribute__((format(printf, 2, 3)))
void vp_import_stay(struct vp_import_old *old, const char *fmt, ...);

/* import_blacklist.c */
int vp_import_blacklists(struct vp_import *import);

/* import_show.c */
void vp_import_show(const struct vp_import *import);
void vp_import_show_done(const struct vp_import *import);
struct json_object *vp_import_json(const struct vp_import *import);

/* import_safety.c */
int vp_import_check_uses(struct vp_import *import);

/* import_save.c */
int vp_import_check(struct vp_import *import);
int vp_import_save(struct vp_import *import);
int vp_import_remove(struct vp_import *import, bool dry);

#endif /* VFIOPOLICY_IMPORT_H */
