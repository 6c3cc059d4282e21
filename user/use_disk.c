// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands on the disks behind a device: partitions, what is stacked upon
 * them (LVM, MD, dm-crypt, bcache and so on, by the holders that the kernel
 * lists), file systems and swap on any of it; who has one of them open, and which
 * other hosts; and, for what the kernel does not list, whether it has claimed a disk (ZFS, what is
 * mounted in another namespace) and what a disk's own marks say.
 */
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <blkid/blkid.h>
#include <libmount/libmount.h>

#include "peek.h"
#include "safety.h"

/* Room for the name of a mapping and what it is. */
#define LABEL_LEN	160
/* Block devices of one PCI device, with all that is stacked upon them. */
#define NODES_MAX	4096
/* Below sysfs: what the kernel exports to other hosts. */
#define NVMET		"kernel/config/nvmet/subsystems"
#define LIO		"kernel/config/target/core"
#define SUBSYSTEM	"/nvme-subsystem/"

/**
 * struct node - a block device on the way up
 * @name: what the kernel calls it
 * @mapped: its name below /dev/mapper; empty for none
 * @label: what to call it
 * @number: major:minor
 * @below: number of the node that it stands on, or -1
 * @usb: it hangs off USB
 * @held: something stands on it
 * @used: its use has been told
 */
struct node {
	char name[VP_HOST_LEN];
	char mapped[LABEL_LEN];
	char label[LABEL_LEN];
	char number[VP_HOST_LEN];
	int below;
	bool usb;
	bool held;
	bool used;
};

/**
 * struct stack - all block devices of one PCI device
 * @safety: what the host is up to
 * @uses: what is known of the device so far
 * @nodes: the block devices, each behind the one that it stands on
 * @count: number of @nodes
 */
struct stack {
	struct vp_safety *safety;
	struct vp_uses *uses;
	struct node *nodes;
	size_t count;
};

static const char *sysfs(const struct stack *stack)
{
	return stack->safety->host->sysfs;
}

/* A list that cannot be had may have had a use in it. Return: its length. */
static int had(const struct stack *stack, int count)
{
	if (count < 0)
		vp_safety_fail(stack->safety, "disks", count);
	return count;
}

/* What a block device is called, by what made it. */
static void label(const struct stack *stack, struct node *node)
{
	char uuid[LABEL_LEN], level[VP_HOST_LEN];
	const char *what;

	vp_peek_text(uuid, sizeof(uuid), "%s/class/block/%s/dm/uuid",
		     sysfs(stack), node->name);
	vp_peek_text(node->mapped, sizeof(node->mapped),
		     "%s/class/block/%s/dm/name", sysfs(stack), node->name);
	if (node->mapped[0]) {
		what = !strncmp(uuid, "LVM-", 4) ? "LVM" :
		       !strncmp(uuid, "CRYPT-", 6) ? "dm-crypt" :
		       !strncmp(uuid, "mpath-", 6) ? "multipath" :
						     "device mapper";
		snprintf(node->label, sizeof(node->label), "%s %.128s", what,
			 node->mapped);
	} else if (vp_peek_text(level, sizeof(level),
				"%s/class/block/%s/md/level", sysfs(stack),
				node->name)) {
		snprintf(node->label, sizeof(node->label), "MD %s (%s)",
			 node->name, level);
	} else if (!strncmp(node->name, "bcache", 6)) {
		snprintf(node->label, sizeof(node->label), "bcache %s",
			 node->name);
	} else {
		snprintf(node->label, sizeof(node->label), "/dev/%s",
			 node->name);
	}
}

static bool has_node(const struct stack *stack, const char *name)
{
	size_t i;

	for (i = 0; i < stack->count; i++)
		if (!strcmp(stack->nodes[i].name, name))
			return true;
	return false;
}

static void add_node(struct stack *stack, const char *name, int below, bool usb)
{
	struct node *node;

	if (has_node(stack, name))
		return;
	if (stack->count == NODES_MAX || strlen(name) >= sizeof(node->name)) {
		vp_safety_fail(stack->safety, "disks", -E2BIG);
		return;
	}
	node = &stack->nodes[stack->count++];
	memset(node, 0, sizeof(*node));
	snprintf(node->name, sizeof(node->name), "%s", name);
	node->below = below;
	node->usb = usb;
	vp_peek_text(node->number, sizeof(node->number),
		     "%s/class/block/%s/dev", sysfs(stack), name);
	label(stack, node);
}

/*
 * With NVMe multipath a disk hangs off a subsystem, and that has controllers.
 * The use of the disk is a use of each of them.
 */
static bool is_of_subsystem(const struct stack *stack, const char *target,
			    const struct vp_host_dev *dev)
{
	const char *subsystem = strstr(target, SUBSYSTEM);
	char controller[VP_PEEK_LEN];
	struct dirent **names;
	bool found = false;
	int count, i, len;

	if (!subsystem)
		return false;
	subsystem += strlen(SUBSYSTEM);
	len = (int)strcspn(subsystem, "/");
	count = had(stack, vp_peek_list(&names, "%s/class/nvme-subsystem/%.*s",
					sysfs(stack), len, subsystem));
	for (i = 0; i < count && !found; i++)
		found = vp_peek_link(controller, sizeof(controller),
				     "%s/class/nvme-subsystem/%.*s/%s",
				     sysfs(stack), len, subsystem,
				     names[i]->d_name) &&
			vp_peek_has_part(controller, dev->address);
	vp_peek_free(names, count);
	return found;
}

/* The disks and partitions that hang off the device. */
static void find_disks(struct stack *stack, const struct vp_host_dev *dev)
{
	const struct vp_links *blocks = vp_use_links(stack->safety,
						     VP_LINK_BLOCK);
	const struct vp_link *link;
	size_t i;

	for (i = 0; i < blocks->count; i++) {
		link = &blocks->links[i];
		if (vp_use_is_behind(link, dev) ||
		    is_of_subsystem(stack, link->target, dev))
			add_node(stack, link->name, -1, vp_use_is_usb(link));
	}
}

/* Partitions of what is no disk itself, such as an array, are no holders. */
static void find_partitions(struct stack *stack, size_t at)
{
	const char *name = stack->nodes[at].name;
	struct dirent **names;
	int count, i;

	count = had(stack, vp_peek_list(&names, "%s/class/block/%s",
					sysfs(stack), name));
	for (i = 0; i < count; i++) {
		if (strncmp(names[i]->d_name, name, strlen(name)) != 0 ||
		    !vp_peek_exists("%s/class/block/%s/%s/partition",
				    sysfs(stack), name, names[i]->d_name))
			continue;
		add_node(stack, names[i]->d_name, (int)at,
			 stack->nodes[at].usb);
		stack->nodes[at].held = true;
	}
	vp_peek_free(names, count);
}

/* A loop device may be on a disk as well as on a file, and is no holder. */
static void find_loops(struct stack *stack, size_t at)
{
	const struct vp_links *blocks = vp_use_links(stack->safety,
						     VP_LINK_BLOCK);
	const struct node *node = &stack->nodes[at];
	char file[VP_PEEK_LEN];
	const char *name;
	size_t i;

	for (i = 0; i < blocks->count; i++) {
		name = blocks->links[i].name;
		if (strncmp(name, "loop", 4) != 0 ||
		    !vp_peek_text(file, sizeof(file),
				  "%s/class/block/%s/loop/backing_file",
				  sysfs(stack), name) ||
		    strncmp(file, "/dev/", 5) != 0 ||
		    (strcmp(file + 5, node->name) != 0 &&
		     (!node->mapped[0] || strncmp(file + 5, "mapper/", 7) != 0 ||
		      strcmp(file + 12, node->mapped) != 0)))
			continue;
		add_node(stack, name, (int)at, node->usb);
		stack->nodes[at].held = true;
	}
}

/* All that stands on them; what is added is looked at in its turn. */
static void find_holders(struct stack *stack)
{
	struct dirent **names;
	int count, i;
	size_t at;

	for (at = 0; at < stack->count; at++) {
		count = had(stack, vp_peek_list(&names,
						"%s/class/block/%s/holders",
						sysfs(stack),
						stack->nodes[at].name));
		stack->nodes[at].held = count > 0;
		for (i = 0; i < count; i++)
			add_node(stack, names[i]->d_name, (int)at,
				 stack->nodes[at].usb);
		vp_peek_free(names, count);
		if (stack->nodes[at].below >= 0)
			find_partitions(stack, at);
		find_loops(stack, at);
	}
}

/* "LVM vg0-root on MD md0 (raid1) on /dev/nvme0n1p3" */
static void chain(const struct stack *stack, const struct node *node, char *buf,
		  size_t size)
{
	snprintf(buf, size, "%s", node->label);
	while (node->below >= 0) {
		node = &stack->nodes[node->below];
		vp_peek_append(buf, size, " on %s", node->label);
	}
}

/* Is @source, from a table of mounts or swaps, this block device? */
static bool is_source(const struct stack *stack, const struct node *node,
		      const char *source)
{
	char path[VP_PEEK_LEN], target[VP_PEEK_LEN];

	if (!source || strncmp(source, "/dev/", 5) != 0)
		return false;
	source += 5;
	if (!strcmp(source, node->name))
		return true;
	if (node->mapped[0] && !strncmp(source, "mapper/", 7) &&
	    !strcmp(source + 7, node->mapped))
		return true;
	/* By a link of udev's, such as disk/by-uuid/... */
	snprintf(path, sizeof(path), "%s/%s", stack->safety->paths.dev, source);
	return strchr(source, '/') && realpath(path, target) &&
	       !strcmp(vp_peek_base(target), node->name);
}

/* A file system of several disks has a number of its own: see btrfs. */
static bool is_of_btrfs(const struct stack *stack, const struct node *node,
			const char *source)
{
	struct dirent **names;
	bool found = false;
	int count, i;

	if (!source || strncmp(source, "/dev/", 5) != 0)
		return false;
	count = had(stack, vp_peek_list(&names, "%s/fs/btrfs", sysfs(stack)));
	for (i = 0; i < count && !found; i++)
		found = vp_peek_exists("%s/fs/btrfs/%s/devices/%s",
				       sysfs(stack), names[i]->d_name,
				       node->name) &&
			vp_peek_exists("%s/fs/btrfs/%s/devices/%s",
				       sysfs(stack), names[i]->d_name,
				       vp_peek_base(source));
	vp_peek_free(names, count);
	return found;
}

static bool is_mount_of(const struct stack *stack, const struct node *node,
			struct libmnt_fs *fs)
{
	const char *type = mnt_fs_get_fstype(fs);
	const char *source = mnt_fs_get_source(fs);
	dev_t number = mnt_fs_get_devno(fs);
	char text[VP_HOST_LEN];

	snprintf(text, sizeof(text), "%u:%u", major(number), minor(number));
	if (major(number))
		return !strcmp(text, node->number);
	return is_source(stack, node, source) ||
	       (type && !strcmp(type, "btrfs") &&
		is_of_btrfs(stack, node, source));
}

/* The mount with the shortest path stands for all of one block device. */
static void tell_mounts(struct stack *stack, struct node *node)
{
	struct libmnt_iter *iter = stack->safety->iter;
	struct libmnt_fs *fs, *best = NULL;
	char where[VP_USE_LEN], more[48] = "";
	size_t count = 0;

	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (!mnt_table_next_fs(stack->safety->mounts, iter, &fs)) {
		if (!mnt_fs_get_target(fs) || !is_mount_of(stack, node, fs))
			continue;
		if (!count++ || strlen(mnt_fs_get_target(fs)) <
				strlen(mnt_fs_get_target(best)))
			best = fs;
	}
	if (!best)
		return;
	node->used = true;
	chain(stack, node, where, sizeof(where));
	if (count > 1)
		snprintf(more, sizeof(more), ", and %zu more mount%s", count - 1,
			 count == 2 ? "" : "s");
	vp_safety_add(stack->uses, VP_USE_MOUNT, node->usb,
		      "%.100s is on it (%s on %s)%s", mnt_fs_get_target(best),
		      mnt_fs_get_fstype(best) ? mnt_fs_get_fstype(best) :
						"a file system", where, more);
}

static void tell_swap(struct stack *stack, struct node *node)
{
	struct libmnt_iter *iter = stack->safety->iter;
	char where[VP_USE_LEN];
	struct libmnt_fs *fs;

	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (!mnt_table_next_fs(stack->safety->swaps, iter, &fs)) {
		if (!is_source(stack, node, mnt_fs_get_source(fs)))
			continue;
		node->used = true;
		chain(stack, node, where, sizeof(where));
		vp_safety_add(stack->uses, VP_USE_SWAP, node->usb,
			      "swap is on it (%s)", where);
	}
}

/* By each of the names that a process may have opened it by. */
static void tell_open(struct stack *stack, struct node *node)
{
	const char * const names[] = { node->name, node->mapped };
	char file[LABEL_LEN + 16], who[VP_USE_LEN / 2];
	struct vp_user user;
	size_t i, count;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(file, sizeof(file), "/dev/%s%s", i ? "mapper/" : "",
			 names[i]);
		count = names[i][0] ? vp_use_open(stack->safety, file, &user) :
				      0;
		if (!count)
			continue;
		node->used = true;
		vp_safety_print_user(&user, who, sizeof(who));
		vp_safety_add(stack->uses, VP_USE_DISK_OPEN, node->usb,
			      "%s has %s open%s", who, file, count > 1 ?
			      ", and so have others" : "");
	}
}

/* Is an export turned on, and what is exported? */
static bool is_exported(char *path, const char *dir, const char *file)
{
	return vp_peek_text(path, VP_PEEK_LEN, "%s/enable", dir) &&
	       !strcmp(path, "1") &&
	       vp_peek_text(path, VP_PEEK_LEN, "%s/%s", dir, file);
}

/*
 * Over NVMe, or as SCSI by LIO. The folder has others in it: subsystems, or what
 * LIO calls an adapter; those have the exports, perhaps a folder further down.
 */
static void tell_exports(struct stack *stack, struct node *node,
			 const char *folder, const char *below, const char *file)
{
	char dir[VP_PEEK_LEN], path[VP_PEEK_LEN];
	struct dirent **above, **names;
	int count, n, i, k;

	count = vp_peek_list(&above, "%s/%s", sysfs(stack), folder);
	for (i = 0; i < count; i++) {
		n = vp_peek_list(&names, "%s/%s/%s%s", sysfs(stack), folder,
				 above[i]->d_name, below);
		for (k = 0; k < n; k++) {
			snprintf(dir, sizeof(dir), "%s/%s/%s%s/%s",
				 sysfs(stack), folder, above[i]->d_name, below,
				 names[k]->d_name);
			if (!is_exported(path, dir, file) ||
			    !is_source(stack, node, path))
				continue;
			node->used = true;
			vp_safety_add(stack->uses, VP_USE_EXPORT, node->usb,
				      below[0] ?
				      "%s is exported over NVMe-oF as %.160s namespace %.32s" :
				      "%s is exported by LIO as %.32s/%.160s",
				      node->label, above[i]->d_name,
				      names[k]->d_name);
		}
		vp_peek_free(names, n);
	}
	vp_peek_free(above, count);
}

/* A whole NVMe controller that is exported, with all that it has. */
static void tell_passthrough(struct stack *stack, const struct vp_host_dev *dev)
{
	char dir[VP_PEEK_LEN], path[VP_PEEK_LEN], target[VP_PEEK_LEN];
	struct dirent **names;
	int count, i;

	count = vp_peek_list(&names, "%s/" NVMET, sysfs(stack));
	for (i = 0; i < count; i++) {
		snprintf(dir, sizeof(dir), "%s/" NVMET "/%s/passthru",
			 sysfs(stack), names[i]->d_name);
		if (is_exported(path, dir, "device_path") &&
		    vp_peek_link(target, sizeof(target), "%s/class/nvme/%s",
				 sysfs(stack), vp_peek_base(path)) &&
		    vp_peek_has_part(target, dev->address))
			vp_safety_add(stack->uses, VP_USE_EXPORT, false,
				      "all of it (%.32s) is exported over NVMe-oF as %.160s",
				      path, names[i]->d_name);
	}
	vp_peek_free(names, count);
}

/* What stands on a disk and has nothing on itself that is known. */
static void tell_stack(struct stack *stack, const struct node *node)
{
	char where[VP_USE_LEN];

	if (node->below < 0 || node->held || node->used)
		return;
	chain(stack, &stack->nodes[node->below], where, sizeof(where));
	vp_safety_add(stack->uses, VP_USE_STACK, node->usb,
		      "%s is on it (on %s), not mounted", node->label, where);
}

/* A pool that is imported, and the file system of it with the shortest path. */
static bool tell_pool(struct stack *stack, const struct node *node,
		      const char *pool)
{
	struct libmnt_iter *iter = stack->safety->iter;
	const char *source, *target, *best = NULL;
	size_t len = strlen(pool);
	struct libmnt_fs *fs;

	mnt_reset_iter(iter, MNT_ITER_FORWARD);
	while (!mnt_table_next_fs(stack->safety->mounts, iter, &fs)) {
		source = mnt_fs_get_source(fs);
		target = mnt_fs_get_target(fs);
		if (!source || !target || !mnt_fs_get_fstype(fs) ||
		    strcmp(mnt_fs_get_fstype(fs), "zfs") != 0 ||
		    strncmp(source, pool, len) != 0 ||
		    (source[len] && source[len] != '/'))
			continue;
		if (!best || strlen(target) < strlen(best))
			best = target;
	}
	if (best)
		vp_safety_add(stack->uses, VP_USE_MOUNT, node->usb,
			      "%.100s is on it (ZFS pool %.64s on %s)", best,
			      pool, node->label);
	if (best)
		return true;
	if (strchr(pool, '/') || pool[0] == '.' ||
	    !vp_peek_exists("%s/spl/kstat/zfs/%s", stack->safety->paths.proc,
			    pool))
		return false;
	vp_safety_add(stack->uses, VP_USE_POOL, node->usb,
		      "ZFS pool %.64s is imported from it (%s)", pool,
		      node->label);
	return true;
}

/*
 * Opens the device file, if it is that of this block device. A disk that the
 * kernel has claimed for something, whatever it is, says so to who wants it for
 * himself alone. Return: a descriptor, or -1; @claimed is set.
 */
static int open_node(const struct stack *stack, const struct node *node,
		     bool *claimed)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	char path[VP_PEEK_LEN], number[VP_HOST_LEN];
	struct stat st;
	int fd;

	*claimed = false;
	snprintf(path, sizeof(path), "%s/%s", stack->safety->paths.dev,
		 node->name);
	if (stat(path, &st))
		return -1;
	snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	/* A plain file is an image, in tests. */
	if (S_ISBLK(st.st_mode) ? strcmp(number, node->number) != 0 :
				  !S_ISREG(st.st_mode))
		return -1;
	if (S_ISBLK(st.st_mode)) {
		fd = open(path, flags | O_EXCL);
		*claimed = fd < 0 && errno == EBUSY;
		if (fd >= 0)
			close(fd);
	}
	return open(path, flags);
}

/*
 * What nothing else has told of: what its own marks say. A disk is claimed along
 * with each of its partitions, so once something is @known that is passed over.
 */
static void tell_signature(struct stack *stack, const struct node *node,
			   bool known)
{
	const char *type = NULL, *name = NULL;
	blkid_probe probe = NULL;
	bool claimed;
	int fd;

	fd = open_node(stack, node, &claimed);
	if (fd >= 0)
		probe = blkid_new_probe();
	if (fd >= 0 && !probe)
		vp_safety_fail(stack->safety, "what is on disks", -ENOMEM);
	if (probe && !blkid_probe_set_device(probe, fd, 0, 0)) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE |
						  BLKID_SUBLKS_LABEL);
		if (!blkid_do_safeprobe(probe)) {
			blkid_probe_lookup_value(probe, "TYPE", &type, NULL);
			blkid_probe_lookup_value(probe, "LABEL", &name, NULL);
		}
	}
	if (type && name && !strcmp(type, "zfs_member") &&
	    tell_pool(stack, node, name))
		;
	else if (claimed && !known)
		vp_safety_add(stack->uses, VP_USE_CLAIMED, node->usb,
			      "the kernel uses %s for something%s%s%s",
			      node->label, type ? " (" : "", type ? type : "",
			      type ? " is on it)" : "");
	else if (type && !known)
		vp_safety_add(stack->uses, VP_USE_DATA, node->usb,
			      "%s has data on it: %s%s%.64s%s, not in use",
			      node->label, type, name ? " \"" : "",
			      name ? name : "", name ? "\"" : "");
	blkid_free_probe(probe);
	if (fd >= 0)
		close(fd);
}

/**
 * vp_use_disks() - how the disks behind a device are used
 * @safety: what the host is up to
 * @dev: the device
 * @uses: what is found is added to it
 */
void vp_use_disks(struct vp_safety *safety, const struct vp_host_dev *dev,
		  struct vp_uses *uses)
{
	struct stack stack = { .safety = safety, .uses = uses };
	size_t i;

	stack.nodes = calloc(NODES_MAX, sizeof(*stack.nodes));
	if (!stack.nodes) {
		vp_safety_fail(safety, "disks", -ENOMEM);
		return;
	}
	tell_passthrough(&stack, dev);
	find_disks(&stack, dev);
	find_holders(&stack);
	for (i = 0; i < stack.count; i++) {
		tell_mounts(&stack, &stack.nodes[i]);
		tell_swap(&stack, &stack.nodes[i]);
		tell_open(&stack, &stack.nodes[i]);
		tell_exports(&stack, &stack.nodes[i], NVMET, "/namespaces",
			     "device_path");
		tell_exports(&stack, &stack.nodes[i], LIO, "", "udev_path");
		tell_stack(&stack, &stack.nodes[i]);
	}
	/* Partitions before their disks. */
	for (i = stack.count; i--;)
		if (!stack.nodes[i].held && !stack.nodes[i].used)
			tell_signature(&stack, &stack.nodes[i],
				       vp_safety_refusing(uses, false));
	free(stack.nodes);
}
