/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One rule: how it reads and how it prints.
 *
 *	ACTION SELECTOR... [OPTION...]
 *
 *	ACTION    vfio    hold the device, then hand it to its target driver
 *	          hold    keep it on the stub
 *	          leave   the host keeps it, whatever else names it
 *	SELECTOR  vendor:device[:subvendor:subdevice]	hex; * is any
 *	          [domain:]bus:device.function		hex; * for device or function
 *	          at=[domain:]bus:device.function[/device.function]...
 *	                          the bridges it hangs off, then itself; the last
 *	                          may have * for device or function
 *	          vfs-of=ADDRESS|PATH[/FIRST[-LAST]]	VFs of a PF, decimal
 *	          class=NAME|CC[CC[CC[/MASK]]]		vp_class_words, or hex
 *	          dsn=xx-xx-xx-xx-xx-xx-xx-xx		Device Serial Number
 *	          external	below a port that faces outside (untrusted)
 *	          vfs		VFs too, where a wildcard or a class picks
 *	          except=SELECTOR			any of the above but vfs
 *	OPTION    driver=NAME|best  with=slot|group  changed=hold  yield
 *	          takeover=boot  allow=WORD[,WORD]...  owner=USER[:GROUP]
 *	          vfs=N  host=UUID  name=NAME
 *
 * Every selector given must hold, and none of those in except=. They may
 * stand in any order; the canonical form has one.
 */
#ifndef VFIOPOLICY_RULE_H
#define VFIOPOLICY_RULE_H

#include "shim.h"
#include "include/uapi/linux/vfiopolicy.h"

/* Any value: the same number as PCI_ANY_ID, which is what ids= uses. */
#define VP_ANY			(~0u)
/* Elements of a path: a device and the bridges nearest above it. */
#define VP_PATH_MAX		16
/* Selectors of one rule, those in except= included. */
#define VP_SELECTORS_MAX	16
/* Room for a word (driver, name, user, group) and its NUL. */
#define VP_WORD_MAX		32
/* Room for a DMI UUID as text and its NUL. */
#define VP_UUID_MAX		37
/* VP_VFS_ALL as the last index is "all of them". */
#define VP_VFS_ALL		0xffff

/**
 * enum vp_action - what a rule wants done with a device
 * @VP_VFIO: hold it, then hand it to the target driver
 * @VP_HOLD: keep it on the stub
 * @VP_LEAVE: leave it to the host, whatever other rules say
 */
enum vp_action {
	VP_VFIO,
	VP_HOLD,
	VP_LEAVE,
};

/**
 * struct vp_place - an address, or a way down from a bridge
 * @domain: PCI domain (segment)
 * @bus: bus number of the first element
 * @count: elements in @devfn, 1 to %VP_PATH_MAX; 1 is a plain address
 * @any_slot: the device number of the last element does not count
 * @any_func: the function number of the last element does not count
 * @devfn: device in the upper five bits, function in the lower three
 */
struct vp_place {
	u32 domain;
	u8 bus;
	u8 count;
	bool any_slot;
	bool any_func;
	u8 devfn[VP_PATH_MAX];
};

/**
 * enum vp_selector_kind - what a selector looks at
 * @VP_SEL_ADDRESS: the address
 * @VP_SEL_AT: the place below the bridges
 * @VP_SEL_VFS_OF: the PF, by either, and the index of the VF
 * @VP_SEL_IDS: vendor, device and subsystem
 * @VP_SEL_CLASS: the class
 * @VP_SEL_DSN: the Device Serial Number
 * @VP_SEL_EXTERNAL: whether it is outside
 *
 * In the order in which they are printed. The first three are places, the
 * others say what a device is.
 */
enum vp_selector_kind {
	VP_SEL_ADDRESS,
	VP_SEL_AT,
	VP_SEL_VFS_OF,
	VP_SEL_IDS,
	VP_SEL_CLASS,
	VP_SEL_DSN,
	VP_SEL_EXTERNAL,
};

/**
 * struct vp_selector - one selector
 * @kind: which of the others counts
 * @except: it must not hold
 * @first: first VF index of %VP_SEL_VFS_OF
 * @last: last VF index; %VP_VFS_ALL when no index was given
 * @place: of the first three kinds
 * @vendor: vendor id or %VP_ANY
 * @device: device id or %VP_ANY
 * @subvendor: subsystem vendor id or %VP_ANY
 * @subdevice: subsystem id or %VP_ANY
 * @class: 24 bits; no bit is set that @class_mask has not
 * @class_mask: the bits of @class that count; never 0
 * @dsn: PCIe 7.9.3, the upper dword first; neither all zeros nor all ones
 */
struct vp_selector {
	enum vp_selector_kind kind;
	bool except;
	u16 first;
	u16 last;
	union {
		struct vp_place place;
		struct {
			u32 vendor;
			u32 device;
			u32 subvendor;
			u32 subdevice;
		};
		struct {
			u32 class;
			u32 class_mask;
		};
		u64 dsn;
	};
};

/**
 * enum vp_with - what else is to be held with a device
 * @VP_WITH_NONE: nothing
 * @VP_WITH_SLOT: the other functions of its slot
 * @VP_WITH_GROUP: the other endpoints of its IOMMU group
 */
enum vp_with {
	VP_WITH_NONE,
	VP_WITH_SLOT,
	VP_WITH_GROUP,
};

/**
 * enum vp_allow - exceptions from safety, one bit each
 * @VP_ALLOW_BOOT_VGA: the display that the firmware used
 * @VP_ALLOW_ONLY_GPU: the only GPU of the host
 * @VP_ALLOW_CONSOLE: what a console is on
 * @VP_ALLOW_STORAGE: a disk that the host uses
 * @VP_ALLOW_NETWORK: a network port that the host uses
 * @VP_ALLOW_USB: a USB controller that the host uses
 */
enum vp_allow {
	VP_ALLOW_BOOT_VGA = 1 << 0,
	VP_ALLOW_ONLY_GPU = 1 << 1,
	VP_ALLOW_CONSOLE = 1 << 2,
	VP_ALLOW_STORAGE = 1 << 3,
	VP_ALLOW_NETWORK = 1 << 4,
	VP_ALLOW_USB = 1 << 5,
};

/**
 * struct vp_rule - one parsed rule
 * @action: what to do with a device that matches
 * @count: number of @selectors
 * @selectors: in the order in which they are printed: the others by kind,
 *             then those in except= as given
 * @vfs: a wildcard or a class picks VFs too
 * @changed_hold: what sits at the place and is something else is held
 * @yield: a foreign driver may have it; only report that
 * @takeover_boot: it may be taken from its driver, in the initramfs only
 * @with: what else is to be held
 * @allow: &enum vp_allow
 * @num_vfs: VFs that the PF is to have, 0 for no say
 * @driver: target driver or "best"; empty for vfio-pci
 * @owner: user and group of the vfio node, as "user:group"; empty for no say
 * @host: DMI product UUID in lower case; empty for any host
 * @name: what people call the rule; empty for none
 */
struct vp_rule {
	enum vp_action action;
	u8 count;
	struct vp_selector selectors[VP_SELECTORS_MAX];
	bool vfs;
	bool changed_hold;
	bool yield;
	bool takeover_boot;
	enum vp_with with;
	u32 allow;
	u32 num_vfs;
	char driver[VP_WORD_MAX];
	char owner[2 * VP_WORD_MAX];
	char host[VP_UUID_MAX];
	char name[VP_WORD_MAX];
};

/**
 * struct vp_error - where and why a text is no rule
 * @at: offset of the first byte that does not fit, at most the text's length
 * @want: what would have been legal there, a static string that reads after
 *        the word "expected"
 * @hint: the known word that is closest to the one at @at, a static string,
 *        or NULL when none is close
 */
struct vp_error {
	size_t at;
	const char *want;
	const char *hint;
};

/**
 * struct vp_class - what a word for a class stands for
 * @class: 24 bits
 * @mask: the bits that count
 */
struct vp_class {
	u32 class;
	u32 mask;
};

int vp_rule_parse(const char *text, size_t len, struct vp_rule *rule,
		  struct vp_error *err);

/* ids.c */
int vp_rule_parse_id(const char *text, size_t len, struct vp_rule *rule,
		     struct vp_error *err);

/* print.c */
/* Ends with NULL; vp_classes has what each stands for. */
extern const char *const vp_class_words[];
extern const struct vp_class vp_classes[];
/* By the bits of &enum vp_allow; ends with NULL. */
extern const char *const vp_allow_words[];

size_t vp_rule_print(const struct vp_rule *rule, char *buf, size_t size);
size_t vp_rule_print_selectors(const struct vp_rule *rule, char *buf,
			       size_t size);
size_t vp_selector_print(const struct vp_selector *sel, char *buf, size_t size);
size_t vp_place_print(const struct vp_place *place, char *buf, size_t size);
const char *vp_action_name(enum vp_action action);

#endif /* VFIOPOLICY_RULE_H */
