/* SPDX-License-Identifier: MIT */
/*
 * Runs one of the system's tools (apt-get, dpkg-deb) without a shell and
 * keeps what it prints. The tool dies with its caller.
 */
#ifndef HARNESS_FETCH_TOOL_H
#define HARNESS_FETCH_TOOL_H

#include <stddef.h>

/*
 * Run @argv in folder @dir; *@ret_output gets what it printed on both
 * channels (malloc'd, NUL-terminated). 0 when it exited with 0; -ENOSYS when
 * there is no such program; -EMSGSIZE when it printed more than @max bytes;
 * -EPROTO for any other end. The output is set in all these cases.
 */
int fetch_tool_run(char *const *argv, const char *dir, size_t max,
		   char **ret_output);

/* Delete @path with all that is in it; what can't be deleted stays. */
void fetch_tool_remove(const char *path);

#endif
