/* SPDX-License-Identifier: MIT */
/* The bounce reader: real bounces of nine MTAs, broken ones, huge ones. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/ndr.h"

#define EXPIRED DEADMX_NDR_KIND_FAILED
#define DELAYED DEADMX_NDR_KIND_DELAYED

/* What stands in each file of tests/ndr; one recipient each. */
static const struct ndr_row {
	const char *file;
	enum deadmx_ndr_kind kind;
	const char *recipient, *status, *diagnostic;
} ndr_rows[] = {
	{"chasquid-451-default-timers.eml", EXPIRED, "rcpt@dest.test", "4.0.0",
	 "all MXs returned transient failures"},
	{"chasquid-451.eml", EXPIRED, "fwd@mta.test", "4.0.0",
	 "all MXs returned transient failures"},
	{"chasquid-refused.eml", EXPIRED, "rcpt@dest.test", "4.0.0",
	 "all MXs returned transient failures"},
	{"courier-451-rcpt-after-warning.eml", EXPIRED, "bob@dest.test",
	 "5.0.0", "451 4.7.1 Grey"},
	{"courier-451-rcpt-default-timers.eml", EXPIRED, "bob@dest.test",
	 "5.0.0", "451 4.7.1 Grey"},
	{"courier-451-rcpt.eml", EXPIRED, "bob@dest.test", "5.0.0",
	 "451 4.7.1 Grey"},
	{"courier-connection-refused.eml", EXPIRED, "bob@dest.test", "5.0.0",
	 "Connection refused"},
	{"courier-data-reset.eml", EXPIRED, "bob@dest.example", "5.0.0",
	 "Network connection shut down"},
	{"courier-delayed-warning.eml", DELAYED, "bob@dest.test", "4.0.0",
	 NULL},
	{"courier-no-smtputf8.eml", EXPIRED, "jürgen@dest.example", "5.0.0",
	 "does not support E-mail"},
	{"courier-stall-banner.eml", EXPIRED, "bob@dest.test", "5.0.0", NULL},
	{"dma-451-default-timers.eml", EXPIRED, "rcpt@dest.test", NULL, NULL},
	{"dma-451.eml", EXPIRED, "rcpt@dest.test", NULL, NULL},
	{"dma-refused.eml", EXPIRED, "rcpt@dest.test", NULL, NULL},
	{"exim-451-rcpt-default-timers.eml", EXPIRED, "bob@dest.test", "5.0.0",
	 "451 4.7.1 Grey"},
	{"exim-451-rcpt.eml", EXPIRED, "bob@dest.test", "5.0.0",
	 "451 4.7.1 Grey"},
	{"exim-connection-refused.eml", EXPIRED, "bob@dest.test", "5.0.0",
	 NULL},
	{"exim-delayed-warning-second.eml", DELAYED, "bob@dest.test", "4.0.0",
	 NULL},
	{"exim-delayed-warning.eml", DELAYED, "bob@dest.test", "4.0.0",
	 "451 4.7.1 Grey"},
	{"exim-stall-banner.eml", EXPIRED, "bob@dest.test", "5.0.0", NULL},
	/* Its Status has a comment: 5.1.2 (550 Tried all MXs dest.test). */
	{"haraka-refused.eml", EXPIRED, "rcpt@dest.test", "5.1.2", NULL},
	{"haraka-451-default-timers.eml", EXPIRED, "rcpt@dest.test", "5.7.1",
	 "451 4.7.1 Grey"},
	{"haraka-451.eml", EXPIRED, "rcpt@dest.test", "5.7.1",
	 "451 4.7.1 Grey"},
	{"haraka-notemplate-451.eml", EXPIRED, "rcpt@dest.test", "5.7.1",
	 "451 4.7.1 Grey"},
	{"haraka-notemplate-refused.eml", EXPIRED, "rcpt@dest.test", "5.1.2",
	 NULL},
	{"nullmailer-451-default-timers.eml", DELAYED, "rcpt@dest.test",
	 "4.7.1", "451 4.7.1 Grey"},
	{"nullmailer-451.eml", DELAYED, "rcpt@dest.test", "4.7.1",
	 "451 4.7.1 Grey"},
	{"nullmailer-refused.eml", EXPIRED, "rcpt@dest.test", "5.0.0",
	 "Connect failed"},
	/* It gave up, yet says "delayed" and isn't a multipart/report. */
	{"opensmtpd-451-rcpt-default-timers.eml", DELAYED, "bob@dest.test",
	 "4.4.7", NULL},
	{"opensmtpd-451-rcpt.eml", DELAYED, "bob@dest.test", "4.4.7", NULL},
	{"opensmtpd-connection-refused.eml", DELAYED, "bob@dest.test", "4.4.7",
	 NULL},
	{"opensmtpd-delayed-warning.eml", DELAYED, "bob@dest.test", "4.0.0",
	 NULL},
	{"opensmtpd-stall-banner.eml", DELAYED, "bob@dest.test", "4.4.7", NULL},
	{"postfix-451-rcpt-delayed.eml", DELAYED, "b@dest.test", "4.4.0",
	 "451 4.4.0 Primary target IP address responded with: 421 4.4.2 "
	 "connection dropped"},
	{"postfix-451-rcpt-expired.eml", EXPIRED, "b@dest.test", "4.4.0",
	 "451 4.4.0 Primary"},
	{"postfix-connection-refused-delayed.eml", DELAYED, "b@dest.test",
	 "4.4.1", "connect to mx.dest.test[127.0.0.2]:25: Connection refused"},
	{"postfix-connection-refused-expired.eml", EXPIRED, "b@dest.test",
	 "4.4.1", "connect to mx.dest.test[127.0.0.2]:25: Connection refused"},
	{"postfix-stall-banner-delayed.eml", DELAYED, "b@dest.test", "4.4.2",
	 "conversation with mx.dest.test[127.0.0.2] timed out while receiving "
	 "the initial server greeting"},
	{"postfix-stall-banner-expired.eml", EXPIRED, "b@dest.test", "4.4.2",
	 "conversation with mx.dest.test[127.0.0.2] timed out while receiving "
	 "the initial server greeting"},
	{"sendmail-451-rcpt-after-warning.eml", EXPIRED, "bob@dest.test",
	 "4.4.7", "451 4.7.1 Grey"},
	{"sendmail-451-rcpt-default-timers.eml", EXPIRED, "bob@dest.test",
	 "4.4.7", "451 4.7.1 Grey"},
	{"sendmail-451-rcpt.eml", EXPIRED, "bob@dest.test", "4.4.7",
	 "451 4.7.1 Grey"},
	{"sendmail-connection-refused.eml", EXPIRED, "bob@dest.test", "4.4.7",
	 NULL},
	{"sendmail-delayed-warning.eml", DELAYED, "bob@dest.test", "4.3.0",
	 "451 4.7.1 Grey"},
	{"sendmail-stall-banner.eml", EXPIRED, "bob@dest.test", "4.4.7", NULL},
};

#define NDR_ROWS (sizeof(ndr_rows) / sizeof(ndr_rows[0]))

static struct deadmx_ndr *ndr; /* freed by the teardown */

static int ndr_teardown(void **state)
{
	deadmx_ndr_free(ndr);
	ndr = NULL;
	return 0;
}

static void ndr_check_row(const struct ndr_row *row)
{
	const struct deadmx_ndr_recipient *r;

	assert_int_equal(ndr->kind, row->kind);
	assert_true(deadmx_ndr_names(ndr, row->recipient));
	assert_false(deadmx_ndr_names(ndr, "nobody@else.test"));
	assert_false(ndr->is_truncated);
	assert_int_equal(ndr->recipient_count, row->status ? 1 : 0);
	if (!row->status)
		return;
	r = ndr->recipients;
	assert_int_equal(r->action, row->kind == EXPIRED
					    ? DEADMX_NDR_ACTION_FAILED
					    : DEADMX_NDR_ACTION_DELAYED);
	assert_string_equal(r->status, row->status);
	assert_int_equal(r->diagnostic_code != NULL, row->diagnostic != NULL);
	if (row->diagnostic)
		assert_non_null(strstr(r->diagnostic_code, row->diagnostic));
	assert_int_not_equal(ndr->original, DEADMX_NDR_ORIGINAL_NONE);
}

/* Every file of tests/ndr is read as the table says, and none is left out. */
static void test_ndr_real_bounces(void **state)
{
	DIR *dir = opendir(TEST_DIR "/ndr");
	const struct dirent *entry;
	size_t files = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		files += strstr(entry->d_name, ".eml") != NULL;
	closedir(dir);
	assert_int_equal(files, NDR_ROWS);
	for (size_t i = 0; i < NDR_ROWS; i++) {
		char path[1024];

		snprintf(path, sizeof(path), "%s/ndr/%s", TEST_DIR,
			 ndr_rows[i].file);
		print_message("%s\n", ndr_rows[i].file);
		assert_int_equal(deadmx_ndr_read(path, &ndr), 0);
		ndr_check_row(&ndr_rows[i]);
		ndr_teardown(NULL);
	}
}

/* "file: id id", the findings in their order; malloc'd. */
static char *ndr_finding_line(const char *file)
{
	char *line = NULL;
	size_t len;
	FILE *out = open_memstream(&line, &len);

	assert_non_null(out);
	fprintf(out, "%s:", file);
	for (size_t i = 0; i < ndr->finding_count; i++)
		fprintf(out, " %s", ndr->findings[i].id);
	fclose(out);
	return line;
}

/* Each file gives just the findings that tests/ndr/findings.txt lists. */
static void test_ndr_golden_findings(void **state)
{
	FILE *golden = fopen(TEST_DIR "/ndr/findings.txt", "r");
	char line[2048];
	size_t wrong = 0;

	assert_non_null(golden);
	for (size_t i = 0; i < NDR_ROWS; i++) {
		char path[1024], *got;

		snprintf(path, sizeof(path), "%s/ndr/%s", TEST_DIR,
			 ndr_rows[i].file);
		assert_int_equal(deadmx_ndr_read(path, &ndr), 0);
		got = ndr_finding_line(ndr_rows[i].file);
		if (!fgets(line, sizeof(line), golden))
			line[0] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, got) != 0) {
			print_message("expected %s\ngot      %s\n", line, got);
			wrong++;
		}
		free(got);
		ndr_teardown(NULL);
	}
	assert_null(fgets(line, sizeof(line), golden));
	fclose(golden);
	assert_int_equal(wrong, 0);
}

static void ndr_parse(const char *text)
{
	ndr_teardown(NULL);
	assert_int_equal(deadmx_ndr_parse(text, strlen(text), &ndr), 0);
}

#define GOOD_HEADER                                                            \
	"From: MAILER-DAEMON@mta.example\n"                                    \
	"To: alice@sender.example\n"                                           \
	"Date: Tue, 01 Jan 2030 00:00:00 +0000\n"                              \
	"Message-ID: <1@mta.example>\n"                                        \
	"MIME-Version: 1.0\n"

/* A report whose status part is @status. */
static void ndr_parse_status(const char *status)
{
	char *text = NULL;

	assert_true(asprintf(&text,
			     GOOD_HEADER
			     "Content-Type: multipart/report;\n"
			     " report-type=delivery-status; boundary=b\n\n"
			     "--b\n\nSorry: bob@dest.example.\n"
			     "--b\nContent-Type: message/delivery-status\n\n"
			     "%s\n--b\nContent-Type: text/rfc822-headers\n\n"
			     "Subject: x\n\n--b--\n",
			     status) > 0);
	ndr_parse(text);
	free(text);
}

#define GOOD_HEAD "Reporting-MTA: dns; mta.example\n\n"
#define GOOD_BODY                                                              \
	"Final-Recipient: rfc822; bob@dest.example\n"                          \
	"Action: failed\nStatus: 4.4.1\n"

static bool ndr_has(const char *id)
{
	for (size_t i = 0; i < ndr->finding_count; i++)
		if (strcmp(ndr->findings[i].id, id) == 0)
			return true;
	return false;
}

/* Each check names its broken field, and only that one. */
static void test_ndr_lint_names_each_broken_field(void **state)
{
	static const struct {
		const char *status, *id;
	} rows[] = {
		{"Arrival-Date: Tue, 1 Jan 2030 00:00:00 +0000\n\n" GOOD_BODY,
		 "rfc3464/2.2.2/reporting-mta"},
		{"Reporting-MTA: mta.example\n\n" GOOD_BODY,
		 "rfc3464/2.2.2/reporting-mta"},
		{"Reporting-MTA: dns; \n\n" GOOD_BODY,
		 "rfc3464/2.2.2/reporting-mta"},
		{GOOD_HEAD "Action: failed\nStatus: 4.4.1\n",
		 "rfc3464/2.3.2/final-recipient"},
		{GOOD_HEAD "Final-Recipient: bob@dest.example\n"
			   "Action: failed\nStatus: 4.4.1\n",
		 "rfc3464/2.3.2/final-recipient"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Status: 4.4.1\n",
		 "rfc3464/2.3.3/action"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: bounced\nStatus: 4.4.1\n",
		 "rfc3464/2.3.3/action"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\n",
		 "rfc3464/2.3.4/status"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\nStatus: 4.4.1 expired\n",
		 "rfc3464/2.3.4/status"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: delayed\nStatus: 5.4.7\n",
		 "rfc3464/2.3.4/status-class"},
		{GOOD_HEAD GOOD_BODY "Will-Retry-Until: Sun, 6 Jan 2030 "
				     "00:00:00 +0000\n",
		 "rfc3464/2.3.9/will-retry-until"},
		{"Reporting-MTA: dns; mta.example\n",
		 "rfc3464/2.3/recipient-fields"},
		{"Reporting-MTA: dns; mta.example\nArrival-Date: Tue, 1 Jan "
		 "2030 00:00:00 GMT\n\n" GOOD_BODY,
		 "rfc3464/2.2.5/arrival-date"},
		{GOOD_HEAD GOOD_BODY "Last-Attempt-Date: 2030-01-01\n",
		 "rfc3464/2.3.7/last-attempt-date"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: delayed\nStatus: 4.4.1\n"
			   "Will-Retry-Until: tomorrow\n",
		 "rfc3464/2.3.9/retry-date"},
		{GOOD_HEAD GOOD_BODY "Remote-MTA: dns;\n",
		 "rfc3464/2.3.5/remote-mta"},
		{GOOD_HEAD GOOD_BODY "Diagnostic-Code: 451 later\n",
		 "rfc3464/2.3.6/diagnostic-code"},
		{GOOD_HEAD GOOD_BODY "Status: 4.4.1\n",
		 "rfc3464/2.3/field-repeated"},
		{GOOD_HEAD "Action: failed\nStatus: 4.4.1\n"
			   "Final-Recipient: rfc822; bob@dest.example\n",
		 "rfc3464/2.3/field-order"},
		{GOOD_HEAD GOOD_BODY "what is this\n",
		 "rfc3464/2.1.1/field-syntax"},
		{GOOD_HEAD "Final-Recipient: rfc822; \xc3\xb6@dest.example\n"
			   "Action: failed\nStatus: 4.4.1\n",
		 "rfc6533/3/utf8-status"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\nStatus: 4.4.7\n"
			   "Diagnostic-Code: smtp; 451 4.7.1 later\n",
		 "rfc3463/3.5/better-code"},
		/* An empty one has no class to speak of. */
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\nStatus:\n"
			   "Diagnostic-Code: smtp; 451 4.7.1 later\n",
		 "rfc3464/2.3.4/status"},
		{"Reporting-MTA: dns; localhost\n\n" GOOD_BODY,
		 "rfc3461/6.3/reporting-mta-domain"},
		{GOOD_HEAD GOOD_BODY "Diagnostic-Code: smtp; no luck\n",
		 "rfc3461/9.2/smtp-diagnostic"},
		{GOOD_HEAD GOOD_BODY "Diagnostic-Code: SMTP; 45 later\n",
		 "rfc3461/9.2/smtp-diagnostic"},
		{GOOD_HEAD GOOD_BODY "Remote-MTA: 192.0.2.1\n",
		 "rfc3464/2.3.5/remote-mta"},
		{"Reporting-MTA: dns; two words\n\n" GOOD_BODY,
		 "rfc3464/2.2.2/reporting-mta"},
		{"Reporting-MTA: dns; m.example (a (b)\nDSN-Gateway: "
		 "gw\n\n" GOOD_BODY,
		 "rfc3464/2.2.3/dsn-gateway"},
		{"Reporting-MTA: dns; m.example\nReceived-From-MTA: dns;\n"
		 " (192.0.2.1)\n\n" GOOD_BODY,
		 "rfc3464/2.2.4/received-from-mta"},
		{"Reporting-MTA: dns; m.example\nReceived-From-MTA: dns; "
		 "c\n\n" GOOD_BODY,
		 "rfc3464/2.2.4/client-address"},
		{"Reporting-MTA: dns; m.example\nReporting-MTA: dns; "
		 "n.example\n\n" GOOD_BODY,
		 "rfc3464/2.2/field-repeated"},
		{"Reporting-MTA: dns; m.example\nOriginal-Envelope-Id: "
		 "x\n\n" GOOD_BODY,
		 "rfc3464/2.2/field-order"},
		{"Reporting-MTA: dns; m.example\nWeather: fine\n\n" GOOD_BODY,
		 "rfc3464/2.4/extension-name"},
		{GOOD_HEAD GOOD_BODY "Weather: fine\n",
		 "rfc3464/2.4/extension-name"},
		{" folded\n" GOOD_HEAD GOOD_BODY, "rfc3464/2.1.1/folding"},
		{"Reporting-MTA: dns; m.example\n \n" GOOD_BODY,
		 "rfc3464/2.1.1/folding"},
		{"Reporting-MTA: dns; m.example\n" GOOD_BODY,
		 "rfc3464/2.3/blank-line"},
		{"Reporting-MTA: my name; m\n\n" GOOD_BODY,
		 "rfc3464/2.1.2/type"},
		{GOOD_HEAD GOOD_BODY "Diagnostic-Code: my code; x\n",
		 "rfc3464/2.1.2/type"},
		{GOOD_HEAD GOOD_BODY "Remote-MTA: a host; x\n",
		 "rfc3464/2.1.2/type"},
		{GOOD_HEAD "Original-Recipient: bob@dest.example\n" GOOD_BODY,
		 "rfc3464/2.3.1/original-recipient-syntax"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed (for (good)\nStatus: 4.4.1\n",
		 "rfc3464/2.3.3/action"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\nStatus: 4.4.1 (a) b (c)\n",
		 "rfc3464/2.3.4/status"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\nStatus: 5.4.300\n",
		 "rfc3463/2/code-unknown"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\nStatus: 5.4.1\n",
		 "rfc3463/3/code-class"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\nStatus: 4.1.1\n",
		 "rfc3463/3/code-class"},
		{GOOD_HEAD "Final-Recipient: rfc822; bob@dest.example\n"
			   "Action: failed\nStatus: 4.7.4\n"
			   "Diagnostic-Code: smtp; 451 4.7.1 later\n",
		 "rfc3463/3/code-class"},
		{GOOD_HEAD "Final-Recipient: utf-8; a+b@dest.example\n"
			   "Action: failed\nStatus: 4.4.1\n",
		 "rfc6533/3/utf8-address"},
		{GOOD_HEAD GOOD_BODY "Localized-Diagnostic: de; Pech\n",
		 "rfc6533/4.1/localized-place"},
		{GOOD_HEAD GOOD_BODY "Localized-Diagnostic: Pech\n",
		 "rfc6533/4.1/localized-diagnostic"},
	};

	ndr_parse_status(GOOD_HEAD GOOD_BODY);
	assert_int_equal(ndr->finding_count, 0);
	ndr_parse_status("Reporting-MTA: dns; [192.0.2.1]\n\n" GOOD_BODY
			 "Diagnostic-Code: smtp; 550-a\n 550 5.1.1 b\n");
	assert_int_equal(ndr->finding_count, 0);
	/* What a server said is its word; and RFC 2852 has a field, too. */
	ndr_parse_status("Reporting-MTA: dns; m.example\nArrival-Date: "
			 "Tue, 01 Jan 2030 00:00:00 +0000\nDeliver-By-Date: "
			 "Tue, 01 Jan 2030 01:00:00 +0000\n\n"
			 "Final-Recipient: rfc822; bob@dest.example\n"
			 "Action: failed\nStatus: 4.7.1\n"
			 "Diagnostic-Code: smtp; 451 4.7.1 later\n");
	assert_int_equal(ndr->finding_count, 0);
	assert_non_null(ndr->deliver_by_date);
	/* X.4.7 has a better code only where one is known. */
	ndr_parse_status(GOOD_HEAD
			 "Final-Recipient: rfc822; bob@dest.example\n"
			 "Action: failed\nStatus: 4.4.7\n"
			 "Diagnostic-Code: smtp; 550 4.4.7 QUEUE.Expired\n");
	assert_int_equal(ndr->finding_count, 0);
	ndr_parse(GOOD_HEADER
		  "Content-Type: multipart/report;\n"
		  " report-type=delivery-status; boundary=b\n\n"
		  "--b\n\nError: 550 4.4.7 over\nLast error: 451 4.7.1 no\n"
		  "--b\nContent-Type: message/delivery-status\n\n" GOOD_HEAD
		  "Final-Recipient: rfc822; bob@dest.example\n"
		  "Action: failed\nStatus: 4.4.7\n"
		  "--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n\n"
		  "--b--\n");
	assert_int_equal(ndr->finding_count, 1);
	assert_string_equal(ndr->findings[0].id, "rfc3463/3.5/better-code");
	assert_non_null(strstr(ndr->findings[0].observed, "451 4.7.1 no"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ndr_parse_status(rows[i].status);
		print_message("row %zu\n", i);
		assert_int_equal(ndr->finding_count, 1);
		assert_string_equal(ndr->findings[0].id, rows[i].id);
	}
}

/* What stands around the status part: headers and the parts' order. */
static void test_ndr_lint_message(void **state)
{
#define REPORT                                                                 \
	"Content-Type: multipart/report; report-type=delivery-status;"         \
	" boundary=b\n\n"
#define TEXT "--b\n\nSorry.\n"
#define STATUS                                                                 \
	"--b\nContent-Type: message/delivery-status\n\n" GOOD_HEAD GOOD_BODY
#define MAIL "--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n\n"
#define FROM "From: MAILER-DAEMON@m\n"
#define DATE "Date: Tue, 01 Jan 2030 00:00:00 +0000\n"
#define ID   "Message-ID: <1@m>\n"
#define MIME "MIME-Version: 1.0\n"
#define GLOBAL(encoding)                                                       \
	"--b\nContent-Type: message/global-delivery-status\n"                  \
	"Content-Transfer-Encoding: " encoding "\n\n"
	static const struct {
		const char *text, *id;
	} rows[] = {
		{FROM DATE ID MIME REPORT TEXT STATUS MAIL "--b--\n", NULL},
		{DATE ID MIME REPORT TEXT STATUS MAIL "--b--\n",
		 "rfc5322/3.6/header"},
		{FROM ID MIME REPORT TEXT STATUS MAIL "--b--\n",
		 "rfc5322/3.6/header"},
		{FROM DATE MIME REPORT TEXT STATUS MAIL "--b--\n",
		 "rfc5322/3.6.4/message-id"},
		{FROM DATE ID REPORT TEXT STATUS MAIL "--b--\n",
		 "rfc2045/4/mime-version"},
		{FROM DATE ID MIME
		 "Auto-Submitted: auto-generated\n" REPORT TEXT STATUS MAIL
		 "--b--\n",
		 "rfc3834/5.2/auto-submitted"},
		{FROM DATE ID MIME
		 "Auto-Submitted: auto-replied\n"
		 "Auto-Submitted: auto-replied\n" REPORT TEXT STATUS MAIL
		 "--b--\n",
		 "rfc3834/5.1/auto-submitted-twice"},
		{FROM DATE ID MIME REPORT STATUS MAIL "--b--\n",
		 "rfc6522/3/text-part"},
		{FROM DATE ID MIME REPORT TEXT MAIL STATUS "--b--\n",
		 "rfc6522/3/part-order"},
		{FROM DATE ID MIME REPORT TEXT STATUS "--b--\n",
		 "rfc3461/6.2/original-missing"},
		{FROM DATE ID MIME REPORT TEXT
		 "--b\nContent-Type: message/delivery-status\n"
		 "Content-Transfer-Encoding: quoted-printable\n\n" GOOD_HEAD
			 GOOD_BODY MAIL "--b--\n",
		 "rfc3464/2.1/encoding"},
		{"From: Mail system <>\n" DATE ID MIME REPORT TEXT STATUS MAIL
		 "--b--\n",
		 "rfc3464/2/from"},
		{FROM DATE ID MIME REPORT TEXT STATUS MAIL MAIL "--b--\n",
		 "rfc6522/3/part-count"},
		{FROM DATE ID MIME REPORT TEXT GLOBAL("8bit")
			 GOOD_HEAD GOOD_BODY
		 "Localized-Diagnostic: en; a\n"
		 "Localized-Diagnostic: de; \xc3\xb6\n" MAIL "--b--\n",
		 NULL},
		{FROM DATE ID MIME REPORT TEXT GLOBAL("8bit")
			 GOOD_HEAD GOOD_BODY
		 "Localized-Diagnostic: en; a\n"
		 "Localized-Diagnostic: EN; b\n" MAIL "--b--\n",
		 "rfc6533/4.1/localized-diagnostic"},
		{FROM DATE ID MIME REPORT TEXT GLOBAL("8bit") GOOD_HEAD
		 "Final-Recipient: rfc822; \xc3\xb6@dest.example\n"
		 "Action: failed\nStatus: 4.4.1\n" MAIL "--b--\n",
		 "rfc6533/4.1/address-type"},
		{FROM DATE ID MIME REPORT TEXT GLOBAL("8bit") GOOD_HEAD
		 "Final-Recipient: utf-8; \xff@dest.example\n"
		 "Action: failed\nStatus: 4.4.1\n" MAIL "--b--\n",
		 "rfc6533/4.1/utf8"},
		{FROM DATE ID MIME REPORT TEXT GLOBAL("7bit") GOOD_HEAD
		 "Final-Recipient: utf-8; \xc3\xb6@dest.example\n"
		 "Action: failed\nStatus: 4.4.1\n" MAIL "--b--\n",
		 "rfc2045/2.7/8bit-in-7bit"},
		{FROM DATE ID MIME REPORT TEXT GLOBAL("8bit") GOOD_HEAD
		 "Final-Recipient: utf-8; \\x{F6}@dest.example\n"
		 "Action: failed\nStatus: 4.4.1\n" MAIL "--b--\n",
		 "rfc6533/4.1/address-form"},
		{FROM DATE ID MIME REPORT TEXT
		 "--b\nContent-Type: message/delivery-status\n\n" GOOD_HEAD
		 "Final-Recipient: rfc822; bob@dest.example\n"
		 "Action: delayed\nStatus: 4.4.1\n"
		 "--b\nContent-Type: message/rfc822\n\nSubject: x\n\nx\n"
		 "--b--\n",
		 "rfc3461/6.2/headers-only"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ndr_parse(rows[i].text);
		print_message("row %zu\n", i);
		assert_int_equal(ndr->finding_count, rows[i].id ? 1 : 0);
		if (rows[i].id)
			assert_string_equal(ndr->findings[0].id, rows[i].id);
	}
}

static void test_ndr_dates(void **state)
{
	static const char *const good[] = {
		"Tue, 01 Jan 2030 00:00:00 +0000",
		"1 Jan 2030 00:00 -0800 (PST)",
		"Wed, 25 Nov 26 01:02:03 +0130",
	};
	static const char *const bad[] = {
		"",
		"Tue, 01 Jan 2030 00:00:00 GMT",
		"Tue, 01 Jan 2030 00:00:00",
		"2030-01-01T00:00:00Z",
		"Tue, 01 Foo 2030 00:00:00 +0000",
		"Tue, 01 Jan 2030 00:00:00 +0000 x",
		"Tue, 32 Jan 2030 00:00:00 +0000",
		"Tue, 00 Jan 2030 00:00:00 +0000",
		"Tue, 01 Jan 2030 24:00:00 +0000",
		"Tue, 01 Jan 2030 00:60:00 +0000",
		"Tue, 01 Jan 2030 00:00:00 +0060",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(deadmx_ndr_date_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(deadmx_ndr_date_valid(bad[i]));
}

/* Status words: what RFC 3464 §2.3.4 allows and what it doesn't. */
static void test_ndr_status_syntax(void **state)
{
	static const char *const good[] = {"4.4.7", "5.0.0", "2.1.5", "4.4.10",
					   "5.123.999"};
	static const char *const bad[] = {
		"",	  "4",	    "4.4",    "4.4.",	"4.4.7.",
		"4.04.7", "4.4.00", "3.4.7",  "4..7",	"4.4.1000",
		"x.4.7",  "4.4.7 ", "44.4.7", "4.4.-1", "4,4,7",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(deadmx_ndr_status_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(deadmx_ndr_status_valid(bad[i]));
}

/* The envelope: null reverse-path, and the same address as in To. */
static void test_ndr_lint_envelope(void **state)
{
	ndr_parse_status(GOOD_HEAD GOOD_BODY);
	deadmx_ndr_lint_envelope(ndr, "", "Alice@sender.example");
	assert_int_equal(ndr->finding_count, 0);
	deadmx_ndr_lint_envelope(ndr, "", "carol@sender.example");
	assert_int_equal(ndr->finding_count, 1);
	assert_true(ndr_has("rfc3464/2/to"));
	deadmx_ndr_lint_envelope(ndr, "daemon@mta.example",
				 "alice@sender.example");
	assert_int_equal(ndr->finding_count, 2);
	assert_true(ndr_has("rfc5321/6.1/null-reverse-path"));
}

/* One failed recipient makes the whole report final. */
static void test_ndr_several_recipients(void **state)
{
	ndr_parse_status(GOOD_HEAD
			 "Final-Recipient: rfc822; a@dest.example\n"
			 "Action: delayed\nStatus: 4.4.1\n"
			 "\n"
			 "Original-Recipient: rfc822; carol@dest.example\n"
			 "Final-Recipient: rfc822; c@dest.example\n"
			 "Action: FAILED (expired)\nStatus: 5.4.7 (too old)\n"
			 "Diagnostic-Code: smtp; 451 4.4.0 first line\n"
			 "\tsecond line\n");
	assert_int_equal(ndr->finding_count, 1);
	assert_true(ndr_has("rfc3463/3.5/better-code"));
	assert_int_equal(ndr->recipient_count, 2);
	assert_int_equal(ndr->kind, DEADMX_NDR_KIND_FAILED);
	assert_string_equal(ndr->recipients[1].status, "5.4.7");
	assert_string_equal(ndr->recipients[1].diagnostic_type, "smtp");
	assert_string_equal(ndr->recipients[1].diagnostic_code,
			    "451 4.4.0 first line second line");
	assert_true(deadmx_ndr_names(ndr, "carol@dest.example"));
	assert_true(deadmx_ndr_names(ndr, "C@dest.example"));
}

/* Without a blank line after the first group all is still found. */
static void test_ndr_missing_blank_line(void **state)
{
	ndr_parse_status("Reporting-MTA: dns; mta.example\n" GOOD_BODY);
	assert_int_equal(ndr->recipient_count, 1);
	assert_string_equal(ndr->reporting_mta, "dns; mta.example");
	assert_string_equal(ndr->recipients[0].status, "4.4.1");
}

/* A status part that is base64, in a multipart in a multipart. */
static void test_ndr_encoded_and_nested(void **state)
{
	ndr_parse("From: postmaster@mta.example\n"
		  "Content-Type: multipart/mixed; boundary=a\n\n"
		  "--a\nContent-Type: multipart/report;"
		  " report-type=delivery-status; boundary=b\n\n"
		  "--b\nContent-Type: message/delivery-status\n"
		  "Content-Transfer-Encoding: base64\n\n"
		  "UmVwb3J0aW5nLU1UQTogZG5zOyBtCgpGaW5hbC1SZWNpcGllbnQ6IHJm"
		  "YzgyMjsgYkBkCkFj\ndGlvbjogZGVsYXllZApTdGF0dXM6IDQuNC4xCg"
		  "==\n--b--\n--a--\n");
	assert_true(ndr->has_status);
	assert_false(ndr->is_report);
	assert_int_equal(ndr->recipient_count, 1);
	assert_string_equal(ndr->recipients[0].final_recipient, "b@d");
	assert_true(ndr_has("rfc6522/3/report-type"));
}

/* The status part of a returned bounce is not the bounce's own. */
static void test_ndr_returned_message_is_not_entered(void **state)
{
	ndr_parse(
		"From: MAILER-DAEMON@mta.example\n"
		"Content-Type: multipart/mixed; boundary=a\n\n"
		"--a\n\nCould not deliver to bob@dest.example\n"
		"--a\nContent-Type: message/rfc822\n\n"
		"Content-Type: message/delivery-status\n\n" GOOD_HEAD GOOD_BODY
		"--a--\n");
	assert_false(ndr->has_status);
	assert_int_not_equal(ndr->original, DEADMX_NDR_ORIGINAL_NONE);
	assert_true(ndr_has("rfc3464/2/not-a-dsn"));
	assert_true(deadmx_ndr_names(ndr, "bob@dest.example"));
}

/* A letter from a person is no bounce and gets no findings. */
static void test_ndr_ordinary_mail(void **state)
{
	ndr_parse("From: carol@else.example\nTo: alice@sender.example\n"
		  "Subject: warning\n\nThe train is delayed.\n");
	assert_int_equal(ndr->kind, DEADMX_NDR_KIND_NONE);
	assert_int_equal(ndr->finding_count, 0);
}

/* HTML alone is read as a person would see it. */
static void test_ndr_html_text(void **state)
{
	ndr_parse("From: MAILER-DAEMON@m\nContent-Type: text/html\n\n"
		  "<html><head><STYLE>p {}</style><!-- <p>no --></head>"
		  "<body><p>Not to&nbsp;<b>bob@dest.example</b><br>"
		  "&lt;451  4.4.0&gt; &amp; &unknown;</p><script>x</script>"
		  "<a href=\"x\">end</a></body><");
	assert_string_equal(ndr->text, "Not to bob@dest.example\n"
				       "<451 4.4.0> & &unknown;\nend");
	assert_true(deadmx_ndr_names(ndr, "bob@dest.example"));
}

/* Who sent what: the header of the returned message, in both forms. */
static void test_ndr_original_header(void **state)
{
	ndr_parse(GOOD_HEADER "Content-Type: multipart/mixed; boundary=b\n\n"
			      "--b\n\nSorry\n--b\n"
			      "Content-Type: text/rfc822-headers\n\n"
			      "From: alice@sender.example\nSubject: a\n b\n"
			      "\n--b--\n");
	assert_string_equal(ndr->original_from, "alice@sender.example");
	assert_string_equal(ndr->original_subject, "a b");
	assert_null(ndr->original_date);
	ndr_parse_status(GOOD_HEAD GOOD_BODY);
	assert_string_equal(ndr->original_subject, "x");
	assert_string_equal(ndr->date, "Tue, 01 Jan 2030 00:00:00 +0000");
}

/* A byte order mark, empty lines, the "From " line of a mailbox. */
static void test_ndr_what_stands_before_the_header(void **state)
{
	static const char *const fronts[] = {"\xef\xbb\xbf", "\r\n\n",
					     "From x Tue Jan  1 2030\n"};

	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "%sFrom: MAILER-DAEMON@m\n\nx\n",
			 fronts[i]);
		ndr_parse(text);
		assert_string_equal(ndr->from, "MAILER-DAEMON@m");
	}
}

/* The header of the mail that comes back has those who got it, too. */
static void test_ndr_names_before_the_mail(void **state)
{
	ndr_parse("From: MAILER-DAEMON@m\n\nNo way to <bob@dest.example>.\n"
		  "Message headers follow.\n\nReceived: from root\n"
		  "To: bob@dest.example, carol@dest.example\n");
	assert_true(deadmx_ndr_names(ndr, "bob@dest.example"));
	assert_false(deadmx_ndr_names(ndr, "carol@dest.example"));
	ndr_parse("From: MAILER-DAEMON@m\n\nIt could not be delivered:\n\n"
		  "From: alice@sender.example\nTo: bob@dest.example\n");
	assert_true(deadmx_ndr_names(ndr, "bob@dest.example"));
}

/* In plain text an address counts as a whole only. */
static void test_ndr_names_whole_address(void **state)
{
	ndr_parse("From: MAILER-DAEMON@m\n\nNo way to <bob@dest.example>.\n");
	assert_true(deadmx_ndr_names(ndr, "BOB@dest.example"));
	assert_false(deadmx_ndr_names(ndr, "ob@dest.example"));
	assert_false(deadmx_ndr_names(ndr, "bob@dest"));
	assert_false(deadmx_ndr_names(ndr, ""));
	ndr_parse("From: MAILER-DAEMON@m\n\nTo xbob@dest.example, then "
		  "bob@dest.example.\n");
	assert_true(deadmx_ndr_names(ndr, "bob@dest.example"));
}

/* Nothing, and bytes that are no message at all. */
static void test_ndr_rubbish(void **state)
{
	static const char bytes[] = "\0\xff\xfe: \r\n\0\n--\n\x80";

	ndr_parse("");
	assert_int_equal(ndr->kind, DEADMX_NDR_KIND_NONE);
	assert_string_equal(ndr->text, "");
	ndr_teardown(NULL);
	assert_int_equal(deadmx_ndr_parse(bytes, sizeof(bytes), &ndr), 0);
	assert_int_equal(ndr->kind, DEADMX_NDR_KIND_NONE);
	assert_int_equal(deadmx_ndr_read("/nonexistent", &ndr), -ENOENT);
}

/* Latin-1 becomes UTF-8; an unknown charset's bytes become U+FFFD. */
static void test_ndr_text_is_utf8(void **state)
{
	ndr_parse("From: MAILER-DAEMON@m\n"
		  "Content-Type: text/plain; charset=iso-8859-1\n\nM\xfcll\n");
	assert_string_equal(ndr->text, "M\xc3\xbcll\n");
	ndr_parse("From: MAILER-DAEMON@m\n"
		  "Content-Type: text/plain; charset=../x\n\nM\xfcll\n");
	assert_string_equal(ndr->text, "M\xef\xbf\xbdll\n");
}

/* @count times @piece after @head, then @tail. */
static char *ndr_repeat(const char *head, const char *piece, size_t count,
			const char *tail)
{
	size_t head_len = strlen(head), len = strlen(piece);
	size_t tail_len = strlen(tail);
	char *text = malloc(head_len + count * len + tail_len + 1), *at = text;

	assert_non_null(text);
	memcpy(at, head, head_len);
	at += head_len;
	for (size_t i = 0; i < count; i++, at += len)
		memcpy(at, piece, len);
	memcpy(at, tail, tail_len + 1);
	return text;
}

static void ndr_parse_repeated(const char *head, const char *piece,
			       size_t count, const char *tail)
{
	char *text = ndr_repeat(head, piece, count, tail);

	ndr_parse(text);
	free(text);
}

static void ndr_parse_status_repeated(const char *head, const char *piece,
				      size_t count, const char *tail)
{
	char *text = ndr_repeat(head, piece, count, tail);

	ndr_parse_status(text);
	free(text);
}

/* Lines of 998 bytes are long enough, in the header and in the status. */
static void test_ndr_lint_line_length(void **state)
{
	ndr_parse_status_repeated(GOOD_HEAD GOOD_BODY "X-A: ", "x", 998 - 5,
				  "\n");
	assert_int_equal(ndr->finding_count, 0);
	ndr_parse_status_repeated(GOOD_HEAD GOOD_BODY "X-A: ", "x", 999 - 5,
				  "\n");
	assert_int_equal(ndr->finding_count, 1);
	assert_true(ndr_has("rfc5322/2.1.1/line-length"));
	ndr_parse_repeated("From: MAILER-DAEMON@m\nX-A: ", "x", 999 - 5,
			   "\n\nSorry.\n");
	assert_true(ndr_has("rfc5322/2.1.1/line-length"));
}

/* DEADMX_NDR_RECIPIENTS_MAX: as many are read, one more is not. */
static void test_ndr_limit_recipients(void **state)
{
	ndr_parse_status_repeated(GOOD_HEAD, GOOD_BODY "\n",
				  DEADMX_NDR_RECIPIENTS_MAX, "");
	assert_int_equal(ndr->recipient_count, DEADMX_NDR_RECIPIENTS_MAX);
	assert_false(ndr->is_truncated);
	ndr_parse_status_repeated(GOOD_HEAD, GOOD_BODY "\n",
				  DEADMX_NDR_RECIPIENTS_MAX + 1, "");
	assert_int_equal(ndr->recipient_count, DEADMX_NDR_RECIPIENTS_MAX);
	assert_true(ndr->is_truncated);
}

/* DEADMX_NDR_FIELDS_MAX: what comes after too many fields is not read. */
static void test_ndr_limit_fields(void **state)
{
	ndr_parse_status_repeated(GOOD_HEAD, "X-A: b\n",
				  DEADMX_NDR_FIELDS_MAX - 4, GOOD_BODY);
	assert_false(ndr->is_truncated);
	assert_string_equal(ndr->recipients[0].status, "4.4.1");
	ndr_parse_status_repeated(GOOD_HEAD, "X-A: b\n", DEADMX_NDR_FIELDS_MAX,
				  GOOD_BODY);
	assert_true(ndr->is_truncated);
	assert_null(ndr->recipients[0].status);
}

/* DEADMX_NDR_VALUE_MAX: a value is cut, the fields after it are read. */
static void test_ndr_limit_value(void **state)
{
	ndr_parse_status_repeated(GOOD_HEAD "Diagnostic-Code: smtp;", "x",
				  DEADMX_NDR_VALUE_MAX, "\n" GOOD_BODY);
	assert_true(ndr->is_truncated);
	assert_true(strlen(ndr->recipients[0].diagnostic_code) <=
		    DEADMX_NDR_VALUE_MAX);
	assert_string_equal(ndr->recipients[0].status, "4.4.1");
}

/* DEADMX_NDR_FINDINGS_MAX: a thousand broken groups don't flood a report. */
static void test_ndr_limit_findings(void **state)
{
	ndr_parse_status_repeated(GOOD_HEAD, "X-A: b\n\n",
				  DEADMX_NDR_FINDINGS_MAX, "");
	assert_int_equal(ndr->finding_count, DEADMX_NDR_FINDINGS_MAX);
	assert_true(ndr->is_truncated);
}

/* DEADMX_NDR_STATUS_BYTES_MAX and DEADMX_NDR_TEXT_MAX. */
static void test_ndr_limit_part_bytes(void **state)
{
	ndr_parse_status_repeated(GOOD_HEAD GOOD_BODY, "no field\n",
				  DEADMX_NDR_STATUS_BYTES_MAX / 9 + 1, "");
	assert_true(ndr->is_truncated);
	assert_string_equal(ndr->recipients[0].status, "4.4.1");
	ndr_parse_repeated("From: MAILER-DAEMON@m\n\n", "bob@dest.example\n",
			   DEADMX_NDR_TEXT_MAX / 17 + 1, "");
	assert_true(ndr->is_truncated);
	assert_int_equal(strlen(ndr->text), DEADMX_NDR_TEXT_MAX);
}

/* DEADMX_NDR_PARTS_MAX: the status behind too many parts is not found. */
static void test_ndr_limit_parts(void **state)
{
	static const char head[] =
		"From: MAILER-DAEMON@m\nContent-Type: multipart/report;"
		" report-type=delivery-status; boundary=b\n\n";
	static const char tail[] =
		"--b\nContent-Type: message/delivery-status\n\n" GOOD_HEAD
			GOOD_BODY "--b--\n";

	ndr_parse_repeated(head, "--b\n\nx\n", DEADMX_NDR_PARTS_MAX - 2, tail);
	assert_true(ndr->has_status);
	ndr_parse_repeated(head, "--b\n\nx\n", DEADMX_NDR_PARTS_MAX, tail);
	assert_false(ndr->has_status);
	assert_true(ndr->is_truncated);
}

/* @depth multiparts in each other around a status part. */
static void ndr_parse_nested(int depth)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fputs("From: MAILER-DAEMON@m\n", out);
	for (int i = 0; i < depth; i++)
		fprintf(out,
			"Content-Type: multipart/mixed; boundary=b%d\n\n"
			"--b%d\n",
			i, i);
	fputs("Content-Type: message/delivery-status\n\n" GOOD_HEAD GOOD_BODY,
	      out);
	for (int i = depth; i-- > 0;)
		fprintf(out, "--b%d--\n", i);
	fclose(out);
	ndr_parse(text);
	free(text);
}

/* DEADMX_NDR_DEPTH_MAX, and depths that must not exhaust the stack. */
static void test_ndr_limit_depth(void **state)
{
	ndr_parse_nested(DEADMX_NDR_DEPTH_MAX - 1);
	assert_true(ndr->has_status);
	assert_false(ndr->is_truncated);
	ndr_parse_nested(DEADMX_NDR_DEPTH_MAX);
	assert_false(ndr->has_status);
	assert_true(ndr->is_truncated);
	ndr_parse_nested(20000);
	assert_false(ndr->has_status);
}

/* DEADMX_NDR_BYTES_MAX: a huge returned message doesn't hide the report. */
static void test_ndr_limit_bytes(void **state)
{
	static const char head[] = GOOD_HEADER
		"Content-Type: multipart/report;"
		" report-type=delivery-status; boundary=b\n\n--b\n\ntext\n"
		"--b\nContent-Type: message/delivery-status\n\n" GOOD_HEAD
			GOOD_BODY "--b\nContent-Type: message/rfc822\n\n\n";

	ndr_parse_repeated(head, "0123456789abcde\n", DEADMX_NDR_BYTES_MAX / 16,
			   "--b--\n");
	assert_true(ndr->is_truncated);
	assert_int_equal(ndr->recipient_count, 1);
	assert_int_equal(ndr->finding_count, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, ndr_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_ndr_real_bounces),
		TEST(test_ndr_golden_findings),
		TEST(test_ndr_lint_message),
		TEST(test_ndr_dates),
		TEST(test_ndr_lint_names_each_broken_field),
		TEST(test_ndr_status_syntax),
		TEST(test_ndr_lint_envelope),
		TEST(test_ndr_several_recipients),
		TEST(test_ndr_missing_blank_line),
		TEST(test_ndr_encoded_and_nested),
		TEST(test_ndr_returned_message_is_not_entered),
		TEST(test_ndr_ordinary_mail),
		TEST(test_ndr_lint_line_length),
		TEST(test_ndr_html_text),
		TEST(test_ndr_original_header),
		TEST(test_ndr_what_stands_before_the_header),
		TEST(test_ndr_names_whole_address),
		TEST(test_ndr_names_before_the_mail),
		TEST(test_ndr_rubbish),
		TEST(test_ndr_text_is_utf8),
		TEST(test_ndr_limit_recipients),
		TEST(test_ndr_limit_fields),
		TEST(test_ndr_limit_value),
		TEST(test_ndr_limit_findings),
		TEST(test_ndr_limit_part_bytes),
		TEST(test_ndr_limit_parts),
		TEST(test_ndr_limit_depth),
		TEST(test_ndr_limit_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
