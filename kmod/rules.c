// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table in force: loading it from parameters, changing it, and sending
 * the devices that a change concerns on their way.
 */
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "compat/extack.h"
#include "vfiopolicy.h"

/* One writer at a time; see "DOC: locking". */
static DEFINE_MUTEX(rules_lock);
/* Written under rules_lock and vp_lock; read under either, or RCU. */
static struct vp_table __rcu *rules_table;
/* Guarded by rules_lock. */
static u32 last_id;
static u32 bad_rules;

static struct vp_table *table_for_writer(void)
{
	return rcu_dereference_protected(rules_table,
					 lockdep_is_held(&rules_lock));
}

static struct vp_table *table_locked(void)
{
	return rcu_dereference_protected(rules_table,
					 lockdep_is_held(&vp_lock));
}

/* A new table is seen by the records in the same moment as by look-ups. */
static void publish(struct vp_table *next)
{
	struct vp_table *old = table_for_writer();

	lockdep_assert_held(&rules_lock);
	spin_lock(&vp_lock);
	rcu_assign_pointer(rules_table, next);
	vp_device_rematch();
	spin_unlock(&vp_lock);
	kvfree_rcu(old, rcu);
}

/**
 * vp_rules_name() - does a rule name a device
 * @facts: the device
 *
 * Context: any; RCU.
 * Return: true when one does at this moment.
 */
bool vp_rules_name(const struct vp_facts *facts)
{
	bool named;

	rcu_read_lock();
	named = vp_policy_match(rcu_dereference(rules_table), facts);
	rcu_read_unlock();
	return named;
}

/**
 * vp_rules_match_locked() - the rule that names a device
 * @facts: the device
 *
 * Context: vp_lock held.
 * Return: its entry, good until vp_lock is released, or NULL.
 */
const struct vp_entry *vp_rules_match_locked(const struct vp_facts *facts)
{
	lockdep_assert_held(&vp_lock);
	return vp_policy_match(table_locked(), facts);
}

/**
 * vp_rules_has_locked() - is a rule still there
 * @id: its number
 *
 * Context: vp_lock held.
 * Return: true when it is.
 */
bool vp_rules_has_locked(u32 id)
{
	lockdep_assert_held(&vp_lock);
	return vp_policy_find_id(table_locked(), id);
}

static int add_locked(const struct vp_rule *rule, enum vfiopolicy_origin origin,
		      struct vp_entry *entry, bool *existed,
		      struct netlink_ext_ack *extack, const struct nlattr *attr)
{
	struct vp_table *table = table_for_writer(), *next;
	const struct vp_entry *other;

	lockdep_assert_held(&rules_lock);
	other = vp_policy_find(table, rule, origin);
	*existed = other;
	if (other) {
		*entry = *other;
		return 0;
	}
	other = vp_policy_conflict(table, rule);
	if (other) {
		VP_EXTACK(extack, attr,
			  "rule %u says '%s' of the same devices and comes first",
			  other->id,
			  other->rule.action == VP_VFIO ? "vfio" : "hold");
		return -EEXIST;
	}
	if (table->count >= VFIOPOLICY_RULES_MAX) {
		VP_EXTACK(extack, attr, "there are %u rules, which is the limit",
			  table->count);
		return -ENOSPC;
	}

	entry->id = last_id + 1;
	entry->origin = origin;
	entry->rule = *rule;
	next = vp_policy_with(table, entry);
	if (!next) {
		VP_EXTACK(extack, attr, "out of memory");
		return -ENOMEM;
	}
	last_id++;
	publish(next);
	vp_nl_rule_event(entry, VFIOPOLICY_CMD_RULE_ADD_NTF);
	return 0;
}

/**
 * vp_rules_add() - add a rule at the end of the list
 * @rule: what it says
 * @origin: where it comes from
 * @entry: filled in with the rule as it stands in the table
 * @existed: set when it was there already, so that nothing was changed
 * @extack: takes the reason of a refusal
 * @attr: the attribute that gave the rule
 *
 * Devices that are there already are claimed by their work items; those that
 * come from now on are claimed as they come.
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0; -EEXIST when a rule with the same selectors wants something
 * else; -ENOSPC at the limit; -ENOMEM.
 */
int vp_rules_add(const struct vp_rule *rule, enum vfiopolicy_origin origin,
		 struct vp_entry *entry, bool *existed,
		 struct netlink_ext_ack *extack, const struct nlattr *attr)
{
	int ret;

	mutex_lock(&rules_lock);
	ret = add_locked(rule, origin, entry, existed, extack, attr);
	mutex_unlock(&rules_lock);
	if (ret)
		return ret;

	/* A rule said again is also a wish to try again what failed. */
	vp_handoff_try_target_again();
	vp_claim_walk(entry->id);
	return 0;
}

/**
 * vp_rules_del() - delete rules
 * @rule: every rule that says this; NULL to go by @id
 * @id: the rule of this number
 * @extack: takes the reason of a refusal
 * @attr: the attribute that named the rule
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0; -ENOENT when there is none; -EBUSY when a user has one of its
 * devices open; -ENOMEM.
 */
int vp_rules_del(const struct vp_rule *rule, u32 id,
		 struct netlink_ext_ack *extack, const struct nlattr *attr)
{
	struct vp_table *table, *next;
	const struct vp_entry *entry;
	char address[VP_NAME_MAX];
	int ret = 0;
	u32 i;

	mutex_lock(&rules_lock);
	table = table_for_writer();
	next = vp_policy_without(table, rule, id);
	if (!next) {
		VP_EXTACK(extack, attr, "out of memory");
		ret = -ENOMEM;
	} else if (next->count == table->count) {
		VP_EXTACK(extack, attr, "there is no such rule");
		ret = -ENOENT;
	} else if (vp_device_user(next, address)) {
		VP_EXTACK(extack, attr, "%s is in use: a user has it open through vfio",
			  address);
		ret = -EBUSY;
	}
	if (ret) {
		kvfree(next);
		goto out;
	}

	for (i = 0; i < table->count; i++) {
		entry = &table->entries[i];
		if (!vp_policy_find_id(next, entry->id))
			vp_nl_rule_event(entry, VFIOPOLICY_CMD_RULE_DEL_NTF);
	}
	publish(next);
out:
	mutex_unlock(&rules_lock);
	return ret;
}

/**
 * vp_rules_for_each() - show the rules, in the order in which they are tried
 * @cursor: where to begin; moved behind the last rule that @fn took
 * @fn: called for each; must not sleep
 * @arg: handed on to @fn
 *
 * Context: any; RCU.
 * Return: 0 behind the last rule, or what @fn returned.
 */
int vp_rules_for_each(u32 *cursor,
		      int (*fn)(const struct vp_entry *entry, void *arg),
		      void *arg)
{
	const struct vp_table *table;
	int ret = 0;
	u32 i;

	rcu_read_lock();
	table = rcu_dereference(rules_table);
	for (i = 0; i < table->count && !ret; i++) {
		if (table->entries[i].id <= *cursor)
			continue;
		ret = fn(&table->entries[i], arg);
		if (!ret)
			*cursor = table->entries[i].id;
	}
	rcu_read_unlock();
	return ret;
}

/**
 * vp_rules_count() - how many rules there are
 * @rules: set to the number in the table
 * @bad: set to the number that were given as parameters and did not parse
 *
 * Context: may sleep; takes rules_lock.
 */
void vp_rules_count(u32 *rules, u32 *bad)
{
	mutex_lock(&rules_lock);
	*rules = table_for_writer()->count;
	*bad = bad_rules;
	mutex_unlock(&rules_lock);
}

static int load_one(const char *text, size_t len, bool ids)
{
	struct netlink_ext_ack extack = {};
	struct vp_error err = {};
	struct vp_entry entry;
	struct vp_rule rule;
	bool existed;
	int ret;

	ret = ids ? vp_rule_parse_id(text, len, &rule, &err) :
		    vp_rule_parse(text, len, &rule, &err);
	if (ret) {
		pr_err("bad rule '%.*s': expected %s at '%.*s'\n",
		       (int)len, text, err.want, (int)(len - err.at),
		       text + err.at);
		return ret;
	}
	ret = add_locked(&rule, VFIOPOLICY_ORIGIN_CMDLINE, &entry, &existed,
			 &extack, NULL);
	if (ret)
		pr_err("bad rule '%.*s': %s\n", (int)len, text, extack._msg);
	return ret;
}

/**
 * vp_rules_load() - add the rules of a module parameter
 * @text: rules parted by ; or line ends, or ids parted by commas
 * @len: length of @text
 * @ids: it is the latter
 *
 * A bad rule is logged with the rest of its text and counted; the others
 * hold. One typo must not give every device to the host.
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0, or -ENOMEM, with which the module must not be loaded as if all
 * were well.
 */
int vp_rules_load(const char *text, size_t len, bool ids)
{
	const char *pos = text, *one;
	int ret = 0;
	size_t n;

	mutex_lock(&rules_lock);
	while (ret != -ENOMEM &&
	       (one = vp_rule_next(&pos, text + len, ids ? "," : ";\n", &n))) {
		ret = load_one(one, n, ids);
		if (ret)
			bad_rules++;
	}
	mutex_unlock(&rules_lock);
	return ret == -ENOMEM ? ret : 0;
}

/**
 * vp_rules_start() - an empty table
 *
 * Context: may sleep; module init, before anything else of this file.
 * Return: 0 or -ENOMEM.
 */
int vp_rules_start(void)
{
	struct vp_table *table = vp_policy_with(NULL, NULL);

	if (!table)
		return -ENOMEM;
	RCU_INIT_POINTER(rules_table, table);
	return 0;
}

/**
 * vp_rules_stop() - free the table
 *
 * Context: module exit, when nobody looks anything up any more.
 */
void vp_rules_stop(void)
{
	/* Tables replaced earlier are freed by the core, not by code of ours. */
	kvfree(rcu_dereference_protected(rules_table, true));
}
