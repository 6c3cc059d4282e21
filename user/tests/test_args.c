// SPDX-License-Identifier: GPL-2.0-only
/* The command line: which words and options are taken, and which are not. */
#include <stdarg.h>

#include "command.h"
#include "tap.h"

#define MAX_WORDS	8

static int run_nothing(const struct vp_args *args)
{
	(void)args;
	return 0;
}

static const struct vp_command first = {
	.name = "first", .synopsis = "WORD...", .min_words = 1, .max_words = -1,
	.options = VP_OPT_JSON | VP_OPT_WAIT | VP_OPT_ALL, .run = run_nothing,
};

static const struct vp_command second = {
	.name = "second", .synopsis = "[WORD]", .min_words = 0, .max_words = 1,
	.options = VP_OPT_COUNT | VP_OPT_LIST_ALL | VP_OPT_FORCE |
		   VP_OPT_DRY_RUN | VP_OPT_OUTPUT | VP_OPT_SUMMARY,
	.run = run_nothing,
};

static const struct vp_command *const commands[] = { &first, &second, NULL };

/* Takes the words apart at blanks, as a shell would. */
static int parse(const char *line, struct vp_args *args)
{
	static char copy[256];
	static char *argv[MAX_WORDS + 2];
	char *word, *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "vfiopolicy %s", line);
	for (word = strtok_r(copy, " ", &save); word && argc <= MAX_WORDS;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	return vp_args_parse(argc, argv, commands, args);
}

static void good_lines(void)
{
	struct vp_args args;

	ok(!parse("first a b", &args) && args.command == &first &&
	   args.nwords == 2 && !strcmp(args.words[1], "b"), "command and words");
	ok(args.wait == 10, "waits ten seconds unless told");
	ok(!parse("-j first a", &args) && args.given == VP_OPT_JSON,
	   "option in front of the command");
	ok(!parse("first a --json b", &args) && args.given == VP_OPT_JSON &&
	   args.nwords == 2, "option between the words");
	ok(!parse("first a --wait=0", &args) && args.wait == 0, "no wait");
	ok(!parse("first a --wait 2.5", &args) && args.wait == 2.5,
	   "part of a second");
	ok(!parse("second -a --count=3", &args) && args.count == 3 &&
	   args.given == (VP_OPT_COUNT | VP_OPT_LIST_ALL), "count");
	ok(!parse("second --color", &args) && args.color == VP_COLOR_ALWAYS,
	   "--color alone is always");
	ok(!parse("second --color=never", &args) &&
	   args.color == VP_COLOR_NEVER, "--color=never");
	ok(!parse("-qv second", &args) && args.quiet && args.verbose,
	   "two letters in one word");
	ok(!parse("", &args) && !args.command, "nothing at all");
	ok(!parse("help first", &args) && args.help && args.command == &first,
	   "help for a command");
	ok(!parse("first --help", &args) && args.help &&
	   args.command == &first, "--help needs no words");
	ok(!parse("second --force --dry-run", &args) &&
	   args.given == (VP_OPT_FORCE | VP_OPT_DRY_RUN), "--force --dry-run");
	ok(!parse("second -o ADDRESS,ID", &args) &&
	   args.given == VP_OPT_OUTPUT && !strcmp(args.output, "ADDRESS,ID"),
	   "columns by letter");
	ok(!parse("second --output=ID", &args) && !strcmp(args.output, "ID"),
	   "columns by word");
	ok(!parse("second --summary", &args) && args.given == VP_OPT_SUMMARY,
	   "--summary");
	ok(!parse("first -- --al", &args) && !strcmp(args.words[0], "--al"),
	   "behind -- nothing is an option");
	ok(!parse("first -- -x", &args) && args.nwords == 1 &&
	   !strcmp(args.words[0], "-x"), "-- ends the options");
}

static void bad_lines(void)
{
	static const struct {
		const char *line;
		const char *desc;
	} cases[] = {
		{ "third", "no such command" },
		{ "frist a", "misspelt command" },
		{ "a-word-much-longer-than-the-name-of-any-command", "long word" },
		{ "first", "a word is missing" },
		{ "second a b", "a word too many" },
		{ "first a --nonsense", "no such long option" },
		{ "first a -x", "no such letter" },
		{ "first a --wait", "value is missing" },
		{ "first a --wait=", "empty value" },
		{ "first a --wait=-1", "negative wait" },
		{ "first a --wait=nan", "wait that is no number" },
		{ "first a --wait=inf", "wait without end" },
		{ "first a --wait=1x", "text behind the number" },
		{ "second --count=0", "count of nothing" },
		{ "second --count=-1", "negative count" },
		{ "second --count=99999999999999999999", "count too large" },
		{ "first a --count=1", "option of another command" },
		{ "first a -a", "-a does not pass for --all" },
		{ "second --color=blue", "no such colour" },
		{ "second --json=1", "value that is not taken" },
		{ "second --forc", "--force cut short" },
		{ "second --f", "--force cut shorter" },
		{ "first a --al", "--all cut short" },
		{ "first a --wai=1", "a cut option with a value" },
		{ "second --=1", "an option without a name" },
		{ "second -o", "columns are missing" },
		{ "first a --force", "--force where it means nothing" },
		{ "first a --dry-run", "--dry-run where it means nothing" },
	};
	struct vp_args args;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(parse(cases[i].line, &args), "refused: %s", cases[i].desc);
}

int main(void)
{
	good_lines();
	bad_lines();
	return done();
}
