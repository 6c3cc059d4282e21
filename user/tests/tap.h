/* SPDX-License-Identifier: GPL-2.0-only */
/* What the unit tests share: numbered results in KTAP, and a plan. */
#ifndef VFIOPOLICY_TESTS_TAP_H
#define VFIOPOLICY_TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3)))
static inline void ok(bool passed, const char *fmt, ...)
{
	va_list ap;

	if (!tap_count)
		puts("KTAP version 1");
	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	tap_failed += !passed;
}

/* Strings: what differs is shown. */
static inline void is(const char *got, const char *want, const char *desc)
{
	bool same = !strcmp(got, want);

	ok(same, "%s", desc);
	if (!same)
		printf("# got  '%s'\n# want '%s'\n", got, want);
}

/* The plan comes last, so that tests need not be counted by hand. */
static inline int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif /* VFIOPOLICY_TESTS_TAP_H */
