/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules by what people call them, and what devices were called before. */
#ifndef VFIOPOLICY_NAMED_H
#define VFIOPOLICY_NAMED_H

#include "device.h"
#include "rulearg.h"
#include "rules.h"

/**
 * struct vp_named_other - a device that a rule names, and an earlier one has
 * @dev: the device
 * @id: the number of that one
 * @text: its canonical form
 */
struct vp_named_other {
	const struct vp_host_dev *dev;
	u32 id;
	char text[VP_RULEARG_LEN];
};

/**
 * struct vp_named - a rule, and the devices that it has
 * @id: its number
 * @text: its canonical form
 * @devs: the devices that are present and that it has the say on by itself
 * @count: number of @devs
 * @others: those that it names as well, and that rules before it have
 * @other_count: number of @others
 */
struct vp_named {
	u32 id;
	char text[VP_RULEARG_LEN];
	const struct vp_host_dev **devs;
	size_t count;
	struct vp_named_other *others;
	size_t other_count;
};

bool vp_named_is(const struct vp_rule *rule, u32 id, const char *word);
int vp_named_find(struct vp_host *host, const char *word,
		  struct vp_named *named);
void vp_named_free(struct vp_named *named);
void vp_named_say_none(const struct vp_named *named);
bool vp_named_was(const struct vp_host *host, const struct vp_rules *files,
		  const char *word, char *hint);
bool vp_named_hint(const struct vp_host *host, const char *word, char *hint);

#endif /* VFIOPOLICY_NAMED_H */
