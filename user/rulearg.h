/* SPDX-License-Identifier: GPL-2.0-only */
/* A rule as a person types it, in one word or several. */
#ifndef VFIOPOLICY_RULEARG_H
#define VFIOPOLICY_RULEARG_H

#include "rule.h"

/* Room for the canonical form of every rule. */
#define VP_RULEARG_LEN	80

int vp_rulearg_parse(int nwords, char *const *words, struct vp_rule *rule);
const char *vp_rulearg_selectors(const char *canonical);
bool vp_rulearg_number(const char *word, u32 *id);

#endif /* VFIOPOLICY_RULEARG_H */
