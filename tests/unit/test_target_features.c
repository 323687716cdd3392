/* SPDX-License-Identifier: MIT */
/* What an MTA has and lacks, and which scenarios follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadmx/arena.h"
#include "deadmx/yaml.h"
#include "harness/target.h"
#include "harness/target_features.h"

#define LEAST                                                                  \
	"description: d\nstart: run {smarthost}\nsubmit: {port: 25}\n"         \
	"documented: {source: s}\n"
#define ONE_HOST LEAST "features: [smarthost_only]\n"
#define BOB	 "mail: {from: a@sender.example, to: b@dest.example}\n"

struct fixture {
	struct target *target;
	struct deadmx_scenario *scenario;
	char *said;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	target_free(f->target);
	deadmx_scenario_free(f->scenario);
	free(f->said);
	free(f);
	return 0;
}

static int load(struct fixture *f, const char *text)
{
	char path[] = "/tmp/test_features.XXXXXX";
	int fd = mkstemp(path), r;
	size_t size;
	FILE *errors = open_memstream(&f->said, &size);

	assert_true(fd >= 0);
	assert_non_null(errors);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = target_load(path, errors, &f->target);
	unlink(path);
	fclose(errors);
	return r;
}

static void target_is(struct fixture *f, const char *text)
{
	target_free(f->target);
	f->target = NULL;
	free(f->said);
	f->said = NULL;
	if (load(f, text) != 0)
		fail_msg("%s", f->said);
	f->target->name = "mine";
}

static void scenario_is(struct fixture *f, const char *text)
{
	char *whole;
	bool has_fault = strstr(text, "timeline") || strstr(text, "greylist");
	int n = asprintf(&whole, "description: d\n%sexpect: {%s: none}\n", text,
			 has_fault ? "ndr" : "faults");

	assert_true(n > 0);
	deadmx_scenario_free(f->scenario);
	f->scenario = NULL;
	n = deadmx_scenario_parse("t.yml", whole, (size_t)n, stderr,
				  &f->scenario);
	free(whole);
	assert_int_equal(n, 0);
}

/* @said: what must stand behind the target's name; NULL: it is supported. */
static void check(struct fixture *f, const char *text, const char *said)
{
	char why[256] = "", *at;

	scenario_is(f, text);
	if (target_supports(f->target, f->scenario, why, sizeof(why))) {
		if (said)
			fail_msg("supported: %s", text);
		return;
	}
	at = strstr(why, "the target mine ");
	if (!said || !at || strcmp(at + strlen("the target mine "), said) != 0)
		fail_msg("expected \"%s\", got: %s", said ? said : "", why);
}

static void test_target_features_read(void **state)
{
	struct fixture *f = *state;

	target_is(f, LEAST);
	assert_int_equal(f->target->features, 0);
	target_is(f, LEAST "features: []\n");
	assert_int_equal(f->target->features, 0);
	target_is(f, LEAST "features: dsn\n");
	assert_true(target_has(f->target, TARGET_FEATURE_DSN));
	target_is(f, LEAST "features: [smtputf8, deliverby]\n");
	assert_false(target_has(f->target, TARGET_FEATURE_DSN));
	assert_true(target_has(f->target, TARGET_FEATURE_SMTPUTF8));
	assert_true(target_has(f->target, TARGET_FEATURE_DELIVERBY));
	assert_false(target_has(f->target, TARGET_FEATURE_SMARTHOST_ONLY));
}

static void test_target_features_refused(void **state)
{
	static const char *const rows[][2] = {
		{"features: [dns]\n", "did you mean \"dsn\"?"},
		{"features: [dsn, no_listener]\n",
		 ":5:17: features, expected dsn, deliverby, smtputf8, "
		 "smarthost_only, helo_only or rewrites_sender, got "
		 "\"no_listener\""},
		{"features: {dsn: yes}\n", "a map"},
		{"settings: {smarthost: x}\n",
		 "not from, to, ca, cert, key or smarthost"},
	};
	struct fixture *f = *state;
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		free(f->said);
		snprintf(text, sizeof(text), "%s%s", LEAST, rows[i][0]);
		assert_int_equal(load(f, text), -EINVAL);
		if (!strstr(f->said, rows[i][1]))
			fail_msg("%s: %s", rows[i][0], f->said);
	}
}

static void test_target_features_needed(void **state)
{
	static const struct {
		const char *mail, *feature, *said;
	} rows[] = {
		{"notify: NEVER", "dsn", "has no dsn, for notify"},
		{"ret: HDRS", "dsn", "has no dsn, for ret"},
		{"envid: QQ1", "dsn", "has no dsn, for envid"},
		{"orcpt: rfc822;c@d.example", "dsn", "has no dsn, for orcpt"},
		{"by: 600;R", "deliverby", "has no deliverby, for by"},
		{"to: jürgen@dest.example", "smtputf8",
		 "has no smtputf8, for jürgen@dest.example"},
		{"from: zoë@sender.example", "smtputf8",
		 "has no smtputf8, for zoë@sender.example"},
	};
	struct fixture *f = *state;
	char with[512], without[512], text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool to = !strncmp(rows[i].mail, "to:", 3);
		bool from = !strncmp(rows[i].mail, "from:", 5);

		snprintf(text, sizeof(text),
			 "world: {servers: {mx.dest.example: }}\n"
			 "mail: {%s%s%s}\n",
			 from ? "" : "from: a@sender.example, ",
			 to ? "" : "to: b@dest.example, ", rows[i].mail);
		snprintf(with, sizeof(with), "%sfeatures: [%s]\n", LEAST,
			 rows[i].feature);
		snprintf(without, sizeof(without), "%sfeatures: [%s]\n", LEAST,
			 strcmp(rows[i].feature, "dsn") ? "dsn" : "smtputf8");
		target_is(f, with);
		check(f, text, NULL);
		target_is(f, without);
		check(f, text, rows[i].said);
	}
}

/* What an MTA that looks no MX up can never meet. */
static void test_target_features_smarthost(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{"world: {servers: {mx.dest.example: }}\n" BOB, NULL},
		{"world: {servers: {mx.dest.example: , mx.other.example: }}\n"
		 "mail: {from: a@sender.example, to: [b@dest.example, "
		 "c@other.example]}\n",
		 "gives all mail to one host, and the recipients are of "
		 "several domains"},
		{"world: {servers: {mx1.dest.example: , mx2.dest.example: "
		 "}}\n" BOB,
		 "gives all mail to mx1.dest.example and never goes to "
		 "another server of dest.example"},
		{"world: {servers: {mx.dest.example: , mx.sender.example: "
		 "{greylist: {delay: 5m}}}}\n" BOB,
		 "gives all mail to mx.dest.example and never meets the faults "
		 "of mx.sender.example"},
		{"world: {servers: {mx.dest.example: , mx.sender.example: "
		 "}}\n" BOB,
		 NULL},
		{"world:\n  servers: {mx.dest.example: }\n  names: "
		 "{dest.example: {timeline: [{answer: servfail}]}}\n" BOB,
		 "looks no MX up: what DNS says of dest.example does not "
		 "matter to it"},
		{"world:\n  servers: {mx.dest.example: }\n  names: "
		 "{mx.dest.example: {timeline: [{answer: servfail}]}}\n" BOB,
		 NULL},
		{"world:\n  servers: {mx.dest.example: }\n  names: "
		 "{dest.example: {txt: v=spf1 -all}}\n" BOB,
		 NULL},
		{"world:\n  servers: {mx.host.example: }\n  names: "
		 "{dest.example: {mx: 10 mx.host.example}}\n" BOB,
		 NULL},
		{"world:\n  servers: {mx.dest.example: }\n  names: "
		 "{dest.example: {mx: [10 mx.dest.example, 5 "
		 "gone.dest.example]}}\n" BOB,
		 "looks no MX up: what DNS says of dest.example does not "
		 "matter to it"},
		{"world:\n  servers: {mx.dest.example: }\n  names: "
		 "{example: {timeline: [{below: yes, answer: "
		 "servfail}]}}\n" BOB,
		 "looks no MX up: what DNS says of dest.example does not "
		 "matter to it"},
	};
	struct fixture *f = *state;

	target_is(f, ONE_HOST);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(f, rows[i].text, rows[i].said);
	target_is(f, LEAST);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(f, rows[i].text, NULL);
}

/* What is said of a sender is said of MAIL FROM. */
static void test_target_features_rewrites_sender(void **state)
{
	static const struct {
		const char *row, *said;
	} rows[] = {
		{"rcpt: 451", NULL},
		{"sender: a@sender.example, rcpt: 451",
		 "rewrites the sender, for sender"},
		{"spf: fail, rcpt: 451", "rewrites the sender, for spf"},
	};
	struct fixture *f = *state;
	char text[512];

	for (int i = 0; i < 6; i++) {
		target_is(f,
			  i < 3 ? LEAST "features: rewrites_sender\n" : LEAST);
		snprintf(text, sizeof(text),
			 "world: {servers: {mx.dest.example: {timeline: "
			 "[{%s}]}}}\n" BOB,
			 rows[i % 3].row);
		check(f, text, i < 3 ? rows[i].said : NULL);
	}
}

/* Who says HELO never meets a fault that is at EHLO alone. */
static void test_target_features_helo_only(void **state)
{
	static const struct {
		const char *rows, *said;
	} rows[] = {
		{"{ehlo: 451}", "says HELO and never meets what is at ehlo"},
		{"{ehlo: 451}, {helo: 451}", NULL},
		{"{rcpt: 451}", NULL},
	};
	struct fixture *f = *state;
	char text[512];

	for (int i = 0; i < 6; i++) {
		target_is(f, i < 3 ? LEAST "features: helo_only\n" : LEAST);
		snprintf(text, sizeof(text),
			 "world: {servers: {mx.dest.example: {timeline: "
			 "[%s]}}}\n" BOB,
			 rows[i % 3].rows);
		check(f, text, i < 3 ? rows[i].said : NULL);
	}
}

static void test_target_features_smarthost_is_best_mx(void **state)
{
	struct fixture *f = *state;
	char *text;

	target_is(f, LEAST);
	scenario_is(f, "world: {servers: {mx2.dest.example: {preference: 20}, "
		       "mx1.dest.example: {preference: 10}, mx0.other.example: "
		       "{preference: "
		       "1}}}\n" BOB);
	text = target_expand(f->target, f->scenario, f->target->start);
	assert_string_equal(text, "run mx1.dest.example");
	free(text);
	text = target_expand(f->target, NULL, f->target->start);
	assert_string_equal(text, "run {smarthost}");
	free(text);
}

/* The smarthost puts the dead domain's mail off, not the bounce. */
static void test_target_features_rcpt_rows(void **state)
{
	struct fixture *f = *state;
	const char *text = "description: d\nworld:\n  servers:\n    "
			   "mx.dest.example:\n      timeline:\n"
			   "        - {recipient: x@dest.example, rcpt: 550}\n"
			   "        - {rcpt: 451, mail: 452}\n" BOB
			   "expect: {ndr: none}\n";
	const struct deadmx_fault *fault;
	size_t seen = 0;

	for (int only = 0; only < 2; only++) {
		target_is(f, only ? ONE_HOST : LEAST);
		deadmx_scenario_free(f->scenario);
		f->scenario = NULL;
		assert_int_equal(deadmx_scenario_parse("t.yml", text,
						       strlen(text), stderr,
						       &f->scenario),
				 0);
		target_features_set_smarthost(f->target, f->scenario);
		for (size_t i = 0;
		     i < f->scenario->world.servers[0].fault_count; i++) {
			fault = &f->scenario->world.servers[0].faults[i];
			seen++;
			if (fault->stage == DEADMX_STAGE_MAIL || (!only && i))
				assert_null(fault->recipient.text);
			else
				assert_string_equal(fault->recipient.text,
						    i ? "@dest.example"
						      : "x@dest.example");
		}
	}
	assert_int_equal(seen, 6);
}

/* Every word stands in the reference page, in the words of the table. */
static void test_target_features_documented(void **state)
{
	static const char *const rows[] = {
#define XX(uc, word, doc) "\n| `" word "` | " doc " |",
		TARGET_FEATURE_MAP(XX)
#undef XX
	};
	struct deadmx_arena *arena = deadmx_arena_new();
	char *page;
	size_t len;

	(void)state;
	assert_int_equal(deadmx_yaml_read_file(arena,
					       TEST_DIR "/../docs/targets.md",
					       stderr, &page, &len),
			 0);
	for (size_t i = 0; i < TARGET_FEATURE_COUNT; i++)
		if (!strstr(page, rows[i]))
			fail_msg("%s is not documented", rows[i]);
	deadmx_arena_free(arena);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_target_features_read),
		T(test_target_features_refused),
		T(test_target_features_needed),
		T(test_target_features_smarthost),
		T(test_target_features_rewrites_sender),
		T(test_target_features_helo_only),
		T(test_target_features_smarthost_is_best_mx),
		T(test_target_features_rcpt_rows),
		T(test_target_features_documented),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
