// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter ids=, in the syntax of vfio-pci's own: what people have on
 * their kernel command lines and are used to. Plain C, as rule.c.
 */
#include "read.h"

/* What is read of one entry, in its order. */
enum field {
	VENDOR,
	DEVICE,
	SUBVENDOR,
	SUBDEVICE,
	CLASS,
	CLASS_MASK,
	FIELDS
};

static const struct {
	u32 max;
	const char *want;
} fields[FIELDS] = {
	[VENDOR] = { 0xffff, "a vendor id (0 to ffff, or ffffffff for any)" },
	[DEVICE] = { 0xffff, "a device id (0 to ffff, or ffffffff for any)" },
	[SUBVENDOR] = { 0xffff, "a subsystem vendor id (0 to ffff, or ffffffff for any)" },
	[SUBDEVICE] = { 0xffff, "a subsystem id (0 to ffff, or ffffffff for any)" },
	[CLASS] = { 0xffffff, "a class (0 to ffffff)" },
	[CLASS_MASK] = { 0xffffff, "a class mask (0 to ffffff)" },
};

/* Hex without a limit on the digits that PCI_ANY_ID needs. */
static int read_field(struct vp_reader *in, enum field field, u32 *val)
{
	const char *start = in->pos;
	int ret;

	if (!vp_read_text(in, "0x"))
		vp_read_text(in, "0X");
	ret = vp_read_hex(in, 8, ~0u, val, fields[field].want);
	if (ret)
		return ret;
	if (*val > fields[field].max && *val != VP_ANY)
		return vp_read_fail_at(in, start, fields[field].want);
	return 0;
}

static int read_fields(struct vp_reader *in, u32 *val)
{
	enum field field;
	int ret;

	for (field = 0; field < FIELDS; field++) {
		if (field && !vp_read_char(in, ':')) {
			if (in->pos == in->end && field > DEVICE)
				break;
			return vp_read_fail(in, field == DEVICE ?
					    "':' and a device id" :
					    "':', ',' or the end");
		}
		ret = read_field(in, field, &val[field]);
		if (ret)
			return ret;
	}
	return in->pos == in->end ? 0 : vp_read_fail(in, "',' or the end");
}

/**
 * vp_rule_parse_id() - read one entry of the parameter ids=
 * @text: vendor:device[:subvendor[:subdevice[:class[:class_mask]]]] in hex,
 *        as vfio-pci's ids= takes it; ffffffff is any
 * @len: its length in bytes
 * @rule: filled in on success, else undefined; its action is %VP_VFIO
 * @err: filled in on failure, else untouched
 *
 * As in vfio-pci (pci_add_dynid() in drivers/vfio/pci), a class without a mask
 * does not count.
 *
 * Context: any; no locks, does not sleep.
 * Return: 0, or -EINVAL with the place and what was expected in @err.
 */
int vp_rule_parse_id(const char *text, size_t len, struct vp_rule *rule,
		     struct vp_error *err)
{
	struct vp_reader in = {
		.start = text, .pos = text, .end = text + len, .err = err,
	};
	u32 val[FIELDS] = {
		[SUBVENDOR] = VP_ANY,
		[SUBDEVICE] = VP_ANY,
	};
	struct vp_selector *ids = &rule->selectors[0];
	struct vp_selector *class = &rule->selectors[1];
	int ret;

	memset(rule, 0, sizeof(*rule));
	ret = read_fields(&in, val);
	if (ret)
		return ret;

	rule->action = VP_VFIO;
	ids->kind = VP_SEL_IDS;
	ids->vendor = val[VENDOR];
	ids->device = val[DEVICE];
	ids->subvendor = val[SUBVENDOR];
	ids->subdevice = val[SUBDEVICE];
	class->kind = VP_SEL_CLASS;
	class->class_mask = val[CLASS_MASK] & 0xffffff;
	class->class = val[CLASS] & class->class_mask;
	rule->count = class->class_mask ? 2 : 1;
	if (rule->count == 1)
		memset(class, 0, sizeof(*class));
	if (rule->count == 1 && ids->vendor == VP_ANY && ids->device == VP_ANY &&
	    ids->subvendor == VP_ANY && ids->subdevice == VP_ANY)
		return vp_read_fail_at(&in, text, "an id that does not name every device");
	return 0;
}
