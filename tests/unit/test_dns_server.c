/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/dns_server.c on real sockets. */
#include "world_fixture.h"

#include "sim/dns_server.h"

/* "dest.example MX", id 1, recursion desired. */
static const char question[] = "\0\1\1\0\0\1\0\0\0\0\0\0"
			       "\4dest\7example\0\0\17\0\1";
enum { QUESTION_LEN = sizeof(question) - 1 };

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
	struct deadmx_scenario scenario = {
		.world = {.servers = &mx, .server_count = 1}};
	struct fixture *f = calloc(1, sizeof(*f));
	const char *bad;

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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dns_server_udp),
		T(test_dns_server_tcp),
		T(test_dns_server_connections_limit),
		T(test_dns_server_output_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
