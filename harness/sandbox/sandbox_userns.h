/* SPDX-License-Identifier: MIT */
/*
 * The way into a sandbox for an ordinary user: a user namespace in which the
 * caller is root and subordinate ids (/etc/subuid) are the other users.
 */
#ifndef HARNESS_SANDBOX_SANDBOX_USERNS_H
#define HARNESS_SANDBOX_SANDBOX_USERNS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "harness/sandbox/sandbox_fault.h"

struct sandbox_userns_range {
	unsigned first, count;
};

/* Has the caller what root has? Then it needs no user namespace. */
bool sandbox_userns_is_privileged(void);

/*
 * The largest range of user @name or number @id in @file (subuid(5));
 * -ENOENT when there is none.
 */
int sandbox_userns_find_range(FILE *file, const char *name, uid_t id,
			      struct sandbox_userns_range *ret);

/*
 * Move the calling process into a new user namespace, as its root. Needs
 * newuidmap and newgidmap. There is no way back.
 */
int sandbox_userns_enter(struct sandbox_fault *fault);

#endif
