// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of one device that a rule names: making it, where it is wanted,
 * moving it from state to state, counting that, and telling others.
 */
#include <linux/iommu.h>
#include <linux/pci.h>

#include "compat/iommu.h"
#include "vfiopolicy.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

DEFINE_SPINLOCK(vp_lock);

/* Guarded by vp_lock. */
static struct vp_stats stats;

/**
 * vp_device_alloc() - a record that is not in the set yet
 * @pdev: the device, which the caller keeps from going away
 * @pf: its PF, which the caller keeps likewise, if it is a VF
 *
 * Context: may sleep.
 * Return: the record with one reference, or NULL when out of memory.
 */
struct vp_device *vp_device_alloc(struct pci_dev *pdev, struct pci_dev *pf)
{
	struct vp_device *rec = kzalloc(sizeof(*rec), GFP_KERNEL);

	if (!rec)
		return NULL;
	if (vp_override_init(&rec->override)) {
		kfree(rec);
		return NULL;
	}
	rec->pdev = pci_dev_get(pdev);
	rec->pf = pci_dev_get(pf);
	kref_init(&rec->ref);
	INIT_LIST_HEAD(&rec->node);
	INIT_LIST_HEAD(&rec->anchor);
	INIT_LIST_HEAD(&rec->handing);
	INIT_DELAYED_WORK(&rec->work, vp_handoff_work);
	vp_facts_read(pdev, pf, &rec->view.facts, true);
	strscpy(rec->view.address, pci_name(pdev), sizeof(rec->view.address));
	if (rec->pf)
		strscpy(rec->view.physfn, pci_name(rec->pf),
			sizeof(rec->view.physfn));
	rec->view.group = -1;
	rec->with_group = READ_ONCE(pdev->dev.iommu_group);
	return rec;
}

static void free_record(struct kref *ref)
{
	struct vp_device *rec = container_of(ref, struct vp_device, ref);

	if (rec->group)
		iommu_group_put(rec->group);
	vp_entry_put(rec->view.entry);
	vp_override_free(&rec->override);
	pci_dev_put(rec->pf);
	pci_dev_put(rec->pdev);
	kfree(rec);
}

/**
 * vp_device_get() - another reference on a record
 * @rec: the record, on which the caller has a reference or holds vp_lock
 *
 * Context: any.
 */
void vp_device_get(struct vp_device *rec)
{
	kref_get(&rec->ref);
}

/**
 * vp_device_put() - give a reference back
 * @rec: the record; may be freed here, and its device with it
 *
 * Context: may sleep; vp_lock not held.
 */
void vp_device_put(struct vp_device *rec)
{
	kref_put(&rec->ref, free_record);
}

/**
 * vp_device_is_enabled() - has its driver enabled a device for a user
 * @rec: its record
 *
 * More often than it was before its driver came: some native drivers leave theirs
 * enabled.
 *
 * Context: any; one atomic read.
 * Return: true when it has.
 */
bool vp_device_is_enabled(const struct vp_device *rec)
{
	return atomic_read(&rec->pdev->enable_cnt) > READ_ONCE(rec->enabled);
}

/**
 * vp_device_in_use() - does a user have a device open through its target
 * @rec: its record
 *
 * One atomic read: vfio enables the device when a user opens it. The kernel
 * tells nobody of that, so it is looked at when somebody asks.
 *
 * Context: vp_lock held.
 * Return: true when one has.
 */
bool vp_device_in_use(const struct vp_device *rec)
{
	lockdep_assert_held(&vp_lock);
	return rec->view.status.state == VFIOPOLICY_STATE_ISOLATED &&
	       vp_device_is_enabled(rec);
}

/**
 * vp_device_user_words() - why a device must stay with its target for now
 * @rec: its record
 *
 * A user has it open; or it is a PF with VFs, which go with its driver, which
 * waits for their users.
 *
 * Context: vp_lock held.
 * Return: a few words, or NULL when it need not.
 */
const char *vp_device_user_words(const struct vp_device *rec)
{
	if (vp_device_in_use(rec))
		return "a user has it open through vfio";
	if (rec->view.status.state == VFIOPOLICY_STATE_ISOLATED &&
	    pci_num_vf(rec->pdev))
		return "it has VFs";
	return NULL;
}

/**
 * vp_device_set_entry() - the rule that names a device, from now on
 * @rec: its record
 * @entry: the rule, of which the record takes a reference; or NULL
 * @fit: how it fits
 *
 * Context: vp_lock held.
 */
void vp_device_set_entry(struct vp_device *rec, struct vp_entry *entry,
			 enum vp_fit fit)
{
	struct vp_entry *old = rec->view.entry;

	lockdep_assert_held(&vp_lock);
	rec->view.entry = entry ? vp_entry_get(entry) : NULL;
	rec->view.fit = fit;
	/*
	 * Without a rule it may still be with the target of the last one; and
	 * which one is best does not change with the rest of a rule.
	 */
	if (entry && (!old || strcmp(old->rule.driver, entry->rule.driver) ||
		      !rec->view.target[0]))
		strscpy(rec->view.target, vp_target_by_rule(entry),
			sizeof(rec->view.target));
	vp_with_update_locked(rec);
	vp_entry_put(old);
}

/**
 * vp_device_want_by() - where a rule wants a device
 * @entry: the rule, or NULL when the host keeps the device
 * @fit: how it fits
 *
 * Context: any.
 * Return: stub, target, or the host's own drivers.
 */
enum vp_want vp_device_want_by(const struct vp_entry *entry, enum vp_fit fit)
{
	if (!entry)
		return VP_WANT_NATIVE;
	if (fit == VP_FIT_CHANGED)
		return entry->rule.changed_hold ? VP_WANT_STUB : VP_WANT_NOTICE;
	/* What is only held with another is not given away. */
	return fit == VP_FIT_WITH || entry->rule.action == VP_HOLD ?
	       VP_WANT_STUB : VP_WANT_TARGET;
}

/**
 * vp_device_want() - where the rules want a device
 * @rec: its record
 *
 * Context: vp_lock held.
 * Return: stub, target, or the host's own drivers.
 */
enum vp_want vp_device_want(const struct vp_device *rec)
{
	enum vp_want want = vp_device_want_by(rec->view.entry, rec->view.fit);

	lockdep_assert_held(&vp_lock);
	return want >= VP_WANT_STUB && rec->view.released ? VP_WANT_RELEASED :
							    want;
}

/**
 * vp_device_goes_home() - do the rules leave a device to the host
 * @rec: its record
 *
 * Context: vp_lock held.
 * Return: true when they do, known or not.
 */
bool vp_device_goes_home(const struct vp_device *rec)
{
	return vp_device_want(rec) < VP_WANT_STUB;
}

/**
 * vp_device_held_reason() - why a device that its rule keeps on the stub is there
 * @rec: its record
 *
 * Context: vp_lock held.
 * Return: the reason; none where the rule says hold.
 */
enum vfiopolicy_reason vp_device_held_reason(const struct vp_device *rec)
{
	lockdep_assert_held(&vp_lock);
	if (vp_device_want(rec) != VP_WANT_STUB)
		return VFIOPOLICY_REASON_NONE;
	if (rec->view.fit == VP_FIT_CHANGED)
		return VFIOPOLICY_REASON_CHANGED;
	return rec->view.fit == VP_FIT_WITH ? VFIOPOLICY_REASON_WITH :
					      VFIOPOLICY_REASON_NONE;
}

static void count(const struct vp_status *old, const struct vp_status *now)
{
	lockdep_assert_held(&vp_lock);
	if (now->reason && (!old->born || now->state != old->state ||
			    now->reason != old->reason))
		stats.stuck[now->reason]++;
	if (!old->born || now->state == old->state)
		return;
	switch (now->state) {
	case VFIOPOLICY_STATE_HELD:
		stats.claims += old->state == VFIOPOLICY_STATE_MATCHED;
		break;
	case VFIOPOLICY_STATE_ISOLATED:
		stats.hand_offs += old->state == VFIOPOLICY_STATE_HANDING_OFF;
		break;
	case VFIOPOLICY_STATE_RELEASED:
		stats.releases += old->state == VFIOPOLICY_STATE_RELEASING;
		break;
	case VFIOPOLICY_STATE_LOST:
		stats.lost++;
		break;
	default:
		break;
	}
}

/**
 * vp_device_count_take_over() - a driver has been unbound by request
 *
 * Context: takes vp_lock.
 */
void vp_device_count_take_over(void)
{
	spin_lock(&vp_lock);
	stats.take_overs++;
	spin_unlock(&vp_lock);
}

/**
 * vp_device_count_veto() - a driver has been kept from a device
 *
 * Context: vp_lock held.
 */
void vp_device_count_veto(void)
{
	lockdep_assert_held(&vp_lock);
	stats.vetoes++;
}

/**
 * vp_device_is_elsewhere() - is it with another target than its rule means now
 * @rec: its record
 *
 * Context: vp_lock held.
 * Return: true when it is isolated with another driver.
 */
bool vp_device_is_elsewhere(const struct vp_device *rec)
{
	lockdep_assert_held(&vp_lock);
	return rec->view.status.state == VFIOPOLICY_STATE_ISOLATED &&
	       strcmp(rec->view.driver, rec->view.target);
}

/**
 * vp_device_stats() - what has been counted since the module was loaded
 * @copy: where it goes
 *
 * Context: takes vp_lock.
 */
void vp_device_stats(struct vp_stats *copy)
{
	spin_lock(&vp_lock);
	*copy = stats;
	spin_unlock(&vp_lock);
}

static u32 rule_id(const struct vp_device *rec)
{
	return rec->view.entry ? rec->view.entry->id : 0;
}

/**
 * vp_device_tell() - send an event that says where a device is
 * @rec: its record
 * @old: where it was, or NULL when it has just been recorded
 *
 * Context: vp_lock held.
 */
void vp_device_tell(struct vp_device *rec, const struct vp_status *old)
{
	lockdep_assert_held(&vp_lock);
	rec->told_rule = rule_id(rec);
	vp_nl_dev_event(&rec->view, vp_device_in_use(rec), old);
}

/**
 * vp_device_tell_rule() - send an event if another rule names a device now
 * @rec: its record
 *
 * For a rule that changes nothing else; one at a time, by the device's work
 * item, since a new table may be of thousands.
 *
 * Context: takes vp_lock.
 */
void vp_device_tell_rule(struct vp_device *rec)
{
	spin_lock(&vp_lock);
	if (rec->linked && rec->told_rule != rule_id(rec))
		vp_device_tell(rec, &rec->view.status);
	spin_unlock(&vp_lock);
}

/* Is it with the host, or with whoever took it? */
static bool is_left(enum vfiopolicy_state state)
{
	return state == VFIOPOLICY_STATE_NATIVE ||
	       state == VFIOPOLICY_STATE_LOST;
}

/* Has it arrived, or is there something else in the way than a driver? */
static bool ends_take_over(enum vfiopolicy_state to,
			   enum vfiopolicy_reason reason)
{
	if (is_left(to))
		return reason != VFIOPOLICY_REASON_NATIVE_DRIVER &&
		       reason != VFIOPOLICY_REASON_FOREIGN_DRIVER &&
		       reason != VFIOPOLICY_REASON_TAKING_OVER;
	return to == VFIOPOLICY_STATE_HELD || to == VFIOPOLICY_STATE_ISOLATED;
}

/**
 * vp_device_move_locked() - move a device to another state
 * @rec: its record, which must be in the set
 * @to: the state
 * @reason: why
 *
 * The one place where a state changes: asks the table, and tells whoever
 * listens. A move that the table blocks is a bug of ours: it is reported, and
 * the device stays where it is.
 *
 * What is in the way of a take-over may have gone since it was looked at: for who
 * asked after that it does not count, but what the next look finds.
 *
 * Context: vp_lock held.
 */
void vp_device_move_locked(struct vp_device *rec, enum vfiopolicy_state to,
			   enum vfiopolicy_reason reason)
{
	struct vp_status old = rec->view.status;

	lockdep_assert_held(&vp_lock);
	if (rec->take_over && rec->asked_anew && is_left(to) &&
	    ends_take_over(to, reason))
		reason = VFIOPOLICY_REASON_TAKING_OVER;
	if (old.born && old.state == to && old.reason == reason)
		return;
	if (vp_state_move(&rec->view.status, to, reason)) {
		WARN(1, "%s: no way from %s to %s\n", rec->view.address,
		     vp_state_name(old.state), vp_state_name(to));
		return;
	}
	if (ends_take_over(to, reason))
		rec->take_over = false;
	if (to == VFIOPOLICY_STATE_RELEASED) {
		rec->view.claimed = false;
		rec->view.adopted = false;
		/* What the host's users write on it from here on is theirs. */
		rec->wrote[0] = '\0';
	}
	count(&old, &rec->view.status);
	trace_vfiopolicy_state(&rec->view, &old);
	vp_device_tell(rec, old.born ? &old : NULL);
}

/**
 * vp_device_move() - move a device to another state, unless it moved already
 * @rec: its record
 * @from: where it must be for this
 * @to: the state
 * @reason: why
 *
 * Context: takes vp_lock.
 * Return: true when it was in @from and is in @to now; false when it was
 * elsewhere or has left the set.
 */
bool vp_device_move(struct vp_device *rec, enum vfiopolicy_state from,
		    enum vfiopolicy_state to, enum vfiopolicy_reason reason)
{
	bool done;

	spin_lock(&vp_lock);
	done = rec->linked && rec->view.status.state == from;
	if (done)
		vp_device_move_locked(rec, to, reason);
	spin_unlock(&vp_lock);
	return done;
}

/**
 * vp_device_note_bound() - take down the driver and the group of a device
 * @rec: its record
 *
 * The group is only looked up while a driver has the device: then neither
 * that driver nor the group can go away, since removing the device needs
 * device_lock to take the driver from it first.
 *
 * Context: device_lock of the device held, in a probe perhaps by the task
 * that it is run for (pci_call_probe()), so it is not asserted here; takes
 * vp_lock.
 */
void vp_device_note_bound(struct vp_device *rec)
{
	struct device *dev = &rec->pdev->dev;
	bool first = false, isolated_msi;

	isolated_msi = dev->driver && vp_iommu_isolated_msi(dev);
	if (dev->driver && !rec->group) {
		rec->group = iommu_group_get(dev);
		first = rec->group;
	}
	/* On some platforms a device has none before its first probe. */
	if (rec->group)
		WRITE_ONCE(rec->with_group, rec->group);

	spin_lock(&vp_lock);
	strscpy(rec->view.driver, dev->driver ? dev->driver->name : "",
		sizeof(rec->view.driver));
	if (dev->driver)
		rec->isolated_msi = isolated_msi;
	if (rec->group)
		rec->view.group = iommu_group_id(rec->group);
	spin_unlock(&vp_lock);
	if (first)
		vp_group_first_seen();
}

