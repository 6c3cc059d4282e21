// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits until devices have come to rest. An event only says that it is time
 * to ask again: what counts is the answer, so neither an event that was on
 * its way before the change nor one that was lost can mislead.
 */
#include <math.h>
#include <poll.h>
#include <time.h>

#include "verdict.h"
#include "output.h"
#include "trial.h"
#include "watch.h"

/* How often to ask when nobody tells, and in case something was missed. */
#define ASK_MS		100
#define ASK_AGAIN_MS	1000

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	       (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/**
 * vp_watch_init() - a set of devices to wait for
 * @watch: filled in; to be freed with vp_watch_free()
 * @nl: the connection to the module
 * @count: how many devices; the caller fills them in
 *
 * Return: 0 or -ENOMEM.
 */
int vp_watch_init(struct vp_watch *watch, struct vp_nl *nl, size_t count)
{
	memset(watch, 0, sizeof(*watch));
	watch->nl = nl;
	watch->devs = calloc(count ? count : 1, sizeof(*watch->devs));
	watch->count = count;
	return watch->devs ? 0 : -ENOMEM;
}

/**
 * vp_watch_free() - forget a set of devices
 * @watch: the set
 */
void vp_watch_free(struct vp_watch *watch)
{
	free(watch->devs);
	watch->devs = NULL;
	watch->count = 0;
}

/**
 * vp_watch_start() - the change is about to be made
 * @watch: the set
 *
 * Events are listened to from here on, as far as the caller may.
 */
void vp_watch_start(struct vp_watch *watch)
{
	watch->events = !vp_nl_listen(watch->nl);
	clock_gettime(CLOCK_MONOTONIC, &watch->start);
}

static bool is_done(const struct vp_watch *watch, const struct vp_nl_dev *dev)
{
	bool released = dev->state == VFIOPOLICY_STATE_RELEASED;

	if (watch->releasing)
		return released;
	return vp_verdict_resting(dev) && !(watch->claiming && released) &&
	       (!watch->leaving || dev->rule);
}

/* Asks how one device is. Return: 0 or -errno. */
static int ask(struct vp_watch *watch, struct vp_watch_dev *dev)
{
	int ret = vp_nl_dev(watch->nl, dev->address, &dev->dev);

	if (ret == -ENODEV) {
		dev->dev.state = VFIOPOLICY_STATE_GONE;
		dev->done = watch->leaving || dev->known;
		return 0;
	}
	if (ret)
		return ret;
	dev->known = true;
	dev->done = is_done(watch, &dev->dev);
	return 0;
}

/* Return: how many are not done yet, or -errno. */
static int ask_all(struct vp_watch *watch, vp_watch_fn fn, void *arg)
{
	int ret, left = 0;
	size_t i;

	for (i = 0; i < watch->count; i++) {
		struct vp_watch_dev *dev = &watch->devs[i];

		if (dev->done)
			continue;
		ret = ask(watch, dev);
		if (ret)
			return ret;
		if (!dev->done) {
			left++;
			continue;
		}
		dev->seconds = seconds_since(&watch->start);
		fn(dev, arg);
	}
	return left;
}

/* Waits for something to happen, @ms at the most. */
static int wait_a_while(struct vp_watch *watch, int ms)
{
	struct vp_nl_event event;
	struct pollfd fd = { .events = POLLIN };
	int ret;

	if (!watch->events) {
		poll(NULL, 0, ms < ASK_MS ? ms : ASK_MS);
		return 0;
	}
	fd.fd = vp_nl_events_fd(watch->nl);
	poll(&fd, 1, ms < ASK_AGAIN_MS ? ms : ASK_AGAIN_MS);
	do {
		ret = vp_nl_next_event(watch->nl, &event);
	} while (!ret);
	return ret == -EAGAIN ? 0 : ret;
}

/**
 * vp_watch_run() - wait
 * @watch: the set, after vp_watch_start() and the change
 * @wait: how many seconds; 0 to look once
 * @fn: called for each device when it is done
 * @arg: handed on to @fn
 *
 * Return: how many are not done; or -errno, with the reason in the
 * connection's error.
 */
int vp_watch_run(struct vp_watch *watch, double wait, vp_watch_fn fn, void *arg)
{
	double left_seconds;
	int left, ret;

	for (;;) {
		left = ask_all(watch, fn, arg);
		left_seconds = wait - seconds_since(&watch->start);
		if (left <= 0 || left_seconds <= 0)
			return left;
		ret = wait_a_while(watch, (int)ceil(left_seconds * 1000));
		if (ret)
			return ret;
	}
}

/**
 * vp_watch_lock() - get the right to edit the rule files
 * @lock: filled in; to be given back with vp_rules_unlock()
 *
 * Says so before it waits for another one that edits, and why it fails.
 *
 * Return: 0; -EBUSY while an apply is on trial; any other -errno.
 */
int vp_watch_lock(struct vp_rules_lock *lock)
{
	struct vp_rules_error error;
	unsigned int left;
	int ret = vp_rules_lock(lock, false, &error);

	if (ret == -EWOULDBLOCK) {
		vp_out_note("another one is editing the rule files; waiting for it");
		ret = vp_rules_lock(lock, true, &error);
	}
	if (ret) {
		vp_out_error("%s", error.text);
		return ret;
	}
	/* It would be taken back along with that. */
	switch (vp_trial_look(&left)) {
	case VP_TRIAL_NONE:
		break;
	case VP_TRIAL_KILLED:
		vp_out_note("what was applied with --confirm was neither confirmed nor all taken back: the process that waited was killed");
		break;
	case VP_TRIAL_LASTS:
		vp_out_error("an apply waits to be confirmed for %u more seconds", left);
		vp_out_error_more("vfiopolicy confirm keeps it; else what was before comes back.");
		vp_rules_unlock(lock);
		return -EBUSY;
	}
	return 0;
}
