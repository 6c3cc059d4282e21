// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saves the rules of a plan: all of them, in the files and in the module, or
 * none. Only then settings of others are taken out, file by file.
 */
#include "import.h"
#include "output.h"
#include "watch.h"

static int fail(void)
{
	vp_out_error("%s", strerror(ENOMEM));
	return VP_EXIT_KERNEL;
}

/**
 * vp_import_check() - can the rules be saved beside those of the files
 * @import: the plan
 *
 * Return: an exit status, after having said what is wrong.
 */
int vp_import_check(struct vp_import *import)
{
	const struct vp_entry *other = NULL;
	struct vp_entry *mine;
	size_t i;

	if (import->rules.bad || import->rules.refused)
		vp_out_note("until the rule files are mended, vfiopolicy apply refuses all of them: vfiopolicy apply says what is wrong");
	for (i = 0; i < import->count && !other; i++) {
		if (vp_import_covered(&import->plan[i]))
			continue;
		mine = vp_entry_new(&import->plan[i].rule,
				    VFIOPOLICY_ORIGIN_FILE);
		other = mine ? vp_policy_conflict(import->table, mine) : NULL;
		if (other)
			vp_out_error("'%s' cannot be saved beside '%s': it names the same devices by the same words",
				     import->plan[i].text, other->text);
		vp_entry_put(mine);
	}
	if (other)
		vp_out_error_more("Nothing was changed. vfiopolicy del takes the other one away.");
	return other ? VP_EXIT_USAGE : VP_EXIT_DONE;
}

/* As if nothing had been; what cannot be undone is said. */
static void undo(struct vp_import *import, const struct vp_rules_lock *lock,
		 struct vp_nl *nl)
{
	struct vp_rules_change change;
	struct vp_rules_error error;
	struct vp_import_rule *one;
	bool all = true;
	size_t i;

	for (i = import->count; i-- > 0; ) {
		one = &import->plan[i];
		if (one->added && vp_nl_rule_del(nl, 0, one->text)) {
			vp_out_nl_error(one->text, &nl->error);
			all = false;
		}
		if (one->saved &&
		    vp_rules_del(lock, one->text, NULL, NULL, &change, &error)) {
			vp_out_error("%s", error.text);
			all = false;
		}
		one->added = false;
		one->saved = false;
	}
	vp_out_error_more(all ? "Nothing was changed." :
			  "Not all of it could be taken back: see vfiopolicy status.");
}

static int save_one(struct vp_import_rule *one,
		    const struct vp_rules_lock *lock)
{
	struct vp_rules_change change;
	struct vp_rules_error error;

	if (vp_rules_add(lock, VP_RULES_DEFAULT,
			 one->comment[0] ? one->comment : NULL, one->text,
			 &change, &error)) {
		vp_out_error("%s", error.text);
		return VP_EXIT_KERNEL;
	}
	one->saved = change.changed;
	one->place = change.place;
	return VP_EXIT_DONE;
}

static int add_one(struct vp_import_rule *one, struct vp_nl *nl)
{
	struct vp_nl_rule rule;

	if (vp_nl_rule_add(nl, one->text, VFIOPOLICY_ORIGIN_FILE, &rule)) {
		vp_out_nl_error(one->text, &nl->error);
		return VP_EXIT_KERNEL;
	}
	one->added = !rule.existed;
	return VP_EXIT_DONE;
}

static int save(struct vp_import *import, const struct vp_rules_lock *lock,
		struct vp_nl *nl)
{
	int ret = VP_EXIT_DONE;
	size_t i;

	for (i = 0; i < import->count && !ret; i++)
		if (!vp_import_covered(&import->plan[i]))
			ret = save_one(&import->plan[i], lock);
	for (i = 0; i < import->count && !ret && import->loaded; i++)
		if (!vp_import_covered(&import->plan[i]))
			ret = add_one(&import->plan[i], nl);
	if (ret)
		undo(import, lock, nl);
	return ret;
}

/**
 * vp_import_save() - save the rules that are to be added
 * @import: the plan
 *
 * Return: an exit status, after having said what is wrong; then nothing was
 * changed.
 */
int vp_import_save(struct vp_import *import)
{
	struct vp_rules_lock lock = { .dir = -1 };
	struct vp_nl nl;
	int ret;

	if (!import->fresh)
		return VP_EXIT_DONE;
	if (vp_watch_lock(&lock)) {
		vp_out_error_more("Nothing was changed.");
		return VP_EXIT_KERNEL;
	}
	ret = vp_nl_open(&nl);
	import->loaded = !ret;
	if (ret && ret != -ENOENT) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
		vp_out_error_more("Nothing was changed.");
		ret = VP_EXIT_KERNEL;
	} else {
		ret = save(import, &lock, &nl);
		if (!ret && !import->loaded)
			vp_out_note("the module is not loaded: the rules hold once it is and vfiopolicy apply was said");
	}
	vp_nl_close(&nl);
	vp_rules_unlock(&lock);
	return ret;
}

/* Settings of one file that can go; room for all. */
static size_t collect(const struct vp_import *import, size_t first,
		      const struct vp_site_entry **gone)
{
	const char *path = import->olds[first].entry->path;
	const struct vp_import_old *old;
	size_t i, j, count = 0;

	for (i = first; i < import->nolds; i++) {
		old = &import->olds[i];
		if (old->stays[0] || strcmp(old->entry->path, path) != 0)
			continue;
		for (j = 0; j < old->words; j++)
			gone[count++] = old->entry + j;
	}
	return count;
}

static void mark(struct vp_import *import, const char *path)
{
	size_t i;

	for (i = 0; i < import->nolds; i++)
		if (!import->olds[i].stays[0] &&
		    !strcmp(import->olds[i].entry->path, path))
			import->olds[i].removed = true;
}

/* Was this file an earlier setting's as well, which can go? */
static bool is_later(const struct vp_import *import, size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (!import->olds[i].stays[0] &&
		    !strcmp(import->olds[i].entry->path,
			    import->olds[at].entry->path))
			return true;
	return false;
}

static int strip(struct vp_import *import, size_t first, bool dry)
{
	const char *update = vp_loader_after(&import->loader,
					     import->olds[first].entry);
	const struct vp_site_entry **gone;
	struct vp_strip file;
	size_t count;
	int ret;

	gone = calloc(import->site.count + 1, sizeof(const void *));
	if (!gone)
		return fail();
	count = collect(import, first, gone);
	ret = vp_strip_prepare(&import->site, gone, count, &file);
	if (!ret && !dry)
		ret = vp_strip_commit(&import->site, &file);
	if (ret) {
		vp_out_error("%s", file.error);
		ret = VP_EXIT_KERNEL;
	} else if (!dry) {
		mark(import, file.path);
		vp_out_say("%s %s; the old one is %s%s%s",
			   file.text ? "changed" : "removed", file.path,
			   file.kept, update[0] ? "; now: " : "", update);
	}
	vp_strip_free(&file);
	free(gone);
	return ret;
}

/**
 * vp_import_remove() - take the settings out that can go
 * @import: the plan, whose rules are saved
 * @dry: only look whether that is possible
 *
 * Return: an exit status, after having said what cannot be done; what can, is.
 */
int vp_import_remove(struct vp_import *import, bool dry)
{
	int ret = VP_EXIT_DONE, one;
	size_t i;

	for (i = 0; i < import->nolds; i++) {
		if (import->olds[i].stays[0] || is_later(import, i))
			continue;
		one = strip(import, i, dry);
		if (one)
			ret = one;
	}
	return ret;
}
