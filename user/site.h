/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is configured on this host by others than us: words of the kernel
 * command line and of what boot loaders put there, modprobe.d, lists of modules
 * to load, and the files of programs that move devices as well. All of it is
 * only read, each setting with the file and the line that it stands in.
 */
#ifndef VFIOPOLICY_SITE_H
#define VFIOPOLICY_SITE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a file; what is larger is passed over. */
#define VP_SITE_FILE_MAX	1048576
/* Settings of all files; what comes behind is passed over. */
#define VP_SITE_COUNT_MAX	65536
/* Bytes of a line that are kept to be shown. */
#define VP_SITE_TEXT_MAX	512

/**
 * enum vp_site_kind - what a setting is
 * @VP_SITE_CMDLINE: a word of the command line of the kernel that is running
 * @VP_SITE_LOADER: a word of the command line of those that are booted later
 * @VP_SITE_OPTIONS: modprobe.d: options of a module
 * @VP_SITE_SOFTDEP: modprobe.d: modules that are loaded before or after
 * @VP_SITE_BLACKLIST: modprobe.d: a module is not loaded for its devices
 * @VP_SITE_INSTALL: modprobe.d: what is run instead of loading a module
 * @VP_SITE_LOAD: a module that is loaded at boot
 * @VP_SITE_DRIVERCTL: an override that driverctl keeps
 * @VP_SITE_PROXMOX: a device of a guest of Proxmox VE
 * @VP_SITE_LIBVIRT: a device of a guest that libvirt moves by itself
 * @VP_SITE_SCRIPT: a line of a script that tells devices which driver to have
 */
enum vp_site_kind {
	VP_SITE_CMDLINE,
	VP_SITE_LOADER,
	VP_SITE_OPTIONS,
	VP_SITE_SOFTDEP,
	VP_SITE_BLACKLIST,
	VP_SITE_INSTALL,
	VP_SITE_LOAD,
	VP_SITE_DRIVERCTL,
	VP_SITE_PROXMOX,
	VP_SITE_LIBVIRT,
	VP_SITE_SCRIPT,
};

/**
 * enum vp_site_format - how a file is written
 * @VP_SITE_FMT_RUNNING: /proc/cmdline
 * @VP_SITE_FMT_CMDLINE: a command line and nothing else
 * @VP_SITE_FMT_SHELL: assignments of a shell, some of which are command lines
 *                     or lists of modules
 * @VP_SITE_FMT_KEYWORDS: a keyword and its value a line, as boot loaders have it
 * @VP_SITE_FMT_MODPROBE: modprobe.d
 * @VP_SITE_FMT_LIST: a module a line
 * @VP_SITE_FMT_DRIVERCTL: a driver; the device is in the name of the file
 * @VP_SITE_FMT_PROXMOX: a guest of Proxmox VE
 * @VP_SITE_FMT_MAPPING: what names of devices mean to Proxmox VE
 * @VP_SITE_FMT_LIBVIRT: a domain of libvirt, in XML
 * @VP_SITE_FMT_SCRIPT: a script, or rules of udev
 * @VP_SITE_FORMATS: how many there are
 */
enum vp_site_format {
	VP_SITE_FMT_RUNNING,
	VP_SITE_FMT_CMDLINE,
	VP_SITE_FMT_SHELL,
	VP_SITE_FMT_KEYWORDS,
	VP_SITE_FMT_MODPROBE,
	VP_SITE_FMT_LIST,
	VP_SITE_FMT_DRIVERCTL,
	VP_SITE_FMT_PROXMOX,
	VP_SITE_FMT_MAPPING,
	VP_SITE_FMT_LIBVIRT,
	VP_SITE_FMT_SCRIPT,
	VP_SITE_FORMATS,
};

/**
 * struct vp_site_entry - one setting
 * @kind: what it is
 * @format: how its file is written
 * @path: its file, without the root
 * @line: number of the line that it begins in, from 1
 * @last: number of the line that it ends in
 * @key: the parameter, the module, the device or the guest; the dashes of
 *       parameters and modules are underscores
 * @value: what it is set to; empty for nothing
 * @text: the words as they stand there, to be shown; may be cut
 *
 * All texts are printable ASCII: what is not has become '?'.
 */
struct vp_site_entry {
	enum vp_site_kind kind;
	enum vp_site_format format;
	char *path;
	unsigned int line;
	unsigned int last;
	char *key;
	char *value;
	char *text;
};

/**
 * struct vp_site - what is configured
 * @root: goes before all paths; empty for none
 * @entries: the settings: files in the order in which they count, lines as
 *           they stand there
 * @count: number of @entries
 * @room: how many there is room for
 * @failed: something is missing for want of memory
 */
struct vp_site {
	char *root;
	struct vp_site_entry *entries;
	size_t count;
	size_t room;
	bool failed;
};

/**
 * struct vp_site_at - where the parsers are
 * @format: how the file is written
 * @path: its path, without the root
 * @line: number of the line that the setting begins in, from 1
 * @last: number of the line that it ends in
 */
struct vp_site_at {
	enum vp_site_format format;
	const char *path;
	unsigned int line;
	unsigned int last;
};

/**
 * struct vp_site_span - a piece of a text
 * @text: its first byte
 * @len: its length
 */
struct vp_site_span {
	const char *text;
	size_t len;
};

int vp_site_root(struct vp_site *site);
int vp_site_open(struct vp_site *site, const char *root);
void vp_site_close(struct vp_site *site);
char *vp_site_path(const struct vp_site *site, const char *path);
bool vp_site_has(const struct vp_site *site, const char *path);
char *vp_site_load(const struct vp_site *site, const char *path, size_t max,
		   size_t *len);
bool vp_site_text(const struct vp_site *site, const char *path, char *buf,
		  size_t size);
void vp_site_parse(struct vp_site *site, enum vp_site_format format,
		   const char *path, const char *text, size_t len);
bool vp_site_is_module(const char *a, const char *b);
bool vp_site_lists(const char *list, const char *module);

/* For the parsers. */
void vp_site_add(struct vp_site *site, enum vp_site_kind kind,
		 const struct vp_site_at *at, struct vp_site_span key,
		 struct vp_site_span value, struct vp_site_span text);
bool vp_site_next_line(const char **pos, const char *end,
		       struct vp_site_span *line);
struct vp_site_span vp_site_trim(struct vp_site_span span);
bool vp_site_next_word(struct vp_site_span *rest, struct vp_site_span *word);
struct vp_site_span vp_site_str(const char *text);

/* site_boot.c */
void vp_site_parse_words(struct vp_site *site, enum vp_site_kind kind,
			 struct vp_site_at *at, const char *text, size_t len);
void vp_site_parse_shell(struct vp_site *site, struct vp_site_at *at,
			 const char *text, size_t len);
void vp_site_parse_keywords(struct vp_site *site, struct vp_site_at *at,
			    const char *text, size_t len);

/* site_modprobe.c */
void vp_site_parse_modprobe(struct vp_site *site, struct vp_site_at *at,
			    const char *text, size_t len);

/* site_peers.c */
void vp_site_parse_driverctl(struct vp_site *site, struct vp_site_at *at,
			     const char *text, size_t len);
void vp_site_parse_proxmox(struct vp_site *site, struct vp_site_at *at,
			   const char *text, size_t len);
void vp_site_parse_mapping(struct vp_site *site, struct vp_site_at *at,
			   const char *text, size_t len);
void vp_site_parse_libvirt(struct vp_site *site, struct vp_site_at *at,
			   const char *text, size_t len);
void vp_site_parse_script(struct vp_site *site, struct vp_site_at *at,
			  const char *text, size_t len);

#endif /* VFIOPOLICY_SITE_H */
