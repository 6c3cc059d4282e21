// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes the rule files of /etc, in three steps: the new text of each file is
 * made from what was read under the lock; all are written to temporary files
 * beside the old ones; then these are renamed into place. Whatever fails, each
 * file is all old or all new, and until the first rename nothing has changed.
 *
 *	#: what the command itself wrote above a rule, deleted along with it
 *	vfio at=0000:00:03.2/00.0 144d:a80a
 *
 * All other lines belong to people and stay as they are, byte for byte.
 */
#include <fcntl.h>
#include <unistd.h>

#include "output.h"
#include "rules.h"
#include "text.h"

/* How lines begin that the command wrote. */
#define OWN_COMMENT	"#: "
/* Begins with a dot, so that it is never read as rules. */
#define TEMPORARY	".vfiopolicy-%zu.new"

static const char heading[] =
	"# Rules for PCI devices. \"vfiopolicy add\" appends to this file, and\n"
	"# \"vfiopolicy del\" deletes rules and the lines above them that begin with\n"
	"# \"#:\". Everything else in here is yours.\n"
	"\n";

/**
 * struct edit - the new text of one file
 * @file: the file as it was read; NULL when there is none yet
 * @path: its path, for people
 * @name: its name
 * @text: what it is to be
 * @len: bytes of @text
 * @temporary: name of the file that has @text already; empty when none has
 */
struct edit {
	const struct vp_rules_file *file;
	const char *path;
	const char *name;
	char *text;
	size_t len;
	char temporary[40];
};

static int fail_errno(struct vp_rules_error *error, int errnum,
		      const char *path)
{
	return vp_rules_fail(error, -errnum, "%s: %s", path, strerror(errnum));
}

static int write_all(int fd, const char *text, size_t len)
{
	ssize_t done;

	while (len) {
		done = write(fd, text, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		len -= (size_t)done;
	}
	return 0;
}

/* Writes an open temporary file so that only its name is not yet right. */
static int fill(int fd, const struct edit *edit)
{
	const struct stat *old = edit->file ? &edit->file->status : NULL;
	struct stat status;
	int ret;

	ret = write_all(fd, edit->text, edit->len);
	if (ret)
		return ret;
	if (fstat(fd, &status))
		return -errno;
	if (old && (old->st_uid != status.st_uid ||
		    old->st_gid != status.st_gid) &&
	    fchown(fd, old->st_uid, old->st_gid))
		return -errno;
	if (fchmod(fd, old ? old->st_mode & 07777 : 0644) || fsync(fd))
		return -errno;
	return 0;
}

/* Writes the new text beside the old file. */
static int stage(const struct vp_rules_lock *lock, struct edit *edit,
		 size_t number, struct vp_rules_error *error)
{
	char name[sizeof(edit->temporary)];
	int fd, ret;

	snprintf(name, sizeof(name), TEMPORARY, number);
	/* Left by one that was killed: nobody else has the lock. */
	unlinkat(lock->dir, name, 0);
	fd = openat(lock->dir, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return vp_rules_fail(error, -errno, "%s is unchanged: no file can be made beside it: %s%s",
				     edit->path, strerror(errno),
				     errno == EACCES && geteuid() ?
				     ". This takes root" : "");
	memcpy(edit->temporary, name, sizeof(name));
	ret = fill(fd, edit);
	if (close(fd) && !ret)
		ret = -errno;
	return ret ? vp_rules_fail(error, ret, "%s is unchanged: its new text cannot be written: %s",
				   edit->path, strerror(-ret)) : 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Whoever edits by hand takes no lock. */
static bool was_changed(const struct vp_rules_lock *lock,
			const struct edit *edit)
{
	const struct stat *old = edit->file ? &edit->file->status : NULL;
	struct stat now;

	if (fstatat(lock->dir, edit->name, &now, AT_SYMLINK_NOFOLLOW))
		return old || errno != ENOENT;
	return !old || old->st_dev != now.st_dev || old->st_ino != now.st_ino ||
	       old->st_size != now.st_size ||
	       !same_time(&old->st_mtim, &now.st_mtim) ||
	       !same_time(&old->st_ctim, &now.st_ctim);
}

/* Puts the new text in place of the old file. */
static int put(const struct vp_rules_lock *lock, struct edit *edit,
	       struct vp_rules_error *error)
{
	if (was_changed(lock, edit))
		return vp_rules_fail(error, -EAGAIN, "%s is unchanged: somebody else has just changed it; try again",
				     edit->path);
	if (renameat(lock->dir, edit->temporary, lock->dir, edit->name))
		return vp_rules_fail(error, -errno, "%s is unchanged: %s",
				     edit->path, strerror(errno));
	edit->temporary[0] = '\0';
	return 0;
}

/*
 * Makes all edits or, as far as that is possible, none. @between, which may be
 * NULL, comes when only names are not right yet, and may call it off.
 */
static int commit(const struct vp_rules_lock *lock, struct edit *edits,
		  size_t count, vp_rules_fn between, void *arg,
		  struct vp_rules_error *error)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < count && !ret; i++)
		ret = stage(lock, &edits[i], i, error);
	if (!ret && between)
		ret = between(arg);
	for (i = 0; i < count && !ret; i++)
		ret = put(lock, &edits[i], error);
	for (i = 0; i < count; i++)
		if (edits[i].temporary[0])
			unlinkat(lock->dir, edits[i].temporary, 0);
	/* Too late to take it back: then that might not last either. */
	if (!ret && count && fsync(lock->dir))
		vp_out_note("%s is changed, but may not be so after a crash: %s",
			    edits[0].path, strerror(errno));
	return ret;
}

/**
 * struct texts - rules in their canonical forms
 * @texts: the rules
 * @count: number of @texts
 */
struct texts {
	const char *const *texts;
	size_t count;
};

/* Return: which of them it is, or their count when it is none. */
static size_t which(const struct texts *texts, const char *text)
{
	size_t i;

	for (i = 0; i < texts->count && strcmp(texts->texts[i], text) != 0; i++)
		;
	return i;
}

/* Is this rule of a file one of these? */
static bool says(const struct vp_piece *piece, const struct texts *texts)
{
	char canonical[VFIOPOLICY_RULE_LEN_MAX + 1];
	struct vp_error why;
	struct vp_rule rule;

	if (vp_rule_parse(piece->text, piece->len, &rule, &why))
		return false;
	vp_rule_print(&rule, canonical, sizeof(canonical));
	return which(texts, canonical) < texts->count;
}

/*
 * Has the new text the rules of the old one, but for those that say @deleted
 * and one at the end that says @added? Either may be NULL. Continuations can
 * be so odd that one had better look.
 */
static bool keeps_rules(const struct edit *edit, const struct texts *deleted,
			const struct texts *added)
{
	const char *old = edit->file ? edit->file->text : NULL;
	const char *old_end = old ? old + edit->file->len : NULL;
	const char *new = edit->text, *new_end = new + edit->len;
	struct vp_piece was, is;

	while (old && vp_text_next(&old, old_end, 0, &was)) {
		if (deleted && says(&was, deleted))
			continue;
		if (!vp_text_next(&new, new_end, 0, &is) ||
		    is.len != was.len || memcmp(is.text, was.text, is.len) != 0)
			return false;
	}
	if (added && (!vp_text_next(&new, new_end, 0, &is) ||
		      !says(&is, added)))
		return false;
	return !vp_text_next(&new, new_end, 0, &is);
}

static void set_place(struct vp_rules_place *place, const char *path,
		      unsigned int line)
{
	snprintf(place->path, sizeof(place->path), "%s", path);
	place->line = line;
}

/* Comments may come from what devices say of themselves. */
static void put_comment(FILE *out, const char *comment)
{
	const char *p;

	fputs(OWN_COMMENT, out);
	for (p = comment; *p; p++) {
		if (*p == '\n' && p[1])
			fputs("\n" OWN_COMMENT, out);
		else if (*p != '\n')
			putc(iscntrl((unsigned char)*p) ? '?' : *p, out);
	}
	putc('\n', out);
}

/* The old text with a rule behind it; @apart puts an empty line between. */
static int append(struct edit *edit, const char *comment, const char *rule,
		  bool apart, size_t *at)
{
	const struct vp_rules_file *old = edit->file;
	FILE *out;

	free(edit->text);
	edit->text = NULL;
	out = open_memstream(&edit->text, &edit->len);
	if (!out)
		return -ENOMEM;
	if (!old)
		fputs(heading, out);
	if (old && old->len) {
		fwrite(old->text, 1, old->len, out);
		if (old->text[old->len - 1] != '\n')
			putc('\n', out);
	}
	if (apart)
		putc('\n', out);
	if (comment && comment[0])
		put_comment(out, comment);
	fflush(out);
	*at = edit->len;
	fprintf(out, "%s\n", rule);
	/* It fails for want of memory alone. */
	return ferror(out) | fclose(out) ? -ENOMEM : 0;
}

static int check_name(const char *name, struct vp_rules_error *error)
{
	size_t len = strlen(name), suffix = strlen(VP_RULES_SUFFIX);

	if (name[0] == '.' || strchr(name, '/') || len <= suffix ||
	    len > NAME_MAX || strcmp(name + len - suffix, VP_RULES_SUFFIX) != 0)
		return vp_rules_fail(error, -EINVAL, "'%s' cannot be the name of a rule file: expected NAME%s, without '/' and no dot at its start",
				     name, VP_RULES_SUFFIX);
	return 0;
}

static int check_editable(const struct vp_rules_file *file,
			  struct vp_rules_error *error)
{
	if (file->refused)
		return vp_rules_fail(error, -file->errnum, "%s", file->refused);
	if (file->link)
		return vp_rules_fail(error, -ELOOP, "%s is not edited: it is a symbolic link; edit what it points to, or put a file in its place",
				     file->path);
	return 0;
}

/* Finds the file to append to; one that is not there hides no other one. */
static int find_target(const struct vp_rules *rules, struct edit *edit,
		       struct vp_rules_error *error)
{
	size_t i;

	for (i = 0; i < rules->nfiles; i++) {
		if (strcmp(rules->files[i].name, edit->name) != 0)
			continue;
		if (rules->files[i].folder != VP_RULES_ETC)
			return vp_rules_fail(error, -EEXIST, "%s is not made: it would hide %s; take another name",
					     edit->path, rules->files[i].path);
		/* Gone by now: then it is made anew. */
		if (!rules->files[i].status.st_nlink &&
		    !rules->files[i].refused)
			return 0;
		edit->file = &rules->files[i];
		return check_editable(edit->file, error);
	}
	return 0;
}

/* Appends a rule that is in its canonical form. */
static int add_rule(const struct vp_rules_lock *lock,
		    const struct vp_rules *rules, struct edit *edit,
		    const char *comment, const char *text,
		    struct vp_rules_change *change,
		    struct vp_rules_error *error)
{
	const struct texts added = { .texts = &text, .count = 1 };
	unsigned int line, column;
	size_t at;
	int ret;

	/* A last line that would go on in the rule needs one to go on in. */
	ret = append(edit, NULL, text, false, &at);
	if (!ret)
		ret = append(edit, comment, text, !keeps_rules(edit, NULL, &added),
			     &at);
	if (ret)
		return fail_errno(error, ENOMEM, edit->path);
	if (!keeps_rules(edit, NULL, &added))
		return vp_rules_fail(error, -EINVAL, "%s is unchanged: its last line ends in a backslash; mend it",
				     edit->path);
	if (edit->len > VP_RULES_SIZE_MAX || rules->count >= VP_RULES_COUNT_MAX)
		return vp_rules_fail(error, -EFBIG, "%s is unchanged: there are too many rules",
				     edit->path);
	ret = commit(lock, edit, 1, NULL, NULL, error);
	if (ret)
		return ret;
	vp_text_where(edit->text, edit->text + at, &line, &column);
	change->changed = 1;
	set_place(&change->place, edit->path, line);
	return 0;
}

/**
 * vp_rules_add() - store a rule
 * @lock: from vp_rules_lock()
 * @file_name: name of the file of /etc to append to, which is made when it is
 *             not there; NULL for %VP_RULES_DEFAULT
 * @comment: goes above the rule; may have several lines; NULL for none
 * @rule_text: the rule, stored in its canonical form
 * @change: says what was done, and where the rule is
 * @error: says why not
 *
 * Does nothing when some file has the rule.
 *
 * Return: 0; -EINVAL when that is no rule or no name for a file; -EEXIST when
 * the file would hide one of /run or /usr/lib; -ELOOP when it is a symbolic
 * link; -EPERM when others than root may write it; -EAGAIN when somebody
 * changed it meanwhile; -EFBIG when it has too much in it; -ENOLCK without
 * @lock; -ENOMEM; any other -errno of writing. After an error the file is as
 * it was, unless @error says that it may be lost by a crash.
 */
int vp_rules_add(const struct vp_rules_lock *lock, const char *file_name,
		 const char *comment, const char *rule_text,
		 struct vp_rules_change *change, struct vp_rules_error *error)
{
	const char *name = file_name ? file_name : VP_RULES_DEFAULT;
	char text[VFIOPOLICY_RULE_LEN_MAX + 1];
	const struct vp_rules_entry *entry;
	struct edit edit = { .name = name };
	struct vp_error why;
	struct vp_rules rules;
	struct vp_rule rule;
	char *path;
	int ret;

	memset(change, 0, sizeof(*change));
	if (lock->dir < 0)
		return fail_errno(error, ENOLCK, "the rule files");
	if (vp_rule_parse(rule_text, strlen(rule_text), &rule, &why))
		return vp_rules_fail(error, -EINVAL, "'%.80s' is not a rule: expected %s",
				     rule_text, why.want);
	vp_rule_print(&rule, text, sizeof(text));
	ret = check_name(name, error);
	if (ret)
		return ret;
	path = vp_rules_make_path(VP_RULES_ETC, name);
	if (!path)
		return fail_errno(error, ENOMEM, name);
	edit.path = path;
	ret = vp_rules_read(&rules, error);
	entry = vp_rules_find(&rules, text);
	if (!ret && entry) {
		set_place(&change->place, vp_rules_path(&rules, entry),
			  entry->line);
	} else if (!ret) {
		ret = find_target(&rules, &edit, error);
		if (!ret)
			ret = add_rule(lock, &rules, &edit, comment, text,
				       change, error);
	}
	free(edit.text);
	vp_rules_free(&rules);
	free(path);
	return ret;
}

/* Start of the line before the one that starts at @line. */
static const char *line_before(const char *line, const char *start)
{
	if (line > start)
		line--;
	while (line > start && line[-1] != '\n')
		line--;
	return line;
}

/* Where a rule and its own comments begin; @start is where the last one ended. */
static const char *begin_of(const struct vp_piece *piece, const char *start)
{
	const char *begin = piece->text, *above;

	while (begin > start && begin[-1] != '\n')
		begin--;
	while (begin > start) {
		above = line_before(begin, start);
		if (strncmp(above, OWN_COMMENT, strlen(OWN_COMMENT)) != 0)
			break;
		begin = above;
	}
	return begin;
}

/* The text of a file without the rules. */
static void cut(const struct vp_rules_file *file, const struct texts *texts,
		struct edit *edit)
{
	const char *pos = file->text, *end = pos + file->len;
	const char *kept = pos, *start = pos, *begin;
	struct vp_piece piece;

	for (; vp_text_next(&pos, end, 0, &piece); start = pos) {
		if (!says(&piece, texts))
			continue;
		begin = begin_of(&piece, start);
		memcpy(edit->text + edit->len, kept, begin - kept);
		edit->len += begin - kept;
		kept = memchr(piece.text + piece.len, '\n',
			      end - (piece.text + piece.len));
		kept = kept ? kept + 1 : end;
	}
	memcpy(edit->text + edit->len, kept, end - kept);
	edit->len += end - kept;
}

static int prepare_del(const struct vp_rules_file *file,
		       const struct texts *texts, struct edit *edit,
		       struct vp_rules_error *error)
{
	int ret;

	ret = check_editable(file, error);
	if (ret)
		return ret;
	edit->file = file;
	edit->path = file->path;
	edit->name = file->name;
	edit->text = malloc(file->len + 1);
	if (!edit->text)
		return fail_errno(error, ENOMEM, file->path);
	cut(file, texts, edit);
	if (!keeps_rules(edit, texts, NULL))
		return vp_rules_fail(error, -EINVAL, "%s is unchanged: the rule cannot be told from what is around it; delete it by hand",
				     file->path);
	return 0;
}

/* Fills in @edits for the files that have the rules; @edits has room for all. */
static int prepare_dels(const struct vp_rules *rules, const struct texts *texts,
			struct edit *edits, size_t *count,
			struct vp_rules_change *changes,
			struct vp_rules_error *error)
{
	const struct vp_rules_entry *entry;
	const struct vp_rules_file *file;
	struct vp_rules_change *change;
	int ret;
	size_t i;

	for (i = 0; i < rules->count; i++) {
		entry = &rules->entries[i];
		change = changes;
		if (entry->text)
			change += which(texts, entry->text);
		if (!entry->text || change == changes + texts->count)
			continue;
		file = &rules->files[entry->file];
		if (file->folder != VP_RULES_ETC) {
			if (!change->left++)
				set_place(&change->left_place, file->path,
					  entry->line);
			continue;
		}
		if (!change->changed++)
			set_place(&change->place, file->path, entry->line);
		/* All of a file is done at its first entry. */
		if (*count && edits[*count - 1].file == file)
			continue;
		ret = prepare_del(file, texts, &edits[(*count)++], error);
		if (ret)
			return ret;
	}
	return 0;
}

/* A file of /etc that cannot be read may have the rule as well. */
static int check_all_read(const struct vp_rules *rules,
			  struct vp_rules_error *error)
{
	size_t i;

	for (i = 0; i < rules->nfiles; i++)
		if (rules->files[i].refused &&
		    rules->files[i].folder == VP_RULES_ETC)
			return check_editable(&rules->files[i], error);
	return 0;
}

/* That not all of them stand nowhere. */
static int check_all_found(const struct texts *texts,
			   const struct vp_rules_change *changes,
			   struct vp_rules_error *error)
{
	size_t i;

	for (i = 0; i < texts->count; i++)
		if (changes[i].changed || changes[i].left)
			return 0;
	return vp_rules_fail(error, -ENOENT, "no rule file has '%.80s'",
			     texts->count ? texts->texts[0] : "");
}

/**
 * vp_rules_del_all() - delete rules wherever they stand in /etc, all or none
 * @lock: from vp_rules_lock()
 * @texts: their canonical forms, each once
 * @count: number of @texts
 * @between: called when all new text is on the disk and only names have to be
 *           changed, also when no file of /etc has the rules; what it returns
 *           calls it off unless it is 0; NULL for none
 * @arg: for @between
 * @changes: one for each of @texts: says what was done, and where the rule still
 *           stands
 * @error: says why not
 *
 * The lines directly above them that vp_rules_add() wrote go as well.
 *
 * Return: 0, also when they stand in /run or /usr/lib alone, and when some of them
 * stand nowhere; -ENOENT when all of them do; -ELOOP when one is in a file that is a
 * symbolic link; -EPERM when others than root may write a file of /etc; -EINVAL when
 * a file is no text, or too odd to be edited; -EAGAIN when somebody changed it
 * meanwhile; -ENOLCK without @lock; -ENOMEM; any other -errno of reading or writing.
 * After an error each file is either as it was or without the rules.
 */
int vp_rules_del_all(const struct vp_rules_lock *lock, const char *const *texts,
		     size_t count, vp_rules_fn between, void *arg,
		     struct vp_rules_change *changes,
		     struct vp_rules_error *error)
{
	const struct texts gone = { .texts = texts, .count = count };
	struct edit *edits = NULL;
	struct vp_rules rules;
	size_t nedits = 0, i;
	int ret;

	memset(changes, 0, count * sizeof(*changes));
	if (lock->dir < 0)
		return fail_errno(error, ENOLCK, "the rule files");
	ret = vp_rules_read(&rules, error);
	if (!ret)
		ret = check_all_read(&rules, error);
	if (!ret) {
		edits = calloc(rules.nfiles + 1, sizeof(*edits));
		if (!edits) {
			fail_errno(error, ENOMEM, "the rule files");
			ret = -ENOMEM;
		}
	}
	if (!ret)
		ret = prepare_dels(&rules, &gone, edits, &nedits, changes, error);
	if (!ret)
		ret = check_all_found(&gone, changes, error);
	if (!ret)
		ret = commit(lock, edits, nedits, between, arg, error);
	for (i = 0; ret && i < count; i++)
		changes[i].changed = 0;
	for (i = 0; i < nedits; i++)
		free(edits[i].text);
	free(edits);
	vp_rules_free(&rules);
	return ret;
}

/**
 * vp_rules_del() - delete one rule wherever it stands in /etc
 * @lock: from vp_rules_lock()
 * @text: its canonical form
 * @between: as of vp_rules_del_all()
 * @arg: for @between
 * @change: says what was done, and where the rule still stands
 * @error: says why not
 *
 * Return: as vp_rules_del_all().
 */
int vp_rules_del(const struct vp_rules_lock *lock, const char *text,
		 vp_rules_fn between, void *arg,
		 struct vp_rules_change *change, struct vp_rules_error *error)
{
	return vp_rules_del_all(lock, &text, 1, between, arg, change, error);
}
