// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are on the bus already: when the module comes, when a rule comes,
 * and when one comes that others are to be held with.
 */
#include <linux/delay.h>
#include <linux/pci.h>

#include "vfiopolicy.h"

/* How often the lock of a new device is tried for, once a millisecond or so. */
#define LOCK_TRIES	1000

/* Somebody hears of what goes; set once, at init. */
static bool started;

/* What a walk is for: see vp_walk() and vp_walk_start(). */
struct walk {
	u32 id;
	bool take_over;
	bool boot;
	enum vfiopolicy_cause cause;
};

/*
 * By a request, what its rule names, not what is only held with that: who asks
 * has looked at each. In a boot image nothing is in use.
 */
static void ask(struct vp_device *rec, const struct walk *walk)
{
	const struct vp_entry *entry = rec->view.entry;
	const enum vp_fit fit = rec->view.fit;

	lockdep_assert_held(&vp_lock);
	if (!rec->linked || !entry)
		return;
	if ((walk->take_over && entry->id == walk->id && fit == VP_FIT_MATCH) ||
	    (walk->boot && entry->rule.takeover_boot &&
	     (fit == VP_FIT_MATCH || fit == VP_FIT_WITH)))
		vp_request_wish(rec);
}

/*
 * What is known already may be on its way out, for the device that it is to be held
 * with has come to the set after the new table.
 * Return: false when it has left the set.
 */
static bool known(struct vp_device *rec, const struct walk *walk)
{
	struct vp_entry *entry;
	enum vp_fit fit;
	bool linked;

	spin_lock(&vp_lock);
	linked = rec->linked;
	if (linked && !rec->view.entry) {
		entry = vp_with_match_locked(&rec->view.facts, rec->with_group,
					     &fit);
		if (entry) {
			vp_device_set_entry(rec, entry, fit);
			rec->view.cause = walk->cause;
			vp_handoff_kick(rec, 0);
		}
	}
	if (linked && rec->view.entry &&
	    (walk->boot || rec->view.entry->id == walk->id)) {
		rec->view.cause = walk->cause;
		ask(rec, walk);
		vp_handoff_kick(rec, 0);
	}
	spin_unlock(&vp_lock);
	return linked;
}

/*
 * Records a device that is there already. Writes and binds nothing: whether a
 * device is free can only be told under its device_lock, behind which a slow
 * probe may be going on. That is left to its work item.
 * Return: true when somebody else was quicker, who knows nothing of this walk.
 */
static bool present(struct pci_dev *pdev, const struct walk *walk)
{
	struct pci_dev *pf = vp_facts_get_pf(pdev);
	struct vp_device *rec = NULL;
	struct vp_facts facts;
	bool with, quicker = false;
	enum vp_want want;

	/* A VF without a PF is on its way out. */
	if (pdev->is_virtfn && !pf)
		return false;
	/*
	 * Without power it has no serial number to be read. It is not woken:
	 * a netlink request must not wait, and what sleeps so has a driver.
	 */
	vp_facts_read(pdev, pf, &facts, vp_rules_ask_dsn());
	want = vp_with_want(pdev, &facts, &with);
	if (want == VP_WANT_NATIVE || !device_is_registered(&pdev->dev) ||
	    (with && vp_claim_never_kind(pdev) == VFIOPOLICY_REASON_BRIDGE))
		goto out;

	if (vp_claim_record(pdev, pf, vp_claim_never_kind(pdev), walk->cause, &rec)) {
		spin_lock(&vp_lock);
		ask(rec, walk);
		vp_handoff_kick(rec, 0);
		spin_unlock(&vp_lock);
	} else {
		quicker = rec;
	}
	if (rec) {
		vp_device_put(rec);
	} else {
		vp_claim_note_missed();
		pr_err("%s: no memory to claim it\n", pci_name(pdev));
	}
out:
	pci_dev_put(pf);
	return quicker;
}

/* Not waited for: its lock may be held by a probe that takes its time. */
static void gather_one(struct pci_dev *pdev, const struct walk *walk)
{
	struct vp_device *rec = vp_device_find(pdev);
	bool free = false, there = false;

	if (rec) {
		there = known(rec, walk);
		vp_device_put(rec);
	}
	if (there)
		return;
	/* A VF is left to its work item, which may wait for its PF's lock. */
	if (!pdev->is_virtfn && !READ_ONCE(pdev->dev.driver) &&
	    device_trylock(&pdev->dev)) {
		free = !pdev->dev.driver && device_is_registered(&pdev->dev);
		if (free)
			vp_claim_free(pdev, NULL);
		device_unlock(&pdev->dev);
	}
	if (!free)
		present(pdev, walk);
}

/* What is to be held with a device and came before it. */
static void gather(struct pci_dev *pdev)
{
	const struct walk walk = { .cause = VFIOPOLICY_CAUSE_APPEARED };
	enum vp_with with = vp_with_of(pdev);
	struct pci_dev *other = NULL;

	if (!with)
		return;
	for_each_pci_dev(other)
		if (other != pdev && vp_with_beside(pdev, other, with))
			gather_one(other, &walk);
}

/*
 * Not device_lock(): who has that may be about to bind a driver, and wait behind
 * whoever registers a notifier, who waits for this one. A new device no driver may
 * have yet, so nobody has its lock for long; root may, for a moment.
 */
static bool lock_new(struct device *dev)
{
	unsigned int tries;

	for (tries = 0; !device_trylock(dev); tries++) {
		if (tries == LOCK_TRIES)
			return false;
		usleep_range(1000, 2000);
	}
	return true;
}

/**
 * vp_walk_added() - claim a device that has just come, and what goes with it
 * @pdev: the device
 *
 * Context: ADD notification: no device_lock of these held, no driver may bind;
 * may sleep, and waits for nothing but the lock of a device that is new.
 */
void vp_walk_added(struct pci_dev *pdev)
{
	if (lock_new(&pdev->dev)) {
		/* Whoever makes a VF known holds on to its PF. */
		vp_claim_free(pdev, pdev->is_virtfn ? pci_physfn(pdev) : NULL);
		device_unlock(&pdev->dev);
	} else {
		/* Whoever would bind it looks once more. */
		vp_claim_note_missed();
		pr_err("%s: somebody has it locked; no rule is looked at until a driver wants it\n",
		       pci_name(pdev));
	}
	gather(pdev);
}

/**
 * vp_walk_missed() - record a VF whose coming was missed, and let no native driver
 *		      have it
 * @pdev: the VF, which a driver is about to be bound to
 *
 * For where its PF cannot be looked at: until its work item has done that, every
 * driver is refused but the stub and the target, as where there was no memory.
 * What somebody has chosen a driver for is left to him, as it was so far.
 *
 * Context: BIND notification: device_lock held; may sleep, and waits for nothing.
 */
void vp_walk_missed(struct pci_dev *pdev)
{
	const struct walk walk = { .cause = VFIOPOLICY_CAUSE_APPEARED };
	struct vp_device *rec;
	char now[VP_NAME_MAX];

	device_lock_assert(&pdev->dev);
	vp_override_read(pdev, now, sizeof(now));
	if (*now && strcmp(now, VP_STUB))
		return;
	present(pdev, &walk);
	rec = vp_device_find(pdev);
	if (!rec)
		return;
	spin_lock(&vp_lock);
	if (rec->view.status.state == VFIOPOLICY_STATE_MATCHED &&
	    !rec->view.claimed)
		vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
				      VFIOPOLICY_REASON_NO_MEMORY);
	spin_unlock(&vp_lock);
	vp_device_put(rec);
}

static int walk_one(struct device *dev, void *arg)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	struct vp_device *rec = vp_device_find(pdev);
	const struct walk *walk = arg;

	if (rec && !known(rec, walk)) {
		vp_device_put(rec);
		rec = NULL;
	}
	if (!rec && present(pdev, walk)) {
		rec = vp_device_find(pdev);
		if (rec)
			known(rec, walk);
	}
	if (rec)
		vp_device_put(rec);
	return 0;
}

static void walk_all(struct walk *walk)
{
	bus_for_each_dev(&pci_bus_type, NULL, walk, walk_one);
	/* Who is held with another may come before that one. */
	if (vp_rules_with())
		bus_for_each_dev(&pci_bus_type, NULL, walk, walk_one);
}

/**
 * vp_walk() - record the devices that are there already
 * @id: number of a rule whose devices are to have another go at what failed
 * @take_over: they are to be taken from their drivers, too
 * @cause: why it is done
 *
 * Context: may sleep; takes no device_lock.
 */
void vp_walk(u32 id, bool take_over, enum vfiopolicy_cause cause)
{
	struct walk walk = { .id = id, .take_over = take_over, .cause = cause };

	/* Disabled, nothing is claimed, and nothing heard of what goes. */
	if (READ_ONCE(started))
		walk_all(&walk);
}

/**
 * vp_walk_start() - record what is there when the module comes
 * @boot: what rules with takeover=boot name is to be taken from its drivers: this
 *        is a boot image, and nothing is in use yet
 *
 * Context: may sleep; module init, when notifications come.
 */
void vp_walk_start(bool boot)
{
	struct walk walk = { .boot = boot, .cause = VFIOPOLICY_CAUSE_APPEARED };

	WRITE_ONCE(started, true);
	walk_all(&walk);
}
