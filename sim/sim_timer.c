/* SPDX-License-Identifier: MIT */
/* Monotonic time and timers in ns: see sim_timer.h. */
#include "sim/sim_timer.h"

#include <assert.h>

#define NS_PER_MS 1000000

int64_t sim_timer_now_ns(void)
{
	return (int64_t)uv_hrtime();
}

int64_t sim_timer_date_ms(void)
{
	uv_timeval64_t now;
	int rc = uv_gettimeofday(&now);

	assert(rc == 0);
	return now.tv_sec * 1000 + now.tv_usec / 1000;
}

void sim_timer_start(uv_timer_t *timer, uv_timer_cb cb, int64_t delay_ns)
{
	uint64_t now_ms, due_ms = 0;
	int rc;

	/* libuv's milliseconds are rounded down, so the due one goes up. */
	uv_update_time(timer->loop);
	now_ms = uv_now(timer->loop);
	if (delay_ns > 0)
		due_ms = ((uint64_t)sim_timer_now_ns() + (uint64_t)delay_ns +
			  NS_PER_MS - 1) /
			 NS_PER_MS;
	rc = uv_timer_start(timer, cb, due_ms > now_ms ? due_ms - now_ms : 0,
			    0);
	assert(rc == 0);
}
