/* SPDX-License-Identifier: MIT */
/*
 * What the target documents, RFC 5321 on retries and routes, and the ends that
 * only a closer look tells apart.
 */
#include "tests/unit/stored_run.h"

#include <errno.h>

#include "harness/judge/documented.h"
#include "harness/judge/findings.h"

#define MX2	    "mx2.dest.example"
#define MX2_ADDRESS "192.0.2.11"

static struct target_retry_step five_to_75_minutes = {
	.is_range = true,
	.base_ns = 300 * DEADMX_NS_PER_S,
	.random_ns = 4200 * DEADMX_NS_PER_S,
	.factor_min = TARGET_RETRY_FACTOR_ONE,
	.factor_max = TARGET_RETRY_FACTOR_ONE,
	.burst = 1};

static void begin(const char *yaml)
{
	stored_begin(yaml);
	run.target.documented.retry.steps = &five_to_75_minutes;
	run.target.documented.retry.count = 1;
	run_begin();
}

static void begin_refused(void)
{
	begin(STORED_REFUSED "expect: {delivered: none}\n");
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
}

static void refused_every(double gap, size_t count)
{
	for (size_t i = 0; i < count; i++)
		connect_to((double)i * gap, MX1_ADDRESS);
}

/* RCPT for @to in @session, refused by a row of the timeline. */
static void refuse(double t, int session, const char *text)
{
	char quoted[100];

	snprintf(quoted, sizeof(quoted), "\"%s\"", text);
	command(t, session, "RCPT TO:<" BOB ">");
	fault(t, session, "rcpt", "reply", quoted);
	reply(t, session, "rcpt", text);
}

static void finish(double t, const char *queue)
{
	run_finish(t, queue);
	stored_judge();
}

static const char queued[] = "A1 alice@sender.example bob@dest.example";

/* Rounds as the target documents them are no finding. */
static void test_documented_retry_holds(void **unused)
{
	begin_refused();
	refused_every(HOUR, 20);
	finish(20 * HOUR, queued);
	check_findings(VERDICT_PASS, NULL);
}

/* Rounds that are too far apart: it is reported, and the run passes. */
static void test_documented_retry_slow(void **unused)
{
	begin_refused();
	refused_every(4 * HOUR, 6);
	finish(20 * HOUR + MINUTE, queued);
	check_findings(VERDICT_PASS, "documented/retry", NULL);
	assert_int_equal(run.v.findings[0].severity, SEVERITY_SHOULD);
	assert_string_equal(run.v.findings[0].observed,
			    "4 h between rounds 1 and 2 for " BOB
			    "; 5 of 5 gaps are wrong");
}

/* One odd gap among many is told as that. */
static void test_documented_retry_one_odd(void **unused)
{
	begin_refused();
	refused_every(HOUR, 20);
	connect_to(20 * HOUR, MX1_ADDRESS);
	connect_to(20 * HOUR + 10, MX1_ADDRESS);
	finish(21 * HOUR, queued);
	check_findings(VERDICT_PASS, "documented/retry", NULL);
	assert_string_equal(run.v.findings[0].observed,
			    "10 s between rounds 21 and 22 for " BOB
			    "; 1 of 21 gaps are wrong");
}

/* Every second: RFC 5321 4.5.4.1, and not documented. */
static void test_documented_no_pause(void **unused)
{
	begin_refused();
	refused_every(1, 20);
	finish(HOUR, queued);
	check_findings(VERDICT_FAIL, "rfc5321/4.5.4.1/retry-delay",
		       "documented/retry", NULL);
}

/* Every ten minutes is documented; the RFC would have it slower: a note. */
static void test_documented_interval_note(void **unused)
{
	begin_refused();
	refused_every(10 * MINUTE, 20);
	finish(4 * HOUR, queued);
	check_findings(VERDICT_PASS, "rfc5321/4.5.4.1/retry-interval", NULL);
	assert_int_equal(run.v.findings[0].severity, SEVERITY_NOTE);
}

/* Two mails to one recipient: whose attempt is whose is not known. */
static void test_documented_retry_two_mails(void **unused)
{
	begin(STORED_WORLD("{connect: refuse}") "mail:\n"
						"  - {from: " ALICE ", to: " BOB
						"}\n"
						"  - {from: " ALICE ", to: " BOB
						", at: 1s}\n"
						"expect: {delivered: none}\n");
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	inject(1, ALICE, BOB);
	refused_every(1, 20);
	finish(HOUR, queued);
	check_findings(VERDICT_PASS, NULL);
}

/* An NDR after hours, though nothing but refused connections was met. */
static void test_documented_gave_up(void **unused)
{
	begin_refused();
	refused_every(HOUR, 3);
	bounce(3 * HOUR, "failed", "4.4.1");
	finish(6 * HOUR, QUEUE_EMPTY);
	check_findings(VERDICT_FAIL, "documented/gave-up-early", NULL);
	assert_string_equal(run.v.findings[0].observed,
			    "an NDR for " BOB " after 3 h; all failures were "
			    "temporary, the last one: refuse");
}

/* A scenario that says when the NDR comes has the last word. */
static void test_documented_gave_up_asked(void **unused)
{
	begin(STORED_REFUSED "expect: {ndr: {after: at most 4h}}\n");
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_every(HOUR, 3);
	bounce(3 * HOUR, "failed", "4.4.1");
	finish(6 * HOUR, QUEUE_EMPTY);
	check_findings(VERDICT_PASS, NULL);
}

/* A target whose own lifetime is short by the RFC's measure. */
static void test_documented_lifetime_note(void **unused)
{
	begin_refused();
	run.target.documented.expires_after_ns = 86400 * DEADMX_NS_PER_S;
	refused_every(HOUR, 24);
	bounce(DAY, "failed", "4.4.1");
	finish(DAY + 2 * HOUR, QUEUE_EMPTY);
	check_findings(VERDICT_PASS, "rfc5321/4.5.4.1/give-up-time", NULL);
}

/* Longer in the queue than documented. */
static void test_documented_still_queued(void **unused)
{
	begin_refused();
	refused_every(HOUR, 6 * 24);
	finish(6 * DAY, queued);
	check_findings(VERDICT_FAIL, "documented/still-queued", NULL);
}

/* A notice of the delay, due after four hours. */
static void begin_notice(const char *yaml)
{
	begin(yaml);
	run.target.documented.says = TARGET_SAYS_NOTICE;
	run.target.documented.delay_notice_ns = 4 * 3600 * DEADMX_NS_PER_S;
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
}

#define REFUSED_NOTHING STORED_REFUSED "expect: {delivered: none}\n"

static void delayed(double t)
{
	refused_every(HOUR, 7);
	if (t > 0)
		bounce(t, "delayed", "4.4.1");
	finish(6 * HOUR + MINUTE, queued);
}

static void test_documented_notice(void **unused)
{
	static const struct {
		double t;
		const char *observed;
	} rows[] = {
		{4 * HOUR, NULL},
		/* with the attempt that fails then */
		{4 * HOUR + 9 * MINUTE, NULL},
		{0, "no delay notice for " BOB},
		{3 * HOUR, "a delay notice for " BOB " after 3 h already"},
		{4 * HOUR + 30 * MINUTE,
		 "a delay notice for " BOB " after 4 h 30 min"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin_notice(REFUSED_NOTHING);
		delayed(rows[i].t);
		if (!rows[i].observed) {
			check_findings(VERDICT_PASS, NULL);
		} else {
			check_findings(VERDICT_PASS, "documented/delay-notice",
				       NULL);
			assert_string_equal(run.v.findings[0].observed,
					    rows[i].observed);
		}
		stored_end(NULL);
	}
}

/* None is documented, or nothing at all. */
static void test_documented_notice_none(void **unused)
{
	begin_notice(REFUSED_NOTHING);
	run.target.documented.delay_notice_ns = 0;
	delayed(4 * HOUR);
	check_findings(VERDICT_PASS, "documented/delay-notice", NULL);
	assert_string_equal(run.v.findings[0].expected, "no delay notice");
	stored_end(NULL);
	begin_notice(REFUSED_NOTHING);
	run.target.documented.says = 0;
	delayed(3 * HOUR);
	check_findings(VERDICT_PASS, NULL);
}

/* What the scenario sets is what is asked for. */
static void test_documented_notice_set(void **unused)
{
	begin_notice("settings: {delay_warning: 2h}\n" REFUSED_NOTHING);
	delayed(2 * HOUR);
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
	begin_notice("settings: {delay_warning: 0h}\n" REFUSED_NOTHING);
	delayed(4 * HOUR);
	check_findings(VERDICT_PASS, "documented/delay-notice", NULL);
	stored_end(NULL);
	begin_notice("settings: {delay_warning: 2h}\n" REFUSED_NOTHING);
	delayed(4 * HOUR);
	check_findings(VERDICT_PASS, "documented/delay-notice", NULL);
	assert_string_equal(run.v.findings[0].expected, "2 h to 2 h 10 min");
}

/* Where it is not due, or the scenario has its own word, nothing is asked. */
static void test_documented_notice_not_due(void **unused)
{
	static const char *const yaml[] = {
		STORED_WORLD("{connect: refuse}") STORED_MAIL
		"  notify: FAILURE\nexpect: {delivered: none}\n",
		STORED_REFUSED "mta: [{at: 30m, do: restart}]\n"
			       "expect: {delivered: none}\n",
		STORED_REFUSED "expect: {delay_notice: none}\n",
	};

	for (size_t i = 0; i < sizeof(yaml) / sizeof(yaml[0]); i++) {
		begin_notice(yaml[i]);
		delayed(0);
		check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
}

#define TWO_SERVERS                                                            \
	"description: test\n"                                                  \
	"world:\n"                                                             \
	"  until: 6d\n"                                                        \
	"  servers:\n"                                                         \
	"    " MX1 ": {timeline: [{connect: refuse}]}\n"                       \
	"    " MX2 ":\n" STORED_MAIL "expect: {duplicates: none}\n"

/* The least preferred server first. */
static void test_route_order(void **unused)
{
	begin(TWO_SERVERS);
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX2_ADDRESS);
	connect_to(2, MX1_ADDRESS);
	finish(HOUR, queued);
	check_findings(VERDICT_FAIL, "rfc5321/5.1/mx-order", NULL);
	assert_string_equal(run.v.findings[0].observed,
			    MX2 ", of preference 20, first for " BOB);
}

/* By rising preference in the first round; later a dead one is left out. */
static void test_route_order_holds(void **unused)
{
	begin(TWO_SERVERS);
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	connect_to(2, MX2_ADDRESS);
	connect_to(HOUR, MX2_ADDRESS);
	connect_to(HOUR + 1, MX1_ADDRESS);
	finish(2 * HOUR, queued);
	check_findings(VERDICT_PASS, NULL);
}

/* The first is down, and the second one is never tried. */
static void test_route_second(void **unused)
{
	begin(TWO_SERVERS);
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_every(HOUR, 3);
	finish(3 * HOUR, queued);
	check_findings(VERDICT_PASS, "rfc5321/5.1/second-address", NULL);
}

/* A connection to the domain's own address, although there is an MX. */
static void test_route_address_despite_mx(void **unused)
{
	begin("description: test\n"
	      "world:\n"
	      "  until: 6d\n"
	      "  names: {dest.example: {a: 192.0.2.99}}\n"
	      "  servers:\n"
	      "    " MX1 ": {timeline: [{connect: refuse}]}\n" STORED_MAIL
	      "expect: {delivered: none}\n");
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	connect_to(2, "192.0.2.99");
	connect_to(3, "192.0.2.99");
	finish(HOUR, queued);
	check_findings(VERDICT_FAIL, "rfc5321/5.1/address-despite-mx", NULL);
}

#define SENDER_DEAD                                                            \
	"description: test\n"                                                  \
	"world:\n"                                                             \
	"  until: 6d\n"                                                        \
	"  servers:\n"                                                         \
	"    " MX1 ": {timeline: [{rcpt: 550 5.1.1 No}]}\n"                    \
	"    " SENDER_MX ": {timeline: [{connect: refuse}]}\n" STORED_MAIL     \
	"expect: {delivered: none}\n"

/* The NDR could not be delivered: that is the sender's own misfortune. */
static void test_law_ndr_in_vain(void **unused)
{
	int session;

	begin(SENDER_DEAD);
	state(0, SENDER_MX, "refuse");
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	session = accepted(1, MX1, MX1_ADDRESS);
	refuse(1, session, "550 5.1.1 No");
	connect_to(2, "192.0.2.11");
	finish(6 * DAY, QUEUE_EMPTY);
	check_findings(VERDICT_PASS, "law/ndr-undeliverable", NULL);
}

/* A bounce about a bounce. */
static void test_law_bounced_bounce(void **unused)
{
	begin_refused();
	connect_to(1, MX1_ADDRESS);
	bounce_from(HOUR, "", ALICE, ALICE, "failed", "4.4.1");
	finish(HOUR + MINUTE, queued);
	check_findings(VERDICT_FAIL, "rfc5321/6.1/bounced-bounce", NULL);
}

/* Tried again after a 5yz to RCPT. */
static void test_law_repeated_5yz(void **unused)
{
	begin(STORED_WORLD("{rcpt: 550 5.1.1 No}") STORED_MAIL
	      "expect: {delivered: none}\n");
	inject(0, ALICE, BOB);
	for (int i = 0; i < 2; i++) {
		int session;

		connect_to(i * HOUR, MX1_ADDRESS);
		session = accepted(i * HOUR, MX1, MX1_ADDRESS);
		refuse(i * HOUR, session, "550 5.1.1 No");
	}
	finish(2 * HOUR, queued);
	check_findings(VERDICT_PASS, "rfc5321/4.2.1/repeated-after-5yz", NULL);
}

#define REFUSED_5YZ                                                            \
	STORED_WORLD("{rcpt: 550 5.1.1 No}")                                   \
	STORED_MAIL                                                            \
	"expect:\n"                                                            \
	"  delivered: none\n"                                                  \
	"  checks:\n"

static void weighed(const char *yaml)
{
	begin(yaml);
	inject(0, ALICE, BOB);
	for (int i = 0; i < 2; i++) {
		int session;

		connect_to(i * HOUR, MX1_ADDRESS);
		session = accepted(i * HOUR, MX1, MX1_ADDRESS);
		refuse(i * HOUR, session, "550 5.1.1 No");
	}
	finish(2 * HOUR, queued);
}

/* A scenario raises a check: the verdict fails. */
static void test_weigh_raised(void **unused)
{
	weighed(REFUSED_5YZ "    rfc5321/4.2.1/repeated-after-5yz: "
			    "{severity: must, reason: we forbid it}\n");
	check_findings(VERDICT_FAIL, "rfc5321/4.2.1/repeated-after-5yz", NULL);
	assert_int_equal(run.v.change_count, 1);
	assert_string_equal(run.v.changes[0].reason, "we forbid it");
	assert_int_equal(run.v.changes[0].count, 1);
}

/* Turned off: it is no finding, but the change is told. */
static void test_weigh_off(void **unused)
{
	json_t *json;
	struct verdict again = {0};

	weighed(REFUSED_5YZ "    rfc5321/4.2.1/repeated-after-5yz: "
			    "{severity: off, reason: known}\n");
	check_findings(VERDICT_PASS, NULL);
	json = verdict_to_json(&run.v);
	assert_int_equal(verdict_from_json(json, &again), 0);
	json_decref(json);
	assert_int_equal(again.change_count, 1);
	assert_string_equal(again.changes[0].severity, "off");
	assert_int_equal(again.changes[0].count, 1);
	verdict_release(&again);
}

/* An id that the judge doesn't know. */
static void test_weigh_unknown(void **unused)
{
	char *text = NULL;
	size_t len;
	FILE *errors = open_memstream(&text, &len);

	weighed(REFUSED_5YZ "    rfc5321/4.2.1/repeated: "
			    "{severity: off, reason: known}\n");
	assert_false(findings_check(run.scenario, errors));
	fclose(errors);
	assert_string_equal(text, "offline/t.yml:13:5: checks, expected the id "
				  "of a finding (docs/findings-ids.md), got "
				  "rfc5321/4.2.1/repeated\n");
	free(text);
}

/* That the run was no test stays an error. */
static void test_weigh_run(void **unused)
{
	struct deadmx_scenario *s = NULL;
	static const char yaml[] = REFUSED_5YZ
		"    run/no-fault-fired: {severity: off, reason: x}\n";

	assert_int_equal(
		deadmx_scenario_parse("t.yml", yaml, strlen(yaml), NULL, &s),
		-EINVAL);
}

/* Without a reason it is not taken. */
static void test_weigh_reason(void **unused)
{
	struct deadmx_scenario *s = NULL;
	static const char yaml[] =
		REFUSED_5YZ "    law/lost: {severity: off}\n";

	assert_int_equal(
		deadmx_scenario_parse("t.yml", yaml, strlen(yaml), NULL, &s),
		-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_documented_retry_holds),
		TEST(test_documented_retry_slow),
		TEST(test_documented_retry_one_odd),
		TEST(test_documented_no_pause),
		TEST(test_documented_interval_note),
		TEST(test_documented_retry_two_mails),
		TEST(test_documented_gave_up),
		TEST(test_documented_gave_up_asked),
		TEST(test_documented_lifetime_note),
		TEST(test_documented_still_queued),
		TEST(test_documented_notice),
		TEST(test_documented_notice_none),
		TEST(test_documented_notice_set),
		TEST(test_documented_notice_not_due),
		TEST(test_route_order),
		TEST(test_route_order_holds),
		TEST(test_route_second),
		TEST(test_route_address_despite_mx),
		TEST(test_law_ndr_in_vain),
		TEST(test_law_bounced_bounce),
		TEST(test_law_repeated_5yz),
		TEST(test_weigh_raised),
		TEST(test_weigh_off),
		TEST(test_weigh_unknown),
		cmocka_unit_test(test_weigh_run),
		cmocka_unit_test(test_weigh_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
