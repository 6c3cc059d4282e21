// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving a device back by sysfs while others move it: a lease on its override
 * keeps who writes there waiting, until the device has another driver.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "release.h"
#include "tap.h"
#include "tree.h"

#define GPU	"0000:82:00.0"

static void make(void)
{
	char path[PATH_MAX];

	tree_make();
	tree_dir("bus/pci/drivers/vfio-pci");
	tree_dir("bus/pci/drivers/nouveau");
	tree_text("bus/pci/drivers/vfio-pci", "unbind", "");
	tree_text("bus/pci/drivers/nouveau", "unbind", "");
	tree_text("bus/pci", "drivers_probe", "");
	tree_device(GPU, 0x10de, 0x1b39, 0x030200, 0,
		    "../../drivers/vfio-pci", NULL, NULL);
	tree_text("bus/pci/devices/" GPU, "driver_override", "vfio-pci\n");
	tree_dir("proc/self");
	tree_text("proc/self", "mountinfo", "");
	snprintf(path, sizeof(path), "%s/proc", tree_root);
	setenv("VFIOPOLICY_PROC", path, 1);
}

static bool has(const char *file, const char *want)
{
	char path[PATH_MAX], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", tree_root, file);
	f = fopen(path, "r");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return !strcmp(text, want);
}

static int release(void)
{
	const struct vp_args args = { .quiet = true };
	struct vp_host host;
	int ret;

	if (vp_host_open(&host, tree_root, "/nonexistent"))
		tree_fail("vp_host_open");
	ret = vp_release_by_sysfs(&host, vp_host_find(&host, GPU), &args,
				  false);
	vp_host_close(&host);
	return ret;
}

static void test_plain(void)
{
	make();
	release();
	ok(has("bus/pci/drivers/vfio-pci/unbind", GPU), "taken from vfio-pci");
	ok(has("bus/pci/devices/" GPU "/driver_override", "\n"),
	   "its override is cleared");
	ok(has("bus/pci/drivers_probe", GPU), "and offered to the host's drivers");
	tree_remove();
}

/* Whose doing is it that the host has not got it? */
static void kept(const char *driver, const char *override, bool want,
		 const char *desc)
{
	char now[VP_HOST_LEN];
	struct vp_host host;

	memcpy(tree_root + strlen(tree_root) - 6, "XXXXXX", 6);
	make();
	tree_link(GPU, "driver", driver);
	tree_text("bus/pci/devices/" GPU, "driver_override", override);
	if (vp_host_open(&host, tree_root, "/nonexistent"))
		tree_fail("vp_host_open");
	ok(vp_release_is_kept(&host, vp_host_find(&host, GPU), now) == want,
	   "%s", desc);
	vp_host_close(&host);
	tree_remove();
}

static void test_kept(void)
{
	kept("../../drivers/vfio-pci", "vfio-pci\n", true,
	     "an override keeps it on vfio-pci");
	kept("../../drivers/vfiopolicy", "vfiopolicy\n", true, "or held");
	kept("../../drivers/vfio-pci", "(null)\n", false,
	     "what vfio-pci has by its ids is not ours");
	kept("../../drivers/nouveau", "vfio-pci\n", false,
	     "nor what the host has all the same");
	kept("../../drivers/vfio-pci", "nouveau\n", false,
	     "nor what has somebody else's override");
}

static void test_moved(void)
{
	char path[PATH_MAX];
	int lease, status, tries;
	pid_t pid;

	memcpy(tree_root + strlen(tree_root) - 6, "XXXXXX", 6);
	make();
	snprintf(path, sizeof(path), "%s/bus/pci/devices/" GPU "/driver_override",
		 tree_root);
	lease = open(path, O_RDONLY | O_CLOEXEC);
	/* It is told by a signal that somebody waits. */
	signal(SIGIO, SIG_IGN);
	if (lease < 0 || fcntl(lease, F_SETLEASE, F_RDLCK)) {
		ok(true, "a device that is moved meanwhile # SKIP no leases here");
		return;
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(release());
	for (tries = 0; tries < 1000 && fcntl(lease, F_GETLEASE) == F_RDLCK; tries++)
		usleep(10000);
	tree_link(GPU, "driver", "../../drivers/nouveau");
	close(lease);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && !WEXITSTATUS(status),
	   "it is with a driver of the host's by now");
	ok(has("bus/pci/drivers/nouveau/unbind", ""),
	   "and is not taken from that");
	tree_remove();
}

int main(void)
{
	test_plain();
	test_kept();
	test_moved();
	return done();
}
