/* SPDX-License-Identifier: MIT */
/* Retry rules in target files: what is read, and what is refused, where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/yaml.h"
#include "harness/target_retry.h"

#define S(n) ((n)*DEADMX_NS_PER_S)

struct fixture {
	struct deadmx_arena *arena;
	struct target_retry retry;
	char *said;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->arena = deadmx_arena_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	deadmx_arena_free(f->arena);
	free(f->said);
	free(f);
	return 0;
}

static int load(struct fixture *f, const char *text)
{
	struct deadmx_yaml doc;
	size_t size;
	FILE *errors;
	int r;

	free(f->said);
	f->said = NULL;
	f->retry = (struct target_retry){0};
	errors = open_memstream(&f->said, &size);
	r = deadmx_yaml_parse(&doc, f->arena, "t.yml", text, strlen(text),
			      errors);
	assert_int_equal(r, 0);
	target_retry_read(&doc, deadmx_yaml_get(doc.root, "retry"), &f->retry);
	r = deadmx_yaml_finish(&doc);
	fclose(errors);
	return r;
}

static const struct target_retry_step *take(void **state, const char *text,
					    size_t count)
{
	struct fixture *f = *state;

	if (load(f, text) != 0)
		fail_msg("%s", f->said);
	assert_int_equal(f->retry.count, count);
	return f->retry.steps;
}

static void refuse(void **state, const char *text, const char *words)
{
	struct fixture *f = *state;

	if (load(f, text) != -EINVAL)
		fail_msg("taken: %s", text);
	if (!strstr(f->said, words))
		fail_msg("expected \"%s\", got: %s", words, f->said);
	assert_int_equal(f->retry.count, 0);
}

static void test_retry_range(void **state)
{
	const struct target_retry_step *step =
		take(state, "retry: 5m..75m\n", 1);

	assert_true(step->is_range);
	assert_int_equal(step->base_ns, S(300));
	assert_int_equal(step->random_ns, S(4200));
}

static void test_retry_defaults(void **state)
{
	const struct target_retry_step *step =
		take(state, "retry: {base: 30m}\n", 1);

	assert_false(step->is_range);
	assert_false(step->is_age);
	assert_int_equal(step->base_ns, S(1800));
	assert_int_equal(step->factor_min, TARGET_RETRY_FACTOR_ONE);
	assert_int_equal(step->factor_max, TARGET_RETRY_FACTOR_ONE);
	assert_int_equal(step->add_ns, 0);
	assert_int_equal(step->cap_ns, 0);
	assert_int_equal(step->burst, 1);
	assert_int_equal(step->times, 0);
	assert_int_equal(step->from, TARGET_RETRY_FROM_END);
	assert_int_equal(step->since, TARGET_RETRY_SINCE_ARRIVAL);
}

static void test_retry_keys(void **state)
{
	const struct target_retry_step *step =
		take(state,
		     "retry:\n"
		     "- {base: 1m, factor: 1.5..2.25, add: 2s, cap: 1h,\n"
		     "   random: 59s, tick: 5m, from: start, until: 2h,\n"
		     "   since: failure, burst: 3, burst_gap: 5m, times: 7}\n"
		     "- {base: 1h, factor: age, cap: 3h, from: end}\n",
		     2);

	assert_int_equal(step->base_ns, S(60));
	assert_int_equal(step->factor_min, 1500);
	assert_int_equal(step->factor_max, 2250);
	assert_int_equal(step->add_ns, S(2));
	assert_int_equal(step->cap_ns, S(3600));
	assert_int_equal(step->random_ns, S(59));
	assert_int_equal(step->tick_ns, S(300));
	assert_int_equal(step->from, TARGET_RETRY_FROM_START);
	assert_int_equal(step->until_ns, S(7200));
	assert_int_equal(step->since, TARGET_RETRY_SINCE_FAILURE);
	assert_int_equal(step->burst, 3);
	assert_int_equal(step->burst_gap_ns, S(300));
	assert_int_equal(step->times, 7);
	assert_true(step[1].is_age);
	assert_int_equal(step[1].from, TARGET_RETRY_FROM_END);
}

static void test_retry_factors(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max;
	} rows[] = {
		{"1", 1000, 1000},	 {"2", 2000, 2000},
		{"1.5", 1500, 1500},	 {"1.125", 1125, 1125},
		{"100", 100000, 100000}, {"1..100", 1000, 100000},
	};
	static const char *const bad[] = {
		"0.9", "0",	  "100.1", "1.2345",
		"-2",  "2x",	  ".5",	   "2.",
		"1..", "..2",	  "x",	   "2..1.5",
		"[2]", "1.5...2", "''",	   "99999999999999999999",
	};
	char text[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct target_retry_step *step;

		snprintf(text, sizeof(text), "retry: {base: 1m, factor: %s}\n",
			 rows[i].text);
		step = take(state, text, 1);
		assert_int_equal(step->factor_min, rows[i].min);
		assert_int_equal(step->factor_max, rows[i].max);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "retry: {base: 1m, factor: %s}\n",
			 bad[i]);
		refuse(state, text,
		       "t.yml:1:27: factor, expected a number from 1 to 100");
	}
}

static void test_retry_refused(void **state)
{
	refuse(state, "retry: 5m\n", "t.yml:1:8: retry, expected a range");
	refuse(state, "retry: at least 5m\n", "a longest gap, too");
	refuse(state, "retry: []\n", "expected 1 to 20 steps, got 0");
	refuse(state, "retry: [5m]\n", "t.yml:1:9: ");
	refuse(state, "retry: {}\n", "expected base, tick or both");
	refuse(state, "retry: {base: 5m, cap: 1m}\n",
	       "t.yml:1:24: cap, expected no less than base, got \"1m\"");
	refuse(state, "retry: {base: 5m, burst: 3}\n",
	       "expected burst and burst_gap together");
	refuse(state, "retry: {base: 5m, burst_gap: 3m}\n",
	       "expected burst and burst_gap together");
	refuse(state, "retry: {base: 5m, burst: 1, burst_gap: 1m}\n",
	       "a number from 2 to 100");
	refuse(state, "retry: {base: 5m, factor: age}\n",
	       "expected a cap with factor: age");
	refuse(state, "retry: {base: 5m, since: failure}\n",
	       "t.yml:1:26: since, expected until beside it");
	refuse(state, "retry: {base: 5m, from: begin}\n",
	       "t.yml:1:25: from, expected end, start or arrival, got "
	       "\"begin\"");
	refuse(state, "retry: {base: 5m, since: birth, until: 1h}\n",
	       "expected arrival or failure");
	refuse(state, "retry: {base: 5m, times: 10001}\n",
	       "a number from 1 to 10000");
	refuse(state, "retry: {base: 5m, factr: 2}\n", "did you mean");
	refuse(state, "retry: {base: 5m, factor: 1.5..2, from: arrival}\n",
	       "expected a factor that is a number");
	refuse(state, "retry: [{base: 5m}, {base: 6m}]\n",
	       "t.yml:1:9: retry, expected until or times in a step that is "
	       "not the last");
	refuse(state,
	       "retry: [{base: 5m, until: 2h}, {base: 6m, until: 2h}, {base: "
	       "7m}]\n",
	       "t.yml:1:50: until, expected more than in the step before");
}

/* All errors at once, each at its place. */
static void test_retry_all_errors(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, "retry:\n"
				 "- {base: 5m, from: x, until: 1h}\n"
				 "- {base: 5m, factor: 0}\n"
				 "- {base: 1h, cap: 5m}\n"),
			 -EINVAL);
	assert_non_null(strstr(f->said, "t.yml:2:20: from"));
	assert_non_null(strstr(f->said, "t.yml:3:22: factor"));
	assert_non_null(strstr(f->said, "t.yml:3:3: retry, expected until"));
	assert_non_null(strstr(f->said, "t.yml:4:19: cap"));
}

static void test_retry_steps_max(void **state)
{
	char text[4096];
	size_t len = 0;

	len += (size_t)snprintf(text, sizeof(text), "retry:\n");
	for (int i = 0; i < TARGET_RETRY_STEPS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"- {base: 1m, times: %d}\n",
					TARGET_RETRY_TIMES_MAX);
	take(state, text, TARGET_RETRY_STEPS_MAX);
	snprintf(text + len, sizeof(text) - len, "- {base: 1m}\n");
	refuse(state, text, "expected 1 to 20 steps, got 21");
	take(state, "retry: {base: 1m, burst: 100, burst_gap: 1m}\n", 1);
	refuse(state, "retry: {base: 1m, burst: 101, burst_gap: 1m}\n",
	       "a number from 2 to 100");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_retry_range),	 T(test_retry_defaults),
		T(test_retry_keys),	 T(test_retry_factors),
		T(test_retry_refused),	 T(test_retry_all_errors),
		T(test_retry_steps_max),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
