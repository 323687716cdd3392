/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/smtp_command.c: extensions on and off, TLS, AUTH. */
#include "session_fixture.h"

static void greet(struct fixture *f, unsigned extensions)
{
	f->server.extensions = extensions;
	begin(f);
	f->used = 0;
	smtp_session_line(f->session, "EHLO me", 7, SMTP_LINE_CRLF);
}

/* What is offered stands in the reply to EHLO, what is not does not. */
static void test_command_ehlo(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < DEADMX_EXTENSION_COUNT; i++) {
		const char *word =
			deadmx_extension_word((enum deadmx_extension)i);

		greet(f, 1u << i);
		assert_int_equal(strncmp(f->out, "250-mx\r\n250 ", 12), 0);
		assert_int_equal(strncmp(f->out + 12, word, strlen(word)), 0);
		greet(f, ~(1u << i));
		assert_null(strstr(f->out, word));
	}
	greet(f, 0);
	assert_string_equal(f->out, "250 mx\r\n");
	greet(f, DEADMX_EXTENSIONS_DEFAULT);
	assert_string_equal(f->out,
			    "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
			    "250-SIZE 10485760\r\n250-ENHANCEDSTATUSCODES\r\n"
			    "250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n");
	f->server.size = 5000;
	greet(f, OFFERS(SIZE));
	assert_string_equal(f->out, "250-mx\r\n250 SIZE 5000\r\n");
}

/* The oldest servers know no EHLO; after HELO no extension is on. */
static void test_command_helo_only(void **state)
{
	struct fixture *f = *state;

	f->server.helo_only = true;
	f->server.extensions = 0;
	begin(f);
	assert_string_equal(f->out, "220 mx SMTP\r\n");
	talk(f, "EHLO me\nHELO me\nMAIL FROM:<a@b> SIZE=1",
	     "502 Command not implemented\r\n250 mx\r\n"
	     "555 Unsupported parameter\r\n");
	f->server.helo_only = false;
	f->server.extensions = ~0u;
	begin(f);
	talk(f, "HELO me\nMAIL FROM:<a@b> SIZE=1\nBDAT 1 LAST\nSTARTTLS",
	     "250 mx\r\n555 Unsupported parameter\r\n"
	     "502 Command not implemented\r\n502 Command not implemented\r\n");
}

/* Parameters of extensions that are off are refused, one by one. */
static void test_command_parameters(void **state)
{
	static const struct {
		enum deadmx_extension extension;
		const char *param;
	} rows[] = {{DEADMX_EXTENSION_SIZE, "SIZE=1"},
		    {DEADMX_EXTENSION_EIGHTBITMIME, "BODY=8BITMIME"},
		    {DEADMX_EXTENSION_DSN, "RET=FULL"},
		    {DEADMX_EXTENSION_SMTPUTF8, "SMTPUTF8"}};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "MAIL FROM:<a@b> %s",
			 rows[i].param);
		greet(f, 1u << rows[i].extension);
		talk(f, line, "250 Sender ok\r\n");
		greet(f, DEADMX_EXTENSIONS_DEFAULT &
				 ~(1u << rows[i].extension) &
				 ~OFFERS(ENHANCEDSTATUSCODES));
		talk(f, line, "555 Unsupported parameter\r\n");
	}
}

/* Addresses in UTF-8 belong to mail that says so. */
static void test_command_smtputf8(void **state)
{
	struct fixture *f = *state;

	greet(f, OFFERS(SMTPUTF8));
	talk(f,
	     "MAIL FROM:<a@b>\nRCPT TO:<\xc3\xbc@d>\nRSET\n"
	     "MAIL FROM:<\xc3\xa4@b> SMTPUTF8\nRCPT TO:<\xc3\xbc@d>\nRSET\n"
	     "MAIL FROM:<a@b>\nRCPT TO:<\xc3\xbc@d>",
	     "250 Sender ok\r\n553 Address needs SMTPUTF8\r\n250 Ok\r\n"
	     "250 Sender ok\r\n250 Recipient ok\r\n250 Ok\r\n"
	     "250 Sender ok\r\n553 Address needs SMTPUTF8\r\n");
}

/* RFC 3207 4.2: what was said before TLS is forgotten, and it isn't offered
 * again. */
static void test_command_starttls(void **state)
{
	struct fixture *f = *state;

	greet(f, OFFERS(STARTTLS) | OFFERS(SIZE));
	assert_string_equal(f->out, "250-mx\r\n250-SIZE 10485760\r\n"
				    "250 STARTTLS\r\n");
	talk(f, "STARTTLS x\nMAIL FROM:<a@b>\nSTARTTLS\nRSET\nSTARTTLS",
	     "501 STARTTLS takes no parameters\r\n250 Sender ok\r\n"
	     "503 Bad sequence of commands\r\n250 Ok\r\n"
	     "220 Ready to start TLS\r\n<tls>");
	assert_int_equal(smtp_session_state(f->session), SMTP_STATE_GREETING);
	talk(f, "MAIL FROM:<a@b>\nEHLO me\nSTARTTLS",
	     "503 Bad sequence of commands\r\n"
	     "250-mx\r\n250 SIZE 10485760\r\n503 TLS is on already\r\n");
}

/* Not offered, refused by a fault, or told to go ahead by one. */
static void test_command_starttls_faults(void **state)
{
	struct fixture *f = *state;

	greet(f, 0);
	talk(f, "STARTTLS", "502 Command not implemented\r\n");
	set_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_STARTTLS,
					   .action = DEADMX_ACTION_REPLY,
					   .reply = (char[]){"454 no"}});
	greet(f, OFFERS(STARTTLS));
	talk(f, "STARTTLS\nMAIL FROM:<a@b>",
	     "<fault starttls reply 454 no>454 no\r\n250 Sender ok\r\n");
	f->rows[0].reply = (char[]){"220 go"};
	greet(f, OFFERS(STARTTLS));
	talk(f, "STARTTLS", "<fault starttls reply 220 go>220 go\r\n<tls>");
}

/* PLAIN and LOGIN in all their forms; nothing of it gets into the log. */
static void test_command_auth(void **state)
{
	static const struct {
		const char *lines, *want, *logged;
	} rows[] = {
		{"AUTH PLAIN AGEAYg==", "235 Authentication succeeded\r\n",
		 "AUTH PLAIN *"},
		{"auth  plain  AGEAYg==", "235 Authentication succeeded\r\n",
		 "auth  plain *"},
		{"AUTH PLAIN\nAGEAYg==",
		 "334 \r\n235 Authentication succeeded\r\n", "*"},
		{"AUTH PLAIN =", "235 Authentication succeeded\r\n",
		 "AUTH PLAIN *"},
		{"AUTH LOGIN\nYQ==\nYg==",
		 "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n"
		 "235 Authentication succeeded\r\n",
		 "*"},
		{"AUTH LOGIN YQ==\nYg==",
		 "334 UGFzc3dvcmQ6\r\n235 Authentication succeeded\r\n", "*"},
		{"AUTH LOGIN\n*",
		 "334 VXNlcm5hbWU6\r\n"
		 "501 Authentication cancelled\r\n",
		 "*"},
		{"AUTH PLAIN a b", "501 Cannot decode response\r\n",
		 "AUTH PLAIN *"},
		{"AUTH PLAIN abc", "501 Cannot decode response\r\n",
		 "AUTH PLAIN *"},
		{"AUTH CRAM-MD5", "504 Mechanism not supported\r\n",
		 "AUTH CRAM-MD5"},
		{"AUTH secret", "504 Mechanism not supported\r\n",
		 "AUTH secret"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		greet(f, OFFERS(AUTH));
		assert_string_equal(f->out,
				    "250-mx\r\n250 AUTH PLAIN LOGIN\r\n");
		talk(f, rows[i].lines, rows[i].want);
		assert_string_equal(f->command, rows[i].logged);
		talk(f, "NOOP", "250 Ok\r\n");
	}
}

/* Once is enough; not offered, not known; a line too long ends it. */
static void test_command_auth_refused(void **state)
{
	char line[SMTP_LINE_MAX] = "";
	struct fixture *f = *state;

	greet(f, 0);
	talk(f, "AUTH PLAIN AGEAYg==", "502 Command not implemented\r\n");
	assert_string_equal(f->command, "AUTH PLAIN *");
	greet(f, OFFERS(AUTH));
	talk(f,
	     "AUTH PLAIN AGEAYg==\nAUTH PLAIN AGEAYg==\nMAIL FROM:<a@b>\n"
	     "AUTH PLAIN AGEAYg==",
	     "235 Authentication succeeded\r\n503 Authenticated already\r\n"
	     "250 Sender ok\r\n503 Bad sequence of commands\r\n");
	greet(f, OFFERS(AUTH));
	talk(f, "AUTH LOGIN", "334 VXNlcm5hbWU6\r\n");
	memset(line, 'a', sizeof(line) - 1);
	talk(f, line, "500 Line too long\r\n");
	talk(f, "NOOP", "250 Ok\r\n");
}

/* Wrong credentials: the mail is then refused or not as others say. */
static void test_command_auth_fault(void **state)
{
	struct fixture *f = *state;

	set_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_AUTH,
					   .action = DEADMX_ACTION_REPLY,
					   .window.first = 1,
					   .reply = (char[]){"535 5.7.8 no"}});
	greet(f, OFFERS(AUTH));
	talk(f, "AUTH LOGIN YQ==\nYg==\nAUTH PLAIN AGEAYg==",
	     "334 UGFzc3dvcmQ6\r\n"
	     "<fault auth reply 535 5.7.8 no>535 5.7.8 no\r\n"
	     "235 Authentication succeeded\r\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_command_ehlo),	    T(test_command_helo_only),
		T(test_command_parameters), T(test_command_smtputf8),
		T(test_command_starttls),   T(test_command_starttls_faults),
		T(test_command_auth),	    T(test_command_auth_refused),
		T(test_command_auth_fault),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
