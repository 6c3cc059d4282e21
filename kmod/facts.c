// SPDX-License-Identifier: GPL-2.0-only
/*
 * What rules may look at in a device (&struct vp_facts), read from the PCI core.
 * Nothing here waits, but for the reads of config space.
 */
#include <linux/ctype.h>
#include <linux/dmi.h>
#include <linux/pci.h>

#include "vfiopolicy.h"

/* What host= of a rule is compared with; written once, at init. */
static char host_uuid[VP_UUID_MAX];

/**
 * vp_facts_init() - learn which host this is
 *
 * Context: any; module init.
 */
void vp_facts_init(void)
{
	const char *uuid = dmi_get_system_info(DMI_PRODUCT_UUID);
	char *p;

	strscpy(host_uuid, uuid ?: "", sizeof(host_uuid));
	for (p = host_uuid; *p; p++)
		*p = tolower(*p);
}

/**
 * vp_facts_get_pf() - the PF of a device that is on the bus
 * @pdev: the device, which the caller keeps from being freed
 *
 * A VF's own reference on its PF ends with the removal of the VF
 * (pci_iov_remove_virtfn() in drivers/pci/iov.c), so where that may happen at
 * any moment the pointer is only compared.
 *
 * Context: may sleep.
 * Return: the PF with a reference for the caller; NULL when @pdev is no VF, or
 * the PF has gone and @pdev is about to.
 */
struct pci_dev *vp_facts_get_pf(struct pci_dev *pdev)
{
	struct pci_dev *pf = NULL;

	if (!pdev->is_virtfn)
		return NULL;
	for_each_pci_dev(pf)
		if (pf == pci_physfn(pdev))
			return pf;
	return NULL;
}

/*
 * The bridges above it. Each bus has a reference on the bridge that it is
 * behind, and each device on its bus, so while there is the device they are
 * there too (pci_alloc_child_bus() and pci_alloc_dev() in drivers/pci/probe.c).
 */
static void look_up(struct pci_dev *pdev, struct vp_facts *facts)
{
	struct pci_dev *bridge = pci_upstream_bridge(pdev);

	while (bridge && facts->depth < ARRAY_SIZE(facts->above)) {
		facts->above[facts->depth++] = (struct vp_hop) {
			.bus = bridge->bus->number,
			.devfn = bridge->devfn,
		};
		bridge = pci_upstream_bridge(bridge);
	}
}

/*
 * Number of a VF, by the routing ids of SR-IOV 3.3.9 and 3.3.10. Not
 * pci_iov_vf_id(), which divides by a stride that may be 0 where there is one
 * VF. Return: %VP_VFS_ALL when it cannot be told.
 */
static u16 vf_index(struct pci_dev *pdev, struct pci_dev *pf)
{
	int pos = pci_find_ext_capability(pf, PCI_EXT_CAP_ID_SRIOV);
	u16 offset = 0, stride = 0;
	int id;

	if (!pos)
		return VP_VFS_ALL;
	pci_read_config_word(pf, pos + PCI_SRIOV_VF_OFFSET, &offset);
	pci_read_config_word(pf, pos + PCI_SRIOV_VF_STRIDE, &stride);
	id = pci_dev_id(pdev) - pci_dev_id(pf) - offset;
	if (!id)
		return 0;
	return id > 0 && stride && id % stride == 0 ? id / stride : VP_VFS_ALL;
}

/* All ones is what a device says that is not there, or asleep. */
static void read_dsn(struct pci_dev *pdev, struct vp_facts *facts)
{
	u32 id = ~0u;

	pci_read_config_dword(pdev, PCI_VENDOR_ID, &id);
	/* A VF's are all ones by definition. */
	facts->asleep = id == ~0u && !facts->vf;
	if (!facts->asleep)
		facts->dsn = pci_get_dsn(pdev);
	if (facts->dsn == ~0ull)
		facts->dsn = 0;
}

/**
 * vp_facts_read() - what rules may look at
 * @pdev: the device, which the caller keeps from going away
 * @pf: its PF, which the caller keeps likewise, if it is a VF
 * @facts: filled in
 * @dsn: read its serial number too, which takes some reads of config space
 *
 * Context: any.
 */
void vp_facts_read(struct pci_dev *pdev, struct pci_dev *pf,
		   struct vp_facts *facts, bool dsn)
{
	*facts = (struct vp_facts) {
		.domain = pci_domain_nr(pdev->bus),
		.bus = pdev->bus->number,
		.devfn = pdev->devfn,
		.vf = pdev->is_virtfn,
		.vendor = pdev->vendor,
		.device = pdev->device,
		.subvendor = pdev->subsystem_vendor,
		.subdevice = pdev->subsystem_device,
		.class = pdev->class,
		.asleep = !dsn,
		.external = pdev->untrusted,
		.host = host_uuid[0] ? host_uuid : NULL,
	};
	look_up(pf ?: pdev, facts);
	if (pf) {
		facts->pf_bus = pf->bus->number;
		facts->pf_devfn = pf->devfn;
		facts->vf_index = vf_index(pdev, pf);
	}
	if (dsn)
		read_dsn(pdev, facts);
}
