// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot images have a copy of the policy, so each change of it has them built
 * anew, by the distribution's own tool, where our hook is in place: without the
 * hook there would be nothing of ours in them.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "image_hook.h"
#include "output.h"

/* What the tool said last, when it failed. */
#define TAIL_LINES	5
#define LINE_LEN	256
/* What an image may grow by, and more, in MiB. */
#define ROOM		16

static const struct vp_image_hook of_mkinitcpio = {
	.file = "/etc/mkinitcpio.conf", .folder = "/etc/mkinitcpio.conf.d",
	.variable = "HOOKS", .remedy = "echo 'HOOKS+=(vfiopolicy)' >> ",
	.then = " && mkinitcpio -P",
};

static const struct vp_image_hook of_booster = {
	.file = "/etc/booster.yaml",
	/* There may be such a line already, and there can be but one. */
	.remedy = "add vfiopolicy,vfio_pci,vfio_iommu_type1 to modules_force_load in ",
	.then = " and run /usr/lib/booster/regenerate_images",
};

/*
 * A generator: what tells that it is the one in use, where our hook for it is, and
 * what builds all images. Some take a hook, or the module, only where their user
 * names it. As he has chosen, those go before dracut, which is there on hosts that
 * use another one, too. Debian's brings an update-initramfs that boot loaders are
 * told by, in some versions. One that writes in place of the old image deletes that
 * where there is no room for the new one.
 */
static const struct generator {
	const char *sign;
	const char *path;
	const struct vp_image_hook *hook;
	const char *argv[5];
	bool in_place;
} generators[] = {
	{ "/usr/sbin/mkinitramfs", "/usr/share/initramfs-tools/hooks/vfiopolicy",
	  NULL, { "/usr/sbin/update-initramfs", "-u", "-k", "all" }, false },
	{ "/usr/bin/mkinitcpio", "/usr/lib/initcpio/install/vfiopolicy",
	  &of_mkinitcpio, { "/usr/bin/mkinitcpio", "-P" }, false },
	{ "/usr/bin/booster", "/usr/lib/booster/regenerate_images",
	  &of_booster, { "/usr/lib/booster/regenerate_images" }, false },
	{ "/usr/sbin/update-initramfs",
	  "/usr/lib/dracut/modules.d/50vfiopolicy/module-setup.sh",
	  NULL, { "/usr/sbin/update-initramfs", "-u", "-k", "all" }, false },
	{ "/usr/bin/dracut",
	  "/usr/lib/dracut/modules.d/50vfiopolicy/module-setup.sh",
	  NULL, { "/usr/bin/dracut", "--force", "--regenerate-all" }, true },
};

/* The one whose images have ours. @unnamed: one whose user has to name our hook. */
static const struct generator *find_generator(const struct vp_site *site,
					      const struct generator **unnamed)
{
	const struct generator *generator;
	char file[VP_IMAGE_HOOK_LEN];
	size_t i;

	*unnamed = NULL;
	for (i = 0; i < ARRAY_SIZE(generators); i++) {
		generator = &generators[i];
		if (!vp_site_has(site, generator->sign) ||
		    !vp_site_has(site, generator->path))
			continue;
		if (!generator->hook ||
		    vp_image_hook_named(site, generator->hook, file))
			return generator;
		*unnamed = generator;
	}
	return NULL;
}

/**
 * vp_image_unhooked() - do boot images lack us, as nobody has named our hook
 * @site: the host
 * @boot: @unhooked and @remedy are set then
 */
void vp_image_unhooked(const struct vp_site *site, struct vp_boot *boot)
{
	const struct generator *unnamed;
	const struct vp_image_hook *hook;
	char file[VP_IMAGE_HOOK_LEN];

	if (find_generator(site, &unnamed) || !unnamed)
		return;
	hook = unnamed->hook;
	vp_image_hook_named(site, hook, file);
	snprintf(boot->unhooked, sizeof(boot->unhooked), "%s%s%s",
		 hook->variable ?: "", hook->variable ? " in " : "", file);
	snprintf(boot->remedy, sizeof(boot->remedy), "%s%s%s",
		 hook->remedy, file, hook->then);
}

/**
 * vp_image_lock() - the right to make the next boot know of the rules
 *
 * Two at a time would write to the same images. Waits for another one, after
 * having said so.
 *
 * Return: a file descriptor, to be closed; or -1 where there is no such lock, and
 * nothing better to be done than to go on.
 */
int vp_image_lock(void)
{
	struct vp_site site;
	char *path;
	int fd = -1;

	if (vp_site_root(&site))
		return -1;
	path = vp_site_path(&site, "/run/vfiopolicy");
	vp_site_close(&site);

	if (path && (!mkdir(path, 0755) || errno == EEXIST))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		vp_out_note("another one is rebuilding the boot images; waiting for it");
		flock(fd, LOCK_EX);
	}
	return fd;
}

static pid_t start(const struct vp_site *site, const struct generator *generator,
		   int out)
{
	char *path = vp_site_path(site, generator->argv[0]), *argv[5];
	int null, i;
	pid_t pid;

	if (!path)
		return -1;
	argv[0] = path;
	for (i = 1; i < 5; i++)
		argv[i] = (char *)generator->argv[i];
	fflush(NULL);
	pid = fork();
	if (!pid) {
		null = open("/dev/null", O_RDONLY);
		if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
		    dup2(out, 2) < 0)
			_exit(126);
		execv(path, argv);
		_exit(127);
	}
	free(path);
	return pid;
}

/* Hands on what it says with -v, and keeps the last of it. */
static size_t listen_to(FILE *in, char lines[][LINE_LEN])
{
	size_t n = 0;

	while (fgets(lines[n % TAIL_LINES], LINE_LEN, in)) {
		lines[n % TAIL_LINES][strcspn(lines[n % TAIL_LINES], "\n")] = '\0';
		vp_out_verbose("%s", lines[n % TAIL_LINES]);
		n++;
	}
	return n;
}

static int build(const struct vp_site *site, const struct generator *generator)
{
	const char *slash = strrchr(generator->argv[0], '/');
	char lines[TAIL_LINES][LINE_LEN] = { "" };
	struct timespec begin, end;
	int fds[2], status = -1;
	size_t n, i;
	FILE *in;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC)) {
		vp_out_error("%s", strerror(errno));
		return VP_EXIT_PENDING;
	}
	vp_out_note("rebuilding the boot images with %s; it may take a minute",
		    slash + 1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	pid = start(site, generator, fds[1]);
	close(fds[1]);
	in = fdopen(fds[0], "r");
	n = in ? listen_to(in, lines) : 0;
	if (in)
		fclose(in);
	else
		close(fds[0]);
	if (pid > 0 && waitpid(pid, &status, 0) != pid)
		status = -1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (!status) {
		vp_out_say("boot images rebuilt (%ld s)",
			   (long)(end.tv_sec - begin.tv_sec));
		return VP_EXIT_DONE;
	}
	vp_out_error("the boot images could not be rebuilt: %s failed", slash + 1);
	for (i = n > TAIL_LINES ? n - TAIL_LINES : 0; i < n; i++)
		vp_out_error_more("  %s", lines[i % TAIL_LINES]);
	return VP_EXIT_PENDING;
}

/* Rather an old image than none at all. */
static bool has_room(const struct vp_site *site, const struct generator *generator)
{
	char *path = generator->in_place ? vp_site_path(site, "/boot") : NULL;
	struct statvfs fs;
	bool room = true;

	if (path && !statvfs(path, &fs))
		room = (unsigned long long)fs.f_bfree * fs.f_frsize >= ROOM << 20;
	if (!room) {
		vp_out_error("the boot images are not rebuilt: /boot has less than %d MiB left",
			     ROOM);
		vp_out_error_more("  %s deletes an image that has no room; when there is some: vfiopolicy apply",
				  strrchr(generator->argv[0], '/') + 1);
	}
	free(path);
	return room;
}

/**
 * vp_image_build() - have all boot images built anew
 *
 * Not where none of our hooks is in place for what builds them, nor where that could
 * leave none. The caller has vp_image_lock().
 *
 * Return: an exit status; %VP_EXIT_PENDING when it failed, after having said so.
 */
int vp_image_build(void)
{
	const struct generator *generator, *unnamed;
	struct vp_site site;
	int ret = VP_EXIT_DONE;

	if (vp_site_root(&site)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_PENDING;
	}
	generator = find_generator(&site, &unnamed);
	if (generator)
		ret = has_room(&site, generator) ? build(&site, generator) :
						   VP_EXIT_PENDING;
	vp_site_close(&site);
	return ret;
}
