// SPDX-License-Identifier: GPL-2.0-only
/*
 * Targets: the drivers that devices are handed to, and loading them.
 *
 *	(nothing)	vfio-pci
 *	driver=NAME	the driver of that name
 *	driver=best	the vfio driver that has most to say of this model: of those
 *			with an id that only holds by override and fits
 *			(PCI_DRIVER_OVERRIDE_DEVICE_VFIO()), the one with the fewest
 *			wildcards; vfio-pci has an id that fits all
 *
 * One loader for each thing that modprobe is asked for, a name or an alias,
 * however many devices wait for it: modprobe may take a minute, and the kernel
 * has no more than 50 of them at a time. Only such a driver is a target as
 * leaves the DMA of its device to a user (driver_managed_dma): any other would
 * do it as the host.
 */
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "vfiopolicy.h"

#define VP_BEST		"best"
/* request_module() refuses what is longer than this. */
#define ASK_MAX		MODULE_NAME_LEN

/**
 * struct loader - loads what one name or alias stands for
 * @node: place in the list
 * @work: asks modprobe
 * @ask: what it is asked for
 * @busy: @work has been queued and has not ended
 * @done: it has been asked since somebody last wanted that; unless @busy, it has
 *        ended and is not to be asked again for now
 *
 * Never freed before the module is unloaded. @busy and @done are guarded by
 * vp_lock.
 */
struct loader {
	struct list_head node;
	struct work_struct work;
	char ask[ASK_MAX];
	bool busy;
	bool done;
};

/* Guarded by vp_lock; only ever grows. */
static LIST_HEAD(loaders);

/* What is looked for among the drivers of the bus. */
struct search {
	struct pci_dev *pdev;
	const char *name;
	char found[VP_WORD_MAX];
	unsigned int score;
	bool unfit;
};

/* How many of its values an id asks for; 0 when it does not fit. */
static unsigned int score_of(const struct pci_device_id *id,
			     const struct pci_dev *pdev)
{
	const u32 has[] = { pdev->vendor, pdev->device, pdev->subsystem_vendor,
			    pdev->subsystem_device };
	const u32 want[] = { id->vendor, id->device, id->subvendor,
			     id->subdevice };
	unsigned int i, score = 1;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		if (want[i] == PCI_ANY_ID)
			continue;
		if (want[i] != has[i])
			return 0;
		score++;
	}
	if ((id->class ^ pdev->class) & id->class_mask)
		return 0;
	return score + !!id->class_mask;
}

/* Context: the bus keeps the driver from going away meanwhile. */
static int look_at_driver(struct device_driver *driver, void *arg)
{
	const struct pci_driver *pci = to_pci_driver(driver);
	const struct pci_device_id *id = pci->id_table;
	struct search *search = arg;
	unsigned int score = 0;

	if (search->name) {
		if (strcmp(driver->name, search->name))
			return 0;
		search->unfit = !pci->driver_managed_dma;
		strscpy(search->found, driver->name, sizeof(search->found));
		return 1;
	}
	if (!pci->driver_managed_dma ||
	    strlen(driver->name) >= sizeof(search->found))
		return 0;
	for (; id && (id->vendor || id->subvendor || id->class_mask); id++)
		if (id->override_only == PCI_ID_F_VFIO_DRIVER_OVERRIDE)
			score = max(score, score_of(id, search->pdev));
	if (score > search->score) {
		search->score = score;
		strscpy(search->found, driver->name, sizeof(search->found));
	}
	return 0;
}

static bool is_frozen(void)
{
	bool frozen;

	spin_lock(&vp_lock);
	frozen = vp_device_frozen();
	spin_unlock(&vp_lock);
	return frozen;
}

static void load(struct work_struct *work)
{
	struct loader *loader = container_of(work, struct loader, work);

	if (!is_frozen())
		request_module("%s", loader->ask);
	spin_lock(&vp_lock);
	loader->busy = false;
	spin_unlock(&vp_lock);
	vp_device_kick_waiting(VFIOPOLICY_CAUSE_TARGET);
}

static struct loader *find_locked(const char *ask)
{
	struct loader *loader;

	lockdep_assert_held(&vp_lock);
	list_for_each_entry(loader, &loaders, node)
		if (!strcmp(loader->ask, ask))
			return loader;
	return NULL;
}

/* The loader for this, made if there is none. Return: NULL: out of memory. */
static struct loader *get_loader(const char *ask)
{
	struct loader *loader, *new;

	spin_lock(&vp_lock);
	loader = find_locked(ask);
	spin_unlock(&vp_lock);
	if (loader)
		return loader;
	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return NULL;
	INIT_WORK(&new->work, load);
	strscpy(new->ask, ask, sizeof(new->ask));
	spin_lock(&vp_lock);
	loader = find_locked(ask);
	if (!loader) {
		list_add_tail(&new->node, &loaders);
		loader = new;
		new = NULL;
	}
	spin_unlock(&vp_lock);
	kfree(new);
	return loader;
}

/*
 * A whole one would be three bytes too long: the digits of the sub-class and of
 * the programming interface are left out, which no driver of vfio's asks for, and
 * for which an alias has a "*".
 */
static void alias_of(const struct pci_dev *pdev, char *buf, size_t size)
{
	snprintf(buf, size, "vfio_pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsci",
		 pdev->vendor, pdev->device, pdev->subsystem_vendor,
		 pdev->subsystem_device, (u8)(pdev->class >> 16));
}

/* Has it been asked for, and has that ended? Else it is now, and @rec says what it waits for. */
static bool has_loaded(struct vp_device *rec, const char *ask)
{
	struct loader *loader = get_loader(ask);
	bool done;

	spin_lock(&vp_lock);
	done = !loader || (loader->done && !loader->busy);
	if (!done) {
		if (!loader->busy && !vp_device_frozen()) {
			loader->busy = vp_handoff_queue_work(&loader->work);
			/* From here on: who resets it meanwhile asks again. */
			loader->done = loader->busy;
		}
		/* In one go, or the loader could end in between. */
		if (rec->linked &&
		    rec->view.status.state == VFIOPOLICY_STATE_HELD)
			vp_device_move_locked(rec, VFIOPOLICY_STATE_HELD,
					      VFIOPOLICY_REASON_MODULE_LOADING);
	}
	spin_unlock(&vp_lock);
	return done;
}

/* Looks for the driver; it may be there by itself, or be built in. */
static bool search_for(struct search *search)
{
	search->found[0] = '\0';
	search->score = 0;
	bus_for_each_drv(&pci_bus_type, NULL, search, look_at_driver);
	return search->found[0];
}

static void stay_held(struct vp_device *rec, enum vfiopolicy_reason why)
{
	vp_device_move(rec, VFIOPOLICY_STATE_HELD, VFIOPOLICY_STATE_HELD, why);
}

/* Who comes from here on is told; who came since it was looked for was not. */
static void stay_missing(struct vp_device *rec, struct search *search)
{
	stay_held(rec, VFIOPOLICY_REASON_MODULE_MISSING);
	if (!search_for(search))
		return;
	spin_lock(&vp_lock);
	vp_handoff_kick(rec, 0);
	spin_unlock(&vp_lock);
}

/*
 * What was found for a rule. Return: false when another rule has come since
 * then, whose work comes as well. A number is never used again.
 */
static bool set_target(struct vp_device *rec, u32 rule, const char *name)
{
	bool same;

	spin_lock(&vp_lock);
	same = rec->view.entry && rec->view.entry->id == rule;
	if (same)
		strscpy(rec->view.target, name, sizeof(rec->view.target));
	spin_unlock(&vp_lock);
	return same;
}

/**
 * vp_target_is_there() - find the driver that a held device is to be handed to
 * @rec: its record
 * @name: set to the name of the driver, which is also its view.target then
 * @size: room in @name
 *
 * Context: work item of the device; may sleep, but not for modprobe.
 * Return: true when it is there; else the device has a reason to wait, or for
 * being where it is, and its work item is queued when that may have changed.
 */
bool vp_target_is_there(struct vp_device *rec, char *name, size_t size)
{
	struct search search = { .pdev = rec->pdev };
	char ask[ASK_MAX];
	u32 rule;
	bool best;

	spin_lock(&vp_lock);
	rule = rec->view.entry ? rec->view.entry->id : 0;
	strscpy(name, rule && rec->view.entry->rule.driver[0] ?
		rec->view.entry->rule.driver : VP_TARGET, size);
	spin_unlock(&vp_lock);

	/* So that its being unloaded is noticed, whoever loaded it. */
	get_loader(name);
	best = !strcmp(name, VP_BEST);
	if (best) {
		/* A better one may not be there yet, so modprobe comes first. */
		alias_of(rec->pdev, ask, sizeof(ask));
		if (!has_loaded(rec, ask))
			return false;
	} else {
		search.name = name;
	}
	if (!search_for(&search)) {
		if (best || has_loaded(rec, name))
			stay_missing(rec, &search);
		return false;
	}
	if (search.unfit) {
		stay_held(rec, VFIOPOLICY_REASON_NO_TARGET);
		return false;
	}
	if (!set_target(rec, rule, search.found))
		return false;
	strscpy(name, search.found, size);
	return true;
}

/**
 * vp_target_expect() - have it noticed when the target of a device is unloaded
 * @rec: the record of the device, which is with its target
 *
 * Context: work item of the device; may sleep.
 */
void vp_target_expect(struct vp_device *rec)
{
	char name[VP_NAME_MAX], ask[ASK_MAX];

	spin_lock(&vp_lock);
	strscpy(name, rec->view.driver, sizeof(name));
	spin_unlock(&vp_lock);
	alias_of(rec->pdev, ask, sizeof(ask));
	get_loader(name);
	get_loader(ask);
}

/**
 * vp_target_guess() - the driver that a rule wants for a device, as far as known
 * @rec: the record of the device; its view.target is set
 *
 * For one that may be with its target already: with driver=best among the
 * drivers that are there.
 *
 * Context: may sleep; device_lock not held.
 */
void vp_target_guess(struct vp_device *rec)
{
	struct search search = { .pdev = rec->pdev };
	u32 rule = 0;

	spin_lock(&vp_lock);
	if (rec->view.entry && !strcmp(rec->view.entry->rule.driver, VP_BEST))
		rule = rec->view.entry->id;
	spin_unlock(&vp_lock);
	if (rule && search_for(&search))
		set_target(rec, rule, search.found);
}

/**
 * vp_target_by_rule() - the driver that a rule names
 * @entry: the rule
 *
 * Context: any; @entry must stay.
 * Return: its name; "" for the best one, which has to be looked for.
 */
const char *vp_target_by_rule(const struct vp_entry *entry)
{
	if (!strcmp(entry->rule.driver, VP_BEST))
		return "";
	return entry->rule.driver[0] ? entry->rule.driver : VP_TARGET;
}

/**
 * vp_target_reset_locked() - whoever comes to want a target asks modprobe anew
 *
 * Context: vp_lock held.
 */
void vp_target_reset_locked(void)
{
	struct loader *loader;

	lockdep_assert_held(&vp_lock);
	list_for_each_entry(loader, &loaders, node)
		loader->done = false;
}

/**
 * vp_target_try_again() - what was missing may be there now
 * @cause: why
 *
 * Context: takes vp_lock.
 */
void vp_target_try_again(enum vfiopolicy_cause cause)
{
	spin_lock(&vp_lock);
	vp_target_reset_locked();
	spin_unlock(&vp_lock);
	vp_device_kick_waiting(cause);
}

/* Does a module have the driver, or perhaps one of those, that is asked for? */
static bool is_of(const struct loader *loader, const struct module *module)
{
	const char *a = loader->ask, *b = module->name;

	if (strchr(a, ':'))
		return strstr(b, "vfio");
	while (*a && (*a == '-' ? '_' : *a) == *b) {
		a++;
		b++;
	}
	return !*a && !*b;
}

/**
 * vp_target_going() - a module is being unloaded
 * @module: the module
 *
 * It is not loaded again behind the back of whoever does that, only when a rule
 * or a request comes.
 *
 * Context: takes vp_lock.
 */
void vp_target_going(const struct module *module)
{
	struct loader *loader;

	spin_lock(&vp_lock);
	list_for_each_entry(loader, &loaders, node)
		if (is_of(loader, module))
			loader->done = true;
	spin_unlock(&vp_lock);
}

/*
 * A module whose init has run (MODULE_STATE_LIVE) has registered its driver:
 * so the target may come later, from a root that was not mounted yet. By
 * MODULE_STATE_GOING it has left its devices, which may have taken it long:
 * the first UNBIND notification tells that earlier.
 */
static int module_changed(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	if (action == MODULE_STATE_LIVE)
		vp_device_kick_waiting(VFIOPOLICY_CAUSE_TARGET);
	else if (action == MODULE_STATE_GOING)
		vp_target_going(data);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = {
	.notifier_call = module_changed,
};

/**
 * vp_target_start() - hear of modules
 *
 * Context: may sleep; module init, when there is a workqueue.
 */
void vp_target_start(void)
{
	register_module_notifier(&module_nb);
}

/**
 * vp_target_stop() - hear of modules no more
 *
 * Context: may sleep; after vp_device_freeze(), so no loader is queued again.
 */
void vp_target_stop(void)
{
	unregister_module_notifier(&module_nb);
}

/**
 * vp_target_free() - forget the loaders
 *
 * Context: module exit, when the workqueue has gone, and with it all who may be
 * looking for one: also the work of devices that have left the set.
 */
void vp_target_free(void)
{
	struct loader *loader, *next;

	list_for_each_entry_safe(loader, next, &loaders, node) {
		list_del(&loader->node);
		kfree(loader);
	}
}
