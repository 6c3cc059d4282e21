/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver override of a PCI device on every kernel.
 *
 * VP_HAVE_PCI_DEV_OVERRIDE (probe: struct pci_dev has a driver_override):
 * the string hangs off the pci_dev, is written under device_lock, and is
 * freed as soon as it is replaced, although __driver_attach() and
 * bind_store() read it without that lock (CVE-2026-31688). So a string that
 * we replace is not freed but kept as a spare for the next time the same name
 * is wanted, until the record of the device is freed. Both names are there
 * from the beginning, so a write cannot fail.
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

/**
 * enum vp_override_name - what an override may say for us
 * @VP_OVERRIDE_STUB: our own stub
 * @VP_OVERRIDE_TARGET: vfio-pci
 * @VP_OVERRIDE_NONE: no override, every driver may try
 */
enum vp_override_name {
	VP_OVERRIDE_STUB,
	VP_OVERRIDE_TARGET,
	VP_OVERRIDE_NONE,
};

#define VP_STUB		"vfiopolicy"
#define VP_TARGET	"vfio-pci"

static inline const char *vp_override_text(enum vp_override_name name)
{
	return name == VP_OVERRIDE_STUB ? VP_STUB :
	       name == VP_OVERRIDE_TARGET ? VP_TARGET : "";
}

#ifdef VP_HAVE_PCI_DEV_OVERRIDE

/**
 * struct vp_override - spare strings for one device
 * @spare: one for each name, or NULL while it is in use or lost
 */
struct vp_override {
	const char *spare[2];
};

/* Context: may sleep. Return: 0 or -ENOMEM, with nothing left behind. */
static inline int vp_override_init(struct vp_override *ovr)
{
	int i;

	for (i = 0; i < 2; i++)
		ovr->spare[i] = kstrdup(vp_override_text(i), GFP_KERNEL);
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
}

/*
 * Context: takes device_lock, so may sleep as long as a probe takes.
 * Return: true when no override is set, or one of @first and @second.
 */
static inline bool vp_override_is(struct pci_dev *pdev,
				  enum vp_override_name first,
				  enum vp_override_name second)
{
	const char *now;
	bool is;

	device_lock(&pdev->dev);
	now = pdev->driver_override;
	is = !now || !strcmp(now, vp_override_text(first)) ||
	     !strcmp(now, vp_override_text(second));
	device_unlock(&pdev->dev);
	return is;
}

/*
 * Context: takes device_lock; caller serialises by device.
 * Return: 0, or -ENOMEM when the spare was lost to a write through sysfs and
 * cannot be made again.
 */
static inline int vp_override_set(struct pci_dev *pdev, struct vp_override *ovr,
				  enum vp_override_name name)
{
	const char *new = NULL, *old;
	int i;

	if (name != VP_OVERRIDE_NONE) {
		new = ovr->spare[name];
		if (!new)
			new = kstrdup(vp_override_text(name), GFP_KERNEL);
		if (!new)
			return -ENOMEM;
		ovr->spare[name] = NULL;
	}

	device_lock(&pdev->dev);
	old = xchg(&pdev->driver_override, new);
	device_unlock(&pdev->dev);

	for (i = 0; old && i < 2; i++) {
		if (!ovr->spare[i] && !strcmp(old, vp_override_text(i))) {
			ovr->spare[i] = old;
			old = NULL;
		}
	}
	kfree(old);
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
 * The header's inline function holds its lock by guard(), whose end sparse
 * does not see; it is shown a prototype instead.
 */
#ifdef __CHECKER__
int vp_override_match(struct device *dev, const struct device_driver *drv);
#else
#define vp_override_match device_match_driver_override
#endif

/* Context: any. Return: true when none is set, or one of @first and @second. */
static inline bool vp_override_is(struct pci_dev *pdev,
				  enum vp_override_name first,
				  enum vp_override_name second)
{
	const struct device_driver a = { .name = vp_override_text(first) };
	const struct device_driver b = { .name = vp_override_text(second) };

	/* Less than 0 is none, 0 is another. */
	return vp_override_match(&pdev->dev, &a) ||
	       vp_override_match(&pdev->dev, &b);
}

/* Context: may sleep. Return: 0 or -ENOMEM, with the old one in place. */
static inline int vp_override_set(struct pci_dev *pdev, struct vp_override *ovr,
				  enum vp_override_name name)
{
	return device_set_driver_override(&pdev->dev, vp_override_text(name));
}

#endif

#endif /* VFIOPOLICY_COMPAT_OVERRIDE_H */
