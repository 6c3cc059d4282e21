// SPDX-License-Identifier: GPL-2.0-only
/*
 * What somebody asks for one device, while the rules stay: to have it claimed,
 * from another driver if need be, or to have it given back.
 *
 * A request only takes down the wish, under vp_lock, and wakes the device's
 * work item; the latest wish wins. Nothing here but vp_request_take_over(), a
 * step of that work item, waits for a driver.
 */
#include <linux/pci.h>

#include "compat/extack.h"
#include "vfiopolicy.h"

/* Is it still there, and the one that is meant? */
static int check(const struct vp_device *rec, u32 generation,
		 struct netlink_ext_ack *extack, const struct nlattr *attr)
{
	lockdep_assert_held(&vp_lock);
	if (!rec->linked || !rec->view.entry) {
		VP_EXTACK(extack, attr,
			  "no rule names a device at %s that is present",
			  rec->view.address);
		return -ENODEV;
	}
	if (generation && generation != rec->view.generation) {
		VP_EXTACK(extack, attr,
			  "the device at %s is another one now: generation %u",
			  rec->view.address, rec->view.generation);
		return -ESTALE;
	}
	return 0;
}

/* Is it with a driver that is neither the stub nor on its way to it? */
static bool is_with_another(const struct vp_device *rec)
{
	lockdep_assert_held(&vp_lock);
	switch (rec->view.status.state) {
	case VFIOPOLICY_STATE_NATIVE:
	case VFIOPOLICY_STATE_LOST:
	case VFIOPOLICY_STATE_RELEASED:
		return rec->view.driver[0];
	default:
		return false;
	}
}

static int may_claim(const struct vp_device *rec, struct netlink_ext_ack *extack,
		     const struct nlattr *attr)
{
	lockdep_assert_held(&vp_lock);
	if (vp_device_want_by(rec->view.entry, rec->view.fit) == VP_WANT_NOTICE) {
		VP_EXTACK(extack, attr, "the rule expects something else at %s",
			  rec->view.address);
		return -ENODEV;
	}
	if (vp_claim_never_kind(rec->pdev)) {
		VP_EXTACK(extack, attr,
			  "%s is never claimed: it is a bridge or the boot display",
			  rec->view.address);
		return -EOPNOTSUPP;
	}
	/*
	 * Its driver would take the VFs down, and wait for their users. Looked
	 * at again when it comes to it.
	 */
	if (is_with_another(rec) && pci_num_vf(rec->pdev)) {
		VP_EXTACK(extack, attr, "%s has %d VFs: its driver keeps it until they are gone",
			  rec->view.address, pci_num_vf(rec->pdev));
		return -EBUSY;
	}
	return 0;
}

/* Where its rule wants it, or as near as this host can bring it. */
static bool is_there(const struct vp_device *rec)
{
	enum vp_want want = vp_device_want_by(rec->view.entry, rec->view.fit);

	lockdep_assert_held(&vp_lock);
	switch (rec->view.status.state) {
	case VFIOPOLICY_STATE_HELD:
		return want == VP_WANT_STUB ||
		       rec->view.status.reason == VFIOPOLICY_REASON_NO_IOMMU_GROUP;
	case VFIOPOLICY_STATE_ISOLATED:
		return want == VP_WANT_TARGET && !vp_device_is_elsewhere(rec);
	default:
		return false;
	}
}

/**
 * vp_request_wish() - take down that a device is to be taken from its driver
 * @rec: its record
 *
 * Its work item does it, unless there is a reason against it, which is said.
 *
 * Context: vp_lock held.
 */
void vp_request_wish(struct vp_device *rec)
{
	enum vfiopolicy_state state = rec->view.status.state;

	lockdep_assert_held(&vp_lock);
	if (vp_device_goes_home(rec) || vp_claim_never_kind(rec->pdev))
		return;
	/* Wherever another driver has it, or may be quicker. */
	rec->take_over = state != VFIOPOLICY_STATE_HELD &&
			 state != VFIOPOLICY_STATE_HANDING_OFF &&
			 state != VFIOPOLICY_STATE_ISOLATED;
	rec->asked_anew = rec->take_over;
	/* Also without a driver: why it was left so far is not said any more. */
	if (state == VFIOPOLICY_STATE_NATIVE || state == VFIOPOLICY_STATE_LOST)
		vp_device_move_locked(rec, state, VFIOPOLICY_REASON_TAKING_OVER);
	else if (is_with_another(rec))
		vp_device_move_locked(rec, VFIOPOLICY_STATE_NATIVE,
				      VFIOPOLICY_REASON_TAKING_OVER);
}

/**
 * vp_request_claim() - bring a device to where its rule wants it
 * @rec: its record; the caller has a reference
 * @generation: what the record must have, or 0
 * @pending: set when it is not there yet
 * @extack: takes the reason of a refusal
 * @attr: the attribute that named the device
 *
 * Context: takes vp_lock.
 * Return: 0; -ENODEV when no rule names it; -ESTALE when another device is
 * there; -EOPNOTSUPP for what is never claimed; -EBUSY for a PF with VFs.
 */
int vp_request_claim(struct vp_device *rec, u32 generation, bool *pending,
		     struct netlink_ext_ack *extack, const struct nlattr *attr)
{
	bool missing = false;
	int ret;

	spin_lock(&vp_lock);
	ret = check(rec, generation, extack, attr) ?:
	      may_claim(rec, extack, attr);
	if (ret)
		goto out;
	rec->view.released = false;
	*pending = !is_there(rec);
	if (*pending) {
		rec->view.cause = VFIOPOLICY_CAUSE_REQUEST;
		vp_request_wish(rec);
		/* Also one to look for its driver again, when it comes to that. */
		vp_target_reset_locked();
	}
	missing = rec->view.status.reason == VFIOPOLICY_REASON_MODULE_MISSING;
	/* Where it is there, its override may have been written over. */
	vp_handoff_kick(rec, 0);
out:
	spin_unlock(&vp_lock);
	/* Others may wait for the same; not reset once more, which would ask twice. */
	if (missing)
		vp_device_kick_waiting(VFIOPOLICY_CAUSE_REQUEST);
	return ret;
}

/**
 * vp_request_release() - give a device back to the host, while its rule stays
 * @rec: its record; the caller has a reference
 * @generation: what the record must have, or 0
 * @pending: set when it is not there yet
 * @extack: takes the reason of a refusal
 * @attr: the attribute that named the device
 *
 * A user may come right after: then it is given back once that one has gone.
 *
 * Context: takes vp_lock.
 * Return: 0; -ENODEV when no rule names it; -ESTALE when another device is
 * there; -EBUSY while a user has it open.
 */
int vp_request_release(struct vp_device *rec, u32 generation, bool *pending,
		       struct netlink_ext_ack *extack,
		       const struct nlattr *attr)
{
	int ret;

	spin_lock(&vp_lock);
	ret = check(rec, generation, extack, attr);
	if (!ret && vp_device_user_words(rec)) {
		VP_EXTACK(extack, attr, "%s is in use: %s", rec->view.address,
			  vp_device_user_words(rec));
		ret = -EBUSY;
	}
	/* What its rule does not expect, or nobody may have, is the host's. */
	if (ret || vp_device_want(rec) == VP_WANT_NOTICE ||
	    vp_claim_never_kind(rec->pdev))
		goto out;
	/* A claim may be under way of what still is where it was released to. */
	*pending = !rec->view.released ||
		   rec->view.status.state != VFIOPOLICY_STATE_RELEASED;
	if (!*pending)
		goto out;
	rec->view.released = true;
	rec->take_over = false;
	rec->view.cause = VFIOPOLICY_CAUSE_REQUEST;
	vp_handoff_kick(rec, 0);
out:
	spin_unlock(&vp_lock);
	return ret;
}

/**
 * vp_request_asked() - is a device to be taken from its driver
 * @rec: its record
 *
 * Context: takes vp_lock.
 * Return: true when somebody asked for that.
 */
bool vp_request_asked(struct vp_device *rec)
{
	bool asked;

	spin_lock(&vp_lock);
	asked = rec->take_over;
	spin_unlock(&vp_lock);
	return asked;
}

/* Under device_lock, behind which they may just be made. */
static bool has_vfs(struct vp_device *rec)
{
	struct device *dev = &rec->pdev->dev;
	bool has;

	device_lock(dev);
	has = pci_num_vf(rec->pdev);
	device_unlock(dev);
	return has;
}

/* Why the driver that has the device keeps it, if it does. */
static enum vfiopolicy_reason keeps(struct vp_device *rec)
{
	struct device *dev = &rec->pdev->dev;
	bool vfio;

	if (has_vfs(rec))
		return VFIOPOLICY_REASON_VFS_ENABLED;
	device_lock(dev);
	vfio = dev->driver && vp_claim_is_vfio(dev->driver);
	device_unlock(dev);
	if (vfio && vp_release_shut_out(rec))
		return VFIOPOLICY_REASON_IN_USE;
	return VFIOPOLICY_REASON_NONE;
}

/* It stays where it is. */
static void give_up(struct vp_device *rec, enum vfiopolicy_reason why)
{
	enum vfiopolicy_state state;

	spin_lock(&vp_lock);
	state = rec->view.status.state;
	/* Which ends the request, unless there is a newer one. */
	if (rec->linked && (state == VFIOPOLICY_STATE_NATIVE ||
			    state == VFIOPOLICY_STATE_LOST))
		vp_device_move_locked(rec, state, why);
	spin_unlock(&vp_lock);
}

/**
 * vp_request_take_over() - from another driver to the stub
 * @rec: the record of the device
 * @state: native, lost or released, where it was seen to be
 * @why: why it cannot be claimed, or none
 *
 * The override goes first, so that no third driver can have it in between.
 *
 * Context: work item of the device; sleeps for as long as the driver's remove
 * takes.
 */
void vp_request_take_over(struct vp_device *rec, enum vfiopolicy_state state,
			  enum vfiopolicy_reason why)
{
	struct device *dev = &rec->pdev->dev;
	bool free;
	int ret = -EBUSY;

	/* What is released is the host's until here. */
	if (state == VFIOPOLICY_STATE_RELEASED) {
		if (!vp_device_move(rec, state, VFIOPOLICY_STATE_NATIVE,
				    VFIOPOLICY_REASON_TAKING_OVER))
			return;
		state = VFIOPOLICY_STATE_NATIVE;
	}
	vp_device_move(rec, state, state, VFIOPOLICY_REASON_TAKING_OVER);
	why = why ?: keeps(rec);
	if (!why) {
		ret = vp_claim_override(rec, state, VP_OVERRIDE_STUB);
		if (ret == -ENOMEM)
			why = VFIOPOLICY_REASON_NO_MEMORY;
	}
	/* Somebody may have been busy since then. No call is conditional. */
	if (!ret && has_vfs(rec)) {
		vp_claim_override(rec, state, VP_OVERRIDE_NONE);
		why = VFIOPOLICY_REASON_VFS_ENABLED;
	} else if (!ret) {
		device_release_driver(dev);
		vp_device_count_take_over();
	}
	device_lock(dev);
	vp_release_disown(rec);
	device_unlock(dev);
	if (why) {
		give_up(rec, why);
		return;
	}

	/* The notification of its going has moved it, unless there was none. */
	spin_lock(&vp_lock);
	if (!ret && rec->linked && rec->view.status.state == state)
		vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
				      VFIOPOLICY_REASON_NONE);
	free = rec->linked &&
	       rec->view.status.state == VFIOPOLICY_STATE_MATCHED;
	spin_unlock(&vp_lock);
	if (free)
		vp_handoff_take(rec);
}
