/* SPDX-License-Identifier: GPL-2.0-only */
/* Small files of sysfs: what the kernel says in one, and what it is told. */
#ifndef VFIOPOLICY_SYSFS_H
#define VFIOPOLICY_SYSFS_H

#include "host.h"

/* Room for the first line of a file. */
#define VP_SYSFS_LEN	256

int vp_sysfs_read(const struct vp_host *host, const char *path, char *text);
int vp_sysfs_write(const struct vp_host *host, const char *path,
		   const char *text);
int vp_sysfs_read_dev(const struct vp_host *host, const char *address,
		      const char *file, char *text);
int vp_sysfs_number_dev(const struct vp_host *host, const char *address,
			const char *file, unsigned int *number);
int vp_sysfs_write_dev(const struct vp_host *host, const char *address,
		       const char *file, const char *text);

#endif /* VFIOPOLICY_SYSFS_H */
