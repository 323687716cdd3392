/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/dns_server.c on real sockets. */
#include "world_fixture.h"

#include "sim/dns_server.h"

/* "dest.example MX", id 1, recursion desired. */
static const char question[] = "\0\1\1\0\0\1\0\0\0\0\0\0"
			       "\4dest\7example\0\0\17\0\1";
enum { QUESTION_LEN = sizeof(question) - 1 };

/* The row that is in force at dest.example; tests set it. */
static struct deadmx_name_row row;
static struct deadmx_name name = {
	.name = STR("dest.example"), .rows = &row, .row_count = 1};

struct fixture {
	struct world_fixture w;
	struct dns_zone *zone;
	struct dns_server *server;
};

static int setup(void **state)
{
	static char *domains[] = {STR("dest.example")};
	struct deadmx_server mx = {.name = STR("mx.dest.example"),
				   .address = STR("192.0.2.10"),
				   .mx_for = domains,
				   .mx_for_count = 1};
	struct deadmx_scenario scenario = {.world = {.servers = &mx,
						     .server_count = 1,
						     .names = &name,
						     .name_count = 1}};
	struct fixture *f = calloc(1, sizeof(*f));
	const char *bad;

	/* Never open. */
	row = (struct deadmx_name_row){.place = {.line = 9}};
	fixture_init(&f->w);
	assert_int_equal(dns_zone_new(&scenario, NULL, &bad, &f->zone), 0);
	assert_int_equal(dns_server_new(&f->w.loop, f->w.address, WORLD_PORT,
					f->zone, fixture_now, &f->w, f->w.log,
					stderr, &f->server),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dns_server_close(f->server, fixture_on_closed, &f->w);
	fixture_await_closed(&f->w);
	dns_zone_free(f->zone);
	fixture_release(&f->w);
	free(f);
	return 0;
}

static size_t receive(struct fixture *f, int fd, unsigned char *in, size_t size)
{
	ssize_t n;

	while ((n = recv(fd, in, size, 0)) < 0 && errno == EAGAIN)
		fixture_turn(&f->w);
	assert_true(n >= 0);
	return (size_t)n;
}

/* UDP: an answer and an event; rubbish and overlong packets get nothing. */
static void test_dns_server_udp(void **state)
{
	static char big[DNS_QUESTION_MAX + 1];
	struct fixture *f = *state;
	unsigned char in[4096];
	int error, fd = fixture_connect(&f->w, SOCK_DGRAM, &error);
	size_t n;

	memcpy(big, question, QUESTION_LEN);
	send(fd, "", 0, 0);
	send(fd, question, QUESTION_LEN - 1, 0);
	send(fd, big, sizeof(big), 0);
	send(fd, question, QUESTION_LEN, 0);
	n = receive(f, fd, in, sizeof(in));
	assert_true(n > QUESTION_LEN);
	assert_int_equal(in[7], 1);
	assert_string_equal(
		f->w.events,
		"dns dest.example MX NOERROR 1 udp 0.0 null null\n");
	close(fd);
}

/* TCP: questions in pieces, two at once; rubbish ends the connection. */
static void test_dns_server_tcp(void **state)
{
	struct fixture *f = *state;
	unsigned char in[4096];
	char out[2 + QUESTION_LEN];
	int fd = fixture_client(&f->w);
	size_t n = 0;

	out[0] = 0;
	out[1] = QUESTION_LEN;
	memcpy(out + 2, question, QUESTION_LEN);
	for (int i = 0; i < 20; i++)
		fixture_turn(&f->w);
	send(fd, out, 1, 0);
	fixture_turn(&f->w);
	send(fd, out + 1, 20, 0);
	fixture_turn(&f->w);
	send(fd, out + 21, sizeof(out) - 21, 0);
	send(fd, out, sizeof(out), 0);
	while (n < 2 || n < 2 * (2u + in[1]))
		n += receive(f, fd, in + n, sizeof(in) - n);
	assert_int_equal(in[2 + 7], 1);
	assert_string_equal(
		f->w.events,
		"dns dest.example MX NOERROR 1 tcp 0.0 null null\n"
		"dns dest.example MX NOERROR 1 tcp 0.0 null null\n");
	send(fd, "\0\2xx", 4, 0);
	assert_int_equal(receive(f, fd, in, sizeof(in)), 0);
	close(fd);
	fd = fixture_client(&f->w);
	send(fd, "\xff\xff", 2, 0);
	assert_int_equal(receive(f, fd, in, sizeof(in)), 0);
	close(fd);
}

/* The limit of TCP connections is served, one more is closed. */
static void test_dns_server_connections_limit(void **state)
{
	struct fixture *f = *state;
	int fds[DNS_SERVER_CONNECTIONS_MAX + 1];
	unsigned char in[4096];
	char out[2 + QUESTION_LEN] = {0, QUESTION_LEN};

	memcpy(out + 2, question, QUESTION_LEN);
	for (int i = 0; i < DNS_SERVER_CONNECTIONS_MAX; i++) {
		fds[i] = fixture_client(&f->w);
		fixture_turn(&f->w);
		send(fds[i], out, sizeof(out), 0);
		assert_true(receive(f, fds[i], in, sizeof(in)) > 0);
	}
	fds[DNS_SERVER_CONNECTIONS_MAX] = fixture_client(&f->w);
	assert_int_equal(
		receive(f, fds[DNS_SERVER_CONNECTIONS_MAX], in, sizeof(in)), 0);
	for (int i = 0; i <= DNS_SERVER_CONNECTIONS_MAX; i++)
		close(fds[i]);
}

/* A client that asks and never reads is cut off. */
static void test_dns_server_output_limit(void **state)
{
	enum { LEN = 2 + QUESTION_LEN };
	struct fixture *f = *state;
	char out[LEN * 1000];
	int fd = fixture_client(&f->w);
	size_t at = 0;

	for (int i = 0; i < 1000; i++) {
		out[i * LEN] = 0;
		out[i * LEN + 1] = QUESTION_LEN;
		memcpy(out + i * LEN + 2, question, QUESTION_LEN);
	}
	/* It ends by an error of send(): the connection was closed. */
	for (;;) {
		ssize_t n = send(fd, out + at, sizeof(out) - at, MSG_NOSIGNAL);

		if (n > 0)
			at = (at + (size_t)n) % LEN;
		else if (errno != EAGAIN && errno != ENOTCONN)
			break;
		fixture_turn(&f->w);
	}
	close(fd);
}

/* Let the row hold from now on. */
static void row_set(enum deadmx_dns_action action, int64_t delay_ns)
{
	row.window.until_ns = DEADMX_FOREVER_NS;
	row.action = action;
	row.delay_ns = delay_ns;
}

static void ask_tcp(int fd)
{
	char out[2 + QUESTION_LEN] = {0, QUESTION_LEN};

	memcpy(out + 2, question, QUESTION_LEN);
	assert_int_equal(send(fd, out, sizeof(out), MSG_NOSIGNAL), sizeof(out));
}

static void turn(struct fixture *f, int times)
{
	for (int i = 0; i < times; i++)
		fixture_turn(&f->w);
}

/* No answer by UDP; the one after it is there at once. */
static void test_dns_server_timeout_udp(void **state)
{
	struct fixture *f = *state;
	unsigned char in[4096];
	int error, fd = fixture_connect(&f->w, SOCK_DGRAM, &error);

	row_set(DEADMX_DNS_ACTION_TIMEOUT, 0);
	send(fd, question, QUESTION_LEN, 0);
	fixture_await_event(&f->w,
			    "dns dest.example MX null 0 udp 0.0 timeout 9\n");
	row.window.until_ns = 0;
	send(fd, question, QUESTION_LEN, 0);
	assert_true(receive(f, fd, in, sizeof(in)) > QUESTION_LEN);
	assert_int_equal(recv(fd, in, sizeof(in), 0), -1);
	close(fd);
}

/* By TCP the connection stays, and serves the next question. */
static void test_dns_server_timeout_tcp(void **state)
{
	struct fixture *f = *state;
	unsigned char in[4096];
	int fd = fixture_client(&f->w);

	turn(f, 20);
	row_set(DEADMX_DNS_ACTION_TIMEOUT, 0);
	ask_tcp(fd);
	fixture_await_event(&f->w, "timeout 9\n");
	row.window.until_ns = 0;
	ask_tcp(fd);
	assert_true(receive(f, fd, in, sizeof(in)) > QUESTION_LEN);
	close(fd);
}

/* Drop ends the connection, and what was asked after is not looked at. */
static void test_dns_server_drop(void **state)
{
	struct fixture *f = *state;
	unsigned char in[4096];
	int fd = fixture_client(&f->w);

	turn(f, 20);
	row_set(DEADMX_DNS_ACTION_DROP, 0);
	ask_tcp(fd);
	ask_tcp(fd);
	assert_int_equal(receive(f, fd, in, sizeof(in)), 0);
	assert_string_equal(f->w.events,
			    "dns dest.example MX null 0 tcp 0.0 drop 9\n");
	close(fd);
}

/* A late answer comes late, by UDP and by TCP. */
static void test_dns_server_delay(void **state)
{
	struct fixture *f = *state;
	unsigned char in[4096];
	int error, udp = fixture_connect(&f->w, SOCK_DGRAM, &error),
		   tcp = fixture_client(&f->w);
	int64_t start;

	turn(f, 20);
	row_set(DEADMX_DNS_ACTION_ACCEPT, 31250000);
	start = fixture_now(&f->w);
	send(udp, question, QUESTION_LEN, 0);
	ask_tcp(tcp);
	assert_true(receive(f, udp, in, sizeof(in)) > QUESTION_LEN);
	assert_true(receive(f, tcp, in, sizeof(in)) > QUESTION_LEN);
	assert_true(fixture_now(&f->w) - start >= 31250000);
	assert_non_null(
		strstr(f->w.events, "NOERROR 1 udp 0.03125 accept 9\n"));
	close(udp);
	close(tcp);
}

/* Who leaves gets no late answer; nor do those who wait at the end, which
 * the teardown is. */
static void test_dns_server_delay_left(void **state)
{
	struct fixture *f = *state;
	int left = fixture_client(&f->w), waits = fixture_client(&f->w);

	turn(f, 20);
	row_set(DEADMX_DNS_ACTION_ACCEPT, MS(1000000));
	ask_tcp(left);
	ask_tcp(waits);
	fixture_await_event(&f->w, "accept 9\ndns dest.example");
	close(left);
	turn(f, 20);
	close(waits);
}

/* So many answers are held back; one more is lost, until there is room. */
static void test_dns_server_late_limit(void **state)
{
	char lost[QUESTION_LEN], found[QUESTION_LEN];
	struct fixture *f = *state;
	unsigned char in[4096];
	int error, udp = fixture_connect(&f->w, SOCK_DGRAM, &error),
		   tcp = fixture_client(&f->w);

	memcpy(lost, question, QUESTION_LEN);
	memcpy(found, question, QUESTION_LEN);
	lost[1] = 2;
	found[1] = 3;
	turn(f, 20);
	row_set(DEADMX_DNS_ACTION_ACCEPT, MS(1000000));
	for (int i = 0; i < DNS_SERVER_LATE_MAX; i++) {
		fixture_clear_events(&f->w);
		ask_tcp(tcp);
		fixture_await_event(&f->w, "accept 9\n");
	}
	fixture_clear_events(&f->w);
	row.delay_ns = 1;
	send(udp, lost, QUESTION_LEN, 0);
	fixture_await_event(&f->w, "accept 9\n");
	close(tcp);
	do {
		send(udp, found, QUESTION_LEN, 0);
		turn(f, 5);
	} while (recv(udp, in, sizeof(in), MSG_PEEK) < 0);
	assert_true(receive(f, udp, in, sizeof(in)) > QUESTION_LEN);
	assert_int_equal(in[1], 3);
	close(udp);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dns_server_udp),
		T(test_dns_server_tcp),
		T(test_dns_server_connections_limit),
		T(test_dns_server_output_limit),
		T(test_dns_server_timeout_udp),
		T(test_dns_server_timeout_tcp),
		T(test_dns_server_drop),
		T(test_dns_server_delay),
		T(test_dns_server_delay_left),
		T(test_dns_server_late_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
