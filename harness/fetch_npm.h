/* SPDX-License-Identifier: MIT */
/*
 * MTAs that come from npm, fetched into the same cache as Debian packages.
 *
 * npm downloads and checks; nothing is installed on the host, and no script of
 * a package is run there (--ignore-scripts), so what needs a compiler stays
 * unbuilt. node is the host's.
 */
#ifndef HARNESS_FETCH_NPM_H
#define HARNESS_FETCH_NPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Where they are in the sandbox: node_modules is in there. */
#define FETCH_NPM_ROOT "/opt/deadmx"

/* Tested in tests/unit/test_fetch_npm.c. */
enum {
	FETCH_NPM_PACKAGES_MAX = 8,
	FETCH_NPM_NAME_MAX = 200, /* bytes of NAME@VERSION */
	FETCH_NPM_OUTPUT_MAX = 1024 * 1024,
};

/* NAME@VERSION or @SCOPE/NAME@VERSION, the version exact? */
bool fetch_npm_is_package(const char *text);

/*
 * @n packages and what they depend on → one folder tree in *@ret_dir
 * (malloc'd), to be copied over "/" of a sandbox. As fetch_packages().
 */
int fetch_npm(char *const *packages, size_t n, FILE *errors, char **ret_dir);

#endif
