/* SPDX-License-Identifier: MIT */
/*
 * The world's DNS server: UDP and TCP sockets around a dns_zone.
 *
 * It owns sockets on the caller's loop; the zone is the caller's. Packets
 * that are no question get no answer.
 */
#ifndef SIM_DNS_SERVER_H
#define SIM_DNS_SERVER_H

#include <stdio.h>
#include <uv.h>

#include "deadmx/event.h"
#include "sim/dns_answer.h"

/* Limits, tested in tests/unit/test_dns_server.c. */
enum {
	DNS_SERVER_CONNECTIONS_MAX = 64, /* TCP; more are closed at once */
	/* Answers not taken by a client, in bytes: then it is cut off. */
	DNS_SERVER_OUTPUT_MAX = 1 << 20,
	DNS_SERVER_LATE_MAX = 1000, /* answers held back; more are lost */
};

struct dns_server;

/*
 * @now_ns: the time on the scenario's timeline, asked with each question. On
 * error a negative errno and one line on @errors.
 */
int dns_server_new(uv_loop_t *loop, const char *address, uint16_t port,
		   struct dns_zone *zone, int64_t (*now_ns)(void *arg),
		   void *now_arg, struct deadmx_event_log *log, FILE *errors,
		   struct dns_server **ret);
void dns_server_close(struct dns_server *s, void (*cb)(void *arg), void *arg);

#endif
