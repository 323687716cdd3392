/* SPDX-License-Identifier: MIT */
/* Where an MTA is, told without a look at the network. */
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

#include "harness/fetch_tool.h"
#include "harness/target_fetch.h"

static char cache[64], *said;

static int setup(void **state)
{
	snprintf(cache, sizeof(cache), "/tmp/deadmx-place-XXXXXX");
	if (!mkdtemp(cache))
		return -1;
	setenv("XDG_CACHE_HOME", cache, 1);
	return 0;
}

static int teardown(void **state)
{
	fetch_tool_remove(cache);
	free(said);
	said = NULL;
	return 0;
}

static void folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", cache, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void check(const struct target *t, enum target_place place,
		  const char *version)
{
	char *found = NULL;

	assert_int_equal(target_place(t, &found), place);
	if (version)
		assert_string_equal(found, version);
	else
		assert_null(found);
	free(found);
}

static void test_target_place(void **state)
{
	char *debs[] = {(char *)"mta", NULL}, *npm[] = {(char *)"Mta@1.2.3"};
	struct target none = {.name = (char *)"x"};
	struct target here = {.name = (char *)"x", .binary = (char *)"/bin/sh"};
	struct target gone = {.name = (char *)"x", .binary = (char *)"/bin/no"};
	struct target deb = gone, node = gone;

	deb.packages = debs;
	deb.package_count = 1;
	node.npm = npm;
	node.npm_count = 1;
	check(&none, TARGET_PLACE_INCLUDED, NULL);
	check(&here, TARGET_PLACE_INSTALLED, NULL);
	check(&gone, TARGET_PLACE_MISSING, NULL);
	check(&deb, TARGET_PLACE_TO_FETCH, NULL);
	folder("/deadmx");
	folder("/deadmx/packages");
	folder("/deadmx/packages/.new-mta_1_amd64");
	folder("/deadmx/packages/mta-extra_9_amd64");
	check(&deb, TARGET_PLACE_TO_FETCH, NULL);
	check(&node, TARGET_PLACE_TO_FETCH, NULL);
	folder("/deadmx/packages/mta_1.2-3_amd64");
	folder("/deadmx/packages/mta_1.1_amd64");
	folder("/deadmx/packages/npm+Mta@1.2.3");
	check(&deb, TARGET_PLACE_FETCHED, "1.2-3");
	check(&node, TARGET_PLACE_FETCHED, "1.2.3");
}

/* What is there needs nothing; what isn't, and can't be fetched, is told. */
static void test_target_fetch(void **state)
{
	struct target t = {.name = (char *)"x", .binary = (char *)"/bin/no"};
	struct target_layers layers = {0};
	char path[256];
	size_t len;
	FILE *errors = open_memstream(&said, &len), *program;

	assert_int_equal(target_fetch(&t, NULL, errors, &layers), -ENOENT);
	assert_int_equal(target_fetch(&t, cache, errors, &layers), -ENOENT);
	fclose(errors);
	assert_non_null(strstr(said, "x is not there (/bin/no), and its target "
				     "file names no package"));
	folder("/bin");
	snprintf(path, sizeof(path), "%s/bin/no", cache);
	program = fopen(path, "w");
	assert_non_null(program);
	fclose(program);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(target_fetch(&t, cache, stderr, &layers), 0);
	t.binary = (char *)"/bin/sh";
	assert_int_equal(target_fetch(&t, NULL, stderr, &layers), 0);
	assert_null(layers.packages);
	assert_null(layers.npm);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {T(test_target_place),
					   T(test_target_fetch)};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
