/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of vfiopolicy apply know of one another. */
#ifndef VFIOPOLICY_APPLY_H
#define VFIOPOLICY_APPLY_H

#include "command.h"
#include "rules.h"

/* apply_dry.c */
int apply_dry_run(const struct vp_args *args, const struct vp_rules *rules);

#endif /* VFIOPOLICY_APPLY_H */
