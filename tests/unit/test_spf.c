/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/spf.c and sim/spf_record.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/spf.h"

enum { A = 1, PTR = 12, MX = 15, TXT = 16, AAAA = 28, END = 0 };

#define S(n) ((n)*DEADMX_NS_PER_S)

/* A zone: rows of name, type, value; VALUE NULL: see status. */
struct row {
	const char *name;
	int type;
	const char *value;
	enum spf_dns_status status;
	int64_t delay_ns;
};

struct zone {
	const struct row *rows;
	unsigned asked;
	char last[300];
};

static void look_up(void *arg, const char *name, uint16_t type,
		    struct spf_answer *ret)
{
	struct zone *z = arg;
	bool exists = false;

	z->asked++;
	snprintf(z->last, sizeof(z->last), "%s", name);
	for (const struct row *r = z->rows; r->name; r++) {
		/* "*" stands for any name. */
		if (strcasecmp(r->name, name) != 0 && strcmp(r->name, "*") != 0)
			continue;
		exists = true;
		if (r->type != type)
			continue;
		ret->delay_ns = r->delay_ns;
		if (r->value)
			spf_answer_add(ret, r->value, strlen(r->value));
		else
			ret->status = r->status;
	}
	if (!exists)
		ret->status = SPF_DNS_NXDOMAIN;
}

/* What the last check said, and how often it asked. */
static char why[SPF_EXPLANATION_MAX];
static struct zone zone;

static enum deadmx_spf check_from(const struct row *rows, const char *ip,
				  const char *sender, const char *helo)
{
	const struct spf_query query = {
		.ip = ip,
		.helo = helo,
		.sender = sender,
		.receiver = "mx.dest.example",
	};
	const struct spf_dns dns = {.lookup = look_up, .arg = &zone};

	zone = (struct zone){.rows = rows};
	return spf_check(&query, &dns, why, sizeof(why));
}

static enum deadmx_spf check_ip(const struct row *rows, const char *ip)
{
	return check_from(rows, ip, "alice@s.example", "mta.example");
}

static enum deadmx_spf check(const struct row *rows)
{
	return check_ip(rows, "192.0.2.1");
}

/* The result of one record, for a client at 192.0.2.1. */
static enum deadmx_spf check_record(const char *record)
{
	const struct row rows[] = {{"s.example", TXT, record, 0, 0}, {0}};

	return check(rows);
}

static void assert_why(const char *part)
{
	if (!strstr(why, part))
		fail_msg("\"%s\" is not in \"%s\"", part, why);
}

/* --- the seven results --------------------------------------------------- */

/* No TXT record is an SPF record: none. */
static void test_spf_none(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "google-site-verification=x", 0, 0},
		{"s.example", TXT, "v=spf10 -all", 0, 0},
		{0}};

	assert_int_equal(check(rows), DEADMX_SPF_NONE);
	assert_why("s.example has no SPF record");
}

/* The domain doesn't exist, or has no TXT records: none. */
static void test_spf_none_without_domain(void **state)
{
	static const struct row empty[] = {{0}};
	static const struct row other[] = {{"s.example", A, "192.0.2.1", 0, 0},
					   {0}};

	assert_int_equal(check(empty), DEADMX_SPF_NONE);
	assert_why("s.example does not exist");
	assert_int_equal(check(other), DEADMX_SPF_NONE);
}

/* RFC 7208 4.3: what is no domain is not looked up. */
static void test_spf_none_for_no_domain(void **state)
{
	static const struct row rows[] = {{"*", TXT, "v=spf1 -all", 0, 0}, {0}};
	static const char *const senders[] = {
		"alice@localhost", "alice@a..example",	 "alice@.example",
		"postmaster",	   "alice@[192.0.2.1]x", "alice@"};
	char longest[300];

	for (size_t i = 0; i < sizeof(senders) / sizeof(*senders); i++) {
		if (i == 4)
			continue; /* has dots, and is asked for in vain */
		assert_int_equal(check_from(rows, "192.0.2.1", senders[i],
					    "mta.example"),
				 DEADMX_SPF_NONE);
		assert_int_equal(zone.asked, 0);
	}
	snprintf(longest, sizeof(longest), "a@%064d.example", 0);
	assert_int_equal(check_from(rows, "192.0.2.1", longest, "mta.example"),
			 DEADMX_SPF_NONE);
	assert_int_equal(zone.asked, 0);
}

/* "?", or the end of a record without all: neutral. */
static void test_spf_neutral(void **state)
{
	assert_int_equal(check_record("v=spf1 ?all"), DEADMX_SPF_NEUTRAL);
	assert_int_equal(check_record("v=spf1 ip4:192.0.2.9"),
			 DEADMX_SPF_NEUTRAL);
	assert_int_equal(check_record("v=spf1"), DEADMX_SPF_NEUTRAL);
}

/* The client is in the record: pass, and the text says who said so. */
static void test_spf_pass(void **state)
{
	assert_int_equal(check_record("v=spf1 ip4:192.0.2.1 -all"),
			 DEADMX_SPF_PASS);
	assert_why("mx.dest.example: domain of s.example designates 192.0.2.1");
	assert_int_equal(check_record("V=SPF1 IP4:192.0.2.0/24 -ALL"),
			 DEADMX_SPF_PASS);
}

/* The client is not in the record, and it says -all: fail. */
static void test_spf_fail(void **state)
{
	assert_int_equal(check_record("v=spf1 ip4:192.0.2.9 -all"),
			 DEADMX_SPF_FAIL);
	assert_why("does not designate 192.0.2.1 as permitted sender");
}

static void test_spf_softfail(void **state)
{
	assert_int_equal(check_record("v=spf1 ip4:192.0.2.9 ~all"),
			 DEADMX_SPF_SOFTFAIL);
}

/* RFC 7208 4.4: the record can't be had: temperror. */
static void test_spf_temperror(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, NULL, SPF_DNS_FAILED, 0}, {0}};

	assert_int_equal(check(rows), DEADMX_SPF_TEMPERROR);
	assert_why("no answer about s.example");
}

/* A lookup on the way fails: temperror, whatever follows. */
static void test_spf_temperror_in_term(void **state)
{
	static const struct row a[] = {
		{"s.example", TXT, "v=spf1 a:h.example ip4:192.0.2.1", 0, 0},
		{"h.example", A, NULL, SPF_DNS_FAILED, 0},
		{0}};
	static const struct row include[] = {
		{"s.example", TXT, "v=spf1 include:i.example +all", 0, 0},
		{"i.example", TXT, NULL, SPF_DNS_FAILED, 0},
		{0}};

	assert_int_equal(check(a), DEADMX_SPF_TEMPERROR);
	assert_why("no answer about h.example");
	assert_int_equal(check(include), DEADMX_SPF_TEMPERROR);
}

/* RFC 7208 4.5: two records, and nobody knows which: permerror. */
static void test_spf_permerror_two_records(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 +all", 0, 0},
		{"s.example", TXT, "v=spf1 -all", 0, 0},
		{0}};

	assert_int_equal(check(rows), DEADMX_SPF_PERMERROR);
	assert_why("more than one SPF record");
}

/* RFC 7208 4.6: a syntax error anywhere is a permerror; the term is named. */
static void test_spf_permerror_syntax(void **state)
{
	static const char *const records[] = {
		"v=spf1 ip4:192.0.2 -all",
		("v=spf1 ip4:192.0.2.1 ip4:1.2.3.4.5.6.7.8.9.10.11.12.13.14.15"
		 ".16.17.18.19.20.21.22.23 -all"),
		"v=spf1 ip4:192.0.2.1 ip4:192.0.2.1/33",
		"v=spf1 ip6:::1/129 ip4:192.0.2.1",
		"v=spf1 +all foo",
		"v=spf1 +all foo:bar",
		"v=spf1 ip4:192.0.2.1 -",
		"v=spf1 ip4:192.0.2.1 !all",
		"v=spf1 ip4:192.0.2.1 a:",
		"v=spf1 ip4:192.0.2.1 a:/24",
		"v=spf1 ip4:192.0.2.1 a/24/24",
		"v=spf1 ip4:192.0.2.1 mx/",
		"v=spf1 ip4:192.0.2.1 mx/x",
		"v=spf1 ip4:192.0.2.1 mx/1234",
		"v=spf1 ip4:192.0.2.1 a//",
		"v=spf1 ip4:192.0.2.1 all:s.example",
		"v=spf1 ip4:192.0.2.1 include",
		"v=spf1 ip4:192.0.2.1 exists:%{z}",
		"v=spf1 ip4:192.0.2.1 exists:%{}",
		"v=spf1 ip4:192.0.2.1 exists:%{d",
		"v=spf1 ip4:192.0.2.1 exists:%(d)",
		"v=spf1 ip4:192.0.2.1 exists:a%",
		"v=spf1 ip4:192.0.2.1 exists:%{d0}",
		"v=spf1 ip4:192.0.2.1 redirect:a.example",
		"v=spf1 ip4:192.0.2.1 -redirect=a.example",
		"v=spf1 ip4:192.0.2.1 redirect=",
		"v=spf1 ip4:192.0.2.1 redirect=a.example redirect=a.example",
		"v=spf1 ip4:192.0.2.1 exp=a.example exp=a.example",
		"v=spf1 ip4:192.0.2.1 1=x",
		"v=spf1 ip4:192.0.2.1 =x",
		"v=spf1\tip4:192.0.2.1 \xc3\xa9",
		"v=spf1 ip4:192.0.2.1 \x01",
	};

	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		enum deadmx_spf result = check_record(records[i]);

		/* With a tab behind it is no SPF record at all. */
		if (strchr(records[i], '\t'))
			assert_int_equal(result, DEADMX_SPF_NONE);
		else if (result != DEADMX_SPF_PERMERROR)
			fail_msg("%s: %s", records[i], spf_word(result));
	}
	check_record("v=spf1 ip4:192.0.2.1 ip4:192.0.2");
	assert_why("s.example: \"ip4:192.0.2\": Invalid IPv4 address literal");
}

/* --- mechanisms ---------------------------------------------------------- */

static void test_spf_ip6(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 ip6:2001:db8::/32 -all", 0, 0}, {0}};

	assert_int_equal(check_ip(rows, "2001:db8::25"), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(rows, "2001:db9::25"), DEADMX_SPF_FAIL);
	assert_int_equal(check_ip(rows, "192.0.2.1"), DEADMX_SPF_FAIL);
}

/* IPv4 in an IPv6 socket is IPv4. */
static void test_spf_mapped_address(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 ip4:192.0.2.1 -all", 0, 0}, {0}};

	assert_int_equal(check_ip(rows, "::ffff:192.0.2.1"), DEADMX_SPF_PASS);
}

/* libspf2 passes loopback unseen; here it is an address like others. */
static void test_spf_loopback_is_checked(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 ip4:192.0.2.1 -all", 0, 0}, {0}};

	assert_int_equal(check_ip(rows, "127.0.0.1"), DEADMX_SPF_FAIL);
	assert_int_equal(check_ip(rows, "::1"), DEADMX_SPF_FAIL);
}

/* A network of /0 holds all addresses of its kind, and no others. */
static void test_spf_whole_network(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 ~ip4:0.0.0.0/0 ?ip6:::/0 -all", 0,
		 0},
		{0}};

	assert_int_equal(check_ip(rows, "192.0.2.1"), DEADMX_SPF_SOFTFAIL);
	assert_int_equal(check_ip(rows, "2001:db8::1"), DEADMX_SPF_NEUTRAL);
}

static void test_spf_a(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 a a:h.example/24//64 -all", 0, 0},
		{"s.example", A, "192.0.2.7", 0, 0},
		{"s.example", AAAA, "2001:db8:1::1", 0, 0},
		{"h.example", A, "192.0.2.99", 0, 0},
		{"h.example", AAAA, "2001:db8::99", 0, 0},
		{0}};

	assert_int_equal(check_ip(rows, "192.0.2.7"), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(rows, "192.0.2.1"), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(rows, "192.0.3.1"), DEADMX_SPF_FAIL);
	assert_int_equal(check_ip(rows, "2001:db8::1"), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(rows, "2001:db8:2::1"), DEADMX_SPF_FAIL);
}

static void test_spf_mx(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 mx -all", 0, 0},
		{"s.example", MX, "m1.example", 0, 0},
		{"s.example", MX, "m2.example", 0, 0},
		{"m1.example", A, "192.0.2.7", 0, 0},
		{"m2.example", A, "192.0.2.1", 0, 0},
		{0}};

	assert_int_equal(check(rows), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(rows, "192.0.2.2"), DEADMX_SPF_FAIL);
}

/* A null MX (RFC 7505) has no address. */
static void test_spf_null_mx(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 mx -all", 0, 0},
		{"s.example", MX, "", 0, 0},
		{0}};

	assert_int_equal(check(rows), DEADMX_SPF_FAIL);
}

static void test_spf_ptr(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 ptr -all", 0, 0},
		{"1.2.0.192.in-addr.arpa", PTR, "mail.s.example", 0, 0},
		{"mail.s.example", A, "192.0.2.1", 0, 0},
		{"2.2.0.192.in-addr.arpa", PTR, "forged.s.example", 0, 0},
		{"forged.s.example", A, "192.0.2.9", 0, 0},
		{0}};

	assert_int_equal(check(rows), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(rows, "192.0.2.2"), DEADMX_SPF_FAIL);
}

/* Macros: the sender's local part, the address reversed, the HELO name. */
static void test_spf_macros(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT,
		 "v=spf1 exists:%{l}.%{ir}.%{v}.%{h}.%{d2}.%{o1} -all", 0, 0},
		{"alice.1.2.0.192.in-addr.mta.example.s.example.example", A,
		 "127.0.0.2", 0, 0},
		{0}};

	assert_int_equal(check(rows), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(rows, "192.0.2.2"), DEADMX_SPF_FAIL);
}

/* A number that asks for as many labels as there are, or more, cuts none. */
static void test_spf_macro_keeps_whole(void **state)
{
	assert_int_equal(check_record("v=spf1 exists:%{d1}.x -all"),
			 DEADMX_SPF_FAIL);
	assert_string_equal(zone.last, "example.x");
	check_record("v=spf1 exists:%{d2}.x -all");
	assert_string_equal(zone.last, "s.example.x");
	check_record("v=spf1 exists:%{d7r}.x -all");
	assert_string_equal(zone.last, "example.s.x");
	check_record("v=spf1 exists:%{i4}.x -all");
	assert_string_equal(zone.last, "192.0.2.1.x");
	check_record("v=spf1 exists:%{i3}.x -all");
	assert_string_equal(zone.last, "0.2.1.x");
	check_record("v=spf1 exists:%{l2-}.x -all");
	assert_string_equal(zone.last, "alice.x");
}

/* RFC 7208 6.1: redirect= comes last wherever it stands, and not with all. */
static void test_spf_redirect(void **state)
{
	static const struct row last[] = {
		{"s.example", TXT, "v=spf1 redirect=r.example ip4:192.0.2.1", 0,
		 0},
		{"r.example", TXT, "v=spf1 ip4:192.0.2.2 -all", 0, 0},
		{0}};
	static const struct row unused[] = {
		{"s.example", TXT, "v=spf1 redirect=r.example ~all", 0, 0},
		{"r.example", TXT, "v=spf1 +all", 0, 0},
		{0}};

	assert_int_equal(check(last), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(last, "192.0.2.2"), DEADMX_SPF_PASS);
	assert_int_equal(check_ip(last, "192.0.2.3"), DEADMX_SPF_FAIL);
	assert_int_equal(check(unused), DEADMX_SPF_SOFTFAIL);
}

/* An include matches when it passes; one without record is an error. */
static void test_spf_include(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 ?include:i.example ~all", 0, 0},
		{"i.example", TXT, "v=spf1 ip4:192.0.2.1 -all", 0, 0},
		{0}};
	static const struct row none[] = {
		{"s.example", TXT, "v=spf1 include:i.example +all", 0, 0}, {0}};

	assert_int_equal(check(rows), DEADMX_SPF_NEUTRAL);
	assert_int_equal(check_ip(rows, "192.0.2.2"), DEADMX_SPF_SOFTFAIL);
	assert_int_equal(check(none), DEADMX_SPF_PERMERROR);
	assert_why("i.example does not exist");
}

/* Modifiers that nobody knows are skipped (RFC 7208 6). */
static void test_spf_unknown_modifier(void **state)
{
	assert_int_equal(check_record("v=spf1 a.b-c_d=%{d} exp=e.example "
				      "ip4:192.0.2.1 -all"),
			 DEADMX_SPF_PASS);
	assert_int_equal(zone.asked, 1);
}

/* RFC 7208 2.4: a null reverse-path is postmaster at the HELO name. */
static void test_spf_null_sender(void **state)
{
	static const struct row rows[] = {
		{"mta.example", TXT, "v=spf1 exists:%{l}.l.example -all", 0, 0},
		{"postmaster.l.example", A, "127.0.0.2", 0, 0},
		{0}};

	assert_int_equal(check_from(rows, "192.0.2.1", "", "mta.example"),
			 DEADMX_SPF_PASS);
	assert_int_equal(check_from(rows, "192.0.2.1", "", NULL),
			 DEADMX_SPF_NONE);
	assert_int_equal(check_from(rows, "192.0.2.1", "", "[192.0.2.1]"),
			 DEADMX_SPF_NONE);
}

/* --- limits -------------------------------------------------------------- */

/* "v=spf1", @count times @term with a number for %d, and "+all". */
static char *long_record(const char *term, int count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fputs("v=spf1", out);
	for (int i = 0; i < count; i++) {
		fputc(' ', out);
		fprintf(out, term, i % 250, i % 250);
	}
	fputs(" +all", out);
	fclose(out);
	return text;
}

/* Ten terms that ask the DNS are fine, eleven are not. */
static void test_spf_terms_max(void **state)
{
	char *text = long_record("a:h%d.example", SPF_TERMS_MAX);
	struct row rows[] = {{"s.example", TXT, text, 0, 0},
			     {"*", A, "192.0.2.99", 0, 0},
			     {0}};

	rows[1].name = "*";
	assert_int_equal(check(rows), DEADMX_SPF_PASS);
	free(text);
	rows[0].value = text = long_record("a:h%d.example", SPF_TERMS_MAX + 1);
	assert_int_equal(check(rows), DEADMX_SPF_PERMERROR);
	assert_why("more than 10 terms");
	free(text);
}

/* The addresses of ten MXs belong to one term; libspf2 counts them so. */
static void test_spf_mx_addresses_are_one_term(void **state)
{
	struct row rows[32] = {
		{"s.example", TXT, "v=spf1 mx mx:t.example -all", 0, 0}};
	size_t n = 1;

	for (int i = 0; i < SPF_NAMES_MAX; i++) {
		static char names[SPF_NAMES_MAX][16];

		snprintf(names[i], sizeof(names[i]), "m%d.example", i);
		rows[n++] = (struct row){"s.example", MX, names[i], 0, 0};
		rows[n++] = (struct row){names[i], A, "192.0.2.9", 0, 0};
	}
	rows[n++] = (struct row){"t.example", MX, "m0.example", 0, 0};
	assert_int_equal(check(rows), DEADMX_SPF_FAIL);
	assert_int_equal(zone.asked, 1 + 1 + SPF_NAMES_MAX + 1 + 1);
	/* An eleventh is too many: 4.6.4. */
	rows[n++] = (struct row){"s.example", MX, "m10.example", 0, 0};
	rows[n] = (struct row){"m10.example", A, "192.0.2.9", 0, 0};
	assert_int_equal(check(rows), DEADMX_SPF_PERMERROR);
}

/* Of more than ten PTR records the rest is not looked at: 4.6.4. */
static void test_spf_ptr_names_max(void **state)
{
	struct row rows[32] = {{"s.example", TXT, "v=spf1 ptr ?all", 0, 0},
			       {"*", A, "192.0.2.9", 0, 0}};

	for (int i = 0; i <= SPF_NAMES_MAX; i++)
		rows[2 + i] = (struct row){"1.2.0.192.in-addr.arpa", PTR,
					   "p.example", 0, 0};
	assert_int_equal(check(rows), DEADMX_SPF_NEUTRAL);
	assert_int_equal(zone.asked, 1 + 1 + SPF_NAMES_MAX);
}

/* Limits hold over all includes together; libspf2 counts in each anew. */
static void test_spf_include_tree(void **state)
{
	static const struct row rows[] = {
		{"*", TXT,
		 "v=spf1 include:a.%{d} include:b.%{d} include:c.%{d} ?all", 0,
		 0},
		{0}};

	assert_int_equal(check(rows), DEADMX_SPF_PERMERROR);
	assert_why("more than 10 terms");
	assert_true(zone.asked <= 1 + SPF_TERMS_MAX);
}

static void test_spf_include_loop(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 include:t.example ?all", 0, 0},
		{"t.example", TXT, "v=spf1 include:s.example ?all", 0, 0},
		{0}};
	static const struct row itself[] = {
		{"s.example", TXT, "v=spf1 redirect=s.example", 0, 0}, {0}};

	assert_int_equal(check(rows), DEADMX_SPF_PERMERROR);
	assert_int_equal(check(itself), DEADMX_SPF_PERMERROR);
}

/* Two lookups may find nothing, three may not. */
static void test_spf_voids_max(void **state)
{
	assert_int_equal(check_record("v=spf1 a:x.example exists:y.example "
				      "+all"),
			 DEADMX_SPF_PASS);
	assert_int_equal(check_record("v=spf1 a:x.example exists:y.example "
				      "mx:z.example +all"),
			 DEADMX_SPF_PERMERROR);
	assert_why("more than 2 lookups that find nothing");
}

/* A slow DNS: 20 s of waiting are fine, more is a temperror. */
static void test_spf_wait_max(void **state)
{
	struct row rows[] = {
		{"s.example", TXT, "v=spf1 a:h.example -all", 0, S(12)},
		{"h.example", A, "192.0.2.1", 0, S(8)},
		{0}};

	assert_int_equal(check(rows), DEADMX_SPF_PASS);
	rows[1].delay_ns++;
	assert_int_equal(check(rows), DEADMX_SPF_TEMPERROR);
	assert_why("more than 20 s");
}

/* Records longer than what libspf2 has room for keep their end. */
static void test_spf_long_record(void **state)
{
	char *text = long_record("ip4:10.%d.%d.1", 254);

	assert_int_equal(check_record(text), DEADMX_SPF_PASS);
	free(text);
	text = long_record("ip4:10.%d.%d.1", 255);
	assert_int_equal(check_record(text), DEADMX_SPF_PERMERROR);
	assert_why("too many terms");
	free(text);
}

/* Terms and macros up to their limits, where libspf2 1.2.10 overflowed. */
static void test_spf_long_term(void **state)
{
	char text[600];

	snprintf(text, sizeof(text), "v=spf1 exists:%0248d +all", 0);
	assert_int_equal(check_record(text), DEADMX_SPF_PASS);
	snprintf(text, sizeof(text), "v=spf1 exists:%0249d +all", 0);
	assert_int_equal(check_record(text), DEADMX_SPF_PERMERROR);
	assert_why("too long");
	assert_int_equal(check_record("v=spf1 exists:a%{d}a%{d}a%{d}a%{d}"
				      "a%{d}a%{d}a%{d}a%{d}a +all"),
			 DEADMX_SPF_PASS);
	assert_int_equal(check_record("v=spf1 exists:%{d}%{d}%{d}%{d}%{d}"
				      "%{d}%{d}%{d}%{d} +all"),
			 DEADMX_SPF_PERMERROR);
	assert_why("too many macros");
}

/* RFC 7208 7.3: an expanded name loses labels on its left. */
static void test_spf_long_name(void **state)
{
	char sender[600];

	memset(sender, 'x', sizeof(sender));
	memcpy(sender + 400, "@s.example", 11);
	assert_int_equal(check_from(
				 (const struct row[]){
					 {"s.example", TXT,
					  "v=spf1 exists:%{l}.%{d} -all", 0, 0},
					 {"s.example", A, "127.0.0.2", 0, 0},
					 {0}},
				 "192.0.2.1", sender, "mta.example"),
			 DEADMX_SPF_PASS);
}

/* Senders full of what means something elsewhere do no harm. */
static void test_spf_hostile_sender(void **state)
{
	static const struct row rows[] = {
		{"s.example", TXT, "v=spf1 exists:%{L}.%{lr/}.%{S}.x -all", 0,
		 0},
		{"t.example", TXT, "v=spf1 exists:%{L}.%{lr-}.%{S}.x -all", 0,
		 0},
		{0}};
	static const char *const locals[] = {
		"%{d}%{d}%n%s", "..", "-.-.-", "\"a b\"", "\x80\xff\x01", "@@"};
	char sender[100];

	for (size_t i = 0; i < sizeof(locals) / sizeof(*locals); i++) {
		snprintf(sender, sizeof(sender), "%s@t.example", locals[i]);
		assert_int_equal(
			check_from(rows, "192.0.2.1", sender, "mta.example"),
			DEADMX_SPF_FAIL);
	}
	/* A delimiter that libspf2 doesn't know. */
	assert_int_equal(check(rows), DEADMX_SPF_PERMERROR);
}

static void test_spf_no_address(void **state)
{
	static const struct row rows[] = {{"*", TXT, "v=spf1 +all", 0, 0}, {0}};

	assert_int_equal(check_ip(rows, "nonsense"), DEADMX_SPF_NONE);
	assert_why("no address");
}

/* --- words --------------------------------------------------------------- */

static void test_spf_words(void **state)
{
	enum deadmx_spf found = DEADMX_SPF_PASS;

	for (int i = 0; i < DEADMX_SPF_COUNT; i++) {
		assert_int_equal(
			spf_parse(spf_word((enum deadmx_spf)i), &found), 0);
		assert_int_equal(found, i);
	}
	assert_int_equal(spf_parse("hardfail", &found), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spf_none),
		cmocka_unit_test(test_spf_none_without_domain),
		cmocka_unit_test(test_spf_none_for_no_domain),
		cmocka_unit_test(test_spf_neutral),
		cmocka_unit_test(test_spf_pass),
		cmocka_unit_test(test_spf_fail),
		cmocka_unit_test(test_spf_softfail),
		cmocka_unit_test(test_spf_temperror),
		cmocka_unit_test(test_spf_temperror_in_term),
		cmocka_unit_test(test_spf_permerror_two_records),
		cmocka_unit_test(test_spf_permerror_syntax),
		cmocka_unit_test(test_spf_ip6),
		cmocka_unit_test(test_spf_mapped_address),
		cmocka_unit_test(test_spf_loopback_is_checked),
		cmocka_unit_test(test_spf_whole_network),
		cmocka_unit_test(test_spf_a),
		cmocka_unit_test(test_spf_mx),
		cmocka_unit_test(test_spf_null_mx),
		cmocka_unit_test(test_spf_ptr),
		cmocka_unit_test(test_spf_macros),
		cmocka_unit_test(test_spf_macro_keeps_whole),
		cmocka_unit_test(test_spf_redirect),
		cmocka_unit_test(test_spf_include),
		cmocka_unit_test(test_spf_unknown_modifier),
		cmocka_unit_test(test_spf_null_sender),
		cmocka_unit_test(test_spf_terms_max),
		cmocka_unit_test(test_spf_mx_addresses_are_one_term),
		cmocka_unit_test(test_spf_ptr_names_max),
		cmocka_unit_test(test_spf_include_tree),
		cmocka_unit_test(test_spf_include_loop),
		cmocka_unit_test(test_spf_voids_max),
		cmocka_unit_test(test_spf_wait_max),
		cmocka_unit_test(test_spf_long_record),
		cmocka_unit_test(test_spf_long_term),
		cmocka_unit_test(test_spf_long_name),
		cmocka_unit_test(test_spf_hostile_sender),
		cmocka_unit_test(test_spf_no_address),
		cmocka_unit_test(test_spf_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
