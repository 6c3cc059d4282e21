// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a look-up costs: vp_policy_match() on tables of 1, 64 and 4,096 rules,
 * beside a linear scan as pci_match_id() makes it. Figures are nanoseconds of
 * processor time a look-up, the median of several rounds. All are measured in
 * each round, so that what else the machine does is shared by all, and ratios
 * are of one and the same run. Nothing is asserted about time; that the right
 * rule is found is.
 */
#include <time.h>

#include "policy.h"

#define ROUNDS		21
#define ROUND_NS	(4 * 1000 * 1000)
#define DEVICES		64

static const u32 sizes[] = { 1, 64, 4096 };

/* As struct pci_device_id, and in the manner of pci_match_one_device(). */
struct linear_id {
	u32 vendor;
	u32 device;
	u32 subvendor;
	u32 subdevice;
	u32 class;
	u32 class_mask;
};

/**
 * enum kind - what the rules of a table look at
 * @KIND_IDS: all name exact ids
 * @KIND_PLACES: all name one place, half of them by the bridges
 * @KIND_MIXED: a few wildcards and classes in front of ids and places by turns
 */
enum kind {
	KIND_IDS,
	KIND_PLACES,
	KIND_MIXED,
	KINDS,
};

static const char *const kind_names[] = {
	[KIND_IDS] = "exact ids",
	[KIND_PLACES] = "exact places",
	[KIND_MIXED] = "mixed",
};

/* What is in front of the others in a mixed table; it names none of them. */
static const char *const wildcards[] = {
	"vfio 10de:* class=03",
	"hold *:0010:1af4:1100",
	"vfio class=usb",
	"hold external",
};

static void die(const char *what)
{
	fprintf(stderr, "lookup: %s\n", what);
	exit(1);
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/*
 * The device that rule @n of a table names, below a bridge of its own; from
 * 4,096 on, no rule names it.
 */
static void device(u32 n, struct vp_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->domain = n >> 12;
	facts->bus = 0x80 + (n >> 5 & 0x7f);
	facts->devfn = (n & 31) << 3;
	facts->depth = 1;
	facts->above[0].bus = n >> 5 & 0x7f;
	facts->above[0].devfn = facts->devfn;
	facts->vendor = 0x8000 | n >> 8;
	facts->device = n * 37;
	facts->subvendor = facts->vendor;
	facts->subdevice = 1;
	facts->class = 0x020000;
}

static void rule_text(enum kind kind, u32 n, char *text, size_t size)
{
	struct vp_facts facts;
	unsigned int slot;

	device(n, &facts);
	slot = facts.devfn >> 3;
	if (kind == KIND_IDS || (kind == KIND_MIXED && n % 2 == 0))
		snprintf(text, size, "vfio %04x:%04x", facts.vendor, facts.device);
	else if (kind == KIND_MIXED ? n % 4 == 1 : n % 2 == 1)
		snprintf(text, size, "vfio %04x:%02x:%02x.0", facts.domain,
			 facts.bus, slot);
	else
		snprintf(text, size, "vfio at=%04x:%02x:%02x.0/%02x.0",
			 facts.domain, facts.above[0].bus, slot, slot);
}

static struct vp_entry *entry(const char *text, enum vfiopolicy_origin origin)
{
	struct vp_entry *new;
	struct vp_rule rule;
	struct vp_error err;

	if (vp_rule_parse(text, strlen(text), &rule, &err)) {
		fprintf(stderr, "lookup: '%s', at %zu: expected %s\n", text,
			err.at, err.want);
		exit(1);
	}
	new = vp_entry_new(&rule, origin);
	if (!new)
		die("out of memory");
	return new;
}

/* Takes @entries over. */
static struct vp_table *replace(struct vp_table *table,
				enum vfiopolicy_origin origin,
				struct vp_entry **entries, u32 count)
{
	struct vp_table *next;
	u32 i;

	next = vp_policy_replace(table, origin, entries, count);
	if (!next)
		die("out of memory");
	for (i = 0; i < count; i++)
		vp_entry_put(entries[i]);
	vp_policy_free(table);
	return next;
}

/* A mixed table of one rule has that alone: there is nothing to mix. */
static struct vp_table *make_table(enum kind kind, u32 count)
{
	struct vp_entry **entries = calloc(count, sizeof(*entries));
	struct vp_table *table = vp_policy_empty();
	u32 front = 0, i;
	char text[80];

	if (!entries || !table)
		die("out of memory");
	if (kind == KIND_MIXED && count > ARRAY_SIZE(wildcards)) {
		front = ARRAY_SIZE(wildcards);
		for (i = 0; i < front; i++)
			entries[i] = entry(wildcards[i], VFIOPOLICY_ORIGIN_RUNTIME);
		table = replace(table, VFIOPOLICY_ORIGIN_RUNTIME, entries, front);
	}
	for (i = 0; i < count - front; i++) {
		rule_text(kind, i, text, sizeof(text));
		entries[i] = entry(text, VFIOPOLICY_ORIGIN_FILE);
	}
	table = replace(table, VFIOPOLICY_ORIGIN_FILE, entries, count - front);
	free(entries);
	if (table->count != count)
		die("the table is not as long as it should be");
	return table;
}

/* The number of the device that the last rule of such a table names. */
static u32 last_device(const struct vp_table *table)
{
	u32 count = table->count;

	if (table->entries[0]->origin == VFIOPOLICY_ORIGIN_RUNTIME)
		count -= ARRAY_SIZE(wildcards);
	return count - 1;
}

static struct linear_id *make_linear(u32 count)
{
	struct linear_id *ids = calloc(count + 1, sizeof(*ids));
	struct vp_facts facts;
	u32 i;

	if (!ids)
		die("out of memory");
	for (i = 0; i < count; i++) {
		device(i, &facts);
		ids[i].vendor = facts.vendor;
		ids[i].device = facts.device;
		ids[i].subvendor = VP_ANY;
		ids[i].subdevice = VP_ANY;
	}
	return ids;
}

__attribute__((noinline))
static const struct linear_id *linear_match(const struct linear_id *id,
					    const struct vp_facts *facts)
{
	for (; id->vendor || id->subvendor || id->class_mask; id++)
		if ((id->vendor == VP_ANY || id->vendor == facts->vendor) &&
		    (id->device == VP_ANY || id->device == facts->device) &&
		    (id->subvendor == VP_ANY || id->subvendor == facts->subvendor) &&
		    (id->subdevice == VP_ANY || id->subdevice == facts->subdevice) &&
		    !((id->class ^ facts->class) & id->class_mask))
			return id;
	return NULL;
}

/**
 * struct subject - what is measured
 * @table: where things are looked up, or
 * @linear: what is scanned instead
 * @devices: what is looked up, in turn
 * @hit: each is named by one of the last rules; else by none
 * @times: look-ups a round
 * @ns: nanoseconds a look-up, by round
 */
struct subject {
	struct vp_table *table;
	struct linear_id *linear;
	struct vp_facts devices[DEVICES];
	bool hit;
	u32 times;
	double ns[ROUNDS];
};

static void look_up(const struct subject *subject, u32 times)
{
	enum vp_fit fit = VP_FIT_NONE;
	const void *found;
	u32 i;

	for (i = 0; i < times; i++) {
		const struct vp_facts *facts = &subject->devices[i % DEVICES];

		if (subject->linear)
			found = linear_match(subject->linear, facts);
		else
			found = vp_policy_match(subject->table, facts, &fit);
		if (!found == subject->hit)
			die("a look-up went wrong");
	}
}

/* So many that a round takes a while. */
static void calibrate(struct subject *subject)
{
	u64 start, took;

	for (subject->times = 256;; subject->times *= 2) {
		start = now_ns();
		look_up(subject, subject->times);
		took = now_ns() - start;
		if (took >= ROUND_NS)
			return;
	}
}

static void measure(struct subject *subject, u32 round)
{
	u64 start = now_ns();

	look_up(subject, subject->times);
	subject->ns[round] = (double)(now_ns() - start) / subject->times;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct subject *subject)
{
	qsort(subject->ns, ROUNDS, sizeof(subject->ns[0]), compare);
	return subject->ns[ROUNDS / 2];
}

/* By size, by kind of table or the linear scan, and whether it is found. */
static struct subject subjects[ARRAY_SIZE(sizes)][KINDS + 1][2];

static void set_up(u32 count, int kind, int hit, struct subject *subject)
{
	u32 last = count - 1, i;

	if (kind < KINDS) {
		subject->table = make_table(kind, count);
		last = last_device(subject->table);
	} else {
		subject->linear = make_linear(count);
	}
	subject->hit = hit;
	/* Of the last rules: how long the chain of one is, is that one's luck. */
	for (i = 0; i < DEVICES; i++)
		device(hit ? last - i % (last < 16 ? last + 1 : 16) : 4096 + i * 61,
		       &subject->devices[i]);
	calibrate(subject);
}

static void tear_down(struct subject *subject)
{
	vp_policy_free(subject->table);
	free(subject->linear);
}

static void for_each(void (*what)(struct subject *subject))
{
	struct subject *subject = &subjects[0][0][0];
	size_t i;

	for (i = 0; i < sizeof(subjects) / sizeof(*subject); i++)
		what(&subject[i]);
}

static u32 this_round;

static void measure_this_round(struct subject *subject)
{
	measure(subject, this_round);
}

static const char *grouped(u32 n, char *buf, size_t size)
{
	if (n >= 1000)
		snprintf(buf, size, "%u,%03u", n / 1000, n % 1000);
	else
		snprintf(buf, size, "%u", n);
	return buf;
}

static void report(void)
{
	double ns[ARRAY_SIZE(sizes)][KINDS + 1][2];
	char name[16];
	int kind, hit;
	size_t s;

	printf("# ns a look-up       %12s %12s %12s %12s\n", "exact ids",
	       "exact places", "mixed", "linear scan");
	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		for (hit = 1; hit >= 0; hit--) {
			printf("# %5s rules, %s", grouped(sizes[s], name, sizeof(name)),
			       hit ? "last  " : "none  ");
			for (kind = 0; kind <= KINDS; kind++) {
				ns[s][kind][hit] = median(&subjects[s][kind][hit]);
				printf(" %12.1f", ns[s][kind][hit]);
			}
			printf("\n");
		}
	for (kind = 0; kind < KINDS; kind++)
		for (s = 1; s < ARRAY_SIZE(sizes); s++)
			printf("# %s %s: last %.2f x of 1, none %.2f x of 1; the linear scan takes %.1f x and %.1f x of that\n",
			       grouped(sizes[s], name, sizeof(name)),
			       kind_names[kind],
			       ns[s][kind][1] / ns[0][kind][1],
			       ns[s][kind][0] / ns[0][kind][0],
			       ns[s][KINDS][1] / ns[s][kind][1],
			       ns[s][KINDS][0] / ns[s][kind][0]);
	printf("# mixed: %zu wildcards and classes are asked before the others, but of 1 rule none\n",
	       ARRAY_SIZE(wildcards));
}

int main(void)
{
	int kind, hit;
	size_t s;

	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		for (kind = 0; kind <= KINDS; kind++)
			for (hit = 0; hit < 2; hit++)
				set_up(sizes[s], kind, hit, &subjects[s][kind][hit]);
	for (this_round = 0; this_round < ROUNDS; this_round++)
		for_each(measure_this_round);
	report();
	for_each(tear_down);
	return 0;
}
