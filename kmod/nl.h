/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the netlink family know of one another: one for rules, one
 * for devices, one for groups, one for events, and nl.c, which has the table of
 * operations. None of them sees a device of the kernel's.
 */
#ifndef VFIOPOLICY_NL_H
#define VFIOPOLICY_NL_H

#include <net/genetlink.h>

#include "compat/dump.h"
#include "compat/extack.h"
#include "vfiopolicy.h"

extern struct genl_family vp_nl_family;

/**
 * struct vp_nl_dump - a dump, and the message that it is filling
 * @skb: the message
 * @cb: where the dump is
 */
struct vp_nl_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
};

/*
 * Where a dump goes on. Of rules it is how many were sent: when the table
 * changes meanwhile, the dump says so. Of devices and groups it is by number of
 * the last one that was sent: whatever comes and goes meanwhile, nothing is
 * sent twice and nothing that is there all along is left out.
 */
static inline u32 *vp_nl_cursor(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(u32) > sizeof(cb->ctx));
	return (u32 *)cb->ctx;
}

/* nl.c */
struct sk_buff *vp_nl_reply(struct genl_info *info, u8 cmd, size_t room,
			    void **hdr);
void *vp_nl_dump_put(const struct vp_nl_dump *dump, u8 cmd);
int vp_nl_dump_end(const struct vp_nl_dump *dump, void *hdr, int ret);
bool vp_nl_each_once(const struct nlmsghdr *nlh, struct netlink_ext_ack *extack);
int vp_nl_may_change(struct sk_buff *skb, struct genl_info *info);
int vp_nl_may_claim(struct sk_buff *skb, struct genl_info *info);

/* nl_rule.c */
extern const struct nla_policy vp_nl_rule_add_policy[VFIOPOLICY_A_RULE_TAKE_OVER + 1];
extern const struct nla_policy vp_nl_rule_del_policy[VFIOPOLICY_A_RULE_TEXT + 1];
extern const struct nla_policy
vp_nl_rule_replace_policy[VFIOPOLICY_A_RULE_TEXTS + 1];

int vp_nl_fill_rule(struct sk_buff *skb, const struct vp_entry *entry);
int vp_nl_rule_add(struct sk_buff *skb, struct genl_info *info);
int vp_nl_rule_del(struct sk_buff *skb, struct genl_info *info);
int vp_nl_rule_replace(struct sk_buff *skb, struct genl_info *info);
int vp_nl_rule_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* nl_dev.c */
extern const struct nla_policy vp_nl_dev_get_policy[VFIOPOLICY_A_DEV_RULE + 1];
extern const struct nla_policy
vp_nl_dev_ask_policy[VFIOPOLICY_A_DEV_GENERATION + 1];

int vp_nl_fill_dev(struct sk_buff *skb, const struct vp_view *view, bool in_use);
int vp_nl_dev_get(struct sk_buff *skb, struct genl_info *info);
int vp_nl_dev_dump_start(struct netlink_callback *cb);
int vp_nl_dev_dump(struct sk_buff *skb, struct netlink_callback *cb);
int vp_nl_dev_claim(struct sk_buff *skb, struct genl_info *info);
int vp_nl_dev_release(struct sk_buff *skb, struct genl_info *info);

/* nl_group.c */
extern const struct nla_policy vp_nl_group_get_policy[VFIOPOLICY_A_GROUP_ID + 1];

int vp_nl_group_get(struct sk_buff *skb, struct genl_info *info);
int vp_nl_group_dump_start(struct netlink_callback *cb);
int vp_nl_group_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* nl_event.c */

/**
 * struct vp_nl_counts - events since the module was loaded
 * @seq: number of the last one
 * @sent: how many there were
 * @lost: how many of them nobody could be told of
 */
struct vp_nl_counts {
	u32 seq;
	u64 sent;
	u64 lost;
};

void vp_nl_events_start(void);
void vp_nl_events_stop(void);
void vp_nl_events_count(struct vp_nl_counts *counts);

#endif /* VFIOPOLICY_NL_H */
