// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether this host can do what a rule asks for by its options: is driver= one
 * that guests are given devices by, is owner= anybody, and has a device as many
 * VFs as vfs= and vfs-of= say. Each is the rule's own business once it is in
 * force; here it is told before.
 */
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "device.h"
#include "kernels.h"
#include "peek.h"
#include "sysfs.h"
#include "wishes.h"

/* What the lists of a kernel say of a module. */
struct known {
	const char *module;
	bool listed;
	bool vfio;
	bool pci;
};

static bool take_alias(const char *pattern, const char *module, void *arg)
{
	struct known *known = arg;

	if (!vp_site_is_module(module, known->module))
		return false;
	known->vfio = known->vfio || !strncmp(pattern, "vfio_pci:", 9);
	known->pci = known->pci || !strncmp(pattern, "pci:", 4);
	return known->vfio;
}

static bool is_registered(const struct vp_host *host, const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/drivers/%s", host->sysfs,
		 driver);
	return !access(path, F_OK);
}

/* Return: false when the lists cannot be read. */
static bool ask_kernel(struct known *known)
{
	enum vp_kernel_has has = VP_KERNEL_UNKNOWN;
	struct vp_kernels kernels;
	char path[PATH_MAX];
	struct vp_site site;

	if (!vp_site_root(&site)) {
		vp_kernels_find(&site, &kernels);
		has = vp_kernel_module(&kernels, kernels.running,
				       known->module, path, sizeof(path));
		known->listed = has != VP_KERNEL_NO && has != VP_KERNEL_UNKNOWN;
		if (!vp_kernel_patterns(&kernels, kernels.running, false,
					take_alias, known))
			vp_kernel_patterns(&kernels, kernels.running, true,
					   take_alias, known);
	}
	vp_site_close(&site);
	return has != VP_KERNEL_UNKNOWN;
}

/* Modules are called with underscores, drivers often with dashes. */
static bool find_twin(const struct vp_host *host, const char *driver, char *twin)
{
	static const char pairs[] = { '_', '-', '-', '_' };
	size_t i;
	char *p;

	for (i = 0; i < sizeof(pairs); i += 2) {
		snprintf(twin, VP_WORD_MAX, "%s", driver);
		for (p = twin; *p; p++)
			if (*p == pairs[i])
				*p = pairs[i + 1];
		if (strcmp(twin, driver) != 0 &&
		    (!strcmp(twin, "vfio-pci") ||
		     (host->sysfs && is_registered(host, twin))))
			return true;
	}
	return false;
}

/* The module that a driver is of, which may be called something else. */
static void find_module(const struct vp_host *host, const char *driver,
			char *module, size_t size)
{
	char link[VP_PEEK_LEN];

	if (vp_peek_link(link, sizeof(link), "%s/bus/pci/drivers/%s/module",
			 host->sysfs, driver))
		snprintf(module, size, "%s", vp_peek_base(link));
	else
		snprintf(module, size, "%s", driver);
}

static enum vp_wish judge(const struct vp_host *host, const char *driver,
			  char *text)
{
	bool registered = is_registered(host, driver), readable;
	bool named = vp_device_is_vfio_driver(driver);
	char module[VP_KERNEL_LEN];
	struct known known = { .module = module };

	if (registered && named)
		return VP_WISH_FINE;
	find_module(host, driver, module, sizeof(module));
	readable = ask_kernel(&known);
	if (known.vfio || (known.listed && named))
		return VP_WISH_FINE;
	if (known.pci && !named) {
		snprintf(text, VP_WISH_LEN, "driver=%s: that is a driver of the host's own, and none that gives devices to guests",
			 driver);
		return VP_WISH_WRONG;
	}
	if (!registered && !known.listed && readable) {
		snprintf(text, VP_WISH_LEN, "driver=%s: this kernel has no such driver or module, and as long as it has none devices would be held",
			 driver);
		return VP_WISH_ABSENT;
	}
	if (!registered && !known.listed)
		snprintf(text, VP_WISH_LEN, "driver=%s: whether this kernel has it cannot be told",
			 driver);
	else
		snprintf(text, VP_WISH_LEN, "driver=%s: whether that gives devices to guests cannot be told: by its name it is none of vfio's",
			 driver);
	return VP_WISH_UNSURE;
}

/**
 * vp_wish_driver() - is this one that guests are given devices by
 * @host: the host; of a snapshot no more than the name is looked at
 * @driver: what driver= says
 * @text: set to what is wrong, a sentence without its end; %VP_WISH_LEN bytes
 *
 * As far as sysfs and the lists of the kernel tell. Variants of vfio-pci have
 * vfio in their names, or aliases by which they are found for a device.
 *
 * Return: whether it is.
 */
enum vp_wish vp_wish_driver(const struct vp_host *host, const char *driver,
			    char *text)
{
	char twin[VP_WORD_MAX];

	text[0] = '\0';
	if (!driver[0] || !strcmp(driver, "best") || !strcmp(driver, "vfio-pci"))
		return VP_WISH_FINE;
	if ((!host->sysfs || !is_registered(host, driver)) &&
	    find_twin(host, driver, twin)) {
		snprintf(text, VP_WISH_LEN, "driver=%s: there is no driver of that name. Did you mean driver=%s?",
			 driver, twin);
		return VP_WISH_WRONG;
	}
	return host->sysfs ? judge(host, driver, text) : VP_WISH_FINE;
}

/**
 * vp_wish_owner() - whom owner= means
 * @owner: what it says
 * @uid: set to the user
 * @gid: set to the group; 0 when none was named
 * @text: set to what is wrong, a sentence without its end; %VP_WISH_LEN bytes
 *
 * Return: whether both are known here.
 */
enum vp_wish vp_wish_owner(const char *owner, uid_t *uid, gid_t *gid, char *text)
{
	char user[2 * VP_WORD_MAX], *name;
	const struct passwd *passwd;
	const struct group *group;

	text[0] = '\0';
	snprintf(user, sizeof(user), "%s", owner);
	name = strchr(user, ':');
	if (name)
		*name++ = '\0';
	passwd = getpwnam(user);
	if (!passwd) {
		snprintf(text, VP_WISH_LEN, "owner=%s: there is no user %s",
			 owner, user);
		return VP_WISH_WRONG;
	}
	*uid = passwd->pw_uid;
	*gid = 0;
	if (!name)
		return VP_WISH_FINE;
	group = getgrnam(name);
	if (!group) {
		snprintf(text, VP_WISH_LEN, "owner=%s: there is no group %s",
			 owner, name);
		return VP_WISH_WRONG;
	}
	*gid = group->gr_gid;
	return VP_WISH_FINE;
}

/* How many VFs a device can have. Return: false when it can have none. */
static bool read_total(const struct vp_host *host, const struct vp_host_dev *pf,
		       unsigned int *total)
{
	return !vp_sysfs_number_dev(host, pf->address, "sriov_totalvfs", total) &&
	       *total;
}

/**
 * vp_wish_vfs() - can a device have as many VFs as vfs= says
 * @host: the host; not a snapshot
 * @pf: the device
 * @count: how many
 * @text: set to what is wrong, a sentence without its end; %VP_WISH_LEN bytes
 *
 * Return: whether it can.
 */
enum vp_wish vp_wish_vfs(const struct vp_host *host,
			 const struct vp_host_dev *pf, u32 count, char *text)
{
	unsigned int total;

	text[0] = '\0';
	if (!read_total(host, pf, &total))
		snprintf(text, VP_WISH_LEN, "vfs=%u: %s has no SR-IOV: it can make no VFs",
			 count, pf->address);
	else if (count > total)
		snprintf(text, VP_WISH_LEN, "vfs=%u: %s can have %u VFs at the most",
			 count, pf->address, total);
	return text[0] ? VP_WISH_WRONG : VP_WISH_FINE;
}

/**
 * vp_wish_vfs_of() - could the VFs of vfs-of= come
 * @host: the host; of a snapshot nothing is known
 * @rule: the rule
 * @pf: set to the PF, when it is there and can have them, else to NULL
 * @text: set to what is wrong, a sentence without its end, or to nothing;
 *        %VP_WISH_LEN bytes
 *
 * Return: whether they could; that is unsure where no such PF is there.
 */
enum vp_wish vp_wish_vfs_of(const struct vp_host *host,
			    const struct vp_rule *rule,
			    const struct vp_host_dev **pf, char *text)
{
	const struct vp_selector *sel = rule->selectors;
	struct vp_rule place = { .action = VP_LEAVE, .count = 1 };
	const struct vp_host_dev *dev;
	unsigned int total;

	text[0] = '\0';
	*pf = NULL;
	while (sel < rule->selectors + rule->count &&
	       (sel->except || sel->kind != VP_SEL_VFS_OF))
		sel++;
	if (sel == rule->selectors + rule->count || !host->sysfs)
		return VP_WISH_UNSURE;
	place.selectors[0] = *sel;
	place.selectors[0].kind = VP_SEL_AT;
	for (dev = host->devs; dev < host->devs + host->count; dev++) {
		if (vp_match(&place, &dev->facts, NULL) != VP_FIT_MATCH)
			continue;
		if (!read_total(host, dev, &total)) {
			snprintf(text, VP_WISH_LEN, "%s has no SR-IOV: it can make no VFs",
				 dev->address);
		} else if (sel->last != VP_VFS_ALL && sel->last >= total) {
			snprintf(text, VP_WISH_LEN, "%s can have %u VFs at the most, of which %u is the last",
				 dev->address, total, total - 1);
		} else {
			text[0] = '\0';
			*pf = dev;
			return VP_WISH_FINE;
		}
	}
	return text[0] ? VP_WISH_WRONG : VP_WISH_UNSURE;
}
