/* SPDX-License-Identifier: MIT */
/* Unit tests of harness/serve_log.c: events as lines for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "deadmx/event.h"
#include "harness/serve_log.h"

/* @members as JSON, @want as what is printed. */
static void expect_line(enum deadmx_event_type type, const char *members,
			const char *want)
{
	char event[1024], *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int n = snprintf(event, sizeof(event), "{\"type\":\"%s\",%s",
			 deadmx_event_word(type), members + 1);

	serve_log_line(out, event, (size_t)n);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

/* A row for each type that a world writes. */
static void test_serve_log_lines(void **state)
{
	expect_line(DEADMX_EVENT_ACCEPT,
		    "{\"t\":0.5,\"session\":1,\"server\":\"mx.d.example\","
		    "\"peer\":\"127.0.0.1\"}",
		    "  0:00:00.500  #1 mx.d.example  connection from "
		    "127.0.0.1\n");
	expect_line(DEADMX_EVENT_COMMAND,
		    "{\"t\":61.001,\"session\":12,\"server\":\"m.x\","
		    "\"line\":\"EHLO a\"}",
		    "  0:01:01.001  #12 m.x  C: EHLO a\n");
	expect_line(DEADMX_EVENT_FAULT,
		    "{\"t\":1,\"session\":1,\"server\":\"m.x\",\"stage\":"
		    "\"rcpt\",\"action\":\"stall\",\"reply\":null,\"line\":7}",
		    "  0:00:01.000  #1 m.x  fault at rcpt: stall (line 7)\n");
	expect_line(DEADMX_EVENT_DNS,
		    "{\"t\":1,\"name\":\"d.example\",\"qtype\":\"MX\","
		    "\"rcode\":null,\"answers\":0,\"transport\":\"tcp\","
		    "\"delay\":0.0,\"action\":\"timeout\",\"line\":7}",
		    "  0:00:01.000  DNS  d.example MX: no answer, tcp; timeout "
		    "(line 7)\n");
	expect_line(DEADMX_EVENT_DNS,
		    "{\"t\":1,\"name\":\"d.example\",\"qtype\":\"MX\","
		    "\"rcode\":\"SERVFAIL\",\"answers\":0,\"transport\":"
		    "\"udp\",\"delay\":1.5,\"action\":\"servfail\","
		    "\"line\":7}",
		    "  0:00:01.000  DNS  d.example MX: SERVFAIL, 0 answers, "
		    "udp, 1.5 s late; servfail (line 7)\n");
	expect_line(DEADMX_EVENT_TLS,
		    "{\"t\":1,\"session\":1,\"server\":\"m.x\",\"version\":"
		    "\"TLSv1.3\",\"cipher\":\"C\",\"server_name\":\"m.x\","
		    "\"error\":null}",
		    "  0:00:01.000  #1 m.x  TLSv1.3, C, asked for m.x\n");
	expect_line(DEADMX_EVENT_TLS,
		    "{\"t\":1,\"session\":1,\"server\":\"m.x\",\"version\":"
		    "\"TLSv1.2\",\"cipher\":\"C\",\"server_name\":null,"
		    "\"error\":null}",
		    "  0:00:01.000  #1 m.x  TLSv1.2, C\n");
	expect_line(
		DEADMX_EVENT_TLS,
		"{\"t\":1,\"session\":1,\"server\":\"m.x\",\"version\":null,"
		"\"cipher\":null,\"server_name\":null,\"error\":\"no\"}",
		"  0:00:01.000  #1 m.x  TLS failed: no\n");
	expect_line(DEADMX_EVENT_STATE,
		    "{\"t\":1,\"server\":\"m.x\",\"stage\":\"connect\","
		    "\"action\":\"drop\",\"line\":9,\"address\":\"::1\"}",
		    "  0:00:01.000  m.x  connect to ::1: drop (line 9)\n");
	expect_line(DEADMX_EVENT_STATE,
		    "{\"t\":108000,\"server\":\"m.x\",\"stage\":\"connect\","
		    "\"action\":\"refuse\",\"line\":9}",
		    " 30:00:00.000  m.x  connect: refuse (line 9)\n");
	expect_line(DEADMX_EVENT_STATE,
		    "{\"t\":1,\"server\":\"m.x\",\"stage\":\"connect\","
		    "\"action\":null,\"line\":null}",
		    "  0:00:01.000  m.x  connect: accept\n");
	expect_line(DEADMX_EVENT_CLOSE,
		    "{\"t\":1,\"session\":1,\"server\":\"m.x\",\"by\":"
		    "\"client\",\"how\":\"reset\"}",
		    "  0:00:01.000  #1 m.x  closed by the client (reset)\n");
	expect_line(DEADMX_EVENT_MESSAGE,
		    "{\"t\":1,\"session\":1,\"server\":\"m.x\",\"from\":\"\","
		    "\"to\":[\"a@b\",\"c@d\"],\"file\":\"msg-1.eml\","
		    "\"bytes\":3,\"unacknowledged\":true}",
		    "  0:00:01.000  #1 m.x  message from <> to <a@b>, <c@d>, "
		    "3 bytes, msg-1.eml; the client was not told\n");
	expect_line(DEADMX_EVENT_DNS,
		    "{\"t\":1,\"name\":\"d.example\",\"qtype\":\"MX\","
		    "\"rcode\":\"NOERROR\",\"answers\":1,\"transport\":"
		    "\"udp\"}",
		    "  0:00:01.000  DNS  d.example MX: NOERROR, 1 answer, "
		    "udp\n");
	expect_line(DEADMX_EVENT_ACCEPT,
		    "{\"t\":1,\"session\":2,\"server\":\"b.x\",\"peer\":"
		    "\"127.0.0.2\",\"frontend\":\"f.x\"}",
		    "  0:00:01.000  #2 b.x  connection from 127.0.0.2, the "
		    "frontend f.x\n");
	expect_line(DEADMX_EVENT_RELAY,
		    "{\"t\":1,\"session\":1,\"server\":\"f.x\",\"backend\":"
		    "\"b.x\",\"address\":\"192.0.2.7\",\"port\":25,"
		    "\"error\":null,\"reply\":null}",
		    "  0:00:01.000  #1 f.x  backend b.x, 192.0.2.7 port 25: "
		    "connected\n");
	expect_line(DEADMX_EVENT_RELAY,
		    "{\"t\":1,\"session\":1,\"server\":\"f.x\",\"backend\":"
		    "null,\"address\":\"192.0.2.7\",\"port\":25,"
		    "\"error\":\"reply\",\"reply\":\"421 Bye\"}",
		    "  0:00:01.000  #1 f.x  backend 192.0.2.7 port 25: reply, "
		    "421 Bye\n");
	expect_line(DEADMX_EVENT_SPF,
		    "{\"t\":1,\"session\":1,\"server\":\"f.x\",\"sender\":"
		    "\"a@b\",\"result\":\"none\",\"explanation\":\"b has no "
		    "SPF record\"}",
		    "  0:00:01.000  #1 f.x  SPF of <a@b>: none; b has no SPF "
		    "record\n");
	expect_line(DEADMX_EVENT_INJECT,
		    "{\"t\":1,\"mail\":0,\"from\":\"a@b\",\"to\":[\"c@d\"],"
		    "\"via\":\"smtp\",\"status\":\"accepted\",\"reply\":"
		    "\"250 Ok\"}",
		    "  0:00:01.000  mail 1 from <a@b> to <c@d> injected: "
		    "accepted, 250 Ok\n");
	expect_line(DEADMX_EVENT_ERROR, "{\"t\":1,\"what\":\"no more\"}",
		    "  0:00:01.000  error: no more\n");
	expect_line(DEADMX_EVENT_PHASE, "{\"t\":1,\"name\":\"x\"}",
		    "  0:00:01.000  x\n");
	expect_line(DEADMX_EVENT_JUMP, "{\"t\":1,\"to\":5}",
		    "  0:00:01.000  jump\n");
	expect_line(DEADMX_EVENT_STATE,
		    "{\"t\":1,\"server\":\"m.x\",\"stage\":\"connect\","
		    "\"action\":\"refuse\",\"line\":0}",
		    "  0:00:01.000  m.x  connect: refuse (by hand)\n");
}

/* A reply of several lines. */
static void test_serve_log_reply(void **state)
{
	expect_line(DEADMX_EVENT_REPLY,
		    "{\"t\":1,\"session\":1,\"server\":\"m.x\",\"stage\":null,"
		    "\"text\":\"250-a\\n250 b\"}",
		    "  0:00:01.000  #1 m.x  S: 250-a\n"
		    "  0:00:01.000  #1 m.x  S: 250 b\n");
}

/* What a client sends can't move the cursor or set the window's title. */
static void test_serve_log_control(void **state)
{
	expect_line(
		DEADMX_EVENT_COMMAND,
		"{\"t\":1,\"session\":1,\"server\":\"m.x\",\"line\":"
		"\"A\\u001b[2J\\u007f\\u009b\\tÄ\u00a9\"}",
		"  0:00:01.000  #1 m.x  C: A\\x1b[2J\\x7f\\x9b\\x09Ä\u00a9\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serve_log_lines),
		cmocka_unit_test(test_serve_log_reply),
		cmocka_unit_test(test_serve_log_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
