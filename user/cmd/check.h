/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of "vfiopolicy check" know of one another: a list of findings. */
#ifndef VFIOPOLICY_CHECK_H
#define VFIOPOLICY_CHECK_H

#include "claims.h"
#include "kernels.h"
#include "loader.h"
#include "table.h"

/* Room for a finding or a remedy. */
#define VP_CHECK_LEN	1024

/**
 * enum vp_check_level - what a finding means
 * @VP_CHECK_OK: it is as it should be
 * @VP_CHECK_TODO: something is to be done, or devices do not get to guests
 * @VP_CHECK_WARN: worth knowing; whether it matters only people can tell
 */
enum vp_check_level {
	VP_CHECK_OK,
	VP_CHECK_TODO,
	VP_CHECK_WARN,
};

/**
 * struct vp_check_finding - one line
 * @level: what it means
 * @id: what was looked at, for programs
 * @text: what was found
 * @remedy: what to do about it; NULL for nothing
 */
struct vp_check_finding {
	enum vp_check_level level;
	const char *id;
	char *text;
	char *remedy;
};

/**
 * struct vp_check - one run of the command
 * @site: what others have configured
 * @host: the devices
 * @rules: the rule files
 * @table: their rules, as the module would have them
 * @kernels: the kernels
 * @loader: the boot loader
 * @claims: what @site claims
 * @config: configuration of the kernel that is running; NULL when it is nowhere
 * @findings: what was found
 * @count: number of @findings
 */
struct vp_check {
	struct vp_site site;
	struct vp_host host;
	struct vp_rules rules;
	struct vp_table *table;
	struct vp_kernels kernels;
	struct vp_loader loader;
	struct vp_claims claims;
	char *config;
	struct vp_check_finding *findings;
	size_t count;
};

__attribute__((format(printf, 5, 6)))
void vp_check_say(struct vp_check *check, enum vp_check_level level,
		  const char *id, const char *remedy, const char *fmt, ...);
bool vp_check_sys(const struct vp_check *check, const char *path, char *buf,
		  size_t size);
const struct vp_site_entry *vp_check_word(const struct vp_check *check,
					  const char *key, const char *value);
const struct vp_rules_entry *vp_check_rule(const struct vp_check *check,
					   const struct vp_host_dev *dev);

/* In the order in which they are made: what else depends on comes first. */
void vp_check_iommu(struct vp_check *check);
void vp_check_kernel(struct vp_check *check);
void vp_check_modules(struct vp_check *check);
void vp_check_boot(struct vp_check *check);
void vp_check_rivals(struct vp_check *check);
void vp_check_devices(struct vp_check *check);
void vp_check_wishes(struct vp_check *check);

#endif /* VFIOPOLICY_CHECK_H */
