/* SPDX-License-Identifier: MIT */
/*
 * What the world's DNS says: every name of a scenario, and nothing else.
 *
 * Built once from the scenario, then a pure function from a question's wire
 * format to the answer's. Sockets are dns_server's. It answers with
 * authority for everything down from the root: a name that the scenario
 * doesn't hold doesn't exist.
 */
#ifndef SIM_DNS_ZONE_H
#define SIM_DNS_ZONE_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"

/* Limits, tested in tests/unit/test_dns_zone.c. */
enum {
	DNS_TTL_S = 300,
};

struct dns_zone;

/*
 * @host: the MTA's host name at 127.0.0.1, or an address (then it gets no
 * record), or NULL. -EINVAL with @ret_bad set to a name that is none.
 */
int dns_zone_new(const struct deadmx_scenario *scenario, const char *host,
		 const char **ret_bad, struct dns_zone **ret);
void dns_zone_free(struct dns_zone *z);

/* What the zone says to a question; all lists are the caller's. */
struct dns_found {
	ldns_pkt_rcode rcode;
	ldns_rr_list *answer, *authority, *additional;
};

void dns_zone_find(struct dns_zone *z, const ldns_rdf *name, ldns_rr_type type,
		   int64_t now_ns, struct dns_found *ret);
void dns_found_release(struct dns_found *f);

/* One record of an answer, as text. */
struct dns_record {
	uint16_t type; /* IANA's number */
	uint32_t ttl_s;
	uint16_t preference; /* MX */
	char *owner;	     /* without the final dot, in small letters */
	/* A, AAAA: the address; MX, CNAME, PTR, NS, SOA: the (first) name,
	 * without its final dot ("" is the root: null MX); TXT: its strings in
	 * one, as RFC 7208 3.3 joins them. */
	char *value;
	size_t value_len; /* TXT may hold any byte; a NUL is behind it */
};

/* What a resolver inside the world would be told. */
struct dns_lookup {
	int rcode;    /* 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED, … */
	bool is_lost; /* nothing usable comes back: the client times out */
	struct dns_record *records; /* CNAMEs on the way come first */
	size_t count;
};

/*
 * Ask without a packet, as a full-service resolver would: CNAMEs are
 * followed. @type is IANA's number, @now_ns the time on the scenario's
 * timeline. Counts as a question does. 0, or -EINVAL: @name is no name.
 */
int dns_zone_lookup(struct dns_zone *z, const char *name, uint16_t type,
		    int64_t now_ns, struct dns_lookup *ret);
void dns_lookup_release(struct dns_lookup *l);

#endif
