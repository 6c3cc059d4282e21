/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What may be answered to a datagram, and whether that is what was answered.
 * The datagram is taken apart as the kernel does it, so each message that the
 * kernel sees is known, however spoilt the datagram is.
 */
#ifndef NLORACLE_H
#define NLORACLE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nlmake.h"
#include "nlspec.h"

#define NLORACLE_SEEN	1024
#define NLORACLE_ERRNOS	134

/* Why a refusal comes without a word: all of them are the core's. */
enum nloracle_silence {
	NLORACLE_NO_HEADER,
	NLORACLE_NO_OPERATION,
	NLORACLE_NO_FAMILY,
	NLORACLE_DUMP_START,
	NLORACLE_DUMP_RUNNING,
	NLORACLE_NO_ROOM,
	NLORACLE_NO_MEMORY,
	NLORACLE_CONTROLLER,
	NLORACLE_SILENCES,
};

/**
 * struct nloracle_seen - a message that the kernel sees in a datagram
 * @hdr: its header
 * @at: where in the datagram it is
 * @op: the operation, or NULL
 * @wrong: why it must be refused, or NULL
 * @family: it is for the family
 * @complete: it has a generic netlink header
 * @dump: it asks for a dump
 * @answered: it was refused or acknowledged; a dump: it has ended
 * @replied: a reply came, or a part of the dump
 * @err: 0 or a negative errno
 * @least: by how many its reply says that it changed the number of rules
 * @most: at most
 */
struct nloracle_seen {
	struct nlmsghdr hdr;
	size_t at;
	const struct nlspec_op *op;
	const char *wrong;
	bool family;
	bool complete;
	bool dump;
	bool answered;
	bool replied;
	int err;
	int least;
	int most;
};

/**
 * struct nloracle_counts - what came of all datagrams
 * @messages: messages that the kernel saw
 * @wrong: those of them that were the family's and had to be refused
 * @unheard: those whose answers there was no room for
 * @errnos: answers, by errno; 0: acknowledged
 * @replies: replies
 * @parts: messages of dumps
 * @done: dumps that ended
 * @silent: refusals without a word, by reason
 */
struct nloracle_counts {
	uint64_t messages;
	uint64_t wrong;
	uint64_t unheard;
	uint64_t errnos[NLORACLE_ERRNOS];
	uint64_t replies;
	uint64_t parts;
	uint64_t done;
	uint64_t silent[NLORACLE_SILENCES];
};

/**
 * struct nloracle - one who asks and is answered
 * @who: for complaints: the seed and so on
 * @make: the datagram, and who learns from the answers
 * @may_change: has CAP_SYS_ADMIN
 * @lossy: answers were lost, or there was no room for them
 * @seen: the messages of the datagram
 * @count: number of those
 * @cursor: the one that the last answer was for
 * @dump: the one whose dump goes on, or NULL
 * @generation: number of the last record in that dump
 * @counts: what came of all
 */
struct nloracle {
	char who[96];
	struct nlmake *make;
	bool may_change;
	bool lossy;
	struct nloracle_seen *seen;
	unsigned int count;
	unsigned int cursor;
	struct nloracle_seen *dump;
	uint32_t generation;
	struct nloracle_counts counts;
};

extern const char * const nloracle_silences[NLORACLE_SILENCES];
/* Kernel 6.1 gives no extended ack to what begins a dump; 6.12 does. */
extern bool nloracle_mute_start;

int nloracle_init(struct nloracle *oracle, struct nlmake *make, bool may_change);
void nloracle_expect(struct nloracle *oracle);
void nloracle_hear(struct nloracle *oracle, const char *buf, size_t len);
void nloracle_judge(struct nloracle *oracle);
void nloracle_change(const struct nloracle *oracle, int *least, int *most);
void nloracle_complain(const struct nloracle *oracle,
		       const struct nloracle_seen *seen, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
unsigned int nloracle_complaints(void);

#endif /* NLORACLE_H */
