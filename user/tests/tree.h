/* SPDX-License-Identifier: GPL-2.0-only */
/* A made-up sysfs in a temporary folder, for tests of what the host has. */
#ifndef VFIOPOLICY_TESTS_TREE_H
#define VFIOPOLICY_TESTS_TREE_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_root[] = "/tmp/vfiopolicy-test-XXXXXX";

static inline void tree_fail(const char *what)
{
	perror(what);
	printf("Bail out! %s\n", what);
	exit(1);
}

static inline void tree_file(const char *address, const char *file,
			     const void *data, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", tree_root,
		 address, file);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		tree_fail(path);
}

static inline void tree_link(const char *address, const char *file,
			     const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", tree_root,
		 address, file);
	unlink(path);
	if (symlink(target, path))
		tree_fail(path);
}

/* @driver, @group and @physfn may be NULL; @header is the header type. */
static inline void tree_device(const char *address, unsigned int vendor,
			       unsigned int device, unsigned int class,
			       unsigned char header, const char *driver,
			       const char *group, const char *physfn)
{
	unsigned char config[64] = { [0x0e] = header };
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", tree_root,
		 address);
	if (mkdir(path, 0755))
		tree_fail(path);
	snprintf(text, sizeof(text), "0x%04x\n", vendor);
	tree_file(address, "vendor", text, strlen(text));
	snprintf(text, sizeof(text), "0x%04x\n", device);
	tree_file(address, "device", text, strlen(text));
	snprintf(text, sizeof(text), "0x%06x\n", class);
	tree_file(address, "class", text, strlen(text));
	tree_file(address, "subsystem_vendor", "0x1af4\n", 7);
	tree_file(address, "subsystem_device", "0x1100\n", 7);
	tree_file(address, "config", config, sizeof(config));
	if (driver)
		tree_link(address, "driver", driver);
	if (group)
		tree_link(address, "iommu_group", group);
	if (physfn)
		tree_link(address, "physfn", physfn);
}

static inline void tree_make(void)
{
	static const char * const dirs[] = {
		"/bus", "/bus/pci", "/bus/pci/devices",
	};
	char path[PATH_MAX];
	size_t i;

	if (!mkdtemp(tree_root))
		tree_fail(tree_root);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", tree_root, dirs[i]);
		if (mkdir(path, 0755))
			tree_fail(path);
	}
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
