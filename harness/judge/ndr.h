/* SPDX-License-Identifier: MIT */
/*
 * The reader behind deadmx/ndr.h, in two halves: this one finds the parts of
 * the MIME message (GMime), the other reads the fields of the status part.
 */
#ifndef HARNESS_JUDGE_NDR_H
#define HARNESS_JUDGE_NDR_H

#include "deadmx/ndr.h"
#include "harness/judge/findings.h"

enum { NDR_LINE_MAX = 998 }; /* bytes of a line, RFC 5322 2.1.1 */

/*
 * Read the body of a delivery-status part into @ndr: groups of fields. No
 * checks are made here.
 */
void ndr_fields_read(struct deadmx_ndr *ndr, const char *body, size_t len);

/* The checks that need the message alone; fills in @ndr->findings. */
void ndr_lint(struct deadmx_ndr *ndr);
/* Those of them that are about the value of one field. */
void ndr_lint_fields(struct deadmx_ndr *ndr);

/* What a person would see of @html, as UTF-8 text; malloc'd. */
char *ndr_html_text(const char *html);

/* Add a finding, up to DEADMX_NDR_FINDINGS_MAX. */
void ndr_find(struct deadmx_ndr *ndr, enum finding_id id,
	      enum deadmx_ndr_severity severity, const char *expected,
	      const char *observed, ...) __attribute__((format(printf, 5, 6)));

#endif
