/* SPDX-License-Identifier: MIT */
/*
 * The table for people: a line per run, under each that did not pass (or has
 * something to tell) its findings.
 */
#ifndef HARNESS_REPORT_TABLE_H
#define HARNESS_REPORT_TABLE_H

#include <stdio.h>

#include "harness/judge/verdict.h"

/* 0, or -EIO when @out has failed. */
int report_table(FILE *out, const struct verdict *verdicts, size_t count);

#endif
