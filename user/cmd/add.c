// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy add [vfio|hold|leave] DEVICE|SELECTOR... [OPTION...]
 *
 * Makes one rule of all words, looks whether it names what the user means and
 * whether the host does without that, saves it, gives it to the module, and waits
 * until the devices it names are where it wants them. What it looks at first is
 * in add_plan.c, add_check.c and add_wishes.c, what it says in add_report.c, and
 * what it would do in add_dry.c.
 */
#include "add.h"
#include "device.h"
#include "output.h"
#include "resolve.h"

static int find_matches(struct add *add)
{
	const struct vp_host_dev *dev;
	size_t i;

	if (vp_match_needs_dsn(&add->words.rule))
		vp_host_read_dsn(&add->host, NULL);
	add->matches = calloc(add->host.count + 1, sizeof(const void *));
	if (!add->matches)
		return -ENOMEM;
	for (i = 0; i < add->host.count; i++) {
		dev = &add->host.devs[i];
		if (vp_match(&add->words.rule, &dev->facts, NULL) !=
		    VP_FIT_MATCH)
			continue;
		if (dev->bridge) {
			add->bridges++;
			add->bridge = dev;
		} else {
			add->matches[add->count++] = dev;
		}
	}
	return 0;
}

static void watch_device(const struct add *add, const struct vp_host_dev *from,
			 struct vp_watch_dev *dev)
{
	snprintf(dev->address, sizeof(dev->address), "%s", from->address);
	snprintf(dev->from, sizeof(dev->from), "%s", from->driver);
	vp_out_name(&add->host, &from->facts, dev->name, sizeof(dev->name));
	/* It stays with the host, and nobody would ever say so. */
	if (add_leaving(add, dev->address)) {
		dev->dev.state = VFIOPOLICY_STATE_GONE;
		dev->done = true;
	}
}

/* Those that it names, and those that with= has taken from their drivers. */
static int prepare_watch(struct add *add, struct vp_watch *watch)
{
	size_t i;

	if (vp_watch_init(watch, &add->nl, add->count + add->taken_count))
		return -ENOMEM;
	watch->count = 0;
	if (add->words.rule.action == VP_LEAVE)
		return 0;
	for (i = 0; i < add->count; i++)
		watch_device(add, add->matches[i], &watch->devs[watch->count++]);
	for (i = 0; i < add->taken_count; i++)
		if (add->taken[i].take_over && add->taken[i].fit == VP_FIT_WITH)
			watch_device(add, add->taken[i].dev,
				     &watch->devs[watch->count++]);
	return 0;
}

/* Writes one rule to the file. Return: an exit status. */
static int write_rule(const struct vp_rules_lock *lock, const char *comment,
		      const char *text, struct vp_rules_change *saved)
{
	struct vp_rules_error error;

	if (!vp_rules_add(lock, VP_RULES_DEFAULT, comment, text, saved, &error))
		return VP_EXIT_DONE;
	vp_out_error("%s", error.text);
	return VP_EXIT_KERNEL;
}

/* What the module would not have must not stand in the file either. */
static void unwrite_rule(const struct vp_rules_lock *lock, const char *text,
			 struct vp_rules_change *saved)
{
	struct vp_rules_change change;
	struct vp_rules_error error;

	if (!saved->changed)
		return;
	if (vp_rules_del(lock, text, NULL, NULL, &change, &error))
		vp_out_error("%s", error.text);
	memset(saved, 0, sizeof(*saved));
}

static void unsave(struct add *add, const struct vp_rules_lock *lock)
{
	size_t i;

	unwrite_rule(lock, add->words.text, &add->saved);
	for (i = 0; i < add->pin_count; i++)
		unwrite_rule(lock, add->pins[i].text, &add->pins[i].saved);
}

/* Those that are kept for the host go first. Return: an exit status. */
static int save(struct add *add, const struct vp_rules_lock *lock)
{
	char comment[VP_RESOLVE_LEN + VP_USE_LEN + 32];
	struct add_pin *pin;
	int ret = add_check_files(add);
	size_t i;

	for (i = 0; i < add->pin_count && !ret; i++) {
		pin = &add->pins[i];
		vp_resolve_comment(&add->host, pin->dev, comment,
				   VP_RESOLVE_LEN);
		snprintf(comment + strlen(comment),
			 sizeof(comment) - strlen(comment),
			 "; kept for the host: %s", pin->why);
		ret = write_rule(lock, comment, pin->text, &pin->saved);
	}
	comment[0] = '\0';
	if (add->count == 1)
		vp_resolve_comment(&add->host, add->matches[0], comment,
				   VP_RESOLVE_LEN);
	if (!ret)
		ret = write_rule(lock, comment[0] ? comment : NULL,
				 add->words.text, &add->saved);
	if (ret)
		unsave(add, lock);
	return ret;
}

/* Takes what was given to the module back from it. */
static void take_back(struct add *add)
{
	struct vp_nl nl = { 0 };
	size_t i;

	/* A connection of its own: the error of the other is to be told yet. */
	if (!vp_nl_open(&nl))
		for (i = 0; i < add->pin_count; i++)
			if (add->pins[i].added.id && !add->pins[i].added.existed)
				vp_nl_rule_del(&nl, add->pins[i].added.id, NULL);
	vp_nl_close(&nl);
}

/* Return: 0 or -errno, with the reason in the connection's error. */
static int give_rules(struct add *add)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < add->pin_count && !ret; i++)
		ret = vp_nl_rule_add(&add->nl, add->pins[i].text,
				     VFIOPOLICY_ORIGIN_FILE,
				     &add->pins[i].added);
	if (!ret)
		ret = vp_nl_rule_add(&add->nl, add->words.text,
				     add_is_saved(add) ?
				     VFIOPOLICY_ORIGIN_FILE :
				     VFIOPOLICY_ORIGIN_RUNTIME, &add->added);
	if (ret)
		take_back(add);
	return ret;
}

/*
 * One by one, so that nothing is taken but what was looked at. What the module
 * refuses stays where it is, as the report says; the rule is none the worse.
 */
static void take_over(struct add *add)
{
	const char *address;
	struct vp_nl_dev dev;
	size_t i;

	for (i = 0; i < add->taken_count; i++) {
		address = add->taken[i].dev->address;
		if (!add->taken[i].take_over ||
		    !vp_nl_claim(&add->nl, address, &dev))
			continue;
		vp_out_error("%s: %s", address, add->nl.error.text);
		if (add->nl.error.errnum == EBUSY)
			vp_out_error_more("  vfiopolicy sriov %s 0    # its VFs go first",
					  address);
	}
}

static int add_and_watch(struct add *add, struct vp_rules_lock *lock)
{
	struct vp_watch watch;
	char what[VP_RULEARG_LEN + 8];
	int ret;

	if (prepare_watch(add, &watch)) {
		vp_out_error("%s", strerror(ENOMEM));
		unsave(add, lock);
		return VP_EXIT_KERNEL;
	}
	snprintf(what, sizeof(what), "add %s",
		 vp_rulearg_selectors(add->words.text));
	vp_watch_start(&watch);
	ret = give_rules(add);
	if (ret)
		unsave(add, lock);
	else
		take_over(add);
	/* Others need not wait for the devices. */
	vp_rules_unlock(lock);
	if (!ret)
		ret = vp_watch_run(&watch, add->args->wait, add_say_device, add);
	if (ret < 0) {
		vp_out_nl_error(what, &add->nl.error);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = add_report(add, &watch);
	}
	vp_watch_free(&watch);
	return ret;
}

static int add_later(struct add *add, const struct vp_rules_lock *lock)
{
	struct vp_watch none = { 0 };
	int ret;

	ret = save(add, lock);
	if (ret)
		return ret;
	snprintf(add->added.text, sizeof(add->added.text), "%s",
		 add->words.text);
	add->added.origin = VFIOPOLICY_ORIGIN_FILE;
	add->added.existed = !add->saved.changed;
	add_say_rule(add);
	if (add->args->given & VP_OPT_JSON)
		add_print_json(add, &none, VP_VERDICT_PENDING);
	return VP_EXIT_DONE;
}

static int add_rule(struct add *add)
{
	struct vp_rules_lock lock = { .dir = -1 };
	int ret = VP_EXIT_DONE;

	if (add_is_saved(add) && vp_watch_lock(&lock)) {
		vp_out_error_more("Nothing was changed. --runtime adds the rule without saving it.");
		return VP_EXIT_KERNEL;
	}
	if (add_is_later(add)) {
		ret = add_later(add, &lock);
	} else {
		if (add_is_saved(add))
			ret = save(add, &lock);
		if (!ret)
			ret = add_and_watch(add, &lock);
	}
	vp_rules_unlock(&lock);
	return ret;
}

/* Everything up to the first change. Return: an exit status. */
static int check(struct add *add)
{
	int ret = add_check_matches(add);

	/* Before it is said what effect it would have; without the module it has none. */
	if (!ret && add_is_saved(add) &&
	    (add->module || add_is_later(add) || add->args->on))
		ret = add_check_odds(add, &add->rules);
	if (!ret && !add->existed)
		ret = add_check_wishes(add);
	if (!ret && (!add->existed || add_takes_over(add)) &&
	    add->words.rule.action != VP_LEAVE)
		ret = add_check_uses(add);
	if (!ret && !add->existed)
		ret = add_check_groups(add);
	if (!ret && !add->module && !add_is_later(add) && !add->args->on) {
		vp_out_nl_error("module vfiopolicy", &add->nl.error);
		ret = VP_EXIT_KERNEL;
	}
	return ret;
}

static int find_and_add(struct add *add)
{
	int ret = find_matches(add);

	if (!ret)
		ret = add_plan(add);
	if (ret == -ENOMEM)
		vp_out_error("%s", strerror(ENOMEM));
	if (ret)
		return VP_EXIT_KERNEL;
	ret = check(add);
	if (ret)
		return ret;
	return add->args->given & VP_OPT_DRY_RUN ? add_dry_run(add) :
						   add_rule(add);
}

/* Return: an exit status. */
static int open_host(struct add *add)
{
	if (add->args->on && !(add->args->given & VP_OPT_DRY_RUN)) {
		vp_out_error("--on is for rehearsing: it goes with --dry-run");
		return VP_EXIT_USAGE;
	}
	return vp_device_host(&add->host, add->args->on);
}

static int run(const struct vp_args *args)
{
	struct add add = { .args = args };
	int ret, words;

	ret = open_host(&add);
	if (!ret) {
		words = vp_rulearg_parse(&add.host, args->nwords, args->words,
					 &add.words);
		if (words)
			ret = words == -ENODEV ? VP_EXIT_NOT_FOUND :
						 VP_EXIT_USAGE;
		else
			ret = find_and_add(&add);
	}
	vp_nl_close(&add.nl);
	vp_policy_free(add.table);
	vp_rules_free(&add.rules);
	free(add.devs);
	free(add.taken);
	free(add.pins);
	free(add.matches);
	vp_host_close(&add.host);
	return ret;
}

const struct vp_command vp_cmd_add = {
	.name = "add",
	.synopsis = "[vfio|hold|leave] DEVICE|SELECTOR... [RULE-OPTION...] [OPTION...]",
	.summary = "isolate devices now and at every boot, by one rule made of all the words",
	.help =
"  vfio              hold it, then hand it to vfio-pci; what is meant when\n"
"                    no action is given\n"
"  hold              keep it away from every driver\n"
"  leave             the host keeps it, whatever other rules say\n"
"  82:00.0, enp3s0, /dev/nvme1n1   a device by what it is called now: what is\n"
"                    stored is where it is and what it is\n"
"  10de:1b39, 144d:a80a:*:*        devices by vendor and device id\n"
"  vfs-of=enp3s0/0-3               VFs of a port, also before it has them\n"
"  at=0000:00:1c.0/00.0, class=3d, dsn=..., external, except=..., name=gpu0 ...\n"
"                    the rest of the language: man vfiopolicy.rules\n"
"  --all             all the devices it names, when that is more than one\n"
"  --absent-ok       although no device present is named by it, owner= is nobody\n"
"                    yet, or driver= is not there yet\n"
"  --runtime         now only: until the module is unloaded or the host restarts\n"
"  --next-boot       later only: saved, and nothing else\n"
"  --wait=SEC        wait so long for the devices (10; 0: do not wait)\n"
"  --force           although the host uses a device, its IOMMU group cannot be\n"
"                    given to a guest, or driver= or vfs= cannot work; says what\n"
"                    it overrides, and writes it into the rule (allow=) where it\n"
"                    holds at the next boot, too\n"
"  --no-image        leave the boot images as they are: a later apply rebuilds them\n"
"  --dry-run         say what would be done, and do nothing; exit status 5 if\n"
"                    it would change something\n"
"  --on FILE         with --dry-run: for the devices of that snapshot, with the\n"
"                    rules of the files\n"
"What the host uses is not taken from it: what is mounted, swapped to or stacked\n"
"upon, ports with addresses or routes, displays, consoles, keyboards, what a\n"
"process has open, VFs and mediated devices. What it needs and the rule might\n"
"come to name at a later boot gets a rule that leaves it to the host.\n"
"A device that a native driver has is taken from it, as by vfiopolicy claim.\n"
"What was released stays with the host until it is claimed or next appears.\n",
	.examples =
"  vfiopolicy add 82:00.0                       one device, now and at every boot\n"
"  vfiopolicy add 10de:1b39 with=slot           a GPU with its audio function\n"
"  vfiopolicy add vfs-of=enp3s0/0-3 name=vfs    VFs, when sriov makes them\n"
"  vfiopolicy add enp3s0 --dry-run              what would happen\n",
	.saves = true,
	.options = VP_OPT_NO_IMAGE | VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_ALL |
		   VP_OPT_ABSENT_OK | VP_OPT_WAIT | VP_OPT_RUNTIME |
		   VP_OPT_NEXT_BOOT | VP_OPT_FORCE | VP_OPT_DRY_RUN | VP_OPT_ON,
	.min_words = 1,
	.max_words = -1,
	.run = run,
};
