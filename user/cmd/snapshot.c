// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfiopolicy snapshot
 *
 * This host's devices as JSON, to rehearse on another one with --on.
 */
#include <unistd.h>

#include "command.h"
#include "device.h"
#include "output.h"
#include "snapshot.h"

static int run(const struct vp_args *args)
{
	struct vp_host host;
	int ret;

	(void)args;
	ret = vp_device_host(&host, NULL);
	if (!ret) {
		if (geteuid())
			vp_out_note("root alone can read serial numbers and the UUID of the host: they are left out");
		vp_host_read_dsn(&host, NULL);
		vp_out_json_print(vp_snapshot_save(&host));
	}
	vp_host_close(&host);
	return ret;
}

const struct vp_command vp_cmd_snapshot = {
	.name = "snapshot",
	.synopsis = "",
	.summary = "this host's devices as JSON, to rehearse on another host",
	.help =
"It holds serial numbers and MAC addresses. Reading it wakes devices that\n"
"sleep. explain --on FILE reads it.\n",
	.examples =
"  vfiopolicy snapshot > host.json   to rehearse on another host\n",
	.options = VP_OPT_JSON,
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
