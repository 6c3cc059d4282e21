// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving a device back when the module does not do it: it may have been unloaded,
 * which leaves overrides in place, or never have been built for this kernel, and a
 * fallback wrote them. One that is loaded again knows nothing of what no rule names
 * any more. The order matters: as long as the override stands, no driver of the
 * host's would take the device.
 */
#include <json.h>

#include "device.h"
#include "forecast.h"
#include "output.h"
#include "release.h"
#include "rules.h"
#include "safety.h"
#include "sysfs.h"

/* What an override that keeps a device away names; the kernel writes (null). */
static bool keeps_away(const char *override)
{
	return strstr(override, "vfio") || !strcmp(override, "pci-stub") ||
	       !strcmp(override, "xen-pciback");
}

static bool is_none(const char *override)
{
	return !override[0] || !strcmp(override, "(null)");
}

/* Is this a driver that keeps a device for guests, or for nobody? */
static bool is_keeper(const struct vp_host *host, const char *address,
		      const char *driver)
{
	return vp_device_is_vfio(host, address, driver) ||
	       !strcmp(driver, "vfiopolicy") || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "xen-pciback") || !strcmp(driver, "pciback");
}

/**
 * vp_release_is_kept() - does an override keep a device from the host's drivers
 * @host: the host
 * @dev: the device
 * @driver: set to the driver that has it now; %VP_HOST_LEN bytes
 *
 * As one of ours does, which is left when the module goes. What a guest's driver has
 * by its ids, or another one by an override of his, is not ours to give back.
 *
 * Return: true when it does, and no driver of the host's has the device all the same.
 */
bool vp_release_is_kept(const struct vp_host *host,
			const struct vp_host_dev *dev, char *driver)
{
	char override[VP_SYSFS_LEN];

	vp_host_driver(host, dev->address, driver);
	if (!host->sysfs ||
	    vp_sysfs_read_dev(host, dev->address, "driver_override", override))
		return false;
	return (strstr(override, "vfio") || !strcmp(override, "pci-stub")) &&
	       (!driver[0] || is_keeper(host, dev->address, driver));
}

/* With the same keys as where the module does it. */
static void print_json(const struct vp_host *host, const struct vp_host_dev *dev,
		       const char *driver, bool module, bool changed, bool dry_run)
{
	struct json_object *obj = vp_out_json(), *json;
	bool kept = driver[0] && is_keeper(host, dev->address, driver);

	vp_out_json_bool(obj, "changed", changed);
	vp_out_json_bool(obj, "dry_run", dry_run);
	vp_out_json_bool(obj, "pending", changed && dry_run);
	vp_out_json_string(obj, "verdict",
			   vp_verdict_name(changed && dry_run ? VP_VERDICT_PENDING :
					   kept ? VP_VERDICT_NOT_MET :
						  VP_VERDICT_MET));
	vp_out_json_bool(obj, "module", module);
	json = vp_out_json_here(host, dev);
	vp_out_json_string(json, "driver", driver);
	vp_out_json_string(json, "driver_before", dev->driver);
	json_object_object_add(obj, "device", json);
	vp_out_json_print(obj);
}

static int fail(const struct vp_host_dev *dev, const char *file, int ret)
{
	vp_out_error("%s: %s: %s", dev->address, file, strerror(-ret));
	if (ret == -EACCES || ret == -EPERM)
		vp_out_error_more("This takes root.");
	return VP_EXIT_KERNEL;
}

static int refuse_user(const struct vp_host_dev *dev,
		       const struct vp_user *user)
{
	char who[VP_USE_LEN];

	vp_safety_print_user(user, who, sizeof(who));
	vp_out_error("%s is in use by %s", dev->address, who);
	vp_out_error_more("Nothing was changed. Shut that down, or detach the device from it, first.");
	return VP_EXIT_KERNEL;
}

/* Override, driver, and a new look of the bus. Return: an exit status. */
static int give_back(const struct vp_host *host, const struct vp_host_dev *dev)
{
	char driver[VP_HOST_LEN];
	int ret;

	ret = vp_sysfs_write_dev(host, dev->address, "driver_override", "\n");
	if (ret)
		return fail(dev, "driver_override", ret);
	/* Somebody may have given it to a driver of the host's by now. */
	vp_host_driver(host, dev->address, driver);
	if (driver[0] && is_keeper(host, dev->address, driver)) {
		ret = vp_sysfs_write_dev(host, dev->address, "driver/unbind",
					 dev->address);
		/* It may have left by itself. */
		if (ret && ret != -ENODEV)
			return fail(dev, "driver/unbind", ret);
	}
	ret = vp_sysfs_write(host, "bus/pci/drivers_probe", dev->address);
	/* A driver that would not have it is no failure of this. */
	if (ret == -EACCES || ret == -EPERM || ret == -ENOENT)
		return fail(dev, "drivers_probe", ret);
	return VP_EXIT_DONE;
}

/* What is saved may have it back, and the user should know. */
static void say_again(const struct vp_host *host, const struct vp_host_dev *dev)
{
	const struct vp_entry *entry = NULL;
	struct vp_table *table = NULL;
	struct vp_rules_error error;
	struct vp_rules rules;
	enum vp_fit fit;

	if (!vp_rules_read(&rules, &error) && !vp_table_of_files(&rules, &table))
		entry = vp_forecast_entry(host, table, dev, &fit);
	if (entry && entry->rule.action != VP_LEAVE)
		vp_out_say("a rule that is saved claims it again when the module is loaded: %s",
			   entry->text);
	else if (!entry && table && table->dsn)
		vp_out_say("rules that are saved, which ask for serial numbers, may claim it again when the module is loaded");
	vp_policy_free(table);
	vp_rules_free(&rules);
}

/**
 * vp_release_by_sysfs() - give a device back without the module's help
 * @host: the host
 * @dev: the device
 * @args: the command line
 * @module: it is there, and has no record of the device
 *
 * Return: an &enum vp_exit, after having said what was done or why not.
 */
int vp_release_by_sysfs(const struct vp_host *host,
			const struct vp_host_dev *dev,
			const struct vp_args *args, bool module)
{
	char override[VP_SYSFS_LEN], driver[VP_HOST_LEN];
	struct vp_safety safety;
	struct vp_user user;
	bool kept, open, json = args->given & VP_OPT_JSON;
	bool dry_run = args->given & VP_OPT_DRY_RUN;
	int ret;

	vp_sysfs_read_dev(host, dev->address, "driver_override", override);
	kept = is_keeper(host, dev->address, dev->driver);
	vp_out_note(module ? "no rule wants it away from the host: this goes by sysfs" :
		    "the module is not loaded: this goes by sysfs");
	if (!kept && (is_none(override) || !keeps_away(override))) {
		vp_out_say("%s: with the host already (%s)", dev->address,
			   vp_verdict_driver(dev->driver));
		if (json)
			print_json(host, dev, dev->driver, module, false,
				   dry_run);
		return VP_EXIT_DONE;
	}
	/* Without the mounts one can still be asked who has what open. */
	vp_safety_open(&safety, host, NULL);
	open = kept && vp_safety_vfio_user(&safety, dev->address, &user);
	ret = safety.failed;
	vp_safety_close(&safety);
	if (open)
		return refuse_user(dev, &user);
	if (ret) {
		vp_out_error("%s: who has it open cannot be told: %s",
			     dev->address, strerror(-ret));
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_KERNEL;
	}
	if (dry_run) {
		vp_out_say("%s: %s -> the host; its override is %s", dev->address,
			   vp_verdict_driver(dev->driver),
			   is_none(override) ? "none" : override);
		vp_out_say("Nothing was changed: this was a dry run.");
		if (json)
			print_json(host, dev, dev->driver, module, true, true);
		return VP_EXIT_WOULD_CHANGE;
	}
	ret = give_back(host, dev);
	if (ret)
		return ret;
	vp_host_driver(host, dev->address, driver);
	vp_out_say("%s: %s -> %s; its override is cleared", dev->address,
		   vp_verdict_driver(dev->driver), vp_verdict_driver(driver));
	if (!module)
		say_again(host, dev);
	if (json)
		print_json(host, dev, driver, module, true, false);
	return driver[0] && is_keeper(host, dev->address, driver) ?
	       VP_EXIT_NOT_MET : VP_EXIT_DONE;
}
