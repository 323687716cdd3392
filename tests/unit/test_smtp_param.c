/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/smtp_param.c. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/smtp_param.h"

#define ALL (SMTP_PARAM_SIZE | SMTP_PARAM_BODY | SMTP_PARAM_DSN)

/* @want: the path, or the code of the error. */
static const struct row {
	bool rcpt;
	const char *args;
	unsigned extensions;
	const char *want;
	int code;
} rows[] = {
	{false, "FROM:<a@b.example>", 0, "a@b.example", 0},
	{false, "from: <a@b.example>", 0, "a@b.example", 0},
	{false, "FROM:<>", 0, "", 0},
	{false, "FROM:<\"a > b\\\"\"@c>", 0, "\"a > b\\\"\"@c", 0},
	{false, "FROM:<@x,@y:a@b>", 0, "a@b", 0},
	{false, "FROM:a@b", 0, NULL, 501},
	{false, "FROM:<a@b", 0, NULL, 501},
	{false, "FROM:<a@b>x", 0, NULL, 501},
	{false, "FROM:<a>", 0, NULL, 501},
	{false, "FROM:<a@>", 0, NULL, 501},
	{false, "FROM:<@b>", 0, NULL, 501},
	{false, "FROM:<a@b c>", 0, NULL, 501},
	{false, "TO:<a@b>", 0, NULL, 501},
	{false, "", 0, NULL, 501},
	{false, "FROM:<a@b> SIZE=10", ALL, "a@b", 0},
	{false, "FROM:<a@b> SIZE=10", 0, NULL, 555},
	{false, "FROM:<a@b> SIZE=", ALL, NULL, 501},
	{false, "FROM:<a@b> SIZE=1x", ALL, NULL, 501},
	{false, "FROM:<a@b> SIZE=123456789012345678901", ALL, NULL, 501},
	{false, "FROM:<a@b> size=1 SIZE=1", ALL, NULL, 501},
	{false, "FROM:<a@b> BODY=8bitmime  RET=HDRS ENVID=QQ+3D", ALL, "a@b",
	 0},
	{false, "FROM:<a@b> BODY=9BIT", ALL, NULL, 501},
	{false, "FROM:<a@b> RET=SOME", ALL, NULL, 501},
	{false, "FROM:<a@b> RET", ALL, NULL, 501},
	{false, "FROM:<a@b> ENVID=a+3d", ALL, NULL, 501},
	{false, "FROM:<a@b> ENVID=a+3", ALL, NULL, 501},
	{false, "FROM:<a@b> RET=FULL", SMTP_PARAM_SIZE, NULL, 555},
	{false, "FROM:<a@b> NOTIFY=NEVER", ALL, NULL, 555},
	{true, "TO:<a@b>", 0, "a@b", 0},
	{true, "TO:<Postmaster>", 0, "Postmaster", 0},
	{true, "TO:<>", 0, NULL, 501},
	{true, "TO:<a@b> NOTIFY=SUCCESS,delay ORCPT=rfc822;a@b", ALL, "a@b", 0},
	{true, "TO:<a@b> NOTIFY=NEVER", ALL, "a@b", 0},
	{true, "TO:<a@b> NOTIFY=NEVER,DELAY", ALL, NULL, 501},
	{true, "TO:<a@b> NOTIFY=DELAY,", ALL, NULL, 501},
	{true, "TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY", ALL, NULL, 501},
	{true, "TO:<a@b> ORCPT=a@b", ALL, NULL, 501},
	{true, "TO:<a@b> RET=FULL", ALL, NULL, 555},
	{true, "TO:<a@b> NOTIFY=DELAY", 0, NULL, 555},
};

/* Each row gives its path, or its error. */
static void test_smtp_param_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct smtp_param_error error = {0};
		char *path = NULL;
		uint64_t size = 0;
		int rc = r->rcpt ? smtp_param_rcpt(r->args, r->extensions,
						   &path, &error)
				 : smtp_param_mail(r->args, r->extensions,
						   &path, &size, &error);

		if (error.code != r->code)
			fail_msg("%s: %d, expected %d", r->args, error.code,
				 r->code);
		assert_int_equal(rc < 0, r->code != 0);
		if (r->want)
			assert_string_equal(path, r->want);
		else
			assert_null(path);
		free(path);
	}
}

/* SIZE's value comes back; one that doesn't fit is merely huge. */
static void test_smtp_param_size(void **state)
{
	struct smtp_param_error error;
	uint64_t size;
	char *path;

	assert_int_equal(
		smtp_param_mail("FROM:<> SIZE=1234", ALL, &path, &size, &error),
		0);
	assert_int_equal(size, 1234);
	free(path);
	assert_int_equal(smtp_param_mail("FROM:<> SIZE=99999999999999999999",
					 ALL, &path, &size, &error),
			 0);
	assert_true(size > UINT64_MAX / 1000);
	free(path);
}

/* ENVID and ORCPT: the limit passes, one more does not. */
static void test_smtp_param_limits(void **state)
{
	struct smtp_param_error error;
	char args[1024], x[600], *path;
	uint64_t size;

	memset(x, 'x', sizeof(x));
	for (int over = 0; over < 2; over++) {
		snprintf(args, sizeof(args), "FROM:<a@b> ENVID=%.*s",
			 SMTP_PARAM_ENVID_MAX + over, x);
		path = NULL;
		assert_int_equal(
			smtp_param_mail(args, ALL, &path, &size, &error) < 0,
			over);
		free(path);
		snprintf(args, sizeof(args), "TO:<a@b> ORCPT=rfc822;%.*s",
			 SMTP_PARAM_ORCPT_MAX - 7 + over, x);
		path = NULL;
		assert_int_equal(smtp_param_rcpt(args, ALL, &path, &error) < 0,
				 over);
		free(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smtp_param_rows),
		cmocka_unit_test(test_smtp_param_size),
		cmocka_unit_test(test_smtp_param_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
