/* SPDX-License-Identifier: GPL-2.0-only */
/* Can the IOMMU group of a device be given to a guest, and if not, why. */
#ifndef VFIOPOLICY_GROUP_H
#define VFIOPOLICY_GROUP_H

#include "table.h"

/* Room for what vp_group_blocked() says. */
#define VP_GROUP_LEN	128

/**
 * struct vp_group - how it is with the group of a device
 * @viability: an &enum vfiopolicy_viability
 * @blocker: the first member that keeps it from a guest; NULL when none does
 * @blockers: how many do
 * @rule: the rule that leaves @blocker to the host; NULL when none says so
 * @with: what would hold all of them too; %VP_WITH_NONE when nothing would
 */
struct vp_group {
	u32 viability;
	const struct vp_host_dev *blocker;
	size_t blockers;
	const struct vp_entry *rule;
	enum vp_with with;
};

bool vp_group_blocks(const struct vp_host_dev *member);
bool vp_group_blocked(const char *sysfs, int group, const char *address,
		      char *buf, size_t size);
void vp_group_judge(const struct vp_host *host, const struct vp_table *table,
		    const struct vp_host_dev *dev, struct vp_group *group);

#endif /* VFIOPOLICY_GROUP_H */
