/* SPDX-License-Identifier: MIT */
/*
 * The control API: a running world looked at and changed by HTTP and JSON.
 *
 * It owns its server and what it remembers of events and messages; the world
 * and the scenario are the caller's and outlive it. docs/serve.md lists what
 * it answers; a test keeps page and table in step.
 */
#ifndef HARNESS_CONTROL_H
#define HARNESS_CONTROL_H

#include "deadmx/event.h"
#include "deadmx/world.h"
#include "harness/http.h"

/* The port tried first: near SMTP's 25, and MailHog's 8025 stays free. */
#define CONTROL_PORT 2580

struct control_options {
	const struct deadmx_scenario *scenario;
	struct deadmx_world_run *world;
	struct deadmx_event_log *log;
	const char *dns_address;
	uint16_t dns_port;
	const char *path; /* a Unix socket, or NULL */
	uint16_t port;	  /* 0: any that is free */
};

struct control;

/* On error a negative errno and one line on @errors. */
int control_new(uv_loop_t *loop, const struct control_options *options,
		FILE *errors, struct control **ret);
uint16_t control_port(const struct control *c);
/* Every event, with its number; messages right behind theirs. */
void control_event(struct control *c, uint64_t seq, const char *line,
		   size_t len);
void control_message(struct control *c, const char *data, size_t len);
void control_close(struct control *c, void (*cb)(void *arg), void *arg);

struct control_call; /* private */

/* What can be asked for; the table ends with a row without method. */
struct control_route {
	const char *method;
	const char *path;  /* capitals stand for a name or a number */
	const char *query; /* parameters, separated by blanks */
	int (*handle)(const struct control_call *call);
	const char *doc;
};

extern const struct control_route control_routes[];

#endif
