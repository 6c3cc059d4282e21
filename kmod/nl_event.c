// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what the gets tell, plus a number, the time and the cause. They reach
 * only sockets that were joined to the group by who has CAP_SYS_ADMIN in the
 * initial user namespace.
 */
#include <linux/ktime.h>

#include "nl.h"

/* The family is there, so events may be sent. Guarded by vp_lock. */
static bool sending;
/* Guarded by vp_lock. */
static struct vp_nl_counts counts;

static void drop_event(struct sk_buff *skb)
{
	lockdep_assert_held(&vp_lock);
	nlmsg_free(skb);
	counts.lost++;
	genl_set_err(&vp_nl_family, &init_net, 0, 0, -ENOBUFS);
}

/*
 * An event is numbered whether or not it can be sent, so that a loss shows as
 * a gap; where no memory is left even to say so, sockets get ENOBUFS too.
 */
static struct sk_buff *new_event(u8 cmd, void **hdr)
{
	struct sk_buff *skb;

	lockdep_assert_held(&vp_lock);
	counts.seq++;
	counts.sent++;
	if (!sending || !genl_has_listeners(&vp_nl_family, &init_net, 0))
		return NULL;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_ATOMIC);
	*hdr = skb ? genlmsg_put(skb, 0, 0, &vp_nl_family, 0, cmd) : NULL;
	if (!*hdr)
		drop_event(skb);
	return *hdr ? skb : NULL;
}

static void send_event(struct sk_buff *skb, void *hdr)
{
	genlmsg_end(skb, hdr);
	/* -ESRCH: the last listener has left; -ENOBUFS: it has been told. */
	genlmsg_multicast(&vp_nl_family, skb, 0, 0, GFP_ATOMIC);
}

/**
 * vp_nl_dev_event() - tell listeners that a device has changed
 * @view: the device as it is now
 * @in_use: a user has it open
 * @old: where it was, or NULL when it has just been recorded
 *
 * Sent under the lock that the change was made under, so the order of events
 * is the order of changes.
 *
 * Context: vp_lock held.
 */
void vp_nl_dev_event(const struct vp_view *view, bool in_use,
		     const struct vp_status *old)
{
	struct sk_buff *skb;
	void *hdr;

	skb = new_event(VFIOPOLICY_CMD_DEV_NTF, &hdr);
	if (!skb)
		return;
	if (vp_nl_fill_dev(skb, view, in_use) ||
	    (old && nla_put_u32(skb, VFIOPOLICY_A_DEV_OLD_STATE, old->state)) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_CAUSE, view->cause) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_SEQ, counts.seq) ||
	    nla_put_u64_64bit(skb, VFIOPOLICY_A_DEV_TIME, ktime_get_boottime_ns(),
			      VFIOPOLICY_A_DEV_PAD)) {
		drop_event(skb);
		return;
	}
	send_event(skb, hdr);
}

/**
 * vp_nl_rule_event() - tell listeners that a rule was added or deleted
 * @entry: the rule
 * @cmd: %VFIOPOLICY_CMD_RULE_ADD_NTF or %VFIOPOLICY_CMD_RULE_DEL_NTF
 * @cause: somebody asked for this rule, or replaced those of its origin
 *
 * Context: takes vp_lock.
 */
void vp_nl_rule_event(const struct vp_entry *entry, u8 cmd,
		      enum vfiopolicy_cause cause)
{
	struct sk_buff *skb;
	void *hdr;

	spin_lock(&vp_lock);
	skb = new_event(cmd, &hdr);
	if (!skb)
		goto out;
	if (vp_nl_fill_rule(skb, entry) ||
	    nla_put_u32(skb, VFIOPOLICY_A_RULE_CAUSE, cause) ||
	    nla_put_u32(skb, VFIOPOLICY_A_RULE_SEQ, counts.seq) ||
	    nla_put_u64_64bit(skb, VFIOPOLICY_A_RULE_TIME,
			      ktime_get_boottime_ns(), VFIOPOLICY_A_RULE_PAD)) {
		drop_event(skb);
		goto out;
	}
	send_event(skb, hdr);
out:
	spin_unlock(&vp_lock);
}

/**
 * vp_nl_events_count() - how many events there were
 * @copy: where the counters go
 *
 * Context: takes vp_lock.
 */
void vp_nl_events_count(struct vp_nl_counts *copy)
{
	spin_lock(&vp_lock);
	*copy = counts;
	spin_unlock(&vp_lock);
}

/**
 * vp_nl_events_start() - the family is there
 *
 * Context: takes vp_lock.
 */
void vp_nl_events_start(void)
{
	spin_lock(&vp_lock);
	sending = true;
	spin_unlock(&vp_lock);
}

/**
 * vp_nl_events_stop() - the family is about to go
 *
 * Context: takes vp_lock.
 */
void vp_nl_events_stop(void)
{
	spin_lock(&vp_lock);
	sending = false;
	spin_unlock(&vp_lock);
}
