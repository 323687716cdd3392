/* SPDX-License-Identifier: MIT */
/*
 * The live log: an event as a line for people.
 *
 * Pure: from an event's line to text. What a client has sent is untrusted:
 * control characters don't reach the terminal.
 */
#ifndef HARNESS_SERVE_LOG_H
#define HARNESS_SERVE_LOG_H

#include <stdio.h>

/* @line: an event of the log, which is ours and whole. */
void serve_log_line(FILE *out, const char *line, size_t len);

#endif
