/* SPDX-License-Identifier: MIT */
/* What --json holds: see docs/json.md. */
#ifndef HARNESS_REPORT_JSON_H
#define HARNESS_REPORT_JSON_H

#include <stdio.h>

#include "harness/judge/verdict.h"

/*
 * The @i-th of the verdicts, for the reader to release; 0 or a negative errno.
 * Thousands of runs with all their attempts are too much to hold at once.
 */
typedef int (*report_json_get_cb)(void *arg, size_t i, struct verdict *ret);

/* 0, -EIO when @out has failed, or what @get has returned. */
int report_json_each(FILE *out, size_t count, report_json_get_cb get,
		     void *arg);
/* 0, or -EIO when @out has failed. */
int report_json(FILE *out, const struct verdict *verdicts, size_t count);
/* One run alone: verdict.json of a run folder. */
int report_json_one(FILE *out, const struct verdict *verdict);

#endif
