/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/smtp_server.c on real sockets, in real time. */
#include "world_fixture.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "sim/connection.h"
#include "sim/smtp_server.h"

#define HOURS(n) (MS(3600 * 1000) * (n))

struct fixture {
	struct world_fixture w; /* first: callbacks get it as their argument */
	struct deadmx_fault rows[4];
	struct deadmx_server config;
	struct smtp_server_shared shared;
	struct smtp_server *server;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	f->config = (struct deadmx_server){.name = STR("mx.test"),
					   .address = f->w.address,
					   .port = WORLD_PORT,
					   .faults = f->rows};
	f->shared = (struct smtp_server_shared){.loop = &f->w.loop,
						.log = f->w.log,
						.message_dir = f->w.dir,
						.budget = SMTP_SERVER_BUDGET,
						.now_ns = fixture_now,
						.arg = &f->w};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->server) {
		smtp_server_close(f->server, fixture_on_closed, &f->w);
		fixture_await_closed(&f->w);
	}
	fixture_release(&f->w);
	free(f);
	return 0;
}

static void add_fault(struct fixture *f, struct deadmx_fault fault)
{
	if (!fault.window.until_ns)
		fault.window.until_ns = DEADMX_FOREVER_NS;
	fault.place.line = (int)f->config.fault_count + 1;
	f->rows[f->config.fault_count++] = fault;
}

static void begin(struct fixture *f)
{
	assert_int_equal(
		smtp_server_new(&f->shared, &f->config, stderr, &f->server), 0);
	f->w.origin = (int64_t)uv_hrtime();
	assert_int_equal(smtp_server_restart(f->server, true), 0);
	fixture_clear_events(&f->w);
}

/* From the greeting to QUIT: replies, events, the stored message. */
static void test_smtp_server_conversation(void **state)
{
	struct fixture *f = *state;
	char want[1024], path[128], data[64] = "";
	FILE *file;
	int fd;

	begin(f);
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 mx.test ESMTP\r\n");
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
		     "Subject: x\r\n\r\n..\xff\r\n.\r\nQUIT\r\n");
	fixture_expect(&f->w, fd,
		       "250 mx.test\r\n250 Sender ok\r\n250 Recipient ok\r\n"
		       "354 End data with <CR><LF>.<CR><LF>\r\n"
		       "250 Message accepted\r\n221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
	snprintf(want, sizeof(want),
		 "accept 1 mx.test %s 2525 127.0.0.1\n"
		 "reply 1 mx.test banner 220 mx.test ESMTP\n"
		 "command 1 mx.test HELO me\nreply 1 mx.test helo 250 mx.test\n"
		 "command 1 mx.test MAIL FROM:<a@b>\n"
		 "reply 1 mx.test mail 250 Sender ok\n"
		 "command 1 mx.test RCPT TO:<c@d>\n"
		 "reply 1 mx.test rcpt 250 Recipient ok\n"
		 "command 1 mx.test DATA\n"
		 "reply 1 mx.test data 354 End data with <CR><LF>.<CR><LF>\n"
		 "message 1 mx.test a@b [\"c@d\"] msg-1.eml 18\n"
		 "reply 1 mx.test dot 250 Message accepted\n"
		 "command 1 mx.test QUIT\nreply 1 mx.test quit 221 Bye\n"
		 "close 1 mx.test server fin",
		 f->w.address);
	f->w.events[f->w.events_len - 1] = '\0';
	assert_string_equal(f->w.events, want);
	snprintf(path, sizeof(path), "%s/msg-1.eml", f->w.dir);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fread(data, 1, sizeof(data), file), 18);
	fclose(file);
	assert_string_equal(data, "Subject: x\r\n\r\n.\xff\r\n");
}

/* Lines pipelined behind a stalled reply wait for it, in order. */
static void test_smtp_server_stall_pipelined(void **state)
{
	struct fixture *f = *state;
	int64_t begun;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = MS(50)});
	begin(f);
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 mx.test ESMTP\r\n");
	begun = fixture_now(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nQUIT\r\n");
	fixture_expect(&f->w, fd, "250 mx.test\r\n250 Sender ok\r\n");
	assert_true(fixture_now(&f->w) - begun >= MS(50));
	fixture_expect(&f->w, fd, "250 Recipient ok\r\n221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
	assert_non_null(strstr(f->w.events,
			       "fault 1 mx.test mail stall null 1\n"
			       "reply 1 mx.test mail 250 Sender ok\n"));
}

/* Behind QUIT a FIN is no hang-up: Exim waits for the replies all the same. */
static void test_smtp_server_stall_half_closed(void **state)
{
	struct fixture *f = *state;
	int64_t begun;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = MS(50)});
	f->config.extensions = 1u << DEADMX_EXTENSION_CHUNKING;
	begin(f);
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 mx.test ESMTP\r\n");
	begun = fixture_now(&f->w);
	fixture_send(&f->w, fd,
		     "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
		     "BDAT 3 LAST\r\nx\r\nquit\r\n");
	shutdown(fd, SHUT_WR);
	fixture_await_event(&f->w, "reply 1 mx.test mail 250");
	assert_true(fixture_now(&f->w) - begun >= MS(50));
	fixture_await_event(&f->w, "reply 1 mx.test quit 221 ");
	fixture_await_event(&f->w, "close 1 mx.test server fin\n");
	assert_non_null(strstr(f->w.events, "message 1 "));
	close(fd);
}

/* What looks like QUIT may be the end of a letter that isn't all there. */
static void test_smtp_server_stall_false_quit(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = MS(50)});
	f->config.extensions = 1u << DEADMX_EXTENSION_CHUNKING;
	begin(f);
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 mx.test ESMTP\r\n");
	fixture_send(&f->w, fd,
		     "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
		     "BDAT 30 LAST\r\nQUIT\r\n");
	shutdown(fd, SHUT_WR);
	fixture_await_event(&f->w, "close 1 mx.test client fin\n");
	while (smtp_server_connections(f->server))
		fixture_turn(&f->w);
	assert_non_null(strstr(f->w.events, "reply 1 mx.test rcpt 250"));
	assert_null(strstr(f->w.events, "message 1"));
	close(fd);
}

/* Whoever never answers can't tell that client from one that has left. */
static void test_smtp_server_mute_half_closed(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_RCPT,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = DEADMX_FOREVER_NS});
	begin(f);
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 mx.test ESMTP\r\n");
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
		     "DATA\r\nQUIT\r\n");
	fixture_await_event(&f->w, "fault 1 mx.test rcpt stall");
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 20; i++)
		fixture_turn(&f->w);
	assert_null(strstr(f->w.events, "close 1"));
	assert_int_equal(smtp_server_connections(f->server), 1);
	close(fd);
}

/* A client that leaves while a reply is held back ends the session. */
static void test_smtp_server_client_leaves(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
					   .action = DEADMX_ACTION_STALL,
					   .stall_ns = MS(10000)});
	begin(f);
	fd = fixture_client(&f->w);
	fixture_await_event(&f->w, "fault 1 mx.test banner stall");
	close(fd);
	fixture_await_event(&f->w, "close 1 mx.test client fin\n");
	while (smtp_server_connections(f->server))
		fixture_turn(&f->w);
	assert_null(strstr(f->w.events, "reply"));
}

/* One byte each time, and a pause before the first. */
static void test_smtp_server_drip(void **state)
{
	struct fixture *f = *state;
	int64_t begun;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
					   .action = DEADMX_ACTION_DRIP,
					   .drip_ns = MS(3)});
	begin(f);
	begun = fixture_now(&f->w);
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220");
	assert_true(fixture_now(&f->w) - begun >= MS(9));
	assert_null(strstr(f->w.events, "reply"));
	fixture_expect(&f->w, fd, " mx.test ESMTP\r\n");
	assert_true(fixture_now(&f->w) - begun >= MS(57));
	fixture_send(&f->w, fd, "QUIT\r\n");
	fixture_expect(&f->w, fd, "221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
}

/* Dropped: a clean FIN, although input is left unread. */
static void test_smtp_server_drop(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_DROP});
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
	fixture_expect(&f->w, fd, "220 mx.test ESMTP\r\n250 mx.test\r\n");
	send(fd, "NOOP\r\n", 6, MSG_NOSIGNAL);
	fixture_expect_end(&f->w, fd, 0);
	assert_non_null(strstr(f->w.events, "fault 1 mx.test mail drop null 1\n"
					    "close 1 mx.test server fin\n"));
}

/* Reset: ECONNRESET, and after the dot a message nobody was told of. */
static void test_smtp_server_reset_at_dot(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
					   .action = DEADMX_ACTION_RESET});
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
	fixture_expect(&f->w, fd,
		       "220 mx.test ESMTP\r\n250 mx.test\r\n"
		       "250 Sender ok\r\n250 Recipient ok\r\n"
		       "354 End data with <CR><LF>.<CR><LF>\r\n");
	fixture_send(&f->w, fd, ".\r\n");
	fixture_expect_end(&f->w, fd, ECONNRESET);
	assert_non_null(strstr(f->w.events,
			       "fault 1 mx.test dot reset null 1\n"
			       "message 1 mx.test  [\"c@d\"] msg-1.eml 0 true\n"
			       "close 1 mx.test server reset\n"));
}

/* Replies to what came before are with the client when the reset comes. */
static void test_smtp_server_reset_pipelined(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_RCPT,
					   .action = DEADMX_ACTION_RESET,
					   .after_bytes = 4});
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
	fixture_expect(&f->w, fd,
		       "220 mx.test ESMTP\r\n250 mx.test\r\n"
		       "250 Sender ok\r\n250 ");
	fixture_expect_end(&f->w, fd, ECONNRESET);
	assert_non_null(strstr(f->w.events,
			       "fault 1 mx.test rcpt reset null 1\n"
			       "close 1 mx.test server reset\n"));
}

/* Bytes that @fd has said and the other end has not acknowledged. */
static int unacknowledged(int fd)
{
	int bytes = -1;

	assert_int_equal(ioctl(fd, SIOCOUTQ, &bytes), 0);
	return bytes;
}

/*
 * The cable is pulled: what was said before is there, what comes then is not
 * even acknowledged, and the client's end is never noticed.
 */
static void test_smtp_server_half_open(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_HALF_OPEN});
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd, "HELO me\r\nMAIL FROM:<a@b>\r\n");
	fixture_await_event(&f->w, "fault 1 mx.test mail half_open");
	fixture_expect(&f->w, fd, "220 mx.test ESMTP\r\n250 mx.test\r\n");
	if (strstr(f->w.events, "error mx.test: half_open needs CAP_NET_ADMIN "
				"here: ")) {
		close(fd);
		skip();
	}
	fixture_send(&f->w, fd, "QUIT\r\n");
	for (int i = 0; i < 50; i++)
		fixture_turn(&f->w);
	assert_true(unacknowledged(fd) >= 6);
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 50; i++)
		fixture_turn(&f->w);
	assert_int_equal(smtp_server_connections(f->server), 1);
	assert_null(strstr(f->w.events, "close 1"));
	close(fd);
}

/* Send until nothing is taken any more; bytes sent. */
static size_t fill(struct fixture *f, int fd, const char *bytes, size_t len)
{
	size_t sent = 0;

	for (int stuck = 0; stuck < 50;) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		stuck = n > 0 ? 0 : stuck + 1;
		assert_true(sent < 256 << 20);
		fixture_turn(&f->w);
	}
	return sent;
}

/* A closed window: acknowledged as far as it was open, then no more. */
static void test_smtp_server_stop_reading(void **state)
{
	struct fixture *f = *state;
	char line[1000];
	int fd;

	add_fault(f,
		  (struct deadmx_fault){.stage = DEADMX_STAGE_BODY,
					.action = DEADMX_ACTION_STOP_READING});
	begin(f);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
	fixture_expect(&f->w, fd,
		       "220 mx.test ESMTP\r\n250 mx.test\r\n"
		       "250 Sender ok\r\n250 Recipient ok\r\n"
		       "354 End data with <CR><LF>.<CR><LF>\r\n");
	fill(f, fd, line, sizeof(line));
	assert_true(unacknowledged(fd) > 0);
	for (int i = 0; i < 50; i++)
		fixture_turn(&f->w);
	assert_true(unacknowledged(fd) > 0);
	assert_non_null(strstr(f->w.events,
			       "fault 1 mx.test body stop_reading null 1\n"));
	close(fd);
}

/*
 * A KiB at a time: what is left stays with the client, and the dot is
 * answered when all has been taken.
 */
static void test_smtp_server_slow(void **state)
{
	enum { LINES = 80, LINE = 100 };
	struct fixture *f = *state;
	char text[LINES * LINE + 4], *at = text;
	int64_t begun;
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BODY,
					   .action = DEADMX_ACTION_DRIP,
					   .drip_ns = MS(5)});
	begin(f);
	for (int i = 0; i < LINES; i++, at += LINE) {
		memset(at, 'x', LINE);
		memcpy(at + LINE - 2, "\r\n", 2);
	}
	memcpy(at, ".\r\n", 4);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
		     "DATA\r\n");
	fixture_expect(&f->w, fd,
		       "220 mx.test ESMTP\r\n250 mx.test\r\n"
		       "250 Sender ok\r\n250 Recipient ok\r\n"
		       "354 End data with <CR><LF>.<CR><LF>\r\n");
	begun = fixture_now(&f->w);
	fixture_send(&f->w, fd, text);
	fixture_expect(&f->w, fd, "250 Message accepted\r\n");
	assert_true(fixture_now(&f->w) - begun >= MS(7 * 5));
	assert_non_null(strstr(f->w.events, " msg-1.eml 8000\n"));
	/* What comes then is not slow any more. */
	begun = fixture_now(&f->w);
	fixture_send(&f->w, fd, "QUIT\r\n");
	fixture_expect(&f->w, fd, "221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
}

/* A client that has left isn't read to its end at a snail's pace. */
static void test_smtp_server_slow_left(void **state)
{
	struct fixture *f = *state;
	char text[6001] = ""; /* no more than its window takes */
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BODY,
					   .action = DEADMX_ACTION_DRIP,
					   .drip_ns = MS(100)});
	begin(f);
	memset(text, 'x', sizeof(text));
	for (size_t i = 99; i < sizeof(text) - 1; i += 100)
		text[i] = '\n';
	memcpy(text + sizeof(text) - 6, "\r\n.\r\n", 6);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
		     "DATA\r\n");
	fixture_await_event(&f->w, "reply 1 mx.test data 354");
	assert_int_equal(send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL),
			 sizeof(text) - 1);
	close(fd);
	fixture_await_event(&f->w, "close 1 mx.test client ");
	while (smtp_server_connections(f->server))
		fixture_turn(&f->w);
	assert_null(strstr(f->w.events, "message 1"));
}

/* One that has said QUIT waits for the end, though it sends no more. */
static void test_smtp_server_slow_half_closed(void **state)
{
	struct fixture *f = *state;
	char text[6001] = ""; /* no more than its window takes */
	int fd;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BODY,
					   .action = DEADMX_ACTION_DRIP,
					   .drip_ns = MS(5)});
	begin(f);
	memset(text, 'x', sizeof(text));
	for (size_t i = 99; i < sizeof(text) - 1; i += 100)
		text[i] = '\n';
	memcpy(text + sizeof(text) - 12, "\r\n.\r\nQUIT\r\n", 12);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
		     "DATA\r\n");
	fixture_await_event(&f->w, "reply 1 mx.test data 354");
	assert_int_equal(send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL),
			 sizeof(text) - 1);
	shutdown(fd, SHUT_WR);
	fixture_await_event(&f->w, "reply 1 mx.test quit 221 ");
	assert_non_null(strstr(f->w.events, "message 1 "));
	close(fd);
	while (smtp_server_connections(f->server))
		fixture_turn(&f->w);
}

/* Chunks are bytes, however the socket cuts them; commands follow at once. */
static void test_smtp_server_chunks(void **state)
{
	enum { LEN = CONNECTION_INPUT_MAX * 2 + 100 };
	struct fixture *f = *state;
	char *bytes = malloc(LEN + 64), *at;
	int fd;

	/* Line ends, dots and commands, which are none of these here. */
	at = bytes + snprintf(bytes, 64, "BDAT %d\r\n", LEN);
	memset(at, '\n', LEN);
	memcpy(at, ".\r\nQUIT\r\n", 9);
	snprintf(at + LEN, 32, "BDAT 5 LAST\r\n.\r\n.\nQUIT\r\n");
	f->config.extensions = 1u << DEADMX_EXTENSION_CHUNKING;
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
	fixture_send(&f->w, fd, bytes);
	fixture_expect(&f->w, fd,
		       "220 mx.test ESMTP\r\n250-mx.test\r\n"
		       "250 CHUNKING\r\n250 Sender ok\r\n"
		       "250 Recipient ok\r\n250 Chunk received\r\n"
		       "250 Message accepted\r\n221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
	assert_non_null(strstr(f->w.events, "msg-1.eml 32873\n"));
	free(bytes);
}

/* 421 gets through before the FIN; the fault's reply is in its event. */
static void test_smtp_server_421(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f,
		  (struct deadmx_fault){
			  .stage = DEADMX_STAGE_EHLO,
			  .action = DEADMX_ACTION_REPLY,
			  .reply = STR(
				  "421 4.3.2 {host} {client}\n[{address}]")});
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd, "EHLO me\r\nMAIL FROM:<a@b>\r\n");
	fixture_expect(&f->w, fd,
		       "220 mx.test ESMTP\r\n421-4.3.2 mx.test "
		       "127.0.0.1\r\n421 [127.");
	while (!strstr(f->w.events, "close 1 mx.test server fin\n"))
		fixture_turn(&f->w);
	assert_non_null(strstr(f->w.events,
			       "fault 1 mx.test ehlo reply "
			       "421-4.3.2 mx.test 127.0.0.1\n421 [127."));
	close(fd);
}

/* A server's own limit is a fault with the line of its key. */
static void test_smtp_server_limits(void **state)
{
	struct fixture *f = *state;
	int fds[3];

	f->config.limits.connections = 2;
	f->config.limits.place.line = 7;
	begin(f);
	for (int i = 0; i < 3; i++)
		fds[i] = fixture_client(&f->w);
	for (int i = 0; i < 2; i++)
		fixture_expect(&f->w, fds[i], "220 mx.test ESMTP\r\n");
	fixture_expect(&f->w, fds[2], "421 4.7.0 Too many connections\r\n");
	fixture_expect_end(&f->w, fds[2], 0);
	assert_non_null(strstr(f->w.events,
			       "fault 3 mx.test banner reply "
			       "421 4.7.0 Too many connections 7\n"));
	close(fds[0]);
	fixture_await_event(&f->w, "close 1 mx.test client fin\n");
	while (smtp_server_connections(f->server) == 2)
		fixture_turn(&f->w);
	fds[0] = fixture_client(&f->w);
	fixture_expect(&f->w, fds[0], "220 mx.test ESMTP\r\n");
	close(fds[0]);
	close(fds[1]);
}

/* Rows go before the server's own rules, and accept is no way around. */
static void test_smtp_server_rules_last(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->config.limits.per_minute = 1;
	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
					   .action = DEADMX_ACTION_REPLY,
					   .connection = {true, 1, 2},
					   .reply = STR("450 later")});
	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
					   .action = DEADMX_ACTION_ACCEPT});
	begin(f);
	for (int i = 0; i < 3; i++) {
		fd = fixture_client(&f->w);
		fixture_expect(&f->w, fd,
			       i < 2 ? "450 later\r\n"
				     : "421 4.7.0 Too many connections in a "
				       "minute\r\n");
		close(fd);
	}
}

/* `nc` sends all and its FIN at once: it is answered all the same. */
static void test_smtp_server_half_closed(void **state)
{
	struct fixture *f = *state;
	int fd;

	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd, "HELO me\r\nNOOP\r\n");
	shutdown(fd, SHUT_WR);
	fixture_expect(&f->w, fd,
		       "220 mx.test ESMTP\r\n250 mx.test\r\n250 Ok\r\n");
	fixture_expect_end(&f->w, fd, 0);
	fixture_await_event(&f->w, "close 1 mx.test client fin\n");
}

/* A client that never reads is not read from for ever either. */
static void test_smtp_server_output_limit(void **state)
{
	enum { MANY = 64 << 20, NAME = 1000, REPLY = NAME + 6, LINE = 2000 };
	struct fixture *f = *state;
	int fd, replies = 0, sent = 0;
	char in[65536], out[LINE * 10], name[NAME + 1];

	/* Long lines and replies fill the kernel's buffers soon. */
	memset(name, 'x', NAME);
	name[NAME] = '\0';
	f->config.name = name;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i % LINE < 5	       ? "HELO "[i % LINE]
			 : i % LINE < LINE - 2 ? 'x'
					       : "\r\n"[(i + 2) % LINE];
	begin(f);
	fd = fixture_client(&f->w);
	for (int stuck = 0; stuck < 20;) {
		ssize_t n =
			send(fd, out + sent % LINE,
			     sizeof(out) - (size_t)(sent % LINE), MSG_NOSIGNAL);

		assert_true(n > 0 || errno == EAGAIN || errno == ENOTCONN);
		sent += n > 0 ? (int)n : 0;
		stuck = n > 0 ? 0 : stuck + 1;
		assert_true(sent < MANY);
		fixture_turn(&f->w);
	}
	sent /= LINE;
	assert_true(sent > CONNECTION_OUTPUT_MAX / REPLY);
	/* The greeting, then a reply to each whole line. */
	while (replies < 12 + NAME + sent * REPLY) {
		ssize_t n = recv(fd, in, sizeof(in), 0);

		if (n > 0)
			replies += (int)n;
		else
			fixture_turn(&f->w);
	}
	assert_int_equal(replies, 12 + NAME + sent * REPLY);
	close(fd);
	smtp_server_close(f->server, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	f->server = NULL;
}

/* A line of any length in the message, cut at the input's limit or not. */
static void test_smtp_server_input_limit(void **state)
{
	enum { LEN = CONNECTION_INPUT_MAX * 3 };
	struct fixture *f = *state;
	char *line = malloc(LEN + 3), want[64];
	int fd;

	memset(line, 'x', LEN);
	line[CONNECTION_INPUT_MAX - 1] = '\r';
	memcpy(line + LEN, "\r\n", 3);
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
	fixture_send(&f->w, fd, line);
	fixture_send(&f->w, fd, ".\r\n");
	fixture_send(&f->w, fd, line);
	snprintf(want, sizeof(want), " msg-1.eml %d\n", LEN + 2);
	fixture_await_event(&f->w, want);
	fixture_await_event(&f->w, "reply 1 mx.test null 500 Line too long\n");
	free(line);
	close(fd);
}

/*
 * As many as there may be are served; one more is turned away. Not 20,000,
 * for which few machines have the descriptors: tests/bench/load.sh has 10,000.
 */
static void test_smtp_server_connections_limit(void **state)
{
	enum { MAX = 200 };
	struct fixture *f = *state;
	int fds[MAX + 1];

	f->shared.connections_max = MAX;
	begin(f);
	for (int i = 0; i <= MAX; i++) {
		fds[i] = fixture_client(&f->w);
		fixture_expect(&f->w, fds[i],
			       i < MAX ? "220 mx.test ESMTP\r\n"
				       : "421 4.7.0 Too many connections\r\n");
	}
	fixture_expect_end(&f->w, fds[MAX], 0);
	close(fds[0]);
	fixture_await_event(&f->w, "close 1 mx.test client fin\n");
	while (smtp_server_connections(f->server) == MAX)
		fixture_turn(&f->w);
	fds[0] = fixture_client(&f->w);
	fixture_expect(&f->w, fds[0], "220 mx.test ESMTP\r\n");
	for (int i = 0; i < MAX; i++)
		close(fds[i]);
}

static int connect_error(struct fixture *f)
{
	int error, fd = fixture_connect(&f->w, SOCK_STREAM, &error);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(error);

	assert_int_equal(poll(&p, 1, 1000), 1);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	close(fd);
	return error;
}

/* The timeline goes on by @ns at once: no test waits for a window to open. */
static void later(struct fixture *f, int64_t ns)
{
	f->w.origin -= ns;
	smtp_server_retime(f->server);
}

/* The end of a window is noticed when it comes. */
static void test_smtp_server_edge(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_CONNECT,
					   .action = DEADMX_ACTION_REFUSE,
					   .window.until_ns = MS(100)});
	begin(f);
	fixture_await_event(&f->w, "state mx.test connect null null ");
	assert_true(fixture_now(&f->w) >= MS(100));
	assert_int_equal(connect_error(f), 0);
}

/* Refused by the timeline, then healthy, then refused again. */
static void test_smtp_server_refuse(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_CONNECT,
					   .action = DEADMX_ACTION_REFUSE,
					   .window.until_ns = HOURS(1)});
	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_CONNECT,
					   .action = DEADMX_ACTION_REFUSE,
					   .window.from_ns = HOURS(2)});
	begin(f);
	assert_int_equal(connect_error(f), ECONNREFUSED);
	later(f, HOURS(1));
	assert_non_null(
		strstr(f->w.events, "state mx.test connect null null "));
	assert_int_equal(connect_error(f), 0);
	later(f, HOURS(1));
	assert_non_null(strstr(f->w.events, "state mx.test connect refuse 2 "));
	assert_int_equal(connect_error(f), ECONNREFUSED);
	/* A new origin starts it all again, and says what holds. */
	fixture_clear_events(&f->w);
	f->w.origin = (int64_t)uv_hrtime();
	assert_int_equal(smtp_server_restart(f->server, true), 0);
	assert_memory_equal(f->w.events, "state mx.test connect refuse 1 ", 31);
	assert_int_equal(connect_error(f), ECONNREFUSED);
}

/* Accepted, and closed before a word: by FIN, by RST. */
static void test_smtp_server_hangs_up(void **state)
{
	struct fixture *f = *state;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_CONNECT,
					   .action = DEADMX_ACTION_DROP,
					   .window.until_ns = HOURS(1)});
	add_fault(f,
		  (struct deadmx_fault){.stage = DEADMX_STAGE_CONNECT,
					.action = DEADMX_ACTION_RESET,
					.window.until_ns = DEADMX_FOREVER_NS});
	begin(f);
	fixture_expect_end(&f->w, fixture_client(&f->w), 0);
	fixture_await_event(&f->w, "fault 1 mx.test connect drop null 1\n"
				   "close 1 mx.test server fin\n");
	later(f, HOURS(1));
	assert_non_null(strstr(f->w.events, "state mx.test connect reset 2 "));
	fixture_expect_end(&f->w, fixture_client(&f->w), ECONNRESET);
	fixture_await_event(&f->w, "fault 2 mx.test connect reset null 2\n"
				   "close 2 mx.test server reset\n");
	assert_null(strstr(f->w.events, "220"));
}

/* A blackhole answers no SYN; healed, the next one. */
static void test_smtp_server_blackhole(void **state)
{
	struct fixture *f = *state;
	int fd, error;

	add_fault(f, (struct deadmx_fault){.stage = DEADMX_STAGE_CONNECT,
					   .action = DEADMX_ACTION_BLACKHOLE,
					   .window.until_ns = HOURS(1)});
	begin(f);
	fd = fixture_connect(&f->w, SOCK_STREAM, &error);
	assert_int_equal(error, EINPROGRESS);
	for (int i = 0; i < 50; i++)
		fixture_turn(&f->w);
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
	assert_null(strstr(f->w.events, "accept"));
	later(f, HOURS(1));
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 mx.test ESMTP\r\n");
	close(fd);
}

/* What can't be done at the connect stage is said with its line. */
static void test_smtp_server_unsupported(void **state)
{
	static const struct deadmx_fault rows[] = {
		{.stage = DEADMX_STAGE_CONNECT,
		 .action = DEADMX_ACTION_REFUSE,
		 .window.first = 1},
		{.stage = DEADMX_STAGE_CONNECT,
		 .action = DEADMX_ACTION_HALF_OPEN},
		{.stage = DEADMX_STAGE_CONNECT, .action = DEADMX_ACTION_REPLY},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;
		size_t len;
		FILE *errors = open_memstream(&text, &len);

		f->config.fault_count = 0;
		add_fault(f, rows[i]);
		assert_int_equal(smtp_server_new(&f->shared, &f->config, errors,
						 &f->server),
				 -ENOTSUP);
		fclose(errors);
		assert_memory_equal(text, "scenario:1: server mx.test, stage ",
				    34);
		free(text);
	}
}

/* An address in use, or none of ours: one line, nothing left open. */
static void test_smtp_server_cannot_listen(void **state)
{
	struct fixture *f = *state;
	struct smtp_server *second = NULL;
	char text[128] = "";
	FILE *errors = fmemopen(text, sizeof(text), "w");

	begin(f);
	assert_int_equal(
		smtp_server_new(&f->shared, &f->config, errors, &second),
		-EADDRINUSE);
	fclose(errors);
	assert_null(second);
	assert_non_null(strstr(text, "server mx.test: can't listen on 127."));
}

/* A folder that can't be written: the run's error, not the MTA's. */
static void test_smtp_server_disk_error(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->shared.message_dir = "/proc/self/nothing";
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO me\r\nMAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
		     ".\r\n");
	fixture_await_event(&f->w, "error mx.test: can't store a message: No "
				   "such file or directory\n");
	close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_smtp_server_conversation),
		T(test_smtp_server_stall_pipelined),
		T(test_smtp_server_stall_half_closed),
		T(test_smtp_server_stall_false_quit),
		T(test_smtp_server_mute_half_closed),
		T(test_smtp_server_client_leaves),
		T(test_smtp_server_drip),
		T(test_smtp_server_drop),
		T(test_smtp_server_reset_at_dot),
		T(test_smtp_server_reset_pipelined),
		T(test_smtp_server_half_open),
		T(test_smtp_server_stop_reading),
		T(test_smtp_server_slow),
		T(test_smtp_server_slow_left),
		T(test_smtp_server_slow_half_closed),
		T(test_smtp_server_chunks),
		T(test_smtp_server_421),
		T(test_smtp_server_limits),
		T(test_smtp_server_rules_last),
		T(test_smtp_server_half_closed),
		T(test_smtp_server_output_limit),
		T(test_smtp_server_input_limit),
		T(test_smtp_server_connections_limit),
		T(test_smtp_server_edge),
		T(test_smtp_server_refuse),
		T(test_smtp_server_hangs_up),
		T(test_smtp_server_blackhole),
		T(test_smtp_server_unsupported),
		T(test_smtp_server_cannot_listen),
		T(test_smtp_server_disk_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
