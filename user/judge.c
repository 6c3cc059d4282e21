// SPDX-License-Identifier: GPL-2.0-only
/*
 * How each rule fares, by the module's own word of rules and devices. The host
 * itself is read only where something has to be named that the module does not
 * tell: on a host with thousands of functions that takes longer than all else.
 */
#include "group.h"
#include "judge.h"
#include "output.h"
#include "rulearg.h"
#include "sysfs.h"

/**
 * vp_judge_open() - begin without rules and devices
 * @judge: filled in; to be closed with vp_judge_close()
 *
 * Return: 0 or -ENOMEM.
 */
int vp_judge_open(struct vp_judge *judge)
{
	memset(judge, 0, sizeof(*judge));
	judge->host.names = vp_names_open(NULL);
	return judge->host.names ? 0 : -ENOMEM;
}

/**
 * vp_judge_close() - forget all
 * @judge: what is known
 */
void vp_judge_close(struct vp_judge *judge)
{
	free(judge->rules);
	free(judge->devs);
	if (judge->host_read)
		vp_safety_close(&judge->safety);
	vp_host_close(&judge->host);
	memset(judge, 0, sizeof(*judge));
}

/**
 * vp_judge_host() - read the host, if that was not done before
 * @judge: what is known
 *
 * Where it cannot be read there are no devices in it.
 */
void vp_judge_host(struct vp_judge *judge)
{
	size_t i;

	if (judge->host_read)
		return;
	vp_host_close(&judge->host);
	vp_host_open(&judge->host, NULL, NULL);
	/* Without the mounts one can still be asked who has what open. */
	vp_safety_open(&judge->safety, &judge->host, NULL);
	judge->host_read = true;
	/* Serial numbers take reads of every device, so only where asked for. */
	for (i = 0; i < judge->rule_count; i++) {
		if (!strstr(judge->rules[i].text, "dsn="))
			continue;
		vp_host_read_dsn(&judge->host, NULL);
		return;
	}
}

static bool fits(struct vp_judge *judge, const struct vp_tally *tally,
		 const struct vp_nl_dev *dev)
{
	const struct vp_host_dev *here;

	vp_judge_host(judge);
	here = vp_host_find(&judge->host, dev->address);
	return here && vp_match(&tally->parsed, &here->facts, NULL) ==
		       VP_FIT_MATCH;
}

/**
 * vp_judge_names() - is a device one of those that a tally is of
 * @judge: what is known
 * @tally: the tally
 * @dev: a device that some rule names
 *
 * Return: true when it is.
 */
bool vp_judge_names(struct vp_judge *judge, const struct vp_tally *tally,
		    const struct vp_nl_dev *dev)
{
	if (dev->rule == tally->rule->id)
		return true;
	return tally->second && tally->readable && fits(judge, tally, dev);
}

/**
 * vp_judge_blocked() - is a device isolated, and no guest can have it all the same
 * @dev: the device
 * @buf: set to who blocks its IOMMU group; %VP_GROUP_LEN bytes
 *
 * The module tells of a device, and not of others in its group, so sysfs is asked.
 * What somebody has open was not blocked.
 *
 * Return: true when it is so.
 */
bool vp_judge_blocked(const struct vp_nl_dev *dev, char *buf)
{
	buf[0] = '\0';
	return dev->state == VFIOPOLICY_STATE_ISOLATED && !dev->reason &&
	       !dev->in_use &&
	       vp_group_blocked(vp_host_sysfs(), dev->group, dev->address, buf,
				VP_GROUP_LEN);
}

/**
 * vp_judge_device() - the verdict on a device, as a rule sees it
 * @judge: what is known
 * @tally: the rule; NULL for the one that has the say
 * @dev: the device
 *
 * Without the module nothing more happens by itself.
 *
 * Return: met, pending or not met.
 */
enum vp_verdict vp_judge_device(const struct vp_judge *judge,
				const struct vp_tally *tally,
				const struct vp_nl_dev *dev)
{
	enum vp_action action = dev->target[0] ? VP_VFIO : VP_HOLD;
	enum vp_verdict verdict;
	char who[VP_GROUP_LEN];

	if (tally && tally->readable)
		action = tally->parsed.action;
	/* What with= holds beside another is to be held, whatever that is. */
	if (dev->reason == VFIOPOLICY_REASON_WITH)
		action = VP_HOLD;
	verdict = vp_verdict_device(dev, action);
	if (verdict == VP_VERDICT_MET && vp_judge_blocked(dev, who))
		verdict = VP_VERDICT_NOT_MET;
	if (verdict == VP_VERDICT_PENDING && !judge->module)
		verdict = VP_VERDICT_NOT_MET;
	return verdict;
}

/*
 * Bridges that a rule names in passing are no failure of the rule; one that
 * names nothing else never works.
 */
static void take_tally(struct vp_judge *judge, struct vp_tally *tally,
		       bool bridges)
{
	const struct vp_nl_dev *dev;
	enum vp_verdict verdict;
	bool bridge;
	size_t i;

	for (i = 0; i < judge->dev_count; i++) {
		dev = &judge->devs[i];
		bridge = dev->reason == VFIOPOLICY_REASON_BRIDGE;
		if (bridge != bridges || !vp_judge_names(judge, tally, dev))
			continue;
		verdict = vp_judge_device(judge, tally, dev);
		if (!tally->total++ || verdict > tally->verdict) {
			tally->verdict = verdict;
			tally->worst = dev;
		}
		tally->met += verdict == VP_VERDICT_MET;
		tally->with += dev->reason == VFIOPOLICY_REASON_WITH;
		tally->in_use += dev->in_use;
		if (dev->in_use)
			tally->used = dev;
	}
}

/* Has the device as many VFs as the rule says? */
static void judge_vfs(const struct vp_judge *judge, struct vp_tally *tally,
		      const struct vp_host_dev *pf)
{
	const u32 wanted = tally->parsed.num_vfs;
	unsigned int now;

	if (vp_wish_vfs(&judge->host, pf, wanted, tally->wish) != VP_WISH_FINE ||
	    vp_sysfs_number_dev(&judge->host, pf->address, "sriov_numvfs",
				&now) || now == wanted)
		return;
	snprintf(tally->wish, sizeof(tally->wish),
		 "%s has %u VFs, not %u: vfiopolicy sriov %s %u", pf->address,
		 now, wanted, pf->address, wanted);
}

/* What else the rule says than who gets its devices. */
static void judge_wishes(struct vp_judge *judge, struct vp_tally *tally)
{
	const struct vp_rule *rule = &tally->parsed;
	const struct vp_host_dev *dev;
	uid_t uid;
	gid_t gid;

	if (!tally->readable)
		return;
	if (rule->action == VP_VFIO && rule->owner[0] && tally->total)
		vp_wish_owner(rule->owner, &uid, &gid, tally->wish);
	if (rule->action == VP_LEAVE && rule->num_vfs) {
		vp_judge_host(judge);
		for (dev = judge->host.devs; !tally->wish[0] &&
		     dev < judge->host.devs + judge->host.count; dev++)
			if (vp_match(rule, &dev->facts, NULL) == VP_FIT_MATCH)
				judge_vfs(judge, tally, dev);
	}
	if (tally->wish[0] && tally->verdict < VP_VERDICT_NOT_MET)
		tally->verdict = VP_VERDICT_NOT_MET;
}

/**
 * vp_judge_leaving() - the rule that leaves a device to the host
 * @judge: what is known
 * @here: a device that the module has no record of
 *
 * Return: the first rule that names it, if that does; else NULL.
 */
const struct vp_nl_rule *vp_judge_leaving(const struct vp_judge *judge,
					  const struct vp_host_dev *here)
{
	struct vp_error err;
	struct vp_rule rule;
	size_t i;

	for (i = 0; i < judge->rule_count; i++) {
		if (vp_rule_parse(judge->rules[i].text,
				  strlen(judge->rules[i].text), &rule, &err) ||
		    vp_match(&rule, &here->facts, NULL) != VP_FIT_MATCH)
			continue;
		return rule.action == VP_LEAVE ? &judge->rules[i] : NULL;
	}
	return NULL;
}

/* The module tells nothing of devices that a rule before this one leaves alone. */
static void judge_left(struct vp_judge *judge, struct vp_tally *tally)
{
	const struct vp_nl_rule *first;
	const struct vp_host_dev *dev;
	size_t count = 0, n;

	/* The host is not read for a rule that nothing can come before. */
	if (!tally->readable || tally->rule == judge->rules)
		return;
	vp_judge_host(judge);
	for (dev = judge->host.devs;
	     dev < judge->host.devs + judge->host.count; dev++) {
		if (vp_match(&tally->parsed, &dev->facts, NULL) != VP_FIT_MATCH)
			continue;
		first = vp_judge_leaving(judge, dev);
		if (!first || count++)
			continue;
		scnprintf(tally->left, sizeof(tally->left),
			  "%s is left to the host; rule %u comes first",
			  dev->address, first->id);
	}
	if (!count)
		return;
	tally->verdict = VP_VERDICT_NOT_MET;
	n = strlen(tally->left);
	if (count > 1)
		scnprintf(tally->left + n, sizeof(tally->left) - n,
			  "; so it is with %zu more", count - 1);
}

/**
 * vp_judge_rule() - how one rule fares
 * @judge: what is known
 * @rule: one of its rules
 * @tally: filled in
 */
void vp_judge_rule(struct vp_judge *judge, const struct vp_nl_rule *rule,
		   struct vp_tally *tally)
{
	struct vp_error err;

	*tally = (struct vp_tally) {
		.rule = rule,
		.verdict = VP_VERDICT_ABSENT,
	};
	tally->readable = !vp_rule_parse(rule->text, strlen(rule->text),
					 &tally->parsed, &err);
	/* Leaving is what happens anyhow. */
	if (tally->readable && tally->parsed.action == VP_LEAVE) {
		tally->verdict = VP_VERDICT_MET;
		judge_wishes(judge, tally);
		return;
	}
	if (judge->info.disabled) {
		tally->verdict = VP_VERDICT_NOT_MET;
		return;
	}
	take_tally(judge, tally, false);
	if (!tally->total)
		take_tally(judge, tally, true);
	if (!tally->total && judge->dev_count) {
		tally->second = true;
		take_tally(judge, tally, false);
	}
	if (!tally->total)
		judge_left(judge, tally);
	judge_wishes(judge, tally);
}

/* Devices of the host that a rule leaves to it. */
static size_t count_left(struct vp_judge *judge, const struct vp_tally *tally)
{
	size_t i, count = 0;

	vp_judge_host(judge);
	for (i = 0; i < judge->host.count; i++)
		count += vp_match(&tally->parsed, &judge->host.devs[i].facts,
				  NULL) == VP_FIT_MATCH;
	return count;
}

/**
 * vp_judge_user() - who has a device open
 * @judge: what is known
 * @dev: the device
 * @user: set to the process, pid 0 when none is known
 *
 * Looks only where the module says that somebody has.
 *
 * Return: true when there is one.
 */
bool vp_judge_user(struct vp_judge *judge, const struct vp_nl_dev *dev,
		   struct vp_user *user)
{
	memset(user, 0, sizeof(*user));
	if (!dev->in_use)
		return false;
	vp_judge_host(judge);
	return vp_safety_vfio_user(&judge->safety, dev->address, user);
}

/* "in use by qemu 4711, VM z": the state of a device, and whose it is. */
static void state_and_user(struct vp_judge *judge, const struct vp_nl_dev *dev,
			   char *buf)
{
	char who[VP_USE_LEN / 2];
	struct vp_user user;
	size_t n;

	vp_verdict_state(dev, buf);
	if (dev->state != VFIOPOLICY_STATE_ISOLATED || dev->reason ||
	    !vp_judge_user(judge, dev, &user))
		return;
	vp_safety_print_user(&user, who, sizeof(who));
	n = strlen(buf);
	scnprintf(buf + n, VP_VERDICT_LEN - n, " by %s", who);
}

/**
 * vp_judge_why_device() - why a device is where it is, beginning with its state
 * @judge: what is known
 * @dev: the device
 * @buf: where to; %VP_JUDGE_LEN bytes
 */
void vp_judge_why_device(struct vp_judge *judge, const struct vp_nl_dev *dev,
			 char *buf)
{
	const size_t size = VP_JUDGE_LEN;
	char text[VP_VERDICT_LEN], who[VP_GROUP_LEN];
	size_t n;

	if (dev->reason == VFIOPOLICY_REASON_CHANGED) {
		vp_out_name(&judge->host, &dev->facts, text, sizeof(text));
		scnprintf(buf, size, "%04x:%04x sits there, at %s (%s): %s",
			  dev->facts.vendor, dev->facts.device, dev->address,
			  text, dev->state == VFIOPOLICY_STATE_HELD ?
			  "held" : "nothing claimed");
		return;
	}
	state_and_user(judge, dev, text);
	n = scnprintf(buf, size, "%s %s", dev->address, text);
	if (vp_judge_blocked(dev, who))
		n += scnprintf(buf + n, size - n,
			       ", but its group is blocked by %s", who);
	if (dev->reason == VFIOPOLICY_REASON_NATIVE_DRIVER)
		n += scnprintf(buf + n, size - n,
			       judge->module ?
			       ", until 'claim', replug or reboot" : "");
	else if (dev->state == VFIOPOLICY_STATE_RELEASED && dev->rule)
		n += scnprintf(buf + n, size - n,
			       " to %s, as somebody asked",
			       dev->driver[0] ? dev->driver : "the host");
	if (dev->found[0] && strcmp(dev->found, dev->driver) != 0 &&
	    dev->reason != VFIOPOLICY_REASON_VETOED &&
	    dev->reason != VFIOPOLICY_REASON_FOREIGN_OVERRIDE)
		scnprintf(buf + n, size - n, "; %s was turned away",
			  dev->found);
}

/* What is held with another device is no more than held. */
static size_t say_counts(const struct vp_tally *tally, char *buf)
{
	const size_t own = tally->total - tally->with;

	if (tally->with && tally->with < tally->total && tally->readable &&
	    tally->parsed.action == VP_VFIO)
		return scnprintf(buf, VP_JUDGE_LEN,
				 "%zu isolated, %zu held with %s", own,
				 tally->with, own == 1 ? "it" : "them");
	return scnprintf(buf, VP_JUDGE_LEN, "%zu of %zu %s", tally->met,
			 tally->total, tally->readable &&
			 tally->parsed.action == VP_HOLD ? "held" : "isolated");
}

static void why(struct vp_judge *judge, const struct vp_tally *tally, char *buf)
{
	const struct vp_nl_dev *dev = tally->worst;
	const size_t size = VP_JUDGE_LEN;
	char text[VP_VERDICT_LEN];
	size_t n;

	if (tally->readable && tally->parsed.action == VP_LEAVE) {
		scnprintf(buf, size, "%zu left to the host",
			  count_left(judge, tally));
		return;
	}
	if (judge->info.disabled) {
		scnprintf(buf, size, "the module was loaded with disable=1: nothing is claimed");
		return;
	}
	if (!dev) {
		scnprintf(buf, size, "%s", tally->left[0] ? tally->left :
			  "no device that is present is named by it");
		return;
	}
	if (tally->verdict == VP_VERDICT_MET && tally->total > 1) {
		n = say_counts(tally, buf);
		if (tally->in_use == 1)
			state_and_user(judge, tally->used, text);
		if (tally->in_use)
			scnprintf(buf + n, size - n, ", %zu %s", tally->in_use,
				  tally->in_use == 1 ? text : "in use");
		return;
	}
	vp_judge_why_device(judge, dev, buf);
	n = strlen(buf);
	if (tally->total > 1)
		n += scnprintf(buf + n, size - n, "; %zu of %zu met",
			       tally->met, tally->total);
	if (dev->rule && dev->rule != tally->rule->id)
		scnprintf(buf + n, size - n, "; rule %u comes first", dev->rule);
}

/**
 * vp_judge_why() - why the verdict on a rule is what it is
 * @judge: what is known
 * @tally: the rule
 * @buf: where to; %VP_JUDGE_LEN bytes
 */
void vp_judge_why(struct vp_judge *judge, const struct vp_tally *tally,
		  char *buf)
{
	size_t n;

	why(judge, tally, buf);
	n = strlen(buf);
	if (tally->wish[0])
		scnprintf(buf + n, VP_JUDGE_LEN - n, "; %s", tally->wish);
}

/**
 * vp_judge_wants() - what a rule wants, as one would type it, without its name
 * @tally: the rule
 * @buf: where to
 * @size: room in @buf
 */
void vp_judge_wants(const struct vp_tally *tally, char *buf, size_t size)
{
	struct vp_rule rule = tally->parsed;
	char text[VP_RULEARG_LEN];

	if (tally->readable) {
		rule.name[0] = '\0';
		vp_rule_print(&rule, text, sizeof(text));
	} else {
		snprintf(text, sizeof(text), "%s", tally->rule->text);
	}
	snprintf(buf, size, "%s", vp_rulearg_selectors(text));
}
