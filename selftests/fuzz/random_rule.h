/* SPDX-License-Identifier: GPL-2.0-only */
/* Valid rules, chosen by bytes, as the parser would leave them. */
#ifndef VFIOPOLICY_RANDOM_RULE_H
#define VFIOPOLICY_RANDOM_RULE_H

#include "fuzz.h"

/**
 * random_word() - a word of a rule
 * @in: what chooses
 * @dots: it may have '.'
 * @buf: where to; at most %VP_WORD_MAX bytes are written, with the NUL
 *
 * Return: its length, at least 1.
 */
static inline size_t random_word(struct bytes *in, bool dots, char *buf)
{
	static const char chars[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t len = 1 + below(in, VP_WORD_MAX - 1), i;
	u32 n = sizeof(chars) - 1 - !dots;

	/* Neither '-' nor '.' comes first. */
	buf[0] = chars[below(in, 63)];
	for (i = 1; i < len; i++)
		buf[i] = chars[below(in, n)];
	buf[len] = '\0';
	return len;
}

static inline void random_place(struct bytes *in, int max, struct vp_place *place)
{
	u8 wild = byte(in), count;
	int i;

	place->domain = wild & 4 ? number(in, 4) : wild & 8;
	place->bus = byte(in);
	/* Mostly short, as most are: printing is what takes the time. */
	count = byte(in);
	place->count = 1 + (count & 0xe0 ? count % 3 : count) % max;
	for (i = 0; i < place->count; i++)
		place->devfn[i] = byte(in);
	place->any_slot = wild & 1;
	place->any_func = wild & 2;
	if (place->any_slot)
		place->devfn[place->count - 1] &= 7;
	if (place->any_func)
		place->devfn[place->count - 1] &= ~7;
}

static inline u32 random_id(struct bytes *in)
{
	u8 choice = byte(in);

	return choice & 3 ? number(in, 2) : VP_ANY;
}

static inline void random_class(struct bytes *in, struct vp_selector *sel)
{
	u32 names = 0, n = byte(in);

	while (vp_class_words[names])
		names++;
	if (n < names) {
		sel->class = vp_classes[n].class;
		sel->class_mask = vp_classes[n].mask;
		return;
	}
	switch (n % 4) {
	case 0:
		sel->class_mask = 0xff0000;
		break;
	case 1:
		sel->class_mask = 0xffff00;
		break;
	case 2:
		sel->class_mask = 0xffffff;
		break;
	default:
		sel->class_mask = number(in, 3);
		if (!sel->class_mask)
			sel->class_mask = 1;
	}
	sel->class = number(in, 3) & sel->class_mask;
}

/**
 * random_selector() - a selector of a kind
 * @in: what chooses
 * @kind: the kind
 * @sel: filled in
 */
static inline void random_selector(struct bytes *in, enum vp_selector_kind kind,
				   struct vp_selector *sel)
{
	u32 which;

	memset(sel, 0, sizeof(*sel));
	sel->kind = kind;
	switch (kind) {
	case VP_SEL_ADDRESS:
		random_place(in, 1, &sel->place);
		break;
	case VP_SEL_AT:
		random_place(in, VP_PATH_MAX, &sel->place);
		break;
	case VP_SEL_VFS_OF:
		random_place(in, VP_PATH_MAX, &sel->place);
		which = byte(in);
		sel->last = VP_VFS_ALL;
		if (which & 1) {
			sel->first = number(in, 2) % VP_VFS_ALL;
			sel->last = sel->first;
		}
		if (which & 2 && which & 1)
			sel->last += number(in, 2) % (VP_VFS_ALL - sel->last);
		break;
	case VP_SEL_IDS:
		sel->vendor = random_id(in);
		sel->device = random_id(in);
		sel->subvendor = VP_ANY;
		sel->subdevice = VP_ANY;
		if (byte(in) & 1) {
			sel->subvendor = random_id(in);
			sel->subdevice = random_id(in);
		}
		break;
	case VP_SEL_CLASS:
		random_class(in, sel);
		break;
	case VP_SEL_DSN:
		sel->dsn = (u64)number(in, 4) << 32 | number(in, 4);
		if (!sel->dsn || !~sel->dsn)
			sel->dsn = 1;
		break;
	case VP_SEL_EXTERNAL:
		break;
	}
}

static inline bool names_every_id(const struct vp_selector *sel)
{
	return sel->kind == VP_SEL_IDS && sel->vendor == VP_ANY &&
	       sel->device == VP_ANY && sel->subvendor == VP_ANY &&
	       sel->subdevice == VP_ANY;
}

static inline void random_options(struct bytes *in, struct vp_rule *rule,
				  bool may_change)
{
	u8 which = byte(in), more = byte(in);
	size_t len;
	int i;

	rule->vfs = which & 1;
	if (rule->action == VP_LEAVE) {
		if (which & 2)
			rule->num_vfs = 1 + number(in, 2) % 0xffff;
	} else {
		rule->changed_hold = which & 2 && may_change;
		rule->yield = which & 4;
		rule->takeover_boot = which & 8;
		rule->with = (which >> 4) % 3;
		rule->allow = which & 0x40 ? below(in, 64) : 0;
	}
	if (rule->action == VP_VFIO) {
		if (more & 1)
			random_word(in, false, rule->driver);
		if (!strcmp(rule->driver, "vfio-pci") ||
		    !strcmp(rule->driver, "vfiopolicy"))
			strcpy(rule->driver, "best");
		if (more & 2) {
			len = random_word(in, true, rule->owner);
			if (more & 4) {
				rule->owner[len++] = ':';
				random_word(in, true, rule->owner + len);
			}
		}
	}
	if (more & 8) {
		random_word(in, true, rule->name);
		if (strspn(rule->name, "0123456789") == strlen(rule->name))
			rule->name[0] = 'n';
	}
	if (more & 16) {
		strcpy(rule->host, "00000000-0000-0000-0000-000000000000");
		for (i = 0; i < VP_UUID_MAX - 1; i++)
			if (rule->host[i] != '-')
				rule->host[i] = "0123456789abcdef"[byte(in) & 15];
	}
}

/**
 * random_rule() - a rule that the parser would have made
 * @in: what chooses
 * @rule: filled in; its canonical form may still be too long
 */
static inline void random_rule(struct bytes *in, struct vp_rule *rule)
{
	bool place = false, identity = false;
	u8 kinds, excepts;
	int kind;

	memset(rule, 0, sizeof(*rule));
	rule->action = below(in, 3);
	kinds = byte(in);
	for (kind = VP_SEL_ADDRESS; kind <= VP_SEL_EXTERNAL; kind++) {
		struct vp_selector *sel = &rule->selectors[rule->count];

		if (!(kinds >> kind & 1))
			continue;
		random_selector(in, kind, sel);
		rule->count++;
		if (kind <= VP_SEL_VFS_OF)
			place = true;
		else if (!names_every_id(sel))
			identity = true;
	}
	if (!place && !identity) {
		random_selector(in, VP_SEL_EXTERNAL, &rule->selectors[rule->count++]);
		identity = true;
	}
	/* Mostly few: a rule with many is too long. */
	excepts = byte(in);
	excepts = excepts & 0xf0 ? excepts % 4 : excepts;
	while (excepts-- && rule->count < VP_SELECTORS_MAX) {
		struct vp_selector *sel = &rule->selectors[rule->count++];

		random_selector(in, below(in, VP_SEL_EXTERNAL + 1), sel);
		sel->except = true;
	}
	random_options(in, rule, place && identity);
}

/* The same rule: all but what is behind the NUL of a word. */
static inline bool same_rule(const struct vp_rule *a, const struct vp_rule *b)
{
	return a->action == b->action && a->count == b->count &&
	       !memcmp(a->selectors, b->selectors, sizeof(a->selectors)) &&
	       a->vfs == b->vfs && a->changed_hold == b->changed_hold &&
	       a->yield == b->yield && a->takeover_boot == b->takeover_boot &&
	       a->with == b->with && a->allow == b->allow &&
	       a->num_vfs == b->num_vfs && !strcmp(a->driver, b->driver) &&
	       !strcmp(a->owner, b->owner) && !strcmp(a->host, b->host) &&
	       !strcmp(a->name, b->name);
}

#endif /* VFIOPOLICY_RANDOM_RULE_H */
