// SPDX-License-Identifier: GPL-2.0-only
/*
 * modprobe.d, byte for byte as libkmod reads it, which does not say where it
 * found something. A test compares the two.
 *
 * A backslash takes the next byte as it is, and joins lines; that comes before
 * all else, comments included.
 */
#include <stdlib.h>
#include <string.h>

#include "site.h"

/**
 * struct command - a word that lines begin with
 * @word: the word
 * @kind: what it makes
 * @rest: what is behind the module is its value
 */
struct command {
	const char *word;
	enum vp_site_kind kind;
	bool rest;
};

static const struct command commands[] = {
	{ "options", VP_SITE_OPTIONS, true },
	{ "softdep", VP_SITE_SOFTDEP, true },
	{ "blacklist", VP_SITE_BLACKLIST, false },
	{ "install", VP_SITE_INSTALL, true },
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* As strtok(): the next word of a line, or nothing. */
static struct vp_site_span next(struct vp_site_span *rest)
{
	struct vp_site_span word;

	while (rest->len && is_blank(rest->text[0])) {
		rest->text++;
		rest->len--;
	}
	word.text = rest->text;
	for (word.len = 0; word.len < rest->len; word.len++)
		if (is_blank(rest->text[word.len]))
			break;
	rest->text += word.len;
	rest->len -= word.len;
	/* The blank behind it goes with it. */
	if (rest->len) {
		rest->text++;
		rest->len--;
	}
	return word;
}

/* Ranges of a pattern have both ends, or libkmod passes over the line. */
static bool is_pattern(struct vp_site_span module)
{
	bool inside = false;
	size_t i;

	for (i = 0; i < module.len; i++) {
		if (module.text[i] == ']' && !inside)
			return false;
		if (module.text[i] == ']')
			inside = false;
		else if (module.text[i] == '[')
			inside = true;
	}
	return !inside;
}

static void parse_line(struct vp_site *site, const struct vp_site_at *at,
		       struct vp_site_span line)
{
	struct vp_site_span rest = line, word, module;
	const char *nul;
	size_t i;

	/* To libkmod a line ends there. */
	nul = memchr(line.text, '\0', line.len);
	if (nul)
		rest.len = (size_t)(nul - line.text);
	if (!rest.len || rest.text[0] == '#')
		return;
	word = next(&rest);
	module = next(&rest);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (word.len != strlen(commands[i].word) ||
		    memcmp(word.text, commands[i].word, word.len) != 0)
			continue;
		if (module.len && is_pattern(module) && (rest.len || !commands[i].rest))
			vp_site_add(site, commands[i].kind, at, module,
				    commands[i].rest ? rest : vp_site_str(""),
				    vp_site_trim(line));
	}
}

/**
 * vp_site_parse_modprobe() - read a file of modprobe.d
 * @site: where settings are added
 * @at: the file
 * @text: its contents
 * @len: their length
 */
void vp_site_parse_modprobe(struct vp_site *site, struct vp_site_at *at,
			    const char *text, size_t len)
{
	char *line = calloc(len + 1, 1);
	unsigned int now = 1;
	size_t used = 0, i;

	if (!line) {
		site->failed = true;
		return;
	}
	at->line = 1;
	for (i = 0; i < len; i++) {
		if (text[i] == '\n') {
			at->last = now++;
			parse_line(site, at, (struct vp_site_span){ line, used });
			used = 0;
			at->line = now;
		} else if (text[i] == '\\' && i + 1 < len) {
			if (text[++i] == '\n')
				now++;
			else
				line[used++] = text[i];
		} else {
			line[used++] = text[i];
		}
	}
	at->last = now;
	parse_line(site, at, (struct vp_site_span){ line, used });
	free(line);
}
