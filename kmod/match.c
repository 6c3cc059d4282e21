// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a rule name a device, and if not, why. Plain C, no locks, no
 * allocation: the module claims by it, and the command explains by it.
 */
#include "match.h"

static bool same_devfn(const struct vp_place *place, u8 devfn)
{
	u8 ignored = (place->any_slot ? 0xf8 : 0) | (place->any_func ? 0x07 : 0);

	return !((place->devfn[place->count - 1] ^ devfn) & ~ignored);
}

/* Is (@bus, @devfn), which hangs off what the device does, at the place? */
static bool is_at(const struct vp_place *place, const struct vp_facts *facts,
		  u8 bus, u8 devfn)
{
	int bridges = place->count - 1, i;

	if (place->domain != facts->domain || bridges > facts->depth ||
	    !same_devfn(place, devfn))
		return false;
	if (!bridges)
		return place->bus == bus;
	for (i = 0; i < bridges; i++)
		if (facts->above[i].devfn != place->devfn[bridges - 1 - i])
			return false;
	return facts->above[bridges - 1].bus == place->bus;
}

/*
 * A VF on another bus than its PF has a device and function number that says
 * nothing without that bus: below the same bridge another one may have it.
 */
static bool is_below(const struct vp_place *place, const struct vp_facts *facts)
{
	if (facts->vf && facts->bus != facts->pf_bus && place->count > 1)
		return false;
	return is_at(place, facts, facts->bus, facts->devfn);
}

static bool id_fits(u32 want, u32 is)
{
	return want == VP_ANY || want == is;
}

static bool holds(const struct vp_selector *sel, const struct vp_facts *facts)
{
	switch (sel->kind) {
	case VP_SEL_ADDRESS:
	case VP_SEL_AT:
		return is_below(&sel->place, facts);
	case VP_SEL_VFS_OF:
		return facts->vf && facts->vf_index >= sel->first &&
		       facts->vf_index <= sel->last &&
		       is_at(&sel->place, facts, facts->pf_bus, facts->pf_devfn);
	case VP_SEL_IDS:
		return id_fits(sel->vendor, facts->vendor) &&
		       id_fits(sel->device, facts->device) &&
		       id_fits(sel->subvendor, facts->subvendor) &&
		       id_fits(sel->subdevice, facts->subdevice);
	case VP_SEL_CLASS:
		return (facts->class & sel->class_mask) == sel->class;
	case VP_SEL_DSN:
		return facts->dsn == sel->dsn;
	case VP_SEL_EXTERNAL:
		return facts->external;
	}
	return false;
}

/* A VF is selected by what can mean nothing else, never in passing. */
static bool selects_vfs(const struct vp_rule *rule)
{
	const struct vp_selector *sel;
	int i;

	if (rule->vfs)
		return true;
	for (i = 0; i < rule->count; i++) {
		sel = &rule->selectors[i];
		if (sel->except)
			break;
		if (sel->kind == VP_SEL_VFS_OF)
			return true;
		if ((sel->kind == VP_SEL_ADDRESS || sel->kind == VP_SEL_AT) &&
		    !sel->place.any_slot && !sel->place.any_func)
			return true;
		if (sel->kind == VP_SEL_IDS && sel->vendor != VP_ANY &&
		    sel->device != VP_ANY)
			return true;
	}
	return false;
}

static enum vp_fit no(struct vp_miss *miss, enum vp_miss_kind kind,
		      const struct vp_selector *sel, enum vp_fit fit)
{
	if (miss) {
		miss->kind = kind;
		miss->selector = sel;
	}
	return fit;
}

/*
 * Is it of this one place that the rule speaks, so that something else there
 * is worth a word? A '*' or several VFs are more than one place, of which the
 * rule picks some: then only if it says what is to become of the others.
 */
static bool knows_place(const struct vp_rule *rule)
{
	const struct vp_selector *sel;
	int i;

	for (i = 0; i < rule->count && !rule->selectors[i].except; i++) {
		sel = &rule->selectors[i];
		if (sel->kind > VP_SEL_VFS_OF)
			break;
		if (rule->changed_hold)
			return true;
		if (!sel->place.any_slot && !sel->place.any_func &&
		    (sel->kind != VP_SEL_VFS_OF || sel->first == sel->last))
			return true;
	}
	return false;
}

/* A serial number that cannot be read now may be that one, or another. */
static bool is_unknown(const struct vp_selector *sel,
		       const struct vp_facts *facts)
{
	return sel->kind == VP_SEL_DSN && facts->asleep;
}

/*
 * Those in except= stand behind the others, places before the rest. Of what is
 * not known, the host has the benefit: nothing is taken from it that might be
 * excepted or left, and nothing is said to be something else.
 */
static enum vp_fit match_selectors(const struct vp_rule *rule,
				   const struct vp_facts *facts,
				   struct vp_miss *miss)
{
	const struct vp_selector *sel;
	bool changed;
	int i;

	for (i = rule->count - 1; i >= 0 && rule->selectors[i].except; i--) {
		sel = &rule->selectors[i];
		if (holds(sel, facts) || is_unknown(sel, facts))
			return no(miss, VP_MISS_EXCEPT, sel, VP_FIT_NONE);
	}
	for (i = 0; i < rule->count && !rule->selectors[i].except; i++) {
		sel = &rule->selectors[i];
		if (holds(sel, facts) ||
		    (rule->action == VP_LEAVE && is_unknown(sel, facts)))
			continue;
		changed = sel->kind > VP_SEL_VFS_OF && knows_place(rule) &&
			  !is_unknown(sel, facts);
		return no(miss, VP_MISS_SELECTOR, sel,
			  changed ? VP_FIT_CHANGED : VP_FIT_NONE);
	}
	return no(miss, VP_MISS_NONE, NULL, VP_FIT_MATCH);
}

/**
 * vp_match() - does a rule name a device
 * @rule: the rule
 * @facts: the device
 * @miss: set to why it does not; may be NULL
 *
 * A rule whose places hold and whose identities do not has found something
 * else at its place.
 *
 * Context: any; no locks, does not sleep.
 * Return: how it fits.
 */
enum vp_fit vp_match(const struct vp_rule *rule, const struct vp_facts *facts,
		     struct vp_miss *miss)
{
	if (rule->host[0] &&
	    (!facts->host || strcmp(rule->host, facts->host) != 0))
		return no(miss, VP_MISS_HOST, NULL, VP_FIT_NONE);
	if (facts->vf && !selects_vfs(rule))
		return no(miss, VP_MISS_VF, NULL, VP_FIT_NONE);
	return match_selectors(rule, facts, miss);
}

/**
 * vp_match_needs_dsn() - does a rule look at serial numbers
 * @rule: the rule
 *
 * Context: any; no locks, does not sleep.
 * Return: true when &vp_facts.dsn must be filled in for it.
 */
bool vp_match_needs_dsn(const struct vp_rule *rule)
{
	int i;

	for (i = 0; i < rule->count; i++)
		if (rule->selectors[i].kind == VP_SEL_DSN)
			return true;
	return false;
}

/**
 * vp_match_place() - where a device is
 * @facts: the device
 * @place: set to its path from the root bus, or from as far up as is known;
 *         of a VF to that of its PF
 *
 * Context: any; no locks, does not sleep.
 */
void vp_match_place(const struct vp_facts *facts, struct vp_place *place)
{
	int i;

	memset(place, 0, sizeof(*place));
	place->domain = facts->domain;
	place->bus = facts->vf ? facts->pf_bus : facts->bus;
	for (i = facts->depth - 1; i >= 0; i--)
		place->devfn[place->count++] = facts->above[i].devfn;
	place->devfn[place->count++] = facts->vf ? facts->pf_devfn :
						   facts->devfn;
	if (facts->depth)
		place->bus = facts->above[facts->depth - 1].bus;
}

static size_t explain_ids(const struct vp_selector *sel,
			  const struct vp_facts *facts, char *buf, size_t size)
{
	if (!id_fits(sel->vendor, facts->vendor))
		return snprintf(buf, size, "vendor %04x", facts->vendor);
	if (!id_fits(sel->device, facts->device))
		return snprintf(buf, size, "device %04x:%04x", facts->vendor,
				facts->device);
	return snprintf(buf, size, "subsystem %04x:%04x", facts->subvendor,
			facts->subdevice);
}

static size_t explain_place(const char *what, const struct vp_facts *facts,
			    char *buf, size_t size)
{
	struct vp_place place;
	size_t n, left;

	vp_match_place(facts, &place);
	n = snprintf(buf, size, "%s", what);
	left = n < size ? size - n : 0;
	return n + vp_place_print(&place, left ? buf + n : NULL, left);
}

static size_t explain_selector(const struct vp_selector *sel,
			       const struct vp_facts *facts, char *buf,
			       size_t size)
{
	struct vp_selector own = { .kind = VP_SEL_DSN };
	char what[32];

	switch (sel->kind) {
	case VP_SEL_ADDRESS:
		return snprintf(buf, size, "address %04x:%02x:%02x.%x",
				facts->domain, facts->bus, facts->devfn >> 3,
				facts->devfn & 7);
	case VP_SEL_AT:
		return explain_place(facts->vf ? "it is a VF of " :
				     facts->depth ? "its place is " : "it is at ",
				     facts, buf, size);
	case VP_SEL_VFS_OF:
		if (!facts->vf)
			return snprintf(buf, size, "it is no VF");
		snprintf(what, sizeof(what), "it is VF %u of ", facts->vf_index);
		return explain_place(what, facts, buf, size);
	case VP_SEL_IDS:
		return explain_ids(sel, facts, buf, size);
	case VP_SEL_CLASS:
		return snprintf(buf, size, "class %06x", facts->class);
	case VP_SEL_DSN:
		if (!facts->dsn)
			return snprintf(buf, size, facts->asleep ?
					"its serial number cannot be read now" :
					"it has no serial number");
		own.dsn = facts->dsn;
		return vp_selector_print(&own, buf, size);
	case VP_SEL_EXTERNAL:
		return snprintf(buf, size, "it is not external");
	}
	return 0;
}

/**
 * vp_match_explain() - why a rule does not name a device, in words
 * @miss: what vp_match() said
 * @facts: the device
 * @buf: where to; always ends in a NUL when @size is not 0
 * @size: room in @buf
 *
 * Context: any; no locks, does not sleep.
 * Return: its length without the NUL, also where that does not fit; 0 when it
 * does name it.
 */
size_t vp_match_explain(const struct vp_miss *miss,
			const struct vp_facts *facts, char *buf, size_t size)
{
	if (size)
		buf[0] = '\0';
	switch (miss->kind) {
	case VP_MISS_HOST:
		return snprintf(buf, size, facts->host ?
				"it is for another host" :
				"it is for one host, and which this is cannot be told");
	case VP_MISS_VF:
		return snprintf(buf, size, "it is a VF, and the rule does not say vfs");
	case VP_MISS_SELECTOR:
		return explain_selector(miss->selector, facts, buf, size);
	case VP_MISS_EXCEPT:
		return vp_selector_print(miss->selector, buf, size);
	default:
		return 0;
	}
}
