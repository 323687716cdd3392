/* SPDX-License-Identifier: MIT */
/*
 * The system calls that read time or wait with a time-out.
 *
 * One table says which calls stop for the tracer; the seccomp filter is built
 * from it. A wait's time-out is taken away from the kernel by changing a
 * register, and the call's own time-out result is put in place when the
 * virtual deadline comes.
 */
#include "harness/clock/clock_priv.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel's own restart results, never seen by programs. */
enum {
	RESTART_SYS = -512,
	RESTART_NOINTR = -513,
	RESTART_NOHAND = -514,
	RESTART_BLOCK = -516
};

enum {
	CALLS_FDSET_MAX = 8192, /* bytes of one select set that we clear */
	CALLS_FOREIGN = 1,	/* the filter's word: not a 64-bit call */
};

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* How the filter treats a call. */
enum calls_filter {
	FILTER_TRACE,
	FILTER_DENY,	   /* EPERM: the clock is not the program's to set */
	FILTER_ABSENT,	   /* ENOSYS: programs have another way */
	FILTER_PRETEND,	   /* 0 without doing it */
	FILTER_CLOCK_ID,   /* stops for clock ids that are not cpu time */
	FILTER_SOCKOPT,	   /* stops for the two socket time-outs */
	FILTER_ARG2_NOT_0, /* stops unless the int in argument 2 is 0 */
	FILTER_ARG3_NOT_0,
	FILTER_ITIMER_REAL, /* stops when argument 0 is ITIMER_REAL */
};

struct call {
	long nr;
	enum calls_filter filter;
	const char *name;
	void (*enter)(struct clock *c, struct task *t, struct arch_regs *regs);
};

static void calls_skip(struct task *t, struct arch_regs *regs, long ret)
{
	arch_finish_call(regs, ret);
	/* ESRCH here and below: killed meanwhile, its exit will be seen. */
	arch_regs_set(t->tid, regs);
	clock_continue(t, 0);
}

static void calls_exit_for(struct task *t, const struct arch_regs *regs,
			   enum exit_job job)
{
	t->call = *regs;
	t->exit_job = job;
	clock_continue(t, 0);
}

/* --- reading time ------------------------------------------------------ */

static void call_clock_gettime(struct clock *c, struct task *t,
			       struct arch_regs *regs)
{
	int64_t ns = clock_read_ns(c, (clockid_t)arch_arg(regs, 0));
	struct timespec ts = {ns / CLOCK_NS_PER_S, ns % CLOCK_NS_PER_S};

	calls_skip(t, regs,
		   clock_poke(t->tid, arch_arg(regs, 1), &ts, sizeof(ts)));
}

static void call_gettimeofday(struct clock *c, struct task *t,
			      struct arch_regs *regs)
{
	int64_t ns = clock_read_ns(c, CLOCK_REALTIME);
	struct timeval tv = {ns / CLOCK_NS_PER_S, ns % CLOCK_NS_PER_S / 1000};
	static const struct timezone zone;
	long ret = 0;

	if (arch_arg(regs, 0))
		ret = clock_poke(t->tid, arch_arg(regs, 0), &tv, sizeof(tv));
	if (!ret && arch_arg(regs, 1))
		ret = clock_poke(t->tid, arch_arg(regs, 1), &zone,
				 sizeof(zone));
	calls_skip(t, regs, ret);
}

static void call_time(struct clock *c, struct task *t, struct arch_regs *regs)
{
	int64_t s = clock_read_ns(c, CLOCK_REALTIME) / CLOCK_NS_PER_S;

	if (arch_arg(regs, 0) &&
	    clock_poke(t->tid, arch_arg(regs, 0), &s, sizeof(s)))
		s = -EFAULT;
	calls_skip(t, regs, s);
}

static void call_times(struct clock *c, struct task *t, struct arch_regs *regs)
{
	calls_exit_for(t, regs, EXIT_TIMES);
}

static void call_sysinfo(struct clock *c, struct task *t,
			 struct arch_regs *regs)
{
	calls_exit_for(t, regs, EXIT_SYSINFO);
}

/* --- waiting ----------------------------------------------------------- */

/*
 * Begin a wait: @regs may have been changed from @call to make the kernel's
 * wait infinite. @exit: the program needs its registers, or a result
 * completed, at the exit.
 */
static void calls_wait(struct clock *c, struct task *t,
		       const struct arch_regs *call, struct arch_regs *regs,
		       int64_t deadline_ns, long fired_ret, bool exit)
{
	struct wait *w = &t->wait;

	if (t->resume.active && arch_nr(&t->resume.call) == arch_nr(call) &&
	    arch_ip(&t->resume.call) == arch_ip(call) &&
	    arch_sp(&t->resume.call) == arch_sp(call))
		deadline_ns = t->resume.deadline_ns;
	t->resume.active = false;
	/* Who is ready to wait looks at the clock in passing: in the course of
	 * a long message it may do so thousands of times. */
	if (deadline_ns > clock_mono_ns(c))
		c->slow_reads = 0;
	*w = (struct wait){.active = true,
			   .exit_armed = exit,
			   .kernel_nr = arch_nr(regs),
			   .deadline_ns = clock_round_ns(deadline_ns),
			   .seq = c->seq++,
			   .fired_ret = fired_ret,
			   .call = *call};
	arch_regs_set(t->tid, regs);
	if (exit)
		t->exit_job = EXIT_WAIT;
	clock_continue(t, 0);
}

static int64_t calls_ms_deadline(struct clock *c, int ms)
{
	return ms < 0 ? CLOCK_NEVER_NS
		      : clock_mono_ns(c) + (int64_t)ms * 1000000;
}

static void call_poll(struct clock *c, struct task *t, struct arch_regs *regs)
{
	struct arch_regs call = *regs;
	int ms = (int)arch_arg(regs, 2);

	arch_set_arg(regs, 2, (uint64_t)-1);
	calls_wait(c, t, &call, regs, calls_ms_deadline(c, ms), 0,
		   ms >= 0 && !arch_call_returns_at_once(t->tid, &call));
}

static void call_epoll_wait(struct clock *c, struct task *t,
			    struct arch_regs *regs)
{
	struct arch_regs call = *regs;
	int ms = (int)arch_arg(regs, 3);

	arch_set_arg(regs, 3, (uint64_t)-1);
	calls_wait(c, t, &call, regs, calls_ms_deadline(c, ms), 0,
		   ms >= 0 && !arch_call_returns_at_once(t->tid, &call));
}

/* A timespec at @at: 0 and *ret_ns, 1 when there is none, -errno. */
static int calls_timespec(struct task *t, uint64_t at, int64_t *ret_ns)
{
	struct timespec ts;

	if (!at)
		return 1;
	if (clock_peek(t->tid, at, &ts, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= CLOCK_NS_PER_S)
		return -EINVAL;
	if (ts.tv_sec > INT64_MAX / CLOCK_NS_PER_S / 4)
		*ret_ns = INT64_MAX / 4;
	else
		*ret_ns = ts.tv_sec * CLOCK_NS_PER_S + ts.tv_nsec;
	return 0;
}

/* A wait whose time-out is a relative timespec behind argument @index. */
static void calls_wait_timespec(struct clock *c, struct task *t,
				struct arch_regs *regs, int index,
				long fired_ret)
{
	struct arch_regs call = *regs;
	int64_t ns = 0;
	int err = calls_timespec(t, arch_arg(regs, index), &ns);

	if (err || ns == 0) {
		/* None, at once, or the kernel's own error. */
		clock_continue(t, 0);
		return;
	}
	arch_set_arg(regs, index, 0);
	calls_wait(c, t, &call, regs, clock_mono_ns(c) + ns, fired_ret, true);
}

static void call_ppoll(struct clock *c, struct task *t, struct arch_regs *regs)
{
	calls_wait_timespec(c, t, regs, 2, 0);
}

static void call_pselect6(struct clock *c, struct task *t,
			  struct arch_regs *regs)
{
	calls_wait_timespec(c, t, regs, 4, 0);
}

static void call_epoll_pwait2(struct clock *c, struct task *t,
			      struct arch_regs *regs)
{
	calls_wait_timespec(c, t, regs, 3, 0);
}

static void call_sigtimedwait(struct clock *c, struct task *t,
			      struct arch_regs *regs)
{
	calls_wait_timespec(c, t, regs, 2, -EAGAIN);
}

static void call_semtimedop(struct clock *c, struct task *t,
			    struct arch_regs *regs)
{
	calls_wait_timespec(c, t, regs, 3, -EAGAIN);
}

static void call_recvmmsg(struct clock *c, struct task *t,
			  struct arch_regs *regs)
{
	calls_wait_timespec(c, t, regs, 4, -EAGAIN);
}

static void call_io_getevents(struct clock *c, struct task *t,
			      struct arch_regs *regs)
{
	calls_wait_timespec(c, t, regs, 4, 0);
}

static void call_select(struct clock *c, struct task *t, struct arch_regs *regs)
{
	struct arch_regs call = *regs;
	struct timeval tv;
	int64_t ns;

	if (!arch_arg(regs, 4) ||
	    clock_peek(t->tid, arch_arg(regs, 4), &tv, sizeof(tv)) ||
	    tv.tv_sec < 0 || tv.tv_usec < 0 ||
	    tv.tv_sec > INT64_MAX / CLOCK_NS_PER_S / 4 ||
	    (tv.tv_sec == 0 && tv.tv_usec == 0)) {
		clock_continue(t, 0);
		return;
	}
	ns = tv.tv_sec * CLOCK_NS_PER_S + tv.tv_usec * 1000;
	arch_set_arg(regs, 4, 0);
	calls_wait(c, t, &call, regs, clock_mono_ns(c) + ns, 0, true);
}

/* A point on clock @id as one on CLOCK_MONOTONIC. */
static int64_t calls_absolute(struct clock *c, clockid_t id, int64_t ns)
{
	if (!clock_is_real(id))
		return ns;
	return ns - clock_real_ns(c) + clock_mono_ns(c);
}

static void calls_sleep(struct clock *c, struct task *t, struct arch_regs *regs,
			int64_t deadline_ns)
{
	struct arch_regs call = *regs;

	/* pause() touches no argument, and each way out of it is a stop. */
	arch_set_nr(regs, SYS_pause);
	calls_wait(c, t, &call, regs, deadline_ns, 0, false);
}

static void call_nanosleep(struct clock *c, struct task *t,
			   struct arch_regs *regs)
{
	int64_t ns = 0;
	int err = calls_timespec(t, arch_arg(regs, 0), &ns);

	if (err)
		calls_skip(t, regs, err < 0 ? err : -EFAULT);
	else
		calls_sleep(c, t, regs, clock_mono_ns(c) + ns);
}

static void call_clock_nanosleep(struct clock *c, struct task *t,
				 struct arch_regs *regs)
{
	clockid_t id = (clockid_t)arch_arg(regs, 0);
	int64_t ns = 0;
	int err = calls_timespec(t, arch_arg(regs, 2), &ns);

	if (!clock_is_real(id) && !clock_is_mono(id)) {
		clock_unhandled(c, "clock_nanosleep on processor time");
		clock_continue(t, 0);
	} else if (err) {
		calls_skip(t, regs, err < 0 ? err : -EFAULT);
	} else if (arch_arg(regs, 1) & TIMER_ABSTIME) {
		ns = calls_absolute(c, id, ns);
		if (ns <= clock_mono_ns(c))
			calls_skip(t, regs, 0);
		else
			calls_sleep(c, t, regs, ns);
	} else {
		calls_sleep(c, t, regs, clock_mono_ns(c) + ns);
	}
}

static void call_futex(struct clock *c, struct task *t, struct arch_regs *regs)
{
	struct arch_regs call = *regs;
	int op = (int)arch_arg(regs, 1);
	int command = op & FUTEX_CMD_MASK;
	clockid_t id =
		op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	int64_t ns = 0;

	switch (command) {
	case FUTEX_LOCK_PI:
		id = CLOCK_REALTIME;
		break;
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
	case 13 /* FUTEX_LOCK_PI2 */:
		break;
	default: /* no wait; argument 3 is no time-out */
		clock_continue(t, 0);
		return;
	}
	if (calls_timespec(t, arch_arg(regs, 3), &ns)) {
		clock_continue(t, 0);
		return;
	}
	ns = command == FUTEX_WAIT ? clock_mono_ns(c) + ns
				   : calls_absolute(c, id, ns);
	arch_set_arg(regs, 3, 0);
	calls_wait(c, t, &call, regs, ns, -ETIMEDOUT, true);
}

static void call_futex_waitv(struct clock *c, struct task *t,
			     struct arch_regs *regs)
{
	struct arch_regs call = *regs;
	int64_t ns = 0;

	if (calls_timespec(t, arch_arg(regs, 3), &ns)) {
		clock_continue(t, 0);
		return;
	}
	ns = calls_absolute(c, (clockid_t)arch_arg(regs, 4), ns);
	arch_set_arg(regs, 3, 0);
	calls_wait(c, t, &call, regs, ns, -ETIMEDOUT, true);
}

static void call_mq_timed(struct clock *c, struct task *t,
			  struct arch_regs *regs)
{
	struct arch_regs call = *regs;
	int64_t ns = 0;

	if (calls_timespec(t, arch_arg(regs, 4), &ns)) {
		clock_continue(t, 0);
		return;
	}
	ns = calls_absolute(c, CLOCK_REALTIME, ns);
	arch_set_arg(regs, 4, 0);
	calls_wait(c, t, &call, regs, ns, -ETIMEDOUT, true);
}

/* --- timers ------------------------------------------------------------ */

static void call_alarm(struct clock *c, struct task *t, struct arch_regs *regs)
{
	calls_skip(t, regs, timers_alarm(c, t, (unsigned)arch_arg(regs, 0)));
}

static void call_setitimer(struct clock *c, struct task *t,
			   struct arch_regs *regs)
{
	calls_skip(
		t, regs,
		timers_setitimer(c, t, arch_arg(regs, 1), arch_arg(regs, 2)));
}

static void call_getitimer(struct clock *c, struct task *t,
			   struct arch_regs *regs)
{
	calls_skip(t, regs, timers_getitimer(c, t, arch_arg(regs, 1)));
}

static void call_timer_create(struct clock *c, struct task *t,
			      struct arch_regs *regs)
{
	calls_exit_for(t, regs, EXIT_TIMER_CREATE);
}

/* @ret -ENOENT: not ours (processor time), the kernel's business. */
static void calls_timer_result(struct task *t, struct arch_regs *regs, long ret)
{
	if (ret == -ENOENT)
		clock_continue(t, 0);
	else
		calls_skip(t, regs, ret);
}

static void call_timer_settime(struct clock *c, struct task *t,
			       struct arch_regs *regs)
{
	calls_timer_result(t, regs,
			   timers_settime(c, t, (int)arch_arg(regs, 0),
					  (int)arch_arg(regs, 1),
					  arch_arg(regs, 2),
					  arch_arg(regs, 3)));
}

static void call_timer_gettime(struct clock *c, struct task *t,
			       struct arch_regs *regs)
{
	calls_timer_result(t, regs,
			   timers_gettime(c, t, (int)arch_arg(regs, 0),
					  arch_arg(regs, 1)));
}

static void call_timer_delete(struct clock *c, struct task *t,
			      struct arch_regs *regs)
{
	/* The kernel frees its half, which was never armed. */
	timers_delete(c, t, (int)arch_arg(regs, 0));
	clock_continue(t, 0);
}

static void call_timerfd_settime(struct clock *c, struct task *t,
				 struct arch_regs *regs)
{
	calls_timer_result(t, regs,
			   timers_fd_settime(c, t, (int)arch_arg(regs, 0),
					     (int)arch_arg(regs, 1),
					     arch_arg(regs, 2),
					     arch_arg(regs, 3)));
}

static void call_timerfd_gettime(struct clock *c, struct task *t,
				 struct arch_regs *regs)
{
	calls_timer_result(t, regs,
			   timers_fd_gettime(c, t, (int)arch_arg(regs, 0),
					     arch_arg(regs, 1)));
}

/* --- sockets ----------------------------------------------------------- */

static uint64_t calls_inode(struct task *t, int fd)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->tid, fd);
	return stat(path, &st) ? 0 : st.st_ino;
}

static struct socket_timeout *calls_socket(struct clock *c, uint64_t inode,
					   bool make)
{
	for (size_t i = 0; i < c->socket_count; i++)
		if (c->sockets[i].inode == inode)
			return &c->sockets[i];
	if (!make)
		return NULL;
	/* Inodes of closed sockets are not told to us: the oldest go. */
	if (c->socket_count == CLOCK_SOCKETS_MAX) {
		memmove(c->sockets, c->sockets + 1,
			--c->socket_count * sizeof(*c->sockets));
	} else if (c->socket_count == c->socket_room) {
		c->socket_room = c->socket_room ? 2 * c->socket_room : 64;
		c->sockets = realloc(c->sockets,
				     c->socket_room * sizeof(*c->sockets));
		assert(c->sockets);
	}
	c->sockets[c->socket_count] = (struct socket_timeout){.inode = inode};
	return &c->sockets[c->socket_count++];
}

/* SO_RCVTIMEO_OLD 20, SO_SNDTIMEO_OLD 21, …_NEW 66, 67. */
static bool calls_is_receive(int option)
{
	return option == 20 || option == 66;
}

static void call_setsockopt(struct clock *c, struct task *t,
			    struct arch_regs *regs)
{
	uint64_t inode = calls_inode(t, (int)arch_arg(regs, 0));
	struct socket_timeout *s;
	struct timeval tv;
	int64_t ns;

	if (arch_arg(regs, 4) < sizeof(tv) ||
	    clock_peek(t->tid, arch_arg(regs, 3), &tv, sizeof(tv)) || !inode) {
		clock_continue(t, 0); /* the kernel's own error */
		return;
	}
	ns = tv.tv_sec < 0 || tv.tv_sec > INT64_MAX / CLOCK_NS_PER_S / 4
		     ? 0
		     : tv.tv_sec * CLOCK_NS_PER_S + tv.tv_usec * 1000;
	s = calls_socket(c, inode, true);
	if (calls_is_receive((int)arch_arg(regs, 2)))
		s->receive_ns = ns;
	else
		s->send_ns = ns;
	t->process->socket_timeouts = true;
	calls_skip(t, regs, 0);
}

static void call_getsockopt(struct clock *c, struct task *t,
			    struct arch_regs *regs)
{
	struct socket_timeout *s =
		calls_socket(c, calls_inode(t, (int)arch_arg(regs, 0)), false);
	int64_t ns;
	struct timeval tv;
	uint32_t len = sizeof(tv);

	if (!s) {
		clock_continue(t, 0);
		return;
	}
	ns = calls_is_receive((int)arch_arg(regs, 2)) ? s->receive_ns
						      : s->send_ns;
	tv = (struct timeval){ns / CLOCK_NS_PER_S, ns % CLOCK_NS_PER_S / 1000};
	if (clock_poke(t->tid, arch_arg(regs, 3), &tv, sizeof(tv)) ||
	    clock_poke(t->tid, arch_arg(regs, 4), &len, sizeof(len)))
		calls_skip(t, regs, -EFAULT);
	else
		calls_skip(t, regs, 0);
}

/*
 * IPv4 in a socket of IPv6 (RFC 4291 section 2.5.5.2) becomes IPv4, for what
 * is met there is the same. Courier knows no other way.
 */
static socklen_t calls_unmap(struct sockaddr_storage *address, size_t len)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in = {.sin_family = AF_INET};

	memcpy(&in6, address, sizeof(in6));
	if (in6.sin6_family != AF_INET6 || len < sizeof(in6) ||
	    !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		return (socklen_t)len;
	in.sin_port = in6.sin6_port;
	memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
	memcpy(address, &in, sizeof(in));
	return sizeof(in);
}

/*
 * getaddrinfo() of glibc sorts addresses by connecting a datagram socket to
 * each, with the port that was asked for: no packet leaves, it is no attempt.
 */
static bool calls_is_stream(const struct task *t, int fd)
{
	int own = task_borrow_fd(t, fd), type = SOCK_STREAM;
	socklen_t len = sizeof(type);

	if (own >= 0) {
		getsockopt(own, SOL_SOCKET, SO_TYPE, &type, &len);
		close(own);
	}
	return type == SOCK_STREAM;
}

static void call_connect(struct clock *c, struct task *t,
			 struct arch_regs *regs)
{
	struct arch_regs call = *regs;
	struct sockaddr_storage address = {0};
	size_t len = arch_arg(regs, 2);
	int64_t wait_ns = CLOCK_CONNECT_NS;
	long ret = -ETIMEDOUT;

	if (len > sizeof(address))
		len = sizeof(address);
	if (clock_peek(t->tid, arch_arg(regs, 1), &address, len) ||
	    (address.ss_family != AF_INET && address.ss_family != AF_INET6)) {
		clock_continue(t, 0);
		return;
	}
	if (c->options.on_connect &&
	    calls_is_stream(t, (int)arch_arg(regs, 0))) {
		socklen_t told = calls_unmap(&address, len);

		c->options.on_connect(c->options.arg, t->process->tgid,
				      (struct sockaddr *)&address, told);
	}
	if (t->process->socket_timeouts) {
		struct socket_timeout *s = calls_socket(
			c, calls_inode(t, (int)arch_arg(regs, 0)), false);

		if (s && s->send_ns && s->send_ns < wait_ns) {
			wait_ns = s->send_ns;
			ret = -EINPROGRESS; /* socket(7) */
		}
	}
	/* A socket that does not block returns at once: the wait is found
	 * stale before the clock ever jumps to it. */
	calls_wait(c, t, &call, regs, clock_mono_ns(c) + wait_ns, ret, false);
}

void calls_find_socket_wait(struct clock *c, struct task *t)
{
	struct task_call now;
	struct socket_timeout *s;
	uint64_t switches = task_switches(t);
	int64_t ns;
	bool sends = false;

	/* As time stands still, a call that blocks now began now; a task that
	 * has not run since the last look is in the same call as then. */
	if (t->wait.active && !t->wait.socket)
		return;
	if (switches && switches == t->switches)
		return;
	t->switches = switches;
	t->wait.active = false;
	if (!task_blocked_call(t, &now))
		return;
	switch (now.nr) {
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_accept:
	case SYS_accept4:
		break;
	case SYS_write:
	case SYS_writev:
	case SYS_sendto:
	case SYS_sendmsg:
		sends = true;
		break;
	default:
		return;
	}
	s = calls_socket(c, calls_inode(t, (int)now.args[0]), false);
	ns = !s ? 0 : sends ? s->send_ns : s->receive_ns;
	if (!ns)
		return;
	t->wait = (struct wait){.active = true,
				.socket = true,
				.kernel_nr = now.nr,
				.deadline_ns =
					clock_round_ns(clock_mono_ns(c) + ns),
				.seq = c->seq++,
				.fired_ret = -EAGAIN};
}

/* --- file times -------------------------------------------------------- */

static void call_stat(struct clock *c, struct task *t, struct arch_regs *regs)
{
	calls_exit_for(t, regs, EXIT_STAT);
}

static void call_statx(struct clock *c, struct task *t, struct arch_regs *regs)
{
	calls_exit_for(t, regs, EXIT_STATX);
}

/* Let the call run with its times, changed for storage, from the stack. */
static void calls_set_times(struct task *t, struct arch_regs *regs, int index,
			    const void *times, size_t len)
{
	uint64_t scratch = arch_scratch(regs, len);

	t->call = *regs;
	if (clock_poke(t->tid, scratch, times, len)) {
		calls_skip(t, regs, -EFAULT);
		return;
	}
	arch_set_arg(regs, index, scratch);
	arch_regs_set(t->tid, regs);
	t->exit_job = EXIT_RESTORE;
	clock_continue(t, 0);
}

static void call_utimensat(struct clock *c, struct task *t,
			   struct arch_regs *regs)
{
	struct timespec ts[2];

	if (!arch_arg(regs, 2) ||
	    clock_peek(t->tid, arch_arg(regs, 2), ts, sizeof(ts))) {
		clock_continue(t, 0); /* now, or the kernel's own error */
		return;
	}
	for (int i = 0; i < 2; i++)
		if (ts[i].tv_nsec != UTIME_NOW && ts[i].tv_nsec != UTIME_OMIT)
			ts[i].tv_sec =
				stamp_to_stored_s(&c->stamps, ts[i].tv_sec);
	calls_set_times(t, regs, 2, ts, sizeof(ts));
}

static void calls_utimes(struct clock *c, struct task *t,
			 struct arch_regs *regs, int index)
{
	struct timeval tv[2];

	if (!arch_arg(regs, index) ||
	    clock_peek(t->tid, arch_arg(regs, index), tv, sizeof(tv))) {
		clock_continue(t, 0);
		return;
	}
	for (int i = 0; i < 2; i++)
		tv[i].tv_sec = stamp_to_stored_s(&c->stamps, tv[i].tv_sec);
	calls_set_times(t, regs, index, tv, sizeof(tv));
}

static void call_utimes(struct clock *c, struct task *t, struct arch_regs *regs)
{
	calls_utimes(c, t, regs, 1);
}

static void call_futimesat(struct clock *c, struct task *t,
			   struct arch_regs *regs)
{
	calls_utimes(c, t, regs, 2);
}

static void call_utime(struct clock *c, struct task *t, struct arch_regs *regs)
{
	int64_t s[2];

	if (!arch_arg(regs, 1) ||
	    clock_peek(t->tid, arch_arg(regs, 1), s, sizeof(s))) {
		clock_continue(t, 0);
		return;
	}
	for (int i = 0; i < 2; i++)
		s[i] = stamp_to_stored_s(&c->stamps, s[i]);
	calls_set_times(t, regs, 1, s, sizeof(s));
}

/* --- the table --------------------------------------------------------- */

#define CALL(name, filter, handler)                                            \
	{                                                                      \
		SYS_##name, filter, #name, handler                             \
	}

static const struct call calls[] = {
	CALL(clock_gettime, FILTER_CLOCK_ID, call_clock_gettime),
	CALL(gettimeofday, FILTER_TRACE, call_gettimeofday),
	CALL(time, FILTER_TRACE, call_time),
	CALL(times, FILTER_TRACE, call_times),
	CALL(sysinfo, FILTER_TRACE, call_sysinfo),
	CALL(clock_settime, FILTER_DENY, NULL),
	CALL(settimeofday, FILTER_DENY, NULL),
	CALL(adjtimex, FILTER_DENY, NULL),
	CALL(clock_adjtime, FILTER_DENY, NULL),
	CALL(io_uring_setup, FILTER_ABSENT, NULL),
	CALL(sched_setaffinity, FILTER_PRETEND, NULL),
	CALL(poll, FILTER_ARG2_NOT_0, call_poll),
	CALL(epoll_wait, FILTER_ARG3_NOT_0, call_epoll_wait),
	CALL(epoll_pwait, FILTER_ARG3_NOT_0, call_epoll_wait),
	CALL(epoll_pwait2, FILTER_TRACE, call_epoll_pwait2),
	CALL(ppoll, FILTER_TRACE, call_ppoll),
	CALL(select, FILTER_TRACE, call_select),
	CALL(pselect6, FILTER_TRACE, call_pselect6),
	CALL(nanosleep, FILTER_TRACE, call_nanosleep),
	CALL(clock_nanosleep, FILTER_TRACE, call_clock_nanosleep),
	CALL(futex, FILTER_TRACE, call_futex),
	CALL(futex_waitv, FILTER_TRACE, call_futex_waitv),
	CALL(rt_sigtimedwait, FILTER_TRACE, call_sigtimedwait),
	CALL(semtimedop, FILTER_TRACE, call_semtimedop),
	CALL(recvmmsg, FILTER_TRACE, call_recvmmsg),
	CALL(mq_timedsend, FILTER_TRACE, call_mq_timed),
	CALL(mq_timedreceive, FILTER_TRACE, call_mq_timed),
	CALL(io_getevents, FILTER_TRACE, call_io_getevents),
	CALL(io_pgetevents, FILTER_TRACE, call_io_getevents),
	CALL(alarm, FILTER_TRACE, call_alarm),
	CALL(setitimer, FILTER_ITIMER_REAL, call_setitimer),
	CALL(getitimer, FILTER_ITIMER_REAL, call_getitimer),
	CALL(timer_create, FILTER_TRACE, call_timer_create),
	CALL(timer_settime, FILTER_TRACE, call_timer_settime),
	CALL(timer_gettime, FILTER_TRACE, call_timer_gettime),
	CALL(timer_delete, FILTER_TRACE, call_timer_delete),
	CALL(timerfd_settime, FILTER_TRACE, call_timerfd_settime),
	CALL(timerfd_gettime, FILTER_TRACE, call_timerfd_gettime),
	CALL(setsockopt, FILTER_SOCKOPT, call_setsockopt),
	CALL(getsockopt, FILTER_SOCKOPT, call_getsockopt),
	CALL(connect, FILTER_TRACE, call_connect),
	CALL(stat, FILTER_TRACE, call_stat),
	CALL(lstat, FILTER_TRACE, call_stat),
	CALL(fstat, FILTER_TRACE, call_stat),
	CALL(newfstatat, FILTER_TRACE, call_stat),
	CALL(statx, FILTER_TRACE, call_statx),
	CALL(utimensat, FILTER_TRACE, call_utimensat),
	CALL(utimes, FILTER_TRACE, call_utimes),
	CALL(futimesat, FILTER_TRACE, call_futimesat),
	CALL(utime, FILTER_TRACE, call_utime),
};

enum {
	CALLS_COUNT = sizeof(calls) / sizeof(calls[0]),
	CALLS_FILTER_MAX = 16 + 8 * CALLS_COUNT
};

struct filter {
	struct sock_filter code[CALLS_FILTER_MAX];
	unsigned short len;
};

static void filter_add(struct filter *f, uint16_t code, uint8_t yes, uint8_t no,
		       uint32_t k)
{
	assert(f->len < CALLS_FILTER_MAX);
	f->code[f->len++] = (struct sock_filter){code, yes, no, k};
}

static void filter_load_arg(struct filter *f, int index)
{
	/* The low half: the arguments tested are ints. */
	filter_add(f, BPF_LD | BPF_W | BPF_ABS, 0, 0,
		   offsetof(struct seccomp_data, args) + 8 * (uint32_t)index);
}

static void filter_return(struct filter *f, uint32_t value)
{
	filter_add(f, BPF_RET | BPF_K, 0, 0, value);
}

static void filter_equal(struct filter *f, uint32_t k, uint8_t yes, uint8_t no)
{
	filter_add(f, BPF_JMP | BPF_JEQ | BPF_K, yes, no, k);
}

/* Argument @index equal to @k: @yes, else @no (return values). */
static void filter_arg(struct filter *f, int index, uint32_t k, uint32_t yes,
		       uint32_t no)
{
	filter_load_arg(f, index);
	filter_equal(f, k, 0, 1);
	filter_return(f, yes);
	filter_return(f, no);
}

static void filter_call(struct filter *f, const struct call *call)
{
	const uint32_t trace = SECCOMP_RET_TRACE;

	switch (call->filter) {
	case FILTER_TRACE:
		filter_return(f, trace);
		return;
	case FILTER_DENY:
		filter_return(f, SECCOMP_RET_ERRNO | EPERM);
		return;
	case FILTER_ABSENT:
		filter_return(f, SECCOMP_RET_ERRNO | ENOSYS);
		return;
	case FILTER_PRETEND:
		filter_return(f, SECCOMP_RET_ERRNO | 0);
		return;
	case FILTER_CLOCK_ID:
		/* 2 and 3 are processor time, negative ids too. */
		filter_load_arg(f, 0);
		filter_equal(f, 2, 3, 0);
		filter_equal(f, 3, 2, 0);
		filter_add(f, BPF_JMP | BPF_JGT | BPF_K, 1, 0, 11);
		filter_return(f, trace);
		filter_return(f, SECCOMP_RET_ALLOW);
		return;
	case FILTER_SOCKOPT:
		filter_load_arg(f, 1);
		filter_equal(f, SOL_SOCKET, 1, 0);
		filter_return(f, SECCOMP_RET_ALLOW);
		filter_load_arg(f, 2);
		filter_equal(f, 20, 4, 0);
		filter_equal(f, 21, 3, 0);
		filter_equal(f, 66, 2, 0);
		filter_equal(f, 67, 1, 0);
		filter_return(f, SECCOMP_RET_ALLOW);
		filter_return(f, trace);
		return;
	case FILTER_ARG2_NOT_0:
		filter_arg(f, 2, 0, SECCOMP_RET_ALLOW, trace);
		return;
	case FILTER_ARG3_NOT_0:
		filter_arg(f, 3, 0, SECCOMP_RET_ALLOW, trace);
		return;
	case FILTER_ITIMER_REAL:
		filter_arg(f, 0, ITIMER_REAL, trace, SECCOMP_RET_ALLOW);
		return;
	}
}

int calls_install_filter(void)
{
	struct filter f = {.len = 0};
	struct sock_fprog program;

	/* Another processor mode's calls go to the tracer to be named. */
	filter_add(&f, BPF_LD | BPF_W | BPF_ABS, 0, 0,
		   offsetof(struct seccomp_data, arch));
	filter_equal(&f, ARCH_AUDIT, 1, 0);
	filter_return(&f, SECCOMP_RET_TRACE | CALLS_FOREIGN);
	filter_add(&f, BPF_LD | BPF_W | BPF_ABS, 0, 0,
		   offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS_COUNT; i++) {
		struct filter one = {.len = 0};

		filter_call(&one, &calls[i]);
		filter_equal(&f, (uint32_t)calls[i].nr, 0, (uint8_t)one.len);
		assert(f.len + one.len < CALLS_FILTER_MAX);
		memcpy(f.code + f.len, one.code, one.len * sizeof(one.code[0]));
		f.len = (unsigned short)(f.len + one.len);
	}
	filter_return(&f, SECCOMP_RET_ALLOW);
	program = (struct sock_fprog){f.len, f.code};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 0;
	/* An ordinary user: without set-uid programs then. */
	if (errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 0;
	return -errno;
}

/* The row of a call; looked up once per call number. */
static size_t calls_row(struct clock *c, long nr)
{
	if (nr < 0 || nr >= CLOCK_CALLS_MAX)
		return CALLS_COUNT;
	if (!c->row_of[nr]) {
		size_t row = 0;

		while (row < CALLS_COUNT && calls[row].nr != nr)
			row++;
		c->row_of[nr] = (unsigned char)(row + 1);
	}
	return c->row_of[nr] - 1u;
}

_Static_assert(CALLS_COUNT < 255, "a row fits in row_of");

void calls_enter(struct clock *c, struct task *t)
{
	struct arch_regs regs;
	unsigned long mode;
	size_t row;

	if (arch_regs_get(t->tid, &regs) ||
	    ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &mode)) {
		clock_continue(t, 0);
		return;
	}
	t->wait.active = false;
	/* 64-bit code can make 32-bit calls, too: the registers don't tell. */
	row = mode == CALLS_FOREIGN ? CALLS_COUNT
				    : calls_row(c, arch_nr(&regs));
	if (row >= CALLS_COUNT) {
		clock_unhandled(c, "32-bit system call");
		clock_continue(t, 0);
		return;
	}
	if (c->stats.calls)
		c->stats.calls[row]++;
	calls[row].enter(c, t, &regs);
}

/* --- leaving ----------------------------------------------------------- */

static bool calls_is_interrupted(long ret)
{
	return ret == RESTART_SYS || ret == RESTART_NOINTR ||
	       ret == RESTART_NOHAND || ret == RESTART_BLOCK || ret == -EINTR;
}

static void calls_clear(pid_t tid, uint64_t at, uint64_t len)
{
	static const char zero[CALLS_FDSET_MAX];

	if (at)
		clock_poke(tid, at, zero,
			   len < sizeof(zero) ? len : sizeof(zero));
}

/* What the kernel leaves in the program's memory when a call times out. */
static void calls_clear_results(struct task *t)
{
	const struct arch_regs *call = &t->wait.call;
	long nr = arch_nr(call);
	uint64_t count;

	if (nr == SYS_select || nr == SYS_pselect6) {
		uint64_t bytes = (arch_arg(call, 0) + 63) / 64 * 8;

		for (int i = 1; i <= 3; i++)
			calls_clear(t->tid, arch_arg(call, i), bytes);
	} else if (nr == SYS_poll || nr == SYS_ppoll) {
		count = arch_arg(call, 1);
		for (uint64_t i = 0; i < count && i < 65536; i++)
			calls_clear(t->tid,
				    arch_arg(call, 0) +
					    i * sizeof(struct pollfd) +
					    offsetof(struct pollfd, revents),
				    sizeof(short));
	}
}

/* Calls that tell how much of the time-out is left. */
static void calls_put_left(struct clock *c, struct task *t, bool interrupted)
{
	const struct arch_regs *call = &t->wait.call;
	int64_t left_ns = t->wait.deadline_ns - clock_mono_ns(c);
	struct timespec ts;
	struct timeval tv;
	uint64_t at = 0;

	if (left_ns < 0 || t->wait.fired)
		left_ns = 0;
	ts = (struct timespec){left_ns / CLOCK_NS_PER_S,
			       left_ns % CLOCK_NS_PER_S};
	tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
	switch (arch_nr(call)) {
	case SYS_select:
		clock_poke(t->tid, arch_arg(call, 4), &tv, sizeof(tv));
		return;
	case SYS_pselect6:
		at = arch_arg(call, 4);
		break;
	case SYS_ppoll:
		at = arch_arg(call, 2);
		break;
	case SYS_nanosleep:
		at = interrupted ? arch_arg(call, 1) : 0;
		break;
	case SYS_clock_nanosleep:
		if (interrupted && !(arch_arg(call, 1) & TIMER_ABSTIME))
			at = arch_arg(call, 3);
		break;
	default:
		return;
	}
	if (at)
		clock_poke(t->tid, at, &ts, sizeof(ts));
}

/* The wait is over, @regs hold the kernel's result. */
static void calls_wait_end(struct clock *c, struct task *t,
			   struct arch_regs *regs)
{
	struct wait *w = &t->wait;
	bool interrupted = calls_is_interrupted(arch_ret(regs));

	w->active = false;
	if (!w->socket)
		arch_restore_call(regs, &w->call);
	if (interrupted && w->fired) {
		if (!w->socket)
			calls_clear_results(t);
		arch_finish_call(regs, w->fired_ret);
	} else if (interrupted && !w->socket) {
		/* Should the kernel restart it, it keeps its deadline. */
		t->resume = *w;
		/* restart_syscall() would wait on with the kernel's idea of
		 * the time-out; the call itself comes by here again. */
		if (arch_ret(regs) == RESTART_BLOCK)
			arch_set_ret(regs, RESTART_NOHAND);
		t->resume.active = true;
	}
	if (!w->socket)
		calls_put_left(c, t, interrupted && !w->fired);
	arch_regs_set(t->tid, regs);
	w->fired = false;
}

void calls_interrupted(struct clock *c, struct task *t)
{
	struct arch_regs regs;
	long nr;

	if (!t->wait.active || t->exit_job != EXIT_NONE ||
	    arch_regs_get(t->tid, &regs))
		return;
	nr = arch_nr(&regs);
	if ((nr != t->wait.kernel_nr && nr != SYS_restart_syscall) ||
	    !calls_is_interrupted(arch_ret(&regs)) ||
	    (!t->wait.socket && arch_sp(&regs) != arch_sp(&t->wait.call))) {
		/* It had left the wait by itself. */
		t->wait.active = t->wait.fired = false;
		return;
	}
	calls_wait_end(c, t, &regs);
}

bool calls_still_waits(struct task *t)
{
	struct task_call now;

	if (t->wait.exit_armed)
		return true;
	if (!task_blocked_call(t, &now))
		return false;
	if (now.nr != t->wait.kernel_nr && now.nr != SYS_restart_syscall)
		return false;
	return t->wait.socket || (now.sp == arch_sp(&t->wait.call) &&
				  now.ip == arch_ip(&t->wait.call));
}

static void calls_fix_stat(struct clock *c, struct task *t)
{
	uint64_t at =
		arch_arg(&t->call, arch_nr(&t->call) == SYS_newfstatat ? 2 : 1);
	struct stat st;
	struct timespec *time[] = {&st.st_atim, &st.st_mtim, &st.st_ctim};

	if (clock_peek(t->tid, at, &st, sizeof(st)))
		return;
	for (int i = 0; i < 3; i++) {
		uint32_t ns = (uint32_t)time[i]->tv_nsec;

		stamp_to_virtual(&c->stamps, &time[i]->tv_sec, &ns);
		time[i]->tv_nsec = ns;
	}
	clock_poke(t->tid, at, &st, sizeof(st));
}

static void calls_fix_statx(struct clock *c, struct task *t)
{
	uint64_t at = arch_arg(&t->call, 4);
	struct statx sx;
	struct statx_timestamp *time[] = {&sx.stx_atime, &sx.stx_mtime,
					  &sx.stx_ctime, &sx.stx_btime};

	if (clock_peek(t->tid, at, &sx, sizeof(sx)))
		return;
	for (int i = 0; i < 4; i++) {
		int64_t s = time[i]->tv_sec;

		stamp_to_virtual(&c->stamps, &s, &time[i]->tv_nsec);
		time[i]->tv_sec = s;
	}
	clock_poke(t->tid, at, &sx, sizeof(sx));
}

static void calls_fix_sysinfo(struct clock *c, struct task *t)
{
	uint64_t at = arch_arg(&t->call, 0);
	struct sysinfo info;

	if (clock_peek(t->tid, at, &info, sizeof(info)))
		return;
	info.uptime = clock_mono_ns(c) / CLOCK_NS_PER_S;
	/* How busy the host is must not matter to the tree. */
	memset(info.loads, 0, sizeof(info.loads));
	clock_poke(t->tid, at, &info, sizeof(info));
}

void calls_exit(struct clock *c, struct task *t)
{
	enum exit_job job = t->exit_job;
	struct arch_regs regs;

	t->exit_job = EXIT_NONE;
	if (job == EXIT_NONE || arch_regs_get(t->tid, &regs)) {
		clock_continue(t, 0);
		return;
	}
	switch (job) {
	case EXIT_WAIT:
		calls_wait_end(c, t, &regs);
		break;
	case EXIT_STAT:
		if (arch_ret(&regs) == 0)
			calls_fix_stat(c, t);
		break;
	case EXIT_STATX:
		if (arch_ret(&regs) == 0)
			calls_fix_statx(c, t);
		break;
	case EXIT_RESTORE:
		arch_restore_call(&regs, &t->call);
		arch_regs_set(t->tid, &regs);
		break;
	case EXIT_TIMES:
		if (arch_ret(&regs) >= 0) {
			arch_finish_call(&regs, clock_mono_ns(c) / 10000000);
			arch_regs_set(t->tid, &regs);
		}
		break;
	case EXIT_SYSINFO:
		if (arch_ret(&regs) == 0)
			calls_fix_sysinfo(c, t);
		break;
	case EXIT_TIMER_CREATE:
		if (arch_ret(&regs) == 0)
			timers_created(c, t, &t->call);
		break;
	case EXIT_NONE:
		break;
	}
	clock_continue(t, 0);
}

size_t clock_call_count(void)
{
	return CALLS_COUNT;
}

const char *clock_call_name(size_t row)
{
	return row < CALLS_COUNT ? calls[row].name : NULL;
}
