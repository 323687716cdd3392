/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/smtp_session.c: lines in, a transcript out. */
#include "session_fixture.h"

/* A whole conversation, with two messages, dots unstuffed. */
static void test_session_healthy(void **state)
{
	struct fixture *f = *state;

	envelope(f);
	talk(f, "rcpt to:<e@f>\nDATA\n..x\n.y\nz\n.",
	     "250 Recipient ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n"
	     "<message a@b c@d,e@f, 10 ack>250 Message accepted\r\n");
	assert_string_equal(f->data, ".x\r\ny\r\nz\r\n");
	talk(f, "MAIL FROM:<>\nRCPT TO:<a@b>\nDATA\n.\nQUIT\nNOOP",
	     "250 Sender ok\r\n250 Recipient ok\r\n"
	     "354 End data with <CR><LF>.<CR><LF>\r\n"
	     "<message  a@b, 0 ack>250 Message accepted\r\n221 Bye\r\n<fin>");
	assert_int_equal(smtp_session_state(f->session), SMTP_STATE_CLOSED);
}

/* ENHANCEDSTATUSCODES: in all replies but greeting, EHLO and 354. */
static void test_session_enhanced_codes(void **state)
{
	struct fixture *f = *state;

	f->server.extensions = OFFERS(PIPELINING) | OFFERS(ENHANCEDSTATUSCODES);
	begin(f);
	assert_string_equal(f->out, "220 mx ESMTP\r\n");
	talk(f, "EHLO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n.\nDATA\nQUIT",
	     "250-mx\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n"
	     "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n"
	     "354 End data with <CR><LF>.<CR><LF>\r\n"
	     "<message a@b c@d, 0 ack>250 2.0.0 Message accepted\r\n"
	     "503 5.5.1 Need MAIL command\r\n221 2.0.0 Bye\r\n<fin>");
}

/* Commands in the wrong order, unknown, with bad arguments. */
static void test_session_bad_commands(void **state)
{
	struct fixture *f = *state;

	begin(f);
	talk(f, "MAIL FROM:<a@b>\nEHLO\nHELO \nXYZ\nNOOP\nHELP\nVRFY x\nEXPN x",
	     "503 Bad sequence of commands\r\n501 EHLO needs a host name\r\n"
	     "501 HELO needs a host name\r\n500 Command unrecognized\r\n"
	     "250 Ok\r\n214 See RFC 5321\r\n"
	     "252 Send some mail, it will be tried\r\n"
	     "502 Command not implemented\r\n");
	talk(f, "HELO me\nRCPT TO:<c@d>\nDATA\nMAIL FROM:<a@b> SIZE=1",
	     "250 mx\r\n503 Need MAIL command\r\n503 Need MAIL command\r\n"
	     "555 Unsupported parameter\r\n");
	talk(f, "MAIL FROM:<a@b>\nMAIL FROM:<a@b>\nDATA\nDATA x\nRSET\nDATA",
	     "250 Sender ok\r\n503 Nested MAIL command\r\n"
	     "554 No valid recipients\r\n501 DATA takes no parameters\r\n"
	     "250 Ok\r\n503 Need MAIL command\r\n");
	f->used = 0;
	smtp_session_line(f->session, "NO\0P", 4, SMTP_LINE_CRLF);
	assert_string_equal(f->out, "500 NUL in command\r\n");
}

/* EHLO and RSET forget the envelope. */
static void test_session_reset_envelope(void **state)
{
	struct fixture *f = *state;

	envelope(f);
	talk(f, "RSET\nDATA\nMAIL FROM:<a@b>\nHELO me\nDATA",
	     "250 Ok\r\n503 Need MAIL command\r\n250 Sender ok\r\n250 mx\r\n"
	     "503 Need MAIL command\r\n");
}

/* A bare LF ends a command but neither the message nor a line of it. */
static void test_session_bare_lf(void **state)
{
	struct fixture *f = *state;

	envelope(f);
	f->used = 0;
	smtp_session_line(f->session, "DATA", 4, SMTP_LINE_LF);
	smtp_session_line(f->session, "x", 1, SMTP_LINE_LF);
	smtp_session_line(f->session, ".", 1, SMTP_LINE_CRLF);
	smtp_session_line(f->session, ".", 1, SMTP_LINE_LF);
	smtp_session_line(f->session, "..", 2, SMTP_LINE_CRLF);
	smtp_session_line(f->session, "", 0, SMTP_LINE_MORE);
	smtp_session_line(f->session, "y", 1, SMTP_LINE_CRLF);
	smtp_session_line(f->session, ".", 1, SMTP_LINE_CRLF);
	assert_string_equal(f->data, "x\n.\r\n\n..\r\ny\r\n");
}

/* The command line's limit passes; one byte more, or a part, does not. */
static void test_session_line_limit(void **state)
{
	char line[SMTP_LINE_MAX];
	struct fixture *f = *state;

	begin(f);
	memset(line, 'x', sizeof(line));
	memcpy(line, "NOOP ", 5);
	f->used = 0;
	smtp_session_line(f->session, line, SMTP_LINE_MAX - 2, SMTP_LINE_CRLF);
	assert_string_equal(f->out, "250 Ok\r\n");
	f->used = 0;
	smtp_session_line(f->session, line, SMTP_LINE_MAX - 1, SMTP_LINE_CRLF);
	assert_string_equal(f->out, "500 Line too long\r\n");
	f->used = 0;
	smtp_session_line(f->session, line, 10, SMTP_LINE_MORE);
	smtp_session_line(f->session, line, 10, SMTP_LINE_MORE);
	smtp_session_line(f->session, "NOOP", 4, SMTP_LINE_CRLF);
	assert_string_equal(f->out, "500 Line too long\r\n");
	talk(f, "NOOP", "250 Ok\r\n");
}

/* The limit of recipients passes; one more gets 452 and the rest goes on. */
static void test_session_recipients_limit(void **state)
{
	struct fixture *f = *state;

	envelope(f);
	for (int i = 1; i < SMTP_RECIPIENTS_MAX; i++)
		talk(f, "RCPT TO:<c@d>", "250 Recipient ok\r\n");
	talk(f, "RCPT TO:<c@d>", "452 Too many recipients\r\n");
	talk(f, "DATA", "354 End data with <CR><LF>.<CR><LF>\r\n");
}

static void send_bytes(struct fixture *f, size_t len)
{
	static const char zeros[1000];

	for (; len > sizeof(zeros); len -= sizeof(zeros))
		smtp_session_line(f->session, zeros, sizeof(zeros),
				  SMTP_LINE_MORE);
	smtp_session_line(f->session, zeros, len - 2, SMTP_LINE_CRLF);
}

/* A message of the limit passes; with one byte more it gets 552. */
static void test_session_message_limit(void **state)
{
	struct fixture *f = *state;

	envelope(f);
	talk(f, "DATA", "354 End data with <CR><LF>.<CR><LF>\r\n");
	send_bytes(f, SMTP_MESSAGE_BYTES_MAX);
	talk(f, ".", "<message a@b c@d, 10485760 ack>250 Message accepted\r\n");
	talk(f, "MAIL FROM:<a@b> SIZE=10485761\nMAIL FROM:<a@b> SIZE=10485760",
	     "552 Message size exceeds limit\r\n250 Sender ok\r\n");
	talk(f, "RCPT TO:<c@d>\nDATA",
	     "250 Recipient ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
	send_bytes(f, SMTP_MESSAGE_BYTES_MAX + 1);
	talk(f, ".\nNOOP", "552 Message size exceeds limit\r\n250 Ok\r\n");
	assert_int_equal(f->budget, f->budget_given);
}

/* All sessions' messages share a budget; who finds it empty gets 452. */
static void test_session_budget(void **state)
{
	struct fixture *f = *state;

	f->budget = 5000;
	envelope(f);
	talk(f, "DATA", "354 End data with <CR><LF>.<CR><LF>\r\n");
	send_bytes(f, 4500);
	talk(f, ".", "452 Insufficient system storage\r\n");
	assert_int_equal(f->budget, 5000);
}

/* Nonsense without end is cut off. */
static void test_session_errors_limit(void **state)
{
	struct fixture *f = *state;

	begin(f);
	for (int i = 1; i < SMTP_ERRORS_MAX; i++)
		talk(f, "XYZ", "500 Command unrecognized\r\n");
	talk(f, "XYZ\nXYZ", "421 Too many errors\r\n<fin>");
}

/* A reply at each stage replaces the healthy one, and takes effect. */
static void test_session_fault_reply(void **state)
{
	struct fixture *f = *state;

	add_fault(f,
		  (struct deadmx_fault){.stage = DEADMX_STAGE_RCPT,
					.action = DEADMX_ACTION_REPLY,
					.window.first = 1,
					.reply = (char[]){"451 no\n{host}"}});
	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
					   .action = DEADMX_ACTION_REPLY,
					   .window.first = 1,
					   .reply = (char[]){"452 full"}});
	begin(f);
	talk(f, "HELO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nRCPT TO:<e@f>",
	     "250 mx\r\n250 Sender ok\r\n<fault rcpt reply 451-no\n451 mx>"
	     "451-no\r\n451 mx\r\n554 No valid recipients\r\n"
	     "250 Recipient ok\r\n");
	talk(f, "DATA\nx\n.\nDATA",
	     "354 End data with <CR><LF>.<CR><LF>\r\n"
	     "<fault dot reply 452 full>452 full\r\n"
	     "503 Need MAIL command\r\n");
}

/* 421 closes after the reply, and so does a row that says so. */
static void test_session_fault_reply_close(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_REPLY,
					   .reply = (char[]){"421 bye"}});
	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_EHLO,
					   .action = DEADMX_ACTION_REPLY,
					   .close = true,
					   .reply = (char[]){"550 bye"}});
	begin(f);
	talk(f, "EHLO me\nHELO me",
	     "<fault ehlo reply 550 bye>550 bye\r\n<fin>");
	smtp_session_free(f->session);
	f->session = smtp_session_new(&f->server, &ops, f, &f->budget);
	smtp_session_start(f->session);
	talk(f, "HELO me\nMAIL FROM:<a@b>\nNOOP",
	     "250 mx\r\n<fault mail reply 421 bye>421 bye\r\n<fin>");
}

/* After a greeting that is no 2xx only QUIT is heard. */
static void test_session_fault_banner(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
					   .action = DEADMX_ACTION_REPLY,
					   .reply = (char[]){"450 later"}});
	begin(f);
	assert_string_equal(f->out, "<fault banner reply 450 later>"
				    "450 later\r\n");
	talk(f, "EHLO me\nQUIT",
	     "503 Bad sequence of commands\r\n221 Bye\r\n<fin>");
}

/* A stall holds the reply; then the conversation goes on healthily. */
static void test_session_fault_stall(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = 5});
	begin(f);
	talk(f, "HELO me\nMAIL FROM:<a@b>",
	     "250 mx\r\n<fault mail stall><stall 5>");
	assert_true(smtp_session_held(f->session));
	resume(f, "250 Sender ok\r\n");
	assert_false(smtp_session_held(f->session));
	talk(f, "RCPT TO:<c@d>", "250 Recipient ok\r\n");
}

/* A stall for ever swallows all that follows. */
static void test_session_fault_mute(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = DEADMX_FOREVER_NS});
	envelope(f);
	talk(f, "DATA\nx\n.\nQUIT\nNOOP",
	     "354 End data with <CR><LF>.<CR><LF>\r\n<fault dot stall>");
	assert_int_equal(smtp_session_state(f->session), SMTP_STATE_MUTE);
	assert_false(smtp_session_held(f->session));
}

/* A drip hands the reply over; it takes effect with the last byte. */
static void test_session_fault_drip(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
					   .action = DEADMX_ACTION_DRIP,
					   .drip_ns = 2});
	envelope(f);
	talk(f, "DATA\n.",
	     "354 End data with <CR><LF>.<CR><LF>\r\n<fault dot drip>"
	     "<drip 2:250 Message accepted\r\n>");
	resume(f, "<message a@b c@d, 0 ack>");
	talk(f, "QUIT", "221 Bye\r\n<fin>");
}

/* Dropped after the dot: the message is there, its sender can't know. */
static void test_session_fault_drop(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
					   .action = DEADMX_ACTION_DROP});
	envelope(f);
	talk(f, "DATA\nx\n.\nQUIT",
	     "354 End data with <CR><LF>.<CR><LF>\r\n<fault dot drop>"
	     "<message a@b c@d, 3 no ack><fin>");
}

/* Reset in the greeting: not a byte. */
static void test_session_fault_reset(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
					   .action = DEADMX_ACTION_RESET});
	begin(f);
	assert_string_equal(f->out, "<fault banner reset><rst>");
}

/* A row "accept" shadows what follows, and is no fault. */
static void test_session_fault_accept(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
					   .action = DEADMX_ACTION_ACCEPT});
	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
					   .action = DEADMX_ACTION_RESET});
	begin(f);
	assert_string_equal(f->out, "220 mx ESMTP\r\n");
}

/* QUIT and RSET can be faulty as well. */
static void test_session_fault_quit_rset(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_RSET,
					   .action = DEADMX_ACTION_REPLY,
					   .reply = (char[]){"450 no"}});
	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_QUIT,
					   .action = DEADMX_ACTION_DROP});
	envelope(f);
	talk(f, "RSET\nRCPT TO:<e@f>\nQUIT",
	     "<fault rset reply 450 no>450 no\r\n250 Recipient ok\r\n"
	     "<fault quit drop><fin>");
}

/* Any bytes at all: no crash, no reply without end. */
static void test_session_noise(void **state)
{
	static const char *const words[] = {"EHLO x",
					    "MAIL FROM:<",
					    ">",
					    "RCPT TO:<a@b>",
					    "DATA",
					    ".",
					    "MAIL FROM:<a@b> SIZE=",
					    "\xff",
					    "RSET",
					    "NOTIFY=,"};
	struct fixture *f = *state;
	uint32_t seed = 1;

	begin(f);
	for (int i = 0; i < 20000; i++) {
		char line[64];
		size_t len;

		if (smtp_session_state(f->session) == SMTP_STATE_CLOSED) {
			smtp_session_free(f->session);
			f->session = smtp_session_new(&f->server, &ops, f,
						      &f->budget);
			smtp_session_start(f->session);
		}
		seed = seed * 1664525 + 1013904223;
		len = (size_t)snprintf(line, sizeof(line), "%s%s",
				       words[(seed >> 24) % 10],
				       words[(seed >> 16) % 10]);
		if (seed & 0x800)
			len = strcspn(line, ">");
		f->used = 0;
		smtp_session_line(f->session, line, len,
				  (enum smtp_line_end)((seed >> 10) % 3));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_session_healthy),
		T(test_session_enhanced_codes),
		T(test_session_bad_commands),
		T(test_session_reset_envelope),
		T(test_session_bare_lf),
		T(test_session_line_limit),
		T(test_session_recipients_limit),
		T(test_session_message_limit),
		T(test_session_budget),
		T(test_session_errors_limit),
		T(test_session_fault_reply),
		T(test_session_fault_reply_close),
		T(test_session_fault_banner),
		T(test_session_fault_stall),
		T(test_session_fault_mute),
		T(test_session_fault_drip),
		T(test_session_fault_drop),
		T(test_session_fault_reset),
		T(test_session_fault_accept),
		T(test_session_fault_quit_rset),
		T(test_session_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
