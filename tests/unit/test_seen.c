/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/seen.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/seen.h"

static int setup(void **state)
{
	*state = malloc(sizeof(struct seen));
	seen_init(*state);
	return 0;
}

static int teardown(void **state)
{
	seen_release(*state);
	free(*state);
	return 0;
}

static void expect(struct seen *seen, const char *key, int64_t now,
		   int64_t forget, int64_t first, uint32_t count)
{
	const struct seen_entry *e = seen_note(seen, key, now, forget);

	assert_int_equal(e->first_ns, first);
	assert_int_equal(e->count, count);
}

/* Each key has its own count and its own first time. */
static void test_seen_counts(void **state)
{
	expect(*state, "a", 5, INT64_MAX, 5, 1);
	expect(*state, "b", 6, INT64_MAX, 6, 1);
	expect(*state, "a", 9, INT64_MAX, 5, 2);
	expect(*state, "", 10, INT64_MAX, 10, 1);
	seen_clear(*state);
	expect(*state, "a", 11, INT64_MAX, 11, 1);
}

/* The time to forget runs from the last time, not from the first. */
static void test_seen_forgets(void **state)
{
	expect(*state, "a", 0, 10, 0, 1);
	expect(*state, "a", 10, 10, 0, 2);
	expect(*state, "a", 20, 10, 0, 3);
	expect(*state, "a", 31, 10, 31, 1);
	expect(*state, "a", 32, 10, 31, 2);
}

/* When it is full, the one that was not seen for the longest time goes. */
static void test_seen_limit(void **state)
{
	char key[32];

	for (int i = 0; i < SEEN_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		expect(*state, key, 0, INT64_MAX, 0, 1);
	}
	expect(*state, "0", 0, INT64_MAX, 0, 2);
	expect(*state, "new", 0, INT64_MAX, 0, 1);
	expect(*state, "0", 0, INT64_MAX, 0, 3);
	expect(*state, "2", 0, INT64_MAX, 0, 2);
	expect(*state, "1", 0, INT64_MAX, 0, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_seen_counts),
		T(test_seen_forgets),
		T(test_seen_limit),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
