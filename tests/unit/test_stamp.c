/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/clock/stamp.h"

#define NS	 INT64_C(1000000000)
#define START_NS (INT64_C(1893456000) * NS)

static int setup(void **state)
{
	static struct stamp_map map;

	*state = &map;
	return stamp_init(&map, true, START_NS);
}

static int teardown(void **state)
{
	stamp_release(*state);
	return 0;
}

/* A file written after a jump carries that jump's time, however close the
 * jumps are in host time. */
static void test_stamp_new_file_is_of_its_jump(void **state)
{
	struct stamp_map *map = *state;

	for (int i = 1; i <= 200; i++) {
		FILE *f;
		struct stat st;
		int64_t s;
		uint32_t ns;

		stamp_jump(map, START_NS + i * 3600 * NS);
		f = tmpfile();
		assert_non_null(f);
		assert_int_equal(fstat(fileno(f), &st), 0);
		fclose(f);
		s = st.st_mtim.tv_sec;
		ns = (uint32_t)st.st_mtim.tv_nsec;
		stamp_to_virtual(map, &s, &ns);
		/* Linux before 6.13 may be a tick, so some jumps, behind. */
		assert_true(s <= START_NS / NS + i * 3600);
		assert_true(s >= START_NS / NS);
	}
}

static void test_stamp_explicit_time_comes_back(void **state)
{
	static const int64_t times[] = {0, 1, 946684799, 1893456000,
					INT64_C(4102444800)};
	struct stamp_map *map = *state;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t s = stamp_to_stored_s(map, times[i]);
		uint32_t ns = 5;

		assert_true(s >= STAMP_BIAS_S);
		stamp_to_virtual(map, &s, &ns);
		assert_int_equal(s, times[i]);
		assert_int_equal(ns, 5);
	}
}

/* A file from before the run keeps its age. */
static void test_stamp_older_file_keeps_its_age(void **state)
{
	struct stamp_map *map = *state;
	int64_t s = map->epochs[0].host_ns / NS - 1000;
	uint32_t ns = (uint32_t)(map->epochs[0].host_ns % NS);

	stamp_to_virtual(map, &s, &ns);
	assert_int_equal(s, START_NS / NS - 1000);
	assert_int_equal(ns, 0);
}

static void test_stamp_without_bias_leaves_other_times(void **state)
{
	struct stamp_map map;
	int64_t s = 1000000000;
	uint32_t ns = 0;

	(void)state;
	assert_int_equal(stamp_init(&map, false, START_NS), 0);
	stamp_to_virtual(&map, &s, &ns);
	assert_int_equal(s, 1000000000);
	s = INT64_MAX;
	stamp_to_virtual(&map, &s, &ns);
	assert_true(s == INT64_MAX);
	assert_int_equal(stamp_to_stored_s(&map, 7), 7);
	stamp_release(&map);
}

/* Two jumps under one host stamp: later stamps belong to the second. */
static void test_stamp_epochs_stay_in_order(void **state)
{
	struct stamp_map *map = *state;

	for (int i = 1; i <= 3000; i++)
		stamp_jump(map, START_NS + i * NS);
	for (size_t i = 1; i < map->count; i++) {
		assert_true(map->epochs[i - 1].host_ns <
			    map->epochs[i].host_ns);
		assert_true(map->epochs[i - 1].virtual_ns <
			    map->epochs[i].virtual_ns);
	}
	assert_int_equal(map->epochs[map->count - 1].virtual_ns / NS,
			 START_NS / NS + 3000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_stamp_new_file_is_of_its_jump, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_stamp_explicit_time_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_stamp_older_file_keeps_its_age, setup, teardown),
		cmocka_unit_test(test_stamp_without_bias_leaves_other_times),
		cmocka_unit_test_setup_teardown(test_stamp_epochs_stay_in_order,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
