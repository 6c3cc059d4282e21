/* SPDX-License-Identifier: GPL-2.0-only */
/* A made-up host that is up to something, for tests of what uses a device. */
#ifndef VFIOPOLICY_TESTS_USES_H
#define VFIOPOLICY_TESTS_USES_H

#include "safety.h"
#include "tap.h"
#include "tree.h"

static struct vp_host uses_host;
static char uses_proc[64], uses_dev[64], uses_addresses[64];
static const char *uses_ssh;
static int uses_pid;
static bool uses_ask;

/* A new tree; what is mounted comes with it. */
static inline void uses_make(const char *mountinfo)
{
	if (strcmp(tree_root + strlen(tree_root) - 6, "XXXXXX") != 0)
		tree_remove();
	memcpy(tree_root + strlen(tree_root) - 6, "XXXXXX", 6);
	tree_make();
	tree_dir("proc/self");
	tree_dir("proc/net");
	tree_dir("dev");
	tree_text("proc/self", "mountinfo", mountinfo);
	tree_text("proc", "addresses", "");
	snprintf(uses_proc, sizeof(uses_proc), "%s/proc", tree_root);
	snprintf(uses_dev, sizeof(uses_dev), "%s/dev", tree_root);
	snprintf(uses_addresses, sizeof(uses_addresses), "%s/proc/addresses",
		 tree_root);
	uses_ssh = NULL;
	uses_pid = 0;
	uses_ask = false;
}

/* The uses of a device; everything is read anew. */
static inline void uses_of(const char *address, struct vp_uses *uses)
{
	const struct vp_safety_paths paths = {
		.proc = uses_proc, .dev = uses_dev,
		.addresses = uses_ask ? NULL : uses_addresses, .ssh = uses_ssh, .pid = uses_pid,
	};
	const struct vp_host_dev *dev;
	struct vp_safety safety;

	memset(uses, 0, sizeof(*uses));
	if (vp_host_open(&uses_host, tree_root, "/nonexistent/pci.ids") ||
	    vp_safety_open(&safety, &uses_host, &paths))
		tree_fail("made-up host");
	dev = vp_host_find(&uses_host, address);
	if (dev)
		vp_safety_uses(&safety, dev, uses);
	vp_safety_close(&safety);
	vp_host_close(&uses_host);
}

/* All that is said of a device, a line each. */
static inline void uses_are(const char *address, const char *want,
			    const char *desc)
{
	static struct vp_uses uses;
	char text[VP_USE_LEN * 8] = "";
	size_t i, len = 0;

	uses_of(address, &uses);
	for (i = 0; i < uses.count && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s%s: %s", i ? "\n" : "",
					vp_safety_kind_name(uses.uses[i].kind),
					uses.uses[i].text);
	is(text, want, desc);
}

/* A process; @cmdline has NULs. */
static inline void uses_process(int pid, const char *comm, const char *cmdline,
				size_t len)
{
	char dir[256], path[512];

	snprintf(dir, sizeof(dir), "proc/%d/fd", pid);
	tree_dir(dir);
	snprintf(dir, sizeof(dir), "proc/%d", pid);
	tree_text(dir, "comm", comm);
	snprintf(path, sizeof(path), "%s/cmdline", dir);
	tree_put(path, cmdline, len);
}

/* A character device, in devices/@above. */
static inline void uses_node(const char *above, const char *number,
			     const char *name)
{
	char dir[512], target[512 + 16], text[128];

	snprintf(dir, sizeof(dir), "devices/%s", above);
	tree_dir(dir);
	snprintf(text, sizeof(text), "MAJOR=1\nMINOR=2\nDEVNAME=%s\nX=y\n", name);
	tree_text(dir, "uevent", text);
	tree_dir("dev/char");
	snprintf(target, sizeof(target), "../../%s", dir);
	snprintf(dir, sizeof(dir), "dev/char/%s", number);
	tree_symlink(dir, target);
}

static inline void uses_descriptor(int pid, int fd, const char *file)
{
	char path[512];

	snprintf(path, sizeof(path), "proc/%d/fd/%d", pid, fd);
	tree_symlink(path, file);
}

#endif /* VFIOPOLICY_TESTS_USES_H */
