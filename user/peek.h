/* SPDX-License-Identifier: GPL-2.0-only */
/* Small looks into sysfs and procfs, of which nothing is taken at its word. */
#ifndef VFIOPOLICY_PEEK_H
#define VFIOPOLICY_PEEK_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

/* Room for a path. */
#define VP_PEEK_LEN	4096

__attribute__((format(printf, 3, 4)))
bool vp_peek_text(char *buf, size_t size, const char *fmt, ...);
__attribute__((format(printf, 3, 4)))
bool vp_peek_link(char *buf, size_t size, const char *fmt, ...);
__attribute__((format(printf, 1, 2)))
bool vp_peek_exists(const char *fmt, ...);
__attribute__((format(printf, 4, 5)))
bool vp_peek_key(char *buf, size_t size, const char *key, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
int vp_peek_list(struct dirent ***names, const char *fmt, ...);
void vp_peek_free(struct dirent **names, int count);
const char *vp_peek_base(const char *path);
bool vp_peek_has_part(const char *path, const char *part);
void vp_peek_clean(char *text);
__attribute__((format(printf, 3, 4)))
void vp_peek_append(char *buf, size_t size, const char *fmt, ...);

#endif /* VFIOPOLICY_PEEK_H */
