/* SPDX-License-Identifier: MIT */
/*
 * Finding things in the text for people. All bounded by the text's own
 * length, each in one pass; results are malloc'd or NULL.
 */
#ifndef HARNESS_NDR_NDR_TEXT_H
#define HARNESS_NDR_NDR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NDR_TEXT_RECIPIENTS_MAX = 100, /* read from a text alone */
	NDR_TEXT_REPLY_MAX = 1000,     /* bytes of one reply kept */
};

/* @len bytes with blanks for line breaks, trimmed, at most REPLY_MAX. */
char *ndr_text_line(const char *text, size_t len);

/* What stands behind @before up to @until ("" for the end of the line). */
char *ndr_text_between(const char *text, const char *before, const char *until);

/*
 * The part that tells: of Exchange's, what is for administrators; of others',
 * all but the mail that is returned at the end.
 */
char *ndr_text_report(const char *text);

/*
 * What the text says about @recipient: from the line with its address to the
 * next line with an address, or to an empty line; "" when it is not named.
 */
char *ndr_text_about(const char *text, const char *recipient, bool whole);

/* The nth (from 0) address that a plain-text bounce speaks of. */
char *ndr_text_recipient(const char *text, size_t n);

/* "host[192.0.2.1]:25", "host [192.0.2.1]", "at host (192.0.2.1)". */
bool ndr_text_endpoint(const char *text, char **ret_host, char **ret_address,
		       unsigned *ret_port);

/* "192.0.2.1:25" or "2001:db8::1:25": false when it is neither. */
bool ndr_text_address_port(const char *text, char **ret_address,
			   unsigned *ret_port);

/* The host behind @before, malloc'd; NULL without one. */
char *ndr_text_host(const char *text, const char *before);

/* First reply in it, "451 4.7.1 …" or "451-…"; *ret_code 0 without one. */
const char *ndr_text_reply(const char *text, int *ret_code);

/* Number behind @before, -1 without one. */
int64_t ndr_text_number(const char *text, const char *before);

/* "1 days, 19 hours and 59 minutes" behind @before, in s; -1 without one. */
int64_t ndr_text_span(const char *text, const char *before);

#endif
