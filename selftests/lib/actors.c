// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actors that do something to devices in loops, at the same time:
 *
 *	actors SECONDS ACTOR [-- ACTOR]...	for so long
 *	actors xROUNDS ACTOR [-- ACTOR]...	so often
 *
 * An ACTOR is one of these, its own arguments, and devices, each written
 * ADDRESS,NATIVE,ACTION: its native driver, and the action of its rule, which
 * is "ACTION ADDRESS".
 *
 *	claim		dev-claim
 *	release		dev-release and dev-claim, by turns
 *	rule		its rule goes and comes back, then dev-claim
 *	replace		rule-replace, by turns with that rule and with hold
 *	override	driver_override and drivers_probe: the native driver,
 *			vfio-pci, none, vfiopolicy
 *	bind		unbind, then bind of the native driver, vfio-pci, vfiopolicy
 *	unbind		unbind, sometimes followed by drivers_probe
 *	rescan		rescan of all
 *	replug		remove, then rescan of all
 *	numvfs PF NUM	sriov_numvfs: NUM, 0
 *	user		opens the device through vfio, and closes it
 *	target		vfio-pci goes and comes back
 *	module FILE	this module goes and comes back, by turns with rules
 *	suspend		suspends the host, as far as pm_test lets it
 *
 * These wait for what they bring about, and end with 1 if it does not come:
 *
 *	cycle		replug; to where its rule says, as another generation
 *	handoff		replace; to the stub, and to where its rule says
 *	giveback	dev-release; to its native driver, and taken from that
 *	vfs PF NUM	numvfs; the devices are VFs, and reach what their rule says
 *
 * Those that do not wait rest between rounds, by a number drawn from the same
 * ones each time: half of the time not at all, else up to 30 or 300 ms, so that
 * devices can get further than a first step.
 *
 * Prints a line for each: its name, rounds=, done=, refused=, last_error=. Exit
 * status: 0; 1 for an actor that failed, or did not end, which is left alone.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "acts.h"

#define ACTORS_MAX	8
/* How long one may take for its last round, and for anything it waits for. */
#define PATIENCE	60

static int say_usage(void)
{
	fprintf(stderr, "actors: how it is used is at the top of actors.c\n");
	return 1;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int patience(void)
{
	const char *text = getenv("VP_PATIENCE"), *slow = getenv("VP_SLOW");

	if (text)
		return atoi(text);
	return PATIENCE * (slow ? atoi(slow) : 1);
}

/* Return: how many words it has, or 0 for nonsense. */
static int parse(int argc, char **argv, const struct act_kind **kind,
		 struct act *act)
{
	int i;

	*kind = argc ? act_find(argv[0]) : NULL;
	if (!*kind)
		return 0;
	memset(act, 0, sizeof(*act));
	act->seconds = patience();
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		struct act_target *target = &act->targets[act->count];
		char *rest;

		if (i <= (*kind)->args) {
			act->args[i - 1] = argv[i];
			continue;
		}
		if (act->count == ACT_TARGETS_MAX)
			return 0;
		rest = argv[i];
		target->address = strsep(&rest, ",");
		target->native = strsep(&rest, ",");
		target->action = strsep(&rest, ",");
		if (!target->action || rest)
			return 0;
		act->count++;
	}
	return i > (*kind)->args ? i : 0;
}

static void rest(void)
{
	long limits[] = { 0, 0, 30, 300 }, limit = limits[random() % 4];
	struct timespec ts = {};

	if (!limit)
		return;
	ts.tv_nsec = random() % limit * 1000000;
	nanosleep(&ts, NULL);
}

static int play(const struct act_kind *kind, struct act *act,
		unsigned long rounds, double end)
{
	int ret = 0;

	while (!ret && (rounds ? act->round < rounds : now() < end)) {
		ret = kind->round(act);
		act->round++;
		if (!rounds)
			rest();
	}
	printf("%s rounds=%lu done=%lu refused=%lu last_error=%s\n", kind->name,
	       act->round, act->done, act->refused,
	       act->error ? strerrorname_np(act->error) : "-");
	fflush(stdout);
	if (ret)
		fprintf(stderr, "actors: %s failed: %s\n", kind->name,
			strerror(-ret));
	return ret ? 1 : 0;
}

/* Return: 0 if all ended in time, and well. */
static int wait_for_all(pid_t *pids, int count, double end)
{
	int status, ret = 0, left = count, i;
	struct timespec second = { .tv_sec = 1 };
	sigset_t child;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (left) {
		pid = waitpid(-1, &status, end > 0 ? WNOHANG : 0);
		if (pid > 0) {
			left--;
			for (i = 0; i < count; i++)
				if (pids[i] == pid)
					pids[i] = 0;
			if (status)
				ret = 1;
			continue;
		}
		if (now() > end)
			break;
		sigtimedwait(&child, NULL, &second);
	}
	for (i = 0; left && i < count; i++) {
		if (!pids[i])
			continue;
		fprintf(stderr, "actors: number %d does not end\n", i + 1);
		ret = 1;
	}
	return ret;
}

int main(int argc, char **argv)
{
	const struct act_kind *kinds[ACTORS_MAX];
	static struct act acts[ACTORS_MAX];
	unsigned long rounds = 0;
	pid_t pids[ACTORS_MAX];
	int i, n, count = 0;
	double end = 0;
	sigset_t child;

	if (argc < 3)
		return say_usage();
	if (argv[1][0] == 'x')
		rounds = strtoul(argv[1] + 1, NULL, 10);
	else
		end = now() + atoi(argv[1]);
	if (!rounds && end == 0)
		return say_usage();
	for (i = 2; i < argc; i += n + 1) {
		if (count == ACTORS_MAX)
			return say_usage();
		n = parse(argc - i, argv + i, &kinds[count], &acts[count]);
		if (!n)
			return say_usage();
		count++;
	}

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	for (i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] < 0) {
			perror("fork");
			return 1;
		}
		srandom(i);
		if (!pids[i])
			_exit(play(kinds[i], &acts[i], rounds, end));
	}
	return wait_for_all(pids, count, rounds ? 0 : end + patience());
}
