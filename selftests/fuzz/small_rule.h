/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules and devices out of so few values that they meet all the time. */
#ifndef VFIOPOLICY_SMALL_RULE_H
#define VFIOPOLICY_SMALL_RULE_H

#include "fuzz.h"
#include "match.h"

static const char *const small_hosts[] = {
	"4c4c4544-0042-3510-8052-b4c04f4a3632",
	"00000000-0000-0000-0000-00000000000a",
};

static inline void small_place(u8 n, u8 wild, u32 count, struct vp_place *place)
{
	u32 i;

	place->domain = n >> 7;
	place->bus = n & 1;
	place->count = count;
	for (i = 0; i < count; i++)
		place->devfn[i] = (n >> (1 + i % 4) & 1) << 3 | (n >> 5 & 1);
	/* Mostly exact, for that is what the index is for. */
	place->any_slot = (wild & 7) == 1;
	place->any_func = (wild & 7) <= 2 && wild & 3;
	if (place->any_slot)
		place->devfn[count - 1] &= 7;
	if (place->any_func)
		place->devfn[count - 1] &= ~7;
}

static inline void small_selector(struct bytes *in, struct vp_selector *sel)
{
	u8 n = byte(in), m;

	switch (sel->kind) {
	case VP_SEL_ADDRESS:
		small_place(n, byte(in), 1, &sel->place);
		break;
	case VP_SEL_AT:
		m = byte(in);
		small_place(n, m, 1 + (m >> 3) % 4, &sel->place);
		break;
	case VP_SEL_VFS_OF:
		m = byte(in);
		small_place(n, m, 1 + (m >> 3) % 3, &sel->place);
		sel->first = m & 0x40 ? m & 1 : 0;
		sel->last = m & 0x40 ? sel->first + (m >> 1 & 1) : VP_VFS_ALL;
		break;
	case VP_SEL_IDS:
		sel->vendor = (n & 7) == 7 ? VP_ANY : n & 1;
		sel->device = (n >> 3 & 7) == 7 ? VP_ANY : n >> 3 & 1;
		sel->subvendor = n & 0x40 ? VP_ANY : n >> 1 & 1;
		sel->subdevice = n & 0xc0 ? VP_ANY : n >> 2 & 1;
		break;
	case VP_SEL_CLASS:
		sel->class_mask = n & 4 ? 0xff0000 : 0xffff00;
		sel->class = (0x020000 | (n & 1) << 16 | (n & 2) << 8) & sel->class_mask;
		break;
	case VP_SEL_DSN:
		sel->dsn = 1 + (n & 1);
		break;
	case VP_SEL_EXTERNAL:
		break;
	}
}

/* Mostly one or two selectors; 4 to 8 bytes a rule. */
static inline void small_rule(struct bytes *in, struct vp_rule *rule)
{
	u8 kinds = byte(in), flags = byte(in);
	bool place = false, identity = false;
	int kind;

	memset(rule, 0, sizeof(*rule));
	/* leave, hold, and twice vfio */
	rule->action = kinds & 0x80 ? kinds & 0x40 ? VP_LEAVE : VP_HOLD : VP_VFIO;
	if (!(kinds & 0x3f))
		kinds |= 1 << VP_SEL_IDS;
	for (kind = VP_SEL_ADDRESS; kind <= VP_SEL_EXTERNAL; kind++) {
		struct vp_selector *sel = &rule->selectors[rule->count];

		/* The bit of the last one is the action's. */
		if (kind == VP_SEL_EXTERNAL ? (flags & 0xf) != 0xf :
					      !(kinds >> kind & 1))
			continue;
		sel->kind = kind;
		small_selector(in, sel);
		rule->count++;
		if (kind <= VP_SEL_VFS_OF)
			place = true;
		else
			identity = true;
	}
	if ((flags & 0x30) == 0x30) {
		struct vp_selector *sel = &rule->selectors[rule->count++];

		sel->kind = byte(in) % (VP_SEL_EXTERNAL + 1);
		sel->except = true;
		small_selector(in, sel);
	}
	rule->vfs = flags & 1;
	rule->changed_hold = flags & 2 && place && identity &&
			     rule->action != VP_LEAVE;
	rule->yield = flags & 4 && rule->action != VP_LEAVE;
	if ((flags & 0xc0) == 0xc0)
		strcpy(rule->host, small_hosts[flags >> 3 & 1]);
	if ((flags & 0xc0) == 0x80)
		snprintf(rule->name, sizeof(rule->name), "n%u", flags >> 2 & 3);
}

/* 8 bytes a device. */
static inline void small_facts(struct bytes *in, struct vp_facts *facts)
{
	u8 where = byte(in), above = byte(in), buses = byte(in), vf = byte(in);
	u8 ids = byte(in), other = byte(in);
	int i;

	memset(facts, 0, sizeof(*facts));
	facts->domain = where >> 7;
	facts->bus = where & 1;
	facts->devfn = (where >> 1 & 1) << 3 | (where >> 5 & 1);
	facts->depth = (where >> 2) % 5;
	for (i = 0; i < facts->depth; i++) {
		facts->above[i].bus = buses >> i & 1;
		facts->above[i].devfn = (above >> i & 1) << 3 | (above >> 5 & 1);
	}
	facts->vf = vf & 1;
	if (facts->vf) {
		facts->pf_bus = vf >> 1 & 1;
		facts->pf_devfn = (vf >> 2 & 1) << 3 | (vf >> 3 & 1);
		facts->vf_index = vf >> 4 & 3;
	}
	facts->vendor = ids & 1;
	facts->device = ids >> 3 & 1;
	facts->subvendor = ids >> 1 & 1;
	facts->subdevice = ids >> 2 & 1;
	facts->class = 0x020000 | (other & 1) << 16 | (other & 2) << 8;
	facts->dsn = other >> 2 & 3;
	facts->asleep = !facts->dsn && vf & 0x80;
	facts->external = other & 0x10;
	if (other & 0x20)
		facts->host = small_hosts[other >> 6 & 1];
}

#endif /* VFIOPOLICY_SMALL_RULE_H */
