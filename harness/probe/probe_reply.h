/* SPDX-License-Identifier: MIT */
/*
 * One SMTP reply as it comes in, line by line, from a server that may be
 * hostile.
 *
 * Memory is the struct's own and bounded; what breaks the form of RFC 5321
 * 4.2 is named, never guessed at. Reads no socket.
 */
#ifndef HARNESS_PROBE_REPLY_H
#define HARNESS_PROBE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

/* Limits; tested in tests/unit/test_probe_reply.c. */
enum {
	/* RFC 5321 4.5.3.1.5 has 512; others read up to 2048 (Postfix). */
	PROBE_REPLY_LINE_MAX = 2048,
	PROBE_REPLY_LINES_MAX = 128, /* EHLO of the big ones has 20 */
	PROBE_REPLY_BYTES_MAX = 16384,
};

struct probe_reply {
	int code;	   /* 0 while no line is in */
	char status[16];   /* its X.Y.Z, else X.0.0; class as the code's */
	bool has_status;   /* it was in the reply */
	const char *wrong; /* why it is no reply, or NULL */
	size_t line_count;
	size_t len;
	char text[PROBE_REPLY_BYTES_MAX + 1]; /* lines split by \n; NUL bytes
					       * became \xff, which is no
					       * UTF-8 either */
};

void probe_reply_clear(struct probe_reply *r);
/*
 * Take the next line, without its line end. 1: the reply is complete; 0: more
 * lines follow; -EPROTO: no SMTP reply, @r->wrong says why.
 */
int probe_reply_line(struct probe_reply *r, const char *line, size_t len);

/* An EHLO reply offers @keyword (RFC 5321 4.1.1.1; case ignored). */
bool probe_reply_offers(const struct probe_reply *r, const char *keyword);

#endif
