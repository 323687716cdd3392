/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of sim/smtp_client.c: STARTTLS and AUTH, with a server of the
 * world and with one that is spoken for line by line. The rest is tested by
 * those who use it, in test_sender.c and test_relay.c.
 */
#include "world_fixture.h"

#include "sim/smtp_client.h"
#include "sim/smtp_server.h"
#include "sim/tls_cert.h"

struct fixture {
	struct world_fixture w; /* first: also the callbacks' argument */
	struct deadmx_fault rows[1];
	struct deadmx_server config;
	struct smtp_server_shared shared;
	struct smtp_server *server;
	int listener, fd; /* of the server that is spoken for */
	struct smtp_client_options options;
	struct sockaddr_in address;
	struct smtp_client *client;
	char said[256]; /* what it told: "state code" or "state error" */
	char reply[64]; /* the beginning of the last reply */
};

static int64_t fixture_unix_s(void *arg, int64_t at_ns)
{
	return 1893456000 + at_ns / DEADMX_NS_PER_S;
}

static void on_reply(void *arg, enum smtp_client_state state, int code,
		     const char *reply)
{
	struct fixture *f = arg;

	snprintf(f->said, sizeof(f->said), "%s %d",
		 smtp_client_state_name(state), code);
	snprintf(f->reply, sizeof(f->reply), "%s", reply);
}

static void on_failed(void *arg, enum smtp_client_state state, int rc)
{
	struct fixture *f = arg;

	snprintf(f->said, sizeof(f->said), "%s %s",
		 smtp_client_state_name(state), uv_err_name(rc));
}

static void on_closed(void *arg)
{
	struct fixture *f = arg;

	f->client = NULL;
	f->w.closed = true;
}

static const struct smtp_client_ops ops = {
	.on_reply = on_reply,
	.on_failed = on_failed,
	.on_closed = on_closed,
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	f->config = (struct deadmx_server){
		.name = STR("mta.test"),
		.address = f->w.address,
		.port = WORLD_PORT,
		.faults = f->rows,
		.extensions = 1u << DEADMX_EXTENSION_STARTTLS |
			      1u << DEADMX_EXTENSION_AUTH};
	f->shared = (struct smtp_server_shared){.loop = &f->w.loop,
						.log = f->w.log,
						.message_dir = f->w.dir,
						.budget = SMTP_SERVER_BUDGET,
						.now_ns = fixture_now,
						.unix_s = fixture_unix_s,
						.arg = &f->w};
	assert_int_equal(tls_authority_new(stderr, &f->shared.authority), 0);
	f->shared.tls = tls_context_new();
	uv_ip4_addr(f->w.address, WORLD_PORT, &f->address);
	f->options = (struct smtp_client_options){
		.loop = &f->w.loop,
		.address = (const struct sockaddr *)&f->address,
		.helo = "me",
		.wait_ns = 60 * DEADMX_NS_PER_S};
	f->listener = f->fd = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->client) {
		smtp_client_close(f->client);
		fixture_await_closed(&f->w);
	}
	if (f->server) {
		f->w.closed = false;
		smtp_server_close(f->server, fixture_on_closed, &f->w);
		fixture_await_closed(&f->w);
	}
	if (f->fd >= 0)
		close(f->fd);
	if (f->listener >= 0)
		close(f->listener);
	tls_context_free(f->shared.tls);
	tls_authority_free(f->shared.authority);
	fixture_release(&f->w);
	free(f);
	return 0;
}

static void await_said(struct fixture *f, const char *what)
{
	while (!f->said[0])
		fixture_turn(&f->w);
	assert_string_equal(f->said, what);
}

static void begin_with_world(struct fixture *f)
{
	assert_int_equal(
		smtp_server_new(&f->shared, &f->config, stderr, &f->server), 0);
	f->client = smtp_client_new(&f->options, &ops, f);
}

/* The client, greeted by hand, up to its EHLO. */
static void begin_by_hand(struct fixture *f)
{
	int one = 1;

	f->listener =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(f->listener >= 0);
	setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(f->listener, (struct sockaddr *)&f->address,
			      sizeof(f->address)),
			 0);
	assert_int_equal(listen(f->listener, 1), 0);
	f->client = smtp_client_new(&f->options, &ops, f);
	while ((f->fd = accept4(f->listener, NULL, NULL,
				SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0)
		fixture_turn(&f->w);
	fixture_send(&f->w, f->fd, "220 hi\r\n");
	fixture_expect(&f->w, f->fd, "EHLO me\r\n");
}

/* … and to its STARTTLS. */
static void begin_starttls(struct fixture *f)
{
	f->options.tls = f->shared.tls;
	begin_by_hand(f);
	fixture_send(&f->w, f->fd, "250-hi\r\n250 STARTTLS\r\n");
	fixture_expect(&f->w, f->fd, "STARTTLS\r\n");
}

static void log_in(struct fixture *f)
{
	f->options.user = "u";
	f->options.password = "p";
}

/* TLS, EHLO again, AUTH, and only then it is ready; all that follows is
 * encrypted, the farewell too. */
static void test_smtp_client_starttls_auth(void **state)
{
	struct fixture *f = *state;

	f->options.tls = f->shared.tls;
	log_in(f);
	begin_with_world(f);
	await_said(f, "auth 235");
	fixture_await_event(&f->w, "command 1 mta.test STARTTLS\n");
	fixture_await_event(&f->w, "command 1 mta.test AUTH PLAIN *\n");
	assert_true(smtp_client_offers(f->client, "AUTH"));
	assert_false(smtp_client_offers(f->client, "STARTTLS"));
	f->said[0] = '\0';
	smtp_client_mail(f->client, "a@x.example", "");
	await_said(f, "mail 250");
	smtp_client_quit(f->client);
	fixture_await_closed(&f->w);
	assert_string_equal(f->said, "mail 250");
}

static void test_smtp_client_starttls_only(void **state)
{
	struct fixture *f = *state;

	f->options.tls = f->shared.tls;
	begin_with_world(f);
	await_said(f, "ehlo 250");
	fixture_await_event(&f->w, "command 1 mta.test STARTTLS\n");
}

/* RFC 4616: NUL, user, NUL, password, in base64; PLAIN among others. */
static void test_smtp_client_auth_plain(void **state)
{
	struct fixture *f = *state;

	log_in(f);
	begin_by_hand(f);
	fixture_send(&f->w, f->fd, "250-hi\r\n250 auth LOGIN plain\r\n");
	fixture_expect(&f->w, f->fd, "AUTH PLAIN AHUAcA==\r\n");
	fixture_send(&f->w, f->fd, "235 in\r\n");
	await_said(f, "auth 235");
}

/* As long as they may be. */
static void test_smtp_client_login_limit(void **state)
{
	struct fixture *f = *state;
	char word[SMTP_CLIENT_LOGIN_MAX + 1], want[1024] = "AUTH PLAIN AHh4";

	memset(word, 'x', SMTP_CLIENT_LOGIN_MAX);
	word[SMTP_CLIENT_LOGIN_MAX] = '\0';
	f->options.user = f->options.password = word;
	begin_by_hand(f);
	fixture_send(&f->w, f->fd, "250-hi\r\n250 AUTH PLAIN\r\n");
	/* 512 bytes: 0 xx, 84 times xxx, x 0 x, 84 times xxx, xx */
	for (int i = 0; i < 84; i++)
		strcat(want, "eHh4");
	strcat(want, "eAB4");
	for (int i = 0; i < 84; i++)
		strcat(want, "eHh4");
	strcat(want, "eHg=\r\n");
	fixture_expect(&f->w, f->fd, want);
}

static void test_smtp_client_not_offered(void **state)
{
	struct fixture *f = *state;

	f->options.tls = f->shared.tls;
	begin_by_hand(f);
	fixture_send(&f->w, f->fd, "250-hi\r\n250 STARTTLSX\r\n");
	await_said(f, "starttls ENOTSUP");
}

/* "AUTH=PLAIN" is no extension, "PLAINER" no PLAIN. */
static void test_smtp_client_no_plain(void **state)
{
	struct fixture *f = *state;

	log_in(f);
	begin_by_hand(f);
	fixture_send(&f->w, f->fd,
		     "250-hi\r\n250-AUTH=PLAIN\r\n250-AUTH PLAINER\r\n"
		     "250 PLAIN\r\n");
	await_said(f, "auth ENOTSUP");
}

/* Nothing is offered where EHLO isn't known. */
static void test_smtp_client_helo_no_auth(void **state)
{
	struct fixture *f = *state;

	log_in(f);
	begin_by_hand(f);
	fixture_send(&f->w, f->fd, "502 no\r\n");
	fixture_expect(&f->w, f->fd, "HELO me\r\n");
	fixture_send(&f->w, f->fd, "250 hi\r\n");
	await_said(f, "auth ENOTSUP");
}

/* A no is the caller's: it may be the MTA's last word. */
static void test_smtp_client_refused(void **state)
{
	struct fixture *f = *state;

	begin_starttls(f);
	fixture_send(&f->w, f->fd, "454 not now\r\n");
	await_said(f, "starttls 454");
}

static void test_smtp_client_login_refused(void **state)
{
	struct fixture *f = *state;

	log_in(f);
	begin_by_hand(f);
	fixture_send(&f->w, f->fd, "250-hi\r\n250 AUTH PLAIN\r\n");
	fixture_expect(&f->w, f->fd, "AUTH PLAIN AHUAcA==\r\n");
	fixture_send(&f->w, f->fd, "535 who?\r\n");
	await_said(f, "auth 535");
}

/* No TLS behind the 220. */
static void test_smtp_client_tls_garbage(void **state)
{
	struct fixture *f = *state;

	begin_starttls(f);
	fixture_send(&f->w, f->fd, "220 go\r\n");
	fixture_send(&f->w, f->fd, "250 no TLS record begins like this\r\n");
	await_said(f, "tls EPROTO");
}

static void test_smtp_client_tls_hangup(void **state)
{
	struct fixture *f = *state;

	begin_starttls(f);
	fixture_send(&f->w, f->fd, "220 go\r\n");
	shutdown(f->fd, SHUT_WR);
	await_said(f, "tls EOF");
}

/* What was said in the clear is no reply to what is said in TLS. */
static void test_smtp_client_tls_injected(void **state)
{
	struct fixture *f = *state;

	f->options.wait_ns = MS(200);
	begin_starttls(f);
	fixture_send(&f->w, f->fd, "220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n");
	await_said(f, "tls ETIMEDOUT");
}

/* The limit of a reply is the same in TLS. */
static void test_smtp_client_tls_reply_limit(void **state)
{
	struct fixture *f = *state;
	char reply[SMTP_CLIENT_REPLY_MAX + 2];

	memset(reply, 'x', sizeof(reply));
	memcpy(reply, "451 ", 4);
	reply[SMTP_CLIENT_REPLY_MAX - 2] = '\0'; /* and CRLF */
	f->rows[0] = (struct deadmx_fault){.stage = DEADMX_STAGE_MAIL,
					   .action = DEADMX_ACTION_REPLY,
					   .window.until_ns = DEADMX_FOREVER_NS,
					   .reply = reply};
	f->config.fault_count = 1;
	f->options.tls = f->shared.tls;
	begin_with_world(f);
	await_said(f, "ehlo 250");
	f->said[0] = '\0';
	smtp_client_mail(f->client, "a@x.example", "");
	await_said(f, "mail 451");
	memset(reply + SMTP_CLIENT_REPLY_MAX - 2, 'x', 1);
	reply[SMTP_CLIENT_REPLY_MAX - 1] = '\0';
	f->said[0] = '\0';
	smtp_client_mail(f->client, "a@x.example", "");
	await_said(f, "mail EMSGSIZE");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_smtp_client_starttls_auth),
		T(test_smtp_client_starttls_only),
		T(test_smtp_client_auth_plain),
		T(test_smtp_client_login_limit),
		T(test_smtp_client_not_offered),
		T(test_smtp_client_no_plain),
		T(test_smtp_client_helo_no_auth),
		T(test_smtp_client_refused),
		T(test_smtp_client_login_refused),
		T(test_smtp_client_tls_garbage),
		T(test_smtp_client_tls_hangup),
		T(test_smtp_client_tls_injected),
		T(test_smtp_client_tls_reply_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
