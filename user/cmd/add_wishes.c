// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vfiopolicy add refuses of a rule's options, as this host cannot do it: a
 * rule that is there and never met helps nobody. And what it says of rules that
 * would not be heard.
 */
#include <unistd.h>

#include "add.h"
#include "device.h"
#include "output.h"
#include "wishes.h"

/* Devices of which it is said that another rule comes first. */
#define SHADOWED	4

/* Says what cannot be told. Return: an exit status, after a refusal. */
static int refuse(const struct add *add, enum vp_wish wish, const char *text,
		  const char *next)
{
	if (wish == VP_WISH_FINE)
		return VP_EXIT_DONE;
	if (wish == VP_WISH_UNSURE ||
	    (wish == VP_WISH_ABSENT && add->args->given & VP_OPT_ABSENT_OK)) {
		vp_out_note("%s", text);
		return VP_EXIT_DONE;
	}
	if (add_is_forced(add)) {
		vp_out_error("%s; overridden by --force", text);
		return VP_EXIT_DONE;
	}
	vp_out_error("%s", text);
	vp_out_error_more("Nothing was changed. %s; %s.", next,
			  wish == VP_WISH_ABSENT ?
			  "--absent-ok adds the rule for one that comes later" :
			  "--force adds it all the same");
	return VP_EXIT_USAGE;
}

static int check_driver(const struct add *add)
{
	const char *driver = add->words.rule.driver;
	char text[VP_WISH_LEN];
	enum vp_wish wish;
	size_t i;

	if (add->words.rule.action != VP_VFIO)
		return VP_EXIT_DONE;
	wish = vp_wish_driver(&add->host, driver, text);
	for (i = 0; i < add->count && driver[0]; i++) {
		if (strcmp(add->matches[i]->driver, driver) != 0 ||
		    vp_device_is_vfio(&add->host, add->matches[i]->address,
				      driver))
			continue;
		wish = VP_WISH_WRONG;
		snprintf(text, sizeof(text), "driver=%s: that is the host's own driver of %s, and gives nothing to guests",
			 driver, add->matches[i]->address);
		break;
	}
	return refuse(add, wish, text,
		      "Without driver= it is vfio-pci, and driver=best finds a variant that knows the device");
}

static int check_owner(const struct add *add)
{
	const char *owner = add->words.rule.owner;
	char text[VP_WISH_LEN];
	uid_t uid;
	gid_t gid;

	if (!owner[0] || add->args->on ||
	    vp_wish_owner(owner, &uid, &gid, text) == VP_WISH_FINE)
		return VP_EXIT_DONE;
	if (add->args->given & VP_OPT_ABSENT_OK) {
		vp_out_note("%s: until there is, root alone can open what the rule isolates",
			    text);
		return VP_EXIT_DONE;
	}
	vp_out_error("%s", text);
	vp_out_error_more("Nothing was changed. getent passwd and getent group list them; --absent-ok adds the rule for one that comes later.");
	return VP_EXIT_NOT_FOUND;
}

/* Of several devices one that can is enough. */
static int check_vfs(const struct add *add)
{
	const u32 count = add->words.rule.num_vfs;
	char text[VP_WISH_LEN], first[VP_WISH_LEN] = "";
	size_t i, fine = 0;

	for (i = 0; i < add->count && count && add->host.sysfs; i++) {
		if (vp_wish_vfs(&add->host, add->matches[i], count, text) ==
		    VP_WISH_FINE)
			fine++;
		else if (!first[0])
			memcpy(first, text, sizeof(first));
	}
	if (!first[0])
		return VP_EXIT_DONE;
	return refuse(add, fine ? VP_WISH_UNSURE : VP_WISH_WRONG, first,
		      "Say fewer, or name another device");
}

/* A rule behind another one is not heard of the devices that both name. */
static void say_shadowed(const struct add *add)
{
	const struct vp_entry *entry;
	const struct vp_host_dev *dev;
	size_t i, count = 0;
	enum vp_fit fit;
	char number[32];

	for (i = 0; i < add->count; i++) {
		dev = add->matches[i];
		entry = vp_forecast_entry(&add->host, add->table, dev, &fit);
		if (!entry || entry == add->mine)
			continue;
		if (count++ >= SHADOWED)
			continue;
		/* What is saved and not in force has no number. */
		if (entry->id == VP_TABLE_NEW)
			strcpy(number, "a rule that is saved");
		else
			snprintf(number, sizeof(number), "rule %u", entry->id);
		vp_out_note("%s comes first: this one has no effect on %s: %s",
			    number, dev->address, entry->text);
	}
	if (count > SHADOWED)
		vp_out_note("so it is with %zu more devices", count - SHADOWED);
}

/* What is refused or told depends on what can be seen. */
static void say_unseen(const struct add *add)
{
	if (geteuid() && add->host.sysfs && add->words.rule.action != VP_LEAVE)
		vp_out_note("who is not root does not see all that uses a device, such as files that others have open");
}

/**
 * add_check_wishes() - can this host do what the rule asks for
 * @add: this run
 *
 * Return: an exit status.
 */
int add_check_wishes(const struct add *add)
{
	int ret;

	ret = check_driver(add);
	if (!ret)
		ret = check_owner(add);
	if (!ret)
		ret = check_vfs(add);
	if (ret)
		return ret;
	say_shadowed(add);
	say_unseen(add);
	return VP_EXIT_DONE;
}
