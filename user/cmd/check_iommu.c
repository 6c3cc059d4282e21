// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU: is there one, is it on, are interrupts remapped, and how DMA of
 * the host's own devices goes. What cannot be known is said to be unknown.
 */
#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "check.h"

/**
 * struct maker - a kind of IOMMU
 * @prefix: how its names in /sys/class/iommu begin
 * @table: the ACPI table that tells of it
 * @name: what to call it
 * @firmware: what set-up programs of firmware call it
 * @vendor: the processor that comes with it; NULL for several
 * @option: kernel option that its driver takes
 * @word: what turns it on, of the command line; NULL when it is on by itself
 */
struct maker {
	const char *prefix;
	const char *table;
	const char *name;
	const char *firmware;
	const char *vendor;
	const char *option;
	const char *word;
};

static const struct maker makers[] = {
	{ "dmar", "DMAR", "Intel VT-d", "VT-d", "GenuineIntel",
	  "CONFIG_INTEL_IOMMU", "intel_iommu=on" },
	{ "ivhd", "IVRS", "AMD-Vi", "AMD-Vi, or IOMMU", "AuthenticAMD",
	  "CONFIG_AMD_IOMMU", NULL },
	{ "smmu", "IORT", "Arm SMMU", "SMMU", NULL, "CONFIG_ARM_SMMU_V3", NULL },
	{ "virtio", "VIOT", "virtio-iommu", "a virtio-iommu", NULL,
	  "CONFIG_VIRTIO_IOMMU", NULL },
};

/* What turns it off when it is set to that. */
static const char *const off_words[] = { "intel_iommu", "amd_iommu", "iommu" };

/* Calls for each name in a folder of sysfs. */
static void list(const struct vp_check *check, const char *dir,
		 void (*fn)(const char *name, void *arg), void *arg)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	DIR *stream;

	snprintf(path, sizeof(path), "%s%s", check->host.sysfs, dir);
	stream = opendir(path);
	if (!stream)
		return;
	while ((entry = readdir(stream)))
		if (entry->d_name[0] != '.')
			fn(entry->d_name, arg);
	closedir(stream);
}

static void find_maker(const char *name, void *arg)
{
	const struct maker **maker = arg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(makers); i++)
		if (!strncmp(name, makers[i].prefix, strlen(makers[i].prefix)))
			*maker = &makers[i];
}

/**
 * struct groups - groups of devices
 * @check: what has the host
 * @count: how many an IOMMU makes
 */
struct groups {
	const struct vp_check *check;
	size_t count;
};

/* Where there is no IOMMU vfio may make groups up. */
static void count_group(const char *group, void *arg)
{
	struct groups *groups = arg;
	char path[PATH_MAX], name[32];

	snprintf(path, sizeof(path), "/kernel/iommu_groups/%s/name", group);
	vp_check_sys(groups->check, path, name, sizeof(name));
	groups->count += strcmp(name, "vfio-noiommu") != 0;
}

static bool has_table(const struct vp_check *check, const char *table)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/firmware/acpi/tables/%s",
		 check->host.sysfs, table);
	return !access(path, F_OK);
}

/* What the processor says of itself, or of whoever pretends to be one. */
static void read_cpu(const struct vp_check *check, char *vendor, size_t size,
		     bool *guest)
{
	static const char key[] = "vendor_id";
	const char *pos, *value;
	struct vp_site_span line;
	char *text;
	size_t len;

	vendor[0] = '\0';
	*guest = false;
	text = vp_site_load(&check->site, "/proc/cpuinfo",
			    16 * VP_SITE_FILE_MAX, &len);
	pos = text;
	while (text && vp_site_next_line(&pos, text + len, &line)) {
		if (line.len > strlen(key) &&
		    !memcmp(line.text, key, strlen(key)) && !vendor[0]) {
			value = memchr(line.text, ':', line.len);
			if (value && value + 2 < line.text + line.len)
				snprintf(vendor, size, "%.*s",
					 (int)(line.text + line.len - value - 2),
					 value + 2);
		}
		/* One processor is enough: the rest are the same. */
		if (!memcmp(line.text, "flags", line.len < 5 ? line.len : 5) &&
		    line.len >= 5) {
			*guest = memmem(line.text, line.len, " hypervisor", 11);
			break;
		}
	}
	free(text);
}

static bool is_off(struct vp_check *check)
{
	char remedy[VP_CHECK_LEN], word[VP_CHECK_LEN / 2];
	bool off = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(off_words); i++) {
		if (!vp_check_word(check, off_words[i], "off"))
			continue;
		snprintf(word, sizeof(word), "%s=off", off_words[i]);
		vp_loader_remove(&check->loader, word, remedy, sizeof(remedy));
		vp_check_say(check, VP_CHECK_TODO, "iommu", remedy,
			     "IOMMU: turned off by %s on the kernel command line",
			     word);
		off = true;
	}
	return off;
}

/* The firmware tells of one, and the kernel has it not in use. */
static void say_idle(struct vp_check *check, const struct maker *maker)
{
	char remedy[VP_CHECK_LEN];

	if (is_off(check))
		return;
	if (check->config &&
	    vp_kernel_option(check->config, maker->option) == 'n') {
		vp_check_say(check, VP_CHECK_TODO, "iommu",
			     "start a kernel that has it",
			     "IOMMU: %s is there, and this kernel was built without %s",
			     maker->name, maker->option);
		return;
	}
	if (!maker->word || vp_check_word(check, "intel_iommu", "on")) {
		vp_check_say(check, VP_CHECK_TODO, "iommu",
			     "the kernel log says why: dmesg | grep -i -e DMAR -e IOMMU -e AMD-Vi -e smmu",
			     "IOMMU: %s is there and not in use", maker->name);
		return;
	}
	vp_loader_add(&check->loader, maker->word, remedy, sizeof(remedy));
	vp_check_say(check, VP_CHECK_TODO, "iommu", remedy,
		     "IOMMU: %s is there and not turned on", maker->name);
}

static void say_none(struct vp_check *check)
{
	const struct maker *maker = NULL;
	char vendor[32], remedy[VP_CHECK_LEN];
	bool guest;
	size_t i;

	if (is_off(check))
		return;
	read_cpu(check, vendor, sizeof(vendor), &guest);
	for (i = 0; i < ARRAY_SIZE(makers); i++)
		if (makers[i].vendor && !strcmp(makers[i].vendor, vendor))
			maker = &makers[i];
	if (guest)
		snprintf(remedy, sizeof(remedy),
			 "this is a guest itself: give it a virtual IOMMU, in QEMU -device intel-iommu,intremap=on");
	else
		snprintf(remedy, sizeof(remedy),
			 "turn it on in the set-up of the firmware, where it is called %s, and restart",
			 maker ? maker->firmware : "VT-d, AMD-Vi, IOMMU or SMMU");
	vp_check_say(check, VP_CHECK_TODO, "iommu", remedy,
		     "IOMMU: the firmware tells of none");
}

/* Return: there is one, and it is in use. */
static bool check_iommu(struct vp_check *check)
{
	struct groups groups = { .check = check };
	const struct maker *maker = NULL;
	size_t i;

	list(check, "/class/iommu", find_maker, &maker);
	list(check, "/kernel/iommu_groups", count_group, &groups);
	if (groups.count) {
		vp_check_say(check, VP_CHECK_OK, "iommu", NULL,
			     "IOMMU: %s, on, %zu group%s",
			     maker ? maker->name : "of a kind not known here",
			     groups.count, groups.count == 1 ? "" : "s");
		return true;
	}
	for (i = 0; !maker && i < ARRAY_SIZE(makers); i++)
		if (has_table(check, makers[i].table) &&
		    strcmp(makers[i].table, "IORT") != 0)
			maker = &makers[i];
	if (maker)
		say_idle(check, maker);
	else
		say_none(check);
	return false;
}

/**
 * struct chips - names of interrupt controllers
 * @check: what has the host
 * @remapped: one of them remaps
 * @plain: one of them does not, and could
 */
struct chips {
	const struct vp_check *check;
	bool remapped;
	bool plain;
};

/* x86 alone has the names that are known here. */
static void look_at_chip(const char *irq, void *arg)
{
	struct chips *chips = arg;
	char path[PATH_MAX], name[64];

	snprintf(path, sizeof(path), "/kernel/irq/%s/chip_name", irq);
	if (!vp_check_sys(chips->check, path, name, sizeof(name)))
		return;
	if (!strncmp(name, "IR-", 3))
		chips->remapped = true;
	else if (!strncmp(name, "PCI-MSI", 7) || !strncmp(name, "IO-APIC", 7))
		chips->plain = true;
}

static bool is_set(const struct vp_check *check, const char *path)
{
	char value[8];

	return vp_check_sys(check, path, value, sizeof(value)) &&
	       strchr("Yy1", value[0]);
}

/* The setting that asks for it, if it is in a file that is known here. */
static const struct vp_site_entry *find_unsafe(const struct vp_check *check)
{
	const struct vp_site_entry *entry;
	size_t i;

	for (i = 0; i < check->site.count; i++) {
		entry = &check->site.entries[i];
		if (!strcmp(entry->key,
			    "vfio_iommu_type1.allow_unsafe_interrupts") ||
		    (entry->kind == VP_SITE_OPTIONS &&
		     !strcmp(entry->key, "vfio_iommu_type1") &&
		     strstr(entry->value, "allow_unsafe_interrupts")))
			return entry;
	}
	return NULL;
}

static void check_interrupts(struct vp_check *check)
{
	const bool unsafe = is_set(check,
		"/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	const struct vp_site_entry *entry = find_unsafe(check);
	struct chips chips = { .check = check };
	char remedy[VP_CHECK_LEN] = "";

	list(check, "/kernel/irq", look_at_chip, &chips);
	if (chips.remapped)
		vp_check_say(check, VP_CHECK_OK, "interrupt-remapping", NULL,
			     "interrupt remapping: on");
	else if (!chips.plain)
		vp_check_say(check, VP_CHECK_WARN, "interrupt-remapping", NULL,
			     "interrupt remapping: not known; vfio itself refuses devices where it is missing");
	else if (unsafe)
		vp_check_say(check, VP_CHECK_WARN, "interrupt-remapping", NULL,
			     "interrupt remapping: off, and vfio is told to do without it: a guest can make up interrupts");
	else
		vp_check_say(check, VP_CHECK_TODO, "interrupt-remapping",
			     "turn it on in the set-up of the firmware (interrupt remapping, x2APIC) and take intremap=off and nointremap off the command line; else, for guests that you trust: options vfio_iommu_type1 allow_unsafe_interrupts=1 in /etc/modprobe.d",
			     "interrupt remapping: off, so vfio refuses every device");
	if (!chips.remapped || !(unsafe || entry))
		return;
	if (entry)
		snprintf(remedy, sizeof(remedy), "%s, line %u: remove %s",
			 entry->path, entry->line, entry->text);
	vp_check_say(check, VP_CHECK_WARN, "unsafe-interrupts", remedy,
		     "allow_unsafe_interrupts is set and not needed: interrupts are remapped");
}

static void check_passthrough(struct vp_check *check)
{
	const struct vp_site_entry *word = vp_check_word(check, "iommu", "pt");

	if (!word)
		word = vp_check_word(check, "iommu.passthrough", "1");
	if (word)
		vp_check_say(check, VP_CHECK_OK, "iommu-passthrough", NULL,
			     "DMA of the host's own devices: not translated (%s); guests' is",
			     word->text);
	else
		vp_check_say(check, VP_CHECK_OK, "iommu-passthrough", NULL,
			     "DMA of the host's own devices: as the kernel has it by default; iommu=pt would spare them the translation");
}

static void check_no_iommu(struct vp_check *check)
{
	if (is_set(check,
		   "/module/vfio/parameters/enable_unsafe_noiommu_mode"))
		vp_check_say(check, VP_CHECK_WARN, "no-iommu",
			     "echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
			     "vfio hands out devices without an IOMMU: whoever has one reads all memory");
}

/**
 * vp_check_iommu() - look at the IOMMU
 * @check: where findings go
 */
void vp_check_iommu(struct vp_check *check)
{
	if (check_iommu(check)) {
		check_interrupts(check);
		check_passthrough(check);
	}
	check_no_iommu(check);
}
