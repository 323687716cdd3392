/* SPDX-License-Identifier: MIT */
/*
 * JUnit XML: one testsuite per target, one testcase per scenario. "fail" is
 * a failure, "error" an error, "unsupported" is skipped.
 */
#ifndef HARNESS_REPORT_JUNIT_H
#define HARNESS_REPORT_JUNIT_H

#include <stdio.h>

#include "harness/judge/verdict.h"

/* 0, or -EIO when @out has failed. */
int report_junit(FILE *out, const struct verdict *verdicts, size_t count);

#endif
