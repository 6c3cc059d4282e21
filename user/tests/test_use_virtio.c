// SPDX-License-Identifier: GPL-2.0-only
/* What is over virtio without a disk, on made-up hosts. */
#include "uses.h"

#define FIRST	"0000:00:01.0"
#define SECOND	"0000:00:02.0"
#define PORTS	"0000:00:03.0"

static const char root_9p[] =
	"25 1 0:20 / / rw - 9p /dev/root rw,access=client,trans=virtio\n"
	"26 25 0:5 / /proc rw - proc none rw\n";

/* A virtio device below its PCI device, with the driver that has it. */
static void add_virtio(const char *address, const char *name, const char *driver)
{
	char path[512], target[512 + 16];

	tree_below("pci0000:00", address, 0x1af4, 0x1009, 0x000200, "virtio-pci");
	snprintf(path, sizeof(path), "devices/pci0000:00/%s/%s", address, name);
	tree_dir(path);
	snprintf(target, sizeof(target), "../../../%s", path);
	tree_dir("bus/virtio/devices");
	snprintf(path, sizeof(path), "bus/virtio/devices/%s", name);
	tree_symlink(path, target);
	snprintf(path, sizeof(path), "bus/virtio/devices/%s/driver", name);
	snprintf(target, sizeof(target), "../../../../bus/virtio/drivers/%s",
		 driver);
	tree_symlink(path, target);
}

/* The kernel shows the tag with the NUL that ends it. */
static void add_9p(const char *address, const char *name, const char *tag)
{
	char path[512];

	add_virtio(address, name, "9pnet_virtio");
	snprintf(path, sizeof(path), "bus/virtio/devices/%s/mount_tag", name);
	tree_put(path, tag, strlen(tag) + 1);
}

static void add_virtiofs(const char *address, const char *name, const char *tag)
{
	char path[512];

	add_virtio(address, name, "virtiofs");
	if (!tag)
		return;
	snprintf(path, sizeof(path), "fs/virtiofs/%s", name + strlen("virtio"));
	tree_dir(path);
	tree_text(path, "tag", tag);
}

static void test_9p(void)
{
	uses_make("25 1 0:20 / /srv/a rw - 9p share rw,trans=virtio\n"
		  "26 1 0:20 /b /b rw - 9p share rw,trans=virtio\n");
	add_9p(FIRST, "virtio0", "share");
	add_9p(SECOND, "virtio1", "other");
	uses_are(FIRST, "mount: /b is on it (9p share), and 1 more mount",
		 "9p, by its tag");
	uses_are(SECOND, "", "and not by another");

	uses_make(root_9p);
	add_9p(FIRST, "virtio0", "/dev/root");
	uses_are(FIRST, "mount: / is on it (9p /dev/root)", "a root file system");

	uses_make(root_9p);
	add_9p(FIRST, "virtio0", "rootshare");
	uses_are(FIRST, "mount: / is on it (9p rootshare)",
		 "by no tag: on the only one there is");
	add_9p(SECOND, "virtio1", "other");
	uses_are(FIRST, "mount: / may be on it (9p rootshare)", "on one of two");
	uses_are(SECOND, "mount: / may be on it (9p other)", "on either");

	uses_make("25 1 0:20 / / rw - 9p /dev/root rw,trans=virtio\n"
		  "26 1 0:21 / /mnt rw - 9p other rw,trans=virtio\n");
	add_9p(FIRST, "virtio0", "rootshare");
	add_9p(SECOND, "virtio1", "other");
	uses_are(FIRST, "mount: / is on it (9p rootshare)",
		 "the one whose tag nothing is mounted by");
	uses_are(SECOND, "mount: /mnt is on it (9p other)", "not the other one");

	uses_make("25 1 0:20 / /mnt rw - 9p 192.0.2.1 rw,trans=tcp,port=564\n"
		  "26 1 0:21 / /mnt2 rw - ext4 share rw\n");
	add_9p(FIRST, "virtio0", "share");
	uses_are(FIRST, "", "9p over a network is on none");
}

static void test_virtiofs(void)
{
	static const char mounts[] =
		"25 1 0:20 / /mnt rw - virtiofs data rw\n";

	uses_make(mounts);
	add_virtiofs(FIRST, "virtio3", "data");
	add_virtiofs(SECOND, "virtio4", "more");
	uses_are(FIRST, "mount: /mnt is on it (virtiofs data)",
		 "virtiofs, by its tag");
	uses_are(SECOND, "", "and not by another one");

	uses_make(mounts);
	add_virtiofs(FIRST, "virtio3", NULL);
	uses_are(FIRST, "mount: /mnt is on it (virtiofs)", "no tag is told");
	add_virtiofs(SECOND, "virtio4", NULL);
	uses_are(SECOND, "mount: /mnt may be on it (virtiofs)", "of two");

	uses_make(root_9p);
	add_virtiofs(FIRST, "virtio3", NULL);
	uses_are(FIRST, "", "nothing is mounted by virtiofs");
}

static void add_console(const char *is_console)
{
	uses_make(root_9p);
	add_virtio(PORTS, "virtio2", "virtio_console");
	tree_class("tty", "virtual/tty", "console");
	tree_class("tty", "virtual/tty", "hvc0");
	tree_class("tty", "virtual/tty", "hvc1");
	tree_text("class/tty/console", "active", "tty0 ttyS0\n");
	uses_node("pci0000:00/" PORTS "/virtio2/virtio-ports/vport2p0", "245:0",
		  "vport2p0");
	tree_dir("kernel/debug/virtio-ports");
	if (is_console)
		tree_text("kernel/debug/virtio-ports", "vport2p0", is_console);
}

static void test_consoles(void)
{
	static const char agetty[] = "/sbin/agetty\0hvc0";
	static const char agent[] = "/usr/bin/spice-vdagentd";

	add_console(NULL);
	uses_are(PORTS, "", "a console that nobody has");
	uses_process(70, "spice-vdagentd\n", agent, sizeof(agent));
	uses_descriptor(70, 3, "/dev/vport2p0");
	uses_are(PORTS, "open: spice-vdagentd 70 has /dev/vport2p0 open",
		 "a port that is open");

	add_console(NULL);
	uses_process(71, "agetty\n", agetty, sizeof(agetty));
	uses_descriptor(71, 0, "/dev/hvc0");
	uses_are(PORTS, "open: agetty 71 has /dev/hvc0 open",
		 "a console with a login");
	tree_text("class/tty/console", "active", "tty0 hvc0\n");
	uses_are(PORTS, "console: a console is on it (hvc0)\n"
		 "open: agetty 71 has /dev/hvc0 open", "and the messages");

	add_console("name: \nis_console: yes\nconsole_vtermno: 1\n");
	tree_text("class/tty/console", "active", "hvc0\n");
	uses_are(PORTS, "console: a console is on it (hvc0)",
		 "it is said to be one");
	add_console("name: agent\nis_console: no\nconsole_vtermno: 0\n");
	tree_text("class/tty/console", "active", "hvc0\n");
	uses_are(PORTS, "", "it is said to be none");
}

int main(void)
{
	test_9p();
	test_virtiofs();
	test_consoles();
	tree_remove();
	return done();
}
