/* SPDX-License-Identifier: GPL-2.0-only */
/* A change on trial: it is taken back unless somebody confirms it in time. */
#ifndef VFIOPOLICY_TRIAL_H
#define VFIOPOLICY_TRIAL_H

#include "nl.h"

/* Seconds that a trial may last. */
#define VP_TRIAL_MAX	86400

struct vp_trial_before;

/**
 * struct vp_trial - a trial that has begun, for who began it
 * @path: the file that is there as long as it lasts; NULL when there is none
 * @fd: that file
 * @before: how things were
 */
struct vp_trial {
	char *path;
	int fd;
	struct vp_trial_before *before;
};

/**
 * enum vp_trial_state - how a trial fares
 * @VP_TRIAL_NONE: there is none, perhaps not any more
 * @VP_TRIAL_LASTS: it waits to be confirmed
 * @VP_TRIAL_KILLED: the process that was to put the rules back was killed
 */
enum vp_trial_state {
	VP_TRIAL_NONE,
	VP_TRIAL_LASTS,
	VP_TRIAL_KILLED,
};

int vp_trial_begin(struct vp_trial *trial, struct vp_nl *nl,
		   unsigned int seconds);
bool vp_trial_is_over(const struct vp_trial *trial);
int vp_trial_put_back(const struct vp_trial *trial, struct vp_nl *nl);
void vp_trial_end(struct vp_trial *trial, bool keep);
enum vp_trial_state vp_trial_look(unsigned int *left);
enum vp_trial_state vp_trial_peek(unsigned int *left);
int vp_trial_confirm(void);

#endif /* VFIOPOLICY_TRIAL_H */
