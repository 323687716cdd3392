/* SPDX-License-Identifier: MIT */
/*
 * The arguments of MAIL and RCPT: paths and ESMTP parameters.
 *
 * Pure functions on strings, for the server's side of a session.
 */
#ifndef SIM_SMTP_PARAM_H
#define SIM_SMTP_PARAM_H

#include <stdint.h>

/* Extensions whose parameters may be used. */
enum {
	SMTP_PARAM_SIZE = 1,
	SMTP_PARAM_BODY = 2,
	SMTP_PARAM_DSN = 4,
};

/* Limits of RFC 3461 4.2 and 4.4, in characters as sent. */
enum {
	SMTP_PARAM_ENVID_MAX = 100,
	SMTP_PARAM_ORCPT_MAX = 500,
};

/* The reply for what is wrong. */
struct smtp_param_error {
	int code;
	const char *status;
	const char *text;
};

/*
 * "FROM:<path> …" → the path without <>, malloc'd ("" is the null reverse-
 * path), and SIZE's value (0 when absent). -EINVAL with @error filled in.
 */
int smtp_param_mail(const char *args, unsigned extensions, char **ret_path,
		    uint64_t *ret_size, struct smtp_param_error *error);
/* "TO:<path> …". */
int smtp_param_rcpt(const char *args, unsigned extensions, char **ret_path,
		    struct smtp_param_error *error);

#endif
