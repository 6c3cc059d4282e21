// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host bridges of the test bus: how they, and devices below them, come
 * and go as far as the PCI core is concerned.
 */

#define pr_fmt(fmt) "testbus: " fmt

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/lockdep.h>
#include <linux/notifier.h>
#include <linux/numa.h>
#include <linux/slab.h>

#include "testbus.h"

#define TB_RELEASE_PATIENCE	(10 * HZ)

/*
 * The driver core keeps lockdep out of device_lock, since it knows no order of
 * all devices. Of ours there is one: nothing takes the lock of one of them with
 * that of another of its kind. So what else is taken with them is looked at.
 */
static struct lock_class_key tb_function_lock;
static struct lock_class_key tb_bridge_lock;

static int tb_bus_notify(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (pdev->bus->ops != &tb_config_ops || action != BUS_NOTIFY_ADD_DEVICE)
		return NOTIFY_DONE;
	if (pci_is_bridge(pdev))
		lockdep_set_class(&pdev->dev.mutex, &tb_bridge_lock);
	else
		lockdep_set_class(&pdev->dev.mutex, &tb_function_lock);
	return NOTIFY_DONE;
}

/* Ahead of all who may take that lock. */
static struct notifier_block tb_bus_nb = {
	.notifier_call = tb_bus_notify,
	.priority = INT_MAX,
};

/**
 * tb_bus_init() - before any domain is made
 *
 * Return: 0 or an error.
 */
int tb_bus_init(void)
{
	return bus_register_notifier(&pci_bus_type, &tb_bus_nb);
}

/**
 * tb_bus_exit() - when all domains have gone
 */
void tb_bus_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &tb_bus_nb);
}

static void tb_bus_released(struct pci_host_bridge *bridge)
{
	struct tb_domain *dom = bridge->release_data;

	complete(&dom->released);
}

/**
 * tb_bus_create() - make a domain, with a root bus that is empty
 * @number: number of the domain
 *
 * Return: the domain, or an error pointer.
 */
struct tb_domain *tb_bus_create(int number)
{
	struct pci_host_bridge *bridge;
	struct tb_domain *dom;
	int ret;

	dom = kzalloc(sizeof(*dom), GFP_KERNEL);
	if (!dom)
		return ERR_PTR(-ENOMEM);
	init_completion(&dom->released);
	/* The rest stays empty: no ACPI companion, no IOMMU, no VMD. */
	dom->sysdata.domain = number;
	dom->sysdata.node = NUMA_NO_NODE;
	dom->buses.name = "testbus";
	dom->buses.start = 0;
	dom->buses.end = TB_BUSES - 1;
	dom->buses.flags = IORESOURCE_BUS;
	ret = tb_config_init(dom);
	if (ret)
		goto err_free;

	bridge = pci_alloc_host_bridge(0);
	if (!bridge) {
		ret = -ENOMEM;
		goto err_config;
	}
	pci_set_host_bridge_release(bridge, tb_bus_released, dom);
	bridge->sysdata = &dom->sysdata;
	bridge->ops = &tb_config_ops;
	/*
	 * domain_nr stays unset: x86 takes the number from sysdata, and a core
	 * that hands out such numbers itself would free one it never gave.
	 */
	bridge->busnr = 0;
	/* Port services want interrupts, and there are none. */
	bridge->native_aer = 0;
	bridge->native_pcie_hotplug = 0;
	bridge->native_shpc_hotplug = 0;
	bridge->native_pme = 0;
	bridge->native_dpc = 0;
	pci_add_resource(&bridge->windows, &dom->buses);

	pci_lock_rescan_remove();
	ret = pci_scan_root_bus_bridge(bridge);
	if (!ret) {
		dom->bus = bridge->bus;
		dom->bridge = bridge;
		pci_bus_add_devices(dom->bus);
	}
	pci_unlock_rescan_remove();
	if (ret) {
		pr_err("no root bus for domain %04x: error %d\n", number, ret);
		pci_free_host_bridge(bridge);
		wait_for_completion(&dom->released);
		goto err_config;
	}
	return dom;

err_config:
	tb_config_free(dom);
err_free:
	kfree(dom);
	return ERR_PTR(ret);
}

/**
 * tb_bus_destroy() - remove a domain with all that is in it
 * @dom: the domain
 *
 * Returns when nothing refers to the domain any more: an accessor of ours
 * must not be called after the module has gone. Somebody who keeps a
 * reference to a device of it is found out that way.
 */
void tb_bus_destroy(struct tb_domain *dom)
{
	int number = dom->sysdata.domain;

	pci_lock_rescan_remove();
	pci_stop_root_bus(dom->bus);
	pci_remove_root_bus(dom->bus);
	pci_unlock_rescan_remove();
	pci_free_host_bridge(dom->bridge);
	while (!wait_for_completion_timeout(&dom->released,
					    TB_RELEASE_PATIENCE))
		pr_err("somebody still holds a device of domain %04x; waiting\n",
		       number);
	tb_config_free(dom);
	kfree(dom);
}

/**
 * tb_bus_rescan() - have a domain scanned for what has been defined
 * @dom: the domain
 */
void tb_bus_rescan(struct tb_domain *dom)
{
	pci_lock_rescan_remove();
	pci_rescan_bus(dom->bus);
	pci_unlock_rescan_remove();
}

/* The caller has the lock of rescan and removal, and puts the device. */
static struct pci_dev *tb_bus_find(const struct tb_addr *at)
{
	return pci_get_domain_bus_and_slot(at->domain->sysdata.domain,
					   tb_config_live_bus(at), at->devfn);
}

/**
 * tb_bus_scan_for() - have a domain scanned, for one function above all
 * @at: the function
 *
 * Return: 0, or -ENODEV if the scan did not find it.
 */
int tb_bus_scan_for(const struct tb_addr *at)
{
	struct pci_dev *pdev;

	pci_lock_rescan_remove();
	pci_rescan_bus(at->domain->bus);
	pdev = tb_bus_find(at);
	pci_unlock_rescan_remove();
	if (!pdev)
		return -ENODEV;
	pci_dev_put(pdev);
	return 0;
}

/**
 * tb_bus_external() - let a bridge face outside, as firmware says of a port
 * @at: the bridge
 *
 * The core asks it of each function that it scans below; those that it has
 * found by now stay what they are.
 *
 * Return: 0, -ENODEV if it is not there, or -ENOTDIR if it is no bridge.
 */
int tb_bus_external(const struct tb_addr *at)
{
	struct pci_dev *pdev;
	int ret = 0;

	pci_lock_rescan_remove();
	pdev = tb_bus_find(at);
	if (!pdev)
		ret = -ENODEV;
	else if (!pci_is_bridge(pdev))
		ret = -ENOTDIR;
	else
		pdev->external_facing = true;
	pci_unlock_rescan_remove();
	pci_dev_put(pdev);
	return ret;
}

/**
 * tb_bus_remove() - remove a function in order, and undefine it
 * @at: the function
 *
 * Return: 0, or -ENODEV if it is neither there nor defined.
 */
int tb_bus_remove(const struct tb_addr *at)
{
	struct pci_dev *pdev;
	int ret;

	pci_lock_rescan_remove();
	pdev = tb_bus_find(at);
	if (pdev)
		pci_stop_and_remove_bus_device(pdev);
	ret = tb_config_undefine(at);
	pci_unlock_rescan_remove();
	if (pdev) {
		pci_dev_put(pdev);
		return 0;
	}
	return ret;
}

/* As the core marks a device whose link went down. */
static int tb_bus_disconnect(struct pci_dev *pdev, void *unused)
{
	WRITE_ONCE(pdev->error_state, pci_channel_io_perm_failure);
	return 0;
}

/**
 * tb_bus_yank() - pull out a function: first it is gone, then it is removed
 * @at: the function; what is behind a bridge goes with it
 *
 * Return: 0, or -ENODEV if it is neither there nor defined.
 */
int tb_bus_yank(const struct tb_addr *at)
{
	struct pci_dev *pdev;
	bool was_there;

	pci_lock_rescan_remove();
	pdev = tb_bus_find(at);
	was_there = tb_config_pull(at);
	if (pdev) {
		tb_bus_disconnect(pdev, NULL);
		if (pdev->subordinate)
			pci_walk_bus(pdev->subordinate, tb_bus_disconnect, NULL);
		pci_stop_and_remove_bus_device(pdev);
	}
	tb_config_undefine(at);
	pci_unlock_rescan_remove();
	pci_dev_put(pdev);
	return pdev || was_there ? 0 : -ENODEV;
}
