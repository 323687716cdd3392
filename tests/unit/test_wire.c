/* SPDX-License-Identifier: MIT */
/* How the MTA spoke, from events made by hand: harness/judge/wire.c. */
#include "stored_run.h"

#define DSN_MAIL                                                               \
	"mail:\n"                                                              \
	"  from: " ALICE "\n"                                                  \
	"  to: " BOB "\n"                                                      \
	"  notify: FAILURE\n"                                                  \
	"  ret: HDRS\n"                                                        \
	"  envid: Q1\n"                                                        \
	"  orcpt: rfc822;bob+2Bx@dest.example\n"
#define NOTHING "expect: {attempts: at least 0}\n"

#define EHLO_DSN   "250-mx\\n250-DSN\\n250 SIZE 1000"
#define EHLO_PLAIN "250 mx"

/* One session in which @mail and @rcpt come, after @ehlo. */
static void session(const char *yaml, const char *ehlo, const char *mail,
		    const char *rcpt)
{
	int number;

	stored_begin(yaml);
	run_begin();
	ev(0, "inject",
	   "\"mail\":0,\"from\":\"" ALICE "\",\"to\":[\"" BOB "\"],"
	   "\"via\":\"smtp\",\"status\":\"accepted\",\"reply\":null,"
	   "\"dsn\":true,\"deliverby\":true");
	connect_to(1, MX1_ADDRESS);
	number = accepted(1, MX1, MX1_ADDRESS);
	command(1, number, "EHLO mta");
	reply(1, number, "ehlo", ehlo);
	command(1, number, mail);
	reply(1, number, "mail", "250 ok");
	command(1, number, rcpt);
	fault(1, number, "rcpt", "reply", "\"451 later\"");
	reply(1, number, "rcpt", "451 later");
	run_finish(HOUR, "Mail queue: " BOB);
	stored_judge();
}

static void test_wire_parameters(void **state)
{
	static const struct {
		const char *ehlo, *mail, *rcpt, *finding;
	} rows[] = {
		{EHLO_DSN, "MAIL FROM:<" ALICE "> SIZE=5 RET=HDRS ENVID=Q1",
		 "RCPT TO:<" BOB "> NOTIFY=FAILURE "
		 "ORCPT=rfc822;bob+2Bx@dest.example",
		 NULL},
		{EHLO_PLAIN, "MAIL FROM:<" ALICE ">", "RCPT TO:<" BOB ">",
		 NULL},
		{EHLO_DSN, "MAIL FROM:<" ALICE "> RET=HDRS",
		 "RCPT TO:<" BOB "> NOTIFY=FAILURE "
		 "ORCPT=rfc822;bob+2Bx@dest.example",
		 "rfc3461/5.2.1/parameter-lost"},
		{EHLO_DSN, "MAIL FROM:<" ALICE "> RET=FULL ENVID=Q1",
		 "RCPT TO:<" BOB "> NOTIFY=FAILURE "
		 "ORCPT=rfc822;bob+2Bx@dest.example",
		 "rfc3461/5.2.1/parameter-lost"},
		{EHLO_DSN, "MAIL FROM:<" ALICE "> RET=HDRS ENVID=Q1",
		 "RCPT TO:<" BOB "> ORCPT=rfc822;bob+2Bx@dest.example",
		 "rfc3461/5.2.1/parameter-lost"},
		/* Words may change their case, what the sender gave may not. */
		{EHLO_DSN, "MAIL FROM:<" ALICE "> RET=hdrs ENVID=Q1",
		 "RCPT TO:<" BOB "> NOTIFY=failure "
		 "ORCPT=rfc822;bob+2Bx@dest.example",
		 NULL},
		{EHLO_DSN, "MAIL FROM:<" ALICE "> RET=HDRS ENVID=q1",
		 "RCPT TO:<" BOB "> NOTIFY=FAILURE "
		 "ORCPT=rfc822;bob+2Bx@dest.example",
		 "rfc3461/5.2.1/parameter-lost"},
		{EHLO_DSN, "MAIL FROM:<" ALICE "> RET=HDRS ENVID=Q1",
		 "RCPT TO:<" BOB "> NOTIFY=FAILURE "
		 "ORCPT=rfc822;BOB+2Bx@dest.example",
		 "rfc3461/5.2.1/parameter-lost"},
		/* A bounce asks for nothing. */
		{EHLO_DSN, "MAIL FROM:<>", "RCPT TO:<" BOB "> NOTIFY=NEVER",
		 NULL},
		{EHLO_DSN, "MAIL FROM:<> RET=FULL", "RCPT TO:<" BOB ">",
		 "rfc3461/6.1/dsn-parameters"},
		{EHLO_DSN, "MAIL FROM:<>", "RCPT TO:<" BOB "> NOTIFY=FAILURE",
		 "rfc3461/6.1/dsn-parameters"},
		{EHLO_PLAIN, "MAIL FROM:<" ALICE "> RET=HDRS",
		 "RCPT TO:<" BOB ">", "rfc5321/2.2.1/extension-not-offered"},
		{EHLO_PLAIN, "MAIL FROM:<" ALICE "> SIZE=5",
		 "RCPT TO:<" BOB ">", "rfc5321/2.2.1/extension-not-offered"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		session(STORED_WORLD("{rcpt: 451 later}") DSN_MAIL NOTHING,
			rows[i].ehlo, rows[i].mail, rows[i].rcpt);
		if (rows[i].finding)
			check_findings(VERDICT_FAIL, rows[i].finding, NULL);
		else
			check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED NOTHING);
}

/* A sender who gave none gets none; his own address may be added. */
static void test_wire_invented(void **state)
{
	session(STORED_WORLD("{rcpt: 451 later}") STORED_MAIL NOTHING, EHLO_DSN,
		"MAIL FROM:<" ALICE ">", "RCPT TO:<" BOB "> ORCPT=rfc822;" BOB);
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
	session(STORED_WORLD("{rcpt: 451 later}") STORED_MAIL NOTHING, EHLO_DSN,
		"MAIL FROM:<" ALICE "> ENVID=X1", "RCPT TO:<" BOB ">");
	check_findings(VERDICT_FAIL, "rfc3461/5.2.1/parameter-invented", NULL);
}

/* RFC 2852 4.1.4.2: who is to be told of delays, and by whom. */
static void test_wire_by_notify(void **state)
{
	static const struct {
		const char *by, *given, *ehlo, *notify, *finding;
	} rows[] = {
		{"3600;N", "", EHLO_DSN, "FAILURE,DELAY", NULL},
		{"3600;N", "", EHLO_DSN, "FAILURE",
		 "rfc3461/5.2.1/parameter-invented"},
		{"3600;N", "", EHLO_DSN, "SUCCESS,DELAY",
		 "rfc3461/5.2.1/parameter-invented"},
		{"3600;R", "", EHLO_DSN, "FAILURE,DELAY",
		 "rfc3461/5.2.1/parameter-invented"},
		{"3600;N", "", EHLO_DSN "\\n250 DELIVERBY", "FAILURE,DELAY",
		 "rfc3461/5.2.1/parameter-invented"},
		{"3600;N", "notify: [SUCCESS]", EHLO_DSN, "SUCCESS,DELAY",
		 NULL},
		{"3600;N", "notify: [SUCCESS]", EHLO_DSN, "SUCCESS",
		 "rfc2852/4.1.4.2/delay-not-asked"},
		{"-1;N", "notify: [SUCCESS]", EHLO_DSN, "SUCCESS", NULL},
		{"3600;N", "notify: [DELAY]", EHLO_DSN, "DELAY", NULL},
		{"3600;N", "", EHLO_DSN, "", "rfc2852/4.1.4.2/delay-not-asked"},
		{"3600;N", "notify: [SUCCESS]", EHLO_DSN, "",
		 "rfc3461/5.2.1/parameter-lost"},
		{"3600;R", "notify: [SUCCESS]", EHLO_DSN, "SUCCESS", NULL},
		{"3600;N", "notify: [SUCCESS]", EHLO_DSN, "FAILURE,DELAY",
		 "rfc3461/5.2.1/parameter-lost"},
		{"3600;N", "notify: NEVER", EHLO_DSN, "DELAY",
		 "rfc3461/5.2.1/parameter-lost"},
		{"3600;R", "notify: [SUCCESS]", EHLO_DSN, "SUCCESS,DELAY",
		 "rfc3461/5.2.1/parameter-lost"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char yaml[1024], rcpt[128];

		snprintf(yaml, sizeof(yaml),
			 STORED_WORLD("{rcpt: 451 later}") "mail: {from: " ALICE
							   ", to: " BOB
							   ", by: '%s', "
							   "%s}\n" NOTHING,
			 rows[i].by, rows[i].given);
		snprintf(rcpt, sizeof(rcpt), "RCPT TO:<" BOB ">%s%s",
			 *rows[i].notify ? " NOTIFY=" : "", rows[i].notify);
		session(yaml, rows[i].ehlo, "MAIL FROM:<" ALICE ">", rcpt);
		if (rows[i].finding && strstr(rows[i].finding, "not-asked"))
			check_findings(VERDICT_PASS, rows[i].finding, NULL);
		else if (rows[i].finding)
			check_findings(VERDICT_FAIL, rows[i].finding, NULL);
		else
			check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED NOTHING);
}

/* A client that leaves a stall before the RFC's time is told. */
static void test_wire_patience(void **state)
{
	static const struct {
		const char *stage;
		double enough_s;
		const char *finding;
	} rows[] = {
		{"banner", 300, "rfc5321/4.5.3.2.1/greeting-timeout"},
		{"mail", 300, "rfc5321/4.5.3.2.2/mail-timeout"},
		{"rcpt", 300, "rfc5321/4.5.3.2.3/rcpt-timeout"},
		{"data", 120, "rfc5321/4.5.3.2.4/data-timeout"},
		{"body", 180, "rfc5321/4.5.3.2.5/block-timeout"},
		{"dot", 600, "rfc5321/4.5.3.2.6/dot-timeout"},
		{"quit", 0, NULL},
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool early = i % 2;
		const char *finding = rows[i / 2].finding;
		double left = rows[i / 2].enough_s - (early ? 5 : 0.5);
		int number;

		stored_begin(STORED_WORLD("{banner: stall}")
				     STORED_MAIL NOTHING);
		run_begin();
		inject(0, ALICE, BOB);
		connect_to(1, MX1_ADDRESS);
		number = accepted(1, MX1, MX1_ADDRESS);
		fault(1, number, rows[i / 2].stage,
		      strcmp(rows[i / 2].stage, "body") == 0 ? "drip" : "stall",
		      "null");
		ev(1 + (left > 0 ? left : 1), "close",
		   "\"session\":%d,\"server\":\"" MX1
		   "\",\"by\":\"client\",\"how\":\"fin\"",
		   number);
		run_finish(HOUR, "Mail queue: " BOB);
		stored_judge();
		print_message("%s %s\n", rows[i / 2].stage,
			      early ? "early" : "in time");
		if (early && finding)
			check_findings(VERDICT_PASS, finding, NULL);
		else
			check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED NOTHING);
}

/* Whoever was killed did not give up. */
static void test_wire_patience_killed(void **state)
{
	static const char *const whats[] = {"kill", "stop", "start"};

	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		int number;

		stored_begin(STORED_WORLD("{banner: stall}")
				     STORED_MAIL NOTHING);
		run_begin();
		inject(0, ALICE, BOB);
		connect_to(1, MX1_ADDRESS);
		number = accepted(1, MX1, MX1_ADDRESS);
		fault(1, number, "banner", "stall", "null");
		ev(60, "target", "\"what\":\"%s\",\"status\":0,\"text\":\"\"",
		   whats[i]);
		ev(60, "close",
		   "\"session\":%d,\"server\":\"" MX1
		   "\",\"by\":\"client\",\"how\":\"fin\"",
		   number);
		run_finish(HOUR, "Mail queue: " BOB);
		stored_judge();
		print_message("%s\n", whats[i]);
		if (i < 2)
			check_findings(VERDICT_PASS, NULL);
		else
			check_findings(VERDICT_PASS,
				       "rfc5321/4.5.3.2.1/greeting-timeout",
				       NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED NOTHING);
}

/* Nor did he whom the end of the run met. */
static void test_wire_patience_at_the_end(void **state)
{
	int number;

	stored_begin(STORED_WORLD("{banner: stall}") STORED_MAIL NOTHING);
	run_begin();
	inject(0, ALICE, BOB);
	connect_to(1, MX1_ADDRESS);
	number = accepted(1, MX1, MX1_ADDRESS);
	fault(1, number, "banner", "stall", "null");
	ev(60, "phase", "\"name\":\"stop\"");
	ev(60, "close",
	   "\"session\":%d,\"server\":\"" MX1
	   "\",\"by\":\"client\",\"how\":\"fin\"",
	   number);
	run_finish(60, "Mail queue: " BOB);
	stored_judge();
	check_findings(VERDICT_PASS, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wire_parameters),
		TEST(test_wire_invented),
		TEST(test_wire_by_notify),
		TEST(test_wire_patience),
		TEST(test_wire_patience_killed),
		TEST(test_wire_patience_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
