/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of rules. A table is never changed once it is built: adding and
 * deleting make a new one, so that whoever looks something up sees all of the
 * old table or all of the new one.
 */
#ifndef VFIOPOLICY_POLICY_H
#define VFIOPOLICY_POLICY_H

#include "rule.h"
#include "include/uapi/linux/vfiopolicy.h"

/**
 * struct vp_entry - a rule in its table
 * @id: number of the rule, never used again
 * @origin: where it came from
 * @rule: what it says
 */
struct vp_entry {
	u32 id;
	enum vfiopolicy_origin origin;
	struct vp_rule rule;
};

/**
 * struct vp_table - rules in the order in which they are tried
 * @rcu: for freeing a table that was published
 * @count: number of @entries
 * @entries: the rules, by ascending id
 */
struct vp_table {
	struct rcu_head rcu;
	u32 count;
	struct vp_entry entries[];
};

const struct vp_entry *vp_policy_match(const struct vp_table *table,
				       const struct vp_facts *facts);
const struct vp_entry *vp_policy_find(const struct vp_table *table,
				      const struct vp_rule *rule,
				      enum vfiopolicy_origin origin);
const struct vp_entry *vp_policy_find_id(const struct vp_table *table, u32 id);
const struct vp_entry *vp_policy_conflict(const struct vp_table *table,
					  const struct vp_rule *rule);
struct vp_table *vp_policy_with(const struct vp_table *table,
				const struct vp_entry *entry);
struct vp_table *vp_policy_without(const struct vp_table *table,
				   const struct vp_rule *rule, u32 id);

#endif /* VFIOPOLICY_POLICY_H */
