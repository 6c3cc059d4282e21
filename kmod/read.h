/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the words of one rule, byte by byte; for rule.c and ids.c. */
#ifndef VFIOPOLICY_READ_H
#define VFIOPOLICY_READ_H

#include "rule.h"

/**
 * struct vp_reader - a reader over the text of one rule
 * @start: where the text begins
 * @pos: where the reader is
 * @end: never passed, so the text need not end in a NUL
 * @err: takes what is wrong
 */
struct vp_reader {
	const char *start;
	const char *pos;
	const char *end;
	struct vp_error *err;
};

int vp_read_fail_at(struct vp_reader *in, const char *pos, const char *want);
int vp_read_fail(struct vp_reader *in, const char *want);
int vp_read_fail_word(struct vp_reader *in, const char *want,
		      const char *const *known);
bool vp_read_at_end(const struct vp_reader *in);
int vp_read_end(struct vp_reader *in);
void vp_read_blanks(struct vp_reader *in);
size_t vp_read_word_len(const struct vp_reader *in);
int vp_read_count(const struct vp_reader *in, char c);
bool vp_read_char(struct vp_reader *in, char c);
bool vp_read_text(struct vp_reader *in, const char *text);
bool vp_read_word(struct vp_reader *in, const char *word);
int vp_read_digit(char c);
int vp_read_number(struct vp_reader *in, int base, int digits, u32 max,
		   u32 *val, const char *want);
int vp_read_hex(struct vp_reader *in, int digits, u32 max, u32 *val,
		const char *want);

#endif /* VFIOPOLICY_READ_H */
