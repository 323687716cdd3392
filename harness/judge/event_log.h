/* SPDX-License-Identifier: MIT */
/*
 * Reads events.ndjson, one event after the other, in bounded memory.
 *
 * A line that is no event is counted and skipped: what can still be said is
 * said, and the damage becomes a finding. One event is held at a time.
 */
#ifndef HARNESS_JUDGE_EVENT_LOG_H
#define HARNESS_JUDGE_EVENT_LOG_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "deadmx/event.h"

struct event_log;

/* Valid until the next event is read. */
struct event {
	enum deadmx_event_type type;
	int64_t t_ns;
	const json_t *members; /* the whole object */
};

/* What was wrong with the lines read so far. */
struct event_log_damage {
	uint64_t count;
	uint64_t line; /* of the first, from 1 */
	const char *what;
};

/*
 * At most @max_events are read (JUDGE_EVENTS_MAX, but for tests). 0, or a
 * negative errno: the file can't be opened.
 */
int event_log_open(const char *path, uint64_t max_events,
		   struct event_log **ret);
void event_log_close(struct event_log *log);
/* 1 with an event, 0 at the end, a negative errno when reading fails. */
int event_log_next(struct event_log *log, struct event *ret);
const struct event_log_damage *event_log_damage(const struct event_log *log);

/* A member as text; NULL when absent, null or no string. */
const char *event_text(const struct event *e, const char *key);
/* A member as a whole number; @fallback when it is none. */
int64_t event_integer(const struct event *e, const char *key, int64_t fallback);
double event_real(const struct event *e, const char *key, double fallback);

#endif
