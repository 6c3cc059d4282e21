// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking messages apart: whole ones, short ones, and ones whose lengths lie.
 * Each message lies at the very end of its memory, so that the sanitizer sees
 * every byte that is read too many.
 */
#include <stdarg.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include "nl_call.h"
#include "tap.h"

static char image[1024];
static size_t image_len;

static void begin(u16 type, u16 flags)
{
	struct nlmsghdr hdr = { .nlmsg_type = type, .nlmsg_flags = flags };

	memset(image, 0, sizeof(image));
	memcpy(image, &hdr, sizeof(hdr));
	image_len = sizeof(hdr);
}

static void put(const void *data, size_t len)
{
	if (len)
		memcpy(image + image_len, data, len);
	image_len += NLMSG_ALIGN(len);
}

static void put_attr(u16 type, const void *data, size_t len)
{
	struct nlattr attr = {
		.nla_type = type, .nla_len = (u16)(NLA_HDRLEN + len),
	};

	put(&attr, sizeof(attr));
	put(data, len);
}

static void put_u32(u16 type, u32 value)
{
	put_attr(type, &value, sizeof(value));
}

static void put_string(u16 type, const char *text)
{
	put_attr(type, text, strlen(text) + 1);
}

/* The message in memory of its own that ends where it ends. */
static struct nlmsghdr *end(size_t len)
{
	struct nlmsghdr *hdr = malloc(len);

	if (!hdr)
		abort();
	((struct nlmsghdr *)image)->nlmsg_len = (u32)len;
	memcpy(hdr, image, len);
	return hdr;
}

static int read_error(struct vp_nl_error *error)
{
	struct nlmsghdr *hdr = end(image_len);
	int ret = vp_nl_read_error(hdr, error);

	free(hdr);
	return ret;
}

/* An error with the request it answers; @said: the length it claims to have. */
static void put_nlmsgerr(int value, u32 said, size_t really)
{
	struct nlmsgerr err = { .error = value, .msg = { .nlmsg_len = said } };
	static const char zeros[64];

	put(&err, sizeof(err));
	put(zeros, really);
}

static void errors(void)
{
	struct vp_nl_error error;
	int minus = -EBUSY;

	begin(NLMSG_ERROR, NLM_F_CAPPED);
	put_nlmsgerr(0, 20, 0);
	ok(!read_error(&error) && !error.errnum, "an ack is no error");

	begin(NLMSG_ERROR, NLM_F_CAPPED);
	put_nlmsgerr(-EPERM, 20, 0);
	ok(!read_error(&error) && error.errnum == EPERM && !error.told,
	   "an errno without words");
	is(error.text, strerror(EPERM), "is said in ours");

	begin(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	put_nlmsgerr(-EBUSY, 20, 0);
	put_string(NLMSGERR_ATTR_MSG, "in use");
	ok(!read_error(&error) && error.errnum == EBUSY && error.told,
	   "an extended ack");
	is(error.text, "in use", "is said in the kernel's words");

	begin(NLMSG_ERROR, NLM_F_ACK_TLVS);
	put_nlmsgerr(-EBUSY, NLMSG_HDRLEN + 12, 12);
	put_string(NLMSGERR_ATTR_MSG, "in use");
	ok(!read_error(&error) && error.told,
	   "an extended ack behind the whole request");

	begin(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	put_nlmsgerr(-EINVAL, 20, 0);
	put_u32(NLMSGERR_ATTR_OFFS, 20);
	ok(!read_error(&error) && !error.told &&
	   strstr(error.text, "byte 20"), "an offset alone");

	begin(NLMSG_DONE, NLM_F_ACK_TLVS);
	put(&minus, sizeof(minus));
	put_string(NLMSGERR_ATTR_MSG, "torn");
	ok(!read_error(&error) && error.errnum == EBUSY && error.told,
	   "an error at the end of a dump");
}

static void bad_errors(void)
{
	static const u32 lies[] = { 0, 1, NLMSG_HDRLEN - 1, 4096, 0xffffffff };
	struct vp_nl_error error;
	struct nlmsghdr *hdr;
	size_t i;
	int ret;

	begin(NLMSG_ERROR, 0);
	ok(read_error(&error) == -EBADMSG, "an error without its number");

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		begin(NLMSG_ERROR, NLM_F_ACK_TLVS);
		put_nlmsgerr(-EBUSY, lies[i], 0);
		put_string(NLMSGERR_ATTR_MSG, "x");
		ok(!read_error(&error) && error.errnum == EBUSY,
		   "a request that claims %u bytes", lies[i]);
	}

	begin(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	put_nlmsgerr(-EBUSY, 20, 0);
	put_attr(NLMSGERR_ATTR_MSG, "no end", 6);
	ok(!read_error(&error) && !error.told, "a text without its NUL");

	begin(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	put_nlmsgerr(-EBUSY, 20, 0);
	put_string(NLMSGERR_ATTR_MSG, "a text that is cut off");
	for (i = NLMSG_HDRLEN, ret = 0; i < image_len; i++) {
		hdr = end(i);
		ret |= vp_nl_read_error(hdr, &error) && i >= NLMSG_HDRLEN +
		       sizeof(struct nlmsgerr);
		free(hdr);
	}
	ok(!ret, "cut off at every byte");
}

static void begin_event(u8 cmd)
{
	struct genlmsghdr genl = { .cmd = cmd };

	begin(0x20, 0);
	put(&genl, sizeof(genl));
}

static int read_event(struct vp_nl_event *event)
{
	struct nlmsghdr *hdr = end(image_len);
	int ret = vp_nl_read_event(hdr, event);

	free(hdr);
	return ret;
}

static void put_device(void)
{
	u64 time = 1234567890123ULL;

	begin_event(VFIOPOLICY_CMD_DEV_NTF);
	put_string(VFIOPOLICY_A_DEV_ADDRESS, "0000:03:10.0");
	put_u32(VFIOPOLICY_A_DEV_GENERATION, 7);
	put_u32(VFIOPOLICY_A_DEV_VENDOR, 0x8086);
	put_u32(VFIOPOLICY_A_DEV_DEVICE, 0x10ca);
	put_u32(VFIOPOLICY_A_DEV_CLASS, 0x020000);
	put_string(VFIOPOLICY_A_DEV_DRIVER, "vfio-pci");
	put_u32(VFIOPOLICY_A_DEV_GROUP, 41);
	put_string(VFIOPOLICY_A_DEV_PHYSFN, "0000:03:00.0");
	put_u32(VFIOPOLICY_A_DEV_STATE, VFIOPOLICY_STATE_ISOLATED);
	put_u32(VFIOPOLICY_A_DEV_RULE, 3);
	put_string(VFIOPOLICY_A_DEV_RULE_TEXT, "vfio 8086:10ca");
	put_string(VFIOPOLICY_A_DEV_TARGET, "vfio-pci");
	put_attr(VFIOPOLICY_A_DEV_IN_USE, NULL, 0);
	put_attr(VFIOPOLICY_A_DEV_FRAMEBUFFER, NULL, 0);
	put_attr(VFIOPOLICY_A_DEV_PENDING, NULL, 0);
	put_string(VFIOPOLICY_A_DEV_FOUND, "nouveau");
	put_u32(VFIOPOLICY_A_DEV_OLD_STATE, VFIOPOLICY_STATE_HELD);
	put_u32(VFIOPOLICY_A_DEV_SEQ, 12);
	put_u32(VFIOPOLICY_A_DEV_CAUSE, VFIOPOLICY_CAUSE_REQUEST);
	put_attr(VFIOPOLICY_A_DEV_TIME, &time, sizeof(time));
}

static void events(void)
{
	struct vp_nl_event event;
	struct nlmsghdr *hdr;
	size_t i;

	put_device();
	ok(!read_event(&event) && event.kind == VP_NL_DEV, "a device");
	is(event.dev.address, "0000:03:10.0", "its address");
	ok(event.dev.facts.bus == 3 && event.dev.facts.devfn == 0x80 &&
	   event.dev.facts.vf && event.dev.facts.vendor == 0x8086 &&
	   event.dev.facts.class == 0x020000, "what rules look at");
	ok(event.dev.state == VFIOPOLICY_STATE_ISOLATED && event.has_old &&
	   event.old_state == VFIOPOLICY_STATE_HELD && !event.dev.reason,
	   "its state");
	ok(event.dev.in_use && !event.dev.adopted && event.dev.group == 41,
	   "flags and group");
	ok(event.dev.framebuffer && event.dev.pending, "more flags");
	is(event.dev.found, "nouveau", "who was turned away");
	ok(event.seq == 12 && event.time == 1234567890123ULL &&
	   event.cause == VFIOPOLICY_CAUSE_REQUEST, "number, time and cause");

	begin_event(VFIOPOLICY_CMD_DEV_NTF);
	put_string(VFIOPOLICY_A_DEV_ADDRESS, "0000:03:10.0");
	ok(!read_event(&event) && event.dev.group == -1 && !event.has_old &&
	   !event.dev.rule && !event.dev.found[0] && !event.dev.pending,
	   "what is absent is absent");

	begin_event(VFIOPOLICY_CMD_DEV_NTF);
	put_string(VFIOPOLICY_A_DEV_ADDRESS,
		   "an address that is far longer than any address can be");
	ok(!read_event(&event) && strlen(event.dev.address) < VP_HOST_LEN,
	   "a text that is too long is cut");

	begin_event(VFIOPOLICY_CMD_RULE_DEL_NTF);
	put_u32(VFIOPOLICY_A_RULE_ID, 3);
	put_string(VFIOPOLICY_A_RULE_TEXT, "vfio 8086:10ca");
	ok(!read_event(&event) && event.kind == VP_NL_RULE_DELETED &&
	   event.rule.id == 3, "a rule");

	begin_event(99);
	ok(read_event(&event) == -ENOMSG, "something else");
	begin_event(VFIOPOLICY_CMD_DEV_NTF);
	put_attr(VFIOPOLICY_A_DEV_STATE, "\1", 1);
	ok(read_event(&event) == -EBADMSG, "a number that is too short");

	put_device();
	for (i = NLMSG_HDRLEN; i < image_len; i++) {
		hdr = end(i);
		vp_nl_read_event(hdr, &event);
		free(hdr);
	}
	ok(true, "cut off at every byte");
}

/* A rule event with this number, behind those that are there. */
static void more_events(char *buf, int *len, u32 seq)
{
	begin_event(VFIOPOLICY_CMD_RULE_ADD_NTF);
	put_u32(VFIOPOLICY_A_RULE_ID, seq);
	put_u32(VFIOPOLICY_A_RULE_SEQ, seq);
	((struct nlmsghdr *)image)->nlmsg_len = (u32)image_len;
	memcpy(buf + *len, image, image_len);
	*len += (int)image_len;
}

static void gaps(void)
{
	static const struct {
		enum vp_nl_kind kind;
		u32 number;
	} want[] = {
		{ VP_NL_RULE_ADDED, 0xfffffffe },
		{ VP_NL_RULE_ADDED, 0xffffffff },
		{ VP_NL_RULE_ADDED, 0 },
		{ VP_NL_LOST, 3 },
		{ VP_NL_RULE_ADDED, 4 },
		{ VP_NL_RULE_ADDED, 5 },
	};
	char buf[1024] __attribute__((aligned(8)));
	struct vp_nl nl = { .family = 0x20, .next = (void *)buf };
	struct vp_nl_event event;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		if (want[i].kind != VP_NL_LOST)
			more_events(buf, &nl.left, want[i].number);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		ok(!vp_nl_next_event(&nl, &event) &&
		   event.kind == want[i].kind &&
		   (event.kind == VP_NL_LOST ? event.lost : event.seq) ==
		   want[i].number, "%s %u",
		   want[i].kind == VP_NL_LOST ? "lost before the next:" :
						"event", want[i].number);
	}

	/* What was reported when the kernel said so is not reported again. */
	nl.left = 0;
	nl.next = (void *)buf;
	nl.skip_gap = true;
	more_events(buf, &nl.left, 9);
	more_events(buf, &nl.left, 11);
	ok(!vp_nl_next_event(&nl, &event) && event.seq == 9,
	   "a gap that is known already");
	ok(!vp_nl_next_event(&nl, &event) && event.kind == VP_NL_LOST &&
	   event.lost == 1, "and the next that is not");
}

/* Begins a nest. Return: where, for end_nest(). */
static size_t begin_nest(u16 type)
{
	size_t at = image_len;

	put_attr(type | NLA_F_NESTED, NULL, 0);
	return at;
}

static void end_nest(size_t at)
{
	((struct nlattr *)(image + at))->nla_len = (u16)(image_len - at);
}

static void put_group(void)
{
	size_t nest;

	begin_event(VFIOPOLICY_CMD_GROUP_GET);
	put_u32(VFIOPOLICY_A_GROUP_ID, 79);
	put_u32(VFIOPOLICY_A_GROUP_VIABILITY, VFIOPOLICY_VIABILITY_NEVER);
	put_u32(VFIOPOLICY_A_GROUP_DOMAIN, VFIOPOLICY_DOMAIN_DMA);
	put_attr(VFIOPOLICY_A_GROUP_ISOLATED_MSI, NULL, 0);
	nest = begin_nest(VFIOPOLICY_A_GROUP_MEMBER);
	put_string(VFIOPOLICY_A_MEMBER_ADDRESS, "0000:82:00.0");
	put_string(VFIOPOLICY_A_MEMBER_DRIVER, "vfio-pci");
	end_nest(nest);
	nest = begin_nest(VFIOPOLICY_A_GROUP_MEMBER);
	put_string(VFIOPOLICY_A_MEMBER_ADDRESS, "0000:82:00.1");
	put_string(VFIOPOLICY_A_MEMBER_DRIVER, "lpc_ich");
	put_attr(VFIOPOLICY_A_MEMBER_BLOCKS, NULL, 0);
	put_u32(VFIOPOLICY_A_MEMBER_NEVER, VFIOPOLICY_REASON_BRIDGE);
	end_nest(nest);
}

static int read_group(struct vp_nl_group *group, size_t len)
{
	struct nlmsghdr *hdr = end(len);
	int ret = vp_nl_read_group(hdr, group);

	free(hdr);
	return ret;
}

static void groups(void)
{
	struct vp_nl_group group;
	size_t i, whole;

	put_group();
	ok(!read_group(&group, image_len) && group.id == 79 &&
	   group.viability == VFIOPOLICY_VIABILITY_NEVER &&
	   group.domain == VFIOPOLICY_DOMAIN_DMA && group.isolated_msi,
	   "a group");
	ok(group.count == 2 && !group.members[0].blocks &&
	   !group.members[0].never && group.members[1].blocks &&
	   group.members[1].never == VFIOPOLICY_REASON_BRIDGE,
	   "its members");
	is(group.members[1].driver, "lpc_ich", "with their drivers");
	vp_nl_group_free(&group);

	put_group();
	whole = begin_nest(VFIOPOLICY_A_GROUP_MEMBER);
	put_attr(VFIOPOLICY_A_MEMBER_NEVER, "\1", 1);
	end_nest(whole);
	ok(read_group(&group, image_len) == -EBADMSG && !group.members,
	   "a member that is none");
	put_group();
	whole = image_len;
	for (i = NLMSG_HDRLEN; i < whole; i++) {
		put_group();
		if (!read_group(&group, i))
			vp_nl_group_free(&group);
	}
	ok(true, "cut off at every byte");
}

static void statistics(void)
{
	u64 value = 1ULL << 40;
	struct vp_nl_stats stats;
	struct nlmsghdr *hdr;
	size_t nest;

	begin_event(VFIOPOLICY_CMD_STATS_GET);
	put_attr(VFIOPOLICY_A_STATS_CLAIMS, &value, sizeof(value));
	value++;
	put_attr(VFIOPOLICY_A_STATS_VETOES, &value, sizeof(value));
	nest = begin_nest(VFIOPOLICY_A_STATS_STUCK);
	put_u32(VFIOPOLICY_A_STUCK_REASON, VFIOPOLICY_REASON_IN_USE);
	put_attr(VFIOPOLICY_A_STUCK_COUNT, &value, sizeof(value));
	end_nest(nest);
	nest = begin_nest(VFIOPOLICY_A_STATS_STUCK);
	put_u32(VFIOPOLICY_A_STUCK_REASON, 0xffffffff);
	put_attr(VFIOPOLICY_A_STUCK_COUNT, &value, sizeof(value));
	end_nest(nest);
	hdr = end(image_len);
	ok(!vp_nl_read_stats(hdr, &stats) && stats.claims == 1ULL << 40 &&
	   stats.vetoes == value && !stats.lost, "counters");
	ok(stats.stuck[VFIOPOLICY_REASON_IN_USE] == value,
	   "a reason, and one of tomorrow that is passed over");
	free(hdr);
}

/*
 * The kernel itself is made to drop messages: more answers than a small buffer
 * has room for. None of them is an event, so what is told is the loss alone.
 */
static void overrun(void)
{
	struct nlmsghdr noop = {
		.nlmsg_len = sizeof(noop), .nlmsg_type = NLMSG_NOOP,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	};
	struct vp_nl nl = { .family = 0x7f };
	struct vp_nl_event event;
	int i, size = 1, told = 0, ret;

	nl.events = nl_socket_alloc();
	nl.events_buf = malloc(VP_NL_BUF_SIZE);
	if (!nl.events || !nl.events_buf || nl_connect(nl.events, NETLINK_GENERIC)) {
		ok(true, "events are dropped # SKIP no netlink");
		vp_nl_close(&nl);
		return;
	}
	setsockopt(nl_socket_get_fd(nl.events), SOL_SOCKET, SO_RCVBUF, &size,
		   sizeof(size));
	for (i = 0; i < 100; i++)
		if (send(nl_socket_get_fd(nl.events), &noop, sizeof(noop), 0) < 0)
			break;
	ok(i == 100, "more was answered than there is room for");
	do {
		ret = vp_nl_next_event(&nl, &event);
		told += !ret && event.kind == VP_NL_LOST && !event.lost;
	} while (!ret);
	ok(ret == -EAGAIN && told == 1,
	   "all that was kept is read, then the loss is told, once");
	ok(nl.skip_gap && !nl.overrun, "the gap that follows is known");
	send(nl_socket_get_fd(nl.events), &noop, sizeof(noop), 0);
	ok(recv(nl_socket_get_fd(nl.events), nl.events_buf, VP_NL_BUF_SIZE,
		MSG_DONTWAIT) > 0, "and the kernel sends again");
	vp_nl_close(&nl);
}

int main(void)
{
	errors();
	bad_errors();
	events();
	gaps();
	groups();
	statistics();
	overrun();
	return done();
}
