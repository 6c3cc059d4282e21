// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy import [-y] [--remove-old] [--dry-run] [--force]
 *
 * Makes rules of what others' settings claim for guests: shows what each means
 * on this host and what is wrong with it, saves the rules when the user agrees,
 * and takes the settings out when that is asked for.
 */
#include <unistd.h>

#include "boot.h"
#include "device.h"
#include "import.h"
#include "output.h"

static bool removes(const struct vp_import *import)
{
	return (import->args->given & VP_OPT_REMOVE_OLD) && import->goable;
}

/* On a terminal alone: a script says --yes. */
static bool ask(const struct vp_import *import)
{
	char answer[16] = "";

	if (import->fresh)
		printf("Save %zu rule%s%s? [y/N] ", import->fresh,
		       import->fresh == 1 ? "" : "s",
		       removes(import) ? ", and take the old settings out" : "");
	else
		printf("Take the old settings out? [y/N] ");
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		putchar('\n');
	return answer[0] == 'y' || answer[0] == 'Y';
}

static bool is_forced(const struct vp_import *import)
{
	return import->args->given & VP_OPT_FORCE;
}

/*
 * A setting that holds at every boot does not go for rules that no boot knows.
 * Return: an exit status.
 */
static int check_images(const struct vp_import *import)
{
	struct vp_boot boot;

	if (!removes(import) || is_forced(import) ||
	    !(import->args->given & VP_OPT_NO_IMAGE))
		return VP_EXIT_DONE;
	vp_boot_look(&import->rules, &boot);
	if (!boot.count || (!import->fresh && vp_boot_is_current(&boot)))
		return VP_EXIT_DONE;
	vp_out_error("--remove-old and --no-image: the next boot would know neither the old settings nor the rules");
	vp_out_error_more("Nothing was changed. Leave out --no-image; --force takes the old settings out all the same.");
	return VP_EXIT_USAGE;
}

/* Does the next boot know the rules, as they have been saved? */
static bool is_ready(void)
{
	struct vp_rules_error error;
	struct vp_rules rules;
	struct vp_boot boot;
	bool ready = false;

	if (!vp_rules_read(&rules, &error)) {
		vp_boot_look(&rules, &boot);
		ready = boot.hash[0] && vp_boot_is_current(&boot) &&
			!boot.unhooked[0];
	}
	vp_rules_free(&rules);
	return ready;
}

/* First the one, then the other. Return: an exit status. */
static int remove_old(struct vp_import *import)
{
	if (is_forced(import) ||
	    (!vp_boot_update(import->args) && is_ready()))
		return vp_import_remove(import, false);
	vp_out_error("the old settings stay: without them and the rules the host would have the devices again at the next boot");
	vp_out_error_more("vfiopolicy apply makes the next boot know the rules, or says why it cannot; then vfiopolicy import --remove-old. --force takes the old settings out all the same.");
	return VP_EXIT_KERNEL;
}

static int carry_out(struct vp_import *import)
{
	int ret = vp_import_save(import);

	if (ret)
		return ret;
	vp_import_show_done(import);
	return removes(import) ? remove_old(import) : VP_EXIT_DONE;
}

/* Return: an exit status. */
static int decide(struct vp_import *import)
{
	const unsigned int given = import->args->given;
	bool json = given & VP_OPT_JSON;

	if (!import->fresh && !removes(import))
		return VP_EXIT_DONE;
	if (given & VP_OPT_DRY_RUN) {
		/* What cannot be edited is better known before. */
		if (removes(import))
			vp_import_remove(import, true);
		return VP_EXIT_WOULD_CHANGE;
	}
	if (!(given & VP_OPT_YES)) {
		if (json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
			vp_out_note("nothing was changed; vfiopolicy import --yes saves the rules");
			return VP_EXIT_WOULD_CHANGE;
		}
		if (!ask(import)) {
			vp_out_say("Nothing was changed.");
			return VP_EXIT_WOULD_CHANGE;
		}
	}
	return carry_out(import);
}

static int read_all(struct vp_import *import)
{
	struct vp_rules_error error;
	int ret;

	ret = vp_device_host(&import->host, NULL);
	if (ret)
		return ret;
	if (vp_rules_read(&import->rules, &error)) {
		vp_out_error("%s", error.text);
		return VP_EXIT_KERNEL;
	}
	if (vp_table_of_files(&import->rules, &import->table) ||
	    vp_site_open(&import->site, NULL) ||
	    vp_claims_find(&import->site, &import->claims)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	if (import->table->dsn)
		vp_host_read_dsn(&import->host, NULL);
	vp_kernels_find(&import->site, &import->kernels);
	vp_loader_find(&import->site, import->kernels.running, &import->loader);
	return VP_EXIT_DONE;
}

static int work(struct vp_import *import)
{
	int ret = read_all(import);

	if (ret)
		return ret;
	if (vp_import_plan(import)) {
		vp_out_error("%s", strerror(ENOMEM));
		return VP_EXIT_KERNEL;
	}
	vp_import_show(import);
	ret = vp_import_check(import);
	if (!ret)
		ret = vp_import_check_uses(import);
	if (!ret)
		ret = check_images(import);
	if (!ret)
		ret = decide(import);
	if (import->args->given & VP_OPT_JSON)
		vp_out_json_print(vp_import_json(import));
	return ret;
}

static int run(const struct vp_args *args)
{
	struct vp_import import = { .args = args };
	int ret = work(&import);

	free(import.plan);
	free(import.olds);
	vp_claims_free(&import.claims);
	vp_site_close(&import.site);
	vp_policy_free(import.table);
	vp_rules_free(&import.rules);
	vp_host_close(&import.host);
	return ret;
}

const struct vp_command vp_cmd_import = {
	.name = "import",
	.synopsis = "[-y] [--remove-old] [--no-image] [--dry-run] [--force]",
	.summary = "make rules of vfio-pci.ids=, modprobe.d, driverctl, xen-pciback and others",
	.help =
"It shows the settings, what the kernel really takes of them, which devices\n"
"they mean, and the rules that do the same, and asks before it saves those.\n"
"  -y, --yes         save them without asking\n"
"  --remove-old      take the old settings out as well; each old file is kept in\n"
"                    /etc/vfiopolicy/replaced\n"
"  --no-image        leave the boot images as they are: a later apply rebuilds them\n"
"  --dry-run         only show it; exit status 5 when something would be changed\n"
"  --force           rules for devices that the host uses as well; with\n"
"                    --remove-old, though the next boot does not know the rules\n"
"What other programs own is left to them: what a guest of Proxmox VE has becomes\n"
"a rule, and stays in its file.\n",
	.examples =
"  vfiopolicy import               # what is there, and what it comes to\n"
"  vfiopolicy import --remove-old  # rules alone from now on\n",
	.saves = true,
	.options = VP_OPT_NO_IMAGE | VP_OPT_JSON | VP_OPT_NUMERIC | VP_OPT_YES |
		   VP_OPT_REMOVE_OLD | VP_OPT_DRY_RUN | VP_OPT_FORCE,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
