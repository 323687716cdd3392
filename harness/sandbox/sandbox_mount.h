/* SPDX-License-Identifier: MIT */
/*
 * The sandbox's files: the host's below, a tmpfs on top that swallows writes.
 *
 * Works on the mount namespace that the caller is in, and leaves the caller in
 * the finished root. Nothing of it has a name on the host: the tmpfs is
 * mounted in this namespace alone and goes away with its last process.
 */
#ifndef HARNESS_SANDBOX_SANDBOX_MOUNT_H
#define HARNESS_SANDBOX_SANDBOX_MOUNT_H

#include <stdbool.h>

#include "harness/sandbox/sandbox.h"
#include "harness/sandbox/sandbox_fault.h"

/* Tested in tests/unit/test_sandbox.c. */
enum {
	SANDBOX_COPIES_MAX = 64, /* trees copied into one sandbox */
};

/*
 * Build the root and change into it. @unprivileged: in a user namespace that
 * an ordinary user made, where `lowerdir=/` is refused.
 */
int sandbox_mount_root(const struct sandbox_options *options, bool unprivileged,
		       struct sandbox_fault *fault);

/* The last step: /proc/sys and kin read-only. */
int sandbox_mount_seal(struct sandbox_fault *fault);

#endif
