// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules that were kept from being loaded, perhaps for the sake of devices that
 * rules have now. Which devices a module knows is in a list of many thousand
 * lines, which is gone over once, however many modules and devices there are.
 */
#include <fnmatch.h>

#include "import.h"
#include "site.h"

/* Room for what sysfs says of a device to find its modules by. */
#define MODALIAS_LEN	256

/**
 * struct pattern - devices that a module of a blacklist knows
 * @entry: the setting
 * @text: a pattern of their modalias
 */
struct pattern {
	const struct vp_site_entry *entry;
	char *text;
};

/**
 * struct blacklists - all of them
 * @import: what has the settings and the host
 * @patterns: what their modules know
 * @count: number of @patterns
 * @room: how many there is room for
 * @modaliases: of the devices of the host, in their order
 * @failed: there was no memory
 */
struct blacklists {
	const struct vp_import *import;
	struct pattern *patterns;
	size_t count;
	size_t room;
	char (*modaliases)[MODALIAS_LEN];
	bool failed;
};

static bool take(const char *text, const char *module, void *arg)
{
	struct blacklists *lists = arg;
	const struct vp_site *site = &lists->import->site;
	struct pattern *more;
	size_t i, room;

	if (strncmp(text, "pci:", 4) != 0)
		return false;
	for (i = 0; i < site->count; i++) {
		if (site->entries[i].kind != VP_SITE_BLACKLIST ||
		    !vp_site_is_module(module, site->entries[i].key))
			continue;
		if (lists->count == lists->room) {
			room = lists->room ? lists->room * 2 : 64;
			more = reallocarray(lists->patterns, room, sizeof(*more));
			lists->failed = !more;
			if (!more)
				return true;
			lists->patterns = more;
			lists->room = room;
		}
		more = &lists->patterns[lists->count];
		more->entry = &site->entries[i];
		more->text = strdup(text);
		lists->failed = !more->text;
		if (lists->failed)
			return true;
		lists->count++;
	}
	return false;
}

static void read_modaliases(struct blacklists *lists)
{
	const struct vp_host *host = &lists->import->host;
	const struct vp_site sys = { .root = host->sysfs };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < host->count; i++) {
		snprintf(path, sizeof(path), "/bus/pci/devices/%s/modalias",
			 host->devs[i].address);
		vp_site_text(&sys, path, lists->modaliases[i], MODALIAS_LEN);
	}
}

static bool knows(const struct blacklists *lists,
		  const struct vp_site_entry *entry, const char *modalias)
{
	size_t i;

	for (i = 0; i < lists->count && modalias[0]; i++)
		if (lists->patterns[i].entry == entry &&
		    !fnmatch(lists->patterns[i].text, modalias, 0))
			return true;
	return false;
}

/* For other devices it is still to be kept. Return: 0 or -ENOMEM. */
static int add(struct vp_import *import, const struct blacklists *lists,
	       const struct vp_site_entry *entry)
{
	const struct vp_host_dev *dev, *other = NULL;
	struct vp_import_old *old;
	bool ours = false;
	size_t i;

	for (i = 0; i < import->host.count; i++) {
		dev = &import->host.devs[i];
		if (!knows(lists, entry, lists->modaliases[i]))
			continue;
		if (vp_import_will_be_ruled(import, dev))
			ours = true;
		else
			other = dev;
	}
	if (!ours)
		return 0;
	old = vp_import_add_old(import, entry);
	if (!old)
		return -ENOMEM;
	if (other)
		vp_import_stay(old, "it keeps %s off %s as well, which no rule names",
			       entry->key, other->address);
	return 0;
}

/**
 * vp_import_blacklists() - which modules need not be kept from being loaded
 * @import: the plan, which has its rules
 *
 * Return: 0 or -ENOMEM.
 */
int vp_import_blacklists(struct vp_import *import)
{
	struct blacklists lists = { .import = import };
	int ret = 0;
	size_t i;

	vp_kernel_patterns(&import->kernels, import->kernels.running, false,
			   take, &lists);
	lists.modaliases = calloc(import->host.count + 1, MODALIAS_LEN);
	if (lists.failed || !lists.modaliases)
		ret = -ENOMEM;
	else if (lists.count)
		read_modaliases(&lists);
	for (i = 0; i < import->site.count && lists.count && !ret; i++)
		if (import->site.entries[i].kind == VP_SITE_BLACKLIST)
			ret = add(import, &lists, &import->site.entries[i]);
	while (lists.count)
		free(lists.patterns[--lists.count].text);
	free(lists.patterns);
	free(lists.modaliases);
	return ret;
}
