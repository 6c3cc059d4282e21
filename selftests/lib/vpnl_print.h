/* SPDX-License-Identifier: GPL-2.0-only */
/* How vpnl prints what the family says; each is an nl_fn for one message. */
#ifndef VPNL_PRINT_H
#define VPNL_PRINT_H

#include <linux/vfiopolicy.h>

#include "nlcall.h"

#define VPNL_STATES	(VFIOPOLICY_STATE_GONE + 1)
#define VPNL_REASONS	(VFIOPOLICY_REASON_WITH + 1)
#define VPNL_ORIGINS	(VFIOPOLICY_ORIGIN_FILE + 1)

extern const char * const vpnl_states[VPNL_STATES];
extern const char * const vpnl_reasons[VPNL_REASONS];
extern const char * const vpnl_origins[VPNL_ORIGINS];

/* What there is no name for is from a newer module. */
#define NAME(names, i) \
	((i) < sizeof(names) / sizeof(names[0]) ? names[i] : "?")

int vpnl_print_info(const struct nlmsghdr *hdr, void *arg);
/* @arg: what to add when the rule was there already, or NULL */
int vpnl_print_rule(const struct nlmsghdr *hdr, void *arg);
/* @arg: the stream */
int vpnl_print_dev(const struct nlmsghdr *hdr, void *arg);
int vpnl_print_event(const struct nlmsghdr *hdr, void *arg);
int vpnl_print_group(const struct nlmsghdr *hdr, void *arg);
int vpnl_print_stats(const struct nlmsghdr *hdr, void *arg);

#endif /* VPNL_PRINT_H */
