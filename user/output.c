// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that is printed. Errors and notes go to standard error; results
 * go to standard output, and with --json they are all that goes there.
 */
#include <stdarg.h>
#include <unistd.h>

#include <json.h>
#include <libsmartcols.h>

#include "output.h"
#include "state.h"
#include "wrap.h"

#define JSON_ABI	1

/* What the command line says of all output; set once. */
static struct {
	bool color;
	bool json;
	bool numeric;
	bool no_legend;
	bool quiet;
	bool verbose;
} out;

static bool want_color(enum vp_color color)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (color != VP_COLOR_AUTO)
		return color == VP_COLOR_ALWAYS;
	if (no_color && *no_color)
		return false;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

/**
 * vp_out_setup() - learn how to print
 * @args: the command line
 */
void vp_out_setup(const struct vp_args *args)
{
	out.color = want_color(args->color);
	out.json = args->given & VP_OPT_JSON;
	out.numeric = args->given & VP_OPT_NUMERIC;
	out.no_legend = args->given & VP_OPT_NO_LEGEND;
	out.quiet = args->quiet;
	out.verbose = args->verbose;
}

/**
 * vp_out_finish() - make sure that all that was printed has arrived
 *
 * Return: 0, or -EIO after having said so.
 */
int vp_out_finish(void)
{
	int ret = fflush(stdout);

	if (!ret && !ferror(stdout))
		return 0;
	/* Whoever read it has seen enough. */
	if (errno == EPIPE)
		return 0;
	vp_out_error("standard output: %s", strerror(errno));
	return -EIO;
}

static void print_line(FILE *to, const char *prefix, const char *fmt,
		       va_list ap)
{
	fputs(prefix, to);
	vfprintf(to, fmt, ap);
	fputc('\n', to);
}

/**
 * vp_out_error() - say what is wrong
 * @fmt: as printf's; one line, without its end
 */
void vp_out_error(const char *fmt, ...)
{
	va_list ap;

	/* What was done so far comes before what went wrong after it. */
	fflush(stdout);
	va_start(ap, fmt);
	print_line(stderr, "vfiopolicy: ", fmt, ap);
	va_end(ap);
}

/**
 * vp_out_error_more() - another line of what is wrong
 * @fmt: as printf's; one line, without its end
 */
void vp_out_error_more(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(stderr, "", fmt, ap);
	va_end(ap);
}

/**
 * vp_out_note() - say what is good to know, unless --quiet
 * @fmt: as printf's; one line, without its end
 */
void vp_out_note(const char *fmt, ...)
{
	va_list ap;

	if (out.quiet)
		return;
	fflush(stdout);
	va_start(ap, fmt);
	print_line(stderr, "vfiopolicy: ", fmt, ap);
	va_end(ap);
}

/**
 * vp_out_verbose() - say what only --verbose wants to know
 * @fmt: as printf's; one line, without its end
 */
void vp_out_verbose(const char *fmt, ...)
{
	va_list ap;

	if (!out.verbose)
		return;
	va_start(ap, fmt);
	print_line(stderr, "vfiopolicy: ", fmt, ap);
	va_end(ap);
}

/**
 * vp_out_say() - one line of a result for people
 * @fmt: as printf's; one line, without its end
 *
 * Not with --quiet, and not with --json, which has another form for it.
 */
void vp_out_say(const char *fmt, ...)
{
	va_list ap;

	if (out.quiet || out.json)
		return;
	va_start(ap, fmt);
	print_line(stdout, "", fmt, ap);
	va_end(ap);
	fflush(stdout);
}

/**
 * vp_out_usage() - how a command is written
 * @command: the command
 */
void vp_out_usage(const struct vp_command *command)
{
	vp_out_error_more("usage: vfiopolicy %s%s%s", command->name,
			  command->synopsis[0] ? " " : "", command->synopsis);
}

/**
 * vp_out_nl_error() - say what the kernel refused, and the likely cause
 * @what: what was asked for
 * @error: what the kernel said
 */
void vp_out_nl_error(const char *what, const struct vp_nl_error *error)
{
	vp_out_error("%s: %s", what, error->text);
	if (error->errnum == ENOENT && !error->told &&
	    strncmp(error->text, "not ", 4) != 0)
		vp_out_error_more("It answers in the host's: nsenter --net=/proc/1/ns/net vfiopolicy ...");
	else if (error->errnum == ENOENT && !error->told)
		vp_out_error_more("To load it: modprobe vfiopolicy");
	else if (error->errnum == EPERM || error->errnum == EACCES)
		vp_out_error_more("This takes root.");
}

/**
 * vp_out_color() - begin to colour
 * @verdict: how good the news is
 *
 * Return: what to print before it; empty when there is to be no colour.
 */
const char *vp_out_color(enum vp_verdict verdict)
{
	if (!out.color)
		return "";
	switch (verdict) {
	case VP_VERDICT_MET:
		return "\033[32m";
	case VP_VERDICT_NOT_MET:
		return "\033[31m";
	default:
		return "\033[33m";
	}
}

/**
 * vp_out_uncolor() - end what vp_out_color() began
 *
 * Return: what to print behind it; empty when there is to be no colour.
 */
const char *vp_out_uncolor(void)
{
	return out.color ? "\033[0m" : "";
}

/**
 * vp_out_name() - what to call a device
 * @host: where names come from
 * @facts: the device
 * @buf: where to
 * @size: room in @buf
 */
void vp_out_name(const struct vp_host *host, const struct vp_facts *facts,
		 char *buf, size_t size)
{
	if (out.numeric)
		snprintf(buf, size, "%04x:%04x", facts->vendor, facts->device);
	else
		vp_host_name(host, facts, buf, size);
}

/* Which column goes by this name, whatever its case. Return: @count: none. */
static size_t find_column(const struct vp_out_column *columns, size_t count,
			  const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strlen(columns[i].title) == len &&
		    !strncasecmp(columns[i].title, name, len))
			return i;
	return count;
}

static void say_columns(const struct vp_out_column *columns, size_t count,
			const char *name, size_t len)
{
	char list[256] = "";
	size_t i, n = 0;

	for (i = 0; i < count; i++)
		n += scnprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
			       columns[i].title);
	vp_out_error("--output: '%.*s' is no column: expected one or more of %s, between commas",
		     (int)len, name, list);
}

/**
 * vp_out_choose() - the columns that --output names
 * @columns: those that can be had
 * @count: number of @columns
 * @wanted: their titles, between commas, in whatever case
 * @chosen: set to the places of those chosen, in the order of @wanted; room for
 *          @count
 * @chosen_count: set to how many were chosen
 *
 * Return: 0, or -EINVAL after having said which are legal.
 */
int vp_out_choose(const struct vp_out_column *columns, size_t count,
		  const char *wanted, size_t *chosen, size_t *chosen_count)
{
	size_t len, column, i;

	*chosen_count = 0;
	for (;;) {
		len = strcspn(wanted, ",");
		column = find_column(columns, count, wanted, len);
		for (i = 0; i < *chosen_count && column < count; i++)
			if (chosen[i] == column)
				column = count;
		if (column == count) {
			say_columns(columns, count, wanted, len);
			return -EINVAL;
		}
		chosen[(*chosen_count)++] = column;
		if (!wanted[len])
			return 0;
		wanted += len + 1;
	}
}

/**
 * vp_out_table() - begin a table
 * @columns: its columns
 * @count: number of @columns
 *
 * Return: the table, or NULL when out of memory.
 */
struct libscols_table *vp_out_table(const struct vp_out_column *columns,
				    size_t count)
{
	struct libscols_table *table;
	size_t i;

	table = scols_new_table();
	if (!table)
		return NULL;
	for (i = 0; i < count; i++) {
		if (!scols_table_new_column(table, columns[i].title,
					    columns[i].width,
					    columns[i].flags)) {
			scols_unref_table(table);
			return NULL;
		}
	}
	scols_table_enable_colors(table, out.color);
	scols_table_enable_noheadings(table, out.no_legend);
	scols_table_set_column_separator(table, "  ");
	return table;
}

/**
 * vp_out_line() - add a line to a table
 * @table: the table; may be NULL
 *
 * Return: the line, or NULL.
 */
struct libscols_line *vp_out_line(struct libscols_table *table)
{
	return table ? scols_table_new_line(table, NULL) : NULL;
}

/**
 * vp_out_cell() - fill a cell
 * @line: the line; may be NULL
 * @column: number of the column, from 0
 * @text: what to put there; NULL or empty for nothing
 */
void vp_out_cell(struct libscols_line *line, size_t column, const char *text)
{
	if (line)
		scols_line_set_data(line, column, text && *text ? text : "-");
}

/**
 * vp_out_cell_verdict() - fill a cell that is coloured
 * @line: the line; may be NULL
 * @column: number of the column, from 0
 * @text: what to put there
 * @verdict: how good the news is
 */
void vp_out_cell_verdict(struct libscols_line *line, size_t column,
			 const char *text, enum vp_verdict verdict)
{
	struct libscols_cell *cell;

	vp_out_cell(line, column, text);
	cell = line ? scols_line_get_cell(line, column) : NULL;
	if (cell && out.color)
		scols_cell_set_color(cell, vp_out_color(verdict));
}

/**
 * vp_out_table_print() - print a table and free it
 * @table: the table; may be NULL
 */
void vp_out_table_print(struct libscols_table *table)
{
	if (!table) {
		vp_out_error("%s", strerror(ENOMEM));
		return;
	}
	if (isatty(STDOUT_FILENO))
		vp_wrap_table(table, scols_table_get_termwidth(table));
	if (scols_table_get_nlines(table))
		scols_print_table(table);
	scols_unref_table(table);
}

/**
 * vp_out_json() - begin an object that says its version
 *
 * Return: the object.
 */
struct json_object *vp_out_json(void)
{
	struct json_object *obj = json_object_new_object();

	vp_out_json_number(obj, "version", JSON_ABI);
	return obj;
}

/**
 * vp_out_json_string() - add a string
 * @obj: the object
 * @key: its name
 * @text: the string; NULL or empty for null
 */
void vp_out_json_string(struct json_object *obj, const char *key,
			const char *text)
{
	json_object_object_add(obj, key, text && *text ?
			       json_object_new_string(text) : NULL);
}

/**
 * vp_out_json_number() - add a number
 * @obj: the object
 * @key: its name
 * @number: the number
 */
void vp_out_json_number(struct json_object *obj, const char *key, u64 number)
{
	json_object_object_add(obj, key, json_object_new_uint64(number));
}

/**
 * vp_out_json_bool() - add a truth
 * @obj: the object
 * @key: its name
 * @value: the truth
 */
void vp_out_json_bool(struct json_object *obj, const char *key, bool value)
{
	json_object_object_add(obj, key, json_object_new_boolean(value));
}

/**
 * vp_out_json_facts() - add the ids of a device, in hex as lspci has them
 * @obj: the object
 * @facts: the device
 */
void vp_out_json_facts(struct json_object *obj, const struct vp_facts *facts)
{
	const struct {
		const char *key;
		int digits;
		u32 value;
	} ids[] = {
		{ "vendor", 4, facts->vendor },
		{ "device", 4, facts->device },
		{ "subsystem_vendor", 4, facts->subvendor },
		{ "subsystem_device", 4, facts->subdevice },
		{ "class", 6, facts->class },
	};
	char text[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		snprintf(text, sizeof(text), "%0*x", ids[i].digits,
			 ids[i].value);
		vp_out_json_string(obj, ids[i].key, text);
	}
}

/**
 * vp_out_json_dev() - a device as the module has it
 * @host: where names come from
 * @dev: the device
 *
 * Return: an object.
 */
struct json_object *vp_out_json_dev(const struct vp_host *host,
				    const struct vp_nl_dev *dev)
{
	struct json_object *obj = json_object_new_object();
	char text[VP_VERDICT_LEN];

	vp_out_json_string(obj, "address", dev->address);
	vp_out_json_facts(obj, &dev->facts);
	vp_host_name(host, &dev->facts, text, sizeof(text));
	vp_out_json_string(obj, "name", text);
	vp_out_json_string(obj, "driver", dev->driver);
	if (dev->group >= 0)
		vp_out_json_number(obj, "group", (u64)dev->group);
	else
		vp_out_json_string(obj, "group", NULL);
	vp_out_json_string(obj, "physfn", dev->physfn);
	vp_out_json_string(obj, "state", vp_state_name(dev->state));
	vp_out_json_string(obj, "reason", dev->reason ?
			   vp_verdict_reason_name(dev->reason) : NULL);
	vp_verdict_reason(dev, text);
	vp_out_json_string(obj, "reason_text", text);
	if (dev->rule)
		vp_out_json_number(obj, "rule", dev->rule);
	else
		vp_out_json_string(obj, "rule", NULL);
	vp_out_json_string(obj, "rule_text", dev->rule_text);
	vp_out_json_string(obj, "target", dev->target);
	vp_out_json_bool(obj, "adopted", dev->adopted);
	vp_out_json_bool(obj, "in_use", dev->in_use);
	vp_out_json_string(obj, "found", dev->found);
	vp_out_json_bool(obj, "framebuffer", dev->framebuffer);
	if (dev->generation)
		vp_out_json_number(obj, "generation", dev->generation);
	else
		vp_out_json_string(obj, "generation", NULL);
	return obj;
}

/**
 * vp_out_json_here() - a device that the module has no record of
 * @host: the host
 * @here: the device
 *
 * Return: an object, with a state of null.
 */
struct json_object *vp_out_json_here(const struct vp_host *host,
				     const struct vp_host_dev *here)
{
	struct vp_nl_dev dev = { .group = here->group, .facts = here->facts };
	struct json_object *obj;

	memcpy(dev.address, here->address, sizeof(dev.address));
	memcpy(dev.driver, here->driver, sizeof(dev.driver));
	memcpy(dev.physfn, here->physfn, sizeof(dev.physfn));
	obj = vp_out_json_dev(host, &dev);
	vp_out_json_string(obj, "state", NULL);
	return obj;
}

/**
 * vp_out_json_rule() - a rule
 * @rule: the rule
 *
 * Return: an object.
 */
struct json_object *vp_out_json_rule(const struct vp_nl_rule *rule)
{
	struct json_object *obj = json_object_new_object();

	/* One that is only in a file has no number yet. */
	if (rule->id)
		vp_out_json_number(obj, "id", rule->id);
	else
		vp_out_json_string(obj, "id", NULL);
	vp_out_json_string(obj, "origin", vp_verdict_origin_name(rule->origin));
	vp_out_json_string(obj, "text", rule->text);
	return obj;
}

/**
 * vp_out_json_user() - add who has a device open
 * @obj: the object
 * @user: the process; NULL, or one without a number, for null
 */
void vp_out_json_user(struct json_object *obj, const struct vp_user *user)
{
	struct json_object *json = NULL;

	if (user && user->pid) {
		json = json_object_new_object();
		vp_out_json_number(json, "pid", (u64)user->pid);
		vp_out_json_string(json, "command", user->command);
		vp_out_json_string(json, "vm", user->vm);
	}
	json_object_object_add(obj, "user", json);
}

static void print_json(struct json_object *obj, int flags)
{
	puts(json_object_to_json_string_ext(obj, flags |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
}

/**
 * vp_out_json_print() - print an object, for people too, and free it
 * @obj: the object
 */
void vp_out_json_print(struct json_object *obj)
{
	print_json(obj, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

/**
 * vp_out_json_print_line() - print an object in one line, at once, and free it
 * @obj: the object
 */
void vp_out_json_print_line(struct json_object *obj)
{
	print_json(obj, JSON_C_TO_STRING_PLAIN);
	fflush(stdout);
}
