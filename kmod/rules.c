// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table in force: loading it from parameters, changing it, and sending
 * the devices that a change concerns on their way.
 */
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "compat/extack.h"
#include "text.h"
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

static void free_table(struct rcu_head *rcu)
{
	vp_policy_free(container_of(rcu, struct vp_table, rcu));
}

/* Tells listeners what one table has that the other has not. */
static u32 tell_difference(const struct vp_table *has,
			   const struct vp_table *has_not, u8 cmd,
			   enum vfiopolicy_cause cause)
{
	u32 i, count = 0;

	for (i = 0; i < has->count; i++) {
		if (vp_policy_has(has_not, has->entries[i]))
			continue;
		vp_nl_rule_event(has->entries[i], cmd, cause);
		count++;
	}
	return count;
}

/*
 * A new table is seen by the records in the same moment as by look-ups.
 * @cause: a rule was asked for or against, or an origin was replaced.
 * Return: how many rules it added and deleted.
 */
static u32 publish(struct vp_table *next, enum vfiopolicy_cause cause)
{
	const bool one = cause == VFIOPOLICY_CAUSE_REQUEST;
	struct vp_table *old = table_for_writer();
	u32 count;

	lockdep_assert_held(&rules_lock);
	next->generation = old->generation + 1 ?: 1;
	count = tell_difference(old, next, VFIOPOLICY_CMD_RULE_DEL_NTF, cause);
	vp_device_plan(next);
	spin_lock(&vp_lock);
	rcu_assign_pointer(rules_table, next);
	vp_device_rematch(next, one ? VFIOPOLICY_CAUSE_RULE : cause);
	spin_unlock(&vp_lock);
	count += tell_difference(next, old, VFIOPOLICY_CMD_RULE_ADD_NTF, cause);
	call_rcu(&old->rcu, free_table);
	return count;
}

/**
 * vp_rules_ask_dsn() - does a rule look at serial numbers
 *
 * Context: any; RCU.
 * Return: true when one does at this moment.
 */
bool vp_rules_ask_dsn(void)
{
	bool ask;

	rcu_read_lock();
	ask = rcu_dereference(rules_table)->dsn;
	rcu_read_unlock();
	return ask;
}

/**
 * vp_rules_with() - does a rule hold other devices with those that it names
 *
 * Context: any; RCU.
 * Return: true when one does at this moment.
 */
bool vp_rules_with(void)
{
	bool with;

	rcu_read_lock();
	with = rcu_dereference(rules_table)->with;
	rcu_read_unlock();
	return with;
}

/**
 * vp_rules_want() - where the rules want a device
 * @facts: the device
 *
 * Context: any; RCU.
 * Return: what they want at this moment.
 */
enum vp_want vp_rules_want(const struct vp_facts *facts)
{
	struct vp_entry *entry;
	enum vp_want want;
	enum vp_fit fit;

	rcu_read_lock();
	entry = vp_rules_match(rcu_dereference(rules_table), facts, &fit);
	want = vp_device_want_by(entry, fit);
	rcu_read_unlock();
	return want;
}

/**
 * vp_rules_match() - the rule of a table that has a say over a device
 * @table: the table
 * @facts: the device
 * @fit: set to how it fits
 *
 * Context: any; @table must stay.
 * Return: its entry, or NULL when the host keeps the device.
 */
struct vp_entry *vp_rules_match(const struct vp_table *table,
				const struct vp_facts *facts, enum vp_fit *fit)
{
	struct vp_entry *entry = vp_policy_match(table, facts, fit);

	return entry && entry->rule.action == VP_LEAVE ? NULL : entry;
}

/**
 * vp_rules_match_locked() - the rule in force that has a say over a device
 * @facts: the device
 * @fit: set to how it fits
 *
 * Context: vp_lock held.
 * Return: its entry, good until vp_lock is released, or NULL.
 */
struct vp_entry *vp_rules_match_locked(const struct vp_facts *facts,
				       enum vp_fit *fit)
{
	lockdep_assert_held(&vp_lock);
	return vp_rules_match(table_locked(), facts, fit);
}

/**
 * vp_rules_parse() - make an entry of a text
 * @text: the rule, or an entry of the parameter ids=
 * @len: its length
 * @ids: it is the latter
 * @origin: where it comes from
 * @err: filled in when it is no rule
 *
 * Context: may sleep.
 * Return: the entry with one reference, or an ERR_PTR: -EINVAL or -ENOMEM.
 */
struct vp_entry *vp_rules_parse(const char *text, size_t len, bool ids,
				enum vfiopolicy_origin origin,
				struct vp_error *err)
{
	struct vp_entry *entry;
	struct vp_rule *rule;
	int ret;

	/* Too large for the stack. */
	rule = kmalloc(sizeof(*rule), GFP_KERNEL);
	if (!rule)
		return ERR_PTR(-ENOMEM);
	ret = ids ? vp_rule_parse_id(text, len, rule, err) :
		    vp_rule_parse(text, len, rule, err);
	entry = ret ? ERR_PTR(ret) : vp_entry_new(rule, origin);
	kfree(rule);
	return entry ?: ERR_PTR(-ENOMEM);
}

static int out_of_memory(struct netlink_ext_ack *extack,
			 const struct nlattr *attr)
{
	VP_EXTACK(extack, attr, "out of memory");
	return -ENOMEM;
}

/*
 * May this table come into force? @entries are those that may be new in it, and
 * @attrs what gave them.
 */
static int check_next(const struct vp_table *next,
		      struct vp_entry *const *entries,
		      const struct nlattr *const *attrs, u32 count,
		      struct netlink_ext_ack *extack, const struct nlattr *attr)
{
	const struct vp_entry *other;
	char address[VP_NAME_MAX];
	const char *user;
	u32 i;

	lockdep_assert_held(&rules_lock);
	for (i = 0; i < count; i++) {
		other = vp_policy_conflict(next, entries[i]);
		if (!other)
			continue;
		/* Said short: there is room for 80 bytes. */
		VP_EXTACK(extack, attrs[i], "'%.32s' is at odds with rule '%.32s'",
			  entries[i]->text, other->text);
		return -EEXIST;
	}
	if (next->count > VFIOPOLICY_RULES_MAX) {
		VP_EXTACK(extack, attr, "%u rules, and the limit is %u",
			  next->count, VFIOPOLICY_RULES_MAX);
		return -ENOSPC;
	}
	if (vp_device_user(next, address, &user)) {
		VP_EXTACK(extack, attr, "%s is in use: %s", address, user);
		return -EBUSY;
	}
	return 0;
}

static int add_locked(struct vp_entry *entry, struct netlink_ext_ack *extack,
		      const struct nlattr *attr)
{
	struct vp_table *next;
	int ret;

	lockdep_assert_held(&rules_lock);
	next = vp_policy_with(table_for_writer(), entry);
	if (!next)
		return out_of_memory(extack, attr);
	entry->id = last_id + 1;
	ret = check_next(next, &entry, &attr, 1, extack, attr);
	if (ret) {
		vp_policy_free(next);
		return ret;
	}
	last_id++;
	publish(next, VFIOPOLICY_CAUSE_REQUEST);
	return 0;
}

/**
 * vp_rules_add() - add a rule at the end of its origin's part of the list
 * @entryp: the rule; replaced by the one that was there already, if one was.
 *          The caller keeps its reference on what stands there.
 * @existed: set when it was there already, so that nothing was changed
 * @take_over: take its devices from the drivers that have them
 * @extack: takes the reason of a refusal
 * @attr: the attribute that gave the rule
 *
 * Devices that are there already are claimed by their work items; those that
 * come from now on are claimed as they come.
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0; -EEXIST when it is at odds with another; -ENOSPC at the limit;
 * -EBUSY when a user has a device open that it would move; -ENOMEM.
 */
int vp_rules_add(struct vp_entry **entryp, bool *existed, bool take_over,
		 struct netlink_ext_ack *extack, const struct nlattr *attr)
{
	struct vp_entry *entry = *entryp, *other;
	int ret = 0;

	mutex_lock(&rules_lock);
	other = vp_policy_find(table_for_writer(), entry);
	*existed = other;
	if (other) {
		*entryp = vp_entry_get(other);
		vp_entry_put(entry);
	} else {
		ret = add_locked(entry, extack, attr);
	}
	mutex_unlock(&rules_lock);
	if (ret)
		return ret;

	/* A rule said again is also a wish to try again what failed. */
	vp_target_try_again(VFIOPOLICY_CAUSE_RULE);
	vp_walk((*entryp)->id, take_over, VFIOPOLICY_CAUSE_RULE);
	return 0;
}

/**
 * vp_rules_del() - delete rules
 * @text: every rule of this canonical text; NULL to go by @id
 * @id: the rule of this number
 * @extack: takes the reason of a refusal
 * @attr: the attribute that named the rule
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0; -ENOENT when there is none; -EBUSY when a user has one of its
 * devices open; -ENOMEM.
 */
int vp_rules_del(const char *text, u32 id, struct netlink_ext_ack *extack,
		 const struct nlattr *attr)
{
	struct vp_table *next;
	int ret;

	mutex_lock(&rules_lock);
	next = vp_policy_without(table_for_writer(), text, id);
	if (!next) {
		ret = out_of_memory(extack, attr);
	} else if (next->count == table_for_writer()->count) {
		VP_EXTACK(extack, attr, "there is no such rule");
		ret = -ENOENT;
	} else {
		ret = check_next(next, NULL, NULL, 0, extack, attr);
	}
	if (ret)
		vp_policy_free(next);
	else
		publish(next, VFIOPOLICY_CAUSE_REQUEST);
	mutex_unlock(&rules_lock);
	/* One that was left to the host may have another rule now. */
	if (!ret)
		vp_walk(0, false, VFIOPOLICY_CAUSE_RULE);
	return ret;
}

/* A rule that stays is the same rule, with its number. */
static void keep_numbers(struct vp_entry **entries, u32 count)
{
	const struct vp_table *table = table_for_writer();
	struct vp_entry *old;
	u32 i;

	lockdep_assert_held(&rules_lock);
	for (i = 0; i < count; i++) {
		old = vp_policy_find(table, entries[i]);
		if (!old) {
			entries[i]->id = ++last_id;
			continue;
		}
		vp_entry_put(entries[i]);
		entries[i] = vp_entry_get(old);
	}
}

/**
 * vp_rules_replace() - make the rules of one origin these
 * @origin: the origin
 * @entries: the rules, in order; the caller keeps a reference on each, and
 *           those that were there before take the place of what is given
 * @attrs: the attributes that gave them
 * @count: number of @entries
 * @total: set to how many rules the origin has now
 * @changed: set to how many rules were added and deleted
 * @extack: takes the reason of a refusal
 *
 * Context: may sleep; takes rules_lock and vp_lock.
 * Return: 0; -EEXIST when one of them is at odds with another; -ENOSPC at the
 * limit; -EBUSY when a user has a device open that this would move; -ENOMEM.
 * All or nothing.
 */
int vp_rules_replace(enum vfiopolicy_origin origin, struct vp_entry **entries,
		     const struct nlattr *const *attrs, u32 count, u32 *total,
		     u32 *changed, struct netlink_ext_ack *extack)
{
	struct vp_table *table, *next;
	u32 i, first_id;
	int ret;

	mutex_lock(&rules_lock);
	table = table_for_writer();
	first_id = last_id;
	keep_numbers(entries, count);
	next = vp_policy_replace(table, origin, entries, count);
	ret = next ? check_next(next, entries, attrs, count, extack, NULL) :
		     out_of_memory(extack, NULL);
	if (ret) {
		last_id = first_id;
		vp_policy_free(next);
		mutex_unlock(&rules_lock);
		return ret;
	}
	for (*total = 0, i = 0; i < next->count; i++)
		*total += next->entries[i]->origin == origin;
	*changed = publish(next, VFIOPOLICY_CAUSE_REPLACE);
	mutex_unlock(&rules_lock);

	vp_target_try_again(VFIOPOLICY_CAUSE_REPLACE);
	vp_walk(0, false, VFIOPOLICY_CAUSE_REPLACE);
	return 0;
}

/**
 * vp_rules_for_each() - show the rules, in the order in which they are tried
 * @cursor: where to begin; moved behind the last rule that @fn took
 * @generation: set to what tells this table from others; never 0
 * @fn: called for each; must not sleep
 * @arg: handed on to @fn
 *
 * Context: any; RCU.
 * Return: 0 behind the last rule, or what @fn returned.
 */
int vp_rules_for_each(u32 *cursor, u32 *generation,
		      int (*fn)(const struct vp_entry *entry, void *arg),
		      void *arg)
{
	const struct vp_table *table;
	int ret = 0;

	rcu_read_lock();
	table = rcu_dereference(rules_table);
	*generation = table->generation;
	for (; *cursor < table->count; ++*cursor) {
		ret = fn(table->entries[*cursor], arg);
		if (ret)
			break;
	}
	rcu_read_unlock();
	return ret;
}

/**
 * vp_rules_count() - how many rules there are
 * @rules: set to the number in the table
 * @bad: set to the number that were given as parameters and do not hold
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

/* The rules of the parameters while they are collected. */
struct load {
	struct vp_entry *entries[VFIOPOLICY_RULES_MAX];
	u32 count;
	u32 dropped;
};

/* As much as fits a line of the log, of which there are some 1,000 bytes. */
static void say_bad(const char *text, size_t len, const struct vp_error *err)
{
	size_t rest = min(len - err->at, (size_t)VFIOPOLICY_RULE_LEN_MAX);

	pr_err("bad rule '%.*s%s': expected %s%s%s at '%.*s'\n",
	       (int)min(len, (size_t)200), text, len > 200 ? "..." : "",
	       err->want, err->hint ? ", perhaps " : "", err->hint ?: "",
	       (int)rest, text + err->at);
}

static int load_one(struct load *load, const char *text, size_t len, bool ids)
{
	struct vp_error err = {};
	struct vp_entry *entry;

	if (load->count == ARRAY_SIZE(load->entries)) {
		load->dropped++;
		return 0;
	}
	entry = vp_rules_parse(text, len, ids, VFIOPOLICY_ORIGIN_CMDLINE, &err);
	if (!IS_ERR(entry)) {
		load->entries[load->count++] = entry;
		entry->id = ++last_id;
		return 0;
	}
	if (PTR_ERR(entry) != -EINVAL)
		return PTR_ERR(entry);
	say_bad(text, len, &err);
	bad_rules++;
	return 0;
}

static int load_text(struct load *load, const char *text, size_t len, bool ids)
{
	const char *pos = text;
	struct vp_piece piece;
	int ret = 0;

	while (!ret && vp_text_next(&pos, text + len, ids ? ',' : ';', &piece))
		ret = load_one(load, piece.text, piece.len, ids);
	return ret;
}

/* Of two that are at odds the first one holds. */
static void drop_conflicts(struct load *load, const struct vp_table *next)
{
	const struct vp_entry *other;
	struct vp_entry *entry;
	u32 i, kept = 0;

	for (i = 0; i < load->count; i++) {
		entry = load->entries[i];
		other = vp_policy_conflict_before(next, entry);
		if (!other) {
			load->entries[kept++] = entry;
			continue;
		}
		pr_err("bad rule '%s': at odds with '%s', which comes first\n",
		       entry->text, other->text);
		bad_rules++;
		/* It keeps nobody out who comes after it. */
		entry->id = 0;
		vp_entry_put(entry);
	}
	load->count = kept;
}

static struct vp_table *load_table(struct load *load,
				   const struct vp_table *empty)
{
	const enum vfiopolicy_origin origin = VFIOPOLICY_ORIGIN_CMDLINE;
	struct vp_table *next;
	u32 before = load->count;

	next = vp_policy_replace(empty, origin, load->entries, load->count);
	if (!next)
		return NULL;
	drop_conflicts(load, next);
	if (load->count == before)
		return next;
	vp_policy_free(next);
	return vp_policy_replace(empty, origin, load->entries, load->count);
}

/**
 * vp_rules_load() - make a table of the module's parameters
 * @rules: rules parted by ; or line ends
 * @rules_len: length of @rules
 * @ids: entries of ids= parted by commas
 * @ids_len: length of @ids
 *
 * A bad rule is logged with the rest of its text and counted; the others
 * hold. One typo must not give every device to the host.
 *
 * Context: may sleep; module init, before anybody looks anything up.
 * Return: 0, or -ENOMEM, with which the module must not be loaded as if all
 * were well.
 */
int vp_rules_load(const char *rules, size_t rules_len, const char *ids,
		  size_t ids_len)
{
	struct vp_table *empty = vp_policy_empty(), *next = NULL;
	struct load *load = kvzalloc(sizeof(*load), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!empty || !load)
		goto out;
	mutex_lock(&rules_lock);
	if (!load_text(load, rules, rules_len, false) &&
	    !load_text(load, ids, ids_len, true))
		next = load_table(load, empty);
	if (load->dropped)
		pr_err("%u rules are more than %u, which is the limit\n",
		       load->dropped, VFIOPOLICY_RULES_MAX);
	bad_rules += load->dropped;
	if (next)
		next->generation = 1;
	RCU_INIT_POINTER(rules_table, next);
	mutex_unlock(&rules_lock);
	ret = next ? 0 : -ENOMEM;
out:
	while (load && load->count)
		vp_entry_put(load->entries[--load->count]);
	kvfree(load);
	vp_policy_free(empty);
	return ret;
}

/**
 * vp_rules_stop() - free the table
 *
 * Context: may sleep; module exit, when nobody looks anything up any more.
 */
void vp_rules_stop(void)
{
	/* Tables replaced earlier are freed by code of ours. */
	rcu_barrier();
	vp_policy_free(rcu_dereference_protected(rules_table, true));
}
