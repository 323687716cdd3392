/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/scenario_tls.c: certificates and stage tls in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/arena.h"
#include "deadmx/scenario.h"
#include "deadmx/yaml.h"

#define HOUR_NS (3600 * DEADMX_NS_PER_S)
#define DAY_NS	(24 * HOUR_NS)

static int teardown(void **state)
{
	deadmx_scenario_free(*state);
	*state = NULL;
	return 0;
}

static bool offers(const struct deadmx_server *server)
{
	return server->extensions & 1u << DEADMX_EXTENSION_STARTTLS;
}

/* A scenario with @server as the server's keys; @expect: what must happen. */
static char *file(const char *server, const char *expect)
{
	char *text = NULL;
	int rc = asprintf(&text,
			  "description: d\n"
			  "world: {servers: {mx.dest.example: {%s}}}\n"
			  "mail: {from: a@src.example, to: b@dest.example}\n"
			  "expect: {%s}\n",
			  server, expect);

	assert_true(rc > 0);
	return text;
}

/* It is good; its server. */
static const struct deadmx_server *take(void **state, const char *server)
{
	char *text = file(server, "ndr: yes");
	struct deadmx_scenario *s = NULL;
	int rc = deadmx_scenario_parse("t.yml", text, strlen(text), stderr, &s);

	free(text);
	assert_int_equal(rc, 0);
	teardown(state);
	*state = s;
	return &s->world.servers[0];
}

/* It is refused, with @want among the errors. */
static void refuse(const char *server, const char *expect, const char *want)
{
	char *text = file(server, expect), *errors = NULL;
	struct deadmx_scenario *s = NULL;
	size_t len;
	FILE *f = open_memstream(&errors, &len);
	int rc = deadmx_scenario_parse("t.yml", text, strlen(text), f, &s);

	fclose(f);
	if (rc == 0)
		fail_msg("taken: %s", server);
	if (!strstr(errors, want))
		fail_msg("expected \"%s\", got: %s", want, errors);
	free(errors);
	free(text);
}

static void test_tls_certificate(void **state)
{
	const struct deadmx_certificate *c =
		take(state, "certificate: {names: [mx.dest.example, "
			    "'*.dest.example'], from: -10d, until: 30h, "
			    "issuer: untrusted}")
			->certificate;

	assert_non_null(c);
	assert_int_equal(c->name_count, 2);
	assert_string_equal(c->names[1], "*.dest.example");
	assert_int_equal(c->from_ns, -10 * DAY_NS);
	assert_int_equal(c->until_ns, 30 * HOUR_NS);
	assert_int_equal(c->issuer, DEADMX_ISSUER_UNTRUSTED);
	assert_int_equal(c->place.line, 2);
}

static void test_tls_certificate_defaults(void **state)
{
	const struct deadmx_certificate *c =
		take(state, "certificate: {issuer: self}")->certificate;

	assert_int_equal(c->name_count, 0);
	assert_int_equal(c->from_ns, -30 * DAY_NS);
	assert_true(c->until_ns == DEADMX_FOREVER_NS);
}

/* One name needs no list; 1d1h before the run is fine, too. */
static void test_tls_certificate_short(void **state)
{
	const struct deadmx_certificate *c =
		take(state, "certificate: {names: other.example, until: -1d1h}")
			->certificate;

	assert_int_equal(c->name_count, 1);
	assert_int_equal(c->until_ns, -25 * HOUR_NS);
}

static void test_tls_certificate_refused(void **state)
{
	static const struct {
		const char *server, *want;
	} rows[] = {
		{"certificate: expired", "certificate, expected a map"},
		{"certificate: {name: x.example}", "unknown key \"name\""},
		{"certificate: {names: []}", "names, expected 1 to 100, got 0"},
		{"certificate: {names: 'a b'}", "a host name such as"},
		{"certificate: {names: [a.example, '*']}",
		 "a host name such as"},
		{"certificate: {names: 'a.*.example'}", "a host name such as"},
		{"certificate: {names: {a: b}}", "names"},
		{"certificate: {from: 5d, until: 5d}", "a time after from"},
		{"certificate: {until: -31d}", "a time after from"},
		{"certificate: {from: 5}", "from"},
		{"certificate: {from: --5d}", "from"},
		{"certificate: {from: [5d]}", "from"},
		{"certificate: {until: -}", "until"},
		{"certificate: {issuer: trustet}", "did you mean \"trusted\""},
		{"certificate: {issuer: [self]}", "trusted, untrusted or self"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuse(rows[i].server, "ndr: yes", rows[i].want);
}

/* DEADMX_CERTIFICATE_NAMES_MAX names, and one more. */
static void test_tls_certificate_names_max(void **state)
{
	const struct deadmx_server *server;
	char list[DEADMX_CERTIFICATE_NAMES_MAX * 16 + 64];
	size_t len =
		(size_t)snprintf(list, sizeof(list), "certificate: {names: [");

	for (int i = 0; i < DEADMX_CERTIFICATE_NAMES_MAX; i++)
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "n%d.example%s", i,
			i < DEADMX_CERTIFICATE_NAMES_MAX - 1 ? ", " : "]}");
	server = take(state, list);
	assert_int_equal(server->certificate->name_count,
			 DEADMX_CERTIFICATE_NAMES_MAX);
	snprintf(list + len - 2, sizeof(list) - len + 2, ", n.example]}");
	refuse(list, "ndr: yes", "names, expected 1 to 100, got 101");
}

/* Every word of the table that may stand there is read as itself. */
static void test_tls_stage_words(void **state)
{
	int words = 0;

	for (int i = 0; i < DEADMX_ACTION_COUNT; i++) {
		enum deadmx_action action = (enum deadmx_action)i;
		const struct deadmx_server *server;
		char row[80];

		if (action == DEADMX_ACTION_ACCEPT ||
		    (deadmx_action_form(DEADMX_STAGE_TLS, action) !=
			     DEADMX_ACTION_WORD &&
		     action != DEADMX_ACTION_STALL))
			continue;
		snprintf(row, sizeof(row), "timeline: [{tls: %s}]",
			 deadmx_action_word(action));
		server = take(state, row);
		assert_int_equal(server->fault_count, 1);
		assert_int_equal(server->faults[0].stage, DEADMX_STAGE_TLS);
		assert_int_equal(server->faults[0].action, action);
		words++;
	}
	assert_int_equal(words, 11);
}

static void test_tls_stage_stall(void **state)
{
	const struct deadmx_fault *f =
		take(state, "timeline: [{tls: stall}]")->faults;

	assert_true(f->stall_ns == DEADMX_FOREVER_NS);
	f = take(state, "timeline: [{tls: stall 10m}]")->faults;
	assert_int_equal(f->stall_ns, 600 * DEADMX_NS_PER_S);
	f = take(state, "timeline: [{tls: {stall: 10m}}]")->faults;
	assert_int_equal(f->action, DEADMX_ACTION_STALL);
	assert_int_equal(f->stall_ns, 600 * DEADMX_NS_PER_S);
}

static void test_tls_stage_certificate(void **state)
{
	const struct deadmx_fault *f =
		take(state, "timeline: [{tls: {certificate: {until: 30h}}}]")
			->faults;

	assert_int_equal(f->action, DEADMX_ACTION_CERTIFICATE);
	assert_int_equal(f->certificate->until_ns, 30 * HOUR_NS);
	f = take(state, "timeline: [{tls: {certificate: {}, stall: 1m}}]")
		    ->faults;
	assert_int_equal(f->action, DEADMX_ACTION_CERTIFICATE);
	assert_int_equal(f->stall_ns, 60 * DEADMX_NS_PER_S);
}

static void test_tls_stage_refused(void **state)
{
	static const struct {
		const char *row, *want;
	} rows[] = {
		{"tls: reply", "the handshake has no reply"},
		{"tls: long_line", "the handshake has no reply"},
		{"tls: drop 5m", "the word stands alone"},
		{"tls: stop_reading", "while the message comes in"},
		{"tls: nonsense", "docs/faults/tls.md"},
		{"tls: expierd", "did you mean \"expired\""},
		{"tls: 454 4.7.0 Not now", "stands at starttls"},
		{"tls: exchange/server-busy", "stands at starttls"},
		{"tls: refuse", "write connect: "},
		{"tls: drip 1s", "the handshake has no reply"},
		{"tls: certificate", "write tls: {certificate: "},
		{"tls: [expired]", "expired"},
		{"tls: ", "old_version"},
		{"tls: {}", "certificate, stall or both"},
		{"tls: {stall: 0s}", "a time above 0"},
		{"tls: stall 0s", "a time above 0"},
		{"tls: {reply: 454 4.7.0 x}", "unknown key \"reply\""},
		{"rcpt: expired", "write tls: "},
	};
	char row[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(row, sizeof(row), "timeline: [{%s}]", rows[i].row);
		refuse(row, "ndr: yes", rows[i].want);
	}
}

/* STARTTLS is offered by who has something to show, and by nobody else. */
static void test_tls_is_offered(void **state)
{
	assert_false(offers(take(state, "timeline: [{rcpt: drop}]")));
	assert_true(offers(take(state, "timeline: [{tls: drop}]")));
	assert_true(offers(take(state, "timeline: [{starttls: drop}]")));
	assert_true(offers(take(state, "certificate: {issuer: self}")));
	assert_true(offers(take(state, "extensions: [STARTTLS], "
				       "timeline: [{rcpt: drop}]")));
}

/* The senders' own servers take bounces by TLS where TLS is the matter. */
static void test_tls_is_offered_for_bounces(void **state)
{
	take(state, "timeline: [{tls: drop}]");
	assert_true(
		offers(&((struct deadmx_scenario *)*state)->world.servers[1]));
	take(state, "timeline: [{rcpt: drop}]");
	assert_false(
		offers(&((struct deadmx_scenario *)*state)->world.servers[1]));
}

static void test_tls_is_not_offered(void **state)
{
	refuse("extensions: [DSN], timeline: [{tls: drop}]", "ndr: yes",
	       "does not offer STARTTLS; add STARTTLS to extensions");
	refuse("extensions: [], certificate: {issuer: self}", "ndr: yes",
	       "does not offer STARTTLS");
}

/* A bad certificate is a fault: a scenario with one is no control. */
static void test_tls_control(void **state)
{
	static const char *const bad[] = {
		"issuer: self",	      "issuer: untrusted", "until: 6d23h",
		"from: 1s",	      "until: -1d",	   "names: x.example",
		"names: dest.example"};
	char server[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(server, sizeof(server), "certificate: {%s}", bad[i]);
		take(state, server);
		refuse(server, "faults: none", "expect says faults: none");
	}
	refuse("certificate: {until: 8d}", "ndr: yes", "no server has a fault");
	refuse("certificate: {names: '*.dest.example'}", "ndr: yes",
	       "no server has a fault");
}

/* Each word, and each shipped scenario, stands on the family's page. */
static void test_tls_documented(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	struct dirent *entry;
	char word[300], *page;
	size_t len;
	DIR *dir = opendir(TEST_DIR "/../scenarios/tls");

	assert_non_null(dir);
	assert_int_equal(
		deadmx_yaml_read_file(arena, TEST_DIR "/../docs/faults/tls.md",
				      stderr, &page, &len),
		0);
	for (int i = 0; i < DEADMX_ACTION_COUNT; i++) {
		enum deadmx_action action = (enum deadmx_action)i;

		snprintf(word, sizeof(word), "\n| `%s` | ",
			 deadmx_action_word(action));
		assert_int_equal(strstr(page, word) != NULL,
				 deadmx_action_form(DEADMX_STAGE_TLS, action) !=
					 DEADMX_ACTION_NEVER);
	}
	while ((entry = readdir(dir))) {
		snprintf(word, sizeof(word), "`%s", entry->d_name);
		if (word[1] == '.')
			continue;
		memcpy(strrchr(word, '.'), "`", 2);
		if (!strstr(page, word))
			fail_msg("%s is not documented", word);
	}
	closedir(dir);
	deadmx_arena_free(arena);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		T(test_tls_certificate),
		T(test_tls_certificate_defaults),
		T(test_tls_certificate_short),
		T(test_tls_certificate_refused),
		T(test_tls_certificate_names_max),
		T(test_tls_stage_words),
		T(test_tls_stage_stall),
		T(test_tls_stage_certificate),
		T(test_tls_stage_refused),
		T(test_tls_is_offered),
		T(test_tls_is_offered_for_bounces),
		T(test_tls_is_not_offered),
		T(test_tls_control),
		T(test_tls_documented),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
