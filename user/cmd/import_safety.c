// SPDX-License-Identifier: GPL-2.0-only
/*
 * An old setting may never have worked: a native driver was there first, and
 * the host lives on what has that id. A rule would work, so whether the host
 * uses a device is asked before one is made of it.
 */
#include "import.h"
#include "output.h"
#include "safety.h"

/**
 * struct taking - devices that the rules would take
 * @import: the plan
 * @safety: what the host is up to
 * @forced: uses do not count
 * @refused: how many devices are in use
 */
struct taking {
	struct vp_import *import;
	struct vp_safety safety;
	bool forced;
	size_t refused;
};

/* The line that leaves it to the host, so that the others can be imported. */
static void say_leave(const struct vp_host_dev *dev)
{
	char text[VP_RULEARG_LEN];
	struct vp_rule rule;

	if (vp_resolve_rule(dev, &rule))
		return;
	rule.action = VP_LEAVE;
	vp_rule_print(&rule, text, sizeof(text));
	vp_out_error_more("  vfiopolicy add %s    # the host keeps it", text);
}

static void check_device(struct taking *taking, struct vp_import_rule *one,
			 const struct vp_host_dev *dev)
{
	const struct vp_use *use;
	struct vp_uses uses;
	bool refused = false;
	size_t i;

	vp_safety_uses(&taking->safety, dev, &uses);
	for (i = 0; i < uses.count; i++) {
		use = &uses.uses[i];
		/* What has a driver stays with it until the next boot. */
		if (!vp_safety_refuses(use, true))
			continue;
		if (taking->forced) {
			vp_out_error("%s: %s; overridden by --force",
				     dev->address, use->text);
			one->rule.allow |= vp_safety_allow(use);
			continue;
		}
		if (!refused)
			vp_out_error("%s %s: %s", dev->address,
				     vp_safety_in_use(use), use->text);
		else
			vp_out_error_more("  %s", use->text);
		refused = true;
	}
	if (!refused)
		return;
	taking->refused++;
	say_leave(dev);
}

static void check_rule(struct taking *taking, struct vp_import_rule *one)
{
	const struct vp_host *host = &taking->import->host;
	const struct vp_host_dev *dev;
	size_t i;

	for (i = 0; i < host->count; i++) {
		dev = &host->devs[i];
		/* A rule of the files has the say before those that come. */
		if (!dev->bridge &&
		    vp_match(&one->rule, &dev->facts, NULL) == VP_FIT_MATCH &&
		    !vp_claim_ruled(&taking->import->rules,
				    taking->import->table, dev))
			check_device(taking, one, dev);
	}
	vp_rule_print(&one->rule, one->text, sizeof(one->text));
}

/**
 * vp_import_check_uses() - does the host do without what the rules would take
 * @import: the plan; with --force what is overridden is written into its rules
 *
 * Return: an exit status, after having said what is in use.
 */
int vp_import_check_uses(struct vp_import *import)
{
	struct taking taking = {
		.import = import,
		.forced = import->args->given & VP_OPT_FORCE,
	};
	int ret;
	size_t i;

	ret = vp_safety_open(&taking.safety, &import->host, NULL);
	if (ret && !taking.forced) {
		vp_out_error("whether devices are in use cannot be told: %s/self/mountinfo: %s",
			     taking.safety.paths.proc, strerror(-ret));
		taking.refused++;
	} else if (ret) {
		vp_out_error("whether devices are in use cannot be told; overridden by --force");
	}
	for (i = 0; !ret && i < import->count; i++)
		if (!vp_import_covered(&import->plan[i]))
			check_rule(&taking, &import->plan[i]);
	vp_safety_close(&taking.safety);
	if (!taking.refused)
		return VP_EXIT_DONE;
	vp_out_error_more("Nothing was changed. --force would take it away at the next boot.");
	return ret ? VP_EXIT_KERNEL : VP_EXIT_USAGE;
}
