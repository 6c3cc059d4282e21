// SPDX-License-Identifier: GPL-2.0-only
/*
 * What rules ask for by their options and this host cannot do. Rules that were
 * written by hand were never asked about it.
 */
#include "check.h"
#include "wishes.h"

static void say(struct vp_check *check, const struct vp_rules_entry *entry,
		const char *id, const char *remedy, const char *text)
{
	vp_check_say(check, VP_CHECK_WARN, id, remedy, "%s, line %u: %s",
		     vp_rules_path(&check->rules, entry), entry->line, text);
}

static void check_vfs(struct vp_check *check, const struct vp_rules_entry *entry)
{
	const struct vp_host *host = &check->host;
	char text[VP_WISH_LEN], first[VP_WISH_LEN] = "";
	bool fine = false;
	size_t i;

	for (i = 0; i < host->count && !fine; i++) {
		if (vp_match(entry->rule, &host->devs[i].facts, NULL) !=
		    VP_FIT_MATCH)
			continue;
		fine = vp_wish_vfs(host, &host->devs[i], entry->rule->num_vfs,
				   text) == VP_WISH_FINE;
		if (!first[0])
			memcpy(first, text, sizeof(first));
	}
	if (!fine && first[0])
		say(check, entry, "rule-vfs", "say as many as it can have", first);
}

/**
 * vp_check_wishes() - look at what rules ask for by their options
 * @check: where findings go
 */
void vp_check_wishes(struct vp_check *check)
{
	const char *driver = "vfio-pci";
	const struct vp_rules_entry *entry;
	char text[VP_WISH_LEN];
	size_t i;
	uid_t uid;
	gid_t gid;

	for (i = 0; i < check->rules.count; i++) {
		entry = &check->rules.entries[i];
		if (!entry->text || entry->duplicate)
			continue;
		if (entry->rule->owner[0] &&
		    vp_wish_owner(entry->rule->owner, &uid, &gid, text) ==
		    VP_WISH_WRONG)
			say(check, entry, "rule-owner",
			    "until there is, root alone can open what the rule isolates",
			    text);
		if (entry->rule->num_vfs)
			check_vfs(check, entry);
		/* Often the same, and long to look up. */
		if (!entry->rule->driver[0] || !strcmp(entry->rule->driver, driver))
			continue;
		driver = entry->rule->driver;
		if (vp_wish_driver(&check->host, driver, text) != VP_WISH_FINE)
			say(check, entry, "rule-driver",
			    "without driver= it is vfio-pci", text);
	}
}
