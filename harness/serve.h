/* SPDX-License-Identifier: MIT */
/*
 * A scenario's world in real time, by hand: the work of `deadmx serve`.
 *
 * One loop with the world, the logs and the signals that end it. It owns no
 * scenario; the caller has moved the servers to where they shall listen.
 */
#ifndef HARNESS_SERVE_H
#define HARNESS_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "deadmx/scenario.h"

struct serve_options {
	const struct deadmx_scenario *scenario;
	const char *dns_address;
	uint16_t dns_port;
	const char *out;	 /* events go to this file; NULL: nowhere */
	const char *message_dir; /* exists; NULL: messages are not stored */
	const char *ca_file;	 /* the world's root; NULL: not written */
	const char *inject_host; /* the MTA to give the mails to; NULL: none */
	uint16_t inject_port;
	int64_t speed; /* of the timeline */
	bool quiet;    /* no live log */
	/* Once, when everything listens. */
	void (*on_ready)(const struct serve_options *options);
};

/*
 * Serve until SIGINT, SIGTERM or SIGHUP. 0, or a negative errno with a line on
 * standard error: -ENOTSUP, -EACCES, -EADDRINUSE, -EADDRNOTAVAIL: this machine
 * can't do it.
 */
int serve_run(const struct serve_options *options);

#endif
