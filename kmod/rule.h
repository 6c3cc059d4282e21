/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One rule: what it names, how it reads, how it prints.
 *
 *	ACTION SELECTOR...
 *
 *	ACTION    vfio    hold the device, then hand it to vfio-pci
 *	          hold    keep it on the stub
 *	SELECTOR  vendor:device[:subvendor:subdevice]	hex; * is any
 *	          [domain:]bus:device.function		hex
 *	          class=CC[CC[CC[/MASK]]]		hex, up to 24 bits
 *
 * Every selector given must hold. A rule with a wildcard, or with neither an
 * address nor an exact vendor and device, does not select VFs.
 */
#ifndef VFIOPOLICY_RULE_H
#define VFIOPOLICY_RULE_H

#include "shim.h"

/* Any value: the same number as PCI_ANY_ID, which is what ids= uses. */
#define VP_ANY (~0u)

/**
 * enum vp_action - what a rule wants done with a device
 * @VP_VFIO: hold it, then hand it to vfio-pci
 * @VP_HOLD: keep it on the stub
 */
enum vp_action {
	VP_VFIO,
	VP_HOLD,
};

/**
 * struct vp_facts - what a rule may look at in a device
 * @domain: PCI domain (segment)
 * @bus: bus number
 * @devfn: device in the upper five bits, function in the lower three
 * @vf: it is an SR-IOV virtual function
 * @vendor: vendor id
 * @device: device id
 * @subvendor: subsystem vendor id
 * @subdevice: subsystem id
 * @class: base class, sub-class and programming interface, 24 bits
 */
struct vp_facts {
	u32 domain;
	u8 bus;
	u8 devfn;
	bool vf;
	u16 vendor;
	u16 device;
	u16 subvendor;
	u16 subdevice;
	u32 class;
};

/**
 * struct vp_rule - one parsed rule
 * @action: what to do with a device that matches
 * @has_addr: @domain, @bus and @devfn were given
 * @has_ids: @vendor, @device, @subvendor and @subdevice were given
 * @has_class: @class and @class_mask were given
 * @bus: bus number
 * @devfn: device in the upper five bits, function in the lower three
 * @domain: PCI domain (segment)
 * @vendor: vendor id or %VP_ANY
 * @device: device id or %VP_ANY
 * @subvendor: subsystem vendor id or %VP_ANY
 * @subdevice: subsystem id or %VP_ANY
 * @class: 24 bits; no bit is set that @class_mask has not
 * @class_mask: the bits of @class that count
 */
struct vp_rule {
	enum vp_action action;
	bool has_addr;
	bool has_ids;
	bool has_class;
	u8 bus;
	u8 devfn;
	u32 domain;
	u32 vendor;
	u32 device;
	u32 subvendor;
	u32 subdevice;
	u32 class;
	u32 class_mask;
};

/**
 * struct vp_error - where and why a text is no rule
 * @at: offset of the first byte that does not fit, at most the text's length
 * @want: what would have been legal there, a static string that reads after
 *        the word "expected"
 */
struct vp_error {
	size_t at;
	const char *want;
};

int vp_rule_parse(const char *text, size_t len, struct vp_rule *rule,
		  struct vp_error *err);
int vp_rule_parse_id(const char *text, size_t len, struct vp_rule *rule,
		     struct vp_error *err);
int vp_rule_print(const struct vp_rule *rule, char *buf, size_t size);
bool vp_rule_match(const struct vp_rule *rule, const struct vp_facts *facts);
bool vp_rule_same(const struct vp_rule *a, const struct vp_rule *b);
bool vp_rule_same_selectors(const struct vp_rule *a, const struct vp_rule *b);
const char *vp_rule_next(const char **pos, const char *end, const char *seps,
			 size_t *len);

#endif /* VFIOPOLICY_RULE_H */
