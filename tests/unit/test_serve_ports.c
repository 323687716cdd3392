/* SPDX-License-Identifier: MIT */
/* Unit tests of harness/serve_ports.c: ports, found out by trying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "harness/serve_ports.h"

static const char *const both[] = {"127.66.0.1", "127.66.0.2"};

/* Hold a port of the second address; which one. */
static int hold(int type, uint16_t *port)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, type, 0);

	uv_ip4_addr(both[1], *port, &addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*port = ntohs(addr.sin_port);
	return fd;
}

/* Any that is free at all addresses, by TCP and UDP. */
static void test_serve_ports_free(void **state)
{
	const char *address = NULL;
	uint16_t port = 0, again;

	assert_int_equal(serve_ports_try(both, 2, true, &port, &address), 0);
	assert_true(port > 0);
	again = port;
	assert_int_equal(serve_ports_try(both, 2, true, &again, &address), 0);
	assert_int_equal(again, port);
}

/* Taken at one of the addresses, by TCP or UDP: which one is told. */
static void test_serve_ports_taken(void **state)
{
	const char *address = NULL;
	uint16_t port = 0;
	int fd = hold(SOCK_STREAM, &port);

	assert_int_equal(serve_ports_try(both, 2, false, &port, &address),
			 -EADDRINUSE);
	assert_string_equal(address, both[1]);
	close(fd);
	assert_int_equal(serve_ports_try(both, 2, false, &port, &address), 0);
	port = 0;
	fd = hold(SOCK_DGRAM, &port);
	assert_int_equal(serve_ports_try(both, 2, false, &port, &address), 0);
	assert_int_equal(serve_ports_try(both, 2, true, &port, &address),
			 -EADDRINUSE);
	close(fd);
}

/* Not an address of this machine, or none at all. */
static void test_serve_ports_address(void **state)
{
	const char *other[] = {"192.0.2.1"}, *none[] = {"mx"}, *address;
	uint16_t port = 0;

	assert_int_equal(serve_ports_try(other, 1, false, &port, &address),
			 -EADDRNOTAVAIL);
	assert_int_equal(serve_ports_try(none, 1, false, &port, &address),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serve_ports_free),
		cmocka_unit_test(test_serve_ports_taken),
		cmocka_unit_test(test_serve_ports_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
