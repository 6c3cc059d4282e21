/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who uses a device: what would be missed if it were taken from the host. By
 * what is really so at this moment, never by what kind of device it is.
 */
#ifndef VFIOPOLICY_SAFETY_H
#define VFIOPOLICY_SAFETY_H

#include "host.h"

/* Room for what is said of one use. */
#define VP_USE_LEN	320
/* Uses of one device that are told; the others are counted. */
#define VP_USES_MAX	24
/* Room for the name of a virtual machine. */
#define VP_USER_VM_LEN	64
/* Room for two addresses and two ports. */
#define VP_USER_SSH_LEN	160

/**
 * enum vp_use_kind - how something uses a device
 * @VP_USE_UNKNOWN: what uses it could not be looked at in full
 * @VP_USE_SSH: the ssh login of whoever asks comes in over it
 * @VP_USE_MOUNT: a file system that is mounted is on it
 * @VP_USE_SWAP: the host swaps to it
 * @VP_USE_STACK: another block device stands on it
 * @VP_USE_POOL: a ZFS pool that is imported is on it
 * @VP_USE_EXPORT: other hosts have a disk of it, or all of it
 * @VP_USE_CLAIMED: the kernel has claimed a disk of it, for what is not known
 * @VP_USE_DISK_OPEN: a process has a disk of it open
 * @VP_USE_DEFAULT_ROUTE: the default route goes over it
 * @VP_USE_REMOTE: a file system or a disk of another host is reached over it
 * @VP_USE_ADDRESS: the host has an address on it
 * @VP_USE_ROUTE: another route goes over it
 * @VP_USE_MEMBER: a bond, bridge, team or such is on it
 * @VP_USE_BOOT_VGA: it is the display that the firmware used
 * @VP_USE_ONLY_GPU: no other device of the host has an outlet for a display
 * @VP_USE_CONSOLE: a console is on it
 * @VP_USE_KEYBOARD: a keyboard is on it
 * @VP_USE_OPEN: a process has a device file of it open, other than a disk's
 * @VP_USE_MDEV: mediated devices are on it
 * @VP_USE_VFS: it has VFs
 * @VP_USE_DATA: there is data on it that nobody uses now
 * @VP_USE_VFIO: it is with vfio, and a process has it open
 *
 * The worst come first. The last two take nothing from the host.
 */
enum vp_use_kind {
	VP_USE_UNKNOWN,
	VP_USE_SSH,
	VP_USE_MOUNT,
	VP_USE_SWAP,
	VP_USE_STACK,
	VP_USE_POOL,
	VP_USE_EXPORT,
	VP_USE_CLAIMED,
	VP_USE_DISK_OPEN,
	VP_USE_DEFAULT_ROUTE,
	VP_USE_REMOTE,
	VP_USE_ADDRESS,
	VP_USE_ROUTE,
	VP_USE_MEMBER,
	VP_USE_BOOT_VGA,
	VP_USE_ONLY_GPU,
	VP_USE_CONSOLE,
	VP_USE_KEYBOARD,
	VP_USE_OPEN,
	VP_USE_MDEV,
	VP_USE_VFS,
	VP_USE_DATA,
	VP_USE_VFIO,
};

/**
 * struct vp_use - one use of a device
 * @kind: how it is used
 * @usb: by something on its USB
 * @text: a clause that tells it: "/ is on it (ext4 on /dev/nvme0n1p3)"
 */
struct vp_use {
	enum vp_use_kind kind;
	bool usb;
	char text[VP_USE_LEN];
};

/**
 * struct vp_uses - the uses of one device, the worst first
 * @count: number of @uses
 * @more: how many there was no room for
 * @uses: the uses
 */
struct vp_uses {
	size_t count;
	size_t more;
	struct vp_use uses[VP_USES_MAX];
};

/**
 * struct vp_user - a process that has something open
 * @pid: its number; 0 for none
 * @command: what it is called
 * @vm: the virtual machine that it runs; empty when it runs none
 */
struct vp_user {
	int pid;
	char command[VP_HOST_LEN];
	char vm[VP_USER_VM_LEN];
};

/**
 * struct vp_safety_paths - where to look
 * @proc: procfs
 * @dev: the folder of device files
 * @addresses: a file with a line "INTERFACE ADDRESS" for each address of the
 *             host; NULL to ask the kernel
 * @ssh: as the environment variable SSH_CONNECTION; NULL to look for it in
 *       those of @pid and of the processes that started it
 * @pid: whose login it is; 0 for nobody's
 *
 * Sysfs is the one that the host was read from.
 */
struct vp_safety_paths {
	const char *proc;
	const char *dev;
	const char *addresses;
	const char *ssh;
	int pid;
};

/**
 * enum vp_link_class - folders of sysfs whose links say where a thing hangs
 * @VP_LINK_BLOCK: block devices
 * @VP_LINK_NET: network interfaces
 * @VP_LINK_CHAR: character devices
 * @VP_LINK_DRM: displays and their outlets
 * @VP_LINK_GRAPHICS: framebuffers
 * @VP_LINK_TTY: terminals
 * @VP_LINK_INPUT: keyboards, mice and such
 * @VP_LINK_MDEV: mediated devices
 * @VP_LINK_VIRTIO: virtio devices
 * @VP_LINK_CLASSES: how many there are
 */
enum vp_link_class {
	VP_LINK_BLOCK,
	VP_LINK_NET,
	VP_LINK_CHAR,
	VP_LINK_DRM,
	VP_LINK_GRAPHICS,
	VP_LINK_TTY,
	VP_LINK_INPUT,
	VP_LINK_MDEV,
	VP_LINK_VIRTIO,
	VP_LINK_CLASSES,
};

/**
 * struct vp_link - a thing that hangs off some device
 * @name: its name
 * @target: where it is in sysfs
 */
struct vp_link {
	char *name;
	char *target;
};

/**
 * struct vp_links - the things of one class, numbers in their order
 * @read: they were read
 * @count: number of @links
 * @links: the things
 */
struct vp_links {
	bool read;
	size_t count;
	struct vp_link *links;
};

struct libmnt_iter;
struct libmnt_table;
struct vp_open;
struct vp_net;

/**
 * struct vp_safety - what the host is up to
 * @host: the host
 * @paths: where to look
 * @mounts: what is mounted
 * @swaps: what is swapped to
 * @iter: to go over either of them, one at a time
 * @opens: device files that processes have open; NULL until they are asked for
 * @open_count: number of @opens
 * @links: things and what they hang off, each class read when it is asked for
 * @net: addresses and routes; NULL until they are asked for
 * @addresses: where the path of them is when it was made up
 * @ssh: where the login comes from; empty when it does not come by ssh
 * @failed: -errno of the first thing that could not be looked at; or 0
 * @failed_at: what that was
 *
 * Once something could not be looked at, no device counts as unused.
 */
struct vp_safety {
	const struct vp_host *host;
	struct vp_safety_paths paths;
	struct libmnt_table *mounts;
	struct libmnt_table *swaps;
	struct libmnt_iter *iter;
	struct vp_open *opens;
	size_t open_count;
	struct vp_links links[VP_LINK_CLASSES];
	struct vp_net *net;
	char *addresses;
	char ssh[VP_USER_SSH_LEN];
	int failed;
	const char *failed_at;
};

int vp_safety_open(struct vp_safety *safety, const struct vp_host *host,
		   const struct vp_safety_paths *paths);
void vp_safety_close(struct vp_safety *safety);
void vp_safety_uses(struct vp_safety *safety, const struct vp_host_dev *dev,
		    struct vp_uses *uses);
size_t vp_safety_refusing(const struct vp_uses *uses, bool later);
bool vp_safety_refuses(const struct vp_use *use, bool later);
u32 vp_safety_allow(const struct vp_use *use);
const char *vp_safety_in_use(const struct vp_use *use);
const char *vp_safety_kind_name(enum vp_use_kind kind);
bool vp_safety_vfio_user(struct vp_safety *safety, const char *address,
			 struct vp_user *user);
void vp_safety_print_user(const struct vp_user *user, char *buf, size_t size);

/* For use_*.c alone. */
__attribute__((format(printf, 4, 5)))
void vp_safety_add(struct vp_uses *uses, enum vp_use_kind kind, bool usb,
		   const char *fmt, ...);
void vp_safety_fail(struct vp_safety *safety, const char *what, int ret);

/* use_link.c */
const struct vp_links *vp_use_links(struct vp_safety *safety,
				    enum vp_link_class class);
bool vp_use_is_behind(const struct vp_link *link,
		      const struct vp_host_dev *dev);
bool vp_use_is_usb(const struct vp_link *link);
void vp_use_links_free(struct vp_safety *safety);

/* use_disk.c */
void vp_use_disks(struct vp_safety *safety, const struct vp_host_dev *dev,
		  struct vp_uses *uses);

/* use_net.c */
void vp_use_nets(struct vp_safety *safety, const struct vp_host_dev *dev,
		 struct vp_uses *uses);
void vp_use_nets_free(struct vp_net *net);

/* use_other.c */
void vp_use_others(struct vp_safety *safety, const struct vp_host_dev *dev,
		   struct vp_uses *uses);

/* use_virtio.c */
void vp_use_virtio(struct vp_safety *safety, const struct vp_host_dev *dev,
		   struct vp_uses *uses);

/* use_open.c */
size_t vp_use_open(struct vp_safety *safety, const char *file,
		   struct vp_user *user);
void vp_use_login(const struct vp_safety *safety, int pid, char *buf,
		  size_t size);

#endif /* VFIOPOLICY_SAFETY_H */
