/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/event.c and of docs/events.md against the map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/event.h"
#include "deadmx/scenario.h"

struct fixture {
	int64_t now_ns;
	char line[4096];
	int lines;
	struct deadmx_event_log *log;
};

static int64_t fixture_now(void *arg)
{
	return ((struct fixture *)arg)->now_ns;
}

static void fixture_sink(void *arg, const char *line, size_t len)
{
	struct fixture *f = arg;

	assert_true(len < sizeof(f->line));
	memcpy(f->line, line, len);
	f->line[len] = '\0';
	f->lines++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->log = deadmx_event_log_new(fixture_now, fixture_sink, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	deadmx_event_log_free(f->log);
	free(f);
	return 0;
}

/* An event is one compact line: t, type, then the members in their order. */
static void test_event_emit_line(void **state)
{
	struct fixture *f = *state;

	f->now_ns = 108000123456789;
	deadmx_event_emit(f->log, DEADMX_EVENT_LOG,
			  json_pack("{s:s}", "line", "a\nb"));
	assert_int_equal(f->lines, 1);
	assert_string_equal(
		f->line,
		"{\"t\":108000.123457,\"type\":\"log\",\"line\":\"a\\nb\"}");
}

/* The short way writes what jansson would, whatever the bytes and times. */
static void test_event_flat_same(void **state)
{
	static const int64_t times[] = {0,
					1,
					499,
					500,
					-500,
					99499,
					99500,
					100000,
					1000000,
					-1500000,
					10 * 1000000000L,
					123456789012345678,
					999999999999999999,
					1000000000000000000,
					-86400000000000,
					1100000000,
					1230000000};
	struct fixture *f = *state;
	char bytes[64], want[4096],
		*list[] = {(char *)("x\"y"), (char *)("\xff")};
	unsigned seed = 1;

	for (size_t i = 0; i < 20000; i++) {
		size_t len = i < 256 ? 1 : i % sizeof(bytes);
		struct deadmx_event_member members[] = {
			{.key = "a", .text = bytes, .len = len},
			{.key = "b",
			 .is_number = true,
			 .number = (int64_t)i - 9},
			{.key = "c"},
			{.key = "d", .list = list, .list_len = i % 3},
			{.key = "e", .is_true = true},
		};

		json_t *array;

		for (size_t k = 0; k < len; k++) {
			seed = seed * 1103515245 + 12345;
			bytes[k] = (char)(seed >> 16);
		}
		if (i < 256)
			bytes[0] = (char)i;
		array = json_array();
		for (size_t k = 0; k < i % 3; k++)
			json_array_append_new(
				array,
				deadmx_event_text(list[k], strlen(list[k])));
		f->now_ns = times[i % (sizeof(times) / sizeof(times[0]))];
		deadmx_event_emit(f->log, DEADMX_EVENT_LOG,
				  json_pack("{s:o,s:I,s:n,s:o,s:b}", "a",
					    deadmx_event_text(bytes, len), "b",
					    (json_int_t)i - 9, "c", "d", array,
					    "e", 1));
		memcpy(want, f->line, sizeof(want));
		deadmx_event_emit_flat(f->log, DEADMX_EVENT_LOG, members, 5);
		assert_string_equal(f->line, want);
	}
}

/* Times round to the nearest microsecond, before the origin too. */
static void test_event_time_rounding(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{0, "{\"t\":0.0,"},
		{499, "{\"t\":0.0,"},
		{500, "{\"t\":1e-6,"},
		{-1500000499, "{\"t\":-1.5,"},
		{-1500000500, "{\"t\":-1.500001,"},
		{432000000001000, "{\"t\":432000.000001,"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->now_ns = rows[i].ns;
		deadmx_event_emit(f->log, DEADMX_EVENT_JUMP, json_object());
		assert_memory_equal(f->line, rows[i].text,
				    strlen(rows[i].text));
	}
}

static void check_text(const char *in, size_t len, const char *want)
{
	json_t *text = deadmx_event_text(in, len);

	assert_string_equal(json_string_value(text), want);
	json_decref(text);
}

/* Valid UTF-8 stays; each bad byte becomes U+FFFD. */
static void test_event_text_utf8(void **state)
{
	check_text("a\xc3\xa4\xf0\x9f\x92\x80", 7, "a\xc3\xa4\xf0\x9f\x92\x80");
	check_text("x\xffy", 3, "x\xef\xbf\xbdy");
	check_text("\xc3", 1, "\xef\xbf\xbd");
	check_text("\xc0\x80", 2, "\xef\xbf\xbd\xef\xbf\xbd");
	check_text("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	check_text("a\0b", 3,
		   "a\xef\xbf\xbd"
		   "b");
}

/* Each type of the map has its row in docs/events.md with all its members. */
static void test_event_docs_in_step(void **state)
{
	static const char *const members[] = {
#define XX(uc, word, list) list,
		DEADMX_EVENT_MAP(XX)
#undef XX
	};
	FILE *page = fopen(TEST_DIR "/../docs/events.md", "re");
	char *text = calloc(1, 1 << 16);
	int rows = 0;

	assert_non_null(page);
	assert_true(fread(text, 1, (1 << 16) - 1, page) > 0);
	fclose(page);
	for (int i = 0; i < DEADMX_EVENT_COUNT; i++) {
		char head[64], list[128], *row, *rest = list;

		snprintf(head, sizeof(head), "\n| `%s` | ",
			 deadmx_event_word((enum deadmx_event_type)i));
		row = strstr(text, head);
		if (!row)
			fail_msg("no row for %s", head);
		row = strndup(row + 1, strcspn(row + 1, "\n"));
		snprintf(list, sizeof(list), "%s", members[i]);
		list[strcspn(list, "(")] = '\0';
		for (char *m; (m = strsep(&rest, " |[]?"));) {
			snprintf(head, sizeof(head), "`%s`", m);
			if (*m && strcmp(m, "null") != 0 && !strstr(row, head))
				fail_msg("row lacks %s: %s", head, row);
		}
		free(row);
	}
	for (char *p = strstr(text, "## Types"); (p = strstr(p, "\n| `")); p++)
		rows++;
	assert_int_equal(rows, DEADMX_EVENT_COUNT);
	free(text);
}

/* Words of stages and actions go round; others are refused. */
static void test_stage_words(void **state)
{
	enum deadmx_stage stage = DEADMX_STAGE_COUNT;
	enum deadmx_action action = DEADMX_ACTION_COUNT;

	for (int i = 0; i < DEADMX_STAGE_COUNT; i++) {
		const char *w = deadmx_stage_word((enum deadmx_stage)i);

		assert_int_equal(deadmx_stage_parse(w, &stage), 0);
		assert_int_equal(stage, i);
	}
	for (int i = 0; i < DEADMX_ACTION_COUNT; i++) {
		const char *w = deadmx_action_word((enum deadmx_action)i);

		assert_int_equal(deadmx_action_parse(w, &action), 0);
		assert_int_equal(action, i);
	}
	assert_string_equal(deadmx_stage_word(DEADMX_STAGE_DOT), "dot");
	assert_int_equal(deadmx_stage_parse("Dot", &stage), -EINVAL);
	assert_int_equal(deadmx_action_parse("", &action), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_event_emit_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_event_flat_same, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_event_time_rounding, setup,
						teardown),
		cmocka_unit_test(test_event_text_utf8),
		cmocka_unit_test(test_event_docs_in_step),
		cmocka_unit_test(test_stage_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
