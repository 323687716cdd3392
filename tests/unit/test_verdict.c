/* SPDX-License-Identifier: MIT */
/* The verdict: its kind from its findings, JSON out and back in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/findings.h"
#include "harness/judge/verdict.h"

static struct verdict v, back;
static char *text, *text_back;

static int verdict_teardown(void **state)
{
	verdict_release(&v);
	verdict_release(&back);
	free(text);
	free(text_back);
	text = text_back = NULL;
	return 0;
}

static char *dump(const struct verdict *verdict)
{
	json_t *json = verdict_to_json(verdict);
	char *ret = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));

	json_decref(json);
	assert_non_null(ret);
	return ret;
}

/* Error beats fail beats pass; should and note don't count. */
static void test_verdict_settle_ranks(void **state)
{
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_PASS);
	verdict_find(&v, "a", SEVERITY_NOTE, NULL, NULL, "x");
	verdict_find(&v, "a", SEVERITY_SHOULD, NULL, NULL, "x");
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_PASS);
	verdict_find(&v, "a", SEVERITY_MUST, NULL, NULL, "x");
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_FAIL);
	verdict_find(&v, "a", SEVERITY_ERROR, NULL, NULL, "x");
	verdict_find(&v, "a", SEVERITY_MUST, NULL, NULL, "x");
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_ERROR);
}

/* What is known alone is "known"; what is not, and errors, outrank it. */
static void test_verdict_settle_known(void **state)
{
	verdict_find(&v, "a", SEVERITY_MUST, NULL, NULL, "x");
	v.findings[0].known = strdup("so it is");
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_KNOWN);
	verdict_find(&v, "a", SEVERITY_SHOULD, NULL, NULL, "x");
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_KNOWN);
	verdict_make_strict(&v);
	assert_int_equal(v.kind, VERDICT_FAIL);
	v.findings[1].known = strdup("so, too");
	verdict_settle(&v);
	verdict_make_strict(&v);
	assert_int_equal(v.kind, VERDICT_KNOWN);
	verdict_find(&v, "a", SEVERITY_MUST, NULL, NULL, "x");
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_FAIL);
	verdict_find(&v, "a", SEVERITY_ERROR, NULL, NULL, "x");
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_ERROR);
}

/* With --strict alone: what should be, and is known not to be. */
static void test_verdict_strict_known(void **state)
{
	verdict_find(&v, "a", SEVERITY_SHOULD, NULL, NULL, "x");
	v.findings[0].known = strdup("so it is");
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_PASS);
	verdict_make_strict(&v);
	assert_int_equal(v.kind, VERDICT_KNOWN);
}

/* "Unsupported" is not for the findings to change. */
static void test_verdict_settle_keeps_unsupported(void **state)
{
	v.kind = VERDICT_UNSUPPORTED;
	verdict_settle(&v);
	assert_int_equal(v.kind, VERDICT_UNSUPPORTED);
}

static void verdict_fill(void)
{
	v.scenario = strdup("offline/refused");
	v.target = strdup("postfix");
	v.kind = VERDICT_FAIL;
	v.virtual_seconds = 433204.0;
	v.host_seconds = 12.34567;
	v.attempts = calloc(1, sizeof(*v.attempts));
	v.attempt_count = 1;
	v.attempts[0].at_s = 0.0004;
	v.attempts[0].host = strdup("mx1.dest.example");
	v.attempts[0].address = strdup("192.0.2.10");
	v.attempts[0].fault = strdup("refuse");
	v.attempts[0].stage = strdup("connect");
	v.ndrs = calloc(1, sizeof(*v.ndrs));
	v.ndr_count = 1;
	v.ndrs[0].at_s = 433203.5;
	v.ndrs[0].file = strdup("msg-1.eml");
	v.ndrs[0].envelope_from = strdup("");
	v.ndrs[0].status = strdup("4.4.1");
	v.deliveries = calloc(1, sizeof(*v.deliveries));
	v.delivery_count = 1;
	v.deliveries[0].recipient = strdup("bob@dest.example");
	verdict_find(&v, "expect/ndr", SEVERITY_MUST, "a.yml:7", "an NDR",
		     "none in %d d", 6);
}

/* The members, their order and the look of the numbers, as documented. */
static void test_verdict_to_json_is_as_documented(void **state)
{
	verdict_fill();
	text = dump(&v);
	assert_string_equal(
		text,
		"{\"scenario\":\"offline/refused\",\"target\":\"postfix\","
		"\"target_version\":null,\"verdict\":\"fail\","
		"\"virtual_seconds\":433204,\"host_seconds\":12.346,"
		"\"attempts\":[{\"at\":0,\"recipient\":null,"
		"\"host\":\"mx1.dest.example\",\"address\":\"192.0.2.10\","
		"\"fault\":\"refuse\",\"stage\":\"connect\",\"reply\":null}],"
		"\"ndrs\":[{\"at\":433203.5,\"file\":\"msg-1.eml\","
		"\"envelope_from\":\"\",\"envelope_to\":null,\"action\":null,"
		"\"status\":\"4.4.1\",\"recipient\":null,"
		"\"diagnostic\":null}],"
		"\"deliveries\":[{\"at\":0,\"recipient\":\"bob@dest.example\","
		"\"host\":null}],"
		"\"findings\":[{\"id\":\"expect/ndr\",\"severity\":\"must\","
		"\"where\":\"a.yml:7\",\"expected\":\"an NDR\","
		"\"observed\":\"none in 6 d\"}]}");
}

/* A verdict that was read back takes more findings. */
static void test_verdict_find_after_reading(void **state)
{
	json_t *json;
	int rc;

	for (int i = 0; i < 3; i++)
		verdict_find(&v, "a", SEVERITY_NOTE, NULL, NULL, "%d", i);
	json = verdict_to_json(&v);
	rc = verdict_from_json(json, &back);
	json_decref(json);
	assert_int_equal(rc, 0);
	for (int i = 3; i < 9; i++)
		verdict_find(&back, "a", SEVERITY_NOTE, NULL, NULL, "%d", i);
	assert_int_equal(back.finding_count, 9);
	assert_string_equal(back.findings[2].observed, "2");
	assert_string_equal(back.findings[8].observed, "8");
}

/* Out and in and out again: the same bytes. */
static void test_verdict_round_trip(void **state)
{
	json_t *json;
	int rc;

	verdict_fill();
	json = verdict_to_json(&v);
	rc = verdict_from_json(json, &back);
	json_decref(json);
	assert_int_equal(rc, 0);
	text = dump(&v);
	text_back = dump(&back);
	assert_string_equal(text, text_back);
}

/* Bytes that are no UTF-8 don't make the object invalid. */
static void test_verdict_to_json_any_bytes(void **state)
{
	v.scenario = strdup("a\xff");
	text = dump(&v);
	assert_non_null(strstr(text, "a\xef\xbf\xbd"));
}

/* Whatever is wrong, -EINVAL and nothing leaks. */
static void test_verdict_from_json_refuses(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{}",
		"{\"verdict\":\"good\"}",
		"{\"verdict\":\"pass\",\"virtual_seconds\":\"1\","
		"\"host_seconds\":1}",
		"{\"verdict\":\"pass\",\"virtual_seconds\":1,"
		"\"host_seconds\":1}",
		"{\"verdict\":\"pass\",\"virtual_seconds\":1,"
		"\"host_seconds\":1,\"attempts\":[1],\"ndrs\":[],"
		"\"deliveries\":[],\"findings\":[]}",
		"{\"verdict\":\"pass\",\"virtual_seconds\":1,"
		"\"host_seconds\":1,\"attempts\":[{\"at\":1,\"host\":2}],"
		"\"ndrs\":[],\"deliveries\":[],\"findings\":[]}",
		"{\"verdict\":\"pass\",\"virtual_seconds\":1,"
		"\"host_seconds\":1,\"attempts\":[],\"ndrs\":[],"
		"\"deliveries\":[],\"findings\":[{\"id\":\"a\","
		"\"severity\":\"bad\"}]}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *json = json_loads(bad[i], 0, NULL);
		int rc = verdict_from_json(json, &back);

		json_decref(json);
		assert_int_equal(rc, -EINVAL);
	}
}

/* docs/findings-ids.md has each row of the table, word by word, and no other.
 */
static void test_verdict_ids_are_documented(void **state)
{
	/* clang-format off */
	static const char *const table[] = {
#define XX(uc, id, doc, why) "\n| `" id "` | " doc " | " why " |\n",
		FINDING_MAP(XX)
#undef XX
	};
	/* clang-format on */
	static char page[1 << 16];
	FILE *file = fopen(TEST_DIR "/../docs/findings-ids.md", "re");
	size_t len, rows = 0;

	assert_non_null(file);
	len = fread(page, 1, sizeof(page) - 1, file);
	fclose(file);
	page[len] = '\0';
	for (int i = 0; i < FINDING_COUNT; i++)
		if (!strstr(page, table[i]))
			fail_msg("docs/findings-ids.md lacks%s", table[i]);
	for (const char *at = page; (at = strstr(at, "\n| `")) != NULL; at++)
		rows++;
	assert_int_equal(rows, FINDING_COUNT);
}

/* Each id has a sentence for people who have not read the RFC. */
static void test_verdict_ids_are_explained(void **state)
{
	for (int i = 0; i < FINDING_COUNT; i++) {
		const char *why = finding_why(finding_id((enum finding_id)i));

		assert_non_null(why);
		assert_true(strlen(why) > 20);
		assert_int_equal(why[strlen(why) - 1], '.');
	}
	assert_null(finding_why("rfc1149/1/pigeon"));
}

/* What made it so: what must be first; what is known only when all is. */
static void test_verdict_cause(void **state)
{
	assert_null(verdict_cause(&v));
	verdict_find(&v, "note", SEVERITY_NOTE, NULL, NULL, "x");
	verdict_find(&v, "old", SEVERITY_MUST, NULL, NULL, "x");
	verdict_find(&v, "should", SEVERITY_SHOULD, NULL, NULL, "x");
	assert_null(verdict_cause(&v));
	v.findings[1].known = strdup("old");
	verdict_settle(&v);
	assert_ptr_equal(verdict_cause(&v), &v.findings[1]);
	v.kind = VERDICT_FAIL; /* --strict */
	assert_ptr_equal(verdict_cause(&v), &v.findings[2]);
	verdict_find(&v, "must", SEVERITY_MUST, NULL, NULL, "x");
	assert_ptr_equal(verdict_cause(&v), &v.findings[3]);
	verdict_find(&v, "error", SEVERITY_ERROR, NULL, NULL, "x");
	verdict_settle(&v);
	assert_ptr_equal(verdict_cause(&v), &v.findings[4]);
	v.kind = VERDICT_UNSUPPORTED;
	assert_ptr_equal(verdict_cause(&v), &v.findings[0]);
}

/* Attempts and deliveries go, their counts stay. */
static void test_verdict_lighten(void **state)
{
	v.attempts = calloc(2, sizeof(*v.attempts));
	v.attempt_count = 2;
	v.attempts[1].reply = strdup("451 Later");
	v.deliveries = calloc(1, sizeof(*v.deliveries));
	v.delivery_count = 1;
	v.deliveries[0].host = strdup("mx.dest.example");
	verdict_lighten(&v);
	verdict_lighten(&v);
	assert_null(v.attempts);
	assert_null(v.deliveries);
	assert_int_equal(v.attempt_count, 2);
	assert_int_equal(v.delivery_count, 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, verdict_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_verdict_settle_ranks),
		TEST(test_verdict_settle_keeps_unsupported),
		TEST(test_verdict_to_json_is_as_documented),
		TEST(test_verdict_find_after_reading),
		TEST(test_verdict_settle_known),
		TEST(test_verdict_cause),
		TEST(test_verdict_lighten),
		TEST(test_verdict_strict_known),
		TEST(test_verdict_round_trip),
		TEST(test_verdict_to_json_any_bytes),
		TEST(test_verdict_from_json_refuses),
		TEST(test_verdict_ids_are_documented),
		TEST(test_verdict_ids_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
