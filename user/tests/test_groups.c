// SPDX-License-Identifier: GPL-2.0-only
/* What is said of IOMMU groups, and whom is believed. */
#include <stdarg.h>

#include "groups.h"
#include "tap.h"
#include "tree.h"

static struct vp_host host;

static void make(void)
{
	tree_make();
	tree_device("0000:00:1c.0", 0x1b36, 0x000c, 0x060400, 0,
		    "../../drivers/pcieport", "../../../kernel/iommu_groups/41", NULL);
	tree_device("0000:05:00.0", 0x144d, 0xa80a, 0x010802, 0,
		    "../../drivers/vfio-pci", "../../../kernel/iommu_groups/40", NULL);
	tree_device("0000:06:00.0", 0x144d, 0xa80a, 0x010802, 0,
		    "../../drivers/odd", "../../../kernel/iommu_groups/39", NULL);
	tree_device("0000:07:00.0", 0x144d, 0xa80a, 0x010802, 0, NULL, NULL, NULL);
	if (vp_host_open(&host, tree_root, "/nonexistent"))
		tree_fail("vp_host_open");
}

static void from_sysfs(void)
{
	const struct vp_nl_group *group;
	struct vp_groups groups;

	ok(!vp_groups_read(&host, &groups) && groups.count == 3 &&
	   groups.groups[0].id == 39 && groups.groups[1].id == 40,
	   "groups, by number");
	group = vp_groups_find(&groups, 39);
	ok(group && group->viability == VFIOPOLICY_VIABILITY_BLOCKED &&
	   group->members[0].blocks, "a driver that is not known blocks");
	group = vp_groups_find(&groups, 40);
	ok(group && group->viability == VFIOPOLICY_VIABILITY_VIABLE,
	   "vfio-pci does not");
	ok(!vp_groups_find(&groups, 42), "one that is none");
	ok(groups.without.count == 1 &&
	   !strcmp(groups.without.members[0].address, "0000:07:00.0") &&
	   !groups.without.members[0].blocks, "a device without a group");
	vp_groups_free(&groups);
	ok(!vp_groups_find(&groups, 39), "none are left");
}

static void from_module(void)
{
	struct vp_nl_group *list = calloc(2, sizeof(*list));
	struct vp_groups groups;
	char text[VP_GROUPS_LEN];

	if (!list || vp_groups_read(&host, &groups))
		tree_fail("memory");
	/* This driver manages its DMA, as the module can tell. */
	list[0].id = 39;
	list[0].members = calloc(1, sizeof(struct vp_nl_member));
	list[0].count = 1;
	strcpy(list[0].members[0].driver, "odd");
	list[1].id = 99;
	list[1].members = calloc(1, sizeof(struct vp_nl_member));
	list[1].count = 1;
	vp_groups_take(&groups, list, 2);
	vp_nl_groups_free(list, 2);
	ok(groups.count == 3 &&
	   groups.groups[0].viability == VFIOPOLICY_VIABILITY_VIABLE,
	   "the module knows better");
	vp_groups_say(&host, &groups.groups[0], text);
	is(text, "viable; its interrupts are not remapped, which vfio refuses unless told to be unsafe",
	   "and more");
	vp_groups_free(&groups);
}

static void sentences(void)
{
	struct vp_nl_member members[5] = { 0 };
	struct vp_nl_group group = {
		.id = 7, .isolated_msi = true, .members = members, .count = 5,
		.viability = VFIOPOLICY_VIABILITY_BLOCKED,
	};
	char text[VP_GROUPS_LEN];
	size_t i;

	for (i = 0; i < 5; i++) {
		snprintf(members[i].address, VP_HOST_LEN, "0000:01:00.%zu", i);
		strcpy(members[i].driver, "d");
		members[i].blocks = i;
	}
	vp_groups_say(&host, &group, text);
	is(text, "blocked by 0000:01:00.1 (d), 0000:01:00.2 (d), 0000:01:00.3 (d) and 1 more",
	   "a few are named");
	members[0].blocks = true;
	vp_groups_remedy(&host, &group, text);
	is(text, "to give all of it: vfiopolicy add '0000:01:00.*'", "one slot");
	strcpy(members[4].address, "0000:01:01.4");
	vp_groups_remedy(&host, &group, text);
	is(text, "to give one of it and hold the others: vfiopolicy add DEVICE with=group",
	   "two slots");
	members[0].blocks = false;
	vp_groups_remedy(&host, &group, text);
	is(text, "to give it, too: vfiopolicy add 0000:01:00.1; to hold it: vfiopolicy add hold 0000:01:00.1",
	   "one of it is with vfio already");
	group.viability = VFIOPOLICY_VIABILITY_NEVER;
	members[2].never = VFIOPOLICY_REASON_BOOT_VGA;
	vp_groups_say(&host, &group, text);
	is(text, "can never be given: 0000:01:00.2 is the boot display (d)",
	   "the one that can never leave");
	members[2].never = 0;
	vp_groups_say(&host, &group, text);
	is(text, "can never be given", "one that nobody is named for");
	group.viability = 9;
	vp_groups_say(&host, &group, text);
	is(text, "in a way that this command does not know", "of tomorrow");
	is(vp_groups_viability_name(9), "unknown", "for scripts, too");
	for (i = 0; i < 5; i++) {
		memset(members[i].driver, 'x', VP_HOST_LEN - 1);
		memset(members[i].address, 'x', VP_HOST_LEN - 1);
	}
	group.viability = VFIOPOLICY_VIABILITY_BLOCKED;
	vp_groups_say(&host, &group, text);
	ok(strlen(text) < VP_GROUPS_LEN - 1, "long names fit");
}

/* Of the members of a group, those that others have to wait for. */
static void of_the_host(void)
{
	struct vp_nl_member members[3] = {
		{ .address = "0000:06:00.0", .driver = "odd", .blocks = true },
		{ .address = "0000:00:1c.0", .driver = "pcieport" },
		{ .address = "0000:05:00.0", .driver = "vfio-pci" },
	};
	struct vp_nl_group group = {
		.id = 39, .isolated_msi = true, .members = members, .count = 1,
		.viability = VFIOPOLICY_VIABILITY_BLOCKED,
	};
	char text[VP_GROUPS_LEN];

	vp_groups_say(&host, &group, text);
	is(text, "with the host (odd); to give it: vfiopolicy add 0000:06:00.0",
	   "a device alone blocks nobody");
	vp_groups_remedy(&host, &group, text);
	is(text, "", "its line is said already");
	group.count = 2;
	vp_groups_say(&host, &group, text);
	is(text, "with the host (odd); to give it: vfiopolicy add 0000:06:00.0",
	   "nor does it with a bridge");
	group.count = 3;
	vp_groups_say(&host, &group, text);
	is(text, "blocked by 0000:06:00.0 (odd)", "but it does block another");
	group.count = 1;
	members[0].driver[0] = '\0';
	vp_groups_say(&host, &group, text);
	is(text, "with the host (its driver is changing); to give it: vfiopolicy add 0000:06:00.0",
	   "while it is changing");
	ok(!vp_groups_of_bridges(&host, &group), "a device is no bridge");
	group.members = &members[1];
	ok(vp_groups_of_bridges(&host, &group), "a group of bridges");
}

static void domains(void)
{
	struct vp_nl_group group = { .id = 40 };
	const char *name;

	ok(!vp_groups_domain(&host, &group), "a domain that is not known");
	tree_dir("kernel/iommu_groups/40");
	tree_text("kernel/iommu_groups/40", "type", "identity\n");
	name = vp_groups_domain(&host, &group);
	is(name ? name : "(null)", "identity", "but sysfs knows it");
	group.domain = VFIOPOLICY_DOMAIN_DMA;
	name = vp_groups_domain(&host, &group);
	is(name ? name : "(null)", "dma", "the module comes first");
}

int main(void)
{
	make();
	from_sysfs();
	from_module();
	sentences();
	of_the_host();
	domains();
	vp_host_close(&host);
	tree_remove();
	return done();
}
