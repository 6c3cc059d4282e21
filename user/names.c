// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of vendors and devices, from libpci, cut down to what tells one
 * device from another in a line: "NVIDIA Tesla P10".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pci/pci.h>

#include "names.h"

/**
 * struct vp_names - where names come from
 * @pci: the library, never initialised: it is only asked for names
 * @flags: how it is asked
 */
struct vp_names {
	struct pci_access *pci;
	int flags;
};

/*
 * The library calls these even when it was never initialised, which is when
 * it would put in its own. It complains of memory only, and ends then.
 */
static void quiet(char *msg, ...)
{
	(void)msg;
}

__attribute__((noreturn)) static void fatal(char *msg, ...)
{
	fprintf(stderr, "vfiopolicy: libpci: %s\n", msg);
	exit(2);
}

/**
 * vp_names_open() - be ready to look names up
 * @path: a file to take them from alone, or NULL for the system's
 *
 * A file that is not there is no error: then there are no names.
 *
 * Return: to be closed with vp_names_close(); NULL when out of memory.
 */
struct vp_names *vp_names_open(const char *path)
{
	struct vp_names *names = calloc(1, sizeof(*names));
	char *copy;

	if (!names)
		return NULL;
	names->pci = pci_alloc();
	names->pci->error = fatal;
	names->pci->warning = quiet;
	names->pci->debug = quiet;
	names->flags = PCI_LOOKUP_NO_NUMBERS;
	if (path) {
		copy = strdup(path);
		if (!copy) {
			vp_names_close(names);
			return NULL;
		}
		pci_set_name_list_path(names->pci, copy, 1);
		names->flags |= PCI_LOOKUP_NO_HWDB;
	}
	return names;
}

/**
 * vp_names_close() - be done with looking names up
 * @names: what vp_names_open() returned; may be NULL
 */
void vp_names_close(struct vp_names *names)
{
	if (!names)
		return;
	pci_cleanup(names->pci);
	free(names);
}

/* What stands in brackets at the end is what people call it. */
static void keep_brackets(char *name)
{
	size_t len = strlen(name);
	char *open = strrchr(name, '[');

	if (!open || name[len - 1] != ']' || open[1] == ']')
		return;
	name[len - 1] = '\0';
	memmove(name, open + 1, strlen(open + 1) + 1);
}

/* The rest of a company's name says what kind of company it is. */
static void cut_company(char *name)
{
	static const char * const tails[] = {
		" Corporation", " Corp", " Co.", " Co ", ", Inc", " Inc", ", Ltd",
		" Ltd", " Limited", " GmbH", " Electronics", " Technologies",
		" Technology", " Semiconductor",
	};
	size_t i;
	char *at;

	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		at = strstr(name, tails[i]);
		if (at && at > name)
			*at = '\0';
	}
}

static const char *look_up(struct vp_names *names, char *buf, int size,
			   int what, unsigned int a, unsigned int b)
{
	const char *found = pci_lookup_name(names->pci, buf, size,
					    what | names->flags, a, b);

	if (!found)
		return NULL;
	if (found != buf)
		snprintf(buf, size, "%s", found);
	return buf;
}

/**
 * vp_names_device() - what people call a device
 * @names: where names come from
 * @vendor: vendor id
 * @device: device id
 * @class: 24 bits; says what kind of device it is when its name is not known
 * @buf: where to
 * @size: room in @buf
 *
 * What is not known is left out; when nothing is, the ids are all there is.
 */
void vp_names_device(struct vp_names *names, unsigned int vendor,
		     unsigned int device, unsigned int class, char *buf,
		     size_t size)
{
	char maker[VP_NAMES_LEN] = "", model[VP_NAMES_LEN] = "";

	if (look_up(names, maker, sizeof(maker), PCI_LOOKUP_VENDOR, vendor, 0)) {
		keep_brackets(maker);
		cut_company(maker);
	}
	if (look_up(names, model, sizeof(model), PCI_LOOKUP_DEVICE, vendor,
		    device))
		keep_brackets(model);
	else if (!look_up(names, model, sizeof(model), PCI_LOOKUP_CLASS,
			  class >> 8, 0))
		model[0] = '\0';

	if (maker[0] && model[0])
		snprintf(buf, size, "%s %s", maker, model);
	else if (maker[0])
		snprintf(buf, size, "%s device %04x", maker, device);
	else if (model[0])
		snprintf(buf, size, "%s %04x:%04x", model, vendor, device);
	else
		snprintf(buf, size, "device %04x:%04x", vendor, device);
}
