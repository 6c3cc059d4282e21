// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU groups without an IOMMU behind them, for functions that are defined
 * with group=: enough to be found in a group, too little for vfio-pci, whose
 * probe refuses them. Nobody may claim the DMA of such a group: kernels ask
 * its first device for its IOMMU without looking whether there is one.
 */

#define pr_fmt(fmt) "testbus: " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/notifier.h>

#include "testbus.h"

static DEFINE_MUTEX(tb_groups_lock);
/* By number; under tb_groups_lock. One that is made stays until the exit. */
static struct iommu_group *tb_groups[TB_MAX_GROUP + 1];

/**
 * tb_group_need() - make a group, unless it is there
 * @number: its number, from 1 to TB_MAX_GROUP
 *
 * Return: 0 or an error.
 */
int tb_group_need(unsigned int number)
{
	struct iommu_group *group;
	int ret = 0;

	mutex_lock(&tb_groups_lock);
	if (!tb_groups[number]) {
		group = iommu_group_alloc();
		if (IS_ERR(group))
			ret = PTR_ERR(group);
		else
			tb_groups[number] = group;
	}
	mutex_unlock(&tb_groups_lock);
	return ret;
}

static void tb_group_join(struct pci_dev *pdev)
{
	unsigned int number = tb_config_group(pdev);
	struct iommu_group *group;
	int ret;

	if (!number)
		return;
	mutex_lock(&tb_groups_lock);
	group = tb_groups[number];
	ret = iommu_group_add_device(group, &pdev->dev);
	mutex_unlock(&tb_groups_lock);
	if (ret)
		pci_err(pdev, "cannot join group %u: error %d\n", number, ret);
}

static void tb_group_part(struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);

	/* Some kernels have done it by now, some leave it to us. */
	if (!group)
		return;
	iommu_group_remove_device(&pdev->dev);
	iommu_group_put(group);
}

static int tb_group_notify(struct notifier_block *nb, unsigned long action,
			   void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (pdev->bus->ops != &tb_config_ops)
		return NOTIFY_DONE;
	if (action == BUS_NOTIFY_ADD_DEVICE) {
		/* Here, since this comes before the first uevent. */
		dev_set_uevent_suppress(&pdev->dev, tb_silent);
		tb_group_join(pdev);
	} else if (action == BUS_NOTIFY_REMOVED_DEVICE) {
		tb_group_part(pdev);
	}
	return NOTIFY_DONE;
}

/* Of the IOMMU core's own priority: it comes first, having been there first. */
static struct notifier_block tb_group_nb = {
	.notifier_call = tb_group_notify,
};

int tb_group_init(void)
{
	return bus_register_notifier(&pci_bus_type, &tb_group_nb);
}

void tb_group_exit(void)
{
	unsigned int i;

	bus_unregister_notifier(&pci_bus_type, &tb_group_nb);
	for (i = 0; i <= TB_MAX_GROUP; i++) {
		if (tb_groups[i])
			iommu_group_put(tb_groups[i]);
	}
}
