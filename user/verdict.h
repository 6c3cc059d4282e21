/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a device where a rule wants it, and if not, why and what to do. */
#ifndef VFIOPOLICY_VERDICT_H
#define VFIOPOLICY_VERDICT_H

#include "nl.h"

/* Room for every sentence that is made here. */
#define VP_VERDICT_LEN	256

/**
 * enum vp_verdict - how a rule fares
 * @VP_VERDICT_MET: the host is as it says
 * @VP_VERDICT_ABSENT: no device that is present is named by it
 * @VP_VERDICT_PENDING: not yet, but it will be without anybody's help, or as
 *                      soon as the device is free
 * @VP_VERDICT_NOT_MET: not, and somebody has to do something about it
 *
 * Ordered: of several, the last one counts.
 */
enum vp_verdict {
	VP_VERDICT_MET,
	VP_VERDICT_ABSENT,
	VP_VERDICT_PENDING,
	VP_VERDICT_NOT_MET,
};

bool vp_verdict_resting(const struct vp_nl_dev *dev);
enum vp_verdict vp_verdict_device(const struct vp_nl_dev *dev,
				  enum vp_action action);
enum vp_verdict vp_verdict_target(const struct vp_nl_dev *dev);
const char *vp_verdict_driver(const char *driver);
const char *vp_verdict_name(enum vp_verdict verdict);
const char *vp_verdict_reason_name(u32 reason);
const char *vp_verdict_origin_name(u32 origin);
const char *vp_verdict_cause_name(u32 cause);
const char *vp_verdict_origin(u32 origin);
void vp_verdict_reason(const struct vp_nl_dev *dev, char *buf);
void vp_verdict_state(const struct vp_nl_dev *dev, char *buf);
void vp_verdict_why(const struct vp_nl_dev *dev, char *buf);
void vp_verdict_rule(u32 id, const char *text, char *buf, size_t size);
const char *vp_verdict_iommu(const struct vp_host *host);
void vp_verdict_todo(const struct vp_host *host, const struct vp_nl_dev *dev,
		     char *buf);

#endif /* VFIOPOLICY_VERDICT_H */
