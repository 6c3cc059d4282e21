/* SPDX-License-Identifier: GPL-2.0-only */
/* What --dry-run tells of a device: how it is now, and how it would be. */
#ifndef VFIOPOLICY_DRYRUN_H
#define VFIOPOLICY_DRYRUN_H

#include "forecast.h"

struct json_object;

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
		 struct vp_dry_dev *dry);
bool vp_dry_same(const struct vp_dry_dev *a, const struct vp_dry_dev *b);
void vp_dry_say(const struct vp_host *host, const struct vp_dry_dev *dry,
		bool later);
struct json_object *vp_dry_json(const struct vp_host *host,
				const struct vp_dry_dev *dry);
bool vp_dry_refuse_busy(const struct vp_host *host,
			const struct vp_dry_dev *dry, const char *what);

#endif /* VFIOPOLICY_DRYRUN_H */
