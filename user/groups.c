// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU groups as sysfs shows them, in the terms of the module, which knows
 * better what its own groups are like: the kernel says nowhere whether a driver
 * does its DMA as the host, so without the module that goes by its name.
 */
#include "device.h"
#include "forecast.h"
#include "group.h"
#include "groups.h"
#include "sysfs.h"

/* Members that a sentence names. */
#define NAMED_MAX	3

static void add_member(const struct vp_host *host,
		       const struct vp_host_dev *dev, struct vp_nl_group *group)
{
	struct vp_nl_member *member = &group->members[group->count++];
	u32 worst = VFIOPOLICY_VIABILITY_VIABLE;

	memcpy(member->address, dev->address, sizeof(member->address));
	memcpy(member->driver, dev->driver, sizeof(member->driver));
	/* Variant drivers have names of their own. */
	member->blocks = vp_group_blocks(dev) &&
			 !vp_device_is_vfio(host, dev->address, dev->driver);
	member->never = vp_forecast_never(host, dev);
	if (member->blocks)
		worst = member->never ? VFIOPOLICY_VIABILITY_NEVER :
					VFIOPOLICY_VIABILITY_BLOCKED;
	if (worst > group->viability)
		group->viability = worst;
}

static struct vp_nl_group *find(struct vp_groups *groups, u32 id)
{
	size_t i;

	for (i = 0; i < groups->count; i++)
		if (groups->groups[i].id == id)
			return &groups->groups[i];
	return NULL;
}

static int by_id(const void *a, const void *b)
{
	const struct vp_nl_group *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* The group of a device, made if it is the first. Return: NULL: no memory. */
static struct vp_nl_group *group_of(const struct vp_host *host,
				    const struct vp_host_dev *dev,
				    struct vp_groups *groups)
{
	struct vp_nl_group *group = find(groups, (u32)dev->group);
	size_t i, count = 0;

	if (group)
		return group;
	group = &groups->groups[groups->count];
	for (i = 0; i < host->count; i++)
		count += host->devs[i].group == dev->group;
	memset(group, 0, sizeof(*group));
	group->members = calloc(count, sizeof(*group->members));
	if (!group->members)
		return NULL;
	groups->count++;
	group->id = (u32)dev->group;
	group->viability = VFIOPOLICY_VIABILITY_VIABLE;
	/* Nothing is known of it, so nothing is said against it. */
	group->isolated_msi = true;
	return group;
}

/* Nothing is shared with anybody by what has no group. */
static int read_without(const struct vp_host *host, struct vp_nl_group *group)
{
	size_t i;

	memset(group, 0, sizeof(*group));
	group->members = calloc(host->count + 1, sizeof(*group->members));
	if (!group->members)
		return -ENOMEM;
	for (i = 0; i < host->count; i++) {
		if (host->devs[i].group >= 0)
			continue;
		add_member(host, &host->devs[i], group);
		group->members[group->count - 1].blocks = false;
	}
	return 0;
}

/**
 * vp_groups_read() - the groups as sysfs shows them
 * @host: the host
 * @groups: filled in; to be freed with vp_groups_free(), also after an error
 *
 * Return: 0 or -ENOMEM.
 */
int vp_groups_read(const struct vp_host *host, struct vp_groups *groups)
{
	struct vp_nl_group *group;
	size_t i;

	groups->count = 0;
	groups->groups = calloc(host->count + 1, sizeof(*groups->groups));
	if (read_without(host, &groups->without) || !groups->groups)
		return -ENOMEM;
	for (i = 0; i < host->count; i++) {
		if (host->devs[i].group < 0)
			continue;
		group = group_of(host, &host->devs[i], groups);
		if (!group)
			return -ENOMEM;
		add_member(host, &host->devs[i], group);
	}
	qsort(groups->groups, groups->count, sizeof(*groups->groups), by_id);
	return 0;
}

/**
 * vp_groups_free() - forget groups
 * @groups: the groups
 */
void vp_groups_free(struct vp_groups *groups)
{
	vp_nl_groups_free(groups->groups, groups->count);
	vp_nl_group_free(&groups->without);
	memset(groups, 0, sizeof(*groups));
}

/**
 * vp_groups_take() - believe the module where it knows of a group
 * @groups: the groups
 * @told: what the module told; their members are taken from them
 * @count: number of @told
 *
 * A group that sysfs did not have is gone again, or new: next time.
 */
void vp_groups_take(struct vp_groups *groups, struct vp_nl_group *told,
		    size_t count)
{
	struct vp_nl_group *group;
	size_t i;

	for (i = 0; i < count; i++) {
		group = find(groups, told[i].id);
		if (!group)
			continue;
		vp_nl_group_free(group);
		*group = told[i];
		told[i].members = NULL;
		told[i].count = 0;
	}
}

/**
 * vp_groups_find() - the group of a number
 * @groups: the groups
 * @id: the number
 *
 * Return: the group, or NULL.
 */
const struct vp_nl_group *vp_groups_find(const struct vp_groups *groups, u32 id)
{
	struct vp_nl_group key = { .id = id };

	if (!groups->count)
		return NULL;
	return bsearch(&key, groups->groups, groups->count,
		       sizeof(key), by_id);
}

/* What a function that the host needs is to it. */
static const char *role(const struct vp_host *host,
			const struct vp_nl_member *member)
{
	const struct vp_host_dev *dev = vp_host_find(host, member->address);

	if (member->never == VFIOPOLICY_REASON_BOOT_VGA)
		return "the boot display";
	switch (dev ? dev->facts.class >> 8 : 0) {
	case 0x0600:
		return "the host's bridge to its processors";
	case 0x0601:
		return "the host's ISA bridge";
	default:
		return "a bridge, which the host needs for what is behind it";
	}
}

static bool is_bridge(const struct vp_host *host,
		      const struct vp_nl_member *member)
{
	const struct vp_host_dev *dev = vp_host_find(host, member->address);

	return dev && dev->bridge;
}

/**
 * vp_groups_of_bridges() - is there nothing in a group that anybody would give
 * @host: the host
 * @group: the group
 *
 * Return: true when its members are bridges, or have gone.
 */
bool vp_groups_of_bridges(const struct vp_host *host,
			  const struct vp_nl_group *group)
{
	size_t i;

	for (i = 0; i < group->count; i++)
		if (vp_host_find(host, group->members[i].address) &&
		    !is_bridge(host, &group->members[i]))
			return false;
	return true;
}

/* Is there one device, at @at, beside bridges? Then it is in nobody's way. */
static bool is_alone(const struct vp_host *host, const struct vp_nl_group *group,
		     size_t *at)
{
	size_t i, count = 0;

	for (i = 0; i < group->count; i++) {
		if (is_bridge(host, &group->members[i]) &&
		    !group->members[i].blocks)
			continue;
		*at = i;
		count++;
	}
	return count == 1;
}

static const char *driver_of(const struct vp_nl_member *member)
{
	return member->driver[0] ? member->driver : "its driver is changing";
}

/* It is like that with most groups of a host, and nothing is wrong with it. */
static size_t say_of_host(const struct vp_nl_member *member, char *buf)
{
	return scnprintf(buf, VP_GROUPS_LEN,
			 "with the host (%s); to give it: vfiopolicy add %s",
			 driver_of(member), member->address);
}

static size_t say_blockers(const struct vp_host *host,
			   const struct vp_nl_group *group, char *buf)
{
	size_t i, n, count = 0, at = 0;

	if (is_alone(host, group, &at) && group->members[at].blocks)
		return say_of_host(&group->members[at], buf);
	n = scnprintf(buf, VP_GROUPS_LEN, "blocked by ");
	for (i = 0; i < group->count; i++) {
		if (!group->members[i].blocks || count++ >= NAMED_MAX)
			continue;
		n += scnprintf(buf + n, VP_GROUPS_LEN - n, "%s%s (%s)",
			       count > 1 ? ", " : "", group->members[i].address,
			       driver_of(&group->members[i]));
	}
	if (count > NAMED_MAX)
		n += scnprintf(buf + n, VP_GROUPS_LEN - n, " and %zu more",
			       count - NAMED_MAX);
	return n;
}

static size_t say_never(const struct vp_host *host,
			const struct vp_nl_group *group, char *buf)
{
	size_t i;

	for (i = 0; i < group->count; i++)
		if (group->members[i].blocks && group->members[i].never)
			return scnprintf(buf, VP_GROUPS_LEN,
					 "can never be given: %s is %s (%s)",
					 group->members[i].address,
					 role(host, &group->members[i]),
					 group->members[i].driver);
	return scnprintf(buf, VP_GROUPS_LEN, "can never be given");
}

/**
 * vp_groups_say() - can a group be given to a guest, and if not, why
 * @host: the host
 * @group: the group
 * @buf: where to; %VP_GROUPS_LEN bytes
 *
 * Only another device blocks: what the host has in a group of its own is there
 * to be given.
 */
void vp_groups_say(const struct vp_host *host, const struct vp_nl_group *group,
		   char *buf)
{
	size_t n;

	switch (group->viability) {
	case VFIOPOLICY_VIABILITY_VIABLE:
		n = scnprintf(buf, VP_GROUPS_LEN, "viable");
		break;
	case VFIOPOLICY_VIABILITY_BLOCKED:
		n = say_blockers(host, group, buf);
		break;
	case VFIOPOLICY_VIABILITY_NEVER:
		n = say_never(host, group, buf);
		break;
	default:
		n = scnprintf(buf, VP_GROUPS_LEN,
			      "in a way that this command does not know");
		break;
	}
	if (!group->isolated_msi &&
	    group->viability != VFIOPOLICY_VIABILITY_NEVER)
		scnprintf(buf + n, VP_GROUPS_LEN - n,
			  "; its interrupts are not remapped, which vfio refuses unless told to be unsafe");
}

static bool is_in(const struct vp_nl_group *group, const char *address)
{
	size_t i;

	for (i = 0; i < group->count; i++)
		if (!strcmp(group->members[i].address, address))
			return true;
	return false;
}

/* How much of an address says the slot: all but the function. */
static size_t slot_len(const char *address)
{
	const char *dot = strrchr(address, '.');

	return dot ? (size_t)(dot - address) : strlen(address);
}

/*
 * Is a group what is in one slot, all of it, beside bridges? A graphics card with its
 * audio function is like that.
 */
static bool is_slot(const struct vp_host *host, const struct vp_nl_group *group,
		    const char *address)
{
	size_t i, len = slot_len(address);

	for (i = 0; i < group->count; i++)
		if (!is_bridge(host, &group->members[i]) &&
		    strncmp(group->members[i].address, address, len + 1) != 0)
			return false;
	/* VFs are not meant by a slot. */
	for (i = 0; i < host->count; i++)
		if (!strncmp(host->devs[i].address, address, len + 1) &&
		    (host->devs[i].facts.vf || !is_in(group, host->devs[i].address)))
			return false;
	return true;
}

/**
 * vp_groups_remedy() - what to type where other devices block a group
 * @host: the host
 * @group: the group
 * @buf: where to; %VP_GROUPS_LEN bytes; empty where there is nothing to say
 */
void vp_groups_remedy(const struct vp_host *host, const struct vp_nl_group *group,
		      char *buf)
{
	const char *address = "";
	bool given = false;
	size_t i = 0;

	buf[0] = '\0';
	if (group->viability != VFIOPOLICY_VIABILITY_BLOCKED ||
	    is_alone(host, group, &i))
		return;
	for (i = group->count; i-- > 0;) {
		if (group->members[i].blocks)
			address = group->members[i].address;
		else
			given |= !is_bridge(host, &group->members[i]);
	}
	if (given)
		scnprintf(buf, VP_GROUPS_LEN,
			  "to give it, too: vfiopolicy add %s; to hold it: vfiopolicy add hold %s",
			  address, address);
	else if (is_slot(host, group, address))
		scnprintf(buf, VP_GROUPS_LEN,
			  "to give all of it: vfiopolicy add '%.*s.*'",
			  (int)slot_len(address), address);
	else
		scnprintf(buf, VP_GROUPS_LEN,
			  "to give one of it and hold the others: vfiopolicy add DEVICE with=group");
}

/**
 * vp_groups_viability_name() - the name of a viability
 * @viability: an &enum vfiopolicy_viability
 *
 * Return: the one in the specification of the netlink family.
 */
const char *vp_groups_viability_name(u32 viability)
{
	static const char * const names[] = {
		[VFIOPOLICY_VIABILITY_VIABLE] = "viable",
		[VFIOPOLICY_VIABILITY_BLOCKED] = "blocked",
		[VFIOPOLICY_VIABILITY_NEVER] = "never",
	};

	return viability < ARRAY_SIZE(names) ? names[viability] : "unknown";
}

/**
 * vp_groups_domain() - what the host's own DMA goes through
 * @host: the host
 * @group: the group
 *
 * Return: "dma", "identity", or NULL where that is not known.
 */
const char *vp_groups_domain(const struct vp_host *host,
			     const struct vp_nl_group *group)
{
	char path[64], type[VP_SYSFS_LEN];

	if (group->domain == VFIOPOLICY_DOMAIN_DMA)
		return "dma";
	if (group->domain == VFIOPOLICY_DOMAIN_IDENTITY)
		return "identity";
	snprintf(path, sizeof(path), "kernel/iommu_groups/%u/type", group->id);
	vp_sysfs_read(host, path, type);
	if (!strncmp(type, "DMA", 3))
		return "dma";
	return !strcmp(type, "identity") ? "identity" : NULL;
}
