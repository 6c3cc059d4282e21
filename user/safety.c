// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a device in use, by what, and what does that mean for taking it. What can
 * be found out is in use_*.c, a file for each kind of use.
 */
#include <stdarg.h>
#include <unistd.h>

#include <libmount/libmount.h>

#include "peek.h"
#include "rule.h"
#include "safety.h"

/**
 * struct kind - what a kind of use means
 * @name: how scripts see it
 * @refuses: the device is not taken from under it
 * @lasts: most likely it is so at the next boot, too
 * @allow: the word of a rule that makes an exception of it
 */
struct kind {
	const char *name;
	bool refuses;
	bool lasts;
	u32 allow;
};

static const struct kind kinds[] = {
	[VP_USE_UNKNOWN] = { "unknown", true, true, 0 },
	[VP_USE_SSH] = { "ssh", true, true, VP_ALLOW_NETWORK },
	[VP_USE_MOUNT] = { "mount", true, true, VP_ALLOW_STORAGE },
	[VP_USE_SWAP] = { "swap", true, true, VP_ALLOW_STORAGE },
	[VP_USE_STACK] = { "stack", true, true, VP_ALLOW_STORAGE },
	[VP_USE_POOL] = { "pool", true, true, VP_ALLOW_STORAGE },
	[VP_USE_EXPORT] = { "export", true, true, VP_ALLOW_STORAGE },
	[VP_USE_CLAIMED] = { "claimed", true, true, VP_ALLOW_STORAGE },
	[VP_USE_DISK_OPEN] = { "disk-open", true, true, VP_ALLOW_STORAGE },
	[VP_USE_DEFAULT_ROUTE] = { "default-route", true, true,
				   VP_ALLOW_NETWORK },
	[VP_USE_REMOTE] = { "remote", true, true, VP_ALLOW_NETWORK },
	[VP_USE_ADDRESS] = { "address", true, true, VP_ALLOW_NETWORK },
	[VP_USE_ROUTE] = { "route", true, true, VP_ALLOW_NETWORK },
	[VP_USE_MEMBER] = { "member", true, true, VP_ALLOW_NETWORK },
	[VP_USE_BOOT_VGA] = { "boot-vga", true, true, VP_ALLOW_BOOT_VGA },
	[VP_USE_ONLY_GPU] = { "only-gpu", true, true, VP_ALLOW_ONLY_GPU },
	[VP_USE_CONSOLE] = { "console", true, true, VP_ALLOW_CONSOLE },
	[VP_USE_KEYBOARD] = { "keyboard", true, true, VP_ALLOW_USB },
	[VP_USE_OPEN] = { "open", true, false, 0 },
	[VP_USE_MDEV] = { "mdev", true, false, 0 },
	[VP_USE_VFS] = { "vfs", true, false, 0 },
	[VP_USE_DATA] = { "data", false, true, 0 },
	[VP_USE_VFIO] = { "vfio", false, false, 0 },
};

/**
 * vp_safety_open() - take down what the host is up to
 * @safety: filled in; to be closed with vp_safety_close(), also after an error
 * @host: the host; of a snapshot nothing is in use
 * @paths: where to look; NULL for what the environment variables
 *         VFIOPOLICY_PROC and VFIOPOLICY_DEV say, or /proc and /dev
 *
 * Return: 0; or -errno when what is mounted cannot be read: then nothing can be
 * said of any device.
 */
int vp_safety_open(struct vp_safety *safety, const struct vp_host *host,
		   const struct vp_safety_paths *paths)
{
	const char *proc = getenv("VFIOPOLICY_PROC");
	const char *dev = getenv("VFIOPOLICY_DEV");
	char path[VP_PEEK_LEN];

	memset(safety, 0, sizeof(*safety));
	safety->host = host;
	if (paths) {
		safety->paths = *paths;
	} else {
		safety->paths.proc = proc ? proc : "/proc";
		safety->paths.dev = dev ? dev : "/dev";
		safety->paths.ssh = getenv("SSH_CONNECTION");
		safety->paths.pid = getppid();
		if (proc && asprintf(&safety->addresses, "%s/addresses",
				     proc) < 0)
			return -ENOMEM;
		safety->paths.addresses = safety->addresses;
	}
	if (!host->sysfs)
		return 0;
	/* sudo keeps it from us, but not from where we come from. */
	if (safety->paths.ssh)
		snprintf(safety->ssh, sizeof(safety->ssh), "%s",
			 safety->paths.ssh);
	else
		vp_use_login(safety, safety->paths.pid, safety->ssh,
			     sizeof(safety->ssh));
	safety->iter = mnt_new_iter(MNT_ITER_FORWARD);
	if (!safety->iter)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/self/mountinfo", safety->paths.proc);
	errno = 0;
	safety->mounts = mnt_new_table_from_file(path);
	if (!safety->mounts)
		return errno ? -errno : -EIO;
	/* A host without swap may have no such file. */
	safety->swaps = mnt_new_table();
	snprintf(path, sizeof(path), "%s/swaps", safety->paths.proc);
	if (safety->swaps && vp_peek_exists("%s", path) &&
	    mnt_table_parse_swaps(safety->swaps, path))
		return -EIO;
	return safety->swaps ? 0 : -ENOMEM;
}

/**
 * vp_safety_close() - forget what the host is up to
 * @safety: what it is up to
 */
void vp_safety_close(struct vp_safety *safety)
{
	mnt_unref_table(safety->mounts);
	mnt_unref_table(safety->swaps);
	mnt_free_iter(safety->iter);
	vp_use_nets_free(safety->net);
	vp_use_links_free(safety);
	free(safety->opens);
	free(safety->addresses);
	memset(safety, 0, sizeof(*safety));
}

/**
 * vp_safety_add() - tell of a use
 * @uses: the uses of a device
 * @kind: how it is used
 * @usb: by something on its USB
 * @fmt: a clause that tells it, as printf's
 */
void vp_safety_add(struct vp_uses *uses, enum vp_use_kind kind, bool usb,
		   const char *fmt, ...)
{
	struct vp_use *use;
	va_list ap;

	if (uses->count == VP_USES_MAX) {
		/* One that stands in the way goes before one that does not. */
		use = &uses->uses[uses->count - 1];
		uses->more++;
		if (kind >= use->kind)
			return;
	} else {
		use = &uses->uses[uses->count++];
	}
	use->kind = kind;
	use->usb = usb;
	va_start(ap, fmt);
	vsnprintf(use->text, sizeof(use->text), fmt, ap);
	va_end(ap);
	vp_peek_clean(use->text);
}

/**
 * vp_safety_fail() - take down that something could not be looked at
 * @safety: what the host is up to
 * @what: what it is, as in "network addresses"; it stays as it is
 * @ret: -errno
 */
void vp_safety_fail(struct vp_safety *safety, const char *what, int ret)
{
	if (safety->failed)
		return;
	safety->failed = ret;
	safety->failed_at = what;
}

static int by_weight(const void *a, const void *b)
{
	const struct vp_use *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->text, y->text);
}

/**
 * vp_safety_uses() - how a device is used
 * @safety: what the host is up to
 * @dev: the device
 * @uses: set to its uses, the worst first
 *
 * What could not be looked at is a use, too: what is not seen may be there.
 */
void vp_safety_uses(struct vp_safety *safety, const struct vp_host_dev *dev,
		    struct vp_uses *uses)
{
	memset(uses, 0, sizeof(*uses));
	if (!safety->host->sysfs)
		return;
	vp_use_disks(safety, dev, uses);
	vp_use_nets(safety, dev, uses);
	vp_use_others(safety, dev, uses);
	vp_use_virtio(safety, dev, uses);
	if (safety->failed)
		vp_safety_add(uses, VP_USE_UNKNOWN, false,
			      "what uses it cannot be told, for %s could not be looked at: %s",
			      safety->failed_at, strerror(-safety->failed));
	qsort(uses->uses, uses->count, sizeof(uses->uses[0]), by_weight);
}

/**
 * vp_safety_refuses() - does a use stand in the way of taking a device
 * @use: the use
 * @later: the device is to be taken at the next boot
 *
 * Return: true when it does.
 */
bool vp_safety_refuses(const struct vp_use *use, bool later)
{
	return kinds[use->kind].refuses && (!later || kinds[use->kind].lasts);
}

/**
 * vp_safety_refusing() - how many uses stand in the way of taking a device
 * @uses: its uses
 * @later: it is to be taken at the next boot
 *
 * Return: their number.
 */
size_t vp_safety_refusing(const struct vp_uses *uses, bool later)
{
	size_t i, count = 0;

	for (i = 0; i < uses->count; i++)
		count += vp_safety_refuses(&uses->uses[i], later);
	return count;
}

/**
 * vp_safety_allow() - the exception of a rule that is for a use
 * @use: the use
 *
 * Return: one bit of &enum vp_allow; 0 where there is none, as it will not be
 * so at the next boot.
 */
u32 vp_safety_allow(const struct vp_use *use)
{
	return kinds[use->kind].allow && use->usb ? (u32)VP_ALLOW_USB :
						    kinds[use->kind].allow;
}

/**
 * vp_safety_in_use() - what a refusal says before a use
 * @use: the use
 *
 * Return: words that read behind the address of the device.
 */
const char *vp_safety_in_use(const struct vp_use *use)
{
	return use->kind == VP_USE_UNKNOWN ? "may be in use by this host" :
					     "is in use by this host";
}

/**
 * vp_safety_kind_name() - a kind of use as scripts see it
 * @kind: the kind
 *
 * Return: its name.
 */
const char *vp_safety_kind_name(enum vp_use_kind kind)
{
	return kinds[kind].name;
}

/**
 * vp_safety_vfio_user() - who has a device open that is with vfio
 * @safety: what the host is up to
 * @address: the address of the device
 * @user: set to the process, pid 0 when none is known
 *
 * By the file of its group, or its own below /dev/vfio/devices. Another device
 * of the group may be what the process wants of it.
 *
 * Return: true when there is one. Where the processes could not be looked at,
 * that is taken down in @safety.
 */
bool vp_safety_vfio_user(struct vp_safety *safety, const char *address,
			 struct vp_user *user)
{
	const char *dir = safety->host->devices_dir;
	char group[VP_PEEK_LEN], file[sizeof("/dev/vfio/devices/") + NAME_MAX];
	struct dirent **names;
	int count, i;

	memset(user, 0, sizeof(*user));
	if (!dir)
		return false;
	if (vp_peek_link(group, sizeof(group), "%s/%s/iommu_group", dir,
			 address)) {
		snprintf(file, sizeof(file), "/dev/vfio/%.32s",
			 vp_peek_base(group));
		if (vp_use_open(safety, file, user))
			return true;
	}
	count = vp_peek_list(&names, "%s/%s/vfio-dev", dir, address);
	if (count < 0)
		vp_safety_fail(safety, "who has it open", count);
	for (i = 0; i < count && !user->pid; i++) {
		snprintf(file, sizeof(file), "/dev/vfio/devices/%s",
			 names[i]->d_name);
		vp_use_open(safety, file, user);
	}
	vp_peek_free(names, count);
	return user->pid;
}

/**
 * vp_safety_print_user() - who has something open
 * @user: the process
 * @buf: where to
 * @size: room in @buf
 */
void vp_safety_print_user(const struct vp_user *user, char *buf, size_t size)
{
	snprintf(buf, size, "%s %d%s%s",
		 user->command[0] ? user->command : "process", user->pid,
		 user->vm[0] ? ", VM " : "", user->vm);
}
