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
