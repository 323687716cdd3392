/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/message.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/message.h"

static char *to[] = {(char *)"a@d.example", (char *)"b@d.example"};

/* The whole message, to the byte. */
static void test_message_format(void **state)
{
	struct deadmx_mail mail = {.from = (char *)"s@x.example",
				   .to = to,
				   .to_count = 2,
				   .subject = (char *)"A\nB",
				   .body = (char *)"one\r\n.two"};
	size_t len;
	char *text = message_format(&mail, 7, 2147483648, &len);

	assert_string_equal(text, "From: <s@x.example>\n"
				  "To: <a@d.example>,\n\t<b@d.example>\n"
				  "Subject: A B\n"
				  "Date: Tue, 19 Jan 2038 03:14:08 +0000\n"
				  "Message-ID: <deadmx-7@x.example>\n"
				  "\n"
				  "one\n.two\n");
	assert_int_equal(len, strlen(text));
	free(text);
}

/* Lines are added to the byte, counted as they are sent, or none. */
static void test_message_size(void **state)
{
	struct deadmx_mail mail = {.from = (char *)"s@x.example",
				   .to = to,
				   .to_count = 1,
				   .subject = (char *)"A"};

	for (uint64_t size = 1; size < 1000; size++) {
		size_t len, sent = 0;
		char *text, *body;

		mail.body = (char *)(size % 2 ? "one\ntwo" : "");
		mail.size = size;
		text = message_format(&mail, 0, 0, &len);
		body = strstr(text, "\n\n") + 2;
		for (const char *at = body; *at; at++)
			sent += *at == '\n' ? 2 : 1;
		if (size % 2 && size < 12)
			assert_int_equal(sent, 10);
		else
			assert_int_equal(sent, size);
		assert_int_equal(text[len - 1], '\n');
		free(text);
	}
}

/* A null reverse-path, no subject, no body: still a message. */
static void test_message_null_sender(void **state)
{
	struct deadmx_mail mail = {.from = (char *)"", .to = to, .to_count = 1};
	size_t len;
	char *text = message_format(&mail, 0, 915148800, &len);

	assert_string_equal(text, "From: <mailer-daemon@deadmx.example>\n"
				  "To: <a@d.example>\n"
				  "Subject: \n"
				  "Date: Fri, 1 Jan 1999 00:00:00 +0000\n"
				  "Message-ID: <deadmx-0@deadmx.example>\n"
				  "\n");
	free(text);
}

/* UTF-8: the subject in encoded words, the body declared. */
static void test_message_utf8(void **state)
{
	struct deadmx_mail mail = {
		.from = (char *)"s@x.example",
		.to = to,
		.to_count = 1,
		.subject = (char *)"1234567890123456789\xc3\xa4 x",
		.body = (char *)"\xc3\xa4\n"};
	size_t len;
	char *text = message_format(&mail, 0, 0, &len);

	assert_non_null(strstr(text, "Subject: "
				     "=?utf-8?Q?1234567890123456789?=\n "
				     "=?utf-8?Q?=C3=A4=20x?=\n"));
	assert_non_null(strstr(text, "Content-Transfer-Encoding: 8bit\n\n"
				     "\xc3\xa4\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_format),
		cmocka_unit_test(test_message_size),
		cmocka_unit_test(test_message_null_sender),
		cmocka_unit_test(test_message_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
