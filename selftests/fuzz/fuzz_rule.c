// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a rule, and as an entry of ids=. What does not parse says
 * where and why; what does has a canonical form that is short enough and
 * parses to itself.
 *
 * libFuzzer's input is on the heap and no longer than it says, so a read
 * beyond it is found.
 */
#include "random_rule.h"

static void check_error(const struct vp_error *err, size_t size)
{
	CLAIM(err->at <= size, "the input");
	CLAIM(err->want, "the input");
	CLAIM(*err->want, "the input");
	CLAIM(!err->hint || *err->hint, "the input");
}

static void check_rule(const struct vp_rule *rule)
{
	char text[VFIOPOLICY_RULE_LEN_MAX + 1], again[sizeof(text)];
	struct vp_rule reread;
	struct vp_error err;
	size_t len;
	char *copy;
	int ret;

	len = vp_rule_print(rule, text, sizeof(text));
	CLAIM(len == strlen(text), text);
	CLAIM(len <= VFIOPOLICY_RULE_LEN_MAX, text);

	copy = malloc(len);
	memcpy(copy, text, len);
	memset(&err, 0, sizeof(err));
	ret = vp_rule_parse(copy, len, &reread, &err);
	free(copy);
	CLAIM(!ret, text);
	CLAIM(vp_rule_print(&reread, again, sizeof(again)) == len, text);
	CLAIM(!strcmp(text, again), text);
	CLAIM(same_rule(rule, &reread), text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const char *text = (const char *)data;
	struct vp_rule rule;
	struct vp_error err;

	memset(&err, 0, sizeof(err));
	err.at = ~(size_t)0;
	if (vp_rule_parse(text, size, &rule, &err))
		check_error(&err, size);
	else
		check_rule(&rule);

	memset(&err, 0, sizeof(err));
	err.at = ~(size_t)0;
	if (vp_rule_parse_id(text, size, &rule, &err))
		check_error(&err, size);
	else
		check_rule(&rule);
	return 0;
}
