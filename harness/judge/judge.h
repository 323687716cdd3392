/* SPDX-License-Identifier: MIT */
/*
 * The judge: a pure function of scenario, target, event log and received
 * messages. It runs nothing and reads no clock.
 */
#ifndef HARNESS_JUDGE_JUDGE_H
#define HARNESS_JUDGE_JUDGE_H

#include <stdio.h>

#include "harness/judge/verdict.h"
#include "harness/target.h"

/* Limits, tested in tests/unit/test_judge.c. */
enum {
	JUDGE_EVENT_LINE_MAX = 1 << 20, /* bytes */
	JUDGE_EVENTS_MAX = 5 * 1000 * 1000,
	JUDGE_MESSAGE_BYTES_MAX = 32 << 20,
};

/*
 * Judge the run stored in @dir (events.ndjson, msg-N.eml). @ret is filled
 * in; the caller calls verdict_release(). 0, or a negative errno when the
 * folder can't be read (one line on @errors).
 */
int judge_run(const struct deadmx_scenario *scenario,
	      const struct target *target, const char *dir, FILE *errors,
	      struct verdict *ret);

/*
 * The same for `deadmx judge DIR`: loads DIR/scenario.yml and DIR/target.yml
 * first.
 */
int judge_dir(const char *dir, FILE *errors, struct verdict *ret);

#endif
