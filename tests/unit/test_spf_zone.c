/* SPDX-License-Identifier: MIT */
/*
 * SPF against a scenario's zone: sim/spf_zone.c, and spf: in the language.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"
#include "sim/spf_zone.h"

#define S(n) ((n)*DEADMX_NS_PER_S)

static struct {
	struct deadmx_scenario *scenario;
	struct dns_zone *zone;
	char *said;
} f;

static int teardown(void **state)
{
	dns_zone_free(f.zone);
	deadmx_scenario_free(f.scenario);
	free(f.said);
	memset(&f, 0, sizeof(f));
	return 0;
}

static bool parse(const char *text)
{
	FILE *errors;
	size_t len;

	teardown(NULL);
	errors = open_memstream(&f.said, &len);
	deadmx_scenario_parse("x/t.yml", text, strlen(text), errors,
			      &f.scenario);
	fclose(errors);
	return f.scenario != NULL;
}

/* A world with these names: YAML, each line indented by four. */
static void begin(const char *names)
{
	const char *bad;
	char text[4096];

	snprintf(text, sizeof(text),
		 "description: d\nworld:\n  names:\n%s  servers:\n"
		 "    mx.dest.example: {timeline: [{rcpt: 451 Later}]}\n"
		 "mail: {from: a@s.example, to: b@dest.example}\n"
		 "expect: {ndr: yes}\n",
		 names);
	if (!parse(text))
		fail_msg("%s", f.said);
	assert_int_equal(dns_zone_new(f.scenario, NULL, &bad, &f.zone), 0);
}

static enum deadmx_spf check_at(int64_t now_ns)
{
	const struct spf_query query = {.ip = "192.0.2.1",
					.helo = "mta.example",
					.sender = "a@s.example",
					.receiver = "mx.dest.example"};
	char explanation[SPF_EXPLANATION_MAX];

	return spf_zone_check(f.zone, now_ns, &query, explanation,
			      sizeof(explanation));
}

/* A domain of the world that has no record, and one that isn't there. */
static void test_spf_zone_none(void **state)
{
	begin("    t.example: {txt: x}\n");
	assert_int_equal(check_at(0), DEADMX_SPF_NONE);
	begin("    s.example: {txt: [x, y]}\n");
	assert_int_equal(check_at(0), DEADMX_SPF_NONE);
}

/* Records of all types, by way of an alias too. */
static void test_spf_zone_records(void **state)
{
	begin("    s.example: {txt: \"v=spf1 a:h.example include:i.example "
	      "-all\"}\n"
	      "    h.example: {a: 192.0.2.9}\n"
	      "    i.example: {cname: j.example}\n"
	      "    j.example: {txt: \"v=spf1 mx:k.example\", a: 192.0.2.8}\n"
	      "    k.example: {mx: m.example}\n"
	      "    m.example: {a: [192.0.2.7, 192.0.2.1]}\n");
	assert_int_equal(check_at(0), DEADMX_SPF_PASS);
}

/* The strings of one TXT record are one (RFC 7208 3.3). */
static void test_spf_zone_long_text(void **state)
{
	char names[1024];

	snprintf(names, sizeof(names),
		 "    s.example: {txt: \"v=spf1 %0250d=x ip4:192.0.2.1 "
		 "-all\"}\n",
		 1);
	memset(strchr(names, '0'), 'a', 249);
	begin(names);
	assert_int_equal(check_at(0), DEADMX_SPF_PASS);
}

/* What changes on the timeline changes here. */
static void test_spf_zone_timeline(void **state)
{
	begin("    s.example:\n"
	      "      timeline: [{from: 30h, txt: \"v=spf1 ip4:192.0.2.1\"}]\n");
	assert_int_equal(check_at(S(30 * 3600) - 1), DEADMX_SPF_NONE);
	assert_int_equal(check_at(S(30 * 3600)), DEADMX_SPF_PASS);
}

/* RFC 7208 4.4: any rcode but two, and no answer at all, are temperror. */
static void test_spf_zone_temperror(void **state)
{
	static const char *const answers[] = {"servfail", "refused", "timeout",
					      "lame"};
	char names[256];

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		snprintf(names, sizeof(names),
			 "    s.example: {txt: \"v=spf1 +all\", timeline: "
			 "[{until: 1h, answer: %s}]}\n",
			 answers[i]);
		begin(names);
		assert_int_equal(check_at(0), DEADMX_SPF_TEMPERROR);
		assert_int_equal(check_at(S(3600)), DEADMX_SPF_PASS);
	}
	begin("    s.example: {txt: \"v=spf1 +all\", timeline: [{delay: "
	      "21s}]}\n");
	assert_int_equal(check_at(0), DEADMX_SPF_TEMPERROR);
}

/* --- the language -------------------------------------------------------- */

#define ROW(row)                                                               \
	"description: d\nworld: {servers: {mx.dest.example: {timeline: [{" row \
	"}]}}}\nmail: {from: a@s.example, to: b@dest.example}\n"               \
	"expect: {ndr: yes}\n"

static unsigned results(const char *text)
{
	if (!parse(text))
		fail_msg("%s", f.said);
	return f.scenario->world.servers[0].faults[0].spf;
}

#define SPF(x) (1u << DEADMX_SPF_##x)

static void test_spf_condition(void **state)
{
	assert_int_equal(results(ROW("rcpt: 451 Later")), 0);
	assert_int_equal(results(ROW("spf: softfail, rcpt: 451 Later")),
			 SPF(SOFTFAIL));
	assert_int_equal(results(ROW("spf: [none, fail], mail: 451 Later")),
			 SPF(NONE) | SPF(FAIL));
	assert_int_equal(results(ROW("spf: not pass, dot: 451 Later")),
			 SPF(NONE) | SPF(NEUTRAL) | SPF(FAIL) | SPF(SOFTFAIL) |
				 SPF(TEMPERROR) | SPF(PERMERROR));
}

static void test_spf_condition_refused(void **state)
{
	static const char *const rows[][2] = {
		{ROW("spf: , rcpt: 451 Later"), "spf, expected results"},
		{ROW("spf: [], rcpt: 451 Later"), "spf, expected results"},
		{ROW("spf: sofftail, rcpt: 451 Later"),
		 "did you mean \"softfail\"?"},
		{ROW("spf: not, rcpt: 451 Later"), "spf, expected results"},
		{ROW("spf: {pass: no}, rcpt: 451 Later"), "spf"},
		{ROW("spf: pass, banner: 421 Busy"), "no sender is known"},
		{ROW("spf: pass, connect: refuse"), "no sender is known"},
		{ROW("spf: pass, quit: drop"), "no sender is known"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (parse(rows[i][0]))
			fail_msg("taken: %s", rows[i][0]);
		if (!strstr(f.said, rows[i][1]))
			fail_msg("no \"%s\" in: %s", rows[i][1], f.said);
	}
}

/* Each result stands on the reference page. */
static void test_spf_documented(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	char row[128], *page;
	size_t len;

	assert_int_equal(deadmx_yaml_read_file(arena,
					       TEST_DIR "/../docs/scenarios.md",
					       stderr, &page, &len),
			 0);
#define XX(uc, word, doc)                                                      \
	snprintf(row, sizeof(row), "\n| `%s` | %s |", word, doc);              \
	if (!strstr(page, row))                                                \
		fail_msg("%s is not documented as \"%s\"", word, doc);
	DEADMX_SPF_MAP(XX)
#undef XX
	deadmx_arena_free(arena);
}

#define T(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_spf_zone_none),	       T(test_spf_zone_records),
		T(test_spf_zone_long_text),    T(test_spf_zone_timeline),
		T(test_spf_zone_temperror),    T(test_spf_condition),
		T(test_spf_condition_refused), T(test_spf_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
