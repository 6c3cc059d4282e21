// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy check
 *
 * Is this host ready to give devices to guests: one line a finding, with what
 * to do about it in the terms of this host's boot loader. Only reads.
 */
#include <unistd.h>

#include <json.h>

#include "check.h"
#include "command.h"
#include "device.h"
#include "output.h"

static const struct {
	const char *name;
	enum vp_verdict verdict;
} levels[] = {
	[VP_CHECK_OK] = { "ok", VP_VERDICT_MET },
	[VP_CHECK_TODO] = { "todo", VP_VERDICT_NOT_MET },
	[VP_CHECK_WARN] = { "warn", VP_VERDICT_PENDING },
};

/**
 * vp_check_say() - add a finding
 * @check: where to
 * @level: what it means
 * @id: what was looked at; a static string
 * @remedy: what to do about it; NULL or empty for nothing
 * @fmt: as printf's: what was found
 */
void vp_check_say(struct vp_check *check, enum vp_check_level level,
		  const char *id, const char *remedy, const char *fmt, ...)
{
	struct vp_check_finding *more;
	va_list ap;

	more = reallocarray(check->findings, check->count + 1, sizeof(*more));
	if (!more)
		return;
	check->findings = more;
	more += check->count;
	memset(more, 0, sizeof(*more));
	more->level = level;
	more->id = id;
	va_start(ap, fmt);
	if (vasprintf(&more->text, fmt, ap) < 0)
		more->text = NULL;
	va_end(ap);
	if (remedy && remedy[0])
		more->remedy = strdup(remedy);
	if (more->text)
		check->count++;
	else
		free(more->remedy);
}

/**
 * vp_check_sys() - read the first line of a file of sysfs
 * @check: what has the host
 * @path: the path below sysfs
 * @buf: set to the line, in printable ASCII; empty when there is none
 * @size: room in @buf
 *
 * Return: true when there is one.
 */
bool vp_check_sys(const struct vp_check *check, const char *path, char *buf,
		  size_t size)
{
	const struct vp_site sys = { .root = check->host.sysfs };

	return vp_site_text(&sys, path, buf, size);
}

/**
 * vp_check_word() - is this on the command line of the kernel that is running
 * @check: what has it
 * @key: the word, its dashes as underscores
 * @value: what it is set to; NULL for anything. Of values that are lists, one
 *         of the list.
 *
 * Return: the last such word, or NULL.
 */
const struct vp_site_entry *vp_check_word(const struct vp_check *check,
					  const char *key, const char *value)
{
	const struct vp_site_entry *entry, *found = NULL;
	size_t i;

	for (i = 0; i < check->site.count; i++) {
		entry = &check->site.entries[i];
		if (entry->kind == VP_SITE_CMDLINE && !strcmp(entry->key, key) &&
		    (!value || vp_site_lists(entry->value, value)))
			found = entry;
	}
	return found;
}

/**
 * vp_check_rule() - the rule that wants a device for guests
 * @check: what has the rules
 * @dev: the device
 *
 * Return: the rule, or NULL when none does.
 */
const struct vp_rules_entry *vp_check_rule(const struct vp_check *check,
					   const struct vp_host_dev *dev)
{
	const struct vp_rules_entry *entry;

	if (dev->bridge)
		return NULL;
	entry = vp_claim_ruled(&check->rules, check->table, dev);
	return entry && entry->rule->action != VP_LEAVE ? entry : NULL;
}

static void print(const struct vp_check *check, enum vp_check_level level)
{
	const struct vp_check_finding *finding;
	const char *color = vp_out_color(levels[level].verdict);
	unsigned int n = 0;
	char number[16] = "";
	size_t i;

	for (i = 0; i < check->count; i++) {
		finding = &check->findings[i];
		if (finding->level != level)
			continue;
		if (level == VP_CHECK_TODO)
			snprintf(number, sizeof(number), "%u. ", ++n);
		vp_out_say("%s%-4s%s  %s%s%s%s", color, levels[level].name,
			   vp_out_uncolor(), number, finding->text,
			   finding->remedy ? ": " : "",
			   finding->remedy ? finding->remedy : "");
	}
}

static void print_json(const struct vp_check *check, bool ready)
{
	struct json_object *obj = vp_out_json(), *list, *one;
	const struct vp_check_finding *finding;
	size_t i;

	vp_out_json_bool(obj, "ready", ready);
	vp_out_json_string(obj, "boot_loader", check->loader.name);
	list = json_object_new_array();
	for (i = 0; i < check->count; i++) {
		finding = &check->findings[i];
		one = json_object_new_object();
		vp_out_json_string(one, "level", levels[finding->level].name);
		vp_out_json_string(one, "id", finding->id);
		vp_out_json_string(one, "text", finding->text);
		vp_out_json_string(one, "remedy", finding->remedy);
		json_object_array_add(list, one);
	}
	json_object_object_add(obj, "findings", list);
	vp_out_json_print(obj);
}

static int look(struct vp_check *check, const struct vp_args *args)
{
	bool ready = true;
	size_t i;

	if (geteuid())
		vp_out_note("root sees more: guests of libvirt, for one");
	vp_kernels_find(&check->site, &check->kernels);
	check->config = vp_kernel_config(&check->kernels,
					 check->kernels.running);
	vp_loader_find(&check->site, check->kernels.running, &check->loader);
	if (check->table->dsn)
		vp_host_read_dsn(&check->host, NULL);

	vp_check_iommu(check);
	vp_check_kernel(check);
	vp_check_modules(check);
	/* Before anything is to be removed because a rule does it. */
	vp_check_boot(check);
	vp_check_rivals(check);
	vp_check_devices(check);
	vp_check_wishes(check);

	for (i = 0; i < check->count; i++)
		ready &= check->findings[i].level != VP_CHECK_TODO;
	print(check, VP_CHECK_OK);
	print(check, VP_CHECK_TODO);
	print(check, VP_CHECK_WARN);
	if (args->given & VP_OPT_JSON)
		print_json(check, ready);
	return ready ? VP_EXIT_DONE : VP_EXIT_NOT_MET;
}

static int open_and_look(struct vp_check *check, const struct vp_args *args)
{
	struct vp_rules_error error;
	int ret;

	ret = vp_device_host(&check->host, NULL);
	if (ret)
		return ret;
	if (vp_rules_read(&check->rules, &error)) {
		vp_out_error("%s", error.text);
		return VP_EXIT_KERNEL;
	}
	if (vp_table_of_files(&check->rules, &check->table) ||
	    vp_site_open(&check->site, NULL) ||
	    vp_claims_find(&check->site, &check->claims)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	return look(check, args);
}

static int run(const struct vp_args *args)
{
	struct vp_check check = { 0 };
	size_t i;
	int ret;

	ret = open_and_look(&check, args);
	for (i = 0; i < check.count; i++) {
		free(check.findings[i].text);
		free(check.findings[i].remedy);
	}
	free(check.findings);
	free(check.config);
	vp_claims_free(&check.claims);
	vp_site_close(&check.site);
	vp_policy_free(check.table);
	vp_rules_free(&check.rules);
	vp_host_close(&check.host);
	return ret;
}

const struct vp_command vp_cmd_check = {
	.name = "check",
	.synopsis = "",
	.summary = "is this host ready for guests with devices, and what is to be done",
	.help =
"ok is as it should be; todo is to be done, in that order; warn is worth\n"
"knowing. Exit status 4 when there is something to do. Changes nothing. As\n"
"root it sees more.\n",
	.examples =
"  vfiopolicy check                # before the first rule, and after an update\n",
	.options = VP_OPT_JSON | VP_OPT_NUMERIC,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
