// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many references there are on PCI devices, on all domains of the host, so
 * that a test can tell whether all that were taken were given back:
 *
 *	cat /sys/kernel/debug/testbus/references
 *	0000:01:00.0 14 5	its own, and those on the bus that it is on
 *
 * A device that was removed and is still referenced is not listed; it shows in
 * those on its bus, for each device holds one until it is freed.
 */

#define pr_fmt(fmt) "testbus: " fmt

#include <linux/debugfs.h>
#include <linux/kref.h>
#include <linux/seq_file.h>

#include "testbus.h"

/* The walk has a reference on each as it comes by, which is not told. */
static int tb_references_show(struct seq_file *seq, void *unused)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev)
		seq_printf(seq, "%s %u %u\n", pci_name(pdev),
			   kref_read(&pdev->dev.kobj.kref) - 1,
			   kref_read(&pdev->bus->dev.kobj.kref));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tb_references);

/**
 * tb_refs_init() - the file that tells of references
 * @dir: folder in debugfs
 */
void tb_refs_init(struct dentry *dir)
{
	debugfs_create_file("references", 0400, dir, NULL, &tb_references_fops);
}
