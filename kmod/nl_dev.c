// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices over netlink: showing one or those that fit a filter, and asking for
 * one to be claimed or given back.
 */
#include "nl.h"

const struct nla_policy vp_nl_dev_get_policy[VFIOPOLICY_A_DEV_RULE + 1] = {
	[VFIOPOLICY_A_DEV_ADDRESS] = { .type = NLA_NUL_STRING,
				       .len = VFIOPOLICY_ADDRESS_LEN_MAX },
	[VFIOPOLICY_A_DEV_DRIVER] = { .type = NLA_NUL_STRING,
				      .len = VFIOPOLICY_DRIVER_LEN_MAX },
	[VFIOPOLICY_A_DEV_GROUP] = { .type = NLA_U32 },
	[VFIOPOLICY_A_DEV_STATE] = NLA_POLICY_MAX(NLA_U32,
						  VFIOPOLICY_STATE_GONE),
	[VFIOPOLICY_A_DEV_RULE] = NLA_POLICY_MIN(NLA_U32, 1),
};

const struct nla_policy vp_nl_dev_ask_policy[VFIOPOLICY_A_DEV_GENERATION + 1] = {
	[VFIOPOLICY_A_DEV_ADDRESS] = { .type = NLA_NUL_STRING,
				       .len = VFIOPOLICY_ADDRESS_LEN_MAX },
	[VFIOPOLICY_A_DEV_GENERATION] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* Those of dev-get that are for dumps. */
static const u16 filters[] = {
	VFIOPOLICY_A_DEV_STATE, VFIOPOLICY_A_DEV_RULE, VFIOPOLICY_A_DEV_GROUP,
	VFIOPOLICY_A_DEV_DRIVER,
};

static int fill_dev_rule(struct sk_buff *skb, const struct vp_view *view)
{
	const struct vp_entry *entry = view->entry;
	const char *driver;

	if (!entry)
		return 0;
	if (nla_put_u32(skb, VFIOPOLICY_A_DEV_RULE, entry->id) ||
	    nla_put_string(skb, VFIOPOLICY_A_DEV_RULE_TEXT, entry->text))
		return -EMSGSIZE;
	/* The best one is not known before it has been looked for. */
	driver = view->target[0] ? view->target : entry->rule.driver;
	if (entry->rule.action == VP_VFIO && view->fit != VP_FIT_WITH &&
	    nla_put_string(skb, VFIOPOLICY_A_DEV_TARGET, driver))
		return -EMSGSIZE;
	return 0;
}

/**
 * vp_nl_fill_dev() - a device's attributes
 * @skb: the message
 * @view: the device
 * @in_use: a user has it open
 *
 * Context: vp_lock held.
 * Return: 0, or -EMSGSIZE when they do not fit.
 */
int vp_nl_fill_dev(struct sk_buff *skb, const struct vp_view *view, bool in_use)
{
	const struct vp_facts *facts = &view->facts;

	if (nla_put_string(skb, VFIOPOLICY_A_DEV_ADDRESS, view->address) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_GENERATION, view->generation) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_VENDOR, facts->vendor) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_DEVICE, facts->device) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_SUBVENDOR, facts->subvendor) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_SUBDEVICE, facts->subdevice) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_CLASS, facts->class) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_STATE, view->status.state))
		return -EMSGSIZE;
	if (view->driver[0] &&
	    nla_put_string(skb, VFIOPOLICY_A_DEV_DRIVER, view->driver))
		return -EMSGSIZE;
	if (view->group >= 0 &&
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_GROUP, view->group))
		return -EMSGSIZE;
	if (view->physfn[0] &&
	    nla_put_string(skb, VFIOPOLICY_A_DEV_PHYSFN, view->physfn))
		return -EMSGSIZE;
	if (view->status.reason &&
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_REASON, view->status.reason))
		return -EMSGSIZE;
	if (view->adopted && nla_put_flag(skb, VFIOPOLICY_A_DEV_ADOPTED))
		return -EMSGSIZE;
	if (in_use && nla_put_flag(skb, VFIOPOLICY_A_DEV_IN_USE))
		return -EMSGSIZE;
	if (view->framebuffer && nla_put_flag(skb, VFIOPOLICY_A_DEV_FRAMEBUFFER))
		return -EMSGSIZE;
	if (view->found[0] &&
	    nla_put_string(skb, VFIOPOLICY_A_DEV_FOUND, view->found))
		return -EMSGSIZE;
	return fill_dev_rule(skb, view);
}

/* What a dump shows. Return: false for a device that a filter keeps out. */
static bool is_wanted(const struct vp_view *view, struct nlattr **attrs)
{
	const struct nlattr *attr;

	if (!attrs)
		return true;
	attr = attrs[VFIOPOLICY_A_DEV_STATE];
	if (attr && nla_get_u32(attr) != view->status.state)
		return false;
	attr = attrs[VFIOPOLICY_A_DEV_RULE];
	if (attr && (!view->entry || nla_get_u32(attr) != view->entry->id))
		return false;
	attr = attrs[VFIOPOLICY_A_DEV_GROUP];
	if (attr && (view->group < 0 || nla_get_u32(attr) != view->group))
		return false;
	attr = attrs[VFIOPOLICY_A_DEV_DRIVER];
	return !attr || !strcmp(nla_data(attr), view->driver);
}

static int dump_dev(const struct vp_view *view, bool in_use, void *arg)
{
	const struct vp_nl_dump *dump = arg;
	void *hdr;

	if (!is_wanted(view, vp_dump_attrs(dump->cb)))
		return 0;
	hdr = vp_nl_dump_put(dump, VFIOPOLICY_CMD_DEV_GET);
	return vp_nl_dump_end(dump, hdr,
			      hdr ? vp_nl_fill_dev(dump->skb, view, in_use) : 0);
}

/**
 * vp_nl_dev_dump_start() - look at the filters of a dump
 * @cb: the dump
 *
 * Context: any.
 * Return: 0, or -EINVAL: what would not be obeyed is refused.
 */
int vp_nl_dev_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = vp_dump_attrs(cb);

	if (attrs && attrs[VFIOPOLICY_A_DEV_ADDRESS]) {
		NL_SET_ERR_MSG_ATTR(cb->extack, attrs[VFIOPOLICY_A_DEV_ADDRESS],
				    "a dump is of all devices; ask for one without it");
		return -EINVAL;
	}
	return vp_nl_each_once(cb->nlh, cb->extack) ? 0 : -EINVAL;
}

/**
 * vp_nl_dev_dump() - list the devices that fit the filters
 * @skb: the message to fill
 * @cb: where the dump is
 *
 * Context: takes vp_lock.
 * Return: how much is in @skb; 0 ends the dump.
 */
int vp_nl_dev_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vp_nl_dump dump = { .skb = skb, .cb = cb };

	vp_device_for_each(vp_nl_cursor(cb), &cb->seq, dump_dev, &dump);
	return skb->len;
}

/* The device at the address, with a reference, or an ERR_PTR. */
static struct vp_device *find(struct genl_info *info)
{
	struct nlattr *attr = info->attrs[VFIOPOLICY_A_DEV_ADDRESS];
	struct vp_device *rec;

	if (GENL_REQ_ATTR_CHECK(info, VFIOPOLICY_A_DEV_ADDRESS)) {
		NL_SET_ERR_MSG(info->extack, "an address is needed");
		return ERR_PTR(-EINVAL);
	}
	rec = vp_device_by_address(nla_data(attr));
	if (rec)
		return rec;
	VP_EXTACK(info->extack, attr,
		  "no rule names a device at %s that is present",
		  (char *)nla_data(attr));
	return ERR_PTR(-ENODEV);
}

static int show(const struct vp_view *view, bool in_use, void *arg)
{
	return vp_nl_fill_dev(arg, view, in_use);
}

typedef int (*request_fn)(struct vp_device *rec, u32 generation, bool *pending,
			  struct netlink_ext_ack *extack,
			  const struct nlattr *attr);

/* Does what is asked for, if anything, and shows the device as it is then. */
static int fill_reply(struct sk_buff *reply, struct genl_info *info,
		      struct vp_device *rec, request_fn request)
{
	struct nlattr *generation = info->attrs[VFIOPOLICY_A_DEV_GENERATION];
	struct nlattr *attr = info->attrs[VFIOPOLICY_A_DEV_ADDRESS];
	bool pending = false;
	int ret = 0;

	if (request)
		ret = request(rec, generation ? nla_get_u32(generation) : 0,
			      &pending, info->extack, attr);
	if (ret)
		return ret;
	ret = vp_device_show(rec, show, reply);
	if (ret == -ENODEV)
		VP_EXTACK(info->extack, attr, "the device at %s has just gone",
			  (char *)nla_data(attr));
	if (!ret && pending)
		ret = nla_put_flag(reply, VFIOPOLICY_A_DEV_PENDING);
	return ret;
}

static int reply_dev(struct genl_info *info, u8 cmd, request_fn request)
{
	struct vp_device *rec = find(info);
	struct sk_buff *reply;
	int ret = -ENOMEM;
	void *hdr;

	if (IS_ERR(rec))
		return PTR_ERR(rec);
	/* Before the change, which must not fail to be reported. */
	reply = vp_nl_reply(info, cmd, 0, &hdr);
	if (!reply)
		goto out;
	ret = fill_reply(reply, info, rec, request);
	if (ret) {
		nlmsg_free(reply);
		goto out;
	}
	genlmsg_end(reply, hdr);
	ret = genlmsg_reply(reply, info);
out:
	vp_device_put(rec);
	return ret;
}

/**
 * vp_nl_dev_get() - show one device
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: may sleep; takes vp_lock.
 * Return: 0, or the errno of the refusal, whose extended ack says why.
 */
int vp_nl_dev_get(struct sk_buff *skb, struct genl_info *info)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(filters); i++) {
		if (!info->attrs[filters[i]])
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[filters[i]],
				    "this attribute is for dumps");
		return -EINVAL;
	}
	if (!vp_nl_each_once(info->nlhdr, info->extack))
		return -EINVAL;
	return reply_dev(info, VFIOPOLICY_CMD_DEV_GET, NULL);
}

/**
 * vp_nl_dev_claim() - have a device brought to where its rule wants it
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: may sleep; takes vp_lock.
 * Return: 0, or the errno of the refusal, whose extended ack says why.
 */
int vp_nl_dev_claim(struct sk_buff *skb, struct genl_info *info)
{
	int ret = vp_nl_may_claim(skb, info);

	return ret ?: reply_dev(info, VFIOPOLICY_CMD_DEV_CLAIM, vp_request_claim);
}

/**
 * vp_nl_dev_release() - have a device given back to the host
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: may sleep; takes vp_lock.
 * Return: 0, or the errno of the refusal, whose extended ack says why.
 */
int vp_nl_dev_release(struct sk_buff *skb, struct genl_info *info)
{
	int ret = vp_nl_may_change(skb, info);

	return ret ?: reply_dev(info, VFIOPOLICY_CMD_DEV_RELEASE, vp_request_release);
}
