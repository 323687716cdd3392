/* SPDX-License-Identifier: MIT */
/* Runs one of the system's tools without a shell. */
#include "harness/fetch_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TOOL_READ_STEP = 4096, /* bytes */
	TOOL_NO_PROGRAM = 127, /* exit status, as a shell's */
	TOOL_REMOVE_FDS = 16,  /* folders open at once while deleting */
};

static void tool_exec(char *const *argv, const char *dir, int out)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(022);
	signal(SIGPIPE, SIG_DFL);
	/* Messages are read by us: in English, and nothing may ask. */
	setenv("LC_ALL", "C", 1);
	setenv("DEBIAN_FRONTEND", "noninteractive", 1);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0 || chdir(dir))
		_exit(1);
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? TOOL_NO_PROGRAM : 1);
}

/* Reads to the end even beyond @max, so that the tool need not block. */
static int tool_read(int in, size_t max, char **ret)
{
	char *text = malloc(max + TOOL_READ_STEP + 1);
	size_t len = 0;
	int r = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	for (;;) {
		n = read(in, text + len, TOOL_READ_STEP);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (len + n <= max)
			len += n;
		else
			r = -EMSGSIZE;
	}
	text[len] = '\0';
	*ret = text;
	return r;
}

static int tool_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == TOOL_NO_PROGRAM)
		return -ENOSYS;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPROTO;
}

int fetch_tool_run(char *const *argv, const char *dir, size_t max,
		   char **ret_output)
{
	int ends[2], r, ended;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		tool_exec(argv, dir, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	r = tool_read(ends[0], max, ret_output);
	close(ends[0]);
	ended = tool_wait(pid);
	return r ? r : ended;
}

static int tool_remove_one(const char *path, const struct stat *st, int type,
			   struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void fetch_tool_remove(const char *path)
{
	nftw(path, tool_remove_one, TOOL_REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
}
