// SPDX-License-Identifier: GPL-2.0-only
/* Settings that are taken out of files, on a made-up root. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>

#include "site.h"
#include "strip.h"
#include "tap.h"
#include "tree.h"

static bool no_memory;
static unsigned int folders_synced;

/* In place of the C library's: there is no memory for a line. */
char *strndup(const char *text, size_t len)
{
	char *(*real)(const char *text, size_t len);

	if (no_memory) {
		errno = ENOMEM;
		return NULL;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "strndup");
	return real(text, len);
}

/* Counts those of folders. */
int fsync(int fd)
{
	struct stat st;

	folders_synced += !fstat(fd, &st) && S_ISDIR(st.st_mode);
	return 0;
}

static const struct vp_site_entry *find(const struct vp_site *site,
					const char *key)
{
	size_t i;

	for (i = 0; i < site->count; i++)
		if (!strcmp(site->entries[i].key, key))
			return &site->entries[i];
	printf("Bail out! no %s\n", key);
	exit(1);
}

static void test_words(void)
{
	const struct vp_site_entry *gone;
	struct vp_strip strip;
	struct vp_site site;

	tree_make();
	tree_dir("etc/default");
	tree_text("etc/default", "grub",
		  "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX=\"quiet vfio-pci.ids=10de:1b39\"\n");
	if (vp_site_open(&site, tree_root))
		tree_fail("vp_site_open");
	gone = find(&site, "vfio_pci.ids");
	ok(!vp_strip_prepare(&site, &gone, 1, &strip), "a word of a command line");
	is(strip.text, "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX=\"quiet\"\n",
	   "goes, and nothing else");
	vp_strip_free(&strip);

	no_memory = true;
	ok(vp_strip_prepare(&site, &gone, 1, &strip) == -ENOMEM,
	   "without memory no line is lost");
	no_memory = false;
	vp_strip_free(&strip);

	ok(!vp_strip_prepare(&site, &gone, 1, &strip) && !folders_synced &&
	   !vp_strip_commit(&site, &strip), "it is put in place");
	ok(folders_synced == 2, "the folders of the old and the new are on the disk");
	vp_strip_free(&strip);
	vp_site_close(&site);
	tree_remove();
}

int main(void)
{
	test_words();
	return done();
}
