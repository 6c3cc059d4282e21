/* SPDX-License-Identifier: GPL-2.0-only */
/* What main.c, args.c and the files of cmd/ know of one another. */
#ifndef VFIOPOLICY_COMMAND_H
#define VFIOPOLICY_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/**
 * enum vp_exit - what the shell is told
 * @VP_EXIT_DONE: all is as asked
 * @VP_EXIT_USAGE: the command line makes no sense, or asks for too much
 * @VP_EXIT_KERNEL: the kernel said no, or the module is not there
 * @VP_EXIT_NOT_FOUND: no such device or rule
 * @VP_EXIT_NOT_MET: a rule is there, and the host is not as it says
 * @VP_EXIT_WOULD_CHANGE: without --dry-run something would be changed
 * @VP_EXIT_PENDING: accepted, and not done yet
 */
enum vp_exit {
	VP_EXIT_DONE = 0,
	VP_EXIT_USAGE = 1,
	VP_EXIT_KERNEL = 2,
	VP_EXIT_NOT_FOUND = 3,
	VP_EXIT_NOT_MET = 4,
	VP_EXIT_WOULD_CHANGE = 5,
	VP_EXIT_PENDING = 6,
};

/**
 * enum vp_option - an option of the command line, one bit each
 * @VP_OPT_JSON: -j, --json
 * @VP_OPT_NUMERIC: -n, --numeric
 * @VP_OPT_NO_LEGEND: --no-legend
 * @VP_OPT_ALL: --all
 * @VP_OPT_LIST_ALL: -a, the same in the one command where it harms nobody
 * @VP_OPT_ABSENT_OK: --absent-ok
 * @VP_OPT_WAIT: --wait=SEC
 * @VP_OPT_COUNT: --count=N
 * @VP_OPT_RUNTIME: --runtime
 * @VP_OPT_NEXT_BOOT: --next-boot
 * @VP_OPT_ON: --on=FILE
 * @VP_OPT_DRY_RUN: --dry-run
 * @VP_OPT_FORCE: --force
 * @VP_OPT_OUTPUT: -o, --output=COLS
 * @VP_OPT_SUMMARY: --summary
 * @VP_OPT_YES: -y, --yes
 * @VP_OPT_REMOVE_OLD: --remove-old
 * @VP_OPT_CONFIRM: --confirm=SEC
 * @VP_OPT_NO_IMAGE: --no-image
 *
 * Those that every command takes, such as --quiet, have no bit.
 */
enum vp_option {
	VP_OPT_JSON = 1 << 0,
	VP_OPT_NUMERIC = 1 << 1,
	VP_OPT_NO_LEGEND = 1 << 2,
	VP_OPT_ALL = 1 << 3,
	VP_OPT_LIST_ALL = 1 << 4,
	VP_OPT_ABSENT_OK = 1 << 5,
	VP_OPT_WAIT = 1 << 6,
	VP_OPT_COUNT = 1 << 7,
	VP_OPT_RUNTIME = 1 << 8,
	VP_OPT_NEXT_BOOT = 1 << 9,
	VP_OPT_ON = 1 << 10,
	VP_OPT_DRY_RUN = 1 << 11,
	VP_OPT_FORCE = 1 << 12,
	VP_OPT_OUTPUT = 1 << 13,
	VP_OPT_SUMMARY = 1 << 14,
	VP_OPT_YES = 1 << 15,
	VP_OPT_REMOVE_OLD = 1 << 16,
	VP_OPT_CONFIRM = 1 << 17,
	VP_OPT_NO_IMAGE = 1 << 18,
};

/**
 * enum vp_color - when to colour
 * @VP_COLOR_AUTO: on a terminal, unless NO_COLOR is set
 * @VP_COLOR_ALWAYS: always
 * @VP_COLOR_NEVER: never
 */
enum vp_color {
	VP_COLOR_AUTO,
	VP_COLOR_ALWAYS,
	VP_COLOR_NEVER,
};

struct vp_args;

/**
 * struct vp_command - one command
 * @name: the word it is called by
 * @synopsis: its operands and own options, for the usage line
 * @summary: what it does, in one line
 * @help: what its operands and own options mean; ends in a line end
 * @examples: lines that can be typed, each with what it is for; ends in a line
 *            end
 * @hidden: for programs; left out where commands are listed
 * @saves: it may change the rule files, so the next boot is to know of it; takes
 *         --no-image
 * @options: the &enum vp_option that it takes
 * @min_words: least number of operands
 * @max_words: largest number of operands, or -1 for any
 * @run: does it, and returns an &enum vp_exit
 */
struct vp_command {
	const char *name;
	const char *synopsis;
	const char *summary;
	const char *help;
	const char *examples;
	bool hidden;
	bool saves;
	unsigned int options;
	int min_words;
	int max_words;
	int (*run)(const struct vp_args *args);
};

/**
 * struct vp_args - the command line, taken apart
 * @command: which command; NULL when none was given
 * @help: --help was given
 * @version: --version was given
 * @given: the &enum vp_option that were given
 * @quiet: say nothing but errors
 * @verbose: say more on standard error
 * @color: when to colour
 * @wait: seconds to wait for devices
 * @confirm: seconds after which what is not confirmed is taken back
 * @count: events after which monitor ends; 0 is never
 * @on: file with the devices of another host; NULL for this one
 * @output: names of the columns that are wanted, between commas; NULL for the
 *          usual ones
 * @nwords: number of @words
 * @words: operands, in the caller's argv
 */
struct vp_args {
	const struct vp_command *command;
	bool help;
	bool version;
	unsigned int given;
	bool quiet;
	bool verbose;
	enum vp_color color;
	double wait;
	unsigned long confirm;
	unsigned long count;
	const char *on;
	const char *output;
	int nwords;
	char **words;
};

/* args.c */
int vp_args_parse(int argc, char **argv,
		  const struct vp_command *const *commands,
		  struct vp_args *args);
const struct vp_command *vp_args_command(
	const struct vp_command *const *commands, const char *name);

/* cmd/ */
extern const struct vp_command vp_cmd_add;
extern const struct vp_command vp_cmd_apply;
extern const struct vp_command vp_cmd_claim;
extern const struct vp_command vp_cmd_confirm;
extern const struct vp_command vp_cmd_del;
extern const struct vp_command vp_cmd_explain;
extern const struct vp_command vp_cmd_groups;
extern const struct vp_command vp_cmd_check;
extern const struct vp_command vp_cmd_export;
extern const struct vp_command vp_cmd_import;
extern const struct vp_command vp_cmd_list;
extern const struct vp_command vp_cmd_status;
extern const struct vp_command vp_cmd_monitor;
extern const struct vp_command vp_cmd_release;
extern const struct vp_command vp_cmd_owner;
extern const struct vp_command vp_cmd_vfs;
extern const struct vp_command vp_cmd_snapshot;
extern const struct vp_command vp_cmd_sriov;

#endif /* VFIOPOLICY_COMMAND_H */
