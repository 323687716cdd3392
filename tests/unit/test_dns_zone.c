/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/dns_zone.c: what is told without a packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <string.h>

#include "sim/dns_zone.h"

#define STR(s) ((char *)(s))

static char *domains[] = {STR("dest.example")};
static struct deadmx_server server = {.name = STR("MX1.dest.example"),
				      .address = STR("192.0.2.10"),
				      .mx_for = domains,
				      .mx_for_count = 1,
				      .preference = 10};
static struct deadmx_scenario scenario = {
	.world = {.servers = &server, .server_count = 1}};

static int setup(void **state)
{
	const char *bad;

	return dns_zone_new(&scenario, NULL, &bad, (struct dns_zone **)state);
}

static int teardown(void **state)
{
	dns_zone_free(*state);
	return 0;
}

/* Records come as text, names in small letters and without the last dot. */
static void test_dns_zone_lookup(void **state)
{
	struct dns_lookup l;

	assert_int_equal(
		dns_zone_lookup(*state, "Dest.Example", LDNS_RR_TYPE_MX, 0, &l),
		0);
	assert_int_equal(l.rcode, 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.records[0].type, LDNS_RR_TYPE_MX);
	assert_int_equal(l.records[0].preference, 10);
	assert_int_equal(l.records[0].ttl_s, DNS_TTL_S);
	assert_string_equal(l.records[0].owner, "dest.example");
	assert_string_equal(l.records[0].value, "mx1.dest.example");
	dns_lookup_release(&l);
	assert_int_equal(dns_zone_lookup(*state, "mx1.dest.example.",
					 LDNS_RR_TYPE_A, 0, &l),
			 0);
	assert_int_equal(l.count, 1);
	assert_string_equal(l.records[0].value, "192.0.2.10");
	dns_lookup_release(&l);
}

/* What isn't there has a code and no records; what is no name, an error. */
static void test_dns_zone_lookup_nothing(void **state)
{
	struct dns_lookup l;

	assert_int_equal(
		dns_zone_lookup(*state, "gone.example", LDNS_RR_TYPE_MX, 0, &l),
		0);
	assert_int_equal(l.rcode, LDNS_RCODE_NXDOMAIN);
	assert_int_equal(l.count, 0);
	dns_lookup_release(&l);
	assert_int_equal(dns_zone_lookup(*state, "dest.example",
					 LDNS_RR_TYPE_TXT, 0, &l),
			 0);
	assert_int_equal(l.rcode, LDNS_RCODE_NOERROR);
	assert_int_equal(l.count, 0);
	dns_lookup_release(&l);
	assert_int_equal(dns_zone_lookup(*state, "a..b", LDNS_RR_TYPE_A, 0, &l),
			 -EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dns_zone_lookup),
		T(test_dns_zone_lookup_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
