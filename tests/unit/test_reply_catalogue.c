/* SPDX-License-Identifier: MIT */
/* The reply catalogue that is compiled in, and faulty ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/reply_catalogue.h"
#include "deadmx/yaml.h"
#include "sim/reply_text.h"

/* Each shipped entry has all its parts and a reply that may be sent. */
static void test_reply_catalogue_shipped(void **state)
{
	const struct reply_catalogue_entry *e;
	struct reply_catalogue *c;
	size_t count = 0;
	char why[256];

	assert_int_equal(reply_catalogue_new(reply_catalogue_files, stderr, &c),
			 0);
	while ((e = reply_catalogue_at(c, count))) {
		assert_true(reply_text_check(e->reply, why, sizeof(why)));
		assert_true(strlen(e->description) > 10);
		assert_true(strlen(e->source) > 10);
		assert_ptr_equal(reply_catalogue_find(c, e->name), e);
		count++;
	}
	assert_true(count >= 15);
	e = reply_catalogue_find(c, "exchange/primary-target-socketerror");
	assert_non_null(e);
	assert_non_null(strstr(e->reply, "responded with: \"421 4.4.2 "
					 "Connection dropped due to "
					 "SocketError.\" Attempted failover"));
	assert_non_null(strstr(e->reply, "{address}"));
	assert_null(strchr(e->reply, '\n'));
	e = reply_catalogue_find(c, "exchange/proxy-session-setup-failed");
	assert_non_null(e);
	assert_int_equal(strncmp(e->reply, "450 4.7.0 Proxy session", 23), 0);
	assert_null(reply_catalogue_find(c, "exchange/none"));
	assert_null(reply_catalogue_at(c, count));
	reply_catalogue_free(c);
}

static void test_reply_catalogue_nearest(void **state)
{
	struct reply_catalogue *c;

	assert_int_equal(reply_catalogue_new(reply_catalogue_files, NULL, &c),
			 0);
	assert_string_equal(reply_catalogue_nearest(c, "exchange/sever-busy"),
			    "exchange/server-busy");
	assert_null(reply_catalogue_nearest(c, "x"));
	reply_catalogue_free(c);
}

/* All mistakes of a file are told, with file and line. */
static void test_reply_catalogue_faulty(void **state)
{
	const struct reply_catalogue_file files[] = {
		{"one", "a: {reply: 999 x, description: d, source: s}\n"
			"b: {reply: 451 x, sauce: s}\n"},
		{0}};
	struct reply_catalogue *c = NULL;
	char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	assert_int_equal(reply_catalogue_new(files, errors, &c), -EINVAL);
	fclose(errors);
	assert_non_null(strstr(said, "one.yml:1:12: reply, expected a code"));
	assert_non_null(strstr(said, "did you mean \"source\""));
	assert_non_null(strstr(said, "\"description\" is missing"));
	assert_null(c);
	free(said);
}

/* Every name is on the reference page. */
static void test_reply_catalogue_documented(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	const struct reply_catalogue_entry *e;
	struct reply_catalogue *c;
	char word[128], *page;
	size_t len;

	assert_int_equal(deadmx_yaml_read_file(arena,
					       TEST_DIR "/../docs/scenarios.md",
					       stderr, &page, &len),
			 0);
	assert_int_equal(reply_catalogue_new(reply_catalogue_files, stderr, &c),
			 0);
	for (size_t i = 0; (e = reply_catalogue_at(c, i)); i++) {
		snprintf(word, sizeof(word), "\n| `%s` | ", e->name);
		if (!strstr(page, word) || !strstr(page, e->description))
			fail_msg("%s is not documented", e->name);
	}
	reply_catalogue_free(c);
	deadmx_arena_free(arena);
}

static void test_reply_text_check(void **state)
{
	static const char *const good[] = {"451 4.7.1 Try again later",
					   "250 ok",
					   "421",
					   "354 go on",
					   "451-4.7.1 a\n451 4.7.1 b",
					   "451 a\nb",
					   "550 5.1.1",
					   "451 4.7",
					   "451 4.7.1.2 no code",
					   "451 {address} {host} {} { x }"};
	static const char *const bad[] = {
		"",	      "45",	   "451x",	   "199 a",
		"600 a",      "451 5.7.1", "250 4.0.0 x",  "354 3.0.0 x",
		"451 a\r\nb", "451 a\001", "451 a\n452 b", "451 {adress}"};
	char why[256], *longest;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(reply_text_check(good[i], why, sizeof(why)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		assert_false(reply_text_check(bad[i], why, sizeof(why)));
		assert_true(why[0]);
	}
	longest = malloc(DEADMX_REPLY_LEN_MAX + 2);
	memset(longest, 'x', DEADMX_REPLY_LEN_MAX + 1);
	memcpy(longest, "451 ", 4);
	longest[DEADMX_REPLY_LEN_MAX + 1] = '\0';
	assert_false(reply_text_check(longest, why, sizeof(why)));
	longest[DEADMX_REPLY_LEN_MAX] = '\0';
	assert_true(reply_text_check(longest, why, sizeof(why)));
	free(longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply_catalogue_shipped),
		cmocka_unit_test(test_reply_catalogue_nearest),
		cmocka_unit_test(test_reply_catalogue_faulty),
		cmocka_unit_test(test_reply_catalogue_documented),
		cmocka_unit_test(test_reply_text_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
