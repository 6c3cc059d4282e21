// SPDX-License-Identifier: GPL-2.0-only
/*
 * From settings of others to rules: what the kernel really takes of them, one
 * rule for each device where that is how it was meant, and which settings can
 * go once the rules are there.
 */
#include <fnmatch.h>

#include "import.h"
#include "output.h"

/**
 * vp_import_devices() - the devices that a claim is about
 * @import: what has the host
 * @claim: the claim
 * @devs: set to the devices, to be freed
 *
 * Return: how many.
 */
size_t vp_import_devices(const struct vp_import *import,
			 const struct vp_claim *claim,
			 const struct vp_host_dev ***devs)
{
	*devs = calloc(import->host.count + 1, sizeof(const void *));
	if (!*devs || !claim->counts)
		return 0;
	return vp_claim_devices(&import->host, &claim->rule, *devs);
}

/**
 * vp_import_bridge() - is nothing but bridges claimed
 * @import: what has the host
 * @claim: the claim
 *
 * Return: one of the bridges, or NULL.
 */
const struct vp_host_dev *vp_import_bridge(const struct vp_import *import,
					   const struct vp_claim *claim)
{
	const struct vp_host_dev *dev, *bridge = NULL;
	size_t i;

	for (i = 0; claim->counts && i < import->host.count; i++) {
		dev = &import->host.devs[i];
		if (vp_match(&claim->rule, &dev->facts, NULL) != VP_FIT_MATCH)
			continue;
		if (!dev->bridge)
			return NULL;
		bridge = dev;
	}
	return bridge;
}

/* The rule of the plan with the same selectors, or NULL. */
static struct vp_import_rule *find(const struct vp_import *import,
				   const struct vp_rule *rule)
{
	char mine[VP_RULEARG_LEN], other[VP_RULEARG_LEN];
	size_t i;

	vp_rule_print_selectors(rule, mine, sizeof(mine));
	for (i = 0; i < import->count; i++) {
		vp_rule_print_selectors(&import->plan[i].rule, other,
					sizeof(other));
		if (!strcmp(mine, other))
			return &import->plan[i];
	}
	return NULL;
}

static void set_text(struct vp_import_rule *one)
{
	vp_rule_print(&one->rule, one->text, sizeof(one->text));
}

static int add(struct vp_import *import, const struct vp_rule *rule,
	       const struct vp_host_dev *const *devs, size_t count)
{
	struct vp_import_rule *one = find(import, rule), *more;
	const struct vp_rules_entry *by = NULL;
	size_t i;

	if (one) {
		/* A guest can have what is to be had by a guest. */
		if (rule->action == VP_VFIO && one->rule.action == VP_HOLD) {
			one->rule.action = VP_VFIO;
			set_text(one);
		}
		return 0;
	}
	more = reallocarray(import->plan, import->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	import->plan = more;
	one = &more[import->count++];
	memset(one, 0, sizeof(*one));
	one->rule = *rule;
	one->devices = count;
	set_text(one);
	if (count == 1)
		vp_resolve_comment(&import->host, devs[0], one->comment,
				   sizeof(one->comment));
	for (i = 0; i < count; i++) {
		by = vp_claim_ruled(&import->rules, import->table, devs[i]);
		if (!by)
			break;
	}
	one->by = count ? by : vp_rules_find(&import->rules, one->text);
	return 0;
}

/* Return: 0 or -ENOMEM. */
static int add_pinned(struct vp_import *import, enum vp_action action,
		      const struct vp_host_dev *dev)
{
	struct vp_rule rule;

	/* A VF without a number has its address alone. */
	if (vp_resolve_rule(dev, &rule)) {
		memset(&rule, 0, sizeof(rule));
		rule.count = 1;
		rule.selectors[0].kind = VP_SEL_ADDRESS;
		rule.selectors[0].place = (struct vp_place){
			.domain = dev->facts.domain, .bus = dev->facts.bus,
			.count = 1, .devfn = { dev->facts.devfn },
		};
	}
	rule.action = action;
	return add(import, &rule, &dev, 1);
}

/*
 * An id that several have means all of them, and stays one rule; an address
 * means what is there now, each for itself.
 */
static int add_claim(struct vp_import *import, const struct vp_claim *claim)
{
	bool ids = vp_claim_lasts(claim);
	const struct vp_host_dev **devs;
	size_t count, i;
	int ret = 0;

	count = vp_import_devices(import, claim, &devs);
	if (!devs)
		return -ENOMEM;
	if (ids && count != 1)
		ret = vp_import_bridge(import, claim) ? 0 :
		      add(import, &claim->rule, devs, count);
	else
		for (i = 0; i < count && !ret; i++)
			ret = add_pinned(import, claim->rule.action, devs[i]);
	free(devs);
	return ret;
}

/* Will rules have this device: those of the files, or those of the plan? */
static bool will_be_ruled(const struct vp_import *import,
			  const struct vp_host_dev *dev)
{
	const struct vp_rules_entry *by;
	size_t i;

	by = vp_claim_ruled(&import->rules, import->table, dev);
	if (by)
		return by->rule->action != VP_LEAVE;
	for (i = 0; i < import->count; i++)
		if (vp_match(&import->plan[i].rule, &dev->facts, NULL) ==
		    VP_FIT_MATCH)
			return true;
	return false;
}

static struct vp_import_old *add_old(struct vp_import *import,
				     const struct vp_site_entry *entry)
{
	struct vp_import_old *more;

	more = reallocarray(import->olds, import->nolds + 1, sizeof(*more));
	if (!more)
		return NULL;
	import->olds = more;
	more += import->nolds++;
	memset(more, 0, sizeof(*more));
	more->entry = entry;
	more->words = entry->kind == VP_SITE_LOADER ?
		      vp_claim_words(&import->site, entry) : 1;
	return more;
}

__attribute__((format(printf, 2, 3)))
static void stay(struct vp_import_old *old, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(old->stays, sizeof(old->stays), fmt, ap);
	va_end(ap);
}

/* A setting with claims can go when rules will do all of them. */
static int add_old_claims(struct vp_import *import, size_t first)
{
	const struct vp_claim *claim = &import->claims.claims[first];
	const struct vp_site_entry *entry = claim->entry;
	struct vp_import_old *old = add_old(import, entry);
	const struct vp_host_dev **devs;
	size_t count, i, at;

	if (!old)
		return -ENOMEM;
	for (at = first; at < import->claims.count; at++) {
		claim = &import->claims.claims[at];
		if (claim->entry != entry)
			break;
		if (!claim->counts && entry->kind == VP_SITE_DRIVERCTL)
			stay(old, "%s", claim->why);
		count = vp_import_devices(import, claim, &devs);
		if (claim->counts && !count && !vp_claim_lasts(claim) &&
		    !vp_import_bridge(import, claim))
			stay(old, "no device is at %.80s", claim->text);
		for (i = 0; devs && i < count; i++)
			if (!will_be_ruled(import, devs[i]))
				stay(old, "a rule leaves %s to the host",
				     devs[i]->address);
		if (!devs)
			return -ENOMEM;
		free(devs);
	}
	return 0;
}

/* Is every module that is to be loaded first one of those that rules replace? */
static bool is_for_guests(const char *softdep)
{
	static const char *const known[] = {
		"pre:", "vfio", "vfio-pci", "vfio_iommu_type1", "pci-stub",
	};
	char list[VP_SITE_TEXT_MAX], *word, *rest;
	bool any = false;
	size_t i;

	snprintf(list, sizeof(list), "%s", softdep);
	for (word = strtok_r(list, " \t", &rest); word;
	     word = strtok_r(NULL, " \t", &rest)) {
		for (i = 0; i < ARRAY_SIZE(known); i++)
			if (vp_site_is_module(word, known[i]))
				break;
		if (i == ARRAY_SIZE(known))
			return false;
		any |= i > 0;
	}
	return any;
}

static void read_modalias(const struct vp_import *import,
			  const struct vp_host_dev *dev, char *modalias,
			  size_t size)
{
	const struct vp_site sys = { .root = import->host.sysfs };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/bus/pci/devices/%s/modalias",
		 dev->address);
	vp_site_text(&sys, path, modalias, size);
}

static bool is_same_module(const char *module, void *arg)
{
	return vp_site_is_module(module, arg);
}

/*
 * A module was kept from being loaded, perhaps for the sake of a device that
 * rules have now; for other devices it is still to be kept.
 */
static int add_blacklist(struct vp_import *import,
			 const struct vp_site_entry *entry)
{
	const struct vp_host_dev *dev, *other = NULL;
	struct vp_import_old *old;
	bool ours = false;
	char modalias[256];
	size_t i;

	for (i = 0; i < import->host.count; i++) {
		dev = &import->host.devs[i];
		read_modalias(import, dev, modalias, sizeof(modalias));
		if (!modalias[0] ||
		    !vp_kernel_aliases(&import->kernels, import->kernels.running,
				       false, modalias, is_same_module,
				       entry->key))
			continue;
		if (will_be_ruled(import, dev))
			ours = true;
		else
			other = dev;
	}
	if (!ours)
		return 0;
	old = add_old(import, entry);
	if (!old)
		return -ENOMEM;
	if (other)
		stay(old, "it keeps %s off %s as well, which no rule names",
		     entry->key, other->address);
	return 0;
}

static int add_olds(struct vp_import *import)
{
	const struct vp_site_entry *entry, *last = NULL;
	int ret = 0;
	size_t i;

	for (i = 0; i < import->claims.count && !ret; i++) {
		entry = import->claims.claims[i].entry;
		/* A guest keeps its devices, and what runs cannot be changed. */
		if (entry != last && entry->kind != VP_SITE_PROXMOX &&
		    entry->kind != VP_SITE_CMDLINE)
			ret = add_old_claims(import, i);
		last = entry;
	}
	for (i = 0; import->count && i < import->site.count && !ret; i++) {
		entry = &import->site.entries[i];
		if (entry->kind == VP_SITE_SOFTDEP &&
		    is_for_guests(entry->value))
			ret = add_old(import, entry) ? 0 : -ENOMEM;
		else if (entry->kind == VP_SITE_BLACKLIST)
			ret = add_blacklist(import, entry);
	}
	for (i = 0; i < import->nolds; i++)
		import->goable += !import->olds[i].stays[0];
	return ret;
}

/**
 * vp_import_plan() - make a plan
 * @import: has the settings and the rules; gets the plan
 *
 * Return: 0 or -ENOMEM.
 */
int vp_import_plan(struct vp_import *import)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < import->claims.count && !ret; i++)
		if (import->claims.claims[i].counts)
			ret = add_claim(import, &import->claims.claims[i]);
	for (i = 0; i < import->count; i++)
		import->fresh += !import->plan[i].by;
	return ret ? ret : add_olds(import);
}
