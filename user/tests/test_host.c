// SPDX-License-Identifier: GPL-2.0-only
/* What is read from sysfs, and which of it a rule names. */
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
		n += vp_rule_match(&rule, &host->devs[i].facts);
	return n;
}

static void read_devices(const struct vp_host *host)
{
	const struct vp_host_dev *dev;

	ok(host->count == 6, "six devices, the odd ones left out");
	is(host->devs[0].address, "0000:00:00.0", "sorted: first");
	is(host->devs[5].address, "10000:01:00.0", "sorted: long domain last");

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
	ok(vp_host_find(host, "0000:00:1c.0")->bridge, "bridge by its header");
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
		"000000000:05:00.0",
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
	ok(!vp_host_open(&host, NULL, NULL) && host.count == 6,
	   "the environment says where sysfs is");
	vp_host_close(&host);

	addresses();
	names();
	tree_remove();
	return done();
}
