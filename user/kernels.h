/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernels that are installed: their modules and how they are configured. */
#ifndef VFIOPOLICY_KERNELS_H
#define VFIOPOLICY_KERNELS_H

#include "site.h"

/* Room for the release of a kernel. */
#define VP_KERNEL_LEN	128
/* Kernels that are looked at. */
#define VP_KERNELS_MAX	64

/**
 * enum vp_kernel_has - does a kernel have a module
 * @VP_KERNEL_NO: no
 * @VP_KERNEL_MODULE: as a module
 * @VP_KERNEL_BUILTIN: it is built in
 * @VP_KERNEL_UNLISTED: as a module that depmod has not been told of
 * @VP_KERNEL_UNKNOWN: the lists of its modules cannot be read
 */
enum vp_kernel_has {
	VP_KERNEL_NO,
	VP_KERNEL_MODULE,
	VP_KERNEL_BUILTIN,
	VP_KERNEL_UNLISTED,
	VP_KERNEL_UNKNOWN,
};

/**
 * struct vp_kernels - the kernels of a host
 * @site: the host
 * @running: release of the one that is running; empty when it is not known
 * @dir: where their modules are, without the root
 * @count: number of @names
 * @names: releases of those that are installed, in order
 */
struct vp_kernels {
	const struct vp_site *site;
	char running[VP_KERNEL_LEN];
	const char *dir;
	size_t count;
	char names[VP_KERNELS_MAX][VP_KERNEL_LEN];
};

/* Called for a module that knows a device, until it returns true. */
typedef bool (*vp_kernel_alias_fn)(const char *module, void *arg);
/* Called for a pattern of a modalias and its module, until it returns true. */
typedef bool (*vp_kernel_pattern_fn)(const char *pattern, const char *module,
				     void *arg);

void vp_kernels_find(const struct vp_site *site, struct vp_kernels *kernels);
enum vp_kernel_has vp_kernel_module(const struct vp_kernels *kernels,
				    const char *release, const char *module,
				    char *path, size_t size);
char *vp_kernel_config(const struct vp_kernels *kernels, const char *release);
char vp_kernel_option(const char *config, const char *option);
bool vp_kernel_patterns(const struct vp_kernels *kernels, const char *release,
			bool builtin, vp_kernel_pattern_fn fn, void *arg);
bool vp_kernel_aliases(const struct vp_kernels *kernels, const char *release,
		       bool builtin, const char *modalias,
		       vp_kernel_alias_fn fn, void *arg);
bool vp_kernel_signer(const struct vp_kernels *kernels, const char *path,
		      char *signer, size_t size);

#endif /* VFIOPOLICY_KERNELS_H */
