// SPDX-License-Identifier: GPL-2.0-only
/*
 * Valid rules, made as structs or as texts out of pieces of the grammar, are
 * printed and read again: the same rule, the same text. Cut off at any size,
 * a print is a prefix of the whole and says how long that is.
 */
#include "random_rule.h"

/* Ends of text too, so that a piece may stand against the one before it. */
static const char *const pieces[] = {
	"vfio", "hold", "leave", " ", "\t", " \\\n", "\\\r\n ",
	" 10de:1b39", " *:*", " 144d:*", " *:a80a", " 1:2:*:4", " 10DE:1B39:*:*",
	" 5:0.1", " 0000:05:00.0", " ffffffff:ff:1f.7", " 5:*.*", " 5:1f.*", " 5:*.7",
	" at=0:0.0", " at=10000:0:1c.0/0.0", " at=0:1.0/00.*", " at=0:3.2/*.0",
	" vfs-of=0:3.0", " vfs-of=3:0.0/0", " vfs-of=3:0.0/0-3",
	" vfs-of=0:1.0/0.0/65534", "/1.0", "/1f.7", "/*.*", "/0-65534",
	" class=3d", " class=vga", " class=nvme", " class=cxl", " class=03",
	" class=0302", " class=030200", " class=0302ff/ffff00", " class=000001/1",
	" dsn=00-a0-c9-ff-ff-12-34-56", " dsn=00A0C9ffff123456", " external",
	" except=external", " except=1:2", " except=5:0.0", " except=at=0:1.0/0.0",
	" except=class=audio", " except=vfs-of=0:3.0/7", " except=*:*:1af4:1100",
	" except=dsn=0000000000000001", " vfs", " yield", " changed=hold",
	" takeover=boot", " with=slot", " with=group", " driver=best",
	" driver=vfio-pci", " driver=mlx5_vfio_pci", " allow=usb", " allow=boot-vga",
	" allow=network,only-gpu,console,storage", ",usb", " owner=qemu",
	" owner=qemu:kvm", " vfs=1", " vfs=65535", " name=gpu0", " name=7-of.nine_",
	" host=4C4C4544-0042-3510-8052-b4c04f4a3632",
};

static void check_cuts(struct bytes *in, const struct vp_rule *rule,
		       const char *text, size_t len)
{
	size_t size = number(in, 2) % (len + 2);
	char *cut = malloc(size);

	CLAIM(vp_rule_print(rule, NULL, 0) == len, text);
	CLAIM(vp_rule_print(rule, cut, size) == len, text);
	if (size) {
		CLAIM(strlen(cut) == (size - 1 < len ? size - 1 : len), text);
		CLAIM(!strncmp(cut, text, strlen(cut)), text);
	}
	free(cut);
}

static void check_rule(struct bytes *in, const struct vp_rule *rule)
{
	static const struct vp_error none;
	char text[4096], again[4096];
	struct vp_error err = none;
	struct vp_rule reread;
	size_t len;
	char *copy;
	int ret;

	len = vp_rule_print(rule, text, sizeof(text));
	CLAIM(len < sizeof(text) && len == strlen(text), text);
	check_cuts(in, rule, text, len);

	copy = malloc(len);
	memcpy(copy, text, len);
	ret = vp_rule_parse(copy, len, &reread, &err);
	free(copy);
	if (len > VFIOPOLICY_RULE_LEN_MAX) {
		CLAIM(ret, text);
		return;
	}
	if (ret)
		fprintf(stderr, "at %zu: expected %s\n", err.at, err.want);
	CLAIM(!ret, text);
	CLAIM(same_rule(rule, &reread), text);
	CLAIM(vp_rule_print(&reread, again, sizeof(again)) == len, text);
	CLAIM(!strcmp(text, again), text);
}

static size_t text_of_pieces(struct bytes *in, char *text, size_t size)
{
	static const char *const actions[] = { "vfio", "hold", "leave", "" };
	size_t len;

	len = scnprintf(text, size, "%s", actions[below(in, 4)]);
	while (in->pos < in->end)
		len += scnprintf(text + len, size - len, "%s",
				 pieces[below(in, ARRAY_SIZE(pieces))]);
	return len;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bytes in = { .pos = data, .end = data + size };
	struct vp_error err = { .at = ~(size_t)0 };
	struct vp_rule rule;
	char text[4096];
	size_t len;

	if (byte(&in) & 1) {
		random_rule(&in, &rule);
		check_rule(&in, &rule);
		return 0;
	}
	len = text_of_pieces(&in, text, sizeof(text));
	if (!vp_rule_parse(text, len, &rule, &err))
		check_rule(&in, &rule);
	else
		CLAIM(err.at <= len && err.want && *err.want, text);
	return 0;
}
