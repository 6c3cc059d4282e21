/* SPDX-License-Identifier: GPL-2.0-only */
/* Long cells of tables on narrow terminals: folded between words. */
#ifndef VFIOPOLICY_WRAP_H
#define VFIOPOLICY_WRAP_H

#include <stddef.h>

struct libscols_table;

size_t vp_wrap_width(const char *text, size_t len);
size_t vp_wrap_fit(const char *text, size_t width);
char *vp_wrap_fold(const char *text, size_t width);
void vp_wrap_table(struct libscols_table *table, size_t width);

#endif /* VFIOPOLICY_WRAP_H */
