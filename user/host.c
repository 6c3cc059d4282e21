// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the PCI devices of the host from sysfs. Takes no lock of the kernel
 * and wakes no device: the header type comes from the part of the
 * configuration space that the kernel reads for anybody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "host.h"

#define HEADER_TYPE	0x0e
#define HEADER_MASK	0x7f

/* Reads one file below a device. Return: bytes read, or -errno. */
static ssize_t read_file(int dir, const char *device, const char *file,
			 void *buf, size_t size)
{
	char path[NAME_MAX + VP_HOST_LEN];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", device, file);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size);
	if (len < 0)
		len = -errno;
	close(fd);
	return len;
}

static int read_number(int dir, const char *device, const char *file, u32 *val)
{
	char text[32], *end;
	unsigned long v;
	ssize_t len;

	len = read_file(dir, device, file, text, sizeof(text) - 1);
	if (len < 0)
		return (int)len;
	text[len] = '\0';
	errno = 0;
	v = strtoul(text, &end, 16);
	if (end == text || errno || v > ~0u)
		return -EINVAL;
	*val = (u32)v;
	return 0;
}

/* The last part of where a link points; empty when it is not there. */
static void read_link(int dir, const char *device, const char *link, char *buf)
{
	char path[NAME_MAX + VP_HOST_LEN], target[PATH_MAX];
	const char *base;
	ssize_t len;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", device, link);
	len = readlinkat(dir, path, target, sizeof(target) - 1);
	if (len < 0)
		return;
	target[len] = '\0';
	base = strrchr(target, '/');
	snprintf(buf, VP_HOST_LEN, "%.*s", VP_HOST_LEN - 1,
		 base ? base + 1 : target);
}

/*
 * Whatever hangs off another header than a device's. Host and ISA bridges have
 * a device's header, and the host needs them all the same; other bridges by
 * class, such as switches of a GPU's own bus, may well be given away.
 */
static bool is_bridge(int dir, const char *device, u32 class)
{
	unsigned char header[HEADER_TYPE + 1] = { 0 };
	ssize_t len = read_file(dir, device, "config", header, sizeof(header));
	u32 kind = class >> 8;

	if (len == (ssize_t)sizeof(header) &&
	    (header[HEADER_TYPE] & HEADER_MASK))
		return true;
	return kind == 0x0600 || kind == 0x0601 || kind == 0x0604 ||
	       kind == 0x0607;
}

/**
 * vp_host_address() - read an address
 * @text: domain:bus:device.function; the domain may be left out
 * @facts: its place is filled in, all else is cleared
 *
 * Return: 0, or -EINVAL when @text is no address.
 */
int vp_host_address(const char *text, struct vp_facts *facts)
{
	char rule_text[VP_HOST_LEN * 2];
	struct vp_error err;
	struct vp_rule rule;
	size_t len;

	len = scnprintf(rule_text, sizeof(rule_text), "vfio %s", text);
	if (vp_rule_parse(rule_text, len, &rule, &err) || !rule.has_addr ||
	    rule.has_ids || rule.has_class)
		return -EINVAL;
	*facts = (struct vp_facts) {
		.domain = rule.domain,
		.bus = rule.bus,
		.devfn = rule.devfn,
	};
	return 0;
}

/**
 * vp_host_print_address() - write an address as the kernel does
 * @facts: the place
 * @address: where to; %VP_HOST_LEN bytes
 */
void vp_host_print_address(const struct vp_facts *facts, char *address)
{
	snprintf(address, VP_HOST_LEN, "%04x:%02x:%02x.%x", facts->domain,
		 facts->bus, facts->devfn >> 3, facts->devfn & 7);
}

/* Return: 0; or -errno, -ENOENT when the device has just gone. */
static int read_device(int dir, const char *name, struct vp_host_dev *dev)
{
	u32 vendor, device, class, subvendor = 0, subdevice = 0;
	char group[VP_HOST_LEN];
	int ret;

	memset(dev, 0, sizeof(*dev));
	ret = vp_host_address(name, &dev->facts);
	if (ret)
		return ret;
	ret = read_number(dir, name, "vendor", &vendor);
	if (!ret)
		ret = read_number(dir, name, "device", &device);
	if (!ret)
		ret = read_number(dir, name, "class", &class);
	if (ret)
		return ret;
	/* Bridges have none. */
	read_number(dir, name, "subsystem_vendor", &subvendor);
	read_number(dir, name, "subsystem_device", &subdevice);

	snprintf(dev->address, sizeof(dev->address), "%.*s", VP_HOST_LEN - 1,
		 name);
	read_link(dir, name, "driver", dev->driver);
	read_link(dir, name, "physfn", dev->physfn);
	read_link(dir, name, "iommu_group", group);
	dev->facts.vf = dev->physfn[0];
	dev->facts.vendor = (u16)vendor;
	dev->facts.device = (u16)device;
	dev->facts.subvendor = (u16)subvendor;
	dev->facts.subdevice = (u16)subdevice;
	dev->facts.class = class & 0xffffff;
	dev->group = group[0] ? (int)strtoul(group, NULL, 10) : -1;
	dev->bridge = is_bridge(dir, name, class);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct vp_facts *x = &((const struct vp_host_dev *)a)->facts;
	const struct vp_facts *y = &((const struct vp_host_dev *)b)->facts;

	if (x->domain != y->domain)
		return x->domain < y->domain ? -1 : 1;
	return (x->bus << 8 | x->devfn) - (y->bus << 8 | y->devfn);
}

static int scan(struct vp_host *host)
{
	size_t room = 0;
	struct dirent *entry;
	void *more;
	DIR *dir;

	dir = opendir(host->devices_dir);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (host->count == room) {
			room = room ? room * 2 : 64;
			more = realloc(host->devs, room * sizeof(*host->devs));
			if (!more) {
				closedir(dir);
				return -ENOMEM;
			}
			host->devs = more;
		}
		/* What cannot be read has just gone. */
		if (!read_device(dirfd(dir), entry->d_name,
				 &host->devs[host->count]))
			host->count++;
	}
	closedir(dir);
	if (host->count)
		qsort(host->devs, host->count, sizeof(*host->devs), by_address);
	return 0;
}

/**
 * vp_host_open() - read what the host has
 * @host: filled in; to be closed with vp_host_close(), also after an error
 * @sysfs: where sysfs is; NULL for what the environment variable
 *         VFIOPOLICY_SYSFS says, or /sys
 * @ids: a file of names to use alone, or NULL for the system's
 *
 * Return: 0 or -errno.
 */
int vp_host_open(struct vp_host *host, const char *sysfs, const char *ids)
{
	memset(host, 0, sizeof(*host));
	if (!sysfs)
		sysfs = getenv("VFIOPOLICY_SYSFS");
	if (asprintf(&host->devices_dir, "%s/bus/pci/devices",
		     sysfs ? sysfs : "/sys") < 0) {
		host->devices_dir = NULL;
		return -ENOMEM;
	}
	host->names = vp_names_open(ids);
	return host->names ? scan(host) : -ENOMEM;
}

/**
 * vp_host_close() - forget what the host has
 * @host: the host
 */
void vp_host_close(struct vp_host *host)
{
	vp_names_close(host->names);
	free(host->devs);
	free(host->devices_dir);
	memset(host, 0, sizeof(*host));
}

/**
 * vp_host_find() - the device at an address
 * @host: the host
 * @address: the address, as the kernel writes it
 *
 * Return: the device as it was when the host was read, or NULL.
 */
const struct vp_host_dev *vp_host_find(const struct vp_host *host,
				       const char *address)
{
	size_t i;

	for (i = 0; i < host->count; i++)
		if (!strcmp(host->devs[i].address, address))
			return &host->devs[i];
	return NULL;
}

/**
 * vp_host_driver() - the driver that has a device at this moment
 * @host: the host
 * @address: the device's address
 * @driver: set to the name, empty when there is none; %VP_HOST_LEN bytes
 */
void vp_host_driver(const struct vp_host *host, const char *address,
		    char *driver)
{
	int dir = open(host->devices_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	driver[0] = '\0';
	if (dir < 0)
		return;
	read_link(dir, address, "driver", driver);
	close(dir);
}

/**
 * vp_host_name() - what people call a device
 * @host: the host
 * @facts: the device
 * @buf: where to
 * @size: room in @buf
 */
void vp_host_name(const struct vp_host *host, const struct vp_facts *facts,
		  char *buf, size_t size)
{
	vp_names_device(host->names, facts->vendor, facts->device, facts->class,
			buf, size);
}
