/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/scenario_name.c and sim/scenario_lead.c: world.names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/scenario.h"

#define MINUTE_NS (60 * DEADMX_NS_PER_S)
#define HOUR_NS	  (60 * MINUTE_NS)

#define REST                                                                   \
	"mail: {from: a@src.example, to: b@dest.example}\n"                    \
	"expect: {ndr: yes}\n"
#define WORLD(names)	       "description: d\nworld:\n  names:\n" names
#define NAMES(names)	       WORLD(names) REST
#define ROW(row)	       NAMES("    dest.example: {timeline: [{" row "}]}\n")
#define SERVED(names, servers) WORLD(names) "  servers:\n" servers REST

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
	size_t size;
	FILE *errors;

	free(said);
	said = NULL;
	deadmx_scenario_free(*state);
	errors = open_memstream(&said, &size);
	deadmx_scenario_parse("x/t.yml", text, strlen(text), errors, &s);
	fclose(errors);
	*state = s;
	return s;
}

static struct deadmx_scenario *good(void **state, const char *text)
{
	struct deadmx_scenario *s = parse(state, text);

	if (!s)
		fail_msg("%s", said);
	return s;
}

static void refuse(void **state, const char *text, const char *words)
{
	if (parse(state, text))
		fail_msg("taken: %s", text);
	if (!strstr(said, words))
		fail_msg("expected \"%s\", got: %s", words, said);
}

/* --- what is read -------------------------------------------------------- */

static void check(const struct deadmx_record *r, enum deadmx_record_type type,
		  int preference, const char *value)
{
	assert_int_equal(r->type, type);
	assert_int_equal(r->preference, preference);
	assert_string_equal(r->value, value);
}

static void test_scenario_name_records(void **state)
{
	const struct deadmx_name *n =
		good(state, NAMES("    dest.example:\n"
				  "      mx: [20 mx2.dest.example, "
				  "mx1.dest.example, 0 .]\n"
				  "      a: [192.0.2.1, 127.0.0.1]\n"
				  "      aaaa: 2001:db8::1\n"
				  "      txt: v=spf1 ip4:192.0.2.0/24 -all\n"
				  "      ttl: 1h\n"))
			->world.names;

	assert_string_equal(n->name, "dest.example");
	assert_int_equal(n->records.count, 7);
	check(&n->records.list[0], DEADMX_RECORD_MX, 20, "mx2.dest.example");
	check(&n->records.list[1], DEADMX_RECORD_MX, 20, "mx1.dest.example");
	check(&n->records.list[2], DEADMX_RECORD_MX, 0, ".");
	check(&n->records.list[3], DEADMX_RECORD_A, 0, "192.0.2.1");
	check(&n->records.list[4], DEADMX_RECORD_A, 0, "127.0.0.1");
	check(&n->records.list[5], DEADMX_RECORD_AAAA, 0, "2001:db8::1");
	check(&n->records.list[6], DEADMX_RECORD_TXT, 0,
	      "v=spf1 ip4:192.0.2.0/24 -all");
	assert_true(n->ttl.set && !n->ttl.until_change);
	assert_int_equal(n->ttl.s, 3600);
}

/* Nothing behind the name; an empty list; a null MX; an alias. */
static void test_scenario_name_records_few(void **state)
{
	const struct deadmx_name *n =
		good(state,
		     NAMES("    dest.example:\n"
			   "    none.example: {mx: [], a: []}\n"
			   "    null.example: {mx: ., ttl: until_change}\n"
			   "    _alias.example: {cname: dest.example}\n"))
			->world.names;

	assert_int_equal(n[0].records.given, 0);
	assert_false(n[0].ttl.set);
	assert_int_equal(n[1].records.given,
			 1u << DEADMX_RECORD_MX | 1u << DEADMX_RECORD_A);
	assert_int_equal(n[1].records.count, 0);
	check(&n[2].records.list[0], DEADMX_RECORD_MX, 0, ".");
	assert_true(n[2].ttl.set && n[2].ttl.until_change);
	check(&n[3].records.list[0], DEADMX_RECORD_CNAME, 0, "dest.example");
}

static void test_scenario_name_row(void **state)
{
	const struct deadmx_name_row *r =
		good(state, ROW("from: 1h, for: 5m, every: 10m, first: 2, "
				"times: 3, type: [mx, TLSA, type99], "
				"transport: tcp, below: yes, answer: servfail, "
				"delay: 3s"))
			->world.names[0]
			.rows;

	assert_int_equal(r->window.from_ns, HOUR_NS);
	assert_int_equal(r->window.until_ns, DEADMX_FOREVER_NS);
	assert_int_equal(r->window.every_ns, 10 * MINUTE_NS);
	assert_int_equal(r->window.for_ns, 5 * MINUTE_NS);
	assert_int_equal(r->window.first, 2);
	assert_int_equal(r->window.times, 3);
	assert_int_equal(r->type_count, 3);
	assert_int_equal(r->types[0], LDNS_RR_TYPE_MX);
	assert_int_equal(r->types[1], LDNS_RR_TYPE_TLSA);
	assert_int_equal(r->types[2], 99);
	assert_int_equal(r->transport, DEADMX_TRANSPORT_TCP);
	assert_true(r->below);
	assert_int_equal(r->action, DEADMX_DNS_ACTION_SERVFAIL);
	assert_int_equal(r->delay_ns, 3 * DEADMX_NS_PER_S);
	r = good(state, ROW("until: 2h, mx: [], ttl: 0s"))->world.names[0].rows;
	assert_int_equal(r->window.until_ns, 2 * HOUR_NS);
	assert_int_equal(r->action, DEADMX_DNS_ACTION_RECORDS);
	assert_true(r->ttl.set);
	r = good(state, ROW("from: 1h, for: 2h, delay: 7s"))
		    ->world.names[0]
		    .rows;
	assert_int_equal(r->window.until_ns, 3 * HOUR_NS);
	assert_int_equal(r->action, DEADMX_DNS_ACTION_ACCEPT);
}

/* Each word of the table but the one that records stand for. */
static void test_scenario_name_actions(void **state)
{
	char text[512];

	for (int i = 0; i < DEADMX_DNS_ACTION_COUNT; i++) {
		enum deadmx_dns_action action = (enum deadmx_dns_action)i;

		snprintf(text, sizeof(text), ROW("answer: %s"),
			 deadmx_dns_action_word(action));
		if (action == DEADMX_DNS_ACTION_RECORDS)
			refuse(state, text, "give the records in the row");
		else
			assert_int_equal(good(state, text)
						 ->world.names[0]
						 .rows[0]
						 .action,
					 action);
	}
}

/* --- what is refused ----------------------------------------------------- */

static void test_scenario_name_records_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{NAMES("    dest.example: {mx: 70000 mx.dest.example}\n"),
		 "a preference from 0 to 65535"},
		{NAMES("    dest.example: {mx: 10 a b}\n"), "mx, expected"},
		{NAMES("    dest.example: {mx: [{}]}\n"), "mx"},
		{NAMES("    dest.example: {a: 2001:db8::1}\n"),
		 "an IPv4 address"},
		{NAMES("    dest.example: {a: 192.0.2.300}\n"),
		 "an IPv4 address"},
		{NAMES("    dest.example: {aaaa: 192.0.2.1}\n"),
		 "an IPv6 address"},
		{NAMES("    dest.example: {cname: [a.example, b.example]}\n"),
		 "one name"},
		{NAMES("    dest.example: {cname: a..b}\n"), "cname, expected"},
		{NAMES("    dest.example: {cname: a.example, mx: .}\n"),
		 "a name with a cname has no other records"},
		{NAMES("    dest.example: {ttl: 1500ms}\n"), "whole seconds"},
		{NAMES("    dest.example: {ttl: 36000d}\n"), "68 years"},
		{NAMES("    dest.example: {spf: x}\n"), "unknown key \"spf\""},
		{NAMES("    dest.example: {timeline: {answer: lame}}\n"),
		 "begin each row with"},
		{NAMES("    a b.example: {mx: .}\n"), "a name such as"},
		{NAMES("    dest.example: {mx: .}\n    Dest.example: {mx: "
		       ".}\n"),
		 "is there already in line 4"},
		{WORLD("") REST, "a map (name: what it is)"},
		{"description: d\nworld: {until: 1d}\n" REST,
		 "\"servers\" is missing in world"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(state, bad[i].text, bad[i].words);
}

static void test_scenario_name_rows_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ROW("answer: nxdomian"), "did you mean \"nxdomain\"?"},
		{ROW("type: mx"), "a row needs an answer"},
		{ROW("answer: lame, a: 192.0.2.1"),
		 "answer and records exclude each other"},
		{ROW("type: mx, a: 192.0.2.1"), "leave type out"},
		{ROW("type: mxx, answer: lame"), "did you mean \"mx\"?"},
		{ROW("type: [], answer: lame"), "1 to 20 types, got 0"},
		{ROW("transport: quic, answer: lame"), "udp or tcp"},
		{ROW("every: 1h, answer: lame"), "every needs for"},
		{ROW("every: 1h, for: 1h, answer: lame"), "longer than for"},
		{ROW("until: 1h, for: 1h, answer: lame"),
		 "until and for exclude each other"},
		{ROW("from: 1h, until: 1h, answer: lame"), "a time after from"},
		{ROW("for: 0s, answer: lame"), "a time above 0"},
		{ROW("first: 0, answer: lame"), "first"},
		{ROW("from: 8d, answer: lame"), "the run ends before"},
		{ROW("cname: a.example, mx: ."), "has no other records"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(state, bad[i].text, bad[i].words);
}

#define TWO(a, b)                                                              \
	NAMES("    dest.example:\n      timeline:\n"                           \
	      "        - {" a "}\n        - {" b "}\n")

/* A row that an earlier one always takes before it. */
static void test_scenario_name_rows_covered(void **state)
{
	static const char *const covered[] = {
		TWO("answer: lame", "type: mx, answer: servfail"),
		TWO("type: [a, mx], answer: lame",
		    "type: mx, from: 1h, answer: servfail"),
		TWO("answer: lame", "mx: [], for: 1h"),
		TWO("mx: .", "mx: []"),
		TWO("answer: lame", "transport: udp, answer: servfail"),
	};
	static const char *const fine[] = {
		TWO("type: mx, answer: lame", "answer: servfail"),
		TWO("type: mx, answer: lame", "type: [mx, a], answer: drop"),
		TWO("first: 1, answer: lame", "answer: servfail"),
		TWO("transport: udp, answer: lame", "answer: servfail"),
		TWO("answer: lame", "below: yes, answer: servfail"),
		TWO("mx: .", "a: 192.0.2.1"),
		TWO("mx: .", "answer: lame"),
		TWO("for: 1h, answer: lame", "answer: servfail"),
	};

	for (size_t i = 0; i < sizeof(covered) / sizeof(covered[0]); i++)
		refuse(state, covered[i], "this row never applies: line 6");
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		good(state, fine[i]);
}

/* A text of @count times @piece between @head and @tail. */
static char *repeat(const char *head, const char *piece, int count,
		    const char *tail)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fputs(head, f);
	for (int i = 0; i < count; i++)
		fprintf(f, piece, i + 1);
	fputs(tail, f);
	fclose(f);
	return text;
}

/* Each limit is reached, and one more refused. */
static void test_scenario_name_limits(void **state)
{
	static const struct {
		const char *head, *piece, *tail, *words;
		int max;
	} limits[] = {
		{WORLD("    dest.example:\n"), "    n%d.example:\n", REST,
		 "expected at most 200, got 201",
		 DEADMX_SCENARIO_NAMES_MAX - 1},
		{WORLD("    dest.example: {mx: ["), "mx%d.dest.example, ",
		 "]}\n" REST, "expected at most 2000 records in all",
		 DEADMX_SCENARIO_RECORDS_MAX},
		{WORLD("    dest.example:\n      timeline:\n"),
		 "        - {from: %dm, first: 1, answer: lame}\n", REST,
		 "expected at most 500 rows", DEADMX_SCENARIO_FAULTS_MAX},
		{WORLD("    dest.example:\n      timeline:\n"
		       "        - {answer: lame, type: ["),
		 "type%d, ", "]}\n" REST, "expected 1 to 20 types, got 21",
		 DEADMX_SCENARIO_TYPES_MAX},
		{WORLD("    dest.example: {txt: "), "x", "}\n" REST,
		 "txt, expected at most 4000 bytes", DEADMX_RECORD_TEXT_MAX},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char *most = repeat(limits[i].head, limits[i].piece,
				    limits[i].max, limits[i].tail);
		char *more = repeat(limits[i].head, limits[i].piece,
				    limits[i].max + 1, limits[i].tail);

		good(state, most);
		refuse(state, more, limits[i].words);
		free(most);
		free(more);
	}
}

/* --- what the whole tells ------------------------------------------------ */

/* Mail to a name needs no server; to one that is nowhere it is a slip. */
static void test_scenario_name_is_a_domain(void **state)
{
	const struct deadmx_scenario *s = good(state, ROW("answer: nxdomain"));

	assert_ptr_equal(deadmx_scenario_name(s, "DEST.example"),
			 &s->world.names[0]);
	assert_null(deadmx_scenario_name(s, "mx.dest.example"));
	/* Only the sender's own server is there. */
	assert_int_equal(s->world.server_count, 1);
	refuse(state, NAMES("    dust.example: {mx: .}\n"),
	       "did you mean \"dust.example\"?");
}

/* A sender's domain gets a server, unless its name says where mail goes. */
static void test_scenario_name_of_sender(void **state)
{
	assert_int_equal(good(state, NAMES("    dest.example: {mx: .}\n"
					   "    src.example: {txt: x}\n"))
				 ->world.server_count,
			 1);
	assert_int_equal(good(state, NAMES("    dest.example: {mx: .}\n"
					   "    src.example: {mx: .}\n"))
				 ->world.server_count,
			 0);
}

static bool takes(const struct deadmx_scenario *s, const char *server,
		  const char *domain)
{
	return deadmx_server_takes(deadmx_scenario_server(s, server), domain);
}

/* By MX, by address, by alias, at any time of the timeline. */
static void test_scenario_name_leads(void **state)
{
	const struct deadmx_scenario *s =
		good(state,
		     SERVED("    dest.example:\n"
			    "      mx: 10 one.example.net\n"
			    "      timeline:\n"
			    "        - {from: 1h, mx: 10 alias.example.net}\n"
			    "        - {from: 2h, a: 192.0.2.33}\n"
			    "    alias.example.net: {cname: two.example.net}\n"
			    "    mx.old.example: {a: 192.0.2.44}\n"
			    "    loop.example: {cname: loop.example}\n",
			    "    one.example.net:\n"
			    "    two.example.net:\n"
			    "    three.example.net: {address: 192.0.2.33}\n"
			    "    four.example.net: {address: 192.0.2.44}\n"
			    "    five.example.net:\n"
			    "    mx.old.example:\n"));

	assert_true(takes(s, "one.example.net", "DEST.example"));
	assert_true(takes(s, "two.example.net", "dest.example"));
	assert_true(takes(s, "three.example.net", "dest.example"));
	assert_false(takes(s, "four.example.net", "dest.example"));
	assert_false(takes(s, "five.example.net", "dest.example"));
	/* The host that is its MX is at another server's address. */
	assert_true(takes(s, "four.example.net", "old.example"));
	assert_true(takes(s, "five.example.net", "example.net"));
	assert_false(takes(s, "four.example.net", "loop.example"));
}

/* Names may be what is broken; then a control must say that they aren't. */
static void test_scenario_name_faults(void **state)
{
	static const char none[] =
		"mail: {from: a@src.example, to: b@dest.example}\n"
		"expect: {ndr: yes, faults: none}\n";
	char *text = NULL;

	good(state, NAMES("    dest.example: {mx: .}\n"));
	assert_true(asprintf(&text, "%s%s",
			     WORLD("    dest.example: {mx: .}\n"), none) > 0);
	good(state, text);
	free(text);
	assert_true(asprintf(&text, "%s%s",
			     WORLD("    dest.example:\n"
				   "      timeline: [{mx: .}]\n"),
			     none) > 0);
	refuse(state, text,
	       "expect says faults: none, but a timeline has some");
	free(text);
	assert_true(asprintf(&text, "%s%s",
			     WORLD("    dest.example:\n"
				   "      timeline: [{answer: accept}]\n"),
			     none) > 0);
	good(state, text);
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		T(test_scenario_name_records),
		T(test_scenario_name_records_few),
		T(test_scenario_name_row),
		T(test_scenario_name_actions),
		T(test_scenario_name_records_refused),
		T(test_scenario_name_rows_refused),
		T(test_scenario_name_rows_covered),
		T(test_scenario_name_limits),
		T(test_scenario_name_is_a_domain),
		T(test_scenario_name_of_sender),
		T(test_scenario_name_leads),
		T(test_scenario_name_faults),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
