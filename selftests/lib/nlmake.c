// SPDX-License-Identifier: GPL-2.0-only
/* Valid requests, and what goes into them. See nlmake.h. */
#include <linux/genetlink.h>
#include <linux/vfiopolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nlmake.h"
#include "nlspec.h"

/* Stands for a number that the kernel will have said. */
#define MAGIC		0xc0de5a00u
#define MAGIC_MASK	0xffffff00u

/* What most rules name: ids that no device has. */
static const char dead[] = "hold dead:0000";

static const char * const good_texts[] = {
	"vfio dead:beef", "vfio dead:beef name=x", "leave dead:beee",
	"  hold\tDEAD:beed  ", "hold dead:0001:0002:0003",
	"hold dead:*", "hold *:* class=121314", "hold class=dead00/ffff00",
	"hold dfff:1f:1f.7", "hold dfff:1f:1f.*", "vfio at=dfff:00:1f.0/1f.7",
	"hold at=dfff:00:1f.0/00.0/00.0/00.0/00.0/00.0 dead:0001",
	"hold dsn=de-ad-be-ef-de-ad-be-ef", "hold vfs-of=dfff:00:00.0",
	"hold vfs-of=dfff:00:00.0/0-3", "vfio dead:0002 driver=none-such",
	"hold dead:0003 except=dead:0003", "hold dead:0004 external",
	"hold dead:* except=dead:0001 except=dead:0002 name=few",
};

/* Those of the test bus, as nlfuzz_test.sh makes it. */
static const char * const device_texts[] = {
	"hold 1000:01:00.0", "hold 1000:01:00.1", "hold 1234:5678",
	"leave 1000:01:00.2", "hold at=1000:00:01.0/01.3", "vfio 1000:01:01.0",
	"hold 1234:5679 except=1000:01:01.1", "hold 1234:567a name=twins",
};

static const char * const bad_texts[] = {
	"", " ", "hodl dead:beef", "hold", "hold dead", "hold dead:",
	"hold dead:beef dead:beef", "hold 110de:1b39", "hold *:*",
	"hold 0000:05:20.0", "hold 0000:05:00.8", "hold class=02000000",
	"hold dead:beef name=", "hold dead:beef name=a name=b", "#", "\n",
	"hold dead:beef\n", "hold \xc3\xa4", "hold at=", "hold at=/",
	"hold dead:beef drivr=x", "hold vfs-of=0000:03:00.0/9-1", "hold dsn=0",
	"hold dead:beef;hold dead:beee", "hold dead:beef # and so on",
};

static const char * const odd_addresses[] = {
	"", "0", "1000", "1000:01:00", "1000:01:00.8", "1000:01:20.0",
	"1000:1:0.0", " 1000:01:00.0", "1000:01:00.0 ", "01:00.0",
	"ffffffff:ff:1f.7", "ffff:ff:1f.7", "0000:00:00.0", "0000:00:1f.2",
	"1000:00:01.0", "1000:00:00.0", "%s%s%s%n", "1000:01:00.00000000000",
	"1000:01:00.0000000000000000000000000000000000000000000000000000000000",
};

static const char * const drivers[] = {
	"vfiopolicy", "vfio-pci", "nvme", "", "pcieport", "none-such",
	"a-name-that-is-31-bytes-long-ab", "a-name-that-is-32-bytes-long-abc",
};

#define PICK(make, table) \
	((table)[nlmake_below(make, sizeof(table) / sizeof((table)[0]))])

/**
 * nlmake_below() - a number by chance
 * @make: whose generator
 * @n: how many numbers there are to choose from; not 0
 *
 * Return: 0 to @n - 1.
 */
uint32_t nlmake_below(struct nlmake *make, uint32_t n)
{
	uint64_t x = make->rng;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	make->rng = x;
	return (x >> 32) * n >> 32;
}

/**
 * nlmake_init() - a maker of datagrams
 * @make: the maker
 * @family: number of the family
 *
 * Return: 0, or -1 when there is no memory.
 */
int nlmake_init(struct nlmake *make, uint16_t family)
{
	memset(make, 0, sizeof(*make));
	make->family = family;
	make->buf = malloc(NLMAKE_MAX);
	return make->buf ? 0 : -1;
}

/**
 * nlmake_begin() - begin a datagram
 * @make: the maker
 * @seed: what all that is by chance in it follows from
 */
void nlmake_begin(struct nlmake *make, uint64_t seed)
{
	/* Spread out, for seeds are numbers that follow each other. */
	seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9ull;
	seed = (seed ^ seed >> 27) * 0x94d049bb133111ebull;
	make->rng = (seed ^ seed >> 31) | 1;
	make->seq = nlmake_below(make, UINT32_MAX);
	make->len = 0;
	make->msg = 0;
	make->attr_count = 0;
}

static void begin(struct nlmake *make, uint16_t type, uint8_t cmd,
		  uint16_t flags)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *hdr;

	while (make->len % NLMSG_ALIGNTO)
		make->buf[make->len++] = 0;
	make->msg = make->len;
	make->attr_count = 0;
	hdr = nlmake_hdr(make);
	memset(hdr, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	hdr->nlmsg_type = type;
	/* Most are to be answered; what is not is faster. */
	hdr->nlmsg_flags = NLM_F_REQUEST | flags |
			   (nlmake_below(make, 4) ? NLM_F_ACK : 0);
	hdr->nlmsg_seq = ++make->seq;
	genl = NLMSG_DATA(hdr);
	genl->cmd = cmd;
	genl->version = VFIOPOLICY_FAMILY_VERSION;
	make->len += NLMSG_HDRLEN + GENL_HDRLEN;
	hdr->nlmsg_len = make->len - make->msg;
}

/**
 * nlmake_put() - add an attribute to the last message
 * @make: the maker
 * @type: its type, flags and all
 * @data: its payload; NULL: zeroes
 * @len: length of that
 *
 * Return: the attribute, which can be changed.
 */
struct nlattr *nlmake_put(struct nlmake *make, uint16_t type, const void *data,
			  size_t len)
{
	struct nlattr *attr = (struct nlattr *)(make->buf + make->len);

	if (make->attr_count < NLMAKE_ATTRS)
		make->attrs[make->attr_count++] = make->len;
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memset((char *)(attr + 1) + (len & ~3ul), 0, 4);
	if (data)
		memcpy(attr + 1, data, len);
	else
		memset(attr + 1, 0, len);
	make->len += NLA_ALIGN(attr->nla_len);
	nlmake_hdr(make)->nlmsg_len = make->len - make->msg;
	return attr;
}

static void put_u32(struct nlmake *make, uint16_t type, uint32_t val)
{
	nlmake_put(make, type, &val, sizeof(val));
}

static void put_string(struct nlmake *make, uint16_t type, const char *text)
{
	nlmake_put(make, type, text, strlen(text) + 1);
}

static void put_number(struct nlmake *make, uint16_t type,
		       enum nlmake_number what)
{
	uint32_t kind = nlmake_below(make, 8);

	/* Numbers of rules are not used again, so low ones are none. */
	if (make->spare && what == NLMAKE_RULE)
		kind &= 1;
	switch (kind) {
	case 0:
		put_u32(make, type, nlmake_below(make, 64));
		break;
	case 1:
		put_u32(make, type, UINT32_MAX - nlmake_below(make, 2));
		break;
	default:
		put_u32(make, type, MAGIC + what * NLMAKE_LEARNED +
			nlmake_below(make, NLMAKE_LEARNED));
	}
}

/* As long as rules may be, more or less, and nearly all blanks. */
static void put_long_text(struct nlmake *make, uint16_t type)
{
	size_t len = VFIOPOLICY_RULE_LEN_MAX - 2 + nlmake_below(make, 5);
	static const char last[] = "dead:face";
	char text[VFIOPOLICY_RULE_LEN_MAX + 8];

	memset(text, ' ', len);
	memcpy(text, dead, strlen("hold"));
	memcpy(text + len + 1 - sizeof(last), last, sizeof(last));
	nlmake_put(make, type, text, len + 1);
}

static void put_text(struct nlmake *make, uint16_t type)
{
	static const char hex[] = "0123456789abcdef";
	struct nlattr *attr;
	char *text;

	switch (make->spare ? 255 : nlmake_below(make, 1024)) {
	case 0 ... 127:
		put_string(make, type, PICK(make, good_texts));
		break;
	case 128 ... 255:
		put_string(make, type, PICK(make, bad_texts));
		break;
	case 256 ... 271:
		put_long_text(make, type);
		break;
	case 272:
		/* Each of these is work for the devices that it names. */
		put_string(make, type, PICK(make, device_texts));
		break;
	default:
		attr = nlmake_put(make, type, dead, sizeof(dead));
		text = (char *)(attr + 1);
		text[12] = hex[nlmake_below(make, 4)];
		text[13] = hex[nlmake_below(make, 16)];
	}
}

static void put_address(struct nlmake *make, uint16_t type, bool rare)
{
	char text[] = "1000:01:00.0";

	if (!nlmake_below(make, 8)) {
		put_string(make, type, PICK(make, odd_addresses));
		return;
	}
	/* Of 32 slots, three have devices. */
	if (!rare || !nlmake_below(make, 64))
		text[9] = '0' + nlmake_below(make, 4);
	else
		text[8] = '1';
	text[11] = '0' + nlmake_below(make, 8);
	put_string(make, type, text);
}

static void make_info(struct nlmake *make)
{
	begin(make, make->family, VFIOPOLICY_CMD_INFO_GET, 0);
}

static void make_stats(struct nlmake *make)
{
	begin(make, make->family, VFIOPOLICY_CMD_STATS_GET, 0);
}

static void make_add(struct nlmake *make)
{
	begin(make, make->family, VFIOPOLICY_CMD_RULE_ADD, 0);
	if (nlmake_below(make, 2))
		put_u32(make, VFIOPOLICY_A_RULE_ORIGIN, 2 * nlmake_below(make, 2));
	put_text(make, VFIOPOLICY_A_RULE_TEXT);
	if (!nlmake_below(make, 4))
		nlmake_put(make, VFIOPOLICY_A_RULE_TAKE_OVER, NULL, 0);
}

static void make_del(struct nlmake *make)
{
	begin(make, make->family, VFIOPOLICY_CMD_RULE_DEL, 0);
	if (nlmake_below(make, 2))
		put_text(make, VFIOPOLICY_A_RULE_TEXT);
	else
		put_number(make, VFIOPOLICY_A_RULE_ID, NLMAKE_RULE);
}

static void make_replace(struct nlmake *make)
{
	uint32_t n = nlmake_below(make, 4) + make->spare;

	begin(make, make->family, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	put_u32(make, VFIOPOLICY_A_RULE_ORIGIN, 2 * nlmake_below(make, 2));
	if (!nlmake_below(make, 8))
		n += nlmake_below(make, 16);
	while (n--)
		put_text(make, VFIOPOLICY_A_RULE_TEXTS);
}

static void make_rules(struct nlmake *make)
{
	begin(make, make->family, VFIOPOLICY_CMD_RULE_GET, NLM_F_DUMP);
}

static void make_dev(struct nlmake *make)
{
	begin(make, make->family, VFIOPOLICY_CMD_DEV_GET, 0);
	put_address(make, VFIOPOLICY_A_DEV_ADDRESS, false);
}

static void make_devs(struct nlmake *make)
{
	uint32_t filters = nlmake_below(make, 32);

	begin(make, make->family, VFIOPOLICY_CMD_DEV_GET, NLM_F_DUMP);
	if (filters & 16)
		return;
	if (filters & 1)
		put_u32(make, VFIOPOLICY_A_DEV_STATE, nlmake_below(make, 9));
	if (filters & 2)
		put_number(make, VFIOPOLICY_A_DEV_RULE, NLMAKE_RULE);
	if (filters & 4)
		put_number(make, VFIOPOLICY_A_DEV_GROUP, NLMAKE_GROUP);
	if (filters & 8)
		put_string(make, VFIOPOLICY_A_DEV_DRIVER, PICK(make, drivers));
}

static void make_ask(struct nlmake *make)
{
	begin(make, make->family, nlmake_below(make, 2) ?
	      VFIOPOLICY_CMD_DEV_CLAIM : VFIOPOLICY_CMD_DEV_RELEASE, 0);
	put_address(make, VFIOPOLICY_A_DEV_ADDRESS, true);
	if (nlmake_below(make, 2))
		put_number(make, VFIOPOLICY_A_DEV_GENERATION, NLMAKE_GENERATION);
}

static void make_group(struct nlmake *make)
{
	begin(make, make->family, VFIOPOLICY_CMD_GROUP_GET, 0);
	put_number(make, VFIOPOLICY_A_GROUP_ID, NLMAKE_GROUP);
}

static void make_groups(struct nlmake *make)
{
	begin(make, make->family, VFIOPOLICY_CMD_GROUP_GET, NLM_F_DUMP);
}

/* Events, and what comes after the last operation. */
static void make_other(struct nlmake *make)
{
	static const uint8_t cmds[] = {
		0, VFIOPOLICY_CMD_RULE_ADD_NTF, VFIOPOLICY_CMD_RULE_DEL_NTF,
		VFIOPOLICY_CMD_DEV_NTF, VFIOPOLICY_CMD_MAX + 1, 255,
	};

	begin(make, make->family, PICK(make, cmds),
	      nlmake_below(make, 2) ? NLM_F_DUMP : 0);
	if (nlmake_below(make, 2))
		put_u32(make, 1, 1);
}

/* To the generic controller, of this family. */
static void make_control(struct nlmake *make)
{
	if (nlmake_below(make, 2))
		begin(make, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	else
		begin(make, GENL_ID_CTRL, CTRL_CMD_GETPOLICY, NLM_F_DUMP);
	if (nlmake_below(make, 2))
		nlmake_put(make, CTRL_ATTR_FAMILY_ID, &make->family,
			   sizeof(make->family));
	else
		put_string(make, CTRL_ATTR_FAMILY_NAME, VFIOPOLICY_FAMILY_NAME);
	if (!nlmake_below(make, 4))
		put_u32(make, CTRL_ATTR_OP, nlmake_below(make, 16));
}

/* Dumps are answered with much, and one at a time, so there are few here. */
static const struct {
	uint32_t weight;
	void (*fn)(struct nlmake *make);
} kinds[] = {
	{ 180, make_add },
	{ 140, make_del },
	{ 70, make_replace },
	{ 120, make_dev },
	{ 120, make_ask },
	{ 80, make_group },
	{ 60, make_info },
	{ 60, make_stats },
	{ 20, make_other },
	{ 4, make_control },
	{ 4, make_rules },
	{ 4, make_devs },
	{ 4, make_groups },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void make_one(struct nlmake *make)
{
	uint32_t n, sum = 0, i;

	for (i = 0; i < KINDS; i++)
		sum += kinds[i].weight;
	n = nlmake_below(make, sum);
	for (i = 0; i < KINDS - 1 && n >= kinds[i].weight; i++)
		n -= kinds[i].weight;
	kinds[i].fn(make);
}

/**
 * nlmake_batch() - messages, most of them with something wrong
 * @make: the maker
 * @spare: so that rules stay as they are: a change makes the kernel look at
 *         each device, and takes longer than many refusals
 */
void nlmake_batch(struct nlmake *make, bool spare)
{
	uint32_t full = NLMAKE_FULL;

	/* Some alone, and with them what is cut off at the very end. */
	if (!nlmake_below(make, 64))
		full = 1;
	make->spare = spare;
	while (make->len < full) {
		make_one(make);
		if (nlmake_below(make, 16) > 1)
			nlmake_mutate(make);
	}
	make->spare = false;
}

/**
 * nlmake_dump() - a request for a dump, alone
 * @make: the maker
 */
void nlmake_dump(struct nlmake *make)
{
	switch (nlmake_below(make, 4)) {
	case 0:
		make_rules(make);
		break;
	case 1:
		make_groups(make);
		break;
	default:
		make_devs(make);
	}
	if (!nlmake_below(make, 4))
		nlmake_mutate(make);
}

/**
 * nlmake_many() - about as many rules as there may be, in one message
 * @make: the maker
 */
void nlmake_many(struct nlmake *make)
{
	uint32_t n = VFIOPOLICY_RULES_MAX - 2 + nlmake_below(make, 5), i;
	char text[] = "hold dead:0000";

	begin(make, make->family, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	put_u32(make, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_FILE);
	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "hold dead:%04x", i & 0xffff);
		nlmake_put(make, VFIOPOLICY_A_RULE_TEXTS, text, sizeof(text));
	}
	nlmake_hdr(make)->nlmsg_flags |= NLM_F_ACK;
}

/**
 * nlmake_clear() - take away all rules of an origin
 * @make: the maker
 * @origin: the origin
 */
void nlmake_clear(struct nlmake *make, uint32_t origin)
{
	begin(make, make->family, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	put_u32(make, VFIOPOLICY_A_RULE_ORIGIN, origin);
	nlmake_hdr(make)->nlmsg_flags |= NLM_F_ACK;
}

/**
 * nlmake_devices() - rules that name the devices of the test bus
 * @make: the maker
 */
void nlmake_devices(struct nlmake *make)
{
	uint32_t bits = nlmake_below(make, 256), i;

	begin(make, make->family, VFIOPOLICY_CMD_RULE_REPLACE, 0);
	put_u32(make, VFIOPOLICY_A_RULE_ORIGIN, VFIOPOLICY_ORIGIN_FILE);
	for (i = 0; i < sizeof(device_texts) / sizeof(device_texts[0]); i++)
		if (bits >> i & 1)
			put_string(make, VFIOPOLICY_A_RULE_TEXTS, device_texts[i]);
	nlmake_hdr(make)->nlmsg_flags |= NLM_F_ACK;
}

/**
 * nlmake_info() - ask how many rules there are
 * @make: the maker
 */
void nlmake_info(struct nlmake *make)
{
	make_info(make);
	nlmake_hdr(make)->nlmsg_flags &= ~NLM_F_ACK;
}

/**
 * nlmake_raw() - bytes, which begin as a message does or not even so
 * @make: the maker
 */
void nlmake_raw(struct nlmake *make)
{
	uint32_t len = 1 + nlmake_below(make, 256), i;
	bool header = nlmake_below(make, 4);

	if (header)
		begin(make, make->family, nlmake_below(make, 16), 0);
	for (i = 0; i < len; i++)
		make->buf[make->len++] = nlmake_below(make, 256);
	if (header)
		nlmake_hdr(make)->nlmsg_len = make->len;
}

/* A message that the kernel sees, or NULL. */
static struct nlmsghdr *hdr_at(const struct nlmake *make, size_t at)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)(make->buf + at);

	if (at + NLMSG_HDRLEN > make->len || hdr->nlmsg_len < NLMSG_HDRLEN ||
	    hdr->nlmsg_len > make->len - at)
		return NULL;
	return hdr;
}

/**
 * nlmake_count() - how many messages the kernel sees in a datagram
 * @make: the maker
 *
 * Return: the number, which nlmake_fill() may change by its numbers.
 */
unsigned int nlmake_count(const struct nlmake *make)
{
	const struct nlmsghdr *hdr;
	unsigned int count = 0;
	size_t at;

	for (at = 0; (hdr = hdr_at(make, at)); at += NLMSG_ALIGN(hdr->nlmsg_len))
		count++;
	return count;
}

/**
 * nlmake_hash() - what a datagram is, in a number
 * @make: the maker
 * @hash: of those before it
 *
 * Return: the number, for all up to this.
 */
uint64_t nlmake_hash(const struct nlmake *make, uint64_t hash)
{
	uint64_t word;
	size_t i;

	for (i = 0; i + sizeof(word) <= make->len; i += sizeof(word)) {
		memcpy(&word, make->buf + i, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3ull;
		hash ^= hash >> 29;
	}
	for (; i < make->len; i++)
		hash = (hash ^ (unsigned char)make->buf[i]) * 0x100000001b3ull;
	return hash ^ make->len;
}

/**
 * nlmake_learn() - a number that the kernel said
 * @make: the maker
 * @what: what it is a number of
 * @number: the number
 */
void nlmake_learn(struct nlmake *make, enum nlmake_number what, uint32_t number)
{
	uint32_t at = make->learned[what]++ % NLMAKE_LEARNED;

	switch (what) {
	case NLMAKE_RULE:
		make->rules[at] = number;
		break;
	case NLMAKE_GENERATION:
		make->generations[at] = number;
		break;
	case NLMAKE_GROUP:
		make->groups[at] = number;
		break;
	}
}

/**
 * nlmake_fill() - put in the numbers that the kernel said
 * @make: the maker
 *
 * And keep what is by chance from speaking to other families, which have
 * nothing to do with it and may take harm.
 */
void nlmake_fill(struct nlmake *make)
{
	const uint32_t *numbers[] = { make->rules, make->generations, make->groups };
	struct nlmsghdr *hdr;
	size_t at;

	for (at = 0; at + 4 <= make->len; at += 4) {
		uint32_t word, what;

		memcpy(&word, make->buf + at, sizeof(word));
		if ((word & MAGIC_MASK) != MAGIC)
			continue;
		what = (word & ~MAGIC_MASK) / NLMAKE_LEARNED;
		if (what >= 3)
			continue;
		word = numbers[what][word % NLMAKE_LEARNED];
		memcpy(make->buf + at, &word, sizeof(word));
	}
	for (at = 0; (hdr = hdr_at(make, at)); at += NLMSG_ALIGN(hdr->nlmsg_len))
		if (hdr->nlmsg_type > GENL_ID_CTRL &&
		    hdr->nlmsg_type != make->family && hdr->nlmsg_type < 0x7ff0)
			hdr->nlmsg_type = make->family;
}
