// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI bus whose devices are made up: any id, any class, any number, there
 * and gone at a word. They have no registers beyond config space, no
 * interrupts and no IOMMU.
 *
 *	insmod testbus.ko [domains=N]	domains 1000, 1001, ...; 1 unless told
 *		[silent=1]		user space hears nothing of functions that
 *			come and go, nor of drivers that they get: what udev
 *			does of each takes longer than all the rest
 *	echo COMMAND > /sys/kernel/debug/testbus/control
 *	cat /sys/kernel/debug/testbus/control	what is defined, as it is now
 *	cat /sys/kernel/debug/testbus/references	see refs.c
 *
 *	define ADDR VVVV:DDDD [OPTION...]	put it in config space; no scan
 *	rescan [DOMAIN]				scan, all domains unless told
 *	add ADDR VVVV:DDDD [OPTION...]		define and rescan
 *	del ADDR				remove in order, undefine
 *	yank ADDR				all ones first, then remove
 *	undefine ADDR				empty config space; no removal
 *	redefine ADDR VVVV:DDDD [OPTION...]	del, then add
 *	external ADDR				what is scanned below this
 *			bridge, which has been scanned, is outside from here on
 *
 *	class=CCCCCC	030200 unless told; 060400 with bus=
 *	rev=RR  sub=SSSS:SSSS  dsn=16 digits
 *	cmd=XXXX	COMMAND as firmware leaves it: 0107, bus mastering on
 *	bus=BB[-EE]	a bridge, to bus BB, that lets through as far as EE
 *	port=TYPE	what a bridge is: root, up or down
 *	group=N		in an IOMMU group, 1-64, that has no IOMMU; drivers
 *			that let the kernel manage their DMA do not bind to it
 *
 * All numbers but N are hexadecimal. A command is a line; a write may hold
 * many, runs them in order and fails with the first bad one, for which the
 * kernel log has the reason. What comes after the last newline is run when
 * the file is closed. Example, a card of two functions behind a root port:
 *
 *	define 1000:00:01.0 1b36:000c bus=01
 *	define 1000:01:00.0 10de:1b39 dsn=0123456789abcdef
 *	define 1000:01:00.1 10de:10f0 class=040300
 *	rescan
 *
 * Below a root or downstream port is device 00 alone, as on any such link;
 * below an upstream port there are all 32. A bridge on bus 0 is a root port,
 * one below a port an upstream port, one below that a downstream port, unless
 * port= says else: "port=up" on bus 0 is the short way to 256 functions. A
 * bus number needs its bridge defined first. What is behind a bridge goes
 * with it in del, yank and undefine. The kernel does not look for more
 * functions of a slot whose function 0 it has seen alone.
 *
 * Not to be tried, since kernels do not stand it: a write to the "remove" of
 * a device in sysfs while the same device is removed from here (remove_store()
 * goes on with a device that is freed), and other bus numbers in a bridge that
 * has been scanned (the next scan loses the old bus, and rmmod waits for it).
 */

#define pr_fmt(fmt) "testbus: " fmt

#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "testbus.h"

#define TB_LINE_MAX	256
#define TB_WRITE_MAX	65536

static unsigned int domains = 1;
module_param(domains, uint, 0444);
MODULE_PARM_DESC(domains, "number of PCI domains, 1-16");

bool tb_silent;
module_param_named(silent, tb_silent, bool, 0444);
MODULE_PARM_DESC(silent, "send no uevents of functions");

static struct tb_domain *tb_domains[TB_MAX_DOMAINS];
static struct dentry *tb_dir;

/* An open control file: the line that has not seen its newline yet. */
struct tb_file {
	char line[TB_LINE_MAX];
	size_t len;
};

static int tb_hex(const char *what, const char *text, u64 max, u64 *val)
{
	if (!kstrtou64(text, 16, val) && *val <= max)
		return 0;
	pr_err("%s: '%s' is not a hexadecimal number up to %llx\n", what, text,
	       max);
	return -EINVAL;
}

static int tb_parse_ids(const char *what, char *text, u16 *vendor, u16 *device)
{
	char *second = text;
	u64 first_val, second_val;

	strsep(&second, ":");
	if (!second) {
		pr_err("%s: '%s' is not two numbers with a ':' between\n", what,
		       text);
		return -EINVAL;
	}
	if (tb_hex(what, text, 0xffff, &first_val) ||
	    tb_hex(what, second, 0xffff, &second_val))
		return -EINVAL;
	*vendor = first_val;
	*device = second_val;
	return 0;
}

static int tb_parse_domain(unsigned int number, struct tb_domain **dom)
{
	if (number < TB_FIRST_DOMAIN || number >= TB_FIRST_DOMAIN + domains) {
		pr_err("domain %04x: there are %04x to %04x\n", number,
		       TB_FIRST_DOMAIN, TB_FIRST_DOMAIN + domains - 1);
		return -ENXIO;
	}
	*dom = tb_domains[number - TB_FIRST_DOMAIN];
	return 0;
}

static int tb_parse_addr(const char *text, struct tb_addr *at)
{
	unsigned int domain, bus, slot, func;
	int len = 0;

	if (!text || sscanf(text, "%x:%x:%x.%x%n", &domain, &bus, &slot, &func,
			    &len) < 4 || text[len] || bus >= TB_BUSES ||
	    slot > 0x1f || func > 7) {
		pr_err("'%s' is not an address such as 1000:00:05.0\n",
		       text ?: "");
		return -EINVAL;
	}
	at->bus = bus;
	at->devfn = PCI_DEVFN(slot, func);
	return tb_parse_domain(domain, &at->domain);
}

static int tb_parse_bus(char *text, struct tb_spec *spec)
{
	char *second = text;
	u64 from, to;

	strsep(&second, "-");
	if (tb_hex("bus", text, 0xff, &from))
		return -EINVAL;
	to = from;
	if (second && tb_hex("bus", second, 0xff, &to))
		return -EINVAL;
	if (!from || to < from) {
		pr_err("bus: %llx-%llx is not a range of buses from 1 on\n",
		       from, to);
		return -EINVAL;
	}
	spec->secondary = from;
	spec->last = to;
	return 0;
}

static int tb_parse_port(const char *text, struct tb_spec *spec)
{
	if (!strcmp(text, "root"))
		spec->port = PCI_EXP_TYPE_ROOT_PORT;
	else if (!strcmp(text, "up"))
		spec->port = PCI_EXP_TYPE_UPSTREAM;
	else if (!strcmp(text, "down"))
		spec->port = PCI_EXP_TYPE_DOWNSTREAM;
	else
		goto err;
	return 0;

err:
	pr_err("port: '%s' is none of root, up, down\n", text);
	return -EINVAL;
}

static int tb_parse_option(char *key, struct tb_spec *spec)
{
	char *val = key;
	u64 num;

	strsep(&val, "=");
	if (!val)
		goto err_unknown;
	if (!strcmp(key, "sub"))
		return tb_parse_ids(key, val, &spec->sub_vendor,
				    &spec->sub_device);
	if (!strcmp(key, "bus"))
		return tb_parse_bus(val, spec);
	if (!strcmp(key, "port"))
		return tb_parse_port(val, spec);
	if (!strcmp(key, "group")) {
		if (kstrtouint(val, 10, &spec->group) || !spec->group ||
		    spec->group > TB_MAX_GROUP) {
			pr_err("group: '%s' is not a number from 1 to %u\n",
			       val, TB_MAX_GROUP);
			return -EINVAL;
		}
		return tb_group_need(spec->group);
	}
	if (!strcmp(key, "class")) {
		if (tb_hex(key, val, 0xffffff, &num))
			return -EINVAL;
		spec->class = num;
	} else if (!strcmp(key, "rev")) {
		if (tb_hex(key, val, 0xff, &num))
			return -EINVAL;
		spec->revision = num;
	} else if (!strcmp(key, "dsn")) {
		if (tb_hex(key, val, U64_MAX, &num))
			return -EINVAL;
		spec->dsn = num;
		spec->has_dsn = true;
	} else if (!strcmp(key, "cmd")) {
		if (tb_hex(key, val, 0xffff, &num))
			return -EINVAL;
		if (num & ~TB_COMMAND_BITS) {
			pr_err("cmd: %04llx has bits outside of %04x\n", num,
			       TB_COMMAND_BITS);
			return -EINVAL;
		}
		spec->command = num;
	} else {
		goto err_unknown;
	}
	return 0;

err_unknown:
	pr_err("'%s' is none of class=, rev=, sub=, dsn=, cmd=, bus=, port=, group=\n",
	       key);
	return -EINVAL;
}

static int tb_parse_spec(char *rest, struct tb_spec *spec)
{
	char *word;
	int ret;

	*spec = (struct tb_spec) {
		.class = 0xffffffff,
		.port = -1,
		.command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			   PCI_COMMAND_MASTER | PCI_COMMAND_SERR,
	};
	word = strsep(&rest, " ");
	ret = tb_parse_ids("id", word ?: "", &spec->vendor, &spec->device);
	if (ret)
		return ret;
	/* 0001 is how a function reads that asks to be tried again later. */
	if (!spec->vendor || spec->vendor == 0xffff || spec->vendor == 1) {
		pr_err("id: vendor %04x can be no function's; 0000, ffff and 0001 mean that none answers\n",
		       spec->vendor);
		return -EINVAL;
	}
	while ((word = strsep(&rest, " "))) {
		ret = tb_parse_option(word, spec);
		if (ret)
			return ret;
	}

	if (spec->class == 0xffffffff)
		spec->class = spec->secondary ? PCI_CLASS_BRIDGE_PCI << 8 :
						PCI_CLASS_DISPLAY_3D << 8;
	if (tb_is_bridge_class(spec->class)) {
		if (spec->group) {
			pr_err("group: bridges are in none\n");
			return -EINVAL;
		}
	} else if (spec->secondary || spec->port >= 0) {
		pr_err("bus, port: for class 0604xx, not %06x\n", spec->class);
		return -EINVAL;
	}
	return 0;
}

static int tb_define(const struct tb_addr *at, const struct tb_spec *spec)
{
	int ret = tb_config_define(at, spec);

	switch (ret) {
	case -EEXIST:
		pr_err("something is defined there; del or redefine it\n");
		break;
	case -ENXIO:
		pr_err("no bridge with bus=%02x is defined\n", at->bus);
		break;
	case -EDOM:
		pr_err("below a root or downstream port there is device 00 alone; an upstream port has 32\n");
		break;
	case -EADDRINUSE:
		pr_err("another bridge has bus=%02x\n", spec->secondary);
		break;
	}
	return ret;
}

static int tb_scan_for(const struct tb_addr *at)
{
	int ret = tb_bus_scan_for(at);

	if (!ret)
		return 0;
	pr_err("the scan does not find it: is function 0 of the slot missing, or was it scanned when alone?\n");
	tb_config_undefine(at);
	return ret;
}

static int tb_cmd_define(const struct tb_addr *at, char *rest)
{
	struct tb_spec spec;
	int ret = tb_parse_spec(rest, &spec);

	return ret ?: tb_define(at, &spec);
}

static int tb_cmd_add(const struct tb_addr *at, char *rest)
{
	return tb_cmd_define(at, rest) ?: tb_scan_for(at);
}

static int tb_must_be_there(int ret)
{
	if (ret == -ENODEV)
		pr_err("nothing is defined there\n");
	return ret;
}

static int tb_cmd_del(const struct tb_addr *at, char *rest)
{
	return tb_must_be_there(tb_bus_remove(at));
}

static int tb_cmd_yank(const struct tb_addr *at, char *rest)
{
	return tb_must_be_there(tb_bus_yank(at));
}

static int tb_cmd_external(const struct tb_addr *at, char *rest)
{
	int ret = tb_bus_external(at);

	if (ret == -ENODEV)
		pr_err("nothing has been scanned there\n");
	else if (ret)
		pr_err("there is no bridge, but a function that leads nowhere\n");
	return ret;
}

static int tb_cmd_undefine(const struct tb_addr *at, char *rest)
{
	return tb_must_be_there(tb_config_undefine(at));
}

static int tb_cmd_redefine(const struct tb_addr *at, char *rest)
{
	struct tb_spec spec;
	int ret = tb_parse_spec(rest, &spec);

	if (!ret)
		ret = tb_must_be_there(tb_bus_remove(at));
	if (!ret)
		ret = tb_define(at, &spec);
	return ret ?: tb_scan_for(at);
}

static int tb_cmd_rescan(char *rest)
{
	struct tb_domain *dom;
	unsigned int i;
	u64 number;
	int ret;

	if (rest) {
		ret = tb_hex("domain", rest, 0xffff, &number);
		if (!ret)
			ret = tb_parse_domain(number, &dom);
		if (!ret)
			tb_bus_rescan(dom);
		return ret;
	}
	for (i = 0; i < domains; i++)
		tb_bus_rescan(tb_domains[i]);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const struct tb_addr *at, char *rest);
	bool takes_more;
} tb_commands[] = {
	{ "define", tb_cmd_define, true },
	{ "add", tb_cmd_add, true },
	{ "redefine", tb_cmd_redefine, true },
	{ "undefine", tb_cmd_undefine, false },
	{ "external", tb_cmd_external, false },
	{ "del", tb_cmd_del, false },
	{ "yank", tb_cmd_yank, false },
};

static int tb_run(char *rest)
{
	char *name = strsep(&rest, " ");
	struct tb_addr at;
	unsigned int i;
	int ret;

	if (!strcmp(name, "rescan"))
		return tb_cmd_rescan(rest);
	for (i = 0; i < ARRAY_SIZE(tb_commands); i++) {
		if (strcmp(name, tb_commands[i].name))
			continue;
		ret = tb_parse_addr(strsep(&rest, " "), &at);
		if (ret)
			return ret;
		if (rest && !tb_commands[i].takes_more) {
			pr_err("'%s' is too much: %s takes an address\n", rest,
			       name);
			return -EINVAL;
		}
		return tb_commands[i].run(&at, rest);
	}
	pr_err("'%s' is none of define, add, redefine, undefine, del, yank, external, rescan\n",
	       name);
	return -EINVAL;
}

/* Runs the line that has been gathered, words parted by single spaces. */
static int tb_run_line(struct tb_file *tbf)
{
	char *from = tbf->line, *to = tbf->line, *whole;
	int ret;

	tbf->line[tbf->len] = '\0';
	tbf->len = 0;
	for (; *from; from++) {
		if (!isspace(*from))
			*to++ = *from;
		else if (to > tbf->line && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > tbf->line && to[-1] == ' ')
		to--;
	*to = '\0';
	if (!tbf->line[0])
		return 0;

	whole = kstrdup(tbf->line, GFP_KERNEL);
	if (!whole)
		return -ENOMEM;
	ret = tb_run(tbf->line);
	if (ret)
		pr_err("\"%s\": error %d\n", whole, ret);
	kfree(whole);
	return ret;
}

static int tb_take(struct tb_file *tbf, const char *text, size_t count)
{
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		if (text[i] == '\n') {
			ret = tb_run_line(tbf);
			if (ret)
				return ret;
			if (fatal_signal_pending(current))
				return -EINTR;
			continue;
		}
		/* One byte is left for the end of the string. */
		if (tbf->len == TB_LINE_MAX - 1) {
			pr_err("a line is longer than %d\n", TB_LINE_MAX - 1);
			return -E2BIG;
		}
		tbf->line[tbf->len++] = text[i];
	}
	return 0;
}

static ssize_t tb_control_write(struct file *file, const char __user *from,
				size_t count, loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	struct tb_file *tbf = seq->private;
	char *text;
	int ret;

	count = min_t(size_t, count, TB_WRITE_MAX);
	text = memdup_user_nul(from, count);
	if (IS_ERR(text))
		return PTR_ERR(text);
	ret = tb_take(tbf, text, count);
	if (ret)
		tbf->len = 0;
	kfree(text);
	return ret ?: count;
}

static int tb_control_flush(struct file *file, fl_owner_t id)
{
	struct seq_file *seq = file->private_data;
	struct tb_file *tbf = seq->private;

	return tbf->len ? tb_run_line(tbf) : 0;
}

/* Functions may come and go meanwhile: each line is true by itself. */
static int tb_control_show(struct seq_file *seq, void *unused)
{
	char line[TB_LINE_MAX];
	unsigned int i, bus, devfn;
	struct tb_addr at;

	for (i = 0; i < domains; i++) {
		at.domain = tb_domains[i];
		for (bus = 0; bus < TB_BUSES; bus++) {
			/* A bus, once there, stays. */
			if (!READ_ONCE(at.domain->seg[bus]))
				continue;
			at.bus = bus;
			for (devfn = 0; devfn < TB_DEVFNS; devfn++) {
				at.devfn = devfn;
				if (tb_config_print(&at, line, sizeof(line)))
					seq_printf(seq, "%s\n", line);
			}
		}
	}
	return 0;
}

static int tb_control_open(struct inode *inode, struct file *file)
{
	struct tb_file *tbf = kzalloc(sizeof(*tbf), GFP_KERNEL);
	int ret;

	if (!tbf)
		return -ENOMEM;
	ret = single_open(file, tb_control_show, tbf);
	if (ret)
		kfree(tbf);
	return ret;
}

static int tb_control_release(struct inode *inode, struct file *file)
{
	struct seq_file *seq = file->private_data;

	kfree(seq->private);
	return single_release(inode, file);
}

/*
 * Made "unsafe", since debugfs passes flush through in no other way. It is
 * safe: an open file holds the module, and the file is removed at its exit.
 */
static const struct file_operations tb_control_ops = {
	.owner = THIS_MODULE,
	.open = tb_control_open,
	.read = seq_read,
	.write = tb_control_write,
	.llseek = seq_lseek,
	.flush = tb_control_flush,
	.release = tb_control_release,
};

static void tb_destroy_domains(void)
{
	unsigned int i;

	for (i = domains; i--;) {
		if (tb_domains[i])
			tb_bus_destroy(tb_domains[i]);
	}
}

static int __init tb_init(void)
{
	unsigned int i;
	int ret;

	if (!domains || domains > TB_MAX_DOMAINS) {
		pr_err("domains=%u: 1 to %d are possible\n", domains,
		       TB_MAX_DOMAINS);
		return -EINVAL;
	}
	ret = tb_bus_init();
	if (ret)
		return ret;
	ret = tb_group_init();
	if (ret)
		goto err_bus;
	for (i = 0; i < domains; i++) {
		struct tb_domain *dom = tb_bus_create(TB_FIRST_DOMAIN + i);

		if (IS_ERR(dom)) {
			ret = PTR_ERR(dom);
			goto err_domains;
		}
		tb_domains[i] = dom;
	}
	tb_dir = debugfs_create_dir("testbus", NULL);
	debugfs_create_file_unsafe("control", 0600, tb_dir, NULL,
				   &tb_control_ops);
	tb_refs_init(tb_dir);
	return 0;

err_domains:
	tb_destroy_domains();
	tb_group_exit();
err_bus:
	tb_bus_exit();
	return ret;
}

static void __exit tb_exit(void)
{
	debugfs_remove(tb_dir);
	tb_destroy_domains();
	tb_group_exit();
	tb_bus_exit();
}

module_init(tb_init);
module_exit(tb_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PCI host bridges whose devices are made up, for tests");
