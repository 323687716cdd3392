/* SPDX-License-Identifier: MIT */
/*
 * Shared inside the clock: the tracer's state (clock.c), the calls it
 * handles (calls.c), the timers it emulates (timers.c).
 */
#ifndef HARNESS_CLOCK_CLOCK_PRIV_H
#define HARNESS_CLOCK_CLOCK_PRIV_H

#include <time.h>

#include "harness/clock/clock.h"
#include "harness/clock/page.h"
#include "harness/clock/stamp.h"
#include "harness/clock/task.h"

#define CLOCK_NS_PER_S INT64_C(1000000000)
/* Deadlines are rounded up to this, so that the microseconds of single clock
 * reads never add up to another schedule. */
#define CLOCK_TICK_NS  INT64_C(1000000)
#define CLOCK_NEVER_NS INT64_MAX
/* CLOCK_MONOTONIC at the start of each run. */
#define CLOCK_UPTIME_NS (INT64_C(100000) * CLOCK_NS_PER_S)
/* Linux gives up a blocking connect() after tcp_syn_retries 6: 127 s. */
#define CLOCK_CONNECT_NS (INT64_C(127) * CLOCK_NS_PER_S)

enum {
	CLOCK_CALLS_MAX = 1024, /* call numbers */
	CLOCK_TIMERS_MAX = 65536,
	CLOCK_SOCKETS_MAX = 65536,
	CLOCK_SPINNERS_MAX = 8, /* more are waited for longer, each time */
};

enum timer_kind { TIMER_ITIMER, TIMER_POSIX, TIMER_FD };

/* An armed or idle timer of a process. */
struct timer {
	enum timer_kind kind;
	pid_t tgid;
	int id;		     /* POSIX: timer id; FD: our own descriptor */
	bool realtime;	     /* counts CLOCK_REALTIME */
	bool cloexec;	     /* FD */
	int64_t deadline_ns; /* CLOCK_NEVER_NS: not armed */
	int64_t interval_ns;
	uint64_t seq;
	int signo;  /* POSIX */
	int notify; /* SIGEV_… */
	pid_t notify_tid;
	uint64_t value;
};

/* SO_RCVTIMEO and SO_SNDTIMEO of one socket, by inode. */
struct socket_timeout {
	uint64_t inode;
	int64_t receive_ns, send_ns; /* 0: none */
};

struct clock {
	struct clock_options options;
	struct clock_page *page;
	int shmid;
	pid_t root;
	int root_status;
	bool root_ended;
	struct task_table tasks;
	struct timer *timers;
	size_t timer_count, timer_room;
	struct socket_timeout *sockets;
	size_t socket_count, socket_room;
	struct stamp_map stamps;
	uint64_t seq;
	/* Programs that spin until their alarm: dma. */
	struct task_file spinners[CLOCK_SPINNERS_MAX];
	size_t spinner_count;
	int64_t slow_reads; /* reads by system call since the last jump */
	struct clock_stats stats;
	int64_t host_start_ns;
	unsigned char row_of[CLOCK_CALLS_MAX]; /* row + 1; 0: not known */
	unsigned char reported[64];	       /* bit per call: already named */
};

/* clock.c */
int64_t clock_mono_ns(struct clock *c);
int64_t clock_real_ns(struct clock *c);
int64_t clock_read_ns(struct clock *c, clockid_t id); /* counts as a read */
bool clock_is_real(clockid_t id);
bool clock_is_mono(clockid_t id);
int64_t clock_round_ns(int64_t deadline_ns);
void clock_unhandled(struct clock *c, const char *call);
int clock_peek(pid_t tid, uint64_t at, void *buf, size_t len);
int clock_poke(pid_t tid, uint64_t at, const void *buf, size_t len);
void clock_continue(struct task *t, int signo);

/* calls.c */
int calls_install_filter(void);
void calls_enter(struct clock *c, struct task *t);
void calls_exit(struct clock *c, struct task *t);
/* A stop in the middle of a wait: end it (fired) or make it restartable. */
void calls_interrupted(struct clock *c, struct task *t);
/* At a quiet moment: does it sleep in a call with SO_RCVTIMEO? */
void calls_find_socket_wait(struct clock *c, struct task *t);
/* Is it still in the wait that we know of? */
bool calls_still_waits(struct task *t);

/* timers.c */
struct timer *timers_first(struct clock *c);
/* Does a signal come to process @tgid by a timer of its own? */
bool timers_will_signal(const struct clock *c, pid_t tgid);
void timers_fire(struct clock *c, struct timer *timer);
long timers_alarm(struct clock *c, struct task *t, unsigned seconds);
long timers_setitimer(struct clock *c, struct task *t, uint64_t new_at,
		      uint64_t old_at);
long timers_getitimer(struct clock *c, struct task *t, uint64_t at);
void timers_created(struct clock *c, struct task *t,
		    const struct arch_regs *call);
/* These three return -ENOENT when the timer is not one of ours. */
long timers_settime(struct clock *c, struct task *t, int id, int flags,
		    uint64_t new_at, uint64_t old_at);
long timers_gettime(struct clock *c, struct task *t, int id, uint64_t at);
long timers_delete(struct clock *c, struct task *t, int id);
long timers_fd_settime(struct clock *c, struct task *t, int fd, int flags,
		       uint64_t new_at, uint64_t old_at);
long timers_fd_gettime(struct clock *c, struct task *t, int fd, uint64_t at);
void timers_forked(struct clock *c, pid_t parent, pid_t child);
void timers_execed(struct clock *c, pid_t tgid);
void timers_exited(struct clock *c, pid_t tgid);
void timers_release(struct clock *c);

#endif
