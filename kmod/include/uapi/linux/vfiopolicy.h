/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vfiopolicy.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_VFIOPOLICY_H
#define _UAPI_LINUX_VFIOPOLICY_H

#define VFIOPOLICY_FAMILY_NAME		"vfiopolicy"
#define VFIOPOLICY_FAMILY_VERSION	1

#define VFIOPOLICY_ABI			1
#define VFIOPOLICY_RULES_MAX		4096
#define VFIOPOLICY_RULE_LEN_MAX		511
#define VFIOPOLICY_ADDRESS_LEN_MAX	31
#define VFIOPOLICY_DRIVER_LEN_MAX	31

/**
 * enum vfiopolicy_origin - Where a rule came from. The same text may be there
 *   once an origin.
 * @VFIOPOLICY_ORIGIN_RUNTIME: Added over netlink, gone with the module.
 * @VFIOPOLICY_ORIGIN_CMDLINE: A parameter of the module (boot command line,
 *   modprobe.d, modprobe).
 * @VFIOPOLICY_ORIGIN_FILE: Added over netlink by whatever reads the rule
 *   files.
 */
enum vfiopolicy_origin {
	VFIOPOLICY_ORIGIN_RUNTIME,
	VFIOPOLICY_ORIGIN_CMDLINE,
	VFIOPOLICY_ORIGIN_FILE,
};

/**
 * enum vfiopolicy_state - Where a device is in its life.
 * @VFIOPOLICY_STATE_MATCHED: A rule names it; if no other driver has it, which
 *   is looked at next, the stub is about to.
 * @VFIOPOLICY_STATE_HELD: Bound to the stub, bus mastering off.
 * @VFIOPOLICY_STATE_HANDING_OFF: On its way from the stub to the target
 *   driver.
 * @VFIOPOLICY_STATE_ISOLATED: Bound to the target driver of its rule.
 * @VFIOPOLICY_STATE_RELEASING: On its way back to the host's own drivers.
 * @VFIOPOLICY_STATE_RELEASED: With the host. Because dev-release said so,
 *   until dev-claim, or until it is removed and comes back; or, in an event
 *   without a rule, because no rule names it any more: then its record has
 *   ended.
 * @VFIOPOLICY_STATE_NATIVE: A rule names it, but it is left alone for the
 *   reason given.
 * @VFIOPOLICY_STATE_LOST: Somebody bound it to a driver that its rule does not
 *   name, or wrote another override on it, and its rule yields.
 * @VFIOPOLICY_STATE_GONE: Removed from the bus; only ever seen in an event.
 */
enum vfiopolicy_state {
	VFIOPOLICY_STATE_MATCHED,
	VFIOPOLICY_STATE_HELD,
	VFIOPOLICY_STATE_HANDING_OFF,
	VFIOPOLICY_STATE_ISOLATED,
	VFIOPOLICY_STATE_RELEASING,
	VFIOPOLICY_STATE_RELEASED,
	VFIOPOLICY_STATE_NATIVE,
	VFIOPOLICY_STATE_LOST,
	VFIOPOLICY_STATE_GONE,
};

/**
 * enum vfiopolicy_reason - Why a device is where it is.
 * @VFIOPOLICY_REASON_NONE: There is nothing to explain.
 * @VFIOPOLICY_REASON_NO_IOMMU_GROUP: The device has no IOMMU group, so no
 *   driver may give it to a guest.
 * @VFIOPOLICY_REASON_MODULE_LOADING: The module of the target driver is being
 *   loaded.
 * @VFIOPOLICY_REASON_MODULE_MISSING: The target driver is not there and could
 *   not be loaded.
 * @VFIOPOLICY_REASON_TARGET_REFUSED: The target driver's probe failed; the
 *   device went back to the stub.
 * @VFIOPOLICY_REASON_NATIVE_DRIVER: A native driver had the device before the
 *   rule came.
 * @VFIOPOLICY_REASON_FOREIGN_OVERRIDE: Somebody else's driver override is on
 *   the device.
 * @VFIOPOLICY_REASON_BRIDGE: Bridges are never claimed.
 * @VFIOPOLICY_REASON_BOOT_VGA: The boot display is never claimed.
 * @VFIOPOLICY_REASON_VFIO_PF: A VF of a PF that a vfio driver has; that driver
 *   captures its own VFs.
 * @VFIOPOLICY_REASON_UNBOUND: Somebody unbound it; the override still keeps
 *   other drivers off.
 * @VFIOPOLICY_REASON_FOREIGN_DRIVER: Somebody wrote another override and bound
 *   another driver.
 * @VFIOPOLICY_REASON_IN_USE: It could not be taken from its driver because a
 *   user has it open.
 * @VFIOPOLICY_REASON_NO_MEMORY: An allocation failed; the claim is tried
 *   again.
 * @VFIOPOLICY_REASON_NOT_PROBED: The bus has not offered the device to any
 *   driver.
 * @VFIOPOLICY_REASON_DEFERRED: Probing is deferred (suspend, shutdown); the
 *   core will come back to it.
 * @VFIOPOLICY_REASON_CHANGED: Its rule names the place, but not what sits
 *   there now.
 * @VFIOPOLICY_REASON_NO_TARGET: The driver that its rule names does its DMA as
 *   the host (driver_managed_dma is not set), so it is no target.
 * @VFIOPOLICY_REASON_TAKING_OVER: Its native driver is being taken from it, as
 *   was asked for.
 * @VFIOPOLICY_REASON_VFS_ENABLED: A PF is not taken from its driver while it
 *   has VFs.
 * @VFIOPOLICY_REASON_VETOED: Somebody tried to bind the driver that found
 *   names; it was refused, and the device is being brought back.
 * @VFIOPOLICY_REASON_WITH: Its rule names another device, and by with= has
 *   this one held too.
 */
enum vfiopolicy_reason {
	VFIOPOLICY_REASON_NONE,
	VFIOPOLICY_REASON_NO_IOMMU_GROUP,
	VFIOPOLICY_REASON_MODULE_LOADING,
	VFIOPOLICY_REASON_MODULE_MISSING,
	VFIOPOLICY_REASON_TARGET_REFUSED,
	VFIOPOLICY_REASON_NATIVE_DRIVER,
	VFIOPOLICY_REASON_FOREIGN_OVERRIDE,
	VFIOPOLICY_REASON_BRIDGE,
	VFIOPOLICY_REASON_BOOT_VGA,
	VFIOPOLICY_REASON_VFIO_PF,
	VFIOPOLICY_REASON_UNBOUND,
	VFIOPOLICY_REASON_FOREIGN_DRIVER,
	VFIOPOLICY_REASON_IN_USE,
	VFIOPOLICY_REASON_NO_MEMORY,
	VFIOPOLICY_REASON_NOT_PROBED,
	VFIOPOLICY_REASON_DEFERRED,
	VFIOPOLICY_REASON_CHANGED,
	VFIOPOLICY_REASON_NO_TARGET,
	VFIOPOLICY_REASON_TAKING_OVER,
	VFIOPOLICY_REASON_VFS_ENABLED,
	VFIOPOLICY_REASON_VETOED,
	VFIOPOLICY_REASON_WITH,
};

/**
 * enum vfiopolicy_cause - What set in motion the change that an event tells
 *   of.
 * @VFIOPOLICY_CAUSE_APPEARED: The device came, or the module came and found
 *   it.
 * @VFIOPOLICY_CAUSE_REMOVED: The device left the bus.
 * @VFIOPOLICY_CAUSE_RULE: A rule came or went.
 * @VFIOPOLICY_CAUSE_REPLACE: The rules of an origin were replaced.
 * @VFIOPOLICY_CAUSE_REQUEST: Somebody asked for this very device or rule.
 * @VFIOPOLICY_CAUSE_DRIVER: Somebody else bound or unbound a driver.
 * @VFIOPOLICY_CAUSE_TARGET: The module of the target driver was loaded, or
 *   could not be.
 * @VFIOPOLICY_CAUSE_RETRY: What failed before was tried again.
 */
enum vfiopolicy_cause {
	VFIOPOLICY_CAUSE_APPEARED,
	VFIOPOLICY_CAUSE_REMOVED,
	VFIOPOLICY_CAUSE_RULE,
	VFIOPOLICY_CAUSE_REPLACE,
	VFIOPOLICY_CAUSE_REQUEST,
	VFIOPOLICY_CAUSE_DRIVER,
	VFIOPOLICY_CAUSE_TARGET,
	VFIOPOLICY_CAUSE_RETRY,
};

/**
 * enum vfiopolicy_domain - What the default DMA domain of an IOMMU group does.
 * @VFIOPOLICY_DOMAIN_UNKNOWN: No member was seen with a driver of the host's
 *   own yet; the file type of the group in sysfs knows.
 * @VFIOPOLICY_DOMAIN_DMA: Each DMA is translated.
 * @VFIOPOLICY_DOMAIN_IDENTITY: The host's DMA passes as it is (iommu=pt).
 */
enum vfiopolicy_domain {
	VFIOPOLICY_DOMAIN_UNKNOWN,
	VFIOPOLICY_DOMAIN_DMA,
	VFIOPOLICY_DOMAIN_IDENTITY,
};

/**
 * enum vfiopolicy_viability - Whether the devices of an IOMMU group can be
 *   given to a guest.
 * @VFIOPOLICY_VIABILITY_VIABLE: No member has a driver that does DMA as the
 *   host.
 * @VFIOPOLICY_VIABILITY_BLOCKED: A member has such a driver; the group is
 *   viable once it is gone.
 * @VFIOPOLICY_VIABILITY_NEVER: A member that is never claimed has such a
 *   driver.
 */
enum vfiopolicy_viability {
	VFIOPOLICY_VIABILITY_VIABLE,
	VFIOPOLICY_VIABILITY_BLOCKED,
	VFIOPOLICY_VIABILITY_NEVER,
};

enum {
	VFIOPOLICY_A_INFO_VERSION = 1,
	VFIOPOLICY_A_INFO_ABI,
	VFIOPOLICY_A_INFO_RULES_MAX,
	VFIOPOLICY_A_INFO_RULE_LEN_MAX,
	VFIOPOLICY_A_INFO_RULES,
	VFIOPOLICY_A_INFO_RULES_BAD,
	VFIOPOLICY_A_INFO_DEVICES,
	VFIOPOLICY_A_INFO_DISABLED,
	VFIOPOLICY_A_INFO_PCI_FUNCTIONS,
	VFIOPOLICY_A_INFO_IOMMU_FUNCTIONS,
	VFIOPOLICY_A_INFO_EVENTS,

	__VFIOPOLICY_A_INFO_MAX,
	VFIOPOLICY_A_INFO_MAX = (__VFIOPOLICY_A_INFO_MAX - 1)
};

enum {
	VFIOPOLICY_A_RULE_ID = 1,
	VFIOPOLICY_A_RULE_ORIGIN,
	VFIOPOLICY_A_RULE_TEXT,
	VFIOPOLICY_A_RULE_EXISTED,
	VFIOPOLICY_A_RULE_SEQ,
	VFIOPOLICY_A_RULE_TIME,
	VFIOPOLICY_A_RULE_PAD,
	VFIOPOLICY_A_RULE_TEXTS,
	VFIOPOLICY_A_RULE_COUNT,
	VFIOPOLICY_A_RULE_CHANGED,
	VFIOPOLICY_A_RULE_CAUSE,
	VFIOPOLICY_A_RULE_TAKE_OVER,

	__VFIOPOLICY_A_RULE_MAX,
	VFIOPOLICY_A_RULE_MAX = (__VFIOPOLICY_A_RULE_MAX - 1)
};

enum {
	VFIOPOLICY_A_DEV_ADDRESS = 1,
	VFIOPOLICY_A_DEV_GENERATION,
	VFIOPOLICY_A_DEV_VENDOR,
	VFIOPOLICY_A_DEV_DEVICE,
	VFIOPOLICY_A_DEV_SUBVENDOR,
	VFIOPOLICY_A_DEV_SUBDEVICE,
	VFIOPOLICY_A_DEV_CLASS,
	VFIOPOLICY_A_DEV_DRIVER,
	VFIOPOLICY_A_DEV_GROUP,
	VFIOPOLICY_A_DEV_PHYSFN,
	VFIOPOLICY_A_DEV_STATE,
	VFIOPOLICY_A_DEV_REASON,
	VFIOPOLICY_A_DEV_RULE,
	VFIOPOLICY_A_DEV_RULE_TEXT,
	VFIOPOLICY_A_DEV_TARGET,
	VFIOPOLICY_A_DEV_ADOPTED,
	VFIOPOLICY_A_DEV_IN_USE,
	VFIOPOLICY_A_DEV_OLD_STATE,
	VFIOPOLICY_A_DEV_SEQ,
	VFIOPOLICY_A_DEV_TIME,
	VFIOPOLICY_A_DEV_PAD,
	VFIOPOLICY_A_DEV_CAUSE,
	VFIOPOLICY_A_DEV_PENDING,
	VFIOPOLICY_A_DEV_FOUND,
	VFIOPOLICY_A_DEV_FRAMEBUFFER,

	__VFIOPOLICY_A_DEV_MAX,
	VFIOPOLICY_A_DEV_MAX = (__VFIOPOLICY_A_DEV_MAX - 1)
};

enum {
	VFIOPOLICY_A_GROUP_ID = 1,
	VFIOPOLICY_A_GROUP_VIABILITY,
	VFIOPOLICY_A_GROUP_DOMAIN,
	VFIOPOLICY_A_GROUP_ISOLATED_MSI,
	VFIOPOLICY_A_GROUP_MEMBER,

	__VFIOPOLICY_A_GROUP_MAX,
	VFIOPOLICY_A_GROUP_MAX = (__VFIOPOLICY_A_GROUP_MAX - 1)
};

enum {
	VFIOPOLICY_A_MEMBER_ADDRESS = 1,
	VFIOPOLICY_A_MEMBER_DRIVER,
	VFIOPOLICY_A_MEMBER_BLOCKS,
	VFIOPOLICY_A_MEMBER_NEVER,

	__VFIOPOLICY_A_MEMBER_MAX,
	VFIOPOLICY_A_MEMBER_MAX = (__VFIOPOLICY_A_MEMBER_MAX - 1)
};

enum {
	VFIOPOLICY_A_STATS_CLAIMS = 1,
	VFIOPOLICY_A_STATS_HAND_OFFS,
	VFIOPOLICY_A_STATS_RELEASES,
	VFIOPOLICY_A_STATS_TAKE_OVERS,
	VFIOPOLICY_A_STATS_LOST,
	VFIOPOLICY_A_STATS_VETOES,
	VFIOPOLICY_A_STATS_EVENTS,
	VFIOPOLICY_A_STATS_EVENTS_LOST,
	VFIOPOLICY_A_STATS_STUCK,
	VFIOPOLICY_A_STATS_PAD,

	__VFIOPOLICY_A_STATS_MAX,
	VFIOPOLICY_A_STATS_MAX = (__VFIOPOLICY_A_STATS_MAX - 1)
};

enum {
	VFIOPOLICY_A_STUCK_REASON = 1,
	VFIOPOLICY_A_STUCK_COUNT,
	VFIOPOLICY_A_STUCK_PAD,

	__VFIOPOLICY_A_STUCK_MAX,
	VFIOPOLICY_A_STUCK_MAX = (__VFIOPOLICY_A_STUCK_MAX - 1)
};

enum {
	VFIOPOLICY_CMD_INFO_GET = 1,
	VFIOPOLICY_CMD_RULE_ADD,
	VFIOPOLICY_CMD_RULE_DEL,
	VFIOPOLICY_CMD_RULE_GET,
	VFIOPOLICY_CMD_RULE_ADD_NTF,
	VFIOPOLICY_CMD_RULE_DEL_NTF,
	VFIOPOLICY_CMD_DEV_GET,
	VFIOPOLICY_CMD_DEV_NTF,
	VFIOPOLICY_CMD_RULE_REPLACE,
	VFIOPOLICY_CMD_DEV_CLAIM,
	VFIOPOLICY_CMD_DEV_RELEASE,
	VFIOPOLICY_CMD_GROUP_GET,
	VFIOPOLICY_CMD_STATS_GET,

	__VFIOPOLICY_CMD_MAX,
	VFIOPOLICY_CMD_MAX = (__VFIOPOLICY_CMD_MAX - 1)
};

#define VFIOPOLICY_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_VFIOPOLICY_H */
