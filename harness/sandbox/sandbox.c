/* SPDX-License-Identifier: MIT */
/*
 * The sandbox: namespaces with an init of our own.
 *
 * The init is cloned into its namespaces, sets everything up, forks the child
 * and then only reaps. Its life hangs on the caller's (parent-death signal),
 * and everything else's on its own: with a pid namespace's init the kernel
 * takes the other processes, with the last of them mounts, tmpfs and network.
 * What the init has to say goes through one socket: a fault, or a message
 * from the child that carries the child's pid as seen out here.
 */
#include "harness/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/sandbox/sandbox_etc.h"
#include "harness/sandbox/sandbox_fault.h"
#include "harness/sandbox/sandbox_mount.h"
#include "harness/sandbox/sandbox_net.h"
#include "harness/sandbox/sandbox_userns.h"

struct sandbox {
	struct sandbox_options options; /* paths made absolute */
	int (*child_main)(void *arg);
	void *arg;
	bool unprivileged;
	int outer, inner; /* the socket's ends: caller, sandbox */
	struct sandbox_fault fault;
};

/* A handler or a mask of the caller must not change what the MTA does. */
static void sandbox_reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Died before the parent-death signal was set? Its socket end is closed. */
static bool sandbox_is_orphan(const struct sandbox *s)
{
	struct pollfd fd = {.fd = s->inner};

	return poll(&fd, 1, 0) > 0 && fd.revents & (POLLHUP | POLLERR);
}

/*
 * Namespaces don't cover these, and no MTA needs them: of a real root they
 * would reach the host. What is out of the bounding set is gone at exec.
 */
static void sandbox_drop_capabilities(void)
{
	static const int dropped[] = {CAP_SYS_MODULE, CAP_SYS_RAWIO,
				      CAP_SYS_BOOT,   CAP_SYS_TIME,
				      CAP_SYSLOG,     CAP_MKNOD,
				      CAP_MAC_ADMIN,  CAP_MAC_OVERRIDE,
				      CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND};

	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		prctl(PR_CAPBSET_DROP, dropped[i], 0, 0, 0);
}

static void sandbox_close_fds(int keep)
{
	if (keep > 3)
		close_range(3, keep - 1, 0);
	close_range(keep < 3 ? 3 : keep + 1, ~0u, 0);
}

/* The kernel adds the sender's pid, translated for the receiver. */
static void sandbox_child(struct sandbox *s)
{
	int status;

	s->fault.err = 0;
	if (send(s->inner, &s->fault, sizeof(s->fault), MSG_NOSIGNAL) < 0)
		_exit(1);
	sandbox_drop_capabilities();
	sandbox_close_fds(s->options.keep_fd);
	status = s->child_main(s->arg);
	_exit(status);
}

/* The init holds nothing open that somebody may wait to see closed. */
static void sandbox_let_go(void)
{
	close_range(0, ~0u, 0);
	if (!open("/dev/null", O_RDWR)) { /* not CLOEXEC: never execs */
		dup2(0, 1);
		dup2(0, 2);
	}
}

static int sandbox_reap(pid_t child)
{
	int status;
	pid_t pid;

	sandbox_let_go();
	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid == child)
			break;
		if (pid < 0 && errno != EINTR)
			return 1;
	}
	/* Ends the namespace: the kernel kills what is left. */
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int sandbox_set_up(struct sandbox *s)
{
	int r = sandbox_mount_root(&s->options, s->unprivileged, &s->fault);

	if (!r)
		r = sandbox_etc_write(&s->options, &s->fault);
	if (!r)
		r = sandbox_net_up(s->options.addresses,
				   s->options.address_count, &s->fault);
	if (!r)
		r = sandbox_net_tune(&s->fault);
	if (!r)
		r = sandbox_mount_seal(&s->fault);
	return r;
}

static int sandbox_init(struct sandbox *s)
{
	pid_t child;
	int r;

	close(s->outer);
	sandbox_reset_signals();
	prctl(PR_SET_NAME, "deadmx-init");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sandbox_is_orphan(s))
		return 1;
	setsid(); /* a terminal's Ctrl-C is deadmx's, not the MTA's */
	umask(022);
	r = sandbox_set_up(s);
	if (!r) {
		child = fork();
		if (!child)
			sandbox_child(s);
		if (child > 0)
			return sandbox_reap(child);
		r = sandbox_fault_set(&s->fault, -errno, "cannot fork: %s",
				      strerror(errno));
	}
	send(s->inner, &s->fault, sizeof(s->fault), MSG_NOSIGNAL);
	return 1;
}

static int sandbox_make_socket(struct sandbox *s)
{
	const int on = 1;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return sandbox_fault_set(&s->fault, -errno, "no socket: %s",
					 strerror(errno));
	s->outer = ends[0];
	s->inner = ends[1];
	if (setsockopt(s->outer, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)))
		return sandbox_fault_set(&s->fault, -errno,
					 "no SO_PASSCRED: %s", strerror(errno));
	return 0;
}

static int sandbox_enter_namespaces(struct sandbox *s)
{
	s->unprivileged = !sandbox_userns_is_privileged();
	if (s->unprivileged && sandbox_userns_enter(&s->fault))
		return s->fault.err;
	if (unshare(CLONE_NEWIPC))
		return sandbox_fault_set(
			&s->fault, errno == EINVAL ? -ENOSYS : -EPERM,
			"cannot make namespaces (%s): on Ubuntu as an ordinary "
			"user, as root once: sysctl -w "
			"kernel.apparmor_restrict_unprivileged_userns=0; in a "
			"container: start it with --privileged",
			strerror(errno));
	return 0;
}

static int sandbox_clone(struct sandbox *s, pid_t *ret_init)
{
	const unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
				    CLONE_NEWUTS | SIGCHLD;
	long pid = syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (pid < 0)
		return sandbox_fault_set(
			&s->fault, errno == EINVAL ? -ENOSYS : -EPERM,
			"cannot make namespaces (%s): in a container start it "
			"with --privileged; else see "
			"/proc/sys/user/max_*_namespaces",
			strerror(errno));
	if (!pid)
		_exit(sandbox_init(s));
	*ret_init = pid;
	return 0;
}

/* The fault of the set-up, or err 0 and the child's pid. */
static int sandbox_receive(struct sandbox *s, pid_t *ret_child)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec data = {&s->fault, sizeof(s->fault)};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *head;
	struct ucred sender;
	ssize_t n;

	do {
		n = recvmsg(s->outer, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	head = CMSG_FIRSTHDR(&message);
	if (n != (ssize_t)sizeof(s->fault) || !head) {
		s->fault.err = 0;
		return sandbox_fault_set(&s->fault, -ECHILD,
					 "the sandbox's first process was "
					 "killed while it was set up");
	}
	if (s->fault.err)
		return s->fault.err;
	memcpy(&sender, CMSG_DATA(head), sizeof(sender));
	*ret_child = sender.pid;
	return 0;
}

static int sandbox_fork(struct sandbox *s, pid_t *ret_init, pid_t *ret_child)
{
	int r = sandbox_clone(s, ret_init);

	close(s->inner);
	s->inner = -1;
	if (!r) {
		r = sandbox_receive(s, ret_child);
		if (r)
			sandbox_stop(*ret_init);
	}
	return r;
}

static int sandbox_run(struct sandbox *s, pid_t *ret_init, pid_t *ret_child)
{
	int r = sandbox_etc_check(&s->options, &s->fault);

	if (!r)
		r = sandbox_enter_namespaces(s);
	if (!r)
		r = sandbox_make_socket(s);
	if (!r)
		r = sandbox_fork(s, ret_init, ret_child);
	if (s->inner >= 0)
		close(s->inner);
	if (s->outer >= 0)
		close(s->outer);
	return r;
}

/* The init starts in another folder: relative paths would change meaning. */
static int sandbox_absolute(struct sandbox *s, const char **path)
{
	char *absolute;

	if (!*path)
		return 0;
	absolute = realpath(*path, NULL);
	if (!absolute)
		return sandbox_fault_set(&s->fault, -errno, "%s: %s", *path,
					 strerror(errno));
	*path = absolute;
	return 0;
}

int sandbox_start(const struct sandbox_options *options,
		  int (*child_main)(void *arg), void *arg, FILE *errors,
		  pid_t *ret_init, pid_t *ret_child)
{
	struct sandbox s = {.options = *options,
			    .child_main = child_main,
			    .arg = arg,
			    .outer = -1,
			    .inner = -1};
	const char *program = NULL;
	int r;

	s.options.program = NULL;
	r = sandbox_absolute(&s, &s.options.run_dir);
	if (!r) {
		program = options->program;
		r = sandbox_absolute(&s, &program);
		s.options.program = r ? NULL : program;
	}
	if (!r)
		r = sandbox_run(&s, ret_init, ret_child);
	if (r)
		fprintf(errors, "sandbox: %s\n", s.fault.line);
	if (s.options.run_dir != options->run_dir)
		free((char *)s.options.run_dir);
	free((char *)s.options.program);
	return r;
}

/*
 * While a tracer has not reaped a killed tracee, the namespace's init cannot
 * end: so everything that is ours to reap is reaped until it has.
 */
void sandbox_stop(pid_t init)
{
	pid_t pid;

	kill(init, SIGKILL);
	do {
		pid = waitpid(-1, NULL, __WALL);
	} while (pid != init && (pid >= 0 || errno == EINTR));
}
