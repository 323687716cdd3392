/* SPDX-License-Identifier: MIT */
/*
 * TAP 13: one test point per run; the findings of one that is not ok follow
 * as a YAML block. "unsupported" is skipped.
 */
#ifndef HARNESS_REPORT_TAP_H
#define HARNESS_REPORT_TAP_H

#include <stdio.h>

#include "harness/judge/verdict.h"

/* 0, or -EIO when @out has failed. */
int report_tap(FILE *out, const struct verdict *verdicts, size_t count);

#endif
