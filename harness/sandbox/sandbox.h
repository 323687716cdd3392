/* SPDX-License-Identifier: MIT */
/*
 * The sandbox: namespaces, an overlay of the host's root that swallows all
 * writes, a loopback-only network with the test networks, a private /dev.
 *
 * The process that sets it up becomes the ancestor of everything inside. All
 * of it is tied to the parent's life: when deadmx dies, by SIGKILL too,
 * the kernel takes processes, mounts and files away.
 */
#ifndef HARNESS_SANDBOX_SANDBOX_H
#define HARNESS_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct sandbox_copy {
	const char *from; /* host folder, e.g. an unpacked package */
	const char *to;	  /* in the sandbox, "/" */
};

struct sandbox_user {
	const char *name, *group, *home;
	unsigned uid, gid;
};

struct sandbox_options {
	const char *hostname;
	const char *run_dir; /* host folder, seen inside as /deadmx/run */
	const char *program; /* host path of deadmx, seen as /deadmx/deadmx */
	const struct sandbox_copy *copies;
	size_t copy_count;
	const struct sandbox_user *users;
	size_t user_count;
	const char *const *addresses; /* server addresses (routes cover the
				       * test networks; these are extra) */
	size_t address_count;
	int keep_fd; /* stays open in the child, or -1 */
};

/*
 * What the machine lacks for a sandbox, as one line with the cure, in @buf;
 * 0 when nothing, else -ENOSYS or -EPERM. Cheap; used before a run.
 */
int sandbox_probe(char *buf, size_t len);

/*
 * Fork the sandbox. Its pid 1 is an untraced reaper of deadmx; under it runs
 * @child_main(@arg) in the finished sandbox (root folder changed, uid 0 in
 * there); its return value is the exit status. child_main is expected to
 * clock_traceme() and exec. Returns 0 with the host pid of that child in
 * @ret_child and of the sandbox's init in @ret_init, or a negative errno with
 * one line on @errors.
 *
 * Must be called from a process that may unshare its own IPC namespace (it
 * does: the clock's shared page must be visible to the tree).
 */
int sandbox_start(const struct sandbox_options *options,
		  int (*child_main)(void *arg), void *arg, FILE *errors,
		  pid_t *ret_init, pid_t *ret_child);

/* Kill and reap all of it; waits until it is gone. */
void sandbox_stop(pid_t init);

#endif
