// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules over netlink: adding, deleting, replacing those of one origin, and
 * listing.
 */
#include "nl.h"

const struct nla_policy vp_nl_rule_add_policy[VFIOPOLICY_A_RULE_TAKE_OVER + 1] = {
	[VFIOPOLICY_A_RULE_ORIGIN] = NLA_POLICY_MAX(NLA_U32,
						    VFIOPOLICY_ORIGIN_FILE),
	[VFIOPOLICY_A_RULE_TEXT] = { .type = NLA_NUL_STRING,
				     .len = VFIOPOLICY_RULE_LEN_MAX },
	[VFIOPOLICY_A_RULE_TAKE_OVER] = { .type = NLA_FLAG },
};

const struct nla_policy vp_nl_rule_del_policy[VFIOPOLICY_A_RULE_TEXT + 1] = {
	[VFIOPOLICY_A_RULE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[VFIOPOLICY_A_RULE_TEXT] = { .type = NLA_NUL_STRING,
				     .len = VFIOPOLICY_RULE_LEN_MAX },
};

const struct nla_policy
vp_nl_rule_replace_policy[VFIOPOLICY_A_RULE_TEXTS + 1] = {
	[VFIOPOLICY_A_RULE_ORIGIN] = NLA_POLICY_MAX(NLA_U32,
						    VFIOPOLICY_ORIGIN_FILE),
	[VFIOPOLICY_A_RULE_TEXTS] = { .type = NLA_NUL_STRING,
				      .len = VFIOPOLICY_RULE_LEN_MAX },
};

/**
 * vp_nl_fill_rule() - a rule's attributes
 * @skb: the message
 * @entry: the rule
 *
 * Context: any.
 * Return: 0, or -EMSGSIZE when they do not fit.
 */
int vp_nl_fill_rule(struct sk_buff *skb, const struct vp_entry *entry)
{
	if (nla_put_u32(skb, VFIOPOLICY_A_RULE_ID, entry->id) ||
	    nla_put_u32(skb, VFIOPOLICY_A_RULE_ORIGIN, entry->origin) ||
	    nla_put_string(skb, VFIOPOLICY_A_RULE_TEXT, entry->text))
		return -EMSGSIZE;
	return 0;
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
	int ret = vp_nl_may_claim(skb, info);

	if (ret)
		return ret;
	if (origin == VFIOPOLICY_ORIGIN_CMDLINE) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "origin cmdline is for parameters of the module");
		return -EINVAL;
	}
	return origin;
}

/**
 * vp_nl_rule_add() - add a rule
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0, or the errno of the refusal, whose extended ack says why.
 */
int vp_nl_rule_add(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *text = info->attrs[VFIOPOLICY_A_RULE_TEXT];
	struct vp_entry *entry;
	struct sk_buff *reply;
	bool existed, take_over;
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
	ret = -ENOMEM;
	reply = vp_nl_reply(info, VFIOPOLICY_CMD_RULE_ADD, 0, &hdr);
	if (!reply)
		goto out;
	take_over = nla_get_flag(info->attrs[VFIOPOLICY_A_RULE_TAKE_OVER]);
	ret = vp_rules_add(&entry, &existed, take_over, info->extack, text);
	if (!ret)
		ret = vp_nl_fill_rule(reply, entry);
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

/**
 * vp_nl_rule_del() - delete rules
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0, or the errno of the refusal, whose extended ack says why.
 */
int vp_nl_rule_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *id = info->attrs[VFIOPOLICY_A_RULE_ID];
	struct nlattr *text = info->attrs[VFIOPOLICY_A_RULE_TEXT];
	struct vp_entry *entry;
	int ret;

	ret = vp_nl_may_change(skb, info);
	if (ret)
		return ret;
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

	reply = vp_nl_reply(info, VFIOPOLICY_CMD_RULE_REPLACE, 0, &hdr);
	if (!reply)
		return -ENOMEM;
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

/**
 * vp_nl_rule_replace() - make the rules of one origin these
 * @skb: the request
 * @info: what the core has made of it
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0, or the errno of the refusal, whose extended ack says why.
 */
int vp_nl_rule_replace(struct sk_buff *skb, struct genl_info *info)
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

static int dump_rule(const struct vp_entry *entry, void *arg)
{
	const struct vp_nl_dump *dump = arg;
	void *hdr = vp_nl_dump_put(dump, VFIOPOLICY_CMD_RULE_GET);

	return vp_nl_dump_end(dump, hdr,
			      hdr ? vp_nl_fill_rule(dump->skb, entry) : 0);
}

/**
 * vp_nl_rule_dump() - list the rules
 * @skb: the message to fill
 * @cb: where the dump is
 *
 * Context: any; RCU.
 * Return: how much is in @skb; 0 ends the dump.
 */
int vp_nl_rule_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vp_nl_dump dump = { .skb = skb, .cb = cb };

	vp_rules_for_each(vp_nl_cursor(cb), &cb->seq, dump_rule, &dump);
	return skb->len;
}
