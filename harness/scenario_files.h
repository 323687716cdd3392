/* SPDX-License-Identifier: MIT */
/*
 * From what a user names on the command line to scenario files: files as they
 * are, folders with all *.yml below them, in the order of their names; not
 * those that begin with an underscore, which are there to be included, nor
 * what runs have left there.
 */
#ifndef HARNESS_SCENARIO_FILES_H
#define HARNESS_SCENARIO_FILES_H

#include <stddef.h>
#include <stdio.h>

enum {
	SCENARIO_FILES_MAX = 10 * 1000, /* a slip such as "/" ends soon */
};

struct scenario_files {
	char **paths;
	size_t count;
};

/*
 * 0, or -ENOENT for a path that is not there or a folder without scenarios,
 * -E2BIG for more than SCENARIO_FILES_MAX; one line on @errors. On error too
 * @ret holds what was found; scenario_files_release() it.
 */
int scenario_files_find(char **paths, size_t count, FILE *errors,
			struct scenario_files *ret);
void scenario_files_release(struct scenario_files *files);

#endif
