// SPDX-License-Identifier: GPL-2.0-only
/*
 * From settings of others to rules: what the kernel really takes of them, one
 * rule for each device where that is how it was meant, and which settings can
 * go once the rules are there.
 */
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

/**
 * vp_import_will_be_ruled() - will rules have a device
 * @import: the plan
 * @dev: the device
 *
 * Return: true when rules of the files do, or those of the plan.
 */
bool vp_import_will_be_ruled(const struct vp_import *import,
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

/**
 * vp_import_add_old() - one more setting that rules replace
 * @import: the plan
 * @entry: the setting
 *
 * Return: it, or NULL when out of memory.
 */
struct vp_import_old *vp_import_add_old(struct vp_import *import,
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

/**
 * vp_import_stay() - a setting is to stay after all
 * @old: the setting
 * @fmt: why, for people
 */
void vp_import_stay(struct vp_import_old *old, const char *fmt, ...)
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
	struct vp_import_old *old = vp_import_add_old(import, entry);
	const struct vp_host_dev **devs;
	size_t count, i, at;

	if (!old)
		return -ENOMEM;
	for (at = first; at < import->claims.count; at++) {
		claim = &import->claims.claims[at];
		if (claim->entry != entry)
			break;
		if (!claim->counts && entry->kind == VP_SITE_DRIVERCTL)
			vp_import_stay(old, "%s", claim->why);
		count = vp_import_devices(import, claim, &devs);
		if (claim->counts && !count && !vp_claim_lasts(claim) &&
		    !vp_import_bridge(import, claim))
			vp_import_stay(old, "no device is at %.80s", claim->text);
		for (i = 0; devs && i < count; i++)
			if (!vp_import_will_be_ruled(import, devs[i]))
				vp_import_stay(old, "a rule leaves %s to the host",
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
			ret = vp_import_add_old(import, entry) ? 0 : -ENOMEM;
	}
	if (import->count && !ret)
		ret = vp_import_blacklists(import);
	for (i = 0; i < import->nolds; i++)
		import->goable += !import->olds[i].stays[0];
	return ret;
}

static bool names(const struct vp_rule *rule, const struct vp_host_dev *dev)
{
	return vp_match(rule, &dev->facts, NULL) == VP_FIT_MATCH;
}

/* Does the one rule do for every device what the other would? */
static bool covers(const struct vp_import *import,
		   const struct vp_import_rule *one,
		   const struct vp_import_rule *other)
{
	const struct vp_host_dev *dev;
	size_t i;

	if (one == other || one->by || one->rule.action != other->rule.action ||
	    !other->devices || one->devices < other->devices)
		return false;
	for (i = 0; i < import->host.count; i++) {
		dev = &import->host.devs[i];
		if (!dev->bridge && names(&other->rule, dev) &&
		    !names(&one->rule, dev))
			return false;
	}
	return true;
}

/* Do both name some device? */
static bool meet(const struct vp_import *import, const struct vp_rule *a,
		 const struct vp_rule *b)
{
	size_t i;

	for (i = 0; i < import->host.count; i++)
		if (names(a, &import->host.devs[i]) &&
		    names(b, &import->host.devs[i]))
			return true;
	return false;
}

/*
 * Of two rules that name a device the first has the say, so the one that means
 * that device alone goes before the one that means others, too.
 */
static void put_in_order(struct vp_import *import)
{
	struct vp_import_rule moved;
	size_t i, j;

	for (i = 1; i < import->count; i++) {
		if (import->plan[i].devices != 1 ||
		    vp_import_covered(&import->plan[i]))
			continue;
		for (j = 0; j < i; j++)
			if (import->plan[j].devices > 1 &&
			    meet(import, &import->plan[i].rule,
				 &import->plan[j].rule))
				break;
		if (j == i)
			continue;
		moved = import->plan[i];
		memmove(&import->plan[j + 1], &import->plan[j],
			(i - j) * sizeof(moved));
		import->plan[j] = moved;
	}
}

/* What would never be heard, as another one of the plan does all of it. */
static void drop_covered(struct vp_import *import)
{
	struct vp_import_rule *one, *other;
	size_t i, j;

	for (i = 0; i < import->count; i++) {
		other = &import->plan[i];
		for (j = 0; j < import->count && !vp_import_covered(other); j++) {
			one = &import->plan[j];
			if (!one->covered[0] && covers(import, one, other))
				snprintf(other->covered, sizeof(other->covered),
					 "%s", one->text);
		}
	}
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
	if (!ret) {
		drop_covered(import);
		put_in_order(import);
	}
	for (i = 0; i < import->count; i++)
		import->fresh += !vp_import_covered(&import->plan[i]);
	return ret ? ret : add_olds(import);
}
