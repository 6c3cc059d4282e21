// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsing of one rule. Plain C, no locks, no allocation: compiled into the
 * module and into the command.
 *
 * What is read has a canonical form (print.c) that reads the same again, and
 * that is no longer than a rule may be.
 */
#include "read.h"
#include "rule.h"

/* Words with a meaning of their own; each may stand once, but for except=. */
enum part {
	KEY_CLASS,
	KEY_AT,
	KEY_DSN,
	KEY_VFS_OF,
	KEY_EXCEPT,
	KEY_DRIVER,
	KEY_WITH,
	KEY_CHANGED,
	KEY_TAKEOVER,
	KEY_ALLOW,
	KEY_OWNER,
	KEY_NUM_VFS,
	KEY_HOST,
	KEY_NAME,
	KEY_EXTERNAL,
	KEY_VFS,
	KEY_YIELD,
	KEY_ADDRESS,	/* from here on not by name */
	KEY_IDS,
	KEYS
};

static const char *const key_words[] = {
	[KEY_CLASS] = "class=",
	[KEY_AT] = "at=",
	[KEY_DSN] = "dsn=",
	[KEY_VFS_OF] = "vfs-of=",
	[KEY_EXCEPT] = "except=",
	[KEY_DRIVER] = "driver=",
	[KEY_WITH] = "with=",
	[KEY_CHANGED] = "changed=",
	[KEY_TAKEOVER] = "takeover=",
	[KEY_ALLOW] = "allow=",
	[KEY_OWNER] = "owner=",
	[KEY_NUM_VFS] = "vfs=",
	[KEY_HOST] = "host=",
	[KEY_NAME] = "name=",
	[KEY_EXTERNAL] = "external",
	[KEY_VFS] = "vfs",
	[KEY_YIELD] = "yield",
	NULL
};

/* Those that may stand in except=. */
static const char *const selector_words[] = {
	"class=", "at=", "dsn=", "vfs-of=", "external", NULL
};

static const char *const action_words[] = { "vfio", "hold", "leave", NULL };

/* A rule that is being read; @seen has where each key stood, or NULL. */
struct parse {
	struct vp_reader in;
	struct vp_rule *rule;
	const char *seen[KEYS];
};

static int read_id(struct vp_reader *in, u32 *val, const char *want)
{
	if (vp_read_char(in, '*')) {
		*val = VP_ANY;
		return 0;
	}
	return vp_read_hex(in, 4, 0xffff, val, want);
}

static int read_ids(struct vp_reader *in, struct vp_selector *sel)
{
	int ret;

	sel->kind = VP_SEL_IDS;
	ret = read_id(in, &sel->vendor, "a vendor id (1 to 4 hex digits or *)");
	if (ret)
		return ret;
	if (!vp_read_char(in, ':'))
		return vp_read_fail(in, "':' and a device id");
	ret = read_id(in, &sel->device, "a device id (1 to 4 hex digits or *)");
	if (ret)
		return ret;

	sel->subvendor = VP_ANY;
	sel->subdevice = VP_ANY;
	if (!vp_read_char(in, ':'))
		return 0;
	ret = read_id(in, &sel->subvendor,
		      "a subsystem vendor id (1 to 4 hex digits or *)");
	if (ret)
		return ret;
	if (!vp_read_char(in, ':'))
		return vp_read_fail(in, "':' and a subsystem id");
	return read_id(in, &sel->subdevice,
		       "a subsystem id (1 to 4 hex digits or *)");
}

/* device.function, each of which may be *. */
static int read_devfn(struct vp_reader *in, struct vp_place *place)
{
	u32 slot = 0, func = 0;
	int ret;

	place->any_slot = vp_read_char(in, '*');
	if (!place->any_slot) {
		ret = vp_read_hex(in, 2, 0x1f, &slot,
				  "a device number (00 to 1f, or *)");
		if (ret)
			return ret;
	}
	if (!vp_read_char(in, '.'))
		return vp_read_fail(in, "'.' and a function number");
	place->any_func = vp_read_char(in, '*');
	if (!place->any_func) {
		ret = vp_read_hex(in, 1, 7, &func, "a function number (0 to 7, or *)");
		if (ret)
			return ret;
	}
	place->devfn[place->count++] = slot << 3 | func;
	return 0;
}

/* [domain:]bus:device.function */
static int read_address(struct vp_reader *in, struct vp_place *place)
{
	u32 bus;
	int ret;

	place->domain = 0;
	place->count = 0;
	if (vp_read_count(in, ':') > 1) {
		ret = vp_read_hex(in, 8, ~0u, &place->domain,
				  "a PCI domain (1 to 8 hex digits)");
		if (ret)
			return ret;
		if (!vp_read_char(in, ':'))
			return vp_read_fail(in, "':' and a bus number");
	}
	ret = vp_read_hex(in, 2, 0xff, &bus, "a bus number (00 to ff)");
	if (ret)
		return ret;
	place->bus = bus;
	if (!vp_read_char(in, ':'))
		return vp_read_fail(in, "':' and a device number");
	return read_devfn(in, place);
}

/*
 * An address and the way down from it. A '/' that no device number with a '.'
 * follows is left to the caller: it is how vfs-of= goes on.
 */
static int read_path(struct vp_reader *in, struct vp_place *place)
{
	const char *slash;
	int ret;

	ret = read_address(in, place);
	while (!ret && in->pos < in->end && *in->pos == '/') {
		slash = in->pos++;
		if (!vp_read_count(in, '.')) {
			in->pos = slash;
			break;
		}
		if (place->any_slot || place->any_func)
			return vp_read_fail_at(in, slash, "a '*' in the last element only");
		if (place->count == VP_PATH_MAX)
			return vp_read_fail_at(in, slash, "a path of at most 16 elements");
		ret = read_devfn(in, place);
	}
	return ret;
}

static int read_vfs_of(struct vp_reader *in, struct vp_selector *sel)
{
	static const char want[] = "the number of a VF (0 to 65534)";
	const char *start;
	u32 first, last;
	int ret;

	sel->kind = VP_SEL_VFS_OF;
	sel->first = 0;
	sel->last = VP_VFS_ALL;
	ret = read_path(in, &sel->place);
	if (ret || !vp_read_char(in, '/'))
		return ret;
	ret = vp_read_number(in, 10, 5, VP_VFS_ALL - 1, &first, want);
	if (ret)
		return ret;
	last = first;
	if (vp_read_char(in, '-')) {
		start = in->pos;
		ret = vp_read_number(in, 10, 5, VP_VFS_ALL - 1, &last, want);
		if (ret)
			return ret;
		if (last < first)
			return vp_read_fail_at(in, start, "a number that is not below the first");
	}
	sel->first = first;
	sel->last = last;
	return 0;
}

static bool read_class_word(struct vp_reader *in, struct vp_selector *sel)
{
	int i;

	for (i = 0; vp_class_words[i]; i++) {
		if (!vp_read_word(in, vp_class_words[i]))
			continue;
		sel->class = vp_classes[i].class;
		sel->class_mask = vp_classes[i].mask;
		return true;
	}
	return false;
}

static int fail_class(struct vp_reader *in, const char *start)
{
	in->pos = start;
	return vp_read_fail_word(in, "a class (2, 4 or 6 hex digits, or a name such as nvme)",
				 vp_class_words);
}

static int read_class(struct vp_reader *in, struct vp_selector *sel)
{
	const char *start = in->pos;
	int digits;

	sel->kind = VP_SEL_CLASS;
	if (read_class_word(in, sel))
		return 0;
	if (vp_read_hex(in, 6, 0xffffff, &sel->class, ""))
		return fail_class(in, start);
	/* As lspci writes them: what is left out may be anything. */
	digits = in->pos - start;
	if (digits % 2 || (!vp_read_at_end(in) && *in->pos != '/'))
		return fail_class(in, start);
	sel->class <<= 4 * (6 - digits);
	sel->class_mask = 0xffffffu << 4 * (6 - digits) & 0xffffff;
	if (digits == 6 && vp_read_char(in, '/')) {
		start = in->pos;
		if (vp_read_hex(in, 6, 0xffffff, &sel->class_mask,
				"a class mask (1 to 6 hex digits)"))
			return -EINVAL;
		if (!sel->class_mask)
			return vp_read_fail_at(in, start, "a class mask other than 0");
	}
	sel->class &= sel->class_mask;
	return 0;
}

/* As lspci writes it, or the sixteen digits alone. */
static int read_dsn(struct vp_reader *in, struct vp_selector *sel)
{
	const char *start = in->pos;
	u64 dsn = 0;
	int i, d;

	sel->kind = VP_SEL_DSN;
	for (i = 0; i < 16; i++) {
		if (i && i % 2 == 0)
			vp_read_char(in, '-');
		d = in->pos < in->end ? vp_read_digit(*in->pos) : -1;
		if (d < 0)
			return vp_read_fail(in,
					    "a serial number (16 hex digits, as lspci writes it)");
		dsn = dsn << 4 | d;
		in->pos++;
	}
	if (!dsn || dsn == ~0ull)
		return vp_read_fail_at(in, start,
				       "a serial number other than all zeros or all ones");
	sel->dsn = dsn;
	return 0;
}

static enum part next_key(struct vp_reader *in)
{
	size_t len = vp_read_word_len(in), i;
	enum part key;

	for (key = 0; key_words[key]; key++) {
		if (key >= KEY_EXTERNAL ? vp_read_word(in, key_words[key]) :
					  vp_read_text(in, key_words[key]))
			return key;
	}
	if (memchr(in->pos, '=', len))
		return KEYS;
	if (memchr(in->pos, '.', len))
		return KEY_ADDRESS;
	for (i = 0; i < len; i++)
		if (in->pos[i] == ':' || in->pos[i] == '*')
			return KEY_IDS;
	/* All hex: ids of which the second half is missing. */
	for (i = 0; i < len; i++)
		if (vp_read_digit(in->pos[i]) < 0)
			return KEYS;
	return KEY_IDS;
}

static const char want_selector[] =
	"a selector: vendor:device, an address, at=, class= ...";

static int read_selector(struct vp_reader *in, enum part key,
			 struct vp_selector *sel)
{
	switch (key) {
	case KEY_ADDRESS:
		sel->kind = VP_SEL_ADDRESS;
		return read_address(in, &sel->place);
	case KEY_AT:
		sel->kind = VP_SEL_AT;
		return read_path(in, &sel->place);
	case KEY_VFS_OF:
		return read_vfs_of(in, sel);
	case KEY_IDS:
		return read_ids(in, sel);
	case KEY_CLASS:
		return read_class(in, sel);
	case KEY_DSN:
		return read_dsn(in, sel);
	case KEY_EXTERNAL:
		sel->kind = VP_SEL_EXTERNAL;
		return 0;
	default:
		return vp_read_fail_word(in, want_selector, selector_words);
	}
}

/* Puts it behind those of a smaller kind, and before those in except=. */
static int add_selector(struct parse *parse, const struct vp_selector *sel,
			const char *start)
{
	struct vp_reader *in = &parse->in;
	struct vp_rule *rule = parse->rule;
	int i;

	if (rule->count == VP_SELECTORS_MAX)
		return vp_read_fail_at(in, start, "at most 16 selectors");
	for (i = rule->count++; i > 0 && !sel->except; i--) {
		if (!rule->selectors[i - 1].except &&
		    rule->selectors[i - 1].kind < sel->kind)
			break;
		rule->selectors[i] = rule->selectors[i - 1];
	}
	rule->selectors[i] = *sel;
	return 0;
}

static bool is_selector(enum part key)
{
	return key <= KEY_EXCEPT || key == KEY_EXTERNAL ||
	       key == KEY_ADDRESS || key == KEY_IDS;
}

static int take_selector(struct parse *parse, enum part key, const char *start)
{
	struct vp_reader *in = &parse->in;
	struct vp_selector sel;
	const char *inner;
	int ret;

	memset(&sel, 0, sizeof(sel));
	if (key == KEY_EXCEPT) {
		sel.except = true;
		inner = in->pos;
		key = vp_read_at_end(in) ? KEYS : next_key(in);
		if (!is_selector(key) || key == KEY_EXCEPT) {
			in->pos = inner;
			key = KEYS;
		}
	}
	ret = read_selector(in, key, &sel);
	if (!ret)
		ret = vp_read_end(in);
	return ret ? ret : add_selector(parse, &sel, start);
}

static bool is_word_char(char c, bool dots)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
	       (dots && c == '.');
}

/* A word of such characters, which does not begin with '-' or '.'. */
static int read_word(struct vp_reader *in, bool dots, char *buf, const char *want)
{
	const char *start = in->pos;
	size_t len;

	while (in->pos < in->end && is_word_char(*in->pos, dots))
		in->pos++;
	len = in->pos - start;
	if (!len || *start == '-' || *start == '.' || len >= VP_WORD_MAX)
		return vp_read_fail_at(in, start, want);
	memcpy(buf, start, len);
	buf[len] = '\0';
	return 0;
}

static int read_choice(struct vp_reader *in, const char *const *words,
		       const char *want)
{
	int i;

	for (i = 0; words[i]; i++)
		if (vp_read_word(in, words[i]))
			return i;
	return vp_read_fail_word(in, want, words);
}

static int read_driver(struct parse *parse)
{
	struct vp_reader *in = &parse->in;
	static const char want[] = "the name of a driver, or best";
	char *driver = parse->rule->driver;
	const char *start = in->pos;
	int ret;

	ret = read_word(in, false, driver, want);
	if (ret)
		return ret;
	if (!strcmp(driver, "vfiopolicy"))
		return vp_read_fail_at(in, start,
				       "a driver other than the stub, where hold keeps it");
	/* What is meant anyhow. */
	if (!strcmp(driver, "vfio-pci"))
		driver[0] = '\0';
	return 0;
}

static int read_allow(struct parse *parse)
{
	struct vp_reader *in = &parse->in;
	int i;

	do {
		for (i = 0; vp_allow_words[i]; i++)
			if (vp_read_text(in, vp_allow_words[i]))
				break;
		if (!vp_allow_words[i])
			return vp_read_fail_word(in,
						 "boot-vga, only-gpu, console, storage, network or usb",
					 vp_allow_words);
		parse->rule->allow |= 1u << i;
	} while (vp_read_char(in, ','));
	return 0;
}

static int read_owner(struct parse *parse)
{
	struct vp_reader *in = &parse->in;
	static const char want[] = "a user, and perhaps ':' and a group";
	char *owner = parse->rule->owner;
	size_t len;
	int ret;

	ret = read_word(in, true, owner, want);
	if (ret || !vp_read_char(in, ':'))
		return ret;
	len = strlen(owner);
	owner[len++] = ':';
	return read_word(in, true, owner + len, "a group");
}

static int read_host(struct parse *parse)
{
	struct vp_reader *in = &parse->in;
	static const char want[] = "a UUID, as /sys/class/dmi/id/product_uuid has it";
	char *host = parse->rule->host;
	int i;

	for (i = 0; i < VP_UUID_MAX - 1; i++, in->pos++) {
		if (in->pos == in->end)
			return vp_read_fail(in, want);
		host[i] = *in->pos;
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (host[i] != '-')
				return vp_read_fail(in, want);
			continue;
		}
		if (vp_read_digit(host[i]) < 0)
			return vp_read_fail(in, want);
		if (host[i] >= 'A' && host[i] <= 'F')
			host[i] |= 0x20;
	}
	return 0;
}

static int read_name(struct parse *parse)
{
	struct vp_reader *in = &parse->in;
	static const char want[] =
		"a name of at most 31 letters, digits, '.', '_' or '-', and not digits alone";
	const char *start = in->pos;
	const char *name = parse->rule->name;
	int ret;

	ret = read_word(in, true, parse->rule->name, want);
	if (ret)
		return ret;
	/* Numbers are the numbers of rules. */
	while (*name >= '0' && *name <= '9')
		name++;
	return *name ? 0 : vp_read_fail_at(in, start, want);
}

static int read_num_vfs(struct parse *parse)
{
	struct vp_reader *in = &parse->in;
	static const char want[] = "a number of VFs (1 to 65535)";
	const char *start = in->pos;
	int ret;

	ret = vp_read_number(in, 10, 5, 0xffff, &parse->rule->num_vfs, want);
	if (!ret && !parse->rule->num_vfs)
		ret = vp_read_fail_at(in, start, want);
	return ret;
}

static int read_option(struct parse *parse, enum part key)
{
	struct vp_reader *in = &parse->in;
	static const char *const withs[] = { "slot", "group", NULL };
	static const char *const changed[] = { "hold", NULL };
	static const char *const takeover[] = { "boot", NULL };
	struct vp_rule *rule = parse->rule;
	int ret = 0;

	switch (key) {
	case KEY_DRIVER:
		return read_driver(parse);
	case KEY_WITH:
		ret = read_choice(in, withs, "slot or group");
		rule->with = ret == 0 ? VP_WITH_SLOT : VP_WITH_GROUP;
		break;
	case KEY_CHANGED:
		ret = read_choice(in, changed, "hold");
		rule->changed_hold = true;
		break;
	case KEY_TAKEOVER:
		ret = read_choice(in, takeover, "boot");
		rule->takeover_boot = true;
		break;
	case KEY_ALLOW:
		return read_allow(parse);
	case KEY_OWNER:
		return read_owner(parse);
	case KEY_NUM_VFS:
		return read_num_vfs(parse);
	case KEY_HOST:
		return read_host(parse);
	case KEY_NAME:
		return read_name(parse);
	case KEY_VFS:
		rule->vfs = true;
		break;
	case KEY_YIELD:
		rule->yield = true;
		break;
	default:
		return vp_read_fail(in, want_selector);
	}
	return ret < 0 ? ret : 0;
}

static int read_part(struct parse *parse)
{
	struct vp_reader *in = &parse->in;
	const char *start = in->pos;
	enum part key = next_key(in);
	int ret;

	if (key == KEYS)
		return vp_read_fail_word(in,
					 "a selector such as 10de:1b39 or an option such as name=",
				 key_words);
	if (parse->seen[key] && key != KEY_EXCEPT)
		return vp_read_fail_at(in, start, "each selector and option once, but for except=");
	parse->seen[key] = start;
	if (is_selector(key))
		return take_selector(parse, key, start);
	ret = read_option(parse, key);
	return ret ? ret : vp_read_end(in);
}

static bool is_all(const struct vp_selector *sel)
{
	return sel->kind == VP_SEL_IDS && sel->vendor == VP_ANY &&
	       sel->device == VP_ANY && sel->subvendor == VP_ANY &&
	       sel->subdevice == VP_ANY;
}

/* Options that say nothing, or something dangerous, behind this action. */
static int check_action(struct parse *parse)
{
	struct vp_reader *in = &parse->in;
	static const u32 of_vfio = 1u << KEY_DRIVER | 1u << KEY_OWNER;
	static const u32 not_of_leave = 1u << KEY_WITH | 1u << KEY_CHANGED |
		1u << KEY_TAKEOVER | 1u << KEY_ALLOW | 1u << KEY_YIELD;
	enum vp_action action = parse->rule->action;
	enum part key;

	for (key = 0; key < KEYS; key++) {
		if (!parse->seen[key])
			continue;
		if (action != VP_VFIO && (of_vfio >> key & 1))
			return vp_read_fail_at(in, parse->seen[key],
					       "driver= and owner= behind vfio only");
		if (action == VP_LEAVE && (not_of_leave >> key & 1))
			return vp_read_fail_at(in, parse->seen[key],
					       "an option that goes with leave: vfs=, host=, name=");
		if (action != VP_LEAVE && key == KEY_NUM_VFS)
			return vp_read_fail_at(in, parse->seen[key],
					       "vfs= behind leave only, where it names the PF");
	}
	return 0;
}

static int check_rule(struct parse *parse, const char *first)
{
	struct vp_reader *in = &parse->in;
	const struct vp_rule *rule = parse->rule;
	bool place = false, identity = false;
	int i;

	for (i = 0; i < rule->count && !rule->selectors[i].except; i++) {
		if (rule->selectors[i].kind <= VP_SEL_VFS_OF)
			place = true;
		else if (!is_all(&rule->selectors[i]))
			identity = true;
	}
	if (!place && !identity)
		return vp_read_fail_at(in, first, rule->count ?
				       "a selector that does not name every device" :
				       want_selector);
	if (rule->changed_hold && !(place && identity))
		return vp_read_fail_at(in, parse->seen[KEY_CHANGED],
				       "changed= beside a place and an identity");
	if (vp_rule_print(rule, NULL, 0) > VFIOPOLICY_RULE_LEN_MAX)
		return vp_read_fail_at(in, first,
				       "a rule of at most 511 bytes in its canonical form");
	return check_action(parse);
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
	struct parse parse = {
		.in = {
			.start = text, .pos = text, .end = text + len,
			.err = err,
		},
		.rule = rule,
	};
	struct vp_reader *in = &parse.in;
	const char *first;
	int ret;

	memset(rule, 0, sizeof(*rule));
	vp_read_blanks(in);
	ret = read_choice(in, action_words, "vfio, hold or leave");
	if (ret < 0)
		return ret;
	rule->action = ret;

	vp_read_blanks(in);
	for (first = in->pos; in->pos < in->end; vp_read_blanks(in)) {
		ret = read_part(&parse);
		if (ret)
			return ret;
	}
	return check_rule(&parse, first);
}
