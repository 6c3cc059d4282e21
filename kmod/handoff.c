// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one work item of a device, which brings it to where its rule wants it:
 *
 *	on the bus -> stub	the rule came after the device
 *	stub -> target		hand-off
 *	target -> stub, stub -> the host's own drivers	release.c
 *	another driver -> stub	when somebody asks for it: request.c
 *
 * It looks at where the device is and where it should be, goes one step, and
 * is queued again by what the step brings about. So the latest wish wins, a
 * wish said twice costs nothing, and a device whose driver hangs delays only
 * itself and what shares its IOMMU group, and others only once VP_WORKERS of them
 * hang at a time.
 *
 * The override always goes first: while a driver is taken away, none but the
 * one named by the override, or none at all, can have the device.
 */
#include <linux/iommu.h>
#include <linux/pci.h>

#include "vfiopolicy.h"

/* How many devices may be on their way, or stuck, at a time. */
#define VP_WORKERS	64
/* After a failure: three more tries, one, two and four seconds later. */
#define VP_TRIES	3

static struct workqueue_struct *workqueue;

/* Those that a target's probe may have at this moment; guarded by vp_lock. */
static LIST_HEAD(handing);

/**
 * vp_handoff_kick() - have the work item of a device look at it
 * @rec: its record
 * @delay: in jiffies; 0 also forgets the tries that were in vain
 *
 * Context: vp_lock held.
 */
void vp_handoff_kick(struct vp_device *rec, unsigned long delay)
{
	unsigned long due = jiffies + delay;

	lockdep_assert_held(&vp_lock);
	if (!rec->linked || vp_device_frozen())
		return;
	if (!delay)
		rec->tries = 0;
	/* Never later than it would run anyway. */
	if (delayed_work_pending(&rec->work) && !time_after(rec->due, due))
		return;
	rec->due = due;
	vp_device_get(rec);
	/* Never the last reference: the set has one. */
	if (mod_delayed_work(workqueue, &rec->work, delay))
		vp_device_put(rec);
}

/**
 * vp_handoff_try_later() - say why a device stays where it is, and try again
 * @rec: its record
 * @state: where it stays
 * @reason: why
 *
 * A bounded number of times; without a bound, but ever more seldom, where only
 * a user's leave is waited for, of which nobody is told.
 *
 * Context: takes vp_lock.
 */
void vp_handoff_try_later(struct vp_device *rec, enum vfiopolicy_state state,
			  enum vfiopolicy_reason reason)
{
	spin_lock(&vp_lock);
	if (rec->linked && rec->view.status.state == state) {
		vp_device_move_locked(rec, state, reason);
		if (rec->tries < VP_TRIES || reason == VFIOPOLICY_REASON_IN_USE) {
			rec->view.cause = VFIOPOLICY_CAUSE_RETRY;
			vp_handoff_kick(rec, HZ << min(rec->tries, 5u));
		} else {
			/* Nor shall it be taken when nobody expects it any more. */
			rec->take_over = false;
		}
		rec->tries++;
	}
	spin_unlock(&vp_lock);
}

/**
 * vp_handoff_is_bound() - is this driver, and no other, bound
 * @rec: the record of the device; what it knows is brought up to date
 * @name: the driver
 *
 * Context: may sleep; takes device_lock and vp_lock.
 * Return: true when it is.
 */
bool vp_handoff_is_bound(struct vp_device *rec, const char *name)
{
	struct device *dev = &rec->pdev->dev;
	bool is;

	device_lock(dev);
	vp_device_note_bound(rec);
	is = dev->driver && !strcmp(dev->driver->name, name);
	device_unlock(dev);
	return is;
}

/* The target has it already, by somebody else's hand. Its override says @now. */
static void adopt(struct vp_device *rec, const char *now)
{
	device_lock_assert(&rec->pdev->dev);
	lockdep_assert_held(&vp_lock);
	if (!strcmp(now, rec->pdev->dev.driver->name))
		strscpy(rec->wrote, now, sizeof(rec->wrote));
	rec->view.adopted = true;
	rec->view.claimed = true;
	/* To be kept. */
	vp_handoff_kick(rec, 0);
	vp_device_move_locked(rec, VFIOPOLICY_STATE_ISOLATED,
			      VFIOPOLICY_REASON_NONE);
}

/* Is it with its target, and is that where it is to be? */
static bool has_target(const struct vp_device *rec)
{
	struct device_driver *drv = rec->pdev->dev.driver;

	device_lock_assert(&rec->pdev->dev);
	lockdep_assert_held(&vp_lock);
	return drv && vp_device_want(rec) == VP_WANT_TARGET &&
	       vp_claim_is_target(rec, drv);
}

/*
 * Somebody has the device already: then the target is adopted, and any other
 * driver is left alone. Return: false when the device is free.
 */
static bool is_taken(struct vp_device *rec)
{
	struct device *dev = &rec->pdev->dev;
	char now[VP_NAME_MAX];
	bool taken, lost;

	device_lock(dev);
	vp_device_note_bound(rec);
	taken = dev->driver;
	vp_override_read(rec->pdev, now, sizeof(now));
	if (!taken || !strcmp(dev->driver->name, VP_STUB))
		goto out;
	spin_lock(&vp_lock);
	if (!rec->linked || rec->view.status.state != VFIOPOLICY_STATE_MATCHED)
		goto out_unlock;
	if (has_target(rec)) {
		adopt(rec, now);
		goto out_unlock;
	}
	lost = rec->view.claimed;
	rec->view.adopted = false;
	rec->view.claimed = false;
	/* To be taken from it, as was asked. */
	if (rec->take_over)
		vp_handoff_kick(rec, 0);
	if (lost)
		vp_device_move_locked(rec, VFIOPOLICY_STATE_LOST,
				      rec->take_over ?
				      VFIOPOLICY_REASON_TAKING_OVER :
				      VFIOPOLICY_REASON_FOREIGN_DRIVER);
	else
		vp_device_move_locked(rec, VFIOPOLICY_STATE_NATIVE,
				      rec->take_over ?
				      VFIOPOLICY_REASON_TAKING_OVER :
				      VFIOPOLICY_REASON_NATIVE_DRIVER);
out_unlock:
	spin_unlock(&vp_lock);
out:
	device_unlock(dev);
	return taken;
}

/* To whoever has it, or wrote his name on it. */
static void leave(struct vp_device *rec, enum vfiopolicy_reason why)
{
	bool lost;

	spin_lock(&vp_lock);
	if (rec->linked &&
	    rec->view.status.state == VFIOPOLICY_STATE_MATCHED) {
		lost = rec->view.claimed &&
		       why == VFIOPOLICY_REASON_FOREIGN_OVERRIDE;
		rec->view.claimed = false;
		vp_device_move_locked(rec, lost ? VFIOPOLICY_STATE_LOST :
						  VFIOPOLICY_STATE_NATIVE, why);
	}
	spin_unlock(&vp_lock);
}

/**
 * vp_handoff_take() - from the bus to the stub
 * @rec: the record of the device
 *
 * Context: work item of the device; may sleep.
 */
void vp_handoff_take(struct vp_device *rec)
{
	enum vfiopolicy_reason why;
	int ret;

	/* Its name may be on the device, from an earlier load. */
	vp_target_guess(rec);
	why = vp_claim_never(rec);
	if (why) {
		leave(rec, why);
		vp_handoff_is_bound(rec, VP_STUB);
		/* A record that a walk made of a device just leaving ends by this. */
		vp_handoff_try_later(rec, VFIOPOLICY_STATE_NATIVE, why);
	} else if (!is_taken(rec)) {
		ret = vp_claim_override(rec, VFIOPOLICY_STATE_MATCHED,
					VP_OVERRIDE_STUB);
		if (ret == -ENOMEM)
			vp_handoff_try_later(rec, VFIOPOLICY_STATE_MATCHED,
					     VFIOPOLICY_REASON_NO_MEMORY);
		if (ret)
			return;
		/* The stub's probe takes it from here. */
		if (device_attach(&rec->pdev->dev) <= 0 && !is_taken(rec))
			vp_handoff_try_later(rec, VFIOPOLICY_STATE_MATCHED,
					     VFIOPOLICY_REASON_NOT_PROBED);
	}
	/*
	 * A native driver that was there, or that was quicker than the
	 * override, keeps the device, and not with the stub's name on it. Nor
	 * is that left on what must not be claimed.
	 */
	if (vp_claim_override_is(rec, VP_STUB))
		vp_claim_override(rec, VFIOPOLICY_STATE_NATIVE, VP_OVERRIDE_NONE);
}

/* With its target. */
static void keep(struct vp_device *rec)
{
	const enum vfiopolicy_state state = VFIOPOLICY_STATE_ISOLATED;

	bool in_use;

	vp_device_move(rec, state, state, VFIOPOLICY_REASON_NONE);
	vp_power_own(rec);
	vp_target_expect(rec);
	spin_lock(&vp_lock);
	in_use = vp_device_in_use(rec);
	spin_unlock(&vp_lock);
	/* A user's reset fails when somebody has device_lock. */
	if (!in_use)
		vp_drift_repair(rec, state, VP_OVERRIDE_TARGET);
}

/*
 * Where a rule expects something else: the host's, and said to be. What an
 * earlier load of this module left on it must go.
 */
static void notice(struct vp_device *rec, enum vfiopolicy_state state)
{
	struct device *dev = &rec->pdev->dev;
	char now[VP_NAME_MAX];
	bool claimed, driven;

	device_lock(dev);
	vp_device_note_bound(rec);
	driven = dev->driver;
	vp_override_read(rec->pdev, now, sizeof(now));
	device_unlock(dev);

	spin_lock(&vp_lock);
	claimed = *now && vp_claim_is_ours(rec, now);
	if (rec->linked && rec->view.status.state == state &&
	    vp_device_want(rec) == VP_WANT_NOTICE) {
		rec->view.claimed = false;
		rec->view.adopted = false;
		if (claimed && !driven) {
			vp_device_move_locked(rec, VFIOPOLICY_STATE_MATCHED,
					      VFIOPOLICY_REASON_CHANGED);
			vp_handoff_kick(rec, 0);
		} else {
			vp_device_move_locked(rec, VFIOPOLICY_STATE_NATIVE,
					      VFIOPOLICY_REASON_CHANGED);
		}
	}
	spin_unlock(&vp_lock);
	if (!driven)
		vp_handoff_try_later(rec, VFIOPOLICY_STATE_NATIVE,
				     VFIOPOLICY_REASON_CHANGED);
}

/* Where it was to be released to, unless it is wanted back by now. */
static void released(struct vp_device *rec, enum vfiopolicy_state state)
{
	spin_lock(&vp_lock);
	if (rec->linked && rec->view.status.state == state &&
	    vp_device_want(rec) == VP_WANT_RELEASED)
		vp_device_move_locked(rec, VFIOPOLICY_STATE_RELEASED,
				      VFIOPOLICY_REASON_NONE);
	spin_unlock(&vp_lock);
}

/*
 * Left alone so far: is it free now, is it to be taken from its driver, or has
 * it gone meanwhile?
 */
static void look_again(struct vp_device *rec, enum vfiopolicy_state state)
{
	enum vfiopolicy_reason why = VFIOPOLICY_REASON_NONE;
	struct device *dev = &rec->pdev->dev;
	bool asked, driven, target, yielded;
	char now[VP_NAME_MAX];

	vp_target_guess(rec);
	/* Who asks later than this has queued the next look. */
	asked = vp_request_asked(rec);
	if (state != VFIOPOLICY_STATE_LOST)
		why = vp_claim_never(rec);
	device_lock(dev);
	vp_device_note_bound(rec);
	driven = dev->driver;
	vp_override_read(rec->pdev, now, sizeof(now));
	spin_lock(&vp_lock);
	target = has_target(rec);
	/* Its rule wanted it elsewhere when that came, and now wants it there. */
	if (target && rec->linked &&
	    rec->view.status.state == VFIOPOLICY_STATE_LOST)
		adopt(rec, now);
	spin_unlock(&vp_lock);
	device_unlock(dev);

	spin_lock(&vp_lock);
	yielded = vp_drift_yielded(rec);
	/* Asked for, or free again: what somebody wrote on it does not count. */
	if (state == VFIOPOLICY_STATE_LOST && !yielded && !driven)
		rec->view.claimed = true;
	/* Its rule went and came while it was to be taken: nobody asks now. */
	if (rec->linked && !rec->take_over &&
	    rec->view.status.state == VFIOPOLICY_STATE_LOST &&
	    rec->view.status.reason == VFIOPOLICY_REASON_TAKING_OVER)
		vp_device_move_locked(rec, VFIOPOLICY_STATE_LOST,
				      VFIOPOLICY_REASON_FOREIGN_DRIVER);
	spin_unlock(&vp_lock);
	if (yielded)
		return;

	if (!why && (!driven || target)) {
		/* With its target it is adopted. */
		if (vp_device_move(rec, state, VFIOPOLICY_STATE_MATCHED,
				   VFIOPOLICY_REASON_NONE))
			vp_handoff_take(rec);
		return;
	}
	/* Still, for a release may have come. */
	if (asked && vp_request_asked(rec)) {
		vp_request_take_over(rec, state, why);
		return;
	}
	/* It may have been the host's for another reason so far. */
	spin_lock(&vp_lock);
	if (rec->linked && !rec->take_over &&
	    rec->view.status.state == VFIOPOLICY_STATE_NATIVE)
		vp_device_move_locked(rec, VFIOPOLICY_STATE_NATIVE,
				      why ?: VFIOPOLICY_REASON_NATIVE_DRIVER);
	asked = rec->take_over;
	spin_unlock(&vp_lock);
	if (driven || asked)
		return;
	/* A record that a walk made of a device just leaving ends by this. */
	spin_lock(&vp_lock);
	why = rec->view.status.reason;
	spin_unlock(&vp_lock);
	vp_handoff_try_later(rec, state, why);
}

static void kick(struct vp_device *rec, unsigned long delay)
{
	spin_lock(&vp_lock);
	vp_handoff_kick(rec, delay);
	spin_unlock(&vp_lock);
}

static bool is_isolated(struct vp_device *rec)
{
	bool is;

	spin_lock(&vp_lock);
	is = rec->view.status.state == VFIOPOLICY_STATE_ISOLATED;
	spin_unlock(&vp_lock);
	return is;
}

/*
 * Probing was deferred: the notification of BOUND or NOT_BOUND ends that, unless
 * the core has forgotten it, or it is in vain.
 */
static void deferred(struct vp_device *rec, enum vp_want want)
{
	struct device *dev = &rec->pdev->dev;

	device_lock(dev);
	if (!dev->driver &&
	    vp_device_move(rec, VFIOPOLICY_STATE_HANDING_OFF,
			   VFIOPOLICY_STATE_MATCHED,
			   want == VP_WANT_TARGET ?
			   VFIOPOLICY_REASON_TARGET_REFUSED :
			   VFIOPOLICY_REASON_NONE))
		kick(rec, 0);
	device_unlock(dev);
}

/*
 * Has it the turn of its IOMMU group? vfio makes one object for a group, by the first
 * probe of one of its devices, and that of 6.1 stumbles over two that do it at a time
 * (vfio_create_group()). Whoever has it looks after the others when it is done.
 */
static bool takes_turn(struct vp_device *rec)
{
	struct vp_device *other;

	lockdep_assert_held(&vp_lock);
	list_for_each_entry(other, &handing, handing) {
		if (other->group == rec->group) {
			other->awaited = true;
			rec->waits = true;
			/* What was in the way before is not any more. */
			vp_device_move_locked(rec, VFIOPOLICY_STATE_HELD,
					      VFIOPOLICY_REASON_NONE);
			return false;
		}
	}
	rec->waits = false;
	list_add_tail(&rec->handing, &handing);
	return true;
}

static void ends_turn(struct vp_device *rec)
{
	bool awaited;

	spin_lock(&vp_lock);
	list_del_init(&rec->handing);
	awaited = rec->awaited;
	rec->awaited = false;
	spin_unlock(&vp_lock);
	if (awaited)
		vp_device_kick_next(rec->group);
}

/*
 * Between the stub and the target the override already names the target, so that no
 * third driver can match; if the target will not have the device, it comes back to
 * the stub.
 */
static void hand_over(struct vp_device *rec, const char *target)
{
	struct device *dev = &rec->pdev->dev;
	enum vfiopolicy_state back;
	int ret;

	if (vp_claim_override(rec, VFIOPOLICY_STATE_HANDING_OFF,
			      VP_OVERRIDE_TARGET)) {
		/* Root may have unbound the stub, which went unheard by now. */
		device_lock(dev);
		back = dev->driver ? VFIOPOLICY_STATE_HELD :
				     VFIOPOLICY_STATE_MATCHED;
		vp_device_move(rec, VFIOPOLICY_STATE_HANDING_OFF, back,
			       VFIOPOLICY_REASON_NO_MEMORY);
		device_unlock(dev);
		vp_handoff_try_later(rec, back, VFIOPOLICY_REASON_NO_MEMORY);
		return;
	}

	/* Only ever our own stub: root may have been at it meanwhile. */
	if (vp_handoff_is_bound(rec, VP_STUB))
		device_release_driver(dev);
	ret = device_attach(dev);
	/* Not to be in the way of a user who has been told already. */
	if (is_isolated(rec))
		return;
	if (vp_handoff_is_bound(rec, target)) {
		/* Unless the notification of BOUND has said so already. */
		vp_device_move(rec, VFIOPOLICY_STATE_HANDING_OFF,
			       VFIOPOLICY_STATE_ISOLATED, VFIOPOLICY_REASON_NONE);
		return;
	}
	if (ret == -EPROBE_DEFER) {
		/* Suspend or shutdown: the core comes back, BOUND decides. */
		vp_device_move(rec, VFIOPOLICY_STATE_HANDING_OFF,
			       VFIOPOLICY_STATE_HANDING_OFF,
			       VFIOPOLICY_REASON_DEFERRED);
		/* After a suspend, at the latest, it is looked at again. */
		kick(rec, 2 * HZ);
		return;
	}

	vp_claim_override(rec, VFIOPOLICY_STATE_HANDING_OFF, VP_OVERRIDE_STUB);
	ret = device_attach(dev);
	/* Usually held by now; if not even the stub could have it, say so. */
	vp_device_move(rec, VFIOPOLICY_STATE_HANDING_OFF,
		       VFIOPOLICY_STATE_MATCHED, VFIOPOLICY_REASON_TARGET_REFUSED);
	vp_handoff_try_later(rec, ret > 0 ? VFIOPOLICY_STATE_HELD :
					    VFIOPOLICY_STATE_MATCHED,
			     VFIOPOLICY_REASON_TARGET_REFUSED);
	/* After the last try nobody else would. */
	vp_power_rest(rec);
}

/* From the stub to the target. */
static void hand_off(struct vp_device *rec)
{
	char target[VP_NAME_MAX];
	bool begun;

	if (!vp_handoff_is_bound(rec, VP_STUB))
		return;
	/* vfio-pci would take it only in its unsafe mode; we never ask. */
	if (!rec->group) {
		vp_device_move(rec, VFIOPOLICY_STATE_HELD, VFIOPOLICY_STATE_HELD,
			       VFIOPOLICY_REASON_NO_IOMMU_GROUP);
		return;
	}
	if (!vp_target_is_there(rec, target, sizeof(target)))
		return;
	/* Whatever rule comes from here on, it ends with this one. */
	spin_lock(&vp_lock);
	begun = rec->linked && !strcmp(rec->view.target, target) &&
		rec->view.status.state == VFIOPOLICY_STATE_HELD &&
		vp_device_want(rec) == VP_WANT_TARGET && takes_turn(rec);
	if (begun) {
		strscpy(rec->handing_to, target, sizeof(rec->handing_to));
		vp_device_move_locked(rec, VFIOPOLICY_STATE_HANDING_OFF,
				      VFIOPOLICY_REASON_NONE);
	}
	spin_unlock(&vp_lock);
	if (!begun)
		return;
	hand_over(rec, target);
	ends_turn(rec);
}

static void held(struct vp_device *rec, enum vp_want want,
		 enum vfiopolicy_reason stays)
{
	const enum vfiopolicy_state state = VFIOPOLICY_STATE_HELD;

	if (want < VP_WANT_STUB) {
		vp_release_from_stub(rec);
		return;
	}
	vp_power_own(rec);
	vp_power_rest(rec);
	vp_drift_repair(rec, state, VP_OVERRIDE_STUB);
	if (want == VP_WANT_STUB)
		vp_device_move(rec, state, state, stays);
	else if (!vp_drift_override(rec))
		hand_off(rec);
}

/**
 * vp_handoff_work() - the work item of a device
 * @work: embedded in its record; comes with a reference on that
 *
 * Context: may sleep for as long as a driver's probe or remove takes.
 */
void vp_handoff_work(struct work_struct *work)
{
	struct vp_device *rec = container_of(to_delayed_work(work),
					     struct vp_device, work);
	enum vfiopolicy_reason stays, reason;
	enum vfiopolicy_state state;
	bool linked, elsewhere;
	enum vp_want want;

	/* Recorded by a walk that was overtaken by its removal. */
	if (!device_is_registered(&rec->pdev->dev))
		vp_device_unlink(rec, VFIOPOLICY_STATE_GONE);

	spin_lock(&vp_lock);
	rec->asked_anew = false;
	linked = rec->linked;
	state = rec->view.status.state;
	reason = rec->view.status.reason;
	want = vp_device_want(rec);
	stays = vp_device_held_reason(rec);
	elsewhere = vp_device_is_elsewhere(rec);
	spin_unlock(&vp_lock);
	if (!linked)
		goto out;

	switch (state) {
	case VFIOPOLICY_STATE_MATCHED:
		if (want >= VP_WANT_STUB)
			vp_handoff_take(rec);
		else
			vp_release_free(rec);
		break;
	case VFIOPOLICY_STATE_HELD:
		held(rec, want, stays);
		break;
	case VFIOPOLICY_STATE_ISOLATED:
		if (want != VP_WANT_TARGET || elsewhere)
			vp_release_from_target(rec);
		else
			keep(rec);
		break;
	case VFIOPOLICY_STATE_NATIVE:
	case VFIOPOLICY_STATE_LOST:
	case VFIOPOLICY_STATE_RELEASED:
		vp_power_disown(rec);
		if (want == VP_WANT_NATIVE)
			vp_device_unlink(rec, VFIOPOLICY_STATE_RELEASED);
		else if (want == VP_WANT_NOTICE)
			notice(rec, state);
		else if (want == VP_WANT_RELEASED)
			released(rec, state);
		else
			look_again(rec, state);
		break;
	default:
		if (reason == VFIOPOLICY_REASON_DEFERRED)
			deferred(rec, want);
		break;
	}
	vp_device_tell_rule(rec);
out:
	vp_device_put(rec);
}

/**
 * vp_handoff_queue() - run other work where it waits while the host is suspended
 * @work: the work item
 * @delay: in jiffies
 *
 * Context: any; between vp_handoff_start() and vp_handoff_stop().
 * Return: false when it was queued already.
 */
bool vp_handoff_queue(struct delayed_work *work, unsigned long delay)
{
	return queue_delayed_work(workqueue, work, delay);
}

/**
 * vp_handoff_queue_work() - the same at once
 * @work: the work item
 *
 * Context: any; between vp_handoff_start() and vp_handoff_stop().
 * Return: false when it was queued already.
 */
bool vp_handoff_queue_work(struct work_struct *work)
{
	return queue_work(workqueue, work);
}

/**
 * vp_handoff_start() - the workqueue
 *
 * Context: may sleep; module init.
 * Return: 0 or -ENOMEM.
 */
int vp_handoff_start(void)
{
	/* Freezable: nothing is bound or unbound while the host is suspended. */
	workqueue = alloc_workqueue("vfiopolicy", WQ_UNBOUND | WQ_FREEZABLE,
				    VP_WORKERS);
	if (!workqueue)
		return -ENOMEM;
	vp_target_start();
	return 0;
}

/**
 * vp_handoff_stop() - end all work and forget all devices
 *
 * The devices stay where they are, with their overrides: fail closed.
 *
 * Context: may sleep for as long as work that is running takes; after
 * vp_device_freeze() and when no notification comes any more.
 */
void vp_handoff_stop(void)
{
	struct vp_device *rec;

	vp_target_stop();
	while ((rec = vp_device_first())) {
		if (cancel_delayed_work_sync(&rec->work))
			vp_device_put(rec);
		/* The next load could not tell that it was us. */
		vp_power_disown(rec);
		vp_device_unlink(rec, VFIOPOLICY_STATE_GONE);
		vp_device_put(rec);
	}
	/* Work of devices that have left the set is waited for here. */
	destroy_workqueue(workqueue);
	vp_target_free();
}
