/* SPDX-License-Identifier: MIT */
/* Addresses of servers elsewhere, as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "harness/remote_address.h"

static void test_remote_address_parse(void **state)
{
	struct remote_address a;

	assert_int_equal(remote_address_parse("smtp://192.0.2.7:2525", &a), 0);
	assert_string_equal(a.host, "192.0.2.7");
	assert_int_equal(a.port, 2525);
	assert_int_equal(remote_address_parse("smtp://mail.example/", &a), 0);
	assert_string_equal(a.host, "mail.example");
	assert_int_equal(a.port, 25);
	assert_int_equal(remote_address_parse("smtp://a:65535/", &a), 0);
	assert_int_equal(a.port, 65535);
}

static void test_remote_address_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"mail.example",
		"smtps://mail.example",
		"smtp://",
		"smtp://:25",
		"smtp://a:",
		"smtp://a:0",
		"smtp://a:65536",
		"smtp://a:25x",
		"smtp://a b",
		"smtp://[::1]:25",
		"smtp://a:25/b",
		"smtp://a:000000000000000000000025",
	};
	struct remote_address a;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(remote_address_parse(wrong[i], &a), -EINVAL);
}

/* A name of 253 bytes is the longest that DNS has. */
static void test_remote_address_limit(void **state)
{
	char text[300] = "smtp://";
	struct remote_address a;

	memset(text + 7, 'a', REMOTE_ADDRESS_HOST_MAX - 1);
	assert_int_equal(remote_address_parse(text, &a), 0);
	text[7 + REMOTE_ADDRESS_HOST_MAX - 1] = 'a';
	assert_int_equal(remote_address_parse(text, &a), -EINVAL);
}

static void test_remote_address_resolve(void **state)
{
	struct remote_address a;
	char text[REMOTE_ADDRESS_TEXT_MAX];
	const char *why = NULL;

	assert_int_equal(remote_address_parse("smtp://127.0.0.1", &a), 0);
	assert_int_equal(remote_address_resolve(&a, text, &why), 0);
	assert_string_equal(text, "127.0.0.1");
	assert_int_equal(remote_address_parse("smtp://a..b", &a), 0);
	assert_int_equal(remote_address_resolve(&a, text, &why), -ENOENT);
	assert_non_null(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remote_address_parse),
		cmocka_unit_test(test_remote_address_refused),
		cmocka_unit_test(test_remote_address_limit),
		cmocka_unit_test(test_remote_address_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
