// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: handlers, policies and events. The protocol is
 * Documentation/netlink/specs/vfiopolicy.yaml; what is here is its form that
 * every kernel takes (full genl_ops, no resv_start_op, so the core validates
 * strictly).
 *
 * Reading is open to everyone in the initial network namespace, as sysfs is.
 * Changing needs CAP_SYS_ADMIN in the initial user namespace, since a device
 * is the whole host's; GENL_ADMIN_PERM would ask for CAP_NET_ADMIN. Events
 * reach only sockets whose opener has CAP_SYS_ADMIN.
 */
#include <linux/capability.h>
#include <linux/ktime.h>
#include <net/genetlink.h>

#include "compat/dump.h"
#include "compat/extack.h"
#include "vfiopolicy.h"

/* Set by the parameter disable, before the family is there. */
static bool disabled;
/* The family is there, so events may be sent. Guarded by vp_lock. */
static bool sending;
/* Number of the last event. Guarded by vp_lock. */
static u32 event_seq;

static struct genl_family family;

static const struct nla_policy info_get_policy[] = {
	[VFIOPOLICY_A_INFO_VERSION] = { .type = NLA_REJECT },
};

static const struct nla_policy rule_add_policy[] = {
	[VFIOPOLICY_A_RULE_ORIGIN] = NLA_POLICY_MAX(NLA_U32,
						    VFIOPOLICY_ORIGIN_FILE),
	[VFIOPOLICY_A_RULE_TEXT] = { .type = NLA_NUL_STRING,
				     .len = VFIOPOLICY_RULE_LEN_MAX },
};

static const struct nla_policy rule_del_policy[] = {
	[VFIOPOLICY_A_RULE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[VFIOPOLICY_A_RULE_TEXT] = { .type = NLA_NUL_STRING,
				     .len = VFIOPOLICY_RULE_LEN_MAX },
};

static const struct nla_policy rule_get_policy[] = {
	[VFIOPOLICY_A_RULE_ID] = { .type = NLA_REJECT },
};

static const struct nla_policy rule_replace_policy[] = {
	[VFIOPOLICY_A_RULE_ORIGIN] = NLA_POLICY_MAX(NLA_U32,
						    VFIOPOLICY_ORIGIN_FILE),
	[VFIOPOLICY_A_RULE_TEXTS] = { .type = NLA_NUL_STRING,
				      .len = VFIOPOLICY_RULE_LEN_MAX },
};

static const struct nla_policy dev_get_policy[] = {
	[VFIOPOLICY_A_DEV_ADDRESS] = { .type = NLA_NUL_STRING,
				       .len = VFIOPOLICY_ADDRESS_LEN_MAX },
};

static int fill_rule(struct sk_buff *skb, const struct vp_entry *entry)
{
	if (nla_put_u32(skb, VFIOPOLICY_A_RULE_ID, entry->id) ||
	    nla_put_u32(skb, VFIOPOLICY_A_RULE_ORIGIN, entry->origin) ||
	    nla_put_string(skb, VFIOPOLICY_A_RULE_TEXT, entry->text))
		return -EMSGSIZE;
	return 0;
}

static int fill_dev_rule(struct sk_buff *skb, const struct vp_entry *entry)
{
	const char *driver;

	if (!entry)
		return 0;
	if (nla_put_u32(skb, VFIOPOLICY_A_DEV_RULE, entry->id) ||
	    nla_put_string(skb, VFIOPOLICY_A_DEV_RULE_TEXT, entry->text))
		return -EMSGSIZE;
	driver = entry->rule.driver[0] ? entry->rule.driver : VP_TARGET;
	if (entry->rule.action == VP_VFIO &&
	    nla_put_string(skb, VFIOPOLICY_A_DEV_TARGET, driver))
		return -EMSGSIZE;
	return 0;
}

static int fill_dev(struct sk_buff *skb, const struct vp_view *view, bool in_use)
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
	return fill_dev_rule(skb, view->entry);
}

/* What has no one to blame: the caller sends it or drops it. */
static struct sk_buff *new_reply(struct genl_info *info, u8 cmd, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &family, 0, cmd);
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

/* The core keeps the last of what is repeated; nobody means that. */
static bool each_once(struct genl_info *info)
{
	struct nlattr *attr;
	u32 seen = 0;
	int left;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, left) {
		if (nla_type(attr) == VFIOPOLICY_A_RULE_TEXTS)
			continue;
		/* Validated, so the number is a small one. */
		if (seen >> nla_type(attr) & 1) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "this attribute is there twice");
			return false;
		}
		seen |= 1u << nla_type(attr);
	}
	return true;
}

static bool may_change(struct sk_buff *skb, struct genl_info *info)
{
	BUILD_BUG_ON(VFIOPOLICY_A_RULE_MAX >= 32);
	if (!netlink_capable(skb, CAP_SYS_ADMIN)) {
		NL_SET_ERR_MSG(info->extack,
			       "CAP_SYS_ADMIN in the initial user namespace is needed");
		return false;
	}
	return true;
}

static int info_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	u32 rules, bad;
	void *hdr;

	reply = new_reply(info, VFIOPOLICY_CMD_INFO_GET, &hdr);
	if (!reply) {
		NL_SET_ERR_MSG(info->extack, "out of memory");
		return -ENOMEM;
	}
	vp_rules_count(&rules, &bad);
	if (nla_put_string(reply, VFIOPOLICY_A_INFO_VERSION, VP_VERSION) ||
	    nla_put_u32(reply, VFIOPOLICY_A_INFO_ABI, VFIOPOLICY_ABI) ||
	    nla_put_u32(reply, VFIOPOLICY_A_INFO_RULES_MAX,
			VFIOPOLICY_RULES_MAX) ||
	    nla_put_u32(reply, VFIOPOLICY_A_INFO_RULE_LEN_MAX,
			VFIOPOLICY_RULE_LEN_MAX) ||
	    nla_put_u32(reply, VFIOPOLICY_A_INFO_RULES, rules) ||
	    nla_put_u32(reply, VFIOPOLICY_A_INFO_RULES_BAD, bad) ||
	    nla_put_u32(reply, VFIOPOLICY_A_INFO_DEVICES, vp_device_count()) ||
	    (disabled && nla_put_flag(reply, VFIOPOLICY_A_INFO_DISABLED))) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

/*
 * The rule that an attribute has, or an ERR_PTR and why in the extended ack,
 * which is cut at 79 bytes. @quote: of several, so say which.
 */
static struct vp_entry *parse_text(struct genl_info *info, struct nlattr *attr,
				   enum vfiopolicy_origin origin, bool quote)
{
	const char *text = nla_data(attr);
	struct vp_error err = {};
	struct vp_entry *entry;

	entry = vp_rules_parse(text, strlen(text), false, origin, &err);
	if (!IS_ERR(entry))
		return entry;
	if (PTR_ERR(entry) == -ENOMEM)
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "out of memory");
	else
		VP_EXTACK(info->extack, attr, "%s%.24s%sbyte %zu: %s %s",
			  quote ? "'" : "", quote ? text : "",
			  quote ? "': " : "", err.at,
			  err.hint ? "did you mean" : "expected",
			  err.hint ?: err.want);
	return entry;
}

/* What all that adds rules has to ask first. Return: the origin or -errno. */
static int may_add(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[VFIOPOLICY_A_RULE_ORIGIN];
	int origin = attr ? nla_get_u32(attr) : VFIOPOLICY_ORIGIN_RUNTIME;

	if (!may_change(skb, info))
		return -EPERM;
	if (!each_once(info))
		return -EINVAL;
	if (origin == VFIOPOLICY_ORIGIN_CMDLINE) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "origin cmdline is for parameters of the module");
		return -EINVAL;
	}
	if (disabled) {
		NL_SET_ERR_MSG(info->extack,
			       "the module was loaded with disable=1 and claims nothing");
		return -EOPNOTSUPP;
	}
	return origin;
}

static int rule_add(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *text = info->attrs[VFIOPOLICY_A_RULE_TEXT];
	struct vp_entry *entry;
	struct sk_buff *reply;
	bool existed;
	void *hdr;
	int ret;

	ret = may_add(skb, info);
	if (ret < 0)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, VFIOPOLICY_A_RULE_TEXT)) {
		NL_SET_ERR_MSG(info->extack, "a rule is needed");
		return -EINVAL;
	}
	entry = parse_text(info, text, ret, false);
	if (IS_ERR(entry))
		return PTR_ERR(entry);

	/* Before the change, which must not fail to be reported. */
	reply = new_reply(info, VFIOPOLICY_CMD_RULE_ADD, &hdr);
	if (!reply) {
		NL_SET_ERR_MSG(info->extack, "out of memory");
		ret = -ENOMEM;
		goto out;
	}
	ret = vp_rules_add(&entry, &existed, info->extack, text);
	if (!ret)
		ret = fill_rule(reply, entry);
	if (!ret && existed)
		ret = nla_put_flag(reply, VFIOPOLICY_A_RULE_EXISTED);
	if (ret) {
		nlmsg_free(reply);
		goto out;
	}
	genlmsg_end(reply, hdr);
	ret = genlmsg_reply(reply, info);
out:
	vp_entry_put(entry);
	return ret;
}

static int rule_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *id = info->attrs[VFIOPOLICY_A_RULE_ID];
	struct nlattr *text = info->attrs[VFIOPOLICY_A_RULE_TEXT];
	struct vp_entry *entry;
	int ret;

	if (!may_change(skb, info))
		return -EPERM;
	if (!each_once(info))
		return -EINVAL;
	if (!id == !text) {
		NL_SET_ERR_MSG(info->extack,
			       "either the number of a rule or its text is needed");
		return -EINVAL;
	}
	if (id)
		return vp_rules_del(NULL, nla_get_u32(id), info->extack, id);
	entry = parse_text(info, text, VFIOPOLICY_ORIGIN_RUNTIME, false);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	ret = vp_rules_del(entry->text, 0, info->extack, text);
	vp_entry_put(entry);
	return ret;
}

/* The rules of one message, while they are collected. */
struct replace {
	struct vp_entry *entries[VFIOPOLICY_RULES_MAX];
	const struct nlattr *attrs[VFIOPOLICY_RULES_MAX];
	u32 count;
};

static int collect(struct genl_info *info, enum vfiopolicy_origin origin,
		   struct replace *new)
{
	struct vp_entry *entry;
	struct nlattr *attr;
	int left;

	/* Validated by the core, each of them; parsed it keeps only the last. */
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, left) {
		if (nla_type(attr) != VFIOPOLICY_A_RULE_TEXTS)
			continue;
		if (new->count == ARRAY_SIZE(new->entries)) {
			VP_EXTACK(info->extack, attr,
				  "this rule is one more than %u, which is the limit",
				  VFIOPOLICY_RULES_MAX);
			return -ENOSPC;
		}
		entry = parse_text(info, attr, origin, true);
		if (IS_ERR(entry))
			return PTR_ERR(entry);
		new->attrs[new->count] = attr;
		new->entries[new->count++] = entry;
	}
	return 0;
}

static int replace_and_reply(struct genl_info *info,
			     enum vfiopolicy_origin origin, struct replace *new)
{
	struct sk_buff *reply;
	u32 total, changed;
	void *hdr;
	int ret;

	reply = new_reply(info, VFIOPOLICY_CMD_RULE_REPLACE, &hdr);
	if (!reply) {
		NL_SET_ERR_MSG(info->extack, "out of memory");
		return -ENOMEM;
	}
	ret = vp_rules_replace(origin, new->entries, new->attrs, new->count,
			       &total, &changed, info->extack);
	if (!ret && (nla_put_u32(reply, VFIOPOLICY_A_RULE_ORIGIN, origin) ||
		     nla_put_u32(reply, VFIOPOLICY_A_RULE_COUNT, total) ||
		     nla_put_u32(reply, VFIOPOLICY_A_RULE_CHANGED, changed)))
		ret = -EMSGSIZE;
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

static int rule_replace(struct sk_buff *skb, struct genl_info *info)
{
	enum vfiopolicy_origin origin;
	struct replace *new;
	int ret;

	ret = may_add(skb, info);
	if (ret < 0)
		return ret;
	/* Nobody should clear an origin that he did not mean. */
	if (GENL_REQ_ATTR_CHECK(info, VFIOPOLICY_A_RULE_ORIGIN)) {
		NL_SET_ERR_MSG(info->extack, "an origin is needed");
		return -EINVAL;
	}
	origin = ret;
	new = kvzalloc(sizeof(*new), GFP_KERNEL);
	if (!new) {
		NL_SET_ERR_MSG(info->extack, "out of memory");
		return -ENOMEM;
	}
	ret = collect(info, origin, new);
	if (!ret)
		ret = replace_and_reply(info, origin, new);
	while (new->count)
		vp_entry_put(new->entries[--new->count]);
	kvfree(new);
	return ret;
}

/* A dump: where it is, and the message it is filling. */
struct dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
};

static void *dump_put(const struct dump *dump, u8 cmd)
{
	return genlmsg_put(dump->skb, NETLINK_CB(dump->cb->skb).portid,
			   dump->cb->nlh->nlmsg_seq, &family, NLM_F_MULTI, cmd);
}

static int dump_rule(const struct vp_entry *entry, void *arg)
{
	const struct dump *dump = arg;
	void *hdr = dump_put(dump, VFIOPOLICY_CMD_RULE_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (fill_rule(dump->skb, entry)) {
		genlmsg_cancel(dump->skb, hdr);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(dump->cb, hdr);
	genlmsg_end(dump->skb, hdr);
	return 0;
}

static int dump_dev(const struct vp_view *view, bool in_use, void *arg)
{
	const struct dump *dump = arg;
	void *hdr = dump_put(dump, VFIOPOLICY_CMD_DEV_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (fill_dev(dump->skb, view, in_use)) {
		genlmsg_cancel(dump->skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(dump->skb, hdr);
	return 0;
}

/*
 * Of devices, the cursor is the number of the last one that was sent. Numbers
 * only grow, so whatever comes and goes meanwhile, nothing is sent twice and
 * nothing that is there all along is left out. Of rules it is how many were
 * sent: when the list changes meanwhile, the dump says so.
 */
static u32 *dump_cursor(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(u32) > sizeof(cb->ctx));
	return (u32 *)cb->ctx;
}

/* Every device or none: a filter that would not be obeyed is refused. */
static int dev_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = vp_dump_attrs(cb);

	if (attrs && attrs[VFIOPOLICY_A_DEV_ADDRESS]) {
		NL_SET_ERR_MSG_ATTR(cb->extack, attrs[VFIOPOLICY_A_DEV_ADDRESS],
				    "a dump has all devices; ask for one without it");
		return -EINVAL;
	}
	return 0;
}

static int rule_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump dump = { .skb = skb, .cb = cb };

	vp_rules_for_each(dump_cursor(cb), &cb->seq, dump_rule, &dump);
	return skb->len;
}

static int dev_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump dump = { .skb = skb, .cb = cb };

	vp_device_for_each(dump_cursor(cb), dump_dev, &dump);
	return skb->len;
}

static int reply_dev(const struct vp_view *view, bool in_use, void *arg)
{
	return fill_dev(arg, view, in_use);
}

static int dev_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[VFIOPOLICY_A_DEV_ADDRESS];
	struct sk_buff *reply;
	void *hdr;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, VFIOPOLICY_A_DEV_ADDRESS)) {
		NL_SET_ERR_MSG(info->extack, "an address is needed");
		return -EINVAL;
	}
	reply = new_reply(info, VFIOPOLICY_CMD_DEV_GET, &hdr);
	if (!reply) {
		NL_SET_ERR_MSG(info->extack, "out of memory");
		return -ENOMEM;
	}
	ret = vp_device_one(nla_data(attr), reply_dev, reply);
	if (ret) {
		nlmsg_free(reply);
		if (ret == -ENODEV)
			VP_EXTACK(info->extack, attr,
				  "no rule names a device at %s that is present",
				  (char *)nla_data(attr));
		return ret;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

static const struct genl_ops ops[] = {
	{
		.cmd = VFIOPOLICY_CMD_INFO_GET,
		.doit = info_get,	/* open to all: counts and limits */
		.policy = info_get_policy,
		.maxattr = ARRAY_SIZE(info_get_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_RULE_ADD,
		.doit = rule_add,
		.policy = rule_add_policy,
		.maxattr = ARRAY_SIZE(rule_add_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_RULE_DEL,
		.doit = rule_del,
		.policy = rule_del_policy,
		.maxattr = ARRAY_SIZE(rule_del_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_RULE_REPLACE,
		.doit = rule_replace,
		.policy = rule_replace_policy,
		.maxattr = ARRAY_SIZE(rule_replace_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_RULE_GET,
		.dumpit = rule_dump,	/* open to all, as modprobe.d is */
		.policy = rule_get_policy,
		.maxattr = ARRAY_SIZE(rule_get_policy) - 1,
	}, {
		.cmd = VFIOPOLICY_CMD_DEV_GET,
		.doit = dev_get,	/* open to all, as sysfs is */
		.start = dev_dump_start,
		.dumpit = dev_dump,
		.policy = dev_get_policy,
		.maxattr = ARRAY_SIZE(dev_get_policy) - 1,
	},
};

static const struct genl_multicast_group groups[] = {
	{
		.name = VFIOPOLICY_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

static struct genl_family family __ro_after_init = {
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
 * An event is numbered whether or not it can be sent, so that a loss shows as
 * a gap; where no memory is left even to say so, sockets get ENOBUFS too.
 */
static struct sk_buff *new_event(u8 cmd, void **hdr)
{
	struct sk_buff *skb;

	lockdep_assert_held(&vp_lock);
	event_seq++;
	if (!sending || !genl_has_listeners(&family, &init_net, 0))
		return NULL;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_ATOMIC);
	*hdr = skb ? genlmsg_put(skb, 0, 0, &family, 0, cmd) : NULL;
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	genl_set_err(&family, &init_net, 0, 0, -ENOBUFS);
	return NULL;
}

static void send_event(struct sk_buff *skb, void *hdr)
{
	genlmsg_end(skb, hdr);
	/* -ESRCH: the last listener has left; -ENOBUFS: it has been told. */
	genlmsg_multicast(&family, skb, 0, 0, GFP_ATOMIC);
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
	if (fill_dev(skb, view, in_use) ||
	    (old && nla_put_u32(skb, VFIOPOLICY_A_DEV_OLD_STATE, old->state)) ||
	    nla_put_u32(skb, VFIOPOLICY_A_DEV_SEQ, event_seq) ||
	    nla_put_u64_64bit(skb, VFIOPOLICY_A_DEV_TIME, ktime_get_boottime_ns(),
			      VFIOPOLICY_A_DEV_PAD)) {
		nlmsg_free(skb);
		return;
	}
	send_event(skb, hdr);
}

/**
 * vp_nl_rule_event() - tell listeners that a rule was added or deleted
 * @entry: the rule
 * @cmd: %VFIOPOLICY_CMD_RULE_ADD_NTF or %VFIOPOLICY_CMD_RULE_DEL_NTF
 *
 * Context: takes vp_lock.
 */
void vp_nl_rule_event(const struct vp_entry *entry, u8 cmd)
{
	struct sk_buff *skb;
	void *hdr;

	spin_lock(&vp_lock);
	skb = new_event(cmd, &hdr);
	if (!skb)
		goto out;
	if (fill_rule(skb, entry) ||
	    nla_put_u32(skb, VFIOPOLICY_A_RULE_SEQ, event_seq) ||
	    nla_put_u64_64bit(skb, VFIOPOLICY_A_RULE_TIME,
			      ktime_get_boottime_ns(), VFIOPOLICY_A_RULE_PAD)) {
		nlmsg_free(skb);
		goto out;
	}
	send_event(skb, hdr);
out:
	spin_unlock(&vp_lock);
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
	int ret;

	disabled = off;
	ret = genl_register_family(&family);
	if (ret)
		return ret;
	spin_lock(&vp_lock);
	sending = true;
	spin_unlock(&vp_lock);
	return 0;
}

/**
 * vp_nl_stop() - no request and no event from here on
 *
 * Context: may sleep; waits for running requests.
 */
void vp_nl_stop(void)
{
	spin_lock(&vp_lock);
	sending = false;
	spin_unlock(&vp_lock);
	genl_unregister_family(&family);
}
