// SPDX-License-Identifier: GPL-2.0-only
/* The VFs of a device, and who would miss one: on a made-up sysfs. */
#include <stdarg.h>

#include "tap.h"
#include "tree.h"
#include "vfs.h"

#define PF "0000:03:00.0"

static struct vp_host host;

static void net(const char *address, const char *name, const char *flags)
{
	char path[TREE_LEN];

	tree_class("net", address, name);
	snprintf(path, sizeof(path), "devices/%s/%s", address, name);
	tree_text(path, "flags", flags);
}

static void make(void)
{
	tree_make();
	tree_device(PF, 0x8086, 0x10c9, 0x020000, 0, "../../drivers/igb", NULL,
		    NULL);
	tree_text("bus/pci/devices/" PF, "sriov_totalvfs", "7\n");
	tree_text("bus/pci/devices/" PF, "sriov_numvfs", "3\n");
	tree_text("bus/pci/devices/" PF, "sriov_drivers_autoprobe", "0\n");
	tree_device("0000:03:10.0", 0x8086, 0x10ca, 0x020000, 0,
		    "../../drivers/igbvf", NULL, "../" PF);
	tree_device("0000:03:10.2", 0x8086, 0x10ca, 0x020000, 0,
		    "../../drivers/igbvf", NULL, "../" PF);
	tree_device("0000:03:10.4", 0x8086, 0x10ca, 0x020000, 0,
		    "../../drivers/vfio-pci", NULL, "../" PF);
	/* Not in the order of their addresses. */
	tree_link(PF, "virtfn0", "../0000:03:10.4");
	tree_link(PF, "virtfn1", "../0000:03:10.2");
	tree_link(PF, "virtfn2", "../0000:03:10.0");
	net("0000:03:10.0", "eth5", "0x1003\n");
	net("0000:03:10.2", "eth6", "0x1002\n");
	tree_device("0000:04:00.0", 0x8086, 0x10c9, 0x020000, 0, NULL, NULL, NULL);
	if (vp_host_open(&host, tree_root, "/nonexistent"))
		tree_fail("vp_host_open");
}

static void reading(void)
{
	struct vp_vfs vfs;
	bool ordered;

	ok(!vp_vfs_read(&host, vp_host_find(&host, PF), &vfs) &&
	   vfs.total == 7 && vfs.present == 3 && !vfs.autoprobe, "a PF");
	ordered = vfs.count == 3 &&
		  !strcmp(vfs.devs[0]->address, "0000:03:10.4") &&
		  !strcmp(vfs.devs[2]->address, "0000:03:10.0");
	ok(ordered, "its VFs, by index");
	vp_vfs_free(&vfs);
	ok(vp_vfs_count(&host, vp_host_find(&host, PF)) == 3, "as they are made");
	ok(vp_vfs_read(&host, vp_host_find(&host, "0000:04:00.0"), &vfs) ==
	   -ENOENT, "a device without SR-IOV");
	vp_vfs_free(&vfs);
	tree_text("bus/pci/devices/" PF, "sriov_totalvfs", "many\n");
	ok(vp_vfs_read(&host, vp_host_find(&host, PF), &vfs) == -EINVAL,
	   "a file that is damaged");
	vp_vfs_free(&vfs);
}

static void uses(void)
{
	struct vp_nl_dev told = { .in_use = true };
	char text[VP_VFS_LEN], proc[PATH_MAX];
	char addresses[PATH_MAX];
	const struct vp_safety_paths paths = {
		.proc = proc, .dev = "/none", .addresses = addresses,
	};
	struct vp_safety safety;

	snprintf(proc, sizeof(proc), "%s/proc", tree_root);
	snprintf(addresses, sizeof(addresses), "%s/addresses", tree_root);
	tree_dir("proc/self");
	tree_text("proc/self", "mountinfo", "");
	tree_dir("proc/4711/fd");
	tree_text("proc/4711", "comm", "qemu-system-x86\n");
	tree_dir("bus/pci/devices/0000:03:10.4/vfio-dev/vfio3");
	vp_safety_open(&safety, &host, &paths);
	ok(vp_vfs_use(&safety, vp_host_find(&host, "0000:03:10.0"), NULL, text),
	   "an interface that is up");
	is(text, "is the host's interface eth5, which is up", "is named");
	ok(!vp_vfs_use(&safety, vp_host_find(&host, "0000:03:10.2"), NULL, text) &&
	   !text[0], "one that is down is nobody's");
	ok(!vp_vfs_use(&safety, vp_host_find(&host, "0000:03:10.4"), NULL, text),
	   "nor is one with vfio-pci that nobody has open");
	ok(vp_vfs_use(&safety, vp_host_find(&host, "0000:03:10.4"), &told, text),
	   "unless the module says so");
	vp_safety_close(&safety);
	tree_symlink("proc/4711/fd/7", "/dev/vfio/devices/vfio3");
	vp_safety_open(&safety, &host, &paths);
	ok(vp_vfs_use(&safety, vp_host_find(&host, "0000:03:10.4"), NULL, text),
	   "or a process has");
	is(text, "is in use by qemu 4711", "which one");
	tree_text("", "addresses", "eth6 10.0.0.5\n");
	vp_safety_close(&safety);
	vp_safety_open(&safety, &host, &paths);
	ok(vp_vfs_use(&safety, vp_host_find(&host, "0000:03:10.2"), NULL, text),
	   "or the host has it for something else");
	is(text, "is in use by this host: the host's address 10.0.0.5 is on it (eth6)",
	   "in which");
	vp_safety_fail(&safety, "memory", -ENOMEM);
	ok(vp_vfs_use(&safety, vp_host_find(&host, "0000:03:10.0"), NULL, text) &&
	   strstr(text, "may be in use by this host"),
	   "what cannot be looked at may be in use");
	vp_safety_close(&safety);
}

static void setting(void)
{
	char text[16] = "";
	char path[PATH_MAX];
	FILE *f;

	ok(!vp_vfs_set(&host, vp_host_find(&host, PF), 5), "their number is set");
	snprintf(path, sizeof(path), "%s/bus/pci/devices/" PF "/sriov_numvfs",
		 tree_root);
	f = fopen(path, "r");
	ok(f && fgets(text, sizeof(text), f) && text[0] == '5', "by sysfs");
	if (f)
		fclose(f);
	ok(vp_vfs_set(&host, vp_host_find(&host, "0000:04:00.0"), 5) == -ENOENT,
	   "where there is none");
}

int main(void)
{
	make();
	reading();
	uses();
	setting();
	vp_host_close(&host);
	tree_remove();
	return done();
}
