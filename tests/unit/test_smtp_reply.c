/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/smtp_reply.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/smtp_reply.h"

static const struct deadmx_server server = {.name = "mx1.dest.example",
					    .address = "192.0.2.10"};

static void check(const char *text, const char *want)
{
	char *wire = smtp_reply_format(text, &server, "203.0.113.9");

	assert_string_equal(wire, want);
	free(wire);
}

/* One line, many lines, with and without their codes. */
static void test_smtp_reply_format(void **state)
{
	check("451 4.4.0 Down", "451 4.4.0 Down\r\n");
	check("451", "451 \r\n");
	check("451 a\nb\nc", "451-a\r\n451-b\r\n451 c\r\n");
	check("451-a\n451 b\n", "451-a\r\n451 b\r\n");
	check("451 a\n450 b", "451-a\r\n451 450 b\r\n");
	check("no code", "451 no code\r\n");
	check("250 a\r\nb\x01\x7f", "250-a\r\n250 b\x7f\r\n");
}

/* {address} and {host} are the server's, {client} is the client's. */
static void test_smtp_reply_placeholders(void **state)
{
	check("421 {host} [{address}]:25 {x} {addres",
	      "421 mx1.dest.example [192.0.2.10]:25 {x} {addres\r\n");
	check("421 {client}{", "421 203.0.113.9{\r\n");
}

/* Codes are three digits from 2xx to 5xx, then an end. */
static void test_smtp_reply_code(void **state)
{
	assert_int_equal(smtp_reply_code("250-x"), 250);
	assert_int_equal(smtp_reply_code("599"), 599);
	assert_int_equal(smtp_reply_code("4510"), 0);
	assert_int_equal(smtp_reply_code("150 x"), 0);
	assert_int_equal(smtp_reply_code("45"), 0);
	assert_int_equal(smtp_reply_code(""), 0);
}

/* What counts of a reply whose lines disagree: the last that has a code. */
static void test_smtp_reply_last_code(void **state)
{
	static const struct {
		const char *wire;
		int code;
	} rows[] = {{"250-a\r\n451 b\r\n", 451},
		    {"250 a\r\nb\r\n", 250},
		    {"250 a\n354 b", 354},
		    {"a\r\nb\r\n", 0},
		    {"", 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(smtp_reply_last_code(rows[i].wire,
						      strlen(rows[i].wire)),
				 rows[i].code);
	/* Not beyond its end. */
	assert_int_equal(smtp_reply_last_code("250 a\r\n451 b", 7), 250);
}

/* For the log: no CR, no NUL, and not without end. */
static void test_smtp_reply_plain(void **state)
{
	char longest[DEADMX_REPLY_LEN_MAX * 2 + 1], *plain;

	plain = smtp_reply_plain("250-a\r\n250 \0b\r\n", 15);
	assert_string_equal(plain, "250-a\n250 \xff"
				   "b");
	free(plain);
	memset(longest, 'x', sizeof(longest));
	plain = smtp_reply_plain(longest, sizeof(longest) - 1);
	assert_int_equal(strlen(plain), sizeof(longest) - 1);
	free(plain);
	plain = smtp_reply_plain(longest, sizeof(longest));
	assert_int_equal(strlen(plain), DEADMX_REPLY_LEN_MAX + strlen("…"));
	free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smtp_reply_format),
		cmocka_unit_test(test_smtp_reply_placeholders),
		cmocka_unit_test(test_smtp_reply_code),
		cmocka_unit_test(test_smtp_reply_last_code),
		cmocka_unit_test(test_smtp_reply_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
