// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of rules: looking up, and making the next table. Plain C, compiled
 * into the module and into user space; locking and publishing are the
 * caller's (rules.c).
 */
#include "policy.h"

/* Behind the last of a chain. */
#define NONE		(~0u)
#define BITS_MAX	13

/* FNV-1a, or nearly: nobody gains by making keys collide but root. */
#define HASH_START	2166136261u

static u32 hash_byte(u32 hash, u8 byte)
{
	return (hash ^ byte) * 16777619u;
}

/* A word in one go, its upper half brought down to where it counts. */
static u32 hash_u32(u32 hash, u32 val)
{
	hash = (hash ^ val) * 2654435769u;
	return hash ^ hash >> 15;
}

static u32 hash_text(const char *text, size_t len)
{
	u32 hash = HASH_START;

	while (len--)
		hash = hash_byte(hash, *text++);
	return hash;
}

static u32 hash_ids(u32 vendor, u32 device)
{
	return hash_u32(hash_byte(HASH_START, 'i'), vendor << 16 | device);
}

static u32 hash_place(const struct vp_place *place)
{
	u32 hash = hash_u32(hash_byte(HASH_START, 'p'), place->domain);
	u8 i;

	hash = hash_byte(hash, place->bus);
	for (i = 0; i < place->count; i++)
		hash = hash_byte(hash, place->devfn[i]);
	return hash;
}

/* The place of a device as seen from its nth bridge; 0 is its address. */
static u32 hash_facts(const struct vp_facts *facts, u8 bridges)
{
	u32 hash = hash_u32(hash_byte(HASH_START, 'p'), facts->domain);
	u8 i;

	hash = hash_byte(hash, bridges ? facts->above[bridges - 1].bus :
					 facts->bus);
	for (i = bridges; i; i--)
		hash = hash_byte(hash, facts->above[i - 1].devfn);
	return hash_byte(hash, facts->devfn);
}

/* Does this rule name exactly one place? That is where it is found. */
static const struct vp_place *one_place(const struct vp_rule *rule)
{
	const struct vp_selector *sel;
	u8 i;

	for (i = 0; i < rule->count; i++) {
		sel = &rule->selectors[i];
		if (sel->except || sel->kind > VP_SEL_AT)
			return NULL;
		if (!sel->place.any_slot && !sel->place.any_func)
			return &sel->place;
	}
	return NULL;
}

/* Exact ids and no place: with a place, something else may sit there. */
static const struct vp_selector *exact_ids(const struct vp_rule *rule)
{
	const struct vp_selector *sel;
	u8 i;

	for (i = 0; i < rule->count; i++) {
		sel = &rule->selectors[i];
		if (sel->except || sel->kind < VP_SEL_IDS)
			return NULL;
		if (sel->kind == VP_SEL_IDS)
			return sel->vendor != VP_ANY && sel->device != VP_ANY ?
			       sel : NULL;
	}
	return NULL;
}

/* Which chain of the index of devices the rule belongs in, if in any. */
static void find_chain(struct vp_entry *entry)
{
	const struct vp_place *place = one_place(&entry->rule);
	const struct vp_selector *ids = exact_ids(&entry->rule);

	entry->dsn = vp_match_needs_dsn(&entry->rule);
	entry->chained = place || ids;
	if (place) {
		entry->device_hash = hash_place(place);
		entry->elements = place->count;
	} else if (ids) {
		entry->device_hash = hash_ids(ids->vendor, ids->device);
	}
}

/**
 * vp_entry_new() - a rule as tables have it
 * @rule: what it says
 * @origin: where it comes from
 *
 * Context: may sleep.
 * Return: the entry with one reference and without a number, or NULL when out
 * of memory.
 */
struct vp_entry *vp_entry_new(const struct vp_rule *rule,
			      enum vfiopolicy_origin origin)
{
	size_t len = vp_rule_print(rule, NULL, 0);
	struct vp_entry *entry = kvzalloc(sizeof(*entry) + len + 1, GFP_KERNEL);

	if (!entry)
		return NULL;
	refcount_set(&entry->refs, 1);
	entry->origin = origin;
	entry->rule = *rule;
	vp_rule_print(rule, entry->text, len + 1);
	entry->hash = hash_text(entry->text, len);
	entry->selectors_at = strlen(vp_action_name(rule->action)) + 1;
	entry->selectors_len = vp_rule_print_selectors(rule, NULL, 0);
	entry->selectors_hash = hash_text(entry->text + entry->selectors_at,
					  entry->selectors_len);
	find_chain(entry);
	return entry;
}

/**
 * vp_entry_get() - another reference on a rule
 * @entry: the rule
 *
 * Context: any.
 * Return: @entry.
 */
struct vp_entry *vp_entry_get(struct vp_entry *entry)
{
	refcount_inc(&entry->refs);
	return entry;
}

/**
 * vp_entry_put() - give a reference on a rule back
 * @entry: the rule, or NULL
 *
 * Context: any.
 */
void vp_entry_put(struct vp_entry *entry)
{
	if (entry && refcount_dec_and_test(&entry->refs))
		kvfree(entry);
}

/* The head of the chain that a hash leads to: the upper bits are the best. */
static u32 *head_of(const struct vp_table *table, const struct vp_index *index,
		    u32 hash)
{
	return &index->heads[(hash * 2654435769u) >> (32 - table->bits)];
}

static void link_at(const struct vp_index *index, u32 *head, u32 rank)
{
	index->next[rank] = *head;
	*head = rank;
}

static void index_for_devices(struct vp_table *table, u32 rank)
{
	const struct vp_index *index = &table->by_device;
	const struct vp_entry *entry = table->entries[rank];
	u32 *head = &table->others;

	if (entry->chained)
		head = head_of(table, index, entry->device_hash);
	table->hashes[rank] = entry->device_hash;
	if (entry->elements)
		table->lengths |= 1u << entry->elements;
	link_at(index, head, rank);
	table->dsn = table->dsn || entry->dsn;
	table->with = table->with || (entry->rule.with &&
				      entry->rule.action != VP_LEAVE);
}

static u32 *place_index(struct vp_table *table, struct vp_index *index,
			u32 *room, u32 count)
{
	u32 heads = 1u << table->bits;

	index->heads = room;
	index->next = room + heads;
	memset(index->heads, 0xff, heads * sizeof(u32));
	return index->next + count;
}

/* Room for @count rules, and for the indexes of as many. */
static struct vp_table *alloc_table(u32 count)
{
	const size_t one = sizeof(struct vp_entry *);
	struct vp_table *table;
	u32 bits = 1, *room;
	size_t index;

	/* Half of the chains empty: what nobody names is told at once. */
	while (bits < BITS_MAX && 1u << bits < 2 * count)
		bits++;
	index = ((1u << bits) + count) * sizeof(u32);
	table = kvzalloc(sizeof(*table) + count * one + count * sizeof(u32) +
			 3 * index, GFP_KERNEL);
	if (!table)
		return NULL;
	table->bits = bits;
	table->others = NONE;
	table->hashes = (u32 *)&table->entries[count];
	room = table->hashes + count;
	room = place_index(table, &table->by_device, room, count);
	room = place_index(table, &table->by_selectors, room, count);
	place_index(table, &table->by_name, room, count);
	return table;
}

/* From the last to the first, so that chains ascend. */
static struct vp_table *finish(struct vp_table *table)
{
	u32 rank;

	for (rank = table->count; rank > 0; rank--)
		index_for_devices(table, rank - 1);
	return table;
}

static bool same_selectors(const struct vp_entry *a, const struct vp_entry *b)
{
	return a->selectors_hash == b->selectors_hash &&
	       a->selectors_len == b->selectors_len &&
	       !memcmp(a->text + a->selectors_at, b->text + b->selectors_at,
		       a->selectors_len);
}

/* The first of those that name the same devices, from @rank on. */
static u32 find_selectors(const struct vp_table *table, u32 rank,
			  const struct vp_entry *entry)
{
	const struct vp_entry *other;

	for (; rank != NONE; rank = table->by_selectors.next[rank]) {
		other = table->entries[rank];
		if (other->origin == entry->origin &&
		    same_selectors(other, entry))
			break;
	}
	return rank;
}

static u32 hash_name(const struct vp_entry *entry)
{
	return hash_text(entry->rule.name, strlen(entry->rule.name));
}

/* The one that says the same. */
static u32 find_text(const struct vp_table *table, const struct vp_entry *like)
{
	u32 rank = *head_of(table, &table->by_selectors, like->selectors_hash);

	while ((rank = find_selectors(table, rank, like)) != NONE) {
		if (!strcmp(table->entries[rank]->text, like->text))
			break;
		rank = table->by_selectors.next[rank];
	}
	return rank;
}

/* A rule that is there already is not appended again. */
static void append(struct vp_table *next, struct vp_entry *entry)
{
	u32 rank;

	if (find_text(next, entry) != NONE)
		return;
	rank = next->count++;
	next->entries[rank] = vp_entry_get(entry);
	link_at(&next->by_selectors,
		head_of(next, &next->by_selectors, entry->selectors_hash), rank);
	if (entry->rule.name[0])
		link_at(&next->by_name,
			head_of(next, &next->by_name, hash_name(entry)), rank);
}

/**
 * struct plan - what the next table is to have
 * @table: the table as it is; NULL for an empty one
 * @drop: is this entry of it to be left out
 * @arg: handed on to @drop
 * @more: entries that come behind those of @table of the same origin
 * @count: number of @more
 */
struct plan {
	const struct vp_table *table;
	bool (*drop)(const struct vp_entry *entry, const void *arg);
	const void *arg;
	struct vp_entry *const *more;
	u32 count;
};

/* Where a rule belongs among the others: first leave, then by origin. */
static int part_of(const struct vp_entry *entry)
{
	static const u8 order[] = {
		[VFIOPOLICY_ORIGIN_RUNTIME] = 0,
		[VFIOPOLICY_ORIGIN_FILE] = 1,
		[VFIOPOLICY_ORIGIN_CMDLINE] = 2,
	};

	return order[entry->origin] + (entry->rule.action == VP_LEAVE ? 0 : 3);
}

/* The table as it is has its parts in order already. */
static struct vp_table *build(const struct plan *plan)
{
	u32 had = plan->table ? plan->table->count : 0, i = 0, j;
	struct vp_table *next = alloc_table(had + plan->count);
	struct vp_entry *entry;
	int part;

	if (!next)
		return NULL;
	for (part = 0; part < 6; part++) {
		for (; i < had; i++) {
			entry = plan->table->entries[i];
			if (part_of(entry) != part)
				break;
			if (!plan->drop || !plan->drop(entry, plan->arg))
				append(next, entry);
		}
		for (j = 0; j < plan->count; j++)
			if (part_of(plan->more[j]) == part)
				append(next, plan->more[j]);
	}
	return finish(next);
}

/**
 * vp_policy_empty() - a table without rules
 *
 * Context: may sleep.
 * Return: the table, or NULL when out of memory.
 */
struct vp_table *vp_policy_empty(void)
{
	return build(&(struct plan) { .count = 0 });
}

/**
 * vp_policy_with() - a table with one more rule, the last of its origin
 * @table: the table as it is
 * @entry: the rule; the table takes a reference of its own
 *
 * Context: may sleep.
 * Return: the new table, or NULL when out of memory.
 */
struct vp_table *vp_policy_with(const struct vp_table *table,
				struct vp_entry *entry)
{
	return build(&(struct plan) {
		.table = table, .more = &entry, .count = 1,
	});
}

/* Which rules to leave out: by @text, or by @id when that is NULL. */
struct which {
	const char *text;
	u32 id;
};

static bool is_which(const struct vp_entry *entry, const void *arg)
{
	const struct which *which = arg;

	return which->text ? !strcmp(entry->text, which->text) :
			     entry->id == which->id;
}

/**
 * vp_policy_without() - a table without some rules
 * @table: the table as it is
 * @text: leave out every rule of this canonical text; NULL to go by @id
 * @id: leave out the rule of this number
 *
 * Context: may sleep.
 * Return: the new table, or NULL when out of memory.
 */
struct vp_table *vp_policy_without(const struct vp_table *table,
				   const char *text, u32 id)
{
	struct which which = { .text = text, .id = id };

	return build(&(struct plan) {
		.table = table, .drop = is_which, .arg = &which,
	});
}

static bool is_of_origin(const struct vp_entry *entry, const void *arg)
{
	const enum vfiopolicy_origin *origin = arg;

	return entry->origin == *origin;
}

/**
 * vp_policy_replace() - a table with other rules of one origin
 * @table: the table as it is
 * @origin: the origin
 * @entries: its rules; the table takes references of its own
 * @count: number of @entries
 *
 * Context: may sleep.
 * Return: the new table, or NULL when out of memory.
 */
struct vp_table *vp_policy_replace(const struct vp_table *table,
				   enum vfiopolicy_origin origin,
				   struct vp_entry *const *entries, u32 count)
{
	return build(&(struct plan) {
		.table = table, .drop = is_of_origin, .arg = &origin,
		.more = entries, .count = count,
	});
}

/**
 * vp_policy_free() - free a table
 * @table: the table, which nobody looks anything up in any more, or NULL
 *
 * Context: any.
 */
void vp_policy_free(struct vp_table *table)
{
	u32 i;

	for (i = 0; table && i < table->count; i++)
		vp_entry_put(table->entries[i]);
	kvfree(table);
}

/* The best found so far: ranks, or NONE. */
struct best {
	u32 match;
	u32 changed;
};

static void try_rule(const struct vp_table *table, u32 rank,
		     const struct vp_facts *facts, struct best *best)
{
	const struct vp_rule *rule = &table->entries[rank]->rule;
	enum vp_fit fit = vp_match(rule, facts, NULL);

	if (fit == VP_FIT_MATCH ||
	    (fit == VP_FIT_CHANGED && rule->changed_hold))
		best->match = rank;
	/* What would be left to the host anyhow is no news. */
	else if (fit == VP_FIT_CHANGED && rank < best->changed &&
		 rule->action != VP_LEAVE)
		best->changed = rank;
}

/* Ends at the first that matches, as what follows has higher ranks. */
static void try_chain(const struct vp_table *table, u32 hash,
		      const struct vp_facts *facts, struct best *best)
{
	u32 rank = *head_of(table, &table->by_device, hash);

	for (; rank < best->match; rank = table->by_device.next[rank])
		if (table->hashes[rank] == hash)
			try_rule(table, rank, facts, best);
}

static void try_others(const struct vp_table *table,
		       const struct vp_facts *facts, struct best *best)
{
	u32 rank = table->others;

	for (; rank < best->match; rank = table->by_device.next[rank])
		try_rule(table, rank, facts, best);
}

/**
 * vp_policy_match() - the rule that has a say over a device
 * @table: the table
 * @facts: the device
 * @fit: set to how it fits; %VP_FIT_CHANGED when something else sits at the
 *       place that the rule names: a rule that says changed=hold has its say
 *       in its turn then, any other only when no rule matches
 *
 * Context: any; @table must stay (RCU, or never published). Takes no lock and
 * allocates nothing.
 * Return: the first entry in the list that has a say, or NULL.
 */
struct vp_entry *vp_policy_match(const struct vp_table *table,
				 const struct vp_facts *facts,
				 enum vp_fit *fit)
{
	struct best best = { .match = NONE, .changed = NONE };
	u32 lengths = table->lengths >> 1;
	struct vp_entry *entry;
	u8 bridges;

	for (bridges = 0; bridges <= facts->depth && lengths; bridges++) {
		if (lengths & 1)
			try_chain(table, hash_facts(facts, bridges), facts,
				  &best);
		lengths >>= 1;
	}
	try_chain(table, hash_ids(facts->vendor, facts->device), facts, &best);
	try_others(table, facts, &best);

	*fit = VP_FIT_NONE;
	if (best.match == NONE && best.changed == NONE)
		return NULL;
	if (best.match == NONE) {
		*fit = VP_FIT_CHANGED;
		return table->entries[best.changed];
	}
	entry = table->entries[best.match];
	*fit = vp_match(&entry->rule, facts, NULL);
	return entry;
}

/**
 * vp_policy_find() - an entry by what it says and where it came from
 * @table: the table
 * @like: an entry that says the same and comes from there
 *
 * Context: any; @table must stay.
 * Return: the entry of @table, or NULL.
 */
struct vp_entry *vp_policy_find(const struct vp_table *table,
				const struct vp_entry *like)
{
	u32 rank = find_text(table, like);

	return rank == NONE ? NULL : table->entries[rank];
}

/**
 * vp_policy_find_id() - an entry by its number
 * @table: the table
 * @id: the number
 *
 * Context: any; @table must stay.
 * Return: the entry, or NULL.
 */
struct vp_entry *vp_policy_find_id(const struct vp_table *table, u32 id)
{
	u32 i;

	for (i = 0; i < table->count; i++)
		if (table->entries[i]->id == id)
			return table->entries[i];
	return NULL;
}

/**
 * vp_policy_has() - is this very entry in a table
 * @table: the table
 * @entry: the entry, not just one that says the same
 *
 * Context: any; @table must stay.
 * Return: true when it is.
 */
bool vp_policy_has(const struct vp_table *table, const struct vp_entry *entry)
{
	u32 rank = *head_of(table, &table->by_selectors, entry->selectors_hash);

	while (rank != NONE && table->entries[rank] != entry)
		rank = table->by_selectors.next[rank];
	return rank != NONE;
}

/* Rules for two hosts are never both heard. */
static bool share_a_host(const struct vp_entry *a, const struct vp_entry *b)
{
	return !a->rule.host[0] || !b->rule.host[0] ||
	       !strcmp(a->rule.host, b->rule.host);
}

/*
 * What the module was loaded with may be older than the files: a name in it
 * does not keep that name from them.
 */
static bool share_a_name(const struct vp_entry *a, const struct vp_entry *b)
{
	return (a->origin == VFIOPOLICY_ORIGIN_CMDLINE) ==
	       (b->origin == VFIOPOLICY_ORIGIN_CMDLINE) &&
	       !strcmp(a->rule.name, b->rule.name);
}

/* May these two not stand in one table? Only with a lower number, if so asked. */
static bool is_at_odds(const struct vp_entry *other,
		       const struct vp_entry *entry, bool before)
{
	if (before && (!other->id || other->id >= entry->id))
		return false;
	return strcmp(other->text, entry->text) != 0 &&
	       share_a_host(other, entry);
}

static const struct vp_entry *conflict(const struct vp_table *table,
				       const struct vp_entry *entry, bool before)
{
	const struct vp_entry *other;
	u32 rank;

	rank = *head_of(table, &table->by_selectors, entry->selectors_hash);
	while ((rank = find_selectors(table, rank, entry)) != NONE) {
		other = table->entries[rank];
		if (is_at_odds(other, entry, before))
			return other;
		rank = table->by_selectors.next[rank];
	}
	if (!entry->rule.name[0])
		return NULL;
	rank = *head_of(table, &table->by_name, hash_name(entry));
	for (; rank != NONE; rank = table->by_name.next[rank]) {
		other = table->entries[rank];
		if (share_a_name(other, entry) &&
		    is_at_odds(other, entry, before))
			return other;
	}
	return NULL;
}

/**
 * vp_policy_conflict() - is there a rule that one cannot stand beside
 * @table: the table
 * @entry: the rule, which may be in @table
 *
 * Context: any; @table must stay.
 * Return: an entry of the same origin that names the same devices by the same
 * words and wants something else, so that the one of them that stands behind
 * the other is never heard; or one that has the same name and says something
 * else; or NULL. Rules for different hosts are no conflict, and names of the
 * module's parameters are their own.
 */
const struct vp_entry *vp_policy_conflict(const struct vp_table *table,
					  const struct vp_entry *entry)
{
	return conflict(table, entry, false);
}

/**
 * vp_policy_conflict_before() - the same, but only with rules that were first
 * @table: the table
 * @entry: the rule, which may be in @table
 *
 * Context: any; @table must stay.
 * Return: as vp_policy_conflict(), of the entries with a lower number than
 * @entry that is not 0.
 */
const struct vp_entry *vp_policy_conflict_before(const struct vp_table *table,
						 const struct vp_entry *entry)
{
	return conflict(table, entry, true);
}
