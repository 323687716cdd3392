/* SPDX-License-Identifier: MIT */
/* What a scenario does to the MTA itself: how it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/scenario.h"

static struct deadmx_scenario *scenario;
static char *errors;

static int teardown(void **state)
{
	deadmx_scenario_free(scenario);
	free(errors);
	scenario = NULL;
	errors = NULL;
	return 0;
}

/* 0, or what the parser returns; its words are in @errors. */
static int parse(const char *mta)
{
	char text[8192];
	size_t len;
	FILE *f = open_memstream(&errors, &len);
	int rc;

	assert_non_null(f);
	snprintf(text, sizeof(text),
		 "description: d\n"
		 "world:\n"
		 "  servers:\n"
		 "    mx.dest.example: {timeline: [{connect: refuse}]}\n"
		 "mta: %s\n"
		 "mail: {from: a@src.example, to: b@dest.example}\n"
		 "expect: {ndr: yes}\n",
		 mta);
	rc = deadmx_scenario_parse("t.yml", text, strlen(text), f, &scenario);
	fclose(f);
	return rc;
}

/* A list in the order of time. */
static void test_scenario_mta_list(void **state)
{
	assert_int_equal(parse("[{at: 1h, do: restart}, {at: 2h, do: kill}, "
			       "{at: 3h, do: stop}, {at: 4h, do: start}, "
			       "{at: 5h, do: disk_full}, "
			       "{at: 6h, do: disk_free}]"),
			 0);
	assert_int_equal(scenario->mta_step_count, DEADMX_MTA_COUNT);
	assert_int_equal(scenario->mta_steps[1].at_ns, 7200 * DEADMX_NS_PER_S);
	for (int i = 0; i < DEADMX_MTA_COUNT; i++)
		assert_int_equal(scenario->mta_steps[i].action, i);
}

/* One step needs no list. */
static void test_scenario_mta_one(void **state)
{
	assert_int_equal(parse("{at: 12h, do: restart}"), 0);
	assert_int_equal(scenario->mta_step_count, 1);
}

/* A word that is none. */
static void test_scenario_mta_word(void **state)
{
	assert_int_equal(parse("{at: 1h, do: reboot}"), -EINVAL);
	assert_non_null(strstr(errors, "restart, kill, stop, start, disk_full "
				       "or disk_free"));
}

/* Not in the order of time. */
static void test_scenario_mta_order(void **state)
{
	assert_int_equal(
		parse("[{at: 2h, do: restart}, {at: 1h, do: restart}]"),
		-EINVAL);
	assert_non_null(strstr(errors, "order of time"));
}

/* Started though it runs, and restarted though it is stopped. */
static void test_scenario_mta_state(void **state)
{
	assert_int_equal(parse("{at: 1h, do: start}"), -EINVAL);
	assert_non_null(strstr(errors, "the MTA runs then"));
	teardown(state);
	assert_int_equal(parse("[{at: 1h, do: stop}, {at: 2h, do: kill}]"),
			 -EINVAL);
	assert_non_null(strstr(errors, "the MTA is stopped then"));
}

/* The disk is filled and freed, whether the MTA runs or not. */
static void test_scenario_mta_disk(void **state)
{
	assert_int_equal(parse("[{at: 1h, do: disk_full}, {at: 2h, do: stop}, "
			       "{at: 3h, do: disk_free}, {at: 4h, do: start}]"),
			 0);
	teardown(state);
	assert_int_equal(parse("{at: 1h, do: disk_free}"), -EINVAL);
	assert_non_null(strstr(errors, "the disk is not full then"));
	teardown(state);
	assert_int_equal(
		parse("[{at: 1h, do: disk_full}, {at: 2h, do: disk_full}]"),
		-EINVAL);
	assert_non_null(strstr(errors, "the disk is full then"));
}

/* Counted from expiry: known, and in order, when expiry is. */
static void test_scenario_mta_expiry(void **state)
{
	char why[256];

	assert_int_equal(parse("[{at: 1d, do: restart}, "
			       "{at: expiry-1h, do: kill}]"),
			 0);
	assert_true(deadmx_scenario_set_expiry(
		scenario, 2 * 86400 * DEADMX_NS_PER_S, why, sizeof(why)));
	assert_int_equal(scenario->mta_steps[1].at_ns,
			 47 * 3600 * DEADMX_NS_PER_S);
	assert_false(deadmx_scenario_set_expiry(
		scenario, 25 * 3600 * DEADMX_NS_PER_S, why, sizeof(why)));
	assert_non_null(strstr(why, "does not come after the one before it"));
	teardown(state);
	assert_int_equal(parse("{at: expiry, do: kill}"), 0);
	teardown(state);
	assert_int_equal(parse("{at: expiry*2, do: kill}"), -EINVAL);
}

/* More than can be of use. */
static void test_scenario_mta_too_many(void **state)
{
	char list[8000] = "[", *end = list + 1;

	for (int i = 0; i <= DEADMX_SCENARIO_MTA_STEPS_MAX; i++)
		end += snprintf(end, 64, "%s{at: %dm, do: kill}", i ? ", " : "",
				i + 1);
	memcpy(end, "]", 2);
	assert_int_equal(parse(list), -EINVAL);
	assert_non_null(strstr(errors, "1 to 100 steps, got 101"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_scenario_mta_list),  TEST(test_scenario_mta_one),
		TEST(test_scenario_mta_word),  TEST(test_scenario_mta_order),
		TEST(test_scenario_mta_state), TEST(test_scenario_mta_too_many),
		TEST(test_scenario_mta_disk),  TEST(test_scenario_mta_expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
