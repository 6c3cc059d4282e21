// SPDX-License-Identifier: GPL-2.0-only
/* What vfiopolicy apply says of devices and of rules at odds; without the module. */
#include <stdarg.h>

#include "command.h"
#include "nl.h"
#include "tap.h"
#include "tree.h"

#define NVME	"0000:05:00.0"
#define GIVEN	"0000:06:00.0"
#define RULES	"etc/vfiopolicy/rules.d"

static bool replaced_any;
static u32 changes = 2;
/* The rule that is in force. */
static const char *saved = "vfio " GIVEN;

int __wrap_vp_nl_open(struct vp_nl *nl)
{
	memset(nl, 0, sizeof(*nl));
	return 0;
}

int __wrap_vp_nl_info(struct vp_nl *nl, struct vp_nl_info *info)
{
	(void)nl;
	memset(info, 0, sizeof(*info));
	return 0;
}

int __wrap_vp_nl_rules(struct vp_nl *nl, struct vp_nl_rule **rules,
		       size_t *count)
{
	(void)nl;
	*rules = calloc(1, sizeof(**rules));
	if (!*rules)
		return -ENOMEM;
	(*rules)->id = 3;
	(*rules)->origin = VFIOPOLICY_ORIGIN_FILE;
	snprintf((*rules)->text, sizeof((*rules)->text), "%s", saved);
	*count = 1;
	return 0;
}

int __wrap_vp_nl_devs(struct vp_nl *nl, struct vp_nl_dev **devs, size_t *count)
{
	(void)nl;
	*devs = calloc(1, sizeof(**devs));
	if (!*devs)
		return -ENOMEM;
	snprintf((*devs)->address, sizeof((*devs)->address), GIVEN);
	snprintf((*devs)->driver, sizeof((*devs)->driver), "vfio-pci");
	snprintf((*devs)->target, sizeof((*devs)->target), "vfio-pci");
	(*devs)->state = VFIOPOLICY_STATE_ISOLATED;
	(*devs)->rule = 3;
	*count = 1;
	return 0;
}

int __wrap_vp_nl_rule_replace(struct vp_nl *nl, enum vfiopolicy_origin origin,
			      const char *const *texts, size_t count,
			      struct vp_nl_replaced *replaced)
{
	(void)nl;
	(void)origin;
	(void)texts;
	replaced->count = (u32)count;
	replaced->changed = changes;
	replaced_any = true;
	return 0;
}

/* Return: the exit status; what was said is in @said. */
static int run(const struct vp_args *args, char *said, size_t size)
{
	FILE *out = stdout, *err = stderr;
	int ret;

	memset(said, 0, size);
	replaced_any = false;
	stdout = fmemopen(said, size, "w");
	stderr = stdout;
	ret = args->command->run(args);
	fclose(stdout);
	stdout = out;
	stderr = err;
	return ret;
}

static int apply(char *said, size_t size)
{
	const struct vp_args args = { .command = &vp_cmd_apply };

	return run(&args, said, size);
}

/* Nobody need confirm what is as it was. */
static int apply_trial(char *said, size_t size)
{
	const struct vp_args args = {
		.command = &vp_cmd_apply, .given = VP_OPT_CONFIRM, .confirm = 60,
	};
	int ret;

	changes = 0;
	ret = run(&args, said, size);
	changes = 2;
	return ret;
}

/* What it would be to add a rule for a device, which is not done. */
static int add(const char *address, unsigned int given, char *said, size_t size)
{
	char device[32], name[] = "name=nb";
	char *words[] = { device, name };
	const struct vp_args args = {
		.command = &vp_cmd_add, .given = given | VP_OPT_DRY_RUN,
		.words = words, .nwords = 2,
	};

	snprintf(device, sizeof(device), "%s", address);
	return run(&args, said, size);
}

static void has(const char *said, const char *text)
{
	bool found = strstr(said, text);

	ok(found, "    %.*s", (int)strcspn(text, "\n"), text);
	if (!found)
		printf("# said '%s'\n", said);
}

int main(void)
{
	char said[8192], proc[64];

	tree_make();
	tree_device(NVME, 0x144d, 0xa80a, 0x010802, 0, "nvme", "39", NULL);
	tree_device(GIVEN, 0x144d, 0xa80a, 0x010802, 0, "vfio-pci", "40", NULL);
	tree_dir(RULES);
	tree_dir("proc/self");
	tree_dir("run");
	tree_text("proc/self", "mountinfo", "");
	setenv("VFIOPOLICY_ROOT", tree_root, 1);
	setenv("VFIOPOLICY_SYSFS", tree_root, 1);
	snprintf(proc, sizeof(proc), "%s/proc", tree_root);
	setenv("VFIOPOLICY_PROC", proc, 1);

	tree_text(RULES, "50-local.rules", "# one\nvfio " NVME "\n");
	if (geteuid()) {
		ok(true, "apply # SKIP rule files must be root's");
		tree_remove();
		return done();
	}
	ok(apply(said, sizeof(said)) == VP_EXIT_DONE && replaced_any, "apply");
	has(said, "rules of the files in force: 1; added or deleted: 2\n");
	has(said, "stays with nvme for now\n");
	has(said, "  by: vfio " NVME "\n");
	has(said, "  when the host does without it: vfiopolicy claim " NVME "\n");
	has(said, "vfio-pci -> the host's own driver\n");
	ok(!strstr(said, "cannot be told"), "    nothing else");

	ok(apply_trial(said, sizeof(said)) == VP_EXIT_DONE && replaced_any,
	   "a trial of what is in force");
	has(said, "in force: 1, as before\nnothing was changed, and nothing waits to be confirmed\n");
	tree_text(RULES, "50-local.rules", "vfio 1:2\nvfio 144d:a80a\n");
	ok(add(NVME, VP_OPT_NEXT_BOOT, said, sizeof(said)) ==
	   VP_EXIT_WOULD_CHANGE, "a rule for the next boot");
	has(said, "a rule that is saved comes first: this one has no effect on " NVME ": vfio 144d:a80a\n");
	saved = "vfio 144d:a80a";
	add(NVME, VP_OPT_NEXT_BOOT, said, sizeof(said));
	has(said, "rule 3 comes first: this one has no effect on " NVME ": vfio 144d:a80a\n");
	saved = "vfio " GIVEN;
	ok(add(GIVEN, 0, said, sizeof(said)) == VP_EXIT_WOULD_CHANGE,
	   "a rule for what is isolated already");
	has(said, ": vfio-pci already\n");
	ok(!strstr(said, "->"), "    it goes nowhere");
	tree_text(RULES, "50-local.rules", "# one\nvfio " NVME "\n");

	tree_text(RULES, "60-mine.rules", "hold 1234:5678 name=disk\n\nvfio 1:2 name=disk\n");
	ok(apply(said, sizeof(said)) == VP_EXIT_KERNEL && !replaced_any,
	   "a name twice");
	has(said, "apply: 'hold 1234:5678 name=disk' (");
	has(said, "60-mine.rules, line 1) is at odds with 'vfio 0001:0002 name=disk' (");
	has(said, "60-mine.rules, line 3): they have the same name\n");
	has(said, "Nothing was changed.\n");

	tree_text(RULES, "60-mine.rules", "hold " NVME "\n");
	ok(apply(said, sizeof(said)) == VP_EXIT_KERNEL && !replaced_any,
	   "the same words and another wish");
	has(said, "50-local.rules, line 2) is at odds with 'hold " NVME "' (");
	has(said, "they name the same devices by the same words\n");

	tree_text(RULES, "60-mine.rules", "vfio 1:2 owner=nosuchuser\n");
	ok(apply(said, sizeof(said)) == VP_EXIT_DONE, "an owner who is not there");
	has(said, "60-mine.rules, line 1: owner=nosuchuser: there is no user nosuchuser\n");
	tree_remove();
	return done();
}
