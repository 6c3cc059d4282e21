// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver as vfio has them for single models, for the NVMe that QEMU makes: its
 * id holds only by override and has an alias of vfio's, and the DMA is left to
 * users. It does nothing with a device, and has no users. By override it takes
 * any device.
 *
 *	insmod test_vfio_pci.ko [refuse=1]
 *	cat /sys/module/test_vfio_pci/parameters/probes
 *
 *	refuse	probes fail; can be changed in /sys/module
 *	probes	how many there were
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/pci.h>

static bool refuse;
module_param(refuse, bool, 0644);
MODULE_PARM_DESC(refuse, "let probes fail");

static atomic_t probes;

static int probes_show(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%d\n", atomic_read(&probes));
}

static const struct kernel_param_ops probes_ops = {
	.get = probes_show,
};

module_param_cb(probes, &probes_ops, NULL, 0444);
MODULE_PARM_DESC(probes, "number of probes");

static int test_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	atomic_inc(&probes);
	return refuse ? -EBUSY : 0;
}

static const struct pci_device_id test_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_REDHAT, 0x0010) },
	{}
};
MODULE_DEVICE_TABLE(pci, test_ids);

static struct pci_driver test_driver = {
	.name = KBUILD_MODNAME,
	.id_table = test_ids,
	.probe = test_probe,
	.driver_managed_dma = true,
};
module_pci_driver(test_driver);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What vfio's drivers for single models are, for a model of QEMU's");
