// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of rules: looking up, and making the next table. Plain C, compiled
 * into the module and into user space; locking and publishing are the
 * caller's (rules.c).
 */
#include "policy.h"

/**
 * vp_policy_match() - the rule that has a say over a device
 * @table: the table
 * @facts: the device
 *
 * Context: any; @table must stay (RCU, or never published).
 * Return: the first entry that matches, or NULL.
 */
const struct vp_entry *vp_policy_match(const struct vp_table *table,
				       const struct vp_facts *facts)
{
	u32 i;

	for (i = 0; i < table->count; i++)
		if (vp_rule_match(&table->entries[i].rule, facts))
			return &table->entries[i];
	return NULL;
}

/**
 * vp_policy_find() - an entry by what it says and where it came from
 * @table: the table
 * @rule: what it says
 * @origin: where it came from
 *
 * Context: any; @table must stay.
 * Return: the entry, or NULL.
 */
const struct vp_entry *vp_policy_find(const struct vp_table *table,
				      const struct vp_rule *rule,
				      enum vfiopolicy_origin origin)
{
	u32 i;

	for (i = 0; i < table->count; i++)
		if (table->entries[i].origin == origin &&
		    vp_rule_same(&table->entries[i].rule, rule))
			return &table->entries[i];
	return NULL;
}

/**
 * vp_policy_find_id() - an entry by its number
 * @table: the table
 * @id: the number
 *
 * Context: any; @table must stay.
 * Return: the entry, or NULL.
 */
const struct vp_entry *vp_policy_find_id(const struct vp_table *table, u32 id)
{
	u32 low = 0, high = table->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (table->entries[mid].id == id)
			return &table->entries[mid];
		if (table->entries[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/**
 * vp_policy_conflict() - is there a rule that a new one could never win over
 * @table: the table
 * @rule: the rule to be added at the end
 *
 * Context: any; @table must stay.
 * Return: an entry that selects by the same words and wants something else,
 * or NULL.
 */
const struct vp_entry *vp_policy_conflict(const struct vp_table *table,
					  const struct vp_rule *rule)
{
	u32 i;

	for (i = 0; i < table->count; i++)
		if (table->entries[i].rule.action != rule->action &&
		    vp_rule_same_selectors(&table->entries[i].rule, rule))
			return &table->entries[i];
	return NULL;
}

static struct vp_table *alloc_table(u32 count)
{
	struct vp_table *table;

	return kvzalloc(sizeof(*table) + count * sizeof(table->entries[0]),
			GFP_KERNEL);
}

/**
 * vp_policy_with() - a table with one more rule at its end
 * @table: the table as it is; NULL is an empty one
 * @entry: the rule to be added; NULL adds none
 *
 * Context: may sleep.
 * Return: the new table, freed with kvfree(), or NULL when out of memory.
 */
struct vp_table *vp_policy_with(const struct vp_table *table,
				const struct vp_entry *entry)
{
	u32 count = table ? table->count : 0;
	struct vp_table *next = alloc_table(count + !!entry);

	if (!next)
		return NULL;
	if (count)
		memcpy(next->entries, table->entries,
		       count * sizeof(table->entries[0]));
	if (entry)
		next->entries[count] = *entry;
	next->count = count + !!entry;
	return next;
}

/**
 * vp_policy_without() - a table without some rules
 * @table: the table as it is
 * @rule: leave out every rule that says this; NULL to go by @id
 * @id: leave out the rule of this number
 *
 * Context: may sleep.
 * Return: the new table, freed with kvfree(), or NULL when out of memory.
 */
struct vp_table *vp_policy_without(const struct vp_table *table,
				   const struct vp_rule *rule, u32 id)
{
	struct vp_table *next = alloc_table(table->count);
	const struct vp_entry *entry;
	u32 i;

	if (!next)
		return NULL;
	for (i = 0; i < table->count; i++) {
		entry = &table->entries[i];
		if (rule ? vp_rule_same(&entry->rule, rule) : entry->id == id)
			continue;
		next->entries[next->count++] = *entry;
	}
	return next;
}
