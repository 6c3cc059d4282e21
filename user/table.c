// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a table of rules, the very same as the module's, to see what it would
 * make of a device: of the rules that the module tells, or of those in files.
 */
#include "output.h"
#include "table.h"

/* Entries on their way to a table. */
struct list {
	struct vp_entry **entries;
	u32 count;
};

static int make_room(struct list *list, size_t count)
{
	list->entries = calloc(count + 1, sizeof(struct vp_entry *));
	list->count = 0;
	return list->entries ? 0 : -ENOMEM;
}

static int keep(struct list *list, const struct vp_rule *rule, u32 id,
		enum vfiopolicy_origin origin)
{
	struct vp_entry *entry = vp_entry_new(rule, origin);

	if (!entry)
		return -ENOMEM;
	entry->id = id;
	list->entries[list->count++] = entry;
	return 0;
}

static void drop(struct list *list)
{
	while (list->count)
		vp_entry_put(list->entries[--list->count]);
	free(list->entries);
	list->entries = NULL;
}

/* Puts those of one origin into the table. */
static int replace(struct vp_table **table, const struct list *list,
		   enum vfiopolicy_origin origin)
{
	struct vp_entry **some;
	struct vp_table *next;
	u32 count = 0, i;

	some = calloc(list->count + 1, sizeof(struct vp_entry *));
	if (!some)
		return -ENOMEM;
	for (i = 0; i < list->count; i++)
		if (list->entries[i]->origin == origin)
			some[count++] = list->entries[i];
	next = vp_policy_replace(*table, origin, some, count);
	free(some);
	if (!next)
		return -ENOMEM;
	vp_policy_free(*table);
	*table = next;
	return 0;
}

static int build(const struct list *list, struct vp_table **table)
{
	static const enum vfiopolicy_origin origins[] = {
		VFIOPOLICY_ORIGIN_RUNTIME,
		VFIOPOLICY_ORIGIN_CMDLINE,
		VFIOPOLICY_ORIGIN_FILE,
	};
	int ret = 0;
	size_t i;

	*table = vp_policy_empty();
	if (!*table)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(origins) && !ret; i++)
		ret = replace(table, list, origins[i]);
	return ret;
}

/**
 * vp_table_of_module() - a table of the rules that the module has
 * @rules: the rules; what cannot be read is left out, after having said so
 * @count: number of @rules
 * @table: set to the table, to be freed with vp_policy_free(), also after an
 *         error
 *
 * Return: 0 or -ENOMEM.
 */
int vp_table_of_module(const struct vp_nl_rule *rules, size_t count,
		       struct vp_table **table)
{
	struct vp_error err;
	struct vp_rule rule;
	struct list list;
	size_t i;
	int ret;

	*table = NULL;
	ret = make_room(&list, count);
	for (i = 0; i < count && !ret; i++) {
		if (vp_rule_parse(rules[i].text, strlen(rules[i].text), &rule,
				  &err))
			vp_out_error("rule %u is one that this command does not understand, and is left out: %s",
				     rules[i].id, rules[i].text);
		else
			ret = keep(&list, &rule, rules[i].id, rules[i].origin);
	}
	if (!ret)
		ret = build(&list, table);
	drop(&list);
	return ret;
}

static int keep_files(struct list *list, const struct vp_rules *rules)
{
	const struct vp_rules_entry *entry;
	int ret = make_room(list, rules->count);
	size_t i;

	for (i = 0; i < rules->count && !ret; i++) {
		entry = &rules->entries[i];
		if (entry->text && !entry->duplicate)
			ret = keep(list, entry->rule, list->count + 1,
				   VFIOPOLICY_ORIGIN_FILE);
	}
	return ret;
}

/**
 * vp_table_say_bad() - say what of the files no table gets
 * @rules: the files
 */
void vp_table_say_bad(const struct vp_rules *rules)
{
	struct vp_rules_error error;
	size_t i;

	for (i = 0; i < rules->nfiles; i++)
		if (rules->files[i].refused)
			vp_out_error("%s", rules->files[i].refused);
	for (i = 0; i < rules->count; i++) {
		if (rules->entries[i].text)
			continue;
		vp_rules_describe(rules, &rules->entries[i], &error);
		vp_out_error("%s", error.text);
	}
}

/**
 * vp_table_of_files() - a table of the rules of the files alone
 * @rules: the files; what is no rule is left out
 * @table: as of vp_table_of_module()
 *
 * The rules are numbered as they stand.
 *
 * Return: 0 or -ENOMEM.
 */
int vp_table_of_files(const struct vp_rules *rules, struct vp_table **table)
{
	struct list list;
	int ret;

	*table = NULL;
	ret = keep_files(&list, rules);
	if (!ret)
		ret = build(&list, table);
	drop(&list);
	return ret;
}

/**
 * vp_table_add() - put one more rule into a table
 * @table: the table; replaced by another one
 * @rule: the rule
 * @id: its number
 * @origin: where it comes from
 *
 * Return: 0, also when it is there already; or -ENOMEM.
 */
int vp_table_add(struct vp_table **table, const struct vp_rule *rule, u32 id,
		 enum vfiopolicy_origin origin)
{
	struct vp_entry *entry = vp_entry_new(rule, origin);
	struct vp_table *next = NULL;

	if (!entry)
		return -ENOMEM;
	entry->id = id;
	if (!vp_policy_find(*table, entry)) {
		next = vp_policy_with(*table, entry);
		if (next) {
			vp_policy_free(*table);
			*table = next;
		}
	} else {
		next = *table;
	}
	vp_entry_put(entry);
	return next ? 0 : -ENOMEM;
}

/**
 * vp_table_replace() - make the rules of files those that stand there
 * @table: the table; replaced by another one
 * @rules: the files
 *
 * Rules that are in the table already keep their numbers.
 *
 * Return: 0 or -ENOMEM.
 */
int vp_table_replace(struct vp_table **table, const struct vp_rules *rules)
{
	const struct vp_entry *old;
	struct list list;
	u32 i;
	int ret;

	ret = keep_files(&list, rules);
	for (i = 0; i < list.count && !ret; i++) {
		old = vp_policy_find(*table, list.entries[i]);
		list.entries[i]->id = old ? old->id : VP_TABLE_NEW;
	}
	if (!ret)
		ret = replace(table, &list, VFIOPOLICY_ORIGIN_FILE);
	drop(&list);
	return ret;
}
