/* SPDX-License-Identifier: MIT */
/* What a probe makes of DNS answers, and of hosts in their order. */
#include "probe_fixture.h"

static char mx1_a[64], mx2_a[64], implicit_a[64];

static const char *const zone[] = {
	"dest.example. MX 20 mx2.dest.example.",
	"dest.example. MX 10 mx1.dest.example.",
	mx1_a,
	mx2_a,
	"equal.example. MX 10 b.equal.example.",
	"equal.example. MX 10 a.equal.example.",
	"equal.example. MX 5 c.equal.example.",
	"null.example. MX 0 .",
	"half-null.example. MX 0 .",
	"half-null.example. MX 10 mx1.dest.example.",
	implicit_a,
	"nothing.example. TXT \"no mail here\"",
	"no-address.example. MX 10 gone.example.",
	"ip.example. MX 10 192.0.2.1.",
	"alias.example. CNAME dest.example.",
	"mx-alias.example. MX 10 alias-of-mx1.example.",
	"alias-of-mx1.example. CNAME mx1.dest.example.",
	"loop.example. CNAME loop.example.",
	"cut.example. MX 10 mx1.dest.example.",
	"cutdrip.example. MX 10 mx1.dest.example.",
	"wrongid.example. MX 10 mx1.dest.example.",
	"lame.example. TXT \"not said\"",
	"otherowner.example. MX 10 mx1.dest.example.",
	"late.example. MX 10 mx1.dest.example.",
	"servfail-mx.example. MX 10 servfail.dest.example.",
	NULL};

static int setup(void **state)
{
	fixture_setup();
	snprintf(mx1_a, sizeof(mx1_a), "mx1.dest.example. A %s",
		 fixture.address[1]);
	snprintf(mx2_a, sizeof(mx2_a), "mx2.dest.example. A %s",
		 fixture.address[2]);
	snprintf(implicit_a, sizeof(implicit_a), "implicit.example. A %s",
		 fixture.address[3]);
	fake_dns(zone);
	return 0;
}

static int teardown(void **state)
{
	fixture_teardown();
	return 0;
}

static struct probe_dns_answer answer;

static void ask(const char *name, ldns_rr_type type)
{
	fixture_dns_init();
	probe_dns_ask(&fixture.dns, name, type, &answer);
}

static void test_probe_dns_mx(void **state)
{
	ask("dest.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_OK);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.records[0].preference, 20);
	assert_string_equal(answer.records[0].name, "mx2.dest.example");
}

static void test_probe_dns_address(void **state)
{
	char ip[INET6_ADDRSTRLEN];

	ask("mx1.dest.example", LDNS_RR_TYPE_A);
	assert_int_equal(answer.count, 1);
	assert_string_equal(
		probe_net_addr_text(&answer.records[0].address, ip, sizeof(ip)),
		fixture.address[1]);
}

static void test_probe_dns_no_such_name(void **state)
{
	ask("expired.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_NO_NAME);
}

static void test_probe_dns_no_such_record(void **state)
{
	ask("nothing.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_NO_DATA);
}

static void test_probe_dns_cname(void **state)
{
	ask("alias.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_OK);
	assert_int_equal(answer.count, 2);
	assert_string_equal(answer.alias, "dest.example");
}

static void test_probe_dns_cname_loop(void **state)
{
	ask("loop.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_NO_DATA);
	assert_non_null(strstr(answer.why, "CNAME"));
}

static void test_probe_dns_servfail(void **state)
{
	ask("servfail.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_FAILED);
	assert_non_null(strstr(answer.why, "SERVFAIL from 127."));
}

static void test_probe_dns_refused(void **state)
{
	ask("refused.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_FAILED);
	assert_non_null(strstr(answer.why, "REFUSED"));
}

static void test_probe_dns_silent(void **state)
{
	int64_t from = probe_net_now_ns();

	fixture.options.net.timeout_ns = MS(200);
	ask("silent.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_FAILED);
	assert_non_null(strstr(answer.why, "no answer in time"));
	/* Two tries, of a third of the time each. */
	assert_true(probe_net_now_ns() - from >= 2 * MS(200) / 3);
}

static void test_probe_dns_garbage(void **state)
{
	fixture.options.net.timeout_ns = MS(200);
	ask("garbage.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_FAILED);
}

/* "Ask somebody else" tells nothing of the name. */
static void test_probe_dns_lame(void **state)
{
	ask("lame.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_FAILED);
	assert_non_null(strstr(answer.why, "no answer to the question"));
}

/* Nor do records of other names. */
static void test_probe_dns_other_owner(void **state)
{
	ask("otherowner.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_FAILED);
	assert_int_equal(answer.count, 0);
}

/* The answer to the first try comes while the second one waits. */
static void test_probe_dns_late(void **state)
{
	/* A try has half a second. */
	fixture.options.net.timeout_ns = MS(1500);
	ask("late.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_OK);
}

/* An answer to another question (a forged one, say) is passed over. */
static void test_probe_dns_wrong_id(void **state)
{
	ask("wrongid.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_OK);
	assert_int_equal(answer.count, 1);
}

static void test_probe_dns_truncated(void **state)
{
	ask("cut.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_OK);
	assert_string_equal(answer.records[0].name, "mx1.dest.example");
}

/* TCP that drips doesn't outlast the time either. */
static void test_probe_dns_dripping(void **state)
{
	fixture.options.net.timeout_ns = MS(400);
	ask("cutdrip.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_FAILED);
}

static void test_probe_dns_nobody(void **state)
{
	fixture.dns_port++;
	ask("dest.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_FAILED);
	assert_non_null(strstr(answer.why, "onnection refused"));
}

static void test_probe_dns_stop_signal(void **state)
{
	sig_atomic_t stop = 1;

	fixture.options.net.stop = &stop;
	ask("silent.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.rc, PROBE_DNS_INTERRUPTED);
}

/* More records than are kept: they are cut, and that is told. */
static void test_probe_dns_records_limit(void **state)
{
	static char text[PROBE_DNS_RECORDS_MAX + 1][64];
	static const char *many[PROBE_DNS_RECORDS_MAX + 2];

	for (int i = 0; i <= PROBE_DNS_RECORDS_MAX; i++) {
		snprintf(text[i], sizeof(text[i]),
			 "cut-many.example. MX 10 mx%d.example.", i);
		many[i] = text[i];
	}
	kill(fixture.dns_pid, SIGKILL);
	waitpid(fixture.dns_pid, NULL, 0);
	fake_dns(many);
	ask("cut-many.example", LDNS_RR_TYPE_MX);
	assert_int_equal(answer.count, PROBE_DNS_RECORDS_MAX);
	assert_true(answer.is_cut);
}

static void test_probe_dns_server_forms(void **state)
{
	static const struct {
		const char *text;
		int port;
	} good[] = {{"192.0.2.1", 53},
		    {"192.0.2.1:5353", 5353},
		    {"[::1]", 53},
		    {"[::1]:5353", 5353},
		    {"2001:db8::1", 53}};
	static const char *const bad[] = {
		"", ":53", "[::1", "[]", "[::1]53", "192.0.2.1:x", "a b c"};
	char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(probe_dns_init(&fixture.dns,
						&fixture.options.net,
						fixture.report.arena,
						good[i].text, errors),
				 0);
		/* At the same place in both kinds of address. */
		assert_int_equal(
			ntohs(((struct sockaddr_in *)&fixture.dns.servers[0])
				      ->sin_port),
			good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			probe_dns_init(&fixture.dns, &fixture.options.net,
				       fixture.report.arena, bad[i], errors),
			-EINVAL);
	fclose(errors);
	assert_non_null(strstr(said, "--dns"));
	free(said);
}

/* --- from answers to hosts --- */

static void ends(const char *address, enum probe_end_kind kind,
		 const char *status)
{
	struct probe_verdict v = fixture_probe(address);

	if (v.end.kind != kind)
		fail_msg("%s: %s", address, probe_end_word(v.end.kind));
	assert_string_equal(v.end.status, status);
}

static void test_probe_no_domain(void **state)
{
	ends("bob@expired.example", PROBE_END_NO_DOMAIN, "5.1.2");
}

static void test_probe_null_mx(void **state)
{
	ends("bob@null.example", PROBE_END_NULL_MX, "5.1.10");
	assert_int_equal(fixture.report.host_count, 0);
}

static void test_probe_dns_trouble(void **state)
{
	ends("bob@servfail.example", PROBE_END_DNS, "4.4.3");
}

/* Neither MX nor address: RFC 5321 5.1 has no way there. */
static void test_probe_nothing(void **state)
{
	ends("bob@nothing.example", PROBE_END_NO_ADDRESS, "5.4.4");
}

static void test_probe_mx_without_address(void **state)
{
	ends("bob@no-address.example", PROBE_END_NO_ADDRESS, "5.4.4");
	assert_int_equal(fixture.report.hosts[0].preference, 10);
}

static void test_probe_mx_is_address(void **state)
{
	ends("bob@ip.example", PROBE_END_NO_ADDRESS, "5.4.4");
	assert_non_null(strstr(fixture_step(PROBE_STEP_ADDRESS)->text,
			       "names an IP address"));
}

static void test_probe_mx_servfail(void **state)
{
	ends("bob@servfail-mx.example", PROBE_END_DNS, "4.4.3");
}

/* As Postfix has it: no way there, and waiting does not help. */
static void test_probe_alias_loop(void **state)
{
	ends("bob@loop.example", PROBE_END_NO_ADDRESS, "5.4.4");
	assert_non_null(
		strstr(fixture_step(PROBE_STEP_ADDRESS)->text, "CNAME"));
}

static void test_probe_implicit_mx(void **state)
{
	fixture_probe("bob@implicit.example");
	assert_int_equal(fixture.report.host_count, 1);
	assert_string_equal(fixture.report.hosts[0].name, "implicit.example");
	assert_int_equal(fixture.report.hosts[0].preference, -1);
	assert_string_equal(fixture.report.hosts[0].targets[0].address,
			    fixture.address[3]);
}

/* The "." beside a real MX is passed over. */
static void test_probe_half_null_mx(void **state)
{
	fixture_probe("bob@half-null.example");
	assert_int_equal(fixture.report.host_count, 2);
	assert_int_equal(fixture.report.hosts[0].end.kind,
			 PROBE_END_NO_ADDRESS);
	assert_string_equal(fixture.report.hosts[1].targets[0].address,
			    fixture.address[1]);
}

/* By preference; among equals by name, so that runs compare. */
static void test_probe_order(void **state)
{
	fixture_probe("bob@equal.example");
	assert_int_equal(fixture.report.host_count, 3);
	assert_string_equal(fixture.report.hosts[0].name, "c.equal.example");
	assert_string_equal(fixture.report.hosts[1].name, "a.equal.example");
	assert_string_equal(fixture.report.hosts[2].name, "b.equal.example");
}

/* Mail gets through, but RFC 2181 10.3 forbids it. */
static void test_probe_mx_alias_warns(void **state)
{
	fixture_probe("bob@mx-alias.example");
	assert_int_equal(fixture_step(PROBE_STEP_ADDRESS)->mark,
			 PROBE_MARK_WARNING);
	assert_string_equal(fixture.report.hosts[0].targets[0].address,
			    fixture.address[1]);
}

/* -6 where there is IPv4 alone. */
static void test_probe_family(void **state)
{
	fixture.options.v4 = false;
	fixture.options.v6 = true;
	ends("bob@dest.example", PROBE_END_NO_ADDRESS, "5.4.4");
	assert_string_equal(fixture_step(PROBE_STEP_ADDRESS)->text,
			    "no IPv6 address");
}

static const struct fake_row accepts[] = {
	{"", "220 mx ESMTP\r\n"},     {"EHLO", "250 mx\r\n"},
	{"MAIL", "250 2.1.0 Ok\r\n"}, {"RCPT", "250 2.1.5 Ok\r\n"},
	{"QUIT", "221 Bye\r\n"},      {0}};
static const struct fake_row defers[] = {
	{"", "220 mx ESMTP\r\n"},     {"EHLO", "250 mx\r\n"},
	{"MAIL", "250 2.1.0 Ok\r\n"}, {"RCPT", "451 4.7.1 later\r\n"},
	{"QUIT", "221 Bye\r\n"},      {0}};
static const struct fake_row rejects[] = {
	{"", "220 mx ESMTP\r\n"},     {"EHLO", "250 mx\r\n"},
	{"MAIL", "250 2.1.0 Ok\r\n"}, {"RCPT", "550 5.1.1 who?\r\n"},
	{"QUIT", "221 Bye\r\n"},      {0}};

/* mx1 and mx2 of dest.example, at addresses 1 and 2. */
static void two_servers(const struct fake_row *one, const struct fake_row *two)
{
	fixture.fake_count = 1;
	fixture.fakes[0].heard = mmap(NULL, HEARD_MAX, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fixture.fakes[0].pid = fork(); /* keeps its place, does nothing */
	while (fixture.fakes[0].pid == 0)
		pause();
	fake_smtp(one, NULL, NULL);
	fake_smtp(two, NULL, NULL);
}

/* 4yz of the first: the second is asked, and takes it. */
static void test_probe_failover(void **state)
{
	struct probe_verdict v;

	two_servers(defers, accepts);
	v = fixture_probe("bob@dest.example");
	assert_int_equal(v.end.kind, PROBE_END_ACCEPTED);
	assert_string_equal(v.host->name, "mx2.dest.example");
	assert_string_equal(fixture.report.hosts[0].targets[0].end.status,
			    "4.7.1");
}

/* 5yz to RCPT settles it: no other host is asked. */
static void test_probe_no_failover_after_5yz(void **state)
{
	two_servers(rejects, accepts);
	ends("bob@dest.example", PROBE_END_REPLY, "5.1.1");
	assert_null(fixture.report.hosts[1].targets);
}

static void test_probe_all(void **state)
{
	two_servers(accepts, defers);
	fixture.options.all = true;
	assert_int_equal(fixture_probe("bob@dest.example").end.kind,
			 PROBE_END_ACCEPTED);
	assert_string_equal(fixture.report.hosts[1].targets[0].end.status,
			    "4.7.1");
}

/* When the time is over, that is told: the rest was not tried. */
static void test_probe_time_over(void **state)
{
	static const struct fake_row stalls[] = {{"", SAY_STALL}, {0}};

	two_servers(stalls, accepts);
	fixture.options.net.end_ns = probe_net_now_ns() + MS(300);
	ends("bob@dest.example", PROBE_END_TIMEOUT, "4.4.2");
	assert_true(fixture.report.time_over);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_probe_dns_mx),
		TEST(test_probe_dns_address),
		TEST(test_probe_dns_no_such_name),
		TEST(test_probe_dns_no_such_record),
		TEST(test_probe_dns_cname),
		TEST(test_probe_dns_cname_loop),
		TEST(test_probe_dns_servfail),
		TEST(test_probe_dns_refused),
		TEST(test_probe_dns_silent),
		TEST(test_probe_dns_garbage),
		TEST(test_probe_dns_lame),
		TEST(test_probe_dns_other_owner),
		TEST(test_probe_dns_late),
		TEST(test_probe_dns_wrong_id),
		TEST(test_probe_dns_truncated),
		TEST(test_probe_dns_dripping),
		TEST(test_probe_dns_nobody),
		TEST(test_probe_dns_stop_signal),
		TEST(test_probe_dns_records_limit),
		TEST(test_probe_dns_server_forms),
		TEST(test_probe_no_domain),
		TEST(test_probe_null_mx),
		TEST(test_probe_dns_trouble),
		TEST(test_probe_nothing),
		TEST(test_probe_mx_without_address),
		TEST(test_probe_mx_is_address),
		TEST(test_probe_mx_servfail),
		TEST(test_probe_alias_loop),
		TEST(test_probe_implicit_mx),
		TEST(test_probe_half_null_mx),
		TEST(test_probe_order),
		TEST(test_probe_mx_alias_warns),
		TEST(test_probe_family),
		TEST(test_probe_failover),
		TEST(test_probe_no_failover_after_5yz),
		TEST(test_probe_all),
		TEST(test_probe_time_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
