/* SPDX-License-Identifier: MIT */
/* One decoder of UTF-8 for all: sim/utf8.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "deadmx/utf8.h"

static void test_utf8_len(void **state)
{
	static const struct {
		const char *bytes;
		size_t left, len;
		uint32_t code;
	} rows[] = {
		{"a", 1, 1, 'a'},
		{"\xc3\xb6", 2, 2, 0xf6},
		{"\xe2\x82\xac", 3, 3, 0x20ac},
		{"\xf0\x9f\x93\xa7", 4, 4, 0x1f4e7},
		{"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
		{"\xc3\xb6", 1, 0, 0},	   /* breaks off */
		{"\xe2\x82", 3, 0, 0},	   /* the same, by what follows */
		{"\x80", 1, 0, 0},	   /* starts nothing */
		{"\xc0\xaf", 2, 0, 0},	   /* overlong */
		{"\xe0\x80\xaf", 3, 0, 0}, /* the same */
		{"\xed\xa0\x80", 3, 0, 0}, /* a surrogate */
		{"\xf4\x90\x80\x80", 4, 0, 0},
		{"\xf8\x88\x80\x80", 4, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t code = 0;

		assert_int_equal(
			deadmx_utf8_len((const unsigned char *)rows[i].bytes,
					rows[i].left, &code),
			rows[i].len);
		assert_int_equal(code, rows[i].code);
	}
}

static void test_utf8_printable(void **state)
{
	static const uint32_t good[] = {'\t',	'\n',	 '\r',	  ' ',
					'~',	0x85,	 0xa0,	  0xd7ff,
					0xfffd, 0x10000, 0x10ffff};
	static const uint32_t bad[] = {0,    7,	     0x1b,   0x7f,  0x80,
				       0x9f, 0xfeff, 0xfffe, 0xffff};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(deadmx_utf8_is_printable(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(deadmx_utf8_is_printable(bad[i]));
}

static void test_utf8_is_ascii(void **state)
{
	assert_true(deadmx_utf8_is_ascii(""));
	assert_true(deadmx_utf8_is_ascii("a\x7f\x01"));
	assert_false(deadmx_utf8_is_ascii("a\x80"));
	assert_false(deadmx_utf8_is_ascii("j\xc3\xbcrgen@dest.example"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8_len),
		cmocka_unit_test(test_utf8_is_ascii),
		cmocka_unit_test(test_utf8_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
