// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules, and the devices that they name: whether the next boot knows them,
 * what would be ahead of every module, and what a guest could not use.
 */
#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include <sys/stat.h>

#include "boot.h"
#include "check.h"
#include "output.h"

/* Where a unit that is enabled has a link, in the folder of a target. */
#define UNITS	"/etc/systemd/system"
#define WANTS	".wants"
#define UNIT	"vfiopolicy.service"
/* Resources of a device that are its BARs. */
#define BARS	6
/* IORESOURCE_MEM of linux/ioport.h, as sysfs shows it. */
#define RESOURCE_MEM	0x200

/* Somebody's own unit, which says apply at each boot. */
static bool has_unit(const struct vp_site *site)
{
	char *path = vp_site_path(site, UNITS), link[PATH_MAX];
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;
	bool found = false;
	struct stat st;
	size_t len;

	while (dir && !found && (entry = readdir(dir))) {
		len = strlen(entry->d_name);
		if (len < strlen(WANTS) ||
		    strcmp(entry->d_name + len - strlen(WANTS), WANTS) != 0)
			continue;
		snprintf(link, sizeof(link), "%s/%s/" UNIT, path, entry->d_name);
		/* Below another root it points to nowhere. */
		found = !lstat(link, &st);
	}
	if (dir)
		closedir(dir);
	free(path);
	return found;
}

/* What it was built without, whatever its record says. */
static void check_image(struct vp_check *check, const struct vp_boot_image *image,
			bool rules)
{
	char remedy[VP_CHECK_LEN];
	struct vp_image_content content;

	if (vp_image_look(image->path, &content))
		return;
	if (content.module && content.early && (content.policy || !rules)) {
		vp_check_say(check, VP_CHECK_OK, "image", NULL,
			     "boot image: %s has %s", image->path,
			     rules ? "the module and the rules" : "the module");
		return;
	}
	snprintf(remedy, sizeof(remedy), "%s%s",
		 content.module ? "" : "dkms autoinstall, then ",
		 check->loader.image[0] ? check->loader.image :
		 "build the boot image anew");
	vp_check_say(check, VP_CHECK_TODO, "image", remedy,
		     "boot image: %s is without %s: booted with it, devices are not kept as they should be",
		     image->path,
		     !content.module ? "the module" :
		     !content.early ? "what loads the module" : "the rules");
}

/**
 * vp_check_boot() - look whether the next boot knows the rules
 * @check: where findings go
 */
void vp_check_boot(struct vp_check *check)
{
	struct vp_boot boot;
	size_t i;

	vp_boot_look(&check->rules, &boot);
	if (!boot.hash[0] && !boot.compiled[0] && !boot.count)
		return;
	for (i = 0; i < boot.count && boot.hash[0]; i++)
		check_image(check, &boot.images[i], boot.compiled[0]);
	if (boot.unhooked[0])
		vp_check_say(check, VP_CHECK_TODO, "image-hook", boot.remedy,
			     "boot: images have nothing of vfiopolicy, as %s does not name it: drivers that they load come before the rules",
			     boot.unhooked);
	if (boot.unhooked[0] && (vp_boot_is_current(&boot) || has_unit(&check->site)))
		return;
	if (vp_boot_is_current(&boot))
		vp_check_say(check, VP_CHECK_OK, "boot", NULL,
			     "boot: the next one knows the rules");
	else if (has_unit(&check->site))
		vp_check_say(check, VP_CHECK_OK, "boot", NULL,
			     "boot: " UNIT " brings the rules into force");
	else if (strcmp(boot.hash, boot.compiled) != 0)
		vp_check_say(check, VP_CHECK_TODO, "boot", "vfiopolicy apply",
			     "boot: the next one does not know what the rule files say");
	else
		vp_check_say(check, VP_CHECK_TODO, "boot", "vfiopolicy apply",
			     "boot: not all boot images know what the rule files say");
}

static bool take_first(const char *module, void *arg)
{
	snprintf(arg, VP_KERNEL_LEN, "%s", module);
	return true;
}

/*
 * A driver that is built in has the device before a module can be loaded, unless
 * the rule has the boot image take it from that.
 */
static void check_builtin(struct vp_check *check, const struct vp_host_dev *dev,
			  const struct vp_rules_entry *entry)
{
	char path[PATH_MAX], modalias[256], module[VP_KERNEL_LEN] = "";

	snprintf(path, sizeof(path), "/bus/pci/devices/%s/modalias",
		 dev->address);
	if (!vp_check_sys(check, path, modalias, sizeof(modalias)) ||
	    !vp_kernel_aliases(&check->kernels, check->kernels.running, true,
			       modalias, take_first, module))
		return;
	/* Then nobody is ahead. */
	if (vp_site_is_module(module, "vfio_pci") || entry->rule->takeover_boot)
		return;
	vp_check_say(check, VP_CHECK_WARN, "built-in-driver",
		     "takeover=boot in its rule has the boot image take it from that",
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

/* Where no device has a group, that was said of the IOMMU. */
static void check_group(struct vp_check *check, const struct vp_host_dev *dev,
			const struct vp_rules_entry *entry)
{
	size_t i;

	if (dev->group >= 0 || entry->rule->action != VP_VFIO)
		return;
	for (i = 0; i < check->host.count; i++)
		if (check->host.devs[i].group >= 0)
			break;
	if (i < check->host.count)
		vp_check_say(check, VP_CHECK_TODO, "no-iommu-group",
			     "another slot may be covered; if it is to be kept from the host only, let its rule say hold",
			     "%s: has no IOMMU group, as the IOMMU does not cover it: no guest can be given it",
			     dev->address);
}

/**
 * vp_check_devices() - look at the devices that rules name
 * @check: where findings go
 */
void vp_check_devices(struct vp_check *check)
{
	const struct vp_rules_entry *entry;
	size_t i, count = 0;

	for (i = 0; i < check->host.count; i++) {
		entry = vp_check_rule(check, &check->host.devs[i]);
		if (!entry)
			continue;
		count++;
		check_builtin(check, &check->host.devs[i], entry);
		check_bars(check, &check->host.devs[i]);
		check_group(check, &check->host.devs[i], entry);
	}
	if (!count)
		vp_check_say(check, VP_CHECK_WARN, "rules",
			     "vfiopolicy add, or vfiopolicy import",
			     "no device that is present is named by a rule of the files");
}
