/* SPDX-License-Identifier: MIT */
/* --filter: what testers type, and what they expect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/filter.h"

static bool takes(const char *expression)
{
	char *tags[] = {"expiry", "slow"};
	struct deadmx_scenario s = {.name = "tempfail/stages/rcpt-451",
				    .tags = tags,
				    .tag_count = 2};

	assert_true(filter_is_valid(expression));
	return filter_takes(expression, &s);
}

static void test_filter_name(void **state)
{
	assert_true(takes("tempfail/stages/rcpt-451"));
	assert_true(takes("tempfail"));
	assert_true(takes("stages"));
	assert_true(takes("tempfail/stages"));
	assert_true(takes("stages/rcpt-451"));
	assert_true(takes("rcpt-*"));
	assert_true(takes("*-45[12]"));
	assert_true(takes("tempfail/*"));
	assert_true(takes("*"));
	assert_false(takes("temp"));
	assert_false(takes("stages/rcpt"));
	assert_false(takes("offline"));
	assert_false(takes("TEMPFAIL"));
}

static void test_filter_tag(void **state)
{
	assert_true(takes("expiry"));
	assert_true(takes("slow"));
	assert_true(takes("sl?w"));
	assert_false(takes("fast"));
}

static void test_filter_list(void **state)
{
	assert_true(takes("offline,expiry"));
	assert_true(takes("expiry,offline"));
	assert_false(takes("offline,fast"));
}

/* "!" takes away, wherever it stands; alone it takes away from all. */
static void test_filter_not(void **state)
{
	assert_false(takes("!slow"));
	assert_true(takes("!fast"));
	assert_true(takes("!fast,!offline"));
	assert_false(takes("expiry,!slow"));
	assert_false(takes("!slow,expiry"));
	assert_true(takes("expiry,!fast"));
	assert_false(takes("offline,!fast"));
}

static void test_filter_valid(void **state)
{
	assert_false(filter_is_valid(""));
	assert_false(filter_is_valid(","));
	assert_false(filter_is_valid("a,"));
	assert_false(filter_is_valid(",a"));
	assert_false(filter_is_valid("a,,b"));
	assert_false(filter_is_valid("!"));
	assert_false(filter_is_valid("a,!"));
	assert_true(filter_is_valid("a,!b,c*"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter_name),
		cmocka_unit_test(test_filter_tag),
		cmocka_unit_test(test_filter_list),
		cmocka_unit_test(test_filter_not),
		cmocka_unit_test(test_filter_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
