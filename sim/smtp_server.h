/* SPDX-License-Identifier: MIT */
/*
 * One SMTP server of the world: listener, connections, and its timeline.
 *
 * It owns its sockets and timers on the caller's loop, feeds the sessions
 * and writes their events. What several servers share (numbers, the memory
 * for messages) stands in one struct of the caller's.
 */
#ifndef SIM_SMTP_SERVER_H
#define SIM_SMTP_SERVER_H

#include <stdbool.h>
#include <stdio.h>
#include <uv.h>

#include "deadmx/event.h"
#include "deadmx/scenario.h"
#include "deadmx/world.h"
#include "sim/dns_zone.h"
#include "sim/relay.h"
#include "sim/smtp_session.h"
#include "sim/tls.h"

/* Limits, tested in tests/unit/test_smtp_server.c. */
enum {
	/* In all servers of a world. MTAs open tens, load tests thousands;
	 * beyond, a connection gets 421. */
	SMTP_SERVER_CONNECTIONS_MAX = 20000,
	/* Bytes of messages under way in all sessions of a world. */
	SMTP_SERVER_BUDGET = 64 << 20,
	/* Rows put above the timeline that open sessions may still go by. */
	SMTP_SERVER_OVERRIDES_MAX = 1000,
};

struct smtp_server_shared {
	uv_loop_t *loop;
	struct deadmx_event_log *log;
	const char *message_dir; /* NULL: messages are not stored */
	bool manage_network;
	uint64_t sessions, messages; /* numbered so far */
	size_t budget;
	/* Open now, and how many may be: what descriptors there are for; 0:
	 * SMTP_SERVER_CONNECTIONS_MAX. */
	size_t connections, connections_max;
	uint64_t seed; /* for faults with a probability */
	/* The scenario's own, for rows that are put above the timeline. */
	const struct reply_catalogue_entry *replies;
	size_t reply_count;
	int64_t expiry_ns;
	const struct deadmx_world *world; /* frontends: of their backends */
	struct dns_zone *zone;		  /* for SPF; NULL: nobody has any */
	struct relay_links links;
	/* Time on the scenario's timeline. */
	int64_t (*now_ns)(void *arg);
	/* How long the loop waits until then; NULL: the clocks run alike. */
	int64_t (*wait_ns)(void *arg, int64_t at_ns);
	/* Both NULL in a world where nobody offers STARTTLS. */
	struct tls_authority *authority;
	struct tls_context *tls;
	/* The date, in seconds since 1970, at a time of the timeline. */
	int64_t (*unix_s)(void *arg, int64_t at_ns);
	void (*on_message)(void *arg, const struct deadmx_server *server,
			   const struct smtp_envelope *envelope,
			   const char *data, size_t len, bool acknowledged);
	void *arg;
};

struct smtp_server;

/*
 * Listen. All but the loop's memory outlives the server. On error a negative
 * errno and one line on @errors.
 */
int smtp_server_new(struct smtp_server_shared *shared,
		    const struct deadmx_server *config, FILE *errors,
		    struct smtp_server **ret);
/*
 * Start the timeline (again): counted faults count from 0, and what holds at
 * the connect stage now is applied. @report: write it as a state event, as
 * each later change is, and a failure as an error event.
 */
int smtp_server_restart(struct smtp_server *s, bool report);
/* The timeline has been moved, or runs at another speed. */
void smtp_server_retime(struct smtp_server *s);
size_t smtp_server_connections(const struct smtp_server *s);
/* Those of them that have not ended, though not all is closed yet. */
size_t smtp_server_open_sessions(const struct smtp_server *s);
/* Close all open connections at once, as a process does that is killed. */
void smtp_server_disconnect(struct smtp_server *s);

/*
 * Put rows above the timeline, in place of those that were put there before:
 * see override.h. -EINVAL: they are no rows. -ENOTSUP: this machine, or their
 * stage, can't do it; both are told on @errors, and nothing has changed.
 * -EBUSY: OVERRIDES_MAX of them while connections were open. Others: the
 * connect stage can't be set; an error event tells more.
 */
int smtp_server_override(struct smtp_server *s, const char *text, size_t len,
			 FILE *errors);
/* Back to the timeline. 0 or a negative errno as above. */
int smtp_server_override_clear(struct smtp_server *s);
/* All its faults: see deadmx_world_rows(). */
size_t smtp_server_rows(const struct smtp_server *s,
			struct deadmx_world_row *rows, size_t max);
void smtp_server_close(struct smtp_server *s, void (*cb)(void *arg), void *arg);

#endif
