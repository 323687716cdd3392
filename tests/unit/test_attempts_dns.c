/* SPDX-License-Identifier: MIT */
/* Unit tests of harness/judge/attempts_dns.c: what DNS questions tell. */
#include "stored_run.h"

#include "harness/judge/attempts.h"
#include "harness/judge/attempts_dns.h"

#define NAMES(names) "description: test\nworld:\n  until: 6d\n  names:\n" names
#define EXPECT	     "expect: {ndr: yes}\n"
#define DEAD                                                                   \
	NAMES("    dest.example: {timeline: [{answer: servfail}]}\n")          \
	STORED_MAIL

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

/* @action: with quotes, or null. */
static void dns(double t, const char *name, const char *action)
{
	ev(t, "dns",
	   "\"name\":\"%s\",\"qtype\":\"MX\",\"rcode\":null,\"answers\":0,"
	   "\"transport\":\"udp\",\"delay\":0,\"action\":%s,\"line\":6",
	   name, action);
}

/* "t:stage:fault:round" of each attempt; recipients are Bob. */
static void check_tries(const char *want)
{
	char got[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < a->try_count; i++) {
		const struct attempts_try *try = &a->tries[i];

		used += (size_t)snprintf(
			got + used, sizeof(got) - used, "%s%g:%s:%s:%d",
			i ? " " : "",
			(double)try->t_ns / (double)DEADMX_NS_PER_S, try->stage,
			try->fault ? try->fault : "-", try->round);
		assert_string_equal(try->recipient, BOB);
	}
	assert_string_equal(got, want);
}

/* Questions soon after each other are one attempt, later ones the next. */
static void test_attempts_dns_rounds(void **unused)
{
	stored_begin(DEAD EXPECT);
	run_begin();
	inject(0, ALICE, BOB);
	dns(0.1, "Dest.Example", "\"servfail\"");
	dns(5.1, "dest.example", "\"timeout\"");
	dns(45, "dest.example", "null");
	dns(45.2, "other.example", "null");
	dns(91, "dest.example", "\"servfail\"");
	dns(600, "dest.example", "null");
	run_finish(700, "x");
	read_back();
	check_tries("0.1:dns:timeout:1 91:dns:servfail:2 600:dns:-:3");
	assert_int_equal(a->faults_fired, 3);
	assert_null(a->tries[0].server);
}

/* What leads to a connection is part of that. */
static void test_attempts_dns_connected(void **unused)
{
	stored_begin(NAMES("    dest.example: {mx: 10 " MX1 "}\n"
			   "  servers:\n    " MX1
			   ": {timeline: [{connect: refuse}]}\n")
			     STORED_MAIL EXPECT);
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	dns(0.1, "dest.example", "null");
	dns(0.2, MX1, "null");
	connect_to(0.3, MX1_ADDRESS);
	dns(600, "dest.example", "null");
	dns(606, MX1, "null");
	dns(1200, "dest.example", "null");
	connect_to(1201, MX1_ADDRESS);
	run_finish(1300, "x");
	read_back();
	check_tries("0.3:connect:refuse:1 600:dns:-:2 1201:connect:refuse:3");
}

/* Of two domains at one server the connection may be for either. */
static void test_attempts_dns_two_domains(void **unused)
{
	stored_begin(NAMES(
		"    dest.example: {mx: 10 " MX1 "}\n"
		"    other.example: {mx: 10 " MX1 "}\n"
		"  servers:\n    " MX1
		": {timeline: [{connect: refuse}]}\n") "mail: {from: " ALICE
						       ", to: [" BOB ", "
						       "carol@other.example]}"
						       "\n" EXPECT);
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	dns(0.1, "dest.example", "null");
	dns(0.1, "other.example", "null");
	connect_to(0.2, MX1_ADDRESS);
	connect_to(0.2, MX1_ADDRESS);
	run_finish(700, "x");
	read_back();
	assert_int_equal(a->try_count, 2);
	assert_non_null(a->tries[0].server);
}

/* A host that can't be looked up in the middle of a round stays in it. */
static void test_attempts_dns_within_a_round(void **unused)
{
	stored_begin(NAMES("    mx2.dest.example: {a: []}\n"
			   "  servers:\n    " MX1
			   ": {timeline: [{connect: refuse}]}\n"
			   "    mx2.dest.example:\n") STORED_MAIL EXPECT);
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	connect_to(0.3, MX1_ADDRESS);
	dns(0.4, "mx2.dest.example", "null");
	connect_to(600, MX1_ADDRESS);
	dns(600.4, "mx2.dest.example", "null");
	run_finish(700, "x");
	read_back();
	check_tries("0.3:connect:refuse:1 0.4:dns:-:1 "
		    "600:connect:refuse:2 600.4:dns:-:2");
}

/* A connection that was there already is used for another mail. */
static void test_attempts_dns_session_again(void **unused)
{
	int session;

	stored_begin(NAMES("    dest.example: {txt: x}\n"
			   "  servers:\n    " MX1 ":\n"
			   "      timeline: [{rcpt: 451 4.7.1 Later}]\n")
			     STORED_MAIL EXPECT);
	run_begin();
	inject(0, ALICE, BOB);
	connect_to(0.1, MX1_ADDRESS);
	session = accepted(0.1, MX1, MX1_ADDRESS);
	command(0.2, session, "RCPT TO:<" BOB ">");
	dns(10, "dest.example", "null");
	command(10.1, session, "RCPT TO:<" BOB ">");
	run_finish(700, "x");
	read_back();
	check_tries("0.1:connect:-:1");
}

/* @type and how many records came. */
static void dns_answers(double t, const char *name, const char *type, int count)
{
	ev(t, "dns",
	   "\"name\":\"%s\",\"qtype\":\"%s\",\"rcode\":\"NOERROR\","
	   "\"answers\":%d,\"transport\":\"udp\",\"delay\":0,"
	   "\"action\":null,\"line\":null",
	   name, type, count);
}

/* Who learned a server's address and doesn't connect was not stopped by DNS;
 * unless something else failed, or the address is the scenario's. */
static void test_attempts_dns_held_back(void **unused)
{
	stored_begin(NAMES("    dest.example: {timeline: [{from: 1d, "
			   "mx: []}]}\n"
			   "    odd.dest.example: {a: 127.0.0.1}\n"
			   "  servers: {" MX1 ": {}, odd.dest.example: {}}\n")
			     STORED_MAIL EXPECT);
	run_begin();
	inject(0, ALICE, BOB);
	dns_answers(100, "dest.example", "MX", 1);
	dns_answers(100, "Mx1.Dest.Example", "A", 1);
	dns_answers(200, MX1, "AAAA", 1);
	dns_answers(300, MX1, "A", 0);
	dns_answers(400, MX1, "MX", 1);
	dns_answers(500, MX1, "A", 1);
	dns(501, "dest.example", "\"servfail\"");
	dns_answers(600, "odd.dest.example", "A", 1);
	run_finish(700, "x");
	read_back();
	check_tries("300:dns:-:1 400:dns:-:2 500:dns:servfail:3 600:dns:-:4");
}

/* Names on the way: by MX, by alias, at some time. Others say nothing. */
static void test_attempts_dns_names_on_the_way(void **unused)
{
	stored_begin(NAMES(
		"    dest.example:\n"
		"      mx: 10 a.example.net\n"
		"      timeline: [{from: 1h, mx: 10 b.example.net}]\n"
		"    b.example.net: {cname: c.example.net}\n"
		"    d.example.net: {a: 192.0.2.1}\n") STORED_MAIL EXPECT);
	run_begin();
	inject(0, ALICE, BOB);
	dns(0, "d.example.net", "null");
	dns(100, "a.example.net", "null");
	dns(200, "b.example.net", "null");
	dns(300, "C.example.net", "null");
	dns(400, "sender.example", "\"lame\"");
	run_finish(700, "x");
	read_back();
	check_tries("100:dns:-:1 200:dns:-:2 300:dns:-:3");
	/* The sender's zone was broken, too. */
	assert_int_equal(a->faults_fired, 1);
}

/* Without names nothing is looked at, as before there were any. */
static void test_attempts_dns_no_names(void **unused)
{
	stored_begin(STORED_REFUSED EXPECT);
	run_begin();
	inject(0, ALICE, BOB);
	dns(0, "dest.example", "null");
	run_finish(700, "x");
	read_back();
	check_tries("");
	assert_int_equal(a->faults_fired, 0);
}

/* Before its mail is sent nobody asks for a delivery. */
static void test_attempts_dns_early(void **unused)
{
	stored_begin(NAMES("    dest.example: {mx: .}\n") "mail: {from: " ALICE
							  ", to: " BOB
							  ", at: 1h}\n" EXPECT);
	run_begin();
	dns(0, "dest.example", "null");
	inject(3600, ALICE, BOB);
	dns(3600, "dest.example", "null");
	run_finish(7200, "x");
	read_back();
	check_tries("3600:dns:-:1");
}

/* What names hold for ever has fired when it is asked for, unless there is
 * a timeline or a control. */
static void test_attempts_dns_names_are_fault(void **unused)
{
	static const struct {
		const char *yaml;
		size_t fired;
	} all[] = {
		{NAMES("    dest.example: {mx: .}\n") STORED_MAIL EXPECT, 1},
		{NAMES("    dest.example: {mx: .}\n") STORED_MAIL
		 "expect: {faults: none}\n",
		 0},
		{NAMES("    dest.example: {mx: ., timeline: [{from: 1h, "
		       "mx: []}]}\n") STORED_MAIL EXPECT,
		 0},
		{NAMES("    dest.example: {mx: .}\n"
		       "  servers: {" MX1 ": {timeline: [{dot: drop}]}}\n")
			 STORED_MAIL EXPECT,
		 0},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		stored_begin(all[i].yaml);
		run_begin();
		inject(0, ALICE, BOB);
		dns(0, "dest.example", "null");
		run_finish(700, "x");
		read_back();
		assert_int_equal(a->faults_fired, all[i].fired);
		attempts_end(NULL);
	}
}

/* An answer that is only late is a fault, an exception is none. */
static void test_attempts_dns_delay(void **unused)
{
	stored_begin(DEAD EXPECT);
	run_begin();
	inject(0, ALICE, BOB);
	ev(0, "dns",
	   "\"name\":\"dest.example\",\"qtype\":\"MX\",\"rcode\":\"NOERROR\","
	   "\"answers\":1,\"transport\":\"udp\",\"delay\":3.5,"
	   "\"action\":\"accept\",\"line\":6");
	dns(1, "dest.example", "\"accept\"");
	run_finish(700, "x");
	read_back();
	assert_int_equal(a->faults_fired, 1);
	check_tries("0:dns:-:1");
}

/* Questions after the bounce are attempts that shouldn't be; not where the
 * bounce itself goes to that domain. */
static void test_attempts_dns_late(void **unused)
{
	stored_begin(DEAD "expect: {ndr: {status: 4.4.3}}\n");
	run_begin();
	inject(0, ALICE, BOB);
	dns(0, "dest.example", "\"servfail\"");
	bounce(5 * DAY, "failed", "4.4.3");
	dns(5 * DAY + 60, "dest.example", "\"servfail\"");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_FAIL, "law/attempt-after-ndr", NULL);
	stored_end(NULL);
	stored_begin(NAMES(
		"    dest.example: {timeline: [{answer: lame}]}\n") "mail: "
								    "{from: "
								    "c@dest."
								    "example, "
								    "to: " BOB
								    "}\n"
								    "expect: "
								    "{ndr: "
								    "{status: "
								    "4.4.3}}"
								    "\n");
	run_begin();
	inject(0, "c@dest.example", BOB);
	dns(0, "dest.example", "\"lame\"");
	bounce_from(60, "", "c@dest.example", BOB, "failed", "4.4.3");
	dns(120, "dest.example", "\"lame\"");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	assert_null(finding_of("law/attempt-after-ndr"));
}

/* Rounds of questions are counted, the code and the time of the NDR asked. */
static void test_attempts_dns_judged(void **unused)
{
	stored_begin(DEAD "expect: {attempts: 3, ndr: {action: failed}}\n");
	run_begin();
	inject(0, ALICE, BOB);
	dns(0, "dest.example", "\"servfail\"");
	dns(600, "dest.example", "\"servfail\"");
	dns(1200, "dest.example", "\"servfail\"");
	bounce(5 * DAY, "failed", "4.4.3");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
	assert_int_equal(run.v.attempt_count, 3);
	assert_null(run.v.attempts[0].host);
	assert_null(run.v.attempts[0].address);
	assert_string_equal(run.v.attempts[0].stage, "dns");
	stored_end(NULL);
	stored_begin(DEAD "expect: {attempts: 3, ndr: {action: failed}}\n");
	run_begin();
	inject(0, ALICE, BOB);
	dns(0, "dest.example", "\"servfail\"");
	bounce(60, "failed", "5.4.4");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_FAIL, "expect/attempts", "expect/ndr/status",
		       "expect/ndr/after", NULL);
}

/* That there is no such domain may come back at once, with any code. */
static void test_attempts_dns_judged_permanent(void **unused)
{
	stored_begin(NAMES("    dest.example: {timeline: [{answer: nxdomain}]}"
			   "\n") STORED_MAIL
		     "expect: {attempts: 1, ndr: {action: failed}}\n");
	run_begin();
	inject(0, ALICE, BOB);
	dns(0, "dest.example", "\"nxdomain\"");
	bounce(1, "failed", "5.4.4");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
}

/* The servers' order is what names say, not the file's. */
static void test_attempts_dns_failover(void **unused)
{
	for (int right = 0; right < 2; right++) {
		stored_begin(
			NAMES("    dest.example: {mx: [20 " MX1
			      ", 10 mx2.dest.example]}\n"
			      "  servers:\n"
			      "    " MX1 ": {timeline: [{connect: refuse}]}\n"
			      "    mx2.dest.example: {timeline: "
			      "[{connect: refuse}]}\n") STORED_MAIL
			"expect: {failover: yes}\n");
		run_begin();
		state(0, MX1, "refuse");
		state(0, "mx2.dest.example", "refuse");
		inject(0, ALICE, BOB);
		dns(0, "dest.example", "null");
		connect_to(1, right ? "192.0.2.11" : MX1_ADDRESS);
		connect_to(2, right ? MX1_ADDRESS : "192.0.2.11");
		dns(600, "dest.example", "null");
		connect_to(601, right ? "192.0.2.11" : MX1_ADDRESS);
		run_finish(700, "-Queue ID- " BOB);
		stored_judge();
		if (right)
			check_findings(VERDICT_PASS, NULL);
		else
			check_findings(VERDICT_FAIL, "expect/failover", NULL);
		stored_end(NULL);
	}
}

/* Only what holds for ever, for MX and both transports, must expire. */
static void test_attempts_dns_stays_dead(void **unused)
{
	static const struct {
		const char *row;
		bool dead;
	} all[] = {
		{"answer: servfail", true},
		{"from: 1h, answer: timeout", true},
		{"type: [a, mx], answer: wrong_id", true},
		{"type: a, answer: servfail", false},
		{"transport: udp, answer: servfail", false},
		{"until: 1h, answer: servfail", false},
		{"first: 9, answer: servfail", false},
		{"times: 9, answer: servfail", false},
		{"for: 1m, every: 1h, answer: servfail", false},
		{"answer: nxdomain", false},
		{"mx: []", false},
	};
	char yaml[1024];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(yaml, sizeof(yaml),
			 NAMES("    dest.example: {timeline: [{%s}]}\n")
				 STORED_MAIL EXPECT,
			 all[i].row);
		stored_begin(yaml);
		assert_int_equal(
			attempts_dns_stays_dead(run.scenario, "Dest.example"),
			all[i].dead);
		stored_end(NULL);
	}
}

/* Whose recipients `attempts` is about: those with a timeline on their way. */
static void test_attempts_dns_is_broken(void **unused)
{
	stored_begin(NAMES("    dest.example: {mx: 10 mx.hoster.example}\n"
			   "    mx.hoster.example: {timeline: "
			   "[{answer: lame}]}\n"
			   "    other.example: {mx: .}\n") STORED_MAIL EXPECT);
	assert_true(attempts_dns_is_broken(run.scenario, "dest.example"));
	assert_false(attempts_dns_is_broken(run.scenario, "other.example"));
	stored_end(NULL);
	stored_begin(NAMES("    dest.example: {mx: .}\n") STORED_MAIL EXPECT);
	assert_true(attempts_dns_is_broken(run.scenario, "dest.example"));
	assert_false(attempts_dns_is_broken(run.scenario, "other.example"));
}

/* Attempts have an end, here as there. */
static void test_attempts_dns_limit(void **unused)
{
	stored_begin(DEAD EXPECT);
	run_begin();
	inject(0, ALICE, BOB);
	for (int i = 0; i <= ATTEMPTS_MAX; i++)
		dns(60.0 * i, "dest.example", "\"servfail\"");
	run_finish(60.0 * ATTEMPTS_MAX + 100, "x");
	read_back();
	assert_int_equal(a->try_count, ATTEMPTS_MAX);
	assert_non_null(finding_of("rfc5321/4.5.4.1/retry-delay"));
}

#undef TEST
#define TEST(name) cmocka_unit_test_teardown(name, attempts_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attempts_dns_rounds),
		TEST(test_attempts_dns_connected),
		TEST(test_attempts_dns_held_back),
		TEST(test_attempts_dns_two_domains),
		TEST(test_attempts_dns_within_a_round),
		TEST(test_attempts_dns_session_again),
		TEST(test_attempts_dns_names_on_the_way),
		TEST(test_attempts_dns_no_names),
		TEST(test_attempts_dns_early),
		TEST(test_attempts_dns_names_are_fault),
		TEST(test_attempts_dns_delay),
		TEST(test_attempts_dns_late),
		TEST(test_attempts_dns_judged),
		TEST(test_attempts_dns_judged_permanent),
		TEST(test_attempts_dns_failover),
		TEST(test_attempts_dns_stays_dead),
		TEST(test_attempts_dns_is_broken),
		TEST(test_attempts_dns_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
