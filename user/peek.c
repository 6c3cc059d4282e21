// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small looks into sysfs and procfs. What they have may be text that a device,
 * a user or a guest chose: it is cut to the room there is and made printable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peek.h"

/* Return: false when the path does not fit. */
static bool make_path(char *path, const char *fmt, va_list ap)
{
	int len = vsnprintf(path, VP_PEEK_LEN, fmt, ap);

	return len > 0 && len < VP_PEEK_LEN;
}

/**
 * vp_peek_clean() - make a text fit to be printed in one line
 * @text: the text; what is not printable ASCII becomes '?'
 */
void vp_peek_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/**
 * vp_peek_text() - the first line of a file
 * @buf: set to it, without blanks at its end; empty when there is none
 * @size: room in @buf
 * @fmt: the path, as printf's
 *
 * Return: true when the file could be read.
 */
bool vp_peek_text(char *buf, size_t size, const char *fmt, ...)
{
	char path[VP_PEEK_LEN];
	ssize_t len = -1;
	va_list ap;
	bool fits;
	int fd = -1;

	buf[0] = '\0';
	va_start(ap, fmt);
	fits = make_path(path, fmt, ap);
	va_end(ap);
	if (fits)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		len = read(fd, buf, size - 1);
		close(fd);
	}
	buf[len > 0 ? len : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	for (len = (ssize_t)strlen(buf); len && buf[len - 1] == ' '; len--)
		buf[len - 1] = '\0';
	vp_peek_clean(buf);
	return fd >= 0;
}

/**
 * vp_peek_link() - where a symbolic link points
 * @buf: set to it; empty when it is none, or does not fit
 * @size: room in @buf
 * @fmt: the path of the link, as printf's
 *
 * Return: true when it is one.
 */
bool vp_peek_link(char *buf, size_t size, const char *fmt, ...)
{
	char path[VP_PEEK_LEN];
	ssize_t len = -1;
	va_list ap;
	bool fits;

	va_start(ap, fmt);
	fits = make_path(path, fmt, ap);
	va_end(ap);
	if (fits)
		len = readlink(path, buf, size);
	/* What fills all of the room may have been cut. */
	if (len < 0 || (size_t)len >= size)
		len = 0;
	buf[len] = '\0';
	return len;
}

/**
 * vp_peek_key() - a line KEY=VALUE of a file, as uevent of every device has them
 * @buf: set to the value; empty when there is none
 * @size: room in @buf
 * @key: the key, and its '='
 * @fmt: the path, as printf's
 *
 * Return: true when there is such a line.
 */
bool vp_peek_key(char *buf, size_t size, const char *key, const char *fmt, ...)
{
	char path[VP_PEEK_LEN], line[VP_PEEK_LEN];
	const size_t len = strlen(key);
	FILE *file = NULL;
	bool found = false;
	va_list ap;

	buf[0] = '\0';
	va_start(ap, fmt);
	if (make_path(path, fmt, ap))
		file = fopen(path, "re");
	va_end(ap);
	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, key, len);
	if (file)
		fclose(file);
	if (!found)
		return false;
	line[strcspn(line, "\n")] = '\0';
	snprintf(buf, size, "%s", line + len);
	vp_peek_clean(buf);
	return true;
}

/**
 * vp_peek_exists() - is something there
 * @fmt: the path, as printf's
 *
 * Return: true when it is.
 */
bool vp_peek_exists(const char *fmt, ...)
{
	char path[VP_PEEK_LEN];
	va_list ap;
	bool fits;

	va_start(ap, fmt);
	fits = make_path(path, fmt, ap);
	va_end(ap);
	return fits && !access(path, F_OK);
}

static int has_no_dot(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/**
 * vp_peek_list() - what is in a folder, numbers in their order
 * @names: set to the entries; to be freed with vp_peek_free()
 * @fmt: the path of the folder, as printf's
 *
 * Return: how many there are, 0 when there is no such folder; -errno when it cannot
 * be read, and @names is NULL.
 */
int vp_peek_list(struct dirent ***names, const char *fmt, ...)
{
	char path[VP_PEEK_LEN];
	int count, err;
	va_list ap;
	bool fits;

	*names = NULL;
	va_start(ap, fmt);
	fits = make_path(path, fmt, ap);
	va_end(ap);
	if (!fits)
		return -ENAMETOOLONG;
	count = scandir(path, names, has_no_dot, versionsort);
	if (count > 0)
		return count;
	err = count < 0 ? errno : 0;
	/* An empty folder has a list all the same. */
	if (!count)
		free(*names);
	*names = NULL;
	return err == ENOENT || err == ENOTDIR ? 0 : -err;
}

/**
 * vp_peek_free() - forget what vp_peek_list() found
 * @names: the entries
 * @count: how many
 */
void vp_peek_free(struct dirent **names, int count)
{
	while (count > 0)
		free(names[--count]);
	free(names);
}

/**
 * vp_peek_base() - the last part of a path
 * @path: the path
 *
 * Return: what is behind the last slash.
 */
const char *vp_peek_base(const char *path)
{
	const char *base = strrchr(path, '/');

	return base ? base + 1 : path;
}

/**
 * vp_peek_has_part() - is something a whole part of a path
 * @path: the path
 * @part: what to look for, without slashes
 *
 * Return: true when it is.
 */
bool vp_peek_has_part(const char *path, const char *part)
{
	const size_t len = strlen(part);
	const char *at = path;

	while ((at = strstr(at, part))) {
		if ((at == path || at[-1] == '/') && (!at[len] || at[len] == '/'))
			return true;
		at++;
	}
	return false;
}

/**
 * vp_peek_append() - write on, as far as there is room
 * @buf: a text, which is written on behind its end
 * @size: room in @buf
 * @fmt: as printf's
 */
void vp_peek_append(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + len, size - len, fmt, ap);
	va_end(ap);
}
