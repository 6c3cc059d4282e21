/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting: for devices to come to rest after a change, and for who edits. */
#ifndef VFIOPOLICY_WATCH_H
#define VFIOPOLICY_WATCH_H

#include "nl.h"
#include "rules.h"

/**
 * struct vp_watch_dev - one device that is waited for
 * @address: its address
 * @name: what to call it
 * @from: the driver that had it before the change; empty when none
 * @known: the module has a record of it
 * @done: it has come to where it will stay
 * @dev: how the module had it last; its state is gone once there is no record
 * @seconds: when it was done, counted from vp_watch_start()
 */
struct vp_watch_dev {
	char address[VP_HOST_LEN];
	char name[VP_NAMES_LEN];
	char from[VP_HOST_LEN];
	bool known;
	bool done;
	struct vp_nl_dev dev;
	double seconds;
};

/**
 * struct vp_watch - a set of devices that is waited for
 * @nl: the connection to the module
 * @leaving: their rule was deleted, so having no record is where they go
 * @claiming: they were asked for, so being released is no end
 * @releasing: they were given back, so being released is the only end
 * @events: the kernel tells of changes; else they are asked for
 * @start: when the change was made
 * @devs: the devices
 * @count: number of @devs
 */
struct vp_watch {
	struct vp_nl *nl;
	bool leaving;
	bool claiming;
	bool releasing;
	bool events;
	struct timespec start;
	struct vp_watch_dev *devs;
	size_t count;
};

/* Called for each device when it is done. */
typedef void (*vp_watch_fn)(const struct vp_watch_dev *dev, void *arg);

int vp_watch_init(struct vp_watch *watch, struct vp_nl *nl, size_t count);
void vp_watch_free(struct vp_watch *watch);
void vp_watch_start(struct vp_watch *watch);
int vp_watch_run(struct vp_watch *watch, double wait, vp_watch_fn fn, void *arg);
int vp_watch_lock(struct vp_rules_lock *lock);

#endif /* VFIOPOLICY_WATCH_H */
