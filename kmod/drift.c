// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drift: somebody else's hand on a device that is claimed. Root may write
 * another override, unbind, bind, or probe anew, as libvirt, driverctl and SPDK
 * do; nobody is told of the first, and of the others when they happen.
 *
 * A driver that is about to be bound against the rule is refused: the core
 * matches once more after BUS_NOTIFY_BIND_DRIVER and before it calls the
 * driver's probe (pci_device_probe() in drivers/pci/pci-driver.c), so an
 * override written in that notification decides. The device is left unbound by
 * that, and its work item brings it back. What else has drifted, that work
 * item finds when it next comes to the device. Whoever writes between the
 * notification and the second match still wins: then the device is lost, and is
 * said to be.
 *
 * A rule that says yield only has it told.
 */
#include <linux/pci.h>

#include "vfiopolicy.h"

static bool yields(const struct vp_device *rec)
{
	lockdep_assert_held(&vp_lock);
	return rec->view.entry && rec->view.entry->rule.yield;
}

/**
 * vp_drift_yielded() - has its rule let somebody else have a device
 * @rec: its record
 *
 * Context: vp_lock held.
 * Return: true when it has: the device is not taken back unless asked for.
 */
bool vp_drift_yielded(const struct vp_device *rec)
{
	lockdep_assert_held(&vp_lock);
	return rec->view.status.state == VFIOPOLICY_STATE_LOST &&
	       yields(rec) && !rec->take_over;
}

/* Is this driver one that must not have the device? */
static bool is_foreign(const struct vp_device *rec, struct device_driver *drv)
{
	lockdep_assert_held(&vp_lock);
	if (!rec->linked || vp_device_goes_home(rec) ||
	    !strcmp(drv->name, VP_STUB))
		return false;
	switch (rec->view.status.state) {
	case VFIOPOLICY_STATE_MATCHED:
	case VFIOPOLICY_STATE_HELD:
	case VFIOPOLICY_STATE_HANDING_OFF:
	case VFIOPOLICY_STATE_ISOLATED:
	case VFIOPOLICY_STATE_RELEASING:
		break;
	default:
		return false;
	}
	/* Not claimed only because it could not be looked at, or written to. */
	if (!rec->view.claimed &&
	    rec->view.status.reason != VFIOPOLICY_REASON_NO_MEMORY)
		return false;
	return !vp_claim_is_target(rec, drv) ||
	       (vp_device_want(rec) != VP_WANT_TARGET &&
		rec->view.status.state != VFIOPOLICY_STATE_HANDING_OFF);
}

/* Tells what was found, as a change of the reason or as it is. */
static void tell_found(struct vp_device *rec, const char *found,
		       enum vfiopolicy_reason reason)
{
	struct vp_status *status = &rec->view.status;

	lockdep_assert_held(&vp_lock);
	strscpy(rec->view.found, found, sizeof(rec->view.found));
	rec->view.cause = VFIOPOLICY_CAUSE_DRIVER;
	if (status->state == VFIOPOLICY_STATE_MATCHED && status->reason != reason)
		vp_device_move_locked(rec, status->state, reason);
	else
		vp_device_tell(rec, status);
}

/**
 * vp_drift_bind() - refuse a driver that must not have the device
 * @rec: the record of the device
 *
 * Context: BIND notification: device_lock held, and dev->driver is the driver
 * that will be asked next. Waits for nothing.
 */
void vp_drift_bind(struct vp_device *rec)
{
	const char *name = rec->pdev->dev.driver->name;
	const char *to = VP_STUB;
	char text[VP_NAME_MAX];
	bool veto;
	int ret;

	device_lock_assert(&rec->pdev->dev);
	spin_lock(&vp_lock);
	/* A rule yields what has been claimed, not what could not be yet. */
	veto = is_foreign(rec, rec->pdev->dev.driver) &&
	       !(rec->view.claimed && yields(rec));
	/* What others have left enabled is no user of this driver's. */
	if (!veto)
		WRITE_ONCE(rec->enabled, atomic_read(&rec->pdev->enable_cnt));
	/* Not its own name, should it be one that only has the target's. */
	if (rec->view.status.state == VFIOPOLICY_STATE_HANDING_OFF &&
	    strcmp(rec->handing_to, name))
		to = rec->handing_to;
	strscpy(text, to, sizeof(text));
	spin_unlock(&vp_lock);
	if (!veto)
		return;

	ret = vp_override_set(rec->pdev, &rec->override, text);
	spin_lock(&vp_lock);
	if (rec->linked) {
		if (!ret) {
			strscpy(rec->wrote, text, sizeof(rec->wrote));
			vp_device_count_veto();
			/* By this it is: the next one is refused, too. */
			if (!rec->view.claimed && rec->view.entry)
				vp_claim_log(rec);
			rec->view.claimed = true;
		}
		tell_found(rec, name, VFIOPOLICY_REASON_VETOED);
	}
	spin_unlock(&vp_lock);
	if (ret)
		pr_err_ratelimited("%s: no memory to keep %s from it\n",
				   pci_name(rec->pdev), name);
	else
		pr_warn_ratelimited("%s: driver %s is kept from it, since a rule has it\n",
				    pci_name(rec->pdev), name);
}

/**
 * vp_drift_not_bound() - bring back what has been left without a driver
 * @rec: the record of the device
 *
 * Context: NOT_BOUND notification: device_lock held.
 */
void vp_drift_not_bound(struct vp_device *rec)
{
	const struct vp_status *status = &rec->view.status;

	spin_lock(&vp_lock);
	if (status->state == VFIOPOLICY_STATE_MATCHED &&
	    status->reason == VFIOPOLICY_REASON_VETOED) {
		/* Somebody who tries again each time must not keep us busy. */
		vp_handoff_kick(rec, rec->vetoed_at &&
				time_before(jiffies, rec->vetoed_at + HZ) ?
				HZ / 4 : 0);
		rec->vetoed_at = jiffies ?: 1;
	} else if (rec->linked &&
		   status->state == VFIOPOLICY_STATE_HANDING_OFF &&
		   status->reason == VFIOPOLICY_REASON_DEFERRED) {
		/* The core came back to it, and the target would not have it. */
		vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
				      VFIOPOLICY_REASON_TARGET_REFUSED);
		vp_handoff_kick(rec, HZ);
	}
	spin_unlock(&vp_lock);
}

/**
 * vp_drift_override() - look for an override that somebody else wrote
 * @rec: the record of the device
 *
 * Context: work item of the device; takes vp_lock, on 6.1 device_lock.
 * Return: %VFIOPOLICY_REASON_FOREIGN_OVERRIDE when there is one that has to be
 * left alone; none when there is none, or it may be written over, which has
 * been told then.
 */
enum vfiopolicy_reason vp_drift_override(struct vp_device *rec)
{
	char now[VP_NAME_MAX];
	bool stays = false;

	vp_override_look(rec->pdev, now, sizeof(now));
	spin_lock(&vp_lock);
	if (rec->linked && !vp_claim_is_ours(rec, now)) {
		stays = !rec->view.claimed ||
			(yields(rec) && !rec->take_over);
		/* One that stays has been told of once. */
		if (rec->view.claimed && (!stays || strcmp(rec->view.found, now)))
			tell_found(rec, now, rec->view.status.reason);
	}
	spin_unlock(&vp_lock);
	return stays ? VFIOPOLICY_REASON_FOREIGN_OVERRIDE :
		       VFIOPOLICY_REASON_NONE;
}

/**
 * vp_drift_repair() - see that the override of a device is what it should be
 * @rec: the record of the device
 * @state: held or isolated, where it was seen to be
 * @name: what the override should be
 *
 * Without it, whoever takes the driver away leaves the device to everybody. It
 * is missing where the device was adopted, or bound by somebody else's new_id.
 *
 * Context: work item of the device; may sleep.
 */
void vp_drift_repair(struct vp_device *rec, enum vfiopolicy_state state,
		     enum vp_override_name name)
{
	char text[VP_NAME_MAX];

	if (vp_drift_override(rec))
		return;
	spin_lock(&vp_lock);
	strscpy(text, vp_claim_override_text(rec, name), sizeof(text));
	spin_unlock(&vp_lock);
	if (vp_claim_override_is(rec, text)) {
		/* From here on it is ours, whoever wrote it. */
		spin_lock(&vp_lock);
		if (rec->linked && rec->view.status.state == state)
			strscpy(rec->wrote, text, sizeof(rec->wrote));
		spin_unlock(&vp_lock);
		return;
	}
	if (vp_claim_override(rec, state, name) == -ENOMEM)
		vp_handoff_try_later(rec, state, VFIOPOLICY_REASON_NO_MEMORY);
}
