/* SPDX-License-Identifier: MIT */
/*
 * What the reports say of the run, against what happened in it: dates, names,
 * addresses, and whether success was told to who asked for it. The linter
 * (deadmx/ndr.h) sees the form of a report only; this is about its truth.
 */
#ifndef HARNESS_JUDGE_TRUTH_H
#define HARNESS_JUDGE_TRUTH_H

#include "harness/judge/attempts.h"
#include "harness/target.h"

/* A date may be so far from the event: clocks are set to the second, and a
 * mail comes in some time before it is queued. */
#define TRUTH_SLACK_S 60

/* Adds its findings to @v. */
void truth_check(const struct attempts *a, const struct target *target,
		 struct verdict *v);

#endif
