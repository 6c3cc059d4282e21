/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of rules that the module has, or would have by the files. */
#ifndef VFIOPOLICY_TABLE_H
#define VFIOPOLICY_TABLE_H

#include "nl.h"
#include "policy.h"
#include "rules.h"

/* The number of a rule that the module has not given one yet. */
#define VP_TABLE_NEW	(~0u)

int vp_table_of_module(const struct vp_nl_rule *rules, size_t count,
		       struct vp_table **table);
void vp_table_say_bad(const struct vp_rules *rules);
int vp_table_of_files(const struct vp_rules *rules, struct vp_table **table);
int vp_table_add(struct vp_table **table, const struct vp_rule *rule, u32 id,
		 enum vfiopolicy_origin origin);
int vp_table_replace(struct vp_table **table, const struct vp_rules *rules);

#endif /* VFIOPOLICY_TABLE_H */
