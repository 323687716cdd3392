/* SPDX-License-Identifier: MIT */
/* Durations and dates as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "deadmx/scenario.h"

static void test_duration_units(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{"0", 0},
		{"0s", 0},
		{"30s", 30 * DEADMX_NS_PER_S},
		{"250ms", 250 * INT64_C(1000000)},
		{"5m", 300 * DEADMX_NS_PER_S},
		{"5m250ms", 300 * DEADMX_NS_PER_S + 250 * INT64_C(1000000)},
		{"4h30m", 16200 * DEADMX_NS_PER_S},
		{"5d0h20m", 433200 * DEADMX_NS_PER_S},
		{"36500d", INT64_C(36500) * 86400 * DEADMX_NS_PER_S},
	};
	int64_t ns;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ns = -1;
		assert_int_equal(deadmx_duration_parse(rows[i].text, &ns), 0);
		assert_int_equal(ns, rows[i].ns);
	}
}

/* A faulty text is told apart from one that is too large. */
static void test_duration_faulty(void **state)
{
	static const char *const wrong[] = {"",	  "5",	 "05",	 "-5m",	 "m",
					    "5x", "5 m", "1m2h", "1h1h", "1.5h",
					    "5M", "h5",	 "5mm",	 "5ms1s"};
	static const char *const large[] = {
		"36501d", "36500d1s", "9999999999999999s", "999999999999999d"};
	int64_t ns = 7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(deadmx_duration_parse(wrong[i], &ns), -EINVAL);
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		assert_int_equal(deadmx_duration_parse(large[i], &ns), -ERANGE);
	assert_int_equal(ns, 7);
}

static void test_duration_format(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{0, "0 s"},
		{DEADMX_NS_PER_S, "1 s"},
		{90 * DEADMX_NS_PER_S, "1 min 30 s"},
		{3600 * DEADMX_NS_PER_S, "1 h"},
		{433200 * DEADMX_NS_PER_S, "5 d 0 h 20 min"},
		{86401 * DEADMX_NS_PER_S, "1 d 0 h 0 min 1 s"},
		{1250 * INT64_C(1000000), "1.250 s"},
		{999, "0 s"},
		{-5 * DEADMX_NS_PER_S, "minus 5 s"},
		{DEADMX_FOREVER_NS, "for ever"},
	};
	char buf[64], tiny[4];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
			deadmx_duration_format(rows[i].ns, buf, sizeof(buf)),
			rows[i].text);
	/* What does not fit is cut, not written past the end. */
	deadmx_duration_format(433200 * DEADMX_NS_PER_S, tiny, sizeof(tiny));
	assert_true(strlen(tiny) < sizeof(tiny));
	deadmx_duration_format(INT64_MIN, buf, sizeof(buf));
	assert_non_null(strstr(buf, "minus"));
}

static void test_date_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1999-12-31T23:59:59Z", 946684799},
		{"2000-02-29", 951782400},
		{"2030-01-01T00:00:00Z", 1893456000},
		{"2038-01-19T03:14:08Z", INT64_C(2147483648)},
		{"2100-12-31T23:59:59Z", INT64_C(4133980799)},
	};
	static const char *const wrong[] = {"", "2030", "2030-1-1",
					    "2030-01-01 00:00:00",
					    "2030-01-01T00:00:00+01:00"};
	static const char *const none[] = {
		"1969-12-31", "2101-01-01",	     "2030-02-29",
		"2100-02-29", "2030-13-01",	     "2030-00-01",
		"2030-01-00", "2030-01-01T24:00:00Z"};
	int64_t s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(deadmx_date_parse(rows[i].text, &s), 0);
		assert_int_equal(s, rows[i].s);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(deadmx_date_parse(wrong[i], &s), -EINVAL);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(deadmx_date_parse(none[i], &s), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration_units),
		cmocka_unit_test(test_duration_faulty),
		cmocka_unit_test(test_duration_format),
		cmocka_unit_test(test_date_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
