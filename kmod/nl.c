// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: its table of operations, and what they share. The
 * protocol is Documentation/netlink/specs/vfiopolicy.yaml; what is here is its
 * form that every kernel takes (full genl_ops, no resv_start_op, so the core
 * validates strictly).
 *
 * Reading is open to everyone in the initial network namespace, as sysfs is.
 * Changing needs CAP_SYS_ADMIN in the initial user namespace, since a device
 * is the whole host's; GENL_ADMIN_PERM would ask for CAP_NET_ADMIN. Events
 * reach only sockets that were joined to the group by who has CAP_SYS_ADMIN.
 */
#include <linux/capability.h>

#include "nl.h"

/* Each clears the group of those who joined it before it was ours. */
#define REGISTER_TRIES 8

/* Set by the parameter disable, before the family is there. */
static bool disabled;

/* These take no attribute. */
static const struct nla_policy info_get_policy[] = {
	[VFIOPOLICY_A_INFO_VERSION] = { .type = NLA_REJECT },
};

static const struct nla_policy stats_get_policy[] = {
	[VFIOPOLICY_A_STATS_CLAIMS] = { .type = NLA_REJECT },
};

static const struct nla_policy rule_get_policy[] = {
	[VFIOPOLICY_A_RULE_ID] = { .type = NLA_REJECT },
};

/**
 * vp_nl_reply() - the beginning of a reply
 * @info: the request
 * @cmd: the operation
 * @room: bytes that its attributes may take, if that is more than a page
 * @hdr: set to what genlmsg_end() wants
 *
 * Context: may sleep.
 * Return: the message, or NULL when out of memory, which the extended ack says.
 */
struct sk_buff *vp_nl_reply(struct genl_info *info, u8 cmd, size_t room,
			    void **hdr)
{
	struct sk_buff *skb;

	skb = genlmsg_new(max_t(size_t, room, GENLMSG_DEFAULT_SIZE), GFP_KERNEL);
	*hdr = skb ? genlmsg_put_reply(skb, info, &vp_nl_family, 0, cmd) : NULL;
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	NL_SET_ERR_MSG(info->extack, "out of memory");
	return NULL;
}

/**
 * vp_nl_dump_put() - the beginning of one message of a dump
 * @dump: the dump
 * @cmd: the operation
 *
 * Context: any.
 * Return: what vp_nl_dump_end() wants; NULL when there is no room.
 */
void *vp_nl_dump_put(const struct vp_nl_dump *dump, u8 cmd)
{
	return genlmsg_put(dump->skb, NETLINK_CB(dump->cb->skb).portid,
			   dump->cb->nlh->nlmsg_seq, &vp_nl_family, NLM_F_MULTI,
			   cmd);
}

/**
 * vp_nl_dump_end() - the end of one message of a dump
 * @dump: the dump, whose cb->seq is of what the message was made of
 * @hdr: from vp_nl_dump_put()
 * @ret: 0 when all its attributes are there
 *
 * Context: any.
 * Return: 0, or -EMSGSIZE when the message is not in this datagram.
 */
int vp_nl_dump_end(const struct vp_nl_dump *dump, void *hdr, int ret)
{
	if (!hdr)
		return -EMSGSIZE;
	if (ret) {
		genlmsg_cancel(dump->skb, hdr);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(dump->cb, hdr);
	genlmsg_end(dump->skb, hdr);
	return 0;
}

/**
 * vp_nl_each_once() - is each attribute there at most once
 * @nlh: the request, validated
 * @extack: takes the reason when not
 *
 * The core keeps the last of what is repeated; nobody means that. Only the
 * rules of rule-replace may be many.
 *
 * Context: any.
 * Return: true when it is.
 */
bool vp_nl_each_once(const struct nlmsghdr *nlh, struct netlink_ext_ack *extack)
{
	struct nlattr *attr;
	u32 seen = 0;
	int left;

	BUILD_BUG_ON(VFIOPOLICY_A_DEV_RULE >= 32 ||
		     VFIOPOLICY_A_RULE_TAKE_OVER >= 32);
	nlmsg_for_each_attr(attr, nlh, GENL_HDRLEN, left) {
		/* No other set has requests with an attribute of that number. */
		if (nla_type(attr) == VFIOPOLICY_A_RULE_TEXTS &&
		    ((struct genlmsghdr *)nlmsg_data(nlh))->cmd ==
		    VFIOPOLICY_CMD_RULE_REPLACE)
			continue;
		/* Validated, so the number is a small one. */
		if (seen >> nla_type(attr) & 1) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "this attribute is there twice");
			return false;
		}
		seen |= 1u << nla_type(attr);
	}
	return true;
}

/**
 * vp_nl_may_change() - what all that changes something has to ask first
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: any.
 * Return: 0, -EPERM or -EINVAL; the extended ack says why.
 */
int vp_nl_may_change(struct sk_buff *skb, struct genl_info *info)
{
	if (!netlink_capable(skb, CAP_SYS_ADMIN)) {
		NL_SET_ERR_MSG(info->extack,
			       "CAP_SYS_ADMIN in the initial user namespace is needed");
		return -EPERM;
	}
	return vp_nl_each_once(info->nlhdr, info->extack) ? 0 : -EINVAL;
}

/**
 * vp_nl_may_claim() - what all that claims devices has to ask first
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: any.
 * Return: 0, -EPERM, -EINVAL or -EOPNOTSUPP; the extended ack says why.
 */
int vp_nl_may_claim(struct sk_buff *skb, struct genl_info *info)
{
	int ret = vp_nl_may_change(skb, info);

	if (!ret && disabled) {
		NL_SET_ERR_MSG(info->extack,
			       "the module was loaded with disable=1 and claims nothing");
		return -EOPNOTSUPP;
	}
	return ret;
}

static int fill_info(struct sk_buff *skb)
{
	u32 rules, bad, functions, in_group;
	struct vp_nl_counts counts;

	vp_rules_count(&rules, &bad);
	vp_group_count(&functions, &in_group);
	vp_nl_events_count(&counts);
	if (nla_put_string(skb, VFIOPOLICY_A_INFO_VERSION, VP_VERSION) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_ABI, VFIOPOLICY_ABI) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_RULES_MAX,
			VFIOPOLICY_RULES_MAX) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_RULE_LEN_MAX,
			VFIOPOLICY_RULE_LEN_MAX) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_RULES, rules) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_RULES_BAD, bad) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_DEVICES, vp_device_count()) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_PCI_FUNCTIONS, functions) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_IOMMU_FUNCTIONS, in_group) ||
	    nla_put_u32(skb, VFIOPOLICY_A_INFO_EVENTS, counts.seq) ||
	    (disabled && nla_put_flag(skb, VFIOPOLICY_A_INFO_DISABLED)))
		return -EMSGSIZE;
	return 0;
}

static int put_u64(struct sk_buff *skb, int type, u64 value)
{
	return nla_put_u64_64bit(skb, type, value, VFIOPOLICY_A_STATS_PAD);
}

static int fill_stuck(struct sk_buff *skb, enum vfiopolicy_reason reason,
		      u64 count)
{
	struct nlattr *nest;

	if (!count)
		return 0;
	nest = nla_nest_start(skb, VFIOPOLICY_A_STATS_STUCK);
	if (!nest || nla_put_u32(skb, VFIOPOLICY_A_STUCK_REASON, reason) ||
	    nla_put_u64_64bit(skb, VFIOPOLICY_A_STUCK_COUNT, count,
			      VFIOPOLICY_A_STUCK_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_stats(struct sk_buff *skb)
{
	struct vp_nl_counts events;
	struct vp_stats stats;
	u32 i;

	vp_device_stats(&stats);
	vp_nl_events_count(&events);
	if (put_u64(skb, VFIOPOLICY_A_STATS_CLAIMS, stats.claims) ||
	    put_u64(skb, VFIOPOLICY_A_STATS_HAND_OFFS, stats.hand_offs) ||
	    put_u64(skb, VFIOPOLICY_A_STATS_RELEASES, stats.releases) ||
	    put_u64(skb, VFIOPOLICY_A_STATS_TAKE_OVERS, stats.take_overs) ||
	    put_u64(skb, VFIOPOLICY_A_STATS_LOST, stats.lost) ||
	    put_u64(skb, VFIOPOLICY_A_STATS_VETOES, stats.vetoes) ||
	    put_u64(skb, VFIOPOLICY_A_STATS_EVENTS, events.sent) ||
	    put_u64(skb, VFIOPOLICY_A_STATS_EVENTS_LOST, events.lost))
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(stats.stuck); i++)
		if (fill_stuck(skb, i, stats.stuck[i]))
			return -EMSGSIZE;
	return 0;
}

static int reply_with(struct genl_info *info, u8 cmd,
		      int (*fill)(struct sk_buff *skb))
{
	struct sk_buff *reply;
	void *hdr;

	reply = vp_nl_reply(info, cmd, 0, &hdr);
	if (!reply)
		return -ENOMEM;
	if (fill(reply)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

static int info_get(struct sk_buff *skb, struct genl_info *info)
{
	return reply_with(info, VFIOPOLICY_CMD_INFO_GET, fill_info);
}

static int stats_get(struct sk_buff *skb, struct genl_info *info)
{
	return reply_with(info, VFIOPOLICY_CMD_STATS_GET, fill_stats);
}

static const struct genl_ops ops[] = {
	{
		.cmd = VFIOPOLICY_CMD_INFO_GET,
		.doit = info_get,	/* open to all: counts and limits */
		.policy = info_get_policy,
		.maxattr = ARRAY_SIZE(info_get_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_RULE_ADD,
		.doit = vp_nl_rule_add,
		.policy = vp_nl_rule_add_policy,
		.maxattr = ARRAY_SIZE(vp_nl_rule_add_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_RULE_DEL,
		.doit = vp_nl_rule_del,
		.policy = vp_nl_rule_del_policy,
		.maxattr = ARRAY_SIZE(vp_nl_rule_del_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_RULE_REPLACE,
		.doit = vp_nl_rule_replace,
		.policy = vp_nl_rule_replace_policy,
		.maxattr = ARRAY_SIZE(vp_nl_rule_replace_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_RULE_GET,
		.dumpit = vp_nl_rule_dump, /* open to all, as modprobe.d is */
		.policy = rule_get_policy,
		.maxattr = ARRAY_SIZE(rule_get_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_DEV_GET,
		.doit = vp_nl_dev_get,	/* open to all, as sysfs is */
		.start = vp_nl_dev_dump_start,
		.dumpit = vp_nl_dev_dump,
		.policy = vp_nl_dev_get_policy,
		.maxattr = ARRAY_SIZE(vp_nl_dev_get_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_DEV_CLAIM,
		.doit = vp_nl_dev_claim,
		.policy = vp_nl_dev_ask_policy,
		.maxattr = ARRAY_SIZE(vp_nl_dev_ask_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_DEV_RELEASE,
		.doit = vp_nl_dev_release,
		.policy = vp_nl_dev_ask_policy,
		.maxattr = ARRAY_SIZE(vp_nl_dev_ask_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_GROUP_GET,
		.doit = vp_nl_group_get,	/* open to all, as sysfs is */
		.start = vp_nl_group_dump_start,
		.dumpit = vp_nl_group_dump,
		.policy = vp_nl_group_get_policy,
		.maxattr = ARRAY_SIZE(vp_nl_group_get_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_STATS_GET,
		.doit = stats_get,	/* open to all: counters */
		.policy = stats_get_policy,
		.maxattr = ARRAY_SIZE(stats_get_policy) - 1,
	},
};

static const struct genl_multicast_group groups[] = {
	{
		.name = VFIOPOLICY_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

struct genl_family vp_nl_family __ro_after_init = {
	.name = VFIOPOLICY_FAMILY_NAME,
	.version = VFIOPOLICY_FAMILY_VERSION,
	.netnsok = false,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

/*
 * Anyone may join a group that no family has yet, and would stay in it when it
 * becomes ours. Unregistering clears the group; from the registration on, the
 * core asks for the capability. So when nobody is in it right after that,
 * nobody is who may not be.
 */
static int register_family(bool *clean)
{
	int i, ret;

	for (i = 0; i < REGISTER_TRIES; i++) {
		ret = genl_register_family(&vp_nl_family);
		if (ret)
			return ret;
		*clean = !genl_has_listeners(&vp_nl_family, &init_net, 0);
		if (*clean || i == REGISTER_TRIES - 1)
			return 0;
		genl_unregister_family(&vp_nl_family);
	}
	return 0;
}

/**
 * vp_nl_start() - register the family
 * @off: the module is to list its rules and claim nothing
 *
 * Context: may sleep; module init, last.
 * Return: 0 or the errno of the registration.
 */
int vp_nl_start(bool off)
{
	bool clean = false;
	int ret;

	disabled = off;
	ret = register_family(&clean);
	if (ret)
		return ret;
	if (clean)
		vp_nl_events_start();
	else
		pr_warn("no events: somebody keeps joining them before there is a check\n");
	return 0;
}

/**
 * vp_nl_stop() - no request and no event from here on
 *
 * Context: may sleep; waits for running requests.
 */
void vp_nl_stop(void)
{
	vp_nl_events_stop();
	genl_unregister_family(&vp_nl_family);
}
