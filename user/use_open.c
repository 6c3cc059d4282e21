// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a device file open, by the descriptors of all processes. What a
 * descriptor points at is the path that was opened: that of a process in a
 * folder of its own, such as a guest of libvirt's, is the same.
 */
#include <ctype.h>
#include <unistd.h>

#include "peek.h"
#include "safety.h"

/* Descriptors that are kept; of a host that has more nothing can be told. */
#define OPENS_MAX	65536
/* What is looked at of a command line, and of an environment. */
#define CMDLINE_LEN	16384
/* How far up a login is looked for. */
#define PARENTS_MAX	64
#define LOGIN		"SSH_CONNECTION="

/**
 * struct vp_open - a device file that a process has open
 * @pid: the process
 * @file: its path
 */
struct vp_open {
	int pid;
	char file[48];
};

/* What every other process has open, and nobody asks for. */
static bool is_wanted(const char *file)
{
	static const char * const others[] = {
		"/dev/null", "/dev/pts/", "/dev/shm/", "/dev/urandom",
		"/dev/zero", "/dev/random", "/dev/ptmx", "/dev/kvm",
	};
	size_t i;

	if (strncmp(file, "/dev/", 5) != 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (!strncmp(file, others[i], strlen(others[i])))
			return false;
	return true;
}

/* Return: false when there is no more room. */
static bool keep(struct vp_safety *safety, int pid, const char *file)
{
	size_t i, room = 64;
	struct vp_open *more;

	for (i = safety->open_count; i && safety->opens[i - 1].pid == pid; i--)
		if (!strcmp(safety->opens[i - 1].file, file))
			return true;
	if (safety->open_count == OPENS_MAX) {
		vp_safety_fail(safety, "what processes have open", -E2BIG);
		return false;
	}
	/* In steps of powers of two. */
	while (room <= safety->open_count)
		room *= 2;
	more = realloc(safety->opens, room * sizeof(*more));
	if (!more) {
		vp_safety_fail(safety, "what processes have open", -ENOMEM);
		return false;
	}
	safety->opens = more;
	more[safety->open_count].pid = pid;
	snprintf(more[safety->open_count++].file, sizeof(more->file), "%s",
		 file);
	return true;
}

/* It looks at each disk that comes, and wants nothing of it. */
static bool is_udev(const struct vp_safety *safety, const char *pid)
{
	char command[VP_HOST_LEN];

	vp_peek_text(command, sizeof(command), "%s/%s/comm",
		     safety->paths.proc, pid);
	return strstr(command, "udev");
}

static void look_at(struct vp_safety *safety, const char *pid)
{
	char file[sizeof(safety->opens->file)];
	struct dirent **fds;
	int count, i;

	if (is_udev(safety, pid))
		return;
	errno = 0;
	count = vp_peek_list(&fds, "%s/%s/fd", safety->paths.proc, pid);
	/* It may be gone by now, or be that of somebody else. */
	if (!count && (errno == ENOMEM || errno == EMFILE || errno == ENFILE))
		vp_safety_fail(safety, "what processes have open", -errno);
	for (i = 0; i < count; i++)
		if (vp_peek_link(file, sizeof(file), "%s/%s/fd/%s",
				 safety->paths.proc, pid, fds[i]->d_name) &&
		    is_wanted(file) && !keep(safety, atoi(pid), file))
			break;
	vp_peek_free(fds, count);
}

/* All processes, once. */
static void look(struct vp_safety *safety)
{
	struct dirent **pids = NULL;
	int count, i;

	/* Room for none says that it was looked. */
	safety->opens = calloc(64, sizeof(*safety->opens));
	errno = 0;
	count = safety->opens ? vp_peek_list(&pids, "%s", safety->paths.proc) :
				0;
	if (!count)
		vp_safety_fail(safety, "what processes have open",
			       errno ? -errno : -ENOENT);
	for (i = 0; i < count; i++)
		if (isdigit((unsigned char)pids[i]->d_name[0]) &&
		    atoi(pids[i]->d_name) != getpid())
			look_at(safety, pids[i]->d_name);
	vp_peek_free(pids, count);
}

/*
 * The name of a guest, as QEMU and StratoVirt are told it: -name NAME[,...] or
 * -name guest=NAME[,...].
 */
static void find_vm(const char *cmdline, size_t len, struct vp_user *user)
{
	const char *word = cmdline, *end = cmdline + len, *value, *guest;

	while (word < end && strcmp(word, "-name") != 0 &&
	       strcmp(word, "--name") != 0)
		word += strlen(word) + 1;
	value = word < end ? word + strlen(word) + 1 : end;
	if (value >= end)
		return;
	guest = strstr(value, "guest=");
	if (guest && (guest == value || guest[-1] == ','))
		value = guest + strlen("guest=");
	else if (strchr(value, '=') && strcspn(value, "=") < strcspn(value, ","))
		return;
	snprintf(user->vm, sizeof(user->vm), "%.*s", (int)strcspn(value, ","),
		 value);
	vp_peek_clean(user->vm);
}

/* A file of a process with words that end in NULs. Return: NULL, or to be freed. */
static char *read_words(const struct vp_safety *safety, int pid,
			const char *name, size_t *len)
{
	char path[VP_PEEK_LEN], *words;
	FILE *file;

	*len = 0;
	words = calloc(1, CMDLINE_LEN + 1);
	snprintf(path, sizeof(path), "%s/%d/%s", safety->paths.proc, pid, name);
	file = words ? fopen(path, "re") : NULL;
	if (file) {
		*len = fread(words, 1, CMDLINE_LEN, file);
		fclose(file);
	}
	return words;
}

static void describe(const struct vp_safety *safety, int pid,
		     struct vp_user *user)
{
	char *cmdline;
	size_t len;

	memset(user, 0, sizeof(*user));
	user->pid = pid;
	vp_peek_text(user->command, sizeof(user->command), "%s/%d/comm",
		     safety->paths.proc, pid);
	/* qemu-system-x86 is all of its name that the kernel keeps. */
	if (!strncmp(user->command, "qemu", 4))
		user->command[4] = '\0';
	cmdline = read_words(safety, pid, "cmdline", &len);
	if (cmdline)
		find_vm(cmdline, len, user);
	free(cmdline);
}

/**
 * vp_use_open() - who has a device file open
 * @safety: what the host is up to; all processes are looked at when this is
 *          asked for the first time
 * @file: its path
 * @user: set to the first of them; pid 0 when there is none
 *
 * Takes root for processes of others.
 *
 * Return: how many have it open.
 */
size_t vp_use_open(struct vp_safety *safety, const char *file,
		   struct vp_user *user)
{
	size_t i, count = 0;

	memset(user, 0, sizeof(*user));
	if (!safety->opens)
		look(safety);
	for (i = 0; safety->opens && i < safety->open_count; i++)
		if (!strcmp(safety->opens[i].file, file) && !count++)
			describe(safety, safety->opens[i].pid, user);
	return count;
}

/* Return: true when the process knows. */
static bool find_login(const struct vp_safety *safety, int pid, char *buf,
		       size_t size)
{
	char *words, *word;
	size_t len;

	words = read_words(safety, pid, "environ", &len);
	for (word = words; word && word < words + len;
	     word += strlen(word) + 1) {
		if (strncmp(word, LOGIN, strlen(LOGIN)) != 0)
			continue;
		snprintf(buf, size, "%s", word + strlen(LOGIN));
		break;
	}
	free(words);
	return buf[0];
}

/**
 * vp_use_login() - does a process come from a login by ssh
 * @safety: what the host is up to
 * @pid: the process; 0 for none
 * @buf: set to what SSH_CONNECTION says in its environment, or in that of the
 *       nearest process above it that has one; empty when none has
 * @size: room in @buf
 */
void vp_use_login(const struct vp_safety *safety, int pid, char *buf,
		  size_t size)
{
	char parent[16];
	int i;

	buf[0] = '\0';
	for (i = 0; i < PARENTS_MAX && pid > 1; i++) {
		if (find_login(safety, pid, buf, size))
			return;
		vp_peek_key(parent, sizeof(parent), "PPid:\t", "%s/%d/status",
			    safety->paths.proc, pid);
		pid = atoi(parent);
	}
}
