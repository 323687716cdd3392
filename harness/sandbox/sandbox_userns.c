/* SPDX-License-Identifier: MIT */
/* The way into a sandbox for an ordinary user: a user namespace. */
#include "harness/sandbox/sandbox_userns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	USERNS_LINE_MAX = 512, /* bytes of a line of /etc/subuid */
	USERNS_IDS_MIN = 1000, /* system users have ids below that */
};

struct userns_map {
	const char *program, *file;
	unsigned id;
	struct sandbox_userns_range range;
};

bool sandbox_userns_is_privileged(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	return !syscall(SYS_capget, &head, data) &&
	       data[0].effective & (1u << CAP_SYS_ADMIN) && !geteuid();
}

static int userns_number(const char *text, unsigned *ret)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || n > UINT32_MAX)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* NAME:FIRST:COUNT */
static bool userns_parse(char *line, const char *name, uid_t id,
			 struct sandbox_userns_range *range)
{
	char *rest = line, *who = strsep(&rest, ":");
	char *first = strsep(&rest, ":"), *count = strsep(&rest, ":\n");
	unsigned number;

	if (!first || !count)
		return false;
	if (strcmp(who, name) && (userns_number(who, &number) || number != id))
		return false;
	return !userns_number(first, &range->first) &&
	       !userns_number(count, &range->count);
}

int sandbox_userns_find_range(FILE *file, const char *name, uid_t id,
			      struct sandbox_userns_range *ret)
{
	struct sandbox_userns_range best = {0, 0}, range;
	char line[USERNS_LINE_MAX];

	while (fgets(line, sizeof(line), file))
		if (userns_parse(line, name, id, &range) &&
		    range.count > best.count)
			best = range;
	if (!best.count)
		return -ENOENT;
	*ret = best;
	return 0;
}

static int userns_load_range(struct userns_map *map, const char *name,
			     uid_t uid, struct sandbox_fault *fault)
{
	FILE *file = fopen(map->file, "re");
	int r = -ENOENT;

	if (file) {
		r = sandbox_userns_find_range(file, name, uid, &map->range);
		fclose(file);
	}
	if (!r && map->range.count >= USERNS_IDS_MIN)
		return 0;
	return sandbox_fault_set(
		fault, -EPERM,
		"no subordinate ids for user %s in %s: run deadmx as root, or "
		"once as root: usermod --add-subuids 100000-165535 "
		"--add-subgids 100000-165535 %s",
		name, map->file, name);
}

/* Child of the mapper: only async-signal-safe calls and exec. */
static void userns_exec_map(const struct userns_map *map, pid_t pid)
{
	char target[16], id[16], first[16], count[16];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	snprintf(target, sizeof(target), "%d", (int)pid);
	snprintf(id, sizeof(id), "%u", map->id);
	snprintf(first, sizeof(first), "%u", map->range.first);
	snprintf(count, sizeof(count), "%u", map->range.count);
	if (null >= 0) {
		dup2(null, 1);
		dup2(null, 2);
	}
	execlp(map->program, map->program, target, "0", id, "1", "1", first,
	       count, (char *)NULL);
	_exit(errno == ENOENT ? 127 : 126);
}

static int userns_run_map(const struct userns_map *map, pid_t pid)
{
	pid_t child = fork();
	int status = 0;

	if (child < 0)
		return 126;
	if (!child)
		userns_exec_map(map, pid);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

/*
 * The mapper stays outside, since newuidmap is set-user-ID: it waits until
 * the caller is in its namespace and then writes both maps.
 */
static void userns_mapper(const struct userns_map *maps, pid_t pid, int go)
{
	char byte;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_DFL);
	if (read(go, &byte, 1) != 1)
		_exit(1); /* the caller failed or died */
	r = userns_run_map(&maps[0], pid);
	if (!r)
		r = userns_run_map(&maps[1], pid);
	_exit(r);
}

static int userns_unshare(struct sandbox_fault *fault)
{
	int death = 0;

	/* Entering takes the parent-death signal away: set it again. */
	prctl(PR_GET_PDEATHSIG, &death);
	if (unshare(CLONE_NEWUSER))
		return sandbox_fault_set(
			fault, errno == EINVAL ? -ENOSYS : -EPERM,
			"no user namespaces for ordinary users here (%s): run "
			"deadmx as root, or as root: sysctl -w "
			"kernel.unprivileged_userns_clone=1 "
			"user.max_user_namespaces=10000",
			strerror(errno));
	/* newuidmap looks whether /proc/PID is its caller's. */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, death);
	return 0;
}

static int userns_become_root(struct sandbox_fault *fault)
{
	int death = 0;

	prctl(PR_GET_PDEATHSIG, &death);
	if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return sandbox_fault_set(fault, -errno,
					 "cannot become root in a user "
					 "namespace: %s",
					 strerror(errno));
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, death);
	return 0;
}

static int userns_wait_mapper(pid_t mapper, struct sandbox_fault *fault)
{
	int status = 0;

	while (waitpid(mapper, &status, 0) < 0)
		if (errno != EINTR)
			return sandbox_fault_set(fault, -errno,
						 "lost the id mapper: %s",
						 strerror(errno));
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return sandbox_fault_set(
			fault, -EPERM,
			"newuidmap is missing: run deadmx as root, or as root: "
			"apt-get install uidmap");
	return sandbox_fault_set(fault, -EPERM,
				 "newuidmap refused the ids of /etc/subuid and "
				 "/etc/subgid: run deadmx as root, or check "
				 "that newuidmap is set-user-ID root");
}

static int userns_enter_mapped(const struct userns_map *maps,
			       struct sandbox_fault *fault)
{
	pid_t self = getpid(), mapper;
	int go[2], r;

	if (pipe2(go, O_CLOEXEC))
		return sandbox_fault_set(fault, -errno, "no pipe: %s",
					 strerror(errno));
	mapper = fork();
	if (!mapper) {
		close(go[1]);
		userns_mapper(maps, self, go[0]);
	}
	close(go[0]);
	r = mapper < 0 ? sandbox_fault_set(fault, -errno, "cannot fork: %s",
					   strerror(errno))
		       : userns_unshare(fault);
	if (!r && write(go[1], "", 1) != 1)
		r = sandbox_fault_set(fault, -EPIPE, "the id mapper died");
	close(go[1]);
	if (mapper > 0 && userns_wait_mapper(mapper, fault))
		r = fault->err;
	return r ? r : userns_become_root(fault);
}

int sandbox_userns_enter(struct sandbox_fault *fault)
{
	struct userns_map maps[] = {
		{"newuidmap", "/etc/subuid", getuid(), {0, 0}},
		{"newgidmap", "/etc/subgid", getgid(), {0, 0}},
	};
	struct passwd *user = getpwuid(getuid());
	char name[64];
	int r;

	snprintf(name, sizeof(name), "%s", user ? user->pw_name : "");
	if (!user)
		snprintf(name, sizeof(name), "%u", (unsigned)getuid());
	r = userns_load_range(&maps[0], name, getuid(), fault);
	if (!r)
		r = userns_load_range(&maps[1], name, getuid(), fault);
	return r ? r : userns_enter_mapped(maps, fault);
}
