// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy list [-a] [-o COLS]
 *
 * The devices that a rule names, or all of the host's, with who drives them.
 */
#include <json.h>
#include <libsmartcols.h>

#include "command.h"
#include "device.h"
#include "output.h"
#include "safety.h"

enum {
	COL_ADDRESS,
	COL_ID,
	COL_DRIVER,
	COL_GROUP,
	COL_STATE,
	COL_RULE,
	COL_DEVICE,
	COLUMNS_USUAL,
	COL_TARGET = COLUMNS_USUAL,
	COL_FOUND,
	COL_PF,
	COL_CLASS,
	COL_SUBSYSTEM,
	COL_USER,
	COLUMNS,
};

static const struct vp_out_column columns[COLUMNS] = {
	[COL_ADDRESS] = { "ADDRESS", 12, 0 },
	[COL_ID] = { "ID", 9, 0 },
	[COL_DRIVER] = { "DRIVER", 10, 0 },
	[COL_GROUP] = { "GROUP", 5, SCOLS_FL_RIGHT },
	[COL_STATE] = { "STATE", 0.3, SCOLS_FL_WRAP },
	[COL_RULE] = { "RULE", 0.2, SCOLS_FL_WRAP },
	[COL_DEVICE] = { "DEVICE", 0.5, SCOLS_FL_WRAP },
	[COL_TARGET] = { "TARGET", 8, 0 },
	[COL_FOUND] = { "FOUND", 8, 0 },
	[COL_PF] = { "PF", 12, 0 },
	[COL_CLASS] = { "CLASS", 6, 0 },
	[COL_SUBSYSTEM] = { "SUBSYSTEM", 9, 0 },
	[COL_USER] = { "USER", 0.2, SCOLS_FL_WRAP },
};

/**
 * struct list - what is to be listed
 * @host: the host
 * @safety: who has what open
 * @devs: devices as the module has them; those it does not know have no
 *        generation
 * @count: number of @devs
 * @chosen: the columns that are shown
 * @chosen_count: number of @chosen
 */
struct list {
	struct vp_host host;
	struct vp_safety safety;
	struct vp_nl_dev *devs;
	size_t count;
	size_t chosen[COLUMNS];
	size_t chosen_count;
};

static bool is_known(const struct vp_nl_dev *dev)
{
	return dev->generation;
}

static int by_address(const void *a, const void *b)
{
	const struct vp_facts *x = &((const struct vp_nl_dev *)a)->facts;
	const struct vp_facts *y = &((const struct vp_nl_dev *)b)->facts;

	if (x->domain != y->domain)
		return x->domain < y->domain ? -1 : 1;
	return (x->bus << 8 | x->devfn) - (y->bus << 8 | y->devfn);
}

static bool has_address(const struct list *list, const char *address)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!strcmp(list->devs[i].address, address))
			return true;
	return false;
}

/* Adds what the module does not know of; bridges are nobody's to give. */
static int add_others(struct list *list)
{
	const struct vp_host_dev *from;
	struct vp_nl_dev *devs, *to;
	size_t i, known = list->count;

	devs = realloc(list->devs, (known + list->host.count + 1) *
				   sizeof(*devs));
	if (!devs)
		return -ENOMEM;
	list->devs = devs;
	for (i = 0; i < list->host.count; i++) {
		from = &list->host.devs[i];
		if (from->bridge || has_address(list, from->address))
			continue;
		to = &devs[list->count++];
		memset(to, 0, sizeof(*to));
		memcpy(to->address, from->address, sizeof(to->address));
		memcpy(to->driver, from->driver, sizeof(to->driver));
		memcpy(to->physfn, from->physfn, sizeof(to->physfn));
		to->facts = from->facts;
		to->group = from->group;
	}
	return 0;
}

static void print_user(struct list *list, const struct vp_nl_dev *dev,
		       char *buf, size_t size)
{
	struct vp_user user;

	buf[0] = '\0';
	if (dev->in_use &&
	    vp_safety_vfio_user(&list->safety, dev->address, &user))
		snprintf(buf, size, "%s %d%s%s", user.command, user.pid,
			 user.vm[0] ? ", " : "", user.vm);
}

/* What stands in a column, as text; empty for nothing. */
static void print_cell(struct list *list, const struct vp_nl_dev *dev,
		       size_t column, char *buf, size_t size)
{
	const struct vp_facts *facts = &dev->facts;
	char text[VP_VERDICT_LEN];
	size_t n;

	buf[0] = '\0';
	switch (column) {
	case COL_ADDRESS:
		snprintf(buf, size, "%s", dev->address);
		break;
	case COL_ID:
		snprintf(buf, size, "%04x:%04x", facts->vendor, facts->device);
		break;
	case COL_DRIVER:
		snprintf(buf, size, "%s", dev->driver);
		break;
	case COL_GROUP:
		if (dev->group >= 0)
			snprintf(buf, size, "%d", dev->group);
		break;
	case COL_STATE:
		if (is_known(dev))
			vp_verdict_state(dev, buf);
		break;
	case COL_RULE:
		if (dev->rule)
			vp_verdict_rule(dev->rule, dev->rule_text, buf, size);
		break;
	case COL_DEVICE:
		vp_out_name(&list->host, facts, buf, size);
		print_user(list, dev, text, sizeof(text));
		n = strlen(buf);
		if (text[0])
			scnprintf(buf + n, size - n, " (%s)", text);
		break;
	case COL_TARGET:
		snprintf(buf, size, "%s", dev->target);
		break;
	case COL_FOUND:
		snprintf(buf, size, "%s", dev->found);
		break;
	case COL_PF:
		snprintf(buf, size, "%s", dev->physfn);
		break;
	case COL_CLASS:
		snprintf(buf, size, "%06x", facts->class);
		break;
	case COL_SUBSYSTEM:
		snprintf(buf, size, "%04x:%04x", facts->subvendor,
			 facts->subdevice);
		break;
	default:
		print_user(list, dev, buf, size);
		break;
	}
}

static void print_device(struct list *list, const struct vp_nl_dev *dev,
			 struct libscols_line *line)
{
	char text[VFIOPOLICY_RULE_LEN_MAX + VP_VERDICT_LEN];
	size_t i;

	for (i = 0; i < list->chosen_count; i++) {
		print_cell(list, dev, list->chosen[i], text, sizeof(text));
		if (list->chosen[i] == COL_STATE && is_known(dev))
			vp_out_cell_verdict(line, i, text,
					    vp_verdict_target(dev));
		else
			vp_out_cell(line, i, text);
	}
}

static void print_json(struct list *list, bool module)
{
	struct json_object *obj = vp_out_json(), *devs, *dev;
	struct vp_user user;
	size_t i;

	vp_out_json_bool(obj, "module", module);
	devs = json_object_new_array();
	for (i = 0; i < list->count; i++) {
		dev = vp_out_json_dev(&list->host, &list->devs[i]);
		if (!is_known(&list->devs[i]))
			vp_out_json_string(dev, "state", NULL);
		if (list->devs[i].in_use)
			vp_safety_vfio_user(&list->safety,
					    list->devs[i].address, &user);
		vp_out_json_user(dev, list->devs[i].in_use ? &user : NULL);
		json_object_array_add(devs, dev);
	}
	json_object_object_add(obj, "devices", devs);
	vp_out_json_print(obj);
}

static void print_table(struct list *list)
{
	struct vp_out_column shown[COLUMNS];
	struct libscols_table *table;
	size_t i;

	for (i = 0; i < list->chosen_count; i++)
		shown[i] = columns[list->chosen[i]];
	table = vp_out_table(shown, list->chosen_count);
	for (i = 0; i < list->count; i++)
		print_device(list, &list->devs[i], vp_out_line(table));
	vp_out_table_print(table);
}

/* Return: an exit status; @module says whether the module answered. */
static int ask_module(struct list *list, bool all, bool *module)
{
	struct vp_nl nl;
	int ret;

	ret = vp_nl_open(&nl);
	if (!ret)
		ret = vp_nl_devs(&nl, &list->devs, &list->count);
	*module = !ret;
	if (ret == -ENOENT && all) {
		vp_out_note("the module is not loaded; this is what the host has");
		ret = 0;
	} else if (ret) {
		vp_out_nl_error("module vfiopolicy", &nl.error);
	}
	vp_nl_close(&nl);
	return ret ? VP_EXIT_KERNEL : VP_EXIT_DONE;
}

static int list_devices(struct list *list, const struct vp_args *args)
{
	bool all = args->given & (VP_OPT_ALL | VP_OPT_LIST_ALL), module;
	int ret;

	ret = ask_module(list, all, &module);
	if (ret)
		return ret;
	if (all && add_others(list)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	if (list->count)
		qsort(list->devs, list->count, sizeof(*list->devs), by_address);
	if (args->given & VP_OPT_JSON)
		print_json(list, module);
	else
		print_table(list);
	if (!list->count)
		vp_out_note("no device that is present is named by a rule; list -a shows all");
	return VP_EXIT_DONE;
}

static int run(const struct vp_args *args)
{
	struct list list = { .chosen_count = COLUMNS_USUAL };
	size_t i;
	int ret;

	for (i = 0; i < COLUMNS_USUAL; i++)
		list.chosen[i] = i;
	if (args->output &&
	    vp_out_choose(columns, COLUMNS, args->output, list.chosen,
			  &list.chosen_count))
		return VP_EXIT_USAGE;
	ret = vp_device_host(&list.host, NULL);
	if (!ret) {
		/* Without the mounts one can still be asked who has what open. */
		vp_safety_open(&list.safety, &list.host, NULL);
		ret = list_devices(&list, args);
		vp_safety_close(&list.safety);
	}
	free(list.devs);
	vp_host_close(&list.host);
	return ret;
}

const struct vp_command vp_cmd_list = {
	.name = "list",
	.synopsis = "[-a] [-o COLS]",
	.summary = "the devices that rules name: driver, group, state, rule",
	.help =
"  -a, --all         all devices of the host but bridges; works without the\n"
"                    module, too\n"
"  -o, --output=COLS these columns: ADDRESS, ID, DRIVER, GROUP, STATE, RULE,\n"
"                    DEVICE, and TARGET (the driver wanted), FOUND (who was\n"
"                    turned away), PF, CLASS, SUBSYSTEM, USER (who has it open)\n"
"  -n, --numeric     numbers instead of names\n"
"  --no-legend       no heading\n",
	.examples =
"  vfiopolicy list -a                everything that could be given away\n"
"  vfiopolicy list -o ADDRESS,USER   which guest has what\n"
"  vfiopolicy list -j | jq -r '.devices[] | select(.in_use) | .address'\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_NO_LEGEND |
		   VP_OPT_ALL | VP_OPT_LIST_ALL | VP_OPT_OUTPUT,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
