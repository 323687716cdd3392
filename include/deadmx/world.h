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

/* Limits, tested in tests/unit/test_world.c. */
enum {
	/* Five days in less than half a second: more tells nothing. */
	DEADMX_WORLD_SPEED_MAX = 1000 * 1000,
	DEADMX_WORLD_ROWS_BYTES_MAX = 64 << 10, /* set by hand at once */
	DEADMX_WORLD_LOGIN_MAX = 255, /* bytes of a user, of a password */
};

struct deadmx_world_options {
	const char *dns_address; /* "127.0.0.1" in the sandbox */
	uint16_t dns_port;	 /* 53 in the sandbox */
	const char *message_dir; /* received messages go here as msg-N.eml */
	bool manage_network;	 /* may add routes and filters (sandbox) */
	uint16_t submit_port;	 /* the target's SMTP port, 127.0.0.1 */
	const char *submit_host;
	bool submit_starttls; /* says STARTTLS there first */
	/* Logs in with AUTH PLAIN there, at most DEADMX_WORLD_LOGIN_MAX bytes
	 * each; NULL = nobody logs in. */
	const char *submit_user, *submit_password;
	const char *ca_file; /* the root of the servers' certificates is
			      * written there, PEM; NULL = nowhere */
	/* With ca_file: a certificate for the MTA itself, of that root, and
	 * its key, PEM; all three NULL = none. */
	const char *mta_name, *mta_cert_file, *mta_key_file;
	const char *sendmail; /* shell command: reads the message on stdin;
			       * {from} {to} are replaced, shell-quoted */
	int64_t speed; /* of the timeline, in seconds of it a second; 0: 1 */
	/* The bytes of a received message, right behind its event; or NULL. */
	void (*on_message)(void *arg, const char *data, size_t len);
	void *arg;
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

/*
 * The world by hand. @server: an index into the scenario's servers.
 *
 * Rows set by hand stand above the server's timeline, in place of those that
 * were set before; their windows count from now. @text is one row or a list
 * of rows in the language of scenarios, YAML or JSON. -EINVAL: it is not, or
 * too long; -ENOTSUP: they ask for what can't be done here; told on @errors,
 * and nothing has changed. -EBUSY: too many changes while one connection was
 * open. Another errno: the connect stage couldn't be set (an error event).
 */
int deadmx_world_set_rows(struct deadmx_world_run *run, size_t server,
			  const char *text, size_t len, FILE *errors);
/* Back to the timeline. 0 or a negative errno as above. */
int deadmx_world_clear_rows(struct deadmx_world_run *run, size_t server);
/* A fault of a server, and how it stands with it now. */
struct deadmx_world_row {
	const struct deadmx_fault *fault;
	bool by_hand;	  /* set by deadmx_world_set_rows() */
	int64_t since_ns; /* the moment its windows count from */
	bool open;	  /* its window is open, and its count is not used up */
};

/*
 * All faults of a server: those set by hand, then the timeline's. The first
 * @max go into @rows; how many there are. Valid until rows are set.
 */
size_t deadmx_world_rows(const struct deadmx_world_run *run, size_t server,
			 struct deadmx_world_row *rows, size_t max);
size_t deadmx_world_connections(const struct deadmx_world_run *run,
				size_t server);
/* Close the server's open connections, as a process does that is killed. */
void deadmx_world_disconnect(struct deadmx_world_run *run, size_t server);

/* The timeline goes on at this speed, 1 to DEADMX_WORLD_SPEED_MAX. */
void deadmx_world_set_speed(struct deadmx_world_run *run, int64_t speed);
int64_t deadmx_world_speed(const struct deadmx_world_run *run);
/* Move the timeline forward. -ERANGE: @to_ns is in the past. */
int deadmx_world_jump(struct deadmx_world_run *run, int64_t to_ns);

/* Close everything; @cb when the last handle is closed, then it is freed. */
void deadmx_world_close(struct deadmx_world_run *run, void (*cb)(void *arg),
			void *arg);

#endif
