// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of others are written for programs that we do not know in full, so a
 * new text counts only when it reads as the old one does, but for what was to
 * go; else somebody has to do it by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claims.h"
#include "strip.h"

/* Passed over by all that read such folders. */
#define TEMPORARY	".vfiopolicy-import.new"
/* Old files of one name. */
#define KEPT_MAX	100

__attribute__((format(printf, 3, 4)))
static int fail(struct vp_strip *strip, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(strip->error, sizeof(strip->error), fmt, ap);
	va_end(ap);
	return ret;
}

static int by_hand(struct vp_strip *strip)
{
	return fail(strip, -EINVAL, "%s is too odd to be edited by a program; edit it by hand",
		    strip->path);
}

static bool is_gone(const struct vp_site_entry *const *gone, size_t count,
		    const struct vp_site_entry *entry)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (gone[i]->line == entry->line &&
		    gone[i]->kind == entry->kind &&
		    !strcmp(gone[i]->key, entry->key) &&
		    !strcmp(gone[i]->value, entry->value))
			return true;
	return false;
}

static bool same(const struct vp_site_entry *a, const char *value,
		 const struct vp_site_entry *b)
{
	return a->kind == b->kind && !strcmp(a->key, b->key) &&
	       !strcmp(value, b->value);
}

/* Does the new text say what the old one did, but for what is gone? */
static bool says_the_rest(const struct vp_strip *strip,
			  enum vp_site_format format,
			  const struct vp_site_entry *const *gone, size_t count)
{
	struct vp_site was = { 0 }, is = { 0 };
	char rest[VP_SITE_TEXT_MAX * 8];
	const char *value;
	size_t i, at = 0;
	bool good = true;

	vp_site_parse(&was, format, strip->path, strip->old, strip->old_len);
	vp_site_parse(&is, format, strip->path, strip->text, strip->len);
	for (i = 0; i < was.count && good; i++) {
		value = was.entries[i].value;
		if (is_gone(gone, count, &was.entries[i])) {
			rest[0] = '\0';
			if (was.entries[i].kind == VP_SITE_OPTIONS)
				vp_claim_rest(&was.entries[i], rest, sizeof(rest));
			if (!rest[0])
				continue;
			value = rest;
		}
		good = at < is.count && same(&was.entries[i], value, &is.entries[at]);
		at++;
	}
	good = good && at == is.count && !was.failed && !is.failed;
	vp_site_close(&was);
	vp_site_close(&is);
	return good;
}

/* Is this line, by its number, one of what is to go? */
static const struct vp_site_entry *find_gone(const struct vp_site_entry *const *gone,
					     size_t count, unsigned int line)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (line >= gone[i]->line && line <= gone[i]->last)
			return gone[i];
	return NULL;
}

/* modprobe.d: the lines become comments; of options the rest is said anew. */
static void comment_out(FILE *out, const struct vp_strip *strip,
			const struct vp_site_entry *const *gone, size_t count)
{
	const char *pos = strip->old, *end = pos + strip->old_len;
	const struct vp_site_entry *entry;
	char rest[VP_SITE_TEXT_MAX * 8];
	struct vp_site_span line;
	unsigned int number;

	for (number = 1; vp_site_next_line(&pos, end, &line); number++) {
		entry = find_gone(gone, count, number);
		if (entry && number == entry->line)
			fputs("# A rule of vfiopolicy does it:\n", out);
		fprintf(out, "%s%.*s", entry ? "# " : "", (int)line.len,
			line.text);
		if (line.text + line.len < end || entry)
			putc('\n', out);
		if (!entry || number != entry->last ||
		    entry->kind != VP_SITE_OPTIONS)
			continue;
		vp_claim_rest(entry, rest, sizeof(rest));
		if (rest[0])
			fprintf(out, "options %s %s\n", entry->key, rest);
	}
}

static bool is_edge(char c)
{
	return !c || strchr(" \t\n\"'", c);
}

/* The first whole word of that text in a line; NULL when there is none. */
static const char *find_word(struct vp_site_span line, const char *word)
{
	size_t len = strlen(word);
	const char *at = line.text, *end = line.text + line.len;

	while ((at = memmem(at, (size_t)(end - at), word, len))) {
		if ((at == line.text || is_edge(at[-1]) || at[-1] == '=') &&
		    (at + len == end || is_edge(at[len])))
			return at;
		at++;
	}
	return NULL;
}

/* Command lines: the word goes, and a blank with it. */
static int cut_words(FILE *out, const struct vp_strip *strip,
		     const struct vp_site_entry *const *gone, size_t count)
{
	const char *pos = strip->old, *end = pos + strip->old_len, *at;
	struct vp_site_span line;
	unsigned int number;
	size_t i, from;
	char *copy;

	for (number = 1; vp_site_next_line(&pos, end, &line); number++) {
		copy = strndup(line.text, line.len);
		if (!copy)
			return -ENOMEM;
		for (i = 0; i < count; i++) {
			if (number < gone[i]->line || number > gone[i]->last)
				continue;
			at = find_word(vp_site_str(copy), gone[i]->text);
			if (!at)
				continue;
			from = (size_t)(at - copy);
			at += strlen(gone[i]->text);
			if (*at == ' ')
				at++;
			else if (from && copy[from - 1] == ' ')
				from--;
			memmove(copy + from, at, strlen(at) + 1);
		}
		fputs(copy, out);
		free(copy);
		if (line.text + line.len < end)
			putc('\n', out);
	}
	return 0;
}

static int make_text(struct vp_strip *strip, enum vp_site_format format,
		     const struct vp_site_entry *const *gone, size_t count)
{
	FILE *out = open_memstream(&strip->text, &strip->len);
	int ret = 0;

	if (!out)
		return fail(strip, -ENOMEM, "%s", strerror(ENOMEM));
	if (format == VP_SITE_FMT_MODPROBE)
		comment_out(out, strip, gone, count);
	else
		ret = cut_words(out, strip, gone, count);
	if (ferror(out) | fclose(out) || ret)
		return fail(strip, -ENOMEM, "%s", strerror(ENOMEM));
	if (memchr(strip->old, '\0', strip->old_len) ||
	    !says_the_rest(strip, format, gone, count))
		return by_hand(strip);
	return 0;
}

static int check_file(const struct vp_site *site, struct vp_strip *strip)
{
	char *whole = vp_site_path(site, strip->path);
	int ret = 0;

	if (!whole)
		return fail(strip, -ENOMEM, "%s", strerror(ENOMEM));
	if (lstat(whole, &strip->status))
		ret = fail(strip, -errno, "%s: %s", strip->path,
			   strerror(errno));
	else if (S_ISLNK(strip->status.st_mode))
		ret = fail(strip, -ELOOP, "%s is a symbolic link; edit what it points to by hand",
			   strip->path);
	else if (!S_ISREG(strip->status.st_mode))
		ret = by_hand(strip);
	free(whole);
	return ret;
}

/**
 * vp_strip_prepare() - make the new text of a file
 * @site: what has the root
 * @gone: the settings that are to go, all of one file
 * @count: number of @gone; at least one
 * @strip: filled in; to be freed with vp_strip_free(), also after an error
 *
 * Changes nothing.
 *
 * Return: 0, or -errno with the reason in @strip.
 */
int vp_strip_prepare(const struct vp_site *site,
		     const struct vp_site_entry *const *gone, size_t count,
		     struct vp_strip *strip)
{
	int ret;

	memset(strip, 0, sizeof(*strip));
	strip->path = gone[0]->path;
	/* What packages bring comes back with them. */
	if (gone[0]->format == VP_SITE_FMT_MODPROBE &&
	    strncmp(strip->path, "/etc/", strlen("/etc/")) != 0)
		return fail(strip, -EPERM, "%s belongs to a package; hide it with a file of that name in /etc/modprobe.d",
			    strip->path);
	ret = check_file(site, strip);
	if (ret)
		return ret;
	strip->old = vp_site_load(site, strip->path, VP_SITE_FILE_MAX,
				  &strip->old_len);
	if (!strip->old)
		return fail(strip, -EIO, "%s cannot be read", strip->path);
	/* There the file is the setting. */
	if (gone[0]->format == VP_SITE_FMT_DRIVERCTL)
		return 0;
	return make_text(strip, gone[0]->format, gone, count);
}

/* Makes the folders that a path goes through. */
static int make_folders(char *path)
{
	char *p;

	for (p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST) {
			*p = '/';
			return -errno;
		}
		*p = '/';
	}
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	ssize_t done;

	for (; len; text += done, len -= (size_t)done) {
		done = write(fd, text, len);
		if (done < 0 && errno == EINTR)
			done = 0;
		else if (done < 0)
			return -errno;
	}
	return fsync(fd) ? -errno : 0;
}

/* Writes a file that is not there yet, with the mode and owner of the old. */
static int write_new(const struct vp_strip *strip, const char *path,
		     const char *text, size_t len)
{
	int fd, ret;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, text, len);
	/* A file system of boot files may know neither. */
	if (!ret && fchown(fd, strip->status.st_uid, strip->status.st_gid) &&
	    errno != EPERM)
		ret = -errno;
	if (!ret && fchmod(fd, strip->status.st_mode & 07777) && errno != EPERM)
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		unlink(path);
	return ret;
}

/* A name that was made or taken away counts only when its folder is on the disk. */
static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd, ret = 0;

	snprintf(folder, sizeof(folder), "%.*s",
		 (int)(strrchr(path, '/') - path), path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Not every file system of boot files can. */
	if (fsync(fd) && errno != EINVAL)
		ret = -errno;
	close(fd);
	return ret;
}

static int keep_old(const struct vp_site *site, struct vp_strip *strip)
{
	unsigned int n;
	char *whole;
	int ret = -EEXIST;

	for (n = 0; ret == -EEXIST && n < KEPT_MAX; n++) {
		if (n)
			snprintf(strip->kept, sizeof(strip->kept), "%s%s.%u",
				 VP_STRIP_KEPT, strip->path, n);
		else
			snprintf(strip->kept, sizeof(strip->kept), "%s%s",
				 VP_STRIP_KEPT, strip->path);
		whole = vp_site_path(site, strip->kept);
		if (!whole)
			return -ENOMEM;
		ret = make_folders(whole);
		if (!ret)
			ret = write_new(strip, whole, strip->old,
					strip->old_len);
		/* Only then the old one may go. */
		if (!ret)
			ret = sync_folder(whole);
		free(whole);
	}
	return ret;
}

static bool was_changed(const struct vp_strip *strip, const char *whole)
{
	const struct stat *old = &strip->status;
	struct stat now;

	return lstat(whole, &now) || now.st_ino != old->st_ino ||
	       now.st_dev != old->st_dev || now.st_size != old->st_size ||
	       now.st_mtim.tv_sec != old->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != old->st_mtim.tv_nsec;
}

static int put(const struct vp_strip *strip, const char *whole)
{
	char temporary[PATH_MAX];
	int ret;

	if (!strip->text) {
		if (unlink(whole))
			return -errno;
		/* It is gone, whether or not that outlasts a crash. */
		sync_folder(whole);
		return 0;
	}
	snprintf(temporary, sizeof(temporary), "%.*s/" TEMPORARY,
		 (int)(strrchr(whole, '/') - whole), whole);
	/* One that a crash has left. */
	unlink(temporary);
	ret = write_new(strip, temporary, strip->text, strip->len);
	if (!ret && was_changed(strip, whole))
		ret = -EAGAIN;
	if (!ret && rename(temporary, whole))
		ret = -errno;
	if (ret)
		unlink(temporary);
	else
		sync_folder(whole);
	return ret;
}

/**
 * vp_strip_commit() - put the new text in place of the old
 * @site: what has the root
 * @strip: what vp_strip_prepare() filled in
 *
 * The old file is kept first; @strip says where.
 *
 * Return: 0, or -errno with the reason in @strip; then the file is as it was.
 */
int vp_strip_commit(const struct vp_site *site, struct vp_strip *strip)
{
	char *whole = vp_site_path(site, strip->path);
	int ret;

	if (!whole)
		return fail(strip, -ENOMEM, "%s", strerror(ENOMEM));
	if (was_changed(strip, whole))
		ret = -EAGAIN;
	else
		ret = keep_old(site, strip);
	if (!ret)
		ret = put(strip, whole);
	free(whole);
	if (ret == -EAGAIN)
		return fail(strip, ret, "%s is unchanged: somebody else has just changed it; try again",
			    strip->path);
	if (ret)
		return fail(strip, ret, "%s is unchanged: %s", strip->path,
			    strerror(-ret));
	return 0;
}

/**
 * vp_strip_free() - forget a file
 * @strip: what vp_strip_prepare() filled in
 */
void vp_strip_free(struct vp_strip *strip)
{
	free(strip->old);
	free(strip->text);
	strip->old = NULL;
	strip->text = NULL;
}
