/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule files.
 *
 *	/etc/vfiopolicy/rules.d/NAME.rules	the administrator's
 *	/run/vfiopolicy/rules.d/NAME.rules	until the next boot
 *	/usr/lib/vfiopolicy/rules.d/NAME.rules	what packages bring
 *
 * Of files of one name the first counts alone; it masks the others when it is
 * empty or a link to /dev/null. What is left is read in the order of strcmp()
 * of the names, whatever the folder. Names that begin with a dot are passed
 * over. The environment variable VFIOPOLICY_ROOT goes before all these paths.
 */
#ifndef VFIOPOLICY_RULES_H
#define VFIOPOLICY_RULES_H

#include <limits.h>
#include <sys/stat.h>

#include "rule.h"

/* Where rules go when nobody says where. */
#define VP_RULES_DEFAULT	"50-local.rules"
/* What a file must be called. */
#define VP_RULES_SUFFIX		".rules"
/* Bytes of a file; larger ones are refused. */
#define VP_RULES_SIZE_MAX	(16U << 20)
/* Rules of all files, bad ones included; a file that has more is refused. */
#define VP_RULES_COUNT_MAX	65536

/**
 * struct vp_rules_error - why something failed
 * @text: for people, one line, without a line end; names the path
 */
struct vp_rules_error {
	char text[PATH_MAX + 512];
};

/**
 * enum vp_rules_folder - where a file is, the first one wins
 * @VP_RULES_ETC: /etc, where the command edits
 * @VP_RULES_RUN: /run
 * @VP_RULES_LIB: /usr/lib
 * @VP_RULES_FOLDERS: how many there are
 */
enum vp_rules_folder {
	VP_RULES_ETC,
	VP_RULES_RUN,
	VP_RULES_LIB,
	VP_RULES_FOLDERS,
};

/**
 * struct vp_rules_file - a file that is not hidden, or a folder that is refused
 * @folder: where it is
 * @path: all of its path, VFIOPOLICY_ROOT included
 * @name: its name, the last part of @path; empty for a folder
 * @link: it is a symbolic link
 * @editable: the command may change it: it is in /etc and no link
 * @masked: it has no rules and is there to hide others of its name
 * @refused: why its rules do not count, for people; NULL when they do
 * @errnum: a positive errno, when @refused
 * @status: as it was when it was read
 * @text: its contents and a NUL; NULL when @refused or @masked
 * @len: bytes of @text, without the NUL
 */
struct vp_rules_file {
	enum vp_rules_folder folder;
	char *path;
	const char *name;
	bool link;
	bool editable;
	bool masked;
	char *refused;
	int errnum;
	struct stat status;
	char *text;
	size_t len;
};

/**
 * struct vp_rules_entry - a rule in a file, good or bad
 * @file: number of its file in &vp_rules.files
 * @line: number of its first line, from 1
 * @text: its canonical form; NULL when it is bad
 * @rule: what it says, when @text
 * @duplicate: @text, and an earlier entry says the same
 * @typed: when bad, all of it as it was written, in one line of printable
 *         characters: continuations are blanks and odd bytes are '?'
 * @rest: when bad, the part of @typed that does not fit
 * @error_line: when bad, number of the line that @rest begins in
 * @error_column: when bad, byte in that line, from 1
 * @want: when bad, what would have been legal there, to be read after the word
 *        "expected"; a static string
 * @hint: when bad, the known word that is closest to @rest, a static string,
 *        or NULL
 */
struct vp_rules_entry {
	size_t file;
	unsigned int line;
	char *text;
	struct vp_rule *rule;
	bool duplicate;
	char *typed;
	const char *rest;
	unsigned int error_line;
	unsigned int error_column;
	const char *want;
	const char *hint;
};

/**
 * struct vp_rules - what the files say
 * @files: the files, in the order in which they are read; folders that are
 *         refused go before them
 * @nfiles: number of @files
 * @refused: how many of them are refused
 * @entries: the rules, in the order in which they are tried
 * @count: number of @entries
 * @bad: how many of them are bad
 */
struct vp_rules {
	struct vp_rules_file *files;
	size_t nfiles;
	size_t refused;
	struct vp_rules_entry *entries;
	size_t count;
	size_t bad;
};

/**
 * struct vp_rules_lock - the right to edit the files of /etc
 * @dir: their folder, open; -1 when there is no such right
 */
struct vp_rules_lock {
	int dir;
};

/**
 * struct vp_rules_place - where a rule stands
 * @path: path of the file, VFIOPOLICY_ROOT included
 * @line: number of its first line, from 1
 */
struct vp_rules_place {
	char path[PATH_MAX];
	unsigned int line;
};

/**
 * struct vp_rules_change - what an edit did
 * @changed: how many rules it wrote or deleted; when 0, nothing was changed
 * @place: the first of them: of one that was written where it is now, of a
 *         deleted one where it was; of one that need not be written as it is
 *         there already where that is
 * @left: how many times the deleted rule still stands in files of /run and
 *        /usr/lib; to be rid of it these have to be masked
 * @left_place: the first of these
 */
struct vp_rules_change {
	unsigned int changed;
	struct vp_rules_place place;
	unsigned int left;
	struct vp_rules_place left_place;
};

int vp_rules_read(struct vp_rules *rules, struct vp_rules_error *error);
void vp_rules_free(struct vp_rules *rules);
const struct vp_rules_entry *vp_rules_find(const struct vp_rules *rules,
					   const char *text);
const char *vp_rules_path(const struct vp_rules *rules,
			  const struct vp_rules_entry *entry);
void vp_rules_describe(const struct vp_rules *rules,
		       const struct vp_rules_entry *entry,
		       struct vp_rules_error *error);

/* What else is to be done with a change, or not at all. Return: 0 or -errno. */
typedef int (*vp_rules_fn)(void *arg);

/* rules_lock.c */
int vp_rules_lock(struct vp_rules_lock *lock, bool wait,
		  struct vp_rules_error *error);
void vp_rules_unlock(struct vp_rules_lock *lock);

/* rules_edit.c */
int vp_rules_add(const struct vp_rules_lock *lock, const char *file_name,
		 const char *comment, const char *rule_text,
		 struct vp_rules_change *change, struct vp_rules_error *error);
int vp_rules_del_all(const struct vp_rules_lock *lock, const char *const *texts,
		     size_t count, vp_rules_fn between, void *arg,
		     struct vp_rules_change *changes,
		     struct vp_rules_error *error);
int vp_rules_del(const struct vp_rules_lock *lock, const char *text,
		 vp_rules_fn between, void *arg,
		 struct vp_rules_change *change, struct vp_rules_error *error);

/* rules.c, for rules_edit.c */
int vp_rules_open_folder(enum vp_rules_folder folder, bool create, int *dir,
			 struct vp_rules_error *error);
char *vp_rules_make_path(enum vp_rules_folder folder, const char *name);
__attribute__((format(printf, 3, 4)))
int vp_rules_fail(struct vp_rules_error *error, int ret, const char *fmt, ...);

#endif /* VFIOPOLICY_RULES_H */
