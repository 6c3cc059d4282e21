/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The little that rule, policy and state need, under the same names in the
 * module and in user space, so that the very same source is compiled into
 * both.
 */
#ifndef VFIOPOLICY_SHIM_H
#define VFIOPOLICY_SHIM_H

#ifdef __KERNEL__

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

#else /* user space */

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

struct rcu_head {
	void *unused;
};

/* One thread has a table here, so a plain number will do. */
typedef struct {
	unsigned int refs;
} refcount_t;

static inline void refcount_set(refcount_t *r, unsigned int n)
{
	r->refs = n;
}

static inline void refcount_inc(refcount_t *r)
{
	r->refs++;
}

static inline bool refcount_dec_and_test(refcount_t *r)
{
	return !--r->refs;
}

#define GFP_KERNEL 0
#define __printf(a, b) __attribute__((format(printf, a, b)))
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

static inline void *kvzalloc(size_t size, int gfp)
{
	(void)gfp;
	return calloc(1, size);
}

static inline void kvfree(const void *p)
{
	free((void *)p);
}

/* As the kernel's: what was really written, never more than fits. */
__attribute__((format(printf, 3, 4)))
static inline int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (!size || n < 0)
		return 0;
	return (size_t)n < size ? n : (int)size - 1;
}

#endif /* __KERNEL__ */

#endif /* VFIOPOLICY_SHIM_H */
