/* SPDX-License-Identifier: MIT */
/*
 * The arguments of MAIL and RCPT: paths and ESMTP parameters.
 *
 * Pure functions on strings, for the server's side of a session.
 */
#ifndef SIM_SMTP_PARAM_H
#define SIM_SMTP_PARAM_H

#include <stdbool.h>
#include <stdint.h>

/* Extensions whose parameters may be used. */
enum {
	SMTP_PARAM_SIZE = 1,
	SMTP_PARAM_BODY = 2,
	SMTP_PARAM_DSN = 4,
	SMTP_PARAM_UTF8 = 8,
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

struct smtp_param_mail {
	char *path;    /* without <>, malloc'd; "" is the null reverse-path */
	uint64_t size; /* SIZE's value, 0 when absent */
	bool utf8;     /* SMTPUTF8 was given: UTF-8 may stand in paths */
};

/* "FROM:<path> …". -EINVAL with @error filled in. */
int smtp_param_mail(const char *args, unsigned extensions,
		    struct smtp_param_mail *ret,
		    struct smtp_param_error *error);
/* "TO:<path> …" of a mail with SMTPUTF8 or without. */
int smtp_param_rcpt(const char *args, unsigned extensions, bool utf8,
		    char **ret_path, struct smtp_param_error *error);

#endif
