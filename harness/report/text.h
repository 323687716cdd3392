/* SPDX-License-Identifier: MIT */
/*
 * What the reports share: a finding in one line, and text made safe. A reply
 * or an NDR may hold anything, terminal escapes too.
 */
#ifndef HARNESS_REPORT_TEXT_H
#define HARNESS_REPORT_TEXT_H

#include <stdio.h>

#include "harness/judge/verdict.h"

/* Control bytes as '?', line breaks as blanks; NULL as nothing. */
void report_text_plain(FILE *out, const char *text);
/* The same, and the five characters of XML escaped. */
void report_text_xml(FILE *out, const char *text);
/* The same within double quotes of JSON and YAML. */
void report_text_quoted(FILE *out, const char *text);

/*
 * "must expect/ndr a.yml:7: expected …, observed …" through @put, which is
 * one of the above.
 */
void report_text_finding(FILE *out, const struct finding *f,
			 void (*put)(FILE *out, const char *text));

/* "check ID is note here (2 findings): reason", in the same way. */
void report_text_change(FILE *out, const struct verdict_change *c,
			void (*put)(FILE *out, const char *text));

/* Seconds to the millisecond, without trailing zeros: "12.3", "7". */
void report_text_seconds(FILE *out, double seconds);

#endif
