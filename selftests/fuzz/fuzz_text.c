// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a text of many rules. The pieces lie inside it, in order, and
 * are those that a splitter finds that works line by line: lines are joined
 * behind backslashes first, then parted by the separator, then cut at their
 * comments, then trimmed.
 */
#include "fuzz.h"
#include "text.h"

#define PIECES_MAX	4096

struct split {
	struct vp_piece pieces[PIECES_MAX];
	size_t count;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What joins two lines: a backslash and a line end. */
static size_t joint(const char *p, const char *end)
{
	size_t left = end - p;

	if (left >= 2 && !memcmp(p, "\\\n", 2))
		return 2;
	if (left >= 3 && !memcmp(p, "\\\r\n", 3))
		return 3;
	return 0;
}

/* Takes off what is blank, joints among it. */
static void trim(const char *p, const char *end, struct split *split)
{
	const char *first = NULL, *last = NULL;
	size_t len;

	while (p < end) {
		len = joint(p, end);
		if (!len && !blank(*p)) {
			if (!first)
				first = p;
			last = p + 1;
		}
		p += len ? len : 1;
	}
	if (!first)
		return;
	split->pieces[split->count].text = first;
	split->pieces[split->count++].len = last - first;
}

/* A comment begins where a word could. Return: its first byte, or @end. */
static const char *comment(const char *p, const char *end)
{
	bool could = true;
	size_t len;

	while (p < end) {
		len = joint(p, end);
		if (*p == '#' && could)
			return p;
		could = len || blank(*p);
		p += len ? len : 1;
	}
	return end;
}

/* One line, with those that it goes on in, is parted by @sep up to a comment. */
static void split_line(const char *line, const char *end, char sep,
		       struct split *split)
{
	const char *p = line, *to;

	for (;;) {
		to = sep ? memchr(p, sep, end - p) : NULL;
		if (!to)
			to = end;
		/* A comment takes the rest of the line, separators and all. */
		if (comment(p, to) < to || to == end) {
			trim(p, comment(p, to), split);
			return;
		}
		trim(p, to, split);
		p = to + 1;
	}
}

/*
 * The end of the line that begins at @p. Only a backslash outside a comment
 * makes it go on.
 */
static const char *line_end(const char *p, const char *end, char sep)
{
	bool could = true;
	size_t len;

	while (p < end && *p != '\n') {
		if (*p == '#' && could) {
			while (p < end && *p != '\n')
				p++;
			return p;
		}
		len = joint(p, end);
		could = len || blank(*p) || (sep && *p == sep);
		p += len ? len : 1;
	}
	return p;
}

static void split_text(const char *text, const char *end, char sep,
		       struct split *split)
{
	const char *to;

	split->count = 0;
	while (text < end) {
		to = line_end(text, end, sep);
		split_line(text, to, sep, split);
		text = to + 1;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct split split;
	const char *text = (const char *)data + 1, *end = text, *pos;
	unsigned int line, column, lines;
	struct vp_piece piece;
	size_t n = 0, i;
	char sep;

	if (!size || size > PIECES_MAX)
		return 0;
	end = (const char *)data + size;
	sep = *data & 1 ? ';' : 0;
	split_text(text, end, sep, &split);

	pos = text;
	while (pos < end) {
		const char *before = pos;
		bool more = vp_text_next(&pos, end, sep, &piece);

		CLAIM(pos > before && pos <= end, "the text");
		if (!more) {
			CLAIM(pos == end && !piece.text && !piece.len, "the text");
			break;
		}
		CLAIM(piece.text >= before && piece.len, "the text");
		CLAIM(piece.text + piece.len <= pos, "the text");
		CLAIM(n < split.count, "the text");
		CLAIM(piece.text == split.pieces[n].text, "the text");
		CLAIM(piece.len == split.pieces[n].len, "the text");
		n++;
	}
	CLAIM(!vp_text_next(&pos, end, sep, &piece) && pos == end, "the text");
	CLAIM(n == split.count, "the text");

	/* Somewhere in it, counted once more. */
	i = size > 1 ? *data % size : 0;
	vp_text_where(text, text + i, &line, &column);
	for (lines = 1, pos = text; pos < text + i; pos++)
		lines += *pos == '\n';
	CLAIM(line == lines, "the text");
	for (n = 0; n < i && text[i - 1 - n] != '\n'; n++)
		;
	CLAIM(column == n + 1, "the text");
	return 0;
}
