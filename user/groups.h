/* SPDX-License-Identifier: GPL-2.0-only */
/* IOMMU groups: what can be given to a guest, and what stands in the way. */
#ifndef VFIOPOLICY_GROUPS_H
#define VFIOPOLICY_GROUPS_H

#include "nl.h"

/* Room for what is said of a group. */
#define VP_GROUPS_LEN	512

/**
 * struct vp_groups - the IOMMU groups of a host
 * @groups: the groups, by number
 * @count: number of @groups
 * @without: no group: the devices that have none, by address
 */
struct vp_groups {
	struct vp_nl_group *groups;
	size_t count;
	struct vp_nl_group without;
};

int vp_groups_read(const struct vp_host *host, struct vp_groups *groups);
void vp_groups_free(struct vp_groups *groups);
void vp_groups_take(struct vp_groups *groups, struct vp_nl_group *told,
		    size_t count);
const struct vp_nl_group *vp_groups_find(const struct vp_groups *groups,
					 u32 id);
void vp_groups_say(const struct vp_host *host, const struct vp_nl_group *group,
		   char *buf);
bool vp_groups_of_bridges(const struct vp_host *host,
			  const struct vp_nl_group *group);
void vp_groups_remedy(const struct vp_host *host, const struct vp_nl_group *group,
		      char *buf);
const char *vp_groups_viability_name(u32 viability);
const char *vp_groups_domain(const struct vp_host *host,
			     const struct vp_nl_group *group);

#endif /* VFIOPOLICY_GROUPS_H */
