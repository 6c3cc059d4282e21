// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rule language, read and printed, and the states, in user space under
 * ASan and UBSan: the very source that is compiled into the module.
 */
#include "kselftest_harness.h"
#include "rule_test.h"
#include "state.h"

static int parse_id(const char *text, struct vp_rule *rule, struct vp_error *err)
{
	size_t len = strlen(text);
	char *copy = exact_copy(text, len);
	int ret = vp_rule_parse_id(copy, len, rule, err);

	free_copy(copy, len);
	return ret;
}

/* The canonical form of a text, or "" and what is wrong. */
static const char *canonical(const char *text, char *buf, size_t size,
			     struct vp_error *err)
{
	struct vp_rule rule;

	buf[0] = '\0';
	if (!parse(text, &rule, err))
		vp_rule_print(&rule, buf, size);
	return buf;
}

TEST(rules_print_in_their_canonical_form)
{
	static const struct {
		const char *text;
		const char *canonical;
	} rules[] = {
		/* actions, blanks, lines that go on */
		{ "vfio 10de:1b39", "vfio 10de:1b39" },
		{ "\thold \t 10DE:1B39 ", "hold 10de:1b39" },
		{ "leave de:39", "leave 00de:0039" },
		{ "vfio \\\n\t10de:1b39\\\r\n name=a\\\n", "vfio 10de:1b39 name=a" },
		{ "vfio\\\n10de:1b39", "vfio 10de:1b39" },
		/* ids */
		{ "vfio 10de:*", "vfio 10de:*" },
		{ "vfio *:1b39", "vfio *:1b39" },
		{ "vfio 1:2:3:4", "vfio 0001:0002:0003:0004" },
		{ "vfio 1:2:*:4", "vfio 0001:0002:*:0004" },
		{ "vfio 1:2:*:*", "vfio 0001:0002" },
		{ "vfio *:*:1af4:*", "vfio *:*:1af4:*" },
		{ "vfio *:* external", "vfio *:* external" },
		{ "vfio ffff:ffff:ffff:ffff", "vfio ffff:ffff:ffff:ffff" },
		/* addresses */
		{ "vfio 5:0.1", "vfio 0000:05:00.1" },
		{ "vfio 10000:05:1f.7", "vfio 10000:05:1f.7" },
		{ "vfio ffffffff:ff:1F.7", "vfio ffffffff:ff:1f.7" },
		{ "vfio 5:00.*", "vfio 0000:05:00.*" },
		{ "vfio 5:*.0", "vfio 0000:05:*.0" },
		{ "vfio 5:*.*", "vfio 0000:05:*.*" },
		/* places below bridges */
		{ "vfio at=0:1c.0", "vfio at=0000:00:1c.0" },
		{ "vfio at=0:1c.0/0.0", "vfio at=0000:00:1c.0/00.0" },
		{ "vfio at=10000:e0:6.0/0.0/1f.7/2.*",
		  "vfio at=10000:e0:06.0/00.0/1f.7/02.*" },
		{ "vfio at=0:1b.0/*.*", "vfio at=0000:00:1b.0/*.*" },
		{ "vfio at=0:1b.0/*.3", "vfio at=0000:00:1b.0/*.3" },
		{ "vfio at=0:1.0/1.0/2.0/3.0/4.0/5.0/6.0/7.0/8.0/9.0/a.0/b.0/c.0/d.0/e.0/f.0",
		  "vfio at=0000:00:01.0/01.0/02.0/03.0/04.0/05.0/06.0/07.0/08.0/09.0/0a.0/0b.0/0c.0/0d.0/0e.0/0f.0"
		},
		/* VFs */
		{ "vfio vfs-of=3:0.0", "vfio vfs-of=0000:03:00.0" },
		{ "vfio vfs-of=0:3.0/0", "vfio vfs-of=0000:00:03.0/0" },
		{ "vfio vfs-of=0:3.0/0-3", "vfio vfs-of=0000:00:03.0/0-3" },
		{ "vfio vfs-of=0:3.0/7-7", "vfio vfs-of=0000:00:03.0/7" },
		{ "vfio vfs-of=0:3.0/0.1/00010-65534",
		  "vfio vfs-of=0000:00:03.0/00.1/10-65534" },
		{ "vfio vfs-of=0:3.0/0.1", "vfio vfs-of=0000:00:03.0/00.1" },
		{ "vfio vfs-of=3:0.*/2", "vfio vfs-of=0000:03:00.*/2" },
		/* classes; every name has a test of its own */
		{ "vfio class=010802", "vfio class=nvme" },
		{ "vfio class=0302", "vfio class=3d" },
		{ "vfio class=03", "vfio class=display" },
		{ "vfio class=0302ff/ffff00", "vfio class=3d" },
		{ "vfio class=030200/ffff01", "vfio class=030200/ffff01" },
		{ "vfio class=030200", "vfio class=030200" },
		{ "vfio class=0b40", "vfio class=0b40" },
		{ "vfio class=FF", "vfio class=ff" },
		{ "vfio class=0b4000/ffff00", "vfio class=0b40" },
		{ "vfio class=0bffff/ff0000", "vfio class=0b" },
		{ "vfio class=000003/f 10de:*", "vfio 10de:* class=000003/00000f" },
		{ "vfio class=000000", "vfio class=000000" },
		/* serial numbers, and the rest */
		{ "vfio dsn=00-a0-C9-ff-ff-12-34-56", "vfio dsn=00-a0-c9-ff-ff-12-34-56" },
		{ "vfio dsn=00a0c9FFFF123456", "vfio dsn=00-a0-c9-ff-ff-12-34-56" },
		{ "vfio dsn=0000000000000001", "vfio dsn=00-00-00-00-00-00-00-01" },
		{ "vfio external", "vfio external" },
		{ "vfio vfs 10de:*", "vfio 10de:* vfs" },
		/* except=, in its order */
		{ "vfio 10de:* except=at=0:1d.0/0.0 except=1:2",
		  "vfio 10de:* except=at=0000:00:1d.0/00.0 except=0001:0002" },
		{ "vfio except=external 10de:*", "vfio 10de:* except=external" },
		{ "vfio 10de:* except=class=audio except=5:*.* except=vfs-of=5:0.0/2-3",
		  "vfio 10de:* except=class=audio except=0000:05:*.* except=vfs-of=0000:05:00.0/2-3"
		},
		{ "vfio 10de:* except=dsn=0000000000000001 except=10de:1:*:5",
		  "vfio 10de:* except=dsn=00-00-00-00-00-00-00-01 except=10de:0001:*:0005" },
		{ "vfio 10de:* except=external except=external",
		  "vfio 10de:* except=external except=external" },
		/* options */
		{ "vfio 1:2 driver=best", "vfio 0001:0002 driver=best" },
		{ "vfio 1:2 driver=mlx5_vfio_pci", "vfio 0001:0002 driver=mlx5_vfio_pci" },
		{ "vfio 1:2 driver=vfio-pci", "vfio 0001:0002" },
		{ "vfio 1:2 driver=a234567890123456789012345678901",
		  "vfio 0001:0002 driver=a234567890123456789012345678901" },
		{ "hold 1:2 with=slot", "hold 0001:0002 with=slot" },
		{ "vfio 1:2 with=group", "vfio 0001:0002 with=group" },
		{ "vfio 5:0.0 1:2 changed=hold", "vfio 0000:05:00.0 0001:0002 changed=hold" },
		{ "hold vfs-of=5:0.0 external changed=hold",
		  "hold vfs-of=0000:05:00.0 external changed=hold" },
		{ "hold 1:2 yield", "hold 0001:0002 yield" },
		{ "hold 1:2 takeover=boot", "hold 0001:0002 takeover=boot" },
		{ "vfio 1:2 allow=usb,network,storage,console,only-gpu,boot-vga",
		  "vfio 0001:0002 allow=boot-vga,only-gpu,console,storage,network,usb" },
		{ "vfio 1:2 allow=usb,usb", "vfio 0001:0002 allow=usb" },
		{ "vfio 1:2 owner=qemu", "vfio 0001:0002 owner=qemu" },
		{ "vfio 1:2 owner=libvirt-qemu:kvm", "vfio 0001:0002 owner=libvirt-qemu:kvm" },
		{ "vfio 1:2 owner=a234567890123456789012345678901:b234567890123456789012345678901",
		  "vfio 0001:0002 owner=a234567890123456789012345678901:b234567890123456789012345678901"
		},
		{ "vfio 1:2 owner=0:107", "vfio 0001:0002 owner=0:107" },
		{ "leave 8086:1572 vfs=8", "leave 8086:1572 vfs=8" },
		{ "leave 8086:1572 vfs=65535", "leave 8086:1572 vfs=65535" },
		{ "leave 8086:1572 vfs vfs=00001", "leave 8086:1572 vfs vfs=1" },
		{ "vfio 1:2 host=4C4C4544-0042-3510-8052-B4C04F4A3632",
		  "vfio 0001:0002 host=4c4c4544-0042-3510-8052-b4c04f4a3632" },
		{ "vfio 1:2 name=gpu0", "vfio 0001:0002 name=gpu0" },
		{ "vfio 1:2 name=7-of.Nine_", "vfio 0001:0002 name=7-of.Nine_" },
		{ "vfio 1:2 name=_", "vfio 0001:0002 name=_" },
		/* all at once, from the last to the first */
		{ "vfio name=x host=4c4c4544-0042-3510-8052-b4c04f4a3632 owner=q:k allow=usb takeover=boot yield changed=hold with=slot driver=best vfs except=5:0.0 external dsn=0000000000000001 class=3d 1:2 vfs-of=5:0.0 at=0:1.0 5:0.1",
		  "vfio 0000:05:00.1 at=0000:00:01.0 vfs-of=0000:05:00.0 0001:0002 class=3d dsn=00-00-00-00-00-00-00-01 external except=0000:05:00.0 vfs driver=best with=slot changed=hold yield takeover=boot allow=usb owner=q:k host=4c4c4544-0042-3510-8052-b4c04f4a3632 name=x"
		},
	};
	char buf[VFIOPOLICY_RULE_LEN_MAX + 1], again[sizeof(buf)];
	struct vp_error err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		EXPECT_STREQ(canonical(rules[i].text, buf, sizeof(buf), &err),
			     rules[i].canonical) {
			TH_LOG("%s", rules[i].text);
		}
		EXPECT_STREQ(canonical(buf, again, sizeof(again), &err), buf);
	}
}

/* The place of an error is marked by '^', which is no part of the text. */
static size_t take_mark(const char *marked, char *text, size_t size)
{
	size_t at = strcspn(marked, "^");

	snprintf(text, size, "%.*s%s", (int)at, marked,
		 marked[at] ? marked + at + 1 : "");
	return at;
}

struct bad {
	const char *marked;
	const char *want;
	const char *hint;
};

static void expect_bad(struct __test_metadata *_metadata, const struct bad *bad,
		       size_t count,
		       int (*read)(const char *text, struct vp_rule *rule,
				   struct vp_error *err))
{
	struct vp_error err;
	struct vp_rule rule;
	char text[1024];
	size_t i, at;

	for (i = 0; i < count; i++) {
		at = take_mark(bad[i].marked, text, sizeof(text));
		memset(&err, 0xff, sizeof(err));
		EXPECT_EQ(read(text, &rule, &err), -EINVAL) {
			TH_LOG("%s", bad[i].marked);
			continue;
		}
		EXPECT_EQ(err.at, at) {
			TH_LOG("%s: %s", bad[i].marked, err.want);
		}
		EXPECT_NE(strstr(err.want, bad[i].want), NULL) {
			TH_LOG("%s: expected %s", bad[i].marked, err.want);
		}
		EXPECT_STREQ(err.hint ? err.hint : "", bad[i].hint ? bad[i].hint : "") {
			TH_LOG("%s", bad[i].marked);
		}
	}
}

TEST(errors_say_where_and_what_was_expected)
{
	static const struct bad bad[] = {
		/* actions */
		{ "^", "vfio, hold or leave", NULL },
		{ "   ^", "vfio, hold or leave", NULL },
		{ "^10de:1b39", "vfio, hold or leave", NULL },
		{ " ^VFIO 1:2", "vfio, hold or leave", NULL },
		{ "^vfo 1:2", "vfio, hold or leave", "vfio" },
		{ "^hodl 1:2", "vfio, hold or leave", "hold" },
		{ "^leaves 1:2", "vfio, hold or leave", "leave" },
		{ "^vfio: 1:2", "vfio, hold or leave", "vfio" },
		{ "^vfio\n1:2", "vfio, hold or leave", NULL },
		{ "vfio^", "vendor:device, an address", NULL },
		{ "leave ^", "vendor:device, an address", NULL },
		{ "vfio ^name=x", "vendor:device, an address", NULL },
		{ "vfio ^vfs", "vendor:device, an address", NULL },
		{ "vfio ^except=1:2", "does not name every device", NULL },
		{ "vfio ^*:*", "does not name every device", NULL },
		{ "vfio ^*:*:*:* except=1:2 name=a", "does not name every device", NULL },
		/* words */
		{ "vfio ^gpu", "a selector", NULL },
		{ "vfio 1:2 ^exernal", "a selector", "external" },
		{ "vfio 1:2 ^yeild", "a selector", "yield" },
		{ "vfio 1:2 ^externally", "a selector", "external" },
		{ "vfio 1:2 ^drivers=best", "a selector", "driver=" },
		{ "vfio ^clas=3d", "a selector", "class=" },
		{ "vfio ^=", "a selector", NULL },
		{ "vfio ^\r", "a selector", NULL },
		{ "vfio 1:2 ^\n", "a selector", NULL },
		{ "vfio 1:2 ^\\", "a selector", NULL },
		{ "vfio 1:2 ^1:3", "once", NULL },
		{ "vfio 5:0.0 ^5:0.1", "once", NULL },
		{ "vfio class=3d ^class=03", "once", NULL },
		{ "vfio at=0:1.0 ^at=0:1.0", "once", NULL },
		{ "vfio vfs-of=0:1.0 ^vfs-of=0:1.0", "once", NULL },
		{ "vfio dsn=0000000000000001 ^dsn=0000000000000002", "once", NULL },
		{ "vfio external ^external", "once", NULL },
		{ "vfio 1:* vfs ^vfs", "once", NULL },
		{ "vfio 1:2 yield ^yield", "once", NULL },
		{ "vfio 1:2 name=a ^name=a", "once", NULL },
		{ "vfio 1:2 driver=vfio-pci ^driver=best", "once", NULL },
		/* ids */
		{ "vfio 10de^", "':' and a device id", NULL },
		{ "vfio 10de^ 1b39", "':' and a device id", NULL },
		{ "vfio 10de:^", "a device id", NULL },
		{ "vfio ^:1", "a vendor id", NULL },
		{ "vfio ^110de:1", "a vendor id", NULL },
		{ "vfio 1:^00001", "a device id", NULL },
		{ "vfio 1:2:^", "a subsystem vendor id", NULL },
		{ "vfio 1:2:3^", "':' and a subsystem id", NULL },
		{ "vfio 1:2:3:^g", "a subsystem id", NULL },
		{ "vfio 1:2:3:^12345", "a subsystem id", NULL },
		{ "vfio 1:2:3:4^:5", "a blank or the end", NULL },
		{ "vfio 10de:1b39^;", "a blank or the end", NULL },
		{ "vfio 10de:1b39^#", "a blank or the end", NULL },
		{ "vfio *^*:1", "':' and a device id", NULL },
		{ "vfio 0^x10de:1", "':' and a device id", NULL },
		/* addresses */
		{ "vfio 5:0.^", "a function number", NULL },
		{ "vfio 5:0.^8", "a function number", NULL },
		{ "vfio 5:^20.0", "a device number", NULL },
		{ "vfio 5:^.0", "a device number", NULL },
		{ "vfio ^100:0.0", "a bus number", NULL },
		{ "vfio ^*:0.0", "a bus number", NULL },
		{ "vfio 5^.0", "':' and a device number", NULL },
		{ "vfio ^123456789:5:0.0", "a PCI domain", NULL },
		{ "vfio 0:^:0.0", "a bus number", NULL },
		{ "vfio 0:5:0^:0.0", "'.' and a function number", NULL },
		{ "vfio 5:00.0^/00.0", "a blank or the end", NULL },
		{ "vfio 5:00.0^-1", "a blank or the end", NULL },
		{ "vfio 5:00.*^*", "a blank or the end", NULL },
		/* places below bridges */
		{ "vfio at=^", "a bus number", NULL },
		{ "vfio at=0:1.0^/", "a blank or the end", NULL },
		{ "vfio at=0:1.0^/0", "a blank or the end", NULL },
		{ "vfio at=0:1.0/^20.0", "a device number", NULL },
		{ "vfio at=0:1.0/0.^9", "a function number", NULL },
		{ "vfio at=0:*.0^/0.0", "a '*' in the last element only", NULL },
		{ "vfio at=0:1.0/1.*^/0.0", "a '*' in the last element only", NULL },
		{ "vfio at=0:1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0/1.0^/1.0",
		  "at most 16 elements", NULL },
		/* VFs */
		{ "vfio vfs-of=^", "a bus number", NULL },
		{ "vfio vfs-of=5:0.0/^", "the number of a VF", NULL },
		{ "vfio vfs-of=5:0.0/^65535", "the number of a VF", NULL },
		{ "vfio vfs-of=5:0.0/^000001", "the number of a VF", NULL },
		{ "vfio vfs-of=5:0.0/0-^", "the number of a VF", NULL },
		{ "vfio vfs-of=5:0.0/3-^2", "not below the first", NULL },
		{ "vfio vfs-of=5:0.0/3^a", "a blank or the end", NULL },
		{ "vfio vfs-of=5:0.0/0-3^-4", "a blank or the end", NULL },
		/* classes */
		{ "vfio class=^", "a class (", NULL },
		{ "vfio class=^3", "a class (", NULL },
		{ "vfio class=^fff", "a class (", NULL },
		{ "vfio class=^030", "a class (", NULL },
		{ "vfio class=^0302000", "a class (", NULL },
		{ "vfio class=^nvmee", "a class (", "nvme" },
		{ "vfio class=^etherne", "a class (", "ethernet" },
		{ "vfio class=^VGA", "a class (", NULL },
		{ "vfio class=3d^/ff", "a blank or the end", NULL },
		{ "vfio class=0302^/ffff00", "a blank or the end", NULL },
		{ "vfio class=030200/^", "a class mask", NULL },
		{ "vfio class=030200/^0", "other than 0", NULL },
		{ "vfio class=030200/^1000000", "a class mask", NULL },
		{ "vfio class=030200/ff^,", "a blank or the end", NULL },
		/* serial numbers */
		{ "vfio dsn=^", "16 hex digits", NULL },
		{ "vfio dsn=00-a0-c9-ff-ff-12-34-^", "16 hex digits", NULL },
		{ "vfio dsn=00-a0-c9-ff-ff-12-34-5^", "16 hex digits", NULL },
		{ "vfio dsn=00-a0-^-c9-ff-ff-12-34-56", "16 hex digits", NULL },
		{ "vfio dsn=0^-0", "16 hex digits", NULL },
		{ "vfio dsn=00-a0-c9-ff-ff-12-34-56^-78", "a blank or the end", NULL },
		{ "vfio dsn=^00-00-00-00-00-00-00-00", "all zeros or all ones", NULL },
		{ "vfio dsn=^ffffffffffffffff", "all zeros or all ones", NULL },
		{ "vfio 1:* except=dsn=^0000000000000000", "all zeros or all ones", NULL },
		/* except= */
		{ "vfio 1:* except=^", "vendor:device, an address", NULL },
		{ "vfio 1:* except=^foo", "vendor:device, an address", NULL },
		{ "vfio 1:* except=^vfs", "vendor:device, an address", NULL },
		{ "vfio 1:* except=^except=1:2", "vendor:device, an address", NULL },
		{ "vfio 1:* except=^yield", "vendor:device, an address", NULL },
		{ "vfio 1:* except=^name=a", "vendor:device, an address", NULL },
		{ "vfio 1:* except=^vfs=3", "vendor:device, an address", NULL },
		{ "vfio 1:* except=1:2^,3", "a blank or the end", NULL },
		{ "vfio 1:* except=class=^nvm", "a class (", "nvme" },
		{ "vfio 1:* except=1:1 except=1:2 except=1:3 except=1:4 except=1:5 except=1:6 except=1:7 except=1:8 except=1:9 except=1:a except=1:b except=1:c except=1:d except=1:e except=1:f ^except=2:1",
		  "at most 16 selectors", NULL },
		/* options */
		{ "vfio 1:2 driver=^", "the name of a driver", NULL },
		{ "vfio 1:2 driver=^-a", "the name of a driver", NULL },
		{ "vfio 1:2 driver=^.a", "the name of a driver", NULL },
		{ "vfio 1:2 driver=a^.b", "a blank or the end", NULL },
		{ "vfio 1:2 driver=^a2345678901234567890123456789012",
		  "the name of a driver", NULL },
		{ "vfio 1:2 driver=^vfiopolicy", "other than the stub", NULL },
		{ "vfio 1:2 with=^", "slot or group", NULL },
		{ "vfio 1:2 with=^slots", "slot or group", "slot" },
		{ "vfio 1:2 with=^grup", "slot or group", "group" },
		{ "vfio 5:0.0 1:2 changed=^keep", "hold", NULL },
		{ "vfio 5:0.0 1:2 changed=^holt", "hold", "hold" },
		{ "vfio 1:2 takeover=^now", "boot", NULL },
		{ "vfio 1:2 allow=^", "boot-vga, only-gpu", NULL },
		{ "vfio 1:2 allow=usb,^", "boot-vga, only-gpu", NULL },
		{ "vfio 1:2 allow=usb,^netwrk", "boot-vga, only-gpu", "network" },
		{ "vfio 1:2 allow=usb^x", "a blank or the end", NULL },
		{ "vfio 1:2 owner=^", "a user", NULL },
		{ "vfio 1:2 owner=^:kvm", "a user", NULL },
		{ "vfio 1:2 owner=qemu:^", "a group", NULL },
		{ "vfio 1:2 owner=qemu:^-k", "a group", NULL },
		{ "vfio 1:2 owner=qemu:kvm^:x", "a blank or the end", NULL },
		{ "vfio 1:2 owner=^a2345678901234567890123456789012", "a user", NULL },
		{ "leave 1:2 vfs=^", "a number of VFs", NULL },
		{ "leave 1:2 vfs=^0", "a number of VFs", NULL },
		{ "leave 1:2 vfs=^65536", "a number of VFs", NULL },
		{ "leave 1:2 vfs=8^f", "a blank or the end", NULL },
		{ "vfio 1:2 host=^", "a UUID", NULL },
		{ "vfio 1:2 host=4c4c4544-0042-3510-8052-b4c04f4a363^", "a UUID", NULL },
		{ "vfio 1:2 host=4c4c4544^00042-3510-8052-b4c04f4a3632", "a UUID", NULL },
		{ "vfio 1:2 host=4c4c4544-0042-3510-8052-b4c04f4a363^g", "a UUID", NULL },
		{ "vfio 1:2 host=4c4c4544-0042-3510-8052-b4c04f4a3632^1",
		  "a blank or the end", NULL },
		{ "vfio 1:2 name=^", "a name of at most 31", NULL },
		{ "vfio 1:2 name=^12", "a name of at most 31", NULL },
		{ "vfio 1:2 name=^.a", "a name of at most 31", NULL },
		{ "vfio 1:2 name=^-", "a name of at most 31", NULL },
		{ "vfio 1:2 name=a^/b", "a blank or the end", NULL },
		{ "vfio 1:2 name=^a2345678901234567890123456789012", "a name of at most 31", NULL },
		/* what does not go together */
		{ "vfio 1:2 ^changed=hold", "beside a place", NULL },
		{ "vfio 5:0.0 ^changed=hold", "beside a place", NULL },
		{ "vfio 5:0.0 *:* ^changed=hold", "beside a place", NULL },
		{ "vfio 5:0.0 except=1:2 ^changed=hold", "beside a place", NULL },
		{ "hold 1:2 ^driver=best", "behind vfio only", NULL },
		{ "hold 1:2 ^driver=vfio-pci", "behind vfio only", NULL },
		{ "leave 1:2 ^owner=qemu", "behind vfio only", NULL },
		{ "leave 1:2 ^with=slot", "goes with leave", NULL },
		{ "leave 5:0.0 1:2 ^changed=hold", "goes with leave", NULL },
		{ "leave 1:2 ^takeover=boot", "goes with leave", NULL },
		{ "leave 1:2 ^allow=usb", "goes with leave", NULL },
		{ "leave 1:2 ^yield", "goes with leave", NULL },
		{ "vfio 1:2 ^vfs=8", "vfs= behind leave only", NULL },
		{ "hold ^vfs=8 1:2", "vfs= behind leave only", NULL },
	};

	expect_bad(_metadata, bad, ARRAY_SIZE(bad), parse);
}

/* Which words there are, and that they stand for what lspci calls so. */
TEST(classes_have_names)
{
	static const struct {
		const char *name;
		u32 class;
		u32 mask;
	} names[] = {
		{ "storage", 0x010000, 0xff0000 },
		{ "scsi", 0x010000, 0xffff00 },
		{ "raid", 0x010400, 0xffff00 },
		{ "sata", 0x010600, 0xffff00 },
		{ "sas", 0x010700, 0xffff00 },
		{ "nvme", 0x010802, 0xffffff },
		{ "network", 0x020000, 0xff0000 },
		{ "ethernet", 0x020000, 0xffff00 },
		{ "infiniband", 0x020700, 0xffff00 },
		{ "display", 0x030000, 0xff0000 },
		{ "vga", 0x030000, 0xffff00 },
		{ "3d", 0x030200, 0xffff00 },
		{ "multimedia", 0x040000, 0xff0000 },
		{ "audio", 0x040300, 0xffff00 },
		{ "cxl", 0x050200, 0xffff00 },
		{ "nvswitch", 0x068000, 0xffff00 },
		{ "usb", 0x0c0300, 0xffff00 },
		{ "xhci", 0x0c0330, 0xffffff },
		{ "wireless", 0x0d0000, 0xff0000 },
		{ "crypto", 0x100000, 0xff0000 },
		{ "accelerator", 0x120000, 0xff0000 },
	};
	char text[64], wanted[64], buf[64];
	struct vp_error err;
	struct vp_rule rule;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(wanted, sizeof(wanted), "vfio class=%s", names[i].name);
		EXPECT_STREQ(canonical(wanted, buf, sizeof(buf), &err), wanted);
		snprintf(text, sizeof(text), "vfio class=%06x/%06x",
			 names[i].class, names[i].mask);
		EXPECT_STREQ(canonical(text, buf, sizeof(buf), &err), wanted);
		rule = must_parse(wanted);
		EXPECT_EQ(rule.selectors[0].class, names[i].class);
		EXPECT_EQ(rule.selectors[0].class_mask, names[i].mask);
		EXPECT_STREQ(vp_class_words[i], names[i].name);
	}
	EXPECT_EQ(vp_class_words[i], NULL);
}

/* What is no word must not print like one: 3d is two hex digits too. */
TEST(every_class_prints_as_itself)
{
	static const u32 masks[] = { 0xff0000, 0xffff00, 0xffffff };
	struct vp_rule rule, again;
	struct vp_error err;
	char buf[64];
	u32 base;
	size_t i;

	rule = must_parse("vfio class=00");
	for (base = 0; base < 0x10000; base++) {
		for (i = 0; i < ARRAY_SIZE(masks); i++) {
			rule.selectors[0].class = base << 8 & masks[i];
			rule.selectors[0].class_mask = masks[i];
			vp_rule_print(&rule, buf, sizeof(buf));
			ASSERT_EQ(parse(buf, &again, &err), 0);
			ASSERT_EQ(again.selectors[0].class, rule.selectors[0].class) {
				TH_LOG("%s of %06x/%06x", buf, base << 8, masks[i]);
			}
			ASSERT_EQ(again.selectors[0].class_mask, masks[i]);
		}
	}
}

TEST(ids_are_those_of_vfio_pci)
{
	static const struct {
		const char *text;
		const char *rule;
	} ids[] = {
		{ "10de:1b39", "vfio 10de:1b39" },
		{ "0x10de:0X1b39", "vfio 10de:1b39" },
		{ "000010de:1B39", "vfio 10de:1b39" },
		{ "10de:1b39:1", "vfio 10de:1b39:0001:*" },
		{ "10de:1b39:1:2", "vfio 10de:1b39:0001:0002" },
		{ "10de:ffffffff", "vfio 10de:*" },
		{ "10de:0xffffffff", "vfio 10de:*" },
		{ "ffffffff:1b39", "vfio *:1b39" },
		{ "10de:1b39:ffffffff:ffffffff:30200", "vfio 10de:1b39" },
		{ "10de:1b39:ffffffff:ffffffff:30200:0", "vfio 10de:1b39" },
		{ "10de:ffffffff:ffffffff:ffffffff:30200:ffff00",
		  "vfio 10de:* class=3d" },
		{ "ffffffff:ffffffff:ffffffff:ffffffff:30200:ffffff",
		  "vfio *:* class=030200" },
		{ "1:2:3:4:ffffffff:ffffffff", "vfio 0001:0002:0003:0004 class=ffffff" },
		{ "1:2:3:4:5:6", "vfio 0001:0002:0003:0004 class=000004/000006" },
	};
	static const struct bad bad[] = {
		{ "^", "a vendor id", NULL },
		{ "0x^", "a vendor id", NULL },
		{ "10de^", "':' and a device id", NULL },
		{ "10de:^", "a device id", NULL },
		{ "10de:1b39:^", "a subsystem vendor id", NULL },
		{ "10de:1b39:1:^x", "a subsystem id", NULL },
		{ "10de:1b39^ ", "':', ',' or the end", NULL },
		{ "^ 10de:1b39", "a vendor id", NULL },
		{ "^110de:1b39", "a vendor id", NULL },
		{ "^0x110de:1b39", "a vendor id", NULL },
		{ "^fffffffe:1b39", "a vendor id", NULL },
		{ "^000010de0:1b39", "a vendor id", NULL },
		{ "10de:^*", "a device id", NULL },
		{ "1:2:3:4:^1000000", "a class (", NULL },
		{ "1:2:3:4:5:^1000000", "a class mask", NULL },
		{ "1:2:3:4:5:6^:7", "',' or the end", NULL },
		{ "^ffffffff:ffffffff", "does not name every device", NULL },
		{ "^ffffffff:ffffffff:ffffffff:ffffffff:30200:0",
		  "does not name every device", NULL },
	};
	char buf[VFIOPOLICY_RULE_LEN_MAX + 1], again[sizeof(buf)];
	struct vp_error err;
	struct vp_rule rule;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_EQ(parse_id(ids[i].text, &rule, &err), 0) {
			TH_LOG("%s", ids[i].text);
		}
		vp_rule_print(&rule, buf, sizeof(buf));
		EXPECT_STREQ(buf, ids[i].rule);
		EXPECT_STREQ(canonical(buf, again, sizeof(again), &err), buf);
	}
	expect_bad(_metadata, bad, ARRAY_SIZE(bad), parse_id);
}

/* The longest that is legal, and one byte more; blanks do not count. */
TEST(a_rule_has_511_bytes_at_the_most)
{
	static const char word[] = "a234567890123456789012345678901";
	char text[1024], buf[VFIOPOLICY_RULE_LEN_MAX + 1];
	struct vp_error err;
	struct vp_rule rule;
	int len, i, over;

	/* 11 + 15 x 27 + 37 bytes in the canonical form, and 7 + 31 + 1 + 19. */
	for (over = 0; over < 2; over++) {
		len = snprintf(text, sizeof(text), " hold 1:*");
		memcpy(text, "\tvfio", 5);
		for (i = 0; i < 15; i++)
			len += snprintf(text + len, sizeof(text) - len,
					" \t    except=1:1:1:1        \\\n");
		snprintf(text + len, sizeof(text) - len, " name=%s owner=%s:%.*s",
			 word, word, 19 + over, word);
		ASSERT_GT(strlen(text), VFIOPOLICY_RULE_LEN_MAX + 1);
		if (over) {
			EXPECT_EQ(parse(text, &rule, &err), -EINVAL);
			EXPECT_EQ(err.at, strlen(" vfio "));
			EXPECT_NE(strstr(err.want, "at most 511 bytes"), NULL);
		} else {
			ASSERT_EQ(parse(text, &rule, &err), 0) {
				TH_LOG("at %zu: %s", err.at, err.want);
			}
			EXPECT_EQ(vp_rule_print(&rule, buf, sizeof(buf)),
				  VFIOPOLICY_RULE_LEN_MAX);
		}
	}
}

/* Every kind of selector, and every option of an action. */
static const char *const long_rules[] = {
	"vfio ffffffff:ff:1f.7 at=ffffffff:ff:1f.7/1f.7/1f.* vfs-of=0000:05:00.0/10-65534 10de:1b39:*:0001 class=0302ff/ffff01 dsn=00-a0-c9-ff-ff-12-34-56 external except=class=nvme except=*:*:1af4:* except=0000:05:*.0 vfs driver=best with=group changed=hold yield takeover=boot allow=boot-vga,only-gpu,console,storage,network,usb owner=libvirt-qemu:kvm host=4c4c4544-0042-3510-8052-b4c04f4a3632 name=gpu0.7",
	"leave vfs-of=0000:05:00.0/3 except=external vfs vfs=65535 host=4c4c4544-0042-3510-8052-b4c04f4a3632 name=x",
	"hold class=3d \\\n external\\\r\n\tvfs with=slot",
};

/* Whatever @text is, it is safe, and what parses prints and parses again. */
static void expect_safe(struct __test_metadata *_metadata, const char *text,
			size_t len)
{
	char out[VFIOPOLICY_RULE_LEN_MAX + 1], again[sizeof(out)];
	struct vp_error err = { .at = ~(size_t)0 };
	struct vp_rule rule;

	if (parse_len(text, len, &rule, &err)) {
		ASSERT_LE(err.at, len);
		ASSERT_NE(err.want, NULL);
		return;
	}
	ASSERT_LT(vp_rule_print(&rule, out, sizeof(out)), sizeof(out));
	ASSERT_STREQ(canonical(out, again, sizeof(again), &err), out);
}

TEST(every_prefix_and_every_flipped_byte_is_safe)
{
	const char *text;
	size_t i, len, at;
	char buf[1024];
	int byte;

	for (i = 0; i < ARRAY_SIZE(long_rules); i++) {
		text = long_rules[i];
		len = strlen(text);
		for (at = 0; at <= len; at++)
			expect_safe(_metadata, text, at);
		for (at = 0; at < len; at++) {
			memcpy(buf, text, len);
			for (byte = 0; byte < 256; byte++) {
				buf[at] = byte;
				expect_safe(_metadata, buf, len);
			}
		}
	}
}

/* One of the printers, by what it prints. */
static size_t print(int which, const struct vp_rule *rule, char *buf, size_t size)
{
	switch (which) {
	case 0:
		return vp_rule_print(rule, buf, size);
	case 1:
		return vp_rule_print_selectors(rule, buf, size);
	case 2:
		return vp_selector_print(&rule->selectors[rule->count - 1], buf, size);
	default:
		return vp_place_print(&rule->selectors[0].place, buf, size);
	}
}

TEST(printing_stays_in_its_buffer_and_says_how_much_there_is)
{
	static const char *const rules[] = {
		long_rules[0], long_rules[1],
		"vfio at=0:1.0/1.0/2.0/3.*", "vfio 5:*.*",
	};
	struct vp_rule rule;
	size_t i, len, size;
	char whole[1024];
	char *small;
	int which;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		rule = must_parse(rules[i]);
		for (which = 0; which < 4; which++) {
			len = print(which, &rule, whole, sizeof(whole));
			ASSERT_EQ(len, strlen(whole));
			ASSERT_EQ(print(which, &rule, NULL, 0), len);
			for (size = 1; size <= len + 2; size++) {
				/* Just so many bytes: one more is found. */
				small = malloc(size);
				memset(small, 'x', size);
				ASSERT_EQ(print(which, &rule, small, size), len);
				ASSERT_EQ(strlen(small), size > len ? len : size - 1);
				ASSERT_EQ(strncmp(small, whole, strlen(small)), 0);
				free(small);
			}
		}
	}
	EXPECT_EQ(vp_rule_print_selectors(&rule, whole, sizeof(whole)),
		  strlen("0000:05:*.*"));
	EXPECT_STREQ(whole, "0000:05:*.*");
	EXPECT_STREQ(vp_action_name(VP_VFIO), "vfio");
	EXPECT_STREQ(vp_action_name(VP_HOLD), "hold");
	EXPECT_STREQ(vp_action_name(VP_LEAVE), "leave");
}

/* The arcs of the comment in state.c, once more, by hand. */
TEST(states_follow_the_table_and_nothing_else)
{
	static const char * const arcs[] = {
		[VFIOPOLICY_STATE_MATCHED] = "matched held isolated native lost releasing gone ",
		[VFIOPOLICY_STATE_HELD] = "held handing-off releasing matched gone ",
		[VFIOPOLICY_STATE_HANDING_OFF] = "handing-off isolated held matched lost gone ",
		[VFIOPOLICY_STATE_ISOLATED] = "isolated releasing matched gone ",
		[VFIOPOLICY_STATE_RELEASING] = "releasing released matched held isolated native lost gone ",
		[VFIOPOLICY_STATE_RELEASED] = "released native matched gone ",
		[VFIOPOLICY_STATE_NATIVE] = "native matched released gone ",
		[VFIOPOLICY_STATE_LOST] = "lost matched isolated native released gone ",
		[VFIOPOLICY_STATE_GONE] = "",
	};
	struct vp_status status;
	char word[32];
	int from, to;
	bool may;

	for (from = -1; from <= VFIOPOLICY_STATE_GONE; from++) {
		for (to = 0; to <= VFIOPOLICY_STATE_GONE; to++) {
			status.born = from >= 0;
			status.state = from >= 0 ? from : 0;
			status.reason = VFIOPOLICY_REASON_NONE;
			snprintf(word, sizeof(word), "%s ", vp_state_name(to));
			may = strstr(from >= 0 ? arcs[from] : "matched native ",
				     word);
			EXPECT_EQ(vp_state_move(&status, to,
						VFIOPOLICY_REASON_UNBOUND),
				  may ? 0 : -EINVAL) {
				TH_LOG("%d to %d", from, to);
			}
			EXPECT_EQ(status.reason == VFIOPOLICY_REASON_UNBOUND, may);
		}
	}
	EXPECT_STREQ(vp_state_name(99), "unknown");
}

TEST_HARNESS_MAIN
