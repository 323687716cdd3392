/* SPDX-License-Identifier: MIT */
/* The table of several MTAs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/matrix.h"

enum {
	MATRIX_RUNS_MAX = 100,
};

static struct verdict v[MATRIX_RUNS_MAX];
static size_t count;
static char *text;

static struct verdict *matrix_run(const char *scenario, const char *target)
{
	struct verdict *one = &v[count++];

	one->scenario = strdup(scenario);
	one->target = strdup(target);
	return one;
}

static void matrix_render(void)
{
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(report_matrix(out, v, count), 0);
	fclose(out);
}

static int matrix_teardown(void **state)
{
	for (size_t i = 0; i < count; i++)
		verdict_release(&v[i]);
	count = 0;
	free(text);
	text = NULL;
	return 0;
}

/* A cell of each kind, one that was not run, one MTA that isn't there. */
static void test_report_matrix(void **state)
{
	struct verdict *one;

	matrix_run("offline/a", "postfix");
	one = matrix_run("offline/b", "postfix");
	verdict_find(one, "law/lost", SEVERITY_SHOULD, NULL, NULL, "first");
	verdict_find(one, "expect/ndr", SEVERITY_MUST, "b.yml:7", "one",
		     "no\x1bne");
	verdict_settle(one);
	one = matrix_run("offline/c", "postfix");
	verdict_find(one, "run/error", SEVERITY_ERROR, NULL, NULL, "disk full");
	verdict_settle(one);
	one = matrix_run("offline/a", "dma");
	verdict_find(one, "run/unsupported", SEVERITY_NOTE, NULL, "can",
		     "a.yml:3: has no dsn");
	one->kind = VERDICT_UNSUPPORTED;
	one = matrix_run("offline/b", "dma");
	verdict_find(one, "expect/ndr", SEVERITY_MUST, "b.yml:7", "one",
		     "none");
	one->findings[0].known = strdup("its choice");
	verdict_settle(one);
	for (const char *name = "abc"; *name; name++) {
		char scenario[] = "offline/?";

		scenario[8] = *name;
		one = matrix_run(scenario, "gone");
		verdict_find(one, "run/target-missing", SEVERITY_ERROR, NULL,
			     "an MTA", "no network");
		verdict_settle(one);
	}
	matrix_render();
	assert_string_equal(
		text, "scenario   postfix  dma      gone\n"
		      "offline/a  PASS     n/a      -\n"
		      "offline/b  FAIL     known    -\n"
		      "offline/c  ERROR             -\n"
		      "\npostfix\n"
		      "    ERROR  offline/c: error run/error: disk full\n"
		      "    FAIL   offline/b: must expect/ndr b.yml:7: expected "
		      "one, observed no?ne\n"
		      "\ndma\n"
		      "    known  offline/b: expect/ndr, its choice\n"
		      "    n/a    offline/a: a.yml:3: has no dsn\n"
		      "\ngone\n"
		      "    not here: no network\n"
		      "\n"
		      "           postfix  dma      gone\n"
		      "passed     1        0        0\n"
		      "failed     1        0        0\n"
		      "known      0        1        0\n"
		      "n/a        0        1        0\n"
		      "errors     1        0        0\n"
		      "not here   0        0        3\n");
}

/* All well: no findings. */
static void test_report_matrix_all_passed(void **state)
{
	matrix_run("a", "x");
	matrix_run("a", "y");
	matrix_render();
	assert_string_equal(text, "scenario  x      y\n"
				  "a         PASS   PASS\n"
				  "\n"
				  "          x      y\n"
				  "passed    1      1\n");
}

/* What a scenario weighs otherwise is told, passed or not. */
static void test_report_matrix_change(void **state)
{
	matrix_run("a", "x");
	verdict_changed(matrix_run("a", "y"), "law/duplicate", "should",
			"a relay", 2);
	matrix_render();
	assert_string_equal(text, "scenario  x      y\n"
				  "a         PASS   PASS\n"
				  "\n"
				  "    a on y: check law/duplicate is should "
				  "here (2 findings): a relay\n"
				  "\n"
				  "          x      y\n"
				  "passed    1      1\n");
}

/* Heads that have no room side by side stand on two lines, whole. */
static void test_report_matrix_is_narrow(void **state)
{
	static const char *const names[] = {
		"chasquid", "courier",	  "dma",       "exim",	  "haraka",
		"model",    "nullmailer", "opensmtpd", "postfix", "sendmail"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		matrix_run("extensions/all_but_one/ENHANCEDSTATUSCODES",
			   names[i]);
	matrix_render();
	assert_ptr_equal(
		strstr(text,
		       "scenario                                    chasquid   "
		       " "
		       "dma         haraka      nullmailer  postfix\n"
		       "                                                  "
		       "courier     exim        model       opensmtpd   "
		       "sendmail\n"
		       "extensions/all_but_one/ENHANCEDSTATUSCODES  PASS  PASS "
		       " "
		       "PASS  PASS  PASS  PASS  PASS  PASS  PASS  PASS\n"),
		text);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= MATRIX_WIDTH);
}

/* A very long name has a line alone; the cells stay in their columns. */
static void test_report_matrix_long_name(void **state)
{
	char name[MATRIX_NAME_MAX + 2];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	matrix_run(name, "x");
	matrix_run("a", "x");
	matrix_render();
	assert_memory_equal(text, "scenario  x\nnnnn", 16);
	assert_non_null(strstr(text, "nnn\n          PASS\n"));
	assert_non_null(strstr(text, "\na         PASS\n"));
	/* One byte less, and it is in the line of its cells. */
	v[0].scenario[MATRIX_NAME_MAX] = '\0';
	free(text);
	matrix_render();
	assert_non_null(strstr(text, "nnn  PASS\n"));
}

#define TEST(name) cmocka_unit_test_teardown(name, matrix_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_report_matrix),
		TEST(test_report_matrix_all_passed),
		TEST(test_report_matrix_change),
		TEST(test_report_matrix_is_narrow),
		TEST(test_report_matrix_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
