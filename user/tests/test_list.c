// SPDX-License-Identifier: GPL-2.0-only
/* The table of vfiopolicy list as a terminal shows it, of a module that is none. */
#include <pty.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "command.h"
#include "nl.h"
#include "output.h"
#include "tap.h"
#include "tree.h"

/* Room for all that is printed. */
#define SCREEN	4096

static const struct {
	const char *address;
	u32 state;
	u32 reason;
	const char *rule;
} devs[] = {
	{ "0000:02:00.0", VFIOPOLICY_STATE_ISOLATED, VFIOPOLICY_REASON_NONE,
	  "vfio 1b36:0010 name=vm-disk" },
	{ "0000:03:00.0", VFIOPOLICY_STATE_HELD, VFIOPOLICY_REASON_NO_IOMMU_GROUP,
	  "vfio vfs-of=0000:03:00.0/0-3" },
};

int __wrap_vp_nl_open(struct vp_nl *nl)
{
	memset(nl, 0, sizeof(*nl));
	return 0;
}

int __wrap_vp_nl_devs(struct vp_nl *nl, struct vp_nl_dev **list, size_t *count)
{
	struct vp_nl_dev *dev;
	size_t i;

	(void)nl;
	*list = calloc(ARRAY_SIZE(devs), sizeof(**list));
	if (!*list)
		return -ENOMEM;
	*count = ARRAY_SIZE(devs);
	for (i = 0; i < *count; i++) {
		dev = &(*list)[i];
		snprintf(dev->address, sizeof(dev->address), "%s", devs[i].address);
		snprintf(dev->rule_text, sizeof(dev->rule_text), "%s", devs[i].rule);
		snprintf(dev->driver, sizeof(dev->driver), "vfiopolicy");
		snprintf(dev->target, sizeof(dev->target), "vfio-pci");
		dev->facts.vendor = 0x1b36;
		dev->facts.bus = (u8)(i + 2);
		dev->facts.device = 0x0010;
		dev->state = devs[i].state;
		dev->reason = devs[i].reason;
		dev->rule = (u32)(20 + i);
		dev->generation = 1;
		dev->group = -1;
	}
	return 0;
}

/* What the command prints on a terminal of so many columns. */
static void show(unsigned short columns, char *screen)
{
	const struct winsize size = { .ws_row = 24, .ws_col = columns };
	const struct vp_args args = { .color = VP_COLOR_NEVER };
	size_t len = 0;
	ssize_t got;
	int fd, status;
	pid_t pid;

	fflush(stdout);
	pid = forkpty(&fd, NULL, NULL, &size);
	if (pid < 0)
		tree_fail("forkpty");
	if (!pid) {
		vp_out_setup(&args);
		status = vp_cmd_list.run(&args);
		fflush(stdout);
		_exit(status);
	}
	while (len < SCREEN - 1 &&
	       (got = read(fd, screen + len, SCREEN - 1 - len)) > 0)
		len += (size_t)got;
	screen[len] = '\0';
	close(fd);
	if (waitpid(pid, &status, 0) != pid || status)
		tree_fail("list");
}

/* The length of the longest line; @joined is all of it with single blanks. */
static size_t look(const char *screen, char *joined)
{
	size_t longest = 0, len = 0, n = 0;

	for (; *screen; screen++) {
		len = *screen == '\n' ? 0 : len + (*screen != '\r');
		longest = len > longest ? len : longest;
		if (*screen == '\r' || *screen == '\n' || *screen == ' ')
			n -= n && joined[n - 1] == ' ';
		joined[n++] = *screen == '\r' || *screen == '\n' ? ' ' : *screen;
	}
	joined[n] = '\0';
	return longest;
}

static void on_a_terminal(unsigned short columns)
{
	char screen[SCREEN], joined[SCREEN];
	size_t longest;

	show(columns, screen);
	longest = look(screen, joined);
	ok(longest <= columns, "%u columns: the longest line has %zu", columns, longest);
	ok(strstr(joined, "vm-disk"), "the name of a rule");
	ok(strstr(joined, " 21 ") && !strstr(joined, "vfs-of"),
	   "the number of one that has none");
	ok(strstr(screen, "held: no") && strstr(screen, "IOMMU") && strstr(screen, "group"),
	   "all of the state");
	ok(strstr(screen, "QEMU") && strstr(screen, "NVM") && strstr(screen, "Express") &&
	   strstr(screen, "Controller"), "all of the name");
	if (longest > columns || tap_failed)
		printf("# %s\n", joined);
}

int main(void)
{
	tree_make();
	tree_device(devs[0].address, 0x1b36, 0x0010, 0x010802, 0, NULL, NULL, NULL);
	setenv("VFIOPOLICY_SYSFS", tree_root, 1);
	on_a_terminal(80);
	on_a_terminal(160);
	tree_remove();
	return done();
}
