// SPDX-License-Identifier: GPL-2.0-only
/*
 * Type what you see, store what lasts: a person knows a device by its address,
 * its network interface or its disk, which all may be another's after the next
 * boot. What is stored is where the device is and what it is.
 */
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "resolve.h"

#define SUBSYSTEM	"/nvme-subsystem/"

/* Where names are looked up; files are never those of the last. */
enum {
	CLASS_BLOCK,
	CLASS_NVME,
	CLASS_NET,
	CLASSES,
	CLASSES_OF_FILES = CLASS_NET,
};

static const char * const class_names[CLASSES] = {
	[CLASS_BLOCK] = "block",
	[CLASS_NVME] = "nvme",
	[CLASS_NET] = "net",
};

/**
 * struct request - a word that is to become a device
 * @host: the host
 * @word: the word
 * @dev: the device
 * @error: why it is none
 * @size: room in @error
 */
struct request {
	const struct vp_host *host;
	const char *word;
	const struct vp_host_dev *dev;
	char *error;
	size_t size;
};

/* What would end a line, or worse, is not to be written. */
static void clean(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

__attribute__((format(printf, 3, 4)))
static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + len, size - len, fmt, ap);
	va_end(ap);
}

/* Says why the word, which goes before it, is no device. Return: @ret. */
__attribute__((format(printf, 3, 4)))
static int fail(const struct request *req, int ret, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	len = scnprintf(req->error, req->size, "'%s' ", req->word);
	va_start(ap, fmt);
	vsnprintf(req->error + len, req->size - len, fmt, ap);
	va_end(ap);
	clean(req->error);
	return ret;
}

/* Where a link of sysfs points; empty when it is none. Return: 0 or -errno. */
static int follow(const struct vp_host *host, const char *link, char *target,
		  size_t size)
{
	char path[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%s", host->sysfs, link);
	len = readlink(path, target, size - 1);
	target[len > 0 ? len : 0] = '\0';
	return len < 0 ? -errno : 0;
}

static int starts_with_lower(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "lower_", strlen("lower_"));
}

static int starts_with_no_dot(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Lists what is in a folder of sysfs, @skip bytes of each name left out. */
static void list(const struct vp_host *host, const char *dir,
		 int (*wanted)(const struct dirent *entry), size_t skip,
		 char *buf, size_t size)
{
	struct dirent **names;
	char path[PATH_MAX];
	int count, i;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", host->sysfs, dir);
	count = scandir(path, &names, wanted, versionsort);
	for (i = 0; i < count; i++) {
		append(buf, size, "%s%s", i ? ", " : "",
		       names[i]->d_name + skip);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

/* Says what a device that is made of others is made of. */
static int fail_virtual(const struct request *req, const char *thing)
{
	/* A partition has its disk's. */
	static const char * const folders[] = { "slaves", "../slaves" };
	char dir[PATH_MAX], below[VP_RESOLVE_LEN / 2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", thing, folders[i]);
		list(req->host, dir, starts_with_no_dot, 0, below,
		     sizeof(below));
		if (below[0])
			return fail(req, -ENODEV, "stands on %s: name the disk",
				    below);
	}
	list(req->host, thing, starts_with_lower, strlen("lower_"), below,
	     sizeof(below));
	if (below[0])
		return fail(req, -ENODEV, "stands on %s: name the interface",
			    below);
	return fail(req, -ENODEV, "has no PCI device behind it");
}

static int is_controller(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return !strncmp(name, "nvme", 4) && name[4] &&
	       !name[4 + strspn(name + 4, "0123456789")];
}

/*
 * With NVMe multipath a disk hangs off a subsystem, and that has controllers,
 * each a device of its own.
 */
static int resolve_subsystem(struct request *req, const char *thing,
			     const char *path)
{
	char dir[PATH_MAX], link[PATH_MAX + NAME_MAX], target[PATH_MAX];
	char several[VP_RESOLVE_LEN / 2] = "";
	const struct vp_host_dev *dev;
	struct dirent **names;
	int count, i;

	snprintf(dir, sizeof(dir), "%s/class%s%.*s", req->host->sysfs,
		 SUBSYSTEM, (int)strcspn(path, "/"), path);
	count = scandir(dir, &names, is_controller, versionsort);
	for (i = 0; i < count; i++) {
		snprintf(link, sizeof(link), "%s/%s",
			 dir + strlen(req->host->sysfs) + 1, names[i]->d_name);
		follow(req->host, link, target, sizeof(target));
		dev = vp_host_behind(req->host, target);
		append(several, sizeof(several), "%s%s (%s)", i ? ", " : "",
		       dev ? dev->address : "elsewhere", names[i]->d_name);
		req->dev = dev;
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	if (count > 1)
		return fail(req, -ENOTUNIQ,
			    "is reached by several controllers: %s; name one",
			    several);
	return req->dev ? 0 : fail_virtual(req, thing);
}

/* @thing is a link of sysfs, from its root on. */
static int resolve_thing(struct request *req, const char *thing)
{
	char target[PATH_MAX], *subsystem;

	follow(req->host, thing, target, sizeof(target));
	req->dev = vp_host_behind(req->host, target);
	if (req->dev)
		return 0;
	subsystem = strstr(target, SUBSYSTEM);
	if (subsystem)
		return resolve_subsystem(req, thing,
					 subsystem + strlen(SUBSYSTEM));
	return fail_virtual(req, thing);
}

/* Is @name this disk, or one of its partitions? */
static bool is_of_disk(const char *name, const char *disk)
{
	size_t len = strlen(disk);

	if (!len || strncmp(name, disk, len) != 0)
		return false;
	name += len;
	if (!*name)
		return true;
	if (isdigit((unsigned char)disk[len - 1]) && *name++ != 'p')
		return false;
	return *name && !name[strspn(name, "0123456789")];
}

static bool is_called(const struct vp_host_dev *dev, const char *name,
		      size_t classes)
{
	const struct vp_host_identity *identity = dev->identity;
	size_t i;

	if (!identity)
		return false;
	for (i = 0; i < identity->net_count && classes > CLASS_NET; i++)
		if (!strcmp(name, identity->nets[i].name))
			return true;
	for (i = 0; i < identity->disk_count; i++)
		if (is_of_disk(name, identity->disks[i]))
			return true;
	return !strcmp(name, identity->controller);
}

/* A snapshot has no links, but it says what its devices were called. */
static int resolve_in_snapshot(struct request *req, const char *name,
			       size_t classes)
{
	char several[VP_RESOLVE_LEN / 2] = "";
	const struct vp_host_dev *dev;
	int count = 0;

	for (dev = req->host->devs; dev < req->host->devs + req->host->count;
	     dev++) {
		if (!is_called(dev, name, classes))
			continue;
		append(several, sizeof(several), "%s%s", count++ ? ", " : "",
		       dev->address);
		req->dev = dev;
	}
	if (count > 1)
		return fail(req, -ENOTUNIQ,
			    "is the name of several devices: %s; name one",
			    several);
	return count ? 0 : -ENOENT;
}

/* Looks a name up in the first @classes. */
static int resolve_name(struct request *req, const char *name, size_t classes)
{
	char thing[PATH_MAX], target[PATH_MAX];
	size_t i, found = CLASSES;

	if (!*name || *name == '.' || strchr(name, '/'))
		return -ENOENT;
	if (!req->host->sysfs)
		return resolve_in_snapshot(req, name, classes);
	for (i = 0; i < classes; i++) {
		snprintf(thing, sizeof(thing), "class/%s/%s", class_names[i],
			 name);
		if (follow(req->host, thing, target, sizeof(target)))
			continue;
		if (found != CLASSES)
			return fail(req, -ENOTUNIQ,
				    "is the name of a disk and of a network interface: say /dev/%s, or an address",
				    name);
		found = i;
	}
	if (found == CLASSES)
		return -ENOENT;
	snprintf(thing, sizeof(thing), "class/%s/%s", class_names[found], name);
	return resolve_thing(req, thing);
}

/*
 * A device file says which device it is by its number, whatever it is called.
 * One that is not there, as in an initramfs or of a made-up sysfs, goes by its
 * name.
 */
static int resolve_file(struct request *req)
{
	char thing[64], target[PATH_MAX];
	const char *path = req->word;
	struct stat st;
	int ret;

	if (req->host->sysfs && !stat(path, &st)) {
		if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
			return fail(req, -ENODEV, "is no device file");
		snprintf(thing, sizeof(thing), "dev/%s/%u:%u",
			 S_ISBLK(st.st_mode) ? "block" : "char",
			 major(st.st_rdev), minor(st.st_rdev));
		if (!follow(req->host, thing, target, sizeof(target)))
			return resolve_thing(req, thing);
		if (realpath(path, target))
			path = target;
	}
	ret = -ENOENT;
	if (!strncmp(path, "/dev/", strlen("/dev/")))
		ret = resolve_name(req, path + strlen("/dev/"),
				   CLASSES_OF_FILES);
	return ret == -ENOENT ? fail(req, -ENODEV, "is not there") : ret;
}

static int resolve(struct request *req)
{
	char address[VP_HOST_LEN];
	struct vp_facts facts;

	if (req->word[0] == '/')
		return resolve_file(req);
	if (vp_host_address(req->word, &facts))
		return resolve_name(req, req->word, CLASSES);
	vp_host_print_address(&facts, address);
	req->dev = vp_host_find(req->host, address);
	return req->dev ? 0 :
	       fail(req, -ENODEV, "is the address of no device that is there");
}

/**
 * vp_resolve() - the device that a word of the command line means
 * @host: the host, or a snapshot of one
 * @word: an address, the name of a network interface, disk, partition or NVMe
 *        controller, or a device file
 * @dev: set to the device on success, to NULL otherwise
 * @error: set to a sentence that quotes @word where it is one of these and yet
 *         no device, else empty
 * @size: room in @error; %VP_RESOLVE_LEN is enough
 *
 * What hangs off a device by other buses (virtio, USB, SCSI) means the PCI
 * device at the end of the way up.
 *
 * Return: 0; -ENOENT when the word is none of these, and may be a selector;
 * -ENODEV when there is no such device, or no PCI device behind it; -ENOTUNIQ
 * when it means several.
 */
int vp_resolve(const struct vp_host *host, const char *word,
	       const struct vp_host_dev **dev, char *error, size_t size)
{
	struct request req = {
		.host = host,
		.word = word,
		.error = error,
		.size = size,
	};
	int ret;

	error[0] = '\0';
	ret = resolve(&req);
	*dev = ret ? NULL : req.dev;
	return ret;
}

/**
 * vp_resolve_rule() - what of a device lasts: its place, and what it is
 * @dev: the device
 * @rule: set to a rule that names it alone: vfio, and no options
 *
 * Return: 0, or -ENODATA when it is a VF and its index is not known.
 */
int vp_resolve_rule(const struct vp_host_dev *dev, struct vp_rule *rule)
{
	struct vp_selector *at = &rule->selectors[0];
	struct vp_selector *ids = &rule->selectors[1];
	const struct vp_facts *facts = &dev->facts;

	memset(rule, 0, sizeof(*rule));
	rule->action = VP_VFIO;
	rule->count = 2;
	at->kind = VP_SEL_AT;
	vp_match_place(facts, &at->place);
	if (facts->vf) {
		/* As an index this would be all of them. */
		if (facts->vf_index == VP_VFS_ALL)
			return -ENODATA;
		at->kind = VP_SEL_VFS_OF;
		at->first = facts->vf_index;
		at->last = facts->vf_index;
	}
	ids->kind = VP_SEL_IDS;
	ids->vendor = facts->vendor;
	ids->device = facts->device;
	ids->subvendor = VP_ANY;
	ids->subdevice = VP_ANY;
	return 0;
}

/**
 * vp_resolve_comment() - what people recognise a device by, for above its rule
 * @host: the host
 * @dev: the device
 * @buf: set to one line, without a line end or the mark of a comment
 * @size: room in @buf; what is longer is cut
 */
void vp_resolve_comment(const struct vp_host *host,
			const struct vp_host_dev *dev, char *buf, size_t size)
{
	struct vp_host_identity identity;
	char name[VP_NAMES_LEN];
	size_t i;

	vp_host_identify(host, dev, &identity);
	vp_host_name(host, &dev->facts, name, sizeof(name));
	snprintf(buf, size, "%s %s", dev->address, name);
	if (dev->facts.vf && dev->facts.vf_index != VP_VFS_ALL)
		append(buf, size, ", VF %u of %s", dev->facts.vf_index,
		       dev->physfn);
	if (identity.model[0])
		append(buf, size, ", model %s", identity.model);
	if (identity.serial[0])
		append(buf, size, ", S/N %s", identity.serial);
	for (i = 0; i < identity.net_count; i++) {
		if (identity.nets[i].mac[0])
			append(buf, size, ", MAC %s", identity.nets[i].mac);
		append(buf, size, ", %s", identity.nets[i].name);
	}
	/* Gone once a rule has the device: this is where it is found again. */
	if (identity.controller[0])
		append(buf, size, ", %s", identity.controller);
	for (i = 0; i < identity.disk_count; i++)
		append(buf, size, ", %s", identity.disks[i]);
	if (dev->driver[0])
		append(buf, size, ", driver %s", dev->driver);
	clean(buf);
}
