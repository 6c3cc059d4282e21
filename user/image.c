// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot images have a copy of the policy, so each change of it has them built
 * anew, by the distribution's own tool, where our hook is in place: without the
 * hook there would be nothing of ours in them.
 */
#include <ctype.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "output.h"
#include "peek.h"
#include "site.h"

/* What the tool said last, when it failed. */
#define TAIL_LINES	5
#define LINE_LEN	256

/* Longer ones are nobody's configuration. */
#define CONFIG_MAX	(256 * 1024)
#define OUR_NAME	"vfiopolicy"

/*
 * A generator: what tells that it is the one in use, where our hook for it is, and
 * what builds all images. Some take a hook, or the module, only where their user
 * names it: in a file, or in one of a folder. As he has chosen, those go before
 * dracut, which is there on hosts that use another one, too. Debian's brings an
 * update-initramfs that boot loaders are told by, in some versions.
 */
static const struct generator {
	const char *sign;
	const char *hook;
	const char *file;
	const char *folder;
	const char *argv[5];
} generators[] = {
	{ "/usr/sbin/mkinitramfs", "/usr/share/initramfs-tools/hooks/vfiopolicy",
	  NULL, NULL, { "/usr/sbin/update-initramfs", "-u", "-k", "all" } },
	{ "/usr/bin/mkinitcpio", "/usr/lib/initcpio/install/vfiopolicy",
	  "/etc/mkinitcpio.conf", "/etc/mkinitcpio.conf.d",
	  { "/usr/bin/mkinitcpio", "-P" } },
	{ "/usr/bin/booster", "/usr/lib/booster/regenerate_images",
	  "/etc/booster.yaml", NULL, { "/usr/lib/booster/regenerate_images" } },
	{ "/usr/sbin/update-initramfs",
	  "/usr/lib/dracut/modules.d/50vfiopolicy/module-setup.sh", NULL, NULL,
	  { "/usr/sbin/update-initramfs", "-u", "-k", "all" } },
	{ "/usr/bin/dracut",
	  "/usr/lib/dracut/modules.d/50vfiopolicy/module-setup.sh", NULL, NULL,
	  { "/usr/bin/dracut", "--force", "--regenerate-all" } },
};

static bool is_in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* As a word by itself, and not in a comment. */
static bool names_us(struct vp_site_span line)
{
	const char *hash = memchr(line.text, '#', line.len);
	const size_t len = strlen(OUR_NAME);
	const char *end = hash ? hash : line.text + line.len;
	const char *at = line.text;

	while ((at = memmem(at, (size_t)(end - at), OUR_NAME, len))) {
		if ((at == line.text || !is_in_word(at[-1])) &&
		    (at + len == end || !is_in_word(at[len])))
			return true;
		at += len;
	}
	return false;
}

static bool file_names_us(const struct vp_site *site, const char *path)
{
	struct vp_site_span line;
	bool found = false;
	const char *pos;
	size_t len;
	char *text;

	text = vp_site_load(site, path, CONFIG_MAX, &len);
	pos = text;
	while (text && !found && vp_site_next_line(&pos, text + len, &line))
		found = names_us(line);
	free(text);
	return found;
}

static bool folder_names_us(const struct vp_site *site, const char *path)
{
	char *folder = vp_site_path(site, path), one[VP_PEEK_LEN];
	struct dirent **names;
	bool found = false;
	size_t len;
	int count, i;

	count = folder ? vp_peek_list(&names, "%s", folder) : -1;
	for (i = 0; i < count && !found; i++) {
		len = strlen(names[i]->d_name);
		if (len < 5 || strcmp(names[i]->d_name + len - 5, ".conf") != 0)
			continue;
		snprintf(one, sizeof(one), "%s/%s", path, names[i]->d_name);
		found = file_names_us(site, one);
	}
	if (count >= 0)
		vp_peek_free(names, count);
	free(folder);
	return found;
}

static const struct generator *find_generator(const struct vp_site *site)
{
	const struct generator *generator, *unnamed = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(generators); i++) {
		generator = &generators[i];
		if (!vp_site_has(site, generator->sign) ||
		    !vp_site_has(site, generator->hook))
			continue;
		if (!generator->file || file_names_us(site, generator->file) ||
		    (generator->folder && folder_names_us(site, generator->folder)))
			return generator;
		unnamed = generator;
	}
	if (unnamed)
		vp_out_note("boot images have nothing of vfiopolicy, as %s does not name it: rules are in force when vfiopolicy.service has started, after drivers that the images load; the administrator's guide says how to name it",
			    unnamed->file);
	return NULL;
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

/**
 * vp_image_build() - have all boot images built anew
 *
 * Not where none of our hooks is in place for what builds them. The caller has
 * vp_image_lock().
 *
 * Return: an exit status; %VP_EXIT_PENDING when it failed, after having said so.
 */
int vp_image_build(void)
{
	const struct generator *generator;
	struct vp_site site;
	int ret = VP_EXIT_DONE;

	if (vp_site_root(&site)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_PENDING;
	}
	generator = find_generator(&site);
	if (generator)
		ret = build(&site, generator);
	vp_site_close(&site);
	return ret;
}
