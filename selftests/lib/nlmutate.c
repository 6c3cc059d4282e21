// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does something to the last message of a datagram that a client would not:
 * once, or a few times. See nlmake.h. Nothing is looked up here that the
 * kernel has said, so the same seed does the same.
 */
#include <linux/genetlink.h>
#include <linux/vfiopolicy.h>
#include <string.h>

#include "nlmake.h"

/* More than any message of a batch has; what is longer is left as it is. */
#define LONGEST 4096

/* One of its attributes, unless that has been cut off. */
static struct nlattr *some_attr(struct nlmake *make)
{
	size_t at;

	if (!make->attr_count)
		return NULL;
	at = make->attrs[nlmake_below(make, make->attr_count)];
	if (at + NLA_HDRLEN > make->len)
		return NULL;
	return (struct nlattr *)(make->buf + at);
}

static char *end_of(struct nlmake *make)
{
	return make->buf + make->len;
}

/* Bytes of the payload that are there, whatever the attribute says. */
static size_t there(struct nlmake *make, struct nlattr *attr)
{
	size_t len = attr->nla_len < NLA_HDRLEN ? 0 : attr->nla_len - NLA_HDRLEN;
	size_t left = end_of(make) - (char *)(attr + 1);

	return len < left ? len : left;
}

static void set_len(struct nlmake *make)
{
	nlmake_hdr(make)->nlmsg_len = make->len - make->msg;
}

static void attr_type(struct nlmake *make)
{
	static const uint16_t types[] = {
		0, 1, 2, 3, 5, 8, 9, 11, 13, 22, 23, 24, 31, 32, 63, 64, 77,
		255, 256, 0x3fff, 0x3ffe,
	};
	struct nlattr *attr = some_attr(make);

	if (!attr)
		return;
	switch (nlmake_below(make, 8)) {
	case 0:
		attr->nla_type |= NLA_F_NESTED;
		break;
	case 1:
		attr->nla_type |= NLA_F_NET_BYTEORDER;
		break;
	case 2:
		attr->nla_type |= NLA_F_NESTED | NLA_F_NET_BYTEORDER;
		break;
	case 3:
		attr->nla_type = nlmake_below(make, 65536);
		break;
	case 4:
		attr->nla_type = 1 + nlmake_below(make, 24);
		break;
	default:
		attr->nla_type = types[nlmake_below(make, sizeof(types) /
						    sizeof(types[0]))];
	}
}

static void attr_len(struct nlmake *make)
{
	struct nlattr *attr = some_attr(make);

	if (!attr)
		return;
	switch (nlmake_below(make, 8)) {
	case 0:
		attr->nla_len = nlmake_below(make, NLA_HDRLEN + 1);
		break;
	case 1:
		attr->nla_len -= 1 + nlmake_below(make, 4);
		break;
	case 2:
		attr->nla_len += 1 + nlmake_below(make, 4);
		break;
	case 3:
		attr->nla_len = UINT16_MAX - nlmake_below(make, 4);
		break;
	case 4:
		/* Just what is left, and a little more or less. */
		attr->nla_len = end_of(make) - (char *)attr +
				nlmake_below(make, 9) - 4;
		break;
	case 5:
		attr->nla_len = nlmake_below(make, 65536);
		break;
	default:
		attr->nla_len = nlmake_below(make, 64);
	}
}

static void attr_padding(struct nlmake *make)
{
	struct nlattr *attr = some_attr(make);
	char *pos;

	if (!attr || attr->nla_len < NLA_HDRLEN)
		return;
	pos = (char *)attr + attr->nla_len;
	while (pos < end_of(make) && (pos - make->buf) % NLA_ALIGNTO)
		*pos++ = 1 + nlmake_below(make, 255);
}

/* What fills up is no NUL either. */
static void attr_no_nul(struct nlmake *make)
{
	struct nlattr *attr = some_attr(make);
	size_t len;

	if (!attr)
		return;
	len = there(make, attr);
	if (!len)
		return;
	((char *)(attr + 1))[len - 1] = ' ';
	if (nlmake_below(make, 2))
		attr_padding(make);
}

static void attr_twice(struct nlmake *make)
{
	struct nlattr *attr = some_attr(make);

	if (attr && make->len - make->msg < LONGEST)
		nlmake_put(make, attr->nla_type, attr + 1, there(make, attr));
}

/* The last one comes first. */
static void attr_order(struct nlmake *make)
{
	size_t first, last, len;
	char copy[1024];

	if (make->attr_count < 2 || make->attr_count == NLMAKE_ATTRS)
		return;
	first = make->attrs[0];
	last = make->attrs[make->attr_count - 1];
	len = make->len - last;
	if (last > make->len || last < first || len > sizeof(copy))
		return;
	memcpy(copy, make->buf + last, len);
	memmove(make->buf + first + len, make->buf + first, last - first);
	memcpy(make->buf + first, copy, len);
}

static void attr_limit(struct nlmake *make)
{
	static const uint32_t limits[] = {
		0, 1, 2, 3, 4, 8, 9, 10, 18, 19, 20, 255, 256, 4095, 4096, 4097,
		0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
		0xfffffffe, 0xffffffff,
	};
	struct nlattr *attr = some_attr(make);
	uint32_t val = limits[nlmake_below(make, sizeof(limits) / sizeof(limits[0]))];

	if (attr && there(make, attr) >= sizeof(val))
		memcpy(attr + 1, &val, sizeof(val));
}

/* In the place of the last attribute, one that is longer or shorter. */
static void attr_resize(struct nlmake *make)
{
	static const uint16_t sizes[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 30, 31, 32, 33, 63, 64, 65, 510,
		511, 512, 513, 514, 1000,
	};
	static const char bytes[] = { 'h', ' ', '0', ':', '*', '\0', '\n', 'x' };
	uint16_t len = sizes[nlmake_below(make, sizeof(sizes) / sizeof(sizes[0]))];
	struct nlattr *attr;
	uint16_t type;

	if (!make->attr_count ||
	    make->attrs[make->attr_count - 1] + NLA_HDRLEN > make->len)
		return;
	make->len = make->attrs[--make->attr_count];
	attr = (struct nlattr *)(make->buf + make->len);
	type = attr->nla_type;
	attr = nlmake_put(make, type, NULL, len);
	memset(attr + 1, bytes[nlmake_below(make, sizeof(bytes))], len);
	if (len && nlmake_below(make, 2))
		((char *)(attr + 1))[len - 1] = '\0';
}

static void attr_more(struct nlmake *make)
{
	static const char zeroes[32];

	if (make->len - make->msg < LONGEST)
		nlmake_put(make, nlmake_below(make, 26), zeroes,
			   nlmake_below(make, 2) ? 4 : nlmake_below(make, 32));
}

/* Nests in nests; none of the family's requests has one. */
static void attr_nest(struct nlmake *make)
{
	static const uint8_t zeroes[4 * NLA_HDRLEN * 16];
	uint32_t depth = 1 + nlmake_below(make, 40), i;
	uint16_t type = 1 + nlmake_below(make, 24);
	struct nlattr *attr;

	if (make->len - make->msg > LONGEST)
		return;
	attr = nlmake_put(make, type | NLA_F_NESTED, zeroes, NLA_HDRLEN * depth);
	for (i = depth; i; i--) {
		attr++;
		attr->nla_type = type | NLA_F_NESTED;
		attr->nla_len = NLA_HDRLEN * i;
	}
}

static void bit_flip(struct nlmake *make)
{
	size_t from = make->msg + NLMSG_HDRLEN;

	if (make->len > from)
		make->buf[from + nlmake_below(make, make->len - from)] ^=
			1 << nlmake_below(make, 8);
}

static void random_byte(struct nlmake *make)
{
	size_t from = make->msg + NLMSG_HDRLEN + GENL_HDRLEN;

	if (make->len > from)
		make->buf[from + nlmake_below(make, make->len - from)] =
			nlmake_below(make, 256);
}

static void msg_cut(struct nlmake *make)
{
	uint32_t len = make->len - make->msg;

	make->len -= nlmake_below(make, nlmake_below(make, 4) ?
				  (len < 8 ? len : 8) : len + 1);
	if (make->len - make->msg >= sizeof(uint32_t) && nlmake_below(make, 4))
		set_len(make);
}

static void msg_len(struct nlmake *make)
{
	struct nlmsghdr *hdr = nlmake_hdr(make);

	switch (nlmake_below(make, 16)) {
	case 0:
		hdr->nlmsg_len = nlmake_below(make, NLMSG_HDRLEN + GENL_HDRLEN + 1);
		break;
	case 1:
		/* All that is behind it is lost. */
		hdr->nlmsg_len = nlmake_below(make, 2) ? UINT32_MAX : 1u << 31;
		break;
	case 2:
		hdr->nlmsg_len += NLMSG_ALIGNTO * (1 + nlmake_below(make, 8));
		break;
	default:
		hdr->nlmsg_len -= nlmake_below(make, 5);
	}
}

static void msg_trailing(struct nlmake *make)
{
	uint32_t len = 1 + nlmake_below(make, 7);

	while (len--)
		make->buf[make->len++] = nlmake_below(make, 4);
	set_len(make);
}

static void msg_flags(struct nlmake *make)
{
	struct nlmsghdr *hdr = nlmake_hdr(make);

	switch (nlmake_below(make, 4)) {
	case 0:
		hdr->nlmsg_flags ^= 1 << nlmake_below(make, 16);
		break;
	case 1:
		hdr->nlmsg_flags = nlmake_below(make, 65536);
		break;
	default:
		hdr->nlmsg_flags ^= NLM_F_ECHO;
	}
}

static void msg_type(struct nlmake *make)
{
	static const uint16_t types[] = {
		0, NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN, 15,
		GENL_ID_CTRL, 0x7fff, 0xffff,
	};

	nlmake_hdr(make)->nlmsg_type = types[nlmake_below(make, sizeof(types) /
							  sizeof(types[0]))];
}

static void msg_seq(struct nlmake *make)
{
	struct nlmsghdr *hdr = nlmake_hdr(make);

	hdr->nlmsg_seq = nlmake_below(make, 2) ? 0 : nlmake_below(make, UINT32_MAX);
	hdr->nlmsg_pid = nlmake_below(make, UINT32_MAX);
}

static void genl_header(struct nlmake *make)
{
	struct genlmsghdr *genl = NLMSG_DATA(nlmake_hdr(make));

	if (make->len - make->msg < NLMSG_HDRLEN + GENL_HDRLEN)
		return;
	switch (nlmake_below(make, 4)) {
	case 0:
		genl->reserved = nlmake_below(make, 65536);
		break;
	case 1:
		genl->version = nlmake_below(make, 256);
		break;
	default:
		genl->cmd = nlmake_below(make, VFIOPOLICY_CMD_MAX + 3);
	}
}

static const struct {
	uint32_t weight;
	void (*fn)(struct nlmake *make);
} mutators[] = {
	{ 14, attr_type },
	{ 14, attr_len },
	{ 4, attr_padding },
	{ 8, attr_no_nul },
	{ 8, attr_twice },
	{ 6, attr_order },
	{ 8, attr_limit },
	{ 10, attr_resize },
	{ 8, attr_more },
	{ 4, attr_nest },
	{ 8, bit_flip },
	{ 8, random_byte },
	{ 4, msg_cut },
	{ 2, msg_len },
	{ 4, msg_trailing },
	{ 3, msg_flags },
	{ 1, msg_type },
	{ 2, msg_seq },
	{ 6, genl_header },
};

/**
 * nlmake_mutate() - spoil the last message, in one way or in a few
 * @make: the maker
 */
void nlmake_mutate(struct nlmake *make)
{
	static const size_t count = sizeof(mutators) / sizeof(mutators[0]);
	uint32_t times = nlmake_below(make, 4) ? 1 : 2 + nlmake_below(make, 2);
	uint32_t sum = 0, n, i;

	for (i = 0; i < count; i++)
		sum += mutators[i].weight;
	while (times--) {
		n = nlmake_below(make, sum);
		for (i = 0; n >= mutators[i].weight; i++)
			n -= mutators[i].weight;
		mutators[i].fn(make);
		/* Where its attributes are is not known any more. */
		if (make->len < make->msg + NLMSG_HDRLEN + GENL_HDRLEN)
			return;
	}
}
