// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU groups over netlink. */
#include "nl.h"

/* Bytes that a group takes without its members, and each of them. */
#define GROUP_ROOM	(3 * nla_total_size(sizeof(u32)) + nla_total_size(0))
#define MEMBER_ROOM	(nla_total_size(0) + 2 * nla_total_size(VP_NAME_MAX) + \
			 nla_total_size(0) + nla_total_size(sizeof(u32)))

const struct nla_policy vp_nl_group_get_policy[VFIOPOLICY_A_GROUP_ID + 1] = {
	[VFIOPOLICY_A_GROUP_ID] = { .type = NLA_U32 },
};

static int fill_member(struct sk_buff *skb, const struct vp_member *member)
{
	struct nlattr *nest = nla_nest_start(skb, VFIOPOLICY_A_GROUP_MEMBER);

	if (!nest ||
	    nla_put_string(skb, VFIOPOLICY_A_MEMBER_ADDRESS, member->address) ||
	    (member->driver[0] && nla_put_string(skb, VFIOPOLICY_A_MEMBER_DRIVER,
						 member->driver)) ||
	    (member->blocks && nla_put_flag(skb, VFIOPOLICY_A_MEMBER_BLOCKS)) ||
	    (member->never && nla_put_u32(skb, VFIOPOLICY_A_MEMBER_NEVER,
					  member->never)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_group(struct sk_buff *skb, const struct vp_group *group,
		      const struct vp_member *members)
{
	u32 i;

	if (nla_put_u32(skb, VFIOPOLICY_A_GROUP_ID, group->id) ||
	    nla_put_u32(skb, VFIOPOLICY_A_GROUP_VIABILITY, group->viability) ||
	    nla_put_u32(skb, VFIOPOLICY_A_GROUP_DOMAIN, group->domain) ||
	    (group->isolated_msi &&
	     nla_put_flag(skb, VFIOPOLICY_A_GROUP_ISOLATED_MSI)))
		return -EMSGSIZE;
	for (i = 0; i < group->count; i++)
		if (fill_member(skb, &members[i]))
			return -EMSGSIZE;
	return 0;
}

static int show(const struct vp_group *group, const struct vp_member *members,
		void *arg)
{
	return fill_group(arg, group, members);
}

/**
 * vp_nl_group_get() - show one IOMMU group
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: may sleep.
 * Return: 0, or the errno of the refusal, whose extended ack says why.
 */
int vp_nl_group_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[VFIOPOLICY_A_GROUP_ID];
	struct sk_buff *reply;
	void *hdr;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, VFIOPOLICY_A_GROUP_ID)) {
		NL_SET_ERR_MSG(info->extack, "the number of a group is needed");
		return -EINVAL;
	}
	if (!vp_nl_each_once(info->nlhdr, info->extack))
		return -EINVAL;
	reply = vp_nl_reply(info, VFIOPOLICY_CMD_GROUP_GET,
			    GROUP_ROOM + vp_group_largest() * MEMBER_ROOM, &hdr);
	if (!reply)
		return -ENOMEM;
	ret = vp_group_one(nla_get_u32(attr), show, reply);
	if (ret) {
		nlmsg_free(reply);
		if (ret == -ENOENT)
			VP_EXTACK(info->extack, attr,
				  "no device in IOMMU group %u has been claimed or seen with a driver",
				  nla_get_u32(attr));
		/* One more member than a moment ago. */
		if (ret == -EMSGSIZE)
			NL_SET_ERR_MSG(info->extack, "the group is changing");
		return ret;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

/**
 * vp_nl_group_dump_start() - have room for the largest group in one message
 * @cb: the dump
 *
 * Context: any.
 * Return: 0, or -EINVAL: what would not be obeyed is refused.
 */
int vp_nl_group_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = vp_dump_attrs(cb);
	size_t room = NLMSG_HDRLEN + GENL_HDRLEN + GROUP_ROOM +
		      vp_group_largest() * MEMBER_ROOM;

	if (attrs && attrs[VFIOPOLICY_A_GROUP_ID]) {
		NL_SET_ERR_MSG_ATTR(cb->extack, attrs[VFIOPOLICY_A_GROUP_ID],
				    "a dump is of all groups; ask for one without it");
		return -EINVAL;
	}
	cb->min_dump_alloc = room;
	return 0;
}

static int dump_group(const struct vp_group *group,
		      const struct vp_member *members, void *arg)
{
	const struct vp_nl_dump *dump = arg;
	void *hdr = vp_nl_dump_put(dump, VFIOPOLICY_CMD_GROUP_GET);

	return vp_nl_dump_end(dump, hdr, hdr ? fill_group(dump->skb, group,
							  members) : 0);
}

/**
 * vp_nl_group_dump() - list the IOMMU groups
 * @skb: the message to fill
 * @cb: where the dump is
 *
 * Context: any; RCU.
 * Return: how much is in @skb, 0 ends the dump; or -EMSGSIZE for a group that
 * fits no message.
 */
int vp_nl_group_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vp_nl_dump dump = { .skb = skb, .cb = cb };
	int ret;

	ret = vp_group_for_each(vp_nl_cursor(cb), &cb->seq, dump_group, &dump);
	return skb->len ?: ret;
}
