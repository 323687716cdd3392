/* SPDX-License-Identifier: MIT */
/*
 * Single DNS records: from a scenario's words to ldns's, and from ldns's to
 * plain text for those who ask without a packet.
 */
#ifndef SIM_DNS_RECORD_H
#define SIM_DNS_RECORD_H

#include <ldns/ldns.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"

/* One record of an answer, as text. */
struct dns_record {
	uint16_t type;	     /* IANA's number */
	uint16_t preference; /* MX */
	uint32_t ttl_s;
	char *owner; /* without the final dot, in small letters */
	/* A, AAAA: the address; MX, CNAME, PTR, NS, SOA: the (first) name,
	 * without its final dot ("" is the root: null MX); TXT: its strings in
	 * one, as RFC 7208 3.3 joins them. */
	char *value;
	size_t value_len; /* TXT may hold any byte; a NUL is behind it */
};

ldns_rr_type dns_record_type(enum deadmx_record_type type);
/* Of the record types that a name can be given; -1: none of them. */
int dns_record_given_type(ldns_rr_type type);

/* NULL: @owner or the record's value is malformed. */
ldns_rr *dns_record_new(const char *owner, const struct deadmx_record *record,
			uint32_t ttl_s);
/* Fill @ret from @rr; release its texts with dns_record_release(). */
void dns_record_read(const ldns_rr *rr, struct dns_record *ret);
void dns_record_release(struct dns_record *r);

#endif
