/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of rules. A table is never changed once it is built: adding,
 * deleting and replacing make a new one, so that whoever looks something up
 * sees all of the old table or all of the new one.
 *
 * Rules are tried in this order: first those that say leave, then the others;
 * among each, those given at runtime, then those of files, then those of the
 * module's parameters; among those of one origin, as they were given.
 */
#ifndef VFIOPOLICY_POLICY_H
#define VFIOPOLICY_POLICY_H

#include "match.h"

/**
 * struct vp_entry - a rule as tables have it; never changes but for @refs
 * @refs: one for each table that has it, one for each record that goes by it
 * @id: number of the rule, never used again
 * @origin: where it came from
 * @hash: of @text
 * @selectors_hash: of the part of @text that is selectors
 * @selectors_at: offset of that part
 * @selectors_len: its length
 * @device_hash: which chain of devices has it, if @chained
 * @chained: a chain of devices has it: it names one place, or exact ids
 * @elements: elements of that place; 0 when it is not by a place
 * @dsn: it asks for the serial number
 * @rule: what it says
 * @text: the same in its canonical form
 */
struct vp_entry {
	refcount_t refs;
	u32 id;
	enum vfiopolicy_origin origin;
	u32 hash;
	u32 selectors_hash;
	u16 selectors_at;
	u16 selectors_len;
	u32 device_hash;
	bool chained;
	u8 elements;
	bool dsn;
	struct vp_rule rule;
	char text[];
};

/**
 * struct vp_index - chains of rules, by a hash
 * @heads: rank of the first of each chain, or ~0
 * @next: by rank, the rank of the one behind it in its chain, or ~0
 */
struct vp_index {
	u32 *heads;
	u32 *next;
};

/**
 * struct vp_table - rules in the order in which they are tried
 * @rcu: for freeing a table that was published
 * @generation: for whoever publishes tables, to tell them apart
 * @count: number of @entries
 * @bits: every index has 2^bits chains
 * @lengths: bit n is set when a rule with a place of n elements is in a chain
 * @dsn: a rule asks for the serial number
 * @with: a rule holds others with the devices that it names
 * @others: rank of the first of the rules that no chain of @by_device can have
 * @hashes: by rank, the hash that @by_device has it by
 * @by_device: by the one place that a rule names, else by its exact ids
 * @by_selectors: by the text of the selectors
 * @by_name: by the name; the nameless are in none
 * @entries: the rules; their place here is their rank
 *
 * Chains of @by_device, and @others, ascend, so the first of a chain that
 * matches is the best of it.
 */
struct vp_table {
	struct rcu_head rcu;
	u32 generation;
	u32 count;
	u32 bits;
	u32 lengths;
	bool dsn;
	bool with;
	u32 others;
	u32 *hashes;
	struct vp_index by_device;
	struct vp_index by_selectors;
	struct vp_index by_name;
	struct vp_entry *entries[];
};

struct vp_entry *vp_entry_new(const struct vp_rule *rule,
			      enum vfiopolicy_origin origin);
struct vp_entry *vp_entry_get(struct vp_entry *entry);
void vp_entry_put(struct vp_entry *entry);

struct vp_table *vp_policy_empty(void);
struct vp_table *vp_policy_with(const struct vp_table *table,
				struct vp_entry *entry);
struct vp_table *vp_policy_without(const struct vp_table *table,
				   const char *text, u32 id);
struct vp_table *vp_policy_replace(const struct vp_table *table,
				   enum vfiopolicy_origin origin,
				   struct vp_entry *const *entries, u32 count);
void vp_policy_free(struct vp_table *table);

struct vp_entry *vp_policy_match(const struct vp_table *table,
				 const struct vp_facts *facts,
				 enum vp_fit *fit);
struct vp_entry *vp_policy_find(const struct vp_table *table,
				const struct vp_entry *like);
struct vp_entry *vp_policy_find_id(const struct vp_table *table, u32 id);
bool vp_policy_has(const struct vp_table *table, const struct vp_entry *entry);
const struct vp_entry *vp_policy_conflict(const struct vp_table *table,
					  const struct vp_entry *entry);
const struct vp_entry *vp_policy_conflict_before(const struct vp_table *table,
						 const struct vp_entry *entry);

#endif /* VFIOPOLICY_POLICY_H */
