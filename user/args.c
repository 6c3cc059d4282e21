// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes the command line apart. Options may stand anywhere; the first word
 * that is none is the command, the rest are its operands. Long options are not
 * to be cut short, as getopt_long() would have it: what "--fo" means today,
 * --force alone, is another option's beginning tomorrow.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "text.h"

/* Long options without a letter; those with one are named by it. */
enum {
	LONG_COLOR = 256,
	LONG_NO_LEGEND,
	LONG_ALL,
	LONG_ABSENT_OK,
	LONG_WAIT,
	LONG_COUNT,
	LONG_RUNTIME,
	LONG_NEXT_BOOT,
	LONG_ON,
	LONG_DRY_RUN,
	LONG_FORCE,
	LONG_SUMMARY,
	LONG_REMOVE_OLD,
	LONG_CONFIRM,
	LONG_NO_IMAGE,
};

#define WAIT_DEFAULT	10
#define WAIT_MAX	86400

static const char short_options[] = ":jno:ayqvhV";

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "numeric", no_argument, NULL, 'n' },
	{ "no-legend", no_argument, NULL, LONG_NO_LEGEND },
	{ "all", no_argument, NULL, LONG_ALL },
	{ "absent-ok", no_argument, NULL, LONG_ABSENT_OK },
	{ "wait", required_argument, NULL, LONG_WAIT },
	{ "count", required_argument, NULL, LONG_COUNT },
	{ "runtime", no_argument, NULL, LONG_RUNTIME },
	{ "next-boot", no_argument, NULL, LONG_NEXT_BOOT },
	{ "on", required_argument, NULL, LONG_ON },
	{ "dry-run", no_argument, NULL, LONG_DRY_RUN },
	{ "force", no_argument, NULL, LONG_FORCE },
	{ "output", required_argument, NULL, 'o' },
	{ "summary", no_argument, NULL, LONG_SUMMARY },
	{ "yes", no_argument, NULL, 'y' },
	{ "remove-old", no_argument, NULL, LONG_REMOVE_OLD },
	{ "confirm", required_argument, NULL, LONG_CONFIRM },
	{ "no-image", no_argument, NULL, LONG_NO_IMAGE },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "color", optional_argument, NULL, LONG_COLOR },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const struct {
	enum vp_option bit;
	const char *name;
} option_names[] = {
	{ VP_OPT_JSON, "--json" },
	{ VP_OPT_NUMERIC, "--numeric" },
	{ VP_OPT_NO_LEGEND, "--no-legend" },
	{ VP_OPT_ALL, "--all" },
	{ VP_OPT_LIST_ALL, "-a" },
	{ VP_OPT_ABSENT_OK, "--absent-ok" },
	{ VP_OPT_WAIT, "--wait" },
	{ VP_OPT_COUNT, "--count" },
	{ VP_OPT_RUNTIME, "--runtime" },
	{ VP_OPT_NEXT_BOOT, "--next-boot" },
	{ VP_OPT_ON, "--on" },
	{ VP_OPT_DRY_RUN, "--dry-run" },
	{ VP_OPT_FORCE, "--force" },
	{ VP_OPT_OUTPUT, "--output" },
	{ VP_OPT_SUMMARY, "--summary" },
	{ VP_OPT_YES, "--yes" },
	{ VP_OPT_REMOVE_OLD, "--remove-old" },
	{ VP_OPT_CONFIRM, "--confirm" },
	{ VP_OPT_NO_IMAGE, "--no-image" },
};

static int parse_color(const char *text, enum vp_color *color)
{
	if (!text || !strcmp(text, "always")) {
		*color = VP_COLOR_ALWAYS;
	} else if (!strcmp(text, "never")) {
		*color = VP_COLOR_NEVER;
	} else if (!strcmp(text, "auto")) {
		*color = VP_COLOR_AUTO;
	} else {
		vp_out_error("--color=%s: expected auto, always or never", text);
		return -1;
	}
	return 0;
}

static int parse_wait(const char *text, double *wait)
{
	char *end;

	*wait = strtod(text, &end);
	if (end == text || *end || !isfinite(*wait) || *wait < 0 ||
	    *wait > WAIT_MAX) {
		vp_out_error("--wait=%s: expected seconds, 0 to %d", text,
			     WAIT_MAX);
		return -1;
	}
	return 0;
}

static int parse_confirm(const char *text, unsigned long *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || !*seconds ||
	    *seconds > WAIT_MAX) {
		vp_out_error("--confirm=%s: expected whole seconds, 1 to %d",
			     text, WAIT_MAX);
		return -1;
	}
	return 0;
}

static int parse_count(const char *text, unsigned long *count)
{
	char *end;

	errno = 0;
	*count = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || !*count) {
		vp_out_error("--count=%s: expected a number from 1 on", text);
		return -1;
	}
	return 0;
}

/* A letter that is none of ours, or else a long option, which is in argv. */
static int complain(char **argv, const char *what)
{
	if (optopt > 0 && optopt < LONG_COLOR &&
	    !strchr(short_options, optopt))
		vp_out_error("-%c: %s", optopt, what);
	else
		vp_out_error("%s: %s", argv[optind - 1], what);
	return -1;
}

static int take_option(int opt, char **argv, struct vp_args *args)
{
	switch (opt) {
	case 'j':
		args->given |= VP_OPT_JSON;
		return 0;
	case 'n':
		args->given |= VP_OPT_NUMERIC;
		return 0;
	case LONG_NO_LEGEND:
		args->given |= VP_OPT_NO_LEGEND;
		return 0;
	case 'a':
		args->given |= VP_OPT_LIST_ALL;
		return 0;
	case LONG_ALL:
		args->given |= VP_OPT_ALL;
		return 0;
	case LONG_ABSENT_OK:
		args->given |= VP_OPT_ABSENT_OK;
		return 0;
	case LONG_WAIT:
		args->given |= VP_OPT_WAIT;
		return parse_wait(optarg, &args->wait);
	case LONG_CONFIRM:
		args->given |= VP_OPT_CONFIRM;
		return parse_confirm(optarg, &args->confirm);
	case LONG_COUNT:
		args->given |= VP_OPT_COUNT;
		return parse_count(optarg, &args->count);
	case LONG_RUNTIME:
		args->given |= VP_OPT_RUNTIME;
		return 0;
	case LONG_NEXT_BOOT:
		args->given |= VP_OPT_NEXT_BOOT;
		return 0;
	case LONG_ON:
		args->given |= VP_OPT_ON;
		args->on = optarg;
		return 0;
	case LONG_DRY_RUN:
		args->given |= VP_OPT_DRY_RUN;
		return 0;
	case LONG_FORCE:
		args->given |= VP_OPT_FORCE;
		return 0;
	case 'o':
		args->given |= VP_OPT_OUTPUT;
		args->output = optarg;
		return 0;
	case LONG_SUMMARY:
		args->given |= VP_OPT_SUMMARY;
		return 0;
	case 'y':
		args->given |= VP_OPT_YES;
		return 0;
	case LONG_NO_IMAGE:
		args->given |= VP_OPT_NO_IMAGE;
		return 0;
	case LONG_REMOVE_OLD:
		args->given |= VP_OPT_REMOVE_OLD;
		return 0;
	case 'q':
		args->quiet = true;
		return 0;
	case 'v':
		args->verbose = true;
		return 0;
	case LONG_COLOR:
		return parse_color(optarg, &args->color);
	case 'h':
		args->help = true;
		return 0;
	case 'V':
		args->version = true;
		return 0;
	case ':':
		return complain(argv, "a value is missing");
	default:
		/* A long option of ours that got a value is named by optopt. */
		return complain(argv, optopt && strchr(short_options, optopt) ?
				"it takes no value" : "no such option");
	}
}

/*
 * The known word that was meant: one that is a slip away, or else the only one
 * that begins so.
 */
static const char *nearest(const char *word, size_t len,
			   const char *const *known)
{
	const char *best = vp_text_nearest(word, len, known), *longer = NULL;

	if (best || !len)
		return best;
	for (; *known; known++) {
		if (strncmp(*known, word, len) != 0)
			continue;
		if (longer)
			return NULL;
		longer = *known;
	}
	return longer;
}

/* Is it spelt out in full? @name has @len bytes, without the dashes. */
static bool is_long_option(const char *name, size_t len)
{
	const struct option *option;

	for (option = long_options; option->name; option++)
		if (!strncmp(option->name, name, len) && !option->name[len])
			return true;
	return false;
}

/*
 * Looks at the long options before getopt_long() does, which would take any
 * beginning of one for it. Return: 0, or -1 after having said what is wrong.
 */
static int check_long_options(int argc, char **argv)
{
	const char *known[ARRAY_SIZE(long_options)], *best;
	size_t i, len;
	int word;

	for (i = 0; i < ARRAY_SIZE(long_options); i++)
		known[i] = long_options[i].name;
	for (word = 1; word < argc && strcmp(argv[word], "--") != 0; word++) {
		if (strncmp(argv[word], "--", 2) != 0)
			continue;
		len = strcspn(argv[word] + 2, "=");
		if (is_long_option(argv[word] + 2, len))
			continue;
		best = nearest(argv[word] + 2, len, known);
		if (best)
			vp_out_error("%.*s: no such option; did you mean --%s?",
				     (int)len + 2, argv[word], best);
		else
			vp_out_error("%.*s: no such option", (int)len + 2,
				     argv[word]);
		return -1;
	}
	return 0;
}

static void suggest(const struct vp_command *const *commands, const char *name)
{
	const char *known[32], *best;
	size_t n;

	for (n = 0; commands[n] && n + 1 < ARRAY_SIZE(known); n++)
		known[n] = commands[n]->name;
	known[n] = NULL;
	best = nearest(name, strlen(name), known);
	if (best)
		vp_out_error("%s: no such command; did you mean %s?", name, best);
	else
		vp_out_error("%s: no such command; vfiopolicy --help lists them",
			     name);
}

/**
 * vp_args_command() - find a command by its name
 * @commands: all commands, ended by NULL
 * @name: the name
 *
 * Return: the command, or NULL.
 */
const struct vp_command *vp_args_command(
	const struct vp_command *const *commands, const char *name)
{
	for (; *commands; commands++)
		if (!strcmp((*commands)->name, name))
			return *commands;
	return NULL;
}

static int check_options(const struct vp_args *args)
{
	size_t i;

	for (i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++) {
		if (!(args->given & option_names[i].bit) ||
		    (args->command->options & option_names[i].bit))
			continue;
		vp_out_error("%s: not an option of '%s'", option_names[i].name,
			     args->command->name);
		return -1;
	}
	if ((args->given & VP_OPT_RUNTIME) && (args->given & VP_OPT_NEXT_BOOT)) {
		vp_out_error("--runtime is now only, --next-boot is later only: one of them, or neither for both");
		return -1;
	}
	return 0;
}

/* The word of the synopsis that stands where an operand is missing. */
static const char *missing(const struct vp_command *command, int nwords,
			   int *len)
{
	const char *word = command->synopsis;

	/* What stands in front in brackets may be left out, and is not meant. */
	for (;;) {
		word += strspn(word, " ");
		*len = (int)strcspn(word, " ");
		if (word[0] != '[' && !nwords--)
			break;
		if (!word[*len])
			break;
		word += *len;
	}
	/* One of several, DEVICE..., is one. */
	while (*len > 3 && !strncmp(word + *len - 3, "...", 3))
		*len -= 3;
	return word;
}

static int check_words(const struct vp_args *args)
{
	const struct vp_command *command = args->command;
	const char *word;
	int len;

	if (args->nwords >= command->min_words &&
	    (command->max_words < 0 || args->nwords <= command->max_words))
		return 0;
	word = missing(command, args->nwords, &len);
	if (args->nwords < command->min_words)
		vp_out_error("%s: %.*s is missing", command->name, len, word);
	else
		vp_out_error("%s: '%s' is one word too many", command->name,
			     args->words[command->max_words]);
	vp_out_usage(command);
	return -1;
}

/**
 * vp_args_parse() - take the command line apart
 * @argc: as main() got it
 * @argv: as main() got it; its order may be changed
 * @commands: all commands, ended by NULL
 * @args: filled in on success
 *
 * Return: 0, or -1 after having said what is wrong.
 */
int vp_args_parse(int argc, char **argv,
		  const struct vp_command *const *commands,
		  struct vp_args *args)
{
	const char *name;
	int opt;

	memset(args, 0, sizeof(*args));
	args->wait = WAIT_DEFAULT;
	if (check_long_options(argc, argv))
		return -1;
	opterr = 0;
	optind = 0;
	while ((opt = getopt_long(argc, argv, short_options, long_options,
				  NULL)) != -1)
		if (take_option(opt, argv, args))
			return -1;
	if (optind == argc)
		return 0;

	name = argv[optind++];
	args->nwords = argc - optind;
	args->words = argv + optind;
	if (!strcmp(name, "help")) {
		args->help = true;
		if (!args->nwords)
			return 0;
		name = args->words[0];
	}
	args->command = vp_args_command(commands, name);
	if (!args->command) {
		suggest(commands, name);
		return -1;
	}
	if (args->help || args->version)
		return 0;
	if (check_options(args) || check_words(args))
		return -1;
	return 0;
}
