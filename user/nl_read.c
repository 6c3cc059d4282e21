// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes the messages of the module apart. libnl checks types and lengths by
 * the policies here; what it knows nothing of is checked by hand.
 */
#include <errno.h>

#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl.h"

static const struct nla_policy info_policy[VFIOPOLICY_A_INFO_MAX + 1] = {
	[VFIOPOLICY_A_INFO_VERSION] = { .type = NLA_STRING },
	[VFIOPOLICY_A_INFO_ABI] = { .type = NLA_U32 },
	[VFIOPOLICY_A_INFO_RULES] = { .type = NLA_U32 },
	[VFIOPOLICY_A_INFO_RULES_BAD] = { .type = NLA_U32 },
	[VFIOPOLICY_A_INFO_DEVICES] = { .type = NLA_U32 },
	[VFIOPOLICY_A_INFO_DISABLED] = { .type = NLA_FLAG },
	[VFIOPOLICY_A_INFO_PCI_FUNCTIONS] = { .type = NLA_U32 },
	[VFIOPOLICY_A_INFO_IOMMU_FUNCTIONS] = { .type = NLA_U32 },
	[VFIOPOLICY_A_INFO_EVENTS] = { .type = NLA_U32 },
};

static const struct nla_policy rule_policy[VFIOPOLICY_A_RULE_MAX + 1] = {
	[VFIOPOLICY_A_RULE_ID] = { .type = NLA_U32 },
	[VFIOPOLICY_A_RULE_ORIGIN] = { .type = NLA_U32 },
	[VFIOPOLICY_A_RULE_TEXT] = { .type = NLA_STRING },
	[VFIOPOLICY_A_RULE_EXISTED] = { .type = NLA_FLAG },
	[VFIOPOLICY_A_RULE_SEQ] = { .type = NLA_U32 },
	[VFIOPOLICY_A_RULE_TIME] = { .type = NLA_U64 },
	[VFIOPOLICY_A_RULE_COUNT] = { .type = NLA_U32 },
	[VFIOPOLICY_A_RULE_CHANGED] = { .type = NLA_U32 },
	[VFIOPOLICY_A_RULE_CAUSE] = { .type = NLA_U32 },
};

static const struct nla_policy dev_policy[VFIOPOLICY_A_DEV_MAX + 1] = {
	[VFIOPOLICY_A_DEV_ADDRESS] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_GENERATION] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_VENDOR] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_DEVICE] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_SUBVENDOR] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_SUBDEVICE] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_CLASS] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_DRIVER] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_GROUP] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_PHYSFN] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_STATE] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_REASON] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_RULE] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_RULE_TEXT] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_TARGET] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_ADOPTED] = { .type = NLA_FLAG },
	[VFIOPOLICY_A_DEV_IN_USE] = { .type = NLA_FLAG },
	[VFIOPOLICY_A_DEV_OLD_STATE] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_SEQ] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_TIME] = { .type = NLA_U64 },
	[VFIOPOLICY_A_DEV_CAUSE] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_PENDING] = { .type = NLA_FLAG },
	[VFIOPOLICY_A_DEV_FOUND] = { .type = NLA_STRING },
	[VFIOPOLICY_A_DEV_FRAMEBUFFER] = { .type = NLA_FLAG },
};

static const struct nla_policy group_policy[VFIOPOLICY_A_GROUP_MAX + 1] = {
	[VFIOPOLICY_A_GROUP_ID] = { .type = NLA_U32 },
	[VFIOPOLICY_A_GROUP_VIABILITY] = { .type = NLA_U32 },
	[VFIOPOLICY_A_GROUP_DOMAIN] = { .type = NLA_U32 },
	[VFIOPOLICY_A_GROUP_ISOLATED_MSI] = { .type = NLA_FLAG },
	[VFIOPOLICY_A_GROUP_MEMBER] = { .type = NLA_NESTED },
};

static const struct nla_policy member_policy[VFIOPOLICY_A_MEMBER_MAX + 1] = {
	[VFIOPOLICY_A_MEMBER_ADDRESS] = { .type = NLA_STRING },
	[VFIOPOLICY_A_MEMBER_DRIVER] = { .type = NLA_STRING },
	[VFIOPOLICY_A_MEMBER_BLOCKS] = { .type = NLA_FLAG },
	[VFIOPOLICY_A_MEMBER_NEVER] = { .type = NLA_U32 },
};

static const struct nla_policy stats_policy[VFIOPOLICY_A_STATS_MAX + 1] = {
	[VFIOPOLICY_A_STATS_CLAIMS] = { .type = NLA_U64 },
	[VFIOPOLICY_A_STATS_HAND_OFFS] = { .type = NLA_U64 },
	[VFIOPOLICY_A_STATS_RELEASES] = { .type = NLA_U64 },
	[VFIOPOLICY_A_STATS_TAKE_OVERS] = { .type = NLA_U64 },
	[VFIOPOLICY_A_STATS_LOST] = { .type = NLA_U64 },
	[VFIOPOLICY_A_STATS_VETOES] = { .type = NLA_U64 },
	[VFIOPOLICY_A_STATS_EVENTS] = { .type = NLA_U64 },
	[VFIOPOLICY_A_STATS_EVENTS_LOST] = { .type = NLA_U64 },
	[VFIOPOLICY_A_STATS_STUCK] = { .type = NLA_NESTED },
};

static const struct nla_policy stuck_policy[VFIOPOLICY_A_STUCK_MAX + 1] = {
	[VFIOPOLICY_A_STUCK_REASON] = { .type = NLA_U32 },
	[VFIOPOLICY_A_STUCK_COUNT] = { .type = NLA_U64 },
};

static u32 get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static u64 get_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

/* The policy has made sure of the NUL. */
static void get_string(struct nlattr *attr, char *buf, size_t size)
{
	scnprintf(buf, size, "%s", attr ? nla_get_string(attr) : "");
}

/**
 * vp_nl_read_error() - take an NLMSG_ERROR or NLMSG_DONE apart
 * @hdr: the message
 * @error: filled in; errnum is 0 when all went well
 *
 * The text of the extended ack is taken when there is one. All lengths are
 * checked: this is also what a damaged message goes through.
 *
 * Return: 0, or -EBADMSG when the message is too short.
 */
int vp_nl_read_error(struct nlmsghdr *hdr, struct vp_nl_error *error)
{
	static const struct nla_policy policy[NLMSGERR_ATTR_MAX + 1] = {
		[NLMSGERR_ATTR_MSG] = { .type = NLA_STRING },
		[NLMSGERR_ATTR_OFFS] = { .type = NLA_U32 },
	};
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];
	bool done = hdr->nlmsg_type == NLMSG_DONE;
	size_t len = nlmsg_datalen(hdr), skip = sizeof(int);
	const struct nlmsgerr *err = nlmsg_data(hdr);
	int value = 0;

	memset(error, 0, sizeof(*error));
	if (nlmsg_datalen(hdr) < 0 ||
	    len < (done ? sizeof(int) : sizeof(struct nlmsgerr)))
		return -EBADMSG;
	memcpy(&value, nlmsg_data(hdr), sizeof(value));
	error->errnum = value < 0 ? -value : 0;
	if (value < 0)
		snprintf(error->text, sizeof(error->text), "%s",
			 strerror(error->errnum));

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	if (!done) {
		/* Unless it was capped, the whole request comes first. */
		skip = sizeof(struct nlmsgerr);
		if (!(hdr->nlmsg_flags & NLM_F_CAPPED)) {
			if (err->msg.nlmsg_len < NLMSG_HDRLEN)
				return 0;
			skip += NLMSG_ALIGN((size_t)err->msg.nlmsg_len) -
				NLMSG_HDRLEN;
		}
	}
	if (skip >= len ||
	    nla_parse(attrs, NLMSGERR_ATTR_MAX,
		      (void *)((char *)nlmsg_data(hdr) + skip),
		      (int)(len - skip), policy))
		return 0;
	if (attrs[NLMSGERR_ATTR_MSG]) {
		get_string(attrs[NLMSGERR_ATTR_MSG], error->text,
			   sizeof(error->text));
		error->told = true;
	} else if (attrs[NLMSGERR_ATTR_OFFS]) {
		len = strlen(error->text);
		snprintf(error->text + len, sizeof(error->text) - len,
			 " (byte %u of the request)",
			 nla_get_u32(attrs[NLMSGERR_ATTR_OFFS]));
	}
	return 0;
}

/**
 * vp_nl_read_info() - take the message of what the module is apart
 * @hdr: the message
 * @arg: a &struct vp_nl_info, filled in on success
 *
 * Return: 0 or -EBADMSG.
 */
int vp_nl_read_info(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[VFIOPOLICY_A_INFO_MAX + 1];
	struct vp_nl_info *info = arg;

	if (genlmsg_parse(hdr, 0, attrs, VFIOPOLICY_A_INFO_MAX, info_policy))
		return -EBADMSG;
	get_string(attrs[VFIOPOLICY_A_INFO_VERSION], info->version,
		   sizeof(info->version));
	info->abi = get_u32(attrs[VFIOPOLICY_A_INFO_ABI]);
	info->rules = get_u32(attrs[VFIOPOLICY_A_INFO_RULES]);
	info->rules_bad = get_u32(attrs[VFIOPOLICY_A_INFO_RULES_BAD]);
	info->devices = get_u32(attrs[VFIOPOLICY_A_INFO_DEVICES]);
	info->disabled = attrs[VFIOPOLICY_A_INFO_DISABLED];
	info->functions = get_u32(attrs[VFIOPOLICY_A_INFO_PCI_FUNCTIONS]);
	info->iommu_functions =
		get_u32(attrs[VFIOPOLICY_A_INFO_IOMMU_FUNCTIONS]);
	info->events = get_u32(attrs[VFIOPOLICY_A_INFO_EVENTS]);
	return 0;
}

static void rule_from_attrs(struct nlattr **attrs, struct vp_nl_rule *rule)
{
	rule->id = get_u32(attrs[VFIOPOLICY_A_RULE_ID]);
	rule->origin = get_u32(attrs[VFIOPOLICY_A_RULE_ORIGIN]);
	get_string(attrs[VFIOPOLICY_A_RULE_TEXT], rule->text,
		   sizeof(rule->text));
	rule->existed = attrs[VFIOPOLICY_A_RULE_EXISTED];
}

/**
 * vp_nl_read_rule() - take the message of a rule apart
 * @hdr: the message
 * @arg: a &struct vp_nl_rule, filled in on success
 *
 * Return: 0 or -EBADMSG.
 */
int vp_nl_read_rule(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[VFIOPOLICY_A_RULE_MAX + 1];

	if (genlmsg_parse(hdr, 0, attrs, VFIOPOLICY_A_RULE_MAX, rule_policy))
		return -EBADMSG;
	rule_from_attrs(attrs, arg);
	return 0;
}

/**
 * vp_nl_read_replaced() - take the message of what a replacement did apart
 * @hdr: the message
 * @arg: a &struct vp_nl_replaced, filled in on success
 *
 * Return: 0 or -EBADMSG.
 */
int vp_nl_read_replaced(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[VFIOPOLICY_A_RULE_MAX + 1];
	struct vp_nl_replaced *replaced = arg;

	if (genlmsg_parse(hdr, 0, attrs, VFIOPOLICY_A_RULE_MAX, rule_policy))
		return -EBADMSG;
	replaced->count = get_u32(attrs[VFIOPOLICY_A_RULE_COUNT]);
	replaced->changed = get_u32(attrs[VFIOPOLICY_A_RULE_CHANGED]);
	return 0;
}

static void dev_from_attrs(struct nlattr **attrs, struct vp_nl_dev *dev)
{
	get_string(attrs[VFIOPOLICY_A_DEV_ADDRESS], dev->address,
		   sizeof(dev->address));
	/* Whatever is no address stays all zeros, and no rule names it. */
	if (vp_host_address(dev->address, &dev->facts))
		memset(&dev->facts, 0, sizeof(dev->facts));
	get_string(attrs[VFIOPOLICY_A_DEV_DRIVER], dev->driver,
		   sizeof(dev->driver));
	get_string(attrs[VFIOPOLICY_A_DEV_PHYSFN], dev->physfn,
		   sizeof(dev->physfn));
	get_string(attrs[VFIOPOLICY_A_DEV_RULE_TEXT], dev->rule_text,
		   sizeof(dev->rule_text));
	get_string(attrs[VFIOPOLICY_A_DEV_TARGET], dev->target,
		   sizeof(dev->target));
	dev->facts.vf = dev->physfn[0];
	dev->facts.vendor = (u16)get_u32(attrs[VFIOPOLICY_A_DEV_VENDOR]);
	dev->facts.device = (u16)get_u32(attrs[VFIOPOLICY_A_DEV_DEVICE]);
	dev->facts.subvendor = (u16)get_u32(attrs[VFIOPOLICY_A_DEV_SUBVENDOR]);
	dev->facts.subdevice = (u16)get_u32(attrs[VFIOPOLICY_A_DEV_SUBDEVICE]);
	dev->facts.class = get_u32(attrs[VFIOPOLICY_A_DEV_CLASS]) & 0xffffff;
	dev->generation = get_u32(attrs[VFIOPOLICY_A_DEV_GENERATION]);
	dev->group = attrs[VFIOPOLICY_A_DEV_GROUP] ?
		     (int)nla_get_u32(attrs[VFIOPOLICY_A_DEV_GROUP]) : -1;
	dev->state = get_u32(attrs[VFIOPOLICY_A_DEV_STATE]);
	dev->reason = get_u32(attrs[VFIOPOLICY_A_DEV_REASON]);
	dev->rule = get_u32(attrs[VFIOPOLICY_A_DEV_RULE]);
	dev->adopted = attrs[VFIOPOLICY_A_DEV_ADOPTED];
	dev->in_use = attrs[VFIOPOLICY_A_DEV_IN_USE];
	dev->pending = attrs[VFIOPOLICY_A_DEV_PENDING];
	get_string(attrs[VFIOPOLICY_A_DEV_FOUND], dev->found,
		   sizeof(dev->found));
	dev->framebuffer = attrs[VFIOPOLICY_A_DEV_FRAMEBUFFER];
}

/**
 * vp_nl_read_dev() - take the message of a device apart
 * @hdr: the message
 * @arg: a &struct vp_nl_dev, filled in on success
 *
 * Return: 0 or -EBADMSG.
 */
int vp_nl_read_dev(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[VFIOPOLICY_A_DEV_MAX + 1];

	if (genlmsg_parse(hdr, 0, attrs, VFIOPOLICY_A_DEV_MAX, dev_policy))
		return -EBADMSG;
	dev_from_attrs(attrs, arg);
	return 0;
}

static int read_member(struct nlattr *nest, struct vp_nl_member *member)
{
	struct nlattr *attrs[VFIOPOLICY_A_MEMBER_MAX + 1];

	if (nla_parse_nested(attrs, VFIOPOLICY_A_MEMBER_MAX, nest,
			     member_policy))
		return -EBADMSG;
	memset(member, 0, sizeof(*member));
	get_string(attrs[VFIOPOLICY_A_MEMBER_ADDRESS], member->address,
		   sizeof(member->address));
	get_string(attrs[VFIOPOLICY_A_MEMBER_DRIVER], member->driver,
		   sizeof(member->driver));
	member->blocks = attrs[VFIOPOLICY_A_MEMBER_BLOCKS];
	member->never = get_u32(attrs[VFIOPOLICY_A_MEMBER_NEVER]);
	return 0;
}

/**
 * vp_nl_read_group() - take the message of an IOMMU group apart
 * @hdr: the message
 * @arg: a &struct vp_nl_group, filled in; to be freed with vp_nl_group_free()
 *       on success
 *
 * Return: 0, -ENOMEM or -EBADMSG.
 */
int vp_nl_read_group(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[VFIOPOLICY_A_GROUP_MAX + 1], *attr;
	struct vp_nl_group *group = arg;
	size_t count = 0;
	int left, ret = 0;

	memset(group, 0, sizeof(*group));
	if (genlmsg_parse(hdr, 0, attrs, VFIOPOLICY_A_GROUP_MAX, group_policy))
		return -EBADMSG;
	group->id = get_u32(attrs[VFIOPOLICY_A_GROUP_ID]);
	group->viability = get_u32(attrs[VFIOPOLICY_A_GROUP_VIABILITY]);
	group->domain = get_u32(attrs[VFIOPOLICY_A_GROUP_DOMAIN]);
	group->isolated_msi = attrs[VFIOPOLICY_A_GROUP_ISOLATED_MSI];

	nlmsg_for_each_attr(attr, hdr, GENL_HDRLEN, left)
		count += nla_type(attr) == VFIOPOLICY_A_GROUP_MEMBER;
	group->members = calloc(count + 1, sizeof(*group->members));
	if (!group->members)
		return -ENOMEM;
	nlmsg_for_each_attr(attr, hdr, GENL_HDRLEN, left) {
		if (nla_type(attr) != VFIOPOLICY_A_GROUP_MEMBER)
			continue;
		ret = read_member(attr, &group->members[group->count++]);
		if (ret)
			break;
	}
	if (ret) {
		free(group->members);
		memset(group, 0, sizeof(*group));
	}
	return ret;
}

static int read_stuck(struct nlattr *nest, struct vp_nl_stats *stats)
{
	struct nlattr *attrs[VFIOPOLICY_A_STUCK_MAX + 1];
	u32 reason;

	if (nla_parse_nested(attrs, VFIOPOLICY_A_STUCK_MAX, nest, stuck_policy))
		return -EBADMSG;
	reason = get_u32(attrs[VFIOPOLICY_A_STUCK_REASON]);
	if (reason < VP_NL_REASONS)
		stats->stuck[reason] = get_u64(attrs[VFIOPOLICY_A_STUCK_COUNT]);
	return 0;
}

/**
 * vp_nl_read_stats() - take the message of what has happened apart
 * @hdr: the message
 * @arg: a &struct vp_nl_stats, filled in on success
 *
 * Return: 0 or -EBADMSG.
 */
int vp_nl_read_stats(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[VFIOPOLICY_A_STATS_MAX + 1], *attr;
	struct vp_nl_stats *stats = arg;
	int left;

	memset(stats, 0, sizeof(*stats));
	if (genlmsg_parse(hdr, 0, attrs, VFIOPOLICY_A_STATS_MAX, stats_policy))
		return -EBADMSG;
	stats->claims = get_u64(attrs[VFIOPOLICY_A_STATS_CLAIMS]);
	stats->hand_offs = get_u64(attrs[VFIOPOLICY_A_STATS_HAND_OFFS]);
	stats->releases = get_u64(attrs[VFIOPOLICY_A_STATS_RELEASES]);
	stats->take_overs = get_u64(attrs[VFIOPOLICY_A_STATS_TAKE_OVERS]);
	stats->lost = get_u64(attrs[VFIOPOLICY_A_STATS_LOST]);
	stats->vetoes = get_u64(attrs[VFIOPOLICY_A_STATS_VETOES]);
	stats->events = get_u64(attrs[VFIOPOLICY_A_STATS_EVENTS]);
	stats->events_lost = get_u64(attrs[VFIOPOLICY_A_STATS_EVENTS_LOST]);
	nlmsg_for_each_attr(attr, hdr, GENL_HDRLEN, left)
		if (nla_type(attr) == VFIOPOLICY_A_STATS_STUCK &&
		    read_stuck(attr, stats))
			return -EBADMSG;
	return 0;
}

/**
 * vp_nl_read_event() - take the message of an event apart
 * @hdr: the message
 * @event: filled in on success
 *
 * Return: 0; -ENOMSG when it is not an event; -EBADMSG.
 */
int vp_nl_read_event(struct nlmsghdr *hdr, struct vp_nl_event *event)
{
	struct nlattr *attrs[VFIOPOLICY_A_DEV_MAX + 1];
	struct nlattr *rule_attrs[VFIOPOLICY_A_RULE_MAX + 1];

	memset(event, 0, sizeof(*event));
	if (!genlmsg_valid_hdr(hdr, 0))
		return -EBADMSG;
	switch (genlmsg_hdr(hdr)->cmd) {
	case VFIOPOLICY_CMD_DEV_NTF:
		if (genlmsg_parse(hdr, 0, attrs, VFIOPOLICY_A_DEV_MAX,
				  dev_policy))
			return -EBADMSG;
		event->kind = VP_NL_DEV;
		dev_from_attrs(attrs, &event->dev);
		event->has_old = attrs[VFIOPOLICY_A_DEV_OLD_STATE];
		event->old_state = get_u32(attrs[VFIOPOLICY_A_DEV_OLD_STATE]);
		event->cause = get_u32(attrs[VFIOPOLICY_A_DEV_CAUSE]);
		event->seq = get_u32(attrs[VFIOPOLICY_A_DEV_SEQ]);
		event->time = get_u64(attrs[VFIOPOLICY_A_DEV_TIME]);
		return 0;
	case VFIOPOLICY_CMD_RULE_ADD_NTF:
	case VFIOPOLICY_CMD_RULE_DEL_NTF:
		if (genlmsg_parse(hdr, 0, rule_attrs, VFIOPOLICY_A_RULE_MAX,
				  rule_policy))
			return -EBADMSG;
		event->kind = genlmsg_hdr(hdr)->cmd == VFIOPOLICY_CMD_RULE_ADD_NTF ?
			      VP_NL_RULE_ADDED : VP_NL_RULE_DELETED;
		rule_from_attrs(rule_attrs, &event->rule);
		event->cause = get_u32(rule_attrs[VFIOPOLICY_A_RULE_CAUSE]);
		event->seq = get_u32(rule_attrs[VFIOPOLICY_A_RULE_SEQ]);
		event->time = get_u64(rule_attrs[VFIOPOLICY_A_RULE_TIME]);
		return 0;
	default:
		return -ENOMSG;
	}
}
