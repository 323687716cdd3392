/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/loopback.c: where servers stand outside of a sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "deadmx/loopback.h"

static const char text[] =
	"description: three servers\n"
	"world:\n"
	"  servers:\n"
	"    mx1.dest.example: {address: 192.0.2.7}\n"
	"    mx2.dest.example: {address: 203.0.113.254}\n"
	"    mx3.dest.example: {port: 26}\n"
	"mail: {from: a@sender.example, to: b@dest.example}\n"
	"expect: {faults: none}\n";

static int setup(void **state)
{
	struct deadmx_scenario *s = NULL;

	if (deadmx_scenario_parse("test.yml", text, strlen(text), stderr, &s) <
	    0)
		return -1;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	deadmx_scenario_free(*state);
	return 0;
}

static void expect_server(const struct deadmx_scenario *s, size_t i,
			  const char *address, uint16_t port)
{
	assert_string_equal(s->world.servers[i].address, address);
	assert_int_equal(s->world.servers[i].port, port);
}

/* Each network for tests has one of its own; other addresses stay. */
static void test_loopback_address(void **state)
{
	static const char *const rows[][2] = {
		{"192.0.2.1", "127.0.2.1"},
		{"198.51.100.10", "127.51.100.10"},
		{"203.0.113.254", "127.0.113.254"},
		{"127.0.0.1", "127.0.0.1"},
		{"192.0.3.1", "192.0.3.1"},
	};
	char got[DEADMX_LOOPBACK_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(deadmx_loopback_address(rows[i][0], got), 0);
		assert_string_equal(got, rows[i][1]);
	}
	assert_int_equal(deadmx_loopback_address("mx", got), -EINVAL);
}

/* Port 25 is SMTP's and moves; a port that the scenario chose stays. */
static void test_loopback_move(void **state)
{
	struct deadmx_scenario *s = *state;

	assert_int_equal(deadmx_loopback_move(s, NULL, 0, 2525), 0);
	assert_int_equal(s->world.server_count, 4);
	expect_server(s, 0, "127.0.2.7", 2525);
	expect_server(s, 1, "127.0.113.254", 2525);
	expect_server(s, 2, "127.0.2.10", 26);
	expect_server(s, 3, "127.51.100.10", 2525);
}

/* Too few addresses: the last is shared, and the ports count up. */
static void test_loopback_share(void **state)
{
	const char *binds[] = {"10.0.0.1", "10.0.0.2"};
	struct deadmx_scenario *s = *state;

	assert_int_equal(deadmx_loopback_move(s, binds, 2, 25), 0);
	expect_server(s, 0, "10.0.0.1", 25);
	expect_server(s, 1, "10.0.0.2", 25);
	expect_server(s, 2, "10.0.0.2", 26);
	expect_server(s, 3, "10.0.0.2", 27);
}

/* No port is left behind the last one. */
static void test_loopback_ports_end(void **state)
{
	const char *binds[] = {"10.0.0.1"};
	struct deadmx_scenario *s = *state;

	assert_int_equal(deadmx_loopback_move(s, binds, 1, 65535), -ERANGE);
}

/* Names that were given addresses move along: with the server that is there,
 * or where nobody is. */
static void test_loopback_names(void **state)
{
	static const char named[] =
		"description: names\n"
		"world:\n"
		"  servers:\n"
		"    mx1.dest.example: {address: 192.0.2.7}\n"
		"  names:\n"
		"    www.dest.example:\n"
		"      a: [192.0.2.7, 192.0.2.8, 127.0.0.1]\n"
		"      txt: 192.0.2.7\n"
		"      timeline: [{from: 1h, a: 192.0.2.7}]\n"
		"mail: {from: a@sender.example, to: b@dest.example}\n"
		"expect: {delivered: yes}\n";
	static const char *const one[] = {"10.0.0.1"};
	static const char *const want[][5] = {
		{"127.0.2.7", "127.0.2.8", "127.0.0.1", "192.0.2.7",
		 "127.0.2.7"},
		{"10.0.0.1", "192.0.2.8", "127.0.0.1", "192.0.2.7", "10.0.0.1"},
	};

	for (size_t bound = 0; bound < 2; bound++) {
		const struct deadmx_name *name;
		struct deadmx_scenario *s = NULL;

		deadmx_scenario_free(*state);
		*state = NULL;
		assert_int_equal(deadmx_scenario_parse("t.yml", named,
						       strlen(named), stderr,
						       &s),
				 0);
		*state = s;
		assert_int_equal(deadmx_loopback_move(s, one, bound, 25), 0);
		name = &s->world.names[0];
		for (size_t i = 0; i < 4; i++)
			assert_string_equal(name->records.list[i].value,
					    want[bound][i]);
		assert_string_equal(name->rows[0].records.list[0].value,
				    want[bound][4]);
	}
}

/* A frontend finds its backend where that has gone, and nobody outside. */
static void test_loopback_relay(void **state)
{
	static const char world[] =
		"description: frontends\n"
		"world:\n"
		"  servers:\n"
		"    mx.dest.example:\n"
		"      relay:\n"
		"        to: [box.dest.example, 192.0.2.7, 203.0.113.9, "
		"\"2001:db8::1\", \"192.0.2.8:26\"]\n"
		"    box.dest.example: {mx_for: [], address: 192.0.2.7}\n"
		"mail: {from: a@sender.example, to: b@dest.example}\n"
		"expect: {ndr: yes}\n";
	const char *binds[] = {"10.0.0.1"};
	const struct deadmx_backend *b;
	struct deadmx_scenario *s = NULL;

	assert_int_equal(deadmx_scenario_parse("test.yml", world, strlen(world),
					       stderr, &s),
			 0);
	assert_int_equal(deadmx_loopback_move(s, binds, 1, 2525), 0);
	b = s->world.servers[0].relay->rows[0].backends;
	assert_string_equal(b[0].name, "box.dest.example");
	assert_string_equal(b[1].name, "box.dest.example");
	assert_null(b[2].name);
	assert_string_equal(b[2].address, "127.0.113.9");
	assert_int_equal(b[2].port, 2525);
	assert_string_equal(b[3].address, "::1");
	assert_string_equal(b[4].address, "127.0.2.8");
	assert_int_equal(b[4].port, 26);
	deadmx_scenario_free(s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_loopback_address),   T(test_loopback_names),
		T(test_loopback_move),	    T(test_loopback_share),
		T(test_loopback_ports_end), T(test_loopback_relay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
