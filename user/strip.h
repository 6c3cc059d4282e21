/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes settings out of files of others, which rules have replaced. The old
 * file is kept below /etc/vfiopolicy/replaced.
 */
#ifndef VFIOPOLICY_STRIP_H
#define VFIOPOLICY_STRIP_H

#include <limits.h>
#include <sys/stat.h>

#include "site.h"

/* Where old files go, each below its whole path. */
#define VP_STRIP_KEPT	"/etc/vfiopolicy/replaced"

/**
 * struct vp_strip - a file on its way to having less in it
 * @path: its path, without the root
 * @status: as it was when it was read
 * @old: what was in it
 * @old_len: length of @old
 * @text: what is to be in it; NULL when the file is to go
 * @len: length of @text
 * @kept: where the old file is, without the root, once it is changed
 * @error: why it cannot be changed, for people
 */
struct vp_strip {
	const char *path;
	struct stat status;
	char *old;
	size_t old_len;
	char *text;
	size_t len;
	char kept[PATH_MAX];
	char error[PATH_MAX + 256];
};

int vp_strip_prepare(const struct vp_site *site,
		     const struct vp_site_entry *const *gone, size_t count,
		     struct vp_strip *strip);
int vp_strip_commit(const struct vp_site *site, struct vp_strip *strip);
void vp_strip_free(struct vp_strip *strip);

#endif /* VFIOPOLICY_STRIP_H */
