// SPDX-License-Identifier: GPL-2.0-only
/*
 * Some generators of boot images take a hook, or a module, only where their user
 * names it in their configuration. Whether he has is read from there as far as
 * that is lists: nothing of it is run.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_hook.h"
#include "peek.h"

/* Longer ones are nobody's configuration. */
#define CONFIG_MAX	(256 * 1024)
#define OUR_NAME	"vfiopolicy"

/**
 * struct reading - what the files say so far
 * @hook: what is looked for
 * @named: we are named
 * @file: the last one that sets the variable
 */
struct reading {
	const struct vp_image_hook *hook;
	bool named;
	char file[VP_IMAGE_HOOK_LEN];
};

static bool is_in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static struct vp_site_span uncommented(struct vp_site_span line)
{
	const char *hash = memchr(line.text, '#', line.len);

	if (hash)
		line.len = (size_t)(hash - line.text);
	return line;
}

/* As a word by itself. */
static bool names_us(struct vp_site_span text)
{
	const char *at = text.text, *end = text.text + text.len;
	const size_t len = strlen(OUR_NAME);

	while ((at = memmem(at, (size_t)(end - at), OUR_NAME, len))) {
		if ((at == text.text || !is_in_word(at[-1])) &&
		    (at + len == end || !is_in_word(at[len])))
			return true;
		at += len;
	}
	return false;
}

/*
 * Behind the sign of an assignment, perhaps over lines. Return: where the next line
 * begins.
 */
static const char *read_list(struct reading *reading, struct vp_site_span rest,
			     const char *next, const char *end, bool add)
{
	const char *name = reading->hook->variable, *close = NULL;
	bool array = rest.len && rest.text[0] == '(', found = false;

	do {
		if (array)
			close = memchr(rest.text, ')', rest.len);
		if (close)
			rest.len = (size_t)(close - rest.text);
		found |= names_us(rest);
		/* What it was before is part of it. */
		add |= !!memmem(rest.text, rest.len, name, strlen(name));
		if (!array || close || !vp_site_next_line(&next, end, &rest))
			break;
		rest = uncommented(rest);
	} while (true);
	reading->named = found || (add && reading->named);
	return next;
}

static bool skip(struct vp_site_span *text, const char *word)
{
	const size_t len = strlen(word);

	if (text->len < len || memcmp(text->text, word, len) != 0)
		return false;
	text->text += len;
	text->len -= len;
	return true;
}

static void read_file(struct reading *reading, const struct vp_site *site,
		      const char *path)
{
	const char *name = reading->hook->variable, *pos, *end;
	struct vp_site_span line;
	size_t len;
	char *text;
	bool add;

	text = vp_site_load(site, path, CONFIG_MAX, &len);
	pos = text;
	end = text ? text + len : NULL;
	while (text && vp_site_next_line(&pos, end, &line)) {
		line = vp_site_trim(uncommented(line));
		if (!name) {
			reading->named |= names_us(line);
			continue;
		}
		if (!skip(&line, name))
			continue;
		add = skip(&line, "+");
		if (!skip(&line, "="))
			continue;
		pos = read_list(reading, line, pos, end, add);
		snprintf(reading->file, sizeof(reading->file), "%s", path);
	}
	free(text);
}

/* It goes into a line that is typed. */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (!is_in_word(*name))
			return false;
	return true;
}

/* What a shell reads: those that end in .conf, as they are sorted. */
static void read_folder(struct reading *reading, const struct vp_site *site)
{
	char *folder = vp_site_path(site, reading->hook->folder);
	char path[VP_IMAGE_HOOK_LEN], before[VP_IMAGE_HOOK_LEN];
	struct dirent **names;
	const char *name;
	size_t len;
	int count, i;

	count = folder ? vp_peek_list(&names, "%s", folder) : -1;
	for (i = 0; i < count; i++) {
		name = names[i]->d_name;
		len = strlen(name);
		if (len < 5 || strcmp(name + len - 5, ".conf") != 0)
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s",
				     reading->hook->folder, name) >= sizeof(path))
			continue;
		memcpy(before, reading->file, sizeof(before));
		read_file(reading, site, path);
		if (!is_plain(name))
			memcpy(reading->file, before, sizeof(before));
	}
	if (count >= 0)
		vp_peek_free(names, count);
	free(folder);
}

/**
 * vp_image_hook_named() - has the user of a generator named our hook
 * @site: the host
 * @hook: where he would have
 * @file: set to the file where it is to be named; room for %VP_IMAGE_HOOK_LEN
 *
 * Return: true when he has.
 */
bool vp_image_hook_named(const struct vp_site *site,
			 const struct vp_image_hook *hook, char *file)
{
	struct reading reading = { .hook = hook };

	snprintf(reading.file, sizeof(reading.file), "%s", hook->file);
	read_file(&reading, site, hook->file);
	if (hook->folder)
		read_folder(&reading, site);
	memcpy(file, reading.file, sizeof(reading.file));
	return reading.named;
}
