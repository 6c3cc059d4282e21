// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way back: from the target or the stub to the host's own drivers, because
 * the rule has gone or somebody asked; or from the target to the stub, because
 * the rule says so now. Never under a user: a driver of vfio's waits in its
 * remove until the user has closed the device, and we with it.
 */
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "vfiopolicy.h"

/**
 * vp_release_disown() - give back the DMA of the group, if it is ours
 * @rec: the record
 *
 * Context: device_lock held; takes the group's mutex. Done when the driver
 * has gone, which is before the device may leave its group: a group that is
 * owned must not lose its last device.
 */
void vp_release_disown(struct vp_device *rec)
{
	device_lock_assert(&rec->pdev->dev);
	if (rec->owned)
		iommu_group_release_dma_owner(rec->group);
	rec->owned = false;
}

/**
 * vp_release_shut_out() - make sure that a device bound to vfio has no user
 * @rec: the record of the device
 *
 * And that none can open it until its driver is gone: unbinding vfio-pci under
 * a user waits for that user. For that the DMA of the group becomes ours, where
 * it can, until vp_release_disown().
 *
 * Context: may sleep; takes device_lock and the group's mutex.
 * Return: 0, or -EBUSY or another errno.
 */
int vp_release_shut_out(struct vp_device *rec)
{
	struct device *dev = &rec->pdev->dev;
	int ret = -EPERM;

	/* A bound driver under device_lock keeps the device in its group. */
	device_lock(dev);
	if (!dev->driver) {
		ret = 0;
	} else if (pci_num_vf(rec->pdev)) {
		/* They go with the driver of their PF, which waits for theirs. */
		ret = -EBUSY;
	} else if (rec->group) {
		ret = iommu_group_claim_dma_owner(rec->group, rec);
		rec->owned = !ret;
	}
	/*
	 * No group, or somebody else owns its DMA: a user of this device, a
	 * user of another one, or a native driver of another one. What is
	 * left to ask is whether this very device is enabled.
	 */
	if (ret == -EPERM)
		ret = vp_device_is_enabled(rec) ? -EBUSY : 0;
	device_unlock(dev);
	return ret;
}

/*
 * The DMA of the group may be owned for another device of it that is on its way
 * back too, until that has lost its driver: then no driver of the host's can have
 * this one. Not for long, so it is waited for, unless something else is wanted by
 * now. A user of another device cannot be told from that, and is not waited for
 * any longer. @home: where it was wanted.
 */
static int attach(struct vp_device *rec, bool home)
{
	unsigned int ms;
	bool still;
	int ret;

	/* Some five seconds in all. */
	for (ms = 10; ; ms *= 2) {
		ret = device_attach(&rec->pdev->dev);
		if (ret != -EBUSY || ms > 2560)
			return ret;
		msleep(ms);
		spin_lock(&vp_lock);
		still = rec->linked && !vp_device_frozen() &&
			vp_device_goes_home(rec) == home;
		spin_unlock(&vp_lock);
		if (!still)
			return 0;
	}
}

/* From no driver to the stub, or to the host's own; in state releasing. */
static void settle(struct vp_device *rec)
{
	enum vp_want want;
	bool home, stays;
	int ret = 0;

	spin_lock(&vp_lock);
	home = vp_device_goes_home(rec);
	spin_unlock(&vp_lock);

	/* An override that somebody else wrote meanwhile is theirs to clear. */
	if (home && !vp_claim_override_is(rec, NULL))
		ret = vp_claim_override(rec, VFIOPOLICY_STATE_RELEASING,
					VP_OVERRIDE_NONE);
	if (home)
		vp_power_disown(rec);
	/* No driver is an answer too: the host may have none for it. */
	if (attach(rec, home) < 0)
		pr_warn("%s: the host's driver failed to take it back\n",
			rec->view.address);
	vp_handoff_is_bound(rec, VP_STUB);

	/* A rule came and went meanwhile: the stub's name is still on it. */
	stays = !home || ret == -ESTALE;
	if (!stays && vp_device_unlink(rec, VFIOPOLICY_STATE_RELEASED))
		return;

	/* Held by now, or a rule came at the last moment, or it is only known. */
	spin_lock(&vp_lock);
	if (rec->linked &&
	    rec->view.status.state == VFIOPOLICY_STATE_RELEASING) {
		want = stays ? VP_WANT_STUB : vp_device_want(rec);
		if (want == VP_WANT_RELEASED) {
			vp_device_move_locked(rec, VFIOPOLICY_STATE_RELEASED,
					      VFIOPOLICY_REASON_NONE);
		} else if (want == VP_WANT_NOTICE) {
			rec->view.claimed = false;
			rec->view.adopted = false;
			vp_device_move_locked(rec, VFIOPOLICY_STATE_NATIVE,
					      VFIOPOLICY_REASON_CHANGED);
		} else {
			/* With a native driver it was the host's meanwhile. */
			if (home && rec->view.driver[0])
				rec->view.claimed = false;
			vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
					      VFIOPOLICY_REASON_NONE);
			vp_handoff_kick(rec, 0);
		}
	}
	spin_unlock(&vp_lock);
}

/*
 * The first step, unless the latest wish is another one.
 * Return: true when it is state releasing now.
 */
static bool begin(struct vp_device *rec, enum vfiopolicy_state from)
{
	bool done;

	spin_lock(&vp_lock);
	done = rec->linked && rec->view.status.state == from &&
	       (vp_device_goes_home(rec) ||
		(from == VFIOPOLICY_STATE_ISOLATED &&
		 (vp_device_want(rec) != VP_WANT_TARGET ||
		  vp_device_is_elsewhere(rec))));
	if (done)
		vp_device_move_locked(rec, VFIOPOLICY_STATE_RELEASING,
				      VFIOPOLICY_REASON_NONE);
	spin_unlock(&vp_lock);
	return done;
}

/*
 * May the override of the stub be written now? Not over one that somebody else
 * wrote, when the device is his from here on.
 */
static bool over_theirs(struct vp_device *rec)
{
	bool home;

	spin_lock(&vp_lock);
	home = vp_device_goes_home(rec);
	spin_unlock(&vp_lock);
	if (home)
		return !vp_claim_override_is(rec, NULL);
	/* Told, if there is one. */
	vp_drift_override(rec);
	return true;
}

/**
 * vp_release_from_target() - to wherever the rules want the device now
 * @rec: the record of the device
 *
 * Context: work item of the device; may sleep.
 */
void vp_release_from_target(struct vp_device *rec)
{
	struct device *dev = &rec->pdev->dev;
	int ret;

	ret = vp_release_shut_out(rec);
	if (!ret && !begin(rec, VFIOPOLICY_STATE_ISOLATED))
		ret = -ESTALE;
	if (!ret) {
		ret = over_theirs(rec) ?
		      vp_claim_override(rec, VFIOPOLICY_STATE_RELEASING,
					VP_OVERRIDE_STUB) : 0;
		if (!ret)
			device_release_driver(dev);
		else
			vp_device_move(rec, VFIOPOLICY_STATE_RELEASING,
				       VFIOPOLICY_STATE_ISOLATED,
				       VFIOPOLICY_REASON_NO_MEMORY);
	}
	/* The notification has seen to it, unless the driver is still there. */
	device_lock(dev);
	vp_release_disown(rec);
	device_unlock(dev);

	if (!ret)
		settle(rec);
	else if (ret != -ESTALE)
		vp_handoff_try_later(rec, VFIOPOLICY_STATE_ISOLATED,
				     ret == -EBUSY ?
				     VFIOPOLICY_REASON_IN_USE :
				     VFIOPOLICY_REASON_NO_MEMORY);
}

/**
 * vp_release_from_stub() - from the stub to the host's own drivers
 * @rec: the record of the device
 *
 * Context: work item of the device; may sleep.
 */
void vp_release_from_stub(struct vp_device *rec)
{
	if (!begin(rec, VFIOPOLICY_STATE_HELD))
		return;
	/*
	 * The override still names the stub, and the stub now refuses. When the
	 * module is being unloaded the stub may be gone already.
	 */
	if (vp_handoff_is_bound(rec, VP_STUB))
		device_release_driver(&rec->pdev->dev);
	settle(rec);
}

/**
 * vp_release_free() - what has no driver yet, to the host's own drivers
 * @rec: the record of the device
 *
 * Context: work item of the device; may sleep.
 */
void vp_release_free(struct vp_device *rec)
{
	if (begin(rec, VFIOPOLICY_STATE_MATCHED))
		settle(rec);
}
