/* SPDX-License-Identifier: MIT */
/* What the judge makes of frontends, whose backends are no destination. */
#include "stored_run.h"

#include "harness/judge/attempts.h"

/* The backend could take the domain's mail by itself, too. */
#define FRONTEND(backend)                                                      \
	"description: test\n"                                                  \
	"world:\n"                                                             \
	"  servers:\n"                                                         \
	"    " MX1 ": {relay: box.dest.example}\n"                             \
	"    box.dest.example: {timeline: [{" backend "}]}\n" STORED_MAIL      \
	"expect: {ndr: none}\n"
#define BOX	    "box.dest.example"
#define BOX_ADDRESS "192.0.2.11"
#define WRAPPED	    "451 4.4.0 Primary target IP address responded with …"

static struct attempts *a; /* freed by the teardown */

static int attempts_end(void **state)
{
	attempts_free(a);
	a = NULL;
	return stored_end(state);
}

static void read_back(void)
{
	fclose(run.events);
	run.events = NULL;
	assert_int_equal(
		attempts_read(run.scenario, run.dir, stderr, &run.v, &a), 0);
}

/* The frontend's own connection to the backend. */
static int accepted_from_frontend(double t)
{
	int session = ++run.sessions;

	ev(t, "accept",
	   "\"session\":%d,\"server\":\"" BOX "\",\"address\":\"" BOX_ADDRESS
	   "\",\"port\":25,\"peer\":\"" MX1_ADDRESS "\",\"frontend\":\"" MX1
	   "\"",
	   session);
	return session;
}

/* @error: in JSON. */
static void relay(double t, int session, const char *error)
{
	ev(t, "relay",
	   "\"session\":%d,\"server\":\"" MX1 "\",\"backend\":\"" BOX
	   "\",\"address\":\"" BOX_ADDRESS
	   "\",\"port\":25,\"error\":%s,\"reply\":null",
	   session, error);
}

/* A session of the MTA with the frontend, up to its RCPT. */
static int attempt(double t)
{
	int session;

	connect_to(t, MX1_ADDRESS);
	session = accepted(t, MX1, MX1_ADDRESS);
	command(t, session, "RCPT TO:<" BOB ">");
	return session;
}

/* What goes on between frontend and backend is no attempt. */
static void test_frontend_is_one_attempt(void **unused)
{
	int front, back;

	stored_begin(FRONTEND("dot: reset"));
	run_begin();
	inject(0, ALICE, BOB);
	front = attempt(1);
	back = accepted_from_frontend(1.1);
	relay(1.2, front, "null");
	command(1.3, back, "RCPT TO:<" BOB ">");
	fault(1.4, back, "dot", "reset", "null");
	relay(1.5, front, "\"reset\"");
	reply(1.5, front, "dot", WRAPPED);
	run_finish(700, "x");
	read_back();
	assert_int_equal(a->try_count, 1);
	assert_string_equal(a->tries[0].server->name, MX1);
	assert_string_equal(a->tries[0].fault, "relay");
	assert_string_equal(a->tries[0].stage, "dot");
	assert_string_equal(a->tries[0].reply, WRAPPED);
	/* The backend's, and that the frontend lost it. */
	assert_int_equal(a->faults_fired, 2);
}

/* A backend that refuses connections is seen by nobody but the frontend. */
static void test_frontend_backend_refuses(void **unused)
{
	int front;

	stored_begin(FRONTEND("connect: refuse"));
	run_begin();
	inject(0, ALICE, BOB);
	state(0, BOX, "refuse");
	front = attempt(1);
	relay(1.1, front, "\"refused\"");
	reply(1.1, front, "rcpt", WRAPPED);
	run_finish(700, "x");
	read_back();
	assert_int_equal(a->try_count, 1);
	assert_int_equal(a->faults_fired, 1);
	assert_string_equal(a->tries[0].fault, "relay");
	assert_string_equal(a->tries[0].stage, "rcpt");
}

/* After a failover that found one all is well. */
static void test_frontend_failover(void **unused)
{
	int front;

	stored_begin(FRONTEND("connect: refuse"));
	run_begin();
	inject(0, ALICE, BOB);
	front = attempt(1);
	relay(1.1, front, "\"refused\"");
	relay(1.2, front, "null");
	reply(1.3, front, "rcpt", "550 5.1.1 Nobody");
	run_finish(700, "x");
	read_back();
	assert_null(a->tries[0].fault);
	assert_string_equal(a->tries[0].reply, "550 5.1.1 Nobody");
}

/* A client that leaves is a fault only where the backend has one. */
static void test_frontend_client_leaves(void **unused)
{
	stored_begin(FRONTEND("until: 1h, connect: blackhole"));
	run_begin();
	inject(0, ALICE, BOB);
	relay(1, attempt(1), "\"left\"");
	state(2, BOX, "blackhole");
	relay(3, attempt(3), "\"left\"");
	state(4, BOX, NULL);
	relay(5, attempt(5), "\"left\"");
	run_finish(700, "x");
	read_back();
	assert_int_equal(a->faults_fired, 1);
}

/* A message behind a frontend is delivered by the frontend; one whose word
 * was lost between the two is nobody's surprise when it comes again. */
static void test_frontend_deliveries(void **unused)
{
	stored_begin(FRONTEND("first: 1, dot: reset"));
	run_begin();
	inject(0, ALICE, BOB);
	attempt(1);
	accepted_from_frontend(1);
	message(1, BOX, ALICE, BOB,
		",\"frontend\":\"" MX1 "\",\"unacknowledged\":true");
	attempt(600);
	message(600, MX1, ALICE, BOB, ",\"backend\":\"" BOX "\"");
	run_finish(700, QUEUE_EMPTY);
	read_back();
	assert_int_equal(a->delivery_count, 1);
	assert_string_equal(a->deliveries[0].server->name, MX1);
	assert_int_equal(a->parties[0].unacknowledged_count, 1);
	assert_int_equal(a->parties[0].delivered_count, 1);
}

#define T(name) cmocka_unit_test_teardown(name, attempts_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_frontend_is_one_attempt),
		T(test_frontend_backend_refuses),
		T(test_frontend_failover),
		T(test_frontend_client_leaves),
		T(test_frontend_deliveries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
