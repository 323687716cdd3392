/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of sim/sender.c with smtp_inject.c, smtp_client.c and sendmail.c.
 * A server of the world stands for the MTA.
 */
#include "world_fixture.h"

#include "sim/sendmail.h"
#include "sim/sender.h"
#include "sim/smtp_client.h"
#include "sim/smtp_server.h"

struct fixture {
	struct world_fixture w; /* first: also the callbacks' argument */
	struct deadmx_fault rows[2];
	struct deadmx_server config;
	struct smtp_server_shared shared;
	struct smtp_server *server;
	struct deadmx_mail mails[2 * SENDER_PARALLEL_MAX];
	struct deadmx_scenario scenario;
	struct sender_options options;
	struct sender *sender;
	int injected[INJECT_STATUS_COUNT];
};

static char *recipients[] = {STR("a@d.example"), STR("b@d.example")};

static void on_injected(void *arg, size_t index, enum inject_status status)
{
	((struct fixture *)arg)->injected[status]++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	f->config = (struct deadmx_server){
		.name = STR("mta.test"),
		.address = f->w.address,
		.port = WORLD_PORT,
		.faults = f->rows,
		.extensions = 1u << DEADMX_EXTENSION_DSN |
			      1u << DEADMX_EXTENSION_EIGHTBITMIME};
	f->shared = (struct smtp_server_shared){.loop = &f->w.loop,
						.log = f->w.log,
						.message_dir = f->w.dir,
						.budget = SMTP_SERVER_BUDGET,
						.now_ns = fixture_now,
						.arg = &f->w};
	f->scenario.mails = f->mails;
	f->scenario.mail_count = 1;
	for (int i = 0; i < 2 * SENDER_PARALLEL_MAX; i++)
		f->mails[i] = (struct deadmx_mail){.from = STR("s@x.example"),
						   .to = recipients,
						   .to_count = 2,
						   .subject = STR("hi"),
						   .body = STR(".dot\n")};
	f->options = (struct sender_options){.loop = &f->w.loop,
					     .log = f->w.log,
					     .scenario = &f->scenario,
					     .submit_host = f->w.address,
					     .submit_port = WORLD_PORT,
					     .now_ns = fixture_now,
					     .on_injected = on_injected,
					     .arg = f};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->sender) {
		sender_close(f->sender, fixture_on_closed, &f->w);
		fixture_await_closed(&f->w);
	}
	if (f->server) {
		smtp_server_close(f->server, fixture_on_closed, &f->w);
		fixture_await_closed(&f->w);
	}
	fixture_release(&f->w);
	free(f);
	return 0;
}

static void begin(struct fixture *f, bool server)
{
	if (server)
		assert_int_equal(smtp_server_new(&f->shared, &f->config, stderr,
						 &f->server),
				 0);
	f->sender = sender_new(&f->options);
	f->w.origin = (int64_t)uv_hrtime();
	sender_start(f->sender);
}

static void add_fault(struct fixture *f, enum deadmx_stage stage,
		      enum deadmx_action action, const char *reply)
{
	f->rows[f->config.fault_count++] =
		(struct deadmx_fault){.stage = stage,
				      .action = action,
				      .window.until_ns = DEADMX_FOREVER_NS,
				      .stall_ns = DEADMX_FOREVER_NS,
				      .reply = STR(reply)};
}

static void read_file(struct fixture *f, const char *name, char *buf,
		      size_t size)
{
	char path[128];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", f->w.dir, name);
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(buf, 1, size - 1, file);
	buf[n] = '\0';
	fclose(file);
}

#define INJECTED "inject 0 s@x.example [\"a@d.example\",\"b@d.example\"] "

/* Accepted: the whole mail is there, the dot unstuffed again. */
static void test_sender_smtp(void **state)
{
	struct fixture *f = *state;
	char data[1024];

	f->mails[0].notify = STR("NEVER");
	f->mails[0].envid = STR("Q1");
	f->mails[0].ret = STR("HDRS");
	f->mails[0].orcpt = STR("rfc822;c@d.example");
	begin(f, true);
	fixture_await_event(&f->w,
			    INJECTED "smtp accepted 250 Message accepted "
				     "true 0.");
	fixture_await_event(&f->w, "command 1 mta.test QUIT");
	assert_int_equal(f->injected[INJECT_ACCEPTED], 1);
	assert_non_null(strstr(f->w.events,
			       "MAIL FROM:<s@x.example> RET=HDRS ENVID=Q1\n"));
	assert_non_null(strstr(f->w.events,
			       "RCPT TO:<b@d.example> NOTIFY=NEVER "
			       "ORCPT=rfc822;c@d.example\n"));
	read_file(f, "msg-1.eml", data, sizeof(data));
	assert_non_null(strstr(data, "Message-ID: <deadmx-0@x.example>\r\n"));
	assert_non_null(strstr(data, "\r\n\r\n.dot\r\n"));
}

/* Where DSN isn't offered, or EHLO not known, the mail goes without. */
static void test_sender_helo(void **state)
{
	struct fixture *f = *state;

	f->mails[0].notify = STR("NEVER");
	f->mails[0].body = STR("\xc3\xa4");
	add_fault(f, DEADMX_STAGE_EHLO, DEADMX_ACTION_REPLY, "502 no");
	f->rows[0].window.first = 1;
	begin(f, true);
	fixture_await_event(&f->w, "smtp accepted 250");
	assert_non_null(strstr(f->w.events, " false "));
	assert_non_null(strstr(f->w.events, "HELO [127.0.0.1]\n"));
	assert_non_null(strstr(f->w.events, "FROM:<s@x.example>\n"));
	assert_non_null(strstr(f->w.events, "TO:<a@d.example>\n"));
}

/* 8-bit text is declared where that is offered. */
static void test_sender_8bitmime(void **state)
{
	struct fixture *f = *state;

	f->mails[0].body = STR("\xc3\xa4");
	begin(f, true);
	fixture_await_event(&f->w, "smtp accepted 250");
	assert_non_null(
		strstr(f->w.events, "FROM:<s@x.example> BODY=8BITMIME\n"));
}

/* One no to any part of it rejects the mail; the reply is kept whole. */
static void test_sender_rejected(void **state)
{
	struct fixture *f = *state;

	add_fault(f, DEADMX_STAGE_RCPT, DEADMX_ACTION_REPLY, "550 a\nb");
	begin(f, true);
	fixture_await_event(&f->w, INJECTED "smtp rejected 550-a\n550 b ");
	fixture_await_event(&f->w, "command 1 mta.test QUIT");
	assert_int_equal(f->injected[INJECT_REJECTED], 1);
	assert_null(strstr(f->w.events, "DATA"));
}

/* Nobody there, or gone in the middle. */
static void test_sender_failed(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	fixture_await_event(&f->w, INJECTED
			    "smtp failed connection refused "
			    "(waiting at connect) false\n"); /* never sent */
	assert_int_equal(f->injected[INJECT_FAILED], 1);
}

static void test_sender_dropped(void **state)
{
	struct fixture *f = *state;

	add_fault(f, DEADMX_STAGE_DATA, DEADMX_ACTION_DROP, NULL);
	begin(f, true);
	fixture_await_event(&f->w, INJECTED "smtp failed connection closed "
					    "(waiting at data) true\n");
}

/* A reply longer than is kept is an answer without end. */
static void test_sender_reply_limit(void **state)
{
	struct fixture *f = *state;
	char reply[SMTP_CLIENT_REPLY_MAX + 8];

	memset(reply, 'x', sizeof(reply));
	memcpy(reply, "250 ", 4);
	/* With CRLF the limit to the byte, then one more. */
	reply[SMTP_CLIENT_REPLY_MAX - 2] = '\0';
	add_fault(f, DEADMX_STAGE_DOT, DEADMX_ACTION_REPLY, reply);
	begin(f, true);
	fixture_await_event(&f->w, "smtp accepted 250 xxx");
	sender_close(f->sender, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	memcpy(reply + SMTP_CLIENT_REPLY_MAX - 2, "x", 2);
	f->sender = sender_new(&f->options);
	sender_start(f->sender);
	fixture_await_event(&f->w, "smtp failed an answer without end");
}

/* Each at its time, those of one time in the file's order. */
static void test_sender_times(void **state)
{
	struct fixture *f = *state;
	const char *first, *second;

	f->scenario.mail_count = 2;
	f->mails[0].at_ns = MS(60);
	f->mails[1].at_ns = MS(30);
	begin(f, true);
	fixture_await_event(&f->w, "inject 1 ");
	assert_true(fixture_now(&f->w) >= MS(30));
	fixture_await_event(&f->w, "inject 0 ");
	assert_true(fixture_now(&f->w) >= MS(60));
	first = strstr(f->w.events, "inject 1 ");
	second = strstr(f->w.events, "inject 0 ");
	assert_true(first < second);
}

/* Put off: handed over again until it is taken, in its turn among the rest. */
static void test_sender_retry(void **state)
{
	struct fixture *f = *state;
	const char *put_off = "smtp rejected 452 full true";

	f->scenario.mail_count = 2;
	f->mails[0].retry_ns = MS(60);
	f->mails[1].at_ns = MS(30);
	add_fault(f, DEADMX_STAGE_MAIL, DEADMX_ACTION_REPLY, "452 full");
	f->rows[0].window.first = 1;
	begin(f, true);
	fixture_await_event(&f->w, INJECTED "smtp rejected 452 full");
	assert_int_equal(f->injected[INJECT_REJECTED], 0);
	fixture_await_event(&f->w, "inject 1 ");
	assert_null(strstr(f->w.events, INJECTED "smtp accepted"));
	fixture_await_event(&f->w, INJECTED "smtp accepted");
	assert_true(fixture_now(&f->w) >= MS(60));
	while (f->injected[INJECT_ACCEPTED] < 2)
		fixture_turn(&f->w);
	assert_null(strstr(strstr(f->w.events, put_off) + 1, put_off));
}

/* Nobody there yet is no answer: tried again, too. */
static void test_sender_retry_failed(void **state)
{
	struct fixture *f = *state;

	f->mails[0].retry_ns = MS(1);
	begin(f, false);
	fixture_await_event(&f->w, "smtp failed connection refused");
	assert_int_equal(
		smtp_server_new(&f->shared, &f->config, stderr, &f->server), 0);
	fixture_await_event(&f->w, "smtp accepted 250");
	assert_int_equal(f->injected[INJECT_FAILED], 0);
}

/* Refused for good: that is the end of it. */
static void test_sender_retry_refused(void **state)
{
	struct fixture *f = *state;

	f->mails[0].retry_ns = MS(1);
	add_fault(f, DEADMX_STAGE_RCPT, DEADMX_ACTION_REPLY, "550 no");
	begin(f, true);
	while (!f->injected[INJECT_REJECTED])
		fixture_turn(&f->w);
	assert_non_null(strstr(f->w.events, "smtp rejected 550 no"));
}

/* What a command's exit status means differs: none but 0 is an end. */
static void test_sender_retry_sendmail(void **state)
{
	struct fixture *f = *state;
	char command[256];

	f->mails[0].via_sendmail = true;
	f->mails[0].retry_ns = MS(1);
	snprintf(command, sizeof(command),
		 "test -e %s/tried && exit 0; >%s/tried; echo full; exit 66",
		 f->w.dir, f->w.dir);
	f->options.sendmail = command;
	begin(f, false);
	fixture_await_event(&f->w, "sendmail rejected exit status 66: full");
	fixture_await_event(&f->w, "sendmail accepted");
	assert_int_equal(f->injected[INJECT_REJECTED], 0);
}

/* At most so many side by side: the rest waits for a free place. */
static void test_sender_parallel_limit(void **state)
{
	struct fixture *f = *state;

	f->scenario.mail_count = 2 * SENDER_PARALLEL_MAX;
	add_fault(f, DEADMX_STAGE_BANNER, DEADMX_ACTION_STALL, NULL);
	f->rows[0].stall_ns = MS(100);
	f->rows[0].window.first = SENDER_PARALLEL_MAX;
	begin(f, true);
	for (int i = 0; i < 20; i++)
		fixture_turn(&f->w);
	assert_int_equal(smtp_server_connections(f->server),
			 SENDER_PARALLEL_MAX);
	while (f->injected[INJECT_ACCEPTED] < 2 * SENDER_PARALLEL_MAX)
		fixture_turn(&f->w);
}

/* Closed in the middle: no event, no leak. */
static void test_sender_close_early(void **state)
{
	struct fixture *f = *state;

	f->scenario.mail_count = 2;
	f->mails[1].via_sendmail = true;
	f->options.sendmail = "exec sleep 100";
	add_fault(f, DEADMX_STAGE_MAIL, DEADMX_ACTION_STALL, NULL);
	begin(f, true);
	fixture_await_event(&f->w, "fault 1 mta.test mail stall");
	sender_close(f->sender, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	f->sender = NULL;
	assert_null(strstr(f->w.events, "inject"));
}

/* By the sendmail command: what it gets on its input and command line. */
static void test_sender_sendmail(void **state)
{
	struct fixture *f = *state;
	char command[256], data[1024];

	f->mails[0].via_sendmail = true;
	f->mails[0].from = STR("o'x@x.example");
	snprintf(command, sizeof(command),
		 "echo {from} {to} >%s/args; cat >%s/mail; echo well >&2",
		 f->w.dir, f->w.dir);
	f->options.sendmail = command;
	begin(f, false);
	fixture_await_event(&f->w, "sendmail accepted well false ");
	read_file(f, "args", data, sizeof(data));
	assert_string_equal(data, "o'x@x.example a@d.example b@d.example\n");
	read_file(f, "mail", data, sizeof(data));
	assert_non_null(strstr(data, "Subject: hi\n"));
	assert_non_null(strstr(data, "\n\n.dot\n"));
}

/* Exit status, output, a signal; a command that reads nothing. */
static void test_sender_sendmail_fails(void **state)
{
	struct fixture *f = *state;

	f->mails[0].via_sendmail = true;
	f->options.sendmail = "echo no; exit 75";
	begin(f, false);
	fixture_await_event(&f->w,
			    "sendmail rejected exit status 75: no false ");
	sender_close(f->sender, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	f->options.sendmail = "kill -9 $$";
	begin(f, false);
	fixture_await_event(&f->w,
			    "sendmail failed killed by signal 9:  false ");
	sender_close(f->sender, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	f->options.sendmail = NULL;
	begin(f, false);
	fixture_await_event(&f->w, "failed the target has no sendmail");
}

/* More output than is kept: it ends, and the log stays small. */
static void test_sender_sendmail_output_limit(void **state)
{
	struct fixture *f = *state;

	f->mails[0].via_sendmail = true;
	f->options.sendmail = "head -c 100000 /dev/zero | tr '\\0' x";
	begin(f, false);
	fixture_await_event(&f->w, "sendmail accepted xxx");
	assert_true(f->w.events_len < INJECT_REPLY_MAX + 200);
}

/* Quoted for the shell; the null reverse-path has its own spelling. */
static void test_sender_sendmail_command(void **state)
{
	static char *to[] = {STR("a b@c"), STR("$(x)@c")};
	struct deadmx_mail mail = {.from = STR(""), .to = to, .to_count = 2};
	char *text = sendmail_command("x -f {from} -- {to} {", &mail);

	assert_string_equal(text, "x -f '<>' -- 'a b@c' '$(x)@c' {");
	free(text);
	mail.from = STR("o'x@c");
	text = sendmail_command("{from}", &mail);
	assert_string_equal(text, "'o'\\''x@c'");
	free(text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_sender_smtp),
		T(test_sender_helo),
		T(test_sender_8bitmime),
		T(test_sender_rejected),
		T(test_sender_failed),
		T(test_sender_dropped),
		T(test_sender_reply_limit),
		T(test_sender_times),
		T(test_sender_retry),
		T(test_sender_retry_failed),
		T(test_sender_retry_refused),
		T(test_sender_retry_sendmail),
		T(test_sender_parallel_limit),
		T(test_sender_close_early),
		T(test_sender_sendmail),
		T(test_sender_sendmail_fails),
		T(test_sender_sendmail_output_limit),
		T(test_sender_sendmail_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
