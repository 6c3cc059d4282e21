// SPDX-License-Identifier: GPL-2.0-only
/* When a device is at rest, when a rule is met, and what is said of it. */
#include <stdarg.h>

#include "tap.h"
#include "verdict.h"

static const struct {
	const char *desc;
	u32 state;
	u32 reason;
	bool hold;
	bool resting;
	enum vp_verdict verdict;
	const char *words;
} cases[] = {
	{ "matched", VFIOPOLICY_STATE_MATCHED, VFIOPOLICY_REASON_NONE, false,
	  false, VP_VERDICT_PENDING, "matched" },
	{ "on the stub, on its way", VFIOPOLICY_STATE_HELD,
	  VFIOPOLICY_REASON_NONE, false, false, VP_VERDICT_PENDING, "held" },
	{ "on the stub for good", VFIOPOLICY_STATE_HELD, VFIOPOLICY_REASON_NONE,
	  true, true, VP_VERDICT_MET, "held" },
	{ "no group", VFIOPOLICY_STATE_HELD, VFIOPOLICY_REASON_NO_IOMMU_GROUP,
	  false, true, VP_VERDICT_NOT_MET, "held: no IOMMU group" },
	{ "driver is loading", VFIOPOLICY_STATE_HELD,
	  VFIOPOLICY_REASON_MODULE_LOADING, false, false, VP_VERDICT_PENDING,
	  "held: loading vfio-pci" },
	{ "driver is missing", VFIOPOLICY_STATE_HELD,
	  VFIOPOLICY_REASON_MODULE_MISSING, false, true, VP_VERDICT_NOT_MET,
	  "held: no driver vfio-pci" },
	{ "refused, to be tried again", VFIOPOLICY_STATE_HELD,
	  VFIOPOLICY_REASON_TARGET_REFUSED, false, false, VP_VERDICT_NOT_MET,
	  "held: vfio-pci refused it" },
	{ "handing off", VFIOPOLICY_STATE_HANDING_OFF, VFIOPOLICY_REASON_NONE,
	  false, false, VP_VERDICT_PENDING, "handing-off" },
	{ "isolated", VFIOPOLICY_STATE_ISOLATED, VFIOPOLICY_REASON_NONE, false,
	  true, VP_VERDICT_MET, "isolated" },
	{ "isolated, to be held", VFIOPOLICY_STATE_ISOLATED,
	  VFIOPOLICY_REASON_NONE, true, false, VP_VERDICT_PENDING, "isolated" },
	{ "isolated, cannot be held", VFIOPOLICY_STATE_ISOLATED,
	  VFIOPOLICY_REASON_IN_USE, true, true, VP_VERDICT_PENDING,
	  "isolated: still in use" },
	{ "native driver", VFIOPOLICY_STATE_NATIVE,
	  VFIOPOLICY_REASON_NATIVE_DRIVER, false, true, VP_VERDICT_PENDING,
	  "native: nvme has it" },
	{ "override of somebody else", VFIOPOLICY_STATE_NATIVE,
	  VFIOPOLICY_REASON_FOREIGN_OVERRIDE, false, true, VP_VERDICT_NOT_MET,
	  "native: override of somebody else" },
	{ "lost", VFIOPOLICY_STATE_LOST, VFIOPOLICY_REASON_FOREIGN_DRIVER,
	  false, true, VP_VERDICT_NOT_MET, "lost: nvme has it" },
	{ "a reason of tomorrow", VFIOPOLICY_STATE_HELD, 999, false, false,
	  VP_VERDICT_NOT_MET,
	  "held: for a reason this command does not know" },
	{ "a state of tomorrow", 999, VFIOPOLICY_REASON_NONE, false, false,
	  VP_VERDICT_PENDING, "unknown" },
};

/* Others with a group say that the IOMMU is on. */
static void without_group(void)
{
	struct vp_host_dev devs[2] = { { .group = -1 }, { .group = -1 } };
	struct vp_host host = { .devs = devs, .count = 2 };
	struct vp_nl_dev dev = {
		.address = "0000:05:00.0", .target = "vfio-pci", .group = -1,
		.state = VFIOPOLICY_STATE_HELD,
		.reason = VFIOPOLICY_REASON_NO_IOMMU_GROUP,
	};
	char text[VP_VERDICT_LEN];

	vp_verdict_todo(&host, &dev, text);
	ok(strstr(text, "the IOMMU is off") && strstr(text, "vfiopolicy check"),
	   "no group at all: %s", text);
	devs[1].group = 0;
	vp_verdict_todo(&host, &dev, text);
	ok(!strncmp(text, "the IOMMU is on, but does not cover this device", 47) &&
	   strlen(text) < VP_VERDICT_LEN - 1, "others have one: %s", text);
}

int main(void)
{
	static const struct vp_host host;
	char text[VP_VERDICT_LEN];
	struct vp_nl_dev dev;
	enum vp_action action;
	size_t i;
	u32 n;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		dev = (struct vp_nl_dev) {
			.address = "0000:05:00.0", .driver = "nvme",
			.state = cases[i].state, .reason = cases[i].reason,
		};
		if (!cases[i].hold)
			strcpy(dev.target, "vfio-pci");
		action = VP_VFIO;
		if (cases[i].hold)
			action = VP_HOLD;
		ok(vp_verdict_resting(&dev) == cases[i].resting &&
		   vp_verdict_device(&dev, action) == cases[i].verdict,
		   "%s", cases[i].desc);
		vp_verdict_state(&dev, text);
		is(text, cases[i].words, cases[i].words);
	}

	dev = (struct vp_nl_dev) {
		.address = "0000:05:00.0", .target = "vfio-pci",
		.driver = "vfio-pci", .state = VFIOPOLICY_STATE_ISOLATED,
		.in_use = true,
	};
	vp_verdict_state(&dev, text);
	is(text, "in use", "a user has it open");

	memset(dev.driver, 'x', sizeof(dev.driver) - 1);
	memset(dev.target, 'x', sizeof(dev.target) - 1);
	for (n = 0; n <= VFIOPOLICY_REASON_DEFERRED + 1; n++) {
		dev.reason = n;
		vp_verdict_why(&dev, text);
		ok(strlen(text) > 2 && strlen(text) < VP_VERDICT_LEN - 1,
		   "reason %u has a sentence, and it fits", n);
		vp_verdict_todo(&host, &dev, text);
		ok(strlen(text) < VP_VERDICT_LEN - 1, "and so has its remedy");
	}
	ok(!strcmp(vp_verdict_origin_name(VFIOPOLICY_ORIGIN_FILE), "file") &&
	   !strcmp(vp_verdict_origin_name(999), "unknown"), "origins");
	without_group();
	return done();
}
