// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which rules vfiopolicy del is to delete. Words are one rule where they can be read
 * as one that is there, else each is a rule of its own: its number, its name, its
 * text, or the device that it was added for. Nothing is deleted when one of them is
 * none.
 */
#include "del.h"
#include "named.h"
#include "output.h"
#include "resolve.h"
#include "text.h"

/* Names of rules that a misspelt one is compared with. */
#define NAMES_MAX	256

static int add_text(struct del *del, const char *text)
{
	char **more;

	if (del_is_text(del, text))
		return 0;
	more = reallocarray(del->texts, del->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	del->texts = more;
	more[del->count] = strdup(text);
	if (!more[del->count])
		return -ENOMEM;
	del->count++;
	return 0;
}

/* Rule @i of those of the module and, behind them, of the files; NULL for a bad one. */
static const char *text_at(const struct del *del, size_t i)
{
	return i < del->rule_count ? del->rules[i].text :
	       del->files.entries[i - del->rule_count].text;
}

static size_t text_count(const struct del *del)
{
	return del->rule_count + del->files.count;
}

static bool read_rule(const char *text, struct vp_rule *rule)
{
	struct vp_error err;

	return text && !vp_rule_parse(text, strlen(text), rule, &err);
}

/* The known name that was meant. Return: true when there is one. */
static bool nearest_name(const struct del *del, const char *word, char *name,
			 size_t size)
{
	char names[NAMES_MAX][sizeof(((struct vp_rule *)NULL)->name)];
	const char *known[NAMES_MAX + 1], *best;
	struct vp_rule rule;
	size_t i, n = 0;

	for (i = 0; i < text_count(del) && n < NAMES_MAX; i++) {
		if (!read_rule(text_at(del, i), &rule) || !rule.name[0])
			continue;
		memcpy(names[n], rule.name, sizeof(names[n]));
		known[n] = names[n];
		n++;
	}
	known[n] = NULL;
	best = vp_text_nearest(word, strlen(word), known);
	snprintf(name, size, "%s", best ? best : "");
	return best;
}

/* What a device was called goes with the driver that it was taken from. */
static void say_lost_name(const struct del *del, const char *word)
{
	char hint[VP_DEVICE_LEN];

	if (vp_named_was(&del->host, &del->files, word, hint))
		vp_out_error_more("%s", hint);
	else if (word[0] == '/')
		vp_out_error_more("Once a rule has a device, its disk or interface is gone: name the rule by the device's address.");
}

/* Is @word, of @len bytes, one of the words of a text? */
static bool has_word(const char *text, const char *word, size_t len)
{
	while (*text) {
		if (strcspn(text, " ") == len && !strncmp(text, word, len))
			return true;
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	return false;
}

/*
 * Does a rule name devices by these words, and has it what else was typed, whatever
 * it wants of them beside that?
 */
static bool fits(const char *text, const struct vp_rulearg *arg)
{
	char own[VP_RULEARG_LEN], selectors[VP_RULEARG_LEN];
	const char *word = vp_rulearg_selectors(arg->text);
	struct vp_rule rule;

	if (!read_rule(text, &rule) ||
	    (arg->action && rule.action != arg->rule.action))
		return false;
	vp_rule_print_selectors(&rule, own, sizeof(own));
	vp_rule_print_selectors(&arg->rule, selectors, sizeof(selectors));
	if (strcmp(own, selectors) != 0)
		return false;
	for (; *word; word += strcspn(word, " "), word += *word == ' ')
		if (!has_word(text, word, strcspn(word, " ")))
			return false;
	return true;
}

/* Those that fit, each of them once, with its number where it has one. */
static void list_fitting(const struct del *del)
{
	size_t i, k;

	for (i = 0; i < text_count(del); i++) {
		for (k = 0; k < i && text_at(del, i); k++)
			if (text_at(del, k) &&
			    !strcmp(text_at(del, i), text_at(del, k)))
				break;
		if (k < i || (!fits(text_at(del, i), &del->meant[0]) &&
			      !fits(text_at(del, i), &del->meant[1])))
			continue;
		if (i < del->rule_count)
			vp_out_error_more("  %u  %s", del->rules[i].id,
					  text_at(del, i));
		else
			vp_out_error_more("  %s", text_at(del, i));
	}
}

static int say_several(const struct del *del)
{
	vp_out_error("%s is more than one rule: say which, by its number, its name or its whole text",
		     del->what);
	list_fitting(del);
	vp_out_error_more("Nothing was changed.");
	return VP_EXIT_USAGE;
}

/* @word is what was typed, @what may be what was made of it. */
static int say_not_found(const struct del *del, const char *word,
			 const char *what)
{
	char name[VP_RESOLVE_LEN];
	size_t i;

	if (del->several)
		return say_several(del);
	vp_out_error("there is no rule %s", what);
	if (nearest_name(del, word, name, sizeof(name))) {
		vp_out_error_more("Did you mean %s?", name);
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_NOT_FOUND;
	}
	say_lost_name(del, word);
	if (!del->rule_count)
		vp_out_error_more("There are no rules%s.",
				  del->module ? "" : " in force");
	for (i = 0; i < del->rule_count; i++)
		vp_out_error_more("  %u  %s  (%s)", del->rules[i].id,
				  del->rules[i].text,
				  vp_verdict_origin(del->rules[i].origin));
	vp_out_error_more("Nothing was changed.");
	return VP_EXIT_NOT_FOUND;
}

/* The text of a rule by its number or its name. Return: NULL when it is neither. */
static const char *find_called(const struct del *del, const char *word)
{
	struct vp_rule rule;
	const char *text;
	size_t i;
	u32 id;

	for (i = 0; i < text_count(del); i++) {
		text = text_at(del, i);
		/* Of files alone a rule has no number. */
		id = i < del->rule_count ? del->rules[i].id : 0;
		if (read_rule(text, &rule) && vp_named_is(&rule, id, word))
			return text;
		/* A newer module's can be deleted by its number all the same. */
		if (id && vp_rulearg_number(word, &id) &&
		    id == del->rules[i].id)
			return text;
	}
	return NULL;
}

/* The rule that says just this. Return: NULL when there is none. */
static const char *find_known(const struct del *del, const char *text)
{
	size_t i;

	for (i = 0; i < text_count(del); i++)
		if (text_at(del, i) && !strcmp(text_at(del, i), text))
			return text_at(del, i);
	return NULL;
}

/*
 * The one rule that names devices by the same words, and does with them what was
 * typed, if it was. Return: NULL for none.
 */
static const char *find_selectors(struct del *del, const struct vp_rulearg *arg)
{
	const char *text = NULL, *next;
	size_t i;

	for (i = 0; i < text_count(del); i++) {
		next = text_at(del, i);
		if (!fits(next, arg))
			continue;
		/* Two of them have to be told apart by the user. */
		if (text && strcmp(text, next) != 0) {
			del->several = true;
			return NULL;
		}
		text = next;
	}
	return text;
}

/*
 * By its text as typed, by the device it was added for, or by its selectors: what
 * was typed goes before what an address in it has become.
 * Return: NULL when there is no such rule.
 */
static const char *find_text(struct del *del, int nwords, char *const *words,
			     struct vp_rulearg *arg)
{
	const char *text = NULL, *other;
	struct vp_rulearg plain;
	bool differs;

	del->several = false;
	differs = (arg->dev || arg->pf || arg->placed) &&
		  !vp_rulearg_try(NULL, nwords, words, &plain);
	if (differs)
		text = find_known(del, plain.text);
	if (!text)
		text = find_known(del, arg->text);
	if (text)
		return text;
	del->meant[0] = *arg;
	del->meant[1] = differs ? plain : *arg;
	text = find_selectors(del, arg);
	other = differs ? find_selectors(del, &plain) : NULL;
	if (text && other && strcmp(text, other) != 0)
		del->several = true;
	/* What was typed, the address say, and not what that has become. */
	if (!text && differs)
		*arg = plain;
	if (del->several)
		return NULL;
	return text ? text : other;
}

/* A word that is a rule by itself. Return: NULL when it is none. */
static const char *find_word(struct del *del, char *word,
			     struct vp_rulearg *arg)
{
	const char *text = find_called(del, word);

	del->several = false;
	if (text || vp_rulearg_try(&del->host, 1, &word, arg))
		return text;
	return find_text(del, 1, &word, arg);
}

/* All words are one rule, or what should have been one. Return: an exit status. */
static int find_one(struct del *del)
{
	const struct vp_args *args = del->args;
	char error[VP_RESOLVE_LEN] = "";
	const char *word = args->words[0], *text = NULL;
	const struct vp_host_dev *dev;
	char what[VP_RULEARG_LEN + 2];
	struct vp_rulearg arg;

	if (args->nwords == 1)
		text = find_called(del, word);
	if (text)
		return add_text(del, text) ? VP_EXIT_KERNEL : VP_EXIT_DONE;
	if (args->nwords == 1 && (word[0] == '/' || !strpbrk(word, " :=.*")) &&
	    vp_resolve(&del->host, word, &dev, error, sizeof(error))) {
		if (error[0])
			vp_out_error("%s", error);
		return say_not_found(del, word, word);
	}
	if (vp_rulearg_parse(&del->host, args->nwords, args->words, &arg))
		return VP_EXIT_USAGE;
	text = find_text(del, args->nwords, args->words, &arg);
	snprintf(what, sizeof(what), "'%s'", text ? text : arg.text);
	if (!text)
		return say_not_found(del, word, what);
	snprintf(del->what, sizeof(del->what), "%s", what);
	return add_text(del, text) ? VP_EXIT_KERNEL : VP_EXIT_DONE;
}

/*
 * Is each word a rule of its own? One that says so for all is a name, a number or,
 * where the words together are no rule, any that is one by itself.
 */
static bool are_many(struct del *del)
{
	const struct vp_args *args = del->args;
	struct vp_rulearg arg;
	int i, called = 0, found = 0;
	bool whole;

	whole = !vp_rulearg_try(&del->host, args->nwords, args->words, &arg);
	if (whole && find_text(del, args->nwords, args->words, &arg))
		return false;
	for (i = 0; i < args->nwords; i++) {
		called += !!find_called(del, args->words[i]);
		found += !!find_word(del, args->words[i], &arg);
	}
	return whole ? called == args->nwords : found;
}

static int find_many(struct del *del)
{
	const struct vp_args *args = del->args;
	struct vp_rulearg arg;
	const char *text;
	int i;

	del->what[0] = '\0';
	for (i = 0; i < args->nwords; i++) {
		text = find_word(del, args->words[i], &arg);
		if (!text) {
			snprintf(del->what, sizeof(del->what), "%s", args->words[i]);
			return say_not_found(del, args->words[i],
					     args->words[i]);
		}
		if (add_text(del, text))
			return VP_EXIT_KERNEL;
		snprintf(del->what + strlen(del->what),
			 sizeof(del->what) - strlen(del->what), "%s%s",
			 i ? " " : "", args->words[i]);
	}
	return VP_EXIT_DONE;
}

/* Those of /etc, which is where the command edits. Return: an exit status. */
static int find_all(struct del *del)
{
	const struct vp_rules_entry *entry;
	size_t i;

	snprintf(del->what, sizeof(del->what), "--all");
	for (i = 0; i < del->files.count; i++) {
		entry = &del->files.entries[i];
		if (entry->text &&
		    del->files.files[entry->file].folder == VP_RULES_ETC &&
		    add_text(del, entry->text))
			return VP_EXIT_KERNEL;
	}
	return VP_EXIT_DONE;
}

/**
 * del_find() - which rules are meant
 * @del: the run; its texts are filled in
 *
 * Return: an &enum vp_exit, after having said what is wrong.
 */
int del_find(struct del *del)
{
	const struct vp_args *args = del->args;
	size_t len = 0;
	int i;

	if (args->given & VP_OPT_ALL)
		return find_all(del);
	for (i = 0; i < args->nwords; i++) {
		if (args->words[i][0])
			continue;
		vp_out_error("del: a rule is needed: its number, its name, its text or its device");
		return VP_EXIT_USAGE;
	}
	for (i = 0; i < args->nwords; i++)
		len += scnprintf(del->what + len, sizeof(del->what) - len, "%s%s",
				 i ? " " : "", args->words[i]);
	return args->nwords > 1 && are_many(del) ? find_many(del) :
						   find_one(del);
}
