/* SPDX-License-Identifier: MIT */
/* What reports say against what happened: harness/judge/truth.c. */
#include "stored_run.h"

#define NOTHING "expect: {attempts: at least 0}\n"

static bool has_dsn; /* the MTA took the mail's DSN parameters */

/* One mail, one attempt that is refused, one report of it after ten minutes. */
static void report(const char *yaml, const char *message_fields,
		   const char *recipient_fields, bool is_dns_only)
{
	char *text = NULL;
	int number;

	assert_true(asprintf(&text,
			     "From: MAILER-DAEMON@mta.example\n"
			     "To: " ALICE "\nMIME-Version: 1.0\n"
			     "Date: Tue, 01 Jan 2030 00:10:00 +0000\n"
			     "Message-ID: <1@mta.example>\n"
			     "Content-Type: multipart/report;\n"
			     " report-type=delivery-status; boundary=b\n\n"
			     "--b\n\nI'm sorry.\n"
			     "--b\nContent-Type: message/delivery-status\n\n"
			     "%s\n%s\n"
			     "--b\nContent-Type: text/rfc822-headers\n\n"
			     "Subject: x\n\n--b--\n",
			     message_fields, recipient_fields) > 0);
	stored_begin(yaml);
	run.target.documented.status_rule = TARGET_STATUS_ANY;
	run.target.documented.expires_after_ns = 0;
	run_begin();
	if (has_dsn)
		ev(0, "inject",
		   "\"mail\":0,\"from\":\"" ALICE "\",\"to\":[\"" BOB "\"],"
		   "\"via\":\"smtp\",\"status\":\"accepted\","
		   "\"reply\":null,\"dsn\":true");
	else
		inject(0, ALICE, BOB);
	if (is_dns_only && strstr(yaml, "nxdomain")) {
		ev(1, "dns",
		   "\"name\":\"dest.example\",\"qtype\":\"MX\","
		   "\"rcode\":\"NXDOMAIN\",\"answers\":0,\"transport\":\"udp\","
		   "\"delay\":0,\"action\":\"nxdomain\",\"line\":6");
	} else if (is_dns_only) {
		ev(1, "dns",
		   "\"name\":\"dest.example\",\"qtype\":\"MX\","
		   "\"rcode\":\"NOERROR\",\"answers\":1,\"transport\":\"udp\","
		   "\"delay\":0,\"action\":\"records\",\"line\":6");
	} else {
		connect_to(1, MX1_ADDRESS);
		number = accepted(1, MX1, MX1_ADDRESS);
		command(1, number, "EHLO mta.example");
		command(1, number, "RCPT TO:<" BOB ">");
		fault(1, number, "rcpt", "reply", "\"550 5.1.1 No\"");
		reply(1, number, "rcpt", "550 5.1.1 No");
	}
	message_file(text);
	free(text);
	message(600, SENDER_MX, "", ALICE, "");
	run_finish(HOUR, QUEUE_EMPTY);
	stored_judge();
}

#define RCPT_550   STORED_WORLD("{rcpt: 550 5.1.1 No}") STORED_MAIL NOTHING
#define MTA	   "Reporting-MTA: dns; mta.example\n"
#define DIAGNOSTIC "Diagnostic-Code: smtp; 550 5.1.1 No\n"
#define FAILED                                                                 \
	"Final-Recipient: rfc822; " BOB                                        \
	"\nAction: failed\nStatus: 5.1.1\n" DIAGNOSTIC

/* Each false word is told, and its true counterpart is not. */
static void test_truth_fields(void **state)
{
	static const struct {
		const char *message, *recipient, *finding;
	} rows[] = {
		{MTA, FAILED, NULL},
		{"Reporting-MTA: dns; MTA.example (really)\n", FAILED, NULL},
		{"Reporting-MTA: x-name; whatever\n", FAILED, NULL},
		{"Reporting-MTA: dns; mta.example.org\n", FAILED,
		 "rfc3464/2.2.2/reporting-mta-name"},
		{MTA "Arrival-Date: Tue, 01 Jan 2030 01:00:00 +0100\n", FAILED,
		 NULL},
		{MTA "Arrival-Date: Tue, 01 Jan 2030 00:10:00 +0000\n", FAILED,
		 "rfc3464/2.2.5/arrival-time"},
		{MTA "Arrival-Date: Mon, 31 Dec 2029 23:58:00 +0000\n", FAILED,
		 "rfc3464/2.2.5/arrival-time"},
		{MTA,
		 FAILED "Last-Attempt-Date: Tue, 01 Jan 2030 00:00:01 +0000\n",
		 NULL},
		/* A queue run in which it was not tried. */
		{MTA,
		 FAILED "Last-Attempt-Date: Tue, 01 Jan 2030 00:10:00 +0000\n",
		 NULL},
		{MTA,
		 FAILED "Last-Attempt-Date: Tue, 01 Jan 2030 01:00:00 +0000\n",
		 "rfc3464/2.3.7/last-attempt-time"},
		{MTA,
		 "Final-Recipient: rfc822; Bob@dest.example\nAction: failed\n"
		 "Status: 5.1.1\n" DIAGNOSTIC,
		 "rfc3464/2.3.2/address-case"},
		{MTA,
		 "Final-Recipient: rfc822; " BOB "\nAction: failed\n"
		 "Status: 5.1.1\nRemote-MTA: dns; "
		 "mx1.dest.example\n" DIAGNOSTIC,
		 NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		report(RCPT_550, rows[i].message, rows[i].recipient, false);
		if (rows[i].finding && strstr(rows[i].finding, "case"))
			check_findings(VERDICT_FAIL, rows[i].finding, NULL);
		else if (rows[i].finding)
			check_findings(VERDICT_PASS, rows[i].finding, NULL);
		else
			check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED NOTHING);
}

/* An MTA that does DSN names the server that answered. */
static void test_truth_remote_missing(void **state)
{
	report(RCPT_550, MTA, FAILED, false);
	assert_null(finding_of("rfc3461/6.3/remote-mta"));
	stored_end(NULL);
	has_dsn = true;
	report(RCPT_550, MTA, FAILED, false);
	has_dsn = false;
	check_findings(VERDICT_PASS, "rfc3461/6.3/remote-mta", NULL);
}

/* Where DNS leads to no server there is none to blame. */
static void test_truth_remote(void **state)
{
	static const char yaml[] =
		"description: test\n"
		"world:\n"
		"  until: 6d\n"
		"  names:\n"
		"    dest.example:\n"
		"      timeline: [{answer: nxdomain}]\n" STORED_MAIL NOTHING;
	static const char elsewhere[] =
		"description: test\n"
		"world:\n"
		"  until: 6d\n"
		"  names:\n"
		"    dest.example:\n"
		"      timeline: [{mx: old.example}]\n" STORED_MAIL NOTHING;
	static const char named[] =
		"Final-Recipient: rfc822; " BOB "\nAction: failed\n"
		"Status: 5.1.1\nRemote-MTA: dns; mx1.dest.example\n" DIAGNOSTIC;

	/* Where records lead there may be somebody, though not in our world. */
	report(elsewhere, MTA, named, true);
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
	report(yaml, MTA, FAILED, true);
	check_findings(VERDICT_PASS, NULL);
	stored_end(NULL);
	report(yaml, MTA, named, true);
	check_findings(VERDICT_FAIL, "rfc3464/2.3.5/remote-mta-uninvolved",
		       NULL);
}

/* Until when it is tried follows from the documented lifetime. */
static void test_truth_retry_until(void **unused)
{
	static const struct {
		const char *date, *finding;
	} rows[] = {
		{"Sun, 06 Jan 2030 00:00:00 +0000", NULL},
		{"Sun, 06 Jan 2030 01:59:00 +0000", NULL}, /* its slack */
		{"Mon, 07 Jan 2030 00:00:00 +0000",
		 "rfc3464/2.3.9/retry-until-time"},
		{"Sat, 05 Jan 2030 00:00:00 +0000",
		 "rfc3464/2.3.9/retry-until-time"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;

		print_message("row %zu\n", i);
		stored_begin(STORED_REFUSED NOTHING);
		run_begin();
		inject(0, ALICE, BOB);
		state(0, MX1, "refuse");
		connect_to(1, MX1_ADDRESS);
		assert_true(
			asprintf(&text,
				 "From: M@mta.example\nTo: " ALICE "\n"
				 "MIME-Version: 1.0\n"
				 "Date: Tue, 01 Jan 2030 04:00:00 +0000\n"
				 "Message-ID: <1@mta.example>\n"
				 "Content-Type: multipart/report;\n"
				 " report-type=delivery-status; "
				 "boundary=b\n\n"
				 "--b\n\nIt is late.\n--b\n"
				 "Content-Type: message/delivery-status\n\n" MTA
				 "\nFinal-Recipient: rfc822; " BOB "\n"
				 "Action: delayed\nStatus: 4.4.1\n"
				 "Will-Retry-Until: %s\n\n--b\n"
				 "Content-Type: text/rfc822-headers\n\n"
				 "Subject: x\n\n--b--\n",
				 rows[i].date) > 0);
		message_file(text);
		free(text);
		message(4 * HOUR, SENDER_MX, "", ALICE, "");
		connect_to(5 * HOUR, MX1_ADDRESS);
		run_finish(6 * HOUR, "Mail queue: " BOB);
		stored_judge();
		if (rows[i].finding)
			check_findings(VERDICT_PASS, rows[i].finding, NULL);
		else
			check_findings(VERDICT_PASS, NULL);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED NOTHING);
}

/* One delivery, and perhaps a report of it. */
static void success(const char *notify, const char *ehlo, bool is_told)
{
	char yaml[1024];
	int number;

	snprintf(yaml, sizeof(yaml),
		 "description: test\nworld:\n  until: 6d\n  servers:\n"
		 "    " MX1 ": {extensions: [PIPELINING]}\n" STORED_MAIL
		 "%s%s\nexpect: {faults: none, attempts: at least 0}\n",
		 notify ? "  notify: " : "", notify ? notify : "");
	stored_begin(yaml);
	run_begin();
	ev(0, "inject",
	   "\"mail\":0,\"from\":\"" ALICE "\",\"to\":[\"" BOB "\"],"
	   "\"via\":\"smtp\",\"status\":\"accepted\",\"reply\":null,"
	   "\"dsn\":true");
	connect_to(1, MX1_ADDRESS);
	number = accepted(1, MX1, MX1_ADDRESS);
	command(1, number, "EHLO mta.example");
	reply(1, number, "ehlo", ehlo);
	command(1, number, "RCPT TO:<" BOB ">");
	message_file("Subject: x\n\nx\n");
	ev(1, "message",
	   "\"session\":%d,\"server\":\"" MX1 "\",\"from\":\"" ALICE
	   "\",\"to\":[\"" BOB "\"],\"file\":\"msg-1.eml\",\"bytes\":1",
	   number);
	if (is_told)
		bounce(2, "relayed", "2.0.0");
	run_finish(HOUR, QUEUE_EMPTY);
	stored_judge();
}

static void test_truth_success(void **state)
{
	static const struct {
		const char *notify, *ehlo;
		bool is_told;
		const char *finding;
	} rows[] = {
		{"[SUCCESS, FAILURE]", "250 mx", true, NULL},
		{"[SUCCESS, FAILURE]", "250 mx", false,
		 "rfc3461/5.2.2/relayed-missing"},
		{"[SUCCESS]", "250-mx\\n250 DSN", false, NULL},
		{NULL, "250 mx", false, NULL},
		{"[FAILURE]", "250 mx", false, NULL},
		{NULL, "250 mx", true, "rfc3461/5.2.2/success-not-wanted"},
		{"NEVER", "250 mx", true, "rfc3461/5.2.2/success-not-wanted"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		success(rows[i].notify, rows[i].ehlo, rows[i].is_told);
		if (rows[i].finding)
			assert_non_null(finding_of(rows[i].finding));
		assert_int_equal(run.v.kind,
				 rows[i].finding ? VERDICT_FAIL : VERDICT_PASS);
		stored_end(NULL);
	}
	stored_begin(STORED_REFUSED NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_truth_fields),  TEST(test_truth_remote_missing),
		TEST(test_truth_remote),  TEST(test_truth_retry_until),
		TEST(test_truth_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
