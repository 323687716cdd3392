/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/override.c: rows above a server's timeline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/override.h"
#include "sim/reply_catalogue.h"

#define S   DEADMX_NS_PER_S
#define SET (100 * S) /* when the rows are set */

static const struct reply_catalogue_entry replies[] = {
	{.name = "acme/busy", .reply = "450 4.3.2 Acme is busy"}};

static struct deadmx_server server = {.name = (char *)"mx.dest.example"};

static const struct override_owner owner = {.server = &server,
					    .replies = replies,
					    .reply_count = 1,
					    .expiry_ns = 3600 * S};

static struct override *rows(const char *text)
{
	struct override *o = NULL;

	assert_int_equal(
		override_new(&owner, text, strlen(text), SET, stderr, &o), 0);
	return o;
}

static const struct deadmx_fault *peek(const struct override *o,
				       enum deadmx_stage stage, int64_t now_ns)
{
	const struct fault_context c = {.stage = stage, .now_ns = now_ns};

	return override_peek(o, &c);
}

/* One row as JSON; stages that it doesn't name are the timeline's. */
static void test_override_json_row(void **state)
{
	struct override *o =
		rows("{\"connect\":\"refuse\",\"rcpt\":\"451 4.7.1 Later\"}");
	const struct deadmx_fault *f = peek(o, DEADMX_STAGE_CONNECT, SET);

	assert_int_equal(f->action, DEADMX_ACTION_REFUSE);
	assert_int_equal(f->place.line, 0);
	f = peek(o, DEADMX_STAGE_RCPT, SET);
	assert_string_equal(f->reply, "451 4.7.1 Later");
	assert_null(peek(o, DEADMX_STAGE_DATA, SET));
	assert_int_equal(override_server(o)->fault_count, 2);
	assert_string_equal(override_server(o)->name, "mx.dest.example");
	override_free(o);
}

/* A list as YAML, with a name from the catalogue; the first row wins. */
static void test_override_yaml_list(void **state)
{
	struct override *o = rows("- rcpt: exchange/server-busy\n"
				  "- rcpt: stall\n");
	const struct deadmx_fault *f = peek(o, DEADMX_STAGE_RCPT, SET);

	assert_int_equal(f->action, DEADMX_ACTION_REPLY);
	assert_string_equal(f->reply_name, "exchange/server-busy");
	override_free(o);
}

/* The scenario's own replies are known by name, too. */
static void test_override_own_reply(void **state)
{
	struct override *o = rows("mail: acme/busy");

	assert_string_equal(peek(o, DEADMX_STAGE_MAIL, SET)->reply,
			    "450 4.3.2 Acme is busy");
	override_free(o);
}

/* Windows count from the moment at which the rows are set. */
static void test_override_window(void **state)
{
	struct override *o = rows("{from: 10s, for: 20s, connect: refuse}");

	assert_null(peek(o, DEADMX_STAGE_CONNECT, SET + 9 * S));
	assert_non_null(peek(o, DEADMX_STAGE_CONNECT, SET + 10 * S));
	assert_null(peek(o, DEADMX_STAGE_CONNECT, SET + 30 * S));
	assert_int_equal(override_next_edge(o, DEADMX_STAGE_CONNECT, SET),
			 SET + 10 * S);
	assert_int_equal(
		override_next_edge(o, DEADMX_STAGE_CONNECT, SET + 10 * S),
		SET + 30 * S);
	assert_int_equal(
		override_next_edge(o, DEADMX_STAGE_CONNECT, SET + 30 * S),
		DEADMX_FOREVER_NS);
	assert_int_equal(override_since_ns(o), SET);
	override_free(o);
}

/* Expiry is that of a mail sent when the rows are set. */
static void test_override_expiry(void **state)
{
	struct override *o = rows("{until: expiry-1m, connect: refuse}");

	assert_non_null(peek(o, DEADMX_STAGE_CONNECT, SET + 3539 * S));
	assert_null(peek(o, DEADMX_STAGE_CONNECT, SET + 3540 * S));
	override_free(o);
}

/* What is taken counts. */
static void test_override_first(void **state)
{
	struct override *o = rows("{first: 2, dot: drop}");
	const struct fault_context c = {.stage = DEADMX_STAGE_DOT,
					.now_ns = SET};

	assert_non_null(override_take(o, &c));
	assert_non_null(override_take(o, &c));
	assert_null(override_take(o, &c));
	override_free(o);
}

/* No rows: nothing holds, nothing changes. */
static void test_override_none(void **state)
{
	const struct fault_context c = {.stage = DEADMX_STAGE_DOT};

	assert_null(override_peek(NULL, &c));
	assert_null(override_take(NULL, &c));
	assert_int_equal(override_next_edge(NULL, DEADMX_STAGE_CONNECT, 0),
			 DEADMX_FOREVER_NS);
	assert_int_equal(override_attempt(NULL, "a@b", "c@d", 0), 0);
	override_free(NULL);
}

static void expect_error(const char *text, const char *want)
{
	struct override *o = NULL;
	char got[1024] = "";
	FILE *errors = fmemopen(got, sizeof(got), "w");

	assert_int_equal(
		override_new(&owner, text, strlen(text), SET, errors, &o),
		-EINVAL);
	fclose(errors);
	assert_null(o);
	if (!strstr(got, want))
		fail_msg("expected %s, got %s", want, got);
}

/* The parser's own words, with the place in the text. */
static void test_override_errors(void **state)
{
	expect_error("{\"conect\":\"refuse\"}", "did you mean \"connect\"?");
	expect_error("- connect: refuse\n- rcpt: 99 no\n", "row:2:");
	expect_error("refuse", "timeline, expected a list of rows");
	expect_error("{}", "a row needs a stage");
	expect_error("{until: expiry-2h, dot: drop}", "this row never applies");
	expect_error("", "row:1:1:");
	expect_error("{\"rcpt\":", "not valid YAML");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_override_json_row),
		cmocka_unit_test(test_override_yaml_list),
		cmocka_unit_test(test_override_own_reply),
		cmocka_unit_test(test_override_window),
		cmocka_unit_test(test_override_expiry),
		cmocka_unit_test(test_override_first),
		cmocka_unit_test(test_override_none),
		cmocka_unit_test(test_override_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
