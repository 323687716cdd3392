/* SPDX-License-Identifier: MIT */
/*
 * The traced tree: tasks (threads), their processes, and what each waits for.
 */
#ifndef HARNESS_CLOCK_TASK_H
#define HARNESS_CLOCK_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/clock/arch.h"

/* A wait with a deadline on the virtual clock. */
struct wait {
	bool active;
	bool fired;	       /* the clock ended it: its stop is on the way */
	bool exit_armed;       /* a stop at the call's exit will come */
	long kernel_nr;	       /* the call the kernel runs (sleep → pause) */
	int64_t deadline_ns;   /* virtual CLOCK_MONOTONIC */
	uint64_t seq;	       /* breaks ties */
	long fired_ret;	       /* the call's own time-out result */
	struct arch_regs call; /* registers as the program set them */
	bool socket;	       /* found at a quiet moment: SO_RCVTIMEO */
};

/* What the exit stop of a call without a wait is for. */
enum exit_job {
	EXIT_NONE,
	EXIT_WAIT,
	EXIT_STAT,
	EXIT_STATX,
	EXIT_RESTORE, /* give the program its registers back */
	EXIT_TIMES,
	EXIT_SYSINFO,
	EXIT_TIMER_CREATE,
};

struct timer; /* timers.h */

struct process {
	pid_t tgid;
	int tasks;
	bool socket_timeouts; /* it or an ancestor set SO_RCVTIMEO/SNDTIMEO */
	struct process *next;
};

/* A file, whatever its name is. */
struct task_file {
	dev_t device;
	ino_t inode;
};

struct task {
	pid_t tid;
	struct process *process;
	int stat_fd, syscall_fd, sched_fd; /* /proc files, -1: not open */
	struct wait wait;
	/* An interrupted wait that the kernel may restart: same call at the
	 * same place keeps its deadline. */
	struct wait resume;
	enum exit_job exit_job;
	struct arch_regs call; /* for exit_job */
	pid_t vfork_child;     /* 0: none; then state D is a wait, too */
	bool held;	       /* a newborn whose parent has not reported */
	bool listening;	       /* stopped by a signal, waits for SIGCONT */
	uint64_t switches;     /* of a process with socket_timeouts */
	uint64_t ran_ns;       /* on a processor, when first seen busy since
				* its last stop; 0: not seen */
	bool spinning;	       /* busy, and only its timer can end that */
	struct task *next;     /* in its hash bucket */
};

enum { TASK_BUCKETS = 1024 };

struct task_table {
	struct task *bucket[TASK_BUCKETS];
	struct process *processes;
	struct task **all; /* dense, for the look at each quiet moment */
	size_t count, room;
};

struct task *task_find(const struct task_table *table, pid_t tid);
/* A task of process @tgid. Never NULL (out of memory is fatal). */
struct task *task_add(struct task_table *table, pid_t tid, pid_t tgid);
/* Forget it; returns its process when this was the last task, for the caller
 * to clean up and free(). */
struct process *task_remove(struct task_table *table, struct task *task);
struct process *task_process(const struct task_table *table, pid_t tgid);
void task_table_release(struct task_table *table);

/* Tgid from /proc; @tid itself when the task is gone. */
pid_t task_read_tgid(pid_t tid);
/* Its number in its own (innermost) PID namespace; @tid itself when gone. */
pid_t task_read_inner_tid(pid_t tid);
/* State letter from /proc/…/stat; 0 when the task is gone. */
char task_state(struct task *task);
/* The call it sleeps in. false: it runs, or is gone. */
struct task_call {
	long nr;
	uint64_t args[6], sp, ip;
};
bool task_blocked_call(struct task *task, struct task_call *ret);
/* False: it runs, or is about to (see clock.c). */
bool task_is_off_queue(struct task *task);
/* How often it was put on a processor; 0 when unknown. */
uint64_t task_switches(struct task *task);
/* Which program it runs; false when unknown. */
bool task_program(const struct task *task, struct task_file *ret);
/* How long it has been on a processor, host ns; 0 when unknown. */
uint64_t task_ran_ns(struct task *task);
/* A descriptor of our own for the open file behind its @fd (pidfd_getfd, Linux
 * 5.6), to be closed; -1 when there is none. */
int task_borrow_fd(const struct task *task, int fd);

#endif
