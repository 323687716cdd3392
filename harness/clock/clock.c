/* SPDX-License-Identifier: MIT */
/*
 * The tracer's loop: take the next stop and act on it; when there is none,
 * look whether all is quiet; when it is, jump to the earliest deadline.
 */
#include "harness/clock/clock.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/clock/clock_priv.h"

enum {
	CLOCK_SEIZE_TRIES = 20000, /* looks for the child's first stop */
	CLOCK_SPIN_HOST_S = 300,   /* busy without a stop: it never ends */
	/* … but with a timer of its own it waits for that, once it has had
	 * the processor for longer than any honest work between two stops. */
	CLOCK_SPIN_RAN_MS = 5000,
	CLOCK_SPIN_AGAIN_MS = 20, /* of a program that has done so before */
	/* Reads after which the step doubles: a random generator that stamps
	 * each number (GnuTLS making a key) takes thousands. */
	CLOCK_SLOW_READS_STEP = 8192,
	CLOCK_SLOW_STEP_SHIFT_MAX = 20,
	CLOCK_KILL_ROUNDS = 1000,
	CLOCK_REST_MIN_NS = 15000, /* before the first look after a restart */
	CLOCK_REST_MAX_NS = 2000000,
};

int64_t clock_host_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * CLOCK_NS_PER_S + ts.tv_nsec;
}

/* --- virtual now ------------------------------------------------------- */

static int64_t clock_read_offset(const struct clock *c)
{
	int64_t reads = atomic_load(&c->page->reads);

	if (reads > PAGE_READS_MAX)
		reads = PAGE_READS_MAX;
	return reads * PAGE_READ_STEP_NS;
}

int64_t clock_mono_ns(struct clock *c)
{
	return c->page->mono_ns + clock_read_offset(c);
}

int64_t clock_real_ns(struct clock *c)
{
	return c->page->real_ns + clock_read_offset(c);
}

bool clock_is_real(clockid_t id)
{
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ||
	       id == CLOCK_TAI;
}

bool clock_is_mono(clockid_t id)
{
	return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW ||
	       id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME;
}

/* A read by system call. One that reads on and on makes time run faster. */
int64_t clock_read_ns(struct clock *c, clockid_t id)
{
	if (atomic_load(&c->page->reads) < PAGE_READS_MAX) {
		atomic_fetch_add(&c->page->reads, 1);
	} else {
		int64_t shift = c->slow_reads++ / CLOCK_SLOW_READS_STEP;
		int64_t step_ns;

		if (shift > CLOCK_SLOW_STEP_SHIFT_MAX)
			shift = CLOCK_SLOW_STEP_SHIFT_MAX;
		step_ns = (int64_t)PAGE_READ_STEP_NS << shift;
		c->page->mono_ns += step_ns;
		c->page->real_ns += step_ns;
	}
	return clock_is_mono(id) ? clock_mono_ns(c) : clock_real_ns(c);
}

int64_t clock_round_ns(int64_t deadline_ns)
{
	if (deadline_ns > CLOCK_NEVER_NS - CLOCK_TICK_NS)
		return CLOCK_NEVER_NS;
	return (deadline_ns + CLOCK_TICK_NS - 1) / CLOCK_TICK_NS *
	       CLOCK_TICK_NS;
}

int64_t clock_virtual_ns(const struct clock *c)
{
	return c->page->mono_ns - CLOCK_UPTIME_NS;
}

int64_t clock_latest_ns(const struct clock *c)
{
	return clock_virtual_ns(c) + clock_read_offset(c);
}

static void clock_move_to(struct clock *c, int64_t mono_ns)
{
	int64_t delta_ns = mono_ns - c->page->mono_ns;

	if (mono_ns <= clock_mono_ns(c))
		return; /* reads have carried it there already */
	c->page->mono_ns = mono_ns;
	c->page->real_ns += delta_ns;
	atomic_store(&c->page->reads, 0);
	c->slow_reads = 0;
	c->stats.jumps++;
	stamp_jump(&c->stamps, c->page->real_ns);
	if (c->options.on_jump)
		c->options.on_jump(c->options.arg, clock_virtual_ns(c));
}

/* --- memory of a task -------------------------------------------------- */

int clock_peek(pid_t tid, uint64_t at, void *buf, size_t len)
{
	struct iovec local = {buf, len};
	struct iovec remote = {(void *)(uintptr_t)at, len};

	return process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)len
		       ? 0
		       : -EFAULT;
}

int clock_poke(pid_t tid, uint64_t at, const void *buf, size_t len)
{
	struct iovec local = {(void *)(uintptr_t)buf, len};
	struct iovec remote = {(void *)(uintptr_t)at, len};

	return process_vm_writev(tid, &local, 1, &remote, 1, 0) == (ssize_t)len
		       ? 0
		       : -EFAULT;
}

void clock_unhandled(struct clock *c, const char *call)
{
	/* Once per call: a bit by a hash of its name is enough for a note. */
	unsigned hash = 5381;

	for (const char *p = call; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	hash %= sizeof(c->reported) * 8;
	if (c->reported[hash / 8] & (1u << hash % 8))
		return;
	c->reported[hash / 8] |= (unsigned char)(1u << hash % 8);
	if (c->options.on_unhandled)
		c->options.on_unhandled(c->options.arg, call);
}

/* ESRCH is no error: killed meanwhile, its exit will be reported. */
void clock_continue(struct task *t, int signo)
{
	ptrace(t->exit_job != EXIT_NONE ? PTRACE_SYSCALL : PTRACE_CONT, t->tid,
	       NULL, (void *)(intptr_t)signo);
}

/* --- one stop ---------------------------------------------------------- */

static void clock_forget(struct clock *c, struct task *t)
{
	struct process *gone = task_remove(&c->tasks, t);

	if (!gone)
		return;
	timers_exited(c, gone->tgid);
	free(gone);
}

static void clock_inherit(struct clock *c, struct task *parent, pid_t child,
			  int event)
{
	struct task *t = task_find(&c->tasks, child);
	pid_t tgid =
		event == PTRACE_EVENT_CLONE ? task_read_tgid(child) : child;

	if (t && t->process->tgid != tgid) { /* it was seen before its time */
		clock_forget(c, t);
		t = NULL;
	}
	if (!t) {
		t = task_add(&c->tasks, child, tgid);
	} else if (t->held) {
		t->held = false;
		clock_continue(t, 0);
	}
	if (tgid == parent->process->tgid)
		return;
	c->stats.forks++;
	t->process->socket_timeouts = parent->process->socket_timeouts;
	timers_forked(c, parent->process->tgid, tgid);
	if (event == PTRACE_EVENT_VFORK)
		parent->vfork_child = child;
}

static void clock_on_fork(struct clock *c, struct task *t, int event)
{
	unsigned long child;

	if (ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &child) == 0)
		clock_inherit(c, t, (pid_t)child, event);
	clock_continue(t, 0);
}

static void clock_vfork_done(struct clock *c, pid_t child)
{
	for (size_t i = 0; i < c->tasks.count; i++)
		if (c->tasks.all[i]->vfork_child == child)
			c->tasks.all[i]->vfork_child = 0;
}

static void clock_on_exec(struct clock *c, struct task *t)
{
	unsigned long old_tid;

	c->stats.execs++;
	/* The thread that called execve takes the leader's number. */
	if (ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &old_tid) == 0 &&
	    (pid_t)old_tid != t->tid) {
		struct task *old = task_find(&c->tasks, (pid_t)old_tid);

		if (old)
			clock_forget(c, old);
	}
	t->wait.active = t->resume.active = false;
	t->exit_job = EXIT_NONE;
	timers_execed(c, t->process->tgid);
	clock_vfork_done(c, t->tid);
	if (arch_exec_fix(t->tid, c->shmid) == 0)
		clock_continue(t, 0);
}

static void clock_on_event_stop(struct clock *c, struct task *t, int signo)
{
	bool group_stop = signo == SIGSTOP || signo == SIGTSTP ||
			  signo == SIGTTIN || signo == SIGTTOU;

	calls_interrupted(c, t);
	if (group_stop)
		t->listening = ptrace(PTRACE_LISTEN, t->tid, NULL, NULL) == 0;
	else
		clock_continue(t, 0);
}

static void clock_on_end(struct clock *c, pid_t tid, int status)
{
	struct task *t = task_find(&c->tasks, tid);

	if (tid == c->root) {
		c->root_ended = true;
		c->root_status = status;
	}
	clock_vfork_done(c, tid);
	if (t)
		clock_forget(c, t);
}

static void clock_dispatch(struct clock *c, pid_t tid, int status)
{
	struct task *t;
	int signo, event;

	c->stats.stops++;
	if (!WIFSTOPPED(status)) {
		clock_on_end(c, tid, status);
		return;
	}
	t = task_find(&c->tasks, tid);
	if (!t) { /* a newborn that is faster than its parent's report */
		t = task_add(&c->tasks, tid, task_read_tgid(tid));
		t->held = true;
		return;
	}
	t->listening = t->spinning = false;
	t->ran_ns = 0;
	signo = WSTOPSIG(status);
	event = status >> 16;
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		calls_enter(c, t);
		return;
	case PTRACE_EVENT_EXEC:
		clock_on_exec(c, t);
		return;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		clock_on_fork(c, t, event);
		return;
	case PTRACE_EVENT_STOP:
		clock_on_event_stop(c, t, signo);
		return;
	default:
		break;
	}
	if (signo == (SIGTRAP | 0x80)) {
		calls_exit(c, t);
		return;
	}
	calls_interrupted(c, t);
	clock_continue(t, signo);
}

/* --- quiet ------------------------------------------------------------- */

static uint64_t clock_own_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
}

/* Has it stopped again since? Then that stop comes first. */
static bool clock_stop_pending(pid_t tid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)tid, &info,
		      WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0 &&
	       info.si_pid != 0;
}

static bool clock_asleep(struct clock *c, struct task *t)
{
	char state = task_state(t);

	if (state != 'R')
		t->spinning = false;
	switch (state) {
	case 'R':
		return t->spinning;
	case 'S':
	case 'T': /* stopped by a signal */
		return true;
	case 'Z':
		/* Its end is for us to take first: before that its parent
		 * does not hear of it. But a leader stays until its last
		 * thread has gone. */
		return t->process->tasks > 1;
	case 't':
		return t->listening && !clock_stop_pending(t->tid);
	case 'D':
		return t->vfork_child != 0;
	case 0:
		clock_forget(c, t); /* died, and was reaped by another */
		return true;
	default:
		return false;
	}
}

/*
 * Is every task asleep? Tree and tracer share one processor: when the tracer
 * has not been switched out during the look, no task has run meanwhile, and
 * the states it read belong to one moment. State S alone does not say that a
 * task sleeps: one that was preempted between setting its state and giving
 * up the processor shows S and is about to run. /proc/…/syscall tells: the
 * kernel makes sure there that the task is off its run queue.
 */
static bool clock_is_quiet(struct clock *c)
{
	uint64_t before = clock_own_switches();

	c->stats.looks++;
	for (size_t i = c->tasks.count; i-- > 0;) {
		if (c->tasks.all[i]->held) {
			c->tasks.all[i]->held = false;
			clock_continue(c->tasks.all[i], 0);
			return false;
		}
		if (!clock_asleep(c, c->tasks.all[i]))
			return false;
	}
	for (size_t i = 0; i < c->tasks.count; i++)
		if (!c->tasks.all[i]->spinning &&
		    !task_is_off_queue(c->tasks.all[i]))
			return false;
	return clock_own_switches() == before;
}

static struct task *clock_first_wait(struct clock *c)
{
	struct task *first = NULL;

	for (size_t i = 0; i < c->tasks.count; i++) {
		struct task *t = c->tasks.all[i];
		const struct wait *w = &t->wait;

		if (!w->active || w->fired || w->deadline_ns == CLOCK_NEVER_NS)
			continue;
		if (!first || w->deadline_ns < first->wait.deadline_ns ||
		    (w->deadline_ns == first->wait.deadline_ns &&
		     w->seq < first->wait.seq))
			first = t;
	}
	return first;
}

static bool clock_wait_is_first(const struct task *t, const struct timer *timer)
{
	if (!t || !timer)
		return t != NULL;
	if (t->wait.deadline_ns != timer->deadline_ns)
		return t->wait.deadline_ns < timer->deadline_ns;
	return t->wait.seq < timer->seq;
}

static void clock_trace(struct clock *c, int64_t due_ns, const struct task *t,
			const struct timer *timer)
{
	if (!c->options.trace)
		return;
	fprintf(c->options.trace, "%.6f +%.6f ",
		(double)(due_ns - CLOCK_UPTIME_NS) / 1e9,
		(double)(due_ns - clock_mono_ns(c)) / 1e9);
	if (t)
		fprintf(c->options.trace, "task %d call %ld\n", t->tid,
			arch_nr(&t->wait.call));
	else
		fprintf(c->options.trace, "process %d timer %d\n", timer->tgid,
			(int)timer->kind);
}

/*
 * Who spins until his timer counts as asleep. When it has gone off he is not:
 * the signal still has to be taken, at the moment that it came for.
 */
static void clock_end_spin(struct clock *c, pid_t tgid)
{
	for (size_t i = 0; i < c->tasks.count; i++) {
		struct task *t = c->tasks.all[i];

		if (t->process->tgid == tgid) {
			t->spinning = false;
			t->ran_ns = 0;
		}
	}
}

/*
 * End the earliest wait or timer; with @jump, after moving the clock there,
 * else only when it is due already. False when there is none.
 */
static bool clock_fire(struct clock *c, bool jump)
{
	for (;;) {
		struct task *t = clock_first_wait(c);
		struct timer *timer = timers_first(c);
		bool is_wait = clock_wait_is_first(t, timer);
		int64_t due_ns;

		if (!t && !timer)
			return false;
		due_ns = is_wait ? t->wait.deadline_ns : timer->deadline_ns;
		if (!jump && due_ns > clock_mono_ns(c))
			return false;
		if (is_wait && !calls_still_waits(t)) {
			t->wait.active = false;
			continue;
		}
		clock_trace(c, due_ns, is_wait ? t : NULL, timer);
		clock_move_to(c, due_ns);
		if (is_wait) {
			t->wait.fired = true;
			ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
		} else {
			clock_end_spin(c, timer->tgid);
			timers_fire(c, timer);
		}
		return true;
	}
}

static void clock_find_socket_waits(struct clock *c)
{
	for (size_t i = 0; i < c->tasks.count; i++)
		if (c->tasks.all[i]->process->socket_timeouts)
			calls_find_socket_wait(c, c->tasks.all[i]);
}

/* Nothing will happen by itself: wait a little for the outside. */
static void clock_wait_outside(void)
{
	static const struct timespec moment = {0, 5000000};

	nanosleep(&moment, NULL);
}

/* All is quiet: 0 to go on, or a reason to end. */
static int clock_on_quiet(struct clock *c)
{
	if (c->options.on_quiet && c->options.on_quiet(c->options.arg))
		return 0;
	if (c->options.should_stop && c->options.should_stop(c->options.arg))
		return -ECANCELED;
	clock_find_socket_waits(c);
	if (clock_fire(c, true))
		return 0;
	if (!c->options.external)
		return -EDEADLK;
	clock_wait_outside();
	return 0;
}

/* --- the run ----------------------------------------------------------- */

static void clock_kill_all(struct clock *c)
{
	int status;
	pid_t tid;

	for (size_t i = 0; i < c->tasks.count; i++)
		kill(c->tasks.all[i]->process->tgid, SIGKILL);
	for (int i = 0; i < CLOCK_KILL_ROUNDS && c->tasks.count; i++) {
		tid = waitpid(-1, &status, __WALL | WNOHANG);
		if (tid < 0 && errno == ECHILD)
			return;
		if (tid <= 0) {
			clock_wait_outside();
			continue;
		}
		if (!WIFSTOPPED(status)) {
			clock_on_end(c, tid, status);
			i = 0;
		} else {
			kill(tid, SIGKILL);
			ptrace(PTRACE_CONT, tid, NULL, NULL);
		}
	}
}

/* Sleep until a tracee stops, or for @host_ns to look again. */
static void clock_rest(int64_t host_ns)
{
	const struct timespec ts = {0, host_ns};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &ts);
}

/*
 * A program that asks for the same thing again and again until its alarm goes
 * off would wait for ever, as time stands still while it runs: read() at the
 * end of a connection, in dma. Found by processor time, so that a busy machine
 * changes nothing.
 */
static bool clock_is_spinner(const struct clock *c, const struct task_file *exe)
{
	for (size_t i = 0; i < c->spinner_count; i++)
		if (c->spinners[i].device == exe->device &&
		    c->spinners[i].inode == exe->inode)
			return true;
	return false;
}

/* Has @t, which ran for so long without a stop, nothing but its timer? */
static bool clock_has_spun(struct clock *c, struct task *t, uint64_t ran_ns)
{
	struct task_file exe;

	if (ran_ns <= CLOCK_SPIN_AGAIN_MS * UINT64_C(1000000) ||
	    !task_program(t, &exe))
		return false;
	if (clock_is_spinner(c, &exe))
		return true;
	if (ran_ns <= CLOCK_SPIN_RAN_MS * UINT64_C(1000000))
		return false;
	if (c->spinner_count < CLOCK_SPINNERS_MAX)
		c->spinners[c->spinner_count++] = exe;
	return true;
}

static void clock_find_spinners(struct clock *c)
{

	for (size_t i = 0; i < c->tasks.count; i++) {
		struct task *t = c->tasks.all[i];
		uint64_t ran_ns;

		if (t->spinning || task_state(t) != 'R' ||
		    !timers_will_signal(c, t->process->tgid))
			continue;
		ran_ns = task_ran_ns(t);
		if (!t->ran_ns)
			t->ran_ns = ran_ns;
		else
			t->spinning = clock_has_spun(c, t, ran_ns - t->ran_ns);
	}
}

static int clock_check_busy(struct clock *c, int64_t busy_since_ns)
{
	clock_find_spinners(c);
	if (c->options.should_stop && c->options.should_stop(c->options.arg))
		return -ECANCELED;
	if (clock_host_ns() - busy_since_ns >
	    CLOCK_SPIN_HOST_S * CLOCK_NS_PER_S)
		return -ETIME;
	return 0;
}

static int clock_loop(struct clock *c)
{
	int64_t busy_since_ns = clock_host_ns();
	int64_t rest_ns = 0;
	int status, err;
	pid_t tid;

	while (!c->root_ended) {
		tid = waitpid(-1, &status, __WALL | WNOHANG);
		if (tid > 0) {
			clock_dispatch(c, tid, status);
			rest_ns = 0;
			continue;
		}
		if (tid < 0 && errno == ECHILD)
			return -ECHILD;
		if (rest_ns == 0) {
			/* What was just restarted needs the processor. */
			rest_ns = CLOCK_REST_MIN_NS;
			busy_since_ns = clock_host_ns();
		} else if (clock_is_quiet(c)) {
			err = clock_on_quiet(c);
			if (err)
				return err;
			rest_ns = 0;
			continue;
		} else if (rest_ns < CLOCK_REST_MAX_NS) {
			rest_ns *= 2;
		} else {
			err = clock_check_busy(c, busy_since_ns);
			if (err)
				return err;
		}
		if (!clock_fire(c, false))
			clock_rest(rest_ns);
	}
	return 0;
}

int clock_run(struct clock *c, int *ret_status)
{
	int err = clock_loop(c);

	clock_kill_all(c);
	if (c->root_ended)
		*ret_status = c->root_status;
	return err;
}

/* --- making and ending it ---------------------------------------------- */

int clock_traceme(void)
{
	/* The tracer seizes us while we are stopped, then lets us go on. */
	if (raise(SIGSTOP))
		return -errno;
	return calls_install_filter();
}

static int clock_wait_stopped(pid_t pid)
{
	struct task probe = {.tid = pid, .stat_fd = -1};
	struct process process = {.tgid = pid};

	probe.process = &process;
	for (int i = 0; i < CLOCK_SEIZE_TRIES; i++) {
		char state = task_state(&probe);

		if (state == 'T' || state == 0 || state == 'Z') {
			if (probe.stat_fd >= 0)
				close(probe.stat_fd);
			return state == 'T' ? 0 : -ESRCH;
		}
		clock_wait_outside();
	}
	return -ETIMEDOUT;
}

static int clock_make_page(struct clock *c, FILE *errors)
{
	/* Marked for removal at once: gone when the last process is. Linux
	 * lets others attach it until then (shmctl(2)). */
	c->shmid = shmget(IPC_PRIVATE, sizeof(*c->page), 0666);
	if (c->shmid < 0) {
		fprintf(errors,
			"clock: no shared memory segment: %s; hint: raise "
			"kernel.shmmni or free some with ipcrm\n",
			strerror(errno));
		return -errno;
	}
	c->page = shmat(c->shmid, NULL, 0);
	shmctl(c->shmid, IPC_RMID, NULL);
	if (c->page == (void *)-1) {
		c->page = NULL;
		fprintf(errors, "clock: can't attach shared memory: %s\n",
			strerror(errno));
		return -EIO;
	}
	c->page->mono_ns = CLOCK_UPTIME_NS;
	c->page->real_ns = c->options.start_unix_ns;
	return 0;
}

static int clock_seize(struct clock *c, pid_t pid, FILE *errors)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP |
		       PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
		       PTRACE_O_EXITKILL;
	int err = clock_wait_stopped(pid);

	if (err) {
		fprintf(errors, "clock: the traced program ended before it "
				"began\n");
		return err;
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options)) {
		err = -errno;
		fprintf(errors,
			"clock: this machine forbids ptrace (%s); hint: run as "
			"root, set kernel.yama.ptrace_scope=1, or give the "
			"container --cap-add=SYS_PTRACE\n",
			strerror(errno));
		return err;
	}
	task_add(&c->tasks, pid, pid);
	kill(pid, SIGCONT);
	return 0;
}

static void clock_pin(struct clock *c, pid_t pid)
{
	cpu_set_t set;
	int cpu = c->options.cpu < 0 ? sched_getcpu() : c->options.cpu;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	/* Not pinned it would be slower and less sure of what it sees;
	 * both calls fail only where the processor is not ours to use. */
	if (sched_setaffinity(pid, sizeof(set), &set) == 0)
		sched_setaffinity(0, sizeof(set), &set);
}

/* SIGCHLD ends a rest; it must be pending, not ignored. */
static void clock_expect_stops(void)
{
	struct sched_param param = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGCHLD, SIG_DFL);
	/* A batch task does not preempt others when it wakes: the tree runs
	 * until it sleeps or stops, then the tracer. Its share of a busy
	 * processor stays a full one, unlike SCHED_IDLE's. */
	sched_setscheduler(0, SCHED_BATCH, &param);
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

int clock_new(const struct clock_options *options, pid_t pid, FILE *errors,
	      struct clock **ret)
{
	struct clock *c = calloc(1, sizeof(*c));
	int err;

	assert(c);
	c->options = *options;
	c->root = pid;
	c->stamps.probe_fd = -1;
	c->host_start_ns = clock_host_ns();
	if (options->count_calls) {
		c->stats.calls =
			calloc(clock_call_count() + 1, sizeof(*c->stats.calls));
		assert(c->stats.calls);
	}
	err = stamp_init(&c->stamps, options->bias_file_times,
			 options->start_unix_ns);
	if (!err)
		err = clock_make_page(c, errors);
	if (!err) {
		clock_pin(c, pid);
		clock_expect_stops();
		err = clock_seize(c, pid, errors);
	}
	if (err) {
		clock_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void clock_stats(const struct clock *c, struct clock_stats *ret)
{
	*ret = c->stats;
	ret->host_ns = clock_host_ns() - c->host_start_ns;
	ret->virtual_ns = clock_virtual_ns(c);
}

void clock_free(struct clock *c)
{
	if (!c)
		return;
	task_table_release(&c->tasks);
	timers_release(c);
	free(c->sockets);
	free(c->stats.calls);
	if (c->stamps.epochs)
		stamp_release(&c->stamps);
	if (c->page)
		shmdt(c->page);
	free(c);
}
