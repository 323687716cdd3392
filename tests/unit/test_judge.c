/* SPDX-License-Identifier: MIT */
/*
 * The judge is judged: runs that must pass, and for each check a run that it
 * must catch, with exactly the findings it must give.
 */
#include "stored_run.h"

#include <errno.h>
#include <fcntl.h>

#include "harness/judge/expect_ndr.h"
#include "harness/judge/expect_text.h"

#define EXPECT_ALL                                                             \
	"expect:\n"                                                            \
	"  attempts: 100..115\n"                                               \
	"  gaps: 10m..75m\n"                                                   \
	"  first_attempts: [0s, 10m, 20m, 40m, 80m]\n"                         \
	"  delay_notice: {after: 4h..5h}\n"                                    \
	"  ndr: {action: failed, status: 4.4.1,\n"                             \
	"        diagnostic: 451 try later, text: sorry about " BOB ".}\n"     \
	"  delivered: none\n"

/* A sound run of a Postfix whose destination refuses to the end. */
static void sound_run(void)
{
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_attempts(5 * DAY + 20 * MINUTE);
	bounce(4 * HOUR + 50 * MINUTE, "delayed", "4.4.1");
	bounce(5 * DAY + 20 * MINUTE, "failed", "4.4.1");
	run_finish(5 * DAY + 3 * HOUR, QUEUE_EMPTY);
}

/* A sound run passes, with all of its numbers in the verdict. */
static void test_judge_sound_run_passes(void **unused)
{
	stored_begin(STORED_REFUSED EXPECT_ALL);
	sound_run();
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
	assert_string_equal(run.v.scenario, "offline/t");
	assert_string_equal(run.v.target_version, "3.7.11");
	assert_true(run.v.host_seconds == 1.5);
	assert_true(run.v.virtual_seconds == 5 * DAY + 3 * HOUR);
	assert_int_equal(run.v.attempt_count, 107);
	assert_int_equal(run.v.ndr_count, 2);
	assert_string_equal(run.v.ndrs[1].status, "4.4.1");
	assert_string_equal(run.v.ndrs[1].recipient, BOB);
	assert_string_equal(run.v.ndrs[1].diagnostic, "smtp; 451 try later");
	assert_string_equal(run.v.ndrs[1].file, "msg-2.eml");
}

/* Each expectation fails alone, with the line of the scenario. */
static void test_judge_each_expectation(void **unused)
{
	static const struct {
		const char *expect, *id, *expected, *observed;
	} rows[] = {
		{"attempts: 108..115", "expect/attempts", "108 to 115",
		 "107 rounds for bob@dest.example"},
		{"attempts: at most 3", "expect/attempts", "at most 3",
		 "107 rounds for bob@dest.example"},
		{"gaps: 11m..75m", "expect/gaps", "11 min to 1 h 15 min",
		 "10 min between rounds 1 and 2 for bob@dest.example, at 0 s; "
		 "2 of "
		 "106 gaps are outside"},
		{"first_attempts: {times: [0s, 10m, 25m], within: 1m}",
		 "expect/first-attempts",
		 "round 3 for bob@dest.example at 25 min, give or take 1 min",
		 "at 20 min"},
		{"delay_notice: none", "expect/delay-notice", "no delay notice",
		 "1 for bob@dest.example, the first after 4 h 50 min"},
		{"delay_notice: {after: 1h..2h}", "expect/delay-notice/after",
		 "1 h to 2 h", "after 4 h 50 min for bob@dest.example"},
		{"ndr: none", "expect/ndr", "no NDR",
		 "one for bob@dest.example at 5 d 0 h 20 min"},
		{"ndr: {action: /relay/}", "expect/ndr/action", "/relay/",
		 "\"failed\" for bob@dest.example"},
		{"ndr: {status: 5.4.7}", "expect/ndr/status", "\"5.4.7\"",
		 "\"4.4.1\" for bob@dest.example"},
		{"ndr: {diagnostic: /refused/}", "expect/ndr/diagnostic",
		 "/refused/", "\"smtp; 451 try later\" for bob@dest.example"},
		{"ndr: {text: happy}", "expect/ndr/text", "\"happy\"",
		 "not in the text of msg-2.eml for bob@dest.example"},
		{"ndr: {after: 4d..5d}", "expect/ndr/after", "4 d to 5 d",
		 "after 5 d 0 h 20 min for bob@dest.example"},
		{"delivered: yes", "expect/delivered", "a delivery",
		 "none to bob@dest.example within 5 d 3 h"},
		{"ndr: {action: delayed, status: 4.4.2}", "expect/ndr/status",
		 "\"4.4.2\"", "\"4.4.1\" for bob@dest.example"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *yaml = NULL;

		assert_true(asprintf(&yaml, STORED_REFUSED "expect:\n  %s\n",
				     rows[i].expect) > 0);
		stored_begin(yaml);
		free(yaml);
		sound_run();
		stored_judge();
		check_findings(VERDICT_FAIL, rows[i].id, NULL);
		assert_string_equal(run.v.findings[0].where,
				    "offline/t.yml:11");
		assert_string_equal(run.v.findings[0].expected,
				    rows[i].expected);
		assert_string_equal(run.v.findings[0].observed,
				    rows[i].observed);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED EXPECT_ALL); /* for the teardown */
}

/* A missing delay notice. */
static void test_judge_no_delay_notice(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {delay_notice: yes}\n");
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_attempts(5 * DAY);
	bounce(5 * DAY, "failed", "4.4.1");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_FAIL, "expect/delay-notice", NULL);
}

/* A Postfix without its bounce service: the mail rests in the queue. */
static void test_judge_missing_ndr_still_queued(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {ndr: {action: failed}}\n");
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_attempts(6 * DAY);
	run_finish(6 * DAY, "A1B2 511 Tue Jan 1 " ALICE "\\n  " BOB);
	stored_judge();
	check_findings(VERDICT_FAIL, "rfc5321/6.1/ndr-missing", "expect/ndr",
		       NULL);
	assert_string_equal(finding_of("rfc5321/6.1/ndr-missing")->observed,
			    "no NDR for bob@dest.example within 6 d; the "
			    "message is still queued");
	assert_string_equal(finding_of("expect/ndr")->where,
			    "offline/t.yml:10");
}

/* The mail vanishes: lost, asked or not. */
static void test_judge_missing_ndr_gone(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {delivered: none}\n");
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_attempts(DAY);
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_FAIL, "rfc5321/6.1/ndr-missing", "law/lost",
		       NULL);
	assert_string_equal(finding_of("rfc5321/6.1/ndr-missing")->observed,
			    "no NDR for bob@dest.example within 6 d; the "
			    "message is gone");
}

/* Without NOTIFY=FAILURE silence is right, and an NDR wrong. */
static void test_judge_notify_never(void **unused)
{
	static const char yaml[] =
		STORED_REFUSED "  notify: NEVER\nexpect: {delivered: none}\n";

	stored_begin(yaml);
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);

	stored_begin(yaml);
	sound_run();
	stored_judge();
	check_findings(VERDICT_FAIL, "rfc3461/5.2.6/ndr-not-wanted",
		       "rfc3461/5.2.5/delay-not-wanted", NULL);
}

/* Recovery: delivered after the fault, no NDR. */
static void test_judge_recovery_passes(void **unused)
{
	stored_begin(STORED_WORLD("{until: 30h, connect: refuse}") STORED_MAIL
		     "expect: {delivered: {after: 30h..32h, count: 1},"
		     " ndr: none}\n");
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_attempts(30 * HOUR - 1);
	state(30 * HOUR, MX1, NULL);
	connect_to(30.5 * HOUR, MX1_ADDRESS);
	accepted(30.5 * HOUR, MX1, MX1_ADDRESS);
	message(30.5 * HOUR, MX1, ALICE, BOB, "");
	run_finish(33 * HOUR, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
	assert_int_equal(run.v.delivery_count, 1);
	assert_string_equal(run.v.deliveries[0].host, MX1);
}

/* Delivered at the wrong time, too often, or at all. */
static void test_judge_delivery_expectations(void **unused)
{
	static const struct {
		const char *expect, *id;
	} rows[] = {
		{"delivered: {after: 30h..32h}", "expect/delivered/after"},
		{"delivered: {count: 2}", "expect/delivered/count"},
		{"delivered: none", "expect/delivered"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *yaml = NULL;

		assert_true(
			asprintf(&yaml,
				 STORED_WORLD("{until: 30m, connect: refuse}")
					 STORED_MAIL "expect:\n  %s\n",
				 rows[i].expect) > 0);
		stored_begin(yaml);
		free(yaml);
		run_begin();
		state(0, MX1, "refuse");
		inject(0, ALICE, BOB);
		connect_to(0, MX1_ADDRESS);
		message(HOUR, MX1, ALICE, BOB, "");
		run_finish(3 * HOUR, QUEUE_EMPTY);
		stored_judge();
		check_findings(VERDICT_FAIL, rows[i].id, NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED EXPECT_ALL);
}

/* --- status -------------------------------------------------------------- */

/* A run whose last attempt is one session with this fault, then an NDR. */
static void status_run(const char *timeline, const char *stage,
		       const char *action, const char *text, const char *status)
{
	char *yaml = NULL;
	int session;

	assert_true(asprintf(&yaml,
			     "description: test\nworld:\n  servers:\n"
			     "    " MX1 ":\n      timeline: [{%s}]\n"
			     "  until: 6d\n" STORED_MAIL "expect: {ndr: yes}\n",
			     timeline) > 0);
	stored_begin(yaml);
	free(yaml);
	run_begin();
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	session = accepted(1, MX1, MX1_ADDRESS);
	command(1, session, "RCPT TO:<" BOB ">");
	fault(1, session, stage, action, text);
	bounce(5 * DAY + 60, "failed", status);
	run_finish(6 * DAY, QUEUE_EMPTY);
}

/* status: last_attempt, for each kind of last attempt. */
static void test_judge_status_of_last_attempt(void **unused)
{
	static const struct {
		const char *timeline, *stage, *action, *text, *status;
		const char *expected; /* NULL: it is right */
	} rows[] = {
		{"rcpt: 451 4.4.0 x", "rcpt", "reply", "\"451 4.4.0 x\"",
		 "4.4.0", NULL},
		{"rcpt: 451 4.4.0 x", "rcpt", "reply",
		 "\"451-4.4.0 x\\n451 y\"", "5.4.0", NULL},
		{"rcpt: 451 4.4.0 x", "rcpt", "reply", "\"451 4.4.0 x\"",
		 "4.4.6", "4.4.0 (the code of the last attempt's reply)"},
		{"rcpt: 451 x", "rcpt", "reply", "\"451 x\"", "4.3.0", NULL},
		{"rcpt: 451 x", "rcpt", "reply", "\"451 x\"", "5.0.0",
		 "4.x.x (the last attempt's reply had no enhanced code)"},
		{"banner: stall", "banner", "stall", "null", "4.4.2", NULL},
		{"banner: stall", "banner", "stall", "null", "4.4.1",
		 "4.4.2 (the last attempt's connection broke)"},
		{"dot: drop", "dot", "drop", "null", "4.4.2", NULL},
		{"data: reset", "data", "reset", "null", "4.4.2", NULL},
		{"tls: expired", "tls", "expired", "null", "4.7.5", NULL},
		{"tls: drop", "tls", "drop", "null", "4.7.5", NULL},
		{"tls: drop", "tls", "drop", "null", "4.4.2", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		status_run(rows[i].timeline, rows[i].stage, rows[i].action,
			   rows[i].text, rows[i].status);
		stored_judge();
		if (rows[i].expected) {
			check_findings(VERDICT_FAIL, "expect/ndr/status", NULL);
			assert_string_equal(run.v.findings[0].expected,
					    rows[i].expected);
		} else {
			check_findings(VERDICT_PASS, NULL);
		}
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED EXPECT_ALL);
}

/* status: fixed, and any. */
static void test_judge_status_fixed_and_any(void **unused)
{
	for (int rule = 0; rule < TARGET_STATUS_COUNT; rule++) {
		status_run("banner: stall", "banner", "stall", "null", "4.2.1");
		run.target.documented.status_rule = (enum target_status)rule;
		run.target.documented.status = (char *)"4.4.7";
		stored_judge();
		if (rule == TARGET_STATUS_ANY) {
			check_findings(VERDICT_PASS, NULL);
		} else {
			check_findings(VERDICT_FAIL, "expect/ndr/status", NULL);
		}
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED EXPECT_ALL);
}

/* The enhanced code of a reply, and what is none. */
static void test_judge_enhanced_code(void **unused)
{
	static const char *const none[] = {
		"451 Try later",
		"451",
		"45",
		"",
		"451 4.4 x",
		"451 4.4.0x",
		"451 4.4.0.1 x",
		"451 4.4.0000000000000",
		"abc 4.4.0 x",
	};
	char buf[12];

	assert_true(expect_enhanced("451 4.4.0 x", buf));
	assert_string_equal(buf, "4.4.0");
	assert_true(expect_enhanced("550-5.7.10\n550 x", buf));
	assert_string_equal(buf, "5.7.10");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(expect_enhanced(none[i], buf));
}

/* --- when ---------------------------------------------------------------- */

/* Judge a refused run whose NDR comes at @t. */
static void expiry_run(const char *yaml, double t)
{
	stored_begin(yaml);
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	bounce(t, "failed", "4.4.1");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
}

/* Without `after` the documented lifetime counts, give or take a second. */
static void test_judge_documented_expiry(void **unused)
{
	static const char yaml[] = STORED_REFUSED "expect: {ndr: yes}\n";

	expiry_run(yaml, 5 * DAY - 0.5);
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
	expiry_run(yaml, 5 * DAY + 2 * HOUR + 0.9);
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
	expiry_run(yaml, 5 * DAY - 2);
	check_findings(VERDICT_FAIL, "expect/ndr/after", NULL);
	assert_string_equal(run.v.findings[0].expected, "5 d to 5 d 2 h");
	stored_end(NULL);
	expiry_run(yaml, 5 * DAY + 2 * HOUR + 2);
	check_findings(VERDICT_FAIL, "expect/ndr/after", NULL);
}

/* The setting "lifetime" moves it; a fault that ends lifts it. */
static void test_judge_expiry_moved(void **unused)
{
	expiry_run("settings: {lifetime: 2h}\n" STORED_REFUSED
		   "expect: {ndr: yes}\n",
		   2.5 * HOUR);
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
	expiry_run("settings: {lifetime: 2h}\n" STORED_REFUSED
		   "expect: {ndr: yes}\n",
		   5 * DAY);
	check_findings(VERDICT_FAIL, "expect/ndr/after", NULL);
	stored_end(NULL);
	expiry_run(STORED_WORLD("{until: 1h, connect: refuse}") STORED_MAIL
		   "expect: {ndr: yes}\n",
		   0.5 * HOUR);
	check_findings(VERDICT_FAIL, "documented/gave-up-early", NULL);
}

/* --- standing laws ------------------------------------------------------- */

static void law_begin(void)
{
	stored_begin(STORED_REFUSED "expect: {delivered: yes}\n");
	/* The laws alone: what the scenario expects is beside the point. */
	memset(&run.scenario->expect, 0, sizeof(run.scenario->expect));
	/* And so is when its mail comes back. */
	run.target.documented.expires_after_ns = 0;
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
}

static void law_judge(const char *id)
{
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_FAIL, id, NULL);
}

static void test_judge_law_attempt_after_ndr(void **unused)
{
	law_begin();
	bounce(HOUR, "failed", "4.4.1");
	connect_to(2 * HOUR, MX1_ADDRESS);
	connect_to(3 * HOUR, MX1_ADDRESS);
	law_judge("law/attempt-after-ndr");
	assert_string_equal(run.v.findings[0].observed,
			    "2 for bob@dest.example, the first at 2 h; the NDR "
			    "came at 1 h");
}

/* The clock's stamp of a refused connection may pass the world's of the NDR
 * that followed: in one instant there is no order. */
static void test_judge_law_attempt_in_the_instant(void **unused)
{
	law_begin();
	bounce(HOUR, "failed", "4.4.1");
	connect_to(HOUR + 0.0009, MX1_ADDRESS);
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	assert_null(finding_of("law/attempt-after-ndr"));
	stored_end(NULL);
	law_begin();
	bounce(HOUR, "failed", "4.4.1");
	connect_to(HOUR + 0.0021, MX1_ADDRESS);
	law_judge("law/attempt-after-ndr");
}

/* It is known by its RCPT, too, while others' mail is still open. */
static void test_judge_law_attempt_after_ndr_by_rcpt(void **unused)
{
	int session;

	stored_begin(STORED_REFUSED "expect: {delivered: yes}\n"
				    "tags: [x]\n");
	memset(&run.scenario->expect, 0, sizeof(run.scenario->expect));
	run.target.documented.expires_after_ns = 0;
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	bounce(HOUR, "failed", "4.4.1");
	state(2 * HOUR, MX1, NULL);
	session = accepted(2 * HOUR, MX1, MX1_ADDRESS);
	command(2 * HOUR, session, "RCPT TO:<" BOB ">");
	law_judge("law/attempt-after-ndr");
}

static void test_judge_law_delivery_after_ndr(void **unused)
{
	law_begin();
	bounce(HOUR, "failed", "4.4.1");
	message(2 * HOUR, MX1, ALICE, BOB, "");
	law_judge("law/delivery-after-ndr");
}

static void test_judge_law_two_outcomes(void **unused)
{
	law_begin();
	message(HOUR, MX1, ALICE, BOB, "");
	bounce(2 * HOUR, "failed", "4.4.1");
	law_judge("law/two-outcomes");
}

static void test_judge_law_ndr_twice(void **unused)
{
	law_begin();
	bounce(HOUR, "failed", "4.4.1");
	bounce(2 * HOUR, "failed", "4.4.1");
	law_judge("law/ndr-twice");
}

static void test_judge_law_ndr_to_wrong_address(void **unused)
{
	law_begin();
	bounce(HOUR, "failed", "4.4.1");
	bounce_from(HOUR, "", "eve@sender.example", BOB, "failed", "4.4.1");
	law_judge("law/ndr-to-wrong-address");
	assert_string_equal(run.v.findings[0].where, "msg-2.eml");
}

static void test_judge_law_null_reverse_path(void **unused)
{
	law_begin();
	bounce_from(HOUR, "MAILER-DAEMON@mta.example", ALICE, BOB, "failed",
		    "4.4.1");
	law_judge("rfc5321/6.1/null-reverse-path");
}

static void test_judge_law_duplicate_delivery(void **unused)
{
	law_begin();
	message(HOUR, MX1, ALICE, BOB, "");
	message(2 * HOUR, MX1, ALICE, BOB, "");
	law_judge("law/duplicate-delivery");
}

/* After a lost reply a duplicate is nobody's fault. */
static void test_judge_duplicate_after_lost_reply(void **unused)
{
	law_begin();
	message(HOUR, MX1, ALICE, BOB, ",\"unacknowledged\":true");
	message(2 * HOUR, MX1, ALICE, BOB, "");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);

	law_begin();
	message(HOUR, MX1, ALICE, BOB, ",\"unacknowledged\":true");
	message(2 * HOUR, MX1, ALICE, BOB, "");
	message(3 * HOUR, MX1, ALICE, BOB, "");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, "law/duplicate-delivery", NULL);
	assert_int_equal(run.v.findings[0].severity, SEVERITY_NOTE);
}

/* Copies that the recipient finds: none, as many as said, or another number. */
static void test_judge_duplicates(void **unused)
{
	static const struct {
		const char *wanted;
		bool is_wrong;
	} rows[] = {{"none", true}, {"1", true}, {"2", false}, {"1..3", false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char yaml[512];

		snprintf(yaml, sizeof(yaml),
			 STORED_REFUSED "expect: {duplicates: %s}\n",
			 rows[i].wanted);
		stored_begin(yaml);
		run_begin();
		state(0, MX1, "refuse");
		inject(0, ALICE, BOB);
		connect_to(1, MX1_ADDRESS);
		message(HOUR, MX1, ALICE, BOB, ",\"unacknowledged\":true");
		message(2 * HOUR, MX1, ALICE, BOB, ",\"unacknowledged\":true");
		message(3 * HOUR, MX1, ALICE, BOB, "");
		run_finish(6 * DAY, QUEUE_EMPTY);
		stored_judge();
		if (rows[i].is_wrong)
			check_findings(VERDICT_FAIL, "expect/duplicates", NULL);
		else
			check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED EXPECT_ALL);
}

#define TWO_SERVERS                                                            \
	"description: test\n"                                                  \
	"world:\n"                                                             \
	"  servers:\n"                                                         \
	"    mx1.dest.example: {timeline: [{connect: refuse}]}\n"              \
	"    mx2.dest.example: {timeline: [{connect: refuse}]}\n" STORED_MAIL

/* Rounds of one connection a letter: 1 and 2 are the servers. */
static void test_judge_failover(void **unused)
{
	static const struct {
		const char *wanted, *rounds[3];
		bool is_wrong;
	} rows[] = {
		{"yes", {"12", "12"}, false},
		{"yes", {"12", "21"}, true},
		{"yes", {"1", "12"}, true},
		{"none", {"1", "1"}, false},
		{"none", {"1", "12"}, true},
		{"[mx1.dest.example, mx2.dest.example]", {"12", "12"}, false},
		{"[mx2.dest.example, mx1.dest.example]", {"12", "12"}, true},
		{"[mx2.dest.example, mx1.dest.example]", {"21", "21"}, false},
		{"[mx1.dest.example, mx2.dest.example]", {"12", "1"}, true},
		{"[mx1.dest.example]", {"1", "12"}, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char yaml[1024];

		snprintf(yaml, sizeof(yaml),
			 TWO_SERVERS "expect: {failover: %s}\n",
			 rows[i].wanted);
		stored_begin(yaml);
		run_begin();
		state(0, MX1, "refuse");
		inject(0, ALICE, BOB);
		for (int round = 0; rows[i].rounds[round]; round++)
			for (const char *c = rows[i].rounds[round]; *c; c++)
				connect_to(round * HOUR + (*c - '0'),
					   *c == '1' ? MX1_ADDRESS
						     : "192.0.2.11");
		bounce(5 * DAY, "failed", "4.4.1");
		run_finish(6 * DAY, QUEUE_EMPTY);
		stored_judge();
		print_message("row %zu\n", i);
		if (rows[i].is_wrong)
			check_findings(VERDICT_FAIL, "expect/failover", NULL);
		else
			check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED EXPECT_ALL);
}

/* The round that brings the mail needs no second server. */
static void test_judge_failover_success(void **unused)
{
	stored_begin(TWO_SERVERS "expect: {failover: yes}\n");
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(0, MX1_ADDRESS);
	connect_to(1, "192.0.2.11");
	connect_to(HOUR, MX1_ADDRESS);
	message(HOUR, MX1, ALICE, BOB, "");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
}

/* Mail from <>: nobody may be told, and its silent end is no loss. */
static void test_judge_law_null_sender(void **unused)
{
	static const char yaml[] = STORED_WORLD(
		"{connect: refuse}") "mail:\n  - {from: '', to: " BOB "}\n"
				     "  - {from: " ALICE
				     ", to: carol@dest.example}\n"
				     "expect: {delivered: none}\n";

	for (int told = 0; told < 2; told++) {
		stored_begin(yaml);
		run.target.documented.expires_after_ns = 0;
		run_begin();
		state(0, MX1, "refuse");
		inject(0, "", BOB);
		inject(0, ALICE, "carol@dest.example");
		connect_to(1, MX1_ADDRESS);
		bounce_from(HOUR, "", ALICE, "carol@dest.example", "failed",
			    "4.4.1");
		if (told)
			bounce_from(HOUR, "", "postmaster@sender.example", BOB,
				    "failed", "4.4.1");
		run_finish(6 * DAY, QUEUE_EMPTY);
		stored_judge();
		if (told)
			check_findings(VERDICT_FAIL, "law/ndr-for-null-sender",
				       NULL);
		else
			check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
	stored_begin(yaml);
}

/* A mail from <> that arrives is a delivery and no bounce. */
static void test_judge_null_sender_delivered(void **unused)
{
	stored_begin(STORED_WORLD(
		"{until: 1h, connect: refuse}") "mail: {from: '', to: " BOB
						"}\n"
						"expect: {delivered: yes}\n");
	run_begin();
	state(0, MX1, "refuse");
	inject(0, "", BOB);
	connect_to(1, MX1_ADDRESS);
	message_file("From: x@y.example\nSubject: hi\n\nhello\n");
	message(2 * HOUR, MX1, "", BOB, "");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
	assert_int_equal(run.v.delivery_count, 1);
	assert_int_equal(run.v.ndr_count, 0);
}

/* A bounce in prose counts, and is told not to be a DSN. */
static void test_judge_plain_bounce(void **unused)
{
	law_begin();
	message_file("From: MAILER-DAEMON@mta.example\nTo: " ALICE "\n"
		     "Date: Tue, 01 Jan 2030 00:00:00 +0000\n"
		     "Message-ID: <1@mta.example>\n\n"
		     "Hi. I gave up on <" BOB ">.\n");
	message(5 * DAY, SENDER_MX, "", ALICE, "");
	law_judge("rfc3464/2/not-a-dsn");
	assert_int_equal(run.v.ndr_count, 1);
	assert_string_equal(run.v.ndrs[0].recipient, BOB);
	assert_null(run.v.ndrs[0].action);
}

/* A sender's own words with a null reverse-path: bounce, though badly made. */
static void test_judge_unmarked_bounce(void **unused)
{
	law_begin();
	message_file("From: The Machine <robot@mta.example>\nTo: " ALICE "\n\n"
		     "I gave up on <" BOB ">.\n");
	message(5 * DAY, SENDER_MX, "", ALICE, "");
	law_judge("rfc3464/2/not-a-dsn");
	assert_int_equal(run.v.ndr_count, 1);
}

/* "delayed" is no NDR, even if the MTA has given up and emptied its queue. */
static void test_judge_delayed_at_expiry_is_no_ndr(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {ndr: {action: failed}}\n");
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	bounce(5 * DAY, "delayed", "4.4.7");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_FAIL, "rfc5321/6.1/ndr-missing", "expect/ndr",
		       "rfc3464/2.3.3/delayed-for-good", NULL);
}

/* --- deliver by ---------------------------------------------------------- */

/* A mail with BY=@by to an MTA that took it; @rest: of the scenario. */
static void by_begin(const char *by, const char *notify, const char *world,
		     const char *rest)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "%s" STORED_MAIL "  by: %s\n%s%s%s%s",
		 world, by, notify ? "  notify: " : "", notify ? notify : "",
		 notify ? "\n" : "", rest);
	stored_begin(yaml);
	run.target.documented.status_rule = TARGET_STATUS_FIXED;
	run.target.documented.status = (char *)"4.4.7";
	run_begin();
	ev(0, "inject",
	   "\"mail\":0,\"from\":\"" ALICE "\",\"to\":[\"" BOB "\"],"
	   "\"via\":\"smtp\",\"status\":\"accepted\",\"reply\":null,"
	   "\"dsn\":true,\"deliverby\":true");
}

/* The mail goes out at @t, to a server that says @ehlo. */
static void by_relay(double t, const char *ehlo)
{
	int number;

	connect_to(t, MX1_ADDRESS);
	number = accepted(t, MX1, MX1_ADDRESS);
	command(t, number, "EHLO mta.example");
	reply(t, number, "ehlo", ehlo);
	message_file("Subject: x\n\nx\n");
	ev(t, "message",
	   "\"session\":%d,\"server\":\"" MX1 "\",\"from\":\"" ALICE
	   "\",\"to\":[\"" BOB "\"],\"file\":\"msg-%d.eml\",\"bytes\":1",
	   number, run.messages);
}

static void by_judge(const char *finding)
{
	run_finish(6 * HOUR, QUEUE_EMPTY);
	stored_judge();
	if (finding)
		check_findings(VERDICT_FAIL, finding, NULL);
	else
		check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
}

/* RFC 2852 4.1.3: failed with R, delayed with N, each with its status. */
static void test_judge_by_over(void **unused)
{
	static const struct {
		const char *by, *notify, *action, *status;
		double at;
		const char *finding;
	} rows[] = {
		{"3600;R", NULL, "failed", "5.4.7", HOUR, NULL},
		{"3600;R", NULL, "failed", "4.4.7", HOUR,
		 "rfc2852/4.1.3/status"},
		/* Before its time it comes back for another reason. */
		{"7200;R", NULL, "failed", "4.4.1", HOUR, NULL},
		{"3600;R", NULL, "failed", "5.4.7", 3 * HOUR,
		 "rfc2852/4/deliver-by"},
		{"3600;N", NULL, "delayed", "4.4.7", HOUR, NULL},
		{"3600;N", NULL, "delayed", "4.4.1", HOUR,
		 "rfc2852/4.1.3/status"},
		{"3600;N", "[FAILURE, DELAY]", "delayed", "4.4.1", HOUR,
		 "rfc2852/4.1.3/status"},
		/* A notice of before tells nothing of the sender's time. */
		{"7200;N", NULL, "delayed", "4.4.7", HOUR,
		 "rfc2852/4/deliver-by"},
		{"3600;N", "[FAILURE]", NULL, NULL, 0, NULL},
		{"3600;N", NULL, NULL, NULL, 0, "rfc2852/4/deliver-by"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_notify = strchr(rows[i].by, 'N') != NULL;

		print_message("row %zu\n", i);
		by_begin(rows[i].by, rows[i].notify,
			 STORED_WORLD("{until: 5h, connect: refuse}"),
			 is_notify ? "expect: {attempts: at least 0}\n"
				   : "expect: {ndr: {action: failed}}\n");
		state(0, MX1, "refuse");
		connect_to(1, MX1_ADDRESS);
		if (rows[i].action)
			bounce(rows[i].at, rows[i].action, rows[i].status);
		if (is_notify)
			connect_to(4 * HOUR, MX1_ADDRESS);
		if (is_notify)
			state(5 * HOUR, MX1, NULL);
		if (is_notify)
			by_relay(5 * HOUR, "250 mx");
		by_judge(rows[i].finding);
	}
	stored_begin(STORED_REFUSED "expect: {attempts: at least 0}\n");
}

/* RFC 2852 4.1.4.1 and 4.1.4.2: where the mail goes, and what is told. */
static void test_judge_by_relayed(void **unused)
{
	static const char by[] = "250-mx\\n250 DELIVERBY";
	static const struct {
		const char *by, *notify, *ehlo;
		bool is_told;
		const char *finding;
	} rows[] = {
		{"3600;R", NULL, "250 mx", false, "rfc2852/4/deliver-by"},
		{"3600;R", NULL, by, false, NULL},
		{"3600;R", NULL, by, true, "rfc3461/5.2.2/success-not-wanted"},
		{"3600;RT", NULL, by, true, NULL},
		{"3600;N", NULL, by, false, NULL},
		{"3600;N", NULL, "250 mx", true, NULL},
		{"3600;N", NULL, "250 mx", false,
		 "rfc2852/4.1.4.2/relayed-missing"},
		{"3600;N", "[FAILURE]", "250 mx", false,
		 "rfc2852/4.1.4.2/relayed-missing"},
		{"3600;N", "NEVER", "250 mx", false, NULL},
		{"-5;N", NULL, "250 mx", false, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		by_begin(rows[i].by, rows[i].notify,
			 "description: test\nworld:\n  until: 6d\n  servers:\n"
			 "    " MX1 ":\n",
			 "expect: {attempts: at least 0, faults: none}\n");
		by_relay(1, rows[i].ehlo);
		if (rows[i].is_told)
			bounce(2, "relayed", "2.0.0");
		by_judge(rows[i].finding);
	}
	stored_begin(STORED_REFUSED "expect: {attempts: at least 0}\n");
}

/* --- errors -------------------------------------------------------------- */

static void test_judge_no_fault_fired(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {delivered: yes}\n");
	run_begin();
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	message(2, MX1, ALICE, BOB, "");
	run_finish(DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_ERROR, "run/no-fault-fired", NULL);
}

/* A control says that none is to fire. */
static void test_judge_control_passes(void **unused)
{
	stored_begin("description: test\nworld:\n  servers:\n    " MX1
		     ":\n" STORED_MAIL
		     "expect: {faults: none, attempts: 1, delivered: yes}\n");
	run_begin();
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	message(2, MX1, ALICE, BOB, "");
	run_finish(DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
}

static void test_judge_nothing_injected(void **unused)
{
	stored_begin(STORED_REFUSED EXPECT_ALL);
	run_begin();
	run_finish(DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_ERROR, "run/nothing-injected", NULL);
}

static void test_judge_injection_refused(void **unused)
{
	stored_begin(STORED_REFUSED EXPECT_ALL);
	run_begin();
	ev(0, "inject",
	   "\"mail\":0,\"from\":\"" ALICE "\",\"to\":[\"" BOB "\"],"
	   "\"via\":\"smtp\",\"status\":\"rejected\","
	   "\"reply\":\"554 5.7.1 Relay access denied\"");
	run_finish(DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_ERROR, "run/injection-failed", NULL);
	assert_non_null(strstr(run.v.findings[0].observed,
			       "554 5.7.1 Relay access denied"));
}

static void inject_put_off(double t)
{
	ev(t, "inject",
	   "\"mail\":0,\"from\":\"" ALICE "\",\"to\":[\"" BOB "\"],"
	   "\"via\":\"smtp\",\"status\":\"rejected\","
	   "\"reply\":\"452 4.3.1 Insufficient system storage\","
	   "\"again\":true");
}

/* Put off and taken later is taken; never taken is an invalid run. */
static void test_judge_injection_put_off(void **unused)
{
	stored_begin(STORED_REFUSED
		     "expect: {attempts: 1, ndr: none, delivered: none}\n");
	run_begin();
	inject_put_off(0);
	inject(1800, ALICE, BOB);
	state(1800, MX1, "refuse");
	connect_to(1801, MX1_ADDRESS);
	run_finish(HOUR, "Mail queue: " BOB);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
	stored_begin(STORED_REFUSED EXPECT_ALL);
	run_begin();
	inject_put_off(0);
	inject_put_off(1800);
	run_finish(DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_ERROR, "run/injection-failed",
		       "run/nothing-injected", NULL);
	assert_non_null(strstr(run.v.findings[0].observed, "never taken"));
}

static void test_judge_incomplete(void **unused)
{
	stored_begin(STORED_REFUSED EXPECT_ALL);
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	stored_judge();
	check_findings(VERDICT_ERROR, "run/incomplete", NULL);
}

/* An MTA that dies is told with its last words; stopping it is no death. */
static void test_judge_target_died(void **unused)
{
	law_begin();
	ev(HOUR, "log", "\"line\":\"panic: one\"");
	ev(HOUR, "log", "\"line\":\"panic: two\"");
	ev(HOUR, "target", "\"what\":\"exit\",\"status\":134,\"text\":\"\"");
	run_finish(6 * DAY, "still here");
	stored_judge();
	check_findings(VERDICT_ERROR, "run/target-died", NULL);
	assert_string_equal(run.v.findings[0].observed,
			    "it ended with status 134 at 1 h; its last log "
			    "lines; panic: one; panic: two");
}

static void test_judge_clock_and_error(void **unused)
{
	law_begin();
	ev(HOUR, "clock", "\"finding\":\"io_uring_enter\",\"count\":3");
	ev(HOUR, "error", "\"what\":\"no space left\"");
	run_finish(6 * DAY, "still here");
	stored_judge();
	check_findings(VERDICT_ERROR, "run/clock-unhandled", "run/error", NULL);
}

static void test_judge_log_damaged(void **unused)
{
	law_begin();
	fputs("{broken\n", run.events);
	run_finish(6 * DAY, "still here");
	stored_judge();
	check_findings(VERDICT_ERROR, "run/log-damaged", NULL);
}

/* A message that isn't there, a name that leaves the folder, a huge file. */
static void test_judge_message_unreadable(void **unused)
{
	char path[128];
	int fd;

	law_begin();
	run.messages = 41;
	message(HOUR, SENDER_MX, "", ALICE, "");
	run_finish(6 * DAY, "still here");
	stored_judge();
	check_findings(VERDICT_ERROR, "run/message-unreadable", NULL);
	stored_end(NULL);

	law_begin();
	ev(HOUR, "message",
	   "\"session\":1,\"server\":\"" SENDER_MX "\",\"from\":\"\","
	   "\"to\":[\"" ALICE "\"],\"file\":\"../../etc/passwd\",\"bytes\":1");
	run_finish(6 * DAY, "still here");
	stored_judge();
	check_findings(VERDICT_ERROR, "run/message-unreadable", NULL);
	stored_end(NULL);

	/* JUDGE_MESSAGE_BYTES_MAX, in a file with a hole. */
	law_begin();
	snprintf(path, sizeof(path), "%s/msg-0.eml", run.dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, JUDGE_MESSAGE_BYTES_MAX + 1), 0);
	close(fd);
	message(HOUR, SENDER_MX, "", ALICE, "");
	run_finish(6 * DAY, "still here");
	stored_judge();
	check_findings(VERDICT_ERROR, "run/message-unreadable", NULL);
}

/* No folder, no verdict; one line says so. */
static void test_judge_no_log(void **unused)
{
	char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	stored_begin(STORED_REFUSED EXPECT_ALL);
	assert_int_equal(judge_run(run.scenario, &run.target, "/nonexistent",
				   errors, &run.v),
			 -ENOENT);
	fclose(errors);
	assert_string_equal(said, "/nonexistent/events.ndjson: No such file or "
				  "directory\n");
	free(said);
}

/* The same input gives the same bytes. */
static void test_judge_is_deterministic(void **unused)
{
	struct verdict again = {0};
	json_t *one, *two;
	int equal;

	stored_begin(STORED_REFUSED EXPECT_ALL);
	sound_run();
	stored_judge();
	assert_int_equal(
		judge_run(run.scenario, &run.target, run.dir, stderr, &again),
		0);
	one = verdict_to_json(&run.v);
	two = verdict_to_json(&again);
	equal = json_equal(one, two);
	json_decref(one);
	json_decref(two);
	verdict_release(&again);
	assert_true(equal);
}

/* --- phrases ------------------------------------------------------------- */

static void test_judge_text_matching(void **unused)
{
	struct deadmx_text exact = {.text = (char *)"Expired"};
	struct deadmx_text regex = {.text = (char *)"^4\\.4\\.[17]$",
				    .is_regex = true};

	assert_true(expect_matches(&exact, "expired", false));
	assert_false(expect_matches(&exact, "it expired", false));
	assert_true(expect_matches(&exact, "it expired", true));
	assert_false(expect_matches(&exact, NULL, true));
	assert_true(expect_matches(&regex, "4.4.7", false));
	assert_false(expect_matches(&regex, "4.4.2", false));
}

static void test_judge_ranges(void **unused)
{
	struct deadmx_range r = {
		.set = true, .min = 10 * DEADMX_NS_PER_S, .max = INT64_MAX};
	struct expect_text buf;

	assert_true(expect_in_times(&r, 9 * DEADMX_NS_PER_S));
	assert_false(expect_in_times(&r, 9 * DEADMX_NS_PER_S - 1));
	assert_true(expect_in_times(&r, 1000 * DEADMX_NS_PER_S));
	assert_string_equal(expect_times(&r, &buf), "at least 10 s");
	r.min = 0;
	r.max = 60 * DEADMX_NS_PER_S;
	assert_string_equal(expect_times(&r, &buf), "at most 1 min");
	assert_false(expect_in_times(&r, 62 * DEADMX_NS_PER_S));
	r.min = r.max = 3;
	assert_string_equal(expect_counts(&r, &buf), "3");
	r.set = false;
	assert_true(expect_in_times(&r, 0));
	assert_string_equal(expect_time(599999999999, &buf), "10 min");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_judge_sound_run_passes),
		TEST(test_judge_each_expectation),
		TEST(test_judge_no_delay_notice),
		TEST(test_judge_missing_ndr_still_queued),
		TEST(test_judge_missing_ndr_gone),
		TEST(test_judge_notify_never),
		TEST(test_judge_recovery_passes),
		TEST(test_judge_delivery_expectations),
		TEST(test_judge_status_of_last_attempt),
		TEST(test_judge_status_fixed_and_any),
		TEST(test_judge_enhanced_code),
		TEST(test_judge_documented_expiry),
		TEST(test_judge_expiry_moved),
		TEST(test_judge_law_attempt_after_ndr),
		TEST(test_judge_law_attempt_in_the_instant),
		TEST(test_judge_law_attempt_after_ndr_by_rcpt),
		TEST(test_judge_law_delivery_after_ndr),
		TEST(test_judge_law_two_outcomes),
		TEST(test_judge_law_ndr_twice),
		TEST(test_judge_law_ndr_to_wrong_address),
		TEST(test_judge_law_null_reverse_path),
		TEST(test_judge_law_duplicate_delivery),
		TEST(test_judge_duplicate_after_lost_reply),
		TEST(test_judge_duplicates),
		TEST(test_judge_failover),
		TEST(test_judge_failover_success),
		TEST(test_judge_law_null_sender),
		TEST(test_judge_null_sender_delivered),
		TEST(test_judge_plain_bounce),
		TEST(test_judge_unmarked_bounce),
		TEST(test_judge_delayed_at_expiry_is_no_ndr),
		TEST(test_judge_by_over),
		TEST(test_judge_by_relayed),
		TEST(test_judge_no_fault_fired),
		TEST(test_judge_control_passes),
		TEST(test_judge_nothing_injected),
		TEST(test_judge_injection_refused),
		TEST(test_judge_injection_put_off),
		TEST(test_judge_incomplete),
		TEST(test_judge_target_died),
		TEST(test_judge_clock_and_error),
		TEST(test_judge_log_damaged),
		TEST(test_judge_message_unreadable),
		TEST(test_judge_no_log),
		TEST(test_judge_is_deterministic),
		TEST(test_judge_text_matching),
		TEST(test_judge_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
