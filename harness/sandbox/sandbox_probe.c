/* SPDX-License-Identifier: MIT */
/*
 * Can this machine do it? The surest answer is a try: a sandbox with nothing
 * in it, whose child is traced for a moment. It runs in a process of its own,
 * since there is no way back from a user namespace.
 */
#include "harness/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROBE_FINE = 0,
	PROBE_NOSYS = 1,
	PROBE_PERM = 2,
};

static int probe_child(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static int probe_seccomp(FILE *errors)
{
	const uint32_t action = SECCOMP_RET_TRACE;

	if (!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
		return 0;
	fprintf(errors, "this kernel can't hand calls to a tracer (seccomp): "
			"Linux 4.14 or later with CONFIG_SECCOMP_FILTER is "
			"needed\n");
	return -ENOSYS;
}

static int probe_trace(pid_t pid, FILE *errors)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
			     PTRACE_O_TRACESECCOMP;

	if (!ptrace(PTRACE_SEIZE, pid, NULL, options))
		return 0;
	fprintf(errors,
		"tracing is forbidden here (ptrace: %s): as root: sysctl -w "
		"kernel.yama.ptrace_scope=1 (3 holds until the next boot); in "
		"a container: start it with --cap-add SYS_PTRACE\n",
		strerror(errno));
	return -EPERM;
}

static int probe_try(FILE *errors)
{
	const struct sandbox_options options = {.hostname = "probe.invalid",
						.keep_fd = -1};
	pid_t init, child;
	int r = probe_seccomp(errors);

	if (r)
		return r;
	r = sandbox_start(&options, probe_child, NULL, errors, &init, &child);
	if (r)
		return r;
	r = probe_trace(child, errors);
	sandbox_stop(init);
	return r;
}

static void probe_process(int out)
{
	FILE *errors = fdopen(out, "w");
	int r;

	signal(SIGCHLD, SIG_DFL);
	if (!errors)
		_exit(PROBE_PERM);
	r = probe_try(errors);
	fclose(errors);
	_exit(!r ? PROBE_FINE : r == -ENOSYS ? PROBE_NOSYS : PROBE_PERM);
}

static void probe_read_line(int in, char *buf, size_t len)
{
	FILE *lines = fdopen(in, "r");

	if (!lines) {
		close(in);
		return;
	}
	if (!fgets(buf, len, lines))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	fclose(lines);
}

int sandbox_probe(char *buf, size_t len)
{
	int ends[2], status = 0;
	pid_t pid;

	if (len)
		buf[0] = '\0';
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		close(ends[0]);
		probe_process(ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -EPERM;
	}
	probe_read_line(ends[0], buf, len);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROBE_FINE)
		return 0;
	if (len && !buf[0])
		snprintf(buf, len, "sandbox: the probe ended at once");
	return WIFEXITED(status) && WEXITSTATUS(status) == PROBE_NOSYS ? -ENOSYS
								       : -EPERM;
}
