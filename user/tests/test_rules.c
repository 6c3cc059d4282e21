// SPDX-License-Identifier: GPL-2.0-only
/* The rule files: which count, what is in them, and what edits leave. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "rules.h"
#include "tap.h"
#include "tree.h"

#define ETC	"/etc/vfiopolicy/rules.d/"
#define RUN	"/run/vfiopolicy/rules.d/"
#define LIB	"/usr/lib/vfiopolicy/rules.d/"
#define LOCAL	"/etc/vfiopolicy/rules.d/50-local.rules"
/* Rules that each of two processes adds. */
#define RACERS	100

static char buf[1 << 16];
static struct vp_rules_change change;
static struct vp_rules_error error;

/*
 * Instead of the C library's, so that they can fail, or somebody else can do
 * something, at the right moment. @fsync_at: which call from now; 0 is never.
 */
static int fsync_at, rename_at;
static void (*fsync_does)(void);

int fsync(int fd)
{
	if (fsync_at && !--fsync_at) {
		if (!fsync_does) {
			errno = EIO;
			return -1;
		}
		fsync_does();
	}
	return (int)syscall(SYS_fsync, fd);
}

int renameat(int from, const char *old, int to, const char *new)
{
	if (rename_at && !--rename_at) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

static const char *at(const char *file)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", tree_root, file);
	return path;
}

static void make_dirs(const char *file)
{
	char *path = (char *)at(file), *p;

	for (p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			tree_fail(path);
		*p = '/';
	}
}

static void put_len(const char *file, const char *text, size_t len)
{
	FILE *f;

	make_dirs(file);
	f = fopen(at(file), "w");
	if (!f || fwrite(text, 1, len, f) != len || fclose(f))
		tree_fail(file);
}

static void put(const char *file, const char *text)
{
	put_len(file, text, strlen(text));
}

static const char *get(const char *file)
{
	FILE *f = fopen(at(file), "r");
	size_t len;

	if (!f)
		return "(no file)";
	len = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[len] = '\0';
	return buf;
}

static void link_to(const char *file, const char *target)
{
	if (symlink(target, at(file)))
		tree_fail(file);
}

static void start(void)
{
	strcpy(tree_root + strlen(tree_root) - 6, "XXXXXX");
	if (!mkdtemp(tree_root))
		tree_fail(tree_root);
	setenv("VFIOPOLICY_ROOT", tree_root, 1);
	make_dirs(ETC);
}

/* Good rules, as "FILE:LINE RULE;", a '=' before duplicates; masking files. */
static const char *read_all(void)
{
	struct vp_rules rules;
	size_t i, len = 0;

	buf[0] = '\0';
	if (vp_rules_read(&rules, &error))
		return error.text;
	for (i = 0; i < rules.count; i++) {
		if (!rules.entries[i].text)
			continue;
		len += scnprintf(buf + len, sizeof(buf) - len, "%s:%u %s%s;",
				 rules.files[rules.entries[i].file].name,
				 rules.entries[i].line,
				 rules.entries[i].duplicate ? "=" : "",
				 rules.entries[i].text);
	}
	for (i = 0; i < rules.nfiles; i++)
		if (rules.files[i].masked)
			len += scnprintf(buf + len, sizeof(buf) - len,
					 "%s masks;", rules.files[i].name);
	vp_rules_free(&rules);
	return buf;
}

static void which_files(void)
{
	start();
	is(read_all(), "", "no folders, no rules");
	put(ETC "20-b.rules", "hold 1:1\n");
	put(RUN "20-b.rules", "hold 1:2\n");
	put(LIB "20-b.rules", "hold 1:3\n");
	put(RUN "15-c.rules", "hold 1:4\n");
	put(LIB "15-c.rules", "hold 1:5\n");
	put(LIB "10-z.rules", "hold 1:6\n");
	put(ETC "a.rules", "hold 1:7\n");
	put(ETC "Z.rules", "hold 1:8\n");
	is(read_all(),
	   "10-z.rules:1 hold 0001:0006;15-c.rules:1 hold 0001:0004;"
	   "20-b.rules:1 hold 0001:0001;Z.rules:1 hold 0001:0008;"
	   "a.rules:1 hold 0001:0007;",
	   "/etc hides /run hides /usr/lib; all in the order of strcmp()");
	put(ETC "10-z.rules", "");
	link_to(ETC "15-c.rules", "/dev/null");
	put(ETC ".9.rules", "hold 1:9\n");
	put(ETC "9.rules~", "hold 1:9\n");
	put(ETC ".rules", "hold 1:9\n");
	put(ETC "Z.rules", "# nothing\n");
	put(LIB "Z.rules", "hold 1:9\n");
	is(read_all(), "20-b.rules:1 hold 0001:0001;a.rules:1 hold 0001:0007;"
	   "10-z.rules masks;15-c.rules masks;",
	   "empty files and links to /dev/null mask; other names do not count");
	tree_remove();
}

static void which_lines(void)
{
	start();
	put(ETC "a.rules",
	    "# first\n\n  vfio 10de:1b39  # a GPU\n"
	    "vfio \\\n  # no more\n"
	    "vfio 144d:a80a \\\n\\\n  0000:06:00.0\n\n\thold 1:2\r\nhold 1:3");
	is(read_all(),
	   "a.rules:3 vfio 10de:1b39;a.rules:6 vfio 0000:06:00.0 144d:a80a;"
	   "a.rules:10 hold 0001:0002;a.rules:11 hold 0001:0003;",
	   "comments, continuations, CRLF, no line end at the end");
	put(LIB "b.rules", "hold 1:4\nvfio 10DE:1B39\nhold 1:4\n");
	is(strstr(read_all(), "b.rules"),
	   "b.rules:1 hold 0001:0004;b.rules:2 =vfio 10de:1b39;"
	   "b.rules:3 =hold 0001:0004;",
	   "duplicates are marked, but for the first of each");
	tree_remove();
}

/* The only bad rule in all files: where and what. */
static void one_bad(const char *text, unsigned int line, unsigned int error_line,
		    unsigned int column, const char *rest, const char *desc)
{
	const struct vp_rules_entry *entry = NULL;
	struct vp_rules rules;
	size_t i;

	put(ETC "a.rules", text);
	if (vp_rules_read(&rules, &error))
		tree_fail(error.text);
	for (i = 0; i < rules.count; i++)
		if (!rules.entries[i].text)
			entry = &rules.entries[i];
	ok(rules.bad == 1 && entry, "bad: %s", desc);
	if (entry) {
		ok(entry->line == line, "its first line: %s", desc);
		is(entry->rest, rest, desc);
		snprintf(buf, sizeof(buf), "%s:%u:%u: ", at(ETC "a.rules"),
			 error_line, column);
		vp_rules_describe(&rules, entry, &error);
		error.text[strlen(buf)] = '\0';
		ok(!strcmp(error.text, buf), "where: %s", desc);
	}
	vp_rules_free(&rules);
}

static void bad_rules(void)
{
	start();
	one_bad("vfio 10de:1b3x\n", 1, 1, 14, "x", "one line");
	one_bad("# c\nhold 1:2\n\n  vfio 10de:1b39 owner=qemu:kvm dirver=best # d\n"
		"hold 1:3\n", 4, 4, 33, "dirver=best",
		"behind comments and rules");
	is(read_all(), "a.rules:2 hold 0001:0002;a.rules:5 hold 0001:0003;",
	   "the others count");
	one_bad("hold 1:2 \\\n 06:00.0\nvfio 10de:1b39 \\\n\\\r\n\tnope \\\n 7\n",
		3, 5, 2, "nope    7", "behind continuations");
	one_bad("vfio 10de:1b39 na\033[2Jme\x80 \\\n\t\x7f", 1, 1, 16,
		"na?[2Jme?    ?", "nothing odd reaches a terminal");
	one_bad("vfio 10de:\n", 1, 1, 11, "", "something is missing at its end");
	one_bad("vfio 10de:1b39 \\", 1, 1, 16, "\\", "a backslash that ends the file");
	tree_remove();
}

/* The only refused file: what is said of it. */
static void refused(int errnum, const char *path, const char *want,
		    const char *desc)
{
	const struct vp_rules_file *file = NULL;
	struct vp_rules rules;
	size_t i;

	if (vp_rules_read(&rules, &error))
		tree_fail(error.text);
	for (i = 0; i < rules.nfiles; i++)
		if (rules.files[i].refused)
			file = &rules.files[i];
	ok(rules.refused == 1 && !rules.bad && file && file->errnum == errnum &&
	   strstr(file->refused, at(path)) && strstr(file->refused, want),
	   "not trusted: %s", desc);
	vp_rules_free(&rules);
}

static void refused_file(int errnum, const char *want, const char *desc)
{
	refused(errnum, ETC "b.rules", want, desc);
	is(read_all(), "a.rules:1 hold 0001:0001;c.rules:1 hold 0001:0003;",
	   "the others count, and what it hides does not");
	remove(at(ETC "b.rules"));
}

static void refused_files(void)
{
	char *big = malloc(VP_RULES_SIZE_MAX + 1);
	size_t i;

	start();
	put(ETC "a.rules", "hold 1:1\n");
	put(LIB "b.rules", "hold 1:2\n");
	put(RUN "c.rules", "hold 1:3\n");
	put(ETC "b.rules", "hold 1:4\n");
	chmod(at(ETC "b.rules"), 0664);
	refused_file(EPERM, "chmod go-w", "the group may write");
	put(ETC "b.rules", "");
	chmod(at(ETC "b.rules"), 0602);
	refused_file(EPERM, "chmod go-w", "all may write, though it is empty");
	if (mkdir(at(ETC "b.rules"), 0755))
		tree_fail("b.rules");
	refused_file(EINVAL, "no regular file", "a folder");
	if (mkfifo(at(ETC "b.rules"), 0644))
		tree_fail("b.rules");
	refused_file(EINVAL, "no regular file", "a pipe");
	link_to(ETC "b.rules", "/dev/zero");
	refused_file(EINVAL, "no regular file", "another device than null");
	link_to(ETC "b.rules", "nowhere");
	refused_file(ENOENT, "/dev/null", "a link to nowhere");
	put_len(ETC "b.rules", "hold 1:4\n\0hold 1:5\n", 19);
	refused_file(EINVAL, "NUL", "a NUL byte");
	if (!big)
		tree_fail("malloc");
	memset(big, '\n', VP_RULES_SIZE_MAX + 1);
	memcpy(big, "hold 1:4", 8);
	put_len(ETC "b.rules", big, VP_RULES_SIZE_MAX);
	is(read_all(), "a.rules:1 hold 0001:0001;b.rules:1 hold 0001:0004;"
	   "c.rules:1 hold 0001:0003;", "as large as may be");
	put_len(ETC "b.rules", big, VP_RULES_SIZE_MAX + 1);
	refused_file(EFBIG, "16777216", "one byte too large");
	memset(big, '\n', 8);
	for (i = 0; i < 2 * VP_RULES_COUNT_MAX; i += 2)
		big[i] = 'x';
	put_len(ETC "b.rules", big, 2 * (VP_RULES_COUNT_MAX - 1));
	is(read_all(), "a.rules:1 hold 0001:0001;", "as many as may be");
	remove(at(RUN "c.rules"));
	put_len(ETC "b.rules", big, 2 * VP_RULES_COUNT_MAX);
	refused(E2BIG, ETC "b.rules", "65536", "one rule too many");
	put(ETC "b.rules", "");
	put(RUN "c.rules", "hold 1:3\n");
	free(big);

	chmod(at("/run/vfiopolicy"), 0775);
	refused(EPERM, "/run/vfiopolicy", "chmod go-w", "the folder above");
	is(read_all(), "a.rules:1 hold 0001:0001;b.rules masks;",
	   "its files do not count");
	chmod(at("/run/vfiopolicy"), 0755);
	chmod(at(ETC), 0757);
	refused(EPERM, "/etc/vfiopolicy/rules.d", "chmod go-w", "the folder");
	is(read_all(), "b.rules:1 hold 0001:0002;c.rules:1 hold 0001:0003;",
	   "neither do those that it would hide");
	tree_remove();
}

static void refused_owners(void)
{
	start();
	put(ETC "a.rules", "hold 1:1\n");
	if (geteuid()) {
		ok(true, "owners # SKIP only root can give files away");
		tree_remove();
		return;
	}
	if (chown(at(ETC "a.rules"), 65534, 65534))
		tree_fail("chown");
	refused(EPERM, ETC "a.rules", "chown root", "somebody else's file");
	if (chown(at(ETC "a.rules"), 0, 65534) || chown(at(ETC), 65534, 0))
		tree_fail("chown");
	refused(EPERM, "/etc/vfiopolicy/rules.d", "chown root", "or folder");
	tree_remove();
}

static int add(const char *name, const char *comment, const char *rule)
{
	struct vp_rules_lock lock;
	int ret = vp_rules_lock(&lock, true, &error);

	if (!ret)
		ret = vp_rules_add(&lock, name, comment, rule, &change, &error);
	vp_rules_unlock(&lock);
	return ret;
}

static int del(const char *rule)
{
	struct vp_rules_lock lock;
	int ret = vp_rules_lock(&lock, true, &error);

	if (!ret)
		ret = vp_rules_del(&lock, rule, NULL, NULL, &change, &error);
	vp_rules_unlock(&lock);
	return ret;
}

/* The last call failed, and said so. */
static void failed(int ret, int errnum, const char *want, const char *desc)
{
	bool good = ret == -errnum && strstr(error.text, want);

	ok(good, "%s", desc);
	if (!good)
		printf("# %d '%s'\n", ret, error.text);
}

/* Nothing but what ends in ".rules" is left in the folder. */
static bool is_clean(void)
{
	return !system("ls -A \"$VFIOPOLICY_ROOT\"" ETC
		       " | grep -v '\\.rules$' | grep -q . && exit 1; exit 0");
}

static mode_t mode_of(const char *file)
{
	struct stat status;

	return stat(at(file), &status) ? 0 : status.st_mode & 07777;
}

static void adding(void)
{
	const char *p;

	start();
	if (rmdir(at(ETC)) || rmdir(at("/etc/vfiopolicy")))
		tree_fail("rmdir");
	umask(077);
	ok(!add(NULL, "NVIDIA P10\nserial \033[2J1\n", "vfio 10DE:1b39"),
	   "add to nothing at all");
	umask(022);
	ok(mode_of("/etc/vfiopolicy") == 0755 && mode_of(ETC) == 0755 &&
	   mode_of(LOCAL) == 0644, "all may read, whatever the umask");
	p = strstr(get(LOCAL), "\n\n");
	is(p ? p : "", "\n\n#: NVIDIA P10\n#: serial ?[2J1\nvfio 10de:1b39\n",
	   "behind a heading, its comment above it");
	is(change.place.path, at(LOCAL), "where it is");
	ok(!add("a.rules", NULL, "vfio 10de:1b39") && !change.changed &&
	   change.place.line == 7 && !strcmp(change.place.path, at(LOCAL)),
	   "what is there is not written again");
	is(get(ETC "a.rules"), "(no file)", "nor anywhere else");

	put(LOCAL, "# mine\n\n\n  hold  1:1 \r\nnonsense # odd\xff\n#: hm\n");
	chmod(at(LOCAL), 0640);
	ok(!add(NULL, NULL, "hold 1:2"), "add to a file");
	is(get(LOCAL), "# mine\n\n\n  hold  1:1 \r\nnonsense # odd\xff\n#: hm\nhold 0001:0002\n",
	   "all other bytes stay");
	ok(mode_of(LOCAL) == 0640, "so does its mode");
	put(LOCAL, "hold 1:1\n\t");
	ok(!add(NULL, "", "hold 1:2") && change.place.line == 3, "no line end");
	is(get(LOCAL), "hold 1:1\n\t\nhold 0001:0002\n", "is given one");
	put(LOCAL, "hold 1:1 \\\n");
	ok(!add(NULL, "c\\", "hold 1:2") && change.place.line == 4,
	   "the last line goes on");
	is(get(LOCAL), "hold 1:1 \\\n\n#: c\\\nhold 0001:0002\n",
	   "in an empty one");
	put(LOCAL, "# c:\\");
	add(NULL, NULL, "hold 1:2");
	is(get(LOCAL), "# c:\\\nhold 0001:0002\n", "comments never go on");
	put(LOCAL, "hold 1:1 \\");
	failed(add(NULL, NULL, "hold 1:2"), EINVAL, "backslash",
	       "a rule that a line end would mend");
	is(get(LOCAL), "hold 1:1 \\", "is left to the user");
	put(LOCAL, "");
	add(NULL, NULL, "hold 1:2");
	is(get(LOCAL), "hold 0001:0002\n", "add to an empty file");
	ok(is_clean(), "no temporary files");
	tree_remove();
}

static void not_adding(void)
{
	static const char * const names[] = { "a", ".a.rules", "b/a.rules", "" };
	struct vp_rules_lock lock = { .dir = -1 };
	size_t i;

	start();
	for (i = 0; i < ARRAY_SIZE(names); i++)
		failed(add(names[i], NULL, "hold 1:2"), EINVAL, names[i],
		       "no name for a file");
	failed(add(NULL, NULL, "hold 1:"), EINVAL, "expected a", "no rule");
	failed(add(NULL, NULL, "hold 1:2\nhold 1:3"), EINVAL, "expected a", "two");
	put(LIB "p.rules", "hold 1:3\n");
	failed(add("p.rules", NULL, "hold 1:2"), EEXIST, at(LIB "p.rules"),
	       "a package's file is not hidden");
	put(RUN "target", "hold 1:1\n");
	link_to(LOCAL, "../../../run/vfiopolicy/rules.d/target");
	failed(add(NULL, NULL, "hold 1:2"), ELOOP, "symbolic link",
	       "a link is not edited");
	is(read_all(), "50-local.rules:1 hold 0001:0001;p.rules:1 hold 0001:0003;",
	   "though it is read");
	is(get(RUN "target"), "hold 1:1\n", "what it leads to is unchanged");
	failed(del("hold 0001:0001"), ELOOP, at(LOCAL),
	       "nor is it deleted from");
	remove(at(LOCAL));
	put(LOCAL, "hold 1:1\n");
	chmod(at(LOCAL), 0646);
	failed(add(NULL, NULL, "hold 1:2"), EPERM, at(LOCAL),
	       "nor is a file that others may write");
	ok(!add("b.rules", NULL, "hold 1:2"), "another file is");
	failed(del("hold 0001:0002"), EPERM, at(LOCAL),
	       "not all can be searched");
	chmod(at(LOCAL), 0644);
	chmod(at(ETC), 0777);
	failed(add(NULL, NULL, "hold 1:3"), EPERM, "rules.d",
	       "nor is a folder that others may write");
	chmod(at(ETC), 0755);
	ok(vp_rules_add(&lock, NULL, NULL, "hold 1:2", &change, &error) ==
	   -ENOLCK && vp_rules_del(&lock, "hold 0001:0001", NULL, NULL, &change, &error) ==
	   -ENOLCK, "not without the lock");
	is(get(LOCAL), "hold 1:1\n", "unchanged by all that");
	ok(is_clean(), "no temporary files");
	tree_remove();
}

static void deletes(const char *before, unsigned int n, const char *after,
		    const char *desc)
{
	put(LOCAL, before);
	ok(!del("vfio 10de:1b39") && change.changed == n, "deleted: %s", desc);
	is(get(LOCAL), after, desc);
}

static void deleting(void)
{
	start();
	deletes("hold 1:1\nvfio 10de:1b39\nhold 1:2", 1, "hold 1:1\nhold 1:2",
		"one line");
	deletes("#: a\n# user\n#: b\n#: c\n  vfio 10DE:1b39 # d\n#: e\nhold 1:2\n",
		1, "#: a\n# user\n#: e\nhold 1:2\n",
		"with its own comments, and nobody else's");
	deletes("#: a\n\nvfio 10de:1b39\n#:b\nvfio 10de:1b39\n\n\nhold 1:1\n",
		2, "#: a\n\n#:b\n\n\nhold 1:1\n",
		"not those apart from it, nor others that look like it");
	deletes("#: a\nvfio \\\n  10de:1b39 \\\r\n # why\r\nhold 1:1\r\n", 1,
		" # why\r\nhold 1:1\r\n", "with its continuations");
	deletes("hold 1:1 \\\n#: x\nvfio 10de:1b39\nhold 1:2\n", 1,
		"hold 1:1 \\\n#: x\nhold 1:2\n",
		"not the line in which another rule goes on");
	deletes("\\\nvfio 10de:1b39\nhold 1:2\n", 1, "\\\nhold 1:2\n",
		"odd lines above");
	deletes("bad\nvfio 10de:1b39\nalso bad\n", 1, "bad\nalso bad\n",
		"between bad ones");
	deletes("#: a\nvfio 10de:1b39\n#: b\nvfio 10de:1b39", 2, "",
		"nothing is left of a file that stays");

	put(ETC "a.rules", "hold 1:1\nvfio 10de:1b39\n");
	put(LOCAL, "vfio 10de:1b39 # GPU\nhold 1:2\n");
	put(RUN "b.rules", "\nvfio 10de:1b39\n");
	put(LIB "c.rules", "vfio 10de:1b39\n");
	put(LIB "a.rules", "vfio 10de:1b39\n");
	ok(!del("vfio 10de:1b39") && change.changed == 2 &&
	   change.place.line == 1 && change.left == 2 &&
	   change.left_place.line == 2, "from all files");
	is(change.place.path, at(LOCAL), "the first of them");
	is(change.left_place.path, at(RUN "b.rules"), "where it still stands");
	is(read_all(), "50-local.rules:1 hold 0001:0002;a.rules:1 hold 0001:0001;"
	   "b.rules:2 vfio 10de:1b39;c.rules:1 =vfio 10de:1b39;",
	   "nothing else is gone");
	ok(!del("vfio 10de:1b39") && !change.changed && change.left == 2,
	   "none in /etc");
	failed(del("vfio 10de:1b38"), ENOENT, "10de:1b38", "nowhere");
	tree_remove();
}

static void somebody_writes(void)
{
	put(LOCAL, "hold 1:7\n");
}

static void somebody_deletes(void)
{
	remove(at(LOCAL));
}

/* Two files are to change, and something happens: none has. */
static void fails(int errnum, const char *desc)
{
	failed(del("hold 0001:0001"), errnum, "is unchanged", desc);
	ok(!change.changed && is_clean(), "nothing is left behind");
	is(get(LOCAL), "hold 1:1\nhold 1:2\n", "the first file is as it was");
	is(get(ETC "60.rules") + 4096, "\nhold 1:1\n", "so is the second");
	fsync_at = 0;
	rename_at = 0;
}

static void failing(void)
{
	struct rlimit limit, old;
	char big[4096 + 16];

	start();
	memset(big, '#', 4096);
	strcpy(big + 4096, "\nhold 1:1\n");
	put(LOCAL, "hold 1:1\nhold 1:2\n");
	put(ETC "60.rules", big);
	put(ETC ".vfiopolicy-0.new", "left by a crash");

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 1024;
	setrlimit(RLIMIT_FSIZE, &limit);
	fails(EFBIG, "no room for the second file");
	setrlimit(RLIMIT_FSIZE, &old);
	fsync_at = 1;
	fails(EIO, "the first file does not reach the disk");
	fsync_at = 2;
	fails(EIO, "the second file does not");
	rename_at = 1;
	fails(EIO, "no renaming");

	rename_at = 2;
	ok(del("hold 0001:0001") == -EIO && is_clean(),
	   "the second cannot be renamed");
	is(get(LOCAL), "hold 1:2\n", "the first is all new");
	is(get(ETC "60.rules") + 4096, "\nhold 1:1\n", "the second is all old");
	fsync_at = 2;
	ok(!add(NULL, NULL, "hold 1:3"), "not on the disk yet");
	is(get(LOCAL), "hold 1:2\nhold 0001:0003\n", "but it is there");

	fsync_does = somebody_writes;
	fsync_at = 1;
	failed(add(NULL, NULL, "hold 1:4"), EAGAIN, "try again",
	       "somebody edits by hand");
	is(get(LOCAL), "hold 1:7\n", "and keeps what he wrote");
	remove(at(LOCAL));
	fsync_at = 1;
	failed(add(NULL, NULL, "hold 1:4"), EAGAIN, "try again", "or makes it");
	is(get(LOCAL), "hold 1:7\n", "which is kept as well");
	fsync_does = somebody_deletes;
	fsync_at = 1;
	failed(add(NULL, NULL, "hold 1:4"), EAGAIN, "try again", "or deletes it");
	ok(is_clean(), "no temporary files");
	fsync_does = NULL;
	tree_remove();
}

/* Waits for the lock in a process of its own, then adds. */
static pid_t add_elsewhere(int ready)
{
	struct vp_rules_lock lock;
	pid_t pid = fork();
	int ret;

	if (pid)
		return pid;
	ret = vp_rules_lock(&lock, false, &error);
	if (write(ready, &ret, sizeof(ret)) != sizeof(ret))
		_exit(1);
	_exit(ret != -EWOULDBLOCK || add(NULL, NULL, "hold 1:2"));
}

static void locking(void)
{
	struct vp_rules_lock lock, second;
	int fds[2], ret, status;
	pid_t pid;

	start();
	ok(!vp_rules_lock(&lock, false, &error), "lock");
	failed(vp_rules_lock(&second, false, &error), EWOULDBLOCK, "another",
	       "but once");
	if (pipe(fds))
		tree_fail("pipe");
	fflush(stdout);
	pid = add_elsewhere(fds[1]);
	ok(read(fds[0], &ret, sizeof(ret)) == sizeof(ret) &&
	   ret == -EWOULDBLOCK, "another process waits");
	ok(!vp_rules_add(&lock, NULL, NULL, "hold 1:1", &change, &error),
	   "meanwhile a rule is added");
	/* And its folder is put elsewhere: it must not edit that. */
	if (system("cd \"$VFIOPOLICY_ROOT\"/etc/vfiopolicy && mv rules.d moved"))
		tree_fail("mv");
	put(LOCAL, "hold 1:3\n");
	vp_rules_unlock(&lock);
	ok(waitpid(pid, &status, 0) == pid && !status, "it gets the lock");
	is(get(LOCAL), "hold 1:3\nhold 0001:0002\n",
	   "and edits what is there by then");
	tree_remove();
}

static void add_many(int who)
{
	char rule[32], comment[32];
	int i;

	for (i = 0; i < RACERS; i++) {
		snprintf(rule, sizeof(rule), "hold %04x:%04x", who, i);
		snprintf(comment, sizeof(comment), "by %d", who);
		if (add(NULL, comment, rule) || !change.changed)
			_exit(1);
	}
	_exit(0);
}

static void racing(void)
{
	int who, status, bad = 0;
	struct vp_rules rules;

	start();
	fflush(stdout);
	for (who = 1; who <= 2; who++)
		if (!fork())
			add_many(who);
	for (who = 1; who <= 2; who++)
		bad |= wait(&status) < 0 || status;
	ok(!bad, "two processes add rules");
	if (vp_rules_read(&rules, &error))
		tree_fail(error.text);
	ok(rules.count == 2 * RACERS && !rules.bad, "none is lost");
	vp_rules_free(&rules);
	ok(is_clean(), "no temporary files");
	tree_remove();
}

int main(void)
{
	umask(022);
	which_files();
	which_lines();
	bad_rules();
	refused_files();
	refused_owners();
	adding();
	not_adding();
	deleting();
	failing();
	locking();
	racing();
	return done();
}
