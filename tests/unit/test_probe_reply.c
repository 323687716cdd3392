/* SPDX-License-Identifier: MIT */
/* Replies of a probe: their form, their codes, their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/probe/probe_reply.h"

static struct probe_reply reply;

static int line(const char *text)
{
	return probe_reply_line(&reply, text, strlen(text));
}

static int setup(void **state)
{
	probe_reply_clear(&reply);
	return 0;
}

static void test_probe_reply_one_line(void **state)
{
	assert_int_equal(line("250 2.1.5 Ok"), 1);
	assert_int_equal(reply.code, 250);
	assert_string_equal(reply.status, "2.1.5");
	assert_true(reply.has_status);
	assert_string_equal(reply.text, "250 2.1.5 Ok");
}

static void test_probe_reply_many_lines(void **state)
{
	assert_int_equal(line("451-4.7.1 One"), 0);
	assert_int_equal(line("451-4.7.1 Two"), 0);
	assert_int_equal(line("451 4.7.1 Three"), 1);
	assert_int_equal(reply.code, 451);
	assert_string_equal(reply.status, "4.7.1");
	assert_string_equal(reply.text,
			    "451-4.7.1 One\n451-4.7.1 Two\n451 4.7.1 Three");
}

/* A code alone is a whole reply (RFC 5321 4.2). */
static void test_probe_reply_code_alone(void **state)
{
	assert_int_equal(line("421"), 1);
	assert_int_equal(reply.code, 421);
	assert_string_equal(reply.status, "4.0.0");
	assert_false(reply.has_status);
}

/* What looks like an enhanced code and is none is not taken for one. */
static void test_probe_reply_no_status(void **state)
{
	static const char *const texts[] = {
		"451 try later",  "451 5.7.1 of another class",
		"451 4.7 short",  "451 4.7.1234 long",
		"451 4..1 empty", "451 4.7.1.2 more",
		"451 4.x.1 word", "451 4.7.",
		"451 4.7.1x no",  "451"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		probe_reply_clear(&reply);
		assert_int_equal(line(texts[i]), 1);
		assert_false(reply.has_status);
		assert_string_equal(reply.status, "4.0.0");
	}
}

static void test_probe_reply_status_alone(void **state)
{
	assert_int_equal(line("550 5.1.10"), 1);
	assert_string_equal(reply.status, "5.1.10");
}

static void test_probe_reply_wrong_form(void **state)
{
	static const char *const texts[] = {
		"",	  "hello",  "25",     "2500 x",	 "150 x", "650 x",
		"2x0 ok", "250_ok", " 250 x", "\x1b[2J", "25\xff"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		probe_reply_clear(&reply);
		assert_int_equal(line(texts[i]), -EPROTO);
		assert_string_equal(reply.wrong, "no reply code");
		/* It is kept to be shown. */
		assert_string_equal(reply.text, texts[i]);
	}
}

static void test_probe_reply_code_changes(void **state)
{
	assert_int_equal(line("250-one"), 0);
	assert_int_equal(line("451 two"), -EPROTO);
	assert_string_equal(reply.wrong, "the code changes within the reply");
}

static void test_probe_reply_line_limit(void **state)
{
	static char text[PROBE_REPLY_LINE_MAX + 1];

	memset(text, 'x', sizeof(text));
	memcpy(text, "250 ", 4);
	assert_int_equal(probe_reply_line(&reply, text, sizeof(text)), -EPROTO);
	assert_string_equal(reply.wrong, "a line without end");
	probe_reply_clear(&reply);
	assert_int_equal(probe_reply_line(&reply, text, sizeof(text) - 1), 1);
}

static void test_probe_reply_lines_limit(void **state)
{
	for (int i = 0; i < PROBE_REPLY_LINES_MAX; i++)
		assert_int_equal(line("250-x"), 0);
	assert_int_equal(line("250 x"), -EPROTO);
	assert_string_equal(reply.wrong, "a reply without end");
}

static void test_probe_reply_bytes_limit(void **state)
{
	static char text[PROBE_REPLY_LINE_MAX];
	int rc = 0, lines = 0;

	memset(text, 'x', sizeof(text));
	memcpy(text, "250-", 4);
	while (rc == 0) {
		rc = probe_reply_line(&reply, text, sizeof(text));
		lines++;
	}
	assert_int_equal(rc, -EPROTO);
	assert_int_equal(lines, PROBE_REPLY_BYTES_MAX / PROBE_REPLY_LINE_MAX);
	assert_true(reply.len <= PROBE_REPLY_BYTES_MAX);
	assert_int_equal(strlen(reply.text), reply.len);
}

/* A NUL byte hides nothing that comes behind it. */
static void test_probe_reply_nul(void **state)
{
	assert_int_equal(probe_reply_line(&reply, "250 a\0b", 7), 1);
	assert_string_equal(reply.text, "250 a\xff"
					"b");
}

static void test_probe_reply_offers(void **state)
{
	line("250-mx.example STARTTLS");
	line("250-SIZE 1000");
	line("250-starttls");
	line("250-AUTH=PLAIN");
	line("250 STARTTLSX");
	assert_true(probe_reply_offers(&reply, "STARTTLS"));
	assert_true(probe_reply_offers(&reply, "SIZE"));
	assert_true(probe_reply_offers(&reply, "AUTH"));
	assert_false(probe_reply_offers(&reply, "SMTPUTF8"));
	assert_false(probe_reply_offers(&reply, "START"));
	/* The first line is a greeting, whatever stands in it. */
	probe_reply_clear(&reply);
	line("250 STARTTLS");
	assert_false(probe_reply_offers(&reply, "STARTTLS"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_probe_reply_one_line, setup),
		cmocka_unit_test_setup(test_probe_reply_many_lines, setup),
		cmocka_unit_test_setup(test_probe_reply_code_alone, setup),
		cmocka_unit_test_setup(test_probe_reply_no_status, setup),
		cmocka_unit_test_setup(test_probe_reply_status_alone, setup),
		cmocka_unit_test_setup(test_probe_reply_wrong_form, setup),
		cmocka_unit_test_setup(test_probe_reply_code_changes, setup),
		cmocka_unit_test_setup(test_probe_reply_line_limit, setup),
		cmocka_unit_test_setup(test_probe_reply_lines_limit, setup),
		cmocka_unit_test_setup(test_probe_reply_bytes_limit, setup),
		cmocka_unit_test_setup(test_probe_reply_nul, setup),
		cmocka_unit_test_setup(test_probe_reply_offers, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
