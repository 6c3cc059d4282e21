/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What users of generators of boot images have to name for our hook to be taken.
 */
#ifndef VFIOPOLICY_IMAGE_HOOK_H
#define VFIOPOLICY_IMAGE_HOOK_H

#include "site.h"

/* Room for the path of a file that is to name us. */
#define VP_IMAGE_HOOK_LEN	320

/**
 * struct vp_image_hook - where a generator wants our hook to be named
 * @file: its configuration
 * @folder: where there may be more of that, which is read after it; NULL for none
 * @variable: of a shell, whose list has the hooks; NULL where any line will do
 * @remedy: what is to be typed, or done, up to the name of the file
 * @then: the rest of that
 */
struct vp_image_hook {
	const char *file;
	const char *folder;
	const char *variable;
	const char *remedy;
	const char *then;
};

bool vp_image_hook_named(const struct vp_site *site,
			 const struct vp_image_hook *hook, char *file);

#endif /* VFIOPOLICY_IMAGE_HOOK_H */
