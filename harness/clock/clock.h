/* SPDX-License-Identifier: MIT */
/*
 * The virtual clock: runs a process tree under ptrace so that time stands
 * still while anything runs and jumps when all is quiet.
 *
 * One struct clock per traced tree, one tree per (single-threaded) process:
 * the tracer waits for all its tracees with wait4(-1). The caller makes the
 * tree's first process and hands it over while it is stopped.
 */
#ifndef HARNESS_CLOCK_CLOCK_H
#define HARNESS_CLOCK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

struct clock_stats {
	uint64_t jumps, stops, forks, execs, looks;
	int64_t host_ns, virtual_ns;
	uint64_t *calls; /* stops by row of the call table; NULL: not kept */
};

/* Rows of the call table, for reports. */
size_t clock_call_count(void);
const char *clock_call_name(size_t row);

struct clock_options {
	int64_t start_unix_ns; /* virtual CLOCK_REALTIME at the start */
	bool bias_file_times;  /* sandbox: explicit file times are stored
				* with a bias, so none is ambiguous */
	bool external;	       /* input may come from outside the tree: being
				* asleep without a deadline is no end */
	FILE *trace;	       /* a line per jump: when, and who is woken */
	bool count_calls;      /* keep clock_stats.calls */
	int cpu;	       /* pin tree and tracer here; -1: any one */
	/* Called at each quiet moment before the clock may jump; drains the
	 * event pipe. Returns true when it did something that may have woken
	 * the tree: then the clock looks again. May be NULL. */
	bool (*on_quiet)(void *arg);
	/* A connect() of a stream socket to an internet address by a task of
	 * the tree; IPv4 that is mapped into IPv6 comes as IPv4. */
	void (*on_connect)(void *arg, pid_t tgid, const struct sockaddr *addr,
			   socklen_t len);
	void (*on_jump)(void *arg, int64_t virtual_ns);
	/* A call with a time-out that the clock can't handle; once per call. */
	void (*on_unhandled)(void *arg, const char *call);
	/* Asked between stops; true ends the run (the tree is killed). */
	bool (*should_stop)(void *arg);
	void *arg;
};

struct clock;

/*
 * The traced side: call in the child that is to become the tree, just before
 * exec. Stops until the tracer has seized it, installs the seccomp filter.
 * Negative errno on failure.
 */
int clock_traceme(void);

/*
 * Seize @pid, which is in clock_traceme(). 0, or a negative errno with one
 * line on @errors (what is missing and how to get it): the machine can't.
 */
int clock_new(const struct clock_options *options, pid_t pid, FILE *errors,
	      struct clock **ret);

/*
 * Run until the first process of the tree has ended (@ret_status as from
 * waitpid), or should_stop said so (-ECANCELED), or nothing can ever happen
 * any more (-EDEADLK: all asleep, no deadline), or the tree spins without
 * end (-ETIME). The rest of the tree is killed on return.
 */
int clock_run(struct clock *c, int *ret_status);
int64_t clock_virtual_ns(const struct clock *c); /* since the start */
/* The same with the microseconds that reads have added since the last jump: no
 * program of the tree has read a later time. */
int64_t clock_latest_ns(const struct clock *c);
void clock_stats(const struct clock *c, struct clock_stats *ret);
void clock_free(struct clock *c);

/* Host time, for reports only: monotonic ns. The one place that reads it. */
int64_t clock_host_ns(void);

#endif
