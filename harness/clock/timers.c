/* SPDX-License-Identifier: MIT */
/*
 * alarm, setitimer, POSIX timers and timerfds on the virtual clock.
 *
 * An interval timer and a POSIX timer are emulated whole: the signal is sent
 * from here when due. A timerfd stays the kernel's, never armed by the
 * program: the tracer keeps a descriptor of its own for the same file
 * (pidfd_getfd, Linux 5.6) and arms it for "at once" when due, so that poll,
 * read and their wake-ups are the kernel's own.
 */
#include "harness/clock/clock_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int64_t timers_ts_ns(const struct timespec *ts)
{
	if (ts->tv_sec > INT64_MAX / CLOCK_NS_PER_S / 2)
		return INT64_MAX / 2;
	return ts->tv_sec * CLOCK_NS_PER_S + ts->tv_nsec;
}

static struct timespec timers_ns_ts(int64_t ns)
{
	return (struct timespec){ns / CLOCK_NS_PER_S, ns % CLOCK_NS_PER_S};
}

static struct timer *timers_add(struct clock *c, enum timer_kind kind,
				pid_t tgid, int id)
{
	struct timer *timer;

	if (c->timer_count == CLOCK_TIMERS_MAX) {
		clock_unhandled(c, "more than 65536 timers");
		return NULL;
	}
	if (c->timer_count == c->timer_room) {
		c->timer_room = c->timer_room ? 2 * c->timer_room : 64;
		c->timers =
			realloc(c->timers, c->timer_room * sizeof(*c->timers));
		assert(c->timers);
	}
	timer = &c->timers[c->timer_count++];
	*timer = (struct timer){.kind = kind,
				.tgid = tgid,
				.id = id,
				.deadline_ns = CLOCK_NEVER_NS};
	return timer;
}

static void timers_remove(struct clock *c, struct timer *timer)
{
	if (timer->kind == TIMER_FD)
		close(timer->id);
	*timer = c->timers[--c->timer_count];
}

static struct timer *timers_find(struct clock *c, enum timer_kind kind,
				 pid_t tgid, int id)
{
	for (size_t i = 0; i < c->timer_count; i++) {
		struct timer *timer = &c->timers[i];

		if (timer->kind == kind && timer->tgid == tgid &&
		    timer->id == id)
			return timer;
	}
	return NULL;
}

struct timer *timers_first(struct clock *c)
{
	struct timer *first = NULL;

	for (size_t i = 0; i < c->timer_count; i++) {
		struct timer *timer = &c->timers[i];

		if (timer->deadline_ns == CLOCK_NEVER_NS)
			continue;
		if (!first || timer->deadline_ns < first->deadline_ns ||
		    (timer->deadline_ns == first->deadline_ns &&
		     timer->seq < first->seq))
			first = timer;
	}
	return first;
}

bool timers_will_signal(const struct clock *c, pid_t tgid)
{
	for (size_t i = 0; i < c->timer_count; i++) {
		const struct timer *timer = &c->timers[i];

		if (timer->tgid == tgid && timer->kind != TIMER_FD &&
		    timer->deadline_ns != CLOCK_NEVER_NS)
			return true;
	}
	return false;
}

static void timers_signal(struct timer *timer)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = timer->signo;
	info.si_code = SI_TIMER;
	info.si_timerid = timer->id;
	info.si_value.sival_ptr = (void *)(uintptr_t)timer->value;
	if (timer->notify == SIGEV_NONE)
		return;
	/* ESRCH: it has ended meanwhile, its exit is on the way to us. */
	if (timer->notify == SIGEV_THREAD_ID)
		syscall(SYS_rt_tgsigqueueinfo, timer->tgid, timer->notify_tid,
			timer->signo, &info);
	else
		syscall(SYS_rt_sigqueueinfo, timer->tgid, timer->signo, &info);
}

void timers_fire(struct clock *c, struct timer *timer)
{
	static const struct itimerspec at_once = {.it_value = {0, 1}};

	if (timer->interval_ns) {
		timer->deadline_ns += timer->interval_ns;
		timer->seq = c->seq++;
	} else {
		timer->deadline_ns = CLOCK_NEVER_NS;
	}
	switch (timer->kind) {
	case TIMER_ITIMER:
		kill(timer->tgid, SIGALRM); /* ESRCH: as above */
		return;
	case TIMER_POSIX:
		timers_signal(timer);
		return;
	case TIMER_FD:
		timerfd_settime(timer->id, 0, &at_once, NULL);
		return;
	}
}

static int64_t timers_left(struct clock *c, const struct timer *timer)
{
	int64_t left_ns;

	if (!timer || timer->deadline_ns == CLOCK_NEVER_NS)
		return 0;
	left_ns = timer->deadline_ns - clock_mono_ns(c);
	/* 0 would say "not armed". */
	return left_ns > 1000 ? left_ns : 1000;
}

static void timers_arm(struct clock *c, struct timer *timer,
		       int64_t deadline_ns, int64_t interval_ns)
{
	timer->deadline_ns = clock_round_ns(deadline_ns);
	timer->interval_ns = interval_ns ? clock_round_ns(interval_ns) : 0;
	timer->seq = c->seq++;
}

static void timers_set_relative(struct clock *c, struct timer *timer,
				int64_t value_ns, int64_t interval_ns)
{
	if (value_ns > 0)
		timers_arm(c, timer, clock_mono_ns(c) + value_ns, interval_ns);
	else
		timer->deadline_ns = CLOCK_NEVER_NS;
}

long timers_alarm(struct clock *c, struct task *t, unsigned seconds)
{
	pid_t tgid = t->process->tgid;
	struct timer *timer = timers_find(c, TIMER_ITIMER, tgid, 0);
	int64_t left_ns = timers_left(c, timer);

	if (!timer && seconds)
		timer = timers_add(c, TIMER_ITIMER, tgid, 0);
	if (timer)
		timers_set_relative(c, timer, seconds * CLOCK_NS_PER_S, 0);
	/* Rounded to the nearest, but never to 0 (alarm(2); the kernel). */
	if (left_ns && left_ns < CLOCK_NS_PER_S)
		return 1;
	return (long)((left_ns + CLOCK_NS_PER_S / 2) / CLOCK_NS_PER_S);
}

static struct timeval timers_ns_tv(int64_t ns)
{
	return (struct timeval){ns / CLOCK_NS_PER_S,
				ns % CLOCK_NS_PER_S / 1000};
}

static long timers_put_itimer(struct clock *c, struct task *t,
			      const struct timer *timer, uint64_t at)
{
	struct itimerval old = {
		.it_value = timers_ns_tv(timers_left(c, timer)),
		.it_interval = timers_ns_tv(timer ? timer->interval_ns : 0)};

	return clock_poke(t->tid, at, &old, sizeof(old));
}

long timers_getitimer(struct clock *c, struct task *t, uint64_t at)
{
	return timers_put_itimer(
		c, t, timers_find(c, TIMER_ITIMER, t->process->tgid, 0), at);
}

long timers_setitimer(struct clock *c, struct task *t, uint64_t new_at,
		      uint64_t old_at)
{
	pid_t tgid = t->process->tgid;
	struct timer *timer = timers_find(c, TIMER_ITIMER, tgid, 0);
	struct itimerval value = {0};
	int64_t value_ns, interval_ns;

	if (new_at && clock_peek(t->tid, new_at, &value, sizeof(value)))
		return -EFAULT;
	if (old_at && timers_put_itimer(c, t, timer, old_at))
		return -EFAULT;
	value_ns = value.it_value.tv_sec * CLOCK_NS_PER_S +
		   value.it_value.tv_usec * 1000;
	interval_ns = value.it_interval.tv_sec * CLOCK_NS_PER_S +
		      value.it_interval.tv_usec * 1000;
	if (!timer && value_ns)
		timer = timers_add(c, TIMER_ITIMER, tgid, 0);
	if (timer)
		timers_set_relative(c, timer, value_ns, interval_ns);
	return 0;
}

/* The thread that the program calls @inner_tid, in the tracer's numbers. */
static pid_t timers_thread(struct clock *c, const struct process *p,
			   pid_t inner_tid)
{
	for (size_t i = 0; i < c->tasks.count; i++) {
		const struct task *t = c->tasks.all[i];

		if (t->process == p && task_read_inner_tid(t->tid) == inner_tid)
			return t->tid;
	}
	return p->tgid;
}

void timers_created(struct clock *c, struct task *t,
		    const struct arch_regs *call)
{
	clockid_t id = (clockid_t)arch_arg(call, 0);
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGALRM};
	struct timer *timer;
	int timer_id;

	if (!clock_is_real(id) && !clock_is_mono(id) && id < 8)
		return; /* processor time is the host's */
	if (clock_peek(t->tid, arch_arg(call, 2), &timer_id, sizeof(timer_id)))
		return;
	event.sigev_value.sival_int = timer_id;
	if (arch_arg(call, 1))
		clock_peek(t->tid, arch_arg(call, 1), &event, sizeof(event));
	timer = timers_add(c, TIMER_POSIX, t->process->tgid, timer_id);
	if (!timer)
		return;
	timer->realtime = clock_is_real(id) || id == CLOCK_REALTIME_ALARM;
	timer->signo = event.sigev_signo;
	timer->notify = event.sigev_notify;
	timer->value = (uintptr_t)event.sigev_value.sival_ptr;
	if (event.sigev_notify == SIGEV_THREAD_ID)
		timer->notify_tid =
			timers_thread(c, t->process, event._sigev_un._tid);
}

static long timers_put_spec(struct clock *c, struct task *t,
			    const struct timer *timer, uint64_t at)
{
	struct itimerspec old = {
		.it_value = timers_ns_ts(timers_left(c, timer)),
		.it_interval = timers_ns_ts(timer ? timer->interval_ns : 0)};

	return clock_poke(t->tid, at, &old, sizeof(old));
}

static long timers_set_spec(struct clock *c, struct task *t,
			    struct timer *timer, bool absolute, uint64_t new_at,
			    uint64_t old_at)
{
	struct itimerspec value;
	int64_t value_ns, interval_ns;

	if (clock_peek(t->tid, new_at, &value, sizeof(value)))
		return -EFAULT;
	if (value.it_value.tv_nsec < 0 || value.it_value.tv_sec < 0 ||
	    value.it_value.tv_nsec >= CLOCK_NS_PER_S)
		return -EINVAL;
	if (old_at && timers_put_spec(c, t, timer, old_at))
		return -EFAULT;
	value_ns = timers_ts_ns(&value.it_value);
	interval_ns = timers_ts_ns(&value.it_interval);
	if (absolute && value_ns) {
		if (timer->realtime)
			value_ns += clock_mono_ns(c) - clock_real_ns(c);
		timers_arm(c, timer, value_ns, interval_ns);
	} else {
		timers_set_relative(c, timer, value_ns, interval_ns);
	}
	return 0;
}

long timers_settime(struct clock *c, struct task *t, int id, int flags,
		    uint64_t new_at, uint64_t old_at)
{
	struct timer *timer = timers_find(c, TIMER_POSIX, t->process->tgid, id);

	if (!timer)
		return -ENOENT;
	return timers_set_spec(c, t, timer, flags & TIMER_ABSTIME, new_at,
			       old_at);
}

long timers_gettime(struct clock *c, struct task *t, int id, uint64_t at)
{
	struct timer *timer = timers_find(c, TIMER_POSIX, t->process->tgid, id);

	return timer ? timers_put_spec(c, t, timer, at) : -ENOENT;
}

long timers_delete(struct clock *c, struct task *t, int id)
{
	struct timer *timer = timers_find(c, TIMER_POSIX, t->process->tgid, id);

	if (!timer)
		return -ENOENT;
	timers_remove(c, timer);
	return 0;
}

/* The same open timerfd as @fd of the task, whoever armed it first. */
static struct timer *timers_fd_find(struct clock *c, struct task *t, int fd)
{
	for (size_t i = 0; i < c->timer_count; i++) {
		struct timer *timer = &c->timers[i];

		if (timer->kind == TIMER_FD &&
		    syscall(SYS_kcmp, getpid(), t->tid, KCMP_FILE, timer->id,
			    fd) == 0)
			return timer;
	}
	return NULL;
}

static int timers_fd_clock(int fd)
{
	char path[64], buf[512];
	const char *line;
	ssize_t n;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -1;
	n = read(info, buf, sizeof(buf) - 1);
	close(info);
	buf[n > 0 ? n : 0] = '\0';
	line = strstr(buf, "clockid:");
	return line ? (int)strtol(line + 8, NULL, 10) : -1;
}

static struct timer *timers_fd_adopt(struct clock *c, struct task *t, int fd)
{
	struct timer *timer;
	int own = task_borrow_fd(t, fd), clockid;

	if (own < 0)
		return NULL;
	clockid = timers_fd_clock(own);
	timer = clockid < 0 ? NULL
			    : timers_add(c, TIMER_FD, t->process->tgid, own);
	if (!timer) {
		close(own);
		return NULL;
	}
	timer->realtime = clock_is_real(clockid);
	return timer;
}

long timers_fd_settime(struct clock *c, struct task *t, int fd, int flags,
		       uint64_t new_at, uint64_t old_at)
{
	static const struct itimerspec disarm;
	struct timer *timer = timers_fd_find(c, t, fd);

	if (!timer)
		timer = timers_fd_adopt(c, t, fd);
	if (!timer)
		return -ENOENT;
	/* A new setting clears expirations that nobody has read. */
	timerfd_settime(timer->id, 0, &disarm, NULL);
	return timers_set_spec(c, t, timer, flags & TFD_TIMER_ABSTIME, new_at,
			       old_at);
}

long timers_fd_gettime(struct clock *c, struct task *t, int fd, uint64_t at)
{
	struct timer *timer = timers_fd_find(c, t, fd);

	return timer ? timers_put_spec(c, t, timer, at) : -ENOENT;
}

void timers_forked(struct clock *c, pid_t parent, pid_t child)
{
	size_t count = c->timer_count;

	/* A daemon's parent leaves: the child keeps the timerfd. */
	for (size_t i = 0; i < count; i++)
		if (c->timers[i].kind == TIMER_FD &&
		    c->timers[i].tgid == parent && c->timers[i].notify_tid == 0)
			c->timers[i].notify_tid = child;
}

void timers_execed(struct clock *c, pid_t tgid)
{
	/* Interval timers and alarms go on (execve(2)); POSIX timers end. */
	for (size_t i = c->timer_count; i-- > 0;)
		if (c->timers[i].kind == TIMER_POSIX &&
		    c->timers[i].tgid == tgid)
			timers_remove(c, &c->timers[i]);
}

void timers_exited(struct clock *c, pid_t tgid)
{
	for (size_t i = c->timer_count; i-- > 0;) {
		struct timer *timer = &c->timers[i];

		if (timer->tgid != tgid)
			continue;
		if (timer->kind == TIMER_FD && timer->notify_tid &&
		    task_process(&c->tasks, timer->notify_tid)) {
			timer->tgid = timer->notify_tid;
			timer->notify_tid = 0;
			continue;
		}
		timers_remove(c, timer);
	}
}

void timers_release(struct clock *c)
{
	while (c->timer_count)
		timers_remove(c, &c->timers[c->timer_count - 1]);
	free(c->timers);
	c->timers = NULL;
}
