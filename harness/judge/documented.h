/* SPDX-License-Identifier: MIT */
/*
 * What the target documents of itself, and what RFC 5321 4.5.4.1 says of
 * retries, held against each run, whatever the scenario expects.
 *
 * Only where the log leaves no doubt: one mail to one recipient of a domain,
 * whose attempts are all connections. What a scenario asks for goes first.
 */
#ifndef HARNESS_JUDGE_DOCUMENTED_H
#define HARNESS_JUDGE_DOCUMENTED_H

#include "harness/judge/attempts.h"
#include "harness/target.h"

enum {
	/* Retries less than this apart are no pause. */
	DOCUMENTED_NO_PAUSE_S = 30,
	/* Gaps that must be seen before something is said of them all. */
	DOCUMENTED_GAPS_MIN = 4,
};

/* A delay notice takes so long, from when it is made, to be delivered. */
#define DOCUMENTED_NOTICE_NS (10 * 60 * DEADMX_NS_PER_S)

/* Adds to @v; after expect_check(), which may have said it already. */
void documented_check(const struct attempts *a, const struct target *target,
		      struct verdict *v);

#endif
