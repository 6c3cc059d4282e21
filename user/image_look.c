// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in a boot image, by the names of the files in it, which the program that
 * came with its generator lists. That it was built says little: the module may not
 * have been there for that kernel, and a hook may have been left out by whoever
 * configured the generator.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot.h"
#include "peek.h"
#include "site.h"

/* Those of initramfs-tools, dracut and mkinitcpio. They tell each by what it is. */
static const struct lister {
	const char *path;
	const char *made_by;
} listers[] = {
	{ "/usr/bin/lsinitramfs", "/usr/sbin/mkinitramfs" },
	{ "/usr/bin/lsinitcpio", "/usr/bin/mkinitcpio" },
	{ "/usr/bin/lsinitrd", "/usr/bin/dracut" },
};

static char *find_lister(const struct vp_site *site)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(listers); i++)
		if (vp_site_has(site, listers[i].path) &&
		    vp_site_has(site, listers[i].made_by))
			return vp_site_path(site, listers[i].path);
	return NULL;
}

/* Behind a name there may be another one, of what a link points to. */
static void take_line(const char *line, struct vp_image_content *content)
{
	if (strstr(line, "/vfiopolicy.ko"))
		content->module = true;
	if (strstr(line, "etc/modprobe.d/00-vfiopolicy.conf"))
		content->policy = true;
	if (strstr(line, "/vfiopolicy/early"))
		content->early = true;
}

static pid_t start(char *lister, char *image, int out)
{
	char *argv[3];
	pid_t pid;
	int null;

	argv[0] = lister;
	argv[1] = image;
	argv[2] = NULL;
	pid = fork();
	if (!pid) {
		null = open("/dev/null", O_RDWR);
		if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
		    dup2(null, 2) < 0)
			_exit(126);
		execv(lister, argv);
		_exit(127);
	}
	return pid;
}

static int list(char *lister, char *image, struct vp_image_content *content)
{
	int fds[2], status = -1;
	char *line = NULL;
	size_t room = 0;
	pid_t pid;
	FILE *in;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = start(lister, image, fds[1]);
	close(fds[1]);
	in = fdopen(fds[0], "r");
	if (!in)
		close(fds[0]);
	while (in && getline(&line, &room, in) > 0)
		take_line(line, content);
	free(line);
	if (in)
		fclose(in);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = -1;
	return in && !status ? 0 : -EIO;
}

/**
 * vp_image_look() - what of ours is in a boot image
 * @path: the image, as the host has it, below VFIOPOLICY_ROOT
 * @content: filled in
 *
 * Takes a second or so for each image, which is unpacked for it.
 *
 * Return: 0; -ENOENT when there is no program that lists images; -EIO when that
 * could not list this one; -ENOMEM.
 */
int vp_image_look(const char *path, struct vp_image_content *content)
{
	char *lister, *image;
	struct vp_site site;
	int ret = -ENOENT;

	memset(content, 0, sizeof(*content));
	if (vp_site_root(&site))
		return -ENOMEM;
	lister = find_lister(&site);
	image = vp_site_path(&site, path);
	if (lister && image)
		ret = list(lister, image, content);
	free(lister);
	free(image);
	vp_site_close(&site);
	return ret;
}
