/* SPDX-License-Identifier: MIT */
/* Faults that a target file names: the list, and what the judge makes of it. */
#include "stored_run.h"

#include <errno.h>

#include "harness/judge/known.h"

#define SCENARIO STORED_REFUSED "expect: {attempts: 5, ndr: {status: 4.4.2}}\n"

static char *said;

static int teardown(void **state)
{
	free(said);
	said = NULL;
	return run.scenario ? stored_end(state) : 0;
}

/* Two findings: the attempts are far too many, the status is another. */
static void judged_with(struct target_known *known, size_t count)
{
	stored_begin(SCENARIO);
	run.target.known = known;
	run.target.known_count = count;
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_attempts(5 * DAY);
	bounce(5 * DAY, "failed", "4.4.1");
	run_finish(6 * DAY, QUEUE_EMPTY);
	stored_judge();
	run.target.known = NULL;
	run.target.known_count = 0;
}

static struct target_known entry(const char *finding, const char *scenario,
				 const char *observed)
{
	static char *room[8];
	static size_t used;
	char **ids = &room[used++ % 8];

	*ids = (char *)finding;
	return (struct target_known){.place = {"t.yml", 12, 3},
				     .findings = ids,
				     .finding_count = 1,
				     .scenario = (char *)scenario,
				     .observed = (char *)observed,
				     .reason = (char *)"its makers say so",
				     .source = (char *)"s"};
}

/* All that is wrong is known: the findings stay as they are. */
static void test_known_all(void **unused)
{
	struct target_known known[] = {
		entry("expect/attempts", "offline", NULL),
		entry("expect/ndr/status", NULL, "4.4.1"),
	};

	judged_with(known, 2);
	check_findings(VERDICT_KNOWN, "expect/attempts", "expect/ndr/status",
		       NULL);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(run.v.findings[i].severity, SEVERITY_MUST);
		assert_string_equal(run.v.findings[i].known,
				    "its makers say so");
	}
}

/* What is new fails, whatever else is known. */
static void test_known_part(void **unused)
{
	struct target_known known[] = {
		entry("expect/attempts", NULL, NULL),
	};

	judged_with(known, 1);
	check_findings(VERDICT_FAIL, "expect/attempts", "expect/ndr/status",
		       NULL);
	assert_non_null(finding_of("expect/attempts")->known);
	assert_null(finding_of("expect/ndr/status")->known);
}

/* Known elsewhere, or with other words, is not known here. */
static void test_known_elsewhere(void **unused)
{
	struct target_known known[] = {
		entry("expect/attempts", "tls,recover", NULL),
		entry("expect/ndr/status", NULL, "5.0.0"),
	};

	judged_with(known, 2);
	check_findings(VERDICT_FAIL, "expect/attempts", "expect/ndr/status",
		       NULL);
	assert_null(run.v.findings[0].known);
	assert_null(run.v.findings[1].known);
}

/* Told where the file says that it comes, not where it might. */
static void test_known_absent(void **unused)
{
	struct target_known known[] = {
		entry("expect/attempts", NULL, NULL),
		entry("expect/ndr/status", NULL, NULL),
		entry("law/lost", NULL, NULL),
		entry("law/ndr-twice", "a/b,offline/t", "x"),
		entry("law/lost", "tls", NULL),
		entry("law/lost", "offline,t", NULL),
	};
	const struct finding *absent;

	judged_with(known, 6);
	check_findings(VERDICT_KNOWN, "expect/attempts", "expect/ndr/status",
		       "known/absent", NULL);
	absent = finding_of("known/absent");
	assert_int_equal(absent->severity, SEVERITY_NOTE);
	assert_string_equal(absent->where, "target.yml:12");
	assert_string_equal(absent->observed, "no law/ndr-twice with x");
}

/* Of a run that was cut short nothing is missed, and no error is known. */
static void test_known_cut_short(void **unused)
{
	struct target_known known[] = {
		entry("run/incomplete", NULL, NULL),
		entry("law/lost", "offline/t", NULL),
	};

	stored_begin(SCENARIO);
	run.target.known = known;
	run.target.known_count = 2;
	run_begin();
	inject(0, ALICE, BOB);
	stored_judge();
	run.target.known = NULL;
	run.target.known_count = 0;
	assert_int_equal(run.v.kind, VERDICT_ERROR);
	assert_null(finding_of("known/absent"));
	for (size_t i = 0; i < run.v.finding_count; i++)
		assert_null(run.v.findings[i].known);
}

/* --- the file ------------------------------------------------------------ */

static int load(const char *text, struct target **ret)
{
	char path[] = "/tmp/test_known.XXXXXX";
	int fd = mkstemp(path), rc;
	size_t size;
	FILE *errors;

	free(said);
	errors = open_memstream(&said, &size);
	assert_true(fd >= 0);
	assert_int_equal(dprintf(fd,
				 "description: d\nstart: run\n"
				 "submit: {port: 25}\n"
				 "documented: {source: s}\n%s",
				 text) > 0,
			 1);
	close(fd);
	rc = target_load(path, errors, ret);
	unlink(path);
	fclose(errors);
	return rc;
}

static void test_known_read(void **unused)
{
	struct target *t = NULL;

	assert_int_equal(load("known:\n- {finding: law/lost, scenario: "
			      "'offline,!tls', observed: 5.0.0, reason: r, "
			      "source: s}\n- {finding: expect/ndr, reason: "
			      "x, source: y}\n- {finding: [law/lost, "
			      "expect/ndr], reason: x, source: y}\n",
			      &t),
			 0);
	assert_int_equal(t->known_count, 3);
	assert_int_equal(t->known[2].finding_count, 2);
	assert_string_equal(t->known[2].findings[1], "expect/ndr");
	assert_string_equal(t->known[0].findings[0], "law/lost");
	assert_string_equal(t->known[0].scenario, "offline,!tls");
	assert_string_equal(t->known[0].observed, "5.0.0");
	assert_string_equal(t->known[0].reason, "r");
	assert_string_equal(t->known[0].source, "s");
	assert_int_equal(t->known[0].place.line, 6);
	assert_null(t->known[1].scenario);
	assert_null(t->known[1].observed);
	target_free(t);
}

static void test_known_refused(void **unused)
{
	static const char *const rows[][2] = {
		{"known: {finding: law/lost}\n", "each begins with - finding"},
		{"known: [{finding: law/lots, reason: r, source: s}]\n",
		 ":5:19: finding, expected ids of findings "
		 "(docs/findings-ids.md), got \"law/lots\"; did you mean "
		 "\"law/lost\"?"},
		{"known: [{finding: law/lost, source: s}]\n",
		 "\"reason\" is missing in known"},
		{"known: [{finding: law/lost, reason: r}]\n",
		 "\"source\" is missing in known"},
		{"known: [{finding: law/lost, scenario: 'a,,b', reason: r, "
		 "source: s}]\n",
		 "patterns with commas"},
		{"known: [x]\n", "known, expected a map"},
	};
	struct target *t = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(load(rows[i][0], &t), -EINVAL);
		if (!strstr(said, rows[i][1]))
			fail_msg("expected \"%s\", got: %s", rows[i][1], said);
	}
}

static void test_known_max(void **unused)
{
	static const char row[] =
		"- {finding: law/lost, reason: r, source: s}\n";
	char text[sizeof(row) * (TARGET_KNOWN_MAX + 2)] = "known:\n";
	struct target *t = NULL;
	size_t len = strlen(text);

	for (int i = 0; i < TARGET_KNOWN_MAX; i++, len += strlen(row))
		memcpy(text + len, row, sizeof(row));
	assert_int_equal(load(text, &t), 0);
	assert_int_equal(t->known_count, TARGET_KNOWN_MAX);
	target_free(t);
	memcpy(text + len, row, sizeof(row));
	assert_int_equal(load(text, &t), -EINVAL);
	assert_non_null(strstr(said, "a list of at most 200"));
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, teardown)
	static const struct CMUnitTest tests[] = {
		T(test_known_all),	 T(test_known_part),
		T(test_known_elsewhere), T(test_known_absent),
		T(test_known_cut_short), T(test_known_read),
		T(test_known_refused),	 T(test_known_max),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
