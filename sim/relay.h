/* SPDX-License-Identifier: MIT */
/*
 * A frontend's way to its backend.
 *
 * A frontend has no queue: what its client asks for it asks of a backend, and
 * hands the answer on. A relay does that for one session. From the command on
 * that the scenario names it holds an SMTP session to a backend of its own,
 * one for each mail, tries the backends in their order, and words the failure
 * of them all as the scenario wants. Sockets and timers are on the caller's
 * loop; what it means for the log is the caller's.
 *
 * What a backend says of the mail (to MAIL, RCPT, DATA or the message) is
 * handed on as it is. Everything else fails the backend: no connection, an end
 * of it, silence, no SMTP, a greeting or EHLO that is refused, and 421.
 */
#ifndef SIM_RELAY_H
#define SIM_RELAY_H

#include <uv.h>

#include "deadmx/scenario.h"
#include "sim/smtp_session.h"
#include "sim/window.h"

/* Limits, tested in tests/unit/test_relay.c. */
enum {
	/* Bytes of a backend's words that are quoted: with Microsoft's frame
	 * the line stays within 512 (RFC 5321 4.5.3.1.5). */
	RELAY_ERROR_MAX = 160,
};

/*
 * What a backend failed by.
 * XX(ENUM, "event word", "Exchange 2010", "Exchange 2016", "plain")
 * The first are Microsoft's words: see docs/faults/proxy.md.
 */
/* clang-format off */
#define RELAY_ERROR_MAP(XX)                                                    \
	XX(NONE, "none", "", "", "")                                           \
	XX(REFUSED, "refused", "421 4.2.1 Unable to connect",                  \
	   "421 4.2.1 Unable to connect -> SocketConnectionRefused: Socket "   \
	   "error code 10061",                                                 \
	   "Connection refused")                                               \
	XX(TIMEOUT, "timeout", "421 4.4.1 Connection timed out",               \
	   "421 4.2.1 Unable to connect -> SocketTimedout: Socket error code " \
	   "10060",                                                            \
	   "Connection timed out")                                             \
	XX(UNREACHABLE, "unreachable", "421 4.2.1 Unable to connect",          \
	   "421 4.2.1 Unable to connect -> SocketError: Failed to connect. "   \
	   "Winsock error code: 10051, Win32 error code: 10051",               \
	   "No route to host")                                                 \
	XX(DROPPED, "dropped", "421 4.4.2 Connection dropped due to "          \
	   "SocketError",                                                      \
	   "421 4.4.2 Connection dropped due to SocketError",                  \
	   "Connection closed")                                                \
	XX(RESET, "reset", "421 4.4.2 Connection dropped due to "              \
	   "ConnectionReset",                                                  \
	   "421 4.4.2 Connection dropped due to ConnectionReset",              \
	   "Connection reset")                                                 \
	XX(SILENT, "silent", "421 4.4.1 Connection timed out",                 \
	   "421 4.4.1 Connection timed out",                                   \
	   "No answer in time")                                                \
	XX(GARBAGE, "garbage", "421 4.4.2 Connection dropped due to "          \
	   "SocketError",                                                      \
	   "421 4.4.2 Connection dropped due to SocketError",                  \
	   "No SMTP reply")                                                    \
	XX(LEFT, "left", "", "", "") /* the client left before it answered */  \
	XX(REPLY, "reply", "", "", "") /* its own words are quoted */
/* clang-format on */

enum relay_error {
#define XX(uc, word, old, new, plain) RELAY_ERROR_##uc,
	RELAY_ERROR_MAP(XX)
#undef XX
		RELAY_ERROR_COUNT
};

const char *relay_error_word(enum relay_error error);

/* Which backends are tried: what all sessions of a frontend share. */
struct relay_route {
	const struct deadmx_relay *config;
	struct window_count *counts; /* one for each row */
};

void relay_route_init(struct relay_route *route,
		      const struct deadmx_relay *config);
void relay_route_release(struct relay_route *route);
/* The timeline starts again. */
void relay_route_clear(struct relay_route *route);

/*
 * Connections of relays that are open: by its end of the wire a backend knows
 * that a frontend of the world is at the other. Empty at first.
 */
struct relay_links {
	struct relay *first;
};

/* The frontend that is at @peer (address and port); NULL: none. */
const struct deadmx_server *relay_frontend_at(const struct relay_links *links,
					      const struct sockaddr *peer);

/* A backend was turned to. */
struct relay_try {
	const struct deadmx_server *backend; /* NULL: not of the world */
	const char *address;
	uint16_t port;
	enum relay_error error; /* NONE: a session is there */
	const char *reply;	/* ERROR_REPLY: what it said, else NULL */
};

struct relay_ops {
	/* What relay_ask() asked for: with its code, lines split by \n. */
	void (*on_reply)(void *arg, const char *reply);
	void (*on_try)(void *arg, const struct relay_try *t);
};

struct relay_options {
	uv_loop_t *loop;
	const struct deadmx_world *world;
	const struct deadmx_server *frontend;
	struct relay_route *route;
	struct relay_links *links;
};

/* All but the loop's memory outlives it. */
struct relay *relay_new(const struct relay_options *options,
			const struct relay_ops *ops, void *arg);

/* What the client asks the frontend for. */
struct relay_question {
	enum deadmx_stage stage;
	int64_t now_ns;			      /* on the scenario's timeline */
	const struct smtp_envelope *envelope; /* what was accepted so far */
	const char *path; /* MAIL, RCPT: the one that is asked for */
	const char *data; /* DOT: the message, without its dot */
	size_t len;
};

/*
 * Ask a backend. False: at this stage the frontend answers by itself. True
 * with *ret_reply (the relay's): the answer; else it comes by on_reply, never
 * from in here, and until then what @q points to must stay. MAIL begins a new
 * mail, after DOT it is over.
 */
bool relay_ask(struct relay *r, const struct relay_question *q,
	       const char **ret_reply);
/*
 * The mail is over or given up: leave the backend. An answer doesn't come any
 * more; one that was waited for is told to on_try as left.
 */
void relay_forget(struct relay *r);
/* Where the last mail went, as "name" or "address:port". */
const char *relay_backend(const struct relay *r);
/*
 * No callback but @cb from now on; that when the last handle is closed. A
 * farewell to the backend that is under way is awaited.
 */
void relay_close(struct relay *r, void (*cb)(void *arg), void *arg);
/* Don't wait: close what relays of @frontend have open. */
void relay_links_abort(struct relay_links *links,
		       const struct deadmx_server *frontend);

#endif
