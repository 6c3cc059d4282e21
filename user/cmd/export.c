// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy export libvirt|qemu|stratovirt|kubevirt DEVICE...
 *
 * What a hypervisor wants to be told to give these devices to a guest. Nothing
 * is changed, and the module is not asked: sysfs says what is on vfio-pci.
 */
#include "command.h"
#include "device.h"
#include "group.h"
#include "named.h"
#include "output.h"
#include "resolve.h"

/* Where guests seldom have anything: slots of StratoVirt's root bus. */
#define STRATOVIRT_SLOT	16
#define STRATOVIRT_SLOTS	32
/* Likewise the chassis numbers of root ports. */
#define QEMU_CHASSIS	64

/**
 * struct export - one run of the command
 * @host: the host
 * @devs: the devices that were named, each once; functions of a slot together
 * @count: number of @devs
 */
struct export {
	struct vp_host host;
	const struct vp_host_dev **devs;
	size_t count;
};

/* VFs are apart from one another, wherever their numbers put them. */
static bool same_slot(const struct vp_host_dev *a, const struct vp_host_dev *b)
{
	return !a->facts.vf && !b->facts.vf &&
	       a->facts.domain == b->facts.domain &&
	       a->facts.bus == b->facts.bus &&
	       a->facts.devfn >> 3 == b->facts.devfn >> 3;
}

/* Of which of the named functions of its slot, from 0, is @at? */
static unsigned int function_of(const struct export *export, size_t at)
{
	unsigned int n = 0;

	while (at - n && same_slot(export->devs[at - n - 1], export->devs[at]))
		n++;
	return n;
}

/* Are there others of its slot behind the first one? */
static bool begins_many(const struct export *export, size_t at)
{
	return !function_of(export, at) && at + 1 < export->count &&
	       same_slot(export->devs[at], export->devs[at + 1]);
}

/* What stands in a comment may not end it, by dashes or odd bytes. */
static void clean(char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			*text = '?';
		else if (text[0] == '-' && (text[1] == '-' || !text[1]))
			*text = '_';
	}
}

static void name_of(const struct export *export, const struct vp_host_dev *dev,
		    char *name, size_t size)
{
	vp_out_name(&export->host, &dev->facts, name, size);
	clean(name);
}

/* Why no guest gets a device as it is now. Return: false when one does. */
static bool why_not(const struct export *export, const struct vp_host_dev *dev,
		    char *buf, size_t size)
{
	char who[VP_GROUP_LEN];

	buf[0] = '\0';
	if (vp_device_is_vfio(&export->host, dev->address, dev->driver)) {
		if (!vp_group_blocked(export->host.sysfs, dev->group,
				      dev->address, who, sizeof(who)))
			return false;
		snprintf(buf, size, "is on %s, but its IOMMU group %d is blocked by %s, so no guest gets it now; vfiopolicy groups %d shows who is in it",
			 dev->driver, dev->group, who, dev->group);
	} else if (!strcmp(dev->driver, "vfiopolicy")) {
		snprintf(buf, size, "is held and not on vfio-pci, so no guest gets it now; vfiopolicy status %s says why",
			 dev->address);
	} else if (dev->driver[0]) {
		snprintf(buf, size, "is on %s, so no guest gets it before a rule has it on vfio-pci; vfiopolicy status %s says whether one is to",
			 dev->driver, dev->address);
	} else {
		snprintf(buf, size, "has no driver, so no guest gets it before a rule has it on vfio-pci; vfiopolicy status %s says whether one is to",
			 dev->address);
	}
	clean(buf);
	return true;
}

static void print_libvirt(const struct export *export)
{
	char name[VP_NAMES_LEN], why[VP_RESOLVE_LEN];
	const struct vp_host_dev *dev;
	size_t i;

	for (i = 0; i < export->count; i++) {
		dev = export->devs[i];
		name_of(export, dev, name, sizeof(name));
		puts("<hostdev mode='subsystem' type='pci' managed='no'>");
		if (why_not(export, dev, why, sizeof(why)))
			printf("  <!-- %s %s %s.\n"
			       "       managed='no', as it is for rules and not for libvirt to move it -->\n",
			       dev->address, name, why);
		else
			printf("  <!-- %s %s: a rule has it on vfio-pci before the guest starts and\n"
			       "       after it ends, so libvirt must not move it: managed='no' -->\n",
			       dev->address, name);
		printf("  <source>\n"
		       "    <address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>\n"
		       "  </source>\n"
		       "</hostdev>\n", dev->facts.domain, dev->facts.bus,
		       dev->facts.devfn >> 3, dev->facts.devfn & 7);
	}
}

/*
 * One function finds a place by itself. Several of a slot are to be functions
 * of one slot in the guest as well, which takes a root port to put them below.
 */
static void print_qemu(const struct export *export)
{
	const struct vp_host_dev *dev;
	unsigned int port = 0, function;
	bool many;
	size_t i;

	for (i = 0; i < export->count; i++) {
		dev = export->devs[i];
		function = function_of(export, i);
		many = begins_many(export, i);
		if (many) {
			port++;
			printf("-device pcie-root-port,id=vfiopolicy%u,chassis=%u\n",
			       port, QEMU_CHASSIS + port);
		}
		printf("-device vfio-pci,host=%s", dev->address);
		if (many || function)
			printf(",bus=vfiopolicy%u,addr=0x0.0x%x%s", port,
			       function, many ? ",multifunction=on" : "");
		putchar('\n');
	}
}

/* It finds no place by itself. */
static int print_stratovirt(const struct export *export)
{
	unsigned int slot = STRATOVIRT_SLOT - 1, function;
	bool many;
	size_t i;

	for (i = 0; i < export->count; i++) {
		function = function_of(export, i);
		many = begins_many(export, i);
		if (!function && ++slot == STRATOVIRT_SLOTS) {
			vp_out_error("there are no more slots: stratovirt takes %u of what is named here",
				     STRATOVIRT_SLOTS - STRATOVIRT_SLOT);
			return VP_EXIT_USAGE;
		}
		printf("-device vfio-pci,id=vfiopolicy%zu,host=%s,bus=pcie.0,addr=0x%x.0x%x%s\n",
		       i, export->devs[i]->address, slot, function,
		       many ? ",multifunction=on" : "");
	}
	vp_out_note("addr= must be free in the guest; slots from 0x%x on are a guess",
		    STRATOVIRT_SLOT);
	return VP_EXIT_DONE;
}

static bool same_ids(const struct vp_host_dev *a, const struct vp_host_dev *b)
{
	return a->facts.vendor == b->facts.vendor &&
	       a->facts.device == b->facts.device;
}

static bool is_named(const struct export *export, const struct vp_host_dev *dev)
{
	size_t i;

	for (i = 0; i < export->count; i++)
		if (export->devs[i] == dev)
			return true;
	return false;
}

/* It knows devices by their ids alone, so it may give more than was meant. */
static void warn_of_others(const struct export *export,
			   const struct vp_host_dev *dev)
{
	const struct vp_host *host = &export->host;
	size_t i;

	for (i = 0; i < host->count; i++)
		if (same_ids(&host->devs[i], dev) &&
		    !is_named(export, &host->devs[i]))
			vp_out_note("%04x:%04x is %s (%s) as well: KubeVirt goes by ids, so it would give that one too if it were on vfio-pci",
				    dev->facts.vendor, dev->facts.device,
				    host->devs[i].address,
				    vp_verdict_driver(host->devs[i].driver));
}

static void print_kubevirt(const struct export *export)
{
	char name[VP_NAMES_LEN], why[VP_RESOLVE_LEN];
	const struct vp_host_dev *dev;
	size_t i, j;

	printf("apiVersion: kubevirt.io/v1\n"
	       "kind: KubeVirt\n"
	       "metadata:\n"
	       "  name: kubevirt\n"
	       "  namespace: kubevirt\n"
	       "spec:\n"
	       "  configuration:\n"
	       "    permittedHostDevices:\n"
	       "      pciHostDevices:\n");
	for (i = 0; i < export->count; i++) {
		dev = export->devs[i];
		if (why_not(export, dev, why, sizeof(why)))
			printf("      # %s %s\n", dev->address, why);
		for (j = 0; j < i && !same_ids(export->devs[j], dev); j++)
			;
		if (j < i)
			continue;
		name_of(export, dev, name, sizeof(name));
		printf("      # %s\n"
		       "      - pciVendorSelector: \"%04X:%04X\"\n"
		       "        resourceName: \"pci.vfiopolicy/%04x-%04x\"\n",
		       name, dev->facts.vendor, dev->facts.device,
		       dev->facts.vendor, dev->facts.device);
		warn_of_others(export, dev);
	}
}

/*
 * In the order in which they were named; the functions of a slot, which are one
 * thing to the guest, stand where the first of them was, by their numbers.
 */
static void put_in_order(struct export *export)
{
	const struct vp_host_dev *dev;
	size_t i, at;

	for (i = 1; i < export->count; i++) {
		dev = export->devs[i];
		for (at = 0; at < i && !same_slot(export->devs[at], dev); at++)
			;
		/* Those of the host are in the order of their addresses. */
		while (at < i && same_slot(export->devs[at], dev) &&
		       export->devs[at] < dev)
			at++;
		memmove(&export->devs[at + 1], &export->devs[at],
			(i - at) * sizeof(const void *));
		export->devs[at] = dev;
	}
}

/* Return: an exit status. */
static int take_device(struct export *export, const struct vp_host_dev *dev)
{
	const struct vp_host_dev **more;

	if (dev->bridge) {
		vp_out_error("%s is a bridge: no guest can have it; name the device behind it",
			     dev->address);
		return VP_EXIT_USAGE;
	}
	if (is_named(export, dev))
		return VP_EXIT_DONE;
	more = reallocarray(export->devs, export->count + 1, sizeof(void *));
	if (!more) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	export->devs = more;
	export->devs[export->count++] = dev;
	return VP_EXIT_DONE;
}

/* All that a rule has. Return: an exit status, or -1 when the word is no rule. */
static int take_rule(struct export *export, const char *word)
{
	struct vp_named named;
	int ret = vp_named_find(&export->host, word, &named) ?
		  -1 : VP_EXIT_DONE;
	size_t i;

	if (!ret && !named.count) {
		vp_named_say_none(&named);
		ret = VP_EXIT_NOT_FOUND;
	}
	for (i = 0; i < named.count && !ret; i++)
		ret = take_device(export, named.devs[i]);
	vp_named_free(&named);
	return ret;
}

/* Return: an exit status. */
static int take(struct export *export, const char *word)
{
	char error[VP_RESOLVE_LEN], hint[VP_DEVICE_LEN];
	const struct vp_host_dev *dev;
	int ret, status;

	ret = vp_resolve(&export->host, word, &dev, error, sizeof(error));
	if (!ret)
		return take_device(export, dev);
	status = ret == -ENOENT ? take_rule(export, word) : -1;
	if (status >= 0)
		return status;
	if (ret == -ENOENT)
		vp_out_error("'%s' is no device here: expected an address, a network interface, a disk or a rule's name; vfiopolicy list -a shows them",
			     word);
	else
		vp_out_error("%s", error);
	if (vp_device_hint(&export->host, word, hint) ||
	    vp_named_hint(&export->host, word, hint))
		vp_out_error_more("%s", hint);
	return VP_EXIT_NOT_FOUND;
}

/* Which of the named devices is another one beside? Return: NULL: none. */
static const struct vp_host_dev *beside(const struct export *export,
					const struct vp_host_dev *other)
{
	const struct vp_host_dev *dev;
	size_t i;

	for (i = 0; i < export->count; i++) {
		dev = export->devs[i];
		if (same_slot(dev, other) ||
		    (dev->group >= 0 && dev->group == other->group))
			return dev;
	}
	return NULL;
}

/* What with= holds is kept from the host, and given to nobody. */
static void tell_held(const struct export *export)
{
	const struct vp_host *host = &export->host;
	const struct vp_host_dev *other, *dev;
	char name[VP_NAMES_LEN];

	for (other = host->devs; other < host->devs + host->count; other++) {
		if (strcmp(other->driver, "vfiopolicy") != 0 ||
		    is_named(export, other))
			continue;
		dev = beside(export, other);
		if (!dev)
			continue;
		vp_out_name(host, &other->facts, name, sizeof(name));
		vp_out_note("%s (%s) is held with %s and stays on the host; to give it as well: vfiopolicy add %s",
			    other->address, name, dev->address, other->address);
	}
}

/* Return: an exit status. */
static int warn_of_drivers(const struct export *export)
{
	char why[VP_RESOLVE_LEN];
	int ret = VP_EXIT_DONE;
	size_t i;

	for (i = 0; i < export->count; i++) {
		if (!why_not(export, export->devs[i], why, sizeof(why)))
			continue;
		vp_out_note("%s %s", export->devs[i]->address, why);
		ret = VP_EXIT_NOT_MET;
	}
	return ret;
}

static int print(const struct export *export, const char *format)
{
	if (!strcmp(format, "stratovirt"))
		return print_stratovirt(export);
	if (!strcmp(format, "libvirt"))
		print_libvirt(export);
	else if (!strcmp(format, "qemu"))
		print_qemu(export);
	else
		print_kubevirt(export);
	return VP_EXIT_DONE;
}

static int export_all(struct export *export, const struct vp_args *args)
{
	int ret = VP_EXIT_DONE, i;

	for (i = 1; i < args->nwords && !ret; i++)
		ret = take(export, args->words[i]);
	if (ret)
		return ret;
	put_in_order(export);
	ret = print(export, args->words[0]);
	if (ret)
		return ret;
	tell_held(export);
	return warn_of_drivers(export);
}

static int run(const struct vp_args *args)
{
	static const char *const formats[] = {
		"libvirt", "qemu", "stratovirt", "kubevirt", NULL,
	};
	struct export export = { 0 };
	int ret;
	size_t i;

	for (i = 0; formats[i] && strcmp(formats[i], args->words[0]) != 0; i++)
		;
	if (!formats[i]) {
		vp_out_error("export '%s': expected libvirt, qemu, stratovirt or kubevirt",
			     args->words[0]);
		return VP_EXIT_USAGE;
	}
	ret = vp_device_host(&export.host, NULL);
	if (!ret)
		ret = export_all(&export, args);
	free(export.devs);
	vp_host_close(&export.host);
	return ret;
}

const struct vp_command vp_cmd_export = {
	.name = "export",
	.synopsis = "libvirt|qemu|stratovirt|kubevirt DEVICE...",
	.summary = "what a hypervisor wants to be told to give devices to a guest",
	.help =
"  libvirt           <hostdev> elements for the XML of a domain; with managed='no',\n"
"                    as rules have the devices on vfio-pci all the time\n"
"  qemu              -device options; functions of a slot go below a root port (q35)\n"
"  stratovirt        -device options; mind that addr= is free in the guest\n"
"  kubevirt          permittedHostDevices, in YAML; says where an id means more than\n"
"                    what was named, for KubeVirt knows nothing else\n"
"  DEVICE            an address, network interface, disk or device file, or the\n"
"                    name of a rule: all the devices that it has\n"
"A device that no guest could have now, as it is not on vfio-pci or its IOMMU group\n"
"is blocked, is printed as well, and said to be so; exit status 4. What is only held\n"
"beside one of them is said, too.\n",
	.examples =
"  vfiopolicy export qemu 82:00.0 82:00.1\n"
"  vfiopolicy export libvirt /dev/nvme1n1 > hostdev.xml\n",
	.options = VP_OPT_NUMERIC,
	.min_words = 2,
	.max_words = -1,
	.run = run,
};
