/* SPDX-License-Identifier: MIT */
/* deadmx check, and the scenarios that are shipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadmx/scenario.h"
#include "harness/cmd_check.h"
#include "harness/scenario_files.h"
#include "harness/target.h"

#define SCENARIOS TEST_DIR "/../scenarios"

static int setup(void **state)
{
	*state = strdup("/tmp/test_check.XXXXXX");
	assert_non_null(mkdtemp(*state));
	return 0;
}

static int teardown(void **state)
{
	char path[128];
	static const char *const names[] = {
		"a/z.yml", "a/x.txt",  "a/.yml",   "a/l.yml", "a/loop",
		"b.yml",   "a/_b.yml", "_l/x.yml", "_l",      "a"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", (char *)*state, names[i]);
		remove(path);
	}
	rmdir(*state);
	free(*state);
	return 0;
}

static void put(void **state, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", (char *)*state, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/*
 * Scenarios are found in the order of their names; other files are not, nor
 * what is only there to be included.
 */
static void test_check_files_found(void **state)
{
	char *root = *state, path[128], *paths[] = {root, path};
	struct scenario_files files;

	snprintf(path, sizeof(path), "%s/a", root);
	assert_int_equal(mkdir(path, 0755), 0);
	put(state, "a/z.yml", "");
	put(state, "a/x.txt", "");
	put(state, "a/.yml", "");
	put(state, "a/_b.yml", "");
	snprintf(path, sizeof(path), "%s/_l", root);
	assert_int_equal(mkdir(path, 0755), 0);
	put(state, "_l/x.yml", "");
	put(state, "b.yml", "");
	snprintf(path, sizeof(path), "%s/a/l.yml", root);
	assert_int_equal(symlink("z.yml", path), 0);
	snprintf(path, sizeof(path), "%s/a/loop", root);
	assert_int_equal(symlink("..", path), 0);
	snprintf(path, sizeof(path), "%s/b.yml", root);
	assert_int_equal(scenario_files_find(paths, 2, stderr, &files), 0);
	assert_int_equal(files.count, 4);
	assert_non_null(strstr(files.paths[0], "/a/l.yml"));
	assert_non_null(strstr(files.paths[1], "/a/z.yml"));
	assert_non_null(strstr(files.paths[2], "/b.yml"));
	assert_string_equal(files.paths[3], path);
	scenario_files_release(&files);
}

/* "deadmx run ." a second time: deadmx-out is there now. */
static void test_check_files_of_runs(void **state)
{
	char *root = *state, path[128];
	struct scenario_files files;

	put(state, "b.yml", "");
	snprintf(path, sizeof(path), "%s/out", root);
	assert_int_equal(mkdir(path, 0755), 0);
	put(state, "out/events.ndjson", "");
	put(state, "out/scenario.yml", "");
	put(state, "out/target.yml", "");
	assert_int_equal(scenario_files_find(&root, 1, stderr, &files), 0);
	assert_int_equal(files.count, 1);
	assert_non_null(strstr(files.paths[0], "/b.yml"));
	scenario_files_release(&files);
	/* Named itself, it is meant. */
	put(state, "events.ndjson", "");
	assert_int_equal(scenario_files_find(&root, 1, stderr, &files), 0);
	assert_int_equal(files.count, 1);
	scenario_files_release(&files);
}

static void test_check_files_missing(void **state)
{
	char *paths[] = {(char *)*state, "/nonexistent"}, *said = NULL;
	struct scenario_files files;
	FILE *errors;
	size_t size;

	errors = open_memstream(&said, &size);
	assert_int_equal(scenario_files_find(paths, 2, errors, &files),
			 -ENOENT);
	fclose(errors);
	assert_int_equal(files.count, 0);
	assert_non_null(strstr(said, "no scenario (*.yml) in this folder"));
	assert_non_null(strstr(said, "/nonexistent: No such file"));
	scenario_files_release(&files);
	free(said);
}

static void test_check_files_max(void **state)
{
	char **paths = calloc(SCENARIO_FILES_MAX + 1, sizeof(*paths));
	struct scenario_files files;
	char *said = NULL;
	FILE *errors;
	size_t size;

	put(state, "b.yml", "");
	for (int i = 0; i <= SCENARIO_FILES_MAX; i++)
		paths[i] = "/dev/null";
	errors = open_memstream(&said, &size);
	assert_int_equal(
		scenario_files_find(paths, SCENARIO_FILES_MAX, errors, &files),
		0);
	scenario_files_release(&files);
	assert_int_equal(scenario_files_find(paths, SCENARIO_FILES_MAX + 1,
					     errors, &files),
			 -E2BIG);
	scenario_files_release(&files);
	fclose(errors);
	free(said);
	free(paths);
}

static int check(char *arg)
{
	char *argv[] = {"check", arg, NULL};

	return cmd_check(arg ? 2 : 1, argv);
}

static void test_check_status(void **state)
{
	char path[128];

	put(state, "b.yml", "description: d\n");
	snprintf(path, sizeof(path), "%s/b.yml", (char *)*state);
	assert_int_equal(check(path), 2);
	assert_int_equal(check(NULL), 2);
	assert_int_equal(check("--nonsense"), 2);
	assert_int_equal(check("/nonexistent"), 2);
	assert_int_equal(check("--help"), 0);
	assert_int_equal(check(SCENARIOS), 0);
}

static struct target *shipped_target(const char *name)
{
	struct target *target;
	char *path;

	assert_int_equal(target_find(name, stderr, &path), 0);
	assert_int_equal(target_load(path, stderr, &target), 0);
	free(path);
	return target;
}

/* Each says what it is for, has tags, and a target that comes along can do
 * it: Postfix, or the model with its profiles. */
static void test_check_shipped(void **state)
{
	struct target *postfix = shipped_target("postfix");
	struct target *model = shipped_target("model");
	char *paths[] = {SCENARIOS}, why[256];
	struct deadmx_scenario_list list;
	struct scenario_files files;

	assert_int_equal(scenario_files_find(paths, 1, stderr, &files), 0);
	assert_true(files.count >= 18);
	for (size_t i = 0; i < files.count; i++) {
		assert_int_equal(
			deadmx_scenario_load_all(files.paths[i], stderr, &list),
			0);
		for (size_t j = 0; j < list.count; j++) {
			const struct deadmx_scenario *s = list.cases[j];

			assert_true(strlen(s->description) > 80);
			assert_true(s->tag_count > 0);
			if (!target_supports(postfix, s, why, sizeof(why)) &&
			    !target_supports(model, s, why, sizeof(why)))
				fail_msg("%s", why);
		}
		deadmx_scenario_list_release(&list);
	}
	scenario_files_release(&files);
	target_free(postfix);
	target_free(model);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_check_files_found),   T(test_check_files_of_runs),
		T(test_check_files_missing), T(test_check_files_max),
		T(test_check_status),	     T(test_check_shipped),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
