/* SPDX-License-Identifier: MIT */
/*
 * A probe for people: each step as it is done, then what it means.
 *
 * Whatever a server sent is made harmless here: no control character reaches
 * the terminal.
 */
#ifndef HARNESS_PROBE_TEXT_H
#define HARNESS_PROBE_TEXT_H

#include <stdio.h>

#include "harness/probe/probe_report.h"

struct probe_text {
	FILE *out;
	uint16_t port;
	const char *host, *address; /* of the last step */
	bool begun;
};

void probe_text_step(struct probe_text *text, const struct probe_report *report,
		     const struct probe_step *step);
void probe_text_end(struct probe_text *text, const struct probe_report *report);

#endif
