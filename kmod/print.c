// SPDX-License-Identifier: GPL-2.0-only
/*
 * Printing of rules in their canonical form, which is what they are told
 * apart by: it reads back to the same rule (rule.c), and two rules that mean
 * the same by the same words print alike. Plain C, as rule.c.
 */
#include "rule.h"

/* By the names that lspci and people use; what no guest is given is left out. */
const char *const vp_class_words[] = {
	"storage", "scsi", "raid", "sata", "sas", "nvme", "network",
	"ethernet", "infiniband", "display", "vga", "3d", "multimedia",
	"audio", "cxl", "nvswitch", "usb", "xhci", "wireless", "crypto",
	"accelerator", NULL
};

const struct vp_class vp_classes[] = {
	{ 0x010000, 0xff0000 },	/* storage */
	{ 0x010000, 0xffff00 },	/* scsi */
	{ 0x010400, 0xffff00 },	/* raid */
	{ 0x010600, 0xffff00 },	/* sata */
	{ 0x010700, 0xffff00 },	/* sas */
	{ 0x010802, 0xffffff },	/* nvme */
	{ 0x020000, 0xff0000 },	/* network */
	{ 0x020000, 0xffff00 },	/* ethernet */
	{ 0x020700, 0xffff00 },	/* infiniband */
	{ 0x030000, 0xff0000 },	/* display */
	{ 0x030000, 0xffff00 },	/* vga */
	{ 0x030200, 0xffff00 },	/* 3d */
	{ 0x040000, 0xff0000 },	/* multimedia */
	{ 0x040300, 0xffff00 },	/* audio */
	{ 0x050200, 0xffff00 },	/* cxl */
	{ 0x068000, 0xffff00 },	/* nvswitch */
	{ 0x0c0300, 0xffff00 },	/* usb */
	{ 0x0c0330, 0xffffff },	/* xhci */
	{ 0x0d0000, 0xff0000 },	/* wireless */
	{ 0x100000, 0xff0000 },	/* crypto */
	{ 0x120000, 0xff0000 },	/* accelerator */
};

const char *const vp_allow_words[] = {
	"boot-vga", "only-gpu", "console", "storage", "network", "usb", NULL
};

/* What is printed so far: @len is how long it would be with enough room. */
struct writer {
	char *buf;
	size_t size;
	size_t len;
};

__printf(2, 3)
static void put(struct writer *out, const char *fmt, ...)
{
	size_t left = out->len < out->size ? out->size - out->len : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(left ? out->buf + out->len : NULL, left, fmt, args);
	va_end(args);
	out->len += n;
}

/**
 * vp_action_name() - the word for an action
 * @action: the action
 *
 * Context: any.
 * Return: the word.
 */
const char *vp_action_name(enum vp_action action)
{
	switch (action) {
	case VP_VFIO:
		return "vfio";
	case VP_HOLD:
		return "hold";
	default:
		return "leave";
	}
}

static void put_place(struct writer *out, const struct vp_place *place)
{
	u8 devfn, i;

	put(out, "%04x:%02x:", place->domain, place->bus);
	for (i = 0; i < place->count; i++) {
		devfn = place->devfn[i];
		put(out, i ? "/" : "");
		if (place->any_slot && i == place->count - 1)
			put(out, "*.");
		else
			put(out, "%02x.", devfn >> 3);
		if (place->any_func && i == place->count - 1)
			put(out, "*");
		else
			put(out, "%x", devfn & 7);
	}
}

static void put_id(struct writer *out, const char *sep, u32 id)
{
	if (id == VP_ANY)
		put(out, "%s*", sep);
	else
		put(out, "%s%04x", sep, id);
}

static void put_ids(struct writer *out, const struct vp_selector *sel)
{
	put_id(out, "", sel->vendor);
	put_id(out, ":", sel->device);
	if (sel->subvendor != VP_ANY || sel->subdevice != VP_ANY) {
		put_id(out, ":", sel->subvendor);
		put_id(out, ":", sel->subdevice);
	}
}

static void put_class(struct writer *out, const struct vp_selector *sel)
{
	int i;

	put(out, "class=");
	for (i = 0; vp_class_words[i]; i++) {
		if (vp_classes[i].class == sel->class &&
		    vp_classes[i].mask == sel->class_mask) {
			put(out, "%s", vp_class_words[i]);
			return;
		}
	}
	switch (sel->class_mask) {
	case 0xff0000:
		/* The one that reads as a word, which stands for another one. */
		if (sel->class == 0x3d0000)
			put(out, "%06x/%06x", sel->class, sel->class_mask);
		else
			put(out, "%02x", sel->class >> 16);
		break;
	case 0xffff00:
		put(out, "%04x", sel->class >> 8);
		break;
	case 0xffffff:
		put(out, "%06x", sel->class);
		break;
	default:
		put(out, "%06x/%06x", sel->class, sel->class_mask);
	}
}

static void put_dsn(struct writer *out, u64 dsn)
{
	int shift;

	for (shift = 56; shift >= 0; shift -= 8)
		put(out, "%s%02x", shift == 56 ? "dsn=" : "-",
		    (unsigned int)(dsn >> shift & 0xff));
}

static void put_selector(struct writer *out, const struct vp_selector *sel)
{
	if (sel->except)
		put(out, "except=");
	switch (sel->kind) {
	case VP_SEL_ADDRESS:
		put_place(out, &sel->place);
		break;
	case VP_SEL_AT:
		put(out, "at=");
		put_place(out, &sel->place);
		break;
	case VP_SEL_VFS_OF:
		put(out, "vfs-of=");
		put_place(out, &sel->place);
		if (sel->last != VP_VFS_ALL)
			put(out, "/%u", sel->first);
		if (sel->last != VP_VFS_ALL && sel->last != sel->first)
			put(out, "-%u", sel->last);
		break;
	case VP_SEL_IDS:
		put_ids(out, sel);
		break;
	case VP_SEL_CLASS:
		put_class(out, sel);
		break;
	case VP_SEL_DSN:
		put_dsn(out, sel->dsn);
		break;
	case VP_SEL_EXTERNAL:
		put(out, "external");
		break;
	}
}

static void put_selectors(struct writer *out, const struct vp_rule *rule)
{
	int i;

	for (i = 0; i < rule->count; i++) {
		put(out, i ? " " : "");
		put_selector(out, &rule->selectors[i]);
	}
	if (rule->vfs)
		put(out, " vfs");
}

static void put_allow(struct writer *out, u32 allow)
{
	const char *sep = " allow=";
	int i;

	for (i = 0; vp_allow_words[i]; i++) {
		if (!(allow >> i & 1))
			continue;
		put(out, "%s%s", sep, vp_allow_words[i]);
		sep = ",";
	}
}

static void put_options(struct writer *out, const struct vp_rule *rule)
{
	if (rule->driver[0])
		put(out, " driver=%s", rule->driver);
	if (rule->with != VP_WITH_NONE)
		put(out, " with=%s",
		    rule->with == VP_WITH_SLOT ? "slot" : "group");
	if (rule->changed_hold)
		put(out, " changed=hold");
	if (rule->yield)
		put(out, " yield");
	if (rule->takeover_boot)
		put(out, " takeover=boot");
	put_allow(out, rule->allow);
	if (rule->owner[0])
		put(out, " owner=%s", rule->owner);
	if (rule->num_vfs)
		put(out, " vfs=%u", rule->num_vfs);
	if (rule->host[0])
		put(out, " host=%s", rule->host);
	if (rule->name[0])
		put(out, " name=%s", rule->name);
}

/**
 * vp_rule_print() - write a rule in its canonical form
 * @rule: the rule
 * @buf: where to; always ends in a NUL when @size is not 0
 * @size: room in @buf; %VFIOPOLICY_RULE_LEN_MAX + 1 holds every parsed rule
 *
 * Context: any; no locks, does not sleep.
 * Return: its length without the NUL, also where that does not fit.
 */
size_t vp_rule_print(const struct vp_rule *rule, char *buf, size_t size)
{
	struct writer out = { .buf = buf, .size = size };

	put(&out, "%s ", vp_action_name(rule->action));
	put_selectors(&out, rule);
	put_options(&out, rule);
	return out.len;
}

/**
 * vp_rule_print_selectors() - write what a rule names, without the rest
 * @rule: the rule
 * @buf: where to; always ends in a NUL when @size is not 0
 * @size: room in @buf
 *
 * Context: any; no locks, does not sleep.
 * Return: its length without the NUL, also where that does not fit.
 */
size_t vp_rule_print_selectors(const struct vp_rule *rule, char *buf,
			       size_t size)
{
	struct writer out = { .buf = buf, .size = size };

	put_selectors(&out, rule);
	return out.len;
}

/**
 * vp_selector_print() - write one selector
 * @sel: the selector
 * @buf: where to; always ends in a NUL when @size is not 0
 * @size: room in @buf
 *
 * Context: any; no locks, does not sleep.
 * Return: its length without the NUL, also where that does not fit.
 */
size_t vp_selector_print(const struct vp_selector *sel, char *buf, size_t size)
{
	struct writer out = { .buf = buf, .size = size };

	put_selector(&out, sel);
	return out.len;
}

/**
 * vp_place_print() - write an address or a path
 * @place: the place
 * @buf: where to; always ends in a NUL when @size is not 0
 * @size: room in @buf
 *
 * Context: any; no locks, does not sleep.
 * Return: its length without the NUL, also where that does not fit.
 */
size_t vp_place_print(const struct vp_place *place, char *buf, size_t size)
{
	struct writer out = { .buf = buf, .size = size };

	put_place(&out, place);
	return out.len;
}
