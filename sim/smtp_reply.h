/* SPDX-License-Identifier: MIT */
/*
 * SMTP replies as text: from a scenario's words to the wire's lines.
 *
 * Pure functions on strings; who sends them, and when, is the session's.
 */
#ifndef SIM_SMTP_REPLY_H
#define SIM_SMTP_REPLY_H

#include <stddef.h>

#include "deadmx/scenario.h"

/*
 * @text as it goes over the wire, malloc'd, NULL when out of memory. Lines
 * end in CRLF and each carries the code of the first: "451-a\r\n451 b\r\n";
 * lines that have the code already keep theirs. {address} and {host} become
 * the server's, {client} the client's address, which may be NULL. A text
 * without a code gets 451.
 */
char *smtp_reply_format(const char *text, const struct deadmx_server *server,
			const char *client);

/*
 * What went over the wire, for the event log: lines split by \n, no final
 * one; a NUL is shown as a byte that is no text, and what is longer than any
 * reply (DEADMX_REPLY_LEN_MAX) is cut. malloc'd, NULL when out of memory.
 */
char *smtp_reply_plain(const char *wire, size_t len);

/* 250 for "250 2.0.0 Ok", 0 when @text begins with no code. */
int smtp_reply_code(const char *text);
/* That of the last line which has one: what counts for most clients. */
int smtp_reply_last_code(const char *wire, size_t len);

#endif
