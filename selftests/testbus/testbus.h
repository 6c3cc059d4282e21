/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the test bus share. How to use it is at the top of
 * control.c.
 */

#ifndef TESTBUS_H
#define TESTBUS_H

#include <linux/completion.h>
#include <linux/dcache.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define TB_FIRST_DOMAIN	0x1000
#define TB_MAX_DOMAINS	16
#define TB_BUSES	256
#define TB_DEVFNS	256
#define TB_MAX_GROUP	64

/**
 * DOC: locking of the test bus
 *
 * tb_domain.lock guards all that config space accessors look at: the tables
 * of buses and functions, the routes, and each byte of each config space. It
 * is a raw spinlock taken with interrupts off, since accessors run under the
 * PCI core's own raw lock; it is a leaf.
 *
 * The PCI core's lock of rescan and removal makes one step of what must be
 * one: "the device is removed" with "its config space is empty", so that no
 * scan finds it in between. It is never taken under tb_domain.lock. Commands
 * have no lock of their own: one that hangs in a driver's remove does not
 * keep others from defining, undefining and reading.
 *
 * tb_groups_lock, a mutex, guards the table of groups; nothing is taken
 * under it but the IOMMU core's own locks.
 *
 * Buses and functions as defined are freed when no table has them any more;
 * a domain, when the last reference to its host bridge is gone, which those
 * of its devices hold.
 */

/**
 * struct tb_func - a function: one config space
 * @seg: the bus it is on
 * @behind: the bus that it is a bridge to, or NULL
 * @on_bridges: in the list of bridges of @seg
 * @doomed: in a list of functions to be freed
 * @config: PCI_CFG_SPACE_EXP_SIZE bytes, little endian
 * @group: number of its group, 0 for none
 * @devfn: device and function number
 * @gone: it was pulled out, and reads as all ones
 *
 * All of it is guarded by tb_domain.lock.
 */
struct tb_func {
	struct tb_seg *seg;
	struct tb_seg *behind;
	struct list_head on_bridges;
	struct list_head doomed;
	u8 *config;
	unsigned int group;
	u8 devfn;
	bool gone;
};

/**
 * struct tb_seg - a bus, under the number that commands call it by
 * @bridge: the function that leads to it; NULL for a root bus
 * @bridges: functions on it that have a bus behind them
 * @func: its functions
 * @live: the number that its bridge's registers give it now; -1: unreachable
 * @last: the last bus number that reaches what is behind it
 * @number: the number as defined
 *
 * All but @number is guarded by tb_domain.lock.
 */
struct tb_seg {
	struct tb_func *bridge;
	struct list_head bridges;
	struct tb_func *func[TB_DEVFNS];
	int live;
	int last;
	u8 number;
};

/**
 * struct tb_domain - a host bridge and what is below it
 * @sysdata: what the architecture takes the domain number from
 * @bus: the root bus
 * @bridge: the host bridge
 * @buses: the bus numbers it decodes
 * @released: the host bridge has lost its last reference
 * @lock: guards the tables below, and all that is in them
 * @seg: by number as defined
 * @route: by number as the bridges' registers have it
 */
struct tb_domain {
	struct pci_sysdata sysdata;
	struct pci_bus *bus;
	struct pci_host_bridge *bridge;
	struct resource buses;
	struct completion released;
	raw_spinlock_t lock;
	struct tb_seg *seg[TB_BUSES];
	struct tb_seg *route[TB_BUSES];
};

/**
 * struct tb_addr - an address, as commands have it
 * @domain: the domain
 * @bus: number of the bus as defined
 * @devfn: device and function number
 */
struct tb_addr {
	struct tb_domain *domain;
	u8 bus;
	u8 devfn;
};

/**
 * struct tb_spec - what a function is to be
 * @dsn: Device Serial Number
 * @has_dsn: there is one
 * @class: class, subclass and interface
 * @group: number of its group, 0 for none
 * @secondary: a bridge's secondary bus, 0 for none
 * @last: a bridge's subordinate bus
 * @port: a bridge's PCI_EXP_TYPE_*, or -1: as fits the place
 * @vendor: vendor
 * @device: device
 * @sub_vendor: vendor of the subsystem
 * @sub_device: the subsystem
 * @command: COMMAND register as firmware leaves it
 * @revision: revision
 */
struct tb_spec {
	u64 dsn;
	bool has_dsn;
	u32 class;
	unsigned int group;
	u8 secondary;
	u8 last;
	int port;
	u16 vendor;
	u16 device;
	u16 sub_vendor;
	u16 sub_device;
	u16 command;
	u8 revision;
};

/* COMMAND bits that a PCI Express function has */
#define TB_COMMAND_BITS	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | \
			 PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | \
			 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

static inline bool tb_is_bridge_class(u32 class)
{
	return class >> 8 == PCI_CLASS_BRIDGE_PCI;
}

/* control.c; set once, before there is any function */
extern bool tb_silent;

/* config.c */
extern struct pci_ops tb_config_ops;
int tb_config_init(struct tb_domain *dom);
void tb_config_free(struct tb_domain *dom);
int tb_config_define(const struct tb_addr *at, const struct tb_spec *spec);
int tb_config_undefine(const struct tb_addr *at);
bool tb_config_pull(const struct tb_addr *at);
u8 tb_config_live_bus(const struct tb_addr *at);
unsigned int tb_config_group(struct pci_dev *pdev);
bool tb_config_print(const struct tb_addr *at, char *line, size_t size);

/* bus.c */
int tb_bus_init(void);
void tb_bus_exit(void);
struct tb_domain *tb_bus_create(int number);
void tb_bus_destroy(struct tb_domain *dom);
void tb_bus_rescan(struct tb_domain *dom);
int tb_bus_scan_for(const struct tb_addr *at);
int tb_bus_external(const struct tb_addr *at);
int tb_bus_remove(const struct tb_addr *at);
int tb_bus_yank(const struct tb_addr *at);

/* group.c */
int tb_group_init(void);
void tb_group_exit(void);
int tb_group_need(unsigned int number);

/* refs.c */
void tb_refs_init(struct dentry *dir);

#endif
