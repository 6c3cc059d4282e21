// SPDX-License-Identifier: GPL-2.0-only
/* The files of others: what is found in them, and which of them count. */
#include <stdarg.h>
#include <sys/stat.h>

#include <libkmod.h>

#include "site.h"
#include "tap.h"
#include "tree.h"

static const char * const kinds[] = {
	[VP_SITE_CMDLINE] = "cmdline",
	[VP_SITE_LOADER] = "loader",
	[VP_SITE_OPTIONS] = "options",
	[VP_SITE_SOFTDEP] = "softdep",
	[VP_SITE_BLACKLIST] = "blacklist",
	[VP_SITE_INSTALL] = "install",
	[VP_SITE_LOAD] = "load",
	[VP_SITE_DRIVERCTL] = "driverctl",
	[VP_SITE_PROXMOX] = "proxmox",
	[VP_SITE_LIBVIRT] = "libvirt",
	[VP_SITE_SCRIPT] = "script",
};

static char dump[1 << 16];

/* A line for each setting: kind, lines, key, value. */
static const char *show(const struct vp_site *site, bool paths)
{
	FILE *out = fmemopen(dump, sizeof(dump), "w");
	const struct vp_site_entry *entry;
	size_t i;

	for (i = 0; i < site->count; i++) {
		entry = &site->entries[i];
		fprintf(out, "%s%s %u", i ? "\n" : "",
			paths ? entry->path : kinds[entry->kind], entry->line);
		if (entry->last != entry->line)
			fprintf(out, "-%u", entry->last);
		fprintf(out, " %s|%s", entry->key, entry->value);
	}
	fclose(out);
	return dump;
}

static void parse(enum vp_site_format format, const char *path,
		  const char *text, const char *want, const char *desc)
{
	struct vp_site site = { 0 };

	dump[0] = '\0';
	vp_site_parse(&site, format, path, text, strlen(text));
	is(show(&site, false), want, desc);
	vp_site_close(&site);
}

static void command_lines(void)
{
	parse(VP_SITE_FMT_RUNNING, "/proc/cmdline",
	      "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet vfio-pci.ids=10de:1b39\n",
	      "cmdline 1 BOOT_IMAGE|/vmlinuz\n"
	      "cmdline 1 root|/dev/sda1\n"
	      "cmdline 1 quiet|\n"
	      "cmdline 1 vfio_pci.ids|10de:1b39", "words");
	parse(VP_SITE_FMT_CMDLINE, "/etc/kernel/cmdline",
	      "a=\"b c\" \"vfio_pci.ids=1:2, 3:4\" x=\"1 2\"y\n",
	      "loader 1 a|b c\nloader 1 vfio_pci.ids|1:2, 3:4\n"
	      "loader 1 x|1 2\"y", "blanks inside of quotes");
	parse(VP_SITE_FMT_CMDLINE, "/etc/kernel/cmdline", "\"a=b c", "loader 1 a|b c",
	      "a quote that is not closed");
	parse(VP_SITE_FMT_CMDLINE, "/etc/kernel/cmdline", " =  =x \n", "",
	      "nothing at all");
	parse(VP_SITE_FMT_CMDLINE, "/etc/kernel/cmdline", "a=\033[2J\300", "loader 1 a|?[2J?",
	      "odd bytes are not kept");
}

static void shells(void)
{
	parse(VP_SITE_FMT_SHELL, "/etc/default/grub",
	      "# GRUB_CMDLINE_LINUX=\"no\"\n"
	      "GRUB_TIMEOUT=5\n"
	      "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet vfio-pci.ids=10de:1b39\" # x\n"
	      "export GRUB_CMDLINE_LINUX='a=\"b c\"'\"  d\"\n"
	      " GRUB_CMDLINE_XEN=\"e \\\n f\"\n"
	      "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX g\\\"h i\\\"\"; echo j\n"
	      "GRUB_CMDLINE_LINUX=k l\n",
	      "loader 3 quiet|\n"
	      "loader 3 vfio_pci.ids|10de:1b39\n"
	      "loader 4 a|b c\n"
	      "loader 4 d|\n"
	      "loader 5-6 e|\n"
	      "loader 5-6 f|\n"
	      "loader 7 $GRUB_CMDLINE_LINUX|\n"
	      "loader 7 g\"h i\"|\n"
	      "loader 8 k|", "GRUB");
	parse(VP_SITE_FMT_SHELL, "/etc/dracut.conf.d/a.conf",
	      "force_drivers+=\" vfio-pci  vfio \"\n"
	      "add_drivers=\"x\"\nkernel_cmdline=\"rd.driver.pre=vfio-pci\"\n",
	      "load 1 vfio_pci|\nload 1 vfio|\nload 2 x|\n"
	      "loader 3 rd.driver.pre|vfio-pci", "dracut");
	parse(VP_SITE_FMT_SHELL, "/etc/mkinitcpio.conf",
	      "MODULES=(vfio_pci # first\n \"vfio\" 'ext4')\nHOOKS=(base)\n"
	      "MODULES+=(a)", "load 1-2 vfio_pci|\nload 1-2 vfio|\n"
	      "load 1-2 ext4|\nload 4 a|", "mkinitcpio");
	parse(VP_SITE_FMT_SHELL, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"a\nb",
	      "loader 1-2 a|\nloader 1-2 b|", "a value that is not closed");
	parse(VP_SITE_FMT_SHELL, "/etc/default/grub", "MODULES=dep\n"
	      "XGRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE=b\n", "load 1 dep|",
	      "no other variables");
	parse(VP_SITE_FMT_KEYWORDS, "/boot/loader/entries/a.conf",
	      "title Debian options a\n#options b\noptions c=d  e\n"
	      "\toptions f\nOptions g\nlinux /x\n",
	      "loader 3 c|d\nloader 3 e|\nloader 4 f|", "loader entry");
	parse(VP_SITE_FMT_KEYWORDS, "/boot/extlinux/extlinux.conf",
	      "label l0\n\tAPPEND root=x quiet\n\tappend a\n",
	      "loader 2 root|x\nloader 2 quiet|\nloader 3 a|", "extlinux");
}

static void lists(void)
{
	parse(VP_SITE_FMT_LIST, "/etc/modules",
	      "# vfio\n\nvfio-pci ids=1:2\n ; x\n  loop\r\n",
	      "load 3 vfio_pci|\nload 5 loop|", "modules to load");
	ok(vp_site_lists("a, vfio-pci b", "vfio_pci"), "listed");
	ok(vp_site_lists("vfio_pci", "vfio-pci"), "listed, alone");
	ok(!vp_site_lists("vfio-pci2 vfio", "vfio-pci"), "not listed");
	ok(!vp_site_lists("", "vfio-pci"), "nothing is listed");
	parse(VP_SITE_FMT_SCRIPT, "/etc/rc.local",
	      "#!/bin/sh\n# driver_override\n"
	      "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\n"
	      "echo 1 2 >/sys/bus/pci/drivers/vfio-pci/new_id\necho x\n",
	      "script 3 driver_override|\nscript 4 vfio-pci/new_id|",
	      "a script");
}

static void peers(void)
{
	static const char entities[] =
	"<!DOCTYPE a [<!ENTITY b 'c'>]>\n"
	"<domain><hostdev type='pci' managed='yes'>\n"
	"<source><address bus='1'/></source></hostdev></domain>";
	static const char domain[] =
	"<?xml version='1.0'?>\n"
	"<domain type='kvm'>\n"
	"<hostdev mode='subsystem' type='pci' managed='yes'><source>\n"
	"<address domain='0x0000' bus='0x82' slot='0x00' function='0x1'/>\n"
	"</source><address type='pci' domain='0x0000' bus='0x06' slot='0x00'/>\n"
	"</hostdev>\n"
	"<hostdev mode='subsystem' type='pci' managed='no'><source>\n"
	"<address domain='0x0000' bus='0x83' slot='0x00' function='0x0'/>\n"
	"</source></hostdev>\n"
	"<hostdev mode='subsystem' type='usb' managed='yes'><source>\n"
	"<address bus='1' device='2'/></source></hostdev>\n"
	"<address domain='0x0' bus='0x1' slot='0x0' function='0x0'/>\n";

	parse(VP_SITE_FMT_DRIVERCTL, "/etc/driverctl.d/pci-0000:82:00.0",
	      "vfio-pci\n", "driverctl 1 0000:82:00.0|vfio-pci", "driverctl");
	parse(VP_SITE_FMT_DRIVERCTL, "/etc/driverctl.d/usb-1", "x\n", "",
	      "driverctl, other buses");
	parse(VP_SITE_FMT_DRIVERCTL, "/etc/driverctl.d/pci-0000:82:00.0", " \n",
	      "", "driverctl, nothing in it");
	parse(VP_SITE_FMT_PROXMOX, "/etc/pve/qemu-server/100.conf",
	      "#hostpci0: 09:00.0\nname: x\nhostpci0: 0000:82:00,pcie=1,x-vga=1\n"
	      "hostpci1: host=01:00.0;02:00.1,romfile=a:b\n"
	      "hostpci2: mapping=gpu\n[snap]\nhostpci0: 07:00.0\n",
	      "proxmox 3 100|0000:82:00\nproxmox 4 100|01:00.0\n"
	      "proxmox 4 100|02:00.1", "Proxmox VE");
	parse(VP_SITE_FMT_LIBVIRT, "/etc/libvirt/qemu/vm.xml", domain,
	      "libvirt 4 vm|0000:82:00.1", "libvirt, up to where it breaks off");
	parse(VP_SITE_FMT_LIBVIRT, "/etc/libvirt/qemu/vm.xml", entities, "",
	      "libvirt, but it has entities");
	parse(VP_SITE_FMT_LIBVIRT, "/etc/libvirt/qemu/vm.xml", "vfio-pci", "",
	      "libvirt, but it is no XML");
}

/* Text that libkmod and we have to agree on. */
static const char * const modprobe_texts[] = {
	"options vfio-pci ids=10de:1b39,10de:10f0 disable_vga=1\n",
	"options vfio-pci ids=10de:1b39, 10de:10f0\n",
	"softdep nvme pre: vfio-pci\nblacklist nouveau\nblacklist  i2c-x y\n",
	"install nvidia /bin/false\ninstall  a-b   c  d \n",
	"# options a b\n #options a b\n\toptions a-b c=d\n",
	"options a b \\\n c\noptions d \\\\e\n",
	"# comment \\\noptions a b\noptions c d\n",
	"options a\noptions\nblacklist\nsoftdep x\ninstall y\n",
	"alias a b\nremove c d\noptionsx e f\n\n\noptions g h",
	"options a b\\\n",
	"options a b\r\nblacklist c\r\n",
	"options a=b c\noptions a\tb\tc\noptions   a   \n",
	"options n[v-x]-y a\noptions n[ b\nblacklist ]c\nblacklist [[-]-d\n",
	"bl\\acklist x\n\\#options a b\n",
};

static void list_kmod(FILE *out, const char *kind,
		      struct kmod_config_iter *iter, bool value)
{
	while (kmod_config_iter_next(iter))
		fprintf(out, "%s %s|%s\n", kind, kmod_config_iter_get_key(iter),
			value ? kmod_config_iter_get_value(iter) : "");
	kmod_config_iter_free_iter(iter);
}

static const char *ask_kmod(const char *text)
{
	static char path[] = "/tmp/vfiopolicy-kmod-XXXXXX";
	const char *paths[] = { path, NULL };
	FILE *out = fmemopen(dump, sizeof(dump), "w");
	struct kmod_ctx *ctx;
	char *p;
	int fd;

	dump[0] = '\0';
	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		tree_fail(path);
	close(fd);
	ctx = kmod_new("/nonexistent", paths);
	list_kmod(out, "options", kmod_config_get_options(ctx), true);
	list_kmod(out, "blacklist", kmod_config_get_blacklists(ctx), false);
	list_kmod(out, "install", kmod_config_get_install_commands(ctx), true);
	/* Of these it has a form of its own. */
	list_kmod(out, "softdep", kmod_config_get_softdeps(ctx), false);
	fclose(out);
	kmod_unref(ctx);
	unlink(path);
	for (p = dump; *p; p++)
		if (*p != '\n' && (*p < ' ' || *p > '~'))
			*p = '?';
	return dump;
}

/* The same from us, in libkmod's order: kind by kind. */
static const char *ask_site(const char *text)
{
	static const enum vp_site_kind order[] = {
		VP_SITE_OPTIONS, VP_SITE_BLACKLIST, VP_SITE_INSTALL,
		VP_SITE_SOFTDEP,
	};
	static char ours[1 << 16];
	FILE *out = fmemopen(ours, sizeof(ours), "w");
	struct vp_site site = { 0 };
	size_t i, j;

	ours[0] = '\0';
	vp_site_parse(&site, VP_SITE_FMT_MODPROBE, "/etc/modprobe.d/a.conf",
		      text, strlen(text));
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (j = 0; j < site.count; j++)
			if (site.entries[j].kind == order[i])
				fprintf(out, "%s %s|%s\n", kinds[order[i]],
					site.entries[j].key,
					order[i] == VP_SITE_SOFTDEP ? "" :
					site.entries[j].value);
	fclose(out);
	vp_site_close(&site);
	return ours;
}

static void as_libkmod(void)
{
	char nothing[1 << 12], desc[128];
	size_t i, len;
	const char *ours;
	char *theirs;

	parse(VP_SITE_FMT_MODPROBE, "/etc/modprobe.d/a.conf",
	      "options vfio-pci \\\n  ids=10de:1b39, \\\n 10de:10f0\nblacklist x\n",
	      "options 1-3 vfio_pci|  ids=10de:1b39,  10de:10f0\nblacklist 4 x|",
	      "lines that go on");
	/* What stands on this machine's own command line is in all answers. */
	snprintf(nothing, sizeof(nothing), "%s", ask_kmod("\n"));
	for (i = 0; i < sizeof(modprobe_texts) / sizeof(*modprobe_texts); i++) {
		theirs = (char *)ask_kmod(modprobe_texts[i]);
		len = strlen(theirs);
		/* Options alone may be given there. */
		if (strlen(nothing) && strstr(theirs, nothing))
			memmove(strstr(theirs, nothing),
				strstr(theirs, nothing) + strlen(nothing),
				len - (size_t)(strstr(theirs, nothing) - theirs) -
				strlen(nothing) + 1);
		ours = ask_site(modprobe_texts[i]);
		snprintf(desc, sizeof(desc), "libkmod reads the same, %zu", i);
		is(ours, theirs, desc);
	}
}

static void put(const char *file, const char *text)
{
	char dir[TREE_LEN];

	snprintf(dir, sizeof(dir), "%s", file);
	*strrchr(dir, '/') = '\0';
	tree_dir(dir + 1);
	tree_put(file + 1, text, strlen(text));
}

static void whole_host(void)
{
	struct vp_site site;
	char *large, path[TREE_LEN], text[32];

	tree_make();
	put("/proc/cmdline", "quiet\n");
	put("/etc/default/grub", "GRUB_CMDLINE_LINUX=a\n");
	put("/etc/default/grub.d/x.cfg", "GRUB_CMDLINE_LINUX=b\n");
	put("/etc/default/grub.d/x.cfg.bak", "GRUB_CMDLINE_LINUX=no\n");
	put("/etc/modprobe.d/b.conf", "options x e=1\n");
	put("/etc/modprobe.d/b.conf.old", "options x no=1\n");
	put("/etc/modprobe.d/.c.conf", "options x no=2\n");
	put("/run/modprobe.d/b.conf", "options x hidden=1\n");
	put("/run/modprobe.d/c.conf", "");
	put("/lib/modprobe.d/c.conf", "options x hidden=2\n");
	put("/lib/modprobe.d/a.conf", "options x f=1\n");
	put("/etc/driverctl.d/pci-0000:82:00.0", "none\n");
	put("/etc/hostname", "node1.example\n");
	put("/etc/pve/mapping/pci.cfg",
	    "gpu\n\tdescription x\n\tmap id=10de:1b39,node=node1,path=0000:82:00.0;0000:82:00.1\n"
	    "\tmap id=10de:1b39,node=node2,path=0000:99:00.0\n"
	    "nic\n\tmap node=node1,path=0000:03:00.0\n");
	put("/etc/pve/qemu-server/7.conf", "hostpci0: mapping=gpu,pcie=1\n");
	put("/etc/modules", "loop\n");
	/* None of these is a file of settings. */
	tree_dir("etc/modprobe.d/dir.conf");
	snprintf(path, sizeof(path), "%s/etc/modprobe.d/pipe.conf", tree_root);
	if (mkfifo(path, 0600))
		tree_fail(path);
	tree_symlink("etc/modprobe.d/link.conf", "nowhere");
	tree_symlink("etc/modprobe.d/null.conf", "/dev/null");
	large = malloc(VP_SITE_FILE_MAX + 2);
	memset(large, '\n', VP_SITE_FILE_MAX + 1);
	large[VP_SITE_FILE_MAX + 1] = '\0';
	memcpy(large, "options x no=3\n", 15);
	put("/etc/modprobe.d/large.conf", large);
	large[VP_SITE_FILE_MAX] = '\0';
	memcpy(large, "options x is=1\n", 15);
	put("/etc/modprobe.d/nearly.conf", large);
	free(large);

	snprintf(path, sizeof(path), "%s//", tree_root);
	ok(!vp_site_open(&site, path), "a host");
	is(show(&site, true),
	   "/proc/cmdline 1 quiet|\n"
	   "/etc/default/grub 1 a|\n"
	   "/etc/default/grub.d/x.cfg 1 b|\n"
	   "/lib/modprobe.d/a.conf 1 x|f=1\n"
	   "/etc/modprobe.d/b.conf 1 x|e=1\n"
	   "/etc/modprobe.d/nearly.conf 1 x|is=1\n"
	   "/etc/driverctl.d/pci-0000:82:00.0 1 0000:82:00.0|none\n"
	   "/etc/pve/mapping/pci.cfg 3 gpu|0000:82:00.0\n"
	   "/etc/pve/mapping/pci.cfg 3 gpu|0000:82:00.1\n"
	   "/etc/pve/mapping/pci.cfg 6 nic|0000:03:00.0\n"
	   "/etc/pve/qemu-server/7.conf 1 7|0000:82:00.0\n"
	   "/etc/pve/qemu-server/7.conf 1 7|0000:82:00.1\n"
	   "/etc/modules 1 loop|", "what counts, in its order");
	ok(vp_site_has(&site, "/etc/modules"), "a file that is there");
	ok(!vp_site_has(&site, "/etc/modulesx"), "one that is not");
	ok(vp_site_text(&site, "/etc/hostname", text, 6), "a short file");
	is(text, "node1", "cut to what there is room for");
	vp_site_close(&site);

	setenv("VFIOPOLICY_ROOT", "/nonexistent", 1);
	ok(!vp_site_open(&site, NULL) && !site.count, "nothing is no error");
	vp_site_close(&site);
	tree_remove();
}

static void limits(void)
{
	struct vp_site site = { 0 };
	size_t len = VP_SITE_COUNT_MAX * 2 + 10, i;
	char *text = malloc(len);

	for (i = 0; i < len; i++)
		text[i] = i % 2 ? ' ' : 'a';
	vp_site_parse(&site, VP_SITE_FMT_CMDLINE, "/x", text, len);
	ok(site.count == VP_SITE_COUNT_MAX && !site.failed, "too many words");
	vp_site_close(&site);
	memset(text, 'b', len);
	vp_site_parse(&site, VP_SITE_FMT_CMDLINE, "/x", text, len);
	ok(site.count == 1 && strlen(site.entries[0].text) == VP_SITE_TEXT_MAX &&
	   strlen(site.entries[0].key) == len, "a long word");
	vp_site_close(&site);
	free(text);
}

int main(void)
{
	setenv("KMOD_LOG", "0", 1);
	command_lines();
	shells();
	lists();
	peers();
	as_libkmod();
	whole_host();
	limits();
	return done();
}
