// SPDX-License-Identifier: GPL-2.0-only
/*
 * Displays, consoles and keyboards; processes that have a GPU open; mediated
 * devices and VFs; and who has what vfio has.
 */
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/vt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "peek.h"
#include "safety.h"

/* The bits of a keyboard, EV_KEY's first word: KEY_ESC to KEY_S, as udev asks. */
#define KEYBOARD_KEYS	0xfffffffeul

/**
 * struct search - what is behind one device
 * @safety: what the host is up to
 * @dev: the device
 * @uses: what is known of it so far
 */
struct search {
	struct vp_safety *safety;
	const struct vp_host_dev *dev;
	struct vp_uses *uses;
};

static const char *sysfs(const struct search *search)
{
	return search->safety->host->sysfs;
}

/* What of a class hangs off the device, one by one. */
static void each(const struct search *search, enum vp_link_class class,
		 void (*fn)(const struct search *search, const char *name,
			    bool usb))
{
	const struct vp_links *links = vp_use_links(search->safety, class);
	const struct vp_link *link;
	size_t i;

	for (i = 0; i < links->count; i++) {
		link = &links->links[i];
		if (vp_use_is_behind(link, search->dev))
			fn(search, link->name, vp_use_is_usb(link));
	}
}

static bool has_text(const char *dir, const char *address, const char *file,
		     const char *want)
{
	char text[VP_HOST_TEXT];

	vp_peek_text(text, sizeof(text), "%s/%s/%s", dir, address, file);
	return !strcmp(text, want);
}

static bool is_boot_vga(const struct search *search)
{
	return has_text(search->safety->host->devices_dir,
			search->dev->address, "boot_vga", "1");
}

/* An outlet for a display, card0-HDMI-A-1; a card that only computes has none. */
static bool is_outlet(const char *name)
{
	return !strncmp(name, "card", 4) && strchr(name, '-') &&
	       !strstr(name, "-Writeback");
}

/* Has the device outlets, and has no other one any? */
static bool is_only_gpu(const struct search *search)
{
	const struct vp_links *links = vp_use_links(search->safety, VP_LINK_DRM);
	bool own = false, others = false;
	size_t i;

	for (i = 0; i < links->count; i++) {
		if (!is_outlet(links->links[i].name))
			continue;
		if (vp_use_is_behind(&links->links[i], search->dev))
			own = true;
		else
			others = true;
	}
	return own && !others;
}

static void tell_opened(const struct search *search, const char *file, bool usb)
{
	char who[VP_USE_LEN / 2];
	struct vp_user user;
	size_t count;

	count = vp_use_open(search->safety, file, &user);
	if (!count)
		return;
	vp_safety_print_user(&user, who, sizeof(who));
	vp_safety_add(search->uses, VP_USE_OPEN, usb, "%s has %s open%s", who,
		      file, count > 1 ? ", and so have others" : "");
}

/*
 * Every character device that hangs off it, whatever it is: GPUs, sound, clocks of
 * network ports, RDMA, mice. What vfio has is told apart.
 */
static void tell_node(const struct search *search, const char *number, bool usb)
{
	char name[VP_HOST_TEXT], file[VP_HOST_TEXT + 8];

	if (!vp_peek_key(name, sizeof(name), "DEVNAME=", "%s/dev/char/%s/uevent",
			 sysfs(search), number) || !strncmp(name, "vfio/", 5))
		return;
	snprintf(file, sizeof(file), "/dev/%s", name);
	tell_opened(search, file, usb);
}

/* NVIDIA's own driver has no DRM node unless it is asked to. */
static void tell_nvidia(const struct search *search)
{
	char path[VP_PEEK_LEN], line[128], file[32];
	unsigned int minor;
	FILE *f;

	snprintf(path, sizeof(path), "%s/driver/nvidia/gpus/%s/information",
		 search->safety->paths.proc, search->dev->address);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Device Minor: %u", &minor) != 1)
			continue;
		snprintf(file, sizeof(file), "/dev/nvidia%u", minor);
		tell_opened(search, file, false);
	}
	if (f)
		fclose(f);
}

/* Is the text console on a framebuffer at this moment? */
static bool is_console_bound(const struct search *search)
{
	struct dirent **names;
	char what[VP_HOST_TEXT], bound[8];
	bool found = false;
	int count, i;

	count = vp_peek_list(&names, "%s/class/vtconsole", sysfs(search));
	for (i = 0; i < count && !found; i++) {
		vp_peek_text(what, sizeof(what), "%s/class/vtconsole/%s/name",
			     sysfs(search), names[i]->d_name);
		vp_peek_text(bound, sizeof(bound), "%s/class/vtconsole/%s/bind",
			     sysfs(search), names[i]->d_name);
		found = strstr(what, "frame buffer") && !strcmp(bound, "1");
	}
	vp_peek_free(names, count);
	return found;
}

/*
 * Does one of the text consoles show on framebuffer @number? Any framebuffer's node
 * answers for all (FBIOGET_CON2FBMAP, fbcon_get_con2fb_map_ioctl()). Where none can
 * be asked, it does.
 */
static bool is_console_of(const struct search *search, unsigned int number)
{
	struct fb_con2fbmap map = { 0 };
	char path[VP_PEEK_LEN];
	bool shows = false;
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/fb%u", search->safety->paths.dev, number);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return true;
	for (map.console = 1; !ret && !shows && map.console <= MAX_NR_CONSOLES;
	     map.console++) {
		ret = ioctl(fd, FBIOGET_CON2FBMAP, &map);
		shows = ret || map.framebuffer == number;
	}
	close(fd);
	return shows;
}

/* Of a host with two displays the console is on one, and the other is free to go. */
static void tell_framebuffer(const struct search *search, const char *name,
			     bool usb)
{
	unsigned int number;

	if (sscanf(name, "fb%u", &number) == 1 && is_console_bound(search) &&
	    is_console_of(search, number))
		vp_safety_add(search->uses, VP_USE_CONSOLE, usb,
			      "the console is on it (%s)", name);
}

/* Consoles on serial ports: what the kernel's own messages go to. */
static void tell_serial(const struct search *search, const char *port, bool usb)
{
	char active[VP_HOST_TEXT], *name, *rest = active;

	vp_peek_text(active, sizeof(active), "%s/class/tty/console/active",
		     sysfs(search));
	while ((name = strsep(&rest, " ")))
		if (!strcmp(name, port))
			vp_safety_add(search->uses, VP_USE_CONSOLE, usb,
				      "a console is on it (%s)", name);
}

static void tell_keyboard(const struct search *search, const char *name,
			  bool usb)
{
	char keys[256], what[VP_HOST_TEXT];
	const char *last;

	if (strncmp(name, "input", 5) != 0)
		return;
	vp_peek_text(keys, sizeof(keys), "%s/class/input/%s/capabilities/key",
		     sysfs(search), name);
	last = strrchr(keys, ' ');
	if ((strtoul(last ? last : keys, NULL, 16) & KEYBOARD_KEYS) !=
	    KEYBOARD_KEYS)
		return;
	vp_peek_text(what, sizeof(what), "%s/class/input/%s/name",
		     sysfs(search), name);
	vp_safety_add(search->uses, VP_USE_KEYBOARD, usb,
		      "a keyboard is on it (%s)", what[0] ? what : name);
}

static void tell_mdevs(const struct search *search)
{
	const struct vp_links *links = vp_use_links(search->safety, VP_LINK_MDEV);
	const char *first = NULL;
	size_t i, count = 0;

	for (i = 0; i < links->count; i++)
		if (vp_use_is_behind(&links->links[i], search->dev) && !count++)
			first = links->links[i].name;
	if (count == 1)
		vp_safety_add(search->uses, VP_USE_MDEV, false,
			      "a mediated device is on it (%.40s)", first);
	else if (count)
		vp_safety_add(search->uses, VP_USE_MDEV, false,
			      "%zu mediated devices are on it (%.40s and others)",
			      count, first);
}

static void tell_vfs(const struct search *search)
{
	char text[16];
	unsigned long count;

	vp_peek_text(text, sizeof(text), "%s/%s/sriov_numvfs",
		     search->safety->host->devices_dir, search->dev->address);
	count = strtoul(text, NULL, 10);
	if (count)
		vp_safety_add(search->uses, VP_USE_VFS, false,
			      "it has %lu VF%s, which would go (vfiopolicy sriov %s 0 removes them)",
			      count, count == 1 ? "" : "s",
			      search->dev->address);
}

/**
 * vp_use_others() - how a device is used by other than disks and networks
 * @safety: what the host is up to
 * @dev: the device
 * @uses: what is found is added to it
 */
void vp_use_others(struct vp_safety *safety, const struct vp_host_dev *dev,
		   struct vp_uses *uses)
{
	const struct search search = {
		.safety = safety, .dev = dev, .uses = uses,
	};
	char who[VP_USE_LEN / 2];
	struct vp_user user;

	if (is_boot_vga(&search))
		vp_safety_add(uses, VP_USE_BOOT_VGA, false,
			      "it is the display that the firmware used");
	if (is_only_gpu(&search))
		vp_safety_add(uses, VP_USE_ONLY_GPU, false,
			      "no other device of this host has an outlet for a display");
	each(&search, VP_LINK_CHAR, tell_node);
	tell_nvidia(&search);
	each(&search, VP_LINK_GRAPHICS, tell_framebuffer);
	each(&search, VP_LINK_TTY, tell_serial);
	each(&search, VP_LINK_INPUT, tell_keyboard);
	tell_mdevs(&search);
	tell_vfs(&search);
	if (vp_device_is_vfio_driver(dev->driver) &&
	    vp_safety_vfio_user(safety, dev->address, &user)) {
		vp_safety_print_user(&user, who, sizeof(who));
		vp_safety_add(uses, VP_USE_VFIO, false, "%s has it open", who);
	}
}
