/* SPDX-License-Identifier: MIT */
/* Unit tests of harness/control.c: a world changed and looked at by HTTP. */
#include "http_client.h"

#include "deadmx/world.h"
#include "harness/control.h"

struct fixture {
	struct world_fixture w;
	struct http_client client;
	char *domains[1];
	struct deadmx_fault rows[2];
	struct deadmx_server servers[2];
	struct deadmx_scenario scenario;
	struct deadmx_event_log *log;
	struct deadmx_world_run *run;
	struct control *control;
	uint64_t seq;
};

static int64_t log_now(void *arg)
{
	const struct fixture *f = arg;

	return f->run ? deadmx_world_now_ns(f->run) : 0;
}

static void log_sink(void *arg, const char *line, size_t len)
{
	struct fixture *f = arg;
	char *text = NULL;
	int n = asprintf(&text, "{\"seq\":%ju,%s", (uintmax_t)++f->seq,
			 line + 1);

	if (f->control)
		control_event(f->control, f->seq, text, (size_t)n);
	free(text);
}

static void on_message(void *arg, const char *data, size_t len)
{
	const struct fixture *f = arg;

	control_message(f->control, data, len);
}

static void begin(struct fixture *f)
{
	const struct deadmx_world_options world = {
		.dns_address = f->w.address,
		.dns_port = 5353,
		.on_message = on_message,
		.arg = f,
	};
	struct control_options options = {
		.scenario = &f->scenario,
		.log = f->log,
		.dns_address = f->w.address,
		.dns_port = 5353,
	};

	assert_int_equal(deadmx_world_start(&f->w.loop, &f->scenario, &world,
					    f->log, stderr, &f->run),
			 0);
	options.world = f->run;
	assert_int_equal(control_new(&f->w.loop, &options, stderr, &f->control),
			 0);
	deadmx_world_set_origin(f->run);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	f->client.w = &f->w;
	f->log = deadmx_event_log_new(log_now, log_sink, f);
	f->domains[0] = STR("dest.example");
	f->rows[0] = (struct deadmx_fault){.place.line = 7,
					   .stage = DEADMX_STAGE_RCPT,
					   .action = DEADMX_ACTION_REPLY,
					   .reply = STR("451 4.7.1 Later"),
					   .window.until_ns =
						   3600 * DEADMX_NS_PER_S};
	f->servers[0] = (struct deadmx_server){.name = STR("mx.dest.example"),
					       .address = f->w.address,
					       .port = WORLD_PORT,
					       .mx_for = f->domains,
					       .mx_for_count = 1,
					       .faults = f->rows,
					       .fault_count = 1};
	f->servers[1] = (struct deadmx_server){.name = STR("b.dest.example"),
					       .address = f->w.address,
					       .port = WORLD_PORT + 1};
	f->scenario.name = STR("test/control");
	f->scenario.description = STR("A test.");
	f->scenario.world.servers = f->servers;
	f->scenario.world.server_count = 2;
	begin(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	control_close(f->control, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	f->control = NULL;
	deadmx_world_close(f->run, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	deadmx_event_log_free(f->log);
	fixture_release(&f->w);
	free(f);
	return 0;
}

/* Ask; the status must be @status. The answer's body. */
static const char *ask(struct fixture *f, const char *method, const char *url,
		       const char *body, int status)
{
	int got = http_client_ask(&f->client, control_port(f->control), method,
				  url, body);

	if (got != status)
		fail_msg("%s %s: %d, expected %d:\n%s", method, url, got,
			 status, f->client.text);
	return http_client_body(&f->client);
}

static void expect(struct fixture *f, const char *method, const char *url,
		   const char *body, int status, const char *want)
{
	const char *got = ask(f, method, url, body, status);

	if (!strstr(got, want))
		fail_msg("%s %s: expected %s in:\n%s", method, url, want, got);
}

/* One mail over SMTP, as far as the server lets it go; its last reply. */
static void send_mail(struct fixture *f, const char *to, const char *reply)
{
	int fd = fixture_client(&f->w);
	char text[512], got[1024];
	size_t len = 0;
	ssize_t n;

	snprintf(
		text, sizeof(text),
		"HELO me\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<%s>\r\nDATA\r\n"
		"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n",
		to);
	fixture_send(&f->w, fd, text);
	while ((n = recv(fd, got + len, sizeof(got) - 1 - len, 0)) != 0) {
		if (n > 0)
			len += (size_t)n;
		else if (errno != EAGAIN)
			break;
		fixture_turn(&f->w);
	}
	got[len] = '\0';
	if (!strstr(got, reply))
		fail_msg("expected %s in:\n%s", reply, got);
	close(fd);
}

/* A timeline's row is shown with its state. */
static void test_control_servers(void **state)
{
	struct fixture *f = *state;

	expect(f, "GET", "/servers", "", 200, "\"name\": \"b.dest.example\"");
	expect(f, "GET", "/servers/mx.dest.example", "", 200,
	       "\"state\": \"faulty\"");
	expect(f, "GET", "/servers/MX.Dest.example", "", 200, "\"line\": 7");
	expect(f, "GET", "/servers/b.dest.example", "", 200,
	       "\"state\": \"healthy\"");
	expect(f, "GET", "/servers/nix.example", "", 404,
	       "there is no /servers/nix.example");
}

/* Rows by hand, as JSON and as YAML, and back to the timeline. */
static void test_control_state(void **state)
{
	static const char url[] = "/servers/mx.dest.example/state";
	struct fixture *f = *state;

	expect(f, "PUT", url, "{\"rcpt\":\"452 4.2.2 Full\"}", 200,
	       "\"by_hand\": true");
	send_mail(f, "bob@dest.example", "452 4.2.2 Full\r\n");
	expect(f, "PUT", url, "- {first: 1, rcpt: 450 once}\n- mail: drop\n",
	       200, "\"first\": 1");
	send_mail(f, "bob@dest.example", "250 mx.dest.example\r\n");
	expect(f, "DELETE", url, "", 200, "\"by_hand\": false");
	send_mail(f, "bob@dest.example", "451 4.7.1 Later\r\n");
}

/* What is wrong with a row is told as in a scenario; nothing changes. */
static void test_control_state_wrong(void **state)
{
	static const char url[] = "/servers/mx.dest.example/state";
	struct fixture *f = *state;

	expect(f, "PUT", url, "{\"rctp\":\"452 4.2.2 Full\"}", 400,
	       "did you mean");
	expect(f, "PUT", url, "", 400, "\"error\": ");
	expect(f, "GET", url, "", 200, "\"by_hand\": false");
	expect(f, "PUT", url, "connect: stall", 400, "connect");
}

/* Down: nobody gets in, and who is in gets out. Up: healthy at all stages. */
static void test_control_down_up(void **state)
{
	struct fixture *f = *state;
	int fd = fixture_client(&f->w);

	fixture_expect(&f->w, fd, "220 mx.dest.example ESMTP\r\n");
	expect(f, "GET", "/servers/mx.dest.example", "", 200,
	       "\"connections\": 1");
	expect(f, "POST", "/servers/mx.dest.example/down", "", 200,
	       "\"state\": \"down\"");
	assert_non_null(
		strstr(http_client_body(&f->client), "\"connections\": 0"));
	fixture_expect_end(&f->w, fd, 0);
	fixture_expect_end(&f->w, fixture_client(&f->w), ECONNREFUSED);
	expect(f, "POST", "/servers/mx.dest.example/up", "", 200,
	       "\"state\": \"healthy\"");
	send_mail(f, "bob@dest.example", "250 Message accepted\r\n");
}

/* A message: listed, as it came, found by address, given back once. */
static void test_control_messages(void **state)
{
	struct fixture *f = *state;

	ask(f, "POST", "/servers/mx.dest.example/up", "", 200);
	send_mail(f, "bob@dest.example", "250 Message accepted\r\n");
	send_mail(f, "carol@dest.example", "250 Message accepted\r\n");
	expect(f, "GET", "/messages?to=carol@dest.example", "", 200,
	       "\"number\": 2");
	assert_null(strstr(http_client_body(&f->client), "\"number\": 1"));
	assert_string_equal(ask(f, "GET", "/messages/1", "", 200),
			    "Subject: x\r\n\r\nx\r\n");
	assert_non_null(strstr(f->client.text, "message/rfc822"));
	assert_string_equal(ask(f, "GET", "/messages/2.eml", "", 200),
			    "Subject: x\r\n\r\nx\r\n");
	ask(f, "GET", "/messages/3", "", 404);
	ask(f, "GET", "/messages/0", "", 404);
	expect(f, "DELETE", "/messages/2", "", 200,
	       "\"data\": \"Subject: x\\r\\n\\r\\nx\\r\\n\"");
	ask(f, "GET", "/messages/2", "", 404);
	expect(f, "DELETE", "/messages", "", 200, "\"number\": 1");
	expect(f, "GET", "/messages", "", 200, "\"messages\": []");
}

/* A test waits for its message instead of asking again and again. */
static void test_control_messages_wait(void **state)
{
	struct fixture *f = *state;
	struct http_client *second = calloc(1, sizeof(*second));

	second->w = &f->w;
	ask(f, "POST", "/servers/mx.dest.example/up", "", 200);
	http_client_say(second, control_port(f->control), "GET",
			"/messages?wait=30&count=2&server=mx.dest.example", "",
			"");
	send_mail(f, "bob@dest.example", "250 Message accepted\r\n");
	assert_true(http_client_poll(second));
	assert_int_equal(second->len, 0);
	send_mail(f, "bob@dest.example", "250 Message accepted\r\n");
	http_client_await(second);
	assert_int_equal(http_client_status(second), 200);
	assert_non_null(strstr(second->text, "\"number\": 2"));
	free(second);
	expect(f, "GET", "/messages?wait=1&to=nobody@dest.example", "", 200,
	       "\"messages\": []");
}

/* Sessions with what was said; events behind a number. */
static void test_control_sessions_events(void **state)
{
	struct fixture *f = *state;

	send_mail(f, "bob@dest.example", "451 4.7.1 Later\r\n");
	expect(f, "GET", "/sessions", "", 200, "\"helo\": \"me\"");
	expect(f, "GET", "/sessions/1", "", 200, "\"line\": \"HELO me\"");
	ask(f, "GET", "/sessions/2", "", 404);
	expect(f, "GET", "/events?type=fault", "", 200, "\"line\": 7");
	expect(f, "GET", "/events?since=2&limit=1", "", 200, "\"next\": 3");
	expect(f, "GET", "/events?session=2", "", 200, "\"events\": []");
	expect(f, "GET", "/events?since=999&wait=1", "", 200, "\"events\": []");
}

/* The timeline is moved, and what holds then holds. */
static void test_control_time(void **state)
{
	struct fixture *f = *state;

	expect(f, "GET", "/time", "", 200, "\"speed\": 1");
	expect(f, "POST", "/time", "{\"to\": \"59m\", \"speed\": 60}", 200,
	       "\"speed\": 60");
	expect(f, "GET", "/servers/mx.dest.example", "", 200,
	       "\"state\": \"faulty\"");
	expect(f, "POST", "/time", "by: 2m", 200, "\"text\": \"1 h ");
	expect(f, "GET", "/servers/mx.dest.example", "", 200,
	       "\"state\": \"healthy\"");
	expect(f, "POST", "/time", "to: 1s", 400, "POST /reset");
	expect(f, "POST", "/time", "{to: 3h, by: 1h}", 400, "exclude");
	expect(f, "POST", "/time", "speed: 0", 400, "speed");
	expect(f, "POST", "/time", "too: 3h", 400, "did you mean");
	expect(f, "GET", "/events?type=jump", "", 200, "\"to\": 3540.0");
}

/* Between two tests: all as at the start, except for the numbers. */
static void test_control_reset(void **state)
{
	struct fixture *f = *state;
	int fd;

	ask(f, "POST", "/servers/mx.dest.example/up", "", 200);
	send_mail(f, "bob@dest.example", "250 Message accepted\r\n");
	ask(f, "POST", "/time", "to: 2h", 200);
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 mx.dest.example ESMTP\r\n");
	expect(f, "POST", "/reset", "", 200, "\"since\": ");
	fixture_expect_end(&f->w, fd, 0);
	expect(f, "GET", "/messages", "", 200, "\"messages\": []");
	expect(f, "GET", "/sessions", "", 200, "\"sessions\": []");
	expect(f, "GET", "/servers/mx.dest.example", "", 200,
	       "\"state\": \"faulty\"");
	ask(f, "POST", "/servers/mx.dest.example/up", "", 200);
	send_mail(f, "bob@dest.example", "250 Message accepted\r\n");
	expect(f, "GET", "/messages", "", 200, "\"number\": 2");
}

/* A slip is told, and what is there instead. */
static void test_control_slips(void **state)
{
	struct fixture *f = *state;

	expect(f, "GET", "/message", "", 404, "GET / lists what there is");
	expect(f, "GET", "/servers/mx.dest.example/state/x", "", 404, "error");
	expect(f, "GET", "/servers/", "", 404, "error");
	expect(f, "DELETE", "/reset", "", 405, "can't be asked by DELETE");
	expect(f, "POST", "/servers/mx.dest.example/state", "", 405, "error");
	assert_non_null(
		strstr(f->client.text, "\r\nAllow: GET, PUT, DELETE\r\n"));
	expect(f, "GET", "/messages?form=a@b", "", 400,
	       "no parameter \\\"form\\\" here; there is: to from");
	expect(f, "GET", "/time?x", "", 400, "there is: none");
	expect(f, "GET", "/messages?wait=61", "", 400,
	       "wait, expected a number from 0 to 60, got \\\"61\\\"");
	expect(f, "GET", "/events?since=-1", "", 400, "since");
}

/* GET / tells what there is. */
static void test_control_overview(void **state)
{
	struct fixture *f = *state;
	const char *got = ask(f, "GET", "/", "", 200);

	assert_non_null(strstr(got, "\"scenario\": \"test/control\""));
	for (const struct control_route *r = control_routes; r->method; r++) {
		char want[128];

		snprintf(want, sizeof(want), "\"%s %s: ", r->method, r->path);
		assert_non_null(strstr(got, want));
	}
}

/* Every route and its parameters stand in the page, in the table's words. */
static void test_control_documented(void **state)
{
	static char page[65536];
	FILE *file = fopen(TEST_DIR "/../docs/serve.md", "r");
	size_t len;

	assert_non_null(file);
	len = fread(page, 1, sizeof(page) - 1, file);
	fclose(file);
	page[len] = '\0';
	for (const struct control_route *r = control_routes; r->method; r++) {
		char want[512];

		snprintf(want, sizeof(want), "| `%s %s` | %s%s%s | %s |",
			 r->method, r->path, *r->query ? "`" : "", r->query,
			 *r->query ? "`" : "", r->doc);
		if (!strstr(page, want))
			fail_msg("docs/serve.md lacks: %s", want);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_control_servers),
		T(test_control_state),
		T(test_control_state_wrong),
		T(test_control_down_up),
		T(test_control_messages),
		T(test_control_messages_wait),
		T(test_control_sessions_events),
		T(test_control_time),
		T(test_control_reset),
		T(test_control_slips),
		T(test_control_overview),
		cmocka_unit_test(test_control_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
