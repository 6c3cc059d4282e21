// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a device as one table, and the only writer of a state. Plain
 * C, compiled into the module and into user space; the lock is the caller's.
 *
 *	from         to           when
 *	(none)       matched      a rule names a device
 *	             native       it names one that is never claimed
 *	matched      held         the stub has it
 *	             isolated     its target has it already, or came by itself
 *	             native       a native driver was there first
 *	             lost         somebody bound another driver, or wrote another
 *	                          override and its rule yields
 *	             releasing    its rule went away before the stub came
 *	held         handing-off  its rule wants it with the target
 *	             releasing    its rule went away
 *	             matched      somebody unbound the stub
 *	handing-off  isolated     the target has it
 *	             held         the target would not have it
 *	             matched      neither would
 *	             lost         somebody was quicker
 *	isolated     releasing    its rule went away, or wants it held, or with
 *	                          another target
 *	             matched      somebody unbound the target
 *	releasing    released     done: no rule names it, or somebody asked for it
 *	             matched      a rule names it again, or no driver took it
 *	             held         it is to be held instead
 *	             isolated     its user would not let go
 *	             native       its rule is of something else at its place
 *	             lost         somebody was quicker
 *	native       matched      its driver left it or was taken from it
 *	             released     its rule went away, or somebody asked for it
 *	lost         matched      the other driver left it or was taken from it
 *	             isolated     it came back to its target, or what has it is
 *	                          its target by now
 *	             native       its rule is of something else at its place
 *	             released     its rule went away, or somebody asked for it
 *	released     native       somebody asked for it back
 *	             matched      what sits there is not what its rule names
 *	any but gone  gone: it left the bus
 *	any          itself       another reason
 *
 * All else is blocked. Above all: nothing leads from native, lost or matched
 * to handing-off (only the stub hands over, so bus mastering was off), nothing
 * from held to isolated but through handing-off (where the result is looked
 * at), nothing from held or isolated to released but through releasing, nothing
 * from released to the stub but by request, and nothing out of gone: a device
 * that comes back has a new record.
 */
#include "state.h"

#define TO(s) (1u << VFIOPOLICY_STATE_##s)

static const u32 first = TO(MATCHED) | TO(NATIVE);

static const u32 next[] = {
	[VFIOPOLICY_STATE_MATCHED] = TO(MATCHED) | TO(HELD) | TO(ISOLATED) |
				     TO(NATIVE) | TO(LOST) | TO(RELEASING) |
				     TO(GONE),
	[VFIOPOLICY_STATE_HELD] = TO(HELD) | TO(HANDING_OFF) | TO(RELEASING) |
				  TO(MATCHED) | TO(GONE),
	[VFIOPOLICY_STATE_HANDING_OFF] = TO(HANDING_OFF) | TO(ISOLATED) |
					 TO(HELD) | TO(MATCHED) | TO(LOST) |
					 TO(GONE),
	[VFIOPOLICY_STATE_ISOLATED] = TO(ISOLATED) | TO(RELEASING) |
				      TO(MATCHED) | TO(GONE),
	[VFIOPOLICY_STATE_RELEASING] = TO(RELEASING) | TO(RELEASED) |
				       TO(MATCHED) | TO(HELD) | TO(ISOLATED) |
				       TO(NATIVE) | TO(LOST) | TO(GONE),
	[VFIOPOLICY_STATE_RELEASED] = TO(RELEASED) | TO(NATIVE) | TO(MATCHED) |
				      TO(GONE),
	[VFIOPOLICY_STATE_NATIVE] = TO(NATIVE) | TO(MATCHED) | TO(RELEASED) |
				    TO(GONE),
	[VFIOPOLICY_STATE_LOST] = TO(LOST) | TO(MATCHED) | TO(ISOLATED) |
				  TO(NATIVE) | TO(RELEASED) | TO(GONE),
	[VFIOPOLICY_STATE_GONE] = 0,
};

/**
 * vp_state_may() - does the table allow a move
 * @status: where the device is
 * @to: where it would go
 *
 * Context: any; the caller holds the lock that guards @status.
 * Return: true when it does.
 */
bool vp_state_may(const struct vp_status *status, enum vfiopolicy_state to)
{
	return (status->born ? next[status->state] : first) & (1u << to);
}

/**
 * vp_state_move() - move a device to another state, or give it another reason
 * @status: where it is; changed only on success
 * @to: where it goes
 * @reason: why
 *
 * Context: any; the caller holds the lock that guards @status.
 * Return: 0, or -EINVAL when the table blocks this move.
 */
int vp_state_move(struct vp_status *status, enum vfiopolicy_state to,
		  enum vfiopolicy_reason reason)
{
	if (!vp_state_may(status, to))
		return -EINVAL;
	status->born = true;
	status->state = to;
	status->reason = reason;
	return 0;
}

/**
 * vp_state_name() - a state as the kernel log and the command say it
 * @state: the state
 *
 * Context: any.
 * Return: its name in the specification of the netlink family.
 */
const char *vp_state_name(enum vfiopolicy_state state)
{
	static const char * const names[] = {
		[VFIOPOLICY_STATE_MATCHED] = "matched",
		[VFIOPOLICY_STATE_HELD] = "held",
		[VFIOPOLICY_STATE_HANDING_OFF] = "handing-off",
		[VFIOPOLICY_STATE_ISOLATED] = "isolated",
		[VFIOPOLICY_STATE_RELEASING] = "releasing",
		[VFIOPOLICY_STATE_RELEASED] = "released",
		[VFIOPOLICY_STATE_NATIVE] = "native",
		[VFIOPOLICY_STATE_LOST] = "lost",
		[VFIOPOLICY_STATE_GONE] = "gone",
	};

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}
