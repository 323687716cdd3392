/* SPDX-License-Identifier: MIT */
/* The scenario language: what it reads, what it refuses and how it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deadmx/scenario.h"
#include "deadmx/yaml.h"
#include "sim/scenario_read.h"

#define MINUTE_NS (60 * DEADMX_NS_PER_S)
#define HOUR_NS	  (60 * MINUTE_NS)
#define DAY_NS	  (24 * HOUR_NS)

#define HEAD   "description: d\n"
#define MAIL   "mail: {from: a@src.example, to: b@dest.example}\n"
#define EXPECT "expect: {ndr: yes}\n"
#define WORLD(rows)                                                            \
	"world:\n  servers:\n    mx.dest.example:\n      timeline:\n" rows
#define ROW(text) HEAD WORLD("        - " text "\n") MAIL EXPECT

/* What the last parse said; freed by the teardown. */
static char *said;

static int teardown(void **state)
{
	free(said);
	said = NULL;
	deadmx_scenario_free(*state);
	return 0;
}

static struct deadmx_scenario *parse_len(void **state, const char *text,
					 size_t len)
{
	struct deadmx_scenario *s = NULL;
	FILE *errors;
	size_t size;
	int r;

	free(said);
	said = NULL;
	deadmx_scenario_free(*state);
	*state = NULL;
	errors = open_memstream(&said, &size);
	r = deadmx_scenario_parse("x/t.yml", text, len, errors, &s);
	fclose(errors);
	assert_int_equal(r, s ? 0 : -EINVAL);
	/* An error without a word, or words without an error. */
	assert_int_equal(s ? 0 : 1,
			 said[0] && !strstr(said, ": warning: ") ? 1 : 0);
	*state = s;
	return s;
}

static struct deadmx_scenario *parse(void **state, const char *text)
{
	return parse_len(state, text, strlen(text));
}

static struct deadmx_scenario *parse_good(void **state, const char *text)
{
	struct deadmx_scenario *s = parse(state, text);

	if (!s)
		fail_msg("%s", said);
	return s;
}

/* @text must be refused with words that hold @words. */
static void refuse(void **state, const char *text, const char *words)
{
	if (parse(state, text))
		fail_msg("taken: %s", text);
	if (!strstr(said, words))
		fail_msg("expected \"%s\", got: %s", words, said);
}

static void refuse_row(void **state, const char *row, const char *words)
{
	char text[1024];

	snprintf(text, sizeof(text), HEAD WORLD("        - %s\n") MAIL EXPECT,
		 row);
	refuse(state, text, words);
}

static const struct deadmx_fault *row(void **state, const char *text)
{
	char all[1024];

	snprintf(all, sizeof(all), HEAD WORLD("        - %s\n") MAIL EXPECT,
		 text);
	return parse_good(state, all)->world.servers[0].faults;
}

static void refuse_expect(void **state, const char *expect, const char *words)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 HEAD WORLD("        - connect: refuse\n") MAIL
		 "expect:\n  %s\n",
		 expect);
	refuse(state, text, words);
}

static const struct deadmx_expect *expect(void **state, const char *words)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 HEAD WORLD("        - connect: refuse\n") MAIL
		 "expect:\n  %s\n",
		 words);
	return &parse_good(state, text)->expect;
}

static void refuse_mail(void **state, const char *mail, const char *words)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 HEAD WORLD("        - connect: refuse\n") "mail: %s\n" EXPECT,
		 mail);
	refuse(state, text, words);
}

/* --- what is read -------------------------------------------------------- */

static void test_scenario_defaults(void **state)
{
	const struct deadmx_scenario *s =
		parse_good(state, ROW("connect: refuse"));
	const struct deadmx_server *mx = &s->world.servers[0];

	assert_string_equal(s->name, "x/t");
	assert_string_equal(s->file, "x/t.yml");
	assert_string_equal(s->description, "d");
	assert_int_equal(s->world.start_unix_s, 1893456000);
	assert_int_equal(s->world.until_ns, 7 * DAY_NS);
	assert_int_equal(s->world.settle_ns, 2 * HOUR_NS);
	assert_string_equal(mx->address, "192.0.2.10");
	assert_int_equal(mx->port, 25);
	assert_int_equal(mx->mx_for_count, 1);
	assert_string_equal(mx->mx_for[0], "dest.example");
	assert_int_equal(mx->preference, 10);
	assert_int_equal(mx->extensions, DEADMX_EXTENSIONS_DEFAULT);
	assert_int_equal(s->mails[0].at_ns, 0);
	assert_false(s->mails[0].via_sendmail);
	assert_non_null(s->mails[0].subject);
	assert_non_null(s->mails[0].body);
	assert_null(s->mails[0].notify);
	assert_int_equal(s->expect.delivered, DEADMX_WANTED_ANY);
	assert_int_equal(s->expect.first_attempts_tolerance_ns, MINUTE_NS);
	assert_false(s->expect.attempts.set);
}

static void test_scenario_world(void **state)
{
	const struct deadmx_scenario *s = parse_good(
		state,
		HEAD "tags: [a, b]\nsettings: {delay_warning: 4h}\n"
		     "world:\n"
		     "  start: 1999-12-31\n"
		     "  until: 1d\n"
		     "  settle: 5m\n"
		     "  servers:\n"
		     "    mx1.dest.example: {timeline: [{rcpt: stall}]}\n"
		     "    mx2.dest.example: {address: 192.0.2.10, port: 2525}\n"
		     "    relay.example:\n"
		     "      mx_for: [dest.example, other.example]\n"
		     "      preference: 0\n"
		     "      extensions: [SIZE]\n" MAIL EXPECT);
	const struct deadmx_server *servers = s->world.servers;

	assert_int_equal(s->tag_count, 2);
	assert_string_equal(s->settings[0].name, "delay_warning");
	assert_string_equal(s->settings[0].value, "4h");
	assert_int_equal(s->world.start_unix_s, 946598400);
	assert_int_equal(s->world.until_ns, DAY_NS);
	assert_int_equal(s->world.settle_ns, 5 * MINUTE_NS);
	assert_int_equal(s->world.server_count, 4);
	/* An address that is given is not assigned. */
	assert_string_equal(servers[0].address, "192.0.2.11");
	assert_string_equal(servers[1].address, "192.0.2.10");
	assert_int_equal(servers[1].port, 2525);
	assert_int_equal(servers[1].preference, 20);
	assert_int_equal(servers[2].preference, 0);
	assert_int_equal(servers[2].mx_for_count, 2);
	assert_int_equal(servers[2].extensions, 1u << DEADMX_EXTENSION_SIZE);
	assert_ptr_equal(deadmx_scenario_server(s, "MX2.dest.example"),
			 &servers[1]);
	assert_ptr_equal(deadmx_scenario_server(s, "192.0.2.11"), &servers[0]);
	assert_ptr_equal(deadmx_scenario_server_at(s, "192.0.2.10", 2525),
			 &servers[1]);
	assert_null(deadmx_scenario_server_at(s, "192.0.2.10", 25));
	assert_null(deadmx_scenario_server(s, "nobody.example"));
}

/* A sender gets a healthy server of its own, once per domain. */
static void test_scenario_implicit_server(void **state)
{
	const struct deadmx_scenario *s = parse_good(
		state, HEAD "world:\n"
			    "  servers:\n"
			    "    mx.dest.example: {timeline: [{rcpt: stall}]}\n"
			    "    mx.two.example: {mx_for: dest.example}\n"
			    "mail:\n"
			    "  - {from: a@one.example, to: b@dest.example}\n"
			    "  - {from: c@ONE.example, to: b@dest.example}\n"
			    "  - {from: c@two.example, to: b@dest.example}\n"
			    "  - {from: c@dest.example, to: b@dest.example}\n"
			    "  - {from: '', to: b@dest.example}\n" EXPECT);

	assert_int_equal(s->world.server_count, 4);
	assert_true(s->world.servers[2].implicit);
	assert_string_equal(s->world.servers[2].name, "mx.one.example");
	assert_string_equal(s->world.servers[2].address, "198.51.100.10");
	assert_int_equal(s->world.servers[2].fault_count, 0);
	/* mx.two.example is taken by a server for somebody else. */
	assert_string_equal(s->world.servers[3].name, "mx1.two.example");
	assert_string_equal(s->world.servers[3].mx_for[0], "two.example");
	assert_string_equal(s->world.servers[3].address, "198.51.100.11");
}

static void test_scenario_timeline(void **state)
{
	const struct deadmx_fault *f;

	f = row(state, "{until: 30h, rcpt: 451 4.7.1 Later, mail: 450 No}");
	assert_int_equal(f[0].stage, DEADMX_STAGE_RCPT);
	assert_int_equal(f[0].action, DEADMX_ACTION_REPLY);
	assert_string_equal(f[0].reply, "451 4.7.1 Later");
	assert_int_equal(f[0].window.from_ns, 0);
	assert_int_equal(f[0].window.until_ns, 30 * HOUR_NS);
	assert_int_equal(f[1].stage, DEADMX_STAGE_MAIL);
	assert_int_equal(f[1].window.until_ns, 30 * HOUR_NS);
	f = row(state, "{from: 1h, for: 2h, dot: drop, first: 3}");
	assert_int_equal(f->window.from_ns, HOUR_NS);
	assert_int_equal(f->window.until_ns, 3 * HOUR_NS);
	assert_int_equal(f->window.first, 3);
	assert_int_equal(f->action, DEADMX_ACTION_DROP);
	assert_int_equal(f->place.line, 6);
	f = row(state, "connect: blackhole");
	assert_int_equal(f->action, DEADMX_ACTION_BLACKHOLE);
	assert_int_equal(f->window.until_ns, DEADMX_FOREVER_NS);
}

/* Windows that come back, and conditions, each of them. */
static void test_scenario_conditions(void **state)
{
	const struct deadmx_fault *f;

	f = row(state,
		"{from: 1h, for: 10m, every: 1h, until: 9h, rcpt: drop}");
	assert_int_equal(f->window.from_ns, HOUR_NS);
	assert_int_equal(f->window.until_ns, 9 * HOUR_NS);
	assert_int_equal(f->window.every_ns, HOUR_NS);
	assert_int_equal(f->window.for_ns, 10 * MINUTE_NS);
	assert_true(deadmx_fault_is_for_all(f) && !deadmx_fault_is_plain(f));
	f = row(state, "{times: 4, probability: 2.5%, rcpt: drop}");
	assert_int_equal(f->window.times, 4);
	assert_int_equal(f->probability_ppm, 25000);
	assert_false(deadmx_fault_is_for_all(f));
	f = row(state, "{probability: 100%, rcpt: drop}");
	assert_int_equal(f->probability_ppm, DEADMX_PPM);
	f = row(state, "{sender: \"\", recipient: \"@dest.example\", "
		       "attempt: 1..3, rcpt: drop}");
	assert_string_equal(f->sender.text, "");
	assert_false(f->sender.is_regex);
	assert_string_equal(f->recipient.text, "@dest.example");
	assert_int_equal(f->attempt.min, 1);
	assert_int_equal(f->attempt.max, 3);
	f = row(state, "{sender: /^news-/, connection: at least 2, dot: drop, "
		       "mail: 450 No}");
	for (int i = 0; i < 2; i++) {
		assert_string_equal(f[i].sender.text, "^news-");
		assert_true(f[i].sender.is_regex);
		assert_int_equal(f[i].connection.min, 2);
	}
}

/* A row that asks for more never hides the rows below it. */
static void test_scenario_conditions_hide_nothing(void **state)
{
	static const char *const heads[] = {"times: 1", "probability: 50%",
					    "attempt: 2", "connection: 2",
					    "recipient: b@dest.example"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 HEAD WORLD("        - {%s, rcpt: stall}\n"
				    "        - {%s, rcpt: stall}\n"
				    "        - {rcpt: drop}\n") MAIL EXPECT,
			 heads[i], heads[i]);
		parse_good(state, text);
	}
}

static void test_scenario_actions(void **state)
{
	const struct deadmx_fault *f;

	f = row(state, "banner: stall");
	assert_int_equal(f->action, DEADMX_ACTION_STALL);
	assert_int_equal(f->stall_ns, DEADMX_FOREVER_NS);
	f = row(state, "banner: stall 10m");
	assert_int_equal(f->stall_ns, 10 * MINUTE_NS);
	f = row(state, "banner: {stall: 10m}");
	assert_int_equal(f->stall_ns, 10 * MINUTE_NS);
	f = row(state, "banner: drip 20s");
	assert_int_equal(f->action, DEADMX_ACTION_DRIP);
	assert_int_equal(f->drip_ns, 20 * DEADMX_NS_PER_S);
	f = row(state, "body: drip 20s");
	assert_int_equal(f->action, DEADMX_ACTION_DRIP);
	assert_int_equal(f->drip_ns, 20 * DEADMX_NS_PER_S);
	f = row(state, "banner: {drip: 20s}");
	assert_int_equal(f->drip_ns, 20 * DEADMX_NS_PER_S);
	f = row(state, "rcpt: reset");
	assert_int_equal(f->action, DEADMX_ACTION_RESET);
	f = row(state, "rcpt: mixed_codes");
	assert_int_equal(f->action, DEADMX_ACTION_MIXED_CODES);
	assert_int_equal(f->stall_ns, 0);
	f = row(state, "body: stop_reading");
	assert_int_equal(f->stage, DEADMX_STAGE_BODY);
	assert_int_equal(f->action, DEADMX_ACTION_STOP_READING);
	f = row(state, "rcpt: {stall: 10m, reply: 451 No}");
	assert_int_equal(f->action, DEADMX_ACTION_REPLY);
	assert_int_equal(f->stall_ns, 10 * MINUTE_NS);
	f = row(state, "rcpt: {reply: 451 No, drip: 1s}");
	assert_int_equal(f->action, DEADMX_ACTION_REPLY);
	assert_int_equal(f->drip_ns, DEADMX_NS_PER_S);
	f = row(state, "rcpt: {stall: 10m, then: reset}");
	assert_int_equal(f->action, DEADMX_ACTION_RESET);
	assert_int_equal(f->stall_ns, 10 * MINUTE_NS);
	f = row(state, "body: {drop_after: 64KiB}");
	assert_int_equal(f->action, DEADMX_ACTION_DROP);
	assert_int_equal(f->after_bytes, 65536);
	f = row(state, "ehlo: {reset_after: 20, stall: 1m}");
	assert_int_equal(f->action, DEADMX_ACTION_RESET);
	assert_int_equal(f->after_bytes, 20);
	assert_int_equal(f->stall_ns, MINUTE_NS);
	f = row(state, "data: {raw: \"354-a\\r\\n250 b\\r\\n\", close: yes}");
	assert_int_equal(f->action, DEADMX_ACTION_RAW);
	assert_string_equal(f->reply, "354-a\r\n250 b\r\n");
	assert_true(f->close);
	f = row(state, "rcpt: {reply: 451 No, close: yes}");
	assert_true(f->close);
	assert_string_equal(f->reply, "451 No");
	f = row(state, "rcpt: \"451-One\\n451 Two\"");
	assert_string_equal(f->reply, "451-One\n451 Two");
	f = row(state, "rcpt: exchange/server-busy");
	assert_string_equal(f->reply_name, "exchange/server-busy");
	assert_int_equal(strncmp(f->reply, "421 4.3.2", 9), 0);
	f = row(state, "rcpt: {reply: exchange/server-busy}");
	assert_string_equal(f->reply_name, "exchange/server-busy");
}

static void test_scenario_mail(void **state)
{
	const struct deadmx_scenario *s = parse_good(
		state,
		HEAD WORLD(
			"        - rcpt: stall\n") "mail:\n"
						   "  - from: ''\n"
						   "    to: [b@dest.example, "
						   "c@dest.example]\n"
						   "    at: 5m\n"
						   "    subject: Hello\n"
						   "    body: Text\n"
						   "    size: 200KiB\n"
						   "    via: sendmail\n"
						   "    notify: [FAILURE, "
						   "DELAY]\n"
						   "    ret: HDRS\n"
						   "    envid: QQ1\n"
						   "  - {from: a@b.example, "
						   "to: b@dest.example, "
						   "notify: NEVER}\n" EXPECT);
	const struct deadmx_mail *mail = s->mails;

	assert_int_equal(s->mail_count, 2);
	assert_string_equal(mail->from, "");
	assert_int_equal(mail->to_count, 2);
	assert_string_equal(mail->to[1], "c@dest.example");
	assert_int_equal(mail->at_ns, 5 * MINUTE_NS);
	assert_string_equal(mail->subject, "Hello");
	assert_string_equal(mail->body, "Text");
	assert_int_equal(mail->size, 200 << 10);
	assert_true(mail->via_sendmail);
	assert_string_equal(mail->notify, "FAILURE,DELAY");
	assert_string_equal(mail->ret, "HDRS");
	assert_string_equal(mail->envid, "QQ1");
	assert_string_equal(s->mails[1].notify, "NEVER");
}

static void test_scenario_expect_ranges(void **state)
{
	const struct deadmx_expect *e;

	e = expect(state, "attempts: 100..115");
	assert_true(e->attempts.set);
	assert_int_equal(e->attempts.min, 100);
	assert_int_equal(e->attempts.max, 115);
	assert_int_equal(e->attempts_place.line, 9);
	e = expect(state, "attempts: 3");
	assert_int_equal(e->attempts.min, 3);
	assert_int_equal(e->attempts.max, 3);
	e = expect(state, "attempts: \">=3\"");
	assert_int_equal(e->attempts.min, 3);
	assert_int_equal(e->attempts.max, INT64_MAX);
	e = expect(state, "attempts: <= 3");
	assert_int_equal(e->attempts.min, 0);
	assert_int_equal(e->attempts.max, 3);
	e = expect(state, "attempts: at least 3");
	assert_int_equal(e->attempts.min, 3);
	e = expect(state, "gaps: 5m .. 75m");
	assert_int_equal(e->gaps_ns.min, 5 * MINUTE_NS);
	assert_int_equal(e->gaps_ns.max, 75 * MINUTE_NS);
	e = expect(state, "gaps: at most 75m");
	assert_int_equal(e->gaps_ns.min, 0);
	assert_int_equal(e->gaps_ns.max, 75 * MINUTE_NS);
	e = expect(state, "first_attempts: [0s, 10m]");
	assert_int_equal(e->first_attempt_count, 2);
	assert_int_equal(e->first_attempts_ns[1], 10 * MINUTE_NS);
	e = expect(state, "first_attempts: {times: [0s], within: 5m}");
	assert_int_equal(e->first_attempt_count, 1);
	assert_int_equal(e->first_attempts_tolerance_ns, 5 * MINUTE_NS);
}

static void test_scenario_expect_messages(void **state)
{
	const struct deadmx_expect *e;

	e = expect(state, "ndr: none");
	assert_int_equal(e->ndr, DEADMX_WANTED_NONE);
	e = expect(state, "ndr: yes");
	assert_int_equal(e->ndr, DEADMX_WANTED_YES);
	assert_int_equal(e->ndr_count, 0);
	e = expect(state, "ndr: {recipient: b@dest.example, action: failed, "
			  "status: '/4\\.4\\.[17]/', diagnostic: smtp; 451 x, "
			  "text: /expired/, after: 5d..5d2h}");
	assert_int_equal(e->ndr_count, 1);
	assert_string_equal(e->ndrs[0].recipient, "b@dest.example");
	assert_false(e->ndrs[0].action.is_regex);
	assert_true(e->ndrs[0].status.is_regex);
	assert_string_equal(e->ndrs[0].status.text, "4\\.4\\.[17]");
	assert_string_equal(e->ndrs[0].diagnostic.text, "smtp; 451 x");
	assert_string_equal(e->ndrs[0].text.text, "expired");
	assert_int_equal(e->ndrs[0].after_ns.min, 5 * DAY_NS);
	e = expect(state, "ndr: [{status: 4.4.1}, {status: 4.4.7}]");
	assert_int_equal(e->ndr_count, 2);
	assert_string_equal(e->ndrs[1].status.text, "4.4.7");
	e = expect(state, "delay_notice: {after: 4h..5h}");
	assert_int_equal(e->delay_notice, DEADMX_WANTED_YES);
	assert_int_equal(e->delay_notice_after_ns.max, 5 * HOUR_NS);
	e = expect(state, "delay_notice: none");
	assert_int_equal(e->delay_notice, DEADMX_WANTED_NONE);
	e = expect(state, "delivered: {after: 30h..32h, count: 1}");
	assert_int_equal(e->delivered, DEADMX_WANTED_YES);
	assert_int_equal(e->delivered_after_ns.min, 30 * HOUR_NS);
	assert_int_equal(e->delivered_count.max, 1);
	e = expect(state, "delivered: none");
	assert_int_equal(e->delivered, DEADMX_WANTED_NONE);
}

/* The link's rows stand before each server's own, the senders' too. */
static void test_scenario_link(void **state)
{
	static const char text[] =
		"description: d\n"
		"world:\n"
		"  link: {timeline: [{until: 6h, connect: net_unreachable}]}\n"
		"  servers:\n"
		"    mx.dest.example: {timeline: [{rcpt: stall}]}\n"
		"mail: {from: a@src.example, to: b@dest.example}\n"
		"expect: {ndr: yes}\n";
	struct deadmx_scenario *s = NULL;

	assert_int_equal(deadmx_scenario_parse("x/t.yml", text, strlen(text),
					       stderr, &s),
			 0);
	assert_int_equal(s->world.server_count, 2);
	assert_int_equal(s->world.servers[0].fault_count, 2);
	assert_int_equal(s->world.servers[0].faults[0].action,
			 DEADMX_ACTION_NET_UNREACHABLE);
	assert_int_equal(s->world.servers[0].faults[0].place.line, 3);
	assert_int_equal(s->world.servers[1].fault_count, 1);
	deadmx_scenario_free(s);
	refuse(state,
	       "description: d\n"
	       "world:\n"
	       "  link: {timeline: [{rcpt: stall}]}\n"
	       "  servers: {mx.dest.example: }\n"
	       "mail: {from: a@src.example, to: b@dest.example}\n"
	       "expect: {ndr: yes}\n",
	       "x/t.yml:3:22: link, expected connect, got rcpt");
}

static void test_scenario_control(void **state)
{
	const struct deadmx_scenario *s = parse_good(
		state, HEAD "world: {servers: {mx.dest.example: }}\n" MAIL
			    "expect: {faults: none}\n");

	assert_true(s->expect.no_fault_ok);
	refuse(state,
	       HEAD "world: {servers: {mx.dest.example: }}\n" MAIL EXPECT,
	       "no server has a fault");
	refuse_expect(state, "faults: none", "a timeline has some");
}

static void test_scenario_name(void **state)
{
	static const struct {
		const char *path, *name;
	} rows[] = {{"t.yml", "t"},
		    {"./t.yml", "t"},
		    {"../t.yml", "t"},
		    {"/t.yml", "t"},
		    {"/a/b/offline/t.x.yml", "offline/t.x"},
		    {"offline/t", "offline/t"}};
	const char *text = ROW("connect: refuse");
	struct deadmx_scenario *s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(deadmx_scenario_parse(rows[i].path, text,
						       strlen(text), NULL, &s),
				 0);
		assert_string_equal(s->name, rows[i].name);
		deadmx_scenario_free(s);
	}
}

/* --- what is refused ----------------------------------------------------- */

/* The whole form of an error: place, words, hint, line and caret. */
static void test_scenario_error_form(void **state)
{
	refuse(state, ROW("conect: refuse"),
	       "x/t.yml:6:11: unknown key \"conect\" in a row of the timeline; "
	       "did you mean \"connect\"?\n"
	       "            - conect: refuse\n"
	       "              ^\n");
}

static void test_scenario_all_errors(void **state)
{
	refuse(state,
	       "descripton: d\n" WORLD("        - rcpt: 4\n"
				       "        - until: 5\n"
				       "          dot: stal\n") MAIL
	       "expect: {attempts: x}\nexpect: {}\n",
	       "x/t.yml:1:1: unknown key \"descripton\"");
	assert_non_null(strstr(said, "x/t.yml:6:17: rcpt"));
	assert_non_null(strstr(said, "write 30s, 5m, 2h or 5d"));
	assert_non_null(strstr(said, "did you mean \"stall\"?"));
	assert_non_null(strstr(said, "attempts, expected a count"));
	assert_non_null(strstr(said, "is here twice, first in line 10"));
	/* In the order of the file. */
	assert_true(strstr(said, ":6:17:") < strstr(said, ":7:18:"));
}

static void test_scenario_rows_refused(void **state)
{
	refuse_row(state, "connect: 421 No", "stands at banner");
	refuse_row(state, "connect: stall", "stands at banner");
	refuse_row(state, "connect: {stall: 5m}", "stands at banner");
	refuse_row(state, "connect: refused", "did you mean \"refuse\"?");
	refuse_row(state, "rcpt: refuse", "write connect");
	refuse_row(state, "rcpt: drip", "drip 20s");
	refuse_row(state, "rcpt: reply", "write the reply itself");
	refuse_row(state, "rcpt: stall 0s", "above 0");
	refuse_row(state, "rcpt: stall 10", "write 30s");
	refuse_row(state, "rcpt: {drip: 0s}", "above 0");
	refuse_row(state, "rcpt: 45 x", "three-digit code");
	refuse_row(state, "rcpt: 199 x", "from 200 to 599");
	refuse_row(state, "rcpt: 451 2.7.1 x", "expected an enhanced code 4");
	refuse_row(state, "rcpt: 451 {adress}", "unknown placeholder");
	refuse_row(state, "rcpt: exchange/sever-busy",
		   "did you mean \"exchange/server-busy\"?");
	refuse_row(state, "rcpt: raw", "write the bytes");
	refuse_row(state, "rcpt: garbage 5s", "expected a reply, accept");
	refuse_row(state, "rcpt: garbag", "did you mean \"garbage\"?");
	refuse_row(state, "rcpt: stop_reading", "write body: …");
	refuse_row(state, "body: garbage", "no reply to spoil");
	refuse_row(state, "body: drip", "how long each KiB takes");
	refuse_row(state, "body: {drip: 5s, reply: 451 No}",
		   "goes without a reply");
	refuse_row(state, "rcpt: {close: yes}", "expected one of reply");
	refuse_row(state, "rcpt: {stall: 5m, drip: 5s}", "got more");
	refuse_row(state, "rcpt: {drop_after: 5, reply: 451 No}", "got more");
	refuse_row(state, "rcpt: {drip: 5s, drop_after: 5}", "got more");
	refuse_row(state, "rcpt: {then: drop}", "then goes with a stall");
	refuse_row(state, "rcpt: {stall: 5m, then: stall}", "drop or reset");
	refuse_row(state, "rcpt: {drop_after: 0}", "from 1 to 10485760");
	refuse_row(state, "rcpt: {drop_after: 11MiB}", "from 1 to 10485760");
	refuse_row(state, "rcpt: {drop_after: 64k}", "500 or 64KiB");
	refuse_row(state, "rcpt: {raw: \"\"}", "raw");
	refuse_row(state, "{rcpt: drop, probability: 0%}", "more than 0%");
	refuse_row(state, "{rcpt: drop, probability: 101%}", "up to 100%");
	refuse_row(state, "{rcpt: drop, probability: 30}", "such as 30%");
	refuse_row(state, "{rcpt: drop, probability: 1.00001%}", "30%");
	refuse_row(state, "{rcpt: drop, attempt: 0}", "a count from 1");
	refuse_row(state, "{rcpt: drop, connection: 3..1}", "smaller value");
	refuse_row(state, "{rcpt: drop, recipient: dest.example}",
		   "write @ before a domain");
	refuse_row(state, "{rcpt: drop, recipient: \"\"}", "a /regex/");
	refuse_row(state, "{rcpt: drop, sender: }", "a /regex/");
	refuse_row(state, "{rcpt: drop, sender: /(/}", "faulty one");
	refuse_row(state, "{mail: drop, recipient: b@dest.example}",
		   "at mail no recipient is known");
	refuse_row(state, "{quit: drop, sender: b@dest.example}",
		   "at quit no sender is known");
	refuse_row(state, "{mail: drop, attempt: 2}",
		   "at mail no recipient is known");
	refuse_row(state, "{connect: refuse, probability: 5%}", "can't count");
	refuse_row(state, "{connect: refuse, connection: 5}", "can't count");
	refuse_row(state, "{connect: drop, times: 5}", "write it at banner");
	refuse_row(state, "{every: 1h, rcpt: stall}", "every needs for");
	refuse_row(state, "{every: 1h, for: 1h, rcpt: stall}",
		   "longer than for");
	refuse_row(state, "rcpt: {stall: 5m, close: yes}", "with a reply only");
	refuse_row(state, "rcpt: {reply: [a]}", "expected a text");
	refuse_row(state, "rcpt: [a]", "got a list");
	refuse_row(state, "rcpt:", "got nothing");
	refuse_row(state, "{until: 5h}", "a row needs a stage");
	refuse_row(state, "{until: 5h, for: 5h, rcpt: stall}", "exclude");
	refuse_row(state, "{from: 5h, until: 5h, rcpt: stall}", "after from");
	refuse_row(state, "{from: -5h, rcpt: stall}", "never negative");
	refuse_row(state, "{first: 0, rcpt: stall}", "a number from 1");
	refuse_row(state, "{first: 2, connect: refuse}", "can't count");
	refuse_row(state, "{from: 7d, rcpt: stall}", "the run ends before");
	refuse_row(state, "{rcpt: stall}\n        - {rcpt: drop}",
		   "the row in line 6 holds all the time before it");
}

/* A server as it is described. */
static const struct deadmx_server *server(void **state, const char *text)
{
	char whole[1024];

	snprintf(whole, sizeof(whole),
		 HEAD
		 "world: {seed: 7, servers: {mx.dest.example: {%s}}}\n" MAIL
		 "expect: {ndr: none}\n",
		 text);
	return parse_good(state, whole)->world.servers;
}

static void test_scenario_policy(void **state)
{
	const struct deadmx_server *s;

	s = server(state, "greylist: ");
	assert_int_equal(s->greylist.delay_ns, 5 * MINUTE_NS);
	assert_int_equal(s->greylist.forget_ns, 35 * DAY_NS);
	assert_int_equal(s->greylist.by, 7);
	assert_int_equal(strncmp(s->greylist.reply, "451 4.7.1 G", 11), 0);
	assert_int_equal(s->greylist.place.line, 2);
	s = server(state, "greylist: {delay: 1h, by: [sender, recipient], "
			  "reply: greylist/postgrey, forget: 2d}");
	assert_int_equal(s->greylist.delay_ns, HOUR_NS);
	assert_int_equal(s->greylist.by,
			 DEADMX_GREYLIST_SENDER | DEADMX_GREYLIST_RECIPIENT);
	assert_int_equal(strncmp(s->greylist.reply, "450 4.2.0 ", 10), 0);
	s = server(state, "limits: {connections: 2, per_minute: 10, "
			  "messages_per_connection: 3, recipients: 4, reply: "
			  "451 4.7.0 No}, size: 64KiB");
	assert_int_equal(s->limits.connections, 2);
	assert_int_equal(s->limits.per_minute, 10);
	assert_int_equal(s->limits.messages, 3);
	assert_int_equal(s->limits.recipients, 4);
	assert_string_equal(s->limits.reply, "451 4.7.0 No");
	assert_int_equal(s->size, 65536);
	s = server(state, "size: 5, extensions: none");
	assert_true(s->helo_only);
	assert_int_equal(s->extensions, 0);
	assert_int_equal(((struct deadmx_scenario *)*state)->world.seed, 7);
	s = server(state, "size: 5, extensions: [AUTH, STARTTLS]");
	assert_int_equal(s->extensions,
			 1u << DEADMX_EXTENSION_AUTH |
				 1u << DEADMX_EXTENSION_STARTTLS);
	assert_false(s->helo_only);
}

static void test_scenario_world_refused(void **state)
{
#define SERVER(text)                                                           \
	HEAD "world: {servers: {mx.dest.example: {" text                       \
	     ", timeline: [{connect: refuse}]}}}\n" MAIL EXPECT
	refuse(state, SERVER("address: 10.0.0.1"), "RFC 5737");
	refuse(state, SERVER("address: 192.0.2.0"), "RFC 5737");
	refuse(state, SERVER("address: 192.0.2"), "RFC 5737");
	refuse(state, SERVER("port: 0"), "from 1 to 65535");
	refuse(state, SERVER("port: 65536"), "from 1 to 65535");
	refuse(state, SERVER("mx_for: []"), "no server is mx_for");
	refuse(state, SERVER("mx_for: a b"), "a domain such as");
	refuse(state, SERVER("extensions: DSN"), "none is HELO only");
	refuse(state, SERVER("extensions: [PIPELINE]"), "PIPELINING");
	refuse(state, SERVER("greylist: {delay: 0s}"), "above 0");
	refuse(state, SERVER("greylist: {by: [host]}"), "ip, sender and");
	refuse(state, SERVER("greylist: {by: []}"), "ip, sender and");
	refuse(state, SERVER("greylist: {reply: 250 Ok}"), "a 4xx or 5xx");
	refuse(state, SERVER("greylist: {delay: 2d, forget: 1d}"),
	       "nobody would ever be known");
	refuse(state, SERVER("limits: {}"), "at least one of");
	refuse(state, SERVER("limits: {reply: 421 No}"), "at least one of");
	refuse(state, SERVER("limits: {connections: 0}"), "from 1 to 10000");
	refuse(state, SERVER("limits: {recipients: 10001}"), "from 1 to");
	refuse(state, SERVER("size: 0"), "from 1 to 10485760");
	refuse(state, SERVER("size: 10MB"), "500 or 64KiB");
	refuse(state, SERVER("preference: x"), "a number");
	refuse(state, SERVER("mx_for: dst.example"),
	       "no server is mx_for dest.example");
	assert_non_null(strstr(said, "did you mean \"dst.example\"?"));
	refuse(state,
	       HEAD "world: {servers: {mx.dest.example: {address: 192.0.2.10, "
		    "timeline: [{rcpt: stall}]}, b.dest.example: {address: "
		    "192.0.2.10}}}\n" MAIL EXPECT,
	       "an address of its own");
	refuse(state,
	       HEAD "world: {servers: {a.b.example: }, servers: "
		    "{mx.dest.example: , mx.two.example: }}\n" MAIL EXPECT,
	       "\"servers\" is here twice");
	refuse(state, HEAD "world: {servers: {}}\n" MAIL EXPECT, "servers");
	refuse(state, HEAD "world: {servers: {a b.c.d: }}\n" MAIL EXPECT,
	       "a host name");
	refuse(state, HEAD "world: {servers: {dest.example: }}\n" MAIL EXPECT,
	       "add mx_for");
	refuse(state, HEAD "world: {}\n" MAIL EXPECT, "\"servers\" is missing");
	refuse(state, HEAD "world: 3\n" MAIL EXPECT, "a map (key: value)");
	refuse(state,
	       HEAD "world: {start: 1969-01-01, until: 0s, servers: "
		    "{mx.dest.example: }}\n" MAIL EXPECT,
	       "a date from 1970");
	assert_non_null(strstr(said, "until, expected a time above 0"));
#undef SERVER
}

static void test_scenario_mail_refused(void **state)
{
	refuse_mail(state, "{from: a@b.c, to: b@d.example, by: 600}", "600;R");
	refuse_mail(state, "{from: a@b.c, to: b@d.example, by: '--1;N'}",
		    "600;R");
	refuse_mail(state, "{to: b@dest.example}", "\"from\" is missing");
	refuse_mail(state, "{from: , to: b@dest.example}", "written \"\"");
	refuse_mail(state, "{from: <a@b.c>, to: b@dest.example}", "brackets");
	refuse_mail(state, "{from: '', to: b}", "a mail address");
	refuse_mail(state, "{from: '', to: 'b@[192.0.2.1]'}", "by a domain");
	refuse_mail(state, "{from: '', to: \"a\\r\\nb@dest.example\"}",
		    "a mail address");
	refuse_mail(state, "{from: '', to: []}", "1 to 1000");
	refuse_mail(state, "{from: '', to: [b@dest.example, b@dest.example]}",
		    "each address once");
	refuse_mail(state, "{from: '', to: b@dst.example}",
		    "did you mean \"dest.example\"?");
	refuse_mail(state, "[]", "1 to 1000 messages");
	refuse_mail(state, "{from: '', to: b@dest.example, at: 7d}",
		    "after the end");
	refuse_mail(state, "{from: '', to: b@dest.example, via: fax}",
		    "smtp or sendmail");
	refuse_mail(state, "{from: '', to: b@dest.example, ret: ALL}",
		    "FULL or HDRS");
	refuse_mail(state,
		    "{from: '', to: b@dest.example, notify: [NEVER, DELAY]}",
		    "NEVER, or a list");
	refuse_mail(state, "{from: '', to: b@dest.example, notify: delay}",
		    "NEVER, or a list");
	refuse_mail(state, "{from: '', to: b@dest.example, envid: a b}",
		    "without blanks");
	refuse_mail(state, "{from: '', to: b@dest.example, subject: \"a\\nb\"}",
		    "one line");
}

static void test_scenario_expect_refused(void **state)
{
	refuse_expect(state, "attempts: 5..3", "smaller value comes first");
	refuse_expect(state, "attempts: -1", "a count");
	refuse_expect(state, "attempts: 1..", "a count");
	refuse_expect(state, "attempts: >=20", "at least 20");
	refuse_expect(state, "gaps: 5m", "exact to the nanosecond");
	refuse_expect(state, "gaps: 5..6", "a range such as");
	refuse_expect(state, "first_attempts: 5m", "a list of times");
	refuse_expect(state, "first_attempts: [5m, 1m]", "rising times");
	refuse_expect(state, "first_attempts: {within: 1m}", "is missing");
	refuse_expect(state, "delay_notice: {}", "\"after\" is missing");
	refuse_expect(state, "delay_notice: 4h..5h", "none, yes or {after");
	refuse_expect(state, "delivered: 1", "none, yes or {after");
	refuse_expect(state, "ndr: maybe", "none, yes, a map");
	refuse_expect(state, "ndr: []", "at least one row");
	refuse_expect(state, "ndr: {status: 4.4}", "enhanced code");
	refuse_expect(state, "ndr: {action: fail}", "did you mean \"failed\"?");
	refuse_expect(state, "ndr: {text: /(/}", "regular expression");
	refuse_expect(state, "ndr: {recipient: x@dest.example}",
		      "a recipient of the mail");
	refuse_expect(state, "faults: yes", "leave it out");
}

/* --- limits -------------------------------------------------------------- */

/* @part N times between @head and @tail; the caller frees. */
static char *repeat(const char *head, const char *part, size_t n,
		    const char *tail)
{
	size_t size;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	fputs(head, f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, part, (int)i, (int)i);
	fputs(tail, f);
	fclose(f);
	return text;
}

static void limit(void **state, const char *head, const char *part, size_t most,
		  const char *tail, const char *words)
{
	char *text = repeat(head, part, most, tail);

	parse_good(state, text);
	free(text);
	text = repeat(head, part, most + 1, tail);
	refuse(state, text, words);
	free(text);
}

static void test_scenario_limits(void **state)
{
	limit(state,
	      HEAD "world:\n  servers:\n"
		   "    mx.src.example: {timeline: [{rcpt: stall}]}\n",
	      "    mx%d.dest.example: {port: 1%04d}\n",
	      DEADMX_SCENARIO_SERVERS_MAX - 1, MAIL EXPECT, "at most 200");
	limit(state,
	      HEAD "world:\n  servers:\n    mx.dest.example:\n"
		   "      timeline:\n",
	      "        - {from: %dm, rcpt: stall, first: 1}\n",
	      DEADMX_SCENARIO_FAULTS_MAX, MAIL EXPECT, "at most 500 faults");
	limit(state, HEAD WORLD("        - rcpt: stall\n") "mail:\n",
	      "  - {from: a@src.example, to: b%d@dest.example}\n",
	      DEADMX_SCENARIO_MAILS_MAX, EXPECT, "1 to 1000 messages");
	limit(state, HEAD WORLD("        - rcpt: stall\n") "mail:\n",
	      "  - {from: a@src.example, to: b%d@dest.example, size: 1MiB}\n",
	      DEADMX_SCENARIO_SIZES_MAX >> 20, EXPECT, "67108864 bytes in all");
	limit(state,
	      HEAD WORLD("        - rcpt: stall\n") "mail:\n"
						    "  from: a@src.example\n"
						    "  to:\n",
	      "    - b%d@dest.example\n", DEADMX_SCENARIO_RECIPIENTS_MAX,
	      EXPECT, "1 to 1000 addresses");
	limit(state, HEAD WORLD("        - rcpt: 451 "), "x",
	      DEADMX_REPLY_LEN_MAX - 4, "\n" MAIL EXPECT, "at most 4096");
	limit(state,
	      HEAD WORLD("        - rcpt: stall\n") MAIL "expect: {ndr: {text: "
							 "/",
	      "x", DEADMX_REGEX_LEN_MAX, "/}}\n", "regular expression of at");
	limit(state,
	      HEAD WORLD("        - rcpt: stall\n") "mail: {from: '', to: ",
	      "x", DEADMX_ADDRESS_LEN_MAX - 13, "@dest.example}\n" EXPECT,
	      "a mail address");
}

/* A small expression that would be large when compiled is refused. */
static void test_scenario_regex_bomb(void **state)
{
	refuse_expect(state, "ndr: {text: '/((((a{1,99}){99}){99}){99}){99}/'}",
		      "60000 when its repetitions are written out");
	expect(state, "ndr: {text: '/(abcdefghij){2000}/'}");
	refuse_expect(state, "ndr: {text: '/(abcdefghij){2400}/'}",
		      "60000 when its repetitions are written out");
	expect(state, "ndr: {text: '/((((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)"
		      "+)+)+)+)+)+)+)+/'}");
	expect(state, "ndr: {text: '/([0-9]+[.])+[0-9]+ [a-z]+ [^]+]+ \\+\\+"
		      "\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+\\+/'}");
	refuse_expect(state, "ndr: {text: '/a+++/'}", "a faulty one: quant");
	refuse_expect(state, "ndr: {text: '/(a*)*\\1/'}", "\\1 has no meaning");
	refuse_expect(state, "ndr: {text: '/(?i)x/'}", "behind (");
	expect(state, "ndr: {text: '/\\\\1/'}");
}

/* Many that are bearable are too many together. */
static void test_scenario_regex_cost(void **state)
{
	const char *row = "    - {text: '/(abcdefghij){2000}/'}\n";
	char *text = repeat(HEAD WORLD("        - rcpt: stall\n") MAIL
			    "expect:\n  ndr:\n",
			    row, 160, "");

	refuse(state, text, "too many regular expressions");
	free(text);
	text = repeat(HEAD WORLD("        - rcpt: stall\n") MAIL
		      "expect:\n  ndr:\n",
		      row, 150, "");
	parse_good(state, text);
	free(text);
}

static void test_scenario_errors_max(void **state)
{
	char *text = repeat(HEAD, "key%d: 1\n", DEADMX_SCENARIO_ERRORS_MAX + 7,
			    WORLD("        - rcpt: stall\n") MAIL EXPECT);

	refuse(state, text, "x/t.yml: 7 more errors are not shown");
	assert_non_null(strstr(said, "\"key49\""));
	assert_null(strstr(said, "\"key50\""));
	free(text);
}

/* Every key of the language stands in its reference page, in backticks. */
static void test_scenario_documented(void **state)
{
	struct deadmx_arena *arena = deadmx_arena_new();
	char word[64], row[256], *page;
	size_t len;

	assert_int_equal(deadmx_yaml_read_file(arena,
					       TEST_DIR "/../docs/scenarios.md",
					       stderr, &page, &len),
			 0);
	for (const struct scenario_table *t = scenario_tables; t->name; t++)
		for (const struct deadmx_yaml_key *k = t->keys; k->word; k++) {
			assert_non_null(k->type);
			snprintf(word, sizeof(word), "\n| `%s` |", k->word);
			if (!strstr(page, word))
				fail_msg("%s: %s is not documented", t->name,
					 k->word);
			if (!strstr(page, k->doc))
				fail_msg("%s: %s is not documented as \"%s\"",
					 t->name, k->word, k->doc);
		}
#define XX(uc, w, text)                                                        \
	snprintf(word, sizeof(word), "`%s", w);                                \
	if (!strstr(page, word))                                               \
		fail_msg("the action %s is not documented", w);
	DEADMX_ACTION_MAP(XX)
#undef XX
#define XX(uc, w, text)                                                        \
	snprintf(row, sizeof(row), "\n| `%s` | %s |", w, text);                \
	if (DEADMX_DNS_ACTION_##uc != DEADMX_DNS_ACTION_RECORDS &&             \
	    !strstr(page, row))                                                \
		fail_msg("the answer %s is not documented as \"%s\"", w, text);
	DEADMX_DNS_ACTION_MAP(XX)
#undef XX
	deadmx_arena_free(arena);
}

/* What people write, and what helps them on. */
static void test_scenario_hints(void **state)
{
	static const char *const rows[][2] = {
		/* A slip in a required key is one error, not two. */
		{"descripton: d\n" WORLD("        - rcpt: drop\n") MAIL EXPECT,
		 "t.yml:1:1: unknown key \"descripton\" in scenario; did you "
		 "mean \"description\"?\n    descripton: d\n    ^\n"},
		{HEAD "world:\n  severs: {}\n" MAIL EXPECT,
		 "did you mean \"servers\"?\n      severs: {}\n      ^\n"},
		/* A key in the wrong map. */
		{HEAD "timeline: []\n" WORLD("        - rcpt: drop\n")
			 MAIL EXPECT,
		 "unknown key \"timeline\" in scenario; it belongs into link "
		 "or server"},
		{ROW("{rcpt: drop, port: 25}"),
		 "\"port\" in a row of the timeline; it belongs into server"},
		{HEAD "world:\n  servers:\n    mx.dest.example:\n"
		      "    timeline:\n    - rcpt: drop\n" MAIL EXPECT,
		 "t.yml:5:5: \"timeline\" stands where a server's name was "
		 "expected; indent it deeper than the server's name\n"
		 "        timeline:\n        ^\n"},
		{HEAD "world:\n  servers:\n    - mx.dest.example\n" MAIL EXPECT,
		 "write mx.dest.example: instead of - mx.dest.example"},
		{HEAD "world:\n  servers:\n    mx.dest.example:\n"
		      "      port:25\n" MAIL EXPECT,
		 "got \"port:25\"; write a blank behind the colon"},
		{ROW("rcpt: 451 4.7.1 Ticket #4711"),
		 "rcpt ends before the #, which begins a comment; put the text "
		 "in quotes"},
		{ROW("rcpt: stal 10m"), "did you mean \"stall\"?"},
		{HEAD WORLD("        - rcpt: drop\n") MAIL
		 "expect: {ndr: {text: x #1\n}}\n",
		 "text ends before the #"},
	};
	static const char *const ranges[][2] = {
		{"attempts: \">20\"", "write >= or <=, at least or at most"},
		{"attempts: 3-5", "write 3..5, with two dots"},
		{"attempts: -3", "counts are never negative"},
		{"gaps: 5m-75m", "write 4h..5h, with two dots"},
		{"gaps: 4h to 5h", "write 4h..5h, with two dots"},
		{"gaps: 5", "a time needs its unit"},
		{"gaps: 5 days", "write 5d or 1h30m"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuse(state, rows[i][0], rows[i][1]);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		refuse_expect(state, ranges[i][0], ranges[i][1]);
	/* A comment with its blank is one, and a number's may be without. */
	parse_good(state, ROW("rcpt: 451 4.7.1 Later # why"));
	/* Exchange says such: taken, with a warning. */
	parse_good(state, ROW("rcpt: 451 5.7.3 Client was not authenticated"));
	assert_non_null(strstr(said, ": warning: reply, 451 with 5.7.3: by RFC "
				     "2034"));
	/* Letters of several bytes before it: its place is still found. */
	parse_good(state, "# \xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac #not\n" ROW(
				  "rcpt: 451 4.7.1 Later # why"));
	refuse(state,
	       "# \xc3\xa4\xc3\xb6\xc3\xbc\n" ROW(
		       "rcpt: 451 4.7.1 Ticket #4711"),
	       "rcpt ends before the #, which begins a comment");
	parse_good(state,
		   HEAD WORLD("        - first: 3 #times\n"
			      "          rcpt: \"451 x\" #y\n") MAIL EXPECT);
}

/* Tags are words that --filter can name. */
static void test_scenario_tags(void **state)
{
	refuse(state, "tags: [ok, 'a,b']\n" ROW("rcpt: drop"),
	       "tags, expected words without blanks, commas and !, got "
	       "\"a,b\"");
	refuse(state, "tags: a b\n" ROW("rcpt: drop"), "words without blanks");
	refuse(state, "tags: ['!a']\n" ROW("rcpt: drop"), "words without");
	parse_good(state, "tags: [a-b, c_d.1]\n" ROW("rcpt: drop"));
}

static void test_scenario_load(void **state)
{
	struct deadmx_scenario *s = NULL;

	assert_int_equal(deadmx_scenario_load("/nonexistent.yml", NULL, &s),
			 -ENOENT);
	assert_int_equal(deadmx_scenario_load("/", NULL, &s), -EINVAL);
	assert_int_equal(deadmx_scenario_load("/dev/zero", NULL, &s), -EINVAL);
	assert_null(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		T(test_scenario_defaults),
		T(test_scenario_world),
		T(test_scenario_implicit_server),
		T(test_scenario_timeline),
		T(test_scenario_conditions),
		T(test_scenario_conditions_hide_nothing),
		T(test_scenario_actions),
		T(test_scenario_policy),
		T(test_scenario_mail),
		T(test_scenario_expect_ranges),
		T(test_scenario_expect_messages),
		T(test_scenario_link),
		T(test_scenario_control),
		T(test_scenario_name),
		T(test_scenario_error_form),
		T(test_scenario_all_errors),
		T(test_scenario_rows_refused),
		T(test_scenario_world_refused),
		T(test_scenario_mail_refused),
		T(test_scenario_expect_refused),
		T(test_scenario_limits),
		T(test_scenario_regex_bomb),
		T(test_scenario_regex_cost),
		T(test_scenario_errors_max),
		T(test_scenario_documented),
		T(test_scenario_hints),
		T(test_scenario_tags),
		T(test_scenario_load),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
