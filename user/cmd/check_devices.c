// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices that rules name: what would be ahead of every module, and what
 * a guest could not use.
 */
#include <limits.h>
#include <unistd.h>

#include "check.h"
#include "output.h"

/* Resources of a device that are its BARs. */
#define BARS	6
/* IORESOURCE_MEM of linux/ioport.h, as sysfs shows it. */
#define RESOURCE_MEM	0x200

static bool take_first(const char *module, void *arg)
{
	snprintf(arg, VP_KERNEL_LEN, "%s", module);
	return true;
}

/* A driver that is built in has the device before a module can be loaded. */
static void check_builtin(struct vp_check *check, const struct vp_host_dev *dev)
{
	char path[PATH_MAX], modalias[256], module[VP_KERNEL_LEN] = "";
	char remedy[VP_CHECK_LEN];

	snprintf(path, sizeof(path), "/bus/pci/devices/%s/modalias",
		 dev->address);
	if (!vp_check_sys(check, path, modalias, sizeof(modalias)) ||
	    !vp_kernel_aliases(&check->kernels, check->kernels.running, true,
			       modalias, take_first, module))
		return;
	/* Then nobody is ahead. */
	if (vp_site_is_module(module, "vfio_pci"))
		return;
	snprintf(remedy, sizeof(remedy),
		 "echo 1 > /sys/bus/pci/devices/%s/remove; echo 1 > /sys/bus/pci/rescan, at each boot; or keep the driver from starting with initcall_blacklist=",
		 dev->address);
	vp_check_say(check, VP_CHECK_WARN, "built-in-driver", remedy,
		     "%s: its driver %s is built into this kernel and has it before any module is there",
		     dev->address, module);
}

static bool has_no_room(const char *line)
{
	unsigned long long start, end, flags;

	return sscanf(line, "%llx %llx %llx", &start, &end, &flags) == 3 &&
	       !start && end && (flags & RESOURCE_MEM);
}

/* What the firmware had no room for has a size and no place. */
static void check_bars(struct vp_check *check, const struct vp_host_dev *dev)
{
	struct vp_site sys = { .root = check->host.sysfs };
	char path[PATH_MAX], remedy[VP_CHECK_LEN];
	char *text, *line, *next;
	unsigned int bar;
	size_t len;

	snprintf(path, sizeof(path), "/bus/pci/devices/%s/resource",
		 dev->address);
	text = vp_site_load(&sys, path, VP_SITE_FILE_MAX, &len);
	for (line = text, bar = 0; line && bar < BARS; line = next, bar++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!has_no_room(line))
			continue;
		if (vp_check_word(check, "pci", "realloc"))
			snprintf(remedy, sizeof(remedy),
				 "turn on \"above 4G decoding\" (or \"64-bit MMIO\") in the set-up of the firmware");
		else
			vp_loader_add(&check->loader, "pci=realloc", remedy,
				      sizeof(remedy));
		vp_check_say(check, VP_CHECK_TODO, "unassigned-bar", remedy,
			     "%s: BAR %u has no room in the address space: guests cannot use the device",
			     dev->address, bar);
		break;
	}
	free(text);
}

/**
 * vp_check_devices() - look at the devices that rules name
 * @check: where findings go
 */
void vp_check_devices(struct vp_check *check)
{
	size_t i, count = 0;

	for (i = 0; i < check->host.count; i++) {
		if (!vp_check_rule(check, &check->host.devs[i]))
			continue;
		count++;
		check_builtin(check, &check->host.devs[i]);
		check_bars(check, &check->host.devs[i]);
	}
	if (!count)
		vp_check_say(check, VP_CHECK_WARN, "rules",
			     "vfiopolicy add, or vfiopolicy import",
			     "no device that is present is named by a rule of the files");
}
