/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes requests of the family, most of them with something wrong in them.
 * What is made follows from the seed alone: numbers that only the kernel can
 * know are put in afterwards, by nlmake_fill().
 */
#ifndef NLMAKE_H
#define NLMAKE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a datagram; the largest has more rules than there may be. */
#define NLMAKE_MAX	(256 * 1024)
/* What is small enough for one page in the kernel, and so is fast. */
#define NLMAKE_FULL	3200
#define NLMAKE_LEARNED	32
#define NLMAKE_ATTRS	64

/**
 * struct nlmake - a datagram that is being made
 * @rng: state of the generator of numbers
 * @family: number of the family
 * @seq: number of the last message
 * @spare: what changes rules is to be refused, by what they say
 * @buf: the datagram
 * @len: its length
 * @msg: where its last message begins
 * @attrs: where attributes of that begin
 * @attr_count: number of those
 * @rules: numbers of rules, as they came
 * @generations: of records
 * @groups: of groups
 * @learned: how many came, of each of the three
 */
struct nlmake {
	uint64_t rng;
	uint16_t family;
	uint32_t seq;
	bool spare;
	char *buf;
	size_t len;
	size_t msg;
	size_t attrs[NLMAKE_ATTRS];
	unsigned int attr_count;
	uint32_t rules[NLMAKE_LEARNED];
	uint32_t generations[NLMAKE_LEARNED];
	uint32_t groups[NLMAKE_LEARNED];
	uint32_t learned[3];
};

/* Which of the numbers of struct nlmake */
enum nlmake_number { NLMAKE_RULE, NLMAKE_GENERATION, NLMAKE_GROUP };

int nlmake_init(struct nlmake *make, uint16_t family);
void nlmake_begin(struct nlmake *make, uint64_t seed);
uint32_t nlmake_below(struct nlmake *make, uint32_t n);
void nlmake_batch(struct nlmake *make, bool spare);
void nlmake_dump(struct nlmake *make);
void nlmake_many(struct nlmake *make);
void nlmake_clear(struct nlmake *make, uint32_t origin);
void nlmake_devices(struct nlmake *make);
void nlmake_raw(struct nlmake *make);
void nlmake_info(struct nlmake *make);
unsigned int nlmake_count(const struct nlmake *make);
uint64_t nlmake_hash(const struct nlmake *make, uint64_t hash);
void nlmake_fill(struct nlmake *make);
void nlmake_learn(struct nlmake *make, enum nlmake_number what, uint32_t number);

/* nlmutate.c */
void nlmake_mutate(struct nlmake *make);
struct nlattr *nlmake_put(struct nlmake *make, uint16_t type, const void *data,
			  size_t len);

static inline struct nlmsghdr *nlmake_hdr(const struct nlmake *make)
{
	return (struct nlmsghdr *)(make->buf + make->msg);
}

#endif /* NLMAKE_H */
