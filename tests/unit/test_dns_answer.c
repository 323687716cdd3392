/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/dns_answer.c: wire in, wire out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "sim/dns_answer.h"

#define STR(s) ((char *)(s))

static char *domains[] = {STR("dest.example"), STR("also.test")};
static struct deadmx_server servers[60] = {
	{.name = STR("mx1.dest.example"),
	 .address = STR("192.0.2.10"),
	 .mx_for = domains,
	 .mx_for_count = 2,
	 .preference = 10},
	{.name = STR("mx2.dest.example"),
	 .address = STR("192.0.2.11"),
	 .mx_for = domains,
	 .mx_for_count = 1,
	 .preference = 20},
};
static struct deadmx_scenario scenario = {
	.world = {.servers = servers, .server_count = 2}};

static int setup(void **state)
{
	const char *bad;

	return dns_zone_new(&scenario, "mta.sender.test", &bad,
			    (struct dns_zone **)state);
}

static int teardown(void **state)
{
	dns_zone_free(*state);
	return 0;
}

static ldns_pkt *query_new(const char *name, ldns_rr_type type,
			   ldns_rr_class class)
{
	ldns_pkt *q = ldns_pkt_query_new(ldns_dname_new_frm_str(name), type,
					 class, LDNS_RD);

	ldns_pkt_set_id(q, 4711);
	return q;
}

/* Ask, and return the parsed reply; the log's fields are checked. */
static ldns_pkt *ask_pkt(struct dns_zone *z, ldns_pkt *q,
			 enum dns_transport transport)
{
	struct dns_answer a;
	ldns_pkt *reply = NULL;
	uint8_t *wire;
	size_t len;

	assert_int_equal(ldns_pkt2wire(&wire, q, &len), LDNS_STATUS_OK);
	assert_int_equal(dns_answer_make(z, wire, len, transport, 0, &a), 0);
	assert_int_equal(ldns_wire2pkt(&reply, a.wire, a.len), LDNS_STATUS_OK);
	assert_true(ldns_pkt_qr(reply) && ldns_pkt_aa(reply));
	assert_true(ldns_pkt_rd(reply) && ldns_pkt_ra(reply));
	assert_int_equal(ldns_pkt_id(reply), 4711);
	assert_int_equal(a.answers, ldns_pkt_ancount(reply));
	free(wire);
	dns_answer_release(&a);
	ldns_pkt_free(q);
	return reply;
}

/* "RCODE | answers | authority's SOA owner", records without TTL. */
static void check(struct dns_zone *z, const char *name, ldns_rr_type type,
		  const char *want)
{
	ldns_pkt *r =
		ask_pkt(z, query_new(name, type, LDNS_RR_CLASS_IN), DNS_UDP);
	char got[2048], *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(r));
	size_t used = (size_t)snprintf(got, sizeof(got), "%s", rcode);

	for (size_t i = 0; i < ldns_pkt_ancount(r); i++) {
		ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_answer(r), i);
		char *owner = ldns_rdf2str(ldns_rr_owner(rr));
		char *last =
			ldns_rdf2str(ldns_rr_rdf(rr, ldns_rr_rd_count(rr) - 1));

		assert_int_equal(ldns_rr_ttl(rr), DNS_TTL_S);
		used += (size_t)snprintf(got + used, sizeof(got) - used,
					 " | %s %s", owner, last);
		free(owner);
		free(last);
	}
	if (ldns_pkt_nscount(r)) {
		ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_authority(r), 0);
		char *owner = ldns_rdf2str(ldns_rr_owner(rr));

		assert_int_equal(ldns_rr_get_type(rr), LDNS_RR_TYPE_SOA);
		snprintf(got + used, sizeof(got) - used, " | soa %s", owner);
		free(owner);
	}
	assert_string_equal(got, want);
	free(rcode);
	ldns_pkt_free(r);
}

/* What the scenario holds is answered. */
static void test_dns_answer_records(void **state)
{
	check(*state, "dest.example", LDNS_RR_TYPE_MX,
	      "NOERROR | dest.example. mx1.dest.example. "
	      "| dest.example. mx2.dest.example.");
	check(*state, "ALSO.test", LDNS_RR_TYPE_MX,
	      "NOERROR | ALSO.test. mx1.dest.example.");
	check(*state, "Mx1.dest.Example", LDNS_RR_TYPE_A,
	      "NOERROR | Mx1.dest.Example. 192.0.2.10");
	check(*state, "mta.sender.test", LDNS_RR_TYPE_A,
	      "NOERROR | mta.sender.test. 127.0.0.1");
	check(*state, "localhost", LDNS_RR_TYPE_A,
	      "NOERROR | localhost. 127.0.0.1");
	check(*state, "11.2.0.192.in-addr.arpa", LDNS_RR_TYPE_PTR,
	      "NOERROR | 11.2.0.192.in-addr.arpa. mx2.dest.example.");
	check(*state, "1.0.0.127.in-addr.arpa", LDNS_RR_TYPE_PTR,
	      "NOERROR | 1.0.0.127.in-addr.arpa. localhost.");
	check(*state, "dest.example", LDNS_RR_TYPE_NS,
	      "NOERROR | dest.example. ns.deadmx.example.");
	check(*state, "dest.example", LDNS_RR_TYPE_SOA,
	      "NOERROR | dest.example. 300");
}

/* No such type, names between, no such name. */
static void test_dns_answer_negative(void **state)
{
	check(*state, "mx1.dest.example", LDNS_RR_TYPE_AAAA,
	      "NOERROR | soa dest.example.");
	check(*state, "dest.example", LDNS_RR_TYPE_A,
	      "NOERROR | soa dest.example.");
	check(*state, "example", LDNS_RR_TYPE_A, "NOERROR | soa .");
	check(*state, "192.in-addr.arpa", LDNS_RR_TYPE_PTR, "NOERROR | soa .");
	check(*state, "mx9.dest.example", LDNS_RR_TYPE_A,
	      "NXDOMAIN | soa dest.example.");
	check(*state, "xdest.example", LDNS_RR_TYPE_MX, "NXDOMAIN | soa .");
	check(*state, "www.debian.org", LDNS_RR_TYPE_A, "NXDOMAIN | soa .");
}

/* An MX answer brings the addresses along. */
static void test_dns_answer_additional(void **state)
{
	ldns_pkt *r = ask_pkt(
		*state,
		query_new("dest.example", LDNS_RR_TYPE_MX, LDNS_RR_CLASS_IN),
		DNS_UDP);
	ldns_rr *mx = ldns_rr_list_rr(ldns_pkt_answer(r), 1);

	assert_int_equal(ldns_pkt_arcount(r), 2);
	assert_int_equal(ldns_rdf2native_int16(ldns_rr_rdf(mx, 0)), 20);
	ldns_pkt_free(r);
}

/* Other classes and opcodes are turned down; EDNS is answered. */
static void test_dns_answer_refusals(void **state)
{
	ldns_pkt *q =
		query_new("dest.example", LDNS_RR_TYPE_MX, LDNS_RR_CLASS_CH);
	ldns_pkt *r = ask_pkt(*state, q, DNS_UDP);

	assert_int_equal(ldns_pkt_get_rcode(r), LDNS_RCODE_REFUSED);
	assert_false(ldns_pkt_edns(r));
	ldns_pkt_free(r);
	q = query_new("dest.example", LDNS_RR_TYPE_MX, LDNS_RR_CLASS_IN);
	ldns_pkt_set_opcode(q, LDNS_PACKET_NOTIFY);
	ldns_pkt_set_edns_udp_size(q, 1232);
	r = ask_pkt(*state, q, DNS_UDP);
	assert_int_equal(ldns_pkt_get_rcode(r), LDNS_RCODE_NOTIMPL);
	assert_true(ldns_pkt_edns(r));
	ldns_pkt_free(r);
}

/* Past the limit of UDP the answer is cut, and whole by TCP. */
static void test_dns_answer_truncation(void **state)
{
	struct deadmx_scenario many = {
		.world = {.servers = servers, .server_count = 60}};
	struct dns_zone *z;
	const char *bad;
	ldns_pkt *q, *r;

	for (int i = 2; i < 60; i++) {
		char name[32];

		snprintf(name, sizeof(name), "mx%d.dest.example", i + 10);
		servers[i] = servers[1];
		servers[i].name = strdup(name);
	}
	assert_int_equal(dns_zone_new(&many, "127.0.0.1", &bad, &z), 0);
	for (int edns = 0; edns < 2; edns++) {
		for (int transport = DNS_UDP; transport <= DNS_TCP;
		     transport++) {
			q = query_new("dest.example", LDNS_RR_TYPE_MX,
				      LDNS_RR_CLASS_IN);
			if (edns)
				ldns_pkt_set_edns_udp_size(q, 65000);
			r = ask_pkt(z, q, (enum dns_transport)transport);
			assert_int_equal(ldns_pkt_tc(r),
					 !edns && transport == DNS_UDP);
			assert_int_equal(ldns_pkt_ancount(r),
					 ldns_pkt_tc(r) ? 0 : 60);
			ldns_pkt_free(r);
		}
	}
	dns_zone_free(z);
	for (int i = 2; i < 60; i++)
		free(servers[i].name);
}

/* Names that are none don't get into the zone. */
static void test_dns_answer_bad_names(void **state)
{
	static const char *const names[] = {
		"", "a b", "a..b", "x. 300 IN A 192.0.2.1", "a\nb", "\xff"};
	struct deadmx_server server = {.address = STR("192.0.2.1")};
	struct deadmx_scenario s = {
		.world = {.servers = &server, .server_count = 1}};
	struct dns_zone *z;
	const char *bad;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		server.name = STR(names[i]);
		assert_int_equal(dns_zone_new(&s, NULL, &bad, &z), -EINVAL);
		assert_ptr_equal(bad, names[i]);
	}
}

/* What is no question gets no answer; noise breaks nothing. */
static void test_dns_answer_hostile(void **state)
{
	static uint8_t big[DNS_QUESTION_MAX + 1];
	ldns_pkt *q =
		query_new("dest.example", LDNS_RR_TYPE_MX, LDNS_RR_CLASS_IN);
	struct dns_answer a;
	uint8_t *wire, noise[512];
	uint32_t seed = 1;
	size_t len;

	assert_int_equal(ldns_pkt2wire(&wire, q, &len), LDNS_STATUS_OK);
	ldns_pkt_free(q);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(
			dns_answer_make(*state, wire, cut, DNS_UDP, 0, &a),
			-EBADMSG);
	/* The limit, with rubbish behind the question, and past it. */
	memcpy(big, wire, len);
	assert_int_equal(dns_answer_make(*state, big, DNS_QUESTION_MAX + 1,
					 DNS_UDP, 0, &a),
			 -EBADMSG);
	for (int i = 0; i < 20000; i++) {
		memcpy(noise, wire, len);
		for (int j = 0; j < 4; j++) {
			seed = seed * 1664525 + 1013904223;
			noise[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		if (dns_answer_make(*state, noise, len, DNS_UDP, 0, &a) == 0)
			dns_answer_release(&a);
	}
	wire[2] |= 0x80; /* QR: an answer */
	assert_int_equal(dns_answer_make(*state, wire, len, DNS_UDP, 0, &a),
			 -EBADMSG);
	free(wire);
}

/* --- what rows do to packets -----------------------------------------------
 */

static struct deadmx_name_row broken_row = {
	.window = {.until_ns = DEADMX_FOREVER_NS}};
static struct deadmx_name broken = {
	.name = STR("dest.example"), .rows = &broken_row, .row_count = 1};

/* A zone in which @action is done to questions for dest.example. */
static struct dns_zone *broken_zone(enum deadmx_dns_action action)
{
	struct deadmx_scenario s = {.world = {.servers = servers,
					      .server_count = 2,
					      .names = &broken,
					      .name_count = 1}};
	struct dns_zone *z;
	const char *bad;

	broken_row.action = action;
	assert_int_equal(dns_zone_new(&s, NULL, &bad, &z), 0);
	return z;
}

/* Ask for the MX; the raw answer. */
static struct dns_answer ask_raw(struct dns_zone *z,
				 enum dns_transport transport)
{
	ldns_pkt *q =
		query_new("Dest.Example", LDNS_RR_TYPE_MX, LDNS_RR_CLASS_IN);
	struct dns_answer a;
	uint8_t *wire;
	size_t len;

	assert_int_equal(ldns_pkt2wire(&wire, q, &len), LDNS_STATUS_OK);
	assert_int_equal(dns_answer_make(z, wire, len, transport, 0, &a), 0);
	assert_ptr_equal(a.row, &broken_row);
	assert_string_equal(a.name, "Dest.Example");
	ldns_pkt_free(q);
	free(wire);
	return a;
}

/* What a parser makes of the answer; NULL: nothing. */
static ldns_pkt *parse(const struct dns_answer *a)
{
	ldns_pkt *reply = NULL;

	return ldns_wire2pkt(&reply, a->wire, a->len) == LDNS_STATUS_OK ? reply
									: NULL;
}

static void check_name(const ldns_rr *rr, const char *want)
{
	char *owner = ldns_rdf2str(ldns_rr_owner(rr));

	assert_string_equal(owner, want);
	free(owner);
}

/* "rcode aa tc id question ancount first owner" of an answer. */
static void check_packet(enum deadmx_dns_action action,
			 enum dns_transport transport, const char *want)
{
	struct dns_zone *z = broken_zone(action);
	struct dns_answer a = ask_raw(z, transport);
	ldns_pkt *r = parse(&a);
	char got[512], *rcode, *question, *owner;

	assert_non_null(r);
	rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(r));
	question = ldns_rdf2str(
		ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_question(r), 0)));
	owner = ldns_pkt_ancount(r)
			? ldns_rdf2str(ldns_rr_owner(
				  ldns_rr_list_rr(ldns_pkt_answer(r), 0)))
			: strdup("-");
	snprintf(got, sizeof(got), "%s%s%s%s %s %u %s", rcode,
		 ldns_pkt_aa(r) ? " aa" : "", ldns_pkt_tc(r) ? " tc" : "",
		 ldns_pkt_id(r) == 4711 ? "" : " id", question,
		 ldns_pkt_ancount(r), owner);
	assert_string_equal(got, want);
	assert_int_equal(a.answers, ldns_pkt_ancount(r));
	free(rcode);
	free(question);
	free(owner);
	ldns_pkt_free(r);
	dns_answer_release(&a);
	dns_zone_free(z);
}

static void test_dns_answer_codes(void **unused)
{
	static const struct {
		enum deadmx_dns_action action;
		const char *want;
	} all[] = {
		{DEADMX_DNS_ACTION_ACCEPT,
		 "NOERROR aa Dest.Example. 2 Dest.Example."},
		{DEADMX_DNS_ACTION_NXDOMAIN, "NXDOMAIN aa Dest.Example. 0 -"},
		{DEADMX_DNS_ACTION_NODATA, "NOERROR aa Dest.Example. 0 -"},
		{DEADMX_DNS_ACTION_SERVFAIL, "SERVFAIL aa Dest.Example. 0 -"},
		{DEADMX_DNS_ACTION_REFUSED, "REFUSED aa Dest.Example. 0 -"},
		{DEADMX_DNS_ACTION_NOTIMP, "NOTIMPL aa Dest.Example. 0 -"},
		{DEADMX_DNS_ACTION_FORMERR, "FORMERR aa Dest.Example. 0 -"},
		{DEADMX_DNS_ACTION_LAME, "NOERROR Dest.Example. 0 -"},
		{DEADMX_DNS_ACTION_WRONG_ID,
		 "NOERROR aa id Dest.Example. 2 Dest.Example."},
		{DEADMX_DNS_ACTION_WRONG_QUESTION,
		 "NOERROR aa another.deadmx.example. 2 "
		 "another.deadmx.example."},
		{DEADMX_DNS_ACTION_WRONG_OWNER,
		 "NOERROR aa Dest.Example. 2 another.deadmx.Example."},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		check_packet(all[i].action, DNS_UDP, all[i].want);
		check_packet(all[i].action, DNS_TCP, all[i].want);
	}
}

/* By UDP nothing or half, by TCP all. */
static void test_dns_answer_truncate(void **unused)
{
	static const char whole[] = "NOERROR aa Dest.Example. 2 Dest.Example.";

	check_packet(DEADMX_DNS_ACTION_TRUNCATE, DNS_UDP,
		     "NOERROR aa tc Dest.Example. 0 -");
	check_packet(DEADMX_DNS_ACTION_TRUNCATE, DNS_TCP, whole);
	check_packet(DEADMX_DNS_ACTION_TRUNCATE_PARTIAL, DNS_UDP,
		     "NOERROR aa tc Dest.Example. 1 Dest.Example.");
	check_packet(DEADMX_DNS_ACTION_TRUNCATE_PARTIAL, DNS_TCP, whole);
}

/* No packet at all; only drop closes. */
static void test_dns_answer_silence(void **unused)
{
	for (int transport = DNS_UDP; transport <= DNS_TCP; transport++) {
		struct dns_zone *z = broken_zone(DEADMX_DNS_ACTION_TIMEOUT);
		struct dns_answer a = ask_raw(z, (enum dns_transport)transport);

		assert_null(a.wire);
		assert_null(a.rcode);
		assert_false(a.close);
		dns_answer_release(&a);
		dns_zone_free(z);
		z = broken_zone(DEADMX_DNS_ACTION_DROP);
		a = ask_raw(z, (enum dns_transport)transport);
		assert_null(a.wire);
		assert_true(a.close);
		dns_answer_release(&a);
		dns_zone_free(z);
	}
}

/* The head is right, and no parser gets through the rest. */
static void test_dns_answer_malformed(void **unused)
{
	struct dns_zone *z = broken_zone(DEADMX_DNS_ACTION_MALFORMED);
	struct dns_answer a = ask_raw(z, DNS_UDP);

	assert_true(a.len > 12 + 14 + 4);
	assert_int_equal(a.wire[0] << 8 | a.wire[1], 4711);
	assert_int_equal(a.wire[7], 2);
	assert_null(parse(&a));
	dns_answer_release(&a);
	dns_zone_free(z);
}

static void test_dns_answer_garbage(void **unused)
{
	struct dns_zone *z = broken_zone(DEADMX_DNS_ACTION_GARBAGE);
	struct dns_answer a = ask_raw(z, DNS_UDP);

	assert_non_null(a.wire);
	assert_null(parse(&a));
	/* It isn't even marked as an answer. */
	assert_false(a.wire[2] & 0x80);
	dns_answer_release(&a);
	dns_zone_free(z);
}

/* Lame servers send to the root, and don't look things up. */
static void test_dns_answer_lame(void **unused)
{
	struct dns_zone *z = broken_zone(DEADMX_DNS_ACTION_LAME);
	struct dns_answer a = ask_raw(z, DNS_UDP);
	ldns_pkt *r = parse(&a);
	ldns_rr *ns;

	assert_non_null(r);
	assert_false(ldns_pkt_ra(r));
	assert_int_equal(ldns_pkt_nscount(r), 1);
	ns = ldns_rr_list_rr(ldns_pkt_authority(r), 0);
	assert_int_equal(ldns_rr_get_type(ns), LDNS_RR_TYPE_NS);
	check_name(ns, ".");
	ldns_pkt_free(r);
	dns_answer_release(&a);
	dns_zone_free(z);
}

static void test_dns_answer_delay(void **unused)
{
	struct dns_zone *z;
	struct dns_answer a;

	broken_row.delay_ns = 7;
	z = broken_zone(DEADMX_DNS_ACTION_ACCEPT);
	a = ask_raw(z, DNS_UDP);
	assert_int_equal(a.delay_ns, 7);
	assert_non_null(a.wire);
	broken_row.delay_ns = 0;
	dns_answer_release(&a);
	dns_zone_free(z);
}

/* The largest answer that TCP can carry, and one beyond. */
static void test_dns_answer_tcp_limit(void **unused)
{
	enum { TEXT_LEN = 3000, RECORDS = 21 };
	static char text[TEXT_LEN + 1];
	struct deadmx_record records[RECORDS + 1];
	struct deadmx_name name = {
		.name = STR("dest.example"),
		.records = {.given = 1u << DEADMX_RECORD_TXT, .list = records}};
	struct deadmx_scenario s = {.world = {.names = &name, .name_count = 1}};
	struct dns_zone *z;
	const char *bad;
	ldns_pkt *r;

	memset(text, 'x', TEXT_LEN);
	for (int i = 0; i <= RECORDS; i++) {
		records[i] = (struct deadmx_record){.type = DEADMX_RECORD_TXT,
						    .value = strdup(text)};
		/* Or they would all be one. */
		records[i].value[0] = (char)('a' + i);
	}
	for (int more = 0; more < 2; more++) {
		name.records.count = (size_t)(RECORDS + more);
		assert_int_equal(dns_zone_new(&s, NULL, &bad, &z), 0);
		r = ask_pkt(z,
			    query_new("dest.example", LDNS_RR_TYPE_TXT,
				      LDNS_RR_CLASS_IN),
			    DNS_TCP);
		assert_int_equal(ldns_pkt_tc(r), more);
		assert_int_equal(ldns_pkt_ancount(r), more ? 0 : RECORDS);
		ldns_pkt_free(r);
		dns_zone_free(z);
	}
	for (int i = 0; i <= RECORDS; i++)
		free(records[i].value);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dns_answer_records),
		T(test_dns_answer_negative),
		T(test_dns_answer_additional),
		T(test_dns_answer_refusals),
		T(test_dns_answer_truncation),
		T(test_dns_answer_bad_names),
		T(test_dns_answer_hostile),
		cmocka_unit_test(test_dns_answer_codes),
		cmocka_unit_test(test_dns_answer_truncate),
		cmocka_unit_test(test_dns_answer_silence),
		cmocka_unit_test(test_dns_answer_malformed),
		cmocka_unit_test(test_dns_answer_garbage),
		cmocka_unit_test(test_dns_answer_lame),
		cmocka_unit_test(test_dns_answer_delay),
		cmocka_unit_test(test_dns_answer_tcp_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
