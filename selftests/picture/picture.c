// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims a part of a display's memory, as the drivers of the framebuffer that
 * the firmware left do; the tests' firmware leaves none.
 *
 *	insmod picture.ko device=0000:08:00.0
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/pci.h>

static char *device;
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "address of the display");

static resource_size_t start, size;

static int __init picture_init(void)
{
	unsigned int domain, bus, slot, func, i;
	struct pci_dev *pdev;

	if (!device || sscanf(device, "%x:%x:%x.%x", &domain, &bus, &slot, &func) != 4)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, func));
	if (!pdev)
		return -ENODEV;
	/* The first that has an address; not all may have been given one. */
	for (i = 0; i < PCI_STD_NUM_BARS && !size; i++) {
		if (!(pci_resource_flags(pdev, i) & IORESOURCE_MEM) || !pdev->resource[i].parent)
			continue;
		/* Not the whole of it, and not from its beginning. */
		size = pci_resource_len(pdev, i) / 2;
		start = pci_resource_start(pdev, i) + size;
	}
	pci_dev_put(pdev);
	return size && request_mem_region(start, size, KBUILD_MODNAME) ? 0 : -EBUSY;
}

static void __exit picture_exit(void)
{
	release_mem_region(start, size);
}

module_init(picture_init);
module_exit(picture_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A framebuffer that the firmware might have left, for tests");
