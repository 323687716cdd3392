/* SPDX-License-Identifier: MIT */
/* How long a run will take: what is begun first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/run_length.h"

#define H (INT64_C(3600) * DEADMX_NS_PER_S)

struct row {
	const char *world, *expect;
	int64_t length_ns;
};

static struct deadmx_scenario *load(const struct row *row)
{
	char path[] = "/tmp/test_length.XXXXXX";
	struct deadmx_scenario *s = NULL;
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	fprintf(file,
		"description: d\n"
		"mail: {from: a@src.example, to: b@dest.example}\n"
		"world: {%s}\nexpect: {%s}\n",
		row->world, row->expect);
	fclose(file);
	assert_int_equal(deadmx_scenario_load(path, stderr, &s), 0);
	unlink(path);
	return s;
}

#define DEAD "servers: {mx.dest.example: {timeline: [{connect: refuse}]}}"
#define BACK                                                                   \
	"servers: {mx.dest.example: {timeline: [{connect: refuse, until: "     \
	"30h}]}}"

static void test_run_length(void **state)
{
	static const struct row rows[] = {
		/* As long as the target tries. */
		{DEAD, "ndr: yes", 48 * H},
		{DEAD, "ndr: {status: 4.4.1}", 48 * H},
		/* No longer than the scenario says. */
		{DEAD, "ndr: {after: 1h..3h}", 3 * H},
		{DEAD ", until: 7h", "ndr: yes", 7 * H},
		{DEAD, "ndr: none", 0},
		/* Until the last row has begun, or ended. */
		{BACK, "delivered: yes", 30 * H},
		{BACK, "delivered: {after: 30h..32h}", 32 * H},
		{"servers: {mx.dest.example: {timeline: [{from: 9h, rcpt: 451 "
		 "4.7.1 Later}]}}",
		 "ndr: none", 9 * H},
	};
	struct target target = {.documented = {.expires_after_ns = 48 * H}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct deadmx_scenario *s = load(&rows[i]);
		int64_t length_ns = run_length_ns(&target, s);

		deadmx_scenario_free(s);
		if (length_ns != rows[i].length_ns)
			fail_msg("row %zu: %lld h", i,
				 (long long)(length_ns / H));
	}
}

/* A target that documents no lifetime: five days. */
static void test_run_length_undocumented(void **state)
{
	static const struct row row = {DEAD, "ndr: yes", 0};
	struct target target = {0};
	struct deadmx_scenario *s = load(&row);
	int64_t length_ns = run_length_ns(&target, s);

	deadmx_scenario_free(s);
	assert_int_equal(length_ns, DEADMX_EXPIRY_DEFAULT_NS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_length),
		cmocka_unit_test(test_run_length_undocumented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
