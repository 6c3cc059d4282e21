/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the module know of one another. */
#ifndef VFIOPOLICY_H
#define VFIOPOLICY_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/pm.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat/override.h"
#include "policy.h"
#include "state.h"

struct iommu_group;
struct module;
struct netlink_ext_ack;
struct nlattr;
struct pci_dev;

/**
 * DOC: locking
 *
 * vp_lock (spinlock, device.c)
 *	guards the set of records, every &vp_view and the marks beside it in a
 *	record, the counters, the writing of the table pointer, and the number
 *	of the next event. Held for a few instructions, for one netlink message full of
 *	devices, or to go through all records once; never across anything that
 *	sleeps. Which rule of a new table has which device is found out before.
 * rules_lock (mutex, rules.c)
 *	lets one writer at a time build the next table. Look-ups take it never:
 *	they use RCU.
 * RCU
 *	is how look-ups read the table of rules (rules.c), and dumps the
 *	picture of the IOMMU groups (group.c), of which one work item alone is
 *	the writer. Neither ever changes once it is published.
 * device_lock (the driver core's)
 *	is held by the core around the stub's probe and remove and around the
 *	BIND, NOT_BOUND, BOUND and UNBOUND notifications. Under it every override
 *	is written, so that "does the record still want it" and the writing are
 *	one step. The work item of a device takes it, to look at the driver too.
 *	A notification only tries for it: the core notifies with it held, and
 *	behind both may stand who registers a notifier. That of the new device,
 *	which no driver can have yet, the ADD notification tries for until it has
 *	it; that of others (with=, PFs) once.
 *
 * Order: rules_lock, then vp_lock. device_lock, then vp_lock. The device_lock
 * of a PF may be held when that of its VF is taken, never the other way round.
 *
 * Nothing of ours is held across a call into the driver core.
 *
 * A rule (&vp_entry) never changes once it is in a table. It lives by its
 * references: one of each table, which an RCU grace period after the table was
 * replaced gives up, and one of each record that goes by it. A record's is
 * given up under vp_lock only while a table still has another one.
 *
 * A record lives by its &vp_device.ref: one reference for being in the set,
 * one for a queued or running work item, one for each caller that looked it
 * up. It holds a reference on its pci_dev from beginning to end, so the
 * device's memory is there whenever the record is. The generation, not the
 * address, tells whether it is still the same device.
 */

#define VP_NAME_MAX	32

/**
 * enum vp_override_name - what an override may say for us
 * @VP_OVERRIDE_STUB: our own stub
 * @VP_OVERRIDE_TARGET: the target of the device's rule
 * @VP_OVERRIDE_NONE: no override, every driver may try
 */
enum vp_override_name {
	VP_OVERRIDE_STUB,
	VP_OVERRIDE_TARGET,
	VP_OVERRIDE_NONE,
};

/**
 * enum vp_want - where a record's rule wants its device
 * @VP_WANT_NATIVE: with the host, since no rule names it
 * @VP_WANT_NOTICE: with the host, but known: it sits where a rule expects
 *                  something else
 * @VP_WANT_RELEASED: with the host, since somebody asked for it
 * @VP_WANT_STUB: on the stub
 * @VP_WANT_TARGET: with the target that the rule means
 */
enum vp_want {
	VP_WANT_NATIVE,
	VP_WANT_NOTICE,
	VP_WANT_RELEASED,
	VP_WANT_STUB,
	VP_WANT_TARGET,
};

/**
 * struct vp_view - all that others may be told of a device
 * @generation: number of the record, ascending
 * @facts: what rules look at; never changes
 * @address: the device's address; never changes
 * @physfn: address of the PF when it is a VF, else empty; never changes
 * @driver: the driver that has it, empty when none
 * @target: the driver that its rule means, or the last one did; empty while it
 *          is still to be found out
 * @found: the driver, or the override, of somebody else's that was last found
 *         on it while it was claimed; empty when none was
 * @group: number of its IOMMU group, or -1
 * @status: state and reason; written by vp_device_move() alone
 * @entry: the rule that names it, referenced; NULL when none does
 * @fit: how @entry fits
 * @cause: what set its last change in motion
 * @adopted: it was with its target already when the rule came
 * @released: somebody asked for it to be with the host
 * @claimed: it has been kept from other drivers without a gap
 * @framebuffer: its memory holds the picture that the firmware left
 *
 * A copy of facts, so that dumps need no pci_dev. Guarded by vp_lock.
 */
struct vp_view {
	u32 generation;
	struct vp_facts facts;
	char address[VP_NAME_MAX];
	char physfn[VP_NAME_MAX];
	char driver[VP_NAME_MAX];
	char target[VP_NAME_MAX];
	char found[VP_NAME_MAX];
	int group;
	struct vp_status status;
	struct vp_entry *entry;
	enum vp_fit fit;
	enum vfiopolicy_cause cause;
	bool adopted;
	bool released;
	bool claimed;
	bool framebuffer;
};

/**
 * struct vp_stats - what has happened since the module was loaded
 * @claims: devices that came from the bus to the stub
 * @hand_offs: devices that came from the stub to their target
 * @releases: devices that were given back
 * @take_overs: devices taken from another driver by request
 * @lost: claimed devices that somebody bound to another driver
 * @vetoes: drivers that somebody tried to bind to a claimed device
 * @stuck: how often each reason was why a device was where it was
 *
 * Guarded by vp_lock.
 */
struct vp_stats {
	u64 claims;
	u64 hand_offs;
	u64 releases;
	u64 take_overs;
	u64 lost;
	u64 vetoes;
	u64 stuck[VFIOPOLICY_REASON_MAX + 1];
};

/**
 * struct vp_device - the record of a device that a rule names
 * @pdev: the device, referenced; never changes
 * @pf: its PF, referenced, when it is a VF, else NULL; never changes. The
 *      reference that a VF has of its own ends with its removal.
 * @ref: references on the record
 * @node: place in the set, by ascending generation; guarded by vp_lock
 * @hash: place among those of the same address; guarded by vp_lock
 * @linked: it is in the set; guarded by vp_lock
 * @view: what others may know; guarded by vp_lock
 * @group: its IOMMU group, referenced, or NULL; set once, under device_lock
 *         with a driver bound, and stays until the record is freed
 * @with_group: the same as soon as there is one, for comparing alone
 * @isolated_msi: its interrupts are remapped; found out when a driver was bound,
 *                and guarded by vp_lock
 * @anchor: place among those that others are held with; guarded by vp_lock
 * @handing_to: the driver that it is being handed to; guarded by vp_lock, of
 *              use in state handing-off alone
 * @handing: place among those that are being handed over; guarded by vp_lock
 * @awaited: another one of its group waits for the end of that; guarded by vp_lock
 * @waits: it is such a one; guarded by vp_lock
 * @vetoed_at: when a driver was last refused, in jiffies; guarded by vp_lock
 * @enabled: how often the device was enabled before the probe of its driver, as
 *           far as that was seen; written in BIND, under device_lock
 * @due: when @work is to run, in jiffies, if it is queued; guarded by vp_lock
 * @take_over: somebody asked for it to be taken from its driver; guarded by
 *             vp_lock
 * @asked_anew: and did so since @work began, which is to run again for that;
 *              guarded by vp_lock
 * @told_rule: number of the rule in its last event; guarded by vp_lock
 * @owned: the DMA of @group is owned for this record; guarded by device_lock
 * @work: brings the device to where its rule wants it
 * @planned: generation of the table that @plan and @plan_fit are of
 * @plan: the rule of that table for the device, or NULL; only looked at by the
 *        writer of tables, who keeps that table, under rules_lock
 * @plan_fit: how @plan fits
 * @tries: how often @work has tried in vain; guarded by vp_lock
 * @no_d3cold: D3cold is off because of us; of @work alone
 * @wrote: the override that was last written by us, if it is one; guarded by
 *         vp_lock
 * @override: spare strings of compat/override.h; guarded by device_lock
 */
struct vp_device {
	struct pci_dev *pdev;
	struct pci_dev *pf;
	struct kref ref;
	struct list_head node;
	struct hlist_node hash;
	bool linked;
	struct vp_view view;
	struct iommu_group *group;
	const struct iommu_group *with_group;
	bool isolated_msi;
	struct list_head anchor;
	char handing_to[VP_NAME_MAX];
	struct list_head handing;
	bool awaited;
	bool waits;
	unsigned long vetoed_at;
	unsigned long due;
	int enabled;
	bool take_over;
	bool asked_anew;
	u32 told_rule;
	bool owned;
	struct delayed_work work;
	u32 planned;
	struct vp_entry *plan;
	enum vp_fit plan_fit;
	unsigned int tries;
	bool no_d3cold;
	char wrote[VP_NAME_MAX];
	struct vp_override override;
};

/* facts.c */
void vp_facts_init(void);
struct pci_dev *vp_facts_get_pf(struct pci_dev *pdev);
void vp_facts_read(struct pci_dev *pdev, struct pci_dev *pf,
		   struct vp_facts *facts, bool dsn);

/* device.c */
extern spinlock_t vp_lock;

/* Called for a device under vp_lock, so it must not sleep; not 0 ends it. */
typedef int (*vp_view_fn)(const struct vp_view *view, bool in_use, void *arg);

struct vp_device *vp_device_alloc(struct pci_dev *pdev, struct pci_dev *pf);
void vp_device_get(struct vp_device *rec);
void vp_device_put(struct vp_device *rec);
bool vp_device_is_enabled(const struct vp_device *rec);
bool vp_device_in_use(const struct vp_device *rec);
const char *vp_device_user_words(const struct vp_device *rec);
void vp_device_set_entry(struct vp_device *rec, struct vp_entry *entry,
			 enum vp_fit fit);
enum vp_want vp_device_want_by(const struct vp_entry *entry, enum vp_fit fit);
enum vp_want vp_device_want(const struct vp_device *rec);
bool vp_device_goes_home(const struct vp_device *rec);
enum vfiopolicy_reason vp_device_held_reason(const struct vp_device *rec);
void vp_device_move_locked(struct vp_device *rec, enum vfiopolicy_state to,
			   enum vfiopolicy_reason reason);
bool vp_device_move(struct vp_device *rec, enum vfiopolicy_state from,
		    enum vfiopolicy_state to, enum vfiopolicy_reason reason);
void vp_device_tell(struct vp_device *rec, const struct vp_status *old);
void vp_device_tell_rule(struct vp_device *rec);
void vp_device_note_bound(struct vp_device *rec);
void vp_device_count_take_over(void);
void vp_device_count_veto(void);
bool vp_device_is_elsewhere(const struct vp_device *rec);
void vp_device_stats(struct vp_stats *copy);

/* devices.c */
bool vp_device_insert(struct vp_device *rec, enum vfiopolicy_reason never,
		      enum vfiopolicy_cause cause);
bool vp_device_unlink(struct vp_device *rec, enum vfiopolicy_state last);
struct vp_device *vp_device_find(struct pci_dev *pdev);
struct vp_device *vp_device_by_address(const char *address);
struct vp_device *vp_device_at_locked(u32 domain, u8 bus, u8 devfn);
int vp_device_show(struct vp_device *rec, vp_view_fn fn, void *arg);
int vp_device_for_each(u32 *cursor, u32 *generation, vp_view_fn fn, void *arg);
void vp_device_pin_groups(void (*fn)(struct vp_device *rec, void *arg),
			  void *arg);
bool vp_device_user(const struct vp_table *next, char *address,
		    const char **user);
void vp_device_plan(const struct vp_table *next);
void vp_device_rematch(const struct vp_table *next, enum vfiopolicy_cause cause);
void vp_device_kick_waiting(enum vfiopolicy_cause cause);
void vp_device_kick_next(const struct iommu_group *group);
u32 vp_device_count(void);
void vp_device_freeze(void);
bool vp_device_frozen(void);
struct vp_device *vp_device_first(void);

/* rules.c */
int vp_rules_load(const char *rules, size_t rules_len, const char *ids,
		  size_t ids_len);
bool vp_rules_ask_dsn(void);
bool vp_rules_with(void);
enum vp_want vp_rules_want(const struct vp_facts *facts);
struct vp_entry *vp_rules_match(const struct vp_table *table,
				const struct vp_facts *facts, enum vp_fit *fit);
struct vp_entry *vp_rules_match_locked(const struct vp_facts *facts,
				       enum vp_fit *fit);
struct vp_entry *vp_rules_parse(const char *text, size_t len, bool ids,
				enum vfiopolicy_origin origin,
				struct vp_error *err);
int vp_rules_add(struct vp_entry **entryp, bool *existed, bool take_over,
		 struct netlink_ext_ack *extack, const struct nlattr *attr);
int vp_rules_del(const char *text, u32 id, struct netlink_ext_ack *extack,
		 const struct nlattr *attr);
int vp_rules_replace(enum vfiopolicy_origin origin, struct vp_entry **entries,
		     const struct nlattr *const *attrs, u32 count, u32 *total,
		     u32 *changed, struct netlink_ext_ack *extack);
int vp_rules_for_each(u32 *cursor, u32 *generation,
		      int (*fn)(const struct vp_entry *entry, void *arg),
		      void *arg);
void vp_rules_count(u32 *rules, u32 *bad);
void vp_rules_stop(void);

/* claim.c */
int vp_claim_override(struct vp_device *rec, enum vfiopolicy_state state,
		      enum vp_override_name name);
bool vp_claim_override_is(struct vp_device *rec, const char *text);
const char *vp_claim_override_text(const struct vp_device *rec,
				   enum vp_override_name name);
bool vp_claim_is_ours(const struct vp_device *rec, const char *text);
const char *vp_claim_expected(const struct vp_device *rec);
bool vp_claim_is_target(const struct vp_device *rec, struct device_driver *drv);
enum vfiopolicy_reason vp_claim_never(struct vp_device *rec);
enum vfiopolicy_reason vp_claim_never_kind(struct pci_dev *pdev);
bool vp_claim_is_vfio(const struct device_driver *drv);
bool vp_claim_record(struct pci_dev *pdev, struct pci_dev *pf,
		     enum vfiopolicy_reason why, enum vfiopolicy_cause cause,
		     struct vp_device **recp);
void vp_claim_free(struct pci_dev *pdev, struct pci_dev *pf);
void vp_claim_note_missed(void);
int vp_claim_register_stub(void);
int vp_claim_start(bool boot);
void vp_claim_log(const struct vp_device *rec);
void vp_claim_stop(void);
void vp_claim_unregister_stub(void);

/* handoff.c */
void vp_handoff_work(struct work_struct *work);
void vp_handoff_kick(struct vp_device *rec, unsigned long delay);
void vp_handoff_try_later(struct vp_device *rec, enum vfiopolicy_state state,
			  enum vfiopolicy_reason reason);
bool vp_handoff_is_bound(struct vp_device *rec, const char *name);
void vp_handoff_take(struct vp_device *rec);
bool vp_handoff_queue(struct delayed_work *work, unsigned long delay);
bool vp_handoff_queue_work(struct work_struct *work);
int vp_handoff_start(void);
void vp_handoff_stop(void);

/* walk.c */
void vp_walk_added(struct pci_dev *pdev);
void vp_walk_missed(struct pci_dev *pdev);
void vp_walk(u32 id, bool take_over, enum vfiopolicy_cause cause);
void vp_walk_start(bool boot);

/* target.c */
bool vp_target_is_there(struct vp_device *rec, char *name, size_t size);
void vp_target_expect(struct vp_device *rec);
void vp_target_reset_locked(void);
void vp_target_guess(struct vp_device *rec);
const char *vp_target_by_rule(const struct vp_entry *entry);
void vp_target_try_again(enum vfiopolicy_cause cause);
void vp_target_start(void);
void vp_target_stop(void);
void vp_target_free(void);
void vp_target_going(const struct module *module);

/* drift.c */
bool vp_drift_yielded(const struct vp_device *rec);
void vp_drift_bind(struct vp_device *rec);
void vp_drift_not_bound(struct vp_device *rec);
enum vfiopolicy_reason vp_drift_override(struct vp_device *rec);
void vp_drift_repair(struct vp_device *rec, enum vfiopolicy_state state,
		     enum vp_override_name name);

/* with.c */
struct vp_entry *vp_with_match_locked(const struct vp_facts *facts,
				      const struct iommu_group *group,
				      enum vp_fit *fit);
struct vp_entry *vp_with_keep_locked(const struct vp_device *rec,
				     const struct vp_table *next);
enum vp_want vp_with_want(struct pci_dev *pdev, const struct vp_facts *facts,
			  bool *with);
enum vp_with vp_with_of(struct pci_dev *pdev);
bool vp_with_beside(struct pci_dev *pdev, struct pci_dev *other,
		    enum vp_with with);
void vp_with_update_locked(struct vp_device *rec);
void vp_with_forget_locked(struct vp_device *rec);

/* power.c */
extern const struct dev_pm_ops vp_power_ops;
bool vp_power_framebuffer(struct pci_dev *pdev);
void vp_power_own(struct vp_device *rec);
void vp_power_disown(struct vp_device *rec);
void vp_power_rest(struct vp_device *rec);
void vp_power_wake(struct pci_dev *pdev);

/* release.c */
int vp_release_shut_out(struct vp_device *rec);
void vp_release_disown(struct vp_device *rec);
void vp_release_free(struct vp_device *rec);
void vp_release_from_target(struct vp_device *rec);
void vp_release_from_stub(struct vp_device *rec);

/* request.c */
void vp_request_wish(struct vp_device *rec);
int vp_request_claim(struct vp_device *rec, u32 generation, bool *pending,
		     struct netlink_ext_ack *extack, const struct nlattr *attr);
int vp_request_release(struct vp_device *rec, u32 generation, bool *pending,
		       struct netlink_ext_ack *extack,
		       const struct nlattr *attr);
bool vp_request_asked(struct vp_device *rec);
void vp_request_take_over(struct vp_device *rec, enum vfiopolicy_state state,
			  enum vfiopolicy_reason why);

/* group.c */

/**
 * struct vp_member - a device of an IOMMU group
 * @group: number of the group
 * @address: address of the device
 * @driver: the driver that has it, or empty
 * @bound: that driver, compared and never followed
 * @blocks: that driver does its DMA as the host
 * @never: why it is never claimed, or none
 */
struct vp_member {
	u32 group;
	char address[VP_NAME_MAX];
	char driver[VP_NAME_MAX];
	const struct device_driver *bound;
	bool blocks;
	enum vfiopolicy_reason never;
};

/**
 * struct vp_group - an IOMMU group that has a device with a record
 * @id: its number
 * @viability: can its devices be given to a guest
 * @domain: its default domain
 * @isolated_msi: interrupts of its devices are remapped
 * @first: index of its first member among those of its picture
 * @count: number of its members
 */
struct vp_group {
	u32 id;
	enum vfiopolicy_viability viability;
	enum vfiopolicy_domain domain;
	bool isolated_msi;
	u32 first;
	u32 count;
};

/* Called for a group under RCU, so it must not sleep; not 0 ends it. */
typedef int (*vp_group_fn)(const struct vp_group *group,
			   const struct vp_member *members, void *arg);

void vp_group_first_seen(void);
void vp_group_changed(void);
void vp_group_note(struct device *dev, unsigned long action);
int vp_group_for_each(u32 *cursor, u32 *generation, vp_group_fn fn, void *arg);
int vp_group_one(u32 id, vp_group_fn fn, void *arg);
u32 vp_group_largest(void);
void vp_group_count(u32 *functions, u32 *in_group);
void vp_group_start(void);
void vp_group_stop(void);

/* nl.c, nl_event.c */
void vp_nl_dev_event(const struct vp_view *view, bool in_use,
		     const struct vp_status *old);
void vp_nl_rule_event(const struct vp_entry *entry, u8 cmd,
		      enum vfiopolicy_cause cause);
int vp_nl_start(bool disabled);
void vp_nl_stop(void);

#endif /* VFIOPOLICY_H */
