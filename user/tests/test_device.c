// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding a device by a word, and giving it back without the module: on a
 * made-up sysfs.
 */
#include <stdarg.h>

#include "command.h"
#include "device.h"
#include "output.h"
#include "release.h"
#include "sysfs.h"
#include "tap.h"
#include "tree.h"

static struct vp_host host;

static void reopen(void)
{
	vp_host_close(&host);
	if (vp_host_open(&host, tree_root, "/nonexistent"))
		tree_fail("vp_host_open");
}

static void make(void)
{
	static char proc[sizeof(tree_root) + 8];

	tree_make();
	snprintf(proc, sizeof(proc), "%s/proc", tree_root);
	setenv("VFIOPOLICY_PROC", proc, 1);
	tree_dir("proc/self");
	tree_text("proc/self", "mountinfo", "");
	tree_dir("proc/4711/fd");
	tree_text("proc/4711", "comm", "qemu\n");
	tree_device("0000:05:00.0", 0x144d, 0xa80a, 0x010802, 0,
		    "../../drivers/nvme", "../../../kernel/iommu_groups/39", NULL);
	tree_device("0000:82:00.0", 0x10de, 0x1b39, 0x030200, 0,
		    "../../drivers/vfio-pci", "../../../kernel/iommu_groups/79",
		    NULL);
	tree_device("0000:82:00.1", 0x10de, 0x10f0, 0x040300, 0, NULL,
		    "../../../kernel/iommu_groups/79", NULL);
	tree_device("0001:82:00.0", 0x15b3, 0x1017, 0x020000, 0,
		    "../../drivers/mlx5_vfio", NULL, NULL);
	tree_dir("bus/pci/devices/0001:82:00.0/vfio-dev/vfio3");
	tree_dir("bus/pci/drivers/vfio-pci");
	tree_dir("bus/pci/drivers/nvme");
	tree_text("bus/pci/drivers/vfio-pci", "unbind", "");
	tree_text("bus/pci/drivers/nvme", "unbind", "");
	tree_text("bus/pci", "drivers_probe", "");
	tree_text("bus/pci/devices/0000:82:00.0", "driver_override", "vfio-pci\n");
	tree_text("bus/pci/devices/0000:82:00.1", "driver_override", "vfio-pci\n");
	tree_text("bus/pci/devices/0000:05:00.0", "driver_override", "(null)\n");
	reopen();
}

static void finding(void)
{
	const struct vp_host_dev *dev = NULL;
	char hint[VP_DEVICE_LEN];

	ok(vp_device_find(&host, "82:00.0", &dev) == VP_EXIT_DONE &&
	   !strcmp(dev->address, "0000:82:00.0"), "an address");
	ok(vp_device_find(&host, "enp99s0", &dev) == VP_EXIT_NOT_FOUND,
	   "what is none");
	ok(vp_device_hint(&host, "82:00", hint), "an address without a function");
	is(hint, "An address ends in a function. Did you mean 0000:82:00.0, 0000:82:00.1?",
	   "is every function of it");
	ok(vp_device_hint(&host, "0001:82:00", hint), "with its domain");
	is(hint, "An address ends in a function. Did you mean 0001:82:00.0?",
	   "that one");
	ok(vp_device_hint(&host, "10DE:1b39", hint), "an id");
	is(hint, "That is an id; what has it here is 0000:82:00.0.",
	   "is not a device");
	ok(vp_device_hint(&host, "5:0", hint), "without zeros");
	is(hint, "An address ends in a function. Did you mean 0000:05:00.0?",
	   "the same");
	ok(vp_device_hint(&host, "1:82:0", hint) == false &&
	   vp_device_hint(&host, "0001:82:0", hint), "the domain has them all");
	is(hint, "An address ends in a function. Did you mean 0001:82:00.0?",
	   "that one");
	ok(!vp_device_hint(&host, "0082:0000", hint) && !hint[0] &&
	   !vp_device_hint(&host, "82:1", hint) &&
	   !vp_device_hint(&host, "82:00:", hint) &&
	   !vp_device_hint(&host, ":0", hint) &&
	   !vp_device_hint(&host, "", hint), "what is nothing has no hint");
}

static void drivers(void)
{
	ok(vp_device_is_vfio(&host, "0000:82:00.0", "vfio-pci") &&
	   vp_device_is_vfio(&host, "0000:82:00.0", "mlx5_vfio_pci"),
	   "those of vfio's by name");
	ok(vp_device_is_vfio(&host, "0001:82:00.0", "mlx5_guest"),
	   "or by what their devices have");
	ok(!vp_device_is_vfio(&host, "0000:05:00.0", "nvme") &&
	   !vp_device_is_vfio(&host, "0000:82:00.1", "vfiopolicy") &&
	   !vp_device_is_vfio(&host, "0000:05:00.0", ""), "others are none");
}

static const char *read_back(const char *path, char *text)
{
	vp_sysfs_read(&host, path, text);
	return text;
}

static int release(const char *address, unsigned int given)
{
	struct vp_args args = { .given = given, .quiet = true };

	vp_out_setup(&args);
	return vp_release_by_sysfs(&host, vp_host_find(&host, address), &args,
				   false);
}

static void releasing(void)
{
	char text[VP_SYSFS_LEN];

	ok(release("0000:05:00.0", 0) == VP_EXIT_DONE, "with the host already");
	is(read_back("bus/pci/drivers_probe", text), "", "nothing is touched");
	/* Who has it open is looked for in a procfs of its own. */
	tree_symlink("proc/4711/fd/4", "/dev/vfio/79");
	ok(release("0000:82:00.0", 0) == VP_EXIT_KERNEL, "one that is open");
	is(read_back("bus/pci/devices/0000:82:00.0/driver_override", text),
	   "vfio-pci", "is left alone");
	tree_symlink("proc/4711/fd/4", "/dev/null");
	ok(release("0000:82:00.0", VP_OPT_DRY_RUN) == VP_EXIT_WOULD_CHANGE,
	   "a dry run of one that is not");
	is(read_back("bus/pci/devices/0000:82:00.0/driver_override", text),
	   "vfio-pci", "touches nothing");

	/* Nobody takes it here: it is still with vfio-pci afterwards. */
	ok(release("0000:82:00.0", 0) == VP_EXIT_NOT_MET, "given back");
	is(read_back("bus/pci/devices/0000:82:00.0/driver_override", text), "",
	   "its override is cleared");
	is(read_back("bus/pci/drivers/vfio-pci/unbind", text), "0000:82:00.0",
	   "its driver is told");
	is(read_back("bus/pci/drivers_probe", text), "0000:82:00.0",
	   "and the bus looks for another");

	tree_text("bus/pci/drivers/vfio-pci", "unbind", "");
	ok(release("0000:82:00.1", 0) == VP_EXIT_DONE,
	   "an override without a driver");
	is(read_back("bus/pci/drivers/vfio-pci/unbind", text), "",
	   "nothing to unbind");

	tree_text("bus/pci/devices/0000:05:00.0", "driver_override", "vfio-pci\n");
	tree_text("bus/pci/drivers/nvme", "unbind", "");
	ok(release("0000:05:00.0", 0) == VP_EXIT_DONE,
	   "an override for later, on what the host has");
	is(read_back("bus/pci/drivers/nvme/unbind", text), "",
	   "it stays with its driver");
	is(read_back("bus/pci/devices/0000:05:00.0/driver_override", text), "",
	   "and the override goes");
}

static void numbers(void)
{
	const char *dev = "0000:05:00.0", *dir = "bus/pci/devices/0000:05:00.0";
	unsigned int number;

	tree_text(dir, "n", "63\n");
	ok(!vp_sysfs_number_dev(&host, dev, "n", &number) && number == 63,
	   "a number");
	tree_text(dir, "n", "-1\n");
	ok(vp_sysfs_number_dev(&host, dev, "n", &number) == -EINVAL && !number,
	   "none below 0");
	tree_text(dir, "n", "6x\n");
	ok(vp_sysfs_number_dev(&host, dev, "n", &number) == -EINVAL,
	   "nothing behind it");
	ok(vp_sysfs_number_dev(&host, dev, "none", &number) == -ENOENT,
	   "no file");
}

int main(void)
{
	make();
	finding();
	drivers();
	releasing();
	numbers();
	vp_host_close(&host);
	tree_remove();
	return done();
}
