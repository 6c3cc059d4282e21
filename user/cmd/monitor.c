// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy monitor [--count=N]
 *
 * What happens, one event a line, until the user or the reader has enough.
 */
#include <json.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "output.h"
#include "state.h"

#define NS_PER_SEC	1000000000ULL

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* Signals come only while ppoll() waits, so none is missed. */
static void catch_signals(sigset_t *unblocked)
{
	struct sigaction action = { .sa_handler = stop };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	sigdelset(unblocked, SIGINT);
	sigdelset(unblocked, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static u64 now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (u64)now.tv_sec * NS_PER_SEC + (u64)now.tv_nsec;
}

/* The kernel's stamp counts from boot; people look at the clock on the wall. */
static u64 wall_clock(u64 boottime)
{
	if (!boottime)
		return now_ns(CLOCK_REALTIME);
	return now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME) + boottime;
}

static void print_clock(u64 wall, const char *format, char *buf, size_t size)
{
	time_t seconds = (time_t)(wall / NS_PER_SEC);
	struct tm tm = { 0 };
	size_t n;

	localtime_r(&seconds, &tm);
	n = strftime(buf, size, format, &tm);
	snprintf(buf + n, size - n, ".%03u",
		 (unsigned int)(wall % NS_PER_SEC / 1000000));
}

static void json_clock(struct json_object *obj, u64 wall)
{
	char text[48], zone[16] = "+0000", stamp[80];
	time_t seconds = (time_t)(wall / NS_PER_SEC);
	struct tm tm = { 0 };

	localtime_r(&seconds, &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	print_clock(wall, "%Y-%m-%dT%H:%M:%S", text, sizeof(text));
	snprintf(stamp, sizeof(stamp), "%s%.3s:%s", text, zone, zone + 3);
	vp_out_json_string(obj, "time", stamp);
}

static void json_event(const struct vp_host *host,
		       const struct vp_nl_event *event)
{
	static const char * const kinds[] = {
		[VP_NL_DEV] = "device",
		[VP_NL_RULE_ADDED] = "rule-added",
		[VP_NL_RULE_DELETED] = "rule-deleted",
		[VP_NL_LOST] = "lost",
	};
	struct json_object *obj = vp_out_json();

	vp_out_json_string(obj, "event", kinds[event->kind]);
	json_clock(obj, wall_clock(event->time));
	if (event->kind == VP_NL_LOST) {
		if (event->lost)
			vp_out_json_number(obj, "count", event->lost);
		else
			vp_out_json_string(obj, "count", NULL);
		vp_out_json_print_line(obj);
		return;
	}
	vp_out_json_number(obj, "boottime_ns", event->time);
	vp_out_json_number(obj, "seq", event->seq);
	vp_out_json_string(obj, "cause", vp_verdict_cause_name(event->cause));
	if (event->kind == VP_NL_DEV) {
		vp_out_json_string(obj, "old_state", event->has_old ?
				   vp_state_name(event->old_state) : NULL);
		json_object_object_add(obj, "device",
				       vp_out_json_dev(host, &event->dev));
	} else {
		json_object_object_add(obj, "rule",
				       vp_out_json_rule(&event->rule));
	}
	vp_out_json_print_line(obj);
}

static void print_device(const char *clock, const struct vp_nl_event *event)
{
	const struct vp_nl_dev *dev = &event->dev;
	enum vp_verdict verdict = vp_verdict_target(dev);
	const char *state = vp_state_name(dev->state);
	char reason[VP_VERDICT_LEN];

	/* That a driver was turned away is news; that it is unbound is not. */
	if (dev->reason == VFIOPOLICY_REASON_VETOED)
		state = "veto";
	vp_verdict_reason(dev, reason);
	printf("%s  %s  %04x:%04x  %-12s -> %s%-12s%s  %s\n", clock,
	       dev->address, dev->facts.vendor, dev->facts.device,
	       event->has_old ? vp_state_name(event->old_state) : "appeared",
	       vp_out_color(verdict), state, vp_out_uncolor(), reason[0] ? reason :
	       dev->driver[0] ? dev->driver : "-");
}

static void print_event(const struct vp_nl_event *event)
{
	char clock[32];

	print_clock(wall_clock(event->time), "%H:%M:%S", clock, sizeof(clock));
	switch (event->kind) {
	case VP_NL_DEV:
		print_device(clock, event);
		break;
	case VP_NL_RULE_ADDED:
	case VP_NL_RULE_DELETED:
		printf("%s  rule %u %s: %s\n", clock, event->rule.id,
		       event->kind == VP_NL_RULE_ADDED ? "added" : "deleted",
		       event->rule.text);
		break;
	case VP_NL_LOST:
		if (event->lost)
			printf("%s  %u event%s lost\n", clock, event->lost,
			       event->lost == 1 ? " was" : "s were");
		else
			printf("%s  events were lost\n", clock);
		break;
	}
	fflush(stdout);
}

/* Waits for an event. Return: false when it is time to end. */
static bool wait_for_event(const struct vp_nl *nl, const sigset_t *unblocked)
{
	/* Nothing is asked of standard output: only whether it is closed. */
	struct pollfd fds[] = {
		{ .fd = vp_nl_events_fd(nl), .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	if (ppoll(fds, ARRAY_SIZE(fds), NULL, unblocked) < 0)
		return errno == EINTR && !stopped;
	return !stopped && !fds[1].revents;
}

static int follow(const struct vp_args *args, struct vp_nl *nl,
		  const struct vp_host *host)
{
	struct vp_nl_event event;
	unsigned long seen = 0;
	sigset_t unblocked;
	int ret;

	catch_signals(&unblocked);
	vp_out_verbose("listening");
	while (!args->count || seen < args->count) {
		ret = vp_nl_next_event(nl, &event);
		if (ret == -EAGAIN) {
			if (!wait_for_event(nl, &unblocked))
				break;
			continue;
		}
		if (ret) {
			vp_out_nl_error("events", &nl->error);
			return VP_EXIT_KERNEL;
		}
		if (args->given & VP_OPT_JSON)
			json_event(host, &event);
		else
			print_event(&event);
		if (ferror(stdout))
			break;
		seen++;
	}
	return VP_EXIT_DONE;
}

static int run(const struct vp_args *args)
{
	struct vp_host host;
	struct vp_nl nl;
	int ret;

	/* Only names are wanted of it, and those only with --json. */
	ret = vp_host_open(&host, NULL, NULL);
	if (!host.names) {
		vp_out_error("%s", strerror(-ret));
		vp_host_close(&host);
		return VP_EXIT_KERNEL;
	}
	ret = vp_nl_open(&nl);
	if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		ret = VP_EXIT_KERNEL;
	} else if (vp_nl_listen(&nl)) {
		vp_out_nl_error("events", &nl.error);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = follow(args, &nl, &host);
	}
	vp_nl_close(&nl);
	vp_host_close(&host);
	return ret;
}

const struct vp_command vp_cmd_monitor = {
	.name = "monitor",
	.synopsis = "[--count=N]",
	.summary = "what happens to rules and their devices, one event a line",
	.help =
"  --count=N         end after N events\n"
"With --json, one object a line. With --verbose, says 'listening' on standard\n"
"error as soon as no event will be missed.\n",
	.examples =
"  vfiopolicy monitor                as it happens\n"
"  vfiopolicy monitor -j | jq -r 'select(.device.state == \"lost\") | .device.address'\n",
	.options = VP_OPT_JSON | VP_OPT_COUNT,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
