// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy travels with the module. Whatever loads the module, in a boot image
 * or later, gives it the parameters that stand in modprobe's files; so that is
 * where the rules of all files go, in one line, and with them a line for each
 * native driver that has to come second.
 *
 * The name of the file is the first of all, as modprobe heeds the first softdep
 * line of a module alone. It is made anew from the rule files each time, so that
 * nothing is lost with it.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <libkmod.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "forecast.h"
#include "kernels.h"
#include "output.h"
#include "peek.h"
#include "trial.h"
#include "watch.h"

#define FOLDER		"/etc/modprobe.d"
#define COMPILED	FOLDER "/00-vfiopolicy.conf"
/* modprobe reads what ends in .conf. */
#define STAGED		FOLDER "/.00-vfiopolicy.new"
#define HASH_LINE	"# policy "
/*
 * What the hooks say of the images that they have put the policy into: a file for
 * each kernel, with the policy's hash and, where that is not told by its name, the
 * path of the image.
 */
#define IMAGES		"/var/lib/vfiopolicy/images"
/* Written by the boot image: ok, or degraded and why. */
#define THIS_BOOT	"/run/vfiopolicy/boot"
/* The unit of time in a /boot that firmware reads. Others have nanoseconds. */
#define IMAGE_TIME_SECS	2
#define DRIVERS_MAX	64

/**
 * struct drivers - the native drivers of the devices that rules are for
 * @names: their modules
 * @count: number of @names
 */
struct drivers {
	char names[DRIVERS_MAX][VP_HOST_LEN];
	size_t count;
};

/*
 * Whether two policies are the same is all that is asked of it, and nobody gains
 * by another one of the same: FNV-1a.
 */
static void hash_rules(const struct vp_rules *rules, char *hash)
{
	u64 sum = 0xcbf29ce484222325;
	bool any = false;
	const char *text;
	size_t i;

	for (i = 0; i < rules->count; i++) {
		if (!rules->entries[i].text || rules->entries[i].duplicate)
			continue;
		any = true;
		for (text = rules->entries[i].text; *text; text++)
			sum = (sum ^ (unsigned char)*text) * 0x100000001b3;
		sum = (sum ^ ';') * 0x100000001b3;
	}
	hash[0] = '\0';
	if (any)
		snprintf(hash, VP_BOOT_HASH_LEN, "%016llx",
			 (unsigned long long)sum);
}

static void read_compiled(const struct vp_site *site, char *hash)
{
	char *path = vp_site_path(site, COMPILED), line[256];
	FILE *file = path ? fopen(path, "re") : NULL;
	const size_t skip = strlen(HASH_LINE);

	hash[0] = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, HASH_LINE, skip) != 0)
			continue;
		snprintf(hash, VP_BOOT_HASH_LEN, "%.16s", line + skip);
		hash[strcspn(hash, "\n")] = '\0';
		vp_peek_clean(hash);
		break;
	}
	if (file)
		fclose(file);
	free(path);
}

static bool find_image(const struct vp_site *site, const char *release,
		       char *name, size_t size, struct stat *image)
{
	/* Debian's, and that of dracut elsewhere. */
	static const char *const names[][2] = {
		{ "/boot/initrd.img-", "" }, { "/boot/initramfs-", ".img" },
	};
	bool found = false;
	char *path;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names) && !found; i++) {
		snprintf(name, size, "%s%.200s%s", names[i][0], release,
			 names[i][1]);
		path = vp_site_path(site, name);
		found = path && !stat(path, image);
		free(path);
	}
	return found;
}

/* The image that a record says it is of, or one that has the kernel's name. */
static bool find_recorded(const struct vp_site *site, const char *release,
			  char *name, size_t size, struct stat *image)
{
	char record[sizeof(IMAGES) + 256];
	struct vp_site_span line = { "", 0 };
	char *text, *path;
	const char *pos;
	bool found;
	size_t len;

	snprintf(record, sizeof(record), IMAGES "/%.200s", release);
	name[0] = '\0';
	text = vp_site_load(site, record, VP_PEEK_LEN, &len);
	pos = text;
	if (text && vp_site_next_line(&pos, text + len, &line) &&
	    vp_site_next_line(&pos, text + len, &line))
		snprintf(name, size, "%.*s", (int)line.len, line.text);
	free(text);
	if (name[0] != '/')
		return find_image(site, release, name, size, image);
	path = vp_site_path(site, name);
	found = path && !stat(path, image);
	free(path);
	return found;
}

/* A build that failed may have begun a second after the one before it ended. */
static bool is_older(const struct stat *a, const struct stat *b)
{
	if (!a->st_mtim.tv_nsec)
		return a->st_mtim.tv_sec + IMAGE_TIME_SECS < b->st_mtim.tv_sec;
	return a->st_mtim.tv_sec < b->st_mtim.tv_sec ||
	       (a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec < b->st_mtim.tv_nsec);
}

static void read_degraded(const struct vp_site *site, struct vp_boot *boot)
{
	char text[sizeof(boot->degraded)] = "";
	char *path = vp_site_path(site, THIS_BOOT);

	if (path && vp_peek_text(text, sizeof(text), "%s", path) &&
	    !strncmp(text, "degraded", strlen("degraded")))
		memcpy(boot->degraded, text, sizeof(text));
	free(path);
}

static void look_at_images(const struct vp_site *site, struct vp_boot *boot)
{
	char *folder = vp_site_path(site, IMAGES), path[VP_PEEK_LEN];
	struct vp_boot_image *image;
	struct dirent **names;
	struct stat said, built;
	int count, i;

	count = folder ? vp_peek_list(&names, "%s", folder) : -1;
	for (i = 0; i < count && boot->count < VP_BOOT_IMAGES_MAX; i++) {
		image = &boot->images[boot->count];
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		/* What was said of a kernel stays when that goes. */
		if (stat(path, &said) ||
		    !find_recorded(site, names[i]->d_name, image->path,
				   sizeof(image->path), &built))
			continue;
		snprintf(image->release, sizeof(image->release), "%.127s",
			 names[i]->d_name);
		vp_peek_clean(image->release);
		vp_peek_clean(image->path);
		/* One without a policy says so by being empty. */
		image->hash[0] = '\0';
		vp_peek_text(image->hash, sizeof(image->hash), "%s", path);
		/* An older one is from before: that build never came to its end. */
		image->current = !strcmp(image->hash, boot->hash) &&
				 !is_older(&built, &said);
		boot->count++;
	}
	if (count >= 0)
		vp_peek_free(names, count);
	free(folder);
}

/**
 * vp_boot_look() - what does the next boot know of the rules
 * @rules: the rule files
 * @boot: filled in; what cannot be read is not there
 */
void vp_boot_look(const struct vp_rules *rules, struct vp_boot *boot)
{
	struct vp_site site;

	memset(boot, 0, sizeof(*boot));
	hash_rules(rules, boot->hash);
	if (vp_site_root(&site))
		return;
	read_compiled(&site, boot->compiled);
	read_degraded(&site, boot);
	look_at_images(&site, boot);
	if (boot->hash[0])
		vp_image_unhooked(&site, boot);
	vp_site_close(&site);
}

/**
 * vp_boot_is_current() - is everything as the rule files say
 * @boot: what vp_boot_look() found
 *
 * Return: true when it is, and when there is nothing to be ready.
 */
bool vp_boot_is_current(const struct vp_boot *boot)
{
	size_t i;

	for (i = 0; i < boot->count; i++)
		if (!boot->images[i].current)
			return false;
	return !strcmp(boot->hash, boot->compiled);
}

static bool keep_driver(const char *module, void *arg)
{
	struct drivers *drivers = arg;
	size_t i;

	for (i = 0; i < drivers->count; i++)
		if (!strcmp(drivers->names[i], module))
			return false;
	if (drivers->count < DRIVERS_MAX)
		snprintf(drivers->names[drivers->count++], VP_HOST_LEN, "%s",
			 module);
	return false;
}

/* Which modules would have the devices that are present, but for the rules. */
static int find_drivers(const struct vp_rules *rules, struct drivers *drivers)
{
	const struct vp_host_dev *dev;
	const struct vp_entry *entry;
	struct vp_kernels kernels;
	struct vp_table *table;
	struct vp_host host;
	struct vp_site site;
	char modalias[256];
	enum vp_fit fit;
	int ret;
	size_t i;

	drivers->count = 0;
	ret = vp_site_root(&site);
	if (ret)
		return ret;
	ret = vp_table_of_files(rules, &table);
	if (ret) {
		vp_site_close(&site);
		return ret;
	}
	vp_kernels_find(&site, &kernels);
	ret = vp_host_open(&host, NULL, NULL);
	if (!ret && table->dsn)
		vp_host_read_dsn(&host, NULL);
	for (i = 0; i < host.count && !ret; i++) {
		dev = &host.devs[i];
		entry = vp_forecast_entry(&host, table, dev, &fit);
		if (!entry || entry->rule.action == VP_LEAVE || dev->bridge ||
		    !vp_peek_text(modalias, sizeof(modalias), "%s/%s/modalias",
				  host.devices_dir, dev->address))
			continue;
		vp_kernel_aliases(&kernels, kernels.running, false, modalias,
				  keep_driver, drivers);
	}
	vp_host_close(&host);
	vp_policy_free(table);
	vp_site_close(&site);
	/* A host that cannot be read has rules all the same. */
	return ret == -ENOMEM ? ret : 0;
}

static void print_policy(FILE *out, const struct vp_rules *rules,
			 const char *hash, const struct drivers *drivers)
{
	const char *between = "";
	size_t i;

	fputs("# Made by vfiopolicy from the files in /etc/vfiopolicy/rules.d. What is written\n"
	      "# here is lost when a rule is added or deleted.\n", out);
	fprintf(out, HASH_LINE "%s\noptions vfiopolicy rules=\"", hash);
	for (i = 0; i < rules->count; i++) {
		if (!rules->entries[i].text || rules->entries[i].duplicate)
			continue;
		fprintf(out, "%s%s", between, rules->entries[i].text);
		between = "; ";
	}
	fputs("\"\n", out);
	for (i = 0; i < drivers->count; i++)
		fprintf(out, "softdep %s pre: vfiopolicy\n", drivers->names[i]);
}

/* All of it or nothing of it, and on the disk. */
static int put(const struct vp_rules *rules, const char *hash,
	       const struct drivers *drivers, const char *staged,
	       const char *path)
{
	FILE *out = fopen(staged, "we");
	int ret = 0;

	if (!out)
		return -errno;
	print_policy(out, rules, hash, drivers);
	errno = 0;
	if (fflush(out) || fchmod(fileno(out), 0644) || fsync(fileno(out)))
		ret = errno ? -errno : -EIO;
	if (fclose(out) && !ret)
		ret = errno ? -errno : -EIO;
	if (!ret && rename(staged, path))
		ret = -errno;
	if (ret)
		unlink(staged);
	return ret;
}

/* The first softdep line of a driver, which is the one that modprobe heeds. */
static void check_driver(struct kmod_ctx *ctx, const char *driver)
{
	struct kmod_config_iter *iter = kmod_config_get_softdeps(ctx);
	const char *value = NULL;

	while (iter && !value && kmod_config_iter_next(iter))
		if (!fnmatch(kmod_config_iter_get_key(iter), driver, 0))
			value = kmod_config_iter_get_value(iter);
	if (!value || !strstr(value, "vfiopolicy"))
		vp_out_note("another line for %s stands before ours: softdep %s %s; take it out of /etc/modprobe.d, or %s may be first where a boot image has no hook of ours",
			    driver, driver, value ? value : "?", driver);
	kmod_config_iter_free_iter(iter);
}

/* What modprobe makes of it is what counts, not what was written. */
static void check_order(const struct vp_site *site, const struct drivers *drivers)
{
	static const char *const folders[] = {
		FOLDER, "/run/modprobe.d", "/usr/lib/modprobe.d",
		"/lib/modprobe.d",
	};
	const char *paths[ARRAY_SIZE(folders) + 1] = { NULL };
	char *path, *whole[ARRAY_SIZE(folders)];
	struct kmod_ctx *ctx;
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		path = vp_site_path(site, folders[i]);
		whole[i] = path;
		if (path)
			paths[n++] = path;
	}
	ctx = kmod_new(NULL, paths);
	for (i = 0; ctx && i < drivers->count; i++)
		check_driver(ctx, drivers->names[i]);
	kmod_unref(ctx);
	for (i = 0; i < ARRAY_SIZE(folders); i++)
		free(whole[i]);
}

static int compile(const struct vp_rules *rules, const char *hash)
{
	struct drivers *drivers = malloc(sizeof(*drivers));
	char *folder = NULL, *path = NULL, *staged = NULL;
	struct vp_site site;
	int ret = -ENOMEM, fd;

	if (vp_site_root(&site) || !drivers)
		goto out;
	folder = vp_site_path(&site, FOLDER);
	path = vp_site_path(&site, COMPILED);
	staged = vp_site_path(&site, STAGED);
	if (!folder || !path || !staged)
		goto out;
	if (mkdir(folder, 0755) && errno != EEXIST) {
		ret = -errno;
	} else if (!hash[0]) {
		ret = unlink(path) && errno != ENOENT ? -errno : 0;
	} else {
		ret = find_drivers(rules, drivers);
		if (!ret)
			ret = put(rules, hash, drivers, staged, path);
		if (!ret)
			check_order(&site, drivers);
	}
	/* The name as well as what it stands for. */
	fd = ret ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	if (ret)
		vp_out_error("%s: %s", path, strerror(-ret));
out:
	if (ret == -ENOMEM)
		vp_out_error("%s", strerror(ENOMEM));
	vp_site_close(&site);
	free(staged);
	free(path);
	free(folder);
	free(drivers);
	return ret;
}

static bool is_any_stale(const struct vp_boot *boot)
{
	size_t i;

	for (i = 0; i < boot->count; i++)
		if (!boot->images[i].current)
			return true;
	return false;
}

static int update(const struct vp_args *args, const struct vp_rules *rules)
{
	bool compiled = false;
	struct vp_boot boot;

	vp_boot_look(rules, &boot);
	if (strcmp(boot.hash, boot.compiled) != 0) {
		if (compile(rules, boot.hash))
			return VP_EXIT_PENDING;
		compiled = true;
	}
	if (boot.unhooked[0])
		vp_out_note("boot images have nothing of vfiopolicy, as %s does not name it: rules are in force when vfiopolicy.service has started, after drivers that the images load; it is named by: %s",
			    boot.unhooked, boot.remedy);
	if (!compiled && !is_any_stale(&boot))
		return VP_EXIT_DONE;
	if (!(args->given & VP_OPT_NO_IMAGE))
		return vp_image_build();
	if (boot.count)
		vp_out_note("boot images are not rebuilt (--no-image); until vfiopolicy apply does it, the next boot knows the rules of before");
	return VP_EXIT_DONE;
}

/**
 * vp_boot_update() - make the next boot know what the rule files say now
 * @args: the command line
 *
 * Nothing is done when it does already, nor while an apply waits to be confirmed.
 *
 * Return: an exit status; %VP_EXIT_PENDING when it does not know, after having
 * said why.
 */
int vp_boot_update(const struct vp_args *args)
{
	struct vp_rules_error error;
	struct vp_rules rules;
	unsigned int left;
	int ret, lock;

	if (vp_trial_look(&left) == VP_TRIAL_LASTS)
		return VP_EXIT_DONE;
	/* Whoever comes second sees what the first one has saved. */
	lock = vp_image_lock();
	if (vp_rules_read(&rules, &error)) {
		vp_out_error("%s", error.text);
		ret = VP_EXIT_PENDING;
	} else {
		ret = update(args, &rules);
	}
	vp_rules_free(&rules);
	if (lock >= 0)
		close(lock);
	if (ret)
		vp_out_error_more("The rules are saved, but the next boot does not know them yet: vfiopolicy apply tries again.");
	return ret;
}
