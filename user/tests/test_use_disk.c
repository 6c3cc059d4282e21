// SPDX-License-Identifier: GPL-2.0-only
/* What stands on the disks behind a device, on made-up hosts. */
#include <stdarg.h>
#include <unistd.h>

#include "uses.h"

#define NVME	"0000:05:00.0"
#define SPARE	"0000:06:00.0"

static const char no_mounts[] =
	"21 1 0:5 / /proc rw - proc none rw\n";

static char at_nvme[] = "pci0000:00/0000:00:1c.0/" NVME "/nvme/nvme0";
static char at_spare[] = "pci0000:00/0000:00:1c.1/" SPARE "/nvme/nvme1";

/* A block device, and what stands on it. */
static void add_block(const char *above, const char *name, const char *number,
		      const char *holder)
{
	char dir[256], path[512];

	tree_class("block", above, name);
	snprintf(dir, sizeof(dir), "class/block/%s", name);
	tree_text(dir, "dev", number);
	snprintf(path, sizeof(path), "%s/holders", dir);
	tree_dir(path);
	if (!holder)
		return;
	snprintf(path, sizeof(path), "%s/holders/%s", dir, holder);
	tree_symlink(path, "../whatever");
}

static void add_mapping(const char *name, const char *number, const char *mapped,
			const char *uuid, const char *holder)
{
	char dir[256], path[512];

	add_block("virtual/block", name, number, holder);
	snprintf(dir, sizeof(dir), "class/block/%s", name);
	snprintf(path, sizeof(path), "%s/dm", dir);
	tree_dir(path);
	tree_text(path, "name", mapped);
	tree_text(path, "uuid", uuid);
}

static void add_md(const char *name, const char *number, const char *level,
		   const char *holder)
{
	char dir[256];

	add_block("virtual/block", name, number, holder);
	snprintf(dir, sizeof(dir), "class/block/%s/md", name);
	tree_dir(dir);
	tree_text(dir, "level", level);
}

/* Two drives of one model; what stands on the first partition may be NULL. */
static void two_drives(const char *mountinfo, const char *holder)
{
	char path[512];

	uses_make(mountinfo);
	tree_below("pci0000:00/0000:00:1c.0", NVME, 0x144d, 0xa80a, 0x010802,
		   "nvme");
	tree_below("pci0000:00/0000:00:1c.1", SPARE, 0x144d, 0xa80a, 0x010802,
		   "nvme");
	add_block(at_nvme, "nvme0n1", "259:0\n", NULL);
	snprintf(path, sizeof(path), "%s/nvme0n1", at_nvme);
	add_block(path, "nvme0n1p1", "259:1\n", holder);
	add_block(path, "nvme0n1p2", "259:2\n", NULL);
	add_block(at_spare, "nvme1n1", "259:8\n", NULL);
}

static void test_plain_mounts(void)
{
	two_drives("25 1 259:1 / / rw shared:1 - ext4 /dev/nvme0n1p1 rw\n"
		   "26 25 259:1 /srv /srv/more rw - ext4 /dev/nvme0n1p1 rw\n"
		   "27 25 0:5 / /proc rw - proc none rw\n", NULL);
	uses_are(NVME, "mount: / is on it (ext4 on /dev/nvme0n1p1), and 1 more mount",
		 "a partition that is mounted");
	uses_are(SPARE, "", "the other drive is free");

	two_drives("25 1 259:2 / /odd\\040\\033name rw - xfs /dev/x rw\n", NULL);
	uses_are(NVME, "mount: /odd ?name is on it (xfs on /dev/nvme0n1p2)",
		 "by its number, whatever it is called; fit to be printed");

	two_drives("25 1 259:99 / / rw - ext4 /dev/nvme9n1p1 rw\n", NULL);
	uses_are(NVME, "", "what is mounted is on another drive");
}

static void test_stacks(void)
{
	two_drives("25 1 254:0 / / rw - ext4 /dev/mapper/vg0-root rw\n",
		   "md0");
	add_md("md0", "9:0\n", "raid1\n", "dm-0");
	add_mapping("dm-0", "254:0\n", "vg0-root\n", "LVM-abc\n", NULL);
	uses_are(NVME, "mount: / is on it (ext4 on LVM vg0-root on MD md0 (raid1) on /dev/nvme0n1p1)",
		 "LVM on MD");
	uses_are(SPARE, "", "the other half of nothing");

	two_drives("25 1 254:1 / /home rw - xfs /dev/mapper/home rw\n", "dm-1");
	add_mapping("dm-1", "254:1\n", "home\n", "CRYPT-LUKS2-abc\n", NULL);
	uses_are(NVME, "mount: /home is on it (xfs on dm-crypt home on /dev/nvme0n1p1)",
		 "dm-crypt");

	two_drives("25 1 251:0 / /data rw - ext4 /dev/bcache0 rw\n", "bcache0");
	add_block("virtual/block", "bcache0", "251:0\n", NULL);
	uses_are(NVME, "mount: /data is on it (ext4 on bcache bcache0 on /dev/nvme0n1p1)",
		 "bcache");

	two_drives(no_mounts, "dm-2");
	add_mapping("dm-2", "254:2\n", "vg1-data\n", "LVM-xyz\n", NULL);
	uses_are(NVME, "stack: LVM vg1-data is on it (on /dev/nvme0n1p1), not mounted",
		 "held and not mounted");

	two_drives(no_mounts, "dm-3");
	add_mapping("dm-3", "254:3\n", "mpatha\n", "mpath-3600\n", "dm-4");
	add_mapping("dm-4", "254:4\n", "a\nb", "part1-mpath-3600\n", "dm-3");
	add_mapping("dm-5", "254:5\n", "c", "x", NULL);
	tree_symlink("class/block/dm-4/holders/dm-5", "../whatever");
	uses_are(NVME, "stack: device mapper c is on it (on device mapper a on multipath mpatha on /dev/nvme0n1p1), not mounted",
		 "a ring of holders comes to an end");
}

static void test_no_holders(void)
{
	two_drives("25 1 259:9 / /srv rw - ext4 /dev/md0p1 rw\n", "md0");
	add_md("md0", "9:0\n", "raid1\n", NULL);
	tree_dir("class/block/md0/md0p1");
	tree_text("class/block/md0/md0p1", "partition", "1\n");
	add_block("virtual/block/md0", "md0p1", "259:9\n", NULL);
	uses_are(NVME, "mount: /srv is on it (ext4 on /dev/md0p1 on MD md0 (raid1) on /dev/nvme0n1p1)",
		 "a partition of an array");

	two_drives("25 1 7:3 / /mnt rw - iso9660 /dev/loop3 rw\n", NULL);
	add_block("virtual/block", "loop3", "7:3\n", NULL);
	add_block("virtual/block", "loop4", "7:4\n", NULL);
	tree_dir("class/block/loop3/loop");
	tree_dir("class/block/loop4/loop");
	tree_text("class/block/loop3/loop", "backing_file", "/dev/nvme1n1\n");
	tree_text("class/block/loop4/loop", "backing_file", "/srv/nvme1n1\n");
	uses_are(SPARE, "mount: /mnt is on it (iso9660 on /dev/loop3 on /dev/nvme1n1)",
		 "a loop device on a disk");
	uses_are(NVME, "", "on the other one");
}

/* A loop instead of a folder: what cannot be listed may have had a holder in it. */
static void test_no_list(void)
{
	struct vp_uses uses;
	char path[1024];

	two_drives(no_mounts, NULL);
	snprintf(path, sizeof(path), "%s/class/block/nvme1n1/holders", tree_root);
	ok(!rmdir(path) && !symlink("holders", path), "holders cannot be listed");
	uses_of(SPARE, &uses);
	ok(uses.count == 1 && uses.uses[0].kind == VP_USE_UNKNOWN,
	   "what could not be looked at may be in use");
}

/* Behind some controllers there are whole buses, in a domain of their own. */
static void test_vmd(void)
{
	uses_make("25 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
	tree_below("pci0000:00", "0000:00:0e.0", 0x8086, 0x9a0b, 0x010400,
		   "vmd");
	tree_below("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0",
		   "10000:e1:00.0", 0x144d, 0xa80a, 0x010802, "nvme");
	add_block("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme0",
		  "nvme0n1", "259:0\n", NULL);
	uses_are("10000:e1:00.0", "mount: / is on it (ext4 on /dev/nvme0n1)",
		 "a drive behind a VMD controller");
	uses_are("0000:00:0e.0", "mount: / is on it (ext4 on /dev/nvme0n1)",
		 "and the controller");
	tree_below("pci0000:e0", "0000:e1:00.0", 0x144d, 0xa80a, 0x010802, NULL);
	uses_are("0000:e1:00.0", "", "not what ends in the same digits");
}

static void test_swaps(void)
{
	static const char head[] =
		"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
	char text[256];

	two_drives(no_mounts, NULL);
	snprintf(text, sizeof(text), "%s/dev/nvme0n1p2 partition 1048572 0 -2\n",
		 head);
	tree_text("proc", "swaps", text);
	uses_are(NVME, "swap: swap is on it (/dev/nvme0n1p2)", "swap");

	two_drives(no_mounts, "dm-0");
	add_mapping("dm-0", "254:0\n", "vg0-swap\n", "LVM-abc\n", NULL);
	snprintf(text, sizeof(text), "%s/dev/dm-0 partition 1048572 0 -2\n",
		 head);
	tree_text("proc", "swaps", text);
	uses_are(NVME, "swap: swap is on it (LVM vg0-swap on /dev/nvme0n1p1)",
		 "swap on LVM");

	two_drives(no_mounts, NULL);
	snprintf(text, sizeof(text), "%s/dev/zram0 partition 1048572 0 -2\n",
		 head);
	tree_text("proc", "swaps", text);
	uses_are(NVME, "", "swap elsewhere");
}

static void test_btrfs(void)
{
	two_drives("25 1 0:30 /@ / rw - btrfs /dev/nvme0n1p1 rw\n", NULL);
	uses_are(NVME, "mount: / is on it (btrfs on /dev/nvme0n1p1)",
		 "btrfs has a number of its own");
	uses_are(SPARE, "", "of one disk");
	tree_dir("fs/btrfs/1234-5678/devices");
	tree_symlink("fs/btrfs/1234-5678/devices/nvme1n1", tree_root);
	tree_symlink("fs/btrfs/1234-5678/devices/nvme0n1p1", tree_root);
	uses_are(SPARE, "mount: / is on it (btrfs on /dev/nvme1n1)",
		 "and of two disks");
	two_drives("25 1 0:30 /@ / rw - btrfs /dev/disk/by-label/os rw\n", NULL);
	tree_dir("dev/disk/by-label");
	tree_text("dev", "nvme0n1p2", "");
	tree_symlink("dev/disk/by-label/os", "../../nvme0n1p2");
	uses_are(NVME, "mount: / is on it (btrfs on /dev/nvme0n1p2)",
		 "by a link of udev's");
}

static void test_multipath(void)
{
	uses_make("25 1 259:3 / / rw - ext4 /dev/nvme2n1 rw\n");
	tree_below("pci0000:00/0000:00:1c.0", NVME, 0x144d, 0xa80a, 0x010802,
		   "nvme");
	tree_below("pci0000:00/0000:00:1c.1", SPARE, 0x144d, 0xa80a, 0x010802,
		   "nvme");
	add_block("virtual/nvme-subsystem/nvme-subsys2", "nvme2n1", "259:3\n", NULL);
	tree_class("nvme-subsystem", "virtual/nvme-subsystem", "nvme-subsys2");
	tree_symlink("class/nvme-subsystem/nvme-subsys2/nvme0",
		     "../../../pci0000:00/0000:00:1c.0/" NVME "/nvme/nvme0");
	uses_are(NVME, "mount: / is on it (ext4 on /dev/nvme2n1)",
		 "a disk behind NVMe multipath");
	uses_are(SPARE, "", "and not behind another controller");
}

/* Images with the marks of a file system, as libblkid knows them. */
static void test_signatures(void)
{
	static char image[1 << 20];
	/* ext2: magic, block size 1024, revision 0, some blocks. */
	static const unsigned char ext_magic[] = { 0x53, 0xef };

	two_drives(no_mounts, NULL);
	memcpy(image + 1024 + 56, ext_magic, sizeof(ext_magic));
	image[1024] = 16;		/* inodes */
	image[1024 + 5] = 4;		/* 1024 blocks */
	image[1024 + 20] = 1;		/* first data block */
	image[1024 + 32 + 1] = 32;	/* blocks per group */
	image[1024 + 40] = 16;		/* inodes per group */
	memcpy(image + 1024 + 120, "guest\0", 6);
	tree_put("dev/nvme1n1", image, sizeof(image));
	uses_are(SPARE, "data: /dev/nvme1n1 has data on it: ext2 \"guest\", not in use",
		 "a file system that is not mounted");
	memset(image, 0, sizeof(image));
	tree_put("dev/nvme1n1", image, sizeof(image));
	uses_are(SPARE, "", "an empty disk");
}

static void put32(unsigned char *at, unsigned int value)
{
	at[0] = (unsigned char)(value >> 24);
	at[1] = (unsigned char)(value >> 16);
	at[2] = (unsigned char)(value >> 8);
	at[3] = (unsigned char)value;
}

/* A member of the pool "tank": uberblocks, and the name in the list of pairs. */
static void put_zfs(const char *name)
{
	static unsigned char image[2 << 20];
	unsigned char *pair = image + (16 << 10) + 12;
	char path[128];
	size_t i;

	memset(image, 0, sizeof(image));
	for (i = 128 << 10; i < 256 << 10; i += 1024)
		memcpy(image + i, "\x0c\xb1\xba\0\0\0\0\0", 8);
	put32(pair, 40);
	put32(pair + 8, 4);
	memcpy(pair + 12, "name", 4);
	put32(pair + 16, 9);
	put32(pair + 20, 1);
	put32(pair + 24, (unsigned int)strlen(name));
	memcpy(pair + 28, name, strlen(name));
	tree_put("dev/nvme1n1", image, sizeof(image));
	/* There are none smaller than 64 MiB. */
	snprintf(path, sizeof(path), "%s/dev/nvme1n1", tree_root);
	if (truncate(path, 80 << 20))
		tree_fail(path);
}

static void test_zfs(void)
{
	two_drives("25 1 0:40 / /tank rw - zfs tank rw\n"
		   "26 1 0:41 / /t rw - zfs tanker/data rw\n"
		   "27 1 0:42 / /t rw - ext4 tank/data rw\n", NULL);
	uses_are(SPARE, "", "a pool that is on no disk of this device");
	put_zfs("tank");
	uses_are(SPARE, "mount: /tank is on it (ZFS pool tank on /dev/nvme1n1)",
		 "a pool that is mounted");
	uses_are(NVME, "", "not from the other drive");

	two_drives(no_mounts, NULL);
	put_zfs("tank");
	uses_are(SPARE, "data: /dev/nvme1n1 has data on it: zfs_member \"tank\", not in use",
		 "a pool that is not imported");
	tree_dir("proc/spl/kstat/zfs/tank");
	uses_are(SPARE, "pool: ZFS pool tank is imported from it (/dev/nvme1n1)",
		 "a pool that is imported and not mounted");
	put_zfs("..");
	uses_are(SPARE, "data: /dev/nvme1n1 has data on it: zfs_member \"..\", not in use",
		 "the name of a pool is no way up");
}

static void test_open_disks(void)
{
	static const char osd[] = "/usr/bin/ceph-osd\0-f";

	two_drives(no_mounts, "dm-0");
	add_mapping("dm-0", "254:0\n", "ceph-osd0\n", "LVM-abc\n", NULL);
	uses_process(812, "ceph-osd\n", osd, sizeof(osd));
	uses_descriptor(812, 3, "/dev/null");
	uses_descriptor(812, 4, "/dev/mapper/ceph-osd0");
	uses_descriptor(812, 5, "/dev/mapper/ceph-osd0");
	uses_descriptor(812, 6, "/dev/nvme1n1");
	uses_process(813, "other\n", osd, sizeof(osd));
	uses_descriptor(813, 0, "/dev/nvme1n1");
	uses_are(NVME, "disk-open: ceph-osd 812 has /dev/mapper/ceph-osd0 open",
		 "a process has what stands on it open");
	uses_are(SPARE, "disk-open: ceph-osd 812 has /dev/nvme1n1 open, and so have others",
		 "two processes have a disk open");

	two_drives(no_mounts, NULL);
	uses_process(300, "systemd-udevd\n", osd, sizeof(osd));
	uses_descriptor(300, 9, "/dev/nvme1n1");
	uses_are(SPARE, "", "udev looks at every disk");
}

static void add_export(const char *dir, const char *file, const char *path,
		       const char *enable)
{
	tree_dir(dir);
	tree_text(dir, file, path);
	tree_text(dir, "enable", enable);
}

/* The kernel exports a disk, and keeps it from nobody by that. */
static void test_exports(void)
{
	static const char nvmet[] =
		"kernel/config/nvmet/subsystems/nqn.2014-08.org:a";
	char dir[256];

	two_drives(no_mounts, "dm-0");
	add_mapping("dm-0", "254:0\n", "vg0-lun\n", "LVM-abc\n", NULL);
	snprintf(dir, sizeof(dir), "%s/namespaces/3", nvmet);
	add_export(dir, "device_path", "/dev/nvme1n1\n", "0\n");
	uses_are(SPARE, "", "an export that is turned off");
	add_export(dir, "device_path", "/dev/nvme1n1\n", "1\n");
	uses_are(SPARE, "export: /dev/nvme1n1 is exported over NVMe-oF as nqn.2014-08.org:a namespace 3",
		 "an export over NVMe");
	uses_are(NVME, "stack: LVM vg0-lun is on it (on /dev/nvme0n1p1), not mounted",
		 "of the other drive");
	tree_dir("kernel/config/target/core/alua");
	add_export("kernel/config/target/core/iblock_0/lun0", "udev_path",
		   "/dev/mapper/vg0-lun\n", "1\n");
	uses_are(NVME, "export: LVM vg0-lun is exported by LIO as iblock_0/lun0",
		 "what stands on a disk, as SCSI");
	tree_dir("dev/disk/by-id");
	tree_text("dev", "nvme1n1", "");
	tree_symlink("dev/disk/by-id/x", "../../nvme1n1");
	add_export(dir, "device_path", "/dev/disk/by-id/x\n", "1\n");
	uses_are(SPARE, "export: /dev/nvme1n1 is exported over NVMe-oF as nqn.2014-08.org:a namespace 3",
		 "by a link of udev's");
	add_export(dir, "device_path", "/srv/image\n", "1\n");
	uses_are(SPARE, "", "a file");

	tree_class("nvme", "pci0000:00/0000:00:1c.1/" SPARE "/nvme", "nvme1");
	snprintf(dir, sizeof(dir), "%s/passthru", nvmet);
	add_export(dir, "device_path", "/dev/nvme1\n", "1\n");
	uses_are(SPARE, "export: all of it (/dev/nvme1) is exported over NVMe-oF as nqn.2014-08.org:a",
		 "a controller as a whole");
}

static void test_usb_disk(void)
{
	struct vp_uses uses;

	uses_make("25 1 8:1 / /mnt rw - vfat /dev/sda1 rw\n");
	tree_below("pci0000:00", "0000:00:14.0", 0x8086, 0xa36d, 0x0c0330,
		   "xhci_hcd");
	add_block("pci0000:00/0000:00:14.0/usb1/1-1/host6/block/sda", "sda1",
		  "8:1\n", NULL);
	uses_are("0000:00:14.0", "mount: /mnt is on it (vfat on /dev/sda1)",
		 "a stick on a USB controller");
	uses_of("0000:00:14.0", &uses);
	ok(uses.count == 1 && vp_safety_allow(&uses.uses[0]) == VP_ALLOW_USB,
	   "the exception for it is that of USB");
	two_drives("25 1 259:1 / / rw - ext4 /dev/nvme0n1p1 rw\n", NULL);
	uses_of(NVME, &uses);
	ok(uses.count == 1 &&
	   vp_safety_allow(&uses.uses[0]) == VP_ALLOW_STORAGE,
	   "that for a drive is that of storage");
}

static void test_many(void)
{
	char mountinfo[8192] = "", number[32], name[32];
	struct vp_uses uses;
	int i;

	for (i = 1; i <= VP_USES_MAX + 8; i++)
		snprintf(mountinfo + strlen(mountinfo),
			 sizeof(mountinfo) - strlen(mountinfo),
			 "%d 1 259:%d / /m%d rw - ext4 /dev/x rw\n", 30 + i, i, i);
	uses_make(mountinfo);
	tree_below("pci0000:00/0000:00:1c.0", NVME, 0x144d, 0xa80a, 0x010802,
		   "nvme");
	for (i = 1; i <= VP_USES_MAX + 8; i++) {
		snprintf(number, sizeof(number), "259:%d\n", i);
		snprintf(name, sizeof(name), "nvme0n%d", i);
		add_block(at_nvme, name, number, NULL);
	}
	uses_of(NVME, &uses);
	ok(uses.count == VP_USES_MAX && uses.more == 8,
	   "more uses than there is room for are counted");
}

int main(void)
{
	test_plain_mounts();
	test_stacks();
	test_no_holders();
	test_no_list();
	test_vmd();
	test_swaps();
	test_btrfs();
	test_multipath();
	test_signatures();
	test_zfs();
	test_open_disks();
	test_exports();
	test_usb_disk();
	test_many();
	tree_remove();
	return done();
}
