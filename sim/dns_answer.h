/* SPDX-License-Identifier: MIT */
/*
 * From a question's wire format to the answer's, around a dns_zone.
 *
 * A function of zone, question and time: no socket, no clock. Packets that
 * are no question get no answer. What is wrong with a packet as a whole
 * (another id, a broken record) is done here, to a healthy answer.
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
	DNS_TCP_MAX = 65535,	 /* RFC 1035 4.2.2: two bytes of length */
};

/* What becomes of a question; free with dns_answer_release(). */
struct dns_answer {
	uint8_t *wire; /* NULL: no answer is sent */
	size_t len;
	int64_t delay_ns; /* it is sent so much later */
	bool close;	  /* a TCP connection is closed instead */
	/* For the log: the question, the code (NULL without an answer), the
	 * records in the answer section, and the row that applied or NULL. */
	char *name, *qtype, *rcode;
	size_t answers;
	const struct deadmx_name_row *row;
};

/* 0, or -EBADMSG: it is no question; give no answer. */
int dns_answer_make(struct dns_zone *z, const uint8_t *question, size_t len,
		    enum dns_transport transport, int64_t now_ns,
		    struct dns_answer *ret);
void dns_answer_release(struct dns_answer *a);

#endif
