// SPDX-License-Identifier: GPL-2.0-only
/* Folding: between words, by what characters take on the screen. */
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>

#include <libsmartcols.h>

#include "tap.h"
#include "wrap.h"

static void fold(const char *text, size_t width, const char *want,
		 const char *what)
{
	char *folded = vp_wrap_fold(text, width);

	is(folded, want, what);
	free(folded);
}

static void texts(void)
{
	fold("short", 20, "short", "what fits is left alone");
	fold("0000:82:00.0 10de:1b39", 14, "0000:82:00.0\n10de:1b39",
	     "between words");
	fold("one two three", 7, "one two\nthree", "a line that is just full");
	fold("one two  three", 7, "one two\nthree", "no blanks begin a line");
	fold("abcdefghij", 4, "abcd\nefgh\nij", "a word that is too long");
	fold("", 4, "", "nothing");
	ok(vp_wrap_width("\xe6\x97\xa5\xe6\x9c\xac", 6) == 4,
	   "wide characters take two columns");
	fold("\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5\n\xe6\x9c\xac",
	     "and are not cut in two");
	ok(vp_wrap_width("\xff\xfe", 2) == 2, "odd bytes take one each");
	fold("\xff\xfe\xfd", 2, "\xff\xfe\n\xfd", "and do no harm");
}

static void tables(void)
{
	struct libscols_table *table = scols_new_table();
	struct libscols_line *line;
	char *text = NULL;

	scols_table_new_column(table, "A", 4, 0);
	scols_table_new_column(table, "B", 0.5, SCOLS_FL_WRAP);
	scols_table_new_column(table, "C", 0.5, SCOLS_FL_WRAP);
	scols_table_set_column_separator(table, "  ");
	line = scols_table_new_line(table, NULL);
	scols_line_set_data(line, 0, "gpu0");
	scols_line_set_data(line, 1, "10de:1b39");
	scols_line_set_data(line, 2, "no device that is present is named by it");
	vp_wrap_table(table, 200);
	is(scols_cell_get_data(scols_line_get_cell(line, 2)),
	   "no device that is present is named by it", "there is room");
	vp_wrap_table(table, 40);
	is(scols_cell_get_data(scols_line_get_cell(line, 1)), "10de:1b39",
	   "a column that needs little");
	is(scols_cell_get_data(scols_line_get_cell(line, 2)),
	   "no device that is\npresent is named by it", "leaves it to the next");
	scols_print_table_to_string(table, &text);
	ok(text && strstr(text, "\n") && !strstr(text, "\\x0a"),
	   "the library takes the line ends for what they are");
	free(text);
	scols_unref_table(table);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	texts();
	tables();
	return done();
}
