/* SPDX-License-Identifier: GPL-2.0-only */
/* The life of a device: which state may follow which. */
#ifndef VFIOPOLICY_STATE_H
#define VFIOPOLICY_STATE_H

#include "shim.h"
#include "include/uapi/linux/vfiopolicy.h"

/* The last reason there is. */
#define VFIOPOLICY_REASON_MAX	VFIOPOLICY_REASON_WITH

/**
 * struct vp_status - where a device is, and why
 * @born: it has been given its first state
 * @state: written by vp_state_move() alone
 * @reason: why it is there, or %VFIOPOLICY_REASON_NONE
 */
struct vp_status {
	bool born;
	enum vfiopolicy_state state;
	enum vfiopolicy_reason reason;
};

bool vp_state_may(const struct vp_status *status, enum vfiopolicy_state to);
int vp_state_move(struct vp_status *status, enum vfiopolicy_state to,
		  enum vfiopolicy_reason reason);
const char *vp_state_name(enum vfiopolicy_state state);

#endif /* VFIOPOLICY_STATE_H */
