/* SPDX-License-Identifier: MIT */
/*
 * What the scenario expects, held against what happened.
 *
 * Counts are delivery rounds. Times count from the mail's injection. MTAs
 * keep time in whole seconds, so a time up to one second outside of a bound
 * still is on it.
 */
#ifndef HARNESS_JUDGE_EXPECT_H
#define HARNESS_JUDGE_EXPECT_H

#include "harness/judge/attempts.h"
#include "harness/target.h"

#define EXPECT_WHOLE_SECOND_NS DEADMX_NS_PER_S

/* Adds to @v a finding for each expectation that did not come true. */
void expect_check(const struct attempts *a, const struct target *target,
		  struct verdict *v);

/*
 * The sender of @p had to be told and was not: say so, with what became of
 * the mail. @where as in struct finding.
 */
void expect_missing_ndr(const struct attempts *a, const struct target *target,
			const struct attempts_party *p, const char *where,
			struct verdict *v);

/* Does the scenario break a server of @domain, or its DNS? */
bool expect_is_broken(const struct deadmx_scenario *s, const char *domain);

#endif
