/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts that hold many rules, and words that are nearly known ones.
 *
 *	# a comment, to the end of the line; also behind a rule
 *	vfio 10de:1b39
 *	vfio at=0000:00:01.0/00.0 \
 *	     144d:a80a
 *
 * A line that ends in a backslash goes on in the next. Blank lines do not
 * count. Where the rules of one text may also be parted by ';', as in
 * parameters, the caller says so.
 */
#ifndef VFIOPOLICY_TEXT_H
#define VFIOPOLICY_TEXT_H

#include "shim.h"

/**
 * struct vp_piece - one rule of a text
 * @text: its first byte, within the whole text
 * @len: its length, without blanks and comment at its end; may hold line ends
 *       behind backslashes, which vp_rule_parse() takes for blanks
 */
struct vp_piece {
	const char *text;
	size_t len;
};

bool vp_text_next(const char **pos, const char *end, char sep,
		  struct vp_piece *piece);
void vp_text_where(const char *text, const char *at, unsigned int *line,
		   unsigned int *column);
const char *vp_text_nearest(const char *word, size_t len,
			    const char *const *known);

#endif /* VFIOPOLICY_TEXT_H */
