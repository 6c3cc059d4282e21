/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver override of a PCI device on every kernel. Whoever writes holds the
 * device_lock: so asking whether it is wanted and writing it are one step, also
 * for a BIND notification, which comes with that lock held.
 *
 * VP_HAVE_PCI_DEV_OVERRIDE (probe: struct pci_dev has a driver_override):
 * the string hangs off the pci_dev, is written under device_lock, and is
 * freed as soon as it is replaced, although __driver_attach() and
 * bind_store() read it without that lock (CVE-2026-31688). So a string that
 * we replace is not freed but kept: ours as a spare for the next time that it
 * is wanted, which so needs no memory; another until the next one is replaced.
 *
 * Otherwise: struct device has it, under a spinlock of its own
 * (__device_set_driver_override(), drivers/base/dd.c). A write allocates.
 */
#ifndef VFIOPOLICY_COMPAT_OVERRIDE_H
#define VFIOPOLICY_COMPAT_OVERRIDE_H

#include <linux/device.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#define VP_STUB		"vfiopolicy"
#define VP_TARGET	"vfio-pci"

#ifdef VP_HAVE_PCI_DEV_OVERRIDE

/**
 * struct vp_override - strings of one device; guarded by device_lock
 * @spare: the stub's name and the usual target's, or NULL while in use or lost
 * @retired: the last one that we replaced and that was neither
 */
struct vp_override {
	const char *spare[2];
	const char *retired;
};

static inline const char *vp_override_spare_name(int i)
{
	return i ? VP_TARGET : VP_STUB;
}

/* Context: may sleep. Return: 0 or -ENOMEM, with nothing left behind. */
static inline int vp_override_init(struct vp_override *ovr)
{
	int i;

	for (i = 0; i < 2; i++)
		ovr->spare[i] = kstrdup(vp_override_spare_name(i), GFP_KERNEL);
	if (ovr->spare[0] && ovr->spare[1])
		return 0;
	kfree(ovr->spare[0]);
	kfree(ovr->spare[1]);
	return -ENOMEM;
}

static inline void vp_override_free(struct vp_override *ovr)
{
	kfree(ovr->spare[0]);
	kfree(ovr->spare[1]);
	kfree(ovr->retired);
}

/* Context: device_lock held. @buf: gets as much of it as fits, "" for none. */
static inline void vp_override_read(struct pci_dev *pdev, char *buf, size_t size)
{
	device_lock_assert(&pdev->dev);
	strscpy(buf, pdev->driver_override ?: "", size);
}

/* The same without device_lock, which this takes. */
static inline void vp_override_look(struct pci_dev *pdev, char *buf, size_t size)
{
	device_lock(&pdev->dev);
	vp_override_read(pdev, buf, size);
	device_unlock(&pdev->dev);
}

static inline void vp_override_retire(struct vp_override *ovr, const char *old)
{
	int i;

	for (i = 0; old && i < 2; i++) {
		if (!ovr->spare[i] && !strcmp(old, vp_override_spare_name(i))) {
			ovr->spare[i] = old;
			return;
		}
	}
	if (!old)
		return;
	kfree(ovr->retired);
	ovr->retired = old;
}

/*
 * Context: device_lock held; may sleep. @name: "" is none.
 * Return: 0, or -ENOMEM, with the old one in place, when the spare was lost to a
 * write through sysfs, or there is none of this name.
 */
static inline int vp_override_set(struct pci_dev *pdev, struct vp_override *ovr,
				  const char *name)
{
	const char *now = pdev->driver_override, *new = NULL;
	int i;

	device_lock_assert(&pdev->dev);
	if (!strcmp(now ?: "", name))
		return 0;
	for (i = 0; !new && i < 2; i++) {
		if (ovr->spare[i] && !strcmp(name, ovr->spare[i])) {
			new = ovr->spare[i];
			ovr->spare[i] = NULL;
		}
	}
	if (*name && !new)
		new = kstrdup(name, GFP_KERNEL);
	if (*name && !new)
		return -ENOMEM;
	/* Its readers do not hold the lock. */
	vp_override_retire(ovr, xchg(&pdev->driver_override, new));
	return 0;
}

#else /* struct device has it */

struct vp_override {
};

static inline int vp_override_init(struct vp_override *ovr)
{
	return 0;
}

static inline void vp_override_free(struct vp_override *ovr)
{
}

/*
 * Context: any. Not under device_lock: a user who opens a device that is with
 * vfio fails to when somebody has that (vfio_pci_core_enable()).
 * @buf: gets as much of it as fits, "" for none.
 */
static inline void vp_override_look(struct pci_dev *pdev, char *buf, size_t size)
{
	spin_lock(&pdev->dev.driver_override.lock);
	strscpy(buf, pdev->dev.driver_override.name ?: "", size);
	spin_unlock(&pdev->dev.driver_override.lock);
}

static inline void vp_override_read(struct pci_dev *pdev, char *buf, size_t size)
{
	vp_override_look(pdev, buf, size);
}

/*
 * Context: device_lock held; may sleep. @name: "" is none.
 * Return: 0, or -ENOMEM with the old one in place.
 */
static inline int vp_override_set(struct pci_dev *pdev, struct vp_override *ovr,
				  const char *name)
{
	device_lock_assert(&pdev->dev);
	return device_set_driver_override(&pdev->dev, name);
}

#endif

#endif /* VFIOPOLICY_COMPAT_OVERRIDE_H */
