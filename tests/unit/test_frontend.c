/* SPDX-License-Identifier: MIT */
/*
 * Frontends and SPF in sim/smtp_server.c: a client, a frontend and a backend
 * on real sockets; what each of them says, and what the log tells of it.
 */
#include "world_fixture.h"

#include "sim/dns_zone.h"
#include "sim/smtp_server.h"

enum { FRONTEND, BACKEND, SERVERS };

struct fixture {
	struct world_fixture w; /* first: callbacks get it as their argument */
	struct deadmx_fault rows[SERVERS][4];
	struct deadmx_server servers[SERVERS];
	struct deadmx_backend backends[1];
	struct deadmx_relay_row routes[1];
	struct deadmx_relay relay;
	struct deadmx_record record;
	struct deadmx_name name;
	struct deadmx_scenario scenario;
	struct dns_zone *zone;
	struct smtp_server_shared shared;
	struct smtp_server *running[SERVERS];
	int messages; /* that a sender knows of */
	const struct deadmx_server *taker;
};

static void on_message(void *arg, const struct deadmx_server *server,
		       const struct smtp_envelope *envelope, const char *data,
		       size_t len, bool acknowledged)
{
	struct fixture *f = arg;

	f->messages += acknowledged;
	f->taker = server;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	for (int i = 0; i < SERVERS; i++)
		f->servers[i] = (struct deadmx_server){
			.name = STR(i == FRONTEND ? "front.test" : "back.test"),
			.address = f->w.address,
			.port = (uint16_t)(WORLD_PORT + i),
			.faults = f->rows[i]};
	f->backends[0].name = STR("back.test");
	f->routes[0] =
		(struct deadmx_relay_row){.window.until_ns = DEADMX_FOREVER_NS,
					  .backends = f->backends,
					  .backend_count = 1};
	f->relay = (struct deadmx_relay){.at = DEADMX_STAGE_RCPT,
					 .timeout_ns = MS(5000),
					 .wrap = DEADMX_WRAP_PLAIN,
					 .rows = f->routes,
					 .row_count = 1};
	f->servers[FRONTEND].relay = &f->relay;
	f->name.name = STR("sender.test");
	f->name.records.list = &f->record;
	f->scenario.world = (struct deadmx_world){.servers = f->servers,
						  .server_count = SERVERS,
						  .names = &f->name,
						  .name_count = 1};
	f->shared = (struct smtp_server_shared){.loop = &f->w.loop,
						.log = f->w.log,
						.message_dir = f->w.dir,
						.budget = SMTP_SERVER_BUDGET,
						.world = &f->scenario.world,
						.now_ns = fixture_now,
						.on_message = on_message,
						.arg = f};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < SERVERS; i++) {
		if (!f->running[i])
			continue;
		smtp_server_close(f->running[i], fixture_on_closed, &f->w);
		fixture_await_closed(&f->w);
	}
	assert_null(f->shared.links.first);
	dns_zone_free(f->zone);
	fixture_release(&f->w);
	free(f);
	return 0;
}

static void add_fault(struct fixture *f, int server, struct deadmx_fault fault)
{
	struct deadmx_server *s = &f->servers[server];

	fault.window.until_ns = DEADMX_FOREVER_NS;
	fault.place.line = 10 * (server + 1) + (int)s->fault_count;
	f->rows[server][s->fault_count++] = fault;
}

static void add_reply(struct fixture *f, int server, enum deadmx_stage stage,
		      const char *reply)
{
	add_fault(f, server,
		  (struct deadmx_fault){.stage = stage,
					.action = DEADMX_ACTION_REPLY,
					.reply = STR(reply)});
}

static void add_action(struct fixture *f, int server, enum deadmx_stage stage,
		       enum deadmx_action action)
{
	add_fault(
		f, server,
		(struct deadmx_fault){.stage = stage,
				      .action = action,
				      .stall_ns = action == DEADMX_ACTION_STALL
							  ? DEADMX_FOREVER_NS
							  : 0});
}

/* Both servers run; a client has connected and said HELO. */
static int begin(struct fixture *f)
{
	int fd;

	for (int i = 0; i < SERVERS; i++) {
		assert_int_equal(smtp_server_new(&f->shared, &f->servers[i],
						 stderr, &f->running[i]),
				 0);
		assert_int_equal(smtp_server_restart(f->running[i], false), 0);
	}
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 front.test ESMTP\r\n");
	fixture_send(&f->w, fd, "HELO mta.test\r\n");
	fixture_expect(&f->w, fd, "250 front.test\r\n");
	return fd;
}

static void say(struct fixture *f, int fd, const char *command,
		const char *reply)
{
	fixture_send(&f->w, fd, command);
	fixture_expect(&f->w, fd, reply);
}

static void assert_logged(const struct fixture *f, const char *line)
{
	if (!strstr(f->w.events, line))
		fail_msg("no %s in:\n%s", line, f->w.events);
}

static void assert_not_logged(const struct fixture *f, const char *text)
{
	if (strstr(f->w.events, text))
		fail_msg("%s in:\n%s", text, f->w.events);
}

#define MAIL "MAIL FROM:<a@sender.test>\r\n"
#define RCPT "RCPT TO:<b@dest.test>\r\n"
#define GO   "354 End data with <CR><LF>.<CR><LF>\r\n"

/* A mail as far as the final dot, which is sent. */
static void mail_to_dot(struct fixture *f, int fd)
{
	say(f, fd, MAIL, "250 Sender ok\r\n");
	say(f, fd, RCPT, "250 Recipient ok\r\n");
	say(f, fd, "DATA\r\n", GO);
	fixture_send(&f->w, fd, "Subject: x\r\n\r\n..\r\n.\r\n");
}

/* --- frontends ----------------------------------------------------------- */

/* One message, stored once, told by the frontend; both sessions are logged. */
static void test_frontend_healthy(void **state)
{
	struct fixture *f = *state;
	int fd = begin(f);

	mail_to_dot(f, fd);
	fixture_expect(&f->w, fd, "250 Message accepted\r\n");
	say(f, fd, "QUIT\r\n", "221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
	fixture_await_event(&f->w, "close 2 back.test");
	assert_int_equal(f->messages, 1);
	assert_ptr_equal(f->taker, &f->servers[FRONTEND]);
	assert_logged(f, "front.test back.test");
	assert_logged(f, "command 2 back.test EHLO front.test");
	assert_logged(f, "command 2 back.test RCPT TO:<b@dest.test>");
	assert_logged(f, "message 1 front.test a@sender.test [\"b@dest.test\"] "
			 "msg-1.eml 17 back.test\n");
	assert_not_logged(f, "message 2");
	/* The backend knows who it is. */
	assert_logged(f, "accept 2 back.test");
	assert_not_logged(f, "accept 1 front.test 127.0.0.1 front.test");
}

/* Commands that a client pipelines wait for the backend, in order. */
static void test_frontend_pipelined(void **state)
{
	struct fixture *f = *state;
	int fd = begin(f);

	say(f, fd, MAIL RCPT RCPT "DATA\r\n.\r\nQUIT\r\n",
	    "250 Sender ok\r\n250 Recipient ok\r\n250 Recipient ok\r\n" GO
	    "250 Message accepted\r\n221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
	assert_int_equal(f->messages, 1);
}

/* The backend is dead: its error in the frontend's words, and in the log. */
static void test_frontend_backend_refuses(void **state)
{
	struct fixture *f = *state;
	char want[200];
	int fd;

	add_action(f, BACKEND, DEADMX_STAGE_CONNECT, DEADMX_ACTION_REFUSE);
	fd = begin(f);
	say(f, fd, MAIL, "250 Sender ok\r\n");
	snprintf(want, sizeof(want), "451 4.4.1 %s:%d: Connection refused\r\n",
		 f->w.address, WORLD_PORT + BACKEND);
	say(f, fd, RCPT, want);
	snprintf(want, sizeof(want),
		 "relay 1 front.test back.test %s %d refused null\n",
		 f->w.address, WORLD_PORT + BACKEND);
	assert_logged(f, want);
	/* It is still there for other mail. */
	say(f, fd, "RSET\r\n", "250 Ok\r\n");
	close(fd);
}

/* What a backend says of a recipient is what the client hears. */
static void test_frontend_hands_on(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_reply(f, BACKEND, DEADMX_STAGE_RCPT, "550 5.1.1 Nobody\nhere");
	fd = begin(f);
	say(f, fd, MAIL, "250 Sender ok\r\n");
	say(f, fd, RCPT, "550-5.1.1 Nobody\r\n550 here\r\n");
	say(f, fd, "DATA\r\n", "554 No valid recipients\r\n");
	close(fd);
}

/* A fault of the frontend's own that refuses: the backend isn't asked. */
static void test_frontend_refuses_itself(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->rows[FRONTEND][0].window.first = 1;
	add_reply(f, FRONTEND, DEADMX_STAGE_RCPT, "451 4.7.1 Greylisted");
	f->rows[FRONTEND][0].window.first = 1;
	fd = begin(f);
	say(f, fd, MAIL, "250 Sender ok\r\n");
	say(f, fd, RCPT, "451 4.7.1 Greylisted\r\n");
	assert_not_logged(f, "back.test");
	say(f, fd, RCPT, "250 Recipient ok\r\n");
	close(fd);
}

/* It words a success as it likes, but can't make one of a refusal. */
static void test_frontend_other_words(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_reply(f, FRONTEND, DEADMX_STAGE_RCPT, "250 2.1.5 Fine");
	add_reply(f, BACKEND, DEADMX_STAGE_RCPT, "450 4.2.0 Busy");
	f->rows[BACKEND][0].window.first = 1;
	fd = begin(f);
	say(f, fd, MAIL, "250 Sender ok\r\n");
	say(f, fd, RCPT, "450 4.2.0 Busy\r\n");
	say(f, fd, RCPT, "250 2.1.5 Fine\r\n");
	close(fd);
}

/* The backend's word is held back as any reply is. */
static void test_frontend_stall(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_fault(f, FRONTEND,
		  (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
					.action = DEADMX_ACTION_STALL,
					.stall_ns = MS(30)});
	fd = begin(f);
	mail_to_dot(f, fd);
	fixture_expect(&f->w, fd, "250 Message accepted\r\n");
	assert_logged(f, "fault 1 front.test dot stall");
	assert_int_equal(f->messages, 1);
	close(fd);
}

/* The backend has it, and the frontend breaks off: nobody knows. */
static void test_frontend_drops_at_dot(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_action(f, FRONTEND, DEADMX_STAGE_DOT, DEADMX_ACTION_DROP);
	fd = begin(f);
	mail_to_dot(f, fd);
	fixture_expect_end(&f->w, fd, 0);
	assert_int_equal(f->messages, 0);
	assert_logged(f, "message 1 front.test a@sender.test [\"b@dest.test\"] "
			 "msg-1.eml 17 back.test true\n");
}

/* The backend has it and breaks off; the frontend says 451. */
static void test_frontend_backend_drops_at_dot(void **state)
{
	struct fixture *f = *state;
	char want[200];
	int fd;

	add_action(f, BACKEND, DEADMX_STAGE_DOT, DEADMX_ACTION_RESET);
	fd = begin(f);
	mail_to_dot(f, fd);
	snprintf(want, sizeof(want), "451 4.4.1 %s:%d: Connection reset\r\n",
		 f->w.address, WORLD_PORT + BACKEND);
	fixture_expect(&f->w, fd, want);
	assert_int_equal(f->messages, 0);
	assert_logged(f, "message 2 back.test a@sender.test [\"b@dest.test\"] "
			 "msg-1.eml 17 front.test true\n");
	assert_logged(f, "reset null\n");
	close(fd);
}

/* A client that gives up takes the session to the backend with it. */
static void test_frontend_client_leaves(void **state)
{
	struct fixture *f = *state;
	int fd;

	add_action(f, BACKEND, DEADMX_STAGE_DOT, DEADMX_ACTION_STALL);
	fd = begin(f);
	mail_to_dot(f, fd);
	fixture_await_event(&f->w, "fault 2 back.test dot stall");
	close(fd);
	fixture_await_event(&f->w, "close 1 front.test client");
	fixture_await_event(&f->w, "close 2 back.test client");
	assert_int_equal(f->messages, 0);
}

/* RSET after DATA was agreed: no farewell in the middle of a message. */
static void test_frontend_gives_up(void **state)
{
	struct fixture *f = *state;
	int fd = begin(f);

	say(f, fd, MAIL, "250 Sender ok\r\n");
	say(f, fd, RCPT, "250 Recipient ok\r\n");
	say(f, fd, "RSET\r\n", "250 Ok\r\n");
	fixture_await_event(&f->w, "command 2 back.test QUIT");
	say(f, fd, MAIL, "250 Sender ok\r\n");
	say(f, fd, RCPT, "250 Recipient ok\r\n");
	say(f, fd, "DATA\r\n", GO);
	smtp_server_disconnect(f->running[FRONTEND]);
	fixture_await_event(&f->w, "close 3 back.test client");
	assert_not_logged(f, "command 3 back.test QUIT");
	close(fd);
}

/* BDAT: chunks are the frontend's, the message is handed on whole. */
static void test_frontend_chunks(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->servers[FRONTEND].extensions = 1u << DEADMX_EXTENSION_CHUNKING;
	f->relay.at = DEADMX_STAGE_DATA;
	fd = begin(f);
	say(f, fd, "EHLO mta.test\r\n", "250-front.test\r\n250 CHUNKING\r\n");
	say(f, fd, MAIL RCPT "BDAT 3\r\nab\nBDAT 4 LAST\r\n.\r\ncQUIT\r\n",
	    "250 Sender ok\r\n250 Recipient ok\r\n250 Chunk received\r\n"
	    "250 Message accepted\r\n221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
	assert_int_equal(f->messages, 1);
	assert_logged(f, "command 2 back.test DATA");
}

/* --- SPF ----------------------------------------------------------------- */

static void set_record(struct fixture *f, const char *text)
{
	const char *bad;

	f->record = (struct deadmx_record){.type = DEADMX_RECORD_TXT,
					   .value = STR(text)};
	f->name.records.count = 1;
	f->name.records.given = 1u << DEADMX_RECORD_TXT;
	assert_int_equal(dns_zone_new(&f->scenario, NULL, &bad, &f->zone), 0);
	f->shared.zone = f->zone;
}

static void add_spf(struct fixture *f, int server, enum deadmx_stage stage,
		    unsigned results, const char *reply)
{
	add_fault(f, server,
		  (struct deadmx_fault){.stage = stage,
					.action = DEADMX_ACTION_REPLY,
					.spf = results,
					.reply = STR(reply)});
}

#define SPF(x) (1u << DEADMX_SPF_##x)

/* The row holds for what the sender's record makes of the client. */
static void test_spf_row(void **state)
{
	struct fixture *f = *state;
	int fd;

	set_record(f, "v=spf1 ip4:192.0.2.1 ~all");
	add_spf(f, FRONTEND, DEADMX_STAGE_MAIL, SPF(FAIL), "550 5.7.23 No");
	add_spf(f, FRONTEND, DEADMX_STAGE_MAIL, SPF(SOFTFAIL) | SPF(NONE),
		"451 4.7.23 Not yet");
	fd = begin(f);
	say(f, fd, MAIL, "451 4.7.23 Not yet\r\n");
	assert_logged(f, "spf 1 front.test a@sender.test softfail front.test: "
			 "transitioning domain of sender.test does not "
			 "designate 127.0.0.1 as permitted sender\n");
	/* Another sender, another record. */
	say(f, fd, "MAIL FROM:<a@elsewhere.test>\r\n",
	    "451 4.7.23 Not yet\r\n");
	assert_logged(f, "spf 1 front.test a@elsewhere.test none");
	close(fd);
}

/* Asked once for a mail, and not at all when no row wants to know. */
static void test_spf_asked_once(void **state)
{
	struct fixture *f = *state;
	const char *first;
	int fd;

	set_record(f, "v=spf1 ip4:127.0.0.1 -all");
	add_spf(f, FRONTEND, DEADMX_STAGE_RCPT, SPF(FAIL), "451 4.7.23 No");
	fd = begin(f);
	f->relay.at = DEADMX_STAGE_DOT;
	say(f, fd, MAIL, "250 Sender ok\r\n");
	assert_not_logged(f, "spf 1");
	say(f, fd, RCPT, "250 Recipient ok\r\n");
	first = strstr(f->w.events, "spf 1 front.test a@sender.test pass");
	assert_non_null(first);
	say(f, fd, RCPT, "250 Recipient ok\r\n");
	assert_null(strstr(first + 1, "spf 1"));
	say(f, fd, "RSET\r\n" MAIL RCPT,
	    "250 Ok\r\n250 Sender ok\r\n250 Recipient ok\r\n");
	assert_non_null(strstr(first + 1, "spf 1"));
	close(fd);
}

/* Behind a frontend the client is the frontend: SPF fails there. */
static void test_spf_behind_frontend(void **state)
{
	struct fixture *f = *state;
	int fd;

	set_record(f, "v=spf1 ip4:127.0.0.1 -all");
	add_spf(f, FRONTEND, DEADMX_STAGE_MAIL, SPF(FAIL), "550 5.7.23 No");
	add_spf(f, BACKEND, DEADMX_STAGE_MAIL, SPF(FAIL), "550 5.7.23 Never");
	fd = begin(f);
	say(f, fd, MAIL, "250 Sender ok\r\n");
	say(f, fd, RCPT, "550 5.7.23 Never\r\n");
	assert_logged(f, "spf 1 front.test a@sender.test pass");
	assert_logged(f, "spf 2 back.test a@sender.test fail");
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_frontend_healthy),
		TEST(test_frontend_pipelined),
		TEST(test_frontend_backend_refuses),
		TEST(test_frontend_hands_on),
		TEST(test_frontend_refuses_itself),
		TEST(test_frontend_other_words),
		TEST(test_frontend_stall),
		TEST(test_frontend_drops_at_dot),
		TEST(test_frontend_backend_drops_at_dot),
		TEST(test_frontend_client_leaves),
		TEST(test_frontend_gives_up),
		TEST(test_frontend_chunks),
		TEST(test_spf_row),
		TEST(test_spf_asked_once),
		TEST(test_spf_behind_frontend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
