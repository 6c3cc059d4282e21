/* SPDX-License-Identifier: GPL-2.0-only */
/* How each rule fares: what it wants, against where the devices are. */
#ifndef VFIOPOLICY_JUDGE_H
#define VFIOPOLICY_JUDGE_H

#include "nl.h"
#include "safety.h"
#include "verdict.h"
#include "wishes.h"

/* Room for every sentence that is made here. */
#define VP_JUDGE_LEN	(VP_VERDICT_LEN * 2)

/**
 * struct vp_judge - what is known of rules and devices
 * @host: the host; until vp_judge_host() nothing but names
 * @host_read: @host has the devices, too
 * @safety: who has what open; only with @host_read
 * @module: the module told; else it is what files and sysfs show
 * @info: the module
 * @rules: the rules, in the order in which they are tried
 * @rule_count: number of @rules
 * @devs: the devices that rules name
 * @dev_count: number of @devs
 */
struct vp_judge {
	struct vp_host host;
	bool host_read;
	struct vp_safety safety;
	bool module;
	struct vp_nl_info info;
	struct vp_nl_rule *rules;
	size_t rule_count;
	struct vp_nl_dev *devs;
	size_t dev_count;
};

/**
 * struct vp_tally - how the devices of one rule fare
 * @rule: the rule
 * @parsed: what it says; only with @readable
 * @readable: this command understands it
 * @second: it has the say on no device, so @total and the like are of those
 *          that it names and another one has
 * @verdict: the verdict on the rule
 * @total: devices that it names
 * @met: those of them that are where it wants them
 * @with: those of them that are held beside one that it names
 * @in_use: those of them that a user has open
 * @used: one of these
 * @worst: the one that is furthest from it; NULL when there is none
 * @left: which device it names that a rule before it leaves to the host; empty for
 *        none, or when there are others
 * @wish: what its options ask for and is not so; empty for nothing
 */
struct vp_tally {
	const struct vp_nl_rule *rule;
	struct vp_rule parsed;
	bool readable;
	bool second;
	enum vp_verdict verdict;
	size_t total;
	size_t met;
	size_t with;
	size_t in_use;
	const struct vp_nl_dev *used;
	const struct vp_nl_dev *worst;
	char left[VP_VERDICT_LEN];
	char wish[VP_WISH_LEN];
};

int vp_judge_open(struct vp_judge *judge);
void vp_judge_close(struct vp_judge *judge);
void vp_judge_host(struct vp_judge *judge);
void vp_judge_rule(struct vp_judge *judge, const struct vp_nl_rule *rule,
		   struct vp_tally *tally);
const struct vp_nl_rule *vp_judge_leaving(const struct vp_judge *judge,
					  const struct vp_host_dev *here);
bool vp_judge_names(struct vp_judge *judge, const struct vp_tally *tally,
		    const struct vp_nl_dev *dev);
bool vp_judge_blocked(const struct vp_nl_dev *dev, char *buf);
enum vp_verdict vp_judge_device(const struct vp_judge *judge,
				const struct vp_tally *tally,
				const struct vp_nl_dev *dev);
void vp_judge_why(struct vp_judge *judge, const struct vp_tally *tally,
		  char *buf);
void vp_judge_why_device(struct vp_judge *judge, const struct vp_nl_dev *dev,
			 char *buf);
bool vp_judge_user(struct vp_judge *judge, const struct vp_nl_dev *dev,
		   struct vp_user *user);
void vp_judge_wants(const struct vp_tally *tally, char *buf, size_t size);

/* offline.c */
struct vp_rules;

int vp_judge_offline(struct vp_judge *judge, const struct vp_rules *files);

#endif /* VFIOPOLICY_JUDGE_H */
