/* SPDX-License-Identifier: MIT */
/*
 * From the text of an SPF record to libspf2's compiled form.
 *
 * libspf2 1.2.10 takes some records for what they are not; what differs from
 * RFC 7208 is put right on the way in, term by term: see spf_record.c.
 */
#ifndef SIM_SPF_RECORD_H
#define SIM_SPF_RECORD_H

#include <netinet/in.h>
#include <spf2/spf.h>
#include <stdbool.h>
#include <stddef.h>

/* Limits, tested in tests/unit/test_spf.c. */
enum {
	/* libspf2 counts mechanisms of a record in a byte. */
	SPF_RECORD_TERMS_MAX = 255,
	/* Bytes of one term, macros in it: below these its compiled form
	 * stays clear of the 511 bytes that libspf2 1.2.10 has room for, and
	 * of the underflow at their end (CVE-2023-42118). */
	SPF_RECORD_TERM_MAX = 255,
	SPF_RECORD_MACROS_MAX = 8,
};

/* Is it an SPF record at all (RFC 7208 4.5)? */
bool spf_record_is_one(const char *text, size_t len);

/*
 * Compile for @request, whose cur_dom is the domain that has the record.
 * SPF_E_SUCCESS with *ret (SPF_record_free), or another code with one line
 * in @why.
 */
SPF_errcode_t spf_record_compile(SPF_request_t *request, const char *text,
				 size_t len, SPF_record_t **ret, char *why,
				 size_t size);

#endif
