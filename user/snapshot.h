/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The devices of a host as JSON, to rehearse on another one. All that is
 * there is an object
 *
 *	{
 *	  "version": 1, "kind": "vfiopolicy-snapshot",
 *	  "host": { "uuid": UUID },
 *	  "devices": [
 *	    { "address": "0000:05:00.0", "vendor": "144d", "device": "a80a",
 *	      "subsystem_vendor": "144d", "subsystem_device": "a801",
 *	      "class": "010802", "driver": "nvme", "group": 39,
 *	      "bridge": false, "external": false, "path": ["0000:00:1c.0"],
 *	      "physfn": null, "vf_index": null, "dsn": "xx-xx-xx-xx-xx-xx-xx-xx",
 *	      "controller": "nvme0", "model": "...", "serial": "...",
 *	      "nets": [{ "name": "enp3s0", "mac": "52:54:00:12:34:56" }],
 *	      "disks": ["nvme0n1"] } ]
 *	}
 *
 * where path has the bridges from the root bus on, and what is null or left
 * out is not known or not there. Address, vendor, device and class must be
 * there. Other keys are passed over.
 */
#ifndef VFIOPOLICY_SNAPSHOT_H
#define VFIOPOLICY_SNAPSHOT_H

#include "host.h"

/* Bytes of a file; larger ones are refused. */
#define VP_SNAPSHOT_SIZE_MAX	(16u << 20)
/* Devices of one; lists that have more are refused. */
#define VP_SNAPSHOT_DEVICES_MAX	65536
/* Room for why a file is no snapshot. */
#define VP_SNAPSHOT_ERROR_LEN	512

struct json_object;

struct json_object *vp_snapshot_save(const struct vp_host *host);
int vp_snapshot_load(const char *file, struct vp_host *host, char *error,
		     size_t size);

#endif /* VFIOPOLICY_SNAPSHOT_H */
