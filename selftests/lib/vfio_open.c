// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user of a device, as a virtual machine is one:
 *
 *	vfio_open ADDRESS GROUP
 *
 * Opens the device through its group and an IOMMU of type 1, says "open" and
 * keeps it until its standard input ends. Says "closed" when it has let go.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int die(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	int container, group, device;
	char path[64], c;

	if (argc != 3) {
		fprintf(stderr, "usage: vfio_open ADDRESS GROUP\n");
		return 1;
	}
	container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0)
		return die("/dev/vfio/vfio");
	snprintf(path, sizeof(path), "/dev/vfio/%s", argv[2]);
	group = open(path, O_RDWR);
	if (group < 0)
		return die(path);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		return die("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU))
		return die("VFIO_SET_IOMMU");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, argv[1]);
	if (device < 0)
		return die("VFIO_GROUP_GET_DEVICE_FD");
	printf("open\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	close(device);
	close(group);
	close(container);
	printf("closed\n");
	return 0;
}
