// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of each device that a rule names: making it, looking it up,
 * moving it from state to state, and telling others what is in it.
 */
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "vfiopolicy.h"

DEFINE_SPINLOCK(vp_lock);

/* All three guarded by vp_lock. The list is in the order of generations. */
static LIST_HEAD(records);
static DEFINE_HASHTABLE(by_address, 10);
static u32 record_count;
static u32 last_generation;
/* Set once, on the way out: no new record, no new work. Guarded by vp_lock. */
static bool frozen;

static u32 address_key(struct pci_dev *pdev)
{
	return pci_domain_nr(pdev->bus) << 16 ^ pci_dev_id(pdev);
}

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
	mutex_init(&rec->override_lock);
	INIT_DELAYED_WORK(&rec->work, vp_handoff_work);
	vp_facts_read(pdev, pf, &rec->view.facts, true);
	strscpy(rec->view.address, pci_name(pdev), sizeof(rec->view.address));
	if (rec->pf)
		strscpy(rec->view.physfn, pci_name(rec->pf),
			sizeof(rec->view.physfn));
	rec->view.group = -1;
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
	mutex_destroy(&rec->override_lock);
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

static struct vp_device *find_locked(struct pci_dev *pdev)
{
	struct vp_device *rec;

	lockdep_assert_held(&vp_lock);
	hash_for_each_possible(by_address, rec, hash, address_key(pdev))
		if (rec->pdev == pdev)
			return rec;
	return NULL;
}

/**
 * vp_device_find() - the record of a device
 * @pdev: the device, which the caller keeps from going away
 *
 * Context: takes vp_lock.
 * Return: the record with a reference for the caller, or NULL.
 */
struct vp_device *vp_device_find(struct pci_dev *pdev)
{
	struct vp_device *rec;

	spin_lock(&vp_lock);
	rec = find_locked(pdev);
	if (rec)
		vp_device_get(rec);
	spin_unlock(&vp_lock);
	return rec;
}

static bool in_use(const struct vp_device *rec)
{
	/* One atomic read: vfio enables the device when a user opens it. */
	return rec->view.status.state == VFIOPOLICY_STATE_ISOLATED &&
	       pci_is_enabled(rec->pdev);
}

static void set_entry(struct vp_device *rec, struct vp_entry *entry,
		      enum vp_fit fit)
{
	struct vp_entry *old = rec->view.entry;

	lockdep_assert_held(&vp_lock);
	rec->view.entry = entry ? vp_entry_get(entry) : NULL;
	rec->view.fit = fit;
	vp_entry_put(old);
}

/**
 * vp_device_insert() - put a record into the set, if a rule still names it
 * @rec: the record
 * @never: why its device must not be claimed, or %VFIOPOLICY_REASON_NONE
 *
 * The rule is looked up under the lock that new tables are published under,
 * so a rule that is being deleted either no longer names the device here, or
 * finds the record when it looks for its devices.
 *
 * Context: takes vp_lock.
 * Return: true when it is in the set, which took a reference of its own.
 */
bool vp_device_insert(struct vp_device *rec, enum vfiopolicy_reason never)
{
	struct vp_entry *entry;
	enum vp_fit fit;
	bool done = false;

	spin_lock(&vp_lock);
	entry = vp_rules_match_locked(&rec->view.facts, &fit);
	if (entry && !frozen && !find_locked(rec->pdev)) {
		set_entry(rec, entry, fit);
		rec->view.generation = ++last_generation;
		rec->linked = true;
		vp_device_get(rec);
		list_add_tail(&rec->node, &records);
		hash_add(by_address, &rec->hash, address_key(rec->pdev));
		record_count++;
		if (!never && vp_device_want(rec) == VP_WANT_NOTICE)
			never = VFIOPOLICY_REASON_CHANGED;
		vp_device_move_locked(rec, never ? VFIOPOLICY_STATE_NATIVE :
						   VFIOPOLICY_STATE_MATCHED,
				      never);
		done = true;
	}
	spin_unlock(&vp_lock);
	return done;
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
	/* To another target than vfio-pci there is no way yet. */
	if (entry->rule.action == VP_HOLD || entry->rule.driver[0])
		return VP_WANT_STUB;
	return VP_WANT_TARGET;
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
	lockdep_assert_held(&vp_lock);
	return vp_device_want_by(rec->view.entry, rec->view.fit);
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
	return vp_device_want(rec) <= VP_WANT_NOTICE;
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
	return rec->view.entry->rule.action == VP_HOLD ?
	       VFIOPOLICY_REASON_NONE : VFIOPOLICY_REASON_NO_TARGET;
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
 * Context: vp_lock held.
 */
void vp_device_move_locked(struct vp_device *rec, enum vfiopolicy_state to,
			   enum vfiopolicy_reason reason)
{
	struct vp_status old = rec->view.status;

	lockdep_assert_held(&vp_lock);
	if (old.born && old.state == to && old.reason == reason)
		return;
	if (vp_state_move(&rec->view.status, to, reason)) {
		WARN(1, "%s: no way from %s to %s\n", rec->view.address,
		     vp_state_name(old.state), vp_state_name(to));
		return;
	}
	vp_nl_dev_event(&rec->view, in_use(rec), old.born ? &old : NULL);
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

	if (dev->driver && !rec->group)
		rec->group = iommu_group_get(dev);

	spin_lock(&vp_lock);
	strscpy(rec->view.driver, dev->driver ? dev->driver->name : "",
		sizeof(rec->view.driver));
	if (rec->group)
		rec->view.group = iommu_group_id(rec->group);
	spin_unlock(&vp_lock);
}

/**
 * vp_device_unlink() - take a record out of the set
 * @rec: its record; the caller has a reference
 * @last: %VFIOPOLICY_STATE_GONE; or %VFIOPOLICY_STATE_RELEASED, which is only
 *        for a device that no rule names and that is where it can end
 *
 * A rule that is added later finds no record and makes one; a rule that was
 * added before keeps this one.
 *
 * Context: takes vp_lock; may sleep.
 * Return: true when it has left the set by this.
 */
bool vp_device_unlink(struct vp_device *rec, enum vfiopolicy_state last)
{
	bool was;

	spin_lock(&vp_lock);
	was = rec->linked && vp_state_may(&rec->view.status, last) &&
	      (last == VFIOPOLICY_STATE_GONE ||
	       vp_device_want(rec) == VP_WANT_NATIVE);
	if (was) {
		vp_device_move_locked(rec, last, VFIOPOLICY_REASON_NONE);
		rec->linked = false;
		list_del_init(&rec->node);
		hash_del(&rec->hash);
		record_count--;
	}
	spin_unlock(&vp_lock);
	if (!was)
		return false;

	/* Not waited for: it sees that the record has left and does nothing. */
	if (cancel_delayed_work(&rec->work))
		vp_device_put(rec);
	vp_device_put(rec);
	return true;
}

/**
 * vp_device_for_each() - show the devices, in the order of generations
 * @cursor: where to begin; moved behind the last device that @fn took
 * @fn: called for each
 * @arg: handed on to @fn
 *
 * Context: takes vp_lock, and calls @fn under it.
 * Return: 0 behind the last device, or what @fn returned.
 */
int vp_device_for_each(u32 *cursor, vp_view_fn fn, void *arg)
{
	struct vp_device *rec;
	int ret = 0;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		if (rec->view.generation <= *cursor)
			continue;
		ret = fn(&rec->view, in_use(rec), arg);
		if (ret)
			break;
		*cursor = rec->view.generation;
	}
	spin_unlock(&vp_lock);
	return ret;
}

/**
 * vp_device_one() - show one device
 * @address: domain:bus:device.function, as the kernel writes it
 * @fn: called for it
 * @arg: handed on to @fn
 *
 * Context: takes vp_lock, and calls @fn under it.
 * Return: what @fn returned, or -ENODEV.
 */
int vp_device_one(const char *address, vp_view_fn fn, void *arg)
{
	struct vp_device *rec;
	int ret = -ENODEV;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		if (!strcmp(rec->view.address, address)) {
			ret = fn(&rec->view, in_use(rec), arg);
			break;
		}
	}
	spin_unlock(&vp_lock);
	return ret;
}

/**
 * vp_device_user() - would a new table take a device from its user
 * @next: the table
 * @address: set to the address of the first such device; VP_NAME_MAX bytes
 *
 * A user may come and go right after: this makes for a clear answer, and
 * handoff.c for safety.
 *
 * Context: takes vp_lock.
 * Return: true when there is one.
 */
bool vp_device_user(const struct vp_table *next, char *address)
{
	const struct vp_entry *entry;
	struct vp_device *rec;
	enum vp_fit fit;
	bool found = false;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		/* On its way already, or where it may stay. */
		if (vp_device_want(rec) != VP_WANT_TARGET || !in_use(rec))
			continue;
		entry = vp_rules_match(next, &rec->view.facts, &fit);
		found = vp_device_want_by(entry, fit) != VP_WANT_TARGET;
		if (found) {
			strscpy(address, rec->view.address, VP_NAME_MAX);
			break;
		}
	}
	spin_unlock(&vp_lock);
	return found;
}

/*
 * The record behind @rec, or the first one, with a reference; gives the one on
 * @rec back. Whoever leaves the set meanwhile is found again by generation.
 */
static struct vp_device *next_record(struct vp_device *rec)
{
	struct vp_device *next = NULL, *pos;

	spin_lock(&vp_lock);
	if (!rec || rec->linked) {
		pos = rec ? rec : list_entry(&records, struct vp_device, node);
		pos = list_next_entry(pos, node);
		if (!list_entry_is_head(pos, &records, node))
			next = pos;
	} else {
		list_for_each_entry(pos, &records, node) {
			if (pos->view.generation > rec->view.generation) {
				next = pos;
				break;
			}
		}
	}
	if (next)
		vp_device_get(next);
	spin_unlock(&vp_lock);
	if (rec)
		vp_device_put(rec);
	return next;
}

/**
 * vp_device_plan() - find out which rule of a new table has each device
 * @next: the table, which stays until it is published or dropped
 *
 * Context: may sleep; rules_lock held; takes vp_lock for each record.
 */
void vp_device_plan(const struct vp_table *next)
{
	struct vp_device *rec = NULL;

	/* A generation is always another than that of the table before. */
	while ((rec = next_record(rec))) {
		rec->plan = vp_rules_match(next, &rec->view.facts,
					   &rec->plan_fit);
		rec->planned = next->generation;
		cond_resched();
	}
}

/**
 * vp_device_rematch() - bring every record under a new table
 * @next: the table, for which vp_device_plan() has been called
 *
 * Whoever has another rule now, or none, is on its way to where that wants
 * it when this returns; the way itself is its work item's.
 *
 * Context: vp_lock held, the one that the new table was published under.
 */
void vp_device_rematch(const struct vp_table *next)
{
	struct vp_device *rec;

	lockdep_assert_held(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		/* Those that came since then, by the old table. */
		if (rec->planned != next->generation)
			rec->plan = vp_rules_match(next, &rec->view.facts,
						   &rec->plan_fit);
		if (rec->plan == rec->view.entry &&
		    rec->plan_fit == rec->view.fit)
			continue;
		set_entry(rec, rec->plan, rec->plan_fit);
		vp_handoff_kick(rec, 0);
	}
}

/**
 * vp_device_kick_waiting() - have another go at those whose target was missing
 *
 * Context: takes vp_lock.
 */
void vp_device_kick_waiting(void)
{
	struct vp_device *rec;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node)
		if (rec->view.status.reason == VFIOPOLICY_REASON_MODULE_LOADING ||
		    rec->view.status.reason == VFIOPOLICY_REASON_MODULE_MISSING)
			vp_handoff_kick(rec, 0);
	spin_unlock(&vp_lock);
}

/**
 * vp_device_count() - how many devices the rules name
 *
 * Context: takes vp_lock.
 * Return: number of records in the set.
 */
u32 vp_device_count(void)
{
	u32 count;

	spin_lock(&vp_lock);
	count = record_count;
	spin_unlock(&vp_lock);
	return count;
}

/**
 * vp_device_freeze() - no new record and no new work from here on
 *
 * Context: takes vp_lock.
 */
void vp_device_freeze(void)
{
	spin_lock(&vp_lock);
	frozen = true;
	spin_unlock(&vp_lock);
}

/**
 * vp_device_frozen() - is the module on its way out
 *
 * Context: vp_lock held.
 * Return: true after vp_device_freeze().
 */
bool vp_device_frozen(void)
{
	lockdep_assert_held(&vp_lock);
	return frozen;
}

/**
 * vp_device_first() - any record that is left
 *
 * Context: takes vp_lock.
 * Return: a record with a reference for the caller, or NULL.
 */
struct vp_device *vp_device_first(void)
{
	struct vp_device *rec;

	spin_lock(&vp_lock);
	rec = list_first_entry_or_null(&records, struct vp_device, node);
	if (rec)
		vp_device_get(rec);
	spin_unlock(&vp_lock);
	return rec;
}
