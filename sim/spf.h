/* SPDX-License-Identifier: MIT */
/*
 * What SPF says of a sender (RFC 7208): may this client send for the domain?
 *
 * A function of its arguments and of what the caller's DNS answers; libspf2
 * evaluates the records, we count. It opens no socket, asks no resolver of
 * the machine and knows no clock: a lookup that takes long says so. The MAIL
 * FROM identity is checked, for a null reverse-path postmaster@HELO (2.4).
 */
#ifndef SIM_SPF_H
#define SIM_SPF_H

#include <stddef.h>
#include <stdint.h>

#include "deadmx/scenario.h"

/* Limits, tested in tests/unit/test_spf.c. */
enum {
	/* RFC 7208 4.6.4: terms that ask the DNS, in all records together;
	 * one more is a permerror. */
	SPF_TERMS_MAX = 10,
	/* 4.6.4: lookups that find nothing; one more is a permerror. */
	SPF_VOIDS_MAX = 2,
	/* 4.6.4: MX and PTR records looked at for one term. */
	SPF_NAMES_MAX = 10,
	/* 4.6.4: seconds of waiting for the DNS, then temperror. */
	SPF_WAIT_MAX_S = 20,
	SPF_EXPLANATION_MAX = 1000, /* bytes */
};

/* What a resolver would say to one question. */
enum spf_dns_status {
	SPF_DNS_ANSWER,	  /* NOERROR, also without a record of that type */
	SPF_DNS_NXDOMAIN, /* there is no such name */
	SPF_DNS_FAILED,	  /* SERVFAIL, REFUSED, no answer at all … */
};

struct spf_answer {
	enum spf_dns_status status;
	int64_t delay_ns; /* it takes so long */
	struct spf_value *values;
	size_t count;
};

/* Add a record's data as text: an address; a name without its final dot; the
 * strings of a TXT record in one. */
void spf_answer_add(struct spf_answer *answer, const char *value, size_t len);

struct spf_dns {
	/* Records of @type (IANA's number) that @name has, CNAMEs followed. */
	void (*lookup)(void *arg, const char *name, uint16_t type,
		       struct spf_answer *ret);
	void *arg;
};

struct spf_query {
	const char *ip;	      /* the client's address, IPv4 or IPv6 */
	const char *helo;     /* its name, or NULL */
	const char *sender;   /* without <>; "" is the null reverse-path */
	const char *receiver; /* the server's name, for the explanation */
};

/*
 * Evaluate. @explanation gets one line for people, cut to its size. That a
 * record is nonsense or the DNS fails is a result, not an error.
 */
enum deadmx_spf spf_check(const struct spf_query *query,
			  const struct spf_dns *dns, char *explanation,
			  size_t size);

const char *spf_word(enum deadmx_spf result);
/* 0, or -EINVAL when it is none of the seven words. */
int spf_parse(const char *word, enum deadmx_spf *ret);

#endif
