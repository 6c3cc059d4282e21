/* SPDX-License-Identifier: GPL-2.0-only */
/* Talking to the module: requests, dumps and events as plain structures. */
#ifndef VFIOPOLICY_NL_H
#define VFIOPOLICY_NL_H

#include <linux/vfiopolicy.h>

#include "host.h"

struct nl_sock;
struct nlmsghdr;

/**
 * struct vp_nl_error - why the kernel, or the way to it, said no
 * @errnum: a positive errno
 * @text: what the kernel said of it, or what the errno means
 * @told: @text is the kernel's own
 */
struct vp_nl_error {
	int errnum;
	bool told;
	char text[256];
};

/**
 * struct vp_nl - a connection to the module
 * @sock: for requests
 * @events: for events; NULL until vp_nl_listen()
 * @family: number of the netlink family
 * @error: why the last call failed
 * @buf: the answer to the last request
 * @events_buf: the events received last
 * @left: bytes of @events_buf that are not looked at yet
 * @next: the first of them
 * @seq_known: an event was seen since listening began
 * @seq: number of the last event
 * @overrun: the kernel dropped events, and it is not known yet how many
 * @skip_gap: the gap to come has been reported already
 */
struct vp_nl {
	struct nl_sock *sock;
	struct nl_sock *events;
	int family;
	struct vp_nl_error error;
	char *buf;
	char *events_buf;
	int left;
	struct nlmsghdr *next;
	bool seq_known;
	u32 seq;
	bool overrun;
	bool skip_gap;
};

/**
 * struct vp_nl_info - what the module is and how much it holds
 * @version: version of the module
 * @abi: what it was built with; see %VFIOPOLICY_ABI
 * @rules: rules in its table
 * @rules_bad: rules given as parameters that did not parse
 * @devices: devices that a rule names
 * @disabled: rules are listed but claim nothing
 * @functions: PCI functions on the host
 * @iommu_functions: how many of them have an IOMMU group
 * @events: number of the last event
 */
struct vp_nl_info {
	char version[VP_HOST_LEN];
	u32 abi;
	u32 rules;
	u32 rules_bad;
	u32 devices;
	bool disabled;
	u32 functions;
	u32 iommu_functions;
	u32 events;
};

/**
 * struct vp_nl_rule - a rule as the module has it
 * @id: its number
 * @origin: an &enum vfiopolicy_origin
 * @text: its canonical form
 * @existed: it was there before it was added
 */
struct vp_nl_rule {
	u32 id;
	u32 origin;
	char text[VFIOPOLICY_RULE_LEN_MAX + 1];
	bool existed;
};

/**
 * struct vp_nl_replaced - what replacing the rules of an origin did
 * @count: how many it has now
 * @changed: how many were added and deleted by it
 */
struct vp_nl_replaced {
	u32 count;
	u32 changed;
};

/**
 * struct vp_nl_dev - a device as the module has it
 * @address: its address
 * @generation: number of its record
 * @facts: what rules look at
 * @driver: the driver that has it; empty when none
 * @group: number of its IOMMU group, or -1
 * @physfn: address of the PF when it is a VF, else empty
 * @state: an &enum vfiopolicy_state
 * @reason: an &enum vfiopolicy_reason
 * @rule: number of the rule that names it, 0 when none does any more
 * @rule_text: that rule
 * @target: the driver that the rule wants; empty for hold
 * @adopted: it was with its target when the rule came
 * @in_use: a user has it open
 * @pending: in the answer to a request for it: it is on its way
 * @found: the driver that somebody tried to bind to it last while it was
 *         claimed, or what somebody wrote as its override; empty when nobody
 *         has
 * @framebuffer: its memory holds the picture that the firmware left
 */
struct vp_nl_dev {
	char address[VP_HOST_LEN];
	u32 generation;
	struct vp_facts facts;
	char driver[VP_HOST_LEN];
	int group;
	char physfn[VP_HOST_LEN];
	u32 state;
	u32 reason;
	u32 rule;
	char rule_text[VFIOPOLICY_RULE_LEN_MAX + 1];
	char target[VP_HOST_LEN];
	bool adopted;
	bool in_use;
	bool pending;
	char found[VP_HOST_LEN];
	bool framebuffer;
};

/**
 * struct vp_nl_member - a device of an IOMMU group
 * @address: its address
 * @driver: the driver that has it; empty when none
 * @blocks: that driver does its DMA as the host, and so blocks the group
 * @never: why no rule can have it, an &enum vfiopolicy_reason, or 0
 */
struct vp_nl_member {
	char address[VP_HOST_LEN];
	char driver[VP_HOST_LEN];
	bool blocks;
	u32 never;
};

/**
 * struct vp_nl_group - an IOMMU group as the module has it
 * @id: its number
 * @viability: an &enum vfiopolicy_viability
 * @domain: an &enum vfiopolicy_domain
 * @isolated_msi: interrupts of its devices are remapped
 * @members: its devices, whether or not a rule names them
 * @count: number of @members
 */
struct vp_nl_group {
	u32 id;
	u32 viability;
	u32 domain;
	bool isolated_msi;
	struct vp_nl_member *members;
	size_t count;
};

/* Reasons that are counted; a newer module may have more. */
#define VP_NL_REASONS	64

/**
 * struct vp_nl_stats - what has happened since the module was loaded
 * @claims: devices that came to the stub
 * @hand_offs: devices that came from there to their target
 * @releases: devices given back to the host
 * @take_overs: devices taken from their native driver
 * @lost: claimed devices that somebody bound to another driver
 * @vetoes: such attempts that were refused
 * @events: events there were
 * @events_lost: events that nobody could be told of
 * @stuck: how often a device came to be where it was for a reason, by reason
 */
struct vp_nl_stats {
	u64 claims;
	u64 hand_offs;
	u64 releases;
	u64 take_overs;
	u64 lost;
	u64 vetoes;
	u64 events;
	u64 events_lost;
	u64 stuck[VP_NL_REASONS];
};

/**
 * enum vp_nl_kind - what an event is about
 * @VP_NL_DEV: a device
 * @VP_NL_RULE_ADDED: a rule that was added
 * @VP_NL_RULE_DELETED: a rule that was deleted
 * @VP_NL_LOST: events that nobody will see
 */
enum vp_nl_kind {
	VP_NL_DEV,
	VP_NL_RULE_ADDED,
	VP_NL_RULE_DELETED,
	VP_NL_LOST,
};

/**
 * struct vp_nl_event - an event
 * @kind: what it is about
 * @seq: its number
 * @time: boot-time clock in nanoseconds
 * @dev: the device as it is now
 * @cause: what set it in motion, an &enum vfiopolicy_cause
 * @has_old: @old_state counts; else this is the first event of a record
 * @old_state: where the device was
 * @rule: the rule
 * @lost: how many were lost; 0 when that is not known
 */
struct vp_nl_event {
	enum vp_nl_kind kind;
	u32 seq;
	u64 time;
	struct vp_nl_dev dev;
	u32 cause;
	bool has_old;
	u32 old_state;
	struct vp_nl_rule rule;
	u32 lost;
};

int vp_nl_open(struct vp_nl *nl);
void vp_nl_close(struct vp_nl *nl);

/* nl_ask.c */
int vp_nl_info(struct vp_nl *nl, struct vp_nl_info *info);
int vp_nl_rule_add(struct vp_nl *nl, const char *text, u32 origin,
		   struct vp_nl_rule *rule);
int vp_nl_rule_replace(struct vp_nl *nl, u32 origin, const char *const *texts,
		       size_t count, struct vp_nl_replaced *replaced);
int vp_nl_rule_del(struct vp_nl *nl, u32 id, const char *text);
int vp_nl_rules(struct vp_nl *nl, struct vp_nl_rule **rules, size_t *count);
int vp_nl_dev(struct vp_nl *nl, const char *address, struct vp_nl_dev *dev);
int vp_nl_devs(struct vp_nl *nl, struct vp_nl_dev **devs, size_t *count);
int vp_nl_claim(struct vp_nl *nl, const char *address, struct vp_nl_dev *dev);
int vp_nl_release(struct vp_nl *nl, const char *address, struct vp_nl_dev *dev);
int vp_nl_group(struct vp_nl *nl, u32 id, struct vp_nl_group *group);
void vp_nl_group_free(struct vp_nl_group *group);
int vp_nl_groups(struct vp_nl *nl, struct vp_nl_group **groups, size_t *count);
void vp_nl_groups_free(struct vp_nl_group *groups, size_t count);
int vp_nl_stats(struct vp_nl *nl, struct vp_nl_stats *stats);

/* nl_event.c */
int vp_nl_listen(struct vp_nl *nl);
int vp_nl_events_fd(const struct vp_nl *nl);
int vp_nl_next_event(struct vp_nl *nl, struct vp_nl_event *event);

/* nl_read.c: for the above and for tests */
int vp_nl_read_error(struct nlmsghdr *hdr, struct vp_nl_error *error);
int vp_nl_read_info(struct nlmsghdr *hdr, void *arg);
int vp_nl_read_rule(struct nlmsghdr *hdr, void *arg);
int vp_nl_read_replaced(struct nlmsghdr *hdr, void *arg);
int vp_nl_read_dev(struct nlmsghdr *hdr, void *arg);
int vp_nl_read_group(struct nlmsghdr *hdr, void *arg);
int vp_nl_read_stats(struct nlmsghdr *hdr, void *arg);
int vp_nl_read_event(struct nlmsghdr *hdr, struct vp_nl_event *event);

#endif /* VFIOPOLICY_NL_H */
