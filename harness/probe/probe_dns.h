/* SPDX-License-Identifier: MIT */
/*
 * The questions of a probe to the DNS: MX records and addresses.
 *
 * Messages are built and read by ldns. The way is our own, because a bounded
 * total time and a clean stop are asked for: UDP, and TCP when the answer is
 * truncated, to one resolver after the other, in two rounds. No EDNS, no
 * search list, no cache.
 */
#ifndef HARNESS_PROBE_DNS_H
#define HARNESS_PROBE_DNS_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "deadmx/arena.h"
#include "harness/probe/probe_net.h"

/* Limits; tested in tests/unit/test_probe_dns.c. */
enum {
	PROBE_DNS_SERVERS_MAX = 3, /* as in resolv.conf(5) */
	PROBE_DNS_RECORDS_MAX = 64,
	PROBE_DNS_ALIASES_MAX = 8, /* CNAME after CNAME */
	PROBE_DNS_TRY_S = 5,	   /* one question to one resolver, at most */
	PROBE_DNS_ROUNDS = 2,
};

struct probe_dns {
	const struct probe_net *net;
	struct deadmx_arena *arena; /* of the answers' texts */
	struct sockaddr_storage servers[PROBE_DNS_SERVERS_MAX];
	size_t server_count;
};

enum probe_dns_rc {
	PROBE_DNS_OK,	       /* there are records */
	PROBE_DNS_NO_NAME,     /* NXDOMAIN */
	PROBE_DNS_NO_DATA,     /* the name is there, such records are not */
	PROBE_DNS_FAILED,      /* no usable answer: @why says more */
	PROBE_DNS_INTERRUPTED, /* by the stop signal */
};

struct probe_dns_record {
	int preference;	  /* MX */
	const char *name; /* MX: a host without final dot, "" is the root */
	struct sockaddr_storage address; /* A, AAAA */
};

struct probe_dns_answer {
	enum probe_dns_rc rc;
	const char *why;   /* of FAILED, and of NO_DATA by endless CNAMEs */
	const char *alias; /* the name that a CNAME led to, or NULL */
	bool is_cut;	   /* there were more than PROBE_DNS_RECORDS_MAX */
	size_t count;
	struct probe_dns_record records[PROBE_DNS_RECORDS_MAX];
};

/*
 * Resolvers from @server ("192.0.2.53", "192.0.2.53:5353", "[::1]:5353",
 * "localhost:53"), or, when that is NULL, from /etc/resolv.conf, else the one
 * on this machine. 0, or -EINVAL, told on @errors.
 */
int probe_dns_init(struct probe_dns *dns, const struct probe_net *net,
		   struct deadmx_arena *arena, const char *server,
		   FILE *errors);

/* Records of @type: LDNS_RR_TYPE_MX, _A or _AAAA. Tells all in @ret. */
void probe_dns_ask(const struct probe_dns *dns, const char *name,
		   ldns_rr_type type, struct probe_dns_answer *ret);

#endif
