/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the IOMMU does for a device, on every kernel.
 *
 * VP_HAVE_ISOLATED_MSI (probe: msi_device_has_isolated_msi() is exported):
 * whether interrupts are remapped is asked of the device's interrupt domain;
 * before, of its IOMMU.
 */
#ifndef VFIOPOLICY_COMPAT_IOMMU_H
#define VFIOPOLICY_COMPAT_IOMMU_H

#include <linux/iommu.h>

#include "../include/uapi/linux/vfiopolicy.h"

#ifdef VP_HAVE_ISOLATED_MSI
#include <linux/msi.h>
#endif

/*
 * Context: device_lock held, with a driver bound that is not driver_managed_dma:
 * that one counts as a user of the default domain, which so is the one in place,
 * and stays. With any other the domain may be freed while it is looked at.
 */
static inline enum vfiopolicy_domain vp_iommu_domain(struct device *dev)
{
	const struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	if (!domain)
		return VFIOPOLICY_DOMAIN_UNKNOWN;
	return domain->type == IOMMU_DOMAIN_IDENTITY ?
	       VFIOPOLICY_DOMAIN_IDENTITY : VFIOPOLICY_DOMAIN_DMA;
}

/* Context: device_lock held, with a driver bound. */
static inline bool vp_iommu_isolated_msi(struct device *dev)
{
#ifdef VP_HAVE_ISOLATED_MSI
	return msi_device_has_isolated_msi(dev);
#else
	return device_iommu_capable(dev, IOMMU_CAP_INTR_REMAP);
#endif
}

#endif /* VFIOPOLICY_COMPAT_IOMMU_H */
