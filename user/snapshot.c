// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes what a host has as JSON, and makes a host of that again. What is read
 * may come from anywhere: nothing of it is believed before it is looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <limits.h>
#include <unistd.h>

#include "output.h"
#include "snapshot.h"
#include "text.h"

#define VERSION		1
#define KIND		"vfiopolicy-snapshot"
/* Objects and lists within one another; a snapshot itself needs 5. */
#define DEPTH_MAX	32
#define READ_SIZE	65536u

static void save_path(struct json_object *obj, const struct vp_facts *facts)
{
	struct json_object *list = json_object_new_array();
	struct vp_facts hop = { .domain = facts->domain };
	char address[VP_HOST_LEN];
	int i;

	for (i = facts->depth - 1; i >= 0; i--) {
		hop.bus = facts->above[i].bus;
		hop.devfn = facts->above[i].devfn;
		vp_host_print_address(&hop, address);
		json_object_array_add(list, json_object_new_string(address));
	}
	json_object_object_add(obj, "path", list);
}

static void save_dsn(struct json_object *obj, u64 dsn)
{
	const struct vp_selector sel = { .kind = VP_SEL_DSN, .dsn = dsn };
	char text[VP_HOST_TEXT] = "";

	if (dsn)
		vp_selector_print(&sel, text, sizeof(text));
	vp_out_json_string(obj, "dsn", dsn ? text + strlen("dsn=") : NULL);
}

static void save_identity(struct json_object *obj,
			  const struct vp_host_identity *identity)
{
	struct json_object *nets = json_object_new_array(), *net;
	struct json_object *disks = json_object_new_array();
	size_t i;

	vp_out_json_string(obj, "controller", identity->controller);
	vp_out_json_string(obj, "model", identity->model);
	vp_out_json_string(obj, "serial", identity->serial);
	for (i = 0; i < identity->net_count; i++) {
		net = json_object_new_object();
		vp_out_json_string(net, "name", identity->nets[i].name);
		vp_out_json_string(net, "mac", identity->nets[i].mac);
		json_object_array_add(nets, net);
	}
	json_object_object_add(obj, "nets", nets);
	for (i = 0; i < identity->disk_count; i++)
		json_object_array_add(disks, json_object_new_string(
						identity->disks[i]));
	json_object_object_add(obj, "disks", disks);
}

static struct json_object *save_device(const struct vp_host *host,
				       const struct vp_host_dev *dev)
{
	struct json_object *obj = json_object_new_object();
	const struct vp_facts *facts = &dev->facts;
	struct vp_host_identity identity;
	char name[VP_NAMES_LEN];

	vp_out_json_string(obj, "address", dev->address);
	vp_out_json_facts(obj, facts);
	/* For people: it is looked up again when this is read. */
	vp_host_name(host, facts, name, sizeof(name));
	vp_out_json_string(obj, "name", name);
	vp_out_json_string(obj, "driver", dev->driver);
	if (dev->group >= 0)
		vp_out_json_number(obj, "group", (u64)dev->group);
	else
		vp_out_json_string(obj, "group", NULL);
	vp_out_json_bool(obj, "bridge", dev->bridge);
	vp_out_json_bool(obj, "external", facts->external);
	save_path(obj, facts);
	vp_out_json_string(obj, "physfn", facts->vf ? dev->physfn : NULL);
	if (facts->vf && facts->vf_index != VP_VFS_ALL)
		vp_out_json_number(obj, "vf_index", facts->vf_index);
	else
		vp_out_json_string(obj, "vf_index", NULL);
	save_dsn(obj, facts->dsn);
	vp_host_identify(host, dev, &identity);
	save_identity(obj, &identity);
	return obj;
}

/**
 * vp_snapshot_save() - write down what a host has
 * @host: the host
 *
 * Return: an object.
 */
struct json_object *vp_snapshot_save(const struct vp_host *host)
{
	struct json_object *obj = json_object_new_object(), *part, *list;
	size_t i;

	vp_out_json_number(obj, "version", VERSION);
	vp_out_json_string(obj, "kind", KIND);
	part = json_object_new_object();
	vp_out_json_string(part, "uuid", host->uuid);
	json_object_object_add(obj, "host", part);
	list = json_object_new_array();
	for (i = 0; i < host->count; i++)
		json_object_array_add(list, save_device(host, &host->devs[i]));
	json_object_object_add(obj, "devices", list);
	return obj;
}

/**
 * struct reader - where in a snapshot the reader is
 * @file: its name
 * @error: why it is none
 * @size: room in @error
 * @device: number of the device, from 1; 0 outside of devices
 * @address: its address, as far as that is known
 * @list: the list within it, or NULL
 * @item: number in @list, from 1
 */
struct reader {
	const char *file;
	char *error;
	size_t size;
	size_t device;
	char address[VP_HOST_LEN];
	const char *list;
	size_t item;
};

/* Return: @ret. */
__attribute__((format(printf, 3, 4)))
static int fail(const struct reader *in, int ret, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	n = scnprintf(in->error, in->size, "%s: ", in->file);
	if (in->device)
		n += scnprintf(in->error + n, in->size - n, "device %zu%s%s%s: ",
			       in->device, in->address[0] ? " (" : "",
			       in->address, in->address[0] ? ")" : "");
	if (in->list)
		n += scnprintf(in->error + n, in->size - n, "%s, item %zu: ",
			       in->list, in->item);
	va_start(ap, fmt);
	vsnprintf(in->error + n, in->size - n, fmt, ap);
	va_end(ap);
	return ret;
}

static int fail_key(const struct reader *in, const char *key, const char *want)
{
	return fail(in, -EINVAL, "%s: expected %s", key, want);
}

/*
 * Sets @val to what is under @key, or to NULL when that is null or not there.
 * Return: 0, or -EINVAL when it is of another type than the one wanted.
 */
static int get(const struct reader *in, struct json_object *obj,
	       const char *key, enum json_type type, const char *want,
	       struct json_object **val)
{
	*val = NULL;
	json_object_object_get_ex(obj, key, val);
	if (*val && !json_object_is_type(*val, type))
		return fail_key(in, key, want);
	return 0;
}

/* A string of @max bytes at most that a terminal can be shown. */
static int check_text(const struct reader *in, const char *key,
		      struct json_object *val, size_t max)
{
	const char *text = json_object_get_string(val);
	size_t len = (size_t)json_object_get_string_len(val), i;

	for (i = 0; i < len && !iscntrl((unsigned char)text[i]); i++)
		;
	if (i == len && len <= max)
		return 0;
	return fail(in, -EINVAL,
		    "%s: expected at most %zu bytes without control characters",
		    key, max);
}

/* A string, empty when it is not there. */
static int get_text(const struct reader *in, struct json_object *obj,
		    const char *key, char *buf, size_t size)
{
	struct json_object *val;
	int ret;

	buf[0] = '\0';
	ret = get(in, obj, key, json_type_string, "a string or null", &val);
	if (!ret && val)
		ret = check_text(in, key, val, size - 1);
	if (!ret && val)
		snprintf(buf, size, "%s", json_object_get_string(val));
	return ret;
}

static int get_bool(const struct reader *in, struct json_object *obj,
		    const char *key, bool *value)
{
	struct json_object *val;
	int ret = get(in, obj, key, json_type_boolean, "true or false", &val);

	*value = val && json_object_get_boolean(val);
	return ret;
}

/* A number of up to @max, or -1 when it is not there. */
static int get_number(const struct reader *in, struct json_object *obj,
		      const char *key, int max, int *value)
{
	struct json_object *val;
	int64_t number;
	int ret;

	*value = -1;
	ret = get(in, obj, key, json_type_int, "a number or null", &val);
	if (ret || !val)
		return ret;
	/* What does not fit is as large as can be. */
	number = json_object_get_int64(val);
	if (number < 0 || number > max)
		return fail(in, -EINVAL, "%s: expected a number from 0 to %d",
			    key, max);
	*value = (int)number;
	return 0;
}

/* An id in as many hex digits; 0 when it is not there and need not be. */
static int get_hex(const struct reader *in, struct json_object *obj,
		   const char *key, size_t digits, bool needed, u32 *value)
{
	char text[16];
	size_t len;
	int ret;

	ret = get_text(in, obj, key, text, sizeof(text));
	if (ret)
		return ret;
	len = strlen(text);
	if (strspn(text, "0123456789abcdefABCDEF") != len ||
	    (len != digits && (len || needed)))
		return fail(in, -EINVAL, "%s: expected %zu hex digits", key,
			    digits);
	*value = (u32)strtoul(text, NULL, 16);
	return 0;
}

/* Reads an address, and writes it as the kernel does. */
static int get_address(const struct reader *in, const char *key,
		       const char *text, struct vp_facts *place, char *address)
{
	if (vp_host_address(text, place))
		return fail_key(in, key, "domain:bus:device.function");
	vp_host_print_address(place, address);
	return 0;
}

static int get_list(const struct reader *in, struct json_object *obj,
		    const char *key, size_t max, struct json_object **list,
		    size_t *count)
{
	int ret = get(in, obj, key, json_type_array, "a list", list);

	*count = 0;
	if (ret || !*list)
		return ret;
	*count = json_object_array_length(*list);
	if (*count > max)
		return fail(in, -EINVAL, "%s: expected at most %zu of them",
			    key, max);
	return 0;
}

/* The item of a list of strings that is up next. */
static int get_item(const struct reader *in, struct json_object *list,
		    char *buf, size_t size)
{
	struct json_object *val;
	int ret;

	val = json_object_array_get_idx(list, in->item - 1);
	if (!json_object_is_type(val, json_type_string))
		return fail(in, -EINVAL, "expected a string");
	ret = check_text(in, "it", val, size - 1);
	if (!ret)
		snprintf(buf, size, "%s", json_object_get_string(val));
	return ret;
}

static int load_ids(struct reader *in, struct json_object *obj,
		    struct vp_facts *facts)
{
	u32 vendor = 0, device = 0, subvendor = 0, subdevice = 0;

	if (get_hex(in, obj, "vendor", 4, true, &vendor) ||
	    get_hex(in, obj, "device", 4, true, &device) ||
	    get_hex(in, obj, "subsystem_vendor", 4, false, &subvendor) ||
	    get_hex(in, obj, "subsystem_device", 4, false, &subdevice) ||
	    get_hex(in, obj, "class", 6, true, &facts->class))
		return -EINVAL;
	facts->vendor = (u16)vendor;
	facts->device = (u16)device;
	facts->subvendor = (u16)subvendor;
	facts->subdevice = (u16)subdevice;
	return 0;
}

static int load_path(struct reader *in, struct json_object *obj,
		     struct vp_facts *facts)
{
	char text[VP_HOST_LEN];
	struct json_object *list;
	struct vp_facts place;
	struct vp_hop *hop;
	size_t count;

	if (get_list(in, obj, "path", VP_PATH_MAX - 1, &list, &count))
		return -EINVAL;
	in->list = "path";
	for (in->item = 1; in->item <= count; in->item++) {
		if (get_item(in, list, text, sizeof(text)) ||
		    get_address(in, "it", text, &place, text))
			return -EINVAL;
		if (place.domain != facts->domain)
			return fail(in, -EINVAL,
				    "expected a bridge of the device's domain");
		hop = &facts->above[count - in->item];
		hop->bus = place.bus;
		hop->devfn = place.devfn;
	}
	in->list = NULL;
	facts->depth = (u8)count;
	return 0;
}

static int load_vf(struct reader *in, struct json_object *obj,
		   struct vp_host_dev *dev)
{
	struct vp_facts *facts = &dev->facts, pf;
	char text[VP_HOST_LEN];
	int index;

	if (get_text(in, obj, "physfn", text, sizeof(text)) ||
	    get_number(in, obj, "vf_index", VP_VFS_ALL - 1, &index))
		return -EINVAL;
	if (!text[0])
		return index < 0 ? 0 :
		       fail_key(in, "vf_index", "null, as there is no physfn");
	if (get_address(in, "physfn", text, &pf, dev->physfn))
		return -EINVAL;
	if (pf.domain != facts->domain)
		return fail_key(in, "physfn", "a PF of the device's domain");
	facts->vf = true;
	facts->pf_bus = pf.bus;
	facts->pf_devfn = pf.devfn;
	facts->vf_index = index < 0 ? VP_VFS_ALL : (u16)index;
	return 0;
}

static int load_dsn(struct reader *in, struct json_object *obj,
		    struct vp_facts *facts)
{
	char text[VP_HOST_TEXT];

	if (get_text(in, obj, "dsn", text, sizeof(text)))
		return -EINVAL;
	if (text[0] && vp_host_dsn(text, &facts->dsn))
		return fail_key(in, "dsn",
				"xx-xx-xx-xx-xx-xx-xx-xx, not all 0 or all f");
	return 0;
}

static int load_nets(struct reader *in, struct json_object *obj,
		     struct vp_host_identity *identity)
{
	struct json_object *list, *val;
	struct vp_host_net *net;
	size_t count;

	if (get_list(in, obj, "nets", VP_HOST_NETS_MAX, &list, &count))
		return -EINVAL;
	in->list = "nets";
	for (in->item = 1; in->item <= count; in->item++) {
		val = json_object_array_get_idx(list, in->item - 1);
		if (!json_object_is_type(val, json_type_object))
			return fail(in, -EINVAL, "expected an object");
		net = &identity->nets[identity->net_count++];
		if (get_text(in, val, "name", net->name, sizeof(net->name)) ||
		    get_text(in, val, "mac", net->mac, sizeof(net->mac)))
			return -EINVAL;
	}
	in->list = NULL;
	return 0;
}

static int load_disks(struct reader *in, struct json_object *obj,
		      struct vp_host_identity *identity)
{
	struct json_object *list;
	size_t count;

	if (get_list(in, obj, "disks", VP_HOST_DISKS_MAX, &list, &count))
		return -EINVAL;
	in->list = "disks";
	for (in->item = 1; in->item <= count; in->item++)
		if (get_item(in, list,
			     identity->disks[identity->disk_count++],
			     VP_HOST_LEN))
			return -EINVAL;
	in->list = NULL;
	return 0;
}

static int load_identity(struct reader *in, struct json_object *obj,
			 struct vp_host_identity *identity)
{
	if (get_text(in, obj, "controller", identity->controller,
		     sizeof(identity->controller)) ||
	    get_text(in, obj, "model", identity->model,
		     sizeof(identity->model)) ||
	    get_text(in, obj, "serial", identity->serial,
		     sizeof(identity->serial)))
		return -EINVAL;
	return load_nets(in, obj, identity) || load_disks(in, obj, identity) ?
	       -EINVAL : 0;
}

/* @dev is all zeros before. */
static int load_device(struct reader *in, struct json_object *obj,
		       struct vp_host_dev *dev)
{
	char text[VP_HOST_LEN];

	in->address[0] = '\0';
	if (!json_object_is_type(obj, json_type_object))
		return fail(in, -EINVAL, "expected an object");
	if (get_text(in, obj, "address", text, sizeof(text)) ||
	    get_address(in, "address", text, &dev->facts, dev->address))
		return -EINVAL;
	memcpy(in->address, dev->address, sizeof(in->address));
	dev->identity = calloc(1, sizeof(*dev->identity));
	if (!dev->identity)
		return fail(in, -ENOMEM, "%s", strerror(ENOMEM));
	if (load_ids(in, obj, &dev->facts) ||
	    get_text(in, obj, "driver", dev->driver, sizeof(dev->driver)) ||
	    get_number(in, obj, "group", INT_MAX, &dev->group) ||
	    get_bool(in, obj, "bridge", &dev->bridge) ||
	    get_bool(in, obj, "external", &dev->facts.external) ||
	    load_path(in, obj, &dev->facts) || load_vf(in, obj, dev) ||
	    load_dsn(in, obj, &dev->facts) ||
	    load_identity(in, obj, dev->identity))
		return -EINVAL;
	return 0;
}

static int load_devices(struct reader *in, struct json_object *obj,
			struct vp_host *host)
{
	const struct vp_host_dev *twin;
	struct json_object *list, *item;
	struct vp_host_dev *dev;
	size_t count;
	int ret;

	if (get_list(in, obj, "devices", VP_SNAPSHOT_DEVICES_MAX, &list,
		     &count))
		return -EINVAL;
	if (!list)
		return fail_key(in, "devices", "a list");
	host->devs = calloc(count + 1, sizeof(*host->devs));
	if (!host->devs)
		return fail(in, -ENOMEM, "%s", strerror(ENOMEM));
	for (in->device = 1; in->device <= count; in->device++) {
		/* Counted at once, so that what it has is freed. */
		dev = &host->devs[host->count++];
		item = json_object_array_get_idx(list, in->device - 1);
		ret = load_device(in, item, dev);
		if (ret)
			return ret;
		dev->facts.host = host->uuid;
	}
	in->device = 0;
	twin = vp_host_sort(host);
	if (twin)
		return fail(in, -EINVAL, "there are two devices %s",
			    twin->address);
	return 0;
}

static int load_uuid(struct reader *in, struct json_object *obj,
		     struct vp_host *host)
{
	char text[VP_HOST_TEXT], uuid[VP_UUID_MAX];
	struct json_object *part;

	if (get(in, obj, "host", json_type_object, "an object", &part))
		return -EINVAL;
	if (!part)
		return 0;
	if (get_text(in, part, "uuid", text, sizeof(text)))
		return -EINVAL;
	if (!text[0])
		return 0;
	if (vp_host_uuid(text, uuid))
		return fail_key(in, "uuid", "a UUID or null");
	host->uuid = strdup(uuid);
	return host->uuid ? 0 : fail(in, -ENOMEM, "%s", strerror(ENOMEM));
}

static int load(struct reader *in, struct json_object *obj,
		struct vp_host *host)
{
	char kind[VP_HOST_LEN];
	int version, ret;

	if (!json_object_is_type(obj, json_type_object))
		return fail(in, -EINVAL, "expected an object");
	if (get_text(in, obj, "kind", kind, sizeof(kind)) ||
	    strcmp(kind, KIND) != 0)
		return fail_key(in, "kind", "\"" KIND "\": is this a snapshot?");
	ret = get_number(in, obj, "version", INT_MAX, &version);
	if (ret)
		return ret;
	if (version != VERSION)
		return fail(in, -EINVAL,
			    "version: expected %d, which is all that this command knows",
			    VERSION);
	ret = load_uuid(in, obj, host);
	return ret ? ret : load_devices(in, obj, host);
}

static int parse(struct reader *in, const char *text, size_t len,
		 struct vp_host *host)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	enum json_tokener_error why;
	unsigned int line, column;
	struct json_object *obj;
	size_t end;
	int ret;

	if (!tok)
		return fail(in, -ENOMEM, "%s", strerror(ENOMEM));
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	obj = json_tokener_parse_ex(tok, text, (int)len);
	why = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (why == json_tokener_success && end == len) {
		ret = load(in, obj, host);
	} else if (why == json_tokener_continue) {
		ret = fail(in, -EINVAL, "is cut short");
	} else {
		vp_text_where(text, text + end, &line, &column);
		ret = fail(in, -EINVAL, "line %u, column %u: %s", line, column,
			   why == json_tokener_success ? "expected the end" :
			   json_tokener_error_desc(why));
	}
	json_object_put(obj);
	json_tokener_free(tok);
	return ret;
}

/* Reads all of a file that may be a pipe. */
static int read_all(const struct reader *in, int fd, char **text, size_t *len)
{
	size_t room = 0;
	ssize_t n;
	char *more;

	*len = 0;
	do {
		if (*len == room) {
			room += room + READ_SIZE;
			more = realloc(*text, room);
			if (!more)
				return fail(in, -ENOMEM, "%s",
					    strerror(ENOMEM));
			*text = more;
		}
		n = read(fd, *text + *len, room - *len);
		if (n < 0)
			return fail(in, -errno, "%s", strerror(errno));
		*len += (size_t)n;
		if (*len > VP_SNAPSHOT_SIZE_MAX)
			return fail(in, -EFBIG, "is larger than %u MiB",
				    VP_SNAPSHOT_SIZE_MAX >> 20);
	} while (n);
	return 0;
}

/**
 * vp_snapshot_load() - make a host of what vp_snapshot_save() wrote
 * @file: the file
 * @host: filled in; to be closed with vp_host_close(), also after an error
 * @error: set to what is wrong with the file and where, else empty
 * @size: room in @error; %VP_SNAPSHOT_ERROR_LEN is enough
 *
 * Return: 0; -EINVAL when it is no snapshot; -EFBIG; or another -errno.
 */
int vp_snapshot_load(const char *file, struct vp_host *host, char *error,
		     size_t size)
{
	struct reader in = { .file = file, .error = error, .size = size };
	char *text = NULL;
	size_t len;
	int fd, ret;

	error[0] = '\0';
	memset(host, 0, sizeof(*host));
	host->names = vp_names_open(NULL);
	if (!host->names)
		return fail(&in, -ENOMEM, "%s", strerror(ENOMEM));
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(&in, -errno, "%s", strerror(errno));
	ret = read_all(&in, fd, &text, &len);
	close(fd);
	if (!ret)
		ret = parse(&in, text, len, host);
	free(text);
	return ret;
}
