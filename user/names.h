/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of vendors, devices and classes. Knows nothing of the module, since
 * the header of libpci has types of its own that get in the way.
 */
#ifndef VFIOPOLICY_NAMES_H
#define VFIOPOLICY_NAMES_H

#include <stddef.h>

/* Room for a name; what is longer is cut. */
#define VP_NAMES_LEN	160

struct vp_names;

struct vp_names *vp_names_open(const char *path);
void vp_names_close(struct vp_names *names);
void vp_names_device(struct vp_names *names, unsigned int vendor,
		     unsigned int device, unsigned int class, char *buf,
		     size_t size);

#endif /* VFIOPOLICY_NAMES_H */
