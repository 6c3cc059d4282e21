// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kernels have, from the lists that depmod and the build leave beside
 * their modules: those of text, which can be had of any kernel of any tree.
 */
#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libkmod.h>
#include <zlib.h>

#include "kernels.h"
#include "peek.h"

/* Bytes of a list; the longest, of aliases, has about two million. */
#define LIST_MAX	(16u << 20)

static int by_version(const void *a, const void *b)
{
	return strverscmp(a, b);
}

/* What is left of a kernel that was removed has no modules of its own. */
static bool is_kernel(const struct vp_kernels *kernels, const char *name)
{
	static const char *const marks[] = {
		"modules.order", "modules.builtin", "kernel",
	};
	char path[PATH_MAX];
	size_t i;

	if (name[0] == '.' || strlen(name) >= VP_KERNEL_LEN)
		return false;
	for (i = 0; name[i]; i++)
		if (!isgraph((unsigned char)name[i]))
			return false;
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", kernels->dir, name,
			 marks[i]);
		if (vp_site_has(kernels->site, path))
			return true;
	}
	return false;
}

/**
 * vp_kernels_find() - which kernels are there
 * @site: the host
 * @kernels: filled in; @site has to outlive it
 */
void vp_kernels_find(const struct vp_site *site, struct vp_kernels *kernels)
{
	const struct dirent *entry;
	char *path;
	DIR *dir;

	memset(kernels, 0, sizeof(*kernels));
	kernels->site = site;
	vp_site_text(site, "/proc/sys/kernel/osrelease", kernels->running,
		     sizeof(kernels->running));
	kernels->dir = vp_site_has(site, "/lib/modules") ? "/lib/modules" :
							   "/usr/lib/modules";
	path = vp_site_path(site, kernels->dir);
	dir = path ? opendir(path) : NULL;
	free(path);
	if (!dir)
		return;
	while (kernels->count < VP_KERNELS_MAX && (entry = readdir(dir)))
		if (is_kernel(kernels, entry->d_name))
			memcpy(kernels->names[kernels->count++], entry->d_name,
			       strlen(entry->d_name) + 1);
	closedir(dir);
	qsort(kernels->names, kernels->count, VP_KERNEL_LEN, by_version);
}

static char *load(const struct vp_kernels *kernels, const char *release,
		  const char *file, size_t *len)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", kernels->dir, release, file);
	return vp_site_load(kernels->site, path, LIST_MAX, len);
}

/* Is this line the path of a module of that name? */
static bool is_of(struct vp_site_span line, const char *module,
		  struct vp_site_span *path)
{
	char name[VP_KERNEL_LEN];
	const char *p, *base, *dot;
	size_t len;

	p = memchr(line.text, ':', line.len);
	path->text = line.text;
	path->len = p ? (size_t)(p - line.text) : line.len;
	base = memrchr(path->text, '/', path->len);
	base = base ? base + 1 : path->text;
	len = path->len - (size_t)(base - path->text);
	dot = memmem(base, len, ".ko", 3);
	if (!dot || (size_t)(dot - base) >= sizeof(name))
		return false;
	memcpy(name, base, (size_t)(dot - base));
	name[dot - base] = '\0';
	return vp_site_is_module(name, module);
}

static bool find_line(const char *text, size_t len, const char *module,
		      struct vp_site_span *path)
{
	const char *pos = text, *end = text + len;
	struct vp_site_span line;

	while (vp_site_next_line(&pos, end, &line))
		if (is_of(line, module, path))
			return true;
	return false;
}

/* Where modules of others go, which depmod may not know yet. */
static bool find_unlisted(const struct vp_kernels *kernels, const char *release,
			  const char *module, char *path, size_t size)
{
	static const char *const dirs[] = { "updates/dkms", "updates", "extra" };
	static const char *const ends[] = { "", ".xz", ".zst", ".gz" };
	size_t i, j;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		for (j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
			snprintf(path, size, "%s/%s/%s/%s.ko%s", kernels->dir,
				 release, dirs[i], module, ends[j]);
			if (vp_site_has(kernels->site, path))
				return true;
		}
	}
	path[0] = '\0';
	return false;
}

/**
 * vp_kernel_module() - does a kernel have a module
 * @kernels: the kernels
 * @release: which one
 * @module: the module
 * @path: set to its path, without the root, when it is a file
 * @size: room in @path
 *
 * Return: whether and how.
 */
enum vp_kernel_has vp_kernel_module(const struct vp_kernels *kernels,
				    const char *release, const char *module,
				    char *path, size_t size)
{
	enum vp_kernel_has has = VP_KERNEL_NO;
	struct vp_site_span found;
	char *dep, *builtin;
	size_t len, len2;

	path[0] = '\0';
	dep = load(kernels, release, "modules.dep", &len);
	builtin = load(kernels, release, "modules.builtin", &len2);
	if (dep && find_line(dep, len, module, &found)) {
		has = VP_KERNEL_MODULE;
		if (found.text[0] == '/')
			snprintf(path, size, "%.*s", (int)found.len, found.text);
		else
			snprintf(path, size, "%s/%s/%.*s", kernels->dir, release,
				 (int)found.len, found.text);
	} else if (builtin && find_line(builtin, len2, module, &found)) {
		has = VP_KERNEL_BUILTIN;
	} else if (find_unlisted(kernels, release, module, path, size)) {
		has = VP_KERNEL_UNLISTED;
	} else if (!dep) {
		has = VP_KERNEL_UNKNOWN;
	}
	free(dep);
	free(builtin);
	return has;
}

/* Reads what may be compressed, and is then longer than its file. */
static char *read_config(const struct vp_site *site, const char *path)
{
	char *whole = vp_site_path(site, path), *text = NULL;
	gzFile file = whole ? gzopen(whole, "rbe") : NULL;
	int len;

	free(whole);
	if (!file)
		return NULL;
	text = malloc(VP_SITE_FILE_MAX + 1);
	len = text ? gzread(file, text, VP_SITE_FILE_MAX) : -1;
	gzclose(file);
	if (len < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/**
 * vp_kernel_config() - how a kernel was configured
 * @kernels: the kernels
 * @release: which one
 *
 * Return: the text, to be freed; NULL when it is nowhere.
 */
char *vp_kernel_config(const struct vp_kernels *kernels, const char *release)
{
	char path[PATH_MAX], *config;

	snprintf(path, sizeof(path), "/boot/config-%s", release);
	config = read_config(kernels->site, path);
	if (!config) {
		snprintf(path, sizeof(path), "%s/%s/config", kernels->dir,
			 release);
		config = read_config(kernels->site, path);
	}
	if (!config && !strcmp(release, kernels->running))
		config = read_config(kernels->site, "/proc/config.gz");
	return config;
}

/**
 * vp_kernel_option() - one option of a configuration
 * @config: what vp_kernel_config() returned
 * @option: its name, with CONFIG_
 *
 * Return: 'y', 'm' or another first letter of its value, or 'n'.
 */
char vp_kernel_option(const char *config, const char *option)
{
	size_t len = strlen(option);

	while (config && *config) {
		if (!strncmp(config, option, len) && config[len] == '=')
			return config[len + 1];
		config = strchr(config, '\n');
		if (config)
			config++;
	}
	return 'n';
}

/* "MODULE.alias=PATTERN", many of which stand between NULs. */
static bool each_builtin(const char *text, size_t len, vp_kernel_pattern_fn fn,
			 void *arg)
{
	static const char alias[] = ".alias=";
	const char *pos = text, *end = text + len, *dot;
	char module[VP_KERNEL_LEN];

	for (; pos < end; pos += strlen(pos) + 1) {
		dot = strstr(pos, alias);
		if (!dot || (size_t)(dot - pos) >= sizeof(module))
			continue;
		memcpy(module, pos, (size_t)(dot - pos));
		module[dot - pos] = '\0';
		if (fn(dot + strlen(alias), module, arg))
			return true;
	}
	return false;
}

/* "alias PATTERN MODULE", a line each; changes the text. */
static bool each_module(char *text, vp_kernel_pattern_fn fn, void *arg)
{
	static const char alias[] = "alias ";
	char *line, *next, *module;

	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (strncmp(line, alias, strlen(alias)) != 0)
			continue;
		line += strlen(alias);
		module = strchr(line, ' ');
		if (!module)
			continue;
		*module++ = '\0';
		if (fn(line, module, arg))
			return true;
	}
	return false;
}

/**
 * vp_kernel_patterns() - which modules say that they know which devices
 * @kernels: the kernels
 * @release: of which one
 * @builtin: those that are built in, instead of the others
 * @fn: called for each pattern of a modalias, on whatever bus
 * @arg: handed on to @fn
 *
 * The list is long: who asks for many modules or devices goes over it once.
 *
 * Return: true when @fn did.
 */
bool vp_kernel_patterns(const struct vp_kernels *kernels, const char *release,
			bool builtin, vp_kernel_pattern_fn fn, void *arg)
{
	bool done = false;
	size_t len;
	char *text;

	text = load(kernels, release,
		    builtin ? "modules.builtin.modinfo" : "modules.alias", &len);
	if (text)
		done = builtin ? each_builtin(text, len, fn, arg) :
				 each_module(text, fn, arg);
	free(text);
	return done;
}

/* A device whose modules are looked for. */
struct wanted {
	const char *modalias;
	vp_kernel_alias_fn fn;
	void *arg;
};

static bool take_fitting(const char *pattern, const char *module, void *arg)
{
	const struct wanted *wanted = arg;

	return !strncmp(pattern, "pci:", 4) &&
	       !fnmatch(pattern, wanted->modalias, 0) &&
	       wanted->fn(module, wanted->arg);
}

/**
 * vp_kernel_aliases() - which modules know a device
 * @kernels: the kernels
 * @release: of which one
 * @builtin: those that are built in, instead of the others
 * @modalias: what sysfs has of the device
 * @fn: called for each
 * @arg: handed on to @fn
 *
 * Return: true when @fn did.
 */
bool vp_kernel_aliases(const struct vp_kernels *kernels, const char *release,
		       bool builtin, const char *modalias,
		       vp_kernel_alias_fn fn, void *arg)
{
	struct wanted wanted = { .modalias = modalias, .fn = fn, .arg = arg };

	return vp_kernel_patterns(kernels, release, builtin, take_fitting,
				  &wanted);
}

/**
 * vp_kernel_signer() - who signed a module
 * @kernels: the kernels
 * @path: path of the module, without the root
 * @signer: set to who did; empty when nobody did or it cannot be told
 * @size: room in @signer
 *
 * Return: false when the module cannot be read.
 */
bool vp_kernel_signer(const struct vp_kernels *kernels, const char *path,
		      char *signer, size_t size)
{
	const char *none[] = { NULL };
	char *whole = vp_site_path(kernels->site, path);
	struct kmod_list *info = NULL, *item;
	struct kmod_module *module = NULL;
	struct kmod_ctx *ctx;
	bool readable = false;

	signer[0] = '\0';
	ctx = kmod_new(NULL, none);
	if (ctx && whole && !kmod_module_new_from_path(ctx, whole, &module))
		readable = kmod_module_get_info(module, &info) >= 0;
	kmod_list_foreach(item, info) {
		if (!strcmp(kmod_module_info_get_key(item), "signer"))
			snprintf(signer, size, "%s",
				 kmod_module_info_get_value(item));
		/* Signed by one who is not named. */
		else if (!strcmp(kmod_module_info_get_key(item), "sig_id") &&
			 !signer[0])
			snprintf(signer, size, "a key without a name");
	}
	vp_peek_clean(signer);
	kmod_module_info_free_list(info);
	kmod_module_unref(module);
	kmod_unref(ctx);
	free(whole);
	return readable;
}
