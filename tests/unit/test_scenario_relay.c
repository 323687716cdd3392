/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/scenario_relay.c: frontends in the language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"

#define HEAD "description: d\nworld:\n  servers:\n"
#define TAIL                                                                   \
	"mail: {from: a@src.example, to: b@dest.example}\n"                    \
	"expect: {ndr: yes}\n"
#define BACKEND                                                                \
	"    box.dest.example: {mx_for: [], timeline: [{connect: refuse}]}\n"
#define FRONTEND(relay) HEAD "    mx.dest.example: {relay: " relay "}\n" BACKEND

/* What the last parse said; freed by the teardown. */
static char *said;

static int teardown(void **state)
{
	free(said);
	said = NULL;
	deadmx_scenario_free(*state);
	return 0;
}

static struct deadmx_scenario *parse(void **state, const char *text)
{
	struct deadmx_scenario *s = NULL;
	FILE *errors;
	size_t size;

	free(said);
	said = NULL;
	deadmx_scenario_free(*state);
	*state = NULL;
	errors = open_memstream(&said, &size);
	deadmx_scenario_parse("x/t.yml", text, strlen(text), errors, &s);
	fclose(errors);
	*state = s;
	return s;
}

static const struct deadmx_relay *parse_relay(void **state, const char *text)
{
	struct deadmx_scenario *s = parse(state, text);

	if (!s)
		fail_msg("%s", said);
	assert_non_null(s->world.servers[0].relay);
	return s->world.servers[0].relay;
}

/* @text must be refused with words that hold @words. */
static void refuse(void **state, const char *text, const char *words)
{
	if (parse(state, text))
		fail_msg("taken: %s", text);
	if (!strstr(said, words))
		fail_msg("no \"%s\" in: %s", words, said);
}

/* A name is enough; the rest is by default. */
static void test_relay_short(void **state)
{
	const struct deadmx_relay *r =
		parse_relay(state, FRONTEND("box.dest.example") TAIL);

	assert_int_equal(r->at, DEADMX_STAGE_DOT);
	assert_int_equal(r->timeout_ns, 30 * DEADMX_NS_PER_S);
	assert_int_equal(r->wrap, DEADMX_WRAP_EXCHANGE);
	assert_int_equal(r->row_count, 1);
	assert_int_equal(r->rows[0].backend_count, 1);
	assert_string_equal(r->rows[0].backends[0].name, "box.dest.example");
	assert_null(r->rows[0].backends[0].address);
}

/* A backend has no domain of its own. */
static void test_relay_mx_for_none(void **state)
{
	struct deadmx_scenario *s =
		parse(state, FRONTEND("box.dest.example") TAIL);

	assert_non_null(s);
	assert_int_equal(s->world.servers[0].mx_for_count, 1);
	assert_int_equal(s->world.servers[1].mx_for_count, 0);
}

static void test_relay_long(void **state)
{
	const struct deadmx_relay *r = parse_relay(
		state,
		FRONTEND("{to: [box.dest.example, 192.0.2.20, "
			 "\"198.51.100.7:2525\", \"2001:db8::7\", "
			 "\"[2001:db8::7]:26\"], at: rcpt, timeout: 90s, "
			 "wrap: 'plain', timeline: [{until: 30h, first: 2, to: "
			 "192.0.2.99}]}") TAIL);
	const struct deadmx_backend *b = r->rows[1].backends;

	assert_int_equal(r->at, DEADMX_STAGE_RCPT);
	assert_int_equal(r->timeout_ns, 90 * DEADMX_NS_PER_S);
	assert_int_equal(r->wrap, DEADMX_WRAP_PLAIN);
	assert_int_equal(r->row_count, 2);
	assert_int_equal(r->rows[0].window.until_ns,
			 INT64_C(30) * 3600 * DEADMX_NS_PER_S);
	assert_int_equal(r->rows[0].window.first, 2);
	assert_string_equal(r->rows[0].backends[0].address, "192.0.2.99");
	assert_int_equal(r->rows[1].backend_count, 5);
	assert_string_equal(b[1].address, "192.0.2.20");
	assert_int_equal(b[1].port, 25);
	assert_string_equal(b[2].address, "198.51.100.7");
	assert_int_equal(b[2].port, 2525);
	assert_string_equal(b[3].address, "2001:db8::7");
	assert_int_equal(b[3].port, 25);
	assert_string_equal(b[4].address, "2001:db8::7");
	assert_int_equal(b[4].port, 26);
}

static void test_relay_own_words(void **state)
{
	const struct deadmx_relay *r = parse_relay(
		state, FRONTEND("{to: box.dest.example, wrap: \"450 4.4.2 "
				"Sorry: {error}\"}") TAIL);

	assert_int_equal(r->wrap, DEADMX_WRAP_OWN);
	assert_string_equal(r->reply, "450 4.4.2 Sorry: {error}");
}

/* An address of nobody is broken enough: no timeline is asked for. */
static void test_relay_to_nobody(void **state)
{
	parse_relay(state,
		    HEAD "    mx.dest.example: {relay: 192.0.2.99}\n" TAIL);
	refuse(state,
	       HEAD "    mx.dest.example: {relay: 192.0.2.99}\n"
		    "    box.example.com: {address: 192.0.2.99}\n" TAIL,
	       "nothing would be tested");
}

static void test_relay_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{FRONTEND("") TAIL, "relay, expected a backend"},
		{FRONTEND("[]") TAIL, "expected 1 to 20 backends, got 0"},
		{FRONTEND("{at: rcpt}") TAIL, "\"to\" is missing"},
		{FRONTEND("bux.dest.example") TAIL,
		 "did you mean \"box.dest.example\"?"},
		{FRONTEND("mx.dest.example") TAIL,
		 "mail would come back to mx.dest.example"},
		{HEAD "    mx.dest.example: {relay: box.dest.example}\n"
		      "    box.dest.example: {relay: [192.0.2.1, "
		      "mx.dest.example]}\n" TAIL,
		 "mail would come back"},
		{HEAD "    mx.dest.example: {address: 192.0.2.7, relay: "
		      "192.0.2.7}\n" TAIL,
		 "mail would come back"},
		{FRONTEND("10.0.0.1") TAIL, "networks for tests"},
		{FRONTEND("\"2001:db9::1\"") TAIL, "networks for tests"},
		{FRONTEND("192.0.2.20:0") TAIL, "expected a server"},
		{FRONTEND("192.0.2.20:65536") TAIL, "expected a server"},
		{FRONTEND("\"[2001:db8::1\"") TAIL, "expected a server"},
		{FRONTEND("\"[2001:db8::1]25\"") TAIL, "expected a server"},
		{FRONTEND("192.0.2.20x") TAIL, "server of the world"},
		{FRONTEND("{to: box.dest.example, at: quit}") TAIL,
		 "at, expected mail, rcpt, data or dot"},
		{FRONTEND("{to: box.dest.example, timeout: 0}") TAIL,
		 "a time above 0"},
		{FRONTEND("{to: box.dest.example, wrap: exchang}") TAIL,
		 "did you mean \"exchange\"?"},
		{FRONTEND("{to: box.dest.example, wrap: 451 2.4.0 X}") TAIL,
		 "wrap, "},
		{FRONTEND("{to: box.dest.example, wrap: \"451 {what}\"}") TAIL,
		 "unknown placeholder {what}"},
		{FRONTEND("{to: box.dest.example, timeline: no}") TAIL,
		 "timeline, expected a list"},
		{FRONTEND("{to: box.dest.example, timeline: [{until: 1h}]}")
			 TAIL,
		 "\"to\" is missing"},
		{FRONTEND("{to: box.dest.example, timeline: [{from: 8d, to: "
			  "192.0.2.1}]}") TAIL,
		 "this row never applies"},
		{FRONTEND("{to: box.dest.example, timeline: [{from: 2h, until: "
			  "1h, to: 192.0.2.1}]}") TAIL,
		 "a time after from"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		refuse(state, rows[i].text, rows[i].words);
}

static void test_relay_limits(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fputs(HEAD "    mx.dest.example:\n      relay: [", out);
	for (int i = 0; i <= DEADMX_RELAY_BACKENDS_MAX; i++)
		fprintf(out, "192.0.2.%d, ", i + 1);
	fputs("]\n" TAIL, out);
	fclose(out);
	refuse(state, text, "expected 1 to 20 backends, got 21");
	free(text);
	out = open_memstream(&text, &len);
	fputs(HEAD "    mx.dest.example:\n      relay:\n        to: 192.0.2.1\n"
		   "        timeline:\n",
	      out);
	for (int i = 0; i <= DEADMX_RELAY_ROWS_MAX; i++)
		fputs("          - {first: 1, to: 192.0.2.2}\n", out);
	fputs(TAIL, out);
	fclose(out);
	refuse(state, text, "at most 100 rows");
	free(text);
}

/* Each way to word a failure stands on the reference page. */
static void test_relay_documented(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	char row[256], *page;
	size_t len;

	assert_int_equal(deadmx_yaml_read_file(arena,
					       TEST_DIR "/../docs/scenarios.md",
					       stderr, &page, &len),
			 0);
#define XX(uc, word, doc)                                                      \
	snprintf(row, sizeof(row), "\n| `%s` | %s |", word, doc);              \
	if (*word && !strstr(page, row))                                       \
		fail_msg("wrap %s is not documented as \"%s\"", word, doc);
	DEADMX_WRAP_MAP(XX)
#undef XX
	deadmx_arena_free(arena);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, teardown)
	static const struct CMUnitTest tests[] = {
		T(test_relay_short),	 T(test_relay_mx_for_none),
		T(test_relay_long),	 T(test_relay_own_words),
		T(test_relay_to_nobody), T(test_relay_refused),
		T(test_relay_limits),	 T(test_relay_documented),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
