// SPDX-License-Identifier: GPL-2.0-only
/* What the module can be asked for, one function each. */
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl_call.h"

/**
 * vp_nl_info() - ask what the module is
 * @nl: the connection
 * @info: filled in on success
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_info(struct vp_nl *nl, struct vp_nl_info *info)
{
	struct nl_msg *msg = vp_nl_request(nl, VFIOPOLICY_CMD_INFO_GET, 0);

	memset(info, 0, sizeof(*info));
	return msg ? vp_nl_transact(nl, msg, NULL, vp_nl_read_info, info) :
		     -ENOMEM;
}

/**
 * vp_nl_rule_add() - add a rule
 * @nl: the connection
 * @text: the rule
 * @origin: where it comes from, an &enum vfiopolicy_origin
 * @rule: filled in on success with the rule as it stands in the table
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_rule_add(struct vp_nl *nl, const char *text, u32 origin,
		   struct vp_nl_rule *rule)
{
	struct nl_msg *msg = vp_nl_request(nl, VFIOPOLICY_CMD_RULE_ADD, 0);

	memset(rule, 0, sizeof(*rule));
	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, VFIOPOLICY_A_RULE_ORIGIN, origin) ||
	    nla_put_string(msg, VFIOPOLICY_A_RULE_TEXT, text)) {
		nlmsg_free(msg);
		return vp_nl_fail(nl, EMSGSIZE, NULL);
	}
	return vp_nl_transact(nl, msg, NULL, vp_nl_read_rule, rule);
}

/**
 * vp_nl_rule_del() - delete a rule
 * @nl: the connection
 * @id: its number, or 0 to go by @text
 * @text: the canonical form of the rule, whatever its origins
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_rule_del(struct vp_nl *nl, u32 id, const char *text)
{
	struct nl_msg *msg = vp_nl_request(nl, VFIOPOLICY_CMD_RULE_DEL, 0);
	int ret;

	if (!msg)
		return -ENOMEM;
	ret = id ? nla_put_u32(msg, VFIOPOLICY_A_RULE_ID, id) :
		   nla_put_string(msg, VFIOPOLICY_A_RULE_TEXT, text);
	if (ret) {
		nlmsg_free(msg);
		return vp_nl_fail(nl, EMSGSIZE, NULL);
	}
	return vp_nl_transact(nl, msg, NULL, NULL, NULL);
}

/* What one message of this size takes to be sent. */
static int make_room(struct vp_nl *nl, size_t size)
{
	int fd = nl_socket_get_fd(nl->sock), want = (int)size;

	if (size > INT_MAX / 2)
		return vp_nl_fail(nl, EMSGSIZE, NULL);
	/* Beyond the limit only root may, and only root may change rules. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
	return 0;
}

/**
 * vp_nl_rule_replace() - make the rules of one origin these, in one step
 * @nl: the connection
 * @origin: the origin, an &enum vfiopolicy_origin
 * @texts: the rules, in order
 * @count: number of @texts
 * @replaced: filled in on success
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_rule_replace(struct vp_nl *nl, u32 origin, const char *const *texts,
		       size_t count, struct vp_nl_replaced *replaced)
{
	size_t size = 256, i;
	struct nl_msg *msg;

	for (i = 0; i < count; i++)
		size += (size_t)nla_total_size((int)strlen(texts[i]) + 1);
	memset(replaced, 0, sizeof(*replaced));
	/* Of the socket's room the kernel counts more than the message. */
	if (make_room(nl, 2 * size))
		return -EMSGSIZE;
	msg = nlmsg_alloc_size(size);
	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				 0, VFIOPOLICY_CMD_RULE_REPLACE,
				 VFIOPOLICY_FAMILY_VERSION)) {
		nlmsg_free(msg);
		return vp_nl_fail(nl, ENOMEM, NULL);
	}
	if (nla_put_u32(msg, VFIOPOLICY_A_RULE_ORIGIN, origin))
		goto too_long;
	for (i = 0; i < count; i++)
		if (nla_put_string(msg, VFIOPOLICY_A_RULE_TEXTS, texts[i]))
			goto too_long;
	return vp_nl_transact(nl, msg, NULL, vp_nl_read_replaced, replaced);

too_long:
	nlmsg_free(msg);
	return vp_nl_fail(nl, EMSGSIZE, NULL);
}

/* A request that names one device. Return: 0 or -errno. */
static int ask_device(struct vp_nl *nl, int cmd, const char *address,
		      struct vp_nl_dev *dev)
{
	struct nl_msg *msg = vp_nl_request(nl, cmd, 0);

	memset(dev, 0, sizeof(*dev));
	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, VFIOPOLICY_A_DEV_ADDRESS, address)) {
		nlmsg_free(msg);
		return vp_nl_fail(nl, EMSGSIZE, NULL);
	}
	return vp_nl_transact(nl, msg, NULL, vp_nl_read_dev, dev);
}

/**
 * vp_nl_dev() - ask about one device
 * @nl: the connection
 * @address: its address, as the kernel writes it
 * @dev: filled in on success
 *
 * Return: 0; -ENODEV when no rule names it; -errno, with the reason in
 * @nl->error.
 */
int vp_nl_dev(struct vp_nl *nl, const char *address, struct vp_nl_dev *dev)
{
	return ask_device(nl, VFIOPOLICY_CMD_DEV_GET, address, dev);
}

/**
 * vp_nl_claim() - have one device brought to where its rule wants it
 * @nl: the connection
 * @address: its address, as the kernel writes it
 * @dev: filled in on success; with @pending, it is on its way
 *
 * Return: 0; -ENODEV when no rule names it; -EBUSY when it is a PF that has
 * VFs; -errno, with the reason in @nl->error.
 */
int vp_nl_claim(struct vp_nl *nl, const char *address, struct vp_nl_dev *dev)
{
	return ask_device(nl, VFIOPOLICY_CMD_DEV_CLAIM, address, dev);
}

/**
 * vp_nl_release() - have one device given back to the host, while its rule stays
 * @nl: the connection
 * @address: its address, as the kernel writes it
 * @dev: filled in on success; with @pending, it is on its way
 *
 * Return: 0; -ENODEV when no rule names it; -EBUSY while it is in use; -errno,
 * with the reason in @nl->error.
 */
int vp_nl_release(struct vp_nl *nl, const char *address, struct vp_nl_dev *dev)
{
	return ask_device(nl, VFIOPOLICY_CMD_DEV_RELEASE, address, dev);
}

/**
 * vp_nl_rules() - all rules, in the order in which they are tried
 * @nl: the connection
 * @rules: set to an array to be freed; NULL when there are none
 * @count: set to the number of @rules
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_rules(struct vp_nl *nl, struct vp_nl_rule **rules, size_t *count)
{
	struct vp_nl_pile pile = { .size = sizeof(**rules), .read = vp_nl_read_rule };
	int ret = vp_nl_dump(nl, VFIOPOLICY_CMD_RULE_GET, &pile);

	*rules = (struct vp_nl_rule *)pile.entries;
	*count = pile.count;
	return ret;
}

/**
 * vp_nl_devs() - all devices that a rule names
 * @nl: the connection
 * @devs: set to an array to be freed; NULL when there are none
 * @count: set to the number of @devs
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_devs(struct vp_nl *nl, struct vp_nl_dev **devs, size_t *count)
{
	struct vp_nl_pile pile = { .size = sizeof(**devs), .read = vp_nl_read_dev };
	int ret = vp_nl_dump(nl, VFIOPOLICY_CMD_DEV_GET, &pile);

	*devs = (struct vp_nl_dev *)pile.entries;
	*count = pile.count;
	return ret;
}

/**
 * vp_nl_group_free() - forget a group
 * @group: the group
 */
void vp_nl_group_free(struct vp_nl_group *group)
{
	free(group->members);
	group->members = NULL;
	group->count = 0;
}

static void drop_group(void *entry)
{
	vp_nl_group_free(entry);
}

/**
 * vp_nl_group() - ask about one IOMMU group
 * @nl: the connection
 * @id: its number
 * @group: filled in on success; to be freed with vp_nl_group_free()
 *
 * Return: 0; -ENOENT when the module knows of no device in it; -errno, with
 * the reason in @nl->error.
 */
int vp_nl_group(struct vp_nl *nl, u32 id, struct vp_nl_group *group)
{
	struct nl_msg *msg = vp_nl_request(nl, VFIOPOLICY_CMD_GROUP_GET, 0);
	int ret;

	memset(group, 0, sizeof(*group));
	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, VFIOPOLICY_A_GROUP_ID, id)) {
		nlmsg_free(msg);
		return vp_nl_fail(nl, EMSGSIZE, NULL);
	}
	ret = vp_nl_transact(nl, msg, NULL, vp_nl_read_group, group);
	if (ret)
		vp_nl_group_free(group);
	return ret;
}

/**
 * vp_nl_groups() - the IOMMU groups of all devices that a rule names
 * @nl: the connection
 * @groups: set to an array to be freed with vp_nl_groups_free()
 * @count: set to the number of @groups
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_groups(struct vp_nl *nl, struct vp_nl_group **groups, size_t *count)
{
	struct vp_nl_pile pile = {
		.size = sizeof(**groups),
		.read = vp_nl_read_group,
		.drop = drop_group,
	};
	int ret = vp_nl_dump(nl, VFIOPOLICY_CMD_GROUP_GET, &pile);

	*groups = (struct vp_nl_group *)pile.entries;
	*count = pile.count;
	return ret;
}

/**
 * vp_nl_groups_free() - forget groups
 * @groups: the groups; may be NULL
 * @count: number of @groups
 */
void vp_nl_groups_free(struct vp_nl_group *groups, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		vp_nl_group_free(&groups[i]);
	free(groups);
}

/**
 * vp_nl_stats() - ask what has happened since the module was loaded
 * @nl: the connection
 * @stats: filled in on success
 *
 * Return: 0 or -errno, with the reason in @nl->error.
 */
int vp_nl_stats(struct vp_nl *nl, struct vp_nl_stats *stats)
{
	struct nl_msg *msg = vp_nl_request(nl, VFIOPOLICY_CMD_STATS_GET, 0);

	memset(stats, 0, sizeof(*stats));
	return msg ? vp_nl_transact(nl, msg, NULL, vp_nl_read_stats, stats) :
		     -ENOMEM;
}
