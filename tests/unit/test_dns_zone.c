/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/dns_zone.c: what it says, when, without a packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "sim/dns_zone.h"

#define STR(s)	  ((char *)(s))
#define SECOND_NS DEADMX_NS_PER_S
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS	  (60 * MINUTE_NS)

struct fixture {
	struct deadmx_scenario *scenario;
	struct dns_zone *zone;
};

static void begin(void **state, const char *names)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *bad;
	char *text = NULL;

	*state = f;
	assert_true(asprintf(&text,
			     "description: d\n"
			     "world:\n"
			     "  servers:\n"
			     "    mx1.dest.example:\n"
			     "    mx2.dest.example:\n"
			     "  names:\n%s"
			     "mail: {from: a@src.example, to: b@dest.example}\n"
			     "expect: {ndr: yes}\n",
			     names) > 0);
	assert_int_equal(deadmx_scenario_parse("t.yml", text, strlen(text),
					       stderr, &f->scenario),
			 0);
	free(text);
	assert_int_equal(dns_zone_new(f->scenario, NULL, &bad, &f->zone), 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	dns_zone_free(f->zone);
	deadmx_scenario_free(f->scenario);
	free(f);
	return 0;
}

/* "RCODE ttl:value ttl:value", or "lost". */
static void check_at(void **state, int64_t now_ns, const char *name,
		     ldns_rr_type type, const char *want)
{
	struct fixture *f = *state;
	struct dns_lookup l;
	char got[1024], *rcode;
	size_t used;

	assert_int_equal(
		dns_zone_lookup(f->zone, name, (uint16_t)type, now_ns, &l), 0);
	rcode = ldns_pkt_rcode2str((ldns_pkt_rcode)l.rcode);
	used = (size_t)snprintf(got, sizeof(got), "%s",
				l.is_lost ? "lost" : rcode);
	for (size_t i = 0; i < l.count; i++)
		used += (size_t)snprintf(got + used, sizeof(got) - used,
					 " %u:%s", l.records[i].ttl_s,
					 l.records[i].value);
	free(rcode);
	dns_lookup_release(&l);
	if (strcmp(got, want) != 0)
		fail_msg("%s at %lld s: expected \"%s\", got \"%s\"", name,
			 (long long)(now_ns / SECOND_NS), want, got);
}

static void check(void **state, const char *name, ldns_rr_type type,
		  const char *want)
{
	check_at(state, 0, name, type, want);
}

#define MX    LDNS_RR_TYPE_MX
#define A     LDNS_RR_TYPE_A
#define AAAA  LDNS_RR_TYPE_AAAA
#define TXT   LDNS_RR_TYPE_TXT
#define CNAME LDNS_RR_TYPE_CNAME

/* The name server that all zones name has the address of this one. */
static void test_dns_zone_address(void **state)
{
	struct fixture *f;

	begin(state, "    other.example:\n");
	f = *state;
	check(state, "dest.example", LDNS_RR_TYPE_NS,
	      "NOERROR 300:ns.deadmx.example");
	check(state, "ns.deadmx.example", A, "NOERROR 300:127.0.0.1");
	dns_zone_set_address(f->zone, "127.0.53.53");
	check(state, "ns.deadmx.example", A, "NOERROR 300:127.0.53.53");
}

/* Records come as text, names in small letters and without the last dot. */
static void test_dns_zone_lookup(void **state)
{
	struct dns_lookup l;
	struct fixture *f;

	begin(state, "    other.example:\n");
	f = *state;
	assert_int_equal(dns_zone_lookup(f->zone, "Dest.Example.", MX, 0, &l),
			 0);
	assert_int_equal(l.rcode, 0);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.records[1].type, MX);
	assert_int_equal(l.records[1].preference, 20);
	assert_int_equal(l.records[1].ttl_s, DNS_TTL_S);
	assert_string_equal(l.records[1].owner, "dest.example");
	assert_string_equal(l.records[1].value, "mx2.dest.example");
	assert_int_equal(l.records[1].value_len, strlen("mx2.dest.example"));
	dns_lookup_release(&l);
	assert_int_equal(dns_zone_lookup(f->zone, "a..b", A, 0, &l), -EINVAL);
}

/* What a name is given takes the place of the servers', type by type. */
static void test_dns_zone_given(void **state)
{
	begin(state, "    dest.example:\n"
		     "      mx: [5 mx.other.example, 0 .]\n"
		     "      a: 192.0.2.77\n"
		     "      txt: [one, v=spf1 -all]\n"
		     "    mx2.dest.example: {a: [], aaaa: 2001:db8::2}\n"
		     "    bare.example:\n");
	check(state, "dest.example", MX, "NOERROR 300:mx.other.example 300:");
	check(state, "dest.example", A, "NOERROR 300:192.0.2.77");
	check(state, "dest.example", TXT, "NOERROR 300:one 300:v=spf1 -all");
	check(state, "mx1.dest.example", A, "NOERROR 300:192.0.2.10");
	check(state, "mx2.dest.example", A, "NOERROR");
	check(state, "mx2.dest.example", AAAA, "NOERROR 300:2001:db8::2");
	check(state, "bare.example", MX, "NOERROR");
	check(state, "gone.example", MX, "NXDOMAIN");
}

/* A long text is one to whoever reads it. */
static void test_dns_zone_long_text(void **state)
{
	char names[1024], want[1024];

	snprintf(names, sizeof(names), "    dest.example: {txt: %0600d}\n", 7);
	snprintf(want, sizeof(want), "NOERROR 300:%0600d", 7);
	begin(state, names);
	check(state, "dest.example", TXT, want);
}

/* An alias is followed, and takes the place of all that the servers ask. */
static void test_dns_zone_alias(void **state)
{
	begin(state, "    dest.example: {cname: also.example}\n"
		     "    also.example: {cname: real.example, ttl: 10s}\n"
		     "    real.example: {mx: 10 mx1.dest.example, ttl: 20s}\n"
		     "    a.loop.example: {cname: b.loop.example}\n"
		     "    b.loop.example: {cname: a.loop.example}\n"
		     "    lost.example: {cname: nowhere.example}\n");
	check(state, "dest.example", MX,
	      "NOERROR 300:also.example 10:real.example 20:mx1.dest.example");
	check(state, "dest.example", CNAME, "NOERROR 300:also.example");
	check(state, "dest.example", A,
	      "NOERROR 300:also.example 10:real.example");
	check(state, "lost.example", A, "NXDOMAIN 300:nowhere.example");
}

/* Aliases that go in circles have an end: DNS_CNAMES_MAX and the first. */
static void test_dns_zone_alias_loop(void **state)
{
	struct fixture *f;
	struct dns_lookup l;

	begin(state, "    dest.example: {cname: dest.example}\n");
	f = *state;
	assert_int_equal(dns_zone_lookup(f->zone, "dest.example", A, 0, &l), 0);
	assert_int_equal(l.count, DNS_CNAMES_MAX + 1);
	dns_lookup_release(&l);
}

/* A window changes the answer at once, for its types only. */
static void test_dns_zone_window(void **state)
{
	begin(state, "    dest.example:\n"
		     "      timeline:\n"
		     "        - {for: 1h, type: mx, answer: servfail}\n"
		     "        - {from: 2h, for: 1h, mx: 7 mx.new.example}\n"
		     "        - {from: 2h, a: 192.0.2.1}\n");
	check_at(state, 0, "dest.example", MX, "SERVFAIL");
	check_at(state, 0, "dest.example", TXT, "NOERROR");
	check_at(state, HOUR_NS, "dest.example", MX,
		 "NOERROR 300:mx1.dest.example 300:mx2.dest.example");
	check_at(state, 2 * HOUR_NS, "dest.example", MX,
		 "NOERROR 300:mx.new.example");
	check_at(state, 2 * HOUR_NS, "dest.example", A,
		 "NOERROR 300:192.0.2.1");
	check_at(state, 3 * HOUR_NS, "dest.example", MX,
		 "NOERROR 300:mx1.dest.example 300:mx2.dest.example");
}

/* Counted are questions that the row answers; a restart begins anew. */
static void test_dns_zone_counts(void **state)
{
	struct fixture *f;

	begin(state, "    dest.example:\n"
		     "      timeline:\n"
		     "        - {first: 1, type: txt, answer: refused}\n"
		     "        - {times: 1, type: mx, answer: servfail}\n");
	f = *state;
	for (int i = 0; i < 2; i++) {
		check(state, "dest.example", A, "NOERROR");
		check(state, "dest.example", MX, "SERVFAIL");
		check(state, "dest.example", MX,
		      "NOERROR 300:mx1.dest.example 300:mx2.dest.example");
		check(state, "dest.example", TXT, "REFUSED");
		check(state, "dest.example", TXT, "NOERROR");
		dns_zone_restart(f->zone);
	}
}

/* Names below: a name that is gone has none; others as the row says. */
static void test_dns_zone_below(void **state)
{
	begin(state,
	      "    dest.example:\n"
	      "      timeline:\n"
	      "        - {until: 1h, answer: nxdomain}\n"
	      "        - {until: 2h, answer: servfail}\n"
	      "        - {from: 2h, until: 3h, below: yes, answer: servfail}\n"
	      "        - {from: 3h, until: 4h, below: yes, a: 192.0.2.99}\n"
	      "        - {until: 5h, type: a, answer: nxdomain}\n"
	      "    mx2.dest.example:\n"
	      "      timeline: [{answer: accept}]\n");
	check(state, "mx1.dest.example", A, "NXDOMAIN");
	check(state, "mx2.dest.example", A, "NOERROR 300:192.0.2.11");
	check_at(state, HOUR_NS, "mx1.dest.example", A,
		 "NOERROR 300:192.0.2.10");
	check_at(state, 2 * HOUR_NS, "mx1.dest.example", A, "SERVFAIL");
	check_at(state, 2 * HOUR_NS, "deep.below.dest.example", A, "SERVFAIL");
	check_at(state, 3 * HOUR_NS, "www.dest.example", A,
		 "NOERROR 300:192.0.2.99");
	check_at(state, 4 * HOUR_NS, "dest.example", A, "NXDOMAIN");
	check_at(state, 4 * HOUR_NS, "dest.example", MX,
		 "NOERROR 300:mx1.dest.example 300:mx2.dest.example");
	check_at(state, 4 * HOUR_NS, "mx1.dest.example", A,
		 "NOERROR 300:192.0.2.10");
	check_at(state, 2 * HOUR_NS, "xdest.example", A, "NXDOMAIN");
}

/* What a careful resolver could use, of each answer. */
static void test_dns_zone_actions(void **state)
{
	static const struct {
		const char *word, *want;
	} all[] = {
		{"accept", "NOERROR 300:192.0.2.10"},
		{"nxdomain", "NXDOMAIN"},
		{"nodata", "NOERROR"},
		{"servfail", "SERVFAIL"},
		{"refused", "REFUSED"},
		{"notimp", "NOTIMPL"},
		{"formerr", "FORMERR"},
		{"lame", "SERVFAIL"},
		{"timeout", "lost"},
		{"drop", "lost"},
		{"truncate", "NOERROR 300:192.0.2.10"},
		{"truncate_partial", "NOERROR 300:192.0.2.10"},
		{"wrong_id", "lost"},
		{"wrong_question", "lost"},
		{"wrong_owner", "lost"},
		{"malformed", "lost"},
		{"garbage", "lost"},
	};
	char names[256];

	assert_int_equal(sizeof(all) / sizeof(all[0]),
			 DEADMX_DNS_ACTION_COUNT - 1);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(names, sizeof(names),
			 "    mx1.dest.example:\n"
			 "      timeline: [{answer: %s}]\n",
			 all[i].word);
		begin(state, names);
		check(state, "mx1.dest.example", A, all[i].want);
		teardown(state);
		*state = NULL;
	}
}

/* Truncated by UDP and lost by TCP is lost. */
static void test_dns_zone_transport(void **state)
{
	begin(state, "    mx1.dest.example:\n"
		     "      timeline:\n"
		     "        - {transport: tcp, answer: timeout}\n"
		     "        - {until: 1h, answer: truncate}\n");
	check(state, "mx1.dest.example", A, "lost");
	check_at(state, HOUR_NS, "mx1.dest.example", A,
		 "NOERROR 300:192.0.2.10");
}

/* The last name of a chain of aliases decides when it fails. */
static void test_dns_zone_alias_fails(void **state)
{
	begin(state, "    dest.example:\n"
		     "      timeline: [{cname: other.example}]\n"
		     "    other.example:\n"
		     "      timeline:\n"
		     "        - {until: 1h, answer: servfail}\n"
		     "        - {until: 2h, answer: timeout}\n"
		     "        - {until: 3h, answer: nxdomain}\n");
	check(state, "dest.example", MX, "SERVFAIL");
	check_at(state, HOUR_NS, "dest.example", MX, "lost");
	check_at(state, 2 * HOUR_NS, "dest.example", MX,
		 "NXDOMAIN 300:other.example");
	check_at(state, 3 * HOUR_NS, "dest.example", MX,
		 "NOERROR 300:other.example");
}

static void test_dns_zone_delay(void **state)
{
	struct dns_lookup l;
	struct fixture *f;

	begin(state, "    dest.example:\n"
		     "      timeline: [{delay: 3s}]\n");
	f = *state;
	assert_int_equal(dns_zone_lookup(f->zone, "dest.example", MX, 0, &l),
			 0);
	assert_int_equal(l.delay_ns, 3 * SECOND_NS);
	assert_int_equal(l.count, 2);
	dns_lookup_release(&l);
}

/* TTLs: of the row, of the name, up to the next edge, which may be of a row
 * of a name above. */
static void test_dns_zone_ttl(void **state)
{
	begin(state,
	      "    dest.example:\n"
	      "      ttl: 1h\n"
	      "      timeline:\n"
	      "        - {from: 1h, for: 1h, ttl: 7s, a: 192.0.2.1}\n"
	      "    mx1.dest.example:\n"
	      "      ttl: until_change\n"
	      "      timeline:\n"
	      "        - {from: 100s, for: 10s, type: txt, answer: lame}\n"
	      "    above.example:\n"
	      "      timeline:\n"
	      "        - {from: 50s, for: 1h, below: yes, answer: lame}\n"
	      "        - {from: 30s, answer: lame}\n"
	      "    x.above.example: {a: 192.0.2.3, ttl: until_change}\n");
	check(state, "dest.example", MX,
	      "NOERROR 3600:mx1.dest.example 3600:mx2.dest.example");
	check_at(state, HOUR_NS, "dest.example", A, "NOERROR 7:192.0.2.1");
	check(state, "mx1.dest.example", A, "NOERROR 100:192.0.2.10");
	check_at(state, 99 * SECOND_NS + 1, "mx1.dest.example", A,
		 "NOERROR 0:192.0.2.10");
	check_at(state, 100 * SECOND_NS, "mx1.dest.example", A,
		 "NOERROR 10:192.0.2.10");
	check_at(state, 110 * SECOND_NS, "mx1.dest.example", A,
		 "NOERROR 300:192.0.2.10");
	check_at(state, 35 * SECOND_NS, "x.above.example", A,
		 "NOERROR 15:192.0.2.3");
}

/* Who asks lives slower than the timeline: what is left is less to him. */
static void test_dns_zone_ttl_speed(void **state)
{
	struct fixture *f;

	begin(state, "    dest.example:\n"
		     "      ttl: until_change\n"
		     "      timeline: [{from: 1h, txt: later}]\n");
	f = *state;
	dns_zone_set_speed(f->zone, 60);
	check(state, "dest.example", MX,
	      "NOERROR 60:mx1.dest.example 60:mx2.dest.example");
	check_at(state, HOUR_NS, "dest.example", TXT, "NOERROR 300:later");
}

/* SOA of a negative answer: whose zone, TTL, MINIMUM; "" = none. */
static void check_soa(void **state, const char *name, const char *want)
{
	struct fixture *f = *state;
	ldns_rdf *dname = ldns_dname_new_frm_str(name);
	struct dns_question q = {.name = dname, .type = TXT};
	struct dns_found found;
	char got[256] = "";

	dns_zone_find(f->zone, &q, &found);
	if (ldns_rr_list_rr_count(found.authority)) {
		ldns_rr *rr = ldns_rr_list_rr(found.authority, 0);
		char *owner = ldns_rdf2str(ldns_rr_owner(rr));

		snprintf(got, sizeof(got), "%s %u %u", owner, ldns_rr_ttl(rr),
			 ldns_rdf2native_int32(ldns_rr_rdf(rr, 6)));
		free(owner);
	}
	assert_string_equal(got, want);
	dns_found_release(&found);
	ldns_rdf_deep_free(dname);
}

/* RFC 2308: how long it may be kept that there is nothing. */
static void test_dns_zone_negative_ttl(void **state)
{
	begin(state, "    dest.example: {ttl: 1h}\n"
		     "    gone.example:\n"
		     "      timeline: [{answer: nxdomain, ttl: 9s}]\n"
		     "    sub.gone.example:\n"
		     "    host.dest.example: {a: 192.0.2.5, ttl: 5s}\n"
		     "    bad.example:\n"
		     "      timeline: [{answer: servfail}]\n");
	check_soa(state, "dest.example", "dest.example. 3600 3600");
	check_soa(state, "mx1.dest.example", "dest.example. 300 300");
	check_soa(state, "host.dest.example", "dest.example. 5 5");
	check_soa(state, "gone.example", ". 9 9");
	check_soa(state, "sub.gone.example", ". 9 9");
	check_soa(state, "bad.example", "");
	check_soa(state, "nowhere.example", ". 300 300");
}

/* An MX brings addresses along, but none that must be asked for. */
static void test_dns_zone_additional(void **state)
{
	struct dns_question q = {.type = MX};
	struct dns_found found;
	struct fixture *f;
	ldns_rdf *dname = ldns_dname_new_frm_str("dest.example");

	begin(state, "    mx1.dest.example:\n"
		     "      timeline: [{from: 1h, type: a, answer: servfail}]\n"
		     "    mx2.dest.example: {aaaa: 2001:db8::2}\n");
	f = *state;
	q.name = dname;
	dns_zone_find(f->zone, &q, &found);
	assert_int_equal(ldns_rr_list_rr_count(found.additional), 3);
	dns_found_release(&found);
	q.now_ns = HOUR_NS;
	dns_zone_find(f->zone, &q, &found);
	assert_int_equal(ldns_rr_list_rr_count(found.additional), 2);
	dns_found_release(&found);
	ldns_rdf_deep_free(dname);
}

/* There is an end to it. */
static void test_dns_zone_additional_limit(void **state)
{
	struct dns_question q = {.type = MX};
	struct dns_found found;
	struct fixture *f;
	ldns_rdf *dname = ldns_dname_new_frm_str("dest.example");
	char *names = NULL;
	size_t len;
	FILE *out = open_memstream(&names, &len);

	fputs("    many.example: {a: [", out);
	for (int i = 0; i < DNS_ADDITIONAL_MAX + 10; i++)
		fprintf(out, "192.0.2.%d, ", i);
	fputs("]}\n    dest.example: {mx: [10 many.example]}\n", out);
	fclose(out);
	begin(state, names);
	free(names);
	f = *state;
	q.name = dname;
	dns_zone_find(f->zone, &q, &found);
	assert_int_equal(ldns_rr_list_rr_count(found.additional),
			 DNS_ADDITIONAL_MAX);
	dns_found_release(&found);
	ldns_rdf_deep_free(dname);
}

#define T(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dns_zone_address),    T(test_dns_zone_lookup),
		T(test_dns_zone_given),	     T(test_dns_zone_long_text),
		T(test_dns_zone_alias),	     T(test_dns_zone_alias_loop),
		T(test_dns_zone_window),     T(test_dns_zone_counts),
		T(test_dns_zone_below),	     T(test_dns_zone_actions),
		T(test_dns_zone_transport),  T(test_dns_zone_alias_fails),
		T(test_dns_zone_delay),	     T(test_dns_zone_ttl),
		T(test_dns_zone_ttl_speed),  T(test_dns_zone_negative_ttl),
		T(test_dns_zone_additional), T(test_dns_zone_additional_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
