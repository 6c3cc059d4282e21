// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy sriov PF N
 *
 * Has the driver of a device make N virtual functions, or remove them, and
 * waits until each is where the rules want it. What would take a VF from
 * somebody is refused.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <json.h>

#include "command.h"
#include "device.h"
#include "output.h"
#include "vfs.h"
#include "watch.h"

/* How often to look while the kernel is at it. */
#define LOOK_NS		100000000L
/* Seconds that VFs have to go, however short the wait: drivers take their time. */
#define GO_SECONDS	10

/**
 * struct sriov - one run of the command
 * @args: the command line
 * @host: the host, read anew when the VFs are there
 * @pf: address of the device
 * @name: what to call it
 * @wanted: how many VFs there are to be
 * @vfs: those that are there
 * @nl: the connection to the module
 * @module: it answers
 * @changed: their number was changed
 * @watch: those that are waited for, in the order of their numbers
 * @watched: how many of @watch have been told of
 * @said: how many of @vfs have
 */
struct sriov {
	const struct vp_args *args;
	struct vp_host host;
	char pf[VP_HOST_LEN];
	char name[VP_NAMES_LEN];
	unsigned int wanted;
	struct vp_vfs vfs;
	struct vp_nl nl;
	bool module;
	bool changed;
	const struct vp_watch *watch;
	size_t watched;
	size_t said;
};

static const struct vp_host_dev *pf_of(const struct sriov *sriov)
{
	return vp_host_find(&sriov->host, sriov->pf);
}

static int parse_number(struct sriov *sriov, const char *word)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(word, &end, 10);
	if (!isdigit((unsigned char)word[0]) || *end || errno ||
	    number > VP_VFS_ALL) {
		vp_out_error("'%s' is no number of VFs: expected 0 or more",
			     word);
		return VP_EXIT_USAGE;
	}
	sriov->wanted = (unsigned int)number;
	return VP_EXIT_DONE;
}

static int refuse_no_sriov(const struct sriov *sriov)
{
	const struct vp_host_dev *pf = pf_of(sriov);

	if (pf->physfn[0])
		vp_out_error("%s (%s) is itself a VF: of %s", sriov->pf,
			     sriov->name, pf->physfn);
	else
		vp_out_error("%s (%s) has no SR-IOV: it can make no VFs; is it turned on in the firmware's set-up and in the device's?",
			     sriov->pf, sriov->name);
	return VP_EXIT_USAGE;
}

/* What the number is refused for before anything is looked at. */
static int check_number(const struct sriov *sriov)
{
	const struct vp_host_dev *pf = pf_of(sriov);

	if (sriov->wanted > sriov->vfs.total) {
		vp_out_error("%s (%s) can have %u VFs at the most, not %u",
			     sriov->pf, sriov->name, sriov->vfs.total,
			     sriov->wanted);
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_USAGE;
	}
	if (sriov->wanted != sriov->vfs.present && !pf->driver[0]) {
		vp_out_error("%s (%s) has no driver, and that is what makes VFs",
			     sriov->pf, sriov->name);
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_NOT_MET;
	}
	return VP_EXIT_DONE;
}

/*
 * Whatever the new number, all VFs that are there go: the kernel makes them all
 * or none. Return: an exit status.
 */
static int check_users(struct sriov *sriov)
{
	bool force = sriov->args->given & VP_OPT_FORCE;
	struct vp_nl_dev dev, *told;
	struct vp_safety safety;
	char text[VP_VFS_LEN];
	size_t i, used = 0;
	int ret;

	if (!sriov->vfs.count)
		return VP_EXIT_DONE;
	ret = vp_safety_open(&safety, &sriov->host, NULL);
	if (ret && !force) {
		vp_out_error("whether VFs of %s (%s) are in use cannot be told: %s/self/mountinfo: %s",
			     sriov->pf, sriov->name, safety.paths.proc,
			     strerror(-ret));
		vp_out_error_more("Nothing was changed. --force would not ask.");
		vp_safety_close(&safety);
		return VP_EXIT_KERNEL;
	}
	if (ret)
		vp_out_note("--force: whether its VFs are in use cannot be told");
	for (i = 0; !ret && i < sriov->vfs.count; i++) {
		told = sriov->module && !vp_nl_dev(&sriov->nl,
				sriov->vfs.devs[i]->address, &dev) ? &dev : NULL;
		if (!vp_vfs_use(&safety, sriov->vfs.devs[i], told, text))
			continue;
		if (!used++ && !force)
			vp_out_error("%s (%s) has %u VFs, which all go when their number changes, and some are in use:",
				     sriov->pf, sriov->name, sriov->vfs.present);
		if (force)
			vp_out_note("--force: %s %s",
				    sriov->vfs.devs[i]->address, text);
		else
			vp_out_error_more("  VF %u  %s  %s",
					  sriov->vfs.devs[i]->facts.vf_index,
					  sriov->vfs.devs[i]->address, text);
	}
	vp_safety_close(&safety);
	if (!used || force)
		return VP_EXIT_DONE;
	vp_out_error_more("Nothing was changed. --force takes them away all the same; one that a guest has is waited for.");
	return VP_EXIT_KERNEL;
}

static void show_progress(const struct sriov *sriov, unsigned int target)
{
	static int shown = -1;
	int count;

	if (sriov->args->quiet || !isatty(STDERR_FILENO))
		return;
	count = vp_vfs_count(&sriov->host, pf_of(sriov));
	if (count == shown)
		return;
	shown = count;
	if (target)
		fprintf(stderr, "\r%d of %u VFs are there", count, target);
	else
		fprintf(stderr, "\r%d VFs are still there", count);
}

static void end_progress(const struct sriov *sriov)
{
	if (!sriov->args->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%40s\r", "");
}

static int say_failed(const struct sriov *sriov, unsigned int target, int errnum)
{
	vp_out_error("%s (%s): %u VFs: %s", sriov->pf, sriov->name, target,
		     strerror(errnum));
	if (errnum == EACCES || errnum == EPERM)
		vp_out_error_more("This takes root.");
	else if (errnum == ENOMEM || errnum == ENOSPC)
		vp_out_error_more("The firmware left them no room for their memory or bus numbers: pci=realloc or pci=assign-busses on the kernel command line, or the firmware's set-up. The kernel log has the details.");
	else if (errnum == ENOENT)
		vp_out_error_more("Its driver makes no VFs.");
	else
		vp_out_error_more("The kernel log has the reason: dmesg | tail");
	vp_out_error_more("It has %d VFs now.",
			  vp_vfs_count(&sriov->host, pf_of(sriov)));
	return VP_EXIT_KERNEL;
}

static void print_numbers(const struct sriov *sriov, unsigned int present,
			  bool pending)
{
	struct json_object *obj = vp_out_json();

	vp_out_json_bool(obj, "changed", true);
	vp_out_json_bool(obj, "dry_run",
			 sriov->args->given & VP_OPT_DRY_RUN);
	vp_out_json_bool(obj, "pending", pending);
	vp_out_json_string(obj, "pf", sriov->pf);
	vp_out_json_number(obj, "vfs", present);
	vp_out_json_number(obj, "vfs_wanted", sriov->wanted);
	vp_out_json_number(obj, "vfs_max", sriov->vfs.total);
	vp_out_json_print(obj);
}

/* Whom the kernel waits for, if that can be found out. */
static void find_keeper(const struct sriov *sriov, char *buf, size_t size)
{
	const struct vp_host_dev *vf;
	char who[VP_USE_LEN / 2];
	struct vp_safety safety;
	struct vp_user user;
	size_t i;

	snprintf(buf, size, "what keeps them is not known; the kernel log may say");
	vp_safety_open(&safety, &sriov->host, NULL);
	for (i = 0; i < sriov->vfs.count; i++) {
		vf = sriov->vfs.devs[i];
		if (!vp_device_is_vfio(&sriov->host, vf->address, vf->driver) ||
		    !vp_safety_vfio_user(&safety, vf->address, &user))
			continue;
		vp_safety_print_user(&user, who, sizeof(who));
		snprintf(buf, size, "%s is in use by %s, and the kernel waits for that",
			 vf->address, who);
		break;
	}
	vp_safety_close(&safety);
}

/* They go when they can, in their own time. Return: an exit status. */
static int say_still_going(const struct sriov *sriov)
{
	int present = vp_vfs_count(&sriov->host, pf_of(sriov));
	char why[VP_VFS_LEN];

	find_keeper(sriov, why, sizeof(why));
	vp_out_error("%s (%s): its VFs are still going: %s", sriov->pf,
		     sriov->name, why);
	if (sriov->wanted)
		vp_out_error_more("The new ones were not made. Once the old ones are gone: vfiopolicy sriov %s %u",
				  sriov->pf, sriov->wanted);
	if (sriov->args->given & VP_OPT_JSON)
		print_numbers(sriov, (unsigned int)present, !sriov->wanted);
	return sriov->wanted ? VP_EXIT_KERNEL : VP_EXIT_PENDING;
}

/* In a process that may outlast this one: whoever reads our output need not wait. */
static int set_aside(const struct sriov *sriov, unsigned int target)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	return -vp_vfs_set(&sriov->host, pf_of(sriov), target);
}

/*
 * Another process does it, so that this one can tell how far it has come, and
 * need not wait for a guest that does not let go. Return: an exit status.
 */
static int set_number(struct sriov *sriov, unsigned int target)
{
	const double most = sriov->args->wait > GO_SECONDS ?
			    sriov->args->wait : GO_SECONDS;
	const struct timespec rest = { .tv_nsec = LOOK_NS };
	double waited = 0;
	pid_t child, got;
	int status = 0;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		vp_out_error("%s", strerror(errno));
		return VP_EXIT_KERNEL;
	}
	if (!child)
		_exit(set_aside(sriov, target));
	while (!(got = waitpid(child, &status, WNOHANG))) {
		show_progress(sriov, target);
		nanosleep(&rest, NULL);
		waited += (double)LOOK_NS / 1e9;
		/* To make them takes as long as it takes. */
		if (!target && waited >= most)
			break;
	}
	end_progress(sriov);
	if (!got)
		return say_still_going(sriov);
	if (got < 0 || !WIFEXITED(status))
		return say_failed(sriov, target, EIO);
	return WEXITSTATUS(status) ?
	       say_failed(sriov, target, WEXITSTATUS(status)) : VP_EXIT_DONE;
}

static int change(struct sriov *sriov)
{
	int ret = VP_EXIT_DONE;

	if (sriov->vfs.present) {
		ret = set_number(sriov, 0);
		if (!ret)
			vp_out_say("%s  %s: its %u VFs are gone", sriov->pf,
				   sriov->name, sriov->vfs.present);
	}
	if (!ret && sriov->wanted)
		ret = set_number(sriov, sriov->wanted);
	sriov->changed = true;
	return ret;
}

static void say_watched(const struct sriov *sriov, unsigned int number,
			const struct vp_watch_dev *dev)
{
	enum vp_verdict verdict = vp_verdict_target(&dev->dev);
	char text[VP_VERDICT_LEN], rule[VP_VERDICT_LEN];

	vp_verdict_state(&dev->dev, text);
	vp_verdict_rule(dev->dev.rule, dev->dev.rule_text, rule, sizeof(rule));
	vp_out_say("VF %u  %s  %s: %s%s%s%s, rule %s (%.1f s)",
		   number, dev->address, dev->name,
		   vp_out_color(verdict), dev->done ? "" : "not yet: ", text,
		   vp_out_uncolor(), rule, dev->seconds);
	if (verdict == VP_VERDICT_MET)
		return;
	vp_verdict_todo(&sriov->host, &dev->dev, text);
	if (text[0])
		vp_out_say("  %s", text);
}

/* In the order of their numbers, so one that is done may have to wait. */
static void say_vfs(struct sriov *sriov, bool all)
{
	const struct vp_watch *watch = sriov->watch;
	const struct vp_watch_dev *dev;
	const struct vp_host_dev *vf;

	for (; sriov->said < sriov->vfs.count; sriov->said++) {
		vf = sriov->vfs.devs[sriov->said];
		dev = &watch->devs[sriov->watched];
		if (sriov->watched == watch->count ||
		    strcmp(dev->address, vf->address) != 0) {
			vp_out_say("VF %u  %s  with the host (%s): no rule names it",
				   vf->facts.vf_index, vf->address,
				   vp_verdict_driver(vf->driver));
			continue;
		}
		if (!dev->done && !all)
			return;
		say_watched(sriov, vf->facts.vf_index, dev);
		sriov->watched++;
	}
}

static void say_done(const struct vp_watch_dev *dev, void *arg)
{
	(void)dev;
	say_vfs(arg, false);
}

static void json_vf(const struct sriov *sriov, const struct vp_host_dev *vf,
		    const struct vp_nl_dev *told, struct json_object *list)
{
	char driver[VP_HOST_LEN];
	struct json_object *obj;

	if (told) {
		obj = vp_out_json_dev(&sriov->host, told);
	} else {
		obj = vp_out_json_here(&sriov->host, vf);
		/* It may have got one since. */
		vp_host_driver(&sriov->host, vf->address, driver);
		vp_out_json_string(obj, "driver", driver);
	}
	vp_out_json_number(obj, "vf", vf->facts.vf_index);
	vp_out_json_string(obj, "verdict", told ?
			   vp_verdict_name(vp_verdict_target(told)) : NULL);
	json_object_array_add(list, obj);
}

static void print_json(const struct sriov *sriov, const struct vp_watch *watch,
		       enum vp_verdict worst)
{
	struct json_object *obj = vp_out_json(), *list = json_object_new_array();
	const struct vp_nl_dev *told;
	size_t i, n;

	vp_out_json_bool(obj, "changed", sriov->changed);
	vp_out_json_bool(obj, "dry_run",
			 sriov->args->given & VP_OPT_DRY_RUN);
	vp_out_json_bool(obj, "pending", worst == VP_VERDICT_PENDING);
	vp_out_json_string(obj, "verdict", vp_verdict_name(worst));
	vp_out_json_string(obj, "pf", sriov->pf);
	vp_out_json_number(obj, "vfs", sriov->vfs.present);
	vp_out_json_number(obj, "vfs_max", sriov->vfs.total);
	vp_out_json_bool(obj, "autoprobe", sriov->vfs.autoprobe);
	for (i = 0; i < sriov->vfs.count; i++) {
		told = NULL;
		for (n = 0; n < watch->count && !told; n++)
			if (!strcmp(watch->devs[n].address,
				    sriov->vfs.devs[i]->address))
				told = &watch->devs[n].dev;
		json_vf(sriov, sriov->vfs.devs[i], told, list);
	}
	json_object_object_add(obj, "devices", list);
	vp_out_json_print(obj);
}

/* Those that a rule names are waited for; of the others there is nothing to wait for. */
static void prepare_watch(struct sriov *sriov, struct vp_watch *watch)
{
	const struct vp_host_dev *vf;
	struct vp_watch_dev *dev;
	size_t i, n = 0;

	for (i = 0; i < sriov->vfs.count; i++) {
		vf = sriov->vfs.devs[i];
		dev = &watch->devs[n];
		if (sriov->module &&
		    !vp_nl_dev(&sriov->nl, vf->address, &dev->dev)) {
			dev->known = true;
			memcpy(dev->address, vf->address, sizeof(dev->address));
			vp_out_name(&sriov->host, &vf->facts, dev->name,
				    sizeof(dev->name));
			n++;
		}
	}
	watch->count = n;
	sriov->watch = watch;
}

static int wait_for_vfs(struct sriov *sriov)
{
	enum vp_verdict worst = VP_VERDICT_MET, verdict;
	struct vp_watch watch;
	size_t i;
	int ret;

	if (vp_watch_init(&watch, &sriov->nl, sriov->vfs.count)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	if (sriov->module)
		vp_watch_start(&watch);
	prepare_watch(sriov, &watch);
	ret = watch.count ? vp_watch_run(&watch, sriov->args->wait, say_done,
					 sriov) : 0;
	if (ret < 0) {
		vp_out_nl_error(sriov->pf, &sriov->nl.error);
		vp_watch_free(&watch);
		return VP_EXIT_KERNEL;
	}
	say_vfs(sriov, true);
	for (i = 0; i < watch.count; i++) {
		verdict = vp_verdict_target(&watch.devs[i].dev);
		if (verdict > worst)
			worst = verdict;
	}
	vp_out_say("%s  %s: %u of %u VFs", sriov->pf, sriov->name,
		   sriov->vfs.present, sriov->vfs.total);
	if (sriov->args->given & VP_OPT_JSON)
		print_json(sriov, &watch, worst);
	vp_watch_free(&watch);
	if (worst == VP_VERDICT_MET)
		return VP_EXIT_DONE;
	return worst == VP_VERDICT_PENDING ? VP_EXIT_PENDING : VP_EXIT_NOT_MET;
}

/* Reads the host anew, now that there are others. Return: an exit status. */
static int look_again(struct sriov *sriov)
{
	int ret;

	vp_vfs_free(&sriov->vfs);
	vp_host_close(&sriov->host);
	ret = vp_host_open(&sriov->host, NULL, NULL);
	if (!ret)
		ret = pf_of(sriov) ? vp_vfs_read(&sriov->host, pf_of(sriov),
						 &sriov->vfs) : -ENODEV;
	if (ret) {
		vp_out_error("%s: %s", sriov->pf, strerror(-ret));
		return VP_EXIT_KERNEL;
	}
	if (sriov->vfs.present == sriov->wanted)
		return VP_EXIT_DONE;
	vp_out_error("%s (%s) has %u VFs now, not %u: somebody else changed their number",
		     sriov->pf, sriov->name, sriov->vfs.present, sriov->wanted);
	return VP_EXIT_KERNEL;
}

static int rehearse(const struct sriov *sriov)
{
	if (sriov->vfs.present && sriov->wanted)
		vp_out_say("%s  %s: %u VFs -> 0 -> %u", sriov->pf, sriov->name,
			   sriov->vfs.present, sriov->wanted);
	else
		vp_out_say("%s  %s: %u VFs -> %u", sriov->pf, sriov->name,
			   sriov->vfs.present, sriov->wanted);
	vp_out_say("Nothing was changed: this was a dry run.");
	if (sriov->args->given & VP_OPT_JSON)
		print_numbers(sriov, sriov->vfs.present, false);
	return VP_EXIT_WOULD_CHANGE;
}

static int set_vfs(struct sriov *sriov)
{
	bool same = sriov->wanted == sriov->vfs.present;
	int ret = check_number(sriov);

	if (!ret && !same)
		ret = check_users(sriov);
	if (ret)
		return ret;
	if (!same && (sriov->args->given & VP_OPT_DRY_RUN))
		return rehearse(sriov);
	if (!sriov->vfs.autoprobe)
		vp_out_note("sriov_drivers_autoprobe is 0: VFs that no rule names get no driver by themselves");
	if (!same)
		ret = change(sriov);
	if (!ret && !same)
		ret = look_again(sriov);
	return ret ? ret : wait_for_vfs(sriov);
}

static int find_pf(struct sriov *sriov)
{
	const struct vp_host_dev *pf;
	int ret;

	ret = vp_device_find(&sriov->host, sriov->args->words[0], &pf);
	if (ret)
		return ret;
	memcpy(sriov->pf, pf->address, sizeof(sriov->pf));
	vp_out_name(&sriov->host, &pf->facts, sriov->name, sizeof(sriov->name));
	ret = vp_vfs_read(&sriov->host, pf, &sriov->vfs);
	if (ret == -ENOENT)
		return refuse_no_sriov(sriov);
	if (ret) {
		vp_out_error("%s: %s", sriov->pf, strerror(-ret));
		return VP_EXIT_KERNEL;
	}
	return VP_EXIT_DONE;
}

static int run(const struct vp_args *args)
{
	struct sriov sriov = { .args = args };
	int ret = parse_number(&sriov, args->words[1]);

	if (ret)
		return ret;
	ret = vp_device_host(&sriov.host, NULL);
	if (!ret)
		ret = find_pf(&sriov);
	if (!ret) {
		sriov.module = !vp_nl_open(&sriov.nl);
		if (!sriov.module)
			vp_out_note("the module is %s: no rule claims VFs",
				    sriov.nl.error.text);
		ret = set_vfs(&sriov);
		vp_nl_close(&sriov.nl);
	}
	vp_vfs_free(&sriov.vfs);
	vp_host_close(&sriov.host);
	return ret;
}

const struct vp_command vp_cmd_sriov = {
	.name = "sriov",
	.synopsis = "PF N [--wait=SEC] [--force] [--dry-run]",
	.summary = "make N virtual functions of a device, and wait until rules have theirs",
	.help =
"  PF                an address, network interface, disk or device file\n"
"  N                 how many there are to be; 0 removes them\n"
"  --wait=SEC        wait so long for the VFs to be where rules want them, or to\n"
"                    go (10; for them to go never less)\n"
"  --force           also when VFs that are there now are in use\n"
"  --dry-run         say what would happen, and change nothing\n"
"To change their number the kernel has to remove all of them first. Until the\n"
"host restarts; sriov_drivers_autoprobe is left as it is.\n",
	.examples =
"  vfiopolicy add vfs-of=enp3s0/0-7         a rule for them, once\n"
"  vfiopolicy sriov enp3s0 8                make them, and see them isolated\n"
"  vfiopolicy sriov enp3s0 0                remove them\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_WAIT | VP_OPT_FORCE |
		   VP_OPT_DRY_RUN,
	.min_words = 2,
	.max_words = 2,
	.run = run,
};
