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
#include "harness/serve_place.h"

struct serve_options {
	const struct deadmx_scenario *scenario;
	const struct serve_place *place; /* for on_ready() */
	const char *dns_address;
	uint16_t dns_port;
	const char *out;	 /* events go to this file; NULL: nowhere */
	const char *message_dir; /* exists; NULL: messages are not stored */
	const char *ca_file;	 /* the world's root; NULL: not written */
	const char *inject_host; /* the MTA to give the mails to; NULL: none */
	uint16_t inject_port;
	int64_t speed;		  /* of the timeline */
	bool own_network;	  /* may lay routes in this namespace */
	bool quiet;		  /* no live log */
	bool control;		  /* with the control API */
	const char *control_path; /* a Unix socket, or NULL: TCP */
	uint16_t control_port;	  /* 0: any that is free */
	/* Once, when everything listens; the control API's port if any. */
	void (*on_ready)(const struct serve_options *options,
			 uint16_t control_port);
};

/*
 * Serve until SIGINT, SIGTERM or SIGHUP. 0, or a negative errno with a line on
 * standard error: -ENOTSUP, -EACCES, -EADDRINUSE, -EADDRNOTAVAIL: this machine
 * can't do it.
 */
int serve_run(const struct serve_options *options);

#endif
