// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts the state and the reason of a device into words: a few for a table, a
 * sentence for whoever asks why, and the next step.
 */
#include "state.h"
#include "verdict.h"

/**
 * struct words - how to speak of a reason
 * @name: its name in the specification of the netlink family
 * @brief: a few words
 * @why: what is the matter, a clause that reads after the address
 * @todo: what to do about it; NULL when there is nothing
 *
 * In @brief, @why and @todo %d is the driver that has the device, %t the one
 * its rule wants, %f what somebody else tried, %a its address, %p the address
 * of its PF, %i its ids.
 */
struct words {
	const char *name;
	const char *brief;
	const char *why;
	const char *todo;
};

static const struct words reasons[] = {
	[VFIOPOLICY_REASON_NONE] = { "none", "", "", NULL },
	[VFIOPOLICY_REASON_NO_IOMMU_GROUP] = {
		"no-iommu-group", "no IOMMU group",
		"has no IOMMU group, so no driver may give it to a guest",
		NULL, /* That is for vp_verdict_iommu(). */
	},
	[VFIOPOLICY_REASON_MODULE_LOADING] = {
		"module-loading", "loading %t", "waits while %t is being loaded",
		NULL,
	},
	[VFIOPOLICY_REASON_MODULE_MISSING] = {
		"module-missing", "no driver %t",
		"waits: %t is not there and could not be loaded",
		"'modprobe %t' says why, or its rule means another by driver= (vfio-pci has a dash); then: vfiopolicy claim %a",
	},
	[VFIOPOLICY_REASON_TARGET_REFUSED] = {
		"target-refused", "%t refused it", "was refused by %t",
		"the kernel log has the reason; vfiopolicy claim %a tries again",
	},
	[VFIOPOLICY_REASON_NATIVE_DRIVER] = {
		"native-driver", "%d has it", "stays with %d for now",
		"when the host does without it: vfiopolicy claim %a",
	},
	[VFIOPOLICY_REASON_FOREIGN_OVERRIDE] = {
		"foreign-override", "override of somebody else",
		"has a driver override that somebody else wrote",
		"who was it (driverctl, a script)? Cleared by: echo > /sys/bus/pci/devices/%a/driver_override; then: vfiopolicy claim %a",
	},
	[VFIOPOLICY_REASON_BRIDGE] = {
		"bridge", "a bridge",
		"is a bridge, and bridges are never taken from the host", NULL,
	},
	[VFIOPOLICY_REASON_BOOT_VGA] = {
		"boot-vga", "boot display",
		"is the boot display, which is never taken from the host", NULL,
	},
	[VFIOPOLICY_REASON_VFIO_PF] = {
		"vfio-pf", "its PF is with vfio",
		"is a VF of %p, which is with vfio: that driver keeps its VFs to itself",
		NULL,
	},
	[VFIOPOLICY_REASON_UNBOUND] = {
		"unbound", "unbound by somebody",
		"was unbound by somebody, and is being brought back", NULL,
	},
	[VFIOPOLICY_REASON_FOREIGN_DRIVER] = {
		"foreign-driver", "%d has it",
		"was bound to %d by somebody",
		"when the host does without it: vfiopolicy claim %a",
	},
	[VFIOPOLICY_REASON_IN_USE] = {
		"in-use", "still in use", "cannot leave: a user has it open",
		"it leaves when its user lets go, and the rule is asked again",
	},
	[VFIOPOLICY_REASON_NO_MEMORY] = {
		"no-memory", "out of memory", "met with a lack of memory",
		"vfiopolicy claim %a tries again",
	},
	[VFIOPOLICY_REASON_NOT_PROBED] = {
		"not-probed", "not probed",
		"was not offered to any driver by the bus",
		"echo %a > /sys/bus/pci/drivers_probe",
	},
	[VFIOPOLICY_REASON_DEFERRED] = {
		"deferred", "deferred",
		"waits: probing is deferred (suspend, shutdown)", NULL,
	},
	[VFIOPOLICY_REASON_CHANGED] = {
		"changed", "%i sits there",
		"is not what its rule names at this place: %i sits there",
		"has a card been moved? vfiopolicy explain %a says what the rules see",
	},
	[VFIOPOLICY_REASON_TAKING_OVER] = {
		"taking-over", "being taken from %d", "is being taken from %d",
		NULL,
	},
	[VFIOPOLICY_REASON_VFS_ENABLED] = {
		"vfs-enabled", "has VFs", "has VFs, and stays with %d until they are gone",
		"first: vfiopolicy sriov %a 0",
	},
	[VFIOPOLICY_REASON_NO_TARGET] = {
		"no-target", "cannot go to %t",
		"is held: %t does its DMA as the host, so it is no driver for a guest",
		"driver= of its rule should name a driver of vfio's, or nothing",
	},
	[VFIOPOLICY_REASON_VETOED] = {
		"vetoed", "%f turned away",
		"was about to get %f against its rule, and is being brought back",
		"who bound it (libvirt with managed='yes', driverctl, a script)? vfiopolicy release %a gives it to the host",
	},
	[VFIOPOLICY_REASON_WITH] = {
		"with", "held with another",
		"is held with another device, as its rule says by with=", NULL,
	},
};

static const struct {
	const char *name;
	const char *phrase;
} origins[] = {
	[VFIOPOLICY_ORIGIN_RUNTIME] = { "runtime", "added at run time" },
	[VFIOPOLICY_ORIGIN_CMDLINE] = { "cmdline", "given to the module" },
	[VFIOPOLICY_ORIGIN_FILE] = { "file", "from a rule file" },
};

/* Of a newer module than this command knows. */
static const struct words unknown = {
	"unknown", "for a reason this command does not know",
	"is there for a reason that this command does not know",
	"is the command older than the module?",
};

static const struct words *words_of(u32 reason)
{
	return reason < ARRAY_SIZE(reasons) ? &reasons[reason] : &unknown;
}

/**
 * vp_verdict_iommu() - what to do about a device that has no IOMMU group
 * @host: the host
 *
 * Where others have one, the IOMMU is on, and nobody need look for its switch.
 *
 * Return: a sentence.
 */
const char *vp_verdict_iommu(const struct vp_host *host)
{
	static const char * const words[] = {
		"no device here has one: the IOMMU is off, or there is none; vfiopolicy check says how to turn it on",
		"the IOMMU is on, but does not cover this device: another slot may be covered; to be kept from the host only, a rule says hold",
	};
	bool on = false;
	size_t i;

	for (i = 0; i < host->count && !on; i++)
		on = host->devs[i].group >= 0;
	return words[on];
}

static void expand(const struct vp_nl_dev *dev, const char *text, char *buf)
{
	const char *insert;
	char ids[16];
	size_t n = 0;

	snprintf(ids, sizeof(ids), "%04x:%04x", dev->facts.vendor,
		 dev->facts.device);

	for (; *text; text++) {
		if (text[0] != '%') {
			n += scnprintf(buf + n, VP_VERDICT_LEN - n, "%c", *text);
			continue;
		}
		switch (*++text) {
		case 'd':
			insert = vp_verdict_driver(dev->driver);
			break;
		case 't':
			insert = dev->target[0] ? dev->target : "its target";
			break;
		case 'p':
			insert = dev->physfn;
			break;
		case 'f':
			insert = dev->found[0] ? dev->found : "another driver";
			break;
		case 'i':
			insert = ids;
			break;
		default:
			insert = dev->address;
			break;
		}
		n += scnprintf(buf + n, VP_VERDICT_LEN - n, "%s", insert);
	}
	buf[n] = '\0';
}

/**
 * vp_verdict_resting() - has a device come to where it will stay
 * @dev: the device
 *
 * A refusal by the target is no rest: the module tries again a few times.
 *
 * Return: true when nothing more will happen to it by itself.
 */
bool vp_verdict_resting(const struct vp_nl_dev *dev)
{
	switch (dev->state) {
	case VFIOPOLICY_STATE_HELD:
		return !dev->target[0] ||
		       dev->reason == VFIOPOLICY_REASON_CHANGED ||
		       dev->reason == VFIOPOLICY_REASON_NO_TARGET ||
		       dev->reason == VFIOPOLICY_REASON_NO_IOMMU_GROUP ||
		       dev->reason == VFIOPOLICY_REASON_MODULE_MISSING;
	case VFIOPOLICY_STATE_ISOLATED:
		return dev->target[0] || dev->reason == VFIOPOLICY_REASON_IN_USE;
	case VFIOPOLICY_STATE_NATIVE:
	case VFIOPOLICY_STATE_LOST:
		return dev->reason != VFIOPOLICY_REASON_TAKING_OVER;
	case VFIOPOLICY_STATE_RELEASED:
	case VFIOPOLICY_STATE_GONE:
		return true;
	default:
		return false;
	}
}

/**
 * vp_verdict_device() - is a device where a rule wants it
 * @dev: the device, as the module has it
 * @action: what the rule wants done with it
 *
 * Return: met, pending or not met.
 */
enum vp_verdict vp_verdict_device(const struct vp_nl_dev *dev,
				  enum vp_action action)
{
	if (dev->reason == VFIOPOLICY_REASON_CHANGED ||
	    dev->state == VFIOPOLICY_STATE_RELEASED)
		return VP_VERDICT_NOT_MET;
	if (dev->state == (action == VP_HOLD ? VFIOPOLICY_STATE_HELD :
					       VFIOPOLICY_STATE_ISOLATED))
		return VP_VERDICT_MET;
	switch (dev->reason) {
	case VFIOPOLICY_REASON_NONE:
	case VFIOPOLICY_REASON_MODULE_LOADING:
	case VFIOPOLICY_REASON_NATIVE_DRIVER:
	case VFIOPOLICY_REASON_IN_USE:
	case VFIOPOLICY_REASON_NO_MEMORY:
	case VFIOPOLICY_REASON_NOT_PROBED:
	case VFIOPOLICY_REASON_DEFERRED:
	case VFIOPOLICY_REASON_TAKING_OVER:
		return VP_VERDICT_PENDING;
	default:
		return VP_VERDICT_NOT_MET;
	}
}

/**
 * vp_verdict_target() - is a device where the module wants it
 * @dev: the device, as the module has it
 *
 * Return: met, pending or not met.
 */
enum vp_verdict vp_verdict_target(const struct vp_nl_dev *dev)
{
	return vp_verdict_device(dev, dev->target[0] ? VP_VFIO : VP_HOLD);
}

/**
 * vp_verdict_driver() - what has a device, in words
 * @driver: name of its driver; empty when it has none
 *
 * Return: the name, or that there is none.
 */
const char *vp_verdict_driver(const char *driver)
{
	return driver[0] ? driver : "no driver";
}

/**
 * vp_verdict_name() - a verdict as scripts see it
 * @verdict: the verdict
 *
 * Return: its name.
 */
const char *vp_verdict_name(enum vp_verdict verdict)
{
	static const char * const names[] = {
		[VP_VERDICT_MET] = "met",
		[VP_VERDICT_ABSENT] = "no-device",
		[VP_VERDICT_PENDING] = "pending",
		[VP_VERDICT_NOT_MET] = "not-met",
	};

	return names[verdict];
}

/**
 * vp_verdict_reason_name() - the name of a reason
 * @reason: an &enum vfiopolicy_reason
 *
 * Return: the one in the specification of the netlink family.
 */
const char *vp_verdict_reason_name(u32 reason)
{
	return words_of(reason)->name;
}

/**
 * vp_verdict_origin_name() - the name of an origin
 * @origin: an &enum vfiopolicy_origin
 *
 * Return: the one in the specification of the netlink family.
 */
const char *vp_verdict_origin_name(u32 origin)
{
	return origin < ARRAY_SIZE(origins) ? origins[origin].name : "unknown";
}

/**
 * vp_verdict_cause_name() - the name of a cause
 * @cause: an &enum vfiopolicy_cause
 *
 * Return: the one in the specification of the netlink family.
 */
const char *vp_verdict_cause_name(u32 cause)
{
	static const char * const names[] = {
		[VFIOPOLICY_CAUSE_APPEARED] = "appeared",
		[VFIOPOLICY_CAUSE_REMOVED] = "removed",
		[VFIOPOLICY_CAUSE_RULE] = "rule",
		[VFIOPOLICY_CAUSE_REPLACE] = "replace",
		[VFIOPOLICY_CAUSE_REQUEST] = "request",
		[VFIOPOLICY_CAUSE_DRIVER] = "driver",
		[VFIOPOLICY_CAUSE_TARGET] = "target",
		[VFIOPOLICY_CAUSE_RETRY] = "retry",
	};

	return cause < ARRAY_SIZE(names) ? names[cause] : "unknown";
}

/**
 * vp_verdict_origin() - an origin in words
 * @origin: an &enum vfiopolicy_origin
 *
 * Return: a few words.
 */
const char *vp_verdict_origin(u32 origin)
{
	return origin < ARRAY_SIZE(origins) ? origins[origin].phrase :
					      "of unknown origin";
}

/**
 * vp_verdict_reason() - the reason of a device in a few words
 * @dev: the device
 * @buf: where to; %VP_VERDICT_LEN bytes, empty when there is no reason
 */
void vp_verdict_reason(const struct vp_nl_dev *dev, char *buf)
{
	expand(dev, words_of(dev->reason)->brief, buf);
}

/**
 * vp_verdict_state() - the state of a device in a few words
 * @dev: the device
 * @buf: where to; %VP_VERDICT_LEN bytes
 */
void vp_verdict_state(const struct vp_nl_dev *dev, char *buf)
{
	const char *name = vp_state_name(dev->state);
	char reason[VP_VERDICT_LEN];

	if (dev->state == VFIOPOLICY_STATE_ISOLATED && dev->in_use)
		name = "in use";
	vp_verdict_reason(dev, reason);
	snprintf(buf, VP_VERDICT_LEN, "%s%s%.200s", name, reason[0] ? ": " : "",
		 reason);
}

/**
 * vp_verdict_why() - why a device is where it is
 * @dev: the device
 * @buf: where to; %VP_VERDICT_LEN bytes; a clause that reads after the address
 */
void vp_verdict_why(const struct vp_nl_dev *dev, char *buf)
{
	if (dev->reason)
		expand(dev, words_of(dev->reason)->why, buf);
	else if (dev->state == VFIOPOLICY_STATE_ISOLATED)
		expand(dev, dev->in_use ? "is with %d, and a user has it open" :
					  "is with %d", buf);
	else if (dev->state == VFIOPOLICY_STATE_HELD)
		expand(dev, dev->target[0] ? "is held, on its way to %t" :
					     "is held", buf);
	else if (dev->state == VFIOPOLICY_STATE_RELEASED)
		expand(dev, "is with the host, as somebody asked, until it is claimed or plugged in again",
		       buf);
	else
		expand(dev, "is on its way", buf);
}

/**
 * vp_verdict_todo() - what to do about it
 * @host: the host
 * @dev: the device
 * @buf: where to; %VP_VERDICT_LEN bytes, empty when there is nothing to do
 */
void vp_verdict_todo(const struct vp_host *host, const struct vp_nl_dev *dev,
		     char *buf)
{
	const char *todo = words_of(dev->reason)->todo;

	if (dev->state == VFIOPOLICY_STATE_RELEASED && dev->rule)
		todo = "to take it back: vfiopolicy claim %a; or plug it out and in again";
	else if (dev->reason == VFIOPOLICY_REASON_NO_IOMMU_GROUP)
		todo = vp_verdict_iommu(host);
	expand(dev, todo ? todo : "", buf);
}

/**
 * vp_verdict_rule() - what to call a rule
 * @id: its number
 * @text: its canonical form
 * @buf: where to
 * @size: room in @buf
 *
 * By its name, where it has one; else by its number: what it says is a column of
 * its own in vfiopolicy status, and takes the room of others elsewhere.
 */
void vp_verdict_rule(u32 id, const char *text, char *buf, size_t size)
{
	struct vp_error err;
	struct vp_rule rule;

	if (!vp_rule_parse(text, strlen(text), &rule, &err) && rule.name[0])
		scnprintf(buf, size, "%s", rule.name);
	else
		scnprintf(buf, size, "%u", id);
}
