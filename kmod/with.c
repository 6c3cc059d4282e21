// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is held together with a device that a rule names: with=slot, the other
 * functions of its slot; with=group, the other endpoints of its IOMMU group.
 * They are kept on the stub, so that no driver of the host's does DMA beside a
 * guest, or keeps the group from one. Bridges are passed over: they do not stand
 * in the way of a group (portdrv is driver_managed_dma).
 *
 * A rule that names a device itself comes first, one that leaves it to the host
 * too. What is held so stays held when the device that it is held with leaves the
 * bus: it goes home with the rule.
 */
#include <linux/pci.h>

#include "vfiopolicy.h"

/* The records that others are held with. Guarded by vp_lock. */
static LIST_HEAD(anchors);

static bool anchors_by(const struct vp_device *rec, enum vp_with with)
{
	lockdep_assert_held(&vp_lock);
	return !list_empty(&rec->anchor) && rec->view.entry->rule.with == with;
}

/**
 * vp_with_update_locked() - are others to be held with this device
 * @rec: its record, to which a rule has just been given or not
 *
 * Not with what can never be given away itself.
 *
 * Context: vp_lock held.
 */
void vp_with_update_locked(struct vp_device *rec)
{
	const struct vp_entry *entry = rec->view.entry;

	vp_with_forget_locked(rec);
	if (entry && rec->view.fit == VP_FIT_MATCH && entry->rule.with &&
	    !vp_claim_never_kind(rec->pdev))
		list_add(&rec->anchor, &anchors);
}

/**
 * vp_with_forget_locked() - no others are held with this device any more
 * @rec: its record
 *
 * Context: vp_lock held.
 */
void vp_with_forget_locked(struct vp_device *rec)
{
	lockdep_assert_held(&vp_lock);
	list_del_init(&rec->anchor);
}

/* The rule of a device that one is to be held with, or NULL. */
static struct vp_entry *find(const struct vp_facts *facts,
			     const struct iommu_group *group)
{
	const struct vp_device *rec;
	unsigned int fn;

	lockdep_assert_held(&vp_lock);
	/* By its number alone a VF is in some slot too, not by its nature. */
	for (fn = 0; fn < 8 && !facts->vf; fn++) {
		rec = vp_device_at_locked(facts->domain, facts->bus,
					  PCI_DEVFN(PCI_SLOT(facts->devfn), fn));
		if (rec && !rec->view.facts.vf && anchors_by(rec, VP_WITH_SLOT))
			return rec->view.entry;
	}
	list_for_each_entry(rec, &anchors, anchor)
		if (group && rec->with_group == group &&
		    anchors_by(rec, VP_WITH_GROUP))
			return rec->view.entry;
	return NULL;
}

/**
 * vp_with_match_locked() - the rule in force that has a say over a device
 * @facts: the device
 * @group: its IOMMU group, which is only compared, or NULL
 * @fit: set to how it fits
 *
 * Context: vp_lock held.
 * Return: its entry, good until vp_lock is released, or NULL.
 */
struct vp_entry *vp_with_match_locked(const struct vp_facts *facts,
				      const struct iommu_group *group,
				      enum vp_fit *fit)
{
	struct vp_entry *entry = vp_rules_match_locked(facts, fit);

	/* A leave rule names it: no entry, but not no fit. */
	if (entry || *fit != VP_FIT_NONE || !vp_rules_with())
		return entry;
	entry = find(facts, group);
	if (entry)
		*fit = VP_FIT_WITH;
	return entry;
}

/**
 * vp_with_keep_locked() - as vp_with_match_locked(), for one that has a record
 * @rec: the record, that no rule of @next names itself
 * @next: the table in force
 *
 * Context: vp_lock held.
 * Return: the rule that it is held with, or NULL.
 */
struct vp_entry *vp_with_keep_locked(const struct vp_device *rec,
				     const struct vp_table *next)
{
	struct vp_entry *entry = find(&rec->view.facts, rec->with_group);

	/* Its device may have left; the rule has not. */
	if (!entry && rec->view.fit == VP_FIT_WITH && rec->view.entry &&
	    vp_policy_has(next, rec->view.entry))
		entry = rec->view.entry;
	return entry;
}

/**
 * vp_with_want() - where the rules want a device that has no record
 * @pdev: the device, which the caller keeps from going away
 * @facts: what rules look at
 * @with: set when it is only to be held with another
 *
 * Context: takes vp_lock where a rule has with=.
 * Return: what they want at this moment.
 */
enum vp_want vp_with_want(struct pci_dev *pdev, const struct vp_facts *facts,
			  bool *with)
{
	enum vp_want want = vp_rules_want(facts);
	struct vp_entry *entry;
	enum vp_fit fit;

	*with = false;
	if (want != VP_WANT_NATIVE || !vp_rules_with())
		return want;
	spin_lock(&vp_lock);
	entry = vp_with_match_locked(facts, READ_ONCE(pdev->dev.iommu_group),
				     &fit);
	want = vp_device_want_by(entry, fit);
	*with = entry && fit == VP_FIT_WITH;
	spin_unlock(&vp_lock);
	return want;
}

/**
 * vp_with_of() - what else is to be held with a device
 * @pdev: the device
 *
 * Context: takes vp_lock where a rule has with=.
 * Return: by its rule; nothing where it has none.
 */
enum vp_with vp_with_of(struct pci_dev *pdev)
{
	enum vp_with with = VP_WITH_NONE;
	struct vp_device *rec;

	if (!vp_rules_with())
		return with;
	rec = vp_device_find(pdev);
	if (!rec)
		return with;
	spin_lock(&vp_lock);
	if (rec->view.entry && rec->view.fit == VP_FIT_MATCH)
		with = rec->view.entry->rule.with;
	spin_unlock(&vp_lock);
	vp_device_put(rec);
	return with;
}

/**
 * vp_with_beside() - does one device share with another what its rule means
 * @pdev: the device
 * @other: the other one
 * @with: what the rule of @pdev means
 *
 * Context: any; the caller keeps both.
 * Return: true when it does.
 */
bool vp_with_beside(struct pci_dev *pdev, struct pci_dev *other,
		    enum vp_with with)
{
	const struct iommu_group *group = READ_ONCE(pdev->dev.iommu_group);

	if (with == VP_WITH_SLOT)
		return other->bus == pdev->bus && !pdev->is_virtfn &&
		       !other->is_virtfn &&
		       PCI_SLOT(other->devfn) == PCI_SLOT(pdev->devfn);
	return group && READ_ONCE(other->dev.iommu_group) == group;
}
