/* SPDX-License-Identifier: MIT */
/*
 * The senders: inject each mail of the scenario at its time.
 *
 * Owns timers and connections on the caller's loop. A mail is handed over
 * once, or with `retry` until it is taken or refused for good; when the MTA
 * doesn't take it, the event says so and the harness decides what that means.
 */
#ifndef SIM_SENDER_H
#define SIM_SENDER_H

#include <uv.h>

#include "deadmx/event.h"
#include "sim/inject.h"
#include "sim/tls.h"

/* Mails handed over at the same time, at most: MTAs limit the connections
 * of one client (20 and more by default). The rest wait their turn. */
enum { SENDER_PARALLEL_MAX = 10 };

struct sender_options {
	uv_loop_t *loop;
	struct deadmx_event_log *log;
	const struct deadmx_scenario *scenario;
	const char *submit_host; /* IPv4 address, else 127.0.0.1 is meant */
	uint16_t submit_port;
	struct tls_context *submit_tls; /* for STARTTLS; NULL: without */
	const char *submit_user, *submit_password; /* NULL: nobody logs in */
	const char *sendmail;
	int64_t (*now_ns)(void *arg); /* on the scenario's timeline */
	/* How long the loop waits until then; NULL: the clocks run alike. */
	int64_t (*wait_ns)(void *arg, int64_t at_ns);
	void (*on_injected)(void *arg, size_t index, enum inject_status status);
	void *arg;
};

struct sender;

struct sender *sender_new(const struct sender_options *options);
/* Inject from now on: mails whose time has come at once. */
void sender_start(struct sender *s);
/* The timeline has been moved, or runs at another speed. */
void sender_retime(struct sender *s);
void sender_close(struct sender *s, void (*cb)(void *arg), void *arg);

#endif
