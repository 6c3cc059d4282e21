// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claiming: the bus notifier that sees a device before any driver does, the
 * stub that holds what is claimed, and the walk over devices that were there
 * first.
 *
 * At BUS_NOTIFY_ADD_DEVICE (device_add() in drivers/base/core.c) a device is
 * on the bus, but the PCI core lets no driver near it before
 * pci_bus_add_device(): an override written in between decides which driver
 * that will be. Nothing is waited for, attached or loaded in a notification.
 */
#include <linux/pci.h>
#include <linux/vgaarb.h>

#include "vfiopolicy.h"

/*
 * How long a device may take from its ADD to its probe, or from losing its
 * driver to leaving the bus, before the work item lends a hand.
 */
#define SETTLE_DELAY	HZ

/* The notifier is there; set once, at init. */
static bool started;

/**
 * vp_claim_is_vfio() - does a driver give its devices to user space
 * @drv: the driver; vfio-pci or a variant: mlx5_vfio_pci, qat_vfio_pci and so on
 *
 * Context: any; @drv must stay.
 * Return: true when it does.
 */
bool vp_claim_is_vfio(const struct device_driver *drv)
{
	return strstr(drv->name, "vfio") && strcmp(drv->name, VP_STUB);
}

/*
 * The PF of a VF cannot lose its driver while it makes the VF known, nor
 * while its device_lock is held: one of the two is so wherever this is used.
 */
static bool pf_is_vfio(const struct pci_dev *pf)
{
	const struct device_driver *drv = READ_ONCE(pf->dev.driver);

	return drv && vp_claim_is_vfio(drv);
}

/**
 * vp_claim_never_kind() - why devices of this kind are not claimed
 * @pdev: the device; looked at is what cannot change, and needs no lock
 *
 * Context: any.
 * Return: the reason, or %VFIOPOLICY_REASON_NONE when they may be.
 */
enum vfiopolicy_reason vp_claim_never_kind(struct pci_dev *pdev)
{
	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return VFIOPOLICY_REASON_BRIDGE;
	/* Not every bridge by class: NVSwitches are 0680, and are given away. */
	switch (pdev->class >> 8) {
	case PCI_CLASS_BRIDGE_HOST:
	case PCI_CLASS_BRIDGE_ISA:
	case PCI_CLASS_BRIDGE_PCI:
	case PCI_CLASS_BRIDGE_CARDBUS:
		return VFIOPOLICY_REASON_BRIDGE;
	}
	if (pdev == vga_default_device())
		return VFIOPOLICY_REASON_BOOT_VGA;
	return VFIOPOLICY_REASON_NONE;
}

static enum vfiopolicy_reason never(struct pci_dev *pdev)
{
	enum vfiopolicy_reason why = vp_claim_never_kind(pdev);

	if (why)
		return why;
	if (!vp_override_is(pdev, VP_OVERRIDE_STUB, VP_OVERRIDE_TARGET))
		return VFIOPOLICY_REASON_FOREIGN_OVERRIDE;
	return VFIOPOLICY_REASON_NONE;
}

/**
 * vp_claim_never() - why a device must not be claimed
 * @rec: its record
 *
 * Context: may sleep; no device_lock held. Waits for the device_lock of the
 * PF, and on 6.1 of the device itself.
 * Return: the reason, or %VFIOPOLICY_REASON_NONE when it may be.
 */
enum vfiopolicy_reason vp_claim_never(struct vp_device *rec)
{
	bool captured = false;

	if (rec->pf) {
		device_lock(&rec->pf->dev);
		captured = pf_is_vfio(rec->pf);
		device_unlock(&rec->pf->dev);
	}
	return captured ? VFIOPOLICY_REASON_VFIO_PF : never(rec->pdev);
}

/**
 * vp_claim_override() - write the override of a device, if it is still wanted
 * @rec: its record
 * @state: where the record must be for this
 * @name: the driver
 *
 * Context: may sleep; takes override_lock, on 6.1 also the device_lock.
 * Return: 0; -ESTALE when the record has moved on or left the set; -ENOMEM.
 * The old override is in place after an error.
 */
int vp_claim_override(struct vp_device *rec, enum vfiopolicy_state state,
		      enum vp_override_name name)
{
	int ret = -ESTALE;
	bool wanted;

	mutex_lock(&rec->override_lock);
	spin_lock(&vp_lock);
	wanted = rec->linked && rec->view.status.state == state;
	/* From another driver only by request. */
	if (name == VP_OVERRIDE_STUB && (state == VFIOPOLICY_STATE_NATIVE ||
					 state == VFIOPOLICY_STATE_LOST))
		wanted = wanted && rec->take_over && !vp_device_goes_home(rec);
	/* Not for a rule that has gone, and not off under one that has come. */
	if (state == VFIOPOLICY_STATE_MATCHED)
		wanted = wanted && !vp_device_goes_home(rec);
	if (state == VFIOPOLICY_STATE_RELEASING && name == VP_OVERRIDE_NONE)
		wanted = wanted && vp_device_goes_home(rec);
	spin_unlock(&vp_lock);
	if (wanted)
		ret = vp_override_set(rec->pdev, &rec->override, name);
	mutex_unlock(&rec->override_lock);
	return ret;
}

static void log_claim(const struct vp_device *rec)
{
	const struct vp_entry *entry = rec->view.entry;

	lockdep_assert_held(&vp_lock);
	pr_info("%s: claimed by rule %u (%s); give it back with: vfiopolicy del %u\n",
		rec->view.address, entry->id, entry->text, entry->id);
}

/* Records a device if a rule names it. Return: true when it is a new record. */
static bool record(struct pci_dev *pdev, struct pci_dev *pf,
		   enum vfiopolicy_reason why, enum vfiopolicy_cause cause,
		   struct vp_device **recp)
{
	struct vp_device *rec = vp_device_alloc(pdev, pf);

	*recp = rec;
	return rec && vp_device_insert(rec, why, cause);
}

static void appeared(struct pci_dev *pdev)
{
	enum vfiopolicy_reason why;
	struct vp_device *rec;
	struct vp_facts facts;
	struct pci_dev *pf;
	enum vp_want want;
	int ret;

	/* Whoever makes a VF known holds on to its PF. */
	pf = pdev->is_virtfn ? pci_physfn(pdev) : NULL;
	vp_facts_read(pdev, pf, &facts, vp_rules_ask_dsn());
	want = vp_rules_want(&facts);
	if (want == VP_WANT_NATIVE)
		return;

	why = pf && pf_is_vfio(pf) ? VFIOPOLICY_REASON_VFIO_PF : never(pdev);
	if (!record(pdev, pf, why, VFIOPOLICY_CAUSE_APPEARED, &rec)) {
		if (rec) {
			vp_device_put(rec);
		} else {
			/*
			 * No memory for a record: the override alone still
			 * keeps every driver off, since the stub refuses what
			 * has no record.
			 */
			struct vp_override none = {};

			if (want == VP_WANT_NOTICE)
				return;
			ret = why ? 0 : vp_override_set(pdev, &none,
							VP_OVERRIDE_STUB);
			pr_err("%s: no memory to claim it: %s\n", pci_name(pdev),
			       ret ? "it is open to every driver" :
				     "it stays without a driver");
			return;
		}
		/* A walk was quicker, or the rule has just gone. */
		rec = vp_device_find(pdev);
		if (!rec)
			return;
	}

	ret = vp_claim_override(rec, VFIOPOLICY_STATE_MATCHED, VP_OVERRIDE_STUB);
	spin_lock(&vp_lock);
	if (rec->view.status.state == VFIOPOLICY_STATE_MATCHED && rec->linked) {
		/* Unless its rule has gone since then. */
		rec->view.claimed = !ret && !vp_device_goes_home(rec);
		if (rec->view.claimed)
			log_claim(rec);
		else if (ret == -ENOMEM)
			vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
					      VFIOPOLICY_REASON_NO_MEMORY);
		vp_handoff_kick(rec, ret == -ENOMEM ? 0 : SETTLE_DELAY);
	}
	spin_unlock(&vp_lock);
	vp_device_put(rec);
}

/* Context: device_lock held, dev->driver is the one that was bound. */
static void bound(struct vp_device *rec)
{
	const char *name = rec->pdev->dev.driver->name;
	enum vfiopolicy_reason reason;
	enum vfiopolicy_state to;

	device_lock_assert(&rec->pdev->dev);
	vp_device_note_bound(rec);
	if (!strcmp(name, VP_STUB))
		return; /* the stub's probe has seen to it */

	spin_lock(&vp_lock);
	if (!rec->linked)
		goto out;
	if (!strcmp(name, VP_TARGET) &&
	    (vp_device_want(rec) == VP_WANT_TARGET ||
	     rec->view.status.state == VFIOPOLICY_STATE_HANDING_OFF)) {
		to = VFIOPOLICY_STATE_ISOLATED;
		reason = VFIOPOLICY_REASON_NONE;
	} else if (rec->view.claimed) {
		to = VFIOPOLICY_STATE_LOST;
		reason = VFIOPOLICY_REASON_FOREIGN_DRIVER;
	} else {
		to = VFIOPOLICY_STATE_NATIVE;
		reason = VFIOPOLICY_REASON_NATIVE_DRIVER;
	}
	switch (rec->view.status.state) {
	case VFIOPOLICY_STATE_MATCHED:
	case VFIOPOLICY_STATE_HANDING_OFF:
	case VFIOPOLICY_STATE_LOST:
		if (to != VFIOPOLICY_STATE_ISOLATED ||
		    rec->view.status.state != VFIOPOLICY_STATE_HANDING_OFF)
			rec->view.cause = VFIOPOLICY_CAUSE_DRIVER;
		vp_device_move_locked(rec, to, reason);
		/*
		 * The rule may have gone on the way, somebody else may have
		 * bound the target without the override, or another driver may
		 * have been quicker than a request to take it over.
		 */
		if (to == VFIOPOLICY_STATE_ISOLATED || rec->take_over)
			vp_handoff_kick(rec, 0);
		break;
	default:
		break; /* native stays so; releasing looks by itself */
	}
out:
	spin_unlock(&vp_lock);
}

/* Context: device_lock held, dev->driver is NULL. */
static void unbound(struct vp_device *rec)
{
	device_lock_assert(&rec->pdev->dev);
	vp_device_note_bound(rec);
	/* Before the device can leave its group, which is after this. */
	vp_release_disown(rec);

	spin_lock(&vp_lock);
	if (!rec->linked)
		goto out;
	switch (rec->view.status.state) {
	case VFIOPOLICY_STATE_HELD:
	case VFIOPOLICY_STATE_ISOLATED:
		/* The override is still ours: only we can bind it. */
		rec->view.adopted = false;
		rec->view.cause = VFIOPOLICY_CAUSE_DRIVER;
		vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
				      VFIOPOLICY_REASON_UNBOUND);
		break;
	case VFIOPOLICY_STATE_NATIVE:
	case VFIOPOLICY_STATE_LOST:
		if (vp_device_goes_home(rec))
			break;
		/*
		 * Free at last: now the rule can have it. Not at once, for
		 * this is also how the removal of a device begins.
		 */
		rec->view.claimed = false;
		if (!rec->take_over)
			rec->view.cause = VFIOPOLICY_CAUSE_DRIVER;
		vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
				      VFIOPOLICY_REASON_NONE);
		vp_handoff_kick(rec, SETTLE_DELAY);
		break;
	default:
		break; /* on its way by our own hand */
	}
out:
	spin_unlock(&vp_lock);
}

static int notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);
	struct vp_device *rec;

	/* Whether or not a rule names it: it may share a group with one. */
	vp_group_note(&pdev->dev, action);
	if (action == BUS_NOTIFY_ADD_DEVICE) {
		appeared(pdev);
		return NOTIFY_OK;
	}
	if (action != BUS_NOTIFY_BOUND_DRIVER &&
	    action != BUS_NOTIFY_UNBOUND_DRIVER &&
	    action != BUS_NOTIFY_DEL_DEVICE)
		return NOTIFY_DONE;

	rec = vp_device_find(pdev);
	if (!rec)
		return NOTIFY_DONE;
	if (action == BUS_NOTIFY_BOUND_DRIVER)
		bound(rec);
	else if (action == BUS_NOTIFY_UNBOUND_DRIVER)
		unbound(rec);
	else
		vp_device_unlink(rec, VFIOPOLICY_STATE_GONE);
	vp_device_put(rec);
	return NOTIFY_OK;
}

static struct notifier_block bus_nb = {
	.notifier_call = notify,
};

/*
 * Context: device_lock held by the core. The one who asked is the core after
 * ADD, or the work item: the state tells whether the stub may have the device
 * now. What has no record is refused, so an override left over from an
 * earlier load, or an id written to new_id, binds nothing.
 */
static int stub_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	enum vfiopolicy_reason reason = VFIOPOLICY_REASON_NONE;
	struct vp_device *rec = vp_device_find(pdev);
	bool mine = false;

	if (!rec)
		return -ENODEV;

	/*
	 * Firmware leaves bus mastering on. Off before anybody is told that
	 * the device is held; vfio turns it on when a user opens the device.
	 */
	pci_clear_master(pdev);
	vp_device_note_bound(rec);

	spin_lock(&vp_lock);
	if (!rec->linked)
		goto out;
	switch (rec->view.status.state) {
	case VFIOPOLICY_STATE_HANDING_OFF:
		reason = VFIOPOLICY_REASON_TARGET_REFUSED;
		mine = true;
		break;
	case VFIOPOLICY_STATE_HELD:
		/* CONFIG_DEBUG_TEST_DRIVER_REMOVE probes twice in a row. */
		reason = rec->view.status.reason;
		mine = true;
		break;
	case VFIOPOLICY_STATE_MATCHED:
	case VFIOPOLICY_STATE_RELEASING:
		mine = !vp_device_goes_home(rec);
		reason = vp_device_held_reason(rec);
		break;
	default:
		break;
	}
	if (!mine)
		goto out;
	vp_device_move_locked(rec, VFIOPOLICY_STATE_HELD, reason);
	if (!rec->view.claimed)
		log_claim(rec);
	rec->view.claimed = true;
	/* After a refusal the work item itself says when to try again. */
	if (reason != VFIOPOLICY_REASON_TARGET_REFUSED)
		vp_handoff_kick(rec, 0);
out:
	spin_unlock(&vp_lock);
	vp_device_put(rec);
	return mine ? 0 : -ENODEV;
}

/* State and override are seen to by whoever takes the device from the stub. */
static void stub_remove(struct pci_dev *pdev)
{
}

/*
 * No ids: only an override brings a device here. driver_managed_dma, so that
 * holding one device of an IOMMU group does not keep a guest from another.
 */
static struct pci_driver stub = {
	.name = VP_STUB,
	.probe = stub_probe,
	.remove = stub_remove,
	.driver_managed_dma = true,
	.driver = {
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

/*
 * Records a device that is there already. Writes and binds nothing: whether a
 * device is free can only be told under its device_lock, behind which a slow
 * probe may be going on. That is left to its work item.
 */
static void present(struct pci_dev *pdev, enum vfiopolicy_cause cause)
{
	struct pci_dev *pf = vp_facts_get_pf(pdev);
	struct vp_device *rec = NULL;
	struct vp_facts facts;

	/* A VF without a PF is on its way out. */
	if (pdev->is_virtfn && !pf)
		return;
	/*
	 * Without power it has no serial number to be read. It is not woken:
	 * a netlink request must not wait, and what sleeps so has a driver.
	 */
	vp_facts_read(pdev, pf, &facts, vp_rules_ask_dsn());
	if (vp_rules_want(&facts) == VP_WANT_NATIVE ||
	    !device_is_registered(&pdev->dev))
		goto out;

	if (record(pdev, pf, vp_claim_never_kind(pdev), cause, &rec)) {
		spin_lock(&vp_lock);
		vp_handoff_kick(rec, 0);
		spin_unlock(&vp_lock);
	}
	if (rec)
		vp_device_put(rec);
	else
		pr_err("%s: no memory to claim it\n", pci_name(pdev));
out:
	pci_dev_put(pf);
}

/* What a walk is for: see vp_claim_walk(). */
struct walk {
	u32 id;
	enum vfiopolicy_cause cause;
};

static int walk_one(struct device *dev, void *arg)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	struct vp_device *rec = vp_device_find(pdev);
	const struct walk *walk = arg;

	if (!rec) {
		present(pdev, walk->cause);
		return 0;
	}
	spin_lock(&vp_lock);
	if (rec->view.entry && rec->view.entry->id == walk->id) {
		rec->view.cause = walk->cause;
		vp_handoff_kick(rec, 0);
	}
	spin_unlock(&vp_lock);
	vp_device_put(rec);
	return 0;
}

/**
 * vp_claim_walk() - record the devices that are there already
 * @id: number of a rule whose devices are to have another go at what failed
 * @cause: why it is done
 *
 * Context: may sleep; takes no device_lock.
 */
void vp_claim_walk(u32 id, enum vfiopolicy_cause cause)
{
	struct walk walk = { .id = id, .cause = cause };

	/* Disabled, nothing is claimed, and nothing heard of what goes. */
	if (!READ_ONCE(started))
		return;
	bus_for_each_dev(&pci_bus_type, NULL, &walk, walk_one);
}

/**
 * vp_claim_register_stub() - the stub, which binds nothing without a record
 *
 * Context: may sleep; module init.
 * Return: 0 or the errno of the registration.
 */
int vp_claim_register_stub(void)
{
	return pci_register_driver(&stub);
}

/**
 * vp_claim_start() - the notifier, then the walk
 *
 * In this order every device is seen: one that comes before the notifier is
 * there for the walk, one that comes after is there for the notifier, and one
 * that both see gets one record.
 *
 * Context: may sleep; module init.
 * Return: 0 or the errno of the registration.
 */
int vp_claim_start(void)
{
	int ret = bus_register_notifier(&pci_bus_type, &bus_nb);

	if (ret)
		return ret;
	WRITE_ONCE(started, true);
	vp_claim_walk(0, VFIOPOLICY_CAUSE_APPEARED);
	return 0;
}

/**
 * vp_claim_stop() - no notification reaches us from here on
 *
 * Context: may sleep; waits for running notifications.
 */
void vp_claim_stop(void)
{
	bus_unregister_notifier(&pci_bus_type, &bus_nb);
}

/**
 * vp_claim_unregister_stub() - take the stub away
 *
 * What it holds is left without a driver and with its override, so that no
 * other driver takes it: fail closed.
 *
 * Context: may sleep; after all work items have ended.
 */
void vp_claim_unregister_stub(void)
{
	pci_unregister_driver(&stub);
}
