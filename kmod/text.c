// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts that hold many rules, and words that are nearly known ones. Plain C,
 * no locks, no allocation.
 */
#include "text.h"

/* Longer words are no slips of known ones. */
#define WORD_MAX	24
/* As many letters may be wrong. */
#define DISTANCE_MAX	2

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The line ends here, but for a backslash before it. Return: bytes, or 0. */
static size_t continued(const char *p, const char *end)
{
	if (end - p >= 2 && p[0] == '\\' && p[1] == '\n')
		return 2;
	if (end - p >= 3 && p[0] == '\\' && p[1] == '\r' && p[2] == '\n')
		return 3;
	return 0;
}

static const char *skip_line(const char *p, const char *end)
{
	while (p < end && *p != '\n')
		p++;
	return p;
}

/**
 * vp_text_next() - the next rule of a text
 * @pos: where to go on; moved behind the rule that is returned
 * @end: end of the whole text
 * @sep: a character that parts two rules as a line end does; 0 for none
 * @piece: set to the rule
 *
 * A comment begins with '#' where a word could, and goes to the end of the
 * line whatever @sep is. A backslash does not make a comment go on.
 *
 * Context: any; no locks, does not sleep.
 * Return: false behind the last rule.
 */
bool vp_text_next(const char **pos, const char *end, char sep,
		  struct vp_piece *piece)
{
	const char *p = *pos, *last = NULL;
	bool word = false;
	size_t len;

	piece->text = NULL;
	while (p < end) {
		len = continued(p, end);
		if (len) {
			word = false;
			p += len;
			continue;
		}
		if (*p == '#' && !word) {
			p = skip_line(p, end);
			continue;
		}
		if (*p == '\n' || (sep && *p == sep)) {
			p++;
			word = false;
			if (piece->text)
				break;
			continue;
		}
		word = !is_blank(*p);
		if (word) {
			if (!piece->text)
				piece->text = p;
			last = p + 1;
		}
		p++;
	}
	*pos = p;
	piece->len = piece->text ? last - piece->text : 0;
	return piece->text;
}

/**
 * vp_text_where() - line and column of a place in a text
 * @text: the whole text
 * @at: a place in it
 * @line: set to the line, from 1
 * @column: set to the column in bytes, from 1
 *
 * Context: any; no locks, does not sleep.
 */
void vp_text_where(const char *text, const char *at, unsigned int *line,
		   unsigned int *column)
{
	*line = 1;
	*column = 1;
	for (; text < at; text++) {
		++*column;
		if (*text == '\n') {
			++*line;
			*column = 1;
		}
	}
}

/* How many letters to add, drop or change to make one word of the other. */
static int distance(const char *a, size_t len, const char *b)
{
	int row[WORD_MAX + 1], diag, up;
	size_t n = strlen(b), i, j;

	if (n > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; i < len; i++) {
		diag = row[0]++;
		for (j = 1; j <= n; j++) {
			up = row[j];
			row[j] = diag + (a[i] != b[j - 1]);
			if (row[j] > up + 1)
				row[j] = up + 1;
			if (row[j] > row[j - 1] + 1)
				row[j] = row[j - 1] + 1;
			diag = up;
		}
	}
	return row[n];
}

/**
 * vp_text_nearest() - the known word that a word is most like
 * @word: the word; of one with a '=' what is before that counts
 * @len: its length
 * @known: the known words, ended by NULL; those that take a value end in '='
 *
 * Context: any; no locks, does not sleep.
 * Return: the first of those that differ least, if that is little enough for
 * a slip; else NULL.
 */
const char *vp_text_nearest(const char *word, size_t len,
			    const char *const *known)
{
	const char *equals = memchr(word, '=', len), *best = NULL;
	int least = DISTANCE_MAX + 1, d;

	if (equals)
		len = equals - word + 1;
	if (len > WORD_MAX)
		return NULL;
	for (; *known; known++) {
		d = distance(word, len, *known);
		/* Nor is a word of which less than half is right. */
		if (d >= least || 2 * (size_t)d > len)
			continue;
		least = d;
		best = *known;
	}
	return best;
}
