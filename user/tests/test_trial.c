// SPDX-License-Identifier: GPL-2.0-only
/* What is on trial, its file, and the process that waits; without the module. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tap.h"
#include "tree.h"
#include "trial.h"

static char file[PATH_MAX], taken[PATH_MAX], said[PATH_MAX];
/* What comes between who looks whether the file is locked, and what it sees. */
static void (*between)(void);

int __wrap_vp_nl_open(struct vp_nl *nl)
{
	memset(nl, 0, sizeof(*nl));
	return 0;
}

int __wrap_vp_nl_rules(struct vp_nl *nl, struct vp_nl_rule **rules,
		       size_t *count)
{
	(void)nl;
	*rules = calloc(1, sizeof(**rules));
	if (!*rules)
		return -ENOMEM;
	(*rules)->origin = VFIOPOLICY_ORIGIN_FILE;
	snprintf((*rules)->text, sizeof((*rules)->text), "hold dead:0001");
	*count = 1;
	return 0;
}

int __wrap_vp_nl_devs(struct vp_nl *nl, struct vp_nl_dev **devs, size_t *count)
{
	(void)nl;
	*devs = NULL;
	*count = 0;
	return 0;
}

/* Also in the process that waits. */
int __wrap_vp_nl_rule_replace(struct vp_nl *nl, enum vfiopolicy_origin origin,
			      const char *const *texts, size_t count,
			      struct vp_nl_replaced *replaced)
{
	FILE *f = fopen(said, "w");

	(void)nl;
	(void)origin;
	memset(replaced, 0, sizeof(*replaced));
	if (f) {
		fputs(count ? texts[0] : "", f);
		fclose(f);
	}
	return 0;
}

/* In place of the C library's. */
int flock(int fd, int how)
{
	int (*real)(int fd, int how);
	void (*fn)(void) = between;

	between = NULL;
	if (fn)
		fn();
	*(void **)&real = dlsym(RTLD_NEXT, "flock");
	return real(fd, how);
}

static bool is_put_back(void)
{
	char text[64] = "";
	FILE *f = fopen(said, "r");

	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return !strcmp(text, "hold dead:0001");
}

/* Ours, once its parent has gone. */
static pid_t find_keeper(void)
{
	char path[PATH_MAX], line[64];
	struct dirent *entry;
	pid_t found = 0;
	int parent;
	DIR *dir;
	FILE *f;

	dir = opendir("/proc");
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/status", entry->d_name);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "PPid: %d", &parent) == 1 &&
			    parent == getpid())
				found = atoi(entry->d_name);
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Waits until it has ended, by itself or by a signal. */
static void end_keeper(int sig)
{
	pid_t pid = find_keeper();

	if (sig && pid > 0)
		kill(pid, sig);
	while (pid > 0 && waitpid(-1, NULL, 0) > 0)
		;
}

static void make(void)
{
	tree_make();
	setenv("VFIOPOLICY_ROOT", tree_root, 1);
	tree_dir("run/vfiopolicy");
	snprintf(file, sizeof(file), "%s/run/vfiopolicy/unconfirmed", tree_root);
	snprintf(taken, sizeof(taken), "%s/run/vfiopolicy/taken-back", tree_root);
	snprintf(said, sizeof(said), "%s/said", tree_root);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void begin(struct vp_trial *trial, unsigned int seconds)
{
	struct vp_nl nl = { 0 };

	unlink(said);
	ok(!vp_trial_begin(trial, &nl, seconds), "a trial of %u seconds", seconds);
}

static void test_confirmed(void)
{
	struct vp_trial trial, other;
	struct vp_nl nl = { 0 };
	unsigned int left;

	begin(&trial, 600);
	ok(vp_trial_look(&left) == VP_TRIAL_LASTS && left > 590 && left <= 600,
	   "it lasts");
	ok(vp_trial_peek(&left) == VP_TRIAL_LASTS && left > 590,
	   "as who only shows it sees, too");
	ok(vp_trial_begin(&other, &nl, 5) == -EEXIST, "there is one at a time");
	vp_trial_end(&other, false);
	ok(vp_trial_look(&left) == VP_TRIAL_LASTS, "which the other one leaves");
	ok(!vp_trial_is_over(&trial), "it is not over");
	ok(!vp_trial_confirm(), "it is confirmed");
	ok(!vp_trial_is_over(&trial), "nor over by that");
	vp_trial_end(&trial, true);
	end_keeper(0);
	ok(!is_put_back() && vp_trial_look(&left) == VP_TRIAL_NONE,
	   "and nothing is put back");
}

static void test_ended(void)
{
	struct vp_trial trial;
	struct vp_nl nl = { 0 };
	unsigned int left;

	begin(&trial, 1);
	end_keeper(0);
	ok(is_put_back(), "its time is over, and the rules are put back");
	ok(vp_trial_look(&left) == VP_TRIAL_NONE && access(taken, F_OK),
	   "nothing is left of it");
	ok(vp_trial_is_over(&trial), "who began it can tell");
	unlink(said);
	ok(!vp_trial_put_back(&trial, &nl) && is_put_back(),
	   "and puts back himself what came later");
	vp_trial_end(&trial, false);
}

static void test_killed(void)
{
	struct vp_trial trial;
	unsigned int left;

	begin(&trial, 600);
	end_keeper(SIGKILL);
	ok(vp_trial_is_over(&trial), "the process that waited is killed");
	vp_trial_end(&trial, true);
	ok(vp_trial_peek(&left) == VP_TRIAL_KILLED &&
	   vp_trial_peek(&left) == VP_TRIAL_KILLED && !access(file, F_OK),
	   "who only shows it clears nothing away");
	ok(vp_trial_look(&left) == VP_TRIAL_KILLED, "that is not taken back");
	ok(access(file, F_OK) && vp_trial_look(&left) == VP_TRIAL_NONE,
	   "it is told once, and cleared away");

	tree_text("run/vfiopolicy", "taken-back", "");
	ok(vp_trial_look(&left) == VP_TRIAL_KILLED && access(taken, F_OK),
	   "one that was killed while it put the rules back");
}

static int lock;

/* Somebody else has cleared it away, and begun another one. */
static void replace(void)
{
	unlink(file);
	tree_text("run/vfiopolicy", "unconfirmed", "1\n");
	lock = open(file, O_RDWR | O_CLOEXEC);
	flock(lock, LOCK_EX | LOCK_NB);
}

static void test_another(void)
{
	unsigned int left;

	tree_text("run/vfiopolicy", "unconfirmed", "1\n");
	between = replace;
	ok(vp_trial_look(&left) == VP_TRIAL_LASTS && !access(file, F_OK),
	   "a new one is not cleared away in place of the old");
	close(lock);
	unlink(file);
}

int main(void)
{
	/* A process that waits for ever is a failure. */
	alarm(60);
	make();
	test_confirmed();
	test_ended();
	test_killed();
	test_another();
	tree_remove();
	return done();
}
