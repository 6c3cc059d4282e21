// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a rule of the words of a command line. The action may be left out:
 * then it is vfio. Whatever is no rule is shown with a mark below the place
 * where it stops being one.
 */
#include <ctype.h>

#include "output.h"
#include "rulearg.h"

#define SUPPLIED	"vfio "

/* The words with a blank between them, behind an action if they have none. */
static char *join(int nwords, char *const *words)
{
	size_t size = sizeof(SUPPLIED);
	char *text, *end;
	int i;

	for (i = 0; i < nwords; i++)
		size += strlen(words[i]) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	end = stpcpy(text, SUPPLIED);
	for (i = 0; i < nwords; i++) {
		end = stpcpy(end, words[i]);
		if (i + 1 < nwords)
			end = stpcpy(end, " ");
	}
	return text;
}

static bool begins_with_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(text, word, len) &&
	       (!text[len] || isspace((unsigned char)text[len]));
}

/* @typed is what the user wrote, @at where it stops making sense. */
static void complain(char *typed, size_t at, const char *prefix,
		     const char *want)
{
	char *p;

	/* One column a byte, so that the mark stands where it belongs. */
	for (p = typed; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = *p == '\t' ? ' ' : '?';
	vp_out_error("'%s' is not a rule: expected %s%s", typed, prefix, want);
	vp_out_error_more("  %s", typed);
	vp_out_error_more("  %*s^", (int)at, "");
}

/**
 * vp_rulearg_parse() - read a rule from the words of a command line
 * @nwords: number of @words
 * @words: the words
 * @rule: filled in on success
 *
 * Return: 0; -EINVAL after having said what is wrong with it; -ENOMEM.
 */
int vp_rulearg_parse(int nwords, char *const *words, struct vp_rule *rule)
{
	char *text = join(nwords, words), *typed, *start;
	struct vp_error err = { .want = "" };
	bool supplied;
	size_t at;
	int ret;

	if (!text)
		return -ENOMEM;
	typed = text + strlen(SUPPLIED);
	while (isspace((unsigned char)*typed))
		typed++;
	supplied = !begins_with_word(typed, "vfio") &&
		   !begins_with_word(typed, "hold");
	start = supplied ? text : typed;

	ret = vp_rule_parse(start, strlen(start), rule, &err);
	if (ret) {
		at = (size_t)(start - text) + err.at;
		at = at > (size_t)(typed - text) ? at - (typed - text) : 0;
		complain(typed, at, supplied && !at ? "vfio, hold, " : "",
			 err.want);
	}
	free(text);
	return ret;
}

/**
 * vp_rulearg_selectors() - a rule as one would type it
 * @canonical: what vp_rule_print() wrote
 *
 * Return: the part of it behind the action that may be left out.
 */
const char *vp_rulearg_selectors(const char *canonical)
{
	return begins_with_word(canonical, "vfio") ?
	       canonical + strlen(SUPPLIED) : canonical;
}

/**
 * vp_rulearg_number() - is this the number of a rule
 * @word: what was typed
 * @id: set to the number, if so
 *
 * No rule consists of digits alone, so the two are never mixed up.
 *
 * Return: true when it is.
 */
bool vp_rulearg_number(const char *word, u32 *id)
{
	unsigned long val;
	char *end;

	if (!isdigit((unsigned char)word[0]))
		return false;
	errno = 0;
	val = strtoul(word, &end, 10);
	if (*end || errno || !val || val > ~0u)
		return false;
	*id = (u32)val;
	return true;
}
