// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy claim DEVICE
 * vfiopolicy release DEVICE
 *
 * One device, now: to where its rule wants it, or back to the host. The rules
 * stay as they are, so what is released is claimed again when it is plugged in
 * again, and at the next boot.
 */
#include <json.h>

#include "command.h"
#include "device.h"
#include "output.h"
#include "release.h"
#include "safety.h"
#include "watch.h"

/**
 * struct claim - one run of either command
 * @args: the command line
 * @release: it is to be given back
 * @host: the host
 * @dev: the device
 * @name: what to call it
 * @safety: what the host is up to
 * @nl: the connection to the module
 */
struct claim {
	const struct vp_args *args;
	bool release;
	struct vp_host host;
	const struct vp_host_dev *dev;
	char name[VP_NAMES_LEN];
	struct vp_safety safety;
	struct vp_nl nl;
};

/* Where it is to go, in a word. */
static const char *goal(const struct claim *claim, const struct vp_nl_dev *dev)
{
	if (claim->release)
		return "the host";
	return dev->target[0] ? dev->target : "held";
}

static enum vp_verdict verdict_on(const struct claim *claim,
				  const struct vp_nl_dev *dev)
{
	if (!claim->release)
		return vp_verdict_target(dev);
	return dev->state == VFIOPOLICY_STATE_RELEASED ||
	       dev->state == VFIOPOLICY_STATE_NATIVE ||
	       dev->state == VFIOPOLICY_STATE_GONE ? VP_VERDICT_MET :
						     VP_VERDICT_PENDING;
}

static void print_json(const struct claim *claim, const struct vp_nl_dev *dev,
		       bool changed, enum vp_verdict verdict)
{
	struct json_object *obj = vp_out_json(), *json;

	vp_out_json_bool(obj, "changed", changed);
	vp_out_json_bool(obj, "dry_run",
			 claim->args->given & VP_OPT_DRY_RUN);
	vp_out_json_bool(obj, "pending", verdict == VP_VERDICT_PENDING);
	vp_out_json_string(obj, "verdict", vp_verdict_name(verdict));
	vp_out_json_bool(obj, "module", true);
	json = vp_out_json_dev(&claim->host, dev);
	vp_out_json_string(json, "address", claim->dev->address);
	vp_out_json_string(json, "driver_before", claim->dev->driver);
	json_object_object_add(obj, "device", json);
	vp_out_json_print(obj);
}

/* No rule names it, or its rule names something else at its place. */
static int refuse_unnamed(struct claim *claim)
{
	const char *address = claim->dev->address;
	char driver[VP_HOST_LEN];
	struct vp_nl_dev dev;
	bool vfio;

	if (!vp_nl_dev(&claim->nl, address, &dev)) {
		vp_out_error("%s (%s): its rule expects something else at this place: %u %s",
			     address, claim->name, dev.rule, dev.rule_text);
		vp_out_error_more("Nothing was changed. Has a card been moved? vfiopolicy explain %s says what the rules see.",
				  address);
		return VP_EXIT_NOT_MET;
	}
	/* Left over from a module that was unloaded, or from a fallback. */
	if (claim->release &&
	    vp_release_is_kept(&claim->host, claim->dev, driver))
		return vp_release_by_sysfs(&claim->host, claim->dev, claim->args,
					   true);
	vfio = vp_device_is_vfio(&claim->host, address, claim->dev->driver);
	vp_out_error("%s (%s): no rule wants it away from the host%s %s",
		     address, claim->name,
		     vfio ? ", and yet it is with" : ", which has it with",
		     vp_verdict_driver(claim->dev->driver));
	if (claim->release && vfio)
		vp_out_error_more("Nothing was changed: it has no override of ours, so somebody else gave it to that driver, as vfio-pci.ids= does; vfiopolicy check names what does.");
	else if (claim->release)
		vp_out_error_more("Nothing was changed: there is nothing to give back.");
	else
		vp_out_error_more("Nothing was changed. vfiopolicy add %s makes a rule; vfiopolicy explain %s says which were tried.",
				  address, address);
	return VP_EXIT_NOT_FOUND;
}

/* The kernel said no: in its words, and with the next step. */
static int refuse(struct claim *claim)
{
	const char *address = claim->dev->address;
	const struct vp_nl_error error = claim->nl.error;
	char who[VP_USE_LEN];
	struct vp_user user;

	if (error.errnum == ENODEV)
		return refuse_unnamed(claim);
	if (error.errnum == EPERM) {
		vp_out_nl_error(claim->release ? "release" : "claim", &error);
		return VP_EXIT_KERNEL;
	}
	vp_out_error("%s (%s): %s", address, claim->name, error.text);
	if (error.errnum == EBUSY && !claim->release) {
		vp_out_error_more("Nothing was changed. To remove its VFs: vfiopolicy sriov %s 0",
				  address);
	} else if (error.errnum == EBUSY) {
		vp_safety_vfio_user(&claim->safety, address, &user);
		vp_safety_print_user(&user, who, sizeof(who));
		vp_out_error_more("Nothing was changed. Shut down %s, or detach the device from it, first.",
				  user.pid ? who : "what uses it");
	} else if (error.errnum == EOPNOTSUPP && strstr(error.text, "disable")) {
		vp_out_error_more("Nothing was changed. Load the module without it, or boot without vfiopolicy.disable=1.");
	} else {
		vp_out_error_more("Nothing was changed.");
	}
	return VP_EXIT_KERNEL;
}

/* What has just been brought about, in one line; then why not, if not. */
static void say_end(const struct vp_watch_dev *dev, void *arg)
{
	const struct claim *claim = arg;
	enum vp_verdict verdict = verdict_on(claim, &dev->dev);
	char text[VP_VERDICT_LEN], driver[VP_HOST_LEN];

	if (dev->dev.state == VFIOPOLICY_STATE_GONE) {
		vp_out_say("%s  %s: it went away", dev->address, dev->name);
		return;
	}
	vp_host_driver(&claim->host, dev->address, driver);
	if (verdict == VP_VERDICT_MET) {
		vp_out_say("%s  %s: %s -> %s ... %sdone%s (%.1f s)",
			   dev->address, dev->name, vp_verdict_driver(dev->from),
			   claim->release || driver[0] ? vp_verdict_driver(driver) :
			   goal(claim, &dev->dev),
			   vp_out_color(verdict), vp_out_uncolor(), dev->seconds);
		return;
	}
	vp_verdict_state(&dev->dev, text);
	vp_out_say("%s  %s: %s -> %s ... %s%s%s%s", dev->address, dev->name,
		   vp_verdict_driver(dev->from), goal(claim, &dev->dev),
		   vp_out_color(verdict), dev->done ? "" : "not yet: ", text,
		   vp_out_uncolor());
	vp_verdict_why(&dev->dev, text);
	vp_out_say("  it %s", text);
	vp_verdict_todo(&claim->host, &dev->dev, text);
	if (text[0])
		vp_out_say("  %s", text);
}

static int exit_status(enum vp_verdict verdict, bool done)
{
	if (verdict == VP_VERDICT_MET)
		return VP_EXIT_DONE;
	return done && verdict == VP_VERDICT_NOT_MET ? VP_EXIT_NOT_MET :
						       VP_EXIT_PENDING;
}

static int wait_for_it(struct claim *claim, struct vp_watch *watch)
{
	struct vp_watch_dev *dev = &watch->devs[0];
	enum vp_verdict verdict;

	if (vp_watch_run(watch, claim->args->wait, say_end, claim) < 0) {
		vp_out_nl_error(claim->dev->address, &claim->nl.error);
		return VP_EXIT_KERNEL;
	}
	if (!dev->done)
		say_end(dev, claim);
	verdict = verdict_on(claim, &dev->dev);
	if (claim->release && verdict == VP_VERDICT_MET)
		vp_out_say("it stays there until 'vfiopolicy claim %s', or until it is plugged in again; its rule stays, too",
			   claim->dev->address);
	if (claim->args->given & VP_OPT_JSON)
		print_json(claim, &dev->dev, true, verdict);
	return exit_status(verdict, dev->done);
}

/* It is there already, or is what cannot be moved. */
static int say_nothing_to_do(struct claim *claim, const struct vp_nl_dev *dev)
{
	enum vp_verdict verdict = verdict_on(claim, dev);
	char text[VP_VERDICT_LEN];

	vp_verdict_state(dev, text);
	vp_out_say("%s  %s: %s %salready%s", dev->address, claim->name,
		   claim->release ? "with the host" : text,
		   vp_out_color(verdict), vp_out_uncolor());
	if (verdict != VP_VERDICT_MET) {
		vp_verdict_why(dev, text);
		vp_out_say("  it %s", text);
	}
	if (claim->args->given & VP_OPT_JSON)
		print_json(claim, dev, false, verdict);
	return exit_status(verdict, true);
}

static int ask_and_wait(struct claim *claim)
{
	const char *address = claim->dev->address;
	struct vp_watch watch;
	struct vp_nl_dev now;
	int ret;

	if (vp_watch_init(&watch, &claim->nl, 1)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	watch.claiming = !claim->release;
	watch.releasing = claim->release;
	watch.devs[0].known = true;
	memcpy(watch.devs[0].address, address, sizeof(watch.devs[0].address));
	memcpy(watch.devs[0].name, claim->name, sizeof(watch.devs[0].name));
	memcpy(watch.devs[0].from, claim->dev->driver,
	       sizeof(watch.devs[0].from));
	vp_watch_start(&watch);
	ret = claim->release ? vp_nl_release(&claim->nl, address, &now) :
			       vp_nl_claim(&claim->nl, address, &now);
	if (ret)
		ret = refuse(claim);
	else if (now.pending)
		ret = wait_for_it(claim, &watch);
	else
		ret = say_nothing_to_do(claim, &now);
	vp_watch_free(&watch);
	return ret;
}

/* The same questions, but for the one that changes something. */
static int rehearse(struct claim *claim)
{
	struct vp_nl_dev dev;
	bool there;
	int ret;

	ret = vp_nl_dev(&claim->nl, claim->dev->address, &dev);
	if (ret)
		return refuse(claim);
	there = verdict_on(claim, &dev) == VP_VERDICT_MET;
	if (claim->release)
		there &= dev.state == VFIOPOLICY_STATE_RELEASED;
	else if (dev.reason == VFIOPOLICY_REASON_CHANGED)
		return refuse_unnamed(claim);
	if (there)
		return say_nothing_to_do(claim, &dev);
	if (claim->release && dev.in_use) {
		claim->nl.error.errnum = EBUSY;
		snprintf(claim->nl.error.text, sizeof(claim->nl.error.text),
			 "it is in use");
		return refuse(claim);
	}
	vp_out_say("%s  %s: %s -> %s", dev.address, claim->name,
		   vp_verdict_driver(claim->dev->driver), goal(claim, &dev));
	vp_out_say("Nothing was changed: this was a dry run.");
	if (claim->args->given & VP_OPT_JSON)
		print_json(claim, &dev, true, VP_VERDICT_PENDING);
	return VP_EXIT_WOULD_CHANGE;
}

/* Does the rule say that this may be taken from under the host? */
static u32 allowed_by(const char *text)
{
	struct vp_error err;
	struct vp_rule rule;

	return vp_rule_parse(text, strlen(text), &rule, &err) ? 0 : rule.allow;
}

/*
 * What the host would miss is not taken from it, unless that is forced. The
 * module looks at nothing of this: it takes a disk from under its file system.
 * Return: an exit status.
 */
static int check_uses(struct claim *claim)
{
	bool force = claim->args->given & VP_OPT_FORCE;
	const struct vp_use *use;
	struct vp_nl_dev dev;
	struct vp_uses uses;
	size_t i, refused = 0;
	int ret;

	/* What no rule names is refused by the module. */
	ret = vp_nl_dev(&claim->nl, claim->dev->address, &dev);
	if (ret == -ENODEV || (!ret && !dev.driver[0]))
		return VP_EXIT_DONE;
	if (ret)
		return refuse(claim);
	vp_safety_uses(&claim->safety, claim->dev, &uses);
	for (i = 0; i < uses.count; i++) {
		use = &uses.uses[i];
		if (!vp_safety_refuses(use, false) ||
		    vp_safety_allow(use) & allowed_by(dev.rule_text))
			continue;
		if (force)
			vp_out_note("--force: %s: %s", dev.address, use->text);
		else if (refused++)
			vp_out_error_more("  %s", use->text);
		else
			vp_out_error("%s %s: %s", dev.address,
				     vp_safety_in_use(use), use->text);
	}
	if (!refused)
		return VP_EXIT_DONE;
	vp_out_error_more("Nothing was changed. --force would take it away from a running system; its rule takes it at the next boot.");
	return VP_EXIT_USAGE;
}

static int claim_or_release(struct claim *claim)
{
	int ret = claim->release ? VP_EXIT_DONE : check_uses(claim);

	if (ret)
		return ret;
	return claim->args->given & VP_OPT_DRY_RUN ? rehearse(claim) :
						     ask_and_wait(claim);
}

static int open_safety(struct claim *claim)
{
	int ret = vp_safety_open(&claim->safety, &claim->host, NULL);

	/* To give back harms nobody, whatever is mounted. */
	if (!ret || claim->release || claim->args->given & VP_OPT_FORCE)
		return VP_EXIT_DONE;
	vp_out_error("what is mounted cannot be read, so it is not known what the host uses: %s",
		     strerror(-ret));
	vp_out_error_more("Nothing was changed. --force claims it all the same.");
	return VP_EXIT_USAGE;
}

static int ask_module(struct claim *claim)
{
	int ret = vp_nl_open(&claim->nl);

	if (!ret) {
		ret = claim_or_release(claim);
	} else if (ret == -ENOENT && claim->release) {
		ret = vp_release_by_sysfs(&claim->host, claim->dev, claim->args,
					  false);
	} else {
		vp_out_nl_error("module vfiopolicy", &claim->nl.error);
		ret = VP_EXIT_KERNEL;
	}
	vp_nl_close(&claim->nl);
	return ret;
}

static int run(const struct vp_args *args, bool release)
{
	struct claim claim = { .args = args, .release = release };
	int ret;

	ret = vp_device_host(&claim.host, NULL);
	if (!ret)
		ret = vp_device_find(&claim.host, args->words[0], &claim.dev);
	if (!ret) {
		vp_out_name(&claim.host, &claim.dev->facts, claim.name,
			    sizeof(claim.name));
		ret = open_safety(&claim);
		if (!ret)
			ret = ask_module(&claim);
		vp_safety_close(&claim.safety);
	}
	vp_host_close(&claim.host);
	return ret;
}

static int run_claim(const struct vp_args *args)
{
	return run(args, false);
}

static int run_release(const struct vp_args *args)
{
	return run(args, true);
}

const struct vp_command vp_cmd_claim = {
	.name = "claim",
	.synopsis = "DEVICE [--wait=SEC] [--force] [--dry-run]",
	.summary = "bring one device to where its rule wants it, now",
	.help =
"  DEVICE            an address, network interface, disk or device file, or the\n"
"                    name of the rule that has it\n"
"  --wait=SEC        wait so long for it (10; 0: do not wait)\n"
"  --force           also from under a running system that uses it\n"
"  --dry-run         say what would happen, and change nothing\n"
"Takes it from the driver of the host that has it, or ends what 'release' said.\n"
"Rules are neither made nor changed: that is what 'add' is for.\n",
	.examples =
"  vfiopolicy claim 82:00.0             take it from nouveau, now\n"
"  vfiopolicy claim enp3s0 --wait=60    of a driver that takes its time\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_WAIT | VP_OPT_DRY_RUN |
		   VP_OPT_FORCE,
	.min_words = 1,
	.max_words = 1,
	.run = run_claim,
};

const struct vp_command vp_cmd_release = {
	.name = "release",
	.synopsis = "DEVICE [--wait=SEC] [--dry-run]",
	.summary = "give one device back to the host, now; its rule stays",
	.help =
"  DEVICE            its address, or the name of the rule that has it\n"
"  --wait=SEC        wait so long for it (10; 0: do not wait)\n"
"  --dry-run         say what would happen, and change nothing\n"
"It stays with the host until 'claim', or until it is plugged in again or the\n"
"host restarts. 'del' is what gives it back for good. Works without the module,\n"
"too, and for what was left on vfio-pci when the module or its rule went: then by\n"
"the device's override in sysfs.\n",
	.examples =
"  vfiopolicy release 82:00.0        the GPU back to nouveau\n"
"  vfiopolicy claim 82:00.0          and away from it again\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_WAIT | VP_OPT_DRY_RUN,
	.min_words = 1,
	.max_words = 1,
	.run = run_release,
};
