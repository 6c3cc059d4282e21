/* SPDX-License-Identifier: GPL-2.0-only */
/* Does a rule name a device, and if not, why. */
#ifndef VFIOPOLICY_MATCH_H
#define VFIOPOLICY_MATCH_H

#include "rule.h"

/**
 * struct vp_hop - a bridge on the way to a device
 * @bus: number of the bus that it is on
 * @devfn: device in the upper five bits, function in the lower three
 */
struct vp_hop {
	u8 bus;
	u8 devfn;
};

/**
 * struct vp_facts - what a rule may look at in a device
 * @domain: PCI domain (segment)
 * @bus: bus number
 * @devfn: device in the upper five bits, function in the lower three
 * @depth: number of @above
 * @above: the bridges that it hangs off, the nearest first; of a VF those of
 *         its PF. What is farther away than there is room for is left out.
 * @vf: it is an SR-IOV virtual function
 * @pf_bus: bus number of the PF, if @vf
 * @pf_devfn: device and function of the PF, if @vf
 * @vf_index: number of the VF, from 0, if @vf
 * @vendor: vendor id
 * @device: device id
 * @subvendor: subsystem vendor id
 * @subdevice: subsystem id
 * @class: base class, sub-class and programming interface, 24 bits
 * @dsn: PCIe Device Serial Number; 0 when it has none
 * @asleep: @dsn could not be read, so whether it fits is not known
 * @external: the kernel holds it for untrusted: it is below a port that faces
 *            outside
 * @host: DMI product UUID of the host in lower case, or NULL when unknown; a
 *        string that stays
 */
struct vp_facts {
	u32 domain;
	u8 bus;
	u8 devfn;
	u8 depth;
	struct vp_hop above[VP_PATH_MAX - 1];
	bool vf;
	u8 pf_bus;
	u8 pf_devfn;
	u16 vf_index;
	u16 vendor;
	u16 device;
	u16 subvendor;
	u16 subdevice;
	u32 class;
	u64 dsn;
	bool asleep;
	bool external;
	const char *host;
};

/**
 * enum vp_fit - how a rule fits a device
 * @VP_FIT_NONE: it does not name it
 * @VP_FIT_CHANGED: it names the place, but something else sits there
 * @VP_FIT_MATCH: it names it
 * @VP_FIT_WITH: it names another, with which this one is to be held; never an
 *               answer of vp_match()
 */
enum vp_fit {
	VP_FIT_NONE,
	VP_FIT_CHANGED,
	VP_FIT_MATCH,
	VP_FIT_WITH,
};

/**
 * enum vp_miss_kind - why a rule does not name a device
 * @VP_MISS_NONE: it does
 * @VP_MISS_HOST: it is for another host
 * @VP_MISS_VF: VFs are passed over
 * @VP_MISS_SELECTOR: a selector does not hold
 * @VP_MISS_EXCEPT: one that must not hold does
 */
enum vp_miss_kind {
	VP_MISS_NONE,
	VP_MISS_HOST,
	VP_MISS_VF,
	VP_MISS_SELECTOR,
	VP_MISS_EXCEPT,
};

/**
 * struct vp_miss - why a rule does not name a device
 * @kind: why
 * @selector: which one, if it is one; part of the rule
 */
struct vp_miss {
	enum vp_miss_kind kind;
	const struct vp_selector *selector;
};

enum vp_fit vp_match(const struct vp_rule *rule, const struct vp_facts *facts,
		     struct vp_miss *miss);
bool vp_match_needs_dsn(const struct vp_rule *rule);
void vp_match_place(const struct vp_facts *facts, struct vp_place *place);
size_t vp_match_explain(const struct vp_miss *miss,
			const struct vp_facts *facts, char *buf, size_t size);

#endif /* VFIOPOLICY_MATCH_H */
