/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines, tables, JSON and colour: everything that is printed goes here. */
#ifndef VFIOPOLICY_OUTPUT_H
#define VFIOPOLICY_OUTPUT_H

#include "command.h"
#include "host.h"
#include "nl.h"
#include "safety.h"
#include "verdict.h"

struct json_object;
struct libscols_line;
struct libscols_table;

/**
 * struct vp_out_column - one column of a table
 * @title: its heading
 * @width: how much room it would like: a share of the line below 1, or
 *         columns
 * @flags: SCOLS_FL_*
 */
struct vp_out_column {
	const char *title;
	double width;
	int flags;
};

void vp_out_setup(const struct vp_args *args);
int vp_out_finish(void);

__attribute__((format(printf, 1, 2))) void vp_out_error(const char *fmt, ...);
__attribute__((format(printf, 1, 2)))
void vp_out_error_more(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void vp_out_note(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void vp_out_verbose(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void vp_out_say(const char *fmt, ...);
void vp_out_usage(const struct vp_command *command);
void vp_out_nl_error(const char *what, const struct vp_nl_error *error);

const char *vp_out_color(enum vp_verdict verdict);
const char *vp_out_uncolor(void);
void vp_out_name(const struct vp_host *host, const struct vp_facts *facts,
		 char *buf, size_t size);

int vp_out_choose(const struct vp_out_column *columns, size_t count,
		  const char *wanted, size_t *chosen, size_t *chosen_count);
struct libscols_table *vp_out_table(const struct vp_out_column *columns,
				    size_t count);
struct libscols_line *vp_out_line(struct libscols_table *table);
void vp_out_cell(struct libscols_line *line, size_t column, const char *text);
void vp_out_cell_verdict(struct libscols_line *line, size_t column,
			 const char *text, enum vp_verdict verdict);
void vp_out_table_print(struct libscols_table *table);

struct json_object *vp_out_json(void);
void vp_out_json_string(struct json_object *obj, const char *key,
			const char *text);
void vp_out_json_number(struct json_object *obj, const char *key, u64 number);
void vp_out_json_bool(struct json_object *obj, const char *key, bool value);
void vp_out_json_facts(struct json_object *obj, const struct vp_facts *facts);
struct json_object *vp_out_json_dev(const struct vp_host *host,
				    const struct vp_nl_dev *dev);
struct json_object *vp_out_json_here(const struct vp_host *host,
				     const struct vp_host_dev *here);
struct json_object *vp_out_json_rule(const struct vp_nl_rule *rule);
void vp_out_json_user(struct json_object *obj, const struct vp_user *user);
void vp_out_json_print(struct json_object *obj);
void vp_out_json_print_line(struct json_object *obj);

#endif /* VFIOPOLICY_OUTPUT_H */
