// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual functions of a device. Nobody asks their users when their number
 * is changed: the kernel takes all of them away at once, from guests and from
 * the host, so who has one is looked for here.
 */
#include <limits.h>
#include <unistd.h>

#include "device.h"
#include "sysfs.h"
#include "vfs.h"

/* Of /sys/class/net/NAME/flags: the interface is up. */
#define NET_UP		0x1

static int by_index(const void *a, const void *b)
{
	const struct vp_host_dev *const *x = a, *const *y = b;

	return (*x)->facts.vf_index - (*y)->facts.vf_index;
}

/**
 * vp_vfs_read() - read what a device says of its VFs
 * @host: the host
 * @pf: the device
 * @vfs: filled in; to be freed with vp_vfs_free(), also after an error
 *
 * Return: 0; -ENOENT when it can have none; -errno.
 */
int vp_vfs_read(const struct vp_host *host, const struct vp_host_dev *pf,
		struct vp_vfs *vfs)
{
	unsigned int autoprobe;
	size_t i;
	int ret;

	memset(vfs, 0, sizeof(*vfs));
	ret = vp_sysfs_number_dev(host, pf->address, "sriov_totalvfs",
				  &vfs->total);
	if (ret)
		return ret;
	ret = vp_sysfs_number_dev(host, pf->address, "sriov_numvfs",
				  &vfs->present);
	if (ret)
		return ret;
	vfs->autoprobe = vp_sysfs_number_dev(host, pf->address,
					     "sriov_drivers_autoprobe",
					     &autoprobe) || autoprobe;
	vfs->devs = calloc(host->count + 1, sizeof(const void *));
	if (!vfs->devs)
		return -ENOMEM;
	for (i = 0; i < host->count; i++)
		if (!strcmp(host->devs[i].physfn, pf->address))
			vfs->devs[vfs->count++] = &host->devs[i];
	qsort(vfs->devs, vfs->count, sizeof(const void *), by_index);
	return 0;
}

/**
 * vp_vfs_free() - forget VFs
 * @vfs: the VFs
 */
void vp_vfs_free(struct vp_vfs *vfs)
{
	free(vfs->devs);
	memset(vfs, 0, sizeof(*vfs));
}

/**
 * vp_vfs_net() - has the host an interface on a device that is up
 * @host: the host
 * @dev: the device, a VF or another one
 * @name: set to the first one; %VP_HOST_LEN bytes
 *
 * Return: true when it has.
 */
bool vp_vfs_net(const struct vp_host *host, const struct vp_host_dev *dev,
		char *name)
{
	struct vp_host_identity identity;
	char path[128], text[VP_SYSFS_LEN];
	size_t i;

	vp_host_identify(host, dev, &identity);
	for (i = 0; i < identity.net_count; i++) {
		snprintf(path, sizeof(path), "class/net/%s/flags",
			 identity.nets[i].name);
		if (vp_sysfs_read(host, path, text) ||
		    !(strtoul(text, NULL, 16) & NET_UP))
			continue;
		memcpy(name, identity.nets[i].name, VP_HOST_LEN);
		return true;
	}
	return false;
}

/* What the host would miss of it, as of any other device. */
static bool find_use(struct vp_safety *safety, const struct vp_host_dev *vf,
		     char *text)
{
	const struct vp_use *use;
	struct vp_uses uses;
	size_t i;

	vp_safety_uses(safety, vf, &uses);
	for (i = 0; i < uses.count; i++) {
		use = &uses.uses[i];
		if (!vp_safety_refuses(use, false))
			continue;
		snprintf(text, VP_VFS_LEN, "%s: %.280s",
			 vp_safety_in_use(use), use->text);
		return true;
	}
	return false;
}

/**
 * vp_vfs_use() - would anybody miss a VF
 * @safety: what the host is up to
 * @vf: the VF
 * @told: what the module says of it; NULL when it says nothing
 * @text: set to who, a clause that reads after the address; %VP_VFS_LEN bytes
 *
 * Return: true when somebody would.
 */
bool vp_vfs_use(struct vp_safety *safety, const struct vp_host_dev *vf,
		const struct vp_nl_dev *told, char *text)
{
	const struct vp_host *host = safety->host;
	char who[VP_USE_LEN / 2], net[VP_HOST_LEN];
	struct vp_user user;

	text[0] = '\0';
	if (vp_device_is_vfio(host, vf->address, vf->driver) &&
	    vp_safety_vfio_user(safety, vf->address, &user)) {
		vp_safety_print_user(&user, who, sizeof(who));
		snprintf(text, VP_VFS_LEN, "is in use by %s", who);
	}
	if (text[0])
		return true;
	if (told && told->in_use)
		snprintf(text, VP_VFS_LEN, "is in use: a user has it open");
	else if (find_use(safety, vf, text))
		;
	else if (vp_vfs_net(host, vf, net))
		snprintf(text, VP_VFS_LEN, "is the host's interface %s, which is up",
			 net);
	return text[0];
}

/**
 * vp_vfs_count() - how many VFs of a device can be seen at this moment
 * @host: the host
 * @pf: the device
 *
 * Return: how many, also while they are being made.
 */
int vp_vfs_count(const struct vp_host *host, const struct vp_host_dev *pf)
{
	char path[PATH_MAX];
	int count = 0;

	do {
		snprintf(path, sizeof(path), "%s/%s/virtfn%d",
			 host->devices_dir, pf->address, count);
	} while (!access(path, F_OK) && ++count);
	return count;
}

/**
 * vp_vfs_set() - have the driver of a device make or remove VFs
 * @host: the host
 * @pf: the device
 * @count: how many there are to be
 *
 * Returns when that is done, which takes as long as their drivers take.
 *
 * Return: 0 or -errno.
 */
int vp_vfs_set(const struct vp_host *host, const struct vp_host_dev *pf,
	       unsigned int count)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", count);
	return vp_sysfs_write_dev(host, pf->address, "sriov_numvfs", text);
}
