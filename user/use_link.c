// SPDX-License-Identifier: GPL-2.0-only
/*
 * What hangs off what, by where the links of sysfs point. They are read once for
 * all devices: a rule may name thousands.
 */
#include "peek.h"
#include "safety.h"

static const char * const folders[VP_LINK_CLASSES] = {
	[VP_LINK_BLOCK] = "class/block",
	[VP_LINK_NET] = "class/net",
	[VP_LINK_CHAR] = "dev/char",
	[VP_LINK_DRM] = "class/drm",
	[VP_LINK_GRAPHICS] = "class/graphics",
	[VP_LINK_TTY] = "class/tty",
	[VP_LINK_INPUT] = "class/input",
	[VP_LINK_MDEV] = "bus/mdev/devices",
	[VP_LINK_VIRTIO] = "bus/virtio/devices",
};

static void read_links(struct vp_safety *safety, const char *folder,
		       struct vp_links *links)
{
	char target[VP_PEEK_LEN];
	struct dirent **names;
	struct vp_link *link;
	int count, i;

	errno = 0;
	count = vp_peek_list(&names, "%s/%s", safety->host->sysfs, folder);
	/* Not every host has every class. */
	if (!count && errno && errno != ENOENT)
		vp_safety_fail(safety, folder, -errno);
	links->links = calloc((size_t)count + 1, sizeof(*links->links));
	if (!links->links)
		vp_safety_fail(safety, folder, -ENOMEM);
	for (i = 0; links->links && i < count; i++) {
		if (!vp_peek_link(target, sizeof(target), "%s/%s/%s",
				  safety->host->sysfs, folder, names[i]->d_name))
			continue;
		link = &links->links[links->count];
		link->name = strdup(names[i]->d_name);
		link->target = strdup(target);
		if (link->name && link->target) {
			links->count++;
			continue;
		}
		vp_safety_fail(safety, folder, -ENOMEM);
		free(link->name);
		free(link->target);
	}
	vp_peek_free(names, count);
}

/**
 * vp_use_links() - the things of a class
 * @safety: what the host is up to; not of a snapshot
 * @class: the class
 *
 * Return: the things, which stay as they are.
 */
const struct vp_links *vp_use_links(struct vp_safety *safety,
				    enum vp_link_class class)
{
	struct vp_links *links = &safety->links[class];

	if (!links->read)
		read_links(safety, folders[class], links);
	links->read = true;
	return links;
}

/**
 * vp_use_is_behind() - does a thing go when a device goes
 * @link: the thing
 * @dev: the device
 *
 * Also when it hangs off another device that hangs off this one: there are whole
 * buses behind a VMD controller.
 *
 * Return: true when it does.
 */
bool vp_use_is_behind(const struct vp_link *link,
		      const struct vp_host_dev *dev)
{
	return vp_peek_has_part(link->target, dev->address);
}

/**
 * vp_use_is_usb() - is there a USB between a thing and its device
 * @link: the thing
 *
 * Return: true when there is.
 */
bool vp_use_is_usb(const struct vp_link *link)
{
	return strstr(link->target, "/usb");
}

/**
 * vp_use_links_free() - forget what hangs off what
 * @safety: what the host is up to
 */
void vp_use_links_free(struct vp_safety *safety)
{
	struct vp_links *links;
	size_t i, k;

	for (i = 0; i < VP_LINK_CLASSES; i++) {
		links = &safety->links[i];
		for (k = 0; k < links->count; k++) {
			free(links->links[k].name);
			free(links->links[k].target);
		}
		free(links->links);
	}
}
