/* SPDX-License-Identifier: MIT */
/* From the event log to attempts, rounds and deliveries. */
#include "stored_run.h"

#include "harness/judge/attempts.h"
#include "harness/judge/event_log.h"

#define STORED_REFUSED_TWO                                                     \
	STORED_WORLD("{connect: refuse}")                                      \
	"mail: {from: " ALICE ", to: [" BOB ", carol@dest.example]}\n"         \
	"expect: {ndr: yes}\n"

static struct attempts *a; /* freed by the teardown */

static int attempts_end(void **state)
{
	attempts_free(a);
	a = NULL;
	return stored_end(state);
}

static void read_back(void)
{
	fclose(run.events);
	run.events = NULL;
	assert_int_equal(
		attempts_read(run.scenario, run.dir, stderr, &run.v, &a), 0);
}

/* A connect to a refusing server is an attempt whose fault fired. */
static void test_attempts_refused(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {ndr: yes}\n");
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(0.1, MX1_ADDRESS);
	connect_to(0.2, "127.0.0.1");
	connect_to(0.3, "198.51.100.10");
	connect_to(600, "::ffff:" MX1_ADDRESS);
	run_finish(700, "x");
	read_back();
	assert_int_equal(a->try_count, 2);
	assert_int_equal(a->faults_fired, 2);
	assert_string_equal(a->tries[0].fault, "refuse");
	assert_string_equal(a->tries[0].stage, "connect");
	assert_string_equal(a->tries[0].recipient, BOB);
	assert_null(a->tries[0].reply);
	assert_int_equal(a->tries[0].round, 1);
	assert_int_equal(a->tries[1].round, 2);
}

/* CONNECT and ACCEPT of the same time are one attempt. */
static void test_attempts_pairs_accepts(void **unused)
{
	int first, second;

	stored_begin(STORED_WORLD("{rcpt: 451 4.7.1 Later}") STORED_MAIL
		     "expect: {ndr: yes}\n");
	run_begin();
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	connect_to(1, MX1_ADDRESS);
	first = accepted(1.000001, MX1, MX1_ADDRESS);
	second = accepted(1.000002, MX1, MX1_ADDRESS);
	reply(1.1, first, "banner", "220 hi");
	command(1.2, first, "MAIL FROM:<" ALICE "> SIZE=7");
	reply(1.2, first, "mail", "250 ok");
	command(1.3, first, "rcpt to: <" BOB "> NOTIFY=FAILURE");
	fault(1.3, first, "rcpt", "reply", "\"451 4.7.1 Later\"");
	reply(1.3, first, "rcpt", "451 4.7.1 Later");
	command(1.4, first, "QUIT");
	reply(1.4, first, "quit", "221 bye");
	reply(1.5, second, "banner", "220 hi");
	run_finish(700, "x");
	read_back();
	assert_int_equal(a->try_count, 2);
	assert_int_equal(a->faults_fired, 1);
	assert_string_equal(a->tries[0].fault, "reply");
	assert_string_equal(a->tries[0].stage, "rcpt");
	assert_string_equal(a->tries[0].reply, "451 4.7.1 Later");
	assert_string_equal(a->tries[0].rcpts[0].address, BOB);
	assert_string_equal(a->tries[0].rcpts[0].reply, "451 4.7.1 Later");
	assert_null(a->tries[1].fault);
	assert_string_equal(a->tries[1].stage, "banner");
	assert_string_equal(a->tries[1].reply, "220 hi");
}

static void tls(double t, int session, const char *error)
{
	ev(t, "tls",
	   "\"session\":%d,\"server\":\"" MX1 "\",\"version\":null,"
	   "\"cipher\":null,\"server_name\":null,\"error\":%s",
	   session, error);
}

/*
 * A fault in the handshake is where an attempt ended, and so is a handshake
 * that failed without one; what comes behind a good one is not.
 */
static void test_attempts_tls(void **unused)
{
	int session;

	stored_begin(STORED_WORLD("{tls: expired}") STORED_MAIL
		     "expect: {ndr: yes}\n");
	run_begin();
	inject(0, ALICE, BOB);
	session = accepted(1, MX1, MX1_ADDRESS);
	reply(1, session, "starttls", "220 go on");
	fault(1, session, "tls", "expired", "null");
	tls(1, session, "\"alert certificate expired\"");
	session = accepted(601, MX1, MX1_ADDRESS);
	reply(601, session, "starttls", "220 go on");
	tls(601, session, "\"the client hung up\"");
	session = accepted(1201, MX1, MX1_ADDRESS);
	tls(1201, session, "null");
	reply(1201, session, "ehlo", "250 hi");
	run_finish(1300, "x");
	read_back();
	assert_int_equal(a->try_count, 3);
	assert_int_equal(a->faults_fired, 1);
	assert_string_equal(a->tries[0].fault, "expired");
	assert_string_equal(a->tries[0].stage, "tls");
	assert_null(a->tries[1].fault);
	assert_string_equal(a->tries[1].stage, "tls");
	assert_string_equal(a->tries[2].stage, "ehlo");
}

/* A log without CONNECTs: the accepts are the attempts. */
static void test_attempts_without_connects(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {ndr: yes}\n");
	inject(0, ALICE, BOB);
	accepted(1, MX1, MX1_ADDRESS);
	accepted(601, MX1, MX1_ADDRESS);
	read_back();
	assert_int_equal(a->try_count, 2);
	assert_int_equal(a->tries[1].round, 2);
}

/* An old connect that vanished in a blackhole is not paired. */
static void test_attempts_old_connect_stays_alone(void **unused)
{
	stored_begin(STORED_WORLD("{until: 1h, connect: blackhole}") STORED_MAIL
		     "expect: {ndr: none}\n");
	inject(0, ALICE, BOB);
	state(0, MX1, "blackhole");
	connect_to(0, MX1_ADDRESS);
	connect_to(3590, MX1_ADDRESS);
	state(3600, MX1, NULL);
	/* Its second SYN gets through. */
	accepted(3600.5, MX1, MX1_ADDRESS);
	connect_to(7200, MX1_ADDRESS);
	accepted(7200, MX1, MX1_ADDRESS);
	read_back();
	assert_int_equal(a->try_count, 3);
	assert_string_equal(a->tries[0].fault, "blackhole");
	assert_false(a->tries[0].is_accepted);
	assert_true(a->tries[1].is_accepted);
	assert_null(a->tries[1].fault);
	assert_true(a->tries[2].is_accepted);
	assert_int_equal(a->faults_fired, 2);
}

/* Two MX hosts in turn are one round; the same host again is the next. */
static void test_attempts_rounds(void **unused)
{
	static const double times[] = {0, 1, 600, 601, 2500, 2501, 9000, 11000};
	static const int rounds[] = {1, 1, 2, 2, 3, 3, 4, 5};
	int64_t *starts;
	size_t count;

	stored_begin("description: test\nworld:\n  servers:\n"
		     "    " MX1 ": {timeline: [{connect: refuse}]}\n"
		     "    mx2.dest.example: {timeline: [{connect: "
		     "refuse}]}\n" STORED_MAIL "expect: {ndr: yes}\n");
	inject(0, ALICE, BOB);
	for (size_t i = 0; i < 8; i++)
		connect_to(times[i], i % 2 ? "192.0.2.11" : MX1_ADDRESS);
	read_back();
	assert_int_equal(a->try_count, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(a->tries[i].round, rounds[i]);
	starts = attempts_rounds(a, &a->parties[0], &count);
	assert_int_equal(count, 5);
	assert_int_equal(starts[2], 2500 * DEADMX_NS_PER_S);
	assert_int_equal(starts[4], 11000 * DEADMX_NS_PER_S);
	free(starts);
}

/* Two domains have their own rounds; refused ones go to who is still open. */
static void test_attempts_two_domains(void **unused)
{
	stored_begin("description: test\nworld:\n  servers:\n"
		     "    " MX1 ": {timeline: [{connect: refuse}]}\n"
		     "    mx1.two.example: {timeline: [{connect: refuse}]}\n"
		     "mail: {from: " ALICE ", to: [" BOB
		     ", carol@two.example]}\n"
		     "expect: {ndr: yes}\n");
	inject(0, ALICE, BOB);
	state(0, MX1, "refuse");
	state(0, "mx1.two.example", "refuse");
	connect_to(1, MX1_ADDRESS);
	connect_to(2, "192.0.2.11");
	connect_to(600, MX1_ADDRESS);
	read_back();
	assert_string_equal(a->tries[1].recipient, "carol@two.example");
	assert_string_equal(a->tries[1].domain, "two.example");
	assert_int_equal(a->tries[1].round, 1);
	assert_int_equal(a->tries[2].round, 2);
}

/* Two recipients at once: a connection each is one round, not two. */
static void test_attempts_parallel_connections(void **unused)
{
	int64_t *starts;
	size_t count;
	int session;

	stored_begin(STORED_REFUSED_TWO);
	inject(0, ALICE, BOB);
	inject(0, ALICE, "carol@dest.example");
	connect_to(1, MX1_ADDRESS);
	connect_to(1.1, MX1_ADDRESS);
	connect_to(1.2, MX1_ADDRESS);
	connect_to(600, MX1_ADDRESS);
	session = accepted(600, MX1, MX1_ADDRESS);
	command(600, session, "RCPT TO:<carol@dest.example>");
	connect_to(600, MX1_ADDRESS);
	session = accepted(600, MX1, MX1_ADDRESS);
	command(600, session, "RCPT TO:<" BOB ">");
	read_back();
	starts = attempts_rounds(a, &a->parties[0], &count);
	free(starts);
	/* Three connections for two: the third is another round. */
	assert_int_equal(count, 3);
	starts = attempts_rounds(a, &a->parties[1], &count);
	free(starts);
	assert_int_equal(count, 3);
}

/* What was refused while there was mail for one only was for that one. */
static void test_attempts_refused_for_another(void **unused)
{
	struct attempts_step *steps;
	size_t count;

	stored_begin(STORED_REFUSED_TWO);
	inject_sent(0.2, 0.1, ALICE, BOB);
	connect_to(0.3, MX1_ADDRESS);
	message(0.5, MX1, ALICE, BOB, "");
	/* The MTA begins before it has said that it takes the mail. */
	connect_to(0.8, MX1_ADDRESS);
	inject_sent(0.9, 0.7, ALICE, "carol@dest.example");
	message(1, MX1, ALICE, "carol@dest.example", "");
	connect_to(2, MX1_ADDRESS); /* for nobody: for all, as a fault of it */
	read_back();
	for (int i = 0; i < 2; i++) {
		steps = attempts_steps(a, &a->parties[i], &count);
		assert_int_equal(count, 2);
		assert_int_equal(steps[0].try->t_ns / 1000000, i ? 800 : 300);
		assert_int_equal(steps[1].try->t_ns / 1000000, 2000);
		free(steps);
	}
}

/* Two at once, one of which is done before the other one comes by. */
static void test_attempts_refused_one_after_another(void **unused)
{
	struct attempts_step *steps;
	size_t count;

	stored_begin(STORED_REFUSED_TWO);
	inject(0, ALICE, BOB);
	inject(0, ALICE, "carol@dest.example");
	connect_to(0.1, MX1_ADDRESS);
	message(0.2, MX1, ALICE, BOB, "");
	connect_to(0.3, MX1_ADDRESS);
	message(0.4, MX1, ALICE, "carol@dest.example", "");
	read_back();
	steps = attempts_steps(a, &a->parties[1], &count);
	assert_int_equal(count, 2);
	assert_int_equal(steps[1].round, 1);
	free(steps);
}

/* A delivery needs the recipient's own server and an acknowledgement. */
static void test_attempts_deliveries(void **unused)
{
	stored_begin(STORED_WORLD("{first: 1, dot: drop}") STORED_MAIL
		     "expect: {delivered: yes}\n");
	inject(0, ALICE, BOB);
	message(1, MX1, ALICE, BOB, ",\"unacknowledged\":true");
	message(2, MX1, "rewritten+" ALICE, "BOB@dest.example", "");
	message(3, SENDER_MX, ALICE, BOB, "");
	read_back();
	assert_int_equal(a->delivery_count, 1);
	assert_int_equal(a->deliveries[0].t_ns, 2 * DEADMX_NS_PER_S);
	assert_int_equal(a->parties[0].unacknowledged_count, 1);
	assert_true(a->parties[0].is_closed);
	assert_non_null(finding_of("law/unexpected-message"));
}

/* Two mails of one pair are one party that ends with the second outcome. */
static void test_attempts_same_pair_twice(void **unused)
{
	stored_begin(STORED_WORLD(
		"{first: 1, dot: drop}") "mail:\n"
					 "  - {from: " ALICE ", to: " BOB "}\n"
					 "  - {from: " ALICE ", to: " BOB
					 ", at: 1h}\n"
					 "expect: {delivered: yes}\n");
	inject(0, ALICE, BOB);
	message(1, MX1, ALICE, BOB, "");
	inject(3600, ALICE, BOB);
	read_back();
	assert_int_equal(a->party_count, 1);
	assert_int_equal(a->parties[0].mails, 2);
	assert_int_equal(a->parties[0].injected_count, 2);
	assert_false(a->parties[0].is_closed);
}

/* A bounce that comes to a server which also takes the recipient's mail. */
static void test_attempts_bounce_is_no_attempt(void **unused)
{
	int session;

	stored_begin("description: test\nworld:\n  servers:\n"
		     "    " MX1 ": {timeline: [{rcpt: stall}],"
		     " mx_for: [dest.example, sender.example]}\n" STORED_MAIL
		     "expect: {ndr: yes}\n");
	inject(0, ALICE, BOB);
	session = accepted(5, MX1, MX1_ADDRESS);
	command(5, session, "MAIL FROM:<>");
	command(5, session, "RCPT TO:<" ALICE ">");
	read_back();
	assert_true(a->tries[0].is_return);
	attempts_report(a, &run.v);
	assert_int_equal(run.v.attempt_count, 0);
}

/* The reply that counts for a recipient is its own, then the session's. */
static void test_attempts_reply_of_recipient(void **unused)
{
	int session;

	stored_begin(STORED_WORLD(
		"{rcpt: 451 No}") "mail: {from: " ALICE ", to: [" BOB
				  ", carol@dest.example]}\nexpect: {ndr: "
				  "yes}\n");
	inject(0, ALICE, BOB);
	session = accepted(5, MX1, MX1_ADDRESS);
	command(5, session, "RCPT TO:<" BOB ">");
	reply(5, session, "rcpt", "450 4.2.1 bob");
	command(5, session, "RCPT TO:<carol@dest.example>");
	reply(5, session, "rcpt", "250 fine");
	reply(5, session, "dot", "452 4.3.1 full");
	read_back();
	assert_string_equal(attempts_reply(&a->tries[0], &a->parties[0]),
			    "450 4.2.1 bob");
	assert_string_equal(attempts_reply(&a->tries[0], &a->parties[1]),
			    "452 4.3.1 full");
	assert_ptr_equal(attempts_last(a, &a->parties[1], 5 * DEADMX_NS_PER_S),
			 &a->tries[0]);
	assert_null(attempts_last(a, &a->parties[1], 4 * DEADMX_NS_PER_S));
}

/* ATTEMPTS_RCPTS_MAX: more recipients of a session are not kept. */
static void test_attempts_limit_rcpts(void **unused)
{
	int session;

	stored_begin(STORED_REFUSED "expect: {ndr: yes}\n");
	session = accepted(5, MX1, MX1_ADDRESS);
	for (int i = 0; i < ATTEMPTS_RCPTS_MAX + 1; i++)
		command(5, session, "RCPT TO:<" BOB ">");
	read_back();
	assert_int_equal(a->tries[0].rcpt_count, ATTEMPTS_RCPTS_MAX);
}

/* ATTEMPTS_MAX: an MTA that retries without pause is told so. */
static void test_attempts_limit_tries(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {ndr: yes}\n");
	for (int i = 0; i < ATTEMPTS_MAX + 1; i++)
		connect_to(i * 1e-6, MX1_ADDRESS);
	read_back();
	assert_int_equal(a->try_count, ATTEMPTS_MAX);
	assert_non_null(finding_of("rfc5321/4.5.4.1/retry-delay"));
}

/* ATTEMPTS_DELIVERIES_MAX and ATTEMPTS_RUN_FINDINGS_MAX. */
static void test_attempts_limit_rows(void **unused)
{
	size_t findings = 0;

	stored_begin(STORED_REFUSED "expect: {ndr: yes}\n");
	for (int i = 0; i < ATTEMPTS_DELIVERIES_MAX + 1; i++)
		message(i, MX1, ALICE, BOB, "");
	for (int i = 0; i < ATTEMPTS_RUN_FINDINGS_MAX + 1; i++)
		ev(1e6, "clock", "\"finding\":\"ppoll\",\"count\":3");
	read_back();
	assert_int_equal(a->delivery_count, ATTEMPTS_DELIVERIES_MAX);
	for (size_t i = 0; i < run.v.finding_count; i++)
		findings += strcmp(run.v.findings[i].id,
				   "run/clock-unhandled") == 0;
	assert_int_equal(findings, ATTEMPTS_RUN_FINDINGS_MAX);
}

/* ATTEMPTS_NOTICES_MAX: an MTA gone mad doesn't fill the memory. */
static void test_attempts_limit_notices(void **unused)
{
	stored_begin(STORED_REFUSED "expect: {ndr: yes}\n");
	message_file("From: MAILER-DAEMON@mta.example\n\n" BOB " is dead\n");
	for (int i = 0; i < ATTEMPTS_NOTICES_MAX + 1; i++)
		message(i, SENDER_MX, "", ALICE, "");
	read_back();
	assert_int_equal(a->notice_count, ATTEMPTS_NOTICES_MAX);
}

/* --- the log itself ------------------------------------------------------ */

enum {
	LOG_EVENTS_MAX = 8, /* stands for JUDGE_EVENTS_MAX */
};

static struct event_log *log_of(const char *text)
{
	struct event_log *log = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/events.ndjson", run.dir);
	fputs(text, run.events);
	fflush(run.events);
	assert_int_equal(event_log_open(path, LOG_EVENTS_MAX, &log), 0);
	return log;
}

/* How many events a log of @text has; its damage in *ret. */
static int events_in(const char *text, struct event_log_damage *ret)
{
	struct event_log *log;
	struct event e;
	int count = 0;

	stored_begin(STORED_REFUSED "expect: {ndr: yes}\n");
	log = log_of(text);
	while (event_log_next(log, &e) > 0)
		count++;
	*ret = *event_log_damage(log);
	event_log_close(log);
	stored_end(NULL);
	return count;
}

/* Damaged lines are counted with the first one's number, then skipped. */
static void test_event_log_damage(void **unused)
{
	struct event_log_damage d;

	assert_int_equal(events_in("{\"seq\":1,\"t\":0,\"type\":\"jump\"}\n"
				   "\n"
				   "nonsense\n"
				   "{\"t\":1,\"type\":\"new-fangled\"}\n"
				   "{\"t\":1e300,\"type\":\"jump\"}\n"
				   "{\"t\":\"1\",\"type\":\"jump\"}\n"
				   "[]\n"
				   "{\"seq\":2,\"t\":1,\"type\":\"dns\"}\n",
				   &d),
			 2);
	assert_int_equal(d.count, 5);
	assert_int_equal(d.line, 3);
	assert_int_equal(events_in("{\"seq\":1,\"t\":0,\"type\":\"jump\"}\n"
				   "{\"seq\":3,\"t\":0,\"type\":\"jump\"}\n",
				   &d),
			 2);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.line, 2);
	assert_int_equal(events_in("{\"seq\":1,\"t\":0,\"type\":\"jump\"}\n"
				   "{\"seq\":2,\"t\":0,",
				   &d),
			 1);
	assert_int_equal(d.count, 2);
}

/* JUDGE_EVENT_LINE_MAX: a longer line is skipped, the next one is read. */
static void test_event_log_limit_line(void **unused)
{
	size_t pad = JUDGE_EVENT_LINE_MAX - 40;
	char *text = malloc(2 * JUDGE_EVENT_LINE_MAX + 200);
	struct event_log_damage d;

	assert_non_null(text);
	snprintf(text, 2 * JUDGE_EVENT_LINE_MAX,
		 "{\"t\":0,\"type\":\"log\",\"line\":\"%*s\"}\n", (int)pad,
		 "x");
	assert_int_equal(events_in(text, &d), 1);
	assert_int_equal(d.count, 0);
	snprintf(text, 2 * JUDGE_EVENT_LINE_MAX,
		 "{\"t\":0,\"type\":\"log\",\"line\":\"%*s\"}\n"
		 "{\"t\":1,\"type\":\"jump\"}\n",
		 (int)JUDGE_EVENT_LINE_MAX, "x");
	assert_int_equal(events_in(text, &d), 1);
	assert_int_equal(d.line, 1);
	free(text);
}

/* The event after the last that is read is damage. */
static void test_event_log_limit_events(void **unused)
{
	static const char line[] = "{\"t\":0,\"type\":\"jump\"}\n";
	char text[sizeof(line) * (LOG_EVENTS_MAX + 1)] = "";
	struct event_log_damage d;

	for (size_t i = 0; i <= LOG_EVENTS_MAX; i++)
		memcpy(text + i * (sizeof(line) - 1), line, sizeof(line));
	assert_int_equal(events_in(text, &d), LOG_EVENTS_MAX);
	assert_int_equal(d.line, LOG_EVENTS_MAX + 1);
}

#undef TEST
#define TEST(name) cmocka_unit_test_teardown(name, attempts_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_attempts_refused),
		TEST(test_attempts_pairs_accepts),
		TEST(test_attempts_tls),
		TEST(test_attempts_without_connects),
		TEST(test_attempts_old_connect_stays_alone),
		TEST(test_attempts_rounds),
		TEST(test_attempts_two_domains),
		TEST(test_attempts_parallel_connections),
		TEST(test_attempts_refused_for_another),
		TEST(test_attempts_refused_one_after_another),
		TEST(test_attempts_deliveries),
		TEST(test_attempts_same_pair_twice),
		TEST(test_attempts_bounce_is_no_attempt),
		TEST(test_attempts_reply_of_recipient),
		TEST(test_attempts_limit_rcpts),
		TEST(test_attempts_limit_tries),
		TEST(test_attempts_limit_rows),
		TEST(test_attempts_limit_notices),
		TEST(test_event_log_damage),
		TEST(test_event_log_limit_line),
		TEST(test_event_log_limit_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
