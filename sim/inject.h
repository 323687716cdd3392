/* SPDX-License-Identifier: MIT */
/*
 * What handing one mail to the MTA comes to, however it is handed over.
 *
 * Common to smtp_inject and sendmail, the two ways.
 */
#ifndef SIM_INJECT_H
#define SIM_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"

/* XX(ENUM, "event word") */
/* clang-format off */
#define INJECT_STATUS_MAP(XX)                                                  \
	XX(ACCEPTED, "accepted") /* the MTA has it, for all recipients */      \
	XX(REJECTED, "rejected") /* the MTA said no to any of it */            \
	XX(FAILED, "failed")	 /* no answer: refused, closed, timed out */
/* clang-format on */

enum inject_status {
#define XX(uc, word) INJECT_##uc,
	INJECT_STATUS_MAP(XX)
#undef XX
		INJECT_STATUS_COUNT
};

enum {
	/* Virtual seconds that one answer may take: RFC 5321 4.5.3.2 gives
	 * the longest of its time-outs, the one after the dot, 10 min. */
	INJECT_WAIT_S = 600,
	INJECT_REPLY_MAX = 4096, /* bytes kept of what the MTA said */
};

/* Extensions that the MTA offered, so that what belongs to them went along. */
struct inject_offers {
	bool dsn;	/* notify, ret, envid and orcpt */
	bool deliverby; /* by */
};

struct inject {
	const struct deadmx_mail *mail;
	char *data; /* the message with its header; lines end in LF */
	size_t len;
	/* The MTA may have it all from now on, and may begin. */
	void (*on_sent)(void *arg);
	/* Once, as soon as it is known; @reply may be empty. */
	void (*on_result)(void *arg, enum inject_status status,
			  const char *reply, struct inject_offers offers);
	/* Last: all handles are closed, @data may go. */
	void (*on_closed)(void *arg);
	void *arg;
};

#endif
