/* SPDX-License-Identifier: MIT */
/*
 * Which recipients of a scenario's mails are still open.
 *
 * A recipient ends when its mail is refused at injection, delivered, or
 * named as failed in a message with a null reverse-path to its sender. Pure:
 * it is told what happened. It only decides when a run may stop; the judge
 * reads the messages properly later.
 */
#ifndef SIM_TRACKER_H
#define SIM_TRACKER_H

#include "deadmx/scenario.h"
#include "sim/smtp_session.h"

struct tracker;

struct tracker *tracker_new(const struct deadmx_scenario *scenario);
void tracker_free(struct tracker *t);
/* Mail @index could not be injected: nothing will come of it. */
void tracker_not_injected(struct tracker *t, size_t index);
/* @server has accepted a message, and its client knows. */
void tracker_message(struct tracker *t, const struct deadmx_server *server,
		     const struct smtp_envelope *envelope, const char *data,
		     size_t len);
size_t tracker_open_count(const struct tracker *t);

#endif
