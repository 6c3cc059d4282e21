/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host has, as sysfs shows it, with or without the module. */
#ifndef VFIOPOLICY_HOST_H
#define VFIOPOLICY_HOST_H

#include "names.h"
#include "rule.h"

/* Room for an address or the name of a driver. */
#define VP_HOST_LEN	32

/**
 * struct vp_host_dev - one PCI device
 * @address: domain:bus:device.function, as the kernel writes it
 * @facts: what rules look at
 * @driver: the driver that has it; empty when none
 * @physfn: address of the PF when it is a VF, else empty
 * @group: number of its IOMMU group, or -1
 * @bridge: it is a bridge, which the host needs for what is behind it
 */
struct vp_host_dev {
	char address[VP_HOST_LEN];
	struct vp_facts facts;
	char driver[VP_HOST_LEN];
	char physfn[VP_HOST_LEN];
	int group;
	bool bridge;
};

/**
 * struct vp_host - the PCI devices of a host
 * @devices_dir: the folder of sysfs that has them
 * @devs: the devices, by address
 * @count: number of @devs
 * @names: where names come from; NULL for none
 */
struct vp_host {
	char *devices_dir;
	struct vp_host_dev *devs;
	size_t count;
	struct vp_names *names;
};

int vp_host_open(struct vp_host *host, const char *sysfs, const char *ids);
void vp_host_close(struct vp_host *host);
const struct vp_host_dev *vp_host_find(const struct vp_host *host,
				       const char *address);
void vp_host_driver(const struct vp_host *host, const char *address,
		    char *driver);
void vp_host_name(const struct vp_host *host, const struct vp_facts *facts,
		  char *buf, size_t size);
int vp_host_address(const char *text, struct vp_facts *facts);
void vp_host_print_address(const struct vp_facts *facts, char *address);

#endif /* VFIOPOLICY_HOST_H */
