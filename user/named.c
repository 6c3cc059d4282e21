// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules by what people call them: a command that is about a device takes the name or
 * the number of the rule that has it as well. And what a device was called before its
 * rule took it from its driver: its disk or interface is gone by then, but the comment
 * that was written above the rule has it.
 */
#include <ctype.h>

#include "named.h"
#include "output.h"
#include "table.h"

/* How lines begin that the command wrote. */
#define OWN_COMMENT	"#: "

/* Devices of which it is told that another rule has them. */
#define OTHERS	8

/**
 * vp_named_is() - is this what somebody calls a rule
 * @rule: the rule
 * @id: its number
 * @word: what was typed
 *
 * Return: true when it is its name or its number.
 */
bool vp_named_is(const struct vp_rule *rule, u32 id, const char *word)
{
	u32 number;

	if (vp_rulearg_number(word, &number))
		return id == number;
	return rule->name[0] && !strcmp(rule->name, word);
}

static int table_of_files(struct vp_table **table)
{
	struct vp_rules_error error;
	struct vp_rules rules;
	int ret = vp_rules_read(&rules, &error);

	if (!ret)
		ret = vp_table_of_files(&rules, table);
	vp_rules_free(&rules);
	return ret;
}

/* A snapshot goes by the files, as this host does without the module. */
static int make_table(const struct vp_host *host, struct vp_table **table)
{
	struct vp_nl_rule *rules = NULL;
	size_t count = 0;
	struct vp_nl nl;
	int ret;

	*table = NULL;
	if (!host->sysfs)
		return table_of_files(table);
	ret = vp_nl_open(&nl);
	if (!ret)
		ret = vp_nl_rules(&nl, &rules, &count);
	vp_nl_close(&nl);
	if (ret == -ENOENT)
		ret = table_of_files(table);
	else if (!ret)
		ret = vp_table_of_module(rules, count, table);
	free(rules);
	return ret;
}

static int take_other(struct vp_named *named, const struct vp_host_dev *dev,
		      const struct vp_entry *entry)
{
	struct vp_named_other *others;

	others = reallocarray(named->others, named->other_count + 1,
			      sizeof(*others));
	if (!others)
		return -ENOMEM;
	named->others = others;
	others += named->other_count++;
	others->dev = dev;
	others->id = entry->id;
	snprintf(others->text, sizeof(others->text), "%s", entry->text);
	return 0;
}

static int take_devices(struct vp_host *host, const struct vp_table *table,
			const struct vp_entry *mine, struct vp_named *named)
{
	const struct vp_host_dev *dev;
	const struct vp_entry *entry;
	enum vp_fit fit;
	int ret = 0;

	named->devs = calloc(host->count + 1, sizeof(const void *));
	if (!named->devs)
		return -ENOMEM;
	if (table->dsn)
		vp_host_read_dsn(host, NULL);
	for (dev = host->devs; !ret && dev < host->devs + host->count; dev++) {
		if (vp_match(&mine->rule, &dev->facts, NULL) != VP_FIT_MATCH)
			continue;
		entry = vp_policy_match(table, &dev->facts, &fit);
		/* The same rule may be there once an origin. */
		if (entry && strcmp(entry->text, mine->text) != 0)
			ret = take_other(named, dev, entry);
		else if (entry)
			named->devs[named->count++] = dev;
	}
	return ret;
}

/**
 * vp_named_find() - the rule that a word of the command line means
 * @host: the host, or a snapshot of one
 * @word: what was typed
 * @named: filled in; to be freed with vp_named_free(), also after an error
 *
 * The rules are those of the module; those of the files without it, and for a
 * snapshot.
 *
 * Return: 0; -ENOENT when it is neither name nor number of one; another -errno when
 * the rules are not to be had.
 */
int vp_named_find(struct vp_host *host, const char *word,
		  struct vp_named *named)
{
	const struct vp_entry *entry;
	struct vp_table *table;
	int ret;
	u32 i;

	memset(named, 0, sizeof(*named));
	/* Nothing else can be a name: spare the rules. */
	if (!word[0] || strpbrk(word, " /:=*"))
		return -ENOENT;
	ret = make_table(host, &table);
	for (i = 0; !ret && i < table->count; i++) {
		entry = table->entries[i];
		if (!vp_named_is(&entry->rule, entry->id, word))
			continue;
		named->id = entry->id;
		snprintf(named->text, sizeof(named->text), "%s", entry->text);
		ret = take_devices(host, table, entry, named);
		break;
	}
	if (!ret && !named->id)
		ret = -ENOENT;
	vp_policy_free(table);
	return ret;
}

/**
 * vp_named_free() - forget a rule
 * @named: from vp_named_find()
 */
void vp_named_free(struct vp_named *named)
{
	free(named->devs);
	named->devs = NULL;
	named->count = 0;
	free(named->others);
	named->others = NULL;
	named->other_count = 0;
}

/**
 * vp_named_say_none() - say why a rule has no device
 * @named: the rule
 */
void vp_named_say_none(const struct vp_named *named)
{
	const struct vp_named_other *other = named->others;
	size_t i;

	if (!named->other_count) {
		vp_out_error("rule %u has no device that is present: %s",
			     named->id, named->text);
		return;
	}
	vp_out_error("rule %u has no device, as rules before it have what it names: %s",
		     named->id, named->text);
	for (i = 0; i < named->other_count && i < OTHERS; i++, other++)
		vp_out_error_more("  %s: rule %u comes first: %s",
				  other->dev->address, other->id, other->text);
	if (i < named->other_count)
		vp_out_error_more("  and so it is with %zu more",
				  named->other_count - i);
}

static bool is_part_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' ||
	       c == ':';
}

/* Is the word in this line, and not as a part of another one? */
static bool has_word(const char *line, size_t len, const char *word)
{
	size_t size = strlen(word);
	const char *at = line;

	while ((at = memmem(at, len - (size_t)(at - line), word, size))) {
		if (!is_part_of_name(at[-1]) &&
		    (at + size == line + len || !is_part_of_name(at[size])))
			return true;
		at++;
	}
	return false;
}

/* Do the lines that the command wrote above a rule have the word? */
static bool is_in_comment(const struct vp_rules_file *file, unsigned int line,
			  const char *word)
{
	const char *end = file->text, *start;

	/* The beginning of the rule's own line. */
	while (end && line-- > 1) {
		end = strchr(end, '\n');
		end = end ? end + 1 : NULL;
	}
	while (end && end > file->text) {
		start = memrchr(file->text, '\n', (size_t)(end - 1 - file->text));
		start = start ? start + 1 : file->text;
		if (strncmp(start, OWN_COMMENT, strlen(OWN_COMMENT)) != 0)
			break;
		if (has_word(start + strlen(OWN_COMMENT),
			     (size_t)(end - 1 - start) - strlen(OWN_COMMENT),
			     word))
			return true;
		end = start;
	}
	return false;
}

/* The one device that is where the rule says, and what it says. */
static const struct vp_host_dev *device_of(const struct vp_host *host,
					   const struct vp_rule *rule)
{
	const struct vp_host_dev *dev, *found = NULL;

	for (dev = host->devs; dev < host->devs + host->count; dev++) {
		if (vp_match(rule, &dev->facts, NULL) != VP_FIT_MATCH)
			continue;
		if (found)
			return NULL;
		found = dev;
	}
	return found;
}

/**
 * vp_named_was() - a word that names nothing now may have named a rule's device
 * @host: the host
 * @files: the rule files
 * @word: what was typed: a disk, a network interface, or the device file of one
 * @hint: set to a sentence, or to nothing; %VP_DEVICE_LEN bytes
 *
 * Return: true when a comment above a rule has it.
 */
bool vp_named_was(const struct vp_host *host, const struct vp_rules *files,
		  const char *word, char *hint)
{
	const struct vp_rules_entry *entry;
	const struct vp_host_dev *dev;

	hint[0] = '\0';
	if (!strncmp(word, "/dev/", strlen("/dev/")))
		word += strlen("/dev/");
	/* Sizes and numbers of models stand there as well. */
	if (!isalpha((unsigned char)word[0]) || strpbrk(word, " ,/") ||
	    strlen(word) < 3)
		return false;
	for (entry = files->entries; entry < files->entries + files->count;
	     entry++) {
		if (!entry->text || !files->files[entry->file].text ||
		    !is_in_comment(&files->files[entry->file], entry->line,
				   word))
			continue;
		dev = device_of(host, entry->rule);
		if (dev)
			snprintf(hint, VP_DEVICE_LEN,
				 "%.40s was the name of %s until its rule took it (%.200s): call it by its address.",
				 word, dev->address, entry->text);
		else
			snprintf(hint, VP_DEVICE_LEN,
				 "%.40s was the name of what a rule is for that is not there now: %.200s",
				 word, entry->text);
		return true;
	}
	return false;
}

/**
 * vp_named_hint() - the same, of the rule files as they are
 * @host: the host
 * @word: what was typed
 * @hint: set to a sentence, or to nothing; %VP_DEVICE_LEN bytes
 *
 * Return: true when a comment above a rule has it.
 */
bool vp_named_hint(const struct vp_host *host, const char *word, char *hint)
{
	struct vp_rules_error error;
	struct vp_rules files;
	bool found;

	hint[0] = '\0';
	/* Of another host the files say nothing. */
	if (!host->sysfs)
		return false;
	found = !vp_rules_read(&files, &error) &&
		vp_named_was(host, &files, word, hint);
	vp_rules_free(&files);
	return found;
}
