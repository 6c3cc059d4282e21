// SPDX-License-Identifier: GPL-2.0-only
/*
 * apply --confirm=SEC: a process of its own waits beside the session and then puts
 * the rules back that were in force before, unless they are confirmed. Whoever has
 * locked himself out, say by giving away his network card, need do nothing.
 *
 * As long as it waits there is the file /run/vfiopolicy/unconfirmed, locked by it;
 * what is written there is for people. To confirm is to delete that file, and to
 * begin taking back is to rename it, so only one of the two comes to pass. It is
 * made empty when that has begun. A file that nobody has locked is one whose process
 * was killed.
 *
 * The rule files stay as they are: what somebody wrote is his. They are in force
 * again when he applies them again.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "rules.h"
#include "trial.h"

#define UNCONFIRMED	"unconfirmed"
/* How often, and every how many seconds, it is tried to put them back. */
#define PUT_BACK_TRIES		720
#define PUT_BACK_SECONDS	5
/* What it is called while the rules are being put back, and before it is whole. */
#define TAKEN_BACK	"taken-back"
#define UNFINISHED	".unconfirmed-XXXXXX"

/**
 * struct vp_trial_before - how things were
 * @rules: all rules
 * @texts: those of the files, in @rules
 * @count: number of @texts
 * @devs: devices that were with the stub or their target
 * @ndevs: number of @devs
 */
struct vp_trial_before {
	struct vp_nl_rule *rules;
	const char **texts;
	size_t count;
	struct vp_nl_dev *devs;
	size_t ndevs;
};

/* In the folder above that of the rules of /run; who only looks makes none. */
static char *make_path(const char *name, bool create)
{
	char *folder = vp_rules_make_path(VP_RULES_RUN, NULL), *path = NULL;
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (slash) {
		*slash = '\0';
		if (create && mkdir(folder, 0755) && errno != EEXIST)
			vp_out_verbose("%s: %s", folder, strerror(errno));
		if (asprintf(&path, "%s/%s", folder, name) < 0)
			path = NULL;
	}
	free(folder);
	return path;
}

static bool was_ours(const struct vp_nl_dev *dev)
{
	return dev->state == VFIOPOLICY_STATE_HELD ||
	       dev->state == VFIOPOLICY_STATE_HANDING_OFF ||
	       dev->state == VFIOPOLICY_STATE_ISOLATED;
}

static void forget(struct vp_trial_before *before)
{
	if (!before)
		return;
	free(before->rules);
	free(before->texts);
	free(before->devs);
	free(before);
}

/* To be forgotten, also after an error. */
static int look(struct vp_nl *nl, struct vp_trial_before *before)
{
	size_t count = 0, i;
	int ret;

	ret = vp_nl_rules(nl, &before->rules, &count);
	if (!ret)
		ret = vp_nl_devs(nl, &before->devs, &before->ndevs);
	if (ret)
		return ret;
	before->texts = calloc(count + 1, sizeof(*before->texts));
	if (!before->texts)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (before->rules[i].origin == VFIOPOLICY_ORIGIN_FILE)
			before->texts[before->count++] = before->rules[i].text;
	return 0;
}

/* By the command itself, which looks first whether the host uses the device. */
static void ask_for(const char *address)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execl("/proc/self/exe", "vfiopolicy", "claim", "--quiet",
		      "--wait=30", address, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		syslog(LOG_ERR, "%s is not taken back: vfiopolicy claim %s says why",
		       address, address);
}

static bool was_there(const struct vp_trial_before *before, const char *text)
{
	size_t i;

	for (i = 0; i < before->count; i++)
		if (!strcmp(before->texts[i], text))
			return true;
	return false;
}

/* Each rule for itself that has come since, so that one in use keeps no other. */
static void del_new(struct vp_nl *nl, const struct vp_trial_before *before)
{
	struct vp_nl_rule *rules = NULL;
	size_t count = 0, i;

	if (vp_nl_rules(nl, &rules, &count))
		return;
	for (i = 0; i < count; i++)
		if (rules[i].origin == VFIOPOLICY_ORIGIN_FILE &&
		    !was_there(before, rules[i].text))
			vp_nl_rule_del(nl, rules[i].id, NULL);
	free(rules);
}

/* Not while a guest has a device of a rule that would go: then as soon as not. */
static int put_back(struct vp_nl *nl, const struct vp_trial_before *before)
{
	struct vp_nl_replaced replaced;
	unsigned int tries;
	int ret = -EIO;

	for (tries = 0; ret && tries < PUT_BACK_TRIES; tries++) {
		if (tries)
			sleep(PUT_BACK_SECONDS);
		ret = vp_nl_rule_replace(nl, VFIOPOLICY_ORIGIN_FILE,
					 before->texts, before->count, &replaced);
		if (ret && !tries) {
			syslog(LOG_ERR, "apply was not confirmed, and not all rules can be put back yet: %s",
			       nl->error.text);
			del_new(nl, before);
		}
	}
	return ret;
}

static void take_back(const struct vp_trial_before *before)
{
	struct vp_nl_dev now;
	struct vp_nl nl;
	size_t i;

	if (vp_nl_open(&nl) || put_back(&nl, before)) {
		syslog(LOG_ERR, "apply was not confirmed, and the rules cannot be put back: %s",
		       nl.error.text);
		vp_nl_close(&nl);
		return;
	}
	syslog(LOG_WARNING, "apply was not confirmed: the rules are as before, but for the files");
	for (i = 0; i < before->ndevs; i++)
		if (was_ours(&before->devs[i]) &&
		    !vp_nl_dev(&nl, before->devs[i].address, &now) &&
		    now.rule && !was_ours(&now))
			ask_for(now.address);
	vp_nl_close(&nl);
}

/*
 * Away from the terminal, and from the session that may be ended with all in it;
 * with nothing of the caller's but @lock, which it shares with him.
 */
static void detach(int lock)
{
	int null, cgroup;

	setsid();
	if (lock > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, lock - 1, 0);
	close_range(lock + 1, ~0U, 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (chdir("/"))
		return;
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	/* logind may end what is left in the session's cgroup. */
	cgroup = open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (cgroup >= 0) {
		if (write(cgroup, "0", 1) != 1)
			syslog(LOG_DEBUG, "stays in the cgroup of the session");
		close(cgroup);
	}
}

/*
 * Until then, or the file has gone. Suspended, the time goes on: so does that of
 * who cannot reach the machine.
 */
static void wait_until(const struct timespec *until, const char *path)
{
	const struct itimerspec time = { .it_value = *until };
	struct pollfd fds[2] = {
		{ .fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC), .events = POLLIN },
		{ .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN },
	};
	char events[4096];

	/* Open as it is here, what its deletion changes is the count of its names. */
	inotify_add_watch(fds[1].fd, path, IN_ATTRIB);
	if (timerfd_settime(fds[0].fd, TFD_TIMER_ABSTIME, &time, NULL))
		return;
	while (!access(path, F_OK) && !(fds[0].revents & POLLIN)) {
		poll(fds, 2, -1);
		if (fds[1].revents & POLLIN &&
		    read(fds[1].fd, events, sizeof(events)) < 0)
			fds[1].fd = -1;
	}
}

static void keep(const char *path, int lock, const struct timespec *until,
		 const struct vp_trial_before *before)
{
	char *taken = make_path(TAKEN_BACK, true);

	detach(lock);
	openlog("vfiopolicy", LOG_PID, LOG_DAEMON);
	wait_until(until, path);
	if (taken && !rename(path, taken)) {
		if (ftruncate(lock, 0))
			syslog(LOG_DEBUG, "%s: %s", taken, strerror(errno));
		take_back(before);
		unlink(taken);
	}
}

/* Twice, so that nobody's child is left when the command ends. */
static int start(const char *path, int lock, const struct timespec *until,
		 const struct vp_trial_before *before)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid) {
		/* The shell may hang up on its jobs. */
		signal(SIGHUP, SIG_IGN);
		pid = fork();
		if (!pid)
			keep(path, lock, until, before);
		_exit(pid < 0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return -EAGAIN;
	return 0;
}

/* Locked and whole when it gets its name: whoever sees it sees whose it is. */
static int make_file(const char *path, unsigned int seconds,
		     const struct timespec *until)
{
	char *unfinished = make_path(UNFINISHED, true);
	int fd, ret = 0;

	fd = unfinished ? mkostemp(unfinished, O_CLOEXEC) : -1;
	if (fd < 0) {
		ret = unfinished ? -errno : -ENOMEM;
		free(unfinished);
		return ret;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) ||
	    dprintf(fd, "%lld\n"
		    "The second since boot at which the rules are put back, %u after they were\n"
		    "applied, unless somebody says: vfiopolicy confirm\n",
		    (long long)until->tv_sec, seconds) < 0 ||
	    link(unfinished, path))
		ret = -errno;
	unlink(unfinished);
	free(unfinished);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

/* By the name that the file has now. */
static bool is_at(int fd, const char *path)
{
	struct stat own, there;

	return !fstat(fd, &own) && !stat(path, &there) &&
	       own.st_ino == there.st_ino && own.st_dev == there.st_dev;
}

/**
 * vp_trial_begin() - whatever is done from here on is taken back
 * @trial: to be given to vp_trial_end(), also after an error
 * @nl: the connection to the module
 * @seconds: after so many, unless it is confirmed
 *
 * To be called under the lock of the rule files, and when vp_trial_look() says
 * that none lasts.
 *
 * Return: 0 or -errno; nothing is to be taken back then.
 */
int vp_trial_begin(struct vp_trial *trial, struct vp_nl *nl,
		   unsigned int seconds)
{
	struct timespec until;
	int fd, ret;

	trial->path = NULL;
	trial->fd = -1;
	trial->before = calloc(1, sizeof(*trial->before));
	ret = trial->before ? look(nl, trial->before) : -ENOMEM;
	if (ret)
		return ret;
	clock_gettime(CLOCK_BOOTTIME, &until);
	until.tv_sec += seconds;
	trial->path = make_path(UNCONFIRMED, true);
	fd = trial->path ? make_file(trial->path, seconds, &until) : -ENOMEM;
	if (fd < 0) {
		/* Whose it is that is there, it is not ours to remove. */
		free(trial->path);
		trial->path = NULL;
		return fd;
	}
	trial->fd = open(trial->path, O_RDONLY | O_CLOEXEC);
	ret = trial->fd < 0 ? -errno :
			      start(trial->path, fd, &until, trial->before);
	if (ret)
		vp_trial_end(trial, false);
	/* The process that waits has the lock by its own copy of this. */
	close(fd);
	return ret;
}

/**
 * vp_trial_is_over() - is there nobody left who would take anything back
 * @trial: from vp_trial_begin()
 *
 * What was done after it was over is not taken back by anybody.
 *
 * Return: true when the time was over, or the process that waited was killed;
 * false while it waits, and when it was confirmed.
 */
bool vp_trial_is_over(const struct vp_trial *trial)
{
	struct stat status;

	if (!trial->path)
		return false;
	if (is_at(trial->fd, trial->path)) {
		/* Nobody but who waits has it locked for longer than a moment. */
		if (flock(trial->fd, LOCK_EX | LOCK_NB))
			return false;
		flock(trial->fd, LOCK_UN);
		return true;
	}
	/* To confirm it is to delete it as it is. */
	return fstat(trial->fd, &status) || status.st_nlink || !status.st_size;
}

/**
 * vp_trial_put_back() - take back what was done after the trial was over
 * @trial: from vp_trial_begin()
 * @nl: the connection to the module
 *
 * Return: 0 or -errno, with the reason in @nl.
 */
int vp_trial_put_back(const struct vp_trial *trial, struct vp_nl *nl)
{
	struct vp_nl_replaced replaced;

	return vp_nl_rule_replace(nl, VFIOPOLICY_ORIGIN_FILE,
				  trial->before->texts, trial->before->count,
				  &replaced);
}

/**
 * vp_trial_end() - whoever began it goes
 * @trial: from vp_trial_begin()
 * @keep: it goes on; else nothing was changed, and it is over
 */
void vp_trial_end(struct vp_trial *trial, bool keep)
{
	if (!keep && trial->path)
		unlink(trial->path);
	if (trial->path && trial->fd >= 0)
		close(trial->fd);
	free(trial->path);
	trial->path = NULL;
	forget(trial->before);
	trial->before = NULL;
}

static enum vp_trial_state look_at(const char *path, bool clear,
				   unsigned int *left)
{
	enum vp_trial_state state = VP_TRIAL_LASTS;
	long long until = 0;
	struct timespec now;
	FILE *file;

	for (;;) {
		file = fopen(path, "re");
		if (!file)
			return VP_TRIAL_NONE;
		if (flock(fileno(file), LOCK_EX | LOCK_NB))
			break;
		/* Somebody may have cleared it away, and another one begun. */
		if (is_at(fileno(file), path)) {
			if (clear)
				unlink(path);
			state = VP_TRIAL_KILLED;
			break;
		}
		fclose(file);
	}
	if (fscanf(file, "%lld", &until) != 1)
		until = 0;
	clock_gettime(CLOCK_BOOTTIME, &now);
	*left = until > now.tv_sec ? (unsigned int)(until - now.tv_sec) : 0;
	fclose(file);
	return state;
}

static enum vp_trial_state look_for(bool clear, unsigned int *left)
{
	char *path = make_path(UNCONFIRMED, false);
	char *taken = make_path(TAKEN_BACK, false);
	enum vp_trial_state state = VP_TRIAL_NONE;

	*left = 0;
	if (path)
		state = look_at(path, clear, left);
	/* One that has begun to put the rules back waits for nothing. */
	if (!state && taken &&
	    look_at(taken, clear, left) == VP_TRIAL_KILLED)
		state = VP_TRIAL_KILLED;
	free(path);
	free(taken);
	return state;
}

/**
 * vp_trial_look() - is something on trial
 * @left: set to the seconds that it still has
 *
 * What is left of one whose process was killed is told of once, and cleared away.
 *
 * Return: how that fares.
 */
enum vp_trial_state vp_trial_look(unsigned int *left)
{
	return look_for(true, left);
}

/**
 * vp_trial_peek() - the same, for who only shows it
 * @left: as above
 *
 * Nothing is cleared away. Only root sees what is on trial.
 *
 * Return: as above.
 */
enum vp_trial_state vp_trial_peek(unsigned int *left)
{
	return look_for(false, left);
}

/**
 * vp_trial_confirm() - what is on trial stays
 *
 * Return: 0; -ENOENT when nothing is, perhaps not any more; any other -errno.
 */
int vp_trial_confirm(void)
{
	char *path = make_path(UNCONFIRMED, false);
	int ret = 0;

	if (!path)
		return -ENOMEM;
	if (unlink(path))
		ret = -errno;
	free(path);
	return ret;
}
