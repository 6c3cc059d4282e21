/* SPDX-License-Identifier: GPL-2.0-only */
/* What others' settings claim for guests, as rules would say it. */
#ifndef VFIOPOLICY_CLAIMS_H
#define VFIOPOLICY_CLAIMS_H

#include "host.h"
#include "policy.h"
#include "rules.h"
#include "site.h"

/* Room for a part of a setting. */
#define VP_CLAIM_TEXT	128
/* Room for why a part does not count. */
#define VP_CLAIM_WHY	(VP_CLAIM_TEXT + 192)
/* Bytes that the parameter ids= takes, its NUL included. */
#define VP_CLAIM_IDS_MAX	1024

/**
 * struct vp_claim - one id or address of a setting
 * @entry: the setting
 * @text: the part of it
 * @counts: it has an effect today, or would have at the next boot
 * @why: what is odd about it; empty for nothing
 * @rule: when @counts, what it means
 */
struct vp_claim {
	const struct vp_site_entry *entry;
	char text[VP_CLAIM_TEXT];
	bool counts;
	char why[VP_CLAIM_WHY];
	struct vp_rule rule;
};

/**
 * struct vp_claims - all of them
 * @claims: in the order of the settings
 * @count: number of @claims
 * @room: how many there is room for
 */
struct vp_claims {
	struct vp_claim *claims;
	size_t count;
	size_t room;
};

int vp_claims_find(const struct vp_site *site, struct vp_claims *claims);
void vp_claims_free(struct vp_claims *claims);
void vp_claim_rest(const struct vp_site_entry *entry, char *buf, size_t size);
size_t vp_claim_words(const struct vp_site *site,
		      const struct vp_site_entry *entry);
size_t vp_claim_devices(const struct vp_host *host, const struct vp_rule *rule,
			const struct vp_host_dev **devs);
bool vp_claim_lasts(const struct vp_claim *claim);
const struct vp_rules_entry *vp_claim_ruled(const struct vp_rules *rules,
					    const struct vp_table *table,
					    const struct vp_host_dev *dev);
bool vp_claim_covered(const struct vp_host *host, const struct vp_rules *rules,
		      const struct vp_table *table,
		      const struct vp_claim *claim);

#endif /* VFIOPOLICY_CLAIMS_H */
