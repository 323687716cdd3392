/* SPDX-License-Identifier: MIT */
/* Sessions of a probe with servers good and bad; never a message. */
#include "probe_fixture.h"

#include <time.h>

static int setup(void **state)
{
	fixture_setup();
	return 0;
}

static int teardown(void **state)
{
	fixture_teardown();
	return 0;
}

#define GREETING                                                               \
	{                                                                      \
		"", "220 mx.dest.example ESMTP\r\n"                            \
	}
#define EHLO                                                                   \
	{                                                                      \
		"EHLO", "250-mx.dest.example\r\n250 PIPELINING\r\n"            \
	}
#define EHLO_TLS                                                               \
	{                                                                      \
		"EHLO", "250-mx.dest.example\r\n250 STARTTLS\r\n"              \
	}
#define MAIL                                                                   \
	{                                                                      \
		"MAIL", "250 2.1.0 Ok\r\n"                                     \
	}
#define RCPT                                                                   \
	{                                                                      \
		"RCPT", "250 2.1.5 Ok\r\n"                                     \
	}
#define QUIT                                                                   \
	{                                                                      \
		"QUIT", "221 2.0.0 Bye\r\n"                                    \
	}

static const struct fake_row good[] = {GREETING, EHLO, MAIL, RCPT, QUIT, {0}};
static const struct fake_row good_tls[] = {
	GREETING, EHLO_TLS, {"STARTTLS", SAY_TLS}, MAIL, RCPT, QUIT, {0}};

static void no_message_was_sent(void)
{
	for (int i = 0; i < fixture.fake_count; i++) {
		assert_null(strstr(fixture.fakes[i].heard, "DATA"));
		assert_null(strstr(fixture.fakes[i].heard, "BDAT"));
	}
}

/* Everything that is said, in order: up to RCPT, then QUIT, never DATA. */
static void test_probe_smtp_up_to_rcpt(void **state)
{
	struct probe_verdict v =
		fixture_probe_fake(fake_smtp(good, NULL, NULL));

	assert_int_equal(v.end.kind, PROBE_END_ACCEPTED);
	assert_int_equal(v.end.step, PROBE_STEP_RCPT);
	assert_int_equal(v.end.code, 250);
	assert_string_equal(v.end.status, "2.1.5");
	fixture.fakes[0].heard[HEARD_MAX - 1] = '\0';
	assert_non_null(strstr(fixture.fakes[0].heard,
			       "EHLO probe.example\nMAIL FROM:<>\n"
			       "RCPT TO:<bob@[127."));
	assert_non_null(strstr(fixture.fakes[0].heard, "]>\nQUIT\n"));
	assert_string_equal(fixture_step(PROBE_STEP_QUIT)->reply,
			    "221 2.0.0 Bye");
	no_message_was_sent();
}

static void test_probe_smtp_from(void **state)
{
	fixture.options.from = "alice@sender.example";
	fixture_probe_fake(fake_smtp(good, NULL, NULL));
	assert_non_null(strstr(fixture.fakes[0].heard,
			       "\nMAIL FROM:<alice@sender.example>\n"));
}

/* Without a name of its own the client's address stands for it. */
static void test_probe_smtp_helo_literal(void **state)
{
	char name[256];

	fixture.options.helo = NULL;
	fixture_probe_fake(fake_smtp(good, NULL, NULL));
	assert_return_code(gethostname(name, sizeof(name)), errno);
	if (strchr(name, '.'))
		assert_string_equal(fixture.report.helo, name);
	else
		assert_memory_equal(fixture.report.helo, "[127.", 5);
}

/* Refused at @heard with @say: how it ends; QUIT is said all the same. */
static void refused(const char *heard, const char *say,
		    enum probe_step_kind step, int code, const char *status)
{
	struct fake_row rows[] = {{heard, say}, GREETING, EHLO, MAIL,
				  RCPT,		QUIT,	  {0}};
	int index = fake_smtp(rows, NULL, NULL);
	struct probe_verdict v = fixture_probe_fake(index);

	assert_int_equal(v.end.kind, PROBE_END_REPLY);
	assert_int_equal(v.end.step, step);
	assert_int_equal(v.end.code, code);
	assert_string_equal(v.end.status, status);
	assert_non_null(strstr(fixture.fakes[index].heard, "QUIT\n"));
	no_message_was_sent();
}

static void test_probe_smtp_refused_banner(void **state)
{
	refused("", "554 5.7.1 go away\r\n", PROBE_STEP_BANNER, 554, "5.7.1");
}

static void test_probe_smtp_refused_ehlo(void **state)
{
	refused("EHLO", "451 later\r\n", PROBE_STEP_EHLO, 451, "4.0.0");
}

static void test_probe_smtp_refused_mail(void **state)
{
	refused("MAIL", "550 5.1.8 who?\r\n", PROBE_STEP_MAIL, 550, "5.1.8");
}

static void test_probe_smtp_refused_rcpt(void **state)
{
	refused("RCPT", "450-4.2.0 Greylisted,\r\n450 4.2.0 come back\r\n",
		PROBE_STEP_RCPT, 450, "4.2.0");
	assert_string_equal(fixture_step(PROBE_STEP_RCPT)->reply,
			    "450-4.2.0 Greylisted,\n450 4.2.0 come back");
}

/* After a 421 the server is gone. */
static void test_probe_smtp_421_no_quit(void **state)
{
	struct fake_row rows[] = {
		{"MAIL", "421 4.3.2 closing\r\n"}, GREETING, EHLO, {0}};
	struct probe_verdict v =
		fixture_probe_fake(fake_smtp(rows, NULL, NULL));

	assert_int_equal(v.end.code, 421);
	assert_null(strstr(fixture.fakes[0].heard, "QUIT"));
}

/* A server from before 1995. */
static void test_probe_smtp_helo(void **state)
{
	static const struct fake_row rows[] = {GREETING,
					       {"EHLO", "500 what?\r\n"},
					       {"HELO", "250 hi\r\n"},
					       MAIL,
					       RCPT,
					       QUIT,
					       {0}};
	struct probe_verdict v =
		fixture_probe_fake(fake_smtp(rows, NULL, NULL));

	assert_int_equal(v.end.kind, PROBE_END_ACCEPTED);
	assert_int_equal(fixture_step(PROBE_STEP_EHLO)->mark,
			 PROBE_MARK_WARNING);
	assert_int_equal(fixture_step(PROBE_STEP_HELO)->code, 250);
}

static void broken(const char *heard, const char *say, enum probe_end_kind kind,
		   enum probe_step_kind step)
{
	struct fake_row rows[] = {{heard, say}, GREETING, EHLO, MAIL,
				  RCPT,		QUIT,	  {0}};
	struct probe_verdict v;

	v = fixture_probe_fake(fake_smtp(rows, NULL, NULL));
	if (v.end.kind != kind || v.end.step != step)
		fail_msg("%s at %s", probe_end_word(v.end.kind),
			 probe_step_word(v.end.step));
	no_message_was_sent();
}

static void test_probe_smtp_refused_connection(void **state)
{
	struct probe_verdict v = fixture_probe_fake(3);

	assert_int_equal(v.end.kind, PROBE_END_CONNECT);
	assert_string_equal(v.end.status, "4.4.1");
	assert_string_equal(v.end.text, "connection refused");
}

static void test_probe_smtp_dropped(void **state)
{
	broken("", SAY_DROP, PROBE_END_LOST, PROBE_STEP_BANNER);
}

static void test_probe_smtp_dropped_rcpt(void **state)
{
	broken("RCPT", SAY_DROP, PROBE_END_LOST, PROBE_STEP_RCPT);
}

static void test_probe_smtp_reset(void **state)
{
	broken("MAIL", SAY_RESET, PROBE_END_LOST, PROBE_STEP_MAIL);
	assert_string_equal(fixture_step(PROBE_STEP_MAIL)->text,
			    "connection reset by peer");
}

/* A stall ends the step at its time-out; what is sent then is a QUIT. */
static void test_probe_smtp_stalled(void **state)
{
	fixture.options.net.timeout_ns = MS(200);
	broken("RCPT", SAY_STALL, PROBE_END_TIMEOUT, PROBE_STEP_RCPT);
	assert_true(fixture_step(PROBE_STEP_RCPT)->took_ns >= MS(200));
	for (int i = 0; i < 1000; i++)
		if (!strstr(fixture.fakes[0].heard, "QUIT\n"))
			poll(NULL, 0, 5);
	assert_non_null(strstr(fixture.fakes[0].heard, "QUIT\n"));
}

/* A byte now and then doesn't keep a probe waiting. */
static void test_probe_smtp_dripping(void **state)
{
	fixture.options.net.timeout_ns = MS(300);
	broken("", SAY_DRIP, PROBE_END_TIMEOUT, PROBE_STEP_BANNER);
}

static void test_probe_smtp_line_without_end(void **state)
{
	broken("", SAY_FLOOD, PROBE_END_PROTOCOL, PROBE_STEP_BANNER);
	assert_string_equal(fixture_step(PROBE_STEP_BANNER)->text,
			    "a line without end");
}

static void test_probe_smtp_reply_without_end(void **state)
{
	broken("", SAY_LINES, PROBE_END_PROTOCOL, PROBE_STEP_BANNER);
	assert_string_equal(fixture_step(PROBE_STEP_BANNER)->text,
			    "a reply without end");
}

static void test_probe_smtp_no_smtp(void **state)
{
	broken("", "SSH-2.0-OpenSSH_9.2\r\n", PROBE_END_PROTOCOL,
	       PROBE_STEP_BANNER);
}

static void test_probe_smtp_354_to_rcpt(void **state)
{
	broken("RCPT", "354 go on\r\n", PROBE_END_PROTOCOL, PROBE_STEP_RCPT);
}

/* A QUIT that nobody answers changes nothing. */
static void test_probe_smtp_quit_dropped(void **state)
{
	static const struct fake_row rows[] = {
		GREETING, EHLO, MAIL, RCPT, {"QUIT", SAY_DROP}, {0}};
	struct probe_verdict v =
		fixture_probe_fake(fake_smtp(rows, NULL, NULL));

	assert_int_equal(v.end.kind, PROBE_END_ACCEPTED);
	assert_int_equal(fixture_step(PROBE_STEP_QUIT)->mark,
			 PROBE_MARK_WARNING);
}

/* All of it ends when the whole time is over, whatever is left to try. */
static void test_probe_smtp_max_time(void **state)
{
	static const struct fake_row rows[] = {{"", SAY_STALL}, {0}};
	int64_t from = probe_net_now_ns();

	fixture.options.net.end_ns = from + MS(200);
	assert_int_equal(
		fixture_probe_fake(fake_smtp(rows, NULL, NULL)).end.kind,
		PROBE_END_TIMEOUT);
	assert_true(probe_net_now_ns() - from >= MS(200));
}

static void test_probe_smtp_stop_signal(void **state)
{
	static const struct fake_row rows[] = {{"", SAY_STALL}, {0}};
	sig_atomic_t stop = 1;
	struct probe_verdict v;

	fixture.options.net.stop = &stop;
	v = fixture_probe_fake(fake_smtp(rows, NULL, NULL));
	assert_int_equal(v.end.kind, PROBE_END_INTERRUPTED);
}

/* --- SMTPUTF8 --- */

static void test_probe_smtp_utf8_not_offered(void **state)
{
	char address[64];
	struct probe_verdict v;

	fake_smtp(good, NULL, NULL);
	snprintf(address, sizeof(address), "b\xc3\xbc@[%s]",
		 fixture.address[0]);
	v = fixture_probe(address);
	assert_int_equal(v.end.kind, PROBE_END_NO_SMTPUTF8);
	assert_string_equal(v.end.status, "5.6.7");
	assert_null(strstr(fixture.fakes[0].heard, "MAIL"));
}

static void test_probe_smtp_utf8(void **state)
{
	static const struct fake_row rows[] = {
		GREETING, {"EHLO", "250-mx\r\n250 SMTPUTF8\r\n"},
		MAIL,	  RCPT,
		QUIT,	  {0}};
	char address[64];

	fake_smtp(rows, NULL, NULL);
	snprintf(address, sizeof(address), "b\xc3\xbc@[%s]",
		 fixture.address[0]);
	assert_int_equal(fixture_probe(address).end.kind, PROBE_END_ACCEPTED);
	assert_non_null(strstr(fixture.fakes[0].heard,
			       "MAIL FROM:<> SMTPUTF8\nRCPT TO:<b\xc3\xbc@"));
}

/* --- TLS --- */

/* A server with a certificate for its own address, or for @name. */
static int tls_server(const struct fake_row *rows, const char *name, long from,
		      long until)
{
	EVP_PKEY *key;
	X509 *cert = fake_certificate(name, from, until, &key);

	return fake_smtp(rows, cert, key);
}

static void tls_level(enum probe_tls_level level)
{
	fixture.options.tls = level;
	assert_int_equal(probe_tls_context_new(NULL, stderr,
					       &fixture.options.tls_context),
			 0);
}

static bool has_problem(const struct probe_step *step, const char *text)
{
	for (size_t i = 0; i < step->peer->problem_count; i++)
		if (strstr(step->peer->problems[i], text))
			return true;
	return false;
}

/* The certificate is no good, the mail would go through all the same. */
static void test_probe_smtp_tls_may(void **state)
{
	struct probe_verdict v;
	const struct probe_step *tls;

	tls_level(PROBE_TLS_MAY);
	v = fixture_probe_fake(
		tls_server(good_tls, "mx.dest.example", -60, 86400));
	tls = fixture_step(PROBE_STEP_TLS);
	assert_int_equal(v.end.kind, PROBE_END_ACCEPTED);
	assert_int_equal(tls->mark, PROBE_MARK_WARNING);
	assert_string_equal(tls->peer->version, "TLSv1.3");
	assert_string_equal(tls->peer->subject, "CN=mx.dest.example");
	assert_string_equal(tls->peer->issuer, "CN=mx.dest.example");
	assert_string_equal(tls->peer->key, "RSA 2048");
	assert_int_equal(tls->peer->name_count, 1);
	assert_string_equal(tls->peer->names[0], "mx.dest.example");
	assert_true(has_problem(tls, "self-signed"));
	assert_true(has_problem(tls, "mismatch"));
	/* Everything is said again under TLS, and the rest, too. */
	assert_non_null(strstr(fixture.fakes[0].heard,
			       "EHLO probe.example\nSTARTTLS\n"
			       "EHLO probe.example\nMAIL FROM:<>\nRCPT"));
	no_message_was_sent();
}

/* All that is wrong with a certificate is told, not just the first thing. */
static void test_probe_smtp_tls_verify(void **state)
{
	struct probe_verdict v;
	const struct probe_step *tls;

	tls_level(PROBE_TLS_VERIFY);
	v = fixture_probe_fake(
		tls_server(good_tls, "mx.dest.example", -86400, -60));
	tls = fixture_step(PROBE_STEP_TLS);
	assert_int_equal(v.end.kind, PROBE_END_CERTIFICATE);
	assert_string_equal(v.end.status, "4.7.5");
	assert_true(has_problem(tls, "expired"));
	assert_true(has_problem(tls, "self-signed"));
	assert_true(tls->peer->days_left <= 0);
	/* QUIT goes out under TLS. */
	assert_non_null(strstr(fixture.fakes[0].heard, "STARTTLS\nQUIT\n"));
}

static void test_probe_smtp_tls_not_yet_valid(void **state)
{
	tls_level(PROBE_TLS_VERIFY);
	fixture_probe_fake(tls_server(good_tls, "a.example", 86400, 172800));
	assert_true(has_problem(fixture_step(PROBE_STEP_TLS), "not yet valid"));
}

/* --ca: the very certificate, for the very name. */
static void test_probe_smtp_tls_ca(void **state)
{
	char path[] = "/tmp/deadmx-test-XXXXXX", zone[2][128];
	const char *const rrs[] = {zone[0], zone[1], NULL};
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	struct probe_verdict v;
	int index;

	index = tls_server(good_tls, "mx.dest.example", -60, 86400);
	PEM_write_X509(file, fixture.fakes[index].cert);
	fclose(file);
	snprintf(zone[0], sizeof(zone[0]),
		 "dest.example. MX 10 "
		 "mx.dest.example.");
	snprintf(zone[1], sizeof(zone[1]), "mx.dest.example. A %s",
		 fixture.address[index]);
	fake_dns(rrs);
	fixture.options.tls = PROBE_TLS_VERIFY;
	assert_int_equal(probe_tls_context_new(path, stderr,
					       &fixture.options.tls_context),
			 0);
	v = fixture_probe("bob@dest.example");
	unlink(path);
	assert_int_equal(v.end.kind, PROBE_END_ACCEPTED);
	assert_int_equal(fixture_step(PROBE_STEP_TLS)->peer->problem_count, 0);
	assert_int_equal(fixture_step(PROBE_STEP_TLS)->mark, PROBE_MARK_OK);
}

static void test_probe_smtp_tls_ca_unreadable(void **state)
{
	char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	SSL_CTX *ctx;

	assert_int_equal(probe_tls_context_new("/nowhere/ca.pem", errors, &ctx),
			 -EINVAL);
	fclose(errors);
	assert_non_null(strstr(said, "/nowhere/ca.pem"));
	free(said);
}

static void test_probe_smtp_tls_not_offered(void **state)
{
	struct probe_verdict v;

	tls_level(PROBE_TLS_ENCRYPT);
	v = fixture_probe_fake(fake_smtp(good, NULL, NULL));
	assert_int_equal(v.end.kind, PROBE_END_NO_TLS);
	assert_string_equal(v.end.status, "4.7.4");
	assert_null(strstr(fixture.fakes[0].heard, "MAIL"));
}

static void test_probe_smtp_tls_refused(void **state)
{
	static const struct fake_row rows[] = {
		GREETING, EHLO_TLS, {"STARTTLS", "454 4.7.0 no TLS now\r\n"},
		MAIL,	  RCPT,	    QUIT,
		{0}};
	int index = fake_smtp(rows, NULL, NULL);

	tls_level(PROBE_TLS_MAY);
	assert_int_equal(fixture_probe_fake(index).end.kind,
			 PROBE_END_ACCEPTED);
	assert_int_equal(fixture_step(PROBE_STEP_STARTTLS)->mark,
			 PROBE_MARK_WARNING);
}

static void test_probe_smtp_tls_refused_encrypt(void **state)
{
	static const struct fake_row rows[] = {
		GREETING,
		EHLO_TLS,
		{"STARTTLS", "454 4.7.0 no TLS now\r\n"},
		QUIT,
		{0}};
	struct probe_verdict v;

	tls_level(PROBE_TLS_ENCRYPT);
	v = fixture_probe_fake(fake_smtp(rows, NULL, NULL));
	assert_int_equal(v.end.kind, PROBE_END_REPLY);
	assert_string_equal(v.end.status, "4.7.0");
}

/* A 421 to STARTTLS is the end, not the way to plain text. */
static void test_probe_smtp_tls_421(void **state)
{
	static const struct fake_row rows[] = {
		GREETING, EHLO_TLS, {"STARTTLS", "421 4.3.2 bye\r\n"}, {0}};
	struct probe_verdict v;

	tls_level(PROBE_TLS_MAY);
	v = fixture_probe_fake(fake_smtp(rows, NULL, NULL));
	assert_int_equal(v.end.kind, PROBE_END_REPLY);
	assert_int_equal(v.end.code, 421);
	assert_null(strstr(fixture.fakes[0].heard, "MAIL"));
}

static void handshake_fails(const char *say)
{
	struct fake_row rows[] = {GREETING, EHLO_TLS, {"STARTTLS", say}, {0}};
	struct probe_verdict v;

	fixture.options.net.timeout_ns = S(3);
	tls_level(PROBE_TLS_ENCRYPT);
	v = fixture_probe_fake(tls_server(rows, "mx.dest.example", -60, 86400));
	assert_int_equal(v.end.kind, PROBE_END_TLS);
	assert_string_equal(v.end.status, "4.7.5");
	assert_null(strstr(fixture.fakes[0].heard, "MAIL"));
}

static void test_probe_smtp_tls_noise(void **state)
{
	handshake_fails(SAY_NOISE);
}

static void test_probe_smtp_tls_dropped(void **state)
{
	handshake_fails(SAY_BYE);
}

/* CVE-2011-0411, the other way round. */
static void test_probe_smtp_tls_injected(void **state)
{
	handshake_fails(SAY_EXTRA);
	assert_string_equal(fixture_step(PROBE_STEP_TLS)->text,
			    "plain text behind the reply to STARTTLS");
}

/* A handshake that fails is followed by a try in plain text. */
static void test_probe_smtp_tls_plain_retry(void **state)
{
	static const struct fake_row rows[] = {
		GREETING, EHLO_TLS, {"STARTTLS", SAY_BYE}, MAIL, RCPT,
		QUIT,	  {0}};
	struct probe_verdict v;

	tls_level(PROBE_TLS_MAY);
	v = fixture_probe_fake(fake_smtp(rows, NULL, NULL));
	assert_int_equal(v.end.kind, PROBE_END_ACCEPTED);
	assert_int_equal(fixture_step(PROBE_STEP_TLS)->mark, PROBE_MARK_FAILED);
	assert_non_null(strstr(fixture.fakes[0].heard,
			       "STARTTLS\nEHLO probe.example\nMAIL"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_probe_smtp_up_to_rcpt),
		TEST(test_probe_smtp_from),
		TEST(test_probe_smtp_helo_literal),
		TEST(test_probe_smtp_refused_banner),
		TEST(test_probe_smtp_refused_ehlo),
		TEST(test_probe_smtp_refused_mail),
		TEST(test_probe_smtp_refused_rcpt),
		TEST(test_probe_smtp_421_no_quit),
		TEST(test_probe_smtp_helo),
		TEST(test_probe_smtp_refused_connection),
		TEST(test_probe_smtp_dropped),
		TEST(test_probe_smtp_dropped_rcpt),
		TEST(test_probe_smtp_reset),
		TEST(test_probe_smtp_stalled),
		TEST(test_probe_smtp_dripping),
		TEST(test_probe_smtp_line_without_end),
		TEST(test_probe_smtp_reply_without_end),
		TEST(test_probe_smtp_no_smtp),
		TEST(test_probe_smtp_354_to_rcpt),
		TEST(test_probe_smtp_quit_dropped),
		TEST(test_probe_smtp_max_time),
		TEST(test_probe_smtp_stop_signal),
		TEST(test_probe_smtp_utf8_not_offered),
		TEST(test_probe_smtp_utf8),
		TEST(test_probe_smtp_tls_may),
		TEST(test_probe_smtp_tls_verify),
		TEST(test_probe_smtp_tls_not_yet_valid),
		TEST(test_probe_smtp_tls_ca),
		TEST(test_probe_smtp_tls_ca_unreadable),
		TEST(test_probe_smtp_tls_not_offered),
		TEST(test_probe_smtp_tls_refused),
		TEST(test_probe_smtp_tls_refused_encrypt),
		TEST(test_probe_smtp_tls_421),
		TEST(test_probe_smtp_tls_noise),
		TEST(test_probe_smtp_tls_dropped),
		TEST(test_probe_smtp_tls_injected),
		TEST(test_probe_smtp_tls_plain_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
