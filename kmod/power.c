// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power of what is held: after a moment of rest on the stub a device is put into
 * D3hot, where it draws least and does nothing. Not at once, for most only pass
 * by on their way to their target, and waking them would make that longer. Not a
 * display whose memory the firmware's framebuffer is in: its picture would go.
 *
 * Never into D3cold while it is ours: some devices do not come back from that,
 * and their ids cannot be read there.
 */
#include <linux/ioport.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "vfiopolicy.h"

/* In ms. Whoever waits for a module is at rest; a hand-off takes less. */
#define REST_DELAY	1000

/* Whatever the core has restored: see pci_pm_resume(), pci_pm_runtime_resume(). */
static int awake(struct device *dev)
{
	pci_clear_master(to_pci_dev(dev));
	return 0;
}

/*
 * Without any, 6.1 would leave the device in D0; and a suspend that is turned
 * back would restore what was saved when the device appeared, bus mastering on.
 */
const struct dev_pm_ops vp_power_ops = {
	.resume = awake,
	.thaw = awake,
	.restore = awake,
	.runtime_resume = awake,
};

static int found(struct resource *res, void *arg)
{
	return 1;
}

/**
 * vp_power_framebuffer() - is the memory of a display in use without a driver
 * @pdev: the device, to which no driver but the stub is bound
 *
 * Then it is the framebuffer that the firmware left (efifb, simpledrm and the
 * like claim it as BOOTFB or by their own name, within the BAR). A driver of
 * vfio's takes it from them (aperture_remove_conflicting_pci_devices()), and the
 * console with it.
 *
 * Context: may sleep.
 * Return: true when something has claimed a part of a BAR.
 */
bool vp_power_framebuffer(struct pci_dev *pdev)
{
	unsigned int i;

	if (pdev->class >> 16 != PCI_BASE_CLASS_DISPLAY)
		return false;
	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		const struct resource *bar = &pdev->resource[i];

		if (!(bar->flags & IORESOURCE_MEM) || !bar->parent)
			continue;
		/* The BAR itself, and the windows above it, are not busy. */
		if (walk_iomem_res_desc(IORES_DESC_NONE,
					IORESOURCE_MEM | IORESOURCE_BUSY,
					bar->start, bar->end, NULL, found) > 0)
			return true;
	}
	return false;
}

/**
 * vp_power_own() - no D3cold from here on
 * @rec: the record of the device
 *
 * Where somebody else has turned it off already it stays so, also afterwards.
 *
 * Context: work item of the device. Takes pci_bus_sem, so not in a probe: AER
 * takes device_lock under that.
 */
void vp_power_own(struct vp_device *rec)
{
	if (rec->pdev->no_d3cold)
		return;
	rec->no_d3cold = true;
	pci_d3cold_disable(rec->pdev);
}

/**
 * vp_power_disown() - D3cold as the host wants it
 * @rec: the record of the device
 *
 * Context: work item of the device.
 */
void vp_power_disown(struct vp_device *rec)
{
	/* What d3cold_allowed says in sysfs holds besides. */
	if (rec->no_d3cold)
		pci_d3cold_enable(rec->pdev);
	rec->no_d3cold = false;
}

/* Marks a device as one that may rest; only the stub's have it. */
static char resting;

/**
 * vp_power_rest() - let a device that has come to the stub go to rest
 * @rec: its record
 *
 * The core has woken it for the stub's probe, and takes as given that whoever
 * gives up that reference takes it again (local_pci_probe()). Not given up in the
 * probe: first D3cold has to be off.
 *
 * Context: work item of the device; takes device_lock.
 */
void vp_power_rest(struct vp_device *rec)
{
	struct device *dev = &rec->pdev->dev;
	bool awake;

	device_lock(dev);
	spin_lock(&vp_lock);
	awake = rec->view.framebuffer;
	spin_unlock(&vp_lock);
	if (awake || !dev->driver || strcmp(dev->driver->name, VP_STUB) ||
	    dev_get_drvdata(dev) == &resting)
		goto out;
	dev_set_drvdata(dev, &resting);
	pm_runtime_set_autosuspend_delay(dev, REST_DELAY);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_allow(dev);
	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_autosuspend(dev);
out:
	device_unlock(dev);
}

/**
 * vp_power_wake() - a device leaves the stub
 * @pdev: the device, woken by the core
 *
 * Context: in the stub's remove.
 */
void vp_power_wake(struct pci_dev *pdev)
{
	if (pci_get_drvdata(pdev) != &resting)
		return;
	pci_set_drvdata(pdev, NULL);
	pm_runtime_get_noresume(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);
	pm_runtime_dont_use_autosuspend(&pdev->dev);
}
