/* SPDX-License-Identifier: GPL-2.0-only */
/* What actors do to devices: one step of each, over and over. */
#ifndef ACTS_H
#define ACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "nlcall.h"

#define ACT_TARGETS_MAX	16

/**
 * struct act_target - a device that is acted upon
 * @address: its address
 * @native: the host's own driver of it
 * @action: what its rule says: vfio or hold
 *
 * On the command line ADDRESS,NATIVE,ACTION.
 */
struct act_target {
	char *address;
	char *native;
	char *action;
};

/**
 * struct act - what an actor is doing
 * @nl: its socket
 * @open: @nl is open
 * @round: number of the round, from 0
 * @seconds: how long a device may take to get where it is awaited
 * @count: how many @targets there are
 * @targets: the devices
 * @args: words that are not devices, ending with NULL
 * @done: operations that the kernel carried out
 * @refused: those that it refused
 * @error: the last errno of a refusal
 */
struct act {
	struct nl nl;
	bool open;
	unsigned long round;
	int seconds;
	int count;
	struct act_target targets[ACT_TARGETS_MAX];
	char *args[ACT_TARGETS_MAX + 1];
	unsigned long done;
	unsigned long refused;
	int error;
};

/**
 * struct act_kind - something that can be done
 * @name: its name
 * @args: how many words it takes that are no devices
 * @round: does it once. Return: 0, or an errno that ends the actor
 */
struct act_kind {
	const char *name;
	int args;
	int (*round)(struct act *act);
};

const struct act_kind *act_find(const char *name);

#endif /* ACTS_H */
