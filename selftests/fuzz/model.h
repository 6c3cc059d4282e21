/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What policy.h says of tables, in the plainest way there is: a list in the
 * order in which rules were given, sorted when asked. Nothing of policy.c is
 * used but the entries themselves.
 */
#ifndef VFIOPOLICY_MODEL_H
#define VFIOPOLICY_MODEL_H

#include "policy.h"

#ifndef MODEL_MAX
#define MODEL_MAX	4096
#endif

/**
 * struct model - rules in the order in which they were given
 * @count: number of @entries
 * @entries: the rules
 */
struct model {
	u32 count;
	struct vp_entry *entries[MODEL_MAX];
};

/* The smaller, the earlier it is tried; what is alike is as given. */
static inline int model_turn(const struct vp_entry *entry)
{
	int turn = entry->rule.action == VP_LEAVE ? 0 : 10;

	switch (entry->origin) {
	case VFIOPOLICY_ORIGIN_RUNTIME:
		return turn;
	case VFIOPOLICY_ORIGIN_FILE:
		return turn + 1;
	default:
		return turn + 2;
	}
}

static inline void model_sort(const struct model *model,
			      struct vp_entry **sorted)
{
	u32 i, j;

	for (i = 0; i < model->count; i++) {
		struct vp_entry *entry = model->entries[i];

		for (j = i; j && model_turn(sorted[j - 1]) > model_turn(entry); j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = entry;
	}
}

/* What is there already is not added again. */
static inline void model_with(struct model *model, struct vp_entry *entry)
{
	u32 i;

	for (i = 0; i < model->count; i++)
		if (model->entries[i]->origin == entry->origin &&
		    !strcmp(model->entries[i]->text, entry->text))
			return;
	model->entries[model->count++] = entry;
}

/* By @text; by @id if that is NULL; by @origin if @id is 0 too. */
static inline void model_without(struct model *model, const char *text, u32 id,
				 enum vfiopolicy_origin origin)
{
	u32 kept = 0, i;

	for (i = 0; i < model->count; i++) {
		struct vp_entry *entry = model->entries[i];

		if (text ? strcmp(entry->text, text) != 0 :
		    id ? entry->id != id : entry->origin != origin)
			model->entries[kept++] = entry;
	}
	model->count = kept;
}

static inline struct vp_entry *model_match(const struct model *model,
					   const struct vp_facts *facts,
					   enum vp_fit *fit)
{
	struct vp_entry *sorted[MODEL_MAX], *changed = NULL;
	u32 i;

	model_sort(model, sorted);
	for (i = 0; i < model->count; i++) {
		const struct vp_rule *rule = &sorted[i]->rule;

		*fit = vp_match(rule, facts, NULL);
		if (*fit == VP_FIT_MATCH)
			return sorted[i];
		if (*fit == VP_FIT_CHANGED && rule->changed_hold)
			return sorted[i];
		if (*fit == VP_FIT_CHANGED && rule->action != VP_LEAVE && !changed)
			changed = sorted[i];
	}
	*fit = changed ? VP_FIT_CHANGED : VP_FIT_NONE;
	return changed;
}

#endif /* VFIOPOLICY_MODEL_H */
