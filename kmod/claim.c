// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claiming: the bus notifier that sees a device before any driver does, and the
 * stub that holds what is claimed.
 *
 * At BUS_NOTIFY_ADD_DEVICE (device_add() in drivers/base/core.c) a device is
 * on the bus, but the PCI core lets no driver near it before
 * pci_bus_add_device(): an override written in between decides which driver
 * that will be. Nothing is waited for, attached or loaded in a notification.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/vgaarb.h>

#include "vfiopolicy.h"

/*
 * How long a device may take from its ADD to its probe, or from losing its
 * driver to leaving the bus, before the work item lends a hand.
 */
#define SETTLE_DELAY	HZ

/*
 * After a hand-off. Who waits for it may open the device at once, which fails
 * when somebody has device_lock at that moment.
 */
#define USER_DELAY	(2 * HZ)

/* A device could not be recorded: see notify(). Only ever set. */
static bool missed;

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
 * The lock of the VF alone is not enough: some drivers leave their VFs behind.
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

/* Context: device_lock held. */
static enum vfiopolicy_reason never(struct pci_dev *pdev)
{
	enum vfiopolicy_reason why = vp_claim_never_kind(pdev);
	char now[VP_NAME_MAX];

	if (why)
		return why;
	vp_override_read(pdev, now, sizeof(now));
	return !*now || !strcmp(now, VP_STUB) || !strcmp(now, VP_TARGET) ?
	       VFIOPOLICY_REASON_NONE : VFIOPOLICY_REASON_FOREIGN_OVERRIDE;
}

/**
 * vp_claim_never() - why a device must not be claimed
 * @rec: its record
 *
 * Context: may sleep; no device_lock held. Waits for the device_lock of the
 * PF and of the device itself.
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
	if (captured)
		return VFIOPOLICY_REASON_VFIO_PF;
	return vp_claim_never_kind(rec->pdev) ?: vp_drift_override(rec);
}

/**
 * vp_claim_override_text() - what an override is to say
 * @rec: the record of the device
 * @name: which one
 *
 * Context: vp_lock held.
 * Return: the name of a driver, or "".
 */
const char *vp_claim_override_text(const struct vp_device *rec,
				   enum vp_override_name name)
{
	lockdep_assert_held(&vp_lock);
	return name == VP_OVERRIDE_STUB ? VP_STUB :
	       name == VP_OVERRIDE_TARGET ? vp_claim_expected(rec) : "";
}

/**
 * vp_claim_expected() - the driver that is to have a device as its target
 * @rec: the record of the device
 *
 * A hand-off ends with the driver that it began with, and what is isolated is
 * with its own, whatever a new rule means: that comes afterwards.
 *
 * Context: vp_lock held.
 * Return: its name; "" when it is not known yet.
 */
const char *vp_claim_expected(const struct vp_device *rec)
{
	lockdep_assert_held(&vp_lock);
	switch (rec->view.status.state) {
	case VFIOPOLICY_STATE_HANDING_OFF:
		return rec->handing_to;
	case VFIOPOLICY_STATE_ISOLATED:
		return rec->view.driver;
	default:
		return rec->view.target;
	}
}

/**
 * vp_claim_is_target() - is a driver the one that is to have a device
 * @rec: the record of the device
 * @drv: the driver, which somebody keeps from going away
 *
 * One that does its DMA as the host never is, whatever a rule says.
 *
 * Context: vp_lock held.
 * Return: true when it is.
 */
bool vp_claim_is_target(const struct vp_device *rec, struct device_driver *drv)
{
	lockdep_assert_held(&vp_lock);
	return !strcmp(drv->name, vp_claim_expected(rec)) &&
	       to_pci_driver(drv)->driver_managed_dma;
}

/**
 * vp_claim_is_ours() - is an override one that we write
 * @rec: the record of the device
 * @text: what it says
 *
 * Context: vp_lock held.
 * Return: true when it is, or when there is none.
 */
bool vp_claim_is_ours(const struct vp_device *rec, const char *text)
{
	lockdep_assert_held(&vp_lock);
	if (!*text || rec->wrote[0])
		return !*text || !strcmp(text, rec->wrote);
	/* Left by an earlier load. */
	return !strcmp(text, VP_STUB) || !strcmp(text, VP_TARGET) ||
	       !strcmp(text, rec->view.target);
}

static int override_locked(struct vp_device *rec, enum vfiopolicy_state state,
			   enum vp_override_name name)
{
	char text[VP_NAME_MAX];
	bool wanted;
	int ret;

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
	strscpy(text, vp_claim_override_text(rec, name), sizeof(text));
	spin_unlock(&vp_lock);
	/* Never none by mistake. */
	if (!wanted || (!*text && name != VP_OVERRIDE_NONE))
		return -ESTALE;
	ret = vp_override_set(rec->pdev, &rec->override, text);
	if (ret)
		return ret;
	spin_lock(&vp_lock);
	strscpy(rec->wrote, text, sizeof(rec->wrote));
	spin_unlock(&vp_lock);
	return 0;
}

/**
 * vp_claim_override_is() - what the override of a device says
 * @rec: its record
 * @text: the name of a driver, or NULL
 *
 * Context: may sleep; takes device_lock on 6.1.
 * Return: true when it says just @text; where that is NULL, when it says what
 * is not ours.
 */
bool vp_claim_override_is(struct vp_device *rec, const char *text)
{
	char now[VP_NAME_MAX];
	bool is;

	vp_override_look(rec->pdev, now, sizeof(now));
	spin_lock(&vp_lock);
	is = text ? !strcmp(now, text) : !vp_claim_is_ours(rec, now);
	spin_unlock(&vp_lock);
	return is;
}

/**
 * vp_claim_override() - write the override of a device, if it is still wanted
 * @rec: its record
 * @state: where the record must be for this
 * @name: the driver
 *
 * Context: may sleep; takes device_lock, so that asking and writing are one step.
 * Return: 0; -ESTALE when the record has moved on or left the set; -ENOMEM.
 * The old override is in place after an error.
 */
int vp_claim_override(struct vp_device *rec, enum vfiopolicy_state state,
		      enum vp_override_name name)
{
	int ret;

	device_lock(&rec->pdev->dev);
	ret = override_locked(rec, state, name);
	device_unlock(&rec->pdev->dev);
	return ret;
}

/**
 * vp_claim_log() - tell the kernel log by which rule a device is claimed
 * @rec: its record, which has a rule
 *
 * Context: vp_lock held.
 */
void vp_claim_log(const struct vp_device *rec)
{
	const struct vp_entry *entry = rec->view.entry;

	lockdep_assert_held(&vp_lock);
	pr_info("%s: claimed by rule %u (%s); give it back with: vfiopolicy del %u\n",
		rec->view.address, entry->id, entry->text, entry->id);
}

/**
 * vp_claim_record() - record a device if a rule names it
 * @pdev: the device, which the caller keeps from going away
 * @pf: its PF, which the caller keeps likewise, if it is a VF
 * @why: why it must not be claimed, or none
 * @cause: why it comes now
 * @recp: set to the record with a reference for the caller, whether or not it is
 *        in the set; NULL when out of memory
 *
 * Context: may sleep; takes vp_lock.
 * Return: true when it is a new record of the set.
 */
bool vp_claim_record(struct pci_dev *pdev, struct pci_dev *pf,
		     enum vfiopolicy_reason why, enum vfiopolicy_cause cause,
		     struct vp_device **recp)
{
	struct vp_device *rec = vp_device_alloc(pdev, pf);

	*recp = rec;
	return rec && vp_device_insert(rec, why, cause);
}

/**
 * vp_claim_note_missed() - a device could not be recorded
 *
 * From here on, whoever would bind one is looked at once more: see notify().
 *
 * Context: any.
 */
void vp_claim_note_missed(void)
{
	WRITE_ONCE(missed, true);
}

/* No memory for a record: then the override alone keeps every driver off. */
static void without_record(struct pci_dev *pdev, enum vfiopolicy_reason why)
{
	struct vp_override none = {};
	int ret;

	vp_claim_note_missed();
	ret = why ? 0 : vp_override_set(pdev, &none, VP_STUB);
	pr_err("%s: no memory to claim it: %s\n", pci_name(pdev),
	       ret ? "it is open to every driver" :
		     "it stays without a driver");
}

/**
 * vp_claim_free() - claim a device that no driver has, if a rule names it
 * @pdev: the device, which the caller keeps from going away
 * @pf: its PF, which the caller keeps likewise, if it is a VF
 *
 * Context: device_lock held; may sleep, but waits for no driver. For a VF, the
 * caller makes it known or holds the device_lock of its PF, too.
 */
void vp_claim_free(struct pci_dev *pdev, struct pci_dev *pf)
{
	enum vfiopolicy_reason why;
	struct vp_device *rec;
	struct vp_facts facts;
	enum vp_want want;
	bool with;
	int ret;

	device_lock_assert(&pdev->dev);
	vp_facts_read(pdev, pf, &facts, vp_rules_ask_dsn());
	want = vp_with_want(pdev, &facts, &with);
	if (want == VP_WANT_NATIVE)
		return;

	why = pf && pf_is_vfio(pf) ? VFIOPOLICY_REASON_VFIO_PF : never(pdev);
	/* What shares a slot or a group with a device is not a bridge's fault. */
	if (with && why == VFIOPOLICY_REASON_BRIDGE)
		return;
	if (!vp_claim_record(pdev, pf, why, VFIOPOLICY_CAUSE_APPEARED, &rec)) {
		if (rec) {
			vp_device_put(rec);
		} else {
			if (want != VP_WANT_NOTICE)
				without_record(pdev, why);
			return;
		}
		/* A walk was quicker, or the rule has just gone. */
		rec = vp_device_find(pdev);
		if (!rec)
			return;
	}

	/* A walk does not look at all that may be against it. */
	ret = why ? -ESTALE : override_locked(rec, VFIOPOLICY_STATE_MATCHED,
					      VP_OVERRIDE_STUB);
	spin_lock(&vp_lock);
	/* Also to find out that it is leaving, where it is not just coming. */
	vp_handoff_kick(rec, ret == -ENOMEM ? 0 : SETTLE_DELAY);
	if (rec->view.status.state == VFIOPOLICY_STATE_MATCHED && rec->linked) {
		/* Unless its rule has gone since then. */
		rec->view.claimed = !ret && !vp_device_goes_home(rec);
		if (rec->view.claimed)
			vp_claim_log(rec);
		else if (ret == -ENOMEM)
			vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
					      VFIOPOLICY_REASON_NO_MEMORY);
		else if (why)
			vp_device_move_locked(rec, VFIOPOLICY_STATE_NATIVE, why);
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
	char now[VP_NAME_MAX];
	bool handed;

	device_lock_assert(&rec->pdev->dev);
	vp_device_note_bound(rec);
	if (!strcmp(name, VP_STUB))
		return; /* the stub's probe has seen to it */
	vp_override_read(rec->pdev, now, sizeof(now));

	spin_lock(&vp_lock);
	if (!rec->linked)
		goto out;
	handed = rec->view.status.state == VFIOPOLICY_STATE_HANDING_OFF;
	if (vp_claim_is_target(rec, rec->pdev->dev.driver) &&
	    (handed || vp_device_want(rec) == VP_WANT_TARGET)) {
		to = VFIOPOLICY_STATE_ISOLATED;
		reason = VFIOPOLICY_REASON_NONE;
	} else if (rec->view.claimed ||
		   rec->view.status.state == VFIOPOLICY_STATE_LOST) {
		to = VFIOPOLICY_STATE_LOST;
		reason = VFIOPOLICY_REASON_FOREIGN_DRIVER;
	} else {
		to = VFIOPOLICY_STATE_NATIVE;
		reason = VFIOPOLICY_REASON_NATIVE_DRIVER;
	}
	if (to != VFIOPOLICY_STATE_ISOLATED && rec->take_over)
		reason = VFIOPOLICY_REASON_TAKING_OVER;
	switch (rec->view.status.state) {
	case VFIOPOLICY_STATE_MATCHED:
	case VFIOPOLICY_STATE_HANDING_OFF:
	case VFIOPOLICY_STATE_LOST:
		if (to != VFIOPOLICY_STATE_ISOLATED || !handed)
			rec->view.cause = VFIOPOLICY_CAUSE_DRIVER;
		/* Somebody else may have bound the target, by his override. */
		if (to == VFIOPOLICY_STATE_ISOLATED && !rec->view.claimed) {
			rec->view.claimed = true;
			vp_claim_log(rec);
		}
		if (to == VFIOPOLICY_STATE_ISOLATED && !strcmp(now, name))
			strscpy(rec->wrote, now, sizeof(rec->wrote));
		vp_device_move_locked(rec, to, reason);
		/*
		 * The rule may have gone on the way, somebody else may have
		 * bound the target without the override, or another driver may
		 * have been quicker than a request to take it over.
		 */
		if (to == VFIOPOLICY_STATE_ISOLATED || rec->take_over)
			vp_handoff_kick(rec, handed ? USER_DELAY : 0);
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
		rec->view.adopted = false;
		rec->view.cause = VFIOPOLICY_CAUSE_DRIVER;
		vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
				      VFIOPOLICY_REASON_UNBOUND);
		/* Brought back, but not at once: removals begin so too. */
		vp_handoff_kick(rec, SETTLE_DELAY);
		break;
	case VFIOPOLICY_STATE_NATIVE:
	case VFIOPOLICY_STATE_LOST:
		if (vp_device_goes_home(rec) || vp_drift_yielded(rec))
			break;
		/*
		 * Free at last: now the rule can have it. Not at once, for
		 * this is also how the removal of a device begins.
		 */
		vp_handoff_kick(rec, SETTLE_DELAY);
		/* What is never claimed is not by another driver's going. */
		if (rec->view.status.reason == VFIOPOLICY_REASON_VFIO_PF ||
		    vp_claim_never_kind(rec->pdev))
			break;
		/* What had been claimed is so again. */
		rec->view.claimed =
			rec->view.status.state == VFIOPOLICY_STATE_LOST;
		if (!rec->take_over)
			rec->view.cause = VFIOPOLICY_CAUSE_DRIVER;
		vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
				      VFIOPOLICY_REASON_NONE);
		break;
	default:
		break; /* on its way by our own hand */
	}
out:
	spin_unlock(&vp_lock);
}

/* Some device could not be recorded when it came: perhaps this one. */
static struct vp_device *look_once_more(struct pci_dev *pdev)
{
	struct pci_dev *pf = vp_facts_get_pf(pdev);

	device_lock_assert(&pdev->dev);
	if (!pdev->is_virtfn) {
		vp_claim_free(pdev, NULL);
	} else if (pf && device_trylock(&pf->dev)) {
		vp_claim_free(pdev, pf);
		device_unlock(&pf->dev);
	} else {
		/* Perhaps this very task has the lock, making VFs known. */
		vp_walk_missed(pdev);
	}
	pci_dev_put(pf);
	return vp_device_find(pdev);
}

/* With its driver still there. A module that goes is not to be loaded again. */
static void unbinding(const struct device_driver *drv)
{
	if (drv && drv->owner && drv->owner->state == MODULE_STATE_GOING)
		vp_target_going(drv->owner);
}

static int notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);
	struct vp_device *rec;

	/* Whether or not a rule names it: it may share a group with one. */
	vp_group_note(&pdev->dev, action);
	if (action == BUS_NOTIFY_ADD_DEVICE) {
		vp_walk_added(pdev);
		return NOTIFY_OK;
	}
	if (action == BUS_NOTIFY_UNBIND_DRIVER)
		unbinding(pdev->dev.driver);
	if (action == BUS_NOTIFY_REMOVED_DEVICE ||
	    action == BUS_NOTIFY_UNBIND_DRIVER)
		return NOTIFY_DONE;

	rec = vp_device_find(pdev);
	if (!rec && action == BUS_NOTIFY_BIND_DRIVER && READ_ONCE(missed))
		rec = look_once_more(pdev);
	if (!rec)
		return NOTIFY_DONE;
	if (action == BUS_NOTIFY_BIND_DRIVER)
		vp_drift_bind(rec);
	else if (action == BUS_NOTIFY_DRIVER_NOT_BOUND)
		vp_drift_not_bound(rec);
	else if (action == BUS_NOTIFY_BOUND_DRIVER)
		bound(rec);
	else if (action == BUS_NOTIFY_UNBOUND_DRIVER)
		unbound(rec);
	else if (action == BUS_NOTIFY_DEL_DEVICE)
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
	bool framebuffer, mine = false;

	if (!rec)
		return -ENODEV;

	/*
	 * Firmware leaves bus mastering on. Off before anybody is told that
	 * the device is held; vfio turns it on when a user opens the device.
	 */
	pci_clear_master(pdev);
	pci_set_drvdata(pdev, NULL);
	vp_device_note_bound(rec);
	framebuffer = vp_power_framebuffer(pdev);

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
	rec->view.framebuffer = framebuffer;
	vp_device_move_locked(rec, VFIOPOLICY_STATE_HELD, reason);
	if (!rec->view.claimed)
		vp_claim_log(rec);
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
	vp_power_wake(pdev);
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
		.pm = &vp_power_ops,
	},
};

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
 * @boot: as of vp_walk_start()
 *
 * In this order every device is seen: one that comes before the notifier is
 * there for the walk, one that comes after is there for the notifier, and one
 * that both see gets one record.
 *
 * Context: may sleep; module init.
 * Return: 0 or the errno of the registration.
 */
int vp_claim_start(bool boot)
{
	int ret = bus_register_notifier(&pci_bus_type, &bus_nb);

	if (ret)
		return ret;
	vp_walk_start(boot);
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
 * Context: may sleep; after vp_device_freeze(). Work items may still run: what
 * they would bring to the stub ends the same way.
 */
void vp_claim_unregister_stub(void)
{
	pci_unregister_driver(&stub);
}
