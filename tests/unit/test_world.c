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
	assert_string_equal(f->w.events,
			    "state mx.dest.example connect null null\n");
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
				       .until_ns = DEADMX_FOREVER_NS};
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
				       .until_ns = DEADMX_FOREVER_NS};
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_world_delivery), T(test_world_unacknowledged),
		T(test_world_refused),	T(test_world_start_fails),
		T(test_world_bad_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
