// SPDX-License-Identifier: GPL-2.0-only
/* What vfiopolicy add says of what it has done; the module is not asked. */
#include <stdarg.h>

#include "../cmd/add.h"
#include "output.h"
#include "tap.h"
#include "tree.h"

/* Room for all that is said at a time. */
#define SAID	4096

static struct vp_args args;
static char said[SAID];
static int terminal;

/* What is printed from now on goes to a file. */
static void listen(void)
{
	char path[PATH_MAX];

	fflush(stdout);
	snprintf(path, sizeof(path), "%s/said", tree_root);
	terminal = dup(STDOUT_FILENO);
	if (terminal < 0 || !freopen(path, "w", stdout))
		tree_fail(path);
}

static void listened(void)
{
	char path[PATH_MAX];
	size_t len;
	FILE *f;

	fflush(stdout);
	dup2(terminal, STDOUT_FILENO);
	close(terminal);
	snprintf(path, sizeof(path), "%s/said", tree_root);
	f = fopen(path, "r");
	if (!f)
		tree_fail(path);
	len = fread(said, 1, sizeof(said) - 1, f);
	said[len] = '\0';
	fclose(f);
}

static void left_to_the_host(void)
{
	static const char *const want[] = {
		"no device that is present is named by it; those that come are\n",
		"1 device that is present is left to the host by it\n",
		"2 devices that are present are left to the host by it\n",
	};
	const struct vp_watch watch = { 0 };
	struct add add = { .args = &args };

	add.words.rule.action = VP_LEAVE;
	for (add.count = 0; add.count < ARRAY_SIZE(want); add.count++) {
		listen();
		add_report(&add, &watch);
		listened();
		is(said, want[add.count], "as many as there are");
	}
}

/* Others with a group say that the IOMMU is on. */
static void without_group(void)
{
	struct vp_host_dev devs[2] = { { .group = -1 }, { .group = -1 } };
	const struct vp_host_dev *matches[] = { &devs[0] };
	struct vp_watch_dev dev = {
		.name = "a GPU", .from = "", .done = true, .known = true,
		.dev = {
			.state = VFIOPOLICY_STATE_HELD, .driver = "vfiopolicy",
			.reason = VFIOPOLICY_REASON_NO_IOMMU_GROUP,
			.target = "vfio-pci", .group = -1,
		},
	};
	struct add add = {
		.args = &args, .matches = matches, .count = 1,
		.host = { .devs = devs, .count = 2 },
	};

	listen();
	add_say_device(&dev, &add);
	listened();
	ok(strstr(said, "no driver -> vfio-pci ... held: no IOMMU group\n  it has no IOMMU") &&
	   strstr(said, "\n  no device here has one: the IOMMU is off"),
	   "where the IOMMU is off");
	devs[1].group = 7;
	listen();
	add_say_device(&dev, &add);
	listened();
	ok(strstr(said, "\n  the IOMMU is on, but does not cover this device") &&
	   !strstr(said, "is off"), "where it is on");
}

/* The module has no record of it: whoever waits for one waits for ever. */
static void left_by_another(void)
{
	static const char rule[] = "leave 144d:a80a";
	struct vp_host_dev dev = {
		.address = "0000:02:00.0", .facts = {
			.vendor = 0x144d, .device = 0xa80a, .class = 0x010802,
			.bus = 2,
		},
	};
	const struct vp_host_dev *matches[] = { &dev };
	struct vp_watch_dev watched = {
		.address = "0000:02:00.0", .name = "a drive", .from = "nvme",
		.done = true, .dev = { .state = VFIOPOLICY_STATE_GONE },
	};
	const struct vp_watch watch = { .devs = &watched, .count = 1 };
	struct add add = {
		.args = &args, .matches = matches, .count = 1,
		.host = { .devs = &dev, .count = 1 },
	};
	struct vp_rule parsed;
	struct vp_error err;
	int ret;

	add.table = vp_policy_empty();
	if (!add.table || vp_rule_parse(rule, strlen(rule), &parsed, &err) ||
	    vp_table_add(&add.table, &parsed, 4, VFIOPOLICY_ORIGIN_FILE))
		tree_fail("rule");
	listen();
	ret = add_report(&add, &watch);
	listened();
	ok(ret == VP_EXIT_NOT_MET, "what another rule leaves is not met");
	ok(strstr(said, "0000:02:00.0  a drive: stays with the host\n") &&
	   strstr(said, "host\n  rule 4 comes first: leave 144d:a80a\n"),
	   "by which rule");
	vp_policy_free(add.table);
	add.table = NULL;
	watched.done = false;
	listen();
	ret = add_report(&add, &watch);
	listened();
	ok(ret == VP_EXIT_PENDING, "what may yet come is pending");
	ok(strstr(said, "vfiopolicy explain 0000:02:00.0 says"), "as is said");
}

int main(void)
{
	tree_make();
	args.color = VP_COLOR_NEVER;
	vp_out_setup(&args);
	left_to_the_host();
	without_group();
	left_by_another();
	tree_remove();
	return done();
}
