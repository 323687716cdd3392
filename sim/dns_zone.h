/* SPDX-License-Identifier: MIT */
/*
 * What the world's DNS says: every name of a scenario, and nothing else.
 *
 * Built once from the scenario, then a function of question and time; all
 * that changes is how often the counted rows of the names' timelines have
 * applied. Packets are dns_answer's, sockets dns_server's. It answers with
 * authority for everything down from the root: a name that the scenario
 * doesn't hold doesn't exist.
 *
 * Names hold what the servers' mx_for and address ask for. What world.names
 * gives a name takes the place of that, type by type.
 */
#ifndef SIM_DNS_ZONE_H
#define SIM_DNS_ZONE_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"
#include "sim/dns_record.h"

/* Limits, tested in tests/unit/test_dns_zone.c. */
enum {
	DNS_TTL_S = 300, /* where the scenario gives none */
	/* CNAMEs followed within an answer; loops end here. */
	DNS_CNAMES_MAX = 8,
	/* Records of an answer's additional section: a convenience. */
	DNS_ADDITIONAL_MAX = 100,
};

struct dns_zone;

enum dns_transport { DNS_UDP, DNS_TCP };

/*
 * @host: the MTA's host name at 127.0.0.1, or an address (then it gets no
 * record), or NULL. -EINVAL with @ret_bad set to a name that is none.
 */
int dns_zone_new(const struct deadmx_scenario *scenario, const char *host,
		 const char **ret_bad, struct dns_zone **ret);
void dns_zone_free(struct dns_zone *z);

/* The timeline starts again: what was counted is forgotten. */
void dns_zone_restart(struct dns_zone *z);
/* Seconds of the timeline in a second of those who ask; 1 unless told. */
void dns_zone_set_speed(struct dns_zone *z, int64_t speed);
/* The IPv4 address at which the zone is served; 127.0.0.1 unless told. */
void dns_zone_set_address(struct dns_zone *z, const char *address);

struct dns_question {
	const ldns_rdf *name; /* in any spelling; the answer repeats it */
	ldns_rr_type type;
	enum dns_transport transport;
	int64_t now_ns; /* on the scenario's timeline */
};

/*
 * What the zone says to a question. What an action does to a packet is left
 * to the caller; the lists then hold what a healthy server would say.
 */
struct dns_found {
	enum deadmx_dns_action action;
	const struct deadmx_name_row *row; /* that it comes from, or NULL */
	int64_t delay_ns;
	ldns_pkt_rcode rcode;
	ldns_rr_list *answer, *authority, *additional;
};

void dns_zone_find(struct dns_zone *z, const struct dns_question *question,
		   struct dns_found *ret);
void dns_found_release(struct dns_found *f);

/* What a resolver inside the world would be told. */
struct dns_lookup {
	int rcode;    /* 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED, … */
	bool is_lost; /* nothing usable comes back: the client times out */
	int64_t delay_ns;	    /* the answer comes so much later */
	struct dns_record *records; /* CNAMEs on the way come first */
	size_t count;
};

/*
 * Ask without a packet, as a resolver would that hears the answer: CNAMEs
 * are followed, what is truncated is asked again by TCP. @type is IANA's
 * number, @now_ns the time on the scenario's timeline. Counts as a question
 * does. 0, or -EINVAL: @name is no name.
 */
int dns_zone_lookup(struct dns_zone *z, const char *name, uint16_t type,
		    int64_t now_ns, struct dns_lookup *ret);
void dns_lookup_release(struct dns_lookup *l);

#endif
