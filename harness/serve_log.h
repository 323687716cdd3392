/* SPDX-License-Identifier: MIT */
/*
 * The live log: an event as a line for people.
 *
 * Pure: from an event's members to text. What a client has sent is untrusted:
 * control characters don't reach the terminal.
 */
#ifndef HARNESS_SERVE_LOG_H
#define HARNESS_SERVE_LOG_H

#include <stdio.h>

#include "deadmx/event.h"

void serve_log_event(FILE *out, enum deadmx_event_type type,
		     const json_t *event);

#endif
