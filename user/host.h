/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host has, as sysfs or a snapshot shows it, without the module. */
#ifndef VFIOPOLICY_HOST_H
#define VFIOPOLICY_HOST_H

#include "match.h"
#include "names.h"

/* Room for an address or the name of a driver, an interface or a disk. */
#define VP_HOST_LEN		32
/* Room for a model, a serial number or a MAC address (InfiniBand: 59). */
#define VP_HOST_TEXT		64
/* What a device has more of than that is left out. */
#define VP_HOST_NETS_MAX	8
#define VP_HOST_DISKS_MAX	16

/**
 * struct vp_host_net - a network interface of a device
 * @name: what it is called at this moment
 * @mac: its address; empty when it has none
 */
struct vp_host_net {
	char name[VP_HOST_LEN];
	char mac[VP_HOST_TEXT];
};

/**
 * struct vp_host_identity - what people recognise a device by
 * @controller: name of an NVMe controller; empty for other devices
 * @model: its model
 * @serial: its serial number
 * @net_count: number of @nets
 * @nets: network interfaces
 * @disk_count: number of @disks
 * @disks: names of the block devices behind it, without partitions
 *
 * Whatever a device says of itself is kept in printable ASCII.
 */
struct vp_host_identity {
	char controller[VP_HOST_LEN];
	char model[VP_HOST_TEXT];
	char serial[VP_HOST_TEXT];
	size_t net_count;
	struct vp_host_net nets[VP_HOST_NETS_MAX];
	size_t disk_count;
	char disks[VP_HOST_DISKS_MAX][VP_HOST_LEN];
};

/**
 * struct vp_host_dev - one PCI device
 * @address: domain:bus:device.function, as the kernel writes it
 * @facts: what rules look at; the serial number only after vp_host_read_dsn(),
 *         the index of a VF is %VP_VFS_ALL when it is not known
 * @driver: the driver that has it; empty when none
 * @physfn: address of the PF when it is a VF, else empty
 * @group: number of its IOMMU group, or -1
 * @bridge: it is a bridge, which the host needs for what is behind it
 * @identity: of a snapshot; NULL where vp_host_identify() reads it
 */
struct vp_host_dev {
	char address[VP_HOST_LEN];
	struct vp_facts facts;
	char driver[VP_HOST_LEN];
	char physfn[VP_HOST_LEN];
	int group;
	bool bridge;
	struct vp_host_identity *identity;
};

/**
 * struct vp_host - the PCI devices of a host
 * @sysfs: where sysfs is; NULL when this is a snapshot
 * @devices_dir: the folder of it that has the devices; likewise
 * @uuid: DMI product UUID in lower case; NULL when it cannot be read
 * @devs: the devices, by address
 * @count: number of @devs
 * @names: where names come from; NULL for none
 */
struct vp_host {
	char *sysfs;
	char *devices_dir;
	char *uuid;
	struct vp_host_dev *devs;
	size_t count;
	struct vp_names *names;
};

const char *vp_host_sysfs(void);
int vp_host_open(struct vp_host *host, const char *sysfs, const char *ids);
void vp_host_close(struct vp_host *host);
const struct vp_host_dev *vp_host_sort(struct vp_host *host);
void vp_host_read_dsn(struct vp_host *host, const struct vp_host_dev *only);

const struct vp_host_dev *vp_host_find(const struct vp_host *host,
				       const char *address);
const struct vp_host_dev *vp_host_behind(const struct vp_host *host,
					 const char *path);
void vp_host_driver(const struct vp_host *host, const char *address,
		    char *driver);
void vp_host_identify(const struct vp_host *host,
		      const struct vp_host_dev *dev,
		      struct vp_host_identity *identity);
void vp_host_name(const struct vp_host *host, const struct vp_facts *facts,
		  char *buf, size_t size);

int vp_host_address(const char *text, struct vp_facts *facts);
void vp_host_print_address(const struct vp_facts *facts, char *address);
int vp_host_dsn(const char *text, u64 *dsn);
int vp_host_uuid(const char *text, char *uuid);

#endif /* VFIOPOLICY_HOST_H */
