// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several rules deleted from the module, all or none. Those of files go in one step,
 * as apply has it; where others are among them, each of these is a step of its own,
 * and what was done is undone when one is refused.
 */
#include "del.h"

static int fail_busy(struct del *del, const char *address)
{
	del->nl.error.errnum = EBUSY;
	snprintf(del->nl.error.text, sizeof(del->nl.error.text),
		 "%s is in use", address);
	return -EBUSY;
}

/* What would stop the second step is better known before the first. */
static int check_users(struct del *del)
{
	struct vp_nl_dev *devs;
	size_t count, i;
	int ret;

	ret = vp_nl_devs(&del->nl, &devs, &count);
	for (i = 0; !ret && i < count; i++)
		if (devs[i].in_use &&
		    devs[i].state == VFIOPOLICY_STATE_ISOLATED &&
		    del_is_meant_id(del, devs[i].rule))
			ret = fail_busy(del, devs[i].address);
	free(devs);
	return ret;
}

/* How many of them has the module from elsewhere than from files? */
static size_t count_others(const struct del *del)
{
	size_t i, n = 0;

	for (i = 0; i < del->rule_count; i++)
		n += del->rules[i].origin != VFIOPOLICY_ORIGIN_FILE &&
		     del_is_meant(del, &del->rules[i]);
	return n;
}

/* Makes the rules of files what they were, or those without what is to go. */
static int replace(struct del *del, bool all)
{
	struct vp_nl_replaced replaced;
	const char **texts;
	size_t i, n = 0;
	int ret;

	texts = calloc(del->rule_count + 1, sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	for (i = 0; i < del->rule_count; i++)
		if (del->rules[i].origin == VFIOPOLICY_ORIGIN_FILE &&
		    (all || !del_is_meant(del, &del->rules[i])))
			texts[n++] = del->rules[i].text;
	ret = vp_nl_rule_replace(&del->nl, VFIOPOLICY_ORIGIN_FILE, texts, n,
				 &replaced);
	free(texts);
	return ret;
}

static bool is_there(const struct vp_nl_rule *rules, size_t count, u32 id)
{
	size_t i;

	for (i = 0; i < count && rules[i].id != id; i++)
		;
	return i < count;
}

/**
 * del_put_back() - the module is to have the rules again
 * @del: the run
 *
 * Rules of the module's parameters come back as if they had been added at run time.
 * Why the deletion failed is still told by the connection's error.
 *
 * Return: 0, or -errno when not all of them are there again.
 */
int del_put_back(struct del *del)
{
	const struct vp_nl_error error = del->nl.error;
	struct vp_nl_rule *now = NULL, rule;
	size_t count = 0, i;
	int ret;

	ret = vp_nl_rules(&del->nl, &now, &count);
	if (!ret)
		ret = replace(del, true);
	for (i = 0; !ret && i < del->rule_count; i++)
		if (del->rules[i].origin != VFIOPOLICY_ORIGIN_FILE &&
		    del_is_meant(del, &del->rules[i]) &&
		    !is_there(now, count, del->rules[i].id))
			ret = vp_nl_rule_add(&del->nl, del->rules[i].text,
					     VFIOPOLICY_ORIGIN_RUNTIME, &rule);
	free(now);
	del->nl.error = error;
	return ret;
}

static int del_by_id(struct del *del, u32 id)
{
	int ret = vp_nl_rule_del(&del->nl, id, NULL);

	/* Somebody else has just done it. */
	return ret == -ENOENT ? 0 : ret;
}

/**
 * del_many() - delete several rules from the module
 * @del: the run
 *
 * Return: 0; or -errno, with the reason in the connection's error: then all of them
 * are there.
 */
int del_many(struct del *del)
{
	size_t i;
	int ret = count_others(del) ? check_users(del) : 0;

	if (!ret)
		ret = replace(del, false);
	if (ret)
		return ret;
	for (i = 0; i < del->rule_count && !ret; i++)
		if (del->rules[i].origin != VFIOPOLICY_ORIGIN_FILE &&
		    del_is_meant(del, &del->rules[i]))
			ret = del_by_id(del, del->rules[i].id);
	if (ret)
		del_put_back(del);
	return ret;
}
