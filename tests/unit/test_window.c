/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/window.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/window.h"

#define FOREVER DEADMX_FOREVER_NS

/* The start belongs to it, the end does not. */
static void test_window_edges(void **unused)
{
	const struct deadmx_window w = {.from_ns = 10, .until_ns = 20};

	assert_false(window_is_open(&w, -5));
	assert_false(window_is_open(&w, 9));
	assert_true(window_is_open(&w, 10));
	assert_true(window_is_open(&w, 19));
	assert_false(window_is_open(&w, 20));
	assert_int_equal(window_next_edge(&w, -5), 10);
	assert_int_equal(window_next_edge(&w, 10), 20);
	assert_int_equal(window_next_edge(&w, 20), FOREVER);
}

static void test_window_for_ever(void **unused)
{
	const struct deadmx_window w = {.until_ns = FOREVER};

	assert_true(window_is_open(&w, INT64_MAX - 1));
	assert_int_equal(window_next_edge(&w, 0), FOREVER);
}

/* It comes back, up to its end. */
static void test_window_every(void **unused)
{
	const struct deadmx_window w = {
		.from_ns = 100, .until_ns = 250, .every_ns = 60, .for_ns = 20};

	assert_false(window_is_open(&w, 99));
	assert_true(window_is_open(&w, 119));
	assert_false(window_is_open(&w, 120));
	assert_true(window_is_open(&w, 160));
	assert_true(window_is_open(&w, 239));
	assert_false(window_is_open(&w, 250));
	assert_int_equal(window_next_edge(&w, 0), 100);
	assert_int_equal(window_next_edge(&w, 100), 120);
	assert_int_equal(window_next_edge(&w, 120), 160);
	assert_int_equal(window_next_edge(&w, 230), 240);
	assert_int_equal(window_next_edge(&w, 240), 250);
}

/* `first` counts anew each time it opens, `times` never does. */
static void test_window_counts(void **unused)
{
	const struct deadmx_window first = {
		.until_ns = FOREVER, .every_ns = 60, .for_ns = 20, .first = 2};
	struct deadmx_window times = first;
	struct window_count c = {0}, all = {0};

	times.first = 0;
	times.times = 3;
	for (int i = 0; i < 2; i++) {
		assert_true(window_holds(&first, &c, 1));
		window_take(&first, &c, 1);
		assert_true(window_holds(&times, &all, 1));
		window_take(&times, &all, 1);
	}
	assert_false(window_holds(&first, &c, 19));
	assert_false(window_holds(&first, &c, 30));
	assert_true(window_holds(&first, &c, 60));
	window_take(&first, &c, 60);
	assert_true(window_holds(&first, &c, 61));
	assert_true(window_holds(&times, &all, 60));
	window_take(&times, &all, 60);
	assert_false(window_holds(&times, &all, 61));
	assert_false(window_holds(&times, &all, 120));
}

static void test_window_covers(void **unused)
{
	const struct deadmx_window wide = {.until_ns = FOREVER};
	struct deadmx_window narrow = {.from_ns = 10, .until_ns = 20};
	struct deadmx_window flaps = {
		.until_ns = FOREVER, .every_ns = 60, .for_ns = 20};
	struct deadmx_window same = flaps;

	assert_true(window_covers(&wide, &narrow));
	assert_false(window_covers(&narrow, &wide));
	assert_true(window_covers(&wide, &flaps));
	assert_false(window_covers(&flaps, &narrow));
	same.for_ns = 10;
	assert_true(window_covers(&flaps, &same));
	assert_false(window_covers(&same, &flaps));
	narrow.from_ns = 0;
	narrow.until_ns = FOREVER;
	narrow.first = 1;
	assert_false(window_covers(&narrow, &wide));
	narrow.first = 0;
	narrow.times = 1;
	assert_false(window_covers(&narrow, &wide));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_edges),
		cmocka_unit_test(test_window_for_ever),
		cmocka_unit_test(test_window_every),
		cmocka_unit_test(test_window_counts),
		cmocka_unit_test(test_window_covers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
