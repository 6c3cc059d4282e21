/* SPDX-License-Identifier: GPL-2.0-only */
/* A made-up sysfs in a temporary folder, for tests of what the host has. */
#ifndef VFIOPOLICY_TESTS_TREE_H
#define VFIOPOLICY_TESTS_TREE_H

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for a path from the root of sysfs on. */
#define TREE_LEN	2048

static char tree_root[] = "/tmp/vfiopolicy-test-XXXXXX";

static inline void tree_fail(const char *what)
{
	perror(what);
	printf("Bail out! %s\n", what);
	exit(1);
}

/* Makes a folder and those above it; all paths begin at the root of sysfs. */
static inline void tree_dir(const char *dir)
{
	char path[PATH_MAX], *p;

	snprintf(path, sizeof(path), "%s/%s/", tree_root, dir);
	for (p = path + strlen(tree_root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			tree_fail(path);
		*p = '/';
	}
}

static inline void tree_put(const char *file, const void *data, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", tree_root, file);
	/* Truncating a file that is there waits for the disk on ext4. */
	unlink(path);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		tree_fail(path);
}

static inline void tree_text(const char *dir, const char *file,
			     const char *text)
{
	char path[TREE_LEN];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	tree_put(path, text, strlen(text));
}

static inline void tree_symlink(const char *link, const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", tree_root, link);
	unlink(path);
	if (symlink(target, path))
		tree_fail(path);
}

static inline void tree_file(const char *address, const char *file,
			     const void *data, size_t len)
{
	char path[TREE_LEN];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", address, file);
	tree_put(path, data, len);
}

static inline void tree_link(const char *address, const char *file,
			     const char *target)
{
	char path[TREE_LEN];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", address, file);
	tree_symlink(path, target);
}

/* What is in the folder of every device. */
static inline void tree_fill(const char *address, unsigned int vendor,
			     unsigned int device, unsigned int class,
			     unsigned char header)
{
	unsigned char config[64] = { [0x0e] = header };
	char text[32];

	snprintf(text, sizeof(text), "0x%04x\n", vendor);
	tree_file(address, "vendor", text, strlen(text));
	snprintf(text, sizeof(text), "0x%04x\n", device);
	tree_file(address, "device", text, strlen(text));
	snprintf(text, sizeof(text), "0x%06x\n", class);
	tree_file(address, "class", text, strlen(text));
	tree_file(address, "subsystem_vendor", "0x1af4\n", 7);
	tree_file(address, "subsystem_device", "0x1100\n", 7);
	tree_file(address, "config", config, sizeof(config));
}

/*
 * A device in a plain folder: there is nothing above it. @driver, @group and
 * @physfn may be NULL; @header is the header type.
 */
static inline void tree_device(const char *address, unsigned int vendor,
			       unsigned int device, unsigned int class,
			       unsigned char header, const char *driver,
			       const char *group, const char *physfn)
{
	char path[TREE_LEN];

	snprintf(path, sizeof(path), "bus/pci/devices/%s", address);
	tree_dir(path);
	tree_fill(address, vendor, device, class, header);
	if (driver)
		tree_link(address, "driver", driver);
	if (group)
		tree_link(address, "iommu_group", group);
	if (physfn)
		tree_link(address, "physfn", physfn);
}

/* A device where the kernel has it, in devices/@above/@address. */
static inline void tree_below(const char *above, const char *address,
			      unsigned int vendor, unsigned int device,
			      unsigned int class, const char *driver)
{
	char dir[TREE_LEN], link[TREE_LEN], target[TREE_LEN + 16];

	snprintf(dir, sizeof(dir), "devices/%s/%s", above, address);
	tree_dir(dir);
	snprintf(link, sizeof(link), "bus/pci/devices/%s", address);
	snprintf(target, sizeof(target), "../../../%s", dir);
	tree_symlink(link, target);
	tree_fill(address, vendor, device, class, 0);
	if (driver)
		tree_link(address, "driver", driver);
}

/* A device of a class, in devices/@above/@name. */
static inline void tree_class(const char *class, const char *above,
			      const char *name)
{
	char dir[TREE_LEN], link[TREE_LEN], target[TREE_LEN + 16];

	snprintf(dir, sizeof(dir), "devices/%s/%s", above, name);
	tree_dir(dir);
	snprintf(link, sizeof(link), "class/%s", class);
	tree_dir(link);
	snprintf(link, sizeof(link), "class/%s/%s", class, name);
	snprintf(target, sizeof(target), "../../%s", dir);
	tree_symlink(link, target);
}

static inline void tree_make(void)
{
	if (!mkdtemp(tree_root))
		tree_fail(tree_root);
	tree_dir("bus/pci/devices");
}

static inline int tree_remove_one(const char *path, const struct stat *st,
				  int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree_remove(void)
{
	nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif /* VFIOPOLICY_TESTS_TREE_H */
