/* SPDX-License-Identifier: MIT */
/* Copying trees: what is kept, what is left out, and where it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/sandbox/sandbox_copy.h"

struct trees {
	char dir[64];
	int from, to;
	struct sandbox_fault fault;
};

static const struct sandbox_copy_rules all = {
	.depth_max = SANDBOX_COPY_DEPTH_MAX,
	.uid_to_root = (uid_t)-1,
	.gid_to_root = (gid_t)-1,
};

static int open_in(struct trees *t, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	mkdir(path, 0755);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int setup(void **state)
{
	struct trees *t = calloc(1, sizeof(*t));

	*state = t;
	snprintf(t->dir, sizeof(t->dir), "/tmp/deadmx-copy-XXXXXX");
	if (!mkdtemp(t->dir))
		return -1;
	t->from = open_in(t, "from");
	t->to = open_in(t, "to");
	return t->from < 0 || t->to < 0;
}

static int teardown(void **state)
{
	struct trees *t = *state;
	pid_t pid = fork();

	if (!pid) {
		execlp("rm", "rm", "-rf", t->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	close(t->from);
	close(t->to);
	free(t);
	return 0;
}

static void put(int dir, const char *name, const char *text, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void get(int dir, const char *name, const char *expected)
{
	char text[64] = "";
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	assert_string_equal(text, expected);
	close(fd);
}

static void test_sandbox_copy_keeps_modes_links_and_times(void **state)
{
	const struct timespec old[] = {{1000, 0}, {2000, 5}};
	struct trees *t = *state;
	char target[16] = "";
	struct stat st;

	put(t->from, "setgid", "x", 02751);
	assert_int_equal(utimensat(t->from, "setgid", old, 0), 0);
	assert_int_equal(mkdirat(t->from, "d", 0750), 0);
	put(t->from, "d/file", "deep", 0640);
	assert_int_equal(symlinkat("d/file", t->from, "link"), 0);
	assert_int_equal(symlinkat("/etc", t->from, "away"), 0);
	assert_int_equal(mkfifoat(t->from, "fifo", 0600), 0);
	assert_int_equal(sandbox_copy_tree(t->from, t->to, &all, &t->fault), 0);
	assert_int_equal(fstatat(t->to, "setgid", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 02751);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	assert_int_equal(fstatat(t->to, "d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	get(t->to, "d/file", "deep");
	assert_int_equal(readlinkat(t->to, "link", target, sizeof(target)), 6);
	assert_string_equal(target, "d/file");
	assert_int_equal(fstatat(t->to, "away", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(fstatat(t->to, "fifo", &st, 0), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

/* What is there is replaced, not written through: it may be a hard link. */
static void test_sandbox_copy_replaces_files(void **state)
{
	struct trees *t = *state;

	put(t->from, "file", "new", 0644);
	put(t->to, "file", "a longer old text", 0644);
	assert_int_equal(linkat(t->to, "file", t->to, "other", 0), 0);
	assert_int_equal(sandbox_copy_tree(t->from, t->to, &all, &t->fault), 0);
	get(t->to, "file", "new");
	get(t->to, "other", "a longer old text");
}

static void test_sandbox_copy_goes_through_folder_links(void **state)
{
	struct trees *t = *state;
	struct stat st;

	assert_int_equal(mkdirat(t->from, "lib", 0755), 0);
	put(t->from, "lib/x", "x", 0644);
	assert_int_equal(mkdirat(t->to, "usr", 0711), 0);
	assert_int_equal(symlinkat("usr", t->to, "lib"), 0);
	assert_int_equal(sandbox_copy_tree(t->from, t->to, &all, &t->fault), 0);
	get(t->to, "usr/x", "x");
	assert_int_equal(fstatat(t->to, "usr", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0711); /* not the source's */
}

static void test_sandbox_copy_folders_only(void **state)
{
	struct sandbox_copy_rules rules = all;
	struct trees *t = *state;

	assert_int_equal(mkdirat(t->from, "queue", 0700), 0);
	put(t->from, "queue/letter", "secret", 0644);
	rules.folders_only = true;
	assert_int_equal(sandbox_copy_tree(t->from, t->to, &rules, &t->fault),
			 0);
	assert_int_equal(faccessat(t->to, "queue", F_OK, 0), 0);
	assert_int_equal(faccessat(t->to, "queue/letter", F_OK, 0), -1);
}

static void test_sandbox_copy_gives_to_root(void **state)
{
	struct sandbox_copy_rules rules = all;
	struct trees *t = *state;
	struct stat st;

	if (geteuid())
		skip();
	put(t->from, "theirs", "x", 0644);
	put(t->from, "other", "x", 0644);
	assert_int_equal(fchownat(t->from, "theirs", 1234, 1235, 0), 0);
	assert_int_equal(fchownat(t->from, "other", 77, 78, 0), 0);
	rules.uid_to_root = 1234;
	rules.gid_to_root = 1235;
	assert_int_equal(sandbox_copy_tree(t->from, t->to, &rules, &t->fault),
			 0);
	assert_int_equal(fstatat(t->to, "theirs", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 0);
	assert_int_equal(fstatat(t->to, "other", &st, 0), 0);
	assert_int_equal(st.st_uid, 77);
	assert_int_equal(st.st_gid, 78);
}

static void make_deep(int at, unsigned levels)
{
	int fd = fcntl(at, F_DUPFD_CLOEXEC, 3);

	for (unsigned i = 0; i < levels; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
}

static void test_sandbox_copy_depth_at_the_limit(void **state)
{
	struct trees *t = *state;

	make_deep(t->from, SANDBOX_COPY_DEPTH_MAX);
	assert_int_equal(sandbox_copy_tree(t->from, t->to, &all, &t->fault), 0);
}

static void test_sandbox_copy_depth_beyond_the_limit(void **state)
{
	struct trees *t = *state;

	make_deep(t->from, SANDBOX_COPY_DEPTH_MAX + 1);
	assert_int_equal(sandbox_copy_tree(t->from, t->to, &all, &t->fault),
			 -ELOOP);
	assert_true(strlen(t->fault.line) > 0);
}

static void test_sandbox_copy_depth_of_the_rules(void **state)
{
	struct sandbox_copy_rules rules = all;
	struct trees *t = *state;

	make_deep(t->from, 3);
	rules.depth_max = 2;
	assert_int_equal(sandbox_copy_tree(t->from, t->to, &rules, &t->fault),
			 0);
	assert_int_equal(faccessat(t->to, "d/d", F_OK, 0), 0);
	assert_int_equal(faccessat(t->to, "d/d/d", F_OK, 0), -1);
}

/* A long line is cut, and the first fault stays. */
static void test_sandbox_fault_keeps_the_first(void **state)
{
	struct sandbox_fault fault = {0};

	assert_int_equal(sandbox_fault_set(&fault, -EPERM, "%*d",
					   2 * SANDBOX_FAULT_LINE_MAX, 1),
			 -EPERM);
	assert_int_equal(strlen(fault.line), SANDBOX_FAULT_LINE_MAX - 1);
	assert_int_equal(sandbox_fault_set(&fault, -EIO, "later"), -EPERM);
	assert_true(strcmp(fault.line, "later"));
}

int main(void)
{
#define COPY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		COPY_TEST(test_sandbox_copy_keeps_modes_links_and_times),
		COPY_TEST(test_sandbox_copy_replaces_files),
		COPY_TEST(test_sandbox_copy_goes_through_folder_links),
		COPY_TEST(test_sandbox_copy_folders_only),
		COPY_TEST(test_sandbox_copy_gives_to_root),
		COPY_TEST(test_sandbox_copy_depth_at_the_limit),
		COPY_TEST(test_sandbox_copy_depth_beyond_the_limit),
		COPY_TEST(test_sandbox_copy_depth_of_the_rules),
		cmocka_unit_test(test_sandbox_fault_keeps_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
