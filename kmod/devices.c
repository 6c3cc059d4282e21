// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of records: who is in it, looking them up, showing them, and bringing
 * all of them under a new table of rules.
 */
#include <linux/hashtable.h>
#include <linux/pci.h>

#include "vfiopolicy.h"

/* All guarded by vp_lock. The list is in the order of generations. */
static LIST_HEAD(records);
static DEFINE_HASHTABLE(by_address, 10);
static u32 record_count;
/* Another one whenever a record comes or goes; never 0. */
static u32 set_generation = 1;
static u32 last_generation;
/* Set once, on the way out: no new record, no new work. Guarded by vp_lock. */
static bool frozen;

static u32 address_key(u32 domain, u8 bus, u8 devfn)
{
	return domain << 16 ^ PCI_DEVID(bus, devfn);
}

static u32 key_of(struct pci_dev *pdev)
{
	return address_key(pci_domain_nr(pdev->bus), pdev->bus->number,
			   pdev->devfn);
}

static struct vp_device *find_locked(struct pci_dev *pdev)
{
	struct vp_device *rec;

	lockdep_assert_held(&vp_lock);
	hash_for_each_possible(by_address, rec, hash, key_of(pdev))
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

/**
 * vp_device_at_locked() - the record of the function of this number
 * @domain: PCI domain (segment)
 * @bus: bus number
 * @devfn: device in the upper five bits, function in the lower three
 *
 * Context: vp_lock held.
 * Return: the record, good until vp_lock is released, or NULL.
 */
struct vp_device *vp_device_at_locked(u32 domain, u8 bus, u8 devfn)
{
	struct vp_device *rec;

	lockdep_assert_held(&vp_lock);
	hash_for_each_possible(by_address, rec, hash,
			       address_key(domain, bus, devfn))
		if (rec->view.facts.domain == domain &&
		    rec->view.facts.bus == bus &&
		    rec->view.facts.devfn == devfn)
			return rec;
	return NULL;
}

/**
 * vp_device_insert() - put a record into the set, if a rule still names it
 * @rec: the record
 * @never: why its device must not be claimed, or %VFIOPOLICY_REASON_NONE
 * @cause: why it comes now
 *
 * The rule is looked up under the lock that new tables are published under,
 * so a rule that is being deleted either no longer names the device here, or
 * finds the record when it looks for its devices.
 *
 * Context: takes vp_lock.
 * Return: true when it is in the set, which took a reference of its own.
 */
bool vp_device_insert(struct vp_device *rec, enum vfiopolicy_reason never,
		      enum vfiopolicy_cause cause)
{
	struct vp_entry *entry;
	enum vp_fit fit;
	bool done = false;

	spin_lock(&vp_lock);
	entry = vp_with_match_locked(&rec->view.facts, rec->with_group, &fit);
	if (entry && !frozen && !find_locked(rec->pdev)) {
		vp_device_set_entry(rec, entry, fit);
		rec->view.generation = ++last_generation;
		rec->linked = true;
		vp_device_get(rec);
		list_add_tail(&rec->node, &records);
		hash_add(by_address, &rec->hash, key_of(rec->pdev));
		record_count++;
		set_generation = set_generation + 1 ?: 1;
		rec->view.cause = cause;
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
		if (last == VFIOPOLICY_STATE_GONE)
			rec->view.cause = VFIOPOLICY_CAUSE_REMOVED;
		/* Released before, and now for good: that is one more event. */
		if (rec->view.status.state == last)
			vp_device_tell(rec, &rec->view.status);
		vp_device_move_locked(rec, last, VFIOPOLICY_REASON_NONE);
		rec->linked = false;
		set_generation = set_generation + 1 ?: 1;
		list_del_init(&rec->node);
		hash_del(&rec->hash);
		vp_with_forget_locked(rec);
		record_count--;
	}
	spin_unlock(&vp_lock);
	if (!was)
		return false;

	vp_group_changed();
	/* Not waited for: it sees that the record has left and does nothing. */
	if (cancel_delayed_work(&rec->work))
		vp_device_put(rec);
	vp_device_put(rec);
	return true;
}

/**
 * vp_device_for_each() - show the devices, in the order of generations
 * @cursor: where to begin; moved behind the last device that @fn took
 * @generation: set to what tells this set of devices from others; never 0
 * @fn: called for each
 * @arg: handed on to @fn
 *
 * Context: takes vp_lock, and calls @fn under it.
 * Return: 0 behind the last device, or what @fn returned.
 */
int vp_device_for_each(u32 *cursor, u32 *generation, vp_view_fn fn, void *arg)
{
	struct vp_device *rec;
	int ret = 0;

	spin_lock(&vp_lock);
	*generation = set_generation;
	list_for_each_entry(rec, &records, node) {
		if (rec->view.generation <= *cursor)
			continue;
		ret = fn(&rec->view, vp_device_in_use(rec), arg);
		if (ret)
			break;
		*cursor = rec->view.generation;
	}
	spin_unlock(&vp_lock);
	return ret;
}

/**
 * vp_device_by_address() - the record of the device at an address
 * @address: domain:bus:device.function, as the kernel writes it
 *
 * Context: takes vp_lock.
 * Return: the record with a reference for the caller, or NULL. What is done
 * with it must look again, under vp_lock, whether it is still in the set.
 */
struct vp_device *vp_device_by_address(const char *address)
{
	struct vp_device *rec, *found = NULL;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		if (!strcmp(rec->view.address, address)) {
			found = rec;
			vp_device_get(rec);
			break;
		}
	}
	spin_unlock(&vp_lock);
	return found;
}

/**
 * vp_device_show() - show one device
 * @rec: its record; the caller has a reference
 * @fn: called for it
 * @arg: handed on to @fn
 *
 * Context: takes vp_lock, and calls @fn under it.
 * Return: what @fn returned, or -ENODEV when it has left the set.
 */
int vp_device_show(struct vp_device *rec, vp_view_fn fn, void *arg)
{
	int ret = -ENODEV;

	spin_lock(&vp_lock);
	if (rec->linked)
		ret = fn(&rec->view, vp_device_in_use(rec), arg);
	spin_unlock(&vp_lock);
	return ret;
}

/**
 * vp_device_pin_groups() - the IOMMU groups of the devices
 * @fn: called for each record that has one, groups may come several times
 * @arg: handed on to @fn
 *
 * Context: takes vp_lock, and calls @fn under it.
 */
void vp_device_pin_groups(void (*fn)(struct vp_device *rec, void *arg), void *arg)
{
	struct vp_device *rec;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node)
		if (rec->view.group >= 0)
			fn(rec, arg);
	spin_unlock(&vp_lock);
}

/**
 * vp_device_user() - would a new table take a device from its user
 * @next: the table
 * @address: set to the address of the first such device; VP_NAME_MAX bytes
 * @user: set to what uses it
 *
 * A user may come and go right after: this makes for a clear answer, and
 * handoff.c for safety.
 *
 * Context: takes vp_lock.
 * Return: true when there is one.
 */
bool vp_device_user(const struct vp_table *next, char *address,
		    const char **user)
{
	const struct vp_entry *entry;
	struct vp_device *rec;
	enum vp_fit fit;
	bool found = false;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		/* On its way already, or where it may stay. */
		if (vp_device_want(rec) != VP_WANT_TARGET ||
		    !vp_device_user_words(rec))
			continue;
		entry = vp_rules_match(next, &rec->view.facts, &fit);
		found = vp_device_want_by(entry, fit) != VP_WANT_TARGET;
		if (found) {
			strscpy(address, rec->view.address, VP_NAME_MAX);
			*user = vp_device_user_words(rec);
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

static void adopt_plan(struct vp_device *rec, enum vfiopolicy_cause cause)
{
	lockdep_assert_held(&vp_lock);
	if (rec->plan == rec->view.entry && rec->plan_fit == rec->view.fit)
		return;
	vp_device_set_entry(rec, rec->plan, rec->plan_fit);
	rec->view.cause = cause;
	if (vp_device_goes_home(rec))
		rec->take_over = false;
	vp_handoff_kick(rec, 0);
}

/**
 * vp_device_rematch() - bring every record under a new table
 * @next: the table, for which vp_device_plan() has been called
 * @cause: why there is a new one
 *
 * Whoever has another rule now, or none, is on its way to where that wants
 * it when this returns; the way itself is its work item's.
 *
 * Context: vp_lock held, the one that the new table was published under.
 */
void vp_device_rematch(const struct vp_table *next, enum vfiopolicy_cause cause)
{
	struct vp_device *rec;

	lockdep_assert_held(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		/* Those that came since then, by the old table. */
		if (rec->planned != next->generation)
			rec->plan = vp_rules_match(next, &rec->view.facts,
						   &rec->plan_fit);
		/* Those that may be held with another come when all others have. */
		if (rec->plan || rec->plan_fit != VP_FIT_NONE)
			adopt_plan(rec, cause);
		else
			vp_with_forget_locked(rec);
	}
	list_for_each_entry(rec, &records, node) {
		if (rec->plan || rec->plan_fit != VP_FIT_NONE)
			continue;
		if (next->with)
			rec->plan = vp_with_keep_locked(rec, next);
		if (rec->plan)
			rec->plan_fit = VP_FIT_WITH;
		adopt_plan(rec, cause);
	}
}

/**
 * vp_device_kick_waiting() - have another go at those whose target was missing
 * @cause: why it may be there now
 *
 * Context: takes vp_lock.
 */
void vp_device_kick_waiting(enum vfiopolicy_cause cause)
{
	struct vp_device *rec;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		if (rec->view.status.reason != VFIOPOLICY_REASON_MODULE_LOADING &&
		    rec->view.status.reason != VFIOPOLICY_REASON_MODULE_MISSING)
			continue;
		rec->view.cause = cause;
		vp_handoff_kick(rec, 0);
	}
	spin_unlock(&vp_lock);
}

/**
 * vp_device_kick_next() - have those go on that wait for another one of their group
 * @group: the IOMMU group, to be compared alone
 *
 * And no others, nor do tries that were in vain count anew: each of them comes of
 * its own timer, or of having waited for once.
 *
 * Context: takes vp_lock.
 */
void vp_device_kick_next(const struct iommu_group *group)
{
	struct vp_device *rec;

	spin_lock(&vp_lock);
	list_for_each_entry(rec, &records, node) {
		if (!rec->waits || READ_ONCE(rec->with_group) != group)
			continue;
		rec->waits = false;
		if (rec->view.status.state == VFIOPOLICY_STATE_HELD)
			vp_handoff_kick(rec, 1);
	}
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
