/* SPDX-License-Identifier: MIT */
/*
 * SIGKILL of the process that made a sandbox, at any moment: nothing is left.
 *
 * The test adopts orphans, so that a process that survives its runner becomes
 * the test's child and waiting for "no more children" would not end: then the
 * alarm ends the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/sandbox/sandbox.h"

enum {
	KILL_ROUNDS = 24,
	KILL_STEP_NS = 500 * 1000,
	KILL_ALARM_S = 60,
	KILL_TEXT_MAX = 256 * 1024, /* bytes of mountinfo */
};

static int tree(void *arg)
{
	signal(SIGTERM, SIG_IGN);
	for (int i = 0; i < 3; i++)
		if (!fork())
			setsid();
	for (;;)
		pause();
	return 0;
}

/* With a tracer the kernel kills the tree twice over: try without, too. */
static void runner(const char *dir, bool traced)
{
	const struct sandbox_options o = {.hostname = "kill.test",
					  .run_dir = dir,
					  .program = "/proc/self/exe",
					  .keep_fd = -1};
	FILE *null = fopen("/dev/null", "we");
	pid_t init, child;

	if (!null || sandbox_start(&o, tree, NULL, null, &init, &child))
		_exit(1);
	if (traced)
		ptrace(PTRACE_SEIZE, child, NULL, PTRACE_O_EXITKILL);
	for (;;)
		pause();
}

static char *read_mounts(void)
{
	char *text = calloc(1, KILL_TEXT_MAX);
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	assert_non_null(text);
	assert_true(fd >= 0);
	while ((n = read(fd, text + len, KILL_TEXT_MAX - 1 - len)) > 0)
		len += n;
	close(fd);
	return text;
}

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void kill_after(const char *dir, bool traced, long ns)
{
	const struct timespec moment = {0, ns};
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		runner(dir, traced);
	ppoll(NULL, 0, &moment, NULL);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (waitpid(-1, &status, __WALL) >= 0 || errno == EINTR)
		;
	assert_int_equal(errno, ECHILD);
}

static void test_sandbox_kill_leaves_nothing(void **state)
{
	char dir[] = "/tmp/deadmx-kill-XXXXXX", lack[1024];
	char *before, *after;

	if (sandbox_probe(lack, sizeof(lack))) {
		print_message("this machine has no sandbox: %s\n", lack);
		skip();
	}
	assert_non_null(mkdtemp(dir));
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	before = read_mounts();
	alarm(KILL_ALARM_S);
	for (int i = 0; i < KILL_ROUNDS; i++)
		kill_after(dir, i % 2, (long)i * KILL_STEP_NS);
	/* Surely up and running. */
	kill_after(dir, false, 300L * 1000 * 1000);
	kill_after(dir, true, 300L * 1000 * 1000);
	alarm(0);
	after = read_mounts();
	assert_string_equal(before, after);
	assert_int_equal(count_entries(dir), 2);
	assert_int_equal(rmdir(dir), 0);
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox_kill_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
