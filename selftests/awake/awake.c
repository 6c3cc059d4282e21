// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps virtio's devices out of a suspend of the system: a guest whose root is
 * on one of them would not come back, since virtio's driver for 9p forgets its
 * queues then. Gone, it puts back what was.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/pci.h>

static void keep_awake(bool awake)
{
	struct pci_dev *pdev = NULL;

	/* For these the core calls nothing, in any of its phases. */
	while ((pdev = pci_get_device(PCI_VENDOR_ID_REDHAT_QUMRANET, PCI_ANY_ID,
				      pdev)))
		dev_pm_syscore_device(&pdev->dev, awake);
}

static int __init awake_init(void)
{
	keep_awake(true);
	return 0;
}

static void __exit awake_exit(void)
{
	keep_awake(false);
}

module_init(awake_init);
module_exit(awake_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Virtio devices that stay awake in a suspend, for tests");
