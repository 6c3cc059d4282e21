// SPDX-License-Identifier: GPL-2.0-only
/* What import found, what it would do, and what it did. */
#include <json.h>

#include "import.h"
#include "output.h"

/* The driver that has a device in spite of the old setting, or NULL. */
static const char *native_driver(const struct vp_host_dev *dev)
{
	static const char *const keepers[] = {
		"", "vfio-pci", "vfio_pci", "pci-stub", "pciback", "vfiopolicy",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keepers); i++)
		if (!strcmp(dev->driver, keepers[i]))
			return NULL;
	return dev->driver;
}

/* An address stands there once, whether typed with its domain or without. */
static void print_claim(const struct vp_claim *claim,
			const struct vp_host_dev *dev, char *buf, size_t size)
{
	char address[VP_HOST_LEN];
	struct vp_facts facts;

	if (!vp_host_address(claim->text, &facts)) {
		vp_host_print_address(&facts, address);
		if (!strcmp(address, dev->address)) {
			snprintf(buf, size, "%s", address);
			return;
		}
	}
	snprintf(buf, size, "%s: %s", claim->text, dev->address);
}

static void show_claim(const struct vp_import *import,
		       const struct vp_claim *claim)
{
	const struct vp_host_dev **devs;
	char name[VP_NAMES_LEN], what[VP_CLAIM_TEXT + VP_HOST_LEN + 2];
	const char *driver;
	size_t count, i;

	if (!claim->counts) {
		vp_out_say("  %s: %s", claim->text, claim->why);
		return;
	}
	count = vp_import_devices(import, claim, &devs);
	for (i = 0; i < count; i++) {
		vp_out_name(&import->host, &devs[i]->facts, name, sizeof(name));
		driver = native_driver(devs[i]);
		print_claim(claim, devs[i], what, sizeof(what));
		vp_out_say("  %s %s%s%s%s", what, name,
			   driver ? "; today the setting loses it to " : "",
			   driver ? driver : "",
			   driver ? ", a rule would not" : "");
	}
	if (!count && vp_import_bridge(import, claim))
		vp_out_say("  %s: a bridge, which no guest can have",
			   claim->text);
	else if (!count && vp_claim_lasts(claim))
		vp_out_say("  %s: no device that is present", claim->text);
	else if (!count)
		vp_out_say("  %s: no device is there, and an address alone may be another's tomorrow: not imported",
			   claim->text);
	if (claim->why[0])
		vp_out_say("  %s: %s", claim->text, claim->why);
	free(devs);
}

static void show_claims(const struct vp_import *import)
{
	const struct vp_site_entry *last = NULL;
	const struct vp_claim *claim;
	size_t i;

	for (i = 0; i < import->claims.count; i++) {
		claim = &import->claims.claims[i];
		if (claim->entry != last)
			vp_out_say("%s, line %u: %s", claim->entry->path,
				   claim->entry->line, claim->entry->text);
		last = claim->entry;
		show_claim(import, claim);
	}
}

static void show_rule(const struct vp_import_rule *one)
{
	char what[VP_RESOLVE_LEN];

	if (one->by && !strcmp(one->by->text, one->text))
		snprintf(what, sizeof(what), "is there already");
	else if (one->by && one->by->rule->action == VP_LEAVE)
		snprintf(what, sizeof(what), "not added: a rule leaves it to the host, %.400s",
			 one->by->text);
	else if (one->by)
		snprintf(what, sizeof(what), "not added: a rule does it, %.400s",
			 one->by->text);
	else if (one->covered[0])
		snprintf(what, sizeof(what), "not added: another one does it, %.400s",
			 one->covered);
	else if (one->comment[0])
		snprintf(what, sizeof(what), "%s", one->comment);
	else if (one->devices)
		snprintf(what, sizeof(what), "%zu devices, and those that come",
			 one->devices);
	else
		snprintf(what, sizeof(what), "no device that is present");
	vp_out_say("  %s    # %s", one->text, what);
}

static void show_old(const struct vp_import *import,
		     const struct vp_import_old *old)
{
	const char *update = vp_loader_after(&import->loader, old->entry);

	if (old->stays[0])
		vp_out_say("  stays: %s, line %u: %s (%s)", old->entry->path,
			   old->entry->line, old->entry->text, old->stays);
	else
		vp_out_say("  %s, line %u: %s%s%s", old->entry->path,
			   old->entry->line, old->entry->text,
			   update[0] ? ", then " : "", update);
}

/* What no program should take apart. */
static void show_scripts(const struct vp_import *import)
{
	const struct vp_site_entry *entry;
	size_t i;

	for (i = 0; i < import->site.count; i++) {
		entry = &import->site.entries[i];
		if (entry->kind == VP_SITE_SCRIPT ||
		    (entry->kind == VP_SITE_INSTALL &&
		     vp_site_is_module(entry->key, "vfio_pci")))
			vp_out_note("%s, line %u, does it by a script, which is not imported: %.120s",
				    entry->path, entry->line, entry->text);
	}
}

/* What was given by hand, or in a file that nobody here knows. */
static void show_unknown(const struct vp_import *import)
{
	const struct vp_site_entry *word, *entry, *last = NULL;
	size_t i, j;

	for (i = 0; i < import->claims.count; i++) {
		word = import->claims.claims[i].entry;
		if (word->kind != VP_SITE_CMDLINE || word == last)
			continue;
		last = word;
		for (j = 0; j < import->site.count; j++) {
			entry = &import->site.entries[j];
			if (entry->kind == VP_SITE_LOADER &&
			    !strcmp(entry->key, word->key))
				break;
		}
		if (j == import->site.count)
			vp_out_note("%s is on the command line of this kernel and in no file that is known here: if it is still there after a restart, take it out of your boot loader by hand",
				    word->text);
	}
}

/**
 * vp_import_show() - say what was found and what would be done
 * @import: the plan
 */
void vp_import_show(const struct vp_import *import)
{
	size_t i;

	show_claims(import);
	if (import->count)
		vp_out_say("rules:");
	for (i = 0; i < import->count; i++)
		show_rule(&import->plan[i]);
	if (import->nolds)
		vp_out_say("what is not needed then, and --remove-old takes out:");
	for (i = 0; i < import->nolds; i++)
		show_old(import, &import->olds[i]);
	show_unknown(import);
	show_scripts(import);
	if (!import->claims.count)
		vp_out_say("nothing to import: no setting that is known here gives devices to guests");
}

/**
 * vp_import_show_done() - say what was done
 * @import: the plan
 */
void vp_import_show_done(const struct vp_import *import)
{
	const struct vp_import_rule *one;
	size_t i;

	for (i = 0; i < import->count; i++) {
		one = &import->plan[i];
		if (one->saved)
			vp_out_say("saved in %s, line %u: %s", one->place.path,
				   one->place.line, one->text);
	}
	if (import->fresh && import->loaded)
		vp_out_say("what became of them: vfiopolicy status");
}

static struct json_object *json_claims(const struct vp_import *import)
{
	struct json_object *list = json_object_new_array(), *one, *addresses;
	const struct vp_host_dev **devs;
	const struct vp_claim *claim;
	size_t i, j, count;

	for (i = 0; i < import->claims.count; i++) {
		claim = &import->claims.claims[i];
		one = json_object_new_object();
		vp_out_json_string(one, "file", claim->entry->path);
		vp_out_json_number(one, "line", claim->entry->line);
		vp_out_json_string(one, "setting", claim->entry->text);
		vp_out_json_string(one, "text", claim->text);
		vp_out_json_bool(one, "counts", claim->counts);
		vp_out_json_string(one, "why", claim->why);
		addresses = json_object_new_array();
		count = vp_import_devices(import, claim, &devs);
		for (j = 0; j < count; j++)
			json_object_array_add(addresses,
					      json_object_new_string(devs[j]->address));
		free(devs);
		json_object_object_add(one, "devices", addresses);
		json_object_array_add(list, one);
	}
	return list;
}

/**
 * vp_import_json() - the plan, and what was done of it
 * @import: the plan
 *
 * Return: an object.
 */
struct json_object *vp_import_json(const struct vp_import *import)
{
	struct json_object *obj = vp_out_json(), *list, *one;
	bool changed = false;
	size_t i;

	json_object_object_add(obj, "claims", json_claims(import));
	list = json_object_new_array();
	for (i = 0; i < import->count; i++) {
		one = json_object_new_object();
		vp_out_json_string(one, "text", import->plan[i].text);
		vp_out_json_number(one, "devices", import->plan[i].devices);
		vp_out_json_string(one, "covered_by", vp_import_covered(&import->plan[i]));
		vp_out_json_bool(one, "saved", import->plan[i].saved);
		json_object_array_add(list, one);
		changed |= import->plan[i].saved;
	}
	json_object_object_add(obj, "rules", list);
	list = json_object_new_array();
	for (i = 0; i < import->nolds; i++) {
		one = json_object_new_object();
		vp_out_json_string(one, "file", import->olds[i].entry->path);
		vp_out_json_number(one, "line", import->olds[i].entry->line);
		vp_out_json_string(one, "text", import->olds[i].entry->text);
		vp_out_json_string(one, "stays", import->olds[i].stays);
		vp_out_json_bool(one, "removed", import->olds[i].removed);
		vp_out_json_string(one, "then",
				   vp_loader_after(&import->loader,
						   import->olds[i].entry));
		json_object_array_add(list, one);
		changed |= import->olds[i].removed;
	}
	json_object_object_add(obj, "old", list);
	vp_out_json_bool(obj, "changed", changed);
	return obj;
}
