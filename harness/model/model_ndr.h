/* SPDX-License-Identifier: MIT */
/*
 * What the model MTA tells a sender: non-delivery reports, delay notices and
 * reports of relaying, as RFC 3464, 6522 and 6533 have them.
 *
 * A pure function from a message and its recipients to the bytes of a
 * report. The envelope is the caller's: from <> to the sender.
 */
#ifndef HARNESS_MODEL_MODEL_NDR_H
#define HARNESS_MODEL_MODEL_NDR_H

#include "harness/model/model_queue.h"

enum model_report {
	MODEL_REPORT_FAILED,
	MODEL_REPORT_DELAYED,
	MODEL_REPORT_RELAYED,
};

/*
 * For @to. @names: per recipient of @m, is it reported? @data: the mail's
 * bytes.
 * malloc'd; lines end in CRLF.
 */
char *model_ndr_make(const struct model_config *config,
		     const struct model_message *m, const char *to,
		     const bool *names, enum model_report report,
		     const char *data, size_t len, size_t *ret_len);

/* "Tue, 01 Jan 2030 00:00:00 +0000", RFC 5322 3.3. */
const char *model_ndr_date(int64_t unix_ms, char buf[64]);

#endif
