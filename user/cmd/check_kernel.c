// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernels: what they were built with, whether each that is installed has
 * our module, and whether it would be let in.
 */
#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "check.h"

#define OURS	"vfiopolicy"
#define DKMS	"/var/lib/dkms/" OURS
#define SECURE_BOOT \
	"/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
/* The first kernel that it builds for. */
#define OLDEST_MAJOR	6
#define OLDEST_MINOR	1
/* Room for the names of options or kernels in one line. */
#define NAMES_LEN	512

static void append(char *list, size_t size, const char *name)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len ? ", " : "", name);
}

static void check_options(struct vp_check *check)
{
	/* One of those in a line is enough. */
	static const char *const wanted[][4] = {
		{ "CONFIG_IOMMU_SUPPORT" },
		{ "CONFIG_VFIO" },
		{ "CONFIG_VFIO_PCI" },
		{ "CONFIG_VFIO_IOMMU_TYPE1", "CONFIG_IOMMUFD" },
		{ "CONFIG_INTEL_IOMMU", "CONFIG_AMD_IOMMU", "CONFIG_ARM_SMMU_V3",
		  "CONFIG_VIRTIO_IOMMU" },
	};
	char missing[NAMES_LEN] = "", names[NAMES_LEN / 2];
	bool found;
	size_t i, j;

	if (!check->config) {
		vp_check_say(check, VP_CHECK_WARN, "kernel-options",
			     "modprobe configs, if this kernel has that module",
			     "kernel options: not known; there is no /boot/config-%s and no /proc/config.gz",
			     check->kernels.running);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		found = false;
		names[0] = '\0';
		for (j = 0; j < ARRAY_SIZE(wanted[i]) && wanted[i][j]; j++) {
			found |= vp_kernel_option(check->config,
						  wanted[i][j]) != 'n';
			snprintf(names + strlen(names),
				 sizeof(names) - strlen(names), "%s%s",
				 j ? " or " : "", wanted[i][j]);
		}
		if (!found)
			append(missing, sizeof(missing), names);
	}
	if (missing[0])
		vp_check_say(check, VP_CHECK_TODO, "kernel-options",
			     "start a kernel that has them",
			     "kernel options: %s was built without %s",
			     check->kernels.running, missing);
	else
		vp_check_say(check, VP_CHECK_OK, "kernel-options", NULL,
			     "kernel options: VFIO, VFIO_PCI and IOMMU are there");
}

static void check_vfio(struct vp_check *check)
{
	const char *running = check->kernels.running;
	char path[PATH_MAX], remedy[VP_CHECK_LEN];

	switch (vp_kernel_module(&check->kernels, running, "vfio_pci", path,
				 sizeof(path))) {
	case VP_KERNEL_MODULE:
	case VP_KERNEL_BUILTIN:
		vp_check_say(check, VP_CHECK_OK, "vfio-pci", NULL,
			     "vfio-pci: there for %s", running);
		break;
	case VP_KERNEL_UNKNOWN:
		snprintf(remedy, sizeof(remedy),
			 "if it was updated, restart; else depmod %s", running);
		vp_check_say(check, VP_CHECK_TODO, "vfio-pci", remedy,
			     "the kernel that is running, %s, has no list of modules",
			     running);
		break;
	default:
		snprintf(remedy, sizeof(remedy),
			 "install the package with the rest of its modules, such as linux-modules-extra-%s or kernel-modules-%s",
			 running, running);
		vp_check_say(check, VP_CHECK_TODO, "vfio-pci", remedy,
			     "vfio-pci: not there for %s", running);
		break;
	}
}

/* What somebody wrote down for an older kernel can stop a boot image. */
static void check_lists(struct vp_check *check)
{
	const struct vp_site_entry *entry;
	char path[PATH_MAX], remedy[VP_CHECK_LEN];
	size_t i;

	for (i = 0; i < check->site.count; i++) {
		entry = &check->site.entries[i];
		if (entry->kind != VP_SITE_LOAD ||
		    strncmp(entry->key, "vfio", 4) != 0 ||
		    !strcmp(entry->key, OURS) ||
		    vp_kernel_module(&check->kernels, check->kernels.running,
				     entry->key, path, sizeof(path)) !=
		    VP_KERNEL_NO)
			continue;
		snprintf(remedy, sizeof(remedy), "remove it there, then %s",
			 check->loader.image[0] ? check->loader.image :
			 "build the boot image anew");
		vp_check_say(check, VP_CHECK_TODO, "module-list", remedy,
			     "%s, line %u, wants the module %s, which %s has not: a boot image can hang on that",
			     entry->path, entry->line, entry->key,
			     check->kernels.running);
	}
}

/**
 * vp_check_kernel() - look at the kernel that is running
 * @check: where findings go
 */
void vp_check_kernel(struct vp_check *check)
{
	check_options(check);
	check_vfio(check);
	check_lists(check);
}

static bool is_too_old(const char *release)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major < OLDEST_MAJOR ||
	       (major == OLDEST_MAJOR && minor < OLDEST_MINOR);
}

/* The log of a build that is under way or went wrong. */
static bool find_log(const struct vp_check *check, char *log, size_t size)
{
	char *path = vp_site_path(&check->site, DKMS);
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;
	bool found = false;

	free(path);
	while (dir && !found && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(log, size, DKMS "/%s/build/make.log", entry->d_name);
		found = vp_site_has(&check->site, log);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void say_missing(struct vp_check *check, const char *release)
{
	char remedy[VP_CHECK_LEN], headers[PATH_MAX], log[PATH_MAX];
	int n = 0;

	if (!vp_site_has(&check->site, DKMS)) {
		snprintf(remedy, sizeof(remedy),
			 "make dkms-install, in the sources of vfiopolicy");
	} else {
		snprintf(headers, sizeof(headers), "%s/%s/build",
			 check->kernels.dir, release);
		if (!vp_site_has(&check->site, headers))
			n = scnprintf(remedy, sizeof(remedy),
				      "install its headers (linux-headers-%s, kernel-devel-%s), then ",
				      release, release);
		n += scnprintf(remedy + n, sizeof(remedy) - (size_t)n,
			       "dkms autoinstall -k %s", release);
		if (find_log(check, log, sizeof(log)))
			scnprintf(remedy + n, sizeof(remedy) - (size_t)n,
				  "; the last build that failed: %s", log);
	}
	vp_check_say(check, VP_CHECK_TODO, "module", remedy,
		     "module for kernel %s%s is not built", release,
		     strcmp(release, check->kernels.running) != 0 ? "" :
		     ", which is running,");
}

/* Return: the kernel has it. */
static bool check_module(struct vp_check *check, const char *release)
{
	char path[PATH_MAX], remedy[VP_CHECK_LEN];

	switch (vp_kernel_module(&check->kernels, release, OURS, path,
				 sizeof(path))) {
	case VP_KERNEL_MODULE:
	case VP_KERNEL_BUILTIN:
		return true;
	case VP_KERNEL_UNLISTED:
		snprintf(remedy, sizeof(remedy), "depmod %s", release);
		vp_check_say(check, VP_CHECK_TODO, "module", remedy,
			     "module for kernel %s is there, and modprobe does not know of it",
			     release);
		return false;
	default:
		if (is_too_old(release))
			vp_check_say(check, VP_CHECK_WARN, "module", NULL,
				     "kernel %s is too old for the module, which takes %u.%u: when it is booted no rule holds",
				     release, OLDEST_MAJOR, OLDEST_MINOR);
		else
			say_missing(check, release);
		return false;
	}
}

static bool is_loaded(const struct vp_check *check)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/module/" OURS, check->host.sysfs);
	return !access(path, F_OK);
}

/* Why a module needs a signature; NULL when it needs none. */
static const char *why_signed(const struct vp_check *check)
{
	char *text, line[128];
	struct vp_site sys = { .root = check->host.sysfs };
	bool on;
	size_t len;

	text = vp_site_load(&sys, SECURE_BOOT, 64, &len);
	/* Four bytes of attributes, then the value. */
	on = text && len > 4 && text[4] == 1;
	free(text);
	if (on)
		return "Secure Boot: on";
	if (vp_check_sys(check, "/module/module/parameters/sig_enforce", line,
			 sizeof(line)) && line[0] == 'Y')
		return "module.sig_enforce: on";
	if (vp_check_sys(check, "/kernel/security/lockdown", line,
			 sizeof(line)) && strchr(line, '[') &&
	    !strstr(line, "[none]"))
		return "kernel lockdown: on";
	return NULL;
}

static void check_signature(struct vp_check *check, const char *why,
			    const char *release)
{
	bool running = !strcmp(release, check->kernels.running);
	char path[PATH_MAX], signer[256];

	if (vp_kernel_module(&check->kernels, release, OURS, path,
			     sizeof(path)) != VP_KERNEL_MODULE)
		return;
	if (!vp_kernel_signer(&check->kernels, path, signer, sizeof(signer)))
		vp_check_say(check, VP_CHECK_WARN, "signature", NULL,
			     "%s, and the module for %s cannot be read: whether it is signed is not known",
			     why, release);
	else if (!signer[0])
		vp_check_say(check, VP_CHECK_TODO, "signature",
			     "have DKMS sign it (it does once it has a key), and tell the firmware of the key: mokutil --import /var/lib/dkms/mok.pub, then restart",
			     "%s, and the module for %s is not signed: the kernel refuses it",
			     why, release);
	else if (running && is_loaded(check))
		vp_check_say(check, VP_CHECK_OK, "signature", NULL,
			     "%s; the module is signed by %s, and the kernel took it",
			     why, signer);
	else
		vp_check_say(check, VP_CHECK_WARN, "signature",
			     "mokutil --test-key /var/lib/dkms/mok.pub says so; if not: mokutil --import /var/lib/dkms/mok.pub, then restart",
			     "%s; the module for %s is signed by %s; whether the firmware knows that key is not known here",
			     why, release, signer);
}

static void check_signatures(struct vp_check *check)
{
	const char *why = why_signed(check);
	size_t i;

	if (!why) {
		vp_check_say(check, VP_CHECK_OK, "signature", NULL,
			     "Secure Boot: off; modules need no signature");
		return;
	}
	for (i = 0; i < check->kernels.count; i++)
		check_signature(check, why, check->kernels.names[i]);
}

/**
 * vp_check_modules() - look for our module
 * @check: where findings go
 */
void vp_check_modules(struct vp_check *check)
{
	const struct vp_kernels *kernels = &check->kernels;
	bool here = false;
	size_t i, have = 0;

	for (i = 0; i < kernels->count; i++) {
		if (!check_module(check, kernels->names[i]))
			continue;
		have++;
		here |= !strcmp(kernels->names[i], kernels->running);
	}
	if (have && have == kernels->count)
		vp_check_say(check, VP_CHECK_OK, "module", NULL,
			     "module: built for %s",
			     have == 1 ? "the kernel that is installed" :
			     "all kernels that are installed");
	if (is_loaded(check))
		vp_check_say(check, VP_CHECK_OK, "module-loaded", NULL,
			     "module: loaded");
	else if (here)
		vp_check_say(check, VP_CHECK_TODO, "module-loaded",
			     "modprobe " OURS, "module is not loaded: no rule holds");
	check_signatures(check);
}
