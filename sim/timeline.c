/* SPDX-License-Identifier: MIT */
/* The scenario's time: see timeline.h. */
#include "sim/timeline.h"

#include <assert.h>

#include "sim/sim_timer.h"

void timeline_start(struct timeline *t, int64_t speed)
{
	assert(speed >= 1 && speed <= DEADMX_WORLD_SPEED_MAX);
	t->anchor_host_ns = sim_timer_now_ns();
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
