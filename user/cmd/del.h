/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of vfiopolicy del know of one another. */
#ifndef VFIOPOLICY_DEL_H
#define VFIOPOLICY_DEL_H

#include "command.h"
#include "rulearg.h"
#include "table.h"
#include "watch.h"

/**
 * struct del - one run of the command
 * @args: the command line
 * @texts: canonical forms of the rules that are to go, each once
 * @edited: what became of each of them in the files
 * @count: number of @texts and of @edited
 * @what: what to call them
 * @host: the host
 * @nl: the connection to the module
 * @module: the module has answered
 * @rules: the rules that are there
 * @rule_count: number of @rules
 * @files: the rules that are saved
 * @refused: -errno, when the module would not delete them
 * @told: the module has deleted them
 * @several: the words that were looked at last are more than one rule
 * @meant: what those can be read as, the second time as they were typed
 */
struct del {
	const struct vp_args *args;
	char **texts;
	struct vp_rules_change *edited;
	size_t count;
	char what[VP_RULEARG_LEN + 2];
	struct vp_host host;
	struct vp_nl nl;
	bool module;
	struct vp_nl_rule *rules;
	size_t rule_count;
	struct vp_rules files;
	int refused;
	bool told;
	bool several;
	struct vp_rulearg meant[2];
};

static inline bool del_is_text(const struct del *del, const char *text)
{
	size_t i;

	for (i = 0; i < del->count; i++)
		if (!strcmp(del->texts[i], text))
			return true;
	return false;
}

static inline bool del_is_meant(const struct del *del,
				const struct vp_nl_rule *rule)
{
	return del_is_text(del, rule->text);
}

static inline bool del_is_meant_id(const struct del *del, u32 id)
{
	size_t i;

	for (i = 0; i < del->rule_count; i++)
		if (del->rules[i].id == id)
			return del_is_meant(del, &del->rules[i]);
	return false;
}

/* del.c */
int del_tables(const struct del *del, struct vp_table **before,
	       struct vp_table **after);

/* del_find.c */
int del_find(struct del *del);

/* del_many.c */
int del_many(struct del *del);
int del_put_back(struct del *del);

/* del_report.c */
void del_say_device(const struct vp_watch_dev *dev, void *arg);
int del_report(struct del *del, const struct vp_watch *watch, int left);

#endif /* VFIOPOLICY_DEL_H */
