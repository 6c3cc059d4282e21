// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest gets all of an IOMMU group or nothing of it: as long as one member has
 * a driver that does its DMA as the host, vfio gives none of them away
 * (iommu_group_claim_dma_owner() in drivers/iommu/iommu.c). This is about what
 * rules would make of a group; what the module says of it is how it is now. So is
 * what vp_group_blocked() finds, for who has not asked it.
 */
#include "forecast.h"
#include "group.h"
#include "peek.h"

/* Drivers that leave DMA to others: driver_managed_dma of the kernel's. */
static const char * const harmless[] = { "pcieport", "pci-stub", "vfiopolicy" };

static bool does_dma(const char *driver)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(harmless); i++)
		if (!strcmp(driver, harmless[i]))
			return false;
	return driver[0] && !strstr(driver, "vfio");
}

/**
 * vp_group_blocks() - does a member keep its group from guests
 * @member: the member
 *
 * Bridges do not, by the driver that they have; nor does what has no driver, or
 * one of vfio's.
 *
 * Return: true when it does, with the driver that it has now.
 */
bool vp_group_blocks(const struct vp_host_dev *member)
{
	return does_dma(member->driver);
}

/**
 * vp_group_blocked() - does another member keep a group from guests as it is now
 * @sysfs: where sysfs is
 * @group: number of the group; -1 for none, which nothing blocks
 * @address: the device that is to be given
 * @buf: set to the first member that does, its driver, and how many more there are
 * @size: room in @buf
 *
 * Looks at nothing but the group.
 *
 * Return: true when one does.
 */
bool vp_group_blocked(const char *sysfs, int group, const char *address,
		      char *buf, size_t size)
{
	char dir[64], target[VP_PEEK_LEN];
	struct dirent **names = NULL;
	const char *name, *driver;
	int count = 0, i;
	size_t more = 0;

	buf[0] = '\0';
	snprintf(dir, sizeof(dir), "kernel/iommu_groups/%d/devices", group);
	if (group >= 0)
		count = vp_peek_list(&names, "%s/%s", sysfs, dir);
	for (i = 0; i < count; i++) {
		name = names[i]->d_name;
		if (!strcmp(name, address) ||
		    !vp_peek_link(target, sizeof(target), "%s/%s/%s/driver",
				  sysfs, dir, name))
			continue;
		driver = vp_peek_base(target);
		/* Variant drivers have names of their own. */
		if (!does_dma(driver) ||
		    vp_peek_exists("%s/%s/%s/vfio-dev", sysfs, dir, name))
			continue;
		if (!buf[0])
			snprintf(buf, size, "%.31s (%.31s)", name, driver);
		else
			more++;
	}
	if (more)
		vp_peek_append(buf, size, " and %zu more", more);
	vp_peek_free(names, count);
	return buf[0];
}

/* Would with=slot of @dev hold @member? */
static bool is_beside(const struct vp_facts *dev, const struct vp_facts *member)
{
	return !dev->vf && !member->vf && dev->domain == member->domain &&
	       dev->bus == member->bus && dev->devfn >> 3 == member->devfn >> 3;
}

static void take_blocker(const struct vp_host *host,
			 const struct vp_host_dev *dev,
			 const struct vp_host_dev *member,
			 const struct vp_entry *leave, struct vp_group *group)
{
	bool never = vp_forecast_never(host, member);

	/* The one that can never be taken is the one to be told. */
	if (!group->blockers++ ||
	    (never && group->viability != VFIOPOLICY_VIABILITY_NEVER)) {
		group->blocker = member;
		group->rule = leave;
	}
	if (never)
		group->viability = VFIOPOLICY_VIABILITY_NEVER;
	else if (group->viability == VFIOPOLICY_VIABILITY_VIABLE)
		group->viability = VFIOPOLICY_VIABILITY_BLOCKED;
	/* Neither holds what another rule leaves to the host. */
	if (never || leave)
		group->with = VP_WITH_NONE;
	else if (group->with == VP_WITH_SLOT &&
		 !is_beside(&dev->facts, &member->facts))
		group->with = VP_WITH_GROUP;
}

/**
 * vp_group_judge() - can the group of a device be given to a guest
 * @host: the host
 * @table: the rules that would be in force
 * @dev: the device; it is not asked what becomes of itself
 * @group: filled in; that of a device without a group is viable
 *
 * Drivers that members have now count, unless a rule takes the member from them,
 * be it only at the next boot.
 */
void vp_group_judge(const struct vp_host *host, const struct vp_table *table,
		    const struct vp_host_dev *dev, struct vp_group *group)
{
	const struct vp_host_dev *member;
	const struct vp_entry *entry;
	struct vp_nl_dev then;
	enum vp_fit fit;
	size_t i;

	*group = (struct vp_group) {
		.viability = VFIOPOLICY_VIABILITY_VIABLE,
		.with = VP_WITH_SLOT,
	};
	for (i = 0; i < host->count && dev->group >= 0; i++) {
		member = &host->devs[i];
		if (member == dev || member->group != dev->group ||
		    !vp_group_blocks(member))
			continue;
		vp_forecast(host, table, member, NULL, VP_WHEN_BOOT, &then);
		if (vp_forecast_takes(&then))
			continue;
		entry = vp_forecast_entry(host, table, member, &fit);
		take_blocker(host, dev, member,
			     entry && entry->rule.action == VP_LEAVE ? entry :
								       NULL,
			     group);
	}
	if (!group->blockers)
		group->with = VP_WITH_NONE;
}
