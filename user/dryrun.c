// SPDX-License-Identifier: GPL-2.0-only
/*
 * What --dry-run tells of a device. The commands that change something look at
 * the rules as they would be, and hand the devices over to here.
 */
#include <json.h>

#include "dryrun.h"
#include "output.h"
#include "safety.h"
#include "state.h"

/**
 * vp_dry_look() - how a device would be
 * @host: the host
 * @table: the rules as they would be
 * @dev: the device
 * @now: as the module has it; NULL when it has no record of it
 * @asked: the device is asked for, not only named by a rule
 * @dry: filled in
 */
void vp_dry_look(const struct vp_host *host, const struct vp_table *table,
		 const struct vp_host_dev *dev, const struct vp_nl_dev *now,
		 bool asked, struct vp_dry_dev *dry)
{
	dry->dev = dev;
	dry->now = now;
	vp_forecast(host, table, dev, now, asked ? VP_WHEN_ASKED : VP_WHEN_NOW,
		    &dry->then);
	vp_forecast(host, table, dev, now, VP_WHEN_BOOT, &dry->boot);
}

static bool is_same(const struct vp_nl_dev *a, const struct vp_nl_dev *b)
{
	return a->state == b->state && a->reason == b->reason &&
	       !strcmp(a->target, b->target) && !strcmp(a->driver, b->driver);
}

/* Would a device be the same by two tables, whichever rule has the say? */
static bool is_dry_same(const struct vp_dry_dev *a, const struct vp_dry_dev *b)
{
	return is_same(&a->then, &b->then) && is_same(&a->boot, &b->boot);
}

/* Where a device would be, in a few words. */
static void print_end(const struct vp_nl_dev *end, bool was_ours, char *buf,
		      size_t size)
{
	char text[VP_VERDICT_LEN];

	if (end->state == VFIOPOLICY_STATE_ISOLATED) {
		snprintf(buf, size, "%s", end->target);
	} else if (end->state == VFIOPOLICY_STATE_HELD) {
		if (end->reason == VFIOPOLICY_REASON_WITH)
			vp_verdict_reason(end, text);
		else
			vp_verdict_state(end, text);
		snprintf(buf, size, "%s", text);
	} else if (end->state == VFIOPOLICY_STATE_GONE) {
		snprintf(buf, size, "%s", was_ours ? "the host's own driver" :
						     "left to the host");
	} else {
		vp_verdict_why(end, text);
		snprintf(buf, size, "%s", text);
	}
}

/* Is it there now where it would be? */
static bool is_already(const struct vp_dry_dev *dry)
{
	if (dry->then.state == VFIOPOLICY_STATE_HELD)
		return dry->now && dry->now->state == VFIOPOLICY_STATE_HELD;
	return dry->then.state == VFIOPOLICY_STATE_ISOLATED &&
	       !strcmp(dry->dev->driver, dry->then.target);
}

/**
 * vp_dry_say() - tell of a device
 * @host: the host
 * @dry: how it would be
 * @later: nothing is done before the next boot
 */
void vp_dry_say(const struct vp_host *host, const struct vp_dry_dev *dry,
		bool later)
{
	const struct vp_nl_dev *now = dry->now;
	const char *driver = vp_verdict_driver(dry->dev->driver);
	bool ours = now && (now->state == VFIOPOLICY_STATE_HELD ||
			    now->state == VFIOPOLICY_STATE_ISOLATED);
	char name[VP_NAMES_LEN], then[VP_VERDICT_LEN], boot[VP_VERDICT_LEN];

	vp_out_name(host, &dry->dev->facts, name, sizeof(name));
	print_end(&dry->then, ours, then, sizeof(then));
	print_end(&dry->boot, ours, boot, sizeof(boot));
	if (later)
		vp_out_say("%s  %s: %s; after the next boot: %s",
			   dry->dev->address, name, driver, boot);
	else if (is_already(dry))
		vp_out_say("%s  %s: %s already", dry->dev->address, name, then);
	else if (vp_forecast_takes(&dry->then) ||
		 dry->then.state == VFIOPOLICY_STATE_GONE)
		vp_out_say("%s  %s: %s -> %s", dry->dev->address, name, driver,
			   then);
	else
		vp_out_say("%s  %s: %s", dry->dev->address, name, then);
	if (!later && strcmp(then, boot) != 0)
		vp_out_say("  after the next boot, or when it appears anew: %s",
			   boot);
	/* It would be done, and the rule not met by it. */
	if (dry->boot.reason == VFIOPOLICY_REASON_NO_IOMMU_GROUP) {
		vp_verdict_why(&dry->boot, then);
		vp_verdict_todo(host, &dry->boot, boot);
		vp_out_say("  it %s", then);
		vp_out_say("  %s", boot);
	}
	if (!dry->then.rule)
		return;
	if (dry->then.rule == VP_TABLE_NEW)
		vp_out_say("  by: %s", dry->then.rule_text);
	else
		vp_out_say("  by rule %u: %s", dry->then.rule,
			   dry->then.rule_text);
}

/**
 * vp_dry_use_word() - what a line about a use begins with
 * @use: the use
 *
 * Return: a word; data that nobody uses is no use.
 */
const char *vp_dry_use_word(const struct vp_use *use)
{
	return use->kind == VP_USE_DATA ? "note" : "used";
}

static struct json_object *json_end(const struct vp_nl_dev *end)
{
	struct json_object *obj = json_object_new_object();
	bool gone = end->state == VFIOPOLICY_STATE_GONE;

	vp_out_json_string(obj, "state", gone ? NULL :
			   vp_state_name(end->state));
	vp_out_json_string(obj, "reason", end->reason ?
			   vp_verdict_reason_name(end->reason) : NULL);
	vp_out_json_string(obj, "target", end->target);
	vp_out_json_string(obj, "rule_text", end->rule_text);
	return obj;
}

/**
 * vp_dry_json() - tell a program of a device
 * @host: the host
 * @dry: how it would be
 *
 * Return: an object; a state of null is the host's.
 */
struct json_object *vp_dry_json(const struct vp_host *host,
				const struct vp_dry_dev *dry)
{
	struct json_object *obj = json_object_new_object();
	char name[VP_NAMES_LEN];

	vp_host_name(host, &dry->dev->facts, name, sizeof(name));
	vp_out_json_string(obj, "address", dry->dev->address);
	vp_out_json_string(obj, "name", name);
	vp_out_json_string(obj, "driver", dry->dev->driver);
	vp_out_json_string(obj, "state", dry->now ?
			   vp_state_name(dry->now->state) : NULL);
	json_object_object_add(obj, "then", json_end(&dry->then));
	json_object_object_add(obj, "next_boot", json_end(&dry->boot));
	return obj;
}

/**
 * vp_dry_refuse_busy() - would the module refuse it, as a user has the device
 * @host: the host
 * @dry: how the device would be
 * @what: what was asked for
 *
 * Return: true when it would, after having said so.
 */
bool vp_dry_refuse_busy(const struct vp_host *host,
			const struct vp_dry_dev *dry, const char *what)
{
	const struct vp_nl_dev *now = dry->now;
	char who[VP_USE_LEN] = "a user";
	struct vp_safety safety;
	struct vp_user user;

	if (!now || !now->in_use || now->state != VFIOPOLICY_STATE_ISOLATED ||
	    (dry->then.state == VFIOPOLICY_STATE_ISOLATED &&
	     !strcmp(dry->then.target, now->target)))
		return false;
	if (!vp_safety_open(&safety, host, NULL) &&
	    vp_safety_vfio_user(&safety, now->address, &user))
		vp_safety_print_user(&user, who, sizeof(who));
	vp_safety_close(&safety);
	vp_out_error("%s would be refused: %s has %s open", what, who,
		     now->address);
	vp_out_error_more("Nothing was changed.");
	return true;
}

/**
 * vp_dry_refuse_disabled() - would the module refuse every rule
 * @nl: the connection to it
 *
 * Return: true when it would, after having said so.
 */
bool vp_dry_refuse_disabled(struct vp_nl *nl)
{
	struct vp_nl_info info;

	if (vp_nl_info(nl, &info) || !info.disabled)
		return false;
	vp_out_error("the module would refuse it: it was loaded with disable=1");
	vp_out_error_more("Nothing was changed.");
	return true;
}

static const struct vp_nl_dev *find_now(const struct vp_dry_change *change,
					const char *address)
{
	size_t i;

	for (i = 0; i < change->dev_count; i++)
		if (!strcmp(change->devs[i].address, address))
			return &change->devs[i];
	return NULL;
}

/* What the host would miss: commands that take rules as they are do not ask. */
static void say_uses(struct vp_safety *safety, const struct vp_dry_dev *before,
		     const struct vp_dry_dev *after)
{
	struct vp_uses uses;
	size_t i;

	if (!safety->host || vp_forecast_takes(&before->boot) ||
	    !vp_forecast_takes(&after->boot))
		return;
	vp_safety_uses(safety, after->dev, &uses);
	for (i = 0; i < uses.count; i++)
		vp_out_say("  %s: %s", vp_dry_use_word(&uses.uses[i]),
			   uses.uses[i].text);
}

/* A driver has it and keeps it: what is left to do. */
static void say_left(const struct vp_host *host, const struct vp_dry_dev *dry)
{
	char text[VP_VERDICT_LEN];

	if (dry->then.reason != VFIOPOLICY_REASON_NATIVE_DRIVER)
		return;
	vp_verdict_todo(host, &dry->then, text);
	vp_out_say("  %s", text);
}

/**
 * vp_dry_change() - tell of each device that a change of rules is something to
 * @change: the change
 * @list: for programs: what is told is added to it; else NULL
 *
 * Return: how many there are; or -EBUSY when the module would refuse the change,
 * after having said so.
 */
int vp_dry_change(const struct vp_dry_change *change, struct json_object *list)
{
	struct vp_dry_dev before, after;
	const struct vp_host_dev *dev;
	const struct vp_nl_dev *now;
	struct vp_safety safety;
	int count = 0;
	size_t i;

	if (vp_safety_open(&safety, change->host, NULL)) {
		vp_out_note("what the host uses cannot be told: what is mounted cannot be read");
		safety.host = NULL;
	}
	for (i = 0; i < change->host->count && count >= 0; i++) {
		dev = &change->host->devs[i];
		now = find_now(change, dev->address);
		vp_dry_look(change->host, change->before, dev, now, false,
			    &before);
		vp_dry_look(change->host, change->after, dev, now, false,
			    &after);
		if (is_dry_same(&before, &after))
			continue;
		if (!change->later && !change->done &&
		    vp_dry_refuse_busy(change->host, &after, change->what)) {
			count = -EBUSY;
			break;
		}
		count++;
		vp_dry_say(change->host, &after, change->later);
		say_uses(&safety, &before, &after);
		if (change->done)
			say_left(change->host, &after);
		if (list)
			json_object_array_add(list, vp_dry_json(change->host,
								&after));
	}
	vp_safety_close(&safety);
	return count;
}
