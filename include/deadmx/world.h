/* SPDX-License-Identifier: MIT */
/*
 * The world: the simulated internet of one scenario on a libuv loop.
 *
 * SMTP servers with their faults, an authoritative DNS server, and the
 * senders who inject. It is an ordinary program: on the virtual clock its
 * timers are virtual, outside it runs in real time. It owns its sockets and
 * timers; the caller owns the loop, the scenario and the event log, which
 * must outlive it.
 */
#ifndef DEADMX_WORLD_H
#define DEADMX_WORLD_H

#include <uv.h>

#include "deadmx/event.h"
#include "deadmx/scenario.h"

struct deadmx_world_options {
	const char *dns_address; /* "127.0.0.1" in the sandbox */
	uint16_t dns_port;	 /* 53 in the sandbox */
	const char *message_dir; /* received messages go here as msg-N.eml */
	bool manage_network;	 /* may add routes and filters (sandbox) */
	uint16_t submit_port;	 /* the target's SMTP port, 127.0.0.1 */
	const char *submit_host;
	const char *sendmail; /* shell command: reads the message on stdin;
			       * {from} {to} are replaced, shell-quoted */
};

struct deadmx_world_run;

/*
 * Bind all servers and start the timeline at "now" = mail time 0 minus
 * nothing: faults with from 0 apply at once. On error a negative errno, one
 * line on @errors, nothing left open (the loop is turned for that). Ignores
 * SIGPIPE in the whole process.
 */
int deadmx_world_start(uv_loop_t *loop, const struct deadmx_scenario *scenario,
		       const struct deadmx_world_options *options,
		       struct deadmx_event_log *log, FILE *errors,
		       struct deadmx_world_run **ret);

/*
 * The virtual origin: timelines count from here, anew (what `first` counted
 * before is forgotten), and a state event tells what holds at each server.
 */
void deadmx_world_set_origin(struct deadmx_world_run *run);
int64_t deadmx_world_now_ns(const struct deadmx_world_run *run);

/* Inject all mails of the scenario at their times, from the origin on. */
void deadmx_world_inject(struct deadmx_world_run *run);

/* Called at each event that may end the run; see deadmx_world_open_count. */
void deadmx_world_on_progress(struct deadmx_world_run *run,
			      void (*cb)(void *arg), void *arg);
/*
 * Recipients injected or still to be injected that have neither been
 * delivered nor named in a message with a null reverse-path whose
 * delivery-status says "failed" (a plain text search of the body for the
 * address is enough here; the judge reads properly later).
 */
size_t deadmx_world_open_count(const struct deadmx_world_run *run);

/* Close everything; @cb when the last handle is closed, then it is freed. */
void deadmx_world_close(struct deadmx_world_run *run, void (*cb)(void *arg),
			void *arg);

#endif
