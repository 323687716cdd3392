/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/fault.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "sim/fault.h"

#define S(n) ((n)*DEADMX_NS_PER_S)

static struct deadmx_fault rows[] = {
	{.stage = DEADMX_STAGE_RCPT,
	 .action = DEADMX_ACTION_REPLY,
	 .from_ns = 0,
	 .until_ns = S(60),
	 .first = 2},
	{.stage = DEADMX_STAGE_RCPT,
	 .action = DEADMX_ACTION_STALL,
	 .from_ns = S(30),
	 .until_ns = S(90)},
	{.stage = DEADMX_STAGE_CONNECT,
	 .action = DEADMX_ACTION_REFUSE,
	 .from_ns = S(100),
	 .until_ns = DEADMX_FOREVER_NS},
};
static struct deadmx_server server = {
	.name = "mx", .faults = rows, .fault_count = 3};

static int setup(void **state)
{
	struct fault_table *t = calloc(1, sizeof(*t));

	*state = t;
	return fault_table_init(t, &server);
}

static int teardown(void **state)
{
	fault_table_release(*state);
	free(*state);
	return 0;
}

/* A window holds from its start, inclusive, to its end, exclusive. */
static void test_fault_window(void **state)
{
	struct fault_table *t = *state;

	assert_null(fault_peek(t, DEADMX_STAGE_RCPT, -1));
	assert_ptr_equal(fault_peek(t, DEADMX_STAGE_RCPT, 0), &rows[0]);
	assert_ptr_equal(fault_peek(t, DEADMX_STAGE_RCPT, S(60) - 1), &rows[0]);
	assert_ptr_equal(fault_peek(t, DEADMX_STAGE_RCPT, S(60)), &rows[1]);
	assert_null(fault_peek(t, DEADMX_STAGE_RCPT, S(90)));
	assert_null(fault_peek(t, DEADMX_STAGE_DATA, S(40)));
	assert_ptr_equal(fault_peek(t, DEADMX_STAGE_CONNECT, INT64_MAX - 1),
			 &rows[2]);
}

/* `first` counts what was applied, then the next row has its turn. */
static void test_fault_first(void **state)
{
	struct fault_table *t = *state;

	for (int round = 0; round < 2; round++) {
		fault_peek(t, DEADMX_STAGE_RCPT, S(40));
		for (int i = 0; i < 2; i++)
			assert_ptr_equal(
				fault_take(t, DEADMX_STAGE_RCPT, S(40)),
				&rows[0]);
		for (int i = 0; i < 3; i++)
			assert_ptr_equal(
				fault_take(t, DEADMX_STAGE_RCPT, S(40)),
				&rows[1]);
		assert_null(fault_take(t, DEADMX_STAGE_RCPT, S(10)));
		fault_table_clear(t);
	}
}

/* Edges are the starts and ends that are still to come. */
static void test_fault_edges(void **state)
{
	struct fault_table *t = *state;

	assert_int_equal(fault_next_edge(t, DEADMX_STAGE_RCPT, -1), 0);
	assert_int_equal(fault_next_edge(t, DEADMX_STAGE_RCPT, 0), S(30));
	assert_int_equal(fault_next_edge(t, DEADMX_STAGE_RCPT, S(60)), S(90));
	assert_int_equal(fault_next_edge(t, DEADMX_STAGE_RCPT, S(90)),
			 DEADMX_FOREVER_NS);
	assert_int_equal(fault_next_edge(t, DEADMX_STAGE_CONNECT, S(99)),
			 S(100));
	assert_int_equal(fault_next_edge(t, DEADMX_STAGE_CONNECT, S(100)),
			 DEADMX_FOREVER_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fault_window, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_fault_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_fault_edges, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
