// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a host that is itself a guest has over virtio without a disk: directories
 * that its hypervisor shares with it, by 9p or virtiofs, perhaps that of its root;
 * and consoles.
 */
#include <libmount/libmount.h>

#include "peek.h"
#include "safety.h"

/* Room for the tag of a share, by which it is mounted. */
#define TAG_LEN		300
/* Room for the name of a console. */
#define CONSOLE_LEN	16

/**
 * struct share - a directory that the hypervisor shares
 * @safety: what the host is up to
 * @type: what its file system is called
 * @driver: what has its virtio device
 * @tag: what it is mounted by; empty when that cannot be told
 */
struct share {
	struct vp_safety *safety;
	const char *type;
	const char *driver;
	char tag[TAG_LEN];
};

static bool has_driver(const struct vp_safety *safety, const struct vp_link *link,
		       const char *driver)
{
	char target[VP_PEEK_LEN];

	return vp_peek_link(target, sizeof(target),
			    "%s/bus/virtio/devices/%s/driver",
			    safety->host->sysfs, link->name) &&
	       !strcmp(vp_peek_base(target), driver);
}

/* Before 6.9, virtiofs told it to nobody. Its entry has the number of its device. */
static void read_tag(const struct share *share, const struct vp_link *link,
		     char *tag)
{
	const char *sysfs = share->safety->host->sysfs;

	if (!strcmp(share->type, "9p"))
		vp_peek_text(tag, TAG_LEN, "%s/bus/virtio/devices/%s/mount_tag",
			     sysfs, link->name);
	else
		vp_peek_text(tag, TAG_LEN, "%s/fs/virtiofs/%s/tag", sysfs,
			     link->name + strcspn(link->name, "0123456789"));
}

/* A mount of this kind; those of 9p may go over a network as well. */
static bool is_share(const struct share *share, struct libmnt_fs *fs)
{
	const char *type = mnt_fs_get_fstype(fs);
	const char *options = mnt_fs_get_fs_options(fs);
	char *value = NULL;
	size_t len = 0;

	if (!type || strcmp(type, share->type) != 0 || !mnt_fs_get_target(fs))
		return false;
	return !options || mnt_optstr_get_option(options, "trans", &value, &len) ||
	       (value && len == strlen("virtio") && !strncmp(value, "virtio", len));
}

static bool is_by_tag(struct libmnt_fs *fs, const char *tag)
{
	const char *source = mnt_fs_get_source(fs);

	return tag[0] && source && !strcmp(source, tag);
}

static bool is_mounted(const struct share *share, const char *tag)
{
	struct libmnt_iter *iter = share->safety->iter;
	struct libmnt_fs *fs;

	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (!mnt_table_next_fs(share->safety->mounts, iter, &fs))
		if (is_share(share, fs) && is_by_tag(fs, tag))
			return true;
	return false;
}

/* Is a mount by the tag of some share that is here? */
static bool is_explained(const struct share *share, struct libmnt_fs *fs)
{
	const struct vp_links *links = vp_use_links(share->safety,
						    VP_LINK_VIRTIO);
	char tag[TAG_LEN];
	size_t i;

	for (i = 0; i < links->count; i++) {
		if (!has_driver(share->safety, &links->links[i], share->driver))
			continue;
		read_tag(share, &links->links[i], tag);
		if (is_by_tag(fs, tag))
			return true;
	}
	return false;
}

/* How many shares are there whose tag no mount has? */
static size_t count_unexplained(const struct share *share)
{
	const struct vp_links *links = vp_use_links(share->safety,
						    VP_LINK_VIRTIO);
	char tag[TAG_LEN];
	size_t i, count = 0;

	for (i = 0; i < links->count; i++) {
		if (!has_driver(share->safety, &links->links[i], share->driver))
			continue;
		read_tag(share, &links->links[i], tag);
		count += !is_mounted(share, tag);
	}
	return count;
}

/*
 * What is mounted by no tag that is known, such as a root file system by "/dev/root",
 * is on one of those shares that no mount is known of. The mount with the shortest
 * path stands for all.
 */
static void tell_share(struct share *share, const struct vp_link *link,
		       struct vp_uses *uses)
{
	struct libmnt_iter *iter = share->safety->iter;
	struct libmnt_fs *fs, *best = NULL;
	size_t count = 0, candidates = 1;
	char more[48] = "";
	bool sure;

	if (!has_driver(share->safety, link, share->driver))
		return;
	read_tag(share, link, share->tag);
	sure = is_mounted(share, share->tag);
	if (!sure)
		candidates = count_unexplained(share);
	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (!mnt_table_next_fs(share->safety->mounts, iter, &fs)) {
		if (!is_share(share, fs) ||
		    (sure ? !is_by_tag(fs, share->tag) : is_explained(share, fs)))
			continue;
		if (!count++ || strlen(mnt_fs_get_target(fs)) <
				strlen(mnt_fs_get_target(best)))
			best = fs;
	}
	if (!best)
		return;
	if (count > 1)
		snprintf(more, sizeof(more), ", and %zu more mount%s", count - 1,
			 count == 2 ? "" : "s");
	vp_safety_add(uses, VP_USE_MOUNT, false, "%.100s %s on it (%s%s%.64s)%s",
		      mnt_fs_get_target(best), candidates > 1 ? "may be" : "is",
		      share->type, share->tag[0] ? " " : "", share->tag, more);
}

/* Whether a port has a console is told to root alone, and not on every host. */
static bool has_console(const struct vp_safety *safety, const struct vp_link *link)
{
	const char *sysfs = safety->host->sysfs;
	struct dirent **ports;
	int count, i, yes = 0, no = 0;
	char text[8];

	count = vp_peek_list(&ports, "%s/bus/virtio/devices/%s/virtio-ports",
			     sysfs, link->name);
	for (i = 0; i < count; i++) {
		if (!vp_peek_key(text, sizeof(text), "is_console: ",
				 "%s/kernel/debug/virtio-ports/%s", sysfs,
				 ports[i]->d_name))
			continue;
		if (!strcmp(text, "no"))
			no++;
		else
			yes++;
	}
	vp_peek_free(ports, count);
	return yes || !no || no < count;
}

static bool gets_messages(const struct vp_safety *safety, const char *console)
{
	char active[VP_HOST_TEXT], *name, *rest = active;

	vp_peek_text(active, sizeof(active), "%s/class/tty/console/active",
		     safety->host->sysfs);
	while ((name = strsep(&rest, " ")))
		if (!strcmp(name, console))
			return true;
	return false;
}

/* Sysfs has these consoles nowhere below a device: each is with any that has one. */
static void tell_consoles(struct vp_safety *safety, const struct vp_link *link,
			  struct vp_uses *uses)
{
	const struct vp_links *ttys = vp_use_links(safety, VP_LINK_TTY);
	char file[CONSOLE_LEN + 8], who[VP_USE_LEN / 2];
	struct vp_user user;
	const char *name;
	size_t i;

	if (!has_driver(safety, link, "virtio_console") ||
	    !has_console(safety, link))
		return;
	for (i = 0; i < ttys->count; i++) {
		name = ttys->links[i].name;
		if (strncmp(name, "hvc", 3) != 0 || strlen(name) >= CONSOLE_LEN)
			continue;
		if (gets_messages(safety, name))
			vp_safety_add(uses, VP_USE_CONSOLE, false,
				      "a console is on it (%s)", name);
		snprintf(file, sizeof(file), "/dev/%s", name);
		if (!vp_use_open(safety, file, &user))
			continue;
		vp_safety_print_user(&user, who, sizeof(who));
		vp_safety_add(uses, VP_USE_OPEN, false, "%s has %s open", who,
			      file);
	}
}

/**
 * vp_use_virtio() - how a virtio device is used that has neither disk nor network
 * @safety: what the host is up to
 * @dev: the device
 * @uses: what is found is added to it
 *
 * Ports that are no consoles have device files, which vp_use_others() looks at.
 */
void vp_use_virtio(struct vp_safety *safety, const struct vp_host_dev *dev,
		   struct vp_uses *uses)
{
	const struct vp_links *links = vp_use_links(safety, VP_LINK_VIRTIO);
	struct share virtiofs = {
		.safety = safety, .type = "virtiofs", .driver = "virtiofs",
	};
	struct share p9 = {
		.safety = safety, .type = "9p", .driver = "9pnet_virtio",
	};
	const struct vp_link *link;
	size_t i;

	for (i = 0; i < links->count; i++) {
		link = &links->links[i];
		if (!vp_use_is_behind(link, dev))
			continue;
		tell_share(&p9, link, uses);
		tell_share(&virtiofs, link, uses);
		tell_consoles(safety, link, uses);
	}
}
