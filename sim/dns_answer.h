/* SPDX-License-Identifier: MIT */
/*
 * From a question's wire format to the answer's, around a dns_zone.
 *
 * A function of zone, question and time: no socket, no clock. Packets that
 * are no question get no answer.
 */
#ifndef SIM_DNS_ANSWER_H
#define SIM_DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "sim/dns_zone.h"

/* Limits, tested in tests/unit/test_dns_answer.c. */
enum {
	DNS_QUESTION_MAX = 4096, /* bytes of a question that is looked at */
	DNS_UDP_MIN = 512,	 /* RFC 1035 2.3.4: without EDNS */
	DNS_UDP_MAX = 4096,	 /* of an answer, however much EDNS offers */
};

struct dns_answer {
	uint8_t *wire; /* dns_answer_release() */
	size_t len;
	char *name, *qtype, *rcode; /* for the log */
	size_t answers;
};

enum dns_transport { DNS_UDP, DNS_TCP };

/* 0, or -EBADMSG: it is no question; give no answer. */
int dns_answer_make(struct dns_zone *z, const uint8_t *question, size_t len,
		    enum dns_transport transport, int64_t now_ns,
		    struct dns_answer *ret);
void dns_answer_release(struct dns_answer *a);

#endif
