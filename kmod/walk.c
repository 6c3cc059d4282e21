// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are on the bus already: when the module comes, when a rule comes,
 * and when one comes that others are to be held with.
 */
#include <linux/pci.h>

#include "vfiopolicy.h"

/* Somebody hears of what goes; set once, at init. */
static bool started;

/* What a walk is for: see vp_walk(). */
struct walk {
	u32 id;
	bool take_over;
	enum vfiopolicy_cause cause;
};

/* What the rule names, not what is only held with that. */
static void ask(struct vp_device *rec, const struct walk *walk)
{
	lockdep_assert_held(&vp_lock);
	if (walk->take_over && rec->linked && rec->view.entry &&
	    rec->view.entry->id == walk->id && rec->view.fit == VP_FIT_MATCH)
		vp_request_wish(rec);
}

/*
 * Records a device that is there already. Writes and binds nothing: whether a
 * device is free can only be told under its device_lock, behind which a slow
 * probe may be going on. That is left to its work item.
 */
static void present(struct pci_dev *pdev, const struct walk *walk)
{
	struct pci_dev *pf = vp_facts_get_pf(pdev);
	struct vp_device *rec = NULL;
	struct vp_facts facts;
	enum vp_want want;
	bool with;

	/* A VF without a PF is on its way out. */
	if (pdev->is_virtfn && !pf)
		return;
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
	}
	if (rec) {
		vp_device_put(rec);
	} else {
		vp_claim_note_missed();
		pr_err("%s: no memory to claim it\n", pci_name(pdev));
	}
out:
	pci_dev_put(pf);
}

/* Not waited for: its lock may be held by a probe that takes its time. */
static void gather_one(struct pci_dev *pdev, const struct walk *walk)
{
	struct vp_device *rec = vp_device_find(pdev);
	bool free = false;

	if (rec) {
		vp_device_put(rec);
		return;
	}
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

/**
 * vp_walk_gather() - find what is to be held with a device and came before it
 * @pdev: the device, which has just come
 *
 * Context: no device_lock held; may sleep, and waits for nothing.
 */
void vp_walk_gather(struct pci_dev *pdev)
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

static int walk_one(struct device *dev, void *arg)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	struct vp_device *rec = vp_device_find(pdev);
	const struct walk *walk = arg;

	if (!rec) {
		present(pdev, walk);
		return 0;
	}
	spin_lock(&vp_lock);
	if (rec->view.entry && rec->view.entry->id == walk->id) {
		rec->view.cause = walk->cause;
		ask(rec, walk);
		vp_handoff_kick(rec, 0);
	}
	spin_unlock(&vp_lock);
	vp_device_put(rec);
	return 0;
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
	if (!READ_ONCE(started))
		return;
	bus_for_each_dev(&pci_bus_type, NULL, &walk, walk_one);
	/* Who is held with another may come before that one. */
	if (vp_rules_with())
		bus_for_each_dev(&pci_bus_type, NULL, &walk, walk_one);
}

/**
 * vp_walk_start() - record what is there when the module comes
 *
 * Context: may sleep; module init, when notifications come.
 */
void vp_walk_start(void)
{
	WRITE_ONCE(started, true);
	vp_walk(0, false, VFIOPOLICY_CAUSE_APPEARED);
}
