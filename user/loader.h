/* SPDX-License-Identifier: GPL-2.0-only */
/* Which boot loader this host has, and how its kernels are told something. */
#ifndef VFIOPOLICY_LOADER_H
#define VFIOPOLICY_LOADER_H

#include "site.h"

/* Room for every sentence that is made here. */
#define VP_LOADER_LEN	512

/**
 * enum vp_loader_kind - a boot loader, or what writes its files
 * @VP_LOADER_NONE: none that is known here
 * @VP_LOADER_GRUB: GRUB, by its grub-mkconfig
 * @VP_LOADER_GRUBBY: GRUB, by grubby
 * @VP_LOADER_PROXMOX: proxmox-boot-tool
 * @VP_LOADER_KERNEL_INSTALL: systemd-boot, or what else kernel-install feeds
 * @VP_LOADER_UBOOT: U-Boot, by Debian's u-boot-update
 * @VP_LOADER_EXTLINUX: extlinux.conf, written by hand
 * @VP_LOADER_FIRMWARE: the firmware of a Raspberry Pi
 */
enum vp_loader_kind {
	VP_LOADER_NONE,
	VP_LOADER_GRUB,
	VP_LOADER_GRUBBY,
	VP_LOADER_PROXMOX,
	VP_LOADER_KERNEL_INSTALL,
	VP_LOADER_UBOOT,
	VP_LOADER_EXTLINUX,
	VP_LOADER_FIRMWARE,
};

/**
 * struct vp_loader - how kernels are told something
 * @kind: what there is
 * @name: what to call it
 * @place: where words of the command line are written
 * @update: what to run afterwards; empty for nothing
 * @image: what builds boot images; empty when nothing is known that does
 */
struct vp_loader {
	enum vp_loader_kind kind;
	const char *name;
	char place[128];
	char update[256];
	const char *image;
};

void vp_loader_find(const struct vp_site *site, const char *release,
		    struct vp_loader *loader);
void vp_loader_add(const struct vp_loader *loader, const char *word, char *buf,
		   size_t size);
void vp_loader_remove(const struct vp_loader *loader, const char *word,
		      char *buf, size_t size);
const char *vp_loader_after(const struct vp_loader *loader,
			    const struct vp_site_entry *entry);

#endif /* VFIOPOLICY_LOADER_H */
