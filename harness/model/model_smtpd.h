/* SPDX-License-Identifier: MIT */
/*
 * How the model MTA takes mail: an SMTP server on 127.0.0.1.
 *
 * RFC 5321 with PIPELINING, 8BITMIME, SIZE, ENHANCEDSTATUSCODES, DSN,
 * SMTPUTF8 and DELIVERBY. A message is in the queue before it is
 * acknowledged. Owns its sockets on the caller's loop.
 */
#ifndef HARNESS_MODEL_MODEL_SMTPD_H
#define HARNESS_MODEL_MODEL_SMTPD_H

#include "harness/model/model_run.h"

struct model_smtpd;

/* On error a negative errno, and a line on stderr. */
int model_smtpd_new(uv_loop_t *loop, const struct model_config *config,
		    struct model_run *run, struct model_smtpd **ret);
/* Close all; it is freed when the loop has run out. */
void model_smtpd_close(struct model_smtpd *d);

#endif
