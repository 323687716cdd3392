/* SPDX-License-Identifier: MIT */
/*
 * The clock page: virtual now, shared with every traced process.
 *
 * Only the tracer writes the bases, and only while all is quiet; so readers
 * need no lock. A read adds one to @reads and sees base + reads × 1 µs: time
 * always increases. After PAGE_READS_MAX reads without a jump the code in
 * the vDSO's place falls back to the system call, so that a program which
 * only looks at the clock until it moves comes back to the tracer.
 */
#ifndef HARNESS_CLOCK_PAGE_H
#define HARNESS_CLOCK_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	PAGE_READ_STEP_NS = 1000, /* known to the code in arch_x86_64.c */
	PAGE_READS_MAX = 4096,	  /* reads; the same */
};

struct clock_page {
	int64_t real_ns;       /* offset 0: CLOCK_REALTIME */
	int64_t mono_ns;       /* offset 8: CLOCK_MONOTONIC, BOOTTIME */
	_Atomic int64_t reads; /* offset 16 */
};

#endif
