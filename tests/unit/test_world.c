/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/world.c: all parts together, in real time. */
#include "world_fixture.h"

#include "deadmx/world.h"

struct fixture {
	struct world_fixture w;
	char *domains[1];
	struct deadmx_fault row;
	struct deadmx_server server;
	struct deadmx_mail mail;
	char *to[1];
	struct deadmx_scenario scenario;
	struct deadmx_world_options options;
	struct deadmx_world_run *run;
	int progress;
	size_t data_len;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_init(&f->w);
	f->domains[0] = STR("dest.example");
	f->to[0] = STR("a@dest.example");
	f->server = (struct deadmx_server){.name = STR("mx.dest.example"),
					   .address = f->w.address,
					   .port = WORLD_PORT,
					   .mx_for = f->domains,
					   .mx_for_count = 1,
					   .faults = &f->row};
	f->mail = (struct deadmx_mail){
		.from = STR("s@x.example"), .to = f->to, .to_count = 1};
	f->scenario.world.servers = &f->server;
	f->scenario.world.server_count = 1;
	f->scenario.mails = &f->mail;
	f->scenario.mail_count = 1;
	/* The destination stands for the MTA: what is sent is delivered. */
	f->options = (struct deadmx_world_options){.dns_address = f->w.address,
						   .dns_port = 5353,
						   .message_dir = f->w.dir,
						   .submit_host = f->w.address,
						   .submit_port = WORLD_PORT};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->run) {
		deadmx_world_close(f->run, fixture_on_closed, &f->w);
		fixture_await_closed(&f->w);
	}
	fixture_release(&f->w);
	free(f);
	return 0;
}

static void on_progress(void *arg)
{
	((struct fixture *)arg)->progress++;
}

static void begin(struct fixture *f)
{
	assert_int_equal(deadmx_world_start(&f->w.loop, &f->scenario,
					    &f->options, f->w.log, stderr,
					    &f->run),
			 0);
	deadmx_world_on_progress(f->run, on_progress, f);
}

/* Injected and delivered: the recipient is not open any more. */
static void test_world_delivery(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_int_equal(deadmx_world_open_count(f->run), 1);
	deadmx_world_set_origin(f->run);
	assert_true(deadmx_world_now_ns(f->run) >= 0);
	assert_true(deadmx_world_now_ns(f->run) < MS(1000));
	assert_memory_equal(f->w.events,
			    "state mx.dest.example connect null null ", 40);
	deadmx_world_inject(f->run);
	while (deadmx_world_open_count(f->run))
		fixture_turn(&f->w);
	assert_int_equal(f->progress, 1);
	fixture_await_event(&f->w, "inject 0 ");
	assert_int_equal(f->progress, 2);
}

/* A message whose sender can't know of it is no delivery. */
static void test_world_unacknowledged(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->row = (struct deadmx_fault){.stage = DEADMX_STAGE_DOT,
				       .action = DEADMX_ACTION_DROP,
				       .window.until_ns = DEADMX_FOREVER_NS};
	f->server.fault_count = 1;
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO x\r\nMAIL FROM:<s@x.example>\r\n"
		     "RCPT TO:<a@dest.example>\r\nDATA\r\n\r\nx\r\n.\r\n");
	fixture_await_event(&f->w, " msg-1.eml 5 true\n");
	assert_int_equal(f->progress, 1);
	assert_int_equal(deadmx_world_open_count(f->run), 1);
	close(fd);
}

/* What is not injected is not waited for; a later mail is. */
static void test_world_refused(void **state)
{
	struct fixture *f = *state;

	f->row = (struct deadmx_fault){.stage = DEADMX_STAGE_CONNECT,
				       .action = DEADMX_ACTION_REFUSE,
				       .window.until_ns = DEADMX_FOREVER_NS};
	f->server.fault_count = 1;
	f->mail.at_ns = MS(30);
	begin(f);
	deadmx_world_inject(f->run);
	fixture_turn(&f->w);
	assert_int_equal(deadmx_world_open_count(f->run), 1);
	fixture_await_event(&f->w, "failed connection refused");
	assert_int_equal(deadmx_world_open_count(f->run), 0);
	assert_int_equal(f->progress, 1);
}

/* Ask the world's DNS for the destination's MX, and wait for @event. */
static void ask(struct fixture *f, const char *event)
{
	static const char question[] = "\0\1\1\0\0\1\0\0\0\0\0\0"
				       "\4dest\7example\0\0\17\0\1";
	struct sockaddr_in addr;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	uv_ip4_addr(f->w.address, f->options.dns_port, &addr);
	fixture_clear_events(&f->w);
	assert_true(sendto(fd, question, sizeof(question) - 1, 0,
			   (struct sockaddr *)&addr, sizeof(addr)) > 0);
	fixture_await_event(&f->w, event);
	close(fd);
}

/* A name's timeline is counted from the origin, and counts anew there. */
static void test_world_names(void **state)
{
	/* They outlive the world, which the teardown ends. */
	static struct deadmx_name_row rows[] = {
		{.window = {.until_ns = DEADMX_FOREVER_NS, .first = 1},
		 .action = DEADMX_DNS_ACTION_SERVFAIL},
		{.window = {.from_ns = MS(3600 * 1000),
			    .until_ns = DEADMX_FOREVER_NS},
		 .action = DEADMX_DNS_ACTION_LAME},
	};
	static struct deadmx_name name = {
		.name = STR("dest.example"), .rows = rows, .row_count = 2};
	struct fixture *f = *state;

	f->scenario.world.names = &name;
	f->scenario.world.name_count = 1;
	begin(f);
	ask(f, " SERVFAIL ");
	ask(f, " NOERROR ");
	deadmx_world_set_origin(f->run);
	ask(f, " SERVFAIL ");
	ask(f, " NOERROR 1 udp 0.0 null null\n");
}

/* It can't start: one line, and nothing is left open. */
static void test_world_start_fails(void **state)
{
	struct fixture *f = *state;
	char text[256] = "";
	FILE *errors = fmemopen(text, sizeof(text), "w");

	f->server.address = STR("192.0.2.77");
	assert_int_equal(deadmx_world_start(&f->w.loop, &f->scenario,
					    &f->options, f->w.log, errors,
					    &f->run),
			 -EADDRNOTAVAIL);
	fclose(errors);
	assert_string_equal(text, "server mx.dest.example: can't listen on "
				  "192.0.2.77 port 2525: Cannot assign "
				  "requested address\n");
	assert_null(f->run);
}

/* A name that DNS can't hold. */
static void test_world_bad_name(void **state)
{
	struct fixture *f = *state;
	char text[256] = "";
	FILE *errors = fmemopen(text, sizeof(text), "w");

	f->domains[0] = STR("not a name");
	assert_int_equal(deadmx_world_start(&f->w.loop, &f->scenario,
					    &f->options, f->w.log, errors,
					    &f->run),
			 -EINVAL);
	fclose(errors);
	assert_string_equal(text,
			    "DNS: \"not a name\" is no host or domain name\n");
}

/* Rows set by hand stand above the timeline until they are cleared. */
static void test_world_rows(void **state)
{
	static const char refuse[] = "{\"connect\":\"refuse\"}";
	struct fixture *f = *state;
	struct deadmx_world_row rows[2];

	f->row = (struct deadmx_fault){.stage = DEADMX_STAGE_BANNER,
				       .action = DEADMX_ACTION_DROP,
				       .window.until_ns = DEADMX_FOREVER_NS};
	f->server.fault_count = 1;
	begin(f);
	assert_int_equal(deadmx_world_rows(f->run, 0, rows, 2), 1);
	assert_int_equal(deadmx_world_set_rows(f->run, 0, refuse,
					       strlen(refuse), stderr),
			 0);
	fixture_await_event(&f->w, "state mx.dest.example connect refuse 0 ");
	assert_int_equal(deadmx_world_rows(f->run, 0, rows, 2), 2);
	assert_true(rows[0].by_hand && rows[0].open);
	assert_int_equal(rows[0].fault->action, DEADMX_ACTION_REFUSE);
	assert_true(!rows[1].by_hand && rows[1].open);
	assert_ptr_equal(rows[1].fault, &f->row);
	fixture_expect_end(&f->w, fixture_client(&f->w), ECONNREFUSED);
	assert_int_equal(deadmx_world_clear_rows(f->run, 0), 0);
	fixture_await_event(&f->w, "state mx.dest.example connect null null ");
	fixture_expect_end(&f->w, fixture_client(&f->w), 0);
}

/* A session that is held by a row outlives it. */
static void test_world_rows_retired(void **state)
{
	struct fixture *f = *state;
	char stall[] = "banner: stall 60ms", rcpt[] = "rcpt: 451 Later";
	int fd;

	begin(f);
	assert_int_equal(
		deadmx_world_set_rows(f->run, 0, stall, strlen(stall), stderr),
		0);
	fd = fixture_client(&f->w);
	fixture_await_event(&f->w, "banner stall null 0\n");
	assert_int_equal(
		deadmx_world_set_rows(f->run, 0, rcpt, strlen(rcpt), stderr),
		0);
	fixture_expect(&f->w, fd, "220 mx.dest.example ESMTP\r\n");
	fixture_send(&f->w, fd, "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n");
	fixture_expect(&f->w, fd,
		       "250 mx.dest.example\r\n250 Sender ok\r\n451 Later\r\n");
	close(fd);
}

/* Changes while one connection is open are kept, so they are limited. */
static void test_world_rows_busy(void **state)
{
	struct fixture *f = *state;
	char row[] = "rcpt: 451 Later";
	int fd;

	begin(f);
	fd = fixture_client(&f->w);
	fixture_await_event(&f->w, "accept 1 ");
	for (int i = 0; i <= 1000; i++)
		assert_int_equal(deadmx_world_set_rows(f->run, 0, row,
						       strlen(row), stderr),
				 0);
	assert_int_equal(
		deadmx_world_set_rows(f->run, 0, row, strlen(row), stderr),
		-EBUSY);
	fixture_send(&f->w, fd, "QUIT\r\n");
	fixture_expect(&f->w, fd, "220 mx.dest.example ESMTP\r\n221 Bye\r\n");
	fixture_expect_end(&f->w, fd, 0);
	while (deadmx_world_set_rows(f->run, 0, row, strlen(row), stderr) ==
	       -EBUSY)
		fixture_turn(&f->w);
	assert_int_equal(deadmx_world_rows(f->run, 0, NULL, 0), 1);
}

/* What is no row, or can't be done here, changes nothing. */
static void test_world_rows_refused(void **state)
{
	static char many[DEADMX_WORLD_ROWS_BYTES_MAX + 1];
	struct fixture *f = *state;
	char row[] = "rcpt: 451 Later", bad[] = "rcpt: 99",
	     route[] = "connect: stall", text[1024] = "";
	FILE *errors = fmemopen(text, sizeof(text), "w");

	begin(f);
	deadmx_world_set_rows(f->run, 0, row, strlen(row), stderr);
	assert_int_equal(
		deadmx_world_set_rows(f->run, 0, bad, strlen(bad), errors),
		-EINVAL);
	assert_int_equal(
		deadmx_world_set_rows(f->run, 0, route, strlen(route), errors),
		-EINVAL);
	memset(many, ' ', sizeof(many));
	assert_int_equal(
		deadmx_world_set_rows(f->run, 0, many, sizeof(many), errors),
		-EINVAL);
	fclose(errors);
	assert_non_null(strstr(text, "unreachable"));
	assert_non_null(strstr(text, "at most 65536 bytes, got 65537"));
	assert_int_equal(deadmx_world_rows(f->run, 0, NULL, 0), 1);
}

/* A server that is killed: its clients see the end, the log too. */
static void test_world_disconnect(void **state)
{
	struct fixture *f = *state;
	int fd;

	begin(f);
	fd = fixture_client(&f->w);
	fixture_expect(&f->w, fd, "220 mx.dest.example ESMTP\r\n");
	assert_int_equal(deadmx_world_connections(f->run, 0), 1);
	deadmx_world_disconnect(f->run, 0);
	fixture_expect_end(&f->w, fd, 0);
	fixture_await_event(&f->w, "close 1 mx.dest.example server fin\n");
	assert_int_equal(deadmx_world_connections(f->run, 0), 0);
}

/* A window opens sooner on a timeline that is faster, and by a jump. */
static void test_world_time(void **state)
{
	struct fixture *f = *state;
	/* Half a minute of the host's, however busy: nothing is leapt over. */
	struct deadmx_fault rows[2] = {
		{.stage = DEADMX_STAGE_CONNECT,
		 .action = DEADMX_ACTION_REFUSE,
		 .window.from_ns = 3600 * DEADMX_NS_PER_S,
		 .window.until_ns = 36000000 * DEADMX_NS_PER_S},
		{.stage = DEADMX_STAGE_CONNECT,
		 .action = DEADMX_ACTION_BLACKHOLE,
		 .window.from_ns = 36000000 * DEADMX_NS_PER_S,
		 .window.until_ns = DEADMX_FOREVER_NS}};

	f->server.faults = rows;
	f->server.fault_count = 2;
	f->options.speed = DEADMX_WORLD_SPEED_MAX;
	begin(f);
	fixture_await_event(&f->w, "connect refuse 0 ");
	assert_int_equal(deadmx_world_speed(f->run), DEADMX_WORLD_SPEED_MAX);
	deadmx_world_set_speed(f->run, 1);
	assert_int_equal(deadmx_world_speed(f->run), 1);
	assert_int_equal(deadmx_world_jump(f->run, 0), -ERANGE);
	assert_int_equal(deadmx_world_jump(f->run, 36000000 * DEADMX_NS_PER_S),
			 0);
	assert_non_null(strstr(f->w.events, "connect blackhole 0 "));
	assert_true(deadmx_world_now_ns(f->run) < 36000010 * DEADMX_NS_PER_S);
}

/* A mail that is sent in an hour is sent at once after a jump. */
static void test_world_time_mail(void **state)
{
	struct fixture *f = *state;

	f->mail.at_ns = 3600 * DEADMX_NS_PER_S;
	begin(f);
	deadmx_world_inject(f->run);
	fixture_turn(&f->w);
	fixture_turn(&f->w);
	assert_int_equal(deadmx_world_open_count(f->run), 1);
	deadmx_world_jump(f->run, f->mail.at_ns);
	fixture_await_event(&f->w, "inject 0 ");
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct fixture *f = arg;

	f->data_len = len;
	assert_int_equal(len, 5);
	assert_memory_equal(data, "\r\nx\r\n", 5);
	assert_non_null(strstr(f->w.events, " msg-1.eml 5\n"));
}

/* The bytes of a message come right behind its event. */
static void test_world_on_message(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->options.on_message = on_data;
	f->options.arg = f;
	begin(f);
	fd = fixture_client(&f->w);
	fixture_send(&f->w, fd,
		     "HELO x\r\nMAIL FROM:<s@x.example>\r\n"
		     "RCPT TO:<a@dest.example>\r\nDATA\r\n\r\nx\r\n.\r\n");
	fixture_await_event(&f->w, " msg-1.eml 5\n");
	while (!f->data_len)
		fixture_turn(&f->w);
	close(fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* The root is there before anybody connects; where it can't be, no world. */
static void test_world_ca_file(void **state)
{
	struct fixture *f = *state;
	char path[128], head[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/ca.pem", f->w.dir);
	f->options.ca_file = path;
	begin(f);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(head, sizeof(head), file));
	fclose(file);
	assert_string_equal(head, "-----BEGIN CERTIFICATE-----\n");
}

/* The MTA's own certificate, beside the root; where it can't be, no world. */
static void test_world_mta_cert(void **state)
{
	struct fixture *f = *state;
	char ca[128], cert[128], key[128];
	char *errors = NULL;
	size_t len;
	FILE *file = open_memstream(&errors, &len);

	snprintf(ca, sizeof(ca), "%s/ca.pem", f->w.dir);
	snprintf(cert, sizeof(cert), "%s/cert.pem", f->w.dir);
	snprintf(key, sizeof(key), "%s/key.pem", f->w.dir);
	f->options.ca_file = ca;
	f->options.mta_name = "mta.example";
	f->options.mta_cert_file = cert;
	f->options.mta_key_file = "/nonexistent/key.pem";
	assert_int_equal(deadmx_world_start(&f->w.loop, &f->scenario,
					    &f->options, f->w.log, file,
					    &f->run),
			 -ENOENT);
	fclose(file);
	assert_non_null(strstr(errors, "can't write a certificate for "
				       "mta.example: No such file"));
	free(errors);
	f->options.mta_key_file = key;
	begin(f);
	assert_int_equal(access(cert, R_OK), 0);
	assert_int_equal(access(key, R_OK), 0);
}

static void test_world_ca_file_refused(void **state)
{
	struct fixture *f = *state;
	char *errors = NULL;
	size_t len;
	FILE *file = open_memstream(&errors, &len);

	f->options.ca_file = "/nonexistent/ca.pem";
	assert_int_equal(deadmx_world_start(&f->w.loop, &f->scenario,
					    &f->options, f->w.log, file,
					    &f->run),
			 -ENOENT);
	fclose(file);
	assert_string_equal(errors, "/nonexistent/ca.pem: can't write the root "
				    "certificate: No such file or directory\n");
	free(errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_world_ca_file),	      T(test_world_ca_file_refused),
		T(test_world_mta_cert),	      T(test_world_delivery),
		T(test_world_unacknowledged), T(test_world_refused),
		T(test_world_start_fails),    T(test_world_bad_name),
		T(test_world_rows),	      T(test_world_rows_retired),
		T(test_world_rows_busy),      T(test_world_rows_refused),
		T(test_world_disconnect),     T(test_world_time),
		T(test_world_time_mail),      T(test_world_on_message),
		T(test_world_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
