/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading rules in tests: from a copy on the heap of just their length,
 * without a NUL, so that AddressSanitizer finds a read too far.
 */
#ifndef VFIOPOLICY_RULE_TEST_H
#define VFIOPOLICY_RULE_TEST_H

#include "rule.h"

/* Of no bytes it is the end of a buffer. */
static inline char *exact_copy(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, text, len);
	return len ? copy : copy + 1;
}

static inline void free_copy(char *copy, size_t len)
{
	free(len ? copy : copy - 1);
}

static inline int parse_len(const char *text, size_t len, struct vp_rule *rule,
			    struct vp_error *err)
{
	char *copy = exact_copy(text, len);
	int ret = vp_rule_parse(copy, len, rule, err);

	free_copy(copy, len);
	return ret;
}

static inline int parse(const char *text, struct vp_rule *rule,
			struct vp_error *err)
{
	return parse_len(text, strlen(text), rule, err);
}

/* A rule that the test itself is sure of. */
static inline struct vp_rule must_parse(const char *text)
{
	struct vp_rule rule;
	struct vp_error err;

	if (parse(text, &rule, &err)) {
		fprintf(stderr, "'%s', at %zu: expected %s\n", text, err.at,
			err.want);
		abort();
	}
	return rule;
}

#endif /* VFIOPOLICY_RULE_TEST_H */
