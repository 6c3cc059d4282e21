// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of up to 64 rules that are made, changed and asked, each step beside
 * the model. Numbers, order and references are looked at after each change;
 * at the end nothing is left (LeakSanitizer) and nothing was freed too early
 * (AddressSanitizer).
 */
#define RULES_MAX	64
#define MODEL_MAX	RULES_MAX
#include "model.h"
#include "random_rule.h"
#include "small_rule.h"

/* All that ever were, by number from 1; each with a reference of ours. */
struct world {
	struct bytes in;
	struct vp_table *table;
	struct model model;
	struct vp_entry *all[4 * RULES_MAX];
	u32 numbers;
};

/*
 * Printing is what most of the time would go to, and small rules come again
 * and again: a new entry is copied from one of the same rule, if there was one.
 */
static struct vp_entry *copied_entry(const struct vp_rule *rule,
				     enum vfiopolicy_origin origin)
{
	static struct vp_entry *seen[1 << 16];
	struct vp_entry *entry, **slot;
	const u64 *words = (const u64 *)rule;
	u64 hash = 0;
	size_t i, size;

	for (i = 0; i < sizeof(*rule) / sizeof(*words); i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15;
	slot = &seen[hash >> 48];
	if (*slot && memcmp(&(*slot)->rule, rule, sizeof(*rule)) != 0) {
		vp_entry_put(*slot);
		*slot = NULL;
	}
	if (!*slot)
		*slot = vp_entry_new(rule, origin);
	size = sizeof(*entry) + strlen((*slot)->text) + 1;
	entry = malloc(size);
	memcpy(entry, *slot, size);
	entry->origin = origin;
	return entry;
}

static struct vp_entry *new_entry(struct world *world,
				  enum vfiopolicy_origin origin)
{
	struct vp_entry *entry;
	struct vp_rule rule;

	small_rule(&world->in, &rule);
	entry = copied_entry(&rule, origin);
	entry->id = ++world->numbers;
	world->all[entry->id - 1] = entry;
	return entry;
}

/* The old table goes when the new one is there, as in the module. */
static void publish(struct world *world, struct vp_table *next)
{
	struct vp_entry *sorted[MODEL_MAX];
	bool in[ARRAY_SIZE(world->all)] = { false };
	u32 i;

	vp_policy_free(world->table);
	world->table = next;
	model_sort(&world->model, sorted);
	CLAIM(next->count == world->model.count, "the table");
	for (i = 0; i < next->count; i++) {
		CLAIM(next->entries[i] == sorted[i], sorted[i]->text);
		in[sorted[i]->id - 1] = true;
	}
	for (i = 0; i < world->numbers; i++) {
		CLAIM(world->all[i]->refs.refs == 1u + in[i], world->all[i]->text);
		CLAIM(vp_policy_has(next, world->all[i]) == in[i], world->all[i]->text);
	}
}

static void do_with(struct world *world)
{
	struct vp_entry *entry = new_entry(world, below(&world->in, 3));

	model_with(&world->model, entry);
	publish(world, vp_policy_with(world->table, entry));
}

static void do_without(struct world *world, bool by_text)
{
	const struct vp_entry *entry;

	if (!world->numbers)
		return;
	entry = world->all[below(&world->in, world->numbers)];
	model_without(&world->model, by_text ? entry->text : NULL, entry->id, 0);
	publish(world, vp_policy_without(world->table,
					 by_text ? entry->text : NULL,
					 by_text ? 0 : entry->id));
}

static void do_replace(struct world *world)
{
	struct vp_entry *entries[RULES_MAX];
	enum vfiopolicy_origin origin = below(&world->in, 3);
	u32 count, i;

	model_without(&world->model, NULL, 0, origin);
	count = below(&world->in, RULES_MAX - world->model.count + 1);
	/* No more than there are bytes for. */
	if (count > (u32)(world->in.end - world->in.pos) / 3)
		count = (world->in.end - world->in.pos) / 3;
	if (world->numbers + count > ARRAY_SIZE(world->all))
		count = 0;
	for (i = 0; i < count; i++) {
		entries[i] = new_entry(world, origin);
		model_with(&world->model, entries[i]);
	}
	publish(world, vp_policy_replace(world->table, origin, entries, count));
}

static void do_match(struct world *world)
{
	enum vp_fit fit = 99, model_fit = 98;
	const struct vp_entry *entry, *wanted;
	struct vp_facts facts;

	small_facts(&world->in, &facts);
	entry = vp_policy_match(world->table, &facts, &fit);
	wanted = model_match(&world->model, &facts, &model_fit);
	CLAIM(entry == wanted, wanted ? wanted->text : "no rule");
	CLAIM(fit == model_fit, wanted ? wanted->text : "no rule");
}

/* The order of the table was compared: the first there is the one wanted. */
static void do_find(struct world *world)
{
	struct vp_entry *entry, *like, *wanted = NULL, *numbered = NULL;
	enum vfiopolicy_origin origin;
	u32 i;

	if (!world->numbers)
		return;
	entry = world->all[below(&world->in, world->numbers)];
	origin = below(&world->in, 3);
	like = copied_entry(&entry->rule, origin);
	for (i = 0; i < world->table->count; i++) {
		struct vp_entry *e = world->table->entries[i];

		if (!wanted && e->origin == origin && !strcmp(e->text, entry->text))
			wanted = e;
		if (e == entry)
			numbered = e;
	}
	CLAIM(vp_policy_find(world->table, like) == wanted, entry->text);
	vp_entry_put(like);
	CLAIM(vp_policy_find_id(world->table, entry->id) == numbered, entry->text);
}

/* Can these two not stand beside each other? Told by their parts. */
static bool conflict(const struct vp_entry *a, const struct vp_entry *b)
{
	bool same = a->rule.count == b->rule.count &&
		    a->rule.vfs == b->rule.vfs &&
		    !memcmp(a->rule.selectors, b->rule.selectors,
			    sizeof(a->rule.selectors));

	if (same_rule(&a->rule, &b->rule))
		return false;
	if (*a->rule.host && *b->rule.host && strcmp(a->rule.host, b->rule.host))
		return false;
	/* The names of the parameters are their own. */
	return (same && a->origin == b->origin) ||
	       (a->rule.name[0] && !strcmp(a->rule.name, b->rule.name) &&
		(a->origin == VFIOPOLICY_ORIGIN_CMDLINE) ==
		(b->origin == VFIOPOLICY_ORIGIN_CMDLINE));
}

/* Any that conflicts will do, but none that does not. */
static void do_conflict(struct world *world)
{
	const struct vp_entry *found, *before, *other;
	struct vp_entry *entry;
	struct vp_rule rule;
	u32 i;

	small_rule(&world->in, &rule);
	entry = copied_entry(&rule, below(&world->in, 3));
	entry->id = below(&world->in, ARRAY_SIZE(world->all));
	found = vp_policy_conflict(world->table, entry);
	before = vp_policy_conflict_before(world->table, entry);
	if (found)
		CLAIM(conflict(found, entry), entry->text);
	if (before)
		CLAIM(conflict(before, entry) && before->id < entry->id,
		      entry->text);
	for (i = 0; i < world->table->count; i++) {
		other = world->table->entries[i];
		if (!conflict(other, entry))
			continue;
		CLAIM(found, entry->text);
		CLAIM(before || other->id >= entry->id, entry->text);
	}
	CLAIM(!vp_policy_has(world->table, entry), entry->text);
	vp_entry_put(entry);
}

static bool do_something(struct world *world)
{
	/* Adding is a byte of its own, looking up is what most are. */
	switch (byte(&world->in) % 16) {
	case 0:
	case 1:
	case 2:
		if (world->model.count < RULES_MAX &&
		    world->numbers < ARRAY_SIZE(world->all))
			do_with(world);
		break;
	case 3:
		do_without(world, false);
		break;
	case 4:
		do_without(world, true);
		break;
	case 5:
	case 6:
	case 7:
		do_replace(world);
		break;
	case 8:
		do_find(world);
		break;
	case 9:
		do_conflict(world);
		break;
	default:
		do_match(world);
	}
	return world->in.pos < world->in.end;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct world world;
	u32 i;

	world.in.pos = data;
	world.in.end = data + size;
	world.model.count = 0;
	world.numbers = 0;
	world.table = vp_policy_empty();
	CLAIM(world.table->count == 0, "the empty table");
	while (do_something(&world))
		;
	do_match(&world);

	vp_policy_free(world.table);
	for (i = 0; i < world.numbers; i++) {
		CLAIM(world.all[i]->refs.refs == 1, world.all[i]->text);
		vp_entry_put(world.all[i]);
	}
	return 0;
}
