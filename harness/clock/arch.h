/* SPDX-License-Identifier: MIT */
/*
 * Everything the clock must know about the processor: registers of a stopped
 * task, its system call convention, and the code put in the vDSO's place.
 *
 * x86-64 today (arch_x86_64.c). Another processor needs this header's
 * functions in a file of its own; the rest of the clock has no register name.
 */
#ifndef HARNESS_CLOCK_ARCH_H
#define HARNESS_CLOCK_ARCH_H

#include <linux/audit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#if defined(__x86_64__)
#define ARCH_AUDIT AUDIT_ARCH_X86_64
#else
#error "the virtual clock has no code for this processor yet (x86-64 only)"
#endif

struct arch_regs {
	struct user_regs_struct user;
};

int arch_regs_get(pid_t tid, struct arch_regs *ret);
int arch_regs_set(pid_t tid, const struct arch_regs *regs);

/* The call's number; negative when the task is not inside a call. */
long arch_nr(const struct arch_regs *regs);
void arch_set_nr(struct arch_regs *regs, long nr);
uint64_t arch_arg(const struct arch_regs *regs, int index); /* 0..5 */
void arch_set_arg(struct arch_regs *regs, int index, uint64_t value);
long arch_ret(const struct arch_regs *regs);
void arch_set_ret(struct arch_regs *regs, long ret);
uint64_t arch_ip(const struct arch_regs *regs);
uint64_t arch_sp(const struct arch_regs *regs);
/* Arguments and number as in @from: callers rely on their registers. */
void arch_restore_call(struct arch_regs *regs, const struct arch_regs *from);
/*
 * The call ends here with @ret: it is not run (entry), or not restarted
 * (exit).
 */
void arch_finish_call(struct arch_regs *regs, long ret);
/* A free place on the task's stack, below what its ABI may use. */
uint64_t arch_scratch(const struct arch_regs *regs, size_t bytes);

/* True in a task that runs the processor's 32-bit code. */
bool arch_is_compat(const struct arch_regs *regs);

/*
 * True when the code after the call at @regs can't tell that an argument
 * register has changed: it looks at the result and returns to its caller.
 */
bool arch_call_returns_at_once(pid_t tid, const struct arch_regs *regs);

/*
 * Take the vDSO from a task that stands at PTRACE_EVENT_EXEC: its clock
 * functions are replaced by code that reads the clock page (SysV segment
 * @shmid, attached into the task here). When that can't be done, or @shmid is
 * negative, the vDSO is hidden from the program instead, which then reads
 * time by system call. Leaves the task stopped. 0, or -ESRCH when the task
 * has died.
 */
int arch_exec_fix(pid_t tid, int shmid);

#endif
