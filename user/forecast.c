// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module would do with a device: the decisions of claim.c and with.c
 * of the module once more, on what sysfs shows and with rules that may be none
 * of the module's yet. What only trying can tell, such as whether a driver takes
 * the device, is taken to go well.
 */
#include "device.h"
#include "forecast.h"
#include "peek.h"

/* What the module is called as a driver. */
#define STUB	"vfiopolicy"
#define TARGET	"vfio-pci"

/**
 * vp_forecast_never() - why a device of this kind is never claimed
 * @host: the host
 * @dev: the device
 *
 * Return: %VFIOPOLICY_REASON_BRIDGE, %VFIOPOLICY_REASON_BOOT_VGA, or
 * %VFIOPOLICY_REASON_NONE.
 */
u32 vp_forecast_never(const struct vp_host *host,
		      const struct vp_host_dev *dev)
{
	char text[8] = "";

	if (dev->bridge)
		return VFIOPOLICY_REASON_BRIDGE;
	if (host->devices_dir)
		vp_peek_text(text, sizeof(text), "%s/%s/boot_vga",
			     host->devices_dir, dev->address);
	return !strcmp(text, "1") ? VFIOPOLICY_REASON_BOOT_VGA :
				    VFIOPOLICY_REASON_NONE;
}

static bool is_held_with(const struct vp_host *host, const struct vp_entry *entry,
			 const struct vp_host_dev *anchor,
			 const struct vp_host_dev *dev)
{
	const struct vp_facts *a = &anchor->facts, *b = &dev->facts;

	if (vp_forecast_never(host, anchor))
		return false;
	switch (entry->rule.with) {
	case VP_WITH_SLOT:
		/* By its number alone a VF is in some slot too, not by nature. */
		return !a->vf && !b->vf && a->domain == b->domain &&
		       a->bus == b->bus && a->devfn >> 3 == b->devfn >> 3;
	case VP_WITH_GROUP:
		return anchor->group >= 0 && anchor->group == dev->group;
	default:
		return false;
	}
}

/**
 * vp_forecast_with() - the rule that has the say over a device, and by which other
 * @host: the host
 * @table: the rules
 * @dev: the device
 * @fit: set to how it fits; %VP_FIT_WITH when it only names another, with which
 *       this one is to be held
 * @anchor: set to that other one; NULL when the rule names this one
 *
 * Return: its entry, part of @table; or NULL.
 */
const struct vp_entry *vp_forecast_with(const struct vp_host *host,
					const struct vp_table *table,
					const struct vp_host_dev *dev,
					enum vp_fit *fit,
					const struct vp_host_dev **anchor)
{
	const struct vp_entry *entry;
	size_t i;

	*anchor = NULL;
	entry = vp_policy_match(table, &dev->facts, fit);
	if (entry || !table->with || vp_forecast_never(host, dev))
		return entry;
	for (i = 0; i < host->count; i++) {
		if (&host->devs[i] == dev)
			continue;
		entry = vp_policy_match(table, &host->devs[i].facts, fit);
		if (entry && *fit == VP_FIT_MATCH &&
		    entry->rule.action != VP_LEAVE &&
		    is_held_with(host, entry, &host->devs[i], dev)) {
			*fit = VP_FIT_WITH;
			*anchor = &host->devs[i];
			return entry;
		}
	}
	*fit = VP_FIT_NONE;
	return NULL;
}

/**
 * vp_forecast_entry() - the rule that has the say over a device
 * @host: the host
 * @table: the rules
 * @dev: the device
 * @fit: set to how it fits, as by vp_forecast_with()
 *
 * Return: its entry, part of @table; or NULL.
 */
const struct vp_entry *vp_forecast_entry(const struct vp_host *host,
					 const struct vp_table *table,
					 const struct vp_host_dev *dev,
					 enum vp_fit *fit)
{
	const struct vp_host_dev *anchor;

	return vp_forecast_with(host, table, dev, fit, &anchor);
}

/**
 * vp_forecast_override() - is there a driver override that somebody else wrote
 * @host: the host
 * @dev: the device
 * @target: the driver that its rule names, whose name is not foreign
 * @buf: set to what it says, when there is one
 * @size: room in @buf
 *
 * Return: true when there is.
 */
bool vp_forecast_override(const struct vp_host *host,
			  const struct vp_host_dev *dev, const char *target,
			  char *buf, size_t size)
{
	buf[0] = '\0';
	if (!host->devices_dir)
		return false;
	vp_peek_text(buf, size, "%s/%s/driver_override", host->devices_dir,
		     dev->address);
	return buf[0] && strcmp(buf, "(null)") != 0 && strcmp(buf, STUB) != 0 &&
	       strcmp(buf, TARGET) != 0 && strcmp(buf, target) != 0;
}

static bool is_overridden(const struct vp_host *host,
			  const struct vp_host_dev *dev, const char *target)
{
	char text[VP_HOST_LEN];

	return vp_forecast_override(host, dev, target, text, sizeof(text));
}

static bool has_vfs(const struct vp_host *host, const struct vp_host_dev *pf)
{
	size_t i;

	for (i = 0; i < host->count; i++)
		if (host->devs[i].facts.vf &&
		    !strcmp(host->devs[i].physfn, pf->address))
			return true;
	return false;
}

/* Why the device stays where it is; 0 when it does not. */
static u32 stays(const struct vp_host *host, const struct vp_host_dev *dev,
		 const struct vp_nl_dev *now, const char *target,
		 enum vp_when when)
{
	const struct vp_host_dev *pf = dev->facts.vf ?
				       vp_host_find(host, dev->physfn) : NULL;
	bool ours = now && (now->state == VFIOPOLICY_STATE_HELD ||
			    now->state == VFIOPOLICY_STATE_HANDING_OFF ||
			    now->state == VFIOPOLICY_STATE_ISOLATED);
	u32 never = vp_forecast_never(host, dev);

	if (pf && vp_device_is_vfio_driver(pf->driver))
		return VFIOPOLICY_REASON_VFIO_PF;
	if (never)
		return never;
	if (when == VP_WHEN_BOOT || ours)
		return VFIOPOLICY_REASON_NONE;
	if (dev->driver[0] && strcmp(dev->driver, STUB) != 0 &&
	    strcmp(dev->driver, target) != 0 &&
	    (when == VP_WHEN_NOW || has_vfs(host, dev)))
		return when == VP_WHEN_NOW ? VFIOPOLICY_REASON_NATIVE_DRIVER :
					     VFIOPOLICY_REASON_VFS_ENABLED;
	return is_overridden(host, dev, target) ?
	       VFIOPOLICY_REASON_FOREIGN_OVERRIDE : VFIOPOLICY_REASON_NONE;
}

static void want(const struct vp_entry *entry, enum vp_fit fit,
		 const struct vp_host_dev *dev, struct vp_nl_dev *then)
{
	const char *driver = entry->rule.driver;

	then->rule = entry->id;
	snprintf(then->rule_text, sizeof(then->rule_text), "%s", entry->text);
	if (entry->rule.action != VP_VFIO || fit == VP_FIT_WITH)
		return;
	/* Which one is the best is for the module to find out. */
	if (!strcmp(driver, "best"))
		driver = vp_device_is_vfio_driver(dev->driver) ?
			 dev->driver : "the best vfio driver";
	snprintf(then->target, sizeof(then->target), "%.31s",
		 driver[0] ? driver : TARGET);
}

/**
 * vp_forecast() - what would become of a device
 * @host: the host
 * @table: the rules
 * @dev: the device
 * @now: as the module has it; NULL when it has no record of it
 * @when: of which time
 * @then: set to the device as the module would have it once all is at rest: its
 *        state is %VFIOPOLICY_STATE_GONE where there would be no record of it
 */
void vp_forecast(const struct vp_host *host, const struct vp_table *table,
		 const struct vp_host_dev *dev, const struct vp_nl_dev *now,
		 enum vp_when when, struct vp_nl_dev *then)
{
	const struct vp_entry *entry;
	enum vp_fit fit;

	memset(then, 0, sizeof(*then));
	memcpy(then->address, dev->address, sizeof(then->address));
	memcpy(then->physfn, dev->physfn, sizeof(then->physfn));
	memcpy(then->driver, dev->driver, sizeof(then->driver));
	then->facts = dev->facts;
	then->group = dev->group;
	then->state = VFIOPOLICY_STATE_GONE;
	entry = vp_forecast_entry(host, table, dev, &fit);
	if (!entry || entry->rule.action == VP_LEAVE)
		return;

	want(entry, fit, dev, then);
	then->state = VFIOPOLICY_STATE_NATIVE;
	if (when != VP_WHEN_BOOT && now && now->state == VFIOPOLICY_STATE_RELEASED) {
		then->state = VFIOPOLICY_STATE_RELEASED;
		return;
	}
	if (fit == VP_FIT_CHANGED && !entry->rule.changed_hold) {
		then->reason = VFIOPOLICY_REASON_CHANGED;
		return;
	}
	then->reason = stays(host, dev, now,
			     fit == VP_FIT_MATCH ? then->target : "", when);
	if (then->reason)
		return;
	then->state = VFIOPOLICY_STATE_HELD;
	snprintf(then->driver, sizeof(then->driver), "%s", STUB);
	if (fit != VP_FIT_MATCH)
		then->reason = fit == VP_FIT_WITH ? VFIOPOLICY_REASON_WITH :
						    VFIOPOLICY_REASON_CHANGED;
	if (fit != VP_FIT_MATCH || !then->target[0])
		return;
	if (dev->group < 0) {
		then->reason = VFIOPOLICY_REASON_NO_IOMMU_GROUP;
		return;
	}
	then->state = VFIOPOLICY_STATE_ISOLATED;
	memcpy(then->driver, then->target, sizeof(then->driver));
}

/**
 * vp_forecast_takes() - would the host no longer have the device
 * @then: what vp_forecast() says of it
 *
 * Return: true when it would be held or isolated.
 */
bool vp_forecast_takes(const struct vp_nl_dev *then)
{
	return then->state == VFIOPOLICY_STATE_HELD ||
	       then->state == VFIOPOLICY_STATE_ISOLATED;
}
