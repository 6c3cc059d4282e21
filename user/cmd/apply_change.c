// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vfiopolicy apply changes: the rules before and after, whether those after
 * can stand beside one another, and what it is to the devices.
 */
#include "apply.h"
#include "device.h"
#include "dryrun.h"
#include "output.h"

/**
 * apply_look() - which rules are there, and which are to be
 * @apply: the files; filled in; to be freed with apply_free(), also after an error
 * @nl: the connection to the module
 *
 * Return: 0, or -errno with the reason in the connection's error.
 */
int apply_look(struct apply *apply, struct vp_nl *nl)
{
	struct vp_nl_rule *rules = NULL;
	size_t count = 0;
	int ret;

	ret = vp_nl_rules(nl, &rules, &count);
	if (!ret)
		ret = vp_nl_devs(nl, &apply->devs, &apply->dev_count);
	if (!ret && (vp_table_of_module(rules, count, &apply->before) ||
		     vp_table_of_module(rules, count, &apply->after) ||
		     vp_table_replace(&apply->after, apply->files))) {
		ret = -ENOMEM;
		nl->error.errnum = ENOMEM;
		nl->error.told = false;
		snprintf(nl->error.text, sizeof(nl->error.text), "%s",
			 strerror(ENOMEM));
	}
	free(rules);
	return ret;
}

/**
 * apply_free() - forget it
 * @apply: what apply_look() filled in
 */
void apply_free(struct apply *apply)
{
	vp_policy_free(apply->before);
	vp_policy_free(apply->after);
	free(apply->devs);
}

/* Where a rule stands, in brackets; it may come from elsewhere than the files. */
static void print_place(const struct apply *apply, const struct vp_entry *entry,
			char *buf, size_t size)
{
	const struct vp_rules_entry *found;

	found = vp_rules_find(apply->files, entry->text);
	if (found)
		snprintf(buf, size, "%s, line %u",
			 vp_rules_path(apply->files, found), found->line);
	else
		snprintf(buf, size, "rule %u", entry->id);
}

/**
 * apply_check_odds() - can the rules stand beside one another
 * @apply: the rules
 *
 * Two of which one would never be heard are refused, and with them all, as the
 * module does, which knows nothing of files.
 *
 * Return: an exit status, after having said which cannot.
 */
int apply_check_odds(const struct apply *apply)
{
	char one_at[PATH_MAX + 32], other_at[PATH_MAX + 32];
	const struct vp_entry *one, *other = NULL;
	u32 i;

	for (i = 0; i < apply->after->count && !other; i++) {
		one = apply->after->entries[i];
		if (one->origin == VFIOPOLICY_ORIGIN_FILE)
			other = vp_policy_conflict(apply->after, one);
	}
	if (!other)
		return VP_EXIT_DONE;
	print_place(apply, one, one_at, sizeof(one_at));
	print_place(apply, other, other_at, sizeof(other_at));
	vp_out_error("apply: '%s' (%s) is at odds with '%s' (%s): %s",
		     one->text, one_at, other->text, other_at,
		     one->rule.name[0] &&
		     !strcmp(one->rule.name, other->rule.name) ?
		     "they have the same name" :
		     "they name the same devices by the same words");
	vp_out_error_more("Nothing was changed.");
	return VP_EXIT_KERNEL;
}

/**
 * apply_devices() - tell what it is to the devices
 * @apply: the rules
 * @done: they are in force; else they would be
 * @list: for programs: what is told is added to it
 *
 * Return: how many devices; -EBUSY when the module would refuse it; or another
 * -errno; after having said so.
 */
int apply_devices(const struct apply *apply, bool done,
		  struct json_object *list)
{
	struct vp_dry_change change = {
		.devs = apply->devs, .dev_count = apply->dev_count,
		.before = apply->before, .after = apply->after,
		.done = done, .what = "apply",
	};
	struct vp_host host;
	int ret;

	ret = vp_device_host(&host, NULL) ? -EIO : 0;
	if (!ret && apply->after->dsn)
		vp_host_read_dsn(&host, NULL);
	change.host = &host;
	if (!ret)
		ret = vp_dry_change(&change, list);
	vp_host_close(&host);
	return ret;
}
