// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy owner GROUP|ADDRESS
 *
 * For udev, which asks it when a node of vfio appears: to whom do the rules give
 * this IOMMU group, or this device? The answer is two numbers, or none. Hidden,
 * since people have status.
 *
 * At that moment a device is still on its way to its target, which is what the
 * record of the device says, not what sysfs does.
 */
#include <dirent.h>

#include "output.h"
#include "rule.h"
#include "wishes.h"

/**
 * struct owner - whom the members of a group that were asked about agree upon
 * @members: how many have, or get, a vfio driver
 * @agreed: all of these name the same owner
 * @uid: that user
 * @gid: that group
 */
struct owner {
	size_t members;
	bool agreed;
	uid_t uid;
	gid_t gid;
};

/* Says who is not known. */
static bool look_up(const char *text, uid_t *uid, gid_t *gid)
{
	char error[VP_WISH_LEN];

	if (vp_wish_owner(text, uid, gid, error) == VP_WISH_FINE)
		return true;
	vp_out_error("%s", error);
	return false;
}

/* Does a user of vfio get this one with its group? */
static bool is_given(const struct vp_nl_dev *dev)
{
	if (dev->reason == VFIOPOLICY_REASON_WITH)
		return false;
	return dev->state == VFIOPOLICY_STATE_HANDING_OFF ||
	       dev->state == VFIOPOLICY_STATE_ISOLATED;
}

/* Return: 0, or -errno when there is no asking the module. */
static int ask(struct vp_nl *nl, const char *address, struct owner *owner)
{
	struct vp_nl_dev dev;
	struct vp_error error;
	struct vp_rule rule;
	uid_t uid = 0;
	gid_t gid = 0;
	bool known;
	int ret;

	ret = vp_nl_dev(nl, address, &dev);
	if (ret == -ENODEV)
		return 0;
	if (ret)
		return ret;
	if (!is_given(&dev))
		return 0;
	known = !vp_rule_parse(dev.rule_text, strlen(dev.rule_text), &rule, &error) &&
		rule.owner[0] && look_up(rule.owner, &uid, &gid);
	if (known && !owner->members++) {
		owner->uid = uid;
		owner->gid = gid;
	} else if (!known || owner->uid != uid || owner->gid != gid) {
		owner->agreed = false;
	}
	return 0;
}

static int ask_group(struct vp_nl *nl, const char *number, struct owner *owner)
{
	const char *sysfs = getenv("VFIOPOLICY_SYSFS");
	const struct dirent *entry;
	struct vp_facts facts;
	char path[PATH_MAX];
	DIR *dir;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%.10s/devices",
		 sysfs ? sysfs : "/sys", number);
	dir = opendir(path);
	if (!dir)
		return -ENODEV;
	while (!ret && (entry = readdir(dir)))
		if (!vp_host_address(entry->d_name, &facts))
			ret = ask(nl, entry->d_name, owner);
	closedir(dir);
	return ret;
}

static int say(const struct owner *owner)
{
	const char *action = getenv("ACTION");

	if (owner->members && owner->agreed)
		printf("%u %u\n", owner->uid, owner->gid);
	else if (action && !strcmp(action, "change"))
		/* udev leaves a node as it is when it hears nothing. */
		puts("0 0");
	return VP_EXIT_DONE;
}

static int run(const struct vp_args *args)
{
	const char *word = args->words[0];
	struct owner owner = { .agreed = true };
	bool number = word[0] && !word[strspn(word, "0123456789")];
	struct vp_facts facts;
	struct vp_nl nl;
	int ret;

	if (!number && vp_host_address(word, &facts)) {
		vp_out_error("'%s': expected the number of an IOMMU group, or an address", word);
		return VP_EXIT_USAGE;
	}
	ret = vp_nl_open(&nl);
	if (!ret)
		ret = number ? ask_group(&nl, word, &owner) :
			       ask(&nl, word, &owner);
	if (!ret)
		ret = say(&owner);
	else if (ret == -ENODEV)
		ret = VP_EXIT_NOT_FOUND;
	else
		ret = VP_EXIT_KERNEL;
	vp_nl_close(&nl);
	return ret;
}

const struct vp_command vp_cmd_owner = {
	.name = "owner",
	.synopsis = "GROUP|ADDRESS",
	.summary = "for udev: to whom rules give a node of vfio",
	.help =
"The answer is the numbers of a user and a group, or nothing.\n",
	.hidden = true,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
