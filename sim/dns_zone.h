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

#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"

/* Limits, tested in tests/unit/test_dns_zone.c. */
enum {
	DNS_QUESTION_MAX = 4096, /* bytes of a question that is looked at */
	DNS_UDP_MIN = 512,	 /* RFC 1035 2.3.4: without EDNS */
	DNS_UDP_MAX = 4096,	 /* of an answer, however much EDNS offers */
	DNS_TTL_S = 300,
};

struct dns_zone;

struct dns_answer {
	uint8_t *wire; /* dns_answer_release() */
	size_t len;
	char *name, *qtype, *rcode; /* for the log */
	size_t answers;
};

enum dns_transport { DNS_UDP, DNS_TCP };

/*
 * @host: the MTA's host name at 127.0.0.1, or an address (then it gets no
 * record), or NULL. -EINVAL with @ret_bad set to a name that is none.
 */
int dns_zone_new(const struct deadmx_scenario *scenario, const char *host,
		 const char **ret_bad, struct dns_zone **ret);
void dns_zone_free(struct dns_zone *z);

/* 0, or -EBADMSG: it is no question; give no answer. */
int dns_zone_answer(const struct dns_zone *z, const uint8_t *question,
		    size_t len, enum dns_transport transport,
		    struct dns_answer *ret);
void dns_answer_release(struct dns_answer *a);

#endif
