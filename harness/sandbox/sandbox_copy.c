/* SPDX-License-Identifier: MIT */
/* Copies a tree of files into the sandbox. */
#include "harness/sandbox/sandbox_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct copy_step {
	int from, to;
	const char *name;
	struct stat st;
	const struct sandbox_copy_rules *rules;
	struct sandbox_fault *fault;
	unsigned depth;
};

static int copy_folder(int from, int to, const struct sandbox_copy_rules *rules,
		       struct sandbox_fault *fault, unsigned depth);

static uid_t copy_uid(const struct copy_step *s)
{
	return s->st.st_uid == s->rules->uid_to_root ? 0 : s->st.st_uid;
}

static gid_t copy_gid(const struct copy_step *s)
{
	return s->st.st_gid == s->rules->gid_to_root ? 0 : s->st.st_gid;
}

/* Owner first: chown takes the set-user-ID bit away. */
static int copy_attributes(const struct copy_step *s, int fd)
{
	const struct timespec times[] = {s->st.st_atim, s->st.st_mtim};

	if (fchown(fd, copy_uid(s), copy_gid(s)) ||
	    fchmod(fd, s->st.st_mode & 07777) || futimens(fd, times))
		return -errno;
	return 0;
}

/* sendfile() moves at most 2 GiB a call, and less when it likes. */
static int copy_bytes(int from, int to)
{
	ssize_t n;

	do {
		n = sendfile(to, from, NULL, 1 << 30);
		if (n < 0 && errno != EINTR)
			return -errno;
	} while (n);
	return 0;
}

static int copy_file(const struct copy_step *s)
{
	int from, to, r;

	from = openat(s->from, s->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return -errno;
	to = openat(s->to, s->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (to < 0) {
		r = -errno;
		close(from);
		return r;
	}
	r = copy_bytes(from, to);
	if (!r)
		r = copy_attributes(s, to);
	close(to);
	close(from);
	return r;
}

static int copy_link(const struct copy_step *s)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(s->from, s->name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, s->to, s->name) ||
	    fchownat(s->to, s->name, copy_uid(s), copy_gid(s),
		     AT_SYMLINK_NOFOLLOW))
		return -errno;
	return 0;
}

static int copy_enter(const struct copy_step *s)
{
	bool is_new = !mkdirat(s->to, s->name, 0700);
	int from, to, r;

	if (!is_new && errno != EEXIST)
		return -errno;
	/* Through a link at the destination, on purpose: see the header. */
	to = openat(s->to, s->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return -errno;
	r = is_new ? copy_attributes(s, to) : 0;
	from = openat(s->from, s->name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		r = -errno;
	if (!r)
		r = copy_folder(from, to, s->rules, s->fault, s->depth + 1);
	if (from >= 0)
		close(from);
	close(to);
	return r;
}

/* Sockets and device nodes are nothing that a package brings. */
static int copy_entry(const struct copy_step *s)
{
	if (S_ISDIR(s->st.st_mode)) {
		if (s->depth < s->rules->depth_max)
			return copy_enter(s);
		return s->depth < SANDBOX_COPY_DEPTH_MAX ? 0 : -ELOOP;
	}
	if (!S_ISLNK(s->st.st_mode) && s->rules->folders_only)
		return 0;
	if (!S_ISLNK(s->st.st_mode) && !S_ISREG(s->st.st_mode) &&
	    !S_ISFIFO(s->st.st_mode))
		return 0;
	if (unlinkat(s->to, s->name, 0) && errno != ENOENT)
		return -errno;
	if (S_ISLNK(s->st.st_mode))
		return copy_link(s);
	if (S_ISREG(s->st.st_mode))
		return copy_file(s);
	return mkfifoat(s->to, s->name, s->st.st_mode & 0777) ? -errno : 0;
}

static int copy_next(const struct copy_step *s)
{
	int r = copy_entry(s);

	if (r == -EACCES && s->rules->skip_unreadable)
		return 0;
	if (r)
		return sandbox_fault_set(s->fault, r, "cannot copy \"%s\": %s",
					 s->name, strerror(-r));
	return 0;
}

static int copy_folder(int from, int to, const struct sandbox_copy_rules *rules,
		       struct sandbox_fault *fault, unsigned depth)
{
	struct copy_step s = {.from = from,
			      .to = to,
			      .rules = rules,
			      .fault = fault,
			      .depth = depth};
	struct dirent *entry;
	int r = 0, fd;
	DIR *dir;

	/* readdir() has a position of its own on a fresh description. */
	fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	while (!r && (entry = readdir(dir))) {
		s.name = entry->d_name;
		if (!strcmp(s.name, ".") || !strcmp(s.name, ".."))
			continue;
		if (fstatat(from, s.name, &s.st, AT_SYMLINK_NOFOLLOW))
			continue; /* went away in the meantime */
		r = copy_next(&s);
	}
	closedir(dir);
	return r;
}

int sandbox_copy_tree(int from, int to, const struct sandbox_copy_rules *rules,
		      struct sandbox_fault *fault)
{
	struct copy_step top = {.from = from, .rules = rules};
	int r = 0;

	if (fstat(from, &top.st))
		r = -errno;
	if (!r && rules->folders_only)
		r = copy_attributes(&top, to);
	if (!r)
		r = copy_folder(from, to, rules, fault, 0);
	if (r)
		sandbox_fault_set(fault, r, "cannot copy a tree: %s",
				  strerror(-r));
	return r;
}
