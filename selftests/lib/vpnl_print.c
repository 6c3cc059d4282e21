// SPDX-License-Identifier: GPL-2.0-only
/* How vpnl prints what the family says: KEY=VALUE, with names for numbers. */
#include <linux/vfiopolicy.h>
#include <stdio.h>
#include <string.h>

#include "nlcall.h"
#include "vpnl_print.h"

const char * const vpnl_states[VPNL_STATES] = {
	"matched", "held", "handing-off", "isolated", "releasing", "released",
	"native", "lost", "gone",
};

const char * const vpnl_reasons[VPNL_REASONS] = {
	"none", "no-iommu-group", "module-loading", "module-missing",
	"target-refused", "native-driver", "foreign-override", "bridge",
	"boot-vga", "vfio-pf", "unbound", "foreign-driver", "in-use",
	"no-memory", "not-probed", "deferred", "changed", "no-target",
	"taking-over", "vfs-enabled", "vetoed", "with",
};

static const char * const causes[] = {
	"appeared", "removed", "rule", "replace", "request", "driver", "target",
	"retry",
};

static const char * const domains[] = { "unknown", "dma", "identity" };

static const char * const viabilities[] = { "viable", "blocked", "never" };

const char * const vpnl_origins[VPNL_ORIGINS] = { "runtime", "cmdline", "file" };

int vpnl_print_info(const struct nlmsghdr *hdr, void *arg)
{
	(void)arg;
	printf("version=%s abi=%u rules=%u bad=%u devices=%u disabled=%d functions=%u iommu=%u events=%u\n",
	       nl_str(hdr, VFIOPOLICY_A_INFO_VERSION),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_ABI, 0),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_RULES, 0),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_RULES_BAD, 0),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_DEVICES, 0),
	       !!nl_find(hdr, VFIOPOLICY_A_INFO_DISABLED),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_PCI_FUNCTIONS, -1),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_IOMMU_FUNCTIONS, -1),
	       nl_u32(hdr, VFIOPOLICY_A_INFO_EVENTS, -1));
	return 0;
}

int vpnl_print_rule(const struct nlmsghdr *hdr, void *arg)
{
	const char *mark = arg;

	printf("%u %s %s%s\n", nl_u32(hdr, VFIOPOLICY_A_RULE_ID, 0),
	       NAME(vpnl_origins, nl_u32(hdr, VFIOPOLICY_A_RULE_ORIGIN, -1)),
	       nl_str(hdr, VFIOPOLICY_A_RULE_TEXT),
	       mark && nl_find(hdr, VFIOPOLICY_A_RULE_EXISTED) ? mark : "");
	return 0;
}

int vpnl_print_dev(const struct nlmsghdr *hdr, void *arg)
{
	const char *driver = nl_str(hdr, VFIOPOLICY_A_DEV_DRIVER);
	const char *physfn = nl_str(hdr, VFIOPOLICY_A_DEV_PHYSFN);
	const char *found = nl_str(hdr, VFIOPOLICY_A_DEV_FOUND);
	uint32_t old = nl_u32(hdr, VFIOPOLICY_A_DEV_OLD_STATE, -1);
	FILE *out = arg;

	fprintf(out, "address=%s id=%04x:%04x generation=%u ",
		nl_str(hdr, VFIOPOLICY_A_DEV_ADDRESS),
		nl_u32(hdr, VFIOPOLICY_A_DEV_VENDOR, 0),
		nl_u32(hdr, VFIOPOLICY_A_DEV_DEVICE, 0),
		nl_u32(hdr, VFIOPOLICY_A_DEV_GENERATION, 0));
	if (nl_find(hdr, VFIOPOLICY_A_DEV_SEQ))
		fprintf(out, "seq=%u cause=%s old=%s ",
			nl_u32(hdr, VFIOPOLICY_A_DEV_SEQ, 0),
			NAME(causes, nl_u32(hdr, VFIOPOLICY_A_DEV_CAUSE, -1)),
			old == (uint32_t)-1 ? "-" : NAME(vpnl_states, old));
	fprintf(out, "state=%s reason=%s driver=%s group=%d physfn=%s rule=%u adopted=%d in_use=%d target=%s found=%s framebuffer=%d%s\n",
		NAME(vpnl_states, nl_u32(hdr, VFIOPOLICY_A_DEV_STATE, -1)),
		NAME(vpnl_reasons, nl_u32(hdr, VFIOPOLICY_A_DEV_REASON, 0)),
		driver ? driver : "-",
		(int)nl_u32(hdr, VFIOPOLICY_A_DEV_GROUP, -1),
		physfn ? physfn : "-", nl_u32(hdr, VFIOPOLICY_A_DEV_RULE, 0),
		!!nl_find(hdr, VFIOPOLICY_A_DEV_ADOPTED),
		!!nl_find(hdr, VFIOPOLICY_A_DEV_IN_USE),
		nl_str(hdr, VFIOPOLICY_A_DEV_TARGET) ?: "-",
		found ? found : "-",
		!!nl_find(hdr, VFIOPOLICY_A_DEV_FRAMEBUFFER),
		nl_find(hdr, VFIOPOLICY_A_DEV_PENDING) ? " pending" : "");
	return 0;
}

int vpnl_print_event(const struct nlmsghdr *hdr, void *arg)
{
	FILE *out = arg;

	if (nl_cmd(hdr) == VFIOPOLICY_CMD_DEV_NTF)
		return vpnl_print_dev(hdr, arg);
	fprintf(out, "rule-%s id=%u seq=%u cause=%s text=%s\n",
		nl_cmd(hdr) == VFIOPOLICY_CMD_RULE_ADD_NTF ? "add" : "del",
		nl_u32(hdr, VFIOPOLICY_A_RULE_ID, 0),
		nl_u32(hdr, VFIOPOLICY_A_RULE_SEQ, 0),
		NAME(causes, nl_u32(hdr, VFIOPOLICY_A_RULE_CAUSE, -1)),
		nl_str(hdr, VFIOPOLICY_A_RULE_TEXT));
	return 0;
}

/* What @attr of a nest has: its first attribute of this type, or NULL. */
static const struct nlattr *in_nest(const struct nlattr *nest, uint16_t type)
{
	const char *pos = (const char *)(nest + 1);
	const char *end = (const char *)nest + nest->nla_len;
	const struct nlattr *attr;

	for (; pos < end; pos += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)pos;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
	}
	return NULL;
}

static const char *str_in(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = in_nest(nest, type);

	return attr ? (const char *)(attr + 1) : "-";
}

/* Calls @fn for each attribute of this type of a message. */
static void each(const struct nlmsghdr *hdr, uint16_t type,
		 void (*fn)(const struct nlattr *attr, uint32_t arg), uint32_t arg)
{
	const char *end = (const char *)hdr + hdr->nlmsg_len;
	const char *pos = (const char *)hdr + NLMSG_HDRLEN + GENL_HDRLEN;
	const struct nlattr *attr;

	for (; pos < end; pos += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)pos;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			fn(attr, arg);
	}
}

static void print_member(const struct nlattr *member, uint32_t group)
{
	const struct nlattr *never = in_nest(member, VFIOPOLICY_A_MEMBER_NEVER);

	printf("%u: %s %s%s%s%s\n", group,
	       str_in(member, VFIOPOLICY_A_MEMBER_ADDRESS),
	       str_in(member, VFIOPOLICY_A_MEMBER_DRIVER),
	       in_nest(member, VFIOPOLICY_A_MEMBER_BLOCKS) ? " blocks" : "",
	       never ? " " : "",
	       never ? NAME(vpnl_reasons, *(const uint32_t *)(never + 1)) : "");
}

int vpnl_print_group(const struct nlmsghdr *hdr, void *arg)
{
	uint32_t id = nl_u32(hdr, VFIOPOLICY_A_GROUP_ID, -1);

	(void)arg;
	printf("%u viability=%s domain=%s isolated_msi=%d\n", id,
	       NAME(viabilities, nl_u32(hdr, VFIOPOLICY_A_GROUP_VIABILITY, -1)),
	       NAME(domains, nl_u32(hdr, VFIOPOLICY_A_GROUP_DOMAIN, -1)),
	       !!nl_find(hdr, VFIOPOLICY_A_GROUP_ISOLATED_MSI));
	each(hdr, VFIOPOLICY_A_GROUP_MEMBER, print_member, id);
	return 0;
}

static uint64_t u64_of(const struct nlattr *attr)
{
	uint64_t val = 0;

	if (attr)
		memcpy(&val, attr + 1, sizeof(val));
	return val;
}

static void print_stuck(const struct nlattr *stuck, uint32_t unused)
{
	const struct nlattr *reason = in_nest(stuck, VFIOPOLICY_A_STUCK_REASON);

	(void)unused;
	printf(" %s=%llu", NAME(vpnl_reasons, *(const uint32_t *)(reason + 1)),
	       (unsigned long long)u64_of(in_nest(stuck, VFIOPOLICY_A_STUCK_COUNT)));
}

int vpnl_print_stats(const struct nlmsghdr *hdr, void *arg)
{
	static const char * const names[] = {
		[VFIOPOLICY_A_STATS_CLAIMS] = "claims",
		[VFIOPOLICY_A_STATS_HAND_OFFS] = "hand-offs",
		[VFIOPOLICY_A_STATS_RELEASES] = "releases",
		[VFIOPOLICY_A_STATS_TAKE_OVERS] = "take-overs",
		[VFIOPOLICY_A_STATS_LOST] = "lost",
		[VFIOPOLICY_A_STATS_VETOES] = "vetoes",
		[VFIOPOLICY_A_STATS_EVENTS] = "events",
		[VFIOPOLICY_A_STATS_EVENTS_LOST] = "events-lost",
	};
	size_t i;

	(void)arg;
	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		printf("%s%s=%llu", i > 1 ? " " : "", names[i],
		       (unsigned long long)u64_of(nl_find(hdr, i)));
	each(hdr, VFIOPOLICY_A_STATS_STUCK, print_stuck, 0);
	printf("\n");
	return 0;
}
