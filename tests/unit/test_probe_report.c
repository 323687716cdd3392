/* SPDX-License-Identifier: MIT */
/* Which end of a probe counts, and what an MTA would report of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/probe/probe_json.h"
#include "harness/probe/probe_report.h"

static struct probe_report report;
static struct probe_target targets[4];
static struct probe_host hosts[4];

static int setup(void **state)
{
	probe_report_init(&report);
	memset(targets, 0, sizeof(targets));
	memset(hosts, 0, sizeof(hosts));
	report.address = "bob@dest.example";
	report.domain = "dest.example";
	report.from = "";
	report.hosts = hosts;
	for (int i = 0; i < 4; i++) {
		hosts[i].name = "mx.dest.example";
		hosts[i].targets = &targets[i];
		targets[i].address = "192.0.2.1";
	}
	return 0;
}

static int teardown(void **state)
{
	probe_report_release(&report);
	return 0;
}

static struct probe_end refused(int code, const char *status,
				enum probe_step_kind step)
{
	struct probe_end end = probe_end_make(PROBE_END_REPLY, step, "no");

	end.code = code;
	end.status = status;
	return end;
}

/* A host more, with one address at which it ends so. */
static void host(struct probe_end end)
{
	targets[report.host_count].end = end;
	hosts[report.host_count++].target_count = 1;
}

static void host_kind(enum probe_end_kind kind)
{
	host(probe_end_make(kind, PROBE_STEP_CONNECT, "x"));
}

static void test_probe_report_accepted_counts(void **state)
{
	host_kind(PROBE_END_CONNECT);
	host_kind(PROBE_END_ACCEPTED);
	host(refused(550, "5.1.1", PROBE_STEP_RCPT));
	assert_int_equal(probe_report_verdict(&report).end.kind,
			 PROBE_END_ACCEPTED);
	assert_ptr_equal(probe_report_verdict(&report).host, &hosts[1]);
	assert_ptr_equal(probe_report_verdict(&report).target, &targets[1]);
}

/* With --all the hosts behind the one that settles it change nothing. */
static void test_probe_report_first_final_counts(void **state)
{
	host(refused(550, "5.1.1", PROBE_STEP_RCPT));
	host_kind(PROBE_END_ACCEPTED);
	assert_int_equal(probe_report_verdict(&report).end.code, 550);
}

/* An MTA keeps a message while one host may yet take it. */
static void test_probe_report_temporary_counts(void **state)
{
	host_kind(PROBE_END_CONNECT);
	host(refused(451, "4.7.1", PROBE_STEP_RCPT));
	host(refused(554, "5.0.0", PROBE_STEP_BANNER));
	host_kind(PROBE_END_NO_ADDRESS);
	assert_string_equal(probe_report_verdict(&report).end.status, "4.7.1");
}

static void test_probe_report_last_permanent_counts(void **state)
{
	host_kind(PROBE_END_NO_ADDRESS);
	host(refused(554, "5.7.1", PROBE_STEP_BANNER));
	assert_string_equal(probe_report_verdict(&report).end.status, "5.7.1");
}

/* Hosts that were not tried say nothing. */
static void test_probe_report_untried_ignored(void **state)
{
	host_kind(PROBE_END_CONNECT);
	host_kind(PROBE_END_NONE);
	assert_int_equal(probe_report_verdict(&report).end.kind,
			 PROBE_END_CONNECT);
}

static void test_probe_report_domain_end(void **state)
{
	report.domain_end =
		probe_end_make(PROBE_END_NULL_MX, PROBE_STEP_MX, "null MX");
	assert_int_equal(probe_report_verdict(&report).end.code, 556);
	assert_null(probe_report_verdict(&report).host);
}

/* Only a "no" about the message itself ends the trying. */
static void test_probe_report_final(void **state)
{
	struct probe_end end = refused(550, "5.1.1", PROBE_STEP_RCPT);

	assert_true(probe_end_is_final(&end));
	end = refused(550, "5.7.1", PROBE_STEP_MAIL);
	assert_true(probe_end_is_final(&end));
	end = refused(450, "4.2.0", PROBE_STEP_RCPT);
	assert_false(probe_end_is_final(&end));
	end = refused(554, "5.0.0", PROBE_STEP_BANNER);
	assert_false(probe_end_is_final(&end));
	end = refused(550, "5.7.1", PROBE_STEP_EHLO);
	assert_false(probe_end_is_final(&end));
}

/* Every end is on the page with its word, its code and its status. */
static void test_probe_report_documented(void **state)
{
	FILE *page = fopen(TEST_DIR "/../docs/probe.md", "re");
	char text[32768], row[128];
	size_t len;

	assert_non_null(page);
	len = fread(text, 1, sizeof(text) - 1, page);
	fclose(page);
	text[len] = '\0';
	for (int i = PROBE_END_NONE + 1; i < PROBE_END_COUNT; i++) {
		struct probe_end end = probe_end_make((enum probe_end_kind)i,
						      PROBE_STEP_MX, NULL);

		if (end.status)
			snprintf(row, sizeof(row), "\n| `%s` | %d | %s | %s",
				 probe_end_word(end.kind), end.code, end.status,
				 probe_end_doc(end.kind));
		else
			snprintf(row, sizeof(row), "\n| `%s` | ",
				 probe_end_word(end.kind));
		if (!strstr(text, row) ||
		    !strstr(text, probe_end_doc(end.kind)))
			fail_msg("not in docs/probe.md: %s", row);
	}
	for (int i = 0; i < PROBE_STEP_COUNT; i++) {
		snprintf(row, sizeof(row), "\n| `%s` | ",
			 probe_step_word((enum probe_step_kind)i));
		if (!strstr(text, row))
			fail_msg("not in docs/probe.md: %s", row);
	}
}

/* Whatever bytes a server sent, the JSON is JSON. */
static void test_probe_report_json_any_bytes(void **state)
{
	struct probe_step step = {
		.kind = PROBE_STEP_BANNER,
		.host = "mx",
		.address = "192.0.2.1",
		.took_ns = 1500600,
		.code = 220,
		.reply = "220 \x1b[2J\xff\xc3\x28\"\\",
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	probe_report_add(&report, &step);
	host_kind(PROBE_END_LOST);
	assert_int_equal(probe_json(out, &report), 0);
	fclose(out);
	assert_non_null(strstr(text, "220 \\u001B[2J\xef\xbf\xbd\xef\xbf\xbd"
				     "(\\\"\\\\"));
	assert_non_null(strstr(text, "\"seconds\": 0.001501,"));
	assert_null(strchr(text, '\x1b'));
	free(text);
}

/* Steps keep their order and contents while the array grows. */
static void test_probe_report_steps_grow(void **state)
{
	for (int i = 0; i < 100; i++) {
		struct probe_step step = {.kind = PROBE_STEP_RCPT,
					  .took_ns = i};

		assert_int_equal(probe_report_add(&report, &step)->took_ns, i);
	}
	assert_int_equal(report.step_count, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(report.steps[i].took_ns, i);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_probe_report_accepted_counts),
		TEST(test_probe_report_first_final_counts),
		TEST(test_probe_report_temporary_counts),
		TEST(test_probe_report_last_permanent_counts),
		TEST(test_probe_report_untried_ignored),
		TEST(test_probe_report_domain_end),
		TEST(test_probe_report_final),
		TEST(test_probe_report_documented),
		TEST(test_probe_report_json_any_bytes),
		TEST(test_probe_report_steps_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
