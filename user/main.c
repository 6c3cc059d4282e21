// SPDX-License-Identifier: GPL-2.0-only
/* The table of commands, the help, and the way to the command's own file. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "boot.h"
#include "output.h"

static const struct vp_command *const commands[] = {
	&vp_cmd_add,
	&vp_cmd_del,
	&vp_cmd_claim,
	&vp_cmd_release,
	&vp_cmd_list,
	&vp_cmd_status,
	&vp_cmd_groups,
	&vp_cmd_explain,
	&vp_cmd_monitor,
	&vp_cmd_apply,
	&vp_cmd_confirm,
	&vp_cmd_sriov,
	&vp_cmd_check,
	&vp_cmd_import,
	&vp_cmd_export,
	&vp_cmd_snapshot,
	&vp_cmd_owner,
	&vp_cmd_vfs,
	NULL,
};

static void print_help(void)
{
	size_t i;

	printf("usage: vfiopolicy COMMAND [OPERAND...] [OPTION...]\n\n"
	       "Keeps PCI devices away from the host's own drivers and hands them to vfio-pci.\n\n");
	for (i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n"
	       "  -j, --json        results as JSON\n"
	       "  -n, --numeric     numbers instead of names\n"
	       "  -q, --quiet       nothing but errors\n"
	       "  -v, --verbose     more, on standard error\n"
	       "  --color=WHEN      auto, always or never; NO_COLOR is heeded\n"
	       "  -h, --help        this; behind a command, more of it\n"
	       "  -V, --version     the version\n"
	       "\n"
	       "Exit status: 0 done, 1 usage, or refused: nothing was changed, 2 the kernel said\n"
	       "no, 3 not found, 4 a rule is not met, 5 a dry run that would change something,\n"
	       "6 accepted and still pending.\n");
}

static void print_command_help(const struct vp_command *command)
{
	printf("usage: vfiopolicy %s%s%s\n\n%s\n\n%s", command->name,
	       command->synopsis[0] ? " " : "", command->synopsis,
	       command->summary, command->help);
	if (command->examples)
		printf("\nExamples:\n%s\n", command->examples);
	if (command->options & VP_OPT_JSON)
		printf("-j, --json and the other options for all: vfiopolicy --help\n");
}

static int dispatch(const struct vp_args *args)
{
	int ret, boot;

	if (args->version) {
		printf("vfiopolicy %s\n", VFIOPOLICY_VERSION);
		return VP_EXIT_DONE;
	}
	if (args->help) {
		if (args->command)
			print_command_help(args->command);
		else
			print_help();
		return VP_EXIT_DONE;
	}
	if (!args->command) {
		vp_out_error("a command is missing; vfiopolicy --help lists them");
		return VP_EXIT_USAGE;
	}
	ret = args->command->run(args);
	if (!args->command->saves || args->given & VP_OPT_DRY_RUN ||
	    (ret != VP_EXIT_DONE && ret != VP_EXIT_NOT_MET &&
	     ret != VP_EXIT_PENDING))
		return ret;
	boot = vp_boot_update(args);
	return ret ? ret : boot;
}

int main(int argc, char **argv)
{
	struct vp_args args;
	int ret;

	/* Whoever ignores it for himself would have us not find our children. */
	signal(SIGCHLD, SIG_DFL);
	/* Widths of characters only: numbers are the same everywhere. */
	setlocale(LC_CTYPE, "");
	if (vp_args_parse(argc, argv, commands, &args))
		return VP_EXIT_USAGE;
	vp_out_setup(&args);
	ret = dispatch(&args);
	if (vp_out_finish() && !ret)
		ret = VP_EXIT_KERNEL;
	return ret;
}
