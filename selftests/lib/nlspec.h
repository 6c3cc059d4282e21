/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Documentation/netlink/specs/vfiopolicy.yaml as tables, written by hand, and
 * what they say of a request and of an answer. selftests/fuzz/described fails
 * when something of the specification is missing here.
 */
#ifndef NLSPEC_H
#define NLSPEC_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nlspec_type {
	NLSPEC_NONE,
	NLSPEC_U32,
	NLSPEC_U64,
	NLSPEC_STRING,
	NLSPEC_FLAG,
	NLSPEC_NEST,
	NLSPEC_PAD,
};

/**
 * struct nlspec_attr - an attribute
 * @name: its name
 * @type: what its payload is
 * @min: the least value
 * @max: the greatest value; of a string the bytes without its NUL, 0: as many
 *       as there may be
 * @nest: what is in a nest
 * @multi: there may be several
 */
struct nlspec_attr {
	const char *name;
	enum nlspec_type type;
	uint32_t min;
	uint32_t max;
	const struct nlspec_set *nest;
	bool multi;
};

/**
 * struct nlspec_set - a set of attributes
 * @attrs: by number
 * @count: numbers there are, with 0, which is none
 * @always: those that are in each nest of this set, a bit each
 */
struct nlspec_set {
	const struct nlspec_attr *attrs;
	uint16_t count;
	uint64_t always;
};

/**
 * struct nlspec_op - an operation; attributes are a bit each
 * @name: its name; NULL where there is none of this number
 * @set: its attributes
 * @has_do: it may be asked for one
 * @has_dump: it may be asked for all
 * @change: needs CAP_SYS_ADMIN
 * @request: what may be in a request that is no dump
 * @need: what must be in it
 * @either: just one of these must be in it; 0: nothing of the kind
 * @filter: what may be in the request for a dump
 * @reply: what may be in a reply, or in an event
 * @always: what must be in it
 */
struct nlspec_op {
	const char *name;
	const struct nlspec_set *set;
	bool has_do;
	bool has_dump;
	bool change;
	uint64_t request;
	uint64_t need;
	uint64_t either;
	uint64_t filter;
	uint64_t reply;
	uint64_t always;
};

const struct nlspec_op *nlspec_op(uint8_t cmd);
const char *nlspec_wrong(const struct nlmsghdr *hdr, const struct nlspec_op *op,
			 bool dump);
const char *nlspec_broken(const struct nlmsghdr *hdr, const struct nlspec_op *op);
const struct nlattr *nlspec_next(const char **pos, int *left);

#endif /* NLSPEC_H */
