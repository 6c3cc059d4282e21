// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU groups of the devices that rules name, with all their members: a
 * group can be given to a guest only when no member has a driver that does its
 * DMA as the host (iommu_group_claim_dma_owner() in drivers/iommu/iommu.c).
 *
 * Members that no rule names have no record, and a dump must not wait for a
 * lock that a slow device holds. So one work item makes a picture of all groups
 * and publishes it whole; a notification of any device in some group wakes it.
 * A group is known by the pointer that a device of it has, which is compared and
 * not followed: only the groups that records have references on are looked into.
 */
#include <linux/bsearch.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/sort.h>

#include "compat/iommu.h"
#include "vfiopolicy.h"

/* Changes come in swarms: one look for those of this time. */
#define LOOK_DELAY	(HZ / 50 ?: 1)
/* Until what got in the way may be over: at first, and at most. */
#define AGAIN_FIRST	(HZ / 4)
#define AGAIN_LAST	(8 * HZ)

/* All groups at one moment. Never changed once it is published. */
struct picture {
	struct rcu_head rcu;
	u32 generation;
	u32 group_count;
	u32 member_count;
	/* By number, and behind them by number and address. */
	struct vp_group *groups;
	struct vp_member members[];
};

static struct delayed_work look_work;
/* Both written by that work item alone. */
static struct picture __rcu *picture;
static unsigned long again_delay = AGAIN_FIRST;
/* There is a group to look into, until vp_group_stop(). Guarded by vp_lock. */
static bool watching;

/*
 * A group that is looked into: @rec keeps it. @remapped and @exposed: the
 * interrupts of some member are remapped, or are not.
 */
struct pin {
	const struct iommu_group *group;
	struct vp_device *rec;
	enum vfiopolicy_domain domain;
	bool remapped;
	bool exposed;
};

/* What the work item has together so far. @again: something got in its way. */
struct look {
	const struct picture *old;
	struct pin *pins;
	u32 pin_count;
	u32 pin_room;
	struct vp_member *members;
	u32 member_count;
	u32 member_room;
	bool again;
};

static int cmp_pin(const void *a, const void *b)
{
	const struct pin *x = a, *y = b;

	return x->group < y->group ? -1 : x->group > y->group;
}

static int cmp_member(const void *a, const void *b)
{
	const struct vp_member *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return strcmp(x->address, y->address);
}

static int cmp_group(const void *a, const void *b)
{
	const struct vp_group *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void pin_one(struct vp_device *rec, void *arg)
{
	struct look *look = arg;

	if (look->pin_count == look->pin_room) {
		look->again = true;
		return;
	}
	vp_device_get(rec);
	look->pins[look->pin_count].group = rec->group;
	look->pins[look->pin_count++].rec = rec;
}

static void unpin(struct look *look)
{
	while (look->pin_count)
		vp_device_put(look->pins[--look->pin_count].rec);
	kvfree(look->pins);
}

/* Return: false when out of memory. */
static bool pin(struct look *look)
{
	u32 i, kept = 0;

	/* Some more may come meanwhile. */
	look->pin_room = vp_device_count() + 16;
	look->pins = kvcalloc(look->pin_room, sizeof(*look->pins), GFP_KERNEL);
	if (!look->pins)
		return false;
	vp_device_pin_groups(pin_one, look);
	sort(look->pins, look->pin_count, sizeof(*look->pins), cmp_pin, NULL);
	for (i = 0; i < look->pin_count; i++) {
		if (kept && look->pins[kept - 1].group == look->pins[i].group)
			vp_device_put(look->pins[i].rec);
		else
			look->pins[kept++] = look->pins[i];
	}
	look->pin_count = kept;
	return true;
}

static struct pin *pin_of(struct look *look, struct device *dev)
{
	struct pin key = { .group = READ_ONCE(dev->iommu_group) };

	if (!key.group)
		return NULL;
	return bsearch(&key, look->pins, look->pin_count, sizeof(key), cmp_pin);
}

static const struct vp_member *find_old(const struct look *look,
					const struct vp_member *member)
{
	if (!look->old)
		return NULL;
	return bsearch(member, look->old->members, look->old->member_count,
		       sizeof(*member), cmp_member);
}

static int count_one(struct device *dev, void *arg)
{
	struct look *look = arg;

	look->member_room += !!pin_of(look, dev);
	return 0;
}

static void fill_msi(struct pin *pin, bool isolated)
{
	if (isolated)
		pin->remapped = true;
	else
		pin->exposed = true;
}

static void fill_driver(struct vp_member *member, struct pin *pin,
			struct device *dev)
{
	device_lock_assert(dev);
	member->bound = dev->driver;
	if (!dev->driver)
		return;
	strscpy(member->driver, dev->driver->name, sizeof(member->driver));
	member->blocks = !to_pci_driver(dev->driver)->driver_managed_dma;
	if (member->blocks && !pin->domain)
		pin->domain = vp_iommu_domain(dev);
	fill_msi(pin, vp_iommu_isolated_msi(dev));
}

/* With its target, as its record knows. Return: false when it is not. */
static bool fill_isolated(struct vp_member *member, struct pin *pin,
			  struct pci_dev *pdev)
{
	struct vp_device *rec = vp_device_find(pdev);
	bool isolated;

	if (!rec)
		return false;
	spin_lock(&vp_lock);
	isolated = rec->view.status.state == VFIOPOLICY_STATE_ISOLATED;
	if (isolated) {
		strscpy(member->driver, rec->view.driver,
			sizeof(member->driver));
		member->bound = READ_ONCE(pdev->dev.driver);
		fill_msi(pin, rec->isolated_msi);
	}
	spin_unlock(&vp_lock);
	vp_device_put(rec);
	return isolated;
}

/*
 * A device is locked only when its driver has changed, not when a user may have
 * it, and it is not waited for: a probe or a remove may hold the lock for ever,
 * and vfio does without a reset, or fails an open, when the lock is taken
 * (pci_try_reset_function()).
 * Context: as bus_for_each_dev() calls it: the device stays.
 */
static int fill_one(struct device *dev, void *arg)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	const struct vp_member *old;
	struct look *look = arg;
	struct vp_member *member;
	struct pin *pin;

	pin = pin_of(look, dev);
	if (!pin)
		return 0;
	if (look->member_count == look->member_room) {
		look->again = true;
		return 0;
	}
	member = &look->members[look->member_count++];
	member->group = iommu_group_id((struct iommu_group *)pin->group);
	strscpy(member->address, pci_name(pdev), sizeof(member->address));
	old = find_old(look, member);
	if (old && old->bound == READ_ONCE(dev->driver)) {
		*member = *old;
	} else if (fill_isolated(member, pin, pdev)) {
		/* Nothing of it blocks the group. */
	} else if (device_trylock(dev)) {
		fill_driver(member, pin, dev);
		device_unlock(dev);
	} else {
		/* It is getting another driver at this moment. */
		member->blocks = true;
		look->again = true;
	}
	/* Another device may have come to the address. */
	member->never = vp_claim_never_kind(pdev);
	return 0;
}

static const struct vp_group *find_group(const struct picture *pic, u32 id)
{
	const struct vp_group key = { .id = id };

	if (!pic)
		return NULL;
	return bsearch(&key, pic->groups, pic->group_count, sizeof(key),
		       cmp_group);
}

static void fill_group(struct vp_group *group, const struct pin *pin,
		       const struct picture *old)
{
	const struct vp_group *before;

	group->id = iommu_group_id((struct iommu_group *)pin->group);
	group->domain = pin->domain;
	group->isolated_msi = pin->remapped && !pin->exposed;
	before = find_group(old, group->id);
	if (!before)
		return;
	/* What was not seen anew is as it was. */
	if (!group->domain)
		group->domain = before->domain;
	if (!pin->remapped && !pin->exposed)
		group->isolated_msi = before->isolated_msi;
}

static void judge(struct vp_group *group, const struct vp_member *members)
{
	u32 i;

	for (i = 0; i < group->count; i++) {
		if (!members[i].blocks)
			continue;
		if (members[i].never)
			group->viability = VFIOPOLICY_VIABILITY_NEVER;
		else if (group->viability == VFIOPOLICY_VIABILITY_VIABLE)
			group->viability = VFIOPOLICY_VIABILITY_BLOCKED;
	}
}

/* Return: the new picture, or NULL when out of memory. */
static struct picture *paint(struct look *look)
{
	struct picture *new;
	u32 i, pos = 0;

	new = kvzalloc(struct_size(new, members, look->member_room) +
		       look->pin_count * sizeof(*new->groups), GFP_KERNEL);
	if (!new)
		return NULL;
	new->groups = (struct vp_group *)&new->members[look->member_room];
	look->members = new->members;
	bus_for_each_dev(&pci_bus_type, NULL, look, fill_one);

	new->member_count = look->member_count;
	sort(new->members, new->member_count, sizeof(*new->members), cmp_member,
	     NULL);
	new->group_count = look->pin_count;
	for (i = 0; i < new->group_count; i++)
		fill_group(&new->groups[i], &look->pins[i], look->old);
	sort(new->groups, new->group_count, sizeof(*new->groups), cmp_group,
	     NULL);
	for (i = 0; i < new->group_count; i++) {
		new->groups[i].first = pos;
		while (pos < new->member_count &&
		       new->members[pos].group == new->groups[i].id)
			pos++;
		new->groups[i].count = pos - new->groups[i].first;
		judge(&new->groups[i], &new->members[new->groups[i].first]);
	}
	return new;
}

static bool same(const struct picture *a, const struct picture *b)
{
	return a && a->group_count == b->group_count &&
	       a->member_count == b->member_count &&
	       !memcmp(a->groups, b->groups,
		       a->group_count * sizeof(*a->groups)) &&
	       !memcmp(a->members, b->members,
		       a->member_count * sizeof(*a->members));
}

static void look_after(unsigned long delay)
{
	if (!READ_ONCE(watching))
		return;
	spin_lock(&vp_lock);
	if (watching)
		vp_handoff_queue(&look_work, delay);
	spin_unlock(&vp_lock);
}

static void look_around(struct work_struct *work)
{
	struct look look = {};
	struct picture *old, *new = NULL;

	old = rcu_dereference_protected(picture, true);
	look.old = old;
	if (pin(&look)) {
		bus_for_each_dev(&pci_bus_type, NULL, &look, count_one);
		new = paint(&look);
	}
	unpin(&look);
	if (!new || look.again) {
		look_after(again_delay);
		again_delay = min(2 * again_delay, (unsigned long)AGAIN_LAST);
	} else {
		again_delay = AGAIN_FIRST;
	}
	if (!new)
		return;
	if (same(old, new)) {
		kvfree(new);
		return;
	}
	/* Neither 0, nor 1, which is that of none. */
	new->generation = old ? old->generation + 1 ?: 2 : 2;
	rcu_assign_pointer(picture, new);
	if (old)
		kvfree_rcu(old, rcu);
}

/**
 * vp_group_changed() - some device may have come to a group, or left it
 *
 * Context: takes vp_lock.
 */
void vp_group_changed(void)
{
	look_after(LOOK_DELAY);
}

/**
 * vp_group_first_seen() - a record has got its group
 *
 * Context: takes vp_lock.
 */
void vp_group_first_seen(void)
{
	spin_lock(&vp_lock);
	if (!vp_device_frozen())
		WRITE_ONCE(watching, true);
	spin_unlock(&vp_lock);
	vp_group_changed();
}

/**
 * vp_group_note() - hear what the bus says of a device
 * @dev: the device, whether or not a rule names it
 * @action: BUS_NOTIFY_*
 *
 * Context: in the notification; takes vp_lock.
 */
void vp_group_note(struct device *dev, unsigned long action)
{
	switch (action) {
	case BUS_NOTIFY_ADD_DEVICE:
	case BUS_NOTIFY_BOUND_DRIVER:
	case BUS_NOTIFY_UNBOUND_DRIVER:
		if (READ_ONCE(dev->iommu_group))
			vp_group_changed();
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		/* It has left its group, and the list of the bus, by now. */
		vp_group_changed();
		break;
	}
}

/**
 * vp_group_for_each() - show the groups, by number
 * @cursor: where to begin; moved behind the last group that @fn took
 * @generation: set to what tells this picture from others; never 0
 * @fn: called for each; must not sleep
 * @arg: handed on to @fn
 *
 * Context: any; RCU.
 * Return: 0 behind the last group, or what @fn returned.
 */
int vp_group_for_each(u32 *cursor, u32 *generation, vp_group_fn fn, void *arg)
{
	const struct picture *pic;
	int ret = 0;
	u32 i;

	rcu_read_lock();
	pic = rcu_dereference(picture);
	*generation = pic ? pic->generation : 1;
	for (i = 0; pic && i < pic->group_count; i++) {
		if (pic->groups[i].id < *cursor)
			continue;
		ret = fn(&pic->groups[i], &pic->members[pic->groups[i].first],
			 arg);
		if (ret)
			break;
		*cursor = pic->groups[i].id + 1;
	}
	rcu_read_unlock();
	return ret;
}

/**
 * vp_group_one() - show one group
 * @id: its number
 * @fn: called for it; must not sleep
 * @arg: handed on to @fn
 *
 * Context: any; RCU.
 * Return: what @fn returned, or -ENOENT.
 */
int vp_group_one(u32 id, vp_group_fn fn, void *arg)
{
	const struct vp_group *group;
	const struct picture *pic;
	int ret = -ENOENT;

	rcu_read_lock();
	pic = rcu_dereference(picture);
	group = find_group(pic, id);
	if (group)
		ret = fn(group, &pic->members[group->first], arg);
	rcu_read_unlock();
	return ret;
}

/**
 * vp_group_largest() - how many members a group may have
 *
 * Context: any; RCU.
 * Return: as many as the largest one has at this moment.
 */
u32 vp_group_largest(void)
{
	const struct picture *pic;
	u32 i, most = 0;

	rcu_read_lock();
	pic = rcu_dereference(picture);
	for (i = 0; pic && i < pic->group_count; i++)
		most = max(most, pic->groups[i].count);
	rcu_read_unlock();
	return most;
}

static int count_function(struct device *dev, void *arg)
{
	u32 *counts = arg;

	counts[0]++;
	counts[1] += !!READ_ONCE(dev->iommu_group);
	return 0;
}

/**
 * vp_group_count() - what this host has
 * @functions: set to the number of PCI functions
 * @in_group: set to how many of them are in an IOMMU group
 *
 * Context: may sleep; takes no lock that is held for long.
 */
void vp_group_count(u32 *functions, u32 *in_group)
{
	u32 counts[2] = {};

	bus_for_each_dev(&pci_bus_type, NULL, counts, count_function);
	*functions = counts[0];
	*in_group = counts[1];
}

/**
 * vp_group_start() - before the first record
 *
 * Context: module init.
 */
void vp_group_start(void)
{
	INIT_DELAYED_WORK(&look_work, look_around);
}

/**
 * vp_group_stop() - look no more
 *
 * Context: may sleep; after vp_device_freeze(), when no request comes any more,
 * before vp_handoff_stop().
 */
void vp_group_stop(void)
{
	spin_lock(&vp_lock);
	WRITE_ONCE(watching, false);
	spin_unlock(&vp_lock);
	cancel_delayed_work_sync(&look_work);
	kvfree(rcu_dereference_protected(picture, true));
}
