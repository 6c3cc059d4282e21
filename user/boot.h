/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the next boot will know of the rules: they travel with the module, as its
 * parameters in a file of modprobe's, which boot images have a copy of.
 */
#ifndef VFIOPOLICY_BOOT_H
#define VFIOPOLICY_BOOT_H

#include "command.h"
#include "host.h"
#include "rules.h"
#include "site.h"

/* Room for the hash of a policy. */
#define VP_BOOT_HASH_LEN	20
/* Boot images that are told of. */
#define VP_BOOT_IMAGES_MAX	16

/**
 * struct vp_boot_image - a boot image that was built with our hook in place
 * @release: of which kernel
 * @path: where it is
 * @hash: of the policy that is in it
 * @current: that is the one of the files, and the image was built whole
 */
struct vp_boot_image {
	char release[128];
	char path[256];
	char hash[VP_BOOT_HASH_LEN];
	bool current;
};

/**
 * struct vp_boot - what is ready for the next boot
 * @hash: of the policy that the rule files make; empty when they have no rule
 * @compiled: of the one that modprobe knows; empty when it knows none
 * @degraded: what the boot image says of this boot, when the module was not to be
 *            had there; empty when all is well
 * @unhooked: what should name our hook and does not, so that boot images have
 *            nothing of the rules; empty when all is well, and without rules
 * @remedy: what is to be typed about that
 * @images: the images
 * @count: number of @images
 */
struct vp_boot {
	char hash[VP_BOOT_HASH_LEN];
	char compiled[VP_BOOT_HASH_LEN];
	char degraded[128];
	char unhooked[336];
	char remedy[512];
	struct vp_boot_image images[VP_BOOT_IMAGES_MAX];
	size_t count;
};

void vp_boot_look(const struct vp_rules *rules, struct vp_boot *boot);
bool vp_boot_is_current(const struct vp_boot *boot);
int vp_boot_update(const struct vp_args *args);

/**
 * struct vp_image_content - what of ours is in a boot image
 * @module: the module
 * @policy: the rules, as modprobe has them
 * @early: the script that loads the module before udev has drivers loaded
 */
struct vp_image_content {
	bool module;
	bool policy;
	bool early;
};

int vp_image_look(const char *path, struct vp_image_content *content);

/* image.c */
int vp_image_lock(void);
int vp_image_build(void);
void vp_image_unhooked(const struct vp_site *site, struct vp_boot *boot);

#endif /* VFIOPOLICY_BOOT_H */
