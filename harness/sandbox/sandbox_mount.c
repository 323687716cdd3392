/* SPDX-License-Identifier: MIT */
/*
 * The sandbox's files: the host's below, a tmpfs on top that swallows writes.
 *
 * The new root is built under /sys of this mount namespace, where nothing
 * lies that is still needed, with the host's paths in reach; then the root is
 * changed, and what follows links (copies, folders of /var) is done inside,
 * where a link can't lead to the host.
 */
#include "harness/sandbox/sandbox_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/sandbox/sandbox_copy.h"
#include "harness/sandbox/sandbox_layer.h"

#define MOUNT_STAGE "/sys"

struct mount_plan {
	const struct sandbox_options *options;
	bool unprivileged;
	struct sandbox_fault *fault;
	int from[SANDBOX_COPIES_MAX];
	size_t from_count;
};

static int mount_fault(struct mount_plan *plan, int err, const char *what)
{
	return sandbox_fault_set(plan->fault, err, "cannot mount %s: %s", what,
				 strerror(-err));
}

/* Absolute paths may not be followed through links before the root changes. */
static int mount_make_folder(const char *path)
{
	struct stat st;

	if (!mkdir(path, 0755))
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (lstat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int mount_tmpfs(struct mount_plan *plan, const char *path,
		       unsigned long flags, const char *mode)
{
	int r = mount_make_folder(path);

	if (!r && mount("tmpfs", path, "tmpfs", flags, mode))
		r = -errno;
	return r ? mount_fault(plan, r, path) : 0;
}

static unsigned long mount_flags_of(const char *path)
{
	struct statvfs st;
	unsigned long flags = 0;

	if (statvfs(path, &st))
		return 0;
	if (st.f_flag & ST_NOSUID)
		flags |= MS_NOSUID;
	if (st.f_flag & ST_NODEV)
		flags |= MS_NODEV;
	if (st.f_flag & ST_NOEXEC)
		flags |= MS_NOEXEC;
	if (st.f_flag & ST_RDONLY)
		flags |= MS_RDONLY;
	if (st.f_flag & ST_NOATIME)
		flags |= MS_NOATIME;
	if (st.f_flag & ST_NODIRATIME)
		flags |= MS_NODIRATIME;
	if (st.f_flag & ST_RELATIME)
		flags |= MS_RELATIME;
	return flags;
}

/* A user namespace may add flags to a mount of the host, not take any away. */
static int mount_bind(const char *from, const char *to, unsigned long add)
{
	if (mount(from, to, NULL, MS_BIND, NULL))
		return -errno;
	if (add && mount(NULL, to, NULL,
			 MS_REMOUNT | MS_BIND | mount_flags_of(to) | add, NULL))
		return -errno;
	return 0;
}

static int mount_open_copies(struct mount_plan *plan)
{
	const struct sandbox_options *o = plan->options;

	if (o->copy_count > SANDBOX_COPIES_MAX)
		return sandbox_fault_set(plan->fault, -E2BIG,
					 "%zu trees to copy, at most %d fit",
					 o->copy_count, SANDBOX_COPIES_MAX);
	for (size_t i = 0; i < o->copy_count; i++) {
		int fd = open(o->copies[i].from,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return sandbox_fault_set(
				plan->fault, -errno, "cannot open %s: %s",
				o->copies[i].from, strerror(errno));
		plan->from[plan->from_count++] = fd;
	}
	return 0;
}

static int mount_stage(struct mount_plan *plan)
{
	struct sandbox_layer layer = {.stage = MOUNT_STAGE,
				      .from = plan->from,
				      .from_count = plan->from_count,
				      .fault = plan->fault};

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return mount_fault(plan, -errno, "/ as private");
	if (mount("tmpfs", MOUNT_STAGE, "tmpfs", 0, "mode=755"))
		return mount_fault(plan, -errno, "a tmpfs");
	return plan->unprivileged ? sandbox_layer_each(&layer)
				  : sandbox_layer_whole(&layer);
}

struct mount_node {
	const char *name;
	unsigned minor;
};

/*
 * Nodes of our own, so that a chmod of /dev/null does not reach the host.
 * Where making nodes is forbidden (a user namespace, some containers) the
 * host's are bound; their mode can't be changed from there.
 */
static int mount_dev_node(const char *name, unsigned major, unsigned minor)
{
	char path[64], host[64];
	int fd;

	snprintf(path, sizeof(path), "dev/%s", name);
	snprintf(host, sizeof(host), "/dev/%s", name);
	if (!mknod(path, S_IFCHR | 0666, makedev(major, minor)))
		return chmod(path, 0666) ? -errno : 0;
	if (errno != EPERM)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	close(fd);
	return mount_bind(host, path, 0);
}

static int mount_dev_links(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "dev/fd"},
		{"/proc/self/fd/0", "dev/stdin"},
		{"/proc/self/fd/1", "dev/stdout"},
		{"/proc/self/fd/2", "dev/stderr"},
		{"pts/ptmx", "dev/ptmx"},
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]))
			return -errno;
	return 0;
}

static int mount_dev(struct mount_plan *plan)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = {
		{"null", 1, 3},	  {"zero", 1, 5},    {"full", 1, 7},
		{"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
	};
	int r = mount_tmpfs(plan, "dev", MS_NOSUID | MS_NOEXEC, "mode=755");

	for (size_t i = 0; !r && i < sizeof(nodes) / sizeof(nodes[0]); i++)
		r = mount_dev_node(nodes[i].name, nodes[i].major,
				   nodes[i].minor);
	if (!r)
		r = mount_dev_links();
	if (!r)
		r = mount_make_folder("dev/pts");
	if (!r && mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			"newinstance,ptmxmode=0666,mode=0620"))
		r = -errno;
	if (r)
		return mount_fault(plan, r, "/dev");
	return mount_tmpfs(plan, "dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
}

/*
 * A fresh sysfs shows only this network's devices. A user namespace may be
 * refused one; no MTA needs it, so an empty folder does.
 */
static int mount_kernel(struct mount_plan *plan)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int r = mount_make_folder("proc");

	if (!r && mount("proc", "proc", "proc", flags, NULL))
		r = -errno;
	if (r)
		return sandbox_fault_set(
			plan->fault, r,
			"cannot mount /proc: %s; in a container this needs an "
			"unmasked /proc (--privileged, or --security-opt "
			"systempaths=unconfined)",
			strerror(-r));
	r = mount_make_folder("sys");
	if (!r && !mount("sysfs", "sys", "sysfs", flags | MS_RDONLY, NULL))
		return 0;
	return mount_tmpfs(plan, "sys", flags, "mode=755");
}

static int mount_scratch(struct mount_plan *plan)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV;
	int r = mount_tmpfs(plan, "run", flags, "mode=755");

	if (!r && mkdir("run/lock", 0755))
		r = -errno;
	if (!r && chmod("run/lock", 01777))
		r = -errno;
	if (!r)
		r = mount_tmpfs(plan, "tmp", flags, "mode=1777");
	return r ? mount_fault(plan, r, "/run and /tmp") : 0;
}

static int mount_file_place(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0755);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* All of the host that can be written to from inside is the run folder. */
static int mount_deadmx(struct mount_plan *plan)
{
	const struct sandbox_options *o = plan->options;
	int r = mount_tmpfs(plan, "deadmx", MS_NOSUID | MS_NODEV, "mode=755");

	if (!r && o->run_dir) {
		r = mount_make_folder("deadmx/run");
		if (!r)
			r = mount_bind(o->run_dir, "deadmx/run",
				       MS_NOSUID | MS_NODEV);
		if (r)
			return mount_fault(plan, r, o->run_dir);
	}
	if (!r && o->program) {
		r = mount_file_place("deadmx/deadmx");
		if (!r)
			r = mount_bind(o->program, "deadmx/deadmx",
				       MS_NOSUID | MS_NODEV | MS_RDONLY);
		if (r)
			return mount_fault(plan, r, o->program);
	}
	return r;
}

/* The old root is stacked below the new one and then let go. */
static int mount_pivot(struct mount_plan *plan)
{
	if (syscall(SYS_pivot_root, ".", "."))
		return sandbox_fault_set(plan->fault, -errno,
					 "cannot change the root folder: %s",
					 strerror(errno));
	if (umount2(".", MNT_DETACH) || chdir("/"))
		return sandbox_fault_set(plan->fault, -errno,
					 "cannot let the host's root go: %s",
					 strerror(errno));
	return 0;
}

static struct sandbox_copy_rules mount_rules(const struct mount_plan *plan)
{
	const struct sandbox_copy_rules rules = {
		.depth_max = SANDBOX_COPY_DEPTH_MAX,
		.uid_to_root =
			plan->unprivileged ? SANDBOX_LAYER_NOBODY : (uid_t)-1,
		.gid_to_root =
			plan->unprivileged ? SANDBOX_LAYER_NOBODY : (gid_t)-1,
	};

	return rules;
}

/*
 * The host's own queue, mailboxes and logs are nobody's business in here: an
 * MTA would send what it finds queued. The folders stay, with their owners.
 */
static int mount_emptied(struct mount_plan *plan, const char *path)
{
	struct sandbox_copy_rules rules = mount_rules(plan);
	int from, to, r;

	rules.folders_only = true;
	rules.skip_unreadable = true;
	from = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return errno == ENOENT ? 0 : mount_fault(plan, -errno, path);
	if (mount("tmpfs", path, "tmpfs", MS_NODEV, "mode=755")) {
		r = mount_fault(plan, -errno, path);
		close(from);
		return r;
	}
	to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = to < 0 ? mount_fault(plan, -errno, path)
		   : sandbox_copy_tree(from, to, &rules, plan->fault);
	if (to >= 0)
		close(to);
	close(from);
	return r;
}

static int mount_var(struct mount_plan *plan)
{
	static const char *const emptied[] = {"/var/mail", "/var/spool",
					      "/var/log"};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(emptied) / sizeof(emptied[0]); i++)
		r = mount_emptied(plan, emptied[i]);
	if (!r && !access("/var/tmp", F_OK))
		r = mount_tmpfs(plan, "/var/tmp", MS_NOSUID | MS_NODEV,
				"mode=1777");
	return r;
}

static int mount_copy(struct mount_plan *plan, size_t i)
{
	struct sandbox_copy_rules rules = mount_rules(plan);
	const char *path = plan->options->copies[i].to;
	struct stat st;
	int to, r;

	/* Who unpacked a package owns its files: they are root's in here. */
	if (!plan->unprivileged && !fstat(plan->from[i], &st)) {
		rules.uid_to_root = st.st_uid;
		rules.gid_to_root = st.st_uid ? st.st_gid : 0;
	}
	to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return sandbox_fault_set(
			plan->fault, -errno, "no folder %s to copy %s to: %s",
			path, plan->options->copies[i].from, strerror(errno));
	r = sandbox_copy_tree(plan->from[i], to, &rules, plan->fault);
	close(to);
	return r;
}

static int mount_all(struct mount_plan *plan)
{
	int r = mount_open_copies(plan);

	if (!r)
		r = mount_stage(plan);
	if (!r && chdir(MOUNT_STAGE "/root"))
		r = mount_fault(plan, -errno, MOUNT_STAGE "/root");
	if (!r)
		r = mount_kernel(plan);
	if (!r)
		r = mount_dev(plan);
	if (!r)
		r = mount_scratch(plan);
	if (!r)
		r = mount_deadmx(plan);
	if (!r)
		r = mount_pivot(plan);
	if (!r)
		r = mount_var(plan);
	for (size_t i = 0; !r && i < plan->from_count; i++)
		r = mount_copy(plan, i);
	return r;
}

int sandbox_mount_root(const struct sandbox_options *options, bool unprivileged,
		       struct sandbox_fault *fault)
{
	struct mount_plan plan = {.options = options,
				  .unprivileged = unprivileged,
				  .fault = fault};
	int r = mount_all(&plan);

	for (size_t i = 0; i < plan.from_count; i++)
		close(plan.from[i]);
	return r;
}

/*
 * Sendmail puts off its queue runs, and then refuses mail, where the load is
 * high (QueueLA, RefuseLA): how busy the host is must not matter in here.
 */
static int mount_load(void)
{
	static const char path[] = "/deadmx/loadavg",
			  idle[] = "0.00 0.00 0.00 1/1 1\n";
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, idle, sizeof(idle) - 1);
	close(fd);
	return n == (ssize_t)sizeof(idle) - 1
		       ? mount_bind(path, "/proc/loadavg", MS_RDONLY)
		       : -EIO;
}

int sandbox_mount_seal(struct sandbox_fault *fault)
{
	/* Real root's sysctls are the whole machine's. */
	static const char *const sealed[] = {
		"/proc/sys", "/proc/irq", "/proc/bus", "/proc/sysrq-trigger"};
	int r;

	for (size_t i = 0; i < sizeof(sealed) / sizeof(sealed[0]); i++) {
		r = mount_bind(sealed[i], sealed[i], MS_RDONLY);

		if (r && r != -ENOENT)
			return sandbox_fault_set(fault, r,
						 "cannot protect %s: %s",
						 sealed[i], strerror(-r));
	}
	r = mount_load();
	return r ? sandbox_fault_set(fault, r,
				     "cannot hide the host's load: %s",
				     strerror(-r))
		 : 0;
}
