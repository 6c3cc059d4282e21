// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long cells of tables on narrow terminals. The library folds a cell wherever
 * its column ends, in the middle of an id or of a word; here that is between
 * words, and the columns that are folded share what room the others leave.
 */
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "wrap.h"

/* Columns of a table that can be folded; others are left to the library. */
#define FOLDED_MAX	4
/* No column is made narrower than this. */
#define WIDTH_MIN	12
/* Between columns. */
#define SEPARATOR	2

/* Bytes of the next character, and its width on the screen. */
static size_t next_char(const char *text, size_t len, size_t *width)
{
	mbstate_t state;
	wchar_t c;
	size_t n;

	memset(&state, 0, sizeof(state));
	n = mbrtowc(&c, text, len, &state);
	*width = 1;
	if (!n || n > len)
		return 1;
	if (wcwidth(c) >= 0)
		*width = (size_t)wcwidth(c);
	return n;
}

/**
 * vp_wrap_width() - how wide a text is on the screen
 * @text: the text
 * @len: bytes of it
 *
 * Return: columns.
 */
size_t vp_wrap_width(const char *text, size_t len)
{
	size_t width, sum = 0, n;

	while (len) {
		n = next_char(text, len, &width);
		sum += width;
		text += n;
		len -= n;
	}
	return sum;
}

/**
 * vp_wrap_fit() - how much of a text goes into one line
 * @text: the text
 * @width: columns of the line, at least 2
 *
 * Return: bytes, up to the last blank that fits, or of as many characters as do
 * where there is none; the whole text when all of it fits.
 */
size_t vp_wrap_fit(const char *text, size_t width)
{
	size_t at = 0, used = 0, blank = 0, len = strlen(text), n, wide;

	while (at < len) {
		n = next_char(text + at, len - at, &wide);
		if (text[at] == ' ' && at && text[at - 1] != ' ')
			blank = at;
		if (used + wide > width)
			return blank ? blank : at ? at : n;
		used += wide;
		at += n;
	}
	return len;
}

/**
 * vp_wrap_fold() - fold a text
 * @text: the text
 * @width: columns of a line, at least 2
 *
 * Return: a copy with line ends where it is folded, to be freed; NULL when out
 * of memory.
 */
char *vp_wrap_fold(const char *text, size_t width)
{
	/* At worst every character has a line of its own. */
	char *folded = malloc(2 * strlen(text) + 1), *to = folded;
	size_t len;

	while (folded && *text) {
		len = vp_wrap_fit(text, width);
		memcpy(to, text, len);
		to += len;
		text += len;
		text += strspn(text, " ");
		if (*text)
			*to++ = '\n';
	}
	if (folded)
		*to = '\0';
	return folded;
}

/* Of the longest cell, or of the heading. */
static size_t column_width(struct libscols_table *table,
			   struct libscols_column *column)
{
	const char *text = scols_cell_get_data(scols_column_get_header(column));
	size_t most = 0, wide, i;

	if (text && !scols_table_is_noheadings(table))
		most = vp_wrap_width(text, strlen(text));
	for (i = 0; i < scols_table_get_nlines(table); i++) {
		text = scols_cell_get_data(scols_line_get_column_cell(
				scols_table_get_line(table, i), column));
		wide = text ? vp_wrap_width(text, strlen(text)) : 0;
		if (wide > most)
			most = wide;
	}
	return most;
}

static void fold_column(struct libscols_table *table,
			struct libscols_column *column, size_t width)
{
	struct libscols_cell *cell;
	const char *text;
	size_t i;

	scols_column_set_safechars(column, "\n");
	scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
				  scols_wrapnl_nextchunk, NULL);
	for (i = 0; i < scols_table_get_nlines(table); i++) {
		cell = scols_line_get_column_cell(scols_table_get_line(table, i),
						  column);
		text = cell ? scols_cell_get_data(cell) : NULL;
		if (text)
			scols_cell_refer_data(cell, vp_wrap_fold(text, width));
	}
}

/**
 * vp_wrap_table() - fold the cells of a table that is wider than the screen
 * @table: the table; its columns that have %SCOLS_FL_WRAP are folded
 * @width: columns of the screen
 *
 * The columns that are not folded keep their width. The others share the rest,
 * by what they would like to have (&struct vp_out_column); one that needs less
 * leaves it to those behind it.
 */
void vp_wrap_table(struct libscols_table *table, size_t width)
{
	struct libscols_column *folded[FOLDED_MAX], *column;
	size_t need[FOLDED_MAX], count = 0, fixed = 0, wanted = 0, i, share;
	double hints = 0;

	for (i = 0; i < scols_table_get_ncols(table); i++) {
		column = scols_table_get_column(table, i);
		fixed += i ? SEPARATOR : 0;
		if (!scols_column_is_wrap(column) || count == FOLDED_MAX) {
			fixed += column_width(table, column);
			continue;
		}
		need[count] = column_width(table, column);
		wanted += need[count];
		hints += scols_column_get_whint(column);
		folded[count++] = column;
	}
	if (fixed + wanted <= width)
		return;
	width = width > fixed ? width - fixed : 0;
	for (i = 0; i < count; i++) {
		share = (size_t)((double)width *
				 scols_column_get_whint(folded[i]) / hints);
		if (share < WIDTH_MIN)
			share = WIDTH_MIN;
		if (share > need[i])
			share = need[i];
		if (share < need[i])
			fold_column(table, folded[i], share);
		hints -= scols_column_get_whint(folded[i]);
		width = width > share ? width - share : 0;
	}
}
