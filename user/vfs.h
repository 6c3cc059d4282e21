/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtual functions of a device, and who would miss them. */
#ifndef VFIOPOLICY_VFS_H
#define VFIOPOLICY_VFS_H

#include "nl.h"
#include "safety.h"

/* Room for what is said of one use. */
#define VP_VFS_LEN	320

/**
 * struct vp_vfs - what a device says of its VFs
 * @total: how many it can have
 * @present: how many it has
 * @autoprobe: the kernel offers them to drivers by itself
 * @devs: those that are there, by index, in the devices of the host
 * @count: number of @devs
 */
struct vp_vfs {
	unsigned int total;
	unsigned int present;
	bool autoprobe;
	const struct vp_host_dev **devs;
	size_t count;
};

int vp_vfs_read(const struct vp_host *host, const struct vp_host_dev *pf,
		struct vp_vfs *vfs);
void vp_vfs_free(struct vp_vfs *vfs);
bool vp_vfs_net(const struct vp_host *host, const struct vp_host_dev *dev,
		char *name);
bool vp_vfs_use(struct vp_safety *safety, const struct vp_host_dev *vf,
		const struct vp_nl_dev *told, char *text);
int vp_vfs_count(const struct vp_host *host, const struct vp_host_dev *pf);
int vp_vfs_set(const struct vp_host *host, const struct vp_host_dev *pf,
	       unsigned int count);

#endif /* VFIOPOLICY_VFS_H */
