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

#define ALL                                                                    \
	(SMTP_PARAM_SIZE | SMTP_PARAM_BODY | SMTP_PARAM_DSN | SMTP_PARAM_UTF8)

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
	{false, "FROM:<\xc3\xbc@b> SMTPUTF8", ALL, "\xc3\xbc@b", 0},
	{false, "FROM:<a@\xc3\xbc.b> smtputf8", ALL, "a@\xc3\xbc.b", 0},
	{false, "FROM:<\xc3\xbc@b>", ALL, NULL, 553},
	{false, "FROM:<\xc3@b> SMTPUTF8", ALL, NULL, 501},
	{false, "FROM:<\xff@b> SMTPUTF8", ALL, NULL, 501},
	{false, "FROM:<\xc3\xbc@b>", 0, NULL, 501},
	{false, "FROM:<a@b> SMTPUTF8", 0, NULL, 555},
	{false, "FROM:<a@b> SMTPUTF8=yes", ALL, NULL, 501},
	{true, "TO:<\xc3\xbc@b>", ALL, NULL, 553},
	{true, "TO:<a@b> ORCPT=utf-8;\xc3\xbc@b", ALL, "a@b", 0},
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
		struct smtp_param_mail mail = {0};
		int rc = r->rcpt ? smtp_param_rcpt(r->args, r->extensions,
						   false, &mail.path, &error)
				 : smtp_param_mail(r->args, r->extensions,
						   &mail, &error);

		if (error.code != r->code)
			fail_msg("%s: %d, expected %d", r->args, error.code,
				 r->code);
		assert_int_equal(rc < 0, r->code != 0);
		if (r->want)
			assert_string_equal(mail.path, r->want);
		else
			assert_null(mail.path);
		free(mail.path);
	}
}

/* SIZE's value comes back; one that doesn't fit is merely huge. */
static void test_smtp_param_size(void **state)
{
	struct smtp_param_error error;
	struct smtp_param_mail mail;

	assert_int_equal(
		smtp_param_mail("FROM:<> SIZE=1234", ALL, &mail, &error), 0);
	assert_int_equal(mail.size, 1234);
	assert_false(mail.utf8);
	free(mail.path);
	assert_int_equal(smtp_param_mail("FROM:<> SIZE=99999999999999999999",
					 ALL, &mail, &error),
			 0);
	assert_true(mail.size > UINT64_MAX / 1000);
	free(mail.path);
}

/* A recipient may be in UTF-8 when the sender asked for it. */
static void test_smtp_param_utf8(void **state)
{
	struct smtp_param_error error;
	struct smtp_param_mail mail;
	char *path;

	assert_int_equal(
		smtp_param_mail("FROM:<> SMTPUTF8", ALL, &mail, &error), 0);
	assert_true(mail.utf8);
	free(mail.path);
	assert_int_equal(smtp_param_rcpt("TO:<\xe2\x82\xac@b>", ALL, true,
					 &path, &error),
			 0);
	assert_string_equal(path, "\xe2\x82\xac@b");
	free(path);
}

/* ENVID and ORCPT: the limit passes, one more does not. */
static void test_smtp_param_limits(void **state)
{
	struct smtp_param_error error;
	struct smtp_param_mail mail;
	char args[1024], x[600];

	memset(x, 'x', sizeof(x));
	for (int over = 0; over < 2; over++) {
		snprintf(args, sizeof(args), "FROM:<a@b> ENVID=%.*s",
			 SMTP_PARAM_ENVID_MAX + over, x);
		mail.path = NULL;
		assert_int_equal(smtp_param_mail(args, ALL, &mail, &error) < 0,
				 over);
		free(mail.path);
		snprintf(args, sizeof(args), "TO:<a@b> ORCPT=rfc822;%.*s",
			 SMTP_PARAM_ORCPT_MAX - 7 + over, x);
		mail.path = NULL;
		assert_int_equal(smtp_param_rcpt(args, ALL, false, &mail.path,
						 &error) < 0,
				 over);
		free(mail.path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smtp_param_rows),
		cmocka_unit_test(test_smtp_param_size),
		cmocka_unit_test(test_smtp_param_utf8),
		cmocka_unit_test(test_smtp_param_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
