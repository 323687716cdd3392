/* SPDX-License-Identifier: MIT */
/*
 * Received messages: which are deliveries, which are bounces, and whose.
 * The half of harness/judge/attempts.h that reads messages.
 */
#ifndef HARNESS_JUDGE_ATTEMPTS_BOUNCE_H
#define HARNESS_JUDGE_ATTEMPTS_BOUNCE_H

#include "harness/judge/attempts.h"
#include "harness/judge/event_log.h"

struct attempts_party *bounce_party(const struct attempts *a, const char *from,
				    const char *to);
/* The first with that recipient, an open one rather than an ended one. */
struct attempts_party *bounce_party_to(const struct attempts *a,
				       const char *to);
/* Is @address the reverse-path of a mail? */
bool bounce_is_sender(const struct attempts *a, const char *address);

/* Book a MESSAGE event of @server. */
void bounce_message(struct attempts *a, struct verdict *v, const char *dir,
		    const struct event *e, const struct deadmx_server *server);

#endif
