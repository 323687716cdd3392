/* SPDX-License-Identifier: MIT */
/*
 * How the MTA spoke: its commands and its patience, read from the events of
 * each session.
 *
 * RFC 3461 5.2 (what becomes of the sender's DSN parameters at the next
 * server), RFC 2852 4.1.4.2 (the one change to them that is asked for), RFC
 * 5321 2.2.1 (nothing that was not offered), RFC 5321 4.5.3.2 (how long a
 * client waits at least). Fed with the events in their order; what it finds is
 * told once for each kind and recipient.
 */
#ifndef HARNESS_JUDGE_WIRE_H
#define HARNESS_JUDGE_WIRE_H

#include "harness/judge/event_log.h"
#include "harness/judge/verdict.h"

/* Sessions looked at; tested in tests/unit/test_wire.c. */
enum { WIRE_SESSIONS_MAX = 200000 };

struct wire;

/* @scenario must outlive it. */
struct wire *wire_new(const struct deadmx_scenario *scenario);
void wire_event(struct wire *w, const struct event *e);
/* Does the server of @e's session offer no DSN? False: it does, or unknown. */
bool wire_lacks_dsn(struct wire *w, const struct event *e);
/* The same of DELIVERBY. */
bool wire_lacks_deliverby(struct wire *w, const struct event *e);
/* The findings go to @v. */
void wire_finish(struct wire *w, struct verdict *v);
void wire_free(struct wire *w);

#endif
