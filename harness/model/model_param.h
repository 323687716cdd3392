/* SPDX-License-Identifier: MIT */
/*
 * MAIL and RCPT as the model MTA reads them: the path and its parameters
 * (RFC 5321 4.1.2, 1870, 2852, 3461, 6531).
 *
 * Pure functions from a line to an envelope, or to the reply that refuses it.
 */
#ifndef HARNESS_MODEL_MODEL_PARAM_H
#define HARNESS_MODEL_MODEL_PARAM_H

#include "harness/model/model_queue.h"

/*
 * @args: what stands behind "MAIL FROM:" or "RCPT TO:". NULL when all is
 * well; else the reply, static, without its CRLF. @args is written to.
 */
const char *model_param_mail(char *args, int64_t now_ms,
			     struct model_message **ret);
const char *model_param_rcpt(char *args, struct model_message *m);

#endif
