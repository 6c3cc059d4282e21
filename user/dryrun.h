/* SPDX-License-Identifier: GPL-2.0-only */
/* What --dry-run tells of a device: how it is now, and how it would be. */
#ifndef VFIOPOLICY_DRYRUN_H
#define VFIOPOLICY_DRYRUN_H

#include "forecast.h"

struct json_object;
struct vp_use;

/**
 * struct vp_dry_change - a change of rules that is only looked at
 * @host: the host
 * @devs: devices as the module has them
 * @dev_count: number of @devs
 * @before: the rules that are in force
 * @after: those that would be
 * @later: nothing is done before the next boot
 * @done: it was made just now; @devs are as they were before
 * @what: what was asked for
 */
struct vp_dry_change {
	const struct vp_host *host;
	const struct vp_nl_dev *devs;
	size_t dev_count;
	const struct vp_table *before;
	const struct vp_table *after;
	bool later;
	bool done;
	const char *what;
};

/**
 * struct vp_dry_dev - a device now and then
 * @dev: the device
 * @now: as the module has it; NULL when it has no record of it
 * @then: as the module would have it
 * @boot: as it would have it after the next boot
 */
struct vp_dry_dev {
	const struct vp_host_dev *dev;
	const struct vp_nl_dev *now;
	struct vp_nl_dev then;
	struct vp_nl_dev boot;
};

void vp_dry_look(const struct vp_host *host, const struct vp_table *table,
		 const struct vp_host_dev *dev, const struct vp_nl_dev *now,
		 bool asked, struct vp_dry_dev *dry);
void vp_dry_say(const struct vp_host *host, const struct vp_dry_dev *dry,
		bool later);
const char *vp_dry_use_word(const struct vp_use *use);
struct json_object *vp_dry_json(const struct vp_host *host,
				const struct vp_dry_dev *dry);
bool vp_dry_refuse_busy(const struct vp_host *host,
			const struct vp_dry_dev *dry, const char *what);
bool vp_dry_refuse_disabled(struct vp_nl *nl);
int vp_dry_change(const struct vp_dry_change *change, struct json_object *list);

#endif /* VFIOPOLICY_DRYRUN_H */
