/* SPDX-License-Identifier: MIT */
/*
 * Packages of npm, against a stand-in for npm that does what the file "mode"
 * beside it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/fetch_npm.h"
#include "harness/fetch_tool.h"

static const char npm[] =
	"#!/bin/sh\n"
	"d=${0%/*}; echo \"$*\" >> $d/log\n"
	"case $(cat $d/mode) in\n"
	"unknown) echo 'npm error code E404'; exit 1;;\n"
	"version) echo 'npm error code ETARGET'; exit 1;;\n"
	"nonet) echo 'npm error code EAI_AGAIN'; exit 1;;\n"
	"full) echo 'npm error code ENOSPC'; exit 1;;\n"
	"odd) echo 'npm warn x'; echo 'npm error of another sort'; exit 1;;\n"
	"empty) exit 0;;\n"
	"long) head -c 1100000 /dev/zero | tr '\\0' x;;\n"
	"esac\n"
	"mkdir -p \"$3/node_modules/mta\"; echo x > "
	"\"$3/node_modules/mta/index.js\"\n";

struct cache {
	char dir[64], path[256];
};

static void put(const struct cache *c, const char *name, const char *text,
		mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", c->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **state)
{
	struct cache *c = calloc(1, sizeof(*c));

	*state = c;
	snprintf(c->dir, sizeof(c->dir), "/tmp/deadmx-npm-XXXXXX");
	if (!mkdtemp(c->dir))
		return -1;
	put(c, "npm", npm, 0755);
	put(c, "node", "#!/bin/sh\n", 0755);
	put(c, "log", "", 0644);
	snprintf(c->path, sizeof(c->path), "%s:/usr/bin:/bin", c->dir);
	setenv("PATH", c->path, 1);
	setenv("XDG_CACHE_HOME", c->dir, 1);
	return 0;
}

static int teardown(void **state)
{
	struct cache *c = *state;

	fetch_tool_remove(c->dir);
	free(c);
	return 0;
}

/* @words: what is said of it; NULL: it must work, without a word. */
static char *fetch(struct cache *c, const char *mode,
		   const char *const *packages, size_t n, int result,
		   const char *words)
{
	char *dir = NULL, *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	assert_non_null(errors);
	put(c, "mode", mode, 0644);
	assert_int_equal(fetch_npm((char *const *)packages, n, errors, &dir),
			 result);
	fclose(errors);
	if (!words)
		assert_string_equal(said, "");
	else if (!strstr(said, words) || strchr(said, '\n') != said + len - 1)
		fail_msg("expected one line with \"%s\", got: %s", words, said);
	free(said);
	return dir;
}

static const char *const one[] = {"mta@1.2.3"};

static void test_fetch_npm_fetches_once(void **state)
{
	struct cache *c = *state;
	char *a = fetch(c, "fine", one, 1, 0, NULL);
	char *b = fetch(c, "nonet", one, 1, 0, NULL);
	char path[PATH_MAX], log[4096];
	ssize_t n;
	int fd;

	assert_string_equal(a, b);
	assert_string_equal(strrchr(a, '/'), "/npm+mta@1.2.3");
	snprintf(path, sizeof(path),
		 "%s" FETCH_NPM_ROOT "/node_modules/mta/index.js", a);
	assert_int_equal(access(path, R_OK), 0);
	snprintf(path, sizeof(path), "%s/log", c->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, log, sizeof(log) - 1);
	close(fd);
	assert_true(n > 0);
	log[n] = '\0';
	assert_non_null(strstr(log, " --ignore-scripts "));
	assert_non_null(strstr(log, " -- mta@1.2.3\n"));
	assert_ptr_equal(strchr(log, '\n'), log + n - 1);
	free(a);
	free(b);
}

static void test_fetch_npm_failures(void **state)
{
	static const struct {
		const char *mode;
		int err;
		const char *words;
	} rows[] = {
		{"unknown", -ENOENT, "mta@1.2.3: npm knows no such package"},
		{"version", -ENOENT, "npm knows no such version"},
		{"nonet", -ENETUNREACH, "no network? (npm: EAI_AGAIN)"},
		{"full", -ENOSPC, "no room"},
		{"odd", -EPROTO, "npm error of another sort"},
		{"empty", -EPROTO, "brought nothing"},
		{"long", -EMSGSIZE, "printed more than 1048576 bytes"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_null(fetch(*state, rows[i].mode, one, 1, rows[i].err,
				  rows[i].words));
}

static void test_fetch_npm_is_missing(void **state)
{
	struct cache *c = *state;

	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/npm", c->dir);
	unlink(path);
	setenv("PATH", c->dir, 1);
	assert_null(
		fetch(c, "fine", one, 1, -ENOSYS, "no npm on this machine"));
}

/* Without node what was fetched before is of no use. */
static void test_fetch_npm_node_is_missing(void **state)
{
	struct cache *c = *state;
	const char *const paths[] = {"/nonexistent:", "", "/nonexistent"};

	free(fetch(c, "fine", one, 1, 0, NULL));
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		setenv("PATH", paths[i], 1);
		assert_null(fetch(c, "fine", one, 1, -ENOSYS,
				  "no node on this machine for mta@1.2.3: "
				  "install nodejs and npm"));
	}
}

static void test_fetch_npm_limit(void **state)
{
	const char *names[FETCH_NPM_PACKAGES_MAX + 1];
	char longest[FETCH_NPM_NAME_MAX + 1], *dir;

	memset(longest, 'm', FETCH_NPM_NAME_MAX);
	longest[FETCH_NPM_NAME_MAX] = '\0';
	memcpy(longest + FETCH_NPM_NAME_MAX - 6, "@1.2.3", 6);
	for (size_t i = 0; i <= FETCH_NPM_PACKAGES_MAX; i++)
		names[i] = longest;
	dir = fetch(*state, "fine", names, FETCH_NPM_PACKAGES_MAX, 0, NULL);
	assert_true(strlen(strrchr(dir, '/')) < NAME_MAX);
	free(dir);
	assert_null(fetch(*state, "fine", names, FETCH_NPM_PACKAGES_MAX + 1,
			  -E2BIG, "at most 8 fit"));
	assert_null(fetch(*state, "fine", names, 0, -E2BIG, "at most 8 fit"));
}

static void test_fetch_npm_names(void **state)
{
	static const char *const good[] = {"Haraka@3.3.4", "@a/b@0.0.1",
					   "x_y.z@10.20.30-rc.1"};
	static const char *const bad[] = {
		"",
		"mta",
		"mta@",
		"mta@latest",
		"mta@^1.2.3",
		"mta@1.2",
		"mta@1.2.3+",
		"mta@1.2.3 x",
		"--prefix@1.2.3",
		".x@1.2.3",
		"../x@1.2.3",
		"a/b@1.2.3",
		"@a@1.2.3",
		"@/b@1.2.3",
		"@a/@1.2.3",
		"a b@1.2.3",
		"git+x@1.2.3",
		"@../b@1.2.3",
		"@a/../b@1.2.3",
	};
	char longer[FETCH_NPM_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!fetch_npm_is_package(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (fetch_npm_is_package(bad[i]))
			fail_msg("taken: %s", bad[i]);
	memset(longer, 'm', sizeof(longer) - 1);
	memcpy(longer + sizeof(longer) - 7, "@1.2.3", 7);
	assert_false(fetch_npm_is_package(longer));
	assert_true(fetch_npm_is_package(longer + 1));
	assert_null(fetch(*state, "fine", bad, 1, -EINVAL,
			  "no package of npm with its version"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_fetch_npm_fetches_once),
		T(test_fetch_npm_failures),
		T(test_fetch_npm_is_missing),
		T(test_fetch_npm_node_is_missing),
		T(test_fetch_npm_limit),
		T(test_fetch_npm_names),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
