/* SPDX-License-Identifier: MIT */
/* `deadmx judge DIR`: options, exit status, and the same verdict again. */
#include "stored_run.h"

#include <errno.h>
#include <fcntl.h>

#include "harness/cmd_judge.h"

/* Puts @text into the run folder as @name. */
static void folder_file(const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", run.dir, name);
	out = fopen(path, "we");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* The target that comes with deadmx serves. */
static void folder_target(void)
{
	char text[1 << 14];
	FILE *in =
		fopen(DEADMX_SOURCE_DIR "/harness/targets/postfix.yml", "re");
	size_t len;

	assert_non_null(in);
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	folder_file("target.yml", text);
}

static const char yaml[] = STORED_REFUSED "expect: {ndr: {action: failed}}\n";

/* A stored run whose NDR comes with @status. */
static void folder(const char *status)
{
	stored_begin(yaml);
	folder_file("scenario.yml", yaml);
	folder_target();
	run_begin();
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_attempts(5 * DAY);
	bounce(5 * DAY + 20 * MINUTE, "failed", status);
	run_finish(6 * DAY, QUEUE_EMPTY);
	fflush(run.events);
}

/* Runs the command with its output thrown away; its exit status. */
static int judge_command(const char *option, const char *dir)
{
	char *argv[] = {(char *)"judge", (char *)option, (char *)dir, NULL};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int out = dup(1), err = dup(2), rc;

	fflush(stdout);
	dup2(null, 1);
	dup2(null, 2);
	rc = option ? cmd_judge(dir ? 3 : 2, argv)
		    : (argv[1] = (char *)dir, cmd_judge(dir ? 2 : 1, argv));
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(null);
	return rc;
}

static void test_cmd_judge_exit_status(void **unused)
{
	char path[128];

	folder("4.4.1");
	assert_int_equal(judge_command(NULL, run.dir), 0);
	assert_int_equal(judge_command("--json", run.dir), 0);
	assert_int_equal(judge_command("--help", NULL), 0);
	assert_int_equal(judge_command("--strict", run.dir), 0);
	assert_int_equal(judge_command("--wrong", run.dir), 2);
	assert_int_equal(judge_command(NULL, NULL), 2);
	assert_int_equal(judge_command(run.dir, run.dir), 2);
	folder_file("scenario.yml", "description: 7\n");
	assert_int_equal(judge_command(NULL, run.dir), 2);
	folder_file("scenario.yml", yaml);
	snprintf(path, sizeof(path), "%s/events.ndjson", run.dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(judge_command(NULL, run.dir), 4);
}

/* A status that is not the documented one fails. */
static void test_cmd_judge_fails(void **unused)
{
	folder("4.4.7");
	assert_int_equal(judge_command(NULL, run.dir), 1);
}

/* A run that was cut short is no verdict about the MTA. */
static void test_cmd_judge_error(void **unused)
{
	stored_begin(yaml);
	folder_file("scenario.yml", yaml);
	folder_target();
	run_begin();
	fflush(run.events);
	assert_int_equal(judge_command(NULL, run.dir), 4);
}

/* The names are those of the run, not those of the copies in its folder. */
static void test_cmd_judge_names(void **unused)
{
	folder("4.4.1");
	assert_int_equal(judge_dir(run.dir, stderr, &run.v), 0);
	assert_string_equal(run.v.scenario, "offline/t");
	assert_string_equal(run.v.target, "postfix");
	check_findings(VERDICT_PASS, NULL);
}

/* Places in findings are those of the run when its log has the file. */
static void test_cmd_judge_places(void **unused)
{
	stored_begin(yaml);
	folder_file("scenario.yml", yaml);
	folder_target();
	ev(-9, "run",
	   "\"scenario\":\"offline/t\",\"target\":\"postfix\","
	   "\"scenario_file\":\"my/offline/t.yml\"");
	state(0, MX1, "refuse");
	inject(0, ALICE, BOB);
	refused_attempts(5 * DAY);
	bounce(5 * DAY + 20 * MINUTE, "failed", "4.4.6");
	run_finish(6 * DAY, QUEUE_EMPTY);
	fflush(run.events);
	assert_int_equal(judge_dir(run.dir, stderr, &run.v), 0);
	check_findings(VERDICT_FAIL, "expect/ndr/status", NULL);
	assert_string_equal(run.v.findings[0].where, "my/offline/t.yml:10");
}

/* Known by the run's own name, which its folder does not have. */
static void test_cmd_judge_known(void **unused)
{
	folder("4.4.6");
	folder_file("target.yml",
		    "description: d\nstart: s\nsubmit: {port: 25}\n"
		    "documented: {status: last_attempt, source: s}\n"
		    "known: [{finding: expect/ndr/status, scenario: offline/t, "
		    "reason: r, source: s}]\n");
	assert_int_equal(judge_command(NULL, run.dir), 0);
	assert_int_equal(judge_dir(run.dir, stderr, &run.v), 0);
	check_findings(VERDICT_KNOWN, "expect/ndr/status", NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_cmd_judge_exit_status), TEST(test_cmd_judge_fails),
		TEST(test_cmd_judge_error),	  TEST(test_cmd_judge_names),
		TEST(test_cmd_judge_places),	  TEST(test_cmd_judge_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
