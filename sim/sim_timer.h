/* SPDX-License-Identifier: MIT */
/*
 * The world's only look at the clock: monotonic time, and timers in ns.
 *
 * On the virtual clock both are virtual. A libuv timer counts whole
 * milliseconds from a moment that may lie behind; started from here it never
 * fires early, and on an idle loop at most two milliseconds late.
 */
#ifndef SIM_SIM_TIMER_H
#define SIM_SIM_TIMER_H

#include <stdint.h>
#include <uv.h>

int64_t sim_timer_now_ns(void);
/* The date, in milliseconds since 1970; for certificates. */
int64_t sim_timer_date_ms(void);
/* Fire once, @delay_ns from now; 0 or less: as soon as the loop turns. */
void sim_timer_start(uv_timer_t *timer, uv_timer_cb cb, int64_t delay_ns);

#endif
