/* SPDX-License-Identifier: MIT */
/* The reports: table, JSON, JUnit and TAP of the same four verdicts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/json.h"
#include "harness/report/junit.h"
#include "harness/report/matrix.h"
#include "harness/report/table.h"
#include "harness/report/tap.h"
#include "harness/report/text.h"

enum {
	REPORT_RUNS = 4,
};

static struct verdict v[REPORT_RUNS];
static char *text;

static void report_run(struct verdict *to, const char *scenario,
		       const char *target, double host_s)
{
	to->scenario = strdup(scenario);
	to->target = strdup(target);
	to->virtual_seconds = 433204;
	to->host_seconds = host_s;
}

/* One verdict of each kind, over two targets. */
static int report_setup(void **state)
{
	report_run(&v[0], "offline/refused", "postfix", 12.25);
	v[0].attempts = calloc(107, sizeof(*v[0].attempts));
	v[0].attempt_count = 107;
	v[0].ndrs = calloc(2, sizeof(*v[0].ndrs));
	v[0].ndr_count = 2;
	v[0].ndrs[0].at_s = 17400;
	v[0].ndrs[0].action = strdup("delayed");
	v[0].ndrs[1].at_s = 433203;
	v[0].ndrs[1].action = strdup("failed");
	v[0].ndrs[1].status = strdup("4.4.1");
	verdict_settle(&v[0]);

	report_run(&v[1], "offline/\"dead\" & <gone>", "exim", 3);
	verdict_find(&v[1], "expect/ndr", SEVERITY_MUST, "a.yml:7", "an NDR",
		     "none\nfor b\"o\"b\\ \x1b[31m\x01 \xff M\xc3\xbcll");
	verdict_find(&v[1], "law/unexpected-message", SEVERITY_NOTE, NULL, NULL,
		     "a <note>");
	verdict_settle(&v[1]);

	report_run(&v[2], "offline/odd", "postfix", 0.5);
	verdict_find(&v[2], "run/error", SEVERITY_ERROR, NULL, NULL,
		     "disk full");
	verdict_settle(&v[2]);

	report_run(&v[3], "offline/new # SKIP", "exim", 0);
	v[3].kind = VERDICT_UNSUPPORTED;
	return 0;
}

static int report_teardown(void **state)
{
	for (int i = 0; i < REPORT_RUNS; i++)
		verdict_release(&v[i]);
	free(text);
	text = NULL;
	return 0;
}

static void render(int (*report)(FILE *, const struct verdict *, size_t))
{
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(report(out, v, REPORT_RUNS), 0);
	fclose(out);
}

static void test_report_table(void **state)
{
	render(report_table);
	assert_string_equal(
		text, "scenario                 target   verdict      attempts "
		      " NDR                    virtual         host\n"
		      "offline/refused          postfix  pass              107 "
		      " 5 d 0 h 20 min, 4.4.1  5 d 0 h 20 min  12.2 s\n"
		      "offline/\"dead\" & <gone>  exim     fail                "
		      "0  none                   5 d 0 h 20 min  3.0 s\n"
		      "    must expect/ndr a.yml:7: expected an NDR, observed "
		      "none for b\"o\"b\\ ?[31m? ? M\xc3\xbcll\n"
		      "offline/odd              postfix  error               0 "
		      " none                   5 d 0 h 20 min  0.5 s\n"
		      "    error run/error: disk full\n"
		      "offline/new # SKIP       exim     unsupported         0 "
		      " none                   5 d 0 h 20 min  0.0 s\n"
		      "1 note: see verdict.json, --json or --junit\n");
}

/* Without a final NDR the delay notice is shown as one. */
static void test_report_table_delay_notice(void **state)
{
	v[0].ndr_count = 1;
	render(report_table);
	assert_non_null(strstr(text, " 4 h 50 min, delayed no status "));
	v[0].ndr_count = 2;
}

/* A check that the scenario weighs otherwise is told with the reason. */
static void test_report_change(void **state)
{
	verdict_changed(&v[0], "rfc3461/6.3/remote-mta", "off", "it is <old>",
			1);
	render(report_table);
	assert_non_null(strstr(text,
			       "    check rfc3461/6.3/remote-mta is off here "
			       "(1 finding): it is <old>\n"));
	free(text);
	render(report_junit);
	assert_non_null(strstr(text,
			       "<system-out>check rfc3461/6.3/remote-mta is "
			       "off here (1 finding): it is &lt;old&gt;\n"));
	free(text);
	render(report_tap);
	assert_non_null(strstr(text, "ok 1 - offline/refused on postfix\n"
				     "# check rfc3461/6.3/remote-mta is off "
				     "here (1 finding): it is <old>\n"));
}

static void test_report_junit(void **state)
{
	render(report_junit);
	assert_string_equal(
		text,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites name=\"deadmx\">\n"
		"  <testsuite name=\"postfix\" tests=\"2\" failures=\"0\" "
		"errors=\"1\" skipped=\"0\" time=\"12.75\">\n"
		"    <testcase classname=\"postfix\" name=\"offline/refused\" "
		"time=\"12.25\">\n"
		"    </testcase>\n"
		"    <testcase classname=\"postfix\" name=\"offline/odd\" "
		"time=\"0.5\">\n"
		"      <error message=\"error run/error: disk full\" "
		"type=\"error\">error run/error: disk full\n"
		"</error>\n"
		"    </testcase>\n"
		"  </testsuite>\n"
		"  <testsuite name=\"exim\" tests=\"2\" failures=\"1\" "
		"errors=\"0\" skipped=\"1\" time=\"3\">\n"
		"    <testcase classname=\"exim\" "
		"name=\"offline/&quot;dead&quot; &amp; &lt;gone&gt;\" "
		"time=\"3\">\n"
		"      <failure message=\"must expect/ndr a.yml:7: expected an "
		"NDR, observed none for b&quot;o&quot;b\\ ?[31m? ? "
		"M\xc3\xbcll\" type=\"fail\">must expect/ndr a.yml:7: expected "
		"an NDR, observed none for b&quot;o&quot;b\\ ?[31m? ? "
		"M\xc3\xbcll\n"
		"note law/unexpected-message: a &lt;note&gt;\n"
		"</failure>\n"
		"    </testcase>\n"
		"    <testcase classname=\"exim\" name=\"offline/new # SKIP\" "
		"time=\"0\">\n"
		"      <skipped message=\"unsupported by this target\"/>\n"
		"    </testcase>\n"
		"  </testsuite>\n"
		"</testsuites>\n");
}

static void test_report_tap(void **state)
{
	render(report_tap);
	assert_string_equal(
		text,
		"TAP version 13\n"
		"1..4\n"
		"ok 1 - offline/refused on postfix\n"
		"not ok 2 - offline/\"dead\" & <gone> on exim\n"
		"  ---\n"
		"  verdict: fail\n"
		"  findings:\n"
		"    - \"must expect/ndr a.yml:7: expected an NDR, observed "
		"none for b\\\"o\\\"b\\\\ ?[31m? ? M\xc3\xbcll\"\n"
		"    - \"note law/unexpected-message: a <note>\"\n"
		"  ...\n"
		"not ok 3 - offline/odd on postfix\n"
		"  ---\n"
		"  verdict: error\n"
		"  findings:\n"
		"    - \"error run/error: disk full\"\n"
		"  ...\n"
		"ok 4 - offline/new _ SKIP on exim # SKIP unsupported by this "
		"target\n");
}

/* What is known: said so, with its reason, and no alarm. */
static void test_report_known(void **state)
{
	json_t *json;

	v[1].findings[0].known = strdup("its <makers'> choice");
	verdict_settle(&v[1]);
	render(report_tap);
	assert_non_null(strstr(text, "\nnot ok 2 - offline/\"dead\" & <gone> "
				     "on exim # TODO known: its <makers'> "
				     "choice\n  ---\n  verdict: known\n"));
	free(text);
	render(report_junit);
	assert_non_null(strstr(text, "failures=\"0\" errors=\"0\" "
				     "skipped=\"2\""));
	assert_non_null(
		strstr(text, "<skipped message=\"must expect/ndr a.yml:7: "));
	assert_non_null(strstr(text, "(known: its &lt;makers&apos;&gt; "
				     "choice)\" type=\"known\">must expect"));
	free(text);
	render(report_table);
	assert_non_null(strstr(text, "  exim     known  "));
	assert_non_null(strstr(text, "M\xc3\xbcll (known: its <makers'> "
				     "choice)\n"));
	json = verdict_to_json(&v[1]);
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(json, "findings"), 0),
			"known")),
		"its <makers'> choice");
	json_decref(json);
}

/* The message is what made it fail, not what is known. */
static void test_report_junit_message(void **state)
{
	v[1].findings[0].known = strdup("old");
	verdict_find(&v[1], "law/lost", SEVERITY_SHOULD, NULL, NULL, "third");
	verdict_find(&v[1], "law/lost", SEVERITY_MUST, NULL, NULL, "fourth");
	verdict_settle(&v[1]);
	render(report_junit);
	assert_non_null(
		strstr(text, "<failure message=\"must law/lost: fourth\""));
}

/* JSON is valid, complete and reads back. */
static void test_report_json(void **state)
{
	struct verdict back = {0};
	json_t *json, *results;
	int rc;

	render(report_json);
	assert_true(text[strlen(text) - 1] == '\n');
	json = json_loads(text, 0, NULL);
	results = json_object_get(json, "results");
	assert_string_equal(json_string_value(json_object_get(json, "deadmx")),
			    DEADMX_VERSION);
	assert_int_equal(json_array_size(results), REPORT_RUNS);
	rc = verdict_from_json(json_array_get(results, 1), &back);
	json_decref(json);
	assert_int_equal(rc, 0);
	rc = back.kind == VERDICT_FAIL && back.finding_count == 2;
	verdict_release(&back);
	assert_true(rc);
	assert_non_null(strstr(text, "\"virtual_seconds\": 433204,"));
	assert_non_null(strstr(text, "\"host_seconds\": 12.25,"));
}

/* What is read one by one gives the same bytes. */
static int report_get(void *arg, size_t i, struct verdict *ret)
{
	json_t *json = verdict_to_json(&v[i]);
	int err = i == *(size_t *)arg ? -ENOENT : verdict_from_json(json, ret);

	json_decref(json);
	return err;
}

static void test_report_json_each(void **state)
{
	size_t len, faulty = REPORT_RUNS;
	char *each = NULL;
	FILE *out = open_memstream(&each, &len);
	bool is_same;

	render(report_json);
	assert_int_equal(
		report_json_each(out, REPORT_RUNS, report_get, &faulty), 0);
	fclose(out);
	is_same = !strcmp(text, each);
	free(each);
	assert_true(is_same);
	assert_non_null(strstr(text, "{\n  \"deadmx\": \"" DEADMX_VERSION
				     "\",\n  \"results\": [\n    {\n      "
				     "\"scenario\": \"offline/refused\",\n"));
	assert_non_null(strstr(text, "\n    },\n    {\n"));
	assert_non_null(strstr(text, "\n    }\n  ]\n}\n"));
}

/* One that can't be read any more is an error, not left out. */
static void test_report_json_each_error(void **state)
{
	size_t faulty = 2;
	FILE *out = fopen("/dev/null", "we");
	int err = report_json_each(out, REPORT_RUNS, report_get, &faulty);

	fclose(out);
	assert_int_equal(err, -ENOENT);
}

/* docs/json.md names every member, and the JSON has no other. */
static void test_report_json_is_documented(void **state)
{
	static char page[1 << 16];
	FILE *file = fopen(TEST_DIR "/../docs/json.md", "re");
	json_t *json = verdict_to_json(&v[0]), *value;
	char missing[64] = "";
	const char *key;
	size_t len;

	assert_non_null(file);
	len = fread(page, 1, sizeof(page) - 1, file);
	fclose(file);
	page[len] = '\0';
	json_object_foreach(
		json_array_get(json_object_get(json, "attempts"), 0), key,
		value)
	{
		char name[64];

		snprintf(name, sizeof(name), "`%s`", key);
		if (!strstr(page, name))
			snprintf(missing, sizeof(missing), "%s", name);
	}
	json_object_foreach(json, key, value)
	{
		char name[64];

		snprintf(name, sizeof(name), "\n| `%s` | ", key);
		if (!strstr(page, name))
			snprintf(missing, sizeof(missing), "%s", name);
	}
	json_decref(json);
	assert_string_equal(missing, "");
}

/* A full disk is an error of the report. */
static void test_report_write_error(void **state)
{
	static int (*const reports[])(FILE *, const struct verdict *,
				      size_t) = {report_table, report_matrix,
						 report_json, report_junit,
						 report_tap};

	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		FILE *out = fopen("/dev/full", "we");

		assert_non_null(out);
		setvbuf(out, NULL, _IONBF, 0);
		assert_int_equal(reports[i](out, v, REPORT_RUNS), -EIO);
		fclose(out);
	}
}

/* No runs: still well-formed. */
static void test_report_nothing(void **state)
{
	size_t len;
	FILE *out = open_memstream(&text, &len);

	report_tap(out, v, 0);
	report_junit(out, v, 0);
	report_json(out, v, 0);
	report_table(out, v, 0);
	report_matrix(out, v, 0);
	fclose(out);
	assert_non_null(strstr(text, "1..0\n"));
	assert_non_null(strstr(text, "\"results\": []"));
	assert_non_null(strstr(text, "</testsuites>\n"));
}

/* Bytes that no terminal and no XML reader should see. */
static void test_report_text_is_safe(void **state)
{
	static const char hostile[] =
		"a\r\n\tb\x7f\x1b]0;x\x07\xc2\x9b\xc0\xaf\xed\xa0\x80"
		"\xef\xbf\xbf\xf4\x90\x80\x80\xe2\x82\xac\xf0\x9f\x93\xa7"
		"\xef\xbb\xbf\xe2\x80\xa8\xe2\x80\xa9\xe2";
	size_t len;
	FILE *out = open_memstream(&text, &len);

	report_text_plain(out, hostile);
	report_text_plain(out, NULL);
	fclose(out);
	assert_string_equal(text, "a   b??]0;x????????????\xe2\x82\xac"
				  "\xf0\x9f\x93\xa7?  ?");
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, report_setup, report_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_report_table),
		TEST(test_report_table_delay_notice),
		TEST(test_report_change),
		TEST(test_report_junit),
		TEST(test_report_tap),
		TEST(test_report_known),
		TEST(test_report_junit_message),
		TEST(test_report_json),
		TEST(test_report_json_each),
		TEST(test_report_json_each_error),
		TEST(test_report_json_is_documented),
		TEST(test_report_write_error),
		TEST(test_report_nothing),
		TEST(test_report_text_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
