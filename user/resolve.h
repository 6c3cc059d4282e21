/* SPDX-License-Identifier: GPL-2.0-only */
/* Type what you see, store what lasts: words to devices, devices to rules. */
#ifndef VFIOPOLICY_RESOLVE_H
#define VFIOPOLICY_RESOLVE_H

#include "host.h"

/* Room for every sentence and comment that is made here. */
#define VP_RESOLVE_LEN	512

int vp_resolve(const struct vp_host *host, const char *word,
	       const struct vp_host_dev **dev, char *error, size_t size);
int vp_resolve_rule(const struct vp_host_dev *dev, struct vp_rule *rule);
void vp_resolve_comment(const struct vp_host *host,
			const struct vp_host_dev *dev, char *buf, size_t size);

#endif /* VFIOPOLICY_RESOLVE_H */
