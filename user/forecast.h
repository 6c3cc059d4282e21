/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module would do with a device, by rules that it may not have yet. */
#ifndef VFIOPOLICY_FORECAST_H
#define VFIOPOLICY_FORECAST_H

#include "table.h"

u32 vp_forecast_never(const struct vp_host *host,
		      const struct vp_host_dev *dev);
const struct vp_entry *vp_forecast_entry(const struct vp_host *host,
					 const struct vp_table *table,
					 const struct vp_host_dev *dev,
					 enum vp_fit *fit);
void vp_forecast(const struct vp_host *host, const struct vp_table *table,
		 const struct vp_host_dev *dev, const struct vp_nl_dev *now,
		 bool boot, struct vp_nl_dev *then);
bool vp_forecast_takes(const struct vp_nl_dev *then);

#endif /* VFIOPOLICY_FORECAST_H */
