// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two drivers that match every PCI device and count how often their probes
 * are entered: what is claimed in time is never counted. greedy_sync probes
 * at once; greedy_async asks to be probed from a thread of its own, which the
 * kernel does where it can.
 *
 *	insmod greedy.ko [domain=N] [bind=1] [delay_ms=MS] [remove_delay_ms=MS]
 *	cat /sys/kernel/debug/greedy/probes
 *	1000:00:05.0 greedy_sync 3
 *	1000:00:05.0 greedy_async 3
 *	total 6
 *	echo 0 > /sys/kernel/debug/greedy/probes	counts from zero again
 *	echo 1 > /sys/kernel/debug/greedy/again		both leave and come again
 *			as drivers, which tries all devices; counts stay
 *
 *	domain		count and bind in this PCI domain alone; -1: in all
 *	bind		bind to the device, instead of -ENODEV
 *	delay_ms	sleep in probe: a native driver that is slow
 *	remove_delay_ms	sleep in remove
 *
 * All but domain can be changed in /sys/module/greedy/parameters. A count
 * outlives its device. Loaded by name only: there is no alias.
 */

#define pr_fmt(fmt) "greedy: " fmt

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

static int domain = -1;
module_param(domain, int, 0444);
MODULE_PARM_DESC(domain, "PCI domain to be greedy in; -1: all");

static bool bind;
module_param(bind, bool, 0644);
MODULE_PARM_DESC(bind, "bind to devices, not only count");

static unsigned int delay_ms;
module_param(delay_ms, uint, 0644);
MODULE_PARM_DESC(delay_ms, "time that a probe takes");

static unsigned int remove_delay_ms;
module_param(remove_delay_ms, uint, 0644);
MODULE_PARM_DESC(remove_delay_ms, "time that a removal takes");

/**
 * struct greedy_count - probes of one address by one driver
 * @node: in greedy_counts
 * @driver: name of the driver
 * @probes: how many
 * @domain: PCI domain
 * @devid: bus, device and function
 */
struct greedy_count {
	struct hlist_node node;
	const char *driver;
	unsigned long probes;
	int domain;
	u16 devid;
};

/* Guards greedy_counts, greedy_total and all that is in them. */
static DEFINE_MUTEX(greedy_lock);
static DEFINE_HASHTABLE(greedy_counts, 10);
static unsigned long greedy_total;

static struct dentry *greedy_dir;

/* One at a time may have the drivers leave and come; guards greedy_there. */
static DEFINE_MUTEX(greedy_again_lock);
static bool greedy_there;

static struct greedy_count *greedy_find(struct pci_dev *pdev,
					const char *driver)
	__must_hold(&greedy_lock)
{
	u16 devid = pci_dev_id(pdev);
	struct greedy_count *count;

	lockdep_assert_held(&greedy_lock);
	hash_for_each_possible(greedy_counts, count, node, devid) {
		if (count->devid == devid && count->driver == driver &&
		    count->domain == pci_domain_nr(pdev->bus))
			return count;
	}
	count = kzalloc(sizeof(*count), GFP_KERNEL);
	if (!count)
		return NULL;
	count->driver = driver;
	count->domain = pci_domain_nr(pdev->bus);
	count->devid = devid;
	hash_add(greedy_counts, &count->node, devid);
	return count;
}

/* The total counts, even if there is no memory to say for which device. */
static void greedy_note(struct pci_dev *pdev, const char *driver)
{
	struct greedy_count *count;

	mutex_lock(&greedy_lock);
	greedy_total++;
	count = greedy_find(pdev, driver);
	if (count)
		count->probes++;
	mutex_unlock(&greedy_lock);
}

static void greedy_reset(void)
{
	struct greedy_count *count;
	struct hlist_node *next;
	unsigned int bucket;

	mutex_lock(&greedy_lock);
	hash_for_each_safe(greedy_counts, bucket, next, count, node) {
		hash_del(&count->node);
		kfree(count);
	}
	greedy_total = 0;
	mutex_unlock(&greedy_lock);
}

static int greedy_probe(struct pci_dev *pdev, const char *driver)
{
	if (domain >= 0 && pci_domain_nr(pdev->bus) != domain)
		return -ENODEV;
	greedy_note(pdev, driver);
	if (delay_ms)
		msleep(delay_ms);
	return bind ? 0 : -ENODEV;
}

static void greedy_remove(struct pci_dev *pdev)
{
	if (remove_delay_ms)
		msleep(remove_delay_ms);
}

static const char greedy_sync_name[] = "greedy_sync";
static const char greedy_async_name[] = "greedy_async";

static int greedy_sync_probe(struct pci_dev *pdev,
			     const struct pci_device_id *id)
{
	return greedy_probe(pdev, greedy_sync_name);
}

static int greedy_async_probe(struct pci_dev *pdev,
			      const struct pci_device_id *id)
{
	return greedy_probe(pdev, greedy_async_name);
}

/* No MODULE_DEVICE_TABLE: nothing may load this for a device's sake. */
static const struct pci_device_id greedy_ids[] = {
	{ PCI_DEVICE(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

static struct pci_driver greedy_sync = {
	.name = greedy_sync_name,
	.id_table = greedy_ids,
	.probe = greedy_sync_probe,
	.remove = greedy_remove,
	.driver = {
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static struct pci_driver greedy_async = {
	.name = greedy_async_name,
	.id_table = greedy_ids,
	.probe = greedy_async_probe,
	.remove = greedy_remove,
	.driver = {
		.probe_type = PROBE_PREFER_ASYNCHRONOUS,
	},
};

static int greedy_probes_show(struct seq_file *seq, void *unused)
{
	struct greedy_count *count;
	unsigned int bucket;

	mutex_lock(&greedy_lock);
	hash_for_each(greedy_counts, bucket, count, node)
		seq_printf(seq, "%04x:%02x:%02x.%x %s %lu\n", count->domain,
			   PCI_BUS_NUM(count->devid), PCI_SLOT(count->devid),
			   PCI_FUNC(count->devid), count->driver,
			   count->probes);
	seq_printf(seq, "total %lu\n", greedy_total);
	mutex_unlock(&greedy_lock);
	return 0;
}

static int greedy_probes_open(struct inode *inode, struct file *file)
{
	return single_open(file, greedy_probes_show, NULL);
}

static ssize_t greedy_probes_write(struct file *file, const char __user *from,
				   size_t count, loff_t *pos)
{
	greedy_reset();
	return count;
}

static const struct file_operations greedy_probes_ops = {
	.owner = THIS_MODULE,
	.open = greedy_probes_open,
	.read = seq_read,
	.write = greedy_probes_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int greedy_come(void)
{
	int ret;

	ret = pci_register_driver(&greedy_sync);
	if (ret)
		return ret;
	ret = pci_register_driver(&greedy_async);
	if (ret)
		pci_unregister_driver(&greedy_sync);
	greedy_there = !ret;
	return ret;
}

static int greedy_stop(struct device_driver *drv, void *unused)
{
	return 1;
}

/*
 * Unregistering waits for probes under way: the async ones too, which the
 * driver core flushes before it detaches such a driver.
 *
 * In 6.1, klist_release() still writes to the node of a driver that a walk has
 * let go of when it has woken who waits for that. The memory may be that of the
 * next driver by then, which is lost from the list so, and the one after that is
 * an oops. It writes under the lock that a walk over all drivers takes.
 */
static void greedy_leave(void)
{
	if (!greedy_there)
		return;
	pci_unregister_driver(&greedy_async);
	pci_unregister_driver(&greedy_sync);
	bus_for_each_drv(&pci_bus_type, NULL, NULL, greedy_stop);
	greedy_there = false;
}

static ssize_t greedy_again_write(struct file *file, const char __user *from,
				  size_t count, loff_t *pos)
{
	int ret;

	mutex_lock(&greedy_again_lock);
	greedy_leave();
	ret = greedy_come();
	mutex_unlock(&greedy_again_lock);
	return ret ?: count;
}

static const struct file_operations greedy_again_ops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = greedy_again_write,
	.llseek = noop_llseek,
};

static int __init greedy_init(void)
{
	int ret;

	ret = greedy_come();
	if (ret) {
		greedy_reset();
		return ret;
	}
	greedy_dir = debugfs_create_dir("greedy", NULL);
	debugfs_create_file("probes", 0600, greedy_dir, NULL,
			    &greedy_probes_ops);
	debugfs_create_file("again", 0200, greedy_dir, NULL, &greedy_again_ops);
	return 0;
}

static void __exit greedy_exit(void)
{
	debugfs_remove(greedy_dir);
	greedy_leave();
	greedy_reset();
}

module_init(greedy_init);
module_exit(greedy_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Drivers that match every PCI device and count their probes");
