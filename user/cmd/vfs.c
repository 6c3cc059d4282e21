// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy vfs ADDRESS
 *
 * For udev, when a PF has got its driver: does the rule that leaves it to the host
 * say vfs=N, it gets N VFs. Hidden, since people have sriov.
 *
 * Only from none: a number that somebody has set is not changed, for that takes
 * all VFs away first.
 */
#include "device.h"
#include "output.h"
#include "rules.h"
#include "table.h"
#include "vfs.h"

/* The rules in force; without the module those of the files. */
static int read_rules(struct vp_table **table)
{
	struct vp_nl_rule *rules = NULL;
	struct vp_rules_error error;
	struct vp_rules files;
	struct vp_nl nl;
	size_t count = 0;
	int ret;

	ret = vp_nl_open(&nl);
	if (!ret)
		ret = vp_nl_rules(&nl, &rules, &count);
	vp_nl_close(&nl);
	if (!ret) {
		ret = vp_table_of_module(rules, count, table);
		free(rules);
		return ret;
	}
	ret = vp_rules_read(&files, &error);
	if (ret)
		vp_out_error("%s", error.text);
	else
		ret = vp_table_of_files(&files, table);
	vp_rules_free(&files);
	return ret;
}

static u32 wanted(struct vp_host *host, const struct vp_table *table,
		  const struct vp_host_dev *pf)
{
	const struct vp_entry *entry;
	enum vp_fit fit;

	if (table->dsn)
		vp_host_read_dsn(host, pf);
	entry = vp_policy_match(table, &pf->facts, &fit);
	if (!entry || fit != VP_FIT_MATCH || entry->rule.action != VP_LEAVE)
		return 0;
	return entry->rule.num_vfs;
}

static int make(const struct vp_host *host, const struct vp_host_dev *pf, u32 count)
{
	struct vp_vfs vfs;
	int ret;

	ret = vp_vfs_read(host, pf, &vfs);
	if (ret) {
		vp_out_error("%s: it has no VFs, whatever vfs=%u says", pf->address,
			     count);
		return VP_EXIT_KERNEL;
	}
	if (vfs.present) {
		ret = VP_EXIT_DONE;
	} else if (count > vfs.total) {
		vp_out_error("%s: vfs=%u is more than the %u that it can have; none was made",
			     pf->address, count, vfs.total);
		ret = VP_EXIT_KERNEL;
	} else {
		ret = vp_vfs_set(host, pf, count);
		if (ret)
			vp_out_error("%s: vfs=%u: %s", pf->address, count,
				     strerror(-ret));
		ret = ret ? VP_EXIT_KERNEL : VP_EXIT_DONE;
	}
	vp_vfs_free(&vfs);
	return ret;
}

static int run(const struct vp_args *args)
{
	const struct vp_host_dev *pf;
	struct vp_table *table = NULL;
	struct vp_host host;
	u32 count;
	int ret;

	ret = vp_device_host(&host, NULL);
	if (ret)
		return ret;
	pf = vp_host_find(&host, args->words[0]);
	if (!pf) {
		vp_out_error("'%s': expected the address of a device that is present",
			     args->words[0]);
		ret = VP_EXIT_NOT_FOUND;
	} else if (read_rules(&table)) {
		ret = VP_EXIT_KERNEL;
	} else {
		count = wanted(&host, table, pf);
		if (count)
			ret = make(&host, pf, count);
	}
	vp_policy_free(table);
	vp_host_close(&host);
	return ret;
}

const struct vp_command vp_cmd_vfs = {
	.name = "vfs",
	.synopsis = "ADDRESS",
	.summary = "for udev: make the VFs that a rule says by vfs=",
	.help =
"Nothing is done when there are some, or when no rule that leaves the device to\n"
"the host says vfs=.\n",
	.hidden = true,
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
