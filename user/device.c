// SPDX-License-Identifier: GPL-2.0-only
/*
 * One device that a command is about: found by the word that was typed, with
 * a hint where it was nearly one; and who has it open through vfio.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "command.h"
#include "device.h"
#include "output.h"
#include "resolve.h"

/* Devices that a hint names. */
#define HINT_MAX	4

static void append(char *buf, size_t size, const char *text)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s", text);
}

/* Is @word the address but for its function: 82:00, or 0000:82:00? */
static bool is_slot_of(const char *word, const char *address)
{
	size_t slot = strcspn(address, "."), len = strlen(word);

	if (len == slot && !strncasecmp(word, address, slot))
		return true;
	/* The domain may be left out when it is 0. */
	return len + 5 == slot && !strncmp(address, "0000:", 5) &&
	       !strncasecmp(word, address + 5, len);
}

static bool has_ids(const char *word, const struct vp_facts *facts)
{
	char ids[16];

	snprintf(ids, sizeof(ids), "%04x:%04x", facts->vendor, facts->device);
	return !strcasecmp(word, ids);
}

/**
 * vp_device_hint() - what a word that names no device may have been meant for
 * @host: the host
 * @word: what was typed
 * @hint: set to a sentence, or to nothing; %VP_DEVICE_LEN bytes
 *
 * An address without its function reads as an id, and an id is no device.
 *
 * Return: true when there is one.
 */
bool vp_device_hint(const struct vp_host *host, const char *word, char *hint)
{
	char list[VP_DEVICE_LEN / 2] = "";
	const struct vp_host_dev *dev;
	bool slot = false;
	size_t count = 0;

	hint[0] = '\0';
	for (dev = host->devs; dev < host->devs + host->count; dev++) {
		if (!has_ids(word, &dev->facts) &&
		    !is_slot_of(word, dev->address))
			continue;
		slot |= is_slot_of(word, dev->address);
		if (count && count < HINT_MAX)
			append(list, sizeof(list), ", ");
		if (count < HINT_MAX)
			append(list, sizeof(list), dev->address);
		else if (count == HINT_MAX)
			append(list, sizeof(list), " and more");
		count++;
	}
	if (!count)
		return false;
	snprintf(hint, VP_DEVICE_LEN, slot ?
		 "An address ends in a function. Did you mean %s?" :
		 "That is an id; what has it here is %s.", list);
	return true;
}

/**
 * vp_device_find() - the device that a word of the command line means
 * @host: the host
 * @word: what was typed
 * @dev: set to the device on success
 *
 * Return: an &enum vp_exit, after having said what is wrong.
 */
int vp_device_find(const struct vp_host *host, const char *word,
		   const struct vp_host_dev **dev)
{
	char text[VP_RESOLVE_LEN];
	int ret;

	ret = vp_resolve(host, word, dev, text, sizeof(text));
	if (!ret)
		return VP_EXIT_DONE;
	if (text[0])
		vp_out_error("%s", text);
	else
		vp_out_error("'%s' is no device here: expected an address, a network interface, a disk or a device file",
			     word);
	if (vp_device_hint(host, word, text))
		vp_out_error_more("%s", text);
	return ret == -ENOTUNIQ ? VP_EXIT_USAGE : VP_EXIT_NOT_FOUND;
}

/**
 * vp_device_is_vfio() - would a driver give its devices to a guest
 * @host: the host
 * @address: a device that the driver has
 * @driver: its name
 *
 * Variant drivers have names of their own; but a device that any driver of
 * vfio's has got a folder of vfio's from 6.1 on.
 *
 * Return: true when it would.
 */
bool vp_device_is_vfio(const struct vp_host *host, const char *address,
		       const char *driver)
{
	char path[PATH_MAX];

	if (!driver[0])
		return false;
	if (strstr(driver, "vfio-pci") || strstr(driver, "vfio_pci"))
		return true;
	if (!host->sysfs)
		return false;
	snprintf(path, sizeof(path), "%s/%s/vfio-dev", host->devices_dir,
		 address);
	return !access(path, F_OK);
}

/* The device files by which a device is given away: its group's, its own. */
static void device_files(const struct vp_host *host,
			 const struct vp_host_dev *dev, char *group, char *own,
			 size_t size)
{
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *dir;

	snprintf(group, size, "/dev/vfio/%d", dev->group);
	own[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s/vfio-dev", host->devices_dir,
		 dev->address);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(own, size, "/dev/vfio/devices/%.32s",
				 entry->d_name);
	if (dir)
		closedir(dir);
}

/* Has a process one of two files open? */
static bool has_open(int fds, const char *group, const char *own)
{
	char target[PATH_MAX];
	struct dirent *entry;
	DIR *dir = fdopendir(fds);
	bool found = false;
	ssize_t len;

	while (dir && !found && (entry = readdir(dir))) {
		len = readlinkat(fds, entry->d_name, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		found = !strcmp(target, group) || !strcmp(target, own);
	}
	if (dir)
		closedir(dir);
	else
		close(fds);
	return found;
}

static void read_command(int proc, const char *pid, char *command, size_t size)
{
	char path[NAME_MAX + 8], *p;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, command, size - 1);
	if (fd >= 0)
		close(fd);
	command[len > 0 ? len : 0] = '\0';
	command[strcspn(command, "\n")] = '\0';
	for (p = command; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

/**
 * vp_device_users() - who has a device open through vfio
 * @host: the host
 * @proc: where procfs is; NULL for /proc
 * @dev: the device
 * @users: set to names and numbers of processes, between commas;
 *         %VP_DEVICE_LEN bytes
 *
 * By the descriptors of all processes. Those of others are root's to see.
 *
 * Return: true when there is one.
 */
bool vp_device_users(const struct vp_host *host, const char *proc,
		     const struct vp_host_dev *dev, char *users)
{
	char group[64], own[64], path[NAME_MAX + 8], text[64], command[32];
	struct dirent *entry;
	int fds;
	DIR *dir;

	users[0] = '\0';
	if (!host->sysfs)
		return false;
	device_files(host, dev, group, own, sizeof(own));
	dir = opendir(proc ? proc : "/proc");
	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/fd", entry->d_name);
		fds = openat(dirfd(dir), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fds < 0 || !has_open(fds, group, own))
			continue;
		read_command(dirfd(dir), entry->d_name, command, sizeof(command));
		snprintf(text, sizeof(text), "%s%s %.16s", users[0] ? ", " : "",
			 command, entry->d_name);
		append(users, VP_DEVICE_LEN, text);
	}
	if (dir)
		closedir(dir);
	return users[0];
}
