/* SPDX-License-Identifier: MIT */
/*
 * Which fault of a server holds at a stage and a time, and for whom.
 *
 * The rows are the scenario's and stay as they are; the table adds what
 * changes in a run: how often each row had its turn and fired, and how often
 * each recipient was tried. It knows no clock and no session: the caller says
 * what is known at the moment. The same run draws the same lots.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "deadmx/scenario.h"
#include "sim/seen.h"
#include "sim/window.h"

/* What is known when a stage is reached. What is not is 0 or NULL. */
struct fault_context {
	int64_t now_ns;
	enum deadmx_stage stage;
	uint64_t connection; /* nth that the server has accepted, from 1 */
	int ip_version;	     /* 4 or 6: how the client came */
	const char *ip;	     /* the client's address */
	const char *helo;    /* its name in HELO or EHLO, the one given now */
	/* Without <>; "" is the null reverse-path. */
	const char *sender;
	/* At rcpt the one that is asked for; later those that were accepted.
	 * @attempts, when not NULL: the how manieth of each this is. */
	char *const *recipients;
	const uint32_t *attempts;
	size_t recipient_count;
	/* For the server's own rules. */
	size_t connections; /* open now, this one among them */
	uint32_t messages;  /* accepted in this connection */
	size_t accepted;    /* recipients of this mail so far */
	uint64_t bytes;	    /* at mail as announced by SIZE, at dot as came */
	/* What SPF says of the sender; asked only if a row wants to know. */
	enum deadmx_spf (*spf)(void *spf_arg);
	void *spf_arg;
};

struct fault_row; /* private */

struct fault_table {
	const struct deadmx_server *server;
	uint64_t seed;
	struct fault_row *rows; /* one for each of server->faults */
	bool counts_attempts;	/* some row wants to know */
	struct seen attempts;
};

/*
 * 0, -ENOMEM, or -EINVAL for a regular expression that is none. @server must
 * outlive the table. @seed: the world's, for rows with a probability.
 */
int fault_table_init(struct fault_table *t, const struct deadmx_server *server,
		     uint64_t seed);
void fault_table_release(struct fault_table *t);
/* Forget what was counted: the timeline starts again. */
void fault_table_clear(struct fault_table *t);

/* The first row that holds, or NULL. Row "accept" is a row like any other. */
const struct deadmx_fault *fault_peek(const struct fault_table *t,
				      const struct fault_context *c);
/* The same, and count it: the caller applies it. */
const struct deadmx_fault *fault_take(struct fault_table *t,
				      const struct fault_context *c);
/* Is the window of row @i open, and `first` and `times` not used up? */
bool fault_is_open(const struct fault_table *t, size_t i, int64_t now_ns);
/* The next time after @now_ns at which a window of @stage opens or ends. */
int64_t fault_next_edge(const struct fault_table *t, enum deadmx_stage stage,
			int64_t now_ns);

/*
 * @recipient is asked for in a RCPT of mail from @sender: the how manieth
 * time this is, from 1. An attempt that never got to RCPT is unknown here.
 * 0 when no row wants to know. Only the last SEEN_MAX pairs are remembered.
 */
uint32_t fault_attempt(struct fault_table *t, const char *sender,
		       const char *recipient, int64_t now_ns);

#endif
