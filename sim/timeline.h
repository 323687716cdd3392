/* SPDX-License-Identifier: MIT */
/*
 * The scenario's time: where its windows open, its mail is sent, its events
 * happen.
 *
 * In the sandbox it is the loop's own clock from the origin on, which is
 * virtual there. By hand it may run faster than the clock of the loop, and be
 * moved forward. What an MTA meets (a stall, a drip, the delay of an answer)
 * is never scaled: that is the loop's time.
 */
#ifndef SIM_TIMELINE_H
#define SIM_TIMELINE_H

#include <stdint.h>

#include "deadmx/world.h"

struct timeline {
	/* One moment on both clocks; time goes on from there. */
	int64_t anchor_host_ns, anchor_ns;
	int64_t anchor_date_ms; /* what the calendar said then */
	int64_t speed;		/* seconds here in a second of the loop */
};

/* Now is 0. @speed is from 1 to DEADMX_WORLD_SPEED_MAX. */
void timeline_start(struct timeline *t, int64_t speed);
int64_t timeline_now_ns(const struct timeline *t);
/* How long the loop has to wait from now until @at_ns; not below 0. */
int64_t timeline_wait_ns(const struct timeline *t, int64_t at_ns);
/*
 * What the calendar says at @at_ns, in milliseconds since 1970: for those who
 * look at dates by a clock of their own, such as an MTA at a certificate.
 */
int64_t timeline_date_ms(const struct timeline *t, int64_t at_ns);

/* Go on from here at another speed, or from another time. */
void timeline_set_speed(struct timeline *t, int64_t speed);
void timeline_jump(struct timeline *t, int64_t to_ns);

#endif
