// SPDX-License-Identifier: GPL-2.0-only
/* A host that is written down, read again, and what is no snapshot. */
#include <endian.h>
#include <fcntl.h>
#include <json.h>
#include <stdarg.h>

#include "resolve.h"
#include "snapshot.h"
#include "tap.h"
#include "tree.h"

#define NVME	"pci0000:00/0000:00:1c.4/0000:02:00.0/0000:05:00.0/nvme"

static char file[PATH_MAX];

static void write_file(const char *text, size_t len)
{
	tree_put("snapshot", text, len);
}

static int load(struct vp_host *host, char *error)
{
	return vp_snapshot_load(file, host, error, VP_SNAPSHOT_ERROR_LEN);
}

static void make_tree(void)
{
	tree_make();
	snprintf(file, sizeof(file), "%s/snapshot", tree_root);
	tree_below("pci0000:00", "0000:00:1c.4", 0x8086, 0xa33c, 0x060400,
		   "pcieport");
	tree_below("pci0000:00/0000:00:1c.4/0000:02:00.0", "0000:05:00.0",
		   0x144d, 0xa80a, 0x010802, "nvme");
	tree_link("0000:05:00.0", "iommu_group", "../iommu_groups/39");
	tree_file("0000:05:00.0", "removable", "removable\n", 10);
	tree_file("0000:05:00.0", "serial_number",
		  "00-1b-21-ff-ff-a2-b3-c4\n", 24);
	tree_class("nvme", NVME, "nvme0");
	tree_text("class/nvme/nvme0", "model", "Samsung \"SSD\" 980\n");
	tree_text("class/nvme/nvme0", "serial", "S69EX\n");
	tree_class("block", NVME "/nvme0", "nvme0n1");
	tree_class("block", NVME "/nvme0", "nvme9c0n1");
	tree_below("pci0000:00/0000:00:1d.0", "0000:03:00.0", 0x8086, 0x1572,
		   0x020000, "i40e");
	tree_class("net", "pci0000:00/0000:00:1d.0/0000:03:00.0/net", "enp3s0");
	tree_text("class/net/enp3s0", "address", "52:54:00:12:34:56\n");
	tree_class("net", "pci0000:00/0000:00:1d.0/0000:03:00.0/net", "enp3s1");
	tree_below("pci0000:00/0000:00:1d.0", "0000:03:10.0", 0x8086, 0x154c,
		   0x020000, NULL);
	tree_link("0000:03:10.0", "physfn", "../0000:03:00.0");
	tree_link("0000:03:00.0", "virtfn0", "../0000:03:10.0");
	tree_below("pci0000:00/0000:00:1d.0", "0000:03:10.1", 0x8086, 0x154c,
		   0x020000, NULL);
	tree_link("0000:03:10.1", "physfn", "../0000:03:00.0");
	tree_below("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0",
		   "10000:e1:00.0", 0x144d, 0xa80a, 0x010802, NULL);
	tree_class("block", "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme1",
		   "nvme9c1n1");
	tree_class("block", "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0/ata1/block",
		   "sda");
	tree_dir("class/dmi/id");
	tree_text("class/dmi/id", "product_uuid",
		  "4C4C4544-0042-3510-8058-B7C04F4D3732\n");
}

static bool same_facts(const struct vp_facts *a, const struct vp_facts *b)
{
	return a->domain == b->domain && a->bus == b->bus &&
	       a->devfn == b->devfn && a->depth == b->depth &&
	       !memcmp(a->above, b->above, a->depth * sizeof(a->above[0])) &&
	       a->vf == b->vf && a->pf_bus == b->pf_bus &&
	       a->pf_devfn == b->pf_devfn && a->vf_index == b->vf_index &&
	       a->vendor == b->vendor && a->device == b->device &&
	       a->subvendor == b->subvendor && a->subdevice == b->subdevice &&
	       a->class == b->class && a->dsn == b->dsn &&
	       a->external == b->external && !strcmp(a->host, b->host);
}

static void compare(const struct vp_host *host, const struct vp_host *copy)
{
	struct vp_host_identity x, y;
	size_t i;

	ok(copy->count == host->count, "as many devices");
	is(copy->uuid ? copy->uuid : "none", host->uuid, "same UUID");
	for (i = 0; i < host->count && i < copy->count; i++) {
		const struct vp_host_dev *a = &host->devs[i];
		const struct vp_host_dev *b = &copy->devs[i];

		is(b->address, a->address, "address");
		ok(same_facts(&a->facts, &b->facts), "    facts");
		is(b->driver, a->driver, "    driver");
		is(b->physfn, a->physfn, "    PF");
		ok(a->group == b->group && a->bridge == b->bridge,
		   "    group, and whether it is a bridge");
		vp_host_identify(host, a, &x);
		vp_host_identify(copy, b, &y);
		ok(!memcmp(&x, &y, sizeof(x)), "    identity");
	}
}

struct word_case {
	const char *word;
	int ret;
	const char *want;
};

static const struct word_case words[] = {
	{ "5:00.0", 0, "0000:05:00.0" },
	{ "enp3s0", 0, "0000:03:00.0" },
	{ "enp3s1", 0, "0000:03:00.0" },
	{ "nvme0", 0, "0000:05:00.0" },
	{ "/dev/nvme0", 0, "0000:05:00.0" },
	{ "nvme0n1", 0, "0000:05:00.0" },
	{ "/dev/nvme0n1p12", 0, "0000:05:00.0" },
	{ "sda", 0, "10000:e1:00.0" },
	{ "sda3", 0, "10000:e1:00.0" },
	{ "nvme9n1", -ENOTUNIQ,
	  "'nvme9n1' is the name of several devices: 0000:05:00.0, 10000:e1:00.0; name one" },
	{ "/dev/enp3s0", -ENODEV, "'/dev/enp3s0' is not there" },
	{ "/dev/null", -ENODEV, "'/dev/null' is not there" },
	{ "nvme0n12", -ENOENT, "" },
	{ "nvme0n1p", -ENOENT, "" },
	{ "nvme0n1px", -ENOENT, "" },
	{ "sdap1", -ENOENT, "" },
	{ "sdaa", -ENOENT, "" },
	{ "144d:a80a", -ENOENT, "" },
};

/* Whatever reads a host reads a snapshot of it. */
static void use(const struct vp_host *copy)
{
	char error[VP_RESOLVE_LEN], driver[VP_HOST_LEN];
	const struct vp_host_dev *dev;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		ret = vp_resolve(copy, words[i].word, &dev, error,
				 sizeof(error));
		ok(ret == words[i].ret, "'%s' gives %d", words[i].word,
		   words[i].ret);
		is(dev ? dev->address : error, words[i].want, "    as said");
	}
	vp_host_driver(copy, "0000:05:00.0", driver);
	is(driver, "nvme", "driver");
	vp_host_driver(copy, "0000:ff:00.0", driver);
	is(driver, "", "no device, no driver");
	vp_resolve_comment(copy, vp_host_find(copy, "0000:05:00.0"), error,
			   sizeof(error));
	ok(strstr(error,
		  ", model Samsung \"SSD\" 980, S/N S69EX, nvme0, nvme0n1, nvme9n1, driver nvme"),
	   "comment");
}

static void round_trip(void)
{
	struct json_object *saved, *again;
	char error[VP_SNAPSHOT_ERROR_LEN];
	struct vp_host host, copy;
	const char *text;
	size_t len, cut, bad = 0;

	ok(!vp_host_open(&host, tree_root, "/nonexistent/pci.ids"), "open");
	vp_host_read_dsn(&host, NULL);
	ok(host.count == 6 && host.devs[0].facts.host &&
	   vp_host_find(&host, "0000:05:00.0")->facts.dsn &&
	   vp_host_find(&host, "0000:03:10.1")->facts.vf_index == VP_VFS_ALL,
	   "a host that has something to write down");
	saved = vp_snapshot_save(&host);
	text = json_object_to_json_string_ext(saved, JSON_C_TO_STRING_PLAIN);
	len = strlen(text);
	write_file(text, len);
	ok(!load(&copy, error) && !error[0], "load what was saved");
	compare(&host, &copy);
	use(&copy);
	vp_host_read_dsn(&copy, NULL);
	ok(vp_host_find(&copy, "0000:05:00.0")->facts.dsn,
	   "serial numbers stay as they are");

	/* Names come from the files of where it is read. */
	vp_names_close(copy.names);
	copy.names = vp_names_open("/nonexistent/pci.ids");
	again = vp_snapshot_save(&copy);
	ok(!strcmp(json_object_to_json_string_ext(again,
						  JSON_C_TO_STRING_PLAIN),
		   text), "saved again it is the same text");
	json_object_put(again);
	vp_host_close(&copy);
	vp_host_close(&host);

	for (cut = len; cut--;) {
		if (truncate(file, (off_t)cut))
			tree_fail(file);
		bad += load(&copy, error) != -EINVAL ||
		       !strstr(error, "is cut short");
		vp_host_close(&copy);
	}
	ok(!bad, "cut short anywhere: %zu bytes", len);
	json_object_put(saved);
}

#define TOP	"{\"version\":1,\"kind\":\"vfiopolicy-snapshot\",\"devices\":["
#define IDS	"\"vendor\":\"144d\",\"device\":\"a80a\",\"class\":\"010802\""
#define DEV	"\"address\":\"0000:05:00.0\"," IDS
#define END	"]}"
#define WITH(more)	TOP "{" DEV "," more "}" END
#define FIRST	"device 1 (0000:05:00.0): "
#define FIVE	"\"0:0.0\",\"0:0.0\",\"0:0.0\",\"0:0.0\",\"0:0.0\""
#define HUNDRED	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

struct bad_case {
	const char *text;
	const char *want;
};

static const struct bad_case bad_cases[] = {
	{ "[]", "expected an object" },
	{ "null ", "expected an object" },
	{ "\"x\"", "expected an object" },
	{ "{}", "kind: expected \"vfiopolicy-snapshot\": is this a snapshot?" },
	{ "{\"kind\":\"VFIOPOLICY\"}", "kind: expected" },
	{ "{\"kind\":7}", "kind: expected" },
	{ "{\"kind\":\"vfiopolicy-snapshot\"}", "version: expected 1" },
	{ "{\"kind\":\"vfiopolicy-snapshot\",\"version\":2}",
	  "version: expected 1, which is all that this command knows" },
	{ "{\"kind\":\"vfiopolicy-snapshot\",\"version\":\"1\"}",
	  "version: expected a number" },
	{ "{\"kind\":\"vfiopolicy-snapshot\",\"version\":1.0}",
	  "version: expected a number" },
	{ "{\"kind\":\"vfiopolicy-snapshot\",\"version\":1}",
	  "devices: expected a list" },
	{ "{\"kind\":\"vfiopolicy-snapshot\",\"version\":1,\"devices\":{}}",
	  "devices: expected a list" },
	{ TOP END "x", "line 1, column " },
	{ TOP END "\n{}", "line 2, column 1: " },
	{ "{\n version: 1 }", "line 2, column 2: " },
	{ "\xff\xfe", "line 1, column 1: " },
	{ TOP "{" DEV ",}" END, "line 1, column " },
	{ TOP "]", "is cut short" },
	{ TOP "],\"host\":7}", "host: expected an object" },
	{ TOP "],\"host\":{\"uuid\":7}}", "uuid: expected a string or null" },
	{ TOP "],\"host\":{\"uuid\":\"Not Settable\"}}",
	  "uuid: expected a UUID or null" },
	{ TOP "7" END, "device 1: expected an object" },
	{ TOP "null" END, "device 1: expected an object" },
	{ TOP "{}" END, "device 1: address: expected domain:bus:device.function" },
	{ TOP "{\"address\":7}" END, "device 1: address: expected a string" },
	{ TOP "{\"address\":\"0000:05:00.*\"}" END,
	  "device 1: address: expected domain:bus:device.function" },
	{ TOP "{\"address\":\"" HUNDRED "\"}" END,
	  "device 1: address: expected at most 31 bytes without control characters" },
	{ TOP "{\"address\":\"0000:05:00.0\"}" END,
	  FIRST "vendor: expected 4 hex digits" },
	{ TOP "{" DEV "},{" DEV "}" END, "there are two devices 0000:05:00.0" },
	{ TOP "{" DEV "},{\"address\":\"5:0.0\"," IDS "}" END,
	  "there are two devices 0000:05:00.0" },
	{ TOP "{" DEV "},{\"address\":\"5:0.1\"}" END,
	  "device 2 (0000:05:00.1): vendor: expected 4 hex digits" },
	{ WITH("\"vendor\":null"), FIRST "vendor: expected 4 hex digits" },
	{ WITH("\"vendor\":5197"), FIRST "vendor: expected a string" },
	{ WITH("\"vendor\":\"0x14\""), FIRST "vendor: expected 4 hex digits" },
	{ WITH("\"vendor\":\"144\""), FIRST "vendor: expected 4 hex digits" },
	{ WITH("\"device\":\"144d1\""), FIRST "device: expected 4 hex digits" },
	{ WITH("\"device\":\" 144\""), FIRST "device: expected 4 hex digits" },
	{ WITH("\"subsystem_device\":\"-144\""),
	  FIRST "subsystem_device: expected 4 hex digits" },
	{ WITH("\"class\":\"0108\""), FIRST "class: expected 6 hex digits" },
	{ WITH("\"driver\":[]"), FIRST "driver: expected a string or null" },
	{ WITH("\"driver\":\"" HUNDRED "\""),
	  FIRST "driver: expected at most 31 bytes" },
	{ WITH("\"driver\":\"nv\\u001bme\""),
	  FIRST "driver: expected at most 31 bytes without control characters" },
	{ WITH("\"driver\":\"nv\\u0000me\""),
	  FIRST "driver: expected at most 31 bytes without control characters" },
	{ WITH("\"group\":\"39\""), FIRST "group: expected a number or null" },
	{ WITH("\"group\":3.5"), FIRST "group: expected a number or null" },
	{ WITH("\"group\":-1"),
	  FIRST "group: expected a number from 0 to 2147483647" },
	{ WITH("\"group\":2147483648"), FIRST "group: expected a number from" },
	{ WITH("\"group\":4294967296"), FIRST "group: expected a number from" },
	{ WITH("\"group\":18446744073709551616"),
	  FIRST "group: expected a number from" },
	{ WITH("\"group\":99999999999999999999999999999999"),
	  FIRST "group: expected a number from" },
	{ WITH("\"group\":-99999999999999999999999999999999"),
	  FIRST "group: expected a number from" },
	{ WITH("\"bridge\":1"), FIRST "bridge: expected true or false" },
	{ WITH("\"external\":\"yes\""), FIRST "external: expected true or" },
	{ WITH("\"path\":\"00:01.0\""), FIRST "path: expected a list" },
	{ WITH("\"path\":[7]"), FIRST "path, item 1: expected a string" },
	{ WITH("\"path\":[\"0:0.0\",\"x\"]"),
	  FIRST "path, item 2: it: expected domain:bus:device.function" },
	{ WITH("\"path\":[\"0001:00:00.0\"]"),
	  FIRST "path, item 1: expected a bridge of the device's domain" },
	{ WITH("\"path\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"),
	  FIRST "path: expected at most 15 of them" },
	{ WITH("\"physfn\":true"), FIRST "physfn: expected a string or null" },
	{ WITH("\"physfn\":\"3:0.8\""),
	  FIRST "physfn: expected domain:bus:device.function" },
	{ WITH("\"physfn\":\"1:3:0.0\""),
	  FIRST "physfn: expected a PF of the device's domain" },
	{ WITH("\"vf_index\":1"),
	  FIRST "vf_index: expected null, as there is no physfn" },
	{ WITH("\"physfn\":\"3:0.0\",\"vf_index\":65535"),
	  FIRST "vf_index: expected a number from 0 to 65534" },
	{ WITH("\"dsn\":\"00-00-00-00-00-00-00-00\""), FIRST "dsn: expected" },
	{ WITH("\"dsn\":\"1234\""), FIRST "dsn: expected xx-xx" },
	{ WITH("\"dsn\":1234"), FIRST "dsn: expected a string" },
	{ WITH("\"controller\":{}"), FIRST "controller: expected a string" },
	{ WITH("\"model\":\"" HUNDRED "\""),
	  FIRST "model: expected at most 63 bytes" },
	{ WITH("\"serial\":\"a\\nb\""),
	  FIRST "serial: expected at most 63 bytes" },
	{ WITH("\"nets\":{}"), FIRST "nets: expected a list" },
	{ WITH("\"nets\":[\"eth0\"]"), FIRST "nets, item 1: expected an object" },
	{ WITH("\"nets\":[null]"), FIRST "nets, item 1: expected an object" },
	{ WITH("\"nets\":[{},{\"name\":7}]"),
	  FIRST "nets, item 2: name: expected a string" },
	{ WITH("\"nets\":[{\"mac\":\"" HUNDRED "\"}]"),
	  FIRST "nets, item 1: mac: expected at most 63 bytes" },
	{ WITH("\"nets\":[{},{},{},{},{},{},{},{},{}]"),
	  FIRST "nets: expected at most 8 of them" },
	{ WITH("\"disks\":\"sda\""), FIRST "disks: expected a list" },
	{ WITH("\"disks\":[\"sda\",null]"),
	  FIRST "disks, item 2: expected a string" },
	{ WITH("\"disks\":[\"" HUNDRED "\"]"),
	  FIRST "disks, item 1: it: expected at most 31 bytes" },
	{ WITH("\"disks\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"),
	  FIRST "disks: expected at most 16 of them" },
};

static void refuse(void)
{
	char error[VP_SNAPSHOT_ERROR_LEN], want[PATH_MAX + 256];
	struct vp_host host;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(bad_cases); i++) {
		write_file(bad_cases[i].text, strlen(bad_cases[i].text));
		ret = load(&host, error);
		snprintf(want, sizeof(want), "%s: %s", file, bad_cases[i].want);
		ok(ret == -EINVAL && !strncmp(error, want, strlen(want)),
		   "refused: %s", bad_cases[i].want);
		if (ret != -EINVAL || strncmp(error, want, strlen(want)))
			printf("# got %d '%s'\n# of  %s\n", ret, error,
			       bad_cases[i].text);
		vp_host_close(&host);
	}
}

static const char * const good_cases[] = {
	TOP END,
	" \n" TOP END "\n\n\t ",
	WITH("\"unknown\":{\"a\":[1,2,{}]}"),
	WITH("\"group\":null,\"driver\":null,\"nets\":null,\"path\":null"),
	WITH("\"group\":0"),
	WITH("\"group\":2147483647"),
	WITH("\"physfn\":\"0:3:0.0\""),
	WITH("\"physfn\":\"3:0.0\",\"vf_index\":65534"),
	WITH("\"subsystem_vendor\":\"\""),
	WITH("\"path\":[" FIVE "," FIVE "," FIVE "]"),
};

static void accept(void)
{
	char error[VP_SNAPSHOT_ERROR_LEN];
	struct vp_host host;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good_cases); i++) {
		write_file(good_cases[i], strlen(good_cases[i]));
		ok(!load(&host, error) && !error[0] &&
		   host.count == (i > 1), "taken: %.160s", i == 1 ? "blanks" :
		   good_cases[i] + strlen(TOP));
		if (error[0])
			printf("# got '%s'\n", error);
		vp_host_close(&host);
	}
	write_file(TOP "{\"address\":\"0:6:0.0\"," IDS "},{" DEV "}" END,
		   strlen(TOP "{\"address\":\"0:6:0.0\"," IDS "},{" DEV "}" END));
	ok(!load(&host, error) && host.count == 2 &&
	   vp_host_find(&host, "05:00.0") == host.devs &&
	   host.devs[0].group == -1 && !host.devs[0].facts.host,
	   "in any order; no group, no UUID");
	vp_host_close(&host);
}

/* Lists that say the same thing over and over. */
static void refuse_large(void)
{
	static const char deep[] =
		"{\"kind\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[";
	size_t count = VP_SNAPSHOT_DEVICES_MAX + 1, len = strlen(TOP), i;
	char error[VP_SNAPSHOT_ERROR_LEN], *text;
	struct vp_host host;

	write_file(deep, strlen(deep));
	ok(load(&host, error) == -EINVAL && strstr(error, "nesting"),
	   "refused: too deep");
	vp_host_close(&host);

	text = calloc(1, len + count * 3 + sizeof(END));
	strcpy(text, TOP);
	for (i = 0; i < count; i++, len += i < count ? 3 : 2)
		memcpy(text + len, "{},", 3);
	memcpy(text + len, END, sizeof(END));
	write_file(text, strlen(text));
	free(text);
	ok(load(&host, error) == -EINVAL &&
	   strstr(error, "devices: expected at most 65536 of them"),
	   "refused: too many devices");
	vp_host_close(&host);

	if (truncate(file, VP_SNAPSHOT_SIZE_MAX + 1))
		tree_fail(file);
	ok(load(&host, error) == -EFBIG && strstr(error, "larger than 16 MiB"),
	   "refused: too large");
	vp_host_close(&host);
	if (truncate(file, VP_SNAPSHOT_SIZE_MAX))
		tree_fail(file);
	ok(load(&host, error) == -EINVAL, "not too large, but no snapshot");
	vp_host_close(&host);
	write_file(TOP END "\0{}", sizeof(TOP END) - 1 + 3);
	ok(load(&host, error) == -EINVAL, "refused: more behind a NUL");
	vp_host_close(&host);
}

static void no_file(void)
{
	char error[VP_SNAPSHOT_ERROR_LEN], tiny[8];
	struct vp_host host;

	unlink(file);
	ok(load(&host, error) == -ENOENT &&
	   strstr(error, "/snapshot: No such file or directory"), "no file");
	vp_host_close(&host);
	ok(vp_snapshot_load(tree_root, &host, error, sizeof(error)) == -EISDIR,
	   "a folder");
	vp_host_close(&host);
	ok(vp_snapshot_load("/dev/zero", &host, error, sizeof(error)) == -EFBIG,
	   "a file without end");
	vp_host_close(&host);
	ok(vp_snapshot_load("/nonexistent", &host, tiny, sizeof(tiny)) ==
	   -ENOENT && !strcmp(tiny, "/nonexi"),
	   "an error is cut where room ends");
	vp_host_close(&host);
}

int main(void)
{
	make_tree();
	round_trip();
	refuse();
	accept();
	refuse_large();
	no_file();
	tree_remove();
	return done();
}
