// SPDX-License-Identifier: GPL-2.0-only
/*
 * The config spaces of the test bus: what is where, what can be written, and
 * which bridge takes an access where. A function has a header of type 0 or 1
 * without base address registers or interrupts, a PCI Express capability and,
 * unless it is a bridge, power management: a bridge must not be put to sleep
 * above the functions that a test looks at. Resets are not emulated.
 */

#include <linux/slab.h>
#include <linux/string.h>

#include "testbus.h"

/* Where the capabilities are. A bridge has SSVID in the place of PM. */
#define TB_PM		0x40
#define TB_SSVID	0x40
#define TB_EXP		0x50
#define TB_DSN		PCI_CFG_SPACE_SIZE

#define TB_STATUS_W1C	0xf9000000	/* in the dword of COMMAND */

/*
 * What can be written in a dword of config space: bits that take what is
 * written, bits that a one clears. All others keep what they were defined as.
 */
struct tb_reg {
	u16 where;
	u32 rw;
	u32 w1c;
};

static const struct tb_reg tb_regs_endpoint[] = {
	{ PCI_COMMAND, TB_COMMAND_BITS, TB_STATUS_W1C },
	{ PCI_CACHE_LINE_SIZE, 0xff, 0 },
	{ PCI_INTERRUPT_LINE, 0xff, 0 },
	{ TB_PM + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK, 0 },
	{ TB_EXP + PCI_EXP_DEVCTL, 0x7fff, 0x000f0000 },
	{ TB_EXP + PCI_EXP_LNKCTL, 0x0fdb, 0 },
	{ TB_EXP + PCI_EXP_DEVCTL2, 0x001f, 0 },
	{ TB_EXP + PCI_EXP_LNKCTL2, 0x000f, 0 },
};

static const struct tb_reg tb_regs_bridge[] = {
	{ PCI_COMMAND, TB_COMMAND_BITS, TB_STATUS_W1C },
	{ PCI_CACHE_LINE_SIZE, 0xff, 0 },
	{ PCI_PRIMARY_BUS, 0x00ffffff, 0 },
	{ PCI_IO_BASE, 0, TB_STATUS_W1C },
	{ PCI_MEMORY_BASE, 0xfff0fff0, 0 },
	{ PCI_INTERRUPT_LINE, 0x005f00ff, 0 },
	{ TB_EXP + PCI_EXP_DEVCTL, 0x7fff, 0x000f0000 },
	{ TB_EXP + PCI_EXP_LNKCTL, 0x0fdb, 0 },
	{ TB_EXP + PCI_EXP_RTCTL, 0x001f, 0 },
	{ TB_EXP + PCI_EXP_RTSTA, 0, PCI_EXP_RTSTA_PME },
	{ TB_EXP + PCI_EXP_DEVCTL2, 0x001f, 0 },
	{ TB_EXP + PCI_EXP_LNKCTL2, 0x000f, 0 },
};

static u8 tb_get8(const struct tb_func *func, unsigned int where)
{
	return func->config[where];
}

static u16 tb_get16(const struct tb_func *func, unsigned int where)
{
	return le16_to_cpup((__le16 *)(func->config + where));
}

static u32 tb_get32(const struct tb_func *func, unsigned int where)
{
	return le32_to_cpup((__le32 *)(func->config + where));
}

static void tb_set8(struct tb_func *func, unsigned int where, u8 val)
{
	func->config[where] = val;
}

static void tb_set16(struct tb_func *func, unsigned int where, u16 val)
{
	*(__le16 *)(func->config + where) = cpu_to_le16(val);
}

static void tb_set32(struct tb_func *func, unsigned int where, u32 val)
{
	*(__le32 *)(func->config + where) = cpu_to_le32(val);
}

static bool tb_is_bridge(const struct tb_func *func)
{
	return (tb_get8(func, PCI_HEADER_TYPE) & 0x7f) ==
	       PCI_HEADER_TYPE_BRIDGE;
}

static struct tb_domain *tb_domain_of(struct pci_bus *bus)
{
	return container_of(to_pci_sysdata(bus), struct tb_domain, sysdata);
}

/*
 * The function that answers at a place, by the numbers that the bridges'
 * registers give.
 */
static struct tb_func *tb_at(struct tb_domain *dom, u8 bus, unsigned int devfn)
	__must_hold(&dom->lock)
{
	struct tb_seg *seg = dom->route[bus];
	struct tb_func *func = seg ? seg->func[devfn] : NULL;

	lockdep_assert_held(&dom->lock);
	return func && !func->gone ? func : NULL;
}

/* The function that commands mean. */
static struct tb_func *tb_defined(const struct tb_addr *at)
{
	struct tb_seg *seg = at->domain->seg[at->bus];

	lockdep_assert_held(&at->domain->lock);
	return seg ? seg->func[at->devfn] : NULL;
}

/*
 * Finds out anew which bus number leads where. A bridge takes those from its
 * secondary to its subordinate number, as far as they reach itself; the
 * secondary number is above the one of the bus it is on, so that one pass in
 * ascending order sees each bus after the one above.
 */
static void tb_reroute(struct tb_domain *dom)
	__must_hold(&dom->lock)
{
	struct tb_func *func;
	unsigned int bus, i;

	lockdep_assert_held(&dom->lock);
	memset(dom->route, 0, sizeof(dom->route));
	for (i = 1; i < TB_BUSES; i++) {
		if (dom->seg[i])
			dom->seg[i]->live = -1;
	}
	dom->route[0] = dom->seg[0];

	for (bus = 0; bus < TB_BUSES; bus++) {
		struct tb_seg *seg = dom->route[bus];

		if (!seg)
			continue;
		list_for_each_entry(func, &seg->bridges, on_bridges) {
			u8 secondary = tb_get8(func, PCI_SECONDARY_BUS);
			u8 last = tb_get8(func, PCI_SUBORDINATE_BUS);

			if (func->gone || secondary <= bus ||
			    secondary > last || secondary > seg->last ||
			    dom->route[secondary])
				continue;
			func->behind->live = secondary;
			func->behind->last = min_t(int, last, seg->last);
			dom->route[secondary] = func->behind;
		}
	}
}

static int tb_config_read(struct pci_bus *bus, unsigned int devfn, int where,
			  int size, u32 *val)
{
	struct tb_domain *dom = tb_domain_of(bus);
	struct tb_func *func;
	unsigned long flags;

	/* What is not there reads as all ones, and that is no error. */
	*val = ~0U;
	raw_spin_lock_irqsave(&dom->lock, flags);
	func = tb_at(dom, bus->number, devfn);
	if (func && size == 1)
		*val = tb_get8(func, where);
	else if (func && size == 2)
		*val = tb_get16(func, where);
	else if (func)
		*val = tb_get32(func, where);
	raw_spin_unlock_irqrestore(&dom->lock, flags);
	return PCIBIOS_SUCCESSFUL;
}

static const struct tb_reg *tb_reg_of(const struct tb_func *func, int where)
{
	const struct tb_reg *reg = tb_regs_endpoint;
	unsigned int left = ARRAY_SIZE(tb_regs_endpoint);

	if (tb_is_bridge(func)) {
		reg = tb_regs_bridge;
		left = ARRAY_SIZE(tb_regs_bridge);
	}
	for (; left; left--, reg++) {
		if (reg->where == where)
			return reg;
	}
	return NULL;
}

static int tb_config_write(struct pci_bus *bus, unsigned int devfn, int where,
			   int size, u32 val)
{
	struct tb_domain *dom = tb_domain_of(bus);
	unsigned int shift = (where & 3) * 8;
	u32 enabled = (size == 4 ? ~0U : (1U << size * 8) - 1) << shift;
	const struct tb_reg *reg;
	struct tb_func *func;
	unsigned long flags;

	where &= ~3;
	val <<= shift;
	raw_spin_lock_irqsave(&dom->lock, flags);
	func = tb_at(dom, bus->number, devfn);
	reg = func ? tb_reg_of(func, where) : NULL;
	if (reg) {
		u32 rw = reg->rw & enabled;
		u32 now = (tb_get32(func, where) & ~rw) | (val & rw);

		tb_set32(func, where, now & ~(val & reg->w1c & enabled));
		if (func->behind && where == PCI_PRIMARY_BUS)
			tb_reroute(dom);
	}
	raw_spin_unlock_irqrestore(&dom->lock, flags);
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops tb_config_ops = {
	.read = tb_config_read,
	.write = tb_config_write,
};

static struct tb_seg *tb_seg_alloc(u8 number)
{
	struct tb_seg *seg = kzalloc(sizeof(*seg), GFP_KERNEL);

	if (seg) {
		INIT_LIST_HEAD(&seg->bridges);
		seg->number = number;
		seg->live = -1;
	}
	return seg;
}

static void tb_func_free(struct tb_func *func)
{
	if (func)
		kfree(func->config);
	kfree(func);
}

static struct tb_func *tb_func_alloc(u8 devfn)
{
	struct tb_func *func = kzalloc(sizeof(*func), GFP_KERNEL);

	if (!func)
		return NULL;
	INIT_LIST_HEAD(&func->on_bridges);
	INIT_LIST_HEAD(&func->doomed);
	func->devfn = devfn;
	func->config = kzalloc(PCI_CFG_SPACE_EXP_SIZE, GFP_KERNEL);
	if (!func->config) {
		kfree(func);
		return NULL;
	}
	return func;
}

/**
 * tb_config_init() - the tables of a new domain: a root bus, empty
 * @dom: the domain
 *
 * Return: 0 or -ENOMEM.
 */
int tb_config_init(struct tb_domain *dom)
{
	raw_spin_lock_init(&dom->lock);
	dom->seg[0] = tb_seg_alloc(0);
	if (!dom->seg[0])
		return -ENOMEM;
	dom->seg[0]->live = 0;
	dom->seg[0]->last = TB_BUSES - 1;
	dom->route[0] = dom->seg[0];
	return 0;
}

/**
 * tb_config_free() - free the tables of a domain and all functions in them
 * @dom: the domain; nobody has access to it any more
 */
void tb_config_free(struct tb_domain *dom)
{
	unsigned int i, devfn;

	for (i = 0; i < TB_BUSES; i++) {
		if (!dom->seg[i])
			continue;
		for (devfn = 0; devfn < TB_DEVFNS; devfn++)
			tb_func_free(dom->seg[i]->func[devfn]);
		kfree(dom->seg[i]);
	}
}

/* Functions of one slot say of themselves whether they are alone. */
static void tb_mark_slot(struct tb_seg *seg, u8 devfn)
{
	unsigned int first = PCI_DEVFN(PCI_SLOT(devfn), 0);
	unsigned int i, there = 0;

	for (i = first; i < first + 8; i++)
		there += !!seg->func[i];
	for (i = first; i < first + 8; i++) {
		struct tb_func *func = seg->func[i];

		if (!func)
			continue;
		func->config[PCI_HEADER_TYPE] &= 0x7f;
		if (there > 1)
			func->config[PCI_HEADER_TYPE] |= 0x80;
	}
}

static void tb_fill_express(struct tb_func *func, int port)
{
	tb_set8(func, TB_EXP, PCI_CAP_ID_EXP);
	tb_set16(func, TB_EXP + PCI_EXP_FLAGS, 2 | port << 4);
	tb_set32(func, TB_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER);
	tb_set16(func, TB_EXP + PCI_EXP_DEVCTL,
		 PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
		 PCI_EXP_DEVCTL_READRQ_512B);
	tb_set32(func, TB_EXP + PCI_EXP_LNKCAP,
		 PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4 |
		 (u32)PCI_SLOT(func->devfn) << 24);
	tb_set16(func, TB_EXP + PCI_EXP_LNKSTA,
		 PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1);
	tb_set32(func, TB_EXP + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB);
	tb_set16(func, TB_EXP + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS_2_5GT);
}

static void tb_fill(struct tb_func *func, const struct tb_spec *spec)
{
	bool bridge = tb_is_bridge_class(spec->class);

	tb_set16(func, PCI_VENDOR_ID, spec->vendor);
	tb_set16(func, PCI_DEVICE_ID, spec->device);
	tb_set16(func, PCI_COMMAND, spec->command);
	tb_set16(func, PCI_STATUS, PCI_STATUS_CAP_LIST);
	tb_set32(func, PCI_CLASS_REVISION, spec->class << 8 | spec->revision);
	tb_set8(func, PCI_CAPABILITY_LIST, TB_PM);
	if (bridge) {
		tb_set8(func, PCI_HEADER_TYPE, PCI_HEADER_TYPE_BRIDGE);
		tb_set8(func, PCI_SECONDARY_BUS, spec->secondary);
		tb_set8(func, PCI_SUBORDINATE_BUS, spec->last);
		/* Base above limit: the window is closed. */
		tb_set16(func, PCI_MEMORY_BASE, 0xfff0);
		tb_set8(func, TB_SSVID, PCI_CAP_ID_SSVID);
		tb_set8(func, TB_SSVID + PCI_CAP_LIST_NEXT, TB_EXP);
		tb_set16(func, TB_SSVID + PCI_SSVID_VENDOR_ID, spec->sub_vendor);
		tb_set16(func, TB_SSVID + PCI_SSVID_DEVICE_ID, spec->sub_device);
	} else {
		tb_set16(func, PCI_SUBSYSTEM_VENDOR_ID, spec->sub_vendor);
		tb_set16(func, PCI_SUBSYSTEM_ID, spec->sub_device);
		tb_set8(func, TB_PM, PCI_CAP_ID_PM);
		tb_set8(func, TB_PM + PCI_CAP_LIST_NEXT, TB_EXP);
		tb_set16(func, TB_PM + PCI_PM_PMC, 3);
		tb_set16(func, TB_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	}
	tb_fill_express(func, bridge ? spec->port : PCI_EXP_TYPE_ENDPOINT);
	if (spec->has_dsn) {
		tb_set32(func, TB_DSN, PCI_EXT_CAP_ID_DSN | 1 << 16);
		tb_set32(func, TB_DSN + 4, lower_32_bits(spec->dsn));
		tb_set32(func, TB_DSN + 8, upper_32_bits(spec->dsn));
	}
}

static int tb_port_of(const struct tb_func *bridge)
{
	return tb_get16(bridge, TB_EXP + PCI_EXP_FLAGS) >> 4 & 0xf;
}

/*
 * As firmware would number it: those above reach as far as the new one does.
 * Once they have been scanned, the kernel keeps to what it read then.
 */
static void tb_widen(struct tb_func *bridge, u8 last)
{
	for (; bridge; bridge = bridge->seg->bridge) {
		if (tb_get8(bridge, PCI_SUBORDINATE_BUS) < last)
			tb_set8(bridge, PCI_SUBORDINATE_BUS, last);
	}
}

static int tb_insert(const struct tb_addr *at, const struct tb_spec *spec,
		     struct tb_func *func, struct tb_seg **fresh)
	__must_hold(&at->domain->lock)
{
	struct tb_domain *dom = at->domain;
	struct tb_seg *seg = dom->seg[at->bus];
	bool below_port;

	lockdep_assert_held(&dom->lock);
	if (!seg || (at->bus && !seg->bridge))
		return -ENXIO;
	if (seg->func[at->devfn])
		return -EEXIST;
	below_port = seg->bridge &&
		     tb_port_of(seg->bridge) != PCI_EXP_TYPE_UPSTREAM;
	if (below_port && PCI_SLOT(at->devfn))
		return -EDOM;

	func->seg = seg;
	func->group = spec->group;
	if (tb_is_bridge_class(spec->class)) {
		int port = spec->port;

		if (port < 0 && !seg->bridge)
			port = PCI_EXP_TYPE_ROOT_PORT;
		else if (port < 0)
			port = below_port ? PCI_EXP_TYPE_UPSTREAM :
					    PCI_EXP_TYPE_DOWNSTREAM;
		tb_set16(func, TB_EXP + PCI_EXP_FLAGS, 2 | port << 4);
		/* Nobody has numbered one without a bus: all zero. */
		if (spec->secondary)
			tb_set8(func, PCI_PRIMARY_BUS, at->bus);
	}
	if (spec->secondary) {
		struct tb_seg *behind = dom->seg[spec->secondary];

		if (behind && behind->bridge)
			return -EADDRINUSE;
		if (!behind) {
			behind = *fresh;
			*fresh = NULL;
			dom->seg[spec->secondary] = behind;
		}
		behind->bridge = func;
		func->behind = behind;
		list_add_tail(&func->on_bridges, &seg->bridges);
		tb_widen(seg->bridge, spec->last);
	}
	seg->func[at->devfn] = func;
	tb_mark_slot(seg, at->devfn);
	if (func->behind)
		tb_reroute(dom);
	return 0;
}

/**
 * tb_config_define() - put a function in config space
 * @at: where
 * @spec: what it is
 *
 * Return: 0; -EEXIST if there is one; -ENXIO if no bridge leads to the bus;
 * -EDOM for a device other than 00 below a port; -EADDRINUSE if another
 * bridge leads to the same secondary bus; -ENOMEM.
 */
int tb_config_define(const struct tb_addr *at, const struct tb_spec *spec)
{
	struct tb_func *func = tb_func_alloc(at->devfn);
	struct tb_seg *fresh = tb_seg_alloc(spec->secondary);
	unsigned long flags;
	int ret = -ENOMEM;

	if (func && fresh) {
		tb_fill(func, spec);
		raw_spin_lock_irqsave(&at->domain->lock, flags);
		ret = tb_insert(at, spec, func, &fresh);
		raw_spin_unlock_irqrestore(&at->domain->lock, flags);
	}
	if (ret)
		tb_func_free(func);
	kfree(fresh);
	return ret;
}

/* Out of the tables, with all that is behind it, into a list. */
static void tb_uproot(struct tb_func *top, struct list_head *doomed)
{
	struct tb_func *func;
	unsigned int i;

	list_add_tail(&top->doomed, doomed);
	list_for_each_entry(func, doomed, doomed) {
		struct tb_seg *behind = func->behind;

		func->seg->func[func->devfn] = NULL;
		tb_mark_slot(func->seg, func->devfn);
		if (!behind)
			continue;
		list_del(&func->on_bridges);
		behind->bridge = NULL;
		for (i = 0; i < TB_DEVFNS; i++) {
			if (behind->func[i])
				list_add_tail(&behind->func[i]->doomed, doomed);
		}
	}
}

/**
 * tb_config_undefine() - empty a function's config space
 * @at: where; what is behind a bridge goes with it
 *
 * Return: 0, or -ENODEV if there is none.
 */
int tb_config_undefine(const struct tb_addr *at)
{
	struct tb_func *func, *next;
	unsigned long flags;
	LIST_HEAD(doomed);

	raw_spin_lock_irqsave(&at->domain->lock, flags);
	func = tb_defined(at);
	if (func) {
		tb_uproot(func, &doomed);
		tb_reroute(at->domain);
	}
	raw_spin_unlock_irqrestore(&at->domain->lock, flags);
	if (!func)
		return -ENODEV;
	list_for_each_entry_safe(func, next, &doomed, doomed)
		tb_func_free(func);
	return 0;
}

/**
 * tb_config_pull() - let a function, and what is behind it, read as all ones
 * @at: the function
 *
 * Return: whether there is one.
 */
bool tb_config_pull(const struct tb_addr *at)
{
	struct tb_func *func;
	unsigned long flags;

	raw_spin_lock_irqsave(&at->domain->lock, flags);
	func = tb_defined(at);
	if (func) {
		func->gone = true;
		tb_reroute(at->domain);
	}
	raw_spin_unlock_irqrestore(&at->domain->lock, flags);
	return func;
}

/**
 * tb_config_live_bus() - the bus number by which the kernel knows a function
 * @at: the function, by the number that it was defined with
 *
 * Return: the number that its bridge has now, or the one of @at itself.
 */
u8 tb_config_live_bus(const struct tb_addr *at)
{
	struct tb_seg *seg;
	unsigned long flags;
	u8 bus = at->bus;

	raw_spin_lock_irqsave(&at->domain->lock, flags);
	seg = at->domain->seg[at->bus];
	if (seg && seg->live >= 0)
		bus = seg->live;
	raw_spin_unlock_irqrestore(&at->domain->lock, flags);
	return bus;
}

/**
 * tb_config_group() - the group that a function was defined with
 * @pdev: a device of the test bus
 *
 * Return: the number of the group, 0 for none.
 */
unsigned int tb_config_group(struct pci_dev *pdev)
{
	struct tb_domain *dom = tb_domain_of(pdev->bus);
	unsigned int group = 0;
	struct tb_func *func;
	unsigned long flags;

	raw_spin_lock_irqsave(&dom->lock, flags);
	func = tb_at(dom, pdev->bus->number, pdev->devfn);
	if (func)
		group = func->group;
	raw_spin_unlock_irqrestore(&dom->lock, flags);
	return group;
}

/* Appends to a line that has room for all of it. */
static void __printf(3, 4) tb_append(char *line, size_t size,
				     const char *format, ...)
{
	size_t len = strlen(line);
	va_list args;

	va_start(args, format);
	vscnprintf(line + len, size - len, format, args);
	va_end(args);
}

static void tb_describe(const struct tb_func *func, char *line, size_t size)
{
	bool bridge = tb_is_bridge(func);
	unsigned int sub = bridge ? TB_SSVID + PCI_SSVID_VENDOR_ID :
				    PCI_SUBSYSTEM_VENDOR_ID;

	tb_append(line, size, " %04x:%04x class=%06x rev=%02x",
		  tb_get16(func, PCI_VENDOR_ID),
		  tb_get16(func, PCI_DEVICE_ID),
		  tb_get32(func, PCI_CLASS_REVISION) >> 8,
		  tb_get8(func, PCI_REVISION_ID));
	if (tb_get32(func, sub))
		tb_append(line, size, " sub=%04x:%04x", tb_get16(func, sub),
			  tb_get16(func, sub + 2));
	if (tb_get32(func, TB_DSN))
		tb_append(line, size, " dsn=%08x%08x",
			  tb_get32(func, TB_DSN + 8),
			  tb_get32(func, TB_DSN + 4));
	tb_append(line, size, " cmd=%04x", tb_get16(func, PCI_COMMAND));
	if (bridge && tb_get8(func, PCI_SECONDARY_BUS))
		tb_append(line, size, " bus=%02x-%02x",
			  tb_get8(func, PCI_SECONDARY_BUS),
			  tb_get8(func, PCI_SUBORDINATE_BUS));
	if (func->group)
		tb_append(line, size, " group=%u", func->group);
	if (!bridge)
		tb_append(line, size, " power=D%u",
			  tb_get16(func, TB_PM + PCI_PM_CTRL) &
			  PCI_PM_CTRL_STATE_MASK);
	if (func->gone)
		tb_append(line, size, " gone");
}

/**
 * tb_config_print() - one line about a function, as it is now
 * @at: the function
 * @line: where to
 * @size: of @line
 *
 * Return: whether there is such a function.
 */
bool tb_config_print(const struct tb_addr *at, char *line, size_t size)
{
	struct tb_func *func;
	unsigned long flags;

	raw_spin_lock_irqsave(&at->domain->lock, flags);
	func = tb_defined(at);
	if (func) {
		scnprintf(line, size, "%04x:%02x:%02x.%x",
			  at->domain->sysdata.domain, at->bus,
			  PCI_SLOT(at->devfn), PCI_FUNC(at->devfn));
		tb_describe(func, line, size);
	}
	raw_spin_unlock_irqrestore(&at->domain->lock, flags);
	return func;
}
