// SPDX-License-Identifier: GPL-2.0-only
/* What is read from sysfs, and which of it a rule names. */
#include <endian.h>
#include <stdarg.h>

#include "host.h"
#include "tap.h"
#include "tree.h"

static void make_tree(void)
{
	tree_make();
	tree_device("0000:00:00.0", 0x8086, 0x29c0, 0x060000, 0, NULL, "0",
		    NULL);
	tree_device("0000:00:1c.0", 0x1b36, 0x000c, 0x060400, 0x81,
		    "../../../bus/pci/drivers/pcieport", "1", NULL);
	tree_device("0000:05:00.0", 0x144d, 0xa80a, 0x010802, 0,
		    "../../../../bus/pci/drivers/nvme",
		    "../../../../kernel/iommu_groups/39", NULL);
	tree_device("0000:06:00.0", 0x144d, 0xa80a, 0x010802, 0x80, NULL, "40",
		    NULL);
	tree_device("0000:03:10.0", 0x8086, 0x10ca, 0x020000, 0, "igbvf", "41",
		    "../0000:03:00.0");
	tree_device("10000:01:00.0", 0x10de, 0x1b39, 0x030200, 0, NULL, NULL,
		    NULL);
	/* Bridges by header alone; the second one sleeps. */
	tree_device("0000:08:00.0", 0x1b36, 0x0001, 0x068000, 1, NULL, NULL,
		    NULL);
	tree_device("0000:08:01.0", 0x1b36, 0x0001, 0x068000, 1, NULL, NULL,
		    NULL);
	tree_file("0000:08:01.0", "power_state", "D3cold\n", 7);
	/* What is no device, or has just gone, is passed over. */
	tree_device("not-an-address", 0x1, 0x2, 0x3, 0, NULL, NULL, NULL);
	tree_device("0000:07:00.0", 0x1, 0x2, 0x3, 0, NULL, NULL, NULL);
	tree_link("0000:07:00.0", "vendor", "/nonexistent");
}

static size_t matches(const struct vp_host *host, const char *text)
{
	struct vp_error err;
	struct vp_rule rule;
	size_t i, n = 0;

	if (vp_rule_parse(text, strlen(text), &rule, &err))
		return ~(size_t)0;
	for (i = 0; i < host->count; i++)
		n += vp_match(&rule, &host->devs[i].facts, NULL) ==
		     VP_FIT_MATCH;
	return n;
}

static void read_devices(const struct vp_host *host)
{
	const struct vp_host_dev *dev;

	ok(host->count == 8, "eight devices, the odd ones left out");
	is(host->devs[0].address, "0000:00:00.0", "sorted: first");
	is(host->devs[7].address, "10000:01:00.0", "sorted: long domain last");

	dev = vp_host_find(host, "0000:05:00.0");
	ok(dev && dev->facts.vendor == 0x144d && dev->facts.device == 0xa80a &&
	   dev->facts.class == 0x010802 && dev->facts.bus == 5 &&
	   dev->facts.subvendor == 0x1af4, "ids and place");
	is(dev->driver, "nvme", "driver");
	ok(dev->group == 39, "group");
	ok(!dev->bridge && !dev->facts.vf, "neither bridge nor VF");

	dev = vp_host_find(host, "0000:06:00.0");
	ok(dev && !dev->driver[0] && !dev->bridge,
	   "no driver; multi-function is no bridge");
	dev = vp_host_find(host, "0000:03:10.0");
	ok(dev && dev->facts.vf && !strcmp(dev->physfn, "0000:03:00.0"), "VF");
	dev = vp_host_find(host, "10000:01:00.0");
	ok(dev && dev->group == -1 && dev->facts.domain == 0x10000,
	   "no group, long domain");
	ok(vp_host_find(host, "0000:00:1c.0")->bridge, "bridge by class");
	ok(vp_host_find(host, "0000:08:00.0")->bridge, "bridge by its header");
	ok(!vp_host_find(host, "0000:08:01.0")->bridge,
	   "the header of what is in D3cold is not read");
	ok(vp_host_find(host, "0000:00:00.0")->bridge, "host bridge by class");
	ok(!vp_host_find(host, "0000:09:00.0"), "nothing at that address");
}

static void match_rules(const struct vp_host *host)
{
	ok(matches(host, "vfio 144d:a80a") == 2, "id names both");
	ok(matches(host, "vfio 0000:05:00.0") == 1, "address names one");
	ok(matches(host, "vfio 06:00.0 144d:a80a") == 1, "both must hold");
	ok(matches(host, "vfio 06:00.0 144d:a80b") == 0, "and one does not");
	ok(matches(host, "vfio 8086:10ca") == 1, "exact id names a VF");
	ok(matches(host, "vfio class=020000") == 0, "class leaves VFs out");
	ok(matches(host, "vfio class=0108") == 2, "class of four digits");
	ok(matches(host, "vfio class=010800/ffff00") == 2, "class with a mask");
	ok(matches(host, "hold 10000:01:00.0") == 1, "long domain");
}

static void change(const struct vp_host *host)
{
	char driver[VP_HOST_LEN];

	vp_host_driver(host, "0000:06:00.0", driver);
	is(driver, "", "no driver yet");
	tree_link("0000:06:00.0", "driver", "../../drivers/vfio-pci");
	vp_host_driver(host, "0000:06:00.0", driver);
	is(driver, "vfio-pci", "driver read anew");
	vp_host_driver(host, "0000:ff:00.0", driver);
	is(driver, "", "no device, no driver");
}

static void addresses(void)
{
	static const char * const bad[] = {
		"", "05:00", "0000:05:00.8", "0000:05:20.0", "10de:1b39",
		"0000:05:00.0 10de:1b39", "enp3s0", "0000:05:00.0/1",
		"000000000:05:00.0", "05:00.*", "05:00.0 name=x", "05:00.0\t",
		"at=0000:05:00.0", "except=05:00.0", "external",
	};
	char address[VP_HOST_LEN];
	struct vp_facts facts;
	size_t i;

	ok(!vp_host_address("82:1f.7", &facts), "short address");
	vp_host_print_address(&facts, address);
	is(address, "0000:82:1f.7", "is given its domain");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok(vp_host_address(bad[i], &facts), "no address: '%s'", bad[i]);
}

static void names(void)
{
	static const char ids[] =
		"144d  Samsung Electronics Co Ltd\n"
		"\ta80a  NVMe SSD Controller PM9A1\n"
		"10de  NVIDIA Corporation\n"
		"\t1b39  GP102GL [Tesla P10]\n"
		"1002  Advanced Micro Devices, Inc. [AMD/ATI]\n"
		"C 03  Display controller\n"
		"\t02  3D controller\n";
	char path[PATH_MAX], name[VP_NAMES_LEN];
	struct vp_names *names;

	snprintf(path, sizeof(path), "%s/pci.ids", tree_root);
	tree_file("..", "../../pci.ids", ids, sizeof(ids) - 1);
	names = vp_names_open(path);
	vp_names_device(names, 0x10de, 0x1b39, 0x030200, name, sizeof(name));
	is(name, "NVIDIA Tesla P10", "what people call it");
	vp_names_device(names, 0x144d, 0xa80a, 0x010802, name, sizeof(name));
	is(name, "Samsung NVMe SSD Controller PM9A1", "without the company's form");
	vp_names_device(names, 0x1002, 0x1234, 0x030200, name, sizeof(name));
	is(name, "AMD/ATI 3D controller", "class when the device is not known");
	vp_names_device(names, 0x1002, 0x1234, 0xff0000, name, sizeof(name));
	is(name, "AMD/ATI device 1234", "vendor alone");
	vp_names_device(names, 0xdead, 0xbeef, 0x030200, name, sizeof(name));
	is(name, "3D controller dead:beef", "class alone");
	vp_names_close(names);

	names = vp_names_open("/nonexistent/pci.ids");
	vp_names_device(names, 0x10de, 0x1b39, 0x030200, name, sizeof(name));
	is(name, "device 10de:1b39", "numbers when there are no names");
	vp_names_close(names);
}

/* The bridges above a device, the nearest first. */
static void check_above(const struct vp_host *host, const char *address,
			const char *want, const char *desc)
{
	const struct vp_host_dev *dev = vp_host_find(host, address);
	char got[256] = "";
	size_t n = 0;
	int i;

	for (i = 0; dev && i < dev->facts.depth; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%02x:%02x.%x",
				      i ? " " : "", dev->facts.above[i].bus,
				      dev->facts.above[i].devfn >> 3,
				      dev->facts.above[i].devfn & 7);
	is(dev ? got : "no device", want, desc);
}

/* A way down of @count bridges, on buses that count up from 0. */
static void make_deep(char *above, size_t size, int count)
{
	size_t n;
	int i;

	n = (size_t)snprintf(above, size, "pci0001:00");
	for (i = 0; i < count; i++)
		n += (size_t)snprintf(above + n, size - n, "/0001:%02x:01.0", i);
}

static void make_places(void)
{
	char above[1024];

	tree_below("pci0000:00", "0000:00:1f.3", 1, 2, 0x040300, NULL);
	tree_below("pci0000:00", "0000:00:1c.4", 1, 2, 0x060400, NULL);
	tree_below("pci0000:00/0000:00:1c.4/0000:02:00.0/0000:03:04.1",
		   "0000:05:00.0", 1, 2, 0x010802, NULL);
	tree_below("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0",
		   "10000:e1:00.0", 1, 2, 0x010802, NULL);
	make_deep(above, sizeof(above), 15);
	tree_below(above, "0001:0f:00.0", 1, 2, 0x010802, NULL);
	make_deep(above, sizeof(above), 18);
	tree_below(above, "0001:12:00.0", 1, 2, 0x010802, NULL);
	tree_device("0000:20:00.0", 1, 2, 0x010802, 0, NULL, NULL, NULL);

	/* A PF and three VFs, of which one knows of no PF that knows of it. */
	tree_below("pci0000:00/0000:00:1d.0", "0000:30:00.0", 1, 2, 0x020000,
		   NULL);
	tree_below("pci0000:00/0000:00:1d.0", "0000:30:10.1", 1, 3, 0x020000,
		   NULL);
	tree_below("pci0000:00/0000:00:1d.0", "0000:31:00.0", 1, 3, 0x020000,
		   NULL);
	tree_below("pci0000:00/0000:00:1d.0", "0000:31:00.1", 1, 3, 0x020000,
		   NULL);
	tree_link("0000:30:10.1", "physfn", "../0000:30:00.0");
	tree_link("0000:31:00.0", "physfn", "../0000:30:00.0");
	tree_link("0000:31:00.1", "physfn", "../0000:30:00.0");
	tree_link("0000:30:00.0", "virtfn0", "../0000:30:10.1");
	tree_link("0000:30:00.0", "virtfn1", "../0000:31:00.0");
	/* Has just gone. */
	tree_link("0000:30:00.0", "virtfn2", "../0000:31:00.7");

	tree_file("0000:05:00.0", "removable", "removable\n", 10);
	tree_file("0000:30:00.0", "removable", "fixed\n", 6);
	tree_dir("class/dmi/id");
	tree_text("class/dmi/id", "product_uuid",
		  "4C4C4544-0042-3510-8058-B7C04F4D3732\n");
}

static const struct vp_facts *facts_of(const struct vp_host *host,
				       const char *address)
{
	static const struct vp_facts none;
	const struct vp_host_dev *dev = vp_host_find(host, address);

	return dev ? &dev->facts : &none;
}

static void read_places(const struct vp_host *host)
{
	const struct vp_facts *vf;

	check_above(host, "0000:00:1f.3", "", "nothing above the root bus");
	check_above(host, "0000:05:00.0", "03:04.1 02:00.0 00:1c.4",
		    "bridges, the nearest first");
	check_above(host, "10000:e1:00.0", "e0:06.0",
		    "a host bridge below a device hides what is above it");
	check_above(host, "0001:0f:00.0",
		    "0e:01.0 0d:01.0 0c:01.0 0b:01.0 0a:01.0 09:01.0 08:01.0 07:01.0 06:01.0 05:01.0 04:01.0 03:01.0 02:01.0 01:01.0 00:01.0",
		    "as many as there is room for");
	check_above(host, "0001:12:00.0",
		    "11:01.0 10:01.0 0f:01.0 0e:01.0 0d:01.0 0c:01.0 0b:01.0 0a:01.0 09:01.0 08:01.0 07:01.0 06:01.0 05:01.0 04:01.0 03:01.0",
		    "the farthest are left out");
	check_above(host, "0000:20:00.0", "", "no link, no bridges");

	ok(!facts_of(host, "0000:30:00.0")->vf, "a PF is no VF");
	vf = facts_of(host, "0000:30:10.1");
	ok(vf->vf && vf->pf_bus == 0x30 && !vf->pf_devfn && !vf->vf_index,
	   "VF 0");
	vf = facts_of(host, "0000:31:00.0");
	ok(vf->vf && vf->pf_bus == 0x30 && !vf->pf_devfn && vf->vf_index == 1,
	   "VF 1 on another bus");
	vf = facts_of(host, "0000:31:00.1");
	ok(vf->vf && vf->vf_index == VP_VFS_ALL, "VF that its PF does not list");

	ok(facts_of(host, "0000:05:00.0")->external, "removable is external");
	ok(!facts_of(host, "0000:30:00.0")->external, "fixed is not");
	ok(!facts_of(host, "0000:20:00.0")->external, "nor what does not say");

	is(host->uuid ? host->uuid : "none",
	   "4c4c4544-0042-3510-8058-b7c04f4d3732", "UUID in lower case");
	ok(facts_of(host, "0000:20:00.0")->host == host->uuid,
	   "devices know it");
	ok(matches(host, "vfio vfs-of=0000:00:1d.0/00.0/1") == 1,
	   "one VF by its place");
	ok(matches(host, "vfio vfs-of=30:00.0/0-1") == 2, "two VFs");
	ok(matches(host, "vfio vfs-of=30:00.0") == 3,
	   "all VFs, that of unknown index too");
	ok(matches(host, "vfio at=0000:00:1c.4/00.0/04.1/00.0") == 1, "place");
	ok(matches(host, "vfio external host=4C4C4544-0042-3510-8058-B7C04F4D3732") == 1,
	   "for this host");
}

/* A dword of the configuration space. */
struct dword {
	unsigned int at;
	u32 value;
};

struct dsn_case {
	const char *desc;
	size_t len;
	struct dword dwords[6];
	const char *file;
	u64 want;
};

static const struct dsn_case dsn_cases[] = {
	{ "no file but the part for everybody", 64, { { 0 } }, NULL, 0 },
	{ "no extended capabilities", 4096, { { 0 } }, NULL, 0 },
	{ "no answer", 4096, { { 0x100, ~0u } }, NULL, 0 },
	{ "the first one", 4096,
	  { { 0x100, 0x00010003 }, { 0x104, 0x89abcdef },
	    { 0x108, 0x01234567 } }, NULL, 0x0123456789abcdefull },
	{ "behind others", 4096,
	  { { 0x100, 0x14820001 }, { 0x148, 0x2a01000b },
	    { 0x2a0, 0x00010003 }, { 0x2a4, 0x44332211 },
	    { 0x2a8, 0x88776655 } }, NULL, 0x8877665544332211ull },
	{ "in the last place", 4096,
	  { { 0x100, 0xff410001 }, { 0xff4, 0x00010003 }, { 0xff8, 1 },
	    { 0xffc, 2 } }, NULL, 0x0000000200000001ull },
	{ "beyond the end", 4096,
	  { { 0x100, 0xffc10001 }, { 0xffc, 0x00010003 } }, NULL, 0 },
	{ "a ring of one", 4096, { { 0x100, 0x10010001 } }, NULL, 0 },
	{ "a ring of two", 4096,
	  { { 0x100, 0x20010001 }, { 0x200, 0x10010001 } }, NULL, 0 },
	{ "a link to below the list", 4096,
	  { { 0x100, 0x04010001 }, { 0x040, 0x00010003 }, { 0x44, 1 } },
	  NULL, 0 },
	{ "a link between dwords", 4096,
	  { { 0x100, 0x14310001 }, { 0x140, 0x00010003 }, { 0x144, 7 } },
	  NULL, 7 },
	{ "all zeros", 4096, { { 0x100, 0x00010003 } }, NULL, 0 },
	{ "all ones", 4096,
	  { { 0x100, 0x00010003 }, { 0x104, ~0u }, { 0x108, ~0u } }, NULL, 0 },
	{ "cut short", 0x108,
	  { { 0x100, 0x00010003 }, { 0x104, 1 } }, NULL, 0 },
	{ "what the kernel says goes first", 4096,
	  { { 0x100, 0x00010003 }, { 0x104, 1 } },
	  "00-1b-21-ff-ff-a2-b3-c4\n", 0x001b21ffffa2b3c4ull },
	{ "unless it is not one", 4096,
	  { { 0x100, 0x00010003 }, { 0x104, 1 } },
	  "00-00-00-00-00-00-00-00\n", 1 },
};

static void read_dsn(struct vp_host *host)
{
	const struct vp_host_dev *dev = vp_host_find(host, "0000:05:00.0");
	const struct vp_host_dev *other = vp_host_find(host, "0000:30:00.0");
	u8 config[4096];
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(dsn_cases); i++) {
		const struct dsn_case *c = &dsn_cases[i];

		memset(config, 0, sizeof(config));
		for (k = 0; k < ARRAY_SIZE(c->dwords) && c->dwords[k].at; k++) {
			u32 value = htole32(c->dwords[k].value);

			memcpy(config + c->dwords[k].at, &value, sizeof(value));
		}
		tree_file(dev->address, "config", config, c->len);
		if (c->file)
			tree_file(dev->address, "serial_number", c->file,
				  strlen(c->file));
		vp_host_read_dsn(host, dev);
		ok(dev->facts.dsn == c->want, "serial number: %s", c->desc);
	}
	tree_file(other->address, "serial_number", "01-02-03-04-05-06-07-08", 23);
	vp_host_read_dsn(host, dev);
	ok(!other->facts.dsn, "of one device alone");
	vp_host_read_dsn(host, NULL);
	ok(other->facts.dsn == 0x0102030405060708ull, "of all devices");
}

static void make_identities(void)
{
	static const char nvme[] =
		"pci0000:00/0000:00:1c.4/0000:02:00.0/0000:03:04.1/0000:05:00.0/nvme";
	static const char pf[] = "pci0000:00/0000:00:1d.0/0000:30:00.0";
	char above[512], name[32];
	int i;

	tree_class("nvme", nvme, "nvme0");
	tree_text("class/nvme/nvme0", "model", "Samsung SSD\t980 PRO         \n");
	tree_text("class/nvme/nvme0", "serial", "S69\001E\xff    \n");
	snprintf(above, sizeof(above), "%s/nvme0", nvme);
	tree_class("block", above, "nvme0n1");
	tree_class("block", above, "nvme2c0n3");
	snprintf(above, sizeof(above), "%s/nvme0/nvme0n1", nvme);
	tree_class("block", above, "nvme0n1p1");
	tree_text("class/block/nvme0n1p1", "partition", "1\n");
	for (i = 10; i >= 0; i--) {
		snprintf(above, sizeof(above), "%s/net", pf);
		snprintf(name, sizeof(name), "eth%d", i);
		tree_class("net", above, name);
		snprintf(above, sizeof(above), "class/net/%s", name);
		snprintf(name, sizeof(name), "52:54:00:00:00:%02x\n", i);
		tree_text(above, "address", name);
	}
	tree_class("net", "virtual/net", "lo");
	tree_class("block", "pci0000:00/0000:00:1f.3/virtio0/block", "vda");
}

static void identities(const struct vp_host *host)
{
	struct vp_host_identity identity;

	vp_host_identify(host, vp_host_find(host, "0000:05:00.0"), &identity);
	is(identity.controller, "nvme0", "controller");
	is(identity.model, "Samsung SSD?980 PRO", "model, without blanks");
	is(identity.serial, "S69?E?", "serial number, fit to be printed");
	ok(identity.disk_count == 2 && !identity.net_count,
	   "two disks, no partition, no interface");
	is(identity.disks[0], "nvme0n1", "disk");
	is(identity.disks[1], "nvme2n3", "disk behind multipath");

	vp_host_identify(host, vp_host_find(host, "0000:30:00.0"), &identity);
	ok(identity.net_count == VP_HOST_NETS_MAX && !identity.disk_count,
	   "no more interfaces than there is room for");
	is(identity.nets[0].name, "eth0", "interfaces by number: first");
	is(identity.nets[7].name, "eth7", "interfaces by number: last");
	is(identity.nets[7].mac, "52:54:00:00:00:07", "MAC address");

	vp_host_identify(host, vp_host_find(host, "0000:00:1f.3"), &identity);
	ok(identity.disk_count == 1 && !strcmp(identity.disks[0], "vda"),
	   "disk behind another bus");
	vp_host_identify(host, vp_host_find(host, "0000:00:1c.4"), &identity);
	ok(!identity.disk_count && !identity.controller[0],
	   "what is behind a bridge is not the bridge's");
	vp_host_identify(host, vp_host_find(host, "0000:31:00.0"), &identity);
	ok(!identity.disk_count && !identity.net_count && !identity.model[0],
	   "nothing to recognise it by");
}

static void texts(void)
{
	char uuid[VP_UUID_MAX] = "";
	u64 dsn = 0;

	ok(!vp_host_dsn("01-23-45-67-89-ab-cd-ef", &dsn) &&
	   dsn == 0x0123456789abcdefull, "DSN");
	ok(vp_host_dsn("ff-ff-ff-ff-ff-ff-ff-ff", &dsn), "no DSN: all ones");
	ok(vp_host_dsn("01-23-45-67-89-ab-cd", &dsn), "no DSN: too short");
	ok(vp_host_dsn("01-23-45-67-89-ab-cd-ef yield", &dsn),
	   "no DSN: more than one");
	ok(!vp_host_uuid("4C4C4544-0042-3510-8058-B7C04F4D3732", uuid), "UUID");
	is(uuid, "4c4c4544-0042-3510-8058-b7c04f4d3732", "    in lower case");
	ok(vp_host_uuid("Not Settable", uuid), "no UUID: words");
	ok(vp_host_uuid("", uuid), "no UUID: nothing");
}

/* Another tree, with devices where the kernel has them. */
static void test_places(void)
{
	struct vp_host host;

	tree_remove();
	memcpy(tree_root + strlen(tree_root) - 6, "XXXXXX", 6);
	tree_make();
	make_places();
	make_identities();
	ok(!vp_host_open(&host, tree_root, "/nonexistent/pci.ids"),
	   "open a tree with bridges");
	read_places(&host);
	read_dsn(&host);
	identities(&host);
	vp_host_close(&host);

	tree_text("class/dmi/id", "product_uuid", "None\n");
	ok(!vp_host_open(&host, tree_root, "/nonexistent/pci.ids") &&
	   !host.uuid && !host.devs[0].facts.host, "no UUID, no host");
	vp_host_close(&host);
}

int main(void)
{
	struct vp_host host;

	make_tree();
	ok(!vp_host_open(&host, tree_root, "/nonexistent/pci.ids"), "open");
	read_devices(&host);
	match_rules(&host);
	change(&host);
	vp_host_close(&host);

	ok(vp_host_open(&host, "/nonexistent", NULL) == -ENOENT, "no sysfs");
	vp_host_close(&host);
	setenv("VFIOPOLICY_SYSFS", tree_root, 1);
	ok(!vp_host_open(&host, NULL, NULL) && host.count == 8,
	   "the environment says where sysfs is");
	vp_host_close(&host);

	addresses();
	names();
	texts();
	unsetenv("VFIOPOLICY_SYSFS");
	test_places();
	tree_remove();
	return done();
}
