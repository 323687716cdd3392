/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/timeline.c: scenario time faster than the loop's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/sim_timer.h"
#include "sim/timeline.h"

#define S DEADMX_NS_PER_S

/* @t as it is @host_ns after its anchor, whatever the clock says. */
static struct timeline at(const struct timeline *t, int64_t host_ns)
{
	struct timeline moved = *t;

	moved.anchor_host_ns = sim_timer_now_ns() - host_ns;
	return moved;
}

/* Time counts from the start, at the speed asked for. */
static void test_timeline_speed(void **state)
{
	static const int64_t speeds[] = {1, 60, DEADMX_WORLD_SPEED_MAX};
	struct timeline t, later;

	for (int i = 0; i < 3; i++) {
		timeline_start(&t, speeds[i]);
		later = at(&t, 10 * S);
		assert_true(timeline_now_ns(&later) >= 10 * S * speeds[i]);
		assert_true(timeline_now_ns(&later) < 20 * S * speeds[i]);
	}
}

/* The loop's wait is the shorter, rounded up; never below nothing. */
static void test_timeline_wait(void **state)
{
	struct timeline t;
	int64_t wait;

	timeline_start(&t, 60);
	wait = timeline_wait_ns(&t, 3600 * S);
	assert_true(wait <= 60 * S);
	assert_true(wait > 50 * S);
	t = at(&t, S);
	assert_int_equal(timeline_wait_ns(&t, 59 * S), 0);
	assert_int_equal(timeline_wait_ns(&t, 0), 0);
}

/* A new speed and a jump go on from here; neither moves time back. */
static void test_timeline_change(void **state)
{
	struct timeline t;
	int64_t before;

	timeline_start(&t, 60);
	t = at(&t, 10 * S);
	before = timeline_now_ns(&t);
	timeline_set_speed(&t, 1);
	assert_true(timeline_now_ns(&t) >= before);
	assert_true(timeline_now_ns(&t) < before + 600 * S);
	timeline_jump(&t, 108000 * S);
	assert_true(timeline_now_ns(&t) >= 108000 * S);
	assert_true(timeline_now_ns(&t) < 108010 * S);
	assert_int_equal(t.speed, 1);
}

/* Dates go with the loop's clock: at speed 60 an hour is a minute of it. */
static void test_timeline_date(void **state)
{
	struct timeline t;
	int64_t before = sim_timer_date_ms(), after;

	timeline_start(&t, 60);
	after = sim_timer_date_ms();
	assert_in_range(timeline_date_ms(&t, 0), before, after);
	assert_int_equal(timeline_date_ms(&t, 3600 * S),
			 t.anchor_date_ms + 60000);
	assert_int_equal(timeline_date_ms(&t, -3600 * S),
			 t.anchor_date_ms - 60000);
	timeline_set_speed(&t, 1);
	timeline_jump(&t, 108000 * S);
	assert_int_equal(timeline_date_ms(&t, 108001 * S),
			 t.anchor_date_ms + 1000);
	t.anchor_ns = DEADMX_FOREVER_NS - 1;
	assert_true(timeline_date_ms(&t, -3600 * S) < -INT64_C(6000000000000));
}

/* The end of time is reached, not passed. */
static void test_timeline_end(void **state)
{
	struct timeline t;

	timeline_start(&t, DEADMX_WORLD_SPEED_MAX);
	t = at(&t, 100 * 3600 * S);
	assert_int_equal(timeline_now_ns(&t), DEADMX_FOREVER_NS - 1);
	assert_int_equal(timeline_wait_ns(&t, DEADMX_FOREVER_NS - 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeline_speed),
		cmocka_unit_test(test_timeline_wait),
		cmocka_unit_test(test_timeline_change),
		cmocka_unit_test(test_timeline_date),
		cmocka_unit_test(test_timeline_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
