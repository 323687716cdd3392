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
		assert_true(strlen(e->date) >= 4);
		assert_ptr_equal(reply_catalogue_find(c, e->name), e);
		count++;
	}
	assert_true(count >= 80);
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
		{"one", "a: {reply: 999 x, description: d, source: s, "
			"date: 2024}\n"
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

/* A date is a year, a month or a day. */
static void test_reply_catalogue_date(void **state)
{
	static const char *const good[] = {"2024", "2024-01", "2024-01-24"};
	static const char *const bad[] = {"24",		 "2024-1", "2024/01",
					  "2024-01-24x", "x024",   "yesterday"};
	char text[128];
	const struct reply_catalogue_file files[] = {{"one", text}, {0}};
	struct reply_catalogue *c;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text),
			 "a: {reply: 451 x, description: d, source: s, "
			 "date: %s}\n",
			 good[i]);
		assert_int_equal(reply_catalogue_new(files, NULL, &c), 0);
		assert_string_equal(reply_catalogue_at(c, 0)->date, good[i]);
		reply_catalogue_free(c);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
			 "a: {reply: 451 x, description: d, source: s, "
			 "date: %s}\n",
			 bad[i]);
		assert_int_equal(reply_catalogue_new(files, NULL, &c), -EINVAL);
	}
}

/* Every name is on the reference page. */
static void test_reply_catalogue_documented(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	const struct reply_catalogue_entry *e;
	struct reply_catalogue *c;
	char word[256], *page;
	size_t len;

	assert_int_equal(deadmx_yaml_read_file(arena,
					       TEST_DIR "/../docs/replies.md",
					       stderr, &page, &len),
			 0);
	assert_int_equal(reply_catalogue_new(reply_catalogue_files, stderr, &c),
			 0);
	for (size_t i = 0; (e = reply_catalogue_at(c, i)); i++) {
		const char *row, *end;

		snprintf(word, sizeof(word), "\n| `%s` | %s | %.8s", e->name,
			 e->description, e->reply);
		row = strstr(page, word);
		if (!row)
			fail_msg("%s is not documented", e->name);
		end = strchr(row + 1, '\n');
		snprintf(word, sizeof(word), " | %s |", e->date);
		if (strncmp(end - strlen(word), word, strlen(word)) != 0)
			fail_msg("%s has another date", e->name);
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
		"600 a",      "451 2.7.1", "250 4.0.0 x",  "354 3.0.0 x",
		"451 a\r\nb", "451 a\001", "451 a\n452 b", "451 {adress}"};
	static const char *const odd[] = {"451 5.7.3 a", "550 4.4.7 b",
					  "550-4.4.7 a\n550 4.4.7 b"};
	static const char *const even[] = {"451 4.7.3 a", "550 no", "451",
					   "250 2.0.0 x"};
	char why[256], *longest;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(reply_text_check(good[i], why, sizeof(why)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		assert_false(reply_text_check(bad[i], why, sizeof(why)));
		assert_true(why[0]);
	}
	/* Real servers mix 4 and 5: that is told, and allowed. */
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_true(reply_text_check(odd[i], why, sizeof(why)));
		assert_true(reply_text_is_odd(odd[i], why, sizeof(why)));
		assert_non_null(strstr(why, "RFC 2034"));
	}
	for (size_t i = 0; i < sizeof(even) / sizeof(even[0]); i++)
		assert_false(reply_text_is_odd(even[i], why, sizeof(why)));
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
		cmocka_unit_test(test_reply_catalogue_date),
		cmocka_unit_test(test_reply_catalogue_documented),
		cmocka_unit_test(test_reply_text_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
