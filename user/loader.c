// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several boot loaders may be installed. What the one that was used says of
 * itself comes first, then what is found on the disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

/* Written by boot loaders that keep to systemd's interface; UTF-16. */
#define LOADER_INFO \
	"/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define INFO_MAX	256
/* Of a variable: what it may be used for. */
#define ATTRIBUTES	4

static void read_info(const struct vp_site *site, char *info)
{
	char *text;
	size_t len, i, n = 0;

	text = vp_site_load(site, LOADER_INFO, INFO_MAX * 2, &len);
	for (i = ATTRIBUTES; text && i < len && n + 1 < INFO_MAX; i += 2)
		info[n++] = text[i];
	info[n] = '\0';
	free(text);
}

static bool has_any(const struct vp_site *site, const char *const *paths)
{
	for (; *paths; paths++)
		if (vp_site_has(site, *paths))
			return true;
	return false;
}

static enum vp_loader_kind find_kind(const struct vp_site *site)
{
	static const char *const grub[] = {
		"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg",
		"/etc/default/grub", NULL,
	};
	static const char *const entries[] = {
		"/boot/loader/entries", "/efi/loader/entries",
		"/boot/efi/loader/entries", "/etc/kernel/cmdline", NULL,
	};
	static const char *const grubby[] = {
		"/usr/sbin/grubby", "/sbin/grubby", "/usr/bin/grubby", NULL,
	};
	char info[INFO_MAX];

	if (vp_site_has(site, "/etc/kernel/proxmox-boot-uuids"))
		return VP_LOADER_PROXMOX;
	read_info(site, info);
	if (!strncmp(info, "systemd-boot", strlen("systemd-boot")))
		return VP_LOADER_KERNEL_INSTALL;
	if (!strncmp(info, "GRUB", strlen("GRUB")) || has_any(site, grub))
		return has_any(site, grubby) ? VP_LOADER_GRUBBY :
					       VP_LOADER_GRUB;
	if (vp_site_has(site, "/boot/extlinux/extlinux.conf"))
		return vp_site_has(site, "/etc/default/u-boot") ?
		       VP_LOADER_UBOOT : VP_LOADER_EXTLINUX;
	if (has_any(site, entries))
		return VP_LOADER_KERNEL_INSTALL;
	if (vp_site_has(site, "/boot/firmware/cmdline.txt"))
		return VP_LOADER_FIRMWARE;
	return VP_LOADER_NONE;
}

static void set(struct vp_loader *loader, const char *name, const char *place,
		const char *update)
{
	loader->name = name;
	snprintf(loader->place, sizeof(loader->place), "%s", place);
	snprintf(loader->update, sizeof(loader->update), "%s", update);
}

static const char *grub_update(const struct vp_site *site)
{
	if (vp_site_has(site, "/usr/sbin/update-grub") ||
	    vp_site_has(site, "/sbin/update-grub"))
		return "update-grub";
	if (vp_site_has(site, "/boot/grub2"))
		return "grub2-mkconfig -o /boot/grub2/grub.cfg";
	return "grub-mkconfig -o /boot/grub/grub.cfg";
}

static const char *find_image(const struct vp_site *site)
{
	static const struct {
		const char *const paths[4];
		const char *command;
	} tools[] = {
		/* Debian's dracut has one of that name as well. */
		{ { "/usr/sbin/update-initramfs", "/sbin/update-initramfs" },
		  "update-initramfs -u -k all" },
		{ { "/usr/bin/dracut", "/usr/sbin/dracut", "/sbin/dracut" },
		  "dracut --force --regenerate-all" },
		{ { "/usr/bin/mkinitcpio", "/usr/sbin/mkinitcpio" },
		  "mkinitcpio -P" },
	};
	size_t i;

	for (i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (has_any(site, tools[i].paths))
			return tools[i].command;
	return "";
}

/**
 * vp_loader_find() - which boot loader is there
 * @site: the host
 * @release: release of the kernel, for what is to be run
 * @loader: filled in
 */
void vp_loader_find(const struct vp_site *site, const char *release,
		    struct vp_loader *loader)
{
	static const char grub[] = "GRUB_CMDLINE_LINUX in /etc/default/grub";

	memset(loader, 0, sizeof(*loader));
	loader->kind = find_kind(site);
	loader->image = find_image(site);
	switch (loader->kind) {
	case VP_LOADER_GRUB:
		set(loader, "GRUB", grub, grub_update(site));
		break;
	case VP_LOADER_GRUBBY:
		/* It changes the entries and what makes later ones. */
		set(loader, "GRUB (grubby)", grub, "");
		break;
	case VP_LOADER_PROXMOX:
		set(loader, "proxmox-boot-tool",
		    vp_site_has(site, "/etc/kernel/cmdline") ?
		    "/etc/kernel/cmdline" : grub, "proxmox-boot-tool refresh");
		break;
	case VP_LOADER_KERNEL_INSTALL:
		set(loader, "systemd-boot", "/etc/kernel/cmdline", "");
		snprintf(loader->update, sizeof(loader->update),
			 "kernel-install add %s /boot/vmlinuz-%s", release,
			 release);
		break;
	case VP_LOADER_UBOOT:
		set(loader, "U-Boot",
		    "U_BOOT_PARAMETERS in /etc/default/u-boot", "u-boot-update");
		break;
	case VP_LOADER_EXTLINUX:
		set(loader, "extlinux",
		    "the line append in /boot/extlinux/extlinux.conf", "");
		break;
	case VP_LOADER_FIRMWARE:
		set(loader, "firmware", "/boot/firmware/cmdline.txt", "");
		break;
	case VP_LOADER_NONE:
		set(loader, "none", "the kernel command line of your boot loader",
		    "");
		break;
	}
}

/**
 * vp_loader_add() - how to put a word on the command line
 * @loader: the boot loader
 * @word: the word
 * @buf: set to what to do
 * @size: room in @buf
 */
void vp_loader_add(const struct vp_loader *loader, const char *word, char *buf,
		   size_t size)
{
	if (loader->kind == VP_LOADER_GRUBBY)
		snprintf(buf, size, "grubby --update-kernel=ALL --args=%s, and restart",
			 word);
	else
		snprintf(buf, size, "add %s to %s%s%s, and restart", word,
			 loader->place, loader->update[0] ? ", then " : "",
			 loader->update);
}

/**
 * vp_loader_remove() - how to take a word off the command line
 * @loader: the boot loader
 * @word: the word
 * @buf: set to what to do
 * @size: room in @buf
 */
void vp_loader_remove(const struct vp_loader *loader, const char *word,
		      char *buf, size_t size)
{
	if (loader->kind == VP_LOADER_GRUBBY)
		snprintf(buf, size, "grubby --update-kernel=ALL --remove-args=%s, and restart",
			 word);
	else
		snprintf(buf, size, "remove %s from %s%s%s, and restart", word,
			 loader->place, loader->update[0] ? ", then " : "",
			 loader->update);
}

/**
 * vp_loader_after() - what to run after a file was changed
 * @loader: the boot loader
 * @entry: a setting of the file
 *
 * Return: a command, or an empty string.
 */
const char *vp_loader_after(const struct vp_loader *loader,
			    const struct vp_site_entry *entry)
{
	/* Boot images have copies. */
	if ((entry->kind >= VP_SITE_OPTIONS && entry->kind <= VP_SITE_LOAD) ||
	    !strncmp(entry->path, "/etc/dracut", strlen("/etc/dracut")))
		return loader->image;
	/* Entries are what is booted; everything else makes some. */
	if (entry->kind != VP_SITE_LOADER ||
	    entry->format == VP_SITE_FMT_KEYWORDS)
		return "";
	if (loader->kind == VP_LOADER_GRUBBY)
		return "grub2-mkconfig -o /boot/grub2/grub.cfg";
	return loader->update;
}
