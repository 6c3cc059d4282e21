/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two files of the command status share. */
#ifndef VFIOPOLICY_CMD_STATUS_H
#define VFIOPOLICY_CMD_STATUS_H

#include "command.h"
#include "judge.h"

struct json_object;

/* The verdicts as tables say them. */
extern const char *const vp_status_words[];

struct json_object *vp_status_json_rule(struct vp_judge *judge,
					const struct vp_tally *tally);
struct json_object *vp_status_json_dev(struct vp_judge *judge,
				       const struct vp_nl_dev *dev);
int vp_status_one(struct vp_judge *judge, const struct vp_args *args);

#endif /* VFIOPOLICY_CMD_STATUS_H */
