/* SPDX-License-Identifier: MIT */
/* What a bounce tells a person, and the scenario that is made of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ndr/ndr_print.h"
#include "harness/ndr/ndr_scenario.h"
#include "harness/ndr/ndr_story.h"
#include "harness/ndr/ndr_text.h"
#include "harness/ndr/ndr_words.h"

static struct deadmx_ndr *ndr; /* freed by the teardown */
static struct ndr_story story;
static char *text;

static int story_teardown(void **state)
{
	ndr_story_release(&story);
	memset(&story, 0, sizeof(story));
	deadmx_ndr_free(ndr);
	ndr = NULL;
	free(text);
	text = NULL;
	return 0;
}

static void story_read_file(const char *name)
{
	char path[1024];

	story_teardown(NULL);
	snprintf(path, sizeof(path), "%s/ndr/%s.eml", TEST_DIR, name);
	assert_int_equal(deadmx_ndr_read(path, &ndr), 0);
	ndr_story_read(ndr, &story);
}

static void story_read_text(const char *message)
{
	story_teardown(NULL);
	assert_int_equal(deadmx_ndr_parse(message, strlen(message), &ndr), 0);
	ndr_story_read(ndr, &story);
}

static void assert_text(const char *got, const char *want)
{
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

/* Cause, stage and place, of every form that is known. */
static void test_ndr_story_forms(void **state)
{
	static const struct {
		const char *file;
		enum ndr_cause cause;
		int code;
		const char *stage, *host, *address;
		unsigned port;
		bool is_expired;
		enum ndr_fault fault;
	} rows[] = {
		{"made/exchange-unable-to-connect", NDR_CAUSE_NO_ANSWER, 441,
		 NULL, "dest.example", "192.0.2.25", 25, true,
		 NDR_FAULT_NETWORK},
		{"made/exchange-behind-proxy", NDR_CAUSE_REPLY_LATER, 451, NULL,
		 NULL, "2001:db8::25", 25, true, NDR_FAULT_NETWORK},
		{"made/exchange-hash", NDR_CAUSE_UNKNOWN, 550, NULL, NULL, NULL,
		 0, true, NDR_FAULT_NETWORK},
		{"made/exchange-delayed", NDR_CAUSE_DROPPED, 451, NULL, NULL,
		 "192.0.2.25", 25, false, NDR_FAULT_DESTINATION},
		{"made/exchange-online-html", NDR_CAUSE_DROPPED, 421, NULL,
		 "mx.dest.example", "192.0.2.25", 0, true,
		 NDR_FAULT_DESTINATION},
		{"made/exchange-online-led", NDR_CAUSE_REFUSED, 450, NULL,
		 "mx.dest.example", "192.0.2.25", 25, true,
		 NDR_FAULT_DESTINATION},
		{"made/exchange-no-such-user", NDR_CAUSE_REPLY_NEVER, 550, NULL,
		 "mx.dest.example", "192.0.2.25", 0, false, NDR_FAULT_SENDER},
		{"made/exchange-dns", NDR_CAUSE_DNS_FAILED, 451, NULL, NULL,
		 NULL, 0, true, NDR_FAULT_DESTINATION},
		{"made/qmail-expired", NDR_CAUSE_NO_ANSWER, 0, NULL, NULL, NULL,
		 0, true, NDR_FAULT_NETWORK},
		{"dma-451", NDR_CAUSE_UNKNOWN, 0, NULL, NULL, NULL, 0, true,
		 NDR_FAULT_UNKNOWN},
		{"postfix-stall-banner-expired", NDR_CAUSE_TIMEOUT, 0, "banner",
		 "mx.dest.test", "127.0.0.2", 0, true, NDR_FAULT_DESTINATION},
		{"postfix-451-rcpt-expired", NDR_CAUSE_REPLY_LATER, 451, "rcpt",
		 "mx.dest.test", "127.0.0.2", 0, true, NDR_FAULT_DESTINATION},
		{"sendmail-connection-refused", NDR_CAUSE_REFUSED, 0, NULL,
		 "mx.dest.test", NULL, 0, true, NDR_FAULT_DESTINATION},
		{"courier-451-rcpt", NDR_CAUSE_REPLY_LATER, 451, "rcpt",
		 "mx.dest.test", NULL, 0, true, NDR_FAULT_POLICY},
		{"exim-451-rcpt", NDR_CAUSE_REPLY_LATER, 451, "rcpt",
		 "mx.dest.test", NULL, 0, true, NDR_FAULT_POLICY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct ndr_case *c;

		print_message("%s\n", rows[i].file);
		story_read_file(rows[i].file);
		c = &story.cases[0];
		assert_int_equal(c->cause, rows[i].cause);
		assert_int_equal(c->code, rows[i].code);
		assert_text(c->stage, rows[i].stage);
		assert_text(c->host, rows[i].host);
		assert_text(c->address, rows[i].address);
		assert_int_equal(c->port, rows[i].port);
		assert_int_equal(c->is_expired, rows[i].is_expired);
		assert_int_equal(c->fault, rows[i].fault);
	}
}

/* For how long, how often, and for how much longer. */
static void test_ndr_story_times(void **state)
{
	story_read_file("dma-451");
	assert_int_equal(story.tried_s, 432000);
	assert_int_equal(story.attempts, -1);
	story_read_file("made/exchange-online-html");
	assert_int_equal(story.tried_s, 86401);
	assert_int_equal(story.attempts, 14);
	story_read_file("made/exchange-delayed");
	assert_int_equal(story.left_s, ((24 + 19) * 60 + 59) * 60);
	story_read_text("From: MAILER-DAEMON@m\nDate: soon\n\nSorry.\n");
	assert_int_equal(story.tried_s, -1);
}

/* Several recipients of a bounce that is no DSN have reasons of their own. */
static void test_ndr_story_plain_text_recipients(void **state)
{
	story_read_file("made/qmail-expired");
	assert_int_equal(story.case_count, 2);
	assert_string_equal(story.cases[0].recipient, "bob@dest.example");
	assert_string_equal(story.cases[0].status, "4.4.1");
	assert_string_equal(story.cases[1].recipient, "carol@other.example");
	assert_string_equal(story.cases[1].reply, "550 5.1.1 No such user");
	assert_false(story.cases[1].is_expired);
	assert_string_equal(story.sender, "alice@sender.example");
}

/* NDR_TEXT_RECIPIENTS_MAX and NDR_TEXT_REPLY_MAX. */
static void test_ndr_story_limits(void **state)
{
	size_t len;
	FILE *out = open_memstream(&text, &len);
	char *message;

	fputs("From: MAILER-DAEMON@m\n\n", out);
	for (int i = 0; i <= NDR_TEXT_RECIPIENTS_MAX; i++)
		fprintf(out, "<r%d@dest.example>:\nno\n\n", i);
	fclose(out);
	message = text;
	text = NULL;
	story_read_text(message);
	free(message);
	assert_int_equal(story.case_count, NDR_TEXT_RECIPIENTS_MAX);

	out = open_memstream(&message, &len);
	fputs("From: MAILER-DAEMON@m\n\n<bob@dest.example>:\n451 ", out);
	for (int i = 0; i < NDR_TEXT_REPLY_MAX; i++)
		fputc('x', out);
	fclose(out);
	story_read_text(message);
	free(message);
	assert_int_equal(strlen(story.cases[0].reply), NDR_TEXT_REPLY_MAX);
}

/* Nothing to read at all still makes a story with one nameless case. */
static void test_ndr_story_of_nothing(void **state)
{
	story_read_text("From: MAILER-DAEMON@m\n\n");
	assert_int_equal(story.case_count, 1);
	assert_null(story.cases[0].recipient);
	assert_int_equal(story.cases[0].cause, NDR_CAUSE_UNKNOWN);
}

static void test_ndr_text_finds(void **state)
{
	char *host = NULL, *address = NULL;
	unsigned port = 0;
	int code;

	assert_true(ndr_text_endpoint("x (y) to mx.a.example[192.0.2.1]:587: z",
				      &host, &address, &port));
	assert_string_equal(host, "mx.a.example");
	assert_string_equal(address, "192.0.2.1");
	assert_int_equal(port, 587);
	free(host);
	free(address);
	assert_false(ndr_text_endpoint("[192.0.2.1] a[b] c(1.2.3)", &host,
				       &address, &port));
	assert_true(ndr_text_address_port("2001:db8::1:25'", &address, &port));
	assert_string_equal(address, "2001:db8::1");
	assert_int_equal(port, 25);
	free(address);
	assert_false(ndr_text_address_port("};{FQDN=", &address, &port));
	assert_non_null(ndr_text_reply("at 3.451 a 452-x", &code));
	assert_int_equal(code, 452);
	assert_null(ndr_text_reply("460 4510 x451 1.451", &code));
	assert_int_equal(
		ndr_text_span("for 1 day, 2 hours and 3 seconds.", "for"),
		86400 + 7200 + 3);
	assert_int_equal(ndr_text_span("for ever", "for"), -1);
	assert_int_equal(ndr_text_number("Attempts: 99999999999", "Attempts:"),
			 9999999999);
}

static void test_ndr_words(void **state)
{
	text = ndr_words_status("4.4.1");
	assert_non_null(strstr(text, "a passing problem"));
	free(text);
	text = ndr_words_status("4.4.7"); /* is over, whatever its class */
	assert_null(strstr(text, "passing"));
	assert_non_null(strstr(text, "time for delivering it is over"));
	free(text);
	text = ndr_words_status("5.4.300"); /* told by its subject */
	assert_non_null(strstr(text, "on the way to the recipient"));
	free(text);
	text = ndr_words_status("5.99.1");
	assert_non_null(strstr(text, "no RFC defines"));
	assert_null(ndr_words_status("5.4"));
	assert_null(ndr_words_status(NULL));
}

static void scenario_make(void)
{
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ndr_scenario_print(out, &story, "a\x1b[2Jfile");
	fclose(out);
	assert_null(strchr(text, 0x1b));
}

/* The bounce's own host, stage, reply and time are in the scenario. */
static void test_ndr_scenario_takes_what_is_there(void **state)
{
	story_read_file("postfix-451-rcpt-expired");
	scenario_make();
	assert_non_null(strstr(text, "lifetime: 7219m   # as long as in"));
	assert_non_null(strstr(text, "    mx.dest.test:\n"));
	assert_non_null(strstr(text, "- rcpt: \"451 4.4.0 Primary target"));
	assert_null(strstr(text, "guessed:"));
}

/* What the bounce lacks is guessed, and marked so. */
static void test_ndr_scenario_marks_guesses(void **state)
{
	story_read_text("From: MAILER-DAEMON@m\nTo: x@dest.example\n\n"
			"<bob@dest.example>:\n451 5.7.1 {no}\n");
	scenario_make();
	assert_non_null(strstr(text, "from: alice@sender.example   # guessed"));
	assert_non_null(strstr(text, "mx.dest.example:   # guessed"));
	assert_non_null(strstr(text, "- rcpt: \"451 5.7.1 ?no?\""));
	assert_non_null(strstr(text, "# guessed: at which step"));
	assert_non_null(strstr(text, "# guessed: the bounce doesn't say"));
}

#define TEST(name) cmocka_unit_test_teardown(name, story_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_ndr_story_forms),
		TEST(test_ndr_story_times),
		TEST(test_ndr_story_plain_text_recipients),
		TEST(test_ndr_story_limits),
		TEST(test_ndr_story_of_nothing),
		TEST(test_ndr_text_finds),
		TEST(test_ndr_words),
		TEST(test_ndr_scenario_takes_what_is_there),
		TEST(test_ndr_scenario_marks_guesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
