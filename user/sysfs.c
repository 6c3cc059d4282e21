// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small files of sysfs. All paths begin at its root, so that a made-up one
 * does as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "peek.h"
#include "sysfs.h"

static int open_file(const struct vp_host *host, const char *path, int flags)
{
	char whole[PATH_MAX];
	int fd;

	if (!host->sysfs)
		return -ENOENT;
	if ((size_t)snprintf(whole, sizeof(whole), "%s/%s", host->sysfs,
			     path) >= sizeof(whole))
		return -ENAMETOOLONG;
	fd = open(whole, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/**
 * vp_sysfs_read() - the first line of a file
 * @host: the host
 * @path: the file
 * @text: set to the line without its end, printable; empty after an error;
 *        %VP_SYSFS_LEN bytes
 *
 * Return: 0 or -errno, -ENOENT for a snapshot, which has no files.
 */
int vp_sysfs_read(const struct vp_host *host, const char *path, char *text)
{
	int fd = open_file(host, path, O_RDONLY);
	ssize_t len;

	text[0] = '\0';
	if (fd < 0)
		return fd;
	len = read(fd, text, VP_SYSFS_LEN - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	vp_peek_clean(text);
	return len < 0 ? (int)len : 0;
}

/**
 * vp_sysfs_write() - tell the kernel something by a file
 * @host: the host
 * @path: the file
 * @text: what to write, in one piece
 *
 * Return: 0 or -errno.
 */
int vp_sysfs_write(const struct vp_host *host, const char *path,
		   const char *text)
{
	int fd = open_file(host, path, O_WRONLY), ret = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int device_path(const char *address, const char *file, char *path,
		       size_t size)
{
	return (size_t)snprintf(path, size, "bus/pci/devices/%s/%s", address,
				file) < size ? 0 : -ENAMETOOLONG;
}

/**
 * vp_sysfs_read_dev() - the first line of a file of a PCI device
 * @host: the host
 * @address: the device
 * @file: the file
 * @text: as of vp_sysfs_read()
 *
 * Return: 0 or -errno.
 */
int vp_sysfs_read_dev(const struct vp_host *host, const char *address,
		      const char *file, char *text)
{
	char path[VP_SYSFS_LEN];

	text[0] = '\0';
	return device_path(address, file, path, sizeof(path)) ?:
	       vp_sysfs_read(host, path, text);
}

/**
 * vp_sysfs_number_dev() - a file of a PCI device that has a number
 * @host: the host
 * @address: the device
 * @file: the file
 * @number: set to the number, or to 0
 *
 * Return: 0 or -errno.
 */
int vp_sysfs_number_dev(const struct vp_host *host, const char *address,
			const char *file, unsigned int *number)
{
	char text[VP_SYSFS_LEN], *end;
	unsigned long value;
	int ret;

	*number = 0;
	ret = vp_sysfs_read_dev(host, address, file, text);
	if (ret)
		return ret;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno ||
	    value > UINT_MAX)
		return -EINVAL;
	*number = (unsigned int)value;
	return 0;
}

/**
 * vp_sysfs_write_dev() - tell the kernel something of a PCI device
 * @host: the host
 * @address: the device
 * @file: the file
 * @text: what to write, in one piece
 *
 * Return: 0 or -errno.
 */
int vp_sysfs_write_dev(const struct vp_host *host, const char *address,
		       const char *file, const char *text)
{
	char path[VP_SYSFS_LEN];

	return device_path(address, file, path, sizeof(path)) ?:
	       vp_sysfs_write(host, path, text);
}
