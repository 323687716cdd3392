/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/smtp_fault.c: what faults make of replies. */
#include "session_fixture.h"

#define GO_ON "354 End data with <CR><LF>.<CR><LF>\r\n"

/* Where each stage is, and what the healthy server says there. */
static const struct place {
	enum deadmx_stage stage;
	const char *way;     /* lines on the way there */
	const char *line;    /* the line that is answered; NULL: the greeting */
	const char *healthy; /* the last line of its reply, without CRLF */
} places[] = {
	{DEADMX_STAGE_BANNER, "", NULL, "220 mx ESMTP"},
	{DEADMX_STAGE_EHLO, "", "EHLO me", "250 AUTH PLAIN LOGIN"},
	{DEADMX_STAGE_HELO, "", "HELO me", "250 mx"},
	{DEADMX_STAGE_STARTTLS, "EHLO me\n", "STARTTLS",
	 "220 Ready to start TLS"},
	{DEADMX_STAGE_AUTH, "EHLO me\n",
	 "AUTH PLAIN AGEAYg==", "235 Authentication succeeded"},
	{DEADMX_STAGE_MAIL, "EHLO me\n", "MAIL FROM:<a@b>", "250 Sender ok"},
	{DEADMX_STAGE_RCPT, "EHLO me\nMAIL FROM:<a@b>\n", "RCPT TO:<c@d>",
	 "250 Recipient ok"},
	{DEADMX_STAGE_DATA, "EHLO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\n", "DATA",
	 "354 End data with <CR><LF>.<CR><LF>"},
	{DEADMX_STAGE_DOT, "EHLO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nx\n",
	 ".", "250 Message accepted"},
	{DEADMX_STAGE_RSET, "EHLO me\n", "RSET", "250 Ok"},
	{DEADMX_STAGE_QUIT, "EHLO me\n", "QUIT", "221 Bye"},
};

enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* Go to the place with @fault there; what comes out is in f->out. */
static void meet(struct fixture *f, const struct place *p,
		 struct deadmx_fault fault)
{
	const char *lines = p->way;

	fault.stage = p->stage;
	set_fault(f, fault);
	f->server.extensions = OFFERS(STARTTLS) | OFFERS(AUTH);
	begin(f);
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		smtp_session_line(f->session, lines, len, SMTP_LINE_CRLF);
		lines += len + 1;
	}
	if (!p->line)
		return;
	f->used = 0;
	smtp_session_line(f->session, p->line, strlen(p->line), SMTP_LINE_CRLF);
}

/* "<fault STAGE ACTION" and the rest, which may hold a %s for the reply. */
__attribute__((format(printf, 4, 5))) static void
expect(struct fixture *f, const struct place *p, const char *action,
       const char *format, ...)
{
	char want[32768];
	size_t len;
	va_list ap;

	len = (size_t)snprintf(want, sizeof(want), "<fault %s %s",
			       deadmx_stage_word(p->stage), action);
	va_start(ap, format);
	vsnprintf(want + len, sizeof(want) - len, format, ap);
	va_end(ap);
	assert_string_equal(f->out, want);
}

/* Any reply, of several lines, at every stage; the session goes on. */
static void test_fault_reply_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_REPLY,
					   .reply = (char[]){"450 a\nb"}});
		expect(f, &places[i], "reply",
		       " 450-a\n450 b>450-a\r\n450 b\r\n%s",
		       places[i].stage == DEADMX_STAGE_QUIT ? "<fin>" : "");
	}
}

/* 421 ends the session wherever it is said. */
static void test_fault_421_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_REPLY,
					   .reply = (char[]){"421 bye"}});
		expect(f, &places[i], "reply", " 421 bye>421 bye\r\n<fin>");
	}
}

static void test_fault_stall_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_STALL,
					   .stall_ns = DEADMX_FOREVER_NS});
		expect(f, &places[i], "stall", ">");
		assert_int_equal(smtp_session_state(f->session),
				 SMTP_STATE_MUTE);
		talk(f, "QUIT", "");
	}
}

/* A stall for a time gives the healthy reply, a drip byte by byte. */
static void test_fault_hold_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_STALL,
					   .stall_ns = 9});
		expect(f, &places[i], "stall", "><stall 9>");
		f->used = 0;
		smtp_session_resume(f->session);
		assert_non_null(strstr(f->out, places[i].healthy));
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_DRIP,
					   .drip_ns = 9});
		assert_non_null(strstr(f->out, "<drip 9:"));
		assert_non_null(strstr(f->out, places[i].healthy));
		assert_true(smtp_session_held(f->session));
		smtp_session_resume(f->session);
		assert_false(smtp_session_held(f->session));
	}
}

static void test_fault_end_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		const char *stored = places[i].stage == DEADMX_STAGE_DOT
					     ? "<message a@b c@d, 3 no ack>"
					     : "";

		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_DROP});
		expect(f, &places[i], "drop", ">%s<fin>", stored);
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_RESET});
		expect(f, &places[i], "reset", ">%s<rst>", stored);
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_HALF_OPEN});
		expect(f, &places[i], "half_open", "><pull>");
	}
}

/* In the middle of a reply; never is all of it sent. */
static void test_fault_end_after_bytes(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		bool dot = places[i].stage == DEADMX_STAGE_DOT;

		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_RESET,
					   .after_bytes = 5});
		expect(f, &places[i], "reset", ">%s%.5s<rst>",
		       dot ? "<message a@b c@d, 3 no ack>" : "",
		       places[i].stage == DEADMX_STAGE_EHLO
			       ? "250-mx"
			       : places[i].healthy);
	}
	meet(f, &places[5],
	     (struct deadmx_fault){.action = DEADMX_ACTION_DROP,
				   .after_bytes = 1000});
	expect(f, &places[5], "drop", ">250 Sender ok\r<fin>");
}

/* Not a reply: nothing takes effect, and QUIT still ends it. */
static void test_fault_garbage_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_GARBAGE});
		assert_non_null(strstr(f->out, "garbage>"));
		/* A NUL is among them, but the log gets none. */
		assert_int_equal(f->sent, 256);
		assert_int_equal(strlen(strchr(f->reply, ' ') + 1), 254);
		if (places[i].stage != DEADMX_STAGE_QUIT)
			talk(f, "QUIT", "221 Bye\r\n<fin>");
	}
	meet(f, &places[6],
	     (struct deadmx_fault){.action = DEADMX_ACTION_GARBAGE});
	talk(f, "DATA", "554 No valid recipients\r\n");
}

/* A code that never belongs there; at data the message isn't awaited. */
static void test_fault_wrong_code_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		bool data = places[i].stage == DEADMX_STAGE_DATA;

		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_WRONG_CODE});
		expect(f, &places[i], "wrong_code", " %s>%s\r\n%s",
		       data ? "250 Ok" : "354 Go ahead",
		       data ? "250 Ok" : "354 Go ahead",
		       places[i].stage == DEADMX_STAGE_QUIT ? "<fin>" : "");
	}
	meet(f, &places[7],
	     (struct deadmx_fault){.action = DEADMX_ACTION_WRONG_CODE});
	talk(f, "Subject: x", "500 Command unrecognized\r\n");
}

/* The first lines have the healthy code, the last has another. */
static void test_fault_mixed_codes_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		char line[64];

		meet(f, &places[i],
		     (struct deadmx_fault){.action =
						   DEADMX_ACTION_MIXED_CODES});
		snprintf(line, sizeof(line), "%.3s-%s\r\n451 Not so\r\n",
			 places[i].healthy, places[i].healthy + 4);
		assert_non_null(strstr(f->out, line));
	}
	/* The last one counts. */
	meet(f, &places[6],
	     (struct deadmx_fault){.action = DEADMX_ACTION_MIXED_CODES});
	talk(f, "DATA", "554 No valid recipients\r\n");
}

/* The healthy reply, spoilt in its form alone: the command takes effect. */
static void test_fault_form_everywhere(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < PLACES; i++) {
		char line[128];

		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_BARE_LF});
		snprintf(line, sizeof(line), "%s\n", places[i].healthy);
		assert_non_null(strstr(f->out, line));
		assert_null(strchr(f->out, '\r'));
		meet(f, &places[i],
		     (struct deadmx_fault){.action = DEADMX_ACTION_LONG_LINE});
		snprintf(line, sizeof(line), "%s xxxxx", places[i].healthy);
		assert_non_null(strstr(f->out, line));
		assert_true(strlen(strstr(f->out, line)) >= 10000);
		assert_true(strlen(f->reply) < 5000);
	}
	meet(f, &places[6],
	     (struct deadmx_fault){.action = DEADMX_ACTION_LONG_LINE});
	talk(f, "DATA", GO_ON);
}

/* Bytes as they are written; the code of the last line counts. */
static void test_fault_raw(void **state)
{
	struct fixture *f = *state;
	struct deadmx_fault raw = {.action = DEADMX_ACTION_RAW,
				   .reply =
					   (char[]){"250-a\n451 b\r\n250 c\n"}};

	meet(f, &places[6], raw);
	expect(f, &places[6], "raw",
	       " 250-a\n451 b\n250 c>250-a\n451 b\r\n250 c\n");
	talk(f, "DATA", GO_ON);
	raw.reply = (char[]){"no reply"};
	raw.close = true;
	meet(f, &places[6], raw);
	expect(f, &places[6], "raw", " no reply>no reply<fin>");
}

/* A silence, then a reply of the fault's own; or its reply dripped. */
static void test_fault_hold_then_reply(void **state)
{
	struct fixture *f = *state;

	meet(f, &places[6],
	     (struct deadmx_fault){.action = DEADMX_ACTION_REPLY,
				   .stall_ns = 7,
				   .reply = (char[]){"421 no"}});
	expect(f, &places[6], "reply", " 421 no><stall 7>");
	resume(f, "421 no\r\n<fin>");
	meet(f, &places[6],
	     (struct deadmx_fault){.action = DEADMX_ACTION_REPLY,
				   .drip_ns = 7,
				   .reply = (char[]){"450 no"}});
	expect(f, &places[6], "reply", " 450 no><drip 7:450 no\r\n>");
	resume(f, "");
	talk(f, "DATA", "554 No valid recipients\r\n");
}

/* A silence, then the end; at the dot the message is there. */
static void test_fault_hold_then_end(void **state)
{
	struct fixture *f = *state;

	meet(f, &places[8],
	     (struct deadmx_fault){.action = DEADMX_ACTION_DROP,
				   .stall_ns = 7});
	expect(f, &places[8], "drop", "><stall 7>");
	resume(f, "<message a@b c@d, 3 no ack><fin>");
}

/* What is pipelined behind a 421 is not answered. */
static void test_fault_421_in_pipeline(void **state)
{
	struct fixture *f = *state;

	set_fault(f,
		  (struct deadmx_fault){.stage = DEADMX_STAGE_RCPT,
					.action = DEADMX_ACTION_REPLY,
					.recipient = {.text = (char[]){"e@f"}},
					.reply = (char[]){"421 bye"}});
	envelope(f);
	talk(f, "RCPT TO:<E@F>\nRCPT TO:<g@h>\nDATA",
	     "<fault rcpt reply 421 bye>421 bye\r\n<fin>");
}

/* A fault takes part in the conversation as conditions say. */
static void test_fault_conditions(void **state)
{
	struct fixture *f = *state;

	set_fault(f,
		  (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
					.action = DEADMX_ACTION_DROP,
					.attempt = {true, 2, 2},
					.sender = {(char[]){"^a@"}, true},
					.recipient = {.text = (char[]){"@d"}}});
	add_fault(f,
		  (struct deadmx_fault){.stage = DEADMX_STAGE_RSET,
					.action = DEADMX_ACTION_DROP,
					.sender = {.text = (char[]){"z@b"}}});
	envelope(f);
	talk(f, "DATA\n.\nMAIL FROM:<x@b>\nRCPT TO:<c@d>\nDATA\n.",
	     GO_ON "<message a@b c@d, 0 ack>250 Message accepted\r\n"
		   "250 Sender ok\r\n250 Recipient ok\r\n" GO_ON
		   "<message x@b c@d, 0 ack>250 Message accepted\r\n");
	talk(f, "RSET\nMAIL FROM:<a@b>\nRCPT TO:<i@j>\nRCPT TO:<c@d>\nDATA\n.",
	     "250 Ok\r\n250 Sender ok\r\n250 Recipient ok\r\n"
	     "250 Recipient ok\r\n" GO_ON
	     "<fault dot drop><message a@b i@j,c@d, 0 no ack><fin>");
	begin(f);
	talk(f, "HELO me\nMAIL FROM:<z@b>\nRSET",
	     "250 mx\r\n250 Sender ok\r\n<fault rset drop><fin>");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_fault_reply_everywhere),
		T(test_fault_421_everywhere),
		T(test_fault_stall_everywhere),
		T(test_fault_hold_everywhere),
		T(test_fault_end_everywhere),
		T(test_fault_end_after_bytes),
		T(test_fault_garbage_everywhere),
		T(test_fault_wrong_code_everywhere),
		T(test_fault_mixed_codes_everywhere),
		T(test_fault_form_everywhere),
		T(test_fault_raw),
		T(test_fault_hold_then_reply),
		T(test_fault_hold_then_end),
		T(test_fault_421_in_pipeline),
		T(test_fault_conditions),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
