/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: each change of a device's state, with the time it happened. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfiopolicy

#if !defined(VFIOPOLICY_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VFIOPOLICY_TRACE_H

#include <linux/tracepoint.h>

#include "vfiopolicy.h"

/*
 * Names would have to be listed here once more; numbers are those of the
 * netlink family. Arrays, since __assign_str() takes another number of arguments
 * on each kernel.
 */
TRACE_EVENT(vfiopolicy_state,

	TP_PROTO(const struct vp_view *view, const struct vp_status *old),

	TP_ARGS(view, old),

	TP_STRUCT__entry(
		__array(char, address, VP_NAME_MAX)
		__array(char, driver, VP_NAME_MAX)
		__field(u32, generation)
		__field(u32, rule)
		__field(int, old_state)
		__field(int, state)
		__field(int, reason)
		__field(int, cause)
	),

	TP_fast_assign(
		memcpy(__entry->address, view->address, VP_NAME_MAX);
		memcpy(__entry->driver, view->driver, VP_NAME_MAX);
		__entry->generation = view->generation;
		__entry->rule = view->entry ? view->entry->id : 0;
		__entry->old_state = old->born ? (int)old->state : -1;
		__entry->state = view->status.state;
		__entry->reason = view->status.reason;
		__entry->cause = view->cause;
	),

	TP_printk("%s generation=%u rule=%u driver=%s old=%d state=%d reason=%d cause=%d",
		  __entry->address, __entry->generation, __entry->rule,
		  __entry->driver, __entry->old_state, __entry->state,
		  __entry->reason, __entry->cause)
);

#endif /* VFIOPOLICY_TRACE_H */

/* Found by the folder that Kbuild adds for device.o. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
