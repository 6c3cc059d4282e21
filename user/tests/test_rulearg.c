// SPDX-License-Identifier: GPL-2.0-only
/* Rules as people type them. */
#include <stdarg.h>

#include "rulearg.h"
#include "tap.h"

#define MAX_WORDS	4

static void good(void)
{
	static const struct {
		const char *words[MAX_WORDS];
		const char *want;
	} cases[] = {
		{ { "10de:1b39" }, "vfio 10de:1b39" },
		{ { "vfio", "10de:1b39" }, "vfio 10de:1b39" },
		{ { "vfio 10de:1b39" }, "vfio 10de:1b39" },
		{ { " hold", "82:00.0" }, "hold 0000:82:00.0" },
		{ { "0000:06:00.0", "144d:a80a" }, "vfio 0000:06:00.0 144d:a80a" },
		{ { "144d:a80a 06:00.0" }, "vfio 0000:06:00.0 144d:a80a" },
		{ { "DEAD:BEEF" }, "vfio dead:beef" },
		{ { "leave", "class=nvme" }, "leave class=nvme" },
		{ { "class=030200", "10de:*" }, "vfio 10de:* class=030200" },
	};
	struct vp_rulearg arg;
	size_t i;
	int n;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (n = 0; n < MAX_WORDS && cases[i].words[n]; n++)
			;
		if (vp_rulearg_parse(NULL, n, (char *const *)cases[i].words,
				     &arg))
			arg.text[0] = '\0';
		is(arg.text, cases[i].want, cases[i].want);
	}
}

/* What is printed for a rule that is none. */
static void bad(char *word, const char *want, const char *desc)
{
	char *words[] = { word }, got[512] = "";
	struct vp_rulearg arg;
	FILE *saved = stderr;
	int ret;

	stderr = fmemopen(got, sizeof(got), "w");
	ret = vp_rulearg_parse(NULL, 1, words, &arg);
	fclose(stderr);
	stderr = saved;
	ok(ret == -EINVAL, "refused: %s", desc);
	is(got, want, desc);
}

int main(void)
{
	u32 id;

	good();
	bad("10de:1b3x",
	    "vfiopolicy: '10de:1b3x' is not a rule: expected a blank or the end of the rule\n"
	    "  10de:1b3x\n"
	    "          ^\n", "the mark stands below the place");
	bad("hold 10de",
	    "vfiopolicy: 'hold 10de' is not a rule: expected ':' and a device id\n"
	    "  hold 10de\n"
	    "           ^\n", "behind an action of its own");
	bad("hodl 10de:1b39",
	    "vfiopolicy: 'hodl 10de:1b39' is not a rule: expected vfio, hold, leave, a selector such as 10de:1b39 or an option such as name=\n"
	    "  hodl 10de:1b39\n"
	    "  ^\n"
	    "Did you mean hold?\n", "a misspelt action");
	bad("", "vfiopolicy: '' is not a rule: expected vfio, hold, leave, a selector: vendor:device, an address, at=, class= ...\n"
	    "  \n"
	    "  ^\n", "nothing");
	bad("10de:1b39\n\033[2J",
	    "vfiopolicy: '10de:1b39??[2J' is not a rule: expected a blank or the end of the rule\n"
	    "  10de:1b39??[2J\n"
	    "           ^\n", "nothing odd reaches the terminal");

	is(vp_rulearg_selectors("vfio 10de:1b39"), "10de:1b39",
	   "vfio need not be typed");
	is(vp_rulearg_selectors("hold 10de:1b39"), "hold 10de:1b39",
	   "hold must be");
	ok(vp_rulearg_number("12", &id) && id == 12, "number of a rule");
	ok(!vp_rulearg_number("0", &id), "no rule has number 0");
	ok(!vp_rulearg_number("10de:1b39", &id), "an id is no number");
	ok(!vp_rulearg_number("-1", &id), "no negative number");
	ok(!vp_rulearg_number("4294967296", &id), "no number beyond 32 bits");
	ok(!vp_rulearg_number("", &id), "nothing is no number");
	return done();
}
