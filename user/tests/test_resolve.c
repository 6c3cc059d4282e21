// SPDX-License-Identifier: GPL-2.0-only
/* What a word of the command line means, and what of a device lasts. */
#include <endian.h>
#include <stdarg.h>

#include "resolve.h"
#include "tap.h"
#include "tree.h"

#define NVME0	"pci0000:00/0000:00:03.2/0000:05:00.0"
#define NVME1	"pci0000:00/0000:00:03.3/0000:06:00.0"
#define NVME2	"pci0000:00/0000:00:03.4/0000:07:00.0"
#define NVME3	"pci0000:00/0000:00:03.5/0000:08:00.0"
#define PORT	"pci0000:00/0000:00:1d.0"
#define SATA	"pci0000:00/0000:00:17.0"
#define XHCI	"pci0000:00/0000:00:14.0"
#define VIRTIO	"pci0000:00/0000:00:02.0"
#define BOTH	"0000:07:00.0 (nvme2), 0000:08:00.0 (nvme3)"
#define SUBSYS	"virtual/nvme-subsystem/nvme-subsys"

static void make_nvme(const char *above, const char *address, const char *name)
{
	char dir[512];

	tree_below(above, address, 0x144d, 0xa80a, 0x010802, "nvme");
	snprintf(dir, sizeof(dir), "%s/%s/nvme", above, address);
	tree_class("nvme", dir, name);
}

static void make_partition(const char *disk_dir, const char *name)
{
	char dir[512];

	tree_class("block", disk_dir, name);
	snprintf(dir, sizeof(dir), "class/block/%s", name);
	tree_text(dir, "partition", "1\n");
}

/* Disks that hang off a subsystem, with links to the controllers. */
static void make_subsystems(void)
{
	tree_class("nvme-subsystem", "virtual/nvme-subsystem", "nvme-subsys1");
	tree_class("block", SUBSYS "1", "nvme1n1");
	make_partition(SUBSYS "1/nvme1n1", "nvme1n1p2");
	tree_symlink("class/nvme-subsystem/nvme-subsys1/nvme1",
		     "../../../" NVME1 "/nvme/nvme1");

	tree_class("nvme-subsystem", "virtual/nvme-subsystem", "nvme-subsys2");
	tree_class("block", SUBSYS "2", "nvme2n1");
	tree_symlink("class/nvme-subsystem/nvme-subsys2/nvme2",
		     "../../../" NVME2 "/nvme/nvme2");
	tree_symlink("class/nvme-subsystem/nvme-subsys2/nvme3",
		     "../../../" NVME3 "/nvme/nvme3");

	/* Over a network: no PCI device. */
	tree_class("nvme-subsystem", "virtual/nvme-subsystem", "nvme-subsys4");
	tree_class("block", SUBSYS "4", "nvme4n1");
	tree_class("nvme", "virtual/nvme-fabrics/ctl", "nvme4");
	tree_symlink("class/nvme-subsystem/nvme-subsys4/nvme4",
		     "../../../virtual/nvme-fabrics/ctl/nvme4");
}

/* What stands on something else. */
static void make_virtual(void)
{
	tree_class("block", "virtual/block", "dm-0");
	tree_dir("class/block/dm-0/slaves/nvme0n1p3");
	tree_dir("class/block/dm-0/slaves/sda");
	tree_class("block", "virtual/block", "md0");
	tree_dir("class/block/md0/slaves/sda");
	make_partition("virtual/block/md0", "md0p1");
	tree_class("block", "virtual/block", "loop0");
	tree_dir("class/block/loop0/slaves");
	tree_class("net", "virtual/net", "lo");
	tree_class("net", "virtual/net", "bond0");
	tree_symlink("class/net/bond0/lower_enp3s0",
		     "../../../" PORT "/0000:03:00.0/net/enp3s0");
	tree_symlink("class/net/bond0/lower_enp3s10", "../enp3s10");
}

static void make_tree(void)
{
	char text[] = "52:54:00:12:34:56\n";

	tree_make();
	make_nvme("pci0000:00/0000:00:03.2", "0000:05:00.0", "nvme0");
	make_nvme("pci0000:00/0000:00:03.3", "0000:06:00.0", "nvme1");
	make_nvme("pci0000:00/0000:00:03.4", "0000:07:00.0", "nvme2");
	make_nvme("pci0000:00/0000:00:03.5", "0000:08:00.0", "nvme3");
	tree_text("class/nvme/nvme0", "model", "Samsung SSD 980\n");
	tree_text("class/nvme/nvme0", "serial", "S69\x1b[2J\n");
	tree_class("block", NVME0 "/nvme/nvme0", "nvme0n1");
	make_partition(NVME0 "/nvme/nvme0/nvme0n1", "nvme0n1p3");

	tree_below(PORT, "0000:03:00.0", 0x8086, 0x1572, 0x020000, "i40e");
	tree_class("net", PORT "/0000:03:00.0/net", "enp3s0");
	tree_text("class/net/enp3s0", "address", text);
	tree_below(PORT, "0000:03:10.1", 0x8086, 0x154c, 0x020000, NULL);
	tree_link("0000:03:10.1", "physfn", "../0000:03:00.0");
	tree_link("0000:03:00.0", "virtfn3", "../0000:03:10.1");
	tree_link("0000:03:00.0", "virtfn0", "../0000:03:0f.6");
	tree_link("0000:03:00.0", "virtfn1", "../0000:03:0f.7");
	tree_link("0000:03:00.0", "virtfn2", "../0000:03:10.0");
	tree_class("net", PORT "/0000:03:10.1/net", "enp3s10");
	tree_below(PORT, "0000:03:10.2", 0x8086, 0x154c, 0x020000, NULL);
	tree_link("0000:03:10.2", "physfn", "../0000:03:00.0");

	tree_below("pci0000:00", "0000:00:17.0", 0x8086, 0xa352, 0x010601,
		   "ahci");
	tree_class("block", SATA "/ata1/host0/target0:0:0/0:0:0:0/block",
		   "sda");
	make_partition(SATA "/ata1/host0/target0:0:0/0:0:0:0/block/sda",
		       "sda1");
	tree_below("pci0000:00", "0000:00:14.0", 0x8086, 0xa36d, 0x0c0330,
		   "xhci_hcd");
	tree_class("block", XHCI "/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block",
		   "sdb");
	tree_class("net", XHCI "/usb1/1-2/1-2:1.0/net", "sdb");
	tree_below("pci0000:00", "0000:00:02.0", 0x1af4, 0x1042, 0x010000,
		   "virtio-pci");
	tree_class("block", VIRTIO "/virtio1/block", "vda");
	tree_class("block", "platform/soc/mmc0/block", "mmcblk0");
	make_subsystems();
	make_virtual();
}

struct word_case {
	const char *word;
	int ret;
	const char *want;	/* the address, or what the error has to say */
};

static const struct word_case words[] = {
	{ "0000:05:00.0", 0, "0000:05:00.0" },
	{ "05:00.0", 0, "0000:05:00.0" },
	{ "enp3s0", 0, "0000:03:00.0" },
	{ "enp3s10", 0, "0000:03:10.1" },
	{ "nvme0n1", 0, "0000:05:00.0" },
	{ "nvme0n1p3", 0, "0000:05:00.0" },
	{ "nvme0", 0, "0000:05:00.0" },
	{ "/dev/nvme0", 0, "0000:05:00.0" },
	{ "/dev/nvme0n1p3", 0, "0000:05:00.0" },
	{ "sda", 0, "0000:00:17.0" },
	{ "sda1", 0, "0000:00:17.0" },
	{ "vda", 0, "0000:00:02.0" },
	{ "/dev/sdb", 0, "0000:00:14.0" },
	{ "nvme1n1", 0, "0000:06:00.0" },
	{ "/dev/nvme1n1p2", 0, "0000:06:00.0" },
	{ "nvme3", 0, "0000:08:00.0" },
	{ "nvme2n1", -ENOTUNIQ,
	  "'nvme2n1' is reached by several controllers: " BOTH "; name one" },
	{ "nvme4n1", -ENODEV, "'nvme4n1' has no PCI device behind it" },
	{ "nvme4", -ENODEV, "'nvme4' has no PCI device behind it" },
	{ "sdb", -ENOTUNIQ,
	  "'sdb' is the name of a disk and of a network interface: say /dev/sdb, or an address" },
	{ "dm-0", -ENODEV, "'dm-0' stands on nvme0n1p3, sda: name the disk" },
	{ "/dev/md0p1", -ENODEV, "'/dev/md0p1' stands on sda: name the disk" },
	{ "loop0", -ENODEV, "'loop0' has no PCI device behind it" },
	{ "mmcblk0", -ENODEV, "'mmcblk0' has no PCI device behind it" },
	{ "bond0", -ENODEV,
	  "'bond0' stands on enp3s0, enp3s10: name the interface" },
	{ "lo", -ENODEV, "'lo' has no PCI device behind it" },
	{ "05:00.1", -ENODEV,
	  "'05:00.1' is the address of no device that is there" },
	{ "/dev/enp3s0", -ENODEV, "'/dev/enp3s0' is not there" },
	{ "/dev/nosuch", -ENODEV, "'/dev/nosuch' is not there" },
	{ "/dev/../sda", -ENODEV, "'/dev/../sda' is not there" },
	{ "/nosuch", -ENODEV, "'/nosuch' is not there" },
	{ "/no\nsuch", -ENODEV, "'/no?such' is not there" },
	{ "/etc/passwd", -ENODEV, "'/etc/passwd' is no device file" },
	{ "/", -ENODEV, "'/' is no device file" },
	{ "144d:a80a", -ENOENT, "" },
	{ "class=nvme", -ENOENT, "" },
	{ "at=0000:00:03.2/00.0", -ENOENT, "" },
	{ "05:00.*", -ENOENT, "" },
	{ "nvme0n2", -ENOENT, "" },
	{ "", -ENOENT, "" },
	{ ".", -ENOENT, "" },
	{ "..", -ENOENT, "" },
	{ "../net/enp3s0", -ENOENT, "" },
	{ "with=slot", -ENOENT, "" },
};

static void check_word(const struct vp_host *host, const char *word, int ret,
		       const char *want)
{
	const struct vp_host_dev *dev = host->devs;
	char error[VP_RESOLVE_LEN] = "as before", desc[128];
	int got;

	got = vp_resolve(host, word, &dev, error, sizeof(error));
	snprintf(desc, sizeof(desc), "'%.64s' gives %d", word, ret);
	ok(got == ret && !dev == !!ret && !error[0] == (!ret || ret == -ENOENT),
	   "%s", *word == '/' && strchr(word, '\n') ? "a line end" : desc);
	is(ret ? error : dev ? dev->address : "no device", want, "    as said");
}

static void resolve_words(const struct vp_host *host)
{
	char error[16];
	const struct vp_host_dev *dev;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		check_word(host, words[i].word, words[i].ret, words[i].want);
	vp_resolve(host, "/dev/a-very-long-name", &dev, error, sizeof(error));
	is(error, "'/dev/a-very-lo", "an error is cut where room ends");
}

/* Device files that are there go by their number: /dev/null is 1:3. */
static void resolve_files(const struct vp_host *host)
{
	char link[PATH_MAX];

	check_word(host, "/dev/null", -ENODEV, "'/dev/null' is not there");
	tree_dir("dev/char");
	tree_symlink("dev/char/1:3", "../../devices/" NVME0 "/nvme/nvme0");
	check_word(host, "/dev/null", 0, "0000:05:00.0");
	tree_symlink("by-id", "/dev/null");
	snprintf(link, sizeof(link), "%s/by-id", tree_root);
	check_word(host, link, 0, "0000:05:00.0");
	tree_symlink("dev/char/1:3", "../../devices/virtual/mem/null");
	check_word(host, "/dev/null", -ENODEV,
		   "'/dev/null' has no PCI device behind it");
}

struct rule_case {
	const char *address;
	const char *rule;
	const char *comment;
};

static const struct rule_case rules[] = {
	{ "0000:05:00.0", "vfio at=0000:00:03.2/00.0 144d:a80a",
	  "0000:05:00.0 device 144d:a80a, model Samsung SSD 980, S/N S69?[2J, nvme0, nvme0n1, driver nvme",
	},
	{ "0000:00:17.0", "vfio at=0000:00:17.0 8086:a352",
	  "0000:00:17.0 device 8086:a352, sda, driver ahci" },
	{ "0000:03:00.0", "vfio at=0000:00:1d.0/00.0 8086:1572",
	  "0000:03:00.0 device 8086:1572, MAC 52:54:00:12:34:56, enp3s0, driver i40e" },
	{ "0000:03:10.1", "vfio vfs-of=0000:00:1d.0/00.0/3 8086:154c",
	  "0000:03:10.1 device 8086:154c, VF 3 of 0000:03:00.0, enp3s10" },
};

static void store_rules(const struct vp_host *host)
{
	char text[VFIOPOLICY_RULE_LEN_MAX + 1], comment[VP_RESOLVE_LEN];
	const struct vp_host_dev *dev;
	struct vp_rule rule, again;
	struct vp_error err;
	size_t i, k, n;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		dev = vp_host_find(host, rules[i].address);
		ok(dev && !vp_resolve_rule(dev, &rule), "rule for %s",
		   rules[i].address);
		vp_rule_print(&rule, text, sizeof(text));
		is(text, rules[i].rule, "    is");
		for (k = n = 0; k < host->count; k++)
			n += vp_match(&rule, &host->devs[k].facts, NULL) ==
			     VP_FIT_MATCH;
		ok(n == 1 && vp_match(&rule, &dev->facts, NULL) == VP_FIT_MATCH,
		   "    names it alone");
		ok(!vp_rule_parse(text, strlen(text), &again, &err) &&
		   !memcmp(&again.selectors, &rule.selectors,
			   sizeof(rule.selectors)), "    can be read again");
		vp_resolve_comment(host, dev, comment, sizeof(comment));
		is(comment, rules[i].comment, "    comment");
	}
	dev = vp_host_find(host, "0000:03:10.2");
	ok(vp_resolve_rule(dev, &rule) == -ENODATA,
	   "no rule for a VF of unknown index: it would be for all");
	vp_resolve_comment(host, dev, comment, sizeof(comment));
	is(comment, "0000:03:10.2 device 8086:154c", "    its comment");
	vp_resolve_comment(host, vp_host_find(host, "0000:05:00.0"), comment,
			   20);
	is(comment, "0000:05:00.0 device", "a comment is cut where room ends");
}

int main(void)
{
	struct vp_host host;

	make_tree();
	ok(!vp_host_open(&host, tree_root, "/nonexistent/pci.ids"), "open");
	resolve_words(&host);
	resolve_files(&host);
	store_rules(&host);
	vp_host_close(&host);
	tree_remove();
	return done();
}
