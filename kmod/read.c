// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the words of one rule. Nothing is read behind the end of the text,
 * which need not be a NUL. None of this takes a lock, allocates or sleeps.
 */
#include "read.h"
#include "text.h"

/**
 * vp_read_fail_at() - say what is wrong
 * @in: the reader
 * @pos: where
 * @want: what would have been legal there, a static string
 *
 * Context: any.
 * Return: -EINVAL.
 */
int vp_read_fail_at(struct vp_reader *in, const char *pos, const char *want)
{
	in->err->at = pos - in->start;
	in->err->want = want;
	in->err->hint = NULL;
	return -EINVAL;
}

/**
 * vp_read_fail() - say that something is wrong here
 * @in: the reader
 * @want: what would have been legal, a static string
 *
 * Context: any.
 * Return: -EINVAL.
 */
int vp_read_fail(struct vp_reader *in, const char *want)
{
	return vp_read_fail_at(in, in->pos, want);
}

/**
 * vp_read_fail_word() - say that the word here is not known
 * @in: the reader
 * @want: what would have been legal, a static string
 * @known: the words that are known, ended by NULL; static strings
 *
 * Context: any.
 * Return: -EINVAL, with the closest of @known as the hint.
 */
int vp_read_fail_word(struct vp_reader *in, const char *want,
		      const char *const *known)
{
	vp_read_fail(in, want);
	in->err->hint = vp_text_nearest(in->pos, vp_read_word_len(in), known);
	return -EINVAL;
}

/* How many bytes part two words here: a blank, or a line that goes on. */
static int blank_len(const struct vp_reader *in)
{
	size_t left = in->end - in->pos;

	if (!left)
		return 0;
	if (*in->pos == ' ' || *in->pos == '\t')
		return 1;
	if (*in->pos != '\\' || left == 1)
		return 0;
	if (in->pos[1] == '\n')
		return 2;
	return left > 2 && in->pos[1] == '\r' && in->pos[2] == '\n' ? 3 : 0;
}

/**
 * vp_read_at_end() - is this between two words, or behind the last one
 * @in: the reader
 *
 * Context: any.
 * Return: true when it is.
 */
bool vp_read_at_end(const struct vp_reader *in)
{
	return in->pos == in->end || blank_len(in);
}

/**
 * vp_read_end() - a word must end here
 * @in: the reader
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int vp_read_end(struct vp_reader *in)
{
	return vp_read_at_end(in) ? 0 :
	       vp_read_fail(in, "a blank or the end of the rule");
}

/**
 * vp_read_blanks() - pass over what parts words
 * @in: the reader
 *
 * Context: any.
 */
void vp_read_blanks(struct vp_reader *in)
{
	int len;

	while ((len = blank_len(in)))
		in->pos += len;
}

/**
 * vp_read_word_len() - what is left of the word
 * @in: the reader
 *
 * Context: any.
 * Return: bytes from here to its end.
 */
size_t vp_read_word_len(const struct vp_reader *in)
{
	struct vp_reader ahead = *in;

	while (!vp_read_at_end(&ahead))
		ahead.pos++;
	return ahead.pos - in->pos;
}

/**
 * vp_read_count() - how often a character stands in the rest of the word
 * @in: the reader
 * @c: the character
 *
 * Context: any.
 * Return: the number.
 */
int vp_read_count(const struct vp_reader *in, char c)
{
	size_t len = vp_read_word_len(in), i;
	int n = 0;

	for (i = 0; i < len; i++)
		n += in->pos[i] == c;
	return n;
}

/**
 * vp_read_char() - read a character, if it is there
 * @in: the reader
 * @c: the character
 *
 * Context: any.
 * Return: true when it was, and has been read.
 */
bool vp_read_char(struct vp_reader *in, char c)
{
	if (in->pos == in->end || *in->pos != c)
		return false;
	in->pos++;
	return true;
}

/**
 * vp_read_text() - read a text, if it is there
 * @in: the reader
 * @text: the text
 *
 * Context: any.
 * Return: true when it was, and has been read.
 */
bool vp_read_text(struct vp_reader *in, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(in->end - in->pos) < len || memcmp(in->pos, text, len) != 0)
		return false;
	in->pos += len;
	return true;
}

/**
 * vp_read_word() - read a whole word, not just the start of a longer one
 * @in: the reader
 * @word: the word
 *
 * Context: any.
 * Return: true when it was there, and has been read.
 */
bool vp_read_word(struct vp_reader *in, const char *word)
{
	const char *start = in->pos;

	if (vp_read_text(in, word) && vp_read_at_end(in))
		return true;
	in->pos = start;
	return false;
}

/**
 * vp_read_digit() - what a digit is worth
 * @c: the digit
 *
 * Context: any.
 * Return: 0 to 15, or -1 when it is none.
 */
int vp_read_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/**
 * vp_read_number() - read a number
 * @in: the reader
 * @base: 10 or 16
 * @digits: how many there may be; no more than fit 32 bits
 * @max: the largest legal number
 * @val: set to the number
 * @want: what to say when it is none, a static string
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int vp_read_number(struct vp_reader *in, int base, int digits, u32 max,
		   u32 *val, const char *want)
{
	const char *start = in->pos;
	u32 v = 0;
	int n, d;

	for (n = 0; n <= digits && in->pos < in->end; n++, in->pos++) {
		d = vp_read_digit(*in->pos);
		if (d < 0 || d >= base)
			break;
		if (n < digits)
			v = v * base + d;
	}
	if (!n)
		return vp_read_fail(in, want);
	if (n > digits || v > max)
		return vp_read_fail_at(in, start, want);
	*val = v;
	return 0;
}

/**
 * vp_read_hex() - read a hex number
 * @in: the reader
 * @digits: how many there may be, at most 8
 * @max: the largest legal number
 * @val: set to the number
 * @want: what to say when it is none, a static string
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int vp_read_hex(struct vp_reader *in, int digits, u32 max, u32 *val,
		const char *want)
{
	return vp_read_number(in, 16, digits, max, val, want);
}
