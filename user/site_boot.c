// SPDX-License-Identifier: GPL-2.0-only
/*
 * Command lines of kernels, and the files in which boot loaders and builders
 * of boot images are told of them: assignments of a shell, of which none is
 * run, and lines that begin with a keyword.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "site.h"

/**
 * struct variable - a variable that matters
 * @name: its name; one that ends in '*' may go on
 * @kind: what its words are
 */
struct variable {
	const char *name;
	enum vp_site_kind kind;
};

static const struct variable variables[] = {
	{ "GRUB_CMDLINE_*", VP_SITE_LOADER },
	{ "U_BOOT_PARAMETERS", VP_SITE_LOADER },
	{ "kernel_cmdline", VP_SITE_LOADER },
	{ "force_drivers", VP_SITE_LOAD },
	{ "add_drivers", VP_SITE_LOAD },
	{ "MODULES", VP_SITE_LOAD },
};

/**
 * struct shell - a script that is being read
 * @pos: the next byte
 * @end: behind the last
 * @line: number of the line that @pos is in
 * @value: the value read last, without its quotes
 * @len: its length
 */
struct shell {
	const char *pos;
	const char *end;
	unsigned int line;
	char *value;
	size_t len;
};

/*
 * One word as the kernel takes it: a blank inside of double quotes does not
 * end it. The quotes around all of it or around its value are no part of it.
 */
static void add_word(struct vp_site *site, enum vp_site_kind kind,
		     const struct vp_site_at *at, struct vp_site_span word)
{
	struct vp_site_span key = word, value = { "", 0 };
	const char *equals;

	if (key.text[0] == '"') {
		key.text++;
		key.len--;
		if (key.len && key.text[key.len - 1] == '"')
			key.len--;
	}
	equals = memchr(key.text, '=', key.len);
	if (equals) {
		value.text = equals + 1;
		value.len = (size_t)(key.text + key.len - value.text);
		key.len = (size_t)(equals - key.text);
		if (value.len && value.text[0] == '"') {
			value.text++;
			value.len--;
			if (value.len && value.text[value.len - 1] == '"')
				value.len--;
		}
	}
	if (key.len)
		vp_site_add(site, kind, at, key, value, word);
}

/**
 * vp_site_parse_words() - read a command line, or a list of modules
 * @site: where settings are added
 * @kind: what its words are
 * @at: the file and the line
 * @text: the words
 * @len: their length
 */
void vp_site_parse_words(struct vp_site *site, enum vp_site_kind kind,
			 struct vp_site_at *at, const char *text, size_t len)
{
	struct vp_site_span word;
	bool quoted = false;
	size_t i = 0;

	while (i < len) {
		while (i < len && isspace((unsigned char)text[i]))
			i++;
		word.text = text + i;
		for (; i < len && (quoted || !isspace((unsigned char)text[i]));
		     i++)
			if (text[i] == '"')
				quoted = !quoted;
		word.len = (size_t)(text + i - word.text);
		if (word.len && kind == VP_SITE_LOAD)
			vp_site_add(site, kind, at, word, vp_site_str(""), word);
		else if (word.len)
			add_word(site, kind, at, word);
		quoted = false;
	}
}

static char take(struct shell *shell)
{
	if (*shell->pos == '\n')
		shell->line++;
	return *shell->pos++;
}

static void keep(struct shell *shell, char c)
{
	shell->value[shell->len++] = c;
}

static void read_quoted(struct shell *shell, char quote)
{
	char c;

	while (shell->pos < shell->end) {
		c = take(shell);
		if (c == quote)
			return;
		if (c == '\\' && quote == '"' && shell->pos < shell->end &&
		    strchr("\"\\$`\n", *shell->pos)) {
			c = take(shell);
			if (c == '\n')
				continue;
		}
		keep(shell, c);
	}
}

static bool ends_word(char c)
{
	return isspace((unsigned char)c) || c == ';' || c == '&' || c == '|';
}

/* A value ends at a blank, or, in brackets, at the closing one. */
static void read_value(struct shell *shell)
{
	bool array = shell->pos < shell->end && *shell->pos == '(';
	char c;

	shell->len = 0;
	if (array)
		take(shell);
	while (shell->pos < shell->end) {
		c = *shell->pos;
		if (array ? c == ')' : ends_word(c))
			return;
		take(shell);
		if (c == '"' || c == '\'') {
			read_quoted(shell, c);
		} else if (c == '\\' && shell->pos < shell->end) {
			c = take(shell);
			if (c != '\n')
				keep(shell, c);
		} else if (array && c == '#' && shell->len &&
			   isspace((unsigned char)shell->value[shell->len - 1])) {
			while (shell->pos < shell->end && *shell->pos != '\n')
				take(shell);
		} else {
			keep(shell, c);
		}
	}
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const struct variable *find_variable(struct vp_site_span name)
{
	size_t i, len;

	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		len = strlen(variables[i].name);
		if (variables[i].name[len - 1] == '*' ? name.len >= --len :
							name.len == len)
			if (!memcmp(name.text, variables[i].name, len))
				return &variables[i];
	}
	return NULL;
}

/* Skips blanks and the word that makes others see a variable. */
static void skip_export(struct shell *shell)
{
	static const char word[] = "export ";

	while (shell->pos < shell->end &&
	       (*shell->pos == ' ' || *shell->pos == '\t'))
		shell->pos++;
	if ((size_t)(shell->end - shell->pos) > strlen(word) &&
	    !memcmp(shell->pos, word, strlen(word)))
		shell->pos += strlen(word);
}

static void read_statement(struct vp_site *site, struct vp_site_at *at,
			   struct shell *shell)
{
	const struct variable *variable;
	struct vp_site_span name;

	skip_export(shell);
	name.text = shell->pos;
	while (shell->pos < shell->end && is_name(*shell->pos))
		shell->pos++;
	name.len = (size_t)(shell->pos - name.text);
	if (shell->end - shell->pos > 1 && shell->pos[0] == '+')
		shell->pos++;
	if (name.len && shell->pos < shell->end && *shell->pos == '=') {
		shell->pos++;
		at->line = shell->line;
		read_value(shell);
		at->last = shell->line;
		variable = find_variable(name);
		if (variable)
			vp_site_parse_words(site, variable->kind, at,
					    shell->value, shell->len);
	}
	while (shell->pos < shell->end)
		if (take(shell) == '\n')
			return;
}

/**
 * vp_site_parse_shell() - read assignments of a shell
 * @site: where settings are added
 * @at: the file
 * @text: its contents
 * @len: their length
 */
void vp_site_parse_shell(struct vp_site *site, struct vp_site_at *at,
			 const char *text, size_t len)
{
	struct shell shell = {
		.pos = text, .end = text + len, .line = 1,
		.value = malloc(len + 1),
	};

	if (!shell.value)
		site->failed = true;
	while (shell.value && shell.pos < shell.end)
		read_statement(site, at, &shell);
	free(shell.value);
}

/**
 * vp_site_parse_keywords() - read an entry of a boot loader
 * @site: where settings are added
 * @at: the file
 * @text: its contents
 * @len: their length
 */
void vp_site_parse_keywords(struct vp_site *site, struct vp_site_at *at,
			    const char *text, size_t len)
{
	const char *pos = text, *end = text + len;
	struct vp_site_span line, rest, word;

	for (at->line = 1; vp_site_next_line(&pos, end, &line); at->line++) {
		at->last = at->line;
		rest = line;
		if (!vp_site_next_word(&rest, &word))
			continue;
		/* The Boot Loader Specification has the one, extlinux the other. */
		if ((word.len == 7 && !strncmp(word.text, "options", 7)) ||
		    (word.len == 6 && !strncasecmp(word.text, "append", 6)))
			vp_site_parse_words(site, VP_SITE_LOADER, at, rest.text,
					    rest.len);
	}
}
