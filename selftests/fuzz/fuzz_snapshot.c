// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a snapshot of another host. What loads is sorted, each device
 * once, and is the same after it was saved and loaded again.
 */
#include <json.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "snapshot.h"

static int load(const char *text, size_t len, struct vp_host *host)
{
	char path[64], error[VP_SNAPSHOT_ERROR_LEN];
	int fd, ret;
	char *p;

	fd = memfd_create("snapshot", 0);
	CLAIM(fd >= 0 && write(fd, text, len) == (ssize_t)len, "the file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = vp_snapshot_load(path, host, error, sizeof(error));
	close(fd);
	CLAIM(!ret == !error[0], error);
	for (p = error; *p; p++)
		CLAIM((unsigned char)*p >= ' ' && *p != 0x7f, error);
	return ret;
}

static void check(const struct vp_host *host)
{
	size_t i;

	CLAIM(host->count <= VP_SNAPSHOT_DEVICES_MAX, "the file");
	for (i = 0; i < host->count; i++)
		CLAIM(vp_host_find(host, host->devs[i].address) ==
		      &host->devs[i], host->devs[i].address);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct json_object *saved, *again;
	struct vp_host host, second;
	const char *text;

	if (!load((const char *)data, size, &host)) {
		check(&host);
		saved = vp_snapshot_save(&host);
		text = json_object_to_json_string(saved);
		CLAIM(!load(text, strlen(text), &second), text);
		again = vp_snapshot_save(&second);
		CLAIM(!strcmp(text, json_object_to_json_string(again)), text);
		json_object_put(again);
		json_object_put(saved);
		vp_host_close(&second);
	}
	vp_host_close(&host);
	return 0;
}
