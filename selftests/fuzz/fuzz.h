/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers share: a claim that must hold, and choices made by bytes. */
#ifndef VFIOPOLICY_FUZZ_H
#define VFIOPOLICY_FUZZ_H

#include "rule.h"

/* The part of libFuzzer's interface that is ours to define. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Says what was not so, and of which text; libFuzzer keeps the input. */
#define CLAIM(what, text) do {						\
	if (!(what)) {							\
		fprintf(stderr, "%s:%d: not so: %s\n  of '%s'\n",	\
			__FILE__, __LINE__, #what, text);		\
		abort();						\
	}								\
} while (0)

/**
 * struct bytes - input that is yet to be used
 * @pos: the next byte
 * @end: behind the last
 */
struct bytes {
	const u8 *pos;
	const u8 *end;
};

/* 0 when there are no more. */
static inline u8 byte(struct bytes *in)
{
	return in->pos < in->end ? *in->pos++ : 0;
}

static inline u32 below(struct bytes *in, u32 n)
{
	return byte(in) % n;
}

static inline u32 number(struct bytes *in, int count)
{
	u32 n = 0;

	while (count--)
		n = n << 8 | byte(in);
	return n;
}

#endif /* VFIOPOLICY_FUZZ_H */
