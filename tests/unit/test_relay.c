/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/relay.c against servers of the world, in real time. */
#include "world_fixture.h"

#include "sim/relay.h"
#include "sim/smtp_server.h"

enum { BACKENDS = 2, FRONTEND = BACKENDS };

struct fixture {
	struct world_fixture w; /* first: callbacks get it as their argument */
	struct deadmx_fault rows[BACKENDS][4];
	struct deadmx_server servers[BACKENDS + 1];
	struct deadmx_world world;
	struct smtp_server_shared shared;
	struct smtp_server *running[BACKENDS];
	struct deadmx_backend backends[BACKENDS + 1];
	struct deadmx_relay_row routes[3];
	struct deadmx_relay config;
	struct relay_route route;
	struct relay_links links;
	struct relay *relay;
	char *to[8];
	struct smtp_envelope envelope;
	char reply[1000]; /* "": none yet */
	char tries[1000]; /* "word address-or-name reply\n" of each */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	for (int i = 0; i <= BACKENDS; i++)
		f->servers[i] = (struct deadmx_server){
			.name = STR(i == FRONTEND ? "front.test"
				    : i		  ? "b2.test"
						  : "b1.test"),
			.address = f->w.address,
			.port = (uint16_t)(WORLD_PORT + i),
			.faults = i < BACKENDS ? f->rows[i] : NULL};
	f->servers[FRONTEND].relay = &f->config;
	f->world = (struct deadmx_world){.servers = f->servers,
					 .server_count = BACKENDS + 1};
	f->shared = (struct smtp_server_shared){.loop = &f->w.loop,
						.log = f->w.log,
						.budget = SMTP_SERVER_BUDGET,
						.now_ns = fixture_now,
						.arg = &f->w};
	f->backends[0].name = STR("b1.test");
	f->backends[1].name = STR("b2.test");
	f->routes[0] =
		(struct deadmx_relay_row){.window.until_ns = DEADMX_FOREVER_NS,
					  .backends = f->backends,
					  .backend_count = 1};
	f->config = (struct deadmx_relay){.at = DEADMX_STAGE_RCPT,
					  .timeout_ns = MS(5000),
					  .rows = f->routes,
					  .row_count = 1};
	f->envelope =
		(struct smtp_envelope){.from = STR("a@b.test"), .to = f->to};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->relay) {
		relay_close(f->relay, fixture_on_closed, &f->w);
		relay_links_abort(&f->links, &f->servers[FRONTEND]);
		fixture_await_closed(&f->w);
	}
	assert_null(f->links.first);
	for (int i = 0; i < BACKENDS; i++) {
		if (!f->running[i])
			continue;
		smtp_server_close(f->running[i], fixture_on_closed, &f->w);
		fixture_await_closed(&f->w);
	}
	relay_route_release(&f->route);
	fixture_release(&f->w);
	free(f);
	return 0;
}

/* --- the frontend -------------------------------------------------------- */

static void on_reply(void *arg, const char *reply)
{
	struct fixture *f = arg;

	snprintf(f->reply, sizeof(f->reply), "%s", reply);
}

static void on_try(void *arg, const struct relay_try *t)
{
	struct fixture *f = arg;
	size_t used = strlen(f->tries);

	snprintf(f->tries + used, sizeof(f->tries) - used, "%s %s%s%s\n",
		 relay_error_word(t->error),
		 t->backend ? t->backend->name : t->address,
		 t->reply ? " " : "", t->reply ? t->reply : "");
}

static const struct relay_ops ops = {.on_reply = on_reply, .on_try = on_try};

static void add_fault(struct fixture *f, int backend, enum deadmx_stage stage,
		      enum deadmx_action action, const char *reply)
{
	struct deadmx_server *s = &f->servers[backend];

	f->rows[backend][s->fault_count++] =
		(struct deadmx_fault){.stage = stage,
				      .action = action,
				      .reply = STR(reply),
				      .stall_ns = DEADMX_FOREVER_NS,
				      .window.until_ns = DEADMX_FOREVER_NS};
}

static void start_backend(struct fixture *f, int i)
{
	assert_int_equal(smtp_server_new(&f->shared, &f->servers[i], stderr,
					 &f->running[i]),
			 0);
	assert_int_equal(smtp_server_restart(f->running[i], false), 0);
}

static void begin(struct fixture *f)
{
	const struct relay_options options = {.loop = &f->w.loop,
					      .world = &f->world,
					      .frontend = &f->servers[FRONTEND],
					      .route = &f->route,
					      .links = &f->links};

	relay_route_init(&f->route, &f->config);
	f->relay = relay_new(&options, &ops, f);
}

/* What the frontend says at @stage; "" when it answers by itself. */
static const char *ask(struct fixture *f, enum deadmx_stage stage,
		       const char *path)
{
	static const char data[] = "Subject: x\r\n\r\n.dots\r\n";
	const struct relay_question q = {.stage = stage,
					 .now_ns = fixture_now(&f->w),
					 .envelope = &f->envelope,
					 .path = path,
					 .data = data,
					 .len = sizeof(data) - 1};
	const char *now;

	f->reply[0] = '\0';
	if (!relay_ask(f->relay, &q, &now))
		return "";
	if (now)
		return now;
	while (!f->reply[0])
		fixture_turn(&f->w);
	return f->reply;
}

/* The same at RCPT; a recipient that is taken is of the envelope. */
static const char *ask_rcpt(struct fixture *f, const char *to)
{
	const char *reply = ask(f, DEADMX_STAGE_RCPT, to);

	if (!*reply || *reply == '2')
		f->to[f->envelope.to_count++] = STR(to);
	return reply;
}

/* A mail to one recipient, as far as the frontend goes along. */
static const char *ask_mail(struct fixture *f)
{
	const char *reply;

	f->envelope.to_count = 0;
	reply = ask(f, DEADMX_STAGE_MAIL, "a@b.test");
	if (*reply && *reply != '2')
		return reply;
	reply = ask_rcpt(f, "c@d.test");
	if (*reply && *reply != '2')
		return reply;
	reply = ask(f, DEADMX_STAGE_DATA, NULL);
	if (*reply && *reply != '3')
		return reply;
	return ask(f, DEADMX_STAGE_DOT, NULL);
}

#define PRIMARY "451 4.4.0 Primary target IP address responded with: "
#define FAILOVER                                                               \
	" Attempted failover to alternate host, but that did not succeed. "    \
	"Either there are no alternate hosts, or delivery failed to all "      \
	"alternate hosts. The last endpoint attempted was "

static void assert_exchange(const struct fixture *f, const char *reply,
			    const char *error, int backend)
{
	char want[1000];

	snprintf(want, sizeof(want), PRIMARY "\"%s\"" FAILOVER "%s:%d", error,
		 f->w.address, WORLD_PORT + backend);
	assert_string_equal(reply, want);
}

/* --- a backend that is well ---------------------------------------------- */

/* All is asked of the backend from RCPT on; its words are handed on. */
static void test_relay_healthy(void **state)
{
	struct fixture *f = *state;

	start_backend(f, 0);
	begin(f);
	assert_string_equal(ask(f, DEADMX_STAGE_MAIL, "a@b.test"), "");
	assert_string_equal(ask_rcpt(f, "c@d.test"), "250 Recipient ok");
	assert_string_equal(ask_rcpt(f, "e@d.test"), "250 Recipient ok");
	assert_string_equal(ask(f, DEADMX_STAGE_DATA, NULL),
			    "354 End data with <CR><LF>.<CR><LF>");
	assert_string_equal(ask(f, DEADMX_STAGE_DOT, NULL),
			    "250 Message accepted");
	assert_string_equal(f->tries, "none b1.test\n");
	assert_string_equal(relay_backend(f->relay), "b1.test");
	fixture_await_event(&f->w, "close 1 b1.test");
	assert_non_null(
		strstr(f->w.events, "command 1 b1.test EHLO front.test"));
	assert_non_null(strstr(f->w.events, "MAIL FROM:<a@b.test>"));
	assert_non_null(strstr(f->w.events, "RCPT TO:<c@d.test>"));
	assert_non_null(strstr(f->w.events, "RCPT TO:<e@d.test>"));
	/* 20 bytes: what was stuffed came as it was. */
	assert_non_null(strstr(f->w.events, "msg-1.eml 21\n"));
	assert_non_null(strstr(f->w.events, "command 1 b1.test QUIT"));
}

/* At each of the four commands: before it the frontend speaks for itself. */
static void test_relay_at(void **state)
{
	static const enum deadmx_stage stages[] = {
		DEADMX_STAGE_MAIL, DEADMX_STAGE_RCPT, DEADMX_STAGE_DATA,
		DEADMX_STAGE_DOT};
	struct fixture *f = *state;

	start_backend(f, 0);
	begin(f);
	for (int i = 0; i < 4; i++) {
		f->config.at = stages[i];
		f->envelope.to_count = 0;
		for (int k = 0; k < 4; k++) {
			const char *reply =
				k == 1 ? ask_rcpt(f, "c@d.test")
				       : ask(f, stages[k], "a@b.test");

			assert_int_equal(*reply != '\0', k >= i);
		}
		assert_string_equal(f->reply, "250 Message accepted");
	}
}

/* One session can bring mail after mail, each by a session of its own. */
static void test_relay_two_mails(void **state)
{
	struct fixture *f = *state;

	start_backend(f, 0);
	begin(f);
	assert_string_equal(ask_mail(f), "250 Message accepted");
	assert_string_equal(ask_mail(f), "250 Message accepted");
	assert_string_equal(f->tries, "none b1.test\nnone b1.test\n");
}

/* --- a backend that says no ---------------------------------------------- */

static void check_refusal(struct fixture *f, enum deadmx_stage stage,
			  const char *reply)
{
	add_fault(f, 0, stage, DEADMX_ACTION_REPLY, reply);
	start_backend(f, 0);
	begin(f);
	assert_string_equal(ask_mail(f), reply);
	assert_string_equal(f->tries, "none b1.test\n");
}

/* What it says of the mail is handed on as it is, at each command. */
static void test_relay_mail_refused(void **state)
{
	check_refusal(*state, DEADMX_STAGE_MAIL, "550 5.7.1 Not you");
}

static void test_relay_rcpt_refused(void **state)
{
	check_refusal(*state, DEADMX_STAGE_RCPT, "450-4.2.1 Busy\n450 Later");
}

static void test_relay_data_refused(void **state)
{
	check_refusal(*state, DEADMX_STAGE_DATA, "452 4.3.1 No room");
}

static void test_relay_dot_refused(void **state)
{
	check_refusal(*state, DEADMX_STAGE_DOT, "554 5.6.0 Spam");
}

/* A recipient that is refused leaves the others in the same session. */
static void test_relay_one_of_two_refused(void **state)
{
	struct fixture *f = *state;

	add_fault(f, 0, DEADMX_STAGE_RCPT, DEADMX_ACTION_REPLY,
		  "550 5.1.1 Nobody");
	f->rows[0][0].window.first = 1;
	start_backend(f, 0);
	begin(f);
	assert_string_equal(ask(f, DEADMX_STAGE_MAIL, "a@b.test"), "");
	assert_string_equal(ask_rcpt(f, "c@d.test"), "550 5.1.1 Nobody");
	assert_string_equal(ask_rcpt(f, "e@d.test"), "250 Recipient ok");
	ask(f, DEADMX_STAGE_DATA, NULL);
	assert_string_equal(ask(f, DEADMX_STAGE_DOT, NULL),
			    "250 Message accepted");
	assert_string_equal(f->tries, "none b1.test\n");
	assert_non_null(strstr(f->w.events, "message 1 b1.test a@b.test "
					    "[\"e@d.test\"]"));
}

/* At dot nobody can be told of one recipient: his refusal is the mail's. */
static void test_relay_late_rcpt_refused(void **state)
{
	struct fixture *f = *state;

	f->config.at = DEADMX_STAGE_DOT;
	check_refusal(f, DEADMX_STAGE_RCPT, "550 5.1.1 Nobody");
	assert_null(strstr(f->w.events, "message"));
}

/* MAIL was refused at the first RCPT: the second asks again. */
static void test_relay_refused_again(void **state)
{
	struct fixture *f = *state;

	check_refusal(f, DEADMX_STAGE_MAIL, "450 4.7.1 Later");
	assert_string_equal(ask_rcpt(f, "e@d.test"), "450 4.7.1 Later");
	assert_string_equal(f->tries, "none b1.test\nnone b1.test\n");
}

/* --- a backend that is dead ---------------------------------------------- */

static void check_failure(struct fixture *f, enum deadmx_stage stage,
			  enum deadmx_action action, const char *reply,
			  const char *error, const char *try)
{
	add_fault(f, 0, stage, action, reply);
	start_backend(f, 0);
	begin(f);
	assert_exchange(f, ask_mail(f), error, 0);
	assert_string_equal(f->tries, try);
}

static void test_relay_refused(void **state)
{
	check_failure(*state, DEADMX_STAGE_CONNECT, DEADMX_ACTION_REFUSE, NULL,
		      "421 4.2.1 Unable to connect.", "refused b1.test\n");
}

/* Nothing answers at all: its own time-out ends it. */
static void test_relay_blackhole(void **state)
{
	struct fixture *f = *state;

	f->config.timeout_ns = MS(100);
	check_failure(f, DEADMX_STAGE_CONNECT, DEADMX_ACTION_BLACKHOLE, NULL,
		      "421 4.4.1 Connection timed out.", "timeout b1.test\n");
}

static void test_relay_dropped(void **state)
{
	check_failure(*state, DEADMX_STAGE_BANNER, DEADMX_ACTION_DROP, NULL,
		      "421 4.4.2 Connection dropped due to SocketError.",
		      "dropped b1.test\n");
}

static void test_relay_reset(void **state)
{
	check_failure(*state, DEADMX_STAGE_RCPT, DEADMX_ACTION_RESET, NULL,
		      "421 4.4.2 Connection dropped due to ConnectionReset.",
		      "none b1.test\nreset b1.test\n");
}

static void test_relay_stall(void **state)
{
	struct fixture *f = *state;

	f->config.timeout_ns = MS(100);
	check_failure(f, DEADMX_STAGE_DATA, DEADMX_ACTION_STALL, NULL,
		      "421 4.4.1 Connection timed out.",
		      "none b1.test\nsilent b1.test\n");
}

/* A greeting that says no, whatever the code, fails the backend. */
static void test_relay_banner_421(void **state)
{
	check_failure(*state, DEADMX_STAGE_BANNER, DEADMX_ACTION_REPLY,
		      "421 4.3.2 Service not available.",
		      "421 4.3.2 Service not available.",
		      "reply b1.test 421 4.3.2 Service not available.\n");
}

/* EHLO and HELO: there is no third. */
static void test_relay_ehlo_refused(void **state)
{
	add_fault(*state, 0, DEADMX_STAGE_EHLO, DEADMX_ACTION_REPLY,
		  "502 5.5.1 What?");
	check_failure(*state, DEADMX_STAGE_HELO, DEADMX_ACTION_REPLY,
		      "554-5.7.1 Go\n554 away", "554-5.7.1 Go away.",
		      "reply b1.test 554-5.7.1 Go\n554 away\n");
}

/* 421 says farewell at whatever command. */
static void test_relay_rcpt_421(void **state)
{
	check_failure(*state, DEADMX_STAGE_RCPT, DEADMX_ACTION_REPLY,
		      "421 4.3.0 Bye", "421 4.3.0 Bye.",
		      "none b1.test\nreply b1.test 421 4.3.0 Bye\n");
}

/* After the dot: the client must try again, though it may have been taken. */
static void test_relay_dot_dropped(void **state)
{
	check_failure(*state, DEADMX_STAGE_DOT, DEADMX_ACTION_DROP, NULL,
		      "421 4.4.2 Connection dropped due to SocketError.",
		      "none b1.test\ndropped b1.test\n");
}

/* A failure is the answer to all that is still to come of this mail. */
static void test_relay_fails_once(void **state)
{
	struct fixture *f = *state;
	char first[1000];

	begin(f);
	assert_string_equal(ask(f, DEADMX_STAGE_MAIL, "a@b.test"), "");
	snprintf(first, sizeof(first), "%s", ask_rcpt(f, "c@d.test"));
	assert_string_equal(ask_rcpt(f, "e@d.test"), first);
	assert_string_equal(f->tries, "refused b1.test\n");
	/* The next mail tries again. */
	start_backend(f, 0);
	assert_string_equal(ask_mail(f), "250 Message accepted");
}

/* The backend leaves while the client thinks: the next question finds out. */
static void test_relay_lost_between(void **state)
{
	struct fixture *f = *state;

	start_backend(f, 0);
	begin(f);
	assert_string_equal(ask(f, DEADMX_STAGE_MAIL, "a@b.test"), "");
	assert_string_equal(ask_rcpt(f, "c@d.test"), "250 Recipient ok");
	smtp_server_disconnect(f->running[0]);
	while (!strstr(f->tries, "dropped"))
		fixture_turn(&f->w);
	assert_exchange(f, ask(f, DEADMX_STAGE_DATA, NULL),
			"421 4.4.2 Connection dropped due to SocketError.", 0);
}

/* --- several backends ---------------------------------------------------- */

static void begin_two(struct fixture *f)
{
	f->routes[0].backend_count = 2;
	begin(f);
}

/* The first can't be had: the second takes the mail. */
static void test_relay_failover(void **state)
{
	struct fixture *f = *state;

	start_backend(f, 1);
	begin_two(f);
	assert_string_equal(ask_mail(f), "250 Message accepted");
	assert_string_equal(f->tries, "refused b1.test\nnone b2.test\n");
	assert_string_equal(relay_backend(f->relay), "b2.test");
}

/* Lost in mid-mail: the second is told all that the first was told. */
static void test_relay_failover_in_mail(void **state)
{
	struct fixture *f = *state;

	add_fault(f, 0, DEADMX_STAGE_DATA, DEADMX_ACTION_DROP, NULL);
	start_backend(f, 0);
	start_backend(f, 1);
	begin_two(f);
	assert_string_equal(ask_mail(f), "250 Message accepted");
	assert_string_equal(f->tries, "none b1.test\ndropped b1.test\n"
				      "none b2.test\n");
	assert_non_null(strstr(f->w.events,
			       "message 2 b2.test a@b.test [\"c@d.test\"]"));
}

/* The message may be there: nobody else gets it. */
static void test_relay_no_failover_after_dot(void **state)
{
	struct fixture *f = *state;

	add_fault(f, 0, DEADMX_STAGE_DOT, DEADMX_ACTION_RESET, NULL);
	start_backend(f, 0);
	start_backend(f, 1);
	begin_two(f);
	assert_exchange(f, ask_mail(f),
			"421 4.4.2 Connection dropped due to ConnectionReset.",
			0);
	assert_string_equal(f->tries, "none b1.test\nreset b1.test\n");
}

/* The last one's error is told, and its address. */
static void test_relay_all_fail(void **state)
{
	struct fixture *f = *state;

	add_fault(f, 1, DEADMX_STAGE_BANNER, DEADMX_ACTION_REPLY,
		  "421 4.3.2 Full");
	start_backend(f, 1);
	begin_two(f);
	assert_exchange(f, ask_mail(f), "421 4.3.2 Full.", 1);
	assert_string_equal(f->tries,
			    "refused b1.test\nreply b2.test 421 4.3.2 Full\n");
}

/* --- routes -------------------------------------------------------------- */

/* An address of nobody; and a row that holds for one mail only. */
static void test_relay_timeline(void **state)
{
	struct fixture *f = *state;
	char want[100];

	f->backends[2].address = f->w.address;
	f->backends[2].port = 9;
	f->routes[1] = f->routes[0];
	f->routes[0].window.first = 1;
	f->routes[0].backends = &f->backends[2];
	f->config.row_count = 2;
	f->config.wrap = DEADMX_WRAP_PLAIN;
	start_backend(f, 0);
	begin(f);
	snprintf(want, sizeof(want), "451 4.4.1 %s:9: Connection refused",
		 f->w.address);
	assert_string_equal(ask_mail(f), want);
	snprintf(want, sizeof(want), "%s:9", f->w.address);
	assert_string_equal(relay_backend(f->relay), want);
	assert_string_equal(ask_mail(f), "250 Message accepted");
	relay_route_clear(&f->route);
	assert_int_equal(*ask_mail(f), '4');
}

/* --- words --------------------------------------------------------------- */

static void check_wrap(struct fixture *f, enum deadmx_wrap wrap,
		       const char *want)
{
	f->config.wrap = wrap;
	assert_string_equal(ask_mail(f), want);
}

static void test_relay_wraps(void **state)
{
	struct fixture *f = *state;
	char want[1000];

	begin(f);
	snprintf(want, sizeof(want),
		 "450 4.7.0 Proxy session setup failed on Frontend with "
		 "'" PRIMARY "\"421 4.2.1 Unable to connect.\"" FAILOVER
		 "%s:%d'",
		 f->w.address, WORLD_PORT);
	check_wrap(f, DEADMX_WRAP_EXCHANGE_PROXY, want);
	check_wrap(f, DEADMX_WRAP_EXCHANGE2016,
		   "451 4.4.397 Error communicating with target host. -> 421 "
		   "4.2.1 Unable to connect -> SocketConnectionRefused: Socket "
		   "error code 10061");
	snprintf(want, sizeof(want), "451 4.4.1 %s:%d: Connection refused",
		 f->w.address, WORLD_PORT);
	check_wrap(f, DEADMX_WRAP_PLAIN, want);
	f->config.reply = STR("450 {error} at {endpoint}, {host}");
	snprintf(want, sizeof(want), "450 Connection refused at %s:%d, {host}",
		 f->w.address, WORLD_PORT);
	check_wrap(f, DEADMX_WRAP_OWN, want);
	add_fault(f, 0, DEADMX_STAGE_BANNER, DEADMX_ACTION_REPLY,
		  "421 4.3.2 Service not available");
	start_backend(f, 0);
	check_wrap(f, DEADMX_WRAP_EXCHANGE2016,
		   "451 4.4.395 Target host responded with error. -> 421 4.3.2 "
		   "Service not available");
}

/* Of a long reply only the head is quoted. */
static void test_relay_error_max(void **state)
{
	struct fixture *f = *state;
	char reply[1000], want[RELAY_ERROR_MAX + 2];

	memset(reply, 'x', sizeof(reply));
	memcpy(reply, "421 ", 4);
	reply[sizeof(reply) - 1] = '\0';
	memcpy(want, reply, RELAY_ERROR_MAX);
	memcpy(want + RELAY_ERROR_MAX, ".", 2);
	add_fault(f, 0, DEADMX_STAGE_BANNER, DEADMX_ACTION_REPLY, reply);
	start_backend(f, 0);
	begin(f);
	assert_exchange(f, ask_mail(f), want, 0);
	assert_true(strlen(f->reply) < 512);
}

/* --- the other end, and the end ------------------------------------------ */

/* Ports at which the frontend's connections are known to begin. */
static int known_ports(const struct fixture *f)
{
	struct sockaddr_storage peer = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&peer;
	int count = 0;

	uv_ip4_addr(f->w.address, 0, in);
	for (int port = 1; port < 65536; port++) {
		in->sin_port = htons((uint16_t)port);
		count += relay_frontend_at(&f->links,
					   (struct sockaddr *)&peer) ==
			 &f->servers[FRONTEND];
	}
	return count;
}

/* By its end of a connection a frontend is known. */
static void test_relay_frontend_at(void **state)
{
	struct fixture *f = *state;

	start_backend(f, 0);
	begin(f);
	assert_int_equal(known_ports(f), 0);
	ask(f, DEADMX_STAGE_MAIL, "a@b.test");
	ask_rcpt(f, "c@d.test");
	assert_int_equal(known_ports(f), 1);
	relay_forget(f->relay);
	assert_int_equal(known_ports(f), 0);
}

/* Closed while it waits for a backend: no answer, and nothing is left. */
static void test_relay_close_while_asked(void **state)
{
	struct fixture *f = *state;
	const struct relay_question q = {.stage = DEADMX_STAGE_RCPT,
					 .envelope = &f->envelope,
					 .path = "c@d.test"};
	const char *now;

	add_fault(f, 0, DEADMX_STAGE_BANNER, DEADMX_ACTION_STALL, NULL);
	start_backend(f, 0);
	begin(f);
	assert_true(relay_ask(f->relay, &q, &now));
	fixture_await_event(&f->w, "fault 1 b1.test banner stall");
	relay_close(f->relay, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	f->relay = NULL;
	assert_string_equal(f->reply, "");
	assert_string_equal(f->tries, "left b1.test\n");
}

/* A farewell that is never answered doesn't keep a world that ends. */
static void test_relay_abort(void **state)
{
	struct fixture *f = *state;

	add_fault(f, 0, DEADMX_STAGE_QUIT, DEADMX_ACTION_STALL, NULL);
	start_backend(f, 0);
	begin(f);
	assert_string_equal(ask_mail(f), "250 Message accepted");
	fixture_await_event(&f->w, "fault 1 b1.test quit stall");
	relay_close(f->relay, fixture_on_closed, &f->w);
	assert_false(f->w.closed);
	relay_links_abort(&f->links, &f->servers[FRONTEND]);
	fixture_await_closed(&f->w);
	f->relay = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_relay_healthy),
		TEST(test_relay_at),
		TEST(test_relay_two_mails),
		TEST(test_relay_mail_refused),
		TEST(test_relay_rcpt_refused),
		TEST(test_relay_data_refused),
		TEST(test_relay_dot_refused),
		TEST(test_relay_one_of_two_refused),
		TEST(test_relay_late_rcpt_refused),
		TEST(test_relay_refused_again),
		TEST(test_relay_refused),
		TEST(test_relay_blackhole),
		TEST(test_relay_dropped),
		TEST(test_relay_reset),
		TEST(test_relay_stall),
		TEST(test_relay_banner_421),
		TEST(test_relay_ehlo_refused),
		TEST(test_relay_rcpt_421),
		TEST(test_relay_dot_dropped),
		TEST(test_relay_fails_once),
		TEST(test_relay_lost_between),
		TEST(test_relay_failover),
		TEST(test_relay_failover_in_mail),
		TEST(test_relay_no_failover_after_dot),
		TEST(test_relay_all_fail),
		TEST(test_relay_timeline),
		TEST(test_relay_wraps),
		TEST(test_relay_error_max),
		TEST(test_relay_frontend_at),
		TEST(test_relay_close_while_asked),
		TEST(test_relay_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
