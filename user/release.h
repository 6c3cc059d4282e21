/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving a device back without the module's help. */
#ifndef VFIOPOLICY_RELEASE_H
#define VFIOPOLICY_RELEASE_H

#include "command.h"
#include "host.h"

bool vp_release_is_kept(const struct vp_host *host,
			const struct vp_host_dev *dev, char *driver);
int vp_release_by_sysfs(const struct vp_host *host,
			const struct vp_host_dev *dev,
			const struct vp_args *args, bool module);

#endif /* VFIOPOLICY_RELEASE_H */
