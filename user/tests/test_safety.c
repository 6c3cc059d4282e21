// SPDX-License-Identifier: GPL-2.0-only
/* Displays, consoles, keyboards, mdevs, VFs and guests, on made-up hosts. */
#include <dlfcn.h>
#include <stdarg.h>

#include <libmount/libmount.h>

#include "uses.h"

#define GPU	"0000:82:00.0"
#define OTHER	"0000:01:00.0"
#define USB	"0000:00:14.0"

static const char no_mounts[] =
	"21 1 0:5 / /proc rw - proc none rw\n";

static char at_gpu[] = "pci0000:80/0000:80:01.0/" GPU;
static char at_other[] = "pci0000:00/0000:00:01.0/" OTHER;

static bool no_iter;

/* In place of libmount's: there is no memory. */
struct libmnt_iter *mnt_new_iter(int direction)
{
	struct libmnt_iter *(*real)(int direction);

	if (no_iter)
		return NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "mnt_new_iter");
	return real(direction);
}

static void make_gpu(void)
{
	uses_make(no_mounts);
	tree_below("pci0000:80/0000:80:01.0", GPU, 0x10de, 0x1b39, 0x030200,
		   "nouveau");
}

static void card(const char *above, const char *name, const char *outlet)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/drm", above);
	tree_class("drm", path, name);
	if (!outlet)
		return;
	snprintf(path, sizeof(path), "%s/drm/%s", above, name);
	tree_class("drm", path, outlet);
}

static void test_displays(void)
{
	make_gpu();
	uses_are(GPU, "", "a GPU that nobody uses");
	tree_file(GPU, "boot_vga", "0\n", 2);
	uses_are(GPU, "", "not the boot display");
	tree_file(GPU, "boot_vga", "1\n", 2);
	uses_are(GPU, "boot-vga: it is the display that the firmware used",
		 "the boot display");

	make_gpu();
	card(at_gpu, "card0", NULL);
	card(at_gpu, "renderD128", NULL);
	uses_are(GPU, "", "the only card, which has no outlet");
	card(at_gpu, "card0", "card0-Writeback-1");
	uses_are(GPU, "", "nor is this one");
	card(at_gpu, "card0", "card0-HDMI-A-1");
	uses_are(GPU, "only-gpu: no other device of this host has an outlet for a display",
		 "the only one with an outlet");
	tree_below("pci0000:00/0000:00:01.0", OTHER, 0x1a03, 0x2000, 0x030000,
		   "ast");
	card(at_other, "card1", "card1-VGA-1");
	uses_are(GPU, "", "there is another one");
}

static void test_open_nodes(void)
{
	static const char x[] = "/usr/lib/xorg/Xorg\0:0";
	struct vp_uses uses;

	make_gpu();
	uses_node("pci0000:80/0000:80:01.0/" GPU "/drm/card0", "226:0",
		  "dri/card0");
	uses_node("pci0000:80/0000:80:01.0/" GPU "/drm/renderD128", "226:128",
		  "dri/renderD128");
	uses_node("pci0000:00/0000:00:01.0/" OTHER "/drm/card1", "226:1",
		  "dri/card1");
	uses_process(900, "Xorg\n", x, sizeof(x));
	uses_descriptor(900, 7, "/dev/dri/card0");
	uses_descriptor(900, 8, "/dev/dri/card1");
	uses_are(GPU, "open: Xorg 900 has /dev/dri/card0 open",
		 "a process has the card open");
	uses_of(GPU, &uses);
	ok(vp_safety_refusing(&uses, false) == 1 &&
	   !vp_safety_refusing(&uses, true) &&
	   !vp_safety_allow(&uses.uses[0]),
	   "that is no matter at the next boot");

	make_gpu();
	tree_dir("proc/driver/nvidia/gpus/" GPU);
	tree_text("proc/driver/nvidia/gpus/" GPU, "information",
		  "Model: \t\t Tesla P10\nDevice Minor: \t 3\n");
	uses_process(901, "python3\n", x, sizeof(x));
	uses_descriptor(901, 7, "/dev/nvidiactl");
	uses_are(GPU, "", "another node of NVIDIA's");
	uses_descriptor(901, 8, "/dev/nvidia3");
	uses_are(GPU, "open: python3 901 has /dev/nvidia3 open",
		 "by the node of NVIDIA's driver");
}

static void test_other_nodes(void)
{
	static const char at[] = "pci0000:00/" USB "/usb1/1-1/input/event3";
	struct vp_uses uses;

	uses_make(no_mounts);
	tree_below("pci0000:00", USB, 0x8086, 0xa36d, 0x0c0330, "xhci_hcd");
	uses_node(at, "13:67", "input/event3");
	uses_process(600, "systemd-logind\n", "x", 2);
	uses_are(USB, "", "a mouse that nobody listens to");
	uses_descriptor(600, 20, "/dev/input/event3");
	uses_are(USB, "open: systemd-logind 600 has /dev/input/event3 open",
		 "a mouse in use");
	uses_of(USB, &uses);
	ok(uses.count == 1 && uses.uses[0].usb, "by USB");
}

static void test_consoles(void)
{
	char path[512];

	make_gpu();
	snprintf(path, sizeof(path), "%s/graphics", at_gpu);
	tree_class("graphics", path, "fb0");
	tree_class("vtconsole", "virtual/vtconsole", "vtcon0");
	tree_class("vtconsole", "virtual/vtconsole", "vtcon1");
	tree_text("class/vtconsole/vtcon0", "name", "(S) dummy device\n");
	tree_text("class/vtconsole/vtcon0", "bind", "1\n");
	tree_text("class/vtconsole/vtcon1", "name", "(M) frame buffer device\n");
	tree_text("class/vtconsole/vtcon1", "bind", "0\n");
	uses_are(GPU, "", "a framebuffer that no console is on");
	tree_text("class/vtconsole/vtcon1", "bind", "1\n");
	uses_are(GPU, "console: the console is on it (fb0)",
		 "the console is on its framebuffer");

	make_gpu();
	tree_class("tty", "virtual/tty", "console");
	tree_text("class/tty/console", "active", "tty0 ttyS4\n");
	tree_class("tty", "pci0000:80/0000:80:01.0/" GPU "/tty", "ttyS5");
	uses_are(GPU, "", "a serial port without a console");
	tree_class("tty", "pci0000:80/0000:80:01.0/" GPU "/tty", "ttyS4");
	uses_are(GPU, "console: a console is on it (ttyS4)",
		 "a serial port with a console");
}

static void test_keyboards(void)
{
	static const char at[] = "pci0000:00/" USB "/usb1/1-4/1-4:1.0/input";

	uses_make(no_mounts);
	tree_below("pci0000:00", USB, 0x8086, 0xa36d, 0x0c0330, "xhci_hcd");
	tree_class("input", at, "input7");
	tree_dir("class/input/input7/capabilities");
	tree_text("class/input/input7", "name", "Optical \033Mouse\n");
	tree_text("class/input/input7/capabilities", "key", "70000 0 0 0 0\n");
	uses_are(USB, "", "a mouse");
	tree_class("input", at, "input8");
	tree_dir("class/input/input8/capabilities");
	tree_text("class/input/input8", "name", "Nice \033Keyboard\n");
	tree_text("class/input/input8/capabilities", "key",
		  "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n");
	uses_are(USB, "keyboard: a keyboard is on it (Nice ?Keyboard)",
		 "a keyboard");
}

static void test_parts(void)
{
	struct vp_uses uses;

	make_gpu();
	tree_file(GPU, "sriov_numvfs", "0\n", 2);
	uses_are(GPU, "", "no VFs");
	tree_file(GPU, "sriov_numvfs", "4\n", 2);
	uses_are(GPU, "vfs: it has 4 VFs, which would go (vfiopolicy sriov " GPU
		 " 0 removes them)", "VFs");
	uses_of(GPU, &uses);
	ok(vp_safety_refusing(&uses, false) && !vp_safety_refusing(&uses, true),
	   "which are not there at the next boot");

	make_gpu();
	tree_dir("bus/mdev/devices");
	tree_dir("devices/pci0000:80/0000:80:01.0/" GPU "/1234-56");
	tree_symlink("bus/mdev/devices/9999-99",
		     "../../../devices/virtual/9999-99");
	uses_are(GPU, "", "a mediated device of another");
	tree_symlink("bus/mdev/devices/1234-56",
		     "../../../devices/pci0000:80/0000:80:01.0/" GPU "/1234-56");
	uses_are(GPU, "mdev: a mediated device is on it (1234-56)",
		 "a mediated device");
	tree_symlink("bus/mdev/devices/1234-57",
		     "../../../devices/pci0000:80/0000:80:01.0/" GPU "/1234-57");
	uses_are(GPU, "mdev: 2 mediated devices are on it (1234-56 and others)",
		 "two of them");
}

static const struct {
	const char *desc;
	const char *comm;
	const char *cmdline;
	const char *want;
} guests[] = {
	{ "libvirt's way", "qemu-system-x86\n",
	  "/usr/bin/qemu-system-x86_64|-name|guest=z-k8s-n-1,debug-threads=on|-S|",
	  "qemu 4711, VM z-k8s-n-1" },
	{ "a plain name", "qemu-system-x86\n", "qemu|-name|web,process=x|",
	  "qemu 4711, VM web" },
	{ "the guest is not first", "qemu-system-x86\n",
	  "qemu|-name|debug-threads=on,guest=db|", "qemu 4711, VM db" },
	{ "another guest=", "qemu-system-x86\n", "qemu|-name|xguest=db|",
	  "qemu 4711" },
	{ "no name", "stratovirt\n", "stratovirt|-machine|microvm|",
	  "stratovirt 4711" },
	{ "nothing behind it", "qemu-system-x86\n", "qemu|-name|",
	  "qemu 4711" },
	{ "cut in the middle", "qemu-system-x86\n", "qemu|-na", "qemu 4711" },
	{ "not fit to be printed", "e\033vil\n", "x|-name|a\033[31mb|",
	  "e?vil 4711, VM a?[31mb" },
	{ "no command line", "vfio-test\n", "", "vfio-test 4711" },
};

/* As much as is looked at, with the option in the last place. */
static void test_long_command_line(void)
{
	static char cmdline[16384];

	make_gpu();
	tree_link(GPU, "driver", "vfio-pci");
	tree_link(GPU, "iommu_group", "../../../../kernel/iommu_groups/79");
	memset(cmdline, 'x', sizeof(cmdline));
	memcpy(cmdline + sizeof(cmdline) - 6, "\0-name", 6);
	uses_process(4711, "qemu-system-x86\n", cmdline, sizeof(cmdline));
	uses_descriptor(4711, 3, "/dev/vfio/79");
	uses_are(GPU, "vfio: qemu 4711 has it open",
		 "a command line that ends in -name");
}

static void test_users(void)
{
	char text[VP_USE_LEN], cmdline[128], *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guests); i++) {
		snprintf(cmdline, sizeof(cmdline), "%s", guests[i].cmdline);
		for (p = cmdline + strlen(guests[i].cmdline); p-- > cmdline;)
			if (*p == '|')
				*p = '\0';
		uses_make(no_mounts);
		tree_below("pci0000:80/0000:80:01.0", GPU, 0x10de, 0x1b39,
			   0x030200, "vfio-pci");
		tree_link(GPU, "iommu_group",
			  "../../../../kernel/iommu_groups/79");
		uses_process(4711, guests[i].comm, cmdline,
			     strlen(guests[i].cmdline));
		uses_descriptor(4711, 30, "/dev/vfio/vfio");
		uses_descriptor(4711, 31, "/dev/vfio/7");
		uses_are(GPU, "", "another group is open");
		uses_descriptor(4711, 32, "/dev/vfio/79");
		snprintf(text, sizeof(text), "vfio: %s has it open",
			 guests[i].want);
		uses_are(GPU, text, guests[i].desc);
	}

	uses_make(no_mounts);
	tree_below("pci0000:80/0000:80:01.0", GPU, 0x10de, 0x1b39, 0x030200,
		   "mlx5_vfio_pci");
	tree_dir("devices/pci0000:80/0000:80:01.0/" GPU "/vfio-dev/vfio3");
	uses_node("pci0000:80/0000:80:01.0/" GPU "/vfio-dev/vfio3", "511:0",
		  "vfio/devices/vfio3");
	uses_process(50, "qemu-kvm\n", "x", 2);
	uses_descriptor(50, 9, "/dev/vfio/devices/vfio3");
	uses_are(GPU, "vfio: qemu 50 has it open", "by the file of the device");
	tree_link(GPU, "driver", "nouveau");
	uses_are(GPU, "", "what is not with vfio is not asked");
}

static void test_hosts(void)
{
	struct vp_host snapshot = { 0 };
	struct vp_host_dev dev = { .driver = "nvme" };
	const struct vp_safety_paths paths = { .proc = "/nonexistent" };
	struct vp_safety safety;
	struct vp_uses uses;
	struct vp_user user;

	ok(!vp_safety_open(&safety, &snapshot, &paths),
	   "a snapshot needs no mounts");
	vp_safety_uses(&safety, &dev, &uses);
	ok(!uses.count && !vp_safety_vfio_user(&safety, GPU, &user),
	   "and has no uses");
	vp_safety_close(&safety);
	make_gpu();
	ok(!vp_host_open(&snapshot, tree_root, "/nonexistent/pci.ids"),
	   "a host");
	ok(vp_safety_open(&safety, &snapshot, &paths),
	   "without its mounts nothing is said of it");
	vp_safety_close(&safety);
	vp_host_close(&snapshot);
}

static void test_unknown(void)
{
	const struct vp_safety_paths paths = {
		.proc = uses_proc, .dev = uses_dev, .addresses = uses_addresses,
	};
	struct vp_safety safety;
	struct vp_host host;
	struct vp_user user;

	make_gpu();
	tree_link(GPU, "iommu_group", "../../../../kernel/iommu_groups/79");
	ok(!vp_host_open(&host, tree_root, "/nonexistent/pci.ids"), "a host");
	no_iter = true;
	ok(vp_safety_open(&safety, &host, &paths) == -ENOMEM,
	   "who cannot go over the mounts says nothing of any device");
	vp_safety_close(&safety);
	no_iter = false;
	ok(!vp_safety_open(&safety, &host, &paths), "later he can");
	safety.paths.proc = "/nonexistent";
	ok(!vp_safety_vfio_user(&safety, GPU, &user) &&
	   safety.failed == -ENOENT, "processes that cannot be seen");
	vp_safety_close(&safety);
	vp_host_close(&host);

	make_gpu();
	tree_dir("class");
	tree_text("class", "drm", "no folder");
	uses_are(GPU, "unknown: what uses it cannot be told, for class/drm could not be looked at: Not a directory",
		 "a class that cannot be read");
}

int main(void)
{
	test_displays();
	test_open_nodes();
	test_other_nodes();
	test_consoles();
	test_keyboards();
	test_parts();
	test_users();
	test_long_command_line();
	test_hosts();
	test_unknown();
	tree_remove();
	return done();
}
