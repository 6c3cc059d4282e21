// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the PCI devices of the host from sysfs. Takes no lock of the kernel
 * and wakes no device, unless the serial numbers are asked for, which are in a
 * part of the configuration space that the kernel has no copy of.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "host.h"
#include "peek.h"

#define HEADER_TYPE	0x0e
#define HEADER_MASK	0x7f

/* The extended capabilities, PCIe 7.6.3: a list in the upper 3840 bytes. */
#define EXT_CAP_START	0x100
#define EXT_CAP_END	0x1000
#define EXT_CAP_ID_DSN	0x0003

/* Reads one file below a device. Return: bytes read, or -errno. */
static ssize_t read_file(int dir, const char *device, const char *file,
			 void *buf, size_t size)
{
	char path[PATH_MAX];
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

/*
 * What a device says of itself may be anything: it ends at the first NUL,
 * blanks at its end are cut, and what cannot be printed becomes '?'.
 */
static void read_text(int dir, const char *device, const char *file, char *buf,
		      size_t size)
{
	ssize_t len = read_file(dir, device, file, buf, size - 1);

	buf[len > 0 ? len : 0] = '\0';
	len = (ssize_t)strlen(buf);
	while (len && isspace((unsigned char)buf[len - 1]))
		len--;
	buf[len] = '\0';
	vp_peek_clean(buf);
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

/* Where a link points; empty when it is none. */
static int read_target(int dir, const char *path, char *target, size_t size)
{
	ssize_t len = readlinkat(dir, path, target, size - 1);

	target[len > 0 ? len : 0] = '\0';
	return len < 0 ? -errno : 0;
}

/* The last part of where a link points; empty when it is not there. */
static void read_link(int dir, const char *device, const char *link, char *buf)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *base;

	snprintf(path, sizeof(path), "%s/%s", device, link);
	read_target(dir, path, target, sizeof(target));
	base = strrchr(target, '/');
	snprintf(buf, VP_HOST_LEN, "%.*s", VP_HOST_LEN - 1,
		 base ? base + 1 : target);
}

/*
 * Whatever hangs off another header than a device's. Host and ISA bridges have
 * a device's header, and the host needs them all the same; other bridges by
 * class, such as switches of a GPU's own bus, may well be given away.
 *
 * The configuration space is not read of what is in D3cold: the kernel would
 * wake it for that.
 */
static bool is_bridge(int dir, const char *device, u32 class)
{
	unsigned char header[HEADER_TYPE + 1] = { 0 };
	u32 kind = class >> 8;
	char power[16];

	if (kind == 0x0600 || kind == 0x0601 || kind == 0x0604 ||
	    kind == 0x0607)
		return true;
	read_text(dir, device, "power_state", power, sizeof(power));
	if (!strcmp(power, "D3cold"))
		return false;
	return read_file(dir, device, "config", header, sizeof(header)) ==
	       (ssize_t)sizeof(header) && header[HEADER_TYPE] & HEADER_MASK;
}

/* Reads @text as the rule @before has it; the grammar is that of rules. */
static int parse(const char *before, const char *text, struct vp_rule *rule)
{
	char rule_text[VP_HOST_TEXT * 2];
	struct vp_error err;
	size_t len;

	if (strpbrk(text, " \t\r\n\v\f"))
		return -EINVAL;
	len = scnprintf(rule_text, sizeof(rule_text), "%s%s", before, text);
	return vp_rule_parse(rule_text, len, rule, &err) ? -EINVAL : 0;
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
	const struct vp_selector *sel;
	struct vp_rule rule;

	/* Most of what is asked for in paths is none: spare them the grammar. */
	if (!isxdigit((unsigned char)text[0]) || parse("hold ", text, &rule))
		return -EINVAL;
	sel = &rule.selectors[0];
	if (rule.count != 1 || sel->kind != VP_SEL_ADDRESS || sel->except ||
	    sel->place.any_slot || sel->place.any_func)
		return -EINVAL;
	memset(facts, 0, sizeof(*facts));
	facts->domain = sel->place.domain;
	facts->bus = sel->place.bus;
	facts->devfn = sel->place.devfn[0];
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

/**
 * vp_host_dsn() - read a Device Serial Number
 * @text: xx-xx-xx-xx-xx-xx-xx-xx
 * @dsn: set to it on success
 *
 * Return: 0, or -EINVAL when @text is none that a device could be told by.
 */
int vp_host_dsn(const char *text, u64 *dsn)
{
	struct vp_rule rule;

	if (parse("hold dsn=", text, &rule))
		return -EINVAL;
	*dsn = rule.selectors[0].dsn;
	return 0;
}

/**
 * vp_host_uuid() - read the UUID of a host
 * @text: the UUID, in whatever case
 * @uuid: set to it in lower case on success; %VP_UUID_MAX bytes
 *
 * Return: 0, or -EINVAL when @text is no UUID.
 */
int vp_host_uuid(const char *text, char *uuid)
{
	struct vp_rule rule;

	if (parse("hold external host=", text, &rule))
		return -EINVAL;
	memcpy(uuid, rule.host, sizeof(rule.host));
	return 0;
}

/* The next part of a path, or false. A part that is too long is cut. */
static bool next_part(const char **path, char *part)
{
	size_t len;

	*path += strspn(*path, "/");
	len = strcspn(*path, "/");
	snprintf(part, VP_HOST_LEN, "%.*s",
		 (int)(len < VP_HOST_LEN ? len : VP_HOST_LEN - 1), *path);
	*path += len;
	return len;
}

/*
 * The bridges above a device, from where it stands in sysfs:
 * ../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0. The host bridge may
 * itself be below a PCI device (VMD), which is of another domain: only what is
 * behind the last one counts. Where devices are no links nothing is known.
 */
static void read_above(int dir, const char *name, struct vp_facts *facts)
{
	char target[PATH_MAX], part[VP_HOST_LEN];
	const char *path = target;
	struct vp_facts hop;
	u8 i;

	read_target(dir, name, target, sizeof(target));
	while (next_part(&path, part)) {
		if (!strncmp(part, "pci", 3))
			facts->depth = 0;
		if (!strcmp(part, name) || vp_host_address(part, &hop))
			continue;
		/* The nearest comes last in the path and first here. */
		if (facts->depth < VP_PATH_MAX - 1)
			facts->depth++;
		for (i = facts->depth - 1; i; i--)
			facts->above[i] = facts->above[i - 1];
		facts->above[0].bus = hop.bus;
		facts->above[0].devfn = hop.devfn;
	}
}

static void read_pf(struct vp_host_dev *dev)
{
	struct vp_facts pf;

	dev->facts.vf = dev->physfn[0] && !vp_host_address(dev->physfn, &pf);
	if (!dev->facts.vf)
		return;
	dev->facts.pf_bus = pf.bus;
	dev->facts.pf_devfn = pf.devfn;
	dev->facts.vf_index = VP_VFS_ALL;
}

/* Return: 0; or -errno, -ENOENT when the device has just gone. */
static int read_device(int dir, const char *name, struct vp_host_dev *dev)
{
	u32 vendor, device, class, subvendor = 0, subdevice = 0;
	char text[VP_HOST_LEN];
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

	vp_host_print_address(&dev->facts, dev->address);
	read_link(dir, name, "driver", dev->driver);
	read_link(dir, name, "physfn", dev->physfn);
	read_link(dir, name, "iommu_group", text);
	dev->group = text[0] ? (int)strtoul(text, NULL, 10) : -1;
	dev->facts.vendor = (u16)vendor;
	dev->facts.device = (u16)device;
	dev->facts.subvendor = (u16)subvendor;
	dev->facts.subdevice = (u16)subdevice;
	dev->facts.class = class & 0xffffff;
	dev->bridge = is_bridge(dir, name, class);
	/* The kernel sets both this and "untrusted" from the same property. */
	read_text(dir, name, "removable", text, sizeof(text));
	dev->facts.external = !strcmp(text, "removable");
	read_above(dir, name, &dev->facts);
	read_pf(dev);
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

/**
 * vp_host_sort() - put the devices in order, for looking them up
 * @host: the host
 *
 * Return: NULL; or a device whose address another one has, too.
 */
const struct vp_host_dev *vp_host_sort(struct vp_host *host)
{
	size_t i;

	if (host->count)
		qsort(host->devs, host->count, sizeof(*host->devs), by_address);
	for (i = 1; i < host->count; i++)
		if (!by_address(&host->devs[i - 1], &host->devs[i]))
			return &host->devs[i];
	return NULL;
}

/**
 * vp_host_find() - the device at an address
 * @host: the host
 * @address: the address
 *
 * Return: the device as it was when the host was read, or NULL.
 */
const struct vp_host_dev *vp_host_find(const struct vp_host *host,
				       const char *address)
{
	struct vp_host_dev key = { 0 };

	if (!host->count || vp_host_address(address, &key.facts))
		return NULL;
	return bsearch(&key, host->devs, host->count, sizeof(key), by_address);
}

/* A VF does not say which of its PF's it is, but the PF does. */
static void number_vfs(struct vp_host *host, int dir, const char *pf)
{
	char link[VP_HOST_LEN], address[VP_HOST_LEN];
	const struct vp_host_dev *dev;
	u16 i;

	for (i = 0; i < VP_VFS_ALL; i++) {
		snprintf(link, sizeof(link), "virtfn%u", i);
		read_link(dir, pf, link, address);
		if (!address[0])
			return;
		dev = vp_host_find(host, address);
		if (dev && dev->facts.vf)
			host->devs[dev - host->devs].facts.vf_index = i;
	}
}

static int read_devices(struct vp_host *host, int dir)
{
	struct vp_host_dev *devs;
	struct dirent **names;
	int count, i;

	count = scandirat(dir, ".", &names, NULL, NULL);
	if (count < 0)
		return -errno;
	devs = calloc((size_t)count + 1, sizeof(*devs));
	for (i = 0; i < count; i++) {
		/* What cannot be read has just gone. */
		if (devs && !read_device(dir, names[i]->d_name,
					 &devs[host->count]))
			devs[host->count++].facts.host = host->uuid;
		free(names[i]);
	}
	free(names);
	host->devs = devs;
	return devs ? 0 : -ENOMEM;
}

static int scan(struct vp_host *host)
{
	int dir, ret;
	size_t i;

	dir = open(host->devices_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	ret = read_devices(host, dir);
	if (!ret)
		vp_host_sort(host);
	for (i = 0; i < host->count; i++)
		if (host->devs[i].facts.vf &&
		    host->devs[i].facts.vf_index == VP_VFS_ALL)
			number_vfs(host, dir, host->devs[i].physfn);
	close(dir);
	return ret;
}

/* Root alone may read it; some hosts have none, or what is none. */
static int read_uuid(struct vp_host *host)
{
	char text[VP_HOST_TEXT], uuid[VP_UUID_MAX];
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/class/dmi/id", host->sysfs);
	read_text(AT_FDCWD, dir, "product_uuid", text, sizeof(text));
	if (vp_host_uuid(text, uuid))
		return 0;
	host->uuid = strdup(uuid);
	return host->uuid ? 0 : -ENOMEM;
}

/**
 * vp_host_sysfs() - where sysfs is
 *
 * Return: what the environment variable VFIOPOLICY_SYSFS says, or /sys.
 */
const char *vp_host_sysfs(void)
{
	return getenv("VFIOPOLICY_SYSFS") ?: "/sys";
}

/**
 * vp_host_open() - read what the host has
 * @host: filled in; to be closed with vp_host_close(), also after an error
 * @sysfs: where sysfs is; NULL for what vp_host_sysfs() says
 * @ids: a file of names to use alone, or NULL for the system's
 *
 * Return: 0 or -errno.
 */
int vp_host_open(struct vp_host *host, const char *sysfs, const char *ids)
{
	memset(host, 0, sizeof(*host));
	host->sysfs = strdup(sysfs ? sysfs : vp_host_sysfs());
	if (!host->sysfs)
		return -ENOMEM;
	if (asprintf(&host->devices_dir, "%s/bus/pci/devices",
		     host->sysfs) < 0) {
		host->devices_dir = NULL;
		return -ENOMEM;
	}
	host->names = vp_names_open(ids);
	if (!host->names || read_uuid(host))
		return -ENOMEM;
	return scan(host);
}

/**
 * vp_host_close() - forget what the host has
 * @host: the host
 */
void vp_host_close(struct vp_host *host)
{
	size_t i;

	vp_names_close(host->names);
	for (i = 0; i < host->count; i++)
		free(host->devs[i].identity);
	free(host->devs);
	free(host->uuid);
	free(host->devices_dir);
	free(host->sysfs);
	memset(host, 0, sizeof(*host));
}

static bool read_config(int fd, unsigned int at, u32 *val)
{
	if (pread(fd, val, sizeof(*val), at) != sizeof(*val))
		return false;
	*val = le32toh(*val);
	return true;
}

/* Walks the list; one that is broken may be a ring, so steps are counted. */
static u64 find_dsn(int fd)
{
	unsigned int at = EXT_CAP_START;
	unsigned int steps = (EXT_CAP_END - EXT_CAP_START) / 8;
	u32 header, low, high;

	while (at >= EXT_CAP_START && steps--) {
		if (!read_config(fd, at, &header))
			break;
		if ((header & 0xffff) == EXT_CAP_ID_DSN) {
			if (!read_config(fd, at + 4, &low) ||
			    !read_config(fd, at + 8, &high))
				break;
			return (u64)high << 32 | low;
		}
		at = header >> 20 & ~3u;
	}
	return 0;
}

static u64 read_dsn(const struct vp_host *host, const char *address)
{
	char path[PATH_MAX], text[VP_HOST_TEXT];
	u64 dsn;
	int fd;

	/* The kernel says it by itself from 7.2 on. */
	snprintf(path, sizeof(path), "%s/%s", host->devices_dir, address);
	read_text(AT_FDCWD, path, "serial_number", text, sizeof(text));
	if (!vp_host_dsn(text, &dsn))
		return dsn;
	snprintf(path, sizeof(path), "%s/%s/config", host->devices_dir,
		 address);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	dsn = find_dsn(fd);
	close(fd);
	/* Many devices have one of these: as good as none. */
	return dsn == ~0ull ? 0 : dsn;
}

/**
 * vp_host_read_dsn() - read Device Serial Numbers
 * @host: the host; does nothing to a snapshot
 * @only: read that of this device alone; NULL for all
 *
 * Apart from vp_host_open() because it wakes devices that sleep. Takes root,
 * and leaves those 0 that it cannot read.
 */
void vp_host_read_dsn(struct vp_host *host, const struct vp_host_dev *only)
{
	struct vp_host_dev *dev;

	if (!host->sysfs)
		return;
	for (dev = host->devs; dev < host->devs + host->count; dev++)
		if (!only || only == dev)
			dev->facts.dsn = read_dsn(host, dev->address);
}

/**
 * vp_host_behind() - which device something hangs off
 * @host: the host
 * @path: path of the thing in sysfs
 *
 * Return: the last PCI device in @path, which may be the thing itself; NULL
 * when there is none.
 */
const struct vp_host_dev *vp_host_behind(const struct vp_host *host,
					 const char *path)
{
	const struct vp_host_dev *dev, *last = NULL;
	char part[VP_HOST_LEN];

	while (next_part(&path, part)) {
		dev = vp_host_find(host, part);
		if (dev)
			last = dev;
	}
	return last;
}

/**
 * vp_host_driver() - the driver that has a device at this moment
 * @host: the host; of a snapshot, the driver that had it then
 * @address: the device's address
 * @driver: set to the name, empty when there is none; %VP_HOST_LEN bytes
 */
void vp_host_driver(const struct vp_host *host, const char *address,
		    char *driver)
{
	const struct vp_host_dev *dev = vp_host_find(host, address);
	char path[PATH_MAX];

	if (!host->sysfs) {
		snprintf(driver, VP_HOST_LEN, "%s", dev ? dev->driver : "");
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", host->devices_dir, address);
	read_link(AT_FDCWD, path, "driver", driver);
}

static void take_net(int dir, const char *name,
		     struct vp_host_identity *identity)
{
	struct vp_host_net *net;

	if (identity->net_count == VP_HOST_NETS_MAX)
		return;
	net = &identity->nets[identity->net_count++];
	snprintf(net->name, sizeof(net->name), "%s", name);
	read_text(dir, name, "address", net->mac, sizeof(net->mac));
}

/*
 * With NVMe multipath what hangs off the controller is a hidden path to a
 * disk, nvme<subsystem>c<controller>n<disk>: people know it without the middle.
 */
static void take_disk(int dir, const char *name,
		      struct vp_host_identity *identity)
{
	unsigned int subsystem, controller, number;
	char path[NAME_MAX + VP_HOST_LEN], *disk;

	snprintf(path, sizeof(path), "%s/partition", name);
	if (identity->disk_count == VP_HOST_DISKS_MAX ||
	    !faccessat(dir, path, F_OK, 0))
		return;
	disk = identity->disks[identity->disk_count++];
	if (sscanf(name, "nvme%uc%un%u", &subsystem, &controller, &number) == 3)
		snprintf(disk, VP_HOST_LEN, "nvme%un%u", subsystem, number);
	else
		snprintf(disk, VP_HOST_LEN, "%s", name);
}

static void take_nvme(int dir, const char *name,
		      struct vp_host_identity *identity)
{
	snprintf(identity->controller, sizeof(identity->controller), "%s",
		 name);
	read_text(dir, name, "model", identity->model, sizeof(identity->model));
	read_text(dir, name, "serial", identity->serial,
		  sizeof(identity->serial));
}

/* What a class of sysfs has that hangs off one device, sorted by name. */
static void take_class(const struct vp_host *host,
		       const struct vp_host_dev *dev, const char *class,
		       void (*take)(int dir, const char *name,
				    struct vp_host_identity *identity),
		       struct vp_host_identity *identity)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct dirent **names;
	int dir, count, i;

	snprintf(path, sizeof(path), "%s/class/%s", host->sysfs, class);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	count = scandirat(dir, ".", &names, NULL, versionsort);
	for (i = 0; i < count; i++) {
		read_target(dir, names[i]->d_name, target, sizeof(target));
		/* Much is passed over: the short look before the long one. */
		if (strstr(target, dev->address) &&
		    vp_host_behind(host, target) == dev)
			take(dir, names[i]->d_name, identity);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	close(dir);
}

/**
 * vp_host_identify() - what people recognise a device by
 * @host: the host
 * @dev: one of its devices
 * @identity: filled in; what is not known is empty
 */
void vp_host_identify(const struct vp_host *host,
		      const struct vp_host_dev *dev,
		      struct vp_host_identity *identity)
{
	memset(identity, 0, sizeof(*identity));
	if (dev->identity)
		*identity = *dev->identity;
	if (!host->sysfs)
		return;
	take_class(host, dev, "net", take_net, identity);
	take_class(host, dev, "block", take_disk, identity);
	take_class(host, dev, "nvme", take_nvme, identity);
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
