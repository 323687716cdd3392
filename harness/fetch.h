/* SPDX-License-Identifier: MIT */
/*
 * The package cache: an MTA that is not installed, fetched and unpacked
 * without touching the host.
 *
 * apt-get resolves, downloads and checks; dpkg-deb unpacks into
 * $XDG_CACHE_HOME (~/.cache)/deadmx/packages/NAME_VERSION_ARCH. Nothing is
 * installed and root is not needed. When the machine's package lists don't
 * know the package, lists of our own are fetched beside the cache.
 */
#ifndef HARNESS_FETCH_H
#define HARNESS_FETCH_H

#include <stddef.h>
#include <stdio.h>

/* Tested in tests/unit/test_fetch.c. */
enum {
	FETCH_PACKAGES_MAX = 16,	/* packages asked for at once */
	FETCH_INSTALLS_MAX = 256,	/* packages with all they depend on */
	FETCH_NAME_MAX = 64,		/* bytes of a package's name */
	FETCH_OUTPUT_MAX = 1024 * 1024, /* bytes that a tool may print */
};

/*
 * @n packages and what they depend on that is not installed → one folder tree
 * in *@ret_dir (malloc'd), to be copied over "/" of a sandbox; NULL when all
 * is installed. The second time no network is needed. May be called by
 * several processes at once.
 *
 * A negative errno with one line on @errors: -EINVAL not a package's name,
 * -ENOENT apt knows no such package, -ENETUNREACH it can't be downloaded,
 * -ENOSPC no room, -ENOSYS no apt-get here.
 */
int fetch_packages(char *const *packages, size_t n, FILE *errors,
		   char **ret_dir);

#endif
