// SPDX-License-Identifier: GPL-2.0-only
/* See nlspec.h. */
#include <linux/genetlink.h>
#include <linux/vfiopolicy.h>
#include <string.h>

#include "nlspec.h"

#define ALL	UINT32_MAX

#define ATTR(set, attr, ...) \
	[VFIOPOLICY_A_##set##_##attr] = { #set "_" #attr, __VA_ARGS__ }
#define U32(set, attr, min, max) \
	ATTR(set, attr, NLSPEC_U32, min, max, NULL, false)
#define U64(set, attr)		ATTR(set, attr, NLSPEC_U64, 0, 0, NULL, false)
#define STRING(set, attr, max) \
	ATTR(set, attr, NLSPEC_STRING, 0, max, NULL, false)
#define STRINGS(set, attr, max) \
	ATTR(set, attr, NLSPEC_STRING, 0, max, NULL, true)
#define FLAG(set, attr)		ATTR(set, attr, NLSPEC_FLAG, 0, 0, NULL, false)
#define PAD(set, attr)		ATTR(set, attr, NLSPEC_PAD, 0, 0, NULL, true)
#define NESTS(set, attr, nest)	ATTR(set, attr, NLSPEC_NEST, 0, 0, nest, true)

#define SET(table, bits) \
	{ table, sizeof(table) / sizeof(table[0]), bits }

#define RULE(attr)	(1ull << VFIOPOLICY_A_RULE_##attr)
#define DEV(attr)	(1ull << VFIOPOLICY_A_DEV_##attr)
#define GROUP(attr)	(1ull << VFIOPOLICY_A_GROUP_##attr)
#define EVERY		(~1ull)

static const struct nlspec_attr info_attrs[] = {
	STRING(INFO, VERSION, 0),
	U32(INFO, ABI, 1, ALL),
	U32(INFO, RULES_MAX, VFIOPOLICY_RULES_MAX, VFIOPOLICY_RULES_MAX),
	U32(INFO, RULE_LEN_MAX, VFIOPOLICY_RULE_LEN_MAX, VFIOPOLICY_RULE_LEN_MAX),
	U32(INFO, RULES, 0, VFIOPOLICY_RULES_MAX),
	U32(INFO, RULES_BAD, 0, ALL),
	U32(INFO, DEVICES, 0, ALL),
	FLAG(INFO, DISABLED),
	U32(INFO, PCI_FUNCTIONS, 0, ALL),
	U32(INFO, IOMMU_FUNCTIONS, 0, ALL),
	U32(INFO, EVENTS, 0, ALL),
};

static const struct nlspec_attr rule_attrs[] = {
	U32(RULE, ID, 1, ALL),
	U32(RULE, ORIGIN, 0, VFIOPOLICY_ORIGIN_FILE),
	STRING(RULE, TEXT, VFIOPOLICY_RULE_LEN_MAX),
	FLAG(RULE, EXISTED),
	U32(RULE, SEQ, 0, ALL),
	U64(RULE, TIME),
	PAD(RULE, PAD),
	STRINGS(RULE, TEXTS, VFIOPOLICY_RULE_LEN_MAX),
	U32(RULE, COUNT, 0, VFIOPOLICY_RULES_MAX),
	U32(RULE, CHANGED, 0, 2 * VFIOPOLICY_RULES_MAX),
	U32(RULE, CAUSE, 0, VFIOPOLICY_CAUSE_RETRY),
	FLAG(RULE, TAKE_OVER),
};

/* The reason none is never said. */
static const struct nlspec_attr dev_attrs[] = {
	STRING(DEV, ADDRESS, VFIOPOLICY_ADDRESS_LEN_MAX),
	U32(DEV, GENERATION, 1, ALL),
	U32(DEV, VENDOR, 0, 0xffff),
	U32(DEV, DEVICE, 0, 0xffff),
	U32(DEV, SUBVENDOR, 0, 0xffff),
	U32(DEV, SUBDEVICE, 0, 0xffff),
	U32(DEV, CLASS, 0, 0xffffff),
	STRING(DEV, DRIVER, VFIOPOLICY_DRIVER_LEN_MAX),
	U32(DEV, GROUP, 0, ALL),
	STRING(DEV, PHYSFN, 0),
	U32(DEV, STATE, 0, VFIOPOLICY_STATE_GONE),
	U32(DEV, REASON, 1, VFIOPOLICY_REASON_WITH),
	U32(DEV, RULE, 1, ALL),
	STRING(DEV, RULE_TEXT, 0),
	STRING(DEV, TARGET, 0),
	FLAG(DEV, ADOPTED),
	FLAG(DEV, IN_USE),
	U32(DEV, OLD_STATE, 0, VFIOPOLICY_STATE_GONE),
	U32(DEV, SEQ, 0, ALL),
	U64(DEV, TIME),
	PAD(DEV, PAD),
	U32(DEV, CAUSE, 0, VFIOPOLICY_CAUSE_RETRY),
	FLAG(DEV, PENDING),
	STRING(DEV, FOUND, 0),
	FLAG(DEV, FRAMEBUFFER),
};

static const struct nlspec_attr member_attrs[] = {
	STRING(MEMBER, ADDRESS, 0),
	STRING(MEMBER, DRIVER, 0),
	FLAG(MEMBER, BLOCKS),
	U32(MEMBER, NEVER, 1, VFIOPOLICY_REASON_WITH),
};

static const struct nlspec_set member_set =
	SET(member_attrs, 1ull << VFIOPOLICY_A_MEMBER_ADDRESS);

static const struct nlspec_attr group_attrs[] = {
	U32(GROUP, ID, 0, ALL),
	U32(GROUP, VIABILITY, 0, VFIOPOLICY_VIABILITY_NEVER),
	U32(GROUP, DOMAIN, 0, VFIOPOLICY_DOMAIN_IDENTITY),
	FLAG(GROUP, ISOLATED_MSI),
	NESTS(GROUP, MEMBER, &member_set),
};

static const struct nlspec_attr stuck_attrs[] = {
	U32(STUCK, REASON, 1, VFIOPOLICY_REASON_WITH),
	U64(STUCK, COUNT),
	PAD(STUCK, PAD),
};

static const struct nlspec_set stuck_set =
	SET(stuck_attrs, 1ull << VFIOPOLICY_A_STUCK_REASON |
	    1ull << VFIOPOLICY_A_STUCK_COUNT);

static const struct nlspec_attr stats_attrs[] = {
	U64(STATS, CLAIMS),
	U64(STATS, HAND_OFFS),
	U64(STATS, RELEASES),
	U64(STATS, TAKE_OVERS),
	U64(STATS, LOST),
	U64(STATS, VETOES),
	U64(STATS, EVENTS),
	U64(STATS, EVENTS_LOST),
	NESTS(STATS, STUCK, &stuck_set),
	PAD(STATS, PAD),
};

static const struct nlspec_set info_set = SET(info_attrs, 0);
static const struct nlspec_set rule_set = SET(rule_attrs, 0);
static const struct nlspec_set dev_set = SET(dev_attrs, 0);
static const struct nlspec_set group_set = SET(group_attrs, 0);
static const struct nlspec_set stats_set = SET(stats_attrs, 0);

#define INFO_ALWAYS	(EVERY & ~(1ull << VFIOPOLICY_A_INFO_DISABLED))
#define STATS_ALWAYS	(EVERY & ~(1ull << VFIOPOLICY_A_STATS_STUCK | \
				   1ull << VFIOPOLICY_A_STATS_PAD))
#define RULE_ALWAYS	(RULE(ID) | RULE(ORIGIN) | RULE(TEXT))
#define RULE_EVENT	(RULE_ALWAYS | RULE(SEQ) | RULE(TIME) | RULE(CAUSE))
#define DEV_ALWAYS	(DEV(ADDRESS) | DEV(GENERATION) | DEV(VENDOR) | \
			 DEV(DEVICE) | DEV(SUBVENDOR) | DEV(SUBDEVICE) | \
			 DEV(CLASS) | DEV(STATE))
#define DEV_REPLY	(DEV_ALWAYS | DEV(DRIVER) | DEV(GROUP) | DEV(PHYSFN) | \
			 DEV(REASON) | DEV(RULE) | DEV(RULE_TEXT) | \
			 DEV(TARGET) | DEV(ADOPTED) | DEV(IN_USE) | \
			 DEV(FOUND) | DEV(FRAMEBUFFER))
#define DEV_EVENT	(DEV(SEQ) | DEV(TIME) | DEV(CAUSE))
#define DEV_ASK		(DEV(ADDRESS) | DEV(GENERATION))
#define GROUP_ALWAYS	(GROUP(ID) | GROUP(VIABILITY) | GROUP(DOMAIN) | \
			 GROUP(MEMBER))

#define OP(op) \
	[VFIOPOLICY_CMD_##op] = { #op,

static const struct nlspec_op ops[] = {
	OP(INFO_GET)
		.set = &info_set, .has_do = true,
		.reply = EVERY, .always = INFO_ALWAYS },
	OP(RULE_ADD)
		.set = &rule_set, .has_do = true, .change = true,
		.request = RULE(ORIGIN) | RULE(TEXT) | RULE(TAKE_OVER),
		.need = RULE(TEXT),
		.reply = RULE_ALWAYS | RULE(EXISTED), .always = RULE_ALWAYS },
	OP(RULE_DEL)
		.set = &rule_set, .has_do = true, .change = true,
		.request = RULE(ID) | RULE(TEXT),
		.either = RULE(ID) | RULE(TEXT) },
	OP(RULE_GET)
		.set = &rule_set, .has_dump = true,
		.reply = RULE_ALWAYS, .always = RULE_ALWAYS },
	OP(RULE_ADD_NTF)
		.set = &rule_set,
		.reply = RULE_EVENT | RULE(PAD), .always = RULE_EVENT },
	OP(RULE_DEL_NTF)
		.set = &rule_set,
		.reply = RULE_EVENT | RULE(PAD), .always = RULE_EVENT },
	OP(DEV_GET)
		.set = &dev_set, .has_do = true, .has_dump = true,
		.request = DEV(ADDRESS), .need = DEV(ADDRESS),
		.filter = DEV(STATE) | DEV(RULE) | DEV(GROUP) | DEV(DRIVER),
		.reply = DEV_REPLY, .always = DEV_ALWAYS },
	OP(DEV_NTF)
		.set = &dev_set,
		.reply = DEV_REPLY | DEV_EVENT | DEV(OLD_STATE) | DEV(PAD),
		.always = DEV_ALWAYS | DEV_EVENT },
	OP(RULE_REPLACE)
		.set = &rule_set, .has_do = true, .change = true,
		.request = RULE(ORIGIN) | RULE(TEXTS), .need = RULE(ORIGIN),
		.reply = RULE(ORIGIN) | RULE(COUNT) | RULE(CHANGED),
		.always = RULE(ORIGIN) | RULE(COUNT) | RULE(CHANGED) },
	OP(DEV_CLAIM)
		.set = &dev_set, .has_do = true, .change = true,
		.request = DEV_ASK, .need = DEV(ADDRESS),
		.reply = DEV_REPLY | DEV(PENDING), .always = DEV_ALWAYS },
	OP(DEV_RELEASE)
		.set = &dev_set, .has_do = true, .change = true,
		.request = DEV_ASK, .need = DEV(ADDRESS),
		.reply = DEV_REPLY | DEV(PENDING), .always = DEV_ALWAYS },
	OP(GROUP_GET)
		.set = &group_set, .has_do = true, .has_dump = true,
		.request = GROUP(ID), .need = GROUP(ID),
		.reply = EVERY, .always = GROUP_ALWAYS },
	OP(STATS_GET)
		.set = &stats_set, .has_do = true,
		.reply = EVERY, .always = STATS_ALWAYS },
};

/**
 * nlspec_op() - an operation
 * @cmd: its number
 *
 * Return: the operation or event; NULL where there is none.
 */
const struct nlspec_op *nlspec_op(uint8_t cmd)
{
	if (cmd >= sizeof(ops) / sizeof(ops[0]) || !ops[cmd].name)
		return NULL;
	return &ops[cmd];
}

/**
 * nlspec_next() - one attribute after the other, as the kernel goes
 * @pos: where it is; moved on
 * @left: bytes that are left there; more than 0 when there is none any more
 *        and something is left over
 *
 * Return: the attribute; NULL when there is none.
 */
const struct nlattr *nlspec_next(const char **pos, int *left)
{
	const struct nlattr *attr = (const void *)*pos;

	if (*left < NLA_HDRLEN || attr->nla_len < NLA_HDRLEN ||
	    attr->nla_len > *left)
		return NULL;
	*pos += NLA_ALIGN(attr->nla_len);
	*left -= NLA_ALIGN(attr->nla_len);
	return attr;
}

static uint32_t u32_of(const struct nlattr *attr)
{
	uint32_t val;

	memcpy(&val, attr + 1, sizeof(val));
	return val;
}

/* What the kernel asks of a string: a NUL, and not too far away. */
static const char *wrong_string(const struct nlattr *attr, uint32_t max)
{
	const char *text = (const char *)(attr + 1);
	size_t len = attr->nla_len - NLA_HDRLEN;
	size_t seen = len < max + 1 ? len : max + 1;

	if (!memchr(text, '\0', seen))
		return "a string without NUL";
	if (len - !text[len - 1] > max)
		return "a string that is too long";
	return NULL;
}

static const char *wrong_attr(const struct nlattr *attr,
			      const struct nlspec_attr *is)
{
	size_t len = attr->nla_len - NLA_HDRLEN;

	if (attr->nla_type & NLA_F_NESTED)
		return "a nest that is none";
	if (is->type == NLSPEC_STRING)
		return wrong_string(attr, is->max);
	if (is->type == NLSPEC_FLAG)
		return len ? "a flag with something in it" : NULL;
	/* No request has anything else. */
	if (is->type != NLSPEC_U32)
		return "an attribute of no request";
	if (len != sizeof(uint32_t))
		return "a number of another length";
	if (u32_of(attr) < is->min || u32_of(attr) > is->max)
		return "a number out of range";
	return NULL;
}

static const char *wrong_flags(const struct nlmsghdr *hdr)
{
	const struct genlmsghdr *genl = NLMSG_DATA(hdr);
	uint16_t flags = hdr->nlmsg_flags;

	if (genl->reserved)
		return "reserved bytes";
	if ((flags & NLM_F_DUMP) == NLM_F_DUMP)
		flags &= ~NLM_F_DUMP;
	if (flags & ~(NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO))
		return "unknown flags";
	return NULL;
}

/**
 * nlspec_wrong() - is it a request that the specification does not know?
 * @hdr: the request; it has a generic netlink header
 * @op: the operation, or NULL
 * @dump: it asks for a dump
 *
 * Return: what is wrong with it, and so must be refused; NULL when nothing is.
 */
const char *nlspec_wrong(const struct nlmsghdr *hdr, const struct nlspec_op *op,
			 bool dump)
{
	const char *pos = (const char *)hdr + NLMSG_HDRLEN + GENL_HDRLEN;
	int left = hdr->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
	const struct nlattr *attr;
	uint64_t seen = 0, may;
	const char *wrong;
	uint16_t type;

	wrong = wrong_flags(hdr);
	if (wrong)
		return wrong;
	if (!op || !(dump ? op->has_dump : op->has_do))
		return "no such operation";
	may = dump ? op->filter : op->request;
	while ((attr = nlspec_next(&pos, &left))) {
		type = attr->nla_type & NLA_TYPE_MASK;
		if (!type || type >= op->set->count || !(may >> type & 1))
			return "an attribute that it does not have";
		wrong = wrong_attr(attr, &op->set->attrs[type]);
		if (wrong)
			return wrong;
		if (seen >> type & 1 && !op->set->attrs[type].multi)
			return "an attribute twice";
		if (op->change && op->set == &rule_set &&
		    type == VFIOPOLICY_A_RULE_ORIGIN &&
		    u32_of(attr) == VFIOPOLICY_ORIGIN_CMDLINE)
			return "an origin that is not for requests";
		seen |= 1ull << type;
	}
	if (left > 0)
		return "bytes left over";
	if (!dump && (op->need & ~seen || (op->either && (seen & op->either) == op->either) ||
		      (op->either && !(seen & op->either))))
		return "attributes missing, or too many";
	return NULL;
}

static const char *broken_attrs(const char *pos, int left,
				const struct nlspec_set *set, uint64_t may,
				uint64_t always);

static const char *broken_attr(const struct nlattr *attr,
			       const struct nlspec_attr *is)
{
	const char *data = (const char *)(attr + 1);
	size_t len = attr->nla_len - NLA_HDRLEN;
	bool nested = attr->nla_type & NLA_F_NESTED;

	switch (is->type) {
	case NLSPEC_U32:
		if (len != sizeof(uint32_t))
			return "a number of another length";
		if (u32_of(attr) < is->min || u32_of(attr) > is->max)
			return "a number out of range";
		break;
	case NLSPEC_U64:
		if (len != sizeof(uint64_t))
			return "a number of another length";
		break;
	case NLSPEC_STRING:
		if (len < 2 || strnlen(data, len) != len - 1)
			return "a string that does not end where it ends";
		if (is->max && len - 1 > is->max)
			return "a string that is too long";
		break;
	case NLSPEC_FLAG:
	case NLSPEC_PAD:
		if (len)
			return "a flag with something in it";
		break;
	case NLSPEC_NEST:
		if (!nested)
			return "a nest that does not say so";
		return broken_attrs(data, len, is->nest, EVERY, is->nest->always);
	case NLSPEC_NONE:
		break;
	}
	return nested ? "a nest that is none" : NULL;
}

/* Also what fills up to four bytes is looked at: it might be of the kernel's. */
static const char *broken_attrs(const char *pos, int left,
				const struct nlspec_set *set, uint64_t may,
				uint64_t always)
{
	const struct nlattr *attr;
	const char *broken, *end;
	uint64_t seen = 0;
	uint16_t type;

	while ((attr = nlspec_next(&pos, &left))) {
		type = attr->nla_type & NLA_TYPE_MASK;
		if (!type || type >= set->count || !(may >> type & 1))
			return "an attribute that it does not have";
		if (seen >> type & 1 && !set->attrs[type].multi)
			return "an attribute twice";
		seen |= 1ull << type;
		broken = broken_attr(attr, &set->attrs[type]);
		if (broken)
			return broken;
		if (left < 0)
			return "an attribute that is not filled up";
		for (end = (const char *)attr + attr->nla_len; end < pos; end++)
			if (*end)
				return "something between attributes";
	}
	if (left)
		return "bytes left over";
	/* Of all, those that there are; 0 is none. */
	always &= (1ull << set->count) - 2;
	return always & ~seen ? "an attribute is missing" : NULL;
}

/**
 * nlspec_broken() - is it a message that the specification does not know?
 * @hdr: a message of the family's, from the kernel
 * @op: the operation or event that it says it is of
 *
 * Return: what is wrong with it; NULL when nothing is.
 */
const char *nlspec_broken(const struct nlmsghdr *hdr, const struct nlspec_op *op)
{
	const struct genlmsghdr *genl = NLMSG_DATA(hdr);
	int left = hdr->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;

	if (left < 0)
		return "it is too short";
	if (!op || !op->reply)
		return "no such operation";
	if (genl->version != VFIOPOLICY_FAMILY_VERSION || genl->reserved)
		return "the generic netlink header";
	return broken_attrs((const char *)hdr + NLMSG_HDRLEN + GENL_HDRLEN, left,
			    op->set, op->reply, op->always);
}
