// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of other programs that give devices to guests: driverctl, Proxmox
 * VE, libvirt, and scripts that people write.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "site.h"

#define DRIVERCTL	"pci-"
/* Room for an address in the kernel's form, its numbers being untrusted. */
#define ADDRESS_LEN	64
/* Room for the name of a guest. */
#define NAME_LEN	128

/**
 * vp_site_parse_driverctl() - read an override that driverctl keeps
 * @site: where settings are added
 * @at: the file; its name has the device
 * @text: its contents: the driver
 * @len: their length
 */
void vp_site_parse_driverctl(struct vp_site *site, struct vp_site_at *at,
			     const char *text, size_t len)
{
	const char *name = strrchr(at->path, '/'), *pos = text;
	struct vp_site_span line, word;

	name = name ? name + 1 : at->path;
	if (strncmp(name, DRIVERCTL, strlen(DRIVERCTL)) != 0 ||
	    !vp_site_next_line(&pos, text + len, &line) ||
	    !vp_site_next_word(&line, &word))
		return;
	vp_site_add(site, VP_SITE_DRIVERCTL, at,
		    vp_site_str(name + strlen(DRIVERCTL)), word, word);
}

static bool begins_with(struct vp_site_span span, const char *text)
{
	return span.len >= strlen(text) &&
	       !memcmp(span.text, text, strlen(text));
}

/* Takes the part up to @sep off. Return: false when there is nothing left. */
static bool next_part(struct vp_site_span *rest, char sep,
		      struct vp_site_span *part)
{
	const char *to;

	if (!rest->len)
		return false;
	to = memchr(rest->text, sep, rest->len);
	part->text = rest->text;
	part->len = to ? (size_t)(to - rest->text) : rest->len;
	rest->text += part->len + !!to;
	rest->len -= part->len + !!to;
	return true;
}

/* The name of a file without its folder and its suffix. */
static struct vp_site_span base_of(const char *path)
{
	const char *name = strrchr(path, '/'), *dot;

	name = name ? name + 1 : path;
	dot = strrchr(name, '.');
	return (struct vp_site_span){
		name, dot ? (size_t)(dot - name) : strlen(name),
	};
}

/* A name of a device stands for those that the host's mapping has. */
static void add_mapped(struct vp_site *site, const struct vp_site_at *at,
		       struct vp_site_span name, struct vp_site_span line)
{
	size_t i, count = site->count;
	const struct vp_site_entry *entry;
	char value[ADDRESS_LEN];

	for (i = 0; i < count; i++) {
		entry = &site->entries[i];
		if (entry->format != VP_SITE_FMT_MAPPING ||
		    strlen(entry->key) != name.len ||
		    memcmp(entry->key, name.text, name.len) != 0)
			continue;
		/* Adding moves what entries are in. */
		snprintf(value, sizeof(value), "%s", entry->value);
		vp_site_add(site, VP_SITE_PROXMOX, at, base_of(at->path),
			    vp_site_str(value), line);
	}
}

static void add_hostpci(struct vp_site *site, const struct vp_site_at *at,
			struct vp_site_span value, struct vp_site_span line)
{
	struct vp_site_span part, address;
	bool first = true;

	for (; next_part(&value, ',', &part); first = false) {
		part = vp_site_trim(part);
		if (begins_with(part, "mapping=")) {
			part.text += strlen("mapping=");
			part.len -= strlen("mapping=");
			add_mapped(site, at, part, line);
		} else if (begins_with(part, "host=")) {
			part.text += strlen("host=");
			part.len -= strlen("host=");
		} else if (!first || memchr(part.text, '=', part.len)) {
			continue;
		}
		if (begins_with(part, "mapping="))
			continue;
		while (next_part(&part, ';', &address))
			if (address.len && isxdigit((unsigned char)address.text[0]) &&
			    memchr(address.text, ':', address.len))
				vp_site_add(site, VP_SITE_PROXMOX, at,
					    base_of(at->path), address, line);
	}
}

/**
 * vp_site_parse_proxmox() - read a guest of Proxmox VE
 * @site: where settings are added
 * @at: the file
 * @text: its contents
 * @len: their length
 */
void vp_site_parse_proxmox(struct vp_site *site, struct vp_site_at *at,
			   const char *text, size_t len)
{
	const char *pos = text, *end = text + len;
	struct vp_site_span line, rest, key;

	for (at->line = 1; vp_site_next_line(&pos, end, &line); at->line++) {
		at->last = at->line;
		/* What follows is how it was once: snapshots. */
		if (begins_with(line, "["))
			return;
		if (!begins_with(line, "hostpci"))
			continue;
		rest = line;
		if (next_part(&rest, ':', &key) && key.len < line.len)
			add_hostpci(site, at, rest, vp_site_trim(line));
	}
}

static void add_mapping(struct vp_site *site, const struct vp_site_at *at,
			struct vp_site_span name, struct vp_site_span value,
			struct vp_site_span line, const char *node)
{
	struct vp_site_span part, path = { "", 0 };
	bool here = true;

	while (next_part(&value, ',', &part)) {
		if (begins_with(part, "path="))
			path = (struct vp_site_span){ part.text + 5, part.len - 5 };
		else if (begins_with(part, "node=") && node[0])
			here = part.len - 5 == strlen(node) &&
			       !memcmp(part.text + 5, node, part.len - 5);
	}
	while (here && next_part(&path, ';', &part))
		vp_site_add(site, VP_SITE_PROXMOX, at, name, part, line);
}

/**
 * vp_site_parse_mapping() - read what names of devices mean to Proxmox VE
 * @site: where settings are added
 * @at: the file
 * @text: its contents
 * @len: their length
 *
 * It is the same on all hosts of a cluster; what is said of others is left out.
 */
void vp_site_parse_mapping(struct vp_site *site, struct vp_site_at *at,
			   const char *text, size_t len)
{
	struct vp_site_span line, rest, word, name = { "", 0 };
	const char *pos = text, *end = text + len;
	char node[NAME_LEN] = "";

	if (site->root)
		vp_site_text(site, "/etc/hostname", node, sizeof(node));
	node[strcspn(node, ".")] = '\0';
	for (at->line = 1; vp_site_next_line(&pos, end, &line); at->line++) {
		at->last = at->line;
		rest = line;
		if (!vp_site_next_word(&rest, &word))
			continue;
		if (word.text == line.text)
			name = word;
		else if (word.len == 3 && begins_with(word, "map"))
			add_mapping(site, at, name, vp_site_trim(rest),
				    vp_site_trim(line), node);
	}
}

/**
 * struct domain - the XML of a guest that is being read
 * @site: where settings are added
 * @at: the file
 * @parser: the library's
 * @depth: how deep we are
 * @in_hostdev: depth of a <hostdev> that libvirt moves by itself; 0 for none
 * @in_source: depth of its <source>; 0 for none
 */
struct domain {
	struct vp_site *site;
	struct vp_site_at *at;
	XML_Parser parser;
	unsigned int depth;
	unsigned int in_hostdev;
	unsigned int in_source;
};

static const char *attribute(const char **attributes, const char *name)
{
	for (; attributes[0]; attributes += 2)
		if (!strcmp(attributes[0], name))
			return attributes[1];
	return "";
}

static unsigned long number(const char **attributes, const char *name)
{
	return strtoul(attribute(attributes, name), NULL, 0);
}

static void add_address(struct domain *domain, const char **attributes)
{
	char address[ADDRESS_LEN];

	domain->at->line = (unsigned int)XML_GetCurrentLineNumber(domain->parser);
	domain->at->last = domain->at->line;
	snprintf(address, sizeof(address), "%04lx:%02lx:%02lx.%lx",
		 number(attributes, "domain") & 0xffffffff,
		 number(attributes, "bus") & 0xff,
		 number(attributes, "slot") & 0x1f,
		 number(attributes, "function") & 7);
	vp_site_add(domain->site, VP_SITE_LIBVIRT, domain->at,
		    base_of(domain->at->path), vp_site_str(address),
		    vp_site_str(address));
}

static void XMLCALL start_element(void *data, const char *name,
				  const char **attributes)
{
	struct domain *domain = data;

	domain->depth++;
	if (!strcmp(name, "hostdev") &&
	    !strcmp(attribute(attributes, "type"), "pci") &&
	    !strcmp(attribute(attributes, "managed"), "yes"))
		domain->in_hostdev = domain->depth;
	else if (domain->in_hostdev && !strcmp(name, "source"))
		domain->in_source = domain->depth;
	/* There is another address outside of it, which is the guest's. */
	else if (domain->in_source && !strcmp(name, "address"))
		add_address(domain, attributes);
}

static void XMLCALL end_element(void *data, const char *name)
{
	struct domain *domain = data;

	(void)name;
	if (domain->in_source == domain->depth)
		domain->in_source = 0;
	if (domain->in_hostdev == domain->depth)
		domain->in_hostdev = 0;
	domain->depth--;
}

/* libvirt writes none, and entities could grow without bounds. */
static void XMLCALL start_doctype(void *data, const char *name,
				  const char *system, const char *public,
				  int internal)
{
	struct domain *domain = data;

	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	XML_StopParser(domain->parser, XML_FALSE);
}

/**
 * vp_site_parse_libvirt() - read a domain of libvirt
 * @site: where settings are added
 * @at: the file
 * @text: its contents
 * @len: their length
 *
 * Of XML that is broken what stands before the fault counts.
 */
void vp_site_parse_libvirt(struct vp_site *site, struct vp_site_at *at,
			   const char *text, size_t len)
{
	struct domain domain = { .site = site, .at = at };

	domain.parser = XML_ParserCreate(NULL);
	if (!domain.parser) {
		site->failed = true;
		return;
	}
	XML_SetUserData(domain.parser, &domain);
	XML_SetElementHandler(domain.parser, start_element, end_element);
	XML_SetStartDoctypeDeclHandler(domain.parser, start_doctype);
	XML_Parse(domain.parser, text, (int)len, 1);
	XML_ParserFree(domain.parser);
}

/**
 * vp_site_parse_script() - find what a script tells devices
 * @site: where settings are added
 * @at: the file
 * @text: its contents
 * @len: their length
 *
 * Which devices it means is not found out: that would take running it.
 */
void vp_site_parse_script(struct vp_site *site, struct vp_site_at *at,
			  const char *text, size_t len)
{
	static const char *const words[] = {
		"driver_override", "vfio-pci/new_id", "vfio-pci/bind",
		"pci-stub/new_id", "pci-stub/bind",
	};
	const char *pos = text, *end = text + len;
	struct vp_site_span line;
	size_t i;

	for (at->line = 1; vp_site_next_line(&pos, end, &line); at->line++) {
		at->last = at->line;
		line = vp_site_trim(line);
		if (begins_with(line, "#"))
			continue;
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (!memmem(line.text, line.len, words[i],
				    strlen(words[i])))
				continue;
			vp_site_add(site, VP_SITE_SCRIPT, at,
				    vp_site_str(words[i]), vp_site_str(""), line);
			break;
		}
	}
}
