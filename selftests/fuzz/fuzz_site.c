// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a file of somebody else's, in a format that the first byte
 * chooses. What is found is printable and lies inside the file, in order; of
 * modprobe.d it is what libkmod finds, too. What it claims for guests are rules.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libkmod.h>

#include "claims.h"
#include "fuzz.h"

/* What paths say matters to some formats. */
static const char * const paths[VP_SITE_FORMATS] = {
	[VP_SITE_FMT_DRIVERCTL] = "/etc/driverctl.d/pci-0000:82:00.0",
	[VP_SITE_FMT_LIBVIRT] = "/etc/libvirt/qemu/vm.xml",
	[VP_SITE_FMT_PROXMOX] = "/etc/pve/qemu-server/100.conf",
};

static void check_text(const char *text)
{
	for (; *text; text++)
		CLAIM(*text >= ' ' && *text <= '~', "the file");
}

static void check(const struct vp_site *site, size_t lines)
{
	const struct vp_site_entry *entry;
	unsigned int last = 1;
	size_t i;

	CLAIM(!site->failed && site->count <= VP_SITE_COUNT_MAX, "the file");
	for (i = 0; i < site->count; i++) {
		entry = &site->entries[i];
		check_text(entry->path);
		check_text(entry->key);
		check_text(entry->value);
		check_text(entry->text);
		CLAIM(strlen(entry->text) <= VP_SITE_TEXT_MAX, entry->text);
		CLAIM(entry->line && entry->line <= entry->last, entry->text);
		CLAIM(entry->last <= lines, entry->text);
		CLAIM(entry->line >= last || entry->line == site->entries[i - 1].line,
		      entry->text);
		last = entry->line;
	}
}

/* Is this what libkmod has, but for bytes that we do not keep? */
static bool same(const char *ours, const char *theirs)
{
	for (; *ours && *theirs; ours++, theirs++)
		if (*ours != *theirs && !(*ours == ' ' && *theirs == '\t') &&
		    !(*ours == '?' && (*theirs < ' ' || *theirs > '~')))
			return false;
	return *ours == *theirs;
}

static void compare(const struct vp_site *site, enum vp_site_kind kind,
		    struct kmod_config_iter *iter, size_t skip)
{
	const char *key, *value;
	size_t i;

	for (i = 0; i < site->count; i++) {
		if (site->entries[i].kind != kind)
			continue;
		CLAIM(kmod_config_iter_next(iter), site->entries[i].text);
		key = kmod_config_iter_get_key(iter);
		value = kmod_config_iter_get_value(iter);
		CLAIM(same(site->entries[i].key, key), key);
		if (kind != VP_SITE_SOFTDEP && kind != VP_SITE_BLACKLIST)
			CLAIM(same(site->entries[i].value, value), value);
	}
	/* The rest is of this machine's own command line. */
	while (skip--)
		CLAIM(kmod_config_iter_next(iter), "the command line");
	CLAIM(!kmod_config_iter_next(iter), kmod_config_iter_get_key(iter));
	kmod_config_iter_free_iter(iter);
}

static size_t count(struct kmod_config_iter *iter)
{
	size_t n = 0;

	while (kmod_config_iter_next(iter))
		n++;
	kmod_config_iter_free_iter(iter);
	return n;
}

static struct kmod_ctx *ask_kmod(const char *text, size_t len)
{
	char path[64];
	const char *files[] = { path, NULL };
	struct kmod_ctx *ctx;
	int fd;

	fd = memfd_create("modprobe", 0);
	CLAIM(fd >= 0 && write(fd, text, len) == (ssize_t)len, "the file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ctx = kmod_new("/nonexistent", files);
	CLAIM(ctx, "the file");
	close(fd);
	return ctx;
}

static void compare_all(const struct vp_site *site, const char *text, size_t len)
{
	static size_t options, blacklists;
	static bool asked;
	struct kmod_ctx *ctx;

	if (!asked) {
		setenv("KMOD_LOG", "0", 1);
		ctx = ask_kmod("", 0);
		options = count(kmod_config_get_options(ctx));
		blacklists = count(kmod_config_get_blacklists(ctx));
		kmod_unref(ctx);
		asked = true;
	}
	/* There it makes a byte of the end of the file. */
	if (len && text[len - 1] == '\\')
		return;
	ctx = ask_kmod(text, len);
	compare(site, VP_SITE_OPTIONS, kmod_config_get_options(ctx), options);
	compare(site, VP_SITE_BLACKLIST, kmod_config_get_blacklists(ctx),
		blacklists);
	compare(site, VP_SITE_INSTALL, kmod_config_get_install_commands(ctx), 0);
	compare(site, VP_SITE_SOFTDEP, kmod_config_get_softdeps(ctx), 0);
	kmod_unref(ctx);
}

static void check_claims(const struct vp_site *site)
{
	char text[VFIOPOLICY_RULE_LEN_MAX + 1], rest[VP_SITE_TEXT_MAX];
	const struct vp_claim *claim;
	struct vp_claims claims;
	struct vp_error error;
	struct vp_rule rule;
	size_t i;

	CLAIM(!vp_claims_find(site, &claims), "the file");
	for (i = 0; i < claims.count; i++) {
		claim = &claims.claims[i];
		check_text(claim->text);
		check_text(claim->why);
		CLAIM(claim->counts || claim->why[0], claim->text);
		if (claim->entry->kind == VP_SITE_OPTIONS)
			vp_claim_rest(claim->entry, rest, sizeof(rest));
		if (!claim->counts)
			continue;
		vp_rule_print(&claim->rule, text, sizeof(text));
		CLAIM(!vp_rule_parse(text, strlen(text), &rule, &error), text);
		CLAIM(rule.action == claim->rule.action, text);
	}
	vp_claims_free(&claims);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct vp_site site = { 0 };
	enum vp_site_format format;
	size_t lines = 1, i;
	char *text;

	if (!size)
		return 0;
	format = data[0] % VP_SITE_FORMATS;
	data++;
	size--;
	/* With nothing behind it, so that reading too far is seen. */
	text = malloc(size ? size : 1);
	CLAIM(text, "the file");
	memcpy(text, data, size);
	for (i = 0; i < size; i++)
		lines += text[i] == '\n';
	vp_site_parse(&site, format, paths[format] ? paths[format] : "/x", text,
		      size);
	check(&site, lines);
	check_claims(&site);
	if (format == VP_SITE_FMT_MODPROBE)
		compare_all(&site, text, size);
	vp_site_close(&site);
	free(text);
	return 0;
}
