// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a rule of the words of a command line. The action may be left out:
 * then it is vfio. A word that is what a device is called here, its address
 * or the name of its disk or network interface, becomes what it can still be
 * told by after the next boot: its place and its ids. So do the addresses of
 * several, and of what is excepted, but for the ids. Whatever is no rule is
 * shown with a mark below the place where it stops being one.
 */
#include <ctype.h>
#include <limits.h>

#include "device.h"
#include "named.h"
#include "output.h"
#include "resolve.h"
#include "rulearg.h"
#include "text.h"

#define SUPPLIED	"vfio "

static const char * const bare_words[] = {
	"vfio", "hold", "leave", "external", "vfs", "yield",
};

static bool is_bare_word(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bare_words); i++)
		if (!strcmp(word, bare_words[i]))
			return true;
	return false;
}

/* The names of actions, which may be left out, and so be misspelt as a selector. */
static const char *const actions[] = { "vfio", "hold", "leave" };

static bool is_address(const char *word)
{
	struct vp_facts facts;

	return !vp_host_address(word, &facts);
}

/* Nothing that only a rule can have, and no word of its language. */
static bool may_be_device(const char *word)
{
	if (word[0] == '/' || is_address(word))
		return true;
	return word[0] && !strpbrk(word, ":=*. \t\n\\") && !is_bare_word(word);
}

static bool are_ids(const char *word)
{
	return strchr(word, ':') && !strpbrk(word, ".=");
}

/* What a device can be told by, but for its ids where they were typed. */
static int print_device(const struct vp_host_dev *dev, bool ids, char *buf,
			size_t size)
{
	struct vp_rule rule = { .action = VP_VFIO };
	int ret = vp_resolve_rule(dev, &rule);
	u8 i, kept = 0;

	if (ret)
		return ret;
	for (i = 0; i < rule.count; i++)
		if (!ids || rule.selectors[i].kind != VP_SEL_IDS)
			rule.selectors[kept++] = rule.selectors[i];
	rule.count = kept;
	vp_rule_print_selectors(&rule, buf, size);
	return 0;
}

#define VFS_OF		"vfs-of="

/*
 * vfs-of=enp3s0/0-3, and so for every name of a PF but its place, which is kept as
 * it is. Return: the length of the name, which stands behind the '='; 0 for none.
 */
static size_t pf_len(const char *word)
{
	const char *name = word + strlen(VFS_OF);
	size_t len;

	if (strncmp(word, VFS_OF, strlen(VFS_OF)) != 0)
		return 0;
	len = strcspn(name, "/");
	/* What goes on by another device and function is a place. */
	return strchr(name + len, '.') ? 0 : len;
}

/**
 * struct words - a command line on its way to a rule
 * @host: where devices are looked for; NULL to take words as they are
 * @count: number of @words
 * @words: the words
 * @device: which of them is what a device is called, or -1
 * @ids: one of them has ids
 * @of: which of them names a PF by what it is called, or -1
 * @pf: that PF
 * @quiet: say nothing of what is wrong
 */
struct words {
	const struct vp_host *host;
	int count;
	char *const *words;
	int device;
	bool ids;
	int of;
	const struct vp_host_dev *pf;
	bool quiet;
};

/*
 * Which PF is meant by the words. Return: 0, or -errno after having said why it is
 * none.
 */
static int find_pf(struct words *words, int i)
{
	char error[VP_RESOLVE_LEN], name[NAME_MAX + 1];
	const char *word = words->words[i];
	size_t len = pf_len(word);
	const struct vp_host_dev *dev;
	int ret;

	if (!len || len >= sizeof(name))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)len, word + strlen(VFS_OF));
	if (!may_be_device(name))
		return 0;
	ret = vp_resolve(words->host, name, &dev, error, sizeof(error));
	/* The address of what is away is kept; odd words are the parser's. */
	if (ret && (ret == -ENOENT || is_address(name)))
		return 0;
	if (ret) {
		if (!words->quiet)
			vp_out_error("%s", error);
		return ret;
	}
	/* A VF has none: what is said of its address will do. */
	if (dev->facts.vf)
		return 0;
	words->of = i;
	words->pf = dev;
	return 0;
}

/* The place of the PF, which outlasts new cards, and what stood behind its name. */
static char *put_vfs_of(const struct words *words, char *end)
{
	const char *word = words->words[words->of];
	struct vp_place place;

	end = stpcpy(end, VFS_OF);
	vp_match_place(&words->pf->facts, &place);
	end += vp_place_print(&place, end, VP_RULEARG_LEN);
	return stpcpy(end, word + strlen(VFS_OF) + pf_len(word));
}

/* Return: 0, or -errno after having said why. */
static int find_device(struct words *words, struct vp_rulearg *arg)
{
	char error[VP_RESOLVE_LEN], hint[VP_DEVICE_LEN];
	const struct vp_host_dev *dev;
	int i, ret;

	words->device = -1;
	words->of = -1;
	for (i = 0; i < words->count; i++) {
		words->ids |= are_ids(words->words[i]);
		ret = words->host ? find_pf(words, i) : 0;
		if (ret)
			return ret;
		if (!words->host || !may_be_device(words->words[i]))
			continue;
		ret = vp_resolve(words->host, words->words[i], &dev, error,
				 sizeof(error));
		/* It may be a word of a rule, or the address of what is away. */
		if (ret == -ENOENT || (ret && is_address(words->words[i])))
			continue;
		if (ret && words->quiet)
			return ret;
		if (ret) {
			vp_out_error("%s", error);
			if (vp_named_hint(words->host, words->words[i], hint))
				vp_out_error_more("%s", hint);
			return ret;
		}
		if (arg->dev && words->quiet)
			return -EINVAL;
		if (arg->dev) {
			vp_out_error("'%s' and '%s' are two devices: one rule names one of them",
				     words->words[words->device],
				     words->words[i]);
			return -EINVAL;
		}
		arg->dev = dev;
		words->device = i;
	}
	return 0;
}

/* Not by the address of a VF, which has a number of its PF for that. */
static bool is_at(const struct vp_place *place, const struct vp_facts *facts)
{
	u8 ignored = (place->any_slot ? 0xf8 : 0) | (place->any_func ? 0x07 : 0);

	return !facts->vf && facts->domain == place->domain &&
	       facts->bus == place->bus &&
	       !((facts->devfn ^ place->devfn[0]) & ~ignored);
}

/*
 * The addresses of a slot or a bus, and of what is excepted, become places: they are
 * renumbered by a new card like any other. Those of what is away stay as they are.
 */
static bool outlast_cards(const struct vp_host *host, struct vp_rule *rule)
{
	struct vp_selector *sel;
	struct vp_place place;
	bool placed = false;
	size_t n;
	u8 i;

	for (i = 0; host && i < rule->count; i++) {
		sel = &rule->selectors[i];
		if (sel->kind != VP_SEL_ADDRESS ||
		    (!sel->except && !sel->place.any_slot && !sel->place.any_func))
			continue;
		for (n = 0; n < host->count && sel->kind == VP_SEL_ADDRESS; n++) {
			if (!is_at(&sel->place, &host->devs[n].facts))
				continue;
			vp_match_place(&host->devs[n].facts, &place);
			place.any_slot = sel->place.any_slot;
			place.any_func = sel->place.any_func;
			place.devfn[place.count - 1] = sel->place.devfn[0];
			sel->place = place;
			sel->kind = VP_SEL_AT;
			placed = true;
		}
	}
	return placed;
}

/* The rule as it is to be kept: as typed, where places would make it none. */
static void keep_places(const struct vp_host *host, struct vp_rulearg *arg)
{
	struct vp_rule rule = arg->rule, again;
	char text[VP_RULEARG_LEN];
	struct vp_error err;
	size_t len;

	arg->typed = arg->rule;
	vp_rule_print(&arg->rule, arg->text, sizeof(arg->text));
	if (!outlast_cards(host, &rule))
		return;
	len = vp_rule_print(&rule, text, sizeof(text));
	if (len >= sizeof(text) || vp_rule_parse(text, len, &again, &err))
		return;
	arg->placed = true;
	arg->rule = rule;
	memcpy(arg->text, text, len + 1);
}

/* The words with a blank between them, behind an action if they have none. */
static char *join(const struct words *words, const struct vp_rulearg *arg)
{
	size_t size = sizeof(SUPPLIED) + 2 * VP_RULEARG_LEN;
	char *text, *end;
	int i;

	for (i = 0; i < words->count; i++)
		size += strlen(words->words[i]) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	end = stpcpy(text, SUPPLIED);
	for (i = 0; i < words->count; i++) {
		if (i == words->of) {
			end = put_vfs_of(words, end);
		} else if (i != words->device) {
			end = stpcpy(end, words->words[i]);
		} else if (print_device(arg->dev, words->ids, end,
					VP_RULEARG_LEN)) {
			/* Nothing but the address is known of it. */
			end = stpcpy(end, arg->dev->address);
		} else {
			end += strlen(end);
		}
		if (i + 1 < words->count)
			end = stpcpy(end, " ");
	}
	return text;
}

static bool begins_with_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(text, word, len) &&
	       (!text[len] || isspace((unsigned char)text[len]));
}

/*
 * Could the word that stops making sense have been what a device is called? Not one
 * that was to be the value of something, nor a number.
 */
static bool looks_like_device(const char *typed, size_t at)
{
	return (!at || isspace((unsigned char)typed[at - 1])) &&
	       isalpha((unsigned char)typed[at]) &&
	       !typed[at + strcspn(typed + at, " \t:=.*")];
}

/* The address that the word was to be, where it is one without its function. */
static bool hint_address(const struct vp_host *host, const char *typed,
			 size_t at, char *hint)
{
	char word[VP_HOST_LEN];
	size_t len;

	while (at && !isspace((unsigned char)typed[at - 1]))
		at--;
	len = strcspn(typed + at, " \t");
	if (len >= sizeof(word))
		return false;
	memcpy(word, typed + at, len);
	word[len] = '\0';
	return strchr(word, ':') && vp_device_hint(host, word, hint);
}

/* @typed is what the user wrote, @at where it stops making sense. */
static void complain(const struct vp_host *host, char *typed, size_t at,
		     const char *prefix, const struct vp_error *err)
{
	char hint[VP_DEVICE_LEN] = "", word[VP_HOST_LEN];
	bool device = host && looks_like_device(typed, at);
	char *p;

	/* One column a byte, so that the mark stands where it belongs. */
	for (p = typed; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = *p == '\t' ? ' ' : '?';
	vp_out_error("'%s' is not a rule: expected %s%s", typed, prefix,
		     err->want);
	vp_out_error_more("  %s", typed);
	vp_out_error_more("  %*s^", (int)at, "");
	snprintf(word, sizeof(word), "%s", device ? typed + at : "");
	if (host && (hint_address(host, typed, at, hint) ||
		     (device && vp_named_hint(host, word, hint))))
		vp_out_error_more("%s", hint);
	else if (err->hint)
		vp_out_error_more("Did you mean %s?", err->hint);
	else if (device)
		vp_out_error_more("A device may be called by its address, network interface or disk; no device here is called that.");
}

/*
 * Of an action that is misspelt the parser, which was given one, sees a selector.
 * What is as near to an action is one: "vifo" is vfio, not vfs.
 */
static const char *nearest(const char *typed, const char *hint)
{
	const char *known[ARRAY_SIZE(actions) + 2] = { NULL };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		known[i] = actions[i];
	known[i] = hint;
	return vp_text_nearest(typed, strcspn(typed, " \t"), known);
}

/* Return: 0 or -EINVAL after having said what is wrong. */
static int parse(char *text, const struct words *words, struct vp_rulearg *arg)
{
	char *typed = text + strlen(SUPPLIED), *start;
	struct vp_error err = { .want = "" };
	bool supplied = true;
	size_t at, i;

	while (isspace((unsigned char)*typed))
		typed++;
	for (i = 0; i < ARRAY_SIZE(actions); i++)
		supplied &= !begins_with_word(typed, actions[i]);
	arg->action = !supplied;
	start = supplied ? text : typed;
	if (!vp_rule_parse(start, strlen(start), &arg->rule, &err)) {
		keep_places(words->host, arg);
		return 0;
	}
	if (words->quiet)
		return -EINVAL;
	at = (size_t)(start - text) + err.at;
	at = at > (size_t)(typed - text) ? at - (size_t)(typed - text) : 0;
	if (supplied && !at)
		err.hint = nearest(typed, err.hint);
	complain(words->host, typed, at,
		 supplied && !at ? "vfio, hold, leave, " : "", &err);
	return -EINVAL;
}

/* What is shown of a device is not what it can be named by. */
static void say_serials(const struct words *words)
{
	char hint[VP_DEVICE_LEN];
	int i;

	for (i = 0; words->host && i < words->count; i++)
		if (vp_device_serial(words->host, words->words[i], hint))
			vp_out_error_more("%s", hint);
}

static int read_words(struct words *words, struct vp_rulearg *arg)
{
	char *text;
	int ret;

	memset(arg, 0, sizeof(*arg));
	ret = find_device(words, arg);
	if (ret)
		return ret;
	arg->pf = words->pf;
	text = join(words, arg);
	if (!text)
		return -ENOMEM;
	ret = parse(text, words, arg);
	if (ret && !words->quiet)
		say_serials(words);
	free(text);
	return ret;
}

/**
 * vp_rulearg_parse() - read a rule from the words of a command line
 * @host: the devices that words may be the names of; NULL for none
 * @nwords: number of @words
 * @words: the words
 * @arg: filled in on success
 *
 * Return: 0; -EINVAL or what vp_resolve() returned after having said what is
 * wrong; -ENOMEM.
 */
int vp_rulearg_parse(const struct vp_host *host, int nwords, char *const *words,
		     struct vp_rulearg *arg)
{
	struct words line = { .host = host, .count = nwords, .words = words };

	return read_words(&line, arg);
}

/**
 * vp_rulearg_try() - the same, of words that may be no rule
 * @host: as above
 * @nwords: number of @words
 * @words: the words
 * @arg: filled in on success
 *
 * Return: as above, without having said anything.
 */
int vp_rulearg_try(const struct vp_host *host, int nwords, char *const *words,
		   struct vp_rulearg *arg)
{
	struct words line = {
		.host = host, .count = nwords, .words = words, .quiet = true,
	};

	return read_words(&line, arg);
}

/**
 * vp_rulearg_has_place() - does a rule say where
 * @rule: the rule
 *
 * Return: true when it names an address, a path or the VFs of a PF, so that
 * whatever is there is meant.
 */
bool vp_rulearg_has_place(const struct vp_rule *rule)
{
	return rule->count && !rule->selectors[0].except &&
	       rule->selectors[0].kind <= VP_SEL_VFS_OF;
}

/**
 * vp_rulearg_selectors() - a rule as one would type it
 * @canonical: what vp_rule_print() wrote
 *
 * Return: the part of it behind the action that may be left out.
 */
const char *vp_rulearg_selectors(const char *canonical)
{
	return begins_with_word(canonical, "vfio") ?
	       canonical + strlen(SUPPLIED) : canonical;
}

/**
 * vp_rulearg_number() - is this the number of a rule
 * @word: what was typed
 * @id: set to the number, if so
 *
 * No rule consists of digits alone, so the two are never mixed up.
 *
 * Return: true when it is.
 */
bool vp_rulearg_number(const char *word, u32 *id)
{
	unsigned long val;
	char *end;

	if (!isdigit((unsigned char)word[0]))
		return false;
	errno = 0;
	val = strtoul(word, &end, 10);
	if (*end || errno || !val || val > ~0u)
		return false;
	*id = (u32)val;
	return true;
}
