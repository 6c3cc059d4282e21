// SPDX-License-Identifier: GPL-2.0-only
/*
 * What actors do: see actors.c. A refusal is counted and no failure, for with
 * another actor at the same device anything may be refused. Those that wait
 * fail if what they wait for does not come.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <linux/vfiopolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "acts.h"

#define DEVICES	"/sys/bus/pci/devices"
#define DRIVERS	"/sys/bus/pci/drivers"
#define CONTROL	"/sys/kernel/debug/testbus/control"

static struct nl_msg msg;

static int count(struct act *act, int ret)
{
	if (ret >= 0) {
		act->done++;
		return 0;
	}
	act->refused++;
	act->error = -ret;
	return ret;
}

/* Return: 0, or a negative errno. */
static int put(const char *text, const char *path)
{
	int fd = open(path, O_WRONLY), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int put_to(struct act *act, const char *text, const char *dir,
		  const char *name, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
	return count(act, put(text, path));
}

/* The module may come and go meanwhile, and its numbers with it. */
static int begin(struct act *act, uint8_t cmd)
{
	int ret;

	if (!act->open) {
		ret = nl_open(&act->nl);
		if (ret)
			return count(act, ret);
		act->open = true;
	}
	nl_begin(&act->nl, &msg, cmd, 0);
	return 0;
}

static int end(struct act *act, nl_fn fn, void *arg)
{
	int ret = nl_call(&act->nl, &msg, fn, arg);

	if (ret == -ENOENT) {
		nl_close(&act->nl);
		act->open = false;
	}
	return count(act, ret);
}

static int dev_request(struct act *act, uint8_t cmd, const char *address)
{
	int ret = begin(act, cmd);

	if (ret)
		return ret;
	nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, address);
	return end(act, NULL, NULL);
}

static int claim(struct act *act)
{
	int i;

	for (i = 0; i < act->count; i++)
		dev_request(act, VFIOPOLICY_CMD_DEV_CLAIM, act->targets[i].address);
	return 0;
}

/* By turns, for what is released stays so. */
static int release(struct act *act)
{
	int i;

	if (act->round % 2)
		return claim(act);
	for (i = 0; i < act->count; i++)
		dev_request(act, VFIOPOLICY_CMD_DEV_RELEASE,
			    act->targets[i].address);
	return 0;
}

static int one_rule(struct act *act, uint8_t cmd, const struct act_target *target)
{
	char text[128];
	int ret = begin(act, cmd);

	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%s %s", target->action, target->address);
	nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXT, text);
	return end(act, NULL, NULL);
}

/* What its native driver got meanwhile is taken from that again. */
static int rule(struct act *act)
{
	int i;

	for (i = 0; i < act->count; i++)
		one_rule(act, VFIOPOLICY_CMD_RULE_DEL, &act->targets[i]);
	for (i = 0; i < act->count; i++)
		one_rule(act, VFIOPOLICY_CMD_RULE_ADD, &act->targets[i]);
	return claim(act);
}

/* All runtime rules become one for each device; @hold: that holds it. */
static int replace_by(struct act *act, bool hold)
{
	char text[128];
	int i, ret;

	ret = begin(act, VFIOPOLICY_CMD_RULE_REPLACE);
	if (ret)
		return ret;
	nl_put_u32(&msg, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_RUNTIME);
	for (i = 0; i < act->count; i++) {
		if (hold)
			snprintf(text, sizeof(text), "hold %s name=held%d",
				 act->targets[i].address, i);
		else
			snprintf(text, sizeof(text), "%s %s", act->targets[i].action,
				 act->targets[i].address);
		nl_put_str(&msg, VFIOPOLICY_A_RULE_TEXTS, text);
	}
	return end(act, NULL, NULL);
}

/* Never is there a moment without a rule for each of them. */
static int replace(struct act *act)
{
	replace_by(act, true);
	replace_by(act, false);
	return 0;
}

static int override(struct act *act)
{
	const char *names[] = { "", "vfio-pci\n", "\n", "vfiopolicy\n" };
	char native[64];
	int i;

	for (i = 0; i < act->count; i++) {
		const char *name = names[act->round % 4];

		snprintf(native, sizeof(native), "%s\n", act->targets[i].native);
		put_to(act, *name ? name : native, DEVICES,
		       act->targets[i].address, "driver_override");
		count(act, put(act->targets[i].address,
			       "/sys/bus/pci/drivers_probe"));
	}
	return 0;
}

static void unbind_all(struct act *act)
{
	int i;

	for (i = 0; i < act->count; i++)
		put_to(act, act->targets[i].address, DEVICES,
		       act->targets[i].address, "driver/unbind");
}

/* Now and then whoever is meant to have them may have them again. */
static int unbind(struct act *act)
{
	int i;

	unbind_all(act);
	for (i = 0; act->round % 2 && i < act->count; i++)
		count(act, put(act->targets[i].address,
			       "/sys/bus/pci/drivers_probe"));
	return 0;
}

/* Taken from whatever has it, and given to another. */
static int bind(struct act *act)
{
	int i;

	unbind_all(act);

	for (i = 0; i < act->count; i++) {
		const char *names[] = {
			act->targets[i].native, "vfio-pci", "vfiopolicy",
		};

		put_to(act, act->targets[i].address, DRIVERS,
		       names[act->round % 3], "bind");
	}
	return 0;
}

static int rescan(struct act *act)
{
	count(act, put("1", "/sys/bus/pci/rescan"));
	return 0;
}

static int replug(struct act *act)
{
	int i;

	for (i = 0; i < act->count; i++)
		put_to(act, "1", DEVICES, act->targets[i].address, "remove");
	return rescan(act);
}

/* PF NUMBER */
static int numvfs(struct act *act)
{
	put_to(act, act->args[1], DEVICES, act->args[0], "sriov_numvfs");
	put_to(act, "0", DEVICES, act->args[0], "sriov_numvfs");
	return 0;
}

static int try_open(const char *address)
{
	int container, group = -1, device = -1, ret;
	char link[128], path[64];
	const char *number;

	snprintf(path, sizeof(path), DEVICES "/%s/iommu_group", address);
	ret = readlink(path, link, sizeof(link) - 1);
	if (ret < 0)
		return -errno;
	link[ret] = '\0';
	number = strrchr(link, '/');
	snprintf(path, sizeof(path), "/dev/vfio/%s", number ? number + 1 : "");
	container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0)
		return -errno;
	group = open(path, O_RDWR);
	if (group < 0 || ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU))
		ret = -errno;
	else
		device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (ret >= 0 && device < 0)
		ret = -errno;
	if (device >= 0)
		close(device);
	if (group >= 0)
		close(group);
	close(container);
	return ret < 0 ? ret : 0;
}

/* A user, as a virtual machine is one, that never stays. */
static int user(struct act *act)
{
	int i;

	for (i = 0; i < act->count; i++)
		count(act, try_open(act->targets[i].address));
	return 0;
}

static int run(char *const argv[])
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return -errno;
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return status ? -EIO : 0;
}

static int unload(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? -errno : 0;
}

/* vfio-pci goes, and comes back. */
static int target(struct act *act)
{
	char *const modprobe[] = { "modprobe", "vfio-pci", NULL };

	count(act, unload("vfio_pci"));
	count(act, run(modprobe));
	return 0;
}

/* FILE: the module goes and comes back, by turns with rules and without. */
static int module(struct act *act)
{
	char params[1024] = "";
	int i, fd, len = 0;

	if (count(act, unload("vfiopolicy")) == -EAGAIN)
		return 0;
	for (i = 0; act->round % 2 && i < act->count; i++)
		len += snprintf(params + len, sizeof(params) - len, "%s%s %s",
				i ? "; " : "rules=\"", act->targets[i].action,
				act->targets[i].address);
	if (len)
		snprintf(params + len, sizeof(params) - len, "\"");
	fd = open(act->args[0], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	count(act, syscall(SYS_finit_module, fd, params, 0) ? -errno : 0);
	close(fd);
	for (i = 0; !len && i < act->count; i++)
		one_rule(act, VFIOPOLICY_CMD_RULE_ADD, &act->targets[i]);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* As far as /sys/power/pm_test lets it go. */
static int suspend(struct act *act)
{
	count(act, put(act->round % 2 ? "freeze" : "mem", "/sys/power/state"));
	return 0;
}

/* What is waited for: the state, or -1 for no record; and what was seen. */
struct goal {
	uint32_t state;
	uint32_t generation;
	bool met;
};

static int look(const struct nlmsghdr *hdr, void *arg)
{
	struct goal *goal = arg;

	goal->met = nl_u32(hdr, VFIOPOLICY_A_DEV_STATE, -1) == goal->state &&
		    nl_u32(hdr, VFIOPOLICY_A_DEV_REASON, 0) == 0;
	goal->generation = nl_u32(hdr, VFIOPOLICY_A_DEV_GENERATION, 0);
	return 0;
}

static int ignore(const struct nlmsghdr *hdr, void *arg)
{
	(void)hdr;
	(void)arg;
	return 0;
}

static int wait_for(struct act *act, const char *address, struct goal *goal)
{
	int64_t end_ms = now_ms() + act->seconds * 1000LL, left = 0;
	static struct nl events;
	static bool listening;
	int ret = 0;

	if (!listening) {
		ret = nl_open(&events);
		if (!ret)
			ret = nl_join(&events);
		listening = !ret;
	}
	while (!ret) {
		goal->met = false;
		ret = begin(act, VFIOPOLICY_CMD_DEV_GET);
		if (ret)
			break;
		nl_put_str(&msg, VFIOPOLICY_A_DEV_ADDRESS, address);
		ret = nl_call(&act->nl, &msg, look, goal);
		if (ret == -ENODEV) {
			goal->met = goal->state == (uint32_t)-1;
			ret = 0;
		}
		left = end_ms - now_ms();
		if (ret || goal->met || left <= 0)
			break;
		ret = nl_event(&events, left, ignore, NULL);
		if (ret == -ETIMEDOUT || ret == -ENOBUFS)
			ret = 0;
	}
	if (!ret && !goal->met)
		ret = -ETIMEDOUT;
	if (ret)
		fprintf(stderr, "actors: %s did not come to state %d in round %lu: %s\n",
			address, (int)goal->state, act->round, strerror(-ret));
	return ret;
}

static int wait_all(struct act *act, bool hold)
{
	struct goal goal;
	int i, ret = 0;

	for (i = 0; !ret && i < act->count; i++) {
		goal.state = hold || !strcmp(act->targets[i].action, "hold") ?
			     VFIOPOLICY_STATE_HELD : VFIOPOLICY_STATE_ISOLATED;
		ret = wait_for(act, act->targets[i].address, &goal);
	}
	return ret;
}

static int wait_gone(struct act *act)
{
	struct goal goal = { .state = -1 };
	int i, ret = 0;

	for (i = 0; !ret && i < act->count; i++)
		ret = wait_for(act, act->targets[i].address, &goal);
	return ret;
}

/* To the stub, and to the target again. */
static int handoff(struct act *act)
{
	return replace_by(act, true) ?: wait_all(act, true) ?:
	       replace_by(act, false) ?: wait_all(act, false);
}

static int wait_released(struct act *act)
{
	struct goal goal = { .state = VFIOPOLICY_STATE_RELEASED };
	int i, ret = 0;

	for (i = 0; !ret && i < act->count; i++) {
		ret = dev_request(act, VFIOPOLICY_CMD_DEV_RELEASE,
				  act->targets[i].address) ?:
		      wait_for(act, act->targets[i].address, &goal);
	}
	return ret;
}

/* To its native driver, and from that. */
static int giveback(struct act *act)
{
	return wait_released(act) ?: claim(act) ?: wait_all(act, false);
}

/* Away, and back to where the rule wants them, as other devices. */
static int cycle(struct act *act)
{
	static uint32_t last;
	struct goal goal = {};
	int ret;

	ret = replug(act) ?: wait_all(act, false);
	if (ret || act->refused)
		return ret ?: -act->error;
	goal.state = strcmp(act->targets[0].action, "hold") ?
		     VFIOPOLICY_STATE_ISOLATED : VFIOPOLICY_STATE_HELD;
	ret = wait_for(act, act->targets[0].address, &goal);
	if (!ret && goal.generation <= last) {
		fprintf(stderr, "actors: generation %u again\n", goal.generation);
		ret = -ESTALE;
	}
	last = goal.generation;
	return ret;
}

/* PF NUMBER: VFs come, reach what their rule says, and go. */
static int vfs(struct act *act)
{
	int ret;

	ret = put_to(act, act->args[1], DEVICES, act->args[0], "sriov_numvfs") ?:
	      wait_all(act, false) ?:
	      put_to(act, "0", DEVICES, act->args[0], "sriov_numvfs");
	return ret ?: wait_gone(act);
}

static const struct act_kind kinds[] = {
	{ "claim", 0, claim },
	{ "release", 0, release },
	{ "rule", 0, rule },
	{ "replace", 0, replace },
	{ "override", 0, override },
	{ "bind", 0, bind },
	{ "unbind", 0, unbind },
	{ "rescan", 0, rescan },
	{ "replug", 0, replug },
	{ "numvfs", 2, numvfs },
	{ "user", 0, user },
	{ "target", 0, target },
	{ "module", 1, module },
	{ "suspend", 0, suspend },
	{ "handoff", 0, handoff },
	{ "giveback", 0, giveback },
	{ "cycle", 0, cycle },
	{ "vfs", 2, vfs },
};

/**
 * act_find() - something that can be done
 * @name: its name
 *
 * Return: what, or NULL.
 */
const struct act_kind *act_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}
