/* SPDX-License-Identifier: GPL-2.0-only */
/* A rule as a person types it, in one word or several. */
#ifndef VFIOPOLICY_RULEARG_H
#define VFIOPOLICY_RULEARG_H

#include "host.h"

/* Room for the canonical form of every rule. */
#define VP_RULEARG_LEN	(VFIOPOLICY_RULE_LEN_MAX + 1)

/**
 * struct vp_rulearg - what words say
 * @rule: the rule
 * @text: its canonical form
 * @placed: addresses in it have become places
 * @typed: the rule with those addresses; the same as @rule without any
 * @dev: the device that was named by what it is called; NULL when none was
 * @pf: likewise the PF of vfs-of=
 * @action: they begin with what is to be done, which is vfio where they do not
 */
struct vp_rulearg {
	struct vp_rule rule;
	char text[VP_RULEARG_LEN];
	bool placed;
	struct vp_rule typed;
	const struct vp_host_dev *dev;
	const struct vp_host_dev *pf;
	bool action;
};

int vp_rulearg_parse(const struct vp_host *host, int nwords, char *const *words,
		     struct vp_rulearg *arg);
int vp_rulearg_try(const struct vp_host *host, int nwords, char *const *words,
		   struct vp_rulearg *arg);
bool vp_rulearg_has_place(const struct vp_rule *rule);
const char *vp_rulearg_selectors(const char *canonical);
bool vp_rulearg_number(const char *word, u32 *id);

#endif /* VFIOPOLICY_RULEARG_H */
