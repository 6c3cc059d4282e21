// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parameters, and the order in which the parts come and go.
 *
 *	modprobe vfiopolicy ids=10de:1b39,8086:10c9
 *	modprobe vfiopolicy rules="vfio 10de:1b39; hold 0000:05:00.0"
 *	vfiopolicy.disable=1	on the kernel's command line: claim nothing
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "vfiopolicy.h"

/* The most that all rules= together may hold; the same again for ids=. */
#define PARAM_MAX	(VFIOPOLICY_RULES_MAX * (VFIOPOLICY_RULE_LEN_MAX + 2))

/*
 * The text of a parameter that may be given several times and be longer than
 * the 1,024 bytes of a string parameter. Written while the module is loaded,
 * by one thread, and freed at the end of init: it cannot be changed later.
 */
struct param {
	char *text;
	size_t len;
	char sep;
};

static struct param rules_param = { .sep = '\n' };
static struct param ids_param = { .sep = ',' };
static bool disable;
static bool takeover;

static int param_append(const char *val, const struct kernel_param *kp)
{
	struct param *param = kp->arg;
	size_t add = strlen(val);
	char *text;

	if (param->len + add + 2 > PARAM_MAX) {
		pr_err("%s: more than %u bytes\n", kp->name, PARAM_MAX);
		return -E2BIG;
	}
	text = kvzalloc(param->len + add + 2, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	if (param->len)
		memcpy(text, param->text, param->len);
	memcpy(text + param->len, val, add);
	/* Two: a backslash at the end of @val would make one of them nothing. */
	text[param->len + add] = param->sep;
	text[param->len + add + 1] = param->sep;
	kvfree(param->text);
	param->text = text;
	param->len += add + 2;
	return 0;
}

/* Also when a later parameter is bad, so that init never runs. */
static void param_free(void *arg)
{
	struct param *param = arg;

	kvfree(param->text);
	param->text = NULL;
	param->len = 0;
}

static const struct kernel_param_ops param_ops = {
	.set = param_append,
	.free = param_free,
};

module_param_cb(rules, &param_ops, &rules_param, 0);
MODULE_PARM_DESC(rules, "rules, parted by ';': ACTION SELECTOR... [OPTION...], ACTION is vfio, hold or leave");
module_param_cb(ids, &param_ops, &ids_param, 0);
MODULE_PARM_DESC(ids, "ids for vfio-pci, as its own ids= takes them: vendor:device[:subvendor[:subdevice[:class[:class_mask]]]],...");
module_param(disable, bool, 0444);
MODULE_PARM_DESC(disable, "claim nothing; rules are only listed");
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover, "for boot images: take the devices of rules with takeover=boot from drivers that have them already");

static void free_params(void)
{
	param_free(&rules_param);
	param_free(&ids_param);
}

static int __init vp_init(void)
{
	int ret;

	vp_facts_init();
	ret = vp_rules_load(rules_param.text, rules_param.len, ids_param.text,
			    ids_param.len);
	if (ret)
		goto err_params;
	ret = vp_claim_register_stub();
	if (ret)
		goto err_rules;
	ret = vp_handoff_start();
	if (ret)
		goto err_stub;
	vp_group_start();
	if (disable)
		pr_info("disabled: no device is claimed\n");
	else
		ret = vp_claim_start(takeover);
	if (ret)
		goto err_handoff;
	ret = vp_nl_start(disable);
	if (ret)
		goto err_claim;
	free_params();
	return 0;

err_claim:
	vp_device_freeze();
	if (!disable)
		vp_claim_stop();
err_handoff:
	vp_device_freeze();
	vp_group_stop();
	vp_claim_unregister_stub();
	vp_handoff_stop();
	goto err_rules;
err_stub:
	vp_claim_unregister_stub();
err_rules:
	vp_rules_stop();
err_params:
	free_params();
	return ret;
}

static void __exit vp_exit(void)
{
	vp_device_freeze();
	vp_nl_stop();
	if (!disable)
		vp_claim_stop();
	vp_group_stop();
	/* First, for what still rests there must not go to D3cold meanwhile. */
	vp_claim_unregister_stub();
	vp_handoff_stop();
	vp_rules_stop();
}

module_init(vp_init);
module_exit(vp_exit);

MODULE_DESCRIPTION("Keeps chosen PCI devices for virtual machines");
MODULE_AUTHOR("The vfiopolicy developers");
MODULE_VERSION(VP_VERSION);
MODULE_LICENSE("GPL");
