/* SPDX-License-Identifier: MIT */
/*
 * Copies a tree of files into the sandbox: modes, owners, times and links as
 * they are.
 *
 * Where the destination has a symbolic link to a folder and the source a
 * folder (/lib on a merged-/usr system), the copy goes through the link. So
 * the destination must be inside a changed root, or be free of links.
 */
#ifndef HARNESS_SANDBOX_SANDBOX_COPY_H
#define HARNESS_SANDBOX_SANDBOX_COPY_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness/sandbox/sandbox_fault.h"

/* Tested in tests/unit/test_sandbox_copy.c. */
enum {
	SANDBOX_COPY_DEPTH_MAX = 64, /* folders within folders; more is
				      * -ELOOP */
};

struct sandbox_copy_rules {
	bool folders_only;    /* folders and links: a tree to fill in */
	bool skip_unreadable; /* leave out what may not be read */
	unsigned depth_max;   /* levels of folders; what is deeper is left
			       * out. SANDBOX_COPY_DEPTH_MAX: all of it */
	/* What belongs to them becomes root's: who unpacked the package, or
	 * the "nobody" that a user namespace shows for host root. */
	uid_t uid_to_root;
	gid_t gid_to_root;
};

/*
 * Copy what is in folder @from into folder @to (open folders, stay open);
 * @to itself gets mode and owner of @from when @rules say folders_only.
 */
int sandbox_copy_tree(int from, int to, const struct sandbox_copy_rules *rules,
		      struct sandbox_fault *fault);

#endif
