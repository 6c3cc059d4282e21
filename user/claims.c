// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others' settings claim for guests, and what of it the kernel really
 * takes: ids= of vfio-pci and pci-stub ends at a blank, the last one given
 * counts alone, and what is longer than its buffer is refused as a whole.
 */
#include "claims.h"

/**
 * struct parameter - a parameter that names devices
 * @module: its module
 * @name: its name
 * @parse: makes claims of its value
 * @action: what they want
 */
struct parameter {
	const char *module;
	const char *name;
	int (*parse)(struct vp_claims *claims, const struct vp_site_entry *entry,
		     const char *value, enum vp_action action);
	enum vp_action action;
};

static struct vp_claim *add(struct vp_claims *claims,
			    const struct vp_site_entry *entry, const char *text,
			    size_t len)
{
	struct vp_claim *claim;
	size_t room;

	if (claims->count == claims->room) {
		room = claims->room ? claims->room * 2 : 16;
		claim = reallocarray(claims->claims, room, sizeof(*claim));
		if (!claim)
			return NULL;
		claims->claims = claim;
		claims->room = room;
	}
	claim = &claims->claims[claims->count++];
	memset(claim, 0, sizeof(*claim));
	claim->entry = entry;
	snprintf(claim->text, sizeof(claim->text), "%.*s", (int)len, text);
	return claim;
}

__attribute__((format(printf, 2, 3)))
static void say_why(struct vp_claim *claim, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(claim->why, sizeof(claim->why), fmt, ap);
	va_end(ap);
}

/*
 * The kernel reads with sscanf(), which takes what it can: odd bytes end an
 * id and are not complained of.
 */
static int add_id(struct vp_claims *claims, const struct vp_site_entry *entry,
		  const char *text, size_t len, enum vp_action action)
{
	struct vp_error error = { .want = "" };
	struct vp_claim *claim;
	size_t n, whole;

	for (; len && strchr(" \t", *text); len--)
		text++;
	claim = add(claims, entry, text, len);
	if (!claim)
		return -ENOMEM;
	whole = strlen(claim->text);
	n = whole;
	while (n && vp_rule_parse_id(claim->text, n, &claim->rule, &error))
		n--;
	claim->counts = n && len < sizeof(claim->text);
	claim->rule.action = action;
	if (!claim->counts && vp_rule_parse_id(claim->text, whole, &claim->rule,
					       &error))
		say_why(claim, "'%s' is no id: expected %s", claim->text,
			error.want);
	else if (n < whole)
		say_why(claim, "the kernel reads no further than '%.*s'", (int)n,
			claim->text);
	return 0;
}

static int parse_ids(struct vp_claims *claims, const struct vp_site_entry *entry,
		     const char *value, enum vp_action action)
{
	size_t len, first = claims->count, i;
	bool refused = strlen(value) >= VP_CLAIM_IDS_MAX;
	int ret = 0;

	for (; *value && !ret; value += len + !!value[len]) {
		len = strcspn(value, ",");
		if (len)
			ret = add_id(claims, entry, value, len, action);
	}
	for (i = first; refused && i < claims->count; i++) {
		claims->claims[i].counts = false;
		say_why(&claims->claims[i], "the kernel refuses all of it: it takes %d bytes",
			VP_CLAIM_IDS_MAX - 1);
	}
	return ret;
}

static int add_address(struct vp_claims *claims,
		       const struct vp_site_entry *entry, const char *text,
		       size_t len, enum vp_action action)
{
	struct vp_claim *claim = add(claims, entry, text, len);
	char rule[VP_CLAIM_TEXT + 16];
	struct vp_error error;

	if (!claim)
		return -ENOMEM;
	/* Proxmox VE means all functions when it names none. */
	snprintf(rule, sizeof(rule), "%s %s%s", vp_action_name(action),
		 claim->text, strchr(claim->text, '.') ? "" : ".*");
	claim->counts = len < sizeof(claim->text) &&
			!strpbrk(claim->text, " \\") &&
			!vp_rule_parse(rule, strlen(rule), &claim->rule, &error) &&
			claim->rule.count == 1 &&
			claim->rule.selectors[0].kind == VP_SEL_ADDRESS;
	if (!claim->counts)
		say_why(claim, "'%s' is no address", claim->text);
	return 0;
}

/* Each in brackets: (0000:03:00.0)(04:00.*) */
static int parse_hide(struct vp_claims *claims,
		      const struct vp_site_entry *entry, const char *value,
		      enum vp_action action)
{
	size_t len;
	int ret = 0;

	for (; *value && !ret; value += len) {
		value += strspn(value, "()");
		len = strcspn(value, "()");
		if (len)
			ret = add_address(claims, entry, value, len, action);
	}
	return ret;
}

/* pci-stub and Xen keep devices away from the host; a guest is another step. */
static const struct parameter parameters[] = {
	{ "vfio_pci", "ids", parse_ids, VP_VFIO },
	{ "pci_stub", "ids", parse_ids, VP_HOLD },
	{ "xen_pciback", "hide", parse_hide, VP_VFIO },
	{ "pciback", "hide", parse_hide, VP_VFIO },
};

/* Nothing but numbers and what stands between them. */
static bool are_ids(const char *text)
{
	return strchr(text, ':') &&
	       text[strspn(text, "0123456789abcdefABCDEFx:,")] == '\0';
}

/* What stands behind a blank was meant and does not count. */
static int add_dropped(struct vp_claims *claims,
		       const struct vp_site_entry *entry, const char *text,
		       size_t len)
{
	struct vp_claim *claim = add(claims, entry, text, len);

	if (!claim)
		return -ENOMEM;
	say_why(claim, "dropped: a blank ends the value");
	return 0;
}

/**
 * vp_claim_words() - how many words of a command line belong together
 * @site: the settings
 * @entry: one that is a word of a command line, and has claims
 *
 * Return: one, and one for each word behind it that was meant to belong to it.
 */
size_t vp_claim_words(const struct vp_site *site,
		      const struct vp_site_entry *entry)
{
	const struct vp_site_entry *next = entry + 1;

	while (next < site->entries + site->count &&
	       next->line == entry->line && !strcmp(next->path, entry->path) &&
	       !next->value[0] && are_ids(next->key))
		next++;
	return (size_t)(next - entry);
}

static int parse_word(struct vp_claims *claims, const struct vp_site *site,
		      const struct vp_site_entry *entry)
{
	const struct parameter *found = NULL;
	const char *dot = strchr(entry->key, '.');
	size_t i, words;
	int ret;

	for (i = 0; dot && i < ARRAY_SIZE(parameters); i++)
		if (strlen(parameters[i].module) == (size_t)(dot - entry->key) &&
		    !memcmp(parameters[i].module, entry->key,
			    (size_t)(dot - entry->key)) &&
		    !strcmp(parameters[i].name, dot + 1))
			found = &parameters[i];
	if (!found)
		return 0;
	ret = found->parse(claims, entry, entry->value, found->action);
	words = vp_claim_words(site, entry);
	for (i = 1; i < words && !ret; i++)
		ret = add_dropped(claims, entry, entry[i].key,
				  strlen(entry[i].key));
	return ret;
}

/* One option as the kernel takes it: a blank inside of quotes does not end it. */
static size_t next_option(const char *p, char *word, size_t size)
{
	bool quoted = false;
	size_t n = 0, i;

	for (i = 0; p[i] && (quoted || !strchr(" \t", p[i])); i++) {
		if (p[i] == '"')
			quoted = !quoted;
		else if (n + 1 < size)
			word[n++] = p[i];
	}
	word[n] = '\0';
	return i;
}

/* The parameter of this module that a word sets; NULL when it claims nothing. */
static const struct parameter *find_parameter(const char *module,
					      const char *word)
{
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		len = strlen(parameters[i].name);
		if (!strcmp(parameters[i].module, module) &&
		    !strncmp(word, parameters[i].name, len) &&
		    word[len] == '=')
			return &parameters[i];
	}
	return NULL;
}

static int parse_options(struct vp_claims *claims,
			 const struct vp_site_entry *entry)
{
	const struct parameter *in = NULL, *found;
	const char *p = entry->value;
	char word[VP_CLAIM_IDS_MAX * 4];
	size_t len;
	int ret = 0;

	for (; *p && !ret; p += len) {
		p += strspn(p, " \t");
		len = next_option(p, word, sizeof(word));
		found = find_parameter(entry->key, word);
		if (found)
			ret = found->parse(claims, entry, strchr(word, '=') + 1,
					   found->action);
		else if (in && are_ids(word))
			ret = add_dropped(claims, entry, word, strlen(word));
		if (found || !are_ids(word))
			in = found;
	}
	return ret;
}

/**
 * vp_claim_rest() - what options are left without those that claim devices
 * @entry: a line of options
 * @buf: set to the rest; empty for nothing
 * @size: room in @buf
 */
void vp_claim_rest(const struct vp_site_entry *entry, char *buf, size_t size)
{
	const char *p = entry->value;
	char word[VP_CLAIM_IDS_MAX * 4];
	bool in = false;
	size_t len, n = 0;

	buf[0] = '\0';
	for (; *p; p += len) {
		p += strspn(p, " \t");
		len = next_option(p, word, sizeof(word));
		if (find_parameter(entry->key, word)) {
			in = true;
		} else if (!in || !are_ids(word)) {
			in = false;
			n += scnprintf(buf + n, size - n, "%s%.*s", n ? " " : "",
				       (int)len, p);
		}
	}
}

static int parse_driverctl(struct vp_claims *claims,
			   const struct vp_site_entry *entry)
{
	static const struct {
		const char *driver;
		enum vp_action action;
	} known[] = {
		{ "vfio-pci", VP_VFIO },
		{ "none", VP_HOLD },
		{ "pci-stub", VP_HOLD },
	};
	struct vp_claim *claim;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(entry->value, known[i].driver))
			return add_address(claims, entry, entry->key,
					   strlen(entry->key), known[i].action);
	claim = add(claims, entry, entry->key, strlen(entry->key));
	if (!claim)
		return -ENOMEM;
	say_why(claim, "its driver is to be %.60s, which no guest can use: left to driverctl",
		entry->value);
	return 0;
}

static int parse(struct vp_claims *claims, const struct vp_site *site,
		 const struct vp_site_entry *entry)
{
	switch (entry->kind) {
	case VP_SITE_CMDLINE:
	case VP_SITE_LOADER:
		return parse_word(claims, site, entry);
	case VP_SITE_OPTIONS:
		return parse_options(claims, entry);
	case VP_SITE_DRIVERCTL:
		return parse_driverctl(claims, entry);
	case VP_SITE_PROXMOX:
		/* What a name means is not yet given to anybody. */
		if (entry->format == VP_SITE_FMT_MAPPING)
			return 0;
		return add_address(claims, entry, entry->value,
				   strlen(entry->value), VP_VFIO);
	default:
		return 0;
	}
}

/* Are both ids= of one module, of which the later one counts alone? */
static bool replaces(const struct vp_claim *later, const struct vp_claim *claim)
{
	const struct vp_site_entry *a = claim->entry, *b = later->entry;

	if (a == b || a->kind != b->kind || strcmp(a->key, b->key) != 0)
		return false;
	return a->kind == VP_SITE_CMDLINE ||
	       (a->kind == VP_SITE_OPTIONS &&
		claim->rule.selectors[0].kind == VP_SEL_IDS &&
		later->rule.selectors[0].kind == VP_SEL_IDS);
}

static void mark_replaced(struct vp_claims *claims)
{
	const struct vp_claim *later;
	struct vp_claim *claim;
	size_t i, j;

	for (i = 0; i < claims->count; i++) {
		claim = &claims->claims[i];
		for (j = i + 1; claim->counts && j < claims->count; j++) {
			later = &claims->claims[j];
			if (!later->counts || !replaces(later, claim))
				continue;
			claim->counts = false;
			say_why(claim, "dropped: %.160s, line %u, comes later, and the last one counts alone",
				later->entry->path, later->entry->line);
		}
	}
}

/**
 * vp_claims_find() - what do others' settings claim
 * @site: the settings; have to outlive @claims
 * @claims: filled in; to be freed with vp_claims_free(), also after an error
 *
 * Return: 0 or -ENOMEM.
 */
int vp_claims_find(const struct vp_site *site, struct vp_claims *claims)
{
	int ret = 0;
	size_t i;

	memset(claims, 0, sizeof(*claims));
	for (i = 0; i < site->count && !ret; i++)
		ret = parse(claims, site, &site->entries[i]);
	mark_replaced(claims);
	return ret;
}

/**
 * vp_claims_free() - forget claims
 * @claims: what vp_claims_find() filled in
 */
void vp_claims_free(struct vp_claims *claims)
{
	free(claims->claims);
	memset(claims, 0, sizeof(*claims));
}

/**
 * vp_claim_devices() - which devices does a rule name
 * @host: the host
 * @rule: the rule
 * @devs: set to the devices; room for all of the host's. Bridges, which no
 *        guest gets, are left out.
 *
 * Return: how many.
 */
size_t vp_claim_devices(const struct vp_host *host, const struct vp_rule *rule,
			const struct vp_host_dev **devs)
{
	size_t count = 0, i;

	for (i = 0; i < host->count; i++)
		if (!host->devs[i].bridge &&
		    vp_match(rule, &host->devs[i].facts, NULL) == VP_FIT_MATCH)
			devs[count++] = &host->devs[i];
	return count;
}

/**
 * vp_claim_lasts() - does it mean the same tomorrow
 * @claim: the claim
 *
 * Return: true when it names devices by what they are, so that a rule can be
 * made of it even while there are none.
 */
bool vp_claim_lasts(const struct vp_claim *claim)
{
	return claim->counts && claim->rule.selectors[0].kind == VP_SEL_IDS;
}

/**
 * vp_claim_ruled() - which rule of the files has the say over a device
 * @rules: the files
 * @table: what they make, of vp_table_of_files()
 * @dev: the device
 *
 * Return: the rule, or NULL when none names it.
 */
const struct vp_rules_entry *vp_claim_ruled(const struct vp_rules *rules,
					    const struct vp_table *table,
					    const struct vp_host_dev *dev)
{
	const struct vp_entry *entry;
	enum vp_fit fit;

	entry = vp_policy_match(table, &dev->facts, &fit);
	/* What sits there is not what the rule names: the host keeps it. */
	if (fit == VP_FIT_CHANGED && !entry->rule.changed_hold)
		return NULL;
	return entry ? vp_rules_find(rules, entry->text) : NULL;
}

/**
 * vp_claim_covered() - do rules do what a setting does
 * @host: the host
 * @rules: the files
 * @table: what they make, of vp_table_of_files()
 * @claim: the claim
 *
 * Return: true when rules other than "leave" name all its devices, or, while it
 * has none, when there is a rule of the same text.
 */
bool vp_claim_covered(const struct vp_host *host, const struct vp_rules *rules,
		      const struct vp_table *table,
		      const struct vp_claim *claim)
{
	const struct vp_rules_entry *entry;
	char text[VFIOPOLICY_RULE_LEN_MAX + 1];
	bool any = false;
	size_t i;

	if (!claim->counts)
		return true;
	for (i = 0; i < host->count; i++) {
		if (host->devs[i].bridge ||
		    vp_match(&claim->rule, &host->devs[i].facts, NULL) !=
		    VP_FIT_MATCH)
			continue;
		any = true;
		entry = vp_claim_ruled(rules, table, &host->devs[i]);
		if (!entry || entry->rule->action == VP_LEAVE)
			return false;
	}
	if (any)
		return true;
	vp_rule_print(&claim->rule, text, sizeof(text));
	return vp_rules_find(rules, text);
}
