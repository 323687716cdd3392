/* SPDX-License-Identifier: MIT */
/* Addresses as a person types them: what a probe takes and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "harness/probe/probe_address.h"

static struct probe_address address;

static void test_probe_address_good(void **state)
{
	static const struct {
		const char *text, *mailbox, *domain;
	} rows[] = {
		{"bob@dest.example", "bob@dest.example", "dest.example"},
		{"<bob@dest.example>", "bob@dest.example", "dest.example"},
		{"\"a b@c\"@dest.example", "\"a b@c\"@dest.example",
		 "dest.example"},
		{"b+x=y/z@xn--bcher-kva.example",
		 "b+x=y/z@xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"bob@localhost", "bob@localhost", "localhost"},
		{"a@_x.example", "a@_x.example", "_x.example"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(probe_address_parse(rows[i].text, &address));
		assert_string_equal(address.mailbox, rows[i].mailbox);
		assert_string_equal(address.domain, rows[i].domain);
		assert_false(address.is_utf8);
		assert_false(address.is_literal);
	}
}

static void test_probe_address_bad(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "there is no @"},
		{"bob", "there is no @"},
		{"dest.example", "there is no @"},
		{"@dest.example", "before the @ is missing"},
		{"bob@", "the domain is missing"},
		{"bob@dest.example.", "ends in a dot"},
		{"bob@.example", "has a character"},
		{"bob@a..example", "has a character"},
		{"bob@de st.example", "has a character"},
		{"bob@b\xc3\xbc.example", "xn--"},
		{"a b@dest.example", "needs quotes"},
		{"a<b@dest.example", "needs quotes"},
		{"a@b@dest.example", "needs quotes"},
		{"\"ab@dest.example", "quotes are not closed"},
		{"\"@dest.example", "quotes are not closed"},
		{"a\r\nDATA\r\n@dest.example", "control character"},
		{"\"a\r\nDATA\"@dest.example", "control character"},
		{"a@dest.example\r\nDATA", "has a character"},
		{"bob@[192.0.2.1", "expected [192.0.2.1]"},
		{"bob@[]", "expected [192.0.2.1]"},
		{"bob@[", "expected [192.0.2.1]"},
		{"bob@[IPv6:]", "expected [192.0.2.1]"},
		{"bob@[IPv6:192.0.2.1]", "expected [192.0.2.1]"},
		{"bob@[2001:db8::1]", "expected [192.0.2.1]"},
		{"bob@[host.example]", "expected [192.0.2.1]"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = probe_address_parse(rows[i].text, &address);

		if (!why || !strstr(why, rows[i].why))
			fail_msg("%s: %s", rows[i].text, why ? why : "taken");
	}
}

static void test_probe_address_literal(void **state)
{
	const struct sockaddr_in *v4 = (struct sockaddr_in *)&address.literal;

	assert_null(probe_address_parse("bob@[192.0.2.1]", &address));
	assert_true(address.is_literal);
	assert_int_equal(address.literal.ss_family, AF_INET);
	assert_int_equal(ntohl(v4->sin_addr.s_addr), 0xc0000201);
	assert_null(probe_address_parse("bob@[IPv6:2001:db8::1]", &address));
	assert_int_equal(address.literal.ss_family, AF_INET6);
}

static void test_probe_address_utf8(void **state)
{
	assert_null(probe_address_parse("b\xc3\xbc@dest.example", &address));
	assert_true(address.is_utf8);
}

static void test_probe_address_limits(void **state)
{
	char text[400];
	int n;

	n = snprintf(text, sizeof(text), "%0*d@dest.example",
		     PROBE_ADDRESS_LOCAL_MAX, 0);
	assert_true(n > 0);
	assert_null(probe_address_parse(text, &address));
	snprintf(text, sizeof(text), "%0*d@dest.example",
		 PROBE_ADDRESS_LOCAL_MAX + 1, 0);
	assert_non_null(probe_address_parse(text, &address));
	/* 4 labels of 63 and their dots are 255: two too many. */
	snprintf(text, sizeof(text), "a@%063d.%063d.%063d.%061d", 0, 0, 0, 0);
	assert_null(probe_address_parse(text, &address));
	assert_int_equal(strlen(address.domain), PROBE_ADDRESS_DOMAIN_MAX);
	snprintf(text, sizeof(text), "a@%063d.%063d.%063d.%062d", 0, 0, 0, 0);
	assert_non_null(probe_address_parse(text, &address));
	snprintf(text, sizeof(text), "a@%064d.example", 0);
	assert_non_null(probe_address_parse(text, &address));
	snprintf(text, sizeof(text), "%0*d@a", 399 - 2, 0);
	assert_non_null(probe_address_parse(text, &address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_address_good),
		cmocka_unit_test(test_probe_address_bad),
		cmocka_unit_test(test_probe_address_literal),
		cmocka_unit_test(test_probe_address_utf8),
		cmocka_unit_test(test_probe_address_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
