/* SPDX-License-Identifier: GPL-2.0-only */
/* A change on trial: it is taken back unless somebody confirms it in time. */
#ifndef VFIOPOLICY_TRIAL_H
#define VFIOPOLICY_TRIAL_H

#include "nl.h"

/* Seconds that a trial may last. */
#define VP_TRIAL_MAX	86400

/**
 * struct vp_trial - a trial that has begun, for who began it
 * @path: the file that is there as long as it lasts; NULL when there is none
 */
struct vp_trial {
	char *path;
};

int vp_trial_begin(struct vp_trial *trial, struct vp_nl *nl,
		   unsigned int seconds);
void vp_trial_end(struct vp_trial *trial, bool keep);
bool vp_trial_lasts(unsigned int *left);
int vp_trial_confirm(void);

#endif /* VFIOPOLICY_TRIAL_H */
