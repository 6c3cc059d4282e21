// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFs that do not go: a lease on sriov_numvfs keeps who writes there waiting. And
 * the order in which they are told of, with a module that is made up.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "command.h"
#include "nl.h"
#include "tap.h"
#include "tree.h"

#define PF	"0000:03:00.0"
#define VF	"0000:03:10.0"
#define VF1	"0000:03:10.2"
#define VF2	"0000:03:10.4"

/* There is a module; how often it was asked for the first VF. */
static bool loaded;
static int asked;

int __wrap_vp_nl_open(struct vp_nl *nl)
{
	memset(nl, 0, sizeof(*nl));
	return loaded ? 0 : -ENOENT;
}

int __wrap_vp_nl_listen(struct vp_nl *nl)
{
	(void)nl;
	return -EPERM;
}

/* The first takes its time, and of the second nothing is known. */
int __wrap_vp_nl_dev(struct vp_nl *nl, const char *address,
		     struct vp_nl_dev *dev)
{
	(void)nl;
	if (!strcmp(address, VF1))
		return -ENODEV;
	memset(dev, 0, sizeof(*dev));
	snprintf(dev->address, sizeof(dev->address), "%s", address);
	snprintf(dev->target, sizeof(dev->target), "vfio-pci");
	snprintf(dev->rule_text, sizeof(dev->rule_text), "vfio vfs-of=" PF);
	dev->rule = 1;
	dev->state = strcmp(address, VF) != 0 || asked++ > 2 ?
		     VFIOPOLICY_STATE_ISOLATED : VFIOPOLICY_STATE_HANDING_OFF;
	return 0;
}

/**
 * struct run - a run of the command
 * @pid: its process
 * @out: reads what it prints
 * @text: what it printed
 * @status: what it returned
 */
struct run {
	pid_t pid;
	int out;
	char text[4096];
	int status;
};

static void make(void)
{
	tree_make();
	tree_device(PF, 0x8086, 0x10c9, 0x020000, 0, "../../drivers/igb", NULL,
		    NULL);
	tree_text("bus/pci/devices/" PF, "sriov_totalvfs", "7\n");
	tree_text("bus/pci/devices/" PF, "sriov_numvfs", "1\n");
	tree_text("bus/pci/devices/" PF, "sriov_drivers_autoprobe", "1\n");
	tree_device(VF, 0x8086, 0x10ca, 0x020000, 0, "../../drivers/vfio-pci",
		    "../../../kernel/iommu_groups/21", "../" PF);
	tree_link(PF, "virtfn0", "../" VF);
	/* Of nobody, and of a guest. */
	tree_dir("free/self");
	tree_text("free/self", "mountinfo", "");
	tree_dir("used/self");
	tree_text("used/self", "mountinfo", "");
	tree_dir("used/4711/fd");
	tree_text("used/4711", "comm", "qemu-system-x86\n");
	tree_symlink("used/4711/fd/7", "/dev/vfio/21");
	setenv("VFIOPOLICY_SYSFS", tree_root, 1);
}

static int hold(void)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/" PF "/sriov_numvfs",
		 tree_root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* It is told by a signal that somebody waits. */
	signal(SIGIO, SIG_IGN);
	return fd >= 0 && !fcntl(fd, F_SETLEASE, F_RDLCK) ? fd : -1;
}

/* All that it prints goes into one pipe. */
static void start(struct run *run, const char *proc, const char *number,
		  unsigned int given)
{
	char *words[] = { PF, (char *)number };
	const struct vp_args args = {
		.given = given, .nwords = 2, .words = words, .wait = loaded ? 5 : 0,
	};
	char path[PATH_MAX];
	int fds[2];

	snprintf(path, sizeof(path), "%s/%s", tree_root, proc);
	setenv("VFIOPOLICY_PROC", path, 1);
	fflush(NULL);
	if (pipe(fds))
		tree_fail("pipe");
	run->pid = fork();
	if (!run->pid) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		run->status = vp_cmd_sriov.run(&args);
		fflush(NULL);
		_exit(run->status);
	}
	close(fds[1]);
	run->out = fds[0];
}

/* Return: true when nobody has the output open any more, in good time. */
static bool end(struct run *run)
{
	size_t len = 0;
	ssize_t got;

	fcntl(run->out, F_SETFL, O_NONBLOCK);
	if (waitpid(run->pid, &run->status, 0) != run->pid)
		tree_fail("waitpid");
	while ((got = read(run->out, run->text + len,
			   sizeof(run->text) - 1 - len)) > 0)
		len += (size_t)got;
	run->text[len] = '\0';
	close(run->out);
	run->status = WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -1;
	return !got;
}

static void says(const struct run *run, const char *want)
{
	ok(strstr(run->text, want), "tells: %s", want);
	if (!strstr(run->text, want))
		printf("# got '%s'\n", run->text);
}

static void test_lasting(void)
{
	struct run more, none, used;

	start(&more, "free", "3", VP_OPT_JSON);
	start(&none, "free", "0", 0);
	start(&used, "used", "0", VP_OPT_FORCE);
	sleep(2);
	ok(!waitpid(more.pid, NULL, WNOHANG) && !waitpid(none.pid, NULL, WNOHANG),
	   "VFs have their time to go, whatever --wait is");
	ok(end(&more), "what still waits keeps no output open");
	ok(more.status == VP_EXIT_KERNEL, "new VFs were not made: exit 2");
	says(&more, "): its VFs are still going: what keeps them is not known");
	says(&more, "The new ones were not made. Once the old ones are gone: vfiopolicy sriov " PF " 3");
	says(&more, "\"pending\": false");
	says(&more, "\"vfs_wanted\": 3");
	end(&none);
	ok(none.status == VP_EXIT_PENDING, "they will have gone: exit 6");
	ok(!strstr(none.text, "in use") && !strstr(none.text, "not made"),
	   "no more is said than is known");
	end(&used);
	ok(used.status == VP_EXIT_PENDING, "with --force: exit 6");
	says(&used, "its VFs are still going: " VF " is in use by qemu 4711, and the kernel waits for that");
}

static void test_order(void)
{
	const char *first, *second, *third;
	struct run run;

	tree_text("bus/pci/devices/" PF, "sriov_numvfs", "3\n");
	tree_device(VF1, 0x8086, 0x10ca, 0x020000, 0, "../../drivers/igbvf",
		    NULL, "../" PF);
	tree_device(VF2, 0x8086, 0x10ca, 0x020000, 0, "../../drivers/vfio-pci",
		    NULL, "../" PF);
	tree_link(PF, "virtfn1", "../" VF1);
	tree_link(PF, "virtfn2", "../" VF2);
	loaded = true;
	start(&run, "free", "3", 0);
	end(&run);
	loaded = false;
	first = strstr(run.text, "VF 0  " VF "  ");
	second = strstr(run.text, "VF 1  " VF1 "  with the host (igbvf): no rule names it");
	third = strstr(run.text, "VF 2  " VF2 "  ");
	ok(run.status == VP_EXIT_DONE, "three VFs: exit 0");
	ok(first && second && third && first < second && second < third,
	   "they are told of in their order");
	if (!first || first > second || second > third)
		printf("# got '%s'\n", run.text);
}

int main(void)
{
	int lease;

	make();
	lease = hold();
	if (lease < 0)
		ok(true, "VFs that do not go # SKIP no leases here");
	else
		test_lasting();
	close(lease);
	test_order();
	tree_remove();
	return done();
}
