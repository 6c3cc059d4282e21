// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsing, printing and matching of one rule. Plain C, no locks, no
 * allocation: compiled into the module and into the command.
 *
 * Printing is the inverse of parsing: what vp_rule_print() writes parses to
 * an equal rule.
 */
#include "rule.h"

/*
 * A reader over the text of one rule. @end is never passed, so the text need
 * not end in a NUL.
 */
struct reader {
	const char *start;
	const char *pos;
	const char *end;
	struct vp_error *err;
};

static int fail_at(struct reader *in, const char *pos, const char *want)
{
	in->err->at = pos - in->start;
	in->err->want = want;
	return -EINVAL;
}

static int fail(struct reader *in, const char *want)
{
	return fail_at(in, in->pos, want);
}

static bool at_blank(const struct reader *in)
{
	return in->pos < in->end && (*in->pos == ' ' || *in->pos == '\t');
}

/* Between two words, or behind the last one. */
static bool at_word_end(const struct reader *in)
{
	return in->pos == in->end || at_blank(in);
}

static void skip_blanks(struct reader *in)
{
	while (at_blank(in))
		in->pos++;
}

static bool accept(struct reader *in, char c)
{
	if (in->pos == in->end || *in->pos != c)
		return false;
	in->pos++;
	return true;
}

static bool accept_text(struct reader *in, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(in->end - in->pos) < len || memcmp(in->pos, word, len) != 0)
		return false;
	in->pos += len;
	return true;
}

/* A whole word, not just the start of a longer one. */
static bool accept_word(struct reader *in, const char *word)
{
	const char *start = in->pos;

	if (accept_text(in, word) && at_word_end(in))
		return true;
	in->pos = start;
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* One to @digits hex digits, at most @max. */
static int read_hex(struct reader *in, int digits, u32 max, u32 *val,
		    const char *want)
{
	const char *start = in->pos;
	u32 v = 0;
	int n, d;

	for (n = 0; n <= digits && in->pos < in->end; n++, in->pos++) {
		d = hex_digit(*in->pos);
		if (d < 0)
			break;
		if (n < digits)
			v = v << 4 | d;
	}
	if (!n)
		return fail(in, want);
	if (n > digits || v > max)
		return fail_at(in, start, want);
	*val = v;
	return 0;
}

static int read_id(struct reader *in, u32 *val, const char *want)
{
	if (accept(in, '*')) {
		*val = VP_ANY;
		return 0;
	}
	return read_hex(in, 4, 0xffff, val, want);
}

static int read_ids(struct reader *in, struct vp_rule *rule)
{
	int ret;

	ret = read_id(in, &rule->vendor, "a vendor id (1 to 4 hex digits or *)");
	if (ret)
		return ret;
	if (!accept(in, ':'))
		return fail(in, "':' and a device id");
	ret = read_id(in, &rule->device, "a device id (1 to 4 hex digits or *)");
	if (ret)
		return ret;

	rule->subvendor = VP_ANY;
	rule->subdevice = VP_ANY;
	if (accept(in, ':')) {
		ret = read_id(in, &rule->subvendor,
			      "a subsystem vendor id (1 to 4 hex digits or *)");
		if (ret)
			return ret;
		if (!accept(in, ':'))
			return fail(in, "':' and a subsystem id");
		ret = read_id(in, &rule->subdevice,
			      "a subsystem id (1 to 4 hex digits or *)");
		if (ret)
			return ret;
	}
	if (!at_word_end(in))
		return fail(in, "a blank or the end of the rule");
	rule->has_ids = true;
	return 0;
}

/* How often @c stands between here and the end of the word. */
static int count_in_word(const struct reader *in, char c)
{
	struct reader ahead = *in;
	int n = 0;

	for (; !at_word_end(&ahead); ahead.pos++)
		n += *ahead.pos == c;
	return n;
}

static int read_address(struct reader *in, struct vp_rule *rule)
{
	u32 bus, slot, func;
	int ret;

	rule->domain = 0;
	if (count_in_word(in, ':') > 1) {
		ret = read_hex(in, 8, ~0u, &rule->domain,
			       "a PCI domain (1 to 8 hex digits)");
		if (ret)
			return ret;
		if (!accept(in, ':'))
			return fail(in, "':' and a bus number");
	}
	ret = read_hex(in, 2, 0xff, &bus, "a bus number (00 to ff)");
	if (ret)
		return ret;
	if (!accept(in, ':'))
		return fail(in, "':' and a device number");
	ret = read_hex(in, 2, 0x1f, &slot, "a device number (00 to 1f)");
	if (ret)
		return ret;
	if (!accept(in, '.'))
		return fail(in, "'.' and a function number");
	ret = read_hex(in, 1, 7, &func, "a function number (0 to 7)");
	if (ret)
		return ret;
	if (!at_word_end(in))
		return fail(in, "a blank or the end of the rule");

	rule->bus = bus;
	rule->devfn = slot << 3 | func;
	rule->has_addr = true;
	return 0;
}

static int read_class(struct reader *in, struct vp_rule *rule)
{
	static const char want[] = "a class code (2, 4 or 6 hex digits)";
	const char *start = in->pos;
	int ret, digits;

	ret = read_hex(in, 6, 0xffffff, &rule->class, want);
	if (ret)
		return ret;
	/* As lspci writes them: what is left out may be anything. */
	digits = in->pos - start;
	if (digits % 2)
		return fail_at(in, start, want);
	rule->class <<= 4 * (6 - digits);
	rule->class_mask = 0xffffffu << 4 * (6 - digits) & 0xffffff;
	if (digits == 6 && accept(in, '/')) {
		start = in->pos;
		ret = read_hex(in, 6, 0xffffff, &rule->class_mask,
			       "a class mask (1 to 6 hex digits)");
		if (ret)
			return ret;
		if (!rule->class_mask)
			return fail_at(in, start, "a class mask other than 0");
	}
	if (!at_word_end(in))
		return fail(in, "a blank or the end of the rule");
	rule->class &= rule->class_mask;
	rule->has_class = true;
	return 0;
}

static int read_selector(struct reader *in, struct vp_rule *rule)
{
	const char *start = in->pos;

	if (accept_text(in, "class=")) {
		if (rule->has_class)
			return fail_at(in, start, "one class= only");
		return read_class(in, rule);
	}
	if (count_in_word(in, '.')) {
		if (rule->has_addr)
			return fail(in, "one address only");
		return read_address(in, rule);
	}
	if (hex_digit(*in->pos) < 0 && *in->pos != '*')
		return fail(in, "vendor:device, an address or class=");
	if (rule->has_ids)
		return fail(in, "one vendor:device only");
	return read_ids(in, rule);
}

static bool selects_all(const struct vp_rule *rule)
{
	return !rule->has_addr && !rule->has_class &&
	       rule->vendor == VP_ANY && rule->device == VP_ANY &&
	       rule->subvendor == VP_ANY && rule->subdevice == VP_ANY;
}

/**
 * vp_rule_parse() - read one rule
 * @text: the rule, without a line end; need not end in a NUL
 * @len: its length in bytes
 * @rule: filled in on success, else undefined
 * @err: filled in on failure, else untouched
 *
 * Context: any; no locks, does not sleep.
 * Return: 0, or -EINVAL with the place and what was expected in @err.
 */
int vp_rule_parse(const char *text, size_t len, struct vp_rule *rule,
		  struct vp_error *err)
{
	struct reader in = {
		.start = text, .pos = text, .end = text + len, .err = err,
	};
	const char *first;
	int ret;

	memset(rule, 0, sizeof(*rule));
	skip_blanks(&in);
	if (accept_word(&in, "vfio"))
		rule->action = VP_VFIO;
	else if (accept_word(&in, "hold"))
		rule->action = VP_HOLD;
	else
		return fail(&in, "vfio or hold");

	skip_blanks(&in);
	first = in.pos;
	do {
		if (in.pos == in.end)
			return fail(&in, "vendor:device, an address or class=");
		ret = read_selector(&in, rule);
		if (ret)
			return ret;
		skip_blanks(&in);
	} while (in.pos < in.end);

	if (selects_all(rule))
		return fail_at(&in, first, "a selector that does not name every device");
	return 0;
}

/* A number of ids=: hex without a limit on the digits that PCI_ANY_ID needs. */
static int read_dynid(struct reader *in, u32 max, u32 *val, const char *want)
{
	const char *start = in->pos;
	int ret;

	if (!accept_text(in, "0x"))
		accept_text(in, "0X");
	ret = read_hex(in, 8, ~0u, val, want);
	if (ret)
		return ret;
	if (*val > max && *val != VP_ANY)
		return fail_at(in, start, want);
	return 0;
}

/**
 * vp_rule_parse_id() - read one entry of the parameter ids=
 * @text: vendor:device[:subvendor[:subdevice[:class[:class_mask]]]] in hex,
 *        as vfio-pci's ids= takes it; ffffffff is any
 * @len: its length in bytes
 * @rule: filled in on success, else undefined; its action is %VP_VFIO
 * @err: filled in on failure, else untouched
 *
 * As in vfio-pci, a class without a mask does not count.
 *
 * Context: any; no locks, does not sleep.
 * Return: 0, or -EINVAL with the place and what was expected in @err.
 */
int vp_rule_parse_id(const char *text, size_t len, struct vp_rule *rule,
		     struct vp_error *err)
{
	struct reader in = {
		.start = text, .pos = text, .end = text + len, .err = err,
	};
	struct {
		u32 max;
		const char *want;
		u32 *val;
	} fields[] = {
		{ 0xffff, "a vendor id (0 to ffff, or ffffffff for any)",
		  &rule->vendor },
		{ 0xffff, "a device id (0 to ffff, or ffffffff for any)",
		  &rule->device },
		{ 0xffff, "a subsystem vendor id (0 to ffff, or ffffffff for any)",
		  &rule->subvendor },
		{ 0xffff, "a subsystem id (0 to ffff, or ffffffff for any)",
		  &rule->subdevice },
		{ 0xffffff, "a class (0 to ffffff)", &rule->class },
		{ 0xffffff, "a class mask (0 to ffffff)", &rule->class_mask },
	};
	size_t i;
	int ret;

	memset(rule, 0, sizeof(*rule));
	rule->action = VP_VFIO;
	rule->has_ids = true;
	rule->subvendor = VP_ANY;
	rule->subdevice = VP_ANY;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (i && !accept(&in, ':')) {
			if (in.pos == in.end && i >= 2)
				break;
			return fail(&in, i < 2 ? "':' and a device id" :
						 "':', ',' or the end");
		}
		ret = read_dynid(&in, fields[i].max, fields[i].val,
				 fields[i].want);
		if (ret)
			return ret;
	}
	if (in.pos != in.end)
		return fail(&in, "',' or the end");

	rule->class_mask &= 0xffffff;
	rule->class &= rule->class_mask;
	rule->has_class = rule->class_mask != 0;
	if (selects_all(rule))
		return fail_at(&in, text, "an id that does not name every device");
	return 0;
}

static int print_id(char *buf, size_t size, const char *sep, u32 id)
{
	if (id == VP_ANY)
		return scnprintf(buf, size, "%s*", sep);
	return scnprintf(buf, size, "%s%04x", sep, id);
}

/**
 * vp_rule_print() - write a rule in its canonical form
 * @rule: the rule
 * @buf: where to; always ends in a NUL when @size is not 0
 * @size: room in @buf; 80 bytes hold every rule
 *
 * Context: any; no locks, does not sleep.
 * Return: bytes written, without the NUL.
 */
int vp_rule_print(const struct vp_rule *rule, char *buf, size_t size)
{
	int n;

	n = scnprintf(buf, size, "%s", rule->action == VP_VFIO ? "vfio" : "hold");
	if (rule->has_addr)
		n += scnprintf(buf + n, size - n, " %04x:%02x:%02x.%x",
			       rule->domain, rule->bus, rule->devfn >> 3,
			       rule->devfn & 7);
	if (rule->has_ids) {
		n += print_id(buf + n, size - n, " ", rule->vendor);
		n += print_id(buf + n, size - n, ":", rule->device);
		if (rule->subvendor != VP_ANY || rule->subdevice != VP_ANY) {
			n += print_id(buf + n, size - n, ":", rule->subvendor);
			n += print_id(buf + n, size - n, ":", rule->subdevice);
		}
	}
	if (rule->has_class)
		n += scnprintf(buf + n, size - n, " class=%06x", rule->class);
	if (rule->has_class && rule->class_mask != 0xffffff)
		n += scnprintf(buf + n, size - n, "/%06x", rule->class_mask);
	return n;
}

static bool id_fits(u32 want, u32 is)
{
	return want == VP_ANY || want == is;
}

/* A VF is selected by its own address or its own exact ids, never in passing. */
static bool selects_vfs(const struct vp_rule *rule)
{
	return rule->has_addr ||
	       (rule->has_ids && rule->vendor != VP_ANY && rule->device != VP_ANY);
}

/**
 * vp_rule_match() - does a rule name a device
 * @rule: the rule
 * @facts: the device
 *
 * Context: any; no locks, does not sleep.
 * Return: true when every selector of @rule holds.
 */
bool vp_rule_match(const struct vp_rule *rule, const struct vp_facts *facts)
{
	if (facts->vf && !selects_vfs(rule))
		return false;
	if (rule->has_addr &&
	    (rule->domain != facts->domain || rule->bus != facts->bus ||
	     rule->devfn != facts->devfn))
		return false;
	if (rule->has_ids &&
	    (!id_fits(rule->vendor, facts->vendor) ||
	     !id_fits(rule->device, facts->device) ||
	     !id_fits(rule->subvendor, facts->subvendor) ||
	     !id_fits(rule->subdevice, facts->subdevice)))
		return false;
	return !rule->has_class ||
	       (facts->class & rule->class_mask) == rule->class;
}

/**
 * vp_rule_same_selectors() - do two rules name devices by the same words
 * @a: one
 * @b: the other
 *
 * Context: any; no locks, does not sleep.
 * Return: true when they differ in their action at the most.
 */
bool vp_rule_same_selectors(const struct vp_rule *a, const struct vp_rule *b)
{
	return a->has_addr == b->has_addr && a->has_ids == b->has_ids &&
	       a->has_class == b->has_class && a->domain == b->domain &&
	       a->bus == b->bus && a->devfn == b->devfn &&
	       a->vendor == b->vendor && a->device == b->device &&
	       a->subvendor == b->subvendor && a->subdevice == b->subdevice &&
	       a->class == b->class && a->class_mask == b->class_mask;
}

/**
 * vp_rule_same() - are two rules the same rule
 * @a: one
 * @b: the other
 *
 * Context: any; no locks, does not sleep.
 * Return: true when selectors and action are the same.
 */
bool vp_rule_same(const struct vp_rule *a, const struct vp_rule *b)
{
	return a->action == b->action && vp_rule_same_selectors(a, b);
}

/**
 * vp_rule_next() - walk the entries of a list of rules or ids
 * @pos: where to go on; moved behind the entry that is returned
 * @end: end of the whole text
 * @seps: the characters that part two entries
 * @len: set to the length of the entry, without blanks at its ends
 *
 * Empty entries are passed over.
 *
 * Context: any; no locks, does not sleep.
 * Return: start of the next entry, or NULL behind the last.
 */
const char *vp_rule_next(const char **pos, const char *end, const char *seps,
			 size_t *len)
{
	const char *p = *pos, *start;

	while (p < end && (strchr(seps, *p) || isspace((unsigned char)*p)))
		p++;
	start = p;
	while (p < end && !strchr(seps, *p))
		p++;
	*pos = p;
	while (p > start && isspace((unsigned char)p[-1]))
		p--;
	*len = p - start;
	return p > start ? start : NULL;
}
