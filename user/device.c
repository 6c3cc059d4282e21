// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a command is about: the host, and one device of it, found by the word
 * that was typed, with a hint where it was nearly one.
 */
#include <limits.h>
#include <unistd.h>

#include "command.h"
#include "device.h"
#include "named.h"
#include "output.h"
#include "peek.h"
#include "resolve.h"
#include "snapshot.h"

/* Devices that a hint names. */
#define HINT_MAX	4

#define HEX		"0123456789abcdefABCDEF"

/**
 * vp_device_host() - read the host that a command is about
 * @host: to be closed with vp_host_close(), also after an error
 * @on: a file with the devices of another host; NULL for this one
 *
 * Return: an &enum vp_exit, after having said what is wrong.
 */
int vp_device_host(struct vp_host *host, const char *on)
{
	char error[VP_SNAPSHOT_ERROR_LEN];
	int ret;

	if (on) {
		ret = vp_snapshot_load(on, host, error, sizeof(error));
		if (ret)
			vp_out_error("%s", error);
		return ret ? VP_EXIT_USAGE : VP_EXIT_DONE;
	}
	ret = vp_host_open(host, NULL, NULL);
	if (ret)
		vp_out_error("%s: %s",
			     host->devices_dir ? host->devices_dir : "sysfs",
			     strerror(-ret));
	return ret ? VP_EXIT_KERNEL : VP_EXIT_DONE;
}

/* Is @word the address but for its function: 82:00, 3:0, or 0000:82:00? */
static bool is_slot_of(const char *word, const struct vp_facts *facts)
{
	/* The domain may be left out when it is 0. */
	unsigned int domain = 0, bus, slot;
	const char *colon = strchr(word, ':');
	int end = 0;

	if (!colon)
		return false;
	if (strchr(colon + 1, ':')) {
		if (colon - word < 4 || strspn(word, HEX) != (size_t)(colon - word) ||
		    sscanf(word, "%8x:", &domain) != 1)
			return false;
		word = colon + 1;
	}
	/* More digits than these are ids. */
	return strspn(word, HEX ":") == strlen(word) &&
	       sscanf(word, "%2x:%2x%n", &bus, &slot, &end) == 2 &&
	       !word[end] && domain == facts->domain && bus == facts->bus &&
	       slot == facts->devfn >> 3;
}

static bool has_ids(const char *word, const struct vp_facts *facts)
{
	char ids[16];

	snprintf(ids, sizeof(ids), "%04x:%04x", facts->vendor, facts->device);
	return !strcasecmp(word, ids);
}

/**
 * vp_device_hint() - what a word that names no device may have been meant for
 * @host: the host
 * @word: what was typed
 * @hint: set to a sentence, or to nothing; %VP_DEVICE_LEN bytes
 *
 * An address without its function reads as an id, and an id is no device.
 *
 * Return: true when there is one.
 */
bool vp_device_hint(const struct vp_host *host, const char *word, char *hint)
{
	char list[VP_DEVICE_LEN / 2] = "";
	const struct vp_host_dev *dev;
	bool slot = false;
	size_t count = 0;

	hint[0] = '\0';
	for (dev = host->devs; dev < host->devs + host->count; dev++) {
		if (!has_ids(word, &dev->facts) &&
		    !is_slot_of(word, &dev->facts))
			continue;
		slot |= is_slot_of(word, &dev->facts);
		if (count && count < HINT_MAX)
			vp_peek_append(list, sizeof(list), ", ");
		if (count < HINT_MAX)
			vp_peek_append(list, sizeof(list), "%s",
				       dev->address);
		else if (count == HINT_MAX)
			vp_peek_append(list, sizeof(list), " and more");
		count++;
	}
	if (!count)
		return false;
	snprintf(hint, VP_DEVICE_LEN, slot ?
		 "An address ends in a function. Did you mean %s?" :
		 "That is an id; what has it here is %s.", list);
	return true;
}

/* The only device of a rule. Return: an exit status, after having said why not. */
static int device_of_rule(const struct vp_host *host,
			  const struct vp_named *named,
			  const struct vp_host_dev **dev)
{
	char name[VP_NAMES_LEN];
	size_t i;

	if (named->count == 1) {
		*dev = named->devs[0];
		return VP_EXIT_DONE;
	}
	if (!named->count) {
		vp_named_say_none(named);
		return VP_EXIT_NOT_FOUND;
	}
	vp_out_error("rule %u has %zu devices; name one of them: %s", named->id,
		     named->count, named->text);
	for (i = 0; i < named->count; i++) {
		vp_out_name(host, &named->devs[i]->facts, name, sizeof(name));
		vp_out_error_more("  %s  %s", named->devs[i]->address, name);
	}
	return VP_EXIT_USAGE;
}

/**
 * vp_device_serial() - does a word have a serial number that some device has
 * @host: the host
 * @word: what was typed: the number, perhaps behind serial= or the like
 * @hint: set to how to name that device, or to nothing; %VP_DEVICE_LEN bytes
 *
 * What a disk or a controller calls itself is shown, and looks as if it would do;
 * no rule can ask for it, as nobody can read it once the disk has gone to a guest.
 *
 * Return: true when there is one.
 */
bool vp_device_serial(const struct vp_host *host, const char *word, char *hint)
{
	const char *equals = strchr(word, '='), *number;
	struct vp_host_identity identity;
	const struct vp_host_dev *dev;

	hint[0] = '\0';
	number = equals ? equals + 1 : word;
	for (dev = host->devs; number[0] && dev < host->devs + host->count;
	     dev++) {
		vp_host_identify(host, dev, &identity);
		if (!identity.serial[0] || strcmp(identity.serial, number) != 0)
			continue;
		snprintf(hint, VP_DEVICE_LEN, "%s has the serial number %.64s: name it by its address, or its disk as in /dev/disk/by-id.",
			 dev->address, number);
		return true;
	}
	return false;
}

/**
 * vp_device_find() - the device that a word of the command line means
 * @host: the host
 * @word: what was typed
 * @dev: set to the device on success
 *
 * What is the name or the number of a rule, and no device is called so, means the
 * device that the rule has.
 *
 * Return: an &enum vp_exit, after having said what is wrong.
 */
int vp_device_find(struct vp_host *host, const char *word,
		   const struct vp_host_dev **dev)
{
	char text[VP_RESOLVE_LEN];
	struct vp_named named;
	int ret, status;

	ret = vp_resolve(host, word, dev, text, sizeof(text));
	if (!ret)
		return VP_EXIT_DONE;
	if (ret == -ENOENT) {
		status = vp_named_find(host, word, &named) ?
			 -1 : device_of_rule(host, &named, dev);
		vp_named_free(&named);
		if (status >= 0)
			return status;
	}
	if (text[0])
		vp_out_error("%s", text);
	else
		vp_out_error("'%s' is no device here: expected an address, a network interface, a disk, a device file, or a rule's name",
			     word);
	if (vp_device_hint(host, word, text) ||
	    vp_named_hint(host, word, text) ||
	    vp_device_serial(host, word, text))
		vp_out_error_more("%s", text);
	return ret == -ENOTUNIQ ? VP_EXIT_USAGE : VP_EXIT_NOT_FOUND;
}

/**
 * vp_device_is_vfio_driver() - is a driver one of vfio's by its name
 * @driver: its name
 *
 * The same rule as in the module: vfio-pci, and the variants of it.
 *
 * Return: true when it is.
 */
bool vp_device_is_vfio_driver(const char *driver)
{
	return strstr(driver, "vfio") && strcmp(driver, "vfiopolicy") != 0;
}

/**
 * vp_device_is_vfio() - would a driver give its devices to a guest
 * @host: the host
 * @address: a device that the driver has
 * @driver: its name
 *
 * Variant drivers may have any name; but a device that one of vfio's has got a
 * folder of vfio's from 6.1 on.
 *
 * Return: true when it would.
 */
bool vp_device_is_vfio(const struct vp_host *host, const char *address,
		       const char *driver)
{
	char path[PATH_MAX];

	if (!driver[0])
		return false;
	if (vp_device_is_vfio_driver(driver))
		return true;
	if (!host->sysfs)
		return false;
	snprintf(path, sizeof(path), "%s/%s/vfio-dev", host->devices_dir,
		 address);
	return !access(path, F_OK);
}
