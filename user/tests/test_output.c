// SPDX-License-Identifier: GPL-2.0-only
/* JSON and colour. */
#include <stdarg.h>

#include <json.h>

#include "output.h"
#include "tap.h"

static const char *string_of(struct json_object *obj, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj, key, &value))
		return "(absent)";
	return value ? json_object_get_string(value) : "(null)";
}

static void device(void)
{
	struct vp_host host = { .names = vp_names_open("/nonexistent") };
	struct vp_nl_dev dev = {
		.address = "0000:82:00.0", .driver = "vfiopolicy", .group = -1,
		.facts = { .vendor = 0x10de, .device = 0x1b39, .class = 0x030200,
			   .subvendor = 0x10de, .subdevice = 0xa },
		.state = VFIOPOLICY_STATE_HELD,
		.reason = VFIOPOLICY_REASON_NO_IOMMU_GROUP,
		.rule = 3, .rule_text = "vfio 10de:1b39", .target = "vfio-pci",
		.generation = 1,
	};
	struct json_object *obj = vp_out_json_dev(&host, &dev);

	is(string_of(obj, "address"), "0000:82:00.0", "address");
	is(string_of(obj, "vendor"), "10de", "ids are lower-case hex");
	is(string_of(obj, "subsystem_device"), "000a", "with all their digits");
	is(string_of(obj, "class"), "030200", "six for a class");
	is(string_of(obj, "group"), "(null)", "no group is null");
	is(string_of(obj, "physfn"), "(null)", "no PF is null");
	is(string_of(obj, "state"), "held", "state");
	is(string_of(obj, "reason"), "no-iommu-group", "reason for scripts");
	is(string_of(obj, "reason_text"), "no IOMMU group", "and for people");
	is(string_of(obj, "rule"), "3", "rule");
	is(string_of(obj, "in_use"), "false", "flag");
	json_object_put(obj);

	dev = (struct vp_nl_dev) { .group = 0 };
	obj = vp_out_json_dev(&host, &dev);
	is(string_of(obj, "group"), "0", "group 0 is a group");
	is(string_of(obj, "driver"), "(null)", "no driver is null");
	is(string_of(obj, "rule"), "(null)", "no rule is null");
	is(string_of(obj, "reason"), "(null)", "no reason is null");
	json_object_put(obj);
	vp_names_close(host.names);
}

static void objects(void)
{
	struct vp_nl_rule rule = {
		.id = 7, .origin = VFIOPOLICY_ORIGIN_CMDLINE,
		.text = "hold \"quoted\"\\",
	};
	struct json_object *obj = vp_out_json(), *again;

	is(string_of(obj, "version"), "1", "each object says its version");
	vp_out_json_number(obj, "time", 18446744073709551615ULL);
	json_object_object_add(obj, "rule", vp_out_json_rule(&rule));
	again = json_tokener_parse(json_object_to_json_string(obj));
	ok(again, "what is printed can be read");
	is(string_of(again, "time"), "18446744073709551615", "64 bits survive");
	json_object_put(again);
	json_object_put(obj);

	obj = vp_out_json_rule(&rule);
	is(string_of(obj, "origin"), "cmdline", "origin");
	is(string_of(obj, "text"), rule.text, "text");
	json_object_put(obj);
}

static void colours(void)
{
	struct vp_args args = { .color = VP_COLOR_ALWAYS };

	setenv("NO_COLOR", "1", 1);
	vp_out_setup(&args);
	ok(vp_out_color(VP_VERDICT_MET)[0] && vp_out_uncolor()[0],
	   "always is stronger than NO_COLOR");
	args.color = VP_COLOR_AUTO;
	vp_out_setup(&args);
	ok(!vp_out_color(VP_VERDICT_MET)[0] && !vp_out_uncolor()[0],
	   "NO_COLOR is heeded");
	args.color = VP_COLOR_NEVER;
	unsetenv("NO_COLOR");
	vp_out_setup(&args);
	ok(!vp_out_color(VP_VERDICT_NOT_MET)[0], "never is never");
}

int main(void)
{
	device();
	objects();
	colours();
	return done();
}
