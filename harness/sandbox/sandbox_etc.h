/* SPDX-License-Identifier: MIT */
/*
 * The few files of /etc that every sandbox has of its own: who is who, which
 * name server, which host name.
 */
#ifndef HARNESS_SANDBOX_SANDBOX_ETC_H
#define HARNESS_SANDBOX_SANDBOX_ETC_H

#include "harness/sandbox/sandbox.h"
#include "harness/sandbox/sandbox_fault.h"

/* Tested in tests/unit/test_sandbox_etc.c and test_sandbox.c. */
enum {
	SANDBOX_ETC_FILE_MAX = 1 << 20, /* bytes of /etc/passwd or group */
	SANDBOX_ETC_HOSTNAME_MAX = 64,	/* bytes; the kernel's limit */
	SANDBOX_ETC_WORD_MAX = 255,	/* bytes of a user's name or home */
};

/*
 * @old (an /etc/passwd, /etc/group) with @users in front, so that a clash of
 * numbers shows their names, and without older entries of their names.
 * malloc'd, NULL without memory.
 */
char *sandbox_etc_passwd(const char *old, const struct sandbox_user *users,
			 size_t count);
char *sandbox_etc_group(const char *old, const struct sandbox_user *users,
			size_t count);

/* -EINVAL when a name can't stand in these files. */
int sandbox_etc_check(const struct sandbox_options *options,
		      struct sandbox_fault *fault);

/* Write them; the caller is in the sandbox's root and UTS namespace. */
int sandbox_etc_write(const struct sandbox_options *options,
		      struct sandbox_fault *fault);

#endif
