/* SPDX-License-Identifier: GPL-2.0-only */
/* What a command is about: the host, and one device by the word that was typed. */
#ifndef VFIOPOLICY_DEVICE_H
#define VFIOPOLICY_DEVICE_H

#include "host.h"

/* Room for a hint. */
#define VP_DEVICE_LEN	512

int vp_device_host(struct vp_host *host, const char *on);
int vp_device_find(struct vp_host *host, const char *word,
		   const struct vp_host_dev **dev);
bool vp_device_serial(const struct vp_host *host, const char *word, char *hint);
bool vp_device_hint(const struct vp_host *host, const char *word, char *hint);
bool vp_device_is_vfio_driver(const char *driver);
bool vp_device_is_vfio(const struct vp_host *host, const char *address,
		       const char *driver);

#endif /* VFIOPOLICY_DEVICE_H */
