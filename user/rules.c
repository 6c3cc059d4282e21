// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the rule files: which of them count, whether they can be trusted, and
 * the rules in them. Whoever may write one of these files decides who gets
 * the devices of the host, so what others than root could have written is
 * refused. That is asked of the descriptor that is then read, as a path may
 * lead elsewhere a moment later.
 *
 * Nothing that is wrong with one file or rule hides the others: all of it is
 * handed to the caller, who decides.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "rules.h"
#include "text.h"

/* Bytes of a bad rule that vp_rules_describe() quotes. */
#define QUOTE_MAX	80

/* Folders that the system has, by enum vp_rules_folder. */
static const char * const bases[VP_RULES_FOLDERS] = {
	[VP_RULES_ETC] = "/etc",
	[VP_RULES_RUN] = "/run",
	[VP_RULES_LIB] = "/usr/lib",
};

/* Folders of ours below these, each within the one before. */
static const char * const ours[] = { "vfiopolicy", "rules.d" };

/**
 * vp_rules_fail() - say why something failed
 * @error: takes the text
 * @ret: what to return, a negative errno
 * @fmt: the text, as of printf()
 *
 * Return: @ret.
 */
int vp_rules_fail(struct vp_rules_error *error, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	return ret;
}

static int fail_errno(struct vp_rules_error *error, int errnum,
		      const char *path)
{
	return vp_rules_fail(error, -errnum, "%s: %s", path, strerror(errnum));
}

static int fail_memory(struct vp_rules_error *error)
{
	return vp_rules_fail(error, -ENOMEM, "the rule files: %s",
			     strerror(ENOMEM));
}

/* What goes before all paths, without a slash at its end. */
static const char *root_prefix(int *len)
{
	const char *root = secure_getenv("VFIOPOLICY_ROOT");

	if (!root)
		root = "";
	*len = (int)strnlen(root, PATH_MAX);
	while (*len && root[*len - 1] == '/')
		(*len)--;
	return root;
}

/**
 * vp_rules_make_path() - the path of a file of rules
 * @folder: where it is
 * @name: its name, or NULL for the folder itself
 *
 * Return: the path, VFIOPOLICY_ROOT included, to be freed; NULL when there is
 * no memory for it.
 */
char *vp_rules_make_path(enum vp_rules_folder folder, const char *name)
{
	const char *root;
	char *path;
	int len;

	root = root_prefix(&len);
	if (asprintf(&path, "%.*s%s/%s/%s%s%s", len, root, bases[folder],
		     ours[0], ours[1], name ? "/" : "", name ? name : "") < 0)
		return NULL;
	return path;
}

/*
 * Only root may be able to change it. In a tree that VFIOPOLICY_ROOT names,
 * the user who runs the command will do, too.
 */
static int check_owner(const struct stat *status, const char *path,
		       struct vp_rules_error *error)
{
	bool own;
	int len;

	root_prefix(&len);
	own = len && status->st_uid == geteuid();
	if (status->st_uid && !own)
		return vp_rules_fail(error, -EPERM, "%s is refused: it belongs to user %u, not to root: chown root %s",
				     path, status->st_uid, path);
	if (status->st_mode & 0022)
		return vp_rules_fail(error, -EPERM, "%s is refused: others than its owner may write it: chmod go-w %s",
				     path, path);
	return 0;
}

/* Opens the folder @name in @at; @path is the same for people. */
static int open_dir(int at, const char *name, const char *path, bool create,
		    struct vp_rules_error *error)
{
	bool made = false;
	int dir, errnum;

	if (create) {
		made = !mkdirat(at, name, 0755);
		if (!made && errno != EEXIST)
			return fail_errno(error, errno, path);
	}
	dir = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail_errno(error, errno, path);
	/* Whatever the umask: everybody may read the rules. */
	if (made && (fchmod(dir, 0755) || fsync(at))) {
		errnum = errno;
		close(dir);
		return fail_errno(error, errnum, path);
	}
	return dir;
}

/* The same for one of ours, which nobody but root may be able to change. */
static int open_safe_dir(int at, const char *name, const char *path,
			 bool create, struct vp_rules_error *error)
{
	int dir = open_dir(at, name, path, create, error), ret;
	struct stat status;

	if (dir < 0)
		return dir;
	if (fstat(dir, &status))
		ret = fail_errno(error, errno, path);
	else
		ret = check_owner(&status, path, error);
	if (ret) {
		close(dir);
		return ret;
	}
	return dir;
}

/**
 * vp_rules_open_folder() - open a folder of rule files
 * @folder: which one
 * @create: make it and the one above it when they are not there
 * @dir: set to the open folder
 * @error: says why not
 *
 * Return: 0; -ENOENT when it is not there; -EPERM when others than root may
 * write it or the one above it; any other -errno of opening or making it.
 */
int vp_rules_open_folder(enum vp_rules_folder folder, bool create, int *dir,
			 struct vp_rules_error *error)
{
	char path[PATH_MAX];
	int at, next, len;
	const char *root;
	size_t i;

	root = root_prefix(&len);
	snprintf(path, sizeof(path), "%.*s%s", len, root, bases[folder]);
	at = open_dir(AT_FDCWD, path, path, false, error);
	for (i = 0; i < ARRAY_SIZE(ours) && at >= 0; i++) {
		len = (int)strlen(path);
		snprintf(path + len, sizeof(path) - len, "/%s", ours[i]);
		next = open_safe_dir(at, ours[i], path, create, error);
		close(at);
		at = next;
	}
	if (at < 0)
		return at;
	*dir = at;
	return 0;
}

/*
 * Makes room for one more element, which is cleared. Return: the array, which
 * may have moved; NULL when there is no memory, and the old one stays.
 */
static void *grow(void *array, size_t count, size_t size)
{
	/* There is room for the next power of two. */
	if (!(count & (count - 1))) {
		array = reallocarray(array, count ? count * 2 : 1, size);
		if (!array)
			return NULL;
	}
	memset((char *)array + count * size, 0, size);
	return array;
}

static struct vp_rules_file *add_file(struct vp_rules *rules,
				      enum vp_rules_folder folder,
				      const char *name)
{
	struct vp_rules_file *file;
	char *path = vp_rules_make_path(folder, name);

	if (!path)
		return NULL;
	file = grow(rules->files, rules->nfiles, sizeof(*file));
	if (!file) {
		free(path);
		return NULL;
	}
	rules->files = file;
	file += rules->nfiles++;
	file->folder = folder;
	file->path = path;
	file->name = name ? strrchr(path, '/') + 1 : path + strlen(path);
	return file;
}

static int refuse(struct vp_rules *rules, struct vp_rules_file *file, int ret,
		  struct vp_rules_error *error)
{
	file->errnum = -ret;
	file->refused = strdup(error->text);
	if (!file->refused)
		return fail_memory(error);
	rules->refused++;
	return 0;
}

static bool is_rule_file(const char *name)
{
	size_t len = strlen(name), suffix = strlen(VP_RULES_SUFFIX);

	return name[0] != '.' && len > suffix &&
	       !strcmp(name + len - suffix, VP_RULES_SUFFIX);
}

/* Adds the files of an open folder, none of which has been looked at. */
static int list_folder(struct vp_rules *rules, enum vp_rules_folder folder,
		       DIR *dir, struct vp_rules_error *error)
{
	const char *name;
	struct dirent *entry;

	while (errno = 0, (entry = readdir(dir))) {
		name = entry->d_name;
		if (is_rule_file(name) && !add_file(rules, folder, name))
			return fail_memory(error);
	}
	return errno ? fail_errno(error, errno, ours[1]) : 0;
}

/* Opens a folder and adds its files; @dir stays NULL when it is of no use. */
static int read_folder(struct vp_rules *rules, enum vp_rules_folder folder,
		       DIR **dir, struct vp_rules_error *error)
{
	struct vp_rules_file *file;
	int fd, ret;

	ret = vp_rules_open_folder(folder, false, &fd, error);
	if (ret == -ENOENT)
		return 0;
	if (!ret) {
		*dir = fdopendir(fd);
		if (!*dir) {
			ret = fail_errno(error, errno, bases[folder]);
			close(fd);
		} else {
			ret = list_folder(rules, folder, *dir, error);
		}
	}
	if (!ret || ret == -ENOMEM)
		return ret;
	file = add_file(rules, folder, NULL);
	return file ? refuse(rules, file, ret, error) : fail_memory(error);
}

static void free_file(struct vp_rules_file *file)
{
	free(file->path);
	free(file->refused);
	free(file->text);
}

static int by_name(const void *a, const void *b)
{
	const struct vp_rules_file *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->folder - (int)y->folder;
}

/* Puts the files in order and drops those that another one hides. */
static void sort_files(struct vp_rules *rules)
{
	struct vp_rules_file *files = rules->files;
	size_t i, kept = 0;

	if (!rules->nfiles)
		return;
	qsort(files, rules->nfiles, sizeof(*files), by_name);
	for (i = 0; i < rules->nfiles; i++) {
		if (kept && files[i].name[0] &&
		    !strcmp(files[i].name, files[kept - 1].name))
			free_file(&files[i]);
		else
			files[kept++] = files[i];
	}
	rules->nfiles = kept;
}

/* All that a descriptor has to give; may be more than its status says. */
static int read_text(int fd, struct vp_rules_file *file,
		     struct vp_rules_error *error)
{
	size_t room = (size_t)file->status.st_size + 2;
	ssize_t len;
	char *more;

	for (;;) {
		more = realloc(file->text, room);
		if (!more)
			return fail_memory(error);
		file->text = more;
		len = read(fd, more + file->len, room - file->len - 1);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return fail_errno(error, errno, file->path);
		if (!len)
			break;
		file->len += (size_t)len;
		if (file->len > VP_RULES_SIZE_MAX)
			return vp_rules_fail(error, -EFBIG, "%s is refused: it has more than %u bytes",
					     file->path, VP_RULES_SIZE_MAX);
		if (file->len + 1 == room)
			room *= 2;
	}
	file->text[file->len] = '\0';
	if (memchr(file->text, '\0', file->len))
		return vp_rules_fail(error, -EINVAL, "%s is refused: it has a NUL byte, so it is no text; mend or remove it",
				     file->path);
	return 0;
}

/* The file is open: is it to be read, and what is in it. */
static int read_open_file(int fd, struct vp_rules_file *file,
			  struct vp_rules_error *error)
{
	struct stat *status = &file->status;
	int ret;

	if (fstat(fd, status))
		return fail_errno(error, errno, file->path);
	file->masked = S_ISCHR(status->st_mode) &&
		       status->st_rdev == makedev(1, 3);
	if (file->masked)
		return 0;
	if (!S_ISREG(status->st_mode))
		return vp_rules_fail(error, -EINVAL, "%s is refused: it is no regular file; move it away",
				     file->path);
	ret = check_owner(status, file->path, error);
	if (ret)
		return ret;
	if (status->st_size > VP_RULES_SIZE_MAX)
		return vp_rules_fail(error, -EFBIG, "%s is refused: it has more than %u bytes",
				     file->path, VP_RULES_SIZE_MAX);
	ret = read_text(fd, file, error);
	file->masked = !ret && !file->len;
	return ret;
}

static int read_file(int dir, struct vp_rules_file *file,
		     struct vp_rules_error *error)
{
	struct stat status;
	int fd, ret;

	if (!fstatat(dir, file->name, &status, AT_SYMLINK_NOFOLLOW))
		file->link = S_ISLNK(status.st_mode);
	file->editable = file->folder == VP_RULES_ETC && !file->link;
	/* Neither waits for a pipe nor gets a terminal. */
	fd = openat(dir, file->name,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT && file->link)
		return vp_rules_fail(error, -ENOENT, "%s is refused: it is a link to nowhere; remove it, or make it one to /dev/null",
				     file->path);
	if (fd < 0)
		return fail_errno(error, errno, file->path);
	ret = read_open_file(fd, file, error);
	close(fd);
	if (ret || file->masked) {
		free(file->text);
		file->text = NULL;
		file->len = 0;
	}
	return ret;
}

/* In one line, each byte where it was, and nothing odd for a terminal. */
static char *make_printable(const struct vp_piece *piece)
{
	char *text = strndup(piece->text, piece->len), *p;

	for (p = text; p && *p; p++) {
		if ((*p == '\\' && (p[1] == '\n' || p[1] == '\r')) ||
		    isspace((unsigned char)*p))
			*p = ' ';
		else if (!isprint((unsigned char)*p))
			*p = '?';
	}
	return text;
}

/* Fills in one entry but for its place. */
static int read_rule(struct vp_rules_entry *entry,
		     const struct vp_piece *piece, struct vp_error *why)
{
	char text[VFIOPOLICY_RULE_LEN_MAX + 1];

	entry->rule = malloc(sizeof(*entry->rule));
	if (!entry->rule)
		return -ENOMEM;
	if (!vp_rule_parse(piece->text, piece->len, entry->rule, why)) {
		vp_rule_print(entry->rule, text, sizeof(text));
		entry->text = strdup(text);
		return entry->text ? 0 : -ENOMEM;
	}
	free(entry->rule);
	entry->rule = NULL;
	entry->typed = make_printable(piece);
	if (!entry->typed)
		return -ENOMEM;
	entry->rest = entry->typed + why->at;
	entry->want = why->want;
	entry->hint = why->hint;
	return -EINVAL;
}

static void free_entry(struct vp_rules_entry *entry)
{
	free(entry->text);
	free(entry->rule);
	free(entry->typed);
}

/* Takes back the entries of the last file. */
static void drop_entries(struct vp_rules *rules, size_t first)
{
	while (rules->count > first) {
		rules->count--;
		rules->bad -= !rules->entries[rules->count].text;
		free_entry(&rules->entries[rules->count]);
	}
}

/* Adds the rules of a file that has been read. */
static int read_entries(struct vp_rules *rules, size_t number,
			struct vp_rules_error *error)
{
	const struct vp_rules_file *file = &rules->files[number];
	const char *pos = file->text, *end = pos + file->len, *start = pos;
	unsigned int line = 1, below, column;
	struct vp_rules_entry *entry;
	struct vp_error why = { 0 };
	struct vp_piece piece;
	int ret;

	while (vp_text_next(&pos, end, 0, &piece)) {
		if (rules->count >= VP_RULES_COUNT_MAX)
			return vp_rules_fail(error, -E2BIG, "%s is refused: there are more than %u rules with it",
					     file->path, VP_RULES_COUNT_MAX);
		entry = grow(rules->entries, rules->count, sizeof(*entry));
		if (!entry)
			return fail_memory(error);
		rules->entries = entry;
		entry += rules->count++;
		/* Counted on from the rule before, not from the top. */
		vp_text_where(start, piece.text, &below, &column);
		line += below - 1;
		start = piece.text - (column - 1);
		entry->file = number;
		entry->line = line;
		ret = read_rule(entry, &piece, &why);
		if (ret == -ENOMEM)
			return fail_memory(error);
		if (!ret)
			continue;
		vp_text_where(start, piece.text + why.at, &below, &column);
		entry->error_line = line + below - 1;
		entry->error_column = column;
		rules->bad++;
	}
	return 0;
}

/* Reads one file and adds its rules, unless it is refused. */
static int read_one(struct vp_rules *rules, size_t number, int dir,
		    struct vp_rules_error *error)
{
	struct vp_rules_file *file = &rules->files[number];
	size_t first = rules->count;
	int ret;

	ret = read_file(dir, file, error);
	/* Gone between listing and reading: then it was never there. */
	if (ret == -ENOENT && !file->link)
		return 0;
	if (!ret && file->text)
		ret = read_entries(rules, number, error);
	if (!ret || ret == -ENOMEM)
		return ret;
	drop_entries(rules, first);
	free(file->text);
	file->text = NULL;
	file->len = 0;
	return refuse(rules, file, ret, error);
}

static int by_text(const void *a, const void *b)
{
	const struct vp_rules_entry *x = *(struct vp_rules_entry *const *)a;
	const struct vp_rules_entry *y = *(struct vp_rules_entry *const *)b;
	int order = strcmp(x->text, y->text);

	if (order)
		return order;
	return x < y ? -1 : x > y;
}

static int mark_duplicates(struct vp_rules *rules)
{
	struct vp_rules_entry **good;
	size_t i, n = 0;

	good = calloc(rules->count + 1, sizeof(const void *));
	if (!good)
		return -ENOMEM;
	for (i = 0; i < rules->count; i++)
		if (rules->entries[i].text)
			good[n++] = &rules->entries[i];
	qsort(good, n, sizeof(const void *), by_text);
	for (i = 1; i < n; i++)
		good[i]->duplicate = !strcmp(good[i]->text, good[i - 1]->text);
	free(good);
	return 0;
}

/**
 * vp_rules_read() - read all rule files
 * @rules: filled in; to be freed with vp_rules_free(), also after an error
 * @error: says why it failed
 *
 * A file, a folder or a rule with which something is wrong is no error: it is
 * marked in @rules, and counted in &vp_rules.refused and &vp_rules.bad. Of a
 * folder that is refused neither the rules count nor what they would hide.
 *
 * Return: 0; -ENOMEM.
 */
int vp_rules_read(struct vp_rules *rules, struct vp_rules_error *error)
{
	DIR *dirs[VP_RULES_FOLDERS] = { NULL };
	unsigned int folder;
	int ret = 0;
	size_t i;

	memset(rules, 0, sizeof(*rules));
	for (folder = 0; folder < VP_RULES_FOLDERS && !ret; folder++)
		ret = read_folder(rules, folder, &dirs[folder], error);
	sort_files(rules);
	for (i = 0; i < rules->nfiles && !ret; i++)
		if (!rules->files[i].refused)
			ret = read_one(rules, i,
				       dirfd(dirs[rules->files[i].folder]),
				       error);
	for (folder = 0; folder < VP_RULES_FOLDERS; folder++)
		if (dirs[folder])
			closedir(dirs[folder]);
	if (!ret && mark_duplicates(rules))
		ret = fail_memory(error);
	return ret;
}

/**
 * vp_rules_free() - forget what the files say
 * @rules: the rules
 */
void vp_rules_free(struct vp_rules *rules)
{
	size_t i;

	drop_entries(rules, 0);
	for (i = 0; i < rules->nfiles; i++)
		free_file(&rules->files[i]);
	free(rules->entries);
	free(rules->files);
	memset(rules, 0, sizeof(*rules));
}

/**
 * vp_rules_find() - look for a rule
 * @rules: the rules
 * @text: its canonical form
 *
 * Return: the first entry that says so, or NULL.
 */
const struct vp_rules_entry *vp_rules_find(const struct vp_rules *rules,
					   const char *text)
{
	size_t i;

	for (i = 0; i < rules->count; i++)
		if (rules->entries[i].text &&
		    !strcmp(rules->entries[i].text, text))
			return &rules->entries[i];
	return NULL;
}

/**
 * vp_rules_path() - the file that a rule is in
 * @rules: the rules
 * @entry: one of them
 *
 * Return: its path.
 */
const char *vp_rules_path(const struct vp_rules *rules,
			  const struct vp_rules_entry *entry)
{
	return rules->files[entry->file].path;
}

/**
 * vp_rules_describe() - say what is wrong with a rule
 * @rules: the rules
 * @entry: one that is bad
 * @error: set to "PATH:LINE:COLUMN:" and the reason
 */
void vp_rules_describe(const struct vp_rules *rules,
		       const struct vp_rules_entry *entry,
		       struct vp_rules_error *error)
{
	const char *path = vp_rules_path(rules, entry), *rest = entry->rest;
	bool cut = strlen(rest) > QUOTE_MAX;
	const char *hint = entry->hint;

	if (*rest)
		vp_rules_fail(error, 0, "%s:%u:%u: '%.*s%s' does not fit: expected %s%s%s%s",
			      path, entry->error_line, entry->error_column,
			      QUOTE_MAX, rest, cut ? "..." : "", entry->want,
			      hint ? "; did you mean '" : "", hint ? hint : "",
			      hint ? "'?" : "");
	else
		vp_rules_fail(error, 0, "%s:%u:%u: the rule ends too early: expected %s",
			      path, entry->error_line, entry->error_column,
			      entry->want);
}
