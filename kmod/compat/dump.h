/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attributes of a dump request on every kernel.
 *
 * VP_HAVE_GENL_INFO_DUMP (probe: net/genetlink.h has genl_info_dump()): they
 * are in the genl_info that a dump has, as a do request does; before, in the
 * genl_dumpit_info itself.
 */
#ifndef VFIOPOLICY_COMPAT_DUMP_H
#define VFIOPOLICY_COMPAT_DUMP_H

#include <net/genetlink.h>

/* Context: in start or dumpit. Return: by type; NULL when there is none. */
static inline struct nlattr **vp_dump_attrs(struct netlink_callback *cb)
{
#ifdef VP_HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

#endif /* VFIOPOLICY_COMPAT_DUMP_H */
