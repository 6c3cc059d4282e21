// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where others keep their settings, in the order in which they count, and what
 * all parsers of them share. Files belong to whoever wrote them: they are
 * bounded, odd bytes become '?', nothing in them is run, and what cannot be
 * read is not there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "site.h"

#define BLANKS		" \t\r"
/* Files of one folder; what comes behind is passed over. */
#define FILES_MAX	4096
#define FOLDERS_MAX	6

/**
 * struct source - a file, or folders of them
 * @format: how they are written
 * @paths: a file; or folders, of which the first one that has a name counts
 * @suffix: how names of files end; NULL when @paths has a file
 * @prefix: how they begin; NULL for anything but a dot
 */
struct source {
	enum vp_site_format format;
	const char *paths[FOLDERS_MAX];
	const char *suffix;
	const char *prefix;
};

static const struct source sources[] = {
	{ VP_SITE_FMT_RUNNING, { "/proc/cmdline" }, NULL, NULL },
	{ VP_SITE_FMT_SHELL, { "/etc/default/grub" }, NULL, NULL },
	{ VP_SITE_FMT_SHELL, { "/etc/default/grub.d" }, ".cfg", NULL },
	{ VP_SITE_FMT_SHELL, { "/etc/default/u-boot" }, NULL, NULL },
	{ VP_SITE_FMT_CMDLINE, { "/etc/kernel/cmdline" }, NULL, NULL },
	{ VP_SITE_FMT_CMDLINE, { "/etc/cmdline.d", "/usr/lib/cmdline.d" },
	  ".conf", NULL },
	{ VP_SITE_FMT_CMDLINE, { "/boot/firmware/cmdline.txt" }, NULL, NULL },
	{ VP_SITE_FMT_KEYWORDS, { "/boot/loader/entries" }, ".conf", NULL },
	{ VP_SITE_FMT_KEYWORDS, { "/efi/loader/entries" }, ".conf", NULL },
	{ VP_SITE_FMT_KEYWORDS, { "/boot/efi/loader/entries" }, ".conf", NULL },
	{ VP_SITE_FMT_KEYWORDS, { "/boot/extlinux/extlinux.conf" }, NULL, NULL },
	/* libkmod's order; where /lib is a link the names are the same. */
	{ VP_SITE_FMT_MODPROBE, { "/etc/modprobe.d", "/run/modprobe.d",
	  "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
	  "/lib/modprobe.d" }, ".conf", NULL },
	{ VP_SITE_FMT_LIST, { "/etc/modules-load.d", "/run/modules-load.d",
	  "/usr/local/lib/modules-load.d", "/usr/lib/modules-load.d",
	  "/lib/modules-load.d" }, ".conf", NULL },
	{ VP_SITE_FMT_LIST, { "/etc/initramfs-tools/modules" }, NULL, NULL },
	{ VP_SITE_FMT_SHELL, { "/etc/dracut.conf" }, NULL, NULL },
	{ VP_SITE_FMT_SHELL, { "/etc/dracut.conf.d",
	  "/usr/lib/dracut/dracut.conf.d" }, ".conf", NULL },
	{ VP_SITE_FMT_SHELL, { "/etc/mkinitcpio.conf" }, NULL, NULL },
	{ VP_SITE_FMT_SHELL, { "/etc/mkinitcpio.conf.d" }, ".conf", NULL },
	{ VP_SITE_FMT_DRIVERCTL, { "/etc/driverctl.d" }, "", "pci-" },
	/* Before the guests, which say what they mean by these names. */
	{ VP_SITE_FMT_MAPPING, { "/etc/pve/mapping/pci.cfg" }, NULL, NULL },
	{ VP_SITE_FMT_PROXMOX, { "/etc/pve/qemu-server" }, ".conf", NULL },
	{ VP_SITE_FMT_LIBVIRT, { "/etc/libvirt/qemu" }, ".xml", NULL },
	{ VP_SITE_FMT_SCRIPT, { "/etc/initramfs-tools/scripts/init-top" }, "",
	  NULL },
	{ VP_SITE_FMT_SCRIPT, { "/etc/initramfs-tools/scripts/init-premount" },
	  "", NULL },
	{ VP_SITE_FMT_SCRIPT, { "/etc/initramfs-tools/scripts/local-top" }, "",
	  NULL },
	{ VP_SITE_FMT_SCRIPT, { "/etc/initcpio/hooks" }, "", NULL },
	{ VP_SITE_FMT_SCRIPT, { "/etc/udev/rules.d" }, ".rules", NULL },
	{ VP_SITE_FMT_SCRIPT, { "/etc/rc.local" }, NULL, NULL },
};

/**
 * vp_site_str() - a string as a piece of text
 * @text: the string
 *
 * Return: all of it.
 */
struct vp_site_span vp_site_str(const char *text)
{
	return (struct vp_site_span){ text, strlen(text) };
}

static bool is_blank(char c)
{
	return c && strchr(BLANKS, c);
}

/**
 * vp_site_trim() - take off what is blank
 * @span: the piece
 *
 * Return: the piece without blanks at its ends.
 */
struct vp_site_span vp_site_trim(struct vp_site_span span)
{
	while (span.len && is_blank(span.text[0])) {
		span.text++;
		span.len--;
	}
	while (span.len && is_blank(span.text[span.len - 1]))
		span.len--;
	return span;
}

/**
 * vp_site_next_line() - step from line to line
 * @pos: where the next line begins; moved behind it
 * @end: behind the text
 * @line: set to the line, without its end
 *
 * Return: false when there is none.
 */
bool vp_site_next_line(const char **pos, const char *end,
		       struct vp_site_span *line)
{
	const char *to;

	if (*pos >= end)
		return false;
	to = memchr(*pos, '\n', (size_t)(end - *pos));
	line->text = *pos;
	line->len = (size_t)((to ? to : end) - *pos);
	*pos = to ? to + 1 : end;
	return true;
}

/**
 * vp_site_next_word() - step from word to word
 * @rest: what is left; what was taken is taken off
 * @word: set to the next word, which ends at a blank
 *
 * Return: false when there is none.
 */
bool vp_site_next_word(struct vp_site_span *rest, struct vp_site_span *word)
{
	*rest = vp_site_trim(*rest);
	word->text = rest->text;
	for (word->len = 0; word->len < rest->len; word->len++)
		if (is_blank(rest->text[word->len]))
			break;
	rest->text += word->len;
	rest->len -= word->len;
	return word->len;
}

static char *copy(struct vp_site_span span)
{
	char *text = malloc(span.len + 1);
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < span.len; i++)
		text[i] = span.text[i] >= ' ' && span.text[i] <= '~' ?
			  span.text[i] : span.text[i] == '\t' ? ' ' : '?';
	text[span.len] = '\0';
	return text;
}

static void free_entry(struct vp_site_entry *entry)
{
	free(entry->path);
	free(entry->key);
	free(entry->value);
	free(entry->text);
}

static bool make_room(struct vp_site *site)
{
	struct vp_site_entry *more;
	size_t room;

	if (site->count < site->room)
		return true;
	room = site->room ? site->room * 2 : 64;
	more = reallocarray(site->entries, room, sizeof(*more));
	if (!more)
		return false;
	site->entries = more;
	site->room = room;
	return true;
}

/* Parameters and modules may be written with either. */
static bool has_dashes(enum vp_site_kind kind)
{
	return kind <= VP_SITE_LOAD;
}

/**
 * vp_site_add() - keep a setting
 * @site: where to
 * @kind: what it is
 * @at: where it was found
 * @key: the parameter, module, device or guest
 * @value: what it is set to
 * @text: how it stands there
 */
void vp_site_add(struct vp_site *site, enum vp_site_kind kind,
		 const struct vp_site_at *at, struct vp_site_span key,
		 struct vp_site_span value, struct vp_site_span text)
{
	struct vp_site_entry *entry;
	char *p;

	if (site->count >= VP_SITE_COUNT_MAX)
		return;
	if (!make_room(site)) {
		site->failed = true;
		return;
	}
	if (text.len > VP_SITE_TEXT_MAX)
		text.len = VP_SITE_TEXT_MAX;
	entry = &site->entries[site->count];
	*entry = (struct vp_site_entry){
		.kind = kind,
		.format = at->format,
		.path = copy(vp_site_str(at->path)),
		.line = at->line,
		.last = at->last,
		.key = copy(key),
		.value = copy(value),
		.text = copy(text),
	};
	if (!entry->path || !entry->key || !entry->value || !entry->text) {
		free_entry(entry);
		site->failed = true;
		return;
	}
	for (p = entry->key; has_dashes(kind) && *p; p++) {
		/* Patterns have ranges. */
		if (*p == '[')
			p += strcspn(p, "]");
		if (!*p)
			break;
		if (*p == '-')
			*p = '_';
	}
	site->count++;
}

/**
 * vp_site_is_module() - are these two names of one module
 * @a: one
 * @b: the other
 *
 * Return: true when they differ at most in dashes and underscores.
 */
bool vp_site_is_module(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

/**
 * vp_site_lists() - is a module in a list
 * @list: names parted by blanks or commas
 * @module: the module
 *
 * Return: true when it is.
 */
bool vp_site_lists(const char *list, const char *module)
{
	char name[PATH_MAX];
	size_t len;

	for (; *list; list += len) {
		list += strspn(list, BLANKS ",");
		len = strcspn(list, BLANKS ",");
		if (!len || len >= sizeof(name))
			continue;
		memcpy(name, list, len);
		name[len] = '\0';
		if (vp_site_is_module(name, module))
			return true;
	}
	return false;
}

static void parse_list(struct vp_site *site, struct vp_site_at *at,
		       const char *text, size_t len)
{
	const char *pos = text, *end = text + len;
	struct vp_site_span line, rest, word;

	for (at->line = 1; vp_site_next_line(&pos, end, &line); at->line++) {
		at->last = at->line;
		rest = line;
		/* Options may stand behind; they are passed over, as by udev. */
		if (vp_site_next_word(&rest, &word) && word.text[0] != '#' &&
		    word.text[0] != ';')
			vp_site_add(site, VP_SITE_LOAD, at, word,
				    vp_site_str(""), vp_site_trim(line));
	}
}

/**
 * vp_site_parse() - read the text of one file
 * @site: where settings are added
 * @format: how it is written
 * @path: its path, without the root
 * @text: its contents; need not end in a NUL
 * @len: its length
 */
void vp_site_parse(struct vp_site *site, enum vp_site_format format,
		   const char *path, const char *text, size_t len)
{
	struct vp_site_at at = {
		.format = format, .path = path, .line = 1, .last = 1,
	};

	switch (format) {
	case VP_SITE_FMT_RUNNING:
		vp_site_parse_words(site, VP_SITE_CMDLINE, &at, text, len);
		break;
	case VP_SITE_FMT_CMDLINE:
		vp_site_parse_words(site, VP_SITE_LOADER, &at, text, len);
		break;
	case VP_SITE_FMT_SHELL:
		vp_site_parse_shell(site, &at, text, len);
		break;
	case VP_SITE_FMT_KEYWORDS:
		vp_site_parse_keywords(site, &at, text, len);
		break;
	case VP_SITE_FMT_MODPROBE:
		vp_site_parse_modprobe(site, &at, text, len);
		break;
	case VP_SITE_FMT_LIST:
		parse_list(site, &at, text, len);
		break;
	case VP_SITE_FMT_DRIVERCTL:
		vp_site_parse_driverctl(site, &at, text, len);
		break;
	case VP_SITE_FMT_PROXMOX:
		vp_site_parse_proxmox(site, &at, text, len);
		break;
	case VP_SITE_FMT_MAPPING:
		vp_site_parse_mapping(site, &at, text, len);
		break;
	case VP_SITE_FMT_LIBVIRT:
		vp_site_parse_libvirt(site, &at, text, len);
		break;
	case VP_SITE_FMT_SCRIPT:
		vp_site_parse_script(site, &at, text, len);
		break;
	case VP_SITE_FORMATS:
		break;
	}
}

/**
 * vp_site_path() - where a file is
 * @site: what has the root
 * @path: the path below it
 *
 * Return: the whole path, to be freed, or NULL for want of memory.
 */
char *vp_site_path(const struct vp_site *site, const char *path)
{
	char *whole;

	return asprintf(&whole, "%s%s", site->root, path) < 0 ? NULL : whole;
}

/**
 * vp_site_has() - is there such a file or folder
 * @site: what has the root
 * @path: the path below it
 *
 * Return: true when there is.
 */
bool vp_site_has(const struct vp_site *site, const char *path)
{
	char *whole = vp_site_path(site, path);
	bool has = whole && !access(whole, F_OK);

	free(whole);
	return has;
}

static char *read_all(int fd, size_t max, size_t *len)
{
	char *text = NULL, *more;
	size_t room = 0;
	ssize_t got;

	/* Files of proc do not say how long they are. */
	for (*len = 0; ; *len += (size_t)got) {
		if (*len + 1 >= room) {
			room = room ? room * 2 : 4096;
			more = realloc(text, room);
			if (!more)
				break;
			text = more;
		}
		got = read(fd, text + *len, room - *len - 1);
		if (got < 0 || *len + (size_t)got > max)
			break;
		if (!got) {
			text[*len] = '\0';
			return text;
		}
	}
	free(text);
	return NULL;
}

/**
 * vp_site_load() - read a file
 * @site: what has the root
 * @path: the path below it
 * @max: how long it may be
 * @len: set to its length
 *
 * Return: its contents with a NUL behind them, to be freed; NULL when it cannot
 * be read, is none, or is longer.
 */
char *vp_site_load(const struct vp_site *site, const char *path, size_t max,
		   size_t *len)
{
	char *whole = vp_site_path(site, path), *text = NULL;
	struct stat st;
	int fd;

	*len = 0;
	/* A pipe without a writer would keep us waiting. */
	fd = whole ? open(whole, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	free(whole);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		text = read_all(fd, max, len);
	close(fd);
	return text;
}

/**
 * vp_site_text() - read the first line of a short file
 * @site: what has the root
 * @path: the path below it
 * @buf: set to the line, in printable ASCII; empty when there is none
 * @size: room in @buf; what is longer is cut
 *
 * Return: true when there is one.
 */
bool vp_site_text(const struct vp_site *site, const char *path, char *buf,
		  size_t size)
{
	struct vp_site_span line;
	const char *pos;
	char *text, *clean;
	size_t len;

	buf[0] = '\0';
	text = vp_site_load(site, path, VP_SITE_FILE_MAX, &len);
	pos = text;
	if (text && vp_site_next_line(&pos, text + len, &line)) {
		clean = copy(vp_site_trim(line));
		if (clean)
			snprintf(buf, size, "%s", clean);
		free(clean);
	}
	free(text);
	return buf[0];
}

static void read_file(struct vp_site *site, enum vp_site_format format,
		      const char *path)
{
	size_t len;
	char *text = vp_site_load(site, path, VP_SITE_FILE_MAX, &len);

	if (text)
		vp_site_parse(site, format, path, text, len);
	free(text);
}

/**
 * struct name - a file of a folder
 * @name: its name
 * @folder: number of its folder
 */
struct name {
	char *name;
	size_t folder;
};

static int by_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->folder > y->folder) - (x->folder < y->folder);
}

static bool is_wanted(const struct source *source, const char *name)
{
	size_t len = strlen(name), suffix = strlen(source->suffix);

	if (name[0] == '.' || len < suffix ||
	    strcmp(name + len - suffix, source->suffix) != 0)
		return false;
	return !source->prefix ||
	       !strncmp(name, source->prefix, strlen(source->prefix));
}

static size_t list_folder(struct vp_site *site, const struct source *source,
			  size_t folder, struct name *names, size_t count)
{
	char *path = vp_site_path(site, source->paths[folder]);
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;

	free(path);
	if (!dir)
		return count;
	while (count < FILES_MAX && (entry = readdir(dir))) {
		if (!is_wanted(source, entry->d_name))
			continue;
		names[count].name = strdup(entry->d_name);
		names[count].folder = folder;
		if (names[count].name)
			count++;
		else
			site->failed = true;
	}
	closedir(dir);
	return count;
}

static void read_folders(struct vp_site *site, const struct source *source)
{
	struct name *names = calloc(FILES_MAX, sizeof(*names));
	char path[PATH_MAX];
	size_t count = 0, i;

	if (!names) {
		site->failed = true;
		return;
	}
	for (i = 0; i < FOLDERS_MAX && source->paths[i]; i++)
		count = list_folder(site, source, i, names, count);
	qsort(names, count, sizeof(*names), by_name);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s",
			 source->paths[names[i].folder], names[i].name);
		/* Of one name the first folder's counts, even if it is empty. */
		if (!i || strcmp(names[i - 1].name, names[i].name) != 0)
			read_file(site, source->format, path);
	}
	for (i = 0; i < count; i++)
		free(names[i].name);
	free(names);
}

/**
 * vp_site_root() - only for the paths of this host: nothing of it is read
 * @site: filled in; to be freed with vp_site_close()
 *
 * Return: 0 or -ENOMEM.
 */
int vp_site_root(struct vp_site *site)
{
	const char *root = secure_getenv("VFIOPOLICY_ROOT");

	memset(site, 0, sizeof(*site));
	site->root = strdup(root ? root : "");
	return site->root ? 0 : -ENOMEM;
}

/**
 * vp_site_open() - read what is configured on this host
 * @site: filled in; to be freed with vp_site_close(), also after an error
 * @root: goes before all paths; NULL for what the environment variable
 *        VFIOPOLICY_ROOT says, or nothing
 *
 * Return: 0 or -ENOMEM. What cannot be read is not there.
 */
int vp_site_open(struct vp_site *site, const char *root)
{
	size_t i, len;

	memset(site, 0, sizeof(*site));
	if (!root)
		root = secure_getenv("VFIOPOLICY_ROOT");
	site->root = strdup(root ? root : "");
	if (!site->root)
		return -ENOMEM;
	for (len = strlen(site->root); len && site->root[len - 1] == '/'; len--)
		site->root[len - 1] = '\0';
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i].suffix)
			read_folders(site, &sources[i]);
		else
			read_file(site, sources[i].format, sources[i].paths[0]);
	}
	/* Where Debian has no link to it among the others. */
	if (!vp_site_has(site, "/etc/modules-load.d/modules.conf"))
		read_file(site, VP_SITE_FMT_LIST, "/etc/modules");
	return site->failed ? -ENOMEM : 0;
}

/**
 * vp_site_close() - forget what is configured
 * @site: what vp_site_open() filled in
 */
void vp_site_close(struct vp_site *site)
{
	size_t i;

	for (i = 0; i < site->count; i++)
		free_entry(&site->entries[i]);
	free(site->entries);
	free(site->root);
	memset(site, 0, sizeof(*site));
}
