/* SPDX-License-Identifier: MIT */
/*
 * The package cache against an apt-get and a dpkg-deb made of a few lines of
 * shell, so that every failure of theirs can be had at will and no network is
 * needed.
 *
 * The false apt-get writes each of its commands to a log and does what the
 * file "mode" tells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/fetch.h"
#include "harness/fetch_tool.h"

static const char apt_get[] =
	"#!/bin/sh\n"
	"d=${0%/*}; mode=$(cat $d/mode)\n"
	"case \" $* \" in *' -s '*) v=resolve;; *' download '*) v=download;;\n"
	"*' update '*) v=update;; esac\n"
	"own=; case \"$*\" in *Dir::State::lists*) own=own-;; esac\n"
	"echo $own$v >> $d/log\n"
	"case $mode:$own$v in\n"
	"unknown:resolve|unknown:own-resolve|lists:resolve|offline:*resolve)\n"
	"  echo 'E: Unable to locate package mta'; exit 100;;\n"
	"offline:*update) echo 'W: Failed to fetch http://x'; exit 0;;\n"
	"nonet:*download) echo 'E: Failed to fetch http://x/mta.deb'; exit "
	"100;;\n"
	"stale:download) echo 'E: Failed to fetch http://x 404'; exit 100;;\n"
	"full:*download) echo 'E: write, No space left on device'; exit 100;;\n"
	"broken:*resolve) echo 'E: You have held broken packages.'; exit "
	"100;;\n"
	"none:*resolve) echo 'mta is already the newest version'; exit 0;;\n"
	"odd:*resolve) echo 'Inst mta'; exit 0;;\n"
	"short:*download) : > mta_1.deb; exit 0;;\n"
	"many:*resolve) i=0; while [ $i -lt $(cat $d/count) ]; do\n"
	"  echo \"Inst p$i (1 X [all])\"; i=$((i+1)); done; exit 0;;\n"
	"long:*resolve) head -c $(cat $d/count) /dev/zero | tr '\\0' x;;\n"
	"slow:*download) sleep 1;;\n"
	"esac\n"
	"case $v in\n"
	"resolve) echo 'Inst libmta [0.9] (1:1.0 Debian:12 [amd64])'\n"
	"  echo 'Inst mta (2:1.2-3 Debian:12.1/stable [amd64]) []'\n"
	"  echo 'Conf mta (2:1.2-3 Debian:12.1/stable [amd64])';;\n"
	"download) for a; do case $a in *mta=*)\n"
	"  echo \"$a\" > ${a%%=*}_x_amd64.deb;; p*=1) : > ${a%%=*}.deb;;\n"
	"  esac; done;;\n"
	"esac\n";

static const char dpkg_deb[] = "#!/bin/sh\n"
			       "d=${0%/*}; mode=$(cat $d/mode)\n"
			       "[ $mode = bad ] && { echo 'dpkg-deb: error: "
			       "not a Debian format archive'; exit 2; }\n"
			       "mkdir -p $3/usr/sbin\n"
			       "cp $2 $3/usr/sbin/$(basename $2 .deb)\n";

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
	snprintf(c->dir, sizeof(c->dir), "/tmp/deadmx-fetch-XXXXXX");
	if (!mkdtemp(c->dir))
		return -1;
	put(c, "apt-get", apt_get, 0755);
	put(c, "dpkg-deb", dpkg_deb, 0755);
	put(c, "mode", "fine", 0644);
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

struct answer {
	int result;
	char *dir, *line;
};

static struct answer fetch_names(const char *const *names, size_t n)
{
	struct answer a = {0, NULL, NULL};
	size_t len;
	FILE *errors = open_memstream(&a.line, &len);

	assert_non_null(errors);
	a.result = fetch_packages((char *const *)names, n, errors, &a.dir);
	fclose(errors);
	/* One line when it failed, else none. */
	if (a.result)
		assert_ptr_equal(strchr(a.line, '\n'), a.line + len - 1);
	else
		assert_int_equal(len, 0);
	return a;
}

static struct answer fetch(struct cache *c, const char *mode)
{
	static const char *const names[] = {"mta"};

	put(c, "mode", mode, 0644);
	return fetch_names(names, 1);
}

static void drop(struct answer *a)
{
	free(a->dir);
	free(a->line);
}

static void expect_failure(struct cache *c, const char *mode, int err,
			   const char *words)
{
	struct answer a = fetch(c, mode);

	assert_int_equal(a.result, err);
	assert_null(a.dir);
	if (!strstr(a.line, words))
		fail_msg("\"%s\" is not in: %s", words, a.line);
	drop(&a);
}

static size_t logged(struct cache *c, const char *word)
{
	char path[PATH_MAX], line[64];
	size_t n = 0;
	FILE *log;

	snprintf(path, sizeof(path), "%s/log", c->dir);
	log = fopen(path, "re");
	assert_non_null(log);
	while (fgets(line, sizeof(line), log)) {
		line[strcspn(line, "\n")] = '\0';
		n += !strcmp(line, word);
	}
	fclose(log);
	return n;
}

/* Folders in the cache whose name begins so. */
static size_t stored(struct cache *c, const char *prefix)
{
	char path[PATH_MAX];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/deadmx/packages", c->dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += !strncmp(entry->d_name, prefix, strlen(prefix));
	closedir(dir);
	return n;
}

static void test_fetch_unpacks_with_dependencies(void **state)
{
	struct cache *c = *state;
	struct answer a = fetch(c, "fine");
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(a.result, 0);
	assert_non_null(strstr(a.dir, "/deadmx/packages/mta_2%1.2-3_amd64"));
	snprintf(path, sizeof(path), "%s/usr/sbin/mta_x_amd64", a.dir);
	assert_int_equal(stat(path, &st), 0);
	snprintf(path, sizeof(path), "%s/usr/sbin/libmta_x_amd64", a.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(stat(a.dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stored(c, ".new-"), 0);
	drop(&a);
}

static void test_fetch_second_time_downloads_nothing(void **state)
{
	struct cache *c = *state;
	struct answer a = fetch(c, "fine"), b = fetch(c, "nonet");

	assert_int_equal(a.result, 0);
	assert_int_equal(b.result, 0);
	assert_string_equal(a.dir, b.dir);
	assert_int_equal(logged(c, "download"), 1);
	drop(&a);
	drop(&b);
}

static void test_fetch_all_installed_is_no_folder(void **state)
{
	struct answer a = fetch(*state, "none");

	assert_int_equal(a.result, 0);
	assert_null(a.dir);
	drop(&a);
}

/* The machine's lists don't know it, or are too old: our own are fetched. */
static void test_fetch_uses_own_lists(void **state)
{
	struct cache *c = *state;
	struct answer a = fetch(c, "lists"), b = fetch(c, "lists");

	assert_int_equal(a.result, 0);
	assert_int_equal(b.result, 0);
	assert_int_equal(logged(c, "own-update"), 1);
	assert_int_equal(logged(c, "own-download"), 1);
	drop(&a);
	drop(&b);
}

static void test_fetch_refreshes_stale_lists(void **state)
{
	struct cache *c = *state;
	struct answer a = fetch(c, "stale");

	assert_int_equal(a.result, 0);
	assert_int_equal(logged(c, "own-update"), 1);
	drop(&a);
}

static void test_fetch_unknown_package(void **state)
{
	expect_failure(*state, "unknown", -ENOENT, "apt knows no package");
}

static void test_fetch_no_network(void **state)
{
	expect_failure(*state, "nonet", -ENETUNREACH, "no network?");
	assert_int_equal(stored(*state, ".new-"), 0);
	assert_int_equal(stored(*state, "mta"), 0);
}

static void test_fetch_no_network_for_the_lists(void **state)
{
	expect_failure(*state, "offline", -ENETUNREACH, "no network?");
}

static void test_fetch_full_disk(void **state)
{
	expect_failure(*state, "full", -ENOSPC, "no room for mta");
}

static void test_fetch_apt_refuses(void **state)
{
	expect_failure(*state, "broken", -EPROTO,
		       "E: You have held broken packages.");
}

static void test_fetch_bad_package(void **state)
{
	expect_failure(*state, "bad", -EPROTO, "not a Debian format archive");
	assert_int_equal(stored(*state, "mta"), 0);
}

static void test_fetch_odd_answers(void **state)
{
	expect_failure(*state, "odd", -EPROTO, "odd line");
	expect_failure(*state, "short", -EPROTO, "1 of 2 packages");
}

static void test_fetch_no_apt_get(void **state)
{
	setenv("PATH", "/nonexistent", 1);
	expect_failure(*state, "fine", -ENOSYS, "no apt-get on this machine");
}

static void test_fetch_rejects_names(void **state)
{
	static const char *const bad[] = {"-oDir=/", "../x", "Upper", "a",
					  "",	     "a b",  "mta=1"};
	struct cache *c = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct answer a = fetch_names(&bad[i], 1);

		assert_int_equal(a.result, -EINVAL);
		drop(&a);
	}
	assert_int_equal(logged(c, "resolve"), 0);
}

static void test_fetch_name_limit(void **state)
{
	char name[FETCH_NAME_MAX + 2] = "";
	const char *names[] = {name};
	struct answer a;

	memset(name, 'a', FETCH_NAME_MAX);
	a = fetch_names(names, 1);
	assert_int_equal(a.result, 0);
	drop(&a);
	memset(name, 'a', FETCH_NAME_MAX + 1);
	a = fetch_names(names, 1);
	assert_int_equal(a.result, -EINVAL);
	drop(&a);
}

static void test_fetch_packages_limit(void **state)
{
	const char *names[FETCH_PACKAGES_MAX + 1];
	struct answer a;

	for (size_t i = 0; i <= FETCH_PACKAGES_MAX; i++)
		names[i] = "mta";
	a = fetch_names(names, FETCH_PACKAGES_MAX);
	assert_int_equal(a.result, 0);
	drop(&a);
	a = fetch_names(names, FETCH_PACKAGES_MAX + 1);
	assert_int_equal(a.result, -E2BIG);
	drop(&a);
}

/* Their versions make a longer name than a file may have. */
static void test_fetch_many_packages_have_own_trees(void **state)
{
	const char *names[FETCH_PACKAGES_MAX];
	struct answer a, b;

	for (size_t i = 0; i < FETCH_PACKAGES_MAX; i++)
		names[i] = "mta";
	a = fetch_names(names, FETCH_PACKAGES_MAX);
	names[FETCH_PACKAGES_MAX - 1] = "libmta";
	b = fetch_names(names, FETCH_PACKAGES_MAX);
	assert_int_equal(a.result, 0);
	assert_int_equal(b.result, 0);
	assert_true(strlen(strrchr(a.dir, '/')) <= 255);
	assert_string_not_equal(a.dir, b.dir);
	drop(&a);
	drop(&b);
}

static void test_fetch_installs_limit(void **state)
{
	struct cache *c = *state;
	struct answer a;
	char count[16];

	snprintf(count, sizeof(count), "%d", FETCH_INSTALLS_MAX);
	put(c, "count", count, 0644);
	a = fetch(c, "many");
	assert_int_equal(a.result, 0);
	drop(&a);
	snprintf(count, sizeof(count), "%d", FETCH_INSTALLS_MAX + 1);
	put(c, "count", count, 0644);
	expect_failure(c, "many", -E2BIG, "more than");
}

static void test_fetch_output_limit(void **state)
{
	struct cache *c = *state;
	char count[16];

	snprintf(count, sizeof(count), "%d", FETCH_OUTPUT_MAX + 1);
	put(c, "count", count, 0644);
	expect_failure(c, "long", -EMSGSIZE, "printed more than");
}

/* Two at once: one downloads, the other waits for it. */
static void test_fetch_two_at_once(void **state)
{
	struct cache *c = *state;
	pid_t pid[2];
	int status;

	put(c, "mode", "slow", 0644);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			char *dir = NULL, *names[] = {"mta"};
			int r = fetch_packages(names, 1, stderr, &dir);

			_exit(r || access(dir, F_OK));
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(logged(c, "download"), 1);
}

/* What a killed fetch left is deleted by the next one. */
static void test_fetch_sweeps_leftovers(void **state)
{
	struct cache *c = *state;
	struct answer a = fetch(c, "fine");
	char path[PATH_MAX];

	drop(&a);
	snprintf(path, sizeof(path), "%s/deadmx/packages/.new-abcdef", c->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(stored(c, ".new-"), 1);
	a = fetch(c, "fine");
	assert_int_equal(stored(c, ".new-"), 0);
	drop(&a);
}

static void test_fetch_unwritable_cache(void **state)
{
	struct cache *c = *state;

	put(c, "deadmx", "a file in the way", 0644);
	expect_failure(c, "fine", -ENOTDIR, "cannot make");
}

int main(void)
{
#define FETCH_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		FETCH_TEST(test_fetch_unpacks_with_dependencies),
		FETCH_TEST(test_fetch_second_time_downloads_nothing),
		FETCH_TEST(test_fetch_all_installed_is_no_folder),
		FETCH_TEST(test_fetch_uses_own_lists),
		FETCH_TEST(test_fetch_refreshes_stale_lists),
		FETCH_TEST(test_fetch_unknown_package),
		FETCH_TEST(test_fetch_no_network),
		FETCH_TEST(test_fetch_no_network_for_the_lists),
		FETCH_TEST(test_fetch_full_disk),
		FETCH_TEST(test_fetch_apt_refuses),
		FETCH_TEST(test_fetch_bad_package),
		FETCH_TEST(test_fetch_odd_answers),
		FETCH_TEST(test_fetch_no_apt_get),
		FETCH_TEST(test_fetch_rejects_names),
		FETCH_TEST(test_fetch_name_limit),
		FETCH_TEST(test_fetch_packages_limit),
		FETCH_TEST(test_fetch_many_packages_have_own_trees),
		FETCH_TEST(test_fetch_installs_limit),
		FETCH_TEST(test_fetch_output_limit),
		FETCH_TEST(test_fetch_two_at_once),
		FETCH_TEST(test_fetch_sweeps_leftovers),
		FETCH_TEST(test_fetch_unwritable_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
