// SPDX-License-Identifier: GPL-2.0-only
/*
 * Others who also say which driver a device gets: what is left of older ways,
 * and programs that do it while the host runs.
 */
#include <dirent.h>
#include <fnmatch.h>

#include "check.h"

#define OURS	"vfiopolicy"
/* Where the logs of pods are, in folders called NAMESPACE_POD_UID. */
#define PODS	"/var/log/pods"

/* Do rules do all that this setting does? It has to have claims. */
static bool is_covered(const struct vp_check *check,
		       const struct vp_site_entry *entry)
{
	size_t i;

	for (i = 0; i < check->claims.count; i++)
		if (check->claims.claims[i].entry == entry &&
		    !vp_claim_covered(&check->host, &check->rules, check->table,
				      &check->claims.claims[i]))
			return false;
	return true;
}

/* Why it can go, when it is covered. */
static const char *why_gone(const struct vp_check *check,
			    const struct vp_site_entry *entry)
{
	size_t i;

	for (i = 0; i < check->claims.count; i++)
		if (check->claims.claims[i].entry == entry &&
		    check->claims.claims[i].counts)
			return "a rule does it";
	return "it has no effect";
}

/* Is the same word in a file that makes command lines? */
static bool is_in_file(const struct vp_check *check,
		       const struct vp_site_entry *word)
{
	const struct vp_site_entry *entry;
	size_t i;

	for (i = 0; i < check->site.count; i++) {
		entry = &check->site.entries[i];
		if (entry->kind == VP_SITE_LOADER &&
		    !strcmp(entry->key, word->key) &&
		    !strcmp(entry->value, word->value))
			return true;
	}
	return false;
}

static void say_word(struct vp_check *check, const struct vp_site_entry *entry)
{
	char remedy[VP_CHECK_LEN];

	/* Told of where it comes from. */
	if (is_in_file(check, entry))
		return;
	if (is_covered(check, entry)) {
		/* It may be that a restart is all that is missing. */
		snprintf(remedy, sizeof(remedy),
			 "%s%srestart; if it is still there then, take it out of your boot loader",
			 check->loader.update,
			 check->loader.update[0] ? ", and " : "");
		vp_check_say(check, VP_CHECK_TODO, "rival-cmdline", remedy,
			     "this kernel was started with %s (%s); no file that is known here has it",
			     entry->text, why_gone(check, entry));
	} else {
		vp_check_say(check, VP_CHECK_WARN, "rival-cmdline",
			     "vfiopolicy import",
			     "this kernel was started with %s, and no rule does that",
			     entry->text);
	}
}

static void say_setting(struct vp_check *check,
			const struct vp_site_entry *entry, const char *id)
{
	const char *update = vp_loader_after(&check->loader, entry);

	if (is_covered(check, entry))
		vp_check_say(check, VP_CHECK_TODO, id, update,
			     "%s, line %u: remove %s (%s)%s", entry->path,
			     entry->line, entry->text, why_gone(check, entry),
			     update[0] ? ", then" : "");
	else
		vp_check_say(check, VP_CHECK_WARN, id, "vfiopolicy import",
			     "%s, line %u, claims devices as well: %s",
			     entry->path, entry->line, entry->text);
}

static void say_driverctl(struct vp_check *check,
			  const struct vp_site_entry *entry)
{
	char remedy[VP_CHECK_LEN];

	if (is_covered(check, entry)) {
		snprintf(remedy, sizeof(remedy),
			 "driverctl unset-override %s, or remove that file",
			 entry->key);
		vp_check_say(check, VP_CHECK_TODO, "rival-driverctl", remedy,
			     "driverctl claims %s as well, and a rule does it (%s)",
			     entry->key, entry->path);
	} else {
		vp_check_say(check, VP_CHECK_WARN, "rival-driverctl",
			     "vfiopolicy import",
			     "driverctl claims %s for %s (%s)", entry->key,
			     entry->value, entry->path);
	}
}

static void check_claims(struct vp_check *check)
{
	const struct vp_site_entry *entry, *last = NULL;
	size_t i;

	for (i = 0; i < check->claims.count; i++) {
		entry = check->claims.claims[i].entry;
		if (entry == last)
			continue;
		last = entry;
		switch (entry->kind) {
		case VP_SITE_CMDLINE:
			say_word(check, entry);
			break;
		case VP_SITE_LOADER:
			say_setting(check, entry, "rival-cmdline");
			break;
		case VP_SITE_OPTIONS:
			say_setting(check, entry, "rival-modprobe");
			break;
		case VP_SITE_DRIVERCTL:
			say_driverctl(check, entry);
			break;
		default:
			/* A guest that uses a device is none. */
			break;
		}
	}
}

/* Devices that libvirt gives back to the host's driver when a guest ends. */
static void check_libvirt(struct vp_check *check)
{
	const struct vp_site_entry *entry;
	const struct vp_host_dev *dev;
	char remedy[VP_CHECK_LEN];
	size_t i;

	for (i = 0; i < check->site.count; i++) {
		entry = &check->site.entries[i];
		if (entry->kind != VP_SITE_LIBVIRT)
			continue;
		dev = vp_host_find(&check->host, entry->value);
		if (!dev || !vp_check_rule(check, dev))
			continue;
		snprintf(remedy, sizeof(remedy), "virsh edit %s, and say managed='no'",
			 entry->key);
		vp_check_say(check, VP_CHECK_WARN, "rival-libvirt", remedy,
			     "libvirt moves %s by itself for the guest %s, and a rule has it already",
			     entry->value, entry->key);
	}
}

static void check_scripts(struct vp_check *check)
{
	const struct vp_site_entry *entry;
	size_t i;

	for (i = 0; i < check->site.count; i++) {
		entry = &check->site.entries[i];
		if (entry->kind == VP_SITE_SCRIPT)
			vp_check_say(check, VP_CHECK_WARN, "rival-script",
				     "if it is for devices that rules name, remove it",
				     "%s, line %u, tells devices which driver to have: %.120s",
				     entry->path, entry->line, entry->text);
		else if (entry->kind == VP_SITE_INSTALL &&
			 vp_site_is_module(entry->key, "vfio_pci"))
			vp_check_say(check, VP_CHECK_WARN, "rival-script",
				     "if that is for devices that rules name, remove the line",
				     "%s, line %u, runs something instead of loading vfio-pci: %.120s",
				     entry->path, entry->line, entry->text);
	}
}

/**
 * struct agent - a program that moves devices while the host runs
 * @name: what to call it
 * @path: a file or folder that it leaves; NULL for none
 * @pod: pattern of the names of its pods' logs; NULL for none
 * @remedy: how to get along with it
 */
struct agent {
	const char *name;
	const char *path;
	const char *pod;
	const char *remedy;
};

static const struct agent agents[] = {
	{ "NVIDIA's vfio-manager", NULL, "*_nvidia-vfio-manager-*",
	  "label the node nvidia.com/gpu.deploy.vfio-manager=false" },
	{ "the SR-IOV network operator", "/etc/sriov-operator",
	  "*_sriov-network-config-daemon-*",
	  "leave its devices to it, or take them out of its policies" },
	{ "Harvester", "/etc/harvester-release.yaml",
	  "harvester-system_*pcidevices-controller-*",
	  "it takes vfio-pci off what has no claim of its own: claim devices in one of the two" },
};

static bool has_pod(const struct vp_check *check, const char *pattern)
{
	char *path = vp_site_path(&check->site, PODS);
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;
	bool found = false;

	free(path);
	while (dir && !found && (entry = readdir(dir)))
		found = !fnmatch(pattern, entry->d_name, 0);
	if (dir)
		closedir(dir);
	return found;
}

static void check_agents(struct vp_check *check)
{
	const struct agent *agent;
	bool found;

	for (agent = agents; agent < agents + ARRAY_SIZE(agents); agent++) {
		found = (agent->path && vp_site_has(&check->site, agent->path)) ||
			(agent->pod && has_pod(check, agent->pod));
		if (found)
			vp_check_say(check, VP_CHECK_WARN, "rival-agent",
				     agent->remedy,
				     "%s runs on this host, and moves devices as well",
				     agent->name);
	}
}

/* Is a module in the part of a softdep line that is loaded first? */
static bool is_loaded_first(const char *softdep, const char *module)
{
	const char *pre = strstr(softdep, "pre:"), *post;
	char list[VP_CHECK_LEN];

	if (!pre)
		return false;
	pre += strlen("pre:");
	post = strstr(pre, "post:");
	snprintf(list, sizeof(list), "%.*s",
		 post ? (int)(post - pre) : (int)strlen(pre), pre);
	return vp_site_lists(list, module);
}

/* Of the lines for a module libkmod takes the first one alone. */
static void check_softdeps(struct vp_check *check)
{
	const struct vp_site_entry *ours, *other;
	size_t i, j;

	for (i = 0; i < check->site.count; i++) {
		ours = &check->site.entries[i];
		if (ours->kind != VP_SITE_SOFTDEP ||
		    !is_loaded_first(ours->value, OURS))
			continue;
		for (j = 0; j < i; j++) {
			other = &check->site.entries[j];
			if (other->kind != VP_SITE_SOFTDEP ||
			    is_loaded_first(other->value, OURS) ||
			    (fnmatch(other->key, ours->key, 0) &&
			     fnmatch(ours->key, other->key, 0)))
				continue;
			vp_check_say(check, VP_CHECK_TODO, "softdep",
				     "remove it, or add " OURS " behind its pre:",
				     "%s, line %u, hides ours (%s, line %u), as modprobe takes the first alone: %.120s",
				     other->path, other->line, ours->path,
				     ours->line, other->text);
		}
	}
}

/**
 * vp_check_rivals() - look for others who move devices
 * @check: where findings go
 */
void vp_check_rivals(struct vp_check *check)
{
	size_t before = check->count;

	check_softdeps(check);
	check_claims(check);
	check_libvirt(check);
	check_scripts(check);
	check_agents(check);
	if (check->count == before)
		vp_check_say(check, VP_CHECK_OK, "rivals", NULL,
			     "nobody else here is known to move devices");
}
