/* SPDX-License-Identifier: MIT */
/*
 * What a client meets that begins TLS: what a server shows, and what the
 * fault that holds at stage tls makes of it.
 *
 * Pure: from the scenario's words to a certificate and what the server can
 * do. Connections and events are the server's.
 */
#ifndef SIM_STARTTLS_H
#define SIM_STARTTLS_H

#include "deadmx/scenario.h"
#include "sim/tls.h"

/* Sent in place of an answer: not even the head of a TLS record. */
#define STARTTLS_GARBAGE     "\xde\xad\xbe\xef garbage \x01\x02\x03\r\n"
#define STARTTLS_GARBAGE_LEN (sizeof(STARTTLS_GARBAGE) - 1)

/* The timeline, and the calendar that clients look at. */
struct starttls_clock {
	int64_t now_ns;
	/* The date in seconds since 1970, rounded down, at a time of the
	 * timeline. */
	int64_t (*unix_s)(void *arg, int64_t at_ns);
	void *arg;
};

struct starttls_plan {
	/*
	 * What is wrong, with the line that says so. ACCEPT: nothing. STALL,
	 * DROP, RESET and GARBAGE: no handshake, unless a stall has an end.
	 */
	enum deadmx_action action;
	int line;
	int64_t delay_ns; /* before the handshake; FOREVER: there is none */
	struct tls_cert_wish certificate; /* names are the scenario's */
	enum tls_profile profile;
	char *name; /* private */
};

/*
 * @fault: what holds at stage tls, or NULL. The plan points into itself, the
 * server and the fault.
 */
void starttls_plan(const struct deadmx_server *server,
		   const struct deadmx_fault *fault,
		   const struct starttls_clock *clock,
		   struct starttls_plan *ret);

#endif
