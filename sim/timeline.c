/* SPDX-License-Identifier: MIT */
/* The scenario's time: see timeline.h. */
#include "sim/timeline.h"

#include <assert.h>

#include "sim/sim_timer.h"

#define NS_PER_MS 1000000

void timeline_start(struct timeline *t, int64_t speed)
{
	assert(speed >= 1 && speed <= DEADMX_WORLD_SPEED_MAX);
	t->anchor_host_ns = sim_timer_now_ns();
	t->anchor_date_ms = sim_timer_date_ms();
	t->anchor_ns = 0;
	t->speed = speed;
}

int64_t timeline_now_ns(const struct timeline *t)
{
	int64_t since = sim_timer_now_ns() - t->anchor_host_ns, now;

	/* 292 years: a long time for a server, at top speed 26 hours. */
	if (__builtin_mul_overflow(since, t->speed, &now) ||
	    __builtin_add_overflow(now, t->anchor_ns, &now))
		return DEADMX_FOREVER_NS - 1;
	return now;
}

int64_t timeline_wait_ns(const struct timeline *t, int64_t at_ns)
{
	int64_t wait = at_ns - timeline_now_ns(t);

	/* Up: a timer that fires early finds that nothing has changed. */
	return wait > 0 ? (wait - 1) / t->speed + 1 : 0;
}

int64_t timeline_date_ms(const struct timeline *t, int64_t at_ns)
{
	int64_t since;

	/* Farther from here than clocks can tell. */
	if (__builtin_sub_overflow(at_ns, t->anchor_ns, &since))
		since = at_ns < 0 ? INT64_MIN : INT64_MAX;
	return t->anchor_date_ms + since / t->speed / NS_PER_MS;
}

void timeline_set_speed(struct timeline *t, int64_t speed)
{
	int64_t now = timeline_now_ns(t);

	timeline_start(t, speed);
	t->anchor_ns = now;
}

void timeline_jump(struct timeline *t, int64_t to_ns)
{
	timeline_start(t, t->speed);
	t->anchor_ns = to_ns;
}
