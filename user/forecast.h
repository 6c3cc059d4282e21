/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module would do with a device, by rules that it may not have yet. */
#ifndef VFIOPOLICY_FORECAST_H
#define VFIOPOLICY_FORECAST_H

#include "table.h"

/**
 * enum vp_when - of which time a forecast is
 * @VP_WHEN_NOW: as soon as the rules are in force; who has a device, keeps it
 * @VP_WHEN_ASKED: so, and the device is asked for, as by vfiopolicy claim
 * @VP_WHEN_BOOT: of the next boot, when no driver has anything yet
 */
enum vp_when { VP_WHEN_NOW, VP_WHEN_ASKED, VP_WHEN_BOOT };

u32 vp_forecast_never(const struct vp_host *host,
		      const struct vp_host_dev *dev);
bool vp_forecast_override(const struct vp_host *host,
			  const struct vp_host_dev *dev, const char *target,
			  char *buf, size_t size);
const struct vp_entry *vp_forecast_with(const struct vp_host *host,
					const struct vp_table *table,
					const struct vp_host_dev *dev,
					enum vp_fit *fit,
					const struct vp_host_dev **anchor);
const struct vp_entry *vp_forecast_entry(const struct vp_host *host,
					 const struct vp_table *table,
					 const struct vp_host_dev *dev,
					 enum vp_fit *fit);
void vp_forecast(const struct vp_host *host, const struct vp_table *table,
		 const struct vp_host_dev *dev, const struct vp_nl_dev *now,
		 enum vp_when when, struct vp_nl_dev *then);
bool vp_forecast_takes(const struct vp_nl_dev *then);

#endif /* VFIOPOLICY_FORECAST_H */
