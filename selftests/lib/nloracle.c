// SPDX-License-Identifier: GPL-2.0-only
/* See nloracle.h. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/vfiopolicy.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nlcall.h"
#include "nloracle.h"

/* After so many there is nothing to be learned from the next one. */
#define COMPLAINTS_MAX 20

const char * const nloracle_silences[NLORACLE_SILENCES] = {
	[NLORACLE_NO_HEADER] = "no generic netlink header",
	[NLORACLE_NO_OPERATION] = "no such operation",
	[NLORACLE_NO_FAMILY] = "no such family",
	[NLORACLE_DUMP_START] = "what begins a dump, on a kernel that gives it no extended ack",
	[NLORACLE_DUMP_RUNNING] = "the socket has a dump that goes on",
	[NLORACLE_NO_ROOM] = "no room in the receive buffer",
	[NLORACLE_NO_MEMORY] = "no memory",
	[NLORACLE_CONTROLLER] = "the generic controller",
};

bool nloracle_mute_start;

static pthread_mutex_t speaking = PTHREAD_MUTEX_INITIALIZER;
static unsigned int complaints;

/**
 * nloracle_complaints() - how much was not as it should be
 *
 * Return: the number of complaints, of all that there are.
 */
unsigned int nloracle_complaints(void)
{
	return __atomic_load_n(&complaints, __ATOMIC_RELAXED);
}

/**
 * nloracle_complain() - something is not as it should be
 * @oracle: who asked
 * @seen: what was asked, or NULL
 * @fmt: what is wrong with the answer, as of printf()
 */
void nloracle_complain(const struct nloracle *oracle,
		       const struct nloracle_seen *seen, const char *fmt, ...)
{
	const char *buf = oracle->make ? oracle->make->buf : NULL;
	unsigned int i;
	va_list ap;

	pthread_mutex_lock(&speaking);
	if (__atomic_add_fetch(&complaints, 1, __ATOMIC_RELAXED) > COMPLAINTS_MAX)
		goto out;
	printf("WRONG: %s: ", oracle->who);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (seen && buf) {
		printf("; %s%s, answered with %d%s%s, to:\n ",
		       seen->op ? seen->op->name : "no operation",
		       seen->dump ? " dump" : "", seen->err,
		       seen->wrong ? ", which has " : "",
		       seen->wrong ? seen->wrong : "");
		for (i = 0; i < seen->hdr.nlmsg_len && i < 256; i++)
			printf("%s%02x", i % 4 ? "" : " ",
			       (unsigned char)buf[seen->at + i]);
	}
	printf("\n");
	fflush(stdout);
out:
	pthread_mutex_unlock(&speaking);
}

/**
 * nloracle_init() - begin
 * @oracle: the oracle
 * @make: who makes the datagrams
 * @may_change: who sends them has CAP_SYS_ADMIN
 *
 * Return: 0, or -1 when there is no memory.
 */
int nloracle_init(struct nloracle *oracle, struct nlmake *make, bool may_change)
{
	memset(oracle, 0, sizeof(*oracle));
	oracle->make = make;
	oracle->may_change = may_change;
	oracle->seen = calloc(NLORACLE_SEEN, sizeof(*oracle->seen));
	return oracle->seen ? 0 : -1;
}

static void look_at(struct nloracle *oracle, struct nloracle_seen *seen,
		    const struct nlmsghdr *hdr)
{
	const struct genlmsghdr *genl = NLMSG_DATA(hdr);

	seen->hdr = *hdr;
	seen->at = (const char *)hdr - oracle->make->buf;
	seen->op = NULL;
	seen->wrong = NULL;
	seen->family = hdr->nlmsg_type == oracle->make->family &&
		       hdr->nlmsg_flags & NLM_F_REQUEST;
	seen->complete = hdr->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN;
	seen->dump = (hdr->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	seen->answered = false;
	seen->replied = false;
	seen->err = 0;
	seen->least = 0;
	seen->most = 0;
	if (!seen->family)
		return;
	if (seen->complete) {
		seen->op = nlspec_op(genl->cmd);
		seen->wrong = nlspec_wrong(hdr, seen->op, seen->dump);
	} else {
		seen->wrong = "no generic netlink header";
	}
	oracle->counts.wrong += !!seen->wrong;
}

/**
 * nloracle_expect() - what is going to be sent
 * @oracle: the oracle
 */
void nloracle_expect(struct nloracle *oracle)
{
	const char *pos = oracle->make->buf;
	size_t left = oracle->make->len, step;
	const struct nlmsghdr *hdr;

	oracle->lossy = false;
	oracle->count = 0;
	oracle->cursor = 0;
	oracle->dump = NULL;
	while (left >= NLMSG_HDRLEN && oracle->count < NLORACLE_SEEN) {
		hdr = (const void *)pos;
		if (hdr->nlmsg_len < NLMSG_HDRLEN || hdr->nlmsg_len > left)
			break;
		look_at(oracle, &oracle->seen[oracle->count++], hdr);
		step = NLMSG_ALIGN(hdr->nlmsg_len);
		if (step > left)
			step = left;
		pos += step;
		left -= step;
	}
	oracle->counts.messages += oracle->count;
}

/*
 * In the order of the datagram, for so it is worked off. Where answers are lost,
 * what is heard may be for an earlier datagram.
 */
static struct nloracle_seen *find(struct nloracle *oracle,
				  bool (*is)(const struct nloracle_seen *seen,
					     const void *arg), const void *arg)
{
	unsigned int i;

	if (oracle->lossy)
		return NULL;
	for (i = oracle->cursor; i < oracle->count; i++) {
		if (!is(&oracle->seen[i], arg))
			continue;
		oracle->cursor = i;
		return &oracle->seen[i];
	}
	return NULL;
}

static bool is_answered_by(const struct nloracle_seen *seen, const void *arg)
{
	return !seen->answered && !memcmp(&seen->hdr, arg, sizeof(seen->hdr));
}

static bool is_replied_by(const struct nloracle_seen *seen, const void *arg)
{
	const struct nlmsghdr *hdr = arg;

	return !seen->replied && !seen->answered && !seen->dump &&
	       seen->hdr.nlmsg_flags & NLM_F_REQUEST &&
	       seen->hdr.nlmsg_seq == hdr->nlmsg_seq &&
	       seen->hdr.nlmsg_type == hdr->nlmsg_type;
}

static bool is_dumped_by(const struct nloracle_seen *seen, const void *arg)
{
	const struct nlmsghdr *hdr = arg;

	return seen->dump && !seen->answered &&
	       seen->hdr.nlmsg_flags & NLM_F_REQUEST &&
	       seen->hdr.nlmsg_seq == hdr->nlmsg_seq &&
	       (hdr->nlmsg_type == NLMSG_DONE ||
		hdr->nlmsg_type == seen->hdr.nlmsg_type);
}

static struct nloracle_seen *dump_of(struct nloracle *oracle,
				     const struct nlmsghdr *hdr)
{
	if (!oracle->dump || oracle->dump->hdr.nlmsg_seq != hdr->nlmsg_seq) {
		oracle->dump = find(oracle, is_dumped_by, hdr);
		oracle->generation = 0;
	}
	return oracle->dump;
}

/*
 * The family's own handlers, and what the core checks of its policies, always
 * have something to say. Return: why the core has not; -1: it is no excuse.
 */
static int silence_of(const struct nloracle_seen *seen)
{
	/* The caller has no generic netlink header to be asked about. */
	if (seen->family && !seen->complete && seen->err == -EINVAL)
		return NLORACLE_NO_HEADER;
	/* genl_rcv_msg() looks up family and operation before all else. */
	if (seen->family && seen->err == -EOPNOTSUPP &&
	    !(seen->op && (seen->dump ? seen->op->has_dump : seen->op->has_do)))
		return NLORACLE_NO_OPERATION;
	if (!seen->family && seen->hdr.nlmsg_type == GENL_ID_CTRL)
		return NLORACLE_CONTROLLER;
	if (!seen->family && seen->err == -ENOENT)
		return NLORACLE_NO_FAMILY;
	/* Attributes that the policy takes and a dump does not. */
	if (nloracle_mute_start && seen->family && seen->dump && seen->wrong &&
	    seen->op && seen->op->has_dump && seen->err == -EINVAL)
		return NLORACLE_DUMP_START;
	/* __netlink_dump_start() and netlink_dump(). */
	if (seen->dump && seen->err == -EBUSY)
		return NLORACLE_DUMP_RUNNING;
	if (seen->dump && seen->err == -ENOBUFS)
		return NLORACLE_NO_ROOM;
	/* The answer did not fit, which is what the handler returned. */
	if (seen->err == -EAGAIN)
		return NLORACLE_NO_ROOM;
	/* Of the core's own allocations. */
	if (seen->err == -ENOMEM)
		return NLORACLE_NO_MEMORY;
	return -1;
}

/* What is in an extended ack. Return: what is wrong with it, or NULL. */
static const char *read_extack(const struct nlmsghdr *hdr, size_t from,
			       uint32_t request_len, bool *says)
{
	const char *pos = (const char *)hdr + from;
	int left = hdr->nlmsg_len - from;
	const struct nlattr *attr;
	size_t len;
	uint32_t at;

	*says = false;
	while ((attr = nlspec_next(&pos, &left))) {
		len = attr->nla_len - NLA_HDRLEN;
		switch (attr->nla_type & NLA_TYPE_MASK) {
		case NLMSGERR_ATTR_MSG:
			if (len < 2 || strnlen((char *)(attr + 1), len) != len - 1)
				return "a text without NUL in its extended ack";
			*says = true;
			break;
		case NLMSGERR_ATTR_OFFS:
			if (len != sizeof(at))
				return "an offset of another length";
			memcpy(&at, attr + 1, sizeof(at));
			if (at < NLMSG_HDRLEN || at >= request_len)
				return "an offset outside the request";
			*says = true;
			break;
		case NLMSGERR_ATTR_COOKIE:
		case NLMSGERR_ATTR_POLICY:
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
		case NLMSGERR_ATTR_MISS_NEST:
			*says = true;
			break;
		default:
			return "an unknown attribute in its extended ack";
		}
	}
	return left > 0 ? "bytes left over in its extended ack" : NULL;
}

static void hear_error(struct nloracle *oracle, const struct nlmsghdr *hdr)
{
	const struct nlmsgerr *err = NLMSG_DATA(hdr);
	size_t from = NLMSG_HDRLEN + sizeof(*err);
	const char *broken = NULL;
	struct nloracle_seen *seen;
	bool says = false;
	int silence;

	if (hdr->nlmsg_len < from || err->error > 0 ||
	    err->error <= -4096) {
		nloracle_complain(oracle, NULL, "a malformed error message");
		return;
	}
	if (-err->error < NLORACLE_ERRNOS)
		oracle->counts.errnos[-err->error]++;
	seen = find(oracle, is_answered_by, &err->msg);
	if (!seen) {
		if (!oracle->lossy)
			nloracle_complain(oracle, NULL, "error %d to nothing that was sent",
					  err->error);
		return;
	}
	seen->answered = true;
	seen->err = err->error;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		from += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS)
		broken = read_extack(hdr, from, err->msg.nlmsg_len, &says);
	if (broken)
		nloracle_complain(oracle, seen, "%s", broken);
	if (says || !err->error)
		return;
	silence = silence_of(seen);
	if (silence < 0)
		nloracle_complain(oracle, seen, "a refusal without a word");
	else
		oracle->counts.silent[silence]++;
}

static void hear_done(struct nloracle *oracle, const struct nlmsghdr *hdr)
{
	struct nloracle_seen *seen = dump_of(oracle, hdr);
	int err;

	if (hdr->nlmsg_len < NLMSG_HDRLEN + sizeof(err)) {
		nloracle_complain(oracle, seen, "a malformed end of a dump");
		return;
	}
	memcpy(&err, NLMSG_DATA(hdr), sizeof(err));
	oracle->counts.done++;
	oracle->dump = NULL;
	if (!seen) {
		if (!oracle->lossy)
			nloracle_complain(oracle, NULL, "an end of no dump");
		return;
	}
	seen->answered = true;
	seen->replied = true;
	seen->err = err;
	if (err && seen->family)
		nloracle_complain(oracle, seen, "a dump that failed");
}

static void learn(struct nloracle *oracle, const struct nlmsghdr *hdr)
{
	switch (nl_cmd(hdr)) {
	case VFIOPOLICY_CMD_RULE_ADD:
	case VFIOPOLICY_CMD_RULE_GET:
		nlmake_learn(oracle->make, NLMAKE_RULE,
			     nl_u32(hdr, VFIOPOLICY_A_RULE_ID, 0));
		break;
	case VFIOPOLICY_CMD_DEV_GET:
		nlmake_learn(oracle->make, NLMAKE_GENERATION,
			     nl_u32(hdr, VFIOPOLICY_A_DEV_GENERATION, 0));
		if (nl_find(hdr, VFIOPOLICY_A_DEV_GROUP))
			nlmake_learn(oracle->make, NLMAKE_GROUP,
				     nl_u32(hdr, VFIOPOLICY_A_DEV_GROUP, 0));
		break;
	case VFIOPOLICY_CMD_GROUP_GET:
		nlmake_learn(oracle->make, NLMAKE_GROUP,
			     nl_u32(hdr, VFIOPOLICY_A_GROUP_ID, 0));
		break;
	}
}

/* Nothing is there twice: records come in the order of their numbers. */
static void hear_part(struct nloracle *oracle, const struct nlmsghdr *hdr,
		      struct nloracle_seen *seen)
{
	uint32_t generation;

	oracle->counts.parts++;
	if (nl_cmd(hdr) != VFIOPOLICY_CMD_DEV_GET)
		return;
	generation = nl_u32(hdr, VFIOPOLICY_A_DEV_GENERATION, 0);
	if (generation <= oracle->generation)
		nloracle_complain(oracle, seen, "record %u after %u in one dump",
				  generation, oracle->generation);
	oracle->generation = generation;
}

static void hear_reply(struct nloracle_seen *seen, const struct nlmsghdr *hdr)
{
	switch (nl_cmd(hdr)) {
	case VFIOPOLICY_CMD_RULE_ADD:
		seen->least = !nl_find(hdr, VFIOPOLICY_A_RULE_EXISTED);
		seen->most = seen->least;
		break;
	case VFIOPOLICY_CMD_RULE_REPLACE:
		seen->most = nl_u32(hdr, VFIOPOLICY_A_RULE_CHANGED, 0);
		seen->least = -seen->most;
		break;
	}
}

static void hear_family(struct nloracle *oracle, const struct nlmsghdr *hdr)
{
	const struct nlspec_op *op = nlspec_op(nl_cmd(hdr));
	const char *broken = nlspec_broken(hdr, op);
	bool part = hdr->nlmsg_flags & NLM_F_MULTI;
	struct nloracle_seen *seen;

	seen = part ? dump_of(oracle, hdr) : find(oracle, is_replied_by, hdr);
	if (broken) {
		nloracle_complain(oracle, seen, "malformed %s: %s",
				  op ? op->name : "message", broken);
		return;
	}
	learn(oracle, hdr);
	oracle->counts.replies += !part;
	if (!seen) {
		if (!oracle->lossy)
			nloracle_complain(oracle, NULL, "%s in reply to nothing",
					  op->name);
		return;
	}
	if (op != seen->op)
		nloracle_complain(oracle, seen, "a reply of %s", op->name);
	seen->replied = true;
	if (part)
		hear_part(oracle, hdr, seen);
	else
		hear_reply(seen, hdr);
}

/* Not ours: that it is one attribute behind the other is all to be asked. */
static void hear_control(struct nloracle *oracle, const struct nlmsghdr *hdr)
{
	const char *pos = (const char *)hdr + NLMSG_HDRLEN + GENL_HDRLEN;
	int left = hdr->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	struct nloracle_seen *seen;

	while (nlspec_next(&pos, &left))
		;
	seen = hdr->nlmsg_flags & NLM_F_MULTI ? dump_of(oracle, hdr) :
					       find(oracle, is_replied_by, hdr);
	if (left)
		nloracle_complain(oracle, seen, "a malformed message of the controller");
	if (seen)
		seen->replied = true;
}

/**
 * nloracle_hear() - what the kernel said in one datagram
 * @oracle: the oracle
 * @buf: the datagram
 * @len: its length
 */
void nloracle_hear(struct nloracle *oracle, const char *buf, size_t len)
{
	const struct nlmsghdr *hdr;
	size_t step;

	while (len >= NLMSG_HDRLEN) {
		hdr = (const void *)buf;
		if (hdr->nlmsg_len < NLMSG_HDRLEN || hdr->nlmsg_len > len)
			break;
		if (hdr->nlmsg_type == oracle->make->family)
			hear_family(oracle, hdr);
		else if (hdr->nlmsg_type == GENL_ID_CTRL)
			hear_control(oracle, hdr);
		else if (hdr->nlmsg_type == NLMSG_ERROR)
			hear_error(oracle, hdr);
		else if (hdr->nlmsg_type == NLMSG_DONE)
			hear_done(oracle, hdr);
		else
			nloracle_complain(oracle, NULL, "a message of type %u",
					  hdr->nlmsg_type);
		step = NLMSG_ALIGN(hdr->nlmsg_len);
		if (step > len)
			step = len;
		buf += step;
		len -= step;
	}
	if (len)
		nloracle_complain(oracle, NULL, "bytes behind the last message");
}

/* Those that are for the family and that it knows. */
static const char *judge_right(const struct nloracle *oracle,
			       const struct nloracle_seen *seen)
{
	uint8_t cmd = ((const struct genlmsghdr *)(oracle->make->buf + seen->at +
						   NLMSG_HDRLEN))->cmd;

	if (seen->op->change && !oracle->may_change) {
		if (seen->err != -EPERM)
			return "a change without CAP_SYS_ADMIN";
		return NULL;
	}
	if (seen->dump) {
		if (!seen->answered)
			return "a dump without an end";
		if (seen->err && seen->err != -EBUSY && seen->err != -ENOBUFS)
			return "a dump that was refused";
		return NULL;
	}
	if (seen->err && (cmd == VFIOPOLICY_CMD_INFO_GET ||
			  cmd == VFIOPOLICY_CMD_STATS_GET))
		return "a refusal of what is never refused";
	if (!seen->err && seen->op->reply && !seen->replied)
		return "no reply";
	return NULL;
}

/*
 * What is wrong is found before anything is looked up or tried: a lookup that
 * finds nothing would hide that nobody checked what was looked up.
 */
static const char *judge_wrong(const struct nloracle *oracle,
			       const struct nloracle_seen *seen)
{
	switch (-seen->err) {
	case 0:
		return "it was not refused";
	case EINVAL:
	case ERANGE:
		return NULL;
	case EOPNOTSUPP:
		if (silence_of(seen) == NLORACLE_NO_OPERATION)
			return NULL;
		break;
	case EPERM:
		if (seen->op && seen->op->change && !oracle->may_change)
			return NULL;
		break;
	case EBUSY:
	case ENOMEM:
		if (silence_of(seen) >= 0)
			return NULL;
		break;
	}
	return "it was refused, but not for that";
}

static const char *judge(const struct nloracle *oracle,
			 const struct nloracle_seen *seen)
{
	bool ack = seen->hdr.nlmsg_flags & NLM_F_ACK;

	/* The core's alone; what the controller does is its own affair. */
	if (!seen->family) {
		if (seen->hdr.nlmsg_type == GENL_ID_CTRL)
			return NULL;
		if (ack && !seen->answered)
			return "no answer";
		return NULL;
	}
	if (seen->err && seen->replied)
		return "a reply and a refusal";
	if (seen->wrong)
		return judge_wrong(oracle, seen);
	if (ack && !seen->dump && !seen->answered)
		return "no answer";
	return judge_right(oracle, seen);
}

/**
 * nloracle_judge() - all has been heard that there is to be heard
 * @oracle: the oracle
 */
void nloracle_judge(struct nloracle *oracle)
{
	const char *verdict;
	unsigned int i;

	if (oracle->lossy) {
		oracle->counts.unheard += oracle->count;
		return;
	}
	for (i = 0; i < oracle->count; i++) {
		verdict = judge(oracle, &oracle->seen[i]);
		if (verdict)
			nloracle_complain(oracle, &oracle->seen[i], "%s", verdict);
	}
}

/**
 * nloracle_change() - how the answers changed the number of rules
 * @oracle: the oracle; it has lost nothing
 * @least: set to the least that it can be
 * @most: set to the most
 */
void nloracle_change(const struct nloracle *oracle, int *least, int *most)
{
	const struct nloracle_seen *seen;
	unsigned int i;

	*least = 0;
	*most = 0;
	for (i = 0; i < oracle->count; i++) {
		seen = &oracle->seen[i];
		*least += seen->least;
		*most += seen->most;
		/* Silent when it succeeds; a text may be there once an origin. */
		if (seen->family && !seen->wrong && !seen->err &&
		    seen->op == nlspec_op(VFIOPOLICY_CMD_RULE_DEL)) {
			*least -= 3;
			*most -= 1;
		}
	}
}
