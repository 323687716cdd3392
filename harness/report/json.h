/* SPDX-License-Identifier: MIT */
/* What --json holds: see docs/json.md. */
#ifndef HARNESS_REPORT_JSON_H
#define HARNESS_REPORT_JSON_H

#include <stdio.h>

#include "harness/judge/verdict.h"

/* 0, or -EIO when @out has failed. */
int report_json(FILE *out, const struct verdict *verdicts, size_t count);
/* One run alone: verdict.json of a run folder. */
int report_json_one(FILE *out, const struct verdict *verdict);

#endif
