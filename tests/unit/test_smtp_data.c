/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/smtp_data.c: BDAT, and faults while the message comes. */
#include "session_fixture.h"

#define GO_ON "354 End data with <CR><LF>.<CR><LF>\r\n"

/* "MAIL" and "RCPT" are done; @fault, if there is one, is the only one. */
static void ready(struct fixture *f, const struct deadmx_fault *fault)
{
	f->server.fault_count = 0;
	if (fault)
		add_fault(f, *fault);
	f->server.extensions = OFFERS(CHUNKING);
	begin(f);
	talk(f, "EHLO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>",
	     "250-mx\r\n250 CHUNKING\r\n250 Sender ok\r\n250 Recipient ok\r\n");
}

/* @command and its bytes, as the socket would feed them: in two parts. */
static void chunk(struct fixture *f, const char *command, const char *bytes,
		  const char *want)
{
	size_t len = strlen(bytes), half = len / 2;

	f->used = 0;
	f->out[0] = '\0';
	smtp_session_line(f->session, command, strlen(command), SMTP_LINE_CRLF);
	assert_int_equal(smtp_session_chunk(f->session), len);
	if (half)
		smtp_session_bytes(f->session, bytes, half);
	if (len && !smtp_session_held(f->session) &&
	    smtp_session_chunk(f->session))
		smtp_session_bytes(f->session, bytes + half, len - half);
	assert_string_equal(f->out, want);
}

/* Chunks are taken as they are, dots and all, and each is answered. */
static void test_data_chunks(void **state)
{
	struct fixture *f = *state;

	ready(f, NULL);
	chunk(f, "BDAT 6", ".\r\na\r\n", "250 Chunk received\r\n");
	talk(f, "NOOP\nMAIL FROM:<x@y>\nDATA\nRCPT TO:<e@f>",
	     "250 Ok\r\n503 Bad sequence of commands\r\n"
	     "503 Bad sequence of commands\r\n"
	     "503 Bad sequence of commands\r\n");
	chunk(f, "BDAT 1", "b", "250 Chunk received\r\n");
	chunk(f, "bdat 1 last", "c",
	      "<message a@b c@d, 8 ack>250 Message accepted\r\n");
	assert_string_equal(f->data, ".\r\na\r\nbc");
	talk(f, "MAIL FROM:<>\nRCPT TO:<c@d>",
	     "250 Sender ok\r\n250 Recipient ok\r\n");
	chunk(f, "BDAT 0 LAST", "",
	      "<message  c@d, 0 ack>250 Message accepted\r\n");
}

/* Out of turn the bytes are swallowed before the answer. */
static void test_data_chunk_refused(void **state)
{
	struct fixture *f = *state;

	ready(f, NULL);
	talk(f,
	     "RSET\nBDAT\nBDAT x\nBDAT 5 FIRST\nBDAT 5LAST\n"
	     "BDAT 18446744073709551616",
	     "250 Ok\r\n501 BDAT takes a length and LAST\r\n"
	     "501 BDAT takes a length and LAST\r\n"
	     "501 BDAT takes a length and LAST\r\n"
	     "501 BDAT takes a length and LAST\r\n"
	     "501 BDAT takes a length and LAST\r\n");
	chunk(f, "BDAT 6", "QUIT\r\n", "503 Need MAIL command\r\n");
	talk(f, "MAIL FROM:<a@b>", "250 Sender ok\r\n");
	chunk(f, "BDAT 6 LAST", "QUIT\r\n", "503 No valid recipients\r\n");
	talk(f, "RCPT TO:<c@d>", "250 Recipient ok\r\n");
	chunk(f, "BDAT 1", "x", "250 Chunk received\r\n");
	talk(f, "RSET\nNOOP", "250 Ok\r\n250 Ok\r\n");
	chunk(f, "BDAT 1 LAST", "x", "503 Need MAIL command\r\n");
}

/* A chunk that is too much ends the mail at once. */
static void test_data_chunk_limit(void **state)
{
	struct fixture *f = *state;

	f->budget = 5000;
	ready(f, NULL);
	chunk(f, "BDAT 9000", (char[9001]){[0 ... 8999] = 'x'},
	      "452 Insufficient system storage\r\n");
	chunk(f, "BDAT 1 LAST", "x", "503 Need MAIL command\r\n");
	talk(f, "MAIL FROM:<a@b>", "250 Sender ok\r\n");
}

/* A fault at data is the reply to the first chunk, LAST or not. */
static void test_data_chunk_fault_at_data(void **state)
{
	const struct deadmx_fault no = {.stage = DEADMX_STAGE_DATA,
					.action = DEADMX_ACTION_REPLY,
					.reply = (char[]){"451 no"}};
	const struct deadmx_fault drop = {.stage = DEADMX_STAGE_DATA,
					  .action = DEADMX_ACTION_DROP};
	struct fixture *f = *state;

	ready(f, &no);
	chunk(f, "BDAT 1", "x", "<fault data reply 451 no>451 no\r\n");
	chunk(f, "BDAT 1 LAST", "y", "503 Need MAIL command\r\n");
	ready(f, &no);
	chunk(f, "BDAT 1 LAST", "x", "<fault data reply 451 no>451 no\r\n");
	ready(f, &drop);
	chunk(f, "BDAT 1 LAST", "x", "<fault data drop><fin>");
}

/* After a stall at data nothing of the first chunk is lost. */
static void test_data_chunk_stall_at_data(void **state)
{
	const struct deadmx_fault stall = {.stage = DEADMX_STAGE_DATA,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = 5};
	struct fixture *f = *state;

	ready(f, &stall);
	chunk(f, "BDAT 2", "ab", "<fault data stall><stall 5>");
	resume(f, "250 Chunk received\r\n");
	chunk(f, "BDAT 1 LAST", "c",
	      "<message a@b c@d, 3 ack>250 Message accepted\r\n");
	assert_string_equal(f->data, "abc");
	ready(f, &stall);
	chunk(f, "BDAT 2 LAST", "ab", "<fault data stall><stall 5>");
	resume(f, "<message a@b c@d, 2 ack>250 Message accepted\r\n");
}

static void test_data_chunk_fault_at_dot(void **state)
{
	const struct deadmx_fault drop = {.stage = DEADMX_STAGE_DOT,
					  .action = DEADMX_ACTION_DROP};
	struct fixture *f = *state;

	ready(f, &drop);
	chunk(f, "BDAT 1", "x", "250 Chunk received\r\n");
	chunk(f, "BDAT 1 LAST", "y",
	      "<fault dot drop><message a@b c@d, 2 no ack><fin>");
}

/* A fault at body comes with the first line, or when its bytes are in. */
static void test_data_body_end(void **state)
{
	struct deadmx_fault fault = {.stage = DEADMX_STAGE_BODY,
				     .action = DEADMX_ACTION_DROP};
	struct fixture *f = *state;

	ready(f, &fault);
	talk(f, "DATA\nx\ny", GO_ON "<fault body drop><fin>");
	fault.action = DEADMX_ACTION_RESET;
	fault.after_bytes = 6;
	ready(f, &fault);
	talk(f, "DATA\n..\nx\nyz", GO_ON "<fault body reset><rst>");
	ready(f, &fault);
	talk(f, "DATA\nx\n.\nNOOP",
	     GO_ON "<message a@b c@d, 3 ack>250 Message accepted\r\n"
		   "250 Ok\r\n");
	ready(f, &fault);
	chunk(f, "BDAT 5", "12345", "250 Chunk received\r\n");
	chunk(f, "BDAT 9 LAST", "123456789", "<fault body reset><rst>");
}

static void test_data_body_socket(void **state)
{
	struct deadmx_fault fault = {.stage = DEADMX_STAGE_BODY,
				     .action = DEADMX_ACTION_STOP_READING};
	struct fixture *f = *state;

	ready(f, &fault);
	talk(f, "DATA\nx\n.\nQUIT", GO_ON "<fault body stop_reading><stop>");
	fault.action = DEADMX_ACTION_HALF_OPEN;
	ready(f, &fault);
	talk(f, "DATA\nx\n.\nQUIT", GO_ON "<fault body half_open><pull>");
}

/* Slow from the first line to the dot, whose fault is another matter. */
static void test_data_body_drip(void **state)
{
	struct deadmx_fault fault = {.stage = DEADMX_STAGE_BODY,
				     .action = DEADMX_ACTION_DRIP,
				     .drip_ns = 5};
	struct fixture *f = *state;

	ready(f, &fault);
	talk(f, "DATA\nx\ny\n.\nNOOP",
	     GO_ON "<fault body drip><slow 5><slow 0>"
		   "<message a@b c@d, 6 ack>250 Message accepted\r\n"
		   "250 Ok\r\n");
	ready(f, &fault);
	chunk(f, "BDAT 5", "12345",
	      "<fault body drip><slow 5>250 Chunk received\r\n");
	chunk(f, "BDAT 3 LAST", "678",
	      "<slow 0><message a@b c@d, 8 ack>250 Message accepted\r\n");
	ready(f, &fault);
	chunk(f, "BDAT 5", "12345",
	      "<fault body drip><slow 5>250 Chunk received\r\n");
	talk(f, "RSET", "250 Ok\r\n<slow 0>");
}

/* For a while nothing more is taken; then all goes on. */
static void test_data_body_stall(void **state)
{
	struct deadmx_fault fault = {.stage = DEADMX_STAGE_BODY,
				     .action = DEADMX_ACTION_STALL,
				     .stall_ns = 5};
	struct fixture *f = *state;

	ready(f, &fault);
	talk(f, "DATA\nx", GO_ON "<fault body stall><stall 5>");
	resume(f, "");
	talk(f, ".", "<message a@b c@d, 3 ack>250 Message accepted\r\n");
	/* The last byte of a chunk has come when it begins. */
	ready(f, &fault);
	chunk(f, "BDAT 1", "x", "<fault body stall><stall 5>");
	resume(f, "250 Chunk received\r\n");
	fault.stall_ns = DEADMX_FOREVER_NS;
	ready(f, &fault);
	talk(f, "DATA\nx\n.", GO_ON "<fault body stall>");
}

/* A reply in mid-message is the reply to it; the dot gets none. */
static void test_data_body_reply(void **state)
{
	struct deadmx_fault fault = {.stage = DEADMX_STAGE_BODY,
				     .action = DEADMX_ACTION_REPLY,
				     .reply = (char[]){"552 no"}};
	struct fixture *f = *state;

	ready(f, &fault);
	talk(f, "DATA\nx\ny\n.\nNOOP",
	     GO_ON "<fault body reply 552 no>552 no\r\n250 Ok\r\n");
	assert_int_equal(smtp_session_state(f->session), SMTP_STATE_READY);
	ready(f, &fault);
	chunk(f, "BDAT 2", "xy", "<fault body reply 552 no>552 no\r\n");
	chunk(f, "BDAT 2 LAST", "xy", "503 Need MAIL command\r\n");
	fault.reply = (char[]){"250 yes"};
	ready(f, &fault);
	talk(f, "DATA\nx\ny\n.",
	     GO_ON "<fault body reply 250 yes>250 yes\r\n"
		   "<message a@b c@d, 6 ack>");
	ready(f, &fault);
	chunk(f, "BDAT 2", "xy", "<fault body reply 250 yes>250 yes\r\n");
	chunk(f, "BDAT 1 LAST", "z",
	      "<message a@b c@d, 3 ack>250 Message accepted\r\n");
	fault.reply = (char[]){"421 bye"};
	fault.stall_ns = 5;
	ready(f, &fault);
	talk(f, "DATA\nx", GO_ON "<fault body reply 421 bye><stall 5>");
	resume(f, "421 bye\r\n<fin>");
}

/* What a client in its right mind would say. */
static const char *sensible(enum smtp_state state, bool chunks)
{
	static const char *const next[SMTP_STATE_COUNT] = {
		[SMTP_STATE_GREETING] = "EHLO x",
		[SMTP_STATE_READY] = "MAIL FROM:<a@b>",
		[SMTP_STATE_MAIL] = "RCPT TO:<a@b>",
		[SMTP_STATE_DATA] = "text",
		[SMTP_STATE_BDAT] = "BDAT 3 LAST",
	};

	if (state == SMTP_STATE_RCPT)
		return chunks ? "BDAT 10" : "DATA";
	return next[state] ? next[state] : "QUIT";
}

/* Any commands and chunks: no crash, and memory is given back. */
static void test_data_noise(void **state)
{
	static const char *const lines[] = {"EHLO x",
					    "MAIL FROM:<a@b>",
					    "RCPT TO:<a@b>",
					    "DATA",
					    "BDAT 10",
					    "BDAT 3 LAST",
					    "BDAT 0",
					    "RSET",
					    "BDAT 0 LAST",
					    ".",
					    "text",
					    "AUTH LOGIN",
					    "AUTH PLAIN YQ==",
					    "STARTTLS",
					    "*",
					    "QUIT"};
	struct fixture *f = *state;
	uint32_t seed = 1;

	for (int i = 0; i < DEADMX_ACTION_COUNT * 2; i++) {
		enum deadmx_action action = (enum deadmx_action)(i / 2);
		enum deadmx_stage stage =
			i % 2 ? DEADMX_STAGE_BODY : DEADMX_STAGE_DATA;

		if (deadmx_action_form(stage, action) == DEADMX_ACTION_NEVER)
			continue;
		f->server.fault_count = 0;
		f->faults_seen = 0;
		add_fault(f, (struct deadmx_fault){.stage = stage,
						   .action = action,
						   .probability_ppm = 300000,
						   .stall_ns = 5,
						   .drip_ns = 5,
						   .after_bytes = (uint64_t)i,
						   .reply = (char[]){"250 x"}});
		f->server.extensions = ~0u;
		begin(f);
		for (int k = 0; k < 5000; k++) {
			const char *line;
			uint64_t left;

			f->used = 0;
			seed = seed * 1664525 + 1013904223;
			line = seed & 0x4000 ? lines[(seed >> 20) % 16]
					     : sensible(smtp_session_state(
								f->session),
							seed & 0x8000);
			if (smtp_session_held(f->session)) {
				smtp_session_resume(f->session);
				continue;
			}
			left = smtp_session_chunk(f->session);
			if (left)
				smtp_session_bytes(f->session, "0123456789",
						   (seed >> 8) % left + 1);
			else if (smtp_session_state(f->session) <
				 SMTP_STATE_MUTE)
				smtp_session_line(f->session, line,
						  strlen(line), SMTP_LINE_CRLF);
			else
				begin(f);
		}
		smtp_session_free(f->session);
		f->session = NULL;
		assert_int_equal(f->budget, f->budget_given);
		if (action != DEADMX_ACTION_ACCEPT)
			assert_true(f->faults_seen > 10);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_data_chunks),
		T(test_data_chunk_refused),
		T(test_data_chunk_limit),
		T(test_data_chunk_fault_at_data),
		T(test_data_chunk_stall_at_data),
		T(test_data_chunk_fault_at_dot),
		T(test_data_body_end),
		T(test_data_body_socket),
		T(test_data_body_drip),
		T(test_data_body_stall),
		T(test_data_body_reply),
		T(test_data_noise),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
