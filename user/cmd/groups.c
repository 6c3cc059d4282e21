// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy groups [DEVICE|GROUP]...
 *
 * The IOMMU groups of the host as a tree, each with whether a guest can be
 * given it. All of a group or none: what shares one can reach each other's
 * memory.
 */
#include <json.h>
#include <libsmartcols.h>
#include <poll.h>

#include "command.h"
#include "device.h"
#include "groups.h"
#include "output.h"
#include "rulearg.h"

/* How long a driver that is just coming is waited for, and how often asked. */
#define CHANGING_MS	2000
#define AGAIN_MS	50

enum {
	COL_ADDRESS,
	COL_DEVICE,
	COL_DRIVER,
};

static const struct vp_out_column columns[] = {
	[COL_ADDRESS] = { "GROUP", 14, SCOLS_FL_TREE },
	[COL_DEVICE] = { "DEVICE", 0.4, SCOLS_FL_TRUNC },
	[COL_DRIVER] = { "DRIVER", 10, 0 },
};

/**
 * struct show - what is to be shown
 * @args: the command line
 * @host: the host
 * @safety: who has what open
 * @groups: its groups
 * @wanted: which of them to show, by their place in @groups
 * @module: the module was asked, too
 */
struct show {
	const struct vp_args *args;
	struct vp_host host;
	struct vp_safety safety;
	struct vp_groups groups;
	bool *wanted;
	bool module;
};

static int want(struct show *show, u32 id, const char *word)
{
	const struct vp_nl_group *group = vp_groups_find(&show->groups, id);

	if (!group) {
		vp_out_error("there is no IOMMU group %s", word);
		return VP_EXIT_NOT_FOUND;
	}
	show->wanted[group - show->groups.groups] = true;
	return VP_EXIT_DONE;
}

static int want_word(struct show *show, const char *word)
{
	const struct vp_host_dev *dev;
	u32 id;
	int ret;

	if (!strcmp(word, "0"))
		return want(show, 0, word);
	if (vp_rulearg_number(word, &id))
		return want(show, id, word);
	ret = vp_device_find(&show->host, word, &dev);
	if (ret)
		return ret;
	if (dev->group < 0) {
		vp_out_error("%s has no IOMMU group, so no guest can be given it",
			     dev->address);
		vp_out_error_more("%s", vp_verdict_iommu(&show->host));
		return VP_EXIT_NOT_FOUND;
	}
	return want(show, (u32)dev->group, word);
}

/* Those without a group are shown when all are; of bridges nobody expects one. */
static void choose_without(struct show *show, bool all)
{
	struct vp_nl_group *without = &show->groups.without;
	const struct vp_host_dev *dev;
	size_t i, kept = 0;

	for (i = 0; i < without->count && !show->args->nwords; i++) {
		dev = vp_host_find(&show->host, without->members[i].address);
		if (dev && (all || !dev->bridge))
			without->members[kept++] = without->members[i];
	}
	without->count = kept;
}

static int choose(struct show *show)
{
	bool all = show->args->given & (VP_OPT_ALL | VP_OPT_LIST_ALL);
	int i, ret = VP_EXIT_DONE;
	size_t n;

	show->wanted = calloc(show->groups.count + 1, sizeof(*show->wanted));
	if (!show->wanted) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	for (i = 0; i < show->args->nwords && !ret; i++)
		ret = want_word(show, show->args->words[i]);
	for (n = 0; n < show->groups.count && !show->args->nwords; n++)
		show->wanted[n] = all ||
				  !vp_groups_of_bridges(&show->host,
							&show->groups.groups[n]);
	choose_without(show, all);
	return ret;
}

/* Who has it open, by the first member that is somebody's. */
static bool find_user(struct show *show, const struct vp_nl_group *group,
		      struct vp_user *user)
{
	const struct vp_host_dev *dev;
	size_t i;

	memset(user, 0, sizeof(*user));
	for (i = 0; i < group->count; i++) {
		dev = vp_host_find(&show->host, group->members[i].address);
		if (dev && vp_device_is_vfio(&show->host, dev->address,
					     dev->driver))
			return vp_safety_vfio_user(&show->safety, dev->address,
						   user);
	}
	return false;
}

static enum vp_verdict verdict_on(const struct vp_nl_group *group)
{
	switch (group->viability) {
	case VFIOPOLICY_VIABILITY_VIABLE:
		return VP_VERDICT_MET;
	case VFIOPOLICY_VIABILITY_BLOCKED:
		return VP_VERDICT_PENDING;
	default:
		return VP_VERDICT_NOT_MET;
	}
}

static void print_head(struct show *show, const struct vp_nl_group *group)
{
	char text[VP_GROUPS_LEN], remedy[VP_GROUPS_LEN] = "", who[VP_USE_LEN] = "";
	struct vp_user user;

	if (group == &show->groups.without) {
		vp_out_say("no group: %sthe IOMMU does not cover these, so no guest can be given them%s",
			   vp_out_color(VP_VERDICT_NOT_MET), vp_out_uncolor());
		return;
	}
	vp_groups_say(&show->host, group, text);
	if (find_user(show, group, &user))
		vp_safety_print_user(&user, who, sizeof(who));
	else
		vp_groups_remedy(&show->host, group, remedy);
	vp_out_say("%u %s%s%s%s%s%s%s", group->id, vp_out_color(verdict_on(group)),
		   text, vp_out_uncolor(), who[0] ? ", in use by " : "", who,
		   remedy[0] ? "; " : "", remedy);
}

static void add_lines(const struct show *show, const struct vp_nl_group *group,
		      struct libscols_table *table)
{
	struct libscols_line *head = vp_out_line(table), *line;
	const struct vp_host_dev *dev;
	char name[VP_NAMES_LEN];
	size_t i;

	for (i = 0; i < group->count; i++) {
		line = scols_table_new_line(table, head);
		dev = vp_host_find(&show->host, group->members[i].address);
		if (dev)
			vp_out_name(&show->host, &dev->facts, name,
				    sizeof(name));
		vp_out_cell(line, COL_ADDRESS, group->members[i].address);
		vp_out_cell(line, COL_DEVICE, dev ? name : "");
		vp_out_cell(line, COL_DRIVER, group->members[i].driver);
	}
}

/* The one after @group, or the first; those without a group are the last. */
static const struct vp_nl_group *next_shown(const struct show *show,
					    const struct vp_nl_group *group)
{
	const struct vp_groups *groups = &show->groups;
	size_t i = group ? (size_t)(group - groups->groups) + 1 : 0;

	if (group == &groups->without)
		return NULL;
	while (i < groups->count && !show->wanted[i])
		i++;
	if (i < groups->count)
		return &groups->groups[i];
	/* Without an IOMMU none has a group, and that is all there is to say. */
	return groups->count && groups->without.count ? &groups->without : NULL;
}

/*
 * One table for all, so that columns stand one below the other in all groups.
 * What is said of a group would make the first of them as wide as itself: the
 * heads are left empty in the table, and printed in place of its lines.
 */
static void print_tree(struct show *show)
{
	const struct vp_nl_group *group = NULL;
	struct libscols_table *table;
	char *text = NULL, *line, *save;
	size_t left = 0;

	table = vp_out_table(columns, ARRAY_SIZE(columns));
	if (table)
		scols_table_enable_noheadings(table, 1);
	while (table && (group = next_shown(show, group)))
		add_lines(show, group, table);
	if (!table || scols_print_table_to_string(table, &text)) {
		vp_out_error("%s", strerror(ENOMEM));
		scols_unref_table(table);
		return;
	}
	/* The heads are blank lines, which strsep() leaves where they are. */
	for (save = text; text && (line = strsep(&save, "\n"));) {
		if (left) {
			vp_out_say("%s", line);
			left--;
			continue;
		}
		group = next_shown(show, group);
		if (!group)
			break;
		print_head(show, group);
		left = group->count;
	}
	free(text);
	scols_unref_table(table);
}

static struct json_object *json_member(const struct show *show,
				       const struct vp_nl_member *member)
{
	const struct vp_host_dev *dev = vp_host_find(&show->host,
						     member->address);
	static const char *const unknown[] = {
		"vendor", "device", "subsystem_vendor", "subsystem_device",
		"class", "name",
	};
	struct json_object *obj = json_object_new_object();
	char name[VP_NAMES_LEN];
	size_t i;

	vp_out_json_string(obj, "address", member->address);
	if (dev) {
		vp_out_json_facts(obj, &dev->facts);
		vp_host_name(&show->host, &dev->facts, name, sizeof(name));
		vp_out_json_string(obj, "name", name);
	}
	/* It came or went while this looked. */
	for (i = 0; !dev && i < ARRAY_SIZE(unknown); i++)
		vp_out_json_string(obj, unknown[i], NULL);
	vp_out_json_string(obj, "driver", member->driver);
	vp_out_json_bool(obj, "blocks", member->blocks);
	vp_out_json_string(obj, "never", member->never ?
			   vp_verdict_reason_name(member->never) : NULL);
	return obj;
}

static struct json_object *json_group(struct show *show,
				      const struct vp_nl_group *group)
{
	struct json_object *obj = json_object_new_object(), *list;
	char text[VP_GROUPS_LEN];
	struct vp_user user;
	size_t i;

	vp_out_json_number(obj, "group", group->id);
	vp_out_json_string(obj, "viability",
			   vp_groups_viability_name(group->viability));
	vp_groups_say(&show->host, group, text);
	vp_out_json_string(obj, "text", text);
	vp_out_json_user(obj, find_user(show, group, &user) ? &user : NULL);
	vp_out_json_string(obj, "domain", vp_groups_domain(&show->host, group));
	if (show->module)
		vp_out_json_bool(obj, "isolated_msi", group->isolated_msi);
	else
		vp_out_json_string(obj, "isolated_msi", NULL);
	list = json_object_new_array();
	for (i = 0; i < group->count; i++)
		json_object_array_add(list, json_member(show,
							&group->members[i]));
	json_object_object_add(obj, "members", list);
	return obj;
}

static void print_json(struct show *show)
{
	struct json_object *obj = vp_out_json(), *list;
	const struct vp_nl_group *group;
	size_t i;

	vp_out_json_bool(obj, "module", show->module);
	list = json_object_new_array();
	for (i = 0; i < show->groups.count; i++) {
		group = &show->groups.groups[i];
		if (show->wanted[i])
			json_object_array_add(list, json_group(show, group));
	}
	json_object_object_add(obj, "groups", list);
	list = json_object_new_array();
	for (i = 0; i < show->groups.without.count; i++)
		json_object_array_add(list,
				      json_member(show, &show->groups.without.members[i]));
	json_object_object_add(obj, "without_group", list);
	vp_out_json_print(obj);
}

/* What blocks without a driver was just getting one when the module looked. */
static bool is_changing(const struct vp_nl_group *groups, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < groups[i].count; j++)
			if (groups[i].members[j].blocks &&
			    !groups[i].members[j].driver[0])
				return true;
	return false;
}

/* Without the module, or of what it has no rule for, it is by sysfs alone. */
static void ask_module(struct show *show)
{
	struct vp_nl_group *told = NULL;
	int ms = CHANGING_MS;
	size_t count = 0;
	struct vp_nl nl;

	show->module = !vp_nl_open(&nl) && !vp_nl_groups(&nl, &told, &count);
	while (show->module && ms > 0 && is_changing(told, count)) {
		poll(NULL, 0, AGAIN_MS);
		ms -= AGAIN_MS;
		vp_nl_groups_free(told, count);
		told = NULL;
		count = 0;
		show->module = !vp_nl_groups(&nl, &told, &count);
	}
	if (show->module)
		vp_groups_take(&show->groups, told, count);
	else
		vp_out_verbose("module: %s; this is what sysfs shows",
			       nl.error.text);
	vp_nl_groups_free(told, count);
	vp_nl_close(&nl);
}

static int show_groups(struct show *show)
{
	int ret;

	if (vp_groups_read(&show->host, &show->groups)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	ask_module(show);
	ret = choose(show);
	if (ret)
		return ret;
	if (!show->groups.count)
		vp_out_note("there are no IOMMU groups: this host has no IOMMU, or it is off");
	if (show->args->given & VP_OPT_JSON)
		print_json(show);
	else
		print_tree(show);
	return VP_EXIT_DONE;
}

static int run(const struct vp_args *args)
{
	struct show show = { .args = args };
	int ret;

	ret = vp_device_host(&show.host, NULL);
	if (!ret) {
		/* Without the mounts one can still be asked who has what open. */
		vp_safety_open(&show.safety, &show.host, NULL);
		ret = show_groups(&show);
		vp_safety_close(&show.safety);
	}
	free(show.wanted);
	vp_groups_free(&show.groups);
	vp_host_close(&show.host);
	return ret;
}

const struct vp_command vp_cmd_groups = {
	.name = "groups",
	.synopsis = "[-a] [DEVICE|GROUP]...",
	.summary = "IOMMU groups as a tree: which can be given away, and what blocks the others",
	.help =
"  DEVICE            the group of this device: an address, network interface,\n"
"                    disk or device file\n"
"  GROUP             the number of a group\n"
"  -a, --all         also groups that have nothing but bridges\n"
"  -n, --numeric     numbers instead of names\n"
"A group that only one device is in is never blocked: while it is with the host,\n"
"what to type to give it stands beside it. Devices without a group come last.\n"
"Works without the module: then what blocks a group is judged by the names of\n"
"drivers.\n",
	.examples =
"  vfiopolicy groups                 all of them\n"
"  vfiopolicy groups enp3s0          what else would have to go with it\n"
"  vfiopolicy groups -j 39           one, for a script\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_ALL | VP_OPT_LIST_ALL,
	.min_words = 0,
	.max_words = -1,
	.run = run,
};
